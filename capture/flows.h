/* SPDX-License-Identifier: MIT */
/*
 * All connections of a capture. One that is over stays for a while, because late copies and answers belong to it, and then goes to
 * the caller and is freed; so memory is that of the connections open at one time, and of a bounded number of those that are over, or that
 * nobody answers. Live, the caller is told of an end FLOWS_LINGER after its latest segment, though the connection stays.
 */
#ifndef LA_CAPTURE_FLOWS_H
#define LA_CAPTURE_FLOWS_H

#include "capture/flow.h"
#include "capture/pieces.h"

enum { FLOWS_WAITING = 16384, FLOWS_ATTEMPTS = 65536, FLOWS_SYNS = 1024, FLOWS_BATCH = 16 };
#define FLOWS_2MSL (60 * LA_SEC)
#define FLOWS_SILENT (86400 * LA_SEC)
#define FLOWS_LINGER (2 * LA_SEC) /* live: a FIN whose ACK was lost comes again, an RST crosses what is on its way */
#define FLOWS_SWEEP (600 * LA_SEC)
#define FLOWS_SYN_LIFE (180 * LA_SEC) /* an unanswered SYN is given up */

struct flows_stats {
  uint64_t frames, tcp, other, cut, malformed, fragments, unknown_link, connections, drops, open_max;
};
/* A packet as far as it can be looked at without its connection. */
struct flows_seg {
  struct seg s;
  uint32_t hash; /* of a segment's pair */
  uint8_t what;  /* enum decoded */
};
/* By the time of their latest segment. */
struct flow_queue {
  struct flow *first, *last;
  size_t n;
  la_time since; /* of the first one's latest segment, or earlier */
};
struct flow_syn {
  uint32_t isn, ts;
  la_time at;
  uint64_t id, hash;
  bool answers;
};
struct flows {
  void (*done)(void *ctx, struct flow *c); /* after which c is gone, */
  bool keeps;                              /* or, where done keeps it, after la__flows_back */
  /* May be NULL: each segment of end `from` when c has taken it in; also an ICMP error (s->icmp_src) that quotes one. */
  void (*seen)(void *ctx, const struct flow *c, unsigned from, const struct packet *p, const struct seg *s);
  void *ctx;
  uint64_t key[9];
  struct flow **bucket;
  size_t nbuckets, nconns;
  struct flow *newest, *spare;             /* newest: NULL when it has gone */
  struct flow_queue over, attempts, ended; /* ended: live, over but not yet given */
  void *slabs;
  struct flow *fresh, *fresh_end; /* never used, and all 0 */
  struct pieces *pieces;
  struct flow_syn syn[FLOWS_SYNS]; /* the latest, by number */
  la_time now, swept;
  struct flows_stats stats;
  bool out_of_memory;
  bool live;   /* set by the caller: packets come as they are captured, and la__flows_live says what time it is */
  bool broken; /* set by who reads, before la__flows_finish: the capture breaks off */
};

bool la__flows_init(struct flows *f, void (*done)(void *ctx, struct flow *c), void *ctx);
void la__flows_packet(struct flows *f, const struct packet *p);
/* n <= FLOWS_BATCH packets, all still in memory: while one is looked at, the next ones' connections come into the cache. */
void la__flows_batch(struct flows *f, const struct packet *p, size_t n);
/* What la__flows_batch does with each packet: this may happen in another thread, */
void la__flows_decode(const struct flows *f, const struct packet *p, struct flows_seg *s);
/* and this here, of any number. */
void la__flows_take(struct flows *f, const struct packet *p, struct flows_seg *s, size_t n);
/* The caller needs c no more (see `keeps`). */
void la__flows_back(struct flows *f, struct flow *c);
/* Of a live capture, now and then: gives out what has been over for long enough, and what has been silent for a day. */
void la__flows_live(struct flows *f, la_time now);
/* Gives out whatever is left, by age. */
void la__flows_finish(struct flows *f);
void la__flows_free(struct flows *f);

#endif
