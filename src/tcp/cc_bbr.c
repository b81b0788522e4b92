/* SPDX-License-Identifier: MIT */
/*
 * BBR, version 3 (draft-ietf-ccwg-bbr), in integers: bytes, bytes a second, nanoseconds, gains in percent.
 *
 * A model of the path instead of an answer to losses: max_bw, the highest delivery rate of the last two cycles, and min_rtt, the least
 * round-trip time of the last 10 s. What is in flight is about their product, what leaves is paced at about max_bw. Losses bound it: the
 * short-term bounds come down while a round loses and are forgotten with the next probe, inflight_longterm is what the path took.
 *
 *   STARTUP    277 %, until the rate has not grown by a quarter in three rounds, or six losses and 2 % in one
 *   DRAIN      50 %, until what is in flight is the product
 *   DOWN, CRUISE, REFILL, UP, PROBE_RTT: bbr_probe.c
 *
 * cwnd and the pacing rate are BBR's alone: recovery says what goes again, but neither PRR nor ssthresh touches cwnd.
 *
 * The state is worth more than what is outstanding, and larger than others': it hangs off `wish`, for connections that have asked for BBR
 * alone, and survives idle times. Without memory for it the connection behaves as by Reno.
 *
 * ECN: the draft leaves the response open, but a mark must count as congestion. An echo comes once a window and says no share, so it
 * counts as losses beyond what is tolerated: it bounds rate and flight for its round, and ends STARTUP or a probe.
 */
#include "base/bytes.h"
#include "base/seq.h"
#include "tcp/bbr.h"

enum { STARTUP_PERCENT = 277, CWND_PERCENT = 200, MARGIN_PERCENT = 1, LOSS_PERCENT = 2, BETA_PERCENT = 70, HEADROOM_PERCENT = 15 };
enum { FULL_ROUNDS = 3, FULL_LOSSES = 6, EXTRA_ROUNDS = 10 };
#define MIN_RTT_TIME (10 * LA_SEC)
#define PROBE_RTT_EVERY (5 * LA_SEC)
#define ECHO_EXACT (20 * LA_MS) /* an echoed timestamp is exact to a ms */

static struct bbr *bbr_of(const struct conn *c) { return c->wish ? c->wish->bbr : 0; }
static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }
static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint64_t larger64(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* The model's products. */

uint32_t la__bbr_bdp(const struct conn *c, const struct bbr *b, uint64_t bw, unsigned percent) {
  if (b->min_rtt == LA_NEVER)
    return la__cc_initial_window(c);
  uint64_t bdp = bw / 1000 * (b->min_rtt / LA_US) / 1000 * percent / 100;
  return bdp < BBR_NONE / 2 ? (uint32_t)bdp : BBR_NONE / 2;
}

/* 5.6.3: what one burst may be. */
static uint32_t quantum(const struct conn *c, const struct bbr *b) {
  uint64_t ms = b->pacing_rate / 1000, least = b->pacing_rate < 150000 ? c->mss : 2u * c->mss;
  return (uint32_t)larger64(ms < 65536 ? ms : 65536, least);
}

static uint32_t quantized(const struct conn *c, const struct bbr *b, uint64_t inflight) {
  inflight = larger64(larger64(inflight, 3 * (uint64_t)quantum(c, b)), bbr_min_pipe(c));
  if (b->state == BBR_UP)
    inflight += 2u * c->mss;
  return inflight < BBR_NONE / 2 ? (uint32_t)inflight : BBR_NONE / 2;
}

uint32_t la__bbr_inflight(const struct conn *c, const struct bbr *b, unsigned percent) {
  return quantized(c, b, la__bbr_bdp(c, b, b->bw, percent));
}

uint32_t la__bbr_headroom(const struct conn *c, const struct bbr *b) {
  if (b->inflight_longterm == BBR_NONE)
    return BBR_NONE;
  uint32_t room = larger(c->mss, (uint32_t)((uint64_t)b->inflight_longterm * HEADROOM_PERCENT / 100));
  return b->inflight_longterm > room ? larger(b->inflight_longterm - room, bbr_min_pipe(c)) : bbr_min_pipe(c);
}

void la__bbr_start_round(struct bbr *b) { b->next_round = b->c.delivered; }
void la__bbr_reset_full_bw(struct bbr *b) {
  b->full_bw = 0;
  b->full_bw_count = 0;
  b->full_bw_now = false;
}
void la__bbr_reset_shortterm(struct bbr *b) {
  b->bw_shortterm = BBR_MBPS_NONE;
  b->inflight_shortterm = BBR_NONE;
}

/* Beginning. */

static void init(const struct tcp *t, const struct conn *c, struct bbr *b) {
  memset(b, 0, sizeof *b);
  b->min_rtt = b->probe_rtt_min = c->srtt ? (c->srtt >> 3) * LA_US : LA_NEVER;
  b->min_rtt_at = b->probe_rtt_min_at = b->extra_since = b->cycle_at = t->now;
  b->inflight_longterm = BBR_NONE;
  b->up_cnt = BBR_NONE;
  la__bbr_reset_shortterm(b);
  uint64_t rtt_us = c->srtt ? c->srtt >> 3 : 1000;
  b->pacing_rate = (uint64_t)c->cwnd * 1000000 / (rtt_us ? rtt_us : 1) * STARTUP_PERCENT / 100;
}

/* Recovery is over: nothing but the model bounds cwnd. */
static void bbr_leave(struct conn *c) {
  struct bbr *b = bbr_of(c);
  if (!b || !b->recovering)
    return;
  b->recovering = false;
  if (b->state != BBR_PROBE_RTT)
    c->cwnd = larger(c->cwnd, b->cwnd_before);
}

/* 5.2.2: or nothing was outstanding for a while, and what was marked then is of no use any more. */
static void bbr_start(struct tcp *t, struct conn *c, union cc_state *s) {
  struct wish *w = la__conn_wish(t, c);
  (void)s;
  if (!w)
    return;
  if (!w->bbr) {
    w->bbr = mem_alloc(t->mem, sizeof *w->bbr);
    if (w->bbr)
      init(t, c, w->bbr);
    c->ssthresh = CC_INFINITE;
    return;
  }
  w->bbr->c.n = 0;
  bbr_leave(c);
}

void la__bbr_done(struct tcp *t, struct conn *c) {
  if (!c->wish || !c->wish->bbr)
    return;
  mem_free(t->mem, c->wish->bbr, sizeof *c->wish->bbr);
  c->wish->bbr = 0;
}

/* In one product: of a rate of a few bytes a second nothing may be rounded away. */
static uint64_t paced_at(const struct bbr *b, unsigned percent) { return b->bw * percent * (100 - MARGIN_PERCENT) / 10000; }

/* 5.4.1: after an idle time as fast as the path is known to be, and no faster. */
static void bbr_resume(const struct tcp *t, struct conn *c, union cc_state *s) {
  struct bbr *b = bbr_of(c);
  (void)s;
  if (!b || !b->c.limited)
    return;
  b->idle_restart = true;
  b->extra_since = t->now;
  b->extra_delivered = 0;
  if (bbr_in_probe_bw(b) && b->bw)
    b->pacing_rate = paced_at(b, 100);
}

static void bbr_sent(const struct tcp *t, struct conn *c, uint32_t before) {
  struct bbr *b = bbr_of(c);
  if (!b)
    return;
  la__rate_sent(&b->c, t->now, (c->srtt >> 8) * LA_US, before == 0, la__pipe(c));
  if (la__unsent(c) == 0 && la__cwnd_room(c) >= c->mss && !c->sndq->sent.again)
    la__rate_limited(&b->c, la__pipe(c));
}

/* 5.5.10.3: of a lost record, where in the flight the losses became too many. */
static void bbr_lost(const struct tcp *t, struct conn *c, const struct sent_rec *r) {
  struct bbr *b = bbr_of(c);
  uint32_t size = r->hi - r->lo;
  (void)t;
  if (!b)
    return;
  b->c.lost += size;
  b->rs.newly_lost += size;
  b->startup_round_lost += size;
  if (b->loss_events < UINT8_MAX)
    b->loss_events++;
  const struct rate_mark *m = la__rate_mark(&b->c, r->at);
  if (!m || !b->probe_samples || b->too_high)
    return;
  uint32_t lost = b->c.lost - m->lost;
  if (lost <= (uint64_t)m->flight * LOSS_PERCENT / 100)
    return;
  uint32_t flight = m->flight > size ? m->flight - size : 0, before = lost > size ? lost - size : 0;
  uint64_t may = (uint64_t)flight * LOSS_PERCENT / 100;
  b->too_high = true;
  b->too_high_limited = m->app_limited;
  b->lost_flight = flight + (may > before ? (uint32_t)((may - before) * 100 / (100 - LOSS_PERCENT)) : 0);
}

/* The model. */

static void latest(struct bbr *b) {
  const struct rate_sample *s = &b->rs;
  b->loss_round_start = false;
  if (!s->valid)
    return;
  b->bw_latest = larger64(b->bw_latest, s->rate);
  b->inflight_latest = larger(b->inflight_latest, s->delivered);
  if (seq_geq(s->prior, b->loss_round)) {
    b->loss_round = b->c.delivered;
    b->loss_round_start = true;
  }
}

static void round_and_max_bw(struct bbr *b) {
  const struct rate_sample *s = &b->rs;
  b->round_start = s->valid && seq_geq(s->prior, b->next_round);
  if (b->round_start) {
    la__bbr_start_round(b);
    b->round_count++;
    b->rounds_since_probe++;
  }
  if (s->rate && (s->rate >= bbr_max_bw(b) || !s->app_limited))
    b->bw_of[0] = larger64(b->bw_of[0], s->rate);
}

static bool probing(const struct bbr *b) { return b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP; }

/* 5.5.10.1: 0.7 of what was, but no less than what was just delivered. */
static void congestion(struct conn *c, struct bbr *b) {
  b->loss_in_round |= b->rs.newly_lost > 0;
  if (!b->loss_round_start)
    return;
  if (!probing(b) && b->loss_in_round) {
    if (b->bw_shortterm == BBR_MBPS_NONE)
      b->bw_shortterm = bbr_max_bw(b);
    if (b->inflight_shortterm == BBR_NONE)
      b->inflight_shortterm = c->cwnd;
    b->bw_shortterm = larger64(b->bw_latest, b->bw_shortterm * BETA_PERCENT / 100);
    b->inflight_shortterm = larger(b->inflight_latest, (uint32_t)((uint64_t)b->inflight_shortterm * BETA_PERCENT / 100));
  }
  b->loss_in_round = false;
}

/* 5.5.9: ACKs that come in clumps; as much more may be in flight. */
static void aggregation(const struct tcp *t, const struct conn *c, struct bbr *b) {
  la_time us = (t->now - b->extra_since) / LA_US;
  uint64_t expected = b->bw / 1000 * (us < 10000000 ? us : 10000000) / 1000;
  if (b->round_start && ++b->extra_rounds >= (b->full_bw_reached ? EXTRA_ROUNDS / 2 : 1)) {
    b->extra_of[1] = b->extra_of[0];
    b->extra_of[0] = b->extra_rounds = 0;
  }
  if (b->extra_delivered <= expected) {
    b->extra_delivered = 0;
    b->extra_since = t->now;
    expected = 0;
  }
  b->extra_delivered += b->rs.acked;
  uint64_t extra = b->extra_delivered > expected ? b->extra_delivered - expected : 0;
  b->extra_of[0] = larger(b->extra_of[0], extra < c->cwnd ? (uint32_t)extra : c->cwnd);
}

/* 5.3.1.2: no growth by a quarter in three rounds. In UP the same tells that a queue stands. */
static void full_bw(struct bbr *b) {
  const struct rate_sample *s = &b->rs;
  if (b->full_bw_now || !b->round_start || s->app_limited || !s->rate)
    return;
  if (s->rate >= b->full_bw * 125 / 100) {
    la__bbr_reset_full_bw(b);
    b->full_bw = s->rate;
    return;
  }
  b->full_bw_now = ++b->full_bw_count >= FULL_ROUNDS;
  b->full_bw_reached |= b->full_bw_now;
}

static void leave_startup(struct conn *c, struct bbr *b) {
  b->full_bw_reached = true;
  b->inflight_longterm = larger(la__bbr_bdp(c, b, bbr_max_bw(b), 100), b->inflight_latest);
}

/* 5.3.1.3: six losses and more than 2 % of a round. */
static void startup_losses(struct conn *c, struct bbr *b) {
  if (!b->loss_round_start)
    return;
  uint32_t round = b->rs.delivered + b->startup_round_lost;
  if (b->loss_events >= FULL_LOSSES && b->startup_round_lost > (uint64_t)round * LOSS_PERCENT / 100)
    leave_startup(c, b);
  b->startup_round_lost = 0;
  b->loss_events = 0;
}

static void min_rtt(const struct tcp *t, struct bbr *b) {
  la_time rtt = b->rs.rtt;
  b->probe_rtt_expired = t->now > b->probe_rtt_min_at + PROBE_RTT_EVERY;
  if (rtt && (rtt < b->probe_rtt_min || b->probe_rtt_expired)) {
    b->probe_rtt_min = rtt;
    b->probe_rtt_min_at = t->now;
  }
  if (b->probe_rtt_min < b->min_rtt || t->now > b->min_rtt_at + MIN_RTT_TIME) {
    b->min_rtt = b->probe_rtt_min;
    b->min_rtt_at = b->probe_rtt_min_at;
  }
}

static void model(struct tcp *t, struct conn *c, struct bbr *b) {
  bool marked = b->marked;
  b->marked = false;
  b->loss_in_round |= marked;
  latest(b);
  round_and_max_bw(b);
  congestion(c, b);
  aggregation(t, c, b);
  full_bw(b);
  if (b->state == BBR_STARTUP)
    startup_losses(c, b);
  if (b->state == BBR_STARTUP && marked)
    leave_startup(c, b);
  if (b->state == BBR_STARTUP && b->full_bw_reached)
    b->state = BBR_DRAIN;
  if (b->too_high) {
    struct rate_sample of_ack = b->rs;
    b->too_high = false;
    b->rs.flight = b->lost_flight;
    b->rs.app_limited = b->too_high_limited;
    la__bbr_loss_too_high(t, c, b);
    b->rs = of_ack;
  }
  if (marked && b->probe_samples)
    la__bbr_loss_too_high(t, c, b);
  if (b->state == BBR_DRAIN && la__pipe(c) <= la__bbr_inflight(c, b, 100))
    la__bbr_start_down(t, c, b);
  la__bbr_cycle(t, c, b);
  min_rtt(t, b);
  la__bbr_probe_rtt(t, c, b);
  if (b->rs.acked)
    b->idle_restart = false;
  if (b->loss_round_start) {
    b->bw_latest = b->rs.rate;
    b->inflight_latest = b->rs.delivered;
  }
  b->bw = bbr_max_bw(b) < b->bw_shortterm ? bbr_max_bw(b) : b->bw_shortterm;
}

/* What follows from it. */

static void pacing(struct bbr *b) {
  static const uint16_t percent[] = {[BBR_STARTUP] = STARTUP_PERCENT,
                                     [BBR_DRAIN] = 50,
                                     [BBR_DOWN] = 90,
                                     [BBR_CRUISE] = 100,
                                     [BBR_REFILL] = 100,
                                     [BBR_UP] = 125,
                                     [BBR_PROBE_RTT] = 100};
  uint64_t rate = paced_at(b, percent[b->state]);
  if (b->bw && (b->full_bw_reached || rate > b->pacing_rate))
    b->pacing_rate = rate;
}

static void window(const struct conn *c, struct bbr *b, uint32_t *cwnd) {
  static const uint8_t percent[] = {[BBR_STARTUP] = CWND_PERCENT, [BBR_DRAIN] = CWND_PERCENT,  [BBR_DOWN] = CWND_PERCENT,
                                    [BBR_CRUISE] = CWND_PERCENT,  [BBR_REFILL] = CWND_PERCENT, [BBR_UP] = 225,
                                    [BBR_PROBE_RTT] = 50};
  uint64_t inflight = (uint64_t)la__bbr_bdp(c, b, b->bw, percent[b->state]) + larger(b->extra_of[0], b->extra_of[1]);
  uint32_t grown = *cwnd < BBR_NONE / 4 ? *cwnd + b->rs.acked : *cwnd, cap = BBR_NONE;
  b->max_inflight = quantized(c, b, inflight);
  if (b->full_bw_reached)
    *cwnd = smaller(grown, b->max_inflight);
  else if (*cwnd < b->max_inflight || b->c.delivered < la__cc_initial_window(c))
    *cwnd = grown;
  if (b->state == BBR_PROBE_RTT)
    *cwnd = smaller(*cwnd, la__bbr_probe_rtt_cwnd(c, b));
  if (bbr_in_probe_bw(b) && b->state != BBR_CRUISE)
    cap = b->inflight_longterm;
  else if (b->state == BBR_PROBE_RTT || b->state == BBR_CRUISE)
    cap = la__bbr_headroom(c, b);
  cap = larger(smaller(cap, b->inflight_shortterm), bbr_min_pipe(c));
  *cwnd = smaller(larger(*cwnd, bbr_min_pipe(c)), cap);
}

static void bbr_sample(struct tcp *t, struct conn *c, const struct news *n) {
  struct bbr *b = bbr_of(c);
  if (!b)
    return;
  b->marked |= (n->what & NEWS_MARK) != 0;
  if (!(n->delivered || b->rs.newly_lost))
    return;
  b->rs.acked = n->delivered;
  b->rs.rtt = n->what & NEWS_TIMED || n->rtt >= ECHO_EXACT ? n->rtt : 0;
  la__rate_ack(&b->c, t->now, n->delivered, n->newest, b->min_rtt == LA_NEVER ? 0 : b->min_rtt, &b->rs);
  model(t, c, b);
  pacing(b);
  window(c, b, &c->cwnd);
  b->rs = (struct rate_sample){0};
}

/* Without the state: Reno. */
static void bbr_ack(const struct tcp *t, struct conn *c, union cc_state *s, const struct cc_ack *a) {
  if (!bbr_of(c))
    la__cc_newreno.ack(t, c, s, a);
}

static uint32_t bbr_reduce(struct tcp *t, struct conn *c, union cc_state *s, enum cc_event why) {
  struct bbr *b = bbr_of(c);
  if (!b)
    return la__cc_newreno.reduce(t, c, s, why);
  b->cwnd_before = b->recovering || b->state == BBR_PROBE_RTT ? larger(b->cwnd_before, c->cwnd) : c->cwnd;
  b->recovering = true;
  b->undo_bw_shortterm = b->bw_shortterm;
  b->undo_inflight_shortterm = b->inflight_shortterm;
  b->undo_inflight_longterm = b->inflight_longterm;
  b->undo_state = b->state;
  return CC_INFINITE;
}

/* 5.5.12: nothing was lost. */
static void bbr_undo(struct tcp *t, struct conn *c, union cc_state *s) {
  struct bbr *b = bbr_of(c);
  (void)s;
  if (!b)
    return;
  b->loss_in_round = false;
  la__bbr_reset_full_bw(b);
  b->bw_shortterm = larger64(b->bw_shortterm, b->undo_bw_shortterm);
  b->inflight_shortterm = larger(b->inflight_shortterm, b->undo_inflight_shortterm);
  b->inflight_longterm = larger(b->inflight_longterm, b->undo_inflight_longterm);
  if (b->undo_state == BBR_UP && b->state != BBR_PROBE_RTT && b->state != BBR_UP && b->full_bw_reached) {
    la__bbr_reset_shortterm(b);
    b->state = BBR_UP;
  }
  (void)t;
  bbr_leave(c);
}

static bool bbr_own(const struct conn *c) { return bbr_of(c) != 0; }
static uint64_t bbr_rate(const struct conn *c) { return bbr_of(c)->pacing_rate; }

const struct cc_module la__cc_bbr = {.name = "bbr",
                                     .start = bbr_start,
                                     .ack = bbr_ack,
                                     .reduce = bbr_reduce,
                                     .undo = bbr_undo,
                                     .resume = bbr_resume,
                                     .own = bbr_own,
                                     .rate = bbr_rate,
                                     .sent = bbr_sent,
                                     .lost = bbr_lost,
                                     .sample = bbr_sample,
                                     .leave = bbr_leave};
