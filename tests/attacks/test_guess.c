/* SPDX-License-Identifier: MIT */
/*
 * What a stranger would like to guess: initial sequence numbers, ephemeral ports, timestamps, identifications. A million of each with
 * a fixed secret, and Pearson's chi-square over 256 bins: 255 degrees of freedom, so that 150 and 380 lie some six sigma away.
 */
#include "tests/unit/dialogue.h"

#include "core/stack.h"

enum { N = 1000000, BINS = 256 };
struct spread {
  uint32_t bin[BINS];
  uint32_t n;
};
static void put(struct spread *s, uint32_t bin) {
  s->bin[bin]++;
  s->n++;
}
static void even(const char *what, const struct spread *s) {
  uint64_t sum = 0;
  int64_t want = s->n / BINS;
  for (unsigned i = 0; i < BINS; i++)
    sum += (uint64_t)((s->bin[i] - want) * (s->bin[i] - want));
  uint64_t chi = sum / (uint64_t)want;
  print_message("%-40s chi-square %llu\n", what, (unsigned long long)chi);
  assert_in_range(chi, 150, 380);
}

/* A5, A7: over neighbouring pairs, and over pairs that differ in one bit; high bits, low bits, and the difference to the one before. */
static void a5_a7_pairs(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct tcp *t = &d->s->tcp;
  static struct spread s[6];
  memset(s, 0, sizeof s);
  uint32_t isn_was = 0, off_was = 0;
  for (uint32_t i = 0; i < N; i++) {
    struct key k = {.local = d->f.us, .remote = d->f.peer, .lport = 80, .rport = (uint16_t)i};
    k.remote.b[2] = (uint8_t)(i >> 16);
    uint32_t isn = la__isn(t, &k), off = la__ts_offset(t, &k);
    put(&s[0], isn >> 24);
    put(&s[1], isn & 255);
    put(&s[2], (isn - isn_was) >> 24);
    put(&s[3], off >> 24);
    put(&s[4], (off - off_was) >> 24);
    put(&s[5], (isn ^ off) >> 24);
    isn_was = isn;
    off_was = off;
  }
  even("ISN, high bits", &s[0]);
  even("ISN, low bits", &s[1]);
  even("ISN, difference of neighbours", &s[2]);
  even("timestamp offset", &s[3]);
  even("timestamp offset, difference", &s[4]);
  even("ISN against timestamp offset", &s[5]);
  dlg_free(d);
}

/* A5: the same pair, later: M alone, so the numbers of one pair ascend while those of others tell nothing of them. */
static void a5_one_pair_ascends(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct tcp *t = &d->s->tcp;
  la_time start = t->now;
  for (uint16_t port = 1; port < 2000; port++) {
    struct key k = {.local = d->f.us, .remote = d->f.peer, .lport = 80, .rport = port};
    t->now = start;
    uint32_t first = la__isn(t, &k);
    t->now = start + (la_time)port * LA_SEC;
    assert_int_equal(la__isn(t, &k) - first, port * 250000u);
  }
  t->now = start;
  dlg_free(d);
}

/* A6: the ports of connections to one destination after another, opened and given up. */
static void wide(la_config *c) {
  c->port_lo = 32768;
  c->port_hi = 32768 + 16384 - 1;
}
static void a6_ports(void **state) {
  (void)state;
  struct dlg *d = dlg_new(wide);
  assert_int_equal(la_route_add(d->s, &(la_addr){.family = 4}, 0, d->link), LA_OK);
  static struct spread s[2];
  memset(s, 0, sizeof s);
  uint32_t was = 0;
  for (uint32_t i = 0; i < N; i++) {
    la_connect_opts o = {.remote = d->f.peer, .remote_port = (uint16_t)(1 + i % 65535)};
    o.remote.b[1] = (uint8_t)(1 + i / 65535);
    o.remote.b[0] = 10;
    o.remote.b[2] = 1;
    o.local = d->f.us;
    la_conn c;
    la_info_rec r;
    int err = la_connect(d->s, &o, &c, d->now);
    if (err)
      fail_msg("%u: %s", i, la_err_name(err));
    assert_int_equal(la_info(d->s, c, &r), LA_OK);
    uint32_t p = r.local_port - 32768u;
    assert_true(p < 16384);
    put(&s[0], p >> 6);
    put(&s[1], ((p - was) & 16383) >> 6);
    was = p;
    assert_int_equal(la_abort(d->s, c, d->now), LA_OK);
    if (i % 64 == 0) {
      dlg_forget(d);
      d->nev = 0;
    }
  }
  even("port", &s[0]);
  even("port, difference to the one before", &s[1]);
  dlg_free(d);
}

/* A6: what somebody sees of his own ports does not tell how many others were opened. */
static void a6_no_shared_counter(void **state) {
  (void)state;
  uint16_t seen[2][200];
  for (unsigned noise = 0; noise < 2; noise++) {
    struct dlg *d = dlg_new(wide);
    for (unsigned i = 0; i < 200; i++) {
      for (unsigned k = 0; k <= noise * (i % 5); k++) {
        la_connect_opts o = {.remote = d->f.peer, .remote_port = k ? 9 : 443};
        la_conn c;
        la_info_rec r;
        assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_OK);
        assert_int_equal(la_info(d->s, c, &r), LA_OK);
        if (!k)
          seen[noise][i] = r.local_port;
        assert_int_equal(la_abort(d->s, c, d->now), LA_OK);
        dlg_forget(d);
        d->nev = 0;
      }
    }
    dlg_free(d);
  }
  unsigned near[2] = {0}; /* steps that a counter would make */
  for (unsigned noise = 0; noise < 2; noise++)
    for (unsigned i = 1; i < 200; i++)
      near[noise] += (uint16_t)(seen[noise][i] - seen[noise][i - 1]) < 16;
  print_message("steps below 16 of 199: %u alone, %u beside others\n", near[0], near[1]);
  assert_true(near[0] < 8 && near[1] < 8);
}

/* A7: no identification that counts: every packet is atomic (RFC 6864), DF and zero. */
static void a7_identification(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(dlg_send(d, 1, 20000), 20000);
  unsigned n = 0;
  la_frame f;
  for (; la_output(d->s, d->link, &f, 1, d->now); n++) {
    assert_int_equal(f.data[4] << 8 | f.data[5], 0);
    assert_int_equal(f.data[6] << 8 | f.data[7], 0x4000);
    la_frame_done(d->s, &f);
  }
  assert_true(n >= 10);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a5_a7_pairs),          cmocka_unit_test(a5_one_pair_ascends), cmocka_unit_test(a6_ports),
    cmocka_unit_test(a6_no_shared_counter), cmocka_unit_test(a7_identification),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
