/* SPDX-License-Identifier: MIT */
/* The swarm, for who only runs it. */
#ifndef LA_SIM_SWARM_ASK_H
#define LA_SIM_SWARM_ASK_H

#include "sim/swarm_plan.h"

struct sw_ask {
  uint64_t first, worlds;
  unsigned jobs;
  bool shrink;
  const char *folder; /* where smaller worlds are written; NULL: here */
};
/* Runs worlds first, first + 1, …; prints failures and figures. false: some failed. */
bool la__swarm(FILE *out, const struct sw_ask *ask);
/* Runs one plan, and draws it when told. false: a law was broken. */
bool la__swarm_one(FILE *out, const struct sw_plan *p, bool draw);

#endif
