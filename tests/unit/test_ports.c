/* SPDX-License-Identifier: MIT */
/* Which ports are held, and the choice of ephemeral ones (RFC 6056, A6). */
#include "dialogue.h"

#include "mem_test.h"
#include "tcp/ports.h"

/* Counts against a model, at random, and no memory left at the end. */
static void counts(void **state) {
  (void)state;
  struct test_mem m;
  test_mem_init(&m);
  struct ports p;
  memset(&p, 0, sizeof p);
  static uint16_t all[65536], bare[65536];
  uint64_t rnd = 3;
  unsigned held = 0;
  for (unsigned i = 0; i < 200000; i++) {
    uint16_t port = (uint16_t)(rnd_below(&rnd, 300) * 251);
    bool reuse = rnd_below(&rnd, 2);
    bool drop = all[port] && rnd_below(&rnd, 2) && (reuse ? all[port] > bare[port] : bare[port] > 0);
    if (drop) {
      la__port_drop(&p, &m.mem, port, reuse);
      all[port]--;
      bare[port] -= !reuse;
      held--;
    } else if (all[port] < 1000) {
      assert_true(la__port_hold(&p, &m.mem, port, reuse));
      all[port]++;
      bare[port] += !reuse;
      held++;
    }
    assert_int_equal(la__port_held(&p, port), all[port]);
    assert_int_equal(la__port_held_without_reuse(&p, port), bare[port]);
  }
  assert_true(held > 0);
  for (unsigned port = 0; port < 65536; port++)
    while (all[port]) {
      bool reuse = all[port] > bare[port];
      la__port_drop(&p, &m.mem, (uint16_t)port, reuse);
      all[port]--;
      bare[port] -= !reuse;
    }
  assert_true(m.mem.used > 0); /* pages go with their last port, but for one */
  la__ports_trim(&p, &m.mem);
  test_mem_empty(&m);
  assert_int_equal(la__port_held(&p, 80), 0);
  m.fail_at = m.calls + 1;
  assert_false(la__port_hold(&p, &m.mem, 80, false));
  assert_int_equal(la__port_held(&p, 80), 0);
  la__ports_done(&p, &m.mem);
  test_mem_empty(&m);
}

static void range_64(la_config *c) {
  c->port_lo = 50000;
  c->port_hi = 50063;
}
static uint16_t connect_any(struct dlg *d, uint16_t rport, int *err) {
  la_connect_opts o = {.remote = d->f.peer, .remote_port = rport};
  la_conn c;
  la_info_rec i = {.local_port = 0};
  *err = la_connect(d->s, &o, &c, d->now);
  if (*err == LA_OK)
    assert_int_equal(la_info(d->s, c, &i), LA_OK);
  return i.local_port;
}

/* The whole range serves, each port once for a destination; then LA_EADDRNOTAVAIL; another destination has them all again. */
static void whole_range_then_none(void **state) {
  (void)state;
  struct dlg *d = dlg_new(range_64);
  for (uint16_t rport = 80; rport < 83; rport++) {
    uint64_t seen = 0;
    int err;
    for (unsigned i = 0; i < 64; i++) {
      uint16_t p = connect_any(d, rport, &err);
      assert_int_equal(err, LA_OK);
      assert_true(p >= 50000 && p <= 50063);
      assert_false(seen >> (p - 50000) & 1);
      seen |= UINT64_C(1) << (p - 50000);
    }
    connect_any(d, rport, &err);
    assert_int_equal(err, LA_EADDRNOTAVAIL);
  }
  dlg_free(d);
}
static void listeners_ports_are_left_out(void **state) {
  (void)state;
  struct dlg *d = dlg_new(range_64);
  la_listener l;
  for (uint16_t p = 50000; p < 50063; p++)
    assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = p, .backlog = 1}, &l), LA_OK);
  int err;
  assert_int_equal(connect_any(d, 80, &err), 50063);
  connect_any(d, 80, &err);
  assert_int_equal(err, LA_EADDRNOTAVAIL);
  dlg_free(d);
}
static void one_port_at_the_top(la_config *c) { c->port_lo = c->port_hi = 65535; }
static void highest_port(void **state) {
  (void)state;
  struct dlg *d = dlg_new(one_port_at_the_top);
  int err;
  assert_int_equal(connect_any(d, 80, &err), 65535);
  dlg_free(d);
}

/* Spread over the range, and no port is a guess from the one before. */
static void unpredictable(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  enum { N = 20000, LO = 32768, HI = 60999, BINS = 64 };
  uint32_t bin[BINS] = {0}, step[BINS] = {0}, near = 0;
  uint16_t last = 0;
  for (unsigned i = 0; i < N; i++) {
    la_connect_opts o = {.remote = d->f.peer, .remote_port = (uint16_t)(1 + i)};
    la_conn c;
    la_info_rec info;
    assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_OK);
    assert_int_equal(la_info(d->s, c, &info), LA_OK);
    uint32_t p = info.local_port, range = HI - LO + 1;
    bin[(p - LO) * BINS / range]++;
    step[(p + range - last) % range * BINS / range]++;
    near += p - last + 8u < 16;
    last = (uint16_t)p;
    assert_int_equal(la_close(d->s, c, d->now), LA_OK);
    dlg_pump(d);
    d->nev = 0;
    dlg_forget(d);
  }
  for (unsigned b = 0; b < BINS; b++) {
    assert_true(bin[b] > N / BINS * 7 / 10 && bin[b] < N / BINS * 13 / 10);
    assert_true(step[b] > N / BINS * 7 / 10 && step[b] < N / BINS * 13 / 10);
  }
  assert_true(near < 40);
  dlg_free(d);
}

/* Arguments of la_connect: MUST-43, 44, 46. */
static void connect_arguments(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  static const char *const bad[] = {"255.255.255.255", "224.0.0.1", "10.0.0.255", "10.0.0.0", "0.0.0.0",    "0.1.2.3",
                                    "240.0.0.1",       "10.0.0.1",  "ff02::1",    "::",       "2001:db8::1"};
  la_conn c;
  for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    la_connect_opts o = {.remote_port = 80};
    assert_true(la_addr_parse(bad[i], &o.remote));
    if (la_connect(d->s, &o, &c, d->now) != LA_EINVAL)
      fail_msg("%s", bad[i]);
  }
  la_connect_opts o = {.remote = d->f.peer, .remote_port = 0};
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_EINVAL);
  o.remote_port = 80;
  o.remote.family = 5;
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_EINVAL);
  o.remote.family = 0;
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_EINVAL);
  assert_true(la_addr_parse("192.0.2.1", &o.remote));
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_ENETUNREACH);
  o.remote = d->f.peer;
  assert_true(la_addr_parse("10.0.0.9", &o.local));
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_EADDRNOTAVAIL);
  assert_true(la_addr_parse("2001:db8::1", &o.local));
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_EINVAL);
  o.local = d->f.us;
  o.local_port = 4000;
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_OK);
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_EADDRINUSE);
  o.remote_port = 81;
  assert_int_equal(la_connect(d->s, &o, &c, d->now), LA_OK);
  expect_no_event(d);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(counts),       cmocka_unit_test(whole_range_then_none), cmocka_unit_test(listeners_ports_are_left_out),
    cmocka_unit_test(highest_port), cmocka_unit_test(unpredictable),         cmocka_unit_test(connect_arguments),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
