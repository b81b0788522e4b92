/* SPDX-License-Identifier: MIT */
/*
 * TIME-WAIT: 48 bytes that keep a pair from being mistaken for its next incarnation, and answer a lost final ACK.
 *
 * On entry the record takes over the connection's entry in the table; the connection lives on, detached, until the
 * application has read, closed and taken END. All records wait equally long, 2MSL, so they stand on one list in the order
 * of their ends; the exact FIN moves its record to the tail. RST is ignored (RFC 1337); whatever else comes draws at most one
 * ACK in challenge_gap; a SYN may take over under RFC 6191.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/seq.h"
#include "tcp/pairs.h"
#include "tcp/tcp.h"
#include "tcp/view.h"

static void tw_ack_as(struct tcp *t, const struct tw *w, const struct key *k, uint32_t ts_off) {
  struct answer *a = la__answer(t, w->link, k);
  if (!a)
    return;
  a->seg.flags = LA_ACK;
  a->seg.seq = w->snd_nxt;
  a->seg.ack = w->rcv_nxt;
  a->seg.wnd = w->wnd;
  if (w->flags & TW_TS)
    a->seg.opt = (struct tcp_opts){.have = TCP_OPT_TS, .ts_val = tcp_ts_now(t, ts_off), .ts_ecr = w->ts_recent};
  a->state = LA_TIME_WAIT;
  a->fresh = 2;
}

static void tw_ack(struct tcp *t, const struct tw *w, const struct key *k) { tw_ack_as(t, w, k, la__ts_offset(t, k)); }

static void tw_recycle_oldest(struct tcp *t) {
  t->stats.time_wait_recycled++;
  la__tw_del(t, t->tw_list.head, LA_ON_POLICY);
}

static struct tw *tw_new(struct tcp *t, bool six, ref_t *r) {
  if (t->cfg.time_wait == 0 || t->cfg.max_time_wait == 0)
    return 0;
  while (t->tw[0].used + t->tw[1].used >= t->cfg.max_time_wait)
    tw_recycle_oldest(t);
  uint32_t index;
  struct tw *w = la__slab_new(&t->tw[six], &index);
  for (unsigned tries = 0; !w && t->tw_list.head != FIFO_NONE && tries < 8; tries++) { /* memory is short: the oldest gives way */
    tw_recycle_oldest(t);
    w = la__slab_new(&t->tw[six], &index);
  }
  if (w)
    *r = ref_make(REF_TW, six, index);
  return w;
}

static void tw_fill(struct tcp *t, struct tw *w, struct conn *c, const struct key *k) {
  w->snd_nxt = c->snd_nxt;
  w->rcv_nxt = c->rcv_nxt;
  w->ts_recent = c->ts_recent;
  w->lport = c->lport;
  w->rport = c->rport;
  w->wnd = la__window_field(t, c);
  w->link = c->link;
  w->flags = (uint8_t)((c->flags & CF_TS ? TW_TS : 0) | (c->flags & CF_REUSE ? TW_REUSE : 0));
  w->due = t->now + 2 * t->cfg.msl;
  la__addr_store(w->addr, k);
}

/* The last ACK, when no record will send it. */
static void last_ack(struct tcp *t, struct conn *c, const struct key *k) {
  struct tw w = {.snd_nxt = c->snd_nxt, .rcv_nxt = c->rcv_nxt, .ts_recent = c->ts_recent, .link = c->link};
  w.wnd = la__window_field(t, c);
  w.flags = c->flags & CF_TS ? TW_TS : 0;
  tw_ack_as(t, &w, k, c->ts_off);
}

void la__tw_enter(struct tcp *t, struct conn *c, enum la_cause cause) {
  struct key k;
  la__conn_key(c, &k);
  bool six = c->flags & CF_IP6, ack = c->todo & TODO_ACK || c->rcv_acked != c->rcv_nxt;
  ref_t r = REF_NONE;
  la__state(t, c, cause);
  struct tw *w = tw_new(t, six, &r);
  struct ending e;
  la__conn_release_ending(c, &e);
  if (w) {
    tw_fill(t, w, c, &k);
    la__pair_swap(t, &k, c->self, r);
    la__fifo_push(&t->tw_list, r);
    if (ack)
      tw_ack_as(t, w, &k, c->ts_off);
    c->flags |= CF_DETACHED; /* the record holds the port now */
  } else if (ack) {
    last_ack(t, c, &k);
  }
  la__conn_detach(t, c);
  la__conn_drop_send(t, c);
  c->todo = 0;
  c->acks_owed = 0;
  la__conn_end(t, c, e, w ? w->due : 0);
  if (!w)
    la__state(t, c, LA_ON_POLICY);
  la__conn_maybe_free(t, c);
}

void la__tw_forget(struct tcp *t, ref_t r, enum la_cause cause) {
  struct tw *w = la__tw_at(t, r);
  struct key k;
  la__tw_key(w, ref_six(r), &k);
  struct ending e = {cause == LA_ON_2MSL ? LA_BY_CLOCK : LA_BY_POLICY, LA_HOW_SILENT, LA_WHY_NONE, LA_OK};
  la__record_end(t, &k, 2, LA_TIME_WAIT, e);
  la__trace_record(t, &k, LA_TIME_WAIT, cause, true, 2);
  la__account_time(t, LA_TIME_WAIT, w->due - 2 * t->cfg.msl);
  la__port_drop(&t->ports, t->mem, w->lport, w->flags & TW_REUSE);
  la__fifo_del(&t->tw_list, r);
  la__slab_del(&t->tw[ref_six(r)], ref_index(r));
}

void la__tw_del(struct tcp *t, ref_t r, enum la_cause cause) {
  struct key k;
  la__tw_key(la__tw_at(t, r), ref_six(r), &k);
  la__pair_del(t, &k, r);
  la__tw_forget(t, r, cause);
}

/* RFC 6191 2, with RFC 9293 MAY-2 where there are no timestamps. */
static bool may_take_over(const struct tcp *t, const struct tw *w, const struct tcp_seg *seg) {
  bool now_ts = seg->opt.have & TCP_OPT_TS && t->cfg.timestamps, later = seq_gt(seg->seq, w->rcv_nxt);
  if (w->flags & TW_TS && now_ts)
    return seq_gt(seg->opt.ts_val, w->ts_recent) || (seg->opt.ts_val == w->ts_recent && later);
  return w->flags & TW_TS ? later : now_ts || later;
}

static void tw_restart(struct tcp *t, struct tw *w, ref_t r) {
  w->due = t->now + 2 * t->cfg.msl;
  la__fifo_del(&t->tw_list, r);
  la__fifo_push(&t->tw_list, r);
}

/* By the window that was announced last, unscaled: the record does not remember more. */
static bool tw_acceptable(const struct tw *w, const struct tcp_seg *seg) {
  struct view v = {.rcv_nxt = w->rcv_nxt, .rcv_wnd = w->wnd};
  return la__view_seq(&v, seg) == VIEW_IN;
}

bool la__tw_input(struct tcp *t, ref_t r, const struct key *k, const struct tcp_seg *seg, const struct path *path) {
  struct tw *w = la__tw_at(t, r);
  uint32_t len = tcp_seg_len(seg);
  unsigned f = seg->flags & (LA_SYN | LA_ACK | LA_FIN | LA_RST);
  if (f & LA_RST) {
    t->stats.time_wait_rst_ignored++;
    la__drop(t, k, 0, seg, LA_DROP_TCP_TIMEWAIT_RST);
    return false;
  }
  if (f == LA_SYN && la__listener_find(t, k, path->in) && may_take_over(t, w, seg))
    return true;
  bool stamped = w->flags & TW_TS && seg->opt.have & TCP_OPT_TS, old = stamped && seq_lt(seg->opt.ts_val, w->ts_recent);
  if (!(f & LA_SYN) && w->flags & TW_TS && !stamped && !t->cfg.bare_segments) {
    la__drop(t, k, 0, seg, LA_DROP_TCP_RFC7323_PAWS); /* RFC 7323 3.2: silently */
    return false;
  }
  if ((f & (LA_SYN | LA_FIN | LA_ACK)) == (LA_FIN | LA_ACK) && seg->seq + len == w->rcv_nxt && !old) {
    if (stamped)
      w->ts_recent = seg->opt.ts_val; /* the last one seen: what a SYN is compared with (RFC 6191 2) */
    tw_ack(t, w, k);                  /* the final ACK was lost: E-19 */
    tw_restart(t, w, r);
    return false;
  }
  la__drop(t, k, 0, seg, old ? LA_DROP_TCP_RFC7323_PAWS : LA_DROP_TCP_TIMEWAIT);
  if (!(f & (LA_ACK | LA_SYN)) && (f & LA_FIN || (!old && tw_acceptable(w, seg))))
    return false; /* fifth step: no ACK bit */
  if (f == LA_ACK && len == 0 && seg->seq == w->rcv_nxt && seq_leq(seg->ack, w->snd_nxt))
    return false; /* an ACK that asks nothing */
  if (la__gap_passed(t, &w->answer_at))
    tw_ack(t, w, k);
  return false;
}

void la__tw_tick(struct tcp *t) {
  while (t->tw_list.head != FIFO_NONE && la__tw_at(t, t->tw_list.head)->due <= t->now)
    la__tw_del(t, t->tw_list.head, LA_ON_2MSL);
}

/* Only with timestamps, which tell the incarnations apart, and once they have moved on (RFC 6191 3; Linux's tcp_tw_reuse). */
bool la__tw_reusable(const struct tcp *t, ref_t r) {
  const struct tw *w = la__tw_at(t, r);
  return w->flags & TW_TS && t->cfg.timestamps && t->now + 2 * t->cfg.msl > w->due + LA_SEC;
}
