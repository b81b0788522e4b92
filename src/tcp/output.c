/* SPDX-License-Identifier: MIT */
/*
 * The one place where segments are made. la__tcp_output answers "what may be sent now over this link?" with one descriptor a
 * call: first the answers that belong to no connection, then the dirty connections in turn, one descriptor each, so that none
 * starves another.
 *
 * For a connection the order is: RST; SYN; the segment at SND.UNA again (fast retransmit, time-out); a window probe; duplicate
 * ACKs that are owed one by one; bytes again from snd_rtx, then new ones, as far as windows, Nagle and silly-window avoidance
 * allow, with the FIN behind the last; an ACK or window update; a keepalive probe.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/seq.h"
#include "tcp/tcp.h"

static void trace_out(struct tcp *t, const struct tcp_out *o, const struct conn *c, unsigned state, uint8_t fresh, uint8_t again,
                      unsigned shift) {
  t->stats.segments_out++;
  if (o->seg.flags & LA_RST)
    t->stats.resets_out++;
  la_trace_rec *r = la__trace_rec(t, &o->key, c, LA_TRACE_OUT);
  if (!r)
    return;
  la__trace_seg(r, &o->seg);
  r->from = r->to = (uint8_t)state;
  r->fresh = fresh;
  r->retransmit = again;
  r->wnd = (uint32_t)o->seg.wnd << (o->seg.flags & LA_SYN ? 0 : shift);
}

static void sack_block(const struct ranges *r, int i, unsigned most, struct tcp_opts *o) {
  if (i < 0 || o->nsack == most)
    return;
  for (unsigned k = 0; k < o->nsack; k++)
    if (o->sack[k].lo == r->v[i].lo)
      return;
  o->sack[o->nsack].lo = r->v[i].lo;
  o->sack[o->nsack++].hi = r->v[i].hi;
}

static unsigned sack_most(const struct conn *c) { return c->flags & CF_TS ? 3 : 4; }

/* MUST-16: a segment's own options count. */
static uint32_t segment_room(const struct conn *c) {
  unsigned n = c->flags & CF_SACK && c->rcvq ? c->rcvq->ooo.n : 0;
  if (n > sack_most(c))
    n = sack_most(c);
  return n ? c->mss - 4u - 8u * n : c->mss;
}

/* RFC 2018 4: the block of the latest segment first, then those reported before it, then whatever has room. */
static void sack_blocks(const struct conn *c, struct tcp_opts *o) {
  const struct ranges *r = &c->rcvq->ooo;
  unsigned most = sack_most(c);
  for (unsigned i = 0; i < SACK_RECENT; i++)
    sack_block(r, la__ranges_find(r, c->rcvq->recent[i]), most, o);
  for (int i = 0; i < r->n && o->nsack < most; i++)
    sack_block(r, i, most, o);
  o->have |= TCP_OPT_SACK;
}

static void start(const struct conn *c, struct tcp_out *o, uint32_t seq, unsigned flags) {
  memset(&o->seg, 0, sizeof o->seg);
  la__conn_key(c, &o->key);
  o->seg.sport = c->lport;
  o->seg.dport = c->rport;
  o->seg.seq = seq;
  o->seg.flags = (uint8_t)flags;
  o->ttl = c->ttl;
  o->tos = c->tos;
  o->nbufs = 0;
}

static void stamp(const struct tcp *t, const struct conn *c, struct tcp_opts *o) {
  o->have |= TCP_OPT_TS;
  o->ts_val = tcp_ts_now(t, c->ts_off);
  o->ts_ecr = c->ts_recent;
}

/* A segment of a synchronized connection; everything it carries acknowledges RCV.NXT, so no ACK is owed any more. */
static void start_acking(struct tcp *t, struct conn *c, struct tcp_out *o, uint32_t seq, bool fresh) {
  start(c, o, seq, LA_ACK);
  o->seg.ack = c->rcv_nxt;
  o->seg.wnd = la__window_field(t, c);
  if (c->flags & CF_TS)
    stamp(t, c, &o->seg.opt);
  if (c->flags & CF_SACK && c->rcvq && c->rcvq->ooo.n)
    sack_blocks(c, &o->seg.opt);
  la__ecn_mark(c, &o->seg, &o->tos, fresh);
  la__ack_sent(t, c);
  c->todo &= (uint8_t) ~(TODO_ACK | TODO_WND);
}

static bool send_rst(struct tcp *t, struct conn *c, struct tcp_out *o) {
  start(c, o, c->snd_nxt, LA_RST | LA_ACK);
  o->seg.ack = c->rcv_nxt;
  if (c->flags & CF_TS) /* RFC 7323 3.2 */
    stamp(t, c, &o->seg.opt);
  c->todo = 0;
  trace_out(t, o, c, c->state, 0, 0, 0);
  return true;
}

static bool send_syn(struct tcp *t, struct conn *c, struct tcp_out *o) {
  bool answer = c->state == LA_SYN_RECEIVED;
  c->todo &= (uint8_t) ~(TODO_SYN | TODO_ACK);
  start(c, o, c->snd_una, answer ? LA_SYN | LA_ACK : LA_SYN);
  la__offer(t, t->link[c->link].mtu, c->flags & CF_IP6, c->rcvbuf, conn_wish(c), &o->seg.opt);
  if (answer ? c->net & NET_ECN : t->cfg.ecn == 1 && !c->backoff) /* a SYN that was lost goes without: a middlebox may hate it */
    o->seg.flags |= answer ? LA_ECE : LA_ECE | LA_CWR;
  if (answer) {
    unsigned agreed = TCP_OPT_MSS | (c->flags & CF_TS ? TCP_OPT_TS : 0u) | (c->flags & CF_SACK ? TCP_OPT_SACK_OK : 0u) |
                      (c->flags & CF_WSCALE ? TCP_OPT_WSCALE : 0u);
    o->seg.opt.have &= (uint8_t)agreed;
    o->seg.ack = c->rcv_nxt;
    c->rcv_acked = c->rcv_nxt;
  }
  if (o->seg.opt.have & TCP_OPT_TS)
    stamp(t, c, &o->seg.opt);
  if (answer || c->rcv_adv)
    o->seg.opt.wscale = c->wscale >> 4;
  else
    c->wscale = (uint8_t)(o->seg.opt.wscale << 4);
  if (!answer && c->rcv_adv < la__syn_window(c->rcvbuf, conn_wish(c)))
    c->rcv_adv = la__syn_window(c->rcvbuf, conn_wish(c));
  o->seg.wnd = (uint16_t)la__rcv_window(c);
  if (c->backoff) {
    t->stats.retransmits++;
    c->retransmits++;
  }
  la__clock_set(t, c, CLK_RTX, t->now + la__rto_backed(t, c));
  trace_out(t, o, c, c->state, 0, c->backoff != 0, 0);
  return true;
}

/* Karn: bytes sent again give no sample. RFC 6298 (5.1): the clock starts if it does not run. */
static void account(struct tcp *t, struct conn *c, struct tcp_out *o, uint32_t old_nxt, uint8_t kind) {
  uint32_t end = o->seg.seq + tcp_seg_len(&o->seg);
  bool again = seq_lt(o->seg.seq, old_nxt);
  if (again) {
    t->stats.retransmits++;
    c->retransmits++;
    if (o->seg.flags & LA_FIN && seq_leq(end, old_nxt) && c->fin_rtx < UINT8_MAX)
      c->fin_rtx++;
    if (c->sndq)
      c->sndq->rtt_at = 0;
  } else if (c->sndq && !c->sndq->rtt_at) {
    c->sndq->rtt_at = t->now ? t->now : 1;
    c->sndq->rtt_seq = end;
  }
  if (kind != 2 && c->clock != CLK_RTX) {
    c->clock = CLK_NONE;
    la__rearm(t, c);
  }
  trace_out(t, o, c, c->state, 0, kind == 2 ? kind : again, c->wscale >> 4);
}

/*
 * MUST-61: the last bytes that were queued, unless more were announced; a record's end; a probe. And the last segment that the
 * windows take of several, as Linux marks them: the receiver knows that nothing follows soon.
 */
static bool push_due(struct conn *c, uint32_t end, uint8_t kind) {
  struct sndq *q = c->sndq;
  if (end == la__snd_end(c))
    return kind == 2 || end == q->push_end;
  if (la__eor_cut(q, end - 1, 2) == 1)
    return true;
  if (q->burst < 2)
    q->burst++;
  uint32_t cwnd = la__cc_window(c), wnd = c->snd_wnd < cwnd ? c->snd_wnd : cwnd;
  return q->burst == 2 && seq_diff(c->snd_una + wnd, end) < (int32_t)c->mss;
}

/* The bytes [seq, seq + n) and, when asked, the FIN behind them. */
static bool send_bytes(struct tcp *t, struct conn *c, struct tcp_out *o, uint32_t seq, uint32_t n, bool fin, uint8_t kind) {
  uint32_t old_nxt = c->snd_nxt, end = la__snd_end(c);
  bool ack_owed = c->rcv_acked != c->rcv_nxt;
  if (n > segment_room(c))
    n = segment_room(c);
  n = la__eor_cut(c->sndq, seq, n);
  start_acking(t, c, o, seq, n && seq == c->snd_nxt && kind != 2);
  if (n) {
    size_t got = 0;
    o->nbufs = la__rope_refs(&c->sndq->rope, seq - c->sndq->seq0, n, o->buf, o->owner, LA_FRAME_BUFS, &got);
    n = (uint32_t)got;
    o->seg.len = n;
    la__ack_answered(t, c);
  }
  fin = fin && seq + n == end;
  if (fin)
    o->seg.flags |= LA_FIN;
  if (n && push_due(c, seq + n, kind))
    o->seg.flags |= LA_PSH;
  if (n && n < segment_room(c))
    c->sndq->small_end = seq + n;
  if (fin && !(c->flags & CF_FIN_SENT)) {
    if (c->flags & CF_FIN_RCVD && ack_owed)
      c->flags |= CF_FIN_MERGED;
    c->flags |= CF_FIN_SENT | (c->flags & CF_FIRST_PEER ? 0u : CF_FIRST_LOCAL);
    c->snd_nxt = end + 1;
  } else if (seq_gt(seq + n, c->snd_nxt)) {
    c->snd_nxt = seq + n;
  }
  uint32_t after = seq + n + fin;
  if (c->snd_rtx == old_nxt) /* nothing was to be sent again */
    c->snd_rtx = seq_gt(after, old_nxt) ? c->snd_nxt : c->snd_rtx;
  else if (seq_leq(seq, c->snd_rtx) && seq_gt(after, c->snd_rtx))
    c->snd_rtx = after;
  account(t, c, o, old_nxt, kind);
  return true;
}

static bool fin_due(const struct conn *c) { return c->flags & CF_FIN_QUEUED && !(c->flags & CF_FIN_ACKED); }

/* One segment at SND.UNA, of what has been sent (RFC 2525 2.14: only one). */
static bool send_again(struct tcp *t, struct conn *c, struct tcp_out *o) {
  c->todo &= (uint8_t)~TODO_RTX;
  if (c->snd_una == c->snd_nxt)
    return false;
  uint32_t end = la__snd_end(c);
  uint32_t n = seq_min(end, c->snd_nxt) - c->snd_una;
  uint32_t wnd = c->snd_wnd ? c->snd_wnd : 1; /* SHLD-16 */
  if (n > wnd)
    n = wnd;
  return send_bytes(t, c, o, c->snd_una, n, c->flags & CF_FIN_SENT, 0);
}

/* One octet (MUST-36), or what silly-window avoidance held back (3.8.6.2.1), or the FIN. */
static bool send_probe(struct tcp *t, struct conn *c, struct tcp_out *o) {
  c->todo &= (uint8_t)~TODO_PROBE;
  uint32_t n = la__snd_end(c) - c->snd_una;
  uint32_t wnd = c->snd_wnd ? c->snd_wnd : 1;
  if (c->flags & CF_FIN_SENT && c->snd_una == c->snd_nxt)
    return false;
  if (n == 0 && !fin_due(c))
    return false;
  if (c->snd_wnd == 0 && t->cfg.empty_probes) {
    start_acking(t, c, o, c->snd_una - 1, 0);
    trace_out(t, o, c, c->state, 0, 2, c->wscale >> 4);
    return true;
  }
  return send_bytes(t, c, o, c->snd_una, n < wnd ? n : wnd, fin_due(c) && n < wnd, 2);
}

/* Nagle (3.7.4): while anything is outstanding; or, as Linux has it (Minshall), while a small segment is. */
static bool nagle_waits(const struct tcp *t, const struct conn *c) {
  if (c->snd_una == c->snd_nxt)
    return false;
  return !t->cfg.minshall || (c->sndq && seq_gt(c->sndq->small_end, c->snd_una));
}

/*
 * 3.8.6.2.1 and Nagle (3.7.4): a segment shorter than a full one goes when it is the last of what is queued, or when it fills half the
 * largest window that the peer ever offered; both only while nothing is outstanding, unless Nagle is off. The FIN takes the last
 * bytes with it at once. What is sent again goes from SND.UNA in any size, but leaves no crumb behind a first segment that cwnd
 * let through (RFC 2525 2.14). While the application says that more is to come, what is not full waits, at most for the persist clock.
 */
static bool worth_sending(const struct tcp *t, const struct conn *c, uint32_t n, uint32_t avail, bool resend) {
  if (n >= segment_room(c))
    return true;
  if (n && n < avail && la__eor_cut(c->sndq, c->snd_rtx, n + 1) == n) /* the end of a record that others follow */
    return true;
  if (resend)
    return n == avail || c->snd_rtx == c->snd_una;
  if (n == avail && c->flags & CF_FIN_QUEUED)
    return true;
  if (conn_wish(c)->flags & WISH_PUSH)
    return n == avail;
  if (conn_wish(c)->flags & (WISH_CORK | WISH_MORE))
    return false;
  if (!(c->flags & CF_NODELAY) && nagle_waits(t, c))
    return false;
  return n == avail || (n > 0 && n >= c->snd_wnd_max / 2);
}

static bool send_data(struct tcp *t, struct conn *c, struct tcp_out *o) {
  bool resend = c->snd_rtx != c->snd_nxt;
  uint32_t from = c->snd_rtx, end = la__snd_end(c);
  bool fin = fin_due(c) && (resend || !(c->flags & CF_FIN_SENT));
  uint32_t avail = seq_gt(end, from) ? end - from : 0;
  if (avail == 0 && !fin)
    return false;
  if (c->snd_una == c->snd_nxt)
    la__cc_resume(t, c);
  uint32_t cwnd = la__cc_window(c), wnd = c->snd_wnd < cwnd ? c->snd_wnd : cwnd;
  int32_t usable = seq_diff(c->snd_una + wnd, from);
  if (usable <= 0)
    return false;
  uint32_t n = avail < (uint32_t)usable ? avail : (uint32_t)usable;
  if (n > segment_room(c))
    n = segment_room(c);
  n = la__eor_cut(c->sndq, from, n);
  fin = fin && n == avail && (uint32_t)usable > n;
  if ((n == 0 && !fin) || !worth_sending(t, c, n, avail, resend))
    return false;
  if (!la__pace_ready(t, c))
    return false;
  send_bytes(t, c, o, from, n, fin, 0);
  la__pace_sent(t, c, o->seg.len);
  if (c->wish && n == avail)
    c->wish->flags &= (uint8_t)~WISH_PUSH;
  la__cc_sent(t, c);
  return true;
}

/* A probe, or a window that shrank, may have left SND.NXT beyond what the peer accepts; it would not look at the ACK (A.2). */
static uint32_t ack_seq(const struct conn *c) { return seq_min(c->snd_nxt, c->snd_una + c->snd_wnd); }

static bool send_ack(struct tcp *t, struct conn *c, struct tcp_out *o) {
  start_acking(t, c, o, c->state == LA_SYN_RECEIVED ? c->snd_nxt : ack_seq(c), false);
  trace_out(t, o, c, c->state, 0, 0, c->wscale >> 4);
  return true;
}

static bool send_keepalive(struct tcp *t, struct conn *c, struct tcp_out *o) {
  c->todo &= (uint8_t)~TODO_KEEP;
  start_acking(t, c, o, c->snd_nxt - 1, false); /* 3.8.4: SEG.SEQ = SND.NXT-1, without data (SHLD-12) */
  trace_out(t, o, c, c->state, 0, 3, c->wscale >> 4);
  return true;
}

static bool conn_segment(struct tcp *t, struct conn *c, struct tcp_out *o) {
  if (c->todo & TODO_RST)
    return send_rst(t, c, o);
  if (c->flags & CF_ENDED || c->state == LA_CLOSED) {
    c->todo = 0;
    return false;
  }
  if (c->todo & TODO_SYN)
    return send_syn(t, c, o);
  if (c->state < LA_ESTABLISHED) {
    if (c->todo & TODO_ACK && c->state == LA_SYN_RECEIVED)
      return send_ack(t, c, o);
    c->todo = 0;
    return false;
  }
  if (c->todo & TODO_RTX && send_again(t, c, o))
    return true;
  if (c->todo & TODO_PROBE && send_probe(t, c, o))
    return true;
  if (c->acks_owed > 1 || (c->acks_owed && c->rcvq && c->rcvq->ooo.n)) { /* one with data is no duplicate ACK to the peer */
    send_ack(t, c, o);
    if (--c->acks_owed)
      c->todo |= TODO_ACK;
    return true;
  }
  c->acks_owed = 0;
  if (send_data(t, c, o))
    return true;
  c->todo &= (uint8_t)~TODO_DATA;
  bool paced = c->sndq && c->sndq->pace_wait; /* then its own clock runs */
  if (c->snd_una == c->snd_nxt && (c->sndq || fin_due(c)) && (c->clock == CLK_PERSIST) == paced)
    la__rearm(t, c); /* bytes that may not go yet wait under the persist clock */
  if (c->todo & TODO_WND && !(c->todo & TODO_ACK) && !la__window_update_due(t, c))
    c->todo &= (uint8_t)~TODO_WND;
  if (c->todo & (TODO_ACK | TODO_WND))
    return send_ack(t, c, o);
  if (c->todo & TODO_KEEP && c->snd_una == c->snd_nxt) /* MUST-26 */
    return send_keepalive(t, c, o);
  c->todo = 0;
  return false;
}

static void answer_out(struct tcp *t, struct tcp_link *l, struct tcp_out *o) {
  const struct answer *a = &l->ring[l->tail++ & (t->cfg.replies - 1)];
  o->key = a->key;
  o->seg = a->seg;
  o->ttl = a->ttl;
  o->tos = a->tos;
  o->nbufs = 0;
  if (a->retransmit)
    t->stats.retransmits++;
  trace_out(t, o, 0, a->state, a->fresh, a->retransmit, 0);
}

bool la__tcp_output(struct tcp *t, uint8_t link, struct tcp_out *o) {
  struct tcp_link *l = &t->link[link];
  if (l->head != l->tail) {
    answer_out(t, l, o);
    return true;
  }
  while (l->dirty_head != REF_NONE) {
    struct conn *c = la__conn_at(t, l->dirty_head);
    l->dirty_head = c->dirty_next;
    c->flags &= ~(uint32_t)CF_DIRTY;
    bool made = conn_segment(t, c, o);
    if (made && c->state >= LA_ESTABLISHED && !(c->flags & CF_ENDED))
      la__conn_dirty(t, c, TODO_DATA); /* its next turn comes after everybody else's */
    la__conn_maybe_free(t, c);
    if (made)
      return true;
  }
  return false;
}

bool la__tcp_has_output(const struct tcp *t) {
  for (unsigned i = 1; i <= LA_LINKS_MAX; i++)
    if (t->link[i].head != t->link[i].tail || t->link[i].dirty_head != REF_NONE)
      return true;
  return false;
}
