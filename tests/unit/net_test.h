/* SPDX-License-Identifier: MIT */
/* For tests of the rooms around the machine: a stack with links, packets by hand, and the wire between two stacks. */
#ifndef TESTS_UNIT_NET_TEST_H
#define TESTS_UNIT_NET_TEST_H

#include <stdio.h>

#include "tests/unit/mem_test.h"

#include "base/bytes.h"
#include "base/sum.h"
#include "core/stack.h"

#include <lastack/lastack.h>

struct node {
  struct test_mem mem;
  la_config cfg;
  la_stack *s;
};

static inline la_addr addr(const char *s) {
  la_addr a;
  assert_true(la_addr_parse(s, &a));
  return a;
}

static inline void node_config(struct node *n, uint8_t seed) {
  test_mem_init(&n->mem);
  la_config_init(&n->cfg, LA_PRESET_RFC);
  n->cfg.alloc = n->mem.mem.a;
  memset(n->cfg.secret, seed, sizeof n->cfg.secret);
  n->cfg.mld_reports = 1; /* once: test_mld.c is about the rest */
}
static inline void node_start(struct node *n) {
  n->s = la_stack_new(&n->cfg);
  assert_non_null(n->s);
}
static inline la_link node_link(struct node *n, uint32_t mtu) {
  la_link l = la_link_add(n->s, mtu);
  assert_int_not_equal(l, 0);
  return l;
}
static inline void node_addr(struct node *n, la_link link, const char *a, unsigned prefix) {
  la_addr x = addr(a);
  assert_int_equal(la_addr_add(n->s, link, &x, prefix), LA_OK);
}
/* One link with one address of each family: 10.0.0.X/24 and fd00::X/64. */
static inline void node_simple(struct node *n, uint8_t x) {
  char text[32];
  node_config(n, x);
  node_start(n);
  la_link l = node_link(n, 1500);
  snprintf(text, sizeof text, "10.0.0.%u", x);
  node_addr(n, l, text, 24);
  snprintf(text, sizeof text, "fd00::%u", x);
  node_addr(n, l, text, 64);
}
static inline void node_free(struct node *n) {
  la_stack_free(n->s);
  assert_int_equal(n->mem.live, 0);
}
static inline la_stats stats_of(const struct node *n) {
  la_stats st;
  la_stats_get(n->s, &st);
  return st;
}
static inline uint64_t dropped(const struct node *n, enum la_drop d) { return stats_of(n).drops[d]; }

/* A packet by hand. */
struct pkt {
  uint8_t b[66000];
  uint32_t len;
};
/* An IP packet with `n` bytes of payload behind its header; returns where the payload lies. */
static inline uint8_t *pkt_ip(struct pkt *p, const char *src, const char *dst, uint8_t proto, const void *data, uint32_t n) {
  struct ip_hdr h = {.src = addr(src), .dst = addr(dst), .proto = proto, .ttl = 64, .len = n};
  unsigned hlen = h.src.family == 6 ? la__ip6_build(&h, p->b) : la__ip4_build(&h, p->b);
  if (data)
    memcpy(p->b + hlen, data, n);
  p->len = hlen + n;
  return p->b + hlen;
}
/* Fills in the checksum of what lies behind the header: at offset `at` of the payload. */
static inline void pkt_sum(struct pkt *p, unsigned at) {
  struct ip_hdr h;
  bool six = p->b[0] >> 4 == 6;
  enum la_drop why = six ? la__ip6_parse(&h, p->b, p->len) : la__ip4_parse(&h, p->b, p->len, true);
  assert_int_equal(why, LA_DROP_NONE);
  uint32_t sum = h.proto == IP_PROTO_ICMP ? 0 : la__ip_pseudo_sum(&h.src, &h.dst, h.proto, h.len);
  be16_put(p->b + h.hlen + at, 0);
  be16_put(p->b + h.hlen + at, la__sum_finish(la__sum(sum, p->b + h.hlen, h.len)));
}
static inline size_t pkt_in(struct node *n, la_link link, const struct pkt *p, la_time now) {
  la_frame f = {.data = p->b, .len = p->len};
  return la_input(n->s, link, &f, 1, now);
}
/* The next packet out of a link; false when there is none. */
static inline bool pkt_out(struct node *n, la_link link, struct pkt *p, la_time now) {
  la_frame f;
  if (la_output(n->s, link, &f, 1, now) == 0)
    return false;
  p->len = (uint32_t)la_frame_copy(&f, p->b, sizeof p->b);
  assert_int_equal(p->len, f.total);
  la_frame_done(n->s, &f);
  return true;
}
/* Header and checksums of what came out, all verified. */
static inline struct ip_hdr pkt_check(const struct pkt *p) {
  struct ip_hdr h;
  enum la_drop why = p->b[0] >> 4 == 6 ? la__ip6_parse(&h, p->b, p->len) : la__ip4_parse(&h, p->b, p->len, false);
  assert_int_equal(why, LA_DROP_NONE);
  assert_int_equal(h.hlen + h.len, p->len);
  uint32_t sum = h.proto == IP_PROTO_ICMP ? 0 : la__ip_pseudo_sum(&h.src, &h.dst, h.proto, h.len);
  assert_int_equal(la__sum_finish(la__sum(sum, p->b + h.hlen, h.len)), 0);
  return h;
}

/* Everything that waits on a's link goes to b's; returns how many. */
static inline unsigned carry(struct node *a, la_link from, struct node *b, la_link to, la_time now) {
  struct pkt p;
  unsigned n = 0;
  while (pkt_out(a, from, &p, now)) {
    pkt_check(&p);
    assert_int_equal(pkt_in(b, to, &p, now), 1);
    n++;
  }
  return n;
}
/* Both ways until nothing moves. */
static inline unsigned settle(struct node *a, la_link la, struct node *b, la_link lb, la_time now) {
  unsigned all = 0, n;
  do {
    n = carry(a, la, b, lb, now) + carry(b, lb, a, la, now);
    all += n;
    assert_true(all < 100000);
  } while (n);
  return all;
}

/* Takes all events; returns how many, and in *end the last END. */
static inline unsigned events(struct node *n, la_event *last) {
  la_event e;
  unsigned count = 0;
  while (la_events(n->s, &e, 1)) {
    count++;
    if (last)
      *last = e;
  }
  return count;
}

/* Connects a to b's listener on that port; both ends of the established connection. */
static inline void join(struct node *a, struct node *b, const la_connect_opts *o, la_conn *ca, la_conn *cb, la_listener *l, la_time now) {
  assert_int_equal(la_listen(b->s, &(la_listen_opts){.port = o->remote_port, .backlog = 8}, l), LA_OK);
  assert_int_equal(la_connect(a->s, o, ca, now), LA_OK);
  settle(a, o->link ? o->link : 1, b, 1, now);
  assert_int_equal(la_accept(b->s, *l, 0, cb), LA_OK);
  la_info_rec i;
  assert_int_equal(la_info(a->s, *ca, &i), LA_OK);
  assert_int_equal(i.state, LA_ESTABLISHED);
}

#endif
