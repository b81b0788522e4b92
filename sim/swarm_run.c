/* SPDX-License-Identifier: MIT */
/*
 * The world's clock and the hosts' loops. One heap of events, ordered by time and then by the order in which they were made; beside
 * it each host's wake-up, which la_deadline sets. A host's clock has its own speed and origin; the wake-up is the first instant at
 * which it shows the deadline.
 */
#include "sim/swarm.h"

#include <lastack/link.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SPINS = 2000, EVENTS_MOST = 1500000, EVENTS_A_WRITE = 16, WHOLE_EVERY = 64 };
#define LONGEST (sw_us(86400000000u) * 3) /* after the finale everything has ended by then */

/* clocks */

static uint64_t run(const struct sw_host *h, uint64_t at) { return (at >> 20) * h->speed + ((at & 1048575) * h->speed >> 20); }
la_time la__sw_local(const struct sw_host *h, uint64_t at) { return h->base + run(h, at); }
uint64_t la__sw_global(const struct sw_host *h, la_time at) {
  if (at == LA_NEVER)
    return LA_NEVER;
  if (at <= h->base)
    return 0;
  uint64_t d = at - h->base, q = d / h->speed, r = d % h->speed;
  if (q > UINT64_MAX >> 21)
    return LA_NEVER;
  return (q << 20) + (((r << 20) + h->speed - 1) / h->speed);
}

void la__sw_broken(struct sw_world *w, enum sw_law law, const char *fmt, ...) {
  if (w->broken)
    return;
  w->broken = law;
  w->broken_at = w->now;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(w->words, sizeof w->words, fmt, ap);
  va_end(ap);
}

/* the heap */

static bool before(const struct sw_event *a, const struct sw_event *b) { return a->at != b->at ? a->at < b->at : a->order < b->order; }

static void push(struct sw_world *w, struct sw_event e) {
  if (w->nheap == w->heap_cap) {
    w->heap_cap = w->heap_cap ? 2 * w->heap_cap : 1024;
    w->heap = realloc(w->heap, w->heap_cap * sizeof *w->heap);
    if (!w->heap)
      abort();
  }
  size_t i = w->nheap++;
  for (; i && before(&e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
    w->heap[i] = w->heap[(i - 1) / 2];
  w->heap[i] = e;
}

void la__sw_post(struct sw_world *w, uint64_t at, enum sw_event_kind kind, uint32_t index, struct sw_pkt *pkt) {
  push(w, (struct sw_event){.at = at < w->now ? w->now : at, .order = w->order++, .kind = kind, .index = index, .pkt = pkt});
}

void la__sw_post_syn(struct sw_world *w, uint64_t at, uint32_t flow, la_syn syn) {
  push(w, (struct sw_event){.at = at, .order = w->order++, .kind = SW_EV_ADMIT, .index = flow, .syn = syn});
}

static struct sw_event pop(struct sw_world *w) {
  struct sw_event top = w->heap[0], last = w->heap[--w->nheap];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < w->nheap; i = child) {
    if (child + 1 < w->nheap && before(&w->heap[child + 1], &w->heap[child]))
      child++;
    if (!before(&w->heap[child], &last))
      break;
    w->heap[i] = w->heap[child];
  }
  w->heap[i] = last;
  return top;
}

/* memory of a stack: blocks are counted, since their sizes differ from machine to machine */

static void *take(void *ctx, size_t n) {
  struct sw_memory *m = ctx;
  if (m->none || (m->budget && m->blocks >= m->budget) || (m->fail && la__prng_below(&m->prng, 100000) < m->fail)) {
    m->failed++;
    return NULL;
  }
  void *p = malloc(n);
  if (!p)
    abort();
  m->bytes += n;
  m->blocks++;
  return p;
}
static void give(void *ctx, void *p, size_t n) {
  struct sw_memory *m = ctx;
  m->bytes -= n;
  m->blocks--;
  free(p);
}

/* hosts */

/* la_config.sums, as RFC 1071 has it. */
static uint32_t plain_sum(uint32_t partial, const void *data, size_t n) {
  const uint8_t *p = data;
  for (size_t i = 0; i < n; i++) {
    partial += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    partial = (partial & 65535) + (partial >> 16);
  }
  return partial;
}
static uint32_t plain_copy_sum(void *dst, const void *src, size_t n, uint32_t partial) {
  memcpy(dst, src, n);
  return plain_sum(partial, src, n);
}

static void configure(struct sw_host *h) {
  const struct sw_host_plan *p = h->plan;
  la_config *c = &h->cfg;
  la_config_init(c, p->preset ? LA_PRESET_LINUX : LA_PRESET_RFC);
  c->max_conns = c->max_half_open = c->max_time_wait = 4096;
#define SET(name, usual) \
  if (p->name != SW_PRESET) \
    c->name = (__typeof__(c->name))p->name;
#define SET_US(name, usual) \
  if (p->name != SW_PRESET) \
    c->name = p->name * LA_US;
  SW_CONFIG_KNOBS(SET)
  SW_CLOCK_KNOBS(SET_US)
  c->alloc = (la_alloc){take, give, &h->mem};
  c->sums = p->vector == 2 ? (la_sums){plain_sum, plain_copy_sum} : p->vector ? la_host_sums() : (la_sums){NULL, NULL};
  memset(&h->metrics, 0, sizeof h->metrics);
  c->metrics = p->metrics ? &h->metrics : NULL;
  c->trace = h->ring;
  c->trace_cap = SW_TRACE;
  struct prng r;
  la__prng_seed(&r, h->w->plan->seed * 977 + h->no * 31 + h->boots);
  for (unsigned i = 0; i < 16; i++)
    c->secret[i] = (uint8_t)la__prng_next(&r);
}

/* ISN or timestamps that are about to wrap: the clock's origin is chosen so that the host's first flow has them when it begins. */
static void choose_base(struct sw_host *h) {
  const struct sw_host_plan *p = h->plan;
  h->base = p->base * LA_US;
  if (!p->isn || h->boots > 1)
    return;
  for (unsigned i = 0; i < h->w->plan->flows; i++) {
    const struct sw_flow_plan *f = &h->w->plan->flow[i];
    bool client = f->client == h->no;
    if ((!client && f->server != h->no) || !f->lport)
      continue;
    struct key k = {.local = la__sw_addr(h->no, f->six), .remote = la__sw_addr(client ? f->server : f->client, f->six)};
    k.lport = (uint16_t)(client ? f->lport : 1000 + i);
    k.rport = (uint16_t)(client ? 1000 + i : f->lport);
    struct tcp *t = &h->st->tcp;
    la__tcp_now(t, 0);
    la_time start = run(h, sw_us(f->start));
    uint32_t isn = la__isn(t, &k) + (uint32_t)(start / (4 * LA_US)), stamp = la__ts_offset(t, &k) + (uint32_t)(start / LA_MS);
    if (p->isn == 3)
      h->base = (uint32_t)(0 - (uint32_t)p->isn_before - stamp) * LA_MS;
    else
      h->base = (uint32_t)((p->isn == 1 ? 1u << 31 : 0) - (uint32_t)p->isn_before - isn) * (4 * LA_US);
    return;
  }
}

void la__sw_boot(struct sw_host *h) {
  struct sw_world *w = h->w;
  bool none = h->mem.none;
  h->boots++;
  h->mem.none = false; /* a machine that comes up has some memory */
  h->mem.budget = 0;
  h->mem.fail = 0;
  configure(h);
  h->st = la_stack_new(&h->cfg);
  if (h->boots == 1 && h->st)
    choose_base(h);
  h->link = h->st ? la_link_add(h->st, (uint32_t)h->plan->mtu) : 0;
  if (!h->link) {
    la__sw_broken(w, SW_LIMITS, "host %u: the plan's configuration is refused", h->no);
    return;
  }
  for (unsigned six = 0; six < 2; six++) {
    la_addr a = la__sw_addr(h->no, six);
    if (la__mtu_carries((uint32_t)h->plan->mtu, six ? 6 : 4))
      la_addr_add(h->st, h->link, &a, six ? 64 : 16);
  }
  if (h->plan->offload)
    la_link_offload(h->st, h->link, (unsigned)h->plan->offload, (uint32_t)h->plan->gso_max);
  h->boot_at = w->now;
  h->inputs = h->alone_out = 0;
  h->now = h->before = h->ticked = la__sw_local(h, w->now);
  la_tick(h->st, h->now);
  la_stats st;
  la_stats_get(h->st, &st);
  h->baseline = st.bytes_allocated;
  h->mem.budget = h->plan->blocks ? (uint32_t)(h->plan->blocks + (uint64_t)h->mem.blocks) : 0;
  h->mem.fail = (uint32_t)h->plan->alloc_fail;
  h->mem.none = none;
  la__sw_wake(h);
}

/* The frames that its driver still holds. */
static void give_back(struct sw_host *h) {
  for (unsigned i = 0; i < h->nheld; i++)
    la_frame_done(h->st, &h->held[i]);
  h->nheld = 0;
}

void la__sw_crash(struct sw_host *h) {
  struct sw_world *w = h->w;
  if (!h->st)
    return;
  la__sw_drain(h);
  give_back(h);
  la_stack_free(h->st);
  la__sw_refs_over(h, false);
  h->st = NULL;
  h->wake = LA_NEVER;
  h->crash_at = w->now;
  if (h->mem.blocks || h->mem.bytes)
    la__sw_broken(w, SW_LEFT, "host %u: %lld blocks are left after a crash", h->no, (long long)h->mem.blocks);
  for (unsigned i = 0; i < w->nends; i++)
    if (w->end[i].h == h && w->end[i].alive) {
      la__sw_unpost(&w->end[i]);
      w->end[i].alive = false;
      w->end[i].crashed = true;
    }
  for (unsigned i = 0; i < SW_PAIRS; i++)
    h->pair[i].state = LA_CLOSED;
  for (unsigned i = 0; i < w->plan->flows; i++)
    if (w->flow[i].plan->server == h->no)
      w->flow[i].listening = false;
}

void la__sw_drain(struct sw_host *h) {
  la_trace_rec r[32];
  uint64_t lost = 0;
  for (size_t n; h->st && (n = la_trace_read(h->st, r, 32, &lost)) > 0;)
    for (size_t i = 0; i < n; i++)
      la__sw_record(h, &r[i]);
  if (lost)
    la__sw_broken(h->w, SW_TRANSITION, "host %u: the trace overflowed", h->no);
}

void la__sw_wake(struct sw_host *h) { h->wake = h->w->now; }

void la__sw_set_now(struct sw_host *h) { h->now = la__sw_local(h, h->w->now); }

static void output(struct sw_host *h) {
  la_frame f[4];
  for (size_t n; (n = la_output(h->st, h->link, f, 4, h->now)) > 0;) {
    la__sw_drain(h); /* the records of what goes out come first */
    for (size_t i = 0; i < n; i++) {
      la__sw_send(h, &f[i]);
      if (h->plan->hold && h->nheld < SW_HELD)
        h->held[h->nheld++] = f[i];
      else
        la_frame_done(h->st, &f[i]);
    }
  }
}

void la__sw_turn(struct sw_host *h) {
  struct sw_world *w = h->w;
  la_event e[4];
  la__sw_set_now(h);
  if (h->now != h->ticked)
    h->before = h->ticked;
  h->ticked = h->now;
  give_back(h);
  la_tick(h->st, h->now);
  la__sw_drain(h);
  for (size_t n; h->st && !w->broken && (n = la_events(h->st, e, h->no & 1 ? 4 : 1)) > 0;) {
    la__sw_drain(h);
    for (size_t i = 0; i < n; i++)
      la__sw_told(h, &e[i]);
  }
  la__sw_drain(h);
  output(h);
  la__sw_drain(h);
  la__sw_watch(h);
  if (w->events % WHOLE_EVERY == 0)
    la__sw_watch_stack(h);
  la_time d = la_deadline(h->st);
  h->wake = la__sw_global(h, d);
  if (h->wake > w->now)
    return;
  h->spins = h->spin_at == w->now ? h->spins + 1 : 1;
  h->spin_at = h->wake = w->now;
  if (h->spins > SPINS)
    la__sw_broken(w, SW_READY, "host %u: la_deadline stays at the present time and nothing happens", h->no);
}

/* Frames that come at one instant are one batch. */
static void arrive(struct sw_world *w, struct sw_event first) {
  enum { BATCH = 16 };
  struct sw_pkt *p[BATCH];
  la_frame f[BATCH];
  unsigned n = 0;
  struct sw_host *h = &w->host[first.index];
  if (first.pkt->len == 0) { /* a crash took it */
    la__sw_pkt_free(w, first.pkt);
    return;
  }
  p[n++] = first.pkt;
  while (n < BATCH && w->nheap && w->heap[0].at == first.at && w->heap[0].kind == SW_EV_ARRIVE && w->heap[0].index == first.index &&
         w->heap[0].pkt->len)
    p[n++] = pop(w).pkt;
  for (unsigned i = 0; i < n && h->st; i++) {
    memset(&f[i], 0, offsetof(la_frame, buf));
    f[i].data = p[i]->data;
    f[i].len = f[i].total = p[i]->len;
    f[i].flags = h->plan->unchecked && !h->plan->corrupt ? LA_FRAME_SUM_OK : 0;
    f[i].flags |= p[i]->flags;
    f[i].gso_size = p[i]->gso_size;
    if (w->log)
      la__sw_log_arrived(w->log, w, p[i]);
  }
  if (h->st) {
    la__sw_set_now(h);
    h->inputs += n;
    for (unsigned i = 0, stuck = 0; i < n && !w->broken;) {
      size_t took = la_input(h->st, h->link, f + i, n - i, h->now);
      la__sw_drain(h);
      i += (unsigned)took;
      stuck = took ? 0 : stuck + 1;
      if (i < n)
        output(h);
      if (stuck > 4)
        la__sw_broken(w, SW_READY, "host %u: takes no input though output ran", h->no);
    }
    if (!w->broken)
      la__sw_turn(h);
  }
  for (unsigned i = 0; i < n; i++)
    la__sw_pkt_free(w, p[i]);
}

/* The host whose turn an event is, when it stands still: the event waits. */
static bool put_off(struct sw_world *w, const struct sw_event *e) {
  const struct sw_host *h = NULL;
  if (e->kind == SW_EV_ARRIVE)
    h = &w->host[e->index];
  else if (e->kind == SW_EV_APP)
    h = w->end[e->index].h;
  else if (e->kind == SW_EV_FLOW)
    h = &w->host[w->flow[e->index].plan->client];
  else if (e->kind == SW_EV_ACCEPT || e->kind == SW_EV_ADMIT)
    h = &w->host[w->flow[e->index].plan->server];
  if (!h || h->stop_until <= w->now)
    return false;
  struct sw_event later = *e;
  later.at = h->stop_until;
  later.order = w->order++;
  push(w, later);
  return true;
}

static void dispatch(struct sw_world *w, struct sw_event e) {
  if (put_off(w, &e))
    return;
  switch (e.kind) {
  case SW_EV_ARRIVE:
    arrive(w, e);
    break;
  case SW_EV_APP:
    if (w->end[e.index].timer == e.at)
      w->end[e.index].timer = LA_NEVER;
    if (la__sw_usable(&w->end[e.index])) {
      la__sw_set_now(w->end[e.index].h);
      la__sw_app(&w->end[e.index]);
      la__sw_turn(w->end[e.index].h);
    }
    break;
  case SW_EV_FLOW:
    la__sw_flow(&w->flow[e.index]);
    break;
  case SW_EV_ACCEPT:
    w->flow[e.index].accepting = false;
    la__sw_accept(&w->flow[e.index]);
    break;
  case SW_EV_ADMIT:
    la__sw_admit(w, e.index, e.syn);
    break;
  case SW_EV_FAULT:
  case SW_EV_FAULT_OVER:
    la__sw_fault(w, e.index, e.kind == SW_EV_FAULT_OVER);
    break;
  case SW_EV_FINALE:
    la__sw_finale(w);
    break;
  }
}

/* The next thing that happens. false: nothing will. */
static bool step(struct sw_world *w) {
  struct sw_host *wakes = NULL;
  for (unsigned i = 0; i < w->plan->hosts; i++) {
    struct sw_host *h = &w->host[i];
    uint64_t at = h->wake > h->stop_until ? h->wake : h->stop_until;
    if (h->st && h->wake != LA_NEVER && (!wakes || at < wakes->wake)) {
      h->wake = at;
      wakes = h;
    }
  }
  if (!w->nheap && !wakes)
    return false;
  w->events++;
  if (w->nheap && (!wakes || w->heap[0].at <= wakes->wake)) {
    struct sw_event e = pop(w);
    w->now = e.at;
    dispatch(w, e);
  } else {
    w->now = wakes->wake > w->now ? wakes->wake : w->now;
    la__sw_turn(wakes);
  }
  return true;
}

/* No packet lives longer than the shortest MSL of all, whatever the clocks' speeds: that is what an MSL means. */
static uint64_t lifetime(const struct sw_world *w) {
  uint64_t least = UINT64_MAX;
  for (unsigned i = 0; i < w->plan->hosts; i++) {
    uint64_t msl = w->host[i].cfg.msl / w->host[i].speed << 20;
    least = msl < least ? msl : least;
  }
  return least - least / 8;
}

static void begin(struct sw_world *w) {
  for (unsigned i = 0; i < w->plan->hosts; i++) {
    struct sw_host *h = &w->host[i];
    memset((char *)h, 0, offsetof(struct sw_host, ring));
    h->w = w;
    h->no = i;
    h->plan = &w->plan->host[i];
    h->speed = h->plan->speed ? h->plan->speed : 1;
    h->wake = LA_NEVER;
    h->pmtu = (uint32_t)h->plan->pmtu;
    h->nat_next = 20000;
    la__prng_seed(&h->noise, w->plan->seed * 131 + i);
    la__prng_seed(&h->mem.prng, w->plan->seed * 137 + i);
    la__sw_boot(h);
  }
  w->lifetime = lifetime(w);
  for (unsigned i = 0; i < w->plan->flows; i++) {
    struct sw_flow *f = &w->flow[i];
    *f = (struct sw_flow){.w = w, .plan = &w->plan->flow[i], .no = i};
    if (!f->plan->both)
      la__sw_post(w, sw_us(f->plan->listen_at), SW_EV_ACCEPT, i, NULL);
    la__sw_post(w, sw_us(f->plan->start), SW_EV_FLOW, i, NULL);
  }
  for (unsigned i = 0; i < w->plan->faults; i++) {
    la__sw_post(w, sw_us(w->plan->fault[i].at), SW_EV_FAULT, i, NULL);
    la__sw_post(w, sw_us(w->plan->fault[i].at + w->plan->fault[i].len), SW_EV_FAULT_OVER, i, NULL);
  }
  la__sw_post(w, sw_us(w->plan->length), SW_EV_FINALE, 0, NULL);
}

/* What was lent with the last frames comes back now. */
static void last_words(struct sw_host *h) {
  la_event e;
  give_back(h);
  while (!h->w->broken && la_events(h->st, &e, 1) == 1)
    la__sw_told(h, &e);
}

static void over(struct sw_world *w) {
  for (unsigned i = 0; i < w->plan->hosts; i++)
    if (w->host[i].st)
      last_words(&w->host[i]);
  la__sw_world_over(w);
  for (unsigned i = 0; i < w->plan->hosts; i++) {
    struct sw_host *h = &w->host[i];
    bool sound = h->st && !w->broken;
    if (sound)
      la__sw_watch_over(h);
    if (h->st)
      la_stack_free(h->st);
    h->st = NULL;
    la__sw_refs_over(h, sound);
    if (!w->broken && (h->mem.blocks || h->mem.bytes))
      la__sw_broken(w, SW_LEFT, "host %u: la_stack_free left %lld blocks", i, (long long)h->mem.blocks);
  }
  for (unsigned i = 0; i < w->nends; i++)
    la__sw_posts_over(&w->end[i]);
  while (w->nheap) {
    struct sw_event e = pop(w);
    if (e.kind == SW_EV_ARRIVE)
      la__sw_pkt_free(w, e.pkt);
  }
}

/* More is a war of answers: what is written byte by byte takes a segment for each, and its ACK, and the wait for the next. */
static uint64_t events_most(const struct sw_plan *p) {
  uint64_t writes = 0;
  for (unsigned i = 0; i < p->flows; i++)
    for (unsigned k = 0; k < 2; k++) {
      const struct sw_end_plan *e = &p->flow[i].end[k];
      writes += p->flow[i].count * (e->tx_chunk ? e->tx / e->tx_chunk : 0);
    }
  return EVENTS_MOST + writes * EVENTS_A_WRITE;
}

void la__sw_run(struct sw_world *w, const struct sw_plan *p, struct sw_log *log) {
  w->plan = p;
  w->log = log;
  w->now = w->order = w->events = w->segments = 0;
  w->digest = UINT64_C(0xcbf29ce484222325);
  w->stamp++;
  w->nends = 0;
  w->finale = false;
  w->broken = SW_FINE;
  w->words[0] = 0;
  memset(&w->fig, 0, sizeof w->fig);
  la__prng_seed(&w->prng, p->seed * 139 + 5);
  begin(w);
  uint64_t most = events_most(p);
  while (!w->broken && step(w)) {
    if (w->events > most)
      la__sw_broken(w, SW_BOUND, "more than %llu events: a war of answers", (unsigned long long)most);
    if (w->finale && w->now > sw_us(p->length) + LONGEST)
      la__sw_broken(w, SW_BOUND, "three days after all was closed clocks still run");
  }
  over(w);
  w->fig.worlds = 1;
  w->fig.failed = w->broken != SW_FINE;
  w->fig.virtual_s = w->now / LA_SEC;
  w->fig.events = w->events;
  w->fig.segments = w->segments;
}

struct sw_world *la__sw_new(void) {
  return calloc(1, sizeof(struct sw_world));
}
void la__sw_free(struct sw_world *w) {
  if (!w)
    return;
  for (unsigned i = 0; i < 3; i++)
    for (struct sw_pkt *p = w->free[i], *next; p; p = next) {
      next = p->next;
      free(p->data);
      free(p);
    }
  free(w->heap);
  free(w);
}
