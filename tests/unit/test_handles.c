/* SPDX-License-Identifier: MIT */
/* Handles cannot dangle, END comes exactly once, events keep their order, READABLE and WRITABLE are edges; options; what la_info says. */
/* lint: theme */
#include "dialogue.h"

static void all_calls_say_ebadf(struct dlg *d, la_conn c) {
  uint8_t b[4] = {0};
  la_info_rec i;
  int64_t v;
  assert_int_equal(la_send(d->s, c, b, 1), LA_EBADF);
  assert_int_equal(la_send(d->s, c, b, 0), LA_EBADF);
  assert_int_equal(la_recv(d->s, c, b, 1), LA_EBADF);
  assert_int_equal(la_peek(d->s, c, 0, b, 1), LA_EBADF);
  assert_int_equal(la_shutdown(d->s, c, d->now), LA_EBADF);
  assert_int_equal(la_close(d->s, c, d->now), LA_EBADF);
  assert_int_equal(la_close_by(d->s, c, d->now, d->now), LA_EBADF);
  assert_int_equal(la_abort(d->s, c, d->now), LA_EBADF);
  assert_int_equal(la_info(d->s, c, &i), LA_EBADF);
  assert_int_equal(la_get_option(d->s, c, LA_OPT_TTL, &v), LA_EBADF);
  assert_int_equal(la_set_option(d->s, c, LA_OPT_TTL, 3, d->now), LA_EBADF);
}

static void stale_handles(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  la_listener none = {0, 0};
  la_conn zero = {0, 0};
  all_calls_say_ebadf(d, zero);
  establish(d, PASSIVE_OPEN);
  la_conn old = d->conn;
  for (unsigned bit = 0; bit < 32; bit++) { /* whatever the bits */
    all_calls_say_ebadf(d, (la_conn){old.index ^ 1u << bit, old.gen});
    all_calls_say_ebadf(d, (la_conn){old.index, old.gen ^ 1u << bit});
  }
  all_calls_say_ebadf(d, (la_conn){UINT32_MAX, UINT32_MAX});
  all_calls_say_ebadf(d, zero);
  assert_int_equal(la_abort(d->s, old, d->now), LA_OK);
  expect(d, RST | ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_END);
  all_calls_say_ebadf(d, old);
  dlg_other(d, 40001); /* the slot lives again, under another name */
  establish(d, PASSIVE_OPEN);
  assert_int_equal(d->conn.index, old.index);
  all_calls_say_ebadf(d, old);
  expect_state(d, LA_ESTABLISHED);

  la_listener l = d->listener;
  assert_int_equal(la_listener_close(d->s, none, d->now), LA_EBADF);
  assert_int_equal(la_listener_close(d->s, l, d->now), LA_OK);
  assert_int_equal(la_listener_close(d->s, l, d->now), LA_EBADF);
  assert_int_equal(la_accept(d->s, l, NULL, &zero), LA_EBADF);
  assert_int_equal(la_accept(d->s, none, NULL, &zero), LA_EBADF);
  d->f.lport = 81;
  dlg_listen(d);
  assert_int_equal(la_accept(d->s, l, NULL, &zero), LA_EBADF);
  assert_int_equal(la_accept(d->s, (la_listener){77777, 1}, NULL, &zero), LA_EBADF);
  dlg_free(d);
}

/* The handle lives until END is taken and the application has closed: both, in either order. */
static void two_conditions(void **state) {
  (void)state;
  for (unsigned end_first = 0; end_first < 2; end_first++)
    for (unsigned by_abort = 0; by_abort < 2; by_abort++) {
      struct dlg *d = dlg_new(NULL);
      establish(d, PASSIVE_OPEN);
      d->hold_events = true;
      inject(d, RST, 1, 0, 0);
      if (end_first) {
        d->hold_events = false;
        expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
      }
      la_info_rec i;
      assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
      assert_int_equal(i.state, LA_CLOSED);
      assert_int_equal(i.waiting, LA_WAITS_NOTHING);
      assert_int_equal(la_send(d->s, d->conn, "x", 1), LA_ECONNRESET);
      uint8_t b[1];
      assert_int_equal(la_recv(d->s, d->conn, b, 1), LA_ECONNRESET);
      assert_int_equal(by_abort ? la_abort(d->s, d->conn, d->now) : la_close(d->s, d->conn, d->now), LA_OK);
      if (!end_first) {
        assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK); /* twice changes nothing */
        d->hold_events = false;
        expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
      }
      all_calls_say_ebadf(d, d->conn);
      expect_no_event(d);
      assert_int_equal(dlg_stats(d).conns, 0);
      dlg_free(d);
    }
}

/* ESTABLISHED, READABLE, PEER_FIN, END in this order, whatever waited how long. */
static void order_of_events(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  int mine;
  la_connect_opts o = {.remote = d->f.peer, .remote_port = d->f.rport, .local_port = d->f.lport, .user = &mine};
  assert_int_equal(la_connect(d->s, &o, &d->conn, d->now), LA_OK);
  expect(d, SYN, 0, 0, 0);
  d->hold_events = true;
  inject(d, SYN | ACK, 0, 1, 0);
  inject(d, FIN | ACK, 1, 1, 10);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  dlg_forget(d);
  inject(d, ACK, 12, 2, 0); /* LAST-ACK is over */
  expect_state(d, LA_CLOSED);
  assert_int_equal(la_deadline(d->s), d->now); /* events wait */
  d->hold_events = false;
  static const enum la_event_type want[] = {LA_EVENT_ESTABLISHED, LA_EVENT_READABLE, LA_EVENT_PEER_FIN, LA_EVENT_END};
  for (unsigned i = 0; i < 4; i++) {
    const la_event *e = expect_event(d, want[i]);
    assert_ptr_equal(e->user, &mine);
    assert_true(la_conn_same(e->conn, d->conn));
  }
  expect_no_event(d);
  uint8_t b[20];
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 10); /* what is left can be read after END */
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 0);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  all_calls_say_ebadf(d, d->conn);
  dlg_free(d);
}

/* What happened while a connection waited to be accepted is told after la_accept, with the user's pointer. */
static void events_before_accept(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  int mine;
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 10);
  inject(d, FIN | ACK, 11, 1, 0);
  inject(d, RST | ACK, 12, 1, 0);
  expect_event(d, LA_EVENT_ACCEPT);
  expect_no_event(d);
  assert_int_equal(la_accept(d->s, d->listener, &mine, &d->conn), LA_OK);
  assert_ptr_equal(expect_event(d, LA_EVENT_READABLE)->user, &mine);
  expect_event(d, LA_EVENT_PEER_FIN);
  la_end e = expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
  assert_int_equal(e.state, LA_CLOSE_WAIT);
  assert_int_equal(e.bytes_in, 10);
  expect_no_event(d);
  dlg_free(d);
}

static void readable_is_an_edge(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  uint8_t b[100];
  inject(d, ACK, 1, 1, 10);
  expect_event(d, LA_EVENT_READABLE);
  inject(d, ACK, 11, 1, 10);
  expect_no_event(d); /* not armed: nothing was read to its end */
  assert_int_equal(la_recv(d->s, d->conn, b, 15), 15);
  inject(d, ACK, 21, 1, 10);
  expect_no_event(d);
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 15);
  inject(d, ACK, 31, 1, 10);
  expect_no_event(d); /* still no LA_AGAIN */
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 10);
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), LA_AGAIN);
  expect_no_event(d);
  inject(d, ACK, 51, 1, 10); /* beyond a hole: nothing to read */
  expect_no_event(d);
  inject(d, ACK, 41, 1, 10);
  expect_event(d, LA_EVENT_READABLE);
  assert_int_equal(la_recv(d->s, d->conn, b, 0), 0);
  assert_int_equal(la_peek(d->s, d->conn, 5, b, sizeof b), 15);
  assert_int_equal(b[0], dlg_byte(46));
  assert_int_equal(la_peek(d->s, d->conn, 20, b, sizeof b), LA_AGAIN);
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 20);
  dlg_free(d);
}

static void small_sndbuf(la_config *c) { c->sndbuf = 4096; }
static void writable_is_an_edge(void **state) {
  (void)state;
  struct dlg *d = dlg_new(small_sndbuf);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(dlg_send(d, 1, 5000), 4096);
  dlg_forget(d);
  inject(d, ACK, 1, 1461, 0);
  expect_no_event(d); /* la_send has not said LA_AGAIN */
  assert_int_equal(dlg_send(d, 4097, 5000), 1460);
  assert_int_equal(dlg_send(d, 5557, 1), LA_AGAIN);
  dlg_forget(d);
  expect_no_event(d);
  inject(d, ACK, 1, 4381, 0);
  expect_event(d, LA_EVENT_WRITABLE);
  assert_int_equal(dlg_send(d, 5557, 10), 10);
  dlg_forget(d);
  inject(d, ACK, 1, 5567, 0);
  expect_no_event(d);
  dlg_free(d);
}

/* Equal events coalesce until they are taken; after la_close only END is told. */
static void coalesced_and_silenced(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  d->hold_events = true;
  uint8_t b[100];
  for (unsigned i = 0; i < 5; i++) {
    inject(d, ACK, 1 + 10 * i, 1, 10);
    assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 10);
    assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), LA_AGAIN);
  }
  d->hold_events = false;
  expect_event(d, LA_EVENT_READABLE);
  expect_no_event(d);
  d->hold_events = true;
  inject(d, FIN | ACK, 51, 1, 0);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  dlg_forget(d);
  inject(d, ACK, 52, 2, 0);
  d->hold_events = false;
  expect_event(d, LA_EVENT_END);
  expect_no_event(d);
  dlg_free(d);
}

/* la_events in pieces of any size gives the same sequence. */
static void few_at_a_time(void **state) {
  (void)state;
  for (size_t max = 1; max < 5; max++) {
    struct dlg *d = dlg_new(NULL);
    dlg_listen(d);
    d->hold_events = true;
    la_conn c[3];
    for (unsigned i = 0; i < 3; i++) {
      dlg_other(d, (uint16_t)(100 + i));
      inject(d, SYN, 0, 0, 0);
      expect(d, SYN | ACK, 0, 1, 0);
      inject(d, FIN | ACK, 1, 1, 5);
      assert_int_equal(dlg_accept(d), LA_OK);
      c[i] = d->conn;
    }
    la_event e[5];
    la_event got[16];
    size_t n = 0, k;
    assert_int_equal(la_events(d->s, e, 0), 0);
    while ((k = la_events(d->s, e, max))) {
      assert_true(k <= max);
      memcpy(&got[n], e, k * sizeof e[0]);
      n += k;
    }
    assert_int_equal(n, 7);
    assert_int_equal(got[0].type, LA_EVENT_ACCEPT);
    for (unsigned i = 0; i < 3; i++) {
      assert_true(la_conn_same(got[1 + 2 * i].conn, c[i]) && la_conn_same(got[2 + 2 * i].conn, c[i]));
      assert_int_equal(got[1 + 2 * i].type, LA_EVENT_READABLE);
      assert_int_equal(got[2 + 2 * i].type, LA_EVENT_PEER_FIN);
    }
    dlg_free(d);
  }
}

/* C16: between any two events the application does whatever it likes with the handle. */
static void calls_between_events(void **state) {
  (void)state;
  for (unsigned what = 0; what < 4; what++)
    for (unsigned when = 0; when < 4; when++) {
      struct dlg *d = dlg_new(NULL);
      assert_int_equal(dlg_connect(d), LA_OK);
      expect(d, SYN, 0, 0, 0);
      d->hold_events = true;
      inject(d, SYN | ACK, 0, 1, 0);
      inject(d, FIN | ACK, 1, 1, 10);
      inject(d, RST | ACK, 12, 1, 0);
      la_event e;
      unsigned ends = 0;
      for (unsigned i = 0; i < 10; i++) {
        if (i == when) {
          la_conn other;
          la_connect_opts o = {.remote = d->f.peer, .remote_port = 7};
          if (what == 0)
            assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
          else if (what == 1)
            assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
          else if (what == 2)
            assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_ENOTCONN);
          else
            assert_int_equal(la_connect(d->s, &o, &other, d->now), LA_OK);
        }
        if (la_events(d->s, &e, 1))
          ends += e.type == LA_EVENT_END;
      }
      assert_int_equal(ends, 1);
      if (what >= 2)
        assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
      all_calls_say_ebadf(d, d->conn);
      dlg_free(d);
    }
}

/* Options: each keeps what it got and refuses what is out of its range. */
static void options(void **state) {
  (void)state;
  static const struct {
    enum la_opt opt;
    int64_t lo, hi, first;
  } rows[] = {
    {LA_OPT_NODELAY, 0, 1, 0},
    {LA_OPT_KEEPALIVE, 0, 1, 0},       /* MUST-25 */
    {LA_OPT_KEEPIDLE, 1, 65535, 7200}, /* MUST-28 */
    {LA_OPT_KEEPINTVL, 1, 65535, 75},
    {LA_OPT_KEEPCNT, 1, 255, 10},
    {LA_OPT_USER_TIMEOUT, 0, INT32_MAX, 0},
    {LA_OPT_LINGER, -1, 0, -1},
    {LA_OPT_SNDBUF, 2048, 1 << 30, 262144},
    {LA_OPT_RCVBUF, 2048, 1 << 30, 262144},
    {LA_OPT_TTL, 1, 255, 64},
    {LA_OPT_TOS, 0, 255, 0},
  };
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  int64_t v;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(la_get_option(d->s, d->conn, rows[i].opt, &v), LA_OK);
    assert_int_equal(v, rows[i].first);
    const int64_t good[] = {rows[i].hi, rows[i].lo}, bad[] = {rows[i].lo - 1, rows[i].hi + 1, INT64_MIN, INT64_MAX};
    for (unsigned j = 0; j < 4; j++)
      assert_int_equal(la_set_option(d->s, d->conn, rows[i].opt, bad[j], d->now), LA_EINVAL);
    for (unsigned j = 0; j < 2; j++) {
      assert_int_equal(la_set_option(d->s, d->conn, rows[i].opt, good[j], d->now), LA_OK);
      assert_int_equal(la_get_option(d->s, d->conn, rows[i].opt, &v), LA_OK);
      assert_int_equal(v, good[j]);
    }
  }
  assert_int_equal(la_set_option(d->s, d->conn, (enum la_opt)99, 1, d->now), LA_EINVAL);
  assert_int_equal(la_get_option(d->s, d->conn, (enum la_opt)99, &v), LA_EINVAL);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_TTL, 7, d->now), LA_OK); /* MUST-49 */
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_TOS, 0xb8, d->now), LA_OK);
  assert_int_equal(dlg_send(d, 1, 10), 10);
  const struct dlg_seg *s = expect(d, ACK, 1, 1, 10);
  assert_int_equal(s->ttl, 7);
  assert_int_equal(s->tos, 0xb8);
  dlg_free(d);
}

/* Results before ESTABLISHED and after each half of the release. */
static void results_by_state(void **state) {
  (void)state;
  uint8_t b[4];
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  assert_int_equal(la_send(d->s, d->conn, "x", 1), LA_ENOTCONN);
  assert_int_equal(la_recv(d->s, d->conn, b, 1), LA_ENOTCONN);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_ENOTCONN);
  la_info_rec i;
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  assert_int_equal(i.waiting, LA_WAITS_PEER_SYN);
  assert_int_equal(i.deadline, d->now + 180 * LA_SEC);
  dlg_free(d);

  d = dlg_new(NULL);
  struct place p = dlg_reach(d, LA_FIN_WAIT_2, PASSIVE_OPEN, false);
  assert_int_equal(la_send(d->s, d->conn, "x", 1), LA_EPIPE);
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  assert_int_equal(i.waiting, LA_WAITS_PEER_FIN);
  assert_int_equal(i.deadline, LA_NEVER);
  inject(d, FIN | ACK, p.peer, p.us, 5);
  dlg_forget(d);
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  assert_int_equal(i.state, LA_TIME_WAIT);
  assert_int_equal(i.waiting, LA_WAITS_2MSL);
  assert_int_equal(i.deadline, d->now + 60 * LA_SEC);
  assert_int_equal(la_recv(d->s, d->conn, b, 4), 4);
  dlg_advance(d, 60 * LA_SEC);
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  assert_int_equal(i.state, LA_CLOSED);
  assert_int_equal(i.deadline, LA_NEVER);
  assert_int_equal(la_recv(d->s, d->conn, b, 4), 1); /* the rest survives the record */
  assert_int_equal(la_recv(d->s, d->conn, b, 4), 0);
  assert_int_equal(la_send(d->s, d->conn, "x", 1), LA_EPIPE);
  dlg_free(d);

  d = dlg_new(NULL);
  dlg_reach(d, LA_CLOSE_WAIT, PASSIVE_OPEN, false);
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  assert_int_equal(i.waiting, LA_WAITS_APP_CLOSE); /* B10: it can be seen */
  assert_int_equal(la_recv(d->s, d->conn, b, 4), 0);
  dlg_advance(d, 100000 * LA_SEC); /* and is never killed */
  expect_state(d, LA_CLOSE_WAIT);
  inject(d, RST, 2, 0, 0);
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  assert_int_equal(i.deadline, LA_NEVER);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(stale_handles),          cmocka_unit_test(two_conditions),
    cmocka_unit_test(order_of_events),        cmocka_unit_test(events_before_accept),
    cmocka_unit_test(readable_is_an_edge),    cmocka_unit_test(writable_is_an_edge),
    cmocka_unit_test(coalesced_and_silenced), cmocka_unit_test(few_at_a_time),
    cmocka_unit_test(calls_between_events),   cmocka_unit_test(options),
    cmocka_unit_test(results_by_state),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
