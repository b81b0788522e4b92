/* SPDX-License-Identifier: MIT */
/*
 * What comes out for what goes in (A14), and what a receiver gains that lies to a sender (D9, D10): bytes are counted as packets
 * with their IP headers.
 */
#include "tests/unit/dialogue.h"

enum { MSS = 1000, IP_TCP = 40, DAY = 86400 };

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

struct bytes {
  uint64_t n, sum;
};
/* All that is sent at the present instant and over the next `ns`. */
static struct bytes drain(struct dlg *d, la_time ns) {
  struct bytes b = {0};
  dlg_advance(d, ns);
  for (size_t i = 0; i < d->nout; i++, b.n++)
    b.sum += IP_TCP + d->out[i].seg.len + (d->out[i].seg.flags & SYN ? 24 : 0);
  dlg_forget(d);
  d->nev = 0;
  return b;
}

/* A SYN with a forged source: SYN,ACK and five repetitions, then silence; the same with cookies, without any. */
static void one_half_open(la_config *c) { c->max_half_open = 1; }
static void a14_syn_ack(void **state) {
  (void)state;
  for (unsigned cookies = 0; cookies < 2; cookies++) {
    struct dlg *d = dlg_new(cookies ? one_half_open : NULL);
    dlg_listen(d);
    if (cookies) {
      dlg_other(d, 9);
      inject(d, SYN, 0, 0, 0);
      drain(d, 0);
      dlg_other(d, 40000);
    }
    inject(d, SYN, 0, 0, 0);
    struct bytes now = drain(d, 0);
    assert_int_equal(now.n, 1);
    struct bytes later = drain(d, DAY * LA_SEC);
    assert_int_equal(later.n, 5); /* with cookies: the other's */
    assert_true(now.sum + later.sum <= 6 * (IP_TCP + 24));
    assert_int_equal(dlg_stats(d).half_open, 0);
    dlg_free(d);
  }
}

/* Whoever is asked in somebody's name again and again: one SYN,ACK a SYN at most. */
static void a14_syn_again(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  struct bytes out = {0};
  for (unsigned i = 0; i < 1000; i++) {
    inject(d, SYN, 0, 0, 0);
    struct bytes b = drain(d, 10 * LA_MS);
    out.n += b.n;
  }
  assert_true(out.n <= 1000 + 5);
  dlg_free(d);
}

/* Every flag set x lengths at a closed port, at a listener, at each state: no more than one answer, never longer than what came. */
static void a14_no_answer_is_longer(void **state) {
  (void)state;
  static const uint32_t lens[] = {0, 1, 500};
  for (unsigned st = LA_CLOSED; st <= LA_TIME_WAIT; st++)
    for (unsigned flags = 0; flags < 64; flags++)
      for (unsigned l = 0; l < 3; l++)
        for (unsigned where = 0; where < 4; where++) { /* before, at, in, behind the window */
          struct dlg *d = dlg_new(NULL);
          struct place p = {0};
          if (st == LA_LISTEN)
            dlg_listen(d);
          else if (st != LA_CLOSED)
            p = dlg_reach(d, (enum la_state)st, PASSIVE_OPEN, false);
          dlg_forget(d);
          static const uint32_t seq[] = {0u - 5, 0, 100, 500000};
          dlg_inject(d, (struct shot){.flags = flags, .seq = p.peer + seq[where], .ack = p.us + 9999, .len = lens[l]}, __FILE__, __LINE__);
          dlg_pump(d);
          uint64_t sum = 0;
          for (size_t i = 0; i < d->nout; i++)
            sum += IP_TCP + d->out[i].seg.len + (d->out[i].seg.flags & SYN ? 4 : 0);
          if (d->nout > 1 || sum > IP_TCP + lens[l] + 4)
            dlg_fail(d, __FILE__, __LINE__, "%s, flags %x: %zu answers", la_state_name((enum la_state)st), flags, d->nout);
          if (flags & RST)
            assert_int_equal(d->nout && d->out[0].seg.flags & RST, 0);
          dlg_free(d);
        }
}

/* RSTs to strangers: what the bucket holds, and in a minute of 2000 a second no more than its rate. */
static void a14_rst_rate(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  uint64_t out = 0;
  for (unsigned s = 0; s < 60; s++) {
    for (unsigned i = 0; i < 40; i++) {
      for (unsigned k = 0; k < 50; k++) {
        dlg_other(d, (uint16_t)(1 + 50 * i + k));
        inject(d, ACK, 1, 1, 0, .plain = true);
      }
      out += drain(d, 25 * LA_MS).n;
    }
  }
  assert_true(out <= 61 * 1000 + 1000 && out >= 45 * 1000);
  assert_true(dlg_stats(d).rst_limited >= 50000);
  dlg_free(d);
}

static struct dlg *sender(void) {
  struct dlg *d = dlg_new(NULL);
  d->f.syn.mss = MSS;
  d->f.syn.have |= TCP_OPT_WSCALE;
  d->f.syn.wscale = 7;
  establish(d, PASSIVE_OPEN);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(dlg_send(d, 1 + 50000 * i, 50000), 50000);
  dlg_pump(d);
  assert_int_equal(d->nout, 10); /* the initial window */
  dlg_forget(d);
  return d;
}

/* D9: an ACK of what was not sent draws an ACK, opens no window and lets nothing go. */
static void d9_optimistic_acks(void **state) {
  (void)state;
  static const uint32_t past[] = {1, 2, MSS, 100 * MSS, 0x40000000u, 0x7fffffffu, 0x80000000u};
  for (unsigned i = 0; i < sizeof past / sizeof past[0]; i++) {
    struct dlg *d = sender();
    la_info_rec was = info(d);
    for (unsigned k = 0; k < 100; k++)
      inject(d, ACK, 1, 1 + 10 * MSS + past[i], 0);
    dlg_pump(d);
    for (size_t o = 0; o < d->nout; o++)
      assert_int_equal(d->out[o].seg.len, 0);
    assert_true(d->nout <= 100);
    la_info_rec now = info(d);
    assert_int_equal(now.cwnd, was.cwnd);
    assert_int_equal(now.snd_una, was.snd_una);
    assert_int_equal(now.snd_nxt, was.snd_nxt);
    dlg_free(d);
  }
}

/* D10: the whole flight acknowledged at once, in halves, and byte by byte: the window never grows more for more ACKs (RFC 3465 2.3). */
static void d10_ack_division(void **state) {
  (void)state;
  static const uint32_t step[] = {MSS, 500, 100, 10, 1};
  uint32_t honest = 0;
  for (unsigned i = 0; i < sizeof step / sizeof step[0]; i++) {
    struct dlg *d = sender();
    for (uint32_t una = 1; una < 1 + 10 * MSS;) {
      una += step[i];
      inject(d, ACK, 1, una, 0);
      dlg_forget(d);
    }
    uint32_t grown = info(d).cwnd - 10 * MSS;
    print_message("D10: ACKs of %u bytes: cwnd grew by %u\n", step[i], grown);
    if (!i)
      honest = grown;
    assert_true(grown <= honest);
    dlg_free(d);
  }
  assert_int_equal(honest, 10 * MSS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a14_syn_ack),  cmocka_unit_test(a14_syn_again),      cmocka_unit_test(a14_no_answer_is_longer),
    cmocka_unit_test(a14_rst_rate), cmocka_unit_test(d9_optimistic_acks), cmocka_unit_test(d10_ack_division),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
