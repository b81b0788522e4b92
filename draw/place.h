/* SPDX-License-Identifier: MIT */
/*
 * Where everything of a drawing stands on paper. Time runs down: short spans to scale, and a span too long for that is broken, with a mark
 * that says how long it was. Every text has its place to itself, reckoned with the widest of the usual fonts.
 */
#ifndef LA_DRAW_PLACE_H
#define LA_DRAW_PLACE_H

#include "draw/drawing.h"

/* Wide: states and calls stand outside the two lifelines. Narrow, for a telephone: inside, each on a row of its own. */
enum { PLACE_WIDE = 960, PLACE_NARROW = 360 };

struct place_text {
  double x, y;
  unsigned anchor; /* 0: starts at x; 1: centred; 2: ends there */
  const char *style;
  size_t event; /* which it belongs to */
  char text[128];
};
struct place_arrow {
  size_t send; /* event */
  double x0, y0, x1, y1;
  bool lost, leaves, comes; /* leaves: no arrival known; comes: no departure known */
  double turn;              /* the label's slope, down from its sender */
  double label_x, label_y, label_max;
};
struct place_break {
  double y0, y1;
  la_time span;
};
struct place_clock {
  unsigned side, lane; /* lane: from the lifeline outwards, as others run meanwhile */
  double y0, y1;
  const char *name;
  la_time from, to;
  bool running; /* beyond the drawing */
  bool labelled;
  size_t event; /* that it brought about; the last one when it is running */
};
struct place_span { /* a state, at a lifeline */
  unsigned side;
  double y0, y1;
  int state; /* -1: not known */
  size_t event;
};

struct place {
  bool narrow;
  double width, height, top, life[2], text_x[2], text_width;
  double *y; /* of each event */
  struct place_text *text;
  size_t ntexts, texts_cap;
  struct place_arrow *arrow;
  size_t narrows, arrows_cap;
  struct place_break *brk;
  size_t nbrks, brks_cap;
  struct place_clock *clock;
  size_t nclocks, clocks_cap;
  struct place_span *span;
  size_t nspans, spans_cap;
  bool out_of_memory;
};

/* Folds the drawing first. false: memory. To be freed in any case. */
bool la__place(struct place *p, struct drawing *d, bool narrow);
void la__place_free(struct place *p);

#endif
