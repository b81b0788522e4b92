/* SPDX-License-Identifier: MIT */
#include "wire/tcp_wire.h"

#include "base/bytes.h"
#include "base/sum.h"

enum { EOL = 0, NOP = 1, MSS = 2, WSCALE = 3, SACK_OK = 4, SACK = 5, TS = 8, WSCALE_MAX = 14 };

static void sack_parse(struct tcp_opts *o, const uint8_t *p, unsigned len) {
  if (len < 10 || len > 34 || (len - 2) % 8 || o->have & TCP_OPT_SACK)
    return;
  o->nsack = (uint8_t)((len - 2) / 8);
  o->have |= TCP_OPT_SACK;
  for (unsigned i = 0; i < o->nsack; i++) {
    o->sack[i].lo = be32_get(p + 2 + 8 * i);
    o->sack[i].hi = be32_get(p + 6 + 8 * i);
  }
}

/* One option of known length; of a repeated one the first stays. */
static void option(struct tcp_opts *o, const uint8_t *p, unsigned len, bool syn) {
  switch (p[0]) {
  case MSS:
    if (syn && len == 4 && !(o->have & TCP_OPT_MSS)) {
      o->have |= TCP_OPT_MSS;
      o->mss = be16_get(p + 2);
    }
    break;
  case WSCALE:
    if (syn && len == 3 && !(o->have & TCP_OPT_WSCALE)) {
      o->have |= TCP_OPT_WSCALE;
      o->wscale = p[2] > WSCALE_MAX ? WSCALE_MAX : p[2];
    }
    break;
  case SACK_OK:
    if (syn && len == 2)
      o->have |= TCP_OPT_SACK_OK;
    break;
  case SACK:
    sack_parse(o, p, len);
    break;
  case TS:
    if (len == 10 && !(o->have & TCP_OPT_TS)) {
      o->have |= TCP_OPT_TS;
      o->ts_val = be32_get(p + 2);
      o->ts_ecr = be32_get(p + 6);
    }
    break;
  default:
    break; /* MUST-6 */
  }
}

enum la_drop la__tcp_parse_opts(struct tcp_opts *o, const uint8_t *p, size_t n, bool syn) {
  memset(o, 0, sizeof *o);
  for (size_t i = 0; i < n && p[i] != EOL;) {
    if (p[i] == NOP) {
      i++;
      continue;
    }
    if (n - i < 2 || p[i + 1] < 2 || p[i + 1] > n - i)
      return LA_DROP_TCP_HDR; /* MUST-7 */
    option(o, p + i, p[i + 1], syn);
    i += p[i + 1];
  }
  return LA_DROP_NONE;
}

enum la_drop la__tcp_parse(struct tcp_seg *s, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok) {
  if (n < TCP_HEADER)
    return LA_DROP_PKT_TOO_SMALL;
  size_t hdr = (size_t)(p[12] >> 4) * 4;
  if (hdr < TCP_HEADER || hdr > n)
    return LA_DROP_TCP_HDR;
  if (!sum_ok && la__sum_finish(la__sum(pseudo, p, n)) != 0)
    return LA_DROP_TCP_CSUM;
  s->sport = be16_get(p);
  s->dport = be16_get(p + 2);
  s->seq = be32_get(p + 4);
  s->ack = be32_get(p + 8);
  s->flags = p[13];
  s->wnd = be16_get(p + 14);
  s->urp = be16_get(p + 18);
  s->data = p + hdr;
  s->len = (uint32_t)(n - hdr);
  return la__tcp_parse_opts(&s->opt, p + TCP_HEADER, hdr - TCP_HEADER, s->flags & LA_SYN);
}

/* MSS 4; SACK-permitted pairs with timestamps where both are there, else two NOPs align it; window scale has one NOP. */
static unsigned fixed_size(const struct tcp_opts *o) {
  return (o->have & TCP_OPT_MSS ? 4u : 0u) + (o->have & TCP_OPT_WSCALE ? 4u : 0u) + (o->have & TCP_OPT_TS ? 12u : 0u) +
         ((o->have & (TCP_OPT_SACK_OK | TCP_OPT_TS)) == TCP_OPT_SACK_OK ? 4u : 0u);
}

static unsigned sack_fits(const struct tcp_opts *o) {
  unsigned left = TCP_HEADER_MAX - TCP_HEADER - fixed_size(o);
  unsigned fit = left >= 12 ? (left - 4) / 8 : 0, want = o->have & TCP_OPT_SACK ? o->nsack : 0;
  return want < fit ? want : fit;
}

unsigned la__tcp_opts_size(const struct tcp_opts *o) {
  unsigned blocks = sack_fits(o);
  return fixed_size(o) + (blocks ? 4 + 8 * blocks : 0);
}

static uint8_t *put(uint8_t *p, unsigned a, unsigned b, unsigned c, unsigned d) {
  p[0] = (uint8_t)a;
  p[1] = (uint8_t)b;
  p[2] = (uint8_t)c;
  p[3] = (uint8_t)d;
  return p + 4;
}

static unsigned build_opts(const struct tcp_opts *o, uint8_t *start) {
  uint8_t *p = start;
  bool sack_ok = o->have & TCP_OPT_SACK_OK;
  if (o->have & TCP_OPT_MSS)
    p = put(p, MSS, 4, o->mss >> 8, o->mss & 255);
  if (o->have & TCP_OPT_TS) {
    p = sack_ok ? put(p, SACK_OK, 2, TS, 10) : put(p, NOP, NOP, TS, 10);
    be32_put(p, o->ts_val);
    be32_put(p + 4, o->ts_ecr);
    p += 8;
  } else if (sack_ok) {
    p = put(p, NOP, NOP, SACK_OK, 2);
  }
  if (o->have & TCP_OPT_WSCALE)
    p = put(p, NOP, WSCALE, 3, o->wscale);
  unsigned blocks = sack_fits(o);
  if (blocks)
    p = put(p, NOP, NOP, SACK, 2 + 8 * blocks);
  for (unsigned i = 0; i < blocks; i++, p += 8) {
    be32_put(p, o->sack[i].lo);
    be32_put(p + 4, o->sack[i].hi);
  }
  return (unsigned)(p - start);
}

unsigned la__tcp_build(const struct tcp_seg *s, uint8_t *p) {
  unsigned hdr = TCP_HEADER + build_opts(&s->opt, p + TCP_HEADER);
  be16_put(p, s->sport);
  be16_put(p + 2, s->dport);
  be32_put(p + 4, s->seq);
  be32_put(p + 8, s->ack);
  p[12] = (uint8_t)(hdr / 4 << 4);
  p[13] = s->flags;
  be16_put(p + 14, s->wnd);
  be16_put(p + 16, 0);
  be16_put(p + 18, s->urp);
  return hdr;
}
