/* SPDX-License-Identifier: MIT */
#include "base/ranges.h"

#include "base/bytes.h"
#include "base/seq.h"

/* The first interval whose end is at or past x: the only one that can hold x or touch it from the left. */
static unsigned first_reaching(const struct ranges *r, uint32_t x) {
  unsigned lo = 0, hi = r->n;
  while (lo < hi) {
    unsigned mid = (lo + hi) / 2;
    if (seq_lt(r->v[mid].hi, x))
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

bool la__ranges_add(struct ranges *r, uint32_t lo, uint32_t hi) {
  unsigned i = first_reaching(r, lo), j = i;
  while (j < r->n && seq_leq(r->v[j].lo, hi)) {
    lo = seq_min(lo, r->v[j].lo);
    hi = seq_max(hi, r->v[j].hi);
    j++;
  }
  if (i == j) { /* touches none */
    if (r->n == r->cap)
      return false;
    memmove(&r->v[i + 1], &r->v[i], (r->n - i) * sizeof r->v[0]);
    r->n++;
  } else {
    memmove(&r->v[i + 1], &r->v[j], (r->n - j) * sizeof r->v[0]);
    r->n = (uint16_t)(r->n - (j - i - 1));
  }
  r->v[i] = (struct range){lo, hi};
  return true;
}

void la__ranges_cut(struct ranges *r, uint32_t upto) {
  unsigned i = 0;
  while (i < r->n && seq_leq(r->v[i].hi, upto))
    i++;
  memmove(&r->v[0], &r->v[i], (r->n - i) * sizeof r->v[0]);
  r->n = (uint16_t)(r->n - i);
  if (r->n && seq_lt(r->v[0].lo, upto))
    r->v[0].lo = upto;
}

int la__ranges_find(const struct ranges *r, uint32_t x) {
  unsigned i = first_reaching(r, x + 1);
  return i < r->n && seq_leq(r->v[i].lo, x) ? (int)i : -1;
}
