/* SPDX-License-Identifier: MIT */
/* The scoreboard against a model that knows each byte. */
#include "mem_test.h"

#include "base/seq.h"
#include "tcp/sent.h"

enum { BYTES = 3000, BASE = 0xfffffc00u };

struct model {
  uint8_t flags[BYTES];
  uint32_t lo, hi; /* of what is outstanding, from BASE */
};

/* One segment. */
static void add(struct sent *s, uint32_t lo, uint32_t hi, la_time at) { la__sent_add(s, lo, hi, hi - lo, at); }

/* Records are contiguous and not empty, sums are right, and where `flags` is known they say the same. */
static void check(const struct sent *s, const struct model *m) {
  uint32_t at = BASE + m->lo, sacked = 0, lost = 0, retrans = 0, again = 0;
  assert_true(s->n <= s->max && s->head + s->n <= s->cap);
  for (unsigned i = 0; i < s->n; i++) {
    const struct sent_rec *r = sent_at(s, i);
    uint32_t n = r->hi - r->lo;
    assert_int_equal(r->lo, at);
    assert_true(n > 0 && r->size > 0);
    sacked += r->flags & SENT_SACKED ? n : 0;
    lost += r->flags & SENT_LOST ? n : 0;
    retrans += r->flags & SENT_RETRANS ? n : 0;
    again += (r->flags & (SENT_LOST | SENT_RETRANS)) == SENT_LOST ? n : 0;
    for (uint32_t b = r->lo; b != r->hi; b++)
      assert_int_equal(r->flags, m->flags[b - BASE]);
    at = r->hi;
  }
  if (s->n)
    assert_int_equal(at, BASE + m->hi);
  assert_int_equal(s->sacked, sacked);
  assert_int_equal(s->lost, lost);
  assert_int_equal(s->retrans, retrans);
  assert_int_equal(s->again, again);
}

static void random_life(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    struct test_mem tm;
    test_mem_init(&tm);
    struct sent s;
    struct model m = {0};
    uint64_t rnd = seed;
    la__sent_init(&s, &tm.mem, 512);
    for (la_time now = 1; now < 300; now++) {
      uint32_t n = 1 + rnd_below(&rnd, 30), out = m.hi - m.lo;
      unsigned what = rnd_below(&rnd, 6);
      if (what < 2 && m.hi + n <= BYTES) {
        add(&s, BASE + m.hi, BASE + m.hi + n, now / 4);
        m.hi += n;
      } else if (what == 2 && out) { /* a record whole: what a report or a loss does */
        unsigned i = rnd_below(&rnd, s.n), flags = rnd_below(&rnd, 16);
        const struct sent_rec *r = sent_at(&s, i);
        memset(m.flags + (r->lo - BASE), (int)flags, r->hi - r->lo);
        la__sent_set(&s, i, flags);
        if (rnd_below(&rnd, 2))
          la__sent_tidy(&s);
      } else if (what == 3 && out) {
        uint32_t at = BASE + m.lo + rnd_below(&rnd, out);
        int i = la__sent_split(&s, at);
        assert_true(i >= 0);
        assert_int_equal(sent_at(&s, (unsigned)i)->lo, at);
      } else if (what == 4 && out) {
        unsigned i = rnd_below(&rnd, s.n);
        const struct sent_rec r = *sent_at(&s, i);
        uint32_t lo = r.lo + rnd_below(&rnd, r.hi - r.lo), hi = lo + 1 + rnd_below(&rnd, r.hi - lo);
        for (uint32_t b = lo; b != hi; b++)
          m.flags[b - BASE] |= SENT_EVER | SENT_RETRANS;
        la__sent_again(&s, lo, hi, now / 4, true);
      } else if (what == 5 && out) {
        uint32_t to = m.lo + 1 + rnd_below(&rnd, out < 100 ? out : 100);
        for (m.lo = to; s.n && seq_lt(sent_at(&s, 0)->lo, BASE + to);)
          la__sent_cut(&s, seq_min(sent_at(&s, 0)->hi, BASE + to));
      }
      check(&s, &m);
    }
    la__sent_done(&s);
    test_mem_empty(&tm);
  }
}

/* A window that leaves at one instant is one record; the last segment may be short, and then nothing joins it. */
static void coalesced(void **state) {
  (void)state;
  struct test_mem tm;
  test_mem_init(&tm);
  struct sent s;
  la__sent_init(&s, &tm.mem, 16);
  for (uint32_t i = 0; i < 10; i++)
    add(&s, 1000 * i, 1000 * i + 1000, 7);
  add(&s, 10000, 10300, 7);
  assert_int_equal(s.n, 1);
  assert_int_equal(la__sent_segments(&s, 0), 11);
  add(&s, 10300, 10400, 7);
  assert_int_equal(s.n, 2);
  add(&s, 10400, 10500, 8); /* another time */
  assert_int_equal(s.n, 3);
  assert_int_equal(la__sent_segments(&s, 0), 13);
  la__sent_done(&s);
  test_mem_empty(&tm);
}

/* No more records than there may be: splits are refused, what is sent is still known, and so is what is acknowledged. */
static void bounded(void **state) {
  (void)state;
  for (unsigned fail = 0; fail < 2; fail++) {
    struct test_mem tm;
    test_mem_init(&tm);
    struct sent s;
    la__sent_init(&s, &tm.mem, 16);
    if (fail)
      tm.fail_one_in = 1; /* never any memory: the four of its own must do */
    add(&s, 0, 100, 1);
    unsigned refused = 0;
    for (uint32_t i = 1; i < 100; i++) {
      if (la__sent_split(&s, i) == SENT_NO_ROOM)
        refused++;
      la__sent_set(&s, la__sent_find(&s, i), SENT_SACKED);
    }
    assert_true(refused > 80 && s.n <= 16);
    for (uint32_t i = 0; i < 100; i++)
      add(&s, 100 + 10 * i, 110 + 10 * i, 2 + i);
    assert_true(s.n <= 16);
    assert_int_equal(sent_at(&s, s.n - 1u)->hi, 1100);
    assert_int_equal(sent_at(&s, s.n - 1u)->flags, 0); /* nothing is believed of it that was not told */
    assert_int_equal(sent_at(&s, s.n - 1u)->at, 101);
    while (s.n)
      la__sent_cut(&s, sent_at(&s, 0)->hi);
    assert_int_equal(s.sacked, 0);
    tm.fail_one_in = 0;
    la__sent_done(&s);
    test_mem_empty(&tm);
  }
}

/* With every record in use what goes again is still no more than it is: the rest waits for its turn, in segments as long as the longest. */
static void full(void **state) {
  (void)state;
  struct test_mem tm;
  test_mem_init(&tm);
  struct sent s;
  la__sent_init(&s, &tm.mem, 8);
  uint32_t hi = 0;
  for (uint32_t i = 0; i < 12; i++) {
    uint32_t n = i % 2 ? 1000 : 100;
    add(&s, hi, hi + n, i);
    hi += n;
  }
  assert_int_equal(s.n, 8);
  assert_int_equal(sent_at(&s, 7)->size, 1000);
  for (unsigned i = 0; i < s.n; i++)
    la__sent_set(&s, i, SENT_LOST);
  uint32_t sent = 0;
  unsigned times = 0;
  for (int i; (i = la__sent_next(&s)) >= 0; times++) {
    const struct sent_rec *r = sent_at(&s, (unsigned)i);
    uint32_t lo = r->lo, n = r->hi - lo < r->size ? r->hi - lo : r->size;
    assert_int_equal(lo, sent);
    la__sent_again(&s, lo, lo + n, 20 + times, true);
    sent += n;
    assert_int_equal(s.again, hi - sent);
  }
  assert_int_equal(sent, hi);
  assert_true(times <= 12);
  la__sent_done(&s);
  test_mem_empty(&tm);
}

/* Past so many records neighbours share one where they left nearly together. */
static void coarse(void **state) {
  (void)state;
  struct test_mem tm;
  test_mem_init(&tm);
  struct sent s;
  la__sent_init(&s, &tm.mem, 512);
  s.slack = 10;
  for (uint32_t i = 0; i < 1000; i++)
    add(&s, 10 * i, 10 * i + 10, i);
  assert_true(s.n < SENT_FINE + 4);
  assert_int_equal(la__sent_segments(&s, 0), 1000);
  la__sent_done(&s);
  test_mem_empty(&tm);
}

/* Lost segments shorter than the path takes go together, whole, and only with others that are lost. */
static void collapse(void **state) {
  (void)state;
  struct test_mem tm;
  test_mem_init(&tm);
  struct sent s;
  la__sent_init(&s, &tm.mem, 64);
  for (uint32_t i = 0; i < 8; i++)
    add(&s, 300 * i, 300 * i + 300, i);
  for (unsigned i = 0; i < 8; i++)
    la__sent_set(&s, i, i == 5 ? SENT_SACKED : SENT_LOST);
  assert_int_equal(la__sent_next(&s), 0);
  assert_int_equal(la__sent_collapse(&s, 0, 1000), 900);
  la__sent_again(&s, 0, 900, 9, true);
  assert_int_equal(la__sent_next(&s), 1);
  assert_int_equal(sent_at(&s, 1)->lo, 900);
  assert_int_equal(la__sent_collapse(&s, 1, 1000), 600); /* up to what was reported */
  la__sent_again(&s, 900, 1500, 9, true);
  int i = la__sent_next(&s);
  assert_int_equal(sent_at(&s, (unsigned)i)->lo, 1800);
  assert_int_equal(la__sent_collapse(&s, (unsigned)i, 200), 200); /* the path takes no more */
  assert_int_equal(la__sent_segments(&s, SENT_SACKED), 1);
  la__sent_done(&s);
  test_mem_empty(&tm);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(random_life), cmocka_unit_test(coalesced), cmocka_unit_test(bounded),
    cmocka_unit_test(full),        cmocka_unit_test(coarse),    cmocka_unit_test(collapse),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
