/* SPDX-License-Identifier: MIT */
/*
 * Servers over one listener of a stack: a service is a function that moves what can be moved. Shared by serve and demo.
 *
 * A session is a connection with the service's own state. It is freed when END has been taken; closing it is the service's
 * business until then. Nothing here waits.
 */
#ifndef LA_CLI_SERVE_H
#define LA_CLI_SERVE_H

#include <time.h>

#include <lastack/lastack.h>

struct server;

struct session {
  struct server *server;
  la_conn conn;
  bool closed;    /* la_close or la_abort was called */
  bool answering; /* the service has something to send: its idle limit does not apply */
  la_time since;  /* of the last event */
  struct session *prev, *next;
  void *app; /* the service's state, app_size bytes, zero at first */
};

struct service {
  const char *name;
  uint16_t port; /* the default one */
  size_t app_size;
  la_time idle;                    /* a session that waits for its peer without an event for this long is closed; 0: never */
  void (*run)(struct session *s);  /* after accept and at each READABLE, WRITABLE and PEER_FIN */
  void (*done)(struct session *s); /* releases what the state refers to; may be NULL */
};
extern const struct service la__echo, la__discard, la__chargen, la__http;

struct site;
struct server {
  la_stack *stack;
  const struct service *service;
  const struct site *site; /* for la__http */
  void (*ended)(void *ctx, const la_end *end);
  void *ctx;
  /* private */
  la_listener listener;
  bool listening, accept_again;
  struct session *sessions;
  unsigned count;
  la_time now, sweep_at;
};
/* Listens on every address of the stack. A la_err. */
int la__server_listen(struct server *srv, uint16_t port);
/* To be called in each turn of the loop (la_host_hooks.work): takes the stack's events. */
void la__server_work(struct server *srv, la_time now);
/* When la__server_work must run at the latest, even if nothing comes. */
la_time la__server_deadline(const struct server *srv);
/* An END event that la__server_work does not get to see (la_host_hooks.ended). */
void la__server_ended(struct server *srv, const la_event *end);
/* Forgets all sessions without a word. */
void la__server_free(struct server *srv);

/* For services. */
void la__session_close(struct session *s);
void la__session_abort(struct session *s);

/* What la__http serves: a directory, or one page from a descriptor when `page` >= 0. */
struct site {
  int root, page;
};
struct site_file {
  int fd; /* the caller's to close */
  uint64_t size;
  time_t changed;
  const char *type;
};
/* Opens what an undecoded path of n bytes names. Returns an HTTP status: 200 and *out; 301: add a slash; 400; 404; 503. */
int la__site_open(const struct site *site, const char *path, size_t n, struct site_file *out);

#endif
