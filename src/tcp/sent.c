/* SPDX-License-Identifier: MIT */
#include "tcp/sent.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/seq.h"

void la__sent_init(struct sent *s, struct mem *m, uint32_t max) {
  memset(s, 0, offsetof(struct sent, own)); /* no record is read before it is written */
  s->v = s->own;
  s->cap = SENT_OWN;
  s->mem = m;
  s->max = (uint16_t)max;
}

void la__sent_done(struct sent *s) {
  if (s->v != s->own)
    mem_free(s->mem, s->v, s->cap * sizeof *s->v);
}

static uint32_t length(const struct sent_rec *r) { return r->hi - r->lo; }

/* Adds `n` bytes of a record's kind to the sums; a negative number as its two's complement. */
static void count(struct sent *s, unsigned flags, uint32_t n) {
  if (flags & SENT_SACKED)
    s->sacked += n;
  if (flags & SENT_LOST)
    s->lost += n;
  if (flags & SENT_RETRANS)
    s->retrans += n;
  if ((flags & (SENT_LOST | SENT_RETRANS)) == SENT_LOST)
    s->again += n;
}

/* Room for one record more. A split leaves one free, so that what is sent next finds it. */
static bool room(struct sent *s, unsigned spare) {
  if (s->n + spare >= s->max)
    return false;
  if (s->head + s->n < s->cap)
    return true;
  if (s->head) {
    memmove(s->v, s->v + s->head, s->n * sizeof *s->v);
    s->head = 0;
    return true;
  }
  uint32_t cap = s->cap * 2u < s->max ? s->cap * 2u : s->max;
  struct sent_rec *v = cap > s->cap ? mem_alloc(s->mem, cap * sizeof *v) : 0;
  if (!v)
    return false;
  memcpy(v, s->v, s->n * sizeof *v);
  la__sent_done(s);
  s->v = v;
  s->cap = (uint16_t)cap;
  return true;
}

/* b directly follows a. What the peer has is of no age. */
static bool joinable(const struct sent *s, const struct sent_rec *a, const struct sent_rec *b) {
  if (a->flags != b->flags || length(a) % a->size || (b->size != a->size && (length(b) > a->size || length(b) > b->size)))
    return false;
  return (a->at == b->at && a->order == b->order) || a->flags & SENT_SACKED ||
         (s->n > SENT_FINE && b->at > a->at && b->at - a->at <= s->slack);
}

static la_time later(la_time a, la_time b) { return a > b ? a : b; }

static uint32_t order(struct sent *s, uint32_t lo, uint32_t hi) {
  if (s->n && seq_lt(lo, s->last))
    s->order++;
  s->last = hi;
  return s->order;
}

void la__sent_add(struct sent *s, uint32_t lo, uint32_t hi, uint32_t size, la_time at) {
  struct sent_rec *last = s->n ? sent_at(s, s->n - 1u) : 0,
                  r = {.lo = lo, .hi = hi, .at = at, .order = order(s, lo, hi), .size = (uint16_t)size};
  LA_CHECK(!last || last->hi == lo);
  bool join = last && joinable(s, last, &r);
  if (!join && room(s, 0)) {
    *sent_at(s, s->n++) = r;
    return;
  }
  if (!join) { /* no record is left: what was known of the last one is given up */
    la__sent_set(s, s->n - 1u, last->flags & SENT_EVER);
    last->size = r.size > last->size ? r.size : last->size;
  }
  last->hi = hi;
  last->at = later(last->at, at);
  last->order = r.order;
}

unsigned la__sent_find(const struct sent *s, uint32_t seq) {
  unsigned lo = 0, hi = s->n;
  while (lo < hi) {
    unsigned mid = (lo + hi) / 2;
    if (seq_gt(sent_at(s, mid)->hi, seq))
      hi = mid;
    else
      lo = mid + 1;
  }
  return lo;
}

int la__sent_split(struct sent *s, uint32_t seq) {
  unsigned i = la__sent_find(s, seq);
  if (i == s->n || seq_geq(sent_at(s, i)->lo, seq))
    return (int)i;
  if (!room(s, 1))
    return SENT_NO_ROOM;
  struct sent_rec *r = sent_at(s, i);
  memmove(r + 1, r, (s->n - i) * sizeof *r);
  s->n++;
  r[0].hi = r[1].lo = seq;
  return (int)i + 1;
}

void la__sent_set(struct sent *s, unsigned i, unsigned flags) {
  struct sent_rec *r = sent_at(s, i);
  count(s, r->flags, 0u - length(r));
  r->flags = (uint8_t)flags;
  count(s, r->flags, length(r));
}

static void drop(struct sent *s, unsigned i) {
  struct sent_rec *r = sent_at(s, i);
  memmove(r, r + 1, (s->n - i - 1) * sizeof *r);
  s->n--;
}

static void join(struct sent *s, unsigned i) {
  struct sent_rec *a = sent_at(s, i), *b = a + 1;
  a->hi = b->hi;
  a->at = later(a->at, b->at);
  a->order = b->order;
  drop(s, i + 1);
}

/*
 * Room for two records more, where it takes no more than to forget when neighbours of one fate left and how long their segments were:
 * what goes again must not be taken for more than it is, or the rest of its record would wait for a time-out of its own.
 */
static void squeeze(struct sent *s) {
  for (unsigned i = 0; i + 1 < s->n && s->n + 3u > s->max;) {
    struct sent_rec *a = sent_at(s, i), *b = a + 1;
    if ((a->flags ^ b->flags) & ~(unsigned)SENT_EVER) {
      i++;
      continue;
    }
    a->flags |= b->flags;
    a->size = a->size > b->size ? a->size : b->size;
    join(s, i);
  }
}

void la__sent_again(struct sent *s, uint32_t lo, uint32_t hi, la_time at, bool retrans) {
  if (la__sent_split(s, hi) == SENT_NO_ROOM || la__sent_split(s, lo) == SENT_NO_ROOM)
    squeeze(s);
  la__sent_split(s, hi);
  la__sent_split(s, lo); /* where no record is left, the whole of this one then */
  unsigned i = la__sent_find(s, lo);
  if (i == s->n)
    return;
  struct sent_rec *r = sent_at(s, i);
  la__sent_set(s, i, r->flags | SENT_EVER | (retrans ? SENT_RETRANS : 0u));
  r->at = at;
  r->order = order(s, lo, hi);
  if (i > 0 && joinable(s, r - 1, r))
    join(s, i - 1);
}

void la__sent_cut(struct sent *s, uint32_t seq) {
  struct sent_rec *r = sent_at(s, 0);
  LA_CHECK(s->n && seq_leq(seq, r->hi) && seq_gt(seq, r->lo));
  count(s, r->flags, r->lo - seq);
  r->lo = seq;
  if (r->lo != r->hi)
    return;
  s->head = (uint16_t)(s->head + 1);
  if (--s->n == 0)
    s->head = 0;
}

void la__sent_tidy(struct sent *s) {
  unsigned k = 0;
  for (unsigned i = 1; i < s->n; i++) {
    struct sent_rec *a = sent_at(s, k), *b = sent_at(s, i);
    if (joinable(s, a, b)) {
      a->hi = b->hi;
      a->at = later(a->at, b->at);
      a->order = b->order;
    } else if (++k != i) {
      *sent_at(s, k) = *b;
    }
  }
  if (s->n)
    s->n = (uint16_t)(k + 1);
}

uint32_t la__sent_collapse(struct sent *s, unsigned i, uint32_t most) {
  const struct sent_rec *r = sent_at(s, i);
  uint32_t n = 0;
  for (unsigned j = i; j < s->n; j++) { /* whole segments only */
    const struct sent_rec *b = sent_at(s, j);
    uint32_t left = most - n, fit = length(b) <= left ? length(b) : left / b->size * b->size;
    if ((b->flags ^ r->flags) & ~(unsigned)SENT_EVER)
      break;
    n += fit;
    if (fit != length(b))
      break;
  }
  if (n <= r->size) { /* nothing to join: one as it was, or what the path takes of it */
    n = length(r) < r->size ? length(r) : r->size;
    return n < most ? n : most;
  }
  uint32_t hi = r->lo + n;
  if (la__sent_split(s, hi) == SENT_NO_ROOM)
    return r->size;
  while (sent_at(s, i)->hi != hi) {
    sent_at(s, i)->flags |= sent_at(s, i + 1)->flags;
    join(s, i);
  }
  sent_at(s, i)->size = (uint16_t)n;
  return n;
}

int la__sent_next(const struct sent *s) {
  if (s->again)
    for (unsigned i = 0; i < s->n; i++)
      if ((sent_at(s, i)->flags & (SENT_LOST | SENT_RETRANS)) == SENT_LOST)
        return (int)i;
  return -1;
}

uint32_t la__sent_segments(const struct sent *s, unsigned flags) {
  uint32_t n = 0;
  for (unsigned i = 0; i < s->n; i++)
    if ((sent_at(s, i)->flags & flags) == flags)
      n += sent_segments_of(sent_at(s, i));
  return n;
}
