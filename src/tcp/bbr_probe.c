/* SPDX-License-Identifier: MIT */
/*
 * BBR's probing: the cycle of ProbeBW (draft 5.3.3), and ProbeRTT (5.3.4).
 *
 *   DOWN    slower than the path, until what is in flight leaves headroom and no queue is left
 *   CRUISE  as fast as the path, for 2 to 3 s, or as many round trips as Reno would need to fill the path, at most 63
 *   REFILL  one round as fast as the path without bounds, so that losses in UP are UP's own
 *   UP      a quarter faster, until losses exceed 2 % or a queue stands
 *
 * inflight_longterm is what the path was seen to take; it grows in UP while nothing speaks against it, first by a segment a round, then
 * by twice as many each round, and is cut when more than 2 % of a flight are lost.
 */
#include "base/seq.h"
#include "tcp/bbr.h"

enum { LOSS_PERCENT = 2, BETA_PERCENT = 70, RENO_ROUNDS = 63 };
#define PROBE_RTT_TIME (200 * LA_MS)

static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }
static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

static void raise_slope(const struct conn *c, struct bbr *b) {
  uint32_t growth = b->up_rounds < 24 ? 1u << b->up_rounds : 1u << 24; /* segments a round */
  b->up_rounds++;
  b->up_cnt = larger(c->cwnd / growth, 1);
}

void la__bbr_start_down(struct tcp *t, const struct conn *c, struct bbr *b) {
  (void)c;
  b->loss_in_round = false;
  b->bw_latest = b->inflight_latest = 0;
  b->up_cnt = BBR_NONE;
  b->rounds_since_probe = la__prng_below(&t->prng, 2);
  b->probe_wait = 2 * LA_SEC + la__prng_below(&t->prng, 1000) * LA_MS;
  b->cycle_at = t->now;
  b->ack_phase = ACKS_PROBE_STOPPING;
  la__bbr_start_round(b);
  b->state = BBR_DOWN;
}

static void start_refill(struct bbr *b) {
  la__bbr_reset_shortterm(b);
  b->up_rounds = b->up_acks = 0;
  b->ack_phase = ACKS_REFILLING;
  la__bbr_start_round(b);
  b->state = BBR_REFILL;
}

static void start_up(const struct tcp *t, const struct conn *c, struct bbr *b) {
  b->ack_phase = ACKS_PROBE_STARTING;
  la__bbr_start_round(b);
  la__bbr_reset_full_bw(b);
  b->full_bw = b->rs.rate;
  b->cycle_at = t->now;
  b->state = BBR_UP;
  raise_slope(c, b);
}

static bool too_high(const struct bbr *b) { return b->rs.lost > (uint64_t)b->rs.flight * LOSS_PERCENT / 100; }

static bool cwnd_limited(const struct conn *c) { return c->sndq && c->sndq->limited; }

/* 5.5.10.2 */
static void upward(const struct conn *c, struct bbr *b) {
  if (!cwnd_limited(c) || c->cwnd < b->inflight_longterm)
    return;
  b->up_acks += b->rs.acked;
  if (b->up_acks >= b->up_cnt) {
    uint64_t delta = b->up_acks / b->up_cnt, grown = b->inflight_longterm + delta * c->mss;
    b->up_acks -= (uint32_t)delta * b->up_cnt;
    b->inflight_longterm = grown < BBR_NONE / 2 ? (uint32_t)grown : BBR_NONE / 2;
  }
  if (b->round_start)
    raise_slope(c, b);
}

void la__bbr_loss_too_high(struct tcp *t, const struct conn *c, struct bbr *b) {
  b->probe_samples = false;
  if (!b->rs.app_limited) {
    uint32_t target = smaller(la__bbr_bdp(c, b, b->bw, 100), c->cwnd);
    b->inflight_longterm = larger(b->rs.flight, (uint32_t)((uint64_t)target * BETA_PERCENT / 100));
  }
  if (b->state == BBR_UP)
    la__bbr_start_down(t, c, b);
}

static void longterm(struct tcp *t, const struct conn *c, struct bbr *b) {
  if (b->ack_phase == ACKS_PROBE_STARTING && b->round_start)
    b->ack_phase = ACKS_PROBE_FEEDBACK;
  if (b->ack_phase == ACKS_PROBE_STOPPING && b->round_start) {
    b->ack_phase = ACKS_INIT;
    b->probe_samples = false;
    if (bbr_in_probe_bw(b) && !b->rs.app_limited) { /* the max_bw filter: a cycle is over */
      b->bw_of[1] = b->bw_of[0];
      b->bw_of[0] = 0;
    }
  }
  if (!b->rs.valid)
    return;
  if (too_high(b)) {
    if (b->probe_samples)
      la__bbr_loss_too_high(t, c, b);
    return;
  }
  if (b->inflight_longterm == BBR_NONE)
    return;
  b->inflight_longterm = larger(b->inflight_longterm, b->rs.flight);
  if (b->state == BBR_UP)
    upward(c, b);
}

/* 5.3.3.8: after 2 to 3 s, or as often as Reno would lose a segment. */
static bool time_to_probe(const struct tcp *t, const struct conn *c, struct bbr *b) {
  uint32_t rounds = smaller(la__bbr_bdp(c, b, b->bw, 100), c->cwnd) / c->mss;
  if (t->now - b->cycle_at <= b->probe_wait && b->rounds_since_probe < smaller(rounds, RENO_ROUNDS))
    return false;
  start_refill(b);
  return true;
}

static bool time_to_cruise(const struct conn *c, const struct bbr *b) {
  return la__pipe(c) <= la__bbr_headroom(c, b) && la__pipe(c) <= la__bbr_inflight(c, b, 100);
}

static bool time_to_go_down(const struct conn *c, struct bbr *b) {
  if (cwnd_limited(c) && c->cwnd >= b->inflight_longterm) { /* the bound rises; whether the path is full will show */
    la__bbr_reset_full_bw(b);
    b->full_bw = b->rs.rate;
    return false;
  }
  return b->full_bw_now;
}

void la__bbr_cycle(struct tcp *t, struct conn *c, struct bbr *b) {
  if (!b->full_bw_reached)
    return;
  longterm(t, c, b);
  switch (b->state) {
  case BBR_DOWN:
    if (!time_to_probe(t, c, b) && time_to_cruise(c, b))
      b->state = BBR_CRUISE;
    break;
  case BBR_CRUISE:
    time_to_probe(t, c, b);
    break;
  case BBR_REFILL:
    if (b->round_start) {
      b->probe_samples = true;
      start_up(t, c, b);
    }
    break;
  case BBR_UP:
    if (time_to_go_down(c, b))
      la__bbr_start_down(t, c, b);
    break;
  default:
    break;
  }
}

/* ProbeRTT: every 5 s without a lower sample what is in flight is halved for 200 ms and a round, so that a queue of ours empties. */

uint32_t la__bbr_probe_rtt_cwnd(const struct conn *c, const struct bbr *b) { return larger(la__bbr_bdp(c, b, b->bw, 50), bbr_min_pipe(c)); }

void la__bbr_probe_rtt_over(struct tcp *t, struct conn *c, struct bbr *b) {
  if (!b->probe_rtt_done_at || t->now <= b->probe_rtt_done_at)
    return;
  b->probe_rtt_min_at = t->now;
  c->cwnd = larger(c->cwnd, b->cwnd_before);
  la__bbr_reset_shortterm(b);
  if (b->full_bw_reached) {
    la__bbr_start_down(t, c, b);
    b->state = BBR_CRUISE;
  } else {
    b->state = BBR_STARTUP;
  }
}

void la__bbr_probe_rtt(struct tcp *t, struct conn *c, struct bbr *b) {
  if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
    b->state = BBR_PROBE_RTT;
    b->cwnd_before = b->recovering ? larger(b->cwnd_before, c->cwnd) : c->cwnd;
    b->probe_rtt_done_at = 0;
    b->ack_phase = ACKS_PROBE_STOPPING;
    la__bbr_start_round(b);
  }
  if (b->state != BBR_PROBE_RTT)
    return;
  la__rate_limited(&b->c, la__pipe(c)); /* what is delivered now says nothing about the path */
  if (!b->probe_rtt_done_at) {
    if (la__pipe(c) > la__bbr_probe_rtt_cwnd(c, b))
      return;
    b->probe_rtt_done_at = t->now + PROBE_RTT_TIME;
    b->probe_rtt_round_done = false;
    la__bbr_start_round(b);
    return;
  }
  b->probe_rtt_round_done |= b->round_start;
  if (b->probe_rtt_round_done)
    la__bbr_probe_rtt_over(t, c, b);
}
