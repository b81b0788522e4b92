/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* Link-local peers on an Ethernet (RFC 4291 2.5.6, RFC 4007): always neighbours, whatever the routes say, and apart from link to link. */
#include "ether_test.h"

#include "wire/icmp.h"
#include "wire/udp_wire.h"

static void start(struct node *n) {
  ether_simple(n);
  node_addr(n, 1, "fe80::1", 64);
  la_addr all = {.family = 6}, via = addr("fd00::99");
  assert_int_equal(la_route_add_via(n->s, &all, 0, 1, &via), LA_OK);
  la_frame f; /* the new address's group, told twice (RFC 3810 6.1) */
  la_tick(n->s, 2 * LA_SEC);
  while (la_output(n->s, 1, &f, 1, 2 * LA_SEC))
    la_frame_done(n->s, &f);
}

static void answer(struct node *n, la_time now) {
  struct nd_msg m = nd_advert("fe80::9", PEER_MAC, true, true);
  give_nd(n, OUR_MAC, PEER_MAC, &m, "fe80::9", "fe80::1", now);
}

/* RFC 4861 5.2: the peer itself is asked for, not the router; by TCP. And what it acknowledges confirms it (7.3.1). */
static void tcp_peer(void **state) {
  (void)state;
  struct node n;
  struct seen o;
  la_time now = 2 * LA_SEC;
  start(&n);
  open_to(&n, "fe80::9", 80, now);
  asks(&n, "fe80::9", NULL, now);
  assert_int_equal(neigh(&n, "fd00::99").state, NO_NEIGH);
  answer(&n, now);
  assert_true(take(&n, &o, now));
  assert_int_equal(o.flags, LA_SYN);
  assert_memory_equal(o.eth.dst, PEER_MAC, 6);
  struct tcp_seg syn;
  assert_int_equal(la__tcp_parse(&syn, o.raw.b + ETH_HEADER + o.ip.hlen, o.ip.len, 0, true), LA_DROP_NONE);
  la_tick(n.s, now + LA_MS);
  struct tcp_seg back = {.sport = 80, .dport = syn.sport, .seq = 7, .ack = syn.seq + 1, .flags = LA_SYN | LA_ACK, .wnd = 9999};
  give_tcp(&n, OUR_MAC, "fe80::9", "fe80::1", &back, now + LA_MS);
  assert_true(take(&n, &o, now + LA_MS));
  assert_int_equal(o.flags, LA_ACK);
  assert_int_equal(neigh(&n, "fe80::9").state, LA_NEIGH_REACHABLE);
  node_free(&n);
}

/* Connected, the socket belongs to the link; an ICMP error of that link's is for it. */
static void udp_peer(void **state) {
  (void)state;
  for (unsigned by_connect = 0; by_connect < 2; by_connect++) {
    struct node n;
    struct seen o;
    la_udp u;
    la_event e;
    la_time now = 2 * LA_SEC;
    la_addr to = addr("fe80::9");
    start(&n);
    la_udp_opts opts = {.port = 5000};
    if (!by_connect)
      opts.remote = to, opts.remote_port = 9;
    assert_int_equal(la_udp_open(n.s, &opts, &u), LA_OK);
    if (by_connect)
      assert_int_equal(la_udp_connect(n.s, u, &to, 9), LA_OK);
    assert_int_equal(la_udp_send(n.s, u, NULL, 0, "hello", 5), LA_OK);
    asks(&n, "fe80::9", NULL, now);
    answer(&n, now);
    assert_true(take(&n, &o, now));
    assert_int_equal(o.ip.proto, IP_PROTO_UDP);
    assert_memory_equal(o.eth.dst, PEER_MAC, 6);
    la_addr us = addr("fe80::1");
    assert_true(la_addr_same(&o.ip.src, &us));
    /* nobody listens there */
    uint8_t b[200];
    struct ip_hdr h = {.src = to, .dst = us, .proto = IP_PROTO_ICMP6, .ttl = 255};
    uint32_t quoted = o.raw.len - ETH_HEADER;
    struct icmp_msg m = {.type = ICMP6_UNREACH, .code = ICMP6_UNREACH_PORT, .data = o.raw.b + ETH_HEADER, .len = quoted};
    h.len = 8 + quoted;
    la__icmp_build(&m, b + IP6_HEADER, la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_ICMP6, h.len));
    la__ip6_build(&h, b);
    give(&n, OUR_MAC, PEER_MAC, ETH_IP6, b, IP6_HEADER + h.len, now);
    assert_true(la_events(n.s, &e, 1));
    assert_int_equal(e.type, LA_EVENT_UDP_ERROR);
    node_free(&n);
  }
}

/* A datagram in two fragments is put together within its zone (RFC 8200 4.5, RFC 4007 6). */
static void fragments(void **state) {
  (void)state;
  struct node n;
  la_udp u;
  la_event e;
  la_udp_from from;
  uint8_t datagram[8 + 24] = {0}, b[200], got[64];
  la_addr src = addr("fe80::9"), dst = addr("fe80::1");
  start(&n);
  assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 5000}, &u), LA_OK);
  la__udp_build(&(struct udp_hdr){.sport = 9, .dport = 5000, .len = 24}, datagram);
  memset(datagram + 8, 'x', 24);
  be16_put(datagram + UDP_SUM_AT, 0);
  uint32_t sum = la__ip_pseudo_sum(&src, &dst, IP_PROTO_UDP, sizeof datagram);
  be16_put(datagram + UDP_SUM_AT, la__sum_finish(la__sum(sum, datagram, sizeof datagram)));
  for (unsigned i = 0; i < 2; i++) {
    struct ip_hdr h = {.src = src, .dst = dst, .proto = 44, .ttl = 64, .len = 8 + 16};
    la__ip6_build(&h, b);
    memset(b + IP6_HEADER, 0, 8);
    b[IP6_HEADER] = IP_PROTO_UDP;
    be16_put(b + IP6_HEADER + 2, (16 * i) | !i); /* offset, more */
    b[IP6_HEADER + 7] = 77;
    memcpy(b + IP6_HEADER + 8, datagram + 16 * i, 16);
    give(&n, OUR_MAC, PEER_MAC, ETH_IP6, b, IP6_HEADER + 24, 2 * LA_SEC);
  }
  assert_true(la_events(n.s, &e, 1));
  assert_int_equal(e.type, LA_EVENT_UDP_READABLE);
  assert_int_equal(la_udp_recv(n.s, u, &from, got, sizeof got), 24);
  assert_true(la_addr_same(&from.addr, &src));
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tcp_peer), cmocka_unit_test(udp_peer), cmocka_unit_test(fragments)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
