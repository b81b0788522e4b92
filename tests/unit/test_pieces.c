/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "capture/pieces.h"
#include "wire/ip.h"

enum { WHOLE = 120 };
static uint8_t tcp[WHOLE];
static const uint8_t src[4] = {10, 0, 0, 1}, dst[4] = {10, 0, 0, 2};

static struct seg piece(uint32_t id, uint32_t lo, uint32_t n, bool more) {
  be16_put(tcp, 1000);
  be16_put(tcp + 2, 80);
  tcp[12] = 5 << 4;
  tcp[13] = LA_ACK;
  return (struct seg){
    .family = 4, .ttl = 9, .src = src, .dst = dst, .frag_id = id, .frag = tcp + lo, .frag_off = lo, .frag_len = n, .frag_more = more};
}
static enum decoded add(struct pieces *x, la_time at, struct seg s, struct seg *out) {
  *out = s;
  return la__pieces_add(x, at, out);
}

static void test_any_order(void **unused) {
  static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  (void)unused;
  for (unsigned i = 0; i < 6; i++) {
    struct pieces *x = la__pieces_new();
    struct seg s;
    for (unsigned k = 0; k < 3; k++) {
      unsigned at = orders[i][k] * 40;
      enum decoded d = add(x, 1, piece(7, at, 40, at < 80), &s);
      assert_int_equal(d, k < 2 ? DECODE_FRAGMENT : DECODE_TCP);
      if (k == 0) /* twice is once; and another packet's piece is another packet's */
        assert_int_equal(add(x, 1, piece(7, at, 40, at < 80), &s), DECODE_FRAGMENT);
      if (k == 1)
        assert_int_equal(add(x, 1, piece(8, at, 40, at < 80), &s), DECODE_FRAGMENT);
    }
    assert_int_equal(s.sport, 1000);
    assert_int_equal(s.len, WHOLE - 20);
    assert_int_equal(s.ttl, 9);
    assert_true(s.fragmented);
    la__pieces_free(x);
  }
}

static void test_refused(void **unused) {
  struct pieces *x = la__pieces_new();
  struct seg s;
  (void)unused;
  assert_int_equal(add(x, 1, piece(1, 0, 40, true), &s), DECODE_FRAGMENT);
  assert_int_equal(add(x, 1, piece(1, 32, 40, true), &s), DECODE_MALFORMED); /* overlaps */
  assert_int_equal(add(x, 1, piece(2, 0, 40, true), &s), DECODE_FRAGMENT);
  s = piece(2, 40, 40, false);
  s.cut = true; /* not all of it was captured */
  assert_int_equal(la__pieces_add(x, 1, &s), DECODE_CUT);
  assert_int_equal(add(x, 1, piece(3, 0, 40, true), &s), DECODE_FRAGMENT);
  assert_int_equal(add(x, 1 + 2 * PIECES_LIFE, piece(3, 40, 80, false), &s), DECODE_FRAGMENT); /* the first one was forgotten */
  s = piece(4, 0, 8, false);
  s.frag_off = 65528 + 8;
  assert_int_equal(la__pieces_add(x, 1, &s), DECODE_MALFORMED); /* past any packet's end */
  s = piece(5, 40, 40, true);
  assert_int_equal(la__pieces_add(x, 1, &s), DECODE_FRAGMENT);
  assert_int_equal(add(x, 1, piece(5, 0, 16, false), &s), DECODE_MALFORMED); /* the last piece is not the last */
  la__pieces_free(x);
}

/* More packets at a time than there is room for: the oldest gives way. */
static void test_many(void **unused) {
  struct pieces *x = la__pieces_new();
  struct seg s;
  (void)unused;
  for (uint32_t i = 0; i < 3 * PIECES_PACKETS; i++)
    assert_int_equal(add(x, i, piece(i, 0, 40, true), &s), DECODE_FRAGMENT);
  assert_int_equal(add(x, 1000, piece(0, 40, 80, false), &s), DECODE_FRAGMENT);
  assert_int_equal(add(x, 1000, piece(3 * PIECES_PACKETS - 1, 40, 80, false), &s), DECODE_TCP);
  la__pieces_free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_order), cmocka_unit_test(test_refused), cmocka_unit_test(test_many)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
