/* SPDX-License-Identifier: MIT */
/* IPv4 (RFC 791). */
#include "base/bytes.h"
#include "base/sum.h"
#include "wire/ip.h"

unsigned la__ip_version(const uint8_t *p, size_t n) {
  unsigned v = n ? p[0] >> 4 : 0;
  return v == 4 || v == 6 ? v : 0;
}

/* Options are skipped (MUST-50), but source routes are refused (RFC 7126). Bad lengths too. */
static enum la_drop options(const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n && p[i] != 0;) {
    if (p[i] == 1) {
      i++;
      continue;
    }
    if (n - i < 2 || p[i + 1] < 2 || p[i + 1] > n - i)
      return LA_DROP_IP_INHDR;
    if (p[i] == 131 || p[i] == 137)
      return LA_DROP_IP_OPTIONS;
    i += p[i + 1];
  }
  return LA_DROP_NONE;
}

enum la_drop la__ip4_parse(struct ip_hdr *h, const uint8_t *p, size_t n, bool sum_ok) {
  if (n < IP4_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  uint32_t hlen = (p[0] & 15) * 4u, total = be16_get(p + 2);
  if (p[0] >> 4 != 4 || hlen < IP4_HEADER || total < hlen)
    return LA_DROP_IP_INHDR;
  if (total > n || hlen > n)
    return LA_DROP_PKT_TOO_SMALL;
  if (!sum_ok && la__sum_finish(la__sum(0, p, hlen)) != 0)
    return LA_DROP_IP_CSUM;
  memset(h, 0, sizeof *h);
  h->src.family = h->dst.family = 4;
  memcpy(h->src.b, p + 12, 4);
  memcpy(h->dst.b, p + 16, 4);
  h->tos = p[1];
  h->ttl = p[8];
  h->proto = p[9];
  h->frag_id = be16_get(p + 4);
  uint16_t off = be16_get(p + 6);
  h->dont_fragment = off & 0x4000;
  h->frag_more = off & 0x2000;
  h->frag_off = (uint16_t)((off & 0x1fff) * 8);
  h->fragment = h->frag_more || h->frag_off;
  h->hlen = hlen;
  h->len = total - hlen;
  return options(p + IP4_HEADER, hlen - IP4_HEADER);
}

unsigned la__ip4_build(const struct ip_hdr *h, uint8_t *p) {
  memset(p, 0, IP4_HEADER);
  p[0] = 0x45;
  p[1] = h->tos;
  be16_put(p + 2, IP4_HEADER + h->len);
  be16_put(p + 4, h->frag_id);
  be16_put(p + 6, (h->dont_fragment ? 0x4000u : 0u) | (h->frag_more ? 0x2000u : 0u) | h->frag_off / 8u);
  p[8] = h->ttl;
  p[9] = h->proto;
  memcpy(p + 12, h->src.b, 4);
  memcpy(p + 16, h->dst.b, 4);
  be16_put(p + 10, la__sum_finish(la__sum(0, p, IP4_HEADER)));
  return IP4_HEADER;
}
