/* SPDX-License-Identifier: MIT */
/* What a connection has been through, whom it waits for, and what would end it: all from what its record knows anyway. */
#include "sock/story.h"

#include "base/bytes.h"

static enum la_state ended_in(const struct conn *c) { return (enum la_state)c->end.at_state; }

la_time la__since(const struct tcp *t, const struct conn *c) {
  if (!(c->flags & CF_ENDED))
    return la__state_since(c);
  return c->state == LA_TIME_WAIT && la__state_now(t, c) == LA_CLOSED ? c->life_at : c->clock_at;
}

static void step(la_story *s, enum la_state st, la_time at) {
  if (s->nsteps < LA_STEPS)
    s->step[s->nsteps++] = (la_step){st, at};
}

/* The stages say when, and the state in which it is, or ended, says which. */
static void steps(const struct tcp *t, const struct conn *c, la_story *s) {
  enum la_state now = la__state_now(t, c), last = c->flags & CF_ENDED ? ended_in(c) : (enum la_state)c->state;
  la_time at[3];
  for (unsigned i = 0; i < 3; i++)
    at[i] = c->stage_ms[i] ? c->opened + (c->stage_ms[i] - 1) * LA_MS : LA_NEVER;
  bool passive = c->flags & CF_PASSIVE, peer_first = last == LA_CLOSE_WAIT || last == LA_LAST_ACK;
  step(s, passive || (last == LA_SYN_RECEIVED && at[0] == LA_NEVER) ? LA_SYN_RECEIVED : LA_SYN_SENT, c->opened);
  if (at[0] != LA_NEVER)
    step(s, LA_ESTABLISHED, at[0]);
  if (at[1] != LA_NEVER)
    step(s, peer_first ? LA_CLOSE_WAIT : LA_FIN_WAIT_1, at[1]);
  if (at[2] != LA_NEVER)
    step(s, last == LA_TIME_WAIT ? (c->flags & CF_SIMULTANEOUS ? LA_CLOSING : LA_FIN_WAIT_2) : last, at[2]);
  if (!(c->flags & CF_ENDED))
    return;
  if (last == LA_TIME_WAIT)
    step(s, LA_TIME_WAIT, c->clock_at);
  if (now == LA_CLOSED)
    step(s, LA_CLOSED, la__since(t, c));
}

/* Whose turn it is. What ICMP says of the way makes it the network's. */
static enum la_who blame(const struct conn *c, enum la_waiting w) {
  switch (w) {
  case LA_WAITS_APP_READ:
  case LA_WAITS_APP_CLOSE:
    return LA_BY_LOCAL;
  case LA_WAITS_2MSL:
    return LA_BY_CLOCK;
  case LA_WAITS_NOTHING:
    return LA_BY_NOBODY;
  default:
    return c->soft_err == LA_ENETUNREACH || c->soft_err == LA_EHOSTUNREACH ? LA_BY_NETWORK : LA_BY_PEER;
  }
}

static void earlier(la_story *s, enum la_clock clock, la_time at) {
  if (at < s->clock_at) {
    s->clock = clock;
    s->clock_at = at;
  }
}

static void clocks(const struct tcp *t, const struct conn *c, la_story *s) {
  static const uint8_t kind[] = {[CLK_NONE] = LA_CLOCK_NONE,      [CLK_RTX] = LA_CLOCK_RETRANSMIT, [CLK_PERSIST] = LA_CLOCK_PERSIST,
                                 [CLK_KEEP] = LA_CLOCK_KEEPALIVE, [CLK_REO] = LA_CLOCK_REORDER,    [CLK_TLP] = LA_CLOCK_TAIL_PROBE};
  earlier(s, LA_CLOCK_LIMIT, la__life_end(c));
  if (c->clock != CLK_NONE)
    earlier(s, (enum la_clock)kind[c->clock], c->clock_at);
  earlier(s, LA_CLOCK_DELAYED_ACK, la__ack_at(t, c));
  if (c->sndq && c->sndq->pace_wait)
    earlier(s, LA_CLOCK_PACING, c->sndq->pace_at);
}

/* Its limit; else, while the peer is probed, the probe that remains unanswered last. */
static void outlook(const struct tcp *t, const struct conn *c, la_story *s) {
  struct ending e = {LA_BY_NOBODY, LA_HOW_OPEN, LA_WHY_NONE, LA_OK};
  const struct wish *w = conn_wish(c);
  s->ends_at = la__ends_at(t, c);
  if (s->ends_at != LA_NEVER) {
    e = la__life_ending(c, s->ends_at);
  } else if (c->clock == CLK_KEEP) {
    unsigned left = w->keep_cnt > c->keep_sent ? w->keep_cnt - c->keep_sent : 0;
    s->ends_at = la__after(c->clock_at, left * w->keep_intvl * LA_SEC);
    e = (struct ending){LA_BY_CLOCK, LA_HOW_RESET, LA_WHY_KEEPALIVE, LA_ETIMEDOUT};
  }
  s->end_who = e.who;
  s->end_how = e.how;
  s->end_why = e.why;
}

int la_story_get(la_stack *stack, la_conn h, la_story *s) {
  const struct tcp *t = &stack->tcp;
  const struct conn *c = la__conn_handle(t, h);
  if (!c)
    return LA_EBADF;
  memset(s, 0, sizeof *s);
  steps(t, c, s);
  s->waiting = la__waiting(t, c);
  s->clock_at = s->ends_at = LA_NEVER;
  if (c->flags & CF_ENDED) {
    s->blame = s->end_who = (enum la_who)c->end.who;
    s->end_how = (enum la_how)c->end.how;
    s->end_why = (enum la_why)c->end.why;
    s->ends_at = la__ends_at(t, c);
    if (s->ends_at != LA_NEVER)
      earlier(s, LA_CLOCK_2MSL, s->ends_at);
    return LA_OK;
  }
  s->blame = blame(c, s->waiting);
  clocks(t, c, s);
  outlook(t, c, s);
  return LA_OK;
}
