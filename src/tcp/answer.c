/* SPDX-License-Identifier: MIT */
/* Answers that belong to no connection: descriptors in a bounded ring for each link, drained by output.c before the dirty list. */
#include "base/bytes.h"
#include "tcp/tcp.h"

bool la__answers_room(const struct tcp *t, uint8_t link, uint32_t n) {
  const struct tcp_link *l = &t->link[link];
  return l->ring && t->cfg.replies - (l->head - l->tail) >= n;
}

struct answer *la__answer(struct tcp *t, uint8_t link, const struct key *k) {
  struct tcp_link *l = &t->link[link];
  if (!la__answers_room(t, link, 1)) {
    t->stats.drops[LA_DROP_LINK_FULL]++;
    return 0;
  }
  struct answer *a = &l->ring[l->head++ & (t->cfg.replies - 1)];
  memset(a, 0, sizeof *a);
  a->key = *k;
  a->seg.sport = k->lport;
  a->seg.dport = k->rport;
  a->ttl = t->cfg.ttl;
  return a;
}

/* RFC 9293 3.5.2, groups 1 and 2: SEQ = SEG.ACK where there is one; else SEQ = 0 and ACK = SEG.SEQ + SEG.LEN. Never to a RST. */
void la__answer_rst(struct tcp *t, const struct key *k, const struct tcp_seg *seg, const struct path *path, enum la_state st) {
  if (seg->flags & LA_RST)
    return;
  if ((st == LA_CLOSED || st == LA_LISTEN) && !la__bucket_take(&t->rst, t->cfg.rst_per_sec, t->now, &t->prng)) {
    t->stats.rst_limited++;
    return;
  }
  struct answer *a = la__answer(t, path->link, k);
  if (!a)
    return;
  a->state = (uint8_t)st;
  a->seg.flags = LA_RST;
  if (seg->flags & LA_ACK) {
    a->seg.seq = seg->ack;
  } else {
    a->seg.flags = LA_RST | LA_ACK;
    a->seg.ack = seg->seq + tcp_seg_len(seg);
  }
}

/*
 * Stamps are 16 bits of 2^23 ns: a wrap (9 minutes) can only let one more wait. 0 stands for never, so that unit 0 is
 * written down as the one before; never as a later one, for which the difference would be large and each answer free.
 */
bool la__gap_passed(const struct tcp *t, uint16_t *at) {
  uint16_t unit = (uint16_t)(t->now >> 23);
  uint16_t gap = (uint16_t)((t->cfg.challenge_gap + (1u << 23) - 1) >> 23);
  if (*at && (uint16_t)(unit - *at) < gap)
    return false;
  *at = unit ? unit : UINT16_MAX;
  return true;
}
