/* SPDX-License-Identifier: MIT */
/*
 * The fifth step: SND.UNA, the send window, and the clock that guards what is outstanding.
 *
 * One clock serves retransmission, persist and keepalive, because they exclude each other: la__rearm chooses. While
 * something is owed by the peer, life_at holds the limit (R2, user timeout); progress moves it on.
 */
#include "base/check.h"
#include "base/seq.h"
#include "tcp/tcp.h"
#include "tcp/view.h"

uint32_t la__snd_end(const struct conn *c) {
  if (c->sndq)
    return c->sndq->seq0 + c->sndq->spool.len;
  return c->flags & CF_FIN_SENT ? c->snd_nxt - 1 : c->snd_nxt;
}

la_time la__limit(const struct tcp *t, const struct conn *c) {
  if (conn_wish(c)->user_timeout)
    return t->now + conn_wish(c)->user_timeout * LA_MS;
  if (c->state == LA_SYN_SENT && conn_wish(c)->syn_retries) {
    la_time all = 0, wait = t->cfg.rto_initial;
    for (unsigned i = 0; i <= conn_wish(c)->syn_retries; i++) {
      all = la__after(all, wait);
      wait = wait * 2 < t->cfg.rto_max ? wait * 2 : t->cfg.rto_max;
    }
    return la__after(t->now, all);
  }
  return la__after(t->now, c->state == LA_SYN_SENT || c->state == LA_SYN_RECEIVED ? t->cfg.syn_limit : t->cfg.r2);
}

/* Bytes or a FIN that have not yet been acknowledged, sent or not. */
static bool waiting(const struct conn *c) {
  return c->snd_una != c->snd_nxt || (c->sndq && c->sndq->spool.len) || (c->flags & CF_FIN_QUEUED && !(c->flags & CF_FIN_ACKED));
}

/* Nobody is left who could wait, or the user has said for how long: then the limit runs on though the peer answers window probes. */
static bool impatient(const struct conn *c) {
  return conn_wish(c)->user_timeout ||
         (c->flags & CF_APP_CLOSED && (c->state == LA_FIN_WAIT_1 || c->state == LA_CLOSING || c->state == LA_LAST_ACK));
}

static bool keepalive_wanted(const struct conn *c) {
  return c->flags & CF_KEEPALIVE &&
         (c->state == LA_ESTABLISHED || c->state == LA_CLOSE_WAIT || (c->state == LA_FIN_WAIT_2 && !(c->flags & CF_APP_CLOSED)));
}

/*
 * The time-out, from now on; where a clock of RACK-TLP stood in its place, from when the first outstanding segment left, or at once
 * (RFC 8985 7.3: what they waited is not added to it).
 */
void la__rto_arm(struct tcp *t, struct conn *c) {
  la_time rto = la__rto_backed(t, c), at = t->now + rto;
  if ((c->clock == CLK_REO || c->clock == CLK_TLP) && c->sndq && c->sndq->sent.n) {
    at = sent_at(&c->sndq->sent, 0)->at + rto;
    if (at <= t->now)
      at = t->now + LA_US;
  }
  la__clock_set(t, c, CLK_RTX, at);
}

void la__rearm(struct tcp *t, struct conn *c) {
  if (c->state < LA_ESTABLISHED || c->flags & CF_ENDED)
    return;
  bool outstanding = c->snd_una != c->snd_nxt;
  if (outstanding && c->snd_wnd != 0) {
    if (!la__tlp_arm(t, c, true))
      la__rto_arm(t, c);
    if (c->life_at == LA_NEVER)
      la__life_clock(t, c, la__limit(t, c));
  } else if (waiting(c) && (outstanding || !(c->sndq && c->sndq->pace_wait))) { /* SHLD-29: the first probe after one RTO */
    if (c->clock != CLK_PERSIST) {
      if (c->snd_wnd == 0) /* else the bytes are about to go: Karn's back-off stays (RFC 6298 5.7) */
        c->backoff = 0;
      la__clock_set(t, c, CLK_PERSIST, t->now + la__rto(t, c));
    }
    if (c->life_at == LA_NEVER)
      la__life_clock(t, c, la__limit(t, c));
  } else if (keepalive_wanted(c)) {
    la__clock_set(t, c, CLK_KEEP, t->now + conn_wish(c)->keep_idle * LA_SEC);
  } else {
    la__clock_set(t, c, CLK_NONE, t->now);
  }
}

/* RFC 6298 3: Karn; 0 is no sample. A timed segment first; else the echo, which tells retransmissions apart (RFC 7323 4.1). */
static la_time take_sample(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n) {
  struct sndq *q = c->sndq;
  if (q && q->rtt_at && seq_geq(seg->ack, q->rtt_seq)) {
    la_time rtt = t->now - q->rtt_at;
    la__rtt_sample(c, rtt);
    q->rtt_at = 0;
    n->what |= NEWS_TIMED;
    return rtt ? rtt : 1;
  }
  if (c->flags & CF_TS && seg->opt.have & TCP_OPT_TS) {
    int32_t ms = seq_diff(tcp_ts_now(t, c->ts_off), seg->opt.ts_ecr);
    if (ms >= 0 && ms < 1000000) {
      la__rtt_sample(c, (la_time)ms * LA_MS);
      return ms ? (la_time)ms * LA_MS : 1;
    }
  }
  return 0;
}

/* TCP_NOTSENT_LOWAT. What the windows take goes with the next output: it does not count, though it has not left yet. */
uint32_t la__takes_now(const struct conn *c) {
  uint32_t flight = c->snd_nxt - c->snd_una, wnd = c->snd_wnd > flight ? c->snd_wnd - flight : 0, cwnd = la__cwnd_room(c);
  return wnd < cwnd ? wnd : cwnd;
}
uint32_t la__unsent(const struct conn *c) { return c->flags & CF_FIN_SENT ? 0 : la__snd_end(c) - c->snd_nxt; }
uint32_t la__unsent_most(const struct conn *c) {
  uint32_t low = conn_wish(c)->notsent_lowat, now = la__takes_now(c);
  return low && low < UINT32_MAX - now ? low + now : UINT32_MAX;
}
bool la__unsent_low(const struct conn *c) {
  uint32_t low = conn_wish(c)->notsent_lowat, unsent = la__unsent(c), now = la__takes_now(c);
  return !low || unsent <= now || unsent - now < (low + 1) / 2; /* Linux: twice as much must be below the mark */
}

static void writable(struct tcp *t, struct conn *c) {
  uint32_t queued = c->sndq ? c->sndq->spool.len : 0;
  if (c->flags & CF_WRITE_ARMED && queued <= c->sndbuf - c->sndbuf / 4 && la__unsent_low(c))
    la__conn_event(t, c, EV_WRITABLE);
}

static void consume(struct tcp *t, struct conn *c, uint32_t ack) {
  struct sndq *q = c->sndq;
  if (!q)
    return;
  uint32_t n = ack - q->seq0;
  if (n > q->spool.len) { /* one past the bytes: the FIN */
    LA_CHECK(n == q->spool.len + 1 && c->flags & CF_FIN_SENT);
    n = q->spool.len;
  }
  la__spool_consume(&q->spool, &t->chunks, n);
  q->seq0 += n;
  la__eor_acked(q, q->seq0);
  c->bytes_out += n;
}

/* The send queue goes with the last byte, unless it is not yet known whether a probe repaired a loss (RFC 8985 7.4). */
static void idle(struct tcp *t, struct conn *c) {
  const struct sndq *q = c->sndq;
  if (q && q->spool.len == 0 && c->snd_una == c->snd_nxt && (!(q->rec.flags & REC_TLP) || c->flags & CF_FIN_SENT))
    la__conn_drop_send(t, c);
}

/* E-16: only a segment that is not older than the one that last set it. */
static bool newer(const struct conn *c, const struct tcp_seg *seg) {
  return seq_lt(c->snd_wl1, seg->seq) || (c->snd_wl1 == seg->seq && seq_leq(c->snd_wl2, seg->ack));
}

static bool window_update(struct conn *c, const struct tcp_seg *seg, uint32_t wnd) {
  if (!newer(c, seg))
    return false;
  bool opened = c->snd_wnd == 0 && wnd != 0;
  c->snd_wnd = wnd;
  c->snd_wl1 = seg->seq;
  c->snd_wl2 = seg->ack;
  if (wnd > c->snd_wnd_max)
    c->snd_wnd_max = wnd;
  if (opened)
    c->backoff = 0;
  return opened;
}

/*
 * One short flight, sent once, all of it acknowledged with nothing else to tell, and nothing behind it: the queue goes with this ACK,
 * and what recovery.c would learn goes with the queue, but for cwnd.
 */
static bool last_of_all(const struct tcp *t, const struct conn *c, const struct tcp_seg *seg, const struct news *n) {
  const struct sndq *q = c->sndq;
  const struct sent_rec *s = sent_at(&q->sent, 0);
  uint32_t acked = c->snd_una - n->una;
  return (n->what & ~(unsigned)(NEWS_PURE | NEWS_TIMED)) == NEWS_ACKED && c->snd_una == c->snd_nxt && q->spool.len <= acked &&
         q->sent.n == 1 && !s->flags && s->size < c->mss && !(seg->opt.have & TCP_OPT_SACK) && q->rec.state == LA_CA_OPEN &&
         !(q->rec.flags & (uint16_t)~REC_ADVANCED) && !q->rec.dups && seq_leq(q->rec.fack, n->una) && !q->pmtu.claim && !q->pmtu.probe &&
         t->now < q->pmtu.look_at && !la__cc_own(c);
}

/* The scoreboard, then the queue, from which what is acknowledged goes. */
static unsigned recovery(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n) {
  bool forward = c->snd_una != n->una;
  n->rtt = forward ? take_sample(t, c, seg, n) : 0;
  if (n->rtt)
    c->backoff = 0;
  if (c->sndq) {
    c->sndq->burst = 0;
    if (last_of_all(t, c, seg, n))
      la__cc_ack(t, c, &(struct cc_ack){.delivered = c->snd_una - n->una, .rtt = n->rtt});
    else
      la__recovery_input(t, c, seg, n);
    if (!n->rtt && n->sent_at != LA_NEVER) { /* what was reported is as good, being no older than the path's present */
      la__rtt_sample(c, t->now - n->sent_at);
      c->backoff = 0;
    }
  } else if (n->what & NEWS_MARK) {
    la__recovery_cwr(t, c);
  }
  if (forward) {
    la__tune_send(t, c);
    consume(t, c, seg->ack);
  }
  idle(t, c);
  return n->what;
}

/* Nothing is queued or outstanding, and it says what was known: text that comes while we only listen. */
static bool nothing_new(const struct conn *c, const struct tcp_seg *seg, uint32_t wnd) {
  return !c->sndq && seg->ack == c->snd_una && c->snd_una == c->snd_nxt && wnd == c->snd_wnd && wnd <= c->snd_wnd_max &&
         !(c->flags & CF_WRITE_ARMED) && !(seg->flags & LA_ECE) && c->clock != CLK_PERSIST;
}

void la__ack_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  uint32_t wnd = (uint32_t)seg->wnd << (c->wscale & 15);
  if (nothing_new(c, seg, wnd)) {
    if (newer(c, seg)) {
      c->snd_wl1 = seg->seq;
      c->snd_wl2 = seg->ack;
    }
    return;
  }
  struct news n = {.una = c->snd_una, .sent_at = LA_NEVER};
  uint32_t old_wnd = c->snd_wnd;
  bool outstanding = n.una != c->snd_nxt, forward = seq_gt(seg->ack, n.una), opened = false;
  if (forward) {
    c->snd_una = seg->ack;
    t->progress = true;
    n.what |= NEWS_ACKED;
  }
  if (seq_geq(seg->ack, n.una)) {
    n.what |= la__ecn_ack(t, c, seg, seg->ack - n.una) ? NEWS_MARK : 0;
    opened = window_update(c, seg, wnd);
  } else {
    n.what |= NEWS_OLD;
  }
  if (tcp_seg_len(seg) == 0 && wnd == old_wnd)
    n.what |= NEWS_PURE;
  if (seg->ack == n.una && outstanding && n.what & NEWS_PURE && wnd != 0)
    n.what |= NEWS_DUP; /* RFC 5681 2 */
  unsigned told = recovery(t, c, seg, &n);
  writable(t, c);
  if (opened && c->sndq && c->snd_una != c->snd_nxt) /* what the closed window swallowed goes again */
    la__recovery_resend(t, c);
  bool waits = waiting(c);
  if (forward)
    la__life_clock(t, c, waits ? la__limit(t, c) : LA_NEVER);
  else if (c->clock == CLK_PERSIST && !impatient(c)) /* MUST-37: it answers; R2 starts anew with the next probe */
    la__life_clock(t, c, LA_NEVER);
  if (forward && c->clock == CLK_PERSIST)
    c->clock = CLK_NONE;
  bool turned = (c->snd_wnd == 0) != (old_wnd == 0);
  /* RFC 6298 5.3: other news does not put the clock off */
  if (turned || (outstanding && c->clock == CLK_NONE) || ((forward || told & NEWS_REARM) && !(told & NEWS_CLOCK))) {
    if (!waits && !(c->flags & CF_KEEPALIVE)) /* what la__rearm would come to */
      la__clock_set(t, c, CLK_NONE, t->now);
    else
      la__rearm(t, c);
  }
  if (forward || wnd != old_wnd)
    la__conn_dirty(t, c, TODO_DATA);
}
