/* SPDX-License-Identifier: MIT */
/* What may be sent now: sizes, Nagle, silly windows, PSH, FIN, retransmission by the segment (RFC 9293 3.7, 3.8.6.2.1; RFC 2525). */
#include "dialogue.h"

static struct dlg *open_mss(uint16_t mss, unsigned options) {
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= (uint8_t)options;
  d->f.syn.mss = mss;
  establish(d, PASSIVE_OPEN);
  return d;
}

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

static void set(struct dlg *d, enum la_opt o, int64_t v) { assert_int_equal(la_set_option(d->s, d->conn, o, v, d->now), LA_OK); }
static void queue(struct dlg *d, uint32_t pos, uint32_t n) { assert_int_equal(dlg_send(d, pos, n), n); }

/* SHLD-28, MUST-60, MUST-61: full segments, then the rest with PSH at the last. */
static void full_segments_and_push(void **state) {
  (void)state;
  struct dlg *d = open_mss(1000, 0);
  queue(d, 1, 1);
  expect(d, ACK | PSH, 1, 1, 1);
  inject(d, ACK, 1, 2, 0);
  queue(d, 2, 300);
  queue(d, 302, 2200);
  const struct dlg_seg *o = expect(d, ACK, 2, 1, 1000);
  assert_false(o->seg.flags & LA_PSH);
  for (uint32_t i = 0; i < 1000; i++)
    assert_int_equal(o->seg.data[i], dlg_byte(2 + i));
  o = expect(d, ACK, 1002, 1, 1000);
  assert_false(o->seg.flags & LA_PSH);
  expect_nothing(d); /* Nagle: 500 bytes wait */
  inject(d, ACK, 1, 2002, 0);
  expect(d, ACK | PSH, 2002, 1, 500);
  dlg_free(d);
}

/* 3.7.4, SHLD-7, MUST-17: with bytes outstanding nothing short leaves, but with Nagle off it does. */
static void nagle(void **state) {
  (void)state;
  struct dlg *d = open_mss(1000, 0);
  queue(d, 1, 10);
  expect(d, ACK, 1, 1, 10);
  queue(d, 11, 10);
  expect_nothing(d);
  queue(d, 21, 979);
  expect_nothing(d); /* 989 */
  queue(d, 1000, 11);
  expect(d, ACK, 11, 1, 1000); /* a full one */
  queue(d, 1011, 5);
  expect_nothing(d);
  set(d, LA_OPT_NODELAY, 1); /* at once what was held back */
  expect(d, ACK, 1011, 1, 5);
  queue(d, 1016, 1);
  expect(d, ACK, 1016, 1, 1);
  set(d, LA_OPT_NODELAY, 0);
  queue(d, 1017, 7);
  expect_nothing(d);
  inject(d, ACK, 1, 1017, 0);
  expect(d, ACK, 1017, 1, 7);
  dlg_free(d);
}

/* The same where the peer's window is small: half of it is no licence while something is outstanding (3.8.6.2.1, bracketed). */
static void nagle_in_a_small_window(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->wnd = 600;
  establish(d, PASSIVE_OPEN);
  queue(d, 1, 10);
  expect(d, ACK, 1, 1, 10);
  queue(d, 11, 400);
  expect_nothing(d);
  inject(d, ACK, 1, 11, 0);
  expect(d, ACK, 11, 1, 400);
  inject(d, ACK, 1, 411, 0);
  queue(d, 411, 2000);
  expect(d, ACK, 411, 1, 600); /* the whole window, with more behind it */
  expect_nothing(d);
  inject(d, ACK, 1, 1011, 0, .wnd = 299); /* less than half of the largest: wait */
  expect_nothing(d);
  inject(d, ACK, 1, 1011, 0, .wnd = 300);
  expect(d, ACK, 1011, 1, 300);
  inject(d, ACK, 1, 1311, 0, .wnd = 50);
  expect_nothing(d);
  la_time rto = info(d).rto, at = d->now;
  dlg_advance(d, rto);
  expect(d, ACK, 1311, 1, 50, .at = at + rto); /* the override: no deadlock */
  dlg_free(d);
}

/* RFC 2525 2.15: CLOSE sends the FIN at once, whatever Nagle and delayed ACKs think; with the last bytes where there are any. */
static void fin_goes_promptly(void **state) {
  (void)state;
  struct dlg *d = open_mss(1000, 0); /* nothing queued */
  inject(d, ACK, 1, 1, 10);          /* an ACK is owed and delayed */
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 11, 0);
  expect_nothing(d);
  dlg_advance(d, 500 * LA_MS);
  expect_nothing(d);
  dlg_free(d);

  d = open_mss(1000, 0); /* Nagle holds bytes back */
  queue(d, 1, 10);
  expect(d, ACK, 1, 1, 10);
  queue(d, 11, 20);
  expect_nothing(d);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK | PSH, 11, 1, 20);
  expect_nothing(d);
  dlg_free(d);

  d = open_mss(1000, 0); /* a full last segment carries it too */
  queue(d, 1, 2000);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  expect(d, ACK, 1, 1, 1000);
  expect(d, FIN | ACK | PSH, 1001, 1, 1000);
  dlg_free(d);

  d = open_mss(1000, 0); /* CLOSE-WAIT */
  inject(d, FIN | ACK, 1, 1, 0);
  expect(d, ACK, 1, 2, 0);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 2, 0);
  expect_nothing(d);
  dlg_free(d);

  d = open_mss(1000, 0); /* the window is shut: by the persist clock, at the latest */
  inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  dlg_advance(d, LA_SEC);
  expect(d, FIN | ACK, 1, 1, 0);
  dlg_free(d);
}

/* RFC 2525 2.14: a time-out sends one segment, however many are outstanding. */
static void time_out_sends_one_segment(void **state) {
  (void)state;
  for (unsigned sack = 0; sack < 2; sack++) {
    struct dlg *d = open_mss(1000, sack ? TCP_OPT_SACK_OK | TCP_OPT_TS : 0);
    uint32_t mss = info(d).mss;
    queue(d, 1, 5 * mss);
    for (uint32_t i = 0; i < 5; i++)
      expect(d, ACK, 1 + mss * i, 1, mss);
    if (sack) { /* now that there are blocks to report a segment holds less */
      inject(d, ACK, 101, 1, 100);
      inject(d, ACK, 301, 1, 100);
      dlg_forget(d);
    }
    dlg_advance(d, LA_SEC);
    expect(d, ACK, 1, 1, sack ? mss - 20 : mss);
    expect_nothing(d);
    dlg_advance(d, 2 * LA_SEC);
    expect(d, ACK, 1, 1, sack ? mss - 20 : mss);
    expect_nothing(d);
    dlg_free(d);
  }
}

/* A FIN that was sent with bytes is sent again with them; many small segments become one. */
static void retransmission_collapses(void **state) {
  (void)state;
  struct dlg *d = open_mss(1000, 0);
  set(d, LA_OPT_NODELAY, 1);
  for (uint32_t i = 0; i < 5; i++) {
    queue(d, 1 + 100 * i, 100);
    expect(d, ACK, 1 + 100 * i, 1, 100);
  }
  la_close(d->s, d->conn, d->now);
  expect(d, FIN | ACK, 501, 1, 0);
  dlg_advance(d, LA_SEC);
  const struct dlg_seg *o = expect(d, FIN | ACK | PSH, 1, 1, 500);
  for (uint32_t i = 0; i < 500; i++)
    assert_int_equal(o->seg.data[i], dlg_byte(1 + i));
  expect_nothing(d);
  inject(d, ACK, 1, 501, 0);
  dlg_advance(d, 4 * LA_SEC);
  expect(d, FIN | ACK, 501, 1, 0);
  expect_nothing(d);
  dlg_free(d);
}

static void fits(const struct dlg_seg *o, uint32_t mtu) {
  uint32_t ip = o->src.family == 6 ? 40 : 20;
  assert_true(ip + 20 + la__tcp_opts_size(&o->seg.opt) + o->seg.len <= mtu);
}

/* RFC 2525 2.18, MUST-16, RFC 6691: with every set of options no segment exceeds the MTU, nor the peer's MSS. */
static void no_segment_is_too_long(void **state) {
  (void)state;
  static const unsigned sets[] = {0, TCP_OPT_TS, TCP_OPT_SACK_OK, TCP_OPT_TS | TCP_OPT_SACK_OK};
  static const uint16_t mss[] = {65535, 1460, 1400, 536, 200};
  for (unsigned i = 0; i < 4 * 5 * 2; i++) {
    struct dlg *d = dlg_new(NULL);
    unsigned options = sets[i % 4];
    uint16_t m = mss[i / 4 % 5];
    if (i >= 20)
      dlg_use6(d);
    d->f.syn.have |= (uint8_t)options;
    d->f.syn.mss = m;
    establish(d, PASSIVE_OPEN);
    set(d, LA_OPT_NODELAY, 1);
    uint32_t ip = i >= 20 ? 40 : 20, most = m < 1500 - ip - 20 ? m : 1500 - ip - 20, sent = 0;
    for (unsigned holes = 0; holes < 6; holes++) {
      if (holes)
        inject(d, ACK, 1 + 200 * holes, 1 + sent, 100);
      dlg_forget(d);
      queue(d, 1 + sent, 3 * most);
      dlg_pump(d);
      uint32_t longest = 0;
      assert_true(d->nout >= 3);
      for (size_t k = 0; k < d->nout; k++) {
        fits(&d->out[k], 1500);
        uint32_t all = d->out[k].seg.len + la__tcp_opts_size(&d->out[k].seg.opt);
        longest = all > longest ? all : longest;
        assert_true(all <= most);
        unsigned want = options & TCP_OPT_SACK_OK ? holes : 0, cap = options & TCP_OPT_TS ? 3 : 4;
        assert_int_equal(d->out[k].seg.opt.nsack, want < cap ? want : cap);
        assert_int_equal(d->out[k].seg.opt.have & TCP_OPT_TS, options & TCP_OPT_TS);
      }
      assert_int_equal(longest, most);
      sent += 3 * most;
      inject(d, ACK, 1, 1 + sent, 0);
    }
    dlg_free(d);
  }
}

/* B5, MUST-15: no MSS option, and absurd ones. */
static void absurd_mss(void **state) {
  (void)state;
  for (int m = -1; m <= 100; m++) {
    struct dlg *d = dlg_new(NULL);
    if (m & 64)
      dlg_use6(d);
    d->f.syn.have = (uint8_t)(TCP_OPT_TS | TCP_OPT_SACK_OK | (m >= 0 ? TCP_OPT_MSS : 0));
    d->f.syn.mss = (uint16_t)m;
    establish(d, PASSIVE_OPEN);
    la_info_rec r = info(d);
    if (m < 0)
      assert_int_equal(r.mss, (d->f.us.family == 6 ? 1220 : 536) - 12);
    assert_true(r.mss >= 48);
    for (uint32_t i = 0; i < 4; i++)
      inject(d, ACK, 101 + 200 * i, 1, 100);
    dlg_forget(d);
    queue(d, 1, 400);
    dlg_pump(d);
    assert_true(d->nout > 0);
    uint32_t sum = 0;
    for (size_t i = 0; i < d->nout; i++) {
      sum += d->out[i].seg.len;
      assert_true(d->out[i].seg.len > 0 && d->out[i].seg.len <= r.mss);
    }
    assert_true(sum >= 100);
    dlg_free(d);
  }
}

/* C18, MUST-26: a keepalive probe never goes out beside bytes that the same turn has sent. */
static void no_keepalive_beside_data(void **state) {
  (void)state;
  struct dlg *d = open_mss(1000, 0);
  set(d, LA_OPT_KEEPIDLE, 10);
  set(d, LA_OPT_KEEPALIVE, 1);
  d->now += 10 * LA_SEC;
  la_tick(d->s, d->now); /* the probe is due */
  queue(d, 1, 100);
  expect(d, ACK, 1, 1, 100);
  expect_nothing(d);
  dlg_free(d);
}

/* RFC 7323 3.2: timestamps in every segment, RST included. */
static void timestamps_in_every_segment(void **state) {
  (void)state;
  struct dlg *d = open_mss(1000, TCP_OPT_TS);
  queue(d, 1, 10);
  const struct dlg_seg *o = expect(d, ACK, 1, 1, 10);
  assert_true(o->seg.opt.have & TCP_OPT_TS);
  uint32_t first = o->seg.opt.ts_val;
  dlg_advance(d, 300 * LA_MS);
  inject(d, ACK, 1, 11, 10);
  dlg_advance(d, 300 * LA_MS);
  o = expect(d, ACK, 11, 11, 0);
  assert_true(o->seg.opt.have & TCP_OPT_TS);
  assert_int_equal(o->seg.opt.ts_val - first, (o->at - LA_SEC) / LA_MS);
  assert_int_equal(o->seg.opt.ts_ecr, d->f.ts_base + 1300);
  la_abort(d->s, d->conn, d->now);
  o = expect(d, RST | ACK, 11, 11, 0);
  assert_true(o->seg.opt.have & TCP_OPT_TS);
  dlg_free(d);
}

/* MUST-48, MUST-49, SHLD-21, 22. */
static void ttl_and_tos(void **state) {
  (void)state;
  struct dlg *d = open_mss(1000, 0);
  queue(d, 1, 1);
  const struct dlg_seg *o = expect(d, ACK, 1, 1, 1);
  assert_int_equal(o->ttl, 64);
  assert_int_equal(o->tos, 0);
  set(d, LA_OPT_TTL, 3);
  set(d, LA_OPT_TOS, 0xb8);
  inject(d, ACK, 1, 2, 0);
  queue(d, 2, 1);
  o = expect(d, ACK, 2, 1, 1);
  assert_int_equal(o->ttl, 3);
  assert_int_equal(o->tos, 0xb8);
  dlg_free(d);
}

/* Connections take turns, one segment each. */
static void turns(void **state) {
  (void)state;
  struct dlg *d = open_mss(1000, 0);
  la_conn a = d->conn;
  struct flow fa = d->f;
  dlg_other(d, 40001);
  d->f.syn.mss = 1000;
  establish(d, PASSIVE_OPEN);
  queue(d, 1, 3000);
  d->conn = a;
  queue(d, 1, 3000);
  dlg_pump(d);
  assert_int_equal(d->nout, 6);
  for (size_t i = 0; i < 6; i++)
    assert_int_equal(d->out[i].seg.dport, i % 2 ? fa.rport : 40001);
  dlg_free(d);
}

/* Frames that are still held keep their bytes, after the ACK and after the end (design: asynchronous drivers). */
static void frames_outlive_the_connection(void **state) {
  (void)state;
  struct dlg *d = open_mss(1000, 0);
  queue(d, 1, 5000);
  la_frame f[5];
  assert_int_equal(la_output(d->s, d->link, f, 5, d->now), 5);
  inject(d, ACK, 1, 3001, 0);
  la_abort(d->s, d->conn, d->now);
  dlg_forget(d);
  for (unsigned i = 0; i < 5; i++) {
    uint8_t flat[1500];
    size_t n = la_frame_copy(&f[i], flat, sizeof flat);
    assert_int_equal(n, 1040);
    for (uint32_t k = 0; k < 1000; k++)
      assert_int_equal(flat[40 + k], dlg_byte(1 + 1000 * i + k));
  }
  assert_true(dlg_stats(d).chunks > 0);
  for (unsigned i = 5; i--;)
    la_frame_done(d->s, &f[i]);
  assert_int_equal(dlg_stats(d).chunks, 0);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(full_segments_and_push),
    cmocka_unit_test(nagle),
    cmocka_unit_test(nagle_in_a_small_window),
    cmocka_unit_test(fin_goes_promptly),
    cmocka_unit_test(time_out_sends_one_segment),
    cmocka_unit_test(retransmission_collapses),
    cmocka_unit_test(no_segment_is_too_long),
    cmocka_unit_test(absurd_mss),
    cmocka_unit_test(no_keepalive_beside_data),
    cmocka_unit_test(timestamps_in_every_segment),
    cmocka_unit_test(ttl_and_tos),
    cmocka_unit_test(turns),
    cmocka_unit_test(frames_outlive_the_connection),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
