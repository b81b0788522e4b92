/* SPDX-License-Identifier: MIT */
#include "wire/udp_wire.h"

#include "base/bytes.h"
#include "base/sum.h"

enum la_drop la__udp_parse(struct udp_hdr *u, const struct ip_hdr *h, const uint8_t *p, size_t n, bool sum_ok) {
  *u = (struct udp_hdr){0};
  if (n < UDP_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  uint32_t len = be16_get(p + 4), check = be16_get(p + UDP_SUM_AT);
  if (len < UDP_HEADER || len > n) /* bytes behind it are padding */
    return LA_DROP_PKT_TOO_SMALL;
  if (check == 0 && h->src.family == 6)
    return LA_DROP_UDP_CSUM;
  if (check != 0 && !sum_ok && la__sum_finish(la__sum(la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_UDP, len), p, len)) != 0)
    return LA_DROP_UDP_CSUM;
  u->sport = be16_get(p);
  u->dport = be16_get(p + 2);
  u->data = p + UDP_HEADER;
  u->len = len - UDP_HEADER;
  return LA_DROP_NONE;
}

unsigned la__udp_build(const struct udp_hdr *u, uint8_t *p) {
  be16_put(p, u->sport);
  be16_put(p + 2, u->dport);
  be16_put(p + 4, UDP_HEADER + u->len);
  be16_put(p + UDP_SUM_AT, 0);
  return UDP_HEADER;
}
