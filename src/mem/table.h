/* SPDX-License-Identifier: MIT */
/*
 * The demultiplexing table: one for connections, half-open and TIME-WAIT records. 64-byte buckets of ten entries
 * (32-bit reference, 16-bit tag) and an overflow link; linear hashing, grown and shrunk one bucket at a time, so
 * that no call ever pauses to rehash. The hash is the caller's, keyed.
 */
#ifndef LA_MEM_TABLE_H
#define LA_MEM_TABLE_H

#include "mem/mem.h"

#include <stdbool.h>

#define TABLE_NONE UINT32_MAX /* never a valid reference */

struct table_bucket;
/* Buckets by number, in segments that never move: the directory is grown by doubling. */
struct table_array {
  struct table_bucket **seg;
  uint32_t nseg, cap;
};
struct table {
  struct mem *mem;
  uint64_t (*hash_of)(void *ctx, uint32_t ref); /* for splitting: asked of references that are in the table, by la__table_add only */
  void *ctx;
  struct table_array main, over; /* the addressed buckets; the overflow buckets */
  uint32_t nbuckets;             /* addressed buckets in use; level and split point derive from it */
  uint32_t count;                /* entries */
  uint32_t nover, spare;         /* overflow buckets made; list of those not in use, as number + 1 */
  uint32_t over_used;
};
/* No memory is taken before the first entry. */
void la__table_init(struct table *t, struct mem *m, uint64_t (*hash_of)(void *ctx, uint32_t ref), void *ctx);
void la__table_done(struct table *t);
/* false: memory is short, and the entry is not there. The reference must not be in the table under that hash. */
bool la__table_add(struct table *t, uint64_t hash, uint32_t ref);
/* true when it was there. */
bool la__table_del(struct table *t, uint64_t hash, uint32_t ref);
/* Overwrites the reference in place, without memory: false when `old` is not there. Both must have the same hash. */
bool la__table_swap(struct table *t, uint64_t hash, uint32_t old, uint32_t ref);

/*
 * Candidates for a hash: start with {0}; returns TABLE_NONE at the end. The caller compares keys.
 * Nothing may be added or deleted meanwhile.
 */
struct table_iter {
  const struct table_bucket *bucket;
  uint32_t slot;
};
uint32_t la__table_find(const struct table *t, uint64_t hash, struct table_iter *it);
/* Returns what is not in use: all memory when there is no entry, else the overflow buckets when none is needed. */
void la__table_trim(struct table *t);

#endif
