/* SPDX-License-Identifier: MIT */
#include "mem_test.h"

#include "mem/fifo.h"
#include "mem/slab.h"

struct record {
  struct fifo_link link;
  uint64_t payload;
};

static struct fifo_link *record_at(void *ctx, uint32_t index) {
  struct record *r = la__slab_get(ctx, index);
  assert_non_null(r);
  return &r->link;
}

#define LISTS 3
#define MODEL 300u

/* The model of a list: an array in order. */
struct list {
  struct fifo f;
  uint32_t v[MODEL], n;
};

static void same(const struct list *l) {
  assert_int_equal(l->f.count, l->n);
  uint32_t i = l->f.head, prev = FIFO_NONE;
  for (uint32_t k = 0; k < l->n; k++) {
    assert_int_equal(i, l->v[k]);
    const struct fifo_link *at = record_at(l->f.ctx, i);
    assert_int_equal(at->prev, prev);
    prev = i;
    i = at->next;
  }
  assert_int_equal(i, FIFO_NONE);
  assert_int_equal(l->f.tail, prev);
}

static void remove_at(struct list *l, uint32_t k) {
  la__fifo_del(&l->f, l->v[k]);
  memmove(l->v + k, l->v + k + 1, (l->n - k - 1) * sizeof *l->v);
  l->n--;
}

static void against_model(void **state) {
  (void)state;
  struct test_mem t;
  struct slab s;
  struct list l[LISTS];
  uint64_t seed = 1;
  memset(l, 0, sizeof l);
  test_mem_init(&t);
  la__slab_init(&s, &t.mem, sizeof(struct record), 64, MODEL);
  for (int k = 0; k < LISTS; k++)
    la__fifo_init(&l[k].f, record_at, &s);
  for (uint32_t op = 0; op < 120000; op++) {
    struct list *a = &l[rnd_below(&seed, LISTS)], *b = &l[rnd_below(&seed, LISTS)];
    uint32_t i = 0, what = rnd_below(&seed, 8), k = a->n ? rnd_below(&seed, a->n) : 0;
    if (what < 3) {
      if (la__slab_new(&s, &i)) {
        la__fifo_push(&a->f, i);
        a->v[a->n++] = i;
      }
    } else if (!a->n) {
      continue;
    } else if (what < 5) { /* expiry: from the head; or deletion anywhere */
      k = what == 3 ? 0 : k;
      i = a->v[k];
      remove_at(a, k);
      la__slab_del(&s, i);
    } else { /* a restart, or the next retry: to the tail of the same or another list */
      i = a->v[k];
      remove_at(a, k);
      la__fifo_push(&b->f, i);
      b->v[b->n++] = i;
    }
    if (op % 64 == 0 || op < 1000) {
      same(a);
      same(b);
    }
  }
  for (int k = 0; k < LISTS; k++) {
    same(&l[k]);
    while (l[k].n)
      remove_at(&l[k], 0);
    same(&l[k]);
  }
  la__slab_done(&s);
  test_mem_empty(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(against_model)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
