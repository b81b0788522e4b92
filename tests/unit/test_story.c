/* SPDX-License-Identifier: MIT */
/* What a connection says of itself: the states behind it, whom it waits for, the next clock, the end that would come. */
#include "dialogue.h"

static la_story story(struct dlg *d) {
  la_story s;
  assert_int_equal(la_story_get(d->s, d->conn, &s), LA_OK);
  assert_in_range(s.nsteps, 1, LA_STEPS);
  return s;
}

static void steps_are(const la_story *s, const enum la_state *want, unsigned n) {
  assert_int_equal(s->nsteps, n);
  for (unsigned i = 0; i < n; i++) {
    assert_int_equal(s->step[i].state, want[i]);
    assert_true(!i || s->step[i].at >= s->step[i - 1].at);
  }
}
#define expect_steps(s, ...) \
  do { \
    static const enum la_state want_[] = {__VA_ARGS__}; \
    steps_are(s, want_, sizeof want_ / sizeof want_[0]); \
  } while (0)

/* The path by which dlg_reach gets to each state; the last step is the state that la_info tells. */
static void paths(void **state) {
  (void)state;
  for (unsigned side = 0; side < 2; side++)
    for (enum la_state st = LA_SYN_SENT; st <= LA_TIME_WAIT; st++) {
      if (side == PASSIVE_OPEN && st <= LA_SYN_RECEIVED)
        continue;
      struct dlg *d = dlg_new(NULL);
      dlg_reach(d, st, (enum dlg_side)side, false);
      la_story s = story(d);
      la_info_rec i;
      assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
      assert_int_equal(s.waiting, i.waiting);
      assert_int_equal(s.step[0].state, side == PASSIVE_OPEN || st == LA_SYN_RECEIVED ? LA_SYN_RECEIVED : LA_SYN_SENT);
      assert_int_equal(s.step[s.nsteps - 1].state, st);
      if (st >= LA_ESTABLISHED)
        assert_int_equal(s.step[1].state, LA_ESTABLISHED);
      if (st == LA_LAST_ACK)
        assert_int_equal(s.step[2].state, LA_CLOSE_WAIT);
      if (st == LA_FIN_WAIT_2 || st == LA_CLOSING)
        assert_int_equal(s.step[2].state, LA_FIN_WAIT_1);
      dlg_free(d);
    }
}

static void times(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  la_time t0 = d->now;
  establish(d, ACTIVE_OPEN);
  dlg_advance(d, 5 * LA_SEC);
  la_time closed = d->now;
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  dlg_advance(d, 100 * LA_MS);
  inject(d, ACK, 1, 2, 0);
  dlg_advance(d, 2 * LA_SEC);
  la_story s = story(d);
  expect_steps(&s, LA_SYN_SENT, LA_ESTABLISHED, LA_FIN_WAIT_1, LA_FIN_WAIT_2);
  assert_int_equal(s.step[0].at, t0);
  assert_int_equal(s.step[2].at / LA_MS, closed / LA_MS);
  assert_int_equal(s.step[3].at / LA_MS, (closed + 100 * LA_MS) / LA_MS);
  assert_int_equal(s.blame, LA_BY_PEER);
  assert_int_equal(s.waiting, LA_WAITS_PEER_FIN);
  assert_int_equal(s.clock, LA_CLOCK_LIMIT);
  assert_int_equal(s.ends_at, s.clock_at);
  assert_int_equal(s.end_why, LA_WHY_FIN_WAIT_2);
  la_time ends = s.ends_at;
  d->hold_events = true; /* else END is taken, and nothing is left to be asked about */
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  s = story(d);
  expect_steps(&s, LA_SYN_SENT, LA_ESTABLISHED, LA_FIN_WAIT_1, LA_FIN_WAIT_2, LA_TIME_WAIT);
  assert_int_equal(s.blame, LA_BY_LOCAL); /* it has ended: who closed first */
  assert_int_equal(s.clock, LA_CLOCK_2MSL);
  assert_true(s.ends_at > ends - 60 * LA_SEC);
  dlg_free(d);
}

/* What is foretold is what END says then, and at that instant. */
static void foretold(struct dlg *d) {
  la_story s = story(d);
  assert_true(s.ends_at != LA_NEVER);
  dlg_until(d, s.ends_at - LA_MS);
  for (size_t i = 0; i < d->nev; i++)
    assert_int_not_equal(d->ev[i].type, LA_EVENT_END);
  dlg_until(d, s.ends_at);
  dlg_forget(d);
  while (d->nev && d->ev[0].type != LA_EVENT_END)
    expect_event(d, d->ev[0].type);
  la_end e = expect_event(d, LA_EVENT_END)->end;
  assert_int_equal(e.who, s.end_who);
  assert_int_equal(e.how, s.end_how);
  assert_int_equal(e.why, s.end_why);
  s = story(d);
  assert_int_equal(s.step[s.nsteps - 1].state, LA_CLOSED);
  assert_int_equal(s.blame, e.who);
  assert_int_equal(s.ends_at, LA_NEVER);
  assert_int_equal(s.clock, LA_CLOCK_NONE);
  dlg_free(d);
}

static void ends(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_reach(d, LA_SYN_SENT, ACTIVE_OPEN, false);
  assert_int_equal(story(d).end_why, LA_WHY_SYN_TIMEOUT);
  assert_int_equal(story(d).clock, LA_CLOCK_RETRANSMIT);
  foretold(d);
  for (unsigned n = 0; n < 2; n++) {
    d = dlg_new(NULL);
    dlg_reach(d, n ? LA_LAST_ACK : LA_FIN_WAIT_1, PASSIVE_OPEN, false);
    assert_int_equal(story(d).end_why, n ? LA_WHY_LAST_ACK : LA_WHY_RETRANSMIT);
    assert_int_equal(story(d).blame, LA_BY_PEER);
    foretold(d);
  }
  d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(story(d).ends_at, LA_NEVER);
  assert_int_equal(story(d).blame, LA_BY_NOBODY);
  assert_int_equal(story(d).clock, LA_CLOCK_NONE);
  la_set_option(d->s, d->conn, LA_OPT_KEEPALIVE, 1, d->now);
  la_set_option(d->s, d->conn, LA_OPT_KEEPIDLE, 10, d->now);
  la_set_option(d->s, d->conn, LA_OPT_KEEPINTVL, 3, d->now);
  la_set_option(d->s, d->conn, LA_OPT_KEEPCNT, 4, d->now);
  assert_int_equal(story(d).clock, LA_CLOCK_KEEPALIVE);
  assert_int_equal(story(d).ends_at, d->now + 22 * LA_SEC);
  dlg_advance(d, 14 * LA_SEC);
  foretold(d);
  d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  dlg_send(d, 1, 100);
  expect(d, ACK, 1, 1, 100);
  assert_int_equal(la_close_by(d->s, d->conn, d->now + 7 * LA_SEC, d->now), LA_OK);
  assert_int_equal(story(d).end_how, LA_HOW_RESET);
  assert_int_equal(story(d).ends_at, d->now + 7 * LA_SEC);
  dlg_free(d);
}

static void blamed(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_reach(d, LA_CLOSE_WAIT, PASSIVE_OPEN, false);
  assert_int_equal(story(d).blame, LA_BY_LOCAL);
  assert_int_equal(story(d).ends_at, LA_NEVER);
  dlg_free(d);
  d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK, 1, 1, 10);
  assert_int_equal(story(d).waiting, LA_WAITS_APP_READ);
  assert_int_equal(story(d).blame, LA_BY_LOCAL);
  assert_int_equal(story(d).clock, LA_CLOCK_DELAYED_ACK);
  dlg_free(d);
  d = dlg_new(NULL); /* a router says that the peer cannot be reached */
  establish(d, PASSIVE_OPEN);
  dlg_send(d, 1, 100);
  expect(d, ACK, 1, 1, 100);
  assert_int_equal(story(d).blame, LA_BY_PEER);
  la_addr router = {.family = 4, .b = {10, 9, 9, 9}};
  dlg_icmp(d, &router, 3, 1, 0, 1, 8);
  assert_int_equal(story(d).blame, LA_BY_NETWORK);
  dlg_free(d);
  la_story s;
  d = dlg_new(NULL);
  assert_int_equal(la_story_get(d->s, (la_conn){3, 7}, &s), LA_EBADF);
  dlg_free(d);
}

/* ENETUNREACH is the network's as EHOSTUNREACH is; what a port says is the peer's. */
static void blamed_by_icmp(void **state) {
  (void)state;
  for (uint8_t code = 0; code < 4; code++) {
    struct dlg *d = dlg_new(NULL);
    la_addr router = {.family = 4, .b = {10, 9, 9, 9}};
    establish(d, PASSIVE_OPEN);
    dlg_send(d, 1, 100);
    expect(d, ACK, 1, 1, 100);
    dlg_icmp(d, &router, 3, code, 0, 1, 8);
    assert_int_equal(story(d).blame, code < 2 ? LA_BY_NETWORK : LA_BY_PEER);
    dlg_free(d);
  }
}

/* Both close at once: CLOSING stands before TIME-WAIT (RFC 9293 figure 13). Crossing SYNs: SYN-SENT before (figure 8). */
static void simultaneous(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0, .no_ack_check = true);
  dlg_advance(d, 5 * LA_MS);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  la_story s = story(d);
  assert_int_equal(s.step[s.nsteps - 1].state, LA_SYN_RECEIVED);
  dlg_advance(d, 5 * LA_MS);
  inject(d, ACK, 1, 1, 0);
  expect_state(d, LA_ESTABLISHED);
  dlg_advance(d, 5 * LA_MS);
  d->hold_events = true;
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  dlg_advance(d, 5 * LA_MS);
  inject(d, FIN | ACK, 1, 1, 0);
  expect(d, ACK, 2, 2, 0);
  dlg_advance(d, 5 * LA_MS);
  inject(d, ACK, 2, 2, 0);
  s = story(d);
  assert_int_equal(s.step[s.nsteps - 1].state, LA_TIME_WAIT);
  assert_int_equal(s.step[s.nsteps - 2].state, LA_CLOSING);
  assert_int_equal(s.step[s.nsteps - 3].state, LA_FIN_WAIT_1);
  assert_true(s.step[s.nsteps - 2].at < s.step[s.nsteps - 1].at);
  dlg_free(d);
}

/* Fewer probes allowed than have gone already: the next clock ends it. */
static void fewer_probes(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  la_set_option(d->s, d->conn, LA_OPT_KEEPALIVE, 1, d->now);
  la_set_option(d->s, d->conn, LA_OPT_KEEPIDLE, 10, d->now);
  la_set_option(d->s, d->conn, LA_OPT_KEEPINTVL, 5, d->now);
  la_set_option(d->s, d->conn, LA_OPT_KEEPCNT, 9, d->now);
  dlg_advance(d, 26 * LA_SEC); /* four have gone */
  la_set_option(d->s, d->conn, LA_OPT_KEEPCNT, 2, d->now);
  la_story s = story(d);
  assert_int_equal(s.end_why, LA_WHY_KEEPALIVE);
  assert_int_equal(s.ends_at, s.clock_at);
  foretold(d);
}

/* The walk in parts finds what la_each finds, with its ages. */
struct seen {
  unsigned n;
  la_each_rec r[8];
};
static bool see(void *ctx, const la_each_rec *r) {
  struct seen *s = ctx;
  s->r[s->n++] = *r;
  return true;
}
static void walk(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  la_time t0 = d->now;
  dlg_advance(d, 1500 * LA_MS); /* one SYN-ACK again */
  dlg_forget(d);
  dlg_other(d, 7777);
  establish(d, PASSIVE_OPEN);
  la_time t1 = d->now;
  dlg_advance(d, LA_SEC);
  struct seen all = {0};
  la_each(d->s, see, &all);
  la_cursor at = {0, 0};
  la_each_rec r;
  unsigned n = 0;
  while (la_each_next(d->s, &at, &r)) {
    assert_memory_equal(&r, &all.r[n], sizeof r);
    n++;
    if (r.kind == LA_KIND_HALF_OPEN) {
      assert_int_equal(r.since, t0);
      assert_int_equal(r.queued, 1);
    }
    if (r.kind == LA_KIND_CONN)
      assert_int_equal(r.since / LA_MS, t1 / LA_MS);
    if (r.kind == LA_KIND_LISTENER)
      assert_int_equal(r.backlog, 16);
  }
  assert_int_equal(n, all.n);
  assert_int_equal(n, 3);
  assert_false(la_each_next(d->s, &at, &r));
  dlg_forget(d);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(paths),          cmocka_unit_test(times),        cmocka_unit_test(ends),         cmocka_unit_test(blamed),
    cmocka_unit_test(blamed_by_icmp), cmocka_unit_test(simultaneous), cmocka_unit_test(fewer_probes), cmocka_unit_test(walk)};
  return cmocka_run_group_tests(tests, 0, 0);
}
