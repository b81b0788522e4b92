/* SPDX-License-Identifier: MIT */
/* Listener, sessions and events: what every service needs. */
#include <stdlib.h>
#include <string.h>

#include "cli/serve.h"

enum { BACKLOG = 1024, EVENTS = 64 };

int la__server_listen(struct server *srv, uint16_t port) {
  const la_listen_opts opts = {.port = port, .backlog = BACKLOG, .user = srv};
  int err = la_listen(srv->stack, &opts, &srv->listener);
  srv->listening = err == LA_OK;
  srv->sweep_at = LA_NEVER;
  return err;
}

static struct session *session_new(struct server *srv) {
  struct session *s = calloc(1, sizeof *s);
  if (s && srv->service->app_size && !(s->app = calloc(1, srv->service->app_size))) {
    free(s);
    return NULL;
  }
  if (s)
    s->server = srv;
  return s;
}

static void session_free(struct session *s) {
  if (s->server->service->done && s->conn.gen)
    s->server->service->done(s);
  free(s->app);
  free(s);
}

static void unlink_session(struct session *s) {
  struct server *srv = s->server;
  if (s->prev)
    s->prev->next = s->next;
  else
    srv->sessions = s->next;
  if (s->next)
    s->next->prev = s->prev;
  srv->count--;
}

static void link_session(struct session *s) {
  struct server *srv = s->server;
  s->since = srv->now;
  s->next = srv->sessions;
  if (s->next)
    s->next->prev = s;
  srv->sessions = s;
  srv->count++;
  if (srv->service->idle && srv->sweep_at == LA_NEVER)
    srv->sweep_at = srv->now + LA_SEC;
}

static void accept_all(struct server *srv) {
  srv->accept_again = false;
  while (srv->listening) {
    struct session *s = session_new(srv);
    if (!s) {
      srv->accept_again = true; /* memory: at the next turn; the backlog bounds what waits */
      return;
    }
    if (la_accept(srv->stack, srv->listener, s, &s->conn) != LA_OK) {
      s->conn.gen = 0;
      session_free(s);
      return;
    }
    link_session(s);
    srv->service->run(s);
  }
}

void la__session_close(struct session *s) {
  if (!s->closed)
    la_close(s->server->stack, s->conn, s->server->now);
  s->closed = true;
}

void la__session_abort(struct session *s) {
  if (!s->closed)
    la_abort(s->server->stack, s->conn, s->server->now);
  s->closed = true;
}

static void ended(struct session *s, const la_end *end) {
  struct server *srv = s->server;
  la__session_close(s); /* the handle lives until the application has closed it too */
  if (srv->ended)
    srv->ended(srv->ctx, end);
  unlink_session(s);
  session_free(s);
}

static void handle(struct server *srv, const la_event *ev) {
  struct session *s = ev->user;
  switch (ev->type) {
  case LA_EVENT_ACCEPT:
    accept_all(srv);
    break;
  case LA_EVENT_READABLE:
  case LA_EVENT_WRITABLE:
  case LA_EVENT_PEER_FIN:
    s->since = srv->now;
    if (!s->closed)
      srv->service->run(s);
    break;
  case LA_EVENT_END:
    ended(s, &ev->end);
    break;
  default:
    break;
  }
}

/* Closes sessions whose peer has been silent too long. */
static void sweep(struct server *srv) {
  for (struct session *s = srv->sessions; s; s = s->next)
    if (!s->closed && !s->answering && srv->now - s->since >= srv->service->idle)
      la__session_close(s);
  srv->sweep_at = srv->sessions ? srv->now + LA_SEC : LA_NEVER;
}

void la__server_work(struct server *srv, la_time now) {
  la_event ev[EVENTS];
  srv->now = now;
  if (srv->accept_again)
    accept_all(srv);
  for (size_t n; (n = la_events(srv->stack, ev, EVENTS)) > 0;)
    for (size_t i = 0; i < n; i++)
      handle(srv, &ev[i]);
  if (now >= srv->sweep_at)
    sweep(srv);
}

la_time la__server_deadline(const struct server *srv) { return srv->sweep_at; }

void la__server_ended(struct server *srv, const la_event *end) { handle(srv, end); }

void la__server_free(struct server *srv) {
  for (struct session *s = srv->sessions; s;) {
    struct session *next = s->next;
    session_free(s);
    s = next;
  }
  srv->sessions = NULL;
  srv->count = 0;
}
