/* SPDX-License-Identifier: MIT */
/* UDP's header: lengths that do not fit, checksums of both families, what is built is what is parsed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/sum.h"
#include "wire/udp_wire.h"

static struct ip_hdr ends(bool six) {
  struct ip_hdr h = {.proto = IP_PROTO_UDP};
  h.src.family = h.dst.family = six ? 6 : 4;
  for (unsigned i = 0; i < (six ? 16u : 4u); i++) {
    h.src.b[i] = (uint8_t)(0x20 + i);
    h.dst.b[i] = (uint8_t)(0x90 + i);
  }
  return h;
}

static unsigned make(const struct ip_hdr *h, uint8_t *b, uint32_t len) {
  struct udp_hdr u = {.sport = 0x1234, .dport = 0xfedc, .len = len};
  assert_int_equal(la__udp_build(&u, b), 8);
  for (uint32_t i = 0; i < len; i++)
    b[8 + i] = (uint8_t)(i * 5 + 1);
  uint16_t sum = la__sum_finish(la__sum(la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_UDP, 8 + len), b, 8 + len));
  be16_put(b + UDP_SUM_AT, sum ? sum : 0xffff);
  return 8 + len;
}

static void round_trip(void **state) {
  (void)state;
  static const uint32_t sizes[] = {0, 1, 2, 100, 1472, 65527};
  static uint8_t b[65535];
  for (unsigned i = 0; i < 12; i++) {
    struct ip_hdr h = ends(i & 1);
    struct udp_hdr u;
    unsigned n = make(&h, b, sizes[i / 2]);
    assert_int_equal(la__udp_parse(&u, &h, b, n, false), LA_DROP_NONE);
    assert_int_equal(u.sport, 0x1234);
    assert_int_equal(u.dport, 0xfedc);
    assert_int_equal(u.len, sizes[i / 2]);
    assert_ptr_equal(u.data, b + 8);
  }
}

/* A vector worked out by hand: 10.0.0.1:1 to 10.0.0.2:2, "hi". */
static void known_vector(void **state) {
  (void)state;
  struct ip_hdr h = {.src = {.family = 4, .b = {10, 0, 0, 1}}, .dst = {.family = 4, .b = {10, 0, 0, 2}}};
  /* 0a00+0001+0a00+0002 + 0011+000a + 0001+0002+000a + 6869, and its complement */
  uint8_t b[] = {0, 1, 0, 2, 0, 10, 0, 0, 'h', 'i'};
  uint32_t sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 0x0011 + 0x000a + 0x0001 + 0x0002 + 0x000a + 0x6869;
  be16_put(b + 6, ~sum & 0xffff);
  struct udp_hdr u;
  assert_int_equal(la__udp_parse(&u, &h, b, sizeof b, false), LA_DROP_NONE);
  assert_int_equal(u.sport, 1);
  assert_int_equal(u.dport, 2);
  assert_memory_equal(u.data, "hi", 2);
}

static void lengths(void **state) {
  (void)state;
  uint8_t b[64];
  for (unsigned six = 0; six < 2; six++) {
    struct ip_hdr h = ends(six);
    struct udp_hdr u;
    unsigned n = make(&h, b, 20);
    for (unsigned cut = 0; cut < n; cut++)
      assert_int_equal(la__udp_parse(&u, &h, b, cut, true), LA_DROP_PKT_TOO_SMALL);
    assert_int_equal(la__udp_parse(&u, &h, b, n + 5, false), LA_DROP_NONE); /* padding behind it */
    assert_int_equal(u.len, 20);
    for (unsigned len = 0; len < 8; len++) {
      be16_put(b + 4, len);
      assert_int_equal(la__udp_parse(&u, &h, b, n, true), LA_DROP_PKT_TOO_SMALL);
    }
    be16_put(b + 4, n + 1);
    assert_int_equal(la__udp_parse(&u, &h, b, n, true), LA_DROP_PKT_TOO_SMALL);
  }
}

static void checksums(void **state) {
  (void)state;
  uint8_t b[64];
  struct udp_hdr u;
  for (unsigned six = 0; six < 2; six++) {
    struct ip_hdr h = ends(six);
    unsigned n = make(&h, b, 21);
    for (unsigned bit = 0; bit < 8 * n; bit++) {
      b[bit / 8] ^= (uint8_t)(1u << bit % 8);
      assert_int_not_equal(la__udp_parse(&u, &h, b, n, false), LA_DROP_NONE);
      b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    h.src.b[2] ^= 4; /* the addresses are part of it */
    assert_int_equal(la__udp_parse(&u, &h, b, n, false), LA_DROP_UDP_CSUM);
    assert_int_equal(la__udp_parse(&u, &h, b, n, true), LA_DROP_NONE);
    be16_put(b + 6, 0); /* "none": RFC 768; RFC 8200 8.1 */
    assert_int_equal(la__udp_parse(&u, &h, b, n, false), six ? LA_DROP_UDP_CSUM : LA_DROP_NONE);
    assert_int_equal(la__udp_parse(&u, &h, b, n, true), six ? LA_DROP_UDP_CSUM : LA_DROP_NONE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(round_trip),
    cmocka_unit_test(known_vector),
    cmocka_unit_test(lengths),
    cmocka_unit_test(checksums),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
