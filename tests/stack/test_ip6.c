/* SPDX-License-Identifier: MIT */
/* Two stacks over IPv6: the whole life of a connection, as over IPv4. */
#include "tests/unit/net_test.h"

#include "wire/tcp_wire.h"

static void join6(struct node *a, struct node *b, la_conn *c, la_conn *d, la_listener *l, la_time now) {
  node_simple(a, 1);
  node_simple(b, 2);
  join(a, b, &(la_connect_opts){.remote = addr("fd00::2"), .remote_port = 80}, c, d, l, now);
}

static void life_of_a_connection(void **state) {
  (void)state;
  struct node a, b;
  la_conn c, d;
  la_listener l;
  la_event e;
  la_time now = LA_SEC;
  join6(&a, &b, &c, &d, &l, now);
  static uint8_t out[50001], in[50001];
  uint64_t rnd = 5;
  for (size_t i = 0; i < sizeof out; i++)
    out[i] = (uint8_t)rnd64(&rnd);
  size_t sent = 0, got = 0;
  while (got < sizeof in) { /* an odd number, so that odd chunks meet odd segments in the checksums, which carry verifies */
    ptrdiff_t n = la_send(a.s, c, out + sent, sizeof out - sent < 777 ? sizeof out - sent : 777);
    sent += n > 0 ? (size_t)n : 0;
    settle(&a, 1, &b, 1, now);
    ptrdiff_t m = la_recv(b.s, d, in + got, sizeof in - got);
    got += m > 0 ? (size_t)m : 0;
    now += 10 * LA_MS;
    la_tick(a.s, now);
    la_tick(b.s, now);
  }
  assert_memory_equal(in, out, sizeof in);
  assert_int_equal(la_close(a.s, c, now), LA_OK);
  settle(&a, 1, &b, 1, now);
  assert_int_equal(la_recv(b.s, d, in, 1), 0);
  assert_int_equal(la_close(b.s, d, now), LA_OK);
  settle(&a, 1, &b, 1, now);
  events(&a, &e);
  assert_int_equal(e.type, LA_EVENT_END);
  assert_int_equal(e.end.how, LA_HOW_FOUR_SEGMENTS);
  assert_int_equal(e.end.time_wait, LA_TW_LOCAL);
  assert_int_equal(e.end.time_wait_until, now + 60 * LA_SEC);
  assert_int_equal(e.end.local.family, 6);
  assert_int_equal(e.end.bytes_out, sizeof out);
  events(&b, &e);
  assert_int_equal(e.end.time_wait, LA_TW_PEER);
  la_stats st = stats_of(&a);
  assert_int_equal(st.time_wait, 1);
  assert_int_equal(st.conns, 0); /* the record alone is left */
  assert_int_equal(a.s->tcp.tw[1].used, 1);
  assert_int_equal(a.s->tcp.tw[1].size, 68);
  assert_int_equal(a.s->tcp.tw[0].size, 44);
  la_tick(a.s, now + 60 * LA_SEC);
  st = stats_of(&a);
  assert_int_equal(st.time_wait, 0);
  node_free(&a);
  node_free(&b);
}

static void retransmitted_fin_in_time_wait(void **state) {
  (void)state;
  struct node a, b;
  struct pkt p, fin;
  la_conn c, d;
  la_listener l;
  join6(&a, &b, &c, &d, &l, 0);
  la_shutdown(a.s, c, 0);
  settle(&a, 1, &b, 1, 0);
  la_close(b.s, d, 0);
  assert_true(pkt_out(&b, 1, &fin, 0));
  pkt_in(&a, 1, &fin, 0);
  assert_true(pkt_out(&a, 1, &p, 0)); /* the last ACK, lost */
  la_time now = 5 * LA_SEC;
  pkt_in(&a, 1, &fin, now);
  assert_true(pkt_out(&a, 1, &p, now));
  struct ip_hdr h = pkt_check(&p);
  struct tcp_seg seg;
  assert_int_equal(la__tcp_parse(&seg, p.b + h.hlen, h.len, 0, true), LA_DROP_NONE);
  assert_int_equal(seg.flags, LA_ACK);
  pkt_in(&b, 1, &p, now);
  la_event e;
  events(&b, &e);
  assert_int_equal(e.type, LA_EVENT_END);
  assert_int_equal(e.end.err, LA_OK);
  la_tick(a.s, 64 * LA_SEC); /* 2MSL began anew at 5 s */
  assert_int_equal(stats_of(&a).time_wait, 1);
  la_tick(a.s, 65 * LA_SEC);
  assert_int_equal(stats_of(&a).time_wait, 0);
  node_free(&a);
  node_free(&b);
}

static void refused_and_reset(void **state) {
  (void)state;
  struct node a, b;
  la_conn c, d, r;
  la_listener l;
  la_event e;
  join6(&a, &b, &c, &d, &l, 0);
  assert_int_equal(la_connect(a.s, &(la_connect_opts){.remote = addr("fd00::2"), .remote_port = 81}, &r, 0), LA_OK);
  settle(&a, 1, &b, 1, 0);
  events(&a, &e);
  assert_int_equal(e.end.why, LA_WHY_REFUSED);
  la_abort(b.s, d, 0);
  settle(&a, 1, &b, 1, 0);
  events(&a, &e);
  assert_int_equal(e.type, LA_EVENT_END);
  assert_int_equal(e.end.why, LA_WHY_PEER_RESET);
  node_free(&a);
  node_free(&b);
}

/* What each side may send: from the MTU, from the peer's MSS, and 1220 when the peer names none (RFC 9293 3.7.1). */
static void segment_sizes(void **state) {
  (void)state;
  static const struct {
    const char *from, *to;
    uint16_t mss; /* announced; 0: not */
    uint32_t may;
  } rows[] = {
    {"fd00::9", "fd00::1", 0, 1220},  {"fd00::9", "fd00::1", 1000, 1000},   {"fd00::9", "fd00::1", 9000, 1440},
    {"10.0.0.9", "10.0.0.1", 0, 536}, {"10.0.0.9", "10.0.0.1", 1000, 1000}, {"10.0.0.9", "10.0.0.1", 9000, 1460},
  };
  struct node n;
  struct pkt p;
  la_listener l;
  la_conn c;
  node_simple(&n, 1);
  assert_int_equal(la_listen(n.s, &(la_listen_opts){.port = 80, .backlog = 100}, &l), LA_OK);
  for (uint16_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t b[60];
    struct tcp_seg seg = {.sport = (uint16_t)(5000 + i), .dport = 80, .seq = 7, .flags = LA_SYN, .wnd = 1000}, got;
    seg.opt = (struct tcp_opts){.have = rows[i].mss ? TCP_OPT_MSS : 0, .mss = rows[i].mss};
    pkt_ip(&p, rows[i].from, rows[i].to, IP_PROTO_TCP, b, la__tcp_build(&seg, b));
    pkt_sum(&p, 16);
    pkt_in(&n, 1, &p, 0);
    assert_true(pkt_out(&n, 1, &p, 0));
    struct ip_hdr h = pkt_check(&p);
    assert_int_equal(la__tcp_parse(&got, p.b + h.hlen, h.len, 0, true), LA_DROP_NONE);
    assert_int_equal(got.opt.mss, h.src.family == 6 ? 1440 : 1460);
    seg.flags = LA_ACK;
    seg.opt.have = 0;
    seg.seq++;
    seg.ack = got.seq + 1;
    pkt_ip(&p, rows[i].from, rows[i].to, IP_PROTO_TCP, b, la__tcp_build(&seg, b));
    pkt_sum(&p, 16);
    pkt_in(&n, 1, &p, 0);
    assert_int_equal(la_accept(n.s, l, 0, &c), LA_OK);
    la_info_rec info;
    la_info(n.s, c, &info);
    assert_int_equal(info.mss, rows[i].may);
  }
  node_free(&n);
}

/* Every single bit of a segment, header and payload, is guarded: with any flipped it is dropped, or belongs to somebody else. */
static void checksum_guards_every_bit(void **state) {
  (void)state;
  struct node a, b;
  struct pkt p;
  la_conn c, d;
  la_listener l;
  char got[64];
  join6(&a, &b, &c, &d, &l, 0);
  la_send(a.s, c, "0123456789abc", 13);
  assert_true(pkt_out(&a, 1, &p, 0));
  pkt_check(&p);
  for (uint32_t bit = 8 * IP6_HEADER; bit < 8 * p.len; bit++) {
    p.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    pkt_in(&b, 1, &p, 0);
    p.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(la_recv(b.s, d, got, sizeof got), LA_AGAIN);
  }
  /* the data offset counts as a header error when it is judged first */
  assert_int_equal(dropped(&b, LA_DROP_TCP_CSUM) + dropped(&b, LA_DROP_TCP_HDR), 8 * (p.len - IP6_HEADER));
  pkt_in(&b, 1, &p, 0);
  assert_int_equal(la_recv(b.s, d, got, sizeof got), 13);
  node_free(&a);
  node_free(&b);
}

/* Two neighbours with the same link-local address on two links: two connections with the same four numbers. */
static void link_local_zones(void **state) {
  (void)state;
  struct node a, x, y;
  la_conn c[2], d;
  la_listener l;
  char got[8];
  node_config(&a, 1);
  node_config(&x, 2);
  node_config(&y, 3);
  node_start(&a);
  node_start(&x);
  node_start(&y);
  node_link(&a, 1500);
  node_link(&a, 1500);
  node_addr(&a, 1, "fe80::1", 64);
  node_addr(&a, 2, "fe80::1", 64);
  node_link(&x, 1500);
  node_link(&y, 1500);
  node_addr(&x, 1, "fe80::2", 64);
  node_addr(&y, 1, "fe80::2", 64);
  struct node *peer[] = {&x, &y};
  for (la_link i = 1; i <= 2; i++) {
    la_connect_opts o = {.remote = addr("fe80::2"), .remote_port = 80, .local_port = 1000, .link = i};
    assert_int_equal(la_listen(peer[i - 1]->s, &(la_listen_opts){.port = 80, .backlog = 8}, &l), LA_OK);
    assert_int_equal(la_connect(a.s, &o, &c[i - 1], 0), LA_OK);
    assert_int_equal(la_connect(a.s, &o, &d, 0), LA_EADDRINUSE);
    settle(&a, i, peer[i - 1], 1, 0);
    assert_int_equal(la_accept(peer[i - 1]->s, l, 0, &d), LA_OK);
    assert_int_equal(la_send(a.s, c[i - 1], i == 1 ? "to x" : "to y", 4), 4);
    settle(&a, i, peer[i - 1], 1, 0);
    assert_int_equal(la_recv(peer[i - 1]->s, d, got, sizeof got), 4);
    assert_memory_equal(got, i == 1 ? "to x" : "to y", 4);
    la_close(a.s, c[i - 1], 0);
    settle(&a, i, peer[i - 1], 1, 0);
    la_close(peer[i - 1]->s, d, 0);
    settle(&a, i, peer[i - 1], 1, 0);
  }
  assert_int_equal(stats_of(&a).time_wait, 2);
  node_free(&a);
  node_free(&x);
  node_free(&y);
}

/* A stack that speaks both: one listener for any address takes both families, listeners of one family only theirs. */
static void listeners_of_both_families(void **state) {
  (void)state;
  struct node a, b;
  la_listener any, l4, l6;
  la_conn c, d;
  node_simple(&a, 1);
  node_simple(&b, 2);
  assert_int_equal(la_listen(b.s, &(la_listen_opts){.port = 80, .backlog = 8}, &any), LA_OK);
  assert_int_equal(la_listen(b.s, &(la_listen_opts){.addr = {.family = 4}, .port = 81, .backlog = 8}, &l4), LA_OK);
  assert_int_equal(la_listen(b.s, &(la_listen_opts){.addr = {.family = 6}, .port = 82, .backlog = 8}, &l6), LA_OK);
  static const struct {
    const char *to;
    uint16_t port;
    bool taken;
  } rows[] = {{"10.0.0.2", 80, true}, {"fd00::2", 80, true},   {"10.0.0.2", 81, true},
              {"fd00::2", 81, false}, {"10.0.0.2", 82, false}, {"fd00::2", 82, true}};
  for (unsigned i = 0; i < 6; i++) {
    assert_int_equal(la_connect(a.s, &(la_connect_opts){.remote = addr(rows[i].to), .remote_port = rows[i].port}, &c, 0), LA_OK);
    settle(&a, 1, &b, 1, 0);
    la_listener l = rows[i].port == 80 ? any : rows[i].port == 81 ? l4 : l6;
    assert_int_equal(la_accept(b.s, l, 0, &d), rows[i].taken ? LA_OK : LA_AGAIN);
  }
  node_free(&a);
  node_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(life_of_a_connection),       cmocka_unit_test(retransmitted_fin_in_time_wait),
    cmocka_unit_test(refused_and_reset),          cmocka_unit_test(segment_sizes),
    cmocka_unit_test(checksum_guards_every_bit),  cmocka_unit_test(link_local_zones),
    cmocka_unit_test(listeners_of_both_families),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
