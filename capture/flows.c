/* SPDX-License-Identifier: MIT */
#include "capture/flows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { FIRST_BUCKETS = 4096, FIRST_SLAB = 1 << 17, HUGE_PAGE = 2 << 20, FLOWS_AHEAD = 16 };

struct slab { /* its connections begin with a line of the cache */
  _Alignas(64) struct slab *next;
  size_t bytes;
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
    munmap(s, s->bytes);
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
static uint32_t seg_hash(const struct flows *f, const struct seg *s) {
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
  return (uint32_t)(h >> 32);
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

static struct flow *find(struct flows *f, const struct seg *s, uint32_t hash, unsigned *from) {
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

/*
 * Straight from the system, so that what is there is 0 and nobody has to see to it; at a huge page's border, because connections are met in
 * no order, and half of the time would go into looking up where pages are.
 */
static bool more(struct flows *f) {
  size_t n = f->slabs ? HUGE_PAGE : FIRST_SLAB, room = f->slabs ? 2 * HUGE_PAGE : FIRST_SLAB;
  char *all = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED)
    return false;
  char *p = room > n ? (char *)(((uintptr_t)all + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1)) : all;
  if (p > all)
    munmap(all, (size_t)(p - all));
  if (all + room > p + n)
    munmap(p + n, (size_t)(all + room - p) - n);
  if (n == HUGE_PAGE)
    madvise(p, n, MADV_HUGEPAGE);
  struct slab *s = (struct slab *)(void *)p;
  s->next = f->slabs;
  s->bytes = n;
  f->slabs = s;
  f->fresh = s->conn;
  f->fresh_end = s->conn + (n - sizeof *s) / sizeof *s->conn;
  return true;
}

static struct flow *take(struct flows *f) {
  struct flow *c = f->spare;
  if (c) {
    f->spare = c->chain;
    memset(c, 0, sizeof *c);
    return c;
  }
  return f->fresh != f->fresh_end || more(f) ? f->fresh++ : NULL;
}

static struct flow *add(struct flows *f, const struct packet *p, const struct seg *s, uint32_t hash) {
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
  if (!f->keeps)
    FLOW_FETCH(&next->family, &next->zeek);
}

void la__flows_back(struct flows *f, struct flow *c) {
  c->chain = f->spare;
  f->spare = c;
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
  if (!f->keeps || c->given)
    la__flows_back(f, c);
}

/* An attempt that nobody answered is over when its sender must have given up. */
static bool attempt(const struct flow *c) {
  return c->over == OVER_NOT && (!c->end[0].segs || !c->end[1].segs) && c->end[0].syns + c->end[1].syns;
}

static void expire_some(struct flows *f, struct flow_queue *q, size_t most, la_time life) {
  while (q->first && (q->n > most || f->now - q->first->last.at >= life)) {
    retire(f, q->first);
    fetch_waiting(f, q);
  }
  q->since = q->first ? q->first->last.at : f->now;
}

/* Mostly without a look at the first one, which has long left the cache. */
static inline void expire_from(struct flows *f, struct flow_queue *q, size_t most, la_time life) {
  if (q->n > most || f->now - q->since >= life)
    expire_some(f, q, most, life);
}

/* It stays, for late segments and for who takes its pair. */
static void give_ended(struct flows *f) {
  for (struct flow *c; (c = f->ended.first) && (f->ended.n > FLOWS_WAITING || f->now - c->last.at >= FLOWS_LINGER);) {
    f->done(f->ctx, c);
    c->given = true;
    enqueue(&f->over, c);
    f->over.since = c->last.at < f->over.since ? c->last.at : f->over.since;
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

static void tcp(struct flows *f, const struct packet *p, const struct seg *s, uint32_t hash) {
  unsigned from = 0;
  uint64_t reuses = 0;
  bool after_time_wait = false;
  struct flow *c = find(f, s, hash, &from);
  if (c && la__flow_ends_with(c, from, s)) {
    la_time at = p->at > c->last_at ? p->at : c->last_at;
    c->reused = (struct flow_mark){p->frame, at};
    c->reused_by = f->stats.connections + 1;
    c->superseded = c->over == OVER_NOT;
    reuses = c->id;
    after_time_wait = c->over == OVER_RELEASED && at - c->last.at < FLOWS_2MSL;
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

static void take_in(struct flows *f, const struct packet *p, struct flows_seg *s) {
  enum decoded what = (enum decoded)s->what;
  f->stats.frames++;
  if (p->drops > f->stats.drops)
    f->stats.drops = p->drops;
  if (p->at > f->now)
    f->now = p->at;
  if (what == DECODE_FRAGMENT) {
    f->stats.fragments++;
    what = la__pieces_add(f->pieces, f->now, &s->s);
    s->hash = what == DECODE_TCP ? seg_hash(f, &s->s) : 0;
  }
  switch (what) {
  case DECODE_TCP:
    f->stats.tcp++;
    tcp(f, p, &s->s, s->hash);
    expire(f);
    break;
  case DECODE_ICMP:
    icmp(f, p, &s->s);
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

void la__flows_decode(const struct flows *f, const struct packet *p, struct flows_seg *s) {
  s->what = la__decode(p, &s->s);
  s->hash = s->what == DECODE_TCP ? seg_hash(f, &s->s) : 0;
}

/*
 * Most of the time would be spent waiting for memory: with many connections each segment meets one that has long left the cache. So the
 * bucket of a later segment is asked for, and of a less late one the connection that is first in it.
 */
void la__flows_take(struct flows *f, const struct packet *p, struct flows_seg *s, size_t n) {
  for (size_t i = 0; i < n + FLOWS_AHEAD; i++) {
    if (i < n)
      __builtin_prefetch(&f->bucket[s[i].hash & (f->nbuckets - 1)]);
    if (i >= FLOWS_AHEAD / 2 && i - FLOWS_AHEAD / 2 < n) {
      const struct flow *c = f->bucket[s[i - FLOWS_AHEAD / 2].hash & (f->nbuckets - 1)];
      if (c)
        LA__FLOW_PREFETCH(c);
    }
    if (i >= FLOWS_AHEAD)
      take_in(f, &p[i - FLOWS_AHEAD], &s[i - FLOWS_AHEAD]);
  }
}

void la__flows_batch(struct flows *f, const struct packet *p, size_t n) {
  struct flows_seg s[FLOWS_BATCH];
  for (size_t i = 0; i < n; i++)
    la__flows_decode(f, &p[i], &s[i]);
  la__flows_take(f, p, s, n);
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

static void end_of_capture(struct flows *f, struct flow *c) {
  c->at_end = true;
  c->broken = f->broken;
  retire(f, c);
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
        end_of_capture(f, c);
    }
  if (all)
    qsort(all, k, sizeof *all, by_age);
  for (size_t i = 0; i < k; i++)
    end_of_capture(f, all[i]);
  free(all);
}
