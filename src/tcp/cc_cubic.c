/* SPDX-License-Identifier: MIT */
/*
 * CUBIC (RFC 9438), in integers: bytes for windows, milliseconds for time.
 *
 * After a reduction cwnd follows W_cubic(t) = origin + C * (t - K)^3: fast at first, flat around the window at which congestion was
 * met (W_max), then faster and faster. t runs from the first ACK in congestion avoidance, the epoch's begin; it does not
 * run over idle time (5.8). Where Reno would be faster, on short or slow paths, W_est takes its place (4.3). With C in segments
 * a second cubed, in bytes and milliseconds: W = origin + 0.4 * SMSS * d^3 / 10^9, and K^3 = (W_max - cwnd) * 2.5 * 10^9 / SMSS.
 *
 * The window that is reduced is cwnd, not FlightSize: cwnd grows only while it is the limit (4.6 allows it then).
 */
#include "base/seq.h"
#include "tcp/tcp.h"

#define D_MAX_MS ((uint64_t)1 << 17) /* further from K the curve is steeper than any use; keeps the cube within 64 bits */

/* The cube root, bit by bit. */
static uint32_t root3(uint64_t x) {
  uint64_t r = 0;
  for (int s = 63; s >= 0; s -= 3) {
    r <<= 1;
    uint64_t step = 3 * r * (r + 1) + 1; /* (r + 1)^3 - r^3 */
    if (x >> s >= step) {
      x -= step << s;
      r++;
    }
  }
  return (uint32_t)r;
}

/* Figure 1, at t ms after the epoch's begin. */
static uint32_t w_cubic(const struct cc_cubic *q, uint32_t mss, uint64_t t_ms) {
  bool past = t_ms >= q->k_ms;
  uint64_t d = past ? t_ms - q->k_ms : q->k_ms - t_ms;
  if (d > D_MAX_MS)
    d = D_MAX_MS;
  uint64_t w = d * d * d / 10000 * 4 * mss / 1000000;
  if (!past)
    return w < q->origin ? q->origin - (uint32_t)w : 0;
  return w < UINT32_MAX / 2 - q->origin ? q->origin + (uint32_t)w : UINT32_MAX / 2;
}

static void begin_epoch(const struct tcp *t, const struct conn *c, struct cc_cubic *q) {
  q->epoch = t->now ? t->now : 1;
  q->grown = q->est_grown = 0;
  q->w_est = c->cwnd;
  q->k_ms = 0;
  q->origin = c->cwnd;
  if (c->cwnd < q->w_max) { /* figure 2 */
    q->k_ms = root3((uint64_t)(q->w_max - c->cwnd) * UINT64_C(2500000000) / c->mss);
    q->origin = q->w_max;
  }
}

/* Figure 4. alpha is 3 * (1 - 0.7) / (1 + 0.7) = 9/17 until W_est is where cwnd was before the reduction, then 1. */
static void grow_est(const struct conn *c, struct cc_cubic *q, uint32_t delivered) {
  uint64_t unit = (uint64_t)c->cwnd * 17;
  q->est_grown += (uint64_t)delivered * c->mss * (q->w_est < q->before ? 9 : 17);
  q->w_est += (uint32_t)(q->est_grown / unit);
  q->est_grown %= unit;
}

/* 4.2 to 4.5: towards where the curve will be one round trip from now, at most half a window away. */
static void avoid(const struct tcp *t, struct conn *c, struct cc_cubic *q, uint32_t delivered) {
  if (!q->epoch)
    begin_epoch(t, c, q);
  uint64_t t_ms = (t->now - q->epoch) / LA_MS, rtt_ms = (c->srtt >> 3) / 1000;
  grow_est(c, q, delivered);
  if (w_cubic(q, c->mss, t_ms) < q->w_est) {
    if (c->cwnd < q->w_est)
      c->cwnd = q->w_est;
    q->grown = 0;
    return;
  }
  uint32_t target = w_cubic(q, c->mss, t_ms + rtt_ms), most = c->cwnd + c->cwnd / 2;
  if (target > most)
    target = most;
  if (target <= c->cwnd)
    return;
  q->grown += (uint64_t)delivered * (target - c->cwnd);
  uint32_t step = (uint32_t)(q->grown / c->cwnd);
  q->grown %= c->cwnd;
  c->cwnd += step;
}

static void cubic_start(struct tcp *t, struct conn *c, union cc_state *s) {
  (void)t;
  s->cubic.w_max = s->cubic.before = conn_wish(c)->w_max;
}

static void cubic_ack(const struct tcp *t, struct conn *c, union cc_state *s, const struct cc_ack *a) {
  struct cc_cubic *q = &s->cubic;
  uint32_t left = a->delivered;
  if (c->cwnd < c->ssthresh) {
    unsigned slower = 1;
    if (t->cfg.hystart && c->ssthresh >= CC_INFINITE) /* the first slow start only (RFC 9406 4.3) */
      slower = la__hystart_ack(&q->hystart, c, a->rtt);
    if (!slower)
      c->ssthresh = c->cwnd;
    else if (a->limited)
      left = la__cc_slow_start(c, left / slower);
  }
  if (c->cwnd >= c->ssthresh && a->limited)
    avoid(t, c, q, left);
}

/* 4.6 and 4.7. Fast convergence: who had not got back to W_max leaves room for a newcomer. */
static uint32_t cubic_reduce(struct tcp *t, struct conn *c, union cc_state *s, enum cc_event why) {
  struct cc_cubic *q = &s->cubic;
  (void)why;
  q->undo_w_max = q->w_max;
  q->w_max = c->cwnd < q->w_max ? (uint32_t)((uint64_t)c->cwnd * 17 / 20) : c->cwnd;
  q->before = c->cwnd;
  q->epoch = 0;
  struct wish *w = la__conn_wish(t, c);
  if (w) /* without memory it lasts as long as the send queue */
    w->w_max = q->w_max;
  return la__cc_at_least((uint32_t)((uint64_t)c->cwnd * 7 / 10), c->mss);
}

/* 4.9. The epoch begins anew: from the restored window the curve is flat, or as steep as W_max asks. */
static void cubic_undo(struct tcp *t, struct conn *c, union cc_state *s) {
  (void)t;
  s->cubic.w_max = s->cubic.before = s->cubic.undo_w_max;
  s->cubic.epoch = 0;
  if (c->wish)
    c->wish->w_max = s->cubic.w_max;
}

static void cubic_resume(const struct tcp *t, struct conn *c, union cc_state *s) {
  (void)t;
  (void)c;
  s->cubic.epoch = 0;
}

const struct cc_module la__cc_cubic = {
  .name = "cubic", .start = cubic_start, .ack = cubic_ack, .reduce = cubic_reduce, .undo = cubic_undo, .resume = cubic_resume};
