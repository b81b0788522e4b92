/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* What cannot be is refused, by the error that the header names, and changes nothing. */
#include "dialogue.h"
#include "ether_test.h"

/* include/lastack/stack.h: links and addresses. */
static void links(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  node_start(&n);
  assert_int_equal(la_link_add(n.s, 575), 0); /* RFC 1122 3.3.3: 576 is what everyone must carry */
  assert_int_equal(la_link_add(n.s, 65536), 0);
  for (unsigned i = 1; i <= LA_LINKS_MAX; i++)
    assert_int_equal(la_link_add(n.s, i & 1 ? 576 : 65535), i);
  assert_int_equal(la_link_add(n.s, 1500), 0);
  la_frame f;
  assert_int_equal(la_output(n.s, 0, &f, 1, LA_SEC), 0);
  assert_int_equal(la_output(n.s, LA_LINKS_MAX + 1, &f, 1, LA_SEC), 0);
  assert_int_equal(la_link_offload(n.s, 0, 0, 0), LA_EINVAL);
  assert_int_equal(la_link_offload(n.s, LA_LINKS_MAX + 1, 0, 0), LA_EINVAL);
  assert_int_equal(la_link_offload(n.s, 1, 1u << 20, 0), LA_EINVAL);
  node_free(&n);
}

static void addresses(void **state) {
  (void)state;
  static const struct {
    const char *text;
    la_link link;
    unsigned prefix;
    int err;
  } row[] = {
    {"10.0.0.1", 0, 24, LA_EINVAL},   {"10.0.0.1", 3, 24, LA_EINVAL}, {"10.0.0.1", 1, 33, LA_EINVAL},  {"fd00::1", 1, 129, LA_EINVAL},
    {"10.0.0.255", 1, 24, LA_EINVAL}, {"10.0.0.0", 1, 24, LA_EINVAL}, {"224.0.0.1", 1, 24, LA_EINVAL}, {"0.0.0.0", 1, 24, LA_EINVAL},
    {"ff02::1", 1, 64, LA_EINVAL},    {"::", 1, 64, LA_EINVAL},       {"10.0.0.1", 1, 32, LA_OK},      {"10.0.0.1", 1, 24, LA_EINVAL},
    {"fd00::1", 2, 64, LA_EINVAL}, /* its MTU is below IPv6's (RFC 8200 5) */
    {"fd00::1", 1, 128, LA_OK},
  };
  struct node n;
  node_config(&n, 1);
  node_start(&n);
  node_link(&n, 1500);
  node_link(&n, 1279);
  la_addr odd = {.family = 5};
  assert_int_equal(la_addr_add(n.s, 1, &odd, 24), LA_EINVAL);
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    la_addr a = addr(row[i].text);
    assert_int_equal(la_addr_add(n.s, row[i].link, &a, row[i].prefix), row[i].err);
  }
  for (unsigned i = 2; i < ADDRS_MAX; i++) {
    la_addr a = {.family = 4, .b = {10, 1, 1, (uint8_t)(i + 1)}};
    assert_int_equal(la_addr_add(n.s, 1, &a, 24), LA_OK);
  }
  la_addr more = addr("10.2.2.2");
  assert_int_equal(la_addr_add(n.s, 1, &more, 24), LA_ENOMEM);
  node_free(&n);
}

/* include/lastack/ether.h: neighbours set by hand. */
static void neighbours(void **state) {
  (void)state;
  static const uint8_t group[6] = {3, 0, 0, 0, 0, 9}, none[6] = {0};
  static const char *const bad[] = {"0.0.0.0", "224.0.0.1", "10.0.0.1", "::", "ff02::1", "fd00::1"};
  struct node n;
  la_neigh got;
  ether_simple(&n);
  node_link(&n, 1500); /* no Ethernet */
  la_addr peer = addr("10.0.0.2"), odd = {.family = 7};
  assert_int_equal(la_neigh_set(n.s, 0, &peer, PEER_MAC), LA_EINVAL);
  assert_int_equal(la_neigh_set(n.s, 2, &peer, PEER_MAC), LA_EINVAL);
  assert_int_equal(la_neigh_set(n.s, 3, &peer, PEER_MAC), LA_EINVAL);
  assert_int_equal(la_neigh_set(n.s, 1, &odd, PEER_MAC), LA_EINVAL);
  assert_int_equal(la_neigh_set(n.s, 1, &peer, group), LA_EINVAL);
  assert_int_equal(la_neigh_set(n.s, 1, &peer, none), LA_EINVAL);
  for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    la_addr a = addr(bad[i]);
    assert_int_equal(la_neigh_set(n.s, 1, &a, PEER_MAC), LA_EINVAL);
    assert_false(la_neigh_get(n.s, 1, &a, NULL));
  }
  assert_int_equal(la_neigh_del(n.s, 1, &peer), LA_EINVAL);
  assert_int_equal(la_neigh_set(n.s, 1, &peer, PEER_MAC), LA_OK);
  assert_true(la_neigh_get(n.s, 1, &peer, NULL));
  assert_true(la_neigh_get(n.s, 1, &peer, &got));
  assert_int_equal(got.state, LA_NEIGH_STATIC);
  assert_false(la_neigh_get(n.s, 2, &peer, NULL));
  assert_int_equal(la_neigh_del(n.s, 1, &peer), LA_OK);
  node_free(&n);
}

/* include/lastack/tcp.h: options, what is lent, what is posted. */
static void connections(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  int64_t v = 77;
  uint8_t b[8];
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_get_option(d->s, d->conn, LA_OPT_DEFER_ACCEPT, &v), LA_EINVAL); /* a listener's */
  assert_int_equal(la_get_option(d->s, d->conn, (enum la_opt)1000, &v), LA_EINVAL);
  assert_int_equal(la_listener_set_option(d->s, d->listener, LA_OPT_QUICKACK, 1), LA_EINVAL); /* a connection's */
  assert_int_equal(la_listener_set_option(d->s, d->listener, (enum la_opt)1000, 1), LA_EINVAL);
  assert_int_equal(v, 77);
  la_ref r = {.data = b, .len = 0};
  assert_int_equal(la_send_ref(d->s, d->conn, NULL), LA_EINVAL);
  assert_int_equal(la_send_ref(d->s, d->conn, &r), LA_EINVAL);
  r.len = (size_t)1 << 30;
  assert_int_equal(la_send_ref(d->s, d->conn, &r), LA_EINVAL);
  r = (la_ref){.len = 5};
  assert_int_equal(la_send_ref(d->s, d->conn, &r), LA_EINVAL);
  /* bytes that are not there cannot be consumed; those that are, not while a buffer is posted */
  assert_int_equal(la_consume(d->s, d->conn, 1), LA_EINVAL);
  assert_int_equal(la_consume(d->s, d->conn, 0), LA_OK);
  inject(d, ACK, 1, 1, 10);
  dlg_pump(d);
  assert_int_equal(la_consume(d->s, d->conn, 11), LA_EINVAL);
  la_post post = {.data = b, .cap = sizeof b, .least = 1}, *out = &post;
  assert_int_equal(la_recv_take(d->s, d->conn, &out), LA_EINVAL); /* none is posted */
  assert_null(out);
  assert_int_equal(la_recv_post(d->s, d->conn, &post), LA_OK);
  assert_int_equal(la_consume(d->s, d->conn, 1), LA_EINVAL);
  assert_int_equal(la_recv(d->s, d->conn, b, 1), LA_EINVAL);
  assert_int_equal(la_recv_take(d->s, d->conn, &out), sizeof b);
  assert_int_equal(la_consume(d->s, d->conn, 2), LA_OK);
  /* past its end: the error that ended it, and then nothing but that */
  d->hold_events = true;
  dlg_forget(d);
  inject(d, RST, 11, 0, 0);
  assert_int_equal(la_recv_take(d->s, d->conn, &out), LA_ECONNRESET);
  assert_int_equal(la_send_ref(d->s, d->conn, &(la_ref){.data = b, .len = 1}), LA_ECONNRESET);
  d->hold_events = false;
  dlg_pump(d);
  dlg_free(d);
}

static void datagrams(void **state) {
  (void)state;
  struct node n;
  la_udp u;
  la_addr a = addr("10.0.0.2");
  uint16_t port;
  node_simple(&n, 1);
  assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 5, .link = 2}, &u), LA_EINVAL);
  assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 5, .addr = {.family = 9}}, &u), LA_EINVAL);
  assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 5, .addr = a}, &u), LA_EADDRNOTAVAIL);
  assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 5}, &u), LA_OK);
  assert_int_equal(la_udp_connect(n.s, u, &a, 0), LA_EINVAL);
  assert_int_equal(la_udp_send(n.s, u, NULL, 0, "x", 1), LA_ENOTCONN);
  assert_int_equal(la_udp_send(n.s, u, &a, 9, "x", 1), LA_OK);
  la_frame f; /* la_frame_copy: whole or not at all */
  uint8_t b[64] = {0};
  assert_int_equal(la_output(n.s, 1, &f, 1, LA_SEC), 1);
  assert_int_equal(la_frame_copy(&f, b, f.total - 1), 0);
  assert_int_equal(b[0], 0);
  assert_int_equal(la_frame_copy(&f, b, f.total), 29);
  la_frame_done(n.s, &f);
  assert_int_equal(la_udp_close(n.s, u), LA_OK);
  assert_int_equal(la_udp_close(n.s, u), LA_EBADF);
  assert_int_equal(la_udp_local(n.s, u, &a, &port), LA_EBADF);
  assert_int_equal(la_udp_connect(n.s, u, &a, 9), LA_EBADF);
  assert_int_equal(la_udp_send(n.s, u, &a, 9, "x", 1), LA_EBADF);
  assert_int_equal(la_udp_recv(n.s, u, NULL, NULL, 0), LA_EBADF);
  node_free(&n);
}

/* Two records tell one END (include/lastack/trace.h): others are no such pair. */
static void trace_ends(void **state) {
  (void)state;
  la_end e;
  la_trace_rec a = {.type = LA_TRACE_END, .conn_gen = 7, .conn_index = 3}, b = {.type = LA_TRACE_END_MORE, .conn_gen = 7}, x;
  assert_true(la_trace_end_get(&a, &b, &e));
  assert_int_equal(e.conn.index, 3);
  assert_int_equal(e.conn.gen, 7);
  assert_false(la_trace_end_get(&b, &a, &e));
  assert_false(la_trace_end_get(&a, &a, &e));
  x = b;
  x.conn_gen = 8; /* another connection's */
  assert_false(la_trace_end_get(&a, &x, &e));
  a.conn_gen = b.conn_gen = 0; /* a half-open record's: there is no more to tell */
  assert_false(la_trace_end_get(&a, &b, &e));
}

/* Who hears a datagram: link, family and address must be its own; of those that share the port one, always the same. */
static void who_hears(void **state) {
  (void)state;
  struct node n;
  la_udp u[4];
  la_event e;
  node_config(&n, 1);
  node_start(&n);
  node_link(&n, 1500);
  node_link(&n, 1500);
  node_addr(&n, 1, "10.0.0.1", 24);
  node_addr(&n, 2, "10.1.0.1", 24);
  const la_udp_opts opts[] = {
    {.port = 9, .link = 2, .reuse_addr = true},
    {.port = 9, .addr = addr("10.1.0.1"), .reuse_addr = true, .reuse_port = true},
    {.port = 9, .addr = addr("10.0.0.1"), .reuse_addr = true, .reuse_port = true},
    {.port = 9, .addr = addr("10.0.0.1"), .reuse_addr = true, .reuse_port = true},
  };
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(la_udp_open(n.s, &opts[i], &u[i]), LA_OK);
  for (unsigned from = 1; from < 50; from++)
    for (unsigned link = 1; link < 3; link++) {
      struct pkt p;
      uint8_t b[12] = {(uint8_t)(from >> 8), (uint8_t)from, 0, 9, 0, 12};
      unsigned heard = 0, first = 9;
      for (unsigned again = 0; again < 2; again++) {
        pkt_ip(&p, link == 1 ? "10.0.0.7" : "10.1.0.7", link == 1 ? "10.0.0.1" : "10.1.0.1", IP_PROTO_UDP, b, sizeof b);
        pkt_sum(&p, 6);
        assert_int_equal(pkt_in(&n, link, &p, LA_SEC), 1);
        while (la_events(n.s, &e, 1))
          ;
        for (unsigned i = 0; i < 4; i++) {
          la_udp_from who;
          uint8_t got[20];
          if (la_udp_recv(n.s, u[i], &who, got, sizeof got) >= 0) {
            heard++;
            assert_true(first == 9 || first == i);
            first = i;
          }
        }
      }
      assert_int_equal(heard, 2);
      assert_true(link == 1 ? first >= 2 : first == 1);
    }
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(links),     cmocka_unit_test(addresses),  cmocka_unit_test(neighbours), cmocka_unit_test(connections),
    cmocka_unit_test(datagrams), cmocka_unit_test(trace_ends), cmocka_unit_test(who_hears),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
