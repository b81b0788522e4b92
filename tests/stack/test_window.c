/* SPDX-License-Identifier: MIT */
/* Windows: the peer's that shrinks, closes and opens; our own, whose right edge never moves left (RFC 9293 3.8.6, RFC 7323 2). */
#include "tests/unit/dialogue.h"

#include "base/prng.h"
#include "base/seq.h"

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

static void queue(struct dlg *d, uint32_t pos, uint32_t n) { assert_int_equal(dlg_send(d, pos, n), n); }
static void set(struct dlg *d, enum la_opt o, int64_t v) { assert_int_equal(la_set_option(d->s, d->conn, o, v, d->now), LA_OK); }

static struct dlg *open_window(uint16_t wnd, void (*tweak)(la_config *)) {
  struct dlg *d = dlg_new(tweak);
  d->f.syn.mss = 1000;
  d->wnd = wnd;
  establish(d, PASSIVE_OPEN);
  return d;
}

/* D11, MUST-34, 35, SHLD-15, 16: the window shrinks under what is in flight, to nothing, to a byte, and opens again. */
static void the_peer_shrinks_its_window(void **state) {
  (void)state;
  struct dlg *d = open_window(10000, NULL);
  queue(d, 1, 30000);
  for (uint32_t i = 0; i < 10; i++)
    expect(d, ACK, 1 + 1000 * i, 1, 1000);
  expect_nothing(d);
  inject(d, ACK, 1, 1, 0, .wnd = 3000); /* usable: -7000 */
  expect_nothing(d);
  la_time at = d->now;
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 1, 1000, .at = at + LA_SEC); /* old data within the new edge */
  inject(d, ACK, 1, 1001, 0, .wnd = 2000);
  expect(d, ACK, 1001, 1, 1000);
  expect(d, ACK, 2001, 1, 1000);
  expect_nothing(d); /* nothing past it */
  inject(d, ACK, 1, 1001, 0, .wnd = ZERO_WINDOW);
  at = d->now;
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1001, 1, 1, .at = at + LA_SEC);
  inject(d, ACK, 1, 1001, 0, .wnd = 1);
  expect(d, ACK, 1001, 1, 1);
  expect_nothing(d);
  inject(d, ACK, 1, 1002, 0, .wnd = 5000);
  uint32_t pos = 1002;
  dlg_pump(d);
  while (d->nout) {
    const struct dlg_seg *o = expect(d, ACK, pos, 1, d->out[0].seg.len);
    for (uint32_t i = 0; i < o->seg.len; i++)
      assert_int_equal(o->seg.data[i], dlg_byte(pos + i));
    pos += o->seg.len;
    assert_true(pos <= 1002 + 5000);
  }
  assert_true(pos > 1002);
  for (unsigned i = 0; i < 100 && pos < 30001; i++) { /* and all of it arrives */
    inject(d, ACK, 1, pos, 0, .wnd = 5000);
    dlg_pump(d);
    if (!d->nout)
      dlg_advance(d, LA_SEC);
    while (d->nout) {
      uint32_t end = d->out[0].seg.seq + d->out[0].seg.len - d->f.irs;
      assert_true(d->out[0].seg.seq - d->f.irs <= pos);
      pos = end > pos ? end : pos;
      expect(d, ACK, end - d->out[0].seg.len, 1, d->out[0].seg.len);
    }
  }
  assert_int_equal(pos, 30001);
  dlg_free(d);
}

/* SHLD-17: data beyond an edge that has moved left does not end the connection while the peer speaks. */
static void shrunk_for_long(void **state) {
  (void)state;
  struct dlg *d = open_window(10000, NULL);
  queue(d, 1, 5000);
  dlg_forget(d);
  for (unsigned i = 0; i < 600; i++) {
    inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    dlg_advance(d, LA_SEC);
    dlg_forget(d);
  }
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* D13, E-16: only what is not older than the last news counts: SEG.SEQ past WL1, or the same and SEG.ACK not before WL2. */
static void old_news_of_the_window(void **state) {
  (void)state;
  struct dlg *d = open_window(10000, NULL);
  queue(d, 1, 2000);
  dlg_forget(d);
  inject(d, ACK, 101, 1001, 0, .wnd = 7000); /* SEQ 101: a segment before it is late */
  assert_int_equal(info(d).snd_wnd, 7000);
  inject(d, ACK, 1, 1001, 100, .wnd = 9000); /* older SEQ */
  assert_int_equal(info(d).snd_wnd, 7000);
  inject(d, ACK, 101, 501, 0, .wnd = 9000); /* older ACK */
  assert_int_equal(info(d).snd_wnd, 7000);
  inject(d, ACK, 101, 1001, 0, .wnd = 6000); /* the same: the later one counts */
  assert_int_equal(info(d).snd_wnd, 6000);
  inject(d, ACK, 101, 2001, 0, .wnd = 5000); /* newer ACK */
  assert_int_equal(info(d).snd_wnd, 5000);
  inject(d, ACK, 101, 2001, 50, .wnd = 4000);
  inject(d, ACK, 151, 2001, 0, .wnd = 3000); /* newer SEQ */
  assert_int_equal(info(d).snd_wnd, 3000);
  inject(d, ACK, 101, 2001, 0, .wnd = 65535); /* out of the window altogether */
  assert_int_equal(info(d).snd_wnd, 3000);
  dlg_free(d);
}

/* MUST-1: the field is unsigned; RFC 7323 2.2, 2.3: scaled but in the SYN, by 14 at most. */
static void the_field(void **state) {
  (void)state;
  struct dlg *d = open_window(65535, NULL);
  assert_int_equal(info(d).snd_wnd, 65535);
  inject(d, ACK, 1, 1, 0, .wnd = 32768);
  assert_int_equal(info(d).snd_wnd, 32768);
  dlg_free(d);
  for (unsigned shift = 0; shift < 256; shift += 5) {
    d = dlg_new(NULL);
    d->f.syn.have |= TCP_OPT_WSCALE;
    d->f.syn.wscale = (uint8_t)shift;
    d->wnd = 65535;
    dlg_listen(d);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0, .wnd = 60000);
    dlg_pump(d);
    assert_int_equal(dlg_accept(d), LA_OK);
    assert_int_equal(info(d).snd_wnd, 60000u << (shift < 14 ? shift : 14));
    dlg_free(d);
  }
  d = dlg_new(NULL); /* active: the SYN-ACK's window is not scaled yet */
  d->f.syn.have |= TCP_OPT_WSCALE;
  d->f.syn.wscale = 10;
  d->wnd = 500;
  establish(d, ACTIVE_OPEN);
  assert_int_equal(info(d).snd_wnd, 500);
  inject(d, ACK, 1, 1, 0, .wnd = 500);
  assert_int_equal(info(d).snd_wnd, 500 << 10);
  dlg_free(d);
}

/* One side does not offer scaling: neither scales. */
static void no_scaling(la_config *c) { c->window_scale = 0; }

static void scaling_is_for_both_or_none(void **state) {
  (void)state;
  struct dlg *d = dlg_new(no_scaling);
  d->f.syn.have |= TCP_OPT_WSCALE;
  d->f.syn.wscale = 7;
  d->wnd = 1000;
  establish(d, PASSIVE_OPEN);
  assert_int_equal(info(d).snd_wnd, 1000);
  assert_false(d->f.from.have & TCP_OPT_WSCALE);
  dlg_free(d);
  d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK, 1, 1, 100);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 101, 0, .wnd = 65535 - 100);
  dlg_free(d);
}

/* MUST-66, E-8: at window zero RST, ACK and window news still count; text and FIN do not. */
static void narrow(la_config *c) { c->rcvbuf = 2048; }

static struct dlg *shut(void) {
  struct dlg *d = open_window(5000, narrow);
  inject(d, ACK, 1, 1, 1000);
  inject(d, ACK, 1001, 1, 1048);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 2049, 0, .wnd = ZERO_WINDOW);
  queue(d, 1, 1000);
  expect(d, ACK, 1, 2049, 1000);
  d->nev = 0;
  return d;
}

static void at_window_zero(void **state) {
  (void)state;
  struct dlg *d = shut();
  inject(d, ACK, 2049, 501, 0, .wnd = 4000); /* an ACK */
  assert_int_equal(info(d).unacked, 500);
  assert_int_equal(info(d).snd_wnd, 4000);
  inject(d, ACK, 2049, 601, 10, .wnd = 3000); /* in a probe */
  expect(d, ACK, 1001, 2049, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(info(d).unacked, 400);
  assert_int_equal(info(d).snd_wnd, 3000);
  inject(d, ACK, 2000, 701, 100); /* in a retransmission that reaches past the edge */
  expect(d, ACK, 1001, 2049, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(info(d).unacked, 300);
  inject(d, FIN | ACK, 2049, 1001, 0); /* beside a FIN that has no room */
  expect(d, ACK, 1001, 2049, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(info(d).unacked, 0);
  expect_state(d, LA_ESTABLISHED);
  inject(d, ACK | URG, 2049, 1001, 0, .urp = 1);
  expect_event(d, LA_EVENT_URGENT);
  assert_int_equal(info(d).rcv_nxt - d->f.iss, 2049);
  inject(d, RST, 2050, 0, 0); /* one too far */
  expect_state(d, LA_ESTABLISHED);
  inject(d, RST, 2049, 0, 0);
  expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
  dlg_free(d);
}

/* MUST-39: the window opens by a segment or half the buffer, not by crumbs; and a shut one is announced as soon as it does. */
static void no_crumbs(void **state) {
  (void)state;
  struct dlg *d = shut();
  uint8_t b[4096];
  inject(d, ACK, 2049, 1001, 0);
  for (unsigned i = 0; i < 1023; i++) {
    assert_int_equal(la_recv(d->s, d->conn, b, 1), 1);
    expect_nothing(d);
  }
  inject(d, ACK, 2049, 1001, 1); /* not even when asked */
  expect(d, ACK, 1001, 2049, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(la_recv(d->s, d->conn, b, 1), 1); /* half of 2048 */
  expect(d, ACK, 1001, 2049, 0, .wnd = 1024);
  dlg_free(d);
}

/* SHLD-14, E-21: through reads and segments of all sizes, with every scale, the edge never moves left; what it covers is taken. */
struct edge {
  struct dlg *d;
  uint32_t edge, wscale;
  uint32_t forgive; /* RFC 7323 2.4: less than a unit, where the buffer has been made smaller */
  bool known;
};

static void watch(struct edge *e) {
  struct dlg *d = e->d;
  dlg_pump(d);
  for (size_t i = 0; i < d->nout; i++) {
    const struct tcp_seg *s = &d->out[i].seg;
    uint32_t edge = s->ack + ((uint32_t)s->wnd << e->wscale) - d->f.iss;
    assert_true(!e->known || seq_geq(edge + e->forgive, e->edge));
    e->edge = edge;
    e->known = true;
  }
  dlg_forget(d);
}

static uint32_t rcvbuf_wanted;
static void sized(la_config *c) { c->rcvbuf = rcvbuf_wanted; }

static void the_edge_never_moves_left(void **state) {
  (void)state;
  static const uint32_t sizes[] = {2048, 5000, 65535, 65536, 100001, 262144, 3000000, 1 << 26};
  static uint8_t b[200000];
  struct prng r;
  la__prng_seed(&r, 14);
  for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    rcvbuf_wanted = sizes[i];
    struct dlg *d = dlg_new(sized);
    d->f.syn.have |= TCP_OPT_WSCALE;
    establish(d, PASSIVE_OPEN);
    struct edge e = {.d = d, .wscale = info(d).rcv_wscale};
    uint32_t pos = 1;
    for (unsigned turn = 0; turn < 3000; turn++) {
      uint32_t room = info(d).rcv_wnd, n = 1 + la__prng_below(&r, 1460);
      n = n < room ? n : room;
      if (n && la__prng_below(&r, 8))
        inject(d, ACK, pos, 1, n);
      else
        n = 0;
      pos += n;
      assert_int_equal(info(d).rcv_nxt - d->f.iss, pos);
      if (la__prng_below(&r, 3) == 0)
        dlg_advance(d, la__prng_below(&r, 300) * LA_MS);
      watch(&e);
      if (la__prng_below(&r, 4) == 0)
        la_recv(d->s, d->conn, b, 1 + la__prng_below(&r, la__prng_below(&r, 2) ? 100 : 60000));
      watch(&e);
      if (turn == 1000) { /* a smaller buffer takes nothing back either: all within rcv_wnd is still accepted */
        set(d, LA_OPT_RCVBUF, 2048);
        e.forgive = (1u << e.wscale) - 1;
      }
      if (turn == 2000)
        set(d, LA_OPT_RCVBUF, sizes[i]);
    }
    dlg_free(d);
  }
}

/* B14: pieces of one byte into a window in units of 2048 that nobody reads: it closes. */
static void small_pieces_close_the_window(void **state) {
  (void)state;
  rcvbuf_wanted = 1 << 26;
  struct dlg *d = dlg_new(sized);
  d->f.syn.have |= TCP_OPT_WSCALE;
  establish(d, PASSIVE_OPEN);
  assert_int_equal(info(d).rcv_wscale, 11);
  set(d, LA_OPT_RCVBUF, 40000);
  uint32_t pos = 1, acks = 0;
  inject(d, ACK, pos, 1, 60000); /* well within the first, unscaled, window */
  dlg_forget(d);
  pos += 60000;
  for (unsigned i = 0; i < 100000 && info(d).rcv_wnd; i++) {
    inject(d, ACK, pos, 1, 1);
    pos++;
    if (i % 2) {
      dlg_advance(d, 200 * LA_MS);
      acks += (unsigned)d->nout;
      dlg_forget(d);
    }
  }
  assert_int_equal(info(d).rcv_wnd, 0);
  assert_true(acks > 100);
  assert_true(pos <= 65536 + 1);
  dlg_free(d);
}

/* More room by option opens a shut window, without a read. */
static void a_larger_buffer_opens_the_window(void **state) {
  (void)state;
  struct dlg *d = shut();
  set(d, LA_OPT_RCVBUF, 8192);
  expect(d, ACK, 1001, 2049, 0, .wnd = 8192 - 2048);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_peer_shrinks_its_window),
    cmocka_unit_test(shrunk_for_long),
    cmocka_unit_test(old_news_of_the_window),
    cmocka_unit_test(the_field),
    cmocka_unit_test(scaling_is_for_both_or_none),
    cmocka_unit_test(at_window_zero),
    cmocka_unit_test(no_crumbs),
    cmocka_unit_test(the_edge_never_moves_left),
    cmocka_unit_test(small_pieces_close_the_window),
    cmocka_unit_test(a_larger_buffer_opens_the_window),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
