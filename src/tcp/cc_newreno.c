/* SPDX-License-Identifier: MIT */
/* Congestion control: slow start and congestion avoidance (RFC 5681), NewReno's recovery (RFC 6582), initial window (RFC 6928). */
#include "base/seq.h"
#include "tcp/tcp.h"

static uint32_t flight(const struct conn *c) { return c->snd_nxt - c->snd_una; }

static uint32_t half_flight(const struct conn *c) {
  uint32_t half = flight(c) / 2, least = 2u * c->mss;
  return half > least ? half : least; /* RFC 5681 equation (4) */
}

/* A SYN or SYN-ACK that was lost leaves one segment (RFC 5681 3.1). */
void la__cc_init(struct conn *c) {
  uint32_t mss = c->mss;
  uint32_t floor = 2 * mss > 14600 ? 2 * mss : 14600;
  c->cwnd = c->flags & CF_SYN_LOST ? mss : 10 * mss < floor ? 10 * mss : floor;
  c->ssthresh = UINT32_MAX / 2;
}

void la__cc_ack(struct conn *c, uint32_t acked) {
  uint32_t mss = c->mss;
  if (c->cwnd > UINT32_MAX / 4)
    return;
  if (c->cwnd < c->ssthresh) { /* equation (2) */
    c->cwnd += acked < mss ? acked : mss;
    return;
  }
  struct sndq *q = c->sndq;
  if (!q)
    return;
  q->acked += acked;
  if (q->acked >= c->cwnd) { /* one SMSS a round trip, nothing added (RFC 2525 2.6) */
    q->acked -= c->cwnd;
    c->cwnd += mss;
  }
}

void la__cc_dupack(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  if (!q)
    return;
  if (q->in_recovery) {
    c->cwnd += c->mss; /* RFC 5681 3.2 step 4 */
    la__conn_dirty(t, c, TODO_DATA);
    return;
  }
  if (q->dupacks < UINT8_MAX)
    q->dupacks++;
  if (q->dupacks != 3 || !seq_gt(c->snd_una, q->recover))
    return;
  q->recover = c->snd_nxt;
  q->in_recovery = 1;
  c->ssthresh = half_flight(c);
  c->cwnd = c->ssthresh + 3u * c->mss;
  la__conn_dirty(t, c, TODO_RTX);
}

bool la__cc_partial(struct conn *c, uint32_t acked) {
  struct sndq *q = c->sndq;
  uint32_t mss = c->mss;
  if (seq_geq(c->snd_una, q->recover)) { /* full: deflate (RFC 6582 3.2 step 3, RFC 2525 2.8) */
    uint32_t fly = flight(c) > mss ? flight(c) : mss;
    c->cwnd = fly + mss < c->ssthresh ? fly + mss : c->ssthresh;
    q->in_recovery = 0;
    return false;
  }
  c->cwnd = c->cwnd > acked ? c->cwnd - acked : 0;
  if (acked >= mss)
    c->cwnd += mss;
  if (c->cwnd < mss)
    c->cwnd = mss;
  return true;
}

void la__cc_timeout(struct conn *c) {
  if (c->backoff <= 1) /* later expiries of the same loss leave it (RFC 5681 3.1) */
    c->ssthresh = half_flight(c);
  c->cwnd = c->mss;
  if (c->sndq) {
    c->sndq->recover = c->snd_nxt;
    c->sndq->in_recovery = 0;
    c->sndq->dupacks = 0;
    c->sndq->acked = 0;
  }
}
