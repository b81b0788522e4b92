/* SPDX-License-Identifier: MIT */
/* The clocks of a connection, to the instant: retransmission, persist, delayed ACK, and the limits that end it. */
#include "dialogue.h"

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

static void set(struct dlg *d, enum la_opt o, int64_t v) { assert_int_equal(la_set_option(d->s, d->conn, o, v, d->now), LA_OK); }
static void queue(struct dlg *d, uint32_t pos, uint32_t n) { assert_int_equal(dlg_send(d, pos, n), n); }

static struct dlg *open_with(unsigned options, void (*tweak)(la_config *)) {
  struct dlg *d = dlg_new(tweak);
  d->f.syn.have |= (uint8_t)options;
  establish(d, PASSIVE_OPEN);
  return d;
}

/* RFC 2525 2.10, RFC 6298 5.5: in each state that waits for an ACK the distances double, and R2 ends it. */
struct silent {
  enum la_state st;
  unsigned flags;
  uint32_t seq, ack, len;
};

static struct dlg *bring_to(const struct silent *s) {
  struct dlg *d = open_with(0, NULL);
  switch (s->st) {
  case LA_ESTABLISHED:
    queue(d, 1, 100);
    break;
  case LA_CLOSE_WAIT:
    inject(d, FIN | ACK, 1, 1, 0);
    expect(d, ACK, 1, 2, 0);
    queue(d, 1, 100);
    break;
  case LA_FIN_WAIT_1:
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    break;
  case LA_CLOSING:
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    expect(d, FIN | ACK, 1, 1, 0);
    inject(d, FIN | ACK, 1, 1, 0);
    expect(d, ACK, 2, 2, 0);
    break;
  default:
    inject(d, FIN | ACK, 1, 1, 0);
    expect(d, ACK, 1, 2, 0);
    queue(d, 1, 100);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    break;
  }
  return d;
}

static void back_off_in_every_state(void **state) {
  (void)state;
  static const struct silent row[] = {
    {LA_ESTABLISHED, ACK, 1, 1, 100}, {LA_CLOSE_WAIT, ACK, 1, 2, 100},     {LA_FIN_WAIT_1, FIN | ACK, 1, 1, 0},
    {LA_CLOSING, FIN | ACK, 1, 2, 0}, {LA_LAST_ACK, FIN | ACK, 1, 2, 100},
  };
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    const struct silent *s = &row[i];
    struct dlg *d = bring_to(s);
    la_time start = d->now;
    expect_state(d, s->st);
    if (s->st != LA_CLOSING)
      expect(d, s->flags, s->seq, s->ack, s->len, .at = start);
    for (la_time at = 1; at < 120; at = 2 * at + 1) { /* 1, 3, 7, 15, 31, 63 */
      dlg_until(d, start + at * LA_SEC - 1);
      expect_nothing(d);
      dlg_until(d, start + at * LA_SEC);
      expect(d, s->flags, s->seq, s->ack, s->len, .at = start + at * LA_SEC);
    }
    dlg_until(d, start + 120 * LA_SEC - 1);
    expect_nothing(d);
    expect_state(d, s->st);
    dlg_until(d, start + 120 * LA_SEC);
    expect_nothing(d);
    expect_state(d, LA_LISTEN);
    d->nev = 0;
    la_info_rec r;
    la_close(d->s, d->conn, d->now);
    assert_int_equal(la_info(d->s, d->conn, &r), LA_EBADF);
    assert_int_equal(dlg_stats(d).conns, 0);
    dlg_free(d);
  }
}

/* The ceiling. */
static void low_ceiling(la_config *c) {
  c->rto_max = 8 * LA_SEC;
  c->r2 = 100 * LA_SEC;
}

static void back_off_has_a_ceiling(void **state) {
  (void)state;
  static const unsigned at[] = {1, 3, 7, 15, 23, 31, 39, 47, 55, 63, 71, 79, 87, 95};
  struct dlg *d = open_with(0, low_ceiling);
  la_time start = d->now;
  queue(d, 1, 100);
  expect(d, ACK, 1, 1, 100);
  dlg_until(d, start + 1000 * LA_SEC);
  for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++)
    expect(d, ACK, 1, 1, 100, .at = start + at[i] * LA_SEC);
  expect_nothing(d);
  dlg_free(d);
}

/* 3.8.3: R1 is told once, at its retransmission (SHLD-9, 10); R2 ends it and says why. */
static void r1_and_r2(void **state) {
  (void)state;
  struct dlg *d = open_with(0, NULL);
  la_time start = d->now;
  queue(d, 1, 100);
  dlg_until(d, start + 7 * LA_SEC - 1);
  expect_no_event(d);
  dlg_until(d, start + 7 * LA_SEC);
  assert_int_equal(expect_event(d, LA_EVENT_TROUBLE)->err, LA_ETIMEDOUT);
  dlg_until(d, start + 120 * LA_SEC - 1);
  expect_no_event(d);
  dlg_until(d, start + 120 * LA_SEC);
  la_end e = expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_RETRANSMIT, LA_ETIMEDOUT);
  assert_int_equal(e.soft_err, LA_ETIMEDOUT);
  assert_int_equal(e.retransmits, 6);
  assert_true(e.ended - e.opened == 120 * LA_SEC);
  assert_int_equal(dlg_send(d, 101, 1), LA_ETIMEDOUT);
  dlg_free(d);
}

/* R2 counts from the last progress. */
static void progress_moves_r2(void **state) {
  (void)state;
  struct dlg *d = open_with(0, NULL);
  la_time start = d->now;
  queue(d, 1, 200);
  for (uint32_t i = 1; i <= 10; i++) {
    dlg_until(d, start + i * 100 * LA_SEC);
    inject(d, ACK, 1, 1 + 10 * i, 0);
  }
  dlg_until(d, start + 1120 * LA_SEC - 1);
  expect_state(d, LA_ESTABLISHED);
  dlg_until(d, start + 1120 * LA_SEC);
  expect_state(d, LA_LISTEN);
  dlg_free(d);
}

/* Karn (RFC 6298 3, 5.7): an ACK of what was sent twice is no sample, and the back-off stays until there is one. */
static void karn(void **state) {
  (void)state;
  struct dlg *d = open_with(0, NULL);
  la_info_rec before = info(d);
  queue(d, 1, 100);
  expect(d, ACK, 1, 1, 100);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 1, 100);
  dlg_advance(d, 700 * LA_MS);
  inject(d, ACK, 1, 101, 0);
  assert_int_equal(info(d).srtt, before.srtt);
  assert_int_equal(info(d).backoff, 1);
  la_time at = d->now;
  queue(d, 101, 100); /* still 2 s */
  expect(d, ACK, 101, 1, 100);
  dlg_until(d, at + 2 * LA_SEC);
  expect(d, ACK, 101, 1, 100, .at = at + 2 * LA_SEC);
  inject(d, ACK, 1, 201, 0);
  assert_int_equal(info(d).backoff, 2);
  queue(d, 201, 100);
  expect(d, ACK, 201, 1, 100);
  dlg_advance(d, 80 * LA_MS);
  inject(d, ACK, 1, 301, 0); /* a sample: 80 ms */
  assert_int_equal(info(d).backoff, 0);
  assert_true(info(d).srtt >= 10 * LA_MS && info(d).srtt < 11 * LA_MS);
  dlg_free(d);
}

/* Karn at the handshake: a SYN or SYN-ACK that went out twice, for whatever reason, is no sample either. */
static void karn_at_the_handshake(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL); /* the peer repeats its SYN: our SYN-ACK goes out again at once */
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_advance(d, 900 * LA_MS);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  dlg_pump(d);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(info(d).srtt, 0);
  dlg_free(d);

  d = dlg_new(NULL); /* crossing SYNs: our SYN has gone out again in the SYN-ACK */
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  dlg_advance(d, 900 * LA_MS);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  expect_state(d, LA_ESTABLISHED);
  assert_int_equal(info(d).srtt, 0);
  dlg_free(d);

  d = dlg_new(NULL); /* and where nothing was repeated it is one */
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_advance(d, 300 * LA_MS);
  inject(d, ACK, 1, 1, 0);
  dlg_pump(d);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(info(d).srtt, 300 * LA_MS);
  dlg_free(d);
}

/* RFC 7323 4: the echo tells which of the two was acknowledged. */
static void timestamps_tell_retransmissions_apart(void **state) {
  (void)state;
  struct dlg *d = open_with(TCP_OPT_TS, NULL);
  queue(d, 1, 100);
  expect(d, ACK, 1, 1, 100);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 1, 100); /* the harness echoes its TSval */
  dlg_advance(d, 80 * LA_MS);
  inject(d, ACK, 1, 101, 0);
  assert_int_equal(info(d).backoff, 0);
  assert_true(info(d).srtt >= 10 * LA_MS && info(d).srtt < 11 * LA_MS);
  dlg_free(d);
}

/*
 * 3.8.6.1, MUST-36, SHLD-29, SHLD-30: the first probe after one RTO, then at doubling distances, up to rto_max. R2 runs from the first
 * that is not answered, and is longer than it takes to lose one or two.
 */
static struct dlg *window_shut(unsigned options) {
  struct dlg *d = open_with(options, NULL);
  inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
  queue(d, 1, 100);
  expect_nothing(d);
  return d;
}

static void persist(void **state) {
  (void)state;
  struct dlg *d = window_shut(0);
  la_time at = d->now;
  for (la_time gap = 1, i = 0; i < 12; i++) {
    dlg_until(d, at + gap * LA_SEC - 1);
    expect_nothing(d);
    at += gap * LA_SEC;
    dlg_until(d, at);
    const struct dlg_seg *o = expect(d, ACK, 1, 1, 1, .at = at); /* one octet */
    assert_int_equal(o->seg.data[0], dlg_byte(1));
    inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    expect_nothing(d);
    gap = 2 * gap < 120 ? 2 * gap : 120;
  }
  assert_int_equal(info(d).waiting, LA_WAITS_PEER_WINDOW);
  inject(d, ACK, 1, 1, 0, .wnd = 5000); /* at once, and everything */
  expect(d, ACK | PSH, 1, 1, 100);
  expect_nothing(d);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 1, 100); /* the retransmission clock has taken over, without the back-off */
  dlg_free(d);
}

/* MUST-37: open for as long as the probes are acknowledged, for days. Without an ACK R2 applies. */
static void shut_for_days(void **state) {
  (void)state;
  struct dlg *d = window_shut(TCP_OPT_TS);
  while (d->now < 3 * 86400 * LA_SEC) {
    dlg_advance(d, LA_SEC);
    if (d->nout % 3 == 2) { /* two of three probes are lost */
      expect(d, ACK, 1, 1, 1);
      expect(d, ACK, 1, 1, 1);
      inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    }
  }
  inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
  expect_no_event(d);
  expect_state(d, LA_ESTABLISHED);
  la_time last = d->now;
  dlg_until(d, last + (120 + 240) * LA_SEC);
  expect_state(d, LA_ESTABLISHED);
  dlg_until(d, last + (120 + 120 + 240) * LA_SEC); /* the next probe, R2, and two gaps of grace */
  expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_RETRANSMIT, LA_ETIMEDOUT);
  dlg_free(d);
}

/* B8: nobody is left who could wait. R2 ends an orphan under a shut window, ACKs or not; one that the application holds stays. */
static void orphan_under_a_shut_window(void **state) {
  (void)state;
  for (int orphan = 0; orphan < 2; orphan++) {
    struct dlg *d = window_shut(0);
    la_time start = d->now;
    assert_int_equal(orphan ? la_close(d->s, d->conn, d->now) : la_shutdown(d->s, d->conn, d->now), LA_OK);
    for (unsigned i = 1; i < 120; i++) {
      dlg_until(d, start + i * LA_SEC);
      inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    }
    dlg_until(d, start + 120 * LA_SEC - 1);
    expect_state(d, LA_FIN_WAIT_1);
    dlg_until(d, start + 120 * LA_SEC);
    if (orphan) {
      expect_state(d, LA_LISTEN);
      assert_int_equal(dlg_stats(d).orphans, 0);
      assert_int_equal(dlg_stats(d).chunks, 0);
    } else {
      expect_state(d, LA_FIN_WAIT_1);
    }
    dlg_free(d);
  }
}

/* B9: half of the bytes acknowledged, the window shut, in LAST-ACK and CLOSING: a clock runs, and R2 ends it. */
static void last_ack_is_never_stuck(void **state) {
  (void)state;
  for (int closing = 0; closing < 2; closing++) {
    struct dlg *d = open_with(0, NULL);
    if (!closing) {
      inject(d, FIN | ACK, 1, 1, 0);
      expect(d, ACK, 1, 2, 0);
    }
    queue(d, 1, 1000);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    expect(d, FIN | ACK, 1, closing ? 1 : 2, 1000);
    if (closing) {
      inject(d, FIN | ACK, 1, 1, 0);
      expect(d, ACK, 1002, 2, 0);
    }
    inject(d, ACK, 2, 501, 0, .wnd = ZERO_WINDOW);
    expect_state(d, closing ? LA_CLOSING : LA_LAST_ACK);
    la_time start = d->now;
    dlg_until(d, start + LA_SEC);
    expect(d, ACK, 501, 2, 1, .at = start + LA_SEC);
    inject(d, ACK, 2, 501, 0, .wnd = 100);
    expect(d, ACK, 501, 2, 100);
    dlg_until(d, start + 121 * LA_SEC);
    expect_state(d, LA_LISTEN);
    dlg_free(d);
  }
}

/* SHLD-18, 19, MUST-40, RFC 2525 2.13. */
static void delayed_acks(void **state) {
  (void)state;
  struct dlg *d = open_with(0, NULL);
  la_time at = d->now;
  inject(d, ACK, 1, 1, 1460);
  dlg_until(d, at + 50 * LA_MS);
  inject(d, ACK, 1461, 1, 10); /* does not put it off */
  expect_nothing(d);
  dlg_until(d, at + 300 * LA_MS);
  expect(d, ACK, 1, 1471, 0, .at = at + 200 * LA_MS);
  expect_nothing(d);
  for (uint32_t i = 0; i < 10; i++) { /* full ones: every second at once */
    inject(d, ACK, 1471 + 1460 * i, 1, 1460);
    if (i % 2)
      expect(d, ACK, 1, 1471 + 1460 * (i + 1), 0, .at = d->now);
    else
      expect_nothing(d);
  }
  uint32_t nxt = 1471 + 14600;
  inject(d, ACK, nxt, 1, 10);
  queue(d, 1, 10); /* an ACK rides on data, and none follows */
  expect(d, ACK, 1, nxt + 10, 10);
  inject(d, ACK, nxt + 10, 11, 0);
  dlg_advance(d, LA_SEC);
  expect_nothing(d);
  inject(d, ACK | FIN, nxt + 10, 11, 10); /* a FIN is not kept waiting */
  expect(d, ACK, 11, nxt + 21, 0, .at = d->now);
  dlg_free(d);
}

/* MUST-58, MUST-59: one turn's input is dealt with before anything is sent, and one ACK answers all of it. */
static void acks_are_aggregated(void **state) {
  (void)state;
  struct dlg *d = open_with(0, NULL);
  for (uint32_t i = 0; i < 20; i++)
    inject(d, ACK, 1 + 1460 * i, 1, 1460);
  expect(d, ACK, 1, 1 + 20 * 1460, 0, .at = d->now);
  expect_nothing(d);
  dlg_advance(d, LA_SEC);
  expect_nothing(d);
  dlg_free(d);
}

/* What is full-sized is what the peer can send: its own MSS says so when it is the smaller one. */
static void every_second_segment_of_a_small_peer(void **state) {
  (void)state;
  for (int ts = 0; ts < 2; ts++) {
    struct dlg *d = dlg_new(NULL);
    d->f.syn.mss = 536;
    d->f.syn.have |= ts ? TCP_OPT_TS : 0;
    establish(d, PASSIVE_OPEN);
    uint32_t full = ts ? 524 : 536;
    for (uint32_t i = 0; i < 10; i++) {
      inject(d, ACK, 1 + full * i, 1, full);
      if (i % 2)
        expect(d, ACK, 1, 1 + full * (i + 1), 0, .at = d->now);
      else
        expect_nothing(d);
    }
    dlg_free(d);
  }
}

static void at_once(la_config *c) { c->delayed_ack = 0; }

static void acks_without_delay(void **state) {
  (void)state;
  struct dlg *d = open_with(0, at_once);
  inject(d, ACK, 1, 1, 1);
  expect(d, ACK, 1, 2, 0);
  dlg_free(d);
}

/* MUST-21, E-24: the caller's limit instead of R2; a shut window is no excuse then (B6), however faithfully it is reported. */
static void user_timeout(void **state) {
  (void)state;
  for (int shut = 0; shut < 2; shut++) {
    struct dlg *d = open_with(0, NULL);
    set(d, LA_OPT_USER_TIMEOUT, 10000);
    if (shut)
      inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    la_time start = d->now;
    queue(d, 1, 10);
    dlg_pump(d);
    for (unsigned i = 1; shut && i < 10; i++) {
      dlg_until(d, start + i * LA_SEC);
      inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    }
    dlg_until(d, start + 10 * LA_SEC - 1);
    expect_state(d, LA_ESTABLISHED);
    dlg_until(d, start + 10 * LA_SEC);
    expect_state(d, LA_LISTEN);
    d->nev -= d->nev && d->ev[0].type == LA_EVENT_TROUBLE;
    memmove(d->ev, d->ev + (d->ev[0].type == LA_EVENT_TROUBLE), d->nev * sizeof *d->ev);
    expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_USER_TIMEOUT, LA_ETIMEDOUT);
    dlg_free(d);
  }
}

static void user_timeout_changes_and_rests(void **state) {
  (void)state;
  struct dlg *d = open_with(0, NULL);
  set(d, LA_OPT_USER_TIMEOUT, 5000);
  dlg_advance(d, 100 * LA_SEC); /* nothing is outstanding: nothing ends */
  queue(d, 1, 10);
  dlg_advance(d, 4 * LA_SEC);
  inject(d, ACK, 1, 6, 0); /* progress */
  dlg_advance(d, 4 * LA_SEC);
  expect_state(d, LA_ESTABLISHED);
  set(d, LA_OPT_USER_TIMEOUT, 60000); /* longer, from now */
  dlg_advance(d, 59 * LA_SEC);
  expect_state(d, LA_ESTABLISHED);
  inject(d, ACK, 1, 11, 0);
  dlg_advance(d, 1000 * LA_SEC);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* la_close_by: RST when the release has not ended by then, in every state of it. */
static void close_by(void **state) {
  (void)state;
  for (int st = 0; st < 4; st++) {
    struct dlg *d = open_with(0, NULL);
    uint32_t ack = 1, seq = 2;
    if (st == 3) {
      inject(d, FIN | ACK, 1, 1, 0);
      expect(d, ACK, 1, 2, 0);
      ack = 2;
    }
    la_time start = d->now;
    assert_int_equal(la_close_by(d->s, d->conn, start + 5 * LA_SEC, start), LA_OK);
    expect(d, FIN | ACK, 1, ack, 0);
    if (st == 1)
      inject(d, ACK, 1, 2, 0); /* FIN-WAIT-2 */
    if (st == 2) {
      inject(d, FIN | ACK, 1, 1, 0); /* CLOSING */
      expect(d, ACK, 2, 2, 0);
      ack = 2;
    }
    dlg_until(d, start + 5 * LA_SEC - 1);
    dlg_forget(d);
    dlg_until(d, start + 5 * LA_SEC);
    expect(d, RST | ACK, seq, ack, 0, .at = start + 5 * LA_SEC);
    expect_state(d, LA_LISTEN);
    dlg_free(d);
  }
  struct dlg *d = open_with(0, NULL); /* ended in time: nothing more */
  assert_int_equal(la_close_by(d->s, d->conn, d->now + 5 * LA_SEC, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  dlg_advance(d, 100 * LA_SEC);
  expect_nothing(d);
  dlg_free(d);
}

/* A deadline that lies beyond the machine's own limits takes none of them away: FIN-WAIT-2 after 60 s, R2 after 120 s. */
static void close_by_late(void **state) {
  (void)state;
  for (unsigned acked = 0; acked < 2; acked++) {
    struct dlg *d = open_with(0, NULL);
    la_time start = d->now;
    assert_int_equal(la_close_by(d->s, d->conn, start + 1000 * LA_SEC, start), LA_OK);
    expect(d, FIN | ACK, 1, 1, 0);
    if (acked)
      inject(d, ACK, 1, 2, 0);
    la_info_rec info;
    assert_int_equal(la_info(d->s, d->conn, &info), LA_OK);
    la_time limit = start + (acked ? 60 : 120) * LA_SEC;
    assert_int_equal(info.deadline, limit);
    dlg_until(d, limit - 1);
    assert_int_equal(dlg_state(d), acked ? LA_FIN_WAIT_2 : LA_FIN_WAIT_1);
    dlg_forget(d);
    dlg_until(d, limit);
    expect_nothing(d);
    expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, acked ? LA_WHY_FIN_WAIT_2 : LA_WHY_RETRANSMIT, LA_ETIMEDOUT);
    expect_state(d, LA_LISTEN);
    dlg_free(d);
  }
}

/* B7. */
static void fin_wait_2(void **state) {
  (void)state;
  for (int orphan = 0; orphan < 3; orphan++) {
    struct dlg *d = open_with(0, NULL);
    assert_int_equal(orphan == 1 ? la_close(d->s, d->conn, d->now) : la_shutdown(d->s, d->conn, d->now), LA_OK);
    expect(d, FIN | ACK, 1, 1, 0);
    inject(d, ACK, 1, 2, 0);
    expect_state(d, LA_FIN_WAIT_2);
    if (orphan == 2) { /* held for a long time, then let go: the clock starts then */
      dlg_advance(d, 100000 * LA_SEC);
      assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    }
    la_time start = d->now;
    dlg_until(d, start + 60 * LA_SEC - 1);
    expect_state(d, LA_FIN_WAIT_2);
    dlg_until(d, start + 60 * LA_SEC);
    expect_state(d, orphan ? LA_LISTEN : LA_FIN_WAIT_2);
    dlg_free(d);
  }
}

/* B15: many clocks at one instant: all expire there, none early; and la_deadline is never late. */
static void many_at_once(void **state) {
  (void)state;
  struct dlg *d = open_with(0, NULL);
  la_time start = d->now;
  queue(d, 1, 10);
  dlg_forget(d);
  for (uint16_t port = 41000; port < 41500; port++) {
    dlg_other(d, port);
    establish(d, PASSIVE_OPEN);
    queue(d, 1, 10);
    dlg_forget(d);
  }
  dlg_until(d, start + LA_SEC - 1);
  assert_int_equal(d->nout, 0);
  assert_true(la_deadline(d->s) <= start + LA_SEC);
  dlg_until(d, start + LA_SEC);
  assert_int_equal(d->nout, 501);
  assert_int_equal(dlg_stats(d).retransmits, 501);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(back_off_in_every_state),
    cmocka_unit_test(back_off_has_a_ceiling),
    cmocka_unit_test(r1_and_r2),
    cmocka_unit_test(progress_moves_r2),
    cmocka_unit_test(karn),
    cmocka_unit_test(karn_at_the_handshake),
    cmocka_unit_test(timestamps_tell_retransmissions_apart),
    cmocka_unit_test(persist),
    cmocka_unit_test(shut_for_days),
    cmocka_unit_test(orphan_under_a_shut_window),
    cmocka_unit_test(last_ack_is_never_stuck),
    cmocka_unit_test(delayed_acks),
    cmocka_unit_test(acks_are_aggregated),
    cmocka_unit_test(every_second_segment_of_a_small_peer),
    cmocka_unit_test(acks_without_delay),
    cmocka_unit_test(user_timeout),
    cmocka_unit_test(user_timeout_changes_and_rests),
    cmocka_unit_test(close_by),
    cmocka_unit_test(close_by_late),
    cmocka_unit_test(fin_wait_2),
    cmocka_unit_test(many_at_once),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
