/* SPDX-License-Identifier: MIT */
#include "capture/decode.h"

#include <string.h>

#include <pcap/dlt.h>

#include "base/bytes.h"
#include "base/sum.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

enum { LINKTYPE_RAW = 101, LINKTYPE_IPV4 = 228, LINKTYPE_IPV6 = 229, LINKTYPE_SLL2 = 276, ETHERNET_HEADER = 14 };
enum { TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd, TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88a8, TYPE_QINQ_OLD = 0x9100, TYPE_PPPOE = 0x8864 };
enum { TYPE_MPLS = 0x8847, TYPE_MPLS_UP = 0x8848, TYPE_BRIDGED = 0x6558 };
enum { PROTO_IP4 = 4, PROTO_UDP = 17, PROTO_IP6 = 41, PROTO_GRE = 47, PORT_VXLAN = 4789, TUNNELS = 4 };

/* What is left of a frame: n bytes here, wire bytes there once were. */
struct rest {
  const uint8_t *p;
  uint32_t n, wire;
};

static bool drop(struct rest *r, uint32_t bytes) {
  if (r->n < bytes)
    return false;
  r->p += bytes;
  r->n -= bytes;
  r->wire = r->wire > bytes ? r->wire - bytes : 0;
  return true;
}

static bool is_vlan(uint32_t type) { return type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD; }

static enum decoded bare_ip(struct rest *r, struct seg *out) {
  unsigned version = r->n ? r->p[0] >> 4 : 0;
  if (!r->n)
    return DECODE_CUT;
  return version == 4 || version == 6 ? la__decode_ip(r->p, r->n, r->wire, out) : DECODE_OTHER;
}

/* Labels to the last one (RFC 3032 2.1); what follows is told by nothing but itself. */
static enum decoded mpls(struct rest *r, struct seg *out) {
  for (bool last = false; !last;) {
    if (r->n < 4)
      return DECODE_CUT;
    last = r->p[2] & 1;
    drop(r, 4);
  }
  return bare_ip(r, out);
}

/* A session's packet: 6 bytes of header, and PPP's protocol (RFC 2516 4, 1332, 5072). */
static enum decoded pppoe(struct rest *r, struct seg *out) {
  if (r->n < 8)
    return DECODE_CUT;
  unsigned proto = be16_get(r->p + 6);
  drop(r, 8);
  return proto == 0x0021 || proto == 0x0057 ? la__decode_ip(r->p, r->n, r->wire, out) : DECODE_OTHER;
}

/* `type` is the Ethernet type of what follows. Any number of VLAN tags. */
static enum decoded ether(struct rest *r, uint32_t type, struct seg *out) {
  while (is_vlan(type)) {
    if (r->n < 4)
      return DECODE_CUT;
    type = be16_get(r->p + 2);
    drop(r, 4);
    out->vlan = true;
  }
  switch (type) {
  case TYPE_IP4:
  case TYPE_IP6:
    return la__decode_ip(r->p, r->n, r->wire, out);
  case TYPE_MPLS:
  case TYPE_MPLS_UP:
    return mpls(r, out);
  case TYPE_PPPOE:
    return pppoe(r, out);
  default:
    return DECODE_OTHER;
  }
}

static enum decoded ethernet(struct rest *r, struct seg *out) {
  if (r->n < ETHERNET_HEADER)
    return DECODE_CUT;
  uint32_t type = be16_get(r->p + 12);
  drop(r, ETHERNET_HEADER);
  return ether(r, type, out);
}

/* The family is written in the capturing machine's byte order, and the numbers differ by system. */
static enum decoded loopback(struct rest *r, struct seg *out) {
  if (r->n < 5)
    return DECODE_CUT;
  unsigned version = r->p[4] >> 4;
  drop(r, 4);
  return version == 4 || version == 6 ? la__decode_ip(r->p, r->n, r->wire, out) : DECODE_OTHER;
}

enum decoded la__decode(const struct packet *p, struct seg *out) {
  struct rest r = {p->data, p->cap, p->len > p->cap ? p->len : p->cap};
  uint32_t type;
  memset(out, 0, sizeof *out);
  switch (p->link) {
  case DLT_EN10MB:
    return ethernet(&r, out);
  case DLT_LINUX_SLL:
    if (r.n < 16)
      return DECODE_CUT;
    type = be16_get(r.p + 14);
    drop(&r, 16);
    return ether(&r, type, out);
  case LINKTYPE_SLL2:
    if (r.n < 20)
      return DECODE_CUT;
    type = be16_get(r.p);
    drop(&r, 20);
    return ether(&r, type, out);
  case DLT_NULL:
  case DLT_LOOP:
    return loopback(&r, out);
  case DLT_RAW:
  case 14: /* DLT_RAW on OpenBSD */
  case LINKTYPE_RAW:
  case LINKTYPE_IPV4:
  case LINKTYPE_IPV6:
    return la__decode_ip(r.p, r.n, r.wire, out);
  default:
    return DECODE_LINK;
  }
}

/* An ICMP error quotes the IP header and at least eight bytes of what it is about (RFC 792, 4443). */
static enum decoded icmp(const uint8_t *p, uint32_t n, const uint8_t *from, struct seg *out) {
  struct seg quoted;
  if (n < 8 + 20)
    return DECODE_OTHER;
  bool error = out->family == 4 ? p[0] == 3 || p[0] == 11 || p[0] == 12 : p[0] >= 1 && p[0] <= 4;
  if (!error)
    return DECODE_OTHER;
  memset(&quoted, 0, sizeof quoted);
  const uint8_t *ip = p + 8, *tcp;
  uint32_t left = n - 8;
  unsigned version = ip[0] >> 4, hlen = version == 4 ? (ip[0] & 15) * 4u : 40;
  if ((version != 4 && version != 6) || hlen < 20 || left < hlen + 8 || ip[version == 4 ? 9 : 6] != IP_PROTO_TCP)
    return DECODE_OTHER;
  tcp = ip + hlen;
  quoted.family = (uint8_t)version;
  quoted.src = ip + (version == 4 ? 12 : 8);
  quoted.dst = ip + (version == 4 ? 16 : 24);
  quoted.sport = be16_get(tcp);
  quoted.dport = be16_get(tcp + 2);
  quoted.seq = be32_get(tcp + 4);
  quoted.icmp_type = p[0];
  quoted.icmp_code = p[1];
  quoted.icmp_src = from;
  *out = quoted;
  return DECODE_ICMP;
}

static enum decoded fragment(const uint8_t *p, uint32_t n, uint32_t wire, uint32_t off, bool more, uint32_t id, struct seg *out) {
  out->frag = p;
  out->frag_len = n;
  out->frag_off = off;
  out->frag_more = more;
  out->frag_id = id;
  out->cut = n < wire;
  return DECODE_FRAGMENT;
}

/* RFC 2784, 2890: a checksum, a key, a number, if their bits say so. */
static enum decoded gre(struct rest *r, struct seg *out) {
  if (r->n < 4)
    return DECODE_CUT;
  uint32_t bits = r->p[0], type = be16_get(r->p + 2), more = 4u * ((bits >> 7 & 1) + (bits >> 5 & 1) + (bits >> 4 & 1));
  if ((bits & 0x4f) || (r->p[1] & 7)) /* routing, or another version */
    return DECODE_OTHER;
  if (!drop(r, 4 + more))
    return DECODE_CUT;
  return type == TYPE_BRIDGED ? ethernet(r, out) : ether(r, type, out);
}

/* RFC 7348 5, on its own port: clouds mirror their traffic so. */
static enum decoded vxlan(struct rest *r, struct seg *out) {
  if (r->n < 4 || be16_get(r->p + 2) != PORT_VXLAN)
    return DECODE_OTHER;
  if (r->n < 16)
    return DECODE_CUT;
  bool network = r->p[8] == 8;
  drop(r, 16);
  return network ? ethernet(r, out) : DECODE_OTHER;
}

static bool tunnels(unsigned proto) { return proto == PROTO_IP4 || proto == PROTO_IP6 || proto == PROTO_GRE || proto == PROTO_UDP; }

/* Whose connection is inside another packet: it is the inner one's that counts. */
static enum decoded tunnel(const uint8_t *p, uint32_t n, uint32_t wire, unsigned proto, struct seg *out) {
  struct rest r = {p, n, wire};
  if (out->depth == TUNNELS)
    return DECODE_OTHER;
  *out = (struct seg){.vlan = out->vlan, .depth = (uint8_t)(out->depth + 1)};
  return proto == PROTO_UDP ? vxlan(&r, out) : proto == PROTO_GRE ? gre(&r, out) : bare_ip(&r, out);
}

/* What IP carries: n bytes here, wire bytes by its length field. */
static enum decoded upper(const uint8_t *p, uint32_t n, uint32_t wire, unsigned proto, struct seg *out) {
  if (proto == IP_PROTO_TCP)
    return la__decode_tcp(p, n, wire, out);
  if (proto == (out->family == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6))
    return icmp(p, n, out->src, out);
  return tunnels(proto) ? tunnel(p, n, wire, proto, out) : DECODE_OTHER;
}

static enum decoded ip4(const uint8_t *p, uint32_t n, uint32_t wire, struct seg *out) {
  if (n < IP4_HEADER)
    return DECODE_CUT;
  uint32_t hlen = (p[0] & 15) * 4u, total = be16_get(p + 2), frag = be16_get(p + 6);
  if (!total)
    total = wire; /* the network card was to cut it */
  if (hlen < IP4_HEADER || total < hlen)
    return DECODE_MALFORMED;
  if (p[9] != IP_PROTO_TCP && p[9] != IP_PROTO_ICMP && !tunnels(p[9]))
    return DECODE_OTHER;
  if (n < hlen)
    return DECODE_CUT;
  out->family = 4;
  out->ttl = p[8];
  out->src = p + 12;
  out->dst = p + 16;
  out->ip_id = be16_get(p + 4);
  uint32_t have = n < total ? n : total;
  if (frag & 0x3fff)
    return p[9] == IP_PROTO_TCP
             ? fragment(p + hlen, have - hlen, total - hlen, (frag & 0x1fff) * 8, (frag & 0x2000) != 0, be16_get(p + 4), out)
             : DECODE_OTHER;
  return upper(p + hlen, have - hlen, total - hlen, p[9], out);
}

static enum decoded ip6(const uint8_t *p, uint32_t n, uint32_t wire, struct seg *out) {
  if (n < IP6_HEADER)
    return DECODE_CUT;
  uint32_t total = be16_get(p + 4) ? (uint32_t)IP6_HEADER + be16_get(p + 4) : wire,
           at = IP6_HEADER; /* 0: a jumbogram, or the card's to cut */
  unsigned next = p[6];
  out->family = 6;
  out->ttl = p[7];
  out->src = p + 8;
  out->dst = p + 24;
  uint32_t have = n < total ? n : total;
  for (unsigned headers = 0; headers < 16; headers++) {
    bool options = next == 0 || next == 43 || next == 60, frag = next == 44;
    if (!options && !frag)
      break;
    if (have < at + 8)
      return n < total ? DECODE_CUT : DECODE_MALFORMED;
    uint32_t len = frag ? 8 : (p[at + 1] + 1u) * 8, off = be16_get(p + at + 2);
    next = p[at];
    if (have < at + len)
      return n < total ? DECODE_CUT : DECODE_MALFORMED;
    if (frag && (off & 0xfff9))
      return next == IP_PROTO_TCP
               ? fragment(p + at + 8, have - at - 8, total - at - 8, off & 0xfff8, (off & 1) != 0, be32_get(p + at + 4), out)
               : DECODE_OTHER;
    at += len;
  }
  return upper(p + at, have - at, total - at, next, out);
}

enum decoded la__decode_ip(const uint8_t *p, uint32_t n, uint32_t wire, struct seg *out) {
  if (!n)
    return DECODE_CUT;
  return p[0] >> 4 == 4 ? ip4(p, n, wire, out) : p[0] >> 4 == 6 ? ip6(p, n, wire, out) : DECODE_OTHER;
}

static void options(const uint8_t *p, uint32_t n, struct seg *out) {
  for (uint32_t at = 0; at < n;) {
    uint32_t len = p[at] <= 1 ? 1 : at + 1 < n ? p[at + 1] : 0;
    if (!p[at] || len < (p[at] == 1 ? 1u : 2u) || at + len > n)
      return;
    if (p[at] == 2 && len == 4)
      out->mss = be16_get(p + at + 2);
    else if (p[at] == 3 && len == 3) {
      out->has_wscale = true;
      out->wscale = p[at + 2] > 14 ? 14 : p[at + 2];
    } else if (p[at] == 4 && len == 2)
      out->sack_ok = true;
    else if (p[at] == 8 && len == 10) {
      out->has_ts = true;
      out->ts_val = be32_get(p + at + 2);
    }
    at += len;
  }
}

static enum sum_state checksum(const uint8_t *p, uint32_t n, const struct seg *s) {
  la_addr src = {.family = s->family}, dst = {.family = s->family};
  memcpy(src.b, s->src, s->family == 4 ? 4 : 16);
  memcpy(dst.b, s->dst, s->family == 4 ? 4 : 16);
  uint32_t pseudo = la__ip_pseudo_sum(&src, &dst, IP_PROTO_TCP, n);
  if (la__sum_finish(la__sum(pseudo, p, n)) == 0)
    return SUM_GOOD;
  return 0xffffu - la__sum_finish(pseudo) == s->csum ? SUM_OFFLOAD : SUM_BAD;
}

enum decoded la__decode_tcp(const uint8_t *p, uint32_t n, uint32_t wire, struct seg *out) {
  if (n < TCP_HEADER)
    return n < wire ? DECODE_CUT : DECODE_MALFORMED;
  uint32_t hlen = (p[12] >> 4) * 4u;
  if (hlen < TCP_HEADER || hlen > wire)
    return DECODE_MALFORMED;
  out->sport = be16_get(p);
  out->dport = be16_get(p + 2);
  out->seq = be32_get(p + 4);
  out->ack = be32_get(p + 8);
  out->flags = p[13];
  out->wnd = be16_get(p + 14);
  out->csum = be16_get(p + 16);
  out->len = wire - hlen;
  out->opts = (uint8_t)((n < hlen ? n : hlen) - TCP_HEADER);
  if (out->opts)
    options(p + TCP_HEADER, out->opts, out);
  out->cut = n < wire;
  out->have = n > hlen ? n - hlen : 0;
  out->payload = p + (n < hlen ? n : hlen);
  if (!out->cut)
    out->sum = checksum(p, n, out);
  return DECODE_TCP;
}
