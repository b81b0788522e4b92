/* SPDX-License-Identifier: MIT */
/* RFC 6298, in microseconds. srtt is kept times 8 and rttvar times 4, so that the gains 1/8 and 1/4 lose nothing. */
#include "tcp/tcp.h"

enum { MIN_RTT_MOST = (1 << 24) - 1 };

void la__rtt_sample(struct conn *c, la_time rtt) {
  la_time us64 = rtt / LA_US;
  uint32_t us = us64 > 120000000 ? 120000000 : us64 == 0 ? 1 : (uint32_t)us64;
  uint32_t least = us < MIN_RTT_MOST ? us : MIN_RTT_MOST;
  if (c->min_rtt == 0 || least < c->min_rtt)
    c->min_rtt = least & MIN_RTT_MOST;
  if (c->srtt == 0) { /* (2.2) */
    c->srtt = us << 3;
    c->rttvar = us << 1;
    return;
  }
  uint32_t srtt = c->srtt >> 3; /* (2.3) */
  uint32_t err = us > srtt ? us - srtt : srtt - us;
  c->rttvar = c->rttvar - (c->rttvar >> 2) + err;
  c->srtt = c->srtt - srtt + us;
  if (c->srtt == 0)
    c->srtt = 1;
}

/* A SYN that was retransmitted leaves no sample: then 3 s for data (5.7). */
la_time la__rto(const struct tcp *t, const struct conn *c) {
  la_time rto;
  if (c->srtt == 0) {
    rto = t->cfg.rto_initial;
    if (c->flags & CF_SYN_LOST && c->flags & CF_ACKED_SYN && rto < 3 * LA_SEC)
      rto = 3 * LA_SEC;
  } else {
    la_time var = c->rttvar * LA_US;
    rto = (c->srtt >> 3) * LA_US + (var > t->cfg.rto_var_min ? var : t->cfg.rto_var_min);
    if (rto < t->cfg.rto_min)
      rto = t->cfg.rto_min;
  }
  return rto > t->cfg.rto_max ? t->cfg.rto_max : rto;
}

la_time la__rto_backed(const struct tcp *t, const struct conn *c) {
  la_time rto = la__rto(t, c);
  for (unsigned i = 0; i < c->backoff && rto < t->cfg.rto_max; i++)
    rto *= 2;
  return rto < t->cfg.rto_max ? rto : t->cfg.rto_max;
}
