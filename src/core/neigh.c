/* SPDX-License-Identifier: MIT */
/*
 * The table of neighbours: RFC 4861 7.3, for ARP as well (RFC 1122 2.3.2).
 *
 *   INCOMPLETE  nothing is known: the question goes to all, every neigh_retrans, neigh_probes times; frames wait. No answer: the entry goes
 *   REACHABLE   until neigh_reachable after the last proof; looked at only when something is to be sent, so no clock runs
 *   STALE       known without proof, until something is sent
 *   DELAY       something was sent: for neigh_delay a connection's progress may be the proof
 *   PROBE       the question goes to the known address, as above. No answer: the entry goes, and the next frame asks all
 *
 * Bounds: max_neighbours entries, neigh_queue frames a neighbour (the latest: RFC 1122 2.3.2.2), neigh_queue_all in all. When the table is
 * full, of EVICT_LOOKS entries drawn at random the least useful goes: one that others made by asking before one that we have used,
 * and what was used longest ago; static ones never.
 *
 * What is believed: entries are made by a frame of ours that needs one, or by a question for an address of ours (RFC 826; arp.c and
 * nd.c check that the asker is on a prefix of the link). Everything else only changes what is there (RFC 826's merge), a static entry
 * never.
 */
#include "core/neigh.h"

#include "base/bytes.h"
#include "base/siphash.h"
#include "core/stack.h"

enum { PER_BLOCK = 32, EVICT_LOOKS = 16 };

struct neigh {
  struct fifo_link fifo;
  la_time due;  /* INCOMPLETE, DELAY, PROBE: of the clock; REACHABLE: until */
  la_time used; /* by a frame of ours; 0: never */
  la_addr addr;
  uint8_t link, state, probes;
  bool router;
  uint8_t mac[ETH_ADDR];
  uint16_t bucket;
  uint32_t next; /* in its bucket */
  uint32_t waits;
  struct waiting *head, *tail;
};

struct waiting {
  struct waiting *next;
  la_frame f; /* f.data lies in f.room */
};

static struct neigh *at(const struct neighs *t, uint32_t i) { return la__slab_at(&t->slab, i); }
static struct fifo_link *link_at(void *ctx, uint32_t i) { return &((struct neigh *)la__slab_at(ctx, i))->fifo; }

void la__neighs_init(la_stack *s) {
  struct neighs *t = &s->neighs;
  la__slab_init(&t->slab, &s->mem, (sizeof(struct neigh) + 7) & ~7u, PER_BLOCK, s->tcp.cfg.max_neighbours);
  la__fifo_init(&t->asked, link_at, &t->slab);
  la__fifo_init(&t->delayed, link_at, &t->slab);
  for (unsigned i = 0; i < NEIGH_BUCKETS; i++)
    t->bucket[i] = SLAB_NONE;
}

static void waiting_free(la_stack *s, struct waiting *w) {
  la_frame_done(s, &w->f);
  mem_free(&s->mem, w, sizeof *w);
}

static void free_list(la_stack *s, struct waiting *w) {
  while (w) {
    struct waiting *next = w->next;
    waiting_free(s, w);
    w = next;
  }
}

void la__neighs_done(la_stack *s) {
  struct neighs *t = &s->neighs;
  for (uint32_t i = la__slab_next(&t->slab, 0); i != SLAB_NONE; i = la__slab_next(&t->slab, i + 1))
    free_list(s, at(t, i)->head);
  for (unsigned i = 0; i <= LA_LINKS_MAX; i++)
    free_list(s, t->ready[i].head);
  la__slab_done(&t->slab);
}

/* ---- entries ---- */

static unsigned bucket_of(const la_stack *s, la_link link, const la_addr *a) {
  uint8_t in[18] = {a->family, (uint8_t)link};
  memcpy(in + 2, a->b, a->family == 4 ? 4 : 16);
  return (unsigned)(la__siphash13(s->tcp.key_table, in, sizeof in) % NEIGH_BUCKETS);
}

static bool is(const struct neigh *n, la_link link, const la_addr *a) { return n && n->link == link && la_addr_same(&n->addr, a); }

static uint32_t find(const la_stack *s, la_link link, const la_addr *a) {
  const struct neighs *t = &s->neighs;
  uint32_t i = t->bucket[bucket_of(s, link, a)];
  while (i != SLAB_NONE && !is(at(t, i), link, a))
    i = at(t, i)->next;
  return i;
}

/* The same for what is asked for each frame: mostly the neighbour of the one before. */
static uint32_t find_again(la_stack *s, la_link link, const la_addr *a) {
  uint32_t *last = &s->ether[link].last;
  if (!is(la__slab_get(&s->neighs.slab, *last), link, a))
    *last = find(s, link, a);
  return *last;
}

static struct fifo *clock_of(struct neighs *t, unsigned state) {
  return state == LA_NEIGH_INCOMPLETE || state == LA_NEIGH_PROBE ? &t->asked : state == LA_NEIGH_DELAY ? &t->delayed : 0;
}

/* The only writer of `state`: the clocks go with it. */
static void set_state(la_stack *s, uint32_t i, enum la_neigh_state to) {
  struct neighs *t = &s->neighs;
  struct neigh *n = at(t, i);
  struct fifo *from = clock_of(t, n->state), *on = clock_of(t, to);
  if (from)
    la__fifo_del(from, i);
  n->state = (uint8_t)to;
  n->due = to == LA_NEIGH_REACHABLE ? s->tcp.now + s->ether[n->link].reachable
           : to == LA_NEIGH_DELAY   ? s->tcp.now + s->tcp.cfg.neigh_delay
                                    : s->tcp.now + s->tcp.cfg.neigh_retrans;
  if (on)
    la__fifo_push(on, i);
}

static struct waiting *take(struct waiting **head, struct waiting **tail) {
  struct waiting *w = *head;
  *head = w->next;
  if (!*head)
    *tail = 0;
  return w;
}

static void append(struct waiting **head, struct waiting **tail, struct waiting *w) {
  w->next = 0;
  if (*tail)
    (*tail)->next = w;
  else
    *head = w;
  *tail = w;
}

static void drop_frame(la_stack *s, la_link link, la_frame *f, enum la_drop why) {
  s->tcp.frame = f->number;
  la__rx_drop(s, link, why);
  s->tcp.frame = 0;
  la_frame_done(s, f);
}

static void drop_oldest(la_stack *s, struct neigh *n, enum la_drop why) {
  struct waiting *w = take(&n->head, &n->tail);
  n->waits--;
  s->neighs.waiting--;
  drop_frame(s, n->link, &w->f, why);
  mem_free(&s->mem, w, sizeof *w);
}

static void forget(la_stack *s, uint32_t i) {
  struct neighs *t = &s->neighs;
  struct neigh *n = at(t, i);
  struct fifo *clock = clock_of(t, n->state);
  if (clock)
    la__fifo_del(clock, i);
  while (n->head)
    drop_oldest(s, n, LA_DROP_NEIGH_FAILED);
  uint32_t *p = &t->bucket[n->bucket];
  while (*p != i)
    p = &at(t, *p)->next;
  *p = n->next;
  la__slab_del(&t->slab, i);
}

/* Is a worth less than b? */
static bool worth_less(const struct neigh *a, const struct neigh *b) {
  bool busy_a = a->state == LA_NEIGH_INCOMPLETE, busy_b = b->state == LA_NEIGH_INCOMPLETE;
  return busy_a != busy_b ? !busy_a && a->used == 0 : a->used < b->used;
}

static bool evict(la_stack *s) {
  struct slab *slab = &s->neighs.slab;
  uint32_t span = slab->nblocks * slab->per_block, worst = SLAB_NONE;
  uint32_t i = la__slab_next(slab, span ? la__prng_below(&s->tcp.prng, span) : 0);
  unsigned looks = 0;
  for (uint32_t left = slab->used; left && looks < EVICT_LOOKS; left--) {
    if (i == SLAB_NONE)
      i = la__slab_next(slab, 0);
    const struct neigh *n = at(&s->neighs, i);
    if (n->state != LA_NEIGH_STATIC) {
      looks++;
      if (worst == SLAB_NONE || worth_less(n, at(&s->neighs, worst)))
        worst = i;
    }
    i = la__slab_next(slab, i + 1);
  }
  if (worst == SLAB_NONE)
    return false;
  s->tcp.stats.neigh_evicted++;
  forget(s, worst);
  return true;
}

static uint32_t begin(la_stack *s, la_link link, const la_addr *a, enum la_neigh_state state) {
  struct neighs *t = &s->neighs;
  uint32_t i;
  if (t->slab.used >= s->tcp.cfg.max_neighbours && !evict(s))
    return SLAB_NONE;
  struct neigh *n = la__slab_new(&t->slab, &i);
  if (!n)
    return SLAB_NONE;
  n->addr = *a;
  n->link = (uint8_t)link;
  n->state = LA_NEIGH_STALE; /* no clock runs */
  n->bucket = (uint16_t)bucket_of(s, link, a);
  n->next = t->bucket[n->bucket];
  t->bucket[n->bucket] = i;
  set_state(s, i, state);
  return i;
}

/* ---- frames that wait ---- */

static void keep(la_stack *s, struct neigh *n, la_frame *f) {
  if (n->head && (n->waits >= s->tcp.cfg.neigh_queue || s->neighs.waiting >= s->tcp.cfg.neigh_queue_all))
    drop_oldest(s, n, LA_DROP_NEIGH_QUEUEFULL); /* the later one is the one to keep */
  struct waiting *w = s->neighs.waiting < s->tcp.cfg.neigh_queue_all ? mem_alloc(&s->mem, sizeof *w) : 0;
  if (!w) {
    drop_frame(s, n->link, f, LA_DROP_NEIGH_QUEUEFULL);
    return;
  }
  w->f = *f;
  w->f.data = w->f.room + (f->data - f->room);
  append(&n->head, &n->tail, w);
  n->waits++;
  s->neighs.waiting++;
  f->nbufs = 0;
}

/* The address is known: what waits may go. */
static void release(la_stack *s, uint32_t i) {
  struct neigh *n = at(&s->neighs, i);
  if (n->head && n->state == LA_NEIGH_STALE)
    set_state(s, i, LA_NEIGH_DELAY);
  while (n->head) {
    struct waiting *w = take(&n->head, &n->tail);
    memcpy((uint8_t *)(uintptr_t)w->f.data, n->mac, ETH_ADDR);
    append(&s->neighs.ready[n->link].head, &s->neighs.ready[n->link].tail, w);
  }
  s->neighs.waiting -= n->waits;
  n->waits = 0;
}

bool la__neigh_next_ready(la_stack *s, la_link link, la_frame *f) {
  if (!s->neighs.ready[link].head)
    return false;
  struct waiting *w = take(&s->neighs.ready[link].head, &s->neighs.ready[link].tail);
  ptrdiff_t off = w->f.data - w->f.room;
  *f = w->f;
  f->data = f->room + off;
  mem_free(&s->mem, w, sizeof *w);
  return true;
}

bool la__neighs_ready(const la_stack *s) {
  for (uint32_t i = 1; i <= s->nlinks; i++)
    if (s->neighs.ready[i].head)
      return true;
  return false;
}

/* ---- questions ---- */

static void ask(la_stack *s, struct neigh *n) {
  la_addr from = la__route_source(s, n->link, &n->addr);
  n->probes++;
  s->tcp.stats.neigh_probes_out++;
  if (from.family)
    la__ether_ask(s, n->link, &from, &n->addr, n->state == LA_NEIGH_PROBE ? n->mac : 0);
}

bool la__neigh_resolve(la_stack *s, la_link link, const la_addr *hop, la_frame *f, uint8_t mac[ETH_ADDR]) {
  uint32_t i = find_again(s, link, hop);
  if (i == SLAB_NONE) {
    i = begin(s, link, hop, LA_NEIGH_INCOMPLETE);
    if (i == SLAB_NONE) {
      drop_frame(s, link, f, LA_DROP_NEIGH_CREATEFAIL);
      return false;
    }
    ask(s, at(&s->neighs, i));
  }
  struct neigh *n = at(&s->neighs, i);
  n->used = s->tcp.now ? s->tcp.now : 1;
  if (n->state == LA_NEIGH_INCOMPLETE) {
    keep(s, n, f);
    return false;
  }
  if (n->state == LA_NEIGH_STALE || (n->state == LA_NEIGH_REACHABLE && s->tcp.now >= n->due))
    set_state(s, i, LA_NEIGH_DELAY);
  memcpy(mac, n->mac, ETH_ADDR);
  return true;
}

/* RFC 4861 6.3.2: one figure for the link, drawn anew every few hours, so that hosts do not fall into step. */
static void draw_reachable(la_stack *s, struct ether *e) {
  if (e->drawn_at && s->tcp.now - e->drawn_at < 7200 * LA_SEC)
    return;
  la_time base = s->tcp.cfg.neigh_reachable;
  e->reachable = base / 2 + base / 1024 * la__prng_below(&s->tcp.prng, 1025);
  e->drawn_at = s->tcp.now ? s->tcp.now : 1;
}

static void reachable(la_stack *s, uint32_t i) {
  struct neigh *n = at(&s->neighs, i);
  draw_reachable(s, &s->ether[n->link]);
  n->probes = 0;
  set_state(s, i, LA_NEIGH_REACHABLE);
}

/* RFC 4861 7.2.3 and 7.2.5; ARP in the same words. */
enum la_drop la__neigh_news(la_stack *s, la_link link, const la_addr *addr, const struct neigh_news *news) {
  uint32_t i = find(s, link, addr);
  if (i == SLAB_NONE && (!news->create || !news->mac))
    return LA_DROP_IPV6_NDISC_NS_OTHERHOST; /* nobody asked */
  if (i == SLAB_NONE && (i = begin(s, link, addr, LA_NEIGH_STALE)) == SLAB_NONE)
    return LA_DROP_NEIGH_CREATEFAIL;
  struct neigh *n = at(&s->neighs, i);
  static const uint8_t unknown[ETH_ADDR];
  bool known = memcmp(n->mac, unknown, ETH_ADDR), other = news->mac && memcmp(n->mac, news->mac, ETH_ADDR);
  if (n->state == LA_NEIGH_STATIC || (!known && !news->mac))
    return LA_DROP_NONE;
  if (known && other && !news->override) { /* not believed, but no longer sure */
    if (n->state == LA_NEIGH_REACHABLE)
      set_state(s, i, LA_NEIGH_STALE);
    return LA_DROP_NONE;
  }
  if (news->has_router)
    n->router = news->router;
  if (other)
    memcpy(n->mac, news->mac, ETH_ADDR);
  if (news->solicited)
    reachable(s, i);
  else if (other)
    set_state(s, i, LA_NEIGH_STALE);
  release(s, i);
  return LA_DROP_NONE;
}

void la__neigh_confirm(la_stack *s, la_link link, const la_addr *peer) {
  la_addr hop;
  if (!la__route_hop(s, link, peer, &hop))
    return;
  uint32_t i = find_again(s, link, &hop);
  if (i == SLAB_NONE)
    return;
  const struct neigh *n = at(&s->neighs, i);
  bool fresh = n->state == LA_NEIGH_REACHABLE && n->due > s->tcp.now + s->ether[link].reachable / 2; /* early enough next time */
  if (!fresh && n->state != LA_NEIGH_INCOMPLETE && n->state != LA_NEIGH_STATIC)
    reachable(s, i);
}

/* ---- clocks ---- */

/* Whom a frame of ours belongs to is told that its next hop does not answer, in the words of ICMP (RFC 1122 2.4). */
static void report(la_stack *s, la_link link, const la_frame *f) {
  struct ip_hdr h;
  const uint8_t *p = f->data + ETH_HEADER;
  uint32_t n = f->len - ETH_HEADER;
  bool six = la__ip_version(p, n) == 6;
  struct icmp_msg m = {.kind = ICMP_HOST_UNREACH, .data = p, .len = n};
  struct icmp_quote q;
  if (!la__icmp_quote(&m, six ? 6 : 4, &q))
    return;
  h = q.ip;
  la_link zone = la__addr_link_local(&h.dst) ? link : 0;
  if (h.proto == IP_PROTO_UDP) {
    struct udp_ends ends = {.local = h.src, .remote = h.dst, .lport = q.sport, .rport = q.dport, .link = (uint8_t)zone};
    la__udp_error(&s->udp, &ends, LA_EHOSTUNREACH);
  } else if (h.proto == IP_PROTO_TCP) {
    struct key k = {.local = h.src, .remote = h.dst, .lport = q.sport, .rport = q.dport, .zone = (uint8_t)zone};
    struct icmp_error e = {.kind = ICMP_HOST_UNREACH, .seq = q.seq, .neighbour = true};
    la__tcp_icmp(&s->tcp, &k, &e);
  }
}

static void failed(la_stack *s, uint32_t i) {
  struct neigh *n = at(&s->neighs, i);
  s->tcp.stats.neigh_failed++;
  for (const struct waiting *w = n->head; w; w = w->next)
    report(s, n->link, &w->f);
  forget(s, i);
}

void la__neighs_tick(la_stack *s) {
  struct neighs *t = &s->neighs;
  uint32_t i;
  while ((i = t->delayed.head) != FIFO_NONE && at(t, i)->due <= s->tcp.now) {
    set_state(s, i, LA_NEIGH_PROBE);
    at(t, i)->probes = 0;
    ask(s, at(t, i));
  }
  while ((i = t->asked.head) != FIFO_NONE && at(t, i)->due <= s->tcp.now) {
    struct neigh *n = at(t, i);
    if (n->probes >= s->tcp.cfg.neigh_probes) {
      failed(s, i);
      continue;
    }
    set_state(s, i, (enum la_neigh_state)n->state);
    ask(s, n);
  }
}

la_time la__neighs_deadline(const la_stack *s) {
  const struct neighs *t = &s->neighs;
  la_time a = t->asked.head != FIFO_NONE ? at(t, t->asked.head)->due : LA_NEVER;
  la_time d = t->delayed.head != FIFO_NONE ? at(t, t->delayed.head)->due : LA_NEVER;
  return a < d ? a : d;
}

/* ---- for tools ---- */

static void fill(const la_stack *s, const struct neigh *n, la_neigh *out) {
  *out = (la_neigh){.link = n->link, .addr = n->addr, .state = (enum la_neigh_state)n->state, .router = n->router};
  memcpy(out->mac, n->mac, ETH_ADDR);
  if (out->state == LA_NEIGH_REACHABLE && s->tcp.now >= n->due)
    out->state = LA_NEIGH_STALE;
  out->waiting = n->waits;
  out->probes = n->probes;
}

void la_neigh_each(const la_stack *s, bool (*visit)(void *ctx, const la_neigh *n), void *ctx) {
  const struct neighs *t = &s->neighs;
  la_neigh rec;
  for (uint32_t i = la__slab_next(&t->slab, 0); i != SLAB_NONE; i = la__slab_next(&t->slab, i + 1)) {
    fill(s, at(t, i), &rec);
    if (!visit(ctx, &rec))
      return;
  }
}

bool la_neigh_get(const la_stack *s, la_link link, const la_addr *addr, la_neigh *out) {
  uint32_t i = find(s, link, addr);
  if (i != SLAB_NONE && out)
    fill(s, at(&s->neighs, i), out);
  return i != SLAB_NONE;
}

int la_neigh_set(la_stack *s, la_link link, const la_addr *addr, const uint8_t mac[LA_MAC]) {
  la_addr a;
  if (link == 0 || link > s->nlinks || !s->ether[link].on || !la__addr_normal(addr, &a) || la__addr_bad_source(&a) ||
      la__is_ours(s, &a, link) || !la__eth_station(mac))
    return LA_EINVAL;
  uint32_t i = find(s, link, &a);
  if (i == SLAB_NONE && (i = begin(s, link, &a, LA_NEIGH_STALE)) == SLAB_NONE)
    return LA_ENOMEM;
  struct neigh *n = at(&s->neighs, i);
  memcpy(n->mac, mac, ETH_ADDR);
  n->probes = 0;
  set_state(s, i, LA_NEIGH_STATIC);
  release(s, i);
  return LA_OK;
}

int la_neigh_del(la_stack *s, la_link link, const la_addr *addr) {
  uint32_t i = find(s, link, addr);
  if (i == SLAB_NONE)
    return LA_EINVAL;
  forget(s, i);
  return LA_OK;
}
