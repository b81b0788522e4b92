/* SPDX-License-Identifier: MIT */
/* The pool of payload memory: reference-counted chunks of fixed size, shared by ropes and by frames under way. */
#ifndef LA_MEM_CHUNK_H
#define LA_MEM_CHUNK_H

#include "mem/mem.h"

#define CHUNK_BYTES 4096u

struct chunk {
  struct chunk *next; /* free list; nobody else's while referenced, so that a holder may link chunks before it uses them */
  uint32_t refs;
  uint32_t spare;
  uint8_t data[CHUNK_BYTES];
};
struct chunk_pool {
  struct mem *mem;
  struct chunk *free;
  uint32_t nfree; /* kept for reuse: at most keep */
  uint32_t keep;
  uint32_t used;  /* referenced chunks */
  uint32_t limit; /* referenced chunks at most */
};
void la__chunks_init(struct chunk_pool *p, struct mem *m, uint32_t limit);
/* Frees what is kept. Chunks that are still referenced are not known here: ropes and frames give them back before. */
void la__chunks_done(struct chunk_pool *p);
/* A chunk with one reference, or NULL. Its bytes are not zeroed. */
struct chunk *la__chunk_new(struct chunk_pool *p);
static inline void la__chunk_ref(struct chunk *c) { c->refs++; }
void la__chunk_unref(struct chunk_pool *p, struct chunk *c);
void la__chunks_trim(struct chunk_pool *p);

#endif
