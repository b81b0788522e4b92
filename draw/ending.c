/* SPDX-License-Identifier: MIT */
#include "draw/ending.h"

#include <stdarg.h>
#include <stdio.h>

struct text {
  char *buf;
  size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(t->buf + t->len, ENDING_TEXT - t->len, fmt, ap);
  va_end(ap);
  if (n > 0)
    t->len += (size_t)n;
  if (t->len >= ENDING_TEXT)
    t->len = ENDING_TEXT - 1;
}

static void add_end(struct text *t, const la_addr *addr, unsigned port) {
  char text[LA_ADDR_TEXT];
  add(t, addr->family == 6 ? "[%s]:%u" : "%s:%u", la_addr_text(addr, text), port);
}

static bool released(const la_end *e) {
  return e->how == LA_HOW_FOUR_SEGMENTS || e->how == LA_HOW_THREE_SEGMENTS || e->how == LA_HOW_SIMULTANEOUS;
}

/* An orderly release is told by who closed first, anything else by who ended it. */
static void add_who(struct text *t, const la_end *e) {
  if (released(e)) {
    if (e->how == LA_HOW_SIMULTANEOUS)
      add(t, ", closed by both at once");
    else if (e->first_fin != LA_BY_NOBODY)
      add(t, ", closed first by %s", la_who_name(e->first_fin));
  } else if (e->who != LA_BY_NOBODY) {
    add(t, " by %s", la_who_name(e->who));
  }
  if (e->why != LA_WHY_NONE)
    add(t, " (%s)", la_why_name(e->why));
  if (!released(e))
    add(t, " in %s", la_state_name(e->state));
}

static void add_time_wait(struct text *t, const la_end *e) {
  static const char *const carrier[] = {"nobody", "us", "peer", "both"};
  if (released(e) || e->time_wait != LA_TW_NOBODY)
    add(t, ", TIME-WAIT carried by %s", (unsigned)e->time_wait <= LA_TW_BOTH ? carrier[e->time_wait] : "?");
}

/* Milliseconds below ten seconds, else seconds or hours: what a person reads at a glance. */
static void add_duration(struct text *t, la_time d) {
  unsigned long long us = d / LA_US;
  if (us < 10000000)
    add(t, "%llu.%llu ms", us / 1000, us % 1000 / 100);
  else if (us < 7200000000)
    add(t, "%llu.%llu s", us / 1000000, us % 1000000 / 100000);
  else
    add(t, "%llu.%llu h", us / 3600000000, us % 3600000000 / 360000000);
}

char *la__ending_text(const la_end *e, char *buf) {
  struct text t = {buf, 0};
  buf[0] = 0;
  add_end(&t, &e->local, e->local_port);
  add(&t, e->passive ? " <- " : " -> ");
  add_end(&t, &e->remote, e->remote_port);
  add(&t, ": %s", la_how_name(e->how));
  add_who(&t, e);
  add_time_wait(&t, e);
  add(&t, "; %llu bytes in, %llu out, %u retransmission%s, ", (unsigned long long)e->bytes_in, (unsigned long long)e->bytes_out,
      e->retransmits, e->retransmits == 1 ? "" : "s");
  add_duration(&t, e->ended > e->opened ? e->ended - e->opened : 0);
  return buf;
}

const char *la__clock_name(const la_trace_rec *r) {
  if (r->cause == LA_ON_2MSL)
    return "2MSL";
  if (r->cause != LA_ON_TIMEOUT)
    return NULL;
  switch (r->why) {
  case LA_WHY_RETRANSMIT:
  case LA_WHY_LAST_ACK:
    return "R2";
  case LA_WHY_SYN_TIMEOUT:
    return "SYN time-out";
  case LA_WHY_KEEPALIVE:
    return "keepalive time-out";
  case LA_WHY_USER_TIMEOUT: /* with a RST it is la_close_by's */
    return r->how == LA_HOW_RESET ? "deadline of the close" : "user time-out";
  case LA_WHY_FIN_WAIT_2:
    return "FIN-WAIT-2 time-out";
  default:
    return r->from == LA_SYN_RECEIVED ? "SYN-ACK time-out" : "time-out";
  }
}
