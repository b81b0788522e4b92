/* SPDX-License-Identifier: MIT */
/* Congestion control as the peer sees it: RFC 5681, 6582, 6928, 3042; RFC 2525 2.1, 2.2, 2.3, 2.6, 2.8. */
#include "dialogue.h"

enum { MSS = 1000 };

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

static void big(la_config *c) {
  c->sndbuf = 4 << 20;
  c->cc = LA_CC_NEWRENO;
}

/* A peer with a window that is never the limit. */
static struct dlg *open_mss(uint16_t mss) {
  struct dlg *d = dlg_new(big);
  d->f.syn.have |= TCP_OPT_WSCALE;
  d->f.syn.wscale = 10;
  d->f.syn.mss = mss;
  establish(d, PASSIVE_OPEN);
  return d;
}

static void queue(struct dlg *d, uint32_t pos, uint32_t n) {
  while (n) {
    uint32_t k = n < 50000 ? n : 50000;
    assert_int_equal(dlg_send(d, pos, k), k);
    pos += k;
    n -= k;
  }
}

/* Segments that wait to be expected: how many, and that they are full ones from `pos` on. */
static uint32_t flight(struct dlg *d, uint32_t pos) {
  uint32_t n = 0;
  dlg_pump(d);
  while (d->nout) {
    expect(d, ACK, pos + MSS * n, 1, MSS);
    n++;
  }
  return n;
}

/* RFC 2525 2.1, RFC 6928: min(10 * MSS, max(2 * MSS, 14600)). */
static void initial_window(void **state) {
  (void)state;
  static const struct {
    uint16_t mss;
    uint32_t window;
  } row[] = {{1460, 14600}, {1000, 10000}, {536, 5360}, {88, 880}};
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct dlg *d = open_mss(row[i].mss);
    queue(d, 1, 200000);
    dlg_pump(d);
    uint32_t sum = 0;
    for (size_t k = 0; k < d->nout; k++)
      sum += d->out[k].seg.len;
    assert_int_equal(sum, row[i].window);
    assert_int_equal(d->nout, 10);
    dlg_free(d);
  }
}

/* RFC 2525 2.3: the same on every way into ESTABLISHED; one segment where the SYN or its answer was lost (RFC 5681 3.1). */
static uint32_t open_way(int way, bool lost) {
  struct dlg *d = dlg_new(NULL);
  if (way == 3)
    d->f.syn.have = 0;
  if (way == 0 || way == 3) {
    dlg_listen(d);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    if (lost) {
      dlg_advance(d, LA_SEC);
      expect(d, SYN | ACK, 0, 1, 0);
    }
    inject(d, ACK, 1, 1, 0);
    dlg_pump(d);
    assert_int_equal(dlg_accept(d), LA_OK);
  } else {
    assert_int_equal(dlg_connect(d), LA_OK);
    expect(d, SYN, 0, 0, 0);
    if (lost) {
      dlg_advance(d, LA_SEC);
      expect(d, SYN, 0, 0, 0);
    }
    if (way == 1) {
      inject(d, SYN | ACK, 0, 1, 0);
      expect(d, ACK, 1, 1, 0);
    } else {
      inject(d, SYN, 0, 0, 0);
      expect(d, SYN | ACK, 0, 1, 0);
      inject(d, ACK, 1, 1, 0);
    }
  }
  expect_state(d, LA_ESTABLISHED);
  uint32_t cwnd = info(d).cwnd;
  assert_true(info(d).ssthresh > 1u << 30);
  dlg_free(d);
  return cwnd;
}

static void the_same_window_on_every_way(void **state) {
  (void)state;
  for (int way = 0; way < 3; way++) {
    assert_int_equal(open_way(way, false), 14600);
    assert_int_equal(open_way(way, true), 1460);
  }
  assert_int_equal(open_way(3, false), 5360); /* without MSS: 536 */
  assert_int_equal(open_way(3, true), 536);
}

/* Sends full segments and has each flight acknowledged, segment by segment, for `rounds` round trips of 100 ms. */
static uint32_t rounds(struct dlg *d, uint32_t *pos, unsigned n) {
  uint32_t sent = 0;
  while (n--) {
    sent = flight(d, *pos);
    dlg_advance(d, 100 * LA_MS);
    for (uint32_t i = 0; i < sent; i++)
      inject(d, ACK, 1, *pos + MSS * (i + 1), 0);
    *pos += MSS * sent;
  }
  return sent;
}

/* Slow start: twice as much each round trip. */
static void slow_start(void **state) {
  (void)state;
  struct dlg *d = open_mss(MSS);
  queue(d, 1, 2000000);
  uint32_t pos = 1;
  for (uint32_t want = 10; want <= 160; want *= 2)
    assert_int_equal(rounds(d, &pos, 1), want);
  dlg_free(d);
}

/* RFC 2525 2.2, RFC 5681 3.1: a time-out leaves one segment and half the flight as threshold; further ones leave the threshold. */
static void time_out(void **state) {
  (void)state;
  struct dlg *d = open_mss(MSS);
  queue(d, 1, 2000000);
  uint32_t pos = 1;
  rounds(d, &pos, 1);
  assert_int_equal(flight(d, pos), 20);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, pos, 1, MSS);
  expect_nothing(d);
  assert_int_equal(info(d).cwnd, MSS);
  assert_int_equal(info(d).ssthresh, 10 * MSS);
  dlg_advance(d, 2 * LA_SEC);
  expect(d, ACK, pos, 1, MSS);
  expect_nothing(d);
  assert_int_equal(info(d).ssthresh, 10 * MSS);
  for (uint32_t n = 1; n <= 8; n *= 2) { /* slow start over what is to be sent again */
    for (uint32_t i = 0; i < n; i++)
      inject(d, ACK, 1, pos + MSS * (i + 1), 0);
    pos += MSS * n;
    if (n < 8)
      assert_int_equal(flight(d, pos), 2 * n);
  }
  assert_int_equal(info(d).cwnd, 10 * MSS); /* 1 + 1 + 2 + 4, and 2 of 8: then the threshold */
  dlg_free(d);
}

/* A new loss is a new loss, though Karn's rule has kept the back-off (RFC 5681 3.1, "has not yet been resent"). */
static void threshold_of_a_new_loss(void **state) {
  (void)state;
  struct dlg *d = open_mss(MSS);
  queue(d, 1, 2000000);
  assert_int_equal(flight(d, 1), 10);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 1, MSS);
  assert_int_equal(info(d).ssthresh, 5 * MSS);
  inject(d, ACK, 1, 1 + 10 * MSS, 0); /* no sample */
  assert_int_equal(info(d).backoff, 1);
  assert_int_equal(flight(d, 1 + 10 * MSS), 6); /* slow start up to the threshold, and a window's worth beyond it */
  dlg_advance(d, 2 * LA_SEC);
  expect(d, ACK, 1 + 10 * MSS, 1, MSS);
  assert_int_equal(info(d).ssthresh, 3 * MSS); /* flight / 2 */
  dlg_free(d);
}

/* RFC 2525 2.6: past the threshold one segment a round trip, and nothing on top. */
static void congestion_avoidance(void **state) {
  (void)state;
  struct dlg *d = open_mss(MSS);
  queue(d, 1, 4000000);
  assert_int_equal(flight(d, 1), 10);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 1, MSS);
  inject(d, ACK, 1, 1 + 10 * MSS, 0);
  uint32_t pos = 1 + 10 * MSS;
  uint32_t first = rounds(d, &pos, 1);
  assert_int_equal(first, 6);
  for (uint32_t i = 1; i <= 40; i++) {
    uint32_t n = rounds(d, &pos, 1);
    assert_true(n >= first + i - 1 && n <= first + i);
  }
  dlg_free(d);
}

/* RFC 3042: two new segments for the first two duplicates; the lost one for the third; then RFC 6937 down to half, and no further (2.8). */
static void fast_recovery(void **state) {
  (void)state;
  struct dlg *d = open_mss(MSS);
  queue(d, 1, 2000000);
  assert_int_equal(flight(d, 1), 10);
  inject(d, ACK, 1, 1, 0);
  expect(d, ACK, 1 + 10 * MSS, 1, MSS);
  expect_nothing(d);
  inject(d, ACK, 1, 1, 0);
  expect(d, ACK, 1 + 11 * MSS, 1, MSS);
  expect_nothing(d);
  assert_int_equal(info(d).cwnd, 10 * MSS);
  inject(d, ACK, 1, 1, 0);
  expect(d, ACK, 1, 1, MSS);
  expect_nothing(d);
  assert_int_equal(info(d).ssthresh, 5 * MSS); /* what limited transmit added does not count */
  assert_int_equal(info(d).cwnd, 9 * MSS);     /* 12, less 3 that have arrived, less the lost one, and that again */
  for (uint32_t i = 0; i < 8; i++)             /* all that was in flight has arrived but the first: 3 + 8 duplicates */
    inject(d, ACK, 1, 1, 0);
  assert_int_equal(info(d).cwnd, 5 * MSS);
  assert_int_equal(flight(d, 1 + 12 * MSS), 4);
  inject(d, ACK, 1, 1 + 12 * MSS, 0);      /* all that was outstanding at the loss */
  assert_int_equal(info(d).cwnd, 5 * MSS); /* min(ssthresh, max(flight, MSS) + MSS): 4 are in flight */
  assert_int_equal(flight(d, 1 + 16 * MSS), 1);
  inject(d, ACK, 1, 1 + 13 * MSS, 0); /* and on in congestion avoidance: one at a time */
  assert_int_equal(info(d).cwnd, 5 * MSS);
  assert_int_equal(flight(d, 1 + 17 * MSS), 1);
  dlg_free(d);
}

/* The full ACK leaves little in flight: no burst (RFC 6582 3.2 step 3). */
static void no_burst_after_recovery(void **state) {
  (void)state;
  struct dlg *d = open_mss(MSS);
  queue(d, 1, 10 * MSS);
  assert_int_equal(flight(d, 1), 10);
  for (unsigned i = 0; i < 9; i++)
    inject(d, ACK, 1, 1, 0);
  expect(d, ACK, 1, 1, MSS);
  queue(d, 1 + 10 * MSS, 100 * MSS);
  dlg_forget(d);
  uint32_t nxt = info(d).snd_nxt - d->f.irs;
  inject(d, ACK, 1, nxt, 0);
  assert_int_equal(info(d).cwnd, 2 * MSS);
  assert_int_equal(flight(d, nxt), 2);
  dlg_free(d);
}

/* RFC 6582: three losses in one window. Each partial ACK draws the next one at once; the threshold is halved once. */
static void partial_acks(void **state) {
  (void)state;
  struct dlg *d = open_mss(MSS);
  queue(d, 1, 2000000);
  uint32_t pos = 1;
  rounds(d, &pos, 1);
  assert_int_equal(flight(d, pos), 20); /* lost: 0, 5 and 10 */
  uint32_t at = pos;
  for (unsigned i = 0; i < 17; i++)
    inject(d, ACK, 1, at, 0);
  bool again = false;
  dlg_pump(d);
  for (size_t i = 0; i < d->nout; i++)
    again |= d->out[i].seg.seq - d->f.irs == at;
  assert_true(again);
  dlg_forget(d);
  uint32_t recover = pos + 22 * MSS; /* 20 and two of limited transmit */
  assert_int_equal(info(d).ssthresh, 10 * MSS);
  inject(d, ACK, 1, at + 5 * MSS, 0);
  assert_true(info(d).cwnd <= 10 * MSS);
  expect(d, ACK, at + 5 * MSS, 1, MSS);
  dlg_forget(d);
  inject(d, ACK, 1, at + 10 * MSS, 0);
  assert_true(info(d).cwnd <= 10 * MSS);
  expect(d, ACK, at + 10 * MSS, 1, MSS);
  dlg_forget(d);
  inject(d, ACK, 1, recover, 0);
  assert_true(info(d).cwnd <= 10 * MSS);
  assert_int_equal(info(d).ssthresh, 10 * MSS);
  assert_int_equal(info(d).backoff, 0);
  dlg_free(d);
}

/* RFC 6582 4.1: after a time-out duplicates below what had been sent by then start no recovery. */
static void no_recovery_below_recover(void **state) {
  (void)state;
  struct dlg *d = open_mss(MSS);
  queue(d, 1, 2000000);
  assert_int_equal(flight(d, 1), 10);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 1, MSS);
  inject(d, ACK, 1, 1 + MSS, 0);
  assert_int_equal(flight(d, 1 + MSS), 2);
  uint32_t ssthresh = info(d).ssthresh;
  for (unsigned i = 0; i < 6; i++)
    inject(d, ACK, 1, 1 + MSS, 0);
  dlg_pump(d);
  for (size_t i = 0; i < d->nout; i++) /* limited transmit, at most */
    assert_true(d->out[i].seg.seq - d->f.irs != 1 + MSS);
  assert_int_equal(info(d).ssthresh, ssthresh);
  dlg_free(d);
}

/* D10: forged duplicates inflate the window no further than what was in flight can account for. */
static void forged_duplicates(void **state) {
  (void)state;
  struct dlg *d = open_mss(MSS);
  queue(d, 1, 2000000);
  assert_int_equal(flight(d, 1), 10);
  for (unsigned i = 0; i < 1000; i++) {
    inject(d, ACK, 1, 1, 0);
    dlg_forget(d);
  }
  assert_true(info(d).cwnd <= 5 * MSS + 12 * MSS + 3 * MSS);
  assert_true(info(d).unacked <= 20 * MSS);
  dlg_free(d);
}

/* RFC 5681 4.1: after an idle time longer than the RTO the window is no more than an initial one; after a shorter one it stays. */
static void restart_after_idle(void **state) {
  (void)state;
  for (int keepalive = 0; keepalive < 2; keepalive++) {
    struct dlg *d = open_mss(MSS);
    la_set_option(d->s, d->conn, LA_OPT_KEEPALIVE, keepalive, d->now);
    uint32_t pos = 1;
    queue(d, 1, 70 * MSS);
    rounds(d, &pos, 3);
    expect_nothing(d);
    uint32_t cwnd = info(d).cwnd;
    assert_int_equal(cwnd, 80 * MSS);
    dlg_advance(d, info(d).rto - LA_MS);
    queue(d, pos, 50 * MSS);
    assert_int_equal(flight(d, pos), 50);
    pos += 50 * MSS;
    inject(d, ACK, 1, pos, 0);
    dlg_advance(d, info(d).rto + LA_MS);
    queue(d, pos, 50 * MSS);
    assert_int_equal(flight(d, pos), 10);
    assert_int_equal(info(d).cwnd, 10 * MSS);
    dlg_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(initial_window),
    cmocka_unit_test(the_same_window_on_every_way),
    cmocka_unit_test(slow_start),
    cmocka_unit_test(time_out),
    cmocka_unit_test(threshold_of_a_new_loss),
    cmocka_unit_test(congestion_avoidance),
    cmocka_unit_test(fast_recovery),
    cmocka_unit_test(no_burst_after_recovery),
    cmocka_unit_test(partial_acks),
    cmocka_unit_test(no_recovery_below_recover),
    cmocka_unit_test(forged_duplicates),
    cmocka_unit_test(restart_after_idle),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
