/* SPDX-License-Identifier: MIT */
/*
 * Explicit congestion notification (RFC 3168), as Linux does it.
 *
 * Agreed by a SYN with ECE and CWR that a SYN-ACK with ECE alone answers. Then bytes that go for the first time travel as ECT(0);
 * pure ACKs, probes and what is sent again do not (6.1.4 to 6.1.6). Who receives CE echoes it by ECE on all it sends until a segment
 * with CWR comes; who receives the echo reduces cwnd as for a loss, once in a window, and says CWR on the next new bytes. A reduction
 * after a loss is told by CWR too (6.1.2).
 */
#include "base/seq.h"
#include "tcp/tcp.h"
#include "wire/ip.h"

bool la__ecn_asked(const struct tcp *t, const struct tcp_seg *syn) {
  unsigned both = LA_ECE | LA_CWR;
  return t->cfg.ecn && (syn->flags & both) == both && syn->ecn == IP_ECN_NONE; /* a SYN that is ECT itself is another protocol's */
}

/* A segment of text that has been accepted. CWR is about what was marked before: CE on the same segment is news. */
void la__ecn_text(struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  if (!(c->net & NET_ECN))
    return;
  if (seg->flags & LA_CWR) {
    c->net &= (uint8_t)~NET_ECE;
    la__conn_dirty(t, c, TODO_ACK); /* the sender's window may be one segment now: it must not wait for a delayed ACK */
  }
  if (seg->ecn != IP_ECN_NONE)
    c->net |= NET_ECN_SEEN;
  if (seg->ecn == IP_CE) {
    if (!(c->net & NET_ECE)) {
      la__ack_quick(t, c, 2);
      la__conn_dirty(t, c, TODO_ACK);
    }
    c->net |= NET_ECE;
  }
}

static void count(struct tcp *t, struct conn *c, uint32_t acked) {
  struct wish *w = acked ? la__conn_wish(t, c) : 0;
  if (w)
    w->delivered_ce += (acked + c->mss - 1u) / c->mss;
}

bool la__ecn_ack(struct tcp *t, struct conn *c, const struct tcp_seg *seg, uint32_t acked) {
  if (!(c->net & NET_ECN) || !(seg->flags & LA_ECE))
    return false;
  count(t, c, acked);
  return !(c->net & NET_CWR); /* else the peer could not know yet that cwnd has been reduced */
}

void la__ecn_mark(struct conn *c, struct tcp_seg *seg, uint8_t *tos, bool fresh) {
  if (!(c->net & NET_ECN))
    return;
  *tos &= (uint8_t)~IP_ECN_MASK;
  if (fresh) {
    *tos |= IP_ECT0;
    if (c->net & NET_CWR)
      seg->flags |= LA_CWR;
    c->net &= (uint8_t)~NET_CWR;
  }
  if (c->net & NET_ECE)
    seg->flags |= LA_ECE;
}
