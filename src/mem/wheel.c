/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. A level divides time into slots: of 1 ns, 2^2 ns, 2^8 ns, then 64 times longer each, numbered from time 0 and
 * kept modulo 128. A node stands on the lowest level on which its slot is fewer than 128 slots ahead of the wheel's `time`. So a level
 * holds the next two slots' worth of the level above it, and while `time` is in the slot before one of a higher level, that one can be
 * dealt out below already, a few nodes at each call (`deal`); what remains when `time` reaches it is dealt out at once. While `time`
 * moves through empty stretches no node changes its place. The first slot of each level is found by two bit scans; the first of all is
 * the one that begins first. A slot of level 0 is one nanosecond, so that deadlines are exact; but a tick (a slot of level WHOLE) that
 * has passed entirely is popped as it is, and so is a node that is alone in its slot: most nodes never see the lowest levels.
 */
#include "mem/wheel.h"

#include "base/bytes.h"
#include "base/check.h"

#define WHOLE 3u /* the level whose slots are ticks */
#define LOOK 8   /* nodes that la__wheel_next examines on a level to be exact */
#define AHEAD 8u /* what was armed in turn lies in turn: so many nodes further on is fetched */
#define DEAL 16  /* nodes that a call deals out in advance */

_Static_assert(WHEEL_TICK_SHIFT == WHOLE * WHEEL_BITS - 4, "the slots below a tick divide it by 2^2, 2^6, 2^6");
_Static_assert(WHEEL_LEVELS *WHEEL_BITS - 4 >= 64, "the levels cover all 64 bits");
_Static_assert(WHEEL_SLOTS == 128, "two words of bits");

static unsigned shift_of(unsigned level) { return level ? level * WHEEL_BITS - 4 : 0; }

static unsigned slot_of(unsigned level, la_time at) { return (unsigned)(at >> shift_of(level)) & (WHEEL_SLOTS - 1); }

/* A level's first busy slot: how many slots it is ahead. */
static unsigned ahead(const struct wheel *w, unsigned level) {
  unsigned from = slot_of(level, w->time), word = from / 64, bit = from % 64;
  const uint64_t *busy = w->busy[level];
  uint64_t here = busy[word] >> bit;
  if (here)
    return (unsigned)__builtin_ctzll(here);
  if (busy[!word])
    return 64 - bit + (unsigned)__builtin_ctzll(busy[!word]);
  return 128 - bit + (unsigned)__builtin_ctzll(busy[word]);
}

static la_time slot_start(const struct wheel *w, unsigned level, unsigned slots) {
  return ((w->time >> shift_of(level)) + slots) << shift_of(level);
}

static la_time slot_last(la_time start, unsigned level) { return start | (((la_time)1 << shift_of(level)) - 1); }

static uint32_t slot_at(unsigned level, unsigned slot) { return level * WHEEL_SLOTS + slot; }

static struct wheel_node *first_in(const struct wheel *w, uint32_t slot) {
  return w->slot[slot] ? la__wheel_node(w, w->slot[slot] - 1) : NULL;
}
static struct wheel_node *next_of(const struct wheel *w, const struct wheel_node *n) {
  return n->next ? la__wheel_node(w, n->next - 1) : NULL;
}

static void link_at(struct wheel *w, uint32_t slot, struct wheel_node *n, uint32_t name) {
  n->next = w->slot[slot];
  if (n->next)
    la__wheel_node(w, n->next - 1)->prev = name + 1;
  n->prev = WHEEL_HEAD | slot;
  w->slot[slot] = name + 1;
}

static void place(struct wheel *w, struct wheel_node *n, uint32_t name) {
  if (n->deadline < w->time) {
    if (!w->slot[WHEEL_LATE] || n->deadline < w->late_min)
      w->late_min = n->deadline;
    link_at(w, WHEEL_LATE, n, name);
    return;
  }
  la_time span = n->deadline - w->time;
  unsigned bits = span ? 64u - (unsigned)__builtin_clzll(span) : 0, level = bits <= 7 ? 0 : (bits + 2) / WHEEL_BITS;
  if ((n->deadline >> shift_of(level)) - (w->time >> shift_of(level)) >= WHEEL_SLOTS)
    level++;
  unsigned slot = slot_of(level, n->deadline);
  link_at(w, slot_at(level, slot), n, name);
  w->busy[level][slot / 64] |= (uint64_t)1 << slot % 64;
  w->levels |= 1u << level;
}

static void slot_emptied(struct wheel *w, unsigned level, unsigned slot) {
  w->busy[level][slot / 64] &= ~((uint64_t)1 << slot % 64);
  if (!(w->busy[level][0] | w->busy[level][1]))
    w->levels &= ~(1u << level);
}

static void take(struct wheel *w, struct wheel_node *n) {
  if (n->next)
    la__wheel_node(w, n->next - 1)->prev = n->prev;
  if (n->prev & WHEEL_HEAD) {
    uint32_t slot = n->prev & ~WHEEL_HEAD;
    w->slot[slot] = n->next;
    if (!n->next && slot != WHEEL_LATE)
      slot_emptied(w, slot / WHEEL_SLOTS, slot % WHEEL_SLOTS);
  } else {
    la__wheel_node(w, n->prev - 1)->next = n->next;
  }
  n->next = n->prev = 0;
}

void la__wheel_init(struct wheel *w, const struct slab *first, const struct slab *second, la_time now) {
  memset(w, 0, sizeof *w);
  w->nodes[0] = first;
  w->nodes[1] = second;
  w->time = now;
}

void la__wheel_set(struct wheel *w, struct wheel_node *n, uint32_t name, la_time deadline) {
  LA_CHECK(deadline != LA_NEVER);
  if (n->prev)
    take(w, n);
  else
    w->count++;
  n->deadline = deadline;
  place(w, n, name);
}

void la__wheel_del(struct wheel *w, struct wheel_node *n) {
  if (!n->prev)
    return;
  take(w, n);
  w->count--;
}

/* Where the node may be that comes so many later. (What fetches it stands in the loop: GCC drops a call that does nothing else.) */
static const void *guess(const struct wheel *w, uint32_t name, uint32_t ahead) {
  const struct slab *s = w->nodes[(name & WHEEL_SECOND) != 0];
  uint32_t index = (name + ahead) & (WHEEL_SECOND - 1);
  return la__slab_has_block(s, index) ? la__slab_at(s, index) : NULL;
}

/* Nodes of a slot that `time` has reached, or reaches next, go to lower levels: at most `most` of them. */
static void cascade(struct wheel *w, unsigned level, unsigned slot, unsigned most) {
  uint32_t at = w->slot[slot_at(level, slot)], before = at;
  for (; at && most; most--) {
    uint32_t name = at - 1;
    struct wheel_node *n = la__wheel_node(w, name);
    __builtin_prefetch(guess(w, name, AHEAD * (at - before)));
    before = at;
    at = n->next;
    place(w, n, name);
  }
  w->slot[slot_at(level, slot)] = at;
  if (at)
    la__wheel_node(w, at - 1)->prev = WHEEL_HEAD | slot_at(level, slot);
  else
    slot_emptied(w, level, slot);
}

/* In advance, of the highest level that has something to deal: it has the most. */
static void deal(struct wheel *w) {
  uint32_t levels = w->levels >> (WHOLE + 1) << (WHOLE + 1);
  while (levels) {
    unsigned level = 31u - (unsigned)__builtin_clz(levels);
    levels &= ~(1u << level);
    if (ahead(w, level) == 1) {
      cascade(w, level, (slot_of(level, w->time) + 1) % WHEEL_SLOTS, DEAL);
      return;
    }
  }
}

/* Where to look first: `at` is when something of it may be due; of a node that is alone in its slot that is known exactly. */
struct place {
  struct wheel_node *node; /* NULL: nowhere */
  unsigned level;
  la_time at;
};
static struct place first_place(const struct wheel *w) {
  struct place p = {.at = LA_NEVER};
  for (uint32_t levels = w->levels; levels; levels &= levels - 1) {
    unsigned level = (unsigned)__builtin_ctz(levels), slots = ahead(w, level);
    struct wheel_node *n = first_in(w, slot_at(level, (slot_of(level, w->time) + slots) % WHEEL_SLOTS));
    la_time at = n->next ? slot_start(w, level, slots) : n->deadline;
    if (at <= p.at) /* of the same time the higher level, which is to be dealt out first */
      p = (struct place){n, level, at};
  }
  return p;
}

struct wheel_node *la__wheel_pop(struct wheel *w, la_time now) {
  struct wheel_node *n;
  if (now < w->time)
    now = w->time;
  for (n = first_in(w, WHEEL_LATE); !n;) {
    struct place p = first_place(w);
    if (!p.node || p.at > now) {
      w->time = now; /* all between is empty, so that no node changes its place */
      deal(w);
      return NULL;
    }
    if (!p.node->next || (p.level <= WHOLE && slot_last(p.at, p.level) <= now)) {
      n = p.node;
    } else {
      w->time = p.at;
      cascade(w, p.level, slot_of(p.level, p.at), UINT32_MAX);
    }
  }
  take(w, n);
  w->count--;
  return n;
}

la_time la__wheel_next(const struct wheel *w) {
  if (w->slot[WHEEL_LATE])
    return w->late_min;
  la_time min = LA_NEVER;
  for (uint32_t levels = w->levels; levels; levels &= levels - 1) {
    unsigned level = (unsigned)__builtin_ctz(levels), slots = ahead(w, level);
    la_time start = slot_start(w, level, slots);
    if (start >= min)
      continue;
    /* Few nodes: the exact time spares the caller a wake-up on each level; many: the start of the slot. */
    la_time first = LA_NEVER;
    const struct wheel_node *n = first_in(w, slot_at(level, slot_of(level, start)));
    for (int i = 0; n && i < LOOK; n = next_of(w, n), i++)
      first = n->deadline < first ? n->deadline : first;
    if (n)
      first = start;
    min = first < min ? first : min;
  }
  return min;
}
