/* SPDX-License-Identifier: MIT */
/* The token bucket: the rate holds over any second, a burst is bounded, the level is jittered, and no clock can break it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bucket.h"

static unsigned take_all(struct bucket *b, uint32_t rate, la_time now, struct prng *r) {
  unsigned n = 0;
  while (n < 100000 && la__bucket_take(b, rate, now, r))
    n++;
  return n;
}

static void burst_then_rate(void **state) {
  (void)state;
  static const uint32_t rates[] = {1, 2, 7, 100, 1000, 50000};
  for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++) {
    struct prng r;
    uint32_t rate = rates[i];
    struct bucket b = {.tokens = rate};
    la_time now = 77 * LA_SEC;
    la__prng_seed(&r, 3);
    assert_in_range(take_all(&b, rate, now, &r), rate - rate / 8, rate);
    assert_false(la__bucket_take(&b, rate, now, &r));
    unsigned n = 0;
    for (unsigned tick = 0; tick < 10000; tick++) { /* 10 s, asked every ms */
      now += LA_MS;
      n += take_all(&b, rate, now, &r);
    }
    assert_in_range(n, 10 * rate - rate / 100 - 2, 10 * rate + 1);
  }
}

static void idle_time_saves_no_more_than_a_second(void **state) {
  (void)state;
  struct prng r;
  struct bucket b = {.tokens = 100};
  bool differ = false;
  unsigned first = 0;
  la__prng_seed(&r, 3);
  for (unsigned i = 1; i < 50; i++) {
    unsigned n = take_all(&b, 100, i * 1000 * LA_SEC, &r);
    assert_in_range(n, 88, 100);
    differ = differ || (first && n != first);
    first = n;
  }
  assert_true(differ); /* jittered */
}

static void edges(void **state) {
  (void)state;
  struct prng r;
  la__prng_seed(&r, 3);
  struct bucket b = {0};
  assert_int_equal(take_all(&b, 0, 5, &r), 100000); /* no limit */
  b = (struct bucket){.tokens = 3};
  assert_int_equal(take_all(&b, 3, 0, &r), 3); /* at time 0 it is full */
  assert_false(la__bucket_take(&b, 3, 0, &r));
  assert_true(la__bucket_take(&b, 3, LA_NEVER - 1, &r));
  assert_in_range(take_all(&b, 3, LA_NEVER - 1, &r), 1, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(burst_then_rate),
    cmocka_unit_test(idle_time_saves_no_more_than_a_second),
    cmocka_unit_test(edges),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
