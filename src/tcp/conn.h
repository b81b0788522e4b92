/* SPDX-License-Identifier: MIT */
/*
 * The records behind the table: connection, half-open record, TIME-WAIT record, listener.
 *
 * Budgets (design, section 4): 240 bytes a connection, 64 a half-open record, 48 a TIME-WAIT record over IPv4;
 * IPv6 adds the 24 bytes by which its two addresses are longer. What is needed only while bytes are under way hangs
 * off `sndq` and `rcvq`. Addresses stand last, so that one struct serves both families.
 */
#ifndef LA_TCP_CONN_H
#define LA_TCP_CONN_H

#include "base/ranges.h"
#include "mem/fifo.h"
#include "mem/rope.h"
#include "mem/spool.h"
#include "mem/wheel.h"
#include "tcp/cc.h"
#include "tcp/recovery.h"

#include <lastack/tcp.h>

/* A connection's two ends. Zone tells links apart where the addresses do not (link-local); else 0. */
struct key {
  la_addr local, remote;
  uint16_t lport, rport;
  uint32_t zone;
};

/* A reference: kind in bits 31-30, family in bit 29, slab index below. */
typedef uint32_t ref_t;
enum { REF_CONN = 0, REF_HALF = 1, REF_TW = 2 };
#define REF_IP6 (1u << 29)
#define REF_NONE UINT32_MAX
static inline ref_t ref_make(unsigned kind, bool six, uint32_t index) { return kind << 30 | (six ? REF_IP6 : 0) | index; }
static inline unsigned ref_kind(ref_t r) { return r >> 30; }
static inline bool ref_six(ref_t r) { return (r & REF_IP6) != 0; }
static inline uint32_t ref_index(ref_t r) { return r & (REF_IP6 - 1); }

enum conn_flag {
  CF_IP6 = 1 << 0,
  CF_PASSIVE = 1 << 1,
  CF_TS = 1 << 2, /* timestamps agreed */
  CF_SACK = 1 << 3,
  CF_WSCALE = 1 << 4,
  CF_NODELAY = 1 << 5,
  CF_KEEPALIVE = 1 << 6,
  CF_REUSE = 1 << 7,
  CF_LINGER0 = 1 << 8,
  CF_UNACCEPTED = 1 << 9,  /* waits in its listener's queue: `listener` is valid instead of `user` */
  CF_APP_CLOSED = 1 << 10, /* la_close or la_abort was called, or no application ever knew it */
  CF_END_TAKEN = 1 << 11,
  CF_ENDED = 1 << 12,                                /* END has been raised: the `end` half of the union is valid */
  CF_DONE = CF_APP_CLOSED | CF_END_TAKEN | CF_ENDED, /* the application has nothing left to do with it: its handle is stale */
  CF_DETACHED = 1 << 13,                             /* not in the table any more */
  CF_DIRTY = 1 << 14,                                /* on its link's dirty list */
  CF_QUEUED = 1 << 15,                               /* on the event list */
  CF_FIN_QUEUED = 1 << 16,
  CF_FIN_SENT = 1 << 17, /* our FIN has a sequence number: snd_nxt - 1 */
  CF_FIN_ACKED = 1 << 18,
  CF_FIN_RCVD = 1 << 19,
  CF_FIRST_LOCAL = 1 << 20, /* our FIN went out before the peer's came */
  CF_FIRST_PEER = 1 << 21,
  CF_FIN_MERGED = 1 << 22, /* our FIN was also the first ACK of the peer's */
  CF_SIMULTANEOUS = 1 << 23,
  CF_SYN_LOST = 1 << 24, /* SYN retransmitted: RFC 6298 5.7 */
  CF_KILL = 1 << 25,     /* wish.kill_at is valid: RST when it strikes */
  CF_ORPHAN = 1 << 26,   /* counted in stats.orphans */
  CF_READ_ARMED = 1 << 27,
  CF_WRITE_ARMED = 1 << 28,
  CF_ACKED_SYN = 1 << 29, /* our SYN has been acknowledged */
  CF_MSS_PROVED = 1 << 30 /* a segment of `mss` bytes has been acknowledged */
};

enum conn_todo {
  TODO_SYN = 1,    /* SYN, or SYN-ACK in SYN-RECEIVED */
  TODO_ACK = 2,    /* an ACK is owed now, whatever else is sent */
  TODO_DATA = 4,   /* look whether new data or FIN may go */
  TODO_RTX = 8,    /* the FIN again, when there is no memory for a scoreboard */
  TODO_PROBE = 16, /* window probe */
  TODO_KEEP = 32,  /* keepalive probe */
  TODO_RST = 64,
  TODO_WND = 128 /* perhaps a window update */
};

/* What clock_at stands for: these exclude each other. CLK_REO and CLK_TLP come before CLK_RTX and in its place (rack.c). */
enum conn_clock { CLK_NONE, CLK_RTX, CLK_PERSIST, CLK_KEEP, CLK_REO, CLK_TLP };

/* Our reading side is shut down: text after our FIN is answered with RST. (An enum constant must be an int.) */
#define CF_RCV_SHUT (1u << 31)

/* Told from the lowest bit on. */
enum conn_event { EV_ESTABLISHED = 1, EV_URGENT = 2, EV_READABLE = 4, EV_WRITABLE = 8, EV_PEER_FIN = 16, EV_TROUBLE = 32, EV_END = 64 };

/* What the application has asked for beyond the ordinary: a listener has it always, a connection only when something differs. */
enum wish_flag {
  WISH_CORK = 1,
  WISH_MORE = 2,   /* until the next call or segment */
  WISH_PUSH = 4,   /* what is queued goes nonetheless */
  WISH_NO_SOFT = 8 /* errors are not told */
};
struct wish {
  la_time kill_at;                /* la_close_by, with CF_KILL */
  uint32_t index;                 /* its own, in its slab */
  uint32_t user_timeout;          /* ms; 0: the config's limits */
  uint32_t wnd_clamp;             /* the receive window at most; 0: the buffer's */
  int32_t fin_wait_2;             /* ms; 0: the config's; -1: RST at once */
  uint16_t keep_idle, keep_intvl; /* s */
  uint16_t mss;                   /* announced, and sent at most; 0: the link's */
  uint8_t keep_cnt;
  uint8_t syn_retries; /* 0: the config's limit */
  uint8_t flags;
  uint8_t mtu_probing;          /* LA_OPT_MTU_PROBING, and 1; 0: the config's */
  uint32_t w_max;               /* CUBIC's, in bytes: outlives the send queue */
  struct bbr *bbr;              /* BBR's state; NULL: none, or no memory */
  la_time tune_at;              /* tune.c: what comes in how long; 0: not yet */
  uint32_t tune_from, tune_end; /* from where, and until where */
  uint64_t pacing_max;          /* bytes a second; 0: not paced */
  uint32_t notsent_lowat;       /* bytes that may wait beyond what the windows take; 0: as many as fit */
  uint32_t delivered_ce;        /* segments whose acknowledgment echoed CE */
};

/* struct conn.net: how it treats the path. */
enum conn_net {
  NET_CC = 3,       /* enum la_cc */
  NET_ECN = 4,      /* agreed */
  NET_ECN_SEEN = 8, /* the peer has sent ECT */
  NET_ECE = 16,     /* CE came: every segment echoes it until CWR comes */
  NET_CWR = 32,     /* cwnd was reduced: the next new bytes say so */
  NET_SNDBUF = 64,  /* the application has set these: they do not grow */
  NET_RCVBUF = 128
};

/* pmtu.c. Sizes are of payload, options deducted, as conn.mss is. */
struct pmtu {
  la_time look_at; /* then what was learnt is old */
  uint32_t claim_seq, probe_seq;
  uint16_t acked; /* the longest segment that was acknowledged */
  uint16_t claim; /* what a router's word, of the segment at claim_seq, would leave; 0: none waits for its loss */
  uint16_t high;  /* nothing longer is tried */
  uint16_t probe; /* length of the one at probe_seq; 0: none is out */
  uint8_t fails;  /* probes of this length that were lost alone */
};

/* The sending side while bytes are queued or unacknowledged. */
struct sndq {
  struct spool spool;
  uint32_t seq0;    /* sequence number of the spool's first byte */
  uint32_t rtt_seq; /* the sample runs until this is acknowledged; rtt_at 0: none */
  la_time rtt_at;
  uint32_t index; /* its own, in its slab */
  uint32_t *eor;  /* eor.c; NULL: no mark */
  uint32_t neor, eor_cap;
  uint32_t small_end; /* of the latest segment that was not full: while it is unacknowledged, another waits (Minshall) */
  uint32_t push_end;  /* what was queued up to here was not announced to be followed by more: its last segment has PSH */
  uint8_t burst;      /* segments of a piece that went together up to burst_end */
  uint32_t burst_end;
  la_time burst_at;
  uint8_t pace_wait;                   /* something waits for pace_at */
  la_time pace_at;                     /* pace.c: nothing goes before this */
  uint8_t limited;                     /* cwnd was the limit in the round trip that `usage_seq` ends */
  uint32_t most, usage_seq, used;      /* most: bytes outstanding then; used: the same since full_at */
  uint32_t prior_cwnd, prior_ssthresh; /* before the latest reduction; prior_cwnd 0: none to undo */
  la_time full_at;                     /* when cwnd was last the limit */
  union cc_state cc;
  struct pmtu pmtu;
  struct recovery rec;
  struct sent sent;
};

enum { SACK_RECENT = 4 };

/* The receiving side while bytes are unread or out of order. */
struct rcvq {
  struct rope rope; /* in-order unread bytes, then what was written ahead */
  struct ranges ooo;
  uint32_t index;
  uint32_t recent[SACK_RECENT]; /* where the latest out-of-order segments began: the first SACK blocks (RFC 2018 4) */
  uint32_t dsack_lo, dsack_hi;  /* came once more, and is yet to be told; the same: nothing */
  uint32_t fin_seq;             /* the peer's FIN came ahead of a hole */
  uint32_t urgent_end;          /* RCV.UP: behind the last urgent byte; urgent: it is ahead of what has been read */
  bool fin_seen, urgent;
  la_post *post, *post_last; /* posted buffers that the application has not taken back */
  la_post *post_at;          /* the first with room; NULL: none has */
  struct range v[];          /* la_config.max_ooo */
};

struct conn {
  struct wheel_node node; /* carries the earliest of the three clocks; first, so that a node is its connection */
  union {
    void *user;
    uint32_t listener; /* CF_UNACCEPTED */
  } owner;
  uint32_t gen;
  ref_t self;
  ref_t dirty_next;
  ref_t event_next; /* also links the accept queue */
  uint16_t lport, rport;
  uint8_t link, state, clock, backoff;
  uint32_t flags;
  uint8_t todo, acks_owed, events, wscale; /* wscale: peer's in the low half, ours in the high half */

  uint32_t snd_una, snd_nxt;
  uint32_t snd_wnd, snd_wl1, snd_wl2, snd_wnd_max;
  uint32_t rcv_nxt, rcv_adv, rcv_acked; /* rcv_adv: the right edge we announced; rcv_acked: the last ACK sent */
  uint32_t rcvbuf, sndbuf;
  uint16_t mss, peer_mss;                  /* what we may send in one segment, options deducted; what was announced */
  uint32_t ts_recent, ts_recent_s, ts_off; /* ts_recent_s: when, in seconds */
  uint32_t srtt, rttvar;                   /* us; srtt scaled by 8, rttvar by 4 */
  uint32_t min_rtt : 24;                   /* us; 0: none yet */
  uint32_t reordering : 8;                 /* segments by which some were late; 0: never yet */
  union {
    struct {
      uint32_t cwnd, ssthresh;
    };
    struct {
      uint8_t who, how, why, at_state;
      int8_t err;
      uint8_t tw;
    } end; /* CF_ENDED */
  };
  la_time clock_at;      /* CLK_NONE: since when nothing is outstanding; CF_ENDED: when it ended */
  uint16_t ack_due;      /* delayed ACK: when, in quarters of a ms; 0: none is due */
  uint16_t rcv_last;     /* when text last came in order, in ms */
  uint16_t rcv_mss;      /* the peer's longest segment so far; 0: none */
  uint8_t ato, ack_mode; /* delack.c */
  la_time life_at;       /* the limit that ends it; in TIME-WAIT: until when */
  struct sndq *sndq;
  struct rcvq *rcvq;
  struct wish *wish; /* NULL: la__no_wish */
  uint64_t bytes_in, bytes_out;
  la_time opened;
  uint32_t stage_ms[3]; /* entry to ESTABLISHED, FIN-WAIT-1 or CLOSE-WAIT, and the stage after: ms since `opened`; 0 not reached */
  uint8_t keep_sent, ttl, tos, net; /* net: enum conn_net */
  uint32_t retransmits;
  uint8_t fin_rtx;
  int8_t soft_err;
  uint16_t challenge_at; /* when the last rate-limited ACK went out, in units of 2^23 ns */
  uint8_t addr[];        /* local, remote: 4 + 4 or 16 + 16 */
};
extern const struct wish la__no_wish;
static inline const struct wish *conn_wish(const struct conn *c) { return c->wish ? c->wish : &la__no_wish; }
/* Its congestion control paces, and sets cwnd itself: such a one has a state of its own, in `wish`. */
static inline bool la__cc_own(const struct conn *c) { return c->wish && la__cc_owns(c); }
#define CONN_BYTES(six) (sizeof(struct conn) + ((six) ? 32 : 8))
_Static_assert(REF_CONN == 0 && REF_IP6 == WHEEL_SECOND, "a reference to a connection names its node");
_Static_assert(CONN_BYTES(0) <= 240, "a connection over IPv4 fits its budget");
_Static_assert(CONN_BYTES(1) <= 264, "a connection over IPv6 fits its budget");

/*
 * The small records keep a time in seven bytes, modulo 2^56 ns: read as the one nearest to the present, within 416 days of it.
 */
static inline la_time due_near(la_time now, uint32_t lo, uint16_t mid, uint8_t hi) {
  const la_time half = (la_time)1 << 55;
  la_time ahead = (((la_time)hi << 48 | (la_time)mid << 32 | lo) - now + half) & (2 * half - 1);
  return now + ahead - half;
}

/* SYN-RECEIVED that came from LISTEN. Waits on the expiry list of its retry. */
struct half {
  struct fifo_link fifo;
  uint32_t due_lo;
  unsigned listener : 24, due_hi : 8;
  uint16_t due_mid;
  uint16_t listener_gen; /* its low half, as a check */
  uint16_t adv;          /* the window that our SYN-ACK announced */
  uint16_t challenge_at;
  uint32_t iss, irs;
  uint32_t ts_recent, ts_off;
  uint16_t lport, rport;
  uint16_t mss, wnd;             /* the peer's */
  uint8_t have, wscale, retries; /* have: TCP_OPT_* agreed, and HALF_ECN; wscale: both, as in the connection */
  /* resend: the SYN-ACK has gone out again on a repeated SYN; acked: a bare ACK has come, but the listener wants text */
  unsigned link : 6, resend : 1, acked : 1;
  uint8_t addr[];
};
enum { HALF_ECN = 128 };
static inline la_time half_due(const struct half *h, la_time now) { return due_near(now, h->due_lo, h->due_mid, h->due_hi); }
static inline void half_due_set(struct half *h, la_time at) {
  h->due_lo = (uint32_t)at;
  h->due_mid = (uint16_t)(at >> 32);
  h->due_hi = (uint8_t)(at >> 48);
}
#define HALF_BYTES(six) (sizeof(struct half) + ((six) ? 32 : 8))
_Static_assert(HALF_BYTES(0) <= 60, "a half-open record over IPv4 fits its budget");
_Static_assert(HALF_BYTES(1) <= 84, "a half-open record over IPv6 fits its budget");

enum tw_flag { TW_TS = 1, TW_REUSE = 2 };
struct tw {
  struct fifo_link fifo;
  uint32_t due_lo;
  uint32_t snd_nxt, rcv_nxt;
  uint32_t ts_recent;
  uint16_t lport, rport;
  uint16_t wnd; /* as we last announced it, unscaled */
  uint16_t answer_at;
  uint16_t due_mid;
  uint8_t due_hi;
  unsigned link : 6, flags : 2;
  uint8_t addr[];
};
static inline la_time tw_due(const struct tw *w, la_time now) { return due_near(now, w->due_lo, w->due_mid, w->due_hi); }
static inline void tw_due_set(struct tw *w, la_time at) {
  w->due_lo = (uint32_t)at;
  w->due_mid = (uint16_t)(at >> 32);
  w->due_hi = (uint8_t)(at >> 48);
}
#define TW_BYTES(six) (sizeof(struct tw) + ((six) ? 32 : 8))
_Static_assert(TW_BYTES(0) <= 44, "a TIME-WAIT record over IPv4 fits its budget");
_Static_assert(TW_BYTES(1) <= 68, "a TIME-WAIT record over IPv6 fits its budget");

struct listener {
  uint32_t gen;
  uint32_t index;
  la_addr addr;
  uint16_t port;
  uint8_t link;
  bool share;                      /* SO_REUSEPORT */
  bool reuse, admit, event, armed; /* event: on the event list; armed: the next arrival raises ACCEPT */
  uint32_t backlog, queued;
  struct wish wish; /* and what follows: with which its connections start */
  uint32_t rcvbuf, sndbuf, flags;
  uint8_t ttl, tos, net;
  bool wished;         /* `wish` differs from la__no_wish */
  uint8_t defer;       /* so many SYN-ACK time-outs long a bare ACK makes no connection */
  ref_t head, tail;    /* accept queue, linked by event_next */
  uint32_t next;       /* in its port's bucket */
  uint32_t event_next; /* in the list of listeners with an ACCEPT to tell */
  void *user;
};

#endif
