/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. A time is a number of 12 digits: the lowest has 2 bits, the others 6. A node stands on the level
 * of the highest digit in which its deadline differs from the wheel's `time`, in the slot named by that digit of the
 * deadline (equal in all: level 0). Hence on every level busy slots lie ahead of `time` in order, all of a lower
 * level come before all of a higher one, and the first busy slot of the lowest busy level holds the earliest node:
 * two bit scans, whatever the distance. While `time` moves through empty stretches no node changes its place; when
 * it reaches the first slot of a higher level that slot's nodes are dealt out below. A slot of level 0 is one
 * nanosecond, so that deadlines are exact; but a tick (a slot of level WHOLE) that has passed entirely is popped as it is,
 * and so is a node that is alone in the first slot: most nodes never see the lowest levels.
 */
#include "mem/wheel.h"

#include "base/bytes.h"
#include "base/check.h"

#define WHOLE 3u /* the level whose slots are ticks */
#define LOOK 8   /* nodes that la__wheel_next examines to be exact */

_Static_assert(WHEEL_TICK_SHIFT == WHOLE * WHEEL_BITS - 4, "the digits below a tick are 2 + 6 + 6 bits");
_Static_assert(WHEEL_LEVELS *WHEEL_BITS - 4 >= 64, "the levels cover all 64 bits");

static unsigned shift_of(unsigned level) { return level ? level * WHEEL_BITS - 4 : 0; }

static la_time slot_start(const struct wheel *w, unsigned level, unsigned slot) {
  unsigned up = shift_of(level + 1);
  la_time prefix = up < 64 ? w->time >> up << up : 0;
  return prefix | (la_time)slot << shift_of(level);
}

static la_time slot_last(la_time start, unsigned level) { return start | (((la_time)1 << shift_of(level)) - 1); }

static void link_at(struct wheel_node **head, struct wheel_node *n) {
  n->next = *head;
  if (n->next)
    n->next->pprev = &n->next;
  n->pprev = head;
  *head = n;
}

static void place(struct wheel *w, struct wheel_node *n) {
  if (n->deadline < w->time) {
    if (!w->late || n->deadline < w->late_min)
      w->late_min = n->deadline;
    link_at(&w->late, n);
    return;
  }
  uint64_t diff = n->deadline ^ w->time;
  unsigned level = diff ? (67u - (unsigned)__builtin_clzll(diff)) / WHEEL_BITS : 0;
  unsigned slot = (unsigned)(n->deadline >> shift_of(level)) & (level ? WHEEL_SLOTS - 1 : 3);
  link_at(&w->slot[level][slot], n);
  w->busy[level] |= (uint64_t)1 << slot;
  w->levels |= 1u << level;
}

static void slot_emptied(struct wheel *w, unsigned level, unsigned slot) {
  w->busy[level] &= ~((uint64_t)1 << slot);
  if (!w->busy[level])
    w->levels &= ~(1u << level);
}

static void take(struct wheel *w, struct wheel_node *n) {
  *n->pprev = n->next;
  if (n->next) {
    n->next->pprev = n->pprev;
  } else {
    /* the last of its list: when it was also the first, its pprev is the slot itself and tells which */
    uintptr_t off = (uintptr_t)n->pprev - (uintptr_t)w->slot;
    if (off < sizeof w->slot) {
      unsigned i = (unsigned)(off / sizeof w->slot[0][0]);
      slot_emptied(w, i / WHEEL_SLOTS, i % WHEEL_SLOTS);
    }
  }
  n->next = NULL;
  n->pprev = NULL;
}

void la__wheel_init(struct wheel *w, la_time now) {
  memset(w, 0, sizeof *w);
  w->time = now;
}

void la__wheel_set(struct wheel *w, struct wheel_node *n, la_time deadline) {
  LA_CHECK(deadline != LA_NEVER);
  if (n->pprev)
    take(w, n);
  else
    w->count++;
  n->deadline = deadline;
  place(w, n);
}

void la__wheel_del(struct wheel *w, struct wheel_node *n) {
  if (!n->pprev)
    return;
  take(w, n);
  w->count--;
}

/* Moves `time` to the start of its earliest slot and deals the slot's nodes out to lower levels. */
static void cascade(struct wheel *w, unsigned level, unsigned slot, la_time start) {
  struct wheel_node *n = w->slot[level][slot], *next;
  w->slot[level][slot] = NULL;
  slot_emptied(w, level, slot);
  w->time = start;
  for (; n; n = next) {
    next = n->next;
    if (next)
      __builtin_prefetch(next->next);
    place(w, n);
  }
}

struct wheel_node *la__wheel_pop(struct wheel *w, la_time now) {
  struct wheel_node *n;
  if (now < w->time)
    now = w->time;
  for (n = w->late; !n;) {
    if (!w->levels) {
      w->time = now;
      return NULL;
    }
    unsigned level = (unsigned)__builtin_ctz(w->levels), slot = (unsigned)__builtin_ctzll(w->busy[level]);
    la_time start = slot_start(w, level, slot);
    if (start > now) {
      w->time = now; /* all between is empty, so that no node changes its place */
      return NULL;
    }
    struct wheel_node *first = w->slot[level][slot];
    if (first->next ? level <= WHOLE && slot_last(start, level) <= now : first->deadline <= now)
      n = first;
    else
      cascade(w, level, slot, start);
  }
  take(w, n);
  w->count--;
  return n;
}

la_time la__wheel_next(const struct wheel *w) {
  if (w->late)
    return w->late_min;
  if (!w->levels)
    return LA_NEVER;
  unsigned level = (unsigned)__builtin_ctz(w->levels), slot = (unsigned)__builtin_ctzll(w->busy[level]);
  const struct wheel_node *n = w->slot[level][slot];
  if (level == 0)
    return n->deadline;
  /* Few nodes: the exact time spares the caller a wake-up on each level; many: the start of the slot. */
  la_time min = LA_NEVER;
  for (int i = 0; n; n = n->next, i++) {
    if (i == LOOK)
      return slot_start(w, level, slot);
    if (n->deadline < min)
      min = n->deadline;
  }
  return min;
}
