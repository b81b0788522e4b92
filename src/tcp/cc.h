/* SPDX-License-Identifier: MIT */
/*
 * Congestion control as a table of functions, chosen per connection and to be changed at any time.
 *
 * Who does what: loss recovery decides what is lost, what goes again, and how cwnd comes down; a module decides how cwnd grows and
 * what ssthresh becomes. The calls come in this order:
 *
 *     la__cc_init        ESTABLISHED: cwnd and ssthresh have their first values
 *     la__cc_attach      a send queue was made: the module's state begins (all zero before `start`)
 *     la__cc_resume      before the first bytes after nothing was outstanding
 *     la__cc_sent        after each segment of data: was cwnd the limit?
 *     la__cc_ack         each ACK that delivers something outside recovery: cwnd grows
 *     la__cc_enter       a congestion event: a loss, an echo of CE, a time-out. Sets ssthresh, leaves cwnd
 *     la__cc_leave       recovery is over, cwnd has the value that recovery gave it
 *     la__cc_undo        the latest of these was spurious
 *
 * BBR sets cwnd by itself; it hears besides of what leaves (la__cc_left), of what is lost (la__cc_lost) and of each ACK (la__cc_sample).
 *
 * cwnd and ssthresh are bytes and live in the connection, whatever the module. Its other state lives in the send queue, and so
 * ends when everything is acknowledged: what happened before an idle time says when the next epoch begins only in one respect,
 * CUBIC's W_max, which has four bytes of its own in `wish` once there was a loss. A connection that is idle thus
 * costs nothing for its congestion control unless it has known congestion.
 */
#ifndef LA_TCP_CC_H
#define LA_TCP_CC_H

#include <lastack/tcp.h>

struct tcp;
struct conn;
struct news;
struct sent_rec;

#define CC_INFINITE (UINT32_MAX / 2) /* ssthresh while no congestion has been seen */

/* What an acknowledgement tells. */
struct cc_ack {
  uint32_t delivered; /* bytes that it newly acknowledges, or reports by SACK for the first time */
  la_time rtt;        /* the sample that it gave; 0: none */
  bool limited;       /* cwnd had held the sender back, so it may grow: la__cc_ack sets it */
};

enum cc_event { CC_LOSS, CC_ECN, CC_RTO };

/* HyStart++ (RFC 9406). */
struct hystart {
  uint32_t round_end, samples;
  uint32_t last_us, now_us, baseline_us; /* least RTT of the last round, of this one, and on entry to conservative slow start; 0: none */
  uint8_t rounds;                        /* of conservative slow start */
  uint8_t css;
  uint8_t running;
};

struct cc_newreno {
  uint32_t acked; /* towards the next segment */
};

struct cc_cubic {
  la_time epoch;          /* 0: none */
  uint32_t w_max, origin; /* origin: where the curve is flat */
  uint32_t k_ms;
  uint32_t w_est;
  uint32_t before;           /* cwnd_prior: w_est grows as fast as Reno once it is there */
  uint64_t grown, est_grown; /* fractions of a byte yet to be added to cwnd and w_est */
  uint32_t undo_w_max;
  struct hystart hystart;
};

union cc_state {
  struct cc_newreno reno;
  struct cc_cubic cubic;
};

/* NULL: nothing to do. `s` is never NULL: without a send queue (only a FIN is outstanding) it is a zeroed one that is forgotten. */
struct cc_module {
  const char *name; /* as TCP_CONGESTION knows it; at most 15 characters */
  void (*start)(struct tcp *t, struct conn *c, union cc_state *s);
  void (*ack)(const struct tcp *t, struct conn *c, union cc_state *s, const struct cc_ack *a);
  uint32_t (*reduce)(struct tcp *t, struct conn *c, union cc_state *s, enum cc_event why); /* the new ssthresh */
  void (*undo)(struct tcp *t, struct conn *c, union cc_state *s);
  void (*resume)(const struct tcp *t, struct conn *c, union cc_state *s);
  /* Of a module that sets cwnd and the pacing rate by itself, while `own` says so: PRR, ssthresh and idle times then leave cwnd alone. */
  bool (*own)(const struct conn *c);
  uint64_t (*rate)(const struct conn *c);                                      /* bytes a second */
  void (*sent)(const struct tcp *t, struct conn *c, uint32_t before);          /* bytes left; `before` were on their way */
  void (*lost)(const struct tcp *t, struct conn *c, const struct sent_rec *r); /* a record is about to be marked lost */
  void (*sample)(struct tcp *t, struct conn *c, const struct news *n);         /* each ACK, when all else is done */
  void (*leave)(struct conn *c);                                               /* recovery is over */
};
extern const struct cc_module la__cc_newreno, la__cc_cubic, la__cc_bbr;

/* cc.c */
void la__cc_init(struct conn *c);
void la__cc_attach(struct tcp *t, struct conn *c);
void la__cc_choose(struct tcp *t, struct conn *c, enum la_cc which);
uint32_t la__cc_initial_window(const struct conn *c);
bool la__cc_owns(const struct conn *c);     /* ask la__cc_own (conn.h) */
uint64_t la__cc_rate(const struct conn *c); /* only where la__cc_own */
void la__cc_left(const struct tcp *t, struct conn *c, uint32_t before);
void la__cc_lost(const struct tcp *t, struct conn *c, const struct sent_rec *r);
void la__cc_sample(struct tcp *t, struct conn *c, const struct news *n);
enum la_cc la__cc_chosen(const struct conn *c);
void la__cc_resume(const struct tcp *t, struct conn *c);
void la__cc_sent(const struct tcp *t, struct conn *c);
/* cwnd has not been the limit for so long that la__cc_sent, after the next segment, may lower it. */
bool la__cc_lags(const struct tcp *t, const struct conn *c);
void la__cc_ack(const struct tcp *t, struct conn *c, struct cc_ack *a);
void la__cc_enter(struct tcp *t, struct conn *c, enum cc_event why);
void la__cc_leave(const struct tcp *t, struct conn *c);
void la__cc_undo(struct tcp *t, struct conn *c);

/* What several modules need. */
/* Slow start: cwnd grows by what was delivered, up to ssthresh; returns what is left for congestion avoidance. */
uint32_t la__cc_slow_start(struct conn *c, uint32_t delivered);
static inline uint32_t la__cc_at_least(uint32_t bytes, uint32_t mss) { return bytes > 2 * mss ? bytes : 2 * mss; }

/* hystart.c: for each ACK of the first slow start; by how much its growth is to be divided; 0: slow start is over. */
unsigned la__hystart_ack(struct hystart *h, const struct conn *c, la_time rtt);

#endif
