/* SPDX-License-Identifier: MIT */
/*
 * ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5461, RFC 5927). Only one that quotes a sequence number in flight
 * counts: whoever cannot see the traffic cannot guess it. From a router on the way it is soft: reported, never fatal (MUST-56). From
 * the destination host itself, an unreachable port or protocol ends SYN-SENT at once, and a synchronized connection
 * only when what it quotes has been retransmitted without progress. When not even the next hop answers on our own link (ARP, Neighbor
 * Discovery), that is no router's opinion: SYN-SENT ends at once, as on Linux. Packet too big is pmtu.c's.
 */
#include "base/seq.h"
#include "tcp/tcp.h"

/* The sequence number of a keepalive probe counts too: it is the only thing under way then. */
static bool in_flight(const struct conn *c, uint32_t seq) {
  if (c->keep_sent && seq + 1 == c->snd_nxt)
    return true;
  return c->snd_una != c->snd_nxt && seq_within(seq, c->snd_una, c->snd_nxt - c->snd_una);
}

bool la__tcp_icmp(struct tcp *t, const struct key *k, const struct icmp_error *e) {
  if (e->kind < ICMP_NET_UNREACH || e->kind == ICMP_SOURCE_QUENCH) /* MUST-55 */
    return false;
  ref_t r = la__lookup(t, k, la__key_hash(t, k));
  if (r == REF_NONE || ref_kind(r) != REF_CONN)
    return false;
  struct conn *c = la__conn_at(t, r);
  if (!in_flight(c, e->seq))
    return false;
  if (e->kind == ICMP_TOO_BIG)
    return la__pmtu_too_big(t, c, e);
  int err = la__icmp_err(e->kind);
  bool hard = e->from_host && (e->kind == ICMP_PORT_UNREACH || e->kind == ICMP_PROTO_UNREACH);
  bool stuck = c->state == LA_SYN_SENT || (c->backoff > 0 && !t->cfg.icmp_soft);
  if (hard && stuck && (c->clock == CLK_RTX || c->clock == CLK_REO || c->clock == CLK_TLP)) {
    la__conn_kill(t, c, LA_ON_ICMP, (struct ending){LA_BY_NETWORK, LA_HOW_SILENT, LA_WHY_ICMP, err}, false);
    return true;
  }
  if (e->neighbour && c->state == LA_SYN_SENT) {
    la__conn_kill(t, c, LA_ON_TIMEOUT, (struct ending){LA_BY_NETWORK, LA_HOW_SILENT, LA_WHY_NEIGHBOUR, err}, false);
    return true;
  }
  c->soft_err = (int8_t)err;
  la__conn_event(t, c, EV_TROUBLE);
  return true;
}
