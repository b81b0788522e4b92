/* SPDX-License-Identifier: MIT */
/*
 * The memory of a world. Blocks of one size stand in slots whose places never change once they exist; which are in use is part of the
 * world. Of a large block (a slab's, with room for 256 records) only the head belongs to an image: worlds are too small for the rest, which
 * is filled with a pattern and looked at in the end.
 */
#include "base/check.h"
#include "sim/explore.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA = 16 << 20, WHOLE = 6144, HEADS = 5, COLD = 0xa5, LINE = 64 };

struct slot {
  uint8_t *at;
  size_t size, hot;
};
static struct slot slots[XP_SLOTS];
static unsigned nslots;
static uint8_t *arena;
static size_t arena_used, image_size;
struct xp_world *la__xp;

static size_t round_up(size_t n) { return (n + LINE - 1) & ~(size_t)(LINE - 1); }

static unsigned slot_new(size_t n, bool whole) {
  LA_CHECK(nslots < XP_SLOTS && arena_used + round_up(n) <= ARENA);
  struct slot *s = &slots[nslots];
  *s = (struct slot){arena + arena_used, n, whole || n <= WHOLE ? n : 3 * LINE + HEADS * (n / 256)};
  s->hot = round_up(s->hot);
  memset(s->at, 0, s->hot);
  if (s->hot < n)
    memset(s->at + s->hot, COLD, n - s->hot);
  arena_used += round_up(n);
  image_size += s->hot;
  return nslots++;
}

void la__xp_arena_reset(void) {
  if (!arena && !(arena = aligned_alloc(4096, ARENA)))
    abort();
  nslots = 0;
  arena_used = image_size = 0;
  la__xp = (struct xp_world *)(void *)slots[slot_new(sizeof *la__xp, true)].at;
}

void *la__xp_alloc(void *ctx, size_t n) {
  (void)ctx;
  unsigned i = 1;
  while (i < nslots && (slots[i].size != n || la__xp->used[i]))
    i++;
  if (i == nslots)
    slot_new(n, n == sizeof(la_stack));
  la__xp->used[i] = 1;
  return slots[i].at;
}

void la__xp_free(void *ctx, void *p, size_t n) {
  (void)ctx;
  unsigned i = 1;
  while (i < nslots && slots[i].at != p)
    i++;
  LA_CHECK(i < nslots && slots[i].size == n && la__xp->used[i]);
  la__xp->used[i] = 0;
}

size_t la__xp_image_size(void) { return image_size; }

void la__xp_image_save(uint8_t *image) {
  for (unsigned i = 0; i < nslots; image += slots[i++].hot)
    memcpy(image, slots[i].at, slots[i].hot);
}

void la__xp_image_load(const uint8_t *image) {
  for (unsigned i = 0; i < nslots; image += slots[i++].hot)
    memcpy(slots[i].at, image, slots[i].hot);
}

bool la__xp_cold_touched(void) {
  for (unsigned i = 0; i < nslots; i++)
    for (size_t at = slots[i].hot; at < slots[i].size; at++)
      if (slots[i].at[at] != COLD)
        return true;
  return false;
}
