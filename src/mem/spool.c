/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. Pieces in a ring, in order; a piece lies in one chunk, or in what was lent once, and within one run. The last
 * piece of a chunk may grow while it is the last of the spool, hence frames may refer to a chunk that is still being filled. Reading
 * mostly goes on where it left off, so the piece read last is looked at first; else the search halves.
 */
#include "mem/spool.h"

#include "base/check.h"
#include "base/sum.h"

static struct spool_piece *piece(struct spool *s, uint32_t i) {
  return s->lg ? &s->u.ring[(s->head + i) & ((1u << s->lg) - 1)] : &s->u.one;
}

/* Room for one piece more. */
static bool room(struct spool *s, struct mem *m) {
  if (s->n < 1u << s->lg)
    return true;
  uint8_t lg = s->lg ? (uint8_t)(s->lg + 1) : 3;
  struct spool_piece *ring = mem_alloc(m, sizeof *ring << lg);
  if (!ring)
    return false;
  for (uint32_t i = 0; i < s->n; i++)
    ring[i] = *piece(s, i);
  if (s->lg)
    mem_free(m, s->u.ring, sizeof *ring << s->lg);
  s->u.ring = ring;
  s->head = 0;
  s->lg = lg;
  return true;
}

void la__spool_done(struct spool *s, struct chunk_pool *p) {
  for (uint32_t i = 0; i < s->n; i++)
    la__held_unref(p, piece(s, i)->owner);
  if (s->lg)
    mem_free(p->mem, s->u.ring, sizeof *s->u.ring << s->lg);
  *s = (struct spool){0};
}

static void push(struct spool *s, la_held *owner, const uint8_t *data) {
  *piece(s, s->n++) = (struct spool_piece){.data = data, .owner = owner, .end = s->end};
}

static void grow(struct spool *s, struct spool_piece *q, uint32_t n) {
  q->len += n;
  q->end += n;
  s->end += n;
  s->len += n;
}

/* Where the last piece's chunk goes on, and for how long; NULL: nowhere. */
static uint8_t *tail(struct spool *s, size_t *left) {
  if (!s->n)
    return NULL;
  struct spool_piece *q = piece(s, s->n - 1);
  if (q->owner->kind != HELD_CHUNK)
    return NULL;
  struct chunk *c = (struct chunk *)q->owner;
  size_t used = (size_t)(q->data - c->data) + q->len;
  *left = CHUNK_BYTES - used;
  return *left ? c->data + used : NULL;
}

/* A place for a new piece, in the last one's chunk or a new one. false: memory is short. */
static bool begin(struct spool *s, struct chunk_pool *p) {
  size_t left;
  uint8_t *to = tail(s, &left);
  if (!room(s, p->mem))
    return false;
  if (to) {
    la_held *owner = piece(s, s->n - 1)->owner;
    la__held_ref(owner);
    push(s, owner, to);
    return true;
  }
  struct chunk *c = la__chunk_new(p);
  if (c)
    push(s, &c->h, c->data);
  return c != NULL;
}

size_t la__spool_append(struct spool *s, struct chunk_pool *p, const void *src, size_t n, uint32_t run, bool fresh, const la_sums *f) {
  const uint8_t *from = src;
  size_t put = 0, left = 0;
  if (n > SPOOL_MAX - s->len)
    n = s->len < SPOOL_MAX ? SPOOL_MAX - s->len : 0;
  if (fresh || s->run > run)
    s->run = 0;
  for (; put < n;) {
    uint8_t *to = tail(s, &left);
    if (s->run == 0 || !to || !piece(s, s->n - 1)->summed) {
      if (!begin(s, p))
        break;
      piece(s, s->n - 1)->summed = true;
      to = tail(s, &left);
    }
    if (s->run == 0)
      s->run = run;
    struct spool_piece *q = piece(s, s->n - 1);
    size_t k = n - put < s->run ? n - put : s->run;
    k = k < left ? k : left;
    uint32_t part = f->copy_sum(to, from + put, k, 0);
    part = q->sum + (q->len & 1 ? la__sum_odd(part) : part);
    part = (part & 0xffff) + (part >> 16);
    q->sum = (uint16_t)((part & 0xffff) + (part >> 16));
    grow(s, q, (uint32_t)k);
    s->run -= (uint32_t)k;
    put += k;
  }
  return put;
}

bool la__spool_lend(struct spool *s, struct chunk_pool *p, la_held *owner, const void *data, uint32_t n) {
  if (!room(s, p->mem))
    return false;
  la__held_ref(owner);
  push(s, owner, data);
  grow(s, piece(s, s->n - 1), n);
  s->run = 0;
  return true;
}

void la__spool_consume(struct spool *s, struct chunk_pool *p, uint32_t n) {
  LA_CHECK(n <= s->len);
  if (n == s->len) {
    la__spool_done(s, p);
    return;
  }
  s->len -= n;
  uint32_t gone = 0;
  while (n) {
    struct spool_piece *q = piece(s, 0);
    if (q->len > n) {
      q->data += n;
      q->len -= n;
      q->summed = false;
      break;
    }
    n -= q->len;
    la__held_unref(p, q->owner);
    s->head = (s->head + 1) & ((1u << s->lg) - 1);
    s->n--;
    gone++;
  }
  s->hint = s->hint > gone ? s->hint - gone : 0;
}

/* The piece that holds the byte at that end-relative position: `back` bytes before the spool's end. */
static uint32_t find(struct spool *s, uint32_t back) {
  uint32_t lo = 0, hi = s->n - 1;
  for (uint32_t i = s->hint; i < s->n && i <= s->hint + 1; i++) {
    const struct spool_piece *q = piece(s, i);
    if (s->end - q->end < back && s->end - q->end + q->len >= back)
      return i;
  }
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    if (s->end - piece(s, mid)->end < back)
      hi = mid;
    else
      lo = mid + 1;
  }
  return lo;
}

/* Adds n bytes at p: to the entry before when they follow its last byte in memory. false: no entry is left. */
static bool refer(struct spool_refs *out, la_held *owner, const uint8_t *p, uint32_t n) {
  la_buf *last = out->n ? &out->buf[out->n - 1] : NULL;
  if (last && out->owner[out->n - 1] == owner && (const uint8_t *)last->data + last->len == p) {
    last->len += n;
    return true;
  }
  if (out->n == out->max)
    return false;
  la__held_ref(owner);
  out->owner[out->n] = owner;
  out->buf[out->n++] = (la_buf){p, n};
  return true;
}

void la__spool_refs(struct spool *s, uint32_t at, uint32_t n, struct spool_refs *out) {
  out->n = 0;
  out->got = 0;
  out->sum = 0;
  out->summed = true;
  if (at >= s->len)
    return;
  if (n > s->len - at)
    n = s->len - at;
  uint32_t i = find(s, s->len - at);
  const struct spool_piece *q = piece(s, i);
  uint32_t skip = q->len - (s->len - at - (s->end - q->end)); /* of this piece */
  for (; out->got < n; skip = 0, q = piece(s, ++i)) {
    uint32_t k = q->len - skip < n - out->got ? q->len - skip : n - out->got;
    if (!refer(out, q->owner, q->data + skip, k))
      break;
    if (q->summed && k == q->len) {
      out->sum += out->got & 1 ? la__sum_odd(q->sum) : q->sum;
      out->sum = (out->sum & 0xffff) + (out->sum >> 16);
    } else {
      out->summed = false;
    }
    out->got += k;
    s->hint = i;
    if (out->got == n)
      break;
  }
}

void la__spool_whole(struct spool *s, struct spool_refs *out) {
  if (s->lg || s->n != 1 || !out->max) {
    la__spool_refs(s, 0, s->len, out);
    return;
  }
  la__held_ref(s->u.one.owner);
  out->owner[0] = s->u.one.owner;
  out->buf[0] = (la_buf){s->u.one.data, s->u.one.len};
  out->n = 1;
  out->got = s->len;
  out->sum = s->u.one.sum;
  out->summed = s->u.one.summed;
}
