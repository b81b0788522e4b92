/* SPDX-License-Identifier: MIT */
#include "wire/icmp_wire.h"

enum { ECHO_REPLY = 0, UNREACHABLE = 3, SOURCE_QUENCH = 4, ECHO = 8, TIME_EXCEEDED = 11, PARAMETER = 12 };

/* The codes of Destination Unreachable: RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1. */
static const uint8_t unreachable[16] = {
  [0] = ICMP_NET_UNREACH,  [1] = ICMP_HOST_UNREACH,  [2] = ICMP_PROTO_UNREACH, [3] = ICMP_PORT_UNREACH, /* as named */
  [4] = ICMP_TOO_BIG,      [5] = ICMP_SRCROUTE,                                                         /* as named */
  [6] = ICMP_NET_UNREACH,  [7] = ICMP_HOST_UNREACH,  [8] = ICMP_HOST_UNREACH,                           /* unknown; isolated */
  [9] = ICMP_ADMIN,        [10] = ICMP_ADMIN,                                                           /* prohibited */
  [11] = ICMP_NET_UNREACH, [12] = ICMP_HOST_UNREACH,                                                    /* for this TOS */
  [13] = ICMP_ADMIN,       [14] = ICMP_ADMIN,        [15] = ICMP_ADMIN,                                 /* filter, precedence */
};

enum la_drop la__icmp4_parse(struct icmp_msg *m, const uint8_t *p, size_t n, bool sum_ok) {
  enum la_drop d = la__icmp_header(m, p, n, 0, sum_ok);
  if (d != LA_DROP_NONE)
    return d;
  m->kind = ICMP_OTHER;
  if (m->type == UNREACHABLE && m->code < sizeof unreachable)
    m->kind = (enum icmp_kind)unreachable[m->code];
  else if (m->type == TIME_EXCEEDED)
    m->kind = ICMP_TIME_EXCEEDED;
  else if (m->type == PARAMETER)
    m->kind = ICMP_PARAM;
  else if (m->type == SOURCE_QUENCH)
    m->kind = ICMP_SOURCE_QUENCH;
  else if (m->type == ECHO)
    m->kind = ICMP_ECHO;
  else if (m->type == ECHO_REPLY)
    m->kind = ICMP_ECHO_REPLY;
  if (m->kind == ICMP_TOO_BIG)
    m->mtu = m->word & 0xffff; /* RFC 1191 4; 0 from routers that are older */
  return LA_DROP_NONE;
}
