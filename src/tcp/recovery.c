/* SPDX-License-Identifier: MIT */
/*
 * Loss recovery: what is lost, what goes again, how much may be sent meanwhile, and what is taken back when nothing was lost.
 *
 * States, as Linux names them:
 *
 *   Open      nothing unusual
 *   Disorder  something was reported beyond a hole, or is doubled, but nothing is lost yet
 *   CWR       cwnd comes down because the network asked for it, without a loss (ECN, or a loss that a probe repaired)
 *   Recovery  losses were found by reports: they go again (RFC 6675, 8985; without SACK RFC 6582)
 *   Loss      the retransmission clock expired: all that was not reported is lost
 *
 * Every ACK comes through la__recovery_input, in this order: the blocks (sack.c) and the acknowledged records change the scoreboard and
 * leave news; RACK and TLP look at the news (rack.c); the state changes; PRR or the congestion control sets cwnd. Output sends
 * what is lost before new data, while the pipe - bytes on their way - has room in cwnd. Nothing else limits it: limited transmit
 * (RFC 3042) is the pipe that a report has made smaller.
 *
 * Without SACK each duplicate ACK stands for one segment that has arrived (`dups`), so that the pipe is a guess, but the
 * rest is the same; the third one, and each partial ACK, mark the first segment lost.
 *
 * cwnd comes down as prr.c says.
 *
 * Undo. A reduction is noted: undo_marker, what was sent again since, when the first of that went. It was needless when the peer reports
 * each of those segments as a duplicate (RFC 3708), when an ACK echoes an older timestamp (Eifel, RFC 3522, 4015), or when after
 * a time-out something arrives that was never sent again (F-RTO, RFC 5682). Then cwnd and ssthresh are what they were.
 *
 * Limits: the scoreboard's; work for an ACK is a few passes over its records. Without a send queue, when only a FIN is outstanding and
 * memory was short, there is none of this, only the clock.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/seq.h"
#include "tcp/tcp.h"

static bool sack(const struct conn *c) { return c->flags & CF_SACK; }

void la__recovery_init(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  la__sent_init(&q->sent, t->mem, t->cfg.max_sent);
  q->rec.recover = q->rec.high_seq = c->snd_una - 1;
  q->rec.fack = c->snd_una;
}

static bool reducing(const struct recovery *r) { return r->state == LA_CA_CWR || r->state == LA_CA_RECOVERY; }

void la__recovery_done(struct conn *c) {
  struct sndq *q = c->sndq;
  if (reducing(&q->rec) && q->rec.prr_from && !(c->flags & CF_ENDED))
    c->cwnd = c->ssthresh;
  la__sent_done(&q->sent);
}

uint32_t la__pipe(const struct conn *c) {
  uint32_t out = c->snd_nxt - c->snd_una;
  if (!c->sndq)
    return out;
  const struct sent *s = &c->sndq->sent;
  uint32_t gone = s->sacked + s->lost + c->sndq->rec.dups;
  return out + s->retrans > gone ? out + s->retrans - gone : 0;
}

uint32_t la__cwnd_room(const struct conn *c) {
  uint32_t pipe = la__pipe(c);
  return c->cwnd > pipe ? c->cwnd - pipe : 0;
}

/* Notes. */

static void undo_init(struct conn *c) {
  struct recovery *r = &c->sndq->rec;
  r->flags |= REC_UNDO;
  r->undo_marker = c->snd_una;
  r->undo_retrans = la__sent_segments(&c->sndq->sent, SENT_RETRANS);
  r->undo_none = r->undo_retrans == 0;
}

/* RFC 6937's variables, and ssthresh. */
static void reduce(struct tcp *t, struct conn *c, enum cc_event why) {
  struct recovery *r = &c->sndq->rec;
  r->high_seq = c->snd_nxt;
  r->flags &= (uint16_t)~REC_TLP;
  r->prr_from = c->cwnd;
  r->prr_delivered = r->prr_out = 0;
  la__cc_enter(t, c, why);
}

static void end_reduction(const struct tcp *t, struct conn *c) {
  struct recovery *r = &c->sndq->rec;
  la__cc_leave(t, c);
  if (r->state != LA_CA_CWR && !(r->flags & REC_UNDO))
    return;
  if (sack(c) || r->state == LA_CA_CWR) {
    c->cwnd = c->ssthresh;
  } else { /* RFC 6582 3.2 step 3: without a burst */
    uint32_t fly = la__pipe(c) > c->mss ? la__pipe(c) : c->mss;
    c->cwnd = fly + c->mss < c->ssthresh ? fly + c->mss : c->ssthresh;
  }
}

static bool any_again(const struct conn *c) { return c->sndq->sent.n && sent_at(&c->sndq->sent, 0)->flags & SENT_EVER; }

/* Open, or Disorder while something is out of order. */
static void keep_open(struct conn *c) {
  const struct sndq *q = c->sndq;
  bool disorder = q->sent.sacked || q->sent.lost || q->rec.dups || any_again(c);
  c->sndq->rec.state = disorder ? LA_CA_DISORDER : LA_CA_OPEN;
}

static void enter_cwr(struct tcp *t, struct conn *c, enum cc_event why) {
  reduce(t, c, why);
  c->sndq->rec.flags &= (uint16_t) ~(REC_UNDO | REC_RESTORE); /* a mark is no mistake: nothing to undo */
  c->sndq->rec.state = LA_CA_CWR;
}

static void to_open(struct tcp *t, struct conn *c, const struct news *n) {
  struct recovery *r = &c->sndq->rec;
  if (!any_again(c))
    r->flags &= (uint16_t)~REC_STAMP;
  if (n->what & NEWS_MARK && r->state < LA_CA_CWR)
    enter_cwr(t, c, CC_ECN);
  if (r->state != LA_CA_CWR)
    keep_open(c);
}

void la__recovery_cwr(struct tcp *t, struct conn *c) {
  la__cc_enter(t, c, CC_ECN);
  if (c->cwnd > c->ssthresh)
    c->cwnd = c->ssthresh;
}

void la__recovery_cwr_once(struct tcp *t, struct conn *c) {
  enter_cwr(t, c, CC_LOSS);
  end_reduction(t, c);
  keep_open(c);
}

/* Late bytes between low and high: as many segments were overtaken (RFC 8985 3.2: the path reorders). */
static void reordered(const struct tcp *t, struct conn *c, uint32_t low, uint32_t high) {
  uint32_t degree = (high - low + c->mss - 1u) / c->mss, most = UINT8_MAX;
  if (!seq_lt(low, high))
    return;
  if (degree < t->cfg.dupthresh)
    degree = t->cfg.dupthresh;
  if (degree > most)
    degree = most;
  if (degree > c->reordering)
    c->reordering = degree & UINT8_MAX;
  c->sndq->rec.reord_seen++;
}

void la__recovery_lost(struct conn *c, unsigned i, struct news *n) {
  struct sent *s = &c->sndq->sent;
  unsigned flags = sent_at(s, i)->flags;
  if (flags & SENT_SACKED)
    return;
  if (flags & SENT_RETRANS)
    n->what |= NEWS_LOST_AGAIN;
  n->what |= NEWS_LOST;
  la__sent_set(s, i, (flags | SENT_LOST) & ~(unsigned)SENT_RETRANS);
}

/* Undo. */

/* RFC 3522: the echo is of before anything was sent again. */
static bool echoes_older(const struct conn *c, const struct tcp_seg *seg) {
  const struct recovery *r = &c->sndq->rec;
  return r->flags & REC_STAMP && c->flags & CF_TS && seg->opt.have & TCP_OPT_TS && seg->opt.ts_ecr &&
         seq_lt(seg->opt.ts_ecr, r->retrans_stamp);
}

static bool may_undo(const struct conn *c, const struct tcp_seg *seg) {
  const struct recovery *r = &c->sndq->rec;
  return r->flags & REC_UNDO && ((r->undo_retrans == 0 && !r->undo_none) || echoes_older(c, seg));
}

static void undo(struct tcp *t, struct conn *c, bool unmark) {
  struct sndq *q = c->sndq;
  if (unmark) {
    for (unsigned i = 0; i < q->sent.n; i++)
      la__sent_set(&q->sent, i, sent_at(&q->sent, i)->flags & ~(unsigned)SENT_LOST);
    la__sent_tidy(&q->sent);
  }
  if (q->rec.flags & REC_RESTORE)
    la__cc_undo(t, c);
  q->rec.flags &= (uint16_t) ~(REC_UNDO | REC_RESTORE);
  q->rec.flags |= REC_ADVANCED; /* RACK looks again */
}

static bool undo_by_dsack(struct tcp *t, struct conn *c) {
  const struct recovery *r = &c->sndq->rec;
  if (!(r->flags & REC_UNDO) || r->undo_retrans || r->undo_none)
    return false;
  undo(t, c, false);
  return true;
}

static bool undo_loss(struct tcp *t, struct conn *c, const struct tcp_seg *seg, bool frto) {
  struct recovery *r = &c->sndq->rec;
  if (!frto && !may_undo(c, seg))
    return false;
  undo(t, c, true);
  r->rtos = 0;
  if (frto || sack(c))
    r->state = LA_CA_OPEN;
  return true;
}

/* All that was outstanding when it began is acknowledged. */
static void recovered(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  struct recovery *r = &c->sndq->rec;
  if (may_undo(c, seg))
    undo(t, c, false);
  if (r->state == LA_CA_RECOVERY)
    end_reduction(t, c);
  la__rack_recovered(c);
  r->state = LA_CA_OPEN;
  r->dups = 0;
}

/* States. */

static void enter_recovery(struct tcp *t, struct conn *c, const struct news *n) {
  struct recovery *r = &c->sndq->rec;
  undo_init(c);
  r->flags &= (uint16_t) ~(REC_RESTORE | REC_PATH);
  if (!reducing(r)) { /* for a mark and a loss in one window once (RFC 3168 6.1.2), and what a mark has asked for stays */
    r->flags |= n->what & NEWS_MARK ? 0 : REC_RESTORE;
    reduce(t, c, CC_LOSS);
  }
  r->recover = c->snd_nxt;
  r->state = LA_CA_RECOVERY;
}

/* A probe of the path's MTU is lost, and nothing else: it goes again, in pieces, and that was no congestion (RFC 4821 7.6.4). */
static void enter_path(struct conn *c) {
  struct recovery *r = &c->sndq->rec;
  r->flags &= (uint16_t) ~(REC_UNDO | REC_RESTORE | REC_TLP);
  r->flags |= REC_PATH;
  r->prr_from = 0;
  r->high_seq = r->recover = c->snd_nxt;
  r->state = LA_CA_RECOVERY;
}

/* RFC 6582: the third duplicate, and each partial ACK, say that the first segment is lost. */
static void newreno_lost(const struct tcp *t, struct conn *c, struct news *n) {
  struct sndq *q = c->sndq;
  bool third = q->rec.state < LA_CA_RECOVERY && q->rec.dups >= t->cfg.dupthresh * c->mss && seq_gt(c->snd_una, q->rec.recover);
  if (!q->sent.n || !(third || (q->rec.state == LA_CA_RECOVERY && n->what & NEWS_ACKED)))
    return;
  const struct sent_rec *r = sent_at(&q->sent, 0);
  if (r->flags & SENT_LOST)
    return;
  if (r->hi - r->lo > r->size)
    la__sent_split(&q->sent, r->lo + r->size);
  la__recovery_lost(c, 0, n);
}

static void find_losses(struct tcp *t, struct conn *c, struct news *n) {
  if (sack(c))
    la__rack_input(t, c, n);
  else
    newreno_lost(t, c, n);
}

/* A duplicate stands for a segment that arrived; never for more than what can have (RFC 9293 7, "ACK spoofing"). */
static uint32_t dups_most(const struct conn *c) {
  const struct sndq *q = c->sndq;
  uint32_t out = (q->rec.state == LA_CA_RECOVERY ? q->rec.high_seq : c->snd_nxt) - c->snd_una;
  uint32_t hole = q->sent.lost > c->mss ? q->sent.lost : c->mss;
  return seq_gt(out, hole) ? out - hole : 0;
}

static void add_duplicate(struct conn *c, struct news *n) {
  struct recovery *r = &c->sndq->rec;
  if (sack(c) || !(n->what & NEWS_DUP))
    return;
  uint32_t most = dups_most(c), was = r->dups;
  r->dups = r->dups + c->mss < most ? r->dups + c->mss : most;
  if (r->dups > was)
    n->delivered += r->dups - was;
}

static void in_recovery(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n) {
  struct recovery *r = &c->sndq->rec;
  if (!(n->what & NEWS_ACKED)) {
    add_duplicate(c, n);
  } else if (r->flags & REC_UNDO && echoes_older(c, seg)) { /* the hole is filled by what was late, not by what went again */
    reordered(t, c, n->una, r->fack);
    if (c->sndq->sent.retrans) { /* no more of what was lost, for now */
      r->flags |= REC_HOLD;
      return;
    }
    if (!any_again(c))
      r->flags &= (uint16_t)~REC_STAMP;
    undo(t, c, true);
    keep_open(c);
  }
  if (undo_by_dsack(t, c))
    to_open(t, c, n);
  find_losses(t, c, n);
  if (r->flags & REC_PATH && n->what & NEWS_LOST) { /* more than that: congestion after all */
    r->flags &= (uint16_t)~REC_PATH;
    reduce(t, c, CC_LOSS);
  }
  if (r->state != LA_CA_RECOVERY && c->sndq->sent.lost) /* that was reordering, but there is a loss besides */
    enter_recovery(t, c, n);
}

/* RFC 5682, with SACK where there is. true: nothing of what is lost goes now. */
static bool frto(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n) {
  struct recovery *r = &c->sndq->rec;
  if (!(r->flags & REC_FRTO))
    return false;
  if (n->what & NEWS_ORIG && undo_loss(t, c, seg, true)) /* 3b */
    return true;
  if (seq_gt(c->snd_nxt, r->high_seq)) {
    if (n->what & (NEWS_SACKED | NEWS_DUP)) /* 3a */
      r->flags &= (uint16_t)~REC_FRTO;
  } else if (n->what & NEWS_ACKED && seq_lt(c->snd_una, r->high_seq)) { /* 2b: new data, if there are and may go */
    r->high_seq = c->snd_nxt;
    r->flags |= REC_HOLD;
    return true;
  }
  return false;
}

static void in_loss(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n) {
  struct recovery *r = &c->sndq->rec;
  if (n->what & NEWS_ACKED && undo_loss(t, c, seg, false))
    return;
  if (frto(t, c, seg, n))
    return;
  if (seq_geq(c->snd_una, r->high_seq)) {
    recovered(t, c, seg);
  } else if (n->what & NEWS_ACKED) {
    r->dups = 0;
  } else if (seq_gt(c->snd_nxt, r->high_seq)) {
    add_duplicate(c, n);
  }
}

static void change_state(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n) {
  struct recovery *r = &c->sndq->rec;
  r->flags &= (uint16_t)~REC_HOLD;
  if (r->state == LA_CA_OPEN) {
    r->flags &= (uint16_t)~REC_STAMP;
  } else if (r->state == LA_CA_CWR && seq_gt(c->snd_una, r->high_seq)) {
    end_reduction(t, c);
    r->state = LA_CA_OPEN;
  } else if (r->state == LA_CA_RECOVERY && seq_geq(c->snd_una, r->high_seq)) {
    recovered(t, c, seg);
  }
  if (r->state == LA_CA_RECOVERY) {
    in_recovery(t, c, seg, n);
    return;
  }
  if (r->state == LA_CA_LOSS) {
    in_loss(t, c, seg, n);
    find_losses(t, c, n);
    if (r->state != LA_CA_OPEN && !(n->what & NEWS_LOST_AGAIN))
      return;
  } else {
    if (n->what & NEWS_ACKED)
      r->dups = 0;
    add_duplicate(c, n);
    if (r->state <= LA_CA_DISORDER)
      undo_by_dsack(t, c);
    find_losses(t, c, n);
  }
  if (c->sndq->sent.lost && la__pmtu_probe_lost(t, c) && r->state <= LA_CA_DISORDER)
    enter_path(c);
  else if (c->sndq->sent.lost)
    enter_recovery(t, c, n);
  else
    to_open(t, c, n);
}

/* The records below SND.UNA go. */
static void acknowledged(const struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n) {
  struct sndq *q = c->sndq;
  uint32_t acked = 0;
  while (q->sent.n && seq_lt(sent_at(&q->sent, 0)->lo, c->snd_una)) {
    const struct sent_rec *s = sent_at(&q->sent, 0);
    uint32_t end = seq_min(s->hi, c->snd_una), len = end - s->lo;
    acked += len;
    if (s->size > q->pmtu.acked && len >= s->size)
      q->pmtu.acked = s->size;
    if (s->flags & SENT_EVER) {
      n->what |= NEWS_AGAIN;
    } else if (!(s->flags & SENT_SACKED)) {
      if (!n->late || seq_lt(s->lo, n->reord)) {
        n->late = true;
        n->reord = s->lo;
      }
      if (seq_leq(end, q->rec.high_seq))
        n->what |= NEWS_ORIG;
    }
    if (!(s->flags & SENT_SACKED)) {
      n->delivered += len;
      bool first_copy = s->flags & SENT_EVER && c->flags & CF_TS && seg->opt.have & TCP_OPT_TS &&
                        seq_lt(seg->opt.ts_ecr, (uint32_t)(s->at / LA_MS) + c->ts_off);
      if (sack(c) && !first_copy)
        la__rack_advance(t, c, s);
    }
    la__sent_cut(&q->sent, end);
  }
  q->rec.fack = seq_max(q->rec.fack, c->snd_una);
  if (sack(c) || !acked)
    return;
  /* What duplicates stood for was counted before; one segment at least is new. */
  uint32_t before = acked > c->mss ? acked - c->mss : 0;
  before = before < q->rec.dups ? before : q->rec.dups;
  n->delivered -= before;
  q->rec.dups -= before;
  if (q->rec.dups > dups_most(c)) /* that segment did not fill the last hole: another gapes behind it */
    q->rec.dups = dups_most(c);
  if (n->what & NEWS_AGAIN)
    n->what &= ~(unsigned)NEWS_ORIG;
}

/* The first outstanding segment was reported, but is not acknowledged: unless that is set right soon, the report is taken back. */
static bool reneged(struct tcp *t, struct conn *c, struct news *n) {
  const struct sndq *q = c->sndq;
  if (!(n->what & NEWS_ACKED) || !c->snd_wnd || !q->sent.n || !(sent_at(&q->sent, 0)->flags & SENT_SACKED))
    return false;
  la_time wait = (c->srtt >> 4) * LA_US;
  la__clock_set(t, c, CLK_RTX, t->now + (wait > 10 * LA_MS ? wait : 10 * LA_MS));
  n->what |= NEWS_CLOCK;
  return true;
}

void la__recovery_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg, struct news *n) {
  struct sndq *q = c->sndq;
  if (n->what & NEWS_ACKED) {
    q->rec.rtos = 0;
    if (seq_gt(n->una, q->rec.recover)) /* it follows, else it would lie ahead again after 2^31 bytes without a loss */
      q->rec.recover = c->snd_una - 1;
  }
  if (sack(c))
    la__sack_input(t, c, seg, n);
  if (n->late && (q->rec.state != LA_CA_LOSS || q->rec.flags & REC_UNDO))
    reordered(t, c, n->reord, q->rec.fack);
  n->late = false;
  bool outstanding = q->sent.n;
  acknowledged(t, c, seg, n);
  if (n->what & NEWS_ACKED && (q->pmtu.claim || q->pmtu.probe || !(c->flags & CF_MSS_PROVED) || t->now >= q->pmtu.look_at))
    la__pmtu_acked(t, c);
  if (n->late && sack(c) && seq_lt(n->reord, n->fack))
    reordered(t, c, n->reord, q->rec.fack);
  if (!outstanding && n->what & NEWS_MARK)
    la__recovery_cwr(t, c);
  if (!outstanding && !(n->what & NEWS_DSACK)) {
    la__tlp_input(t, c, seg, n);
    return;
  }
  if (q->sent.n && n->sent_at < sent_at(&q->sent, 0)->at)
    n->what |= NEWS_REARM;
  bool was_reducing = reducing(&q->rec);
  la__rack_duplicates(c, n);
  la__tlp_input(t, c, seg, n);
  if (n->what & (NEWS_DUP | NEWS_SACKED | NEWS_DSACK | NEWS_MARK) || q->rec.state != LA_CA_OPEN)
    if (!reneged(t, c, n))
      change_state(t, c, seg, n);
  if (n->what & NEWS_LOST_AGAIN)
    la__pmtu_lost_again(t, c);
  if (reducing(&q->rec) && !(n->what & NEWS_OLD))
    la__prr(c, n);
  else if (n->what & NEWS_ACKED && !was_reducing)
    la__cc_ack(t, c, &(struct cc_ack){.delivered = n->delivered, .rtt = n->rtt});
  la__conn_dirty(t, c, TODO_DATA);
}

/* RFC 2018 8, 6675 5.1: what was reported stays so, unless the first segment is among it: then the peer has taken it back. */
static void lose_all(const struct tcp *t, struct conn *c, bool clock) {
  struct sndq *q = c->sndq;
  struct news n = {0};
  bool back = q->sent.n && sent_at(&q->sent, 0)->flags & SENT_SACKED;
  q->rec.dups = 0;
  for (unsigned i = 0; i < q->sent.n; i++) {
    const struct sent_rec *s = sent_at(&q->sent, i);
    if (back)
      la__sent_set(&q->sent, i, s->flags & ~(unsigned)SENT_SACKED);
    else if (clock && sack(c) && i && la__rack_remaining(t, c, s, 0)) /* too young */
      continue;
    la__recovery_lost(c, i, &n);
  }
  la__sent_tidy(&q->sent);
}

static void loss_state(struct conn *c) {
  struct recovery *r = &c->sndq->rec;
  r->state = LA_CA_LOSS;
  r->high_seq = r->recover = c->snd_nxt;
  r->flags &= (uint16_t) ~(REC_TLP | REC_TLP_DUE | REC_FRTO | REC_HOLD | REC_REOPENED);
}

/* RFC 6298 5.4, 5681 3.1. The head goes again at once: the pipe and a segment is what cwnd then allows. */
void la__recovery_timeout(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  struct recovery *r = &q->rec;
  bool first = r->state < LA_CA_RECOVERY,
       new_loss = r->state <= LA_CA_DISORDER || seq_leq(r->high_seq, c->snd_una) || (r->state == LA_CA_LOSS && !r->rtos);
  if (r->state <= LA_CA_DISORDER && c->reordering > t->cfg.dupthresh && la__sent_segments(&q->sent, SENT_SACKED) >= t->cfg.dupthresh)
    c->reordering = t->cfg.dupthresh; /* its degree was taken for greater than it is */
  lose_all(t, c, true);
  if (new_loss) {
    r->flags |= REC_RESTORE;
    la__cc_enter(t, c, CC_RTO);
    undo_init(c);
  }
  loss_state(c);
  if (t->cfg.frto && (first || r->rtos))
    r->flags |= REC_FRTO;
  if (r->rtos < UINT8_MAX)
    r->rtos++;
  c->cwnd = la__pipe(c) + c->mss;
  la__conn_dirty(t, c, TODO_DATA);
}

void la__recovery_resend(struct tcp *t, struct conn *c) {
  lose_all(t, c, false);
  loss_state(c);
  c->sndq->rec.flags &= (uint16_t) ~(REC_UNDO | REC_RESTORE);
  c->sndq->rec.flags |= REC_REOPENED;
  la__conn_dirty(t, c, TODO_DATA);
}

void la__recovery_reorder_timeout(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  struct news n = {.delivered = c->mss};
  la__rack_expired(t, c, &n);
  if (n.what & NEWS_LOST) {
    if (q->rec.state != LA_CA_RECOVERY) {
      enter_recovery(t, c, &n);
      la__prr(c, &n);
    }
    la__conn_dirty(t, c, TODO_DATA);
  }
  la__rto_arm(t, c);
}

void la__recovery_sent(struct tcp *t, struct conn *c, uint32_t lo, uint32_t hi, uint32_t last, uint32_t old_nxt, enum sent_kind kind) {
  struct sndq *q = c->sndq;
  if (!q)
    return;
  struct recovery *r = &q->rec;
  bool again = seq_lt(lo, old_nxt);
  if (kind == SENT_TAIL_PROBE) {
    r->flags = (uint16_t)((r->flags & ~(unsigned)(REC_TLP_DUE | REC_TLP_OLD)) | REC_TLP | (again ? REC_TLP_OLD : 0u));
    r->tlp_high = c->snd_nxt;
  }
  q->sent.slack = (c->srtt >> 8) * LA_US;    /* a 32nd */
  if (!again || kind == SENT_WINDOW_PROBE) { /* of a window probe only what is new */
    if (last != lo)
      la__sent_add(&q->sent, lo, last, c->mss, t->now);
    uint32_t from = seq_max(last, old_nxt);
    if (seq_gt(hi, from))
      la__sent_add(&q->sent, from, hi, hi - from, t->now);
  } else {
    la__sent_again(&q->sent, lo, seq_min(hi, old_nxt), t->now, kind == SENT_LOST_BEFORE);
    if (seq_gt(hi, old_nxt))
      la__sent_add(&q->sent, old_nxt, hi, hi - old_nxt, t->now);
  }
  if (reducing(r))
    r->prr_out += hi - lo;
  if (kind != SENT_LOST_BEFORE)
    return;
  if (!(r->flags & REC_STAMP)) {
    r->flags |= REC_STAMP;
    r->retrans_stamp = tcp_ts_now(t, c->ts_off);
  }
  r->undo_none = false;
  r->undo_retrans++;
}
