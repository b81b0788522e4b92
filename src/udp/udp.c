/* SPDX-License-Identifier: MIT */
#include "udp/udp.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/siphash.h"
#include "wire/ip.h"

enum { PER_BLOCK = 16, PORT_PROBES = 4096 };

/* Stands before each datagram in a socket's rope. */
struct udp_head {
  uint32_t len;
  uint16_t port;
  uint8_t link;
  la_addr addr;
};
_Static_assert(sizeof(struct udp_head) == 24, "la_config.udp_rcvbuf says so");

void la__udp_init(struct udp *u, struct mem *m, struct chunk_pool *chunks, const la_config *cfg) {
  u->cfg = *cfg;
  u->chunks = chunks;
  la__slab_init(&u->socks, m, (sizeof(struct udp_sock) + 7) & ~7u, PER_BLOCK, cfg->max_udp + 1);
  for (unsigned i = 0; i < UDP_BUCKETS; i++)
    u->bucket[i] = SLAB_NONE;
  u->event_head = u->event_tail = SLAB_NONE;
  for (unsigned half = 0; half < 2; half++) {
    uint8_t label[] = {'l', 'a', ' ', 'u', 'd', 'p', (uint8_t)half};
    uint64_t h = la__siphash24(cfg->secret, label, sizeof label);
    be32_put(u->key + 8 * half, (uint32_t)(h >> 32));
    be32_put(u->key + 8 * half + 4, (uint32_t)h);
  }
}

void la__udp_done(struct udp *u) {
  for (uint32_t i = la__slab_next(&u->socks, 0); i != SLAB_NONE; i = la__slab_next(&u->socks, i + 1))
    la__rope_done(&la__udp_at(u, i)->rcv, u->chunks);
  la__slab_done(&u->socks);
}

struct udp_sock *la__udp_at(const struct udp *u, uint32_t index) {
  return la__slab_at(&u->socks, index);
}

struct udp_sock *la__udp_handle(const struct udp *u, la_udp h) {
  struct udp_sock *k = h.gen ? la__slab_get(&u->socks, h.index) : 0;
  return k && k->gen == h.gen ? k : 0;
}

static unsigned bucket_of(uint16_t port) { return port % UDP_BUCKETS; }
static bool any(const la_addr *a) { return la__addr_unspecified(a); }

/* Could one datagram be for either? */
static bool overlap(const la_udp_opts *o, const struct udp_sock *k) {
  if (k->port != o->port || (k->link && o->link && k->link != o->link))
    return false;
  if (k->addr.family && o->addr.family && k->addr.family != o->addr.family)
    return false;
  if (!any(&k->addr) && !any(&o->addr) && !la_addr_same(&k->addr, &o->addr))
    return false;
  bool both = k->remote.family && o->remote.family;
  return !both || (k->rport == o->remote_port && la_addr_same(&k->remote, &o->remote));
}

static bool taken(const struct udp *u, const la_udp_opts *o) {
  for (uint32_t i = u->bucket[bucket_of(o->port)]; i != SLAB_NONE; i = la__udp_at(u, i)->next) {
    const struct udp_sock *k = la__udp_at(u, i);
    if (overlap(o, k) && !(k->reuse && o->reuse_addr) && !(k->share && o->reuse_port))
      return true;
  }
  return false;
}

/* RFC 6056: an unpredictable start for each, then a bounded walk. */
static bool choose_port(struct udp *u, la_udp_opts *o) {
  uint32_t range = (uint32_t)u->cfg.port_hi - u->cfg.port_lo + 1;
  uint8_t in[4];
  be32_put(in, u->step++);
  uint32_t from = (uint32_t)((la__siphash24(u->key, in, sizeof in) >> 32) * range >> 32);
  uint32_t probes = range < PORT_PROBES ? range : PORT_PROBES;
  bool reuse = o->reuse_addr, share = o->reuse_port;
  o->reuse_addr = o->reuse_port = false; /* nobody shares a port by chance */
  bool found = false;
  for (uint32_t i = 0; i < probes && !found; i++) {
    o->port = (uint16_t)(u->cfg.port_lo + (from + i) % range);
    found = !taken(u, o);
  }
  o->reuse_addr = reuse;
  o->reuse_port = share;
  return found;
}

int la__udp_open(struct udp *u, const la_udp_opts *opts, struct udp_sock **out) {
  la_udp_opts o = *opts;
  uint32_t index;
  if (o.port == 0 && !choose_port(u, &o))
    return LA_EADDRNOTAVAIL;
  if (taken(u, &o))
    return LA_EADDRINUSE;
  struct udp_sock *k = u->socks.used < u->cfg.max_udp ? la__slab_new(&u->socks, &index) : 0;
  if (!k)
    return LA_ENOMEM;
  if (++u->gen == 0)
    u->gen = 1;
  k->gen = u->gen;
  k->index = index;
  k->addr = o.addr;
  k->port = o.port;
  k->remote = o.remote;
  k->rport = o.remote_port;
  k->link = (uint8_t)o.link;
  k->reuse = o.reuse_addr;
  k->share = o.reuse_port;
  k->user = o.user;
  k->read_armed = true;
  k->event_next = SLAB_NONE;
  k->next = u->bucket[bucket_of(o.port)];
  u->bucket[bucket_of(o.port)] = index;
  *out = k;
  return LA_OK;
}

static void unlink_event(struct udp *u, struct udp_sock *k) {
  uint32_t prev = SLAB_NONE;
  for (uint32_t i = u->event_head; i != k->index; i = la__udp_at(u, i)->event_next)
    prev = i;
  if (prev == SLAB_NONE)
    u->event_head = k->event_next;
  else
    la__udp_at(u, prev)->event_next = k->event_next;
  if (u->event_tail == k->index)
    u->event_tail = prev;
}

void la__udp_close(struct udp *u, struct udp_sock *k) {
  uint32_t *p = &u->bucket[bucket_of(k->port)];
  while (*p != k->index)
    p = &la__udp_at(u, *p)->next;
  *p = k->next;
  if (k->queued)
    unlink_event(u, k);
  la__rope_done(&k->rcv, u->chunks);
  la__slab_del(&u->socks, k->index);
}

/* Connected before not, an address before any, a family before both, a link before any; 0: not for it. */
static unsigned fitness(const struct udp_sock *k, const struct udp_ends *e) {
  if (k->port != e->lport || (k->link && e->link && k->link != e->link))
    return 0;
  if (k->addr.family && k->addr.family != e->local.family)
    return 0;
  if (!any(&k->addr) && !la_addr_same(&k->addr, &e->local))
    return 0;
  if (k->remote.family && (k->rport != e->rport || !la_addr_same(&k->remote, &e->remote)))
    return 0;
  return 1 + (k->remote.family ? 8u : 0) + (!any(&k->addr) ? 4u : k->addr.family ? 2u : 0) + (k->link != 0);
}

/* As for listeners (tcp/listen.c): when one comes or goes, only its own pairs move. */
static uint64_t weight(const struct udp *u, const struct udp_sock *k, const struct udp_ends *e) {
  uint8_t in[40];
  memcpy(in, e->local.b, 16);
  memcpy(in + 16, e->remote.b, 16);
  be16_put(in + 32, e->lport);
  be16_put(in + 34, e->rport);
  be32_put(in + 36, k->gen);
  return la__siphash13(u->key, in, sizeof in);
}

struct udp_sock *la__udp_find(const struct udp *u, const struct udp_ends *e) {
  struct udp_sock *best = 0;
  unsigned score = 0;
  for (uint32_t i = u->bucket[bucket_of(e->lport)]; i != SLAB_NONE; i = la__udp_at(u, i)->next) {
    struct udp_sock *k = la__udp_at(u, i);
    unsigned now = fitness(k, e);
    bool shared = now && now == score && k->share && best->share;
    if (now > score || (shared && weight(u, k, e) > weight(u, best, e))) { /* of other equals the latest, which is first in the bucket */
      score = now;
      best = k;
    }
  }
  return best;
}

/* READABLE and WRITABLE are edges: each is told once and armed again by LA_AGAIN. */
void la__udp_event(struct udp *u, struct udp_sock *k, unsigned bits) {
  if (bits & UE_READABLE && !k->read_armed)
    bits &= ~(unsigned)UE_READABLE;
  if (bits & UE_READABLE)
    k->read_armed = false;
  k->events |= (uint8_t)bits;
  if (!k->events || k->queued)
    return;
  k->queued = true;
  k->event_next = SLAB_NONE;
  if (u->event_head == SLAB_NONE)
    u->event_head = k->index;
  else
    la__udp_at(u, u->event_tail)->event_next = k->index;
  u->event_tail = k->index;
}

enum la_drop la__udp_deliver(struct udp *u, struct udp_sock *k, const struct udp_ends *e, const uint8_t *data, uint32_t n) {
  struct udp_head h;
  memset(&h, 0, sizeof h);
  h.len = n;
  h.port = e->rport;
  h.link = e->link;
  h.addr = e->remote;
  if (k->rcv.len + sizeof h + n > u->cfg.udp_rcvbuf)
    return LA_DROP_SOCKET_RCVBUFF;
  if (!la__rope_write_at(&k->rcv, u->chunks, k->rcv.len, &h, sizeof h) ||
      (n && !la__rope_write_at(&k->rcv, u->chunks, k->rcv.len + sizeof h, data, n)))
    return LA_DROP_NOMEM; /* a head that was written is past the end, and will be written over */
  la__rope_extend(&k->rcv, sizeof h + n);
  la__udp_event(u, k, UE_READABLE);
  return LA_DROP_NONE;
}

bool la__udp_next(const struct udp_sock *k, la_udp_from *from) {
  struct udp_head h;
  if (k->rcv.len == 0)
    return false;
  size_t got = la__rope_copy(&k->rcv, 0, &h, sizeof h);
  LA_CHECK(got == sizeof h && h.len <= k->rcv.len - sizeof h);
  *from = (la_udp_from){.addr = h.addr, .port = h.port, .link = h.link, .len = h.len};
  return true;
}

size_t la__udp_copy(const struct udp_sock *k, size_t skip, void *dst, size_t n) {
  la_udp_from from;
  if (!la__udp_next(k, &from) || skip >= from.len)
    return 0;
  n = n < from.len - skip ? n : from.len - skip;
  return n ? la__rope_copy(&k->rcv, sizeof(struct udp_head) + skip, dst, n) : 0;
}

void la__udp_drop(struct udp *u, struct udp_sock *k) {
  la_udp_from from;
  if (la__udp_next(k, &from))
    la__rope_consume(&k->rcv, u->chunks, sizeof(struct udp_head) + from.len);
}

ptrdiff_t la__udp_take(struct udp *u, struct udp_sock *k, la_udp_from *from, void *dst, size_t n) {
  la_udp_from f;
  if (!la__udp_next(k, &f)) {
    k->read_armed = true;
    return LA_AGAIN;
  }
  n = la__udp_copy(k, 0, dst, n);
  la__udp_drop(u, k);
  if (from)
    *from = f;
  return (ptrdiff_t)n;
}

/* A keyed mark of a destination: whoever forges an error must guess where we send to. */
static uint32_t mark(const struct udp *u, const la_addr *to, uint16_t port) {
  uint8_t in[19];
  in[0] = to->family;
  memcpy(in + 1, to->b, 16);
  be16_put(in + 17, port);
  return (uint32_t)la__siphash13(u->key, in, sizeof in) | 1; /* 0 is an empty place */
}

static bool was_sent(const struct udp_sock *k, uint32_t m) {
  for (unsigned i = 0; i < UDP_SENT; i++)
    if (k->sent[i] == m)
      return true;
  return false;
}

void la__udp_sent(struct udp *u, struct udp_sock *k, const la_addr *to, uint16_t port) {
  uint32_t m = mark(u, to, port);
  if (was_sent(k, m))
    return;
  k->sent[k->sent_at] = m;
  k->sent_at = (uint8_t)((k->sent_at + 1) % UDP_SENT);
}

bool la__udp_error(struct udp *u, const struct udp_ends *e, int err) {
  struct udp_sock *k = la__udp_find(u, e);
  if (!k || !was_sent(k, mark(u, &e->remote, e->rport)))
    return false;
  k->err = (int8_t)err;
  k->err_remote = e->remote;
  k->err_port = e->rport;
  la__udp_event(u, k, UE_ERROR);
  return true;
}

void la__udp_writable(struct udp *u) {
  for (uint32_t i = la__slab_next(&u->socks, 0); i != SLAB_NONE; i = la__slab_next(&u->socks, i + 1)) {
    struct udp_sock *k = la__udp_at(u, i);
    if (!k->write_armed)
      continue;
    k->write_armed = false;
    la__udp_event(u, k, UE_WRITABLE);
  }
}
