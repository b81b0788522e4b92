/* SPDX-License-Identifier: MIT */
#include "wire/icmp.h"

#include "base/bytes.h"
#include "base/sum.h"

enum { ICMP_HEADER = 8 };

static enum la_drop common(struct icmp_msg *m, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok) {
  if (n < ICMP_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  if (!sum_ok && la__sum_finish(la__sum(pseudo, p, n)) != 0)
    return LA_DROP_IP_CSUM;
  memset(m, 0, sizeof *m);
  m->type = p[0];
  m->code = p[1];
  m->word = be32_get(p + 4);
  m->data = p + ICMP_HEADER;
  m->len = (uint32_t)(n - ICMP_HEADER);
  return LA_DROP_NONE;
}

/* RFC 792 and RFC 1122 3.2.2.1: codes 0, 1, 5 and the rest are soft, 2 to 4 are hard. */
static enum icmp_kind unreachable4(uint8_t code) {
  static const uint8_t kinds[] = {ICMP_NET_UNREACH,  ICMP_HOST_UNREACH, ICMP_PROTO_UNREACH, ICMP_PORT_UNREACH,
                                  ICMP_TOO_BIG,      ICMP_SRCROUTE,     ICMP_NET_UNREACH,   ICMP_HOST_UNREACH,
                                  ICMP_HOST_UNREACH, ICMP_ADMIN,        ICMP_ADMIN,         ICMP_NET_UNREACH,
                                  ICMP_HOST_UNREACH, ICMP_ADMIN,        ICMP_HOST_UNREACH,  ICMP_ADMIN};
  return code < sizeof kinds ? (enum icmp_kind)kinds[code] : ICMP_OTHER;
}

enum la_drop la__icmp4_parse(struct icmp_msg *m, const uint8_t *p, size_t n, bool sum_ok) {
  enum la_drop why = common(m, p, n, 0, sum_ok);
  if (why != LA_DROP_NONE)
    return why;
  switch (m->type) {
  case 0:
    m->kind = ICMP_ECHO_REPLY;
    break;
  case 3:
    m->kind = unreachable4(m->code);
    if (m->kind == ICMP_TOO_BIG)
      m->mtu = m->word & 0xffff; /* RFC 1191 4 */
    break;
  case 4:
    m->kind = ICMP_SOURCE_QUENCH;
    break;
  case 8:
    m->kind = ICMP_ECHO;
    break;
  case 11:
    m->kind = ICMP_TIME_EXCEEDED;
    break;
  case 12:
    m->kind = ICMP_PARAM;
    break;
  default:
    break;
  }
  return LA_DROP_NONE;
}

static enum icmp_kind unreachable6(uint8_t code) {
  static const uint8_t kinds[] = {ICMP_NET_UNREACH,  ICMP_ADMIN, ICMP_HOST_UNREACH, ICMP_HOST_UNREACH,
                                  ICMP_PORT_UNREACH, ICMP_ADMIN, ICMP_ADMIN};
  return code < sizeof kinds ? (enum icmp_kind)kinds[code] : ICMP_OTHER;
}

enum la_drop la__icmp6_parse(struct icmp_msg *m, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok) {
  enum la_drop why = common(m, p, n, pseudo, sum_ok);
  if (why != LA_DROP_NONE)
    return why;
  switch (m->type) {
  case 1:
    m->kind = unreachable6(m->code);
    break;
  case 2:
    m->kind = ICMP_TOO_BIG;
    m->mtu = m->word;
    break;
  case 3:
    m->kind = ICMP_TIME_EXCEEDED;
    break;
  case 4:
    m->kind = m->code == 1 ? ICMP_PROTO_UNREACH : ICMP_PARAM; /* RFC 5461 2.1: the unknown next header */
    break;
  case 128:
    m->kind = ICMP_ECHO;
    break;
  case 129:
    m->kind = ICMP_ECHO_REPLY;
    break;
  default:
    break;
  }
  return LA_DROP_NONE;
}

/* The quoted header's lengths describe the whole packet; here only what was quoted counts, so it is read without their checks. */
static bool quote_ip(const struct icmp_msg *m, unsigned version, struct icmp_quote *q) {
  const uint8_t *p = m->data;
  memset(q, 0, sizeof *q);
  q->ip.src.family = q->ip.dst.family = (uint8_t)version;
  if (la__ip_version(p, m->len) != version || m->len < (version == 4 ? (unsigned)IP4_HEADER : (unsigned)IP6_HEADER))
    return false;
  if (version == 4) {
    q->ip.hlen = (p[0] & 15) * 4u;
    q->ip.proto = p[9];
    q->ip.frag_off = (uint16_t)((be16_get(p + 6) & 0x1fff) * 8);
    memcpy(q->ip.src.b, p + 12, 4);
    memcpy(q->ip.dst.b, p + 16, 4);
    return q->ip.hlen >= IP4_HEADER && q->ip.frag_off == 0;
  }
  q->ip.hlen = IP6_HEADER; /* extension headers of our own making there are none */
  q->ip.proto = p[6];
  memcpy(q->ip.src.b, p + 8, 16);
  memcpy(q->ip.dst.b, p + 24, 16);
  return true;
}

bool la__icmp_quote(const struct icmp_msg *m, unsigned version, struct icmp_quote *q) {
  if (!quote_ip(m, version, q))
    return false;
  struct rd r = rd_of(m->data, m->len);
  rd_take(&r, q->ip.hlen);
  q->sport = rd_u16(&r);
  q->dport = rd_u16(&r);
  if (q->ip.proto == IP_PROTO_TCP)
    q->seq = rd_u32(&r);
  return !r.bad;
}

unsigned la__icmp_build(const struct icmp_msg *m, uint8_t *p, uint32_t pseudo) {
  p[0] = m->type;
  p[1] = m->code;
  be16_put(p + 2, 0);
  be32_put(p + 4, m->word);
  memcpy(p + ICMP_HEADER, m->data, m->len);
  be16_put(p + 2, la__sum_finish(la__sum(pseudo, p, ICMP_HEADER + m->len)));
  return ICMP_HEADER + m->len;
}
