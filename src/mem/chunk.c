/* SPDX-License-Identifier: MIT */
#include "mem/chunk.h"

#include "base/check.h"

#define KEEP_MAX 256u /* 1 MiB */

void la__chunks_init(struct chunk_pool *p, struct mem *m, uint32_t limit) {
  uint32_t keep = limit / 8 + 1;
  *p = (struct chunk_pool){.mem = m, .limit = limit, .keep = keep < KEEP_MAX ? keep : KEEP_MAX};
}

void la__chunks_trim(struct chunk_pool *p) {
  while (p->free) {
    la_held *c = p->free;
    p->free = c->next;
    mem_free(p->mem, c, sizeof(struct chunk));
  }
  p->nfree = 0;
}

void la__chunks_done(struct chunk_pool *p) { la__chunks_trim(p); }

struct chunk *la__chunk_new(struct chunk_pool *p) {
  if (p->used >= p->limit)
    return NULL;
  struct chunk *c = (struct chunk *)p->free; /* its first member */
  if (c) {
    p->free = c->h.next;
    p->nfree--;
  } else if (!(c = mem_alloc(p->mem, sizeof *c))) {
    return NULL;
  }
  p->used++;
  c->h = (la_held){.refs = 1};
  return c;
}

void la__held_unref(struct chunk_pool *p, la_held *h) {
  LA_CHECK(h->refs);
  if (--h->refs)
    return;
  if (h->kind == HELD_LENT) {
    h->next = NULL;
    if (p->back)
      p->back_last->next = h;
    else
      p->back = h;
    p->back_last = h;
    return;
  }
  p->used--;
  if (p->nfree < p->keep) {
    h->next = p->free;
    p->free = h;
    p->nfree++;
  } else {
    mem_free(p->mem, h, sizeof(struct chunk));
  }
}

la_held *la__held_back(struct chunk_pool *p) {
  la_held *h = p->back;
  if (h) {
    p->back = h->next;
    h->next = NULL;
  }
  return h;
}
