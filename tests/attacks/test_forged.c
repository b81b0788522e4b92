/* SPDX-License-Identifier: MIT */
/* ICMP from people who do not see the connection (A9, A10, A11), and segment sizes that make work of every byte (B4, B5). */
#include "tests/unit/dialogue.h"

static const enum la_state state_of[] = {LA_SYN_SENT,   LA_SYN_RECEIVED, LA_ESTABLISHED, LA_FIN_WAIT_1, LA_FIN_WAIT_2,
                                         LA_CLOSE_WAIT, LA_CLOSING,      LA_LAST_ACK,    LA_TIME_WAIT};
enum { STATES = sizeof state_of / sizeof state_of[0] };

static bool echo(bool six, unsigned type) { return six ? type == ICMP6_ECHO : type == ICMP4_ECHO; }

/*
 * Every type and code, in every state, from the peer and from a router, with quotes of 0 to 20 bytes of the TCP header: with less than the
 * eight bytes that hold the sequence number nothing may happen though it would be right, with more nothing though it is complete and
 * wrong. Nothing: no packet, no event, no change of what la_info tells.
 */
static struct dlg *in_state(bool six, enum la_state st, struct place *p) {
  struct dlg *d = dlg_new(NULL);
  if (six)
    dlg_use6(d);
  *p = dlg_reach(d, st, ACTIVE_OPEN, false);
  if (st == LA_ESTABLISHED || st == LA_CLOSE_WAIT)
    assert_int_equal(dlg_send(d, p->us, 1000), 1000); /* something in flight */
  dlg_forget(d);
  d->nev = 0;
  return d;
}
static void every_message(struct dlg *d, struct place p, enum la_state st) {
  static const struct {
    uint32_t quoted;
    bool right;
  } quote[] = {{0, true}, {3, true}, {4, true}, {7, true}, {8, false}, {12, false}, {20, false}};
  bool six = d->f.us.family == 6;
  la_addr router = d->f.peer;
  router.b[six ? 15 : 3] = 77;
  la_info_rec was, now;
  bool slot = la_info(d->s, d->conn, &was) == LA_OK;
  uint64_t sent = d->sent;
  for (unsigned type = 0; type < 256; type++)
    for (unsigned code = 0; code < 17; code++)
      for (unsigned q = 0; q < sizeof quote / sizeof quote[0] && !echo(six, type); q++) {
        uint32_t wrong = code & 1 ? p.us + 100000 : p.us - 5000;
        dlg_icmp(d, code & 2 ? &router : &d->f.peer, (uint8_t)type, (uint8_t)code, 68, quote[q].right ? p.us - 1 : wrong, quote[q].quoted);
      }
  dlg_pump(d);
  if (d->sent != sent || d->nev)
    dlg_fail(d, __FILE__, __LINE__, "an answer or an event in %s", la_state_name(st));
  if (slot) {
    assert_int_equal(la_info(d->s, d->conn, &now), LA_OK);
    assert_int_equal(now.mss, was.mss);
    assert_int_equal(now.cwnd, was.cwnd);
    assert_int_equal(now.ssthresh, was.ssthresh);
    assert_int_equal(now.soft_err, was.soft_err);
    assert_int_equal(now.snd_nxt, was.snd_nxt);
  }
  expect_state(d, st);
}
static void a9_every_message(void **state) {
  bool six = *state != NULL;
  for (unsigned n = 0; n < STATES; n++) {
    struct place p;
    struct dlg *d = in_state(six, state_of[n], &p);
    every_message(d, p, state_of[n]);
    dlg_free(d);
  }
}

/* A10, A11: what quotes the truth still lowers the segment size no further than the floor, and never moves the congestion window. */
static void a10_a11_true_quotes(void **state) {
  (void)state;
  static const uint16_t mtu[] = {0, 1, 67, 68, 575, 576, 1499, 1500, 65535};
  for (unsigned i = 0; i < sizeof mtu / sizeof mtu[0]; i++) {
    struct place p;
    struct dlg *d = in_state(false, LA_ESTABLISHED, &p);
    la_info_rec was, now;
    assert_int_equal(la_info(d->s, d->conn, &was), LA_OK);
    for (unsigned again = 0; again < 50; again++) {
      dlg_icmp(d, &d->f.peer, 4, 0, 0, p.us, 20); /* Source Quench */
      dlg_icmp(d, &d->f.peer, 3, 4, mtu[i], p.us, 20);
    }
    dlg_pump(d);
    assert_int_equal(la_info(d->s, d->conn, &now), LA_OK);
    assert_true(now.mss >= 576 - 40 && now.mss <= was.mss);
    assert_true(now.cwnd >= was.cwnd / was.mss * now.mss && now.cwnd <= was.cwnd);
    assert_true(d->nout <= 4);
    dlg_free(d);
  }
}

/*
 * B4, B5: a peer that announces 1 to 88 bytes (0 counts as no option) gets segments of 48 at least, options counted, though its hostile
 * SACK blocks cut what is outstanding anew with each ACK; memory is the queue, and records to their limit.
 */
enum { QUEUE = 60000, RECORDS = 64 };
static void few_records(la_config *c) { c->max_sent = RECORDS; }
static void b5_small_mss(void **state) {
  (void)state;
  for (unsigned mss = 1; mss <= 88; mss++) {
    struct dlg *d = dlg_new(few_records);
    if (mss & 1)
      dlg_use6(d);
    d->f.syn = (struct tcp_opts){.have = TCP_OPT_MSS | TCP_OPT_TS | TCP_OPT_SACK_OK, .mss = (uint16_t)mss};
    establish(d, PASSIVE_OPEN);
    assert_int_equal(dlg_send(d, 1, QUEUE), QUEUE);
    uint64_t queued = dlg_stats(d).bytes_allocated, held = 0;
    uint32_t una = 1;
    uint64_t segs = 0, bytes = 0;
    for (unsigned i = 0; i < 3000 && una < 1 + QUEUE; i++) {
      dlg_pump(d);
      for (size_t k = 0; k < d->nout; k++) {
        uint32_t len = d->out[k].seg.len, seq = d->out[k].seg.seq - d->f.irs;
        segs += len != 0;
        bytes += len;
        if (len > 88 || (len < 48 && len && seq + len != 1 + QUEUE && len != 1))
          dlg_fail(d, __FILE__, __LINE__, "MSS %u: a segment of %u bytes", mss, len);
      }
      dlg_forget(d);
      la_info_rec r;
      assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
      uint32_t nxt = r.snd_nxt - d->f.irs;
      if (i % 4 == 3 || nxt == una) { /* and now and then the truth */
        una = nxt;
        inject(d, ACK, 1, una, 0);
        continue;
      }
      struct shot s = {.flags = ACK, .seq = 1, .ack = una, .opt = {.have = TCP_OPT_TS | TCP_OPT_SACK, .nsack = 3}};
      s.opt.ts_val = d->f.ts_base + (uint32_t)(d->now / LA_MS);
      s.opt.ts_ecr = d->f.ts_ecr;
      for (unsigned k = 0; k < 3; k++) { /* single bytes, far apart */
        s.opt.sack[k].lo = d->f.irs + una + 1 + (i * 7 + k * 31) % (nxt - una);
        s.opt.sack[k].hi = s.opt.sack[k].lo + 1;
      }
      dlg_inject(d, s, __FILE__, __LINE__);
      if (dlg_stats(d).bytes_allocated > held)
        held = dlg_stats(d).bytes_allocated;
    }
    assert_true(held <= queued + 24 * RECORDS + 4096);
    assert_int_equal(una, 1 + QUEUE);
    assert_true(bytes <= 3 * QUEUE && segs <= bytes / 40);
    dlg_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a9_every_message),
    {"a9_every_message over IPv6", a9_every_message, 0, 0, &(int){6}},
    cmocka_unit_test(a10_a11_true_quotes),
    cmocka_unit_test(b5_small_mss),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
