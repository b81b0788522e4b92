/* SPDX-License-Identifier: MIT */
/* What a connection is, and what it waits for. */
#include "base/bytes.h"
#include "sock/story.h"

enum la_state la__state_now(const struct tcp *t, const struct conn *c) {
  if (c->state == LA_TIME_WAIT && c->flags & CF_ENDED && c->life_at <= t->now)
    return LA_CLOSED; /* the record that carried it is gone */
  return (enum la_state)c->state;
}

la_time la__ends_at(const struct tcp *t, const struct conn *c) { return la__state_now(t, c) == LA_CLOSED ? LA_NEVER : la__life_end(c); }

enum la_waiting la__waiting(const struct tcp *t, const struct conn *c) {
  uint32_t held = c->rcvq ? c->rcvq->rope.len : 0;
  switch (la__state_now(t, c)) {
  case LA_CLOSED:
    return LA_WAITS_NOTHING;
  case LA_SYN_SENT:
    return LA_WAITS_PEER_SYN;
  case LA_TIME_WAIT:
    return LA_WAITS_2MSL;
  default:
    break;
  }
  if (c->clock == CLK_PERSIST)
    return LA_WAITS_PEER_WINDOW;
  if (c->snd_una != c->snd_nxt)
    return LA_WAITS_PEER_ACK;
  if (held)
    return LA_WAITS_APP_READ;
  return c->state == LA_FIN_WAIT_2 ? LA_WAITS_PEER_FIN : c->state == LA_CLOSE_WAIT ? LA_WAITS_APP_CLOSE : LA_WAITS_NOTHING;
}

static void recovery(const struct tcp *t, const struct conn *c, la_info_rec *out) {
  const struct sndq *q = c->sndq;
  out->reordering = c->reordering > t->cfg.dupthresh ? c->reordering : t->cfg.dupthresh;
  out->min_rtt = c->min_rtt * LA_US;
  out->segs_out = c->snd_una != c->snd_nxt; /* a FIN, where there is no scoreboard */
  if (!q)
    return;
  out->reord_seen = q->rec.reord_seen;
  out->dsacks = q->rec.dsacked;
  out->ca_state = (enum la_ca_state)q->rec.state;
  out->segs_out = la__sent_segments(&q->sent, 0);
  out->segs_sacked = la__sent_segments(&q->sent, SENT_SACKED) + (q->rec.dups + c->mss - 1u) / c->mss;
  out->segs_lost = la__sent_segments(&q->sent, SENT_LOST);
  out->segs_retrans = la__sent_segments(&q->sent, SENT_RETRANS);
}

static void numbers(const struct tcp *t, const struct conn *c, la_info_rec *out) {
  out->snd_una = c->snd_una;
  out->snd_nxt = c->snd_nxt;
  out->snd_wnd = c->snd_wnd;
  out->rcv_nxt = c->rcv_nxt;
  out->rcv_wnd = la__rcv_window(c);
  out->snd_wscale = c->wscale & 15;
  out->rcv_wscale = c->wscale >> 4;
  out->mss = c->mss;
  out->pmtu = la__pmtu(t, c);
  out->peer_mss = c->peer_mss;
  out->unread = c->rcvq ? c->rcvq->rope.len : 0;
  out->urgent = la__urgent(c);
  out->unacked = c->snd_nxt - c->snd_una;
  out->unsent = la__unsent(c);
  out->deadline = la__ends_at(t, c);
  if (c->flags & CF_ENDED)
    return;
  out->cwnd = c->cwnd;
  out->ssthresh = c->ssthresh;
  out->backoff = c->backoff;
  out->keepalive_sent = c->keep_sent;
  out->srtt = (c->srtt >> 3) * LA_US;
  out->rttvar = (c->rttvar >> 2) * LA_US;
  out->rto = la__rto(t, c);
  recovery(t, c, out);
}

int la_info(la_stack *s, la_conn h, la_info_rec *out) {
  const struct tcp *t = &s->tcp;
  const struct conn *c = la__conn_handle(t, h);
  if (!c)
    return LA_EBADF;
  memset(out, 0, sizeof *out);
  struct key k;
  la__conn_key(c, &k);
  out->state = la__state_now(t, c);
  out->waiting = la__waiting(t, c);
  out->local = k.local;
  out->remote = k.remote;
  out->local_port = k.lport;
  out->remote_port = k.rport;
  out->link = c->link;
  out->passive = c->flags & CF_PASSIVE;
  out->closed_by_app = c->flags & CF_APP_CLOSED;
  out->timestamps = c->flags & CF_TS;
  out->sack = c->flags & CF_SACK;
  out->window_scaled = c->flags & CF_WSCALE;
  out->ecn = c->net & NET_ECN;
  out->ecn_seen = c->net & NET_ECN_SEEN;
  out->pacing_rate = c->flags & CF_ENDED ? UINT64_MAX : la__pace_rate(c);
  out->congestion = la__cc_chosen(c);
  out->delivered_ce = conn_wish(c)->delivered_ce;
  out->bytes_in = c->bytes_in;
  out->bytes_out = c->bytes_out;
  out->retransmits = c->retransmits;
  out->fin_retransmits = c->fin_rtx;
  out->soft_err = c->soft_err;
  out->user = c->flags & CF_UNACCEPTED ? 0 : c->owner.user;
  numbers(t, c, out);
  return LA_OK;
}

static void each_rec(la_each_rec *r, enum la_kind kind, enum la_state st, const struct key *k, la_time deadline, la_time since) {
  memset(r, 0, sizeof *r);
  r->kind = kind;
  r->state = st;
  r->local = k->local;
  r->remote = k->remote;
  r->local_port = k->lport;
  r->remote_port = k->rport;
  r->deadline = deadline;
  r->since = since;
}

enum { EACH_LISTENER, EACH_CONN, EACH_CONN6, EACH_HALF, EACH_HALF6, EACH_TW, EACH_TW6, EACH_UDP, EACH_COUNT };

/* The slabs in the order in which la_each goes. */
static const struct slab *slab_of(const la_stack *s, unsigned i) {
  const struct tcp *t = &s->tcp;
  const struct slab *all[] = {&t->listeners, &t->conn[0], &t->conn[1], &t->half[0], &t->half[1], &t->tw[0], &t->tw[1], &s->udp.socks};
  return all[i];
}

/* false: not to be shown. */
static bool fill(const la_stack *s, unsigned which, uint32_t index, la_each_rec *r) {
  const struct tcp *t = &s->tcp;
  void *p = la__slab_at(slab_of(s, which), index);
  bool six = which == EACH_CONN6 || which == EACH_HALF6 || which == EACH_TW6;
  struct key k;
  if (which == EACH_LISTENER) {
    const struct listener *l = p;
    memset(&k, 0, sizeof k);
    k.local = l->addr;
    k.lport = l->port;
    each_rec(r, LA_KIND_LISTENER, LA_LISTEN, &k, LA_NEVER, 0);
    r->listener = (la_listener){l->index, l->gen};
    r->link = l->link;
    r->queued = l->queued;
    r->backlog = l->backlog;
  } else if (which <= EACH_CONN6) {
    const struct conn *c = p;
    la__conn_key(c, &k);
    each_rec(r, LA_KIND_CONN, la__state_now(t, c), &k, la__ends_at(t, c), la__since(t, c));
    r->conn = conn_handle(c);
    r->link = c->link;
  } else if (which <= EACH_HALF6) {
    const struct half *h = p;
    la__half_key(h, six, &k);
    each_rec(r, LA_KIND_HALF_OPEN, LA_SYN_RECEIVED, &k, half_due(h, t->now), la__half_since(t, h));
    r->link = h->link;
    r->queued = la__admit_pending(h) ? 0 : h->retries;
  } else if (which == EACH_UDP) {
    const struct udp_sock *u = p;
    k = (struct key){.local = u->addr, .remote = u->remote, .lport = u->port, .rport = u->rport};
    each_rec(r, LA_KIND_UDP, LA_CLOSED, &k, LA_NEVER, 0);
    r->udp = (la_udp){u->index, u->gen};
  } else {
    const struct tw *w = p;
    la__tw_key(w, six, &k);
    each_rec(r, LA_KIND_TIME_WAIT, LA_TIME_WAIT, &k, tw_due(w, t->now), tw_due(w, t->now) - 2 * t->cfg.msl);
    r->link = w->link;
    return tw_due(w, t->now) > t->now;
  }
  return true;
}

bool la_each_next(la_stack *s, la_cursor *at, la_each_rec *out) {
  for (; at->kind < EACH_COUNT; at->kind++, at->index = 0) {
    const struct slab *slab = slab_of(s, at->kind);
    for (uint32_t i; (i = la__slab_next(slab, at->index)) != SLAB_NONE;) {
      at->index = i + 1;
      if (fill(s, at->kind, i, out))
        return true;
    }
  }
  return false;
}

size_t la_each(la_stack *s, bool (*fn)(void *ctx, const la_each_rec *rec), void *ctx) {
  la_cursor at = {0, 0};
  la_each_rec r;
  size_t n = 0;
  while (la_each_next(s, &at, &r)) {
    n++;
    if (!fn(ctx, &r))
      break;
  }
  return n;
}
