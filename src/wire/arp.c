/* SPDX-License-Identifier: MIT */
#include "wire/arp.h"

#include "base/bytes.h"
#include "wire/ip.h"

enum { HARDWARE_ETHERNET = 1, PROTO_LEN = 4 };

static la_addr addr4(const uint8_t *p) {
  la_addr a = {.family = 4};
  memcpy(a.b, p, 4);
  return a;
}

enum la_drop la__arp_parse(struct arp_pkt *a, const uint8_t *p, size_t n) {
  if (n < ARP_PACKET)
    return LA_DROP_PKT_TOO_SMALL;
  unsigned op = be16_get(p + 6);
  if (be16_get(p) != HARDWARE_ETHERNET || be16_get(p + 2) != ETH_IP4 || p[4] != ETH_ADDR || p[5] != PROTO_LEN ||
      (op != ARP_REQUEST && op != ARP_REPLY))
    return LA_DROP_ARP;
  a->op = (enum arp_op)op;
  memcpy(a->sha, p + 8, ETH_ADDR);
  a->spa = addr4(p + 14);
  memcpy(a->tha, p + 18, ETH_ADDR);
  a->tpa = addr4(p + 24);
  bool probe = la__addr_unspecified(&a->spa) && a->op == ARP_REQUEST;
  if (!la__eth_station(a->sha) || (!probe && (la__addr_bad_source(&a->spa) || la__addr_loopback(&a->spa))))
    return LA_DROP_ARP;
  return LA_DROP_NONE;
}

unsigned la__arp_build(const struct arp_pkt *a, uint8_t *p) {
  be16_put(p, HARDWARE_ETHERNET);
  be16_put(p + 2, ETH_IP4);
  p[4] = ETH_ADDR;
  p[5] = PROTO_LEN;
  be16_put(p + 6, (uint32_t)a->op);
  memcpy(p + 8, a->sha, ETH_ADDR);
  memcpy(p + 14, a->spa.b, 4);
  memcpy(p + 18, a->tha, ETH_ADDR);
  memcpy(p + 24, a->tpa.b, 4);
  return ARP_PACKET;
}
