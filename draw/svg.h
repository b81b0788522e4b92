/* SPDX-License-Identifier: MIT */
/* Drawings as SVG: a file that stands alone, light and dark as its reader prefers, or parts of a page. */
#ifndef LA_DRAW_SVG_H
#define LA_DRAW_SVG_H

#include "draw/place.h"

/* All of them, one below the other. false: memory. */
bool la__svg_doc(FILE *out, struct draw_doc *doc);

/* How text, lines and states look. `vars`: by the page's variables, else by values, light and (where the reader prefers it) dark. */
void la__svg_style(FILE *out, bool vars);
/* "--bg: #fff; …" of a page. */
void la__svg_palette(FILE *out, bool dark);
/*
 * One drawing, from y on. `page`: as a part of a page, whose script finds what belongs to an event by data-k="NUMBER-EVENT" (clocks:
 * NUMBER-cEVENT), else with the fields as titles.
 */
void la__svg_drawing(FILE *out, const struct drawing *d, const struct place *p, double y, bool page, unsigned number);
/* The class of a state's colour; -1: of none. */
const char *la__svg_state_class(int st);
/* "SYN,ACK seq 0 ack 1 len 0" into buf of 160 bytes; returns buf. */
char *la__svg_segment_text(const struct draw_event *e, char *buf);
/* "syn", "fin", "rst", "data", "ack": the class of a segment's group. */
const char *la__svg_kind(const struct draw_event *e);

#endif
