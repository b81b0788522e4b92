/* SPDX-License-Identifier: MIT */
/*
 * A ladder diagram on a terminal: two lifelines, the state of each end at the sides, one row for a segment that was sent and
 * arrived with nothing in between, else a row for its departure and one for its arrival. It draws as it happens:
 * feed items in time order. The simulator, serve, the demo and captures share it.
 */
#ifndef LA_DRAW_LADDER_H
#define LA_DRAW_LADDER_H

#include <stdio.h>

#include <lastack/trace.h>

#include "wire/tcp_wire.h"

enum ladder_side { LADDER_LEFT, LADDER_RIGHT, LADDER_MIDDLE };
enum ladder_kind {
  LADDER_STATE,  /* `side` is now in `state`; printed when it differs from what that side showed last */
  LADDER_SEND,   /* `side` sent the segment `id` */
  LADDER_ARRIVE, /* segment `id` arrived. Repeats the fields of its SEND: `side` is the sender's */
  LADDER_LOST,   /* segment `id` will not arrive. Repeats the fields of its SEND */
  LADDER_NOTE    /* `text` at a side's lifeline, or between them (LADDER_MIDDLE): calls, clocks, the passing of time */
};
/* la_trace_rec.retransmit */
enum ladder_again { LADDER_FIRST, LADDER_RETRANSMITTED, LADDER_WINDOW_PROBE, LADDER_KEEPALIVE_PROBE, LADDER_TAIL_PROBE };

struct ladder_item {
  enum ladder_kind kind;
  enum ladder_side side;
  la_time at;
  enum la_state state; /* STATE */
  const char *text;    /* NOTE; of a segment: an addition in parentheses, or NULL. Copied */
  /* segments */
  uint32_t id;       /* the caller's: joins ARRIVE or LOST to SEND */
  uint32_t seq, ack; /* as they are to be printed: relative */
  uint32_t len;
  uint32_t segments; /* that crossed as one; 0 or 1: it is one */
  uint8_t flags;     /* la_tcp_flags */
  uint8_t again;     /* enum ladder_again */
  uint8_t opts;      /* TCP_OPT_* to be named, as mss= ws= sackOK TS */
  uint8_t wscale;
  uint16_t mss;
};
/* Fills in the fields of a segment from a parsed one; seq and ack stay absolute. Options are taken from a SYN only. */
void la__ladder_segment(struct ladder_item *it, const struct tcp_seg *seg);

enum { LADDER_WIDTH = 100, LADDER_WIDTH_MIN = 72 };
struct ladder_style {
  unsigned width; /* columns; 0: LADDER_WIDTH */
  bool ascii, colour;
};
/*
 * What suits `out`: the width of a terminal that is narrower than LADDER_WIDTH; ASCII when LASTACK_ASCII is set (and not 0)
 * or the locale is not UTF-8; colour on a terminal unless NO_COLOR is set.
 */
struct ladder_style la__ladder_style(FILE *out);

struct ladder;
/* NULL: memory. `out` stays the caller's. */
struct ladder *la__ladder_new(FILE *out, const struct ladder_style *style);
/* Prints what is pending, and frees. NULL is allowed. */
void la__ladder_free(struct ladder *l);
/* Draws the names of the two ends, and forgets the states shown. Item times are then relative to `zero`. */
void la__ladder_head(struct ladder *l, const char *left, const char *right, la_time zero);
void la__ladder_put(struct ladder *l, const struct ladder_item *it);
/* Prints the rows to which nothing can be added except a state; a segment still on its way stays pending. */
void la__ladder_settle(struct ladder *l);
/* Prints everything pending; a segment on its way gets its row of departure. */
void la__ladder_flush(struct ladder *l);

#endif
