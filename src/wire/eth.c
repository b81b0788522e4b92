/* SPDX-License-Identifier: MIT */
#include "wire/eth.h"

#include "base/bytes.h"
#include "wire/ip.h"

enum { LEAST_TYPE = 0x0600 }; /* below it is a length (RFC 894) */

bool la__eth_station(const uint8_t mac[ETH_ADDR]) {
  static const uint8_t zero[ETH_ADDR];
  return !eth_is_group(mac) && memcmp(mac, zero, ETH_ADDR);
}

enum la_drop la__eth_parse(struct eth_hdr *h, const uint8_t *p, size_t n) {
  if (n < ETH_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  memcpy(h->dst, p, ETH_ADDR);
  memcpy(h->src, p + ETH_ADDR, ETH_ADDR);
  h->type = be16_get(p + 2 * ETH_ADDR);
  return h->type < LEAST_TYPE || !la__eth_station(h->src) ? LA_DROP_DEV_HDR : LA_DROP_NONE;
}

unsigned la__eth_build(const struct eth_hdr *h, uint8_t *p) {
  memcpy(p, h->dst, ETH_ADDR);
  memcpy(p + ETH_ADDR, h->src, ETH_ADDR);
  be16_put(p + 2 * ETH_ADDR, h->type);
  return ETH_HEADER;
}

void la__eth_group(const la_addr *group, uint8_t mac[ETH_ADDR]) {
  if (!la__addr_multicast(group)) {
    memset(mac, 0xff, ETH_ADDR);
  } else if (group->family == 4) {
    be32_put(mac, 0x01005e00u);
    mac[3] = group->b[1] & 0x7f;
    memcpy(mac + 4, group->b + 2, 2);
  } else {
    be16_put(mac, 0x3333);
    memcpy(mac + 2, group->b + 12, 4);
  }
}

static int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool la_mac_parse(const char *text, uint8_t mac[LA_MAC]) {
  uint8_t m[LA_MAC];
  for (unsigned i = 0; i < LA_MAC; i++) {
    int high = hex(*text), low = high < 0 ? -1 : hex(text[1]);
    if (low < 0)
      return false;
    m[i] = (uint8_t)(high << 4 | low);
    text += 2;
    if (i + 1 < LA_MAC ? *text != ':' && *text != '-' : *text != 0)
      return false;
    text++;
  }
  if (!la__eth_station(m))
    return false;
  memcpy(mac, m, LA_MAC);
  return true;
}

char *la_mac_text(const uint8_t mac[LA_MAC], char *buf) {
  for (unsigned i = 0; i < LA_MAC; i++) {
    buf[3 * i] = "0123456789abcdef"[mac[i] >> 4];
    buf[3 * i + 1] = "0123456789abcdef"[mac[i] & 15];
    buf[3 * i + 2] = i + 1 < LA_MAC ? ':' : 0;
  }
  return buf;
}
