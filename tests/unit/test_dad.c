/* SPDX-License-Identifier: MIT */
/* Addresses before they are ours: RFC 5227 and RFC 4862 5.4, the instants of each question, conflicts of every kind, and defence. */
#include "tests/unit/ether_test.h"

#include "wire/tcp_wire.h"

static enum la_addr_state state_of(const struct node *n, const char *a) {
  la_addr x = addr(a);
  return la_addr_state_get(n->s, 1, &x);
}
static void start(struct node *n, uint8_t seed, const char *a, unsigned prefix) {
  node_config(n, seed);
  node_start(n);
  assert_int_equal(la_link_add_ether(n->s, 1500, OUR_MAC), 1);
  node_addr(n, 1, a, prefix);
}
/* Goes to the next instant at which something is to be done, and does it. */
static la_time next(struct node *n) {
  la_time t = la_deadline(n->s);
  assert_true(t != LA_NEVER);
  la_tick(n->s, t);
  return t;
}
/* The next frame, however many instants it takes; when it came. */
static la_time next_frame(struct node *n, struct seen *o) {
  for (unsigned i = 0; i < 10; i++) {
    la_time t = next(n);
    if (take(n, o, t))
      return t;
  }
  fail();
  return 0;
}
static void told(struct node *n, enum la_event_type type, const char *a) {
  la_event e = {0};
  la_addr x = addr(a);
  assert_int_equal(events(n, &e), 1);
  assert_int_equal(e.type, type);
  assert_true(la_addr_same(&e.local, &x));
}

/* Three probes 1 to 2 s apart after at most 1 s, 2 s of silence, then two announcements 2 s apart (RFC 5227 2.1.1, 2.3). */
static void ipv4_alone(void **state) {
  (void)state;
  for (uint8_t seed = 1; seed < 20; seed++) {
    struct node n;
    struct seen o;
    start(&n, seed, "10.0.0.1", 24);
    la_time t0 = LA_SEC, last = t0;
    la_tick(n.s, t0);
    for (unsigned i = 0; i < 3; i++) {
      assert_int_equal(state_of(&n, "10.0.0.1"), LA_ADDR_TENTATIVE);
      la_time t = next_frame(&n, &o);
      la_addr ours = addr("10.0.0.1");
      assert_true(o.is_arp && o.arp.op == ARP_REQUEST && la__addr_unspecified(&o.arp.spa) && la_addr_same(&o.arp.tpa, &ours));
      assert_memory_equal(o.eth.dst, ALL_MAC, 6);
      assert_memory_equal(o.arp.tha, ((uint8_t[6]){0}), 6);
      assert_in_range(t - last, i ? LA_SEC : 0, i ? 2 * LA_SEC : LA_SEC);
      last = t;
    }
    nothing(&n, last + 2 * LA_SEC - 1);
    assert_int_equal(events(&n, NULL), 0);
    la_tick(n.s, last + 2 * LA_SEC);
    assert_int_equal(state_of(&n, "10.0.0.1"), LA_ADDR_READY);
    told(&n, LA_EVENT_ADDR_READY, "10.0.0.1");
    for (unsigned i = 0; i < 2; i++) {
      la_time t = i ? next_frame(&n, &o) : last + 2 * LA_SEC;
      assert_true(i || take(&n, &o, t));
      assert_int_equal(t, last + (2 + 2 * i) * LA_SEC);
      assert_true(o.is_arp && o.arp.op == ARP_REQUEST && la_addr_same(&o.arp.spa, &o.arp.tpa));
      assert_memory_equal(o.eth.dst, ALL_MAC, 6);
    }
    assert_int_equal(la_deadline(n.s), LA_NEVER);
    node_free(&n);
  }
}

/* The group is joined, one question from nobody after at most 1 s, 1 s of silence, one advertisement. */
static void ipv6_alone(void **state) {
  (void)state;
  struct node n;
  struct seen o;
  start(&n, 1, "fd00::12:3456", 64);
  la_tick(n.s, LA_SEC);
  assert_true(take(&n, &o, LA_SEC));
  const uint8_t *b = o.raw.b + ETH_HEADER;
  la_addr group = addr("ff02::1:ff12:3456"), mld = addr("ff02::16"), all = addr("ff02::1");
  assert_true(la__addr_unspecified(&o.ip.src) && la_addr_same(&o.ip.dst, &mld));
  assert_int_equal(o.ip.ttl, 1);
  assert_int_equal(b[6], 0);                  /* hop by hop, */
  assert_memory_equal(b + 42, "\5\2\0\0", 4); /* with Router Alert; then */
  assert_int_equal(b[48], 143);               /* a report of version 2 */
  assert_int_equal(b[56], 4);                 /* that excludes nobody */
  assert_memory_equal(b + 60, group.b, 16);
  assert_memory_equal(o.eth.dst, "\x33\x33\0\0\0\x16", 6);
  la_time t = next_frame(&n, &o);
  assert_in_range(t, LA_SEC, 2 * LA_SEC);
  assert_true(o.is_nd && o.nd.type == ND_SOLICIT && !o.nd.has_mac && la__addr_unspecified(&o.ip.src));
  assert_true(la_addr_same(&o.ip.dst, &group));
  assert_memory_equal(o.eth.dst, "\x33\x33\xff\x12\x34\x56", 6);
  assert_int_equal(state_of(&n, "fd00::12:3456"), LA_ADDR_TENTATIVE);
  nothing(&n, t + LA_SEC - 1);
  la_tick(n.s, t + LA_SEC);
  assert_int_equal(state_of(&n, "fd00::12:3456"), LA_ADDR_READY);
  told(&n, LA_EVENT_ADDR_READY, "fd00::12:3456");
  assert_true(take(&n, &o, t + LA_SEC));
  assert_true(o.is_nd && o.nd.type == ND_ADVERT && o.nd.override && !o.nd.solicited && o.nd.has_mac && la_addr_same(&o.ip.dst, &all));
  assert_int_equal(la_deadline(n.s), LA_NEVER);
  node_free(&n);
}

/* A tentative address is none: not for us, not from us, not in our answers. */
static void tentative_is_not_used(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    const char *ours = six ? "fd00::1" : "10.0.0.1", *peer = six ? "fd00::2" : "10.0.0.2";
    start(&n, 1, ours, six ? 64 : 24);
    la_time t = LA_SEC;
    struct seen o;
    la_tick(n.s, t);
    while (take(&n, &o, t))
      ;
    la_conn c;
    la_listener l;
    assert_int_equal(la_connect(n.s, &(la_connect_opts){.remote = addr(peer), .remote_port = 80}, &c, t), LA_ENETUNREACH);
    assert_int_equal(la_listen(n.s, &(la_listen_opts){.addr = addr(ours), .port = 9, .backlog = 1}, &l), LA_EADDRNOTAVAIL);
    assert_int_equal(la_listen(n.s, &(la_listen_opts){.port = 9, .backlog = 1}, &l), LA_OK);
    struct tcp_seg seg = {.sport = 5, .dport = 9, .seq = 1, .flags = LA_SYN, .wnd = 1000};
    give_tcp(&n, OUR_MAC, peer, ours, &seg, t);
    assert_int_equal(dropped(&n, LA_DROP_OTHERHOST), 1);
    struct nd_msg m = nd_solicit(ours, PEER_MAC);
    if (six) /* RFC 4862 5.4.3: whoever has an address only wants to know ours */
      give_nd(&n, NULL, PEER_MAC, &m, peer, "ff02::1:ff00:1", t);
    else
      give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, peer, ours, t);
    nothing(&n, t);
    assert_int_equal(state_of(&n, ours), LA_ADDR_TENTATIVE);
    assert_int_equal(stats_of(&n).neighbours, 0);
    node_free(&n);
  }
}

/* Whatever shows that somebody else has it, or is about to: at any time before it is ours. */
static void conflict4(void **state) {
  (void)state;
  static const struct {
    enum arp_op op;
    const char *spa, *tpa;
  } rows[] = {{ARP_REPLY, "10.0.0.1", "0.0.0.0"},
              {ARP_REQUEST, "10.0.0.1", "10.0.0.1"},
              {ARP_REQUEST, "10.0.0.1", "10.0.0.9"},
              {ARP_REQUEST, "0.0.0.0", "10.0.0.1"}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    for (unsigned when = 0; when < 4; when++) {
      struct node n;
      struct seen o;
      start(&n, 3, "10.0.0.1", 24);
      la_time t = LA_SEC;
      la_tick(n.s, t);
      for (unsigned k = 0; k < when; k++)
        t = next_frame(&n, &o);
      give_arp(&n, ALL_MAC, rows[i].op, PEER_MAC, rows[i].spa, rows[i].tpa, t);
      assert_int_equal(state_of(&n, "10.0.0.1"), LA_ADDR_DUPLICATE);
      assert_int_equal(la_deadline(n.s), t); /* there is something to tell */
      told(&n, LA_EVENT_ADDR_DUPLICATE, "10.0.0.1");
      assert_int_equal(stats_of(&n).addr_duplicates, 1);
      nothing(&n, t + 60 * LA_SEC);
      assert_int_equal(la_deadline(n.s), LA_NEVER);
      assert_int_equal(state_of(&n, "10.0.0.1"), LA_ADDR_DUPLICATE);
      /* Tried again, it is asked for again, and had. */
      node_addr(&n, 1, "10.0.0.1", 24);
      for (unsigned k = 0; k < 3; k++)
        next_frame(&n, &o);
      while (state_of(&n, "10.0.0.1") == LA_ADDR_TENTATIVE)
        next(&n);
      told(&n, LA_EVENT_ADDR_READY, "10.0.0.1");
      node_free(&n);
    }
}

static void conflict6(void **state) {
  (void)state;
  for (unsigned i = 0; i < 3; i++)
    for (unsigned when = 0; when < 2; when++) {
      struct node n;
      struct seen o;
      start(&n, 3, "fd00::1", 64);
      la_time t = LA_SEC;
      la_tick(n.s, t);
      assert_true(take(&n, &o, t));
      for (unsigned k = 0; k < when; k++)
        t = next_frame(&n, &o);
      struct nd_msg m = i < 2 ? nd_advert("fd00::1", PEER_MAC, false, i) : nd_solicit("fd00::1", NULL);
      give_nd(&n, NULL, PEER_MAC, &m, i < 2 ? "fd00::1" : "::", i < 2 ? "ff02::1" : "ff02::1:ff00:1", t);
      assert_int_equal(state_of(&n, "fd00::1"), LA_ADDR_DUPLICATE);
      told(&n, LA_EVENT_ADDR_DUPLICATE, "fd00::1");
      la_tick(n.s, t);
      assert_true(take(&n, &o, t));
      assert_int_equal(o.raw.b[ETH_HEADER + 56], MLD_TO_INCLUDE); /* its group is left */
      nothing(&n, t + 60 * LA_SEC);
      node_free(&n);
    }
}

/* What says nothing about the address: our own frames back from a bridge, other addresses, whoever only asks. */
static void no_conflict(void **state) {
  (void)state;
  struct node n;
  struct seen o;
  start(&n, 3, "10.0.0.1", 24);
  node_addr(&n, 1, "fd00::1", 64);
  la_time t = LA_SEC;
  la_tick(n.s, t);
  give_arp(&n, ALL_MAC, ARP_REQUEST, OUR_MAC, "0.0.0.0", "10.0.0.1", t);
  give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "10.0.0.2", "10.0.0.1", t);
  give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "0.0.0.0", "10.0.0.2", t);
  give_arp(&n, ALL_MAC, ARP_REPLY, PEER_MAC, "10.0.0.2", "10.0.0.2", t);
  struct nd_msg m = nd_solicit("fd00::1", NULL);
  give_nd(&n, NULL, OUR_MAC, &m, "::", "ff02::1:ff00:1", t);
  give_nd_hops(&n, NULL, PEER_MAC, &m, "::", "ff02::1:ff00:1", 254, t); /* from afar */
  m = nd_solicit("fd00::2", NULL);
  give_nd(&n, NULL, PEER_MAC, &m, "::", "ff02::1:ff00:2", t);
  assert_int_equal(state_of(&n, "10.0.0.1"), LA_ADDR_TENTATIVE);
  assert_int_equal(state_of(&n, "fd00::1"), LA_ADDR_TENTATIVE);
  assert_int_equal(dropped(&n, LA_DROP_IPV6_NDISC_HOP_LIMIT), 1);
  while (state_of(&n, "10.0.0.1") == LA_ADDR_TENTATIVE || state_of(&n, "fd00::1") == LA_ADDR_TENTATIVE) {
    la_event e[4];
    la_events(n.s, e, 4);
    la_time at = next(&n);
    while (take(&n, &o, at))
      ;
  }
  assert_int_equal(state_of(&n, "10.0.0.1"), LA_ADDR_READY);
  assert_int_equal(state_of(&n, "fd00::1"), LA_ADDR_READY);
  node_free(&n);
}

/* Another's question about it is answered, so that he does not take it. */
static void others_are_told(void **state) {
  (void)state;
  struct node n;
  struct seen o;
  ether_simple(&n);
  la_time t = LA_SEC;
  la_addr all = addr("ff02::1"), ours4 = addr("10.0.0.1"), ours6 = addr("fd00::1");
  give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "0.0.0.0", "10.0.0.1", t);
  assert_true(take(&n, &o, t));
  assert_true(o.is_arp && o.arp.op == ARP_REPLY && la_addr_same(&o.arp.spa, &ours4) && la__addr_unspecified(&o.arp.tpa));
  assert_memory_equal(o.eth.dst, PEER_MAC, 6);
  struct nd_msg m = nd_solicit("fd00::1", NULL);
  give_nd(&n, NULL, PEER_MAC, &m, "::", "ff02::1:ff00:1", t);
  assert_true(take(&n, &o, t));
  assert_true(o.is_nd && o.nd.type == ND_ADVERT && la_addr_same(&o.nd.target, &ours6) && la_addr_same(&o.ip.dst, &all));
  assert_true(!o.nd.solicited && o.nd.override && !o.nd.router);
  assert_int_equal(stats_of(&n).neighbours, 0);
  assert_int_equal(stats_of(&n).addr_conflicts, 0); /* a question is no claim */
  nothing(&n, t);
  node_free(&n);
}

/* Somebody claims what we use: we keep it, say so once in ten seconds, and learn nothing from him. */
static void defence(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    struct seen o;
    ether_simple(&n);
    la_time t = LA_SEC;
    struct nd_msg m = nd_advert("fd00::1", PEER_MAC, false, true);
    for (unsigned i = 0; i < 25; i++, t += LA_SEC) {
      if (six)
        give_nd(&n, NULL, PEER_MAC, &m, "fd00::1", "ff02::1", t);
      else
        give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "10.0.0.1", "10.0.0.1", t);
      if (i % 10 == 0) {
        assert_true(take(&n, &o, t));
        assert_true(six ? o.is_nd && o.nd.type == ND_ADVERT && o.nd.override : o.is_arp && la_addr_same(&o.arp.spa, &o.arp.tpa));
      }
      nothing(&n, t);
    }
    assert_int_equal(stats_of(&n).addr_conflicts, 25);
    assert_int_equal(stats_of(&n).neighbours, 0);
    assert_int_equal(state_of(&n, six ? "fd00::1" : "10.0.0.1"), LA_ADDR_READY);
    assert_int_equal(events(&n, NULL), 0);
    node_free(&n);
  }
}

/* A place that another address has left: what it had to tell is not told twice, nor forgotten. */
static void a_place_used_again(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  n.cfg.arp_probes = 0;
  n.cfg.arp_announcements = 1;
  node_start(&n);
  assert_int_equal(la_link_add_ether(n.s, 1500, OUR_MAC), 1);
  node_addr(&n, 1, "10.0.0.1", 24);
  node_addr(&n, 1, "fd00::1", 64);
  struct nd_msg m = nd_advert("fd00::1", PEER_MAC, false, true);
  give_nd(&n, NULL, PEER_MAC, &m, "fd00::1", "ff02::1", LA_SEC);
  la_tick(n.s, LA_SEC); /* the first is announced and done; the second moves to its place */
  node_addr(&n, 1, "fd00::2", 64);
  told(&n, LA_EVENT_ADDR_DUPLICATE, "fd00::1");
  struct seen o;
  for (unsigned i = 0; i < 4; i++) {
    la_time t = next(&n);
    while (take(&n, &o, t))
      ;
  }
  told(&n, LA_EVENT_ADDR_READY, "fd00::2");
  assert_int_equal(la_deadline(n.s), LA_NEVER);
  node_free(&n);
}

static void limits(void **state) {
  (void)state;
  struct node n;
  char text[40];
  start(&n, 1, "10.0.0.1", 24);
  la_addr a = addr("10.0.0.1");
  assert_int_equal(la_addr_add(n.s, 1, &a, 24), LA_EINVAL); /* it is being asked for */
  for (unsigned i = 2; i <= ADDRS_MAX; i++) {
    snprintf(text, sizeof text, "10.0.0.%u", i);
    node_addr(&n, 1, text, 24);
  }
  a = addr("10.0.0.77");
  assert_int_equal(la_addr_add(n.s, 1, &a, 24), LA_ENOMEM);
  for (la_time t = LA_SEC; t < 12 * LA_SEC; t += 100 * LA_MS) {
    struct seen o;
    la_tick(n.s, t);
    while (take(&n, &o, t))
      assert_true(o.is_arp);
  }
  assert_int_equal(la_addr_add(n.s, 1, &a, 24), LA_ENOMEM);
  a = addr("10.0.0.1");
  assert_int_equal(la_addr_add(n.s, 1, &a, 24), LA_EINVAL); /* it is ours */
  la_event e[ADDRS_MAX + 1];
  assert_int_equal(la_events(n.s, e, 5), 5);
  assert_int_equal(la_events(n.s, e, ADDRS_MAX), ADDRS_MAX - 5);
  assert_int_equal(la_addr_state_get(n.s, 2, &a), LA_ADDR_NONE);
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ipv4_alone),      cmocka_unit_test(ipv6_alone), cmocka_unit_test(tentative_is_not_used),
    cmocka_unit_test(conflict4),       cmocka_unit_test(conflict6),  cmocka_unit_test(no_conflict),
    cmocka_unit_test(others_are_told), cmocka_unit_test(defence),    cmocka_unit_test(a_place_used_again),
    cmocka_unit_test(limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
