/* SPDX-License-Identifier: MIT */
#include "base/trace_ring.h"
#include "base/bytes.h"
#include "base/check.h"

void la__trace_init(struct trace_ring *t, la_trace_rec *v, uint32_t cap) {
  memset(t, 0, sizeof *t);
  if (!v || !cap)
    return;
  LA_CHECK((cap & (cap - 1)) == 0);
  t->v = v;
  t->mask = cap - 1;
}

la_trace_rec *la__trace_put(struct trace_ring *t) {
  if (!t->v)
    return 0;
  if (t->head - t->tail > t->mask) { /* full: the newest matter most */
    t->tail++;
    t->lost++;
  }
  la_trace_rec *rec = &t->v[t->head++ & t->mask];
  memset(rec, 0, sizeof *rec);
  return rec;
}

size_t la__trace_get(struct trace_ring *t, la_trace_rec *out, size_t max) {
  size_t n = 0;
  if (!t->v)
    return 0;
  for (; n < max && t->tail != t->head; n++)
    out[n] = t->v[t->tail++ & t->mask];
  return n;
}
