/* SPDX-License-Identifier: MIT */
/* ICMP in: errors find the connection that they quote. */
#include "core/stack.h"

#include "wire/icmp.h"

bool la__rx_icmp(la_stack *s, la_link link, const la_frame *f, const struct ip_hdr *h) {
  struct icmp_msg m;
  struct icmp_quote q;
  bool sum_ok = f->flags & LA_FRAME_SUM_OK, six = h->src.family == 6;
  if (six != (h->proto == IP_PROTO_ICMP6))
    return false;
  uint32_t pseudo = six ? la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_ICMP6, h->len) : 0;
  enum la_drop why =
    six ? la__icmp6_parse(&m, f->data + h->hlen, h->len, pseudo, sum_ok) : la__icmp4_parse(&m, f->data + h->hlen, h->len, sum_ok);
  if (why != LA_DROP_NONE || m.kind < ICMP_NET_UNREACH || !la__icmp_quote(&m, six ? 6 : 4, &q))
    return false;
  if (q.ip.proto != IP_PROTO_TCP || !la_addr_same(&q.ip.src, &h->dst)) /* it must be ours, to have been sent to us */
    return false;
  struct key k = {.local = q.ip.src, .remote = q.ip.dst, .lport = q.sport, .rport = q.dport};
  k.zone = la__addr_link_local(&k.remote) ? link : 0;
  return la__tcp_icmp(&s->tcp, &k, m.kind, q.seq, la_addr_same(&h->src, &q.ip.dst));
}
