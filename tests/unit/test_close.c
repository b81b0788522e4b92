/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* CLOSE and ABORT (RFC 9293 3.10.4, 3.10.5), FIN in every order, data after close (RFC 2525 2.16, 2.17), orphans, listeners closed. */
#include "dialogue.h"

static const enum la_state all[] = {LA_SYN_SENT,   LA_SYN_RECEIVED, LA_ESTABLISHED, LA_FIN_WAIT_1,
                                    LA_FIN_WAIT_2, LA_CLOSE_WAIT,   LA_CLOSING,     LA_LAST_ACK};
enum { ALL = sizeof all / sizeof all[0] };

/* E-22, C14: one FIN and never a second, however often CLOSE is called and with what else in between. */
static void close_call(void **state) {
  (void)state;
  for (unsigned n = 0; n < ALL; n++)
    for (unsigned calls = 0; calls < 16; calls++) { /* each bit: la_shutdown or la_close */
      enum la_state st = all[n];
      struct dlg *d = dlg_new(NULL);
      struct place p = dlg_reach(d, st, ACTIVE_OPEN, false);
      unsigned fins = 0;
      for (unsigned i = 0; i < 4; i++) {
        int err = calls >> i & 1 ? la_close(d->s, d->conn, d->now) : la_shutdown(d->s, d->conn, d->now);
        assert_true(err == LA_OK || err == LA_EBADF || (err == LA_ENOTCONN && st == LA_SYN_SENT));
        dlg_pump(d);
        for (; d->nout; fins++)
          expect(d, FIN | ACK, p.us, p.peer, 0);
      }
      assert_int_equal(fins, st == LA_ESTABLISHED || st == LA_CLOSE_WAIT);
      if (st == LA_SYN_SENT && calls) {
        la_end e = expect_end(d, LA_BY_LOCAL, LA_HOW_SILENT, LA_WHY_CLOSE, LA_ECONNABORTED);
        assert_int_equal(e.state, LA_SYN_SENT);
        expect_state(d, LA_CLOSED);
      } else {
        expect_state(d, st == LA_ESTABLISHED ? LA_FIN_WAIT_1 : st == LA_CLOSE_WAIT ? LA_LAST_ACK : st);
      }
      expect_no_event(d);
      dlg_free(d);
    }
}

/* The FIN comes after all that was queued, in the last segment; the state changes at once. */
static void fin_after_queued_data(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(dlg_send(d, 1, 30000), 30000);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect_state(d, LA_FIN_WAIT_1);
  uint32_t at = 1;
  bool fin = false;
  for (unsigned turn = 0; turn < 50 && !fin; turn++) {
    dlg_pump(d);
    while (d->nout) {
      uint32_t left = 30001 - at, n = left < 1460 ? left : 1460;
      fin = at + n == 30001;
      expect(d, fin ? FIN | ACK : ACK, at, 1, n);
      at += n;
    }
    inject(d, ACK, 1, at + (fin ? 1 : 0), 0);
  }
  assert_true(fin);
  expect_state(d, LA_FIN_WAIT_2);
  dlg_free(d);
}

/* E-23: RST from SYN-RECEIVED to CLOSE-WAIT at SND.NXT; silence elsewhere. */
static void abort_call(void **state) {
  (void)state;
  for (unsigned n = 0; n < ALL; n++)
    for (unsigned closed = 0; closed < 2; closed++) {
      enum la_state st = all[n];
      struct dlg *d = dlg_new(NULL);
      struct place p = dlg_reach(d, st, ACTIVE_OPEN, closed);
      bool rst = st != LA_SYN_SENT && st != LA_CLOSING && st != LA_LAST_ACK;
      assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
      if (rst)
        expect(d, RST | ACK, p.us, p.peer, 0);
      expect_nothing(d);
      expect_state(d, LA_CLOSED);
      la_end e = expect_end(d, LA_BY_LOCAL, rst ? LA_HOW_RESET : LA_HOW_SILENT, LA_WHY_ABORT, LA_ECONNABORTED);
      assert_int_equal(e.state, st);
      assert_int_equal(la_abort(d->s, d->conn, d->now), LA_EBADF);
      expect_no_event(d);
      assert_int_equal(dlg_stats(d).conns, 0);
      dlg_free(d);
    }
}
/* In TIME-WAIT there is nothing to abort: the record keeps guarding the pair. */
static void abort_in_time_wait(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_reach(d, LA_TIME_WAIT, ACTIVE_OPEN, false);
  assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
  expect_nothing(d);
  expect_state(d, LA_TIME_WAIT);
  assert_int_equal(la_abort(d->s, d->conn, d->now), LA_EBADF);
  dlg_free(d);
}

/*
 * LAST-ACK and CLOSING are entered at the call, with bytes still queued. Those who are cut off then must hear of it: in the RFC's
 * terms CLOSE is still queued in CLOSE-WAIT, and ABORT there sends RST.
 */
static void abort_with_the_fin_unsent(void **state) {
  (void)state;
  for (unsigned closing = 0; closing < 2; closing++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    d->wnd = 10;
    inject(d, ACK, 1, 1, 0);
    if (!closing) {
      inject(d, FIN | ACK, 1, 1, 0);
      expect(d, ACK, 1, 2, 0);
      expect_event(d, LA_EVENT_PEER_FIN);
    }
    assert_int_equal(dlg_send(d, 1, 5000), 5000);
    assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
    dlg_forget(d);
    if (closing) {
      inject(d, FIN | ACK, 1, 1, 0);
      expect_event(d, LA_EVENT_PEER_FIN);
      dlg_forget(d);
    }
    expect_state(d, closing ? LA_CLOSING : LA_LAST_ACK);
    la_info_rec i;
    assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
    assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
    expect(d, RST | ACK, i.snd_nxt - d->f.irs, 2, 0);
    expect_end(d, LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_ABORT, LA_ECONNABORTED);
    dlg_free(d);
  }
}

/* C10, SHLD-3, RFC 2525 2.17: unread data at close is told with RST, in every state in which there can be some. */
static void close_with_unread_data(void **state) {
  (void)state;
  for (unsigned shut = 0; shut < 2; shut++)
    for (unsigned fin = 0; fin < 2; fin++)
      for (unsigned acked = 0; acked < 2; acked++) {
        struct dlg *d = dlg_new(NULL);
        establish(d, PASSIVE_OPEN);
        if (shut && !fin) {
          assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
          expect(d, FIN | ACK, 1, 1, 0);
        }
        inject(d, fin ? FIN | ACK : ACK, 1, acked && shut && !fin ? 2 : 1, 10);
        dlg_forget(d);
        if (shut && fin) {
          assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
          expect(d, FIN | ACK, 1, 12, 0);
          expect_state(d, LA_LAST_ACK);
        }
        d->nev = 0;
        assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
        expect(d, RST | ACK, 1 + shut, 11 + fin, 0);
        expect_nothing(d);
        expect_end(d, LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_UNREAD, LA_ECONNABORTED);
        expect_state(d, LA_LISTEN);
        dlg_free(d);
      }
}
static void linger_0(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_LINGER, 0, d->now), LA_OK);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, RST | ACK, 1, 1, 0);
  expect_end(d, LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_LINGER, LA_ECONNABORTED);
  dlg_free(d);
}

/* C11, RFC 2525 2.16: data for whom nobody is left. With la_shutdown somebody is. */
static void data_after_close(void **state) {
  (void)state;
  for (unsigned two = 0; two < 2; two++)
    for (unsigned closed = 0; closed < 2; closed++) {
      struct dlg *d = dlg_new(NULL);
      struct place p = dlg_reach(d, two ? LA_FIN_WAIT_2 : LA_FIN_WAIT_1, ACTIVE_OPEN, closed);
      inject(d, ACK, p.peer, p.us - (two ? 0 : 1), 10);
      if (closed) {
        expect(d, RST, p.us - (two ? 0 : 1), 0, 0);
        expect_end(d, LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_DATA_AFTER_CLOSE, LA_ECONNABORTED);
        expect_state(d, LA_CLOSED);
        assert_int_equal(dlg_stats(d).conns, 0);
      } else {
        expect_event(d, LA_EVENT_READABLE);
        uint8_t b[16];
        assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 10);
      }
      dlg_free(d);
    }
}
/* A retransmission of what had been read is no new data. */
static void old_data_after_close(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, ACTIVE_OPEN);
  inject(d, ACK, 1, 1, 10);
  uint8_t b[16];
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 10);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 11, 0);
  inject(d, ACK, 1, 1, 10);
  expect(d, ACK, 2, 11, 0);
  expect_state(d, LA_FIN_WAIT_1);
  inject(d, FIN | ACK, 1, 2, 10); /* the same with the FIN behind it */
  expect(d, ACK, 2, 12, 0);
  expect_state(d, LA_TIME_WAIT);
  dlg_free(d);
}

/* C12: data, data with FIN, bare FIN, in every order, each perhaps twice: the stream ends once, in its place. */
static void fin_in_every_order(void **state) {
  (void)state;
  static const struct {
    unsigned flags;
    uint32_t seq, len;
  } part[4] = {{ACK, 1, 10}, {ACK, 11, 10}, {FIN | ACK, 21, 5}, {FIN | ACK, 26, 0}};
  static const enum la_state in[] = {LA_ESTABLISHED, LA_FIN_WAIT_1, LA_FIN_WAIT_2};
  static const enum la_state to[] = {LA_CLOSE_WAIT, LA_CLOSING, LA_TIME_WAIT};
  for (unsigned s = 0; s < 3; s++)
    for (unsigned order = 0; order < 256; order++)
      for (unsigned twice = 0; twice < 2; twice++) {
        unsigned seen = 0;
        for (unsigned i = 0; i < 4; i++)
          seen |= 1u << (order >> 2 * i & 3);
        if (seen != 15)
          continue;
        struct dlg *d = dlg_new(NULL);
        struct place p = dlg_reach(d, in[s], ACTIVE_OPEN, false);
        uint32_t ack = in[s] == LA_FIN_WAIT_1 ? p.us - 1 : p.us;
        for (unsigned i = 0; i < 4; i++)
          for (unsigned again = 0; again <= twice; again++) {
            unsigned k = order >> 2 * i & 3;
            inject(d, part[k].flags, part[k].seq, ack, part[k].len);
            dlg_forget(d);
          }
        expect_state(d, to[s]);
        expect_event(d, LA_EVENT_READABLE);
        expect_event(d, LA_EVENT_PEER_FIN);
        if (to[s] == LA_TIME_WAIT)
          expect_event(d, LA_EVENT_END);
        expect_no_event(d);
        uint8_t b[64];
        assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 25);
        for (unsigned i = 0; i < 25; i++)
          assert_int_equal(b[i], dlg_byte(1 + i));
        assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 0);
        inject(d, ACK, 27, ack, 5); /* E-20: nothing comes after the FIN */
        inject(d, FIN | ACK, 27, ack, 5);
        dlg_forget(d);
        assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 0);
        expect_no_event(d);
        dlg_free(d);
      }
}
/* A FIN that does not fit into the window is not there. */
static void small(la_config *c) { c->rcvbuf = 2048; }
static void fin_beyond_the_window(void **state) {
  (void)state;
  struct dlg *d = dlg_new(small);
  establish(d, PASSIVE_OPEN);
  inject(d, FIN | ACK, 1, 1, 2048); /* all of it but the FIN */
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 2049, 0, .wnd = ZERO_WINDOW);
  expect_event(d, LA_EVENT_READABLE);
  expect_state(d, LA_ESTABLISHED);
  inject(d, FIN | ACK, 2049, 1, 0);
  expect(d, ACK, 1, 2049, 0);
  expect_state(d, LA_ESTABLISHED);
  uint8_t b[2048];
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 2048);
  expect(d, ACK, 1, 2049, 0, .wnd = 2048);
  inject(d, FIN | ACK, 2049, 1, 0);
  expect(d, ACK, 1, 2050, 0);
  expect_state(d, LA_CLOSE_WAIT);
  dlg_free(d);
}
static void fin_without_ack(void **state) {
  (void)state;
  for (unsigned n = 1; n < ALL; n++) {
    struct dlg *d = dlg_new(NULL);
    struct place p = dlg_reach(d, all[n], ACTIVE_OPEN, false);
    inject(d, FIN, p.peer, 0, 0);
    inject(d, FIN | PSH | URG, p.peer, 0, 10);
    expect_nothing(d);
    expect_state(d, all[n]);
    assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_FLAGS], 2);
    dlg_free(d);
  }
}

/* E-17 and E-18: every way through the release, with a FIN that is acknowledged with or before the peer's. */
static void releases(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct place p = dlg_reach(d, LA_FIN_WAIT_1, ACTIVE_OPEN, false); /* four segments */
  inject(d, ACK, p.peer, p.us, 0);
  expect_state(d, LA_FIN_WAIT_2);
  dlg_advance(d, 1000 * LA_SEC); /* la_shutdown: it is the application's to hold */
  expect_state(d, LA_FIN_WAIT_2);
  inject(d, FIN | ACK, p.peer, p.us, 0);
  expect(d, ACK, p.us, p.peer + 1, 0);
  expect_state(d, LA_TIME_WAIT);
  expect_event(d, LA_EVENT_PEER_FIN);
  la_end e = expect_end(d, LA_BY_LOCAL, LA_HOW_FOUR_SEGMENTS, LA_WHY_CLOSE, LA_OK);
  assert_int_equal(e.first_fin, LA_BY_LOCAL);
  assert_int_equal(e.time_wait, LA_TW_LOCAL);
  assert_int_equal(e.in_state_ms[LA_STAGE_CLOSING_2], 1000000);
  dlg_free(d);

  d = dlg_new(NULL);
  p = dlg_reach(d, LA_LAST_ACK, PASSIVE_OPEN, true);
  inject(d, ACK, p.peer, p.us - 1, 0); /* not of the FIN */
  expect_state(d, LA_LAST_ACK);
  inject(d, ACK, p.peer, p.us, 0);
  expect_nothing(d);
  expect_state(d, LA_LISTEN);
  e = expect_end(d, LA_BY_PEER, LA_HOW_FOUR_SEGMENTS, LA_WHY_CLOSE, LA_OK);
  assert_int_equal(e.first_fin, LA_BY_PEER);
  assert_int_equal(e.time_wait, LA_TW_PEER);
  assert_int_equal(e.state, LA_LAST_ACK);
  assert_true(e.passive);
  dlg_free(d);
}

/* C13, B9: the ACK of our FIN never comes: the FIN again and again, at the same number, until R2. */
static void fin_unacknowledged(void **state) {
  (void)state;
  static const enum la_state in[] = {LA_FIN_WAIT_1, LA_CLOSING, LA_LAST_ACK};
  for (unsigned n = 0; n < 3; n++)
    for (unsigned closed = 0; closed < 2; closed++) {
      struct dlg *d = dlg_new(NULL);
      struct place p = dlg_reach(d, in[n], ACTIVE_OPEN, closed);
      la_time t = d->now;
      dlg_until(d, t + 120 * LA_SEC - 1);
      unsigned fins = 0;
      for (; d->nout; fins++)
        expect(d, FIN | ACK, p.us - 1, p.peer, 0);
      assert_true(fins >= 5 && fins <= 7);
      if (!closed)
        expect_event(d, LA_EVENT_TROUBLE);
      expect_state(d, in[n]);
      dlg_until(d, t + 121 * LA_SEC);
      expect_state(d, LA_CLOSED);
      la_end e = expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, n == 2 ? LA_WHY_LAST_ACK : LA_WHY_RETRANSMIT, LA_ETIMEDOUT);
      assert_int_equal(e.fin_retransmits, fins);
      expect_no_event(d);
      dlg_advance(d, 1000 * LA_SEC);
      expect_nothing(d);
      dlg_free(d);
    }
}

/* B7: FIN-WAIT-2 is the application's while it holds on; an orphan's ends after fin_wait_2. */
static void fin_wait_2_orphan(void **state) {
  (void)state;
  for (unsigned late = 0; late < 2; late++) {
    struct dlg *d = dlg_new(NULL);
    struct place p = dlg_reach(d, LA_FIN_WAIT_2, ACTIVE_OPEN, !late);
    if (late) {
      dlg_advance(d, 500 * LA_SEC);
      expect_state(d, LA_FIN_WAIT_2);
      assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    }
    assert_int_equal(dlg_stats(d).orphans, 1);
    dlg_advance(d, 60 * LA_SEC - 1);
    expect_state(d, LA_FIN_WAIT_2);
    dlg_advance(d, 1);
    expect_state(d, LA_CLOSED);
    expect_nothing(d);
    expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_FIN_WAIT_2, LA_ETIMEDOUT);
    assert_int_equal(dlg_stats(d).orphans, 0);
    inject(d, FIN | ACK, p.peer, p.us, 0);
    expect(d, RST, p.us, 0, 0);
    dlg_free(d);
  }
}

/* Its keepalive ends with la_close: the clock of FIN-WAIT-2 is enough. */
static void fin_wait_2_orphan_sends_no_probes(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct place p = dlg_reach(d, LA_FIN_WAIT_2, ACTIVE_OPEN, false);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_KEEPIDLE, 10, d->now), LA_OK);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_KEEPALIVE, 1, d->now), LA_OK);
  dlg_advance(d, 10 * LA_SEC);
  expect(d, ACK, p.us - 1, p.peer, 0);
  inject(d, ACK, p.peer, p.us, 0);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  dlg_advance(d, 59 * LA_SEC);
  expect_nothing(d);
  expect_state(d, LA_FIN_WAIT_2);
  dlg_free(d);
}

static void two_orphans(la_config *c) { c->max_orphans = 2; }
static void orphan_limit(void **state) {
  (void)state;
  struct dlg *d = dlg_new(two_orphans);
  for (unsigned i = 0; i < 4; i++) {
    dlg_other(d, (uint16_t)(1000 + i));
    establish(d, PASSIVE_OPEN);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    if (i < 2) {
      expect(d, FIN | ACK, 1, 1, 0);
    } else {
      expect(d, RST | ACK, 1, 1, 0);
      expect_end(d, LA_BY_POLICY, LA_HOW_RESET, LA_WHY_MEMORY, LA_ECONNABORTED);
    }
    expect_nothing(d);
  }
  assert_int_equal(dlg_stats(d).orphans, 2);
  assert_int_equal(dlg_stats(d).orphans_aborted, 2);
  dlg_free(d);
}

/* la_close_by: RST at the deadline, whatever else would have been the limit; not when it ended in time. */
static void close_by(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  la_time t = d->now;
  assert_int_equal(la_close_by(d->s, d->conn, t + 5 * LA_SEC, t), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, ACK, 1, 2, 0);
  expect_state(d, LA_FIN_WAIT_2);
  dlg_until(d, t + 5 * LA_SEC - 1);
  expect_nothing(d);
  dlg_advance(d, 1);
  expect_at(d, t + 5 * LA_SEC, RST | ACK, 2, 1, 0);
  assert_int_equal(expect_event(d, LA_EVENT_END)->end.how, LA_HOW_RESET);
  expect_state(d, LA_LISTEN);
  dlg_other(d, 2);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_close_by(d->s, d->conn, d->now + LA_SEC, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  dlg_advance(d, 2 * LA_SEC);
  expect_nothing(d);
  expect_state(d, LA_TIME_WAIT);
  dlg_free(d);
}

/* C15: the listener goes at each step of its children. */
static void listener_closed(void **state) {
  (void)state;
  enum { SYN_GOT, QUEUED, QUEUED_DATA, QUEUED_FIN, QUEUED_RESET, ACCEPTED, STEPS };
  for (unsigned step = 0; step < STEPS; step++)
    for (unsigned told = 0; told < 2; told++) { /* has the ACCEPT event been taken? */
      struct dlg *d = dlg_new(NULL);
      dlg_listen(d);
      inject(d, SYN, 0, 0, 0);
      expect(d, SYN | ACK, 0, 1, 0);
      d->hold_events = !told;
      if (step != SYN_GOT)
        inject(d, ACK, 1, 1, step == QUEUED_DATA ? 10 : 0);
      if (step == QUEUED_FIN)
        inject(d, FIN | ACK, 1, 1, 0);
      if (step == QUEUED_RESET)
        inject(d, RST | ACK, 1, 1, 0);
      if (step == ACCEPTED)
        assert_int_equal(dlg_accept(d), LA_OK);
      dlg_forget(d);
      d->nev = 0;
      assert_int_equal(la_listener_close(d->s, d->listener, d->now), LA_OK);
      d->hold_events = false;
      if (step == QUEUED || step == QUEUED_DATA || step == QUEUED_FIN)
        expect(d, RST | ACK, 1, step == QUEUED ? 1 : step == QUEUED_FIN ? 2 : 11, 0);
      expect_nothing(d);
      expect_no_event(d); /* nobody got the connection, so nobody hears of its end */
      expect_state(d, step == ACCEPTED ? LA_ESTABLISHED : LA_CLOSED);
      la_stats s = dlg_stats(d);
      assert_int_equal(s.conns, step == ACCEPTED);
      assert_int_equal(s.half_open, 0);
      assert_int_equal(s.listeners, 0);
      assert_int_equal(la_listener_close(d->s, d->listener, d->now), LA_EBADF);
      if (step != ACCEPTED) {
        inject(d, ACK, 1, 1, 0);
        expect(d, RST, 1, 0, 0);
      }
      dlg_advance(d, 100 * LA_SEC);
      expect_nothing(d);
      dlg_free(d);
    }
}
/* Many at once, and another listener's children stay. */
static void listener_closed_among_others(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  la_listener first = d->listener;
  d->f.lport = 81;
  dlg_listen(d);
  struct flow f[20];
  for (unsigned i = 0; i < 20; i++) {
    d->f.lport = i & 1 ? 81 : 80;
    dlg_other(d, (uint16_t)(1000 + i));
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    if (i & 2)
      inject(d, ACK, 1, 1, 0);
    f[i] = d->f;
  }
  d->nev = 0;
  assert_int_equal(la_listener_close(d->s, first, d->now), LA_OK);
  for (unsigned i = 0; i < 20; i++) {
    d->f = f[i];
    if (!(i & 1) && i & 2)
      expect(d, RST | ACK, 1, 1, 0);
    expect_state(d, i & 1 ? (i & 2 ? LA_ESTABLISHED : LA_SYN_RECEIVED) : LA_CLOSED);
  }
  expect_nothing(d);
  expect_no_event(d);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(close_call),
    cmocka_unit_test(fin_after_queued_data),
    cmocka_unit_test(abort_call),
    cmocka_unit_test(abort_in_time_wait),
    cmocka_unit_test(abort_with_the_fin_unsent),
    cmocka_unit_test(close_with_unread_data),
    cmocka_unit_test(linger_0),
    cmocka_unit_test(data_after_close),
    cmocka_unit_test(old_data_after_close),
    cmocka_unit_test(fin_in_every_order),
    cmocka_unit_test(fin_beyond_the_window),
    cmocka_unit_test(fin_without_ack),
    cmocka_unit_test(releases),
    cmocka_unit_test(fin_unacknowledged),
    cmocka_unit_test(fin_wait_2_orphan),
    cmocka_unit_test(fin_wait_2_orphan_sends_no_probes),
    cmocka_unit_test(orphan_limit),
    cmocka_unit_test(close_by),
    cmocka_unit_test(listener_closed),
    cmocka_unit_test(listener_closed_among_others),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
