/* SPDX-License-Identifier: MIT */
/*
 * ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5461, RFC 5927). Only one that quotes a sequence number in flight
 * counts: whoever cannot see the traffic cannot guess it. From a router on the way it is soft: reported, never fatal (MUST-56). From
 * the destination host itself, an unreachable port or protocol ends SYN-SENT at once, and a synchronized connection
 * only when what it quotes has been retransmitted without progress.
 */
#include "base/seq.h"
#include "tcp/tcp.h"

static int error_of(enum icmp_kind kind) {
  switch (kind) {
  case ICMP_PORT_UNREACH:
  case ICMP_PROTO_UNREACH:
    return LA_ECONNREFUSED;
  case ICMP_NET_UNREACH:
    return LA_ENETUNREACH;
  default:
    return LA_EHOSTUNREACH;
  }
}

/* The sequence number of a keepalive probe counts too: it is the only thing under way then. */
static bool in_flight(const struct conn *c, uint32_t seq) {
  if (c->keep_sent && seq + 1 == c->snd_nxt)
    return true;
  return c->snd_una != c->snd_nxt && seq_within(seq, c->snd_una, c->snd_nxt - c->snd_una);
}

bool la__tcp_icmp(struct tcp *t, const struct key *k, enum icmp_kind kind, uint32_t seq, bool from_host) {
  if (kind == ICMP_SOURCE_QUENCH || kind == ICMP_TOO_BIG || kind == ICMP_OTHER) /* MUST-55 */
    return false;
  ref_t r = la__lookup(t, k, la__key_hash(t, k));
  if (r == REF_NONE || ref_kind(r) != REF_CONN)
    return false;
  struct conn *c = la__conn_at(t, r);
  if (!in_flight(c, seq))
    return false;
  int err = error_of(kind);
  bool hard = from_host && (kind == ICMP_PORT_UNREACH || kind == ICMP_PROTO_UNREACH);
  bool stuck = c->state == LA_SYN_SENT || (c->backoff > 0 && !t->cfg.icmp_soft);
  if (hard && stuck && c->clock == CLK_RTX) {
    la__conn_kill(t, c, LA_ON_ICMP, (struct ending){LA_BY_NETWORK, LA_HOW_SILENT, LA_WHY_ICMP, err}, false);
    return true;
  }
  c->soft_err = (int8_t)err;
  la__conn_event(t, c, EV_TROUBLE);
  return true;
}
