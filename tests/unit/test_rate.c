/* SPDX-License-Identifier: MIT */
/* How fast the path delivers (draft-ietf-ccwg-bbr 4.1): rates, rounds, what the application held back, and bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/rate.h"

enum { LEN = 1000 };
#define RTT (50 * LA_MS)
#define GAP LA_MS /* 1 MB/s */

static struct rate_sample ack(struct rate *r, la_time now, la_time newest, la_time min_rtt) {
  struct rate_sample s = {0};
  la__rate_ack(r, now, LEN, newest, min_rtt, &s);
  return s;
}

/* A segment each ms, acknowledged a round trip later: 1 MB/s, whatever the spacing of marks. */
static void steady(void **state) {
  (void)state;
  static const la_time spacings[] = {0, LA_MS, 5 * LA_MS, 20 * LA_MS};
  for (unsigned k = 0; k < 4; k++) {
    struct rate r = {0};
    struct rate_sample s = {0};
    for (unsigned i = 0; i < 1000; i++) {
      la_time now = LA_SEC + i * GAP;
      la__rate_sent(&r, now, spacings[k], i == 0, LEN * (i < 50 ? i + 1 : 50));
      if (i >= 50)
        s = ack(&r, now, now - RTT, RTT);
      assert_true(r.n <= RATE_MARKS);
    }
    assert_true(s.valid && !s.app_limited);
    assert_in_range(s.rate, 990000, 1010000);
    assert_in_range(s.delivered, 50 * LEN, (50 + spacings[k] / LA_MS + 1) * LEN);
    assert_int_equal(r.delivered, 950 * LEN);
  }
}

/* What was sent slowly was not delivered faster, though its ACKs come together (the draft's send_elapsed). */
static void compressed_acks(void **state) {
  (void)state;
  struct rate r = {0};
  struct rate_sample s = {0};
  for (unsigned i = 0; i < 50; i++)
    la__rate_sent(&r, LA_SEC + i * GAP, 0, i == 0, LEN * (i + 1));
  la_time now = LA_SEC + 60 * GAP;
  for (unsigned i = 0; i < 50; i++)
    s = ack(&r, now, LA_SEC + i * GAP, 10 * LA_MS);
  assert_true(s.rate <= 1010000);
  struct rate q = {0};
  la__rate_sent(&q, LA_SEC, 0, true, LEN);
  s = ack(&q, LA_SEC + LA_MS, LA_SEC, RTT); /* sooner than any round trip: no rate */
  assert_true(s.valid);
  assert_int_equal(s.rate, 0);
}

/* What is sent while the application has too little is marked so, until all of it is delivered. */
static void app_limited(void **state) {
  (void)state;
  struct rate r = {0};
  la__rate_sent(&r, LA_SEC, 0, true, LEN);
  la__rate_limited(&r, LEN);
  la__rate_sent(&r, LA_SEC + 1, 0, false, 2 * LEN);
  struct rate_sample s = ack(&r, LA_SEC + RTT, LA_SEC, RTT);
  assert_false(s.app_limited);
  s = ack(&r, LA_SEC + RTT + 1, LA_SEC + 1, RTT);
  assert_true(s.app_limited);
  la__rate_sent(&r, LA_SEC + 2 * RTT, 0, true, LEN);
  s = ack(&r, LA_SEC + 3 * RTT, LA_SEC + 2 * RTT, RTT);
  assert_false(s.app_limited);
}

/* A pause is not part of any interval. */
static void after_a_pause(void **state) {
  (void)state;
  struct rate r = {0};
  la__rate_sent(&r, LA_SEC, 0, true, LEN);
  ack(&r, LA_SEC + RTT, LA_SEC, RTT);
  la_time later = 100 * LA_SEC;
  la__rate_sent(&r, later, 0, true, LEN);
  struct rate_sample s = ack(&r, later + RTT, later, RTT);
  assert_int_equal(s.rate, LEN * (LA_SEC / RTT));
}

/* Losses since the newest delivery was sent. */
static void losses(void **state) {
  (void)state;
  struct rate r = {0};
  for (unsigned i = 0; i < 10; i++)
    la__rate_sent(&r, LA_SEC + i * GAP, 0, i == 0, LEN * (i + 1));
  r.lost += 2 * LEN;
  struct rate_sample s = ack(&r, LA_SEC + RTT, LA_SEC + 5 * GAP, RTT);
  assert_int_equal(s.lost, 2 * LEN);
  assert_int_equal(s.flight, 6 * LEN);
  la__rate_sent(&r, LA_SEC + RTT, 0, false, LEN);
  s = ack(&r, LA_SEC + 2 * RTT, LA_SEC + RTT, RTT);
  assert_int_equal(s.lost, 0);
}

/* More marks than there is room for: the oldest go, and what is older than all has the oldest's. */
static void many_marks(void **state) {
  (void)state;
  struct rate r = {0};
  for (unsigned i = 0; i < 10 * RATE_MARKS; i++)
    la__rate_sent(&r, LA_SEC + i * GAP, 0, i == 0, LEN);
  assert_int_equal(r.n, RATE_MARKS);
  assert_int_equal(la__rate_mark(&r, LA_SEC)->at, LA_SEC + 9 * RATE_MARKS * GAP);
  assert_int_equal(la__rate_mark(&r, LA_NEVER - 1)->at, LA_SEC + (10 * RATE_MARKS - 1) * GAP);
  assert_int_equal(la__rate_mark(&r, LA_SEC + (10 * RATE_MARKS - 7) * GAP + 1)->at, LA_SEC + (10 * RATE_MARKS - 7) * GAP);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(steady),        cmocka_unit_test(compressed_acks), cmocka_unit_test(app_limited),
    cmocka_unit_test(after_a_pause), cmocka_unit_test(losses),          cmocka_unit_test(many_marks),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
