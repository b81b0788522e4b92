/* SPDX-License-Identifier: MIT */
/* Loss recovery: what goes again (RFC 6675, 6582), how fast (6937), what is taken back (5682, 3522, 3708), time-outs (6298 5), reneging. */
#include "loss_test.h"

#include "core/stack.h"

#define RTT (100 * LA_MS)

static struct dlg *open_linux(unsigned opts) { return loss_open(linux_preset, RTT, opts); }

static void queue(struct dlg *d, unsigned segments) { assert_int_equal(dlg_send(d, 1, segments * MSS), segments * MSS); }

/* What waits to be expected: how many, and that they are consecutive segments from `seg` on. */
static unsigned run(struct dlg *d, unsigned seg) {
  unsigned n = 0;
  for (dlg_pump(d); d->nout; n++)
    expect(d, ACK, SEG(seg + n), 1, MSS);
  return n;
}

/* RFC 3042: each of the first two reports lets a new segment go; when it was reordering nothing has happened. */
static void limited_transmit(void **state) {
  (void)state;
  for (unsigned with = 0; with < 2; with++) {
    struct dlg *d = open_linux(with ? TCP_OPT_SACK_OK : 0);
    queue(d, 15);
    assert_int_equal(run(d, 0), 10);
    dlg_advance(d, RTT);
    for (unsigned i = 0; i < 2; i++) {
      sack(d, 0, with, {1, i + 2});
      again(d, 10 + i);
      expect_nothing(d);
      dlg_advance(d, 10 * LA_MS);
    }
    sack(d, 3, 0);
    assert_int_equal(info(d).ca_state, LA_CA_OPEN);
    assert_int_equal(info(d).cwnd, 11 * MSS);
    assert_int_equal(run(d, 12), 2); /* 11 in all */
    sack(d, 5, 0);
    assert_int_equal(run(d, 14), 1);
    sack(d, 15, 0);
    assert_int_equal(dlg_stats(d).retransmits, 0);
    dlg_free(d);
  }
}

/* Three holes in one window: each goes once, what was reported not at all, and no time-out is needed. */
static void several_losses(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  send_segments(d, 0, 10);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {1, 2});
  sack(d, 0, 2, {3, 4}, {1, 2});
  sack(d, 0, 3, {5, 6}, {3, 4}, {1, 2});
  again(d, 0);
  dlg_forget(d);
  for (unsigned i = 6; i < 10; i++)
    sack(d, 0, 3, {5, i + 1}, {3, 4}, {1, 2});
  dlg_pump(d);
  again(d, 2);
  again(d, 4);
  expect_nothing(d);
  dlg_advance(d, RTT);
  sack(d, 2, 2, {5, 10}, {3, 4});
  sack(d, 10, 0);
  assert_int_equal(dlg_stats(d).retransmits, 3);
  assert_int_equal(info(d).ca_state, LA_CA_OPEN);
  assert_int_equal(info(d).cwnd, info(d).ssthresh);
  dlg_free(d);
}

/* RFC 6937: over the round trip of the loss what is sent is to what arrives as ssthresh to cwnd before; never a burst. */
static void proportional(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  queue(d, 60);
  assert_int_equal(run(d, 0), 10);
  dlg_advance(d, RTT);
  for (unsigned i = 0; i < 10; i++)
    sack(d, i + 1, 0);
  assert_int_equal(run(d, 10), 20);
  dlg_advance(d, RTT);
  for (unsigned i = 11; i < 14; i++) {
    sack(d, 10, 1, {11, i + 1});
    dlg_pump(d);
  }
  expect(d, ACK, SEG(30), 1, MSS); /* limited transmit */
  expect(d, ACK, SEG(31), 1, MSS);
  again(d, 10);
  expect_nothing(d);
  unsigned thresh = info(d).ssthresh / MSS, sent = 1, next = 32;
  assert_true(thresh < 20);
  for (unsigned i = 14; i < 30; i++) {
    sack(d, 10, 1, {11, i + 1});
    unsigned n = run(d, next), arrived = i - 12;
    next += n;
    sent += n;
    assert_true(n <= 1);
    if (info(d).unacked / MSS - info(d).segs_sacked > thresh)
      assert_int_equal(sent, (thresh * arrived + 19) / 20);
  }
  assert_int_equal(info(d).cwnd, thresh * MSS);
  dlg_advance(d, RTT);
  sack(d, 32, 0);
  assert_int_equal(info(d).cwnd, thresh * MSS);
  assert_int_equal(info(d).ca_state, LA_CA_OPEN);
  dlg_free(d);
}

/* Most of a window is lost: as many go as arrive (conservative), and while SND.UNA moves one more (slow start). */
static void heavy_loss(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  queue(d, 40);
  assert_int_equal(run(d, 0), 10);
  dlg_advance(d, RTT);
  for (unsigned i = 7; i < 9; i++)
    sack(d, 0, 1, {7, i + 1});
  dlg_forget(d);
  sack(d, 0, 1, {7, 10});
  assert_int_equal(info(d).segs_lost, 7);
  again(d, 0);
  expect_nothing(d);
  dlg_advance(d, RTT);
  for (unsigned i = 1; i < 3; i++) { /* one arrived, and the edge has not moved: one */
    sack(d, 0, 1, {7, 10 + i});
    again(d, i);
    expect_nothing(d);
  }
  sack(d, 1, 1, {7, 12}); /* it has: two */
  again(d, 3);
  again(d, 4);
  expect_nothing(d);
  dlg_free(d);
}

/* An ACK from before that arrives late still has news in its blocks. */
static void old_ack_with_news(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  send_segments(d, 0, 10);
  dlg_advance(d, RTT);
  sack(d, 4, 1, {8, 9});
  sack(d, 3, 1, {5, 7});
  assert_int_equal(info(d).segs_sacked, 3);
  assert_int_equal(info(d).reordering, 4);
  assert_int_equal(info(d).snd_una - d->f.irs, SEG(4));
  dlg_free(d);
}

/* RFC 6298 5.4 to 5.6, RFC 6675 5.1: after a time-out all goes again but what was reported. */
static void time_out_keeps_reports(void **state) {
  (void)state;
  struct dlg *d = loss_open(linux_preset, RTT, TCP_OPT_SACK_OK);
  send_segments(d, 0, 4);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {2, 3});
  dlg_advance(d, 27 * LA_MS);
  again(d, 0); /* by the reordering clock */
  dlg_forget(d);
  dlg_advance(d, 300 * LA_MS);
  again(d, 0);
  expect_nothing(d);
  la_info_rec i = info(d);
  assert_int_equal(i.ca_state, LA_CA_LOSS);
  assert_int_equal(i.segs_sacked, 1);
  assert_int_equal(i.segs_lost, 3);
  assert_int_equal(i.cwnd, MSS);
  dlg_advance(d, RTT);
  sack(d, 1, 1, {2, 3});
  again(d, 1);
  again(d, 3);
  expect_nothing(d);
  sack(d, 4, 0);
  assert_int_equal(info(d).ca_state, LA_CA_OPEN);
  dlg_free(d);
}

/* RFC 2018 8: the peer has taken a report back. SND.UNA stands before reported bytes: they go again after a time-out, soon. */
static void reneging(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  send_segments(d, 0, 4);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {1, 3});
  sack(d, 1, 0);
  assert_int_equal(info(d).segs_sacked, 2);
  la_time t = d->now;
  dlg_advance(d, 200 * LA_MS);
  const struct dlg_seg *o = again(d, 1);
  assert_true(o->at - t <= RTT / 2 + 10 * LA_MS);
  assert_int_equal(info(d).segs_sacked, 0);
  assert_int_equal(info(d).segs_lost, 3);
  dlg_free(d);
}

/* RFC 5682: after a time-out the first ACK lets two new segments go; when those draw news of the old copies, nothing was lost. */
static void spurious_time_out(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  queue(d, 40);
  assert_int_equal(run(d, 0), 10);
  dlg_advance(d, 202 * LA_MS); /* the probe: it is new, and stands in a queue as well */
  expect(d, ACK, SEG(10), 1, MSS);
  dlg_advance(d, 300 * LA_MS);
  again(d, 0);
  expect_nothing(d);
  assert_int_equal(info(d).ca_state, LA_CA_LOSS);
  dlg_advance(d, 50 * LA_MS);
  sack(d, 1, 0); /* of the first copy, or the second? */
  assert_int_equal(run(d, 11), 2);
  assert_int_equal(info(d).ca_state, LA_CA_LOSS);
  sack(d, 2, 0); /* that went only once */
  assert_int_equal(info(d).ca_state, LA_CA_OPEN);
  assert_int_equal(info(d).cwnd >= 10 * MSS, 1);
  assert_true(info(d).ssthresh > 1u << 30);
  assert_int_equal(info(d).segs_lost, 0);
  assert_int_equal(dlg_stats(d).retransmits, 1);
  dlg_free(d);
}

/* The same with a real loss: the new segments draw reports, and slow start goes on over what is lost. */
static void real_time_out(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  queue(d, 40);
  assert_int_equal(run(d, 0), 10);
  dlg_advance(d, 202 * LA_MS);
  dlg_forget(d);
  dlg_advance(d, 300 * LA_MS);
  again(d, 0);
  dlg_advance(d, RTT);
  sack(d, 1, 0);
  assert_int_equal(run(d, 11), 2);
  dlg_advance(d, RTT);
  sack(d, 1, 1, {11, 12});
  again(d, 1);
  expect_nothing(d);
  sack(d, 1, 1, {11, 13});
  again(d, 2);
  expect_nothing(d);
  assert_int_equal(info(d).ca_state, LA_CA_LOSS);
  assert_true(info(d).ssthresh < 10 * MSS);
  dlg_free(d);
}

/* RFC 3522: the ACK echoes a timestamp from before anything went again. */
static void eifel(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK | TCP_OPT_TS);
  d->f.ts = true;
  send_segments(d, 0, 10);
  uint32_t first = d->f.ts_ecr;
  dlg_advance(d, RTT);
  for (unsigned i = 1; i < 4; i++)
    sack(d, 0, 1, {1, i + 1});
  again(d, 0);
  assert_int_equal(info(d).ca_state, LA_CA_RECOVERY);
  dlg_advance(d, 5 * LA_MS);
  d->f.ts_ecr = first;
  sack(d, 10, 0);
  assert_int_equal(info(d).ca_state, LA_CA_OPEN);
  assert_int_equal(info(d).cwnd, 10 * MSS);
  assert_true(info(d).ssthresh > 1u << 30);
  dlg_free(d);
}

/* RFC 3708: every segment that went again is reported as a duplicate. */
static void dsack_undoes(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  queue(d, 30);
  assert_int_equal(run(d, 0), 10);
  dlg_advance(d, RTT);
  for (unsigned i = 1; i < 4; i++)
    sack(d, 0, 1, {1, i + 1});
  dlg_pump(d);
  dlg_forget(d);
  assert_int_equal(info(d).ca_state, LA_CA_RECOVERY);
  dlg_advance(d, 5 * LA_MS);
  sack(d, 4, 0); /* the first came late */
  assert_int_equal(info(d).ca_state, LA_CA_RECOVERY);
  dlg_advance(d, 20 * LA_MS);
  sack(d, 4, 1, {0, 1}); /* and its copy */
  assert_true(info(d).cwnd >= 10 * MSS);
  assert_true(info(d).ssthresh > 1u << 30);
  assert_int_equal(info(d).ca_state, LA_CA_OPEN);
  dlg_free(d);
}

/* A report of duplicates that were never sent again undoes nothing. */
static void forged_duplicates(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  queue(d, 30);
  assert_int_equal(run(d, 0), 10);
  dlg_advance(d, RTT);
  sack(d, 1, 0);
  for (unsigned i = 2; i < 5; i++)
    sack(d, 1, 1, {2, i + 1});
  dlg_pump(d);
  dlg_forget(d);
  uint32_t thresh = info(d).ssthresh;
  assert_true(thresh < 10 * MSS);
  for (unsigned i = 0; i < 5; i++)
    sack(d, 1, 1, {0, 1}); /* below where the reduction began */
  assert_int_equal(info(d).ssthresh, thresh);
  assert_int_equal(info(d).ca_state, LA_CA_RECOVERY);
  dlg_free(d);
}

/* RFC 6582 without SACK: the third duplicate, then each partial ACK, let the first segment go again. */
static void newreno(void **state) {
  (void)state;
  struct dlg *d = open_linux(0);
  send_segments(d, 0, 10);
  dlg_advance(d, RTT);
  sack(d, 0, 0);
  sack(d, 0, 0);
  expect_nothing(d);
  assert_int_equal(info(d).ca_state, LA_CA_DISORDER);
  sack(d, 0, 0);
  again(d, 0);
  expect_nothing(d);
  la_info_rec i = info(d);
  assert_int_equal(i.ca_state, LA_CA_RECOVERY);
  assert_int_equal(i.segs_sacked, 3);
  assert_int_equal(i.segs_lost, 1);
  sack(d, 4, 0);
  again(d, 4);
  expect_nothing(d);
  sack(d, 10, 0);
  assert_int_equal(info(d).ca_state, LA_CA_OPEN);
  assert_int_equal(info(d).segs_sacked, 0);
  dlg_free(d);
}

/* Without SACK a duplicate stands for a segment that arrived, and never can all have arrived while SND.UNA is not acknowledged. */
static void newreno_counts(void **state) {
  (void)state;
  struct dlg *d = open_linux(0);
  send_segments(d, 0, 10);
  dlg_advance(d, RTT);
  for (unsigned i = 0; i < 9; i++)
    sack(d, 0, 0);
  again(d, 0);
  expect_nothing(d);
  assert_int_equal(info(d).segs_sacked, 9);
  sack(d, 1, 0); /* what filled that hole was none of the nine: eight may have arrived of nine, the first is lost */
  again(d, 1);
  expect_nothing(d);
  la_info_rec i = info(d);
  assert_int_equal(i.segs_out, 9);
  assert_int_equal(i.segs_lost, 1);
  assert_int_equal(i.segs_sacked, 8);
  dlg_free(d);
}

static struct conn *inside(struct dlg *d) { return la__conn_handle(&d->s->tcp, d->conn); }

/* What was noted long ago lies behind, though 2^31 bytes have been sent since. */
static void newreno_after_two_gigabytes(void **state) {
  (void)state;
  struct dlg *d = open_linux(0);
  send_segments(d, 0, 10);
  struct conn *c = inside(d);
  c->sndq->rec.recover = c->snd_una - (1u << 31) + 500; /* no loss since then */
  dlg_advance(d, RTT);
  sack(d, 1, 0);
  dlg_pump(d);
  for (unsigned i = 0; i < 3; i++)
    sack(d, 1, 0);
  again(d, 1);
  expect_nothing(d);
  dlg_free(d);
}

static void small_long_ago(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  send_segments(d, 0, 2);
  struct conn *c = inside(d);
  c->sndq->small_end = c->snd_una - (1u << 31) + 500;
  dlg_advance(d, RTT);
  sack(d, 1, 0);
  assert_int_equal(dlg_send(d, SEG(2), 10), 10); /* no small segment is unacknowledged (Minshall) */
  expect(d, ACK | PSH, SEG(2), 1, 10);
  dlg_free(d);
}

/* A block takes room from a segment, which is full nonetheless. */
static void full_with_a_block(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  inject(d, ACK | PSH, 1, 1, 100);
  expect(d, ACK, 1, 101, 0);
  inject(d, ACK | PSH, 1, 1, 100); /* a duplicate: the next segment tells of it */
  assert_int_equal(dlg_send(d, 1, MSS - 12), MSS - 12);
  expect(d, ACK | PSH, 1, 101, MSS - 12);
  assert_int_equal(dlg_send(d, MSS - 11, 10), 10);
  expect(d, ACK | PSH, MSS - 11, 101, 10);
  dlg_free(d);
}

/* A router's word that the segment at `seq` is longer than its next link takes. */
static void too_big(struct dlg *d, uint32_t seq, uint32_t mtu) {
  uint8_t quote[IP4_HEADER + TCP_HEADER], msg[128];
  struct ip_hdr h = {.src = d->f.us, .dst = d->f.peer, .proto = IP_PROTO_TCP, .ttl = 1, .len = TCP_HEADER + MSS, .dont_fragment = true};
  struct tcp_seg seg = {.sport = d->f.lport, .dport = d->f.rport, .seq = d->f.irs + seq, .flags = ACK};
  la__ip4_build(&h, quote);
  la__tcp_build(&seg, quote + IP4_HEADER);
  struct icmp_msg m = {.type = 3, .code = 4, .word = mtu, .data = quote, .len = IP4_HEADER + 8};
  assert_int_equal(dlg_ip(d, &d->f.peer, &d->f.us, IP_PROTO_ICMP, msg, la__icmp_build(&m, msg, 0)), 1);
}

/* The path takes only shorter segments: all goes again in such, and nobody's congestion. */
static void smaller_segments(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  send_segments(d, 0, 5);
  uint32_t cwnd = info(d).cwnd;
  too_big(d, SEG(0), 600);
  dlg_pump(d);
  uint32_t pos = 1;
  while (d->nout) {
    uint32_t n = d->out[0].seg.len;
    assert_true(n > 0 && n <= 600 - 40);
    expect(d, ACK, pos, 1, n);
    pos += n;
  }
  assert_int_equal(pos, SEG(5));
  assert_int_equal(info(d).cwnd, cwnd);
  dlg_free(d);
}

/* The window closes over a hole: nothing goes but the persist clock's probes, and when it opens what is missing goes again. */
static void closed_over_a_hole(void **state) {
  (void)state;
  struct dlg *d = open_linux(TCP_OPT_SACK_OK);
  send_segments(d, 0, 6);
  dlg_advance(d, RTT);
  d->wnd = 0;
  struct shot s = sack_shot(d, SEG(0), (struct blocks){1, {{1, 2}}});
  s.wnd = ZERO_WINDOW;
  dlg_inject(d, s, __FILE__, __LINE__);
  expect_nothing(d);
  s = sack_shot(d, SEG(0), (struct blocks){1, {{1, 3}}});
  s.wnd = ZERO_WINDOW;
  dlg_inject(d, s, __FILE__, __LINE__);
  dlg_advance(d, 250 * LA_MS);
  expect_nothing(d);
  for (unsigned i = 0; i < 4; i++) { /* no clock of recovery's has taken its place: it probes on, though nobody answers */
    dlg_advance(d, 5 * LA_SEC);
    dlg_pump(d);
    assert_true(d->nout > 0 || i > 1);
    dlg_forget(d);
  }
  d->wnd = 512;
  sack(d, 0, 1, {1, 3});
  again(d, 0);
  for (unsigned i = 3; i < 6; i++)
    again(d, i);
  expect_nothing(d);
  sack(d, 6, 0);
  assert_int_equal(info(d).ca_state, LA_CA_OPEN);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(limited_transmit),
    cmocka_unit_test(several_losses),
    cmocka_unit_test(proportional),
    cmocka_unit_test(heavy_loss),
    cmocka_unit_test(old_ack_with_news),
    cmocka_unit_test(time_out_keeps_reports),
    cmocka_unit_test(reneging),
    cmocka_unit_test(spurious_time_out),
    cmocka_unit_test(real_time_out),
    cmocka_unit_test(eifel),
    cmocka_unit_test(dsack_undoes),
    cmocka_unit_test(forged_duplicates),
    cmocka_unit_test(newreno),
    cmocka_unit_test(newreno_counts),
    cmocka_unit_test(newreno_after_two_gigabytes),
    cmocka_unit_test(small_long_ago),
    cmocka_unit_test(full_with_a_block),
    cmocka_unit_test(smaller_segments),
    cmocka_unit_test(closed_over_a_hole),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
