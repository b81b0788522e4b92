/* SPDX-License-Identifier: MIT */
/*
 * The loop's Unix socket on which its stacks answer questions: docs/monitor.md. monitor.c has the socket and the clients,
 * monitor_path.c the places, monitor_ask.c the requests, monitor_tell.c the answers.
 */
#ifndef LA_HOST_MONITOR_H
#define LA_HOST_MONITOR_H

#include <lastack/lastack.h>

#define MONITOR_VERSION 1
enum { MONITOR_CLIENTS = 8, MONITOR_REQUEST = 1024, MONITOR_OUT = 65536, MONITOR_LINE = 4096, MONITOR_LOOK = 2048, MONITOR_PATH = 90 };
#define MONITOR_PATIENCE (30 * LA_SEC) /* for a request to come, and for its answer to be taken */

/* ---- monitor_path.c ---- */

/* Where sockets are by default: the i-th folder, from 0; false past the last. */
bool la__monitor_dir(unsigned i, char *buf, size_t cap);
/* The present process's default path, in a folder that is made if need be; sockets there whose process is gone are removed. */
bool la__monitor_default(char *buf, size_t cap, char *err, size_t err_cap);
/* A listening socket, mode 0600; takes the place of one that nobody listens on any more. -1: err says why. */
int la__monitor_listen(const char *path, char *err, size_t err_cap);
/* A blocking connection. -1: errno. */
int la__monitor_connect(const char *path);

/* ---- monitor_ask.c ---- */

enum ask_what { ASK_HELLO, ASK_RECORDS, ASK_STATS, ASK_METRICS, ASK_HTTP_OTHER };
struct ask {
  enum ask_what what;
  uint32_t id;    /* of one connection; 0: all */
  uint32_t stack; /* only this; UINT32_MAX: all */
};
/* A line without its end. NULL, or what is wrong with it. */
const char *la__monitor_ask(const char *line, size_t n, struct ask *out);

/* ---- monitor_tell.c: each writes one line, or nothing and returns false when it has no room ---- */

struct tell {
  char *buf;
  size_t n, cap;
  bool full;
};
bool la__tell_hello(struct tell *t, const char *name, unsigned stacks, la_time now);
bool la__tell_record(struct tell *t, unsigned stack, la_stack *s, const la_each_rec *r, la_time now);
bool la__tell_stats(struct tell *t, unsigned stack, la_stack *s);
bool la__tell_end(struct tell *t, uint64_t records);
bool la__tell_error(struct tell *t, const char *text);
__attribute__((format(printf, 2, 3))) void la__tell_add(struct tell *t, const char *fmt, ...);

/* ---- monitor.c ---- */

void la__monitor_tick(la_host *h);
la_time la__monitor_deadline(const la_host *h);
void la__monitor_free(la_host *h);

#endif
