/* SPDX-License-Identifier: MIT */
/* Drawings as one page that needs nothing else: no network, no file beside it. */
#ifndef LA_DRAW_HTML_H
#define LA_DRAW_HTML_H

#include "draw/drawing.h"

/* false: memory. */
bool la__html_doc(FILE *out, struct draw_doc *doc);

#endif
