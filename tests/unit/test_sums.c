/* SPDX-License-Identifier: MIT */
/* Every kind of sum that this CPU has, the built-in one included, against one that takes byte after byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/sum.h"
#include "host/sums.h"

#include <lastack/link.h>

enum { LINE = 64, SHORT = 300, LONG = 200001, GUARD = 0xa5 };

static uint8_t from[LINE + SHORT + 1], to[LINE + SHORT + LINE];
static la_sums now;

/* RFC 1071 1, word by word. */
static uint16_t plain(uint32_t start, const uint8_t *p, size_t n) {
  uint64_t s = start;
  for (size_t i = 0; i < n; i++)
    s += i & 1 ? p[i] : (uint64_t)p[i] << 8;
  while (s >> 16)
    s = (s & 0xffff) + (s >> 16);
  return (uint16_t)s;
}

static void check(uint32_t got, uint32_t start, const uint8_t *p, size_t n) {
  uint16_t want = (uint16_t)~plain(start, p, n);
  if (got > 0x1ffff || la__sum_finish(got) != want)
    fail_msg("%zu bytes from %u: %x", n, start, got);
}

static void noise(uint8_t *p, size_t n, uint64_t seed) {
  struct prng r;
  la__prng_seed(&r, seed);
  for (size_t i = 0; i < n; i++)
    p[i] = (uint8_t)la__prng_next(&r);
}

/* Copies, and sees that nothing beside the bytes was touched. */
static void check_copy(const uint8_t *src, size_t at, size_t n, uint32_t start) {
  memset(to, GUARD, sizeof to);
  check(now.copy_sum(to + at, src, n, start), start, src, n);
  if (memcmp(to + at, src, n) != 0)
    fail_msg("%zu bytes to offset %zu differ", n, at);
  for (size_t i = 0; i < sizeof to; i++)
    if ((i < at || i >= at + n) && to[i] != GUARD)
      fail_msg("%zu bytes to offset %zu: byte %zu was touched", n, at, i);
}

static void every_length_from_every_alignment(void) {
  noise(from, sizeof from, 1);
  for (size_t n = 0; n <= SHORT; n++)
    for (size_t off = 0; off < LINE; off++)
      check(now.sum((uint32_t)(off * n), from + off, n), (uint32_t)(off * n), from + off, n);
}

/* Each length: from every alignment to one, and from one to every. */
static void every_length_to_every_alignment(void) {
  noise(from, sizeof from, 2);
  for (size_t n = 0; n <= SHORT; n++)
    for (size_t off = 0; off < LINE; off++) {
      check_copy(from + off, n % LINE, n, (uint32_t)(n * 77777));
      check_copy(from + n % LINE, off, n, 0);
    }
}

/* Some lengths around the widths of vectors: every pair of alignments. */
static void every_pair_of_alignments(void) {
  static const size_t lengths[] = {1, 31, 33, 63, 64, 65, 127, 129, 255};
  noise(from, sizeof from, 3);
  for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
    for (size_t a = 0; a < LINE; a++)
      for (size_t b = 0; b < LINE; b++)
        check_copy(from + a, b, lengths[k], 0);
}

/* Not a byte past the end is read or written: a sanitizer sees it. */
static void nothing_past_the_end(void) {
  for (size_t n = 1; n <= SHORT; n++) {
    uint8_t *p = malloc(n), *q = malloc(n);
    noise(p, n, n);
    check(now.sum(0, p, n), 0, p, n);
    check(now.copy_sum(q, p, n, 0), 0, p, n);
    assert_memory_equal(p, q, n);
    free(p);
    free(q);
  }
}

static void carries(void) {
  static const uint8_t fills[] = {0x00, 0xff, 0x80, 0x7f, 0x01, 0xfe};
  static const uint32_t starts[] = {0, 1, 0xffff, 0x10000, 0x1fffe, 0x1ffff, 0x7fffffff, 0xffff0000, 0xfffffffe, 0xffffffff};
  for (size_t f = 0; f < sizeof fills; f++)
    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++)
      for (size_t n = 0; n <= SHORT; n++) {
        memset(from, fills[f], n);
        check(now.sum(starts[k], from, n), starts[k], from, n);
        check_copy(from, 0, n, starts[k]);
      }
  /* 0 comes from zeros only; 0xffff from everything else that sums to it */
  memset(from, 0, SHORT);
  assert_int_equal(now.sum(0, from, SHORT), 0);
  assert_int_equal(now.copy_sum(to, from, SHORT, 0), 0);
  for (size_t n = 2; n <= SHORT; n += 2) {
    memset(from, 0xff, n);
    assert_int_equal(la__sum_finish(now.sum(0, from, n)), 0);
    assert_int_not_equal(now.sum(0, from, n), 0);
    assert_int_not_equal(now.copy_sum(to, from, n, 0), 0);
  }
}

static void long_runs(void) {
  static const uint8_t fills[] = {0x00, 0xff, 0x5a};
  uint8_t *p = malloc(LONG), *q = malloc(LONG);
  for (size_t f = 0; f < sizeof fills; f++) {
    noise(p, LONG, f);
    if (fills[f] != 0x5a)
      memset(p, fills[f], LONG);
    for (size_t n = LONG; n > 1000; n = n * 2 / 3) {
      memset(q, GUARD, LONG);
      check(now.sum(0xffffffff, p, n), 0xffffffff, p, n);
      check(now.copy_sum(q, p, n, 0xffffffff), 0xffffffff, p, n);
      assert_memory_equal(p, q, n);
      assert_true(n == LONG || q[n] == GUARD);
    }
  }
  free(p);
  free(q);
}

/* Runs of any length one after the other, odd ones too: their sums add up when those at odd offsets are swapped. */
static void joins(void) {
  noise(from, sizeof from, 4);
  for (size_t a = 0; a <= SHORT; a++)
    for (size_t b = a; b <= SHORT; b += 3) {
      uint32_t mid = now.sum(0, from + a, b - a), end = now.copy_sum(to, from + b, SHORT - b, 0);
      uint32_t s = now.sum(0, from, a) + (a & 1 ? la__sum_odd(mid) : mid) + (b & 1 ? la__sum_odd(end) : end);
      assert_int_equal(la__sum_finish(s), (uint16_t)~plain(0, from, SHORT));
    }
}

static const struct {
  const char *what;
  void (*test)(void);
} tests[] = {
  {"every length from every alignment", every_length_from_every_alignment},
  {"every length to every alignment", every_length_to_every_alignment},
  {"every pair of alignments", every_pair_of_alignments},
  {"nothing past the end", nothing_past_the_end},
  {"carries", carries},
  {"long runs", long_runs},
  {"joins", joins},
};

static void kind(void **state) {
  const struct sums_kind *k = *state;
  if (!k->here()) {
    print_message("not this CPU's\n");
    skip();
  }
  now = k->sums;
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
    print_message("%s: %s\n", k->name, tests[i].what);
    tests[i].test();
  }
}

/* The choice is the first that is here, and it works in a configuration. */
static void choice(void **state) {
  la_sums got = la_host_sums();
  unsigned i = 0;
  while (!la__sums_kinds[i].here())
    i++;
  assert_true(i < la__sums_nkinds);
  assert_ptr_equal(got.sum, la__sums_kinds[i].sums.sum);
  assert_ptr_equal(got.copy_sum, la__sums_kinds[i].sums.copy_sum);
  la_config cfg;
  assert_true(la_host_config(&cfg, LA_PRESET_LINUX));
  assert_ptr_equal(cfg.sums.sum, got.sum);
  static const uint8_t none[sizeof cfg.secret];
  assert_memory_not_equal(cfg.secret, none, sizeof none);
  la_stack *s = la_stack_new(&cfg);
  assert_non_null(s);
  la_stack_free(s);
  cfg.sums.sum = NULL; /* one of the two alone */
  assert_null(la_stack_new(&cfg));
  cfg.sums.copy_sum = NULL;
  s = la_stack_new(&cfg);
  assert_non_null(s);
  la_stack_free(s);
  (void)state;
}

int main(void) {
  struct CMUnitTest all[8] = {cmocka_unit_test(choice)};
  unsigned n = 1;
  for (unsigned i = 0; i < la__sums_nkinds; i++)
    all[n++] = (struct CMUnitTest){la__sums_kinds[i].name, kind, NULL, NULL, (void *)(uintptr_t)&la__sums_kinds[i]};
  return _cmocka_run_group_tests("sums", all, n, NULL, NULL);
}
