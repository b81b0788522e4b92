/* SPDX-License-Identifier: MIT */
/* The path's MTU: claims that wait for a loss (RFC 5927 7.2), black holes and the search upwards (RFC 4821), a destination's memory. */
#include "loss_test.h"

#include "core/stack.h"

#define RTT (100 * LA_MS)
enum { HEADERS = 40 };

/* A router's word that the segment of `len` bytes at `seq` is longer than its next link takes. */
static void too_big(struct dlg *d, uint32_t seq, uint32_t len, uint32_t mtu) {
  uint8_t quote[IP4_HEADER + TCP_HEADER], msg[128];
  struct ip_hdr h = {.src = d->f.us, .dst = d->f.peer, .proto = IP_PROTO_TCP, .ttl = 1, .len = TCP_HEADER + len, .dont_fragment = true};
  struct tcp_seg seg = {.sport = d->f.lport, .dport = d->f.rport, .seq = d->f.irs + seq, .flags = ACK};
  la__ip4_build(&h, quote);
  la__tcp_build(&seg, quote + IP4_HEADER);
  struct icmp_msg m = {.type = 3, .code = 4, .word = mtu, .data = quote, .len = IP4_HEADER + 8};
  assert_int_equal(dlg_ip(d, &d->f.peer, &d->f.us, IP_PROTO_ICMP, msg, la__icmp_build(&m, msg, 0)), 1);
  dlg_pump(d);
}

static struct dlg *open_off(void) { return loss_open(linux_preset, RTT, TCP_OPT_SACK_OK); }
static void always(la_config *c) {
  linux_preset(c);
  c->mtu_probing = LA_MTU_PROBING_ALWAYS;
  c->base_mss = 600;
}
static void on_black_hole(la_config *c) {
  linux_preset(c);
  c->mtu_probing = LA_MTU_PROBING_BLACK_HOLE;
  c->base_mss = 700;
}

/* All that waits leaves, from `pos` on, in segments of at most `most`; where it ends. */
static uint32_t leaves(struct dlg *d, uint32_t pos, uint32_t most) {
  dlg_pump(d);
  while (d->nout) {
    uint32_t n = d->out[0].seg.len;
    assert_true(n > 0 && n <= most);
    expect(d, ACK, pos, 1, n);
    pos += n;
  }
  return pos;
}

/* Until a segment of that length has been acknowledged, a claim is how a path's MTU is found. */
static void first_claims_are_believed(void **state) {
  (void)state;
  struct dlg *d = open_off();
  send_segments(d, 0, 5);
  uint32_t cwnd = info(d).cwnd;
  too_big(d, SEG(0), MSS, 800);
  assert_int_equal(leaves(d, 1, 760), SEG(5));
  assert_int_equal(info(d).pmtu, 800);
  too_big(d, SEG(0), 760, 600); /* a narrower link behind it */
  assert_int_equal(leaves(d, 1, 560), SEG(5));
  too_big(d, SEG(0), 560, 700); /* never up */
  expect_nothing(d);
  assert_int_equal(info(d).mss, 560);
  assert_int_equal(info(d).cwnd, cwnd);
  assert_int_equal(info(d).ssthresh > 1u << 29, 1);
  assert_int_equal(dlg_stats(d).pmtu_lowered, 2);
  assert_int_equal(dlg_stats(d).pmtu_pending, 0);
  dlg_free(d);
}

/* Two full segments have been acknowledged, five more are out, and a router says that the third of them was too long. */
static struct dlg *claimed(void) {
  struct dlg *d = open_off();
  send_segments(d, 0, 2);
  dlg_advance(d, RTT);
  sack(d, 2, 0);
  send_segments(d, 2, 5);
  too_big(d, SEG(4), MSS, 600);
  expect_nothing(d);
  assert_int_equal(info(d).mss, MSS);
  assert_int_equal(dlg_stats(d).pmtu_pending, 1);
  assert_int_equal(dlg_stats(d).pmtu_lowered, 0);
  return d;
}

/* Nothing is heard any more: the time-out confirms it. All goes again in shorter segments, and the windows stay. */
static void confirmed_by_a_time_out(void **state) {
  (void)state;
  struct dlg *d = claimed();
  uint32_t cwnd = info(d).cwnd;
  dlg_advance(d, 250 * LA_MS); /* the tail loss probe */
  expect(d, ACK | PSH, SEG(6), 1, MSS);
  assert_int_equal(info(d).mss, MSS);
  dlg_advance(d, 320 * LA_MS);
  assert_int_equal(info(d).mss, 560);
  assert_int_equal(leaves(d, SEG(2), 560), SEG(7));
  assert_int_equal(info(d).cwnd, cwnd);
  assert_int_equal(info(d).ssthresh > 1u << 29, 1);
  assert_int_equal(dlg_stats(d).pmtu_lowered, 1);
  dlg_free(d);
}

/* What it quotes has come: it lied, or the path is another one by now. A time-out later confirms nothing. */
static void refuted_by_an_ack(void **state) {
  (void)state;
  for (unsigned by_sack = 0; by_sack < 2; by_sack++) {
    struct dlg *d = claimed();
    dlg_advance(d, RTT);
    if (by_sack)
      sack(d, 2, 1, {4, 5});
    else
      sack(d, 5, 0);
    dlg_advance(d, 2 * LA_SEC);
    dlg_forget(d);
    assert_true(info(d).backoff > 0);
    assert_int_equal(info(d).mss, MSS);
    assert_int_equal(dlg_stats(d).pmtu_lowered, 0);
    dlg_free(d);
  }
}

/* Others come through, but it is lost, and its second copy too: that is enough without a time-out. */
static void confirmed_by_a_second_loss(void **state) {
  (void)state;
  struct dlg *d = claimed();
  send_segments(d, 7, 4);
  dlg_advance(d, RTT);
  assert_int_equal(dlg_send(d, SEG(11), 4 * MSS), 4 * MSS);
  sack(d, 4, 1, {5, 8});
  again(d, 4);
  dlg_forget(d);
  sack(d, 4, 1, {5, 11});
  dlg_pump(d);
  assert_true(d->nout > 0); /* new ones, that left after the second copy */
  dlg_forget(d);
  assert_int_equal(info(d).mss, MSS);
  dlg_advance(d, RTT);
  sack(d, 4, 1, {5, 13});
  dlg_pump(d);
  assert_int_equal(info(d).mss, 560);
  assert_int_equal(info(d).backoff, 0);
  expect(d, ACK, SEG(4), 1, 560);
  expect(d, ACK, SEG(4) + 560, 1, 440);
  dlg_free(d);
}

/* What was never longer than the claim allows was not too big for it; what is not outstanding, or was reported, neither. */
static void claims_that_cannot_be_true(void **state) {
  (void)state;
  struct dlg *d = open_off();
  send_segments(d, 0, 3);
  assert_int_equal(dlg_send(d, SEG(3), 500), 500);
  expect(d, ACK | PSH, SEG(3), 1, 500);
  too_big(d, SEG(3), MSS, 600); /* that one had 540 bytes in all */
  too_big(d, SEG(3) + 500, MSS, 600);
  too_big(d, SEG(0) - 1, MSS, 600);
  too_big(d, SEG(0), MSS, MSS + HEADERS);
  dlg_advance(d, RTT);
  sack(d, 0, 1, {1, 2});
  too_big(d, SEG(1), MSS, 600);
  assert_int_equal(info(d).mss, MSS);
  assert_int_equal(dlg_stats(d).pmtu_lowered + dlg_stats(d).pmtu_pending, 0);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_ICMP], 5);
  dlg_free(d);
}

/* RFC 4821 7.7: long segments vanish, and no router says a word. */
static void black_hole(void **state) {
  (void)state;
  for (unsigned on = 0; on < 2; on++) {
    struct dlg *d = loss_open(on ? on_black_hole : linux_preset, RTT, TCP_OPT_SACK_OK);
    uint32_t longest[6] = {0};
    send_segments(d, 0, 5);
    for (unsigned i = 0; i < 6; i++) {
      while (info(d).backoff == i)
        dlg_advance(d, 10 * LA_MS);
      longest[i] = info(d).mss;
      dlg_forget(d);
    }
    assert_int_equal(longest[1], MSS);                 /* twice is bad luck */
    assert_int_equal(longest[2], on ? 700 : MSS);      /* r1 times is not */
    assert_int_equal(longest[3], on ? 576 - 40 : MSS); /* half of it, but no path is shorter than that */
    assert_int_equal(longest[5], on ? 576 - 40 : MSS);
    assert_int_equal(dlg_stats(d).pmtu_black_holes, on ? 2 : 0);
    dlg_free(d);
  }
}

/* A short segment that nobody answers says nothing about the path's MTU. */
static void silence_is_no_black_hole(void **state) {
  (void)state;
  struct dlg *d = loss_open(on_black_hole, RTT, TCP_OPT_SACK_OK);
  assert_int_equal(dlg_send(d, 1, 700), 700);
  dlg_advance(d, 30 * LA_SEC);
  assert_true(info(d).backoff > 3);
  assert_int_equal(info(d).mss, MSS);
  dlg_free(d);
}

/* One segment of each flight is longer, until nothing longer is left to try; no other leaves at its size before it is acknowledged. */
static void search(void **state) {
  (void)state;
  static const uint32_t sizes[] = {600, 800, 900, 950, 975, 988, 994};
  struct dlg *d = loss_open(always, RTT, TCP_OPT_SACK_OK);
  uint32_t pos = 1;
  assert_int_equal(info(d).mss, sizes[0]);
  for (unsigned i = 1; i < sizeof sizes / sizeof *sizes; i++) {
    assert_int_equal(dlg_send(d, pos, sizes[i] + 4 * sizes[i - 1]), sizes[i] + 4 * sizes[i - 1]);
    expect(d, ACK, pos, 1, sizes[i]);
    pos = leaves(d, pos + sizes[i], sizes[i - 1]);
    dlg_advance(d, RTT);
    inject(d, ACK, 1, pos, 0);
    assert_int_equal(info(d).mss, sizes[i]);
  }
  assert_int_equal(dlg_send(d, pos, 8 * MSS), 8 * MSS);
  leaves(d, pos, 994); /* closer than that is not worth it */
  assert_int_equal(dlg_stats(d).pmtu_probes, 6);
  assert_int_equal(dlg_stats(d).pmtu_probes_passed, 6);
  assert_int_equal(dlg_stats(d).retransmits, 0);
  dlg_free(d);
}

/* Too little behind it to report its loss, or no room: none is sent. */
static void no_probe_without_room(void **state) {
  (void)state;
  struct dlg *d = loss_open(always, RTT, TCP_OPT_SACK_OK);
  assert_int_equal(dlg_send(d, 1, 800 + 4 * 600 - 1), 800 + 4 * 600 - 1);
  assert_int_equal(leaves(d, 1, 600), 800 + 4 * 600);
  inject(d, ACK, 1, 800 + 4 * 600, 0, .wnd = 3000 / 128);
  assert_int_equal(dlg_send(d, 3200, 8000), 8000);
  leaves(d, 3200, 600);
  assert_int_equal(dlg_stats(d).pmtu_probes, 0);
  dlg_free(d);
}

/* A flight whose first segment is a probe of 800 bytes. Returns where it ends. */
static uint32_t probe(struct dlg *d, uint32_t pos, uint32_t n) {
  assert_int_equal(dlg_send(d, pos, n + 5 * 600), n + 5 * 600);
  expect(d, ACK, pos, 1, n);
  assert_int_equal(leaves(d, pos + n, 600), pos + n + 5 * 600);
  dlg_advance(d, RTT);
  return pos + n + 5 * 600;
}
static void report(struct dlg *d, uint32_t ack, uint32_t lo, uint32_t hi) {
  struct shot s = {.flags = ACK, .seq = 1, .ack = ack};
  s.opt.have = TCP_OPT_SACK;
  s.opt.nsack = 1;
  s.opt.sack[0].lo = d->f.irs + lo;
  s.opt.sack[0].hi = d->f.irs + hi;
  dlg_inject(d, s, __FILE__, __LINE__);
}

/* RFC 4821 7.6.4: it alone is lost. It goes again in pieces, and that was no congestion; thrice, and nothing so long is tried any more. */
static void lost_probe(void **state) {
  (void)state;
  struct dlg *d = loss_open(always, RTT, TCP_OPT_SACK_OK);
  uint32_t pos = 1, end;
  for (unsigned i = 0; i < 3; i++) {
    uint32_t cwnd = info(d).cwnd;
    end = probe(d, pos, 800);
    report(d, pos, pos + 800, end);
    assert_int_equal(leaves(d, pos, 600), pos + 800);
    assert_int_equal(info(d).mss, 600);
    assert_true(info(d).cwnd >= cwnd);
    assert_true(info(d).ssthresh > 1u << 29);
    dlg_advance(d, RTT);
    inject(d, ACK, 1, end, 0);
    assert_int_equal(info(d).ca_state, LA_CA_OPEN);
    assert_true(info(d).cwnd >= cwnd);
    pos = end;
  }
  assert_int_equal(dlg_stats(d).retransmits, 6);
  probe(d, pos, 700); /* half the way to 799 */
  dlg_free(d);
}

/* Others are lost with it: congestion, and no answer about the path. */
static void probe_lost_with_others(void **state) {
  (void)state;
  struct dlg *d = loss_open(always, RTT, TCP_OPT_SACK_OK);
  uint32_t cwnd = info(d).cwnd, end = probe(d, 1, 800);
  report(d, 1, 801 + 600, end);
  dlg_pump(d);
  assert_true(info(d).ssthresh < cwnd);
  dlg_forget(d);
  dlg_advance(d, RTT);
  inject(d, ACK, 1, end, 0);
  assert_int_equal(info(d).mss, 600);
  probe(d, end, 800); /* it is tried again */
  dlg_free(d);
}

/* More is lost while a lost probe goes again: that is congestion. */
static void loss_after_a_lost_probe(void **state) {
  (void)state;
  struct dlg *d = loss_open(always, RTT, TCP_OPT_SACK_OK);
  uint32_t end = probe(d, 1, 800), cwnd = info(d).cwnd;
  report(d, 1, 801, end);
  leaves(d, 1, 600);
  assert_int_equal(dlg_send(d, end, 3000), 3000);
  leaves(d, end, 600);
  dlg_advance(d, RTT);
  report(d, 801 + 3000, end + 600, end + 3000);
  dlg_pump(d);
  dlg_advance(d, RTT / 2);
  assert_true(info(d).ssthresh < cwnd);
  dlg_free(d);
}

/* RFC 1191 6.3: what was learnt is forgotten after ten minutes, sending or not. */
static void forgotten(void **state) {
  (void)state;
  for (unsigned busy = 0; busy < 2; busy++) {
    struct dlg *d = open_off();
    uint32_t pos = 1;
    send_segments(d, 0, 5);
    too_big(d, SEG(0), MSS, 800);
    pos = leaves(d, pos, 760);
    for (unsigned i = 0; i < 11; i++) {
      inject(d, ACK, 1, pos, 0);
      assert_int_equal(info(d).mss, 760);
      assert_int_equal(dlg_send(d, pos, busy ? 100 : 0), busy ? 100 : 0);
      pos = leaves(d, pos, 100);
      if (busy)
        dlg_advance(d, RTT);
      dlg_forget(d);
      inject(d, ACK, 1, pos, 0);
      dlg_advance(d, i < 10 ? 59 * LA_SEC : 20 * LA_SEC);
    }
    assert_int_equal(dlg_send(d, pos, 5 * MSS), 5 * MSS);
    expect(d, ACK, pos, 1, MSS);
    dlg_forget(d);
    too_big(d, pos, MSS, 800); /* and a router may object again, at once */
    expect(d, ACK, pos, 1, 760);
    dlg_free(d);
  }
}

static void open_more(struct dlg *d, uint16_t rport, unsigned peer) {
  dlg_other(d, rport);
  d->f.peer.b[3] = (uint8_t)peer;
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  dlg_pump(d);
  assert_int_equal(dlg_accept(d), LA_OK);
}

/* One connection's finding is its destination's, also for one that was open before; other destinations have to find out for themselves. */
static void shared_by_a_destination(void **state) {
  (void)state;
  struct dlg *d = open_off();
  uint8_t peer = d->f.peer.b[3];
  struct flow first = d->f;
  la_conn conn = d->conn;
  open_more(d, 4001, peer);
  send_segments(d, 0, 3);
  too_big(d, SEG(0), MSS, 800);
  leaves(d, 1, 760);
  open_more(d, 4002, peer);
  assert_int_equal(info(d).mss, 760);
  open_more(d, 4003, peer + 1u);
  assert_int_equal(info(d).mss, MSS);
  d->f = first;
  d->conn = conn;
  assert_int_equal(info(d).mss, MSS);
  assert_int_equal(dlg_send(d, 1, 3 * MSS), 3 * MSS);
  leaves(d, 1, 760);
  dlg_free(d);
}

/* The table has its size, whatever comes; what is forgotten is found anew. */
static void many_destinations(void **state) {
  (void)state;
  struct dlg *d = open_off();
  for (unsigned i = 0; i < 3 * PATHS_KNOWN; i++) {
    open_more(d, (uint16_t)(5000 + i), 20 + i);
    send_segments(d, 0, 2);
    too_big(d, SEG(0), MSS, 800);
    leaves(d, 1, 760);
    assert_int_equal(info(d).mss, 760);
    assert_true(d->s->tcp.paths <= PATHS_KNOWN);
    la_abort(d->s, d->conn, d->now);
    dlg_pump(d);
    dlg_forget(d);
  }
  assert_int_equal(d->s->tcp.paths, PATHS_KNOWN);
  open_more(d, 4999, 20 + 3 * PATHS_KNOWN - 1);
  assert_int_equal(info(d).mss, 760);
  dlg_free(d);
}

/* What a search has found is where the next connection begins. */
static void found_for_the_next(void **state) {
  (void)state;
  struct dlg *d = loss_open(always, RTT, TCP_OPT_SACK_OK);
  uint32_t end = probe(d, 1, 800);
  inject(d, ACK, 1, end, 0);
  open_more(d, 4001, d->f.peer.b[3]);
  assert_int_equal(info(d).mss, 800);
  open_more(d, 4002, d->f.peer.b[3] + 1u);
  assert_int_equal(info(d).mss, 600);
  dlg_free(d);
}

/* LA_OPT_MTU_PROBING is a connection's own, or its listener's. */
static void option(void **state) {
  (void)state;
  struct dlg *d = open_off();
  int64_t v;
  assert_int_equal(la_get_option(d->s, d->conn, LA_OPT_MTU_PROBING, &v), LA_OK);
  assert_int_equal(v, -1);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_MTU_PROBING, 3, d->now), LA_EINVAL);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_MTU_PROBING, -2, d->now), LA_EINVAL);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_MTU_PROBING, LA_MTU_PROBING_BLACK_HOLE, d->now), LA_OK);
  assert_int_equal(la_get_option(d->s, d->conn, LA_OPT_MTU_PROBING, &v), LA_OK);
  assert_int_equal(v, LA_MTU_PROBING_BLACK_HOLE);
  assert_int_equal(dlg_send(d, 1, MSS), MSS);
  dlg_advance(d, 30 * LA_SEC);
  assert_int_equal(dlg_stats(d).pmtu_black_holes, 1); /* it has less than base_mss: half of that */
  assert_int_equal(la_listener_set_option(d->s, d->listener, LA_OPT_MTU_PROBING, LA_MTU_PROBING_ALWAYS), LA_OK);
  d->f.syn.mss = 1460;
  open_more(d, 4001, d->f.peer.b[3] + 1u);
  assert_int_equal(info(d).mss, 1024);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(first_claims_are_believed),
    cmocka_unit_test(confirmed_by_a_time_out),
    cmocka_unit_test(refuted_by_an_ack),
    cmocka_unit_test(confirmed_by_a_second_loss),
    cmocka_unit_test(claims_that_cannot_be_true),
    cmocka_unit_test(black_hole),
    cmocka_unit_test(silence_is_no_black_hole),
    cmocka_unit_test(search),
    cmocka_unit_test(no_probe_without_room),
    cmocka_unit_test(lost_probe),
    cmocka_unit_test(probe_lost_with_others),
    cmocka_unit_test(loss_after_a_lost_probe),
    cmocka_unit_test(forgotten),
    cmocka_unit_test(shared_by_a_destination),
    cmocka_unit_test(many_destinations),
    cmocka_unit_test(found_for_the_next),
    cmocka_unit_test(option),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
