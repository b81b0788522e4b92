/* SPDX-License-Identifier: MIT */
/* Multicast Listener Discovery, versions 1 (RFC 2710) and 2 (RFC 3810): what a listener reads and writes. Bytes <-> struct, stateless. */
#ifndef LA_WIRE_MLD_H
#define LA_WIRE_MLD_H

#include "wire/ip.h"

enum { MLD_BYTES_MAX = 36 };

/* What came: a query, or (version 1) another's report. */
struct mld_msg {
  bool query, version2;
  uint32_t delay_ms; /* of a query: the longest that an answer may wait */
  la_addr group;     /* unspecified: all groups */
};
/* Is the packet, with all its headers at `packet`, one of these, valid or not? Others' reports of version 2 and goodbyes are none. */
bool la__mld_is(const struct ip_hdr *h, const uint8_t *packet);
/*
 * Checks what RFC 3810 6.2 and RFC 2710 3 ask for (sender link-local, hop limit 1, Router Alert, length), and the checksum unless sum_ok.
 * LA_DROP_ICMP: not valid.
 */
enum la_drop la__mld_parse(struct mld_msg *m, const struct ip_hdr *h, const uint8_t *packet, bool sum_ok);

/* What is said of a group: the record types of RFC 3810 5.2.12, and the messages of version 1. */
enum mld_say { MLD_IS_EXCLUDE = 2, MLD_TO_INCLUDE = 3, MLD_TO_EXCLUDE = 4, MLD1_REPORT = 131, MLD1_DONE = 132 };
/* Where that goes: ff02::16, the group itself, ff02::2. */
la_addr la__mld_dst(enum mld_say what, const la_addr *group);
/*
 * Writes the payload of an IPv6 packet with hop limit 1: a hop-by-hop header with Router Alert, whose number is 0, and the message. At most
 * MLD_BYTES_MAX bytes; returns how many.
 */
unsigned la__mld_build(enum mld_say what, const la_addr *group, const la_addr *src, const la_addr *dst, uint8_t *p);

#endif
