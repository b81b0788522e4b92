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
    cmocka_unit_test(deferred_behind_a_cookie), cmocka_unit_test(duplicates_without_dsack), cmocka_unit_test(keepalive_when_half_closed),
    cmocka_unit_test(lent_past_the_buffer),     cmocka_unit_test(confirmed_by_progress),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
