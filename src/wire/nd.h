/* SPDX-License-Identifier: MIT */
/* Neighbor Discovery (RFC 4861): bytes <-> struct, stateless. */
#ifndef LA_WIRE_ND_H
#define LA_WIRE_ND_H

#include "wire/eth.h"
#include "wire/ip.h"

enum nd_type { ND_ROUTER_SOLICIT = 133, ND_ROUTER_ADVERT = 134, ND_SOLICIT = 135, ND_ADVERT = 136, ND_REDIRECT = 137 };
enum { ND_HOP_LIMIT = 255, ND_BYTES_MAX = 32 };

struct nd_msg {
  enum nd_type type; /* ND_SOLICIT or ND_ADVERT */
  la_addr target;
  bool router, solicited, override; /* ND_ADVERT */
  bool has_mac;                     /* the option: of the source in a solicitation, of the target in an advertisement */
  uint8_t mac[ETH_ADDR];
};
/* Is the packet, whose payload is the n bytes at p, one of Neighbor Discovery's, valid or not? */
bool la__nd_is(const struct ip_hdr *h, const uint8_t *p, size_t n);
/*
 * A message of n bytes that came in the packet h. Checks all that 7.1.1 and 7.1.2 ask for, the checksum unless sum_ok:
 * LA_DROP_IPV6_NDISC_HOP_LIMIT: it may come from afar; LA_DROP_ICMP: a router's message or redirect (none is acted on), or a wrong
 * checksum;
 * LA_DROP_IPV6_NDISC_BAD_OPTIONS: anything else; LA_DROP_FRAGMENT (RFC 6980).
 */
enum la_drop la__nd_parse(struct nd_msg *m, const struct ip_hdr *h, const uint8_t *p, size_t n, bool sum_ok);
/* Writes message and checksum, at most ND_BYTES_MAX bytes; returns how many. */
unsigned la__nd_build(const struct nd_msg *m, const la_addr *src, const la_addr *dst, uint8_t *p);

/* ff02::1:ffXX:XXXX (RFC 4291 2.7.1); ff02::1 */
la_addr la__nd_solicited_node(const la_addr *a);
bool la__nd_is_solicited_node(const la_addr *a);
la_addr la__nd_all_nodes(void);

#endif
