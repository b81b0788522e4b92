/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* RST and challenge: blind resets and SYNs in each state (RFC 5961 3, 4), half-open recovery (RFC 9293 3.5.1), ACK wars (A.2). */
#include "dialogue.h"

static const enum la_state synchronized[] = {LA_SYN_RECEIVED, LA_ESTABLISHED, LA_FIN_WAIT_1, LA_FIN_WAIT_2,
                                             LA_CLOSE_WAIT,   LA_CLOSING,     LA_LAST_ACK};
enum { SYNCHRONIZED = sizeof synchronized / sizeof synchronized[0], GAP_MS = 520 };

static uint32_t window(struct dlg *d) {
  la_info_rec i;
  return la_info(d->s, d->conn, &i) == LA_OK ? i.rcv_wnd : 65535;
}

/* What came in order before the end may be read after it; what lay beyond a hole is lost, and an abort of our own throws all away. */
static void unread_bytes_outlive_the_end(void **state) {
  (void)state;
  uint8_t got[200];
  for (unsigned aborted = 0; aborted < 2; aborted++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    inject(d, ACK, 1, 1, 100);
    inject(d, ACK, 151, 1, 50);
    dlg_forget(d);
    if (aborted)
      assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
    else
      inject(d, RST, 101, 0, 0);
    dlg_pump(d);
    assert_int_equal(la_recv(d->s, d->conn, got, 30), aborted ? LA_EBADF : 30);
    if (!aborted) {
      la_info_rec r;
      assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
      assert_int_equal(r.unread, 70);
      assert_int_equal(la_peek(d->s, d->conn, 10, got, 200), 60);
      assert_int_equal(la_recv(d->s, d->conn, got, 200), 70);
      assert_int_equal(got[0], dlg_byte(31));
      assert_int_equal(la_recv(d->s, d->conn, got, 200), LA_ECONNRESET);
      assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
      expect_nothing(d);
    }
    dlg_free(d);
  }
}

/* Whoever has closed hears of nothing but END, though more was waiting to be told. */
static void only_end_is_told_after_closing(void **state) {
  (void)state;
  for (unsigned way = 0; way < 3; way++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    inject(d, ACK | FIN, 1, 1, 100); /* READABLE and PEER_FIN wait */
    if (way == 2)
      assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_LINGER, 0, d->now), LA_OK);
    assert_int_equal(way ? la_close(d->s, d->conn, d->now) : la_abort(d->s, d->conn, d->now), LA_OK);
    assert_int_equal(expect_event(d, LA_EVENT_END)->end.err, LA_ECONNABORTED);
    expect_no_event(d);
    dlg_free(d);
  }
}

/* A1: what a RST does depends on its SEQ alone. Expected answers as a table. */
static void blind_rst(void **state) {
  (void)state;
  enum answer { SILENT, RESET, CHALLENGE };
  for (unsigned n = 0; n < SYNCHRONIZED; n++)
    for (unsigned pos = 0; pos < 7; pos++)
      for (unsigned with = 0; with < 8; with++)
        for (unsigned closed = 0; closed < 2; closed++) {
          enum la_state st = synchronized[n];
          struct dlg *d = dlg_new(NULL);
          struct place p = dlg_reach(d, st, ACTIVE_OPEN, closed);
          uint32_t w = window(d);
          const struct {
            uint32_t seq;
            enum answer want;
          } row[7] = {{0u - 1, SILENT}, {0, RESET},         {1, CHALLENGE},    {w - 1, CHALLENGE},
                      {w, SILENT},      {1u << 31, SILENT}, {w / 2, CHALLENGE}};
          unsigned flags = RST | (with & 1 ? ACK : 0) | (with & 2 ? FIN : 0) | (with & 4 ? PSH : 0);
          inject(d, flags, p.peer + row[pos].seq, with & 2 ? p.us : 99999, 0);
          if (row[pos].want == CHALLENGE)
            expect(d, ACK, p.us, p.peer, 0);
          expect_nothing(d);
          expect_state(d, row[pos].want == RESET ? LA_CLOSED : st);
          if (row[pos].want == RESET) {
            la_end e = expect_event(d, LA_EVENT_END)->end;
            assert_int_equal(e.who, LA_BY_PEER);
            assert_int_equal(e.how, LA_HOW_RESET);
            assert_int_equal(e.err, st == LA_SYN_RECEIVED ? LA_ECONNREFUSED : LA_ECONNRESET);
            assert_int_equal(e.state, st);
          }
          expect_no_event(d);
          dlg_free(d);
        }
}

/* SHLD-2: text on a RST changes nothing; MUST-66: nor does a closed window. */
static void small(la_config *c) { c->rcvbuf = 2048; }
static void rst_with_text_and_closed_window(void **state) {
  (void)state;
  for (unsigned shut = 0; shut < 2; shut++)
    for (unsigned len = 0; len < 3; len++) {
      struct dlg *d = dlg_new(small);
      establish(d, PASSIVE_OPEN);
      uint32_t at = 1;
      if (shut) {
        inject(d, ACK, 1, 1, 1024);
        inject(d, ACK, 1025, 1, 1024);
        at = 2049;
        dlg_advance(d, LA_SEC);
        expect(d, ACK, 1, at, 0, .wnd = ZERO_WINDOW);
        expect_event(d, LA_EVENT_READABLE);
      }
      inject(d, RST | ACK, at + (shut ? 1 : 2048), 1, len * 10);
      expect_nothing(d);
      expect_state(d, LA_ESTABLISHED);
      inject(d, RST | ACK, at, 1, len * 10);
      expect_nothing(d);
      expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
      dlg_free(d);
    }
}

/* A2, E-12: a SYN in a synchronized state draws an ACK whatever its number, and changes nothing. */
static void blind_syn(void **state) {
  (void)state;
  static const unsigned with[] = {SYN, SYN | ACK, SYN | FIN, SYN | FIN | ACK, SYN | PSH, SYN | URG | ACK};
  for (unsigned ts = 0; ts < 3; ts++) /* 1: timestamps; 2: the connection has them, the SYN does not */
    for (unsigned n = 1; n < SYNCHRONIZED; n++)
      for (unsigned j = 0; j < sizeof with / sizeof with[0]; j++) {
        enum la_state st = synchronized[n];
        struct dlg *d = dlg_new(NULL);
        if (ts)
          d->f.syn.have |= TCP_OPT_TS;
        struct place p = dlg_reach(d, st, ACTIVE_OPEN, false);
        uint32_t w = window(d);
        const uint32_t seqs[] = {p.peer - 1, p.peer, p.peer + 1, p.peer + w - 1, p.peer + w, p.peer + (1u << 31), p.peer - 5000};
        la_time t = d->now;
        for (unsigned i = 0; i < 7; i++) {
          d->now = t; /* so that nothing of ours is due */
          inject(d, with[j], seqs[i], p.us, j % 3, .plain = ts == 2);
          expect(d, ACK, p.us, p.peer, 0);
          expect_nothing(d);
          expect_state(d, st);
          expect_no_event(d);
          dlg_free(d);
          d = dlg_new(NULL);
          if (ts)
            d->f.syn.have |= TCP_OPT_TS;
          p = dlg_reach(d, st, ACTIVE_OPEN, false);
          t = d->now;
        }
        dlg_free(d);
      }
}
/* The peer's clock may stand lower after a restart: its SYN must draw the ACK all the same (RFC 9293 3.5.1). */
static void syn_with_old_stamp(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  establish(d, PASSIVE_OPEN);
  for (unsigned i = 0; i < 20; i++)
    inject(d, SYN, 5000, 0, 0, .ts_back = 4000);
  expect(d, ACK, 1, 1, 0);
  for (unsigned i = 0; i < 20; i++) {
    inject(d, SYN, 5000, 0, 0, .ts_back = 4000);
    expect_nothing(d); /* as often as any challenge, no more */
  }
  dlg_free(d);
}
/* The same against a half-open record. */
static void syn_without_stamp_in_syn_received(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, SYN, 5000, 0, 0, .plain = true);
  expect(d, ACK, 1, 1, 0);
  inject(d, RST, 1, 0, 0);
  expect_state(d, LA_LISTEN);
  dlg_free(d);
}

/* One challenge in challenge_gap, at whatever instant the first came. */
static void challenge_rate(void **state) {
  (void)state;
  for (unsigned start = 0; start < 40; start++)
    for (unsigned half = 0; half < 2; half++) {
      struct dlg *d = dlg_new(NULL);
      dlg_advance(d, start * LA_MS);
      dlg_reach(d, half ? LA_SYN_RECEIVED : LA_ESTABLISHED, PASSIVE_OPEN, false);
      la_time t = d->now;
      inject(d, RST, 100, 0, 0);
      expect(d, ACK, 1, 1, 0);
      while (d->now < t + 495 * LA_MS) {
        inject(d, RST, 100, 0, 0);
        expect_nothing(d);
        dlg_advance(d, LA_MS);
      }
      dlg_until(d, t + GAP_MS * LA_MS);
      inject(d, RST, 100, 0, 0);
      expect(d, ACK, 1, 1, 0);
      assert_int_equal(dlg_stats(d).challenge_acks, 2);
      dlg_free(d);
    }
}
/* At every instant of the stamps' range, its wrap included. */
static void challenge_rate_for_long(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  unsigned acks = 0, turns = 0;
  for (; d->now < 1300 * LA_SEC; turns++) { /* the 16 bits wrap twice */
    dlg_advance(d, 53 * LA_MS);
    inject(d, RST, 100, 0, 0);
    inject(d, RST, 100, 0, 0);
    dlg_pump(d);
    acks += (unsigned)d->nout;
    dlg_forget(d);
  }
  assert_true(acks > 1200 * 2 - 200 && acks <= 1300 * 2);
  dlg_free(d);
}

/* A4: what one connection's budget is cannot be seen on another. */
static void challenges_are_private(void **state) {
  (void)state;
  unsigned seen[2];
  for (unsigned noise = 0; noise < 2; noise++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    struct flow one = d->f, two;
    dlg_other(d, 7777);
    establish(d, PASSIVE_OPEN);
    two = d->f;
    seen[noise] = 0;
    for (unsigned i = 0; i < 100; i++) {
      dlg_advance(d, 100 * LA_MS);
      d->f = one;
      for (unsigned j = 0; noise && j < 50; j++)
        inject(d, RST, 100, 0, 0);
      dlg_forget(d);
      d->f = two;
      inject(d, RST, 100, 0, 0);
      dlg_pump(d);
      seen[noise] += (unsigned)d->nout;
      dlg_forget(d);
    }
    dlg_free(d);
  }
  assert_int_equal(seen[0], seen[1]);
  assert_true(seen[0] > 10);
}

/* C5, figure 9: the peer lost its memory and opens anew; our ACK makes it send RST, and all is clear. */
static void peer_restarted_and_opens(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  la_conn old = d->conn;
  inject(d, SYN, 400, 0, 0);
  expect(d, ACK, 1, 1, 0);
  inject(d, RST, 1, 0, 0); /* SEQ = SEG.ACK */
  expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
  assert_int_equal(la_close(d->s, old, d->now), LA_OK);
  d->f.irs_known = false;
  d->f.iss += 400;
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_free(d);
}
/*
 * Figure 10: we send, or close, and the peer knows nothing: its RST has the form of 3.5.2's first group. With ACK it is an abort; where
 * nothing of ours is out it answers nothing; after the peer's FIN it may have closed fully.
 */
static void peer_restarted_and_we_send(void **state) {
  (void)state;
  static const struct {
    bool send, close, fin;
    unsigned flags;
    enum la_why why;
  } rows[] = {{true, false, false, RST, LA_WHY_HALF_OPEN},   {true, false, false, RST | ACK, LA_WHY_PEER_RESET},
              {false, false, false, RST, LA_WHY_PEER_RESET}, {false, true, false, RST, LA_WHY_HALF_OPEN},
              {true, false, true, RST, LA_WHY_PEER_RESET},   {false, true, false, RST | ACK, LA_WHY_PEER_RESET}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, ACTIVE_OPEN);
    if (rows[i].fin) {
      inject(d, FIN | ACK, 1, 1, 0);
      expect(d, ACK, 1, 2, 0);
      expect_event(d, LA_EVENT_PEER_FIN);
    }
    if (rows[i].send) {
      assert_int_equal(dlg_send(d, 1, 100), 100);
      expect(d, ACK, 1, 1 + rows[i].fin, 100);
    }
    if (rows[i].close) {
      assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
      expect(d, FIN | ACK, 1, 1, 0);
    }
    inject(d, rows[i].flags, 1 + rows[i].fin, 1, 0);
    expect_end(d, LA_BY_PEER, LA_HOW_RESET, rows[i].why, LA_ECONNRESET);
    assert_int_equal(la_send(d->s, d->conn, "x", 1), LA_ECONNRESET);
    dlg_free(d);
  }
}
/* We restarted, the peer is established: our SYN draws its ACK, which draws our RST; then the SYN comes again and opens. */
static void we_restarted(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  inject(d, ACK, 1234, 4321, 0);
  expect(d, RST, 4321, 0, 0);
  expect_state(d, LA_SYN_SENT);
  dlg_advance(d, LA_SEC);
  expect(d, SYN, 0, 0, 0);
  inject(d, SYN | ACK, 0, 1, 0);
  expect(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ESTABLISHED);
  dlg_free(d);
}

/* C9. Two stacks, each sure of a connection with the other, whose numbers do not fit. */
static void join(struct dlg *a, struct dlg *b, uint32_t off_a, uint32_t off_b) {
  assert_int_equal(dlg_connect(a), LA_OK);
  assert_int_equal(dlg_connect(b), LA_OK);
  expect(a, SYN, 0, 0, 0);
  expect(b, SYN, 0, 0, 0);
  a->f.iss = b->f.irs + off_a; /* what a believes b began with */
  b->f.iss = a->f.irs + off_b;
  struct dlg *both[] = {a, b};
  for (unsigned i = 0; i < 2; i++) {
    inject(both[i], SYN | ACK, 0, 1, 0);
    expect(both[i], ACK, 1, 1, 0);
    expect_event(both[i], LA_EVENT_ESTABLISHED);
  }
}
static unsigned carry(struct dlg *from, struct dlg *to) {
  dlg_pump(from);
  unsigned n = (unsigned)from->nout;
  for (unsigned i = 0; i < n; i++) {
    struct dlg_seg *o = &from->out[i];
    la_frame f = {.data = o->bytes, .len = (uint32_t)(o->seg.data - o->bytes) + o->seg.len};
    assert_int_equal(la_input(to->s, to->link, &f, 1, to->now), 1);
    free(o->bytes);
  }
  from->nout = 0;
  return n;
}
static void ack_war(void **state) {
  (void)state;
  static const uint32_t offs[] = {0, 1, 2, 1000, 70000, 0u - 1, 0u - 2, 0u - 1000, 0u - 70000, 1u << 31, (1u << 31) - 1, (1u << 31) + 1};
  enum { N = sizeof offs / sizeof offs[0] };
  for (unsigned i = 0; i < N; i++)
    for (unsigned j = 0; j < N; j++)
      for (unsigned how = 0; how < 3; how++) {
        struct dlg *a = dlg_new(NULL), *b = dlg_new_peer(NULL);
        join(a, b, offs[i], offs[j]);
        if (how == 0) /* a keepalive probe sets it off */
          assert_int_equal(
            la_set_option(a->s, a->conn, LA_OPT_KEEPIDLE, 1, a->now) | la_set_option(a->s, a->conn, LA_OPT_KEEPALIVE, 1, a->now), LA_OK);
        else if (how == 1)
          assert_true(dlg_send(a, 1, 3000) > 0 && dlg_send(b, 1, 3000) > 0);
        else
          assert_int_equal(la_close(a->s, a->conn, a->now) | la_close(b->s, b->conn, b->now), LA_OK);
        unsigned segments = 0;
        for (unsigned ms = 0; ms < 10000; ms++) {
          segments += carry(a, b) + carry(b, a);
          dlg_advance(a, LA_MS);
          dlg_advance(b, LA_MS);
        }
        if (segments > 150)
          fail_msg("%u segments in 10 s; offsets %d %d, cause %u", segments, (int)offs[i], (int)offs[j], how);
        dlg_free(a);
        dlg_free(b);
      }
}

/* A14: never a RST in answer to a RST, in no state. */
static void rst_never_draws_rst(void **state) {
  (void)state;
  for (enum la_state st = LA_CLOSED; st < LA_STATES; st++)
    for (unsigned f = 0; f < 64; f++) {
      struct dlg *d = dlg_new(NULL);
      struct place p = dlg_reach(d, st, ACTIVE_OPEN, false);
      inject(d, RST | f, p.peer + f % 5, p.us + f % 3, f & 1 ? 0 : 4);
      dlg_pump(d);
      for (size_t i = 0; i < d->nout; i++)
        assert_false(d->out[i].seg.flags & RST);
      assert_true(d->nout <= 1);
      dlg_free(d);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(blind_rst),
    cmocka_unit_test(unread_bytes_outlive_the_end),
    cmocka_unit_test(only_end_is_told_after_closing),
    cmocka_unit_test(rst_with_text_and_closed_window),
    cmocka_unit_test(blind_syn),
    cmocka_unit_test(syn_with_old_stamp),
    cmocka_unit_test(syn_without_stamp_in_syn_received),
    cmocka_unit_test(challenge_rate),
    cmocka_unit_test(challenge_rate_for_long),
    cmocka_unit_test(challenges_are_private),
    cmocka_unit_test(peer_restarted_and_opens),
    cmocka_unit_test(peer_restarted_and_we_send),
    cmocka_unit_test(we_restarted),
    cmocka_unit_test(ack_war),
    cmocka_unit_test(rst_never_draws_rst),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
