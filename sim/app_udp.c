/* SPDX-License-Identifier: MIT */
/* The applications' UDP sockets: they read all that comes, and write down what they are told. */
#include "sim/world.h"

#include <stdlib.h>

struct usock *la__app_udp(struct host *h, uint16_t port, const la_addr *remote, uint16_t rport) {
  struct world *w = h->w;
  struct usock *u = calloc(1, sizeof *u);
  if (!u)
    abort();
  w->usock = la__grow(w->usock, &w->usocks_cap, w->nusocks, sizeof(struct usock *));
  w->usock[w->nusocks++] = u;
  u->h = h;
  u->err = LA_EINVAL;
  u->err_at = LA_NEVER;
  if (!h->st)
    return u;
  la_udp_opts o = {.port = port, .remote_port = rport, .user = u};
  if (remote)
    o.remote = *remote;
  u->err = la_udp_open(h->st, &o, &u->handle);
  la__failing_told(w, u->err);
  u->open = u->err == LA_OK;
  if (u->open)
    la_udp_local(h->st, u->handle, &(la_addr){0}, &u->port);
  la__note(h, "UDP socket on port %u%s", u->port, u->open ? "" : ": no");
  return u;
}

void la__app_udp_send(struct usock *u, const la_addr *to, uint16_t port, const void *data, size_t n) {
  if (!u->open)
    return;
  u->err = la_udp_send(u->h->st, u->handle, to, port, data, n);
  la__failing_told(u->h->w, u->err);
  if (u->err == LA_OK)
    la__note(u->h, "send %zu bytes", n);
  else
    la__note(u->h, "send %zu bytes: %s", n, la_err_name(u->err));
  la__host_kick(u->h);
}

void la__app_udp_close(struct usock *u) {
  if (!u->open)
    return;
  u->open = false;
  u->err = la_udp_close(u->h->st, u->handle);
  la__note(u->h, "UDP socket on port %u closed", u->port);
  la__host_kick(u->h);
}

void la__app_udp_event(struct host *h, const la_event *e) {
  struct usock *u = e->user;
  la__law(h->w, LAW_ONE_END, u && u->open, "%s: %s for a socket that is closed", h->name, la_event_name(e->type));
  if (!u || !u->open)
    return;
  if (e->type == LA_EVENT_UDP_ERROR) {
    u->errors++;
    u->err_at = h->w->now;
    u->err_told = e->err;
    u->err_remote = e->remote;
    u->err_port = e->remote_port;
    la__note(h, "UDP ERROR: %s, port %u", la_err_name(e->err), e->remote_port);
  }
  la_udp_from from;
  for (ptrdiff_t n; e->type == LA_EVENT_UDP_READABLE && (n = la_udp_recv(h->st, u->handle, &from, u->last, sizeof u->last)) >= 0;) {
    u->received++;
    u->last_len = (size_t)n;
    u->from = from.addr;
    u->from_port = from.port;
  }
}
