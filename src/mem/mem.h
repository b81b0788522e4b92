/* SPDX-License-Identifier: MIT */
/* The embedder's allocator, with a count of what is held. */
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

#endif
