/* SPDX-License-Identifier: MIT */
#include "mem_test.h"

#include "mem/rope.h"

#define SPACE (96u * 1024) /* bytes that a model's rope may span */
#define FRAMES 24u
#define BUFS 6u

/* A frame under way: references, and what they must show for as long as they are held. */
struct frame {
  unsigned n;
  la_buf buf[BUFS];
  void *owner[BUFS];
  uint64_t at; /* in the stream */
};
/* The model: the stream is a function of the position, and of nothing else; and which bytes are there. */
static struct model {
  struct test_mem mem;
  struct chunk_pool pool;
  struct rope r;
  uint64_t seed;
  uint64_t front; /* stream position of the first unconsumed byte */
  uint32_t len, end;
  bool ahead[SPACE]; /* by position from the front */
  struct frame frame[FRAMES];
  uint8_t bytes[SPACE], out[SPACE];
} m;

static uint8_t stream(uint64_t pos) { return (uint8_t)(pos * 167 ^ pos >> 7 ^ pos >> 13); }

static const uint8_t *bytes_from(uint64_t pos, size_t n) {
  for (size_t i = 0; i < n; i++)
    m.bytes[i] = stream(pos + i);
  return m.bytes;
}

static void model_init(uint64_t seed, uint32_t chunks) {
  memset(&m, 0, sizeof m);
  test_mem_init(&m.mem);
  la__chunks_init(&m.pool, &m.mem.mem, chunks);
  m.seed = seed;
  m.front = seed % 99991;
}

static void frame_done(struct frame *f) {
  uint64_t pos = f->at;
  for (unsigned k = 0; k < f->n; k++) {
    const uint8_t *p = f->buf[k].data;
    for (uint32_t i = 0; i < f->buf[k].len; i++)
      assert_int_equal(p[i], stream(pos++));
    la__chunk_unref(&m.pool, f->owner[k]);
  }
  f->n = 0;
}

static void model_done(void) {
  la__rope_done(&m.r, &m.pool);
  assert_int_equal(m.r.len, 0);
  for (uint32_t k = 0; k < FRAMES; k++)
    frame_done(&m.frame[k]); /* frames outlive the rope */
  assert_int_equal(m.pool.used, 0);
  la__chunks_done(&m.pool);
  test_mem_empty(&m.mem);
}

static void append(uint32_t n) {
  if (m.end != m.len)
    return;
  if (n > SPACE - m.len)
    n = SPACE - m.len;
  size_t put = la__rope_append(&m.r, &m.pool, bytes_from(m.front + m.len, n), n);
  assert_true(put <= n);
  if (put < n)
    assert_true(m.mem.fail_at || m.mem.fail_one_in || m.pool.used == m.pool.limit);
  m.len += (uint32_t)put;
  m.end = m.len;
}

static void write_at(uint32_t at, uint32_t n) {
  if (at < m.len || at >= SPACE)
    return;
  if (n > SPACE - at)
    n = SPACE - at;
  uint64_t used = m.mem.mem.used;
  uint32_t chunks = m.pool.used, kept = m.pool.nfree;
  if (!la__rope_write_at(&m.r, &m.pool, at, bytes_from(m.front + at, n), n)) {
    assert_true(m.mem.fail_at || m.mem.fail_one_in || m.pool.limit - chunks < n / CHUNK_BYTES + 2);
    assert_int_equal(m.pool.used, chunks); /* nothing is held by a write that failed */
    assert_true(m.mem.mem.used - used <= (uint64_t)(m.pool.nfree - kept) * sizeof(struct chunk));
    return;
  }
  memset(m.ahead + at, 1, n);
  if (n && at + n > m.end)
    m.end = at + n;
}

static void extend(void) {
  uint32_t n = 0;
  while (m.len + n < m.end && m.ahead[m.len + n])
    n++;
  if (rnd_below(&m.seed, 4) == 0)
    n /= 2;
  la__rope_extend(&m.r, n);
  m.len += n;
}

static void consume(uint32_t n) {
  if (n > m.len)
    n = m.len;
  la__rope_consume(&m.r, &m.pool, n);
  m.front += n;
  m.len -= n;
  m.end -= n;
  memmove(m.ahead, m.ahead + n, SPACE - n);
  memset(m.ahead + SPACE - n, 0, n);
}

static void cut(void) {
  la__rope_cut(&m.r, &m.pool);
  memset(m.ahead, 0, sizeof m.ahead);
  m.end = m.len;
}

static void copy(uint32_t at, uint32_t n) {
  size_t want = at >= m.len ? 0 : n < m.len - at ? n : m.len - at;
  assert_int_equal(la__rope_copy(&m.r, at, m.out, n), want);
  assert_memory_equal(m.out, bytes_from(m.front + at, want), want);
}

static void refs(uint32_t at, uint32_t n, unsigned max) {
  struct frame *f = &m.frame[rnd_below(&m.seed, FRAMES)];
  frame_done(f);
  size_t got = 12345, sum = 0, want = at >= m.len ? 0 : n < m.len - at ? n : m.len - at;
  f->at = m.front + at;
  f->n = la__rope_refs(&m.r, at, n, f->buf, f->owner, max, &got);
  assert_true(f->n <= max && got <= want && (got == want || f->n == max));
  for (unsigned k = 0; k < f->n; k++) {
    assert_true(f->buf[k].len > 0);
    sum += f->buf[k].len;
  }
  assert_int_equal(sum, got);
}

static void check(void) {
  assert_int_equal(m.r.len, m.len);
  assert_int_equal(m.r.end, m.end);
  if (m.end == 0) { /* an empty rope holds nothing */
    struct rope none = {0};
    assert_memory_equal(&m.r, &none, sizeof none);
  }
}

static void run(uint64_t seed, uint32_t chunks, uint32_t most, uint32_t ops, uint32_t fail_one_in) {
  model_init(seed, chunks);
  m.mem.fail_one_in = fail_one_in;
  for (uint32_t op = 0; op < ops; op++) {
    uint32_t n = rnd_below(&m.seed, 1u << rnd_below(&m.seed, 14)) % most, at = rnd_below(&m.seed, m.len + 1);
    switch (rnd_below(&m.seed, 12)) {
    case 0:
    case 1:
    case 2:
      append(n);
      break;
    case 3: /* in order */
      write_at(m.len, n);
      extend();
      break;
    case 4: /* ahead */
      if (op / 3000 % 2)
        write_at(m.len + rnd_below(&m.seed, 3 * most), n);
      break;
    case 5:
      extend();
      break;
    case 6:
      consume(n);
      break;
    case 7:
      consume(rnd_below(&m.seed, 6) ? n : m.len);
      break;
    case 8:
      copy(at, n);
      break;
    case 9:
      copy(0, m.len);
      break;
    case 10:
      refs(at, n, 1 + rnd_below(&m.seed, BUFS));
      break;
    default:
      frame_done(&m.frame[rnd_below(&m.seed, FRAMES)]);
      if (rnd_below(&m.seed, 20) == 0)
        cut();
      if (rnd_below(&m.seed, 200) == 0) {
        la__rope_done(&m.r, &m.pool);
        m.front += m.end; /* what frames hold stays valid, what comes next is elsewhere */
        m.len = m.end = 0;
        memset(m.ahead, 0, sizeof m.ahead);
      }
    }
    check();
  }
  model_done();
}

static void against_model(void **state) {
  (void)state;
  run(1, 1000, 200, 30000, 0);
  run(2, 1000, 1500, 30000, 0);
  run(3, 1000, 16384, 20000, 0);
  run(4, 12, 8000, 20000, 0);
}

static void against_model_failing(void **state) {
  (void)state;
  run(5, 1000, 9000, 20000, 3);
  run(6, 9, 6000, 20000, 2);
}

static void one_chunk_needs_no_ring(void **state) {
  (void)state;
  model_init(7, 10);
  append(100);
  assert_int_equal(m.mem.calls, 1);
  consume(100);
  check();
  append(CHUNK_BYTES);
  assert_int_equal(m.mem.calls, 1); /* and the chunk is used again */
  consume(CHUNK_BYTES - 1);
  copy(0, 1);
  append(1);
  copy(0, 2);
  consume(2);
  check();
  model_done();
}

static void frames_keep_a_growing_chunk(void **state) {
  (void)state;
  model_init(8, 10);
  append(1000);
  refs(0, 1000, BUFS);
  append(3000); /* behind the referenced bytes, in the same chunk */
  refs(900, 200, BUFS);
  consume(m.len); /* the rope lets go; the chunk must not be recycled */
  assert_int_equal(m.pool.used, 1);
  append(3000);
  assert_int_equal(m.pool.used, 2);
  model_done();
}

static void ahead_survives_emptiness_below(void **state) {
  (void)state;
  model_init(9, 100);
  append(50);
  write_at(60, 10);
  write_at(3 * CHUNK_BYTES, 2 * CHUNK_BYTES);
  assert_int_equal(m.pool.used, 3); /* a gap takes no chunk */
  consume(50);
  assert_int_equal(m.r.len, 0);
  assert_int_equal(m.pool.used, 3);
  write_at(0, 10);
  extend();
  assert_int_equal(m.len, 20);
  copy(0, 20);
  consume(20);
  write_at(0, m.end);
  extend();
  copy(0, m.len);
  assert_int_equal(m.len, m.end);
  consume(m.len);
  check();
  assert_int_equal(m.pool.used, 0);
  model_done();
}

static void limits(void **state) {
  (void)state;
  model_init(10, 3);
  append(5 * CHUNK_BYTES);
  assert_int_equal(m.len, 3 * CHUNK_BYTES);
  consume(CHUNK_BYTES - 1);
  append(10);
  assert_int_equal(m.len, 2 * CHUNK_BYTES + 1);
  consume(1);
  append(CHUNK_BYTES + 10);
  assert_int_equal(m.len, 3 * CHUNK_BYTES);
  consume(m.len); /* chunks are free again, but not beyond the end */
  assert_false(la__rope_write_at(&m.r, &m.pool, ROPE_MAX - 1, "ab", 2));
  assert_false(la__rope_write_at(&m.r, &m.pool, ROPE_MAX + 1, "ab", 0));
  assert_false(la__rope_write_at(&m.r, &m.pool, SIZE_MAX, "ab", 2));
  model_done();
}

static void failing_script(struct test_mem *t) {
  struct test_mem *own = &m.mem;
  model_init(11, 200);
  own->fail_at = t->fail_at;
  for (uint32_t round = 0; round < 3; round++) {
    for (uint32_t k = 0; k < 12; k++) {
      append(3000);
      if (k % 3 == 0)
        refs(0, 9000, BUFS);
      check();
    }
    copy(0, m.len);
    write_at(m.len + 5000, 6000);
    write_at(m.len + 40000, 10);
    write_at(m.len, 5000);
    extend();
    check();
    copy(0, m.len);
    consume(m.len / 2);
    consume(m.len);
    write_at(0, m.end);
    extend();
    consume(m.len);
    la__rope_done(&m.r, &m.pool);
    m.front += m.end;
    m.len = m.end = 0;
    memset(m.ahead, 0, sizeof m.ahead);
    la__chunks_trim(&m.pool);
  }
  model_done();
  t->calls = own->calls;
}
static void each_failure(void **state) {
  (void)state;
  test_each_failure(failing_script, 30);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(against_model),
    cmocka_unit_test(against_model_failing),
    cmocka_unit_test(one_chunk_needs_no_ring),
    cmocka_unit_test(frames_keep_a_growing_chunk),
    cmocka_unit_test(ahead_survives_emptiness_below),
    cmocka_unit_test(limits),
    cmocka_unit_test(each_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
