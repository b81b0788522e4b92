/* SPDX-License-Identifier: MIT */
/*
 * Objects of one size, named by a 32-bit index. Memory comes in blocks; a block that becomes empty goes back to
 * the allocator, except that one empty block is kept against thrashing (la__slab_trim returns it too).
 * Indices are dense from 0 and are reused, lowest free block first.
 */
#ifndef LA_MEM_SLAB_H
#define LA_MEM_SLAB_H

#include "mem/mem.h"

#include <stdbool.h>

#define SLAB_NONE UINT32_MAX

struct slab_block; /* starts on a cache line; its objects start `data` bytes later, on a cache line as well */
struct slab {
  struct mem *mem;
  struct slab_block **block; /* directory, grown by doubling, freed when empty and trimmed; entries may be NULL */
  uint64_t *room, *hole;     /* bit trees, in the directory's memory: blocks with a free object, entries without a block */
  uint32_t nblocks, cap;     /* directory entries in use (the last one is not NULL), allocated */
  uint32_t size;             /* bytes from one object to the next, a multiple of 4 */
  uint32_t per_block;        /* objects a block: a power of two */
  uint32_t shift, data;      /* log2 of per_block; bytes before a block's first object */
  uint32_t limit;            /* objects at most */
  uint32_t used;
  uint32_t hint;  /* the lowest block that has room, or SLAB_NONE */
  uint32_t empty; /* the allocated block that is empty, or SLAB_NONE */
};
/*
 * No memory is taken before the first object. `size` is rounded up to a multiple of 4; an object that holds 64-bit integers must be a
 * multiple of 8 long itself, where a machine aligns these so. `limit` below 2^30; indices stay below limit rounded up to whole blocks.
 */
void la__slab_init(struct slab *s, struct mem *m, uint32_t size, uint32_t per_block, uint32_t limit);
/* Gives all memory back, objects or not. */
void la__slab_done(struct slab *s);
/* A zeroed object and its index; NULL: the limit is reached or memory is short. */
void *la__slab_new(struct slab *s, uint32_t *index);
void la__slab_del(struct slab *s, uint32_t index);
/* The object, or NULL when no object is alive at that index (any index is allowed). */
void *la__slab_get(const struct slab *s, uint32_t index);
/* The object at an index known to be alive (no check at all). */
static inline void *la__slab_at(const struct slab *s, uint32_t index) {
  return (unsigned char *)s->block[index >> s->shift] + s->data + (size_t)(index & (s->per_block - 1)) * s->size;
}
/* Is there memory at that index, whether or not an object is alive there? */
static inline bool la__slab_has_block(const struct slab *s, uint32_t index) {
  return index >> s->shift < s->nblocks && s->block[index >> s->shift];
}
/* The first live index >= from, or SLAB_NONE. */
uint32_t la__slab_next(const struct slab *s, uint32_t from);
/* Returns the empty block that is kept, and the directory when there is no object at all. */
void la__slab_trim(struct slab *s);

#endif
