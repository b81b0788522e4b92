/* SPDX-License-Identifier: MIT */
/*
 * Two drivers joined in memory. Each direction is a ring of packet slots of `most` bytes, allocated once; what
 * a recv has lent out is freed by the next recv. One thread, like everything that touches a stack.
 */
#include <lastack/link.h>

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 65535 };

struct ring {
  uint8_t *bytes; /* depth slots of `most` bytes */
  struct slot {
    uint32_t len;
    uint16_t flags, gso_size, header;
  } * slot;
  uint32_t head, count, lent;
};

struct end {
  la_driver d;
  struct pair *pair;
  unsigned side; /* sends into ring[side], receives from the other */
};

struct pair {
  struct end end[2];
  struct ring ring[2];
  uint32_t most, depth;
  unsigned open; /* ends not yet closed, as bits */
};

static size_t pair_recv(la_driver *d, la_frame *frames, size_t max) {
  struct end *e = (struct end *)d;
  struct pair *p = e->pair;
  struct ring *r = &p->ring[!e->side];
  r->head = (r->head + r->lent) % p->depth;
  r->count -= r->lent;
  r->lent = 0;
  while (r->lent < max && r->lent < r->count) {
    uint32_t slot = (r->head + r->lent) % p->depth;
    la_frame *f = &frames[r->lent++];
    f->data = r->bytes + (size_t)slot * (p->most + LA_ETH_HEADER);
    f->len = f->total = r->slot[slot].len;
    f->flags = r->slot[slot].flags;
    f->gso_size = r->slot[slot].gso_size;
    f->nbufs = 0;
    f->header = r->slot[slot].header;
  }
  d->received += r->lent;
  return r->lent;
}

static bool pair_send(la_driver *d, const la_frame *frame) {
  struct end *e = (struct end *)d;
  struct pair *p = e->pair;
  struct ring *r = &p->ring[e->side];
  size_t len = frame->len;
  for (unsigned i = 0; i < frame->nbufs; i++)
    len += frame->buf[i].len;
  if (r->count == p->depth || len > p->most + frame->header || frame->header > LA_ETH_HEADER || !(p->open & 1u << !e->side)) {
    d->dropped++;
    return false;
  }
  uint32_t slot = (r->head + r->count++) % p->depth;
  uint8_t *to = r->bytes + (size_t)slot * (p->most + LA_ETH_HEADER);
  memcpy(to, frame->data, frame->len);
  to += frame->len;
  for (unsigned i = 0; i < frame->nbufs; i++) {
    memcpy(to, frame->buf[i].data, frame->buf[i].len);
    to += frame->buf[i].len;
  }
  r->slot[slot] = (struct slot){(uint32_t)len, frame->flags, frame->flags & LA_FRAME_GSO ? frame->gso_size : 0, frame->header};
  d->sent++;
  return true;
}

static void pair_free(struct pair *p) {
  for (unsigned i = 0; i < 2; i++) {
    free(p->ring[i].bytes);
    free(p->ring[i].slot);
  }
  free(p);
}

static void pair_close(la_driver *d) {
  struct end *e = (struct end *)d;
  struct pair *p = e->pair;
  p->open &= ~(1u << e->side);
  if (!p->open)
    pair_free(p);
}

bool la_pair_new_offload(uint32_t mtu, uint32_t depth, unsigned offload, la_driver **a, la_driver **b) {
  if (!mtu || !depth)
    return false;
  struct pair *p = calloc(1, sizeof *p);
  if (!p)
    return false;
  p->most = offload & (LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6) && mtu < LONGEST ? LONGEST : mtu;
  p->depth = depth;
  p->open = 3;
  for (unsigned i = 0; i < 2; i++) {
    p->ring[i].bytes = calloc(depth, p->most + LA_ETH_HEADER);
    p->ring[i].slot = calloc(depth, sizeof *p->ring[i].slot);
    if (!p->ring[i].bytes || !p->ring[i].slot) {
      pair_free(p);
      return false;
    }
    p->end[i] = (struct end){.pair = p, .side = i};
    p->end[i].d = (la_driver){.recv = pair_recv, .send = pair_send, .close = pair_close, .fd = -1, .mtu = mtu, .offload = offload};
  }
  *a = &p->end[0].d;
  *b = &p->end[1].d;
  return true;
}

bool la_pair_new(uint32_t mtu, uint32_t depth, la_driver **a, la_driver **b) { return la_pair_new_offload(mtu, depth, 0, a, b); }
