/* SPDX-License-Identifier: MIT */
#ifndef LA_SIM_GOODPUT_H
#define LA_SIM_GOODPUT_H

#include "sim/world.h"

#include <stdio.h>

/* Writes the table; the same for the same seed and address family, on every machine. */
void la__goodput(FILE *out, const struct sim_opts *opt);

#endif
