/* SPDX-License-Identifier: MIT */
/*
 * One connection of somebody else's, as far as its segments tell. Of fixed size: nothing is allocated for a packet. End 0 sent the first
 * segment that was seen; who is the client is decided with la__flow_client.
 */
#ifndef LA_CAPTURE_FLOW_H
#define LA_CAPTURE_FLOW_H

#include "capture/decode.h"
#include "capture/track.h"
#include "capture/zeek.h"

enum { FLOW_EVENTS = 18, FLOW_HOLES = 4, ZEEK_USUAL = 60 };
/* Wireshark's tcp.completeness */
enum { COMPLETE_SYN = 1, COMPLETE_SYN_ACK = 2, COMPLETE_ACK = 4, COMPLETE_DATA = 8, COMPLETE_FIN = 16, COMPLETE_RST = 32 };

/* A segment and where it stands. */
struct flow_mark {
  uint64_t frame; /* 0: there was none */
  la_time at;
};
/* What is remembered of the latest segment of an end. */
struct flow_seg {
  struct flow_mark mark;
  uint32_t seq, ack, len;
  uint16_t wnd, csum, ip_id;
  uint8_t flags, ttl;
};

/* Bytes that were passed over: they come late, or were not captured. */
struct flow_hole {
  uint32_t lo, hi;
};

/* What each segment touches comes first: two lines of the cache. */
struct flow_end {
  _Alignas(64) uint8_t addr[16];
  uint16_t port;
  uint8_t ttl, wscale; /* ttl: of the first segment */
  bool has_wscale, has_ack, good_sum, probe_open, fin_acked;
  bool answers; /* its SYN had an ACK */
  uint8_t nholes;
  uint32_t acked;       /* the highest acknowledgment that it sent */
  struct flow_seg last; /* the latest but RSTs */
  uint64_t segs, bytes; /* bytes: payload that was new */
  la_time zero_at;      /* since when its window is closed; 0: it is open */
  uint32_t again_run;   /* sent again since the other end was last heard */
  uint32_t probe_run, syns, fins;
  uint32_t stuck;     /* sent again since the acknowledgments of it last got further */
  uint32_t stuck_was; /* ... before the other end's latest segment */
  uint32_t deaf;      /* in a row sent again though it had been acknowledged */
  uint16_t through;   /* the largest payload of one segment that was acknowledged */
  /* and the rest seldom */
  bool late_aware; /* some of `late` acknowledged the FIN: it did not just cross it */
  bool late_text;  /* some of `late` was no TLS alert */
  struct flow_mark syn, fin;
  uint64_t rst;         /* frame of its first RST; 0: there was none */
  struct flow_mark run; /* the first of again_run */
  uint64_t late;        /* of the bytes, sent after the other end's FIN */
  la_time late_last;
  uint32_t rsts, again, dups, damaged, cut, challenges, offload;
  uint32_t probes, probe_answers;
  uint32_t zero_windows;
  uint32_t after_rst; /* segments that it sent after a RST of its own */
  la_time probe_last, probe_interval;
  la_time zero_total;
  uint64_t missed; /* bytes that the other end acknowledged and nobody saw */
  struct flow_hole hole[FLOW_HOLES];
};

/* A state that an end came to. */
struct flow_event {
  la_time at;
  uint32_t frame_low;
  uint16_t frame_high;
  uint8_t end, state;
};
static inline uint64_t la__event_frame(const struct flow_event *e) { return (uint64_t)e->frame_high << 32 | e->frame_low; }

/* The first RST that was believed, with what stood before it. */
struct flow_rst {
  struct flow_mark mark;
  uint8_t by, ttl, flags;
  uint8_t state[2]; /* before it */
  bool reply;       /* no ACK, and the number that the other end's last segment asked for: sent by a host without the connection */
  bool in_line;     /* its number is one that the receiver must take */
  bool ttl_off;
  uint32_t seq;
  la_time idle;           /* how long nothing at all was seen before what provoked it */
  struct flow_seg before; /* the other end's last segment */
  uint32_t again_run, probe_run;
  uint64_t lost; /* bytes that the other end had sent and that were never acknowledged */
};

struct flow_queue;
enum flow_over { OVER_NOT, OVER_RELEASED, OVER_RESET };

struct flow {
  _Alignas(64) struct flow *chain; /* of its bucket */
  struct flow *waits, *waited;     /* of its queue */
  struct flow_queue *queue;        /* NULL: none */
  uint32_t hash;
  uint8_t family, completeness, nevents;
  uint8_t over;      /* enum flow_over */
  uint8_t first_fin; /* the end; 2: none */
  bool syn_seen, mid, vlan, fragments, gro;
  bool fin_crossed;          /* each FIN left before the other one had come */
  bool fin_merged;           /* the second FIN carried the first acknowledgment of the first */
  bool superseded;           /* a SYN took its pair over while it was open */
  bool after_time_wait;      /* its own SYN took over a pair in TIME-WAIT */
  bool given;                /* live: the caller has been told of its end */
  bool told;                 /* by a comment of the stack itself */
  uint8_t told_why, told_by; /* enum la_why, the end that told */
  uint8_t icmp_type, icmp_code;
  bool at_end, broken;         /* the capture ended before it; in the middle of a packet */
  struct flow_mark last, open; /* open: the handshake's third segment */
  la_time last_at;
  la_time idle_max, idle_before, idle_earlier; /* gaps: the longest, before the latest segment, before the one before */
  struct track track;
  uint64_t id;
  la_time over_at, syn_rtt;
  struct flow_end end[2];
  struct zeek zeek; /* from its end on a line of text knows nothing, nor does a usual segment from its letters on */
  la_time ack_rtt;
  struct flow_mark first;
  struct flow_rst rst;
  uint32_t forged;                             /* RSTs that no receiver would take */
  struct flow_mark forged_first, icmp, reused; /* reused: a SYN took its pair over */
  uint64_t reused_by, reuses, nat_of;
  struct flow_event event[FLOW_EVENTS];
};

/* Brings what the next segment will touch into the cache. Macros, since gcc takes such a function for one without effect. */
#define FLOW_FETCH(from, to) \
  for (const char *at_ = (const char *)((uintptr_t)(from) & ~(uintptr_t)63), *to_ = (const char *)(to); at_ < to_; at_ += 64) \
  __builtin_prefetch(at_, 1)
#define LA__FLOW_PREFETCH(c) \
  do { \
    FLOW_FETCH(c, &(c)->end[0].late_aware); \
    FLOW_FETCH(&(c)->end[1], &(c)->end[1].late_aware); \
    FLOW_FETCH(&(c)->zeek, &(c)->zeek.history[ZEEK_USUAL]); \
  } while (0)

void la__flow_init(struct flow *c, const struct packet *p, const struct seg *s);
/* End `from` sent it. */
void la__flow_segment(struct flow *c, unsigned from, const struct packet *p, const struct seg *s);
/* An ICMP error that quotes a segment of end `from`. */
void la__flow_icmp(struct flow *c, unsigned from, const struct packet *p, const struct seg *s);
/* A SYN that opens something new? Then this connection's time is over. */
bool la__flow_ends_with(const struct flow *c, unsigned from, const struct seg *s);
/* Wireshark's tcp.completeness, in which the first of a stream's frames counts when it is a SYN, or when there is a second one. */
static inline unsigned la__flow_completeness(const struct flow *c) {
  return c->first.frame == c->last.frame && !(c->completeness & COMPLETE_SYN) ? 0 : c->completeness;
}
/* How long the window of that end was closed, until the connection's latest segment. */
la_time la__flow_zero_window(const struct flow *c, unsigned end);
/* Of an ICMP error: the packet was too large (RFC 1191, 8201)? */
static inline bool la__icmp_too_big(unsigned family, unsigned type, unsigned code) {
  return family == 4 ? type == 3 && code == 4 : type == 2;
}
/* Which end is the client: 0 or 1. */
unsigned la__flow_client(const struct flow *c);

#endif
