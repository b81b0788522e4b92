/* SPDX-License-Identifier: MIT */
/* BBR over a path with a rate and a queue: its states, gains and bounds (draft-ietf-ccwg-bbr 5), idle times, no memory. */
#include "loss_test.h"

#include "core/stack.h"
#include "tcp/bbr.h"

enum { RATE = 1250000, PACKETS = 4096 }; /* 10 Mbit/s */
#define RTT (40 * LA_MS)
#define BDP (RATE / 25)

/* What the path holds: segments that arrive one after the other at its rate, and are acknowledged each. */
struct way {
  struct dlg *d;
  la_time busy, due[PACKETS];
  uint32_t end[PACKETS], pos;
  unsigned head, n;
  bool mark; /* the next ACK echoes a mark */
};

static void with_bbr(la_config *c) {
  linux_preset(c);
  c->cc = LA_CC_BBR;
  c->sndbuf = 4 << 20;
}
static struct way *way_open(void) {
  static struct way w;
  memset(&w, 0, sizeof w);
  w.d = loss_open(with_bbr, RTT, TCP_OPT_SACK_OK);
  w.pos = 1;
  return &w;
}
static struct bbr *model(const struct way *w) { return la__conn_handle(&w->d->s->tcp, w->d->conn)->wish->bbr; }
static uint32_t pipe_of(const struct way *w) { return la__pipe(la__conn_handle(&w->d->s->tcp, w->d->conn)); }

/* A ms passes. */
static void step(struct way *w) {
  struct dlg *d = w->d;
  dlg_pump(d);
  while (d->nout) {
    uint32_t seq = d->out[0].seg.seq - d->f.irs, len = d->out[0].seg.len;
    if (len == 0) {
      dlg_forget(d);
      break;
    }
    expect(d, ACK | (d->out[0].seg.flags & LA_CWR), seq, 1, len);
    w->busy = (w->busy > d->now ? w->busy : d->now) + len * LA_SEC / RATE;
    assert_true(w->n < PACKETS);
    w->end[(w->head + w->n) % PACKETS] = seq + len;
    w->due[(w->head + w->n++) % PACKETS] = w->busy + RTT;
  }
  dlg_advance(d, LA_MS);
  while (w->n && w->due[w->head] <= d->now) {
    inject(d, ACK | (w->mark ? LA_ECE : 0), 1, w->end[w->head], 0);
    w->mark = false;
    w->head = (w->head + 1) % PACKETS;
    w->n--;
  }
}
static void feed(struct way *w, size_t n) {
  for (ptrdiff_t took = 1; n && took > 0; n -= took > 0 ? (size_t)took : 0) {
    took = dlg_send(w->d, w->pos, n < 50000 ? n : 50000);
    w->pos += took > 0 ? (uint32_t)took : 0;
  }
}
/* Always more to send. */
static void busy_for(struct way *w, unsigned ms) {
  for (unsigned i = 0; i < ms; i++) {
    if (i % 16 == 0 && info(w->d).unsent < 200000)
      feed(w, 200000);
    step(w);
  }
}
static void until(struct way *w, enum bbr_state st) {
  for (unsigned i = 0; model(w)->state != st; i++) {
    assert_true(i < 12000);
    busy_for(w, 1);
    if (i % 16 == 0 && info(w->d).unsent < 200000)
      feed(w, 200000);
  }
}

/* 5.3.1, 5.3.2: 2.77 times as fast until the rate grows no more, then slower until the queue is gone. */
static void startup_and_drain(void **state) {
  (void)state;
  struct way *w = way_open();
  feed(w, 200000);
  step(w);
  assert_int_equal(model(w)->state, BBR_STARTUP);
  assert_in_range(model(w)->pacing_rate, 10 * MSS * 25 * 277 / 100 - 20000, 10 * MSS * 25 * 277 / 100 + 20000);
  busy_for(w, 200);
  assert_true(model(w)->pacing_rate > RATE);
  until(w, BBR_DRAIN);
  assert_true(model(w)->full_bw_reached);
  assert_in_range(bbr_max_bw(model(w)), RATE * 97 / 100, RATE * 103 / 100);
  busy_for(w, 1);
  assert_in_range(model(w)->pacing_rate, RATE * 48 / 100, RATE * 51 / 100);
  until(w, BBR_CRUISE);
  assert_true(pipe_of(w) <= 11 * BDP / 10);
  assert_in_range(model(w)->min_rtt, RTT, RTT + 2 * LA_MS);
  dlg_free(w->d);
}

/* 5.3.3: each part of the cycle has its pace; UP comes every 2 to 3 s, or after as many rounds as the path holds segments. */
static void cycle(void **state) {
  (void)state;
  static const unsigned percent[] = {[BBR_DOWN] = 90, [BBR_CRUISE] = 100, [BBR_REFILL] = 100, [BBR_UP] = 125};
  struct way *w = way_open();
  unsigned ups = 0, seen = 0, last = BBR_STARTUP;
  feed(w, 200000);
  until(w, BBR_CRUISE);
  uint64_t carried = info(w->d).bytes_out;
  for (unsigned ms = 0; ms < 12000; ms++) {
    busy_for(w, 1);
    if (ms % 16 == 0 && info(w->d).unsent < 200000)
      feed(w, 200000);
    const struct bbr *b = model(w);
    if (bbr_in_probe_bw(b) && b->state == last && b->rs.acked == 0) {
      uint64_t want = b->bw / 100 * percent[b->state] / 100 * 99;
      assert_in_range(b->pacing_rate, want * 97 / 100, want * 103 / 100);
      assert_true(info(w->d).cwnd <= 3 * BDP);
    }
    ups += b->state == BBR_UP && last != BBR_UP;
    seen |= 1u << b->state;
    last = b->state;
  }
  assert_in_range(ups, 3, 6);
  assert_int_equal(seen, 1u << BBR_DOWN | 1u << BBR_CRUISE | 1u << BBR_REFILL | 1u << BBR_UP | 1u << BBR_PROBE_RTT);
  assert_true(info(w->d).bytes_out - carried > (uint64_t)RATE * 12 * 92 / 100);
  assert_int_equal(dlg_stats(w->d).retransmits, 0);
  dlg_free(w->d);
}

/* 5.3.4: after 5 s without a lesser round-trip time half of the product is in flight, for 200 ms at least. */
static void probe_rtt(void **state) {
  (void)state;
  struct way *w = way_open();
  feed(w, 200000);
  until(w, BBR_PROBE_RTT);
  la_time since = w->d->now;
  assert_true(since > 5 * LA_SEC && since < 9 * LA_SEC);
  uint32_t before = model(w)->cwnd_before;
  while (model(w)->state == BBR_PROBE_RTT) {
    busy_for(w, 1);
    if (w->d->now - since > 100 * LA_MS && model(w)->state == BBR_PROBE_RTT)
      assert_true(pipe_of(w) <= BDP / 2 + 2 * MSS);
    assert_true(w->d->now - since < LA_SEC);
  }
  assert_true(w->d->now - since >= 200 * LA_MS);
  assert_int_equal(model(w)->state, BBR_CRUISE);
  busy_for(w, 100);
  assert_true(info(w->d).cwnd >= before * 9 / 10);
  dlg_free(w->d);
}

/* A trickle says nothing about the path: what is known of it stays, and is used at once. */
static void too_little_to_send(void **state) {
  (void)state;
  struct way *w = way_open();
  feed(w, 200000);
  until(w, BBR_CRUISE);
  while (info(w->d).unsent || info(w->d).unacked)
    step(w);
  uint64_t bw = bbr_max_bw(model(w));
  for (unsigned i = 0; i < 4000; i++) {
    if (i % 100 == 0)
      feed(w, 2000);
    step(w);
  }
  assert_in_range(bbr_max_bw(model(w)), bw * 95 / 100, bw * 105 / 100);
  assert_true(model(w)->state != BBR_STARTUP);
  dlg_free(w->d);
}

/* 5.4.1: after an idle time what goes is paced at the path's rate, not let go in one burst. */
static void restart_from_idle(void **state) {
  (void)state;
  struct way *w = way_open();
  feed(w, 200000);
  until(w, BBR_CRUISE);
  while (info(w->d).unsent || info(w->d).unacked)
    step(w);
  dlg_advance(w->d, 8 * LA_SEC);
  uint64_t sent = w->d->sent;
  feed(w, 100000);
  for (unsigned i = 0; i < 20; i++)
    step(w);
  assert_in_range(w->d->sent - sent, 15, 32); /* 25 in 20 ms */
  assert_in_range(model(w)->pacing_rate, RATE * 95 / 100, RATE * 128 / 100);
  assert_true(model(w)->state != BBR_PROBE_RTT); /* the pause has emptied the queue */
  dlg_free(w->d);
}

/* 5.5.10.2: more than 2 % of a flight is lost while UP probes: the bound is where they became too many, and UP is over. */
static void too_many_losses(void **state) {
  (void)state;
  for (unsigned many = 0; many < 2; many++) {
    struct way *w = way_open();
    struct conn *c = la__conn_handle(&w->d->s->tcp, w->d->conn);
    feed(w, 200000);
    until(w, BBR_UP);
    busy_for(w, 60);
    struct bbr *b = model(w);
    assert_int_equal(b->state, BBR_UP);
    assert_true(b->probe_samples);
    const struct rate_mark *m = la__rate_mark(&b->c, w->d->now);
    uint32_t flight = m->flight;
    assert_true(flight > 40 * MSS);
    b->c.lost = m->lost;
    for (unsigned i = 0; i < (many ? 3 : 0); i++)
      la__cc_lost(&w->d->s->tcp, c, &(struct sent_rec){.lo = 0, .hi = MSS, .at = w->d->now, .size = MSS});
    busy_for(w, 2);
    if (many) {
      assert_int_equal(b->state, BBR_DOWN);
      assert_true(b->inflight_longterm <= flight && b->inflight_longterm >= flight * 9 / 10);
      assert_true(info(w->d).cwnd <= b->inflight_longterm);
    } else {
      assert_int_equal(b->inflight_longterm, BBR_NONE);
    }
    dlg_free(w->d);
  }
}

/* 5.5.10.1: a round with losses takes the short-term bounds to 0.7, but not below what was just delivered; the next probe forgets them. */
static void short_term_bounds(void **state) {
  (void)state;
  struct way *w = way_open();
  struct conn *c = la__conn_handle(&w->d->s->tcp, w->d->conn);
  feed(w, 200000);
  until(w, BBR_CRUISE);
  struct bbr *b = model(w);
  uint64_t bw = bbr_max_bw(b);
  assert_true(b->bw_shortterm == BBR_MBPS_NONE);
  la__cc_lost(&w->d->s->tcp, c, &(struct sent_rec){.lo = 0, .hi = MSS, .at = w->d->now, .size = MSS});
  busy_for(w, 100);
  assert_true(b->bw_shortterm <= bw && b->bw_shortterm >= bw * 7 / 10);
  assert_true(b->inflight_shortterm != BBR_NONE);
  assert_true(b->bw <= b->bw_shortterm);
  until(w, BBR_REFILL);
  assert_true(b->bw_shortterm == BBR_MBPS_NONE);
  assert_true(b->inflight_shortterm == BBR_NONE);
  dlg_free(w->d);
}

static struct way *way_open_ecn(void) {
  struct way *w = way_open();
  la__conn_handle(&w->d->s->tcp, w->d->conn)->net |= NET_ECN;
  return w;
}
/* An echo of CE is congestion: in STARTUP and in UP it ends the search for more, else it bounds the rate until the next probe. */
static void marks(void **state) {
  (void)state;
  struct way *w = way_open_ecn();
  busy_for(w, 100);
  assert_int_equal(model(w)->state, BBR_STARTUP);
  assert_int_equal(model(w)->inflight_longterm, BBR_NONE);
  w->mark = true;
  busy_for(w, 2);
  assert_false(w->mark);
  assert_int_not_equal(model(w)->state, BBR_STARTUP);
  assert_true(model(w)->inflight_longterm < BBR_NONE);
  dlg_free(w->d);

  w = way_open_ecn();
  busy_for(w, 1);
  until(w, BBR_CRUISE);
  assert_true(model(w)->bw_shortterm == BBR_MBPS_NONE && model(w)->inflight_longterm == BBR_NONE);
  w->mark = true;
  busy_for(w, 100);
  assert_true(model(w)->bw_shortterm < BBR_MBPS_NONE && model(w)->inflight_shortterm < BBR_NONE);
  assert_int_equal(model(w)->inflight_longterm, BBR_NONE);
  until(w, BBR_UP);
  assert_true(model(w)->bw_shortterm == BBR_MBPS_NONE);
  busy_for(w, 10);
  assert_int_equal(model(w)->state, BBR_UP);
  w->mark = true;
  busy_for(w, 2);
  assert_int_equal(model(w)->state, BBR_DOWN);
  assert_true(model(w)->inflight_longterm < BBR_NONE);
  dlg_free(w->d);
}

/* A loss is repaired, and cwnd is still the model's: neither ssthresh nor PRR has touched it. */
static void one_loss(void **state) {
  (void)state;
  struct way *w = way_open();
  feed(w, 200000);
  until(w, BBR_CRUISE);
  uint32_t cwnd = info(w->d).cwnd;
  unsigned lost = w->head;
  assert_true(w->n > 20);
  w->due[lost] = LA_NEVER / 2; /* not acknowledged: those behind it report it */
  struct dlg *d = w->d;
  uint32_t una = w->end[lost] - MSS;
  for (unsigned i = 1; i < 8; i++) {
    struct shot s = {.flags = ACK, .seq = 1, .ack = una};
    s.opt.have = TCP_OPT_SACK;
    s.opt.nsack = 1;
    s.opt.sack[0].lo = d->f.irs + una + MSS;
    s.opt.sack[0].hi = d->f.irs + una + (1 + i) * MSS;
    dlg_inject(d, s, __FILE__, __LINE__);
  }
  dlg_pump(d);
  dlg_advance(d, 20 * LA_MS);
  assert_int_equal(dlg_stats(d).retransmits, 1);
  assert_true(info(d).ssthresh > 1u << 29);
  assert_true(info(d).cwnd >= cwnd * 9 / 10);
  dlg_free(d);
}

/* Without memory for its state it is Reno; chosen for another, nothing of it is left. */
static void no_memory_and_changes(void **state) {
  (void)state;
  struct dlg *d = loss_open(linux_preset, RTT, TCP_OPT_SACK_OK);
  d->mem.fail_from = d->mem.calls + 1;
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_CONGESTION, LA_CC_BBR, d->now), LA_OK);
  d->mem.fail_from = 0;
  const struct conn *c = la__conn_handle(&d->s->tcp, d->conn);
  assert_true(!c->wish || !c->wish->bbr);
  assert_int_equal(info(d).congestion, LA_CC_BBR);
  assert_int_equal(dlg_send(d, 1, 10 * MSS), 10 * MSS);
  dlg_advance(d, RTT / 2);
  assert_int_equal(d->nout, 10); /* paced */
  dlg_forget(d);
  assert_true(la__conn_handle(&d->s->tcp, d->conn)->wish->bbr != NULL); /* made with the send queue */
  uint64_t held = dlg_stats(d).bytes_allocated;
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_CONGESTION, LA_CC_CUBIC, d->now), LA_OK);
  assert_true(dlg_stats(d).bytes_allocated < held);
  dlg_advance(d, RTT);
  sack(d, 10, 0);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_CONGESTION, LA_CC_BBR, d->now), LA_OK);
  d->mem.fail_from = d->mem.calls + 1;
  assert_int_equal(dlg_send(d, SEG(10), 100), 100);
  d->mem.fail_from = 0;
  uint32_t cwnd = info(d).cwnd;
  expect(d, ACK | PSH, SEG(10), 1, 100);
  assert_false(la__cc_own(la__conn_handle(&d->s->tcp, d->conn)));
  dlg_advance(d, RTT);
  inject(d, ACK, 1, SEG(10) + 100, 0);
  assert_true(info(d).cwnd >= cwnd);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(startup_and_drain), cmocka_unit_test(cycle),
    cmocka_unit_test(probe_rtt),         cmocka_unit_test(too_little_to_send),
    cmocka_unit_test(restart_from_idle), cmocka_unit_test(too_many_losses),
    cmocka_unit_test(short_term_bounds), cmocka_unit_test(marks),
    cmocka_unit_test(one_loss),          cmocka_unit_test(no_memory_and_changes),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
