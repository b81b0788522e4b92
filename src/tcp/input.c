/* SPDX-License-Identifier: MIT */
/*
 * SEGMENT ARRIVES, RFC 9293 3.10.7, in the order of its text, with RFC 5961's checks and RFC 7323's PAWS in their places.
 *
 * la__tcp_input finds the record that the segment belongs to. For a connection: conn_input does the steps up to the ACK bit
 * (what an attacker's segment must pass), la__conn_input_acked the rest (ACK, text, FIN). Nothing is sent here: `todo`
 * says what output.c shall look at, and answers without a connection go to the ring.
 */
#include "base/check.h"
#include "base/seq.h"
#include "tcp/pairs.h"
#include "tcp/tcp.h"
#include "tcp/view.h"

enum { PAWS_STALE_S = 24 * 24 * 3600 };

static void conn_view(const struct tcp *t, const struct conn *c, struct view *v) {
  v->rcv_nxt = c->rcv_nxt;
  v->rcv_wnd = la__rcv_window(c);
  v->snd_una = c->snd_una;
  v->snd_nxt = c->snd_nxt;
  v->snd_wnd_max = c->snd_wnd_max;
  v->ts = c->flags & CF_TS;
  v->ts_recent = c->ts_recent;
  v->ts_stale = (uint32_t)(t->now / LA_SEC) - c->ts_recent_s > PAWS_STALE_S;
}

/* An ACK that an attacker could ask for: at most one in challenge_gap for each connection (RFC 5961 7, without a shared budget). */
void la__challenge(struct tcp *t, struct conn *c) {
  if (!la__gap_passed(t, &c->challenge_at)) {
    t->stats.challenge_acks_limited++;
    return;
  }
  t->stats.challenge_acks++;
  la__conn_dirty(t, c, TODO_ACK);
}

/* Crossing SYNs: the peer's SYN,ACK repeats the SYN that brought us to SYN-RECEIVED (3.5, figure 7; A.2). */
static bool crossing_syn_ack(const struct conn *c, const struct tcp_seg *seg) {
  return c->state == LA_SYN_RECEIVED && (seg->flags & (LA_SYN | LA_ACK | LA_RST)) == (LA_SYN | LA_ACK) && seg->seq + 1 == c->rcv_nxt &&
         seg->ack == c->snd_nxt;
}

/*
 * A peer that has filled the window speaks with its SEG.SEQ at the right edge. While the text that filled it is lost its ACKs must be heard
 * (to Linux they are acceptable), or both ends wait for the other until R2.
 */
static bool window_filled(const struct conn *c, const struct view *v, const struct tcp_seg *seg) {
  return c->state >= LA_ESTABLISHED && v->rcv_wnd && seg->seq == v->rcv_nxt + v->rcv_wnd && tcp_seg_len(seg) == 0 &&
         (seg->flags & (LA_ACK | LA_RST)) == LA_ACK;
}

/* 3.10.7.4, first step, for a segment outside the window: an ACK says what we expect, but never to a RST. */
static void unacceptable(struct tcp *t, struct conn *c, const struct key *k, const struct tcp_seg *seg, enum view_seq where) {
  if (seg->flags & LA_RST) {
    la__drop(t, k, c, seg, LA_DROP_TCP_INVALID_SEQUENCE);
    return;
  }
  if (seg->flags & LA_SYN) {
    la__drop(t, k, c, seg, LA_DROP_TCP_INVALID_SYN);
    la__challenge(t, c);
    return;
  }
  bool text = tcp_seg_len(seg) > 0;
  la__drop(t, k, c, seg, where == VIEW_BEYOND ? LA_DROP_TCP_OVERWINDOW : text ? LA_DROP_TCP_OLD_DATA : LA_DROP_TCP_OLD_SEQUENCE);
  la__conn_touch(t, c);
  if (text && seq_lt(seg->seq, c->rcv_nxt))
    la__sack_duplicate(t, c, seg->seq, seq_min(seg->seq + tcp_seg_len(seg), c->rcv_nxt));
  if (text) { /* a retransmission, whose clock bounds it: always answered; our ACK was lost, so more go at once */
    la__ack_quick(t, c, UINT8_MAX);
    if (c->acks_owed < UINT8_MAX)
      c->acks_owed++;
    la__conn_dirty(t, c, TODO_ACK);
  } else { /* perhaps a keepalive probe; or an ACK of a peer with other numbers, which would answer ours for ever (A.2) */
    la__challenge(t, c);
  }
}

/*
 * A RST without ACK and with the number that ours asked for is how a host answers that has no such connection (RFC 9293 3.5.2); where the
 * peer's FIN has come it had one, and has closed it.
 */
static bool peer_knew_nothing(const struct conn *c, const struct tcp_seg *seg) {
  bool asked = c->snd_una != c->snd_nxt || c->keep_sent;
  bool open = c->state == LA_ESTABLISHED || c->state == LA_FIN_WAIT_1 || c->state == LA_FIN_WAIT_2;
  return asked && open && !(seg->flags & LA_ACK);
}

/* Second step: RST (RFC 5961 3.2). true: the segment is dealt with. */
static bool reset_input(struct tcp *t, struct conn *c, const struct key *k, const struct tcp_seg *seg, const struct view *v) {
  switch (la__view_rst(v, seg)) {
  case VIEW_RST_DROP:
    la__drop(t, k, c, seg, LA_DROP_TCP_INVALID_SEQUENCE);
    return true;
  case VIEW_RST_CHALLENGE:
    la__drop(t, k, c, seg, LA_DROP_TCP_INVALID_RST);
    la__challenge(t, c);
    return true;
  default:
    break;
  }
  t->stats.resets_in++;
  struct ending e = {LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET};
  if (c->state == LA_SYN_RECEIVED) {
    e.why = LA_WHY_REFUSED;
    e.err = LA_ECONNREFUSED;
  } else if (peer_knew_nothing(c, seg)) {
    e.why = LA_WHY_HALF_OPEN;
  }
  la__conn_kill(t, c, LA_ON_RST, e, false);
  return true;
}

/*
 * RFC 7323: PAWS, and a segment without the option that was agreed. false: dropped. A SYN is not of this connection, and must
 * draw a challenge.
 */
static bool stamps_ok(struct tcp *t, struct conn *c, const struct key *k, const struct tcp_seg *seg, const struct view *v) {
  if (!(c->flags & CF_TS) || seg->flags & (LA_RST | LA_SYN))
    return true;
  if (!(seg->opt.have & TCP_OPT_TS)) {
    if (t->cfg.bare_segments)
      return true;
    la__drop(t, k, c, seg, LA_DROP_TCP_RFC7323_PAWS); /* 3.2: silently */
    return false;
  }
  if (la__view_paws(v, seg))
    return true;
  la__drop(t, k, c, seg, LA_DROP_TCP_RFC7323_PAWS);
  if (tcp_seg_len(seg))
    la__conn_dirty(t, c, TODO_ACK);
  else
    la__challenge(t, c);
  return false;
}

static void conn_input(struct tcp *t, struct conn *c, const struct key *k, struct tcp_seg *seg, const struct path *path) {
  if (c->state == LA_SYN_SENT) {
    la__syn_sent_input(t, c, k, seg, path);
    return;
  }
  if (seg->flags & LA_RST) { /* its text (SHLD-2) and the other flags mean nothing, nor need they room (MUST-66) */
    seg->flags &= (uint8_t) ~(LA_SYN | LA_FIN);
    seg->len = 0;
  }
  if ((seg->flags & (LA_FIN | LA_ACK | LA_SYN)) == LA_FIN) {
    la__drop(t, k, c, seg, LA_DROP_TCP_FLAGS);
    return;
  }
  struct view v;
  conn_view(t, c, &v);
  if (!stamps_ok(t, c, k, seg, &v))
    return;
  enum view_seq where = la__view_seq(&v, seg);
  if (crossing_syn_ack(c, seg) && la__view_paws(&v, seg)) {
    seg->flags &= (uint8_t)~LA_SYN;
    seg->seq++;
    seg->wnd = (uint16_t)(seg->wnd >> (c->wscale & 15)); /* beside a SYN it is not scaled (RFC 7323 2.2) */
    where = la__view_seq(&v, seg);
  }
  if (where == VIEW_BEYOND && v.rcv_wnd == 0 && seq_leq(seg->seq, c->rcv_nxt) && !(seg->flags & (LA_SYN | LA_RST))) {
    la__drop(t, k, c, seg, LA_DROP_TCP_ZEROWINDOW); /* a window probe: no room for its text, but its ACK counts (MUST-66, A.2) */
    la__conn_dirty(t, c, TODO_ACK);
    seg->len = 0; /* SEG.SEQ stays: an old segment's window is old (SND.WL1), and the urgent pointer counts from it */
    seg->flags &= (uint8_t)~LA_FIN;
    where = VIEW_IN;
  }
  if (t->cfg.edge_acks && window_filled(c, &v, seg))
    where = VIEW_IN;
  if (where != VIEW_IN) {
    unacceptable(t, c, k, seg, where);
    return;
  }
  if (seg->flags & LA_RST && reset_input(t, c, k, seg, &v))
    return;
  if (seg->flags & LA_SYN) { /* fourth step, RFC 5961 4.2: whatever its sequence number */
    la__drop(t, k, c, seg, LA_DROP_TCP_INVALID_SYN);
    la__challenge(t, c);
    return;
  }
  if (!(seg->flags & LA_ACK)) {
    la__drop(t, k, c, seg, LA_DROP_TCP_NO_ACK);
    return;
  }
  la__conn_input_acked(t, c, k, seg, path);
}

/* RFC 7323 4.3: only from a segment that spans what we last acknowledged. */
static void ts_recent_update(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  if (c->flags & CF_TS && seg->opt.have & TCP_OPT_TS && seq_leq(seg->seq, c->rcv_acked) &&
      (seq_geq(seg->opt.ts_val, c->ts_recent) || (uint32_t)(t->now / LA_SEC) - c->ts_recent_s > PAWS_STALE_S)) {
    c->ts_recent = seg->opt.ts_val;
    c->ts_recent_s = (uint32_t)(t->now / LA_SEC);
  }
}

/* Our FIN is acknowledged (fifth step). FIN-WAIT-1 waits for the eighth, which may lead straight to TIME-WAIT. */
static bool fin_acked(struct tcp *t, struct conn *c) {
  c->flags |= CF_FIN_ACKED;
  if (c->state == LA_CLOSING) {
    la__tw_enter(t, c, LA_ON_ACK_OF_FIN);
    return true;
  }
  if (c->state == LA_LAST_ACK) {
    struct ending e;
    la__conn_release_ending(c, &e);
    la__conn_detach(t, c);
    la__conn_drop_send(t, c);
    c->todo = 0;
    c->acks_owed = 0;
    la__conn_end(t, c, e, 0);
    la__state(t, c, LA_ON_ACK_OF_FIN);
    la__conn_maybe_free(t, c);
    return true;
  }
  return false;
}

void la__conn_input_acked(struct tcp *t, struct conn *c, const struct key *k, struct tcp_seg *seg, const struct path *path) {
  struct view v = {.snd_una = c->snd_una, .snd_nxt = c->snd_nxt, .snd_wnd_max = c->snd_wnd_max}; /* the rest has been asked */
  if (c->state == LA_SYN_RECEIVED) { /* after crossing SYNs: ours went out twice, which makes it no sample (Karn) */
    if (la__view_ack(&v, seg) != VIEW_ACK_NEW) {
      la__drop(t, k, c, seg, LA_DROP_TCP_INVALID_ACK_SEQUENCE);
      la__answer_rst(t, k, seg, path, LA_SYN_RECEIVED);
      return;
    }
    c->snd_wl1 = seg->seq;
    c->snd_wl2 = seg->ack;
    c->snd_wnd = (uint32_t)seg->wnd << (c->wscale & 15);
    la__conn_established(t, c, LA_ON_ACK_OF_SYN);
  }
  switch (la__view_ack(&v, seg)) {
  case VIEW_ACK_UNSENT:
    la__drop(t, k, c, seg, LA_DROP_TCP_ACK_UNSENT_DATA);
    if (!t->cfg.mute_unsent || c->state != LA_ESTABLISHED) /* Linux was mute there alone */
      la__challenge(t, c);
    return;
  case VIEW_ACK_TOO_OLD:
    la__drop(t, k, c, seg, LA_DROP_TCP_TOO_OLD_ACK);
    la__challenge(t, c);
    return;
  default:
    break;
  }
  ts_recent_update(t, c, seg);
  la__conn_touch(t, c);
  if (c->wish)
    la__tcp_more(t, c, false); /* what waited for more goes with the next look at what may be sent */
  la__ack_input(t, c, seg);
  if (c->flags & CF_FIN_SENT && !(c->flags & CF_FIN_ACKED) && c->snd_una == c->snd_nxt && fin_acked(t, c))
    return;
  if (seg->flags & LA_URG)
    la__urgent_input(t, c, seg);
  if (tcp_seg_len(seg) && !la__data_input(t, c, k, seg, path))
    return;
  if (c->state == LA_FIN_WAIT_1 && c->flags & CF_FIN_ACKED) {
    la__state(t, c, LA_ON_ACK_OF_FIN);
    la__rearm(t, c);
  }
}

bool la__tcp_may_input(const struct tcp *t) {
  for (uint8_t i = 1; i <= LA_LINKS_MAX && t->link[i].ring; i++)
    if (!la__answers_room(t, i, ANSWER_RESERVE))
      return false;
  return true;
}

static void listen_or_none(struct tcp *t, const struct key *k, const struct tcp_seg *seg, const struct path *path, ref_t replaces) {
  struct listener *l = la__listener_find(t, k, path->in);
  if (l) {
    la__listen_input(t, l, k, seg, path, replaces);
    return;
  }
  la__trace_in(t, k, 0, seg, LA_CLOSED, seg->wnd);
  la__drop(t, k, 0, seg, LA_DROP_NO_SOCKET);
  la__answer_rst(t, k, seg, path, LA_CLOSED);
}

enum la_drop la__tcp_input(struct tcp *t, const struct key *k, struct tcp_seg *seg, const struct path *path) {
  return la__tcp_input_of(t, la__tcp_quiet(t) ? REF_NONE : la__pair_find(t, k), k, seg, path);
}

enum la_drop la__tcp_input_of(struct tcp *t, ref_t r, const struct key *k, struct tcp_seg *seg, const struct path *path) {
  if (seg->unverified && !la__land_verify(t, r, seg))
    return LA_DROP_TCP_CSUM;
  t->stats.segments_in += tcp_seg_count(seg);
  if (la__tcp_quiet(t)) {
    la__trace_in(t, k, 0, seg, LA_CLOSED, seg->wnd);
    la__drop(t, k, 0, seg, LA_DROP_QUIET_TIME);
    return LA_DROP_NONE;
  }
  if (r == REF_NONE) {
    listen_or_none(t, k, seg, path, REF_NONE);
    return LA_DROP_NONE;
  }
  switch (ref_kind(r)) {
  case REF_CONN: {
    struct conn *c = la__conn_at(t, r);
    unsigned shift = seg->flags & LA_SYN ? 0 : c->wscale & 15;
    la__trace_in(t, k, c, seg, (enum la_state)c->state, (uint32_t)seg->wnd << shift);
    conn_input(t, c, k, seg, path);
    if (t->landed != REF_NONE)
      la__land_forget(t);
    break;
  }
  case REF_HALF:
    la__trace_in(t, k, 0, seg, LA_SYN_RECEIVED, seg->wnd);
    la__half_input(t, r, k, seg, path);
    break;
  default:
    la__trace_in(t, k, 0, seg, LA_TIME_WAIT, seg->wnd);
    if (la__tw_input(t, r, k, seg, path))
      listen_or_none(t, k, seg, path, r);
    break;
  }
  return LA_DROP_NONE;
}
