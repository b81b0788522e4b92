/* SPDX-License-Identifier: MIT */
/* Timestamps: what PAWS refuses, what moves TS.Recent, what is echoed (RFC 7323 3.2, 4.3, 5; CVE-2005-0356). */
#include "tests/unit/dialogue.h"

static struct dlg *open_at(uint32_t ts_base) {
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  d->f.ts_base = ts_base;
  establish(d, PASSIVE_OPEN);
  assert_true(d->f.ts);
  return d;
}

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

static uint32_t taken(struct dlg *d) { return info(d).rcv_nxt - d->f.iss - 1; }

/* Many starting points, so that the peer's clock wraps, and is "negative", within the test. */
static const uint32_t bases[] = {0, 5000, 0u - 3000, 0u - 2500, 0x7ffffffe, 0x80000000u, 0x80000000u - 3000};
enum { BASES = sizeof bases / sizeof bases[0] };

/* 5.3 R1: older than TS.Recent: an ACK, and nothing of it counts. */
static void old_segments(void **state) {
  (void)state;
  for (unsigned i = 0; i < BASES; i++) {
    struct dlg *d = open_at(bases[i]);
    dlg_advance(d, 2 * LA_SEC);
    inject(d, ACK, 1, 1, 100);
    assert_int_equal(taken(d), 100);
    dlg_advance(d, LA_SEC);
    dlg_forget(d);
    inject(d, ACK, 101, 1, 100, .ts_back = 1001); /* 1 ms before TS.Recent */
    expect(d, ACK, 1, 101, 0);
    assert_int_equal(taken(d), 100);
    inject(d, FIN | ACK, 101, 1, 0, .ts_back = 1001);
    expect(d, ACK, 1, 101, 0);
    expect_state(d, LA_ESTABLISHED);
    inject(d, ACK, 101, 1, 100, .ts_back = 1000); /* equal: taken */
    assert_int_equal(taken(d), 200);
    assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_RFC7323_PAWS], 2);
    dlg_free(d);
  }
}

/* 5.2: PAWS is not for RST. */
static void rst_is_exempt(void **state) {
  (void)state;
  for (int have = 0; have < 2; have++) {
    struct dlg *d = open_at(5000);
    dlg_advance(d, 10 * LA_SEC);
    inject(d, ACK, 1, 1, 100);
    dlg_advance(d, LA_SEC);
    dlg_forget(d);
    inject(d, RST, 101, 0, 0, .ts_back = 9000, .plain = !have);
    dlg_pump(d);
    expect_event(d, LA_EVENT_READABLE);
    expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
    dlg_free(d);
  }
}

/* 3.2: once agreed, a segment without the option is dropped in silence. */
static void missing(void **state) {
  (void)state;
  struct dlg *d = open_at(5000);
  inject(d, ACK, 1, 1, 100, .plain = true);
  inject(d, FIN | ACK, 1, 1, 0, .plain = true);
  dlg_advance(d, LA_SEC);
  expect_nothing(d);
  assert_int_equal(taken(d), 0);
  dlg_free(d);
}

/* Not agreed: the option means nothing. */
static void not_agreed(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  struct tcp_opts ts = {.have = TCP_OPT_TS, .ts_val = 1000};
  inject(d, ACK, 1, 1, 100, .opt = ts);
  ts.ts_val = 10;
  inject(d, ACK, 101, 1, 100, .opt = ts);
  assert_int_equal(taken(d), 200);
  dlg_advance(d, LA_SEC);
  const struct dlg_seg *o = expect(d, ACK, 1, 201, 0);
  assert_false(o->seg.opt.have & TCP_OPT_TS);
  dlg_free(d);
}

/*
 * A8, CVE-2005-0356: a segment that is not acceptable, or lies ahead, or whose ACK is out of range, leaves TS.Recent alone, however far in
 * the future it claims to be; the true peer is not locked out.
 */
static void no_poisoning(void **state) {
  (void)state;
  static const struct {
    unsigned flags;
    uint32_t seq, ack, len;
  } row[] = {
    {ACK, 1 + 70000, 1, 10},   /* beyond the window */
    {ACK, 0u - 5000, 1, 10},   /* before it */
    {ACK, 501, 1, 10},         /* in the window, ahead */
    {ACK, 1, 5000, 10},        /* of what was never sent */
    {ACK, 1, 0x80000000u, 10}, /* and long ago */
    {SYN | ACK, 1, 1, 0},      {0, 1, 0, 10}, {RST, 501, 0, 0},
  };
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct dlg *d = open_at(5000);
    dlg_advance(d, LA_SEC);
    inject(d, row[i].flags, row[i].seq, row[i].ack, row[i].len, .ts_back = 0u - (1u << 30));
    dlg_forget(d);
    inject(d, ACK, 1, 1, 100);
    assert_int_equal(taken(d), 100);
    dlg_free(d);
  }
}

/* 5.5: after 24 days without a segment TS.Recent says nothing any more; just before, it does. */
static void outdated(void **state) {
  (void)state;
  const la_time day = 86400 * LA_SEC;
  for (int late = 0; late < 2; late++) {
    struct dlg *d = open_at(5000);
    dlg_advance(d, late ? 24 * day + 2 * LA_SEC : 24 * day - 2 * LA_SEC);
    struct tcp_opts ts = {.have = TCP_OPT_TS, .ts_val = d->f.ts_base + 900}; /* the peer's clock has jumped back a little */
    inject(d, ACK, 1, 1, 100, .opt = ts);
    assert_int_equal(taken(d), late ? 100 : 0);
    if (late) { /* and the new clock counts from now on */
      ts.ts_val -= 1;
      inject(d, ACK, 101, 1, 100, .opt = ts);
      assert_int_equal(taken(d), 100);
    }
    dlg_free(d);
  }
}

/* A clock of 1 ms wraps its sign after 24.8 days: an idle connection lives through it, and through the whole wrap. */
static void idle_over_the_wrap(void **state) {
  (void)state;
  static const unsigned days[] = {20, 25, 30, 49, 50, 60, 100};
  for (unsigned i = 0; i < sizeof days / sizeof days[0]; i++) {
    struct dlg *d = open_at(bases[i % BASES]);
    dlg_advance(d, days[i] * 86400 * LA_SEC);
    inject(d, ACK, 1, 1, 100);
    assert_int_equal(taken(d), 100);
    dlg_advance(d, LA_SEC);
    inject(d, ACK, 101, 1, 100);
    assert_int_equal(taken(d), 200);
    assert_int_equal(dlg_send(d, 1, 10), 10);
    dlg_forget(d);
    inject(d, ACK, 201, 11, 0);
    assert_int_equal(info(d).unacked, 0);
    assert_true(info(d).srtt < LA_SEC);
    dlg_free(d);
  }
}

/* 4.3: with a delayed ACK the echo is of the earliest segment; ahead of a hole it stays; the one that fills the hole is echoed. */
static void what_is_echoed(void **state) {
  (void)state;
  struct dlg *d = open_at(5000);
  uint32_t base = d->f.ts_base + 1000; /* at the start */
  dlg_advance(d, 10 * LA_MS);
  inject(d, ACK, 1, 1, 100); /* base + 10 */
  dlg_advance(d, 10 * LA_MS);
  inject(d, ACK, 101, 1, 100); /* base + 20 */
  dlg_advance(d, 500 * LA_MS);
  assert_int_equal(expect(d, ACK, 1, 201, 0)->seg.opt.ts_ecr, base + 10);
  inject(d, ACK, 301, 1, 100); /* base + 520, ahead */
  assert_int_equal(expect(d, ACK, 1, 201, 0)->seg.opt.ts_ecr, base + 10);
  dlg_advance(d, 10 * LA_MS);
  inject(d, ACK, 201, 1, 100); /* base + 530, the hole */
  assert_int_equal(expect(d, ACK, 1, 401, 0)->seg.opt.ts_ecr, base + 530);
  inject(d, ACK, 351, 1, 100, .ts_back = 5); /* overlaps what was acknowledged, but older */
  dlg_forget(d);
  assert_int_equal(taken(d), 400);
  dlg_free(d);
}

/* A strange echo is no round trip time. */
static void strange_echoes(void **state) {
  (void)state;
  static const uint32_t echo[] = {0, 1, 0x7fffffff, 0x80000000u, 0u - 1};
  for (unsigned i = 0; i < sizeof echo / sizeof echo[0]; i++) {
    struct dlg *d = open_at(5000);
    for (uint32_t k = 0; k < 5; k++) {
      assert_int_equal(dlg_send(d, 1 + 10 * k, 10), 10);
      dlg_pump(d);
      dlg_advance(d, 1100 * LA_MS); /* sent again, so that only the echo could tell */
      dlg_forget(d);
      struct tcp_opts ts = {.have = TCP_OPT_TS, .ts_val = d->f.ts_base + (uint32_t)(d->now / LA_MS), .ts_ecr = d->f.ts_ecr + echo[i]};
      la_time srtt = info(d).srtt;
      if (i >= 2)
        inject(d, ACK, 1, 11 + 10 * k, 0, .opt = ts);
      else
        inject(d, ACK, 1, 11 + 10 * k, 0);
      if (k == 0 && (i == 2 || i == 3)) /* an echo of what has not been sent yet: no sample */
        assert_true(info(d).srtt == srtt);
    }
    assert_int_equal(info(d).unacked, 0);
    assert_true(info(d).rto <= 120 * LA_SEC && info(d).rto >= LA_SEC);
    dlg_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(old_segments),       cmocka_unit_test(rst_is_exempt),  cmocka_unit_test(missing),
    cmocka_unit_test(not_agreed),         cmocka_unit_test(no_poisoning),   cmocka_unit_test(outdated),
    cmocka_unit_test(idle_over_the_wrap), cmocka_unit_test(what_is_echoed), cmocka_unit_test(strange_echoes),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
