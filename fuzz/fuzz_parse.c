/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of the parsers of wire formats: the first byte of an input says which, the rest is what came. What is taken lies within what
 * came; what is written anew from it is taken again, and means the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/sum.h"
#include "fuzz/kit.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/nd.h"
#include "wire/tcp_wire.h"
#include "wire/udp_wire.h"

#define MUST(holds) ((holds) ? (void)0 : failed(#holds, __LINE__))
static _Noreturn void failed(const char *what, int line) {
  fprintf(stderr, "fuzz_parse.c:%d: does not hold: %s\n", line, what);
  abort();
}
enum { MOST = 1024 };

static bool within(const uint8_t *data, uint32_t len, const uint8_t *p, size_t n) {
  return data >= p && data <= p + n && len <= (size_t)(p + n - data);
}

/* ---- TCP ---- */

static void same_opts(const struct tcp_opts *a, const struct tcp_opts *b) {
  MUST((a->have & ~TCP_OPT_SACK) == (b->have & ~TCP_OPT_SACK));
  MUST(!(a->have & TCP_OPT_MSS) || a->mss == b->mss);
  MUST(!(a->have & TCP_OPT_WSCALE) || a->wscale == b->wscale);
  MUST(!(a->have & TCP_OPT_TS) || (a->ts_val == b->ts_val && a->ts_ecr == b->ts_ecr));
  MUST(b->nsack <= a->nsack); /* as many as fit */
  for (unsigned i = 0; i < b->nsack; i++)
    MUST(a->sack[i].lo == b->sack[i].lo && a->sack[i].hi == b->sack[i].hi);
}
static void sound_opts(const struct tcp_opts *o) {
  MUST(o->nsack <= 4 && (o->nsack > 0) == ((o->have & TCP_OPT_SACK) != 0));
  MUST(!(o->have & TCP_OPT_WSCALE) || o->wscale <= 14);
  MUST(la__tcp_opts_size(o) <= TCP_HEADER_MAX - TCP_HEADER && la__tcp_opts_size(o) % 4 == 0);
}

static void tcp(const uint8_t *p, size_t n) {
  struct tcp_seg s = {0}, again = {0};
  uint8_t raw[TCP_HEADER_MAX + 32];
  if (la__tcp_parse(&s, p, n, 0, true) != LA_DROP_NONE)
    return;
  MUST(within(s.data, s.len, p, n) && s.data + s.len == p + n && s.data >= p + TCP_HEADER);
  sound_opts(&s.opt);
  MUST(s.flags & LA_SYN || !(s.opt.have & (TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK)));
  unsigned hl = la__tcp_build(&s, raw);
  MUST(hl == TCP_HEADER + la__tcp_opts_size(&s.opt) && hl <= TCP_HEADER_MAX);
  be16_put(raw + 16, la__sum_finish(la__sum(0, raw, hl)));
  MUST(la__tcp_parse(&again, raw, hl, 0, false) == LA_DROP_NONE);
  MUST(again.sport == s.sport && again.dport == s.dport && again.seq == s.seq && again.wnd == s.wnd && again.len == 0);
  MUST(again.flags == s.flags && (!(s.flags & LA_ACK) || again.ack == s.ack));
  same_opts(&s.opt, &again.opt);
}

static void options(const uint8_t *p, size_t n) {
  struct tcp_opts o, bare;
  enum la_drop with = la__tcp_parse_opts(&o, p, n, true), without = la__tcp_parse_opts(&bare, p, n, false);
  MUST(with == without); /* whether lengths make sense does not depend on SYN */
  if (with != LA_DROP_NONE)
    return;
  sound_opts(&o);
  sound_opts(&bare);
  MUST((o.have & (TCP_OPT_TS | TCP_OPT_SACK)) == (bare.have & (TCP_OPT_TS | TCP_OPT_SACK)));
}

/* ---- IP, and what is in it ---- */

static void quote(const struct icmp_msg *m, unsigned version) {
  struct icmp_quote q;
  if (m->kind < ICMP_NET_UNREACH || !la__icmp_quote(m, version, &q))
    return;
  MUST(q.ip.src.family == version && q.ip.dst.family == version && q.ip.hlen <= m->len);
  la__icmp_err(m->kind);
}

static void payload(const struct ip_hdr *h, const uint8_t *p, unsigned version) {
  struct icmp_msg m = {.kind = ICMP_OTHER};
  struct nd_msg nd;
  struct udp_hdr u;
  const uint8_t *at = p + h->hlen;
  if (h->proto == IP_PROTO_TCP)
    tcp(at, h->len);
  if (h->proto == IP_PROTO_UDP && la__udp_parse(&u, h, at, h->len, true) == LA_DROP_NONE)
    MUST(within(u.data, u.len, at, h->len) && u.data == at + UDP_HEADER);
  enum la_drop d = version == 6 ? la__icmp6_parse(&m, at, h->len, 0, true) : la__icmp4_parse(&m, at, h->len, true);
  if (d == LA_DROP_NONE) {
    MUST(within(m.data, m.len, at, h->len));
    quote(&m, version);
  }
  if (version == 6 && la__nd_is(h, at, h->len) && la__nd_parse(&nd, h, at, h->len, true) == LA_DROP_NONE) {
    uint8_t raw[ND_BYTES_MAX];
    struct nd_msg other;
    struct ip_hdr plain = *h;
    MUST((nd.type == ND_SOLICIT || nd.type == ND_ADVERT) && nd.target.family == 6 && !la__addr_multicast(&nd.target));
    plain.len = la__nd_build(&nd, &h->src, &h->dst, raw);
    MUST(plain.len <= ND_BYTES_MAX && la__nd_parse(&other, &plain, raw, plain.len, false) == LA_DROP_NONE);
    MUST(other.type == nd.type && la_addr_same(&other.target, &nd.target) && other.has_mac == nd.has_mac);
    MUST(!nd.has_mac || memcmp(other.mac, nd.mac, ETH_ADDR) == 0);
    MUST(other.router == nd.router && other.solicited == nd.solicited && other.override == nd.override);
  }
}

static void ip(const uint8_t *p, size_t n, unsigned version) {
  struct ip_hdr h = {0}, again = {0};
  enum la_drop d = version == 6 ? la__ip6_parse(&h, p, n) : la__ip4_parse(&h, p, n, true);
  if (d != LA_DROP_NONE) {
    MUST(version == 6 || !h.problem);
    MUST(!h.problem || h.problem_at < n);
    return;
  }
  MUST(h.hlen <= n && h.len <= n - h.hlen && h.proto_at < h.hlen && p[h.proto_at] == h.proto);
  MUST(h.hlen >= (version == 6 ? IP6_HEADER : IP4_HEADER) && h.src.family == version && h.dst.family == version);
  MUST(!h.fragment || h.frag_off % 8 == 0);
  if (h.fragment && version == 6 && h.frag_off == 0)
    la__ip6_chain_whole(&h, p);
  if (!h.fragment)
    payload(&h, p, version);
  uint8_t *raw = malloc(IP6_HEADER + h.len);
  if (!raw)
    abort();
  unsigned hl = version == 6 ? la__ip6_build(&h, raw) : la__ip4_build(&h, raw);
  memset(raw + hl, 0, h.len);
  bool walks = version == 6 && (h.proto == 0 || h.proto == 43 || h.proto == 44 || h.proto == 60 || h.proto == 51 || h.proto == 135);
  if (!walks && !h.fragment) {
    d = version == 6 ? la__ip6_parse(&again, raw, hl + h.len) : la__ip4_parse(&again, raw, hl + h.len, false);
    MUST(d == LA_DROP_NONE && la_addr_same(&again.src, &h.src) && la_addr_same(&again.dst, &h.dst));
    MUST(again.proto == h.proto && again.ttl == h.ttl && again.tos == h.tos && again.len == h.len && !again.fragment);
  }
  free(raw);
}

static void icmp(const uint8_t *p, size_t n, unsigned version) {
  struct icmp_msg m = {.kind = ICMP_OTHER}, again = {.kind = ICMP_OTHER};
  enum la_drop d = version == 6 ? la__icmp6_parse(&m, p, n, 0, true) : la__icmp4_parse(&m, p, n, true);
  if (d != LA_DROP_NONE)
    return;
  MUST(within(m.data, m.len, p, n));
  quote(&m, version);
  if (n < 8 || m.kind == ICMP_OTHER)
    return;
  uint8_t *raw = malloc(8 + m.len);
  if (!raw)
    abort();
  unsigned len = la__icmp_build(&m, raw, 0);
  d = version == 6 ? la__icmp6_parse(&again, raw, len, 0, false) : la__icmp4_parse(&again, raw, len, false);
  MUST(len == 8 + m.len && d == LA_DROP_NONE && again.kind == m.kind && again.len == m.len && memcmp(again.data, m.data, m.len) == 0);
  free(raw);
}

static void link_layer(const uint8_t *p, size_t n) {
  struct eth_hdr e, e2;
  struct arp_pkt a, a2;
  uint8_t raw[ARP_PACKET];
  if (la__eth_parse(&e, p, n) == LA_DROP_NONE) {
    MUST(la__eth_build(&e, raw) == ETH_HEADER && memcmp(raw, p, ETH_HEADER) == 0);
    MUST(la__eth_parse(&e2, raw, ETH_HEADER) == LA_DROP_NONE && e2.type == e.type && la__eth_station(e.src));
  }
  if (la__arp_parse(&a, p, n) == LA_DROP_NONE) {
    MUST(la__arp_build(&a, raw) == ARP_PACKET && la__arp_parse(&a2, raw, ARP_PACKET) == LA_DROP_NONE);
    MUST(a2.op == a.op && la_addr_same(&a2.spa, &a.spa) && la_addr_same(&a2.tpa, &a.tpa) && memcmp(a2.sha, a.sha, ETH_ADDR) == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size)
    return 0;
  size_t n = size - 1;
  uint8_t *p = malloc(n ? n : 1); /* of that very size: a byte too far is found */
  if (!p)
    abort();
  memcpy(p, data + 1, n);
  switch (data[0] % 8) {
  case 0:
    tcp(p, n);
    break;
  case 1:
    options(p, n);
    break;
  case 2:
    ip(p, n, 4);
    break;
  case 3:
    ip(p, n, 6);
    break;
  case 4:
    icmp(p, n, 4);
    break;
  case 5:
    icmp(p, n, 6);
    break;
  case 6:
    link_layer(p, n);
    break;
  default:
    ip(p, n, la__ip_version(p, n) == 6 ? 6 : 4);
    break;
  }
  free(p);
  return 0;
}

/* ---- what it begins with: of each kind one that is sound ---- */

static size_t seed(unsigned i, uint8_t *out) {
  uint8_t *p = out + 1;
  bool six = i & 1;
  la_addr src = {.family = six ? 6 : 4, .b = {10, 0, 0, 1}}, dst = {.family = six ? 6 : 4, .b = {10, 0, 0, 2}};
  struct tcp_seg s = {.sport = 80, .dport = 1025, .seq = 7, .ack = 9, .wnd = 500, .flags = i & 2 ? LA_SYN : LA_ACK};
  s.opt = (struct tcp_opts){.have = TCP_OPT_TS | (i & 2 ? TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK : TCP_OPT_SACK), .mss = 1460};
  s.opt.wscale = 7;
  if (!(i & 2)) {
    s.opt.nsack = 2;
    s.opt.sack[0].hi = s.opt.sack[1].lo = 77;
    s.opt.sack[1].hi = 99;
  }
  struct icmp_msg m = {.kind = ICMP_PORT_UNREACH, .type = six ? 1 : 3, .code = six ? 4 : 3, .data = p + 200, .len = 64};
  struct nd_msg nd = {.type = i & 2 ? ND_SOLICIT : ND_ADVERT, .target = {.family = 6, .b = {0xfd, [15] = 2}}, .has_mac = true};
  struct arp_pkt arp = {.op = ARP_REQUEST, .spa = {.family = 4, .b = {10, 0, 0, 1}}, .tpa = {.family = 4, .b = {10, 0, 0, 2}}};
  struct ip_hdr h = {.src = src, .dst = dst, .proto = IP_PROTO_TCP, .ttl = 255};
  unsigned hl = six ? IP6_HEADER : IP4_HEADER;
  memset(out, 0, MOST);
  nd.mac[5] = arp.sha[5] = 3;
  out[0] = (uint8_t)(i / 4);
  switch (i / 4) {
  case 0:
    return 1 + la__tcp_build(&s, p);
  case 1: {
    uint8_t raw[TCP_HEADER_MAX];
    unsigned n = la__tcp_build(&s, raw);
    memcpy(p, raw + TCP_HEADER, n - TCP_HEADER);
    return 1 + n - TCP_HEADER;
  }
  case 2:
  case 3:
    out[0] = six ? 3 : 2;
    h.len = la__tcp_build(&s, p + hl);
    break;
  case 4:
    out[0] = six ? 5 : 4;
    h.len = TCP_HEADER;
    if (six)
      la__ip6_build(&h, p + 200);
    else
      la__ip4_build(&h, p + 200);
    return 1 + la__icmp_build(&m, p, 0);
  case 5:
    out[0] = 3;
    h.src = (la_addr){.family = 6, .b = {0xfd, [15] = 1}};
    h.dst = la__nd_solicited_node(&nd.target);
    h.proto = IP_PROTO_ICMP6;
    h.len = la__nd_build(&nd, &h.src, &h.dst, p + IP6_HEADER);
    return 1 + la__ip6_build(&h, p) + h.len;
  case 6:
    out[0] = 6;
    return 1 + la__arp_build(&arp, p);
  default:
    return 0;
  }
  return 1 + (six ? la__ip6_build(&h, p) : la__ip4_build(&h, p)) + h.len;
}

const struct fuzz_kit fuzz_kit = {.most = MOST, .runs = 10000, .seed = seed};
