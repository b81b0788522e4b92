/* SPDX-License-Identifier: MIT */
/* What a page says of each segment, state, clock and fold of a drawing, as JSON: "NUMBER-EVENT": {title, rows, text}. */
#ifndef LA_DRAW_FACTS_H
#define LA_DRAW_FACTS_H

#include "draw/place.h"

/* Members of an object, each with a comma before it unless *first, which becomes false. */
void la__facts(FILE *out, const struct drawing *d, const struct place *p, unsigned number, bool *first);

#endif
