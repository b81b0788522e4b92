/* SPDX-License-Identifier: MIT */
/* Records: making, finding, listing and freeing them; a connection's three clocks on one wheel node. */
#include "tcp/conn.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/siphash.h"
#include "tcp/pairs.h"
#include "tcp/tcp.h"

struct conn *la__conn_at(const struct tcp *t, ref_t r) {
  return la__slab_at(&t->conn[ref_six(r)], ref_index(r));
}
struct half *la__half_at(const struct tcp *t, ref_t r) {
  return la__slab_at(&t->half[ref_six(r)], ref_index(r));
}
struct tw *la__tw_at(const struct tcp *t, ref_t r) {
  return la__slab_at(&t->tw[ref_six(r)], ref_index(r));
}
struct listener *la__listener_at(const struct tcp *t, uint32_t index) {
  return la__slab_get(&t->listeners, index);
}

struct conn *la__conn_handle(const struct tcp *t, la_conn h) {
  if (h.gen == 0 || ref_kind(h.index) != REF_CONN)
    return 0;
  struct conn *c = la__slab_get(&t->conn[ref_six(h.index)], ref_index(h.index));
  return c && c->gen == h.gen && (c->flags & CF_DONE) != CF_DONE ? c : 0; /* a RST that is still to go may keep the slot */
}

uint32_t la__next_gen(struct tcp *t) {
  if (++t->gen == 0)
    t->gen = 1;
  return t->gen;
}

/* Keys. Addresses are stored bare; the family is the slab's. Both lengths are written out: so compilers make loads and stores of them. */
static void pair_copy(uint8_t *local, uint8_t *remote, const uint8_t *from_local, const uint8_t *from_remote, bool six) {
  if (six) {
    memcpy(local, from_local, 16);
    memcpy(remote, from_remote, 16);
  } else {
    memcpy(local, from_local, 4);
    memcpy(remote, from_remote, 4);
  }
}

void la__addr_store(uint8_t *dst, const struct key *k) {
  bool six = k->local.family == 6;
  pair_copy(dst, dst + (six ? 16 : 4), k->local.b, k->remote.b, six);
}

static void key_load(struct key *k, const uint8_t *addr, bool six, uint16_t lport, uint16_t rport, uint8_t link) {
  *k = (struct key){.lport = lport, .rport = rport};
  k->local.family = k->remote.family = six ? 6 : 4;
  pair_copy(k->local.b, k->remote.b, addr, addr + (six ? 16 : 4), six);
  k->zone = la__addr_link_local(&k->remote) ? link : 0;
}

void la__conn_key(const struct conn *c, struct key *k) { key_load(k, c->addr, c->flags & CF_IP6, c->lport, c->rport, c->link); }
void la__half_key(const struct half *h, bool six, struct key *k) { key_load(k, h->addr, six, h->lport, h->rport, h->link); }
void la__tw_key(const struct tw *w, bool six, struct key *k) { key_load(k, w->addr, six, w->lport, w->rport, w->link); }

uint64_t la__key_hash(const struct tcp *t, const struct key *k) {
  uint8_t in[40];
  bool six = k->local.family == 6;
  uint8_t *p = in + (six ? 32 : 8);
  pair_copy(in, in + (six ? 16 : 4), k->local.b, k->remote.b, six);
  be16_put(p, k->lport);
  be16_put(p + 2, k->rport);
  be32_put(p + 4, k->zone);
  return six ? la__siphash13(t->key_table, in, 40) : la__siphash13(t->key_table, in, 16);
}

static void ref_key(const struct tcp *t, ref_t r, struct key *k) {
  switch (ref_kind(r)) {
  case REF_CONN:
    la__conn_key(la__conn_at(t, r), k);
    break;
  case REF_HALF:
    la__half_key(la__half_at(t, r), ref_six(r), k);
    break;
  default:
    la__tw_key(la__tw_at(t, r), ref_six(r), k);
    break;
  }
}

uint64_t la__ref_hash(void *ctx, uint32_t ref) {
  struct key k;
  ref_key(ctx, ref, &k);
  return la__key_hash(ctx, &k);
}

static bool key_same(const struct key *a, const struct key *b) {
  return a->lport == b->lport && a->rport == b->rport && a->zone == b->zone && a->local.family == b->local.family &&
         memcmp(a->local.b, b->local.b, 16) == 0 && memcmp(a->remote.b, b->remote.b, 16) == 0;
}

/* A TIME-WAIT record whose 2MSL is over is as good as gone: it is deleted here. */
ref_t la__lookup(struct tcp *t, const struct key *k, uint64_t hash) {
  struct table_iter it = {0};
  for (;;) {
    uint32_t r = la__table_find(&t->table, hash, &it);
    if (r == TABLE_NONE)
      return REF_NONE;
    struct key other;
    ref_key(t, r, &other);
    if (!key_same(&other, k))
      continue;
    if (ref_kind(r) == REF_TW && tw_due(la__tw_at(t, r), t->now) <= t->now) {
      la__tw_del(t, r, LA_ON_2MSL);
      return REF_NONE;
    }
    return r;
  }
}

/* A connection in CLOSED, in the table, without clocks. NULL: memory or the limit. */
struct conn *la__conn_new(struct tcp *t, const struct key *k) {
  bool six = k->local.family == 6;
  if (t->conn[0].used + t->conn[1].used >= t->cfg.max_conns)
    return 0;
  uint32_t index;
  struct conn *c = la__slab_new(&t->conn[six], &index);
  if (!c)
    return 0;
  c->self = ref_make(REF_CONN, six, index);
  c->gen = la__next_gen(t);
  c->dirty_next = c->event_next = REF_NONE;
  c->lport = k->lport;
  c->rport = k->rport;
  c->flags = (six ? CF_IP6 : 0) | CF_READ_ARMED | CF_DETACHED;
  c->clock_at = c->life_at = LA_NEVER;
  c->rcvbuf = t->cfg.rcvbuf;
  c->sndbuf = t->cfg.sndbuf;
  c->ttl = t->cfg.ttl;
  c->net = t->cfg.cc;
  c->opened = t->now;
  la__addr_store(c->addr, k);
  return c;
}

const struct wish la__no_wish = {.keep_idle = 7200, .keep_intvl = 75, .keep_cnt = 10};

struct wish *la__conn_wish(struct tcp *t, struct conn *c) {
  uint32_t index;
  if (!c->wish) {
    c->wish = la__slab_new(&t->wishes, &index);
    if (c->wish) {
      *c->wish = la__no_wish;
      c->wish->index = index;
    }
  }
  return c->wish;
}

static struct sndq *sndq_new(struct tcp *t) {
  uint32_t index;
  struct sndq *q = t->sndq_spare;
  if (q) {
    t->sndq_spare = 0;
    index = q->index;
    memset(q, 0, offsetof(struct sndq, sent)); /* la__sent_init does the rest */
  } else {
    q = la__slab_new(&t->sndqs, &index);
  }
  if (q)
    q->index = index;
  return q;
}

static struct rcvq *rcvq_new(struct tcp *t) {
  uint32_t index;
  struct rcvq *q = t->rcvq_spare;
  if (q) {
    t->rcvq_spare = 0;
    index = q->index;
    memset(q, 0, sizeof *q);
  } else {
    q = la__slab_new(&t->rcvqs, &index);
  }
  if (q)
    q->index = index;
  return q;
}

void la__spares_drop(struct tcp *t) {
  if (t->sndq_spare)
    la__slab_del(&t->sndqs, t->sndq_spare->index);
  if (t->rcvq_spare)
    la__slab_del(&t->rcvqs, t->rcvq_spare->index);
  t->sndq_spare = 0;
  t->rcvq_spare = 0;
}

struct sndq *la__conn_sndq(struct tcp *t, struct conn *c) {
  if (!c->sndq) {
    c->sndq = sndq_new(t);
    if (c->sndq) {
      c->sndq->seq0 = c->snd_nxt;
      la__recovery_init(t, c);
      la__cc_attach(t, c);
      la__pmtu_attach(t, c);
    }
  }
  return c->sndq;
}

struct rcvq *la__conn_rcvq(struct tcp *t, struct conn *c) {
  if (!c->rcvq) {
    c->rcvq = rcvq_new(t);
    if (c->rcvq) {
      c->rcvq->ooo.v = c->rcvq->v;
      c->rcvq->ooo.cap = (uint16_t)t->cfg.max_ooo;
    }
  }
  return c->rcvq;
}

void la__conn_drop_send(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  if (!q)
    return;
  la__recovery_done(c);
  la__spool_done(&q->spool, &t->chunks);
  la__eor_done(t, q);
  c->sndq = 0;
  if (t->sndq_spare)
    la__slab_del(&t->sndqs, q->index);
  else
    t->sndq_spare = q;
}

void la__conn_drop_recv(struct tcp *t, struct conn *c) {
  struct rcvq *q = c->rcvq;
  if (!q)
    return;
  la__rope_done(&q->rope, &t->chunks);
  c->rcvq = 0;
  if (t->rcvq_spare)
    la__slab_del(&t->rcvqs, q->index);
  else
    t->rcvq_spare = q;
}

/* Lists. Each is singly linked by references; a flag tells membership. */
void la__conn_dirty(struct tcp *t, struct conn *c, unsigned todo) {
  c->todo |= (uint8_t)todo;
  if (c->flags & CF_DIRTY)
    return;
  c->flags |= CF_DIRTY;
  c->dirty_next = REF_NONE;
  struct tcp_link *l = &t->link[c->link];
  if (l->dirty_head == REF_NONE)
    l->dirty_head = c->self;
  else
    la__conn_at(t, l->dirty_tail)->dirty_next = c->self;
  l->dirty_tail = c->self;
}

static void event_enqueue(struct tcp *t, struct conn *c) {
  if (c->flags & (CF_QUEUED | CF_UNACCEPTED) || !c->events)
    return;
  c->flags |= CF_QUEUED;
  c->event_next = REF_NONE;
  if (t->event_head == REF_NONE)
    t->event_head = c->self;
  else
    la__conn_at(t, t->event_tail)->event_next = c->self;
  t->event_tail = c->self;
}

/* READABLE and WRITABLE are edges: each is told once and armed again by LA_AGAIN. After la_close only END is of interest. */
void la__conn_event(struct tcp *t, struct conn *c, unsigned bits) {
  if (bits & EV_READABLE) {
    if (!(c->flags & CF_READ_ARMED))
      bits &= ~(unsigned)EV_READABLE;
    c->flags &= ~(uint32_t)CF_READ_ARMED;
  }
  if (bits & EV_WRITABLE) {
    if (!(c->flags & CF_WRITE_ARMED))
      bits &= ~(unsigned)EV_WRITABLE;
    c->flags &= ~(uint32_t)CF_WRITE_ARMED;
  }
  if (conn_wish(c)->flags & WISH_NO_SOFT) /* SHLD-20 */
    bits &= ~(unsigned)EV_TROUBLE;
  if (c->flags & CF_APP_CLOSED)
    bits &= c->flags & CF_END_TAKEN ? 0u : EV_END; /* nobody ever knew one that was closed with its listener */
  c->events |= (uint8_t)bits;
  event_enqueue(t, c);
}

void la__conn_orphan(struct tcp *t, struct conn *c, bool on) {
  if (on == ((c->flags & CF_ORPHAN) != 0))
    return;
  c->flags ^= CF_ORPHAN;
  if (on)
    t->stats.orphans++;
  else
    t->stats.orphans--;
}

void la__conn_detach(struct tcp *t, struct conn *c) {
  c->clock = CLK_NONE;
  c->clock_at = c->life_at = LA_NEVER;
  c->ack_due = 0;
  la__wheel_del(&t->wheel, &c->node);
  if (c->flags & CF_DETACHED)
    return;
  c->flags |= CF_DETACHED;
  struct key k;
  la__conn_key(c, &k);
  la__pair_del(t, &k, c->self);
  la__port_drop(&t->ports, t->mem, c->lport, c->flags & CF_REUSE);
}

void la__conn_unmake(struct tcp *t, struct conn *c) {
  la__bbr_done(t, c);
  if (c->wish)
    la__slab_del(&t->wishes, c->wish->index);
  c->gen = 0;
  la__slab_del(&t->conn[ref_six(c->self)], ref_index(c->self));
}

/* A slot goes when END was taken, the application has closed, and no list still names it. */
void la__conn_maybe_free(struct tcp *t, struct conn *c) {
  if ((c->flags & CF_DONE) != CF_DONE || c->flags & (CF_DIRTY | CF_QUEUED | CF_UNACCEPTED))
    return;
  la__conn_drop_send(t, c);
  la__conn_drop_recv(t, c);
  la__conn_unmake(t, c);
}

/* The machine's limit, or the application's own deadline where that is earlier. */
la_time la__life_end(const struct conn *c) {
  return c->flags & CF_KILL && !(c->flags & CF_ENDED) && c->wish->kill_at < c->life_at ? c->wish->kill_at : c->life_at;
}

/*
 * Clocks. The node carries the earliest of them, or an earlier time: it is moved at once to an earlier time, but lazily to a later one.
 * Then it fires, finds nothing due, and is set anew, so that an ACK need not touch the wheel. So a clock that is set matters only
 * where it is earlier than the node: the others are no earlier.
 */
static void node_reach(struct tcp *t, struct conn *c, la_time at) {
  if (at != LA_NEVER && (!c->node.prev || at < c->node.deadline))
    la__wheel_set(&t->wheel, &c->node, c->self, at);
}

void la__clocks_renew(struct tcp *t, struct conn *c) {
  la_time at = la__ack_at(t, c);
  if (c->clock != CLK_NONE && c->clock_at < at)
    at = c->clock_at;
  if (la__life_end(c) < at)
    at = la__life_end(c);
  if (c->sndq && c->sndq->pace_wait && c->sndq->pace_at < at)
    at = c->sndq->pace_at;
  node_reach(t, c, at);
}

void la__clock_set(struct tcp *t, struct conn *c, enum conn_clock kind, la_time at) {
  c->clock = (uint8_t)kind;
  c->clock_at = at;
  if (kind != CLK_NONE)
    node_reach(t, c, at);
}

void la__ack_clock(struct tcp *t, struct conn *c) { node_reach(t, c, la__ack_at(t, c)); }
void la__pace_clock(struct tcp *t, struct conn *c) { node_reach(t, c, c->sndq->pace_at); }

void la__life_clock(struct tcp *t, struct conn *c, la_time at) {
  c->life_at = at;
  node_reach(t, c, la__life_end(c));
}
