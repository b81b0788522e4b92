/* SPDX-License-Identifier: MIT */
/* The harness itself: both ways to open, a release with TIME-WAIT, both families, virtual time. */
#include "dialogue.h"

static void passive_open_and_release(void **state) {
  bool six = *state != NULL;
  struct dlg *d = dlg_new(NULL);
  if (six)
    dlg_use6(d);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK, 1, 1, 100);
  expect_event(d, LA_EVENT_READABLE);
  expect_nothing(d);
  la_time t = d->now;
  dlg_advance(d, LA_SEC);
  const struct dlg_seg *s = expect(d, ACK, 1, 101, 0);
  assert_true(s->at >= t + 200 * LA_MS && s->at < t + 201 * LA_MS); /* the delayed ACK, within a tick of the wheel */
  uint8_t buf[200];
  assert_int_equal(la_recv(d->s, d->conn, buf, sizeof buf), 100);
  for (unsigned i = 0; i < 100; i++)
    assert_int_equal(buf[i], dlg_byte(1 + i));
  assert_int_equal(dlg_send(d, 1, 50), 50);
  s = expect(d, PSH | ACK, 1, 101, 50);
  for (unsigned i = 0; i < 50; i++)
    assert_int_equal(s->seg.data[i], dlg_byte(1 + i));
  inject(d, ACK, 101, 51, 0);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 51, 101, 0);
  expect_state(d, LA_FIN_WAIT_1);
  inject(d, FIN | ACK, 101, 52, 0);
  expect(d, ACK, 52, 102, 0);
  expect_state(d, LA_TIME_WAIT);
  la_end e = expect_end(d, LA_BY_LOCAL, LA_HOW_THREE_SEGMENTS, LA_WHY_CLOSE, LA_OK);
  assert_int_equal(e.bytes_in, 100);
  assert_int_equal(e.bytes_out, 50);
  assert_int_equal(e.time_wait_until, d->now + 60 * LA_SEC);
  dlg_advance(d, 61 * LA_SEC);
  expect_state(d, LA_LISTEN);
  expect_nothing(d);
  dlg_free(d);
}

static void active_open_with_timestamps(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK;
  establish(d, ACTIVE_OPEN);
  assert_true(d->f.ts);
  inject(d, FIN | ACK, 1, 1, 0);
  expect(d, ACK, 1, 2, 0);
  expect_event(d, LA_EVENT_PEER_FIN);
  expect_state(d, LA_CLOSE_WAIT);
  inject(d, RST, 2, 0, 0);
  expect_state(d, LA_CLOSED);
  expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(passive_open_and_release),
    {"passive_open_and_release over IPv6", passive_open_and_release, 0, 0, &(int){6}},
    cmocka_unit_test(active_open_with_timestamps),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
