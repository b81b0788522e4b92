/* SPDX-License-Identifier: MIT */
/*
 * Proportional rate reduction (RFC 6937 3): how cwnd comes down to ssthresh while losses are repaired, with its slow-start bound where
 * SND.UNA moves and nothing more is lost, else its conservative one. Its variables count bytes; what they allow is rounded up to whole
 * segments.
 */
#include "tcp/tcp.h"

/* cwnd as Linux counts it: whole segments. */
static uint32_t whole(const struct conn *c, uint64_t bytes) {
  uint64_t n = (bytes + c->mss - 1u) / c->mss * c->mss;
  return n < UINT32_MAX / 2 ? (uint32_t)n : UINT32_MAX / 2;
}

void la__prr(struct conn *c, const struct news *n) {
  struct recovery *r = &c->sndq->rec;
  uint32_t pipe = la__pipe(c), mss = c->mss, may;
  if (!n->delivered || !r->prr_from)
    return;
  r->prr_delivered += n->delivered;
  if (pipe > c->ssthresh) {
    uint32_t want = whole(c, ((uint64_t)c->ssthresh * r->prr_delivered + r->prr_from - 1) / r->prr_from);
    may = want > r->prr_out ? want - r->prr_out : 0;
  } else {
    may = r->prr_delivered > r->prr_out ? r->prr_delivered - r->prr_out : 0;
    if (may < n->delivered)
      may = n->delivered;
    if (r->state == LA_CA_RECOVERY && n->what & NEWS_ACKED && !(n->what & NEWS_LOST))
      may += mss;
    if (may > c->ssthresh - pipe)
      may = c->ssthresh - pipe;
  }
  if (may < mss && (!r->prr_out || (!(c->flags & CF_SACK) && n->what & NEWS_LOST))) /* the first goes again at once, and RFC 6582's next */
    may = mss;
  c->cwnd = pipe + may;
}
