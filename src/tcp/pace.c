/* SPDX-License-Identifier: MIT */
/*
 * Pacing: bytes that the windows allow wait for the time that the rate gives them. A connection is paced when its congestion control gives
 * the rate (BBR), or when the application has set a limit (LA_OPT_MAX_PACING_RATE). With a limit alone the rate is at most that, and
 * otherwise what carries cwnd twice in a round trip while slow start may still double it, or 1.2 times, as Linux has it: room to grow, but
 * no bursts. Without either segments go when the windows let them. What is sent again after a loss is recovery's to time, but for BBR,
 * which paces that too; no window probe is paced.
 */
#include "tcp/tcp.h"

uint64_t la__pace_rate(const struct conn *c) {
  uint64_t rate = UINT64_MAX, most = conn_wish(c)->pacing_max;
  if (la__cc_own(c)) {
    rate = la__cc_rate(c);
  } else if (c->srtt) { /* times 8 */
    uint64_t part = c->cwnd < c->ssthresh / 2 ? 200 : 120;
    rate = (uint64_t)c->cwnd * part * 80000 / c->srtt;
  }
  return most && most < rate ? most : rate;
}

bool la__paced(const struct conn *c) { return conn_wish(c)->pacing_max || la__cc_own(c); }

bool la__pace_ready(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  if (!q)
    return true;
  q->pace_wait = la__paced(c) && q->pace_at > t->now;
  if (q->pace_wait)
    la__pace_clock(t, c);
  return !q->pace_wait;
}

/* A sender that comes late has a credit, of half a segment's time at most (Linux's rule). */
void la__pace_sent(const struct tcp *t, struct conn *c, uint32_t bytes) {
  struct sndq *q = c->sndq;
  if (!q || !bytes || !la__paced(c))
    return;
  uint64_t rate = la__pace_rate(c);
  if (rate == UINT64_MAX)
    return;
  la_time takes = (la_time)bytes * LA_SEC / (rate ? rate : 1), late = q->pace_at ? t->now - q->pace_at : 0;
  q->pace_at = t->now + takes - (late < takes / 2 ? late : takes / 2);
}
