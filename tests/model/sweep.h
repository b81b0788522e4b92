/* SPDX-License-Identifier: MIT */
/* Places times grid: every case by the stack and by the model. Cases are numbered through; a number means the same in each run. */
#ifndef TESTS_MODEL_SWEEP_H
#define TESTS_MODEL_SWEEP_H

#include <stdio.h>

#include "tests/model/grid.h"

struct sweep {
  uint64_t stride, only; /* every so many cases; or this one alone, at length */
  bool one;
  unsigned shown; /* so many disagreements are printed in full */
  uint64_t cases, wrong;
};

/* All cases of a state, by name; NULL: of every state. */
void sweep_state(struct sweep *w, const char *state);
/* What was counted in all sweeps of this program. */
void sweep_summary(FILE *f);
void sweep_disagreements(FILE *f);

#endif
