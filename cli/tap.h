/* SPDX-License-Identifier: MIT */
/*
 * An observer of one or two stacks on a host loop: makes a ladder and a pcapng file with comments from packets and trace
 * records. With one stack (at the right) the other end of each connection is somebody else's: its states are inferred from its
 * segments. With two, joined by a pair, both ends tell their states themselves. Segments that crossed as one are one row of the ladder, but
 * in the file each by itself with its checksum, as it is on a wire.
 */
#ifndef LA_CLI_TAP_H
#define LA_CLI_TAP_H

#include <lastack/lastack.h>

#include "draw/ladder.h"

struct tap;

struct tap_opts {
  FILE *out; /* NULL: no ladder */
  struct ladder_style style;
  la_pcapng *pcapng;    /* NULL: none; stays the caller's */
  const char *names[2]; /* of left and right, in headings and comments. Must outlive it */
  bool both;            /* two stacks, of which the right one listens */
};
/* NULL: memory. */
struct tap *la__tap_new(const struct tap_opts *opts);
void la__tap_free(struct tap *t);
/* What la_host_hooks calls for the stack at `side`. */
void la__tap_packet(struct tap *t, enum ladder_side side, la_time at, bool outbound, const la_frame *frame, const la_trace_rec *recs,
                    size_t nrecs);
void la__tap_trace(struct tap *t, enum ladder_side side, const la_trace_rec *recs, size_t nrecs);
/* Prints what can be, in each turn of the loop; all there is, before other output. */
void la__tap_settle(struct tap *t);
void la__tap_flush(struct tap *t);

#endif
