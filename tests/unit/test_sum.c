/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/sum.h"

/* RFC 1071 1, word by word. */
static uint16_t plain(uint32_t start, const uint8_t *p, size_t n) {
  uint64_t s = start;
  for (size_t i = 0; i < n; i += 2)
    s += (uint64_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
  while (s >> 16)
    s = (s & 0xffff) + (s >> 16);
  return (uint16_t)s;
}

static void check(uint32_t start, const uint8_t *p, size_t n) {
  uint32_t got = la__sum(start, p, n);
  assert_true(got <= 0x1ffff);
  assert_int_equal(la__sum_finish(got), (uint16_t)~plain(start, p, n));
}

static void rfc1071_example(void **state) {
  static const uint8_t m[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  assert_int_equal(la__sum_finish(la__sum(0, m, sizeof m)), (uint16_t)~0xddf2);
  (void)state;
}

static void lengths_and_alignments(void **state) {
  struct prng r;
  la__prng_seed(&r, 1);
  for (size_t n = 0; n <= 300; n++)
    for (size_t off = 0; off < 16; off++) {
      uint8_t *block = malloc(off + n + 1), *p = block + off;
      for (size_t i = 0; i < off + n; i++)
        block[i] = (uint8_t)la__prng_next(&r);
      uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees the first byte past the end */
      memcpy(exact, p, n);
      check(0, p, n);
      check((uint32_t)la__prng_next(&r), exact, n);
      free(exact);
      free(block);
    }
  (void)state;
}

static void carries(void **state) {
  static const uint8_t fills[] = {0x00, 0xff, 0x80, 0x7f, 0x01, 0xfe};
  static const uint32_t starts[] = {0, 1, 0xffff, 0x10000, 0x1fffe, 0x1ffff, 0x7fffffff, 0xffff0000, 0xfffffffe, 0xffffffff};
  uint8_t m[400];
  for (size_t f = 0; f < sizeof fills; f++)
    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++)
      for (size_t n = 0; n <= sizeof m; n++) {
        memset(m, fills[f], n);
        check(starts[k], m, n);
        if (n) { /* one bit less or more, at the seams of the words */
          m[n - 1] ^= 1;
          check(starts[k], m, n);
          m[0] ^= 0x80;
          check(starts[k], m, n);
        }
      }
  /* 0 comes from zeros only; 0xffff from everything else that sums to it */
  memset(m, 0, sizeof m);
  assert_int_equal(la__sum(0, m, sizeof m), 0);
  memset(m, 0xff, sizeof m);
  assert_int_equal(la__sum_finish(la__sum(0, m, sizeof m)), 0);
  assert_int_not_equal(la__sum(0, m, sizeof m), 0);
  (void)state;
}

static void big_runs(void **state) {
  size_t n = 200001;
  uint8_t *m = malloc(n);
  memset(m, 0xff, n);
  check(0xffffffff, m, n);
  struct prng r;
  la__prng_seed(&r, 2);
  for (size_t i = 0; i < n; i++)
    m[i] = (uint8_t)la__prng_next(&r);
  check(0, m, n);
  free(m);
  (void)state;
}

static void copies(void **state) {
  struct prng r;
  la__prng_seed(&r, 3);
  for (size_t n = 0; n <= 200; n++)
    for (size_t off = 0; off < 8; off++) {
      size_t off2 = (off * 3 + n) % 8;
      uint8_t *src = malloc(off + n + 1), *dst = malloc(off2 + n + 1);
      for (size_t i = 0; i < n; i++)
        src[off + i] = (uint8_t)la__prng_next(&r);
      memset(dst, 0xa5, off2 + n + 1);
      uint32_t start = (uint32_t)la__prng_next(&r), got = la__copy_sum(dst + off2, src + off, n, start);
      assert_true(got <= 0x1ffff);
      assert_int_equal(la__sum_finish(got), (uint16_t)~plain(start, src + off, n));
      assert_memory_equal(dst + off2, src + off, n);
      for (size_t i = 0; i < off2; i++)
        assert_int_equal(dst[i], 0xa5);
      assert_int_equal(dst[off2 + n], 0xa5);
      free(src);
      free(dst);
    }
  (void)state;
}

/* Any cut of a run into pieces gives the run's sum, when the pieces at odd offsets are swapped. */
static void pieces(void **state) {
  struct prng r;
  la__prng_seed(&r, 4);
  uint8_t m[211];
  for (size_t i = 0; i < sizeof m; i++)
    m[i] = (uint8_t)la__prng_next(&r);
  for (size_t a = 0; a <= sizeof m; a++)
    for (size_t b = a; b <= sizeof m; b += 7) {
      uint32_t s = la__sum(0, m, a);
      uint32_t mid = la__sum(0, m + a, b - a), end = la__sum(0, m + b, sizeof m - b);
      s += (a & 1 ? la__sum_odd(mid) : mid) + (b & 1 ? la__sum_odd(end) : end);
      assert_int_equal(la__sum_finish(s), (uint16_t)~plain(0, m, sizeof m));
    }
  assert_int_equal(la__sum_odd(0x1234), 0x3412);
  assert_int_equal(la__sum_odd(0x1ffff), 0x0100); /* folds to 1 before it is swapped */
  assert_int_equal(la__sum_odd(0), 0);
  (void)state;
}

/* A packet with its checksum in place sums to zero, and a changed bit shows. */
static void verifies(void **state) {
  struct prng r;
  la__prng_seed(&r, 5);
  uint8_t m[61] = {0};
  for (size_t i = 2; i < sizeof m; i++)
    m[i] = (uint8_t)la__prng_next(&r);
  uint16_t sum = la__sum_finish(la__sum(0, m, sizeof m));
  m[0] = (uint8_t)(sum >> 8);
  m[1] = (uint8_t)sum;
  assert_int_equal(la__sum_finish(la__sum(0, m, sizeof m)), 0);
  for (size_t bit = 0; bit < 8 * sizeof m; bit++) {
    m[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_not_equal(la__sum_finish(la__sum(0, m, sizeof m)), 0);
    m[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  (void)state;
}

/* Headers by words, in the CPU's order: the same as by bytes. */
static void words(void **state) {
  struct prng r;
  la__prng_seed(&r, 6);
  uint8_t m[80];
  for (unsigned round = 0; round < 2000; round++) {
    for (size_t i = 0; i < sizeof m; i++)
      m[i] = round % 3 ? (uint8_t)la__prng_next(&r) : 0xff;
    uint32_t n = 4 * la__prng_below(&r, sizeof m / 4 + 1), start = la__prng_below(&r, 0x10000);
    uint32_t got = la__sum_order(la__sum_words(la__sum_order(start), m, n));
    assert_true(got <= 0xffff);
    assert_int_equal(got, plain(start, m, n));
  }
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(rfc1071_example), cmocka_unit_test(lengths_and_alignments),
    cmocka_unit_test(carries),         cmocka_unit_test(big_runs),
    cmocka_unit_test(copies),          cmocka_unit_test(pieces),
    cmocka_unit_test(verifies),        cmocka_unit_test(words),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
