/* SPDX-License-Identifier: MIT */
/*
 * TCP for applications: listen, connect, send, receive, release, events, endings.
 *
 * Handles carry a generation: once what they name is gone every call with them returns LA_EBADF.
 * A connection's handle lives until the application has closed it (la_close or la_abort) AND has taken its
 * END event; both are needed, in either order. END comes exactly once for each connection that the
 * application got by la_accept or la_connect.
 */
#ifndef LASTACK_TCP_H
#define LASTACK_TCP_H

#include <lastack/stack.h>
#include <lastack/trace.h>
#include <lastack/udp.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct la_conn {
  uint32_t index, gen; /* gen 0: none */
} la_conn;
typedef struct la_listener {
  uint32_t index, gen;
} la_listener;
/* A SYN that waits for la_admit or la_reject. */
typedef struct la_syn {
  uint32_t ref, check;
} la_syn;
static inline bool la_conn_same(la_conn a, la_conn b) { return a.index == b.index && a.gen == b.gen; }

typedef struct la_listen_opts {
  la_addr addr;     /* one of our addresses; family 0: any of either family; family 4 or 6 with zero bytes: any of that one */
  uint16_t port;    /* 1 to 65535 */
  la_link link;     /* only from this link; 0 any */
  uint32_t backlog; /* connections established but not yet accepted: 1 to 65535; past it SYN and final ACK are dropped */
  bool reuse_port;  /* SO_REUSEPORT: listeners that all have it share address and port; a hash of the pair says who gets a connection */
  bool reuse_addr;  /* SO_REUSEADDR: connections and TIME-WAIT records on the port do not stand in the way if they have it too */
  bool admit;       /* each SYN raises LA_EVENT_SYN and is answered as la_admit or la_reject says */
  void *user;       /* comes with the listener's events */
} la_listen_opts;
/* LA_EINVAL, LA_EADDRINUSE, LA_EADDRNOTAVAIL, LA_ENOMEM. RFC 9293 3.9.1.1 (passive OPEN). */
int la_listen(la_stack *s, const la_listen_opts *opts, la_listener *out);
/* Connections not yet accepted are reset, half-open records forgotten. LA_EBADF. */
int la_listener_close(la_stack *s, la_listener l, la_time now);
/* The oldest established connection that waits; `user` comes with its events. LA_AGAIN (and the ACCEPT event is armed anew), LA_EBADF. */
int la_accept(la_stack *s, la_listener l, void *user, la_conn *out);

/*
 * Answers the SYN of a LA_EVENT_SYN: the handshake goes on. What the client sends meanwhile is absorbed. It waits for as long as all
 * SYN-ACKs would together (63 s), then it is forgotten in silence. LA_EBADF: it is gone (forgotten, reset by the client, listener closed).
 */
int la_admit(la_stack *s, la_syn syn, la_time now);
enum la_reject_how {
  LA_REJECT_RST,         /* as if nobody listened */
  LA_REJECT_UNREACHABLE, /* ICMP host (IPv6: address) unreachable */
  LA_REJECT_PROHIBITED,  /* ICMP administratively prohibited */
  LA_REJECT_SILENT       /* the client will try again */
};
/* LA_EBADF, LA_EINVAL. */
int la_reject(la_stack *s, la_syn syn, enum la_reject_how how, la_time now);

typedef struct la_connect_opts {
  la_addr remote;
  uint16_t remote_port;
  la_addr local;       /* family 0: chosen by route */
  uint16_t local_port; /* 0: an ephemeral one (RFC 6056) */
  bool reuse_addr;     /* SO_REUSEADDR of this connection: lets a later listener with it take the port */
  void *user;
  la_link link; /* 0: by route. A link-local remote needs it when several links have link-local addresses */
} la_connect_opts;
/*
 * Starts to open (RFC 9293 3.9.1.1, active OPEN); ESTABLISHED or END follows. LA_EINVAL (broadcast, multicast,
 * unspecified), LA_EADDRINUSE (the pair lives, or is in TIME-WAIT), LA_EADDRNOTAVAIL, LA_ENETUNREACH, LA_ENOMEM, LA_EQUIET.
 */
int la_connect(la_stack *s, const la_connect_opts *opts, la_conn *out, la_time now);

/*
 * Queues up to n bytes and returns how many were taken (at least 1 unless n is 0). LA_AGAIN: no room, WRITABLE
 * is armed. LA_EPIPE after la_shutdown or la_close. LA_ENOTCONN before ESTABLISHED (data in SYN-SENT is not
 * queued). The connection's own error after its END. LA_ENOMEM, LA_EBADF.
 */
ptrdiff_t la_send(la_stack *s, la_conn c, const void *data, size_t n);
/*
 * Sending without a copy: bytes that stay the caller's, lent to the stack until it raises LA_EVENT_RELEASED for them. Until then they
 * must not change, since they may be sent again, and this record must live.
 */
typedef struct la_ref {
  la_held held;     /* the stack's */
  const void *data; /* the caller fills in these three; they stay as they are */
  size_t len;       /* 1 to 2^29 */
  void *user;
} la_ref;
/*
 * Queues all bytes of `r` by reference. LA_OK: they are lent, and come back by exactly one LA_EVENT_RELEASED: when they have been
 * acknowledged, or the connection has ended, and the last frame that refers to them has gone to la_frame_done; la_stack_free gives
 * them back without one. Else nothing is lent. LA_AGAIN: the queue holds LA_OPT_SNDBUF bytes already, lent ones counted (the last one may
 * go past it); WRITABLE is armed. LA_EINVAL: data or len; else as la_send.
 */
int la_send_ref(la_stack *s, la_conn c, la_ref *r);
/* What has been queued so far ends a record (MSG_EOR): no segment will carry bytes from both sides of it. LA_ENOMEM, LA_EBADF. */
int la_send_mark(la_stack *s, la_conn c);
/*
 * Moves up to n received bytes to dst; 0 is end of stream (the peer's FIN) or n = 0. LA_AGAIN: nothing yet, READABLE is armed.
 * After a reset or time-out: the bytes that came before it, then that error. LA_EBADF.
 */
ptrdiff_t la_recv(la_stack *s, la_conn c, void *dst, size_t n);
/* A look without moving: up to n bytes from `skip` bytes past the first unread one. Results as la_recv. */
ptrdiff_t la_peek(la_stack *s, la_conn c, size_t skip, void *dst, size_t n);
/*
 * The same without a copy: fills up to max of bufs with where the bytes lie, and *nbufs with how many those are; returns the bytes that
 * they cover, or as la_recv. They stay valid, whatever comes in, until the next la_consume, la_recv, la_recv_post, la_close, la_abort.
 */
ptrdiff_t la_peek_bufs(la_stack *s, la_conn c, size_t skip, la_buf *bufs, size_t max, size_t *nbufs);
/* The first n unread bytes are done with; the window may open. LA_EINVAL: there are fewer, or a buffer is posted. LA_EPIPE, LA_EBADF. */
int la_consume(la_stack *s, la_conn c, size_t n);

/*
 * Receiving without a copy on the way: a buffer of the application's, lent to a connection until it is taken back. What comes in order
 * is written there, checksum and copy in one pass; nothing else holds it.
 */
typedef struct la_post {
  void *data;   /* the caller fills in these four; they stay as they are */
  size_t cap;   /* bytes at data, at least 1 */
  size_t least; /* fewer bytes than these are not told of while the stream goes on: `cap` for full buffers only; 0 is 1 */
  void *user;
  size_t len; /* the stack's: bytes that have come so far. What lies behind them in data[] means nothing, and may change */
  struct la_post *next;
} la_post;
/*
 * Lends `b` and its bytes to the connection, behind those lent before: a connection may have any number, so that one can be dealt with
 * while the next fills. Unread bytes move there at once; what comes later is read, for flow control and for la_close, as soon as it is
 * there, so that the window never closes while a buffer has room. When none has, bytes wait in the stack as for la_recv, up to
 * LA_OPT_RCVBUF. No memory is needed for each; the first on a connection may give LA_ENOMEM. LA_EINVAL; LA_ENOTCONN before ESTABLISHED;
 * LA_EPIPE after la_close; LA_EBADF.
 * The loan ends with la_recv_take, la_recv_cancel, la_close, la_abort, the connection's end, la_stack_free: from then on nothing is
 * written there, and b->len says what has come.
 */
int la_recv_post(la_stack *s, la_conn c, la_post *b);
/*
 * Takes back the oldest posted buffer when it has `least` bytes, or the stream ends there: its bytes, and the buffer in *out. LA_AGAIN: not
 * yet, and READABLE is armed. 0: end of stream; or an error as la_recv: then all that are still posted, which are empty, are in *out,
 * linked by `next` (NULL: none, or our side has ended the connection, and the loans with it). LA_EINVAL: none is posted. While a buffer
 * is posted la_recv, la_peek and la_consume give LA_EINVAL.
 */
ptrdiff_t la_recv_take(la_stack *s, la_conn c, la_post **out);
/* Takes back all, oldest first, linked by `next`; bytes that are in them are read. *out NULL: none, as for la_recv_take. LA_EBADF. */
int la_recv_cancel(la_stack *s, la_conn c, la_post **out);

/* FIN after what is queued; receiving goes on (half-close). Twice is allowed. LA_ENOTCONN, LA_EBADF. RFC 9293 3.6. */
int la_shutdown(la_stack *s, la_conn c, la_time now);
/*
 * The application will read no more, though it may still send. What comes is kept as before, as on Linux; but once our own FIN is under
 * way text draws RST, as after la_close (RFC 9293 3.6.1: MAY-1, SHLD-3). LA_EBADF.
 */
int la_shutdown_read(la_stack *s, la_conn c);
/*
 * Full close, never blocks: FIN after what is queued and no more receiving. With unread data, or linger 0: RST
 * instead. Data that arrives later draws RST. In SYN-SENT the attempt is dropped. A second call changes nothing. LA_EBADF.
 */
int la_close(la_stack *s, la_conn c, la_time now);
/* la_close, and RST when the release has not ended by `deadline`. LA_ENOMEM: closed, but without the deadline. */
int la_close_by(la_stack *s, la_conn c, la_time deadline, la_time now);
/* Abortive release: queued and unread data are discarded, RST is sent where RFC 9293 3.10.5 says so. LA_EBADF. */
int la_abort(la_stack *s, la_conn c, la_time now);

enum la_event_type {
  LA_EVENT_SYN,         /* `listener` has admit: `syn` from `remote` to `local` waits for la_admit or la_reject */
  LA_EVENT_ACCEPT,      /* `listener` has a connection to accept */
  LA_EVENT_ESTABLISHED, /* after la_connect */
  LA_EVENT_READABLE,    /* edge: armed at first, and again when la_recv or la_recv_take returns LA_AGAIN */
  LA_EVENT_WRITABLE,    /* edge: armed when la_send returns LA_AGAIN */
  LA_EVENT_PEER_FIN,    /* the peer will send no more: after what is still unread, la_recv returns 0 */
  LA_EVENT_TROUBLE,     /* a soft error: R1 retransmissions without answer, or a soft ICMP error (RFC 9293 3.9.1.8) */
  LA_EVENT_URGENT,      /* urgent data has begun, or goes further than was told: la_info_rec.urgent (RFC 9293 3.8.5) */
  LA_EVENT_END,         /* the whole record in `end` */
  LA_EVENT_RELEASED,    /* `ref` is the caller's again; `user` is its own. Of no connection: it may come after END */
  LA_EVENT_UDP_READABLE,
  LA_EVENT_UDP_WRITABLE,
  LA_EVENT_UDP_ERROR,      /* `err`, and in `remote` where the datagram was sent to; the latest when there were several */
  LA_EVENT_ADDR_READY,     /* `local` is ours now (ether.h) */
  LA_EVENT_ADDR_DUPLICATE, /* somebody else has `local` */
  LA_EVENT_TYPES
};
const char *la_event_name(enum la_event_type t);

/* Index of la_end.in_state_ms: time spent in each stage. CLOSING counts as FIN-WAIT-2 does: it comes after FIN-WAIT-1. */
enum la_stage {
  LA_STAGE_OPENING, /* SYN-SENT, SYN-RECEIVED */
  LA_STAGE_ESTABLISHED,
  LA_STAGE_CLOSING_1, /* FIN-WAIT-1, or CLOSE-WAIT */
  LA_STAGE_CLOSING_2, /* FIN-WAIT-2 or CLOSING, or LAST-ACK */
  LA_STAGES
};
enum la_tw_carrier { LA_TW_NOBODY, LA_TW_LOCAL, LA_TW_PEER, LA_TW_BOTH };

/* How a connection ended. One vocabulary: trace.h. */
typedef struct la_end {
  la_conn conn;
  la_addr local, remote;
  uint16_t local_port, remote_port;
  enum la_who who, first_fin; /* first_fin: who sent (or received) the first FIN; LA_BY_NOBODY when none did */
  enum la_how how;
  enum la_why why;
  enum la_state state; /* in which it ended */
  int err;             /* what a call would have returned: LA_OK, LA_ECONNRESET, LA_ETIMEDOUT, … */
  int soft_err;        /* the last soft error, or LA_OK */
  bool passive;        /* opened by the peer */
  enum la_tw_carrier time_wait;
  la_time time_wait_until; /* when it is ours; else 0 */
  la_time opened, ended;
  uint32_t in_state_ms[LA_STAGES];
  uint64_t bytes_in, bytes_out; /* in: delivered in order; out: acknowledged */
  uint32_t retransmits, fin_retransmits;
} la_end;

/* From a connection's LA_TRACE_END record and the LA_TRACE_END_MORE after it. false: they are not such a pair. */
bool la_trace_end_get(const la_trace_rec *end, const la_trace_rec *more, la_end *out);

typedef struct la_event {
  enum la_event_type type;
  la_conn conn;         /* all but SYN, ACCEPT, RELEASED, UDP_* and ADDR_* */
  la_listener listener; /* SYN, ACCEPT */
  void *user;
  int err;                          /* TROUBLE: the soft error */
  la_end end;                       /* END */
  la_udp udp;                       /* UDP_* */
  la_ref *ref;                      /* RELEASED */
  la_syn syn;                       /* SYN */
  la_addr remote, local;            /* SYN; remote: UDP_ERROR too; local: ADDR_* too */
  uint16_t remote_port, local_port; /* SYN; remote_port: UDP_ERROR too */
} la_event;
/*
 * Takes up to max events. For one connection the order is always ESTABLISHED, URGENT, READABLE, PEER_FIN, END; equal ones coalesce
 * until they are taken. Only the fields of an event's own type mean anything. After END only reading what is left, la_close and la_info
 * make sense.
 */
size_t la_events(la_stack *s, la_event *out, size_t max);

/* Congestion control. */
enum la_cc {
  LA_CC_NEWRENO, /* RFC 5681, 6582 */
  LA_CC_CUBIC,   /* RFC 9438, with HyStart++ (RFC 9406) */
  LA_CC_BBR,     /* version 3 (draft-ietf-ccwg-bbr): paced by a model of the path, not by losses */
  LA_CCS
};
/* "reno", "cubic", "bbr": as TCP_CONGESTION has them; "?" for any other number. Static storage. */
const char *la_cc_name(enum la_cc cc);

/* Finding the path's MTU without the routers' help (RFC 4821): longer segments are tried, and what is lost alone was too long. */
enum la_mtu_probing {
  LA_MTU_PROBING_OFF,
  LA_MTU_PROBING_BLACK_HOLE, /* when la_config.r1 time-outs in a row say that long segments vanish: from base_mss up again */
  LA_MTU_PROBING_ALWAYS      /* from base_mss up, on every path that is not known yet; what the connection has at ESTABLISHED decides */
};

enum la_opt {
  LA_OPT_NODELAY,         /* 0 or 1: Nagle off (RFC 9293 3.7.4) */
  LA_OPT_KEEPALIVE,       /* 0 or 1; default 0 (RFC 9293 3.8.4) */
  LA_OPT_KEEPIDLE,        /* seconds, 1 to 65535; default 7200 */
  LA_OPT_KEEPINTVL,       /* seconds, 1 to 65535; default 75 */
  LA_OPT_KEEPCNT,         /* probes, 1 to 255; default 10 */
  LA_OPT_USER_TIMEOUT,    /* ms without progress, 0 for the config's r2; for a SYN too */
  LA_OPT_LINGER,          /* -1: off (default). 0: la_close aborts */
  LA_OPT_SNDBUF,          /* bytes, 2048 to 2^30 */
  LA_OPT_RCVBUF,          /* bytes, 2048 to 2^30; never shrinks what was advertised */
  LA_OPT_TTL,             /* 1 to 255 */
  LA_OPT_TOS,             /* the DSCP and ECN byte, 0 to 255 */
  LA_OPT_CORK,            /* 0 or 1: a segment that is not full waits for more, or for the persist clock */
  LA_OPT_MSS,             /* 88 to 32767, or 0 for the link's: what a SYN of ours announces, and the most that we send; before the SYN */
  LA_OPT_WND_CLAMP,       /* bytes, 1024 to 2^30, or 0 for none: the receive window is at most this */
  LA_OPT_SYN_RETRIES,     /* of a SYN, 1 to 255, or 0 for the config's limit */
  LA_OPT_FIN_WAIT_2,      /* ms after la_close, 0 for the config's; -1: RST instead */
  LA_OPT_SOFT_ERRORS,     /* 0 or 1; 0: no TROUBLE is told (RFC 9293 3.9.1.8); default 1 */
  LA_OPT_QUICKACK,        /* connections only, and not for ever. 0: the next ACKs wait for an answer to ride on; 1: they do not */
  LA_OPT_DEFER_ACCEPT,    /* listeners only: for so many SYN-ACK time-outs, 0 to 255, a bare ACK makes no connection: text must come */
  LA_OPT_CONGESTION,      /* enum la_cc; may change at any time */
  LA_OPT_NOTSENT_LOWAT,   /* bytes, 0 to 2^30, 0 for none: la_send takes no more than these beyond what the windows let go */
  LA_OPT_MAX_PACING_RATE, /* bytes a second, 0 (default) for no pacing: segments go evenly, at this rate at most */
  LA_OPT_MTU_PROBING      /* enum la_mtu_probing, or -1 for the config's */
};
/* LA_EINVAL names a value out of range, LA_EBADF a stale handle; LA_ENOMEM: what few connections ask for is allocated. */
int la_set_option(la_stack *s, la_conn c, enum la_opt opt, int64_t value, la_time now);
int la_get_option(la_stack *s, la_conn c, enum la_opt opt, int64_t *value);
/* With which a listener's connections start, from the SYN-ACK on. LA_EINVAL, LA_EBADF. */
int la_listener_set_option(la_stack *s, la_listener l, enum la_opt opt, int64_t value);

/* What a connection is waiting for. */
enum la_waiting {
  LA_WAITS_NOTHING,
  LA_WAITS_PEER_SYN,
  LA_WAITS_PEER_ACK,
  LA_WAITS_PEER_WINDOW,
  LA_WAITS_PEER_FIN,
  LA_WAITS_APP_READ,
  LA_WAITS_APP_CLOSE,
  LA_WAITS_2MSL,
  LA_WAITINGS
};
const char *la_waiting_name(enum la_waiting w);

/* Where loss recovery stands; Linux's numbers. */
enum la_ca_state { LA_CA_OPEN, LA_CA_DISORDER, LA_CA_CWR, LA_CA_RECOVERY, LA_CA_LOSS };

typedef struct la_info_rec {
  enum la_state state;
  enum la_waiting waiting;
  la_addr local, remote;
  uint16_t local_port, remote_port;
  la_link link;
  bool passive, closed_by_app, timestamps, sack, window_scaled;
  bool ecn, ecn_seen; /* agreed; the peer has sent ECT */
  uint8_t snd_wscale, rcv_wscale, backoff, keepalive_sent;
  uint32_t snd_una, snd_nxt, snd_wnd, rcv_nxt, rcv_wnd;
  uint32_t pmtu;           /* bytes of the longest packet: what is known of the path, else the link's MTU */
  uint32_t mss, peer_mss;  /* what we may send in one segment, options deducted; what the peer announced */
  uint32_t cwnd, ssthresh; /* bytes */
  enum la_cc congestion;
  uint64_t pacing_rate;             /* bytes a second; UINT64_MAX: unknown */
  uint32_t delivered_ce;            /* segments whose acknowledgment echoed CE */
  uint32_t unread, unsent, unacked; /* bytes */
  uint32_t urgent;                  /* bytes from the first unread one to the end of urgent data, come or not; 0: none is left */
  la_time srtt, rttvar, rto;
  la_time deadline; /* of the clock that ends it: R2, FIN-WAIT-2, 2MSL; LA_NEVER for none */
  uint64_t bytes_in, bytes_out;
  uint32_t retransmits, fin_retransmits;
  enum la_ca_state ca_state;
  uint32_t segs_out, segs_sacked, segs_lost, segs_retrans; /* segments: outstanding; of these reported, lost, sent again and on their way */
  uint32_t reordering;                                     /* segments by which the path has been seen to reorder, at least dupthresh */
  uint32_t reord_seen, dsacks; /* since something is outstanding: how often so; duplicates that the peer told of */
  la_time min_rtt;
  int soft_err;
  void *user;
} la_info_rec;
/* LA_EBADF. */
int la_info(la_stack *s, la_conn c, la_info_rec *out);

/* Kinds for la_each. */
enum la_kind { LA_KIND_CONN, LA_KIND_HALF_OPEN, LA_KIND_TIME_WAIT, LA_KIND_LISTENER, LA_KIND_UDP };
typedef struct la_each_rec {
  enum la_kind kind;
  enum la_state state;
  la_conn conn;         /* LA_KIND_CONN */
  la_listener listener; /* LA_KIND_LISTENER */
  la_addr local, remote;
  uint16_t local_port, remote_port;
  la_time deadline;         /* of its clock; LA_NEVER for none */
  la_udp udp;               /* LA_KIND_UDP; its state is LA_CLOSED */
  la_time since;            /* when its state began, to the ms; LA_KIND_TIME_WAIT: when 2MSL did; 0 where nobody knows: listeners, UDP */
  la_link link;             /* to the peer, or of a listener that has one; else 0 */
  uint32_t queued, backlog; /* LA_KIND_LISTENER: connections that wait for la_accept; LA_KIND_HALF_OPEN: SYN-ACKs sent again in `queued` */
} la_each_rec;
/* Calls fn for each record until it returns false. fn must not change the stack. Returns how many it was called for. */
size_t la_each(la_stack *s, bool (*fn)(void *ctx, const la_each_rec *rec), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
