/* SPDX-License-Identifier: MIT */
/* Congestion control: slow start and congestion avoidance (RFC 5681), initial window (RFC 6928). */
#include "base/seq.h"
#include "tcp/tcp.h"

static uint32_t flight(const struct conn *c) { return c->snd_nxt - c->snd_una; }

static uint32_t half(const struct conn *c, uint32_t bytes) {
  uint32_t least = 2u * c->mss;
  return bytes / 2 > least ? bytes / 2 : least; /* RFC 5681 equation (4) */
}

/* A SYN or SYN-ACK that was lost leaves one segment (RFC 5681 3.1). */
static uint32_t initial_window(const struct conn *c) {
  uint32_t mss = c->mss, floor = 2 * mss > 14600 ? 2 * mss : 14600;
  return c->flags & CF_SYN_LOST ? mss : 10 * mss < floor ? 10 * mss : floor;
}

void la__cc_init(struct conn *c) {
  c->cwnd = initial_window(c);
  c->ssthresh = UINT32_MAX / 2;
}

/* RFC 5681 4.1: what was learnt of the path is old. The keepalive clock too tells since when nothing has happened. */
void la__cc_restart(const struct tcp *t, struct conn *c) {
  la_time since =
    c->clock == CLK_KEEP ? c->clock_at - (c->keep_sent ? conn_wish(c)->keep_intvl : conn_wish(c)->keep_idle) * LA_SEC : c->clock_at;
  if (c->clock != CLK_NONE && c->clock != CLK_KEEP)
    return;
  uint32_t most = initial_window(c);
  if ((c->keep_sent || t->now - since > la__rto(t, c)) && c->cwnd > most)
    c->cwnd = most;
}

void la__cc_ack(struct conn *c, uint32_t delivered) {
  uint32_t mss = c->mss;
  if (c->cwnd > UINT32_MAX / 4)
    return;
  if (c->cwnd < c->ssthresh) { /* equation (2) */
    c->cwnd += delivered < mss ? delivered : mss;
    return;
  }
  struct sndq *q = c->sndq;
  if (!q)
    return;
  q->acked += delivered;
  if (q->acked >= c->cwnd) { /* one SMSS a round trip, nothing added (RFC 2525 2.6) */
    q->acked -= c->cwnd;
    c->cwnd += mss;
  }
}

void la__cc_enter(struct tcp *t, struct conn *c, enum cc_event why) {
  (void)t;
  if (c->sndq) {
    c->sndq->prior_cwnd = c->cwnd;
    c->sndq->prior_ssthresh = c->ssthresh;
    c->sndq->acked = 0;
  }
  uint32_t fly = flight(c);
  c->ssthresh = half(c, why == CC_RTO || fly < c->cwnd ? fly : c->cwnd); /* without what limited transmit has added */
}

/* RFC 4015 4, as far as bytes go: neither less than now, nor less than before. */
void la__cc_undo(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  (void)t;
  if (!q || !q->prior_cwnd)
    return;
  if (c->cwnd < q->prior_cwnd)
    c->cwnd = q->prior_cwnd;
  if (c->ssthresh < q->prior_ssthresh)
    c->ssthresh = q->prior_ssthresh;
  q->prior_cwnd = 0;
}
