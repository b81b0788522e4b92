/* SPDX-License-Identifier: MIT */
#include "wire/icmp_wire.h"

enum { UNREACHABLE = 1, TOO_BIG = 2, TIME_EXCEEDED = 3, PARAMETER = 4, ECHO = 128, ECHO_REPLY = 129 };
enum { PARAMETER_NEXT_HEADER = 1 };

/* The codes of Destination Unreachable: RFC 4443 3.1, and 7 from RFC 6550 20.18. */
static const uint8_t unreachable[8] = {
  [0] = ICMP_NET_UNREACH,  /* no route */
  [1] = ICMP_ADMIN,        /* prohibited */
  [2] = ICMP_HOST_UNREACH, /* beyond the scope of the source address */
  [3] = ICMP_HOST_UNREACH, /* address */
  [4] = ICMP_PORT_UNREACH, /* port */
  [5] = ICMP_ADMIN,        /* source address failed policy */
  [6] = ICMP_ADMIN,        /* reject route */
  [7] = ICMP_SRCROUTE,     /* source routing header */
};

enum la_drop la__icmp6_parse(struct icmp_msg *m, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok) {
  enum la_drop d = la__icmp_header(m, p, n, pseudo, sum_ok);
  if (d != LA_DROP_NONE)
    return d;
  m->kind = ICMP_OTHER;
  if (m->type == UNREACHABLE && m->code < sizeof unreachable)
    m->kind = (enum icmp_kind)unreachable[m->code];
  else if (m->type == TOO_BIG)
    m->kind = ICMP_TOO_BIG;
  else if (m->type == TIME_EXCEEDED)
    m->kind = ICMP_TIME_EXCEEDED;
  else if (m->type == PARAMETER)
    m->kind = m->code == PARAMETER_NEXT_HEADER ? ICMP_PROTO_UNREACH : ICMP_PARAM; /* ICMPv4 has a code of its own for it */
  else if (m->type == ECHO)
    m->kind = ICMP_ECHO;
  else if (m->type == ECHO_REPLY)
    m->kind = ICMP_ECHO_REPLY;
  if (m->kind == ICMP_TOO_BIG)
    m->mtu = m->word; /* RFC 4443 3.2 */
  return LA_DROP_NONE;
}
