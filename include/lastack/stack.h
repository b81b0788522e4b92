/* SPDX-License-Identifier: MIT */
/*
 * One instance of the stack: creation, configuration, links and addresses, frames in and out, the clock.
 *
 * Thread rule for every function of the library: a stack and all its handles belong to one thread at a
 * time; different stacks share nothing. No function blocks, makes a system call or reads a clock.
 *
 * The loop's contract. Whoever owns a stack repeats:
 *     la_input   for the frames that came          (any number of times)
 *     la_tick    with the present time
 *     la_events  until it returns 0, calling the application's functions
 *     la_output  until it returns 0, for each link
 *     sleep until la_deadline or until a frame comes
 * `now` never goes backwards: an earlier value than the last one given is taken as that last one.
 */
#ifndef LASTACK_STACK_H
#define LASTACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds of a monotonic clock whose origin the caller chooses. */
typedef uint64_t la_time;
#define LA_NEVER UINT64_MAX
#define LA_US ((la_time)1000)
#define LA_MS ((la_time)1000000)
#define LA_SEC ((la_time)1000000000)

typedef struct la_stack la_stack;

/* A link of one stack: 1, 2, … in the order of la_link_add; 0 is "none" or "any". */
typedef uint32_t la_link;
#define LA_LINKS_MAX 8

/* An address of either family; all zero is "unspecified". IPv4 uses b[0..3], network order. */
typedef struct la_addr {
  uint8_t family; /* 0 unspecified, 4 or 6 */
  uint8_t b[16];
} la_addr;

/* Results of calls: 0 or a count is success, negative is one of these. The names are POSIX's where the meaning is. */
enum la_err {
  LA_OK = 0,
  LA_AGAIN = -1,         /* would block: an event will tell when to try again */
  LA_EINVAL = -2,        /* an argument is out of its range */
  LA_ENOMEM = -3,        /* the allocator refused, or a limit of la_config was reached */
  LA_EBADF = -4,         /* the handle is stale: what it named is gone */
  LA_EADDRINUSE = -5,    /* the port or the pair is taken, perhaps by a TIME-WAIT record */
  LA_EADDRNOTAVAIL = -6, /* not one of our addresses, or no ephemeral port is free */
  LA_ENETUNREACH = -7,   /* no route to the destination */
  LA_EHOSTUNREACH = -8,
  LA_ECONNREFUSED = -9,
  LA_ECONNRESET = -10,
  LA_ECONNABORTED = -11, /* ended by the local side */
  LA_ETIMEDOUT = -12,
  LA_EPIPE = -13,    /* the sending direction is shut down */
  LA_ENOTCONN = -14, /* not yet, or no longer, connected */
  LA_EQUIET = -15,   /* quiet time after a restart (RFC 9293 3.4.3) is not over */
  LA_EMSGSIZE = -16  /* a datagram longer than what the way takes */
};
/* "ECONNREFUSED" and so on; "EUNKNOWN" for any other number. Static storage. */
const char *la_err_name(int err);

/* Memory: both functions get `ctx`. alloc may return NULL at any time; the result is aligned for any type. */
typedef struct la_alloc {
  void *(*alloc)(void *ctx, size_t size);
  void (*free)(void *ctx, void *p, size_t size);
  void *ctx;
} la_alloc;

/*
 * The Internet checksum (RFC 1071) over n bytes, alone and while they are copied to `dst`, which does not overlap them: a place for a
 * CPU's vector units. What comes back is `partial` plus the sum of the big-endian 16-bit words, in host order, folded to at most 17
 * bits; an odd n counts as if a zero byte followed; with partial 0 only bytes that are all zero give 0. Any alignment.
 */
typedef struct la_sums {
  uint32_t (*sum)(uint32_t partial, const void *data, size_t n);
  uint32_t (*copy_sum)(void *dst, const void *src, size_t n, uint32_t partial);
} la_sums;

enum la_preset {
  LA_PRESET_RFC = 0,  /* the RFCs' clocks: RTO at least 1 s, SYN given up after 180 s */
  LA_PRESET_LINUX = 1 /* Linux's: RTO at least 200 ms, SYN given up after 127 s, R2 924.6 s */
};

struct la_trace_rec;
struct la_metrics;

/* Fill with la_config_init, then change fields. Times in nanoseconds. */
typedef struct la_config {
  size_t size; /* sizeof(la_config) of the caller: la_config_init sets it */
  la_alloc alloc;
  la_sums sums;       /* both NULL: built in. la_host_sums (link.h) has better ones for some CPUs */
  uint8_t secret[16]; /* from the system's entropy, anew at each start; keys ISN, ports, hashes, timestamps */

  /* clocks */
  la_time msl;            /* TIME-WAIT lasts twice this (RFC 9293 3.4.2); default 30 s */
  uint8_t time_wait;      /* 0 turns TIME-WAIT off: for demonstrations and closed networks only */
  uint8_t quiet_time;     /* 1: stay quiet for one MSL after the first `now` (RFC 9293 3.4.3); default 0 */
  uint8_t r1;             /* retransmissions after which the application is told of trouble; default 3 */
  uint8_t icmp_soft;      /* 1: a hard ICMP error never ends a synchronized connection (RFC 5461); default 0 */
  uint8_t synack_retries; /* SYN-ACK retransmissions at 1, 3, 7, … s, then one last wait; default 5, at most 5 */
  uint8_t syn_cookies;    /* 0: none. 1, the default: while the half-open records are all taken (RFC 4987 3.6) */
  la_time r2;             /* no progress for this long ends a connection (RFC 9293 3.8.3) */
  la_time syn_limit;      /* the same for a SYN of ours */
  la_time rto_initial;    /* 1 s (RFC 6298) */
  la_time rto_min;
  la_time rto_max;
  la_time rto_var_min;   /* least value of the term 4 * RTTVAR: RFC 6298's G, 1 ms; Linux's preset takes rto_min */
  la_time delayed_ack;   /* below 500 ms; 0 acknowledges at once */
  uint8_t quick_acks;    /* as Linux does: at most so many ACKs at once at the start and after a pause, at most 31; 0: as RFC 5681 says */
  uint8_t bare_segments; /* 1: a segment without a timestamp is taken though they were agreed, as on Linux; 0: dropped (RFC 7323 3.2) */
  uint8_t empty_probes;  /* 1: a window probe is an ACK of the byte before SND.UNA, as on Linux; 0: carries a byte (RFC 9293 3.8.6.1) */
  uint8_t mute_unsent;   /* 1: in ESTABLISHED an ACK of what was never sent has no answer, as on older Linux; 0: it has (9293 3.10.7.4) */
  uint8_t prompt_syn; /* 1: a SYN that an old connection's ACK answers goes again 8 ms after the RST, as on Linux; 0: when its time is up */
  uint8_t edge_acks;  /* 1: an ACK at the window's right edge is taken, as on Linux: a peer that has filled it stands there; 0: 3.10.7.4 */
  la_time fin_wait_2; /* FIN-WAIT-2 after la_close; 60 s */
  la_time frag_time4; /* a packet in fragments is given up after this: 30 s */
  la_time frag_time6; /* and over IPv6: 60 s (RFC 8200 4.5) */
  la_time challenge_gap; /* least distance of challenge ACKs and of a TIME-WAIT record's ACKs; 500 ms */

  /* limits */
  uint32_t max_conns;      /* connections, of both address families together */
  uint32_t max_half_open;  /* half-open records; past it SYN cookies, or without them the eviction of a random one */
  uint32_t max_time_wait;  /* TIME-WAIT records; past it the oldest is recycled */
  uint32_t max_orphans;    /* connections closed by the application but not yet ended; past it the next is aborted */
  uint32_t max_listeners;  /* 1 to 2^23 */
  uint32_t max_chunks;     /* 4 KiB chunks of buffered payload, in both directions, of all connections */
  uint32_t sndbuf, rcvbuf; /* bytes, per connection, to begin with: LA_OPT_SNDBUF and LA_OPT_RCVBUF */
  uint32_t rcv_start;      /* the receive window at first; it grows by twice what comes; 0: the whole buffer at once */
  uint32_t sndbuf_max;     /* to which it grows with cwnd until LA_OPT_SNDBUF sets it; 0: not at all */
  uint32_t rcvbuf_max;     /* to which it grows with what comes until LA_OPT_RCVBUF sets it: the window scale is chosen for it; 0: rcvbuf */
  uint32_t max_ooo;        /* separate runs of out-of-order data kept per connection */
  uint32_t max_sent;       /* records of what is outstanding, per connection: 8 to 4096 */
  uint32_t replies;        /* answers that wait for la_output, per link: a power of two, 16 to 65536 */
  uint32_t reply_bytes;    /* memory of the ICMP answers, and of the datagrams, that wait for la_output, per link */
  uint32_t frag_datagrams; /* packets under reassembly; past it a random one is evicted; 0 drops all fragments */
  uint32_t frag_bytes;     /* memory of all of them, in 4 KiB chunks; past it too */
  uint32_t max_udp;        /* UDP sockets */
  uint32_t udp_rcvbuf;     /* bytes that wait to be read, per UDP socket, with 24 more for each datagram */
  uint32_t rst_per_sec;    /* RSTs to segments of no connection, a token bucket; 0 is no limit */
  uint32_t icmp_per_sec;   /* the same for ICMP errors, and once more for echo replies */
  uint16_t port_lo, port_hi; /* ephemeral ports, inclusive */

  /* neighbours on Ethernet links (ether.h) */
  uint8_t arp_probes;        /* before an IPv4 address is used (RFC 5227 2.1.1), at most 10; default 3, with LINUX 0 */
  uint8_t arp_announcements; /* once it is, at most 10; default 2, with LINUX 0 */
  uint8_t dad_transmits;     /* before an IPv6 address is used (RFC 4862 5.1), at most 10; default 1 */
  uint8_t mld_reports;       /* how often joining or leaving an IPv6 group is reported (RFC 3810 9.1), at most 10; 0: no MLD; default 2 */
  uint8_t neigh_probes;      /* questions without an answer after which a neighbour is gone, 1 to 20; default 3 */
  la_time neigh_retrans;     /* between them: 1 s, at least 1 ms (RFC 4861 10) */
  la_time neigh_reachable;   /* how long an answer proves that a neighbour is there, times 0.5 to 1.5 at random; 30 s */
  la_time neigh_delay;       /* how long a connection's progress may prove it before it is asked again; 5 s */
  uint32_t max_neighbours;   /* entries; past it the least useful of some is evicted; default 1024 */
  uint32_t neigh_queue;      /* packets that wait for one neighbour, at least 1; default 16 */
  uint32_t neigh_queue_all;  /* and for all of them; default 256 */

  /* congestion control */
  uint8_t cc;                    /* enum la_cc (tcp.h): what LA_OPT_CONGESTION starts with; CUBIC */
  uint8_t slow_start_after_idle; /* 1: after an RTO without sending cwnd is no more than an initial one (RFC 5681 4.1) */
  uint8_t ecn;                   /* RFC 3168: 0 never, 1 asked for and granted, 2 (default) only granted */
  uint8_t send_pieces; /* 1: sndbuf is looked at before each piece of half the peer's window, which is then taken whole; with LINUX */
  uint8_t minshall;    /* 1: Nagle lets a small segment go unless another small one is unacknowledged; default with LINUX */
  uint8_t hystart;     /* 1: CUBIC leaves slow start when the round-trip time grows (RFC 9406) */

  /* what is offered in a SYN */
  uint8_t timestamps, sack, window_scale; /* 1 or 0 */
  uint8_t ttl;                            /* TTL and hop limit of what we send */

  /* loss recovery */
  uint8_t dsack;     /* 1: duplicates are told of (RFC 2883); default 1 */
  uint8_t tlp;       /* 1: a probe goes after two round trips of silence (RFC 8985 7), where SACK is agreed; default 0, Linux 1 */
  uint8_t frto;      /* 1: a time-out may turn out to be spurious (RFC 5682); default 0, Linux 1 */
  uint8_t dupthresh; /* duplicate ACKs, or segments reported, that mean a loss: default 3 (RFC 5681) */

  /* the path's MTU (RFC 1191, 8201, 4821) */
  uint8_t mtu_probing;  /* what LA_OPT_MTU_PROBING starts with; default 1 (on a black hole), Linux 0 */
  uint16_t base_mss;    /* bytes: where the search begins, and what a black hole leaves; 68 to 65535; default 1024 */
  la_time pmtu_expires; /* so long what was learnt of a path is believed; default 10 min */

  /* observation: memory for the trace ring, the caller's, kept until la_stack_free; NULL for none */
  struct la_trace_rec *trace;
  uint32_t trace_cap;         /* records: a power of two */
  struct la_metrics *metrics; /* watch.h: more counters, in the caller's memory, zeroed, kept as long; NULL for none */
} la_config;

/* Sets every field to the preset's value; `alloc` and `secret` stay zero and must be filled in. Hosted programs: la_host_config, link.h. */
void la_config_init(la_config *cfg, enum la_preset preset);

/* A new stack, or NULL when a field is out of range or memory is short. `cfg` is copied. */
la_stack *la_stack_new(const la_config *cfg);
/* As a crash: everything is freed, nothing is sent, no END is raised. NULL is allowed. */
void la_stack_free(la_stack *s);

/* Adds a link that carries bare IP packets of at most `mtu` bytes (576 to 65535). 0 when there are LA_LINKS_MAX. Others: ether.h. */
la_link la_link_add(la_stack *s, uint32_t mtu);
/*
 * Gives the link an address of ours with its on-link prefix. LA_EINVAL (also: IPv6 on a link with an MTU below 1280, a broadcast
 * address of the prefix, an address that is ours already), LA_ENOMEM. The host model is the weak one (RFC 1122 3.3.4.2): a packet to
 * any of our addresses is ours on whichever link it comes; link-local addresses alone belong to their link, and the same one may be
 * on several. On an Ethernet link it is asked for first: ether.h.
 */
int la_addr_add(la_stack *s, la_link link, const la_addr *addr, unsigned prefix_len);
/*
 * Sends what matches dst/prefix_len over `link`; dst's family decides which, so a default route is all zero bytes of that family with
 * prefix 0. The longest prefix wins, addresses' prefixes included. LA_EINVAL (also: IPv6 below an MTU of 1280), LA_EADDRINUSE
 * (the same prefix has a route), LA_ENOMEM.
 */
int la_route_add(la_stack *s, const la_addr *dst, unsigned prefix_len, la_link link);

/* What the device under a link does, so that the stack need not. */
enum la_offload {
  LA_OFFLOAD_SUM = 1,    /* finishes checksums of TCP and UDP: they go out with LA_FRAME_SUM_PARTIAL */
  LA_OFFLOAD_TSO4 = 2,   /* cuts a frame with LA_FRAME_GSO into segments: TCP over IPv4 */
  LA_OFFLOAD_TSO6 = 4,   /* over IPv6 */
  LA_OFFLOAD_TSO_ECN = 8 /* also where the first segment bears CWR, which the others must not (RFC 3168 6.1.2) */
};
/*
 * Says what the device under a link does (enum la_offload, together); at first it does nothing, and every frame is one segment with
 * finished checksums. gso_max: a frame that is to be cut is no longer than this, headers included; 0 or more than 65535: 65535.
 * Without LA_OFFLOAD_SUM a frame that is to be cut bears one checksum over all of it, as if it were a single long segment. What
 * comes in needs no leave: la_input looks at each frame's flags. LA_EINVAL: no such link or bit.
 */
int la_link_offload(la_stack *s, la_link link, unsigned what, uint32_t gso_max);

/* One packet on its way in or out. */
#define LA_FRAME_BUFS 20
#define LA_FRAME_ROOM 160
typedef struct la_buf {
  const void *data;
  uint32_t len;
} la_buf;
/* Payload memory that ropes and frames refer to. Its fields are the stack's. */
typedef struct la_held {
  struct la_held *next;
  uint32_t refs, kind;
} la_held;
enum la_frame_flags {
  LA_FRAME_SUM_OK = 1, /* input: every checksum has been verified, or needs no looking at */
  /*
   * The TCP or UDP checksum is unfinished: its field holds the sum of the pseudo-header alone, not complemented. Input (such packets come
   * from the same machine): it is taken as right. Output (LA_OFFLOAD_SUM): sum everything from sum_start on, put the complement
   * to sum_start + sum_at.
   */
  LA_FRAME_SUM_PARTIAL = 2,
  LA_FRAME_GSO = 4 /* several segments in one frame, of gso_size bytes of payload each, the last perhaps of fewer */
};
typedef struct la_frame {
  const uint8_t *data; /* input: the whole packet (Ethernet: frame). output: the headers, inside `room` */
  uint32_t len;        /* bytes at `data` */
  uint32_t total;      /* output: len and all of buf[] */
  uint16_t flags;      /* la_frame_flags */
  uint16_t nbufs;      /* output: payload, by reference */
  uint32_t number;     /* output: the frame's number in the trace; input frames count in the same series */
  uint16_t header;     /* bytes of the link's header before the packet; input: only la_frame_segment and observers look at it */
  uint16_t gso_size;   /* with LA_FRAME_GSO */
  uint16_t sum_start;  /* output, with LA_FRAME_SUM_PARTIAL: where TCP or UDP begins, from `data` on */
  uint16_t sum_at;     /* and the checksum's place in its header */
  la_buf buf[LA_FRAME_BUFS];
  void *owner[LA_FRAME_BUFS]; /* the stack's; untouched by the driver */
  uint8_t room[LA_FRAME_ROOM];
} la_frame;

/*
 * Takes up to n packets from `link` and returns how many: fewer when la_output must run first (the ring of
 * answers is full). The caller owns the frames and their bytes again on return. Number of the first: the
 * trace's frame counter before the call plus one (la_frame_count).
 */
size_t la_input(la_stack *s, la_link link, const la_frame *frames, size_t n, la_time now);
/*
 * Fills up to `max` frames to be sent over `link` and returns how many. Each refers to the stack's memory
 * until it is given back with la_frame_done, in any order, at any later time before la_stack_free.
 */
size_t la_output(la_stack *s, la_link link, la_frame *frames, size_t max, la_time now);
void la_frame_done(la_stack *s, la_frame *frame);
/* How many segments a frame stands for: 1 without LA_FRAME_GSO. */
unsigned la_frame_segments(const la_frame *frame);
/*
 * The i-th of them as a frame of its own with finished checksums, for whoever must have it so: a device without offload, a capture. Of an
 * input frame as well. Headers are built in out->room; out->buf refers to the frame's payload, which must live on; `out` is not for
 * la_frame_done. FIN and PSH stay with the last segment, CWR with the first; IPv4's identification counts up from the frame's
 * own, unless that is 0 in a packet that must not be cut: there it means nothing (RFC 6864 4.1). false: i is too great, or these
 * are no headers of TCP or UDP though the flags say so.
 */
bool la_frame_segment(const la_frame *frame, unsigned i, la_frame *out);
/*
 * Writes an output frame as the packets that cross a wire, flat and with finished checksums, copy and sum in one pass (la_config.sums):
 * itself, or with LA_FRAME_GSO its segments, as la_frame_segment would make them. For a driver that copies anyway: with la_link_offload
 * (LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6 | LA_OFFLOAD_TSO_ECN) the stack makes one frame for many segments and sums nothing.
 */
typedef struct la_flat { /* the library's own */
  const la_frame *frame;
  la_sums sums;
  uint32_t payload, at, buf, off, len, upper, n, sum, seq;
  bool cut, done;
  uint8_t flags;
  uint8_t head[LA_FRAME_ROOM];
} la_flat;
/* The frame must live, and not be given back, until the last la_flat_next. */
void la_flat_begin(la_flat *f, const la_stack *s, const la_frame *frame);
/* The next packet to dst: its length; 0 when there is none, or `cap` is too small for it. */
size_t la_flat_next(la_flat *f, void *dst, size_t cap);
/* Flattens an output frame into dst; returns its total length, or 0 when `cap` is too small. */
size_t la_frame_copy(const la_frame *frame, void *dst, size_t cap);
/* Frames taken in and made so far: the number of the latest. One that waits for its neighbour keeps its number. */
uint32_t la_frame_count(const la_stack *s);

/* When la_tick must run next: early perhaps, never late; the last `now` while output or events wait; LA_NEVER when idle. */
la_time la_deadline(const la_stack *s);
/* Lets every clock that is due expire. */
void la_tick(la_stack *s, la_time now);

/* Counters, all since la_stack_new. */
typedef struct la_stats {
  uint64_t frames_in, frames_out, segments_in, segments_out;
  uint64_t drops[64];   /* by enum la_drop (trace.h) */
  uint64_t retransmits; /* segments sent again, SYN and FIN included */
  uint64_t resets_out, resets_in;
  uint64_t challenge_acks, challenge_acks_limited;
  uint64_t syncookies_sent, syncookies_recv, syncookies_failed;
  uint64_t time_wait_recycled, half_open_evicted, orphans_aborted;
  uint64_t time_wait_rst_ignored, rst_limited;
  uint64_t opened_active, opened_passive, ended;
  uint32_t conns, half_open, time_wait, orphans, listeners, chunks;   /* present now */
  uint64_t bytes_allocated;                                           /* held from la_config.alloc now */
  uint64_t echo_replies, icmp_errors_out, icmp_limited;               /* limited: not sent for want of a token */
  uint64_t fragments_in, reassembled, frags_evicted, frags_timed_out; /* the last three in packets */
  uint64_t udp_in, udp_out;                                           /* datagrams taken by a socket, and sent */
  uint32_t udp_sockets;                                               /* present now */
  uint32_t neighbours, neigh_waiting;                                 /* entries and packets that wait for one, now */
  uint64_t neigh_probes_out, neigh_failed, neigh_evicted;             /* questions sent; neighbours given up; entries evicted */
  uint64_t addr_duplicates, addr_conflicts;                           /* addresses not taken into use; claims of others on those in use */
  uint64_t pmtu_lowered, pmtu_pending;      /* packet too big: acted upon; and put off until what it quotes is lost (RFC 5927 7.2) */
  uint64_t pmtu_black_holes;                /* the segment size was lowered because time-outs went on (RFC 4821 7.7) */
  uint64_t pmtu_probes, pmtu_probes_passed; /* longer segments that were tried, and were acknowledged */
} la_stats;
void la_stats_get(const la_stack *s, la_stats *out);
/* Gives cached empty blocks back to the allocator. */
void la_trim(la_stack *s);

/* Text forms. la_addr_parse takes dotted quads and RFC 4291 text, no zone; false when it is neither. */
#define LA_ADDR_TEXT 46
bool la_addr_parse(const char *text, la_addr *out);
/* Writes RFC 5952 text, zero-terminated, into buf of at least LA_ADDR_TEXT bytes, and returns buf. Family 0 is "*". */
char *la_addr_text(const la_addr *a, char *buf);
/* The same family and address; bytes that the family does not use are ignored. */
bool la_addr_same(const la_addr *a, const la_addr *b);

#ifdef __cplusplus
}
#endif
#endif
