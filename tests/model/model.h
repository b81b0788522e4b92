/* SPDX-License-Identifier: MIT */
/*
 * A second opinion: what RFC 9293 3.10.7 says that one arriving segment does to one connection, with RFC 5961 and RFC 7323. Written from
 * their text, in the order of the text, for reading beside it; it shares nothing with src. Where the text leaves a choice, or lastack
 * has chosen otherwise on purpose (docs/decisions.md), the model says so by a rule of its own: enum m_rule.
 *
 * The application neither calls nor reads while the segment is dealt with, and acknowledgments are not delayed.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum m_state {
  M_CLOSED,
  M_LISTEN,
  M_SYN_SENT,
  M_SYN_RECEIVED,
  M_ESTABLISHED,
  M_FIN_WAIT_1,
  M_FIN_WAIT_2,
  M_CLOSE_WAIT,
  M_CLOSING,
  M_LAST_ACK,
  M_TIME_WAIT,
  M_STATES
};
enum { M_FIN = 1, M_SYN = 2, M_RST = 4, M_PSH = 8, M_ACK = 16, M_URG = 32 };

/* A segment: SEG.SEQ and so on. `len` is its text alone; SEG.LEN counts SYN and FIN too. */
struct m_seg {
  unsigned flags;
  uint32_t seq, ack, len, wnd, up; /* up: as in the header, relative to seq */
  bool ts;
  uint32_t tsval, tsecr;
};

/* What the text calls the TCB, as far as one segment can matter. */
struct m_tcb {
  enum m_state state;
  bool passive;  /* opened by the peer */
  bool listener; /* somebody listens on the port */
  uint32_t iss, irs;
  uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, max_snd_wnd;
  uint32_t rcv_nxt, rcv_wnd;
  bool ts;            /* timestamps were agreed */
  uint32_t ts_recent; /* RFC 7323 4.3 */
  uint32_t tsval;     /* what it has sent last */
  uint32_t unsent;    /* bytes that wait for the peer's window */
  bool fin_waits;     /* and a FIN behind them */
  bool fin_sent;      /* ours: it has SND.NXT - 1 */
  bool reader;        /* the application has not closed */
  bool told;          /* it is armed for READABLE: what comes is news */
  bool alerted;       /* it knows of urgent data up to rcv_up */
  uint32_t unread, rcv_up;
  uint32_t hole_from, hole_to; /* text held beyond RCV.NXT */
  bool merged;                 /* how the release went: our FIN came with the ACK of the peer's, or the other way round */
  bool crossed;                /* FINs crossed */
};

/* What the application is told. */
enum m_event { M_EV_ACCEPT = 1, M_EV_ESTABLISHED = 2, M_EV_URGENT = 4, M_EV_READABLE = 8, M_EV_PEER_FIN = 16, M_EV_END = 32 };
enum m_end {
  M_END_NONE,
  M_END_RESET,
  M_END_HALF_OPEN, /* by one that knows nothing of the connection */
  M_END_REFUSED,
  M_END_DATA,  /* text for an application that has closed */
  M_END_THREE, /* orderly: three segments, four, or crossing FINs */
  M_END_FOUR,
  M_END_CROSSED
};

/* One segment in answer. */
struct m_out {
  unsigned flags; /* without PSH */
  uint32_t seq, ack, len;
  bool new_iss; /* seq is an ISS that the text leaves open, past `seq` when the pair was in use */
};

enum m_rule {
#define M_RULE(name, clause, text) R_##name,
#include "tests/model/rules.h"
#undef M_RULE
  R_COUNT
};
struct m_rule_text {
  const char *name, *clause, *text;
};
extern const struct m_rule_text m_rule_text[R_COUNT];

struct m_result {
  struct m_tcb after; /* CLOSED and LISTEN: its state alone means something */
  unsigned n;
  struct m_out out[2];
  unsigned events;
  enum m_end end;
  bool restarts;    /* 2MSL begins anew */
  enum m_rule rule; /* which decided */
};

/* Sizes that the text leaves to the two ends. */
struct m_sizes {
  uint32_t rcv_wnd; /* of a new connection */
  uint32_t mss;     /* more than is ever unsent */
};

void m_arrives(const struct m_tcb *t, const struct m_seg *seg, const struct m_sizes *sizes, struct m_result *r);

#endif
