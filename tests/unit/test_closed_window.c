/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* Ends behind a closed window: what R2, the owner and the user timeout do while probes are answered, or are not (MUST-37, B6, B8). */
#include "dialogue.h"

/* B8: queued bytes against a closed window; the peer acknowledges every probe. An owner may wait; an orphan may not. */
static void fin_behind_a_closed_window(void **state) {
  (void)state;
  for (unsigned closed = 0; closed < 2; closed++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    assert_int_equal(dlg_send(d, 1, 1000), 1000);
    assert_int_equal(closed ? la_close(d->s, d->conn, d->now) : la_shutdown(d->s, d->conn, d->now), LA_OK);
    la_time t = d->now;
    while (d->now < t + 300 * LA_SEC) {
      dlg_advance(d, LA_SEC);
      if (d->nout && dlg_state(d) == LA_FIN_WAIT_1) {
        dlg_forget(d);
        inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
      }
    }
    expect_state(d, closed ? LA_LISTEN : LA_FIN_WAIT_1);
    if (closed) {
      la_end e = expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_RETRANSMIT, LA_ETIMEDOUT);
      assert_true(e.ended - t >= 120 * LA_SEC && e.ended - t < 122 * LA_SEC);
    }
    dlg_free(d);
  }
}

/* The same when the owner waited for long before he left: R2 runs from then on. */
static void owner_leaves_a_closed_window(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(dlg_send(d, 1, 1000), 1000);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  la_time t = d->now, left = t + 400 * LA_SEC;
  while (d->now < left + 200 * LA_SEC) {
    dlg_advance(d, LA_SEC);
    if (d->now == left)
      assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    if (d->nout && dlg_state(d) == LA_FIN_WAIT_1) {
      dlg_forget(d);
      inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    }
  }
  la_end e = expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_RETRANSMIT, LA_ETIMEDOUT);
  assert_true(e.ended >= left && e.ended <= left + 122 * LA_SEC);
  dlg_free(d);
}
/* MUST-37: one probe that is lost, or whose answer is, when probes are rto_max apart, is not the end; silence is. */
static void probes_lost_at_a_closed_window(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(dlg_send(d, 1, 1000), 1000);
  unsigned probes = 0;
  while (d->now < 3000 * LA_SEC) {
    dlg_advance(d, LA_SEC);
    if (d->nout) {
      dlg_forget(d);
      if (++probes % 2) /* every other one */
        inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    }
  }
  expect_state(d, LA_ESTABLISHED);
  la_time t = d->now;
  dlg_advance(d, 600 * LA_SEC);
  la_end e = expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_RETRANSMIT, LA_ETIMEDOUT);
  assert_true(e.ended - t > 120 * LA_SEC && e.ended - t < 500 * LA_SEC);
  dlg_free(d);
}
/* LA_OPT_USER_TIMEOUT is about progress: answers to probes are none (B6). */
static void user_timeout_at_a_closed_window(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_USER_TIMEOUT, 30000, d->now), LA_OK);
  inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(dlg_send(d, 1, 1000), 1000);
  la_time t = d->now;
  while (d->now < t + 40 * LA_SEC) {
    dlg_advance(d, LA_SEC);
    if (d->nout && dlg_state(d) == LA_ESTABLISHED) {
      dlg_forget(d);
      inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    }
  }
  la_end e = expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_USER_TIMEOUT, LA_ETIMEDOUT);
  assert_int_equal((e.ended - t) / LA_SEC, 30);
  dlg_free(d);
}

/* A window that opens for some of what a closed one swallowed, and closes again: the rest waits for the probe. */
static void reopened_for_a_part(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(dlg_send(d, 1, 800), 800);
  dlg_forget(d);
  inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
  inject(d, ACK, 1, 1, 0, .wnd = 500);
  expect(d, ACK, 1, 1, 500);
  inject(d, ACK, 1, 501, 0, .wnd = ZERO_WINDOW);
  expect_nothing(d);
  dlg_advance(d, 10 * LA_SEC);
  expect(d, ACK, 501, 1, 1);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(fin_behind_a_closed_window),
    cmocka_unit_test(owner_leaves_a_closed_window),
    cmocka_unit_test(probes_lost_at_a_closed_window),
    cmocka_unit_test(user_timeout_at_a_closed_window),
    cmocka_unit_test(reopened_for_a_part),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
