/* SPDX-License-Identifier: MIT */
/* For the tests of src/mem: an allocator that can fail and that checks what it gets back, and numbers from a seed. */
#ifndef TESTS_UNIT_MEM_TEST_H
#define TESTS_UNIT_MEM_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mem/mem.h"

struct test_mem {
  struct mem mem;
  uint64_t calls;
  uint64_t fail_at;     /* this call fails (1, 2, …); 0: none */
  uint32_t fail_one_in; /* calls fail at random; 0: none */
  uint64_t rnd;
  uint64_t live; /* bytes, counted apart from mem.used */
};

static inline uint64_t rnd64(uint64_t *s) {
  uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}
static inline uint32_t rnd_below(uint64_t *s, uint32_t n) { return (uint32_t)((rnd64(s) >> 32) * n >> 32); }

/* A guard in front of each piece holds its size, so that a free with another size is seen. */
static inline void *guarded_alloc(void *ctx, size_t n) {
  struct test_mem *t = ctx;
  t->calls++;
  if (t->calls == t->fail_at || (t->fail_one_in && !rnd_below(&t->rnd, t->fail_one_in)))
    return NULL;
  unsigned char *p = malloc(n + 16);
  assert_non_null(p);
  memcpy(p, &n, sizeof n);
  memset(p + 16, 0xa5, n < 8192 ? n : 8192); /* nobody may count on zeros */
  t->live += n;
  return p + 16;
}
static inline void guarded_free(void *ctx, void *p, size_t n) {
  struct test_mem *t = ctx;
  unsigned char *q = (unsigned char *)p - 16;
  size_t was;
  memcpy(&was, q, sizeof was);
  assert_int_equal(was, n);
  t->live -= n;
  free(q);
}
static inline void test_mem_init(struct test_mem *t) {
  *t = (struct test_mem){.mem = {.a = {guarded_alloc, guarded_free, NULL}}, .rnd = 7};
  t->mem.a.ctx = t;
}
static inline void test_mem_empty(const struct test_mem *t) {
  assert_int_equal(t->mem.used, 0);
  assert_int_equal(t->live, 0);
}

/*
 * Runs script(t) with its n-th allocation failing, for n = 1, 2, … until none fails any more. The script must finish and
 * give everything back whatever fails.
 */
static inline void test_each_failure(void (*script)(struct test_mem *t), uint64_t at_least) {
  for (uint64_t n = 1;; n++) {
    struct test_mem t;
    test_mem_init(&t);
    t.fail_at = n;
    script(&t);
    test_mem_empty(&t);
    if (t.calls < n) {
      assert_true(n > at_least);
      return;
    }
  }
}

#endif
