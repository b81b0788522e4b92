/* SPDX-License-Identifier: MIT */
/* What the files that place a drawing share. Internal to draw/. */
#ifndef LA_DRAW_PLACE_LAYOUT_H
#define LA_DRAW_PLACE_LAYOUT_H

#include "draw/place.h"

enum {
  ROW = 24,       /* between two departures of a side */
  CLOSE = 14,     /* between two arrivals */
  LINE = 16,      /* of text */
  INSTANT = 16,   /* between two instants, at least */
  FLIGHT = 34,    /* what the usual time on the way takes */
  LONG = 66,      /* more than that is broken */
  BREAK = 40,     /* and takes this */
  HALF = 186,     /* width of a label where others come against it */
  NOTE_SIZE = 12, /* of text beside a lifeline */
  TIME = 84,      /* the right edge of the column of times, when it is wide */
};

struct layout {
  struct place *p;
  struct drawing *d;
  double scale;                     /* a nanosecond */
  double y;                         /* of the instant */
  double low, wire[2];              /* the lowest so far; of the latest end of an arrow at a side */
  double gut[2];                    /* of the latest text at a side */
  bool joined[2], used[2];          /* a state stands at wire; anything stands there at this instant */
  const struct draw_event *came[2]; /* the latest arrival that was on its way for a while */
  la_time at;
};

#define REACH .66 /* of its way, a lost segment */

/* The next element of a growing array, zeroed; NULL: memory. */
#define NEXT(p, list, count, cap) la__place_next(&(p)->list, &(p)->cap, &(p)->count, sizeof *(p)->list, &(p)->out_of_memory)
void *la__place_next(void *list, size_t *cap, size_t *n, size_t size, bool *failed);

static inline double max(double a, double b) { return a > b ? a : b; }

/* Text at a side, broken into lines; returns the baseline of the last one. */
double la__place_side_text(struct layout *l, unsigned side, double y, const char *style, size_t event, const char *text);

/* The clocks that ran out, before anything is placed; what follows from the places of the events, afterwards. */
void la__place_find_clocks(struct layout *l);
void la__place_end_clocks(struct layout *l);
void la__place_lines(struct layout *l);

#endif
