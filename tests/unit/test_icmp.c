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
#include "wire/icmp.h"

static const la_addr a4 = {4, {10, 0, 0, 1}}, b4 = {4, {10, 0, 0, 2}};
static const la_addr a6 = {6, {0xfd, [15] = 1}}, b6 = {6, {0xfd, [15] = 2}};

static uint32_t pseudo6(size_t n) { return la__ip_pseudo_sum(&b6, &a6, IP_PROTO_ICMP6, (uint32_t)n); }

static enum la_drop parse(struct icmp_msg *m, unsigned version, const uint8_t *p, size_t n, bool sum_ok) {
  enum la_drop d = version == 4 ? la__icmp4_parse(m, p, n, sum_ok) : la__icmp6_parse(m, p, n, pseudo6(n), sum_ok);
  if (d == LA_DROP_NONE)
    assert_true(m->data == p + 8 && m->len == n - 8);
  return d;
}

static enum icmp_kind kind_of(unsigned version, unsigned type, unsigned code) {
  uint8_t p[8];
  struct icmp_msg in = {.type = (uint8_t)type, .code = (uint8_t)code, .word = 0x12345678}, m;
  assert_int_equal(la__icmp_build(&in, p, version == 4 ? 0 : pseudo6(8)), 8);
  assert_int_equal(parse(&m, version, p, 8, false), LA_DROP_NONE);
  assert_true(m.type == type && m.code == code && m.word == 0x12345678);
  assert_int_equal(m.mtu, m.kind != ICMP_TOO_BIG ? 0 : version == 4 ? 0x5678 : 0x12345678);
  return m.kind;
}

static void kinds(void **state) {
  static const struct {
    uint8_t version, type, code;
    enum icmp_kind kind;
  } rows[] = {
    {4, 0, 0, ICMP_ECHO_REPLY},   {4, 3, 0, ICMP_NET_UNREACH},   {4, 3, 1, ICMP_HOST_UNREACH},   {4, 3, 2, ICMP_PROTO_UNREACH},
    {4, 3, 3, ICMP_PORT_UNREACH}, {4, 3, 4, ICMP_TOO_BIG},       {4, 3, 5, ICMP_SRCROUTE},       {4, 3, 6, ICMP_NET_UNREACH},
    {4, 3, 7, ICMP_HOST_UNREACH}, {4, 3, 8, ICMP_HOST_UNREACH},  {4, 3, 9, ICMP_ADMIN},          {4, 3, 10, ICMP_ADMIN},
    {4, 3, 11, ICMP_NET_UNREACH}, {4, 3, 12, ICMP_HOST_UNREACH}, {4, 3, 13, ICMP_ADMIN},         {4, 3, 14, ICMP_ADMIN},
    {4, 3, 15, ICMP_ADMIN},       {4, 3, 16, ICMP_OTHER},        {4, 3, 255, ICMP_OTHER},        {4, 4, 0, ICMP_SOURCE_QUENCH},
    {4, 5, 0, ICMP_OTHER},        {4, 8, 0, ICMP_ECHO},          {4, 11, 0, ICMP_TIME_EXCEEDED}, {4, 11, 1, ICMP_TIME_EXCEEDED},
    {4, 12, 0, ICMP_PARAM},       {4, 13, 0, ICMP_OTHER},        {4, 128, 0, ICMP_OTHER},        {6, 1, 0, ICMP_NET_UNREACH},
    {6, 1, 1, ICMP_ADMIN},        {6, 1, 2, ICMP_HOST_UNREACH},  {6, 1, 3, ICMP_HOST_UNREACH},   {6, 1, 4, ICMP_PORT_UNREACH},
    {6, 1, 5, ICMP_ADMIN},        {6, 1, 6, ICMP_ADMIN},         {6, 1, 7, ICMP_SRCROUTE},       {6, 1, 8, ICMP_OTHER},
    {6, 2, 0, ICMP_TOO_BIG},      {6, 3, 0, ICMP_TIME_EXCEEDED}, {6, 4, 0, ICMP_PARAM},          {6, 4, 1, ICMP_PROTO_UNREACH},
    {6, 4, 2, ICMP_PARAM},        {6, 128, 0, ICMP_ECHO},        {6, 129, 0, ICMP_ECHO_REPLY},   {6, 135, 0, ICMP_OTHER},
    {6, 8, 0, ICMP_OTHER},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(kind_of(rows[i].version, rows[i].type, rows[i].code), rows[i].kind);
  for (unsigned type = 0; type < 256; type++)
    for (unsigned code = 0; code < 256; code++) {
      kind_of(4, type, code);
      kind_of(6, type, code);
    }
  (void)state;
}

static void checksum_and_length(void **state) {
  for (unsigned version = 4; version <= 6; version += 2)
    for (uint32_t len = 0; len <= 41; len++) {
      uint8_t *p = malloc(8 + len), data[41];
      memset(data, 0x3c, sizeof data);
      struct icmp_msg in = {.type = version == 4 ? 8 : 128, .word = 0x00010002, .data = data, .len = len}, m;
      assert_int_equal(la__icmp_build(&in, p, version == 4 ? 0 : pseudo6(8 + len)), 8 + len);
      assert_int_equal(parse(&m, version, p, 8 + len, false), LA_DROP_NONE);
      assert_int_equal(m.kind, ICMP_ECHO);
      assert_memory_equal(m.data, data, len);
      for (size_t bit = 0; bit < 8 * (8 + len); bit++) {
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(parse(&m, version, p, 8 + len, false), LA_DROP_ICMP);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
      }
      for (size_t n = 0; n < 8; n++)
        assert_int_equal(parse(&m, version, p, n, true), LA_DROP_PKT_TOO_SMALL);
      p[2] ^= 1;
      assert_int_equal(parse(&m, version, p, 8 + len, true), LA_DROP_NONE);
      free(p);
    }
  (void)state;
}

static void echo_in_its_own_buffer(void **state) {
  uint8_t p[40], data[32];
  for (uint8_t i = 0; i < 32; i++)
    data[i] = i;
  struct icmp_msg m = {.type = 8, .word = 0xabcd0001, .data = data, .len = 32}, back;
  la__icmp_build(&m, p, 0);
  assert_int_equal(la__icmp4_parse(&m, p, 40, false), LA_DROP_NONE);
  m.type = 0;
  assert_int_equal(la__icmp_build(&m, p, 0), 40);
  assert_int_equal(la__icmp4_parse(&back, p, 40, false), LA_DROP_NONE);
  assert_int_equal(back.kind, ICMP_ECHO_REPLY);
  assert_int_equal(back.word, 0xabcd0001);
  assert_memory_equal(back.data, data, 32);
  (void)state;
}

/* A packet of ours as a router quotes it; returns its header's length. */
static unsigned quoted(uint8_t *p, unsigned version, uint8_t proto, uint16_t frag_off) {
  struct ip_hdr h = {.proto = proto, .ttl = 1, .len = 1000, .frag_off = frag_off};
  h.src = version == 4 ? a4 : a6;
  h.dst = version == 4 ? b4 : b6;
  unsigned n = version == 4 ? la__ip4_build(&h, p) : la__ip6_build(&h, p);
  be16_put(p + n, 40000);
  be16_put(p + n + 2, 80);
  be32_put(p + n + 4, 0x89abcdef);
  p[10] ^= version == 4; /* its checksum need not fit: the TTL was changed under way */
  return n;
}

static bool quote_of(const uint8_t *p, size_t n, unsigned version, struct icmp_quote *q) {
  uint8_t *exact = malloc(n + !n);
  memcpy(exact, p, n);
  struct icmp_msg m = {.kind = ICMP_HOST_UNREACH, .data = exact, .len = (uint32_t)n};
  bool ok = la__icmp_quote(&m, version, q);
  free(exact);
  return ok;
}

static void quotes(void **state) {
  for (unsigned version = 4; version <= 6; version += 2) {
    static const struct { uint8_t proto, need; } rows[] = {{IP_PROTO_TCP, 8}, {IP_PROTO_UDP, 4}, {IP_PROTO_ICMP, 0}};
    for (unsigned k = 0; k < 3; k++) {
      uint8_t p[64] = {0};
      unsigned hlen = quoted(p, version, rows[k].proto, 0);
      for (size_t n = 0; n <= hlen + 8; n++) {
        struct icmp_quote q;
        bool ok = quote_of(p, n, version, &q);
        assert_int_equal(ok, n >= hlen + rows[k].need);
        assert_false(quote_of(p, n, 10 - version, &q)); /* the other family */
        if (!ok)
          continue;
        assert_true(quote_of(p, n, version, &q));
        assert_true(la_addr_same(&q.ip.src, version == 4 ? &a4 : &a6) && la_addr_same(&q.ip.dst, version == 4 ? &b4 : &b6));
        assert_int_equal(q.ip.len, 1000);
        assert_int_equal(q.sport, rows[k].need ? 40000 : 0);
        assert_int_equal(q.dport, rows[k].need ? 80 : 0);
        assert_int_equal(q.seq, rows[k].need == 8 ? 0x89abcdef : 0);
      }
    }
  }
  (void)state;
}

static void quotes_refused(void **state) {
  uint8_t p[64] = {0};
  struct icmp_quote q;
  unsigned n = quoted(p, 4, IP_PROTO_TCP, 1480) + 8;
  assert_false(quote_of(p, n, 4, &q)); /* a later fragment has no ports */
  quoted(p, 4, IP_PROTO_TCP, 0);
  p[0] = 0x44;
  assert_false(quote_of(p, n, 4, &q));
  p[0] = 0x4f; /* the header itself is longer than the quote */
  assert_false(quote_of(p, n, 4, &q));
  p[0] = 0x45;
  static const enum icmp_kind none[] = {ICMP_OTHER, ICMP_ECHO, ICMP_ECHO_REPLY};
  for (unsigned i = 0; i < 3; i++) {
    struct icmp_msg m = {.kind = none[i], .data = p, .len = n};
    assert_false(la__icmp_quote(&m, 4, &q));
  }
  (void)state;
}

static void noise(void **state) {
  static const uint8_t types[] = {0, 3, 4, 8, 11, 12, 1, 2, 128, 129};
  struct prng r;
  la__prng_seed(&r, 1);
  unsigned good = 0;
  for (int i = 0; i < 200000; i++) {
    size_t n = la__prng_below(&r, 120);
    unsigned version = i & 1 ? 4 : 6;
    uint8_t *p = malloc(n + !n);
    for (size_t k = 0; k < n; k++)
      p[k] = (uint8_t)la__prng_next(&r);
    if (n > 20) {
      p[0] = types[la__prng_below(&r, sizeof types)];
      p[1] &= 7;
      p[8] = version == 4 ? (uint8_t)(0x40 | la__prng_below(&r, 16)) : 0x60;
      p[14] = version == 6 ? (uint8_t)(la__prng_below(&r, 3) * 22) : p[14]; /* hop-by-hop, ... */
    }
    struct icmp_msg m;
    struct icmp_quote q;
    if (parse(&m, version, p, n, true) == LA_DROP_NONE)
      good += la__icmp_quote(&m, version, &q);
    parse(&m, version, p, n, false);
    free(p);
  }
  assert_true(good > 1000);
  (void)state;
}

/* RFC 1122 3.2.2, RFC 4443 2.4: about these no error is ever sent; of the types that we do not know it is presumed. */
static void what_is_an_error(void **state) {
  static const uint8_t asks[] = {0, 8, 13, 14, 15, 16, 17, 18};
  for (unsigned type = 0; type < 256; type++) {
    bool question = false;
    for (unsigned i = 0; i < sizeof asks; i++)
      question |= asks[i] == type;
    assert_int_equal(la__icmp_is_error(4, (uint8_t)type), !question);
    assert_int_equal(la__icmp_is_error(6, (uint8_t)type), type < 128);
  }
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(kinds),
    cmocka_unit_test(checksum_and_length),
    cmocka_unit_test(echo_in_its_own_buffer),
    cmocka_unit_test(quotes),
    cmocka_unit_test(quotes_refused),
    cmocka_unit_test(noise),
    cmocka_unit_test(what_is_an_error),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
