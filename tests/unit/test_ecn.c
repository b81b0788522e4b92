/* SPDX-License-Identifier: MIT */
/* RFC 3168: who asks, who grants, what is marked, what is echoed and for how long, and one reduction in a window. */
#include "dialogue.h"

enum { MSS = 1000, ECT1 = 1, ECT0 = 2, CE = 3 };

static void tweak_on(la_config *c) {
  c->ecn = 1;
  c->sndbuf = 4 << 20;
}
static void tweak_off(la_config *c) { c->ecn = 0; }
static void tweak_linux(la_config *c) {
  la_config_init(c, LA_PRESET_LINUX);
  memset(c->secret, 7, sizeof c->secret);
}

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

/* 6.1.1: the passive side. `tos`: the SYN's own. */
static bool granted(void (*tweak)(la_config *c), unsigned syn, uint8_t tos) {
  struct dlg *d = dlg_new(tweak);
  dlg_listen(d);
  d->tos = tos;
  inject(d, SYN | syn, 0, 0, 0);
  d->tos = 0;
  dlg_pump(d);
  assert_int_equal(d->nout, 1);
  bool yes = d->out[0].seg.flags & ECE;
  assert_int_equal(d->out[0].tos, 0); /* 6.1.1: a SYN-ACK is not ECT */
  assert_int_equal(d->out[0].seg.flags & CWR, 0);
  expect(d, SYN | ACK | (yes ? ECE : 0), 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(info(d).ecn, yes);
  assert_int_equal(dlg_send(d, 1, 100), 100);
  assert_int_equal(expect(d, ACK, 1, 1, 100)->tos, yes ? ECT0 : 0);
  dlg_free(d);
  return yes;
}
static void who_grants(void **state) {
  (void)state;
  assert_true(granted(NULL, ECE | CWR, 0));
  assert_true(granted(tweak_linux, ECE | CWR, 0));
  assert_true(granted(tweak_on, ECE | CWR, 0));
  assert_false(granted(tweak_off, ECE | CWR, 0));
  assert_false(granted(NULL, 0, 0));
  assert_false(granted(NULL, ECE, 0));
  assert_false(granted(NULL, CWR, 0));
  assert_false(granted(NULL, ECE | CWR, ECT0));
}

/* The half-open record remembers, and says so again. */
static void again_from_the_record(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  inject(d, SYN | ECE | CWR, 0, 0, 0);
  expect(d, SYN | ACK | ECE, 0, 1, 0);
  dlg_advance(d, LA_SEC);
  expect(d, SYN | ACK | ECE, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_true(info(d).ecn);
  dlg_free(d);
}

/* A SYN cookie has no room for it. */
static void one_record(la_config *c) { c->max_half_open = 1; }
static void not_with_cookies(void **state) {
  (void)state;
  struct dlg *d = dlg_new(one_record);
  dlg_listen(d);
  inject(d, SYN | ECE | CWR, 0, 0, 0);
  expect(d, SYN | ACK | ECE, 0, 1, 0);
  dlg_other(d, 40001);
  inject(d, SYN | ECE | CWR, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_false(info(d).ecn);
  dlg_free(d);
}

/* The active side: only when told to; only ECE alone grants. */
static bool agreed(void (*tweak)(la_config *c), unsigned syn, unsigned answer) {
  struct dlg *d = dlg_new(tweak);
  assert_int_equal(dlg_connect(d), LA_OK);
  assert_int_equal(expect(d, SYN | syn, 0, 0, 0)->tos, 0);
  inject(d, SYN | ACK | answer, 0, 1, 0);
  assert_int_equal(expect(d, ACK, 1, 1, 0)->tos, 0);
  bool yes = info(d).ecn;
  dlg_free(d);
  return yes;
}
static void who_asks(void **state) {
  (void)state;
  assert_true(agreed(tweak_on, ECE | CWR, ECE));
  assert_false(agreed(tweak_on, ECE | CWR, 0));
  assert_false(agreed(tweak_on, ECE | CWR, ECE | CWR)); /* a peer that mirrors reserved bits */
  assert_false(agreed(NULL, 0, 0));
  assert_false(agreed(NULL, 0, ECE)); /* not asked for */
  assert_false(agreed(tweak_off, 0, ECE));
}

/* A lost SYN goes again without: some middleboxes drop what they do not know. A late answer to the first one counts. */
static void fallback(void **state) {
  (void)state;
  struct dlg *d = dlg_new(tweak_on);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN | ECE | CWR, 0, 0, 0);
  dlg_advance(d, LA_SEC);
  expect(d, SYN, 0, 0, 0);
  dlg_advance(d, 2 * LA_SEC);
  expect(d, SYN, 0, 0, 0);
  inject(d, SYN | ACK, 0, 1, 0);
  expect(d, ACK, 1, 1, 0);
  assert_false(info(d).ecn);
  dlg_free(d);
}

static void crossing(void **state) {
  (void)state;
  for (int theirs = 0; theirs < 2; theirs++) {
    struct dlg *d = dlg_new(tweak_on);
    assert_int_equal(dlg_connect(d), LA_OK);
    expect(d, SYN | ECE | CWR, 0, 0, 0);
    inject(d, SYN | (theirs ? ECE | CWR : 0), 0, 0, 0);
    expect(d, SYN | ACK | (theirs ? ECE : 0), 0, 1, 0);
    inject(d, ACK, 1, 1, 0);
    expect_state(d, LA_ESTABLISHED);
    assert_int_equal(info(d).ecn, theirs);
    dlg_free(d);
  }
}

/* An established connection on which both have agreed; the peer's MSS is 1000. */
static struct dlg *open_ecn(void) {
  struct dlg *d = dlg_new(tweak_on);
  d->f.syn.mss = MSS;
  d->f.syn.have |= TCP_OPT_WSCALE;
  d->f.syn.wscale = 10;
  dlg_listen(d);
  inject(d, SYN | ECE | CWR, 0, 0, 0);
  expect(d, SYN | ACK | ECE, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  return d;
}
/* The next `n` full segments from `pos`, marked `tos`, with `flags` on the first. */
static void full(struct dlg *d, uint32_t pos, uint32_t n, unsigned first, uint8_t tos) {
  for (uint32_t i = 0; i < n; i++)
    assert_int_equal(expect(d, ACK | (i ? 0 : first), pos + i * MSS, 1, MSS)->tos, tos);
}

/* 6.1.4 to 6.1.6: neither pure ACKs, nor what is sent again, nor probes are ECT. */
static void what_is_marked(void **state) {
  (void)state;
  struct dlg *d = open_ecn();
  inject(d, ACK, 1, 1, 100);
  inject(d, ACK, 101, 1, 100);
  dlg_advance(d, LA_SEC);
  assert_int_equal(expect(d, ACK, 1, 201, 0)->tos, 0);
  assert_int_equal(dlg_send(d, 1, MSS), MSS);
  assert_int_equal(expect(d, ACK, 1, 201, MSS)->tos, ECT0);
  dlg_advance(d, LA_SEC);
  const struct dlg_seg *s = expect(d, ACK, 1, 201, MSS);
  assert_int_equal(s->tos, 0);
  inject(d, ACK, 201, 1 + MSS, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(dlg_send(d, 1 + MSS, MSS), MSS);
  dlg_advance(d, 10 * LA_SEC);
  while (d->nout)
    assert_int_equal(expect(d, ACK, 1 + MSS, 201, 1)->tos, 0);
  inject(d, ACK, 201, 1 + MSS, 0);
  dlg_pump(d);
  dlg_free(d);
}

/* The application's DSCP stays; its own ECN bits do not count. */
static void dscp_stays(void **state) {
  (void)state;
  struct dlg *d = open_ecn();
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_TOS, 0xb9, d->now), LA_OK);
  assert_int_equal(dlg_send(d, 1, 10), 10);
  assert_int_equal(expect(d, ACK, 1, 1, 10)->tos, 0xb8 | ECT0);
  dlg_free(d);
}

/* 6.1.3: CE is echoed at once, and on everything, until CWR; CE beside CWR is news. */
static void the_echo(void **state) {
  (void)state;
  struct dlg *d = open_ecn();
  d->tos = ECT0;
  inject(d, ACK, 1, 1, 100);
  expect_nothing(d); /* a delayed ACK */
  assert_true(info(d).ecn_seen);
  d->tos = CE;
  inject(d, ACK, 101, 1, 100);
  expect(d, ACK | ECE, 1, 201, 0);
  d->tos = ECT0;
  assert_int_equal(dlg_send(d, 1, 10), 10);
  expect(d, ACK | ECE, 1, 201, 10);
  inject(d, ACK, 201, 11, 100);
  dlg_advance(d, LA_SEC);
  expect(d, ACK | ECE, 11, 301, 0);
  inject(d, ACK | CWR, 301, 11, 100);
  expect(d, ACK, 11, 401, 0); /* at once */
  d->tos = CE;
  inject(d, ACK | CWR, 401, 11, 100);
  expect(d, ACK | ECE, 11, 501, 0);
  d->tos = ECT1;
  inject(d, ACK | CWR, 501, 11, 100);
  expect(d, ACK, 11, 601, 0);
  d->tos = CE;
  inject(d, ACK, 601, 11, 0); /* not on a pure ACK (6.1.4) */
  inject(d, ACK, 1, 11, 100); /* nor on what has been received before (6.1.5) */
  expect(d, ACK, 11, 601, 0);
  dlg_free(d);
}

/* Without agreement nothing of it has a meaning. */
static void not_agreed(void **state) {
  (void)state;
  struct dlg *d = dlg_new(tweak_off);
  establish(d, PASSIVE_OPEN);
  d->tos = CE;
  inject(d, ACK, 1, 1, 100);
  expect_nothing(d);
  uint32_t cwnd = info(d).cwnd;
  assert_int_equal(dlg_send(d, 1, 10), 10);
  expect(d, ACK, 1, 101, 10);
  inject(d, ACK | ECE, 101, 11, 0);
  assert_int_equal(info(d).cwnd, cwnd);
  assert_int_equal(info(d).delivered_ce, 0);
  dlg_free(d);
}

/* 6.1.2: CUBIC's 0.7, CWR on the next new bytes, once in a window; then again. */
static void one_reduction_in_a_window(void **state) {
  (void)state;
  struct dlg *d = open_ecn();
  assert_int_equal(dlg_send(d, 1, 50000), 50000);
  full(d, 1, 10, 0, ECT0);
  assert_int_equal(info(d).cwnd, 10 * MSS);
  inject(d, ACK | ECE, 1, 1 + 2 * MSS, 0);
  assert_int_equal(info(d).ca_state, LA_CA_CWR);
  assert_int_equal(info(d).ssthresh, 7 * MSS);
  assert_int_equal(info(d).delivered_ce, 2);
  full(d, 1 + 10 * MSS, 1, CWR, ECT0); /* 0.7 of what arrives, rounded up (RFC 6937): 2 of 2 */
  full(d, 1 + 11 * MSS, 1, 0, ECT0);
  inject(d, ACK | ECE, 1, 1 + 4 * MSS, 0);
  full(d, 1 + 12 * MSS, 1, 0, ECT0); /* 3 of 4 */
  inject(d, ACK | ECE, 1, 1 + 6 * MSS, 0);
  expect_nothing(d); /* 7 are in flight */
  assert_int_equal(info(d).cwnd, 7 * MSS);
  inject(d, ACK, 1, 1 + 9 * MSS, 0);
  full(d, 1 + 13 * MSS, 3, 0, ECT0);
  assert_int_equal(info(d).cwnd, 7 * MSS); /* nor does it grow meanwhile */
  inject(d, ACK | ECE, 1, 1 + 11 * MSS, 0);
  assert_int_equal(info(d).delivered_ce, 8);
  assert_int_equal(info(d).ssthresh, 4900);
  dlg_forget(d);
  dlg_free(d);
}

/* A loss in the window that was reduced already: the threshold stays (6.1.2); and a loss is told by CWR too. */
static void loss_and_mark(void **state) {
  (void)state;
  struct dlg *d = open_ecn();
  assert_int_equal(dlg_send(d, 1, 60000), 60000);
  full(d, 1, 10, 0, ECT0);
  inject(d, ACK | ECE, 1, 1 + MSS, 0);
  assert_int_equal(info(d).ssthresh, 7 * MSS);
  for (int i = 0; i < 3; i++)
    inject(d, ACK | ECE, 1, 1 + MSS, 0);
  assert_int_equal(expect(d, ACK, 1 + MSS, 1, MSS)->tos, 0);
  assert_int_equal(info(d).ssthresh, 7 * MSS);
  dlg_free(d);

  d = open_ecn();
  assert_int_equal(dlg_send(d, 1, 60000), 60000);
  full(d, 1, 10, 0, ECT0);
  dlg_advance(d, LA_SEC);
  assert_int_equal(expect(d, ACK, 1, 1, MSS)->tos, 0); /* again: no CWR, since it says nothing about what the peer has seen */
  uint32_t ssthresh = info(d).ssthresh;
  inject(d, ACK | ECE, 1, 1 + MSS, 0);
  assert_int_equal(info(d).ssthresh, ssthresh);
  dlg_forget(d);
  inject(d, ACK, 1, 1 + 10 * MSS, 0);
  dlg_pump(d);
  assert_true(d->nout > 0);
  assert_int_equal(d->out[0].seg.flags & (CWR | ACK), CWR | ACK);
  assert_int_equal(d->out[0].tos, ECT0);
  for (size_t i = 1; i < d->nout; i++)
    assert_int_equal(d->out[i].seg.flags & CWR, 0);
  dlg_forget(d);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_grants),     cmocka_unit_test(again_from_the_record),
    cmocka_unit_test(who_asks),       cmocka_unit_test(not_with_cookies),
    cmocka_unit_test(fallback),       cmocka_unit_test(crossing),
    cmocka_unit_test(what_is_marked), cmocka_unit_test(dscp_stays),
    cmocka_unit_test(the_echo),       cmocka_unit_test(not_agreed),
    cmocka_unit_test(loss_and_mark),  cmocka_unit_test(one_reduction_in_a_window),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
