/* SPDX-License-Identifier: MIT */
/*
 * conn_state and history as Zeek's conn.log has them: its own small machine, which differs from RFC 9293's, so that rows of two tools
 * can be compared. Its limits in time (a connection attempt is given up after five seconds, and so on) are not applied.
 */
#ifndef LA_CAPTURE_ZEEK_H
#define LA_CAPTURE_ZEEK_H

#include "capture/decode.h"

enum zeek_end_state { ZEEK_INACTIVE, ZEEK_SYN_SENT, ZEEK_SYN_ACK_SENT, ZEEK_PARTIAL, ZEEK_ESTABLISHED, ZEEK_CLOSED, ZEEK_RESET };
enum { ZEEK_HISTORY = 64, ZEEK_HOLES = 4 };

struct zeek_end {
  uint8_t state, prev;
  bool fin;
  uint8_t seen;                       /* letters that were written, as bits */
  uint32_t start, last, acked;        /* the SYN's number, past the highest sent, the highest acknowledged */
  uint32_t reached;                   /* in order up to here */
  uint32_t syn_rel, fin_rel, rst_rel; /* of the latest one */
};
/* How often, and at which count the next letter is due. */
struct zeek_count {
  uint32_t n, due;
};
struct zeek {
  struct zeek_end end[2];
  bool begun;
  uint8_t orig; /* which of the connection's ends Zeek takes for the originator */
  uint8_t len, nlate;
  char history[ZEEK_HISTORY];
  struct zeek_more { /* seldom needed */
    struct zeek_count bad, again, zero, gaps;
    struct zeek_hole {
      uint32_t lo, hi;
    } late[ZEEK_HOLES]; /* past `reached` */
  } more[2];
};
void la__zeek_segment(struct zeek *z, unsigned from, const struct seg *s, bool bad_sum);
/* "SF", "S0" … Static storage. */
const char *la__zeek_state(const struct zeek *z);

#endif
