/* SPDX-License-Identifier: MIT */
/* The trace: a ring of records in memory that the caller supplied. When it is full the oldest is overwritten and counted. */
#ifndef LA_BASE_TRACE_RING_H
#define LA_BASE_TRACE_RING_H

#include <lastack/trace.h>

struct trace_ring {
  la_trace_rec *v;     /* NULL: tracing is off and every call does nothing */
  uint32_t mask;       /* capacity - 1; the capacity is a power of two */
  uint64_t head, tail; /* written, read: totals */
  uint64_t lost;
};
void la__trace_init(struct trace_ring *t, la_trace_rec *v, uint32_t cap);
static inline bool la__trace_on(const struct trace_ring *t) { return __builtin_expect(t->v != 0, 0); }
/* The next record, zeroed, to be filled in; NULL when tracing is off. */
la_trace_rec *la__trace_put(struct trace_ring *t);
size_t la__trace_get(struct trace_ring *t, la_trace_rec *out, size_t max);

#endif
