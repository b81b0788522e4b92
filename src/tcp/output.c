/* SPDX-License-Identifier: MIT */
/*
 * The one place where segments are made. la__tcp_output answers "what may be sent now over this link?" with one descriptor a
 * call: first the answers that belong to no connection, then the dirty connections in turn, one descriptor each, so that none
 * starves another.
 *
 * Where the link's device cuts (la_link_offload), new bytes go several segments to a descriptor: those that would have gone one by one, up
 * to where one of them bears PSH, which ends a piece. What is sent again, probed or urged goes segment by segment.
 *
 * Where nothing is outstanding and all that is queued is less than a segment, send_brief goes straight to what send_new would come to after
 * questions that have but one answer then; whatever is unusual takes the long way, and both leave the same state behind.
 *
 * For a connection the order is: RST; SYN; a window probe; duplicate ACKs that are owed one by one; a tail loss probe; what is lost;
 * new bytes, as far as windows, Nagle and silly-window avoidance allow, with the FIN behind the last; an ACK or window update; a
 * keepalive probe.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/seq.h"
#include "tcp/tcp.h"

static void trace_put(struct tcp *t, const struct tcp_out *o, const struct conn *c, unsigned state, uint8_t fresh, uint8_t again,
                      unsigned shift) {
  la_trace_rec *r = la__trace_rec(t, &o->key, c, LA_TRACE_OUT);
  la__trace_seg(r, &o->seg);
  r->from = r->to = (uint8_t)state;
  r->fresh = fresh;
  r->retransmit = again;
  r->wnd = (uint32_t)o->seg.wnd << (o->seg.flags & LA_SYN ? 0 : shift);
}

static inline void trace_out(struct tcp *t, const struct tcp_out *o, const struct conn *c, unsigned state, uint8_t fresh, uint8_t again,
                             unsigned shift) {
  t->stats.segments_out += tcp_seg_count(&o->seg);
  if (o->seg.flags & LA_RST)
    t->stats.resets_out++;
  if (la__trace_on(&t->trace))
    trace_put(t, o, c, state, fresh, again, shift);
}

/* MUST-16: a segment's own options count. */
static uint32_t segment_room(const struct conn *c) {
  unsigned n = la__sack_count(c);
  return n ? c->mss - 4u - 8u * n : c->mss;
}

static void start(const struct conn *c, struct tcp_out *o, uint32_t seq, unsigned flags) {
  memset(&o->seg, 0, offsetof(struct tcp_seg, opt.sack)); /* which la__sack_out fills as far as it counts */
  la__conn_key(c, &o->key);
  o->seg.sport = c->lport;
  o->seg.dport = c->rport;
  o->seg.seq = seq;
  o->seg.flags = (uint8_t)flags;
  o->ttl = c->ttl;
  o->tos = c->tos;
  o->refs.n = 0;
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
  la__sack_out(t, c, &o->seg.opt);
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

/* What the trace tells of a segment beside whether it repeats another. */
enum { OUT_PROBE = 2, OUT_KEEPALIVE = 3, OUT_TAIL_PROBE = 4 };

/*
 * RFC 6298 (5.1): the clock starts if it does not run. New data put the probe off (RFC 8985 7.2), and so does the first segment sent
 * again the time-out, but nothing puts off the reordering clock.
 */
static void start_clock(struct tcp *t, struct conn *c, uint32_t seq, bool again) {
  bool running = c->clock == CLK_RTX || c->clock == CLK_TLP || c->clock == CLK_REO;
  bool start = !running || (again && seq == c->snd_una && c->clock != CLK_REO), probe = !again && la__tlp_arm(t, c, false);
  if (!probe && (start || (!again && c->clock == CLK_TLP)))
    la__rto_arm(t, c);
  if (start && c->life_at == LA_NEVER)
    la__life_clock(t, c, la__limit(t, c));
}

/* Where the last segment of a descriptor begins. */
static uint32_t last_of(const struct tcp_seg *seg) { return seg->seq + (tcp_seg_count(seg) - 1) * seg->gso; }

/* Karn: bytes sent again give no sample. */
static void account(struct tcp *t, struct conn *c, struct tcp_out *o, uint32_t old_nxt, enum sent_kind kind) {
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
    c->sndq->rtt_seq = o->seg.gso ? o->seg.seq + o->seg.gso : end;
  }
  la__recovery_sent(t, c, o->seg.seq, end, last_of(&o->seg), old_nxt, kind);
  if (kind != SENT_WINDOW_PROBE)
    start_clock(t, c, o->seg.seq, again);
  uint8_t told = kind == SENT_WINDOW_PROBE ? OUT_PROBE : again && kind == SENT_TAIL_PROBE ? OUT_TAIL_PROBE : again;
  trace_out(t, o, c, c->state, 0, told, c->wscale >> 4);
}

/* How many segments Linux hands to the device in one piece: what a ms takes at the rate at which it would pace, and more on short paths. */
static uint32_t piece(const struct conn *c) {
  uint64_t rate = la__pace_rate(c), n = rate == UINT64_MAX ? 0 : rate >> 10, shift = (c->srtt >> 3) >> 9;
  n += shift < 16 ? 65536u >> shift : 0;
  n = (n < 65536 ? n : 65536) / c->mss;
  return n < 2 ? 2 : n < UINT8_MAX ? (uint32_t)n : UINT8_MAX;
}

/* How many segments of the present piece have gone. */
static uint32_t burst(const struct tcp *t, const struct sndq *q, uint32_t seq) {
  return q->burst_end == seq && q->burst_at == t->now ? q->burst : 0;
}

/*
 * MUST-61: the last bytes that were queued, unless more were announced; a record's end; a probe. And, as Linux does, the last segment of
 * each piece of several that a device could cut: the receiver need not wait for more of it.
 */
static bool push_due(const struct tcp *t, struct conn *c, const struct tcp_seg *seg, enum sent_kind kind) {
  struct sndq *q = c->sndq;
  uint32_t end = seg->seq + seg->len, n = burst(t, q, seg->seq) + tcp_seg_count(seg);
  q->burst_end = end;
  q->burst_at = t->now;
  q->burst = (uint8_t)(n < UINT8_MAX ? n : UINT8_MAX);
  if (end == la__snd_end(c))
    return kind == SENT_WINDOW_PROBE || end == q->push_end;
  if (la__eor_cut(q, end - 1, 2) == 1)
    return true;
  uint32_t left = la__cwnd_room(c), past = end - seq_min(c->snd_nxt, end); /* of cwnd, once this segment has gone */
  left = left > past ? left - past : 0;
  if (left < c->mss || seq_diff(c->snd_una + c->snd_wnd, end) < (int32_t)c->mss)
    return q->burst > 1;
  if (kind != SENT_NEW || q->burst < piece(c))
    return false;
  q->burst = 0; /* another piece begins */
  return true;
}

/* The bytes [seq, seq + n) and, when asked, the FIN behind them. */
static bool send_bytes(struct tcp *t, struct conn *c, struct tcp_out *o, uint32_t seq, uint32_t n, bool fin, enum sent_kind kind) {
  uint32_t old_nxt = c->snd_nxt, end = la__snd_end(c);
  uint32_t room = kind == SENT_PATH_PROBE ? n : segment_room(c); /* a DSACK in it is told with this segment, and then gone */
  bool ack_owed = c->rcv_acked != c->rcv_nxt;
  if (n > room && kind != SENT_NEW)
    n = room;
  n = la__eor_cut(c->sndq, seq, n);
  start_acking(t, c, o, seq, n && seq == c->snd_nxt && kind != SENT_WINDOW_PROBE);
  if (n) {
    o->refs.max = LA_FRAME_BUFS;
    la__spool_refs(&c->sndq->spool, seq - c->sndq->seq0, n, &o->refs);
    o->seg.len = n = o->refs.got;
    o->seg.gso = n > room ? (uint16_t)room : 0;
    la__ack_answered(t, c);
  }
  fin = fin && seq + n == end;
  if (fin)
    o->seg.flags |= LA_FIN;
  if (n && push_due(t, c, &o->seg, kind))
    o->seg.flags |= LA_PSH;
  if (n < room ? n : n % room)
    c->sndq->small_end = seq + n;
  if (fin && !(c->flags & CF_FIN_SENT)) {
    la__conn_sndq(t, c);                                   /* its scoreboard; without memory the clock alone guards the FIN */
    if (c->flags & CF_FIN_RCVD && ack_owed && !o->seg.gso) /* else an earlier one of its segments was the first ACK */
      c->flags |= CF_FIN_MERGED;
    c->flags |= CF_FIN_SENT | (c->flags & CF_FIRST_PEER ? 0u : CF_FIRST_LOCAL);
  }
  c->snd_nxt = seq_max(c->snd_nxt, seq + n + fin);
  account(t, c, o, old_nxt, kind);
  return true;
}

static bool fin_due(const struct conn *c) { return c->flags & CF_FIN_QUEUED && !(c->flags & CF_FIN_ACKED); }

/* The FIN again, when there is no scoreboard. */
static bool send_again(struct tcp *t, struct conn *c, struct tcp_out *o) {
  c->todo &= (uint8_t)~TODO_RTX;
  return c->snd_una != c->snd_nxt && !c->sndq && send_bytes(t, c, o, c->snd_una, 0, true, SENT_LOST_BEFORE);
}

/* A segment that was sent, and begins at `seq` with `n` sequence numbers, once more. */
static bool send_span(struct tcp *t, struct conn *c, struct tcp_out *o, uint32_t seq, uint32_t n, enum sent_kind kind) {
  uint32_t edge = c->snd_una + c->snd_wnd; /* SHLD-16 */
  if (!seq_lt(seq, edge))
    return false;
  n = seq_min(seq + n, edge) - seq;
  bool fin = c->flags & CF_FIN_SENT && seq + n == c->snd_nxt;
  return send_bytes(t, c, o, seq, n - fin, fin, kind);
}

/* What is lost goes again, first things first, as far as the pipe has room in cwnd. */
static bool send_lost(struct tcp *t, struct conn *c, struct tcp_out *o) {
  int i = c->sndq ? la__sent_next(&c->sndq->sent) : -1;
  if (i < 0 || c->sndq->rec.flags & REC_HOLD)
    return false;
  uint32_t lo = sent_at(&c->sndq->sent, (unsigned)i)->lo, pipe = la__pipe(c), edge = c->snd_una + c->snd_wnd;
  if (!seq_lt(lo, edge)) /* SHLD-16; a closed window is the persist clock's to probe */
    return false;
  uint32_t n = la__sent_collapse(&c->sndq->sent, (unsigned)i, la__eor_cut(c->sndq, lo, segment_room(c)));
  if ((pipe && pipe + n > c->cwnd) || (la__cc_own(c) && !la__pace_ready(t, c)))
    return false;
  la__pace_sent(t, c, la__cc_own(c) ? n : 0);
  if (c->sndq->rec.flags & REC_REOPENED && lo + n == c->snd_nxt && !(c->flags & CF_FIN_SENT)) /* no crumbs (3.8.6.2.1) */
    return send_bytes(t, c, o, lo, seq_min(la__snd_end(c), edge) - lo, c->flags & CF_FIN_QUEUED, SENT_LOST_BEFORE);
  return send_span(t, c, o, lo, n, SENT_LOST_BEFORE);
}

/* RFC 8985 7.3: new data if there are and the window takes them, else the last segment. Neither cwnd nor Nagle holds it back. */
static bool send_tail_probe(struct tcp *t, struct conn *c, struct tcp_out *o) {
  if (!c->sndq || !(c->sndq->rec.flags & REC_TLP_DUE))
    return false;
  struct sent *s = &c->sndq->sent;
  c->sndq->rec.flags &= (uint16_t)~REC_TLP_DUE;
  if (!s->n)
    return false;
  uint32_t end = la__snd_end(c), avail = c->flags & CF_FIN_SENT ? 0 : end - c->snd_nxt;
  uint32_t n = avail < segment_room(c) ? avail : segment_room(c);
  if (n && seq_leq(c->snd_nxt + n, c->snd_una + c->snd_wnd))
    return send_bytes(t, c, o, c->snd_nxt, n, n == avail && c->flags & CF_FIN_QUEUED, SENT_TAIL_PROBE);
  const struct sent_rec *last = sent_at(s, s->n - 1u);
  uint32_t lo = last->lo + (last->hi - last->lo - 1) / last->size * last->size;
  return send_span(t, c, o, lo, last->hi - lo, SENT_TAIL_PROBE);
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
    start_acking(t, c, o, c->snd_una - 1, false);
    trace_out(t, o, c, c->state, 0, OUT_PROBE, c->wscale >> 4);
    return true;
  }
  return send_bytes(t, c, o, c->snd_una, n < wnd ? n : wnd, fin_due(c) && n < wnd, SENT_WINDOW_PROBE);
}

/* Nagle (3.7.4): while anything is outstanding; or, as Linux has it (Minshall), while a small segment is. */
static bool nagle_waits(const struct tcp *t, const struct conn *c) {
  if (c->snd_una == c->snd_nxt)
    return false;
  return !t->cfg.minshall || (c->sndq && seq_gt(c->sndq->small_end, c->snd_una) && seq_leq(c->sndq->small_end, c->snd_nxt));
}

/*
 * 3.8.6.2.1 and Nagle (3.7.4): a segment shorter than a full one goes when it is the last of what is queued, or when it fills half the
 * largest window that the peer ever offered; both only while nothing is outstanding, unless Nagle is off. The FIN takes the last
 * bytes with it at once. While the application says that more is to come, what is not full waits, at most for the persist clock.
 */
static bool worth_sending(const struct tcp *t, const struct conn *c, uint32_t n, uint32_t avail) {
  if (n >= segment_room(c))
    return true;
  if (n && n < avail && la__eor_cut(c->sndq, c->snd_nxt, n + 1) == n) /* the end of a record that others follow */
    return true;
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

/*
 * Segments that one descriptor may have: what the device cuts, and no more than is left of the present piece. One by one where a segment
 * changes what the next may do: with blocks of SACK, with CWR that the device would repeat, when cwnd may come down for not having
 * been used, and when the scoreboard is full.
 */
static uint32_t descriptor_most(const struct tcp *t, const struct conn *c) {
  const struct tcp_link *l = &t->link[c->link];
  bool six = c->flags & CF_IP6;
  uint32_t headers = (six ? 60u : 40u) + (c->flags & CF_TS ? 12u : 0u), bytes = l->gso[six];
  if (bytes < headers + 2u * c->mss || !c->sndq || la__sack_count(c) || (c->net & NET_CWR && !l->gso_cwr) || la__cc_lags(t, c) ||
      c->sndq->sent.n + 1u >= c->sndq->sent.max)
    return 1;
  uint32_t n = (bytes - headers) / c->mss, most = piece(c), gone = burst(t, c->sndq, c->snd_nxt);
  most = most > gone ? most - gone : 1;
  if (la__paced(c)) { /* no burst of more than a ms */
    uint64_t ms = la__pace_rate(c) / 1000 / c->mss;
    most = ms < most ? (uint32_t)ms : most;
  }
  n = n < most ? n : most;
  return n ? n : 1;
}

/*
 * How much of n bytes, which the windows let go, one descriptor takes: whole segments, and the rest if it would have gone next
 * anyway. Room for less than another segment ends a piece (push_due), hence the descriptor.
 */
static uint32_t descriptor(const struct tcp *t, struct conn *c, uint32_t n, uint32_t avail, uint32_t usable) {
  uint32_t most = n > c->mss ? descriptor_most(t, c) : 1, whole = n / c->mss, from = c->snd_nxt;
  if (most == 1)
    return n < segment_room(c) ? n : segment_room(c);
  n = la__eor_cut(c->sndq, from, n);
  whole = n / c->mss;
  if (whole >= most || usable - whole * c->mss < c->mss)
    return (whole < most ? whole : most) * c->mss;
  c->snd_nxt += whole * c->mss;
  bool rest = worth_sending(t, c, n - whole * c->mss, avail - whole * c->mss);
  c->snd_nxt = from;
  return rest || whole == 0 ? n : whole * c->mss;
}

static bool send_new(struct tcp *t, struct conn *c, struct tcp_out *o) {
  uint32_t from = c->snd_nxt, end = la__snd_end(c);
  bool fin = fin_due(c) && !(c->flags & CF_FIN_SENT);
  uint32_t avail = c->flags & CF_FIN_SENT ? 0 : end - from;
  if (avail == 0 && !fin)
    return false;
  if (c->snd_una == c->snd_nxt)
    la__cc_resume(t, c);
  uint32_t cwnd = la__cwnd_room(c);
  int32_t wnd = seq_diff(c->snd_una + c->snd_wnd, from);
  bool bare = avail == 0; /* a FIN alone does not wait for cwnd: as on Linux, it adds next to nothing to what is under way */
  if (wnd <= 0 || (cwnd == 0 && !bare))
    return false;
  uint32_t usable = (uint32_t)wnd < cwnd ? (uint32_t)wnd : cwnd, n = avail < usable ? avail : usable;
  uint32_t probe = la__pmtu_open_end(c) ? la__pmtu_probe(t, c, avail, usable) : 0;
  n = probe ? probe : la__eor_cut(c->sndq, from, descriptor(t, c, n, avail, usable));
  fin = fin && n == avail && (bare || usable > n);
  if ((n == 0 && !fin) || !worth_sending(t, c, n, avail) || !la__pace_ready(t, c))
    return false;
  send_bytes(t, c, o, from, n, fin, probe ? SENT_PATH_PROBE : SENT_NEW);
  if (probe && o->seg.len == probe)
    la__pmtu_probe_sent(t, c, from, probe);
  la__pace_sent(t, c, o->seg.len);
  if (c->wish && n == avail)
    c->wish->flags &= (uint8_t)~WISH_PUSH;
  la__cc_sent(t, c);
  return true;
}

/* Has the short way nothing to decide? Nothing is outstanding, lost, reported, paced, marked or probed, and no wish is to be asked. */
static bool brief(const struct conn *c, uint32_t n, bool fin) {
  const struct sndq *q = c->sndq;
  const struct rcvq *r = c->rcvq;
  if (c->snd_una != c->snd_nxt || c->wish || c->net & NET_ECN || c->flags & CF_FIN_SENT || (r && (r->ooo.n || r->dsack_lo != r->dsack_hi)))
    return false;
  if ((n == 0 && !fin) || n >= c->mss || n >= c->snd_wnd || n >= c->cwnd)
    return false;
  return !q || (q->sent.n == 0 && !q->rec.flags && q->rec.state == LA_CA_OPEN && !q->rec.dups && !q->neor && q->pmtu.high < c->mss + 8u &&
                q->spool.n <= 1);
}

/* All that is queued, and the FIN behind it, in one segment. */
static bool send_brief(struct tcp *t, struct conn *c, struct tcp_out *o) {
  uint32_t seq = c->snd_nxt, n = c->sndq ? c->sndq->spool.len : 0;
  bool fin = c->flags & CF_FIN_QUEUED, ack_owed = c->rcv_acked != c->rcv_nxt;
  if (!brief(c, n, fin))
    return false;
  la__cc_resume(t, c);
  start_acking(t, c, o, seq, n != 0);
  if (n) {
    o->refs.max = LA_FRAME_BUFS;
    la__spool_whole(&c->sndq->spool, &o->refs);
    o->seg.len = n;
    la__ack_answered(t, c);
    c->sndq->pace_wait = false;
    c->sndq->small_end = seq + n;
    if (push_due(t, c, &o->seg, SENT_NEW))
      o->seg.flags |= LA_PSH;
  }
  if (fin) {
    o->seg.flags |= LA_FIN;
    la__conn_sndq(t, c); /* as in send_bytes */
    c->flags |= CF_FIN_SENT | (c->flags & CF_FIRST_PEER ? 0u : CF_FIRST_LOCAL) | (c->flags & CF_FIN_RCVD && ack_owed ? CF_FIN_MERGED : 0u);
  }
  struct sndq *q = c->sndq;
  c->snd_nxt = seq + n + fin;
  if (q) {
    if (!q->rtt_at) {
      q->rtt_at = t->now ? t->now : 1;
      q->rtt_seq = c->snd_nxt;
    }
    q->sent.slack = (c->srtt >> 8) * LA_US;
    la__sent_add(&q->sent, seq, c->snd_nxt, n + fin, t->now);
  }
  start_clock(t, c, seq, false);
  trace_out(t, o, c, c->state, 0, 0, c->wscale >> 4);
  la__cc_sent(t, c);
  return true;
}

static bool send_data(struct tcp *t, struct conn *c, struct tcp_out *o) {
  if (send_brief(t, c, o))
    return true;
  if (send_tail_probe(t, c, o) || send_lost(t, c, o) || send_new(t, c, o))
    return true;
  struct recovery *r = c->sndq ? &c->sndq->rec : 0;
  if (!r || !(r->flags & REC_HOLD) || !(r->flags & REC_FRTO) || r->high_seq != c->snd_nxt)
    return false;
  r->flags &= (uint16_t) ~(REC_HOLD | REC_FRTO); /* RFC 5682 2.1 step 2b: nothing new could go, so the usual way it is */
  return send_lost(t, c, o);
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
  trace_out(t, o, c, c->state, 0, OUT_KEEPALIVE, c->wscale >> 4);
  return true;
}

/*
 * Nothing but a look for bytes is asked for, and there are none to be sent, nor anything to be sent again: conn_segment would find nothing.
 * The queue's flags are those of which a look makes something.
 */
static bool rests(const struct conn *c) {
  const struct sndq *q = c->sndq;
  if (c->todo & ~TODO_DATA || c->acks_owed || c->state < LA_ESTABLISHED || c->flags & CF_ENDED ||
      (c->flags & (CF_FIN_QUEUED | CF_FIN_SENT)) == CF_FIN_QUEUED)
    return false;
  return !q || ((c->flags & CF_FIN_SENT || q->seq0 + q->spool.len == c->snd_nxt) && c->snd_una != c->snd_nxt && !q->sent.again &&
                !q->pace_wait && !(q->rec.flags & (REC_TLP_DUE | REC_HOLD)));
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
  if (c->snd_una == c->snd_nxt && ((c->sndq && c->sndq->spool.len) || fin_due(c)) && (c->clock == CLK_PERSIST) == paced)
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
  o->refs.n = 0;
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
    bool made = !rests(c) && conn_segment(t, c, o);
    if (rests(c))
      c->todo = 0;
    else if (made && c->state >= LA_ESTABLISHED && !(c->flags & CF_ENDED))
      la__conn_dirty(t, c, TODO_DATA); /* its next turn comes after everybody else's */
    if (c->flags & CF_ENDED)
      la__conn_maybe_free(t, c);
    if (made)
      return true;
  }
  return false;
}

bool la__tcp_has_output(const struct tcp *t) {
  for (unsigned i = 1; i <= LA_LINKS_MAX; i++)
    if (la__tcp_link_waits(t, (uint8_t)i))
      return true;
  return false;
}
