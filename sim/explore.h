/* SPDX-License-Identifier: MIT */
/*
 * Small worlds exhausted: two stacks, the real code, and an adversary who holds at most k segments between them.
 *
 * Theory of operation.
 *
 * A world (explore_world.c) is two stacks that live wholly in an arena of fixed addresses, the net, and a model of both applications. From
 * each of its states every move is tried that the bound allows:
 *   deliver   a segment arrives; the net keeps it, so that it may arrive again, later than others, or in another order
 *   drop      the net forgets one. More than k after a move: only this, until k are left
 *   call      open, write, read, shutdown, close, abort, by either application, in any order
 *   tick      a unit of time passes: clocks that are due strike, segments older than the net's MSL are gone
 * After each move all events are taken and all output is made, so that nothing waits between moves.
 *
 * States are told apart by a hash of their canonical form (explore_form.c), logical and relative: sequence numbers count from their
 * incarnation's ISS, clocks in units that are left, segments in flight form a set. The search (explore.c) is breadth first: what it finds
 * first is a shortest way there. A state keeps its hash, its parent and the move between them; only those yet to be looked at keep
 * a snapshot, which is what differs from the first state's memory.
 *
 * What is configured away so that worlds are finite, and so is not explored: options (timestamps, SACK, window scale), measured RTOs (all
 * are equal: a time-out is always one unit, without back-off), delayed ACKs, limits on challenge ACKs, keepalive, SYN cookies.
 * What the canonical form leaves out, and why that is sound: counters and times that are only reported; RTT estimates and times of
 * sending (the RTO is fixed; RACK and TLP need SACK); cwnd (what a bound writes is less than its initial value); slab indices,
 * table, wheel (a node's deadline is only ever early) and free lists. la__xp_search samples pairs of different memories with
 * equal forms, and their successors must have equal forms too.
 *
 * Time. A tick is a little longer than the unit in which clocks are configured, and each ISN moves its stack's clock by a little within it:
 * so two ISNs are never equal, and a clock of d units strikes at the d-th tick wherever in its unit it was set.
 */
#ifndef LA_SIM_EXPLORE_H
#define LA_SIM_EXPLORE_H

#include "core/stack.h"
#include "sim/explore_ask.h"

enum { XP_INCS = 8, XP_FRAMES = 12, XP_HEAD = 64, XP_NONE = 255, XP_SLOTS = 64, XP_PAYLOAD = 2048, XP_BUFFER = 2048, XP_TAGS = 16 };

enum { XP_LINK = 1, XP_MTU = 1500, XP_PORT_A = 1000, XP_PORT_B = 2000 };
enum { XP_ISN_SLACK = 16 }; /* ISNs drawn in one tick, at most */
#define XP_ISN_CLOCK (4 * LA_US)

enum xp_call { XP_OPEN, XP_WRITE, XP_READ, XP_SHUTDOWN, XP_CLOSE, XP_ABORT, XP_CALLS };
enum { XP_MAY_SHUTDOWN = 1 << XP_SHUTDOWN, XP_MAY_CLOSE = 1 << XP_CLOSE, XP_MAY_ABORT = 1 << XP_ABORT, XP_MAY_READ = 1 << XP_READ };

/* What is explored. Times in units. */
struct xp_bound {
  const char *name, *line;
  bool slow;         /* not part of every test run */
  bool fails;        /* it must: the failure is what is to be found */
  bool established;  /* begins with a connection */
  bool listens;      /* B does; else it opens too */
  uint8_t k;         /* segments in flight */
  uint8_t msl;       /* of the net */
  uint8_t time_wait; /* how long the stacks stay there: 2 * msl is right */
  uint32_t unit;     /* us */
  uint16_t isn_step; /* steps of the ISN clock from one ISN to the next in the same tick */
  uint8_t draws;     /* ISNs that a stack draws in one tick, at most: more SYNs do not arrive; 0: any number */
  uint8_t limit;     /* R2, SYN time-out, FIN-WAIT-2 */
  uint8_t retries;   /* of a SYN-ACK */
  uint8_t opens[2];  /* by each side */
  uint8_t writes[2]; /* by each connection */
  uint16_t size;     /* bytes of a write */
  uint16_t may[2];   /* XP_MAY_… */
};
extern const struct xp_bound la__xp_bounds[];
extern const size_t la__xp_nbounds;

/* One incarnation, as one side sees it: from the ISN that it drew until nothing in the world refers to it. */
struct xp_inc {
  uint32_t iss, irs;
  uint32_t gen;  /* of the connection; 0: none yet, or a half-open record */
  la_conn h;     /* gen 0: the application has none, or no longer */
  bool has_peer; /* irs is known */
  bool told;     /* ESTABLISHED, or accepted */
  bool shut, closed, aborted, ended, eof;
  uint8_t tag, readable;
  uint16_t wrote, got;
};
struct xp_frame {
  uint32_t seq, ack;
  uint16_t wnd, len;
  uint8_t from, flags, age;
  bool came;         /* for the ladder: it has arrived before */
  uint8_t own, peer; /* incarnations that seq and ack count from: of the sender, of the receiver; XP_NONE */
  uint8_t head_len, head[XP_HEAD];
};
struct xp_side {
  la_stack *s;
  uint64_t idle; /* memory that it holds without connections */
  la_listener l;
  struct xp_inc inc[XP_INCS];     /* oldest first */
  uint8_t ninc, cur;              /* cur: whose record is in the table; XP_NONE */
  uint8_t opens, next_tag, drawn; /* drawn: ISNs in this tick */
  bool orderly;                   /* the latest END told of an orderly release */
  la_time now;
};
struct xp_world {
  struct xp_side side[2];
  struct xp_frame frame[XP_FRAMES];
  la_time base, step, isn_step; /* base: of the present unit */
  uint32_t ticks;
  bool counts_draws;
  uint32_t far[2]; /* incarnations of a side whose ISNs are so far apart cannot be mistaken for one another */
  uint8_t nframes;
  uint8_t used[XP_SLOTS]; /* of the arena */
};

struct xp_move {
  uint8_t kind, side, what; /* what: a segment's or incarnation's index */
};
enum { XP_DELIVER, XP_DROP, XP_TICK, XP_CALL }; /* kind; of a call: XP_CALL + enum xp_call */
enum { XP_MOVES = 64 };

/* explore_arena.c: memory of fixed addresses. There is one arena in a process. */
void la__xp_arena_reset(void);
void *la__xp_alloc(void *ctx, size_t n);
void la__xp_free(void *ctx, void *p, size_t n);
void la__xp_first(void);  /* the present world is the first state */
void la__xp_rewind(void); /* to it */
void la__xp_learn(void);  /* after each move */
size_t la__xp_image_size(void);
bool la__xp_image_run(unsigned i, size_t *at, size_t *n); /* the i-th stretch that images mean */
void la__xp_image_first(uint8_t *image);                  /* all of the first state's */
void la__xp_image_save(uint8_t *image);
void la__xp_image_load(const uint8_t *image);
bool la__xp_cold_touched(void); /* memory that images leave out was written after all */
extern struct xp_world *la__xp;

/* explore_world.c */
void la__xp_patterns(void); /* what each incarnation writes: its tag is the upper half of each byte */
unsigned la__xp_moves(const struct xp_bound *b, struct xp_move *out);
/* false: something is wrong, and la__xp_wrong says what. */
bool la__xp_apply(const struct xp_bound *b, struct xp_move m);
bool la__xp_over(void); /* nothing is left of any connection */
enum xp_is {
  XP_IS_OVER = 1,
  XP_IS_QUIT = 2,    /* every application has closed */
  XP_IS_BUSY = 4,    /* segments are in flight */
  XP_IS_MEETING = 8, /* one is opening, not for the last tick, and the other is willing */
  XP_IS_MET = 16,    /* both are synchronized with each other, and no clock is about to end that */
  XP_IS_PARTED = 32  /* both were told of an orderly release */
};
unsigned la__xp_is(void);
void la__xp_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
extern char la__xp_wrong[200]; /* empty: nothing */
struct conn *la__xp_conn(unsigned side, uint32_t gen);
struct xp_inc *la__xp_peer_of(unsigned side, const struct xp_inc *i); /* NULL: unknown */
uint32_t la__xp_isn(unsigned side);                                   /* that would be drawn now */

/* explore_bounds.c */
bool la__xp_start(const struct xp_bound *b); /* the first state; false: la__xp_wrong */

/* explore_check.c */
void la__xp_check(const struct xp_bound *b);

/* explore_form.c */
uint64_t la__xp_form(void);

/* explore.c */
struct xp_result {
  uint64_t states, transitions, ends, merged; /* merged: pairs that were compared */
  unsigned depth, alone;                      /* alone: ticks until a world that was closed and left alone has ended, at most */
  double seconds;
  bool exhausted, failed;
  char wrong[200];
  struct xp_move *trace; /* to the failure, or to a state without an end */
  unsigned ntrace;
};
/* seconds: of processor time at most; bytes: of memory. */
void la__xp_search(const struct xp_bound *b, double seconds, size_t bytes, struct xp_result *out);

/* explore_show.c */
void la__xp_ladder(FILE *out, const struct xp_bound *b, const struct xp_move *trace, unsigned n);
#endif
