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
    struct chunk *c = p->free;
    p->free = c->next;
    mem_free(p->mem, c, sizeof *c);
  }
  p->nfree = 0;
}

void la__chunks_done(struct chunk_pool *p) { la__chunks_trim(p); }

struct chunk *la__chunk_new(struct chunk_pool *p) {
  if (p->used >= p->limit)
    return NULL;
  struct chunk *c = p->free;
  if (c) {
    p->free = c->next;
    p->nfree--;
  } else if (!(c = mem_alloc(p->mem, sizeof *c))) {
    return NULL;
  }
  p->used++;
  c->next = NULL;
  c->refs = 1;
  return c;
}

void la__chunk_unref(struct chunk_pool *p, struct chunk *c) {
  LA_CHECK(c->refs);
  if (--c->refs)
    return;
  p->used--;
  if (p->nfree < p->keep) {
    c->next = p->free;
    p->free = c;
    p->nfree++;
  } else {
    mem_free(p->mem, c, sizeof *c);
  }
}
