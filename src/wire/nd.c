/* SPDX-License-Identifier: MIT */
#include "wire/nd.h"

#include "base/bytes.h"
#include "base/sum.h"

enum { HEAD = 24, OPT_SOURCE = 1, OPT_TARGET = 2, OPT_UNIT = 8 };
enum { FLAG_ROUTER = 0x80, FLAG_SOLICITED = 0x40, FLAG_OVERRIDE = 0x20 };

bool la__nd_is(const struct ip_hdr *h, const uint8_t *p, size_t n) {
  return h->src.family == 6 && h->proto == IP_PROTO_ICMP6 && !h->frag_off && n && p[0] >= ND_ROUTER_SOLICIT && p[0] <= ND_REDIRECT;
}

/* All options must be whole and none empty (4.6); of the known one the first counts. */
static bool options(struct nd_msg *m, const uint8_t *p, size_t n) {
  uint8_t want = m->type == ND_SOLICIT ? OPT_SOURCE : OPT_TARGET;
  while (n) {
    size_t len = n >= OPT_UNIT ? p[1] * (size_t)OPT_UNIT : 0;
    if (!len || len > n)
      return false;
    if (p[0] == want && len == OPT_UNIT && !m->has_mac) {
      m->has_mac = true;
      memcpy(m->mac, p + 2, ETH_ADDR);
      if (!la__eth_station(m->mac))
        return false;
    }
    p += len;
    n -= len;
  }
  return true;
}

enum la_drop la__nd_parse(struct nd_msg *m, const struct ip_hdr *h, const uint8_t *p, size_t n, bool sum_ok) {
  *m = (struct nd_msg){0};
  if (h->ttl != ND_HOP_LIMIT)
    return LA_DROP_IPV6_NDISC_HOP_LIMIT;
  if (h->fragment)
    return LA_DROP_FRAGMENT;
  if (!sum_ok && la__sum_finish(la__sum(la__ip_pseudo_sum(&h->src, &h->dst, IP_PROTO_ICMP6, h->len), p, n)))
    return LA_DROP_ICMP;
  if (p[0] != ND_SOLICIT && p[0] != ND_ADVERT)
    return LA_DROP_ICMP;
  if (n < HEAD || p[1])
    return LA_DROP_IPV6_NDISC_BAD_OPTIONS;
  m->type = (enum nd_type)p[0];
  m->target.family = 6;
  memcpy(m->target.b, p + 8, 16);
  bool nobody = la__addr_unspecified(&h->src);
  if (la__addr_multicast(&m->target) || la__addr_unspecified(&m->target) || !options(m, p + HEAD, n - HEAD))
    return LA_DROP_IPV6_NDISC_BAD_OPTIONS;
  if (!nobody && (la__addr_bad_source(&h->src) || la__addr_loopback(&h->src)))
    return LA_DROP_IPV6_NDISC_BAD_OPTIONS;
  if (m->type == ND_SOLICIT)
    return nobody && (m->has_mac || !la__nd_is_solicited_node(&h->dst)) ? LA_DROP_IPV6_NDISC_BAD_OPTIONS : LA_DROP_NONE;
  m->router = p[4] & FLAG_ROUTER;
  m->solicited = p[4] & FLAG_SOLICITED;
  m->override = p[4] & FLAG_OVERRIDE;
  return nobody || (m->solicited && la__addr_multicast(&h->dst)) ? LA_DROP_IPV6_NDISC_BAD_OPTIONS : LA_DROP_NONE;
}

static void put_sum(uint8_t *p, unsigned n, const la_addr *src, const la_addr *dst) {
  be16_put(p + 2, 0);
  be16_put(p + 2, la__sum_finish(la__sum(la__ip_pseudo_sum(src, dst, IP_PROTO_ICMP6, n), p, n)));
}

unsigned la__nd_build(const struct nd_msg *m, const la_addr *src, const la_addr *dst, uint8_t *p) {
  unsigned n = HEAD;
  memset(p, 0, HEAD);
  p[0] = (uint8_t)m->type;
  p[4] = (uint8_t)((m->router ? FLAG_ROUTER : 0) | (m->solicited ? FLAG_SOLICITED : 0) | (m->override ? FLAG_OVERRIDE : 0));
  memcpy(p + 8, m->target.b, 16);
  if (m->has_mac) {
    p[n] = m->type == ND_SOLICIT ? OPT_SOURCE : OPT_TARGET;
    p[n + 1] = 1;
    memcpy(p + n + 2, m->mac, ETH_ADDR);
    n += OPT_UNIT;
  }
  put_sum(p, n, src, dst);
  return n;
}

static la_addr group(uint8_t low, const uint8_t *tail) {
  la_addr g = {.family = 6, .b = {0xff, 0x02}};
  g.b[15] = low;
  if (tail) {
    g.b[11] = 1;
    g.b[12] = 0xff;
    memcpy(g.b + 13, tail, 3);
  }
  return g;
}

la_addr la__nd_solicited_node(const la_addr *a) { return group(0, a->b + 13); }
la_addr la__nd_all_nodes(void) { return group(1, 0); }

bool la__nd_is_solicited_node(const la_addr *a) {
  la_addr want = la__nd_solicited_node(a);
  return la__addr_match(a, &want, 128);
}
