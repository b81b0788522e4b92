/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"

static void seeded_by_splitmix64(void **state) {
  struct prng r;
  la__prng_seed(&r, 1234567);
  assert_int_equal(r.s[0], 6457827717110365317u);
  assert_int_equal(r.s[1], 3203168211198807973u);
  assert_int_equal(r.s[2], 9817491932198370423u);
  assert_int_equal(r.s[3], 4593380528125082431u);
  (void)state;
}

static void xoshiro_sequence(void **state) {
  static const uint64_t want[] = {
    11520,
    0,
    1509978240,
    1215971899390074240,
    1216172134540287360,
    607988272756665600,
    16172922978634559625u,
    8476171486693032832,
    10595114339597558777u,
    2904607092377533576,
  };
  struct prng r = {{1, 2, 3, 4}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++)
    assert_int_equal(la__prng_next(&r), want[i]);
  (void)state;
}

static void same_seed_same_numbers(void **state) {
  struct prng a, b, c;
  la__prng_seed(&a, 7);
  la__prng_seed(&b, 7);
  la__prng_seed(&c, 8);
  int differ = 0;
  for (int i = 0; i < 1000; i++) {
    uint64_t x = la__prng_next(&a);
    assert_int_equal(x, la__prng_next(&b));
    differ += x != la__prng_next(&c);
  }
  assert_int_equal(differ, 1000);
  (void)state;
}

static void below_is_bounded_and_even(void **state) {
  static const uint32_t bounds[] = {1, 2, 3, 7, 1000, 0x80000000, 0x80000001, 0xc0000000, 0xffffffff};
  struct prng r;
  la__prng_seed(&r, 99);
  for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
    unsigned low = 0, rest[3] = {0};
    for (int i = 0; i < 30000; i++) {
      uint32_t x = la__prng_below(&r, bounds[k]);
      assert_true(x < bounds[k]);
      low += x < bounds[k] / 3;
      rest[x % 3]++;
    }
    if (bounds[k] > 1000) {
      assert_in_range(low, 9600, 10400);
      for (int i = 0; i < 3; i++) /* 0xc0000000 without rejection: 1/2, 1/4, 1/4 */
        assert_in_range(rest[i], 9600, 10400);
    }
  }
  unsigned seen[7] = {0};
  for (int i = 0; i < 70000; i++)
    seen[la__prng_below(&r, 7)]++;
  for (int i = 0; i < 7; i++)
    assert_in_range(seen[i], 9600, 10400);
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(seeded_by_splitmix64),
    cmocka_unit_test(xoshiro_sequence),
    cmocka_unit_test(same_seed_same_numbers),
    cmocka_unit_test(below_is_bounded_and_even),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
