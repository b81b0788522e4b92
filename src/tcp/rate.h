/* SPDX-License-Identifier: MIT */
/*
 * How fast the path delivers (draft-ietf-ccwg-bbr 4.1): what was delivered between two instants, over the longer of the time in which
 * it was sent and the time in which it was acknowledged.
 *
 * What the draft keeps for each packet is kept for instants: a mark each 32nd of a round trip, in a ring. Of what was sent later than
 * a mark, and before the next, the mark tells how much had been delivered, and when, somewhat earlier than need be; but all of it
 * consistently, so that the rate is that of an interval which is a little longer. A record's time finds its mark, so the scoreboard
 * needs nothing for it.
 */
#ifndef LA_TCP_RATE_H
#define LA_TCP_RATE_H

#include <lastack/stack.h>

enum { RATE_MARKS = 64 };

struct rate_mark {
  la_time at;              /* of what was sent then and later */
  la_time first, acked_at; /* C.first_send_time, C.delivered_time */
  uint32_t delivered, lost;
  uint32_t flight; /* with it */
  bool app_limited;
};

struct rate {
  struct rate_mark mark[RATE_MARKS];
  uint32_t head, n;
  la_time first, acked_at;
  uint32_t delivered, lost; /* bytes, modulo 2^32 */
  uint32_t limited_until;   /* valid when `limited`: all up to that was sent while the application had too little */
  bool limited;
};

/* What one ACK tells. */
struct rate_sample {
  uint64_t rate;       /* bytes a second; 0: no sample */
  uint32_t prior;      /* delivered when the newest of what it acknowledges was sent */
  uint32_t delivered;  /* since then */
  uint32_t lost;       /* since then */
  uint32_t newly_lost; /* since the ACK before */
  uint32_t acked;      /* newly acknowledged or reported */
  uint32_t flight;     /* when that was sent, with it */
  la_time rtt;         /* 0: none */
  bool app_limited, valid;
};

/* Bytes leave; `idle`: nothing was on its way, `flight` is what is now. */
void la__rate_sent(struct rate *r, la_time now, la_time spacing, bool idle, uint32_t flight);
const struct rate_mark *la__rate_mark(const struct rate *r, la_time at); /* NULL: none */
/* `newest`: when the newest of the `acked` bytes had left, 0 when nothing is known of it. */
void la__rate_ack(struct rate *r, la_time now, uint32_t acked, la_time newest, la_time min_rtt, struct rate_sample *s);
void la__rate_limited(struct rate *r, uint32_t flight); /* the application has nothing more to send, and cwnd has room */

#endif
