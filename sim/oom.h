/* SPDX-License-Identifier: MIT */
/* Every allocation of every scenario fails, one after the other: alone, and with all that follow it. */
#ifndef LA_SIM_OOM_H
#define LA_SIM_OOM_H

#include "sim/claim.h"

#include <stdio.h>

struct oom_ask {
  struct sim_opts opt;       /* the conditions; both address families unless opt.ipv6 */
  const struct scen **scens; /* NULL: all */
  size_t n;
  unsigned jobs, slice; /* slice: every so many of the cases; 0, 1: all */
};
/* Runs them, prints what came of it scenario by scenario, and each failure with the command that shows it again. false: there were some. */
bool la__oom(FILE *out, const struct oom_ask *ask);

#endif
