/* SPDX-License-Identifier: MIT */
#include "wire/ip.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/sum.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_LSRR = 131, OPT_SSRR = 137 };

unsigned la__ip_version(const uint8_t *p, size_t n) {
  unsigned v = n ? p[0] >> 4 : 0;
  return v == 4 || v == 6 ? v : 0;
}

static la_addr addr4(const uint8_t *p) {
  la_addr a = {.family = 4};
  memcpy(a.b, p, 4);
  return a;
}

/* RFC 791 3.1. Source routes are refused wherever they are (RFC 7126 4.3, 4.4). */
static enum la_drop options(const uint8_t *p, size_t n) {
  struct rd r = rd_of(p, n);
  while (rd_left(&r)) {
    uint8_t kind = rd_u8(&r);
    if (kind == OPT_END)
      break;
    if (kind == OPT_NOP)
      continue;
    unsigned len = rd_u8(&r);
    if (r.bad || len < 2 || !rd_take(&r, len - 2))
      return LA_DROP_IP_INHDR;
    if (kind == OPT_LSRR || kind == OPT_SSRR)
      return LA_DROP_IP_OPTIONS;
  }
  return LA_DROP_NONE;
}

enum la_drop la__ip4_quoted(struct ip_hdr *h, const uint8_t *p, size_t n) {
  *h = (struct ip_hdr){0};
  if (n < IP4_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  h->hlen = (p[0] & 15u) * 4;
  if (p[0] >> 4 != 4 || h->hlen < IP4_HEADER)
    return LA_DROP_IP_INHDR;
  if (h->hlen > n)
    return LA_DROP_PKT_TOO_SMALL;
  unsigned total = be16_get(p + 2), frag = be16_get(p + 6);
  if (total < h->hlen)
    return LA_DROP_IP_INHDR;
  h->len = total - h->hlen;
  h->tos = p[1];
  h->frag_id = be16_get(p + 4);
  h->dont_fragment = frag & 0x4000;
  h->frag_more = frag & 0x2000;
  h->frag_off = (uint16_t)((frag & 0x1fff) * 8);
  h->fragment = h->frag_more || h->frag_off;
  h->ttl = p[8];
  h->proto = p[9];
  h->proto_at = 9;
  h->src = addr4(p + 12);
  h->dst = addr4(p + 16);
  return LA_DROP_NONE;
}

enum la_drop la__ip4_parse(struct ip_hdr *h, const uint8_t *p, size_t n, bool sum_ok) {
  enum la_drop d = la__ip4_quoted(h, p, n);
  if (d != LA_DROP_NONE)
    return d;
  if (!sum_ok && la__sum_finish(la__sum(0, p, h->hlen)))
    return LA_DROP_IP_CSUM;
  if (h->len > n - h->hlen)
    return LA_DROP_PKT_TOO_SMALL;
  if (h->hlen + h->frag_off + h->len > 65535) /* a fragment past the end of any packet */
    return LA_DROP_IP_INHDR;
  return options(p + IP4_HEADER, h->hlen - IP4_HEADER);
}

unsigned la__ip4_build(const struct ip_hdr *h, uint8_t *p) {
  LA_CHECK(h->len <= 65535 - IP4_HEADER);
  unsigned frag = h->frag_off / 8u;
  if (h->dont_fragment)
    frag |= 0x4000;
  if (h->frag_more)
    frag |= 0x2000;
  p[0] = 0x45;
  p[1] = h->tos;
  be16_put(p + 2, IP4_HEADER + h->len);
  be16_put(p + 4, h->frag_id);
  be16_put(p + 6, frag);
  p[8] = h->ttl;
  p[9] = h->proto;
  be16_put(p + 10, 0);
  memcpy(p + 12, h->src.b, 4);
  memcpy(p + 16, h->dst.b, 4);
  be16_put(p + 10, la__sum_finish(la__sum(0, p, IP4_HEADER)));
  return IP4_HEADER;
}
