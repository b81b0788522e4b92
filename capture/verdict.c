/* SPDX-License-Identifier: MIT */
/*
 * The reasons, in the order in which they are asked for: what the stack itself wrote into the capture; what a RST tells by the states
 * it met, by its form (an answer has no ACK and the number it was asked for, an abort has both) and by what came before it; what
 * silence tells; what an orderly release tells. Where the wire shows the same for two causes the verdict is ambiguous and names both.
 */
#include "capture/verdict.h"

#include <string.h>

#include "base/seq.h"

#define TIME_WAIT (60 * LA_SEC)
#define ALIVE (500 * LA_MS)
#define GONE_TIME (3 * LA_SEC)                      /* retransmission without an answer; longer than anybody waits with the first one */
#define ANSWER_TIME LA_SEC                          /* an answer may take so long (RFC 6298: the first retransmission time-out) */
enum { GONE_AGAIN = 4, PROBES = 2, NOT_TAKEN = 2 }; /* so often unanswered before it is called silence */

/* A SYN took the pair before TIME-WAIT was over. */
static bool reused_early(const struct flow *c) { return c->reused.frame && c->reused.at - c->last_at < TIME_WAIT; }

static void one(struct verdict *v, enum reason r, enum certainty c, unsigned by) {
  v->reason = v->candidate[0] = r;
  v->ncandidates = 1;
  v->certainty = c;
  v->by = by;
}

static void either(struct verdict *v, enum reason a, enum reason b, unsigned by) {
  one(v, a, CERTAIN_AMBIGUOUS, by);
  v->candidate[1] = b;
  v->ncandidates = 2;
}

static enum reason of_why(enum la_why w) {
  static const uint8_t reasons[LA_WHYS] = {[LA_WHY_CLOSE] = REASON_CLOSE,
                                           [LA_WHY_ABORT] = REASON_ABORT,
                                           [LA_WHY_LINGER] = REASON_ABORT,
                                           [LA_WHY_UNREAD] = REASON_UNREAD,
                                           [LA_WHY_DATA_AFTER_CLOSE] = REASON_DATA_AFTER_CLOSE,
                                           [LA_WHY_REFUSED] = REASON_REFUSED,
                                           [LA_WHY_RETRANSMIT] = REASON_RETRANSMIT,
                                           [LA_WHY_SYN_TIMEOUT] = REASON_SYN_UNANSWERED,
                                           [LA_WHY_SYN_ACK_TIMEOUT] = REASON_SYN_ACK_UNANSWERED,
                                           [LA_WHY_KEEPALIVE] = REASON_KEEPALIVE,
                                           [LA_WHY_USER_TIMEOUT] = REASON_RETRANSMIT,
                                           [LA_WHY_FIN_WAIT_2] = REASON_FIN_WAIT_2,
                                           [LA_WHY_LAST_ACK] = REASON_LAST_ACK,
                                           [LA_WHY_ICMP] = REASON_ICMP};
  return reasons[w] ? (enum reason)reasons[w] : REASON_OTHER;
}

/* The stack's own word. What it says of its peer's RST, and that it was closed, is seen on the wire. */
static bool told(const struct flow *c, struct verdict *v) {
  if (c->told && c->told_why != LA_WHY_PEER_RESET && c->told_why != LA_WHY_HALF_OPEN && c->told_why != LA_WHY_CLOSE) {
    bool peers = c->told_why == LA_WHY_REFUSED;
    enum reason r = of_why((enum la_why)c->told_why);
    if (c->told_why == LA_WHY_USER_TIMEOUT && c->end[c->told_by].fins) /* the deadline of a close */
      r = c->end[c->told_by].fin_acked ? REASON_FIN_WAIT_2 : REASON_LAST_ACK;
    one(v, r, CERTAIN_OBSERVED, peers ? !c->told_by : c->told_by);
    return true;
  }
  return false;
}

static bool closed_by_fin(const struct flow *c, unsigned end) { return c->end[end].fins > 0 && c->end[end].fin.frame < c->rst.mark.frame; }

/* During the opening. */
static bool early_reset(const struct flow *c, struct verdict *v) {
  const struct flow_rst *r = &c->rst;
  const struct flow_end *me = &c->end[r->by], *peer = &c->end[!r->by];
  if (c->mid || c->open.frame)
    return false;
  if (!me->syn.frame && peer->syn.frame && !peer->answers) {
    one(v, REASON_REFUSED, CERTAIN_OBSERVED, r->by);
    return true;
  }
  if (peer->answers && me->segs == me->rsts) {
    one(v, REASON_SYN_ACK_REFUSED, CERTAIN_OBSERVED, r->by);
    return true;
  }
  if (me->syn.frame && !me->answers && peer->answers) {
    one(v, REASON_SYN_ACK_REFUSED, CERTAIN_INFERRED, r->by);
    return true;
  }
  return false;
}

/* By an end that had closed: the other one's data, or its FIN alone, met nobody. */
static void reset_after_fin(const struct flow *c, struct verdict *v) {
  const struct flow_rst *r = &c->rst;
  const struct flow_end *me = &c->end[r->by], *peer = &c->end[!r->by];
  bool patient = r->mark.at - me->fin.at >= v->patience;
  if (peer->late && !patient)
    one(v, REASON_DATA_AFTER_CLOSE, r->reply || r->before.len ? CERTAIN_OBSERVED : CERTAIN_INFERRED, r->by);
  else if (peer->late)
    either(v, REASON_FIN_WAIT_2, REASON_DATA_AFTER_CLOSE, r->by);
  else if (peer->fins && patient)
    one(v, REASON_FIN_WAIT_2, CERTAIN_INFERRED, r->by);
  else if (me->again_run >= GONE_AGAIN || r->again_run >= GONE_AGAIN)
    one(v, REASON_LAST_ACK, CERTAIN_INFERRED, r->by);
  else if (r->reply && peer->fins) /* no abort looks like this: nobody was there any more */
    either(v, REASON_FIN_WAIT_2, REASON_ABORT, r->by);
  else
    either(v, REASON_ABORT, REASON_UNREAD, r->by);
}

static void reset_alive(const struct flow *c, struct verdict *v) {
  const struct flow_rst *r = &c->rst;
  const struct flow_end *me = &c->end[r->by], *peer = &c->end[!r->by];
  if (r->probe_run >= PROBES)
    one(v, REASON_KEEPALIVE, CERTAIN_OBSERVED, r->by);
  else if (r->again_run >= GONE_AGAIN)
    one(v, REASON_RETRANSMIT, CERTAIN_INFERRED, r->by);
  else if (r->reply && c->open.frame && me->answers && me->segs == me->syns + me->rsts && r->mark.at - c->open.at < ALIVE)
    one(v, REASON_NOT_ACCEPTED, CERTAIN_INFERRED, r->by); /* to the third segment, though data may already have followed it */
  else if (r->reply && (me->stuck >= GONE_AGAIN || me->stuck_was >= GONE_AGAIN))
    one(v, REASON_RETRANSMIT, CERTAIN_INFERRED, r->by); /* it had given up, and is now asked */
  else if (r->reply && me->last.mark.frame && r->mark.at - me->last.mark.at < ALIVE)
    either(v, REASON_HALF_OPEN, REASON_ABORT, r->by); /* it had just spoken: perhaps another RST of its own was not captured */
  else if (r->reply && r->idle >= v->patience)
    either(v, REASON_HALF_OPEN, REASON_IDLE_CUT, r->by);
  else if (r->reply)
    one(v, REASON_HALF_OPEN, r->before.len || peer->probes ? CERTAIN_OBSERVED : CERTAIN_INFERRED, r->by);
  else if (me->zero_at)
    one(v, REASON_UNREAD, CERTAIN_INFERRED, r->by); /* a window is closed by what nobody reads */
  else if (!peer->bytes && !c->mid)
    one(v, REASON_ABORT, CERTAIN_INFERRED, r->by); /* there was nothing that could be unread */
  else
    either(v, REASON_ABORT, REASON_UNREAD, r->by);
}

static void by_reset(const struct flow *c, struct verdict *v) {
  const struct flow_rst *r = &c->rst;
  v->kind = KIND_RESET;
  v->lost = r->lost;
  if (early_reset(c, v))
    return;
  if (c->end[r->by].after_rst && !r->reply)
    one(v, REASON_INJECTED, CERTAIN_OBSERVED, 2); /* its supposed sender goes on as if nothing had happened */
  else if (r->ttl_off && r->idle >= v->patience)
    one(v, REASON_IDLE_CUT, CERTAIN_INFERRED, 2);
  else if (r->ttl_off)
    one(v, REASON_INJECTED, CERTAIN_INFERRED, 2);
  else if (closed_by_fin(c, r->by))
    reset_after_fin(c, v);
  else
    reset_alive(c, v);
}

/* An ICMP error that explains silence; "too large" only asks for smaller segments. */
static bool unreachable(const struct flow *c) { return c->icmp.frame && !la__icmp_too_big(c->family, c->icmp_type, c->icmp_code); }

/* Nobody ever answered. */
static void unopened(const struct flow *c, struct verdict *v) {
  unsigned server = !v->client;
  bool once = c->end[c->end[server].answers ? server : v->client].syns <= 1;
  if (c->at_end && once && v->silent < ANSWER_TIME && !unreachable(c))
    one(v, REASON_OPENING, CERTAIN_OBSERVED, 2);
  else if (c->after_time_wait && !c->end[server].answers)
    one(v, REASON_PORT_REUSE, CERTAIN_INFERRED, v->client);
  else if (unreachable(c))
    one(v, REASON_SYN_FILTERED, CERTAIN_OBSERVED, server);
  else if (c->end[server].answers)
    one(v, REASON_SYN_ACK_UNANSWERED, CERTAIN_OBSERVED, v->client);
  else
    one(v, REASON_SYN_UNANSWERED, CERTAIN_OBSERVED, server);
}

/* An end that sends again and again, or probes, and hears nothing. */
static bool silence(const struct flow *c, la_time now, struct verdict *v) {
  for (unsigned i = 0; i < 2; i++) {
    const struct flow_end *e = &c->end[i];
    if (e->probe_run > PROBES && now - e->probe_last > e->probe_interval) {
      one(v, REASON_KEEPALIVE, CERTAIN_INFERRED, i);
      return true;
    }
    if (e->answers && c->open.frame && e->segs == e->syns && e->deaf >= NOT_TAKEN) {
      either(v, REASON_NOT_ACCEPTED, REASON_SYN_ACK_UNANSWERED, i); /* the third segment is in the capture, and goes unheeded */
      return true;
    }
    bool unheard = e->again_run >= GONE_AGAIN && now - e->run.at >= GONE_TIME;
    if (!unheard && (e->deaf >= GONE_AGAIN || e->stuck > GONE_AGAIN) && now - e->last.mark.at >= GONE_TIME) {
      one(v, REASON_RETRANSMIT, CERTAIN_INFERRED, i); /* something was heard of the other end, but not what should have come */
      return true;
    }
    if (!unheard)
      continue;
    if (unreachable(c))
      one(v, REASON_ICMP, CERTAIN_INFERRED, !i);
    else if (e->fins && !e->fin_acked && c->end[!i].fins)
      one(v, REASON_LAST_ACK, CERTAIN_INFERRED, !i);
    else if (c->idle_max >= v->patience)
      either(v, REASON_IDLE_CUT, REASON_RETRANSMIT, 2);
    else
      one(v, REASON_RETRANSMIT, CERTAIN_INFERRED, i);
    return true;
  }
  return false;
}

/*
 * What an end has sent is not acknowledged, and was not sent again either, though the capture goes on for long enough: whatever was done
 * about it is not in the capture. A closed window explains it.
 */
static bool tail_missing(const struct flow *c, const struct verdict *v) {
  for (unsigned i = 0; i < 2 && !(v->flaws & FLAW_ONE_SIDED); i++) {
    const struct track_end *t = &c->track.end[i];
    const struct flow_end *by = &c->end[!i];
    la_time patience = GONE_TIME + (c->end[i].again_run ? 3 * c->idle_before : 0);
    if (t->have_isn && by->has_ack && !by->zero_at && seq_lt(by->acked, t->nxt) && v->silent >= patience)
      return true;
  }
  return false;
}

/* Not closed, as far as the capture goes: how far is that? */
static void still_open(const struct flow *c, struct verdict *v) {
  if (v->flaws & FLAW_TAIL && !c->broken)
    either(v, REASON_OPEN, REASON_CLOSE, 2);
  else
    one(v, REASON_OPEN, c->broken || v->silent >= v->patience ? CERTAIN_INFERRED : CERTAIN_OBSERVED, 2);
}

/* The pair's next SYN came while it was open. */
static void superseded(const struct flow *c, struct verdict *v) {
  const struct flow_end *client = &c->end[v->client], *server = &c->end[!v->client];
  v->kind = c->first_fin == 2 ? KIND_NONE : KIND_HALF;
  if (!client->fin_acked || server->fins)
    one(v, REASON_RESTART, CERTAIN_INFERRED, v->client);
  else if (c->reused.at - client->fin.at >= v->patience) /* the client's FIN-WAIT-2 was over long ago */
    one(v, REASON_CLOSE_WAIT, CERTAIN_INFERRED, !v->client);
  else
    either(v, REASON_CLOSE_WAIT, REASON_RESTART, !v->client);
}

static void without_reset(const struct flow *c, la_time now, struct verdict *v) {
  if (c->over == OVER_RELEASED) {
    v->kind = c->fin_crossed ? KIND_SIMULTANEOUS : c->fin_merged ? KIND_THREE : KIND_FOUR;
    bool resting = reused_early(c) && (c->track.end[0].state == LA_TIME_WAIT || c->track.end[1].state == LA_TIME_WAIT);
    one(v, resting ? REASON_PORT_REUSE : REASON_CLOSE, c->mid ? CERTAIN_INFERRED : CERTAIN_OBSERVED, resting ? v->client : c->first_fin);
    return;
  }
  bool opened = c->open.frame || c->mid || c->end[0].bytes + c->end[1].bytes > 0;
  if (v->flaws & FLAW_ONE_SIDED) /* it went on: it has been heard */
    opened |= c->end[0].segs > c->end[0].syns || c->end[1].segs > c->end[1].syns;
  if (!opened && !(c->end[0].fins + c->end[1].fins)) {
    unopened(c, v);
    return;
  }
  if (c->superseded) {
    superseded(c, v);
    return;
  }
  if (silence(c, now, v))
    return;
  if (c->broken || tail_missing(c, v))
    v->flaws |= FLAW_TAIL;
  if (c->first_fin == 2) {
    still_open(c, v);
    return;
  }
  v->kind = KIND_HALF;
  const struct flow_end *peer = &c->end[!c->first_fin], *me = &c->end[c->first_fin];
  if ((peer->fins || !me->fin_acked) && v->flaws & FLAW_TAIL && !c->broken)
    either(v, REASON_CLOSE, REASON_CLOSING, 2);
  else if (peer->fins || !me->fin_acked)
    one(v, REASON_CLOSING, CERTAIN_OBSERVED, 2);
  else if (peer->missed)
    either(v, REASON_CLOSE, REASON_OPEN, 2); /* its FIN may be among what was not captured */
  else if (now - (peer->late_last > me->fin.at ? peer->late_last : me->fin.at) >= v->patience)
    one(v, REASON_CLOSE_WAIT, CERTAIN_INFERRED, !c->first_fin);
  else
    still_open(c, v);
}

static void half_closed(const struct flow *c, la_time now, struct verdict *v) {
  if (c->first_fin == 2)
    return;
  const struct flow_end *me = &c->end[c->first_fin], *peer = &c->end[!c->first_fin];
  la_time end = c->over == OVER_RESET ? c->rst.mark.at : now;
  if (peer->fins && peer->fin.at < end)
    end = peer->fin.at;
  v->half_closed = end > me->fin.at ? end - me->fin.at : 0;
  v->half_bytes = peer->late;
  if (!(v->flaws & FLAW_ONE_SIDED)) /* else the other one's FIN may have come before */
    v->first_closed = c->fin_crossed && peer->fins ? CLOSED_BOTH : c->first_fin == v->client ? CLOSED_CLIENT : CLOSED_SERVER;
}

static void time_wait(const struct flow *c, struct verdict *v) {
  for (unsigned i = 0; i < 2; i++)
    if (c->track.end[i].state == LA_TIME_WAIT)
      v->time_wait |= 1u << i;
  if (!v->time_wait)
    return;
  v->time_wait_from = c->over_at ? c->over_at : c->end[v->time_wait == 2].last.mark.at;
  v->time_wait_until = reused_early(c) ? c->reused.at : c->last_at + TIME_WAIT;
}

static void flaws(const struct flow *c, struct verdict *v) {
  const struct flow_end *a = &c->end[0], *b = &c->end[1];
  v->flaws |= c->mid ? FLAW_MIDSTREAM : 0;
  /* the one that is not seen did send: the other end's acknowledgments say so */
  bool a_only = !b->segs && !b->rsts && a->has_ack, b_only = !a->segs && !a->rsts && b->has_ack;
  v->flaws |= a_only || b_only ? FLAW_ONE_SIDED : 0;
  v->flaws |= a->cut || b->cut ? FLAW_CUT : 0;
  v->flaws |= a->missed || b->missed ? FLAW_MISSED : 0;
  v->flaws |= c->nat_of ? FLAW_NAT : 0;
  v->flaws |= a->dups || b->dups ? FLAW_DUPLICATES : 0;
  v->flaws |= a->offload || b->offload ? FLAW_OFFLOAD : 0;
  v->flaws |= a->damaged || b->damaged ? FLAW_DAMAGED : 0;
  v->flaws |= c->vlan ? FLAW_VLAN : 0;
  v->flaws |= c->fragments ? FLAW_FRAGMENTS : 0;
  v->flaws |= c->gro ? FLAW_GRO : 0;
}

static bool stalled(const struct flow_end *e, la_time now, la_time patience) { return e->zero_at && now - e->zero_at >= patience; }

/* Orderly ends and connections that live are no news, unless nobody reads what they carry. */
static bool finding(const struct flow *c, const struct verdict *v, la_time now) {
  if (c->forged || (v->reason == REASON_OPEN && (stalled(&c->end[0], now, v->patience) || stalled(&c->end[1], now, v->patience))))
    return true;
  switch (v->reason) {
  case REASON_OPEN:
  case REASON_CLOSE:
  case REASON_CLOSING:
  case REASON_OPENING:
    return false;
  default:
    return true;
  }
}

void la__verdict(const struct flow *c, la_time now, la_time patience, struct verdict *v) {
  *v = (struct verdict){.client = la__flow_client(c), .by = 2, .patience = patience, .silent = now > c->last_at ? now - c->last_at : 0};
  flaws(c, v);
  if (c->over == OVER_RESET) {
    by_reset(c, v);
  } else {
    without_reset(c, now, v);
    if (c->forged && v->reason != REASON_CLOSE && v->reason != REASON_OPEN)
      one(v, REASON_INJECTED, CERTAIN_INFERRED, 2);
  }
  bool lone = (v->flaws & FLAW_ONE_SIDED) != 0;
  if (lone && v->kind == KIND_HALF)
    v->kind = KIND_NONE;
  if (lone && v->reason == REASON_CLOSING)
    either(v, REASON_CLOSE, REASON_CLOSING, 2);
  told(c, v);
  if (lone && v->certainty == CERTAIN_OBSERVED)
    v->certainty = CERTAIN_INFERRED;
  half_closed(c, now, v);
  time_wait(c, v);
  v->finding = finding(c, v, now);
}
