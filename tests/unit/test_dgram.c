/* SPDX-License-Identifier: MIT */
/* UDP sockets: which address and port they may have, which of them takes a datagram, where they may send to, handles. */
#include "tests/unit/udp_test.h"

/* Who may have which port beside whom. */
static void addresses_in_use(void **state) {
  (void)state;
  static const struct {
    la_addr a;
    la_link link;
    bool reuse;
    int alone, both; /* against a first socket without, and with, reuse_addr */
  } rows[] = {
    {.alone = LA_EADDRINUSE, .both = LA_EADDRINUSE},
    {.reuse = true, .alone = LA_EADDRINUSE, .both = LA_OK},
    {.a = {.family = 4, .b = {10, 0, 0, 1}}, .alone = LA_EADDRINUSE, .both = LA_EADDRINUSE},
    {.a = {.family = 4, .b = {10, 0, 0, 1}}, .reuse = true, .alone = LA_EADDRINUSE, .both = LA_OK},
    {.a = {.family = 4}, .alone = LA_EADDRINUSE, .both = LA_EADDRINUSE},
    {.a = {.family = 6}, .alone = LA_OK, .both = LA_OK},
    {.link = 2, .alone = LA_OK, .both = LA_OK},
  };
  for (unsigned first_reuse = 0; first_reuse < 2; first_reuse++)
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
      struct node n;
      la_udp u, v;
      node_simple(&n, 1);
      node_link(&n, 1500);
      la_udp_opts first = {.addr = {.family = 4}, .port = 53, .link = 1, .reuse_addr = first_reuse};
      assert_int_equal(la_udp_open(n.s, &first, &u), LA_OK);
      la_udp_opts o = {.addr = rows[i].a, .port = 53, .link = rows[i].link, .reuse_addr = rows[i].reuse};
      assert_int_equal(la_udp_open(n.s, &o, &v), first_reuse ? rows[i].both : rows[i].alone);
      la_udp_close(n.s, u);
      o.port = 54;
      assert_int_equal(la_udp_open(n.s, &o, &v), LA_OK);
      node_free(&n);
    }
  struct node n;
  la_udp u;
  node_simple(&n, 1);
  la_udp_opts o = {.addr = addr("10.0.0.7"), .port = 53};
  assert_int_equal(la_udp_open(n.s, &o, &u), LA_EADDRNOTAVAIL);
  o = (la_udp_opts){.addr = {.family = 5}, .port = 53};
  assert_int_equal(la_udp_open(n.s, &o, &u), LA_EINVAL);
  o = (la_udp_opts){.port = 53, .link = 2};
  assert_int_equal(la_udp_open(n.s, &o, &u), LA_EINVAL);
  o = (la_udp_opts){.port = 53, .remote = addr("10.0.0.2")};
  assert_int_equal(la_udp_open(n.s, &o, &u), LA_EINVAL);
  o = (la_udp_opts){.port = 53, .remote = addr("10.9.0.2"), .remote_port = 9};
  assert_int_equal(la_udp_open(n.s, &o, &u), LA_ENETUNREACH);
  o = (la_udp_opts){.port = 53, .remote = addr("224.0.0.2"), .remote_port = 9};
  assert_int_equal(la_udp_open(n.s, &o, &u), LA_EINVAL);
  node_free(&n);
}

static void most_specific_socket_takes_it(void **state) {
  (void)state;
  struct node n;
  la_udp u[6];
  node_config(&n, 1);
  node_start(&n);
  node_link(&n, 1500);
  node_link(&n, 1500);
  node_addr(&n, 1, "10.0.0.1", 24);
  node_addr(&n, 1, "fd00::1", 64);
  node_addr(&n, 2, "10.0.1.1", 24);
  la_udp_opts o = {.port = 53, .reuse_addr = true};
  assert_int_equal(la_udp_open(n.s, &o, &u[0]), LA_OK); /* any */
  o.addr.family = 4;
  assert_int_equal(la_udp_open(n.s, &o, &u[1]), LA_OK); /* any of IPv4 */
  o.link = 2;
  assert_int_equal(la_udp_open(n.s, &o, &u[2]), LA_OK); /* on link 2 */
  o.link = 0;
  o.addr = addr("10.0.0.1");
  assert_int_equal(la_udp_open(n.s, &o, &u[3]), LA_OK);
  assert_int_equal(la_udp_open(n.s, &o, &u[4]), LA_OK); /* the same: the latest receives */
  o.remote = addr("10.0.0.9");
  o.remote_port = 99;
  assert_int_equal(la_udp_open(n.s, &o, &u[5]), LA_OK); /* connected */
  static const struct {
    const char *src, *dst;
    la_link link;
    uint16_t sport;
    int to;
  } rows[] = {
    {"fd00::9", "fd00::1", 1, 99, 0},   {"10.0.1.9", "10.0.1.1", 1, 99, 1}, {"10.0.1.9", "10.0.1.1", 2, 99, 2},
    {"10.0.0.8", "10.0.0.1", 1, 99, 4}, {"10.0.0.9", "10.0.0.1", 1, 98, 4}, {"10.0.0.9", "10.0.0.1", 1, 99, 5},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    datagram(&n, rows[i].link, rows[i].src, rows[i].sport, rows[i].dst, 53, "x", 1);
    for (int j = 0; j < 6; j++)
      assert_int_equal(recv_from(&n, u[j], 0), j == rows[i].to ? 1 : LA_AGAIN);
  }
  la_udp_close(n.s, u[4]);
  datagram(&n, 1, "10.0.0.8", 99, "10.0.0.1", 53, "x", 1);
  assert_int_equal(recv_from(&n, u[3], 0), 1);
  node_free(&n);
}

static void connected_sockets(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node a, b;
    la_udp x, y;
    la_addr local;
    uint16_t port;
    node_simple(&a, 1);
    node_simple(&b, 2);
    la_udp_opts o = {.remote = addr(ip(six, 2)), .remote_port = 53};
    assert_int_equal(la_udp_open(a.s, &o, &x), LA_OK);
    y = open_at(&b, 0, 53);
    assert_int_equal(la_udp_local(a.s, x, &local, &port), LA_OK);
    la_addr want = addr(ip(six, 1));
    assert_true(la_addr_same(&local, &want)); /* fixed by the route */
    assert_in_range(port, 32768, 60999);
    assert_int_equal(la_udp_send(a.s, x, 0, 0, "hello", 5), LA_OK);
    settle(&a, 1, &b, 1, 0);
    la_udp_from f;
    assert_int_equal(recv_from(&b, y, &f), 5);
    assert_int_equal(f.port, port);
    assert_int_equal(la_udp_send(b.s, y, &f.addr, f.port, "you", 3), LA_OK);
    settle(&a, 1, &b, 1, 0);
    assert_int_equal(recv_from(&a, x, 0), 3);
    datagram(&a, 1, ip(six, 3), 53, ip(six, 1), port, "other", 5); /* from elsewhere: nobody's */
    assert_int_equal(recv_from(&a, x, 0), LA_AGAIN);
    assert_int_equal(dropped(&a, LA_DROP_NO_SOCKET), 1);
    assert_int_equal(send_to(&a, x, ip(six, 3), 53, "x", 1), LA_EINVAL);
    assert_int_equal(send_to(&a, x, ip(six, 2), 53, "x", 1), LA_OK);
    assert_int_equal(la_udp_send(b.s, y, 0, 0, "x", 1), LA_ENOTCONN);
    assert_int_equal(send_to(&b, y, ip(six, 2), 53, "x", 1), LA_EINVAL); /* to ourselves */
    assert_int_equal(send_to(&b, y, ip(six, 1), 0, "x", 1), LA_EINVAL);
    assert_int_equal(send_to(&b, y, six ? "ff02::1" : "10.0.0.255", 9, "x", 1), LA_EINVAL);
    assert_int_equal(send_to(&b, y, six ? "2001::1" : "8.8.8.8", 9, "x", 1), LA_ENETUNREACH);
    node_free(&a);
    node_free(&b);
  }
}

static void ephemeral_ports(void **state) {
  (void)state;
  struct node n;
  la_udp u;
  la_addr a;
  uint16_t port, last = 0;
  bool seen[65536] = {false};
  unsigned in_order = 0;
  node_config(&n, 1);
  n.cfg.port_lo = 40000;
  n.cfg.port_hi = 40199;
  node_start(&n);
  node_link(&n, 1500);
  node_addr(&n, 1, "10.0.0.1", 24);
  for (unsigned i = 0; i < 200; i++) {
    assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.reuse_addr = true}, &u), LA_OK);
    la_udp_local(n.s, u, &a, &port);
    assert_in_range(port, 40000, 40199);
    assert_false(seen[port]);
    seen[port] = true;
    in_order += port == last + 1;
    last = port;
  }
  assert_true(in_order < 60); /* not one after the other */
  assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.reuse_addr = true}, &u), LA_EADDRNOTAVAIL);
  node_free(&n);
}

static bool count_udp(void *ctx, const la_each_rec *r) {
  if (r->kind == LA_KIND_UDP) {
    unsigned *ports = ctx;
    *ports += r->local_port;
    assert_int_not_equal(r->udp.gen, 0);
  }
  return true;
}

static void handles_and_listing(void **state) {
  (void)state;
  struct node n;
  unsigned ports = 0;
  char c;
  la_addr a;
  uint16_t port;
  node_simple(&n, 1);
  la_udp u = open_at(&n, 0, 53), v = open_at(&n, "fd00::1", 54);
  assert_int_equal(la_each(n.s, count_udp, &ports), 2);
  assert_int_equal(ports, 107);
  assert_int_equal(la_udp_close(n.s, u), LA_OK);
  assert_int_equal(la_udp_close(n.s, u), LA_EBADF);
  la_udp w = open_at(&n, 0, 53);
  assert_int_equal(w.index, u.index);
  assert_int_equal(la_udp_recv(n.s, u, 0, &c, 1), LA_EBADF);
  assert_int_equal(send_to(&n, u, "10.0.0.2", 9, &c, 1), LA_EBADF);
  assert_int_equal(la_udp_local(n.s, u, &a, &port), LA_EBADF);
  assert_int_equal(la_udp_close(n.s, (la_udp){0}), LA_EBADF);
  assert_int_equal(la_udp_close(n.s, (la_udp){12345, 1}), LA_EBADF);
  assert_int_equal(send_to(&n, v, "10.0.0.2", 9, &c, 1), LA_EINVAL); /* bound to the other family */
  la_udp_close(n.s, v);
  la_udp_close(n.s, w);
  la_trim(n.s);
  node_free(&n);
}

/* Link-local peers: the same address on two links is two peers. */
static void link_local_peers(void **state) {
  (void)state;
  struct node n;
  la_udp any, one;
  node_config(&n, 1);
  node_start(&n);
  for (la_link i = 1; i <= 2; i++) {
    node_link(&n, 1500);
    node_addr(&n, i, "fe80::1", 64);
  }
  any = open_at(&n, 0, 53);
  assert_int_equal(send_to(&n, any, "fe80::2", 9, "x", 1), LA_ENETUNREACH); /* over which? */
  la_udp_opts o = {.port = 54, .link = 2};
  assert_int_equal(la_udp_open(n.s, &o, &one), LA_OK);
  assert_int_equal(send_to(&n, one, "fe80::2", 9, "x", 1), LA_OK);
  assert_false(pkt_out(&n, 1, &out, 0));
  assert_true(pkt_out(&n, 2, &out, 0));
  datagram(&n, 1, "fe80::2", 9, "fe80::1", 54, "x", 1);
  assert_int_equal(recv_from(&n, one, 0), LA_AGAIN);
  datagram(&n, 2, "fe80::2", 9, "fe80::1", 54, "x", 1);
  la_udp_from f;
  assert_int_equal(recv_from(&n, one, &f), 1);
  assert_int_equal(f.link, 2);
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(addresses_in_use), cmocka_unit_test(most_specific_socket_takes_it), cmocka_unit_test(connected_sockets),
    cmocka_unit_test(ephemeral_ports),  cmocka_unit_test(handles_and_listing),           cmocka_unit_test(link_local_peers),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
