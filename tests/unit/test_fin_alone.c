/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* A connection that has no memory for its scoreboard, or for a TIME-WAIT record, is released all the same. */
#include "dialogue.h"

/* RFC 9293 3.8.1: a FIN that is not acknowledged goes again, RTO after RTO (RFC 6298 5.5), even where nothing can be remembered of it. */
static void fin_without_a_scoreboard(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++)
    for (unsigned side = 0; side < 2; side++) {
      struct dlg *d = dlg_new(NULL);
      if (six)
        dlg_use6(d);
      establish(d, side ? ACTIVE_OPEN : PASSIVE_OPEN);
      la_time start = d->now, rto = LA_SEC;
      assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
      d->mem.fail_from = d->mem.calls + 1;
      expect(d, FIN | ACK, 1, 1, 0);
      expect_state(d, LA_FIN_WAIT_1);
      for (unsigned i = 0; i < 3; i++, rto *= 2) {
        dlg_advance(d, rto);
        start += rto;
        expect_at(d, start, FIN | ACK, 1, 1, 0);
        expect_nothing(d);
      }
      inject(d, ACK, 1, 2, 0);
      expect_state(d, LA_FIN_WAIT_2);
      dlg_advance(d, 10 * LA_SEC);
      expect_nothing(d); /* acknowledged: never again */
      d->mem.fail_from = 0;
      inject(d, FIN | ACK, 1, 2, 0);
      expect(d, ACK, 2, 2, 0);
      expect_end(d, LA_BY_LOCAL, LA_HOW_FOUR_SEGMENTS, LA_WHY_CLOSE, LA_OK);
      expect_state(d, LA_TIME_WAIT);
      dlg_free(d);
    }
}

/* R2 (3.8.3) holds for it, too. */
static void fin_without_a_scoreboard_gives_up(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, ACTIVE_OPEN);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  d->mem.fail_from = d->mem.calls + 1;
  expect(d, FIN | ACK, 1, 1, 0);
  unsigned again = 0;
  for (unsigned i = 0; i < 1000 && dlg_state(d) == LA_FIN_WAIT_1; i++) {
    dlg_advance(d, LA_SEC);
    for (; d->nout && d->out[0].seg.flags & FIN; again++)
      expect(d, FIN | ACK, 1, 1, 0);
    if (d->nout)
      expect(d, RST | ACK, 2, 1, 0);
  }
  assert_true(again >= 3);
  expect_state(d, LA_CLOSED);
  dlg_free(d);
}

/* No room for another TIME-WAIT record: the oldest gives way (RFC 9293 3.6.1 wants the newest peers' duplicates kept out). */
static void time_wait_gives_way(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  unsigned n = 0;
  uint32_t most = 0;
  la_conn c;
  dlg_listen(d);
  for (; n < 3000; n++) {
    dlg_other(d, (uint16_t)(2000 + n));
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0);
    dlg_pump(d);
    assert_int_equal(la_accept(d->s, d->listener, NULL, &c), LA_OK);
    assert_int_equal(la_close(d->s, c, d->now), LA_OK);
    expect(d, FIN | ACK, 1, 1, 0);
    d->mem.fail_from = n < 100 ? 0 : d->mem.calls + 1; /* the records there are must do */
    inject(d, FIN | ACK, 1, 2, 0);
    expect(d, ACK, 2, 2, 0);
    d->mem.fail_from = 0;
    expect_state(d, LA_TIME_WAIT);
    dlg_forget(d);
    uint32_t now = dlg_stats(d).time_wait;
    if (n > 100 && now <= most)
      break; /* one has gone for this one */
    most = now;
  }
  assert_true(n > 100 && n < 3000);
  d->f.rport = 2000; /* the oldest: its late segment meets nobody, and is reset (3.10.7.1) */
  expect_state(d, LA_LISTEN);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(fin_without_a_scoreboard),
    cmocka_unit_test(fin_without_a_scoreboard_gives_up),
    cmocka_unit_test(time_wait_gives_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
