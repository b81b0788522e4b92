/* SPDX-License-Identifier: MIT */
#include "sim/duo.h"

#include "base/seq.h"

#include <string.h>

struct duo la__duo_make(struct sim *s, struct world *w) {
  struct duo d = {.sim = s, .w = w};
  d.a = la__host_new(w, "client");
  d.b = la__host_new(w, "server");
  return d;
}
void la__duo_boot(struct duo *d, const struct conduct *server) {
  la__host_boot(d->a);
  la__host_boot(d->b);
  d->l = la__app_listen(d->b, PORT, 16, false, server);
}
struct duo la__duo(struct sim *s, struct world *w, const struct conduct *server) {
  struct duo d = la__duo_make(s, w);
  la__duo_boot(&d, server);
  return d;
}

struct conn *la__accepted(struct duo *d, const struct conn *c) {
  struct world *w = d->w;
  for (size_t i = w->nconns; i-- > 0;)
    if (w->conn[i]->passive && w->conn[i]->peer == c)
      return w->conn[i];
  return la__app_nobody(d->b);
}

struct wait {
  struct conn *c;
  const struct duo *d;
  enum la_state st;
  size_t n;
};
static bool not_both(void *ctx) {
  struct wait *x = ctx;
  if (x->c->nends)
    return false;
  if (x->c->at_open == LA_NEVER || !x->c->peer)
    return true;
  return false;
}
bool la__duo_open(struct duo *d, uint16_t lport) {
  d->c = la__app_connect(d->a, &d->b->addr, PORT, lport, NULL);
  struct wait x = {.c = d->c};
  if (d->c->open)
    la__run_while(d->w, not_both, &x, d->w->now + 200 * LA_SEC);
  d->s = la__accepted(d, d->c);
  return d->c->open && d->s->open;
}

void la__duo_release(struct duo *d) {
  if (d->sim->opt.failing)
    return;
  d->s->how.no_read = false;
  la__app_recv(d->s);
  la__app_close(d->c);
  la__until_eof(d->s, 1000 * LA_SEC);
  la__app_close(d->s);
  la__run_out(d->w);
}
void la__duo_give_up(struct duo *d) {
  if (d->sim->opt.failing)
    return;
  la__app_abort(d->c);
  la__run_out(d->w);
}

static bool not_state(void *ctx) {
  struct wait *x = ctx;
  return la__when(x->c, x->st) == LA_NEVER;
}
bool la__until_state(struct conn *c, enum la_state st, la_time limit) {
  struct wait x = {.c = c, .st = st};
  return la__run_while(c->h->w, not_state, &x, c->h->w->now + limit);
}
static bool not_left(void *ctx) {
  struct wait *x = ctx;
  return la__when(x->c, x->st) != LA_NEVER && la__left(x->c, x->st) == LA_NEVER;
}
bool la__until_left(struct conn *c, enum la_state st, la_time limit) {
  struct wait x = {.c = c, .st = st};
  return la__run_while(c->h->w, not_left, &x, c->h->w->now + limit);
}
static bool not_ended(void *ctx) {
  struct wait *x = ctx;
  return x->c->open && x->c->at_end == LA_NEVER;
}
bool la__until_end(struct conn *c, la_time limit) {
  struct wait x = {.c = c};
  return la__run_while(c->h->w, not_ended, &x, c->h->w->now + limit);
}
static bool not_open(void *ctx) {
  struct wait *x = ctx;
  return x->c->open && x->c->at_open == LA_NEVER && !x->c->nends;
}
bool la__until_open(struct conn *c, la_time limit) {
  struct wait x = {.c = c};
  return la__run_while(c->h->w, not_open, &x, c->h->w->now + limit) && c->at_open != LA_NEVER;
}
static bool not_eof(void *ctx) {
  struct wait *x = ctx;
  return x->c->open && x->c->at_eof == LA_NEVER && !x->c->nends;
}
bool la__until_eof(struct conn *c, la_time limit) {
  struct wait x = {.c = c};
  return la__run_while(c->h->w, not_eof, &x, c->h->w->now + limit) && c->at_eof != LA_NEVER;
}
static bool not_received(void *ctx) {
  struct wait *x = ctx;
  return x->c->open && x->c->rx_len < x->n && !x->c->nends;
}
bool la__until_received(struct conn *c, size_t n, la_time limit) {
  struct wait x = {.c = c, .n = n};
  return la__run_while(c->h->w, not_received, &x, c->h->w->now + limit) && c->rx_len >= n;
}
static bool not_acked(void *ctx) {
  struct wait *x = ctx;
  la_info_rec i;
  return la__app_info(x->c, &i) && (i.unacked || i.unsent || x->c->tx_len < x->c->tx_want);
}
bool la__until_all_acked(struct conn *c, la_time limit) {
  struct wait x = {.c = c};
  return la__run_while(c->h->w, not_acked, &x, c->h->w->now + limit);
}

static bool half_open(void *ctx, const la_each_rec *r) {
  bool *any = ctx;
  *any |= r->kind == LA_KIND_HALF_OPEN;
  return true;
}
static bool busy(void *ctx) {
  struct world *w = ctx;
  if (w->cut)
    return false;
  for (size_t i = 0; i < w->nlog; i++) {
    const struct pkt *p = w->log[i];
    if (p->arrived != LA_NEVER && !p->stamp_arrived && !p->late && !p->duplicate)
      return true;
  }
  bool any = false;
  for (unsigned i = 0; i < w->nhosts; i++)
    if (w->host[i]->st)
      la_each(w->host[i]->st, half_open, &any);
  for (size_t i = 0; i < w->nconns && !any; i++) {
    la_info_rec r;
    any = la__app_info(w->conn[i], &r) && (r.unacked || r.unsent);
  }
  return any;
}
void la__settle(struct world *w, la_time least) {
  la_time began = w->now, calm = 500 * LA_MS, limit = w->now + 1000 * LA_SEC;
  la__run_for(w, least);
  for (;;) {
    la__run_while(w, busy, w, limit);
    la_time last = began;
    for (size_t i = w->nlog; i-- > 0 && last == began;)
      last = w->log[i]->duplicate || w->log[i]->sent < began ? last : w->log[i]->sent;
    if (w->now >= last + calm || w->now >= limit)
      return;
    la__run_until(w, last + calm);
  }
}

la_time la__until_last_ms(struct conn *c) {
  struct world *w = c->h->w;
  for (la_time end = 0;;) {
    la_time now = la__tw_since(c) + 2 * c->h->cfg.msl;
    if (now == end || la__left(c, LA_TIME_WAIT) != LA_NEVER)
      return now;
    la__run_until(w, (end = now) - LA_MS);
  }
}

struct tally {
  enum la_kind kind;
  unsigned n;
};
static bool tally(void *ctx, const la_each_rec *r) {
  struct tally *t = ctx;
  t->n += r->kind == t->kind;
  return true;
}
unsigned la__records(const struct host *h, enum la_kind kind) {
  struct tally t = {.kind = kind};
  if (h->st)
    la_each(h->st, tally, &t);
  return t.n;
}

void la__script_sync(struct script *p) {
  for (size_t i = p->w->nlog; i-- > 0;) {
    const struct pkt *k = p->w->log[i];
    if (k->from != p->b || k->arrived == LA_NEVER || k->seg.dport != p->lport || (k->seg.flags & LA_RST))
      continue;
    p->ack = k->seg.seq + tcp_seg_len(&k->seg);
    p->ts_ecr = k->seg.opt.ts_val;
    if (k->seg.flags & LA_SYN)
      p->irs = k->seg.seq;
    return;
  }
}
struct pkt *la__script_send(struct script *p, uint8_t flags, const void *data, uint32_t len) {
  struct tcp_seg s = {.sport = p->lport, .dport = PORT, .seq = p->nxt, .wnd = 65535, .flags = flags, .data = data, .len = len};
  if (flags & LA_ACK)
    s.ack = p->ack;
  if (flags & LA_SYN) {
    s.opt.have = TCP_OPT_MSS;
    s.opt.mss = (uint16_t)(SIM_MTU - la__sim_headers(p->w));
  }
  if (p->ts) {
    s.opt.have |= TCP_OPT_TS;
    s.opt.ts_val = p->ts_val;
    s.opt.ts_ecr = flags & LA_ACK ? p->ts_ecr : 0;
  }
  struct pkt *k = la__inject(p->a, p->b, &s);
  p->nxt += tcp_seg_len(&s);
  la__run_for(p->w, 2 * p->w->delay);
  return k;
}
bool la__script_open(struct script *p) {
  p->nxt = p->iss;
  la__script_send(p, LA_SYN, NULL, 0);
  const struct pkt *sa = la__seg(p->w, p->b, K_SYN_ACK, 1);
  if (sa->no == 0 || sa->arrived == LA_NEVER)
    return false;
  la__script_sync(p);
  la__script_send(p, LA_ACK, NULL, 0);
  p->open = la__watch_state(p->b, &p->a->addr, PORT, p->lport, NULL) == LA_ESTABLISHED;
  return p->open;
}

/* What has come of the stack's sequence space without a gap. */
static uint32_t in_order(const struct script *p) {
  uint32_t next = p->ack;
  for (size_t i = 0; i < p->w->nlog; i++) {
    const struct pkt *k = p->w->log[i];
    if (k->from == p->b && k->arrived <= p->w->now && k->seg.dport == p->lport && !(k->seg.flags & (LA_SYN | LA_RST)) &&
        seq_leq(k->seg.seq, next) && seq_gt(k->seg.seq + tcp_seg_len(&k->seg), next))
      next = k->seg.seq + tcp_seg_len(&k->seg);
  }
  return next;
}
void la__script_release(struct script *p, struct conn *c) {
  enum { ROUNDS = 100 };
  if (p->w->opt.failing)
    return;
  c->how.no_read = false;
  la__app_recv(c);
  la__app_close(c);
  la__run_for(p->w, 2 * p->w->delay);
  for (unsigned k = 0; k < ROUNDS && la__when(c, LA_FIN_WAIT_2) == LA_NEVER && !c->nends; k++) {
    p->ack = in_order(p);
    la__script_send(p, LA_ACK, NULL, 0);
  }
  la__script_send(p, LA_FIN | LA_ACK, NULL, 0);
  la__run_out(p->w);
}
