/* SPDX-License-Identifier: MIT */
/* Drawings as a sequence diagram for Mermaid, one below the other in one diagram. */
#ifndef LA_DRAW_MERMAID_H
#define LA_DRAW_MERMAID_H

#include "draw/drawing.h"

void la__mermaid_doc(FILE *out, struct draw_doc *doc);

#endif
