/* SPDX-License-Identifier: MIT */
#include "base/ranges.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/seq.h"

/* The first interval whose upper end lies at least `off` beyond `base`; n when none does. */
static unsigned first_reaching(const struct ranges *r, uint32_t base, uint32_t off) {
  unsigned lo = 0, hi = r->n;
  while (lo < hi) {
    unsigned mid = (lo + hi) / 2;
    if (r->v[mid].hi - base >= off)
      hi = mid;
    else
      lo = mid + 1;
  }
  return lo;
}

/* The first interval that starts more than `off` beyond `base`; n when none does. */
static unsigned first_beyond(const struct ranges *r, uint32_t base, uint32_t off) {
  unsigned lo = 0, hi = r->n;
  while (lo < hi) {
    unsigned mid = (lo + hi) / 2;
    if (r->v[mid].lo - base > off)
      hi = mid;
    else
      lo = mid + 1;
  }
  return lo;
}

/* Closes the gap [i, j) by moving what follows it. */
static void drop(struct ranges *r, unsigned i, unsigned j) {
  memmove(r->v + i, r->v + j, (r->n - j) * sizeof *r->v);
  r->n = (uint16_t)(r->n - (j - i));
}

bool la__ranges_add(struct ranges *r, uint32_t lo, uint32_t hi) {
  LA_CHECK(seq_lt(lo, hi) && r->n <= r->cap);
  uint32_t base = r->n ? seq_min(lo, r->v[0].lo) : lo;
  unsigned i = first_reaching(r, base, lo - base); /* touches or follows [lo, hi) */
  unsigned j = first_beyond(r, base, hi - base);   /* lies clear beyond it */
  LA_CHECK(i <= j);
  if (i == j) {
    if (r->n == r->cap)
      return false;
    memmove(r->v + i + 1, r->v + i, (r->n - i) * sizeof *r->v);
    r->v[i] = (struct range){lo, hi};
    r->n++;
    return true;
  }
  struct range *v = r->v + i;
  uint32_t last = r->v[j - 1].hi;
  if (lo - base < v->lo - base)
    v->lo = lo;
  v->hi = last - base > hi - base ? last : hi;
  drop(r, i + 1, j);
  return true;
}

void la__ranges_cut(struct ranges *r, uint32_t upto) {
  if (!r->n || seq_leq(upto, r->v[0].lo))
    return;
  uint32_t base = r->v[0].lo;
  drop(r, 0, first_reaching(r, base, upto - base + 1)); /* those that end at or before `upto` */
  if (r->n && r->v[0].lo - base < upto - base)
    r->v[0].lo = upto;
}

unsigned la__ranges_beyond(const struct ranges *r, uint32_t x) {
  if (!r->n || seq_lt(x, r->v[0].lo))
    return 0;
  return first_reaching(r, r->v[0].lo, x - r->v[0].lo + 1);
}

int la__ranges_find(const struct ranges *r, uint32_t x) {
  if (!r->n)
    return -1;
  /* An x before the first one counts as far beyond the last, and is refused by its upper end. */
  unsigned i = first_beyond(r, r->v[0].lo, x - r->v[0].lo) - 1;
  return x - r->v[i].lo < r->v[i].hi - r->v[i].lo ? (int)i : -1;
}
