/* SPDX-License-Identifier: MIT */
/* Reassembly: any order, overlaps, sizes that do not fit, bounds, clocks, what is told to the sender, memory that fails. */
#include "tests/unit/net_test.h"

#include "wire/icmp.h"

/* Whole packets are echo requests: their answer shows that all bytes came together. */
enum { NEXT_DEST = 60, NEXT_FRAG = 44 };
static struct pkt in, out;
static uint8_t whole[65536]; /* the payload of the packet that is sent in fragments */
static uint32_t whole_len;

static const char *src(bool six) { return six ? "fd00::9" : "10.0.0.9"; }
static const char *dst(bool six) { return six ? "fd00::1" : "10.0.0.1"; }

static void config(struct node *n) {
  node_config(n, 1);
  n->cfg.icmp_per_sec = 0;
}
static void start(struct node *n) {
  node_start(n);
  node_link(n, 65535);
  node_addr(n, 1, "10.0.0.1", 24);
  node_addr(n, 1, "fd00::1", 64);
}
static void simple(struct node *n) {
  config(n);
  start(n);
}

static void make_whole(bool six, uint32_t len) {
  static uint8_t data[65536];
  static struct pkt p;
  for (uint32_t i = 0; i < len; i++)
    data[i] = (uint8_t)(i * 11 + i / 251);
  struct icmp_msg m = {.type = six ? ICMP6_ECHO : ICMP4_ECHO, .word = 0x1234, .data = data, .len = len - 8};
  uint8_t *b = pkt_ip(&p, src(six), dst(six), six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, 0, len);
  la__icmp_build(&m, b, 0);
  pkt_sum(&p, 2);
  memcpy(whole, b, len);
  whole_len = len;
}

static uint8_t tos; /* of the fragments */

/* A fragment with `n` bytes of its own. */
static void fragment_of(bool six, uint32_t id, uint32_t off, const uint8_t *data, uint32_t n, bool more, uint8_t proto) {
  if (six) {
    uint8_t *b = pkt_ip(&in, src(true), dst(true), NEXT_FRAG, 0, 8 + n);
    b[0] = proto;
    b[1] = 0;
    be16_put(b + 2, off | more);
    be32_put(b + 4, id);
    memcpy(b + 8, data, n);
    in.b[0] = (uint8_t)(0x60 | tos >> 4);
    in.b[1] = (uint8_t)(tos << 4);
    return;
  }
  struct ip_hdr h = {.src = addr(src(false)), .dst = addr(dst(false)), .proto = proto, .ttl = 64, .tos = tos, .len = n};
  h.frag_id = id;
  h.frag_off = (uint16_t)off;
  h.frag_more = more;
  unsigned hlen = la__ip4_build(&h, in.b);
  memcpy(in.b + hlen, data, n);
  in.len = hlen + n;
}
static void frag(struct node *n, bool six, uint32_t id, uint32_t off, uint32_t len, bool more, la_time now) {
  fragment_of(six, id, off, whole + off, len, more, six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP);
  assert_int_equal(pkt_in(n, 1, &in, now), 1);
}
/* The answer to the whole, if there is one. */
static bool answered(struct node *n, la_time now) {
  if (!pkt_out(n, 1, &out, now))
    return false;
  struct ip_hdr h = pkt_check(&out);
  assert_int_equal(h.len, whole_len);
  assert_memory_equal(out.b + h.hlen + 4, whole + 4, whole_len - 4);
  assert_false(pkt_out(n, 1, &out, now));
  return true;
}

static void any_order(void **state) {
  (void)state;
  static const uint32_t sizes[] = {16, 24, 1000, 4096, 4097, 20000, 65000};
  uint64_t rnd = 3;
  struct node n;
  simple(&n);
  for (unsigned round = 0; round < 200; round++) {
    bool six = round & 1;
    uint32_t len = sizes[round % 7], cuts = 0, at[130];
    make_whole(six, len);
    for (uint32_t off = 0; off < len;) { /* pieces of random multiples of 8, at most 100 of them */
      at[cuts++] = off;
      off += 8 + rnd_below(&rnd, len / 400 + 3) * 8 + (len > 800 ? len / 100 & ~7u : 0);
    }
    at[cuts] = len;
    uint32_t order[130];
    for (uint32_t i = 0; i < cuts; i++) {
      uint32_t j = rnd_below(&rnd, i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    for (uint32_t i = 0; i < cuts; i++) {
      uint32_t k = order[i];
      assert_false(answered(&n, 0));
      frag(&n, six, round, at[k], at[k + 1] - at[k], k + 1 < cuts, 0);
      if (cuts > 1 && rnd_below(&rnd, 3) == 0 && i + 1 < cuts)
        frag(&n, six, round, at[k], at[k + 1] - at[k], k + 1 < cuts, 0); /* a copy harms nothing */
    }
    assert_true(cuts == 1 || answered(&n, 0));
    while (pkt_out(&n, 1, &out, 0))
      ;
    assert_int_equal(stats_of(&n).chunks, 0);
    assert_int_equal(n.s->frags.slab.used, 0);
  }
  assert_int_equal(dropped(&n, LA_DROP_FRAG_OVERLAP), 0);
  assert_true(dropped(&n, LA_DROP_DUP_FRAG) > 0);
  assert_int_equal(la_deadline(n.s), LA_NEVER);
  node_free(&n);
}

/* RFC 3168 5.3, seen on the answer, which has the question's class. */
static void marks(void **state) {
  (void)state;
  enum { NOT = 0, ECT1 = 1, ECT0 = 2, CE = 3, LOST = 9 };
  static const uint8_t row[][4] = {{NOT, NOT, NOT, NOT},    {ECT0, ECT0, ECT0, ECT0}, {ECT0, CE, ECT0, CE}, {CE, ECT0, ECT0, CE},
                                   {ECT1, ECT1, CE, CE},    {CE, CE, CE, CE},         {NOT, CE, NOT, LOST}, {CE, NOT, ECT0, LOST},
                                   {ECT0, NOT, ECT0, ECT0}, {NOT, ECT0, ECT0, NOT}};
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++)
    for (int six = 0; six < 2; six++) {
      struct node n;
      simple(&n);
      make_whole(six, 600);
      for (uint32_t k = 0; k < 3; k++) {
        tos = (uint8_t)(0x28 | row[i][k]);
        frag(&n, six, 7, 200 * k, 200, k < 2, 0);
      }
      tos = 0;
      assert_int_equal(answered(&n, 0), row[i][3] != LOST);
      assert_int_equal(dropped(&n, LA_DROP_FRAGMENT), row[i][3] == LOST);
      if (row[i][3] != LOST)
        assert_int_equal((six ? (out.b[0] << 4 | out.b[1] >> 4) & 255 : out.b[1]), 0x28 | row[i][3]);
      assert_int_equal(stats_of(&n).chunks, 0);
      node_free(&n);
    }
}

/* Two packets at once, told apart by identification, addresses and, over IPv4, protocol. */
static void datagrams_are_told_apart(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    simple(&n);
    make_whole(six, 64);
    frag(&n, six, 1, 0, 32, true, 0);
    frag(&n, six, 2, 32, 32, false, 0);
    assert_false(answered(&n, 0));
    frag(&n, six, 1, 32, 32, false, 0);
    assert_true(answered(&n, 0));
    fragment_of(six, 2, 0, whole, 32, true, six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP); /* the same number from another source */
    in.b[six ? 23 : 15] ^= 1;
    if (!six) {
      be16_put(in.b + 10, 0);
      be16_put(in.b + 10, la__sum_finish(la__sum(0, in.b, 20)));
    }
    pkt_in(&n, 1, &in, 0);
    assert_false(answered(&n, 0));
    fragment_of(six, 2, 0, whole, 32, true, 99); /* another protocol: over IPv4 another packet; over IPv6 the first fragment's counts */
    pkt_in(&n, 1, &in, 0);
    assert_int_equal(pkt_out(&n, 1, &out, 0), six);
    frag(&n, six, 2, 0, 32, true, 0);
    assert_int_equal(answered(&n, 0), !six);
    node_free(&n);
  }
}

/* First what came, then what overlaps it: never is anything delivered, and what follows finds it dead. */
static void overlaps_drop_the_datagram(void **state) {
  (void)state;
  static const struct {
    uint32_t off, len;
    bool more;
  } rows[] = {
    {0, 24, true}, {8, 24, true}, {16, 16, true}, {16, 24, true},  {24, 8, true},   {16, 48, true},
    {8, 8, true},  {0, 16, true}, {32, 8, true},  {8, 120, false}, {40, 24, false}, {16, 8, false},
  };
  for (unsigned six = 0; six < 2; six++)
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
      struct node n;
      simple(&n);
      make_whole(six, 128);
      frag(&n, six, 7, 16, 32, true, 0); /* bytes 16 to 48 */
      bool apart = rows[i].off + rows[i].len <= 16;
      frag(&n, six, 7, rows[i].off, rows[i].len, rows[i].more, 0);
      if (rows[i].off + rows[i].len <= 16 && !rows[i].more)
        apart = false; /* an end before what is there already */
      assert_int_equal(dropped(&n, LA_DROP_FRAG_OVERLAP), !apart);
      if (apart) {
        node_free(&n);
        continue;
      }
      assert_int_equal(stats_of(&n).chunks, 0);
      frag(&n, six, 7, 0, 16, true, 0);
      frag(&n, six, 7, 16, 32, true, 0);
      frag(&n, six, 7, 48, 80, false, 0);
      assert_false(answered(&n, 0)); /* RFC 5722 4: those not yet received too */
      assert_int_equal(dropped(&n, LA_DROP_FRAGMENT), 3);
      la_tick(n.s, 61 * LA_SEC);
      assert_false(pkt_out(&n, 1, &out, 61 * LA_SEC)); /* silently */
      frag(&n, six, 7, 0, 64, true, 62 * LA_SEC);      /* the number may be used again */
      frag(&n, six, 7, 64, 64, false, 62 * LA_SEC);
      assert_true(answered(&n, 62 * LA_SEC));
      node_free(&n);
    }
}

static void copies_must_be_exact(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++)
    for (unsigned what = 0; what < 4; what++) {
      struct node n;
      simple(&n);
      make_whole(six, 5000);
      frag(&n, six, 7, 4000, 1000, false, 0);
      frag(&n, six, 7, 0, 2000, true, 0);
      if (what == 1)
        whole[1999] ^= 1; /* other bytes */
      if (what == 2)
        frag(&n, six, 7, 4000, 1000, true, 0); /* the end is no end any more */
      else
        frag(&n, six, 7, what == 3 ? 4000 : 0, what == 3 ? 1000 : 2000, what != 3, 0);
      bool exact = what == 0 || what == 3;
      assert_int_equal(dropped(&n, LA_DROP_DUP_FRAG), exact);
      assert_int_equal(dropped(&n, LA_DROP_FRAG_OVERLAP), !exact);
      make_whole(six, 5000);
      frag(&n, six, 7, 2000, 2000, true, 0);
      assert_int_equal(answered(&n, 0), exact);
      node_free(&n);
    }
}

static void ends_that_contradict(void **state) {
  (void)state;
  static const struct {
    uint32_t off, len;
    bool more;
  } rows[] = {{64, 8, true}, {56, 8, true}, {72, 8, false}, {40, 8, false}, {64, 8, false}};
  for (unsigned six = 0; six < 2; six++)
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
      struct node n;
      simple(&n);
      make_whole(six, 128);
      frag(&n, six, 7, 48, 8, false, 0); /* the end is at 56 */
      frag(&n, six, 7, rows[i].off, rows[i].len, rows[i].more, 0);
      assert_int_equal(dropped(&n, LA_DROP_FRAG_OVERLAP), 1);
      node_free(&n);
      simple(&n);
      frag(&n, six, 7, 64, 8, true, 0); /* there is something past 64 */
      frag(&n, six, 7, 48, 8, false, 0);
      assert_int_equal(dropped(&n, LA_DROP_FRAG_OVERLAP), 1);
      node_free(&n);
    }
}

/* The error that came out: type, code and pointer; false when none did. */
static bool told(struct node *n, la_time now, struct icmp_msg *m) {
  if (!pkt_out(n, 1, &out, now))
    return false;
  struct ip_hdr h = pkt_check(&out);
  assert_int_equal(h.src.family == 6 ? la__icmp6_parse(m, out.b + h.hlen, h.len, 0, true) : la__icmp4_parse(m, out.b + h.hlen, h.len, true),
                   LA_DROP_NONE);
  return true;
}

static void malformed_fragments(void **state) {
  (void)state;
  struct node n;
  struct icmp_msg m;
  simple(&n);
  make_whole(false, 128);
  frag(&n, false, 1, 8, 0, false, 0); /* nothing in it */
  frag(&n, false, 1, 8, 0, true, 0);
  frag(&n, false, 1, 8, 7, true, 0); /* not a multiple of 8 */
  frag(&n, false, 1, 8, 9, true, 0);
  assert_int_equal(dropped(&n, LA_DROP_FRAGMENT), 4);
  assert_int_equal(n.s->frags.slab.used, 0);
  assert_false(told(&n, 0, &m));
  fragment_of(false, 1, 65528, whole, 8, false, 1); /* past 65535, header included */
  pkt_in(&n, 1, &in, 0);
  fragment_of(false, 1, 65512, whole, 8, false, 1);
  pkt_in(&n, 1, &in, 0);
  assert_int_equal(n.s->frags.slab.used, 0);
  fragment_of(false, 1, 65504, whole, 8, false, 1); /* the last byte that there may be */
  pkt_in(&n, 1, &in, 0);
  assert_int_equal(n.s->frags.slab.used, 1);

  make_whole(true, 128);
  frag(&n, true, 1, 8, 0, false, 0);
  assert_false(told(&n, 0, &m));
  fragment_of(true, 1, 0, whole, 9, true, 99);
  pkt_in(&n, 1, &in, 0);
  assert_true(told(&n, 0, &m));
  assert_true(m.type == 4 && m.code == 0 && m.word == 4); /* RFC 8200 4.5: the payload length is at fault */
  fragment_of(true, 1, 65528, whole, 8, false, 99);
  pkt_in(&n, 1, &in, 0);
  assert_true(told(&n, 0, &m));
  assert_true(m.type == 4 && m.code == 0 && m.word == 42); /* the fragment offset is */
  fragment_of(true, 1, 65528, whole, 7, false, 99);
  pkt_in(&n, 1, &in, 0);
  assert_false(told(&n, 0, &m));
  node_free(&n);
}

/* RFC 7112: all headers are in the first fragment, or it is none. */
static void first_fragment_holds_the_headers(void **state) {
  (void)state;
  static const struct {
    uint8_t proto;
    uint32_t len; /* bytes in the first fragment */
    uint8_t next; /* of an options header of 8 bytes; 0: none */
    int code;     /* -1: taken */
  } rows[] = {
    {IP_PROTO_TCP, 16, 0, 3},
    {IP_PROTO_TCP, 24, 0, -1},
    {IP_PROTO_UDP, 8, 0, -1},
    {IP_PROTO_ICMP6, 8, 0, -1},
    {NEXT_DEST, 8, IP_PROTO_UDP, 3},
    {NEXT_DEST, 16, IP_PROTO_UDP, -1},
    {NEXT_DEST, 24, IP_PROTO_TCP, 3},
    {NEXT_DEST, 32, IP_PROTO_TCP, -1},
    {0, 16, 0, 1},
    {NEXT_FRAG, 16, 0, 1},
    {99, 8, 0, -1},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct node n;
    struct icmp_msg m;
    uint8_t b[64] = {rows[i].next, 0, 1, 4};
    simple(&n);
    if (rows[i].proto == IP_PROTO_ICMP6)
      b[0] = 128;
    fragment_of(true, 9, 0, b, rows[i].len, true, rows[i].proto);
    pkt_in(&n, 1, &in, 0);
    assert_int_equal(n.s->frags.slab.used, rows[i].code < 0);
    assert_int_equal(told(&n, 0, &m), rows[i].code >= 0);
    if (rows[i].code >= 0)
      assert_true(m.type == 4 && m.code == rows[i].code && m.word == (rows[i].code == 3 ? 0 : 40));
    node_free(&n);
  }
}

/* RFC 6946: a fragment header on a whole packet changes nothing, whatever else has that number. */
static void atomic_fragments(void **state) {
  (void)state;
  struct node n;
  simple(&n);
  make_whole(true, 64);
  frag(&n, true, 5, 0, 32, true, 0);
  frag(&n, true, 5, 0, 64, false, 0);
  assert_true(answered(&n, 0));
  assert_int_equal(n.s->frags.slab.used, 1);
  frag(&n, true, 5, 32, 32, false, 0);
  assert_true(answered(&n, 0));
  node_free(&n);
}

static void clocks(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    la_time life = (six ? 60 : 30) * LA_SEC;
    struct node n;
    struct icmp_msg m;
    simple(&n);
    make_whole(six, 3000);
    frag(&n, six, 1, 0, 1000, true, LA_SEC); /* has its first fragment */
    frag(&n, six, 2, 1000, 1000, true, 2 * LA_SEC);
    assert_int_equal(la_deadline(n.s), LA_SEC + life);
    frag(&n, six, 1, 1000, 1000, true, 20 * LA_SEC); /* gives no more time */
    assert_int_equal(la_deadline(n.s), LA_SEC + life);
    la_tick(n.s, LA_SEC + life - 1);
    assert_int_equal(n.s->frags.slab.used, 2);
    la_tick(n.s, LA_SEC + life);
    assert_int_equal(n.s->frags.slab.used, 1);
    assert_true(told(&n, LA_SEC + life, &m));
    assert_int_equal(m.type, six ? 3 : 11);
    assert_int_equal(m.code, 1);
    assert_int_equal(out.len, six ? 1096 : 576);
    fragment_of(six, 1, 0, whole, 1000, true, six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP); /* it quotes the first fragment, as it was */
    assert_memory_equal(m.data, in.b, m.len);
    assert_int_equal(la_deadline(n.s), 2 * LA_SEC + life);
    /* input alone notices the time as well: this begins a new packet */
    frag(&n, six, 2, 0, 1000, true, 2 * LA_SEC + life);
    assert_false(told(&n, 2 * LA_SEC + life, &m)); /* its first fragment never came */
    assert_int_equal(n.s->frags.slab.used, 1);
    assert_int_equal(stats_of(&n).frags_timed_out, 2);
    assert_int_equal(la_deadline(n.s), 2 * LA_SEC + 2 * life);
    node_free(&n);
  }
}

/* Nothing is said about a fragment of an ICMP error. */
static void no_error_about_an_error(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    struct node n;
    struct icmp_msg m;
    simple(&n);
    make_whole(six, 3000);
    whole[0] = six ? 1 : 3;
    frag(&n, six, 1, 0, 1000, true, 0);
    la_tick(n.s, 60 * LA_SEC);
    assert_int_equal(stats_of(&n).frags_timed_out, 1);
    assert_false(told(&n, 60 * LA_SEC, &m));
    node_free(&n);
  }
}

static void bounds(void **state) {
  (void)state;
  struct node n;
  config(&n);
  n.cfg.frag_datagrams = 8;
  n.cfg.frag_bytes = 10 * CHUNK_BYTES;
  start(&n);
  make_whole(false, 60000);
  for (uint32_t i = 0; i < 1000; i++) {
    frag(&n, false, i, 8 * (i % 7000), 8, true, 0);
    assert_true(n.s->frags.slab.used <= 8);
    assert_true(stats_of(&n).chunks <= 10);
  }
  assert_int_equal(stats_of(&n).frags_evicted, 992);
  for (uint32_t i = 0; i < 15; i++) { /* 15 chunks are more than there may be: nothing to evict but others */
    frag(&n, false, 5000, 4096 * i, 8, true, 0);
    assert_true(stats_of(&n).chunks <= 10);
  }
  assert_int_equal(dropped(&n, LA_DROP_NOMEM), 5);
  node_free(&n);

  config(&n); /* many tiny ones: a bound too */
  start(&n);
  make_whole(false, 4000);
  for (uint32_t i = 0; i < 200; i++)
    frag(&n, false, 1, 16 * i, 8, true, 0);
  assert_int_equal(dropped(&n, LA_DROP_FRAGMENT), 200 - 128);
  assert_int_equal(stats_of(&n).chunks, 0);
  node_free(&n);

  config(&n);
  n.cfg.frag_datagrams = 0;
  start(&n);
  frag(&n, false, 1, 0, 8, true, 0);
  assert_int_equal(dropped(&n, LA_DROP_FRAGMENT), 1);
  node_free(&n);
}

/* A flood cannot keep a given packet out for sure: eviction is random. */
static void eviction_is_random(void **state) {
  (void)state;
  struct node n;
  config(&n);
  n.cfg.frag_datagrams = 64;
  start(&n);
  make_whole(false, 64);
  unsigned through = 0;
  for (uint32_t round = 0; round < 200; round++) {
    frag(&n, false, 40000 + round, 0, 32, true, 0);
    for (uint32_t i = 0; i < 32; i++)
      frag(&n, false, round * 32 + i, 8, 8, true, 0);
    frag(&n, false, 40000 + round, 32, 32, false, 0);
    through += answered(&n, 0);
  }
  assert_in_range(through, 80, 160); /* (63/64)^32 of 200 is 121 */
  node_free(&n);
}

/* The whole takes the ordinary way: a fragmented TCP segment, and what is in it is checked there. */
static void whole_takes_the_ordinary_way(void **state) {
  (void)state;
  struct node a, b;
  la_conn c, d;
  la_listener l;
  char got[3000];
  static struct pkt p;
  for (unsigned six = 0; six < 2; six++) {
    node_simple(&a, 9);
    node_simple(&b, 1);
    join(&a, &b, &(la_connect_opts){.remote = addr(dst(six)), .remote_port = 80}, &c, &d, &l, 0);
    la_set_option(a.s, c, LA_OPT_NODELAY, 1, 0);
    for (unsigned damaged = 0; damaged < 2; damaged++) {
      memset(got, 'x' + (int)damaged, 1400);
      la_send(a.s, c, got, 1400);
      assert_true(pkt_out(&a, 1, &p, 0));
      struct ip_hdr h = pkt_check(&p);
      memcpy(whole, p.b + h.hlen, h.len);
      whole[h.len - 1] ^= (uint8_t)damaged;
      for (uint32_t off = h.len / 1000 * 1000, i = 0; i < 2; i++, off -= 1000) {
        fragment_of(six, 77 + damaged, off, whole + off, i ? 1000 : h.len - off, i, IP_PROTO_TCP);
        la_frame f = {.data = in.b, .len = in.len, .flags = LA_FRAME_SUM_OK}; /* a device sees no checksum across fragments */
        la_input(b.s, 1, &f, 1, 0);
      }
      assert_int_equal(la_recv(b.s, d, got, sizeof got), damaged ? LA_AGAIN : 1400);
    }
    assert_int_equal(dropped(&b, LA_DROP_TCP_CSUM), 1);
    assert_int_equal(stats_of(&b).reassembled, 2);
    node_free(&a);
    node_free(&b);
  }
}

/* Every allocation fails once; nothing leaks, and later packets come together. */
static void memory_fails(void **state) {
  (void)state;
  for (uint64_t k = 0; k < 12; k++) {
    struct node n;
    simple(&n);
    make_whole(k & 1, 10000);
    n.mem.fail_at = n.mem.calls + 1 + k / 2;
    for (uint32_t id = 0; id < 2; id++) {
      frag(&n, k & 1, id, 0, 5000, true, 0);
      frag(&n, k & 1, id, 5000, 5000, false, 0);
      bool ok = answered(&n, 0);
      assert_true(ok || id == 0);
    }
    node_free(&n);
  }
  struct node n; /* a stack that is freed with packets half there */
  simple(&n);
  make_whole(false, 60000);
  for (uint32_t i = 0; i < 50; i++)
    frag(&n, false, i, 0, 1000 + 8 * i, true, 0);
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_order),
    cmocka_unit_test(marks),
    cmocka_unit_test(datagrams_are_told_apart),
    cmocka_unit_test(overlaps_drop_the_datagram),
    cmocka_unit_test(copies_must_be_exact),
    cmocka_unit_test(ends_that_contradict),
    cmocka_unit_test(malformed_fragments),
    cmocka_unit_test(first_fragment_holds_the_headers),
    cmocka_unit_test(atomic_fragments),
    cmocka_unit_test(clocks),
    cmocka_unit_test(no_error_about_an_error),
    cmocka_unit_test(bounds),
    cmocka_unit_test(eviction_is_random),
    cmocka_unit_test(whole_takes_the_ordinary_way),
    cmocka_unit_test(memory_fails),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
