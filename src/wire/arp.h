/* SPDX-License-Identifier: MIT */
/* ARP for IPv4 on Ethernet (RFC 826): bytes <-> struct, stateless. */
#ifndef LA_WIRE_ARP_H
#define LA_WIRE_ARP_H

#include "wire/eth.h"

enum { ARP_PACKET = 28 };
enum arp_op { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_pkt {
  enum arp_op op;
  la_addr spa, tpa; /* of the sender (zero in a probe: RFC 5227 1.1), of the target */
  uint8_t sha[ETH_ADDR], tha[ETH_ADDR];
};
/*
 * LA_DROP_PKT_TOO_SMALL. LA_DROP_ARP: other hardware, another protocol or operation; a sender whose hardware address is no station's
 * (RFC 1812 3.3.2), or whose IP address no host can have.
 */
enum la_drop la__arp_parse(struct arp_pkt *a, const uint8_t *p, size_t n);
/* Writes ARP_PACKET bytes. */
unsigned la__arp_build(const struct arp_pkt *a, uint8_t *p);

#endif
