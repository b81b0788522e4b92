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
#include "wire/tcp_wire.h"

static enum la_drop parse_in_place(struct tcp_seg *s, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok) {
  enum la_drop d = la__tcp_parse(s, p, n, pseudo, sum_ok);
  if (d == LA_DROP_NONE) {
    assert_true(s->data >= p + TCP_HEADER && s->data + s->len == p + n);
    assert_true(s->opt.nsack <= 4 && s->opt.wscale <= 14);
  }
  return d;
}

static uint32_t pseudo_of(size_t n) {
  static const la_addr a = {4, {192, 0, 2, 1}}, b = {4, {192, 0, 2, 2}};
  return la__ip_pseudo_sum(&a, &b, IP_PROTO_TCP, (uint32_t)n);
}

static void put_sum(uint8_t *p, size_t n) {
  be16_put(p + 16, 0);
  be16_put(p + 16, la__sum_finish(la__sum(pseudo_of(n), p, n)));
}

/* Every first pair of option bytes, at every data offset, in segments of every length past the longest header: nothing outside is read. */
static void every_prefix(void **state) {
  for (unsigned n = 0; n <= 64; n++) {
    uint8_t *p = malloc(n ? n : 1);
    memset(p, 0, n);
    for (unsigned off = 0; off < 16; off++) {
      if (n > 12)
        p[12] = (uint8_t)(off << 4);
      bool legal = n >= 20 && off >= 5 && off * 4 <= n;
      unsigned pairs = legal && off > 5 ? 65536 : 1; /* without an option area the pair is payload */
      for (unsigned w = 0; w < pairs; w++) {
        struct tcp_seg s;
        if (pairs > 1)
          be16_put(p + 20, w);
        enum la_drop d = parse_in_place(&s, p, n, 0, true);
        if (!legal) {
          assert_int_equal(d, n < 20 ? LA_DROP_PKT_TOO_SMALL : LA_DROP_TCP_HDR);
        } else {
          /* the rest is zero: EOL. So only the first two, or after a NOP the second's length 0, can be wrong */
          unsigned kind = w >> 8, len = w & 0xff, room = off * 4 - 20;
          bool bad = kind > 1 ? len < 2 || len > room : kind == 1 && len > 1;
          assert_int_equal(d, bad ? LA_DROP_TCP_HDR : LA_DROP_NONE);
          if (!bad)
            assert_int_equal(s.len, n - off * 4);
        }
      }
    }
    free(p);
  }
  (void)state;
}

/* The same from the other side: each kind and length as the very last bytes of the area. */
static void every_suffix(void **state) {
  for (unsigned area = 4; area <= 40; area += 4) {
    uint8_t *p = malloc(area);
    for (unsigned w = 0; w < 65536; w++) {
      struct tcp_opts o;
      memset(p, 1, area);
      be16_put(p + area - 2, w);
      unsigned kind = w >> 8, len = w & 0xff;
      bool bad = kind == 1 ? len > 1 : kind > 1 && len != 2;
      assert_int_equal(la__tcp_parse_opts(&o, p, area, true), bad ? LA_DROP_TCP_HDR : LA_DROP_NONE);
      assert_int_equal(o.have, kind == 4 && len == 2 ? TCP_OPT_SACK_OK : 0);
    }
    free(p);
  }
  (void)state;
}

static void flipped_bits(void **state) {
  uint8_t p[20 + 40 + 33];
  struct tcp_seg s = {.sport = 80, .dport = 40000, .seq = 0xfffffff0, .ack = 77, .wnd = 1000, .flags = LA_ACK | LA_PSH}, g;
  s.opt = (struct tcp_opts){.have = TCP_OPT_TS | TCP_OPT_SACK, .nsack = 3, .ts_val = 5, .ts_ecr = 6, .sack = {{1, 2}, {3, 4}, {5, 6}}};
  unsigned hlen = la__tcp_build(&s, p);
  assert_int_equal(hlen, 60);
  for (unsigned i = 0; i < 33; i++)
    p[hlen + i] = (uint8_t)(i * 37);
  size_t n = hlen + 33;
  put_sum(p, n);
  assert_int_equal(parse_in_place(&g, p, n, pseudo_of(n), false), LA_DROP_NONE);
  assert_int_equal(g.len, 33);
  for (size_t bit = 0; bit < 8 * n; bit++) {
    p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(la__tcp_parse(&g, p, n, pseudo_of(n), false), LA_DROP_TCP_CSUM);
    p[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (size_t cut = 20; cut < n; cut++) /* shorter, with the pseudo-header of what is left */
    assert_int_equal(la__tcp_parse(&g, p, cut, pseudo_of(cut), false), LA_DROP_TCP_CSUM);
  assert_int_equal(la__tcp_parse(&g, p, n, pseudo_of(n) + 1, false), LA_DROP_TCP_CSUM); /* another address */
  p[n - 1] ^= 1;
  assert_int_equal(la__tcp_parse(&g, p, n, pseudo_of(n), true), LA_DROP_NONE); /* the device has checked it */
  (void)state;
}

/* What is left of the options after a way over the wire. */
static struct tcp_opts expected(const struct tcp_opts *o, bool syn, unsigned blocks) {
  struct tcp_opts e = {0};
  e.have = o->have;
  if (!syn)
    e.have &= (uint8_t) ~(TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK);
  if (!blocks)
    e.have &= (uint8_t)~TCP_OPT_SACK;
  if (e.have & TCP_OPT_MSS)
    e.mss = o->mss;
  if (e.have & TCP_OPT_WSCALE)
    e.wscale = o->wscale;
  if (e.have & TCP_OPT_TS) {
    e.ts_val = o->ts_val;
    e.ts_ecr = o->ts_ecr;
  }
  e.nsack = (uint8_t)blocks;
  memcpy(e.sack, o->sack, blocks * 8);
  return e;
}

static void opts_equal(const struct tcp_opts *a, const struct tcp_opts *b) {
  assert_int_equal(a->have, b->have);
  assert_int_equal(a->wscale, b->wscale);
  assert_int_equal(a->nsack, b->nsack);
  assert_int_equal(a->mss, b->mss);
  assert_int_equal(a->ts_val, b->ts_val);
  assert_int_equal(a->ts_ecr, b->ts_ecr);
  assert_memory_equal(a->sack, b->sack, sizeof a->sack);
}

static void round_trips(void **state) {
  struct prng r;
  la__prng_seed(&r, 1);
  for (unsigned have = 0; have < 32; have++)
    for (unsigned nsack = 0; nsack <= 5; nsack++)
      for (unsigned flags = 0; flags < 256; flags++) {
        struct tcp_seg s = {.flags = (uint8_t)flags, .opt = {.have = (uint8_t)have, .nsack = (uint8_t)nsack}}, g;
        uint32_t *words[] = {&s.seq, &s.ack, &s.opt.ts_val, &s.opt.ts_ecr};
        for (unsigned i = 0; i < 4; i++) {
          *words[i] = (uint32_t)la__prng_next(&r);
          s.opt.sack[i].lo = (uint32_t)la__prng_next(&r);
          s.opt.sack[i].hi = (uint32_t)la__prng_next(&r);
        }
        s.sport = (uint16_t)la__prng_next(&r);
        s.dport = (uint16_t)la__prng_next(&r);
        s.wnd = (uint16_t)la__prng_next(&r);
        s.urp = (uint16_t)la__prng_next(&r);
        s.opt.mss = (uint16_t)la__prng_next(&r);
        s.opt.wscale = (uint8_t)la__prng_below(&r, 15);

        unsigned others = (have & 1 ? 4u : 0) + (have & 8 ? 12u : have & 4 ? 4u : 0) + (have & 2 ? 4u : 0);
        unsigned blocks = have & TCP_OPT_SACK ? nsack > 4 ? 4 : nsack : 0;
        while (blocks && others + 4 + 8 * blocks > 40)
          blocks--;
        unsigned size = la__tcp_opts_size(&s.opt), len = la__prng_below(&r, 20);
        assert_int_equal(size, others + (blocks ? 4 + 8 * blocks : 0));
        assert_true(size <= 40 && size % 4 == 0);
        uint8_t *p = malloc(20 + size + len);
        memset(p, 0xa5, 20 + size + len);
        assert_int_equal(la__tcp_build(&s, p), 20 + size);
        assert_int_equal(be16_get(p + 16), 0);
        for (unsigned i = 0; i < len; i++)
          assert_int_equal(p[20 + size + i], 0xa5);
        put_sum(p, 20 + size + len);
        assert_int_equal(parse_in_place(&g, p, 20 + size + len, pseudo_of(20 + size + len), false), LA_DROP_NONE);
        assert_true(g.sport == s.sport && g.dport == s.dport && g.seq == s.seq && g.ack == s.ack && g.wnd == s.wnd && g.urp == s.urp);
        assert_int_equal(g.flags, flags);
        assert_int_equal(g.len, len);
        assert_int_equal(tcp_seg_len(&g), len + ((flags & LA_SYN) != 0) + ((flags & LA_FIN) != 0));
        struct tcp_opts e = expected(&s.opt, flags & LA_SYN, blocks);
        opts_equal(&g.opt, &e);
        free(p);
      }
  (void)state;
}

/* E-27: sent as zero; on receipt whatever they are, the segment is the same. */
static void reserved_bits(void **state) {
  (void)state;
  struct tcp_seg s = {.sport = 1, .dport = 2, .seq = 3, .ack = 4, .flags = LA_ACK, .wnd = 5}, g;
  uint8_t p[TCP_HEADER_MAX];
  for (unsigned have = 0; have < 2; have++) {
    s.opt = have ? (struct tcp_opts){.have = TCP_OPT_TS, .ts_val = 6, .ts_ecr = 7} : (struct tcp_opts){0};
    unsigned n = la__tcp_build(&s, p);
    assert_int_equal(p[12] & 15, 0);
    for (unsigned bits = 0; bits < 16; bits++) {
      p[12] = (uint8_t)((p[12] & 0xf0) | bits);
      put_sum(p, n);
      assert_int_equal(la__tcp_parse(&g, p, n, pseudo_of(n), false), LA_DROP_NONE);
      assert_true(g.sport == 1 && g.dport == 2 && g.seq == 3 && g.ack == 4 && g.wnd == 5 && g.len == 0 && g.flags == LA_ACK);
      opts_equal(&g.opt, &s.opt);
    }
  }
}

/* The bytes themselves: the layout that every other stack uses for a SYN, aligned. */
static void syn_bytes(void **state) {
  static const uint8_t want[] = {
    0xc0, 0x00, 0x00, 0x50, 0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x02, 0xfa, 0xf0, 0x00, 0x00, 0x00, 0x00,
    2,    4,    0x05, 0xb4, 4,    2,    8,    10,   0,    0,    0,    7,    0,    0,    0,    9,    1,    3,    3,    7,
  };
  struct tcp_seg s = {.sport = 0xc000, .dport = 80, .seq = 0x01020304, .flags = LA_SYN, .wnd = 64240};
  uint8_t p[60];
  s.opt = (struct tcp_opts){.have = 15, .mss = 1460, .wscale = 7, .ts_val = 7, .ts_ecr = 9};
  assert_int_equal(la__tcp_build(&s, p), sizeof want);
  assert_memory_equal(p, want, sizeof want);
  (void)state;
}

static void option_rules(void **state) {
  static const struct {
    uint8_t bytes[40];
    uint8_t n, syn;
    struct tcp_opts want;
  } rows[] = {
    {{0}, 0, 1, {0}},
    {{2, 4, 5, 180}, 4, 1, {.have = TCP_OPT_MSS, .mss = 1460}},
    {{2, 4, 5, 180}, 4, 0, {0}},                                         /* not on a SYN */
    {{2, 4, 0, 0}, 4, 1, {.have = TCP_OPT_MSS, .mss = 0}},               /* what to make of it is the caller's business */
    {{2, 3, 5, 1}, 4, 1, {0}},                                           /* wrong length: ignored */
    {{2, 3, 5, 2, 4, 1, 2, 1}, 8, 1, {.have = TCP_OPT_MSS, .mss = 258}}, /* and a right one after it counts */
    {{2, 4, 1, 0, 2, 4, 2, 0}, 8, 1, {.have = TCP_OPT_MSS, .mss = 256}}, /* the first wins */
    {{1, 1, 2, 4, 1, 0, 1, 1}, 8, 1, {.have = TCP_OPT_MSS, .mss = 256}}, /* any alignment (MUST-64) */
    {{0, 2, 4, 1}, 4, 1, {0}},                                           /* nothing counts after EOL, nor is it checked */
    {{3, 3, 14, 0}, 4, 1, {.have = TCP_OPT_WSCALE, .wscale = 14}},
    {{3, 3, 15, 0}, 4, 1, {.have = TCP_OPT_WSCALE, .wscale = 14}},
    {{3, 3, 255, 0}, 4, 1, {.have = TCP_OPT_WSCALE, .wscale = 14}},
    {{3, 3, 5, 3, 3, 6, 1, 1}, 8, 1, {.have = TCP_OPT_WSCALE, .wscale = 5}},
    {{3, 2, 1, 1}, 4, 1, {0}},
    {{3, 3, 7, 1}, 4, 0, {0}},
    {{4, 2, 4, 2}, 4, 1, {.have = TCP_OPT_SACK_OK}},
    {{4, 3, 9, 1}, 4, 1, {0}},
    {{4, 2, 1, 1}, 4, 0, {0}},
    {{8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1}, 12, 0, {.have = TCP_OPT_TS, .ts_val = 1, .ts_ecr = 2}},
    {{8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4}, 20, 1, {.have = TCP_OPT_TS, .ts_val = 1, .ts_ecr = 2}},
    {{8, 9, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1}, 12, 0, {0}},
    {{2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 3, 3, 15}, /* as most write them, which are read in one go */
     20,
     1,
     {.have = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE, .mss = 1460, .wscale = 14, .ts_val = 7, .ts_ecr = 9}},
    {{2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 3, 3, 15}, 20, 0, {.have = TCP_OPT_TS, .ts_val = 7, .ts_ecr = 9}},
    {{2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 0, 3, 3, 15}, /* but EOL is EOL */
     20,
     1,
     {.have = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS, .mss = 1460, .ts_val = 7, .ts_ecr = 9}},
    {{5, 2, 1, 1}, 4, 0, {0}}, /* SACK without a block */
    {{5, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, 12, 0, {0}},
    {{5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0}, 12, 0, {.have = TCP_OPT_SACK, .nsack = 1, .sack = {{1, 2}}}},
    {{5, 34, [5] = 1, [9] = 2, [13] = 3, [17] = 4, [21] = 5, [25] = 6, [29] = 7, [33] = 8},
     36,
     0,
     {.have = TCP_OPT_SACK, .nsack = 4, .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}}},
    {{5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4}, 20, 0, {.have = TCP_OPT_SACK, .nsack = 1, .sack = {{1, 2}}}},
    {{254, 6, 1, 2, 3, 4, 34, 2, 4, 2}, 12, 1, {.have = TCP_OPT_SACK_OK}}, /* unknown ones are skipped by length (MUST-6) */
    {{255, 40}, 40, 1, {0}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tcp_opts o;
    uint8_t *p = malloc(rows[i].n ? rows[i].n : 1);
    memcpy(p, rows[i].bytes, rows[i].n);
    assert_int_equal(la__tcp_parse_opts(&o, p, rows[i].n, rows[i].syn), LA_DROP_NONE);
    opts_equal(&o, &rows[i].want);
    free(p);
  }
  (void)state;
}

static void illegal_options(void **state) {
  static const uint8_t rows[][5] = {
    {4, 2, 0, 0, 0},   {4, 2, 1, 4, 4}, {4, 2, 5, 4, 4}, {4, 9, 0, 0, 0}, {4, 9, 1, 0, 0},
    {4, 9, 255, 0, 0}, {4, 1, 1, 1, 2}, {4, 1, 1, 8, 3}, {1, 2},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tcp_opts o;
    uint8_t *p = malloc(rows[i][0]);
    memcpy(p, rows[i] + 1, rows[i][0]);
    assert_int_equal(la__tcp_parse_opts(&o, p, rows[i][0], true), LA_DROP_TCP_HDR);
    free(p);
  }
  (void)state;
}

static void noise(void **state) {
  static const uint8_t likely[] = {0, 1, 2, 3, 4, 5, 8, 10, 18, 26, 34};
  struct prng r;
  la__prng_seed(&r, 2);
  unsigned good = 0;
  for (int i = 0; i < 300000; i++) {
    size_t n = la__prng_below(&r, 90);
    uint8_t *p = malloc(n + !n);
    struct tcp_seg s;
    for (size_t k = 0; k < n; k++)
      p[k] = la__prng_below(&r, 3) ? likely[la__prng_below(&r, sizeof likely)] : (uint8_t)la__prng_next(&r);
    if (n >= 20)
      p[12] = (uint8_t)((5 + la__prng_below(&r, 11)) << 4);
    good += parse_in_place(&s, p, n, 0, true) == LA_DROP_NONE;
    la__tcp_parse(&s, p, n, 0, false);
    free(p);
  }
  assert_true(good > 10000);
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_prefix),    cmocka_unit_test(every_suffix), cmocka_unit_test(flipped_bits),
    cmocka_unit_test(round_trips),     cmocka_unit_test(syn_bytes),    cmocka_unit_test(option_rules),
    cmocka_unit_test(illegal_options), cmocka_unit_test(noise),        cmocka_unit_test(reserved_bits),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
