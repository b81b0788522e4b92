/* SPDX-License-Identifier: MIT */
#include "mem_test.h"

#include "mem/slab.h"

#define MODEL 4096u

/* The model: which indices are alive and what was written there. */
struct model {
  struct slab s;
  uint32_t live[MODEL], n;  /* indices alive, in no order */
  uint32_t mark[2 * MODEL]; /* by index; 0: dead */
};

static void check_iteration(const struct model *m) {
  uint32_t seen = 0, from = 0;
  for (uint32_t i; (i = la__slab_next(&m->s, from)) != SLAB_NONE; from = i + 1) {
    for (; from < i; from++)
      assert_int_equal(m->mark[from], 0);
    assert_int_not_equal(m->mark[i], 0);
    seen++;
  }
  assert_int_equal(seen, m->n);
  assert_int_equal(m->s.used, m->n);
}

static void add(struct model *m, uint64_t *seed, uint32_t per_block) {
  uint32_t i = 12345;
  uint32_t *p = la__slab_new(&m->s, &i);
  if (!p)
    return;
  assert_true(i < (m->s.limit + per_block - 1) / per_block * per_block);
  assert_int_equal(m->mark[i], 0);
  assert_int_equal((uintptr_t)p % (m->s.size % 16 ? m->s.size & -m->s.size : 16), 0);
  for (uint32_t w = 0; w < m->s.size / 4; w++)
    assert_int_equal(p[w], 0);
  m->mark[i] = (uint32_t)rnd64(seed) | 1;
  for (uint32_t w = 0; w < m->s.size / 4; w++)
    p[w] = m->mark[i];
  m->live[m->n++] = i;
}

static void del(struct model *m, uint32_t k) {
  uint32_t i = m->live[k];
  uint32_t *p = la__slab_get(&m->s, i);
  assert_non_null(p);
  assert_ptr_equal(p, la__slab_at(&m->s, i));
  for (uint32_t w = 0; w < m->s.size / 4; w++)
    assert_int_equal(p[w], m->mark[i]);
  la__slab_del(&m->s, i);
  assert_null(la__slab_get(&m->s, i));
  m->mark[i] = 0;
  m->live[k] = m->live[--m->n];
}

static void run(uint32_t size, uint32_t per_block, uint32_t limit, uint32_t ops, uint32_t fail_one_in) {
  struct test_mem t;
  test_mem_init(&t);
  struct model *m = calloc(1, sizeof *m);
  assert_non_null(m);
  uint64_t seed = size * 31 + per_block;
  la__slab_init(&m->s, &t.mem, size, per_block, limit);
  for (uint32_t k = 0; k < ops; k++) {
    uint32_t up = k / 4096 % 2 ? 45 : 55; /* waves */
    t.fail_one_in = fail_one_in;
    uint32_t before = m->n;
    if (!m->n || rnd_below(&seed, 100) < up) {
      add(m, &seed, per_block);
      if (m->n == before)
        assert_true(before == limit || fail_one_in);
    } else {
      del(m, rnd_below(&seed, m->n));
    }
    uint32_t any = (uint32_t)rnd64(&seed) >> rnd_below(&seed, 32);
    assert_int_equal(la__slab_get(&m->s, any) != NULL, any < 2 * MODEL && m->mark[any]);
    if (k % 1024 == 0) {
      check_iteration(m);
      la__slab_trim(&m->s);
      assert_int_equal(m->s.empty, SLAB_NONE);
    }
  }
  while (m->n)
    del(m, rnd_below(&seed, m->n));
  la__slab_trim(&m->s);
  test_mem_empty(&t);
  la__slab_done(&m->s);
  free(m);
}

static void against_model(void **state) {
  (void)state;
  run(8, 1, 700, 30000, 0);
  run(18, 16, 4096, 60000, 0); /* rounded up to 20: what a mark spans */
  run(64, 64, 4096, 60000, 0);
  run(248, 256, 4001, 60000, 0);
  run(244, 256, 400, 20000, 0);
  run(48, 128, 300, 40000, 0);
}

static void against_model_failing(void **state) {
  (void)state;
  run(8, 1, 700, 30000, 3);
  run(48, 32, 4096, 60000, 2);
}

static void lowest_first_and_dense(void **state) {
  (void)state;
  struct test_mem t;
  struct slab s;
  uint32_t i;
  test_mem_init(&t);
  la__slab_init(&s, &t.mem, 16, 64, 1 << 20);
  assert_int_equal(t.mem.used, 0);
  for (uint32_t k = 0; k < 64 * 1000; k++) {
    assert_non_null(la__slab_new(&s, &i));
    assert_int_equal(i, k);
  }
  /* churn far up and one free place far down: the place down is taken, whatever comes first */
  la__slab_del(&s, 63990);
  la__slab_del(&s, 7);
  la__slab_del(&s, 30000);
  assert_non_null(la__slab_new(&s, &i));
  assert_int_equal(i, 7);
  assert_non_null(la__slab_new(&s, &i));
  assert_int_equal(i, 30000);
  assert_non_null(la__slab_new(&s, &i));
  assert_int_equal(i, 63990);
  assert_non_null(la__slab_new(&s, &i));
  assert_int_equal(i, 64000);
  la__slab_done(&s);
  test_mem_empty(&t);
}

static void keeps_one_empty_block(void **state) {
  (void)state;
  struct test_mem t;
  struct slab s;
  uint32_t i;
  test_mem_init(&t);
  la__slab_init(&s, &t.mem, 64, 64, 1000);
  for (uint32_t k = 0; k < 64 * 4; k++)
    assert_non_null(la__slab_new(&s, &i));
  uint64_t calls = t.calls, used = t.mem.used;
  for (uint32_t k = 128; k < 192; k++)
    la__slab_del(&s, k);
  assert_int_equal(t.mem.used, used); /* the first empty block stays */
  assert_non_null(la__slab_new(&s, &i));
  assert_int_equal(i, 128);
  la__slab_del(&s, 128);
  assert_int_equal(t.calls, calls);
  for (uint32_t k = 64; k < 128; k++)
    la__slab_del(&s, k);
  assert_true(t.mem.used < used); /* the second does not */
  assert_int_equal(s.empty, 1);
  assert_int_equal(la__slab_next(&s, 64), 192);
  assert_null(la__slab_get(&s, 64));
  assert_null(la__slab_get(&s, 128));
  assert_null(la__slab_get(&s, SLAB_NONE));
  used = t.mem.used;
  la__slab_trim(&s);
  assert_true(t.mem.used < used);
  assert_non_null(la__slab_new(&s, &i));
  assert_int_equal(i, 64);
  la__slab_done(&s);
  test_mem_empty(&t);
}

static void limit_holds(void **state) {
  (void)state;
  struct test_mem t;
  struct slab s;
  uint32_t i;
  test_mem_init(&t);
  la__slab_init(&s, &t.mem, 8, 8, 5);
  for (int k = 0; k < 5; k++)
    assert_non_null(la__slab_new(&s, &i));
  assert_null(la__slab_new(&s, &i));
  la__slab_del(&s, 2);
  assert_non_null(la__slab_new(&s, &i));
  assert_int_equal(i, 2);
  la__slab_done(&s);
  la__slab_init(&s, &t.mem, 8, 8, 0);
  assert_null(la__slab_new(&s, &i));
  test_mem_empty(&t);
}

static void failing_script(struct test_mem *t) {
  struct slab s;
  uint32_t i;
  la__slab_init(&s, &t->mem, 32, 4, 1000);
  for (int round = 0; round < 3; round++) {
    for (uint32_t k = 0; k < 200; k++) {
      uint64_t used = t->mem.used;
      uint32_t n = s.used;
      if (!la__slab_new(&s, &i)) {
        assert_int_equal(t->mem.used, used);
        assert_int_equal(s.used, n);
        assert_non_null(la__slab_new(&s, &i)); /* only one call fails */
      }
    }
    for (uint32_t k; (k = la__slab_next(&s, 0)) != SLAB_NONE;)
      la__slab_del(&s, k);
    la__slab_trim(&s);
    assert_int_equal(t->mem.used, 0);
  }
}
static void each_failure(void **state) {
  (void)state;
  test_each_failure(failing_script, 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(against_model),         cmocka_unit_test(against_model_failing), cmocka_unit_test(lowest_first_and_dense),
    cmocka_unit_test(keeps_one_empty_block), cmocka_unit_test(limit_holds),           cmocka_unit_test(each_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
