/* SPDX-License-Identifier: MIT */
/* The embedder's allocator, with a count of what is held, and memory aligned to cache lines on top of it. */
#ifndef LA_MEM_MEM_H
#define LA_MEM_MEM_H

#include <lastack/stack.h>

struct mem {
  la_alloc a;
  uint64_t used;
};
static inline void *mem_alloc(struct mem *m, size_t n) {
  void *p = m->a.alloc(m->a.ctx, n);
  if (p)
    m->used += n;
  return p;
}
static inline void mem_free(struct mem *m, void *p, size_t n) {
  if (p) {
    m->used -= n;
    m->a.free(m->a.ctx, p, n);
  }
}

/* For arrays of records that must not straddle lines: the allocator's own pointer lies just before what is given out. */
#define MEM_LINE 64u

static inline void *mem_alloc_line(struct mem *m, size_t n) {
  unsigned char *raw = mem_alloc(m, n + MEM_LINE);
  if (!raw)
    return NULL;
  unsigned char *p = raw + (MEM_LINE - ((uintptr_t)raw & (MEM_LINE - 1)));
  ((void **)(void *)p)[-1] = raw; /* raw is aligned for any type, so there is room for a pointer */
  return p;
}
static inline void mem_free_line(struct mem *m, void *p, size_t n) {
  if (p)
    mem_free(m, ((void **)p)[-1], n + MEM_LINE);
}

#endif
