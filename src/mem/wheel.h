/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timing wheel with 64-bit deadlines. Each owner has one node that carries the earliest of its clocks.
 * la__wheel_pop gives a node only when its exact deadline has been reached, in the order of ticks of 2^14 ns.
 * la__wheel_next may be early (by less than the span of a slot on the node's level), never late, and after
 * la__wheel_pop(now) gave NULL it is later than now. Work per expired or cascaded node is constant; empty stretches cost nothing; and a
 * caller who pops often never finds a full slot of a high level to deal out at once.
 */
#ifndef LA_MEM_WHEEL_H
#define LA_MEM_WHEEL_H

#include <lastack/stack.h>

#define WHEEL_TICK_SHIFT 14
#define WHEEL_BITS 6
#define WHEEL_SLOTS (2u << WHEEL_BITS) /* of a level: twice what one slot of the next higher level spans */
#define WHEEL_LEVELS 12                /* 0 to 2 divide a tick into 2^2, 2^6, 2^6; nine above it reach the end of 64-bit time */

struct wheel_node {
  struct wheel_node *next, **pprev; /* pprev NULL: not on the wheel */
  la_time deadline;
};
/* Must not be moved while nodes are on it. */
struct wheel {
  la_time time;                   /* no slot holds a node that was due before this */
  la_time late_min;               /* not after any deadline in `late` */
  struct wheel_node *late;        /* put here when their deadline had passed already */
  uint32_t count;                 /* nodes on the wheel */
  uint32_t levels;                /* a bit a level whose `busy` is not 0 */
  uint64_t busy[WHEEL_LEVELS][2]; /* a bit a slot */
  struct wheel_node *slot[WHEEL_LEVELS][WHEEL_SLOTS];
};
/* All slots empty at `now`. */
void la__wheel_init(struct wheel *w, la_time now);
/* Puts a node that is not on the wheel there, or moves one that is. A deadline in the past is due at once; LA_NEVER is none. */
void la__wheel_set(struct wheel *w, struct wheel_node *n, la_time deadline);
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
