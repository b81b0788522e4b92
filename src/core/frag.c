/* SPDX-License-Identifier: MIT */
/*
 * Reassembly: RFC 791, RFC 815's problem without its descriptors, RFC 8200 4.5, RFC 5722, RFC 6946.
 *
 * A record for each datagram under way: the byte runs that came, in order, and chunks of the pool where they lie at their
 * own offset. When they cover 0 to the end that the last fragment told, the payload is copied behind a plain header and takes the
 * ordinary way through rx.c. What we send is never fragmented, so this is the only place that knows of fragments.
 *
 * Bounds: la_config.frag_datagrams records, frag_bytes of chunks, FRAG_PIECES runs a datagram, frag_time4 and frag_time6 from the
 * first arrival on, whatever comes later. Past the first two a random datagram is evicted: whoever floods hits mostly his own.
 *
 * Overlaps: any drops the whole datagram, over IPv6 because RFC 5722 demands it, over IPv4 because no choice of a winner is
 * safe: sender, firewall and host would have to agree on it (RFC 1858, 3128). An exact copy of a fragment is no overlap. What was
 * dropped so stays on record until its time is over, so that fragments still under way find it dead.
 */
#include "core/frag.h"

#include "base/bytes.h"
#include "base/siphash.h"
#include "core/stack.h"

enum { PIECES = 128, CHUNKS = 16, HEAD_MAX = 64, PER_BLOCK = 16, QUOTE_MAX = 1280 };
enum { NEXT_HOP_BY_HOP = 0, NEXT_FRAGMENT = 44, PAYLOAD_LENGTH_AT = 4 };

struct frag {
  struct fifo_link fifo;
  la_time due;
  la_addr src, dst;
  uint32_t id, zone, next; /* next: in its bucket */
  uint32_t got, total;     /* bytes that came; all of them, 0 while the last fragment is missing */
  uint16_t n;
  uint8_t proto, ttl, tos; /* of the first fragment; IPv4's proto is part of the name */
  uint8_t bucket, link;
  bool dead;
  uint8_t ecn;      /* bit i: a fragment came whose ECN field was i */
  uint8_t head_len; /* bytes of `head`; 0: the first fragment has not come */
  uint8_t head[HEAD_MAX];
  struct {
    uint16_t lo, hi;
  } piece[PIECES]; /* ordered, disjoint */
  struct chunk *chunk[CHUNKS];
};

static struct fifo_link *frag_link(void *ctx, uint32_t i) { return &((struct frag *)la__slab_at(ctx, i))->fifo; }
static struct frag *at(const struct frags *f, uint32_t i) { return la__slab_at(&f->slab, i); }

void la__frags_init(la_stack *s) {
  struct frags *f = &s->frags;
  la__slab_init(&f->slab, &s->mem, (sizeof(struct frag) + 7) & ~7u, PER_BLOCK, s->tcp.cfg.frag_datagrams + 1);
  for (unsigned i = 0; i < 2; i++)
    la__fifo_init(&f->list[i], frag_link, &f->slab);
  for (unsigned i = 0; i < FRAG_BUCKETS; i++)
    f->bucket[i] = SLAB_NONE;
}

static void drop_chunks(la_stack *s, struct frag *d) {
  for (unsigned i = 0; i < CHUNKS; i++)
    if (d->chunk[i]) {
      la__chunk_unref(&s->tcp.chunks, d->chunk[i]);
      d->chunk[i] = 0;
      s->frags.chunks--;
    }
}

void la__frags_done(la_stack *s) {
  struct slab *slab = &s->frags.slab;
  for (uint32_t i = la__slab_next(slab, 0); i != SLAB_NONE; i = la__slab_next(slab, i + 1))
    drop_chunks(s, at(&s->frags, i));
  la__slab_done(slab);
}

static void forget(la_stack *s, uint32_t index) {
  struct frags *f = &s->frags;
  struct frag *d = at(f, index);
  drop_chunks(s, d);
  uint32_t *p = &f->bucket[d->bucket];
  while (*p != index)
    p = &at(f, *p)->next;
  *p = d->next;
  la__fifo_del(&f->list[d->src.family == 6], index);
  la__slab_del(&f->slab, index);
}

static unsigned bucket_of(const la_stack *s, const struct ip_hdr *h, uint32_t zone) {
  uint8_t in[41];
  memcpy(in, h->src.b, 16);
  memcpy(in + 16, h->dst.b, 16);
  be32_put(in + 32, h->frag_id);
  be32_put(in + 36, zone);
  in[40] = h->src.family == 4 ? h->proto : 0;
  return (unsigned)(la__siphash13(s->tcp.key_table, in, sizeof in) % FRAG_BUCKETS);
}

static uint32_t find(const struct frags *f, unsigned bucket, const struct ip_hdr *h, uint32_t zone) {
  uint32_t i = f->bucket[bucket];
  for (; i != SLAB_NONE; i = at(f, i)->next) {
    const struct frag *d = at(f, i);
    if (d->id == h->frag_id && d->zone == zone && la_addr_same(&d->src, &h->src) && la_addr_same(&d->dst, &h->dst) &&
        (h->src.family == 6 || d->proto == h->proto))
      break;
  }
  return i;
}

/* A random datagram but `keep`, with memory to give when that is asked for. false: there is none. */
static bool evict(la_stack *s, uint32_t keep, bool with_chunks) {
  struct slab *slab = &s->frags.slab;
  uint32_t span = slab->nblocks * slab->per_block, left = slab->used;
  uint32_t i = la__slab_next(slab, span ? la__prng_below(&s->tcp.prng, span) : 0);
  for (; left; left--) {
    if (i == SLAB_NONE)
      i = la__slab_next(slab, 0);
    if (i != keep && (!with_chunks || !at(&s->frags, i)->dead)) {
      s->tcp.stats.frags_evicted++;
      forget(s, i);
      return true;
    }
    i = la__slab_next(slab, i + 1);
  }
  return false;
}

static uint32_t begin(la_stack *s, const struct packet *p, unsigned bucket, uint32_t zone) {
  struct frags *f = &s->frags;
  const struct ip_hdr *h = &p->h;
  bool six = h->src.family == 6;
  if (f->slab.used >= s->tcp.cfg.frag_datagrams && !evict(s, SLAB_NONE, false))
    return SLAB_NONE;
  uint32_t i;
  struct frag *d = la__slab_new(&f->slab, &i);
  if (!d)
    return SLAB_NONE;
  d->due = s->tcp.now + (six ? s->tcp.cfg.frag_time6 : s->tcp.cfg.frag_time4);
  d->src = h->src;
  d->dst = h->dst;
  d->id = h->frag_id;
  d->zone = zone;
  d->proto = h->proto;
  d->link = (uint8_t)p->link;
  d->bucket = (uint8_t)bucket;
  d->next = f->bucket[bucket];
  f->bucket[bucket] = i;
  la__fifo_push(&f->list[six], i);
  return i;
}

static enum la_drop kill(la_stack *s, struct frag *d, enum la_drop why) {
  drop_chunks(s, d);
  d->dead = true;
  return why;
}

/* What is wrong with a fragment by itself; over IPv6 the sender is told (RFC 8200 4.5, RFC 7112 5). */
static bool malformed(la_stack *s, const struct packet *p) {
  const struct ip_hdr *h = &p->h;
  bool six = h->src.family == 6;
  if (h->frag_more && h->len % 8) {
    if (six)
      la__reply_error(s, p, ICMP6_PARAM, ICMP6_PARAM_FIELD, PAYLOAD_LENGTH_AT);
    return true;
  }
  if (six && h->frag_off == 0) {
    if (h->proto == NEXT_HOP_BY_HOP || h->proto == NEXT_FRAGMENT) {
      la__reply_error(s, p, ICMP6_PARAM, ICMP6_PARAM_NEXT_HEADER, h->proto_at);
      return true;
    }
    if (!la__ip6_chain_whole(h, p->data)) {
      la__reply_error(s, p, ICMP6_PARAM, ICMP6_PARAM_CHAIN, 0);
      return true;
    }
  }
  return h->len == 0; /* says nothing, and costs a record */
}

static bool same_bytes(const struct frag *d, uint32_t lo, const uint8_t *p, uint32_t n) {
  while (n) {
    uint32_t off = lo % CHUNK_BYTES, part = CHUNK_BYTES - off < n ? CHUNK_BYTES - off : n;
    if (memcmp(d->chunk[lo / CHUNK_BYTES]->data + off, p, part) != 0)
      return false;
    lo += part;
    p += part;
    n -= part;
  }
  return true;
}

/* Room for the bytes [lo, hi), evicting others. false: there is none. */
static bool reserve(la_stack *s, uint32_t self, uint32_t lo, uint32_t hi) {
  struct frag *d = at(&s->frags, self);
  for (uint32_t i = lo / CHUNK_BYTES; i <= (hi - 1) / CHUNK_BYTES; i++) {
    if (d->chunk[i])
      continue;
    while ((s->frags.chunks + 1) * CHUNK_BYTES > s->tcp.cfg.frag_bytes)
      if (!evict(s, self, true))
        return false;
    d->chunk[i] = la__chunk_new(&s->tcp.chunks);
    if (!d->chunk[i])
      return false;
    s->frags.chunks++;
  }
  return true;
}

static void store(struct frag *d, uint32_t lo, const uint8_t *p, uint32_t n) {
  while (n) {
    uint32_t off = lo % CHUNK_BYTES, part = CHUNK_BYTES - off < n ? CHUNK_BYTES - off : n;
    memcpy(d->chunk[lo / CHUNK_BYTES]->data + off, p, part);
    lo += part;
    p += part;
    n -= part;
  }
}

/* Puts a fragment to its place. LA_DROP_NONE: it is there. */
static enum la_drop insert(la_stack *s, uint32_t self, const struct packet *p) {
  struct frag *d = at(&s->frags, self);
  const struct ip_hdr *h = &p->h;
  const uint8_t *data = p->data + h->hlen;
  uint32_t lo = h->frag_off, hi = lo + h->len;
  unsigned i = 0;
  while (i < d->n && d->piece[i].hi <= lo)
    i++;
  if (i < d->n && d->piece[i].lo < hi) {
    bool copy = d->piece[i].lo == lo && d->piece[i].hi == hi && h->frag_more == (hi != d->total) && same_bytes(d, lo, data, h->len);
    return copy ? LA_DROP_DUP_FRAG : kill(s, d, LA_DROP_FRAG_OVERLAP);
  }
  bool past_end = d->total && (h->frag_more ? hi >= d->total : hi != d->total);
  bool end_too_low = !h->frag_more && d->n && d->piece[d->n - 1].hi > hi;
  if (past_end || end_too_low)
    return kill(s, d, LA_DROP_FRAG_OVERLAP);
  if (d->n == PIECES)
    return kill(s, d, LA_DROP_FRAGMENT);
  if (!reserve(s, self, lo, hi))
    return LA_DROP_NOMEM;
  store(d, lo, data, h->len);
  memmove(&d->piece[i + 1], &d->piece[i], (d->n - i) * sizeof d->piece[0]);
  d->piece[i].lo = (uint16_t)lo;
  d->piece[i].hi = (uint16_t)hi;
  d->n++;
  d->got += h->len;
  d->ecn |= (uint8_t)(1u << (h->tos & IP_ECN_MASK));
  if (!h->frag_more)
    d->total = hi;
  if (lo == 0) {
    d->proto = h->proto;
    d->ttl = h->ttl;
    d->tos = h->tos;
    d->head_len = (uint8_t)(h->hlen <= HEAD_MAX ? h->hlen : 0);
    memcpy(d->head, p->data, d->head_len);
  }
  return LA_DROP_NONE;
}

/* All is there: the packet as if it had come in one piece, but for its options and extension headers, which have had their say. */
static void complete(la_stack *s, uint32_t self) {
  struct frag *d = at(&s->frags, self);
  struct ip_hdr h = {.src = d->src, .dst = d->dst, .proto = d->proto, .ttl = d->ttl, .tos = d->tos, .len = d->total};
  if (d->ecn >> IP_CE & 1) { /* RFC 3168 5.3: a mark on any is one on the whole; but it cannot be one on what was not ECT */
    if (d->ecn >> IP_ECN_NONE & 1) {
      la__rx_drop(s, d->link, LA_DROP_FRAGMENT);
      forget(s, self);
      return;
    }
    h.tos |= IP_CE;
  }
  bool six = h.src.family == 6;
  uint32_t size = (six ? IP6_HEADER : IP4_HEADER) + d->total;
  uint8_t *whole = mem_alloc(&s->mem, size);
  if (!whole) {
    la__rx_drop(s, d->link, LA_DROP_NOMEM);
    forget(s, self);
    return;
  }
  uint8_t *p = whole + (six ? la__ip6_build(&h, whole) : la__ip4_build(&h, whole));
  for (uint32_t i = 0, left = d->total; left; i++) {
    uint32_t part = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    memcpy(p, d->chunk[i]->data, part);
    p += part;
    left -= part;
  }
  struct packet packet = {.data = whole, .len = size, .link = d->link, .whole = true};
  forget(s, self);
  s->tcp.stats.reassembled++;
  la__rx(s, &packet);
  mem_free(&s->mem, whole, size);
}

enum la_drop la__frag_input(la_stack *s, const struct packet *p) {
  const struct ip_hdr *h = &p->h;
  s->tcp.stats.fragments_in++;
  la__frags_tick(s);
  if (malformed(s, p))
    return LA_DROP_FRAGMENT;
  uint32_t zone = la__addr_link_local(&h->src) ? p->link : 0;
  unsigned bucket = bucket_of(s, h, zone);
  uint32_t i = find(&s->frags, bucket, h, zone);
  if (i == SLAB_NONE)
    i = begin(s, p, bucket, zone);
  if (i == SLAB_NONE)
    return s->tcp.cfg.frag_datagrams ? LA_DROP_NOMEM : LA_DROP_FRAGMENT;
  struct frag *d = at(&s->frags, i);
  if (d->dead)
    return LA_DROP_FRAGMENT;
  enum la_drop why = insert(s, i, p);
  if (why == LA_DROP_NONE && d->got == d->total)
    complete(s, i);
  return why;
}

/* RFC 1122 3.3.2, RFC 8200 4.5: only when the first fragment came, since only that says what it was. */
static void tell_timeout(la_stack *s, const struct frag *d) {
  uint8_t quote[QUOTE_MAX];
  if (d->dead || d->head_len == 0 || d->n == 0 || d->piece[0].lo != 0)
    return;
  uint32_t n = QUOTE_MAX - d->head_len;
  if (n > d->piece[0].hi)
    n = d->piece[0].hi;
  memcpy(quote, d->head, d->head_len);
  memcpy(quote + d->head_len, d->chunk[0]->data, n);
  struct packet p = {.data = quote, .len = d->head_len + n, .link = d->link};
  p.h = (struct ip_hdr){.src = d->src, .dst = d->dst, .proto = d->proto, .hlen = d->head_len, .len = n};
  la__reply_error(s, &p, d->src.family == 6 ? ICMP6_TIME : ICMP4_TIME, ICMP_TIME_REASSEMBLY, 0);
}

void la__frags_tick(la_stack *s) {
  struct frags *f = &s->frags;
  for (unsigned i = 0; i < 2; i++)
    while (f->list[i].head != FIFO_NONE && at(f, f->list[i].head)->due <= s->tcp.now) {
      uint32_t index = f->list[i].head;
      s->tcp.stats.frags_timed_out++;
      tell_timeout(s, at(f, index));
      forget(s, index);
    }
}

la_time la__frags_deadline(const la_stack *s) {
  la_time when = LA_NEVER;
  for (unsigned i = 0; i < 2; i++) {
    uint32_t head = s->frags.list[i].head;
    if (head != FIFO_NONE && at(&s->frags, head)->due < when)
      when = at(&s->frags, head)->due;
  }
  return when;
}
