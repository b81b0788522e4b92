/* SPDX-License-Identifier: MIT */
/*
 * LISTEN, and SYN-RECEIVED that came from it. A SYN costs a half-open record of 64 bytes and nothing else; it waits on the
 * expiry list of its retry. The third segment makes it a connection in the listener's accept queue.
 * Full queue: SYN and final ACK are dropped and the record kept, as on Linux, so that the client's retransmission
 * finds room later. Too many records: SYN cookies (cookie.c); without them, or when a
 * TIME-WAIT record must give way, a random record is evicted.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/seq.h"
#include "base/siphash.h"
#include "tcp/pairs.h"
#include "tcp/tcp.h"
#include "tcp/view.h"

struct listener *la__listener_handle(const struct tcp *t, la_listener h) {
  struct listener *l = h.gen ? la__slab_get(&t->listeners, h.index) : 0;
  return l && l->gen == h.gen ? l : 0;
}

/* Listeners by port; the most specific wins: address before family before any, link before any link. */
static unsigned bucket_of(uint16_t port) { return port % LISTEN_BUCKETS; }

static bool addr_zero(const la_addr *a) { return la__addr_unspecified(a); }

static unsigned specificity(const struct listener *l) {
  return (l->addr.family == 0 ? 0u : addr_zero(&l->addr) ? 2u : 4u) + (l->link != 0);
}

static bool listener_matches(const struct listener *l, const struct key *k, uint8_t link) {
  if (l->port != k->lport || (l->link && link && l->link != link))
    return false;
  if (l->addr.family == 0)
    return true;
  if (l->addr.family != k->local.family)
    return false;
  return addr_zero(&l->addr) || la_addr_same(&l->addr, &k->local);
}

/* Of listeners that share a port the one with the greatest weight has the pair: when one comes or goes, only its own pairs move. */
static uint64_t weight(const struct tcp *t, const struct listener *l, const struct key *k) {
  uint8_t in[12];
  uint64_t pair = la__key_hash(t, k);
  be32_put(in, (uint32_t)(pair >> 32));
  be32_put(in + 4, (uint32_t)pair);
  be32_put(in + 8, l->gen);
  return la__siphash13(t->key_port, in, sizeof in);
}

static bool better(const struct tcp *t, const struct listener *l, const struct listener *than, const struct key *k) {
  if (specificity(l) != specificity(than))
    return specificity(l) > specificity(than);
  return l->share && than->share && weight(t, l, k) > weight(t, than, k);
}

struct listener *la__listener_find(const struct tcp *t, const struct key *k, uint8_t link) {
  struct listener *best = 0;
  for (uint32_t i = t->bucket[bucket_of(k->lport)]; i != SLAB_NONE;) {
    struct listener *l = la__listener_at(t, i);
    if (listener_matches(l, k, link) && (!best || better(t, l, best, k)))
      best = l;
    i = l->next;
  }
  return best;
}

/* Two listeners whose addresses overlap need different specificity and SO_REUSEADDR on both, or SO_REUSEPORT on both. */
static bool listeners_conflict(const struct tcp *t, const la_listen_opts *o) {
  for (uint32_t i = t->bucket[bucket_of(o->port)]; i != SLAB_NONE;) {
    const struct listener *l = la__listener_at(t, i);
    i = l->next;
    if (l->port != o->port || (l->link && o->link && l->link != o->link))
      continue;
    bool any_l = l->addr.family == 0, any_o = o->addr.family == 0;
    if (!any_l && !any_o && l->addr.family != o->addr.family)
      continue;
    bool wild_l = any_l || addr_zero(&l->addr), wild_o = any_o || addr_zero(&o->addr);
    if (!wild_l && !wild_o && !la_addr_same(&l->addr, &o->addr))
      continue;
    if (l->share && o->reuse_port)
      continue;
    if (wild_l == wild_o || !l->reuse || !o->reuse_addr)
      return true;
  }
  return false;
}

static bool local_matches(const la_addr *want, const la_addr *have) {
  if (want->family == 0)
    return true;
  return want->family == have->family && (addr_zero(want) || la_addr_same(want, have));
}

/* The port is held; do those that hold it have one of the listener's addresses? Only asked when the counts leave it open. */
static bool held_elsewhere_only(const struct tcp *t, const la_listen_opts *o) {
  struct key k;
  bool reuse = o->reuse_addr || o->reuse_port;
  for (unsigned six = 0; six < 2; six++) {
    for (uint32_t i = la__slab_next(&t->conn[six], 0); i != SLAB_NONE; i = la__slab_next(&t->conn[six], i + 1)) {
      const struct conn *c = la__slab_at(&t->conn[six], i);
      if (c->flags & CF_DETACHED || c->lport != o->port || (reuse && c->flags & CF_REUSE))
        continue;
      la__conn_key(c, &k);
      if (local_matches(&o->addr, &k.local))
        return false;
    }
    for (uint32_t i = la__slab_next(&t->tw[six], 0); i != SLAB_NONE; i = la__slab_next(&t->tw[six], i + 1)) {
      const struct tw *w = la__slab_at(&t->tw[six], i);
      if (w->lport != o->port || w->due <= t->now || (reuse && w->flags & TW_REUSE))
        continue;
      la__tw_key(w, six, &k);
      if (local_matches(&o->addr, &k.local))
        return false;
    }
  }
  return true;
}

/* bind(2) on Linux: whoever holds the port must have SO_REUSEADDR, and the newcomer too. SO_REUSEPORT lets the same in. */
static bool port_free(const struct tcp *t, const la_listen_opts *o) {
  bool reuse = o->reuse_addr || o->reuse_port;
  uint32_t held = reuse ? la__port_held_without_reuse(&t->ports, o->port) : la__port_held(&t->ports, o->port);
  return held == 0 || held_elsewhere_only(t, o);
}

bool la__local_free(const struct tcp *t, const la_listen_opts *o) { return !listeners_conflict(t, o) && port_free(t, o); }

int la__listener_new(struct tcp *t, const la_listen_opts *o, struct listener **out) {
  if (!la__local_free(t, o))
    return LA_EADDRINUSE;
  uint32_t index;
  struct listener *l = la__slab_new(&t->listeners, &index);
  if (!l)
    return LA_ENOMEM;
  l->gen = la__next_gen(t);
  l->index = index;
  l->addr = o->addr;
  l->port = o->port;
  l->link = (uint8_t)o->link;
  l->reuse = o->reuse_addr;
  l->share = o->reuse_port;
  l->admit = o->admit;
  l->backlog = o->backlog;
  l->user = o->user;
  l->wish = la__no_wish;
  l->rcvbuf = t->cfg.rcvbuf;
  l->sndbuf = t->cfg.sndbuf;
  l->ttl = t->cfg.ttl;
  l->net = t->cfg.cc;
  l->armed = true;
  l->head = l->tail = REF_NONE;
  l->event_next = SLAB_NONE;
  l->next = t->bucket[bucket_of(o->port)];
  t->bucket[bucket_of(o->port)] = index;
  *out = l;
  return LA_OK;
}

static void unlink_bucket(struct tcp *t, struct listener *l) {
  uint32_t *p = &t->bucket[bucket_of(l->port)];
  while (*p != l->index)
    p = &la__listener_at(t, *p)->next;
  *p = l->next;
}

static void unlink_event(struct tcp *t, struct listener *l) {
  uint32_t prev = SLAB_NONE, i = t->levent_head;
  for (; i != l->index; i = la__listener_at(t, i)->event_next)
    prev = i;
  if (prev == SLAB_NONE)
    t->levent_head = l->event_next;
  else
    la__listener_at(t, prev)->event_next = l->event_next;
  if (t->levent_tail == l->index)
    t->levent_tail = prev;
}

void la__half_end(struct tcp *t, ref_t r, enum la_cause cause, struct ending e) {
  struct key k;
  la__half_key(la__half_at(t, r), ref_six(r), &k);
  la__record_end(t, &k, 1, LA_SYN_RECEIVED, e);
  la__trace_record(t, &k, LA_SYN_RECEIVED, cause, true, 1);
  la__account_time(t, LA_SYN_RECEIVED, la__half_since(t, la__half_at(t, r)));
  la__account_end(t, e.why, LA_FIRST_NOBODY);
  la__pair_del(t, &k, r);
  la__half_del(t, r);
}

void la__listener_del(struct tcp *t, struct listener *l) {
  struct ending e = {LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_LISTENER_CLOSED, LA_ECONNABORTED};
  while (l->head != REF_NONE) {
    struct conn *c = la__conn_at(t, l->head);
    l->head = c->event_next;
    c->flags = (c->flags & ~(uint32_t)CF_UNACCEPTED) | CF_APP_CLOSED | CF_END_TAKEN;
    c->events = 0;
    if (c->flags & CF_ENDED)
      la__conn_maybe_free(t, c);
    else
      la__conn_kill(t, c, LA_ON_POLICY, e, true);
  }
  e.how = LA_HOW_SILENT;
  for (unsigned six = 0; six < 2; six++)
    for (uint32_t i = la__slab_next(&t->half[six], 0); i != SLAB_NONE; i = la__slab_next(&t->half[six], i + 1)) {
      const struct half *h = la__slab_at(&t->half[six], i);
      if (h->listener == l->index)
        la__half_end(t, ref_make(REF_HALF, six, i), LA_ON_POLICY, e);
    }
  unlink_bucket(t, l);
  if (l->event)
    unlink_event(t, l);
  la__slab_del(&t->listeners, l->index);
}

void la__listener_queue(struct tcp *t, struct listener *l, struct conn *c) {
  c->event_next = REF_NONE;
  if (l->head == REF_NONE)
    l->head = c->self;
  else
    la__conn_at(t, l->tail)->event_next = c->self;
  l->tail = c->self;
  l->queued++;
  if (!l->armed || l->event)
    return;
  l->armed = false;
  l->event = true;
  l->event_next = SLAB_NONE;
  if (t->levent_head == SLAB_NONE)
    t->levent_head = l->index;
  else
    la__listener_at(t, t->levent_tail)->event_next = l->index;
  t->levent_tail = l->index;
}

/* Half-open records. */
void la__half_del(struct tcp *t, ref_t r) {
  struct half *h = la__half_at(t, r);
  la__fifo_del(&t->synack[h->retries], r);
  la__slab_del(&t->half[ref_six(r)], ref_index(r));
}

struct answer *la__syn_ack(struct tcp *t, const struct half *h, const struct key *k, uint8_t again) {
  struct answer *a = la__answer(t, h->link, k);
  if (!a)
    return 0;
  const struct listener *l = la__listener_at(t, h->listener);
  la__offer(t, t->link[h->link].mtu, k->local.family == 6, l->rcvbuf, &l->wish, &a->seg.opt);
  a->seg.opt.wscale = h->wscale >> 4;
  a->ttl = l->ttl;
  a->tos = l->tos;
  a->seg.opt.have &= h->have | TCP_OPT_MSS;
  if (a->seg.opt.have & TCP_OPT_TS) {
    a->seg.opt.ts_val = tcp_ts_now(t, h->ts_off);
    a->seg.opt.ts_ecr = h->ts_recent;
  }
  a->seg.flags = LA_SYN | LA_ACK | (h->have & HALF_ECN ? LA_ECE : 0);
  a->seg.seq = h->iss;
  a->seg.ack = h->irs + 1;
  a->seg.wnd = h->adv;
  a->state = LA_SYN_RECEIVED;
  a->fresh = 1;
  a->retransmit = again;
  return a;
}

/* The ACK of a half-open record: to what is not acceptable, and as a challenge. */
static void half_ack(struct tcp *t, struct half *h, const struct key *k) {
  if (!la__gap_passed(t, &h->challenge_at)) {
    t->stats.challenge_acks_limited++;
    return;
  }
  struct answer *a = la__answer(t, h->link, k);
  if (!a)
    return;
  t->stats.challenge_acks++;
  a->seg.flags = LA_ACK;
  a->seg.seq = h->iss + 1;
  a->seg.ack = h->irs + 1;
  a->seg.wnd = h->adv;
  if (h->have & TCP_OPT_TS)
    a->seg.opt = (struct tcp_opts){.have = TCP_OPT_TS, .ts_val = tcp_ts_now(t, h->ts_off), .ts_ecr = h->ts_recent};
  a->state = LA_SYN_RECEIVED;
  a->fresh = 1;
}

/* A random victim: whoever floods hits mostly his own (RFC 4987 3.3). */
static void evict_half(struct tcp *t) {
  unsigned six = la__prng_below(&t->prng, t->half[0].used + t->half[1].used) >= t->half[0].used;
  struct slab *s = &t->half[six];
  uint32_t i = la__slab_next(s, la__prng_below(&t->prng, s->nblocks * s->per_block));
  if (i == SLAB_NONE)
    i = la__slab_next(s, 0);
  t->stats.half_open_evicted++;
  la__half_end(t, ref_make(REF_HALF, six, i), LA_ON_POLICY, (struct ending){LA_BY_POLICY, LA_HOW_SILENT, LA_WHY_MEMORY, LA_OK});
}

static la_time half_wait(const struct tcp *t, unsigned retry) { return t->cfg.rto_initial << retry; }

void la__half_arm(struct tcp *t, ref_t r) {
  struct half *h = la__half_at(t, r);
  h->due = t->now + half_wait(t, h->retries);
  la__fifo_push(&t->synack[h->retries], r);
}

/* RFC 6191 and MAY-2: the new incarnation's ISS lies past all that the old one sent. */
static uint32_t iss_past(const struct tcp *t, const struct key *k, ref_t replaces, uint32_t *ts_off) {
  uint32_t iss = la__numbers(t, k, ts_off);
  if (replaces != REF_NONE && !seq_gt(iss, la__tw_at(t, replaces)->snd_nxt))
    iss = la__tw_at(t, replaces)->snd_nxt + UINT16_MAX + 2;
  return iss;
}

/* All but the addresses, for which a record that lives on the stack has no room. */
static void half_fill(const struct tcp *t, struct half *h, const struct listener *l, const struct key *k, const struct tcp_seg *seg,
                      const struct path *path, uint32_t iss, uint32_t ts_off) {
  const struct tcp_opts *o = &seg->opt;
  h->listener = l->index;
  h->listener_gen = (uint16_t)l->gen;
  h->iss = iss;
  h->irs = seg->seq;
  h->lport = k->lport;
  h->rport = k->rport;
  h->wnd = seg->wnd;
  h->link = path->link;
  h->ts_off = ts_off;
  h->have = (uint8_t)((o->have & TCP_OPT_MSS) | (t->cfg.timestamps ? o->have & TCP_OPT_TS : 0) |
                      (t->cfg.sack ? o->have & TCP_OPT_SACK_OK : 0) | (t->cfg.window_scale ? o->have & TCP_OPT_WSCALE : 0));
  if (la__ecn_asked(t, seg))
    h->have |= HALF_ECN;
  h->mss = o->have & TCP_OPT_MSS ? o->mss : 0;
  struct tcp_opts ours;
  la__offer(t, t->link[h->link].mtu, k->local.family == 6, l->rcvbuf, &l->wish, &ours);
  h->wscale = (uint8_t)((o->wscale & 15) | ours.wscale << 4);
  h->adv = la__syn_window(l->rcvbuf, &l->wish);
  h->ts_recent = o->ts_val;
}

/* Nothing is remembered: the record lives on the stack until its SYN-ACK is described. */
static void cookie_syn_ack(struct tcp *t, struct listener *l, const struct key *k, const struct tcp_seg *seg, const struct path *path) {
  struct half h = {0};
  half_fill(t, &h, l, k, seg, path, 0, la__ts_offset(t, k));
  h.have &= (uint8_t)~HALF_ECN; /* a cookie has no room for it */
  h.iss = la__cookie_make(t, k, &h);
  struct answer *a = la__syn_ack(t, &h, k, 0);
  if (a)
    a->state = LA_LISTEN; /* there is no record */
  if (a && a->seg.opt.have & TCP_OPT_TS)
    a->seg.opt.ts_val = la__cookie_ts(t, &h);
}

/*
 * A cookie that came back found no room. Its client goes on with text, whose later segments do not bear the cookie: reset, it would not
 * come again with the first.
 */
static void no_room(struct tcp *t, const struct key *k, const struct tcp_seg *seg, enum la_drop why) {
  t->cookies_wait = t->now + LA_SEC;
  la__drop(t, k, 0, seg, why);
}

/* true: the segment is the third of a handshake by cookie, and now a connection's, or dropped for lack of room. */
static bool cookie_ack(struct tcp *t, struct listener *l, const struct key *k, const struct tcp_seg *in, const struct path *path) {
  struct half h = {0};
  struct tcp_seg syn = {.seq = in->seq - 1};
  if (!(t->cfg.syn_cookies && t->now < t->cookies_until) || l->admit || in->flags & LA_SYN || !la__cookie_open(t, k, in, &h))
    return false;
  syn.opt = (struct tcp_opts){.have = h.have, .mss = h.mss, .wscale = h.wscale, .ts_val = h.ts_recent};
  half_fill(t, &h, l, k, &syn, path, h.iss, la__ts_offset(t, k));
  if (l->defer && tcp_seg_len(in) == 0)
    return true; /* its text will bring the cookie again */
  if (l->queued >= l->backlog) {
    no_room(t, k, in, LA_DROP_TCP_LISTEN_OVERFLOW);
    return true;
  }
  struct conn *c = la__cookie_promote(t, &h, k, in);
  if (!c) {
    no_room(t, k, in, LA_DROP_NOMEM);
    return true;
  }
  struct tcp_seg seg = *in;
  la__conn_input_acked(t, c, k, &seg, path);
  return true;
}

static void syn_input(struct tcp *t, struct listener *l, const struct key *k, const struct tcp_seg *seg, const struct path *path,
                      ref_t replaces) {
  bool six = k->local.family == 6;
  if (l->queued >= l->backlog) {
    la__drop(t, k, 0, seg, LA_DROP_TCP_LISTEN_OVERFLOW);
    return;
  }
  if (t->half[0].used + t->half[1].used >= t->cfg.max_half_open) {
    if (t->cfg.syn_cookies && replaces == REF_NONE && !l->admit) {
      cookie_syn_ack(t, l, k, seg, path);
      return;
    }
    evict_half(t);
  }
  uint32_t ts_off, iss = iss_past(t, k, replaces, &ts_off), index;
  struct half *h = la__slab_new(&t->half[six], &index);
  if (!h) {
    la__drop(t, k, 0, seg, LA_DROP_NOMEM);
    return;
  }
  ref_t r = ref_make(REF_HALF, six, index);
  half_fill(t, h, l, k, seg, path, iss, ts_off);
  la__addr_store(h->addr, k);
  if (replaces != REF_NONE) { /* in place: TIME-WAIT gives way without needing memory */
    la__pair_swap(t, k, replaces, r);
    la__tw_forget(t, replaces, LA_ON_SYN);
  } else if (!la__pair_add(t, k, r)) {
    la__slab_del(&t->half[six], index);
    la__drop(t, k, 0, seg, LA_DROP_NOMEM);
    return;
  }
  if (replaces == REF_NONE)
    la__trace_record(t, k, LA_LISTEN, LA_ON_SYN, true, 1);
  if (l->admit) {
    la__admit_ask(t, r);
    return;
  }
  la__half_arm(t, r);
  la__syn_ack(t, h, k, 0);
}

/* 3.10.7.2, in its order. */
void la__listen_input(struct tcp *t, struct listener *l, const struct key *k, const struct tcp_seg *seg, const struct path *path,
                      ref_t replaces) {
  if (replaces == REF_NONE)
    la__trace_in(t, k, 0, seg, LA_LISTEN, seg->wnd);
  if (seg->flags & LA_RST) {
    la__drop(t, k, 0, seg, LA_DROP_TCP_RESET);
  } else if (seg->flags & LA_ACK) {
    if (cookie_ack(t, l, k, seg, path))
      return;
    la__drop(t, k, 0, seg, LA_DROP_NO_SOCKET);
    if (t->now >= t->cookies_wait)
      la__answer_rst(t, k, seg, path, LA_LISTEN);
  } else if (!(seg->flags & LA_SYN) || seg->flags & LA_FIN) {
    la__drop(t, k, 0, seg, LA_DROP_TCP_FLAGS); /* SYN with FIN: dropped, as on Linux */
  } else {
    syn_input(t, l, k, seg, path, replaces);
  }
}

static void half_view(const struct half *h, uint32_t wnd, struct view *v) {
  v->rcv_nxt = h->irs + 1;
  v->rcv_wnd = wnd;
  v->snd_una = h->iss;
  v->snd_nxt = h->iss + 1;
  v->snd_wnd_max = h->wnd;
  v->ts = h->have & TCP_OPT_TS;
  v->ts_recent = h->ts_recent;
  v->ts_stale = false;
}

/* RFC 5961 3.2: SEQ alone decides; text on a RST means nothing (SHLD-2). */
static void half_reset(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *seg, const struct view *v) {
  switch (la__view_rst(v, seg)) {
  case VIEW_RST_TAKE:
    t->stats.resets_in++;
    la__half_end(t, r, LA_ON_RST, (struct ending){LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_OK});
    break;
  case VIEW_RST_CHALLENGE:
    la__drop(t, k, 0, seg, LA_DROP_TCP_INVALID_RST);
    half_ack(t, la__half_at(t, r), k);
    break;
  default:
    la__drop(t, k, 0, seg, LA_DROP_TCP_INVALID_SEQUENCE);
    break;
  }
}

/* The steps of 3.10.7.4 before the ACK. true: go on to it. */
static bool half_checks(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *seg) {
  struct half *h = la__half_at(t, r);
  struct view v;
  half_view(h, h->adv, &v);
  bool rst = seg->flags & LA_RST, stamped = seg->opt.have & TCP_OPT_TS;
  if ((seg->flags & (LA_SYN | LA_ACK | LA_RST)) == LA_SYN && seg->seq == h->irs && la__view_paws(&v, seg)) { /* our SYN-ACK was lost */
    if (la__gap_passed(t, &h->challenge_at)) {
      h->resend = 1;
      la__syn_ack(t, h, k, 1);
    }
    return false;
  }
  if ((seg->flags & (LA_FIN | LA_ACK | LA_RST | LA_SYN)) == LA_FIN) {
    la__drop(t, k, 0, seg, LA_DROP_TCP_FLAGS);
    return false;
  }
  if (!rst && !(seg->flags & LA_SYN) && v.ts && (stamped ? !la__view_paws(&v, seg) : !t->cfg.bare_segments)) {
    la__drop(t, k, 0, seg, LA_DROP_TCP_RFC7323_PAWS);
    if (stamped)
      half_ack(t, h, k);
    return false;
  }
  if (rst) {
    half_reset(t, r, k, seg, &v);
    return false;
  }
  if (la__view_seq(&v, seg) != VIEW_IN) {
    la__drop(t, k, 0, seg, LA_DROP_TCP_INVALID_SEQUENCE);
    half_ack(t, h, k);
    return false;
  }
  if (seg->flags & LA_SYN) {
    la__drop(t, k, 0, seg, LA_DROP_TCP_INVALID_SYN);
    half_ack(t, h, k);
    return false;
  }
  return true;
}

void la__half_input(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *in, const struct path *path) {
  struct half *h = la__half_at(t, r);
  if (la__admit_pending(h)) {
    la__admit_input(t, r, k, in, path);
    return;
  }
  if (!half_checks(t, r, k, in))
    return;
  if (!(in->flags & LA_ACK)) {
    la__drop(t, k, 0, in, LA_DROP_TCP_NO_ACK);
    return;
  }
  if (in->ack != h->iss + 1) {
    la__drop(t, k, 0, in, LA_DROP_TCP_INVALID_ACK_SEQUENCE);
    la__answer_rst(t, k, in, path, LA_SYN_RECEIVED);
    return;
  }
  const struct listener *l = la__listener_at(t, h->listener);
  LA_CHECK(l && (uint16_t)l->gen == h->listener_gen);
  if (h->retries < l->defer && tcp_seg_len(in) == 0) { /* wait for text: the record stays half-open */
    h->acked = 1;
    return;
  }
  if (l->queued >= l->backlog) {
    la__drop(t, k, 0, in, LA_DROP_TCP_LISTEN_OVERFLOW);
    return;
  }
  struct conn *c = la__half_promote(t, r, k, in);
  if (!c) {
    la__drop(t, k, 0, in, LA_DROP_NOMEM);
    return;
  }
  struct tcp_seg seg = *in;
  la__conn_input_acked(t, c, k, &seg, path);
}

/* SYN-ACK again after 1, 3, 7, 15, 31 s; given up after the wait that follows the last. */
void la__half_tick(struct tcp *t) {
  for (unsigned i = 0; i < TCP_RETRIES_MAX; i++)
    while (t->synack[i].head != FIFO_NONE) {
      ref_t r = t->synack[i].head;
      struct half *h = la__half_at(t, r);
      if (h->due > t->now)
        break;
      if (h->retries >= t->cfg.synack_retries) {
        la__half_end(t, r, LA_ON_TIMEOUT, (struct ending){LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_SYN_ACK_TIMEOUT, LA_OK});
        continue;
      }
      if (!la__answers_room(t, h->link, ANSWER_RESERVE))
        return;
      struct key k;
      la__half_key(h, ref_six(r), &k);
      la__fifo_del(&t->synack[i], r);
      bool ask = !h->acked || h->retries + 1 >= la__listener_at(t, h->listener)->defer; /* once more when the wait for text is over */
      h->retries++;
      la__half_arm(t, r);
      if (ask)
        la__syn_ack(t, h, &k, 1);
    }
}
