/* SPDX-License-Identifier: MIT */
/*
 * A queue of bytes to be sent: appended by copy into chunks or by reference to what was lent, read by offset, consumed from the front.
 * Bytes that were copied were summed on the way, in runs as long as the segments that are to be cut from them, and the sums are kept: a
 * segment that begins and ends where runs do needs no other pass over its bytes. Offsets count from the first unconsumed byte. The
 * spool holds one reference to what each of its pieces lies in; bytes in it never change.
 */
#ifndef LA_MEM_SPOOL_H
#define LA_MEM_SPOOL_H

#include "mem/chunk.h"

#include <stdbool.h>

#define SPOOL_MAX (1u << 30) /* bytes at most, but for the last that were lent */

struct spool_piece {
  const uint8_t *data;
  la_held *owner;
  uint32_t end; /* counted from the first byte that ever was in the spool, modulo 2^32 */
  uint32_t len;
  uint16_t sum; /* of all of it, when `summed` */
  bool summed;
};
struct spool {
  union {
    struct spool_piece *ring; /* 2^lg of them */
    struct spool_piece one;   /* the only one when lg is 0 */
  } u;
  uint32_t head, n; /* the first piece's index in the ring; pieces */
  uint32_t len;     /* bytes */
  uint32_t end;     /* of the last piece */
  uint32_t hint;    /* counted from the first: the piece that was read last */
  uint32_t run;     /* bytes that are missing to the end of the present run */
  uint8_t lg;
};
/* All zero is an empty spool. */
void la__spool_done(struct spool *s, struct chunk_pool *p);
/* Copies up to n bytes, by runs of `run` bytes, the first of which begins here when `fresh`; returns how many (fewer: memory is short). */
size_t la__spool_append(struct spool *s, struct chunk_pool *p, const void *src, size_t n, uint32_t run, bool fresh, const la_sums *f);
/* Adds n bytes that were lent and takes a reference to `owner`. false: memory is short. */
bool la__spool_lend(struct spool *s, struct chunk_pool *p, la_held *owner, const void *data, uint32_t n);
/* Drops n <= len bytes from the front: all memory when nothing is left. */
void la__spool_consume(struct spool *s, struct chunk_pool *p, uint32_t n);

/* References to bytes: at most `max` entries of buf and owner, with a reference taken for each. */
struct spool_refs {
  la_buf *buf;
  void **owner;
  unsigned max, n;
  uint32_t got; /* bytes covered */
  uint32_t sum; /* of these, a partial sum as in base/sum.h; valid when `summed` */
  bool summed;
};
/* To n bytes from offset `at` (within len). */
void la__spool_refs(struct spool *s, uint32_t at, uint32_t n, struct spool_refs *out);
/* To all that is there. */
void la__spool_whole(struct spool *s, struct spool_refs *out);

#endif
