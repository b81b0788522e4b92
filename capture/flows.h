/* SPDX-License-Identifier: MIT */
/*
 * All connections of a capture. One that is over stays for a while, because late copies and answers belong to it, and then goes to
 * the caller and is freed; so memory is that of the connections open at one time, and of a bounded number of those that are over.
 */
#ifndef LA_CAPTURE_FLOWS_H
#define LA_CAPTURE_FLOWS_H

#include "capture/flow.h"
#include "capture/pieces.h"

enum { FLOWS_WAITING = 4096, FLOWS_SYNS = 1024 };
#define FLOWS_2MSL (60 * LA_SEC)
#define FLOWS_SYN_LIFE (180 * LA_SEC) /* an unanswered SYN is given up */

struct flows_stats {
  uint64_t frames, tcp, other, cut, malformed, fragments, unknown_link, connections, drops, open_max;
};
struct flow_syn {
  uint32_t isn, ts;
  la_time at;
  uint64_t id, hash;
  bool answers;
};
struct flows {
  void (*done)(void *ctx, struct flow *c); /* after which c is gone */
  void *ctx;
  uint8_t key[16];
  struct flow **bucket;
  size_t nbuckets, nconns;
  struct flow *oldest, *newest, *over_first, *over_last, *spare;
  size_t nover;
  void *slabs;
  struct pieces *pieces;
  struct flow_syn syn[FLOWS_SYNS]; /* the latest, by number */
  la_time now;
  struct flows_stats stats;
  bool out_of_memory;
};

bool la__flows_init(struct flows *f, void (*done)(void *ctx, struct flow *c), void *ctx);
void la__flows_packet(struct flows *f, const struct packet *p);
/* Gives out whatever is left, by age. */
void la__flows_finish(struct flows *f);
void la__flows_free(struct flows *f);

#endif
