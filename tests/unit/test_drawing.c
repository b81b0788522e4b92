/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "draw/drawing.h"
#include "draw/place.h"

static la_time now;
static uint32_t ids;

static void put(struct drawing *d, enum ladder_kind kind, enum ladder_side side, uint32_t id, struct ladder_item it) {
  it.kind = kind;
  it.side = side;
  it.id = id;
  it.at = now;
  la__drawing_put(d, &it);
}

/* Sent now, and there at once. */
static void seg(struct drawing *d, enum ladder_side side, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len) {
  struct ladder_item it = {.flags = flags, .seq = seq, .ack = ack, .len = len};
  now += LA_MS;
  put(d, LADDER_SEND, side, ++ids, it);
  put(d, LADDER_ARRIVE, side, ids, it);
}

static void state(struct drawing *d, enum ladder_side side, enum la_state st) {
  put(d, LADDER_STATE, side, 0, (struct ladder_item){.state = st});
}

static void note(struct drawing *d, enum ladder_side side, const char *text, const char *clock) {
  put(d, LADDER_NOTE, side, 0, (struct ladder_item){.text = text, .clock = clock});
}

static struct drawing *fresh(void) {
  now = LA_SEC;
  struct drawing *d = la__drawing_new("client", "server", now);
  assert_non_null(d);
  return d;
}

static void open_and(struct drawing *d) {
  seg(d, LADDER_LEFT, LA_SYN, 0, 0, 0);
  seg(d, LADDER_RIGHT, LA_SYN | LA_ACK, 0, 1, 0);
  seg(d, LADDER_LEFT, LA_ACK, 1, 1, 0);
}

static void transfer(struct drawing *d, size_t n) {
  for (size_t i = 0; i < n; i++) {
    seg(d, LADDER_RIGHT, LA_ACK, 1 + 1400 * (uint32_t)i, 1, 1400);
    seg(d, LADDER_LEFT, LA_ACK, 1, 1 + 1400 * (uint32_t)(i + 1), 0);
  }
}

static void release(struct drawing *d, size_t n) {
  uint32_t s = 1 + 1400 * (uint32_t)n;
  seg(d, LADDER_LEFT, LA_FIN | LA_ACK, 1, s, 0);
  seg(d, LADDER_RIGHT, LA_ACK, s, 2, 0);
  seg(d, LADDER_RIGHT, LA_FIN | LA_ACK, s, 2, 0);
  seg(d, LADDER_LEFT, LA_ACK, 2, s + 1, 0);
}

static size_t count(const struct drawing *d, uint8_t flags, bool any) {
  size_t n = 0;
  for (size_t i = 0; i < d->n; i++) {
    const struct draw_event *e = d->event[i];
    n += !e->fold && e->item.kind == LADDER_SEND && (any || e->item.flags == flags);
  }
  return n;
}

static const struct draw_event *only_fold(const struct drawing *d) {
  const struct draw_event *found = NULL;
  for (size_t i = 0; i < d->n; i++)
    if (d->event[i]->fold) {
      assert_null(found);
      found = d->event[i];
    }
  assert_non_null(found);
  return found;
}

/* "37 segments, 51,800 bytes, 37 ACKs"; opening and release stay, with the ACK of each SYN and FIN. */
static void test_fold(void **unused) {
  (void)unused;
  struct drawing *d = fresh();
  char text[160];
  open_and(d);
  transfer(d, 37);
  release(d, 37);
  la__drawing_fold(d, DRAWING_SHOW);
  assert_string_equal(la__drawing_fold_text(d, &only_fold(d)->folded, text), "37 segments, 51,800 bytes, 37 ACKs");
  assert_int_equal(count(d, 0, true), 7);
  la__drawing_fold(d, DRAWING_SHOW); /* once more changes nothing */
  assert_int_equal(count(d, 0, true), 7);
  assert_int_equal(only_fold(d)->folded.segs[1], 37);
  la__drawing_free(d);
}

static void test_short_is_not_folded(void **unused) {
  (void)unused;
  struct drawing *d = fresh();
  open_and(d);
  transfer(d, 4);
  release(d, 4);
  la__drawing_fold(d, DRAWING_SHOW);
  assert_int_equal(count(d, 0, true), 3 + 8 + 4);
  la__drawing_free(d);
}

/* What is lost, sent again or on its way across the edge of a run stays whole. */
static void test_keeps_what_tells(void **unused) {
  (void)unused;
  struct drawing *d = fresh();
  struct ladder_item lost = {.flags = LA_ACK, .seq = 1 + 1400 * 20, .ack = 1, .len = 1400}, again = lost;
  open_and(d);
  transfer(d, 20);
  now += LA_MS;
  put(d, LADDER_SEND, LADDER_RIGHT, ++ids, lost);
  put(d, LADDER_LOST, LADDER_RIGHT, ids, lost);
  uint32_t late = ++ids;
  struct ladder_item slow = {.flags = LA_ACK, .seq = 1 + 1400 * 21, .ack = 1, .len = 1400};
  put(d, LADDER_SEND, LADDER_RIGHT, late, slow);
  now += LA_SEC;
  again.again = LADDER_RETRANSMITTED;
  put(d, LADDER_SEND, LADDER_RIGHT, ++ids, again);
  put(d, LADDER_ARRIVE, LADDER_RIGHT, ids, again);
  for (unsigned i = 0; i < 20; i++)
    seg(d, LADDER_RIGHT, LA_ACK, 1 + 1400 * (22 + i), 1, 1400);
  put(d, LADDER_ARRIVE, LADDER_RIGHT, late, slow);
  la__drawing_fold(d, DRAWING_SHOW);
  size_t lost_ones = 0, whole = 0;
  for (size_t i = 0; i < d->n; i++) {
    const struct draw_event *e = d->event[i];
    if (e->fold)
      continue;
    lost_ones += e->item.kind == LADDER_LOST;
    if (e->item.kind == LADDER_SEND && e->item.again) {
      assert_string_equal(e->clock, "retransmission");
      assert_true(e->clock_from == e->item.at - LA_SEC);
    }
    if (e->pair) {
      assert_ptr_equal(e->pair->pair, e);
      whole++;
    }
  }
  assert_int_equal(lost_ones, 1);
  assert_true(whole >= 2 * 3);
  la__drawing_free(d);
}

/* Any length at all: few events, and the totals are right. */
static void test_million(void **unused) {
  (void)unused;
  enum { N = 500000 };
  struct drawing *d = fresh();
  uint64_t segs = 0, bytes = 0, acks = 0, again = 0;
  open_and(d);
  for (size_t i = 0; i < N; i++) {
    if (i % 100 == 50) { /* what would be kept, if there were less of it */
      struct ladder_item it = {.flags = LA_ACK, .seq = 1, .ack = 1, .len = 1400, .again = LADDER_RETRANSMITTED};
      put(d, LADDER_SEND, LADDER_RIGHT, ++ids, it);
      put(d, LADDER_ARRIVE, LADDER_RIGHT, ids, it);
    }
    seg(d, LADDER_RIGHT, LA_ACK, 1 + 1400 * (uint32_t)i, 1, 1400);
    seg(d, LADDER_LEFT, LA_ACK, 1, 1 + 1400 * (uint32_t)(i + 1), 0);
    assert_true(d->n <= DRAWING_KEEP);
  }
  release(d, N);
  la__drawing_fold(d, DRAWING_SHOW);
  assert_true(d->n <= DRAWING_SHOW);
  assert_int_equal(count(d, LA_SYN, false) + count(d, LA_SYN | LA_ACK, false), 2);
  assert_int_equal(count(d, LA_FIN | LA_ACK, false), 2);
  for (size_t i = 0; i < d->n; i++) {
    const struct draw_event *e = d->event[i];
    bool sent = !e->fold && e->item.kind == LADDER_SEND && !(e->item.flags & (LA_SYN | LA_FIN));
    segs += e->fold ? e->folded.segs[1] : sent && e->item.len;
    bytes += e->fold ? e->folded.bytes[1] : sent ? e->item.len : 0;
    acks += e->fold ? e->folded.acks[0] + e->folded.acks[1] : sent && !e->item.len;
    again += e->fold ? e->folded.again : sent && e->item.again;
  }
  assert_int_equal(segs, N + N / 100);
  assert_int_equal(bytes, 1400ull * (N + N / 100));
  assert_int_equal(acks, N + 3);
  assert_int_equal(again, N / 100);
  la__drawing_free(d);
}

/* A question and its long answer: the answer alone is folded, however often that is asked for. */
static void test_answer_alone(void **unused) {
  (void)unused;
  struct drawing *d = fresh();
  char text[160];
  open_and(d);
  seg(d, LADDER_LEFT, LA_ACK | LA_PSH, 1, 1, 200);
  seg(d, LADDER_RIGHT, LA_ACK, 1, 201, 0);
  transfer(d, 12);
  release(d, 12);
  for (unsigned i = 0; i < 3; i++) {
    la__drawing_fold(d, DRAWING_SHOW);
    assert_string_equal(la__drawing_fold_text(d, &only_fold(d)->folded, text), "12 segments, 16,800 bytes, 12 ACKs");
    assert_int_equal(count(d, LA_ACK | LA_PSH, false), 1);
  }
  la__drawing_free(d);
}

/* A window is always on its way, so that every event lies within the flight of another; one segment in `lossy` is lost, and goes again. */
static struct drawing *pipelined(size_t n, size_t window, size_t lossy) {
  struct drawing *d = fresh();
  const uint32_t first = ids + 4;
  open_and(d);
  for (size_t i = 0; i < n + window; i++) {
    struct ladder_item sent = {.flags = LA_ACK, .seq = 1 + 1400 * (uint32_t)i, .ack = 1, .len = 1400};
    now += LA_US;
    bool lost = lossy && i % lossy == lossy - 1;
    if (i < n)
      put(d, LADDER_SEND, LADDER_RIGHT, ++ids, sent);
    if (i < n && lost)
      put(d, LADDER_LOST, LADDER_RIGHT, ids, sent);
    size_t back = i - window;
    if (i >= window && !(lossy && back % lossy == lossy - 1))
      put(d, LADDER_ARRIVE, LADDER_RIGHT, first + (uint32_t)back,
          (struct ladder_item){.flags = LA_ACK, .seq = 1 + 1400 * (uint32_t)back, .ack = 1, .len = 1400});
    assert_true(d->n <= DRAWING_KEEP);
  }
  release(d, n);
  return d;
}

static void test_pipelined(void **unused) {
  (void)unused;
  static const struct {
    size_t n, window, lossy;
  } cases[] = {{100, 30, 0}, {20000, 30, 0}, {20000, 1500, 0}, {20000, 300, 50}, {20000, 1500, 1000}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    struct drawing *d = pipelined(cases[k].n, cases[k].window, cases[k].lossy);
    uint64_t segs = 0, bytes = 0, lost = 0;
    la__drawing_fold(d, DRAWING_SHOW);
    assert_true(d->n <= DRAWING_SHOW);
    assert_int_equal(count(d, LA_SYN, false) + count(d, LA_SYN | LA_ACK, false), 2);
    assert_int_equal(count(d, LA_FIN | LA_ACK, false), 2);
    for (size_t i = 0; i < d->n; i++) {
      const struct draw_event *e = d->event[i];
      bool text = !e->fold && e->item.len;
      segs += e->fold ? e->folded.segs[1] : text && e->item.kind == LADDER_SEND;
      bytes += e->fold ? e->folded.bytes[1] : text && e->item.kind == LADDER_SEND ? e->item.len : 0;
      lost += e->fold ? e->folded.lost : e->item.kind == LADDER_LOST;
      if (text) /* both ends, or none */
        assert_true(e->pair && e->pair->pair == e);
    }
    assert_int_equal(segs, cases[k].n);
    assert_int_equal(bytes, 1400ull * cases[k].n);
    assert_int_equal(lost, cases[k].lossy ? cases[k].n / cases[k].lossy : 0);
    la__drawing_free(d);
  }
}

/* Openings and releases stay where many connections follow each other, though they are more than was asked for. */
static void test_releases_stay(void **unused) {
  (void)unused;
  enum { N = 10 };
  struct drawing *d = fresh();
  for (unsigned i = 0; i < N; i++) {
    open_and(d);
    transfer(d, 30);
    release(d, 30);
  }
  la__drawing_fold(d, 60);
  assert_int_equal(count(d, LA_SYN, false) + count(d, LA_SYN | LA_ACK, false), 2 * N);
  assert_int_equal(count(d, LA_FIN | LA_ACK, false), 2 * N);
  la__drawing_free(d);
}

/* Even what is never folded otherwise is, when there is no end of it: SYNs, states, notes, segments that vanish. */
static void test_floods(void **unused) {
  (void)unused;
  struct drawing *d = fresh();
  for (unsigned i = 0; i < 100000; i++) {
    seg(d, LADDER_LEFT, LA_SYN, i, 0, 0);
    state(d, LADDER_LEFT, i % 2 ? LA_SYN_SENT : LA_CLOSED);
    note(d, LADDER_RIGHT, "again", NULL);
    put(d, LADDER_SEND, LADDER_RIGHT, ++ids, (struct ladder_item){.flags = LA_RST});
    assert_true(d->n <= DRAWING_KEEP);
  }
  la__drawing_fold(d, DRAWING_SHOW);
  assert_true(d->n <= DRAWING_SHOW);
  struct place p;
  assert_true(la__place(&p, d, false));
  la__place_free(&p);
  la__drawing_free(d);
}

/* Clocks: 2MSL since the FIN that came last; keepalive since the peer was heard. */
static void test_clocks(void **unused) {
  (void)unused;
  struct drawing *d = fresh();
  open_and(d);
  la_time heard = now - LA_MS;
  now += 7200 * LA_SEC;
  put(d, LADDER_SEND, LADDER_LEFT, ++ids, (struct ladder_item){.flags = LA_ACK, .seq = 0, .ack = 1, .again = LADDER_KEEPALIVE_PROBE});
  assert_string_equal(d->event[d->n - 1]->clock, "keepalive");
  assert_true(d->event[d->n - 1]->clock_from == heard);
  la_time probe = now;
  now += 75 * LA_SEC;
  put(d, LADDER_SEND, LADDER_LEFT, ++ids, (struct ladder_item){.flags = LA_ACK, .seq = 1, .ack = 1, .again = LADDER_WINDOW_PROBE});
  assert_string_equal(d->event[d->n - 1]->clock, "persist");
  assert_true(d->event[d->n - 1]->clock_from == probe);
  state(d, LADDER_LEFT, LA_TIME_WAIT);
  now += 10 * LA_SEC;
  seg(d, LADDER_RIGHT, LA_FIN | LA_ACK, 1, 2, 0);
  la_time fin = now;
  now += 60 * LA_SEC;
  note(d, LADDER_LEFT, "2MSL", "2MSL");
  assert_true(d->event[d->n - 1]->clock_from == fin);
  la__drawing_free(d);
}

static void test_flip(void **unused) {
  (void)unused;
  struct drawing *d = fresh();
  char text[160];
  open_and(d);
  transfer(d, 20);
  la__drawing_fold(d, DRAWING_SHOW);
  la__drawing_flip(d);
  assert_string_equal(d->name[0], "server");
  assert_int_equal(d->event[0]->item.side, LADDER_RIGHT);
  assert_int_equal(only_fold(d)->folded.segs[0], 20);
  assert_string_equal(la__drawing_fold_text(d, &only_fold(d)->folded, text), "20 segments, 28,000 bytes, 20 ACKs");
  la__drawing_free(d);
}

static void test_window(void **unused) {
  (void)unused;
  struct drawing *d = fresh();
  struct ladder_item syn = {.flags = LA_SYN, .wnd = 1000, .all = {.have = TCP_OPT_WSCALE, .wscale = 7}},
                     ack = {.flags = LA_ACK, .wnd = 1000};
  put(d, LADDER_SEND, LADDER_LEFT, 1, syn);
  ack.side = LADDER_LEFT;
  assert_int_equal(la__drawing_window(d, &ack), 1000); /* the other side did not offer it */
  put(d, LADDER_SEND, LADDER_RIGHT, 2, syn);
  assert_int_equal(la__drawing_window(d, &ack), 128000);
  assert_int_equal(la__drawing_window(d, &syn), 1000);
  la__drawing_free(d);
}

static void test_times(void **unused) {
  (void)unused;
  static const struct {
    la_time t;
    const char *text;
  } rows[] = {{0, "0 ns"},
              {999, "999 ns"},
              {LA_MS, "1 ms"},
              {10 * LA_MS + 500 * LA_US, "10.5 ms"},
              {59990 * LA_MS, "59.99 s"},
              {75 * LA_SEC, "75 s"},
              {600 * LA_SEC, "10 min"},
              {7200 * LA_SEC, "2 h"},
              {86400 * LA_SEC * 5, "5 d"},
              {1001 * LA_MS, "1.001 s"}};
  char text[32];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_string_equal(la__drawing_time(rows[i].t, text), rows[i].text);
}

/* Crossing segments keep both ends, whatever the order; a state given twice is one. */
static void test_pairs(void **unused) {
  (void)unused;
  struct drawing *d = fresh();
  struct ladder_item fin = {.flags = LA_FIN | LA_ACK};
  put(d, LADDER_SEND, LADDER_LEFT, 1, fin);
  put(d, LADDER_SEND, LADDER_RIGHT, 1, fin); /* numbers are each side's own */
  state(d, LADDER_LEFT, LA_FIN_WAIT_1);
  state(d, LADDER_LEFT, LA_FIN_WAIT_1);
  put(d, LADDER_ARRIVE, LADDER_RIGHT, 1, fin);
  put(d, LADDER_ARRIVE, LADDER_LEFT, 1, fin);
  put(d, LADDER_ARRIVE, LADDER_LEFT, 99, fin); /* nobody saw it leave */
  assert_int_equal(d->n, 6);
  assert_ptr_equal(d->event[0]->pair, d->event[4]);
  assert_ptr_equal(d->event[1]->pair, d->event[3]);
  assert_null(d->event[5]->pair);
  struct place p;
  for (int narrow = 0; narrow < 2; narrow++) {
    assert_true(la__place(&p, d, narrow));
    assert_int_equal(p.narrows, 3);
    la__place_free(&p);
  }
  la__drawing_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fold),
    cmocka_unit_test(test_answer_alone),
    cmocka_unit_test(test_pipelined),
    cmocka_unit_test(test_releases_stay),
    cmocka_unit_test(test_short_is_not_folded),
    cmocka_unit_test(test_keeps_what_tells),
    cmocka_unit_test(test_million),
    cmocka_unit_test(test_floods),
    cmocka_unit_test(test_clocks),
    cmocka_unit_test(test_flip),
    cmocka_unit_test(test_window),
    cmocka_unit_test(test_times),
    cmocka_unit_test(test_pairs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
