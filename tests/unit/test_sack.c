/* SPDX-License-Identifier: MIT */
/* SACK blocks in and out: RFC 2018, 2883; what blocks may not do (CVE-2019-11477, -11478). The order of outgoing ones: test_data.c. */
#include "loss_test.h"

#define RTT (100 * LA_MS)

static struct dlg *open_linux(void) { return loss_open(linux_preset, RTT, TCP_OPT_SACK_OK); }

static void expect_block(struct dlg *d, uint32_t ack, unsigned n, uint32_t lo, uint32_t hi) {
  const struct dlg_seg *o = expect(d, ACK, 1, ack, 0);
  assert_int_equal(o->seg.opt.nsack, n);
  if (n) {
    assert_int_equal(o->seg.opt.sack[0].lo - d->f.iss, lo);
    assert_int_equal(o->seg.opt.sack[0].hi - d->f.iss, hi);
  }
}

/* RFC 2883 4: what comes a second time is told once, in the first block of the next ACK. */
static void duplicates_are_told(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  inject(d, ACK, 1, 1, 500);
  dlg_advance(d, 50 * LA_MS);
  expect_block(d, 501, 0, 0, 0);
  inject(d, ACK, 101, 1, 300); /* all of it old */
  expect_block(d, 501, 1, 101, 401);
  inject(d, ACK, 401, 1, 200); /* half of it */
  dlg_advance(d, 50 * LA_MS);
  expect_block(d, 601, 1, 401, 501);
  inject(d, ACK, 801, 1, 200);
  expect_block(d, 601, 1, 801, 1001);
  inject(d, ACK, 901, 1, 200); /* beyond a hole: the part that had come, then the whole block */
  const struct dlg_seg *o = expect(d, ACK, 1, 601, 0);
  assert_int_equal(o->seg.opt.nsack, 2);
  assert_int_equal(o->seg.opt.sack[0].lo - d->f.iss, 901);
  assert_int_equal(o->seg.opt.sack[0].hi - d->f.iss, 1001);
  assert_int_equal(o->seg.opt.sack[1].lo - d->f.iss, 801);
  assert_int_equal(o->seg.opt.sack[1].hi - d->f.iss, 1101);
  inject(d, ACK, 1201, 1, 100); /* once: not in the next */
  expect_block(d, 601, 2, 1201, 1301);
  inject(d, ACK, 601, 1, 200);
  expect_block(d, 1101, 1, 1201, 1301);
  inject(d, ACK, 1101, 1, 100);
  expect_block(d, 1301, 0, 0, 0);
  dlg_free(d);
}

static void without_dsack(la_config *c) {
  linux_preset(c);
  c->dsack = 0;
}
static void duplicates_are_not_told(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2; i++) { /* not agreed; switched off */
    struct dlg *d = loss_open(i ? without_dsack : linux_preset, RTT, i ? TCP_OPT_SACK_OK : 0);
    inject(d, ACK, 1, 1, 500);
    dlg_advance(d, 50 * LA_MS);
    expect_block(d, 501, 0, 0, 0);
    inject(d, ACK, 1, 1, 500);
    expect_block(d, 501, 0, 0, 0);
    dlg_free(d);
  }
}

/* A duplicate leaves no memory behind. */
static void duplicates_cost_nothing(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  inject(d, ACK, 1, 1, 500);
  dlg_advance(d, 50 * LA_MS);
  uint8_t b[600];
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 500);
  dlg_forget(d);
  la_trim(d->s);
  uint64_t before = dlg_stats(d).bytes_allocated;
  inject(d, ACK, 1, 1, 500);
  expect_block(d, 501, 1, 1, 501);
  la_trim(d->s);
  assert_int_equal(dlg_stats(d).bytes_allocated, before);
  dlg_free(d);
}

/* RFC 2018 2 and 5: only what lies within what is outstanding counts, and only by whole segments. */
static void only_what_is_outstanding(void **state) {
  (void)state;
  static const struct {
    uint32_t lo, hi;
    uint32_t sacked;
  } row[] = {
    {SEG(1), SEG(2), 1},      {SEG(1), SEG(10), 9},        {SEG(0), SEG(2), 0}, /* the first byte: then it would be acknowledged */
    {SEG(2), SEG(2), 0},      {SEG(3), SEG(2), 0},         {SEG(9), SEG(10) + 1, 0}, {SEG(10), SEG(11), 0},      {SEG(1) + 1, SEG(2), 0},
    {SEG(1), SEG(2) - 1, 0},  {SEG(1) + 1, SEG(4) - 1, 1}, {SEG(9), SEG(10), 1},     {SEG(9) + 999, SEG(10), 0}, {0x80000000u, SEG(4), 0},
    {SEG(4), 0x80000000u, 0}, {1u - 5000, SEG(4), 0},      {SEG(2), SEG(3) + 5, 1},
  };
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct dlg *d = open_linux();
    send_segments(d, 0, 10);
    struct shot s = {.flags = ACK, .seq = 1, .ack = 1, .opt = {.have = TCP_OPT_SACK, .nsack = 1}};
    s.opt.sack[0].lo = d->f.irs + row[i].lo;
    s.opt.sack[0].hi = d->f.irs + row[i].hi;
    dlg_inject(d, s, __FILE__, __LINE__);
    la_info_rec r = info(d);
    if (r.segs_sacked != row[i].sacked)
      fail_msg("row %u: %u segments", i, r.segs_sacked);
    assert_int_equal(r.segs_out, 10);
    sack(d, 10, 0);
    assert_int_equal(info(d).segs_out, 0);
    dlg_free(d);
  }
}

static void small(la_config *c) {
  linux_preset(c);
  c->max_sent = 8;
}

/* Every second segment reported, and hostile blocks all over: work and memory have their limits, and the stream goes on. */
static void hostile(void **state) {
  (void)state;
  for (unsigned limit = 0; limit < 2; limit++) {
    struct dlg *d = loss_open(limit ? small : linux_preset, RTT, TCP_OPT_SACK_OK);
    assert_int_equal(dlg_send(d, 1, 60 * MSS), 60 * MSS);
    uint64_t before = dlg_stats(d).bytes_allocated;
    uint32_t rnd = 1;
    for (unsigned i = 0; i < 20000; i++) {
      struct shot s = {.flags = ACK, .seq = 1, .ack = 1, .opt = {.have = TCP_OPT_SACK, .nsack = 4}};
      for (unsigned k = 0; k < 4; k++) {
        rnd = rnd * 1664525u + 1013904223u;
        s.opt.sack[k].lo = d->f.irs + (i & 1 ? SEG((rnd >> 16) % 60) : (rnd >> 8) % 70000);
        s.opt.sack[k].hi = s.opt.sack[k].lo + (i % 3 ? MSS : rnd >> 28);
      }
      dlg_inject(d, s, __FILE__, __LINE__);
      dlg_forget(d);
    }
    la_info_rec r = info(d);
    assert_true(r.segs_sacked + r.segs_lost <= r.segs_out);
    assert_true(dlg_stats(d).bytes_allocated - before <= (limit ? 8u : 512u) * 24);
    uint32_t nxt = r.snd_nxt - d->f.irs;
    inject(d, ACK, 1, nxt, 0);
    assert_int_equal(info(d).segs_sacked, 0);
    assert_int_equal(info(d).segs_lost, 0);
    assert_int_equal(info(d).snd_una - d->f.irs, nxt);
    dlg_free(d);
  }
}

/* What was reported does not go again, however the loss around it was found. */
static void reported_stays(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  send_segments(d, 0, 10);
  dlg_advance(d, RTT);
  sack(d, 1, 2, {3, 4}, {6, 10});
  dlg_pump(d);
  uint32_t want[] = {1, 2, 4, 5};
  for (unsigned round = 0; round < 4; round++) { /* each ACK lets one or two go */
    dlg_advance(d, 30 * LA_MS);
    for (size_t i = 0; i < d->nout; i++) {
      bool one = false;
      for (unsigned k = 0; k < 4; k++)
        one |= d->out[i].seg.seq - d->f.irs == SEG(want[k]);
      assert_true(one);
    }
    dlg_forget(d);
  }
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(duplicates_are_told),
    cmocka_unit_test(duplicates_are_not_told),
    cmocka_unit_test(duplicates_cost_nothing),
    cmocka_unit_test(only_what_is_outstanding),
    cmocka_unit_test(hostile),
    cmocka_unit_test(reported_stays),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
