/* SPDX-License-Identifier: MIT */
/*
 * What state each end of somebody else's connection must be in, inferred from the segments between them (RFC 9293 3.3.2).
 * Only what a segment proves is believed: an end that is sent a SYN is in SYN-RECEIVED once it answers, and TIME-WAIT
 * lasts until a new SYN is seen. Ends are 0 and 1.
 */
#ifndef LA_CAPTURE_TRACK_H
#define LA_CAPTURE_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include <lastack/trace.h>

struct track_end {
  enum la_state state;
  bool have_isn, fin_sent;
  uint32_t isn;     /* the sequence number of its SYN, or one before the first byte seen */
  uint32_t nxt;     /* past the highest sequence number that it has sent */
  uint32_t reached; /* past the highest one up to which, without a gap, the other end has been sent everything */
  uint32_t fin;     /* the sequence number of its FIN */
};
struct track {
  struct track_end end[2];
};
struct track_seg {
  uint8_t flags; /* la_tcp_flags */
  uint32_t seq, ack, len;
};

/* Both ends CLOSED, nothing seen. */
void la__track_init(struct track *t);
/*
 * End `from` sent a segment. The receiver's view changes only with la__track_arrive. true: all of its sequence numbers had
 * been sent before.
 */
bool la__track_send(struct track *t, unsigned from, const struct track_seg *seg);
/* The segment that end `from` sent has arrived at the other one. */
void la__track_arrive(struct track *t, unsigned from, const struct track_seg *seg);
/*
 * The states from `was` to `to`, which one segment may prove together, into out: the last is `to`. How many: 1 to TRACK_STEPS.
 * A FIN that acknowledges ours takes us past FIN-WAIT-2 at once (RFC 9293 3.6, 3.10.7.4).
 */
enum { TRACK_STEPS = 4 };
unsigned la__track_steps(enum la_state was, enum la_state to, enum la_state out[TRACK_STEPS]);
enum la_state la__passive_state(const struct track *t, unsigned end);
/* Numbers relative to the initial ones of the two ends: the SYN is 0. `ack` is that of a segment sent by `from`. */
uint32_t la__track_seq(const struct track *t, unsigned from, uint32_t seq);
uint32_t la__track_ack(const struct track *t, unsigned from, uint32_t ack);

#endif
