/* SPDX-License-Identifier: MIT */
/*
 * A queue of bytes in chunks: appended (or, for out-of-order data, written ahead of its end), read by offset,
 * consumed from the front. Offsets count from the first unconsumed byte. The rope holds one reference to each
 * of its chunks; bytes that were written are never changed while they are in the rope.
 */
#ifndef LA_MEM_ROPE_H
#define LA_MEM_ROPE_H

#include "mem/chunk.h"

#include <stdbool.h>

#define ROPE_MAX (1u << 30) /* bytes at most, from the front to the last one written ahead */

struct rope {
  union {
    struct chunk **ring; /* 2^lg chunk pointers in a ring; NULL where nothing has been written yet */
    struct chunk *one;   /* the only one when lg is 0: a short rope needs no ring */
  } u;
  uint32_t head; /* ring index of the first chunk */
  uint32_t len;  /* contiguous bytes from the front: la__rope_append's, and what la__rope_extend joined */
  uint32_t end;  /* just after the last byte that was written; greater than len when bytes are written ahead */
  uint16_t off;  /* bytes of the first chunk already consumed */
  uint8_t lg;
};
/* All zero is an empty rope. */
void la__rope_done(struct rope *r, struct chunk_pool *p);
/* Appends up to n bytes; returns how many (fewer when memory is short). Only for ropes without bytes written ahead. */
size_t la__rope_append(struct rope *r, struct chunk_pool *p, const void *src, size_t n);
/*
 * Where up to *n bytes at offset `at` >= len may be written; *n becomes how many of them lie together. They are in the rope only after
 * la__rope_grow; until then others may overwrite them. NULL: memory is short. Only for ropes without bytes written ahead.
 */
uint8_t *la__rope_space(struct rope *r, struct chunk_pool *p, size_t at, size_t *n);
void la__rope_grow(struct rope *r, size_t n);
/*
 * Writes n bytes at offset `at` >= len, over what may have been written ahead there, taking chunks as needed.
 * false, and nothing changed, when memory is short or ROPE_MAX would be passed. Does not change len.
 */
bool la__rope_write_at(struct rope *r, struct chunk_pool *p, size_t at, const void *src, size_t n);
/* Declares n more bytes after len as present (they were written by la__rope_write_at). */
void la__rope_extend(struct rope *r, size_t n);
/* Drops what was written ahead, and the chunks that this frees. */
void la__rope_cut(struct rope *r, struct chunk_pool *p);
/* The bytes from offset `at` < len on, as far as they lie together; no reference is taken. */
void la__rope_look(const struct rope *r, size_t at, la_buf *buf);
/* Copies up to n bytes from offset `at`; returns how many lie within len. */
size_t la__rope_copy(const struct rope *r, size_t at, void *dst, size_t n);
/* Drops n <= len bytes from the front and the chunks that this frees: all memory when nothing is left. */
void la__rope_consume(struct rope *r, struct chunk_pool *p, size_t n);
/*
 * References to n bytes from offset `at` (within len): fills at most max entries of buf and owner (the chunk, with a
 * reference taken) and returns how many; *got is the bytes covered.
 */
unsigned la__rope_refs(const struct rope *r, size_t at, size_t n, la_buf *buf, void **owner, unsigned max, size_t *got);

#endif
