/* SPDX-License-Identifier: MIT */
/* la_config: the presets are valid, every field has its range, and what is out of it makes no stack. */
/* lint: theme */
#include "dialogue.h"

struct field {
  const char *name;
  size_t offset, size;
  uint64_t lo, hi; /* the range; what lies past it must be refused */
};
#define F(name, lo, hi) \
  { #name, offsetof(la_config, name), sizeof(((la_config *)0)->name), lo, hi }
static const uint64_t max32 = UINT32_MAX, max64 = UINT64_MAX;
static const struct field fields[] = {
  F(msl, 1, 86400 * LA_SEC),
  F(r1, 1, 255),
  F(synack_retries, 0, 5),
  F(r2, 1, UINT64_MAX),
  F(syn_limit, 1, UINT64_MAX),
  F(rto_initial, LA_MS, 60 * LA_SEC),
  F(rto_min, 1, 120 * LA_SEC), /* not above rto_max */
  F(rto_max, LA_SEC, 86400 * LA_SEC),
  F(delayed_ack, 0, 500 * LA_MS - 1), /* MUST-40 */
  F(quick_acks, 0, 31),
  F(mute_unsent, 0, 255),
  F(edge_acks, 0, 255),
  F(prompt_syn, 0, 255),
  F(bare_segments, 0, 255),
  F(empty_probes, 0, 255),
  F(fin_wait_2, 1, UINT64_MAX),
  F(challenge_gap, 0, 60 * LA_SEC),
  F(max_conns, 1, (1u << 29) - 1),
  F(max_half_open, 1, (1u << 29) - 1),
  F(max_time_wait, 0, (1u << 29) - 1),
  F(max_orphans, 0, UINT32_MAX),
  F(max_listeners, 1, 1u << 23),
  F(max_chunks, 1, UINT32_MAX),
  F(sndbuf, 2048, 1u << 30),
  F(rcvbuf, 2048, 1u << 30),
  F(sndbuf_max, 0, 1u << 30),
  F(rcv_start, 0, UINT32_MAX),
  F(rcvbuf_max, 0, 1u << 30),
  F(max_ooo, 1, 4096),
  F(replies, 16, 65536),
  F(rst_per_sec, 0, UINT32_MAX),
  F(arp_probes, 0, 10),
  F(arp_announcements, 0, 10),
  F(dad_transmits, 0, 10),
  F(mld_reports, 0, 10),
  F(neigh_probes, 1, 20),
  F(neigh_retrans, LA_MS, 60 * LA_SEC),
  F(neigh_reachable, LA_MS, 3600 * LA_SEC),
  F(neigh_delay, LA_MS, 60 * LA_SEC),
  F(max_neighbours, 1, 1u << 20),
  F(neigh_queue, 1, UINT32_MAX),
  F(neigh_queue_all, 1, UINT32_MAX),
  F(port_lo, 1, 60999),
  F(port_hi, 32768, 65535),
  F(ttl, 1, 255),
  F(ecn, 0, 2),
  F(cc, LA_CC_NEWRENO, LA_CCS - 1),
  F(rto_var_min, 0, 120 * LA_SEC), /* not above rto_max */
  F(frag_time4, 1, 120 * LA_SEC),
  F(frag_time6, 1, 120 * LA_SEC),
  F(max_sent, 8, 4096),
  F(dupthresh, 1, 255),
  F(reply_bytes, 4096, UINT32_MAX),
  F(frag_datagrams, 0, (1u << 29) - 1),
  F(max_udp, 0, (1u << 29) - 1),
  F(udp_rcvbuf, 2048, 1u << 29),
  F(mtu_probing, LA_MTU_PROBING_OFF, LA_MTU_PROBING_ALWAYS),
  F(base_mss, 68, UINT16_MAX),
  F(pmtu_expires, 1, UINT64_MAX),
};

static void set(la_config *c, const struct field *f, uint64_t v) {
  uint8_t *p = (uint8_t *)c + f->offset;
  uint8_t v1 = (uint8_t)v;
  uint16_t v2 = (uint16_t)v;
  uint32_t v4 = (uint32_t)v;
  memcpy(p, f->size == 1 ? (void *)&v1 : f->size == 2 ? (void *)&v2 : f->size == 4 ? (void *)&v4 : (void *)&v, f->size);
}

static bool accepted(const la_config *base, const struct field *f, uint64_t v, bool use) {
  struct dlg_mem m = {0};
  la_config c = *base;
  c.alloc = dlg_alloc(&m);
  if (f)
    set(&c, f, v);
  la_stack *s = la_stack_new(&c);
  if (s && use) {
    la_addr a, b;
    assert_true(la_addr_parse("10.0.0.1", &a));
    assert_true(la_addr_parse("10.0.0.2", &b));
    la_link l = la_link_add(s, 1500);
    assert_int_equal(l, 1);
    assert_int_equal(la_addr_add(s, l, &a, 24), LA_OK);
    la_conn h;
    assert_int_equal(la_connect(s, &(la_connect_opts){.remote = b, .remote_port = 80}, &h, LA_SEC), LA_OK);
    la_frame out;
    assert_int_equal(la_output(s, l, &out, 1, LA_SEC), 1);
    la_frame_done(s, &out);
    la_info_rec i;
    la_tick(s, LA_SEC);
    assert_int_equal(la_info(s, h, &i), LA_OK);
    if (!f || v > LA_SEC || f->size < 8) /* not limits that are over at once */
      assert_int_equal(i.state, LA_SYN_SENT);
  }
  la_stack_free(s);
  assert_int_equal(m.live, 0);
  return s != NULL;
}

static void ranges(void **state) {
  (void)state;
  for (unsigned preset = 0; preset < 2; preset++) {
    la_config c;
    la_config_init(&c, (enum la_preset)preset);
    assert_true(accepted(&c, NULL, 0, true));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
      const struct field *f = &fields[i];
      uint64_t most = f->size == 1 ? 255 : f->size == 2 ? 65535 : f->size == 4 ? max32 : max64;
      uint64_t lo = preset == LA_PRESET_LINUX && f->offset == offsetof(la_config, rto_max) ? 200 * LA_MS : f->lo;
      if (!accepted(&c, f, lo, true) || !accepted(&c, f, f->hi, true))
        fail_msg("%s: its bounds are refused", f->name);
      if (lo > 0 && accepted(&c, f, lo - 1, false))
        fail_msg("%s: below its range", f->name);
      if (f->hi < most && (accepted(&c, f, f->hi + 1, false) || accepted(&c, f, most, false)))
        fail_msg("%s: above its range", f->name);
    }
  }
}

static void special(void **state) {
  (void)state;
  la_config c;
  la_config_init(&c, LA_PRESET_RFC);
  assert_null(la_stack_new(NULL));
  assert_null(la_stack_new(&c)); /* no allocator */
  struct dlg_mem m = {0};
  c.alloc = dlg_alloc(&m);
  c.alloc.free = NULL;
  assert_null(la_stack_new(&c));
  la_config_init(&c, LA_PRESET_RFC);
  c.size--;
  assert_false(accepted(&c, NULL, 0, false));
  c.size += 2;
  assert_false(accepted(&c, NULL, 0, false));
  la_config_init(&c, LA_PRESET_RFC);
  for (uint32_t n = 0; n < 200; n++) {
    c.replies = n;
    assert_int_equal(accepted(&c, NULL, 0, false), n == 16 || n == 32 || n == 64 || n == 128);
  }
  la_config_init(&c, LA_PRESET_RFC);
  static la_trace_rec ring[8];
  c.trace = ring;
  for (uint32_t n = 0; n <= 8; n++) {
    c.trace_cap = n;
    assert_int_equal(accepted(&c, NULL, 0, false), n == 1 || n == 2 || n == 4 || n == 8);
  }
}

/* The first allocations fail: no stack, or a stack without a link; nothing leaks. */
static void short_memory(void **state) {
  (void)state;
  for (unsigned n = 1; n < 10; n++) {
    struct dlg_mem m = {.fail_from = n};
    la_config c;
    la_config_init(&c, LA_PRESET_RFC);
    c.alloc = dlg_alloc(&m);
    la_stack *s = la_stack_new(&c);
    if (s)
      (void)la_link_add(s, 1500);
    la_stack_free(s);
    assert_int_equal(m.live, 0);
  }
}

/* The values that RFC 9293 asks for. */
static void presets(void **state) {
  (void)state;
  la_config c;
  memset(&c, 0xff, sizeof c);
  la_config_init(&c, LA_PRESET_RFC);
  assert_int_equal(c.size, sizeof c);
  assert_null(c.trace);
  assert_true(c.syn_limit >= 180 * LA_SEC);                    /* MUST-23 */
  assert_true(c.r2 >= 100 * LA_SEC);                           /* SHLD-11 */
  assert_true(c.r1 >= 3);                                      /* SHLD-10 */
  assert_true(c.delayed_ack < 500 * LA_MS);                    /* MUST-40 */
  assert_true(c.rto_initial == LA_SEC && c.rto_min == LA_SEC); /* RFC 6298 */
  assert_true(c.msl == 30 * LA_SEC && c.time_wait && !c.quiet_time);
  assert_true(c.timestamps && c.sack && c.window_scale);
}

/* What never shall end something: LA_NEVER is a limit like others and must not wrap. */
static void never(la_config *c) { c->r2 = c->syn_limit = c->fin_wait_2 = LA_NEVER; }
static void limits_of_never(void **state) {
  (void)state;
  struct dlg *d = dlg_new(never);
  assert_int_equal(dlg_connect(d), LA_OK);
  dlg_advance(d, 1000 * LA_SEC);
  expect_state(d, LA_SYN_SENT);
  d->nev = 0;
  dlg_forget(d);
  inject(d, SYN | ACK, 0, 1, 0);
  expect(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ESTABLISHED);
  assert_int_equal(dlg_send(d, 1, 10), 10);
  dlg_advance(d, 1000 * LA_SEC);
  expect_state(d, LA_ESTABLISHED);
  inject(d, ACK, 1, 11, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(dlg_send(d, 11, 10), 10);
  for (unsigned i = 0; i < 10; i++) {
    dlg_advance(d, 200 * LA_SEC);
    inject(d, ACK, 1, 11, 0, .wnd = ZERO_WINDOW);
    expect_state(d, LA_ESTABLISHED);
  }
  dlg_forget(d);
  inject(d, ACK, 1, 12, 0); /* the octet of the last probe was taken */
  expect(d, ACK, 12, 1, 9);
  inject(d, ACK, 1, 21, 0);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  dlg_forget(d);
  dlg_advance(d, 1000 * LA_SEC);
  expect_state(d, LA_FIN_WAIT_1);
  inject(d, ACK, 1, 22, 0);
  dlg_advance(d, 1000 * LA_SEC);
  expect_state(d, LA_FIN_WAIT_2);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ranges),  cmocka_unit_test(special),         cmocka_unit_test(short_memory),
    cmocka_unit_test(presets), cmocka_unit_test(limits_of_never),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
