/* SPDX-License-Identifier: MIT */
/* Neighbor Discovery's format: round trips, and every check that RFC 4861 7.1.1 and 7.1.2 ask for, each by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/sum.h"
#include "wire/nd.h"

enum { ROOM = 80 };

static la_addr addr(const char *t) {
  la_addr a;
  assert_true(la_addr_parse(t, &a));
  return a;
}
static struct ip_hdr from_to(const char *src, const char *dst, uint32_t len) {
  return (struct ip_hdr){.src = addr(src), .dst = addr(dst), .proto = IP_PROTO_ICMP6, .ttl = 255, .len = len};
}
static void sum(const struct ip_hdr *h, uint8_t *b) {
  be16_put(b + 2, 0);
  be16_put(b + 2, la__sum_finish(la__sum(la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_ICMP6, h->len), b, h->len)));
}
static enum la_drop parse(const struct ip_hdr *h, const uint8_t *b, struct nd_msg *m) {
  assert_true(la__nd_is(h, b, h->len));
  return la__nd_parse(m, h, b, h->len, false);
}

static void round_trip(void **state) {
  (void)state;
  for (unsigned i = 0; i < 32; i++) {
    uint8_t b[ROOM];
    struct nd_msg back, m = {.type = i & 1 ? ND_SOLICIT : ND_ADVERT, .target = addr("fd00::77"), .has_mac = i >> 1 & 1};
    if (m.has_mac)
      memcpy(m.mac, "\2\1\2\3\4\5", 6);
    if (m.type == ND_ADVERT) {
      m.router = i >> 2 & 1;
      m.solicited = i >> 3 & 1;
      m.override = i >> 4 & 1;
    }
    struct ip_hdr h = from_to("fd00::2", "fd00::1", 0);
    h.len = la__nd_build(&m, &h.src, &h.dst, b);
    assert_int_equal(h.len, m.has_mac ? 32 : 24);
    assert_int_equal(parse(&h, b, &back), LA_DROP_NONE);
    assert_memory_equal(&back, &m, sizeof m);
  }
}

static void rules(void **state) {
  (void)state;
  enum { SAME = 255 };
  static const struct {
    enum nd_type type;
    const char *src, *dst, *target;
    uint8_t at, value; /* at SAME: nothing is changed */
    enum la_drop why;
  } rows[] = {
    {ND_SOLICIT, "fd00::2", "ff02::1:ff00:1", "fd00::1", SAME, 0, LA_DROP_NONE},
    {ND_SOLICIT, "fd00::2", "fd00::1", "fd00::1", SAME, 0, LA_DROP_NONE},
    {ND_SOLICIT, "fd00::2", "fd00::1", "ff02::1", SAME, 0, LA_DROP_IPV6_NDISC_BAD_OPTIONS},
    {ND_SOLICIT, "fd00::2", "fd00::1", "::", SAME, 0, LA_DROP_IPV6_NDISC_BAD_OPTIONS},
    {ND_SOLICIT, "ff02::2", "fd00::1", "fd00::1", SAME, 0, LA_DROP_IPV6_NDISC_BAD_OPTIONS},
    {ND_SOLICIT, "::1", "fd00::1", "fd00::1", SAME, 0, LA_DROP_IPV6_NDISC_BAD_OPTIONS},
    {ND_SOLICIT, "::", "ff02::1:ff00:1", "fd00::1", SAME, 0, LA_DROP_IPV6_NDISC_BAD_OPTIONS}, /* from nobody, with an address */
    {ND_SOLICIT, "fd00::2", "fd00::1", "fd00::1", 1, 1, LA_DROP_IPV6_NDISC_BAD_OPTIONS},      /* the code */
    {ND_SOLICIT, "fd00::2", "fd00::1", "fd00::1", 25, 0, LA_DROP_IPV6_NDISC_BAD_OPTIONS},     /* an empty option */
    {ND_SOLICIT, "fd00::2", "fd00::1", "fd00::1", 25, 2, LA_DROP_IPV6_NDISC_BAD_OPTIONS},     /* one that is cut */
    {ND_SOLICIT, "fd00::2", "fd00::1", "fd00::1", 24, 99, LA_DROP_NONE},                      /* an unknown one */
    {ND_SOLICIT, "fd00::2", "fd00::1", "fd00::1", 26, 1, LA_DROP_IPV6_NDISC_BAD_OPTIONS},     /* a group's address */
    {ND_SOLICIT, "fd00::2", "fd00::1", "fd00::1", 0, ND_ROUTER_ADVERT, LA_DROP_ICMP},
    {ND_SOLICIT, "fd00::2", "fd00::1", "fd00::1", 0, ND_REDIRECT, LA_DROP_ICMP},
    {ND_ADVERT, "fd00::2", "ff02::1", "fd00::2", SAME, 0, LA_DROP_NONE},
    {ND_ADVERT, "fd00::2", "ff02::1", "fd00::2", 4, 0x40, LA_DROP_IPV6_NDISC_BAD_OPTIONS}, /* an answer, to all */
    {ND_ADVERT, "fd00::2", "fd00::1", "fd00::2", 4, 0x40, LA_DROP_NONE},
    {ND_ADVERT, "::", "fd00::1", "fd00::2", SAME, 0, LA_DROP_IPV6_NDISC_BAD_OPTIONS},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t b[ROOM];
    struct nd_msg m = {.type = rows[i].type, .target = addr(rows[i].target), .has_mac = true, .mac = {2, 0, 0, 0, 0, 9}}, back;
    struct ip_hdr h = from_to(rows[i].src, rows[i].dst, 0);
    h.len = la__nd_build(&m, &h.src, &h.dst, b);
    if (rows[i].at != SAME)
      b[rows[i].at] = rows[i].value;
    sum(&h, b);
    if (parse(&h, b, &back) != rows[i].why)
      fail_msg("row %u: %s", i, la_drop_name(parse(&h, b, &back)));
  }
}

static void from_nobody(void **state) {
  (void)state;
  uint8_t b[ROOM];
  struct nd_msg m = {.type = ND_SOLICIT, .target = addr("fd00::1")}, back;
  struct ip_hdr h = from_to("::", "ff02::1:ff00:1", 0);
  h.len = la__nd_build(&m, &h.src, &h.dst, b);
  assert_int_equal(parse(&h, b, &back), LA_DROP_NONE);
  h.dst = addr("fd00::1"); /* only to the group */
  sum(&h, b);
  assert_int_equal(parse(&h, b, &back), LA_DROP_IPV6_NDISC_BAD_OPTIONS);
}

static void whole_and_from_here(void **state) {
  (void)state;
  uint8_t b[ROOM];
  struct nd_msg m = {.type = ND_ADVERT, .target = addr("fd00::2"), .has_mac = true, .mac = {2}}, back;
  struct ip_hdr h = from_to("fd00::2", "fd00::1", 0);
  h.len = la__nd_build(&m, &h.src, &h.dst, b);
  assert_int_equal(parse(&h, b, &back), LA_DROP_NONE);
  for (unsigned i = 0; i < 255; i++) {
    h.ttl = (uint8_t)i;
    assert_int_equal(parse(&h, b, &back), LA_DROP_IPV6_NDISC_HOP_LIMIT);
  }
  h.ttl = 255;
  h.fragment = true;
  assert_int_equal(parse(&h, b, &back), LA_DROP_FRAGMENT); /* RFC 6980 */
  h.fragment = false;
  for (unsigned n = 1; n < 32; n++) {
    h.len = n;
    sum(&h, b);
    if (n >= 4)
      assert_int_equal(parse(&h, b, &back), n == 24 ? LA_DROP_NONE : LA_DROP_IPV6_NDISC_BAD_OPTIONS);
  }
  h.len = 32;
  sum(&h, b);
  for (unsigned i = 0; i < 32; i++) {
    b[i] ^= 0x10;
    if (la__nd_is(&h, b, 32))
      assert_int_equal(parse(&h, b, &back), LA_DROP_ICMP);
    b[i] ^= 0x10;
  }
}

/* 4.6: options that are not known, or not of the known length, are passed over; of several the first counts; none is empty. */
static void options(void **state) {
  (void)state;
  static const struct {
    uint8_t n, b[24];
    int mac; /* the last byte of what is taken; 0: none; -1: refused */
  } row[] = {
    {8, {1, 1, 2, 0, 0, 0, 0, 5}, 5},
    {8, {2, 1, 2, 0, 0, 0, 0, 5}, 0},                           /* the target's, in a solicitation */
    {16, {14, 1, 9, 9, 9, 9, 9, 9, 1, 1, 2, 0, 0, 0, 0, 5}, 5}, /* a nonce before it (RFC 3971) */
    {16, {1, 2, 2, 0, 0, 0, 0, 5}, 0},                          /* of another length: of another link's kind */
    {24, {1, 2, 2, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 6}, 6},
    {16, {1, 1, 2, 0, 0, 0, 0, 5, 1, 1, 2, 0, 0, 0, 0, 6}, 5},
    {16, {1, 1, 2, 0, 0, 0, 0, 5, 14, 0}, -1},
    {16, {1, 1, 2, 0, 0, 0, 0, 5, 14, 2}, -1}, /* longer than what is left */
    {8, {1, 1, 3, 0, 0, 0, 0, 5}, -1},         /* a group's address */
  };
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    uint8_t b[ROOM] = {0};
    struct nd_msg back, m = {.type = ND_SOLICIT, .target = addr("fd00::77")};
    struct ip_hdr h = from_to("fd00::1", "fd00::77", 24u + row[i].n);
    assert_int_equal(la__nd_build(&m, &h.src, &h.dst, b), 24);
    memcpy(b + 24, row[i].b, row[i].n);
    sum(&h, b);
    enum la_drop d = parse(&h, b, &back);
    assert_int_equal(d, row[i].mac < 0 ? LA_DROP_IPV6_NDISC_BAD_OPTIONS : LA_DROP_NONE);
    if (d == LA_DROP_NONE) {
      assert_int_equal(back.has_mac, row[i].mac > 0);
      assert_true(!back.has_mac || back.mac[5] == row[i].mac);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(rules), cmocka_unit_test(from_nobody),
                                     cmocka_unit_test(whole_and_from_here), cmocka_unit_test(options)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
