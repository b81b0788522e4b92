/* SPDX-License-Identifier: MIT */
#include "capture/flows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/siphash.h"

enum { FIRST_BUCKETS = 4096, SLAB_FLOWS = 64 };

/* Both ends, the lower one first, so that both directions have one key. */
struct key {
  uint8_t addr[2][16];
  uint16_t port[2];
  uint32_t family;
};
struct slab { /* its connections begin with a line of the cache */
  struct flow conn[SLAB_FLOWS];
  struct slab *next;
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

static void make_key(struct key *k, const struct seg *s) {
  size_t n = s->family == 4 ? 4 : 16;
  int order = memcmp(s->src, s->dst, n);
  unsigned swap = order > 0 || (order == 0 && s->sport > s->dport);
  memset(k, 0, sizeof *k);
  memcpy(k->addr[swap], s->src, n);
  memcpy(k->addr[!swap], s->dst, n);
  k->port[swap] = s->sport;
  k->port[!swap] = s->dport;
  k->family = s->family;
}

/* IPv4's addresses are short, and most of the time is SipHash's. */
static uint64_t seg_hash(const struct flows *f, const struct seg *s) {
  struct key k;
  uint8_t four[12];
  make_key(&k, s);
  if (k.family != 4)
    return la__siphash13(f->key, &k, sizeof k);
  memcpy(four, k.addr[0], 4);
  memcpy(four + 4, k.addr[1], 4);
  memcpy(four + 8, k.port, 4);
  return la__siphash13(f->key, four, sizeof four);
}

/* Which end of c sent the segment; 2: another connection's. */
static unsigned sender(const struct flow *c, const struct seg *s) {
  size_t n = s->family == 4 ? 4 : 16;
  if (c->family != s->family)
    return 2;
  for (unsigned i = 0; i < 2; i++)
    if (c->end[i].port == s->sport && c->end[!i].port == s->dport && memcmp(c->end[i].addr, s->src, n) == 0 &&
        memcmp(c->end[!i].addr, s->dst, n) == 0)
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
  for (struct flow *c = f->oldest; c; c = c->next) {
    c->chain = b[c->hash & (n - 1)];
    b[c->hash & (n - 1)] = c;
  }
  free(f->bucket);
  f->bucket = b;
  f->nbuckets = n;
}

static struct flow *take(struct flows *f) {
  if (!f->spare) {
    struct slab *s = aligned_alloc(64, sizeof *s);
    if (!s)
      return NULL;
    s->next = f->slabs;
    f->slabs = s;
    for (size_t i = 0; i < SLAB_FLOWS; i++) {
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
  c->prev = f->newest;
  *(f->newest ? &f->newest->next : &f->oldest) = c;
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

static void retire(struct flows *f, struct flow *c) {
  struct flow **at = &f->bucket[c->hash & (f->nbuckets - 1)];
  while (*at != c)
    at = &(*at)->chain;
  *at = c->chain;
  *(c->prev ? &c->prev->next : &f->oldest) = c->next;
  *(c->next ? &c->next->prev : &f->newest) = c->prev;
  unqueue(c);
  f->nconns--;
  f->done(f->ctx, c);
  c->chain = f->spare;
  f->spare = c;
}

/* An attempt that nobody answered is over when its sender must have given up. */
static bool attempt(const struct flow *c) {
  return c->over == OVER_NOT && (!c->end[0].segs || !c->end[1].segs) && c->end[0].syns + c->end[1].syns;
}

static void expire_from(struct flows *f, struct flow_queue *q, size_t most, la_time life) {
  while (q->first && (q->n > most || f->now - q->first->last.at >= life)) {
    retire(f, q->first);
    if (q->first && q->first->waits) /* it has not been touched for long */
      LA__FLOW_PREFETCH(q->first->waits);
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
  struct flow *c = find(f, s, hash, &from);
  if (c && la__flow_ends_with(c, from, s)) {
    c->reused = (struct flow_mark){p->frame, p->at};
    c->reused_by = f->stats.connections + 1;
    c->superseded = c->over == OVER_NOT;
    reuses = c->id;
    retire(f, c);
    c = NULL;
  }
  if (!c) {
    if (!(c = add(f, p, s, hash)))
      return;
    c->reuses = reuses;
    from = 0;
  }
  look_for_nat(f, c, s);
  la__flow_segment(c, from, p, s);
  enqueue(c->over != OVER_NOT ? &f->over : attempt(c) ? &f->attempts : NULL, c);
}

static void icmp(struct flows *f, const struct packet *p, const struct seg *s) {
  unsigned from;
  struct flow *c = find(f, s, seg_hash(f, s), &from);
  if (c)
    la__flow_icmp(c, from, p, s);
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
 * of a batch are decoded first and their buckets asked for, then the connections that are first in these; then they are taken in, in order.
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

void la__flows_finish(struct flows *f) {
  while (f->oldest)
    retire(f, f->oldest);
}
