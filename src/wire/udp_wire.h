/* SPDX-License-Identifier: MIT */
/* UDP (RFC 768, RFC 8200 8.1): bytes <-> host-order struct, stateless. */
#ifndef LA_WIRE_UDP_WIRE_H
#define LA_WIRE_UDP_WIRE_H

#include "wire/ip.h"

enum { UDP_HEADER = 8, UDP_SUM_AT = 6 };

struct udp_hdr {
  uint16_t sport, dport;
  const uint8_t *data;
  uint32_t len; /* of the data, by the header's length field; never past the packet */
};
/*
 * n bytes of header and data that came in the packet h. LA_DROP_PKT_TOO_SMALL: its length does not fit; LA_DROP_UDP_CSUM (verified unless
 * sum_ok): a checksum of zero means none over IPv4 and is not allowed over IPv6.
 */
enum la_drop la__udp_parse(struct udp_hdr *u, const struct ip_hdr *h, const uint8_t *p, size_t n, bool sum_ok);
/* Writes the header for u->len bytes of data, checksum zero; returns its length. */
unsigned la__udp_build(const struct udp_hdr *u, uint8_t *p);

#endif
