/* SPDX-License-Identifier: MIT */
#include "mem_test.h"

#include "mem/table.h"

#define MODEL 200000u

/* The model: the hash of each reference and whether it is in the table. */
static struct model {
  struct table t;
  struct test_mem mem;
  uint64_t hash[MODEL];
  bool in[MODEL];
  uint32_t live[MODEL], n; /* references that are in, and how many */
  uint32_t where[MODEL];   /* their places in live[] */
  uint32_t asked;          /* calls of hash_of */
} m;

static uint64_t hash_of(void *ctx, uint32_t ref) {
  assert_ptr_equal(ctx, &m);
  assert_true(ref < MODEL && m.in[ref]);
  m.asked++;
  return m.hash[ref];
}

static void model_init(void) {
  memset(&m, 0, sizeof m);
  test_mem_init(&m.mem);
  la__table_init(&m.t, &m.mem.mem, hash_of, &m);
  assert_int_equal(m.mem.mem.used, 0);
}

static bool add(uint32_t ref, uint64_t hash) {
  m.hash[ref] = hash;
  m.asked = 0;
  bool ok = la__table_add(&m.t, hash, ref);
  if (ok) {
    m.in[ref] = true;
    m.where[ref] = m.n;
    m.live[m.n++] = ref;
  }
  assert_int_equal(m.t.count, m.n);
  return ok;
}

static void gone(uint32_t ref) {
  m.in[ref] = false;
  m.live[m.where[ref]] = m.live[--m.n];
  m.where[m.live[m.where[ref]]] = m.where[ref];
}

static void del(uint32_t ref) {
  m.asked = 0;
  assert_true(la__table_del(&m.t, m.hash[ref], ref));
  assert_int_equal(m.asked, 0); /* the record may be half dismantled by then */
  gone(ref);
  assert_int_equal(m.t.count, m.n);
}

/* How often `ref` is among the candidates; every candidate must be in the table, with the same tag. */
static uint32_t found(uint64_t hash, uint32_t ref) {
  struct table_iter it = {0};
  uint32_t times = 0, all = 0;
  for (uint32_t r; (r = la__table_find(&m.t, hash, &it)) != TABLE_NONE; all++) {
    assert_true(r < MODEL && m.in[r]);
    assert_true(m.hash[r] >> 49 == hash >> 49);
    assert_true(all <= m.n);
    times += r == ref;
  }
  assert_int_equal(la__table_find(&m.t, hash, &it), TABLE_NONE);
  return times;
}

static void check_all(void) {
  for (uint32_t k = 0; k < m.n; k++)
    assert_int_equal(found(m.hash[m.live[k]], m.live[k]), 1);
}

static void swap(uint32_t old, uint32_t ref) {
  uint64_t calls = m.mem.calls;
  m.hash[ref] = m.hash[old];
  assert_true(la__table_swap(&m.t, m.hash[old], old, ref));
  assert_false(la__table_swap(&m.t, m.hash[old], old, ref));
  assert_int_equal(m.mem.calls, calls);
  m.in[ref] = true;
  m.live[m.where[old]] = ref;
  m.where[ref] = m.where[old];
  m.in[old] = false;
}

/* Random operations over `refs` references in waves; only the bits of `mask` of a hash vary. */
static void run(uint64_t seed, uint32_t refs, uint64_t mask, uint32_t ops, uint32_t fail_one_in) {
  model_init();
  for (uint32_t op = 0; op < ops; op++) {
    uint32_t ref = rnd_below(&seed, refs), what = rnd_below(&seed, 20), up = op / (2 * refs) % 2 ? 5 : 11;
    uint64_t hash = rnd64(&seed) & mask;
    uint32_t live = m.n ? m.live[rnd_below(&seed, m.n)] : 0;
    m.mem.fail_one_in = fail_one_in;
    if (what < up) {
      if (!m.in[ref] && !add(ref, hash)) {
        assert_int_not_equal(fail_one_in, 0);
        assert_false(la__table_del(&m.t, hash, ref));
      }
    } else if (what < 16) {
      if (m.n)
        del(live);
    } else if (what < 18) {
      if (m.n && !m.in[ref])
        swap(live, ref);
    } else {
      if (!m.in[ref])
        assert_false(la__table_del(&m.t, m.hash[ref], ref));
      uint32_t times = found(hash, ref); /* a candidate may have another hash, but only once and only when it is in */
      assert_true(times <= m.in[ref] && (times || !m.in[ref] || m.hash[ref] != hash));
    }
    if (m.n)
      assert_int_equal(found(m.hash[live], live), m.in[live]);
    if (op % (8 * refs) == 0)
      check_all();
    if (op % (3 * refs) == 0)
      la__table_trim(&m.t);
  }
  check_all();
  while (m.n) {
    del(m.live[rnd_below(&seed, m.n)]);
    if (m.n % 64 == 0)
      check_all();
  }
  la__table_trim(&m.t);
  test_mem_empty(&m.mem);
}

static void against_model(void **state) {
  (void)state;
  run(1, 6, UINT64_MAX, 20000, 0);
  run(2, 100, UINT64_MAX, 40000, 0);
  run(3, 3000, UINT64_MAX, 100000, 0);
}

static void bad_hashes(void **state) {
  (void)state;
  run(4, 200, 0, 20000, 0);                            /* all alike */
  run(5, 300, UINT64_C(7) << 48, 20000, 0);            /* one bucket, few tags, among them the one that is 0 */
  run(6, 300, 0xff, 20000, 0);                         /* tags alike */
  run(7, 500, UINT64_C(0xffff000000000003), 20000, 0); /* buckets that a split leaves empty */
  run(8, 500, UINT64_C(0xffff0000000000f0), 20000, 0);
}

static void against_model_failing(void **state) {
  (void)state;
  run(9, 3000, UINT64_MAX, 100000, 2);
  run(10, 1000, UINT64_C(0xffff00000000000f), 30000, 4);
}

static void two_hundred_thousand(void **state) {
  (void)state;
  uint64_t seed = 11, worst = 0;
  model_init();
  for (uint32_t ref = 0; ref < MODEL; ref++) {
    assert_true(add(ref, rnd64(&seed)));
    if (m.asked > worst)
      worst = m.asked;
    if (ref % 1000 == 0)                                        /* two segments may be almost empty */
      assert_true(m.mem.mem.used < 11 * (uint64_t)ref + 80000); /* at all points between two doublings */
  }
  assert_true(worst <= 60); /* one bucket at a time: no pause */
  assert_true(m.t.nbuckets >= MODEL / 9 && m.t.nbuckets <= MODEL / 7);
  check_all();
  for (uint32_t k = 0; k < MODEL; k++)
    assert_int_equal(found(rnd64(&seed), 0), 0);
  /* half goes: memory follows */
  for (uint32_t ref = 0; ref < MODEL; ref += 2)
    del(ref);
  check_all();
  uint64_t used = m.mem.mem.used;
  for (uint32_t ref = 1; ref < MODEL; ref += 4)
    del(ref);
  assert_true(m.mem.mem.used < used * 3 / 4);
  check_all();
  while (m.n)
    del(m.live[m.n - 1]);
  la__table_trim(&m.t);
  test_mem_empty(&m.mem);
}

/* With no memory at all for growth the table goes on as long as its overflow lasts, then refuses, and recovers. */
static void starved(void **state) {
  (void)state;
  uint64_t seed = 12;
  model_init();
  for (uint32_t ref = 0; ref < 200; ref++)
    assert_true(add(ref, rnd64(&seed)));
  m.mem.fail_one_in = 1;
  uint32_t refused = 0, ref = 200;
  for (; ref < 2000; ref++)
    refused += !add(ref, rnd64(&seed));
  assert_true(refused && m.n > 220);
  check_all();
  m.mem.fail_one_in = 0;
  for (; ref < 6000; ref++)
    assert_true(add(ref, rnd64(&seed)));
  assert_true(m.t.nbuckets >= m.n / 9);
  check_all();
  m.mem.fail_one_in = 1; /* and shrinks without memory, or not at all, but loses nothing */
  while (m.n) {
    del(m.live[0]);
    if (m.n % 256 == 0)
      check_all();
  }
  la__table_trim(&m.t);
  test_mem_empty(&m.mem);
}

static void failing_script(struct test_mem *t) {
  uint64_t seed = 13;
  memset(&m, 0, sizeof m);
  la__table_init(&m.t, &t->mem, hash_of, &m);
  for (int round = 0; round < 2; round++) {
    for (uint32_t ref = 0; ref < 1500; ref++) {
      uint64_t hash = rnd64(&seed);
      if (!add(ref, hash))
        assert_true(add(ref, hash)); /* only one call fails */
    }
    check_all();
    for (uint32_t ref = 0; ref < 1500; ref++)
      del(ref);
    la__table_trim(&m.t);
    assert_int_equal(t->mem.used, 0);
  }
}
static void each_failure(void **state) {
  (void)state;
  test_each_failure(failing_script, 20);
}

static void done_with_entries(void **state) {
  (void)state;
  uint64_t seed = 14;
  model_init();
  for (uint32_t ref = 0; ref < 5000; ref++)
    assert_true(add(ref, rnd64(&seed)));
  la__table_done(&m.t);
  test_mem_empty(&m.mem);
  m.n = 0;
  assert_int_equal(found(1, 1), 0);
  assert_false(la__table_del(&m.t, 1, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(against_model),     cmocka_unit_test(bad_hashes),   cmocka_unit_test(against_model_failing),
    cmocka_unit_test(starved),           cmocka_unit_test(each_failure), cmocka_unit_test(two_hundred_thousand),
    cmocka_unit_test(done_with_entries),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
