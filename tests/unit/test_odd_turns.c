/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* Where two features meet, or one is turned off: turns that no other test takes. */
#include "dialogue.h"
#include "ether_test.h"

/* A deferred accept behind a cookie (TCP_DEFER_ACCEPT, RFC 4987 3.6): a bare third segment opens nothing; text brings the cookie again. */
static void one_half_open(la_config *c) { c->max_half_open = 1; }
static void deferred_behind_a_cookie(void **state) {
  (void)state;
  for (unsigned fin = 0; fin < 2; fin++) {
    struct dlg *d = dlg_new(one_half_open);
    uint16_t port = d->f.rport;
    dlg_listen(d);
    assert_int_equal(la_listener_set_option(d->s, d->listener, LA_OPT_DEFER_ACCEPT, 5), LA_OK);
    dlg_other(d, 999);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    dlg_other(d, port);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0);
    expect_nothing(d);
    expect_no_event(d);
    assert_int_equal(dlg_stats(d).conns, 0);
    inject(d, fin ? FIN | ACK : ACK, 1, 1, fin ? 0 : 10); /* a FIN is something, too */
    expect_event(d, LA_EVENT_ACCEPT);
    assert_int_equal(dlg_accept(d), LA_OK);
    uint8_t b[20];
    assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), fin ? 0 : 10);
    dlg_free(d);
  }
}

/* RFC 2883 turned off: what comes twice draws an ACK that says nothing of it. */
static void no_dsack(la_config *c) { c->dsack = 0; }
static void duplicates_without_dsack(void **state) {
  (void)state;
  for (unsigned on = 0; on < 2; on++) {
    struct dlg *d = dlg_new(on ? NULL : no_dsack);
    d->f.syn.have |= TCP_OPT_SACK_OK;
    establish(d, PASSIVE_OPEN);
    inject(d, ACK, 1, 1, 1000);
    dlg_advance(d, LA_SEC);
    expect(d, ACK, 1, 1001, 0);
    inject(d, ACK, 1, 1, 1000);
    const struct dlg_seg *s = expect(d, ACK, 1, 1001, 0);
    assert_int_equal(s->seg.opt.have & TCP_OPT_SACK && s->seg.opt.nsack, on);
    dlg_free(d);
  }
}

/* RFC 9293 3.8.4: keepalive asks as long as anybody could wait for the peer: half-closed on either side, but not for an orphan. */
static void keepalive_when_half_closed(void **state) {
  (void)state;
  static const struct {
    enum la_state st;
    bool closed, asks;
  } row[] = {{LA_ESTABLISHED, false, true}, {LA_CLOSE_WAIT, false, true}, {LA_FIN_WAIT_2, false, true}, {LA_FIN_WAIT_2, true, false}};
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct dlg *d = dlg_new(NULL);
    struct place p = dlg_reach(d, row[i].st, PASSIVE_OPEN, false);
    la_set_option(d->s, d->conn, LA_OPT_KEEPALIVE, 1, d->now);
    la_set_option(d->s, d->conn, LA_OPT_KEEPIDLE, 10, d->now);
    if (row[i].closed)
      assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    dlg_advance(d, 12 * LA_SEC);
    if (row[i].asks)
      expect(d, ACK, p.us - 1, p.peer, 0);
    expect_nothing(d);
    dlg_free(d);
  }
}

/* RFC 1122 3.3.1.1, RFC 1812 5.2.4.3: the longest prefix says which gateway is asked for, in whatever order they were told; or none. */
static void next_hop_by_the_longest_prefix(void **state) {
  (void)state;
  static const struct {
    const char *to, *via;
    unsigned prefix;
    la_link link;
  } routes[] = {{"0.0.0.0", "10.0.0.254", 0, 1}, {"172.16.0.0", "10.0.0.253", 12, 1},  {"172.16.5.0", "10.0.0.252", 24, 1},
                {"192.168.0.0", NULL, 16, 1},    {"192.168.9.0", "10.0.0.251", 24, 1}, {"172.16.5.128", NULL, 25, 2}};
  static const struct {
    const char *to, *asked;
  } row[] = {{"9.9.9.9", "10.0.0.254"},      {"172.17.0.1", "10.0.0.253"},  {"172.16.5.1", "10.0.0.252"},
             {"192.168.1.1", "192.168.1.1"}, {"192.168.9.1", "10.0.0.251"}, {"10.0.0.77", "10.0.0.77"}};
  enum { ROUTES = sizeof routes / sizeof routes[0] };
  for (unsigned first = 0; first < ROUTES; first++)
    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
      struct node n;
      ether_simple(&n);
      node_link(&n, 1500);
      for (unsigned k = 0; k < ROUTES; k++) {
        unsigned r = (first + k) % ROUTES;
        la_addr to = addr(routes[r].to), via = {0};
        if (routes[r].via)
          via = addr(routes[r].via);
        assert_int_equal(routes[r].via ? la_route_add_via(n.s, &to, routes[r].prefix, routes[r].link, &via)
                                       : la_route_add(n.s, &to, routes[r].prefix, routes[r].link),
                         LA_OK);
      }
      la_tick(n.s, LA_SEC);
      open_to(&n, row[i].to, 80, LA_SEC);
      asks(&n, row[i].asked, NULL, LA_SEC);
      node_free(&n);
    }
}

/* Port 0 belongs to nobody (RFC 6335 6): dropped, and as damaged where the checksum says so, with long text as with short. */
static void port_zero(void **state) {
  (void)state;
  for (unsigned i = 0; i < 3 * 2 * 2 * 2; i++) {
    static uint8_t b[1300];
    struct pkt p, out;
    struct node n;
    bool bad = i & 1, six = i & 2, longer = i & 4;
    struct tcp_seg seg = {.sport = i / 8 == 0 ? 0 : 5, .dport = i / 8 == 1 ? 0 : 80, .seq = 1, .ack = 1, .flags = LA_ACK, .wnd = 1};
    node_simple(&n, 1);
    unsigned len = la__tcp_build(&seg, b) + (longer ? 1200 : 10);
    pkt_ip(&p, six ? "fd00::9" : "10.0.0.9", six ? "fd00::1" : "10.0.0.1", IP_PROTO_TCP, b, len);
    pkt_sum(&p, 16);
    p.b[p.len - 1] ^= bad;
    assert_int_equal(pkt_in(&n, 1, &p, LA_SEC), 1);
    bool zero = !seg.sport || !seg.dport;
    assert_int_equal(dropped(&n, LA_DROP_TCP_CSUM), bad);
    assert_int_equal(dropped(&n, LA_DROP_TCP_HDR), !bad && zero);
    assert_int_equal(pkt_out(&n, 1, &out, LA_SEC), !bad && !zero); /* nobody listens: RST */
    node_free(&n);
  }
}

/* TCP_QUICKACK turned on: what is owed goes at once where the peer still sends or may be waiting; nothing goes that is not owed. */
static void quick_from_now_on(void **state) {
  (void)state;
  static const enum la_state in[] = {LA_ESTABLISHED, LA_CLOSE_WAIT, LA_FIN_WAIT_2};
  for (unsigned i = 0; i < 2 * sizeof in / sizeof in[0]; i++) {
    enum la_state st = in[i / 2];
    bool owed = i & 1 && st != LA_CLOSE_WAIT; /* its FIN was answered at once */
    struct dlg *d = dlg_new(NULL);
    struct place p = dlg_reach(d, st, PASSIVE_OPEN, false);
    if (owed)
      inject(d, ACK, p.peer, p.us, 10);
    dlg_pump(d);
    expect_nothing(d);
    assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_QUICKACK, 1, d->now), LA_OK);
    if (owed && st == LA_ESTABLISHED)
      expect(d, ACK, p.us, p.peer + 10, 0);
    expect_nothing(d);
    dlg_advance(d, LA_SEC);
    if (owed && st != LA_ESTABLISHED)
      expect(d, ACK, p.us, p.peer + 10, 0);
    expect_nothing(d);
    dlg_free(d);
  }
}

/* What is lent waits like what is copied: past the send buffer LA_AGAIN, and WRITABLE when acknowledged text has made room. */
static void lent_past_the_buffer(void **state) {
  (void)state;
  static uint8_t text[4000];
  struct dlg *d = dlg_new(NULL);
  la_ref a = {.data = text, .len = 3000}, b = {.data = text, .len = 1000};
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_SNDBUF, 2048, d->now), LA_OK);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_NODELAY, 1, d->now), LA_OK);
  assert_int_equal(la_send_ref(d->s, d->conn, &a), LA_OK); /* the first goes, however long */
  assert_int_equal(la_send_ref(d->s, d->conn, &b), LA_AGAIN);
  dlg_pump(d);
  dlg_forget(d);
  inject(d, ACK, 1, 3001, 0);
  dlg_pump(d);
  bool writable = false, released = false;
  for (size_t i = 0; i < d->nev; i++) {
    writable |= d->ev[i].type == LA_EVENT_WRITABLE;
    released |= d->ev[i].type == LA_EVENT_RELEASED && d->ev[i].ref == &a;
  }
  assert_true(writable && released);
  assert_int_equal(la_send_ref(d->s, d->conn, &b), LA_OK);
  assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
  dlg_pump(d);
  dlg_free(d);
}

/* RFC 4861 7.3.1: TCP's progress confirms the next hop, unless its entry was set by hand, or has gone meanwhile. */
static void confirmed_by_progress(void **state) {
  (void)state;
  for (unsigned gone = 0; gone < 2; gone++) {
    struct node n;
    struct seen o;
    struct tcp_seg syn;
    la_addr peer = addr("fd00::2");
    la_time now = 2 * LA_SEC;
    ether_simple(&n);
    la_tick(n.s, now);
    assert_int_equal(la_neigh_set(n.s, 1, &peer, PEER_MAC), LA_OK);
    open_to(&n, "fd00::2", 80, now);
    assert_true(take(&n, &o, now));
    assert_int_equal(la__tcp_parse(&syn, o.raw.b + ETH_HEADER + o.ip.hlen, o.ip.len, 0, true), LA_DROP_NONE);
    if (gone)
      assert_int_equal(la_neigh_del(n.s, 1, &peer), LA_OK);
    struct tcp_seg back = {.sport = 80, .dport = syn.sport, .seq = 7, .ack = syn.seq + 1, .flags = LA_SYN | LA_ACK, .wnd = 9999};
    give_tcp(&n, OUR_MAC, "fd00::2", "fd00::1", &back, now + LA_MS);
    assert_int_equal(neigh(&n, "fd00::2").state, gone ? NO_NEIGH : LA_NEIGH_STATIC);
    if (gone)
      asks(&n, "fd00::2", NULL, now + LA_MS);
    else
      assert_true(take(&n, &o, now + LA_MS) && o.flags == LA_ACK);
    node_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(deferred_behind_a_cookie),       cmocka_unit_test(duplicates_without_dsack),
    cmocka_unit_test(keepalive_when_half_closed),     cmocka_unit_test(lent_past_the_buffer),
    cmocka_unit_test(confirmed_by_progress),          cmocka_unit_test(quick_from_now_on),
    cmocka_unit_test(next_hop_by_the_longest_prefix), cmocka_unit_test(port_zero),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
