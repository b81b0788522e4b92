/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "base/sum.h"
#include "wire/ip.h"

/* Parses a copy in a block of exactly n bytes: a read past the packet is seen by the sanitizer. */
static enum la_drop parse(struct ip_hdr *h, const uint8_t *p, size_t n, bool sum_ok) {
  uint8_t *exact = malloc(n ? n : 1);
  if (n)
    memcpy(exact, p, n);
  enum la_drop d = la__ip4_parse(h, n ? exact : exact + 1, n, sum_ok);
  if (d == LA_DROP_NONE) {
    assert_true(h->hlen >= IP4_HEADER && h->hlen <= 60);
    assert_true(h->hlen + h->len <= n);
  }
  free(exact);
  return d;
}

static void set_sum(uint8_t *p) {
  size_t hlen = (p[0] & 15u) * 4;
  p[10] = p[11] = 0;
  be16_put(p + 10, la__sum_finish(la__sum(0, p, hlen)));
}

/* A packet of `n` bytes with the given options (a multiple of 4). */
static void packet(uint8_t *p, size_t n, const void *opts, size_t optlen) {
  memset(p, 0, n);
  p[0] = (uint8_t)(0x45 + optlen / 4);
  be16_put(p + 2, (uint32_t)n);
  p[8] = 64;
  p[9] = IP_PROTO_TCP;
  memcpy(p + 12, (uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
  if (optlen)
    memcpy(p + 20, opts, optlen);
  set_sum(p);
}

static void version(void **state) {
  for (unsigned b = 0; b < 256; b++) {
    uint8_t c = (uint8_t)b;
    assert_int_equal(la__ip_version(&c, 1), b >> 4 == 4 ? 4 : b >> 4 == 6 ? 6 : 0);
  }
  assert_int_equal(la__ip_version(NULL, 0), 0);
  (void)state;
}

/* The example that everybody computes by hand: checksum b861. */
static void known_header(void **state) {
  static const uint8_t want[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  uint8_t p[0x73] = {0};
  struct ip_hdr h = {.src = {4, {192, 168, 0, 1}},
                     .dst = {4, {192, 168, 0, 199}},
                     .proto = IP_PROTO_UDP,
                     .ttl = 64,
                     .dont_fragment = true,
                     .len = 0x73 - 20};
  assert_int_equal(la__ip4_build(&h, p), 20);
  assert_memory_equal(p, want, sizeof want);
  struct ip_hdr g;
  assert_int_equal(parse(&g, p, sizeof p, false), LA_DROP_NONE);
  assert_true(la_addr_same(&g.src, &h.src) && la_addr_same(&g.dst, &h.dst));
  assert_int_equal(g.proto, IP_PROTO_UDP);
  assert_int_equal(g.ttl, 64);
  assert_int_equal(g.len, 0x73 - 20);
  assert_int_equal(g.hlen, 20);
  assert_true(g.dont_fragment && !g.fragment && !g.frag_more);
  (void)state;
}

static void round_trips(void **state) {
  struct prng r;
  la__prng_seed(&r, 1);
  for (int i = 0; i < 2000; i++) {
    uint32_t len = la__prng_below(&r, 200);
    uint8_t p[300];
    struct ip_hdr h = {.src = {.family = 4}, .dst = {.family = 4}, .proto = (uint8_t)la__prng_next(&r), .len = len, .hlen = 20}, g;
    for (int k = 0; k < 4; k++) {
      h.src.b[k] = (uint8_t)la__prng_next(&r);
      h.dst.b[k] = (uint8_t)la__prng_next(&r);
    }
    h.ttl = (uint8_t)la__prng_next(&r);
    h.tos = (uint8_t)la__prng_next(&r);
    h.frag_id = (uint16_t)la__prng_next(&r);
    h.dont_fragment = la__prng_below(&r, 2);
    h.frag_more = la__prng_below(&r, 2);
    h.frag_off = (uint16_t)(la__prng_below(&r, 2) * 8 * la__prng_below(&r, 8000));
    h.fragment = h.frag_more || h.frag_off;
    memset(p, 0x5a, sizeof p);
    assert_int_equal(la__ip4_build(&h, p), 20);
    assert_int_equal(p[20], 0x5a);
    assert_int_equal(parse(&g, p, 20 + len + la__prng_below(&r, 30), false), LA_DROP_NONE); /* padding may follow */
    assert_true(la_addr_same(&g.src, &h.src) && la_addr_same(&g.dst, &h.dst));
    assert_true(g.proto == h.proto && g.ttl == h.ttl && g.tos == h.tos && g.len == len && g.hlen == 20);
    assert_true(g.frag_id == h.frag_id && g.frag_off == h.frag_off && g.frag_more == h.frag_more);
    assert_true(g.dont_fragment == h.dont_fragment && g.fragment == h.fragment);
  }
  (void)state;
}

static void each_length(void **state) {
  uint8_t p[100];
  struct ip_hdr h;
  packet(p, sizeof p, NULL, 0);
  for (size_t n = 0; n < sizeof p; n++)
    assert_int_equal(parse(&h, p, n, false), LA_DROP_PKT_TOO_SMALL);
  for (unsigned total = 0; total <= 110; total++) {
    be16_put(p + 2, total);
    set_sum(p);
    enum la_drop want = total < 20 ? LA_DROP_IP_INHDR : total > 100 ? LA_DROP_PKT_TOO_SMALL : LA_DROP_NONE;
    assert_int_equal(parse(&h, p, sizeof p, false), want);
  }
  for (unsigned first = 0; first < 256; first++) {
    packet(p, sizeof p, NULL, 0);
    p[0] = (uint8_t)first;
    enum la_drop want = first >> 4 == 4 && (first & 15) >= 5 ? LA_DROP_NONE : LA_DROP_IP_INHDR;
    if (want == LA_DROP_NONE)
      set_sum(p);
    assert_int_equal(parse(&h, p, sizeof p, false), want);
    if (want == LA_DROP_NONE)
      assert_int_equal(h.hlen + h.len, 100);
  }
  (void)state;
}

static void checksum(void **state) {
  uint8_t p[40];
  struct ip_hdr h;
  packet(p, sizeof p, NULL, 0);
  for (unsigned bit = 0; bit < 160; bit++) {
    p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_not_equal(parse(&h, p, sizeof p, false), LA_DROP_NONE);
    if (bit >= 64) /* past the fields that say how long the header is */
      assert_int_equal(parse(&h, p, sizeof p, false), LA_DROP_IP_CSUM);
    p[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  p[10] ^= 1;
  assert_int_equal(parse(&h, p, sizeof p, true), LA_DROP_NONE);
  (void)state;
}

static void options(void **state) {
  static const struct {
    uint8_t opts[8];
    enum la_drop want;
  } rows[] = {
    {{1, 1, 1, 0, 131, 0, 0, 0}, LA_DROP_NONE},        /* whatever follows the end of options is padding */
    {{131, 7, 4, 10, 0, 0, 9, 0}, LA_DROP_IP_OPTIONS}, /* loose source route */
    {{137, 7, 4, 10, 0, 0, 9, 0}, LA_DROP_IP_OPTIONS}, /* strict */
    {{1, 131, 7, 4, 10, 0, 0, 9}, LA_DROP_IP_OPTIONS}, {{148, 4, 0, 0, 137, 4, 4, 0}, LA_DROP_IP_OPTIONS}, /* after a router alert */
    {{148, 4, 0, 0, 1, 1, 1, 1}, LA_DROP_NONE},        {{7, 8, 8, 0, 0, 0, 0, 0}, LA_DROP_NONE},           /* record route */
    {{7, 9, 4, 0, 0, 0, 0, 0}, LA_DROP_IP_INHDR},                                                          /* past the header */
    {{7, 0, 4, 0, 0, 0, 0, 0}, LA_DROP_IP_INHDR},      {{7, 1, 4, 0, 0, 0, 0, 0}, LA_DROP_IP_INHDR},
    {{1, 1, 1, 1, 1, 1, 1, 7}, LA_DROP_IP_INHDR}, /* no length */
    {{1, 1, 1, 1, 1, 1, 7, 2}, LA_DROP_NONE},
  };
  uint8_t p[40];
  struct ip_hdr h;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    packet(p, sizeof p, rows[i].opts, 8);
    assert_int_equal(parse(&h, p, sizeof p, false), rows[i].want);
    if (rows[i].want == LA_DROP_NONE) {
      assert_int_equal(h.hlen, 28);
      assert_int_equal(h.len, 12);
    }
  }
  /* every first pair of bytes, every header length, nothing behind the header */
  for (unsigned w = 0; w < 65536; w++)
    for (unsigned optlen = 4; optlen <= 40; optlen += 12) {
      uint8_t opts[40] = {(uint8_t)(w >> 8), (uint8_t)w}, q[60];
      packet(q, 20 + optlen, opts, optlen);
      parse(&h, q, 20 + optlen, true);
    }
  (void)state;
}

static void fragments(void **state) {
  uint8_t p[40];
  struct ip_hdr h;
  packet(p, sizeof p, NULL, 0);
  be16_put(p + 6, 8190); /* 65520 + 20 bytes: past 65535 */
  set_sum(p);
  assert_int_equal(parse(&h, p, sizeof p, false), LA_DROP_IP_INHDR);
  be16_put(p + 6, 0x2000);
  set_sum(p);
  assert_int_equal(parse(&h, p, sizeof p, false), LA_DROP_NONE);
  assert_true(h.fragment && h.frag_more && !h.frag_off);
  be16_put(p + 6, 185);
  set_sum(p);
  assert_int_equal(parse(&h, p, sizeof p, false), LA_DROP_NONE);
  assert_true(h.fragment && !h.frag_more && h.frag_off == 1480);
  (void)state;
}

static void noise(void **state) {
  struct prng r;
  la__prng_seed(&r, 2);
  for (int i = 0; i < 200000; i++) {
    uint8_t p[80];
    struct ip_hdr h;
    size_t n = la__prng_below(&r, sizeof p + 1);
    for (size_t k = 0; k < n; k++)
      p[k] = (uint8_t)la__prng_next(&r);
    if (n > 3 && la__prng_below(&r, 8)) { /* far enough in to be worth it */
      p[0] = (uint8_t)(0x45 + la__prng_below(&r, 11));
      be16_put(p + 2, la__prng_below(&r, 90));
    }
    parse(&h, p, n, true);
    uint8_t *exact = malloc(n + !n);
    memcpy(exact, p, n);
    if (la__ip4_quoted(&h, exact, n) == LA_DROP_NONE)
      assert_true(h.hlen <= n);
    free(exact);
  }
  (void)state;
}

static void pseudo_sum(void **state) {
  struct prng r;
  la__prng_seed(&r, 3);
  for (int i = 0; i < 1000; i++) {
    la_addr a = {.family = i & 1 ? 4 : 6}, b = a;
    uint8_t flat[40] = {0};
    unsigned w = i & 1 ? 4 : 16;
    for (unsigned k = 0; k < 16; k++) { /* what the family does not use must not count */
      a.b[k] = (uint8_t)la__prng_next(&r);
      b.b[k] = (uint8_t)la__prng_next(&r);
    }
    uint32_t len = i < 500 ? la__prng_below(&r, 65536) : (uint32_t)la__prng_next(&r);
    if (w == 4)
      len &= 0xffff;
    memcpy(flat, a.b, w);
    memcpy(flat + w, b.b, w);
    be32_put(flat + 2 * w, len);
    flat[2 * w + 7] = (uint8_t)i;
    assert_int_equal(la__sum_finish(la__ip_pseudo_sum(&a, &b, (uint8_t)i, len)), la__sum_finish(la__sum(0, flat, 2 * w + 8)));
    assert_true(la__ip_pseudo_sum(&a, &b, (uint8_t)i, len) <= 0x1ffff);
  }
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(version),     cmocka_unit_test(known_header), cmocka_unit_test(round_trips),
    cmocka_unit_test(each_length), cmocka_unit_test(checksum),     cmocka_unit_test(options),
    cmocka_unit_test(fragments),   cmocka_unit_test(noise),        cmocka_unit_test(pseudo_sum),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
