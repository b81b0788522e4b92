/* SPDX-License-Identifier: MIT */
/*
 * ICMP errors and connections: every type and code, in every state, quoted inside and outside of what is in flight, from a router and
 * from the destination, before and after a retransmission, whole and cut short; and the way of packet too big.
 */
#include "tests/unit/net_test.h"

#include "wire/icmp.h"
#include "wire/tcp_wire.h"

enum { PORT = 80, RTO = 3 };

/* Where the connection `c` of node a stands; sent: the last packet that it sent, which the errors quote. */
struct rig {
  struct node a, b;
  la_conn c, d;
  la_listener l;
  la_time now;
  struct pkt sent;
  struct tcp_seg seg; /* of `sent` */
  uint32_t una, nxt;
};

static void last_sent(struct rig *r) {
  struct ip_hdr h;
  bool any = false;
  while (pkt_out(&r->a, 1, &r->sent, r->now))
    any = true;
  assert_true(any);
  h = pkt_check(&r->sent);
  assert_int_equal(la__tcp_parse(&r->seg, r->sent.b + h.hlen, h.len, 0, true), LA_DROP_NONE);
}

enum { S_SYN_SENT, S_SYN_RECEIVED, S_DATA, S_IDLE, S_FIN_WAIT_1, S_FIN_WAIT_2, S_CLOSE_WAIT, S_CLOSING, S_LAST_ACK, S_COUNT };
static const enum la_state state_of[S_COUNT] = {LA_SYN_SENT,   LA_SYN_RECEIVED, LA_ESTABLISHED, LA_ESTABLISHED, LA_FIN_WAIT_1,
                                                LA_FIN_WAIT_2, LA_CLOSE_WAIT,   LA_CLOSING,     LA_LAST_ACK};

static const char *local(bool six) { return six ? "fd00::1" : "10.0.0.1"; }
static const char *remote(bool six) { return six ? "fd00::2" : "10.0.0.2"; }

/* Crossing SYNs: the peer's is made by hand. */
static void cross(struct rig *r, bool six) {
  struct tcp_seg syn = {.sport = PORT, .dport = r->seg.sport, .seq = 5, .flags = LA_SYN, .wnd = 1000};
  struct pkt p;
  uint8_t b[60];
  pkt_ip(&p, remote(six), local(six), IP_PROTO_TCP, b, la__tcp_build(&syn, b));
  pkt_sum(&p, 16);
  pkt_in(&r->a, 1, &p, r->now);
}

static void rig_start(struct rig *r, unsigned where, bool six, bool soft) {
  memset(r, 0, sizeof *r);
  r->now = LA_SEC;
  node_config(&r->a, 1);
  r->a.cfg.icmp_soft = soft;
  node_start(&r->a);
  node_link(&r->a, 1500);
  node_addr(&r->a, 1, "10.0.0.1", 24);
  node_addr(&r->a, 1, "fd00::1", 64);
  node_simple(&r->b, 2);
  la_connect_opts o = {.remote = addr(remote(six)), .remote_port = PORT};
  if (where == S_SYN_SENT || where == S_SYN_RECEIVED) {
    assert_int_equal(la_connect(r->a.s, &o, &r->c, r->now), LA_OK);
    last_sent(r);
    if (where == S_SYN_RECEIVED) {
      cross(r, six);
      last_sent(r);
    }
    return;
  }
  join(&r->a, &r->b, &o, &r->c, &r->d, &r->l, r->now);
  if (where == S_CLOSE_WAIT || where == S_LAST_ACK) {
    la_shutdown(r->b.s, r->d, r->now);
    settle(&r->a, 1, &r->b, 1, r->now);
  }
  switch (where) {
  case S_DATA:
  case S_CLOSE_WAIT:
    la_send(r->a.s, r->c, "0123456789", 10);
    break;
  case S_IDLE:
    la_send(r->a.s, r->c, "0123456789", 10);
    last_sent(r);
    pkt_in(&r->b, 1, &r->sent, r->now);
    r->now += LA_SEC; /* past the delayed ACK */
    la_tick(r->b.s, r->now);
    carry(&r->b, 1, &r->a, 1, r->now);
    break;
  default:
    la_shutdown(r->a.s, r->c, r->now);
  }
  if (where != S_IDLE)
    last_sent(r);
  if (where == S_FIN_WAIT_2) {
    pkt_in(&r->b, 1, &r->sent, r->now);
    r->now += LA_SEC;
    la_tick(r->b.s, r->now);
    carry(&r->b, 1, &r->a, 1, r->now);
  }
  if (where == S_CLOSING) { /* both FINs on their way, ours is lost */
    struct pkt p;
    la_shutdown(r->b.s, r->d, r->now);
    assert_true(pkt_out(&r->b, 1, &p, r->now));
    pkt_in(&r->a, 1, &p, r->now);
    while (pkt_out(&r->a, 1, &p, r->now)) /* the ACK of the peer's FIN, lost too */
      ;
  }
}

static void rig_look(struct rig *r, unsigned where) {
  la_info_rec i;
  assert_int_equal(la_info(r->a.s, r->c, &i), LA_OK);
  assert_int_equal(i.state, state_of[where]);
  r->una = i.snd_una;
  r->nxt = i.snd_nxt;
  assert_true((r->una != r->nxt) == (where != S_IDLE && where != S_FIN_WAIT_2));
  assert_int_equal(i.soft_err, LA_OK);
}
static void rig_retransmit(struct rig *r, unsigned where) {
  if (where == S_IDLE || where == S_FIN_WAIT_2)
    return;
  r->now += RTO * LA_SEC;
  la_tick(r->a.s, r->now);
  last_sent(r);
}
static void rig_free(struct rig *r) {
  node_free(&r->a);
  node_free(&r->b);
}

/* An error that quotes `keep` bytes of the packet sent, its sequence number set to seq. */
static void error_in(struct rig *r, bool six, const char *from, uint8_t type, uint8_t code, uint32_t word, uint32_t seq, uint32_t keep) {
  struct pkt p;
  uint8_t quote[2000];
  uint32_t n = keep < r->sent.len ? keep : r->sent.len;
  memcpy(quote, r->sent.b, r->sent.len);
  be32_put(quote + (six ? 40 : 20) + 4, seq);
  uint8_t *b = pkt_ip(&p, from, local(six), six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, 0, 8 + n);
  struct icmp_msg m = {.type = type, .code = code, .word = word, .data = quote, .len = n};
  la__icmp_build(&m, b, 0);
  pkt_sum(&p, 2);
  assert_int_equal(pkt_in(&r->a, 1, &p, r->now), 1);
}

static const char *router(bool six) { return six ? "fd00::77" : "10.0.0.77"; }

/* What each kind of message is, independently of the tables in src/wire. */
enum effect { NOTHING, SOFT, HARD, BIG };
static enum effect effect_of(bool six, uint8_t type, uint8_t code, int *err) {
  *err = LA_EHOSTUNREACH;
  if (six) {
    if (type == 1 && code == 4)
      return *err = LA_ECONNREFUSED, HARD;
    if (type == 1 && code == 0)
      *err = LA_ENETUNREACH;
    if (type == 1)
      return code <= 7 ? SOFT : NOTHING;
    if (type == 4 && code == 1)
      return *err = LA_ECONNREFUSED, HARD;
    return type == 2 ? BIG : type == 3 || type == 4 ? SOFT : NOTHING;
  }
  if (type == 3 && (code == 2 || code == 3))
    return *err = LA_ECONNREFUSED, HARD;
  if (type == 3 && (code == 0 || code == 6 || code == 11))
    *err = LA_ENETUNREACH;
  if (type == 3)
    return code == 4 ? BIG : code <= 15 ? SOFT : NOTHING;
  return type == 11 || type == 12 ? SOFT : NOTHING;
}

static void one(bool six, unsigned where, uint8_t type, uint8_t code, bool from_host, bool again, bool soft_only, int32_t off, bool in) {
  struct rig r;
  la_info_rec i;
  la_event e = {0};
  int err;
  rig_start(&r, where, six, soft_only);
  rig_look(&r, where);
  if (again)
    rig_retransmit(&r, where);
  events(&r.a, 0);
  error_in(&r, six, from_host ? remote(six) : router(six), type, code, 0, (off < 0 ? r.una : r.nxt) + (uint32_t)off + (off < 0),
           UINT32_MAX);
  enum effect want = effect_of(six, type, code, &err);
  bool waiting = r.una != r.nxt;
  if (!in || !waiting || want == BIG) /* nothing that was sent here is too big for any link */
    want = NOTHING;
  bool dies = want == HARD && from_host && (where == S_SYN_SENT || (again && !soft_only));
  assert_int_equal(la_info(r.a.s, r.c, &i), LA_OK);
  unsigned n = events(&r.a, &e);
  if (dies) {
    assert_int_equal(i.state, LA_CLOSED);
    assert_int_equal(e.type, LA_EVENT_END);
    assert_int_equal(e.end.who, LA_BY_NETWORK);
    assert_int_equal(e.end.why, LA_WHY_ICMP);
    assert_int_equal(e.end.err, err);
    assert_int_equal(e.end.state, state_of[where]);
    struct pkt p;
    assert_false(pkt_out(&r.a, 1, &p, r.now)); /* in silence */
  } else {
    assert_int_equal(i.state, state_of[where]);
    assert_int_equal(i.soft_err, want == NOTHING ? LA_OK : err);
    assert_int_equal(n, want == NOTHING ? 0 : 1);
    if (n) {
      assert_int_equal(e.type, LA_EVENT_TROUBLE);
      assert_int_equal(e.err, err);
    }
    assert_int_equal(dropped(&r.a, LA_DROP_ICMP), want == NOTHING);
  }
  rig_free(&r);
}

/* Offsets: negative ones count from SND.UNA (-1 is SND.UNA itself, -2 the byte before), others from SND.NXT. */
static void every_error_in_every_state(bool six) {
  static const struct {
    uint8_t type, codes;
  } rows4[] = {{3, 17}, {4, 1}, {5, 2}, {11, 2}, {12, 3}, {0, 1}, {99, 1}}, rows6[] = {{1, 9}, {2, 1}, {3, 2}, {4, 3}, {5, 1}, {137, 1}};
  static const struct {
    int32_t off;
    bool in;
  } offs[] = {{-1, true}, {-2, false}, {0, false}, {1000000, false}};
  for (unsigned where = 0; where < S_COUNT; where++)
    for (unsigned i = 0; i < (six ? sizeof rows6 / sizeof *rows6 : sizeof rows4 / sizeof *rows4); i++)
      for (uint8_t code = 0; code < (six ? rows6 : rows4)[i].codes; code++)
        for (unsigned mode = 0; mode < 4; mode++)
          for (unsigned o = 0; o < sizeof offs / sizeof *offs; o++) {
            if (o && (mode != 3 || code > 4)) /* outside the window it is enough to try the most dangerous ones */
              continue;
            one(six, where, (six ? rows6 : rows4)[i].type, code, mode & 1, mode & 2, false, offs[o].off, offs[o].in);
          }
}
static void every_error_in_every_state4(void **state) {
  (void)state;
  every_error_in_every_state(false);
}
static void every_error_in_every_state6(void **state) {
  (void)state;
  every_error_in_every_state(true);
}

static void hard_is_soft_when_configured(void **state) {
  (void)state;
  for (unsigned where = 0; where < S_COUNT; where++)
    for (unsigned six = 0; six < 2; six++)
      one(six, where, six ? 1 : 3, six ? 4 : 3, true, true, true, -1, true);
}

/* The last byte in flight counts, and on an idle connection the keepalive probe does. */
static void edges_of_what_is_in_flight(void **state) {
  (void)state;
  struct rig r;
  la_info_rec i;
  rig_start(&r, S_DATA, false, false);
  rig_look(&r, S_DATA);
  error_in(&r, false, router(false), 3, 1, 0, r.nxt - 1, UINT32_MAX);
  la_info(r.a.s, r.c, &i);
  assert_int_equal(i.soft_err, LA_EHOSTUNREACH);
  rig_free(&r);
  rig_start(&r, S_IDLE, false, false);
  rig_look(&r, S_IDLE);
  la_set_option(r.a.s, r.c, LA_OPT_KEEPIDLE, 10, r.now);
  la_set_option(r.a.s, r.c, LA_OPT_KEEPALIVE, 1, r.now);
  error_in(&r, false, router(false), 3, 1, 0, r.nxt - 1, UINT32_MAX);
  la_info(r.a.s, r.c, &i);
  assert_int_equal(i.soft_err, LA_OK);
  r.now += 11 * LA_SEC;
  la_tick(r.a.s, r.now);
  last_sent(&r);
  error_in(&r, false, router(false), 3, 1, 0, r.nxt - 1, UINT32_MAX);
  la_info(r.a.s, r.c, &i);
  assert_int_equal(i.soft_err, LA_EHOSTUNREACH);
  rig_free(&r);
}

/* Eight bytes of the segment are enough (RFC 792); fewer, a damaged quote or one of somebody else's packet mean nothing. */
static void cut_and_wrong_quotes(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    uint32_t ip = six ? 40 : 20;
    for (uint32_t keep = 0; keep <= ip + 20; keep++) {
      struct rig r;
      rig_start(&r, S_SYN_SENT, six, false);
      error_in(&r, six, remote(six), six ? 1 : 3, six ? 4 : 3, 0, r.seg.seq, keep);
      la_info_rec i;
      assert_int_equal(la_info(r.a.s, r.c, &i), LA_OK);
      assert_int_equal(i.state, keep >= ip + 8 ? LA_CLOSED : LA_SYN_SENT);
      rig_free(&r);
    }
    static const uint8_t at4[] = {0, 6, 7, 9, 12, 15, 16, 19, 20, 21, 22, 23}, at6[] = {0, 6, 8, 23, 24, 39, 40, 41, 42, 43};
    for (unsigned k = 0; k < (six ? sizeof at6 : sizeof at4); k++) { /* version, offset, protocol, addresses, ports */
      struct rig r;
      rig_start(&r, S_SYN_SENT, six, false);
      r.sent.b[(six ? at6 : at4)[k]] ^= 0x11;
      error_in(&r, six, remote(six), six ? 1 : 3, six ? 4 : 3, 0, r.seg.seq, UINT32_MAX);
      la_info_rec i;
      assert_int_equal(la_info(r.a.s, r.c, &i), LA_OK);
      assert_int_equal(i.state, LA_SYN_SENT);
      rig_free(&r);
    }
  }
}

/* Packet too big. */
static uint32_t mss_after(bool six, uint32_t mtu, uint32_t off, uint32_t claim) {
  struct rig r;
  static uint8_t data[1448];
  la_info_rec i;
  rig_start(&r, S_DATA, six, false);
  la_set_option(r.a.s, r.c, LA_OPT_NODELAY, 1, r.now);
  la_send(r.a.s, r.c, data, six ? sizeof data - 20 : sizeof data); /* 1500 bytes leave */
  last_sent(&r);
  if (claim)
    be16_put(r.sent.b + (six ? 4 : 2), claim);
  error_in(&r, six, router(six), six ? 2 : 3, six ? 0 : 4, mtu, r.seg.seq + off, UINT32_MAX);
  la_info(r.a.s, r.c, &i);
  assert_int_equal(i.state, LA_ESTABLISHED);
  assert_int_equal(i.soft_err, LA_OK);
  rig_free(&r);
  return i.mss;
}

static void segment_size_after_too_big(void **state) {
  (void)state;
  enum { FULL4 = 1460 - 12, FULL6 = 1440 - 12 };
  assert_int_equal(mss_after(false, 1000, 0, 0), 1000 - 52);
  assert_int_equal(mss_after(false, 576, 0, 0), 576 - 52);
  assert_int_equal(mss_after(false, 575, 0, 0), 576 - 52);
  assert_int_equal(mss_after(false, 68, 0, 0), 576 - 52);
  assert_int_equal(mss_after(false, 1, 0, 0), 576 - 52);
  assert_int_equal(mss_after(false, 0, 0, 1500), 1492 - 52); /* the plateaus of RFC 1191 7.1 */
  assert_int_equal(mss_after(false, 0, 0, 1492), 1006 - 52);
  assert_int_equal(mss_after(false, 0, 0, 1006), 576 - 52);
  assert_int_equal(mss_after(false, 1500, 0, 0), FULL4); /* as large as what it quotes */
  assert_int_equal(mss_after(false, 1500, 0, 1600), FULL4);
  assert_int_equal(mss_after(false, 0, 0, 9000), 1492 - 52); /* whatever it says that it quotes */
  assert_int_equal(mss_after(false, 1499, 0, 1500), 1499 - 52);
  assert_int_equal(mss_after(false, 9000, 0, 0), FULL4);
  assert_int_equal(mss_after(false, 1000, 5000, 0), FULL4); /* not in flight */
  assert_int_equal(mss_after(true, 1300, 0, 0), 1300 - 72);
  assert_int_equal(mss_after(true, 1280, 0, 0), 1280 - 72);
  assert_int_equal(mss_after(true, 1279, 0, 0), FULL6); /* RFC 8201 4: such a message is discarded */
  assert_int_equal(mss_after(true, 0, 0, 0), FULL6);
  assert_int_equal(mss_after(true, 100000, 0, 0), FULL6);
  assert_int_equal(mss_after(true, 1280, 5000, 0), FULL6);
}

/* From a to b over a router with an MTU that says so, once the flight is through. */
static void through(struct node *a, struct node *b, bool six, uint32_t mtu, la_time now) {
  static struct pkt p, errors[32];
  unsigned n = 0;
  while (pkt_out(a, 1, &p, now)) {
    pkt_check(&p);
    if (p.len <= mtu) {
      pkt_in(b, 1, &p, now);
      continue;
    }
    struct icmp_msg m = {.type = six ? 2 : 3, .code = six ? 0 : 4, .word = mtu, .data = p.b, .len = six ? 1232 : 28};
    assert_true(n < 32);
    uint8_t *at = pkt_ip(&errors[n], router(six), local(six), six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, 0, 8 + m.len);
    la__icmp_build(&m, at, 0);
    pkt_sum(&errors[n++], 2);
  }
  for (unsigned i = 0; i < n; i++)
    pkt_in(a, 1, &errors[i], now);
}

/* A stream crosses a narrower link on the way without waiting for any clock: what was too big goes again at once, smaller. */
static void path_mtu_is_found_without_a_timeout(void **state) {
  (void)state;
  static uint8_t out[100000], in[100000];
  for (size_t i = 0; i < sizeof out; i++)
    out[i] = (uint8_t)(i ^ i >> 8);
  for (unsigned six = 0; six < 2; six++) {
    struct node a, b;
    la_conn c, d;
    la_listener l;
    la_info_rec i;
    la_time now = LA_SEC;
    node_simple(&a, 1);
    node_simple(&b, 2);
    join(&a, &b, &(la_connect_opts){.remote = addr(remote(six)), .remote_port = PORT}, &c, &d, &l, now);
    size_t sent = 0, got = 0;
    for (unsigned round = 0; got < sizeof in; round++) {
      assert_true(round < 1000);
      ptrdiff_t n = la_send(a.s, c, out + sent, sizeof out - sent);
      sent += n > 0 ? (size_t)n : 0;
      through(&a, &b, six, six ? 1300 : 900, now);
      n = la_recv(b.s, d, in + got, sizeof in - got);
      got += n > 0 ? (size_t)n : 0;
      carry(&b, 1, &a, 1, now);
      now += LA_MS; /* far from any retransmission */
      la_tick(a.s, now);
      la_tick(b.s, now);
    }
    assert_memory_equal(in, out, sizeof in);
    la_info(a.s, c, &i);
    assert_int_equal(i.mss, six ? 1300 - 72 : 900 - 52);
    assert_int_equal(i.backoff, 0);
    assert_true(i.cwnd > 14000);            /* no congestion was seen: RFC 8201 5.4 */
    assert_in_range(i.retransmits, 10, 20); /* the first flight, in smaller pieces, and nothing twice */
    node_free(&a);
    node_free(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_error_in_every_state4),
    cmocka_unit_test(every_error_in_every_state6),
    cmocka_unit_test(hard_is_soft_when_configured),
    cmocka_unit_test(edges_of_what_is_in_flight),
    cmocka_unit_test(cut_and_wrong_quotes),
    cmocka_unit_test(segment_size_after_too_big),
    cmocka_unit_test(path_mtu_is_found_without_a_timeout),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
