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

/* What stands before the inner packet, in words; the IP headers' lengths are filled in. */
static const struct wrap {
  const char *name;
  int link;
  bool ip4, ip6; /* an IP header comes first */
  uint8_t proto, n;
  uint8_t head[40];
} wraps[] = {
  {"IPIP", 101, true, false, 4, 0, {0}},
  {"4in6", 101, false, true, 4, 0, {0}},
  {"GRE", 101, true, false, 47, 4, {0, 0, 8, 0}},
  {"GRE with a key and a number", 101, false, true, 47, 12, {0x30, 0, 8, 0, 1, 2, 3, 4, 0, 0, 0, 9}},
  {"GRE, bridged", 101, true, false, 47, 4 + 14, {0, 0, 0x65, 0x58, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}},
  {"VXLAN", 101, true, false, 17, 16 + 14, {0x80, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 7,
                                            0,    2, 0,    0,    0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}},
  {"MPLS", 1, false, false, 0, 14 + 8, {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64}},
  {"PPPoE behind two tags", 1, false, false, 0, 14 + 8 + 8, {2, 0,    0, 0, 0, 1,    2,    0,    0, 0, 0, 2, 0x88, 0xa8, 0,
                                                             1, 0x81, 0, 0, 2, 0x88, 0x64, 0x11, 0, 0, 1, 0, 0,    0,    0x21}},
};
enum { INNER = 140 };

static uint32_t wrapped(const struct wrap *w, uint8_t *f) {
  uint32_t at = 0, inside = w->n + INNER;
  memset(f, 0, 100);
  if (w->ip4) {
    f[0] = 0x45;
    be16_put(f + 2, 20 + inside);
    f[9] = w->proto;
    at = 20;
  } else if (w->ip6) {
    f[0] = 0x60;
    be16_put(f + 4, inside);
    f[6] = w->proto;
    at = 40;
  }
  memcpy(f + at, w->head, w->n);
  memcpy(f + at + w->n, b, INNER);
  return at + inside;
}

/* The connection inside a tunnel is the one that counts, cut or whole; what is cut says so. */
static void test_tunnels(void **unused) {
  static uint8_t f[300];
  struct seg s;
  (void)unused;
  ip4(INNER, 20);
  for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
    uint32_t n = wrapped(&wraps[i], f);
    for (uint32_t cap = 0; cap <= n; cap++) {
      const struct packet p = {.cap = cap, .len = n, .link = wraps[i].link, .data = f};
      enum decoded d = la__decode(&p, &s);
      bool whole = cap >= n - INNER + 40;
      if (d == (whole ? DECODE_TCP : DECODE_CUT) || (!whole && d == DECODE_OTHER && wraps[i].proto == 17))
        continue;
      fail_msg("%s, %u of %u bytes: %d", wraps[i].name, cap, n, d);
    }
    assert_int_equal(s.family, 4);
    assert_int_equal(s.src[3], 1);
    assert_int_equal(s.dport, 80);
    assert_int_equal(s.len, 100);
    assert_int_equal(s.ttl, 64);
  }
}

/* Packets in packets in packets: not without end. */
static void test_deep(void **unused) {
  static uint8_t f[30 * 20 + INNER];
  struct seg s;
  (void)unused;
  ip4(INNER, 20);
  for (unsigned deep = 1; deep <= 30; deep++) {
    for (unsigned k = 0; k < deep; k++) {
      uint8_t *h = f + 20 * k;
      memset(h, 0, 20);
      h[0] = 0x45;
      be16_put(h + 2, 20 * (deep - k) + INNER);
      h[9] = 4;
    }
    memcpy(f + 20 * deep, b, INNER);
    const struct packet p = {.cap = 20 * deep + INNER, .len = 20 * deep + INNER, .link = 101, .data = f};
    assert_int_equal(la__decode(&p, &s), deep <= 4 ? DECODE_TCP : DECODE_OTHER);
  }
  const uint8_t none[][24] = {{0x45, 0, 0, 24, 0, 0, 0, 0, 64, 47, [20] = 0x40, 0, 8, 0},    /* GRE with routing */
                              {0x45, 0, 0, 24, 0, 0, 0, 0, 64, 47, [20] = 0, 1, 0x88, 0x0b}, /* PPTP's */
                              {0x45, 0, 0, 24, 0, 0, 0, 0, 64, 17, [20] = 0, 53, 0, 53}};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    const struct packet p = {.cap = 24, .len = 24, .link = 101, .data = none[i]};
    assert_int_equal(la__decode(&p, &s), DECODE_OTHER);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut),         cmocka_unit_test(test_lengths), cmocka_unit_test(test_options),
                                     cmocka_unit_test(test_ip6_headers), cmocka_unit_test(test_icmp),    cmocka_unit_test(test_tunnels),
                                     cmocka_unit_test(test_deep)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
