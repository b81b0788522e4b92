/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. Byte i of the rope is byte (off + i) mod CHUNK_BYTES of chunk (off + i) / CHUNK_BYTES, counted in
 * the ring from `head`. Within `len` every chunk is there; from `len` to `end` a NULL is a gap in what was written ahead;
 * from `end` on all are NULL, but for those that la__rope_space has taken. Bytes below `len` never change, hence frames may go
 * on referring to a chunk that is still being filled, and a chunk that the rope has dropped lives on until its last frame is done.
 */
#include "mem/rope.h"

#include "base/bytes.h"
#include "base/check.h"

_Static_assert(sizeof(struct rope) <= 24, "two of these are in every connection that has data");

static uint32_t cap_of(const struct rope *r) { return 1u << r->lg; }
static uint32_t index_of(size_t pos) { return (uint32_t)(pos / CHUNK_BYTES); }

static struct chunk **entry(struct rope *r, uint32_t i) {
  LA_CHECK(i < cap_of(r));
  return r->lg ? &r->u.ring[(r->head + i) & (cap_of(r) - 1)] : &r->u.one;
}
static struct chunk *chunk_of(const struct rope *r, uint32_t i) {
  LA_CHECK(i < cap_of(r));
  return r->lg ? r->u.ring[(r->head + i) & (cap_of(r) - 1)] : r->u.one;
}

/* Bytes from `pos` (counted from the first chunk's start) to the end of its chunk, at most n. */
static size_t within(size_t pos, size_t n) {
  size_t room = CHUNK_BYTES - pos % CHUNK_BYTES;
  return n < room ? n : room;
}

/* Makes the ring large enough for chunks 0 .. i. */
static bool ring_reach(struct rope *r, struct mem *m, uint32_t i) {
  uint8_t lg = r->lg;
  while (i >> lg)
    lg++;
  if (lg == r->lg)
    return true;
  if (lg == 1)
    lg = 2;
  struct chunk **ring = mem_alloc(m, sizeof *ring << lg);
  if (!ring)
    return false;
  uint32_t cap = cap_of(r);
  for (i = 0; i < cap; i++)
    ring[i] = chunk_of(r, i);
  memset(ring + cap, 0, ((size_t)(1u << lg) - cap) * sizeof *ring);
  if (r->lg)
    mem_free(m, r->u.ring, sizeof *ring << r->lg);
  r->u.ring = ring;
  r->head = 0;
  r->lg = lg;
  return true;
}

void la__rope_done(struct rope *r, struct chunk_pool *p) {
  uint32_t cap = cap_of(r);
  for (uint32_t i = 0; i < cap; i++)
    if (chunk_of(r, i))
      la__chunk_unref(p, chunk_of(r, i));
  if (r->lg)
    mem_free(p->mem, r->u.ring, sizeof *r->u.ring << r->lg);
  *r = (struct rope){0};
}

size_t la__rope_append(struct rope *r, struct chunk_pool *p, const void *src, size_t n) {
  LA_CHECK(r->end == r->len);
  const uint8_t *from = src;
  size_t left = n < ROPE_MAX - r->len ? n : ROPE_MAX - r->len, put = 0;
  while (left) {
    size_t pos = (size_t)r->off + r->len, k = within(pos, left);
    struct chunk *c;
    if (pos % CHUNK_BYTES || (index_of(pos) < cap_of(r) && chunk_of(r, index_of(pos)))) {
      c = chunk_of(r, index_of(pos));
    } else {
      c = la__chunk_new(p);
      if (!c)
        break;
      if (!ring_reach(r, p->mem, index_of(pos))) {
        la__chunk_unref(p, c);
        break;
      }
      *entry(r, index_of(pos)) = c;
    }
    memcpy(c->data + pos % CHUNK_BYTES, from + put, k);
    put += k;
    left -= k;
    r->len += (uint32_t)k;
    r->end = r->len;
  }
  return put;
}

/* Puts a chunk at every empty entry from `first` to `last`: all or none. */
static bool reserve(struct rope *r, struct chunk_pool *p, uint32_t first, uint32_t last) {
  struct chunk *list = NULL, *c;
  uint32_t i;
  for (i = first; i <= last; i++) {
    if (i < cap_of(r) && chunk_of(r, i))
      continue;
    c = la__chunk_new(p);
    if (!c)
      goto fail;
    c->h.next = (la_held *)list;
    list = c;
  }
  if (!ring_reach(r, p->mem, last))
    goto fail;
  for (i = first; i <= last; i++) {
    if (chunk_of(r, i))
      continue;
    c = list;
    list = (struct chunk *)c->h.next;
    *entry(r, i) = c;
  }
  return true;
fail:
  while (list) {
    c = list;
    list = (struct chunk *)c->h.next;
    la__chunk_unref(p, c);
  }
  return false;
}

uint8_t *la__rope_space(struct rope *r, struct chunk_pool *p, size_t at, size_t *n) {
  size_t pos = r->off + at;
  LA_CHECK(r->end == r->len && at >= r->len);
  if (at > ROPE_MAX || *n > ROPE_MAX - at)
    return NULL;
  *n = within(pos, *n);
  if (!reserve(r, p, index_of(pos), index_of(pos)))
    return NULL;
  return chunk_of(r, index_of(pos))->data + pos % CHUNK_BYTES;
}

void la__rope_grow(struct rope *r, size_t n) {
  LA_CHECK(r->end == r->len);
  r->len += (uint32_t)n;
  r->end = r->len;
}

bool la__rope_write_at(struct rope *r, struct chunk_pool *p, size_t at, const void *src, size_t n) {
  LA_CHECK(at >= r->len);
  if (at > ROPE_MAX || n > ROPE_MAX - at)
    return false;
  if (!n)
    return true;
  size_t pos = r->off + at;
  if (!reserve(r, p, index_of(pos), index_of(pos + n - 1)))
    return false;
  if (at + n > r->end)
    r->end = (uint32_t)(at + n);
  for (const uint8_t *from = src; n;) {
    size_t k = within(pos, n);
    memcpy(chunk_of(r, index_of(pos))->data + pos % CHUNK_BYTES, from, k);
    from += k;
    pos += k;
    n -= k;
  }
  return true;
}

void la__rope_extend(struct rope *r, size_t n) {
  LA_CHECK(n <= r->end - r->len);
  r->len += (uint32_t)n;
}

void la__rope_cut(struct rope *r, struct chunk_pool *p) {
  if (r->len == 0) {
    la__rope_done(r, p);
    return;
  }
  for (uint32_t i = index_of((size_t)r->off + r->len - 1) + 1; i < cap_of(r); i++) {
    struct chunk **e = entry(r, i);
    if (*e)
      la__chunk_unref(p, *e);
    *e = NULL;
  }
  r->end = r->len;
}

void la__rope_look(const struct rope *r, size_t at, la_buf *buf) {
  LA_CHECK(at < r->len);
  size_t pos = r->off + at;
  *buf = (la_buf){.data = chunk_of(r, index_of(pos))->data + pos % CHUNK_BYTES, .len = (uint32_t)within(pos, r->len - at)};
}

size_t la__rope_copy(const struct rope *r, size_t at, void *dst, size_t n) {
  if (at >= r->len)
    return 0;
  if (n > r->len - at)
    n = r->len - at;
  uint8_t *to = dst;
  size_t pos = r->off + at;
  for (size_t left = n; left;) {
    size_t k = within(pos, left);
    memcpy(to, chunk_of(r, index_of(pos))->data + pos % CHUNK_BYTES, k);
    to += k;
    pos += k;
    left -= k;
  }
  return n;
}

void la__rope_consume(struct rope *r, struct chunk_pool *p, size_t n) {
  LA_CHECK(n <= r->len);
  if (n == r->end) {
    la__rope_done(r, p);
    return;
  }
  size_t pos = r->off + n;
  r->len -= (uint32_t)n;
  r->end -= (uint32_t)n;
  r->off = (uint16_t)(pos % CHUNK_BYTES);
  for (uint32_t drop = index_of(pos); drop; drop--) {
    struct chunk **e = entry(r, 0);
    la__chunk_unref(p, *e);
    *e = NULL;
    r->head = (r->head + 1) & (cap_of(r) - 1);
  }
}

unsigned la__rope_refs(const struct rope *r, size_t at, size_t n, la_buf *buf, void **owner, unsigned max, size_t *got) {
  unsigned k = 0;
  *got = 0;
  if (at >= r->len)
    return 0;
  if (n > r->len - at)
    n = r->len - at;
  for (size_t pos = r->off + at; n && k < max; k++) {
    size_t part = within(pos, n);
    struct chunk *c = chunk_of(r, index_of(pos));
    la__held_ref(&c->h);
    owner[k] = c;
    buf[k] = (la_buf){.data = c->data + pos % CHUNK_BYTES, .len = (uint32_t)part};
    pos += part;
    n -= part;
    *got += part;
  }
  return k;
}
