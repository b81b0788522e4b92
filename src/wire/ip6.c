/* SPDX-License-Identifier: MIT */
/* IPv6 (RFC 8200). */
#include "base/bytes.h"
#include "wire/ip.h"

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DEST_OPTIONS = 60, EXT_HEADERS_MAX = 8 };

/* 4.2: what the two highest bits of an unknown option say; all but "skip" end in a drop here. */
static bool options_ok(const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n;) {
    if (p[i] == 0) {
      i++;
      continue;
    }
    if (n - i < 2 || p[i + 1] > n - i - 2)
      return false;
    if (p[i] != 1 && p[i] >> 6 != 0)
      return false;
    i += 2u + p[i + 1];
  }
  return true;
}

/* One extension header at p; its length, or 0 when the packet must be dropped. */
static uint32_t extension(struct ip_hdr *h, const uint8_t *p, uint32_t left, bool first) {
  if (left < 8)
    return 0;
  uint32_t size = h->proto == FRAGMENT ? 8 : (p[1] + 1u) * 8;
  if (size > left)
    return 0;
  if ((h->proto == HOP_BY_HOP && !first) || ((h->proto == HOP_BY_HOP || h->proto == DEST_OPTIONS) && !options_ok(p + 2, size - 2)))
    return 0;
  if (h->proto == ROUTING && p[3] != 0) /* segments left: RFC 5095 for type 0, unknown to us otherwise */
    return 0;
  if (h->proto == FRAGMENT) {
    uint16_t off = be16_get(p + 2);
    h->frag_off = off & 0xfff8;
    h->frag_more = off & 1;
    h->frag_id = be32_get(p + 4);
    h->fragment = h->frag_off || h->frag_more; /* an atomic fragment is whole (RFC 6946) */
  }
  h->proto = p[0];
  return size;
}

enum la_drop la__ip6_parse(struct ip_hdr *h, const uint8_t *p, size_t n) {
  if (n < IP6_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  uint32_t left = be16_get(p + 4);
  if (p[0] >> 4 != 6)
    return LA_DROP_IP_INHDR;
  if (left > n - IP6_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  memset(h, 0, sizeof *h);
  h->src.family = h->dst.family = 6;
  memcpy(h->src.b, p + 8, 16);
  memcpy(h->dst.b, p + 24, 16);
  h->tos = (uint8_t)(p[0] << 4 | p[1] >> 4);
  h->ttl = p[7];
  h->proto = p[6];
  h->dont_fragment = true;
  h->hlen = IP6_HEADER;
  for (unsigned i = 0; h->proto == HOP_BY_HOP || h->proto == ROUTING || h->proto == FRAGMENT || h->proto == DEST_OPTIONS; i++) {
    uint32_t size = i < EXT_HEADERS_MAX ? extension(h, p + h->hlen, left, i == 0) : 0;
    if (size == 0)
      return LA_DROP_IP_INHDR;
    h->hlen += size;
    left -= size;
    if (h->fragment)
      break; /* what follows is only part of a packet */
  }
  h->len = left;
  return LA_DROP_NONE;
}

unsigned la__ip6_build(const struct ip_hdr *h, uint8_t *p) {
  be32_put(p, 6u << 28 | (uint32_t)h->tos << 20);
  be16_put(p + 4, h->len);
  p[6] = h->proto;
  p[7] = h->ttl;
  memcpy(p + 8, h->src.b, 16);
  memcpy(p + 24, h->dst.b, 16);
  return IP6_HEADER;
}
