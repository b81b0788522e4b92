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
struct slab {
  struct slab *next;
  struct flow conn[SLAB_FLOWS];
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

static unsigned make_key(struct key *k, const struct seg *s) {
  size_t n = s->family == 4 ? 4 : 16;
  int order = memcmp(s->src, s->dst, n);
  unsigned swap = order > 0 || (order == 0 && s->sport > s->dport);
  memset(k, 0, sizeof *k);
  memcpy(k->addr[swap], s->src, n);
  memcpy(k->addr[!swap], s->dst, n);
  k->port[swap] = s->sport;
  k->port[!swap] = s->dport;
  k->family = s->family;
  return swap;
}

/* IPv4's addresses are short, and most of the time is SipHash's. */
static uint64_t key_hash(const struct flows *f, const struct key *k) {
  uint8_t four[12];
  if (k->family != 4)
    return la__siphash13(f->key, k, sizeof *k);
  memcpy(four, k->addr[0], 4);
  memcpy(four + 4, k->addr[1], 4);
  memcpy(four + 8, k->port, 4);
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
    struct slab *s = malloc(sizeof *s);
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
  if (f->nconns >= f->nbuckets)
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

static void unqueue(struct flows *f, struct flow *c) {
  if (!c->queued)
    return;
  *(c->waited ? &c->waited->waits : &f->over_first) = c->waits;
  *(c->waits ? &c->waits->waited : &f->over_last) = c->waited;
  c->queued = false;
  f->nover--;
}

static void queue(struct flows *f, struct flow *c) {
  c->queued = true;
  c->waits = NULL;
  c->waited = f->over_last;
  *(f->over_last ? &f->over_last->waits : &f->over_first) = c;
  f->over_last = c;
  f->nover++;
}

static void retire(struct flows *f, struct flow *c) {
  struct flow **at = &f->bucket[c->hash & (f->nbuckets - 1)];
  while (*at != c)
    at = &(*at)->chain;
  *at = c->chain;
  *(c->prev ? &c->prev->next : &f->oldest) = c->next;
  *(c->next ? &c->next->prev : &f->newest) = c->prev;
  unqueue(f, c);
  f->nconns--;
  f->done(f->ctx, c);
  c->chain = f->spare;
  f->spare = c;
}

/* An attempt that nobody answered is over when its sender must have given up. */
static bool attempt(const struct flow *c) {
  return c->over == OVER_NOT && (!c->end[0].segs || !c->end[1].segs) && c->end[0].syns + c->end[1].syns;
}

static void expire(struct flows *f) {
  while (f->over_first) {
    struct flow *c = f->over_first;
    la_time life = attempt(c) ? FLOWS_SYN_LIFE : FLOWS_2MSL;
    if (f->nover <= FLOWS_WAITING && f->now - c->last.at < life)
      return;
    retire(f, c);
  }
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

static void tcp(struct flows *f, const struct packet *p, const struct seg *s) {
  struct key k;
  unsigned from = 0;
  make_key(&k, s);
  uint64_t hash = key_hash(f, &k), reuses = 0;
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
  bool waits = c->over != OVER_NOT || attempt(c);
  if (waits && c->queued && f->over_last != c)
    unqueue(f, c);
  if (waits && !c->queued)
    queue(f, c);
  else if (!waits)
    unqueue(f, c);
}

static void icmp(struct flows *f, const struct packet *p, const struct seg *s) {
  struct key k;
  unsigned from;
  make_key(&k, s);
  struct flow *c = find(f, s, key_hash(f, &k), &from);
  if (c)
    la__flow_icmp(c, from, p, s);
}

void la__flows_packet(struct flows *f, const struct packet *p) {
  struct seg s;
  f->stats.frames++;
  if (p->drops > f->stats.drops)
    f->stats.drops = p->drops;
  if (p->at > f->now)
    f->now = p->at;
  enum decoded d = la__decode(p, &s);
  if (d == DECODE_FRAGMENT) {
    f->stats.fragments++;
    d = la__pieces_add(f->pieces, f->now, &s);
  }
  switch (d) {
  case DECODE_TCP:
    f->stats.tcp++;
    tcp(f, p, &s);
    expire(f);
    break;
  case DECODE_ICMP:
    icmp(f, p, &s);
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

void la__flows_finish(struct flows *f) {
  while (f->oldest)
    retire(f, f->oldest);
}
