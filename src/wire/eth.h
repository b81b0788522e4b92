/* SPDX-License-Identifier: MIT */
/* Ethernet II headers (RFC 894, 2464): bytes <-> struct, stateless. */
#ifndef LA_WIRE_ETH_H
#define LA_WIRE_ETH_H

#include <lastack/ether.h>
#include <lastack/trace.h>

enum { ETH_ADDR = 6, ETH_HEADER = 14 };
enum { ETH_IP4 = 0x0800, ETH_ARP = 0x0806, ETH_IP6 = 0x86dd };

struct eth_hdr {
  uint8_t dst[ETH_ADDR], src[ETH_ADDR];
  uint16_t type;
};
/* LA_DROP_PKT_TOO_SMALL; LA_DROP_DEV_HDR: the source is no station's address, or it is an 802.3 length and no type. */
enum la_drop la__eth_parse(struct eth_hdr *h, const uint8_t *p, size_t n);
/* Writes the header and returns its length. */
unsigned la__eth_build(const struct eth_hdr *h, uint8_t *p);

/* Broadcast or multicast. */
static inline bool eth_is_group(const uint8_t mac[ETH_ADDR]) { return mac[0] & 1; }
/* May it be a station's: neither a group's nor zero. */
bool la__eth_station(const uint8_t mac[ETH_ADDR]);
/* Where what goes to a group goes: RFC 1112 6.4, RFC 2464 7; all other addresses, as an IPv4 broadcast, to everybody. */
void la__eth_group(const la_addr *group, uint8_t mac[ETH_ADDR]);

#endif
