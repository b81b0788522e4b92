/* SPDX-License-Identifier: MIT */
/* For the tests of UDP: sockets, datagrams by hand, the next event. */
#ifndef TESTS_UNIT_UDP_TEST_H
#define TESTS_UNIT_UDP_TEST_H

#include "tests/unit/net_test.h"

#include "wire/icmp.h"
#include "wire/udp_wire.h"

static struct pkt in, out;

static inline const char *ip(bool six, unsigned x) {
  static char text[4][32];
  static unsigned at;
  at = (at + 1) % 4;
  snprintf(text[at], sizeof text[at], six ? "fd00::%u" : "10.0.0.%u", x);
  return text[at];
}
static inline la_udp open_at(struct node *n, const char *a, uint16_t port) {
  la_udp u;
  la_udp_opts o = {.port = port};
  if (a)
    o.addr = addr(a);
  assert_int_equal(la_udp_open(n->s, &o, &u), LA_OK);
  return u;
}
/* A datagram by hand. */
static inline void datagram(struct node *n, la_link link, const char *src, uint16_t sport, const char *dst, uint16_t dport,
                            const void *data, uint32_t len) {
  uint8_t *b = pkt_ip(&in, src, dst, IP_PROTO_UDP, 0, 8 + len);
  struct udp_hdr u = {.sport = sport, .dport = dport, .len = len};
  la__udp_build(&u, b);
  if (len)
    memcpy(b + 8, data, len);
  pkt_sum(&in, 6);
  if (be16_get(b + 6) == 0)
    be16_put(b + 6, 0xffff);
  assert_int_equal(pkt_in(n, link, &in, 0), 1);
}
static inline int send_to(struct node *n, la_udp u, const char *a, uint16_t port, const void *data, size_t len) {
  la_addr to = addr(a);
  return la_udp_send(n->s, u, &to, port, data, len);
}
static inline ptrdiff_t recv_from(struct node *n, la_udp u, la_udp_from *f) {
  static uint8_t buf[70000];
  return la_udp_recv(n->s, u, f, buf, sizeof buf);
}
static inline la_event next_event(struct node *n) {
  la_event e;
  memset(&e, 0, sizeof e);
  e.type = LA_EVENT_TYPES;
  la_events(n->s, &e, 1);
  return e;
}

#endif
