/* SPDX-License-Identifier: MIT */
/*
 * Two stacks and a bad network between them, in virtual time: delay, loss, duplication, reordering and bit errors from a
 * seed. Every segment that either stack sends passes an oracle:
 *
 *   - no frame exceeds the MTU;
 *   - a byte once sent never changes (RFC 2525 2.4): it is dlg_byte-like, a function of its position in the stream;
 *   - the right edge of the receive window never moves left (RFC 9293 3.8.6, SHLD-14);
 *   - no byte beyond what the other side ever offered, but for one octet of a probe (MUST-36).
 *
 * Side 0 connects to side 1. Both stacks see the same instants, each with an offset of its own, so that either ISS can be
 * laid where it is wanted.
 */
#ifndef TESTS_UNIT_PIPE_H
#define TESTS_UNIT_PIPE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

#include <lastack/lastack.h>

struct pipe_cfg {
  uint32_t loss, dup, reorder, corrupt; /* of 10,000 packets */
  la_time delay;
  uint32_t mtu;
  uint32_t iss[2]; /* wanted, when force_iss is set */
  bool force_iss;
  void (*tweak)(la_config *c, unsigned side);
  bool six;
  unsigned offload; /* of both links: what is handed out joined is cut before it meets the oracle and the network */
  uint32_t gso_max;
  bool joins; /* what arrives at one instant and follows each other comes in joined */
};

struct pipe_pkt {
  la_time due;
  uint64_t order;
  unsigned to;
  uint32_t len;
  uint8_t *bytes;
};

/* One direction as the oracle knows it. */
struct pipe_watch {
  uint32_t isn;   /* the sender's */
  uint64_t sent;  /* highest position sent + 1 */
  uint32_t edge;  /* of this side's receive window, absolute */
  uint32_t reach; /* the furthest that the other side ever offered to this one, absolute */
  uint8_t wscale; /* offered by this side */
  bool known, edge_known, scaled;
  uint64_t segments, bytes, tiny, pure_acks, again;
  uint32_t len_min; /* of segments that are not the last of what is queued */
};

struct pipe {
  struct pipe_cfg cfg;
  la_stack *s[2];
  la_link link[2];
  la_conn c[2];
  la_listener l;
  la_time now, offset[2];
  struct prng rnd;
  struct pipe_pkt *heap;
  size_t n, cap;
  uint64_t order;
  struct pipe_watch w[2]; /* what side i sends */
  uint64_t live[2];       /* bytes held from each side's allocator */
  uint64_t dropped, doubled, delayed, broken;
  bool ended[2];
  la_end end[2];
  uint32_t retract;                                                         /* so much the oracle forgives: RFC 7323 2.4 */
  bool cut[2];                                                              /* packets to side i vanish */
  uint64_t frames[2], joined;                                               /* descriptors out; frames in that stood for several */
  void (*raw)(struct pipe *p, unsigned from, const uint8_t *b, uint32_t n); /* each packet sent; may be NULL */
  void (*seen)(struct pipe *p, unsigned from, const struct tcp_seg *seg);   /* each segment sent; may be NULL */
  void *ctx;
};

uint8_t pipe_byte(unsigned side, uint64_t pos);
struct pipe *pipe_new(uint64_t seed, const struct pipe_cfg *cfg);
void pipe_free(struct pipe *p); /* checks that all memory came back */
la_time pipe_time(const struct pipe *p, unsigned side);
/* Three segments over an undisturbed network: c[0] and c[1] are ESTABLISHED. */
void pipe_open(struct pipe *p);
/* Takes what the stacks have to send, and events, at the present instant. */
void pipe_pump(struct pipe *p);
/* On to the next instant at which something happens, at most `limit`. false: nothing happens until then, and now = limit. */
bool pipe_step(struct pipe *p, la_time limit);
void pipe_run(struct pipe *p, la_time ns);
/* Queues up to n bytes of side's stream from position *pos, and moves it on. */
size_t pipe_send(struct pipe *p, unsigned side, uint64_t *pos, size_t n);
/* Reads up to n bytes at `side`, compares them, and moves *pos on. -1: end of stream. */
ptrdiff_t pipe_read(struct pipe *p, unsigned side, uint64_t *pos, size_t n);
la_info_rec pipe_info(struct pipe *p, unsigned side);
la_stats pipe_stats(const struct pipe *p, unsigned side);

#endif
