/* SPDX-License-Identifier: MIT */
/*
 * The seventh and eighth step: text and FIN.
 *
 * Text goes into the rope of the receive queue at its offset from RCV.NXT. What lies beyond a hole is noted in a bounded
 * interval set; when the hole closes the rope is extended over it. Of overlapping copies the first byte received stays.
 * A FIN beyond a hole is remembered by its sequence number. The right edge that was announced (rcv_adv) never moves left.
 */
#include "base/check.h"
#include "base/seq.h"
#include "tcp/tcp.h"

static uint32_t unread(const struct conn *c) { return c->rcvq ? c->rcvq->rope.len : 0; }

uint32_t la__rcv_window(const struct conn *c) { return c->rcv_adv - c->rcv_nxt; }

/* The largest segment to expect: what the link takes, less our own options. */
uint32_t la__rmss(const struct tcp *t, const struct conn *c) {
  uint32_t headers = (c->flags & CF_IP6 ? 40u : 20u) + TCP_HEADER + (c->flags & CF_TS ? 12u : 0u);
  return t->link[c->link].mtu - headers;
}

/* The largest window that is ever offered. */
static uint32_t window_most(const struct conn *c) {
  uint32_t clamp = conn_wish(c)->wnd_clamp;
  return clamp && clamp < c->rcvbuf ? clamp : c->rcvbuf;
}

/*
 * How far the edge could go, within what 16 bits can say. A config may let the window start small and grow with what comes, two bytes
 * for each (Linux's rcv_ssthresh, without keeping it): a peer in slow start never feels it.
 */
static uint32_t edge_possible(const struct tcp *t, const struct conn *c) {
  uint32_t held = unread(c), clamp = conn_wish(c)->wnd_clamp;
  uint32_t free = c->rcvbuf > held ? c->rcvbuf - held : 0;
  if (clamp && free > clamp)
    free = clamp;
  if (t->cfg.rcv_start && free > t->cfg.rcv_start && (free - t->cfg.rcv_start) / 2 > c->bytes_in)
    free = t->cfg.rcv_start + 2 * (uint32_t)c->bytes_in;
  uint32_t most = (uint32_t)UINT16_MAX << (c->wscale >> 4);
  return c->rcv_nxt + (free < most ? free : most);
}

/* MUST-39: the edge moves only by a worthwhile step. */
static bool edge_worth(const struct tcp *t, const struct conn *c, uint32_t edge) {
  if (seq_leq(edge, c->rcv_adv))
    return false;
  uint32_t rmss = la__rmss(t, c), half = window_most(c) / 2, least = half < rmss ? half : rmss;
  return edge - c->rcv_adv >= least;
}

bool la__window_holds(const struct tcp *t, const struct conn *c) {
  uint32_t unit = 1u << (c->wscale >> 4);
  return edge_possible(t, c) - c->rcv_nxt + unit > c->rcv_adv - c->rcv_acked;
}

/* After a read: is it worth a segment of its own? Two segments' worth, or a window that was shut; as Linux does it, twice the window. */
bool la__window_update_due(const struct tcp *t, const struct conn *c) {
  uint32_t edge = edge_possible(t, c), gain = edge - c->rcv_adv;
  if (c->flags & CF_FIN_RCVD || !edge_worth(t, c, edge))
    return false;
  if (t->cfg.quick_acks)
    return gain >= la__rcv_window(c);
  return gain >= 2 * la__rmss(t, c) || gain >= window_most(c) / 2 || la__rcv_window(c) < la__rmss(t, c);
}

/*
 * The window field of the segment about to go, moving the edge; rounded up, so that scaling takes nothing back. But that gives
 * some bytes away each time, and a peer that sends small pieces would never see the window close: an eighth of the buffer may go
 * so, then it is rounded down (the retraction that RFC 7323 2.4 foresees). rcv_adv itself stays, and what it covers is accepted.
 */
uint16_t la__window_field(const struct tcp *t, struct conn *c) {
  unsigned shift = c->wscale >> 4;
  uint32_t edge = edge_possible(t, c);
  if (edge_worth(t, c, edge))
    c->rcv_adv = edge;
  uint32_t unit = 1u << shift, field = (la__rcv_window(c) + unit - 1) >> shift;
  uint32_t most = c->rcv_nxt - unread(c) + c->rcvbuf + c->rcvbuf / 8;
  if (seq_gt(c->rcv_nxt + (field << shift), seq_max(c->rcv_adv, most)))
    field = la__rcv_window(c) >> shift;
  if (field > UINT16_MAX)
    field = UINT16_MAX;
  if (seq_gt(c->rcv_nxt + (field << shift), c->rcv_adv))
    c->rcv_adv = c->rcv_nxt + (field << shift);
  return (uint16_t)field;
}

static bool store(struct tcp *t, struct conn *c, uint32_t seq, const uint8_t *p, uint32_t n) {
  struct rcvq *q = c->rcvq;
  return la__rope_write_at(&q->rope, &t->chunks, q->rope.len + (seq - c->rcv_nxt), p, n);
}

/* RFC 2883 4: of what lies ahead already, the part that this segment brings again. */
static void overlap(struct tcp *t, struct conn *c, uint32_t lo, uint32_t hi) {
  const struct ranges *r = &c->rcvq->ooo;
  unsigned i = la__ranges_beyond(r, lo);
  if (i < r->n && seq_lt(r->v[i].lo, hi))
    la__sack_duplicate(t, c, seq_max(r->v[i].lo, lo), seq_min(r->v[i].hi, hi));
}

/* Writes [seq, seq + len) where nothing is yet. false: no memory. */
static bool fill(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  const struct ranges *r = &c->rcvq->ooo;
  uint32_t at = seg->seq, end = seg->seq + seg->len;
  for (unsigned i = la__ranges_beyond(r, at); i < r->n && seq_lt(at, end); i++) {
    if (seq_gt(r->v[i].lo, at)) {
      uint32_t hi = seq_min(r->v[i].lo, end);
      if (!store(t, c, at, seg->data + (at - seg->seq), hi - at))
        return false;
    }
    at = seq_max(at, r->v[i].hi);
  }
  return seq_geq(at, end) || store(t, c, at, seg->data + (at - seg->seq), end - at);
}

/* RFC 2018 4: the interval that this segment has come to is now the latest; earlier ones follow in the order of their times. */
static void note_recent(struct rcvq *q, uint32_t seq) {
  int same = la__ranges_find(&q->ooo, seq);
  uint32_t last = seq;
  for (unsigned i = 0; i < SACK_RECENT; i++) {
    uint32_t was = q->recent[i];
    q->recent[i] = last;
    if (la__ranges_find(&q->ooo, was) == same)
      return;
    last = was;
  }
}

/* false: no memory, or too many holes. */
static bool store_ahead(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  if (!fill(t, c, seg) || !la__ranges_add(&c->rcvq->ooo, seg->seq, seg->seq + seg->len))
    return false;
  note_recent(c->rcvq, seg->seq);
  return true;
}

/* In order and nothing ahead: the fast way. */
static bool append(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  size_t n = la__text_put(t, c, seg);
  c->rcv_nxt += (uint32_t)n;
  t->progress = true;
  c->bytes_in += n;
  return n == seg->len;
}

/* Bytes up to `end` are there. */
static void join(struct conn *c, uint32_t end) {
  uint32_t n = end - c->rcv_nxt;
  la__rope_extend(&c->rcvq->rope, n);
  c->rcv_nxt = end;
  c->bytes_in += n;
  la__ranges_cut(&c->rcvq->ooo, end);
}

/* In order, and over what came ahead: needs no interval, so that it is taken however many holes there are. */
static bool store_next(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  struct ranges *r = &c->rcvq->ooo;
  if (!fill(t, c, seg))
    return false;
  join(c, seg->seq + seg->len);
  if (r->n && r->v[0].lo == c->rcv_nxt)
    join(c, r->v[0].hi);
  la__text_move(t, c->rcvq);
  return true;
}

/*
 * What lies beyond a hole must not keep out what fills it: when there is no memory for that, it goes, and will come again. The peer may
 * have heard of it in SACK blocks, which are not a promise (RFC 2018 8).
 */
static bool prune(struct tcp *t, struct conn *c) {
  struct rcvq *q = c->rcvq;
  if (!q || !q->ooo.n)
    return false;
  t->stats.drops[LA_DROP_TCP_OFO_QUEUE_PRUNE]++;
  la__rope_cut(&q->rope, &t->chunks);
  q->ooo.n = 0;
  return true;
}

void la__recv_settle(struct tcp *t, struct conn *c) {
  struct rcvq *q = c->rcvq;
  if (!q)
    return;
  q->urgent = la__urgent(c) > 0;
  if (q->rope.len == 0 && q->ooo.n == 0 && !q->post && !q->fin_seen && !q->urgent && q->dsack_lo == q->dsack_hi)
    la__conn_drop_recv(t, c);
}

static void text(struct tcp *t, struct conn *c, const struct key *k, const struct tcp_seg *seg) {
  struct rcvq *q = la__conn_rcvq(t, c);
  uint32_t before = c->rcv_nxt;
  bool had_hole = q && q->ooo.n;
  bool ok = q != 0;
  bool next = seg->seq == c->rcv_nxt;
  if (had_hole)
    overlap(t, c, seg->seq, seg->seq + seg->len);
  if (ok)
    ok = !next ? store_ahead(t, c, seg) : q->rope.end == q->rope.len ? append(t, c, seg) : store_next(t, c, seg);
  if (!ok && next && prune(t, c))
    ok = append(t, c, seg);
  if (!ok)
    la__drop(t, k, c, seg, q && q->ooo.n == q->ooo.cap ? LA_DROP_TCP_OFO_QUEUE_PRUNE : LA_DROP_NOMEM);
  bool in_order = c->rcv_nxt != before;
  if (ok || in_order || !next) /* what was out of order is answered even if it was not kept (RFC 5681 4.2) */
    la__ack_text(t, c, seg, in_order, had_hole);
  if (in_order) {
    la__tune_recv(t, c);
    if (!q->post || la__post_told(q->post))
      la__conn_event(t, c, EV_READABLE);
  }
  la__recv_settle(t, c);
}

/* Eighth step. false: gone to TIME-WAIT. */
static bool fin(struct tcp *t, struct conn *c) {
  c->rcv_nxt++;
  c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt);
  c->flags |= CF_FIN_RCVD;
  if (!(c->flags & CF_FIRST_LOCAL))
    c->flags |= CF_FIRST_PEER;
  if (c->rcvq) {
    c->rcvq->fin_seen = false;
    c->rcvq->urgent = c->rcvq->urgent && seq_lt(c->rcvq->urgent_end, c->rcv_nxt); /* nothing comes after a FIN */
  }
  la__recv_settle(t, c);
  la__conn_dirty(t, c, TODO_ACK);
  la__conn_event(t, c, EV_PEER_FIN);
  switch (c->state) {
  case LA_ESTABLISHED:
    la__state(t, c, LA_ON_FIN);
    return true;
  case LA_FIN_WAIT_1:
    if (c->flags & CF_FIN_ACKED) {
      c->flags |= CF_FIN_MERGED;
      la__tw_enter(t, c, LA_ON_FIN_AND_ACK);
      return false;
    }
    c->flags |= CF_SIMULTANEOUS;
    la__state(t, c, LA_ON_FIN);
    return true;
  default:
    LA_CHECK(c->state == LA_FIN_WAIT_2);
    la__tw_enter(t, c, LA_ON_FIN);
    return false;
  }
}

/* RFC 2525 2.16: nobody will read it. RST with SEQ = SEG.ACK, as for a connection that does not exist. */
static void data_after_close(struct tcp *t, struct conn *c, const struct key *k, const struct tcp_seg *seg, const struct path *path) {
  la__drop(t, k, c, seg, LA_DROP_TCP_ABORT_ON_DATA);
  la__answer_rst(t, k, seg, path, (enum la_state)c->state);
  la__conn_kill(t, c, LA_ON_DATA, (struct ending){LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_DATA_AFTER_CLOSE, LA_ECONNABORTED}, false);
}

/* Cuts the segment to the window. The FIN has a number too, and is cut off where that lies outside (3.10.7.4). */
static void trim(struct tcp *t, struct conn *c, struct tcp_seg *seg) {
  if (seq_lt(seg->seq, c->rcv_nxt)) {
    if (seg->len)
      la__sack_duplicate(t, c, seg->seq, c->rcv_nxt);
    uint32_t old = c->rcv_nxt - seg->seq;
    if (old > seg->len)
      old = seg->len;
    seg->data += old;
    seg->seq += old;
    seg->len -= old;
  }
  uint32_t end = c->rcv_adv;
  if (c->rcvq && c->rcvq->fin_seen && seq_lt(c->rcvq->fin_seq, end))
    end = c->rcvq->fin_seq; /* nothing comes after a FIN */
  if (seq_gt(seg->seq + seg->len, end)) {
    seg->len = seq_gt(end, seg->seq) ? end - seg->seq : 0;
    seg->flags &= (uint8_t)~LA_FIN;
  }
  if (seq_geq(seg->seq + seg->len, c->rcv_adv))
    seg->flags &= (uint8_t)~LA_FIN;
}

/* Not a FIN below bytes that have come: then one of the two is not the peer's, and the stream must not stop there. */
static void fin_ahead(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  uint32_t fin_seq = seg->seq + seg->len;
  struct rcvq *q = la__conn_rcvq(t, c);
  if (q && (q->ooo.n == 0 || seq_leq(q->ooo.v[q->ooo.n - 1].hi, fin_seq))) { /* without memory it will come again */
    q->fin_seen = true;
    q->fin_seq = fin_seq;
  }
  if (seg->len == 0)
    la__ack_text(t, c, seg, false, true);
}

bool la__data_input(struct tcp *t, struct conn *c, const struct key *k, struct tcp_seg *seg, const struct path *path) {
  if (c->state != LA_ESTABLISHED && c->state != LA_FIN_WAIT_1 && c->state != LA_FIN_WAIT_2)
    return true; /* E-20: after the peer's FIN there is no text */
  trim(t, c, seg);
  if (seg->len)
    la__ecn_text(t, c, seg);
  bool has_fin = seg->flags & LA_FIN;
  if (seg->len && (c->flags & CF_APP_CLOSED || (c->flags & CF_RCV_SHUT && c->state != LA_ESTABLISHED))) {
    data_after_close(t, c, k, seg, path);
    return false;
  }
  uint32_t fin_seq = seg->seq + seg->len;
  if (seg->len)
    text(t, c, k, seg);
  if (has_fin && seq_gt(fin_seq, c->rcv_nxt))
    fin_ahead(t, c, seg);
  if ((has_fin && c->rcv_nxt == fin_seq) || (c->rcvq && c->rcvq->fin_seen && c->rcvq->fin_seq == c->rcv_nxt))
    return fin(t, c);
  return true;
}
