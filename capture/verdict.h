/* SPDX-License-Identifier: MIT */
/* Why a connection ended, read from what is known of it. */
#ifndef LA_CAPTURE_VERDICT_H
#define LA_CAPTURE_VERDICT_H

#include "capture/flow.h"

enum reason {
  REASON_OPEN,
  REASON_CLOSE,   /* both closed */
  REASON_CLOSING, /* the capture ends within the release */
  REASON_OPENING, /* the capture ends within the opening */
  REASON_REFUSED,
  REASON_SYN_UNANSWERED,
  REASON_SYN_FILTERED, /* ICMP said so */
  REASON_SYN_ACK_UNANSWERED,
  REASON_SYN_ACK_REFUSED, /* whoever was to have sent the SYN knows nothing of it, or thought better of it */
  REASON_NOT_ACCEPTED,    /* opened, and nobody took it */
  REASON_ABORT,
  REASON_UNREAD,
  REASON_DATA_AFTER_CLOSE,
  REASON_HALF_OPEN, /* the peer had lost the connection */
  REASON_RESTART,   /* a new SYN from an end that had not closed */
  REASON_KEEPALIVE,
  REASON_RETRANSMIT,
  REASON_LAST_ACK, /* a FIN was never acknowledged */
  REASON_INJECTED,
  REASON_IDLE_CUT,
  REASON_CLOSE_WAIT, /* one end has closed, the other's application does not */
  REASON_FIN_WAIT_2, /* ... and the first one's patience was at an end */
  REASON_PORT_REUSE, /* of a pair in TIME-WAIT: it ended before its time, or would not let the new one in */
  REASON_ICMP,
  REASON_OTHER, /* told by the stack itself, in words that are none of these */
  REASONS
};
enum certainty { CERTAIN_OBSERVED, CERTAIN_INFERRED, CERTAIN_AMBIGUOUS };
enum close_kind { KIND_NONE, KIND_FOUR, KIND_THREE, KIND_SIMULTANEOUS, KIND_RESET, KIND_HALF };
enum first_closed { CLOSED_NONE, CLOSED_CLIENT, CLOSED_SERVER, CLOSED_BOTH };
/* What is wrong with the capture, or special about it, as far as this connection shows. */
enum flaw {
  FLAW_MIDSTREAM = 1,
  FLAW_ONE_SIDED = 2,
  FLAW_CUT = 4,
  FLAW_MISSED = 8,
  FLAW_NAT = 16,
  FLAW_DUPLICATES = 32,
  FLAW_OFFLOAD = 64,
  FLAW_DAMAGED = 128,
  FLAW_VLAN = 256,
  FLAW_FRAGMENTS = 512,
  FLAW_GRO = 1024,
  FLAW_TAIL = 2048,
  FLAWS = 12
};

struct verdict {
  unsigned client; /* the end; the server is the other one */
  enum close_kind kind;
  enum first_closed first_closed;
  enum reason reason, candidate[3];
  unsigned ncandidates;
  enum certainty certainty;
  unsigned by; /* the end whose doing it was; 2: nobody's */
  unsigned flaws;
  la_time half_closed; /* how long one direction was closed and the other was not */
  uint64_t half_bytes; /* carried meanwhile */
  uint64_t lost;       /* sent and thrown away by a reset */
  unsigned time_wait;  /* bits: ends that carry it */
  la_time time_wait_from, time_wait_until;
  la_time silent;   /* between its latest segment and the capture's */
  la_time patience; /* what it was judged with */
  bool finding;     /* deserves attention */
};

/*
 * How long silence may last: from here on an idle connection may have been forgotten on the way, FIN-WAIT-2 has run out, and CLOSE-WAIT is
 * a leak. Linux's tcp_fin_timeout, and as short as middleboxes usually are.
 */
#define VERDICT_PATIENCE (60 * LA_SEC)
/* `now` is the time of the capture's latest packet. */
void la__verdict(const struct flow *c, la_time now, la_time patience, struct verdict *v);

/* Names as in JSON: "data-after-close", "observed", "four-segment", "client", "midstream". Static storage. */
const char *la__reason_name(enum reason r);
const char *la__certainty_name(enum certainty c);
const char *la__kind_name(enum close_kind k);
const char *la__closed_name(enum first_closed f);
const char *la__flaw_name(unsigned bit);
/* Linux's name in enum sk_rst_reason; NULL: it has none for this. */
const char *la__rst_reason_name(enum reason r);

#endif
