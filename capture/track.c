/* SPDX-License-Identifier: MIT */
/*
 * A segment proves two things about its sender: what it must have received to send it (its ACK), and what it has now sent.
 * What it does to the receiver follows when it arrives. FIN counts at the receiver when nothing before it is missing.
 */
#include "capture/track.h"

#include <string.h>

#include "base/seq.h"

void la__track_init(struct track *t) { memset(t, 0, sizeof *t); }

enum la_state la__passive_state(const struct track *t, unsigned end) { return t->end[end].state; }

unsigned la__track_steps(enum la_state was, enum la_state to, enum la_state out[TRACK_STEPS]) {
  bool opening = was == LA_SYN_SENT || was == LA_SYN_RECEIVED;
  unsigned n = 0;
  if (opening && (to == LA_FIN_WAIT_1 || to == LA_CLOSE_WAIT || to == LA_LAST_ACK))
    out[n++] = LA_ESTABLISHED;
  if (to == LA_LAST_ACK && was != LA_CLOSE_WAIT)
    out[n++] = LA_CLOSE_WAIT;
  out[n++] = to;
  return n;
}

uint32_t la__track_seq(const struct track *t, unsigned from, uint32_t seq) { return t->end[from].have_isn ? seq - t->end[from].isn : seq; }

uint32_t la__track_ack(const struct track *t, unsigned from, uint32_t ack) { return la__track_seq(t, !from, ack); }

static uint32_t seg_end(const struct track_seg *s) { return s->seq + s->len + ((s->flags & LA_SYN) != 0) + ((s->flags & LA_FIN) != 0); }

/* `me` has received the other end's FIN. */
static void got_fin(struct track_end *me) {
  switch (me->state) {
  case LA_SYN_RECEIVED:
  case LA_ESTABLISHED:
    me->state = LA_CLOSE_WAIT;
    break;
  case LA_FIN_WAIT_1:
    me->state = LA_CLOSING;
    break;
  case LA_FIN_WAIT_2:
    me->state = LA_TIME_WAIT;
    break;
  default:
    break;
  }
}

/* `me` has received an acknowledgment up to `ack`. */
static void got_ack(struct track_end *me, uint32_t ack) {
  if (!me->have_isn || seq_gt(ack, me->nxt))
    return;
  if (me->state == LA_SYN_RECEIVED && seq_gt(ack, me->isn))
    me->state = LA_ESTABLISHED;
  if (!me->fin_sent || seq_leq(ack, me->fin))
    return;
  if (me->state == LA_FIN_WAIT_1)
    me->state = LA_FIN_WAIT_2;
  else if (me->state == LA_CLOSING)
    me->state = LA_TIME_WAIT;
  else if (me->state == LA_LAST_ACK)
    me->state = LA_CLOSED;
}

static void sent_fin(struct track_end *me, uint32_t seq) {
  if (!me->fin_sent) {
    me->fin_sent = true;
    me->fin = seq;
  }
  if (me->state == LA_ESTABLISHED || me->state == LA_SYN_RECEIVED)
    me->state = LA_FIN_WAIT_1;
  else if (me->state == LA_CLOSE_WAIT)
    me->state = LA_LAST_ACK;
}

/* A SYN with a new number starts a new incarnation of its sender. The peer may know nothing of it yet, and keeps its state. */
static void sent_syn(struct track_end *me, struct track_end *peer, const struct track_seg *s) {
  bool reply = (s->flags & LA_ACK) != 0;
  if (me->have_isn && me->isn == s->seq) {
    if (reply && me->state == LA_SYN_SENT)
      me->state = LA_SYN_RECEIVED;
    return;
  }
  *me =
    (struct track_end){.state = reply ? LA_SYN_RECEIVED : LA_SYN_SENT, .have_isn = true, .isn = s->seq, .nxt = s->seq, .reached = s->seq};
  if (!reply && peer->state == LA_CLOSED)
    *peer = (struct track_end){0};
}

/* What `me` must have received to acknowledge `ack`. */
static void proves(struct track_end *me, const struct track_end *peer, uint32_t ack) {
  if (!peer->have_isn || seq_gt(ack, peer->nxt))
    return;
  if (me->state == LA_SYN_SENT && me->have_isn && seq_gt(ack, peer->isn))
    me->state = LA_ESTABLISHED;
  if (peer->fin_sent && seq_gt(ack, peer->fin))
    got_fin(me);
}

bool la__track_send(struct track *t, unsigned from, const struct track_seg *s) {
  struct track_end *me = &t->end[from], *peer = &t->end[!from];
  uint32_t end = seg_end(s);
  bool again = me->have_isn && end != s->seq && seq_leq(end, me->nxt);
  if (s->flags & LA_RST) {
    me->state = LA_CLOSED;
    return false;
  }
  if (s->flags & LA_SYN)
    sent_syn(me, peer, s);
  if (!me->have_isn) {
    me->have_isn = true; /* joined midway: an ESTABLISHED connection, as far as anybody can tell */
    me->isn = s->seq - 1;
    me->nxt = me->reached = s->seq;
    if (me->state == LA_CLOSED)
      me->state = LA_ESTABLISHED;
  }
  if ((s->flags & LA_ACK) && !(s->flags & LA_SYN))
    proves(me, peer, s->ack);
  if (seq_gt(end, me->nxt))
    me->nxt = end;
  if (s->flags & LA_FIN)
    sent_fin(me, end - 1);
  return again;
}

/* RFC 9293 3.10.7.3, RFC 5961 3.2: of our SYN, or exactly the next byte. TIME-WAIT ignores it (RFC 1337). */
static bool believes_rst(const struct track_end *me, const struct track_end *peer, const struct track_seg *s) {
  if (me->state == LA_TIME_WAIT || me->state == LA_LISTEN)
    return false;
  if (me->state == LA_SYN_SENT)
    return (s->flags & LA_ACK) && s->ack == me->nxt;
  return !peer->have_isn || s->seq == peer->reached;
}

void la__track_arrive(struct track *t, unsigned from, const struct track_seg *s) {
  struct track_end *me = &t->end[!from], *peer = &t->end[from];
  uint32_t end = seg_end(s);
  if (s->flags & LA_RST) {
    if (believes_rst(me, peer, s))
      me->state = LA_CLOSED;
    return;
  }
  if (me->state == LA_SYN_SENT && (s->flags & LA_SYN))
    me->state = (s->flags & LA_ACK) && s->ack == me->nxt ? LA_ESTABLISHED : LA_SYN_RECEIVED;
  if (s->flags & LA_ACK)
    got_ack(me, s->ack);
  if (seq_leq(s->seq, peer->reached) && seq_gt(end, peer->reached))
    peer->reached = end;
  if (peer->fin_sent && seq_gt(peer->reached, peer->fin))
    got_fin(me);
}
