/* SPDX-License-Identifier: MIT */
/*
 * A segment is first held against what its sender sent before: a copy that the capturer saw twice and a damaged one tell nothing. A RST is
 * believed when its number is one that the receiver must take (RFC 5961 3.2); what stood before the first such RST is kept, because the
 * reason is read from it. Everything else counts: bytes by sequence numbers, so that a segment sent again counts once; time closed windows;
 * probes; who sent FIN and when. States are capture/track.c's.
 */
#include "capture/flow.h"

#include <string.h>

#include "base/seq.h"
#include "capture/ng.h"

#define COPY_TIME (500 * LA_US) /* a copy follows its original at once; no sender sends again so early */

static struct flow_mark mark_of(const struct packet *p) { return (struct flow_mark){p->frame, p->at}; }

void la__flow_init(struct flow *c, const struct packet *p, const struct seg *s) {
  size_t n = s->family == 4 ? 4 : 16;
  c->family = s->family;
  memcpy(c->end[0].addr, s->src, n);
  memcpy(c->end[1].addr, s->dst, n);
  c->end[0].port = s->sport;
  c->end[1].port = s->dport;
  c->first = c->last = mark_of(p);
  c->last_at = p->at;
  c->first_fin = 2;
  la__track_init(&c->track);
}

/* Wireshark's tcp.completeness: a SYN counts when it comes first. */
static void complete(struct flow *c, bool first, const struct seg *s) {
  unsigned f = s->flags;
  if (first && (f & (LA_SYN | LA_ACK)) == LA_SYN)
    c->completeness |= COMPLETE_SYN | (s->len ? COMPLETE_DATA : 0);
  if ((f & (LA_SYN | LA_ACK)) == (LA_SYN | LA_ACK))
    c->completeness |= COMPLETE_SYN_ACK;
  if ((f & (LA_SYN | LA_ACK)) == LA_ACK)
    c->completeness |= s->len ? COMPLETE_DATA : COMPLETE_ACK;
  if ((f & (LA_FIN | LA_ACK)) == (LA_FIN | LA_ACK))
    c->completeness |= COMPLETE_FIN;
  if (f & LA_RST)
    c->completeness |= COMPLETE_RST;
}

/* The very same packet once more: the identification, or else everything that a sender changes, is equal. */
static bool is_copy(const struct flow_end *e, const struct packet *p, const struct seg *s) {
  const struct flow_seg *l = &e->last;
  if (!l->mark.frame || l->seq != s->seq || l->ack != s->ack || l->flags != s->flags || l->len != s->len || l->wnd != s->wnd)
    return false;
  if (p->at - l->mark.at > COPY_TIME || l->csum != s->csum)
    return false;
  if (s->family == 4 && (s->ip_id || l->ip_id))
    return l->ip_id == s->ip_id;
  return s->len || (s->flags & (LA_SYN | LA_FIN));
}

static void remember(struct flow_end *e, const struct packet *p, const struct seg *s) {
  e->last = (struct flow_seg){.mark = mark_of(p),
                              .seq = s->seq,
                              .ack = s->ack,
                              .len = s->len,
                              .wnd = s->wnd,
                              .csum = s->csum,
                              .ip_id = s->ip_id,
                              .flags = s->flags,
                              .ttl = s->ttl};
}

static void event(struct flow *c, const struct packet *p, unsigned end, enum la_state st) {
  unsigned i = c->nevents < FLOW_EVENTS ? c->nevents++ : FLOW_EVENTS - 1; /* the last one stays true */
  c->event[i] = (struct flow_event){p->at, (uint32_t)p->frame, (uint16_t)(p->frame >> 32), (uint8_t)end, (uint8_t)st};
}

static void new_states(struct flow *c, const struct packet *p, enum la_state was[2]) {
  enum la_state step[TRACK_STEPS];
  for (unsigned i = 0; i < 2; i++) {
    enum la_state now = c->track.end[i].state;
    if (now == was[i])
      continue;
    unsigned n = la__track_steps(was[i], now, step);
    for (unsigned k = 0; k < n; k++)
      event(c, p, i, step[k]);
    was[i] = now;
  }
}

static inline void events(struct flow *c, const struct packet *p, enum la_state was[2]) {
  if (c->track.end[0].state != was[0] || c->track.end[1].state != was[1])
    new_states(c, p, was);
}

/*
 * Of what arrives only a FIN is not taken for received before its receiver's ACK proves it: FINs may cross behind the place of capture, and
 * then it was not. One that acknowledges its receiver's FIN has not crossed it, and comes with that acknowledgment or not at all.
 */
static void follow(struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct track_seg t = {s->flags & (LA_SYN | LA_FIN | LA_ACK), s->seq, s->ack, s->len};
  const struct track_end *me = &c->track.end[from], *peer = &c->track.end[!from];
  enum la_state was[2] = {c->track.end[0].state, c->track.end[1].state};
  la__track_send(&c->track, from, &t);
  events(c, p, was);
  bool with_ack = (t.flags & LA_ACK) && peer->state == LA_FIN_WAIT_1 && seq_gt(t.ack, peer->fin);
  if (with_ack && !(t.flags & LA_FIN) && me->fin_sent) { /* a FIN that was sent before this ACK came before it: CLOSING */
    la__track_arrive(&c->track, from, &(struct track_seg){LA_FIN, me->fin, 0, 0});
    events(c, p, was);
  } else if (!with_ack) {
    t.flags &= (uint8_t)~LA_FIN;
  }
  la__track_arrive(&c->track, from, &t);
  events(c, p, was);
}

/* A RST that is believed ends both, but for TIME-WAIT at the receiver (RFC 1337). */
static void follow_reset(struct flow *c, unsigned from, const struct packet *p) {
  for (unsigned i = 0; i < 2; i++)
    if (c->track.end[i].state != LA_CLOSED && (i == from || c->track.end[i].state != LA_TIME_WAIT)) {
      c->track.end[i].state = LA_CLOSED;
      event(c, p, i, LA_CLOSED);
    }
}

/* What the other end had sent beyond what was acknowledged, without SYN and FIN. */
static uint64_t unacknowledged(const struct flow *c, unsigned of) {
  const struct track_end *t = &c->track.end[of];
  const struct flow_end *by = &c->end[!of];
  if (!t->have_isn || !by->has_ack || seq_geq(by->acked, t->nxt))
    return 0;
  uint32_t n = t->nxt - by->acked;
  return n - (t->fin_sent && n ? 1 : 0);
}

static bool in_line(const struct flow *c, unsigned from, const struct seg *s) {
  const struct track_end *me = &c->track.end[from], *peer = &c->track.end[!from];
  if (peer->state == LA_SYN_SENT && (s->flags & LA_ACK))
    return s->ack == peer->nxt;
  return !me->have_isn || s->seq == me->nxt || (c->end[!from].has_ack && s->seq == c->end[!from].acked) ||
         (!c->end[!from].has_ack && !me->have_isn);
}

static void reset(struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct flow_end *me = &c->end[from], *peer = &c->end[!from];
  bool line = in_line(c, from, s), off = me->segs && me->ttl != s->ttl && !me->rsts;
  me->rsts++;
  if (!me->rst)
    me->rst = p->frame;
  if (peer->challenges && !peer->syns && s->seq == peer->last.ack)
    return; /* it ends the incarnation before, which the challenge was about */
  if (!line || c->over == OVER_RESET) {
    if (!line && c->over != OVER_RESET && !c->forged++)
      c->forged_first = mark_of(p);
    return;
  }
  if (c->over == OVER_RELEASED)
    return; /* it is over for both: an answer to a late copy */
  la_time idle = peer->run.frame ? peer->run.at - me->last.mark.at : c->idle_earlier;
  if (idle < c->idle_before)
    idle = c->idle_before;
  bool reply = !(s->flags & LA_ACK) && peer->last.mark.frame && s->seq == peer->last.ack;
  c->rst = (struct flow_rst){.mark = mark_of(p),
                             .by = (uint8_t)from,
                             .ttl = s->ttl,
                             .flags = s->flags,
                             .state = {(uint8_t)c->track.end[0].state, (uint8_t)c->track.end[1].state},
                             .reply = reply,
                             .in_line = line,
                             .ttl_off = off,
                             .seq = s->seq,
                             .idle = idle,
                             .before = peer->last,
                             .again_run = me->again_run,
                             .probe_run = me->probe_run,
                             .lost = unacknowledged(c, !from)};
  follow_reset(c, from, p);
  c->over = OVER_RESET;
  c->over_at = p->at;
}

static void window(struct flow_end *me, const struct packet *p, const struct seg *s) {
  if (s->flags & LA_SYN)
    return;
  if (!s->wnd && !me->zero_at) {
    me->zero_at = p->at;
    me->zero_windows++;
  } else if (s->wnd && me->zero_at) {
    me->zero_total += p->at > me->zero_at ? p->at - me->zero_at : 0;
    me->zero_at = 0;
  }
}

/* A keepalive probe has the number before the next one, nothing new, and nothing is in flight (RFC 9293 3.8.4). */
static bool is_probe(const struct flow *c, unsigned from, const struct seg *s) {
  const struct track_end *t = &c->track.end[from];
  return t->have_isn && s->len <= 1 && !(s->flags & (LA_SYN | LA_FIN | LA_RST)) && s->seq == t->nxt - 1 && c->end[!from].has_ack &&
         c->end[!from].acked == t->nxt && !c->end[!from].zero_at;
}

static void probe(struct flow_end *me, const struct packet *p) {
  me->probes++;
  if (me->probe_run)
    me->probe_interval = p->at - me->probe_last;
  me->probe_last = p->at;
  me->probe_run++;
  me->probe_open = true;
}

static void syn(struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct flow_end *me = &c->end[from], *peer = &c->end[!from];
  c->syn_seen = true;
  if (!me->syns++) {
    me->syn = mark_of(p);
    me->answers = (s->flags & LA_ACK) != 0;
  }
  me->has_wscale = s->has_wscale;
  me->wscale = s->wscale;
  if ((s->flags & LA_ACK) && peer->syn.frame && peer->syns == 1 && me->syns == 1)
    c->syn_rtt = p->at - peer->syn.at;
}

static void fin(struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct flow_end *me = &c->end[from], *peer = &c->end[!from];
  const struct track_end *t = &c->track.end[!from];
  if (me->fins++)
    return;
  me->fin = mark_of(p);
  if (c->first_fin == 2) {
    c->first_fin = (uint8_t)from;
    return;
  }
  bool acked_now = (s->flags & LA_ACK) && t->fin_sent && seq_gt(s->ack, t->fin);
  c->fin_merged = acked_now && !peer->fin_acked;
  c->fin_crossed = !acked_now && !peer->fin_acked;
}

static void leave_hole(struct flow_end *me, uint32_t lo, uint32_t hi) {
  for (unsigned i = 0; i < FLOW_HOLES; i++)
    if (me->hole[i].lo == me->hole[i].hi) {
      me->hole[i] = (struct flow_hole){lo, hi};
      me->nholes++;
      return;
    }
}

/* How many bytes of lo to hi fill holes. What splits a hole takes it all up to its own end. */
static uint32_t fill_holes(struct flow_end *me, uint32_t lo, uint32_t hi) {
  uint32_t n = 0;
  for (unsigned i = 0; i < FLOW_HOLES && me->nholes; i++) {
    struct flow_hole *h = &me->hole[i];
    if (h->lo == h->hi || seq_geq(lo, h->hi) || seq_leq(hi, h->lo))
      continue;
    uint32_t from = seq_max(lo, h->lo), to = seq_min(hi, h->hi);
    n += to - from;
    if (from == h->lo)
      h->lo = to;
    else
      h->hi = from;
    me->nholes -= h->lo == h->hi;
  }
  return n;
}

/* Acknowledged, and still not seen: they are not in the capture. */
static void give_up_holes(struct flow_end *me, uint32_t acked) {
  for (unsigned i = 0; i < FLOW_HOLES && me->nholes; i++)
    if (me->hole[i].lo != me->hole[i].hi && seq_geq(acked, me->hole[i].hi)) {
      me->missed += me->hole[i].hi - me->hole[i].lo;
      me->hole[i].lo = me->hole[i].hi;
      me->nholes--;
    }
}

/* As TLS 1.2 shows it, or as 1.3 hides it: two bytes, the type, the tag. */
static bool tls_alert(const struct seg *s) {
  const uint8_t *p = s->payload;
  return s->have >= 5 && s->len <= 64 && p[1] == 3 && (p[0] == 21 || (p[0] == 23 && s->len == 5 + 2 + 1 + 16));
}

/* Payload that is new, and whether it came after the other end had closed. false: there was none. */
static bool data(struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct flow_end *me = &c->end[from], *peer = &c->end[!from];
  const struct track_end *t = &c->track.end[from];
  uint32_t lo = s->seq + ((s->flags & LA_SYN) != 0), hi = lo + s->len, fresh = s->len;
  if (t->have_isn && seq_lt(lo, t->nxt))
    fresh = fill_holes(me, lo, hi) + (seq_leq(hi, t->nxt) ? 0 : hi - t->nxt);
  else if (t->have_isn && seq_gt(lo, t->nxt) && lo - t->nxt < 1u << 30)
    leave_hole(me, t->nxt, lo);
  me->bytes += fresh;
  if (!fresh || !peer->fins)
    return fresh;
  me->late += fresh;
  me->late_last = p->at;
  me->late_aware |= (s->flags & LA_ACK) && c->track.end[!from].fin_sent && seq_gt(s->ack, c->track.end[!from].fin);
  me->late_text |= !tls_alert(s);
  return true;
}

static void acknowledge(struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct flow_end *me = &c->end[from], *peer = &c->end[!from];
  const struct track_end *t = &c->track.end[!from];
  if (!(s->flags & LA_ACK))
    return;
  peer->stuck_was = peer->stuck;
  if (!me->has_ack || seq_gt(s->ack, me->acked)) {
    if (t->have_isn && seq_gt(s->ack, t->nxt) && me->has_ack && s->ack - t->nxt < 1u << 30)
      peer->missed += s->ack - seq_max(t->nxt, me->acked);
    me->acked = s->ack;
    me->has_ack = true;
    peer->stuck = 0;
    if (peer->last.len > peer->through && seq_geq(s->ack, peer->last.seq + peer->last.len))
      peer->through = (uint16_t)(peer->last.len < UINT16_MAX ? peer->last.len : UINT16_MAX);
    give_up_holes(peer, s->ack);
  }
  if (t->fin_sent && seq_gt(s->ack, t->fin))
    peer->fin_acked = true;
  if (!c->open.frame && me->syns && peer->syns && !(s->flags & LA_SYN)) {
    c->open = mark_of(p);
    c->ack_rtt = p->at - peer->syn.at;
  }
  if (peer->probe_open) {
    peer->probe_answers++;
    peer->probe_open = false;
  }
}

static void heard(struct flow_end *peer) {
  if (peer->again_run)
    peer->run.frame = 0;
  peer->again_run = peer->probe_run = 0;
}

static void run_on(struct flow_end *me) {
  if (!me->again_run++)
    me->run = me->last.mark;
}

static void sent_again(struct flow_end *me, const struct flow_end *peer, uint32_t end) {
  me->again++;
  me->stuck++;
  me->deaf = peer->has_ack && seq_geq(peer->acked, end) ? me->deaf + 1 : 0;
  run_on(me);
}

/* At a closed window (RFC 9293 3.8.6.1), as Linux does it: nothing new. */
static bool is_window_probe(const struct flow *c, unsigned from, const struct seg *s) {
  const struct track_end *t = &c->track.end[from];
  return c->end[!from].zero_at && t->have_isn && s->len <= 1 && s->seq == t->nxt - 1;
}

/* Both FINs acknowledged: it is over. */
static void look_for_end(struct flow *c, const struct packet *p) {
  if (c->over == OVER_NOT && c->end[0].fins && c->end[1].fins && c->end[0].fin_acked && c->end[1].fin_acked) {
    c->over = OVER_RELEASED;
    c->over_at = p->at;
  }
}

/* A comment of lastack's own captures: "NAME: ended by WHO: HOW (WHY)". */
static void comments(struct flow *c, unsigned from, const struct packet *p) {
  struct packet_text comment;
  for (size_t at = 0; la__ng_comment(p, &at, &comment);) {
    char line[200];
    size_t n = comment.len < sizeof line - 1 ? comment.len : sizeof line - 1;
    memcpy(line, comment.text, n);
    line[n] = 0;
    char *open = strrchr(line, '('), *close = strrchr(line, ')');
    if (!open || !close || close < open)
      continue;
    *close = 0;
    /* the capture is the teller's: what goes out is its own */
    unsigned by = p->dir == 1 ? !from : from;
    if (strstr(line, ": ended by ")) {
      for (unsigned w = 1; w < LA_WHYS; w++)
        if (strcmp(open + 1, la_why_name((enum la_why)w)) == 0) {
          c->told_why = (uint8_t)w;
          c->told_by = (uint8_t)by;
          c->told = true;
        }
    }
  }
}

/* Our SYN met an older connection of the pair: the other end says where that one stands (RFC 9293 3.10.7.4). */
static bool is_challenge(const struct flow *c, unsigned from, const struct seg *s) {
  const struct track_end *t = &c->track.end[!from];
  return t->state == LA_SYN_SENT && !c->end[from].syns && (s->flags & (LA_ACK | LA_SYN | LA_RST)) == LA_ACK &&
         (seq_leq(s->ack, t->isn) || seq_gt(s->ack, t->nxt));
}

static void arrived_first(struct flow *c, struct flow_end *me, const struct seg *s) {
  me->ttl = s->ttl;
  if (!(s->flags & LA_SYN) && !c->syn_seen)
    c->mid = true;
}

/* What it tells of the capture, also when it tells nothing of the connection. */
static void frame_as_such(struct flow *c, struct flow_end *me, const struct seg *s, bool damaged) {
  me->good_sum |= s->sum == SUM_GOOD;
  if (s->sum == SUM_OFFLOAD || (s->sum == SUM_BAD && !damaged))
    me->offload++;
  if (s->cut)
    me->cut++;
  c->gro |= s->len > 1460 * 6;
  c->vlan |= s->vlan;
  c->fragments |= s->fragmented;
}

void la__flow_segment(struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct flow_end *me = &c->end[from], *peer = &c->end[!from];
  struct packet later;
  if (p->at < c->last_at) { /* a clock that was set, captures that were merged: the order of frames is what counts */
    later = *p;
    later.at = c->last_at;
    p = &later;
  }
  bool first = c->zeek.begun == false, damaged = s->sum == SUM_BAD && me->good_sum;
  c->last = mark_of(p);
  complete(c, first, s);
  la__zeek_segment(&c->zeek, from, s, damaged);
  if (p->noptions)
    comments(c, from, p);
  frame_as_such(c, me, s, damaged);
  if (damaged || is_copy(me, p, s)) {
    damaged ? me->damaged++ : me->dups++;
    return;
  }
  c->idle_earlier = c->idle_before;
  c->idle_before = p->at > c->last_at ? p->at - c->last_at : 0;
  if (c->idle_before > c->idle_max)
    c->idle_max = c->idle_before;
  c->last_at = p->at;
  if (s->flags & LA_RST) {
    reset(c, from, p, s);
    heard(peer);
    me->segs++;
    return;
  }
  if (!me->segs)
    arrived_first(c, me, s);
  me->segs++;
  if (is_challenge(c, from, s)) {
    me->challenges++;
    remember(me, p, s);
    return;
  }
  if (c->over == OVER_RESET) { /* what comes now was under way, or its sender does not know of the RST */
    me->after_rst++;
    return;
  }
  bool probing = is_probe(c, from, s);
  if (probing)
    probe(me, p);
  if (s->flags & LA_SYN)
    syn(c, from, p, s);
  if (s->flags & LA_FIN)
    fin(c, from, p, s);
  bool fresh = s->len && !probing && data(c, from, p, s);
  const struct track_end *t = &c->track.end[from];
  uint32_t end = s->seq + s->len + ((s->flags & LA_SYN) != 0) + ((s->flags & LA_FIN) != 0);
  if (t->have_isn && end != s->seq && seq_leq(end, t->nxt) && !probing && !fresh)
    sent_again(me, peer, end);
  else if (is_window_probe(c, from, s))
    run_on(me);
  else if (fresh || s->flags & LA_FIN)
    me->deaf = 0;
  acknowledge(c, from, p, s);
  window(me, p, s);
  heard(peer);
  follow(c, from, p, s);
  look_for_end(c, p);
  remember(me, p, s);
}

void la__flow_icmp(struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  (void)from;
  if (c->icmp.frame && !la__icmp_too_big(c->family, c->icmp_type, c->icmp_code))
    return; /* the first one, but what explains an end goes before what does not */
  c->icmp = mark_of(p);
  c->icmp_type = s->icmp_type;
  c->icmp_code = s->icmp_code;
}

bool la__flow_ends_with(const struct flow *c, unsigned from, const struct seg *s) {
  const struct flow_end *me = &c->end[from], *peer = &c->end[!from];
  const struct track_end *t = &c->track.end[from];
  if ((s->flags & (LA_SYN | LA_ACK | LA_RST)) != LA_SYN || (s->sum == SUM_BAD && me->good_sum))
    return false;
  /* it belongs to what is there when its number is the one before the first: sent again, or captured after what came behind it */
  if (me->syns || (me->segs && t->have_isn))
    return t->isn != s->seq;
  if (me->segs)
    return true;
  /* ... or when the other end has answered it already, or not yet: crossing SYNs */
  return peer->has_ack && peer->acked != s->seq + 1;
}

la_time la__flow_zero_window(const struct flow *c, unsigned end) {
  const struct flow_end *e = &c->end[end];
  return e->zero_total + (e->zero_at && c->last.at > e->zero_at ? c->last.at - e->zero_at : 0);
}

/* Who sent a SYN without ACK; else who did not send the one with it; else the higher port. */
unsigned la__flow_client(const struct flow *c) {
  const struct flow_end *a = &c->end[0], *b = &c->end[1];
  for (unsigned i = 0; i < 2; i++)
    if (c->end[i].syn.frame && !c->end[i].answers &&
        !(c->end[!i].syn.frame && !c->end[!i].answers && c->end[!i].syn.frame < c->end[i].syn.frame))
      return i;
  if (a->answers != b->answers)
    return a->answers;
  if ((a->port < 1024) != (b->port < 1024))
    return a->port < 1024;
  return a->port < b->port;
}
