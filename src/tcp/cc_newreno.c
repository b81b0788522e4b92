/* SPDX-License-Identifier: MIT */
/* Congestion control: slow start and congestion avoidance (RFC 5681), NewReno's recovery (RFC 6582), initial window (RFC 6928). */
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

/* What may be outstanding: for the first two duplicate ACKs a segment more each (RFC 3042). */
uint32_t la__cc_window(const struct conn *c) {
  const struct sndq *q = c->sndq;
  uint32_t extra = !q || q->in_recovery || q->dupacks > 2 ? 0 : q->dupacks;
  return c->cwnd + extra * c->mss;
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
  la__conn_dirty(t, c, TODO_DATA);
  if (q->in_recovery) { /* RFC 5681 3.2 step 4, at most for what was outstanding (RFC 9293 7, "ACK spoofing") */
    if (c->cwnd < c->ssthresh + (q->recover - c->snd_una) + 3u * c->mss)
      c->cwnd += c->mss;
    return;
  }
  if (q->dupacks < UINT8_MAX)
    q->dupacks++;
  if (q->dupacks != 3 || !seq_gt(c->snd_una, q->recover))
    return;
  q->recover = c->snd_nxt;
  q->in_recovery = 1;
  c->ssthresh = half(c, flight(c) < c->cwnd ? flight(c) : c->cwnd); /* without what limited transmit has added */
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
    q->acked = 0;
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
  if (c->backoff <= 1 || !c->sndq || seq_geq(c->snd_una, c->sndq->recover)) /* else of the same loss (RFC 5681 3.1) */
    c->ssthresh = half(c, flight(c));
  c->cwnd = c->mss;
  if (c->sndq) {
    c->sndq->recover = c->snd_nxt;
    c->sndq->in_recovery = 0;
    c->sndq->dupacks = 0;
    c->sndq->acked = 0;
  }
}
