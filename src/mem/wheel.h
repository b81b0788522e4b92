/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timing wheel with 64-bit deadlines. Each owner has one node that carries the earliest of its clocks.
 * la__wheel_pop gives a node only when its exact deadline has been reached, in the order of ticks of 2^14 ns.
 * la__wheel_next may be early (by less than the span of a slot on the node's level), never late, and after
 * la__wheel_pop(now) gave NULL it is later than now. Work per expired or cascaded node is constant; empty stretches cost nothing; and a
 * caller who pops often never finds a full slot of a high level to deal out at once.
 *
 * A node is the first member of an object in one of two slabs and is named by its index there, with WHEEL_SECOND for the second slab:
 * links of four bytes, since a million idle owners pay for them.
 */
#ifndef LA_MEM_WHEEL_H
#define LA_MEM_WHEEL_H

#include "mem/slab.h"

#define WHEEL_TICK_SHIFT 14
#define WHEEL_BITS 6
#define WHEEL_SLOTS (2u << WHEEL_BITS) /* of a level: twice what one slot of the next higher level spans */
#define WHEEL_LEVELS 12                /* 0 to 2 divide a tick into 2^2, 2^6, 2^6; nine above it reach the end of 64-bit time */

#define WHEEL_SECOND (1u << 29)

struct wheel_node {
  la_time deadline;
  uint32_t next; /* the node's name + 1; 0: the last of its slot */
  uint32_t prev; /* the same; WHEEL_HEAD and the slot's number: the first of it; 0: not on the wheel */
};
#define WHEEL_HEAD (1u << 31)
#define WHEEL_LATE (WHEEL_LEVELS * WHEEL_SLOTS) /* the number of the slot for what was due already when it was set */
struct wheel {
  la_time time;     /* no slot holds a node that was due before this */
  la_time late_min; /* not after any deadline in the slot WHEEL_LATE */
  const struct slab *nodes[2];
  uint32_t count;                 /* nodes on the wheel */
  uint32_t levels;                /* a bit a level whose `busy` is not 0 */
  uint64_t busy[WHEEL_LEVELS][2]; /* a bit a slot */
  uint32_t slot[WHEEL_LATE + 1];  /* level by level: the first node's name + 1; 0: empty */
};
/* All slots empty at `now`. The slabs must stay where they are. */
void la__wheel_init(struct wheel *w, const struct slab *first, const struct slab *second, la_time now);
static inline struct wheel_node *la__wheel_node(const struct wheel *w, uint32_t name) {
  return la__slab_at(w->nodes[(name & WHEEL_SECOND) != 0], name & (WHEEL_SECOND - 1));
}
/*
 * Puts a node, whose name is `name`, on the wheel, or moves it there. A deadline in the past is due at once; LA_NEVER is none.
 */
void la__wheel_set(struct wheel *w, struct wheel_node *n, uint32_t name, la_time deadline);
/* Nothing happens when the node is not on the wheel. */
void la__wheel_del(struct wheel *w, struct wheel_node *n);
/*
 * Takes one node whose deadline is <= now off the wheel; NULL when there is none. In order of ticks; within a tick in any order.
 * An earlier `now` than before is taken as that last one.
 */
struct wheel_node *la__wheel_pop(struct wheel *w, la_time now);
/* When la__wheel_pop may next have something: a time not after the earliest deadline; LA_NEVER when empty. */
la_time la__wheel_next(const struct wheel *w);

#endif
