/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* Who may have a port beside whom: listeners and UDP sockets over all addresses, links and flags, against the rule said in other words. */
#include "tests/unit/net_test.h"

enum { PORT = 80, PLACES = 8 };
struct place {
  const char *addr; /* NULL: any of either family */
  la_link link;
};
/* Both links have an address of each family. */
static const struct place places[PLACES] = {
  {NULL, 0}, {NULL, 1}, {"0.0.0.0", 0}, {"::", 0}, {"10.0.0.1", 0}, {"10.1.0.1", 0}, {"fd00::1", 0}, {"10.0.0.1", 2},
};

static la_addr where(const struct place *p) { return p->addr ? addr(p->addr) : (la_addr){0}; }
static bool wild(const struct place *p) { return !p->addr || strcmp(p->addr, "0.0.0.0") == 0 || strcmp(p->addr, "::") == 0; }

/* Is there an address and a link for which either would hear? */
static bool meet(const struct place *a, const struct place *b) {
  static const char *const ours[] = {"10.0.0.1", "10.1.0.1", "fd00::1", "fd01::1"};
  if (a->link && b->link && a->link != b->link)
    return false;
  for (unsigned i = 0; i < 4; i++) {
    la_addr x = addr(ours[i]);
    bool in[2];
    for (unsigned k = 0; k < 2; k++) {
      const struct place *p = k ? b : a;
      la_addr at = where(p);
      in[k] = !p->addr || (at.family == x.family && (wild(p) || la_addr_same(&at, &x)));
    }
    if (in[0] && in[1])
      return true;
  }
  return false;
}

static void start(struct node *n) {
  node_config(n, 1);
  node_start(n);
  la_link a = node_link(n, 1500), b = node_link(n, 1500);
  node_addr(n, a, "10.0.0.1", 24);
  node_addr(n, a, "fd00::1", 64);
  node_addr(n, b, "10.1.0.1", 24);
  node_addr(n, b, "fd01::1", 64);
}

/* SO_REUSEPORT on both, or one is the more specific and both have SO_REUSEADDR. */
static void listeners(void **state) {
  (void)state;
  for (unsigned i = 0; i < PLACES * PLACES; i++)
    for (unsigned flags = 0; flags < 16; flags++) {
      const struct place *p[2] = {&places[i / PLACES], &places[i % PLACES]};
      struct node n;
      la_listener l;
      int err[2];
      start(&n);
      for (unsigned k = 0; k < 2; k++) {
        la_listen_opts o = {.addr = where(p[k]), .link = p[k]->link, .port = PORT, .backlog = 1};
        o.reuse_addr = flags >> k & 1;
        o.reuse_port = flags >> k & 4;
        err[k] = la_listen(n.s, &o, &l);
      }
      bool shared = (flags & 12) == 12 || ((flags & 3) == 3 && wild(p[0]) != wild(p[1]));
      assert_int_equal(err[0], LA_OK);
      assert_int_equal(err[1], !meet(p[0], p[1]) || shared ? LA_OK : LA_EADDRINUSE);
      node_free(&n);
    }
}

/* The same flag on both is enough; connected ones are apart when their peers are. */
static void sockets(void **state) {
  (void)state;
  static const struct {
    const char *addr;
    uint16_t port;
  } peers[] = {{NULL, 0}, {"10.0.0.9", 9}, {"10.0.0.9", 8}, {"10.0.0.8", 9}};
  for (unsigned i = 0; i < PLACES * PLACES; i++)
    for (unsigned flags = 0; flags < 256; flags++) {
      const struct place *p[2] = {&places[i / PLACES], &places[i % PLACES]};
      unsigned peer[2] = {flags >> 4 & 3, flags >> 6 & 3};
      struct node n;
      la_udp u;
      int err[2];
      struct place at[2];
      start(&n);
      for (unsigned k = 0; k < 2; k++) {
        la_udp_opts o = {.addr = where(p[k]), .link = p[k]->link, .port = PORT};
        o.reuse_addr = flags >> k & 1;
        o.reuse_port = flags >> k & 4;
        at[k] = *p[k];
        if (peers[peer[k]].addr && wild(p[k]) && (o.addr.family != 6)) { /* then its address is the one that the way there has */
          o.remote = addr(peers[peer[k]].addr);
          o.remote_port = peers[peer[k]].port;
          at[k].addr = "10.0.0.1";
        } else {
          peer[k] = 0;
        }
        err[k] = la_udp_open(n.s, &o, &u);
      }
      bool apart = peer[0] && peer[1] && peer[0] != peer[1], shared = (flags & 12) == 12 || (flags & 3) == 3;
      assert_int_equal(err[0], LA_OK);
      assert_int_equal(err[1], !meet(&at[0], &at[1]) || shared || apart ? LA_OK : LA_EADDRINUSE);
      node_free(&n);
    }
}

/* What la_udp_open, la_udp_connect and la_udp_send say to a place that cannot be. */
static void refused(void **state) {
  (void)state;
  static const struct {
    const char *bound, *to;
    uint16_t port;
    int err;
  } row[] = {
    {NULL, "10.0.0.9", 0, LA_EINVAL},
    {"10.0.0.1", "fd00::9", 9, LA_EINVAL},
    {"fd00::1", "10.0.0.9", 9, LA_EINVAL},
    {NULL, "172.16.0.1", 9, LA_ENETUNREACH},
    {"10.1.0.1", "172.16.0.1", 9, LA_ENETUNREACH},
    {"0.0.0.0", "10.0.0.9", 9, LA_OK},
    {"::", "fd00::9", 9, LA_OK},
    {NULL, "10.0.0.255", 9, LA_EINVAL},
  };
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct node n;
    la_udp u;
    la_addr to = addr(row[i].to);
    start(&n);
    la_udp_opts o = {.port = PORT};
    if (row[i].bound)
      o.addr = addr(row[i].bound);
    assert_int_equal(la_udp_open(n.s, &o, &u), LA_OK);
    assert_int_equal(la_udp_send(n.s, u, &to, row[i].port, "x", 1), row[i].err);
    assert_int_equal(la_udp_send(n.s, u, NULL, 0, "x", 1), LA_ENOTCONN);
    assert_int_equal(la_udp_connect(n.s, u, &to, row[i].port), row[i].err);
    la_addr other = addr("10.0.0.77"), none = addr("172.16.0.1"), family6 = addr("fd00::77");
    if (row[i].err == LA_OK) { /* it is connected now: elsewhere it may not */
      bool six = to.family == 6;
      assert_int_equal(la_udp_send(n.s, u, six ? &family6 : &other, 9, "x", 1), LA_EINVAL);
      assert_int_equal(la_udp_send(n.s, u, &to, 8, "x", 1), LA_EINVAL);
      assert_int_equal(la_udp_send(n.s, u, &none, 9, "x", 1), six ? LA_EINVAL : LA_ENETUNREACH); /* what is wrong with it comes first */
      assert_int_equal(la_udp_connect(n.s, u, NULL, 0), LA_OK);
      assert_int_equal(la_udp_send(n.s, u, NULL, 0, "x", 1), LA_ENOTCONN);
    }
    o.port = 0;
    o.remote = to;
    o.remote_port = row[i].port;
    assert_int_equal(la_udp_open(n.s, &o, &u), row[i].err);
    node_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(listeners), cmocka_unit_test(sockets), cmocka_unit_test(refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
