/* SPDX-License-Identifier: MIT */
/* ICMP in: echo requests are answered, errors find the connection that they quote. */
#include "core/stack.h"

/* The quote must be of a packet of ours, which the error was sent to. */
static bool error_in(la_stack *s, const struct packet *p, const struct icmp_msg *m) {
  struct icmp_quote q;
  if (!la__icmp_quote(m, p->h.src.family, &q) || !la_addr_same(&q.ip.src, &p->h.dst))
    return false;
  if (q.ip.proto == IP_PROTO_UDP && m->kind != ICMP_SOURCE_QUENCH) { /* RFC 6633 */
    struct udp_ends ends = {.local = q.ip.src, .remote = q.ip.dst, .lport = q.sport, .rport = q.dport};
    ends.link = (uint8_t)(la__addr_link_local(&ends.remote) ? p->link : 0);
    return la__udp_error(&s->udp, &ends, la__icmp_err(m->kind));
  }
  if (q.ip.proto != IP_PROTO_TCP)
    return false;
  struct key k = {.local = q.ip.src, .remote = q.ip.dst, .lport = q.sport, .rport = q.dport};
  k.zone = la__addr_link_local(&k.remote) ? p->link : 0;
  struct icmp_error e = {m->kind, q.seq, q.ip.hlen + q.ip.len, m->mtu, la_addr_same(&p->h.src, &q.ip.dst), false};
  return la__tcp_icmp(&s->tcp, &k, &e);
}

enum la_drop la__rx_icmp(la_stack *s, const struct packet *p) {
  const struct ip_hdr *h = &p->h;
  struct icmp_msg m;
  bool six = h->src.family == 6;
  uint32_t pseudo = six ? la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_ICMP6, h->len) : 0;
  const uint8_t *at = p->data + h->hlen;
  enum la_drop why = six ? la__icmp6_parse(&m, at, h->len, pseudo, p->sum_ok) : la__icmp4_parse(&m, at, h->len, p->sum_ok);
  if (why != LA_DROP_NONE)
    return why;
  if (m.kind == ICMP_ECHO && m.code == 0)
    return la__reply_echo(s, p, &m);
  return m.kind >= ICMP_NET_UNREACH && error_in(s, p, &m) ? LA_DROP_NONE : LA_DROP_ICMP;
}
