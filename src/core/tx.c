/* SPDX-License-Identifier: MIT */
/* A packet's way out: descriptor to frame. Headers are built in the frame's own room; payload stays where it is, by reference. */
#include "base/bytes.h"
#include "base/check.h"
#include "base/sum.h"
#include "core/stack.h"

enum { HEAD_AT = 16 }; /* a packet in the frame's room: there is space before it for a link's header */

uint32_t la__payload_sum(const la_sums *sums, const la_frame *f, uint32_t sum) {
  uint32_t at = 0;
  for (unsigned i = 0; i < f->nbufs; i++) {
    uint32_t part = sums->sum(0, f->buf[i].data, f->buf[i].len);
    sum += at & 1 ? la__sum_odd(part) : part;
    sum = (sum & 0xffff) + (sum >> 16);
    at += f->buf[i].len;
  }
  return sum;
}

/* The upper header of `hdr` bytes stands in f->room behind the space for IP's, its checksum field zero. `known`: the payload's sum. */
static void finish(const la_stack *s, la_link link, la_frame *f, struct ip_hdr *h, unsigned hdr, unsigned sum_at, const uint32_t *known) {
  bool six = h->src.family == 6;
  unsigned ip = six ? IP6_HEADER : IP4_HEADER;
  h->dont_fragment = true; /* nothing that we send is ever to be cut */
  unsigned built = six ? la__ip6_build(h, f->room + HEAD_AT) : la__ip4_build(h, f->room + HEAD_AT);
  LA_CHECK(built == ip && HEAD_AT + ip + hdr <= LA_FRAME_ROOM);
  uint32_t sum = h->proto == IP_PROTO_ICMP ? 0 : la__ip_pseudo_sum(&h->src, &h->dst, h->proto, h->len);
  if (s->offload[link] & LA_OFFLOAD_SUM && (h->proto == IP_PROTO_TCP || h->proto == IP_PROTO_UDP)) {
    be16_put(f->room + HEAD_AT + ip + sum_at, (uint16_t)~la__sum_finish(sum));
    f->flags |= LA_FRAME_SUM_PARTIAL;
    f->sum_start = (uint16_t)ip;
    f->sum_at = (uint16_t)sum_at;
  } else {
    sum = la__sum(sum, f->room + HEAD_AT + ip, hdr);
    uint16_t check = la__sum_finish(known ? sum + *known : la__payload_sum(&s->tcp.cfg.sums, f, sum));
    be16_put(f->room + HEAD_AT + ip + sum_at, h->proto == IP_PROTO_UDP && check == 0 ? 0xffff : check); /* RFC 768: 0 is "none" */
  }
  f->data = f->room + HEAD_AT;
  f->len = ip + hdr;
  f->total = ip + h->len;
}

/* The same for TCP over IPv4: what both sums have in common is added up once. */
static void finish_tcp4(const la_stack *s, la_link link, la_frame *f, const struct tcp_out *o, unsigned hdr) {
  uint8_t *ip = f->room + HEAD_AT, *tcp = ip + IP4_HEADER;
  uint32_t n = hdr + o->seg.len, ends = la__ip_pseudo_sum(&o->key.local, &o->key.remote, IP_PROTO_TCP, 0);
  LA_CHECK(n <= 65535 - IP4_HEADER);
  be32_put(ip, 0x45u << 24 | (uint32_t)o->tos << 16 | (IP4_HEADER + n));
  be32_put(ip + 4, 0x4000); /* nothing that we send is ever to be cut */
  be16_put(ip + 8, (uint32_t)o->ttl << 8 | IP_PROTO_TCP);
  be16_put(ip + 10, la__sum_finish(0x4500u + o->tos + IP4_HEADER + n + 0x4000 + ((uint32_t)o->ttl << 8) + ends));
  memcpy(ip + 12, o->key.local.b, 4);
  memcpy(ip + 16, o->key.remote.b, 4);
  uint32_t sum = ends + n;
  if (s->offload[link] & LA_OFFLOAD_SUM) {
    be16_put(tcp + 16, (uint16_t)~la__sum_finish(sum));
    f->flags |= LA_FRAME_SUM_PARTIAL;
    f->sum_start = IP4_HEADER;
    f->sum_at = 16;
  } else {
    sum = la__sum(sum, tcp, hdr);
    if (o->refs.n)
      sum = o->refs.summed ? sum + o->refs.sum : la__payload_sum(&s->tcp.cfg.sums, f, sum);
    be16_put(tcp + 16, la__sum_finish(sum));
  }
  f->data = ip;
  f->len = IP4_HEADER + hdr;
  f->total = IP4_HEADER + n;
}

static bool tcp_out(la_stack *s, la_link link, la_frame *f) {
  struct tcp_out o;
  o.refs.buf = f->buf;
  o.refs.owner = f->owner;
  s->tcp.frame = s->frames + 1;
  bool made = la__tcp_output(&s->tcp, (uint8_t)link, &o);
  s->tcp.frame = 0;
  if (!made)
    return false;
  bool six = o.key.local.family == 6;
  unsigned hdr = la__tcp_build(&o.seg, f->room + HEAD_AT + (six ? IP6_HEADER : IP4_HEADER));
  f->nbufs = (uint16_t)o.refs.n;
  if (o.seg.gso) {
    f->flags |= LA_FRAME_GSO;
    f->gso_size = o.seg.gso;
  }
  if (!six) {
    finish_tcp4(s, link, f, &o, hdr);
    return true;
  }
  struct ip_hdr h = {.src = o.key.local, .dst = o.key.remote, .proto = IP_PROTO_TCP, .ttl = o.ttl, .tos = o.tos};
  h.len = hdr + o.seg.len;
  finish(s, link, f, &h, hdr, 16, o.refs.n && o.refs.summed ? &o.refs.sum : NULL);
  return true;
}

static bool ring_out(la_stack *s, la_link link, struct outring *r, la_frame *f) {
  struct reply a;
  size_t got = 0;
  if (!la__outring_get(s, r, &a))
    return false;
  struct ip_hdr h = {.src = a.src, .dst = a.dst, .proto = a.proto, .ttl = a.ttl, .tos = a.tos};
  h.len = (uint32_t)sizeof a.head + a.body.len;
  memcpy(f->room + HEAD_AT + (a.src.family == 6 ? IP6_HEADER : IP4_HEADER), a.head, sizeof a.head);
  f->nbufs = (uint16_t)la__rope_refs(&a.body, 0, a.body.len, f->buf, f->owner, LA_FRAME_BUFS, &got);
  LA_CHECK(got == a.body.len);
  la__rope_done(&a.body, &s->tcp.chunks);
  finish(s, link, f, &h, sizeof a.head, a.sum_at, NULL);
  return true;
}

static bool datagram_out(la_stack *s, la_link link, la_frame *f) {
  struct outring *r = &s->datagrams[link];
  if (r->head == r->tail || !ring_out(s, link, r, f))
    return false;
  if (r->wanted && r->head - r->tail <= s->tcp.cfg.replies / 2 && r->bytes <= s->tcp.cfg.reply_bytes / 2) {
    r->wanted = false;
    la__udp_writable(&s->udp);
  }
  return true;
}

static bool segment(la_stack *s, la_link link, const struct tcp_link *l, la_frame *f) {
  if (l->head == l->tail && l->dirty_head == REF_NONE)
    return false;
  f->flags = f->header = 0;
  if (!tcp_out(s, link, f))
    return false;
  f->number = ++s->frames;
  return true;
}

/* Answers first, then datagrams and segments in turn. */
bool la__tx_packet(la_stack *s, la_link link, la_frame *f) {
  f->flags = f->header = 0;
  const struct outring *r = &s->answers[link];
  if (r->head == r->tail || !ring_out(s, link, &s->answers[link], f)) {
    s->turn ^= 1;
    bool made = s->turn ? datagram_out(s, link, f) || tcp_out(s, link, f) : tcp_out(s, link, f) || datagram_out(s, link, f);
    if (!made)
      return false;
  }
  f->number = ++s->frames;
  return true;
}

size_t la_output(la_stack *s, la_link link, la_frame *frames, size_t max, la_time now) {
  if (link == 0 || link > s->nlinks)
    return 0;
  la__tcp_now(&s->tcp, now);
  const struct outring *a = &s->answers[link], *d = &s->datagrams[link];
  const struct tcp_link *l = &s->tcp.link[link];
  size_t n = 0;
  if (s->ether[link].on)
    while (n < max && la__ether_tx(s, link, &frames[n]))
      n++;
  else /* most calls, and the end of all others, find nothing at all */
    while (n < max && (a->head != a->tail || d->head != d->tail ? la__tx_packet(s, link, &frames[n]) : segment(s, link, l, &frames[n])))
      n++;
  s->tcp.stats.frames_out += n;
  return n;
}

void la_frame_done(la_stack *s, la_frame *frame) {
  for (unsigned i = 0; i < frame->nbufs; i++)
    la__held_unref(&s->tcp.chunks, frame->owner[i]);
  frame->nbufs = 0;
}

size_t la_frame_copy(const la_frame *frame, void *dst, size_t cap) {
  if (cap < frame->total)
    return 0;
  uint8_t *p = dst;
  memcpy(p, frame->data, frame->len);
  p += frame->len;
  for (unsigned i = 0; i < frame->nbufs; i++) {
    memcpy(p, frame->buf[i].data, frame->buf[i].len);
    p += frame->buf[i].len;
  }
  return frame->total;
}

uint32_t la_frame_count(const la_stack *s) { return s->frames; }
