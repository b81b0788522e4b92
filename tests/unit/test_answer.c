/* SPDX-License-Identifier: MIT */
/* Answers without a connection: RST of RFC 9293 3.5.2 and 3.10.7.1, its token bucket (A14), the ring that input waits for. */
#include "dialogue.h"

/* E-1: every flag set at a closed port. SEQ = SEG.ACK, or SEQ 0 and ACK = SEG.SEQ + SEG.LEN. */
static void closed_port(void **state) {
  bool six = *state != NULL;
  struct dlg *d = dlg_new(NULL);
  if (six)
    dlg_use6(d);
  for (unsigned flags = 0; flags < 64; flags++)
    for (uint32_t len = 0; len < 3; len++) {
      uint32_t seq = flags & 1 ? 0xffffffffu - d->f.iss : 1000; /* the sum may wrap */
      uint32_t seg_len = len + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
      inject(d, flags, seq, 4711, len);
      if (flags & RST) {
        expect_nothing(d);
      } else if (flags & ACK) {
        const struct dlg_seg *s = expect(d, RST, 4711, 0, 0, .wnd = ZERO_WINDOW);
        assert_int_equal(s->seg.opt.have, 0);
      } else {
        expect(d, RST | ACK, 0, d->f.iss + seq + seg_len, 0, .absolute = true);
      }
      expect_nothing(d);
    }
  assert_int_equal(dlg_stats(d).drops[LA_DROP_NO_SOCKET], 64 * 3);
  assert_int_equal(dlg_stats(d).resets_out, 32 * 3);
  dlg_free(d);
}

static uint32_t rate;
static void rst_rate(la_config *c) { c->rst_per_sec = rate; }

/* RSTs to strangers: at most about the rate each second, whatever comes; none is stored up over a pause. */
static void bucket(void **state) {
  (void)state;
  static const uint32_t rates[] = {1, 7, 100, 1000};
  for (unsigned i = 0; i < 4; i++) {
    rate = rates[i];
    struct dlg *d = dlg_new(rst_rate);
    for (unsigned second = 0; second < 20; second++) {
      if (second == 10)
        dlg_advance(d, 1000 * LA_SEC);
      uint64_t before = d->sent;
      for (unsigned j = 0; j < 100; j++) {
        for (unsigned k = 0; k < rate / 20 + 2; k++)
          inject(d, ACK, j, 1, 0);
        dlg_forget(d);
        dlg_advance(d, 10 * LA_MS);
      }
      uint64_t got = d->sent - before;
      assert_true(got <= 2 * rate + 1);
      if (second != 0 && second != 10) /* the bucket was full at first */
        assert_true(got + rate / 4 + 1 >= rate && got <= rate + rate / 4 + 1);
    }
    la_stats s = dlg_stats(d);
    assert_int_equal(s.rst_limited + s.resets_out, s.drops[LA_DROP_NO_SOCKET]);
    assert_true(s.rst_limited > 0);
    dlg_free(d);
  }
}
static void no_limit(void **state) {
  (void)state;
  rate = 0;
  struct dlg *d = dlg_new(rst_rate);
  for (unsigned i = 0; i < 20000; i++) {
    inject(d, ACK, 0, i, 0);
    expect(d, RST, i, 0, 0);
  }
  dlg_free(d);
}
/* The bucket is for strangers: it starves no connection, half-open record or TIME-WAIT record. */
static void bucket_is_not_for_records(void **state) {
  (void)state;
  rate = 1;
  struct dlg *d = dlg_new(rst_rate);
  dlg_listen(d);
  struct flow f = d->f;
  d->f.lport = 9;
  for (unsigned i = 0; i < 50; i++)
    inject(d, ACK, 0, i, 0);
  dlg_forget(d);
  d->f = f;
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 99, 0);
  expect(d, RST, 99, 0, 0);
  inject(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ACCEPT);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
  expect(d, RST | ACK, 1, 1, 0);
  dlg_free(d);
}

/* A full ring stops la_input; nothing that was taken loses its answer, and input goes on after la_output. */
static void ring(la_config *c) {
  c->replies = 16;
  c->rst_per_sec = 0;
}
static void full_ring_stops_input(void **state) {
  (void)state;
  struct dlg *d = dlg_new(ring);
  unsigned taken = 0, answered = 0;
  for (unsigned turn = 0; turn < 20; turn++) {
    while (dlg_offer(d, (struct shot){.flags = ACK, .seq = 1, .ack = taken}) == 1)
      taken++;
    assert_true(taken - answered <= 16 && taken - answered >= 8);
    assert_int_equal(dlg_offer(d, (struct shot){.flags = RST, .seq = 1}), 0);
    assert_int_equal(la_deadline(d->s), d->now); /* output waits */
    dlg_pump(d);
    assert_int_equal(d->nout, taken - answered);
    while (d->nout)
      expect(d, RST, answered++, 0, 0);
  }
  assert_int_equal(answered, taken);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_LINK_FULL], 0);
  dlg_free(d);
}
/* A batch: la_input says how many it took, in order. */
static void full_ring_in_a_batch(void **state) {
  (void)state;
  struct dlg *d = dlg_new(ring);
  d->f.lport = 80;
  struct tcp_seg seg = {.sport = d->f.rport, .dport = 80, .seq = 1, .flags = ACK};
  uint8_t p[64][IP4_HEADER + TCP_HEADER];
  la_frame f[64];
  memset(f, 0, sizeof f);
  for (unsigned i = 0; i < 64; i++) {
    struct ip_hdr h = {.src = d->f.peer, .dst = d->f.us, .proto = IP_PROTO_TCP, .ttl = 64, .len = TCP_HEADER};
    unsigned n = la__ip4_build(&h, p[i]);
    seg.ack = i;
    la__tcp_build(&seg, p[i] + n);
    f[i] = (la_frame){.data = p[i], .len = sizeof p[i], .flags = LA_FRAME_SUM_OK};
  }
  unsigned done = 0, turns = 0;
  while (done < 64) {
    size_t n = la_input(d->s, d->link, f + done, 64 - done, d->now);
    assert_true(n > 0 || turns == 0);
    done += (unsigned)n;
    dlg_pump(d);
    turns++;
  }
  assert_true(turns >= 4);
  assert_int_equal(d->nout, 64);
  for (unsigned i = 0; i < 64; i++)
    assert_int_equal(d->out[i].seg.seq, i);
  dlg_free(d);
}
/* Expiries find no room either: they wait, and none is lost. */
static void full_ring_and_retries(void **state) {
  (void)state;
  struct dlg *d = dlg_new(ring);
  dlg_listen(d);
  for (unsigned i = 0; i < 60; i++) {
    dlg_other(d, (uint16_t)(1000 + i));
    inject(d, SYN, 0, 0, 0);
    dlg_forget(d);
  }
  la_time t = d->now;
  dlg_until(d, t + LA_SEC); /* 60 SYN-ACKs are due at once */
  assert_int_equal(d->nout, 60);
  for (unsigned i = 0; i < 60; i++)
    assert_int_equal(d->out[i].seg.flags, SYN | ACK);
  dlg_forget(d);
  dlg_until(d, t + 62 * LA_SEC);
  assert_int_equal(d->nout, 60 * 4);
  dlg_advance(d, 2 * LA_SEC);
  assert_int_equal(dlg_stats(d).half_open, 0);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(closed_port),
    {"closed_port over IPv6", closed_port, 0, 0, &(int){6}},
    cmocka_unit_test(bucket),
    cmocka_unit_test(no_limit),
    cmocka_unit_test(bucket_is_not_for_records),
    cmocka_unit_test(full_ring_stops_input),
    cmocka_unit_test(full_ring_in_a_batch),
    cmocka_unit_test(full_ring_and_retries),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
