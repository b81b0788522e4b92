/* SPDX-License-Identifier: MIT */
/* Live packets: taken apart, and turned into the form in which a script writes them. */
#include "drill/run.h"

#include "base/bytes.h"
#include "wire/icmp.h"
#include "wire/tcp_wire.h"
#include "wire/udp_wire.h"

#include <stdio.h>

static bool decode_tcp(struct wire *w, const uint8_t *p, uint32_t n, uint32_t pseudo) {
  w->proto = DRILL_TCP;
  if (la__tcp_parse(&w->seg, p, n, pseudo, false) != LA_DROP_NONE)
    return false;
  w->sport = w->seg.sport;
  w->dport = w->seg.dport;
  w->payload = w->seg.data;
  w->payload_len = w->seg.len;
  return true;
}
static bool decode_udp(struct wire *w, const uint8_t *p, uint32_t n) {
  struct udp_hdr u;
  w->proto = DRILL_UDP;
  if (la__udp_parse(&u, &w->ip, p, n, false) != LA_DROP_NONE)
    return false;
  w->sport = u.sport;
  w->dport = u.dport;
  w->payload = u.data;
  w->payload_len = u.len;
  return true;
}
static bool decode_icmp(struct wire *w, const uint8_t *p, uint32_t n, uint32_t pseudo, bool six) {
  struct icmp_msg m;
  w->proto = DRILL_ICMP;
  if ((six ? la__icmp6_parse(&m, p, n, pseudo, false) : la__icmp4_parse(&m, p, n, false)) != LA_DROP_NONE)
    return false;
  w->payload = m.data;
  w->payload_len = m.len;
  return true;
}

bool la__packet_decode(struct wire *w) {
  unsigned version = la__ip_version(w->data, w->len);
  enum la_drop d = version == 4   ? la__ip4_parse(&w->ip, w->data, w->len, false)
                   : version == 6 ? la__ip6_parse(&w->ip, w->data, w->len)
                                  : LA_DROP_IP_INHDR;
  if (d != LA_DROP_NONE)
    return false;
  const uint8_t *p = w->header = w->data + w->ip.hlen;
  uint32_t n = w->ip.len, pseudo = la__ip_pseudo_sum(&w->ip.src, &w->ip.dst, w->ip.proto, n);
  switch (w->ip.proto) {
  case IP_PROTO_TCP:
    return decode_tcp(w, p, n, pseudo);
  case IP_PROTO_UDP:
    return decode_udp(w, p, n);
  case IP_PROTO_ICMP:
    return decode_icmp(w, p, n, 0, false);
  case IP_PROTO_ICMP6:
    return decode_icmp(w, p, n, pseudo, true);
  default:
    return false;
  }
}

/* One option from the wire; `off` is added to the numbers of SACK blocks. */
static void option_of(struct drill_opt *o, const uint8_t *p, unsigned len, uint32_t off) {
  o->kind = p[0];
  o->len = (uint8_t)len;
  unsigned n = len > 2 ? len - 2 : 0;
  if (n <= sizeof o->bytes)
    memcpy(o->bytes, p + 2, n);
  if (o->kind == DRILL_OPT_MSS && n == 2) {
    o->a = be16_get(p + 2);
  } else if (o->kind == DRILL_OPT_WSCALE && n == 1) {
    o->a = p[2];
  } else if (o->kind == DRILL_OPT_TS && n == 8) {
    o->a = be32_get(p + 2);
    o->b = be32_get(p + 6);
  } else if (o->kind == DRILL_OPT_SACK) {
    o->blocks = n / 8 < 4 ? n / 8 : 4;
    for (unsigned i = 0; i < o->blocks; i++) {
      o->from[i] = be32_get(p + 2 + 8 * i) - off;
      o->to[i] = be32_get(p + 6 + 8 * i) - off;
    }
  }
}

static void options_of(struct run *r, struct drill_packet *p, const uint8_t *b, unsigned n, uint32_t off) {
  p->opts = la__drill_alloc(r, DRILL_OPTS_MAX * sizeof *p->opts);
  for (unsigned i = 0; i < n && p->nopts < DRILL_OPTS_MAX;) {
    unsigned len = b[i] <= 1 || i + 1 >= n ? 1 : b[i + 1];
    if (!len || len > n - i)
      break;
    option_of(&p->opts[p->nopts++], b + i, len, off);
    i += len;
  }
}

static void tcp_as_script(struct run *r, struct sock *k, const struct wire *w, struct drill_packet *p) {
  const struct tcp_seg *s = &w->seg;
  bool syn = s->flags & LA_SYN;
  uint32_t local = k ? la__sock_local_offset(k, syn) : 0, remote = k ? la__sock_remote_offset(k, syn) : 0;
  if (!w->out) {
    uint32_t swap = local;
    local = remote;
    remote = swap;
  }
  p->flags = s->flags;
  p->ace = (uint8_t)((w->header[12] & 1) << 2 | (s->flags & LA_CWR ? 2 : 0) | (s->flags & LA_ECE ? 1 : 0));
  p->seq = s->seq - local;
  p->payload = s->len;
  p->end = p->seq + s->len;
  p->has_ack = s->flags & LA_ACK;
  p->ack = p->has_ack ? s->ack - remote : s->ack;
  p->has_win = true;
  p->win = s->wnd;
  p->has_urg = s->flags & LA_URG || s->urp;
  p->urg = s->urp;
  options_of(r, p, w->header + TCP_HEADER, (w->header[12] >> 4) * 4u - TCP_HEADER, remote);
}

struct drill_packet *la__packet_as_script(struct run *r, struct sock *k, const struct wire *w) {
  struct drill_packet *p = la__drill_alloc(r, sizeof *p);
  p->dir = w->out ? DRILL_OUT : DRILL_IN;
  p->proto = w->proto;
  p->ip = (struct drill_ip){.check = DRILL_TOS_IS, .tos = w->ip.tos, .has_ttl = true, .ttl = w->ip.ttl};
  if (w->ip.src.family == 6)
    p->ip.flow = be32_get(w->data) & 0xfffff;
  if (w->proto == DRILL_TCP) {
    tcp_as_script(r, k, w, p);
  } else if (w->proto == DRILL_UDP) {
    p->payload = w->payload_len;
  } else {
    p->icmp_type = w->header[0];
    p->icmp_code = w->header[1];
    p->payload = w->payload_len;
  }
  return p;
}
