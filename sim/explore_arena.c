/* SPDX-License-Identifier: MIT */
/*
 * The memory of a world. Blocks of one size stand in slots whose places never change once they exist; which are in use is part of the
 * world. Of a large block (a slab's, with room for 256 records) only the head counts: worlds are too small for the rest, which is
 * filled with a pattern and looked at in the end.
 *
 * Of what counts most never changes: configuration, empty slots of the wheel. So an image holds only lines that are known to change;
 * la__xp_learn finds others, by comparing all of them with the first state's. Whoever finds one has been using images with too little in
 * them, and begins anew.
 */
#include "base/check.h"
#include "sim/explore.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA = 16 << 20, WHOLE = 6144, HEADS = 5, COLD = 0xa5, LINE = 64, RUNS = 512 };

struct slot {
  uint8_t *at;
  size_t size, hot;
};
static struct slot slots[XP_SLOTS];
static unsigned nslots, learnt; /* learnt: slots that were looked at */
static uint8_t *arena, *first;  /* first: the first state's */
static uint8_t live[ARENA / LINE];
static struct run { size_t at, n; } run[RUNS]; /* of live lines */
static unsigned nruns;
static size_t arena_used, image_size;
struct xp_world *la__xp;

static size_t round_up(size_t n) { return (n + LINE - 1) & ~(size_t)(LINE - 1); }

static unsigned slot_new(size_t n, bool whole) {
  LA_CHECK(nslots < XP_SLOTS && arena_used + round_up(n) <= ARENA);
  struct slot *s = &slots[nslots];
  *s = (struct slot){arena + arena_used, n, whole || n <= WHOLE ? n : 3 * LINE + HEADS * (n / 256)};
  s->hot = round_up(s->hot);
  memset(s->at, 0, s->hot);
  memset(first + arena_used, 0, s->hot);
  if (s->hot < n)
    memset(s->at + s->hot, COLD, n - s->hot);
  arena_used += round_up(n);
  return nslots++;
}

void la__xp_arena_reset(void) {
  if (!arena && (!(arena = aligned_alloc(4096, ARENA)) || !(first = aligned_alloc(4096, ARENA))))
    abort();
  memset(live, 0, sizeof live);
  nslots = nruns = learnt = 0;
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

void la__xp_first(void) {
  for (unsigned i = 0; i < nslots; i++)
    memcpy(first + (slots[i].at - arena), slots[i].at, slots[i].hot);
}

void la__xp_rewind(void) {
  for (unsigned i = 0; i < nslots; i++)
    memcpy(slots[i].at, first + (slots[i].at - arena), slots[i].hot);
}

static void runs_of_lines(void) {
  nruns = 0;
  image_size = 0;
  for (size_t at = 0; at < arena_used; at += LINE) {
    if (!live[at / LINE])
      continue;
    image_size += LINE;
    if (nruns && run[nruns - 1].at + run[nruns - 1].n == at) {
      run[nruns - 1].n += LINE;
    } else {
      LA_CHECK(nruns < RUNS);
      run[nruns++] = (struct run){at, LINE};
    }
  }
}

bool la__xp_grown(void) { return learnt < nslots; }

bool la__xp_learn(void) {
  bool more = false;
  learnt = nslots;
  for (unsigned i = 0; i < nslots; i++) {
    size_t from = (size_t)(slots[i].at - arena);
    for (size_t at = from; at < from + slots[i].hot; at += LINE)
      if (!live[at / LINE] && memcmp(arena + at, first + at, LINE) != 0)
        live[at / LINE] = more = true;
  }
  if (more)
    runs_of_lines();
  return more;
}

size_t la__xp_image_size(void) { return image_size; }

void la__xp_image_save(uint8_t *image) {
  for (unsigned i = 0; i < nruns; image += run[i++].n)
    memcpy(image, arena + run[i].at, run[i].n);
}

void la__xp_image_load(const uint8_t *image) {
  for (unsigned i = 0; i < nruns; image += run[i++].n)
    memcpy(arena + run[i].at, image, run[i].n);
}

bool la__xp_cold_touched(void) {
  for (unsigned i = 0; i < nslots; i++)
    for (size_t at = slots[i].hot; at < slots[i].size; at++)
      if (slots[i].at[at] != COLD)
        return true;
  return false;
}
