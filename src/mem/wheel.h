/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timing wheel with a tick of 2^14 ns and 64-bit deadlines. Each owner has one node that carries
 * the earliest of its clocks. la__wheel_pop gives a node only when its exact deadline has been reached; la__wheel_next may be
 * early (by at most the span of a slot on the node's level), never late. Work per expired or cascaded node is constant.
 */
#ifndef LA_MEM_WHEEL_H
#define LA_MEM_WHEEL_H

#include <lastack/stack.h>

#define WHEEL_TICK_SHIFT 14
#define WHEEL_BITS 6
#define WHEEL_SLOTS (1u << WHEEL_BITS)
#define WHEEL_LEVELS 9 /* 9 * 6 = 54 bits of ticks: beyond 64-bit nanoseconds with the shift of 14 */

struct wheel_node {
  struct wheel_node *next, **pprev; /* pprev NULL: not on the wheel */
  la_time deadline;
};
struct wheel {
  uint64_t tick; /* the tick up to which all slots have been emptied */
  uint64_t busy[WHEEL_LEVELS]; /* a bit a slot */
  struct wheel_node *slot[WHEEL_LEVELS][WHEEL_SLOTS];
  uint32_t count;
};
/* All slots empty at `now`. */
void la__wheel_init(struct wheel *w, la_time now);
/* Puts a node that is not on the wheel there, or moves one that is. A deadline in the past is due at once. */
void la__wheel_set(struct wheel *w, struct wheel_node *n, la_time deadline);
void la__wheel_del(struct wheel *w, struct wheel_node *n);
/* Takes one node whose deadline is <= now off the wheel; NULL when there is none. In order of ticks; within a tick in any order. */
struct wheel_node *la__wheel_pop(struct wheel *w, la_time now);
/* When la__wheel_pop may next have something: a time not after the earliest deadline; LA_NEVER when empty. */
la_time la__wheel_next(const struct wheel *w);

#endif
