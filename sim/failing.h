/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail. All that a scenario's stacks ask for is counted in one series, over all its runs; the one with the number `at`
 * is refused, and with `ever` all later ones of the same stack, until the script has ended. Beside the scenario's own connections each
 * stack then has another one, over a link of its own, that must go on whatever happens (failing.c).
 */
#ifndef LA_SIM_FAILING_H
#define LA_SIM_FAILING_H

#include <stdbool.h>
#include <stdint.h>

struct counting;
struct failing {
  uint32_t at; /* 0: none is refused, they are only counted */
  bool ever;
  uint64_t calls;          /* so far */
  uint64_t refused;        /* of these */
  struct counting *victim; /* whose was refused */
  bool hit;
  /* what came of it */
  uint64_t told;  /* calls that gave LA_ENOMEM */
  uint64_t drops; /* counted under a reason that memory has */
  uint64_t down;  /* stacks that did not come up */
};

struct host;
struct world;
struct beside;
/* An allocation of m's: may it be made? */
bool la__failing_may(struct failing *f, struct counting *m);
void la__failing_heal(struct world *w);          /* all have memory again */
void la__failing_told(struct world *w, int err); /* an application was */
void la__failing_gone(struct host *h);           /* its stack is about to be freed: what has it counted? */
/* The connection beside: made at boot (the host's link and address are there), looked after in each turn, gone in a crash. */
bool la__beside_boot(struct host *h); /* false: no memory for its link */
void la__beside_turn(struct host *h);
bool la__beside_event(struct host *h, const void *user, unsigned type, const void *end); /* false: it is another one's */
void la__beside_crash(struct host *h);
void la__beside_finish(struct world *w); /* every one of them must end as it should */
void la__beside_free(struct host *h);

#endif
