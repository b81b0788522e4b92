/* SPDX-License-Identifier: MIT */
/* A frame's way in: IP header, addresses, then the machine. Every frame that goes no further is counted and traced with its reason. */
#include "base/bytes.h"
#include "core/stack.h"

static void drop(la_stack *s, la_link link, enum la_drop why) {
  struct tcp *t = &s->tcp;
  t->stats.drops[why]++;
  la_trace_rec *r = la__trace_rec(t, 0, 0, LA_TRACE_DROP);
  if (!r)
    return;
  r->drop = (uint8_t)why;
  r->link = (uint8_t)link;
}

/* What may not be a peer: MUST-57, MUST-63, RFC 1122 3.2.1.3; our own address as source is a LAND attack. */
static enum la_drop addresses(const la_stack *s, la_link link, const struct ip_hdr *h) {
  if (!la__is_ours(s, &h->dst, link))
    return LA_DROP_OTHERHOST;
  if (la__addr_bad_source(&h->src) || la__addr_loopback(&h->src) || la__is_ours(s, &h->src, link) || la__is_directed_broadcast(s, &h->src))
    return LA_DROP_IP_INADDRERRORS;
  return LA_DROP_NONE;
}

static void rx_tcp(la_stack *s, la_link link, const la_frame *f, const struct ip_hdr *h) {
  struct tcp_seg seg;
  uint32_t pseudo = la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_TCP, h->len);
  enum la_drop why = la__tcp_parse(&seg, f->data + h->hlen, h->len, pseudo, f->flags & LA_FRAME_SUM_OK);
  if (why != LA_DROP_NONE) {
    drop(s, link, why);
    return;
  }
  if (seg.sport == 0 || seg.dport == 0) {
    drop(s, link, LA_DROP_TCP_HDR);
    return;
  }
  struct key k = {.local = h->dst, .remote = h->src, .lport = seg.dport, .rport = seg.sport};
  k.zone = la__addr_link_local(&k.remote) ? link : 0;
  la_link back = la__route_back(s, &h->src, link);
  struct path path = {(uint8_t)back, s->mtu[back], (uint8_t)link};
  la__tcp_input(&s->tcp, &k, &seg, &path);
}

void la__rx(la_stack *s, la_link link, const la_frame *f) {
  struct ip_hdr h;
  enum la_drop why = LA_DROP_IP_INHDR;
  switch (la__ip_version(f->data, f->len)) {
  case 4:
    why = la__ip4_parse(&h, f->data, f->len, f->flags & LA_FRAME_SUM_OK);
    break;
  case 6:
    why = la__ip6_parse(&h, f->data, f->len);
    break;
  default:
    break;
  }
  if (why == LA_DROP_NONE)
    why = addresses(s, link, &h);
  if (why == LA_DROP_NONE && h.fragment)
    why = LA_DROP_FRAGMENT;
  if (why == LA_DROP_NONE && (h.proto == IP_PROTO_ICMP || h.proto == IP_PROTO_ICMP6)) {
    if (la__rx_icmp(s, link, f, &h))
      return;
    why = LA_DROP_ICMP;
  }
  if (why == LA_DROP_NONE && h.proto != IP_PROTO_TCP)
    why = LA_DROP_UNHANDLED_PROTO;
  if (why != LA_DROP_NONE) {
    drop(s, link, why);
    return;
  }
  rx_tcp(s, link, f, &h);
}

size_t la_input(la_stack *s, la_link link, const la_frame *frames, size_t n, la_time now) {
  if (link == 0 || link > s->nlinks)
    return 0;
  la__tcp_now(&s->tcp, now);
  size_t i = 0;
  for (; i < n && la__tcp_may_input(&s->tcp); i++) {
    s->tcp.frame = ++s->frames;
    s->tcp.stats.frames_in++;
    la__rx(s, link, &frames[i]);
  }
  s->tcp.frame = 0;
  return i;
}
