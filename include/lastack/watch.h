/* SPDX-License-Identifier: MIT */
/*
 * Looking at a running stack: the story of a connection, a walk through all records in parts, counters for a monitoring system.
 * Nothing here changes a stack, and none of it costs anything in the machine while it is not asked for: what needs counting is
 * counted only where la_config.metrics points to memory, and then only when a connection changes its state.
 */
#ifndef LASTACK_WATCH_H
#define LASTACK_WATCH_H

#include <lastack/stack.h>
#include <lastack/tcp.h>
#include <lastack/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A clock of a connection or of another record. */
enum la_clock {
  LA_CLOCK_NONE,
  LA_CLOCK_RETRANSMIT,  /* of SYN, bytes or FIN: RFC 6298 */
  LA_CLOCK_PERSIST,     /* the next window probe: RFC 9293 3.8.6.1 */
  LA_CLOCK_KEEPALIVE,   /* the next keepalive probe: RFC 9293 3.8.4 */
  LA_CLOCK_REORDER,     /* how late a segment may be that others have overtaken: RFC 8985 6.2 */
  LA_CLOCK_TAIL_PROBE,  /* RFC 8985 7 */
  LA_CLOCK_DELAYED_ACK, /* RFC 9293 3.8.6.3 */
  LA_CLOCK_PACING,      /* the next segment may go */
  LA_CLOCK_LIMIT,       /* what ends it: SYN time-out, R2, user timeout, FIN-WAIT-2, la_close_by */
  LA_CLOCK_SYN_ACK,     /* the next SYN-ACK, or the end of a half-open record */
  LA_CLOCK_2MSL,
  LA_CLOCKS
};
/* "retransmission" and so on; "?" for any other number. Static storage. */
const char *la_clock_name(enum la_clock c);

/* What a connection has been through, whom it waits for, and what would end it. */
typedef struct la_step {
  enum la_state state;
  la_time at; /* when it was entered, to the millisecond */
} la_step;
#define LA_STEPS 6
typedef struct la_story {
  unsigned nsteps;         /* the states so far, the present one last; SYN-SENT stands for SYN-RECEIVED too after crossing SYNs */
  la_step step[LA_STEPS];  /* step[0].at: when it was opened; times of the stack's clock */
  enum la_waiting waiting; /* as in la_info_rec */
  enum la_who blame;   /* who must act: local (the application), peer, network (ICMP says so), clock, nobody; once it ended: who did it */
  enum la_clock clock; /* the earliest of its clocks, */
  la_time clock_at;    /* when it strikes; LA_NEVER: none runs */
  la_time ends_at;     /* when it ends unless something happens before; LA_NEVER: it may stay so for ever */
  enum la_who end_who; /* what END would then say, or does say when it has ended; in TIME-WAIT it has */
  enum la_how end_how;
  enum la_why end_why;
} la_story;
/* LA_EBADF. */
int la_story_get(la_stack *s, la_conn c, la_story *out);

/*
 * la_each in parts: a zeroed cursor begins, false is the end. Between two calls the stack may go on; what comes or goes meanwhile may be
 * missed.
 */
typedef struct la_cursor {
  uint32_t kind, index;
} la_cursor;
bool la_each_next(la_stack *s, la_cursor *at, la_each_rec *out);

/*
 * Counters beyond la_stats, in memory of the caller's: la_config.metrics, zeroed, kept until la_stack_free. Read them at any time; they
 * belong to the stack's thread. About 2.5 KB, however many connections there are.
 */
enum la_first { LA_FIRST_NOBODY, LA_FIRST_LOCAL, LA_FIRST_PEER, LA_FIRST_BOTH, LA_FIRSTS };
/* Who closed first: "nobody", "local", "peer", "both"; "?" for any other number. Static storage. */
const char *la_first_name(enum la_first f);
/* Bounds of the times in a state, in ms: 1, 4, 16, ... 4^15 (12.4 days), and above. */
#define LA_TIMES 17
typedef struct la_metrics {
  uint32_t now[LA_STATES];             /* connections in a state; half-open and TIME-WAIT records, and listeners, are in la_stats */
  uint64_t ends[LA_WHYS][LA_FIRSTS];   /* connections and half-open records that ended */
  uint64_t times[LA_STATES][LA_TIMES]; /* how often a state was left after at most so long, each counted once */
  uint64_t time_ms[LA_STATES];         /* the sum of these times. In TIME-WAIT from when 2MSL last began */
} la_metrics;

/*
 * The counters of n stacks, added up, in the text format of Prometheus (version 0.0.4): families lastack_*, HELP and TYPE lines, no
 * label per peer. In pieces of at most 512 bytes to `put`, until it returns false. Of la_metrics' families those stacks are part that
 * have one. true: all was taken.
 */
bool la_metrics_write(const la_stack *const *stacks, size_t n, bool (*put)(void *ctx, const char *text, size_t len), void *ctx);
/* The same of one stack into buf, cut off at cap bytes and without a zero. Returns the whole length, which is below 64 KiB. */
size_t la_metrics_text(const la_stack *s, char *buf, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
