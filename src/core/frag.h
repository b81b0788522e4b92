/* SPDX-License-Identifier: MIT */
/* Reassembly of IPv4 and IPv6 packets. */
#ifndef LA_CORE_FRAG_H
#define LA_CORE_FRAG_H

#include "mem/chunk.h"
#include "mem/fifo.h"
#include "mem/slab.h"

#include <lastack/trace.h>

enum { FRAG_BUCKETS = 64 };

struct frags {
  struct slab slab;
  struct fifo list[2]; /* by family, in the order of their deadlines */
  uint32_t bucket[FRAG_BUCKETS];
  uint32_t chunks; /* held by all */
};

struct la_stack;
struct packet;
void la__frags_init(struct la_stack *s);
void la__frags_done(struct la_stack *s);
/* One fragment. A packet that it completes goes on to la__rx. LA_DROP_NONE: it was taken. */
enum la_drop la__frag_input(struct la_stack *s, const struct packet *p);
/* What has waited too long. */
void la__frags_tick(struct la_stack *s);
la_time la__frags_deadline(const struct la_stack *s);

#endif
