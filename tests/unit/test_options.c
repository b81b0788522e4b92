/* SPDX-License-Identifier: MIT */
/* Options of connections and listeners: ranges, what is inherited, and what each changes on the wire. */
#include "dialogue.h"

static void set(struct dlg *d, enum la_opt o, int64_t v) { assert_int_equal(la_set_option(d->s, d->conn, o, v, d->now), LA_OK); }
static int64_t get(struct dlg *d, enum la_opt o) {
  int64_t v = INT64_MIN;
  assert_int_equal(la_get_option(d->s, d->conn, o, &v), LA_OK);
  return v;
}
static void queue(struct dlg *d, uint32_t pos, uint32_t n) { assert_int_equal(dlg_send(d, pos, n), n); }

struct range {
  enum la_opt opt;
  int64_t dflt, lo, hi;
  bool zero; /* 0 is allowed, too */
};
static const struct range ranges[] = {
  {LA_OPT_NODELAY, 0, 0, 1, true},
  {LA_OPT_KEEPALIVE, 0, 0, 1, true},
  {LA_OPT_KEEPIDLE, 7200, 1, 65535, false},
  {LA_OPT_KEEPINTVL, 75, 1, 65535, false},
  {LA_OPT_KEEPCNT, 10, 1, 255, false},
  {LA_OPT_USER_TIMEOUT, 0, 0, INT32_MAX, true},
  {LA_OPT_LINGER, -1, -1, 0, true},
  {LA_OPT_SNDBUF, 262144, 2048, 1 << 30, false},
  {LA_OPT_RCVBUF, 262144, 2048, 1 << 30, false},
  {LA_OPT_TTL, 64, 1, 255, false},
  {LA_OPT_TOS, 0, 0, 255, true},
  {LA_OPT_CORK, 0, 0, 1, true},
  {LA_OPT_MSS, 0, 88, 32767, true},
  {LA_OPT_WND_CLAMP, 0, 1024, 1 << 30, true},
  {LA_OPT_SYN_RETRIES, 0, 0, 255, true},
  {LA_OPT_FIN_WAIT_2, 0, -1, INT32_MAX, true},
  {LA_OPT_SOFT_ERRORS, 1, 0, 1, true},
  {LA_OPT_NOTSENT_LOWAT, 0, 0, 1 << 30, true},
  {LA_OPT_MAX_PACING_RATE, 0, 0, INT64_MAX, true},
  {LA_OPT_CONGESTION, LA_CC_CUBIC, LA_CC_NEWRENO, LA_CCS - 1, true},
};
enum { RANGES = sizeof ranges / sizeof ranges[0] };

static void each_has_its_range(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  for (unsigned i = 0; i < RANGES; i++) {
    const struct range *r = &ranges[i];
    assert_int_equal(get(d, r->opt), r->dflt);
    const int64_t bad[] = {r->lo - 1, r->hi < INT64_MAX ? r->hi + 1 : INT64_MIN, r->hi < INT64_MAX ? INT64_MAX : INT64_MIN, INT64_MIN};
    for (unsigned k = 0; k < 4; k++)
      if (bad[k] != 0 || !r->zero) {
        assert_int_equal(la_set_option(d->s, d->conn, r->opt, bad[k], d->now), LA_EINVAL);
        assert_int_equal(la_listener_set_option(d->s, d->listener, r->opt, bad[k]), LA_EINVAL);
      }
    assert_int_equal(get(d, r->opt), r->dflt);
    set(d, r->opt, r->hi);
    assert_int_equal(get(d, r->opt), r->hi);
    set(d, r->opt, r->lo);
    assert_int_equal(get(d, r->opt), r->lo);
    set(d, r->opt, r->dflt);
    assert_int_equal(la_listener_set_option(d->s, d->listener, r->opt, r->lo), LA_OK);
  }
  int64_t v;
  assert_int_equal(la_set_option(d->s, d->conn, (enum la_opt)99, 1, d->now), LA_EINVAL);
  assert_int_equal(la_get_option(d->s, d->conn, (enum la_opt)99, &v), LA_EINVAL);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_DEFER_ACCEPT, 1, d->now), LA_EINVAL); /* a listener's */
  assert_int_equal(la_set_option(d->s, (la_conn){7, 7}, LA_OPT_TTL, 1, d->now), LA_EBADF);
  assert_int_equal(la_get_option(d->s, (la_conn){7, 7}, LA_OPT_TTL, &v), LA_EBADF);
  assert_int_equal(la_listener_set_option(d->s, (la_listener){7, 7}, LA_OPT_TTL, 1), LA_EBADF);
  assert_int_equal(la_shutdown_read(d->s, (la_conn){7, 7}), LA_EBADF);
  dlg_free(d);
}

static void listen_with(struct dlg *d, enum la_opt o, int64_t v) {
  if (!d->listener.gen)
    dlg_listen(d);
  assert_int_equal(la_listener_set_option(d->s, d->listener, o, v), LA_OK);
}

/* All that a listener has goes to its connections, the SYN-ACK included. */
static void children_inherit(void **state) {
  (void)state;
  static const int64_t value[] = {1, 1, 5, 6, 7, 8000, 0, 5000, 40000, 9, 0x28, 1, 1000, 30000, 3, 1234, 0, 777, 1000000000, LA_CC_NEWRENO};
  struct dlg *d = dlg_new(NULL);
  for (unsigned i = 0; i < RANGES; i++)
    listen_with(d, ranges[i].opt, value[i]);
  inject(d, SYN, 0, 0, 0, .opt = {.have = TCP_OPT_MSS | TCP_OPT_WSCALE, .mss = 1460, .wscale = 0});
  const struct dlg_seg *s = expect(d, SYN | ACK, 0, 1, 0, .wnd = 30000);
  assert_int_equal(s->seg.opt.mss, 1000);
  assert_int_equal(s->seg.opt.wscale, 0);
  assert_int_equal(s->ttl, 9);
  assert_int_equal(s->tos, 0x28);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  for (unsigned i = 0; i < RANGES; i++)
    assert_int_equal(get(d, ranges[i].opt), value[i]);
  dlg_free(d);
}

/* RFC 7323 2.2, SHLD-14: what the SYN-ACK said holds, though the listener's buffer has changed since. */
static void syn_ack_keeps_its_word(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  listen_with(d, LA_OPT_RCVBUF, 1 << 20);
  inject(d, SYN, 0, 0, 0, .opt = {.have = TCP_OPT_MSS | TCP_OPT_WSCALE, .mss = 1460, .wscale = 2});
  const struct dlg_seg *s = expect(d, SYN | ACK, 0, 1, 0, .wnd = 65535);
  assert_int_equal(s->seg.opt.wscale, 5);
  listen_with(d, LA_OPT_RCVBUF, 4096);
  inject(d, SYN, 0, 0, 0, .opt = {.have = TCP_OPT_MSS | TCP_OPT_WSCALE, .mss = 1460, .wscale = 2});
  s = expect(d, SYN | ACK, 0, 1, 0, .wnd = 65535);
  assert_int_equal(s->seg.opt.wscale, 5);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  inject(d, ACK, 60001, 1, 1000); /* inside */
  s = expect(d, ACK, 1, 1, 0);
  assert_in_range((uint32_t)s->seg.wnd << 5, 65504, 65535 + 31); /* but for the rounding of RFC 7323 2.4 */
  dlg_free(d);
}

static void mss_of_the_active_side(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  set(d, LA_OPT_MSS, 1000);
  set(d, LA_OPT_WND_CLAMP, 20000);
  const struct dlg_seg *s = expect(d, SYN, 0, 0, 0, .wnd = 20000);
  assert_int_equal(s->seg.opt.mss, 1000);
  inject(d, SYN | ACK, 0, 1, 0, .opt = {.have = TCP_OPT_MSS, .mss = 1400});
  expect(d, ACK, 1, 1, 0, .wnd = 20000);
  queue(d, 1, 1500);
  expect(d, ACK, 1, 1, 1000); /* the lesser of the two */
  expect_nothing(d);          /* Nagle */
  dlg_free(d);
}

static void window_clamp(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  listen_with(d, LA_OPT_WND_CLAMP, 3000);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK, 1, 1, 1000);
  inject(d, ACK, 1001, 1, 1000);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 2001, 0, .wnd = 3000); /* the buffer has room for much more */
  set(d, LA_OPT_WND_CLAMP, 0);
  inject(d, ACK, 2001, 1, 1000);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 3001, 0, .wnd = 65535);
  dlg_free(d);
}

static void quick(la_config *c) { c->quick_acks = 16; }
/* A window that is never as large as a segment opens again all the same: half of it is a worthwhile step (MUST-39). */
static void window_clamp_below_a_segment(void **state) {
  (void)state;
  uint8_t got[2000];
  for (unsigned linux = 0; linux < 2; linux++) {
    struct dlg *d = dlg_new(linux ? quick : NULL);
    listen_with(d, LA_OPT_WND_CLAMP, 1024);
    establish(d, PASSIVE_OPEN);
    inject(d, ACK, 1, 1, 1024);
    dlg_advance(d, LA_SEC);
    expect(d, ACK, 1, 1025, 0, .wnd = 1024);
    inject(d, ACK, 1025, 1, 1024);
    dlg_advance(d, LA_SEC);
    expect(d, ACK, 1, 2049, 0, .wnd = 1024);
    assert_int_equal(la_recv(d->s, d->conn, got, sizeof got), 2000);
    expect_nothing(d);
    dlg_free(d);
  }
}

/* What is not full waits; full segments go; uncorking sends the rest; the FIN takes it along. */
static void cork(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.mss = 1000;
  establish(d, PASSIVE_OPEN);
  set(d, LA_OPT_NODELAY, 1);
  set(d, LA_OPT_CORK, 1);
  queue(d, 1, 300);
  expect_nothing(d);
  queue(d, 301, 900);
  expect(d, ACK, 1, 1, 1000);
  expect_nothing(d);
  inject(d, ACK, 1, 1001, 0);
  expect_nothing(d);
  set(d, LA_OPT_CORK, 0);
  expect(d, ACK | PSH, 1001, 1, 200);
  set(d, LA_OPT_CORK, 1);
  queue(d, 1201, 10);
  expect_nothing(d);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1201, 1, 10);
  dlg_free(d);
}

/* Not for ever: the persist clock takes what waits. */
static void cork_has_an_end(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  la_info_rec i;
  set(d, LA_OPT_CORK, 1);
  queue(d, 1, 300);
  expect_nothing(d);
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  la_time at = d->now + i.rto;
  dlg_advance(d, i.rto + LA_SEC);
  expect_at(d, at, ACK | PSH, 1, 1, 300);
  inject(d, ACK, 1, 301, 0);
  dlg_advance(d, 100 * LA_SEC);
  expect_nothing(d);
  dlg_free(d);
}

static void retries_of_a_syn(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  set(d, LA_OPT_SYN_RETRIES, 2);
  la_time t = d->now;
  expect_at(d, t, SYN, 0, 0, 0);
  dlg_advance(d, 100 * LA_SEC);
  expect_at(d, t + LA_SEC, SYN, 0, 0, 0);
  expect_at(d, t + 3 * LA_SEC, SYN, 0, 0, 0);
  expect_nothing(d);
  const la_event *e = expect_event(d, LA_EVENT_END);
  assert_int_equal(e->end.why, LA_WHY_SYN_TIMEOUT);
  assert_true(e->end.ended == t + 7 * LA_SEC);
  dlg_free(d);
}

static void fin_wait_2_of_ones_own(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, ACTIVE_OPEN);
  set(d, LA_OPT_FIN_WAIT_2, 1500);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, ACK, 1, 2, 0);
  la_time t = d->now;
  expect_state(d, LA_FIN_WAIT_2);
  dlg_advance(d, 5 * LA_SEC);
  const la_event *e = expect_event(d, LA_EVENT_END);
  assert_int_equal(e->end.why, LA_WHY_FIN_WAIT_2);
  assert_int_equal(e->end.how, LA_HOW_SILENT);
  assert_true(e->end.ended == t + 1500 * LA_MS);
  expect_nothing(d);
  dlg_free(d);
}

/* -1: a reset, whether FIN-WAIT-2 comes after the close or before it. */
static void no_fin_wait_2(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, ACTIVE_OPEN);
  set(d, LA_OPT_FIN_WAIT_2, -1);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  la_time t = d->now;
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, ACK, 1, 2, 0);
  dlg_advance(d, 0);
  expect_at(d, t, RST | ACK, 2, 1, 0);
  const la_event *e = expect_event(d, LA_EVENT_END);
  assert_int_equal(e->end.why, LA_WHY_FIN_WAIT_2);
  assert_int_equal(e->end.how, LA_HOW_RESET);
  dlg_free(d);
  d = dlg_new(NULL);
  establish(d, ACTIVE_OPEN);
  set(d, LA_OPT_FIN_WAIT_2, -1);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, ACK, 1, 2, 0);
  dlg_advance(d, 100 * LA_SEC); /* the application holds it */
  expect_nothing(d);
  expect_state(d, LA_FIN_WAIT_2);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, RST | ACK, 2, 1, 0);
  e = expect_event(d, LA_EVENT_END);
  assert_int_equal(e->end.why, LA_WHY_FIN_WAIT_2);
  dlg_free(d);
}

/* A bare ACK makes no connection; text does, and so does the ACK of the SYN-ACK that ends the wait. */
static void deferred_accept(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  listen_with(d, LA_OPT_DEFER_ACCEPT, 3);
  inject(d, SYN, 0, 0, 0);
  la_time t = d->now;
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  expect_nothing(d);
  expect_state(d, LA_SYN_RECEIVED);
  assert_int_equal(dlg_accept(d), LA_AGAIN);
  dlg_advance(d, 6 * LA_SEC);
  expect_nothing(d); /* it knows that the peer is there */
  inject(d, ACK, 1, 1, 5);
  assert_int_equal(dlg_accept(d), LA_OK);
  expect_state(d, LA_ESTABLISHED);
  dlg_forget(d);
  dlg_other(d, 4711);
  inject(d, SYN, 0, 0, 0);
  t = d->now;
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  dlg_advance(d, 10 * LA_SEC);
  expect_at(d, t + 7 * LA_SEC, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* MAY-1, SHLD-3: who has shut down both directions cannot be told anything more. */
static void reading_shut_down(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  char b[8];
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_shutdown_read(d->s, d->conn), LA_OK);
  inject(d, ACK, 1, 1, 5); /* our side still sends: it is kept */
  assert_int_equal(la_recv(d->s, d->conn, b, 8), 5);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 6, 0);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 6, 0);
  inject(d, ACK, 6, 2, 0);
  inject(d, ACK, 6, 2, 5);
  expect(d, RST, 2, 0, 0, .no_ack_check = true);
  const la_event *e = expect_event(d, LA_EVENT_READABLE);
  e = expect_event(d, LA_EVENT_END);
  assert_int_equal(e->end.why, LA_WHY_DATA_AFTER_CLOSE);
  dlg_free(d);
}

/* SHLD-20: an application that does not want to hear of soft errors, of either kind, hears of none; they are noted all the same. */
static void soft_errors(void **state) {
  (void)state;
  for (int64_t told = 0; told < 2; told++) {
    struct dlg *d = dlg_new(NULL);
    la_info_rec i;
    establish(d, ACTIVE_OPEN);
    set(d, LA_OPT_SOFT_ERRORS, told);
    queue(d, 1, 10);
    expect(d, ACK, 1, 1, 10);
    assert_int_equal(dlg_icmp(d, &(la_addr){4, {192, 0, 2, 77}}, 3, 1, 0, 1, 8), 1); /* host unreachable, from a router */
    if (told)
      assert_int_equal(expect_event(d, LA_EVENT_TROUBLE)->err, LA_EHOSTUNREACH);
    expect_no_event(d);
    assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
    assert_int_equal(i.soft_err, LA_EHOSTUNREACH);
    dlg_advance(d, 20 * LA_SEC); /* past R1 */
    if (told)
      assert_int_equal(expect_event(d, LA_EVENT_TROUBLE)->err, LA_ETIMEDOUT);
    expect_no_event(d);
    dlg_advance(d, 200 * LA_SEC);
    expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_RETRANSMIT, LA_ETIMEDOUT); /* END is no soft error */
    dlg_forget(d);
    dlg_free(d);
  }
}

/* Every allocation of options fails in turn. */
static void without_memory(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  d->mem.fail_from = d->mem.calls + 1;
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_KEEPIDLE, 5, d->now), LA_ENOMEM);
  assert_int_equal(get(d, LA_OPT_KEEPIDLE), 7200);
  set(d, LA_OPT_KEEPALIVE, 1);
  d->mem.fail_from = 0;
  set(d, LA_OPT_KEEPIDLE, 5);
  dlg_free(d);
  d = dlg_new(NULL);
  listen_with(d, LA_OPT_KEEPIDLE, 5);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  for (uint64_t n = 1;; n++) { /* the third segment finds less and less memory missing */
    la_stats st;
    d->mem.fail_from = d->mem.calls + n;
    inject(d, ACK, 1, 1, 0);
    d->mem.fail_from = 0;
    la_stats_get(d->s, &st);
    if (st.conns)
      break;
    assert_int_equal(st.half_open, 1);
    assert_true(n < 20);
  }
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(get(d, LA_OPT_KEEPIDLE), 5);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_has_its_range),
    cmocka_unit_test(children_inherit),
    cmocka_unit_test(syn_ack_keeps_its_word),
    cmocka_unit_test(mss_of_the_active_side),
    cmocka_unit_test(window_clamp),
    cmocka_unit_test(window_clamp_below_a_segment),
    cmocka_unit_test(cork),
    cmocka_unit_test(cork_has_an_end),
    cmocka_unit_test(retries_of_a_syn),
    cmocka_unit_test(fin_wait_2_of_ones_own),
    cmocka_unit_test(no_fin_wait_2),
    cmocka_unit_test(deferred_accept),
    cmocka_unit_test(reading_shut_down),
    cmocka_unit_test(soft_errors),
    cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
