/* SPDX-License-Identifier: MIT */
/*
 * A frame's way in: IP header, addresses, reassembly, then TCP, UDP or ICMP. Every packet that goes no further is counted and traced
 * with its reason, and where the RFCs ask for it the sender is told (reply.c).
 */
#include "base/bytes.h"
#include "base/sum.h"
#include "core/stack.h"
#include "wire/udp_wire.h"

enum { PROTO6_NONE = 59 };

void la__rx_drop(la_stack *s, la_link link, enum la_drop why) {
  struct tcp *t = &s->tcp;
  t->stats.drops[why]++;
  la_trace_rec *r = la__trace_rec(t, 0, 0, LA_TRACE_DROP);
  if (!r)
    return;
  r->drop = (uint8_t)why;
  r->link = (uint8_t)link;
}

/* What may not be a peer: MUST-57, MUST-63, RFC 1122 3.2.1.3; our own address as source is a LAND attack. */
enum la_drop la__rx_addresses(const la_stack *s, const la_addr *dst, const la_addr *src, const struct packet *p) {
  if (!la__is_ours(s, dst, p->link))
    return LA_DROP_OTHERHOST;
  if (p->group) /* RFC 1122 3.3.6 */
    return LA_DROP_UNICAST_IN_L2_MULTICAST;
  if (la__addr_bad_source(src) || la__addr_loopback(src) || la__is_ours(s, src, p->link) || la__is_directed_broadcast(s, src))
    return LA_DROP_IP_INADDRERRORS;
  return LA_DROP_NONE;
}

static enum la_drop header(const la_stack *s, struct packet *p) {
  enum la_drop why = LA_DROP_IP_INHDR;
  memset(&p->h, 0, sizeof p->h);
  switch (la__ip_version(p->data, p->len)) {
  case 4:
    why = la__ip4_parse(&p->h, p->data, p->len, p->sum_ok);
    break;
  case 6:
    why = la__ip6_parse(&p->h, p->data, p->len);
    break;
  default:
    break;
  }
  if (why != LA_DROP_NONE && !p->h.problem)
    return why;
  p->nd = p->ether && why == LA_DROP_NONE && la__nd_is(&p->h, p->data + p->h.hlen, p->h.len);
  p->mld = p->ether && why == LA_DROP_NONE && la__mld_is(&p->h, p->data);
  if (p->nd || p->mld) /* have rules of their own about addresses */
    return LA_DROP_NONE;
  enum la_drop who = la__rx_addresses(s, &p->h.dst, &p->h.src, p);
  if (who == LA_DROP_NONE)
    return why;
  p->h.problem = 0; /* nobody who may be told */
  return who;
}

/* LA_DROP_TCP_CSUM comes before every other reason: nothing that a damaged segment says is to be believed. */
static enum la_drop tcp_header(const la_stack *s, struct tcp_seg *seg, const struct packet *p) {
  const struct ip_hdr *h = &p->h;
  const uint8_t *bytes = p->data + h->hlen;
  enum la_drop why = la__tcp_parse(seg, bytes, h->len, 0, true);
  if (p->upper_ok || h->len < TCP_HEADER)
    return why;
  uint32_t pseudo = la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_TCP, h->len);
  if (why == LA_DROP_NONE && seg->len >= SUM_LATER && seg->sport && seg->dport) {
    seg->unverified = true;
    seg->sum = la__sum(pseudo, bytes, h->len - seg->len);
  } else if (la__sum_finish(s->tcp.cfg.sums.sum(pseudo, bytes, h->len))) {
    return LA_DROP_TCP_CSUM;
  }
  return why;
}

static enum la_drop rx_tcp(la_stack *s, const struct packet *p) {
  const struct ip_hdr *h = &p->h;
  struct tcp_seg seg;
  enum la_drop why = tcp_header(s, &seg, p);
  if (why != LA_DROP_NONE)
    return why;
  seg.gso = p->gso && seg.len > p->gso ? p->gso : 0;
  seg.ecn = h->tos & IP_ECN_MASK;
  if (seg.sport == 0 || seg.dport == 0)
    return LA_DROP_TCP_HDR;
  struct key k = {.local = h->dst, .remote = h->src, .lport = seg.dport, .rport = seg.sport};
  k.zone = la__addr_link_local(&k.remote) ? p->link : 0;
  return la__rx_segment(s, p->link, REF_NONE, &k, &seg);
}

static enum la_drop rx_udp(la_stack *s, const struct packet *p) {
  const struct ip_hdr *h = &p->h;
  struct udp_hdr u;
  enum la_drop why = la__udp_parse(&u, h, p->data + h->hlen, h->len, p->upper_ok);
  if (why != LA_DROP_NONE)
    return why;
  struct udp_ends e = {.local = h->dst, .remote = h->src, .lport = u.dport, .rport = u.sport, .link = (uint8_t)p->link};
  struct udp_sock *k = la__udp_find(&s->udp, &e);
  if (!k) {
    bool six = h->src.family == 6;
    la__reply_error(s, p, six ? ICMP6_UNREACH : ICMP4_UNREACH, six ? ICMP6_UNREACH_PORT : ICMP4_UNREACH_PORT, 0);
    return LA_DROP_NO_SOCKET;
  }
  uint32_t each = p->gso && p->gso < u.len ? p->gso : u.len, at = 0;
  do { /* once, but for datagrams that were joined on their way */
    uint32_t n = u.len - at < each ? u.len - at : each;
    why = la__udp_deliver(&s->udp, k, &e, u.data + at, n);
    if (why == LA_DROP_NONE)
      s->tcp.stats.udp_in++;
    at += n;
  } while (at < u.len && why == LA_DROP_NONE);
  return why;
}

/* RFC 1122 3.2.2.1, RFC 8200 4 */
static enum la_drop unknown_proto(la_stack *s, const struct packet *p) {
  if (p->h.src.family == 4)
    la__reply_error(s, p, ICMP4_UNREACH, ICMP4_UNREACH_PROTO, 0);
  else if (p->h.proto != PROTO6_NONE)
    la__reply_error(s, p, ICMP6_PARAM, ICMP6_PARAM_NEXT_HEADER, p->h.proto_at);
  return LA_DROP_UNHANDLED_PROTO;
}

static enum la_drop upper(la_stack *s, const struct packet *p) {
  bool six = p->h.src.family == 6;
  if (p->h.proto == IP_PROTO_TCP)
    return rx_tcp(s, p);
  if (p->h.proto == IP_PROTO_UDP)
    return rx_udp(s, p);
  if (p->h.proto == (six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP))
    return la__rx_icmp(s, p);
  return unknown_proto(s, p);
}

void la__rx(la_stack *s, struct packet *p) {
  enum la_drop why = header(s, p);
  if (why != LA_DROP_NONE && p->h.problem)
    la__reply_error(s, p, ICMP6_PARAM, p->h.problem - 1u, p->h.problem_at);
  if (p->nd)
    why = la__nd_rx(s, p);
  else if (p->mld)
    why = la__mld_rx(s, p);
  else if (why == LA_DROP_NONE)
    why = !p->h.fragment ? upper(s, p) : p->whole ? LA_DROP_FRAGMENT : la__frag_input(s, p); /* no fragments in fragments */
  if (why != LA_DROP_NONE)
    la__rx_drop(s, p->link, why);
}

size_t la_input(la_stack *s, la_link link, const la_frame *frames, size_t n, la_time now) {
  if (link == 0 || link > s->nlinks)
    return 0;
  la__tcp_now(&s->tcp, now);
  size_t i = 0;
  for (; i < n && la__tcp_may_input(&s->tcp) && la__reply_room(s); i++) {
    const la_frame *f = &frames[i];
    struct packet p; /* but for its header, which the long way fills in */
    p.data = f->data;
    p.len = f->len;
    p.link = link;
    p.sum_ok = f->flags & LA_FRAME_SUM_OK;
    p.upper_ok = f->flags & (LA_FRAME_SUM_OK | LA_FRAME_SUM_PARTIAL);
    p.gso = f->flags & LA_FRAME_GSO ? f->gso_size : 0;
    p.whole = p.ether = p.group = p.nd = p.mld = false;
    s->tcp.frame = ++s->frames;
    s->tcp.stats.frames_in++;
    if ((!s->ether[link].on || la__ether_rx(s, &p)) && !la__rx_plain(s, &p))
      la__rx(s, &p);
  }
  s->tcp.frame = 0;
  return i;
}
