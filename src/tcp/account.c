/* SPDX-License-Identifier: MIT */
/*
 * The counters of la_config.metrics: how many connections are in which state, how long they stayed there, how they ended. Nothing is
 * remembered for it: a connection knows when each stage began (stage_ms), a half-open record its retries, a TIME-WAIT record its end.
 */
#include "tcp/tcp.h"

/* Others are counted by their records: half-open, TIME-WAIT, listeners. */
static bool a_connections(unsigned st) { return st != LA_CLOSED && st != LA_LISTEN && st != LA_TIME_WAIT; }

la_time la__state_since(const struct conn *c) {
  uint32_t ms = 0;
  switch (c->state) {
  case LA_ESTABLISHED:
    ms = c->stage_ms[0];
    break;
  case LA_FIN_WAIT_1:
  case LA_CLOSE_WAIT:
    ms = c->stage_ms[1];
    break;
  case LA_FIN_WAIT_2:
  case LA_CLOSING:
  case LA_LAST_ACK:
    ms = c->stage_ms[2];
    break;
  default:
    break;
  }
  return c->opened + (ms ? ms - 1 : 0) * LA_MS;
}

la_time la__half_since(const struct tcp *t, const struct half *h) {
  unsigned steps = la__admit_pending(h) ? t->cfg.synack_retries : h->retries; /* what has been waited: 1, 3, 7, ... times the first RTO */
  la_time all = (t->cfg.rto_initial << (steps + 1)) - t->cfg.rto_initial;
  la_time due = half_due(h, t->now);
  return due > all ? due - all : 0;
}

void la__account_time(struct tcp *t, enum la_state st, la_time since) {
  la_metrics *m = t->cfg.metrics;
  if (!m)
    return;
  la_time ms = t->now > since ? (t->now - since) / LA_MS : 0;
  unsigned k = ms <= 1 ? 0 : (unsigned)(65 - __builtin_clzll(ms - 1)) / 2; /* the least with ms <= 4^k */
  m->times[st][k < LA_TIMES ? k : LA_TIMES - 1]++;
  m->time_ms[st] += ms;
}

/* A half-open record that becomes a connection has not been one in SYN-RECEIVED. */
void la__account_moved(struct tcp *t, const struct conn *c, enum la_state to) {
  la_metrics *m = t->cfg.metrics;
  if (a_connections(c->state) && !(c->state == LA_SYN_RECEIVED && c->flags & CF_PASSIVE)) {
    m->now[c->state]--;
    la__account_time(t, (enum la_state)c->state, la__state_since(c));
  }
  if (a_connections(to))
    m->now[to]++;
}

enum la_first la__first_fin(const struct conn *c) {
  return c->flags & CF_SIMULTANEOUS  ? LA_FIRST_BOTH
         : c->flags & CF_FIRST_LOCAL ? LA_FIRST_LOCAL
         : c->flags & CF_FIRST_PEER  ? LA_FIRST_PEER
                                     : LA_FIRST_NOBODY;
}

void la__account_end(struct tcp *t, enum la_why why, enum la_first first) {
  if (t->cfg.metrics)
    t->cfg.metrics->ends[why][first]++;
}
