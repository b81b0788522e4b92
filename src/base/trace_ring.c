/* SPDX-License-Identifier: MIT */
#include "base/trace_ring.h"

#include "base/bytes.h"

void la__trace_init(struct trace_ring *t, la_trace_rec *v, uint32_t cap) {
  memset(t, 0, sizeof *t);
  t->v = v;
  t->mask = cap - 1;
}

la_trace_rec *la__trace_put(struct trace_ring *t) {
  if (!t->v)
    return 0;
  if (t->head - t->tail > t->mask) {
    t->tail++;
    t->lost++;
  }
  la_trace_rec *r = &t->v[t->head++ & t->mask];
  memset(r, 0, sizeof *r);
  return r;
}

size_t la__trace_get(struct trace_ring *t, la_trace_rec *out, size_t max) {
  size_t n = 0;
  while (n < max && t->tail != t->head)
    out[n++] = t->v[t->tail++ & t->mask];
  return n;
}
