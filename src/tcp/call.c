/* SPDX-License-Identifier: MIT */
/* CLOSE and ABORT, RFC 9293 3.10.4 and 3.10.5. */
#include "tcp/tcp.h"

/* E-22: a FIN after what is queued; never a second one. */
void la__tcp_shutdown(struct tcp *t, struct conn *c, enum la_cause cause) {
  if (c->flags & CF_FIN_QUEUED)
    return;
  switch (c->state) {
  case LA_SYN_RECEIVED:
    c->flags |= CF_FIN_QUEUED; /* the state follows when the SYN is acknowledged */
    return;
  case LA_ESTABLISHED:
  case LA_CLOSE_WAIT:
    c->flags |= CF_FIN_QUEUED;
    la__state(t, c, cause);
    la__conn_dirty(t, c, TODO_DATA);
    return;
  default:
    return;
  }
}

la_time la__fin_wait_2(const struct tcp *t, const struct conn *c) {
  int32_t wish = conn_wish(c)->fin_wait_2;
  return wish < 0 ? t->now : la__after(t->now, wish ? (la_time)wish * LA_MS : t->cfg.fin_wait_2);
}

void la__tcp_more(struct tcp *t, struct conn *c, bool more) {
  struct wish *w = more ? la__conn_wish(t, c) : c->wish;
  if (!w) /* a hint: without memory it is not taken */
    return;
  if (!more && w->flags & WISH_MORE)
    la__conn_dirty(t, c, TODO_DATA);
  w->flags = (uint8_t)(more ? w->flags | WISH_MORE : w->flags & ~WISH_MORE);
}

static void too_many_orphans(struct tcp *t, struct conn *c) {
  t->stats.orphans_aborted++;
  la__conn_kill(t, c, LA_ON_POLICY, (struct ending){LA_BY_POLICY, LA_HOW_RESET, LA_WHY_MEMORY, LA_ECONNABORTED}, true);
}

/* The application is done in both directions. */
void la__tcp_close(struct tcp *t, struct conn *c) {
  if (c->flags & CF_APP_CLOSED)
    return;
  bool unread = c->rcvq && c->rcvq->rope.len;
  if (c->flags & CF_ENDED) {
    c->flags |= CF_APP_CLOSED;
    c->events &= EV_END;
    la__conn_drop_recv(t, c);
    la__conn_maybe_free(t, c);
    return;
  }
  if (c->state == LA_SYN_SENT) {
    c->flags |= CF_APP_CLOSED;
    la__conn_kill(t, c, LA_ON_CLOSE, (struct ending){LA_BY_LOCAL, LA_HOW_SILENT, LA_WHY_CLOSE, LA_ECONNABORTED}, false);
    return;
  }
  if (unread || c->flags & CF_LINGER0) { /* SHLD-3; RFC 2525 2.17 */
    la__tcp_abort(t, c, unread ? LA_WHY_UNREAD : LA_WHY_LINGER);
    return;
  }
  if (c->state == LA_FIN_WAIT_2 && conn_wish(c)->fin_wait_2 < 0) {
    la__tcp_abort(t, c, LA_WHY_FIN_WAIT_2);
    return;
  }
  la__tcp_shutdown(t, c, LA_ON_CLOSE);
  c->flags |= CF_APP_CLOSED;
  c->events &= EV_END;
  la__post_forget(t, c);
  if (c->state == LA_FIN_WAIT_2) /* it was the application's to hold until now */
    la__life_clock(t, c, la__fin_wait_2(t, c));
  if (c->clock == CLK_NONE || c->clock == CLK_KEEP)
    la__rearm(t, c);
  if (c->clock == CLK_PERSIST && c->life_at == LA_NEVER) /* the answers to window probes keep it no longer */
    la__life_clock(t, c, la__limit(t, c));
  if (t->stats.orphans >= t->cfg.max_orphans)
    too_many_orphans(t, c);
  else
    la__conn_orphan(t, c, true);
}

/*
 * E-23: RST from SYN-RECEIVED to CLOSE-WAIT, nothing to say from the others. In the RFC's terms CLOSING and LAST-ACK begin when
 * the FIN has gone out; before that the peer must hear of what it will not get. Data that was lost unread is always told (SHLD-3).
 * In TIME-WAIT the record stays: it guards the pair.
 */
void la__tcp_abort(struct tcp *t, struct conn *c, enum la_why why) {
  if (c->flags & CF_ENDED) {
    la__tcp_close(t, c);
    return;
  }
  bool last = c->state == LA_CLOSING || c->state == LA_LAST_ACK;
  bool rst = c->state != LA_SYN_SENT && (!last || !(c->flags & CF_FIN_SENT) || why == LA_WHY_UNREAD);
  c->flags |= CF_APP_CLOSED;
  la__conn_kill(t, c, LA_ON_ABORT, (struct ending){LA_BY_LOCAL, rst ? LA_HOW_RESET : LA_HOW_SILENT, why, LA_ECONNABORTED}, rst);
}
