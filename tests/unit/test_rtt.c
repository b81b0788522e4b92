/* SPDX-License-Identifier: MIT */
/* RFC 6298: known answers, and a model with fractions over random samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "tcp/tcp.h"

struct bench {
  struct tcp t;
  union {
    struct conn c;
    uint8_t room[CONN_BYTES(1)];
  };
};

static struct bench *bench(enum la_preset preset) {
  struct bench *b = calloc(1, sizeof *b);
  assert_non_null(b);
  la_config_init(&b->t.cfg, preset);
  return b;
}

/* 2.1 to 2.3, 2.4. */
static void known_answers(void **state) {
  (void)state;
  struct bench *b = bench(LA_PRESET_RFC);
  b->t.cfg.rto_min = 1;
  assert_int_equal(la__rto(&b->t, &b->c), LA_SEC); /* (2.1) */
  la__rtt_sample(&b->c, LA_SEC);                   /* SRTT 1, RTTVAR 1/2, RTO 1 + 4/2 */
  assert_int_equal(la__rto(&b->t, &b->c), 3 * LA_SEC);
  la__rtt_sample(&b->c, 2 * LA_SEC); /* RTTVAR 3/8 + 1/4, SRTT 7/8 + 2/8, RTO 1.125 + 2.5 */
  assert_int_equal(la__rto(&b->t, &b->c), 3625 * LA_MS);
  la__rtt_sample(&b->c, 125 * LA_MS); /* RTTVAR 0.46875 + 0.25, SRTT 0.984375 + 0.015625, RTO 1 + 2.875 */
  assert_int_equal(la__rto(&b->t, &b->c), 3875 * LA_MS);
  free(b);
}

/* 2.4: never below a second; by Linux's preset 200 ms above SRTT; 2.5: the ceiling. */
static void floor_and_ceiling(void **state) {
  (void)state;
  for (unsigned preset = 0; preset < 2; preset++) {
    struct bench *b = bench(preset ? LA_PRESET_LINUX : LA_PRESET_RFC);
    for (unsigned i = 0; i < 100; i++)
      la__rtt_sample(&b->c, 100 * LA_US);
    assert_int_equal(la__rto(&b->t, &b->c), preset ? 200 * LA_MS + 100 * LA_US : LA_SEC);
    for (unsigned i = 0; i < 100; i++)
      la__rtt_sample(&b->c, 10000 * LA_SEC);
    assert_int_equal(la__rto(&b->t, &b->c), 120 * LA_SEC);
    la__rtt_sample(&b->c, LA_NEVER);
    assert_int_equal(la__rto(&b->t, &b->c), 120 * LA_SEC);
    free(b);
  }
}

/* G: even when nothing varies the RTO stays a clock tick above SRTT. */
static void granularity(void **state) {
  (void)state;
  struct bench *b = bench(LA_PRESET_RFC);
  b->t.cfg.rto_min = 1;
  for (unsigned i = 0; i < 1000; i++)
    la__rtt_sample(&b->c, 50 * LA_MS);
  la_time rto = la__rto(&b->t, &b->c);
  assert_true(rto >= 51 * LA_MS && rto < 51 * LA_MS + 10 * LA_US);
  free(b);
}

/* 5.5: doubled for each expiry, and no further than rto_max, however many they were. */
static void back_off(void **state) {
  (void)state;
  struct bench *b = bench(LA_PRESET_RFC);
  la_time want = LA_SEC;
  for (unsigned i = 0; i < 256; i++) {
    b->c.backoff = (uint8_t)i;
    assert_int_equal(la__rto_backed(&b->t, &b->c), want);
    want = want * 2 < 120 * LA_SEC ? want * 2 : 120 * LA_SEC;
  }
  free(b);
}

/* 5.7: after a SYN that was lost, 3 s for data until there is a sample. */
static void three_seconds_after_a_lost_syn(void **state) {
  (void)state;
  struct bench *b = bench(LA_PRESET_RFC);
  b->c.flags = CF_SYN_LOST;
  assert_int_equal(la__rto(&b->t, &b->c), LA_SEC);
  b->c.flags |= CF_ACKED_SYN;
  assert_int_equal(la__rto(&b->t, &b->c), 3 * LA_SEC);
  la__rtt_sample(&b->c, 10 * LA_MS);
  assert_int_equal(la__rto(&b->t, &b->c), LA_SEC);
  free(b);
}

static void against_a_model(void **state) {
  (void)state;
  struct prng r;
  la__prng_seed(&r, 6298);
  for (unsigned run = 0; run < 50; run++) {
    struct bench *b = bench(LA_PRESET_RFC);
    b->t.cfg.rto_min = 1;
    double srtt = 0, rttvar = 0;
    uint32_t span = 1u << (4 + la__prng_below(&r, 20));
    for (unsigned i = 0; i < 400; i++) {
      uint32_t us = 1 + la__prng_below(&r, span);
      double s = us;
      if (i == 0) {
        srtt = s;
        rttvar = s / 2;
      } else {
        rttvar = 0.75 * rttvar + 0.25 * (srtt > s ? srtt - s : s - srtt);
        srtt = 0.875 * srtt + 0.125 * s;
      }
      la__rtt_sample(&b->c, us * LA_US);
      double k = 4 * rttvar > 1000 ? 4 * rttvar : 1000, want = srtt + k, got = (double)la__rto(&b->t, &b->c) / 1000;
      assert_true(got - want < 16 && want - got < 16); /* us: what integers lose */
    }
    free(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(known_answers), cmocka_unit_test(floor_and_ceiling), cmocka_unit_test(granularity),
    cmocka_unit_test(back_off),      cmocka_unit_test(against_a_model),   cmocka_unit_test(three_seconds_after_a_lost_syn),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
