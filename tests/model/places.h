/* SPDX-License-Identifier: MIT */
/* Where a segment may meet the stack: each state with what is hidden behind its name. */
#ifndef TESTS_MODEL_PLACES_H
#define TESTS_MODEL_PLACES_H

#include <lastack/lastack.h>

#include "tests/model/packet.h"

enum hidden {
  P_PASSIVE = 1,  /* opened by the peer; there is a listener */
  P_CLOSED = 2,   /* the application has closed (an orphan), not only shut down */
  P_UNREAD = 4,   /* bytes that the application has been told of and has not read */
  P_FULL = 8,     /* so many that RCV.WND is 0 */
  P_FLIGHT = 16,  /* text of ours is unacknowledged */
  P_BLOCKED = 32, /* text of ours (and our FIN) waits, since the peer's window is shut */
  P_HOLE = 64,    /* text beyond RCV.NXT is held */
  P_MERGED = 128  /* the FIN that came acknowledged ours as well, or ours went with the ACK of the peer's */
};
struct place {
  enum m_state st;
  unsigned hidden;
};
extern const struct place places[];
extern const unsigned nplaces;

enum { TS_RECENT = 0x7ffffffeu, PEER_ISS = 0xfffff400u, HELD_AT = 500, HELD = 50, UNREAD = 100, FLIGHT = 300, BLOCKED = 10 };

enum { SIDE_OUT = 4, SIDE_RCV_WND = 4096, SIDE_OPEN_WND = 8192 };

/* Who is to be brought there: lastack (stand.h), or the kernel (kernel.h). */
struct side {
  void *ctx;
  unsigned *nout;    /* what it has sent since the last call */
  struct heard *out; /* SIDE_OUT of it */
  uint32_t *stream;  /* the number of the peer's first byte */
  void (*listen)(void *ctx);
  void (*connect)(void *ctx);
  void (*hear)(void *ctx, const struct m_seg *seg);
  bool (*drained)(void *ctx); /* there is a connection, and nothing to read */
  bool (*send)(void *ctx, uint32_t n);
  void (*finish)(void *ctx, bool close); /* or shutdown for writing */
  enum m_state (*state)(void *ctx);
};

/* It is there, and what the model must know of it. `ts`: timestamps agreed. false: it is not, and why is in `why`. */
bool place_reach(const struct place *p, bool ts, const struct side *side, struct m_tcb *t, char *why, size_t cap);
const char *place_name(const struct place *p, char *buf, size_t n);

#endif
