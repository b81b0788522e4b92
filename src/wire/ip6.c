/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/check.h"
#include "wire/ip.h"

enum { NEXT_HOP_BY_HOP = 0, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_DEST_OPTS = 60 };
enum { OPT_PAD1 = 0 };
enum { CODE_FIELD = 0, CODE_NEXT_HEADER = 1, CODE_OPTION = 2 }; /* RFC 4443 3.4 */
/* RFC 8200 4.1 needs five before the payload; the bound keeps the work for one packet small (RFC 8504 5.3). */
enum { EXT_MAX = 8 };

static la_addr addr6(const uint8_t *p) {
  la_addr a = {.family = 6};
  memcpy(a.b, p, 16);
  return a;
}

static enum la_drop problem(struct ip_hdr *h, unsigned code, size_t at, enum la_drop d) {
  h->problem = (uint8_t)(code + 1);
  h->problem_at = (uint32_t)at;
  return d;
}

/* Options of which we know none but padding: the two upper bits of the type say what becomes of the packet (RFC 8200 4.2). */
/* `p` lies `at` bytes into the packet. */
static enum la_drop options(struct ip_hdr *h, const uint8_t *p, size_t n, size_t at) {
  struct rd r = rd_of(p, n);
  while (rd_left(&r)) {
    uint8_t type = rd_u8(&r);
    if (type == OPT_PAD1)
      continue;
    unsigned len = rd_u8(&r);
    if (r.bad || !rd_take(&r, len))
      return LA_DROP_IP_INHDR;
    if (type >> 6 == 1)
      return LA_DROP_IP_OPTIONS;
    if (type >> 6)
      return problem(h, CODE_OPTION, at + (n - rd_left(&r)) - len - 2, LA_DROP_IP_OPTIONS);
  }
  return LA_DROP_NONE;
}

/* RFC 8200 4.5. An atomic fragment is a whole packet (RFC 6946). */
static void fragment(struct ip_hdr *h, const uint8_t *p) {
  unsigned word = be16_get(p + 2);
  h->frag_off = (uint16_t)(word & 0xfff8);
  h->frag_more = word & 1;
  h->fragment = h->frag_off || h->frag_more;
  h->frag_id = be32_get(p + 4);
}

/* Walks the extension headers within the first n bytes of p. `strict`: a packet for us, not a quoted one. */
static enum la_drop extensions(struct ip_hdr *h, const uint8_t *p, size_t n, bool strict) {
  bool first = true, atomic = false;
  for (unsigned i = 0;; i++, first = false) {
    uint8_t kind = h->proto;
    if (kind != NEXT_HOP_BY_HOP && kind != NEXT_ROUTING && kind != NEXT_FRAGMENT && kind != NEXT_DEST_OPTS)
      return LA_DROP_NONE;
    if (kind == NEXT_HOP_BY_HOP && !first)
      return problem(h, CODE_NEXT_HEADER, h->proto_at, LA_DROP_IP_INHDR); /* 4.1 */
    if (i == EXT_MAX || (kind == NEXT_FRAGMENT && atomic))
      return LA_DROP_IP_INHDR;
    if (n - h->hlen < 8)
      return LA_DROP_IP_INHDR;
    const uint8_t *e = p + h->hlen;
    unsigned len = kind == NEXT_FRAGMENT ? 8 : (e[1] + 1u) * 8;
    if (n - h->hlen < len || h->len < len)
      return LA_DROP_IP_INHDR;
    enum la_drop d = LA_DROP_NONE;
    if (strict && (kind == NEXT_HOP_BY_HOP || kind == NEXT_DEST_OPTS))
      d = options(h, e + 2, len - 2, h->hlen + 2);
    else if (strict && kind == NEXT_ROUTING && e[3])
      d = problem(h, CODE_FIELD, h->hlen + 2, LA_DROP_IP_OPTIONS); /* 4.4 */
    if (d != LA_DROP_NONE)
      return d;
    h->proto = e[0];
    h->proto_at = h->hlen;
    h->hlen += len;
    h->len -= len;
    if (kind == NEXT_FRAGMENT) {
      fragment(h, e);
      atomic = true;
      if (h->fragment) /* what follows belongs to the whole packet */
        return LA_DROP_NONE;
    }
  }
}

static enum la_drop parse(struct ip_hdr *h, const uint8_t *p, size_t n, bool strict) {
  *h = (struct ip_hdr){0};
  if (n < IP6_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  if (p[0] >> 4 != 6)
    return LA_DROP_IP_INHDR;
  h->hlen = IP6_HEADER;
  h->tos = (uint8_t)(be16_get(p) >> 4);
  h->len = be16_get(p + 4);
  h->proto = p[6];
  h->proto_at = 6;
  h->ttl = p[7];
  h->src = addr6(p + 8);
  h->dst = addr6(p + 24);
  if (strict && h->len > n - IP6_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  enum la_drop d = extensions(h, p, n, strict);
  if (d == LA_DROP_NONE && h->fragment && h->frag_off + h->len > 65535) /* past the end of any packet (RFC 8200 4.5) */
    return problem(h, CODE_FIELD, h->hlen - 6, LA_DROP_IP_INHDR);
  return d;
}

enum la_drop la__ip6_parse(struct ip_hdr *h, const uint8_t *p, size_t n) { return parse(h, p, n, true); }

enum la_drop la__ip6_quoted(struct ip_hdr *h, const uint8_t *p, size_t n) { return parse(h, p, n, false); }

bool la__ip6_chain_whole(const struct ip_hdr *h, const uint8_t *p) {
  uint8_t kind = h->proto;
  uint32_t at = 0;
  for (unsigned i = 0; i < EXT_MAX && (kind == NEXT_ROUTING || kind == NEXT_DEST_OPTS); i++) {
    if (h->len - at < 8)
      return false;
    const uint8_t *e = p + h->hlen + at;
    uint32_t len = (e[1] + 1u) * 8;
    if (h->len - at < len)
      return false;
    kind = e[0];
    at += len;
  }
  return h->len - at >= (kind == IP_PROTO_TCP ? 20u : kind == IP_PROTO_UDP || kind == IP_PROTO_ICMP6 ? 8u : 0u);
}

unsigned la__ip6_build(const struct ip_hdr *h, uint8_t *p) {
  LA_CHECK(h->len <= 65535);
  be32_put(p, 6u << 28 | (uint32_t)h->tos << 20);
  be16_put(p + 4, h->len);
  p[6] = h->proto;
  p[7] = h->ttl;
  memcpy(p + 8, h->src.b, 16);
  memcpy(p + 24, h->dst.b, 16);
  return IP6_HEADER;
}
