/* SPDX-License-Identifier: MIT */
/* A world and its moves: two stacks, the net between them, and what both applications know. explore.h says what it is for. */
#include "base/seq.h"
#include "sim/explore.h"
#include "wire/ip.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

char la__xp_wrong[200];
static uint8_t pattern[XP_TAGS][XP_PAYLOAD];

void la__xp_patterns(void) {
  for (unsigned tag = 0; tag < XP_TAGS; tag++)
    for (unsigned i = 0; i < XP_PAYLOAD; i++)
      pattern[tag][i] = (uint8_t)(tag << 4 | (i * 7 + i / 13) % 16);
}

void la__xp_fail(const char *fmt, ...) {
  if (la__xp_wrong[0])
    return; /* the first is what counts */
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(la__xp_wrong, sizeof la__xp_wrong, fmt, ap);
  va_end(ap);
}

static struct xp_side *side_of(unsigned side) { return &la__xp->side[side]; }

/* --- incarnations --- */

struct conn *la__xp_conn(unsigned side, uint32_t gen) {
  const struct slab *s = &side_of(side)->s->tcp.conn[0];
  for (uint32_t i = la__slab_next(s, 0); gen && i != SLAB_NONE; i = la__slab_next(s, i + 1)) {
    struct conn *c = la__slab_at(s, i);
    if (c->gen == gen)
      return c;
  }
  return NULL;
}

static struct xp_inc *inc_new(unsigned side, uint32_t iss) {
  struct xp_side *d = side_of(side);
  if (d->ninc == XP_INCS) {
    la__xp_fail("more than %d incarnations at a time: the explorer's limit", XP_INCS);
    return NULL;
  }
  for (unsigned i = 0; i < d->ninc; i++)
    if (d->inc[i].iss == iss)
      la__xp_fail("an ISN was drawn twice");
  struct xp_inc *n = &d->inc[d->ninc++];
  *n = (struct xp_inc){.iss = iss, .tag = d->next_tag++ % XP_TAGS};
  d->now += la__xp->isn_step;
  if (++d->drawn > XP_ISN_SLACK)
    la__xp_fail("more than %d ISNs in one tick: the explorer's limit", XP_ISN_SLACK);
  return n;
}

uint32_t la__xp_isn(unsigned side) {
  const struct tcp *t = &side_of(side)->s->tcp;
  struct key k = {.lport = side ? XP_PORT_B : XP_PORT_A, .rport = side ? XP_PORT_A : XP_PORT_B};
  k.local = (la_addr){4, {10, 0, 0, (uint8_t)(side + 1)}};
  k.remote = (la_addr){4, {10, 0, 0, (uint8_t)(2 - side)}};
  return la__isn(t, &k) + (uint32_t)((side_of(side)->now - t->now) / XP_ISN_CLOCK);
}

static unsigned inc_by(const struct xp_side *d, uint32_t iss) {
  for (unsigned i = d->ninc; i-- > 0;)
    if (d->inc[i].iss == iss)
      return i;
  return XP_NONE;
}

static struct xp_inc *inc_of_gen(struct xp_side *d, uint32_t gen) {
  for (unsigned i = 0; i < d->ninc; i++)
    if (gen && d->inc[i].gen == gen)
      return &d->inc[i];
  return NULL;
}

static unsigned peer_index(unsigned side, unsigned i) {
  const struct xp_side *d = side_of(side);
  return i == XP_NONE || !d->inc[i].has_peer ? XP_NONE : inc_by(side_of(!side), d->inc[i].irs);
}

struct xp_inc *la__xp_peer_of(unsigned side, const struct xp_inc *i) {
  unsigned p = i->has_peer ? inc_by(side_of(!side), i->irs) : XP_NONE;
  return p == XP_NONE ? NULL : &side_of(!side)->inc[p];
}

/* Looks whose record is in the table now, and writes down incarnations that are new. */
static void scan(unsigned side) {
  struct xp_side *d = side_of(side);
  struct tcp *t = &d->s->tcp;
  unsigned before = d->cur;
  d->cur = t->tw[0].used ? d->cur : XP_NONE;
  for (uint32_t i = la__slab_next(&t->conn[0], 0); i != SLAB_NONE; i = la__slab_next(&t->conn[0], i + 1)) {
    struct conn *c = la__slab_at(&t->conn[0], i);
    struct xp_inc *n = inc_of_gen(d, c->gen);
    if (!n && before != XP_NONE) { /* the half-open record became this one */
      n = &d->inc[before];
      n->gen = c->gen;
    }
    if (!n)
      la__xp_fail("a connection of nobody's");
    else if (!(c->flags & CF_DETACHED))
      d->cur = (uint8_t)(n - d->inc);
  }
  uint32_t i = la__slab_next(&t->half[0], 0);
  if (i == SLAB_NONE)
    return;
  const struct half *h = la__slab_at(&t->half[0], i);
  unsigned at = inc_by(d, h->iss);
  if (at == XP_NONE) {
    struct xp_inc *n = inc_new(side, h->iss);
    if (!n)
      return;
    n->irs = h->irs;
    n->has_peer = true;
    at = d->ninc - 1u;
  }
  d->cur = (uint8_t)at;
}

/* Forgets incarnations that nothing refers to: no record, no application, no segment, no living incarnation's IRS. */
static void forget(void) {
  bool keep[2][XP_INCS] = {{false}};
  struct xp_world *w = la__xp;
  for (unsigned i = 0; i < w->nframes; i++) {
    const struct xp_frame *f = &w->frame[i];
    if (f->own != XP_NONE)
      keep[f->from][f->own] = true;
    if (f->peer != XP_NONE)
      keep[!f->from][f->peer] = true;
  }
  for (unsigned side = 0; side < 2; side++) {
    struct xp_side *d = &w->side[side];
    for (unsigned i = 0; i < d->ninc; i++) {
      struct xp_inc *n = &d->inc[i];
      if (n->gen && !la__xp_conn(side, n->gen))
        n->gen = 0;
      keep[side][i] |= n->gen || n->h.gen || i == d->cur;
    }
  }
  for (unsigned side = 0; side < 2; side++)
    for (unsigned i = 0; i < w->side[side].ninc; i++) {
      unsigned p = keep[side][i] ? peer_index(side, i) : XP_NONE;
      if (p != XP_NONE)
        keep[!side][p] = true;
    }
  for (unsigned side = 0; side < 2; side++) {
    struct xp_side *d = &w->side[side];
    uint8_t to[XP_INCS], n = 0;
    for (unsigned i = 0; i < d->ninc; i++) {
      to[i] = keep[side][i] ? n : XP_NONE;
      if (keep[side][i])
        d->inc[n++] = d->inc[i];
    }
    if (n == d->ninc)
      continue;
    d->ninc = n;
    if (d->cur != XP_NONE)
      d->cur = to[d->cur];
    for (unsigned i = 0; i < w->nframes; i++) {
      struct xp_frame *f = &w->frame[i];
      uint8_t *at = f->from == side ? &f->own : &f->peer;
      if (*at != XP_NONE)
        *at = to[*at];
    }
  }
}

/* --- the application --- */

static void read_all(unsigned side, struct xp_inc *n) {
  static uint8_t buf[XP_PAYLOAD];
  struct xp_side *d = side_of(side);
  const struct xp_inc *peer = la__xp_peer_of(side, n);
  for (;;) {
    ptrdiff_t got = la_recv(d->s, n->h, buf, sizeof buf);
    if (got == 0 && !n->eof) {
      n->eof = true;
      if (!peer || !(peer->shut || peer->closed) || peer->wrote != n->got)
        la__xp_fail("%c reads the end of the stream after %u of %u bytes", 'A' + side, n->got, peer ? peer->wrote : 0);
    }
    if (got <= 0)
      return;
    if (!peer || n->got + (size_t)got > peer->wrote)
      la__xp_fail("%c reads %u bytes, of which %u were written", 'A' + side, n->got + (unsigned)got, peer ? peer->wrote : 0);
    else if (memcmp(buf, pattern[peer->tag] + n->got, (size_t)got) != 0)
      la__xp_fail("%c reads what the present incarnation did not write: byte %u is of %s", 'A' + side, n->got,
                  buf[0] >> 4 == peer->tag ? "another place" : "an earlier incarnation");
    if (la__xp_wrong[0])
      return;
    n->got = (uint16_t)(n->got + got);
  }
}

/* Who sent the first FIN, or one that crossed the peer's, stays in TIME-WAIT, from now on. */
static void time_wait(const struct xp_bound *b, unsigned side, const la_end *e) {
  const struct tcp *t = &side_of(side)->s->tcp;
  la_time due = t->tw_list.count ? tw_due(la__tw_at(t, t->tw_list.head), t->now) : 0;
  if (e->first_fin != LA_BY_LOCAL && e->how != LA_HOW_SIMULTANEOUS)
    return;
  if (due != t->now + b->time_wait * b->unit * LA_US || e->time_wait_until != due)
    la__xp_fail("%c ends in %s, and TIME-WAIT is %s", 'A' + side, la_how_name(e->how), due ? "not as long as it should" : "missing");
}

static void ended(const struct xp_bound *b, unsigned side, struct xp_inc *n, const la_end *e) {
  const struct xp_inc *peer = la__xp_peer_of(side, n);
  if (n->ended)
    la__xp_fail("%c is told END twice", 'A' + side);
  n->ended = true;
  bool orderly = e->how == LA_HOW_FOUR_SEGMENTS || e->how == LA_HOW_THREE_SEGMENTS || e->how == LA_HOW_SIMULTANEOUS;
  side_of(side)->orderly = orderly;
  if (!orderly) { /* without TIME-WAIT old duplicates may meet the next incarnation, as RFC 9293 allows: there is none */
    side_of(side)->opens = 0;
    return;
  }
  if (!(n->shut || n->closed) || !peer || !(peer->shut || peer->closed))
    la__xp_fail("%c is told of an orderly release that one side did not ask for", 'A' + side);
  else if (e->bytes_out != n->wrote || e->bytes_in != peer->wrote)
    la__xp_fail("%c is told of an orderly release: %u of %u bytes sent, %u of %u received", 'A' + side, (unsigned)e->bytes_out, n->wrote,
                (unsigned)e->bytes_in, peer->wrote);
  else
    time_wait(b, side, e);
}

static void accepted(unsigned side) {
  struct xp_side *d = side_of(side);
  la_conn h;
  while (la_accept(d->s, d->l, NULL, &h) == LA_OK) {
    struct xp_inc *n = inc_of_gen(d, h.gen);
    if (!n || n->told) {
      la__xp_fail("%c accepts what nobody opened", 'A' + side);
      return;
    }
    n->h = h;
    n->told = true;
  }
}

static void event(const struct xp_bound *b, unsigned side, const la_event *e) {
  struct xp_side *d = side_of(side);
  if (e->type == LA_EVENT_ACCEPT) {
    accepted(side);
    return;
  }
  struct xp_inc *n = inc_of_gen(d, e->conn.gen);
  if (!n || !n->h.gen || n->ended) {
    la__xp_fail("%c gets %s of a connection that %s", 'A' + side, la_event_name(e->type), n && n->ended ? "has ended" : "it does not have");
    return;
  }
  switch (e->type) {
  case LA_EVENT_ESTABLISHED:
    if (n->told)
      la__xp_fail("%c is told ESTABLISHED twice", 'A' + side);
    n->told = true;
    return;
  case LA_EVENT_END:
    ended(b, side, n, &e->end);
    if (n->closed)
      n->h.gen = 0;
    return;
  case LA_EVENT_READABLE:
  case LA_EVENT_PEER_FIN:
    n->readable = true;
    if (!(b->may[side] & XP_MAY_READ) && !n->closed)
      read_all(side, n);
    return;
  default:
    return;
  }
}

/* --- the net --- */

static void frame_add(const struct xp_frame *f) {
  struct xp_world *w = la__xp;
  for (unsigned i = 0; i < w->nframes; i++) {
    struct xp_frame *g = &w->frame[i];
    if (g->from == f->from && g->flags == f->flags && g->seq == f->seq && g->ack == f->ack && g->wnd == f->wnd && g->len == f->len &&
        g->own == f->own && g->peer == f->peer) { /* the younger one can do all that the older could */
      *g = *f;
      return;
    }
  }
  if (w->nframes == XP_FRAMES)
    la__xp_fail("more than %d segments at once: the explorer's limit", XP_FRAMES);
  else
    w->frame[w->nframes++] = *f;
}

static void frame_drop(unsigned i) {
  struct xp_world *w = la__xp;
  memmove(&w->frame[i], &w->frame[i + 1], (--w->nframes - i) * sizeof w->frame[0]);
}

/*
 * What a stack sends. `in`: the segment that it answers; before: the incarnation whose record was in the table before. A RST of no
 * connection speaks in the numbers of the segment that it answers.
 */
static void sent(unsigned side, const la_frame *out, const struct xp_frame *in, unsigned before) {
  struct xp_side *d = side_of(side);
  struct tcp_seg s;
  struct xp_frame f = {.from = (uint8_t)side, .head_len = (uint8_t)out->len};
  if (out->len > XP_HEAD || out->len < IP4_HEADER ||
      la__tcp_parse(&s, out->data + IP4_HEADER, out->len - IP4_HEADER, 0, true) != LA_DROP_NONE) {
    la__xp_fail("%c sends what is no segment", 'A' + side);
    return;
  }
  memcpy(f.head, out->data, out->len);
  f.seq = s.seq;
  f.ack = s.flags & LA_ACK ? s.ack : 0;
  f.flags = s.flags;
  f.wnd = s.wnd;
  f.len = (uint16_t)(out->total - out->len);
  unsigned mine = s.flags & LA_RST || d->cur == XP_NONE ? before : d->cur;
  f.own = (uint8_t)mine;
  f.peer = (uint8_t)(s.flags & LA_ACK ? peer_index(side, mine) : XP_NONE);
  if (in && s.flags & LA_RST && !(s.flags & LA_ACK)) {
    f.own = in->peer;
  } else if (in && s.flags & LA_RST && s.seq == 0) {
    f.own = XP_NONE;
    f.peer = in->own;
  }
  uint32_t at = f.len ? s.seq - d->inc[mine].iss - 1 : 0, done = 0;
  for (unsigned i = 0; i < out->nbufs; done += out->buf[i++].len)
    if (at + done + out->buf[i].len > d->inc[mine].wrote ||
        memcmp(out->buf[i].data, pattern[d->inc[mine].tag] + at + done, out->buf[i].len) != 0)
      la__xp_fail("%c sends what was not written there", 'A' + side);
  frame_add(&f);
}

/* Takes all events and makes all output of one side. */
static void settle(const struct xp_bound *b, unsigned side, const struct xp_frame *in) {
  static la_event e[4];
  static la_frame out;
  struct xp_side *d = side_of(side);
  unsigned before = d->cur;
  scan(side);
  for (bool more = true; more && !la__xp_wrong[0];) {
    more = false;
    for (size_t n; (n = la_events(d->s, e, 4)) > 0; more = true)
      for (size_t i = 0; i < n && !la__xp_wrong[0]; i++)
        event(b, side, &e[i]);
    while (!la__xp_wrong[0] && la_output(d->s, XP_LINK, &out, 1, d->now)) {
      sent(side, &out, in, before);
      la_frame_done(d->s, &out);
      more = true;
    }
  }
  scan(side);
}

/* --- moves --- */

static void deliver(const struct xp_bound *b, unsigned i) {
  static uint8_t buf[XP_HEAD + XP_PAYLOAD];
  struct xp_frame f = la__xp->frame[i];
  la__xp->frame[i].came = true;
  unsigned to = !f.from;
  struct xp_side *d = side_of(to);
  memcpy(buf, f.head, f.head_len);
  if (f.len) {
    const struct xp_inc *n = &side_of(f.from)->inc[f.own];
    memcpy(buf + f.head_len, pattern[n->tag] + (f.seq - n->iss - 1), f.len);
  }
  const la_frame in = {.data = buf, .len = f.head_len + f.len, .flags = LA_FRAME_SUM_OK};
  struct conn *c = d->cur == XP_NONE ? NULL : la__xp_conn(to, d->inc[d->cur].gen);
  bool opening = c && c->state == LA_SYN_SENT;
  if (la_input(d->s, XP_LINK, &in, 1, d->now) != 1)
    la__xp_fail("%c does not take a segment", 'A' + to);
  if (opening && f.flags & LA_SYN && (c = la__xp_conn(to, d->inc[d->cur].gen)) && c->state != LA_SYN_SENT && c->state != LA_CLOSED) {
    d->inc[d->cur].irs = f.seq;
    d->inc[d->cur].has_peer = true;
  }
  settle(b, to, &f);
}

static void tick(const struct xp_bound *b) {
  struct xp_world *w = la__xp;
  w->ticks++;
  w->base += w->step;
  for (unsigned i = 0; i < w->nframes;)
    if (w->frame[i].age++ >= b->msl)
      frame_drop(i);
    else
      i++;
  for (unsigned side = 0; side < 2; side++) {
    w->side[side].now = w->base;
    w->side[side].drawn = 0;
    la_tick(w->side[side].s, w->base);
    settle(b, side, NULL);
  }
}

static void open_call(unsigned side) {
  struct xp_side *d = side_of(side);
  la_connect_opts o = {.remote_port = side ? XP_PORT_A : XP_PORT_B, .local_port = side ? XP_PORT_B : XP_PORT_A};
  o.remote = (la_addr){4, {10, 0, 0, side ? 1 : 2}};
  la_conn h;
  int err = la_connect(d->s, &o, &h, d->now);
  if (err == LA_EADDRINUSE)
    return;
  struct conn *c = err == LA_OK ? la__xp_conn(side, h.gen) : NULL;
  struct xp_inc *n = c ? inc_new(side, c->snd_una) : NULL;
  if (!n) {
    la__xp_fail("%c cannot open: %s", 'A' + side, la_err_name(err));
    return;
  }
  n->gen = h.gen;
  n->h = h;
  d->cur = (uint8_t)(d->ninc - 1);
  d->opens--;
}

static void call(const struct xp_bound *b, unsigned side, enum xp_call what, unsigned i) {
  struct xp_side *d = side_of(side);
  struct xp_inc *n = &d->inc[i];
  la_time now = d->now;
  int err = LA_OK;
  switch (what) {
  case XP_OPEN:
    open_call(side);
    break;
  case XP_WRITE:
    err = (int)la_send(d->s, n->h, pattern[n->tag] + n->wrote, b->size);
    n->wrote = (uint16_t)(n->wrote + (err > 0 ? err : 0));
    err = err == b->size ? LA_OK : LA_EMSGSIZE;
    break;
  case XP_READ:
    n->readable = false;
    read_all(side, n);
    break;
  case XP_SHUTDOWN:
    n->shut = true;
    err = la_shutdown(d->s, n->h, now);
    break;
  case XP_CLOSE:
    n->closed = true;
    err = la_close(d->s, n->h, now);
    break;
  default:
    n->closed = n->aborted = true;
    err = la_abort(d->s, n->h, now);
    break;
  }
  if (err != LA_OK)
    la__xp_fail("call %d of %c fails: %s", what, 'A' + side, la_err_name(err));
  if (n->closed && n->ended && what != XP_OPEN)
    n->h.gen = 0;
  settle(b, side, NULL);
}

bool la__xp_apply(const struct xp_bound *b, struct xp_move m) {
  la__xp_wrong[0] = 0;
  if (m.kind == XP_DELIVER)
    deliver(b, m.what);
  else if (m.kind == XP_DROP)
    frame_drop(m.what);
  else if (m.kind == XP_TICK)
    tick(b);
  else
    call(b, m.side, (enum xp_call)(m.kind - XP_CALL), m.what);
  if (!la__xp_wrong[0])
    forget();
  if (!la__xp_wrong[0])
    la__xp_check(b);
  return !la__xp_wrong[0];
}

static bool may_draw(const struct xp_bound *b, const struct xp_side *d) { return !b->draws || d->drawn < b->draws; }

/* A SYN that finds no connection may draw an ISN. */
static bool may_arrive(const struct xp_bound *b, const struct xp_frame *f) {
  const struct xp_side *d = side_of(!f->from);
  const struct conn *c = d->cur == XP_NONE ? NULL : la__xp_conn(!f->from, d->inc[d->cur].gen);
  bool draws = (f->flags & (LA_SYN | LA_ACK)) == LA_SYN && d->l.gen && !d->s->tcp.half[0].used && !(c && !(c->flags & CF_DETACHED));
  return !draws || may_draw(b, d);
}

static bool may_open(const struct xp_bound *b, const struct xp_side *d) {
  for (unsigned i = 0; i < d->ninc; i++)
    if (d->inc[i].h.gen && !d->inc[i].ended)
      return false;
  return d->opens > 0 && may_draw(b, d);
}

static bool may_call(const struct xp_bound *b, unsigned side, const struct xp_inc *n, enum xp_call what) {
  bool open = n->told && !n->closed && !n->ended;
  switch (what) {
  case XP_WRITE:
    return open && !n->shut && n->wrote < b->writes[side] * b->size;
  case XP_READ:
    return n->told && !n->closed && n->readable && b->may[side] & XP_MAY_READ;
  case XP_SHUTDOWN:
    return open && !n->shut && b->may[side] & XP_MAY_SHUTDOWN;
  case XP_CLOSE:
    return !n->closed && (n->ended || b->may[side] & XP_MAY_CLOSE);
  case XP_ABORT:
    return !n->aborted && !n->ended && b->may[side] & XP_MAY_ABORT;
  default:
    return false;
  }
}

unsigned la__xp_moves(const struct xp_bound *b, struct xp_move *out) {
  struct xp_world *w = la__xp;
  unsigned n = 0;
  bool full = w->nframes > b->k;
  for (unsigned i = 0; i < w->nframes; i++) {
    out[n++] = (struct xp_move){XP_DROP, w->frame[i].from, (uint8_t)i};
    if (!full && may_arrive(b, &w->frame[i]))
      out[n++] = (struct xp_move){XP_DELIVER, w->frame[i].from, (uint8_t)i};
  }
  if (full)
    return n;
  for (unsigned side = 0; side < 2; side++) {
    const struct xp_side *d = &w->side[side];
    if (may_open(b, d))
      out[n++] = (struct xp_move){XP_CALL + XP_OPEN, (uint8_t)side, 0};
    for (unsigned i = 0; i < d->ninc; i++)
      for (unsigned what = XP_WRITE; what < XP_CALLS && d->inc[i].h.gen; what++)
        if (may_call(b, side, &d->inc[i], (enum xp_call)what))
          out[n++] = (struct xp_move){(uint8_t)(XP_CALL + what), (uint8_t)side, (uint8_t)i};
  }
  out[n++] = (struct xp_move){XP_TICK, 0, 0};
  return n;
}

bool la__xp_over(void) {
  for (unsigned side = 0; side < 2; side++) {
    const struct xp_side *d = &la__xp->side[side];
    const struct tcp *t = &d->s->tcp;
    if (t->conn[0].used || t->half[0].used || t->tw[0].used)
      return false;
    for (unsigned i = 0; i < d->ninc; i++)
      if (d->inc[i].h.gen)
        return false;
  }
  return true;
}
