/* SPDX-License-Identifier: MIT */
/* Questions to the log. A question without an answer gives something harmless, so that the claim fails and the program does not. */
#include "sim/world.h"

#include <stdio.h>
#include <string.h>

const struct pkt *la__seg_since(const struct world *w, const struct host *from, enum kind k, unsigned n, la_time since) {
  static const struct pkt none = {.sent = LA_NEVER, .arrived = LA_NEVER};
  for (size_t i = 0; i < w->nlog; i++) {
    const struct pkt *p = w->log[i];
    if (p->sent >= since && (!from || p->from == from) && !p->duplicate && la__is_kind(p, k) && --n == 0)
      return p;
  }
  return &none;
}
const struct pkt *la__seg(const struct world *w, const struct host *from, enum kind k, unsigned n) {
  return la__seg_since(w, from, k, n, 0);
}

unsigned la__count(const struct world *w, const struct host *from, enum kind k, la_time since, la_time until) {
  unsigned n = 0;
  for (size_t i = 0; i < w->nlog; i++) {
    const struct pkt *p = w->log[i];
    n += p->sent >= since && p->sent < until && (!from || p->from == from) && !p->duplicate && !p->injected && la__is_kind(p, k);
  }
  return n;
}

static bool mine(const struct conn *c, const struct trans *t) {
  return t->h == c->h && t->inc == c->inc && t->lport == c->lport && t->rport == c->rport && la_addr_same(&t->remote, &c->remote);
}
static const struct trans *entered(const struct conn *c, enum la_state to) {
  const struct world *w = c->h->w;
  for (size_t i = 0; i < w->ntrans; i++)
    if (mine(c, &w->trans[i]) && w->trans[i].to == to)
      return &w->trans[i];
  return NULL;
}
la_time la__when(const struct conn *c, enum la_state to) {
  const struct trans *t = entered(c, to);
  return t ? t->at : LA_NEVER;
}
enum la_cause la__cause(const struct conn *c, enum la_state to) {
  const struct trans *t = entered(c, to);
  return t ? t->cause : LA_ON_NOTHING;
}
la_time la__left(const struct conn *c, enum la_state from) {
  const struct world *w = c->h->w;
  for (size_t i = 0; i < w->ntrans; i++)
    if (mine(c, &w->trans[i]) && w->trans[i].from == from)
      return w->trans[i].at;
  return LA_NEVER;
}
la_time la__tw_since(const struct conn *c) {
  const struct world *w = c->h->w;
  la_time since = la__when(c, LA_TIME_WAIT), gone = la__left(c, LA_TIME_WAIT);
  for (size_t i = 0; i < w->nlog && since != LA_NEVER; i++) {
    const struct pkt *p = w->log[i];
    bool fin = la__is_kind(p, K_FIN) && p->to == c->h && p->seg.sport == c->rport && p->seg.dport == c->lport &&
               la_addr_same(&p->src, &c->remote) && p->receiver == LA_TIME_WAIT;
    if (fin && p->stamp_arrived && p->arrived > since && p->arrived < gone)
      since = p->arrived;
  }
  return since;
}
bool la__tw_exact(const struct conn *c) {
  la_time since = la__tw_since(c);
  return since != LA_NEVER && la__left(c, LA_TIME_WAIT) == since + 2 * c->h->cfg.msl;
}
enum la_state la__state_at(const struct conn *c, la_time at) {
  const struct world *w = c->h->w;
  enum la_state st = LA_CLOSED;
  for (size_t i = 0; i < w->ntrans; i++)
    if (mine(c, &w->trans[i]) && w->trans[i].at <= at)
      st = w->trans[i].to;
  return st;
}

const char *la__path(const struct conn *c) {
  static char ring[4][256];
  static unsigned turn;
  char *dst = ring[turn++ % 4];
  const struct world *w = c->h->w;
  size_t n = 0;
  dst[0] = 0;
  for (size_t i = 0; i < w->ntrans; i++) {
    const struct trans *t = &w->trans[i];
    if (!mine(c, t))
      continue;
    if (!n)
      n += (size_t)snprintf(dst, sizeof ring[0], "%s", la_state_name(t->from));
    if (n < sizeof ring[0])
      n += (size_t)snprintf(dst + n, sizeof ring[0] - n, " %s", la_state_name(t->to));
  }
  return dst;
}
bool la__path_is(const struct conn *c, const char *path) { return strcmp(la__path(c), path) == 0; }
bool la__path_ends(const struct conn *c, const char *tail) {
  const char *p = la__path(c);
  size_t n = strlen(p), m = strlen(tail);
  return n >= m && strcmp(p + n - m, tail) == 0;
}

void la__stats(const struct host *h, la_stats *st) {
  memset(st, 0, sizeof *st);
  if (h->st)
    la_stats_get(h->st, st);
}
