/* SPDX-License-Identifier: MIT */
/* What is answered that is not TCP: echo and ICMP errors, their quotes, what never draws one, and the bounds. */
#include "tests/unit/net_test.h"

#include "wire/icmp.h"

static struct pkt in, out;

static void start(struct node *n, uint32_t mtu, uint32_t per_sec) {
  node_config(n, 1);
  n->cfg.icmp_per_sec = per_sec;
  n->cfg.replies = 16;
  node_start(n);
  node_link(n, mtu);
  node_addr(n, 1, "10.0.0.1", 24);
  node_addr(n, 1, "fd00::1", 64);
}

static void echo(const char *src, const char *dst, uint32_t word, uint32_t len) {
  static uint8_t data[66000];
  for (uint32_t i = 0; i < len; i++)
    data[i] = (uint8_t)(i * 7 + i / 256);
  bool six = addr(src).family == 6;
  uint8_t *b = pkt_ip(&in, src, dst, six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, 0, 8 + len);
  struct icmp_msg m = {.type = six ? ICMP6_ECHO : ICMP4_ECHO, .word = word, .data = data, .len = len};
  la__icmp_build(&m, b, 0);
  pkt_sum(&in, 2);
}

/* What came out, parsed. */
static struct icmp_msg answer_of(struct node *n, la_link link, la_time now, struct ip_hdr *h) {
  struct icmp_msg m = {0};
  assert_true(pkt_out(n, link, &out, now));
  *h = pkt_check(&out);
  assert_int_equal(h->proto, h->src.family == 6 ? IP_PROTO_ICMP6 : IP_PROTO_ICMP);
  enum la_drop why =
    h->src.family == 6 ? la__icmp6_parse(&m, out.b + h->hlen, h->len, 0, true) : la__icmp4_parse(&m, out.b + h->hlen, h->len, false);
  assert_int_equal(why, LA_DROP_NONE);
  return m;
}

static void echo_comes_back(void **state) {
  (void)state;
  static const uint32_t sizes[] = {0, 1, 56, 1000, 1452};
  struct node n;
  start(&n, 1500, 0);
  for (unsigned i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
    uint32_t len = sizes[i / 2];
    bool six = i % 2;
    echo(six ? "fd00::9" : "10.0.0.9", six ? "fd00::1" : "10.0.0.1", 0xabcd0000 + i, len);
    if (!six) {
      in.b[1] = 0x28; /* the TOS comes back too: RFC 1349 5.1 */
      be16_put(in.b + 10, 0);
      be16_put(in.b + 10, la__sum_finish(la__sum(0, in.b, 20)));
    }
    assert_int_equal(la_deadline(n.s), LA_NEVER);
    assert_int_equal(pkt_in(&n, 1, &in, 5), 1);
    assert_int_equal(la_deadline(n.s), 5);
    struct ip_hdr h;
    struct icmp_msg m = answer_of(&n, 1, 5, &h);
    la_addr to = addr(six ? "fd00::9" : "10.0.0.9"), from = addr(six ? "fd00::1" : "10.0.0.1");
    assert_true(la_addr_same(&h.dst, &to) && la_addr_same(&h.src, &from));
    assert_int_equal(m.kind, ICMP_ECHO_REPLY);
    assert_int_equal(m.word, 0xabcd0000 + i);
    assert_int_equal(m.len, len);
    assert_memory_equal(m.data, in.b + (six ? 48 : 28), len);
    assert_int_equal(h.tos, six ? 0 : 0x28);
    assert_int_equal(h.ttl, 64);
    assert_true(h.dont_fragment || six);
    assert_false(pkt_out(&n, 1, &out, 5));
  }
  assert_int_equal(stats_of(&n).echo_replies, 10);
  node_free(&n);
}

static void echo_larger_than_the_way_back(void **state) {
  (void)state;
  struct node n;
  struct ip_hdr h;
  start(&n, 1500, 0);
  echo("10.0.0.9", "10.0.0.1", 1, 9000);
  pkt_in(&n, 1, &in, 0);
  struct icmp_msg m = answer_of(&n, 1, 0, &h);
  assert_int_equal(out.len, 1500); /* RFC 1122 3.2.2.6: cut to what can be sent */
  assert_memory_equal(m.data, in.b + 28, m.len);
  echo("fd00::9", "fd00::1", 1, 1453); /* RFC 4443 4.2: whole or not at all */
  pkt_in(&n, 1, &in, 0);
  assert_false(pkt_out(&n, 1, &out, 0));
  assert_int_equal(dropped(&n, LA_DROP_ICMP), 1);
  node_free(&n);
  start(&n, 65535, 0);
  echo("10.0.0.9", "10.0.0.1", 1, 65507); /* the largest packet there is */
  pkt_in(&n, 1, &in, 0);
  m = answer_of(&n, 1, 0, &h);
  assert_int_equal(m.len, 65507);
  assert_memory_equal(m.data, in.b + 28, m.len);
  node_free(&n);
}

static void damaged_echo_is_not_answered(void **state) {
  (void)state;
  struct node n;
  start(&n, 1500, 0);
  for (unsigned six = 0; six < 2; six++) {
    echo(six ? "fd00::9" : "10.0.0.9", six ? "fd00::1" : "10.0.0.1", 1, 20);
    for (uint32_t bit = 8 * (six ? 40 : 20); bit < 8 * in.len; bit++) {
      in.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
      pkt_in(&n, 1, &in, 0);
      in.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
      assert_false(pkt_out(&n, 1, &out, 0));
    }
  }
  echo("10.0.0.9", "10.0.0.1", 1, 20);
  in.b[20] = ICMP4_ECHO_REPLY; /* a reply draws none */
  pkt_sum(&in, 2);
  pkt_in(&n, 1, &in, 0);
  in.b[20] = 13; /* neither does a timestamp request */
  pkt_sum(&in, 2);
  pkt_in(&n, 1, &in, 0);
  assert_false(pkt_out(&n, 1, &out, 0));
  node_free(&n);
}

static void unknown_protocols(void **state) {
  (void)state;
  static uint8_t data[3000];
  struct node n;
  struct ip_hdr h;
  start(&n, 1500, 0);
  for (unsigned i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 3);
  static const uint32_t sizes[] = {0, 8, 500, 528, 529, 1192, 1193, 1400};
  for (unsigned i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
    bool six = i % 2;
    pkt_ip(&in, six ? "fd00::9" : "10.0.0.9", six ? "fd00::1" : "10.0.0.1", 99, data, sizes[i / 2]);
    pkt_in(&n, 1, &in, 0);
    struct icmp_msg m = answer_of(&n, 1, 0, &h);
    assert_int_equal(m.kind, ICMP_PROTO_UNREACH);
    assert_int_equal(m.type, six ? 4 : 3);
    assert_int_equal(m.code, six ? 1 : 2);
    assert_int_equal(m.word, six ? 6 : 0); /* where the next header was named */
    uint32_t most = six ? 1280 : 576, want = in.len + (six ? 48 : 28);
    assert_int_equal(out.len, want < most ? want : most); /* RFC 1812 4.3.2.3, RFC 4443 2.4 (c) */
    assert_memory_equal(m.data, in.b, m.len);
  }
  assert_int_equal(dropped(&n, LA_DROP_UNHANDLED_PROTO), 16);
  pkt_ip(&in, "fd00::9", "fd00::1", 59, data, 10); /* "no next header" is none that is missing: RFC 8200 4.7 */
  pkt_in(&n, 1, &in, 0);
  assert_false(pkt_out(&n, 1, &out, 0));
  node_free(&n);
}

/* An IPv6 packet whose first extension header is `kind` with these 6 bytes in it, followed by `next`. */
static void extended(uint8_t kind, uint8_t next, const uint8_t body[6], const char *dst, uint8_t icmp_type) {
  uint8_t b[24] = {next};
  memcpy(b + 2, body, 6);
  b[8] = icmp_type;
  pkt_ip(&in, "fd00::9", dst, kind, b, sizeof b);
}

static void ip6_header_problems(void **state) {
  (void)state;
  enum { HOP = 0, DEST = 60, ROUTE = 43 };
  static const struct {
    uint8_t kind, next;
    uint8_t body[6];
    int code; /* -1: nothing is said */
    uint32_t pointer;
    uint8_t icmp_type;
  } rows[] = {
    {DEST, 99, {1, 4}, 1, 40, 0},                  /* padding is known; the unknown protocol is named at 40 */
    {DEST, 99, {0x1e, 4}, 1, 40, 0},               /* 00: skip */
    {DEST, 99, {0x5e, 4}, -1, 0, 0},               /* 01: drop silently */
    {DEST, 99, {0x9e, 4}, 2, 42, 0},               /* 10 */
    {DEST, 99, {0, 0xde, 3}, 2, 43, 0},            /* 11, after Pad1 */
    {HOP, 99, {1, 0, 0xc2, 2}, 2, 44, 0},          /* in hop-by-hop as well */
    {DEST, 99, {1, 9}, -1, 0, 0},                  /* a length past the header is nothing to explain */
    {ROUTE, 99, {0, 1}, 0, 42, 0},                 /* type 0 with segments left: RFC 5095 */
    {ROUTE, 99, {77, 2}, 0, 42, 0},                /* an unknown type */
    {ROUTE, 99, {77, 0}, 1, 40, 0},                /* no segment left: skipped */
    {DEST, HOP, {1, 4}, 1, 40, 0},                 /* hop-by-hop in second place */
    {DEST, IP_PROTO_ICMP6, {0x9e, 4}, -1, 0, 1},   /* behind the bad option lies an ICMP error */
    {DEST, IP_PROTO_ICMP6, {0x9e, 4}, 2, 42, 128}, /* an echo request */
  };
  struct node n;
  struct ip_hdr h;
  start(&n, 1500, 0);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    extended(rows[i].kind, rows[i].next, rows[i].body, "fd00::1", rows[i].icmp_type);
    pkt_in(&n, 1, &in, 0);
    if (rows[i].code < 0) {
      assert_false(pkt_out(&n, 1, &out, 0));
      continue;
    }
    struct icmp_msg m = answer_of(&n, 1, 0, &h);
    assert_int_equal(m.type, 4);
    assert_int_equal(m.code, rows[i].code);
    assert_int_equal(m.word, rows[i].pointer);
    assert_int_equal(m.len, in.len);
    assert_memory_equal(m.data, in.b, in.len);
    extended(rows[i].kind, rows[i].next, rows[i].body, "fd00::2", rows[i].icmp_type); /* not to us */
    pkt_in(&n, 1, &in, 0);
    extended(rows[i].kind, rows[i].next, rows[i].body, "ff02::1", rows[i].icmp_type);
    pkt_in(&n, 1, &in, 0);
    assert_false(pkt_out(&n, 1, &out, 0));
  }
  node_free(&n);
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e) */
static void what_never_draws_an_error(void **state) {
  (void)state;
  static const struct {
    const char *src, *dst;
  } rows[] = {{"10.0.0.9", "10.0.0.255"}, {"10.0.0.9", "255.255.255.255"},
              {"10.0.0.9", "224.0.0.1"},  {"10.0.0.9", "10.0.0.2"},
              {"10.0.0.255", "10.0.0.1"}, {"255.255.255.255", "10.0.0.1"},
              {"224.0.0.1", "10.0.0.1"},  {"0.0.0.0", "10.0.0.1"},
              {"127.0.0.1", "10.0.0.1"},  {"10.0.0.1", "10.0.0.1"},
              {"fd00::9", "ff02::1"},     {"fd00::9", "fd00::2"},
              {"ff02::1", "fd00::1"},     {"::", "fd00::1"},
              {"::1", "fd00::1"},         {"fd00::1", "fd00::1"}};
  uint8_t data[64] = {0};
  struct node n;
  start(&n, 1500, 0);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    pkt_ip(&in, rows[i].src, rows[i].dst, 99, data, sizeof data);
    pkt_in(&n, 1, &in, 0);
    echo(rows[i].src, rows[i].dst, 1, 8);
    pkt_in(&n, 1, &in, 0);
    assert_false(pkt_out(&n, 1, &out, 0));
  }
  assert_int_equal(stats_of(&n).icmp_errors_out + stats_of(&n).echo_replies, 0);
  pkt_ip(&in, "10.0.0.9", "10.0.0.1", 99, data, sizeof data); /* the test can fail: this one draws one */
  pkt_in(&n, 1, &in, 0);
  assert_true(pkt_out(&n, 1, &out, 0));
  node_free(&n);
}

static void rates(void **state) {
  (void)state;
  struct node n;
  start(&n, 1500, 10);
  unsigned echoes = 0, errors = 0;
  la_time now = 100 * LA_SEC;
  for (unsigned i = 0; i < 3000; i++) { /* 3 s at 1000 a second of each */
    echo("10.0.0.9", "10.0.0.1", i, 8);
    pkt_in(&n, 1, &in, now);
    echoes += pkt_out(&n, 1, &out, now);
    pkt_ip(&in, "10.0.0.9", "10.0.0.1", 99, 0, 0);
    pkt_in(&n, 1, &in, now);
    errors += pkt_out(&n, 1, &out, now);
    now += LA_MS;
  }
  assert_in_range(echoes, 30, 41);
  assert_in_range(errors, 30, 41);
  la_stats st = stats_of(&n);
  assert_int_equal(st.echo_replies, echoes);
  assert_int_equal(st.icmp_errors_out, errors);
  assert_int_equal(st.icmp_limited, 6000 - echoes - errors);
  node_free(&n);
}

static void full_ring_stops_input(void **state) {
  (void)state;
  struct node n;
  la_frame f[20];
  start(&n, 1500, 0);
  echo("10.0.0.9", "10.0.0.1", 1, 8);
  for (unsigned i = 0; i < 20; i++)
    f[i] = (la_frame){.data = in.b, .len = in.len};
  assert_int_equal(la_input(n.s, 1, f, 20, 0), 16);
  assert_int_equal(la_input(n.s, 1, f, 20, 0), 0);
  assert_true(pkt_out(&n, 1, &out, 0));
  assert_int_equal(la_input(n.s, 1, f, 20, 0), 1);
  for (unsigned i = 0; i < 16; i++)
    assert_true(pkt_out(&n, 1, &out, 0));
  assert_false(pkt_out(&n, 1, &out, 0));
  assert_int_equal(stats_of(&n).echo_replies, 17);
  la_input(n.s, 1, f, 5, 0); /* left waiting: freed with the stack */
  node_free(&n);
}

static void memory_is_bounded(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  n.cfg.icmp_per_sec = 0;
  n.cfg.reply_bytes = 3 * CHUNK_BYTES;
  node_start(&n);
  node_link(&n, 9000);
  node_addr(&n, 1, "10.0.0.1", 24);
  echo("10.0.0.9", "10.0.0.1", 1, 5000);
  assert_int_equal(pkt_in(&n, 1, &in, 0), 1);
  assert_int_equal(stats_of(&n).chunks, 2);
  assert_int_equal(pkt_in(&n, 1, &in, 0), 1); /* taken in, but there is no room for its answer */
  assert_int_equal(dropped(&n, LA_DROP_LINK_FULL), 1);
  echo("10.0.0.9", "10.0.0.1", 1, 50);
  assert_int_equal(pkt_in(&n, 1, &in, 0), 1);
  assert_int_equal(pkt_in(&n, 1, &in, 0), 0);
  assert_true(pkt_out(&n, 1, &out, 0));
  assert_true(pkt_out(&n, 1, &out, 0));
  assert_false(pkt_out(&n, 1, &out, 0));
  assert_int_equal(stats_of(&n).chunks, 0);
  la_trim(n.s);
  n.mem.fail_one_in = 1; /* no memory at all */
  n.mem.calls = 0;
  assert_int_equal(pkt_in(&n, 1, &in, 0), 1);
  assert_int_equal(n.mem.calls, 1);
  assert_int_equal(dropped(&n, LA_DROP_LINK_FULL), 2);
  n.mem.fail_one_in = 0;
  pkt_in(&n, 1, &in, 0);
  assert_true(pkt_out(&n, 1, &out, 0));
  node_free(&n);
}

/* A driver may keep a frame: its bytes stay until it gives it back. */
static void frames_keep_their_bytes(void **state) {
  (void)state;
  struct node n;
  la_frame kept;
  uint8_t flat[2000];
  start(&n, 1500, 0);
  echo("10.0.0.9", "10.0.0.1", 1, 100);
  pkt_in(&n, 1, &in, 0);
  assert_int_equal(la_output(n.s, 1, &kept, 1, 0), 1);
  for (unsigned i = 0; i < 50; i++) {
    struct pkt *other = &out;
    echo("10.0.0.9", "10.0.0.1", 77, 90);
    pkt_in(&n, 1, &in, 0);
    assert_true(pkt_out(&n, 1, other, 0));
  }
  echo("10.0.0.9", "10.0.0.1", 1, 100);
  assert_int_equal(la_frame_copy(&kept, flat, sizeof flat), 128);
  assert_memory_equal(flat + 28, in.b + 28, 100);
  la_frame_done(n.s, &kept);
  assert_int_equal(stats_of(&n).chunks, 0);
  node_free(&n);
}

static void errors_go_by_the_route(void **state) {
  (void)state;
  struct node n;
  node_config(&n, 1);
  node_start(&n);
  node_link(&n, 1500);
  node_link(&n, 1500);
  node_addr(&n, 1, "10.0.0.1", 24);
  node_addr(&n, 2, "10.0.1.1", 24);
  pkt_ip(&in, "10.0.1.9", "10.0.0.1", 99, 0, 0);
  pkt_in(&n, 1, &in, 0);
  assert_false(pkt_out(&n, 1, &out, 0));
  assert_true(pkt_out(&n, 2, &out, 0));
  pkt_ip(&in, "172.16.0.9", "10.0.0.1", 99, 0, 0); /* no route: back where it came from */
  pkt_in(&n, 1, &in, 0);
  assert_true(pkt_out(&n, 1, &out, 0));
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(echo_comes_back),
    cmocka_unit_test(echo_larger_than_the_way_back),
    cmocka_unit_test(damaged_echo_is_not_answered),
    cmocka_unit_test(unknown_protocols),
    cmocka_unit_test(ip6_header_problems),
    cmocka_unit_test(what_never_draws_an_error),
    cmocka_unit_test(rates),
    cmocka_unit_test(full_ring_stops_input),
    cmocka_unit_test(memory_is_bounded),
    cmocka_unit_test(frames_keep_their_bytes),
    cmocka_unit_test(errors_go_by_the_route),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
