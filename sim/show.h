/* SPDX-License-Identifier: MIT */
/* A scenario for a person: its ladders, then its claims. */
#ifndef LA_SIM_SHOW_H
#define LA_SIM_SHOW_H

#include "draw/drawing.h"
#include "sim/claim.h"

#include <stdio.h>

void la__show_sim(FILE *out, const struct sim *s, const char *line, bool ladder);
/* Its runs as drawings, and its claims, whose texts stay the scenario's. */
void la__show_draw(const struct sim *s, struct draw_doc *doc);
void la__show_line(FILE *out, const struct sim *s); /* name and count, and the claims that failed */

#endif
