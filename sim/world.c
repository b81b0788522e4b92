/* SPDX-License-Identifier: MIT */
/*
 * Virtual time and the hosts' loops. One heap of events ordered by time, then by the order in which they were made:
 * nothing else decides what happens next, so a run repeats exactly. A host's turn is the loop's contract (input, tick,
 * events, output), and it is armed again at la_deadline.
 */
#include "sim/world.h"

#include "sim/join.h"

#include "base/prng.h"
#include "draw/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum what { EV_WAKE, EV_ARRIVE, EV_CALL };
struct event {
  la_time at;
  uint64_t order;
  enum what what;
  struct host *h;
  struct pkt *p;
  sim_call fn;
  void *ctx;
};
#define RING 1024u
#define SPINS 5000u
#define LONGEST (400 * SIM_DAY)

void *la__grow(void *v, size_t *cap, size_t n, size_t size) {
  if (n < *cap)
    return v;
  size_t want = *cap ? *cap * 2 : 64;
  while (want <= n)
    want *= 2;
  void *p = realloc(v, want * size);
  if (!p) {
    fputs("lastack: sim: out of memory\n", stderr);
    abort();
  }
  *cap = want;
  return p;
}

static bool before(const struct event *a, const struct event *b) { return a->at != b->at ? a->at < b->at : a->order < b->order; }
static void push(struct world *w, struct event e) {
  e.order = w->order++;
  w->heap = la__grow(w->heap, &w->heap_cap, w->nheap, sizeof *w->heap);
  size_t i = w->nheap++;
  for (; i > 0 && before(&e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
    w->heap[i] = w->heap[(i - 1) / 2];
  w->heap[i] = e;
}
static struct event pop(struct world *w) {
  struct event top = w->heap[0], last = w->heap[--w->nheap];
  size_t i = 0;
  for (;;) {
    size_t c = 2 * i + 1;
    if (c >= w->nheap)
      break;
    if (c + 1 < w->nheap && before(&w->heap[c + 1], &w->heap[c]))
      c++;
    if (!before(&w->heap[c], &last))
      break;
    w->heap[i] = w->heap[c];
    i = c;
  }
  w->heap[i] = last;
  return top;
}

void la__at(struct world *w, la_time at, sim_call fn, void *ctx) {
  push(w, (struct event){.at = at < w->now ? w->now : at, .what = EV_CALL, .fn = fn, .ctx = ctx});
}
void la__event_arrive(struct world *w, la_time at, struct pkt *p) { push(w, (struct event){.at = at, .what = EV_ARRIVE, .p = p}); }

static void arm(struct host *h, la_time at) {
  if (at >= h->wake)
    return;
  h->wake = at;
  push(h->w, (struct event){.at = at, .what = EV_WAKE, .h = h});
}
void la__host_kick(struct host *h) {
  if (h->st)
    arm(h, h->w->now);
}

static void *counted_alloc(void *ctx, size_t n) {
  struct counting *m = ctx;
  if (m->failing && !la__failing_may(m->failing, m))
    return NULL;
  void *p = malloc(n ? n : 1);
  if (p) {
    memset(p, 0xa5, n); /* nobody may count on zeroed memory */
    m->blocks++;
    m->bytes += n;
  }
  return p;
}
static void counted_free(void *ctx, void *p, size_t n) {
  struct counting *m = ctx;
  if (!p)
    return;
  memset(p, 0x5a, n);
  m->blocks--;
  m->bytes -= n;
  free(p);
}

struct world *la__world_new(const struct sim_opts *opt, const char *heading) {
  struct world *w = calloc(1, sizeof *w);
  if (!w)
    abort();
  w->opt = *opt;
  w->delay = opt->delay;
  w->now = SIM_EPOCH;
  w->drawn = true;
  snprintf(w->heading, sizeof w->heading, "%s", heading);
  return w;
}

la_addr la__sim_addr(const struct world *w, unsigned n) {
  if (w->opt.ipv6)
    return (la_addr){.family = 6, .b = {0xfd, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n}};
  return (la_addr){.family = 4, .b = {10, 0, (uint8_t)(n >> 8), (uint8_t)n}};
}
unsigned la__sim_headers(const struct world *w) { return (w->opt.ipv6 ? IP6_HEADER : IP4_HEADER) + TCP_HEADER; }

struct host *la__host_new(struct world *w, const char *name) {
  struct host *h = calloc(1, sizeof *h);
  if (!h || w->nhosts == SIM_HOSTS)
    abort();
  h->w = w;
  h->no = w->nhosts;
  h->name = name;
  h->addr = la__sim_addr(w, h->no + 1);
  h->mtu = SIM_MTU;
  h->mac[0] = 0x12; /* 12:00:00:00:00:01 and so on */
  h->mac[ETH_ADDR - 1] = (uint8_t)(h->no + 1);
  la__sim_offload(h, (enum sim_offload)w->opt.offload);
  la__prng_seed(&h->in.prng, w->opt.seed * 7919u + h->no);
  h->wake = LA_NEVER;
  h->spin_at = LA_NEVER;
  la_config_init(&h->cfg, LA_PRESET_RFC);
  h->cfg.sums = la_host_sums();
  h->cfg.msl = w->opt.msl;
  h->cfg.arp_probes = h->cfg.arp_announcements = h->cfg.dad_transmits = 0; /* unless the scenario is about them */
  h->cfg.mld_reports = 1;
  h->mem.failing = w->opt.failing;
  h->ring = calloc(RING, sizeof *h->ring);
  if (!h->ring)
    abort();
  w->host[w->nhosts++] = h;
  return h;
}

void la__sim_offload(struct host *h, enum sim_offload what) {
  struct world *w = h->w;
  struct prng r;
  h->offload = (uint8_t)what;
  la__prng_seed(&r, w->opt.seed * 7919u + h->no);
  h->gso = 3000 + la__prng_below(&r, 65535 - 3000 + 1);
  if (what == SIM_CUTS_AND_JOINS && !w->join && !(w->join = calloc(1, sizeof *w->join)))
    abort();
}

/* There was no memory for it: that is told to whoever starts it. */
static void not_up(struct host *h) {
  struct world *w = h->w;
  if (w->opt.failing)
    w->opt.failing->down++;
  la__law(w, LAW_NOTHING_LEFT, h->mem.blocks == 0 && h->mem.bytes == 0, "%s: a stack that did not come up left %lld blocks", h->name,
          (long long)h->mem.blocks);
}

void la__host_boot(struct host *h) {
  struct prng r;
  la__prng_seed(&r, h->w->opt.seed * 1000003u + h->no * 101u + h->boots);
  for (unsigned i = 0; i < sizeof h->cfg.secret; i++)
    h->cfg.secret[i] = (uint8_t)la__prng_next(&r);
  h->boots++;
  memset(h->early, 0, sizeof h->early);
  h->booted = h->w->now;
  h->cfg.alloc = (la_alloc){.alloc = counted_alloc, .free = counted_free, .ctx = &h->mem};
  h->cfg.trace = h->ring;
  h->cfg.trace_cap = RING;
  h->st = la_stack_new(&h->cfg);
  if (!h->st) {
    not_up(h);
    return;
  }
  h->link = h->w->ether ? la_link_add_ether(h->st, h->mtu, h->mac) : la_link_add(h->st, h->mtu);
  if (h->offload)
    la_link_offload(h->st, h->link, LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6 | LA_OFFLOAD_TSO_ECN, h->gso);
  la_addr any = {.family = h->addr.family};
  if (!h->link || la_addr_add(h->st, h->link, &h->addr, any.family == 6 ? 64 : 16) != LA_OK ||
      la_route_add(h->st, &any, 0, h->link) != LA_OK || (h->w->opt.failing && !la__beside_boot(h))) {
    la_stack_free(h->st);
    h->st = NULL;
    not_up(h);
    return;
  }
  la_tick(h->st, h->w->now);
  if (h->w->opt.events) {
    la__events_from(h->w->opt.events, h->name, h->w->no);
    la__events_started(h->w->opt.events, h->w->now);
  }
  la_stats st;
  la_stats_get(h->st, &st);
  h->baseline = st.bytes_allocated;
  if (h->boots > 1)
    la__note(h, "back again");
  la__host_kick(h);
}

void la__host_crash(struct host *h) {
  struct world *w = h->w;
  if (!h->st)
    return;
  la__host_drain(h);
  la__failing_gone(h);
  la__beside_crash(h);
  la_stack_free(h->st);
  h->st = NULL;
  h->wake = LA_NEVER;
  la__law(w, LAW_NOTHING_LEFT, h->mem.blocks == 0 && h->mem.bytes == 0, "%s: la_stack_free left %lld blocks", h->name,
          (long long)h->mem.blocks);
  for (size_t i = 0; i < w->nconns; i++)
    if (w->conn[i]->h == h)
      w->conn[i]->open = false;
  for (size_t i = 0; i < w->nlsns; i++)
    if (w->lsn[i]->h == h)
      w->lsn[i]->open = false;
  for (size_t i = 0; i < w->nusocks; i++)
    if (w->usock[i]->h == h)
      w->usock[i]->open = false;
  la__note(h, "crash: all state lost");
  if (h->w->nnotes)
    h->w->note[h->w->nnotes - 1].crash = !h->w->ended;
}

void la__host_drain(struct host *h) {
  la_trace_rec r[32];
  uint64_t lost = 0;
  for (size_t n; h->st && (n = la_trace_read(h->st, r, 32, &lost)) > 0;) {
    for (size_t i = 0; i < n; i++)
      la__watch_trace(h, &r[i]);
    if (h->w->opt.events) {
      la__events_from(h->w->opt.events, h->name, h->w->no);
      la__events_put(h->w->opt.events, h->st, r, n);
    }
  }
  la__law(h->w, LAW_TRANSITIONS, lost == 0, "%s: the trace lost %llu records", h->name, (unsigned long long)lost);
}

static void output(struct host *h) {
  la_frame f[8];
  struct world *w = h->w;
  size_t first = w->nlog;
  for (size_t n; (n = la_output(h->st, h->link, f, 8, w->now)) > 0; first = w->nlog) {
    for (size_t i = 0; i < n; i++) {
      la__net_send(h, &f[i]);
      la_frame_done(h->st, &f[i]);
    }
    la__host_drain(h);
    for (size_t i = first; i < w->nlog; i++)
      if (w->log[i]->from == h && !w->log[i]->duplicate)
        la__watch_sent(w->log[i]);
  }
}

/* The loop's contract of stack.h, once. */
static void turn(struct host *h) {
  struct world *w = h->w;
  la_event e[4];
  la_tick(h->st, w->now);
  la__host_drain(h);
  for (size_t n; h->st && (n = la_events(h->st, e, 4)) > 0;) {
    la__host_drain(h);
    for (size_t i = 0; i < n; i++)
      la__app_event(h, &e[i]);
  }
  if (!h->st)
    return;
  la__host_drain(h);
  la__beside_turn(h);
  output(h);
  la__law_host(h);
  la_time d = la_deadline(h->st);
  if (d == LA_NEVER)
    return;
  if (d <= w->now) {
    h->spins = h->spin_at == w->now ? h->spins + 1 : 1;
    h->spin_at = w->now;
    bool held = h->spins < SPINS;
    la__law(w, LAW_CLOCKS, held, "%s: la_deadline stays at the present time and nothing happens", h->name);
    if (!held) /* its loop would turn for ever: it only answers from now on */
      return;
    d = w->now;
  }
  arm(h, d);
}

enum { JOINED_MOST = 64 };

/* What follows at the same instant and belongs to the same frame, which is then in w->join. How many packets there are besides p. */
static unsigned join_more(struct world *w, struct pkt *p, struct pkt **more) {
  unsigned n = 0;
  la__join_begin(w->join, p->raw, p->len);
  w->join->most = p->to->gso;
  while (n < JOINED_MOST && w->nheap && w->heap[0].at == w->now && w->heap[0].what == EV_ARRIVE && w->heap[0].p->to == p->to &&
         la__join_add(w->join, w->heap[0].p->raw, w->heap[0].p->len)) {
    more[n] = pop(w).p;
    la__net_arrive(w, more[n++]);
  }
  p->to->joined += n > 0;
  w->arriving = p;
  return n;
}

static void arrive(struct world *w, struct pkt *p) {
  struct host *h = p->to;
  la__net_arrive(w, p);
  if (!h || !h->st || p->arrived == LA_NEVER)
    return;
  la_frame f = {.data = p->frame, .len = p->frame_len, .total = p->frame_len};
  struct pkt *more[JOINED_MOST];
  unsigned n = 0;
  if (h->offload == SIM_CUTS_AND_JOINS && !w->ether) {
    n = join_more(w, p, more);
    la__join_frame(w->join, &f);
  }
  for (unsigned tries = 0; tries < 4; tries++) {
    p->frame_in = la_frame_count(h->st) + 1;
    if (la_input(h->st, h->link, &f, 1, w->now) == 1)
      break;
    output(h);
  }
  la__host_drain(h);
  p->receiver = la__watch_state(h, &p->src, p->seg.dport, p->seg.sport, NULL);
  for (unsigned i = 0; i < n; i++) {
    more[i]->frame_in = p->frame_in;
    more[i]->receiver = p->receiver;
  }
  turn(h);
}

static void step(struct world *w) {
  struct event e = pop(w);
  w->now = e.at;
  switch (e.what) {
  case EV_WAKE:
    if (e.h->st && e.h->wake == e.at) {
      e.h->wake = LA_NEVER;
      turn(e.h);
    }
    break;
  case EV_ARRIVE:
    arrive(w, e.p);
    break;
  case EV_CALL:
    e.fn(e.ctx);
    break;
  }
}
bool la__run_while(struct world *w, bool (*going)(void *ctx), void *ctx, la_time limit) {
  while (going(ctx)) {
    if (!w->nheap || w->heap[0].at > limit) {
      w->now = limit > w->now ? limit : w->now;
      return false;
    }
    step(w);
  }
  return true;
}
void la__run_until(struct world *w, la_time t) {
  if (t > w->now + LONGEST) /* "never" plus something: what the scenario waits for did not happen */
    return;
  while (w->nheap && w->heap[0].at <= t)
    step(w);
  if (t > w->now)
    w->now = t;
}
void la__run_for(struct world *w, la_time d) { la__run_until(w, w->now + d); }
void la__run_out(struct world *w) {
  la_time limit = w->now + LONGEST;
  while (w->nheap && w->heap[0].at <= limit)
    step(w);
  la__law(w, LAW_CLOCKS, w->nheap == 0, "clocks still run after 400 days");
}

void la__world_end(struct world *w) {
  if (w->ended)
    return;
  w->ended = true;
  w->shown_log = w->nlog;
  w->shown_trans = w->ntrans;
  w->cut = false;
  if (w->opt.failing) {
    la__failing_heal(w);
    la__beside_finish(w);
  }
  for (size_t i = 0; i < w->nlsns; i++)
    la__app_unlisten(w->lsn[i]);
  for (size_t i = 0; i < w->nusocks; i++)
    la__app_udp_close(w->usock[i]);
  for (size_t i = 0; i < w->nconns; i++)
    if (!w->conn[i]->closed)
      la__app_abort(w->conn[i]);
  la__run_out(w);
  for (unsigned i = 0; i < w->nhosts; i++)
    if (w->host[i]->st) {
      la__law_ended(w->host[i]);
      la__failing_gone(w->host[i]);
      la_stack_free(w->host[i]->st);
      w->host[i]->st = NULL;
      la__law(w, LAW_NOTHING_LEFT, w->host[i]->mem.blocks == 0 && w->host[i]->mem.bytes == 0,
              "%s: la_stack_free left %lld blocks, %llu bytes", w->host[i]->name, (long long)w->host[i]->mem.blocks,
              (unsigned long long)w->host[i]->mem.bytes);
    }
}

void la__world_free(struct world *w) {
  if (!w)
    return;
  la__world_end(w);
  for (unsigned i = 0; i < w->nhosts; i++) {
    la__beside_free(w->host[i]);
    free(w->host[i]->ring);
    free(w->host[i]);
  }
  for (size_t i = 0; i < w->nlog; i++) {
    free(w->log[i]->frame);
    free(w->log[i]);
  }
  for (size_t i = 0; i < w->nconns; i++) {
    free(w->conn[i]->tx);
    free(w->conn[i]);
  }
  for (size_t i = 0; i < w->nlsns; i++)
    free(w->lsn[i]);
  for (size_t i = 0; i < w->nusocks; i++)
    free(w->usock[i]);
  free(w->heap);
  free(w->log);
  free(w->trans);
  free(w->note);
  free(w->conn);
  free(w->lsn);
  free(w->usock);
  free(w->track);
  free(w->join);
  free(w);
}

void la__note(struct host *h, const char *fmt, ...) {
  struct world *w = h->w;
  if (w->ended)
    return;
  w->note = la__grow(w->note, &w->notes_cap, w->nnotes, sizeof *w->note);
  struct note *n = &w->note[w->nnotes++];
  *n = (struct note){.at = w->now, .stamp = ++w->stamp, .h = h};
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(n->text, sizeof n->text, fmt, ap);
  va_end(ap);
}
