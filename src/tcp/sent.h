/* SPDX-License-Identifier: MIT */
/*
 * The scoreboard: what has been sent and not yet acknowledged, in order, without gaps, from SND.UNA on. A record stands for neighbouring
 * segments of one size that share a fate and left together; so a window that left in one go is one record, and each loss costs two more.
 *
 * Bounded: at most `max` records. Past that a block of the peer's that would split a record is not taken (the bytes then count
 * as not reported), and what is sent joins the last record; either is harmless, and only less exact.
 */
#ifndef LA_TCP_SENT_H
#define LA_TCP_SENT_H

#include "mem/mem.h"

enum sent_flag {
  SENT_SACKED = 1,
  SENT_LOST = 2,
  SENT_RETRANS = 4, /* sent again, and that copy may be on its way */
  SENT_EVER = 8     /* sent more than once: no sample, and its ACK proves nothing */
};

struct sent_rec {
  uint32_t lo, hi; /* a FIN counts */
  la_time at;      /* when it last left; of joined records the later time */
  uint32_t order;  /* grows each time that what leaves lies before what left last: among equal times it tells which was first */
  uint16_t size;   /* of each segment; the last may be shorter */
  uint8_t flags;
};

enum { SENT_OWN = 4, SENT_FINE = 64, SENT_NO_ROOM = -1 };

struct sent {
  struct sent_rec *v; /* own, or from mem */
  struct mem *mem;
  la_time slack; /* past SENT_FINE records neighbours that left no further apart may share one */
  uint16_t head, n, cap, max;
  uint32_t sacked, lost, retrans; /* bytes with the flag */
  uint32_t again;                 /* bytes lost and not yet sent again */
  uint32_t order, last;           /* of what left last, and its end */
  struct sent_rec own[SENT_OWN];
};

void la__sent_init(struct sent *s, struct mem *m, uint32_t max);
void la__sent_done(struct sent *s);
static inline struct sent_rec *sent_at(const struct sent *s, unsigned i) { return &s->v[s->head + i]; }
static inline uint32_t sent_segments_of(const struct sent_rec *r) { return (r->hi - r->lo + r->size - 1u) / r->size; }
/* Segments of new bytes, directly after the last, of `size` each. */
void la__sent_add(struct sent *s, uint32_t lo, uint32_t hi, uint32_t size, la_time at);
/* Index of the first record that ends after seq; n when there is none. */
unsigned la__sent_find(const struct sent *s, uint32_t seq);
/* Makes `seq` the beginning of a record of its own, unless it is the end of them all; its index, or SENT_NO_ROOM. */
int la__sent_split(struct sent *s, uint32_t seq);
void la__sent_set(struct sent *s, unsigned i, unsigned flags);
/* Marks [lo, hi), which lies within one record, as sent again now. `retrans` false: it does not count as on its way (a probe). */
void la__sent_again(struct sent *s, uint32_t lo, uint32_t hi, la_time at, bool retrans);
/* Forgets what lies below seq in the first record. */
void la__sent_cut(struct sent *s, uint32_t seq);
/* Joins neighbours that no longer differ. */
void la__sent_tidy(struct sent *s);
/* The segment that record i begins with goes again, and whole ones after it that share its fate, as far as `most` bytes hold them. */
uint32_t la__sent_collapse(struct sent *s, unsigned i, uint32_t most);
/* The first record that is lost and not yet sent again, or -1. */
int la__sent_next(const struct sent *s);
/* Segments that have all these flags; 0: all there are. */
uint32_t la__sent_segments(const struct sent *s, unsigned flags);

#endif
