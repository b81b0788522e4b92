/* SPDX-License-Identifier: MIT */
/* Headers that are cut, wrong or unusual; the usual ones go through every test of captures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "capture/decode.h"

static uint8_t b[256];

/* A raw IPv4 packet with a TCP header of `hlen` bytes; the total length as given. */
static void ip4(unsigned total, unsigned hlen) {
  memset(b, 0, sizeof b);
  b[0] = 0x45;
  be16_put(b + 2, total);
  b[8] = 64;
  b[9] = 6;
  b[15] = 1;
  b[19] = 2;
  be16_put(b + 20, 1000);
  be16_put(b + 22, 80);
  b[32] = (uint8_t)(hlen / 4 << 4);
  b[33] = LA_ACK;
}
static enum decoded decode(uint32_t cap, uint32_t len, struct seg *s) {
  const struct packet p = {.cap = cap, .len = len, .link = 101, .data = b};
  return la__decode(&p, s);
}

static void test_cut(void **unused) {
  struct seg s;
  (void)unused;
  ip4(140, 20);
  for (uint32_t cap = 0; cap < 40; cap++)
    assert_int_equal(decode(cap, 140, &s), DECODE_CUT);
  for (uint32_t cap = 40; cap <= 140; cap++) {
    assert_int_equal(decode(cap, 140, &s), DECODE_TCP);
    assert_int_equal(s.len, 100);
    assert_int_equal(s.have, cap - 40);
    assert_int_equal(s.cut, cap < 140);
  }
}

static void test_lengths(void **unused) {
  struct seg s;
  (void)unused;
  ip4(40, 20);
  assert_int_equal(decode(60, 60, &s), DECODE_TCP); /* Ethernet pads */
  assert_int_equal(s.len, 0);
  ip4(0, 20); /* left to the network card */
  assert_int_equal(decode(200, 70000, &s), DECODE_TCP);
  assert_int_equal(s.len, 70000 - 40);
  ip4(40, 16);
  assert_int_equal(decode(40, 40, &s), DECODE_MALFORMED);
  ip4(40, 24); /* options past the end */
  assert_int_equal(decode(40, 40, &s), DECODE_MALFORMED);
  ip4(19, 20);
  assert_int_equal(decode(40, 40, &s), DECODE_MALFORMED);
  ip4(40, 20);
  b[9] = 17;
  assert_int_equal(decode(40, 40, &s), DECODE_OTHER);
}

static void test_options(void **unused) {
  static const uint8_t opts[] = {2, 4, 5, 180, 1, 3, 3, 200, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0};
  struct seg s;
  (void)unused;
  ip4(60, 40);
  memcpy(b + 40, opts, sizeof opts);
  assert_int_equal(decode(60, 60, &s), DECODE_TCP);
  assert_int_equal(s.mss, 1460);
  assert_int_equal(s.wscale, 14); /* RFC 7323 2.3 */
  assert_true(s.sack_ok && s.has_ts);
  assert_int_equal(s.ts_val, 256);
  for (unsigned i = 40; i < 60; i++) /* lengths that lie end the list, and nothing else */
    for (unsigned v = 0; v < 256; v++) {
      uint8_t was = b[i];
      b[i] = (uint8_t)v;
      assert_int_equal(decode(60, 60, &s), DECODE_TCP);
      b[i] = was;
    }
}

static void test_ip6_headers(void **unused) {
  struct seg s;
  (void)unused;
  memset(b, 0, sizeof b);
  b[0] = 0x60;
  be16_put(b + 4, 8 + 8 + 20);
  b[6] = 0; /* hop by hop, then destination options, then TCP */
  b[40] = 60;
  b[48] = 6;
  b[56 + 12] = 5 << 4;
  be16_put(b + 56 + 2, 80);
  assert_int_equal(decode(76, 76, &s), DECODE_TCP);
  assert_int_equal(s.dport, 80);
  assert_int_equal(s.len, 0);
  b[49] = 200; /* longer than the packet */
  assert_int_equal(decode(76, 76, &s), DECODE_MALFORMED);
  b[49] = 0;
  be16_put(b + 4, 0); /* a jumbogram */
  assert_int_equal(decode(200, 100000, &s), DECODE_TCP);
  assert_int_equal(s.len, 100000 - 76);
  b[40] = 44; /* a whole packet in one fragment (RFC 6946) */
  assert_int_equal(decode(76, 76, &s), DECODE_TCP);
  b[51] = 1;
  assert_int_equal(decode(76, 76, &s), DECODE_FRAGMENT);
}

static void test_icmp(void **unused) {
  uint8_t quoted[40];
  struct seg s;
  (void)unused;
  ip4(40, 20);
  memcpy(quoted, b, sizeof quoted);
  ip4(20 + 8 + 28, 20);
  b[9] = 1;
  memset(b + 20, 0, 8);
  b[20] = 3;
  b[21] = 13;
  memcpy(b + 28, quoted, 28);
  assert_int_equal(decode(56, 56, &s), DECODE_ICMP);
  assert_int_equal(s.icmp_type, 3);
  assert_int_equal(s.icmp_code, 13);
  assert_int_equal(s.sport, 1000);
  assert_int_equal(decode(50, 56, &s), DECODE_OTHER); /* the ports are not there */
  b[20] = 8;                                          /* echo */
  assert_int_equal(decode(56, 56, &s), DECODE_OTHER);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut), cmocka_unit_test(test_lengths), cmocka_unit_test(test_options),
                                     cmocka_unit_test(test_ip6_headers), cmocka_unit_test(test_icmp)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
