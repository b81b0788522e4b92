/* SPDX-License-Identifier: MIT */
/* A capture cut at every byte, and with every byte changed: all before the damage counts, and nothing worse happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "tests/unit/tape.h"

#define SCRIPT ">S <SA >A >A10 <A >FA <A +99 <A4 >R"
enum { PACKETS = 9 };

static struct tape make(bool ng) {
  struct tape t;
  tape_init(&t, ng ? TAPE_RAW : TAPE_ETHERNET, ng ? 6 : 4, ng);
  tape_play(&t, SCRIPT);
  return t;
}

static void cut(bool ng) {
  static struct tape_out o;
  struct tape t = make(ng);
  uint64_t packets = 0;
  unsigned whole = 0;
  for (size_t n = 0; n <= t.len; n++) {
    tape_read(t.data, n, &o);
    assert_true(o.stats.frames >= packets && o.stats.frames <= packets + 1);
    packets = o.stats.frames;
    assert_true(o.n == (packets > 0));
    assert_true(o.offset <= n);
    assert_true(!o.broken == !o.error[0]);
    if (!o.broken) /* between two records, or two blocks */
      whole++;
    else if (o.broken == 1)
      assert_true(n > o.offset);
  }
  assert_int_equal(packets, PACKETS);
  assert_int_equal(whole, ng ? PACKETS + 2 : PACKETS + 1);
  assert_int_equal(o.verdict[0].reason, REASON_DATA_AFTER_CLOSE);
  tape_free(&t);
}

static void test_cut_pcap(void **unused) {
  (void)unused;
  cut(false);
}
static void test_cut_pcapng(void **unused) {
  (void)unused;
  cut(true);
}

static void test_damaged(void **unused) {
  static struct tape_out o;
  static const uint8_t values[] = {0x00, 0xff, 0x80, 0x01};
  (void)unused;
  for (unsigned ng = 0; ng < 2; ng++) {
    struct tape t = make(ng);
    for (size_t i = 0; i < t.len; i++)
      for (size_t k = 0; k < sizeof values; k++) {
        uint8_t was = t.data[i];
        t.data[i] = values[k];
        tape_read(t.data, t.len, &o);
        assert_true(o.stats.frames <= t.len / 16 && o.offset <= t.len);
        t.data[i] = was;
      }
    tape_free(&t);
  }
}

/* The same at random: a few bytes changed, a piece taken out or doubled. */
static void test_mutations(void **unused) {
  static struct tape_out o;
  struct prng r;
  (void)unused;
  la__prng_seed(&r, 7);
  for (unsigned i = 0; i < 4000; i++) {
    struct tape t = make(i & 1);
    for (unsigned k = 0; k < 1 + i % 6; k++)
      t.data[la__prng_below(&r, (uint32_t)t.len)] ^= (uint8_t)(1u << (la__prng_below(&r, 8)));
    size_t at = la__prng_below(&r, (uint32_t)t.len), n = la__prng_below(&r, (uint32_t)(t.len - at));
    if (i % 3 == 0) {
      memmove(t.data + at, t.data + at + n, t.len - at - n);
      t.len -= n;
    }
    tape_read(t.data, t.len, &o);
    assert_true(o.offset <= t.len);
    tape_free(&t);
  }
}

static void test_no_capture(void **unused) {
  static struct tape_out o;
  (void)unused;
  tape_read("#!/bin/sh\nnothing like a capture at all", 38, &o);
  assert_int_equal(o.broken, 2);
  tape_read("", 0, &o);
  assert_int_equal(o.broken, 2);
  assert_string_equal(o.error, "too short to be a capture");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut_pcap), cmocka_unit_test(test_cut_pcapng), cmocka_unit_test(test_damaged),
                                     cmocka_unit_test(test_mutations), cmocka_unit_test(test_no_capture)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
