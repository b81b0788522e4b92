/* SPDX-License-Identifier: MIT */
/* What ICMPv4 and ICMPv6 share, for icmp4.c and icmp6.c only. */
#ifndef LA_WIRE_ICMP_WIRE_H
#define LA_WIRE_ICMP_WIRE_H

#include "wire/icmp.h"

enum { ICMP_HEADER = 8 };
/* Checks length and sum and fills all but kind and mtu. */
enum la_drop la__icmp_header(struct icmp_msg *m, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok);

#endif
