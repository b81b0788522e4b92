/* SPDX-License-Identifier: MIT */
/*
 * Expiry lists: slab records that all wait equally long, in order of their deadlines, so that arming is appending.
 * A record embeds a fifo_link at its start; lists are of slab indices (a bit of the index may choose between two slabs).
 */
#ifndef LA_MEM_FIFO_H
#define LA_MEM_FIFO_H

#include <stdint.h>

#define FIFO_NONE UINT32_MAX

struct fifo_link {
  uint32_t next, prev;
};
struct fifo {
  uint32_t head, tail, count;
  struct fifo_link *(*at)(void *ctx, uint32_t index);
  void *ctx;
};
void la__fifo_init(struct fifo *f, struct fifo_link *(*at)(void *ctx, uint32_t index), void *ctx);
void la__fifo_push(struct fifo *f, uint32_t index); /* at the tail */
void la__fifo_del(struct fifo *f, uint32_t index);  /* must be on this list */

#endif
