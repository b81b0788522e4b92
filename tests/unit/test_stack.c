/* SPDX-License-Identifier: MIT */
/* The thinnest whole way: a SYN meets a listener and draws SYN,ACK; a SYN for a closed port draws RST,ACK; through every room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sum.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

#include <lastack/lastack.h>

static size_t held;
static void *take(void *ctx, size_t n) {
  (void)ctx;
  held += n;
  return malloc(n);
}
static void give(void *ctx, void *p, size_t n) {
  (void)ctx;
  held -= n;
  free(p);
}

static la_addr addr(const char *s) {
  la_addr a;
  assert_true(la_addr_parse(s, &a));
  return a;
}

static la_stack *stack_at(const char *ip, la_link *link) {
  la_config c;
  la_config_init(&c, LA_PRESET_RFC);
  c.alloc = (la_alloc){take, give, 0};
  memset(c.secret, ip[strlen(ip) - 1], sizeof c.secret);
  la_stack *s = la_stack_new(&c);
  assert_non_null(s);
  *link = la_link_add(s, 1500);
  la_addr a = addr(ip);
  assert_int_equal(la_addr_add(s, *link, &a, 24), LA_OK);
  return s;
}

/* Moves every waiting packet from one stack to the other; returns how many, and the last TCP segment. */
static unsigned carry(la_stack *from, la_stack *to, la_link link, la_time now, struct tcp_seg *last) {
  unsigned n = 0;
  la_frame f;
  while (la_output(from, link, &f, 1, now)) {
    uint8_t flat[2048];
    size_t len = la_frame_copy(&f, flat, sizeof flat);
    la_frame_done(from, &f);
    struct ip_hdr h;
    assert_int_equal(la__ip4_parse(&h, flat, len, false), LA_DROP_NONE);
    uint32_t pseudo = la__ip_pseudo_sum(&h.src, &h.dst, h.proto, h.len);
    assert_int_equal(la__tcp_parse(last, flat + h.hlen, h.len, pseudo, false), LA_DROP_NONE);
    la_frame in = {.data = flat, .len = (uint32_t)len};
    assert_int_equal(la_input(to, link, &in, 1, now), 1);
    n++;
  }
  return n;
}

static void syn_draws_syn_ack_or_rst(void **state) {
  (void)state;
  la_link link;
  la_stack *a = stack_at("10.0.0.1", &link), *b = stack_at("10.0.0.2", &link);
  la_listener l;
  assert_int_equal(la_listen(b, &(la_listen_opts){.port = 80, .backlog = 8}, &l), LA_OK);
  la_conn c, d;
  la_event e[8];
  struct tcp_seg seg, syn;
  assert_int_equal(la_connect(a, &(la_connect_opts){.remote = addr("10.0.0.2"), .remote_port = 80}, &c, 0), LA_OK);
  assert_int_equal(carry(a, b, link, 0, &syn), 1);
  assert_int_equal(syn.flags, LA_SYN);
  assert_int_equal(carry(b, a, link, 0, &seg), 1);
  assert_int_equal(seg.flags, LA_SYN | LA_ACK);
  assert_int_equal(seg.ack, syn.seq + 1);
  assert_int_equal(la_events(a, e, 8), 1);
  assert_int_equal(e[0].type, LA_EVENT_ESTABLISHED);
  assert_int_equal(carry(a, b, link, 0, &seg), 1);
  assert_int_equal(la_events(b, e, 8), 1);
  assert_int_equal(e[0].type, LA_EVENT_ACCEPT);
  assert_int_equal(la_accept(b, l, 0, &d), LA_OK);

  assert_int_equal(la_connect(a, &(la_connect_opts){.remote = addr("10.0.0.2"), .remote_port = 81}, &c, 0), LA_OK);
  assert_int_equal(carry(a, b, link, 0, &syn), 1);
  assert_int_equal(carry(b, a, link, 0, &seg), 1);
  assert_int_equal(seg.flags, LA_RST | LA_ACK);
  assert_int_equal(seg.seq, 0);
  assert_int_equal(seg.ack, syn.seq + 1);
  assert_int_equal(la_events(a, e, 8), 1);
  assert_int_equal(e[0].type, LA_EVENT_END);
  assert_int_equal(e[0].end.err, LA_ECONNREFUSED);
  la_stack_free(a);
  la_stack_free(b);
  assert_int_equal(held, 0);
}

/* What is allocated in one piece stays far from the end of a 32-bit size_t. */
static void sizes_are_bounded(void **state) {
  (void)state;
  static const struct {
    uint32_t replies, max_ooo;
    bool ok;
  } rows[] = {{16, 1, true},       {65536, 4096, true},   {8, 64, false},        {48, 64, false},
              {131072, 64, false}, {1u << 26, 64, false}, {1u << 31, 64, false}, {256, 4097, false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    la_config c;
    la_config_init(&c, LA_PRESET_RFC);
    c.alloc = (la_alloc){take, give, 0};
    c.replies = rows[i].replies;
    c.max_ooo = rows[i].max_ooo;
    la_stack *s = la_stack_new(&c);
    assert_int_equal(s != NULL, rows[i].ok);
    if (s)
      la_stack_free(s);
    assert_int_equal(held, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(syn_draws_syn_ack_or_rst), cmocka_unit_test(sizes_are_bounded)};
  return cmocka_run_group_tests(tests, 0, 0);
}
