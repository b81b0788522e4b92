/* SPDX-License-Identifier: MIT */
/* Reno: slow start and congestion avoidance (RFC 5681), by bytes (RFC 3465). */
#include "base/seq.h"
#include "tcp/tcp.h"

static void newreno_start(struct tcp *t, struct conn *c, union cc_state *s) {
  (void)t;
  (void)c;
  s->reno.acked = 0;
}

static void newreno_ack(const struct tcp *t, struct conn *c, union cc_state *s, const struct cc_ack *a) {
  (void)t;
  if (!a->limited)
    return;
  uint32_t left = la__cc_slow_start(c, a->delivered);
  if (c->cwnd < c->ssthresh)
    return;
  s->reno.acked += left;
  while (s->reno.acked >= c->cwnd) { /* one SMSS a round trip, nothing added (RFC 2525 2.6) */
    s->reno.acked -= c->cwnd;
    c->cwnd += c->mss;
  }
}

/* Equation (4): half of what is in flight, without what limited transmit has added. */
static uint32_t newreno_reduce(struct tcp *t, struct conn *c, union cc_state *s, enum cc_event why) {
  (void)t;
  uint32_t flight = c->snd_nxt - c->snd_una;
  s->reno.acked = 0;
  if (why != CC_RTO && flight > c->cwnd)
    flight = c->cwnd;
  return la__cc_at_least(flight / 2, c->mss);
}

const struct cc_module la__cc_newreno = {.name = "reno", .start = newreno_start, .ack = newreno_ack, .reduce = newreno_reduce};
