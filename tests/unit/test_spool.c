/* SPDX-License-Identifier: MIT */
/* The queue of what is to be sent, against a model: the stream is a function of the position. */
#include "mem_test.h"

#include "base/prng.h"
#include "base/sum.h"
#include "mem/spool.h"

enum { LENT = 64, LENT_MAX = 6000, FRAMES = 24, BUFS = 20, SPACE = 1 << 17 };

/* What was lent, as the application sees it: free, or in the spool or a frame. */
struct lent {
  la_held held; /* first, so that it is found again */
  bool out;
  uint8_t bytes[LENT_MAX];
};
struct frame {
  unsigned n;
  la_buf buf[BUFS];
  void *owner[BUFS];
  uint64_t at;
};
static struct model {
  struct test_mem mem;
  struct chunk_pool pool;
  struct spool s;
  uint64_t front;
  struct lent lent[LENT];
  struct frame frame[FRAMES];
  uint8_t bytes[SPACE];
} m;
static const la_sums sums = {la__sum, la__copy_sum};

static uint8_t stream(uint64_t pos) { return (uint8_t)(pos * 167 ^ pos >> 7 ^ pos >> 13); }

static void model_init(uint64_t seed, uint32_t chunks) {
  memset(&m, 0, sizeof m);
  test_mem_init(&m.mem);
  la__chunks_init(&m.pool, &m.mem.mem, chunks);
  m.front = seed % 99991;
}

static void take_back(void) {
  for (la_held *h; (h = la__held_back(&m.pool)) != NULL;) {
    struct lent *l = (struct lent *)h;
    assert_true(l->out);
    assert_int_equal(h->refs, 0);
    memset(l->bytes, 0xdd, sizeof l->bytes); /* the application goes on with its memory */
    l->out = false;
  }
}

static void frame_done(struct frame *f) {
  uint64_t pos = f->at;
  for (unsigned k = 0; k < f->n; k++) {
    const uint8_t *p = f->buf[k].data;
    for (uint32_t i = 0; i < f->buf[k].len; i++)
      assert_int_equal(p[i], stream(pos++));
    la__held_unref(&m.pool, f->owner[k]);
  }
  f->n = 0;
  take_back();
}

static void model_done(void) {
  for (unsigned i = 0; i < FRAMES; i++)
    frame_done(&m.frame[i]);
  la__spool_done(&m.s, &m.pool);
  take_back();
  for (unsigned i = 0; i < LENT; i++)
    assert_false(m.lent[i].out);
  assert_int_equal(m.pool.used, 0);
  la__chunks_done(&m.pool);
  assert_int_equal(m.mem.live, 0);
}

static uint32_t append(uint32_t n, uint32_t run, bool fresh) {
  for (uint32_t i = 0; i < n; i++)
    m.bytes[i] = stream(m.front + m.s.len + i);
  uint32_t was = m.s.len, put = (uint32_t)la__spool_append(&m.s, &m.pool, m.bytes, n, run, fresh, &sums);
  assert_int_equal(m.s.len, was + put);
  return put;
}

static bool lend(uint32_t n) {
  for (unsigned i = 0; i < LENT; i++) {
    struct lent *l = &m.lent[i];
    if (l->out)
      continue;
    for (uint32_t k = 0; k < n; k++)
      l->bytes[k] = stream(m.front + m.s.len + k);
    l->held = (la_held){.kind = HELD_LENT};
    l->out = la__spool_lend(&m.s, &m.pool, &l->held, l->bytes, n);
    return l->out;
  }
  return false;
}

/* The bytes, their sum when it is known, and nothing but what was asked for. Returns whether it is known. */
static bool refs(struct frame *f, uint32_t at, uint32_t n, unsigned max) {
  struct spool_refs r = {.buf = f->buf, .owner = f->owner, .max = max};
  la__spool_refs(&m.s, at, n, &r);
  f->n = r.n;
  f->at = m.front + at;
  assert_true(r.n <= max);
  uint32_t want = at >= m.s.len ? 0 : n < m.s.len - at ? n : m.s.len - at, sum = 0, got = 0;
  for (unsigned i = 0; i < r.n; i++) {
    assert_true(f->buf[i].len > 0);
    uint32_t part = la__sum(0, f->buf[i].data, f->buf[i].len);
    sum += got & 1 ? la__sum_odd(part) : part;
    got += f->buf[i].len;
  }
  assert_int_equal(got, r.got);
  if (r.n < max)
    assert_int_equal(got, want);
  assert_true(got <= want);
  if (r.summed) {
    assert_true(r.sum <= 0x1ffff);
    assert_int_equal(la__sum_finish(r.sum), la__sum_finish(sum));
  }
  return r.summed;
}

static void random_ops(void **state) {
  for (uint64_t seed = 1; seed <= 30; seed++) {
    struct prng r;
    la__prng_seed(&r, seed);
    model_init(seed * 7919, seed % 3 ? 1000 : 12);
    m.s.end = (uint32_t)(seed % 2 ? 0u - 30000u : 5u); /* positions wrap */
    for (unsigned step = 0; step < 3000; step++) {
      struct frame *f = &m.frame[la__prng_below(&r, FRAMES)];
      m.mem.fail_at = la__prng_below(&r, 20) == 0 ? m.mem.calls + 1 : 0;
      switch (la__prng_below(&r, 7)) {
      case 0:
      case 1:
        if (m.s.len < SPACE / 2)
          append(1 + la__prng_below(&r, la__prng_below(&r, 2) ? 100 : 20000), 1 + la__prng_below(&r, 1500), la__prng_below(&r, 4) == 0);
        break;
      case 2:
        lend(1 + la__prng_below(&r, la__prng_below(&r, 2) ? 10 : LENT_MAX));
        break;
      case 3: {
        uint32_t n = la__prng_below(&r, m.s.len + 1), end = m.s.end;
        la__spool_consume(&m.s, &m.pool, n);
        m.front += n;
        if (!m.s.len)
          m.s.end = end;
        take_back();
        break;
      }
      default:
        frame_done(f);
        refs(f, la__prng_below(&r, m.s.len + 2), 1 + la__prng_below(&r, la__prng_below(&r, 2) ? 1500 : 65000),
             1 + la__prng_below(&r, BUFS));
        break;
      }
    }
    m.mem.fail_at = 0;
    model_done();
  }
  (void)state;
}

/* Segments cut as long as the runs find their sums, again and again; others do not. */
static void sums_are_kept(void **state) {
  struct frame *f = &m.frame[0];
  model_init(1, 1000);
  assert_int_equal(append(100000, 1460, true), 100000);
  for (unsigned twice = 0; twice < 2; twice++)
    for (uint32_t at = 0; at + 1460 <= 100000; at += 1460) {
      assert_true(refs(f, at, 1460, BUFS));
      frame_done(f);
    }
  assert_true(refs(f, 1460, 40 * 1460, BUFS)); /* several together */
  frame_done(f);
  assert_false(refs(f, 0, 1459, BUFS));
  frame_done(f);
  assert_false(refs(f, 1, 1460, BUFS));
  frame_done(f);
  la__spool_consume(&m.s, &m.pool, 1460 + 700); /* in the middle of a run */
  m.front += 1460 + 700;
  assert_false(refs(f, 0, 760, BUFS));
  frame_done(f);
  assert_true(refs(f, 760, 1460, BUFS));
  frame_done(f);
  model_done();

  /* A run goes on over several calls, unless a new one is asked for. */
  model_init(2, 1000);
  for (unsigned i = 0; i < 30; i++)
    append(333, 999, false);
  for (uint32_t at = 0; at < 9990; at += 999) {
    assert_true(refs(f, at, at + 999 < 9990 ? 999 : 9990 - at, BUFS));
    frame_done(f);
  }
  append(500, 999, true);
  append(999, 999, true);
  assert_true(refs(f, 9990, 500, BUFS));
  frame_done(f);
  assert_true(refs(f, 10490, 999, BUFS));
  frame_done(f);
  assert_true(lend(700));
  assert_false(refs(f, 11489, 700, BUFS)); /* nobody has summed that */
  assert_int_equal(f->n, 1);
  assert_ptr_equal(f->buf[0].data, m.lent[0].bytes);
  frame_done(f);
  model_done();
  (void)state;
}

/* What lies together in memory is one piece, however it was queued. */
static void pieces_join(void **state) {
  struct frame *f = &m.frame[0];
  model_init(3, 1000);
  append(4096, 100, true);
  refs(f, 0, 4096, BUFS);
  assert_int_equal(f->n, 1);
  frame_done(f);
  append(65536 - 4096, 1460, false);
  refs(f, 0, 65536, BUFS);
  assert_int_equal(f->n, 16);
  frame_done(f);
  model_done();
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_ops), cmocka_unit_test(sums_are_kept), cmocka_unit_test(pieces_join)};
  return cmocka_run_group_tests(tests, 0, 0);
}
