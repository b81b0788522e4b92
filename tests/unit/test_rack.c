/* SPDX-License-Identifier: MIT */
/* RFC 8985: losses told by time, the reordering window and its clock, tail loss probes; with Linux's numbers where it names them. */
#include "loss_test.h"

#define RTT (100 * LA_MS)

static struct dlg *open_linux(void) { return loss_open(linux_preset, RTT, TCP_OPT_SACK_OK); }

/* Three reported segments are reason enough while the path has never reordered: the first is lost at once. */
static void three_reported(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  send_segments(d, 0, 4);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {1, 2});
  expect_nothing(d);
  assert_int_equal(info(d).ca_state, LA_CA_DISORDER);
  sack(d, 0, 1, {1, 3});
  expect_nothing(d);
  sack(d, 0, 1, {1, 4});
  again(d, 0);
  expect_nothing(d);
  la_info_rec i = info(d);
  assert_int_equal(i.ca_state, LA_CA_RECOVERY);
  assert_int_equal(i.segs_out, 4);
  assert_int_equal(i.segs_sacked, 3);
  assert_int_equal(i.segs_lost, 1);
  assert_int_equal(i.segs_retrans, 1);
  sack(d, 4, 0);
  i = info(d);
  assert_int_equal(i.ca_state, LA_CA_OPEN);
  assert_int_equal(i.segs_out + i.segs_sacked + i.segs_lost + i.segs_retrans, 0);
  dlg_free(d);
}

/* One reported segment proves nothing: what left before it has a quarter of the least round trip left, and the clock's margin. */
static void reordering_clock(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  send_segments(d, 0, 10);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {7, 8});
  expect_nothing(d);
  dlg_advance(d, 26 * LA_MS);
  expect_nothing(d);
  dlg_advance(d, LA_MS);
  again(d, 0); /* alone: what has arrived allows one */
  expect_nothing(d);
  assert_int_equal(info(d).ca_state, LA_CA_RECOVERY);
  assert_int_equal(info(d).segs_lost, 7);
  assert_int_equal(info(d).reordering, 3);
  dlg_free(d);
}

/* What comes in time after all was only reordered, which is remembered: from then on three reported segments prove nothing either. */
static void reordering_is_learnt(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  send_segments(d, 0, 10);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {5, 6});
  sack(d, 0, 1, {5, 7});
  dlg_advance(d, 10 * LA_MS);
  sack(d, 7, 0);
  assert_int_equal(info(d).ca_state, LA_CA_OPEN);
  assert_int_equal(info(d).reordering, 7); /* the first came after the seventh */
  sack(d, 10, 0);
  send_segments(d, 10, 8);
  dlg_advance(d, RTT);
  sack(d, 10, 1, {11, 15});
  expect_nothing(d);
  assert_int_equal(info(d).ca_state, LA_CA_DISORDER);
  dlg_advance(d, 30 * LA_MS);
  again(d, 10);
  expect_nothing(d);
  assert_int_equal(dlg_stats(d).retransmits, 1);
  dlg_free(d);
}

/* Linux's degrees: from the late segment to the end of the highest reported. */
static void degree(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  send_segments(d, 0, 10);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {2, 3});
  sack(d, 0, 2, {2, 3}, {6, 7});
  sack(d, 0, 3, {2, 3}, {6, 7}, {8, 9});
  again(d, 0);
  assert_int_equal(info(d).segs_lost, 6);
  sack(d, 0, 3, {2, 4}, {6, 7}, {8, 9});
  again(d, 1);
  assert_int_equal(info(d).segs_lost, 5);
  assert_int_equal(info(d).reordering, 6);
  dlg_free(d);
}

/* What went again and is lost again is found by time too, without a time-out. */
static void lost_again(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  assert_int_equal(dlg_send(d, 1, 30 * MSS), 30 * MSS);
  dlg_pump(d);
  dlg_forget(d);
  dlg_advance(d, RTT);
  for (unsigned i = 1; i < 4; i++)
    sack(d, 0, 1, {1, i + 1});
  again(d, 0); /* and this is lost */
  unsigned next = 10;
  for (unsigned i = 1; i < 10; i++) {
    sack(d, 0, 1, {1, i + 1});
    dlg_pump(d);
    for (; d->nout; next++)
      expect(d, ACK, SEG(next), 1, MSS);
  }
  assert_true(next > 12);
  dlg_advance(d, RTT); /* the new ones arrive; what went again left before them */
  sack(d, 0, 1, {1, 12});
  dlg_advance(d, 30 * LA_MS);
  again(d, 0);
  assert_int_equal(info(d).backoff, 0);
  assert_int_equal(info(d).ca_state, LA_CA_RECOVERY);
  dlg_free(d);
}

/* Of what left at one instant, what went again went last: that the new segments are reported says nothing of it. */
static void order_within_an_instant(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  assert_int_equal(dlg_send(d, 1, 30 * MSS), 30 * MSS);
  dlg_pump(d);
  dlg_forget(d);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {1, 2});
  sack(d, 0, 1, {1, 3});
  again(d, 10);
  again(d, 11);
  sack(d, 0, 1, {1, 4});
  again(d, 0);
  expect_nothing(d);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {1, 11});
  sack(d, 0, 1, {1, 12});
  dlg_pump(d);
  for (size_t i = 0; i < d->nout; i++)
    assert_true(d->out[i].seg.seq - d->f.irs >= SEG(12));
  dlg_free(d);
}

/* RFC 8985 7.3: after two round trips of silence, the last segment again; new data where there are. Not a time-out. */
static void tail_probe(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  send_segments(d, 0, 4);
  la_time t = d->now;
  dlg_until(d, t + 2 * RTT + LA_MS);
  expect_nothing(d);
  dlg_until(d, t + 2 * RTT + 2 * LA_MS);
  expect_at(d, t + 2 * RTT + 2 * LA_MS, ACK, SEG(3), 1, MSS);
  expect_nothing(d);
  la_info_rec i = info(d);
  assert_int_equal(i.backoff, 0);
  assert_int_equal(i.ca_state, LA_CA_OPEN);
  assert_int_equal(i.cwnd, 10 * MSS);
  dlg_free(d);
}

static void tail_probe_of_new_data(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  send_segments(d, 0, 2);
  la_set_option(d->s, d->conn, LA_OPT_CORK, 1, d->now);
  assert_int_equal(dlg_send(d, SEG(2), 300), 300); /* held */
  expect_nothing(d);
  dlg_advance(d, 2 * RTT + 2 * LA_MS);
  expect(d, ACK, SEG(2), 1, 300);
  expect_nothing(d);
  inject(d, ACK, 1, SEG(2) + 300, 0);
  assert_int_equal(info(d).cwnd, 10 * MSS); /* nothing is known to be lost */
  assert_true(info(d).ssthresh > 1u << 30);
  dlg_free(d);
}

/* 7.4: the probe repaired the loss of the last segment, which congestion control must hear of; a DSACK says there was none. */
static void probe_repairs(void **state) {
  (void)state;
  for (unsigned dsack = 0; dsack < 2; dsack++) {
    struct dlg *d = open_linux();
    send_segments(d, 0, 4);
    dlg_advance(d, RTT);
    sack(d, 3, 0);
    dlg_advance(d, 300 * LA_MS);
    again(d, 3);
    dlg_advance(d, RTT);
    if (dsack) {
      sack(d, 4, 1, {3, 4});
      assert_true(info(d).ssthresh > 1u << 30);
      assert_true(info(d).cwnd >= 10 * MSS);
    } else {
      sack(d, 4, 0);
      assert_int_equal(dlg_send(d, SEG(4), MSS), MSS);
      expect(d, ACK, SEG(4), 1, MSS);
      sack(d, 5, 0); /* beyond what was in doubt */
      assert_true(info(d).ssthresh < 10 * MSS);
      assert_int_equal(info(d).cwnd, info(d).ssthresh);
      assert_int_equal(info(d).ca_state, LA_CA_OPEN);
    }
    dlg_free(d);
  }
}

/* One segment outstanding: the peer may delay its ACK, so the time-out's instant is the probe's; then the time-out runs anew. */
static void lone_segment(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  la_time t = d->now;
  send_segments(d, 0, 1);
  dlg_until(d, t + 3 * RTT - 1);
  expect_nothing(d);
  dlg_until(d, t + 3 * RTT);
  expect_at(d, t + 3 * RTT, ACK, 1, 1, MSS); /* SRTT + 200 ms comes before 2 * SRTT + 200 ms */
  assert_int_equal(info(d).backoff, 0);
  dlg_until(d, t + 6 * RTT);
  expect_at(d, t + 6 * RTT, ACK, 1, 1, MSS);
  assert_int_equal(info(d).backoff, 1);
  dlg_until(d, t + 12 * RTT);
  expect_at(d, t + 12 * RTT, ACK, 1, 1, MSS);
  expect_nothing(d);
  dlg_free(d);
}

/* The FIN too. */
static void lone_fin(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  la_time t = d->now;
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  dlg_until(d, t + 6 * RTT);
  expect_at(d, t + 3 * RTT, FIN | ACK, 1, 1, 0);
  expect_at(d, t + 6 * RTT, FIN | ACK, 1, 1, 0);
  expect_nothing(d);
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  dlg_free(d);
}

static void without(la_config *c) {
  linux_preset(c);
  c->tlp = 0;
}
static void switched_off(void **state) {
  (void)state;
  struct dlg *d = loss_open(without, RTT, TCP_OPT_SACK_OK);
  send_segments(d, 0, 4);
  la_time t = d->now;
  dlg_until(d, t + 3 * RTT);
  expect_at(d, t + 3 * RTT, ACK, 1, 1, MSS);
  assert_int_equal(info(d).ca_state, LA_CA_LOSS);
  dlg_free(d);
  d = loss_open(linux_preset, RTT, 0); /* nor without SACK */
  send_segments(d, 0, 4);
  t = d->now;
  dlg_until(d, t + 3 * RTT);
  expect_at(d, t + 3 * RTT, ACK, 1, 1, MSS);
  dlg_free(d);
}

/* New data put off the probe, but not for ever the time-out. */
static void writes_without_end(void **state) {
  (void)state;
  struct dlg *d = loss_open(linux_preset, RTT, TCP_OPT_SACK_OK);
  la_set_option(d->s, d->conn, LA_OPT_NODELAY, 1, d->now);
  for (uint32_t i = 0; i < 200; i++) {
    dlg_send(d, 1 + i, 1);
    dlg_pump(d);
    dlg_advance(d, 10 * LA_MS);
  }
  assert_int_equal(info(d).ca_state, LA_CA_LOSS);
  dlg_free(d);
}

/* After END cwnd is no more, and no rate follows from it. */
static void rate_after_end(void **state) {
  (void)state;
  struct dlg *d = loss_open(linux_preset, RTT, TCP_OPT_SACK_OK);
  inject(d, RST, 1, 0, 0);
  dlg_pump(d);
  assert_true(info(d).pacing_rate == UINT64_MAX);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(three_reported),
    cmocka_unit_test(reordering_clock),
    cmocka_unit_test(reordering_is_learnt),
    cmocka_unit_test(degree),
    cmocka_unit_test(lost_again),
    cmocka_unit_test(order_within_an_instant),
    cmocka_unit_test(tail_probe),
    cmocka_unit_test(tail_probe_of_new_data),
    cmocka_unit_test(probe_repairs),
    cmocka_unit_test(lone_segment),
    cmocka_unit_test(lone_fin),
    cmocka_unit_test(switched_off),
    cmocka_unit_test(writes_without_end),
    cmocka_unit_test(rate_after_end),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
