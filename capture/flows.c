/* SPDX-License-Identifier: MIT */
#include "capture/flows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { FIRST_BUCKETS = 4096, FIRST_FLOWS = 64, HUGE_PAGE = 2 << 20 };

struct slab { /* its connections begin with a line of the cache */
  _Alignas(64) struct slab *next;
  struct flow conn[];
};

bool la__flows_init(struct flows *f, void (*done)(void *ctx, struct flow *c), void *ctx) {
  *f = (struct flows){.done = done, .ctx = ctx, .nbuckets = FIRST_BUCKETS};
  if (getrandom(f->key, sizeof f->key, 0) != (ssize_t)sizeof f->key) /* whoever wrote the capture does not know it */
    return false;
  f->bucket = calloc(f->nbuckets, sizeof *f->bucket);
  f->pieces = la__pieces_new();
  if (f->bucket && f->pieces)
    return true;
  la__flows_free(f);
  return false;
}

void la__flows_free(struct flows *f) {
  for (struct slab *s = f->slabs, *next; s; s = next) {
    next = s->next;
    free(s);
  }
  free(f->bucket);
  la__pieces_free(f->pieces);
  *f = (struct flows){0};
}

static inline uint32_t word(const uint8_t *p) {
  uint32_t w;
  memcpy(&w, p, sizeof w);
  return w;
}

/*
 * Multilinear (Carter, Wegman 1979; Thorup 2015, 3.4): the upper half of a sum of 32-bit words times random 64-bit keys. Two pairs meet
 * with a probability of 2^-32, whoever chose them, as long as he does not know the keys. Either direction of a pair has the same words.
 */
static uint64_t seg_hash(const struct flows *f, const struct seg *s) {
  size_t n = s->family == 4 ? 1 : 4;
  const uint8_t *lo = s->src, *hi = s->dst;
  uint32_t a = s->sport, b = s->dport;
  int order = n == 1 ? (word(lo) > word(hi)) - (word(lo) < word(hi)) : memcmp(lo, hi, 16);
  if (order > 0 || (order == 0 && a > b)) {
    lo = s->dst;
    hi = s->src;
    a = s->dport;
    b = s->sport;
  }
  uint64_t h = f->key[8] * (a << 16 | b) + n;
  for (size_t i = 0; i < n; i++)
    h += f->key[i] * word(lo + 4 * i) + f->key[4 + i] * word(hi + 4 * i);
  return h >> 32;
}

static inline bool same(const uint8_t *a, const uint8_t *b, unsigned family) {
  return word(a) == word(b) && (family == 4 || memcmp(a + 4, b + 4, 12) == 0);
}

/* Which end of c sent the segment; 2: another connection's. */
static inline unsigned sender(const struct flow *c, const struct seg *s) {
  if (c->family != s->family)
    return 2;
  for (unsigned i = 0; i < 2; i++)
    if (c->end[i].port == s->sport && c->end[!i].port == s->dport && same(c->end[i].addr, s->src, s->family) &&
        same(c->end[!i].addr, s->dst, s->family))
      return i;
  return 2;
}

static struct flow *find(struct flows *f, const struct seg *s, uint64_t hash, unsigned *from) {
  for (struct flow *c = f->bucket[hash & (f->nbuckets - 1)]; c; c = c->chain)
    if (c->hash == hash && (*from = sender(c, s)) != 2)
      return c;
  return NULL;
}

static void grow(struct flows *f) {
  size_t n = f->nbuckets * 2;
  struct flow **b = calloc(n, sizeof *b);
  if (!b)
    return; /* longer chains will do */
  for (size_t i = 0; i < f->nbuckets; i++)
    for (struct flow *c = f->bucket[i], *next; c; c = next) {
      next = c->chain;
      c->chain = b[c->hash & (n - 1)];
      b[c->hash & (n - 1)] = c;
    }
  free(f->bucket);
  f->bucket = b;
  f->nbuckets = n;
}

static struct flow *take(struct flows *f) {
  if (!f->spare) {
    size_t n = f->slabs ? (HUGE_PAGE - sizeof(struct slab)) / sizeof(struct flow) : FIRST_FLOWS;
    struct slab *s = f->slabs ? aligned_alloc(HUGE_PAGE, HUGE_PAGE) : aligned_alloc(64, sizeof *s + n * sizeof *s->conn);
    if (!s)
      return NULL;
    if (f->slabs) /* connections are met in no order: half of the time would go into looking up where pages are */
      madvise(s, HUGE_PAGE, MADV_HUGEPAGE);
    s->next = f->slabs;
    f->slabs = s;
    for (size_t i = n; i-- > 0;) {
      s->conn[i].chain = f->spare;
      f->spare = &s->conn[i];
    }
  }
  struct flow *c = f->spare;
  f->spare = c->chain;
  memset(c, 0, sizeof *c);
  return c;
}

static struct flow *add(struct flows *f, const struct packet *p, const struct seg *s, uint64_t hash) {
  if (f->nconns >= f->nbuckets / 2)
    grow(f);
  struct flow *c = take(f);
  if (!c) {
    f->out_of_memory = true;
    return NULL;
  }
  la__flow_init(c, p, s);
  c->id = ++f->stats.connections;
  c->hash = hash;
  c->chain = f->bucket[hash & (f->nbuckets - 1)];
  f->bucket[hash & (f->nbuckets - 1)] = c;
  f->newest = c;
  if (++f->nconns > f->stats.open_max)
    f->stats.open_max = f->nconns;
  return c;
}

static void unqueue(struct flow *c) {
  struct flow_queue *q = c->queue;
  if (!q)
    return;
  *(c->waited ? &c->waited->waits : &q->first) = c->waits;
  *(c->waits ? &c->waits->waited : &q->last) = c->waited;
  c->queue = NULL;
  q->n--;
}

/* At its end; NULL: in none. */
static void enqueue(struct flow_queue *q, struct flow *c) {
  if (q && q->last == c)
    return;
  unqueue(c);
  if (!q)
    return;
  c->queue = q;
  c->waits = NULL;
  c->waited = q->last;
  *(q->last ? &q->last->waits : &q->first) = c;
  q->last = c;
  q->n++;
}

/* A connection that waits has not been touched for long: the next one to go comes into the cache in two steps, its links first. */
static void fetch_waiting(const struct flows *f, const struct flow_queue *q) {
  const struct flow *next = q->first ? q->first->waits : NULL;
  if (!next)
    return;
  if (next->waits)
    __builtin_prefetch(next->waits, 1);
  __builtin_prefetch(&f->bucket[next->hash & (f->nbuckets - 1)], 1);
  FLOW_FETCH(&next->family, &next->zeek);
}

static void retire(struct flows *f, struct flow *c) {
  struct flow **at = &f->bucket[c->hash & (f->nbuckets - 1)];
  while (*at != c)
    at = &(*at)->chain;
  *at = c->chain;
  if (f->newest == c)
    f->newest = NULL;
  unqueue(c);
  f->nconns--;
  if (!c->given)
    f->done(f->ctx, c);
  c->chain = f->spare;
  f->spare = c;
}

/* An attempt that nobody answered is over when its sender must have given up. */
static bool attempt(const struct flow *c) {
  return c->over == OVER_NOT && (!c->end[0].segs || !c->end[1].segs) && c->end[0].syns + c->end[1].syns;
}

static inline void expire_from(struct flows *f, struct flow_queue *q, size_t most, la_time life) {
  while (q->first && (q->n > most || f->now - q->first->last.at >= life)) {
    retire(f, q->first);
    fetch_waiting(f, q);
  }
}

/* It stays, for late segments and for who takes its pair. */
static void give_ended(struct flows *f) {
  for (struct flow *c; (c = f->ended.first) && (f->ended.n > FLOWS_WAITING || f->now - c->last.at >= FLOWS_LINGER);) {
    f->done(f->ctx, c);
    c->given = true;
    enqueue(&f->over, c);
  }
}

static void expire(struct flows *f) {
  expire_from(f, &f->over, FLOWS_WAITING, FLOWS_2MSL);
  expire_from(f, &f->attempts, FLOWS_ATTEMPTS, FLOWS_SYN_LIFE);
}

/* The same SYN or SYN-ACK with other addresses, within a second: something on the way rewrites them. */
static void look_for_nat(struct flows *f, struct flow *c, const struct seg *s) {
  if (!(s->flags & LA_SYN))
    return;
  bool answers = (s->flags & LA_ACK) != 0;
  struct flow_syn *o = &f->syn[(s->seq ^ s->seq >> 16) % FLOWS_SYNS];
  if (o->id && o->isn == s->seq && o->ts == s->ts_val && o->hash != c->hash && o->answers == answers && f->now - o->at < LA_SEC)
    c->nat_of = c->nat_of ? c->nat_of : o->id;
  else
    *o = (struct flow_syn){s->seq, s->ts_val, f->now, c->id, c->hash, answers};
}

static void tcp(struct flows *f, const struct packet *p, const struct seg *s, uint64_t hash) {
  unsigned from = 0;
  uint64_t reuses = 0;
  bool after_time_wait = false;
  struct flow *c = find(f, s, hash, &from);
  if (c && la__flow_ends_with(c, from, s)) {
    c->reused = (struct flow_mark){p->frame, p->at};
    c->reused_by = f->stats.connections + 1;
    c->superseded = c->over == OVER_NOT;
    reuses = c->id;
    after_time_wait = c->over == OVER_RELEASED && p->at - c->last.at < FLOWS_2MSL;
    retire(f, c);
    c = NULL;
  }
  if (!c) {
    if (!(c = add(f, p, s, hash)))
      return;
    c->reuses = reuses;
    c->after_time_wait = after_time_wait;
    from = 0;
  }
  look_for_nat(f, c, s);
  la__flow_segment(c, from, p, s);
  if (f->seen && !c->given)
    f->seen(f->ctx, c, from, p, s);
  if (c->over != OVER_NOT)
    enqueue(f->live && !c->given ? &f->ended : &f->over, c);
  else
    enqueue(attempt(c) ? &f->attempts : NULL, c);
}

static void icmp(struct flows *f, const struct packet *p, const struct seg *s) {
  unsigned from;
  struct flow *c = find(f, s, seg_hash(f, s), &from);
  if (!c)
    return;
  la__flow_icmp(c, from, p, s);
  if (f->seen && !c->given)
    f->seen(f->ctx, c, from, p, s);
}

static void take_in(struct flows *f, const struct packet *p, enum decoded d, struct seg *s, uint64_t hash) {
  f->stats.frames++;
  if (p->drops > f->stats.drops)
    f->stats.drops = p->drops;
  if (p->at > f->now)
    f->now = p->at;
  if (d == DECODE_FRAGMENT) {
    f->stats.fragments++;
    d = la__pieces_add(f->pieces, f->now, s);
    hash = d == DECODE_TCP ? seg_hash(f, s) : 0;
  }
  switch (d) {
  case DECODE_TCP:
    f->stats.tcp++;
    tcp(f, p, s, hash);
    expire(f);
    break;
  case DECODE_ICMP:
    icmp(f, p, s);
    break;
  case DECODE_CUT:
    f->stats.cut++;
    break;
  case DECODE_MALFORMED:
    f->stats.malformed++;
    break;
  case DECODE_LINK:
    f->stats.unknown_link++;
    break;
  default:
    f->stats.other++;
  }
}

/*
 * Most of the time would be spent waiting for memory: with many connections each segment meets one that has long left the cache. So all
 * of a batch are decoded first and their buckets asked for, then the connections that are first in these; they are taken in in order.
 */
void la__flows_batch(struct flows *f, const struct packet *p, size_t n) {
  struct seg s[FLOWS_BATCH];
  enum decoded d[FLOWS_BATCH];
  uint64_t hash[FLOWS_BATCH];
  for (size_t i = 0; i < n; i++) {
    d[i] = la__decode(&p[i], &s[i]);
    if (d[i] == DECODE_TCP) {
      hash[i] = seg_hash(f, &s[i]);
      __builtin_prefetch(&f->bucket[hash[i] & (f->nbuckets - 1)]);
    }
  }
  for (size_t i = 0; i < n && n > 1; i++) {
    const struct flow *c = d[i] == DECODE_TCP ? f->bucket[hash[i] & (f->nbuckets - 1)] : NULL;
    if (c)
      LA__FLOW_PREFETCH(c);
  }
  for (size_t i = 0; i < n; i++)
    take_in(f, &p[i], d[i], &s[i], hash[i]);
}

void la__flows_packet(struct flows *f, const struct packet *p) { la__flows_batch(f, p, 1); }

/* Whose end was not captured would stay for ever. */
static void sweep(struct flows *f) {
  for (size_t i = 0; i < f->nbuckets; i++)
    for (struct flow *c = f->bucket[i], *next; c; c = next) {
      next = c->chain;
      if (f->now > c->last.at && f->now - c->last.at >= FLOWS_SILENT)
        retire(f, c);
    }
  f->swept = f->now;
}

void la__flows_live(struct flows *f, la_time now) {
  if (now > f->now)
    f->now = now;
  give_ended(f);
  expire(f);
  if (f->now - f->swept >= FLOWS_SWEEP)
    sweep(f);
}

static int by_age(const void *a, const void *b) {
  const struct flow *const *p = a, *const *q = b;
  return (*p)->id < (*q)->id ? -1 : 1;
}

void la__flows_finish(struct flows *f) {
  size_t n = f->nconns, k = 0;
  struct flow **all = malloc((n ? n : 1) * sizeof *all);
  for (size_t i = 0; i < f->nbuckets; i++)
    for (struct flow *c = f->bucket[i], *next; c; c = next) {
      next = c->chain;
      if (all)
        all[k++] = c;
      else /* then in any order */
        retire(f, c);
    }
  if (all)
    qsort(all, k, sizeof *all, by_age);
  for (size_t i = 0; i < k; i++)
    retire(f, all[i]);
  free(all);
}
