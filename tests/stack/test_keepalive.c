/* SPDX-License-Identifier: MIT */
/* Keepalive, sent and answered (RFC 9293 3.8.4; RFC 2525 2.9, 2.11). */
#include "tests/unit/dialogue.h"

static void set(struct dlg *d, enum la_opt o, int64_t v) { assert_int_equal(la_set_option(d->s, d->conn, o, v, d->now), LA_OK); }

static struct dlg *open_alive(int64_t on) {
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  set(d, LA_OPT_KEEPALIVE, on);
  return d;
}

/* MUST-25: off unless asked for. */
static void off_by_default(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  int64_t v = -1;
  assert_int_equal(la_get_option(d->s, d->conn, LA_OPT_KEEPALIVE, &v), LA_OK);
  assert_int_equal(v, 0);
  dlg_advance(d, 30 * 86400 * LA_SEC);
  expect_nothing(d);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* MUST-28, SHLD-12, MUST-29: two hours, then ten probes without data 75 s apart, and only then the end. */
static void a_silent_peer(void **state) {
  (void)state;
  struct dlg *d = open_alive(1);
  la_time start = d->now;
  dlg_until(d, start + 7200 * LA_SEC - 1);
  expect_nothing(d);
  for (unsigned i = 0; i < 10; i++) {
    dlg_until(d, start + (7200 + 75 * i) * LA_SEC);
    expect(d, ACK, 0, 1, 0, .at = d->now); /* SND.NXT-1 */
    dlg_until(d, d->now + 75 * LA_SEC - 1);
    expect_nothing(d);
    expect_no_event(d);
  }
  dlg_until(d, start + 7950 * LA_SEC);
  expect(d, RST | ACK, 1, 1, 0, .at = start + 7950 * LA_SEC);
  expect_end(d, LA_BY_CLOCK, LA_HOW_RESET, LA_WHY_KEEPALIVE, LA_ETIMEDOUT);
  dlg_free(d);
}

/* C19: nine are lost, the tenth is answered: it lives, and the two hours start anew. */
static void the_last_probe_is_answered(void **state) {
  (void)state;
  struct dlg *d = open_alive(1);
  for (unsigned round = 0; round < 3; round++) {
    la_time start = d->now;
    dlg_until(d, start + (7200 + 75 * 9) * LA_SEC);
    for (unsigned i = 0; i < 10; i++)
      expect(d, ACK, 0, 1, 0, .at = start + (7200 + 75 * i) * LA_SEC);
    dlg_advance(d, 74 * LA_SEC);
    inject(d, ACK, 1, 1, 0);
    expect_nothing(d);
    expect_state(d, LA_ESTABLISHED);
  }
  dlg_free(d);
}

/* MUST-26: whatever comes starts the time anew: text, an ACK, what is out of window. */
static void any_segment_puts_it_off(void **state) {
  (void)state;
  struct dlg *d = open_alive(1);
  la_time last = d->now;
  for (unsigned i = 0; i < 4; i++) {
    dlg_until(d, last + 7199 * LA_SEC);
    expect_nothing(d);
    last = d->now;
    if (i == 0)
      inject(d, ACK, 1, 1, 10);
    else if (i == 1)
      inject(d, ACK, 11, 1, 0);
    else
      inject(d, ACK, 1, 1, 10); /* old */
    dlg_advance(d, LA_SEC);
    dlg_forget(d);
  }
  dlg_until(d, last + 7200 * LA_SEC - 1);
  expect_nothing(d);
  dlg_until(d, last + 7200 * LA_SEC);
  expect(d, ACK, 0, 11, 0);
  dlg_free(d);
}

/* MUST-26: while something is outstanding, or waits for the window, that is what is sent again; probes begin after it. */
static void not_while_something_is_outstanding(void **state) {
  (void)state;
  struct dlg *d = open_alive(1);
  set(d, LA_OPT_KEEPIDLE, 2);
  set(d, LA_OPT_KEEPINTVL, 1);
  assert_int_equal(dlg_send(d, 1, 10), 10);
  expect(d, ACK, 1, 1, 10);
  la_time start = d->now;
  dlg_advance(d, 40 * LA_SEC);
  for (la_time at = 1; at <= 31; at = 2 * at + 1)
    expect(d, ACK, 1, 1, 10, .at = start + at * LA_SEC);
  expect_nothing(d);
  inject(d, ACK, 1, 11, 0);
  start = d->now;
  dlg_advance(d, 2 * LA_SEC);
  expect(d, ACK, 10, 1, 0, .at = start + 2 * LA_SEC);
  inject(d, ACK, 1, 11, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(dlg_send(d, 11, 10), 10);
  dlg_advance(d, 20 * LA_SEC);
  dlg_pump(d);
  for (size_t i = 0; i < d->nout; i++)
    assert_int_equal(d->out[i].seg.len, 1); /* window probes */
  dlg_free(d);
}

/* MUST-24, MUST-27: per connection, at any time. */
static void switched_and_tuned(void **state) {
  (void)state;
  struct dlg *d = open_alive(0);
  dlg_advance(d, 100 * LA_SEC);
  set(d, LA_OPT_KEEPIDLE, 60);
  set(d, LA_OPT_KEEPINTVL, 5);
  set(d, LA_OPT_KEEPCNT, 2);
  set(d, LA_OPT_KEEPALIVE, 1);
  la_time start = d->now;
  dlg_advance(d, 64 * LA_SEC);
  expect(d, ACK, 0, 1, 0, .at = start + 60 * LA_SEC);
  set(d, LA_OPT_KEEPALIVE, 0);
  dlg_advance(d, 1000 * LA_SEC);
  expect_nothing(d);
  set(d, LA_OPT_KEEPALIVE, 1);
  start = d->now;
  dlg_advance(d, 70 * LA_SEC);
  expect(d, ACK, 0, 1, 0, .at = start + 60 * LA_SEC);
  expect(d, ACK, 0, 1, 0, .at = start + 65 * LA_SEC);
  expect(d, RST | ACK, 1, 1, 0, .at = start + 70 * LA_SEC);
  dlg_free(d);
}

/* In every state in which only the peer can move things: CLOSE-WAIT, and FIN-WAIT-2 while the application holds it. */
static void in_half_closed_states(void **state) {
  (void)state;
  struct dlg *d = open_alive(1);
  inject(d, FIN | ACK, 1, 1, 0);
  expect(d, ACK, 1, 2, 0);
  dlg_advance(d, 7200 * LA_SEC);
  expect(d, ACK, 0, 2, 0);
  inject(d, RST, 2, 0, 0); /* the peer has come back without memory */
  dlg_pump(d);
  expect_event(d, LA_EVENT_PEER_FIN);
  expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
  dlg_free(d);

  d = open_alive(1);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, ACK, 1, 2, 0);
  dlg_advance(d, 7200 * LA_SEC);
  expect(d, ACK, 1, 1, 0); /* the FIN's own number */
  inject(d, ACK, 1, 2, 0);
  dlg_advance(d, 7950 * LA_SEC);
  for (unsigned i = 0; i < 10; i++)
    expect(d, ACK, 1, 1, 0);
  expect(d, RST | ACK, 2, 1, 0);
  expect_end(d, LA_BY_CLOCK, LA_HOW_RESET, LA_WHY_KEEPALIVE, LA_ETIMEDOUT);
  dlg_free(d);
}

static void tiny(la_config *c) { c->rcvbuf = 2048; }

/* C18: a peer's probe, with or without its byte of garbage, is answered at once and its byte goes nowhere; at window zero too. */
static void answers(struct dlg *d, uint32_t nxt) {
  uint8_t b[4];
  for (unsigned bytes = 0; bytes < 2; bytes++) {
    dlg_advance(d, LA_SEC); /* such an answer is given twice a second, at most */
    inject(d, ACK, nxt - 1, 1, bytes, .data = "?");
    expect(d, ACK, 1, nxt, 0, .at = d->now);
    expect_nothing(d);
  }
  assert_true(la_recv(d->s, d->conn, b, 0) <= 0);
}

static void probes_are_answered(void **state) {
  (void)state;
  static const uint32_t iss[] = {0x10000000, 0u - 1, 0u - 2, 0x7fffffff};
  for (unsigned i = 0; i < sizeof iss / sizeof iss[0]; i++) {
    struct dlg *d = dlg_new(tiny);
    d->f.iss = iss[i];
    establish(d, PASSIVE_OPEN);
    answers(d, 1);
    uint8_t b[4096];
    assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), LA_AGAIN);
    inject(d, ACK, 1, 1, 1024);
    inject(d, ACK, 1025, 1, 1024);
    dlg_advance(d, LA_SEC);
    dlg_forget(d);
    answers(d, 2049);
    assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 2048);
    dlg_forget(d);
    answers(d, 2049);
    inject(d, FIN | ACK, 2049, 1, 0);
    expect(d, ACK, 1, 2050, 0);
    answers(d, 2050); /* CLOSE-WAIT */
    assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 0);
    dlg_free(d);
  }
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, ACK, 1, 2, 0);
  for (unsigned bytes = 0; bytes < 2; bytes++) { /* FIN-WAIT-2 */
    dlg_advance(d, LA_SEC);
    inject(d, ACK, 0, 2, bytes, .data = "?");
    expect(d, ACK, 2, 1, 0);
  }
  expect_state(d, LA_FIN_WAIT_2);
  dlg_free(d);
}

/* The probe's own number, where SND.NXT is 0: the connection opens at a time at which its ISS is 2^32-1. */
static void probe_at_the_wrap(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  uint32_t steps = 0u - 1 - d->f.irs; /* of 4 us */
  dlg_free(d);
  d = dlg_new(NULL);
  d->now += (la_time)steps * 4 * LA_US;
  establish(d, PASSIVE_OPEN);
  assert_int_equal(d->f.irs, 0u - 1);
  set(d, LA_OPT_KEEPALIVE, 1);
  dlg_advance(d, 7200 * LA_SEC);
  const struct dlg_seg *o = expect(d, ACK, 0, 1, 0);
  assert_int_equal(o->seg.seq, 0u - 1);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(off_by_default),
    cmocka_unit_test(a_silent_peer),
    cmocka_unit_test(the_last_probe_is_answered),
    cmocka_unit_test(any_segment_puts_it_off),
    cmocka_unit_test(not_while_something_is_outstanding),
    cmocka_unit_test(switched_and_tuned),
    cmocka_unit_test(in_half_closed_states),
    cmocka_unit_test(probes_are_answered),
    cmocka_unit_test(probe_at_the_wrap),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
