/* SPDX-License-Identifier: MIT */
/* The table of neighbours: every state, its clock, what waits, what is believed, and what happens when nobody answers. Both families. */
#include "tests/unit/ether_test.h"

#include "wire/tcp_wire.h"

static const char *peer_of(bool six) { return six ? "fd00::2" : "10.0.0.2"; }
static const char *ours_of(bool six) { return six ? "fd00::1" : "10.0.0.1"; }

/* The neighbour answers our question. */
static void answer(struct node *n, bool six, const uint8_t *mac, la_time now) {
  struct nd_msg m = nd_advert(peer_of(six), mac, true, true);
  if (six)
    give_nd(n, OUR_MAC, mac, &m, peer_of(six), ours_of(six), now);
  else
    give_arp(n, OUR_MAC, ARP_REPLY, mac, peer_of(six), ours_of(six), now);
}
/* It says so unasked, to all. */
static void unasked(struct node *n, bool six, const uint8_t *mac, la_time now) {
  struct nd_msg m = nd_advert(peer_of(six), mac, false, true);
  if (six)
    give_nd(n, NULL, mac, &m, peer_of(six), "ff02::1", now);
  else
    give_arp(n, ALL_MAC, ARP_REQUEST, mac, peer_of(six), peer_of(six), now);
}
/* A segment from the peer that makes us answer with RST. */
static void provoke(struct node *n, bool six, uint16_t port, la_time now) {
  struct tcp_seg seg = {.sport = port, .dport = 9, .seq = 1, .flags = LA_SYN, .wnd = 1000};
  give_tcp(n, OUR_MAC, peer_of(six), ours_of(six), &seg, now);
}
static void sent_to(struct node *n, const uint8_t *mac, la_time now) {
  struct seen o;
  assert_true(take(n, &o, now));
  assert_false(o.is_arp || o.is_nd);
  assert_memory_equal(o.eth.dst, mac, 6);
}

static void first_packet_waits(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    open_to(&n, peer_of(six), 80, t);
    asks(&n, peer_of(six), NULL, t); /* the SYN waits */
    nothing(&n, t);
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_INCOMPLETE);
    assert_int_equal(neigh(&n, peer_of(six)).waiting, 1);
    assert_int_equal(stats_of(&n).neigh_waiting, 1);
    answer(&n, six, PEER_MAC, t + LA_MS);
    assert_int_equal(la_deadline(n.s), t + LA_MS); /* it can go */
    struct seen o;
    assert_true(take(&n, &o, t + LA_MS));
    assert_int_equal(o.flags, LA_SYN);
    assert_memory_equal(o.eth.dst, PEER_MAC, 6);
    nothing(&n, t + LA_MS);
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_REACHABLE);
    assert_memory_equal(neigh(&n, peer_of(six)).mac, PEER_MAC, 6);
    assert_int_equal(stats_of(&n).neigh_waiting, 0);
    node_free(&n);
  }
}

static void asked_three_times_a_second_apart(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    la_conn c = open_to(&n, peer_of(six), 80, t);
    asks(&n, peer_of(six), NULL, t);
    for (unsigned i = 1; i < 3; i++) {
      la_time due = t + i * LA_SEC;
      nothing(&n, due - 1);
      assert_true(la_deadline(n.s) <= due);
      asks(&n, peer_of(six), NULL, due);
    }
    la_event e = {0};
    t += 3 * LA_SEC;
    nothing(&n, t - 1);
    assert_int_equal(events(&n, NULL), 0);
    la_tick(n.s, t);
    assert_int_equal(events(&n, &e), 1);
    assert_int_equal(e.type, LA_EVENT_END);
    assert_true(la_conn_same(e.conn, c));
    assert_int_equal(e.end.err, LA_EHOSTUNREACH);
    assert_int_equal(e.end.why, LA_WHY_NEIGHBOUR);
    assert_int_equal(e.end.who, LA_BY_NETWORK);
    assert_int_equal(neigh(&n, peer_of(six)).state, NO_NEIGH);
    assert_int_equal(stats_of(&n).neigh_failed, 1);
    assert_int_equal(stats_of(&n).neigh_probes_out, 3);
    assert_int_equal(dropped(&n, LA_DROP_NEIGH_FAILED), 2); /* the SYN, and the one that was sent again */
    nothing(&n, t);
    la_close(n.s, c, t);
    assert_int_equal(la_deadline(n.s), LA_NEVER);
    node_free(&n);
  }
}

/* An established connection is told, and goes on: the neighbour may come back. */
static void soft_for_what_is_established(void **state) {
  (void)state;
  struct node n;
  ether_simple(&n);
  la_time t = 2 * LA_SEC;
  la_conn c = open_to(&n, "10.0.0.2", 80, t);
  asks(&n, "10.0.0.2", NULL, t);
  answer(&n, false, PEER_MAC, t);
  struct seen o;
  struct tcp_seg syn;
  assert_true(take(&n, &o, t));
  assert_int_equal(la__tcp_parse(&syn, o.raw.b + ETH_HEADER + 20, o.raw.len - ETH_HEADER - 20, 0, true), LA_DROP_NONE);
  struct tcp_seg sa = {.sport = 80, .dport = syn.sport, .seq = 7, .ack = syn.seq + 1, .flags = LA_SYN | LA_ACK, .wnd = 1000};
  give_tcp(&n, OUR_MAC, "10.0.0.2", "10.0.0.1", &sa, t);
  sent_to(&n, PEER_MAC, t);
  la_event e = {0};
  assert_int_equal(events(&n, &e), 1);
  assert_int_equal(e.type, LA_EVENT_ESTABLISHED);
  la_addr a = addr("10.0.0.2");
  assert_int_equal(la_neigh_del(n.s, 1, &a), LA_OK);
  assert_int_equal(la_send(n.s, c, "x", 1), 1);
  asks(&n, "10.0.0.2", NULL, t);
  la_tick(n.s, t + LA_SEC);
  for (unsigned i = 1; i <= 3; i++) {
    la_tick(n.s, t + i * LA_SEC);
    while (take(&n, &o, t + i * LA_SEC))
      assert_true(o.is_arp);
  }
  assert_int_equal(events(&n, &e), 1);
  assert_int_equal(e.type, LA_EVENT_TROUBLE);
  assert_int_equal(e.err, LA_EHOSTUNREACH);
  la_info_rec i;
  assert_int_equal(la_info(n.s, c, &i), LA_OK);
  assert_int_equal(i.state, LA_ESTABLISHED);
  /* It comes back: the next retransmission asks again, and goes. */
  t += 3 * LA_SEC;
  while (la_deadline(n.s) != LA_NEVER && neigh(&n, "10.0.0.2").state == NO_NEIGH) {
    t = la_deadline(n.s) > t ? la_deadline(n.s) : t;
    la_tick(n.s, t);
    take(&n, &o, t);
  }
  answer(&n, false, OTHER_MAC, t);
  sent_to(&n, OTHER_MAC, t);
  la_abort(n.s, c, t);
  node_free(&n);
}

static void a_datagram_is_told(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    la_udp u;
    la_addr to = addr(peer_of(six));
    assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 5}, &u), LA_OK);
    assert_int_equal(la_udp_send(n.s, u, &to, 7, "x", 1), LA_OK);
    asks(&n, peer_of(six), NULL, t);
    for (unsigned i = 1; i < 3; i++)
      asks(&n, peer_of(six), NULL, t + i * LA_SEC);
    la_tick(n.s, t + 3 * LA_SEC);
    la_event e = {0};
    assert_int_equal(events(&n, &e), 1);
    assert_int_equal(e.type, LA_EVENT_UDP_ERROR);
    assert_int_equal(e.err, LA_EHOSTUNREACH);
    assert_int_equal(e.remote_port, 7);
    la_udp_close(n.s, u);
    node_free(&n);
  }
}

static void the_latest_packets_wait(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    node_config(&n, 1);
    n.cfg.arp_probes = n.cfg.arp_announcements = n.cfg.dad_transmits = 0;
    n.cfg.neigh_queue = 3;
    n.cfg.neigh_queue_all = 4;
    ether_start(&n);
    struct seen o;
    la_time t = 2 * LA_SEC;
    assert_true(take(&n, &o, t)); /* that the group is joined */
    la_udp u;
    la_addr to = addr(peer_of(six)), other = addr(six ? "fd00::9" : "10.0.0.9");
    assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 5}, &u), LA_OK);
    for (uint16_t i = 1; i <= 5; i++)
      assert_int_equal(la_udp_send(n.s, u, &to, i, "x", 1), LA_OK);
    asks(&n, peer_of(six), NULL, t);
    nothing(&n, t);
    assert_int_equal(neigh(&n, peer_of(six)).waiting, 3);
    assert_int_equal(dropped(&n, LA_DROP_NEIGH_QUEUEFULL), 2);
    /* All that may wait in all: one for the other neighbour, whose second takes the place of his first. */
    for (uint16_t i = 1; i <= 2; i++)
      assert_int_equal(la_udp_send(n.s, u, &other, i, "x", 1), LA_OK);
    asks(&n, six ? "fd00::9" : "10.0.0.9", NULL, t);
    nothing(&n, t);
    assert_int_equal(stats_of(&n).neigh_waiting, 4);
    assert_int_equal(dropped(&n, LA_DROP_NEIGH_QUEUEFULL), 3);
    answer(&n, six, PEER_MAC, t);
    for (unsigned port = 3; port <= 5; port++) {
      assert_true(take(&n, &o, t));
      assert_int_equal(be16_get(o.raw.b + ETH_HEADER + o.ip.hlen + 2), port);
      assert_memory_equal(o.eth.dst, PEER_MAC, 6);
    }
    nothing(&n, t);
    la_udp_close(n.s, u);
    node_free(&n); /* one still waits: nothing leaks */
  }
}

/* STALE, then DELAY, then PROBE, then gone: RFC 4861 7.3.2 from the other's only word on. */
static void silent_neighbour(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    struct seen o;
    if (six) {
      struct nd_msg m = nd_solicit("fd00::1", PEER_MAC);
      give_nd(&n, NULL, PEER_MAC, &m, "fd00::2", "ff02::1:ff00:1", t);
    } else {
      give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "10.0.0.2", "10.0.0.1", t);
    }
    assert_true(take(&n, &o, t)); /* our answer */
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_STALE);
    assert_int_equal(la_deadline(n.s), LA_NEVER); /* no clock runs for it */
    t += 3600 * LA_SEC;
    nothing(&n, t);
    provoke(&n, six, 1000, t);
    sent_to(&n, PEER_MAC, t); /* at once */
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_DELAY);
    assert_int_equal(la_deadline(n.s), t + 5 * LA_SEC);
    nothing(&n, t + 5 * LA_SEC - 1);
    t += 5 * LA_SEC;
    for (unsigned i = 0; i < 3; i++) {
      asks(&n, peer_of(six), PEER_MAC, t);
      assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_PROBE);
      provoke(&n, six, (uint16_t)(1001 + i), t);
      sent_to(&n, PEER_MAC, t); /* meanwhile it still goes there */
      t += LA_SEC;
    }
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_PROBE);
    nothing(&n, t);
    assert_int_equal(neigh(&n, peer_of(six)).state, NO_NEIGH);
    provoke(&n, six, 1010, t);
    asks(&n, peer_of(six), NULL, t); /* from the start: all are asked */
    answer(&n, six, OTHER_MAC, t);
    sent_to(&n, OTHER_MAC, t);
    node_free(&n);
  }
}

static void probe_answered(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    provoke(&n, six, 1, t);
    asks(&n, peer_of(six), NULL, t);
    answer(&n, six, PEER_MAC, t);
    sent_to(&n, PEER_MAC, t);
    t += 15 * LA_SEC - 1; /* half of 30 s is the least that the draw may give */
    provoke(&n, six, 2, t);
    sent_to(&n, PEER_MAC, t);
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_REACHABLE);
    t += 31 * LA_SEC;
    assert_int_equal(la_deadline(n.s), LA_NEVER);
    la_tick(n.s, t);
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_STALE);
    provoke(&n, six, 3, t);
    sent_to(&n, PEER_MAC, t);
    t += 5 * LA_SEC;
    asks(&n, peer_of(six), PEER_MAC, t);
    answer(&n, six, PEER_MAC, t);
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_REACHABLE);
    nothing(&n, t + 10 * LA_SEC);
    node_free(&n);
  }
}

/* A connection's progress is proof enough (RFC 4861 7.3.1): nobody is asked while it goes on. */
static void progress_confirms(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    la_conn c = open_to(&n, peer_of(six), 80, t);
    struct seen o;
    struct tcp_seg syn;
    asks(&n, peer_of(six), NULL, t);
    unasked(&n, six, PEER_MAC, t); /* known, but no proof */
    assert_true(take(&n, &o, t));
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_DELAY);
    assert_int_equal(la__tcp_parse(&syn, o.raw.b + ETH_HEADER + o.ip.hlen, o.ip.len, 0, true), LA_DROP_NONE);
    struct tcp_seg in = {.sport = 80, .dport = syn.sport, .seq = 7, .ack = syn.seq + 1, .flags = LA_SYN | LA_ACK, .wnd = 1000};
    give_tcp(&n, OUR_MAC, peer_of(six), ours_of(six), &in, t);
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_REACHABLE);
    in.flags = LA_ACK;
    in.seq++;
    for (unsigned i = 0; i < 50; i++) {
      t += 14 * LA_SEC;
      assert_int_equal(la_send(n.s, c, "x", 1), 1);
      while (take(&n, &o, t))
        assert_false(o.is_arp || o.is_nd);
      in.ack++;
      give_tcp(&n, OUR_MAC, peer_of(six), ours_of(six), &in, t);
      assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_REACHABLE);
    }
    /* A segment that proves nothing, one that comes again, does not count. */
    t += 60 * LA_SEC;
    give_tcp(&n, OUR_MAC, peer_of(six), ours_of(six), &in, t);
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_STALE);
    la_abort(n.s, c, t);
    node_free(&n);
  }
}

static void another_address(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    provoke(&n, six, 1, t);
    asks(&n, peer_of(six), NULL, t);
    answer(&n, six, PEER_MAC, t);
    sent_to(&n, PEER_MAC, t);
    unasked(&n, six, PEER_MAC, t); /* the same: nothing changes */
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_REACHABLE);
    unasked(&n, six, OTHER_MAC, t); /* merged, to be verified */
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_STALE);
    provoke(&n, six, 2, t);
    sent_to(&n, OTHER_MAC, t);
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_DELAY);
    node_free(&n);
  }
}

/* RFC 4861 7.2.5 by rows: the flags of an advertisement against a REACHABLE entry with PEER_MAC. */
static void advertisements(void **state) {
  (void)state;
  static const struct {
    bool solicited, override, other, has_mac;
    uint8_t then, mac;
  } rows[] = {
    {0, 0, 0, 1, LA_NEIGH_REACHABLE, 2}, {0, 0, 1, 1, LA_NEIGH_STALE, 2},     {0, 1, 0, 1, LA_NEIGH_REACHABLE, 2},
    {0, 1, 1, 1, LA_NEIGH_STALE, 3},     {1, 0, 1, 1, LA_NEIGH_STALE, 2},     {1, 1, 1, 1, LA_NEIGH_REACHABLE, 3},
    {1, 0, 0, 0, LA_NEIGH_REACHABLE, 2}, {0, 1, 0, 0, LA_NEIGH_REACHABLE, 2},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    provoke(&n, true, 1, t);
    asks(&n, "fd00::2", NULL, t);
    answer(&n, true, PEER_MAC, t);
    sent_to(&n, PEER_MAC, t);
    const uint8_t *mac = rows[i].other ? OTHER_MAC : PEER_MAC;
    struct nd_msg m = nd_advert("fd00::2", rows[i].has_mac ? mac : NULL, rows[i].solicited, rows[i].override);
    m.router = true;
    give_nd(&n, OUR_MAC, mac, &m, "fd00::2", "fd00::1", t);
    la_neigh r = neigh(&n, "fd00::2");
    assert_int_equal(r.state, rows[i].then);
    assert_int_equal(r.mac[5], rows[i].mac);
    assert_int_equal(r.router, !(rows[i].other && !rows[i].override)); /* what is not believed says nothing else either */
    node_free(&n);
  }
}

/* What nobody asked for makes no entry, and an answer without an address ends no waiting. */
static void nothing_from_the_unasked(void **state) {
  (void)state;
  struct node n;
  ether_simple(&n);
  la_time t = 2 * LA_SEC;
  give_arp(&n, OUR_MAC, ARP_REPLY, PEER_MAC, "10.0.0.2", "10.0.0.1", t);
  give_arp(&n, ALL_MAC, ARP_REPLY, PEER_MAC, "10.0.0.2", "10.0.0.2", t);
  give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "10.0.0.2", "10.0.0.2", t);
  give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "10.0.0.2", "10.0.0.7", t); /* for somebody else */
  assert_int_equal(stats_of(&n).neighbours, 0);
  struct nd_msg m = nd_advert("fd00::2", PEER_MAC, true, true);
  give_nd(&n, OUR_MAC, PEER_MAC, &m, "fd00::2", "fd00::1", t);
  m = nd_advert("fd00::2", PEER_MAC, false, true);
  give_nd(&n, NULL, PEER_MAC, &m, "fd00::2", "ff02::1", t);
  assert_int_equal(stats_of(&n).neighbours, 0);
  nothing(&n, t);
  provoke(&n, true, 1, t);
  asks(&n, "fd00::2", NULL, t);
  m = nd_advert("fd00::2", NULL, true, true);
  give_nd(&n, OUR_MAC, PEER_MAC, &m, "fd00::2", "fd00::1", t);
  assert_int_equal(neigh(&n, "fd00::2").state, LA_NEIGH_INCOMPLETE);
  nothing(&n, t);
  node_free(&n);
}

/* Who asks for us from outside the link's prefixes gets neither an entry nor an answer. */
static void strangers(void **state) {
  (void)state;
  struct node n;
  ether_simple(&n);
  la_time t = 2 * LA_SEC;
  give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "192.168.0.2", "10.0.0.1", t);
  give_arp(&n, ALL_MAC, ARP_REQUEST, PEER_MAC, "10.0.0.255", "10.0.0.1", t);
  struct nd_msg m = nd_solicit("fd00::1", PEER_MAC);
  give_nd(&n, NULL, PEER_MAC, &m, "2001:db8::2", "ff02::1:ff00:1", t);
  nothing(&n, t);
  assert_int_equal(stats_of(&n).neighbours, 0);
  node_free(&n);
}

static void static_entries(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    la_addr a = addr(peer_of(six)), ours = addr(ours_of(six)), group = addr(six ? "ff02::5" : "224.0.0.5");
    provoke(&n, six, 1, t);
    asks(&n, peer_of(six), NULL, t);
    assert_int_equal(la_neigh_set(n.s, 1, &a, PEER_MAC), LA_OK); /* what waited may go */
    sent_to(&n, PEER_MAC, t);
    unasked(&n, six, OTHER_MAC, t);
    answer(&n, six, OTHER_MAC, t);
    assert_int_equal(neigh(&n, peer_of(six)).state, LA_NEIGH_STATIC);
    t += 3600 * LA_SEC;
    provoke(&n, six, 2, t);
    sent_to(&n, PEER_MAC, t);
    nothing(&n, t + 60 * LA_SEC);
    assert_int_equal(la_neigh_set(n.s, 1, &a, OTHER_MAC), LA_OK);
    provoke(&n, six, 3, t + 60 * LA_SEC);
    sent_to(&n, OTHER_MAC, t + 60 * LA_SEC);
    assert_int_equal(la_neigh_set(n.s, 1, &a, ALL_MAC), LA_EINVAL);
    assert_int_equal(la_neigh_set(n.s, 1, &ours, PEER_MAC), LA_EINVAL);
    assert_int_equal(la_neigh_set(n.s, 1, &group, PEER_MAC), LA_EINVAL);
    assert_int_equal(la_neigh_set(n.s, 2, &a, PEER_MAC), LA_EINVAL);
    assert_int_equal(la_neigh_del(n.s, 1, &a), LA_OK);
    assert_int_equal(la_neigh_del(n.s, 1, &a), LA_EINVAL);
    assert_int_equal(neigh(&n, peer_of(six)).state, NO_NEIGH);
    node_free(&n);
  }
}

static bool count(void *ctx, const la_neigh *n) {
  (void)n;
  return ++*(unsigned *)ctx < 5;
}

/* A flood of askers fills the table and no more, and whom we talk to stays. */
static void full_table(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  n.cfg.arp_probes = n.cfg.arp_announcements = n.cfg.dad_transmits = 0;
  n.cfg.max_neighbours = 8;
  ether_start(&n);
  la_time t = 2 * LA_SEC;
  struct seen o;
  la_addr a = addr("10.0.0.200");
  assert_true(take(&n, &o, t));
  assert_int_equal(la_neigh_set(n.s, 1, &a, OTHER_MAC), LA_OK);
  provoke(&n, false, 1, t);
  asks(&n, "10.0.0.2", NULL, t);
  answer(&n, false, PEER_MAC, t);
  sent_to(&n, PEER_MAC, t);
  for (unsigned i = 3; i < 200; i++) {
    char text[32];
    snprintf(text, sizeof text, "10.0.0.%u", i);
    give_arp(&n, ALL_MAC, ARP_REQUEST, OTHER_MAC, text, "10.0.0.1", t);
    assert_true(take(&n, &o, t)); /* each is answered */
    assert_true(stats_of(&n).neighbours <= 8);
  }
  assert_int_equal(neigh(&n, "10.0.0.2").state, LA_NEIGH_REACHABLE);
  assert_int_equal(neigh(&n, "10.0.0.200").state, LA_NEIGH_STATIC);
  assert_int_equal(stats_of(&n).neigh_evicted, 197 - 6);
  unsigned seen = 0;
  la_neigh_each(n.s, count, &seen);
  assert_int_equal(seen, 5);
  /* Only static ones: there is room for nobody. */
  for (unsigned i = 201; i < 208; i++) {
    a.b[3] = (uint8_t)i;
    assert_int_equal(la_neigh_set(n.s, 1, &a, OTHER_MAC), LA_OK);
  }
  a.b[3] = 208;
  assert_int_equal(la_neigh_set(n.s, 1, &a, OTHER_MAC), LA_ENOMEM);
  provoke(&n, false, 2, t);
  nothing(&n, t);
  assert_int_equal(dropped(&n, LA_DROP_NEIGH_CREATEFAIL), 1);
  node_free(&n);
}

static void by_way_of_a_router(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    ether_simple(&n);
    la_time t = 2 * LA_SEC;
    const char *far = six ? "2001:db8::5" : "192.0.2.5", *router = six ? "fd00::fe" : "10.0.0.254";
    la_addr any = {.family = six ? 6 : 4}, gw = addr(router), other = addr(six ? "10.0.0.254" : "fd00::fe"), ours = addr(ours_of(six));
    la_conn c;
    assert_int_equal(la_connect(n.s, &(la_connect_opts){.remote = addr(far), .remote_port = 80}, &c, t), LA_ENETUNREACH);
    assert_int_equal(la_route_add_via(n.s, &any, 0, 1, &other), LA_EINVAL);
    assert_int_equal(la_route_add_via(n.s, &any, 0, 1, &ours), LA_EINVAL);
    assert_int_equal(la_route_add_via(n.s, &any, 0, 2, &gw), LA_EINVAL);
    assert_int_equal(la_route_add_via(n.s, &any, 0, 1, &gw), LA_OK);
    c = open_to(&n, far, 80, t);
    asks(&n, router, NULL, t);
    struct nd_msg m = nd_advert(router, OTHER_MAC, true, true);
    if (six)
      give_nd(&n, OUR_MAC, OTHER_MAC, &m, router, "fd00::1", t);
    else
      give_arp(&n, OUR_MAC, ARP_REPLY, OTHER_MAC, router, "10.0.0.1", t);
    sent_to(&n, OTHER_MAC, t);
    provoke(&n, six, 1, t); /* a neighbour is none of the router's business */
    asks(&n, peer_of(six), NULL, t);
    la_abort(n.s, c, t);
    node_free(&n);
  }
}

/* Without a route back, an answer goes nowhere, and nobody is asked. */
static void no_way_back(void **state) {
  (void)state;
  struct node n;
  ether_simple(&n);
  struct tcp_seg seg = {.sport = 5, .dport = 9, .seq = 1, .flags = LA_SYN, .wnd = 1000};
  give_tcp(&n, OUR_MAC, "192.0.2.7", "10.0.0.1", &seg, LA_SEC);
  nothing(&n, LA_SEC);
  assert_int_equal(dropped(&n, LA_DROP_IP_OUTNOROUTES), 1);
  node_free(&n);
}

static void memory_fails(struct test_mem *mem) {
  struct node n = {0};
  la_config_init(&n.cfg, LA_PRESET_LINUX);
  n.cfg.dad_transmits = 0;
  n.cfg.alloc = mem->mem.a;
  if (!(n.s = la_stack_new(&n.cfg)))
    return;
  la_addr us = addr("10.0.0.1"), to = addr("10.0.0.2");
  la_udp u;
  if (la_link_add_ether(n.s, 1500, OUR_MAC) && la_addr_add(n.s, 1, &us, 24) == LA_OK &&
      la_udp_open(n.s, &(la_udp_opts){.port = 5}, &u) == LA_OK) {
    la_udp_send(n.s, u, &to, 7, "x", 1);
    struct seen o;
    for (unsigned i = 0; i < 4; i++) {
      la_tick(n.s, LA_SEC * (i + 1));
      while (take(&n, &o, LA_SEC * (i + 1)))
        if (o.is_arp && i == 1)
          give_arp(&n, OUR_MAC, ARP_REPLY, PEER_MAC, "10.0.0.2", "10.0.0.1", LA_SEC * (i + 1));
    }
  }
  la_stack_free(n.s);
}
static void every_allocation_may_fail(void **state) {
  (void)state;
  test_each_failure(memory_fails, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(first_packet_waits),
    cmocka_unit_test(asked_three_times_a_second_apart),
    cmocka_unit_test(soft_for_what_is_established),
    cmocka_unit_test(a_datagram_is_told),
    cmocka_unit_test(the_latest_packets_wait),
    cmocka_unit_test(silent_neighbour),
    cmocka_unit_test(probe_answered),
    cmocka_unit_test(progress_confirms),
    cmocka_unit_test(another_address),
    cmocka_unit_test(advertisements),
    cmocka_unit_test(nothing_from_the_unasked),
    cmocka_unit_test(strangers),
    cmocka_unit_test(static_entries),
    cmocka_unit_test(full_table),
    cmocka_unit_test(by_way_of_a_router),
    cmocka_unit_test(no_way_back),
    cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
