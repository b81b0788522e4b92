/* SPDX-License-Identifier: MIT */
/*
 * SACK blocks, in and out.
 *
 * Out: what lies beyond a hole (RFC 2018 4), and before it, once, what came a second time (RFC 2883).
 *
 * In: a block counts when it lies within (SND.UNA, SND.NXT]; one that lies below, or within another, tells of a duplicate. Only whole
 * segments count, as they left: so a block splits no more than two records, and a peer that reports single bytes gets nothing for
 * it (CVE-2019-11478). The sums over the records are what congestion control and recovery live on; nothing is walked but the
 * records that a block covers.
 */
#include "base/seq.h"
#include "tcp/tcp.h"

static unsigned sack_most(const struct conn *c) { return c->flags & CF_TS ? 3 : 4; }

unsigned la__sack_count(const struct conn *c) {
  const struct rcvq *q = c->flags & CF_SACK ? c->rcvq : 0;
  unsigned n = q ? q->ooo.n : 0;
  if (q && q->dsack_lo != q->dsack_hi)
    n++;
  return n < sack_most(c) ? n : sack_most(c);
}

static void sack_block(const struct ranges *r, int i, unsigned first, unsigned most, struct tcp_opts *o) {
  if (i < 0 || o->nsack == most)
    return;
  for (unsigned k = first; k < o->nsack; k++)
    if (o->sack[k].lo == r->v[i].lo)
      return;
  o->sack[o->nsack].lo = r->v[i].lo;
  o->sack[o->nsack++].hi = r->v[i].hi;
}

/* RFC 2018 4: the block of the latest segment first, then those reported before it, then whatever has room. */
void la__sack_out(struct tcp *t, struct conn *c, struct tcp_opts *o) {
  if (!la__sack_count(c))
    return;
  struct rcvq *q = c->rcvq;
  const struct ranges *r = &q->ooo;
  unsigned most = sack_most(c), first = 0;
  if (q->dsack_lo != q->dsack_hi) { /* RFC 2883 4: in the first ACK only */
    o->sack[0].lo = q->dsack_lo;
    o->sack[0].hi = q->dsack_hi;
    first = o->nsack = 1;
    q->dsack_lo = q->dsack_hi = 0;
  }
  for (unsigned i = 0; i < SACK_RECENT; i++)
    sack_block(r, la__ranges_find(r, q->recent[i]), first, most, o);
  for (int i = 0; i < r->n && o->nsack < most; i++)
    sack_block(r, i, first, most, o);
  o->have |= TCP_OPT_SACK;
  la__recv_settle(t, c);
}

/* [lo, hi) came once more. Of several before an ACK goes the last is told, and all of it when they overlap. */
void la__sack_duplicate(struct tcp *t, struct conn *c, uint32_t lo, uint32_t hi) {
  if (!(c->flags & CF_SACK) || !t->cfg.dsack || !seq_lt(lo, hi))
    return;
  struct rcvq *q = la__conn_rcvq(t, c);
  if (!q)
    return;
  if (q->dsack_lo != q->dsack_hi && seq_leq(lo, q->dsack_hi) && seq_geq(hi, q->dsack_lo)) {
    lo = seq_min(lo, q->dsack_lo);
    hi = seq_max(hi, q->dsack_hi);
  }
  q->dsack_lo = lo;
  q->dsack_hi = hi;
}

/* RFC 2018 2, RFC 6675: beyond SND.UNA, and of what was sent. */
static bool in_flight(const struct conn *c, uint32_t lo, uint32_t hi) {
  return seq_lt(lo, hi) && seq_gt(lo, c->snd_una) && seq_leq(hi, c->snd_nxt) && seq_lt(lo, c->snd_nxt);
}

/*
 * RFC 2883 4.2: the first block lies below the ACK, or within the second one. It counts only while no more duplicates were told of than
 * there were segments sent again: the network's own, or forged ones, prove nothing.
 */
static bool duplicate(struct conn *c, const struct tcp_seg *seg, struct news *n) {
  const struct tcp_opts *o = &seg->opt;
  uint32_t lo = o->sack[0].lo, hi = o->sack[0].hi, len = hi - lo, segs = 1;
  bool dup = seq_lt(lo, seg->ack) || (o->nsack > 1 && seq_geq(lo, o->sack[1].lo) && seq_leq(hi, o->sack[1].hi));
  if (!dup)
    return false;
  if (!seq_lt(lo, hi) || len > c->snd_wnd_max || seq_gt(hi, c->snd_nxt))
    return false;
  struct recovery *r = &c->sndq->rec;
  if (len > c->mss)
    segs = (len + c->mss - 1u) / c->mss;
  else if (r->flags & REC_TLP && r->tlp_high == hi)
    n->what |= NEWS_DSACK_TLP;
  if (r->dsacked + segs > c->retransmits)
    return false;
  r->dsacked += segs;
  n->what |= NEWS_DSACK;
  if (r->flags & REC_UNDO && seq_leq(hi, n->una) && seq_gt(hi, r->undo_marker)) /* already forgotten: counted all the same */
    r->undo_retrans -= segs < r->undo_retrans ? segs : r->undo_retrans;
  return true;
}

/* One record, whole, that the peer has. */
static void has(struct tcp *t, struct conn *c, unsigned i, struct news *n) {
  struct sndq *q = c->sndq;
  const struct sent_rec *r = sent_at(&q->sent, i);
  unsigned flags = r->flags;
  la__rack_advance(t, c, r);
  if (flags & SENT_RETRANS) { /* unless it is marked lost, that copy is still believed to be on its way */
    if (flags & SENT_LOST)
      flags &= ~(unsigned)(SENT_LOST | SENT_RETRANS);
  } else {
    if (!(flags & SENT_EVER)) {
      if (seq_lt(r->lo, n->fack) && (!n->late || seq_lt(r->lo, n->reord))) {
        n->late = true;
        n->reord = r->lo;
      }
      if (seq_leq(r->hi, q->rec.high_seq))
        n->what |= NEWS_ORIG;
      if (r->at < n->sent_at)
        n->sent_at = r->at;
    }
    flags &= ~(unsigned)SENT_LOST;
  }
  n->delivered += r->hi - r->lo;
  la__recovery_newest(t, c, r, n);
  n->what |= NEWS_SACKED;
  q->rec.fack = seq_max(q->rec.fack, r->hi);
  la__sent_set(&q->sent, i, flags | SENT_SACKED);
}

/* A record that was reported before, or is now, came twice. */
static void twice(struct conn *c, unsigned i) {
  struct sndq *q = c->sndq;
  struct recovery *r = &q->rec;
  const struct sent_rec *s = sent_at(&q->sent, i);
  uint32_t segs = sent_segments_of(s);
  if (s->flags & SENT_EVER && r->flags & REC_UNDO && seq_gt(s->hi, r->undo_marker))
    r->undo_retrans -= segs < r->undo_retrans ? segs : r->undo_retrans;
  if (s->flags & SENT_RETRANS)
    la__sent_set(&q->sent, i, s->flags & ~(unsigned)SENT_RETRANS);
}

static void block(struct tcp *t, struct conn *c, uint32_t lo, uint32_t hi, bool dup, struct news *n) {
  struct sent *s = &c->sndq->sent;
  for (unsigned i = la__sent_find(s, lo); i < s->n && seq_lt(sent_at(s, i)->lo, hi); i++) {
    const struct sent_rec *r = sent_at(s, i);
    bool known = r->flags & SENT_SACKED;
    if (known && !dup)
      continue;
    uint32_t from = r->lo, to = r->hi;
    if (seq_lt(from, lo))
      from += (lo - from + r->size - 1) / r->size * r->size;
    if (seq_gt(to, hi))
      to = r->lo + (hi - r->lo) / r->size * r->size;
    if (!seq_lt(from, to) || la__sent_split(s, to) == SENT_NO_ROOM || la__sent_split(s, from) == SENT_NO_ROOM)
      continue;
    i = la__sent_find(s, from);
    if (!known)
      has(t, c, i, n);
    if (dup)
      twice(c, i);
  }
}

void la__sack_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n) {
  const struct tcp_opts *o = &seg->opt;
  n->fack = seq_max(c->sndq->rec.fack, n->una);
  if (!(o->have & TCP_OPT_SACK) || !o->nsack)
    return;
  bool dup = duplicate(c, seg, n);
  for (unsigned i = 0; i < o->nsack; i++)
    if (in_flight(c, o->sack[i].lo, o->sack[i].hi))
      block(t, c, o->sack[i].lo, o->sack[i].hi, dup && i == 0, n);
  la__sent_tidy(&c->sndq->sent);
}
