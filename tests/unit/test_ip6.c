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
#include "wire/ip.h"

static enum la_drop parse(struct ip_hdr *h, const uint8_t *p, size_t n, bool quoted) {
  uint8_t *exact = malloc(n ? n : 1);
  if (n)
    memcpy(exact, p, n);
  enum la_drop d = (quoted ? la__ip6_quoted : la__ip6_parse)(h, exact, n);
  if (d == LA_DROP_NONE) {
    assert_true(h->hlen >= IP6_HEADER && h->hlen <= n);
    assert_true(h->len <= 65535 && (quoted || h->hlen + h->len <= n));
  }
  free(exact);
  return d;
}

/* A packet with `n` bytes after the header, the first of them described by `next`. */
static size_t packet(uint8_t *p, uint8_t next, const void *body, size_t n) {
  struct ip_hdr h = {.src = {6, {0xfd, [15] = 1}}, .dst = {6, {0xfd, [15] = 2}}, .proto = next, .ttl = 64, .len = (uint32_t)n};
  assert_int_equal(la__ip6_build(&h, p), 40);
  if (n)
    memcpy(p + 40, body, n);
  return 40 + n;
}

static void round_trips(void **state) {
  struct prng r;
  la__prng_seed(&r, 1);
  for (int i = 0; i < 2000; i++) {
    uint8_t p[200] = {0};
    struct ip_hdr h = {.src = {.family = 6}, .dst = {.family = 6}, .proto = IP_PROTO_TCP, .len = la__prng_below(&r, 150)}, g;
    for (int k = 0; k < 16; k++) {
      h.src.b[k] = (uint8_t)la__prng_next(&r);
      h.dst.b[k] = (uint8_t)la__prng_next(&r);
    }
    h.tos = (uint8_t)la__prng_next(&r);
    h.ttl = (uint8_t)la__prng_next(&r);
    assert_int_equal(la__ip6_build(&h, p), 40);
    assert_int_equal(parse(&g, p, 40 + h.len + la__prng_below(&r, 10), false), LA_DROP_NONE);
    assert_true(la_addr_same(&g.src, &h.src) && la_addr_same(&g.dst, &h.dst));
    assert_true(g.proto == h.proto && g.ttl == h.ttl && g.tos == h.tos && g.len == h.len && g.hlen == 40 && !g.fragment);
  }
  (void)state;
}

static void each_length(void **state) {
  uint8_t p[100], body[60] = {0};
  struct ip_hdr h;
  packet(p, IP_PROTO_TCP, body, sizeof body);
  for (size_t n = 0; n < 100; n++) {
    assert_int_equal(parse(&h, p, n, false), LA_DROP_PKT_TOO_SMALL);
    assert_int_equal(parse(&h, p, n, true), n < 40 ? LA_DROP_PKT_TOO_SMALL : LA_DROP_NONE);
  }
  for (unsigned first = 0; first < 256; first++) {
    p[0] = (uint8_t)first;
    assert_int_equal(parse(&h, p, 100, false), first >> 4 == 6 ? LA_DROP_NONE : LA_DROP_IP_INHDR);
  }
  (void)state;
}

struct row {
  uint8_t next;
  uint8_t body[40];
  enum la_drop want;
  uint8_t proto, hlen;
};

/* In each a TCP header of 8 bytes, or what is left, stands last. */
static const struct row rows[] = {
  {0, {6, 0, 1, 4}, LA_DROP_NONE, 6, 48},                             /* hop-by-hop, PadN */
  {0, {6, 0, 0, 0, 0, 0, 0, 0}, LA_DROP_NONE, 6, 48},                 /* Pad1 six times */
  {0, {6, 0, 5, 2, 0, 0, 1, 0}, LA_DROP_NONE, 6, 48},                 /* router alert: skipped as unknown */
  {0, {6, 0, 0xc2, 4, 0, 1, 0, 0}, LA_DROP_IP_OPTIONS, 0, 0},         /* jumbo payload: not ours */
  {60, {6, 0, 0x1e, 4}, LA_DROP_NONE, 6, 48},                         /* destination option, action 00 */
  {60, {6, 0, 0x5e, 4}, LA_DROP_IP_OPTIONS, 0, 0},                    /* 01 */
  {60, {6, 0, 0x9e, 4}, LA_DROP_IP_OPTIONS, 0, 0},                    /* 10 */
  {60, {6, 0, 0xde, 4}, LA_DROP_IP_OPTIONS, 0, 0},                    /* 11 */
  {60, {6, 0, 1, 5}, LA_DROP_IP_INHDR, 0, 0},                         /* option past its header */
  {60, {6, 0, 1, 3, 0, 0, 0, 1}, LA_DROP_IP_INHDR, 0, 0},             /* option without a length */
  {60, {6, 4, 1, 36}, LA_DROP_NONE, 6, 80},                           /* as long as the payload */
  {60, {6, 5, 1, 46}, LA_DROP_IP_INHDR, 0, 0},                        /* header past the packet */
  {60, {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4}, LA_DROP_IP_INHDR, 0, 0}, /* hop-by-hop is not first */
  {0, {60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4}, LA_DROP_NONE, 6, 56},
  {43, {6, 0, 0, 0}, LA_DROP_NONE, 6, 48},      /* routing, no segments left */
  {43, {6, 0, 0, 1}, LA_DROP_IP_OPTIONS, 0, 0}, /* type 0 (RFC 5095) */
  {43, {6, 0, 4, 1}, LA_DROP_IP_OPTIONS, 0, 0},
  {44, {6, 0, 0, 0, 1, 2, 3, 4}, LA_DROP_NONE, 6, 48},        /* atomic fragment */
  {44, {44, 0, 0, 0, 0, 0, 0, 0, 6}, LA_DROP_IP_INHDR, 0, 0}, /* two of them */
  {44, {60, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1, 4}, LA_DROP_NONE, 6, 56},
  {44, {60, 0, 0, 1, 0, 0, 0, 9, 6, 0, 0xde, 4}, LA_DROP_NONE, 60, 48}, /* a true one: nothing behind it is looked at */
  {59, {0}, LA_DROP_NONE, 59, 40},                                      /* no next header */
  {50, {0}, LA_DROP_NONE, 50, 40},                                      /* ESP */
};

static void extension_headers(void **state) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t p[80];
    struct ip_hdr h;
    packet(p, rows[i].next, rows[i].body, 40);
    assert_int_equal(parse(&h, p, 80, false), rows[i].want);
    if (rows[i].want == LA_DROP_NONE) {
      assert_int_equal(h.proto, rows[i].proto);
      assert_int_equal(h.hlen, rows[i].hlen);
      assert_int_equal(h.len, 80 - rows[i].hlen);
    }
    for (size_t n = 0; n <= 80; n++) { /* cut anywhere, with the length field as it was and as it would be */
      be16_put(p + 4, 40);
      parse(&h, p, n, true);
      parse(&h, p, n, false);
      be16_put(p + 4, n > 40 ? (uint32_t)n - 40 : 0);
      parse(&h, p, n, false);
    }
  }
  (void)state;
}

static void fragments(void **state) {
  uint8_t p[80], body[40] = {6, 0, 0x05, 0xb1, 1, 2, 3, 4};
  struct ip_hdr h;
  packet(p, 44, body, sizeof body);
  assert_int_equal(parse(&h, p, 80, false), LA_DROP_NONE);
  assert_true(h.fragment && h.frag_more);
  assert_int_equal(h.frag_off, 0x05b0);
  assert_int_equal(h.frag_id, 0x01020304);
  be16_put(body + 2, 0xfff8);
  packet(p, 44, body, sizeof body);
  assert_int_equal(parse(&h, p, 80, false), LA_DROP_IP_INHDR); /* 65528 + 32 */
  packet(p, 44, body, 15);
  assert_int_equal(parse(&h, p, 55, false), LA_DROP_NONE); /* 65528 + 7 */
  (void)state;
}

static void chain_is_bounded(void **state) {
  for (unsigned n = 1; n < 20; n++) {
    uint8_t p[40 + 160], body[160] = {0};
    struct ip_hdr h;
    for (unsigned i = 0; i < n; i++)
      memcpy(body + 8 * i, (uint8_t[]){i + 1 < n ? 60 : 6, 0, 1, 4}, 4);
    packet(p, 60, body, sizeof body);
    assert_int_equal(parse(&h, p, sizeof p, false), n <= 8 ? LA_DROP_NONE : LA_DROP_IP_INHDR);
  }
  (void)state;
}

/* A header that ends inside the packet but past the payload that the length field tells. */
static void beyond_the_payload(void **state) {
  uint8_t p[80], body[40] = {6, 1, 1, 12};
  struct ip_hdr h;
  packet(p, 60, body, sizeof body);
  for (uint32_t len = 0; len <= 40; len++) {
    be16_put(p + 4, len);
    assert_int_equal(parse(&h, p, 80, false), len < 16 ? LA_DROP_IP_INHDR : LA_DROP_NONE);
  }
  (void)state;
}

static void noise(void **state) {
  static const uint8_t nexts[] = {0, 43, 44, 60, 6, 17, 58, 59};
  struct prng r;
  la__prng_seed(&r, 2);
  for (int i = 0; i < 200000; i++) {
    uint8_t p[120];
    struct ip_hdr h;
    size_t n = la__prng_below(&r, sizeof p + 1);
    for (size_t k = 0; k < n; k++)
      p[k] = (uint8_t)(la__prng_below(&r, 2) ? la__prng_next(&r) : nexts[la__prng_below(&r, 8)]);
    if (n >= 40) {
      p[0] = 0x60;
      be16_put(p + 4, la__prng_below(&r, 90));
      p[6] = nexts[la__prng_below(&r, 8)];
    }
    parse(&h, p, n, false);
    parse(&h, p, n, true);
  }
  (void)state;
}

/* RFC 7112 5: the first fragment holds every header, the upper one included; what it must hold of that is its shortest form. */
static void whole_chain(void **state) {
  static const struct {
    uint8_t next;
    uint32_t n; /* bytes behind the fragment header */
    uint8_t b[24];
    bool whole;
  } row[] = {
    {IP_PROTO_TCP, 19, {0}, false},
    {IP_PROTO_TCP, 20, {0}, true},
    {IP_PROTO_UDP, 7, {0}, false},
    {IP_PROTO_UDP, 8, {0}, true},
    {IP_PROTO_ICMP6, 7, {0}, false},
    {IP_PROTO_ICMP6, 8, {0}, true},
    {59, 0, {0}, true},                /* nothing follows */
    {60, 7, {IP_PROTO_UDP, 0}, false}, /* destination options, not even one unit */
    {60, 8, {IP_PROTO_UDP, 0}, false},
    {60, 15, {IP_PROTO_UDP, 0}, false},
    {60, 16, {IP_PROTO_UDP, 0}, true},
    {60, 15, {IP_PROTO_UDP, 1}, false}, /* two units */
    {60, 23, {IP_PROTO_UDP, 1}, false},
    {60, 24, {IP_PROTO_UDP, 1}, true},
    {43, 16, {59, 0}, true},                          /* a routing header */
    {43, 16, {60, 0, 0, 0, 0, 0, 0, 0, 59, 0}, true}, /* and options behind it */
    {43, 15, {60, 0, 0, 0, 0, 0, 0, 0, 59, 0}, false},
  };
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct ip_hdr h = {.proto = row[i].next, .hlen = 48, .len = row[i].n};
    uint8_t *p = malloc(48 + row[i].n); /* exactly: not a byte more may be read */
    memset(p, 0, 48);
    memcpy(p + 48, row[i].b, row[i].n);
    assert_int_equal(la__ip6_chain_whole(&h, p), row[i].whole);
    free(p);
  }
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(round_trips), cmocka_unit_test(each_length),      cmocka_unit_test(extension_headers),
    cmocka_unit_test(fragments),   cmocka_unit_test(chain_is_bounded), cmocka_unit_test(beyond_the_payload),
    cmocka_unit_test(noise),       cmocka_unit_test(whole_chain),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
