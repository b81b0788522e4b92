/* SPDX-License-Identifier: MIT */
/*
 * Endings and drops: every one has a name, is counted and is traced. END is written into the connection's own slot, so that it
 * never needs memory.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "tcp/tcp.h"

void la__trace_in_put(struct tcp *t, const struct key *k, const struct conn *c, const struct tcp_seg *seg, enum la_state st, uint32_t wnd) {
  la_trace_rec *r = la__trace_rec(t, k, c, LA_TRACE_IN);
  la__trace_seg(r, seg);
  r->from = r->to = (uint8_t)st;
  r->wnd = wnd;
}

void la__drop(struct tcp *t, const struct key *k, const struct conn *c, const struct tcp_seg *seg, enum la_drop d) {
  t->stats.drops[d]++;
  la_trace_rec *r = la__trace_rec(t, k, c, LA_TRACE_DROP);
  if (!r)
    return;
  la__trace_seg(r, seg);
  r->drop = (uint8_t)d;
}

void la__record_end(struct tcp *t, const struct key *k, uint8_t fresh, enum la_state at, struct ending e) {
  la_trace_rec *r = la__trace_rec(t, k, 0, LA_TRACE_END);
  if (!r)
    return;
  r->fresh = fresh;
  r->from = (uint8_t)at;
  r->who = (uint8_t)e.who;
  r->how = (uint8_t)e.how;
  r->why = (uint8_t)e.why;
}

/* What an orderly release amounts to, from the flags that it left behind. */
void la__conn_release_ending(const struct conn *c, struct ending *e) {
  e->who = c->flags & CF_FIRST_LOCAL ? LA_BY_LOCAL : LA_BY_PEER;
  e->how = c->flags & CF_SIMULTANEOUS ? LA_HOW_SIMULTANEOUS : c->flags & CF_FIN_MERGED ? LA_HOW_THREE_SEGMENTS : LA_HOW_FOUR_SEGMENTS;
  e->why = LA_WHY_CLOSE;
  e->err = LA_OK;
}

static enum la_tw_carrier carrier(const struct conn *c, struct ending e, la_time tw_until) {
  if (e.how == LA_HOW_SIMULTANEOUS)
    return tw_until ? LA_TW_BOTH : LA_TW_PEER;
  if (tw_until)
    return LA_TW_LOCAL;
  return e.why == LA_WHY_CLOSE && c->flags & CF_FIRST_PEER ? LA_TW_PEER : LA_TW_NOBODY;
}

/* END and what la_end has beyond it: in fields that mean something else in other records, which la_trace_end_get alone reads. */
static void trace_end(struct tcp *t, const struct conn *c) {
  struct key k;
  la_end e;
  la__conn_key(c, &k);
  la__end_fill(t, c, &e);
  la_trace_rec *r = la__trace_rec(t, &k, c, LA_TRACE_END);
  r->who = c->end.who;
  r->how = c->end.how;
  r->why = c->end.why;
  r = la__trace_rec(t, 0, c, LA_TRACE_END_MORE);
  r->who = (uint8_t)e.first_fin;
  r->how = (uint8_t)e.time_wait;
  r->why = e.passive;
  r->cause = (uint8_t)-e.err;
  r->drop = (uint8_t)-e.soft_err;
  r->retransmit = c->fin_rtx;
  r->seq = e.retransmits;
  r->len = (uint32_t)(e.opened >> 32);
  r->wnd = (uint32_t)e.opened;
  la_time tw = e.time_wait_until ? e.time_wait_until - e.ended : 0;
  r->ack = (uint32_t)(tw >> 32);
  be32_put(r->local.b, e.in_state_ms[0]);
  be32_put(r->local.b + 4, e.in_state_ms[1]);
  be32_put(r->local.b + 8, e.in_state_ms[2]);
  be32_put(r->local.b + 12, e.in_state_ms[3]);
  be32_put(r->remote.b, (uint32_t)(e.bytes_in >> 32));
  be32_put(r->remote.b + 4, (uint32_t)e.bytes_in);
  be32_put(r->remote.b + 8, (uint32_t)(e.bytes_out >> 32));
  be32_put(r->remote.b + 12, (uint32_t)e.bytes_out);
  r->local_port = (uint16_t)(tw >> 16);
  r->remote_port = (uint16_t)tw;
}

bool la_trace_end_get(const la_trace_rec *end, const la_trace_rec *more, la_end *out) {
  if (end->type != LA_TRACE_END || more->type != LA_TRACE_END_MORE || end->conn_gen != more->conn_gen || !end->conn_gen)
    return false;
  memset(out, 0, sizeof *out);
  out->conn = (la_conn){end->conn_index, end->conn_gen};
  out->local = end->local;
  out->remote = end->remote;
  out->local_port = end->local_port;
  out->remote_port = end->remote_port;
  out->who = (enum la_who)end->who;
  out->how = (enum la_how)end->how;
  out->why = (enum la_why)end->why;
  out->state = (enum la_state)end->from;
  out->first_fin = (enum la_who)more->who;
  out->time_wait = (enum la_tw_carrier)more->how;
  out->passive = more->why;
  out->err = -(int)more->cause;
  out->soft_err = -(int)more->drop;
  out->fin_retransmits = more->retransmit;
  out->retransmits = more->seq;
  out->opened = (la_time)more->len << 32 | more->wnd;
  out->ended = end->at;
  la_time tw = (la_time)more->ack << 32 | (uint32_t)more->local_port << 16 | more->remote_port;
  out->time_wait_until = tw ? out->ended + tw : 0;
  for (unsigned i = 0; i < LA_STAGES; i++)
    out->in_state_ms[i] = be32_get(more->local.b + 4 * i);
  out->bytes_in = (uint64_t)be32_get(more->remote.b) << 32 | be32_get(more->remote.b + 4);
  out->bytes_out = (uint64_t)be32_get(more->remote.b + 8) << 32 | be32_get(more->remote.b + 12);
  return true;
}

/* `state` still is, or was, the one in which it ended: the caller says it in c->end.at_state by calling before the transition. */
void la__conn_end(struct tcp *t, struct conn *c, struct ending e, la_time tw_until) {
  LA_CHECK(!(c->flags & CF_ENDED));
  uint8_t at_state = c->state;
  c->flags |= CF_ENDED;
  c->end.who = (uint8_t)e.who;
  c->end.how = (uint8_t)e.how;
  c->end.why = (uint8_t)e.why;
  c->end.err = (int8_t)e.err;
  c->end.at_state = at_state;
  c->end.tw = (uint8_t)carrier(c, e, tw_until);
  c->clock = CLK_NONE;
  c->clock_at = t->now;
  c->life_at = tw_until;
  c->ack_due = 0;
  t->stats.ended++;
  la__account_end(t, e.why, la__first_fin(c));
  la__conn_orphan(t, c, false);
  if (t->trace.v)
    trace_end(t, c);
  la__conn_event(t, c, EV_END);
}

void la__conn_kill(struct tcp *t, struct conn *c, enum la_cause cause, struct ending e, bool rst) {
  la__conn_detach(t, c);
  la__conn_drop_send(t, c);
  if (e.who == LA_BY_LOCAL || e.who == LA_BY_POLICY || c->flags & CF_APP_CLOSED || !c->rcvq || (c->rcvq->rope.len == 0 && !c->rcvq->post))
    la__conn_drop_recv(t, c); /* else what has come in order may still be read */
  c->todo = 0;
  c->acks_owed = 0;
  if (c->flags & CF_APP_CLOSED) /* what waits to be told is of no interest any more */
    c->events = 0;
  la__conn_end(t, c, e, 0);
  la__state(t, c, cause);
  if (rst)
    la__conn_dirty(t, c, TODO_RST);
  la__conn_maybe_free(t, c);
}

static uint32_t stage_len(uint32_t from, uint32_t to) { return to > from ? to - from : 0; }

static void stages(const struct conn *c, uint32_t out[LA_STAGES]) {
  la_time total = (c->clock_at - c->opened) / LA_MS;
  uint32_t end = total >= UINT32_MAX ? UINT32_MAX : (uint32_t)total + 1;
  uint32_t from = 1;
  for (unsigned i = 0; i < LA_STAGES; i++)
    out[i] = 0;
  unsigned at = LA_STAGE_OPENING;
  for (unsigned i = 0; i < 3; i++)
    if (c->stage_ms[i]) {
      out[at] = stage_len(from, c->stage_ms[i]);
      from = c->stage_ms[i];
      at = i + 1;
    }
  out[at] = stage_len(from, end);
}

void la__end_fill(const struct tcp *t, const struct conn *c, la_end *out) {
  (void)t;
  memset(out, 0, sizeof *out);
  struct key k;
  la__conn_key(c, &k);
  out->conn = conn_handle(c);
  out->local = k.local;
  out->remote = k.remote;
  out->local_port = k.lport;
  out->remote_port = k.rport;
  out->who = (enum la_who)c->end.who;
  out->how = (enum la_how)c->end.how;
  out->why = (enum la_why)c->end.why;
  out->first_fin = c->flags & CF_FIRST_LOCAL ? LA_BY_LOCAL : c->flags & CF_FIRST_PEER ? LA_BY_PEER : LA_BY_NOBODY;
  out->state = (enum la_state)c->end.at_state;
  out->err = c->end.err;
  out->soft_err = c->soft_err;
  out->passive = (c->flags & CF_PASSIVE) != 0;
  out->time_wait = (enum la_tw_carrier)c->end.tw;
  out->time_wait_until = c->life_at;
  out->opened = c->opened;
  out->ended = c->clock_at;
  stages(c, out->in_state_ms);
  out->bytes_in = c->bytes_in;
  out->bytes_out = c->bytes_out;
  out->retransmits = c->retransmits;
  out->fin_retransmits = c->fin_rtx;
}
