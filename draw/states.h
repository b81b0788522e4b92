/* SPDX-License-Identifier: MIT */
/* The state diagram, drawn from the table that the machine uses (la_transition_get). */
#ifndef LA_DRAW_STATES_H
#define LA_DRAW_STATES_H

#include <stdbool.h>
#include <stdio.h>

void la__states_text(FILE *out, bool ascii);
void la__states_dot(FILE *out);
void la__states_mermaid(FILE *out);

#endif
