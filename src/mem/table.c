/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. Linear hashing: with 2^k <= nbuckets < 2^(k+1) an entry lives in the bucket named by the low
 * k + 1 bits of its hash, or, where that bucket does not exist yet, by the low k bits. Growing makes bucket `nbuckets` and moves
 * into it a part of the one bucket with the same low k bits; shrinking is the reverse. Each addition grows by at most one
 * bucket and each deletion shrinks by at most one, at 8 and 4 entries a bucket.
 *
 * A bucket that is full continues in an overflow bucket. Chains are dense: all buckets but the last are full, the last one
 * is not empty unless it is the first. A split takes the chain apart bucket by bucket and reuses what becomes free,
 * so that it never needs an overflow bucket from the allocator; a merge needs at most one, and is put off without it.
 *
 * The tag (the top 16 bits of the hash, 0 replaced by 1; 0 marks a free place) is compared four at a time. A match is
 * a bit at 16 * lane + word, and this bit's number is also the number of the place.
 */
#include "mem/table.h"

#include "base/bytes.h"
#include "base/check.h"

#define PLACES 10u
#define GROW_AT 8u
#define SHRINK_AT 4u
#define BUCKETS_MIN 8u /* the first two segments have as many; then they double up to SEG_MAX */
#define SEG_MAX 512u
#define SEG_FIXED 6u           /* bucket b >= SEG_MAX is in segment b / SEG_MAX + this */
#define BUCKETS_MAX (1u << 28) /* so that entries fit in 32 bits */
#define SEGS_MIN 8u

struct table_bucket {
  uint64_t tag[2]; /* places 0, 16, 32, 48 and 1, 17, 33, 49 */
  uint32_t tag2;   /* places 2, 18 */
  uint32_t over;   /* number of the next bucket of the chain + 1; 0: none */
  uint32_t ref[PLACES];
};
_Static_assert(sizeof(struct table_bucket) == MEM_LINE, "a bucket is a cache line");

/* --- segments --- */

static uint32_t seg_of(uint32_t b) {
  if (b >= SEG_MAX)
    return b / SEG_MAX + SEG_FIXED;
  return b < BUCKETS_MIN ? 0 : 29 - (uint32_t)__builtin_clz(b);
}

static uint32_t seg_first(uint32_t seg) {
  if (seg > SEG_FIXED)
    return (seg - SEG_FIXED) * SEG_MAX;
  return seg ? BUCKETS_MIN << (seg - 1) : 0;
}

static size_t seg_bytes(uint32_t seg) { return (size_t)(seg_first(seg + 1) - seg_first(seg)) * sizeof(struct table_bucket); }

static struct table_bucket *bucket_at(const struct table_array *a, uint32_t b) {
  uint32_t seg = seg_of(b);
  return a->seg[seg] + (b - seg_first(seg));
}

/* Makes sure that bucket b, the one after the last, has memory. */
static bool array_reach(struct table_array *a, struct mem *m, uint32_t b) {
  uint32_t seg = seg_of(b);
  if (seg < a->nseg)
    return true;
  struct table_bucket *mem = mem_alloc_line(m, seg_bytes(seg));
  if (!mem)
    return false;
  if (seg == a->cap) {
    uint32_t cap = a->cap ? a->cap * 2 : SEGS_MIN;
    struct table_bucket **dir = mem_alloc(m, cap * sizeof *dir);
    if (!dir) {
      mem_free_line(m, mem, seg_bytes(seg));
      return false;
    }
    if (a->nseg)
      memcpy(dir, a->seg, a->nseg * sizeof *dir);
    mem_free(m, a->seg, a->cap * sizeof *dir);
    a->seg = dir;
    a->cap = cap;
  }
  a->seg[a->nseg++] = mem;
  return true;
}

/* Frees the segments that buckets 0 .. n-1 do not need. */
static void array_cut(struct table_array *a, struct mem *m, uint32_t n) {
  while (a->nseg && seg_first(a->nseg - 1) >= n) {
    a->nseg--;
    mem_free_line(m, a->seg[a->nseg], seg_bytes(a->nseg));
  }
}

static void array_done(struct table_array *a, struct mem *m) {
  array_cut(a, m, 0);
  mem_free(m, a->seg, a->cap * sizeof(struct table_bucket *));
  *a = (struct table_array){0};
}

/* --- places of a bucket --- */

#define LOW15 UINT64_C(0x7fff7fff7fff7fff)

static uint64_t zero_lanes(uint64_t x) { return ~(((x & LOW15) + LOW15) | x | LOW15); }

static uint64_t tag_of(uint64_t hash) {
  uint64_t t = hash >> 48;
  return t + !t;
}

static uint64_t match(const struct table_bucket *b, uint64_t tag) {
  uint64_t all = tag * UINT64_C(0x0001000100010001);
  return zero_lanes(b->tag[0] ^ all) >> 15 | zero_lanes(b->tag[1] ^ all) >> 14 |
         zero_lanes(((uint64_t)b->tag2 ^ all) | UINT64_C(0xffffffff00000000)) >> 13;
}

static bool full(const struct table_bucket *b) { return match(b, 0) == 0; }
static uint32_t place_tag(const struct table_bucket *b, uint32_t place) {
  uint32_t word = place & 15, bit = place & 48;
  return (word == 2 ? b->tag2 >> bit : (uint32_t)(b->tag[word] >> bit)) & 0xffff;
}
static void set_tag(struct table_bucket *b, uint32_t place, uint64_t tag) {
  uint32_t word = place & 15, bit = place & 48;
  if (word == 2)
    b->tag2 = (b->tag2 & ~((uint32_t)0xffff << bit)) | (uint32_t)tag << bit;
  else
    b->tag[word] = (b->tag[word] & ~((uint64_t)0xffff << bit)) | tag << bit;
}
static uint32_t ref_index(uint32_t place) { return (place & 15) * 4 + (place >> 4); }

#define ALL_PLACES (UINT64_C(0x0003000300030003) | UINT64_C(0x0000000000040004))
static uint64_t taken(const struct table_bucket *b) { return match(b, 0) ^ ALL_PLACES; }
static uint32_t first_of(uint64_t places) { return (uint32_t)__builtin_ctzll(places); }

/* --- chains --- */

static struct table_bucket *next_of(const struct table *t, const struct table_bucket *b) {
  return b->over ? bucket_at(&t->over, b->over - 1) : NULL;
}

static uint32_t address(const struct table *t, uint64_t hash) {
  uint32_t half = UINT32_C(0x80000000) >> __builtin_clz(t->nbuckets);
  uint32_t b = (uint32_t)hash & (2 * half - 1);
  return b < t->nbuckets ? b : b - half;
}

/* Makes sure that the list of spare overflow buckets is not empty. */
static bool over_reserve(struct table *t) {
  if (t->spare)
    return true;
  if (!array_reach(&t->over, t->mem, t->nover))
    return false;
  bucket_at(&t->over, t->nover)->over = 0;
  t->spare = ++t->nover;
  return true;
}

static void over_give(struct table *t, uint32_t link) {
  struct table_bucket *b = bucket_at(&t->over, link - 1);
  b->over = t->spare;
  t->spare = link;
  t->over_used--;
}

/* Puts an entry into the chain whose last bucket is *tail, which moves on when that one is full. Takes a spare, never memory. */
static void append(struct table *t, struct table_bucket **tail, uint64_t tag, uint32_t ref) {
  uint64_t room = match(*tail, 0);
  if (!room) {
    LA_CHECK(t->spare);
    uint32_t link = t->spare;
    struct table_bucket *b = bucket_at(&t->over, link - 1);
    t->spare = b->over;
    t->over_used++;
    *b = (struct table_bucket){0};
    (*tail)->over = link;
    *tail = b;
    room = match(b, 0);
  }
  uint32_t place = first_of(room);
  set_tag(*tail, place, tag);
  (*tail)->ref[ref_index(place)] = ref;
}

/* Grows by one bucket, if it can. */
static void split(struct table *t) {
  uint32_t n = t->nbuckets, half = UINT32_C(0x80000000) >> __builtin_clz(n);
  if (n >= BUCKETS_MAX || !array_reach(&t->main, t->mem, n))
    return;
  struct table_bucket *low = bucket_at(&t->main, n - half), *high = bucket_at(&t->main, n), b = *low;
  *low = *high = (struct table_bucket){0};
  t->nbuckets++;
  for (;;) {
    for (uint64_t m = taken(&b); m; m &= m - 1) {
      uint32_t place = first_of(m), ref = b.ref[ref_index(place)];
      append(t, t->hash_of(t->ctx, ref) & half ? &high : &low, place_tag(&b, place), ref);
    }
    if (!b.over)
      return;
    uint32_t link = b.over;
    b = *bucket_at(&t->over, link - 1);
    over_give(t, link);
  }
}

static void append_all(struct table *t, struct table_bucket **tail, const struct table_bucket *b) {
  for (uint64_t m = taken(b); m; m &= m - 1)
    append(t, tail, place_tag(b, first_of(m)), b->ref[ref_index(first_of(m))]);
}

/* Shrinks by one bucket, if it can. Overflow buckets are poured over first, so that each gives the next one's room. */
static void merge(struct table *t) {
  uint32_t n = t->nbuckets - 1, half = UINT32_C(0x80000000) >> __builtin_clz(n);
  struct table_bucket *high = bucket_at(&t->main, n), *tail = bucket_at(&t->main, n - half), b;
  uint32_t link = high->over;
  while (tail->over)
    tail = next_of(t, tail);
  uint32_t entries = (uint32_t)__builtin_popcountll(taken(high)) + (uint32_t)__builtin_popcountll(taken(tail));
  if ((link || entries > PLACES) && !over_reserve(t))
    return;
  while (link) {
    b = *bucket_at(&t->over, link - 1);
    over_give(t, link);
    append_all(t, &tail, &b);
    link = b.over;
  }
  append_all(t, &tail, high);
  t->nbuckets = n;
  array_cut(&t->main, t->mem, n);
}

/* --- what the header promises --- */

void la__table_init(struct table *t, struct mem *m, uint64_t (*hash_of)(void *ctx, uint32_t ref), void *ctx) {
  *t = (struct table){.mem = m, .hash_of = hash_of, .ctx = ctx};
}

void la__table_done(struct table *t) {
  array_done(&t->main, t->mem);
  array_done(&t->over, t->mem);
  la__table_init(t, t->mem, t->hash_of, t->ctx);
}

static bool start(struct table *t) {
  if (!array_reach(&t->main, t->mem, 0))
    return false;
  memset(t->main.seg[0], 0, seg_bytes(0));
  t->nbuckets = BUCKETS_MIN;
  return true;
}

bool la__table_add(struct table *t, uint64_t hash, uint32_t ref) {
  LA_CHECK(ref != TABLE_NONE);
  if (!t->nbuckets && !start(t))
    return false;
  if (t->count >= t->nbuckets * GROW_AT)
    split(t); /* before the entry is in, since its record may not be complete yet */
  struct table_bucket *b = bucket_at(&t->main, address(t, hash));
  while (b->over)
    b = next_of(t, b);
  if (full(b) && !over_reserve(t))
    return false;
  append(t, &b, tag_of(hash), ref);
  t->count++;
  return true;
}

/* The bucket and place of an entry, or NULL. */
static struct table_bucket *locate(const struct table *t, uint64_t hash, uint32_t ref, uint32_t *place) {
  if (!t->nbuckets)
    return NULL;
  struct table_bucket *b = bucket_at(&t->main, address(t, hash));
  for (; b; b = next_of(t, b))
    for (uint64_t m = match(b, tag_of(hash)); m; m &= m - 1)
      if (b->ref[ref_index(first_of(m))] == ref) {
        *place = first_of(m);
        return b;
      }
  return NULL;
}

bool la__table_del(struct table *t, uint64_t hash, uint32_t ref) {
  uint32_t place = 0, last;
  struct table_bucket *b = locate(t, hash, ref, &place);
  if (!b)
    return false;
  /* the gap is filled from the chain's last bucket */
  struct table_bucket *tail = b, *before = NULL;
  for (; tail->over; tail = next_of(t, tail))
    before = tail;
  if (tail != b) {
    last = first_of(taken(tail));
    set_tag(b, place, place_tag(tail, last));
    b->ref[ref_index(place)] = tail->ref[ref_index(last)];
    place = last;
  }
  set_tag(tail, place, 0);
  if (!taken(tail)) {
    if (!before) /* the emptied bucket may still be an overflow bucket: when the entry was the last of its chain */
      for (struct table_bucket *p = bucket_at(&t->main, address(t, hash)); p != tail; p = next_of(t, p))
        before = p;
    if (before) {
      uint32_t link = before->over;
      before->over = 0;
      over_give(t, link);
    }
  }
  t->count--;
  if (t->nbuckets > BUCKETS_MIN && t->count < t->nbuckets * SHRINK_AT)
    merge(t);
  return true;
}

bool la__table_swap(struct table *t, uint64_t hash, uint32_t old, uint32_t ref) {
  LA_CHECK(ref != TABLE_NONE);
  uint32_t place = 0;
  struct table_bucket *b = locate(t, hash, old, &place);
  if (!b)
    return false;
  b->ref[ref_index(place)] = ref;
  return true;
}

uint32_t la__table_find(const struct table *t, uint64_t hash, struct table_iter *it) {
  if (!t->nbuckets)
    return TABLE_NONE;
  const struct table_bucket *b = it->bucket;
  uint64_t tag = tag_of(hash), m;
  if (!b) {
    b = bucket_at(&t->main, address(t, hash));
    m = match(b, tag);
  } else {
    m = match(b, tag) & UINT64_MAX << it->slot;
  }
  while (!m && b->over) {
    b = next_of(t, b);
    m = match(b, tag);
  }
  it->bucket = b;
  it->slot = m ? first_of(m) + 1 : 63;
  return m ? b->ref[ref_index(first_of(m))] : TABLE_NONE;
}

void la__table_trim(struct table *t) {
  if (!t->count) {
    la__table_done(t);
  } else if (!t->over_used) {
    array_done(&t->over, t->mem);
    t->nover = t->spare = 0;
  }
}
