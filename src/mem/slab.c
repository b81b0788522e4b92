/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. Object i is object i mod per_block of block i / per_block. A block's header has a bit for each
 * live object, so that any index, however stale, can be judged without looking into an object. Above the directory
 * stand two trees of bitmaps (64 children a word, at most five levels): which blocks have a free object and which
 * directory entries have no block. They make "the lowest block with room" a walk of a few words, whatever the churn;
 * the answer is cached in `hint`. A new block is made only when every block is full, so that indices stay dense.
 */
#include "mem/slab.h"

#include "base/bytes.h"
#include "base/check.h"

struct slab_block {
  uint32_t used;
  uint32_t low;    /* words of `live` below this one are all ones */
  uint64_t live[]; /* a bit an object */
};

/* Seldom called, and not to be in the way of what is. */
#define RARE __attribute__((noinline))

#define DIR_MIN 8u
#define TREE_LEVELS 6

/* --- bit trees over 0 .. n-1: level 0 first, each higher level has a bit for each word below that is not 0 --- */

static uint32_t words_for(uint32_t n) { return (n + 63) / 64; }

static uint32_t tree_words(uint32_t n) {
  uint32_t total = 0;
  do {
    n = words_for(n);
    total += n;
  } while (n > 1);
  return total;
}

static void tree_set(uint64_t *t, uint32_t n, uint32_t i) {
  for (;;) {
    uint64_t old = t[i >> 6];
    t[i >> 6] = old | (uint64_t)1 << (i & 63);
    n = words_for(n);
    if (old || n == 1)
      return;
    t += n;
    i >>= 6;
  }
}

static void tree_clear(uint64_t *t, uint32_t n, uint32_t i) {
  for (;;) {
    t[i >> 6] &= ~((uint64_t)1 << (i & 63));
    n = words_for(n);
    if (t[i >> 6] || n == 1)
      return;
    t += n;
    i >>= 6;
  }
}

static uint32_t tree_first(const uint64_t *t, uint32_t n) {
  uint32_t at[TREE_LEVELS], depth = 0, off = 0, i = 0;
  do {
    n = words_for(n);
    at[depth++] = off;
    off += n;
  } while (n > 1);
  while (depth-- > 0) {
    uint64_t w = t[at[depth] + i];
    if (!w)
      return SLAB_NONE;
    i = i * 64 + (uint32_t)__builtin_ctzll(w);
  }
  return i;
}

/* --- blocks and their directory --- */

static size_t block_bytes(const struct slab *s) { return s->data + (size_t)s->per_block * s->size; }

static size_t dir_bytes(uint32_t cap) { return (size_t)cap * sizeof(struct slab_block *) + 2 * (size_t)tree_words(cap) * sizeof(uint64_t); }

static bool dir_grow(struct slab *s) {
  uint32_t cap = s->cap ? s->cap * 2 : DIR_MIN, words = tree_words(cap);
  struct slab_block **dir = mem_alloc(s->mem, dir_bytes(cap));
  if (!dir)
    return false;
  memset(dir, 0, dir_bytes(cap));
  if (s->nblocks)
    memcpy(dir, s->block, s->nblocks * sizeof *dir);
  mem_free(s->mem, s->block, dir_bytes(s->cap));
  s->block = dir;
  s->cap = cap;
  s->room = (uint64_t *)(void *)(dir + cap);
  s->hole = s->room + words;
  for (uint32_t b = 0; b < cap; b++) {
    if (!dir[b])
      tree_set(s->hole, cap, b);
    else if (dir[b]->used < s->per_block)
      tree_set(s->room, cap, b);
  }
  return true;
}

/* Makes an empty block at the lowest hole. Nothing stays allocated when it fails. */
RARE static bool block_new(struct slab *s) {
  struct slab_block *blk = mem_alloc_line(s->mem, block_bytes(s));
  if (!blk)
    return false;
  memset(blk, 0, s->data);
  uint32_t b = s->cap ? tree_first(s->hole, s->cap) : SLAB_NONE;
  if (b == SLAB_NONE) {
    if (!dir_grow(s)) {
      mem_free_line(s->mem, blk, block_bytes(s));
      return false;
    }
    b = tree_first(s->hole, s->cap);
  }
  s->block[b] = blk;
  tree_clear(s->hole, s->cap, b);
  tree_set(s->room, s->cap, b);
  if (b >= s->nblocks)
    s->nblocks = b + 1;
  s->hint = b;
  s->empty = b;
  return true;
}

static void block_release(struct slab *s, uint32_t b) {
  mem_free_line(s->mem, s->block[b], block_bytes(s));
  s->block[b] = NULL;
  tree_clear(s->room, s->cap, b);
  tree_set(s->hole, s->cap, b);
  while (s->nblocks && !s->block[s->nblocks - 1])
    s->nblocks--;
  if (s->hint == b)
    s->hint = tree_first(s->room, s->cap);
}

static void dir_release(struct slab *s) {
  mem_free(s->mem, s->block, dir_bytes(s->cap));
  s->block = NULL;
  s->room = s->hole = NULL;
  s->nblocks = s->cap = 0;
  s->hint = s->empty = SLAB_NONE;
}

/* --- what the header promises --- */

void la__slab_init(struct slab *s, struct mem *m, uint32_t size, uint32_t per_block, uint32_t limit) {
  size = (size + 3) & ~3u;
  LA_CHECK(size && per_block && (per_block & (per_block - 1)) == 0 && limit < 1u << 30);
  uint32_t head = (uint32_t)sizeof(struct slab_block) + words_for(per_block) * (uint32_t)sizeof(uint64_t);
  *s = (struct slab){.mem = m, .size = size, .per_block = per_block, .limit = limit, .hint = SLAB_NONE, .empty = SLAB_NONE};
  s->shift = (uint32_t)__builtin_ctz(per_block);
  s->data = (head + MEM_LINE - 1) & ~(MEM_LINE - 1);
}

void la__slab_done(struct slab *s) {
  for (uint32_t b = 0; b < s->nblocks; b++)
    mem_free_line(s->mem, s->block[b], block_bytes(s));
  if (s->cap)
    dir_release(s);
  s->used = 0;
}

/* The block is full. */
RARE static void filled(struct slab *s, uint32_t b) {
  tree_clear(s->room, s->cap, b);
  s->hint = tree_first(s->room, s->cap);
}

/* The block is empty. Of two such the lower one stays. */
RARE static void emptied(struct slab *s, uint32_t b) {
  uint32_t other = s->empty;
  s->empty = b < other ? b : other;
  if (other != SLAB_NONE)
    block_release(s, b < other ? other : b);
}

RARE static void not_full(struct slab *s, uint32_t b) { tree_set(s->room, s->cap, b); }

void *la__slab_new(struct slab *s, uint32_t *index) {
  if (s->used >= s->limit || (s->hint == SLAB_NONE && !block_new(s)))
    return NULL;
  uint32_t b = s->hint, w;
  struct slab_block *blk = s->block[b];
  for (w = blk->low; blk->live[w] == UINT64_MAX; w++)
    ;
  blk->low = w;
  uint32_t bit = (uint32_t)__builtin_ctzll(~blk->live[w]), i = w * 64 + bit;
  blk->live[w] |= (uint64_t)1 << bit;
  s->used++;
  *index = (b << s->shift) + i;
  void *new = (unsigned char *)blk + s->data + (size_t)i * s->size;
  if (blk->used == 0)
    s->empty = SLAB_NONE;
  if (++blk->used == s->per_block)
    filled(s, b);
  return memset(new, 0, s->size);
}

void *la__slab_get(const struct slab *s, uint32_t index) {
  uint32_t b = index >> s->shift, i = index & (s->per_block - 1);
  if (b >= s->nblocks)
    return NULL;
  const struct slab_block *blk = s->block[b];
  if (!blk || !(blk->live[i >> 6] >> (i & 63) & 1))
    return NULL;
  return la__slab_at(s, index);
}

void la__slab_del(struct slab *s, uint32_t index) {
  uint32_t b = index >> s->shift, i = index & (s->per_block - 1), w = i >> 6;
  struct slab_block *blk = b < s->nblocks ? s->block[b] : NULL;
  uint64_t bit = (uint64_t)1 << (i & 63);
  LA_CHECK(blk && blk->live[w] & bit);
  blk->live[w] &= ~bit;
  if (w < blk->low)
    blk->low = w;
  if (b < s->hint)
    s->hint = b;
  s->used--;
  if (blk->used == s->per_block)
    not_full(s, b);
  if (--blk->used == 0)
    emptied(s, b);
}

uint32_t la__slab_next(const struct slab *s, uint32_t from) {
  uint32_t b = from >> s->shift, i = from & (s->per_block - 1), words = words_for(s->per_block);
  for (; b < s->nblocks; b++, i = 0) {
    const struct slab_block *blk = s->block[b];
    if (!blk || !blk->used)
      continue;
    uint64_t mask = UINT64_MAX << (i & 63);
    for (uint32_t w = i >> 6; w < words; w++, mask = UINT64_MAX)
      if (blk->live[w] & mask)
        return (b << s->shift) + w * 64 + (uint32_t)__builtin_ctzll(blk->live[w] & mask);
  }
  return SLAB_NONE;
}

void la__slab_trim(struct slab *s) {
  if (s->empty != SLAB_NONE) {
    uint32_t b = s->empty;
    s->empty = SLAB_NONE;
    block_release(s, b);
  }
  if (!s->used && s->cap)
    dir_release(s);
}
