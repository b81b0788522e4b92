/* SPDX-License-Identifier: MIT */
/* The canonical form of a world, as a hash: explore.h says what is left out. */
#include "sim/explore.h"

enum { NEVER = 255 };

static uint64_t hash;

static uint64_t mix(uint64_t h) {
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93u;
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93u;
  return h ^ h >> 32;
}
static void put(uint64_t v) { hash = mix(hash + 0x9e3779b97f4a7c15u + v); }
static void put2(uint32_t a, uint32_t b) { put((uint64_t)a << 32 | b); }

/* In ticks. */
static uint8_t left(la_time due) {
  if (due == LA_NEVER)
    return NEVER;
  return due <= la__xp->base ? 0 : (uint8_t)((due - la__xp->base + la__xp->step - 1) / la__xp->step);
}

static void put_sending(const struct sndq *q, uint32_t iss) {
  const struct recovery *r = &q->rec;
  put2(q->spool.len, q->seq0 - iss);
  put(q->push_end == q->seq0 + q->spool.len); /* compared with nothing else */
  put2((uint32_t)r->flags << 16 | (uint32_t)r->state << 8 | r->rtos, r->dups);
  put2(r->high_seq - iss, r->recover - iss);
  put(q->sent.n);
  for (unsigned i = 0; i < q->sent.n; i++) {
    const struct sent_rec *s = sent_at(&q->sent, i);
    put2(s->lo - iss, s->hi - iss);
    put2(s->size, s->flags);
  }
}

static void put_receiving(const struct rcvq *q, uint32_t irs) {
  put2(q->rope.len, q->ooo.n);
  for (unsigned i = 0; i < q->ooo.n; i++)
    put2(q->ooo.v[i].lo - irs, q->ooo.v[i].hi - irs);
  put2(q->fin_seen, q->fin_seen ? q->fin_seq - irs : 0);
}

static void put_conn(const struct conn *c, const struct xp_inc *n) {
  bool ended = c->flags & CF_ENDED;
  put2(c->flags, (uint32_t)c->state << 16 | (uint32_t)c->clock << 8 | c->backoff);
  if (ended) { /* what is left of it is what is unread, and END */
    put2((uint32_t)c->end.why << 8 | c->end.how, c->rcvq ? c->rcvq->rope.len : 0);
    return;
  }
  uint32_t iss = n->iss, irs = n->irs;
  put2(c->snd_una - iss, c->snd_nxt - iss);
  put2(c->snd_wnd, c->snd_wnd_max);
  put2(left(c->life_at) << 8 | (c->clock == CLK_NONE ? NEVER : left(c->clock_at)), (uint32_t)c->acks_owed << 8 | c->net);
  if (n->has_peer) {
    put2(c->rcv_nxt - irs, c->rcv_adv - irs);
    put2(c->snd_wl1 - irs, c->snd_wl2 - iss);
    put2(c->rcv_acked - irs, (uint32_t)c->mss << 16 | c->rcv_mss);
  } else {
    put(c->rcv_adv);
  }
  if (c->sndq)
    put_sending(c->sndq, iss);
  if (c->rcvq)
    put_receiving(c->rcvq, irs);
}

/* How far the next incarnation's numbers (or those that would be drawn now) are from this one's: too far is all the same. */
static uint32_t distance(unsigned side, uint32_t from, uint32_t to) {
  uint32_t far = la__xp->far[side];
  return to - from < far ? to - from : far;
}

static void put_inc(unsigned side, unsigned i) {
  const struct xp_side *d = &la__xp->side[side];
  const struct xp_inc *n = &d->inc[i], *peer = la__xp_peer_of(side, n);
  const struct conn *c = la__xp_conn(side, n->gen);
  unsigned bits = n->has_peer | n->told << 1 | n->shut << 2 | n->closed << 3 | n->aborted << 4 | n->ended << 5 | n->eof << 6 |
                  n->readable << 7 | (n->h.gen != 0) << 8 | (c != 0) << 9 | (i == d->cur) << 10;
  put2(bits, distance(side, n->iss, i + 1u < d->ninc ? n[1].iss : la__xp_isn(side)));
  put2((uint32_t)n->wrote << 16 | n->got, peer ? (uint32_t)(peer - la__xp->side[!side].inc) : XP_NONE);
  if (c)
    put_conn(c, n);
}

static void put_side(unsigned side) {
  const struct xp_side *d = &la__xp->side[side];
  const struct tcp *t = &d->s->tcp;
  put2((uint32_t)d->orderly << 24 | side << 16 | (uint32_t)(la__xp->counts_draws ? d->drawn : 0) << 8 | d->opens, d->ninc);
  for (unsigned i = 0; i < d->ninc; i++)
    put_inc(side, i);
  const struct xp_inc *cur = d->cur == XP_NONE ? NULL : &d->inc[d->cur];
  if (t->half[0].used && cur) {
    const struct half *h = la__slab_at(&t->half[0], la__slab_next(&t->half[0], 0));
    put2(left(half_due(h, t->now)), (uint32_t)h->retries << 16 | (uint32_t)h->resend << 8 | h->acked);
    put2(h->wnd, h->mss);
  }
  if (t->tw[0].used && cur) {
    const struct tw *w = la__slab_at(&t->tw[0], la__slab_next(&t->tw[0], 0));
    put2(left(tw_due(w, t->now)), w->wnd);
    put2(w->snd_nxt - cur->iss, w->rcv_nxt - cur->irs);
  }
}

static uint64_t frame_form(const struct xp_frame *f) {
  const struct xp_world *w = la__xp;
  hash = 0;
  put2((uint32_t)f->from << 24 | (uint32_t)f->flags << 16 | (uint32_t)f->own << 8 | f->peer, (uint32_t)f->len << 16 | f->wnd);
  put2(f->seq - (f->own == XP_NONE ? 0 : w->side[f->from].inc[f->own].iss), f->age);
  if (f->flags & LA_ACK)
    put(f->ack - (f->peer == XP_NONE ? 0 : w->side[!f->from].inc[f->peer].iss));
  return hash;
}

uint64_t la__xp_form(void) {
  const struct xp_world *w = la__xp;
  uint64_t net = 0;
  for (unsigned i = 0; i < w->nframes; i++)
    net += frame_form(&w->frame[i]);
  hash = 0;
  put(net);
  put_side(0);
  put_side(1);
  return hash ? hash : 1;
}
