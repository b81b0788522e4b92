/* SPDX-License-Identifier: MIT */
/* For tests on an Ethernet link: a stack, frames by hand, and what comes out of it, read and checked. */
#ifndef TESTS_UNIT_ETHER_TEST_H
#define TESTS_UNIT_ETHER_TEST_H

#include "tests/unit/net_test.h"

#include "wire/arp.h"
#include "wire/nd.h"

static const uint8_t OUR_MAC[6] = {2, 0, 0, 0, 0, 1}, PEER_MAC[6] = {2, 0, 0, 0, 0, 2}, OTHER_MAC[6] = {2, 0, 0, 0, 0, 3};
static const uint8_t ALL_MAC[6] = {255, 255, 255, 255, 255, 255};

/* What came out: a frame's header, and of what is in it, that which it is. */
struct seen {
  struct eth_hdr eth;
  struct arp_pkt arp;
  struct ip_hdr ip;
  struct nd_msg nd;
  bool is_arp, is_nd;
  uint8_t flags; /* TCP's */
  struct pkt raw;
};

/* 10.0.0.1/24 and fd00::1/64 on a link with OUR_MAC, ready at once unless the configuration says otherwise. */
static inline void ether_start(struct node *n) {
  node_start(n);
  assert_int_equal(la_link_add_ether(n->s, 1500, OUR_MAC), 1);
  node_addr(n, 1, "10.0.0.1", 24);
  node_addr(n, 1, "fd00::1", 64);
}
static inline void ether_simple(struct node *n) {
  node_config(n, 1);
  n->cfg.arp_probes = n->cfg.arp_announcements = n->cfg.dad_transmits = 0;
  ether_start(n);
  la_frame f; /* it tells that it has joined its group */
  assert_int_equal(la_output(n->s, 1, &f, 1, LA_SEC), 1);
  la_frame_done(n->s, &f);
}

static inline void give(struct node *n, const uint8_t *dst, const uint8_t *src, unsigned type, const void *body, uint32_t len,
                        la_time now) {
  static struct pkt p;
  struct eth_hdr h = {.type = (uint16_t)type};
  memcpy(h.dst, dst, 6);
  memcpy(h.src, src, 6);
  unsigned at = la__eth_build(&h, p.b);
  memcpy(p.b + at, body, len);
  p.len = at + len;
  assert_int_equal(pkt_in(n, 1, &p, now), 1);
}

static inline void give_arp(struct node *n, const uint8_t *dst, enum arp_op op, const uint8_t *sha, const char *spa, const char *tpa,
                            la_time now) {
  uint8_t b[46] = {0}; /* with the padding of a real one */
  struct arp_pkt a = {.op = op, .spa = addr(spa), .tpa = addr(tpa)};
  memcpy(a.sha, sha, 6);
  if (op == ARP_REPLY)
    memcpy(a.tha, dst, 6);
  la__arp_build(&a, b);
  give(n, dst, sha, ETH_ARP, b, sizeof b, now);
}

static inline void give_nd_hops(struct node *n, const uint8_t *l2, const uint8_t *from_mac, const struct nd_msg *m, const char *src,
                                const char *dst, uint8_t hops, la_time now) {
  uint8_t b[IP6_HEADER + ND_BYTES_MAX];
  struct ip_hdr h = {.src = addr(src), .dst = addr(dst), .proto = IP_PROTO_ICMP6, .ttl = hops};
  h.len = la__nd_build(m, &h.src, &h.dst, b + IP6_HEADER);
  la__ip6_build(&h, b);
  uint8_t group[6];
  if (!l2) {
    la__eth_group(&h.dst, group);
    l2 = group;
  }
  give(n, l2, from_mac, ETH_IP6, b, IP6_HEADER + h.len, now);
}
static inline void give_nd(struct node *n, const uint8_t *l2, const uint8_t *from_mac, const struct nd_msg *m, const char *src,
                           const char *dst, la_time now) {
  give_nd_hops(n, l2, from_mac, m, src, dst, ND_HOP_LIMIT, now);
}
static inline struct nd_msg nd_advert(const char *target, const uint8_t *mac, bool solicited, bool override) {
  struct nd_msg m = {.type = ND_ADVERT, .target = addr(target), .solicited = solicited, .override = override, .has_mac = mac != NULL};
  if (mac)
    memcpy(m.mac, mac, 6);
  return m;
}
static inline struct nd_msg nd_solicit(const char *target, const uint8_t *mac) {
  struct nd_msg m = nd_advert(target, mac, false, false);
  m.type = ND_SOLICIT;
  return m;
}

/* A TCP segment from a neighbour. */
static inline void give_tcp(struct node *n, const uint8_t *dst, const char *src, const char *to, const struct tcp_seg *seg, la_time now) {
  struct pkt p;
  uint8_t b[100];
  unsigned len = la__tcp_build(seg, b);
  pkt_ip(&p, src, to, IP_PROTO_TCP, b, len);
  pkt_sum(&p, 16);
  give(n, dst, PEER_MAC, p.b[0] >> 4 == 6 ? ETH_IP6 : ETH_IP4, p.b, p.len, now);
}

/* The next frame out; false: none. Everything in it is verified. */
static inline bool take(struct node *n, struct seen *o, la_time now) {
  memset(o, 0, sizeof *o);
  if (!pkt_out(n, 1, &o->raw, now))
    return false;
  assert_int_equal(la__eth_parse(&o->eth, o->raw.b, o->raw.len), LA_DROP_NONE);
  assert_memory_equal(o->eth.src, OUR_MAC, 6);
  const uint8_t *b = o->raw.b + ETH_HEADER;
  uint32_t len = o->raw.len - ETH_HEADER;
  if (o->eth.type == ETH_ARP) {
    o->is_arp = true;
    assert_int_equal(la__arp_parse(&o->arp, b, len), LA_DROP_NONE);
    assert_memory_equal(o->arp.sha, OUR_MAC, 6);
    return true;
  }
  static struct pkt inner;
  memcpy(inner.b, b, len);
  inner.len = len;
  o->ip = pkt_check(&inner);
  assert_int_equal(o->eth.type, o->ip.src.family == 6 ? ETH_IP6 : ETH_IP4);
  o->is_nd = la__nd_is(&o->ip, b + o->ip.hlen, o->ip.len);
  if (o->is_nd)
    assert_int_equal(la__nd_parse(&o->nd, &o->ip, b + o->ip.hlen, o->ip.len, false), LA_DROP_NONE);
  else if (o->ip.proto == IP_PROTO_TCP)
    o->flags = b[o->ip.hlen + 13];
  return true;
}
static inline void nothing(struct node *n, la_time now) {
  struct seen o;
  la_tick(n->s, now);
  assert_false(take(n, &o, now));
}
/* A question for `target`: to all, or (mac) to one. */
static inline void asks(struct node *n, const char *target, const uint8_t *mac, la_time now) {
  struct seen o;
  la_addr want = addr(target);
  la_tick(n->s, now);
  assert_true(take(n, &o, now));
  if (want.family == 4) {
    assert_true(o.is_arp && o.arp.op == ARP_REQUEST);
    assert_true(la_addr_same(&o.arp.tpa, &want));
    assert_memory_equal(o.eth.dst, mac ? mac : ALL_MAC, 6);
    return;
  }
  assert_true(o.is_nd && o.nd.type == ND_SOLICIT && la_addr_same(&o.nd.target, &want));
  la_addr group = la__nd_solicited_node(&want);
  uint8_t to[6];
  la__eth_group(&group, to);
  assert_true(la_addr_same(&o.ip.dst, mac ? &want : &group));
  assert_memory_equal(o.eth.dst, mac ? mac : to, 6);
}

static inline la_neigh neigh(const struct node *n, const char *a) {
  la_neigh r = {0};
  la_addr x = addr(a);
  if (!la_neigh_get(n->s, 1, &x, &r))
    r.state = LA_NEIGH_STATES; /* there is none */
  return r;
}
#define NO_NEIGH LA_NEIGH_STATES

static inline la_conn open_to(struct node *n, const char *to, uint16_t port, la_time now) {
  la_conn c;
  assert_int_equal(la_connect(n->s, &(la_connect_opts){.remote = addr(to), .remote_port = port}, &c, now), LA_OK);
  return c;
}

#endif
