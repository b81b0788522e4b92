/* SPDX-License-Identifier: MIT */
/* Text and FIN: overlaps, holes, SACK blocks, the FIN in every order, and bounds (RFC 9293 3.10.7.4, seventh and eighth step). */
#include "dialogue.h"

#include "base/prng.h"
#include "base/seq.h"

static void none(la_config *c) { (void)c; }

static struct dlg *open_with(void (*tweak)(la_config *), unsigned options) {
  struct dlg *d = dlg_new(tweak);
  d->f.syn.have |= (uint8_t)options;
  d->f.syn.wscale = 7;
  establish(d, PASSIVE_OPEN);
  return d;
}

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

static void expect_read(struct dlg *d, uint32_t pos, uint32_t n) {
  uint8_t b[4096];
  while (n) {
    ptrdiff_t r = la_recv(d->s, d->conn, b, n < sizeof b ? n : sizeof b);
    assert_true(r > 0);
    for (ptrdiff_t i = 0; i < r; i++)
      assert_int_equal(b[i], dlg_byte(pos + (uint32_t)i));
    pos += (uint32_t)r;
    n -= (uint32_t)r;
  }
}
static void expect_no_bytes(struct dlg *d) {
  uint8_t b;
  assert_int_equal(la_recv(d->s, d->conn, &b, 1), LA_AGAIN);
}
static void expect_eof(struct dlg *d) {
  uint8_t b;
  assert_int_equal(la_recv(d->s, d->conn, &b, 1), 0);
}

/* D7: all overlaps, each segment with a mark of its own, against a model that keeps the first byte for each position. */
enum { STREAM = 1 << 19 };
struct model {
  uint8_t val[STREAM];
  bool have[STREAM];
  uint32_t nxt, read; /* positions; position 1 is the first byte */
};

static void model_take(struct model *m, uint32_t at, uint32_t n, uint32_t edge, uint8_t mark) {
  for (uint32_t i = at; i < at + n; i++)
    if (i >= m->nxt && i < edge && !m->have[i]) {
      m->have[i] = true;
      m->val[i] = mark;
    }
  while (m->nxt < edge && m->have[m->nxt])
    m->nxt++;
}

static void model_read(struct dlg *d, struct model *m, uint32_t n) {
  static uint8_t b[STREAM];
  ptrdiff_t r = la_recv(d->s, d->conn, b, n);
  assert_true(r == LA_AGAIN ? m->read == m->nxt : r > 0 && (uint32_t)r <= m->nxt - m->read);
  for (ptrdiff_t i = 0; i < r; i++)
    assert_int_equal(b[i], m->val[m->read + (uint32_t)i]);
  if (r > 0)
    m->read += (uint32_t)r;
}

static void tight(la_config *c) {
  c->rcvbuf = 9000;
  c->max_ooo = 1024;
}
static void wide(la_config *c) { c->max_ooo = 1024; }

static void overlaps(void (*tweak)(la_config *), unsigned options, uint64_t seed) {
  static struct model m;
  static uint8_t piece[2000];
  memset(&m, 0, sizeof m);
  m.nxt = m.read = 1;
  struct prng r;
  la__prng_seed(&r, seed);
  struct dlg *d = open_with(tweak, options);
  for (unsigned turn = 0; turn < 4000 && m.nxt < 150000; turn++) {
    la_info_rec i = info(d);
    uint32_t edge = i.rcv_nxt + i.rcv_wnd - d->f.iss, reach = la__prng_below(&r, 3) ? 3000 : i.rcv_wnd + 500;
    uint32_t n = 1 + la__prng_below(&r, la__prng_below(&r, 2) ? 40 : 1400), back = la__prng_below(&r, 4) ? 0 : n;
    uint32_t at = m.nxt + la__prng_below(&r, reach) * (la__prng_below(&r, 4) != 0);
    at = at > back ? at - back : 1;
    memset(piece, (int)turn, n);
    inject(d, ACK, at, 1, n, .data = piece);
    model_take(&m, at, n, edge, (uint8_t)turn);
    dlg_forget(d);
    assert_int_equal(info(d).rcv_nxt - d->f.iss, m.nxt);
    if (la__prng_below(&r, 3) == 0)
      model_read(d, &m, 1 + la__prng_below(&r, 5000));
  }
  while (m.read < m.nxt)
    model_read(d, &m, STREAM);
  assert_true(m.nxt > 20000);
  la_stats st = dlg_stats(d);
  assert_int_equal(st.drops[LA_DROP_TCP_OFO_QUEUE_PRUNE], 0);
  assert_int_equal(st.drops[LA_DROP_NOMEM], 0);
  dlg_free(d);
}

static void first_byte_wins(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 4; seed++) {
    overlaps(wide, 0, seed);
    overlaps(tight, TCP_OPT_TS | TCP_OPT_SACK_OK, seed + 10);
    overlaps(wide, TCP_OPT_WSCALE | TCP_OPT_SACK_OK, seed + 20);
  }
}

/* SHLD-31, RFC 2525 2.5: what came ahead of a hole is kept, and acknowledged when the hole closes; each such segment draws an ACK. */
static void holes(void **state) {
  (void)state;
  struct dlg *d = open_with(none, 0);
  inject(d, ACK, 1, 1, 100);
  expect_nothing(d); /* delayed */
  inject(d, ACK, 201, 1, 100);
  expect(d, ACK, 1, 101, 0);
  inject(d, ACK, 301, 1, 100);
  inject(d, ACK, 401, 1, 100); /* two at once are answered twice: the peer counts duplicates (RFC 5681 4.2) */
  expect(d, ACK, 1, 101, 0);
  expect(d, ACK, 1, 101, 0);
  expect_nothing(d);
  inject(d, ACK, 101, 1, 100);
  expect(d, ACK, 1, 501, 0); /* at once, since it fills a hole */
  expect_nothing(d);
  expect_read(d, 1, 500);
  expect_no_bytes(d);
  inject(d, ACK, 451, 1, 100); /* half old */
  dlg_advance(d, 500 * LA_MS);
  expect(d, ACK, 1, 551, 0);
  expect_read(d, 501, 50);
  dlg_free(d);
}

/* A duplicate ACK travels alone, or the peer does not count it (RFC 5681 2: "carries no data"). */
static void duplicate_acks_travel_alone(void **state) {
  (void)state;
  struct dlg *d = open_with(none, 0);
  for (uint32_t i = 0; i < 3; i++) {
    inject(d, ACK, 101 + 100 * i, 1, 100);
    assert_int_equal(dlg_send(d, 1 + 1460 * i, 1460), 1460);
    expect(d, ACK, 1 + 1460 * i, 1, 0);
    expect(d, ACK, 1 + 1460 * i, 1, 1460);
  }
  expect_nothing(d);
  dlg_free(d);
}

static void expect_blocks(struct dlg *d, uint32_t ack, unsigned n, const uint32_t lo_hi[][2]) {
  const struct dlg_seg *o = expect(d, ACK, 1, ack, 0);
  assert_int_equal(o->seg.opt.nsack, n);
  for (unsigned i = 0; i < n; i++) {
    assert_int_equal(o->seg.opt.sack[i].lo - d->f.iss, lo_hi[i][0]);
    assert_int_equal(o->seg.opt.sack[i].hi - d->f.iss, lo_hi[i][1]);
  }
}

/* RFC 2018 4: the block of the latest segment first, then the most recently reported ones; at most 4, 3 beside timestamps. */
static void sack_blocks(void **state) {
  (void)state;
  for (int ts = 0; ts < 2; ts++) {
    struct dlg *d = open_with(none, TCP_OPT_SACK_OK | (ts ? TCP_OPT_TS : 0u));
    unsigned most = ts ? 3 : 4;
    inject(d, ACK, 501, 1, 100);
    expect_blocks(d, 1, 1, (const uint32_t[][2]){{501, 601}});
    inject(d, ACK, 101, 1, 100);
    expect_blocks(d, 1, 2, (const uint32_t[][2]){{101, 201}, {501, 601}});
    inject(d, ACK, 901, 1, 100);
    expect_blocks(d, 1, 3, (const uint32_t[][2]){{901, 1001}, {101, 201}, {501, 601}});
    inject(d, ACK, 301, 1, 100);
    expect_blocks(d, 1, most, (const uint32_t[][2]){{301, 401}, {901, 1001}, {101, 201}, {501, 601}});
    inject(d, ACK, 601, 1, 100); /* joins the oldest, which is now the latest */
    expect_blocks(d, 1, most, (const uint32_t[][2]){{501, 701}, {301, 401}, {901, 1001}, {101, 201}});
    inject(d, ACK, 401, 1, 100); /* joins two reported ones */
    expect_blocks(d, 1, 3, (const uint32_t[][2]){{301, 701}, {901, 1001}, {101, 201}});
    inject(d, ACK, 911, 1, 10); /* a duplicate inside a block: itself first (RFC 2883 4.2), then that block */
    expect_blocks(d, 1, most, (const uint32_t[][2]){{911, 921}, {901, 1001}, {301, 701}, {101, 201}});
    inject(d, ACK, 1, 1, 100); /* moves RCV.NXT: no block below it */
    expect_blocks(d, 201, 2, (const uint32_t[][2]){{901, 1001}, {301, 701}});
    inject(d, ACK, 201, 1, 100);
    expect_blocks(d, 701, 1, (const uint32_t[][2]){{901, 1001}});
    inject(d, ACK, 701, 1, 200);
    expect_blocks(d, 1001, 0, NULL);
    expect_read(d, 1, 1000);
    dlg_free(d);
  }
}

static void no_sack_unless_agreed(void **state) {
  (void)state;
  struct dlg *d = open_with(none, TCP_OPT_TS);
  inject(d, ACK, 501, 1, 100);
  expect_blocks(d, 1, 0, NULL);
  dlg_free(d);
}

/* B3: an out-of-order flood costs no more than the window and max_ooo intervals; the segment at RCV.NXT is taken even then. */
static void few_holes(la_config *c) { c->max_ooo = 8; }

static void flood_of_holes(void **state) {
  (void)state;
  struct dlg *d = open_with(few_holes, TCP_OPT_SACK_OK);
  for (uint32_t pos = 1002; pos < 60000; pos += 2) { /* all even positions, one byte each */
    inject(d, ACK, pos, 1, 1);
    dlg_forget(d);
  }
  la_stats st = dlg_stats(d);
  assert_true(st.drops[LA_DROP_TCP_OFO_QUEUE_PRUNE] > 29000);
  assert_true(d->mem.live < 400000);
  assert_true(st.chunks <= 17);
  /* An ACK goes back for each, dropped or not: the peer learns where we are. */
  inject(d, ACK, 50001, 1, 1);
  expect(d, ACK, 1, 1, 0);
  /* In order, without touching the first interval. */
  inject(d, ACK, 1, 1, 500);
  expect(d, ACK, 1, 501, 0);
  inject(d, ACK, 501, 1, 100);
  expect(d, ACK, 1, 601, 0);
  expect_read(d, 1, 600);
  inject(d, ACK, 601, 1, 1400); /* over all eight intervals and the odd bytes between */
  expect(d, ACK, 1, 2001, 0);
  expect_read(d, 601, 1400);
  expect_no_bytes(d);
  dlg_free(d);
}

/* The same with every order of a few segments and a set of intervals that is too small: all arrives in the end. */
static void one_hole(la_config *c) { c->max_ooo = 1; }

static void retransmission_gets_through(void **state) {
  (void)state;
  struct prng r;
  la__prng_seed(&r, 5);
  for (unsigned run = 0; run < 200; run++) {
    struct dlg *d = open_with(one_hole, TCP_OPT_SACK_OK);
    for (unsigned k = 0; k < 30; k++) {
      inject(d, ACK, 1 + 100 * la__prng_below(&r, 20), 1, 100 + 50 * la__prng_below(&r, 3));
      dlg_forget(d);
    }
    for (uint32_t nxt; (nxt = info(d).rcv_nxt - d->f.iss) < 2001;) { /* as a sender does: from the first byte missing */
      inject(d, ACK, nxt, 1, 70);
      dlg_forget(d);
      assert_true(info(d).rcv_nxt - d->f.iss >= nxt + 70);
    }
    expect_read(d, 1, 2000);
    dlg_free(d);
  }
}

/* C12: data and FIN in every order, doubled, merged and cut; the end of stream comes after the last byte, once. */
static void fin_permutations(void **state) {
  (void)state;
  static const struct {
    uint32_t at, len;
    unsigned fin;
  } part[] = {{1, 100, 0}, {101, 100, 0}, {201, 100, FIN}, {301, 0, FIN}, {151, 150, FIN}};
  enum { PARTS = 5 };
  for (unsigned code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
    unsigned used = 0, order[PARTS], rest = code;
    for (unsigned i = 0; i < PARTS; i++, rest /= 5) {
      order[i] = rest % 5;
      used |= 1u << order[i];
    }
    bool whole = (used & 3) == 3 && used & (4 | 16);
    struct dlg *d = open_with(none, code & 1 ? TCP_OPT_SACK_OK | TCP_OPT_TS : 0);
    for (unsigned i = 0; i < PARTS; i++) {
      inject(d, ACK | part[order[i]].fin, part[order[i]].at, 1, part[order[i]].len);
      dlg_pump(d);
    }
    unsigned fins = 0;
    for (size_t i = 0; i < d->nev; i++)
      fins += d->ev[i].type == LA_EVENT_PEER_FIN;
    if (whole) {
      assert_int_equal(fins, 1);
      assert_int_equal(info(d).rcv_nxt - d->f.iss, 302);
      expect_read(d, 1, 300);
      expect_eof(d);
      expect_state(d, LA_CLOSE_WAIT);
    } else {
      uint32_t upto = info(d).rcv_nxt - d->f.iss;
      assert_int_equal(fins, upto == 302);
      expect_read(d, 1, (upto > 301 ? 301 : upto) - 1);
      if (upto < 302)
        expect_no_bytes(d);
    }
    dlg_free(d);
  }
}

/* After the FIN there is no text (E-20), and what claims to lie behind it is cut off. */
static void nothing_after_fin(void **state) {
  (void)state;
  struct dlg *d = open_with(none, 0);
  inject(d, ACK | FIN, 101, 1, 50); /* ahead of a hole */
  expect(d, ACK, 1, 1, 0);
  inject(d, ACK, 151, 1, 500); /* behind that FIN */
  dlg_forget(d);
  inject(d, ACK, 1, 1, 400); /* over it */
  expect(d, ACK, 1, 152, 0);
  expect_state(d, LA_CLOSE_WAIT);
  inject(d, ACK, 152, 1, 100);
  dlg_forget(d);
  assert_int_equal(info(d).rcv_nxt - d->f.iss, 152);
  expect_read(d, 1, 150);
  expect_eof(d);
  dlg_free(d);
}

/* A FIN below bytes that have come already is nobody's FIN: it must not wedge the stream. */
static void fin_before_kept_data(void **state) {
  (void)state;
  struct dlg *d = open_with(none, TCP_OPT_SACK_OK);
  inject(d, ACK, 201, 1, 100);
  expect(d, ACK, 1, 1, 0);
  inject(d, ACK | FIN, 221, 1, 0);
  dlg_forget(d);
  inject(d, ACK | FIN, 101, 1, 10);
  dlg_forget(d);
  inject(d, ACK, 1, 1, 200);
  expect(d, ACK, 1, 301, 0);
  inject(d, ACK | FIN, 301, 1, 20);
  expect(d, ACK, 1, 322, 0);
  expect_read(d, 1, 320);
  expect_eof(d);
  dlg_free(d);
}

/* A FIN just outside the window is not taken; with room it is. */
static void narrow(la_config *c) { c->rcvbuf = 2048; }

static void fin_at_the_edge(void **state) {
  (void)state;
  struct dlg *d = open_with(narrow, 0);
  inject(d, ACK, 1, 1, 1400);
  inject(d, ACK | FIN, 1401, 1, 649); /* one byte more than there is room for */
  dlg_advance(d, 500 * LA_MS);
  expect(d, ACK, 1, 2049, 0, .wnd = ZERO_WINDOW);
  dlg_forget(d);
  inject(d, ACK | FIN, 2049, 1, 1);
  expect(d, ACK, 1, 2049, 0, .wnd = ZERO_WINDOW);
  expect_state(d, LA_ESTABLISHED);
  expect_read(d, 1, 2048);
  expect(d, ACK, 1, 2049, 0, .wnd = 2048);
  inject(d, ACK | FIN, 2049, 1, 1);
  expect(d, ACK, 1, 2051, 0);
  expect_read(d, 2049, 1);
  expect_eof(d);
  expect_state(d, LA_CLOSE_WAIT);
  dlg_free(d);
}

/* Memory fails at any point: what was not acknowledged comes again, and nothing is delivered twice or wrong. */
static void memory_is_short(void **state) {
  (void)state;
  for (uint64_t n = 1; n < 12; n++) {
    struct dlg *d = open_with(none, TCP_OPT_SACK_OK);
    d->mem.fail_at = d->mem.calls + n;
    inject(d, ACK, 5001, 1, 1400);
    inject(d, ACK, 1, 1, 1400);
    inject(d, ACK | FIN, 9001, 1, 1000);
    dlg_forget(d);
    for (uint32_t pos = 1; pos < 10001; pos += 1000) {
      inject(d, ACK | (pos == 9001 ? FIN : 0u), pos, 1, 1000);
      dlg_forget(d);
    }
    assert_int_equal(info(d).rcv_nxt - d->f.iss, 10002);
    expect_read(d, 1, 10000);
    expect_eof(d);
    dlg_free(d);
  }
}

static void no_chunks(la_config *c) { c->max_chunks = 2; }

static void chunks_are_limited(void **state) {
  (void)state;
  struct dlg *d = open_with(no_chunks, 0);
  uint32_t pos = 1;
  for (; pos < 20001; pos += 1000)
    inject(d, ACK, pos, 1, 1000);
  dlg_advance(d, LA_SEC);
  dlg_forget(d);
  assert_int_equal(info(d).rcv_nxt - d->f.iss, 8193);
  assert_int_equal(dlg_stats(d).chunks, 2);
  assert_true(dlg_stats(d).drops[LA_DROP_NOMEM] > 0);
  expect_read(d, 1, 8192);
  inject(d, ACK, 8193, 1, 1000);
  dlg_advance(d, LA_SEC);
  dlg_forget(d);
  expect_read(d, 8193, 1000);
  dlg_free(d);
}

/* B3: chunks that hold what lies beyond a hole give way to what fills it. */
static void holes_give_way(void **state) {
  (void)state;
  for (unsigned sack = 0; sack < 2; sack++) {
    struct dlg *d = open_with(no_chunks, sack ? TCP_OPT_SACK_OK : 0);
    inject(d, ACK, 4097, 1, 1000); /* both chunks */
    inject(d, ACK, 8193, 1, 1000);
    dlg_forget(d);
    assert_int_equal(dlg_stats(d).chunks, 2);
    for (uint32_t pos = 1; pos < 8193; pos += 512) {
      inject(d, ACK, pos, 1, 512);
      dlg_forget(d);
      assert_int_equal(info(d).rcv_nxt - d->f.iss, pos + 512);
    }
    expect_read(d, 1, 8192);
    inject(d, ACK | FIN, 8193, 1, 1000);
    dlg_forget(d);
    expect_read(d, 8193, 1000);
    expect_eof(d);
    dlg_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(first_byte_wins),      cmocka_unit_test(holes),
    cmocka_unit_test(sack_blocks),          cmocka_unit_test(no_sack_unless_agreed),
    cmocka_unit_test(flood_of_holes),       cmocka_unit_test(retransmission_gets_through),
    cmocka_unit_test(fin_permutations),     cmocka_unit_test(nothing_after_fin),
    cmocka_unit_test(fin_before_kept_data), cmocka_unit_test(fin_at_the_edge),
    cmocka_unit_test(memory_is_short),      cmocka_unit_test(chunks_are_limited),
    cmocka_unit_test(holes_give_way),       cmocka_unit_test(duplicate_acks_travel_alone),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
