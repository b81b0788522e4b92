/* SPDX-License-Identifier: MIT */
/*
 * The memory of a world. Blocks of one size stand in slots whose places never change once they exist; which are in use is part of the
 * world. Of a large block (a slab's, with room for 256 records) only the head counts: worlds are too small for the rest, which is
 * filled with a pattern and looked at in the end.
 *
 * Of what counts most never changes: configuration, empty slots of the wheel. So an image, which is laid out as the arena is, means
 * only lines that are known to change (runs of them); elsewhere it is as the first state. la__xp_learn, after each move, finds others: it
 * compares all the rest with the first state's.
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
static unsigned nslots;
static uint8_t *arena, *first; /* first: the first state's */
static uint8_t live[ARENA / LINE];
struct run {
  size_t at, n;
};
static struct run run[RUNS], still[RUNS]; /* lines that change; lines that have not changed so far */
static unsigned nruns, nstill;
static size_t arena_used;
struct xp_world *la__xp;

static size_t round_up(size_t n) { return (n + LINE - 1) & ~(size_t)(LINE - 1); }

static void run_add(struct run *r, unsigned *n, size_t at) {
  if (*n && r[*n - 1].at + r[*n - 1].n == at) {
    r[*n - 1].n += LINE;
    return;
  }
  LA_CHECK(*n < RUNS);
  r[(*n)++] = (struct run){at, LINE};
}

static void runs_of_lines(void) {
  nruns = nstill = 0;
  for (unsigned i = 0; i < nslots; i++) {
    size_t from = (size_t)(slots[i].at - arena);
    for (size_t at = from; at < from + slots[i].hot; at += LINE)
      if (live[at / LINE])
        run_add(run, &nruns, at);
      else
        run_add(still, &nstill, at);
  }
}

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
  nslots++;
  runs_of_lines();
  return nslots - 1;
}

void la__xp_arena_reset(void) {
  if (!arena && (!(arena = aligned_alloc(4096, ARENA)) || !(first = aligned_alloc(4096, ARENA))))
    abort();
  memset(live, 0, sizeof live);
  nslots = nruns = nstill = 0;
  arena_used = 0;
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

void la__xp_learn(void) {
  bool more = false;
  for (unsigned i = 0; i < nstill; i++) {
    size_t at = still[i].at;
    if (memcmp(arena + at, first + at, still[i].n) == 0)
      continue;
    for (; at < still[i].at + still[i].n; at += LINE)
      if (memcmp(arena + at, first + at, LINE) != 0)
        live[at / LINE] = more = true;
  }
  if (more)
    runs_of_lines();
}

size_t la__xp_image_size(void) { return arena_used; }

void la__xp_image_save(uint8_t *image) {
  for (unsigned i = 0; i < nruns; i++)
    memcpy(image + run[i].at, arena + run[i].at, run[i].n);
}

void la__xp_image_load(const uint8_t *image) {
  for (unsigned i = 0; i < nruns; i++)
    memcpy(arena + run[i].at, image + run[i].at, run[i].n);
}

void la__xp_image_first(uint8_t *image) {
  for (unsigned i = 0; i < nslots; i++)
    memcpy(image + (slots[i].at - arena), first + (slots[i].at - arena), slots[i].hot);
}

bool la__xp_image_run(unsigned i, size_t *at, size_t *n) {
  if (i >= nruns)
    return false;
  *at = run[i].at;
  *n = run[i].n;
  return true;
}

bool la__xp_cold_touched(void) {
  for (unsigned i = 0; i < nslots; i++)
    for (size_t at = slots[i].hot; at < slots[i].size; at++)
      if (slots[i].at[at] != COLD)
        return true;
  return false;
}
