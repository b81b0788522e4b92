/* SPDX-License-Identifier: MIT */
#include "sim/join.h"

#include <string.h>

#include "base/bytes.h"
#include "base/sum.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

enum { LONGEST = 65535 };

struct seen {
  struct ip_hdr ip;
  struct tcp_seg seg;
  uint32_t headers;
};

/* false: no whole TCP segment with a right checksum. */
static bool look(struct seen *s, const uint8_t *p, uint32_t n, bool joined) {
  unsigned version = la__ip_version(p, n);
  enum la_drop d = version == 6 ? la__ip6_parse(&s->ip, p, n) : version == 4 ? la__ip4_parse(&s->ip, p, n, joined) : LA_DROP_IP_INHDR;
  if (d != LA_DROP_NONE || s->ip.fragment || s->ip.proto != IP_PROTO_TCP || s->ip.hlen + s->ip.len != n)
    return false;
  uint32_t pseudo = la__ip_pseudo_sum(&s->ip.src, &s->ip.dst, IP_PROTO_TCP, s->ip.len);
  if (la__tcp_parse(&s->seg, p + s->ip.hlen, s->ip.len, pseudo, joined) != LA_DROP_NONE)
    return false;
  s->headers = n - s->seg.len;
  return true;
}

void la__join_begin(struct join *j, const uint8_t *packet, uint32_t len) {
  struct seen s;
  memcpy(j->bytes, packet, len);
  j->len = len;
  j->segments = 1;
  bool fits = look(&s, packet, len, false) && s.seg.len && !(s.seg.flags & (LA_SYN | LA_FIN | LA_RST | LA_URG | LA_PSH));
  j->each = (uint16_t)(fits ? s.seg.len : 0);
  j->over = !fits;
}

bool la__join_add(struct join *j, const uint8_t *packet, uint32_t len) {
  struct seen a, b;
  unsigned last = LA_FIN | LA_PSH;
  if (j->over || !look(&a, j->bytes, j->len, true) || !look(&b, packet, len, false))
    return false;
  const struct tcp_seg *s = &a.seg, *n = &b.seg;
  unsigned at = a.ip.hlen;
  bool same = la_addr_same(&a.ip.src, &b.ip.src) && la_addr_same(&a.ip.dst, &b.ip.dst) && a.ip.tos == b.ip.tos && a.ip.ttl == b.ip.ttl &&
              s->sport == n->sport && s->dport == n->dport && s->ack == n->ack && s->wnd == n->wnd && a.headers == b.headers &&
              memcmp(j->bytes + at + TCP_HEADER, packet + at + TCP_HEADER, a.headers - at - TCP_HEADER) == 0;
  if (!same || n->seq != s->seq + s->len || !n->len || n->len > j->each || (n->flags & ~last) != (s->flags & ~(unsigned)LA_CWR) ||
      j->len + n->len > (j->most ? j->most : LONGEST))
    return false;
  memcpy(j->bytes + j->len, n->data, n->len);
  j->len += n->len;
  j->segments++;
  j->bytes[at + 13] |= n->flags & last;
  j->over = n->len < j->each || n->flags & last;
  be16_put(j->bytes + (a.ip.src.family == 6 ? 4 : 2), a.ip.src.family == 6 ? j->len - IP6_HEADER : j->len);
  if (a.ip.src.family == 4) {
    be16_put(j->bytes + 10, 0);
    be16_put(j->bytes + 10, la__sum_finish(la__sum(0, j->bytes, IP4_HEADER)));
  }
  return true;
}

void la__join_frame(struct join *j, la_frame *f) {
  f->data = j->bytes;
  f->len = f->total = j->len;
  f->flags = j->segments > 1 ? LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL : 0; /* a sum was looked at for each segment */
  f->gso_size = j->each;
  f->nbufs = 0;
}
