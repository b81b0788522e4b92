/* SPDX-License-Identifier: MIT */
/* RFC 9438 against its own equations, computed here in floating point; and what survives an idle time. */
#include "dialogue.h"

#include "tcp/tcp.h"

enum { MSS = 1000 };

static double magnitude(double x) { return x < 0 ? -x : x; }
static double root3(double x) { /* Newton; x >= 0 */
  double r = x > 1 ? x : 1;
  for (int i = 0; i < 200; i++)
    r -= (r * r * r - x) / (3 * r * r);
  return r;
}

/* A connection as far as the module looks at it. */
struct bench {
  struct tcp t;
  struct conn c;
  struct wish w;
  union cc_state s;
};
static struct bench *bench_new(uint32_t cwnd, la_time rtt) {
  struct bench *b = calloc(1, sizeof *b);
  assert_non_null(b);
  b->t.now = 100 * LA_SEC;
  b->t.cfg.hystart = 1;
  b->c.wish = &b->w;
  b->c.mss = MSS;
  b->c.cwnd = cwnd;
  b->c.ssthresh = CC_INFINITE;
  b->c.srtt = (uint32_t)(rtt / LA_US) << 3;
  la__cc_cubic.start(&b->t, &b->c, &b->s);
  return b;
}
static void reduce(struct bench *b) { b->c.cwnd = b->c.ssthresh = la__cc_cubic.reduce(&b->t, &b->c, &b->s, CC_LOSS); }
static void ack(struct bench *b, uint32_t bytes) {
  struct cc_ack a = {.delivered = bytes, .limited = true};
  la__cc_cubic.ack(&b->t, &b->c, &b->s, &a);
}
/* One round trip: a window's worth, in ACKs of two segments, evenly spread. */
static void round_trip(struct bench *b, la_time rtt) {
  uint32_t n = b->c.cwnd / (2 * MSS);
  la_time end = b->t.now + rtt;
  for (uint32_t i = 0; i < n; i++) {
    b->t.now += rtt / n;
    ack(b, 2 * MSS);
  }
  b->t.now = end;
}
static double w_cubic(double t, double w_max, double k) { return 0.4 * (t - k) * (t - k) * (t - k) + w_max; }

/* Figure 1 and 2: between where the curve is and where it will be a round trip later, all the way through both regions. */
static void the_curve(void **state) {
  (void)state;
  la_time rtt = 200 * LA_MS;
  struct bench *b = bench_new(100 * MSS, rtt);
  reduce(b);
  assert_int_equal(b->c.cwnd, 70 * MSS);
  double k = root3(30 / 0.4), begun = 0;
  for (int i = 0; i < 60; i++) {
    la_time at = b->t.now;
    round_trip(b, rtt);
    if (i == 0) {
      begun = (double)b->s.cubic.epoch / 1e9;
      assert_true(b->s.cubic.epoch > at && magnitude(b->s.cubic.k_ms - 1000 * k) <= 1);
    }
    double t = (double)b->t.now / 1e9 - begun, w = (double)b->c.cwnd / MSS;
    assert_true(w >= w_cubic(t, 100, k) - 0.5 && w <= w_cubic(t + 0.2, 100, k) + 0.5);
  }
  assert_true(b->c.cwnd > 260 * MSS); /* 12 s: far into the convex region */
  free(b);
}

/* A window so large that an ACK adds less than a byte: fractions add up. */
static void fractions(void **state) {
  (void)state;
  la_time rtt = 10 * LA_MS;
  struct bench *b = bench_new(20000 * MSS, rtt);
  reduce(b);
  double k = root3(6000 / 0.4);
  for (int i = 0; i < 20; i++) {
    for (uint32_t n = b->c.cwnd / MSS; n; n--)
      ack(b, MSS);
    b->t.now += rtt;
  }
  double w = (double)b->c.cwnd / MSS, t = 0.2;
  assert_true(w >= w_cubic(t - 0.01, 20000, k) && w <= w_cubic(t, 20000, k));
  free(b);
}

static void time_to_w_max(void **state) {
  (void)state;
  static const uint32_t w_max[] = {3, 10, 47, 100, 1000, 20000, 300000};
  for (unsigned i = 0; i < sizeof w_max / sizeof w_max[0]; i++) {
    struct bench *b = bench_new(w_max[i] * MSS, 100 * LA_MS);
    reduce(b);
    ack(b, MSS);
    double k = 1000 * root3((w_max[i] - b->c.ssthresh / (double)MSS) / 0.4);
    assert_true(magnitude(b->s.cubic.k_ms - k) <= 1);
    free(b);
  }
}

/* 4.3: on a short path the window is Reno's with 0.7 and 9/17, until it is back, and then Reno's. */
static void reno_friendly(void **state) {
  (void)state;
  struct bench *b = bench_new(100 * MSS, 10 * LA_MS);
  reduce(b);
  double est = 70;
  for (int i = 0; i < 120; i++) {
    uint32_t n = b->c.cwnd / (2 * MSS);
    for (uint32_t k = 0; k < n; k++)
      est += (est < 100 ? 9.0 / 17 : 1) * 2 * MSS / b->c.cwnd;
    round_trip(b, 10 * LA_MS);
    assert_true(magnitude(est - (double)b->c.cwnd / MSS) < 0.5);
  }
  assert_true(est > 150);
  free(b);
}

/* 4.6, 4.7 */
static void reductions(void **state) {
  (void)state;
  struct bench *b = bench_new(100 * MSS, 100 * LA_MS);
  reduce(b);
  assert_int_equal(b->s.cubic.w_max, 100 * MSS);
  b->c.cwnd = 80 * MSS; /* not back yet: W_max is 0.85 of it */
  reduce(b);
  assert_int_equal(b->s.cubic.w_max, 68 * MSS);
  assert_int_equal(b->c.ssthresh, 56 * MSS);
  b->c.cwnd = 90 * MSS;
  reduce(b);
  assert_int_equal(b->s.cubic.w_max, 90 * MSS);
  assert_int_equal(b->c.ssthresh, 63 * MSS);
  la__cc_cubic.undo(&b->t, &b->c, &b->s);
  assert_int_equal(b->s.cubic.w_max, 68 * MSS);
  assert_int_equal(b->w.w_max, 68 * MSS);
  b->c.cwnd = 2 * MSS;
  reduce(b);
  assert_int_equal(b->c.ssthresh, 2 * MSS); /* never less */
  free(b);
}

/* 4.2: the target is at most half a window away, so that two segments acknowledged give one more at most. */
static void never_too_fast(void **state) {
  (void)state;
  struct bench *b = bench_new(20 * MSS, 100 * LA_MS);
  reduce(b);
  ack(b, MSS);
  b->t.now += 200 * LA_SEC;
  uint32_t was = b->c.cwnd;
  for (int i = 0; i < 7; i++) {
    ack(b, 2 * MSS);
    assert_true(b->c.cwnd - was <= MSS + 1);
    was = b->c.cwnd;
  }
  assert_true(was > 19 * MSS);
  free(b);
}

/* The largest windows, segments and times there are: it goes on growing, by no more than it may. */
static void extremes(void **state) {
  (void)state;
  struct bench *b = bench_new(1u << 30, LA_MS);
  b->c.mss = 65483;
  reduce(b);
  for (int i = 0; i < 2000; i++) {
    uint32_t was = b->c.cwnd;
    b->t.now += (la_time)i * LA_SEC;
    ack(b, 1u << 20);
    assert_true(b->c.cwnd >= was && b->c.cwnd - was <= (1u << 19) + 1);
    if (b->c.cwnd > UINT32_MAX / 4) /* la__cc_ack asks no more */
      break;
  }
  assert_true(b->c.cwnd > 800u << 20);
  free(b);
}

/* 5.8: an epoch does not run over idle time; W_max outlives the send queue. */
static void idle(void **state) {
  (void)state;
  struct bench *b = bench_new(100 * MSS, 200 * LA_MS);
  reduce(b);
  for (int i = 0; i < 10; i++)
    round_trip(b, 200 * LA_MS);
  uint32_t was = b->c.cwnd;
  b->t.now += 1000 * LA_SEC;
  memset(&b->s, 0, sizeof b->s); /* another send queue */
  la__cc_cubic.start(&b->t, &b->c, &b->s);
  ack(b, 2 * MSS);
  assert_true(b->c.cwnd - was < 100);
  double k = 1000 * root3((100 - was / (double)MSS) / 0.4);
  assert_true(magnitude(b->s.cubic.k_ms - k) <= 1);
  b->t.now += 1000 * LA_SEC;
  la__cc_cubic.resume(&b->t, &b->c, &b->s);
  was = b->c.cwnd;
  ack(b, 2 * MSS);
  assert_true(b->c.cwnd - was < 100);
  free(b);
}

/* Not from the application's pace: nothing grows while cwnd is not the limit. */
static void not_limited(void **state) {
  (void)state;
  struct bench *b = bench_new(100 * MSS, 100 * LA_MS);
  struct cc_ack a = {.delivered = 2 * MSS};
  la__cc_cubic.ack(&b->t, &b->c, &b->s, &a);
  assert_int_equal(b->c.cwnd, 100 * MSS);
  reduce(b);
  for (int i = 0; i < 1000; i++, b->t.now += 10 * LA_MS)
    la__cc_cubic.ack(&b->t, &b->c, &b->s, &a);
  assert_int_equal(b->c.cwnd, 70 * MSS);
  free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_curve),     cmocka_unit_test(fractions),  cmocka_unit_test(time_to_w_max),
    cmocka_unit_test(reno_friendly), cmocka_unit_test(reductions), cmocka_unit_test(never_too_fast),
    cmocka_unit_test(extremes),      cmocka_unit_test(idle),       cmocka_unit_test(not_limited),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
