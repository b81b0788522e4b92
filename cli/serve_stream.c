/* SPDX-License-Identifier: MIT */
/* The oldest services: echo (RFC 862), discard (RFC 863), character generator (RFC 864). */
#include <string.h>

#include "cli/serve.h"

enum { PIECE = 16384 };

struct echo {
  size_t from, to;
  char buf[PIECE];
};

/* Half-close: what came before the peer's FIN is echoed before ours. */
static void echo_run(struct session *s) {
  struct echo *e = s->app;
  la_stack *st = s->server->stack;
  for (;;) {
    while (e->from < e->to) {
      ptrdiff_t put = la_send(st, s->conn, e->buf + e->from, e->to - e->from);
      if (put == LA_AGAIN)
        return; /* reading goes on when there is room: so the peer's window closes */
      if (put < 0) {
        la__session_abort(s);
        return;
      }
      e->from += (size_t)put;
    }
    ptrdiff_t got = la_recv(st, s->conn, e->buf, sizeof e->buf);
    if (got == LA_AGAIN)
      return;
    if (got <= 0) {
      la__session_close(s);
      return;
    }
    e->from = 0;
    e->to = (size_t)got;
  }
}

/* Reads away what has come. true: the stream has ended, and the session is closed. */
static bool swallow(struct session *s) {
  char buf[PIECE];
  ptrdiff_t got;
  do
    got = la_recv(s->server->stack, s->conn, buf, sizeof buf);
  while (got > 0);
  if (got != LA_AGAIN)
    la__session_close(s);
  return got != LA_AGAIN;
}

static void discard_run(struct session *s) { swallow(s); }

/* Lines of 72 of the 95 printable characters, each starting one further; RFC 864's pattern. */
static void pattern(uint64_t at, char *buf, size_t n) {
  for (size_t i = 0; i < n; i++, at++) {
    unsigned col = (unsigned)(at % 74);
    buf[i] = col == 72 ? '\r' : col == 73 ? '\n' : (char)(' ' + (at / 74 + col) % 95);
  }
}

static void chargen_run(struct session *s) {
  uint64_t *at = s->app;
  char buf[PIECE];
  if (swallow(s)) /* the peer's close ends it: nobody could tell us otherwise when to stop */
    return;
  for (;;) {
    pattern(*at, buf, sizeof buf);
    ptrdiff_t put = la_send(s->server->stack, s->conn, buf, sizeof buf);
    if (put == LA_AGAIN)
      return;
    if (put < 0) {
      la__session_abort(s);
      return;
    }
    *at += (uint64_t)put;
  }
}

const struct service la__echo = {.name = "echo", .port = 7, .app_size = sizeof(struct echo), .run = echo_run};
const struct service la__discard = {.name = "discard", .port = 9, .run = discard_run};
const struct service la__chargen = {.name = "chargen", .port = 19, .app_size = sizeof(uint64_t), .run = chargen_run};
