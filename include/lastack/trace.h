/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary of states, endings and drops, and the trace: fixed-size records of what the machine did,
 * from which ladders, capture comments and logs are made.
 */
#ifndef LASTACK_TRACE_H
#define LASTACK_TRACE_H

#include <lastack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RFC 9293 3.3.2 */
enum la_state {
  LA_CLOSED,
  LA_LISTEN,
  LA_SYN_SENT,
  LA_SYN_RECEIVED,
  LA_ESTABLISHED,
  LA_FIN_WAIT_1,
  LA_FIN_WAIT_2,
  LA_CLOSE_WAIT,
  LA_CLOSING,
  LA_LAST_ACK,
  LA_TIME_WAIT,
  LA_STATES
};
/* "FIN-WAIT-1" and so on. Static storage, like all the names below. */
const char *la_state_name(enum la_state st);

/* What moved a connection from one state to another: the labels of the state diagram. */
enum la_cause {
  LA_ON_NOTHING,
  LA_ON_LISTEN,
  LA_ON_CONNECT,
  LA_ON_CLOSE,
  LA_ON_SHUTDOWN,
  LA_ON_ABORT, /* calls */
  LA_ON_SYN,
  LA_ON_SYN_ACK,
  LA_ON_ACK_OF_SYN,
  LA_ON_FIN,
  LA_ON_ACK_OF_FIN,
  LA_ON_FIN_AND_ACK,
  LA_ON_RST,  /* segments */
  LA_ON_DATA, /* data that arrived after a full close */
  LA_ON_ICMP,
  LA_ON_TIMEOUT, /* a limit: R2, user timeout, keepalive, FIN-WAIT-2, SYN */
  LA_ON_2MSL,
  LA_ON_POLICY, /* eviction, recycling, listener closed */
  LA_CAUSES
};
const char *la_cause_name(enum la_cause c);

/* Who ended a connection. */
enum la_who { LA_BY_NOBODY, LA_BY_LOCAL, LA_BY_PEER, LA_BY_NETWORK, LA_BY_CLOCK, LA_BY_POLICY, LA_WHOS };
const char *la_who_name(enum la_who w);

/* How. */
enum la_how {
  LA_HOW_OPEN,           /* not ended */
  LA_HOW_FOUR_SEGMENTS,  /* FIN, ACK, FIN, ACK */
  LA_HOW_THREE_SEGMENTS, /* FIN, FIN+ACK, ACK */
  LA_HOW_SIMULTANEOUS,   /* crossing FINs */
  LA_HOW_RESET,          /* a RST was sent or received */
  LA_HOW_SILENT,         /* given up without a segment */
  LA_HOWS
};
const char *la_how_name(enum la_how h);

/* Why. Where Linux's rst_reason list has a name for it, that name stands beside it. */
enum la_why {
  LA_WHY_NONE,
  LA_WHY_CLOSE,            /* the application closed: orderly release */
  LA_WHY_ABORT,            /* la_abort: TCP_STATE */
  LA_WHY_LINGER,           /* la_close with linger 0: TCP_STATE */
  LA_WHY_UNREAD,           /* la_close with unread data: TCP_ABORT_ON_CLOSE (RFC 2525 2.17) */
  LA_WHY_DATA_AFTER_CLOSE, /* data arrived after la_close: TCP_ABORT_ON_DATA (RFC 2525 2.16) */
  LA_WHY_PEER_RESET,       /* the peer sent RST in a synchronized state, and may have had any reason */
  LA_WHY_REFUSED,          /* RST in answer to our SYN: NO_SOCKET at the peer */
  LA_WHY_HALF_OPEN,        /* our data, FIN or probe drew the RST of a host that knows nothing of the connection: NO_SOCKET there */
  LA_WHY_RETRANSMIT,       /* R2: nothing was acknowledged for too long */
  LA_WHY_SYN_TIMEOUT,      /* our SYN was never answered */
  LA_WHY_SYN_ACK_TIMEOUT,  /* the third segment never came */
  LA_WHY_KEEPALIVE,        /* all probes unanswered: TCP_KEEPALIVE_TIMEOUT */
  LA_WHY_USER_TIMEOUT,     /* RFC 9293 3.9.1: the caller's own limit */
  LA_WHY_FIN_WAIT_2,       /* the peer's FIN never came after la_close; with LA_OPT_FIN_WAIT_2 -1: TCP_ABORT_ON_LINGER */
  LA_WHY_LAST_ACK,         /* the ACK of our FIN never came */
  LA_WHY_ICMP,             /* a hard ICMP error */
  LA_WHY_MEMORY,           /* evicted: TCP_ABORT_ON_MEMORY */
  LA_WHY_LISTENER_CLOSED,  /* not accepted before its listener was closed */
  LA_WHY_REJECTED,         /* la_reject */
  LA_WHY_NEIGHBOUR,        /* nobody answered for the hardware address of the next hop: ARP, Neighbor Discovery */
  LA_WHYS
};
const char *la_why_name(enum la_why w);

/* Why a packet was dropped; the names are those of Linux's drop reasons where it has one. */
enum la_drop {
  LA_DROP_NONE,
  LA_DROP_PKT_TOO_SMALL,
  LA_DROP_IP_INHDR,
  LA_DROP_IP_CSUM,
  LA_DROP_IP_INADDRERRORS,
  LA_DROP_OTHERHOST,
  LA_DROP_UNHANDLED_PROTO,
  LA_DROP_FRAGMENT,
  LA_DROP_IP_OPTIONS,
  LA_DROP_TCP_HDR, /* data offset below 5 or past the segment, or an option's length is illegal */
  LA_DROP_TCP_CSUM,
  LA_DROP_TCP_FLAGS, /* a combination with no meaning, as FIN without ACK */
  LA_DROP_NO_SOCKET, /* answered with RST unless it was one */
  LA_DROP_TCP_INVALID_SEQUENCE,
  LA_DROP_TCP_OLD_SEQUENCE,
  LA_DROP_TCP_OLD_DATA,
  LA_DROP_TCP_OVERWINDOW,
  LA_DROP_TCP_ZEROWINDOW,
  LA_DROP_TCP_RFC7323_PAWS,
  LA_DROP_TCP_RESET,
  LA_DROP_TCP_INVALID_SYN,
  LA_DROP_TCP_INVALID_RST, /* RST in the window but not at its left edge: challenge ACK */
  LA_DROP_TCP_ACK_UNSENT_DATA,
  LA_DROP_TCP_TOO_OLD_ACK,
  LA_DROP_TCP_NO_ACK,
  LA_DROP_TCP_INVALID_ACK_SEQUENCE, /* SYN-SENT or SYN-RECEIVED: the ACK is not of our SYN */
  LA_DROP_TCP_CLOSE,                /* the connection is closed */
  LA_DROP_TCP_ABORT_ON_DATA,        /* data after full close */
  LA_DROP_TCP_LISTEN_OVERFLOW,
  LA_DROP_TCP_TIMEWAIT,
  LA_DROP_TCP_TIMEWAIT_RST,
  LA_DROP_TCP_OFO_QUEUE_PRUNE,
  LA_DROP_QUIET_TIME,
  LA_DROP_NOMEM,
  LA_DROP_LINK_FULL,
  LA_DROP_ICMP,
  LA_DROP_DUP_FRAG,     /* a fragment that was there already */
  LA_DROP_FRAG_OVERLAP, /* it overlaps another one: its whole packet is dropped (RFC 5722) */
  LA_DROP_UDP_CSUM,
  LA_DROP_SOCKET_RCVBUFF, /* nobody has read what came before it */
  LA_DROP_DEV_HDR,        /* an Ethernet header that makes no sense */
  LA_DROP_UNICAST_IN_L2_MULTICAST,
  LA_DROP_ARP, /* damaged, or nothing to us */
  LA_DROP_IPV6_NDISC_HOP_LIMIT,
  LA_DROP_IPV6_NDISC_BAD_OPTIONS,
  LA_DROP_IPV6_NDISC_NS_OTHERHOST, /* Neighbor Discovery about an address that is not ours, or a neighbour whom nobody asked for */
  LA_DROP_NEIGH_FAILED,            /* a packet of ours: nobody answers for its next hop */
  LA_DROP_NEIGH_QUEUEFULL,         /* a packet of ours that waited for its next hop's answer: later ones took its place */
  LA_DROP_NEIGH_CREATEFAIL,        /* a packet of ours: no room for another neighbour */
  LA_DROP_IP_OUTNOROUTES,          /* a packet of ours: no route leads to its destination over its link */
  LA_DROPS
};
const char *la_drop_name(enum la_drop d);

enum la_trace_type {
  LA_TRACE_TRANSITION, /* state `from` -> `to`, by `cause` */
  LA_TRACE_OUT,        /* a segment was handed out as frame `frame`; state `to` */
  LA_TRACE_IN,         /* a segment came in as frame `frame`; `from` is the state it met */
  LA_TRACE_DROP,       /* frame `frame` was dropped: `drop`; may follow a LA_TRACE_IN of the same frame */
  LA_TRACE_END,        /* a connection, half-open or TIME-WAIT record ended: who, how, why */
  LA_TRACE_END_MORE    /* follows a connection's END: the numbers of its la_end, for la_trace_end_get alone */
};
/* Bits of `flags` in trace records: those of the TCP header. */
enum la_tcp_flags { LA_FIN = 1, LA_SYN = 2, LA_RST = 4, LA_PSH = 8, LA_ACK = 16, LA_URG = 32, LA_ECE = 64, LA_CWR = 128 };
typedef struct la_trace_rec {
  la_time at;
  uint32_t frame;                /* the packet that caused it or carries it; 0 when a call or a clock did */
  uint32_t conn_index, conn_gen; /* the handle; 0, 0 for half-open and TIME-WAIT records and for no connection */
  uint8_t type;                  /* la_trace_type */
  uint8_t from, to;              /* la_state */
  uint8_t cause;                 /* la_cause */
  uint8_t drop;                  /* la_drop */
  uint8_t who, how, why;         /* END; of a connection's TRANSITION who opened it, and how and why where it follows its END */
  uint8_t flags;                 /* la_tcp_flags */
  uint8_t retransmit;            /* OUT: 1 sent again (bytes, SYN, FIN); 2 a window probe; 3 a keepalive probe; 4 a tail loss probe */
  uint8_t link, fresh;           /* fresh: OUT or TRANSITION of a record that is not a connection: 1 half-open, 2 TIME-WAIT */
  uint16_t local_port, remote_port;
  uint32_t seq, ack, wnd; /* absolute, and the window unscaled to bytes */
  uint32_t len;           /* payload bytes */
  la_addr local, remote;
} la_trace_rec;

/* Moves up to max of the oldest records to out; *lost (may be NULL) gets the number overwritten unread so far. */
size_t la_trace_read(la_stack *s, la_trace_rec *out, size_t max, uint64_t *lost);

/* The state diagram, from the very table that the machine uses. i from 0; false past the last. */
typedef struct la_transition {
  enum la_state from, to;
  enum la_cause cause;
} la_transition;
bool la_transition_get(size_t i, la_transition *out);

#ifdef __cplusplus
}
#endif
#endif
