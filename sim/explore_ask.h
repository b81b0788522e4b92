/* SPDX-License-Identifier: MIT */
/* Small worlds, every state of them: what the program asks of explore.h. */
#ifndef LA_SIM_EXPLORE_ASK_H
#define LA_SIM_EXPLORE_ASK_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Explores one bound, those that take seconds ("quick"), or all (NULL), each for so many seconds of processor time at most, and prints
 * figures and what failed. false: one has not come out as it must; *known false: there is no such bound.
 */
bool la__explore(FILE *out, const char *name, double seconds, bool *known);
const char *la__explore_names(void);

#endif
