/* SPDX-License-Identifier: MIT */
#include "mem_test.h"

#include "mem/chunk.h"

#define MODEL 400u

static void run(uint32_t limit, uint32_t fail_one_in) {
  struct test_mem t;
  struct chunk_pool p;
  struct chunk *v[MODEL];
  uint32_t n = 0, refs[MODEL];
  uint64_t seed = limit;
  test_mem_init(&t);
  la__chunks_init(&p, &t.mem, limit);
  assert_int_equal(t.mem.used, 0);
  t.fail_one_in = fail_one_in;
  for (uint32_t op = 0; op < 120000; op++) {
    uint32_t what = rnd_below(&seed, 5), k = n ? rnd_below(&seed, n) : 0, waves = op / 2000 % 2 ? 1 : 2;
    if (what < waves) {
      uint32_t kept = p.nfree;
      struct chunk *c = la__chunk_new(&p);
      if (!c) {
        assert_true(n == limit || (fail_one_in && !kept));
        continue;
      }
      assert_true(n < limit);
      assert_int_equal(c->h.refs, 1);
      for (uint32_t i = 0; i < n; i++)
        assert_ptr_not_equal(v[i], c);
      memset(c->data, (int)op, 16);
      v[n] = c;
      refs[n++] = 1;
    } else if (n && what == 2) {
      la__held_ref(&v[k]->h);
      refs[k]++;
    } else if (n) {
      assert_int_equal(v[k]->h.refs, refs[k]);
      la__chunk_unref(&p, v[k]);
      if (!--refs[k]) {
        v[k] = v[--n];
        refs[k] = refs[n];
      }
    }
    assert_int_equal(p.used, n);
    assert_true(p.nfree <= p.keep);
    assert_int_equal(t.mem.used, (uint64_t)(p.used + p.nfree) * sizeof(struct chunk));
    assert_true(p.used + p.nfree <= limit);
    if (op % 5000 == 0) {
      la__chunks_trim(&p);
      assert_int_equal(p.nfree, 0);
      assert_int_equal(t.mem.used, (uint64_t)n * sizeof(struct chunk));
    }
  }
  while (n) {
    if (--refs[n - 1] == 0)
      la__chunk_unref(&p, v[--n]);
    else
      la__chunk_unref(&p, v[n - 1]);
  }
  la__chunks_done(&p);
  test_mem_empty(&t);
}

static void against_model(void **state) {
  (void)state;
  run(1, 0);
  run(350, 0);
}

static void against_model_failing(void **state) {
  (void)state;
  run(350, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(against_model), cmocka_unit_test(against_model_failing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
