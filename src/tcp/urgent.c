/* SPDX-License-Identifier: MIT */
/*
 * The sixth step: urgent data, received and told, never sent (RFC 6093 5). It stays in its place in the stream; what is kept is where
 * it ends. RCV.UP is the number behind the last urgent byte (MUST-62), which may be ahead of what has come, and of the window.
 */
#include "base/seq.h"
#include "tcp/tcp.h"

static uint32_t read_position(const struct conn *c) {
  return c->rcv_nxt - (c->flags & CF_FIN_RCVD ? 1u : 0u) - (c->rcvq ? c->rcvq->rope.len : 0u);
}

uint32_t la__urgent(const struct conn *c) {
  uint32_t from = read_position(c);
  return c->rcvq && c->rcvq->urgent && seq_gt(c->rcvq->urgent_end, from) ? c->rcvq->urgent_end - from : 0;
}

/* Told when there was none pending, and whenever the pointer advances (MUST-32). */
void la__urgent_input(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  uint32_t end = seg->seq + seg->urp;
  bool open = c->state == LA_ESTABLISHED || c->state == LA_FIN_WAIT_1 || c->state == LA_FIN_WAIT_2;
  if (!open || c->flags & CF_APP_CLOSED || !seq_gt(end, read_position(c)))
    return;
  struct rcvq *q = la__conn_rcvq(t, c);
  if (!q || (q->urgent && seq_leq(end, q->urgent_end))) /* without memory it comes again with the next segment */
    return;
  q->urgent = true;
  q->urgent_end = end;
  la__conn_event(t, c, EV_URGENT);
}
