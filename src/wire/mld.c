/* SPDX-License-Identifier: MIT */
#include "wire/mld.h"

#include "base/bytes.h"
#include "base/sum.h"

enum { QUERY = 130, REPORT1 = 131, REPORT2 = 143, HEAD = 24, QUERY2 = 28, REPORT2_BYTES = 28 };
enum { HOP_BY_HOP = 0, HOPS_BYTES = 8, PAD1 = 0, PADN = 1, ROUTER_ALERT = 5, ALERT_MLD = 0 };

bool la__mld_is(const struct ip_hdr *h, const uint8_t *packet) {
  return h->src.family == 6 && h->proto == IP_PROTO_ICMP6 && !h->frag_off && h->len &&
         (packet[h->hlen] == QUERY || packet[h->hlen] == REPORT1);
}

/* RFC 2711 2.1. The walk over the headers has found the options whole. */
static bool alerted(const struct ip_hdr *h, const uint8_t *packet) {
  if (packet[6] != HOP_BY_HOP || h->hlen < IP6_HEADER + HOPS_BYTES)
    return false;
  const uint8_t *p = packet + IP6_HEADER, *end = p + (p[1] + 1u) * HOPS_BYTES;
  for (p += 2; p < end; p += p[0] == PAD1 ? 1 : 2 + p[1])
    if (p[0] == ROUTER_ALERT)
      return p[1] == 2 && be16_get(p + 2) == ALERT_MLD;
  return false;
}

/* RFC 3810 5.1.3 */
static uint32_t delay2(unsigned code) { return code < 0x8000 ? code : (0x1000u | (code & 0xfff)) << ((code >> 12 & 7) + 3); }

enum la_drop la__mld_parse(struct mld_msg *m, const struct ip_hdr *h, const uint8_t *packet, bool sum_ok) {
  const uint8_t *p = packet + h->hlen;
  *m = (struct mld_msg){.query = p[0] == QUERY, .group = {.family = 6}};
  if (!sum_ok && la__sum_finish(la__sum(la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_ICMP6, h->len), p, h->len)))
    return LA_DROP_ICMP;
  if (h->fragment || h->ttl != 1 || !alerted(h, packet) || h->len < HEAD || p[1])
    return LA_DROP_ICMP;
  bool nobody = la__addr_unspecified(&h->src); /* RFC 3590 lets a report come from there */
  if (!la__addr_link_local(&h->src) && !(nobody && !m->query))
    return LA_DROP_ICMP;
  memcpy(m->group.b, p + 8, 16);
  if (!la__addr_multicast(&m->group) && !(m->query && la__addr_unspecified(&m->group)))
    return LA_DROP_ICMP;
  m->version2 = m->query && h->len > HEAD; /* RFC 3810 8.1 */
  m->delay_ms = m->version2 ? delay2(be16_get(p + 4)) : be16_get(p + 4);
  return m->version2 && h->len < QUERY2 ? LA_DROP_ICMP : LA_DROP_NONE;
}

la_addr la__mld_dst(enum mld_say what, const la_addr *group) {
  la_addr a = {.family = 6, .b = {0xff, 0x02}};
  a.b[15] = what == MLD1_DONE ? 2 : 0x16;
  return what == MLD1_REPORT ? *group : a;
}

unsigned la__mld_build(enum mld_say what, const la_addr *group, const la_addr *src, const la_addr *dst, uint8_t *p) {
  bool old = what == MLD1_REPORT || what == MLD1_DONE;
  uint8_t *m = p + HOPS_BYTES;
  unsigned n = old ? HEAD : REPORT2_BYTES;
  memset(p, 0, HOPS_BYTES + n);
  p[0] = IP_PROTO_ICMP6;
  p[2] = ROUTER_ALERT;
  p[3] = 2;
  p[6] = PADN;
  m[0] = old ? (uint8_t)what : REPORT2;
  if (!old) {
    be16_put(m + 6, 1);   /* records */
    m[8] = (uint8_t)what; /* without sources: none is left out of what is joined */
  }
  memcpy(m + (old ? 8 : 12), group->b, 16);
  be16_put(m + 2, la__sum_finish(la__sum(la__ip_pseudo_sum(src, dst, IP_PROTO_ICMP6, n), m, n)));
  return HOPS_BYTES + n;
}
