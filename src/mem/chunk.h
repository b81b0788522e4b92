/* SPDX-License-Identifier: MIT */
/*
 * The pool of payload memory: reference-counted chunks of fixed size, shared by queues and by frames under way. What the application has
 * lent is counted in the same way, and handed back through a list.
 */
#ifndef LA_MEM_CHUNK_H
#define LA_MEM_CHUNK_H

#include "mem/mem.h"

#define CHUNK_BYTES 4096u

enum held_kind { HELD_CHUNK, HELD_LENT };
struct chunk {
  la_held h; /* next: free list; nobody else's while referenced, so that a holder may link chunks before it uses them */
  uint8_t data[CHUNK_BYTES];
};
struct chunk_pool {
  struct mem *mem;
  la_held *free;
  uint32_t nfree; /* kept for reuse: at most keep */
  uint32_t keep;
  uint32_t used;             /* referenced chunks */
  uint32_t limit;            /* referenced chunks at most */
  la_held *back, *back_last; /* lent, and not referred to any more: the oldest first */
};
void la__chunks_init(struct chunk_pool *p, struct mem *m, uint32_t limit);
/* Frees what is kept. Chunks that are still referenced are not known here: ropes and frames give them back before. */
void la__chunks_done(struct chunk_pool *p);
/* A chunk with one reference, or NULL. Its bytes are not zeroed. */
struct chunk *la__chunk_new(struct chunk_pool *p);
/* Of a chunk, or of what was lent. */
static inline void la__held_ref(la_held *h) { h->refs++; }
void la__held_unref(struct chunk_pool *p, la_held *h);
static inline void la__chunk_unref(struct chunk_pool *p, struct chunk *c) { la__held_unref(p, &c->h); }
/* Takes one off the list of what goes back; NULL: it is empty. */
la_held *la__held_back(struct chunk_pool *p);
void la__chunks_trim(struct chunk_pool *p);

#endif
