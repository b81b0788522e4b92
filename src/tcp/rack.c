/* SPDX-License-Identifier: MIT */
/*
 * RACK-TLP (RFC 8985): what is lost is told by time, for connections with SACK.
 *
 * RACK. Of all that was delivered, rack_at/rack_end name what left last, and rack_rtt how long it took. What left before that and has
 * not arrived after rack_rtt and a reordering window is lost, be it new or sent again. The window is nothing while the path has
 * never reordered and there is a second reason to believe in a loss (dupthresh segments reported, or recovery under way), else a
 * quarter of the least round-trip time, and more for each round in which the peer reports duplicates, up to srtt. Where time has
 * yet to pass a clock is set: CLK_REO.
 *
 * TLP. When nothing more may be sent, or is there to be sent, and no loss is known, nobody would report the loss of the last
 * segments. So after two round trips (CLK_TLP) a probe goes: new data, or the last segment once more. The answer tells by SACK what
 * is missing. If the probe itself repaired a loss, the congestion control must hear of it: tlp_high, the DSACK that would
 * prove the opposite.
 *
 * Both stand in the place of the retransmission clock; when one has expired the time-out goes on from when the first outstanding
 * segment left.
 */
#include "base/seq.h"
#include "tcp/tcp.h"

enum { PERSIST_RECOVERIES = 16, MARGIN_MS = 2, WORST_DELAYED_ACK_MS = 200 };

static la_time min_rtt(const struct conn *c) { return c->min_rtt * LA_US; }
static la_time srtt(const struct conn *c) { return (c->srtt >> 3) * LA_US; }
static la_time least(la_time a, la_time b) { return a < b ? a : b; }

/* Did the newest delivery leave before this record, or is it that? Of what left at one instant the order tells, then the number. */
static bool newer(const struct sent_rec *s, const struct recovery *r) {
  if (s->at != r->rack_at)
    return s->at > r->rack_at;
  return s->order != r->rack_order ? seq_gt(s->order, r->rack_order) : seq_geq(s->hi, r->rack_end);
}

/* Step 2. An ACK of what was sent again that comes sooner than any before is of the first copy, and tells nothing. */
void la__rack_advance(const struct tcp *t, struct conn *c, const struct sent_rec *s) {
  struct recovery *r = &c->sndq->rec;
  la_time rtt = t->now - s->at;
  if (s->flags & SENT_EVER && rtt < min_rtt(c))
    return;
  r->flags |= REC_ADVANCED;
  r->rack_rtt = rtt;
  if (newer(s, r)) {
    r->rack_at = s->at;
    r->rack_order = s->order;
    r->rack_end = s->hi;
  }
}

/* Step 4. */
static la_time window(const struct tcp *t, const struct conn *c) {
  const struct recovery *r = &c->sndq->rec;
  if (!c->reordering && (r->state >= LA_CA_RECOVERY || la__sent_segments(&c->sndq->sent, SENT_SACKED) >= t->cfg.dupthresh))
    return 0;
  return least(min_rtt(c) / 4 * (1u + r->reo_steps), srtt(c));
}

/* The window grows in each round with duplicates, and shrinks back after 16 recoveries without. */
void la__rack_duplicates(struct conn *c, const struct news *n) {
  struct recovery *r = &c->sndq->rec;
  if (r->flags & REC_DSACK && seq_geq(c->snd_una, r->dsack_round))
    r->flags &= (uint16_t)~REC_DSACK;
  if (!(n->what & NEWS_DSACK) || n->what & NEWS_DSACK_TLP || !c->reordering || r->flags & REC_DSACK)
    return;
  r->flags |= REC_DSACK;
  r->dsack_round = c->snd_nxt;
  r->reo_persist = PERSIST_RECOVERIES;
  if (r->reo_steps < UINT8_MAX)
    r->reo_steps++;
}

void la__rack_recovered(struct conn *c) {
  struct recovery *r = &c->sndq->rec;
  if (r->reo_persist && --r->reo_persist == 0)
    r->reo_steps = 0;
}

/* Does this record's time-out, by RACK's reckoning, lie behind us? Else how long it will take. */
la_time la__rack_remaining(const struct tcp *t, const struct conn *c, const struct sent_rec *s, la_time wnd) {
  la_time due = s->at + c->sndq->rec.rack_rtt + wnd;
  return due > t->now ? due - t->now : 0;
}

/* Step 5. Returns how long until the next look is worth it; 0: none is. */
static la_time detect(const struct tcp *t, struct conn *c, struct news *n) {
  struct sndq *q = c->sndq;
  const struct recovery *r = &q->rec;
  la_time wnd = window(t, c), wait = 0;
  for (unsigned i = 0; i < q->sent.n; i++) {
    const struct sent_rec *s = sent_at(&q->sent, i);
    if (s->flags & SENT_SACKED || (s->flags & (SENT_LOST | SENT_RETRANS)) == SENT_LOST)
      continue;
    if (newer(s, r))
      continue;
    la_time left = la__rack_remaining(t, c, s, wnd);
    if (left == 0)
      la__recovery_lost(t, c, i, n);
    else if (left > wait)
      wait = left;
  }
  if (n->what & NEWS_LOST)
    la__sent_tidy(&q->sent);
  return wait;
}

void la__rack_input(struct tcp *t, struct conn *c, struct news *n) {
  struct recovery *r = &c->sndq->rec;
  if (!(r->flags & REC_ADVANCED))
    return;
  r->flags &= (uint16_t)~REC_ADVANCED;
  la_time wait = detect(t, c, n);
  if (!wait || !c->snd_wnd) /* while the window is closed the persist clock runs */
    return;
  la__clock_set(t, c, CLK_REO, t->now + least(wait + MARGIN_MS * LA_MS, la__rto_backed(t, c)));
  n->what |= NEWS_CLOCK;
}

void la__rack_expired(struct tcp *t, struct conn *c, struct news *n) { detect(t, c, n); }

/* 7.2. `advancing`: the ACK has just moved SND.UNA, so that the time-out would start now. */
bool la__tlp_arm(struct tcp *t, struct conn *c, bool advancing) {
  const struct sndq *q = c->sndq;
  if (!q || !t->cfg.tlp || !(c->flags & CF_SACK) || !q->sent.n || (q->rec.state != LA_CA_OPEN && q->rec.state != LA_CA_CWR))
    return false;
  const struct sent_rec *head = sent_at(&q->sent, 0);
  la_time wait = t->cfg.rto_initial, rto = la__rto_backed(t, c), late = advancing ? t->now : head->at;
  if (c->srtt)
    wait = 2 * srtt(c) +
           (q->sent.n == 1 && sent_segments_of(head) == 1 ? least(t->cfg.rto_min, WORST_DELAYED_ACK_MS * LA_MS) : MARGIN_MS * LA_MS);
  if (late + rto <= t->now) /* new data must not put off a time-out that is due */
    return false;
  wait = least(wait, late + rto - t->now);
  la__clock_set(t, c, CLK_TLP, t->now + wait);
  return true;
}

/* 7.3. One at a time; what it is, output.c decides. */
void la__tlp_expired(struct tcp *t, struct conn *c) {
  struct recovery *r = &c->sndq->rec;
  if (r->flags & REC_TLP) {
    la__rto_arm(t, c);
    return;
  }
  r->flags |= REC_TLP_DUE;
  la__conn_dirty(t, c, TODO_DATA);
  c->clock = CLK_NONE; /* the time-out runs from the probe on */
  la__rto_arm(t, c);
}

/* 7.4: did the probe repair a loss? */
void la__tlp_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg, const struct news *n) {
  struct recovery *r = &c->sndq->rec;
  if (!(r->flags & REC_TLP) || seq_lt(seg->ack, r->tlp_high))
    return;
  bool pure_dup = !(n->what & (NEWS_ACKED | NEWS_SACKED)) && n->what & NEWS_PURE;
  if (!(r->flags & REC_TLP_OLD) || n->what & NEWS_DSACK_TLP || pure_dup) {
    r->flags &= (uint16_t)~REC_TLP;
  } else if (seq_gt(seg->ack, r->tlp_high)) {
    r->flags &= (uint16_t)~REC_TLP;
    la__recovery_cwr_once(t, c);
  }
}
