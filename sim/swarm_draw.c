/* SPDX-License-Identifier: MIT */
/* The plan that a seed draws. Most worlds have a few troubles, not all: what is rare alone is rarer in company. */
#include "sim/swarm.h"

#include <string.h>

static uint64_t below(struct prng *r, uint64_t n) { return n ? la__prng_next(r) % n : 0; }
static uint64_t range(struct prng *r, uint64_t lo, uint64_t hi) { return lo + below(r, hi - lo + 1); }
/* As likely to be small as to be large, by powers of two. */
static uint64_t scale(struct prng *r, uint64_t lo, uint64_t hi) {
  unsigned a = 0, b = 0;
  while (a < 63 && lo >> a > 1)
    a++;
  while (b < 63 && hi >> b > 1)
    b++;
  uint64_t v = UINT64_C(1) << range(r, a, b);
  v += below(r, v);
  return v < lo ? lo : v > hi ? hi : v;
}
static bool chance(struct prng *r, unsigned percent) { return below(r, 100) < percent; }
#define ONE_OF(r, ...) one_of((r), (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
static uint64_t one_of(struct prng *r, const uint64_t *v, size_t n) { return v[below(r, n)]; }

enum { MS = 1000, S = 1000000 };

static void draw_clocks(struct prng *r, struct sw_host_plan *h) {
  if (chance(r, 40))
    h->msl = ONE_OF(r, 100 * MS, S, 2 * S, 5 * S, 120 * S);
  if (chance(r, 15))
    h->r2 = scale(r, 5 * S, 200 * S);
  if (chance(r, 15))
    h->syn_limit = scale(r, 2 * S, 100 * S);
  if (chance(r, 20))
    h->rto_min = scale(r, MS, S);
  if (chance(r, 10))
    h->rto_initial = scale(r, 100 * MS, 3 * S);
  if (chance(r, 10))
    h->rto_max = scale(r, 4 * S, 120 * S);
  if (chance(r, 20))
    h->delayed_ack = ONE_OF(r, 0, MS, 40 * MS, 499 * MS);
  if (chance(r, 20))
    h->fin_wait_2 = scale(r, 10 * MS, 60 * S);
  if (chance(r, 10))
    h->challenge_gap = ONE_OF(r, 0, MS, 900 * MS);
}

static void draw_limits(struct prng *r, struct sw_host_plan *h) {
  if (chance(r, 8))
    h->max_conns = range(r, 1, 6);
  if (chance(r, 10))
    h->max_half_open = range(r, 1, 3);
  if (chance(r, 10))
    h->max_time_wait = range(r, 0, 3);
  if (chance(r, 8))
    h->max_orphans = range(r, 0, 3);
  if (chance(r, 10))
    h->max_chunks = range(r, 2, 40);
  if (chance(r, 10))
    h->max_ooo = range(r, 1, 8);
  if (chance(r, 10))
    h->max_sent = range(r, 8, 32);
  if (chance(r, 6))
    h->replies = 16;
  if (chance(r, 6))
    h->rst_per_sec = range(r, 0, 3);
  if (chance(r, 6))
    h->icmp_per_sec = range(r, 0, 3);
  if (chance(r, 8)) {
    h->port_lo = range(r, 20000, 60000);
    h->port_hi = h->port_lo + below(r, 4);
  }
  if (chance(r, 3))
    h->quiet_time = 1;
  if (chance(r, 3))
    h->time_wait = 0;
  if (chance(r, 3))
    h->blocks = range(r, 4, 40);
  if (chance(r, 3))
    h->alloc_fail = scale(r, 10, 20000);
}

static void draw_config(struct prng *r, struct sw_host_plan *h) {
  h->preset = below(r, 2);
#define FLIP(name, percent) \
  if (chance(r, percent)) \
    h->name = below(r, 2);
  FLIP(timestamps, 40)
  FLIP(sack, 40)
  FLIP(window_scale, 30)
  FLIP(dsack, 20)
  FLIP(tlp, 30)
  FLIP(frto, 30)
  FLIP(hystart, 20)
  FLIP(minshall, 20)
  FLIP(send_pieces, 20)
  FLIP(slow_start_after_idle, 20)
  FLIP(empty_probes, 20)
  FLIP(bare_segments, 20)
  FLIP(mute_unsent, 20)
  FLIP(icmp_soft, 20)
  FLIP(syn_cookies, 20)
  if (chance(r, 50))
    h->cc = below(r, LA_CCS);
  if (chance(r, 30))
    h->ecn = below(r, 3);
  if (chance(r, 15))
    h->quick_acks = below(r, 32);
  if (chance(r, 15))
    h->dupthresh = range(r, 1, 10);
  if (chance(r, 15))
    h->r1 = range(r, 1, 5);
  if (chance(r, 20))
    h->synack_retries = below(r, 6);
  if (chance(r, 40))
    h->sndbuf = scale(r, 2048, 1 << 20);
  if (chance(r, 40))
    h->rcvbuf = scale(r, 2048, 4 << 20);
  if (chance(r, 15))
    h->rcv_start = scale(r, 1000, 100000);
  if (chance(r, 15))
    h->sndbuf_max = scale(r, 4096, 1 << 21);
  if (chance(r, 15))
    h->rcvbuf_max = scale(r, 4096, 1 << 21);
}

/* How bad the ways are is the world's: 0 perfect, 1 ordinary, 2 bad, 3 terrible. */
static void draw_link(struct prng *r, struct sw_host_plan *h, unsigned bad) {
  h->mtu = chance(r, 60) ? 1500 : ONE_OF(r, 576, 1280, 1400, 1492, 9000, 65535);
  h->delay = chance(r, 15) ? below(r, 100) : scale(r, 100, 200 * MS);
  if (chance(r, 30)) {
    h->rate = scale(r, 2000, 10000000);
    h->queue = scale(r, 3000, 300000);
  }
  if (chance(r, 10))
    h->batch = scale(r, 100, 20 * MS);
  h->unchecked = chance(r, 20);
  if (chance(r, 35)) {
    h->offload = 1 + below(r, 15);
    h->gso_max = chance(r, 50) ? 0 : scale(r, 1500, 65535);
  }
  h->whole = chance(r, 25);
  h->vector = chance(r, 30);
  h->metrics = chance(r, 30);
  if (chance(r, 10))
    h->mark = scale(r, 100, 30000);
  if (chance(r, 6))
    h->urgent = scale(r, 100, 10000);
  if (!bad)
    return;
  unsigned often = bad == 1 ? 25 : bad == 2 ? 40 : 60;
  uint64_t most = bad == 1 ? 2000 : bad == 2 ? 10000 : 40000;
  if (chance(r, often))
    h->jitter = scale(r, 10, 2 * h->delay + 100);
  if (chance(r, often))
    h->loss = scale(r, 10, most);
  if (chance(r, often / 2)) {
    h->burst = scale(r, 10, most / 10);
    h->burst_len = range(r, 2, 30);
  }
  if (chance(r, often)) {
    h->dup = scale(r, 10, most);
    h->dup_late = chance(r, 50) ? below(r, 2 * h->delay + 1000) : scale(r, S, 60 * S);
  }
  if (chance(r, often)) {
    h->reorder = scale(r, 10, 2 * most);
    h->reorder_by = scale(r, 100, 4 * h->delay + 1000);
  }
  if (chance(r, often / 2))
    h->corrupt = scale(r, 10, most);
  if (chance(r, often / 4))
    h->ttl_out = scale(r, 10, most / 4);
}

static void draw_host(struct prng *r, struct sw_plan *p, struct sw_host_plan *h, unsigned bad) {
  la__sw_usual(SW_ITEM_HOST, h);
  draw_config(r, h);
  draw_clocks(r, h);
  draw_limits(r, h);
  draw_link(r, h, bad);
  if (chance(r, 30))
    h->speed = range(r, 1048576 - 60000, 1048576 + 60000);
  h->base = chance(r, 20) ? scale(r, 1, UINT64_C(1) << 50) : 1000000000 + below(r, 1000000000);
  if (chance(r, 25)) {
    h->isn = range(r, 1, 3);
    h->isn_before = scale(r, 1, 60000);
  }
  if (chance(r, 10) && p->hosts > 1)
    h->nat = 1;
  if (h->rto_max != SW_PRESET && h->rto_max < 4 * S)
    h->rto_max = 4 * S;
}

/* ---- flows ---- */

static uint64_t draw_way(struct prng *r) {
  return ONE_OF(r, WAY_CLOSE, WAY_CLOSE, WAY_SHUTDOWN, WAY_SHUTDOWN, WAY_ABORT, WAY_LINGER, WAY_CLOSE_BY);
}

static void draw_options(struct prng *r, struct sw_end_plan *e) {
  e->nodelay = chance(r, 30);
  if (chance(r, 8))
    e->cork = range(r, 1, 2);
  e->mark = chance(r, 5);
  e->peek = chance(r, 10);
  if (chance(r, 12)) {
    e->keep_idle = scale(r, 1, 7200);
    e->keep_intvl = scale(r, 1, 75);
    e->keep_cnt = range(r, 1, 10);
  }
  if (chance(r, 8))
    e->user_timeout = scale(r, 100, 200000);
  if (chance(r, 12))
    e->sndbuf = scale(r, 2048, 1 << 20);
  if (chance(r, 12))
    e->rcvbuf = scale(r, 2048, 1 << 20);
  if (chance(r, 10))
    e->cc = 1 + below(r, LA_CCS);
  if (chance(r, 5))
    e->cc_later = 1 + below(r, LA_CCS);
  if (chance(r, 6))
    e->lowat = scale(r, 1, 65536);
  if (chance(r, 6))
    e->pacing = scale(r, 2000, 10000000);
  if (chance(r, 6))
    e->mss = scale(r, 88, 9000);
  if (chance(r, 6))
    e->clamp = scale(r, 1024, 65536);
  if (chance(r, 6))
    e->fin_wait_2 = chance(r, 30) ? 1 : scale(r, 2, 20000);
  if (chance(r, 10))
    e->quickack = range(r, 1, 2);
  if (chance(r, 5))
    e->syn_retries = range(r, 1, 6);
}

static void draw_end(struct prng *r, struct sw_end_plan *e) {
  la__sw_usual(SW_ITEM_END, e);
  draw_options(r, e);
  e->tx_chunk = scale(r, 1, 65536);
  if (chance(r, 12)) { /* a trickle */
    e->tx_chunk = scale(r, 1, 3000);
    e->tx_gap = scale(r, 100, 2 * S);
  }
  if (e->mark && e->tx_chunk < 64) /* each a segment of its own */
    e->tx_chunk = 64;
  if (chance(r, 10))
    e->tx_at = scale(r, MS, 20 * S);
  if (chance(r, 25))
    e->rd_chunk = scale(r, 1, 8192);
  if (chance(r, 10))
    e->rd_gap = scale(r, 100, 500 * MS);
  if (chance(r, 8)) {
    e->rd_stop = scale(r, 1, 50000);
    e->rd_for = chance(r, 40) ? 0 : scale(r, 10 * MS, 100 * S);
  }
  if (chance(r, 20))
    e->fin_late = scale(r, 100, 10 * S);
  if (chance(r, 25))
    e->eof_late = scale(r, 100, 20 * S);
  if (chance(r, 15))
    e->end_late = scale(r, 100, 100 * S);
  e->by = scale(r, MS, 30 * S);
  if (chance(r, 14)) {
    e->act = chance(r, 60) ? draw_way(r) : chance(r, 30) ? WAY_DEAF : WAY_ABORT;
    e->act_at = scale(r, 100, 10 * S);
  }
}

/* What the two say to each other. */
static void draw_talk(struct prng *r, struct sw_flow_plan *f, uint64_t most) {
  struct sw_end_plan *a = &f->end[0], *b = &f->end[1];
  switch (below(r, 7)) {
  case 0: /* one way, closed by the writer */
    a->tx = scale(r, 500, most);
    a->fin = WAY_SHUTDOWN;
    b->fin = WAY_NONE;
    break;
  case 1: /* the other way */
    b->tx = scale(r, 500, most);
    b->fin = WAY_CLOSE;
    a->fin = WAY_NONE;
    break;
  case 2: /* a request and its answer */
    a->tx = scale(r, 1, 5000);
    a->fin = chance(r, 50) ? WAY_SHUTDOWN : WAY_NONE;
    b->tx_after = a->tx;
    b->tx = scale(r, 500, most);
    break;
  case 3: /* both at once, each with its own half-close */
    a->tx = scale(r, 500, most / 2);
    b->tx = scale(r, 500, most / 2);
    a->fin = b->fin = WAY_SHUTDOWN;
    break;
  case 4: /* nothing is said; who closes first? */
    a->fin = chance(r, 50) ? draw_way(r) : WAY_NONE;
    b->fin = chance(r, 50) ? draw_way(r) : a->fin ? WAY_NONE : WAY_CLOSE;
    a->fin_late = chance(r, 40) ? b->fin_late : a->fin_late;
    break;
  case 5: /* rude */
    a->tx = scale(r, 500, most);
    b->tx = scale(r, 500, most);
    a->fin = draw_way(r);
    b->fin = draw_way(r);
    a->eof = b->eof = draw_way(r);
    break;
  default: /* idle until the finale */
    a->tx = below(r, 2) * scale(r, 1, 3000);
    b->tx = below(r, 2) * scale(r, 1, 3000);
    a->fin = b->fin = WAY_NONE;
    a->eof = b->eof = chance(r, 70) ? WAY_CLOSE : WAY_NONE;
    break;
  }
}

/* A reader that stops with a small buffer, for a while: the writer's window closes. */
static void stop_reader(struct prng *r, struct sw_end_plan *reader, struct sw_end_plan *writer) {
  reader->rcvbuf = scale(r, 2048, 20000);
  reader->rd_stop = scale(r, 1, 10000);
  reader->rd_for = chance(r, 15) ? 0 : scale(r, 10 * MS, 200 * S);
  reader->fin = chance(r, 50) ? WAY_NONE : WAY_SHUTDOWN;
  reader->act = WAY_NONE;
  writer->tx += scale(r, 10000, 80000);
  writer->tx_after = 0;
}

static void draw_flow(struct prng *r, struct sw_plan *p, struct sw_flow_plan *f, uint64_t most) {
  la__sw_usual(SW_ITEM_FLOW, f);
  f->client = below(r, p->hosts);
  f->server = (f->client + 1 + below(r, p->hosts - 1)) % p->hosts;
  if (p->host[f->server].nat) { /* behind a NAT nobody is found */
    uint64_t x = f->client;
    f->client = f->server;
    f->server = x;
  }
  f->six = chance(r, 35) && p->host[f->client].mtu >= 1280 && p->host[f->server].mtu >= 1280;
  f->start = chance(r, 30) ? 0 : scale(r, MS, p->length / 2);
  f->count = chance(r, 50) ? 1 : range(r, 2, 6);
  f->gap = chance(r, 40) ? 0 : scale(r, 100, 5 * S);
  if (chance(r, 60))
    f->lport = 30000 + below(r, 100);
  if (f->lport && !p->host[f->client].nat && !p->host[f->server].nat)
    f->both = chance(r, 10);
  f->reuse = chance(r, 40);
  if (chance(r, 15))
    f->backlog = range(r, 1, 3);
  if (chance(r, 10))
    f->admit = range(r, 1, 7);
  if (chance(r, 5))
    f->defer = range(r, 1, 3);
  if (chance(r, 10))
    f->accept_late = scale(r, MS, 10 * S);
  if (chance(r, 5))
    f->listen_at = scale(r, MS, 5 * S);
  draw_end(r, &f->end[0]);
  draw_end(r, &f->end[1]);
  draw_talk(r, f, most);
  if (chance(r, 15)) {
    unsigned side = (unsigned)below(r, 2);
    stop_reader(r, &f->end[side], &f->end[!side]);
  }
}

static void draw_fault(struct prng *r, struct sw_plan *p, struct sw_fault_plan *f) {
  la__sw_usual(SW_ITEM_FAULT, f);
  f->kind = range(r, FAULT_CRASH, FAULT_MEMORY);
  f->host = below(r, p->hosts);
  f->at = scale(r, MS, p->length);
  f->len = scale(r, MS, p->length);
  if (chance(r, 50))
    f->peer = below(r, p->hosts);
  switch (f->kind) {
  case FAULT_PARTITION:
    f->value = below(r, 4);
    break;
  case FAULT_PMTU:
    f->value = ONE_OF(r, 576, 600, 1280, 1400, 1492);
    break;
  case FAULT_FORGE:
    f->value = scale(r, 1, 64);
    break;
  case FAULT_DELAY:
    f->value = scale(r, MS, 2 * S);
    break;
  case FAULT_STOP:
    f->len = scale(r, MS, 60 * S);
    break;
  case FAULT_MEMORY:
    f->len = scale(r, MS, 10 * S);
    break;
  default:
    break;
  }
}

/* ---- what was thought of later: from numbers of its own, so that a seed's world stays what it was but for these ---- */

static void draw_lending(struct prng *r, struct sw_end_plan *e) {
  if (chance(r, 20))
    e->ref = range(r, 1, 2);
  if (chance(r, 20)) {
    e->post = range(r, 1, 4);
    e->post_cap = chance(r, 20) ? range(r, 1, 16) : scale(r, 64, 65536);
    if (e->post_cap < 64 && e->rd_gap)
      e->post_cap = 64;
    if (chance(r, 30))
      e->post_least = range(r, 1, e->post_cap);
    if (chance(r, 25))
      e->post_cancel = scale(r, 1, 50000);
  }
  e->consume = chance(r, 15);
  if (chance(r, 10))
    e->mtu_probing = range(r, 1, 3);
}

/* A path that takes less than its ends' links, and perhaps no router says so: a black hole. */
static void draw_path(struct prng *r, struct sw_host_plan *h) {
  if (chance(r, 35))
    h->mtu_probing = below(r, 3);
  if (chance(r, 15))
    h->base_mss = ONE_OF(r, 68, 216, 512, 1024, 1220, 1400, 8000);
  if (chance(r, 15))
    h->pmtu_expires = scale(r, 100 * MS, 600 * S);
  if (chance(r, 8))
    h->pmtu = ONE_OF(r, 576, 1280, 1400, 1492);
  h->silent = chance(r, 12);
  if (chance(r, 20))
    h->vector = 2;
  h->hold = chance(r, 25);
}

/* Habits that are rare enough to need a push. */
static void draw_rare(struct prng *r, struct sw_flow_plan *f) {
  struct sw_end_plan *e = &f->end[below(r, 2)];
  if (chance(r, 5) && !f->both) {
    f->at_once = 1;
    f->lport = 0;
    f->gap = scale(r, MS, 50 * MS);
    f->count = range(r, 3, 6);
    f->backlog = range(r, 1, 2);
    f->accept_late = scale(r, MS, 2 * S);
  }
  if (chance(r, 4)) { /* deaf when both directions are shut down */
    e->fin = WAY_SHUTDOWN;
    e->eof = WAY_DEAF;
    e->eof_late = chance(r, 50) ? 0 : scale(r, 100, 10 * S);
  }
  if (chance(r, 3)) { /* ... or when it has ended */
    e->act = WAY_DEAF;
    e->act_at = scale(r, 10 * MS, 40 * S);
    e->end_late = 50 * S;
    f->end[e == f->end].act = WAY_ABORT;
    f->end[e == f->end].act_at = scale(r, MS, e->act_at);
  }
  if (f->both && chance(r, 25)) { /* ends while the SYNs cross */
    e->act = ONE_OF(r, WAY_CLOSE_BY, WAY_CLOSE, WAY_SHUTDOWN, WAY_DEAF);
    e->act_at = scale(r, 100, 300 * MS);
  }
}

static void draw_later(struct prng *r, struct sw_plan *p) {
  for (unsigned n = chance(r, 15) ? (unsigned)range(r, 1, 3) : 0; n && p->faults < SW_FAULTS; n--) {
    struct sw_fault_plan *f = &p->fault[p->faults++];
    la__sw_usual(SW_ITEM_FAULT, f);
    f->kind = FAULT_SIGHT;
    f->host = below(r, p->hosts);
    f->at = scale(r, MS, p->length);
    f->value = scale(r, 8, 256);
  }
  for (unsigned i = 0; i < p->hosts; i++)
    draw_path(r, &p->host[i]);
  for (unsigned i = 0; i < p->flows; i++)
    for (unsigned side = 0; side < 2; side++)
      draw_lending(r, &p->flow[i].end[side]);
  for (unsigned i = 0; i < p->flows; i++)
    draw_rare(r, &p->flow[i]);
}

void la__sw_draw(struct sw_plan *p, uint64_t seed) {
  struct prng rnd, *r = &rnd;
  la__prng_seed(r, seed ^ UINT64_C(0x5357a4));
  memset(p, 0, sizeof *p);
  la__sw_usual(SW_ITEM_WORLD, p);
  p->seed = seed;
  p->length = scale(r, S, 400 * S);
  p->finale = below(r, 3);
  unsigned bad = (unsigned)below(r, 4);
  p->hosts = (unsigned)(chance(r, 45) ? 2 : range(r, 3, SW_HOSTS));
  for (unsigned i = 0; i < p->hosts; i++)
    draw_host(r, p, &p->host[i], bad);
  p->host[0].nat = 0; /* somebody must be found */
  p->flows = (unsigned)range(r, 4, 13);
  uint64_t most = scale(r, 20000, 400000);
  for (unsigned i = 0; i < p->flows; i++)
    draw_flow(r, p, &p->flow[i], most);
  p->faults = (unsigned)(chance(r, 50) ? 0 : range(r, 1, 5));
  for (unsigned i = 0; i < p->faults; i++)
    draw_fault(r, p, &p->fault[i]);
  la__prng_seed(r, seed ^ UINT64_C(0x1a7e5));
  draw_later(r, p);
  la__sw_settle(p);
}
