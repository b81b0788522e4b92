/* SPDX-License-Identifier: MIT */
/*
 * The applications: they do what the scenario tells them and what their conduct says, and write down all that they
 * are told. Each connection writes a pattern of its own, so that bytes of another incarnation are recognized.
 */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

static uint8_t pattern(unsigned id, size_t i) { return (uint8_t)(((uint32_t)i * 2654435761u ^ (id + 1) * 2246822519u) >> 15); }

static bool usable(const struct conn *c) { return c && c->open && !c->released && c->h->st && c->boot == c->h->boots; }

/* Trace records of a call must be taken before time passes; what the call wants sent leaves in the host's turn. */
static void called(struct host *h) {
  la__host_drain(h);
  la__host_kick(h);
}

static struct conn *conn_new(struct host *h, const struct conduct *how) {
  struct world *w = h->w;
  struct conn *c = calloc(1, sizeof *c);
  if (!c)
    abort();
  w->conn = la__grow(w->conn, &w->conns_cap, w->nconns, sizeof(struct conn *));
  c->id = (unsigned)w->nconns;
  w->conn[w->nconns++] = c;
  c->h = h;
  c->boot = h->boots;
  if (how)
    c->how = *how;
  c->at_open = c->at_eof = c->at_end = c->at_recv = LA_NEVER;
  return c;
}

struct conn *la__app_nobody(struct host *h) {
  struct conn *c = conn_new(h, NULL);
  c->err = LA_ENOTCONN;
  c->closed = true;
  return c;
}

/* The other end is the latest connection with the mirrored pair that has no other end yet. */
static void find_peer(struct conn *c) {
  struct world *w = c->h->w;
  for (size_t i = w->nconns; i-- > 0 && !c->peer;) {
    struct conn *o = w->conn[i];
    if (o->h != c->h && !o->peer && la_addr_same(&o->remote, &c->h->addr) && la_addr_same(&c->remote, &o->h->addr) &&
        o->lport == c->rport && o->rport == c->lport) {
      c->peer = o;
      o->peer = c;
    }
  }
}

static void take_tuple(struct conn *c) {
  la_info_rec i;
  if (la_info(c->h->st, c->handle, &i) != LA_OK)
    return;
  c->remote = i.remote;
  c->lport = i.local_port;
  c->rport = i.remote_port;
  la__watch_state(c->h, &c->remote, c->lport, c->rport, &c->inc);
}

static struct lsn *listen_on(struct host *h, uint16_t port, uint32_t backlog, bool reuse) {
  struct world *w = h->w;
  struct lsn *l = calloc(1, sizeof *l);
  if (!l)
    abort();
  w->lsn = la__grow(w->lsn, &w->lsns_cap, w->nlsns, sizeof(struct lsn *));
  w->lsn[w->nlsns++] = l;
  l->h = h;
  l->err = LA_EINVAL;
  if (!h->st)
    return l;
  la_listen_opts o = {.port = port, .backlog = backlog, .reuse_addr = reuse, .user = l};
  l->err = la_listen(h->st, &o, &l->handle);
  la__failing_told(w, l->err);
  l->open = l->err == LA_OK;
  if (l->open)
    la__note(h, "listen on %u", port);
  else
    la__note(h, "listen on %u: %s", port, la_err_name(l->err));
  called(h);
  return l;
}
struct lsn *la__app_listen(struct host *h, uint16_t port, uint32_t backlog, bool reuse, const struct conduct *how) {
  struct lsn *l = listen_on(h, port, backlog, reuse);
  if (how)
    l->how = *how;
  return l;
}
struct lsn *la__app_listen_manual(struct host *h, uint16_t port, uint32_t backlog) {
  struct lsn *l = listen_on(h, port, backlog, false);
  l->manual = true;
  return l;
}
void la__app_unlisten(struct lsn *l) {
  if (!l->open)
    return;
  l->open = false;
  la_listener_close(l->h->st, l->handle, l->h->w->now);
  la__note(l->h, "listener closed");
  called(l->h);
}

struct conn *la__app_accept(struct lsn *l) {
  if (!l->open)
    return NULL;
  struct world *w = l->h->w;
  struct conn *c = conn_new(l->h, &l->how);
  c->err = la_accept(l->h->st, l->handle, c, &c->handle);
  la__failing_told(w, c->err);
  if (c->err != LA_OK) {
    w->nconns--;
    free(c);
    return NULL;
  }
  l->accepts++;
  c->open = c->passive = true;
  c->at_open = w->now;
  la__host_drain(l->h);
  take_tuple(c);
  find_peer(c);
  called(l->h);
  return c;
}

struct conn *la__app_connect(struct host *h, const la_addr *to, uint16_t port, uint16_t lport, const struct conduct *how) {
  struct conn *c = conn_new(h, how);
  c->err = LA_EINVAL;
  c->remote = *to;
  c->rport = port;
  c->lport = lport;
  c->closed = true;
  if (!h->st)
    return c;
  la_connect_opts o = {.remote = *to, .remote_port = port, .local_port = lport, .user = c};
  c->err = la_connect(h->st, &o, &c->handle, h->w->now);
  la__failing_told(h->w, c->err);
  c->open = c->err == LA_OK;
  c->closed = !c->open;
  if (c->open)
    la__note(h, "connect");
  else
    la__note(h, "connect: %s", la_err_name(c->err));
  la__host_drain(h);
  if (c->open)
    take_tuple(c);
  called(h);
  return c;
}

static void pump(struct conn *c) {
  uint8_t b[4096];
  while (usable(c) && !c->closed && c->tx_len < c->tx_want) {
    size_t n = c->tx_want - c->tx_len;
    n = n < sizeof b ? n : sizeof b;
    for (size_t i = 0; i < n; i++)
      b[i] = pattern(c->id, c->tx_len + i);
    ptrdiff_t r = la_send(c->h->st, c->handle, b, n);
    if (r == LA_AGAIN)
      return;
    la__failing_told(c->h->w, (int)r);
    if (r <= 0) {
      c->send_err = (int)r;
      c->tx_want = c->tx_len;
      break;
    }
    size_t got = (size_t)r;
    c->tx = la__grow(c->tx, &c->tx_cap, c->tx_len + got, 1);
    memcpy(c->tx + c->tx_len, b, got);
    c->tx_len += got;
  }
  if (!usable(c) || c->closed)
    return;
  if (c->fin_wanted) {
    c->fin_wanted = false;
    la_shutdown(c->h->st, c->handle, c->h->w->now);
    la__note(c->h, "shutdown");
  }
  if (c->close_wanted) {
    c->close_wanted = false;
    c->closed = true;
    la_close(c->h->st, c->handle, c->h->w->now);
    la__note(c->h, "close");
    c->released = c->nends > 0;
  }
}

void la__app_send(struct conn *c, size_t n) {
  if (!usable(c))
    return;
  if (c->fin_wanted || c->closed)
    return;
  c->tx_want = (c->tx_want > c->tx_len ? c->tx_want : c->tx_len) + n;
  la__note(c->h, "send %zu bytes", n);
  if (c->at_open != LA_NEVER)
    pump(c);
  called(c->h);
}
void la__app_shutdown(struct conn *c) {
  if (!usable(c) || c->closed)
    return;
  c->fin_wanted = true;
  pump(c);
  called(c->h);
}
void la__app_close(struct conn *c) {
  if (!usable(c) || c->closed)
    return;
  c->close_wanted = true;
  if (c->at_open == LA_NEVER)
    c->tx_want = c->tx_len;
  pump(c);
  called(c->h);
}
void la__app_abort(struct conn *c) {
  if (!usable(c) || c->closed)
    return;
  c->closed = true;
  la_abort(c->h->st, c->handle, c->h->w->now);
  la__note(c->h, "abort");
  c->released = c->nends > 0;
  called(c->h);
}
void la__app_stop(struct host *h, la_time deadline) {
  struct world *w = h->w;
  la__note(h, "stop");
  for (size_t i = 0; i < w->nlsns; i++)
    if (w->lsn[i]->h == h)
      la__app_unlisten(w->lsn[i]);
  for (size_t i = 0; i < w->nconns; i++) {
    struct conn *c = w->conn[i];
    if (c->h != h || !usable(c) || c->closed)
      continue;
    c->closed = true;
    c->err = la_close_by(h->st, c->handle, deadline, w->now);
    la__failing_told(w, c->err);
    c->released = c->nends > 0;
  }
  called(h);
}
void la__app_set(struct conn *c, enum la_opt opt, int64_t v) {
  if (!usable(c))
    return;
  c->err = la_set_option(c->h->st, c->handle, opt, v, c->h->w->now);
  la__failing_told(c->h->w, c->err);
  called(c->h);
}
bool la__app_info(struct conn *c, la_info_rec *i) {
  memset(i, 0, sizeof *i);
  return usable(c) && la_info(c->h->st, c->handle, i) == LA_OK;
}

static void close_later(void *ctx) { la__app_close(ctx); }

static void got(struct conn *c, const uint8_t *b, size_t n) {
  struct world *w = c->h->w;
  c->at_recv = w->now;
  if (c->peer) {
    bool ok = c->rx_len + n <= c->peer->tx_len && memcmp(b, c->peer->tx + c->rx_len, n) == 0;
    c->rx_bad |= !ok;
    if (!w->may_corrupt)
      la__law(w, LAW_STREAM, ok, "%s was given bytes at offset %zu that %s had not written there", c->h->name, c->rx_len, c->peer->h->name);
  }
  c->rx_len += n;
}

void la__app_take(struct conn *c, size_t n) {
  uint8_t b[256];
  ptrdiff_t r = usable(c) && !c->closed ? la_recv(c->h->st, c->handle, b, n < sizeof b ? n : sizeof b) : 0;
  if (r > 0)
    got(c, b, (size_t)r);
  called(c->h);
}

void la__app_recv(struct conn *c) {
  uint8_t b[8192];
  while (usable(c) && !(c->closed && !c->nends)) {
    ptrdiff_t r = la_recv(c->h->st, c->handle, b, sizeof b);
    if (r > 0) {
      got(c, b, (size_t)r);
      continue;
    }
    if (r == LA_AGAIN)
      break;
    if (r < 0) {
      c->recv_err = (int)r;
      break;
    }
    if (c->at_eof == LA_NEVER) {
      c->at_eof = c->h->w->now;
      if (c->peer && !c->h->w->may_corrupt)
        la__law(c->h->w, LAW_STREAM, c->rx_len == c->peer->tx_len, "%s: end of stream after %zu bytes, but %s wrote %zu", c->h->name,
                c->rx_len, c->peer->h->name, c->peer->tx_len);
      la__note(c->h, "end of stream");
      if (c->how.close_at_eof && !c->how.eof_after)
        la__app_close(c);
      else if (c->how.close_at_eof)
        la__at(c->h->w, c->h->w->now + c->how.eof_after, close_later, c);
    }
    break;
  }
}

static void ended(struct conn *c, const la_event *e) {
  struct world *w = c->h->w;
  c->nends++;
  la__law(w, LAW_ONE_END, c->nends == 1, "%s: END came %u times for one connection", c->h->name, c->nends);
  c->end = e->end;
  c->at_end = w->now;
  if (e->end.err == LA_OK)
    la__note(c->h, "END: %s, %s", la_how_name(e->end.how), la_why_name(e->end.why));
  else
    la__note(c->h, "END: %s, %s (%s)", la_err_name(e->end.err), la_how_name(e->end.how), la_why_name(e->end.why));
  if (!c->how.no_read || e->end.err != LA_OK)
    la__app_recv(c);
  if (!c->closed) {
    c->closed = true;
    la_close(c->h->st, c->handle, w->now);
  }
  c->released = true;
  la__host_drain(c->h);
}

static void accept_all(struct host *h, la_listener handle) {
  struct world *w = h->w;
  for (size_t i = 0; i < w->nlsns; i++) {
    struct lsn *l = w->lsn[i];
    if (l->h == h && l->open && l->handle.index == handle.index && l->handle.gen == handle.gen && !l->manual)
      while (la__app_accept(l))
        ;
  }
}

void la__app_event(struct host *h, const la_event *e) {
  if (la__beside_event(h, e->user, e->type, &e->end))
    return;
  if (e->type == LA_EVENT_ACCEPT) {
    accept_all(h, e->listener);
    return;
  }
  if (e->type >= LA_EVENT_UDP_READABLE && e->type <= LA_EVENT_UDP_ERROR) {
    la__app_udp_event(h, e);
    return;
  }
  if (e->type == LA_EVENT_ADDR_READY || e->type == LA_EVENT_ADDR_DUPLICATE)
    return; /* la_addr_state_get tells it too */
  struct conn *c = e->user;
  la__law(h->w, LAW_ONE_END, c && !c->released, "%s: %s for a connection that is gone", h->name, la_event_name(e->type));
  if (!c || c->released)
    return;
  if (c->nseen < SIM_SEEN)
    c->seen[c->nseen++] = (struct seen){h->w->now, e->type, e->err};
  switch (e->type) {
  case LA_EVENT_ESTABLISHED:
    c->at_open = h->w->now;
    find_peer(c);
    pump(c);
    break;
  case LA_EVENT_READABLE:
  case LA_EVENT_PEER_FIN:
    if (!c->how.no_read)
      la__app_recv(c);
    break;
  case LA_EVENT_WRITABLE:
    pump(c);
    break;
  case LA_EVENT_TROUBLE:
    la__note(h, "TROUBLE: %s", la_err_name(e->err));
    break;
  case LA_EVENT_END:
    ended(c, e);
    break;
  default:
    break;
  }
}

unsigned la__app_saw(const struct conn *c, enum la_event_type t) {
  unsigned n = 0;
  for (unsigned i = 0; i < c->nseen; i++)
    n += c->seen[i].type == t;
  return n;
}
la_time la__app_saw_since(const struct conn *c, enum la_event_type t, la_time since) {
  for (unsigned i = 0; i < c->nseen; i++)
    if (c->seen[i].type == t && c->seen[i].at >= since)
      return c->seen[i].at;
  return LA_NEVER;
}
la_time la__app_saw_at(const struct conn *c, enum la_event_type t) { return la__app_saw_since(c, t, 0); }
bool la__app_told(const struct conn *c, la_time at, int err) {
  for (unsigned i = 0; i < c->nseen; i++)
    if (c->seen[i].type == LA_EVENT_TROUBLE && c->seen[i].at == at && c->seen[i].err == err)
      return true;
  return false;
}
