/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/sum.h"
#include "wire/icmp_wire.h"

enum la_drop la__icmp_header(struct icmp_msg *m, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok) {
  *m = (struct icmp_msg){0};
  if (n < ICMP_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  if (n > 65535 || (!sum_ok && la__sum_finish(la__sum(pseudo, p, n))))
    return LA_DROP_ICMP;
  m->type = p[0];
  m->code = p[1];
  m->word = be32_get(p + 4);
  m->data = p + ICMP_HEADER;
  m->len = (uint32_t)(n - ICMP_HEADER);
  return LA_DROP_NONE;
}

bool la__icmp_quote(const struct icmp_msg *m, unsigned version, struct icmp_quote *q) {
  *q = (struct icmp_quote){0};
  if (m->kind == ICMP_OTHER || m->kind == ICMP_ECHO || m->kind == ICMP_ECHO_REPLY)
    return false; /* these quote nothing */
  enum la_drop d = version == 4 ? la__ip4_quoted(&q->ip, m->data, m->len) : la__ip6_quoted(&q->ip, m->data, m->len);
  if (d != LA_DROP_NONE || q->ip.frag_off) /* a later fragment has no ports */
    return false;
  struct rd r = rd_of(m->data + q->ip.hlen, m->len - q->ip.hlen);
  if (q->ip.proto == IP_PROTO_TCP || q->ip.proto == IP_PROTO_UDP) {
    q->sport = rd_u16(&r);
    q->dport = rd_u16(&r);
  }
  if (q->ip.proto == IP_PROTO_TCP)
    q->seq = rd_u32(&r);
  return !r.bad;
}

unsigned la__icmp_build(const struct icmp_msg *m, uint8_t *p, uint32_t pseudo) {
  if (m->len)
    memmove(p + ICMP_HEADER, m->data, m->len); /* an echo may be answered in its own buffer */
  p[0] = m->type;
  p[1] = m->code;
  be16_put(p + 2, 0);
  be32_put(p + 4, m->word);
  be16_put(p + 2, la__sum_finish(la__sum(pseudo, p, ICMP_HEADER + m->len)));
  return ICMP_HEADER + m->len;
}

bool la__icmp_is_error(unsigned version, uint8_t type) {
  if (version == 6)
    return type < 128;
  return !(type == 0 || type == 8 || (type >= 13 && type <= 18));
}

int la__icmp_err(enum icmp_kind kind) {
  switch (kind) {
  case ICMP_PORT_UNREACH:
  case ICMP_PROTO_UNREACH:
    return LA_ECONNREFUSED;
  case ICMP_NET_UNREACH:
    return LA_ENETUNREACH;
  case ICMP_TOO_BIG:
    return LA_EMSGSIZE;
  default:
    return LA_EHOSTUNREACH;
  }
}
