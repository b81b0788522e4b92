/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/ranges.h"

enum { SPACE = 400 };

/* The set must say what the bitmap says, in the one form that is minimal: ordered, disjoint, not touching. */
static void same(const struct ranges *r, const uint8_t *bit, uint32_t base) {
  unsigned at = 0, i = 0;
  while (at < SPACE) {
    if (!bit[at]) {
      assert_int_equal(la__ranges_find(r, base + at), -1);
      at++;
      continue;
    }
    assert_true(i < r->n);
    assert_int_equal(r->v[i].lo, base + at);
    for (; at < SPACE && bit[at]; at++)
      assert_int_equal(la__ranges_find(r, base + at), i);
    assert_int_equal(r->v[i].hi, base + at);
    i++;
  }
  assert_int_equal(i, r->n);
  for (unsigned x = 0; x <= SPACE; x++) {
    unsigned k = 0;
    while (k < r->n && r->v[k].hi - base <= x)
      k++;
    assert_int_equal(la__ranges_beyond(r, base + x), k);
  }
  assert_int_equal(la__ranges_beyond(r, base - 1), 0);
  assert_int_equal(la__ranges_find(r, base - 1), -1);
  assert_int_equal(la__ranges_find(r, base + SPACE), -1);
  assert_int_equal(la__ranges_find(r, base + 0x80000000u), -1);
}

static unsigned runs(const uint8_t *bit) {
  unsigned n = 0;
  for (unsigned i = 0; i < SPACE; i++)
    n += bit[i] && (!i || !bit[i - 1]);
  return n;
}

static void random_ops(uint32_t base, uint16_t cap, uint64_t seed) {
  struct range v[33];
  struct ranges r = {v, 0, cap};
  uint8_t bit[SPACE] = {0}, next[SPACE];
  unsigned refused = 0;
  struct prng g;
  la__prng_seed(&g, seed);
  memset(v, 0xee, sizeof v);
  for (int op = 0; op < 4000; op++) {
    memcpy(next, bit, SPACE);
    if (la__prng_below(&g, 20)) {
      unsigned lo = la__prng_below(&g, SPACE), len = 1 + la__prng_below(&g, 12);
      if (lo + len > SPACE)
        len = SPACE - lo;
      memset(next + lo, 1, len);
      bool fits = runs(next) <= cap;
      assert_int_equal(la__ranges_add(&r, base + lo, base + lo + len), fits);
      if (fits)
        memcpy(bit, next, SPACE);
      refused += !fits;
    } else {
      unsigned upto = la__prng_below(&g, SPACE + 1);
      la__ranges_cut(&r, base + upto);
      memset(bit, 0, upto);
    }
    same(&r, bit, base);
    assert_int_equal(v[cap].lo, 0xeeeeeeee); /* never past the owner's array */
  }
  assert_true(cap > 30 || refused > 0);
}

static void against_a_bitmap(void **state) {
  static const uint32_t bases[] = {0, 1000, 0x7fffff80, 0xffffff00, 0xffffffff};
  static const uint16_t caps[] = {1, 2, 5, 32};
  for (unsigned i = 0; i < 5; i++)
    for (unsigned k = 0; k < 4; k++)
      random_ops(bases[i], caps[k], i * 10 + k);
  (void)state;
}

static void full_set_still_merges(void **state) {
  struct range v[2];
  struct ranges r = {v, 0, 2};
  assert_true(la__ranges_add(&r, 10, 20));
  assert_true(la__ranges_add(&r, 30, 40));
  assert_false(la__ranges_add(&r, 50, 60));
  assert_false(la__ranges_add(&r, 1, 9));
  assert_false(la__ranges_add(&r, 22, 28));
  assert_int_equal(r.n, 2);
  assert_true(la__ranges_add(&r, 40, 50)); /* adjacent */
  assert_true(la__ranges_add(&r, 5, 10));
  assert_true(la__ranges_add(&r, 12, 18)); /* inside */
  assert_int_equal(r.n, 2);
  assert_true(la__ranges_add(&r, 20, 30));
  assert_int_equal(r.n, 1);
  assert_int_equal(v[0].lo, 5);
  assert_int_equal(v[0].hi, 50);
  struct ranges none = {v, 0, 0};
  assert_false(la__ranges_add(&none, 1, 2));
  assert_int_equal(la__ranges_find(&none, 1), -1);
  la__ranges_cut(&none, 1);
  (void)state;
}

/* A window as wide as the order allows, across the wrap. */
static void wide(void **state) {
  struct range v[4];
  struct ranges r = {v, 0, 4};
  uint32_t base = 0xc0000000;
  assert_true(la__ranges_add(&r, base + 0x7ffffff0, base + 0x7fffffff));
  assert_true(la__ranges_add(&r, base, base + 1));
  assert_true(la__ranges_add(&r, base + 0x40000000, base + 0x40000010));
  assert_int_equal(r.n, 3);
  assert_int_equal(v[0].lo, base);
  assert_int_equal(v[2].hi, base + 0x7fffffff);
  assert_int_equal(la__ranges_find(&r, base + 0x4000000f), 1);
  assert_int_equal(la__ranges_find(&r, base + 0x40000010), -1);
  assert_true(la__ranges_add(&r, base + 1, base + 0x7ffffff0));
  assert_int_equal(r.n, 1);
  la__ranges_cut(&r, base - 5);
  assert_int_equal(v[0].lo, base);
  la__ranges_cut(&r, base + 0x7ffffffe);
  assert_int_equal(v[0].lo, base + 0x7ffffffe);
  assert_int_equal(r.n, 1);
  la__ranges_cut(&r, base + 0x7fffffff);
  assert_int_equal(r.n, 0);
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(against_a_bitmap),
    cmocka_unit_test(full_set_still_merges),
    cmocka_unit_test(wide),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
