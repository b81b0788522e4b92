/* SPDX-License-Identifier: MIT */
/* IPv4 and IPv6 headers: bytes <-> host-order struct, stateless. One struct for both, so that nobody above needs to ask. */
#ifndef LA_WIRE_IP_H
#define LA_WIRE_IP_H

#include <lastack/trace.h>

enum { IP_PROTO_ICMP = 1, IP_PROTO_TCP = 6, IP_PROTO_UDP = 17, IP_PROTO_ICMP6 = 58 };
enum { IP4_HEADER = 20, IP6_HEADER = 40 };
/* The low bits of `tos` (RFC 3168 5). */
enum ip_ecn { IP_ECN_NONE = 0, IP_ECT1 = 1, IP_ECT0 = 2, IP_CE = 3, IP_ECN_MASK = 3 };

struct ip_hdr {
  la_addr src, dst;
  uint8_t proto; /* IPv6: the next header after the extension headers that were skipped */
  uint8_t ttl, tos;
  bool dont_fragment; /* IPv4 */
  bool fragment;      /* part of a larger packet */
  uint32_t frag_id;
  uint16_t frag_off; /* bytes */
  bool frag_more;
  uint32_t hlen;     /* bytes before the payload */
  uint32_t len;      /* bytes of payload by the header's length field; never past the packet */
  uint32_t proto_at; /* offset of the byte that named `proto` */
  /* IPv6, when the packet must be dropped: 1 + the code of the parameter problem that RFC 8200 asks to report, and its pointer; else 0. */
  uint8_t problem;
  uint32_t problem_at;
};
/* Which version the first byte tells: 4, 6 or 0. */
unsigned la__ip_version(const uint8_t *p, size_t n);
/* LA_DROP_NONE, or why the packet must be dropped: PKT_TOO_SMALL, IP_INHDR, IP_CSUM (unless sum_ok), IP_OPTIONS (RFC 7126). */
enum la_drop la__ip4_parse(struct ip_hdr *h, const uint8_t *p, size_t n, bool sum_ok);
/*
 * Hop-by-hop and destination options are skipped as RFC 8200 4.2 says, a fragment header fills frag_*. PKT_TOO_SMALL and IP_INHDR as above;
 * IP_OPTIONS: an option that asks to be discarded, or a routing header with segments left (type 0 too, RFC 5095 3).
 */
enum la_drop la__ip6_parse(struct ip_hdr *h, const uint8_t *p, size_t n);
/* Does the first fragment of a packet, whose header h is, hold all headers of it, the upper one included (RFC 7112)? */
bool la__ip6_chain_whole(const struct ip_hdr *h, const uint8_t *p);
/* The same for the packet quoted by an ICMP error: it may be cut after its header (h->len may exceed it), and only its form is checked. */
enum la_drop la__ip4_quoted(struct ip_hdr *h, const uint8_t *p, size_t n);
enum la_drop la__ip6_quoted(struct ip_hdr *h, const uint8_t *p, size_t n);
/* Write the header for h->len bytes of payload, without options or extension headers, and return its length. */
unsigned la__ip4_build(const struct ip_hdr *h, uint8_t *p);
unsigned la__ip6_build(const struct ip_hdr *h, uint8_t *p);
/* The partial sum (base/sum.h) of the pseudo-header for either family. */
uint32_t la__ip_pseudo_sum(const la_addr *src, const la_addr *dst, uint8_t proto, uint32_t len);

/* Classes of addresses (RFC 6890, 4291). */
bool la__addr_unspecified(const la_addr *a); /* family 0, or all zero */
bool la__addr_multicast(const la_addr *a);
bool la__addr_loopback(const la_addr *a);
bool la__addr_broadcast(const la_addr *a); /* 255.255.255.255 */
bool la__addr_link_local(const la_addr *a);
/* A source that no packet may have (RFC 9293 3.9.2.3, RFC 1122 3.2.1.3): unspecified, 0/8, broadcast, multicast, 240/4, and
 * ::ffff:0:0/96 (RFC 6890 2.2.3); loopback is the caller's question. */
bool la__addr_bad_source(const la_addr *a);
/* a and b agree in family and in the first n bits (n past the address's width: in all). */
bool la__addr_match(const la_addr *a, const la_addr *b, unsigned n);

#endif
