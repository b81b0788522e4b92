/* SPDX-License-Identifier: MIT */
/*
 * Expiries. A connection's node on the wheel fires at the earliest of its three clocks or, since clocks are moved later
 * lazily, before it; then it is only set anew.
 *
 *   ack_due   delayed ACK
 *   clock_at  retransmission (also of SYN) or what RACK-TLP puts in its place, persist, or keepalive
 *   life_at   the limit: SYN time-out, R2, user timeout, FIN-WAIT-2, la_close_by
 *
 * Half-open and TIME-WAIT records wait on expiry lists (listen.c, timewait.c).
 */
#include "base/check.h"
#include "tcp/tcp.h"

static void keepalive_expired(struct tcp *t, struct conn *c) {
  if (c->keep_sent >= conn_wish(c)->keep_cnt) {
    la__conn_kill(t, c, LA_ON_TIMEOUT, (struct ending){LA_BY_CLOCK, LA_HOW_RESET, LA_WHY_KEEPALIVE, LA_ETIMEDOUT}, true);
    return;
  }
  c->keep_sent++;
  la__clock_set(t, c, CLK_KEEP, t->now + conn_wish(c)->keep_intvl * LA_SEC);
  la__clocks_renew(t, c);
  la__conn_dirty(t, c, TODO_KEEP);
}

static void backoff(struct tcp *t, struct conn *c) {
  if (c->backoff < UINT8_MAX)
    c->backoff++;
  if (c->backoff == t->cfg.r1) { /* 3.8.3: R1 is told, SHLD-9 */
    c->soft_err = LA_ETIMEDOUT;
    la__conn_event(t, c, EV_TROUBLE);
  }
}

static void retransmit_expired(struct tcp *t, struct conn *c) {
  backoff(t, c);
  if (c->state == LA_SYN_SENT || c->state == LA_SYN_RECEIVED) {
    c->flags |= CF_SYN_LOST;
    la__clock_set(t, c, CLK_NONE, LA_NEVER); /* set again when the SYN goes out */
    la__conn_dirty(t, c, TODO_SYN);
    return;
  }
  la__clock_set(t, c, CLK_RTX, t->now + la__rto_backed(t, c));
  if (!c->sndq)
    la__conn_dirty(t, c, TODO_RTX);
  else if (!la__pmtu_timeout(t, c))
    la__recovery_timeout(t, c);
}

static void persist_expired(struct tcp *t, struct conn *c) {
  if (c->backoff < UINT8_MAX)
    c->backoff++; /* SHLD-30 */
  la_time gap = la__rto_backed(t, c);
  la__clock_set(t, c, CLK_PERSIST, t->now + gap);
  if (c->life_at == LA_NEVER) /* since the last one was answered; one that is lost must not be the end, however long the gap */
    la__life_clock(t, c, la__after(la__limit(t, c), conn_wish(c)->user_timeout ? 0 : 2 * gap));
  la__conn_dirty(t, c, TODO_PROBE);
}

struct ending la__life_ending(const struct conn *c, la_time at) {
  struct ending e = {LA_BY_CLOCK, LA_HOW_SILENT, conn_wish(c)->user_timeout ? LA_WHY_USER_TIMEOUT : LA_WHY_RETRANSMIT, LA_ETIMEDOUT};
  if (c->life_at > at) { /* la_close_by */
    e.how = LA_HOW_RESET;
    e.why = LA_WHY_USER_TIMEOUT;
  } else if (c->state == LA_SYN_SENT) {
    e.why = LA_WHY_SYN_TIMEOUT;
  } else if (c->state == LA_SYN_RECEIVED) {
    e.why = LA_WHY_SYN_ACK_TIMEOUT;
  } else if (c->state == LA_FIN_WAIT_2) {
    e.why = LA_WHY_FIN_WAIT_2;
    if (conn_wish(c)->fin_wait_2 < 0)
      e.how = LA_HOW_RESET;
  } else if (c->state == LA_LAST_ACK && !conn_wish(c)->user_timeout) {
    e.why = LA_WHY_LAST_ACK;
  }
  return e;
}

static void life_expired(struct tcp *t, struct conn *c) {
  struct ending e = la__life_ending(c, t->now);
  la__conn_kill(t, c, LA_ON_TIMEOUT, e, e.how == LA_HOW_RESET && c->state != LA_SYN_SENT);
}

static void expire(struct tcp *t, struct conn *c) {
  LA_CHECK(!(c->flags & CF_ENDED));
  if (la__life_end(c) <= t->now) {
    life_expired(t, c);
    return;
  }
  if (la__ack_at(t, c) <= t->now)
    la__ack_expired(t, c);
  if (c->sndq && c->sndq->pace_wait && c->sndq->pace_at <= t->now) {
    c->sndq->pace_wait = 0;
    la__conn_dirty(t, c, TODO_DATA);
  }
  if (c->clock != CLK_NONE && c->clock_at <= t->now) {
    switch (c->clock) {
    case CLK_RTX:
      retransmit_expired(t, c);
      break;
    case CLK_PERSIST:
      persist_expired(t, c);
      break;
    case CLK_REO:
      la__recovery_reorder_timeout(t, c);
      break;
    case CLK_TLP:
      la__tlp_expired(t, c);
      break;
    default:
      LA_CHECK(c->clock == CLK_KEEP);
      keepalive_expired(t, c);
      return; /* it may be gone */
    }
  }
  la__clocks_renew(t, c);
}

/* Any segment of the peer's shows that it lives: the idle time starts anew (MUST-26). */
void la__conn_touch(struct tcp *t, struct conn *c) {
  c->keep_sent = 0;
  if (c->clock == CLK_KEEP)
    la__clock_set(t, c, CLK_KEEP, t->now + conn_wish(c)->keep_idle * LA_SEC);
}

void la__tcp_tick(struct tcp *t) {
  struct wheel_node *n;
  if (t->half[0].used | t->half[1].used) {
    la__half_tick(t);
    la__admit_tick(t);
  }
  la__tw_tick(t);
  while ((n = la__wheel_pop(&t->wheel, t->now)))
    expire(t, (struct conn *)n);
}

static la_time earlier(la_time a, la_time b) { return a < b ? a : b; }

la_time la__tcp_deadline(const struct tcp *t) {
  if (t->event_head != REF_NONE || t->levent_head != UINT32_MAX || t->synack[HALF_NEW].head != FIFO_NONE || la__tcp_has_output(t))
    return t->now;
  la_time at = la__wheel_next(&t->wheel);
  for (unsigned i = 0; i < HALF_LISTS; i++)
    if (t->synack[i].head != FIFO_NONE)
      at = earlier(at, half_due(la__half_at(t, t->synack[i].head), t->now));
  if (t->tw_list.head != FIFO_NONE)
    at = earlier(at, tw_due(la__tw_at(t, t->tw_list.head), t->now));
  return at;
}
