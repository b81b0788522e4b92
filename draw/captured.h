/* SPDX-License-Identifier: MIT */
/*
 * Drawings of somebody else's connections, from the segments of a capture as capture/flows.h sees them. States are inferred. A capture
 * shows a segment at one instant, so its arrow is level. At most CAPTURED connections are drawn; the others are counted.
 */
#ifndef LA_DRAW_CAPTURED_H
#define LA_DRAW_CAPTURED_H

#include "capture/flows.h"
#include "capture/verdict.h"
#include "draw/drawing.h"

enum { CAPTURED = 100, CAPTURED_OPEN = 256 /* at one time, of which some may not be wanted after all */ };

struct captured_one { /* still in progress */
  uint64_t id;
  struct drawing *d;
  enum la_state state[2];
  uint32_t again[2], dups[2], damaged[2], probes[2], forged;
  uint32_t segments;
};
struct captured {
  struct captured_one one[CAPTURED_OPEN];
  size_t n;            /* of them */
  struct draw_doc doc; /* those that are done, in order of their numbers after la__captured_finish */
  uint64_t *ids;       /* of doc's, in the order of doc */
  uint64_t left_out;   /* wanted, and not drawn */
  bool out_of_memory;
};

/* A segment of c, which is to be drawn if there is room. For struct flows' `seen`. */
void la__captured_segment(struct captured *k, const struct flow *c, unsigned from, const struct packet *p, const struct seg *s);
/* c is over, and wanted. Returns its drawing, which stays k's, or NULL when it has none. */
struct drawing *la__captured_done(struct captured *k, const struct flow *c, const struct verdict *v);
/* c is over, and not wanted after all. */
void la__captured_drop(struct captured *k, const struct flow *c);
void la__captured_finish(struct captured *k);
void la__captured_free(struct captured *k);

#endif
