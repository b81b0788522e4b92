/* SPDX-License-Identifier: MIT */
/*
 * The event log: JSON lines made from trace records (docs/events.md, docs/events.schema.json). Whoever drains a stack's trace hands the
 * records on, in order; several stacks may share a log.
 */
#ifndef LA_DRAW_EVENTS_H
#define LA_DRAW_EVENTS_H

#include <stdio.h>

#include <lastack/lastack.h>

struct events;

enum { EVENTS_SEGMENTS = 1, EVENTS_RECOVERY = 2 };
/* "segments", "recovery", or both with a comma between them. false: something else. */
bool la__events_detail(const char *text, unsigned *detail);

struct events_opts {
  const char *title;
  unsigned detail;
  bool virtual_time;
  la_time zero;     /* time 0 of the log, in the stacks' clock */
  uint64_t unix_ns; /* the same since 1970; not with virtual_time */
};
/* Writes the first line. `out` stays the caller's. NULL: memory. */
struct events *la__events_new(FILE *out, const struct events_opts *opts);
/* Who records come from, from now on: NULL for none, and 0 where there are no runs. `host` must outlive the log. */
void la__events_from(struct events *e, const char *host, unsigned run);
/* A stack begins there: connections' numbers begin anew. */
void la__events_started(struct events *e, la_time at);
/* Records of one stack, which is asked about its connections for EVENTS_RECOVERY; it may be NULL. */
void la__events_put(struct events *e, la_stack *s, const la_trace_rec *recs, size_t n);
/* So many records have been lost before they could be read, in all. */
void la__events_lost(struct events *e, uint64_t lost);
/* Everything that was put is written, and leaves the program. */
void la__events_flush(struct events *e);
/* Flushes. false: something could not be written. NULL is allowed and true. */
bool la__events_free(struct events *e);

#endif
