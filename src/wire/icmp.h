/* SPDX-License-Identifier: MIT */
/* ICMPv4 (RFC 792, 1191) and ICMPv6 (RFC 4443) errors and echo: bytes <-> struct, stateless. */
#ifndef LA_WIRE_ICMP_H
#define LA_WIRE_ICMP_H

#include "wire/ip.h"

enum icmp_kind {
  ICMP_OTHER,
  ICMP_ECHO,
  ICMP_ECHO_REPLY,
  ICMP_NET_UNREACH,
  ICMP_HOST_UNREACH,
  ICMP_PROTO_UNREACH,
  ICMP_PORT_UNREACH,
  ICMP_TOO_BIG,
  ICMP_SRCROUTE,
  ICMP_ADMIN,
  ICMP_TIME_EXCEEDED,
  ICMP_PARAM,
  ICMP_SOURCE_QUENCH
};
struct icmp_msg {
  enum icmp_kind kind;
  uint8_t type, code;
  uint32_t word;       /* the second 32 bits: identifier and sequence number of echo, MTU, pointer */
  uint32_t mtu;        /* TOO_BIG */
  const uint8_t *data; /* echo's data, or the quoted packet */
  uint32_t len;
};
/* The quoted packet of an error, as far as it goes. */
struct icmp_quote {
  struct ip_hdr ip;      /* as the quoted packet had it: src is ours. Lengths may exceed the quote; the header checksum is not verified */
  uint16_t sport, dport; /* TCP and UDP */
  uint32_t seq;          /* TCP */
};
enum la_drop la__icmp4_parse(struct icmp_msg *m, const uint8_t *p, size_t n, bool sum_ok);
enum la_drop la__icmp6_parse(struct icmp_msg *m, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok);
/* false: the quote is too short for ports (and, for TCP, the sequence number). */
bool la__icmp_quote(const struct icmp_msg *m, unsigned version, struct icmp_quote *q);
/* Writes type, code, word and data with checksum; returns the length. `pseudo` 0 for ICMPv4. */
unsigned la__icmp_build(const struct icmp_msg *m, uint8_t *p, uint32_t pseudo);

#endif
