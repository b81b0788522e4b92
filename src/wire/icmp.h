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
enum { ICMP4_ECHO_REPLY = 0, ICMP4_UNREACH = 3, ICMP4_ECHO = 8, ICMP4_TIME = 11 };
enum { ICMP4_UNREACH_HOST = 1, ICMP4_UNREACH_PROTO = 2, ICMP4_UNREACH_PORT = 3, ICMP4_UNREACH_ADMIN = 13 };
enum { ICMP6_UNREACH = 1, ICMP6_TIME = 3, ICMP6_PARAM = 4, ICMP6_ECHO = 128, ICMP6_ECHO_REPLY = 129 };
enum {
  ICMP6_UNREACH_ADMIN = 1,
  ICMP6_UNREACH_ADDR = 3,
  ICMP6_UNREACH_PORT = 4,
  ICMP6_PARAM_FIELD = 0,
  ICMP6_PARAM_NEXT_HEADER = 1,
  ICMP6_PARAM_CHAIN = 3
};
enum { ICMP_TIME_REASSEMBLY = 1 };
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
/* What a call would return for such an error: LA_ECONNREFUSED, LA_ENETUNREACH, LA_EHOSTUNREACH, LA_EMSGSIZE. */
int la__icmp_err(enum icmp_kind kind);
/* An error message (or one of a type that we do not know): no error is ever sent about one (RFC 1122 3.2.2, RFC 4443 2.4). */
bool la__icmp_is_error(unsigned version, uint8_t type);
/* Writes type, code, word and data with checksum; returns the length. `pseudo` 0 for ICMPv4. */
unsigned la__icmp_build(const struct icmp_msg *m, uint8_t *p, uint32_t pseudo);

#endif
