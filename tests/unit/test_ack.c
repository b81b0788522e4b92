/* SPDX-License-Identifier: MIT */
/* The fifth step: which ACKs count, what they move, and which are duplicates (RFC 9293 3.10.7.4, RFC 5961 5, RFC 5681 2). */
#include "dialogue.h"

static struct dlg *open_plain(void) {
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  return d;
}

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

/* E-15, MAY-12, D9: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT, else an ACK and nothing of the segment counts. */
static void range_of_ack(void **state) {
  (void)state;
  static const struct {
    uint32_t ack;
    bool good;
  } row[] = {
    {501 - 65535 - 1, false},
    {501 - 65535, true},
    {500, true},
    {501, true},
    {502, true},
    {1000, true},
    {1001, true},
    {1002, false},
    {1001 + 65535, false},
    {0x7fffffff, false},
    {0x80000000u, false},
    {1001 + 0x7fffffffu, false},
    {501 + 0x80000000u, false},
  };
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct dlg *d = open_plain();
    assert_int_equal(dlg_send(d, 1, 1000), 1000);
    expect(d, ACK, 1, 1, 1000);
    inject(d, ACK, 1, 501, 0);
    expect_nothing(d);
    la_info_rec before = info(d);
    inject(d, ACK, 1, row[i].ack, 100, .wnd = 1234);
    la_info_rec r = info(d);
    if (row[i].good) {
      assert_int_equal(r.rcv_nxt - d->f.iss, 101);
      assert_int_equal(r.snd_una - d->f.irs, row[i].ack == 500 || row[i].ack > 1001 ? 501 : row[i].ack);
      expect_nothing(d); /* its ACK is delayed */
    } else {
      assert_int_equal(r.rcv_nxt, before.rcv_nxt);
      assert_int_equal(r.snd_una, before.snd_una);
      assert_int_equal(r.snd_wnd, before.snd_wnd);
      assert_int_equal(r.cwnd, before.cwnd);
      expect(d, ACK, 1001, 1, 0);
      expect_nothing(d);
    }
    dlg_free(d);
  }
}

/* An ACK in the middle of a segment: what follows it is sent again from there. */
static void ack_inside_a_segment(void **state) {
  (void)state;
  struct dlg *d = open_plain();
  assert_int_equal(dlg_send(d, 1, 4380), 4380);
  expect(d, ACK, 1, 1, 1460);
  expect(d, ACK, 1461, 1, 1460);
  expect(d, ACK | PSH, 2921, 1, 1460);
  inject(d, ACK, 1, 1000, 0);
  assert_int_equal(info(d).unacked, 3381);
  assert_int_equal(info(d).bytes_out, 999);
  dlg_advance(d, 1200 * LA_MS);
  const struct dlg_seg *o = expect(d, ACK, 1000, 1, 1460);
  for (uint32_t i = 0; i < 1460; i++)
    assert_int_equal(o->seg.data[i], dlg_byte(1000 + i));
  expect_nothing(d);
  inject(d, ACK, 1, 4381, 0);
  expect_nothing(d);
  assert_int_equal(info(d).unacked, 0);
  dlg_free(d);
}

/* Four segments of 1000 bytes are outstanding. */
static struct dlg *outstanding(void) {
  struct dlg *d = dlg_new(NULL);
  d->f.syn.mss = 1000;
  establish(d, PASSIVE_OPEN);
  assert_int_equal(dlg_send(d, 1, 4000), 4000);
  for (uint32_t i = 0; i < 4; i++)
    expect(d, ACK, 1 + 1000 * i, 1, 1000);
  return d;
}

/* RFC 5681 2: a duplicate has nothing but the same ACK and the same window, while something is outstanding. */
static void what_is_a_duplicate(void **state) {
  (void)state;
  struct dlg *d = outstanding();
  inject(d, ACK, 1, 1, 0);
  inject(d, ACK, 1, 1, 0);
  expect_nothing(d);
  inject(d, ACK, 1, 1, 0);
  expect(d, ACK, 1, 1, 1000); /* the third */
  expect_nothing(d);
  dlg_free(d);

  d = outstanding(); /* with text */
  for (uint32_t i = 0; i < 6; i++)
    inject(d, ACK, 1 + 10 * i, 1, 10);
  expect_nothing(d);
  dlg_free(d);

  d = outstanding(); /* with another window each time */
  for (int i = 0; i < 6; i++)
    inject(d, ACK, 1, 1, 0, .wnd = 30000 + i);
  expect_nothing(d);
  dlg_free(d);

  d = outstanding(); /* older than SND.UNA */
  inject(d, ACK, 1, 1001, 0);
  for (int i = 0; i < 6; i++)
    inject(d, ACK, 1, 501, 0);
  expect_nothing(d);
  dlg_free(d);

  d = open_plain(); /* nothing outstanding */
  la_info_rec before = info(d);
  for (int i = 0; i < 6; i++)
    inject(d, ACK, 1, 1, 0);
  assert_int_equal(info(d).cwnd, before.cwnd);
  assert_int_equal(info(d).ssthresh, before.ssthresh);
  assert_int_equal(dlg_send(d, 1, 100), 100);
  expect(d, ACK, 1, 1, 100);
  expect_nothing(d);
  dlg_free(d);
}

/* RFC 6298 5.3: only an ACK of new data starts the clock anew; news of the window, or text, do not put a retransmission off. */
static void only_progress_restarts_the_clock(void **state) {
  (void)state;
  for (int text = 0; text < 2; text++) {
    struct dlg *d = open_plain();
    la_time sent = d->now;
    assert_int_equal(dlg_send(d, 1, 1000), 1000);
    expect(d, ACK, 1, 1, 1000);
    for (int i = 1; i <= 5; i++) {
      dlg_until(d, sent + (la_time)i * 190 * LA_MS);
      inject(d, ACK, text ? (uint32_t)(10 * i - 9) : 1, 1, text ? 10 : 0, .wnd = 20000 + 100 * i);
    }
    dlg_forget(d);
    dlg_until(d, sent + 1100 * LA_MS);
    expect(d, ACK, 1, text ? 51 : 1, 1000, .at = sent + LA_SEC);
    dlg_free(d);
  }
}

/* RFC 6298 5.2, 5.3: restarted by progress, stopped when nothing is outstanding. */
static void progress_restarts_the_clock(void **state) {
  (void)state;
  struct dlg *d = outstanding();
  la_time start = d->now;
  dlg_until(d, start + 900 * LA_MS);
  inject(d, ACK, 1, 1001, 0);
  la_time rto = info(d).rto;
  assert_true(rto > 1010 * LA_MS && rto < 1020 * LA_MS); /* the handshake took no time: 0.9 s / 8 + 4 * 0.9 s / 4 */
  dlg_until(d, start + 900 * LA_MS + rto - 1);
  expect_nothing(d);
  dlg_until(d, start + 900 * LA_MS + rto);
  expect(d, ACK, 1001, 1, 1000);
  inject(d, ACK, 1, 4001, 0);
  dlg_advance(d, 1000 * LA_SEC);
  expect_nothing(d);
  dlg_free(d);
}

/* WRITABLE after LA_AGAIN, once a quarter of the buffer is free; once. */
static void small_buffer(la_config *c) { c->sndbuf = 4000; }

static void writable_is_an_edge(void **state) {
  (void)state;
  struct dlg *d = dlg_new(small_buffer);
  d->f.syn.mss = 1000;
  establish(d, PASSIVE_OPEN);
  assert_int_equal(dlg_send(d, 1, 5000), 4000);
  assert_int_equal(dlg_send(d, 4001, 1), LA_AGAIN);
  dlg_forget(d);
  inject(d, ACK, 1, 901, 0);
  dlg_pump(d);
  expect_no_event(d);
  inject(d, ACK, 1, 1001, 0);
  dlg_pump(d);
  expect_event(d, LA_EVENT_WRITABLE);
  inject(d, ACK, 1, 3001, 0);
  dlg_pump(d);
  expect_no_event(d);
  inject(d, ACK, 1, 4001, 0);
  dlg_pump(d);
  expect_no_event(d);
  assert_int_equal(dlg_stats(d).chunks, 0); /* what is acknowledged holds no memory */
  dlg_free(d);
}

/* D10: the ACK of a segment in many pieces moves no more than in one. */
static void divided_acks(void **state) {
  (void)state;
  uint32_t cwnd[2];
  for (unsigned divided = 0; divided < 2; divided++) {
    struct dlg *d = outstanding();
    if (divided)
      for (uint32_t i = 0; i < 100; i++)
        inject(d, ACK, 1, 11 + 10 * i, 0);
    else
      inject(d, ACK, 1, 1001, 0);
    cwnd[divided] = info(d).cwnd;
    dlg_free(d);
  }
  assert_int_equal(cwnd[0], cwnd[1]);
}

/* A peer that never stops to acknowledge what it has acknowledged keeps nothing alive: R2 counts progress. */
static void old_acks_are_no_progress(void **state) {
  (void)state;
  struct dlg *d = open_plain();
  assert_int_equal(dlg_send(d, 1, 1000), 1000);
  dlg_forget(d);
  for (int i = 0; i < 130; i++) {
    inject(d, ACK, 1, 1, 0, .wnd = 5000 + i % 2);
    dlg_advance(d, LA_SEC);
  }
  expect_event(d, LA_EVENT_TROUBLE);
  expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_RETRANSMIT, LA_ETIMEDOUT);
  dlg_forget(d);
  la_close(d->s, d->conn, d->now);
  dlg_free(d);
}

/* RFC 6298 5.2: when all is acknowledged nothing runs: not a segment, not a word, however long it lasts. */
static void the_clock_stops_with_the_last_ack(void **state) {
  (void)state;
  struct dlg *d = open_plain();
  for (uint32_t pos = 1; pos < 31; pos += 10) {
    assert_int_equal(dlg_send(d, pos, 10), 10);
    expect(d, ACK, pos, 1, 10);
    inject(d, ACK, 1, pos + 10, 0);
    dlg_advance(d, 1000 * LA_SEC);
    expect_nothing(d);
    expect_no_event(d);
    assert_true(la_deadline(d->s) == LA_NEVER);
  }
  assert_int_equal(dlg_stats(d).retransmits, 0);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(range_of_ack),
    cmocka_unit_test(ack_inside_a_segment),
    cmocka_unit_test(what_is_a_duplicate),
    cmocka_unit_test(only_progress_restarts_the_clock),
    cmocka_unit_test(progress_restarts_the_clock),
    cmocka_unit_test(writable_is_an_edge),
    cmocka_unit_test(divided_acks),
    cmocka_unit_test(old_acks_are_no_progress),
    cmocka_unit_test(the_clock_stops_with_the_last_ack),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
