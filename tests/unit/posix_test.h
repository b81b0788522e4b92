/* SPDX-License-Identifier: MIT */
/* For the tests of src/posix: two stacks with their socket layers, in virtual time, and the wire between them. */
#ifndef TESTS_UNIT_POSIX_TEST_H
#define TESTS_UNIT_POSIX_TEST_H

#include "tests/unit/net_test.h"
#include "wire/tcp_wire.h"

#include <lastack/posix.h>

/* a is the client in most tests, b the server. */
struct duo {
  struct node a, b;
  la_posix *pa, *pb;
  la_time now;
  bool cut; /* packets vanish */
};

static inline void duo_start_with(struct duo *d, void (*tweak)(la_config *c)) {
  memset(d, 0, sizeof *d);
  d->now = LA_SEC;
  for (unsigned i = 0; i < 2; i++) {
    struct node *n = i ? &d->b : &d->a;
    char text[32];
    test_mem_init(&n->mem);
    la_config_init(&n->cfg, LA_PRESET_LINUX);
    n->cfg.alloc = n->mem.mem.a;
    memset(n->cfg.secret, (int)i + 1, sizeof n->cfg.secret);
    if (tweak)
      tweak(&n->cfg);
    node_start(n);
    la_link l = node_link(n, 1500);
    snprintf(text, sizeof text, "10.0.0.%u", i + 1);
    node_addr(n, l, text, 24);
    snprintf(text, sizeof text, "fd00::%u", i + 1);
    node_addr(n, l, text, 64);
  }
  d->pa = la_posix_new(d->a.s, NULL);
  d->pb = la_posix_new(d->b.s, NULL);
  assert_non_null(d->pa);
  assert_non_null(d->pb);
  la_posix_turn(d->pa, d->now);
  la_posix_turn(d->pb, d->now);
}
static inline void duo_start(struct duo *d) { duo_start_with(d, NULL); }

static inline void duo_stop(struct duo *d) {
  la_posix_free(d->pa);
  la_posix_free(d->pb);
  node_free(&d->a);
  node_free(&d->b);
}

/* One direction; returns how many packets. */
static inline unsigned duo_carry(struct duo *d, struct node *from, struct node *to) {
  struct pkt p;
  unsigned n = 0;
  while (pkt_out(from, 1, &p, d->now)) {
    pkt_check(&p);
    n++;
    if (!d->cut)
      assert_int_equal(pkt_in(to, 1, &p, d->now), 1);
  }
  return n;
}

/* Everything that can happen at this instant happens. */
static inline void duo_settle(struct duo *d) {
  unsigned n, rounds = 0;
  do {
    la_tick(d->a.s, d->now);
    la_tick(d->b.s, d->now);
    n = duo_carry(d, &d->a, &d->b) + duo_carry(d, &d->b, &d->a);
    la_posix_turn(d->pa, d->now);
    la_posix_turn(d->pb, d->now);
    assert_true(++rounds < 100000);
  } while (n);
}

/* On to `until`, clock by clock. */
static inline void duo_until(struct duo *d, la_time until) {
  duo_settle(d);
  while (d->now < until) {
    la_time x = la_deadline(d->a.s), y = la_deadline(d->b.s), next = x < y ? x : y;
    d->now = next > d->now && next < until ? next : next <= d->now ? d->now + 1 : until;
    duo_settle(d);
  }
}
static inline void duo_pass(struct duo *d, la_time ns) { duo_until(d, d->now + ns); }

static inline la_sockaddr sa4(const char *ip, uint16_t port) { return (la_sockaddr){.family = LA_AF_INET, .port = port, .addr = addr(ip)}; }
static inline la_sockaddr sa6(const char *ip, uint16_t port) {
  return (la_sockaddr){.family = LA_AF_INET6, .port = port, .addr = addr(ip)};
}
static inline bool sa_same(const la_sockaddr *a, const la_sockaddr *b) {
  return a->family == b->family && a->port == b->port && memcmp(a->addr.b, b->addr.b, a->family == LA_AF_INET ? 4 : 16) == 0;
}

/* Results by name, so that a failure can be read. */
#define SAYS(call, want) \
  do { \
    long says_got = (long)(call), says_want = (long)(want); \
    if (says_got != says_want) \
      fail_msg("%s:%d: %s: %ld (%s), not %ld (%s)", __FILE__, __LINE__, #call, says_got, \
               says_got < 0 ? la_posix_errno_name((int)says_got) : "", says_want, \
               says_want < 0 ? la_posix_errno_name((int)says_want) : ""); \
  } while (0)
#define E(name) (-LA_POSIX_E##name)

static inline int tcp_socket(la_posix *p) {
  int fd = la_posix_socket(p, LA_AF_INET, LA_SOCK_STREAM, 0);
  assert_true(fd >= 0);
  return fd;
}
static inline void set_nonblock(la_posix *p, int fd) { assert_int_equal(la_posix_fcntl(p, fd, LA_F_SETFL, LA_O_NONBLOCK), 0); }
static inline int set_int(la_posix *p, int fd, int level, int name, int v) { return la_posix_setsockopt(p, fd, level, name, &v, sizeof v); }
static inline int get_int(la_posix *p, int fd, int level, int name) {
  int v = -12345;
  uint32_t len = sizeof v;
  int r = la_posix_getsockopt(p, fd, level, name, &v, &len);
  return r < 0 ? r : v;
}
static inline int so_error(la_posix *p, int fd) { return get_int(p, fd, LA_SOL_SOCKET, LA_SO_ERROR); }
static inline int tcp_state(la_posix *p, int fd) {
  la_tcp_info i;
  uint32_t len = sizeof i;
  assert_int_equal(la_posix_getsockopt(p, fd, LA_SOL_TCP, LA_TCP_INFO, &i, &len), 0);
  assert_int_equal(len, sizeof i);
  return i.tcpi_state;
}

/* A listener on b's 10.0.0.2:port. */
static inline int server(struct duo *d, uint16_t port) {
  int fd = tcp_socket(d->pb);
  la_sockaddr any = sa4("0.0.0.0", port);
  assert_int_equal(set_int(d->pb, fd, LA_SOL_SOCKET, LA_SO_REUSEADDR, 1), 0);
  SAYS(la_posix_bind(d->pb, fd, &any), 0);
  SAYS(la_posix_listen(d->pb, fd, 8), 0);
  return fd;
}

/* A connection: client at a, accepted at b. Both non-blocking. */
static inline void joined_with(struct duo *d, int listener, uint16_t port, int client, int *peer) {
  la_sockaddr to = sa4("10.0.0.2", port);
  set_nonblock(d->pa, client);
  SAYS(la_posix_connect(d->pa, client, &to, NULL), E(INPROGRESS));
  duo_settle(d);
  SAYS(la_posix_connect(d->pa, client, &to, NULL), 0);
  *peer = la_posix_accept4(d->pb, listener, NULL, LA_SOCK_NONBLOCK, NULL);
  assert_true(*peer >= 0);
}
static inline void joined(struct duo *d, int listener, uint16_t port, int *client, int *peer) {
  *client = tcp_socket(d->pa);
  joined_with(d, listener, port, *client, peer);
}

/* The next packet from a node, and its TCP header. */
static inline struct tcp_seg next_segment(struct duo *d, struct node *from, struct ip_hdr *h) {
  struct pkt p;
  struct tcp_seg seg;
  assert_true(pkt_out(from, 1, &p, d->now));
  *h = pkt_check(&p);
  assert_int_equal(la__tcp_parse(&seg, p.b + h->hlen, h->len, 0, true), LA_DROP_NONE);
  seg.data = NULL;
  return seg;
}

#endif
