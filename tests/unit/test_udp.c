/* SPDX-License-Identifier: MIT */
/* UDP: datagrams both ways, bounds, events, errors from the network, and unused ports. */
#include "tests/unit/udp_test.h"

static void there_and_back(void **state) {
  (void)state;
  static const uint32_t sizes4[] = {0, 1, 2, 7, 512, 1472}, sizes6[] = {0, 1, 2, 7, 512, 1452};
  for (unsigned six = 0; six < 2; six++) {
    struct node a, b;
    node_simple(&a, 1);
    node_simple(&b, 2);
    la_udp x = open_at(&a, 0, 1000), y = open_at(&b, ip(six, 2), 53);
    for (unsigned i = 0; i < 6; i++) {
      uint8_t data[1500], got[1500];
      uint32_t len = (six ? sizes6 : sizes4)[i];
      la_udp_from f;
      memset(data, 'a' + (int)i, sizeof data);
      assert_int_equal(send_to(&a, x, ip(six, 2), 53, data, len), LA_OK);
      assert_int_equal(la_deadline(a.s), 0);
      settle(&a, 1, &b, 1, 0);
      la_event e = next_event(&b);
      assert_int_equal(e.type, LA_EVENT_UDP_READABLE);
      assert_true(e.udp.index == y.index && e.udp.gen == y.gen);
      assert_int_equal(la_udp_recv(b.s, y, &f, got, sizeof got), len);
      assert_memory_equal(got, data, len);
      la_addr want = addr(ip(six, 1));
      assert_true(la_addr_same(&f.addr, &want));
      assert_int_equal(f.port, 1000);
      assert_int_equal(f.link, 1);
      assert_int_equal(f.len, len);
      assert_int_equal(la_udp_recv(b.s, y, &f, got, sizeof got), LA_AGAIN);
      assert_int_equal(la_udp_send(b.s, y, &f.addr, f.port, got, len), LA_OK);
      settle(&a, 1, &b, 1, 0);
      assert_int_equal(la_udp_recv(a.s, x, &f, got, sizeof got), len);
      assert_int_equal(f.port, 53);
    }
    assert_int_equal(stats_of(&a).udp_out, 6);
    assert_int_equal(stats_of(&a).udp_in, 6);
    assert_int_equal(stats_of(&a).chunks, 0);
    node_free(&a);
    node_free(&b);
  }
}

/* What the first datagram needed goes back as well, once nothing waits in it. */
static void trim(void **state) {
  (void)state;
  struct node a;
  node_simple(&a, 1);
  uint64_t before = stats_of(&a).bytes_allocated;
  for (unsigned round = 0; round < 2; round++) {
    la_udp x = open_at(&a, 0, 1000);
    assert_int_equal(send_to(&a, x, "10.0.0.2", 53, "x", 1), LA_OK);
    la_trim(a.s);
    assert_true(stats_of(&a).bytes_allocated > before);
    assert_true(pkt_out(&a, 1, &out, 0)); /* trimming lost nothing */
    assert_int_equal(la_udp_close(a.s, x), LA_OK);
    la_trim(a.s);
    assert_int_equal(stats_of(&a).bytes_allocated, before);
  }
  node_free(&a);
}

static void sizes(void **state) {
  (void)state;
  static uint8_t data[65536];
  struct node a;
  node_simple(&a, 1);
  la_udp x = open_at(&a, 0, 1000);
  assert_int_equal(send_to(&a, x, "10.0.0.2", 53, data, 1472), LA_OK);
  assert_int_equal(send_to(&a, x, "10.0.0.2", 53, data, 1473), LA_EMSGSIZE);
  assert_int_equal(send_to(&a, x, "fd00::2", 53, data, 1452), LA_OK);
  assert_int_equal(send_to(&a, x, "fd00::2", 53, data, 1453), LA_EMSGSIZE);
  assert_int_equal(send_to(&a, x, "10.0.0.2", 53, data, SIZE_MAX), LA_EMSGSIZE);
  while (pkt_out(&a, 1, &out, 0)) {
    struct ip_hdr h = pkt_check(&out);
    assert_int_equal(out.len, 1500);
    assert_true(h.dont_fragment || h.src.family == 6);
    assert_false(h.fragment);
    assert_int_not_equal(be16_get(out.b + h.hlen + 6), 0); /* a checksum is always sent */
  }
  node_free(&a);
  node_config(&a, 1);
  node_start(&a);
  node_link(&a, 65535);
  node_addr(&a, 1, "10.0.0.1", 24);
  x = open_at(&a, 0, 1000);
  assert_int_equal(send_to(&a, x, "10.0.0.2", 53, data, 65507), LA_OK);
  assert_true(pkt_out(&a, 1, &out, 0));
  pkt_check(&out);
  assert_int_equal(out.len, 65535);
  node_free(&a);
}

/* The one sum that would read as "none" is sent as its other form. */
static void zero_checksum_goes_as_ones(void **state) {
  (void)state;
  struct node a;
  unsigned ones = 0;
  node_simple(&a, 1);
  la_udp x = open_at(&a, 0, 1000);
  for (uint32_t v = 0; v < 2 * 65536; v++) {
    uint8_t data[2];
    be16_put(data, v / 2);
    assert_int_equal(send_to(&a, x, v & 1 ? "10.0.0.2" : "fd00::2", 53, data, 2), LA_OK);
    assert_true(pkt_out(&a, 1, &out, 0));
    struct ip_hdr h = pkt_check(&out);
    assert_int_not_equal(be16_get(out.b + h.hlen + 6), 0);
    ones += be16_get(out.b + h.hlen + 6) == 0xffff;
  }
  assert_in_range(ones, 2, 4);
  node_free(&a);
}

static void cut_short_is_told(void **state) {
  (void)state;
  struct node n;
  la_udp_from f;
  char got[8] = {0};
  node_simple(&n, 1);
  la_udp u = open_at(&n, 0, 53);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 53, "0123456789", 10);
  datagram(&n, 1, "10.0.0.9", 8, "10.0.0.1", 53, "abc", 3);
  assert_int_equal(la_udp_recv(n.s, u, &f, got, 4), 4);
  assert_memory_equal(got, "0123", 4);
  assert_int_equal(f.len, 10);
  assert_int_equal(la_udp_recv(n.s, u, &f, got, 4), 3); /* the rest of the first is gone */
  assert_int_equal(f.port, 8);
  assert_int_equal(f.len, 3);
  datagram(&n, 1, "10.0.0.9", 9, "10.0.0.1", 53, "x", 1);
  assert_int_equal(la_udp_recv(n.s, u, 0, 0, 0), 0);
  assert_int_equal(la_udp_recv(n.s, u, 0, 0, 0), LA_AGAIN);
  node_free(&n);
}

static void events_are_edges(void **state) {
  (void)state;
  struct node n;
  int mine;
  la_udp u;
  node_simple(&n, 1);
  assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 53, .user = &mine}, &u), LA_OK);
  assert_int_equal(la_deadline(n.s), LA_NEVER);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 53, "a", 1);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 53, "b", 1);
  assert_int_equal(la_deadline(n.s), 0);
  la_event e = next_event(&n);
  assert_int_equal(e.type, LA_EVENT_UDP_READABLE);
  assert_ptr_equal(e.user, &mine);
  assert_int_equal(next_event(&n).type, LA_EVENT_TYPES); /* once */
  assert_int_equal(recv_from(&n, u, 0), 1);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 53, "c", 1);
  assert_int_equal(next_event(&n).type, LA_EVENT_TYPES); /* not armed again */
  assert_int_equal(recv_from(&n, u, 0), 1);
  assert_int_equal(recv_from(&n, u, 0), 1);
  assert_int_equal(recv_from(&n, u, 0), LA_AGAIN);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 53, "d", 1);
  la_udp v = open_at(&n, 0, 54), w = open_at(&n, 0, 55);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 55, "d", 1);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 54, "d", 1);
  la_udp_close(n.s, w); /* from the middle of the list of those with events */
  assert_int_equal(next_event(&n).udp.index, u.index);
  assert_int_equal(next_event(&n).udp.index, v.index);
  assert_int_equal(next_event(&n).type, LA_EVENT_TYPES);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 54, "d", 1);
  recv_from(&n, v, 0);
  recv_from(&n, v, 0);
  recv_from(&n, v, 0);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 54, "d", 1);
  la_udp_close(n.s, v); /* the only one, with an event waiting */
  assert_int_equal(next_event(&n).type, LA_EVENT_TYPES);
  assert_int_equal(la_deadline(n.s), LA_NEVER);
  node_free(&n);
}

static void receive_queue_is_bounded(void **state) {
  (void)state;
  struct node n;
  la_udp u, v;
  static uint8_t data[1000];
  node_config(&n, 1);
  n.cfg.udp_rcvbuf = 4096;
  n.cfg.max_udp = 2;
  node_start(&n);
  node_link(&n, 65535);
  node_addr(&n, 1, "10.0.0.1", 24);
  u = open_at(&n, 0, 53);
  v = open_at(&n, 0, 54);
  la_udp none;
  assert_int_equal(la_udp_open(n.s, &(la_udp_opts){.port = 55}, &none), LA_ENOMEM);
  for (unsigned i = 0; i < 10; i++)
    datagram(&n, 1, "10.0.0.9", (uint16_t)(100 + i), "10.0.0.1", 53, data, sizeof data);
  assert_int_equal(dropped(&n, LA_DROP_SOCKET_RCVBUFF), 6); /* 4 * 1024 bytes fit */
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 54, data, 1);  /* another socket's room is its own */
  assert_int_equal(recv_from(&n, v, 0), 1);
  la_udp_from f;
  for (unsigned i = 0; i < 4; i++) { /* the oldest are kept, in order */
    assert_int_equal(recv_from(&n, u, &f), 1000);
    assert_int_equal(f.port, 100 + i);
  }
  assert_int_equal(recv_from(&n, u, &f), LA_AGAIN);
  for (unsigned i = 0; i < 200; i++)
    datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 53, 0, 0); /* empty ones cost their head */
  assert_int_equal(dropped(&n, LA_DROP_SOCKET_RCVBUFF), 6 + 200 - 4096 / 24);
  assert_int_equal(stats_of(&n).udp_sockets, 2);
  la_udp_close(n.s, u);
  assert_int_equal(stats_of(&n).udp_sockets, 1);
  assert_int_equal(stats_of(&n).chunks, 0);
  node_free(&n);
}

static void send_queue_is_bounded(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  n.cfg.replies = 16;
  node_start(&n);
  node_link(&n, 1500);
  node_addr(&n, 1, "10.0.0.1", 24);
  la_udp u = open_at(&n, 0, 53), v = open_at(&n, 0, 54);
  for (unsigned i = 0; i < 16; i++)
    assert_int_equal(send_to(&n, u, "10.0.0.2", 9, "x", 1), LA_OK);
  assert_int_equal(send_to(&n, u, "10.0.0.2", 9, "x", 1), LA_AGAIN);
  assert_int_equal(send_to(&n, v, "10.0.0.2", 9, "x", 1), LA_AGAIN);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 77, "x", 1); /* input goes on: answers have a ring of their own */
  for (unsigned i = 0; i < 8; i++) {
    assert_int_equal(next_event(&n).type, LA_EVENT_TYPES);
    assert_true(pkt_out(&n, 1, &out, 0));
    assert_int_equal(out.b[9], i ? IP_PROTO_UDP : IP_PROTO_ICMP);
  }
  assert_true(pkt_out(&n, 1, &out, 0));
  la_event e = next_event(&n);
  assert_int_equal(e.type, LA_EVENT_UDP_WRITABLE);
  assert_int_equal(e.udp.index, u.index);
  assert_int_equal(next_event(&n).udp.index, v.index);
  assert_int_equal(next_event(&n).type, LA_EVENT_TYPES);
  assert_int_equal(send_to(&n, v, "10.0.0.2", 9, "x", 1), LA_OK);
  la_udp_close(n.s, v); /* what waits still goes */
  unsigned left = 0;
  while (pkt_out(&n, 1, &out, 0))
    left++;
  assert_int_equal(left, 9);
  send_to(&n, u, "10.0.0.2", 9, "x", 1); /* freed with the stack */
  node_free(&n);
}

/* Neither datagrams nor segments starve the other. */
static void datagrams_and_segments_take_turns(void **state) {
  (void)state;
  struct node a, b;
  la_conn c, d;
  la_listener l;
  static uint8_t data[10000];
  node_simple(&a, 1);
  node_simple(&b, 2);
  join(&a, &b, &(la_connect_opts){.remote = addr("10.0.0.2"), .remote_port = 80}, &c, &d, &l, 0);
  la_udp u = open_at(&a, 0, 53);
  la_send(a.s, c, data, sizeof data);
  for (unsigned i = 0; i < 6; i++)
    send_to(&a, u, "10.0.0.2", 9, "x", 1);
  unsigned tcp = 0, udp = 0;
  for (unsigned i = 0; i < 8; i++) {
    assert_true(pkt_out(&a, 1, &out, 0));
    *(out.b[9] == IP_PROTO_UDP ? &udp : &tcp) += 1;
  }
  assert_int_equal(tcp, 4);
  assert_int_equal(udp, 4);
  node_free(&a);
  node_free(&b);
}

/* An unused port is told, as RFC 1122 4.1.3.1 and RFC 4443 3.1 say, and the sender's socket hears of it. */
static void unused_port(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node a, b;
    node_simple(&a, 1);
    node_simple(&b, 2);
    la_udp x = open_at(&a, 0, 1000);
    static uint8_t data[1400];
    assert_int_equal(send_to(&a, x, ip(six, 2), 53, data, sizeof data), LA_OK);
    static struct pkt sent;
    assert_true(pkt_out(&a, 1, &sent, 0));
    pkt_in(&b, 1, &sent, 0);
    assert_int_equal(dropped(&b, LA_DROP_NO_SOCKET), 1);
    assert_true(pkt_out(&b, 1, &out, 0));
    struct ip_hdr h = pkt_check(&out);
    assert_int_equal(out.len, six ? 1280 : 576);
    assert_int_equal(out.b[h.hlen], six ? 1 : 3);
    assert_int_equal(out.b[h.hlen + 1], six ? 4 : 3);
    assert_memory_equal(out.b + h.hlen + 8, sent.b, out.len - h.hlen - 8);
    pkt_in(&a, 1, &out, 0);
    la_event e = next_event(&a);
    assert_int_equal(e.type, LA_EVENT_UDP_ERROR);
    assert_int_equal(e.err, LA_ECONNREFUSED);
    la_addr want = addr(ip(six, 2));
    assert_true(la_addr_same(&e.remote, &want));
    assert_int_equal(e.remote_port, 53);
    assert_true(e.udp.index == x.index && e.udp.gen == x.gen);
    assert_int_equal(send_to(&a, x, ip(six, 2), 53, "again", 5), LA_OK); /* it goes on */
    node_free(&a);
    node_free(&b);
  }
}

static void what_draws_no_port_unreachable(void **state) {
  (void)state;
  static const struct {
    const char *src, *dst;
  } rows[] = {{"10.0.0.9", "10.0.0.255"}, {"10.0.0.9", "255.255.255.255"}, {"10.0.0.9", "224.0.0.1"}, {"10.0.0.255", "10.0.0.1"},
              {"0.0.0.0", "10.0.0.1"},    {"127.0.0.1", "10.0.0.1"},       {"fd00::9", "ff02::1"},    {"::", "fd00::1"}};
  struct node n;
  node_simple(&n, 1);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    datagram(&n, 1, rows[i].src, 7, rows[i].dst, 53, "x", 1);
  datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 53, "x", 1);
  assert_true(pkt_out(&n, 1, &out, 0)); /* this one did */
  in.b[in.len - 1] ^= 1;                /* damaged: says nothing about any port */
  pkt_in(&n, 1, &in, 0);
  assert_int_equal(dropped(&n, LA_DROP_UDP_CSUM), 1);
  assert_false(pkt_out(&n, 1, &out, 0));
  node_free(&n);
}

/* An error as `from` would send it about `sent`. */
static void error_about(struct node *n, const struct pkt *sent, const char *from, uint8_t type, uint8_t code, uint32_t word,
                        uint32_t keep) {
  bool six = sent->b[0] >> 4 == 6;
  struct icmp_msg m = {.type = type, .code = code, .word = word, .data = sent->b, .len = keep < sent->len ? keep : sent->len};
  uint8_t *b = pkt_ip(&in, from, ip(six, 1), six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, 0, 8 + m.len);
  la__icmp_build(&m, b, 0);
  pkt_sum(&in, 2);
  pkt_in(n, 1, &in, 0);
}

static void errors_are_about_what_was_sent(void **state) {
  (void)state;
  static const struct {
    bool six;
    uint8_t type, code;
    int err;
  } rows[] = {
    {false, 3, 0, LA_ENETUNREACH}, {false, 3, 1, LA_EHOSTUNREACH},  {false, 3, 2, LA_ECONNREFUSED}, {false, 3, 3, LA_ECONNREFUSED},
    {false, 3, 4, LA_EMSGSIZE},    {false, 11, 0, LA_EHOSTUNREACH}, {false, 4, 0, LA_OK},           {false, 5, 0, LA_OK},
    {true, 1, 0, LA_ENETUNREACH},  {true, 1, 4, LA_ECONNREFUSED},   {true, 2, 0, LA_EMSGSIZE},      {true, 3, 0, LA_EHOSTUNREACH},
    {true, 4, 1, LA_ECONNREFUSED},
  };
  struct node n;
  static struct pkt sent;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    bool six = rows[i].six;
    node_simple(&n, 1);
    la_udp u = open_at(&n, 0, 1000);
    send_to(&n, u, ip(six, 2), 53, "abcdefgh", 8);
    assert_true(pkt_out(&n, 1, &sent, 0));
    error_about(&n, &sent, ip(six, 77), rows[i].type, rows[i].code, 1280, UINT32_MAX);
    la_event e = next_event(&n);
    assert_int_equal(e.type, rows[i].err ? LA_EVENT_UDP_ERROR : LA_EVENT_TYPES);
    assert_int_equal(e.err, rows[i].err);
    if (!rows[i].err) {
      node_free(&n);
      continue;
    }
    uint32_t ports = six ? 40 : 20;
    error_about(&n, &sent, ip(six, 77), rows[i].type, rows[i].code, 1280, ports + 4);
    assert_int_equal(next_event(&n).type, LA_EVENT_UDP_ERROR); /* both ports are there */
    for (uint32_t keep = 0; keep < ports + 4; keep++) {
      error_about(&n, &sent, ip(six, 77), rows[i].type, rows[i].code, 1280, keep);
      assert_int_equal(next_event(&n).type, LA_EVENT_TYPES);
    }
    for (uint32_t at = ports - (six ? 32 : 8); at < ports + 4; at++) { /* any address or port that is not what was sent */
      sent.b[at] ^= 2;
      error_about(&n, &sent, ip(six, 77), rows[i].type, rows[i].code, 1280, UINT32_MAX);
      sent.b[at] ^= 2;
      assert_int_equal(next_event(&n).type, LA_EVENT_TYPES);
    }
    for (uint16_t p = 0; p < 8; p++) { /* what was sent long ago is not believed any more */
      send_to(&n, u, ip(six, 2), (uint16_t)(100 + p), "x", 1);
      assert_true(pkt_out(&n, 1, &out, 0));
    }
    error_about(&n, &sent, ip(six, 77), rows[i].type, rows[i].code, 1280, UINT32_MAX);
    assert_int_equal(next_event(&n).type, LA_EVENT_TYPES);
    node_free(&n);
  }
}

/* The unused port of a packet that came in pieces: it is quoted as it was put together. */
static void unused_port_in_fragments(void **state) {
  (void)state;
  struct node n;
  struct udp_hdr u = {.sport = 7, .dport = 9, .len = 24};
  uint8_t b[32] = {0};
  node_simple(&n, 1);
  la__udp_build(&u, b);
  for (unsigned i = 0; i < 2; i++) {
    struct ip_hdr h = {.src = addr("10.0.0.9"), .dst = addr("10.0.0.1"), .proto = IP_PROTO_UDP, .ttl = 64, .len = 16, .frag_id = 5};
    h.frag_off = i ? 0 : 16;
    h.frag_more = i;
    la__ip4_build(&h, in.b);
    memcpy(in.b + 20, b + h.frag_off, 16);
    in.len = 36;
    pkt_in(&n, 1, &in, 0);
  }
  assert_true(pkt_out(&n, 1, &out, 0));
  assert_int_equal(out.len, 28 + 52);
  assert_memory_equal(out.b + 48, b, 32);
  node_free(&n);
}

static void memory_fails(void **state) {
  (void)state;
  for (uint64_t k = 1; k < 12; k++) {
    struct node n;
    la_udp u;
    node_simple(&n, 1);
    n.mem.fail_at = n.mem.calls + k;
    static uint8_t data[1400];
    int err = la_udp_open(n.s, &(la_udp_opts){.port = 53}, &u);
    assert_true(err == LA_OK || err == LA_ENOMEM);
    if (err == LA_OK) {
      int sent = send_to(&n, u, "10.0.0.2", 9, data, sizeof data);
      assert_true(sent == LA_OK || sent == LA_ENOMEM);
      unsigned got = 0;
      for (unsigned i = 0; i < 6; i++)
        datagram(&n, 1, "10.0.0.9", 7, "10.0.0.1", 53, data, sizeof data);
      while (recv_from(&n, u, 0) == 1400)
        got++;
      assert_int_equal(got + dropped(&n, LA_DROP_NOMEM), 6);
      assert_in_range(got, 5, 6);
      n.mem.fail_at = 0;
      assert_int_equal(send_to(&n, u, "10.0.0.2", 9, data, sizeof data), LA_OK);
    }
    node_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(there_and_back),
    cmocka_unit_test(trim),
    cmocka_unit_test(sizes),
    cmocka_unit_test(zero_checksum_goes_as_ones),
    cmocka_unit_test(cut_short_is_told),
    cmocka_unit_test(events_are_edges),
    cmocka_unit_test(receive_queue_is_bounded),
    cmocka_unit_test(send_queue_is_bounded),
    cmocka_unit_test(datagrams_and_segments_take_turns),
    cmocka_unit_test(unused_port),
    cmocka_unit_test(what_draws_no_port_unreachable),
    cmocka_unit_test(errors_are_about_what_was_sent),
    cmocka_unit_test(unused_port_in_fragments),
    cmocka_unit_test(memory_fails),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
