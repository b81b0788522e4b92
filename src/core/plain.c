/* SPDX-License-Identifier: MIT */
/*
 * The short way in for what nearly every packet is: IPv4 without options, not a fragment, TCP, nothing wrong with it. Where the pair was
 * found a moment ago (tcp/pairs.c) its addresses were judged when it came into the table. Whatever is otherwise goes the long way (rx.c),
 * from the start: it alone knows the reasons for dropping.
 */
#include "base/bytes.h"
#include "base/sum.h"
#include "core/stack.h"
#include "tcp/pairs.h"

enum { NOP_NOP_TS = 0x0101080a, TS_BYTES = 12 };

static bool header_sum_ok(const uint8_t *p) {
  uint32_t w[5];
  memcpy(w, p, IP4_HEADER);
  uint64_t sum = (uint64_t)w[0] + w[1] + w[2] + w[3] + w[4];
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return ((sum & 0xffff) + (sum >> 16)) == 0xffff; /* in the CPU's order: RFC 1071 2 */
}

static la_addr addr4(const uint8_t *p) {
  la_addr a = {.family = 4};
  memcpy(a.b, p, 4);
  return a;
}

/* Header and options; false: something is unusual. `n`: bytes of header and text. */
static bool parse(struct tcp_seg *seg, const uint8_t *p, uint32_t n) {
  uint32_t hlen = (p[12] >> 4) * 4u;
  seg->seq = be32_get(p + 4);
  seg->ack = be32_get(p + 8);
  seg->flags = p[13];
  seg->wnd = be16_get(p + 14);
  seg->urp = be16_get(p + 18);
  seg->data = p + hlen;
  seg->len = n - hlen;
  if (hlen < TCP_HEADER || hlen > n)
    return false;
  seg->opt.have = seg->opt.wscale = seg->opt.nsack = 0;
  seg->opt.mss = 0;
  seg->opt.ts_val = seg->opt.ts_ecr = 0;
  if (hlen == TCP_HEADER)
    return true;
  if (hlen != TCP_HEADER + TS_BYTES || be32_get(p + TCP_HEADER) != NOP_NOP_TS)
    return la__tcp_parse_opts(&seg->opt, p + TCP_HEADER, hlen - TCP_HEADER, seg->flags & LA_SYN) == LA_DROP_NONE;
  seg->opt.have = TCP_OPT_TS;
  seg->opt.ts_val = be32_get(p + TCP_HEADER + 4);
  seg->opt.ts_ecr = be32_get(p + TCP_HEADER + 8);
  return true;
}

/* From the addresses on all is summed in one go: they are next to the segment. false: damaged. */
static bool sum_ok(struct tcp_seg *seg, const uint8_t *p, uint32_t n) {
  const uint8_t *from = p - 8;
  if (seg->len == 0)
    return la__sum_words(la__sum_order(IP_PROTO_TCP + n), from, 8 + n) == 0xffff;
  if (seg->len >= SUM_LATER) {
    seg->unverified = true;
    seg->sum = la__sum(IP_PROTO_TCP + n, from, 8 + n - seg->len);
    return true;
  }
  return la__sum_finish(la__sum(IP_PROTO_TCP + n, from, 8 + n)) == 0;
}

static inline enum la_drop segment_in(la_stack *s, la_link link, ref_t r, const struct key *k, struct tcp_seg *seg) {
  la_link back = la__route_back(s, &k->remote, link);
  struct path path = {(uint8_t)back, s->mtu[back], (uint8_t)link};
  s->tcp.progress = false;
  enum la_drop why = r == REF_NONE ? la__tcp_input(&s->tcp, k, seg, &path) : la__tcp_input_of(&s->tcp, r, k, seg, &path);
  if (s->tcp.progress && s->ether[back].on)
    la__neigh_confirm(s, back, &k->remote);
  return why;
}

enum la_drop la__rx_segment(la_stack *s, la_link link, ref_t r, const struct key *k, struct tcp_seg *seg) {
  return segment_in(s, link, r, k, seg);
}

bool la__rx_plain(la_stack *s, const struct packet *p) {
  const uint8_t *ip = p->data, *tcp = ip + IP4_HEADER;
  if (p->len < IP4_HEADER + TCP_HEADER || ip[0] != 0x45 || ip[9] != IP_PROTO_TCP || be16_get(ip + 6) & 0x3fff || p->group)
    return false;
  uint32_t total = be16_get(ip + 2), n = total - IP4_HEADER;
  struct key k;
  struct tcp_seg seg;
  seg.sport = k.rport = be16_get(tcp);
  seg.dport = k.lport = be16_get(tcp + 2);
  if (total < IP4_HEADER + TCP_HEADER || total > p->len || !(p->sum_ok || header_sum_ok(ip)) || !parse(&seg, tcp, n))
    return false;
  k.local = addr4(ip + 16);
  k.remote = addr4(ip + 12);
  ref_t r = la__pair_recent(&s->tcp, ip + 12, k.lport, k.rport);
  if (r == REF_NONE &&
      (!k.lport || !k.rport || la__addr_link_local(&k.remote) || la__rx_addresses(s, &k.local, &k.remote, p) != LA_DROP_NONE))
    return false;
  seg.unverified = seg.landed = false;
  seg.sum = 0;
  if (!p->upper_ok && !sum_ok(&seg, tcp, n))
    return false;
  seg.ecn = ip[1] & IP_ECN_MASK;
  seg.gso = p->gso && seg.len > p->gso ? p->gso : 0;
  k.zone = 0;
  enum la_drop why = segment_in(s, p->link, r, &k, &seg);
  if (why != LA_DROP_NONE)
    la__rx_drop(s, p->link, why);
  return true;
}
