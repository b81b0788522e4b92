/* SPDX-License-Identifier: MIT */
/*
 * ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5461, RFC 5927). Only one that quotes a sequence number in flight
 * counts: whoever cannot see the traffic cannot guess it. From a router on the way it is soft: reported, never fatal (MUST-56). From
 * the destination host itself, an unreachable port or protocol ends SYN-SENT at once, and a synchronized connection
 * only when what it quotes has been retransmitted without progress. When not even the next hop answers on our own link (ARP, Neighbor
 * Discovery), that is no router's opinion: SYN-SENT ends at once, as on Linux.
 *
 * Packet too big (RFC 1191, 8201) lowers the segment size of the connection that it quotes, never raises it, and never
 * below what every link must carry (IPv6) or every host take (IPv4): a forged one can cost little (RFC 5927 7). Nothing was lost
 * to congestion then: what is outstanding goes again at once, and the windows stay.
 */
#include "base/seq.h"
#include "tcp/tcp.h"

enum { MTU_LEAST4 = 576, MTU_LEAST6 = 1280 };

/* The sequence number of a keepalive probe counts too: it is the only thing under way then. */
static bool in_flight(const struct conn *c, uint32_t seq) {
  if (c->keep_sent && seq + 1 == c->snd_nxt)
    return true;
  return c->snd_una != c->snd_nxt && seq_within(seq, c->snd_una, c->snd_nxt - c->snd_una);
}

/* RFC 1191 5 and 7.1: a router that is older names no MTU; the next common one below the size of the packet is tried. */
static uint32_t plateau(uint32_t size) {
  static const uint16_t mtus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006};
  for (unsigned i = 0; i < sizeof mtus / sizeof *mtus; i++)
    if (mtus[i] < size)
      return mtus[i];
  return MTU_LEAST4;
}

static bool too_big(struct tcp *t, struct conn *c, const struct icmp_error *e) {
  bool six = c->flags & CF_IP6;
  uint32_t mtu = e->mtu == 0 && !six ? plateau(e->size) : e->mtu;
  if (six && mtu < MTU_LEAST6) /* RFC 8201 4 */
    return false;
  if (!six && mtu < MTU_LEAST4)
    mtu = MTU_LEAST4;
  uint32_t mss = mtu - (six ? IP6_HEADER : IP4_HEADER) - TCP_HEADER - (c->flags & CF_TS ? 12u : 0u);
  if (mtu >= e->size || mss >= c->mss || c->state < LA_ESTABLISHED)
    return false;
  c->mss = (uint16_t)mss;
  if (c->sndq && c->snd_una != c->snd_nxt)
    la__recovery_resend(t, c);
  la__rearm(t, c);
  return true;
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
    return too_big(t, c, e);
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
