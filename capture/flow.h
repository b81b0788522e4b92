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

enum { FLOW_EVENTS = 20, FLOW_HOLES = 4 };
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

struct flow_end {
  uint8_t addr[16];
  uint16_t port;
  uint8_t ttl, wscale; /* ttl: of the first segment */
  bool has_wscale, has_ack, good_sum, probe_open, fin_acked;
  bool answers; /* its SYN had an ACK */
  struct flow_mark first, syn, fin, rst;
  struct flow_seg last; /* the latest but RSTs */
  uint64_t segs, bytes; /* bytes: payload that was new */
  uint64_t late;        /* of them, sent after the other end's FIN */
  la_time late_last;
  uint32_t acked; /* the highest acknowledgment that it sent */
  uint32_t syns, fins, rsts, again, dups, damaged, offload, cut, challenges;
  uint32_t again_run;   /* sent again since the other end was last heard */
  struct flow_mark run; /* the first of that run */
  uint32_t probes, probe_run, probe_answers;
  la_time probe_first, probe_last, probe_interval;
  uint32_t zero_windows;
  la_time zero_at, zero_total; /* zero_at: since when it is closed; 0: it is open */
  struct flow_hole hole[FLOW_HOLES];
  uint64_t missed;    /* bytes that the other end acknowledged and nobody saw */
  uint32_t after_rst; /* segments that it sent after a RST of its own */
};

/* A state that an end came to. */
struct flow_event {
  la_time at;
  uint64_t frame;
  uint8_t end, state;
};

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

enum flow_over { OVER_NOT, OVER_RELEASED, OVER_RESET };

struct flow {
  struct flow *next, *prev;    /* all, by age */
  struct flow *chain;          /* of its bucket */
  struct flow *waits, *waited; /* those that are over, by their end */
  uint64_t hash, id;
  uint8_t family, completeness, nevents;
  bool syn_seen, queued, mid, vlan, fragments, gro;
  enum flow_over over;
  la_time over_at, last_at;
  la_time idle_max, idle_before, idle_earlier; /* gaps: the longest, before the latest segment, before the one before */
  struct flow_mark first, last, open;          /* open: the handshake's third segment */
  la_time syn_rtt, ack_rtt;
  struct flow_end end[2];
  struct track track;
  struct zeek zeek;
  struct flow_rst rst;
  uint32_t forged; /* RSTs that no receiver would take */
  struct flow_mark forged_first;
  uint8_t first_fin; /* the end; 2: none */
  bool fin_crossed;  /* each FIN left before the other one had come */
  bool fin_merged;   /* the second FIN carried the first acknowledgment of the first */
  uint8_t icmp_type, icmp_code;
  struct flow_mark icmp;
  struct flow_mark reused; /* a SYN took its pair over */
  uint64_t reused_by, reuses, nat_of;
  bool superseded;  /* ... while it was open */
  uint8_t told_why; /* enum la_why of a comment by the stack itself */
  uint8_t told_by;  /* the end that told */
  bool told;
  struct flow_mark told_at;
  struct flow_event event[FLOW_EVENTS];
};

void la__flow_init(struct flow *c, const struct packet *p, const struct seg *s);
/* End `from` sent it. */
void la__flow_segment(struct flow *c, unsigned from, const struct packet *p, const struct seg *s);
/* An ICMP error that quotes a segment of end `from`. */
void la__flow_icmp(struct flow *c, unsigned from, const struct packet *p, const struct seg *s);
/* A SYN that opens something new? Then this connection's time is over. */
bool la__flow_ends_with(const struct flow *c, unsigned from, const struct seg *s);
/* Which end is the client: 0 or 1. */
unsigned la__flow_client(const struct flow *c);

#endif
