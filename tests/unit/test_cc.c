/* SPDX-License-Identifier: MIT */
/* What every congestion control shares: when cwnd may grow, when it decays, what an idle time leaves, undoing, choosing another. */
#include "dialogue.h"

#include "core/stack.h"

enum { MSS = 1000 };
#define RTT (100 * LA_MS)

static void linux_way(la_config *c) {
  c->sndbuf = 4 << 20;
  c->rto_min = 200 * LA_MS;
}
static void reno(la_config *c) {
  linux_way(c);
  c->cc = LA_CC_NEWRENO;
}
static void no_restart(la_config *c) {
  linux_way(c);
  c->slow_start_after_idle = 0;
}

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}
static uint32_t cwnd(struct dlg *d) { return info(d).cwnd / MSS; }
static struct conn *inside(struct dlg *d) { return la__conn_handle(&d->s->tcp, d->conn); }

/* The handshake takes a round trip. */
static struct dlg *open_far(void (*tweak)(la_config *c)) {
  struct dlg *d = dlg_new(tweak);
  d->f.syn = (struct tcp_opts){.have = TCP_OPT_MSS | TCP_OPT_WSCALE, .mss = MSS, .wscale = 10};
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_advance(d, RTT);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  return d;
}
static void put(struct dlg *d, uint32_t pos, uint32_t n) {
  for (uint32_t part; n; n -= part, pos += part) {
    part = n < 50 * MSS ? n : 50 * MSS;
    assert_int_equal(dlg_send(d, pos, part), part);
  }
  dlg_forget(d);
}
static void acked(struct dlg *d, uint32_t upto) {
  inject(d, ACK, 1, upto, 0);
  dlg_forget(d);
}

/* Linux's numbers: of a window of ten, five in flight are not the limit, six are for as long as it is less than twice that. */
static void only_while_it_is_the_limit(void **state) {
  (void)state;
  static const struct { uint32_t sent, want; } row[] = {{5, 10}, {6, 12}, {9, 18}, {10, 20}};
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++)
    for (int cc = 0; cc < 2; cc++) {
      struct dlg *d = open_far(cc ? linux_way : reno);
      uint32_t n = row[i].sent;
      put(d, 1, n * MSS);
      for (uint32_t k = 2; k < n; k += 2)
        acked(d, 1 + k * MSS);
      acked(d, 1 + n * MSS);
      assert_int_equal(cwnd(d), row[i].want);
      dlg_free(d);
    }
}

/* Past ssthresh only a full window counts. */
static void in_avoidance(void **state) {
  (void)state;
  struct dlg *d = open_far(reno);
  inside(d)->ssthresh = 10 * MSS;
  uint32_t pos = 1;
  for (unsigned i = 0; i < 20; i++, pos += 8 * MSS) {
    put(d, pos, 8 * MSS);
    dlg_advance(d, RTT);
    acked(d, pos + 8 * MSS);
  }
  assert_int_equal(cwnd(d), 10);
  for (unsigned i = 0; i < 3; i++) {
    uint32_t n = cwnd(d);
    put(d, pos, n * MSS);
    dlg_advance(d, RTT);
    acked(d, pos + n * MSS);
    pos += n * MSS;
    assert_int_equal(cwnd(d), n + 1);
  }
  dlg_free(d);
}

/* One that grows to 80 segments. */
static uint32_t grown(struct dlg *d) {
  uint32_t pos = 1;
  for (unsigned i = 0; i < 3; i++) {
    uint32_t n = cwnd(d);
    put(d, pos, n * MSS);
    dlg_advance(d, RTT);
    for (uint32_t k = 1; k <= n; k++)
      acked(d, pos + k * MSS);
    pos += n * MSS;
  }
  assert_int_equal(cwnd(d), 80);
  return pos;
}

/* RFC 2861 as Linux has it: each RTO without using it up takes it half the way to what is used, but not below an initial window. */
static void unused(void **state) {
  (void)state;
  struct dlg *d = open_far(linux_way);
  uint32_t pos = grown(d);
  inside(d)->ssthresh = 20 * MSS;
  put(d, pos, MSS); /* from here on always something in flight, never much */
  for (unsigned i = 0; i < 40; i++) {
    put(d, pos + MSS, MSS);
    dlg_advance(d, 50 * LA_MS);
    acked(d, pos + MSS);
    pos += MSS;
    if (i == 1)
      assert_int_equal(cwnd(d), 80); /* not yet an RTO */
  }
  assert_in_range(cwnd(d), 10, 20);
  assert_int_equal(info(d).ssthresh, 60 * MSS); /* what it was is remembered: three quarters */
  dlg_free(d);

  d = open_far(no_restart);
  pos = grown(d);
  put(d, pos, MSS);
  for (unsigned i = 0; i < 40; i++) {
    put(d, pos + MSS, MSS);
    dlg_advance(d, 50 * LA_MS);
    acked(d, pos + MSS);
    pos += MSS;
  }
  assert_int_equal(cwnd(d), 80);
  dlg_free(d);
}

/* RFC 5681 4.1, and switched off. */
static void after_idle(void **state) {
  (void)state;
  for (int off = 0; off < 2; off++) {
    struct dlg *d = open_far(off ? no_restart : linux_way);
    uint32_t pos = grown(d);
    dlg_advance(d, 2 * LA_SEC);
    assert_int_equal(dlg_send(d, pos, 50000), 50000);
    dlg_pump(d);
    assert_int_equal(d->nout, off ? 50 : 10);
    assert_int_equal(cwnd(d), off ? 80 : 10);
    dlg_forget(d);
    dlg_free(d);
  }
}

/* Neither less than now nor less than before, once; and CUBIC forgets the W_max of a loss that was none. */
static void undone(void **state) {
  (void)state;
  struct dlg *d = open_far(linux_way);
  uint32_t pos = grown(d);
  put(d, pos, 80 * MSS);
  struct conn *c = inside(d);
  struct tcp *t = &d->s->tcp;
  la__cc_enter(t, c, CC_LOSS);
  c->cwnd = c->ssthresh;
  assert_int_equal(cwnd(d), 56);
  assert_int_equal(conn_wish(c)->w_max, 80 * MSS);
  la__cc_undo(t, c);
  assert_int_equal(cwnd(d), 80);
  assert_true(info(d).ssthresh > 1u << 30);
  assert_int_equal(conn_wish(c)->w_max, 0);
  c->cwnd = c->ssthresh = 5 * MSS;
  la__cc_undo(t, c); /* once */
  assert_int_equal(cwnd(d), 5);
  dlg_free(d);
}

/* W_max outlives the send queue in `wish`; a connection without congestion has none. */
static void memory_of_congestion(void **state) {
  (void)state;
  struct dlg *d = open_far(linux_way);
  uint32_t pos = grown(d);
  assert_null(inside(d)->sndq);
  assert_null(inside(d)->wish);
  put(d, pos, 80 * MSS);
  la__cc_enter(&d->s->tcp, inside(d), CC_LOSS);
  inside(d)->cwnd = inside(d)->ssthresh;
  acked(d, pos + 80 * MSS);
  assert_null(inside(d)->sndq);
  put(d, pos + 80 * MSS, MSS);
  assert_int_equal(inside(d)->sndq->cc.cubic.w_max, 80 * MSS);
  dlg_free(d);
}

/* Another one in the middle of a connection: windows stay, growth changes. */
static void another(void **state) {
  (void)state;
  struct dlg *d = open_far(linux_way);
  assert_int_equal(info(d).congestion, LA_CC_CUBIC);
  put(d, 1, 10 * MSS);
  inside(d)->ssthresh = 5 * MSS;
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_CONGESTION, LA_CC_NEWRENO, d->now), LA_OK);
  assert_int_equal(info(d).congestion, LA_CC_NEWRENO);
  assert_int_equal(cwnd(d), 10);
  dlg_advance(d, RTT);
  acked(d, 1 + 10 * MSS);
  assert_int_equal(cwnd(d), 11); /* Reno: one a window */
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_CONGESTION, LA_CC_CUBIC, d->now), LA_OK);
  put(d, 1 + 10 * MSS, 11 * MSS);
  dlg_advance(d, RTT);
  acked(d, 1 + 21 * MSS);
  assert_int_equal(cwnd(d), 12); /* CUBIC's Reno-friendly region, without a W_max: the same */
  dlg_free(d);
}

static void names(void **state) {
  (void)state;
  assert_string_equal(la_cc_name(LA_CC_NEWRENO), "reno");
  assert_string_equal(la_cc_name(LA_CC_CUBIC), "cubic");
  assert_string_equal(la_cc_name(LA_CC_BBR), "bbr");
  assert_string_equal(la_cc_name(LA_CCS), "?");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_while_it_is_the_limit),
    cmocka_unit_test(in_avoidance),
    cmocka_unit_test(unused),
    cmocka_unit_test(after_idle),
    cmocka_unit_test(undone),
    cmocka_unit_test(memory_of_congestion),
    cmocka_unit_test(another),
    cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
