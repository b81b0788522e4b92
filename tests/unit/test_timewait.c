/* SPDX-License-Identifier: MIT */
/* TIME-WAIT: RFC 9293 3.10.7.4, RFC 1337, RFC 6191; the cap, its clock, and what our own connections may reuse. */
#include "dialogue.h"

static bool with_ts;
static void no_stamps(la_config *c) { c->timestamps = 0; }

/* To TIME-WAIT as the active closer: the peer's next number is 2, ours 2. END is taken and the handle released. */
static void to_time_wait(struct dlg *d, enum dlg_side side) {
  establish(d, side);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  expect_state(d, LA_TIME_WAIT);
  expect_end(d, LA_BY_LOCAL, LA_HOW_THREE_SEGMENTS, LA_WHY_CLOSE, LA_OK);
  assert_int_equal(dlg_stats(d).conns, 0);
  assert_int_equal(dlg_stats(d).time_wait, 1);
}
static struct dlg *time_wait(void) {
  struct dlg *d = dlg_new(NULL);
  if (with_ts)
    d->f.syn.have |= TCP_OPT_TS;
  to_time_wait(d, PASSIVE_OPEN);
  return d;
}

/* C2, MUST-13: 2MSL to the nanosecond, from entry. */
static void lasts_2msl(void **state) {
  (void)state;
  struct dlg *d = time_wait();
  dlg_advance(d, 60 * LA_SEC - 1);
  expect_state(d, LA_TIME_WAIT);
  dlg_advance(d, 1);
  expect_state(d, LA_LISTEN);
  expect_nothing(d);
  expect_no_event(d);
  inject(d, FIN | ACK, 1, 2, 0); /* and now nobody knows it */
  expect(d, RST, 2, 0, 0);
  dlg_free(d);
}
/* A lookup takes an expired record for gone, even before the clock was run. */
static void expired_record_is_gone(void **state) {
  (void)state;
  struct dlg *d = time_wait();
  d->now += 60 * LA_SEC;
  inject(d, SYN, 2, 0, 0); /* RCV.NXT: too low to take the record over, but there is none any more */
  d->f.irs_known = false;
  expect(d, SYN | ACK, 0, 3, 0);
  dlg_free(d);
}
static void long_msl(la_config *c) { c->msl = 120 * LA_SEC; }
static void other_msl(void **state) {
  (void)state;
  struct dlg *d = dlg_new(long_msl);
  to_time_wait(d, ACTIVE_OPEN);
  dlg_advance(d, 240 * LA_SEC - 1);
  expect_state(d, LA_TIME_WAIT);
  dlg_advance(d, 1);
  expect_state(d, LA_CLOSED);
  dlg_free(d);
}

/* C1, RFC 1337: no RST ends it. */
static void rst_is_ignored(void **state) {
  (void)state;
  struct dlg *d = time_wait();
  unsigned n = 0;
  for (uint32_t seq = 0; seq < 5; seq++)
    for (unsigned f = 0; f < 16; f++, n++) {
      inject(d, RST | (f & 1 ? ACK : 0) | (f & 2 ? SYN : 0) | (f & 4 ? FIN : 0), seq, 2, f & 8 ? 10 : 0);
      expect_nothing(d);
      expect_state(d, LA_TIME_WAIT);
    }
  assert_int_equal(dlg_stats(d).time_wait_rst_ignored, n);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_TIMEWAIT_RST], n);
  dlg_advance(d, 59 * LA_SEC);
  expect_state(d, LA_TIME_WAIT);
  dlg_advance(d, LA_SEC);
  expect_state(d, LA_LISTEN);
  dlg_free(d);
}

/* E-19: the exact FIN is acknowledged each time and starts the clock anew; with or without the text that it once carried. */
static void retransmitted_fin(void **state) {
  (void)state;
  struct dlg *d = time_wait();
  for (unsigned i = 0; i < 5; i++) {
    dlg_advance(d, 50 * LA_SEC);
    inject(d, FIN | ACK, 1, 2, 0);
    expect(d, ACK, 2, 2, 0);
    inject(d, FIN | ACK, 1, 2, 0); /* not limited: each may be the one whose ACK gets through */
    expect(d, ACK, 2, 2, 0);
    inject(d, FIN | ACK, 0u - 9, 2, 10);
    expect(d, ACK, 2, 2, 0);
  }
  dlg_advance(d, 60 * LA_SEC - 1);
  expect_state(d, LA_TIME_WAIT);
  dlg_advance(d, 1);
  expect_state(d, LA_LISTEN);
  dlg_free(d);
}

/* C1, C9: all else draws at most one ACK in 500 ms and moves no clock. */
static void others_draw_few_acks(void **state) {
  (void)state;
  static const struct shot shots[] = {
    {.flags = ACK, .seq = 1, .ack = 2, .len = 1},  /* old data */
    {.flags = ACK, .seq = 2, .ack = 2, .len = 10}, /* data past the FIN */
    {.flags = ACK, .seq = 1, .ack = 2},            /* old ACK, or a keepalive probe */
    {.flags = ACK, .seq = 900, .ack = 2},          /* beyond */
    {.flags = ACK, .seq = 2, .ack = 3},            /* of what was never sent */
    {.flags = SYN, .seq = 0, .ack = 0},            /* an old SYN (MAY-2) */
    {.flags = SYN | ACK, .seq = 5000, .ack = 2},   /* not one to take over with */
    {.flags = FIN | ACK, .seq = 2, .ack = 2},      /* another FIN */
    {.flags = FIN | ACK, .seq = 5000, .ack = 2},   /* a FIN from nowhere */
    {.flags = SYN | FIN, .seq = 5000, .ack = 2},   /* nonsense */
    {.flags = PSH | URG | ACK, .seq = 3, .ack = 2, .len = 1},
  };
  for (size_t i = 0; i < sizeof shots / sizeof shots[0]; i++) {
    struct dlg *d = time_wait();
    la_time entered = d->now;
    for (unsigned turn = 0; turn < 4; turn++) {
      for (unsigned j = 0; j < 20; j++) {
        dlg_inject(d, shots[i], __FILE__, __LINE__);
        expect_state(d, LA_TIME_WAIT);
        if (j == 0)
          expect(d, ACK, 2, 2, 0);
        expect_nothing(d);
      }
      dlg_advance(d, 600 * LA_MS);
    }
    dlg_until(d, entered + 60 * LA_SEC);
    expect_state(d, LA_LISTEN);
    dlg_free(d);
  }
}
/* An ACK that is in order asks nothing; a FIN without ACK is malformed. */
static void others_draw_nothing(void **state) {
  (void)state;
  struct dlg *d = time_wait();
  inject(d, ACK, 2, 2, 0);
  inject(d, ACK, 2, 1, 0);
  inject(d, FIN, 1, 0, 0);
  expect_nothing(d);
  expect_state(d, LA_TIME_WAIT);
  dlg_free(d);
}

/* C3: RFC 6191 section 2 as a table. Without a clock of the peer's in between. */
static void take_over(void **state) {
  (void)state;
  enum ts { NONE, OLDER, EQUAL, NEWER };
  for (unsigned old_ts = 0; old_ts < 2; old_ts++)
    for (enum ts ts = NONE; ts <= NEWER; ts++)
      for (int seq = -1; seq <= 1; seq++) {
        with_ts = old_ts;
        struct dlg *d = time_wait();
        bool want = old_ts ? ts == NEWER || ((ts == EQUAL || ts == NONE) && seq > 0) : ts != NONE || seq > 0;
        struct shot s = {.flags = SYN, .seq = 2 + (uint32_t)seq};
        s.opt = (struct tcp_opts){.have = TCP_OPT_MSS, .mss = 1460};
        if (ts != NONE) {
          s.opt.have |= TCP_OPT_TS;
          s.opt.ts_val = d->f.ts_base + (uint32_t)(d->now / LA_MS) + (uint32_t)ts - EQUAL;
        }
        dlg_inject(d, s, __FILE__, __LINE__);
        if (want) {
          dlg_pump(d);
          assert_int_equal(d->nout, 1);
          const struct dlg_seg *o = expect(d, SYN | ACK, d->out[0].seg.seq, d->f.iss + s.seq + 1, 0, .absolute = true);
          assert_true((int32_t)(o->seg.seq - (d->f.irs + 2)) > 0); /* an ISS past all of the old incarnation */
          assert_int_equal((o->seg.opt.have & TCP_OPT_TS) != 0, ts != NONE);
          expect_state(d, LA_SYN_RECEIVED);
          assert_int_equal(dlg_stats(d).time_wait, 0);
          assert_int_equal(dlg_stats(d).half_open, 1);
        } else {
          expect(d, ACK, 2, 2, 0);
          expect_state(d, LA_TIME_WAIT);
        }
        expect_nothing(d);
        dlg_free(d);
      }
  with_ts = false;
}
/* The last timestamp seen is that of the last FIN, repeated ones included (RFC 6191 2). */
static void take_over_after_a_later_fin(void **state) {
  (void)state;
  for (unsigned newer = 0; newer < 2; newer++) {
    with_ts = true;
    struct dlg *d = time_wait();
    with_ts = false;
    dlg_advance(d, 10 * LA_SEC);
    inject(d, FIN | ACK, 1, 2, 0);
    expect(d, ACK, 2, 2, 0);
    inject(d, FIN | ACK, 1, 2, 0, .ts_back = 8000); /* an older one after it changes nothing */
    expect(d, ACK, 2, 2, 0);
    dlg_advance(d, LA_SEC);
    inject(d, SYN, 0u - 500, 0, 0, .ts_back = newer ? 999 : 5000);
    dlg_pump(d);
    assert_int_equal(d->nout, 1);
    assert_int_equal(d->out[0].seg.flags, newer ? SYN | ACK : ACK);
    expect_state(d, newer ? LA_SYN_RECEIVED : LA_TIME_WAIT);
    dlg_free(d);
  }
}
/* The new incarnation lives; a RST of the old one's peer did not hurt. With timestamps off here, only SEQ counts. */
static void take_over_lives(void **state) {
  (void)state;
  struct dlg *d = dlg_new(no_stamps);
  d->f.syn.have |= TCP_OPT_TS;
  to_time_wait(d, PASSIVE_OPEN);
  inject(d, SYN, 2, 0, 0); /* a newer stamp, but we shall not use any */
  expect(d, ACK, 2, 2, 0);
  d->f.iss += 100000;
  inject(d, SYN, 0, 0, 0);
  d->f.irs_known = false;
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 10);
  expect_event(d, LA_EVENT_ACCEPT);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}
/* Nobody listens: the SYN is answered like anything else, not with RST (C1). */
static void take_over_without_listener(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  to_time_wait(d, ACTIVE_OPEN);
  inject(d, SYN, 100000, 0, 0);
  expect(d, ACK, 2, 2, 0);
  expect_state(d, LA_TIME_WAIT);
  dlg_free(d);
}
/* The listener's queue is full: the SYN is dropped and the record stays. */
static void take_over_with_full_backlog(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1}, &d->listener), LA_OK);
  to_time_wait(d, PASSIVE_OPEN);
  struct flow old = d->f;
  dlg_other(d, 7);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ACCEPT);
  d->f = old;
  inject(d, SYN, 100000, 0, 0);
  expect_nothing(d);
  expect_state(d, LA_TIME_WAIT);
  dlg_free(d);
}
/* B13: no memory for the new record: the old one stays. */
static void take_over_without_memory(void **state) {
  (void)state;
  struct dlg *d = time_wait();
  la_trim(d->s);
  for (unsigned n = 1; n <= 8; n++) {
    d->mem.fail_from = d->mem.calls + n;
    inject(d, SYN, 100000, 0, 0);
    d->mem.fail_from = 0;
    dlg_pump(d);
    la_stats s = dlg_stats(d);
    assert_int_equal(s.time_wait + s.half_open, 1);
    if (s.half_open)
      break;
    expect_nothing(d);
  }
  assert_int_equal(dlg_stats(d).half_open, 1);
  dlg_free(d);
}

/* Crossing FINs: FIN-WAIT-1, CLOSING, TIME-WAIT (3.6, figure 13), and both ends wait (C2). */
static void simultaneous_close(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, FIN | ACK, 1, 1, 0);
  expect(d, ACK, 2, 2, 0);
  expect_state(d, LA_CLOSING);
  inject(d, ACK, 2, 2, 0);
  expect_nothing(d);
  expect_state(d, LA_TIME_WAIT);
  la_end e = expect_end(d, LA_BY_LOCAL, LA_HOW_SIMULTANEOUS, LA_WHY_CLOSE, LA_OK);
  assert_int_equal(e.time_wait, LA_TW_BOTH);
  dlg_advance(d, 60 * LA_SEC - 1);
  expect_state(d, LA_TIME_WAIT);
  dlg_advance(d, 1);
  expect_state(d, LA_LISTEN);
  dlg_free(d);
}

static void tiny(la_config *c) { c->max_time_wait = 4; }

/* B11: past the cap the oldest goes, and only it. */
static void cap(void **state) {
  (void)state;
  struct dlg *d = dlg_new(tiny);
  struct flow f[40];
  for (unsigned i = 0; i < 40; i++) {
    dlg_other(d, (uint16_t)(5000 + i));
    establish(d, PASSIVE_OPEN);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    expect(d, FIN | ACK, 1, 1, 0);
    inject(d, FIN | ACK, 1, 2, 0);
    expect(d, ACK, 2, 2, 0);
    expect_end(d, LA_BY_LOCAL, LA_HOW_THREE_SEGMENTS, LA_WHY_CLOSE, LA_OK);
    assert_true(dlg_stats(d).time_wait <= 4);
    f[i] = d->f;
    dlg_advance(d, LA_MS);
  }
  assert_int_equal(dlg_stats(d).time_wait_recycled, 36);
  for (unsigned i = 0; i < 40; i++) {
    d->f = f[i];
    expect_state(d, i < 36 ? LA_LISTEN : LA_TIME_WAIT);
  }
  d->f = f[36]; /* its FIN again: now it is the youngest */
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  dlg_other(d, 6000);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  d->f = f[37];
  expect_state(d, LA_LISTEN);
  d->f = f[36];
  expect_state(d, LA_TIME_WAIT);
  dlg_free(d);
}

static void off(la_config *c) { c->time_wait = 0; }
static void none(la_config *c) { c->max_time_wait = 0; }

/* time_wait 0: the last ACK goes, and that is all. */
static void switched_off(void **state) {
  (void)state;
  for (unsigned i = 0; i < 3; i++) {
    struct dlg *d = dlg_new(i == 1 ? none : off);
    establish(d, PASSIVE_OPEN);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    expect(d, FIN | ACK, 1, 1, 0);
    if (i == 2) {
      inject(d, FIN | ACK, 1, 1, 0);
      expect(d, ACK, 2, 2, 0);
      inject(d, ACK, 2, 2, 0);
    } else {
      inject(d, FIN | ACK, 1, 2, 0);
      expect(d, ACK, 2, 2, 0);
    }
    expect_nothing(d);
    expect_state(d, LA_LISTEN);
    la_end e = expect_event(d, LA_EVENT_END)->end;
    assert_int_equal(e.time_wait_until, 0);
    assert_int_equal(e.time_wait, i == 2 ? LA_TW_PEER : LA_TW_NOBODY);
    assert_int_equal(dlg_stats(d).conns, 0);
    inject(d, FIN | ACK, 1, 2, 0);
    expect(d, RST, 2, 0, 0);
    dlg_free(d);
  }
}

/* Our own pair again: refused to who names the port; an ephemeral one only with timestamps and after 1 s (RFC 6191 3). */
static void one_port(la_config *c) { c->port_lo = c->port_hi = 40000; }
static void own_pair_again(void **state) {
  (void)state;
  for (unsigned ts = 0; ts < 2; ts++) {
    struct dlg *d = dlg_new(one_port);
    d->f.lport = 40000;
    if (ts)
      d->f.syn.have |= TCP_OPT_TS;
    to_time_wait(d, ACTIVE_OPEN);
    assert_int_equal(dlg_connect(d), LA_EADDRINUSE);
    la_connect_opts o = {.remote = d->f.peer, .remote_port = d->f.rport};
    la_conn c;
    assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_EADDRNOTAVAIL);
    dlg_advance(d, LA_SEC);
    assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_EADDRNOTAVAIL); /* more than 1 s */
    dlg_advance(d, LA_MS);
    assert_int_equal(dlg_connect(d), LA_EADDRINUSE);
    if (!ts) {
      assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_EADDRNOTAVAIL);
      dlg_advance(d, 59 * LA_SEC);
      assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_OK);
    } else {
      uint32_t last = d->f.irs + 2;
      assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_OK);
      dlg_pump(d);
      assert_true((int32_t)(d->out[0].seg.seq - last) > 0);
      expect_state(d, LA_SYN_SENT);
      assert_int_equal(dlg_stats(d).time_wait, 0);
    }
    dlg_free(d);
  }
}
/* Another destination shares the port without further ado (B11). */
static void other_pairs_are_free(void **state) {
  (void)state;
  struct dlg *d = dlg_new(one_port);
  d->f.lport = 40000;
  to_time_wait(d, ACTIVE_OPEN);
  la_connect_opts o = {.remote = d->f.peer, .remote_port = (uint16_t)(d->f.rport + 1)};
  la_conn c;
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_OK);
  dlg_free(d);
}
/* No memory for the new connection: the record is not lost by the attempt. */
static void few(la_config *c) {
  one_port(c);
  c->max_conns = 1;
}
static void own_pair_again_without_memory(void **state) {
  (void)state;
  struct dlg *d = dlg_new(few);
  d->f.lport = 40000;
  d->f.syn.have |= TCP_OPT_TS;
  to_time_wait(d, ACTIVE_OPEN);
  dlg_advance(d, 2 * LA_SEC);
  la_conn c, e;
  la_connect_opts other = {.remote = d->f.peer, .remote_port = 9}, o = {.remote = d->f.peer, .remote_port = d->f.rport};
  assert_int_equal(la_connect(d->s, &other, &c, d->now), LA_OK);
  assert_int_equal(la_connect(d->s, &o, &e, d->now), LA_ENOMEM);
  expect_state(d, LA_TIME_WAIT);
  dlg_free(d);
}

/* The port stays held for a listener without SO_REUSEADDR until 2MSL is over. */
static void holds_the_port(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  to_time_wait(d, PASSIVE_OPEN);
  assert_int_equal(la_listener_close(d->s, d->listener, d->now), LA_OK);
  la_listener l;
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1}, &l), LA_EADDRINUSE);
  dlg_advance(d, 60 * LA_SEC);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1}, &l), LA_OK);
  dlg_free(d);
}

/* Its ACKs carry timestamps when they were agreed, with the peer's last value. */
static void acks_carry_stamps(void **state) {
  (void)state;
  with_ts = true;
  struct dlg *d = time_wait();
  with_ts = false;
  uint32_t last = d->f.ts_base + (uint32_t)(d->now / LA_MS);
  dlg_advance(d, LA_SEC);
  inject(d, FIN | ACK, 1, 2, 0);
  const struct dlg_seg *s = expect(d, ACK, 2, 2, 0);
  assert_true(s->seg.opt.have & TCP_OPT_TS);
  assert_true(s->seg.opt.ts_ecr == last || s->seg.opt.ts_ecr == last + 1000);
  dlg_free(d);
}

/* RFC 7323 3.2, 5.3: where timestamps were agreed a FIN without one is dropped in silence, one with an older one moves no clock. */
static void stamps_are_checked(void **state) {
  (void)state;
  with_ts = true;
  struct dlg *d = time_wait();
  with_ts = false;
  dlg_advance(d, 50 * LA_SEC);
  inject(d, FIN | ACK, 1, 2, 0, .plain = true);
  inject(d, ACK, 1000, 2, 10, .plain = true);
  expect_nothing(d);
  inject(d, FIN | ACK, 1, 2, 0, .ts_back = 50001);
  expect(d, ACK, 2, 2, 0);
  inject(d, FIN | ACK, 1, 2, 0, .ts_back = 50001); /* as any other segment: one answer in challenge_gap */
  expect_nothing(d);
  dlg_advance(d, LA_SEC);
  inject(d, PSH, 2, 0, 0, .ts_back = 51001); /* not acceptable comes before the ACK bit */
  expect(d, ACK, 2, 2, 0);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_RFC7323_PAWS], 5);
  dlg_advance(d, 9 * LA_SEC);
  expect_state(d, LA_LISTEN);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(lasts_2msl),
    cmocka_unit_test(expired_record_is_gone),
    cmocka_unit_test(other_msl),
    cmocka_unit_test(rst_is_ignored),
    cmocka_unit_test(retransmitted_fin),
    cmocka_unit_test(others_draw_few_acks),
    cmocka_unit_test(others_draw_nothing),
    cmocka_unit_test(take_over),
    cmocka_unit_test(take_over_after_a_later_fin),
    cmocka_unit_test(take_over_lives),
    cmocka_unit_test(take_over_without_listener),
    cmocka_unit_test(take_over_with_full_backlog),
    cmocka_unit_test(take_over_without_memory),
    cmocka_unit_test(simultaneous_close),
    cmocka_unit_test(cap),
    cmocka_unit_test(switched_off),
    cmocka_unit_test(own_pair_again),
    cmocka_unit_test(other_pairs_are_free),
    cmocka_unit_test(own_pair_again_without_memory),
    cmocka_unit_test(holds_the_port),
    cmocka_unit_test(acks_carry_stamps),
    cmocka_unit_test(stamps_are_checked),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
