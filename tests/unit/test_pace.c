/* SPDX-License-Identifier: MIT */
/* Pacing: when segments leave, to the nanosecond, and what ends the waiting. */
#include "dialogue.h"

enum { MSS = 1000 };

static struct dlg *open_paced(int64_t rate) {
  struct dlg *d = dlg_new(NULL);
  d->f.syn.mss = MSS;
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_MAX_PACING_RATE, rate, d->now), LA_OK);
  return d;
}
static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

/* 100,000 bytes a second: a segment each 10 ms. */
static void evenly(void **state) {
  (void)state;
  struct dlg *d = open_paced(100000);
  la_time t = d->now;
  assert_int_equal(dlg_send(d, 1, 20000), 20000);
  dlg_advance(d, 200 * LA_MS);
  for (uint32_t i = 0; i < 10; i++)
    expect_at(d, t + i * 10 * LA_MS, ACK, 1 + i * MSS, 1, MSS);
  expect_nothing(d); /* cwnd */
  assert_int_equal(info(d).pacing_rate, 100000);
  dlg_free(d);
}

/* Where a device cuts, a descriptor is what a ms takes at the rate; at a lower one segments still go one by one. */
static void joined(void **state) {
  (void)state;
  static const struct {
    int64_t rate;
    uint32_t each;
    la_time gap;
  } row[] = {{5000000, 5, LA_MS}, {2000000, 2, LA_MS}, {1000000, 1, LA_MS}};
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct dlg *d = open_paced(row[i].rate);
    assert_int_equal(la_link_offload(d->s, d->link, LA_OFFLOAD_TSO4, 0), LA_OK);
    la_time t = d->now;
    assert_int_equal(dlg_send(d, 1, 20000), 20000);
    dlg_advance(d, 20 * LA_MS);
    uint32_t n = row[i].each * MSS;
    for (uint32_t at = 0; at < 10; at += row[i].each, t += row[i].gap)
      expect_at(d, t, at && at + row[i].each == 10 && row[i].each > 1 ? ACK | PSH : ACK, 1 + at * MSS, 1, n);
    expect_nothing(d); /* cwnd */
    dlg_free(d);
  }
}

/* Who comes late has a credit, but of half a segment's time at most. */
static void credit(void **state) {
  (void)state;
  static const struct { la_time late, gap; } row[] = {{0, 10 * LA_MS}, {3 * LA_MS, 7 * LA_MS}, {5 * LA_MS, 5 * LA_MS}, {LA_SEC, 5 * LA_MS}};
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct dlg *d = open_paced(100000);
    assert_int_equal(dlg_send(d, 1, 2000), 2000); /* the second keeps the send queue, and with it the time of the first */
    expect(d, ACK, 1, 1, MSS);
    dlg_advance(d, 10 * LA_MS);
    expect(d, ACK, 1 + MSS, 1, MSS);
    dlg_advance(d, 10 * LA_MS);
    dlg_until(d, d->now + (row[i].late < 900 * LA_MS ? row[i].late : 900 * LA_MS));
    la_time t = d->now;
    assert_int_equal(dlg_send(d, 1 + 2 * MSS, 3000), 3000);
    dlg_advance(d, 15 * LA_MS);
    expect_at(d, t, ACK, 1 + 2 * MSS, 1, MSS);
    expect_at(d, t + row[i].gap, ACK, 1 + 3 * MSS, 1, MSS);
    dlg_forget(d);
    dlg_free(d);
  }
}

/* Slower than the persist clock: the bytes wait for their time, and are not probed for. */
static void very_slowly(void **state) {
  (void)state;
  struct dlg *d = open_paced(100);
  la_time t = d->now;
  assert_int_equal(dlg_send(d, 1, 2000), 2000);
  expect_at(d, t, ACK, 1, 1, MSS);
  inject(d, ACK, 1, 1 + MSS, 0);
  dlg_advance(d, 30 * LA_SEC);
  expect_at(d, t + 10 * LA_SEC, ACK, 1 + MSS, 1, MSS);
  dlg_forget(d); /* retransmissions */
  dlg_free(d);
}

/* The limit is gone: what waited goes at once. */
static void no_more(void **state) {
  (void)state;
  struct dlg *d = open_paced(100);
  assert_int_equal(dlg_send(d, 1, 3000), 3000);
  expect(d, ACK, 1, 1, MSS);
  expect_nothing(d);
  la_set_option(d->s, d->conn, LA_OPT_MAX_PACING_RATE, 0, d->now);
  expect(d, ACK, 1 + MSS, 1, MSS);
  expect(d, ACK, 1 + 2 * MSS, 1, MSS);
  dlg_free(d);
}

/* Under a high limit the window sets the rate: twice cwnd in a round trip while it may still double, then 1.2 times. */
static void by_the_window(void **state) {
  (void)state;
  struct dlg *d = open_paced(1 << 30);
  assert_int_equal(dlg_send(d, 1, 1000), 1000);
  expect(d, ACK, 1, 1, 1000);
  dlg_advance(d, 100 * LA_MS);
  inject(d, ACK, 1, 1001, 0);
  la_info_rec r = info(d);
  uint64_t want = (uint64_t)r.cwnd * 2 * LA_SEC / r.srtt;
  assert_in_range(r.pacing_rate, want - want / 1000, want); /* srtt has fractions */
  la_time t = d->now, gap = 1000 * LA_SEC / r.pacing_rate;
  assert_int_equal(dlg_send(d, 1001, 4000), 4000);
  dlg_advance(d, 4 * gap);
  for (uint32_t i = 0; i < 4; i++)
    expect_at(d, t + i * gap, ACK, 1001 + i * 1000, 1, 1000);
  dlg_free(d);
}

/* The window closes with bytes outstanding while others wait for the pace: what waits for the window has the persist clock all the same. */
static void window_closes_meanwhile(void **state) {
  (void)state;
  struct dlg *d = open_paced(100000);
  assert_int_equal(dlg_send(d, 1, 5000), 5000);
  dlg_advance(d, 12 * LA_MS);
  expect(d, ACK, 1, 1, MSS);
  expect(d, ACK, 1 + MSS, 1, MSS);
  inject(d, ACK, 1, 1 + MSS, 0, .wnd = ZERO_WINDOW);
  dlg_advance(d, 2 * LA_SEC);
  expect(d, ACK, 1 + MSS, 1, 1); /* the probe */
  dlg_forget(d);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(evenly),
    cmocka_unit_test(joined),
    cmocka_unit_test(credit),
    cmocka_unit_test(very_slowly),
    cmocka_unit_test(no_more),
    cmocka_unit_test(by_the_window),
    cmocka_unit_test(window_closes_meanwhile),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
