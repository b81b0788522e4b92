/* SPDX-License-Identifier: MIT */
/*
 * Opening: the active side (SYN-SENT, SYN-RECEIVED after crossing SYNs), and the step from a half-open record to a
 * connection. LISTEN and the half-open records themselves are listen.c's.
 *
 * A SYN's sequence number is snd_una from la__connect on and snd_nxt = snd_una + 1; it is sent, and sent again, by
 * TODO_SYN. Its limit runs on life_at from la__connect. What the SYN announced must hold, whatever becomes of the receive
 * buffer meanwhile: until the peer's SYN comes rcv_adv is the window that it announced (0: it has not gone out) and the
 * high half of wscale its shift.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/seq.h"
#include "base/siphash.h"
#include "tcp/pairs.h"
#include "tcp/tcp.h"

enum { PORT_PROBES = 4096, MSS_FLOOR = 88, SYN_SOON_MS = 8 }; /* the floor: Linux's TCP_MIN_SND_MSS is 48; options need 40 of it */

uint32_t la__mss_for(uint32_t mtu, bool six) {
  uint32_t mss = mtu - (six ? IP6_HEADER : IP4_HEADER) - TCP_HEADER;
  return mss > UINT16_MAX ? UINT16_MAX : mss;
}

/* The smallest shift with which the buffer can be announced in 16 bits (RFC 7323 2.3). */
static uint8_t wscale_for(uint32_t rcvbuf) {
  unsigned bits = 32 - (unsigned)__builtin_clz(rcvbuf | 1);
  return bits <= 16 ? 0 : bits < 30 ? (uint8_t)(bits - 16) : 14;
}

/* Where the application has not set the buffer's size it may still be raised. */
static uint32_t rcvbuf_most(const struct tcp *t, uint32_t rcvbuf) {
  return rcvbuf == t->cfg.rcvbuf && t->cfg.rcvbuf_max > rcvbuf ? t->cfg.rcvbuf_max : rcvbuf;
}

static uint32_t wnd_most(uint32_t rcvbuf, const struct wish *w) { return w->wnd_clamp && w->wnd_clamp < rcvbuf ? w->wnd_clamp : rcvbuf; }

void la__offer(const struct tcp *t, uint32_t mtu, bool six, uint32_t rcvbuf, const struct wish *w, struct tcp_opts *o) {
  memset(o, 0, sizeof *o);
  o->have = TCP_OPT_MSS;
  o->mss = (uint16_t)la__mss_for(mtu, six);
  if (w->mss && w->mss < o->mss)
    o->mss = w->mss;
  if (t->cfg.window_scale) {
    o->have |= TCP_OPT_WSCALE;
    o->wscale = wscale_for(wnd_most(rcvbuf_most(t, rcvbuf), w));
  }
  if (t->cfg.sack)
    o->have |= TCP_OPT_SACK_OK;
  if (t->cfg.timestamps)
    o->have |= TCP_OPT_TS;
}

/* The window of a SYN is never scaled (RFC 7323 2.2). */
uint16_t la__syn_window(uint32_t rcvbuf, const struct wish *w) {
  uint32_t wnd = wnd_most(rcvbuf, w);
  return wnd > UINT16_MAX ? UINT16_MAX : (uint16_t)wnd;
}

/* RFC 9293 3.7.1: the lesser of what the peer takes and what the path takes, less the options of every segment (MUST-15, 16). */
static void mss_set(struct tcp *t, struct conn *c, uint16_t announced) {
  bool six = c->flags & CF_IP6;
  uint32_t mss = announced ? announced : six ? 1220 : 536;
  if (mss < MSS_FLOOR)
    mss = MSS_FLOOR;
  c->peer_mss = (uint16_t)mss;
  c->mss = (uint16_t)la__mss_most(t, c);
  la__pmtu_open(t, c);
}

static void adopt_options(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  const struct tcp_opts *o = &seg->opt;
  if (o->have & TCP_OPT_TS && t->cfg.timestamps) {
    c->flags |= CF_TS;
    c->ts_recent = o->ts_val;
    c->ts_recent_s = (uint32_t)(t->now / LA_SEC);
  }
  if (o->have & TCP_OPT_SACK_OK && t->cfg.sack)
    c->flags |= CF_SACK;
  unsigned ours =
    c->rcv_adv ? c->wscale >> 4 : wscale_for(wnd_most(rcvbuf_most(t, c->rcvbuf), conn_wish(c))); /* as our SYN said, if it has gone out */
  c->wscale = 0;
  if (o->have & TCP_OPT_WSCALE && t->cfg.window_scale) {
    c->flags |= CF_WSCALE;
    c->wscale = (uint8_t)((o->wscale & 15) | ours << 4);
  }
  mss_set(t, c, o->have & TCP_OPT_MSS ? o->mss : 0);
}

static void adopt_syn(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  adopt_options(t, c, seg);
  c->rcv_nxt = c->rcv_acked = seg->seq + 1;
  c->rcv_adv = c->rcv_nxt + (c->rcv_adv ? c->rcv_adv : la__syn_window(c->rcvbuf, conn_wish(c)));
  c->snd_wnd = c->snd_wnd_max = seg->wnd;
  c->snd_wl1 = seg->seq;
  c->snd_wl2 = seg->flags & LA_ACK ? seg->ack : c->snd_una;
}

/* RFC 6056, simple randomization: an unpredictable start for each attempt, then a bounded walk. */
int la__port_choose(struct tcp *t, struct key *k) {
  uint32_t range = (uint32_t)t->cfg.port_hi - t->cfg.port_lo + 1;
  uint8_t in[8];
  be32_put(in, t->port_step++);
  be32_put(in + 4, t->gen);
  uint32_t start = (uint32_t)((la__siphash24(t->key_port, in, sizeof in) >> 32) * range >> 32);
  uint32_t probes = range < PORT_PROBES ? range : PORT_PROBES;
  uint16_t fallback = 0;
  for (uint32_t i = 0; i < probes; i++) {
    k->lport = (uint16_t)(t->cfg.port_lo + (start + i) % range);
    if (la__listener_find(t, k, 0) || la__port_reserved(&t->ports, k->lport))
      continue;
    ref_t r = la__lookup(t, k, la__key_hash(t, k));
    if (r == REF_NONE)
      return LA_OK;
    if (!fallback && ref_kind(r) == REF_TW && la__tw_reusable(t, r))
      fallback = k->lport;
  }
  k->lport = fallback;
  return fallback ? LA_OK : LA_EADDRNOTAVAIL;
}

int la__connect(struct tcp *t, const struct key *k, const struct path *path, bool reuse, bool take_tw, struct conn **out) {
  ref_t r = la__pair_find(t, k);
  uint32_t ts_off, iss = la__numbers(t, k, &ts_off);
  bool again = r != REF_NONE && take_tw && ref_kind(r) == REF_TW && la__tw_reusable(t, r);
  if (r != REF_NONE && !again)
    return LA_EADDRINUSE;
  if (again) {
    uint32_t last = la__tw_at(t, r)->snd_nxt;
    if (!seq_gt(iss, last))
      iss = last + UINT16_MAX + 2; /* past anything of the old incarnation (RFC 6191, MAY-2) */
  }
  struct conn *c = la__conn_new(t, k);
  if (!c)
    return LA_ENOMEM;
  if (!la__port_hold(&t->ports, t->mem, k->lport, reuse))
    goto no_port;
  if (!la__pair_add(t, k, c->self))
    goto no_entry;
  if (again) /* only now that nothing can fail any more: it guards the pair until then */
    la__tw_del(t, r, LA_ON_POLICY);
  c->flags &= ~(uint32_t)CF_DETACHED;
  c->flags |= reuse ? CF_REUSE : 0;
  c->link = path->link;
  c->ts_off = ts_off;
  c->snd_una = iss;
  c->snd_nxt = iss + 1;
  t->stats.opened_active++;
  la__state_init(t, c, LA_CLOSED, LA_ON_CONNECT);
  la__conn_dirty(t, c, TODO_SYN);
  *out = c;
  return LA_OK;
no_entry:
  la__port_drop(&t->ports, t->mem, k->lport, reuse);
no_port:
  la__conn_unmake(t, c);
  return LA_ENOMEM;
}

/* cwnd has its value on every way into ESTABLISHED (RFC 2525 2.3). */
void la__conn_established(struct tcp *t, struct conn *c, enum la_cause cause) {
  c->flags |= CF_ACKED_SYN;
  t->progress = true;
  c->snd_una = c->snd_nxt;
  c->backoff = 0;
  la__cc_init(c);
  if (c->todo & TODO_SYN) { /* the peer's SYN,ACK overtook ours: what it needs of it is the ACK */
    c->todo &= (uint8_t)~TODO_SYN;
    la__conn_dirty(t, c, TODO_ACK);
  }
  la__state(t, c, cause);
  if (c->flags & CF_FIN_QUEUED) /* CLOSE was called in SYN-RECEIVED (3.10.4) */
    la__state(t, c, LA_ON_CLOSE);
  la__rearm(t, c);
  la__conn_dirty(t, c, TODO_DATA);
  if (!(c->flags & CF_PASSIVE))
    la__conn_event(t, c, EV_ESTABLISHED);
}

/*
 * Figure 9, lines 6 and 7: what is left of an old connection is about to be reset, and the SYN goes again. As Linux has it: not at
 * once, since it must not overtake the RST, and only before the first time-out, so that a peer who never understands is not plagued.
 */
static void try_soon(struct tcp *t, struct conn *c) {
  la_time at = t->now + SYN_SOON_MS * LA_MS;
  if (t->cfg.prompt_syn && c->clock == CLK_RTX && !c->backoff && at < c->clock_at)
    la__clock_set(t, c, CLK_RTX, at);
}

/* RFC 9293 3.10.7.3, in its order. */
void la__syn_sent_input(struct tcp *t, struct conn *c, const struct key *k, const struct tcp_seg *seg, const struct path *path) {
  bool ack = seg->flags & LA_ACK;
  if (ack && seg->ack != c->snd_nxt) {
    la__drop(t, k, c, seg, LA_DROP_TCP_INVALID_ACK_SEQUENCE);
    la__answer_rst(t, k, seg, path, LA_SYN_SENT);
    if (!(seg->flags & LA_RST))
      try_soon(t, c);
    return;
  }
  if (seg->flags & LA_RST) {
    if (!ack) {
      la__drop(t, k, c, seg, LA_DROP_TCP_RESET);
      return;
    }
    t->stats.resets_in++;
    la__conn_kill(t, c, LA_ON_RST, (struct ending){LA_BY_PEER, LA_HOW_RESET, LA_WHY_REFUSED, LA_ECONNREFUSED}, false);
    return;
  }
  if (!(seg->flags & LA_SYN)) {
    la__drop(t, k, c, seg, LA_DROP_TCP_FLAGS);
    return;
  }
  adopt_syn(t, c, seg);
  if (t->cfg.ecn == 1 && (ack ? (seg->flags & (LA_ECE | LA_CWR)) == LA_ECE : la__ecn_asked(t, seg)))
    c->net |= NET_ECN;
  if (!ack) { /* crossing SYNs: 3.5, figure 7 */
    la__state(t, c, LA_ON_SYN);
    c->backoff = 0;
    la__clock_set(t, c, CLK_NONE, LA_NEVER);
    la__conn_dirty(t, c, TODO_SYN);
    return;
  }
  if (!(c->flags & CF_SYN_LOST))
    la__rtt_sample(c, t->now - c->opened);
  la__conn_established(t, c, LA_ON_SYN_ACK);
  la__conn_dirty(t, c, TODO_ACK);
  if (seg->flags & LA_URG) /* on with the sixth step and the later ones */
    la__urgent_input(t, c, seg);
  struct tcp_seg rest = *seg;
  rest.seq++;
  rest.flags &= (uint8_t)~LA_SYN;
  if (tcp_seg_len(&rest))
    la__data_input(t, c, k, &rest, path);
}

/* What was set on the listener. false: no memory. */
static bool inherit(struct tcp *t, struct conn *c, const struct listener *l) {
  c->rcvbuf = l->rcvbuf;
  c->sndbuf = l->sndbuf;
  c->flags |= l->flags;
  c->ttl = l->ttl;
  c->tos = l->tos;
  c->net = l->net;
  if (!l->wished)
    return true;
  if (!la__conn_wish(t, c))
    return false;
  uint32_t index = c->wish->index;
  *c->wish = l->wish;
  c->wish->index = index;
  return true;
}

/* The connection that h describes, in no table yet; NULL: no memory. */
static struct conn *grow(struct tcp *t, const struct half *h, const struct key *k, const struct tcp_seg *seg) {
  struct listener *l = la__listener_at(t, h->listener);
  struct conn *c = la__conn_new(t, k);
  if (!c)
    return 0;
  if (!inherit(t, c, l) || !la__port_hold(&t->ports, t->mem, k->lport, l->reuse || l->share)) {
    la__conn_unmake(t, c);
    return 0;
  }
  struct tcp_seg syn = {.seq = h->irs, .wnd = h->wnd};
  syn.opt = (struct tcp_opts){.have = h->have, .wscale = h->wscale & 15, .mss = h->mss, .ts_val = h->ts_recent};
  c->flags |= CF_PASSIVE | CF_UNACCEPTED | (l->reuse || l->share ? CF_REUSE : 0) | (h->retries ? CF_SYN_LOST : 0);
  c->owner.listener = l->index;
  c->link = h->link;
  c->ts_off = h->ts_off;
  c->snd_una = h->iss;
  c->snd_nxt = h->iss + 1;
  c->net |= h->have & HALF_ECN ? NET_ECN : 0;
  c->state = LA_SYN_RECEIVED;
  c->rcv_adv = h->adv; /* what our SYN-ACK said */
  c->wscale = h->wscale;
  adopt_syn(t, c, &syn);
  c->snd_wl1 = seg->seq;
  c->snd_wl2 = seg->ack;
  c->snd_wnd = (uint32_t)seg->wnd << (c->wscale & 15);
  if (c->snd_wnd > c->snd_wnd_max)
    c->snd_wnd_max = c->snd_wnd;
  return c;
}

static struct conn *grown(struct tcp *t, struct conn *c) {
  c->flags &= ~(uint32_t)CF_DETACHED;
  t->stats.opened_passive++;
  la__conn_established(t, c, LA_ON_ACK_OF_SYN);
  la__listener_queue(t, la__listener_at(t, c->owner.listener), c);
  return c;
}

/* The third segment came. NULL: no memory; the record stays and the peer will try again. */
struct conn *la__half_promote(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *seg) {
  struct half *h = la__half_at(t, r);
  struct conn *c = grow(t, h, k, seg);
  if (!c)
    return 0;
  la__pair_swap(t, k, r, c->self);
  c->opened = half_due(h, t->now) - (t->cfg.rto_initial << h->retries);
  if (!h->retries && !h->resend) /* Karn */
    la__rtt_sample(c, t->now - c->opened);
  la__account_time(t, LA_SYN_RECEIVED, la__half_since(t, h));
  la__half_del(t, r);
  return grown(t, c);
}

struct conn *la__cookie_promote(struct tcp *t, struct half *h, const struct key *k, const struct tcp_seg *seg) {
  h->wnd = seg->wnd; /* the SYN's own is forgotten */
  struct conn *c = grow(t, h, k, seg);
  if (!c)
    return 0;
  if (!la__pair_add(t, k, c->self)) {
    la__port_drop(&t->ports, t->mem, k->lport, la__listener_at(t, h->listener)->reuse);
    la__conn_unmake(t, c);
    return 0;
  }
  c->opened = t->now;
  la__trace_record(t, k, LA_LISTEN, LA_ON_SYN, true, 1); /* what no record has told */
  return grown(t, c);
}
