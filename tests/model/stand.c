/* SPDX-License-Identifier: MIT */
#include "tests/model/stand.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, PAGES = 128 };

void stand_die(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  fputc('\n', stderr);
  exit(2);
}

/* ---- the arena: what is freed is not used again before the picture is put back ---- */

struct arena {
  size_t used;
  uint8_t bytes[];
};
static uint8_t *area, *kept;
static bool dirty[PAGES], watched;
static unsigned dirty_list[PAGES], ndirty;
static struct stand kept_stand;

static void *take(void *ctx, size_t n) {
  struct arena *a = ctx;
  size_t at = (a->used + 63) & ~(size_t)63;
  if (at + n > (size_t)PAGES * PAGE - 64)
    stand_die("stand: the arena is too small");
  a->used = at + n;
  return area + 64 + at;
}
static void give(void *ctx, void *p, size_t n) {
  (void)ctx;
  (void)p;
  (void)n;
}

static void written(int sig, siginfo_t *info, void *context) {
  (void)context;
  size_t page = ((size_t)info->si_addr - (size_t)area) / PAGE;
  if (!area || (uint8_t *)info->si_addr < area || page >= PAGES || dirty[page]) {
    signal(sig, SIG_DFL);
    return;
  }
  dirty[page] = true;
  dirty_list[ndirty++] = (unsigned)page;
  mprotect(area + page * PAGE, PAGE, PROT_READ | PROT_WRITE);
}

static void unwatch(void) {
  if (watched)
    mprotect(area, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE);
  watched = false;
}

void stand_keep(const struct stand *t) {
  unwatch();
  memcpy(kept, area, (size_t)PAGES * PAGE);
  kept_stand = *t;
  memset(dirty, 0, sizeof dirty);
  ndirty = 0;
  watched = mprotect(area, (size_t)PAGES * PAGE, PROT_READ) == 0;
  for (unsigned i = 0; !watched && i < PAGES; i++) { /* pages of another size: all of it, each time */
    dirty[i] = true;
    dirty_list[ndirty++] = i;
  }
}

void stand_back(struct stand *t) {
  for (unsigned i = 0; i < ndirty; i++)
    memcpy(area + (size_t)dirty_list[i] * PAGE, kept + (size_t)dirty_list[i] * PAGE, PAGE);
  *t = kept_stand;
}
unsigned stand_pages(void) { return ndirty; }

/* ---- the stack ---- */

static la_addr address(const char *text) {
  la_addr a;
  if (!la_addr_parse(text, &a))
    stand_die("stand: address %s", text);
  return a;
}
static la_addr us, peer;

void stand_open(struct stand *t, bool six, enum la_preset preset) {
  if (!area) {
    area = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    kept = malloc((size_t)PAGES * PAGE);
    if (area == MAP_FAILED || !kept)
      stand_die("stand: no memory");
  }
  struct sigaction act = {.sa_sigaction = written, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &act, NULL); /* anew: cmocka sets its own for each test */
  unwatch();
  memset(area, 0, (size_t)PAGES * PAGE);
  *t = (struct stand){.six = six, .now = 10 * LA_SEC};
  la_config c;
  la_config_init(&c, preset);
  memset(c.secret, 0x5a, sizeof c.secret);
  c.alloc = (la_alloc){take, give, area};
  c.rcvbuf = SIDE_RCV_WND;
  c.rcv_start = c.rcvbuf_max = c.sndbuf_max = 0;
  c.sndbuf = 8192;
  c.window_scale = c.sack = 0;
  c.delayed_ack = c.quick_acks = 0;
  c.rst_per_sec = 0;
  c.max_conns = c.max_half_open = c.max_time_wait = 8;
  c.max_listeners = 2;
  c.max_chunks = 32;
  c.replies = 16;
  c.reply_bytes = 4096;
  t->s = la_stack_new(&c);
  if (!t->s)
    stand_die("stand: no stack");
  us = address(six ? "2001:db8::1" : "10.0.0.1");
  peer = address(six ? "2001:db8::2" : "10.0.0.2");
  t->pair = (struct pair){.six = six, .sport = STAND_RPORT, .dport = STAND_LPORT};
  memcpy(t->pair.from, peer.b, sizeof peer.b);
  memcpy(t->pair.to, us.b, sizeof us.b);
  t->link = la_link_add(t->s, 1500);
  if (la_addr_add(t->s, t->link, &us, six ? 64 : 24) != LA_OK)
    stand_die("stand: no address");
  la_tick(t->s, t->now);
}

void stand_close(struct stand *t) {
  unwatch();
  la_stack_free(t->s);
  t->s = NULL;
}

void stand_listen(struct stand *t) {
  la_listen_opts o = {.port = STAND_LPORT, .backlog = 4};
  if (la_listen(t->s, &o, &t->listener) != LA_OK)
    stand_die("stand: no listener");
  t->has_listener = true;
}

void stand_connect(struct stand *t) {
  la_connect_opts o = {.remote = peer, .remote_port = STAND_RPORT, .local_port = STAND_LPORT};
  if (la_connect(t->s, &o, &t->conn, t->now) != LA_OK)
    stand_die("stand: no connection");
  t->has_conn = true;
  stand_pump(t);
}

/* ---- frames ---- */

void stand_inject(struct stand *t, const struct m_seg *g) {
  static uint8_t frame[PACKET_MAX];
  la_frame f = {.data = frame, .len = (uint32_t)packet_build(frame, &t->pair, g, t->stream)};
  if (la_input(t->s, t->link, &f, 1, t->now) != 1)
    stand_die("stand: the frame was not taken");
}

static void hear(struct stand *t, const la_frame *f) {
  struct heard h;
  if (!packet_parse(f->data, f->total, &t->pair, &h))
    stand_die("stand: a packet of another pair");
  if (t->nout < SIDE_OUT)
    t->out[t->nout] = h;
  t->nout++;
}

static void note(struct stand *t, const la_event *e) {
  static const unsigned bit[LA_EVENT_TYPES] = {
    [LA_EVENT_ACCEPT] = M_EV_ACCEPT,     [LA_EVENT_ESTABLISHED] = M_EV_ESTABLISHED, [LA_EVENT_READABLE] = M_EV_READABLE,
    [LA_EVENT_PEER_FIN] = M_EV_PEER_FIN, [LA_EVENT_URGENT] = M_EV_URGENT,           [LA_EVENT_END] = M_EV_END,
  };
  if (e->type == LA_EVENT_WRITABLE)
    return;
  t->events |= bit[e->type] ? bit[e->type] : 1u << 31;
  if (e->type == LA_EVENT_END) {
    t->end = e->end;
    t->nend++;
  }
  if (e->type == LA_EVENT_ACCEPT)
    t->has_conn = la_accept(t->s, t->listener, NULL, &t->conn) == LA_OK;
}

void stand_pump(struct stand *t) {
  static la_frame f[4];
  static la_event e[8];
  for (size_t got = 1; got;) {
    got = 0;
    for (size_t n; (n = la_events(t->s, e, 8)) != 0; got += n)
      for (size_t i = 0; i < n; i++)
        note(t, &e[i]);
    for (size_t n; (n = la_output(t->s, t->link, f, 4, t->now)) != 0; got += n)
      for (size_t i = 0; i < n; i++) {
        hear(t, &f[i]);
        la_frame_done(t->s, &f[i]);
      }
  }
}

void stand_clear(struct stand *t) { t->nout = t->events = t->nend = 0; }

void stand_pass(struct stand *t, la_time ns) {
  t->now += ns;
  la_tick(t->s, t->now);
  stand_pump(t);
}

struct look {
  enum la_state st;
  int rank;
};
static bool look(void *ctx, const la_each_rec *r) {
  struct look *l = ctx;
  int rank = r->kind == LA_KIND_LISTENER ? 1 : r->kind == LA_KIND_CONN && r->state == LA_TIME_WAIT ? 0 : 2;
  if (r->state != LA_CLOSED && rank > l->rank) {
    l->rank = rank;
    l->st = r->state;
  }
  return true;
}
enum la_state stand_state(struct stand *t) {
  struct look l = {LA_CLOSED, -1};
  la_each(t->s, look, &l);
  return l.rank == 0 ? LA_CLOSED : l.st;
}

static bool look_2msl(void *ctx, const la_each_rec *r) {
  if (r->kind == LA_KIND_TIME_WAIT)
    *(la_time *)ctx = r->deadline;
  return true;
}
la_time stand_2msl(struct stand *t) {
  la_time due = 0;
  la_each(t->s, look_2msl, &due);
  return due;
}

bool stand_read_matches(struct stand *t, uint32_t n) {
  static uint8_t got[2 * SIDE_RCV_WND];
  ptrdiff_t had = la_peek(t->s, t->conn, 0, got, sizeof got);
  return had == (ptrdiff_t)n && memcmp(got, packet_bytes(0), n) == 0;
}

/* ---- how places.c leads it ---- */

static void side_listen(void *ctx) { stand_listen(ctx); }
static void side_connect(void *ctx) { stand_connect(ctx); }
static void side_hear(void *ctx, const struct m_seg *seg) {
  struct stand *t = ctx;
  stand_clear(t);
  stand_inject(t, seg);
  stand_pump(t);
}
static bool side_drained(void *ctx) {
  struct stand *t = ctx;
  uint8_t byte[1];
  return t->has_conn && la_recv(t->s, t->conn, byte, 1) == LA_AGAIN;
}
static bool side_send(void *ctx, uint32_t n) {
  struct stand *t = ctx;
  stand_clear(t);
  bool all = la_send(t->s, t->conn, packet_bytes(0), n) == (ptrdiff_t)n;
  stand_pump(t);
  return all;
}
static void side_finish(void *ctx, bool close) {
  struct stand *t = ctx;
  stand_clear(t);
  if (close)
    la_close(t->s, t->conn, t->now);
  else
    la_shutdown(t->s, t->conn, t->now);
  stand_pump(t);
}
static enum m_state side_state(void *ctx) { return (enum m_state)stand_state(ctx); }
static struct side side_of(struct stand *t) {
  return (struct side){t,         &t->nout,     t->out,    &t->stream,  side_listen, side_connect,
                       side_hear, side_drained, side_send, side_finish, side_state};
}

void stand_place(struct stand *t, const struct place *p, bool six, bool ts, enum la_preset preset, struct m_tcb *tcb) {
  char why[100], name[80];
  stand_open(t, six, preset);
  struct side side = side_of(t);
  if (!place_reach(p, ts, &side, tcb, why, sizeof why))
    stand_die("lastack does not get to %s: %s", place_name(p, name, sizeof name), why);
  stand_pass(t, 700 * LA_MS); /* past challenge_gap, before any time-out */
  stand_clear(t);
}
