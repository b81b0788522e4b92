/* SPDX-License-Identifier: MIT */
/* A frame's way in: who may not be a peer or a destination (MUST-57, MUST-63, A12, A13), and what is broken on the way (MUST-3). */
#include "dialogue.h"

#include "base/sum.h"

static la_addr addr(const char *s) {
  la_addr a;
  assert_true(la_addr_parse(s, &a));
  return a;
}

/* Every flag set from `src` to `dst`, at a listener and at a closed port, must be met with silence and leave nothing behind. */
static void silence(struct dlg *d, const char *src, const char *dst) {
  struct flow keep = d->f;
  d->f.peer = addr(src);
  d->f.us = addr(dst);
  la_stats before = dlg_stats(d);
  for (unsigned flags = 0; flags < 64; flags++)
    for (unsigned port = 80; port < 82; port++) {
      d->f.lport = (uint16_t)port;
      inject(d, flags, 5, 7, flags & 1 ? 10 : 0);
      dlg_pump(d);
      if (d->nout)
        dlg_fail(d, __FILE__, __LINE__, "an answer to %s > %s", src, dst);
    }
  la_stats after = dlg_stats(d);
  assert_int_equal(after.half_open, 0);
  assert_int_equal(after.conns, before.conns);
  uint64_t drops = 0;
  for (unsigned i = 0; i < 64; i++)
    drops += after.drops[i] - before.drops[i];
  assert_int_equal(drops, 128); /* each has its reason */
  d->f = keep;
}

/* A13, MUST-63 */
static void bad_sources(void **state) {
  (void)state;
  static const char *const v4[] = {"0.0.0.0",   "0.1.2.3",   "127.0.0.1",       "127.255.255.254", "224.0.0.1",
                                   "239.9.9.9", "240.0.0.1", "255.255.255.255", "10.0.0.255",      "10.0.0.0"};
  static const char *const v6[] = {"::", "::1", "ff02::1", "ff0e::7", "::ffff:10.0.0.2"};
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  for (unsigned i = 0; i < sizeof v4 / sizeof v4[0]; i++)
    silence(d, v4[i], "10.0.0.1");
  for (unsigned i = 0; i < sizeof v6 / sizeof v6[0]; i++)
    silence(d, v6[i], "2001:db8::1");
  dlg_free(d);
}
/* MUST-57 */
static void bad_destinations(void **state) {
  (void)state;
  static const char *const v4[] = {"255.255.255.255", "10.0.0.255", "10.0.0.0", "224.0.0.1", "10.0.0.9", "127.0.0.1", "0.0.0.0"};
  static const char *const v6[] = {"ff02::1", "2001:db8::9", "::1", "::"};
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  for (unsigned i = 0; i < sizeof v4 / sizeof v4[0]; i++)
    silence(d, "10.0.0.2", v4[i]);
  for (unsigned i = 0; i < sizeof v6 / sizeof v6[0]; i++)
    silence(d, "2001:db8::2", v6[i]);
  dlg_free(d);
}
/* A12: our own address as source, with the same port and another. */
static void land(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  d->f.rport = 80;
  silence(d, "10.0.0.1", "10.0.0.1");
  silence(d, "2001:db8::1", "2001:db8::1");
  d->f.rport = 9;
  silence(d, "10.0.0.1", "10.0.0.1");
  dlg_advance(d, 100 * LA_SEC);
  expect_nothing(d);
  dlg_free(d);
}
static void port_zero(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  d->f.rport = 0;
  inject(d, SYN, 0, 0, 0);
  d->f.rport = 5;
  d->f.lport = 0;
  inject(d, SYN, 0, 0, 0);
  expect_nothing(d);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_HDR], 2);
  dlg_free(d);
}

/* MUST-3, D15: any single bit that flips between the two ends of the packet makes it void. Nothing answers it. */
static void every_bit(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct dlg *d = dlg_new(NULL);
    if (six)
      dlg_use6(d);
    dlg_listen(d);
    uint8_t p[128];
    struct tcp_seg seg = {.sport = d->f.rport, .dport = 80, .seq = 1, .flags = SYN, .wnd = 1000, .opt = {.have = TCP_OPT_MSS, .mss = 1460}};
    struct ip_hdr h = {.src = d->f.peer, .dst = d->f.us, .proto = IP_PROTO_TCP, .ttl = 64};
    unsigned ip = six ? IP6_HEADER : IP4_HEADER, hdr = la__tcp_build(&seg, p + ip);
    h.len = hdr + 5;
    memcpy(p + ip + hdr, "hello", 5);
    assert_int_equal(six ? la__ip6_build(&h, p) : la__ip4_build(&h, p), ip);
    uint16_t sum = la__sum_finish(la__sum(la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_TCP, h.len), p + ip, h.len));
    p[ip + 16] = (uint8_t)(sum >> 8);
    p[ip + 17] = (uint8_t)sum;
    for (unsigned bit = six ? ip * 8 : 0; bit < (ip + h.len) * 8; bit++) {
      p[bit / 8] ^= (uint8_t)(1u << bit % 8);
      la_frame f = {.data = p, .len = ip + h.len};
      assert_int_equal(la_input(d->s, d->link, &f, 1, d->now), 1);
      dlg_pump(d);
      assert_int_equal(dlg_stats(d).half_open, 0);
      assert_int_equal(dlg_stats(d).segments_in, 0);
      assert_int_equal(d->nout, 0);
      p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    la_frame f = {.data = p, .len = ip + h.len};
    for (f.len = 0; f.len < ip + h.len; f.len++) /* cut short */
      assert_int_equal(la_input(d->s, d->link, &f, 1, d->now), 1);
    assert_int_equal(dlg_stats(d).half_open, 0);
    assert_int_equal(la_input(d->s, d->link, &f, 1, d->now), 1);
    assert_int_equal(dlg_stats(d).half_open, 1);
    p[ip + 16] ^= 1;
    d->f.rport++;
    p[ip + 1]++;
    f.flags = LA_FRAME_SUM_OK; /* the device has looked */
    assert_int_equal(la_input(d->s, d->link, &f, 1, d->now), 1);
    assert_int_equal(dlg_stats(d).half_open, 2);
    dlg_free(d);
  }
}

/* A link that does not exist takes nothing; time that goes back is taken as the last. */
static void odd_calls(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  uint8_t p[1] = {0x45};
  la_frame f = {.data = p, .len = 1};
  assert_int_equal(la_input(d->s, 0, &f, 1, d->now), 0);
  assert_int_equal(la_input(d->s, 2, &f, 1, d->now), 0);
  assert_int_equal(la_input(d->s, UINT32_MAX, &f, 1, d->now), 0);
  assert_int_equal(la_output(d->s, 2, &f, 1, d->now), 0);
  assert_int_equal(la_input(d->s, 1, &f, 0, d->now), 0);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  la_tick(d->s, 0);
  la_tick(d->s, d->now + 500 * LA_MS);
  la_tick(d->s, d->now);
  expect_state(d, LA_SYN_RECEIVED);
  dlg_advance(d, LA_SEC);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(bad_sources), cmocka_unit_test(bad_destinations), cmocka_unit_test(land),
    cmocka_unit_test(port_zero),   cmocka_unit_test(every_bit),        cmocka_unit_test(odd_calls),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
