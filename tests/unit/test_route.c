/* SPDX-License-Identifier: MIT */
/* Links, addresses and routes of both families: which link, which source, what is ours and what is somebody else's. */
#include "tests/unit/net_test.h"

#include "wire/tcp_wire.h"

static la_link route(const struct node *n, const char *dst) {
  la_addr a = addr(dst);
  return la__route_link(n->s, &a);
}
static const char *source(const struct node *n, la_link link, const char *dst) {
  static char text[LA_ADDR_TEXT];
  la_addr a = addr(dst), s = la__route_source(n->s, link, &a);
  return la_addr_text(&s, text);
}
static int add(const struct node *n, la_link link, const char *a, unsigned prefix) {
  la_addr x = addr(a);
  return la_addr_add(n->s, link, &x, prefix);
}
static int add_route(const struct node *n, la_link link, const char *a, unsigned prefix) {
  la_addr x = addr(a);
  return la_route_add(n->s, &x, prefix, link);
}

static void longest_prefix_wins(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  node_start(&n);
  la_link a = node_link(&n, 1500), b = node_link(&n, 1500), c = node_link(&n, 1500);
  node_addr(&n, a, "10.0.0.1", 8);
  node_addr(&n, b, "10.1.0.1", 16);
  assert_int_equal(add_route(&n, c, "10.1.2.0", 24), LA_OK);
  assert_int_equal(add_route(&n, b, "10.1.2.3", 32), LA_OK);
  assert_int_equal(route(&n, "10.2.0.9"), a);
  assert_int_equal(route(&n, "10.1.0.9"), b);
  assert_int_equal(route(&n, "10.1.2.9"), c);
  assert_int_equal(route(&n, "10.1.2.3"), b);
  assert_int_equal(route(&n, "11.0.0.1"), 0);
  assert_int_equal(add_route(&n, c, "0.0.0.0", 0), LA_OK);
  assert_int_equal(route(&n, "11.0.0.1"), c);
  assert_int_equal(route(&n, "2001:db8::1"), 0); /* a default route is of one family */
  assert_int_equal(add_route(&n, b, "::", 0), LA_OK);
  assert_int_equal(route(&n, "2001:db8::1"), b);
  assert_int_equal(add_route(&n, a, "::", 0), LA_EADDRINUSE);
  assert_int_equal(add_route(&n, a, "10.1.2.77", 24), LA_EADDRINUSE); /* the same prefix, bits behind it notwithstanding */
  assert_int_equal(add_route(&n, 9, "1.0.0.0", 8), LA_EINVAL);
  assert_int_equal(add_route(&n, a, "1.0.0.0", 33), LA_EINVAL);
  node_free(&n);
}

static void limits_of_links_and_addresses(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  node_start(&n);
  assert_int_equal(la_link_add(n.s, 575), 0);
  la_link small = node_link(&n, 1279), large = node_link(&n, 1280);
  assert_int_equal(add(&n, small, "fd00::1", 64), LA_EINVAL); /* RFC 8200 5 */
  assert_int_equal(add_route(&n, small, "fd01::", 64), LA_EINVAL);
  assert_int_equal(add(&n, large, "fd00::1", 64), LA_OK);
  assert_int_equal(add(&n, small, "10.0.0.1", 24), LA_OK);
  assert_int_equal(add(&n, large, "10.0.0.1", 24), LA_EINVAL); /* ours already */
  assert_int_equal(add(&n, large, "fe80::1", 64), LA_OK);
  assert_int_equal(add(&n, large, "fe80::1", 64), LA_EINVAL);
  assert_int_equal(add(&n, large, "ff02::1", 64), LA_EINVAL);
  assert_int_equal(add(&n, large, "224.0.0.1", 24), LA_EINVAL);
  assert_int_equal(add(&n, large, "::ffff:1.2.3.4", 96), LA_EINVAL);
  assert_int_equal(add(&n, large, "10.1.0.255", 24), LA_EINVAL); /* a subnet's broadcast address, in both forms */
  assert_int_equal(add(&n, large, "10.1.0.0", 24), LA_EINVAL);
  assert_int_equal(add(&n, large, "10.1.0.255", 23), LA_OK);
  assert_int_equal(add(&n, large, "10.2.0.0", 31), LA_OK); /* RFC 3021 */
  assert_int_equal(add(&n, large, "10.2.0.255", 32), LA_OK);
  for (unsigned i = 2; i < LA_LINKS_MAX; i++)
    node_link(&n, 1500);
  assert_int_equal(la_link_add(n.s, 1500), 0);
  node_free(&n);
}

static void sources_of_ip4(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  node_start(&n);
  la_link a = node_link(&n, 1500), b = node_link(&n, 1500), none = node_link(&n, 1500);
  node_addr(&n, a, "10.0.0.1", 24);
  node_addr(&n, a, "10.0.1.1", 24);
  node_addr(&n, b, "192.168.0.1", 24);
  node_addr(&n, b, "169.254.0.1", 16);
  assert_string_equal(source(&n, a, "10.0.1.9"), "10.0.1.1");
  assert_string_equal(source(&n, a, "8.8.8.8"), "10.0.0.1");
  assert_string_equal(source(&n, b, "8.8.8.8"), "192.168.0.1");
  assert_string_equal(source(&n, b, "169.254.3.3"), "169.254.0.1");
  assert_string_equal(source(&n, none, "8.8.8.8"), "10.0.0.1"); /* weak host: an address of another link will do */
  assert_string_equal(source(&n, a, "fd00::1"), "*");
  node_free(&n);
}

static void sources_of_ip6(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  node_start(&n);
  la_link a = node_link(&n, 1500), b = node_link(&n, 1500);
  node_addr(&n, a, "fe80::1", 64);
  node_addr(&n, a, "fd00::1", 64);
  node_addr(&n, a, "2001:db8:1::1", 64);
  node_addr(&n, a, "2001:db8:2::1", 64);
  node_addr(&n, b, "fe80::b", 64);
  assert_string_equal(source(&n, a, "fe80::99"), "fe80::1");             /* rule 2: scope */
  assert_string_equal(source(&n, a, "2001:db8:2::99"), "2001:db8:2::1"); /* rule 8: prefix */
  assert_string_equal(source(&n, a, "2001:db8:1:1::"), "2001:db8:1::1"); /* of the two prefixes the nearer */
  assert_string_equal(source(&n, a, "fd77::1"), "fd00::1");              /* rule 6: unique local speaks to its like */
  assert_string_equal(source(&n, a, "2400::1"), "2001:db8:1::1");        /* and the rest to the rest */
  assert_string_equal(source(&n, b, "2001:db8:2::99"), "2001:db8:2::1"); /* rule 2 before rule 5: not the link's link-local */
  assert_string_equal(source(&n, b, "fe80::99"), "fe80::b");
  node_free(&n);
}

/* The next TCP segment out of a link. */
static struct ip_hdr segment(struct node *n, la_link link, struct tcp_seg *seg) {
  static struct pkt p;
  assert_true(pkt_out(n, link, &p, 0));
  struct ip_hdr h = pkt_check(&p);
  assert_int_equal(la__tcp_parse(seg, p.b + h.hlen, h.len, 0, true), LA_DROP_NONE);
  return h;
}
static void send_syn(struct node *n, la_link link, const char *src, const char *dst, uint16_t port, uint32_t seq) {
  static struct pkt p;
  struct tcp_seg syn = {.sport = 5000, .dport = port, .seq = seq, .flags = LA_SYN, .wnd = 1000};
  uint8_t b[60];
  unsigned len = la__tcp_build(&syn, b);
  pkt_ip(&p, src, dst, IP_PROTO_TCP, b, len);
  pkt_sum(&p, 16);
  assert_int_equal(pkt_in(n, link, &p, 0), 1);
}

static void others_are_dropped_and_counted(void **state) {
  (void)state;
  static const char *const to[] = {"10.0.0.2", "10.0.0.255", "255.255.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0"};
  static const char *const to6[] = {"fd00::2", "ff02::1", "::1", "fe80::1", "::"};
  static const char *const from[] = {"10.0.0.255", "255.255.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0", "240.0.0.1", "10.0.0.1"};
  static const char *const from6[] = {"ff02::1", "::1", "::", "::ffff:10.0.0.9", "fd00::1"};
  struct node n;
  struct pkt p;
  node_simple(&n, 1);
  for (unsigned i = 0; i < sizeof to / sizeof *to; i++)
    send_syn(&n, 1, "10.0.0.9", to[i], 80, 1);
  for (unsigned i = 0; i < sizeof to6 / sizeof *to6; i++)
    send_syn(&n, 1, "fd00::9", to6[i], 80, 1);
  assert_int_equal(dropped(&n, LA_DROP_OTHERHOST), 11);
  for (unsigned i = 0; i < sizeof from / sizeof *from; i++)
    send_syn(&n, 1, from[i], "10.0.0.1", 80, 1);
  for (unsigned i = 0; i < sizeof from6 / sizeof *from6; i++)
    send_syn(&n, 1, from6[i], "fd00::1", 80, 1);
  assert_int_equal(dropped(&n, LA_DROP_IP_INADDRERRORS), 12);
  assert_false(pkt_out(&n, 1, &p, 0));
  send_syn(&n, 1, "10.0.0.9", "10.0.0.1", 80, 1);
  assert_true(pkt_out(&n, 1, &p, 0));
  node_free(&n);
}

/* Weak host model: an address of link 1 is ours on link 2 as well; the answer goes by the route to its source, or back. */
static void answers_go_by_route_or_back(void **state) {
  (void)state;
  struct node n;
  struct tcp_seg seg;
  struct pkt p;
  node_config(&n, 1);
  node_start(&n);
  la_link a = node_link(&n, 1500), b = node_link(&n, 1500);
  node_addr(&n, a, "10.0.0.1", 24);
  node_addr(&n, b, "10.0.1.1", 24);
  node_addr(&n, b, "fd01::1", 64);
  send_syn(&n, b, "10.0.0.9", "10.0.1.1", 80, 7);
  struct ip_hdr h = segment(&n, a, &seg);
  assert_int_equal(seg.flags, LA_RST | LA_ACK);
  assert_int_equal(seg.ack, 8);
  la_addr want = addr("10.0.1.1");
  assert_true(la_addr_same(&h.src, &want)); /* from the address that was asked, whatever the link */
  assert_false(pkt_out(&n, b, &p, 0));
  send_syn(&n, b, "172.16.0.9", "10.0.0.1", 80, 7); /* no route to it */
  segment(&n, b, &seg);
  assert_int_equal(seg.flags, LA_RST | LA_ACK);
  assert_false(pkt_out(&n, a, &p, 0));
  /* the same for a listener: its link restriction asks for the link that the SYN came by */
  la_listener l;
  assert_int_equal(la_listen(n.s, &(la_listen_opts){.port = 81, .backlog = 1, .link = a}, &l), LA_OK);
  send_syn(&n, b, "10.0.0.9", "10.0.0.1", 81, 7);
  segment(&n, a, &seg);
  assert_int_equal(seg.flags, LA_RST | LA_ACK);
  send_syn(&n, a, "10.0.1.9", "10.0.0.1", 81, 7);
  segment(&n, b, &seg);
  assert_int_equal(seg.flags, LA_SYN | LA_ACK);
  node_free(&n);
}

static void link_local_addresses_belong_to_a_link(void **state) {
  (void)state;
  struct node n;
  struct tcp_seg seg;
  la_conn c, d;
  node_config(&n, 1);
  node_start(&n);
  la_link a = node_link(&n, 1500), b = node_link(&n, 1500);
  node_addr(&n, a, "fe80::1", 64);
  assert_int_equal(route(&n, "fe80::9"), a);
  node_addr(&n, b, "10.0.0.1", 24); /* says nothing of it */
  node_addr(&n, a, "fe80::3", 64);  /* another one there, still one link */
  assert_int_equal(route(&n, "fe80::9"), a);
  node_addr(&n, b, "fe80::1", 64); /* the same on another link is another address */
  node_addr(&n, b, "fe80::2", 64);
  assert_int_equal(route(&n, "fe80::9"), 0); /* which link is meant? */
  la_connect_opts o = {.remote = addr("fe80::9"), .remote_port = 80, .local_port = 1000};
  assert_int_equal(la_connect(n.s, &o, &c, 0), LA_ENETUNREACH);
  o.link = 3;
  assert_int_equal(la_connect(n.s, &o, &c, 0), LA_EINVAL);
  o.link = b;
  o.local = addr("fe80::1");
  assert_int_equal(la_connect(n.s, &o, &c, 0), LA_OK);
  o.link = a; /* the same four numbers in another zone */
  assert_int_equal(la_connect(n.s, &o, &d, 0), LA_OK);
  segment(&n, b, &seg);
  assert_int_equal(seg.flags, LA_SYN);
  segment(&n, a, &seg);
  /* fe80::2 is ours on b only */
  send_syn(&n, a, "fe80::7", "fe80::2", 80, 1);
  assert_int_equal(dropped(&n, LA_DROP_OTHERHOST), 1);
  send_syn(&n, b, "fe80::7", "fe80::2", 80, 1);
  segment(&n, b, &seg);
  assert_int_equal(seg.flags, LA_RST | LA_ACK);
  /* a RST by one link says nothing about the other's connection */
  struct pkt p;
  uint8_t raw[60];
  struct tcp_seg rst = {.sport = 80, .dport = 1000, .flags = LA_RST | LA_ACK};
  la_info_rec i;
  assert_int_equal(la_info(n.s, d, &i), LA_OK);
  rst.ack = i.snd_nxt;
  unsigned len = la__tcp_build(&rst, raw);
  pkt_ip(&p, "fe80::9", "fe80::1", IP_PROTO_TCP, raw, len);
  pkt_sum(&p, 16);
  pkt_in(&n, a, &p, 0);
  assert_int_equal(la_info(n.s, d, &i), LA_OK);
  assert_int_equal(i.state, LA_CLOSED);
  assert_int_equal(la_info(n.s, c, &i), LA_OK);
  assert_int_equal(i.state, LA_SYN_SENT);
  node_free(&n);
}

static void connect_refuses_what_cannot_be_a_peer(void **state) {
  (void)state;
  static const char *const bad[] = {"10.0.0.1", "10.0.0.255", "10.0.0.0", "255.255.255.255", "224.1.1.1", "0.0.0.0",
                                    "fd00::1",  "ff02::1",    "::"};
  struct node n;
  la_conn c;
  node_simple(&n, 1);
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(la_connect(n.s, &(la_connect_opts){.remote = addr(bad[i]), .remote_port = 80}, &c, 0), LA_EINVAL);
  assert_int_equal(la_connect(n.s, &(la_connect_opts){.remote = addr("10.9.0.1"), .remote_port = 80}, &c, 0), LA_ENETUNREACH);
  assert_int_equal(la_connect(n.s, &(la_connect_opts){.remote = addr("fd09::1"), .remote_port = 80}, &c, 0), LA_ENETUNREACH);
  la_connect_opts o = {.remote = addr("fd00::2"), .remote_port = 80, .local = addr("fd00::3")};
  assert_int_equal(la_connect(n.s, &o, &c, 0), LA_EADDRNOTAVAIL);
  o.local = addr("10.0.0.1");
  assert_int_equal(la_connect(n.s, &o, &c, 0), LA_EINVAL);
  node_free(&n);
}

/* SHLD-5, 6: what a SYN announces follows the MTU of its link, in both families. */
static void announced_mss_follows_the_link(void **state) {
  (void)state;
  static const uint32_t mtus[] = {576, 1280, 1500, 9000, 65535};
  for (unsigned i = 0; i < sizeof mtus / sizeof *mtus; i++)
    for (unsigned six = 0; six < (mtus[i] < 1280 ? 1u : 2u); six++) {
      struct node n;
      struct pkt p;
      struct tcp_seg seg;
      la_conn c;
      node_config(&n, 1);
      node_start(&n);
      la_link l = node_link(&n, mtus[i]);
      node_addr(&n, l, six ? "fd00::1" : "10.0.0.1", 24);
      la_connect_opts o = {.remote = addr(six ? "fd00::2" : "10.0.0.2"), .remote_port = 80};
      assert_int_equal(la_connect(n.s, &o, &c, LA_SEC), LA_OK);
      assert_true(pkt_out(&n, l, &p, LA_SEC));
      struct ip_hdr h = pkt_check(&p);
      assert_int_equal(la__tcp_parse(&seg, p.b + h.hlen, h.len, 0, true), LA_DROP_NONE);
      assert_true(seg.opt.have & TCP_OPT_MSS);
      assert_int_equal(seg.opt.mss, mtus[i] - (six ? 60 : 40));
      node_free(&n);
    }
}

/* RFC 6724 2.1, and 3.2 for IPv4: whatever the order in which the addresses were given. */
static void sources_by_label_and_scope(void **state) {
  (void)state;
  static const char *const ours[] = {"2002:a00:1::1", "2001:0:a00:1::1", "fd00::1", "2400:1::1", "169.254.7.7", "198.51.100.1"};
  static const struct {
    const char *to, *from;
  } row[] = {
    {"2002:909::1", "2002:a00:1::1"}, {"2001:0:909::1", "2001:0:a00:1::1"}, {"fd77::1", "fd00::1"},       {"2600::1", "2400:1::1"},
    {"169.254.9.9", "169.254.7.7"},   {"203.0.113.1", "198.51.100.1"},      {"10.9.9.9", "198.51.100.1"}, {"169.253.9.9", "198.51.100.1"},
  };
  for (unsigned turn = 0; turn < 6; turn++) {
    struct node n;
    node_config(&n, 1);
    node_start(&n);
    la_link a = node_link(&n, 1500);
    for (unsigned i = 0; i < 6; i++) {
      const char *one = ours[(turn & 1 ? 5 - i : i + turn) % 6];
      node_addr(&n, a, one, strchr(one, ':') ? 64 : 24);
    }
    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++)
      assert_string_equal(source(&n, a, row[i].to), row[i].from);
    node_free(&n);
  }
}

/* What is no destination, no prefix, no link and no router; and the most that are kept. */
static void routes_that_are_none(void **state) {
  (void)state;
  static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
  static const struct {
    const char *dst, *gateway;
    la_link link;
    int err;
  } row[] = {
    {"172.16.0.0", "10.0.0.254", 0, LA_EINVAL}, {"172.16.0.0", "10.0.0.254", 3, LA_EINVAL},
    {"172.16.0.0", "10.0.0.254", 2, LA_EINVAL}, /* no Ethernet */
    {"172.16.0.0", "fd00::254", 1, LA_EINVAL},  {"172.16.0.0", "224.0.0.1", 1, LA_EINVAL},
    {"172.16.0.0", "0.0.0.0", 1, LA_EINVAL},    {"172.16.0.0", "127.0.0.1", 1, LA_EINVAL},
    {"172.16.0.0", "10.0.0.1", 1, LA_EINVAL}, /* ourselves */
    {"172.16.0.0", "10.0.0.254", 1, LA_OK},     {"172.16.0.0", "10.0.0.253", 1, LA_EADDRINUSE},
  };
  struct node n;
  node_config(&n, 1);
  n.cfg.arp_probes = n.cfg.arp_announcements = 0;
  node_start(&n);
  la_link a = la_link_add_ether(n.s, 1500, mac), b = node_link(&n, 1500);
  assert_true(a == 1 && b == 2);
  node_addr(&n, a, "10.0.0.1", 24);
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    la_addr dst = addr(row[i].dst), gw = addr(row[i].gateway);
    assert_int_equal(la_route_add_via(n.s, &dst, 16, row[i].link, &gw), row[i].err);
  }
  la_addr odd = {.family = 5}, any = {.family = 4}, none = {0};
  assert_int_equal(la_route_add(n.s, &odd, 0, b), LA_EINVAL);
  assert_int_equal(la_route_add_via(n.s, &any, 0, a, &odd), LA_EINVAL);
  assert_int_equal(la_route_add_via(n.s, &any, 0, a, &none), LA_EINVAL);
  assert_int_equal(la_route_add(n.s, &any, 0, 0), LA_EINVAL);
  la_addr far = addr("192.168.0.0");
  for (unsigned i = 1; i < ROUTES_MAX; i++, far.b[2]++)
    assert_int_equal(la_route_add(n.s, &far, 24, b), LA_OK);
  assert_int_equal(la_route_add(n.s, &far, 24, b), LA_ENOMEM);
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(longest_prefix_wins),
    cmocka_unit_test(limits_of_links_and_addresses),
    cmocka_unit_test(sources_of_ip4),
    cmocka_unit_test(sources_of_ip6),
    cmocka_unit_test(sources_by_label_and_scope),
    cmocka_unit_test(routes_that_are_none),
    cmocka_unit_test(others_are_dropped_and_counted),
    cmocka_unit_test(answers_go_by_route_or_back),
    cmocka_unit_test(link_local_addresses_belong_to_a_link),
    cmocka_unit_test(connect_refuses_what_cannot_be_a_peer),
    cmocka_unit_test(announced_mss_follows_the_link),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
