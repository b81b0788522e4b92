/* SPDX-License-Identifier: MIT */
/*
 * Failing memory, and the connection beside: a peer of its own with memory enough sends requests, the stack under test sends them back. It
 * asks a few times at boot, again when an allocation has failed, and at the end, when all must have come back, byte for byte, and both
 * ends be released in order. Where memory stays short its clocks may end it; nothing else may.
 */
#include "sim/failing.h"

#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

enum { ECHO = 7, PIECE = 3000, AT_BOOT = 2, AFTER = 3, AT_END = 1, TRIES = 12, WAY = 5 };

struct packet {
  struct beside *b;
  bool to_peer;
  unsigned boot;
  size_t len;
  uint8_t data[1500];
};

struct beside {
  struct host *h;
  struct world *w;
  la_stack *peer;
  struct counting mem;
  la_link near, far; /* the host's, and the peer's */
  la_addr addr[2];
  unsigned boot, tries, ends, ends_far;
  la_listener listener;
  la_conn conn, ask; /* the host's end, and the peer's */
  bool listening, accepted, asked, again, closing, eof, closed, over, finished;
  la_end end, end_far;
  size_t wanted, written, came; /* the peer's: bytes to write, written, come back */
  uint8_t held[4096];           /* the echo's, on their way back */
  size_t nheld;
  la_time wake;
};

bool la__failing_may(struct failing *f, struct counting *m) {
  f->calls++;
  bool refuse = f->at && (f->calls == f->at || m->refuses);
  if (!refuse)
    return true;
  f->refused++;
  f->hit = true;
  f->victim = m;
  m->refuses = f->ever;
  return false;
}
void la__failing_heal(struct world *w) {
  for (unsigned i = 0; i < w->nhosts; i++)
    w->host[i]->mem.refuses = false;
}
void la__failing_told(struct world *w, int err) {
  if (w->opt.failing && err == LA_ENOMEM)
    w->opt.failing->told++;
}
void la__failing_gone(struct host *h) {
  static const enum la_drop of_memory[] = {LA_DROP_NOMEM, LA_DROP_TCP_OFO_QUEUE_PRUNE, LA_DROP_NEIGH_QUEUEFULL, LA_DROP_NEIGH_CREATEFAIL,
                                           LA_DROP_SOCKET_RCVBUFF};
  la_stats st;
  if (!h->w->opt.failing)
    return;
  la_stats_get(h->st, &st);
  for (unsigned i = 0; i < sizeof of_memory / sizeof *of_memory; i++)
    h->w->opt.failing->drops += st.drops[of_memory[i]];
}

/* ---- the connection beside ---- */

static void broken(struct beside *b, const char *what) {
  la__law(b->w, LAW_BESIDE, false, "%s: the connection beside %s", b->h->name, what);
  b->over = true;
}
static uint8_t pattern(size_t i) { return (uint8_t)(i * 2654435761u >> 13); }

static void peer_turn(struct beside *b);
static void arrive(void *ctx) {
  struct packet *p = ctx;
  struct beside *b = p->b;
  la_frame f = {.data = p->data, .len = (uint32_t)p->len, .total = (uint32_t)p->len};
  if (p->to_peer && b->peer) {
    la_input(b->peer, b->far, &f, 1, b->w->now);
    peer_turn(b);
  } else if (!p->to_peer && b->h->st && b->boot == p->boot) {
    la_input(b->h->st, b->near, &f, 1, b->w->now);
    la__host_drain(b->h);
    la__host_kick(b->h);
  }
  free(p);
}
static void launch(struct beside *b, la_stack *s, la_link link, bool to_peer) {
  la_frame f;
  while (la_output(s, link, &f, 1, b->w->now) == 1) {
    struct packet *p = malloc(sizeof *p);
    if (!p)
      abort();
    *p = (struct packet){.b = b, .to_peer = to_peer, .boot = b->boot};
    p->len = la_frame_copy(&f, p->data, sizeof p->data);
    la_frame_done(s, &f);
    la__at(b->w, b->w->now + WAY * LA_MS, arrive, p);
  }
}

/* What the peer asks: as much as is wanted, then end of stream. */
static void ask(struct beside *b) {
  uint8_t buf[PIECE];
  while (b->written < b->wanted) {
    size_t n = b->wanted - b->written;
    n = n < sizeof buf ? n : sizeof buf;
    for (size_t i = 0; i < n; i++)
      buf[i] = pattern(b->written + i);
    ptrdiff_t r = la_send(b->peer, b->ask, buf, n);
    if (r <= 0)
      return;
    b->written += (size_t)r;
  }
  if (b->closing)
    la_shutdown(b->peer, b->ask, b->w->now);
}
static void hear(struct beside *b) {
  uint8_t buf[PIECE];
  ptrdiff_t n;
  while ((n = la_recv(b->peer, b->ask, buf, sizeof buf)) > 0)
    for (ptrdiff_t i = 0; i < n; i++)
      if (buf[i] != pattern(b->came++)) {
        broken(b, "was given other bytes than those that it sent");
        return;
      }
  if (n == 0)
    la_close(b->peer, b->ask, b->w->now);
}

static void peer_wakes(void *ctx) {
  struct beside *b = ctx;
  if (b->peer && b->wake <= b->w->now)
    peer_turn(b);
}
static void peer_turn(struct beside *b) {
  la_event e;
  la_tick(b->peer, b->w->now);
  while (la_events(b->peer, &e, 1) == 1) {
    if (e.type == LA_EVENT_END) {
      b->ends_far++;
      b->end_far = e.end;
      la_close(b->peer, b->ask, b->w->now);
    } else if (e.type == LA_EVENT_READABLE || e.type == LA_EVENT_PEER_FIN) {
      hear(b);
    }
  }
  if (!b->ends_far)
    ask(b);
  launch(b, b->peer, b->far, false);
  la_time d = la_deadline(b->peer);
  b->wake = d > b->w->now ? d : b->w->now + LA_MS;
  if (d != LA_NEVER)
    la__at(b->w, b->wake, peer_wakes, b);
}

static void *plain_alloc(void *ctx, size_t n) {
  (void)ctx;
  return malloc(n ? n : 1);
}
static void plain_free(void *ctx, void *p, size_t n) {
  (void)ctx;
  (void)n;
  free(p);
}
static la_addr addr(const struct host *h, unsigned n) {
  if (h->addr.family == 6)
    return (la_addr){.family = 6, .b = {0xfd, 1, [15] = (uint8_t)n}};
  return (la_addr){.family = 4, .b = {198, 18, 0, (uint8_t)n}};
}

static void start_peer(struct beside *b) {
  la_config cfg;
  la_config_init(&cfg, LA_PRESET_RFC);
  cfg.alloc = (la_alloc){.alloc = plain_alloc, .free = plain_free};
  cfg.secret[0] = (uint8_t)(b->boot + 1);
  b->peer = la_stack_new(&cfg);
  if (!b->peer)
    abort();
  b->far = la_link_add(b->peer, 1500);
  la_addr_add(b->peer, b->far, &b->addr[1], b->addr[1].family == 6 ? 64 : 24);
  la_tick(b->peer, b->w->now);
}

bool la__beside_boot(struct host *h) {
  struct beside *b = h->beside;
  if (!b && !(b = h->beside = calloc(1, sizeof *b)))
    abort();
  *b = (struct beside){.h = h, .w = h->w, .boot = h->boots, .wake = LA_NEVER};
  b->addr[0] = addr(h, 1);
  b->addr[1] = addr(h, 2);
  b->near = la_link_add(h->st, 1500);
  if (!b->near || la_addr_add(h->st, b->near, &b->addr[0], b->addr[0].family == 6 ? 64 : 24) != LA_OK)
    return false;
  start_peer(b);
  b->wanted = AT_BOOT * PIECE;
  return true;
}

static void later(void *ctx) {
  struct beside *b = ctx;
  if (b->h->st && b->boot == b->h->boots)
    la__host_kick(b->h);
}
/* LA_ENOMEM: it tries again, but not for ever. */
static void try_later(struct beside *b, int err) {
  la__failing_told(b->w, err);
  if (b->tries++ < TRIES)
    la__at(b->w, b->w->now + ((20 * LA_MS) << b->tries), later, b);
}

static void send_back(struct beside *b) {
  la_stack *s = b->h->st;
  for (;;) {
    while (b->nheld) {
      ptrdiff_t r = la_send(s, b->conn, b->held, b->nheld);
      if (r == LA_ENOMEM)
        try_later(b, LA_ENOMEM);
      if (r <= 0)
        return;
      b->tries = 0;
      memmove(b->held, b->held + r, b->nheld - (size_t)r);
      b->nheld -= (size_t)r;
    }
    ptrdiff_t n = b->eof ? 0 : la_recv(s, b->conn, b->held, sizeof b->held);
    if (n < 0)
      return;
    b->nheld = (size_t)n;
    if (n > 0)
      continue;
    b->eof = true;
    if (!b->closed)
      la_close(s, b->conn, b->w->now);
    b->closed = true;
    return;
  }
}

bool la__beside_event(struct host *h, const void *user, unsigned type, const void *end) {
  struct beside *b = h->beside;
  if (!b || user != b)
    return false;
  if (type == LA_EVENT_END) {
    b->ends++;
    b->end = *(const la_end *)end;
    if (!b->closed)
      la_close(h->st, b->conn, b->w->now);
    b->closed = true;
  }
  return true;
}

void la__beside_turn(struct host *h) {
  struct beside *b = h->beside;
  if (!b || !b->peer || b->boot != h->boots)
    return;
  if (!b->listening && !b->finished) {
    la_listen_opts o = {.addr = b->addr[0], .port = ECHO, .backlog = 4, .user = b};
    int err = la_listen(h->st, &o, &b->listener);
    b->listening = err == LA_OK;
    if (!b->listening)
      try_later(b, err);
  }
  if (b->listening && !b->asked) {
    la_connect_opts o = {.remote = b->addr[0], .remote_port = ECHO, .user = b};
    b->asked = la_connect(b->peer, &o, &b->ask, b->w->now) == LA_OK;
    peer_turn(b);
  }
  if (b->listening && !b->accepted && la_accept(h->st, b->listener, b, &b->conn) == LA_OK)
    b->accepted = true;
  struct failing *f = h->w->opt.failing;
  if (f->hit && f->victim == &h->mem && !b->again && !b->closing) {
    b->again = true;
    b->wanted += AFTER * PIECE;
    if (b->asked)
      peer_turn(b);
  }
  if (b->accepted && !b->ends)
    send_back(b);
  la__host_drain(h);
  launch(b, h->st, b->near, true);
  la__host_drain(h);
}

void la__beside_crash(struct host *h) {
  struct beside *b = h->beside;
  if (!b)
    return;
  la_stack_free(b->peer);
  b->peer = NULL;
}
void la__beside_free(struct host *h) {
  la__beside_crash(h);
  free(h->beside);
  h->beside = NULL;
}

static bool unfinished(void *ctx) {
  struct beside *b = ctx;
  return !b->over && !(b->ends_far && (b->ends || !b->accepted));
}
static bool in_order(const la_end *e) { return e->err == LA_OK && e->how != LA_HOW_RESET && e->how != LA_HOW_SILENT; }

static bool hurt(const struct beside *b) { return b->w->opt.failing->ever && b->w->opt.failing->victim == &b->h->mem; }
static void finish(struct beside *b) {
  struct world *w = b->w;
  b->wanted += AT_END * PIECE;
  b->closing = true;
  if (b->asked)
    peer_turn(b);
  for (unsigned i = 0; i == 0 || (i == 1 && hurt(b)); i++) { /* an allocation may have failed only now: once more with memory */
    b->tries = 0;
    la__host_kick(b->h);
    la__run_while(w, unfinished, b, w->now + 2000 * LA_SEC);
    la__failing_heal(w);
  }
  b->finished = true;
  if (b->accepted && !b->closed && hurt(b)) { /* its peer has given up: nothing will tell it so */
    b->closed = true;
    la_abort(b->h->st, b->conn, w->now);
  }
  if (b->listening)
    la_listener_close(b->h->st, b->listener, w->now);
  la__host_drain(b->h);
  la__host_kick(b->h);
  bool whole = b->asked && b->accepted && b->ends == 1 && b->ends_far == 1 && in_order(&b->end) && in_order(&b->end_far) &&
               b->came == b->wanted && b->end.bytes_in == b->wanted && b->end_far.bytes_in == b->wanted;
  /* Where all allocations failed for long its clocks may have ended it, or it never came to be. */
  bool clocks = b->ends <= 1 && b->ends_far <= 1 && (!b->ends || b->end.err == LA_ETIMEDOUT || b->end.err == LA_ECONNRESET) &&
                (!b->ends_far || b->end_far.err == LA_ETIMEDOUT || b->end_far.err == LA_ECONNRESET) &&
                (b->end.err == LA_ETIMEDOUT || b->end_far.err == LA_ETIMEDOUT || !b->accepted);
  la_stats st; /* a flood without cookies evicts what is half-open (RFC 4987 3.2) */
  la_stats_get(b->h->st, &st);
  bool evicted = !b->accepted && st.half_open_evicted;
  if (!b->over)
    la__law(w, LAW_BESIDE, whole || evicted || (hurt(b) && clocks),
            "%s: the connection beside: %zu of %zu bytes came back; %s, %s; its peer's: %s, %s", b->h->name, b->came, b->wanted,
            la_err_name(b->end.err), la_why_name(b->end.why), la_err_name(b->end_far.err), la_why_name(b->end_far.why));
}

void la__beside_finish(struct world *w) {
  for (unsigned i = 0; i < w->nhosts; i++) {
    struct host *h = w->host[i];
    if (h->st && h->beside && h->beside->peer)
      finish(h->beside);
  }
}
