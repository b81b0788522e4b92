/* SPDX-License-Identifier: MIT */
/* la_config.metrics: connections by state, ends, and time in states, against what was done. */
#include "dialogue.h"

static la_metrics m;
static void metered(la_config *c) {
  memset(&m, 0, sizeof m);
  c->metrics = &m;
}

static uint64_t times(enum la_state st) {
  uint64_t n = 0;
  for (unsigned k = 0; k < LA_TIMES; k++)
    n += m.times[st][k];
  return n;
}
static unsigned present(void) {
  unsigned n = 0;
  for (unsigned st = 0; st < LA_STATES; st++)
    n += m.now[st];
  return n;
}

/* In each state exactly one connection is counted, in that state; half-open and TIME-WAIT records are not. */
static void one_at_a_time(void **state) {
  (void)state;
  for (unsigned side = 0; side < 2; side++)
    for (enum la_state st = LA_SYN_SENT; st <= LA_TIME_WAIT; st++) {
      if (side == PASSIVE_OPEN && st == LA_SYN_SENT)
        continue;
      struct dlg *d = dlg_new(metered);
      dlg_reach(d, st, (enum dlg_side)side, false);
      bool record = st == LA_TIME_WAIT || (st == LA_SYN_RECEIVED && side == PASSIVE_OPEN);
      assert_int_equal(present(), !record);
      assert_int_equal(m.now[st], !record);
      if (!record) {
        assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
        dlg_forget(d);
      }
      assert_int_equal(present(), 0);
      dlg_free(d);
    }
}

static void durations(void **state) {
  (void)state;
  static const la_time stay[] = {0,          LA_MS,      2 * LA_MS,    4 * LA_MS,    5 * LA_MS,
                                 16 * LA_MS, 17 * LA_MS, 1024 * LA_MS, 1025 * LA_MS, 3600 * LA_SEC};
  static const unsigned bucket[] = {0, 0, 1, 1, 2, 2, 3, 5, 6, 11};
  for (unsigned i = 0; i < sizeof stay / sizeof stay[0]; i++) {
    struct dlg *d = dlg_new(metered);
    establish(d, PASSIVE_OPEN);
    uint64_t sum = m.time_ms[LA_ESTABLISHED];
    dlg_advance(d, stay[i]);
    assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
    dlg_forget(d);
    assert_int_equal(m.times[LA_ESTABLISHED][bucket[i]], 1);
    assert_int_equal(times(LA_ESTABLISHED), 1);
    assert_int_equal(m.time_ms[LA_ESTABLISHED] - sum, stay[i] / LA_MS);
    dlg_free(d);
  }
}

/* Every state on the way is counted once when it is left, TIME-WAIT and the half-open record's SYN-RECEIVED too. */
static void a_life(void **state) {
  (void)state;
  struct dlg *d = dlg_new(metered);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_advance(d, 200 * LA_MS);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(times(LA_SYN_RECEIVED), 1);
  assert_int_equal(m.time_ms[LA_SYN_RECEIVED], 200);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  assert_int_equal(m.ends[LA_WHY_CLOSE][LA_FIRST_LOCAL], 1);
  assert_int_equal(times(LA_TIME_WAIT), 0);
  dlg_advance(d, 61 * LA_SEC);
  assert_int_equal(times(LA_TIME_WAIT), 1);
  assert_int_equal(m.time_ms[LA_TIME_WAIT], 60000);
  assert_int_equal(times(LA_ESTABLISHED), 1);
  assert_int_equal(times(LA_FIN_WAIT_1), 1);
  assert_int_equal(times(LA_FIN_WAIT_2), 0);
  assert_int_equal(present(), 0);
  dlg_free(d);
}

static void who_closed_first(void **state) {
  (void)state;
  struct dlg *d = dlg_new(metered);
  struct place p = dlg_reach(d, LA_LAST_ACK, PASSIVE_OPEN, true);
  inject(d, ACK, p.peer, p.us, 0);
  assert_int_equal(m.ends[LA_WHY_CLOSE][LA_FIRST_PEER], 1);
  dlg_free(d);
  d = dlg_new(metered);
  p = dlg_reach(d, LA_CLOSING, PASSIVE_OPEN, true);
  inject(d, ACK, p.peer, p.us, 0);
  assert_int_equal(m.ends[LA_WHY_CLOSE][LA_FIRST_BOTH], 1);
  dlg_free(d);
  d = dlg_new(metered);
  establish(d, ACTIVE_OPEN);
  inject(d, RST, 1, 0, 0);
  assert_int_equal(m.ends[LA_WHY_PEER_RESET][LA_FIRST_NOBODY], 1);
  dlg_free(d);
  d = dlg_new(metered); /* a SYN that nobody follows up */
  dlg_reach(d, LA_SYN_RECEIVED, PASSIVE_OPEN, false);
  dlg_advance(d, 64 * LA_SEC);
  dlg_forget(d);
  assert_int_equal(m.ends[LA_WHY_SYN_ACK_TIMEOUT][LA_FIRST_NOBODY], 1);
  assert_int_equal(m.time_ms[LA_SYN_RECEIVED], 63000);
  dlg_free(d);
}

/* CLOSE before the third segment of crossing SYNs: FIN-WAIT-1 is entered in the same instant as ESTABLISHED. */
static void closed_early(void **state) {
  (void)state;
  struct dlg *d = dlg_new(metered);
  dlg_reach(d, LA_SYN_RECEIVED, ACTIVE_OPEN, false);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  inject(d, ACK, 1, 1, 0);
  dlg_pump(d);
  dlg_forget(d);
  assert_int_equal(m.now[LA_FIN_WAIT_1], 1);
  assert_int_equal(present(), 1);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_at_a_time), cmocka_unit_test(durations), cmocka_unit_test(a_life),
                                     cmocka_unit_test(who_closed_first), cmocka_unit_test(closed_early)};
  return cmocka_run_group_tests(tests, 0, 0);
}
