/* SPDX-License-Identifier: MIT */
/* Initial sequence numbers (RFC 6528, SHLD-1, A5), timestamp offsets (A7), quiet time (E-28). Fixed secrets, so fixed results. */
#include "dialogue.h"

#include "core/stack.h"

static struct tcp *tcp_of(struct dlg *d) { return &d->s->tcp; }
static struct key key_of(const struct dlg *d, uint16_t lport, uint16_t rport) {
  return (struct key){.local = d->f.us, .remote = d->f.peer, .lport = lport, .rport = rport};
}

/* M: one in 4 us for a pair, whatever else happens; modulo 2^32. */
static void clock_driven(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct tcp *t = tcp_of(d);
  struct key k = key_of(d, 80, 4000);
  uint32_t first = la__isn(t, &k);
  la_time start = t->now;
  for (unsigned i = 1; i < 100; i++) {
    t->now = start + i * 40 * LA_US;
    assert_int_equal(la__isn(t, &k), first + i * 10);
  }
  t->now = start + (UINT64_C(1) << 32) * 4 * LA_US; /* 4.77 hours: once around */
  assert_int_equal(la__isn(t, &k), first);
  t->now = start;
  dlg_free(d);
}

/* F: all of the pair's parts and all of the secret count. */
static void every_part_counts(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct tcp *t = tcp_of(d);
  struct key base = key_of(d, 80, 4000);
  uint32_t isn = la__isn(t, &base), off = la__ts_offset(t, &base);
  assert_int_not_equal(isn, off);
  for (unsigned part = 0; part < 5; part++) {
    struct key k = base;
    switch (part) {
    case 0:
      k.local.b[3] ^= 1;
      break;
    case 1:
      k.remote.b[3] ^= 1;
      break;
    case 2:
      k.lport ^= 1;
      break;
    case 3:
      k.rport ^= 1;
      break;
    default:
      k.zone ^= 1;
      break;
    }
    assert_int_not_equal(la__isn(t, &k), isn);
    assert_int_not_equal(la__ts_offset(t, &k), off);
  }
  for (unsigned bit = 0; bit < 128; bit++) {
    t->cfg.secret[bit / 8] ^= (uint8_t)(1u << bit % 8);
    la__keys_init(t);
    assert_int_not_equal(la__isn(t, &base), isn);
    assert_int_not_equal(la__ts_offset(t, &base), off);
    t->cfg.secret[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  la__keys_init(t);
  assert_int_equal(la__isn(t, &base), isn);
  dlg_free(d);
}

/* Chi-square over the differences between neighbouring pairs: nothing to see. 255 degrees of freedom, far beyond p = 10^-6. */
static void uncorrelated(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct tcp *t = tcp_of(d);
  enum { N = 1 << 18 };
  static uint32_t bins[3][256];
  uint32_t last = 0, last_off = 0;
  for (unsigned i = 0; i < N; i++) {
    struct key k = key_of(d, (uint16_t)(80 + (i >> 16)), (uint16_t)i);
    uint32_t isn = la__isn(t, &k), off = la__ts_offset(t, &k);
    bins[0][(isn - last) >> 24]++;
    bins[1][(isn - last) & 255]++;
    bins[2][(off - last_off) >> 24]++;
    last = isn;
    last_off = off;
  }
  for (unsigned b = 0; b < 3; b++) {
    uint64_t chi = 0; /* times N / 256 */
    for (unsigned i = 0; i < 256; i++) {
      int64_t diff = (int64_t)bins[b][i] - N / 256;
      chi += (uint64_t)(diff * diff);
    }
    assert_true(chi / (N / 256) < 380 && chi / (N / 256) > 150);
  }
  dlg_free(d);
}

/* Known answer: the result must not change by accident (rekeyed only at start; equal runs give equal bytes). */
static void same_secret_same_numbers(void **state) {
  (void)state;
  uint32_t seen[2];
  for (unsigned i = 0; i < 2; i++) {
    struct dlg *d = dlg_new(NULL);
    assert_int_equal(dlg_connect(d), LA_OK);
    expect(d, SYN, 0, 0, 0);
    seen[i] = d->f.irs;
    dlg_free(d);
  }
  assert_int_equal(seen[0], seen[1]);
}

/* The active and the passive opener use the same generator: the next incarnation of a pair lies ahead of the last. */
static void incarnations_ascend(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  uint32_t last = 0;
  for (unsigned i = 0; i < 50; i++) {
    d->f.irs_known = false;
    establish(d, PASSIVE_OPEN);
    if (i)
      assert_true((int32_t)(d->f.irs - last) > 0);
    last = d->f.irs;
    inject(d, RST, 1, 0, 0);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    d->nev = 0;
    dlg_pump(d);
    d->nev = 0;
    dlg_advance(d, 10 * LA_MS);
  }
  dlg_free(d);
}

/* A7: the stamps of two connections at one instant have nothing in common; each runs with its clock. */
static void stamps_per_connection(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  establish(d, PASSIVE_OPEN);
  uint32_t one = d->f.ts_ecr;
  inject(d, ACK, 5, 1, 10);
  assert_int_equal(expect(d, ACK, 1, 1, 0)->seg.opt.ts_val, one);
  struct flow f = d->f;
  dlg_other(d, 40001);
  establish(d, PASSIVE_OPEN);
  uint32_t two = d->f.ts_ecr;
  assert_true(one - two > 100000 && two - one > 100000);
  dlg_advance(d, 1234 * LA_MS);
  d->f = f;
  inject(d, ACK, 5, 1, 10);
  assert_int_equal(expect(d, ACK, 1, 1, 0)->seg.opt.ts_val, one + 1234);
  dlg_free(d);
}

static void quiet(la_config *c) { c->quiet_time = 1; }
/* 3.4.3: for one MSL after the start nothing is opened and nothing answered. */
static void quiet_time(void **state) {
  (void)state;
  struct dlg *d = dlg_new(quiet);
  la_time t = d->now;
  dlg_listen(d);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(dlg_connect(d), LA_EQUIET);
    inject(d, SYN, 0, 0, 0);
    inject(d, ACK, 0, 5, 10);
    inject(d, FIN | ACK, 0, 5, 10);
    inject(d, RST, 0, 5, 0);
    expect_nothing(d);
    expect_state(d, LA_LISTEN);
    dlg_until(d, i == 0 ? t + 15 * LA_SEC : t + 30 * LA_SEC - 1);
  }
  assert_int_equal(dlg_stats(d).drops[LA_DROP_QUIET_TIME], 12);
  dlg_advance(d, 1);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_other(d, 1);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  dlg_free(d);
}

/* RFC 6191 and PAWS compare a pair's incarnations by their timestamps: one clock for all of them, whoever opened. */
static void stamps_ascend_over_incarnations(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  uint32_t first = 0;
  la_time begun = d->now;
  for (unsigned i = 0; i < 20; i++) {
    d->f.irs_known = d->f.ts = false;
    establish(d, PASSIVE_OPEN);
    if (i == 0)
      first = d->f.ts_ecr;
    assert_int_equal(d->f.ts_ecr - first, (d->now - begun) / LA_MS);
    inject(d, RST, 1, 0, 0);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    dlg_pump(d);
    d->nev = 0;
    dlg_advance(d, 333 * LA_MS);
  }
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(clock_driven),        cmocka_unit_test(every_part_counts),
    cmocka_unit_test(uncorrelated),        cmocka_unit_test(same_secret_same_numbers),
    cmocka_unit_test(incarnations_ascend), cmocka_unit_test(stamps_per_connection),
    cmocka_unit_test(quiet_time),          cmocka_unit_test(stamps_ascend_over_incarnations),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
