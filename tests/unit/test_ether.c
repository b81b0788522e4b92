/* SPDX-License-Identifier: MIT */
/* Frames of an Ethernet link: headers both ways, what is not for us, groups and broadcasts, our answers, the text of addresses. */
#include "tests/unit/ether_test.h"

#include "wire/tcp_wire.h"

static void link_rules(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  node_start(&n);
  static const uint8_t group[6] = {1, 0, 0, 0, 0, 1}, zero[6];
  assert_int_equal(la_link_add_ether(n.s, 1500, group), 0);
  assert_int_equal(la_link_add_ether(n.s, 1500, zero), 0);
  assert_int_equal(la_link_add_ether(n.s, 575, OUR_MAC), 0);
  assert_int_equal(la_link_add_ether(n.s, 1500, OUR_MAC), 1);
  assert_int_equal(la_link_add(n.s, 1500), 2); /* beside one without */
  node_addr(&n, 2, "10.9.0.1", 24);
  open_to(&n, "10.9.0.2", 80, LA_SEC);
  struct pkt p;
  assert_true(pkt_out(&n, 2, &p, LA_SEC));
  assert_int_equal(pkt_check(&p).proto, IP_PROTO_TCP); /* bare */
  la_addr gw = addr("10.9.0.3"), any = {.family = 4};
  assert_int_equal(la_neigh_set(n.s, 2, &gw, PEER_MAC), LA_EINVAL);
  assert_int_equal(la_route_add_via(n.s, &any, 0, 2, &gw), LA_EINVAL);
  node_free(&n);
}

static void answers_a_question(void **state) {
  (void)state;
  struct node n;
  struct seen o;
  ether_simple(&n);
  la_addr ours4 = addr("10.0.0.1"), peer4 = addr("10.0.0.2"), ours6 = addr("fd00::1"), peer6 = addr("fd00::2");
  give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "10.0.0.2", "10.0.0.1", LA_SEC);
  assert_true(take(&n, &o, LA_SEC));
  assert_true(o.is_arp && o.arp.op == ARP_REPLY && la_addr_same(&o.arp.spa, &ours4) && la_addr_same(&o.arp.tpa, &peer4));
  assert_memory_equal(o.arp.tha, PEER_MAC, 6);
  assert_memory_equal(o.eth.dst, PEER_MAC, 6);
  for (unsigned direct = 0; direct < 2; direct++) { /* to the group, or to us: then it may leave out its address, which we know */
    struct nd_msg m = nd_solicit("fd00::1", direct ? NULL : PEER_MAC);
    give_nd(&n, direct ? OUR_MAC : NULL, PEER_MAC, &m, "fd00::2", direct ? "fd00::1" : "ff02::1:ff00:1", LA_SEC);
    assert_true(take(&n, &o, LA_SEC));
    assert_true(o.is_nd && o.nd.type == ND_ADVERT && o.nd.solicited && o.nd.override && !o.nd.router);
    assert_true(la_addr_same(&o.nd.target, &ours6) && la_addr_same(&o.ip.dst, &peer6) && la_addr_same(&o.ip.src, &ours6));
    assert_int_equal(o.ip.ttl, 255);
    assert_memory_equal(o.nd.mac, OUR_MAC, 6);
    assert_memory_equal(o.eth.dst, PEER_MAC, 6);
  }
  struct nd_msg m = nd_solicit("fd00::1", NULL); /* from somebody unknown without an address nothing can be answered */
  give_nd(&n, OUR_MAC, OTHER_MAC, &m, "fd00::3", "fd00::1", LA_SEC);
  nothing(&n, LA_SEC);
  node_free(&n);
}

/* RFC 1122 2.4, 3.3.6, MUST-57: what is not for us, or was for many. */
static void not_for_us(void **state) {
  (void)state;
  struct node n;
  ether_simple(&n);
  la_listener l;
  struct tcp_seg seg = {.sport = 5, .dport = 9, .seq = 1, .flags = LA_SYN, .wnd = 1000};
  assert_int_equal(la_listen(n.s, &(la_listen_opts){.port = 9, .backlog = 1}, &l), LA_OK);
  give_tcp(&n, OTHER_MAC, "10.0.0.2", "10.0.0.1", &seg, LA_SEC); /* seen because the device sees all */
  assert_int_equal(dropped(&n, LA_DROP_OTHERHOST), 1);
  give_tcp(&n, ALL_MAC, "10.0.0.2", "10.0.0.1", &seg, LA_SEC);
  static const uint8_t group[6] = {0x33, 0x33, 0, 0, 0, 1};
  give_tcp(&n, group, "fd00::2", "fd00::1", &seg, LA_SEC);
  assert_int_equal(dropped(&n, LA_DROP_UNICAST_IN_L2_MULTICAST), 2);
  give_tcp(&n, ALL_MAC, "10.0.0.2", "10.0.0.255", &seg, LA_SEC);
  give_tcp(&n, ALL_MAC, "10.0.0.2", "255.255.255.255", &seg, LA_SEC);
  give_tcp(&n, group, "fd00::2", "ff02::1", &seg, LA_SEC);
  assert_int_equal(dropped(&n, LA_DROP_OTHERHOST), 4);
  assert_int_equal(stats_of(&n).half_open, 0);
  nothing(&n, LA_SEC);
  give_tcp(&n, OUR_MAC, "10.0.0.2", "10.0.0.1", &seg, LA_SEC);
  assert_int_equal(stats_of(&n).half_open, 1);
  node_free(&n);
}

static void damaged(void **state) {
  (void)state;
  struct node n;
  ether_simple(&n);
  struct pkt p = {.len = 13};
  assert_int_equal(pkt_in(&n, 1, &p, LA_SEC), 1);
  assert_int_equal(dropped(&n, LA_DROP_PKT_TOO_SMALL), 1);
  uint8_t body[60] = {0x45};
  static const uint8_t zero[6];
  give(&n, OUR_MAC, zero, ETH_IP4, body, sizeof body, LA_SEC);
  give(&n, OUR_MAC, ALL_MAC, ETH_IP4, body, sizeof body, LA_SEC);
  give(&n, OUR_MAC, PEER_MAC, 46, body, sizeof body, LA_SEC); /* 802.3 */
  assert_int_equal(dropped(&n, LA_DROP_DEV_HDR), 3);
  give(&n, OUR_MAC, PEER_MAC, 0x8100, body, sizeof body, LA_SEC);
  give(&n, OUR_MAC, PEER_MAC, ETH_IP6, body, sizeof body, LA_SEC); /* not what the type says */
  give(&n, OUR_MAC, PEER_MAC, ETH_IP4, body, 0, LA_SEC);
  assert_int_equal(dropped(&n, LA_DROP_UNHANDLED_PROTO), 3);
  give(&n, ALL_MAC, PEER_MAC, ETH_ARP, body, 27, LA_SEC);
  assert_int_equal(dropped(&n, LA_DROP_PKT_TOO_SMALL), 2);
  give(&n, ALL_MAC, PEER_MAC, ETH_ARP, body, 28, LA_SEC);
  assert_int_equal(dropped(&n, LA_DROP_ARP), 1);
  nothing(&n, LA_SEC);
  node_free(&n);
}

/* Routers' words and redirects change nothing. */
static void routers_are_not_believed(void **state) {
  (void)state;
  for (uint8_t type = ND_ROUTER_SOLICIT; type <= ND_REDIRECT; type++) {
    if (type == ND_SOLICIT || type == ND_ADVERT)
      continue;
    struct node n;
    ether_simple(&n);
    uint8_t b[IP6_HEADER + 40] = {0}, mac[6];
    struct ip_hdr h = {.src = addr("fe80::2"), .dst = addr("ff02::1"), .proto = IP_PROTO_ICMP6, .ttl = 255, .len = 40};
    la__ip6_build(&h, b);
    b[IP6_HEADER] = type;
    be16_put(b + IP6_HEADER + 2, la__sum_finish(la__sum(la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_ICMP6, 40), b + IP6_HEADER, 40)));
    la__eth_group(&h.dst, mac);
    give(&n, mac, PEER_MAC, ETH_IP6, b, sizeof b, LA_SEC);
    assert_int_equal(dropped(&n, LA_DROP_ICMP), 1);
    assert_int_equal(stats_of(&n).neighbours, 0);
    nothing(&n, LA_SEC);
    node_free(&n);
  }
}

static void groups_need_no_neighbour(void **state) {
  (void)state;
  static const struct {
    const char *dst;
    uint8_t mac[6];
  } rows[] = {{"224.129.2.3", {1, 0, 0x5e, 1, 2, 3}},
              {"10.0.0.255", {255, 255, 255, 255, 255, 255}},
              {"255.255.255.255", {255, 255, 255, 255, 255, 255}},
              {"ff02::1:2", {0x33, 0x33, 0, 1, 0, 2}}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t mac[6];
    la_addr a = addr(rows[i].dst);
    la__eth_group(&a, mac);
    assert_memory_equal(mac, rows[i].mac, 6);
  }
}

/* A frame longer than a header's: the payload follows by reference, and the sum is right. */
static void data_goes_out(void **state) {
  (void)state;
  struct node n;
  struct seen o;
  ether_simple(&n);
  la_addr to = addr("10.0.0.2");
  la_udp u;
  uint8_t data[1400];
  memset(data, 7, sizeof data);
  assert_int_equal(la_neigh_set(n.s, 1, &to, PEER_MAC), LA_OK);
  assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 5}, &u), LA_OK);
  assert_int_equal(la_udp_send(n.s, u, &to, 7, data, sizeof data), LA_OK);
  assert_true(take(&n, &o, LA_SEC));
  assert_int_equal(o.raw.len, 14 + 20 + 8 + 1400);
  assert_memory_equal(o.raw.b + 42, data, sizeof data);
  assert_int_equal(stats_of(&n).frames_out, 2);
  la_udp_close(n.s, u);
  node_free(&n);
}

/* A turn in which everything has to wait is bounded; the deadline says that there is more. */
static void a_turn_is_bounded(void **state) {
  (void)state;
  struct node n;
  struct seen o;
  ether_simple(&n);
  la_time t = 2 * LA_SEC;
  for (uint16_t i = 0; i < 200; i++)
    open_to(&n, "10.0.0.2", (uint16_t)(i + 1), t);
  asks(&n, "10.0.0.2", NULL, t);
  unsigned turns = 1;
  while (la_deadline(n.s) <= t && turns < 100) {
    turns++;
    assert_false(take(&n, &o, t));
  }
  assert_in_range(turns, 3, 5);
  assert_int_equal(neigh(&n, "10.0.0.2").waiting, 16);
  node_free(&n);
}

/* A device that finishes sums and cuts: what it is told counts from the frame's first byte, and it is cut right. */
static void offload(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    la_addr to = addr(six ? "fd00::2" : "10.0.0.2");
    la_frame f, one;
    assert_int_equal(la_link_offload(n.s, 1, LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6, 0), LA_OK);
    assert_int_equal(la_neigh_set(n.s, 1, &to, PEER_MAC), LA_OK);
    open_to(&n, six ? "fd00::2" : "10.0.0.2", 80, t);
    assert_int_equal(la_output(n.s, 1, &f, 1, t), 1);
    assert_int_equal(f.header, 14);
    assert_int_equal(f.flags, LA_FRAME_SUM_PARTIAL);
    assert_int_equal(f.sum_start, 14 + (six ? 40 : 20));
    struct pkt p = {.len = (uint32_t)la_frame_copy(&f, p.b, sizeof p.b)}, q;
    be16_put(p.b + f.sum_start + f.sum_at, la__sum_finish(la__sum(0, p.b + f.sum_start, p.len - f.sum_start)));
    assert_true(la_frame_segment(&f, 0, &one));
    q.len = (uint32_t)la_frame_copy(&one, q.b, sizeof q.b);
    assert_int_equal(q.len, p.len);
    assert_memory_equal(q.b, p.b, p.len);
    la_frame_done(n.s, &f);
    node_free(&n);
  }
}

static void text(void **state) {
  (void)state;
  uint8_t mac[6];
  char buf[LA_MAC_TEXT];
  assert_true(la_mac_parse("02:00:0a:4D:00:Ff", mac));
  assert_string_equal(la_mac_text(mac, buf), "02:00:0a:4d:00:ff");
  assert_true(la_mac_parse("02-00-0a-4d-00-01", mac));
  static const char *const bad[] = {"",
                                    "02:00:0a:4d:00",
                                    "02:00:0a:4d:00:0",
                                    "02:00:0a:4d:00:011",
                                    "02:00:0a:4d:00:01:",
                                    "2:00:0a:4d:00:01",
                                    "02.00.0a.4d.00.01",
                                    "01:00:0a:4d:00:01",
                                    "00:00:00:00:00:00",
                                    "0g:00:0a:4d:00:01"};
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(la_mac_parse(bad[i], mac));
  assert_string_equal(la_neigh_state_name(LA_NEIGH_PROBE), "PROBE");
  assert_string_equal(la_neigh_state_name(LA_NEIGH_STATES), "?");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(link_rules),    cmocka_unit_test(answers_a_question),       cmocka_unit_test(not_for_us),
    cmocka_unit_test(damaged),       cmocka_unit_test(routers_are_not_believed), cmocka_unit_test(groups_need_no_neighbour),
    cmocka_unit_test(data_goes_out), cmocka_unit_test(a_turn_is_bounded),        cmocka_unit_test(offload),
    cmocka_unit_test(text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
