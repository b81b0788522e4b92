/* SPDX-License-Identifier: MIT */
#include "wire/tcp_wire.h"
#include "base/bytes.h"
#include "base/sum.h"

enum { KIND_END = 0, KIND_NOP = 1, KIND_MSS = 2, KIND_WSCALE = 3, KIND_SACK_OK = 4, KIND_SACK = 5, KIND_TS = 8 };
enum { OPTS_MAX = TCP_HEADER_MAX - TCP_HEADER, WSCALE_MAX = 14 };

static void sack_blocks(struct tcp_opts *o, struct rd *v) {
  while (rd_left(v) && o->nsack < 4) {
    o->sack[o->nsack].lo = rd_u32(v);
    o->sack[o->nsack].hi = rd_u32(v);
    o->nsack++;
  }
  o->have |= TCP_OPT_SACK;
}

/* One option's value. A length that is wrong for the kind, a repetition, or the wrong segment: as if it were unknown. */
static void option(struct tcp_opts *o, uint8_t kind, const uint8_t *p, unsigned n, bool syn) {
  struct rd v = rd_of(p, n);
  if (kind == KIND_MSS && n == 2 && syn && !(o->have & TCP_OPT_MSS)) {
    o->have |= TCP_OPT_MSS;
    o->mss = rd_u16(&v);
  } else if (kind == KIND_WSCALE && n == 1 && syn && !(o->have & TCP_OPT_WSCALE)) {
    o->have |= TCP_OPT_WSCALE;
    o->wscale = p[0] > WSCALE_MAX ? WSCALE_MAX : p[0]; /* RFC 7323 2.3 */
  } else if (kind == KIND_SACK_OK && n == 0 && syn) {
    o->have |= TCP_OPT_SACK_OK;
  } else if (kind == KIND_TS && n == 8 && !(o->have & TCP_OPT_TS)) {
    o->have |= TCP_OPT_TS;
    o->ts_val = rd_u32(&v);
    o->ts_ecr = rd_u32(&v);
  } else if (kind == KIND_SACK && n && n % 8 == 0 && !(o->have & TCP_OPT_SACK)) {
    sack_blocks(o, &v);
  }
}

/* A SYN's options as most hosts write them: MSS, SACK permitted, timestamps, NOP, window scale. */
static bool usual_syn(struct tcp_opts *o, const uint8_t *p, size_t n) {
  uint32_t mss = n == 20 ? be32_get(p) : 0;
  if (mss >> 16 != (KIND_MSS << 8 | 4) || be32_get(p + 4) != ((uint32_t)KIND_SACK_OK << 24 | 2 << 16 | KIND_TS << 8 | 10) ||
      be32_get(p + 16) >> 8 != (KIND_NOP << 16 | KIND_WSCALE << 8 | 3))
    return false;
  o->have = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE;
  o->mss = (uint16_t)mss;
  o->ts_val = be32_get(p + 8);
  o->ts_ecr = be32_get(p + 12);
  o->wscale = p[19] > WSCALE_MAX ? WSCALE_MAX : p[19];
  return true;
}

enum la_drop la__tcp_parse_opts(struct tcp_opts *o, const uint8_t *p, size_t n, bool syn) {
  const uint8_t *end = p + n;
  *o = (struct tcp_opts){0};
  if (syn && usual_syn(o, p, n))
    return LA_DROP_NONE;
  while (p < end) {
    uint8_t kind = *p++;
    if (kind == KIND_END)
      break;
    if (kind == KIND_NOP)
      continue;
    if (p == end || *p < 2 || end - p < *p - 1) /* the length counts the kind too */
      return LA_DROP_TCP_HDR;
    option(o, kind, p + 1, *p - 2u, syn);
    p += *p - 1;
  }
  return LA_DROP_NONE;
}

enum la_drop la__tcp_parse(struct tcp_seg *s, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok) {
  *s = (struct tcp_seg){0};
  if (n < TCP_HEADER || n > 65535)
    return n < TCP_HEADER ? LA_DROP_PKT_TOO_SMALL : LA_DROP_TCP_HDR;
  /* The sum first: it covers the whole segment whatever the header says, and nothing of a damaged one is to be believed. */
  if (!sum_ok && la__sum_finish(la__sum(pseudo, p, n)))
    return LA_DROP_TCP_CSUM;
  unsigned hlen = (p[12] >> 4) * 4u;
  if (hlen < TCP_HEADER || hlen > n)
    return LA_DROP_TCP_HDR;
  s->sport = be16_get(p);
  s->dport = be16_get(p + 2);
  s->seq = be32_get(p + 4);
  s->ack = be32_get(p + 8);
  s->flags = p[13];
  s->wnd = be16_get(p + 14);
  s->urp = be16_get(p + 18);
  s->data = p + hlen;
  s->len = (uint32_t)(n - hlen);
  return la__tcp_parse_opts(&s->opt, p + TCP_HEADER, hlen - TCP_HEADER, s->flags & LA_SYN);
}

/* Every group below is a multiple of 4, so that the next one starts aligned. */
static unsigned size_before_sack(uint8_t have) {
  unsigned n = 0;
  if (have & TCP_OPT_MSS)
    n += 4;
  if (have & TCP_OPT_TS)
    n += 12; /* its two leading bytes carry SACK_OK or NOPs */
  else if (have & TCP_OPT_SACK_OK)
    n += 4;
  if (have & TCP_OPT_WSCALE)
    n += 4;
  return n;
}

static unsigned blocks_that_fit(const struct tcp_opts *o) {
  unsigned room = (OPTS_MAX - 4 - size_before_sack(o->have)) / 8;
  unsigned want = o->nsack < 4 ? o->nsack : 4;
  if (!(o->have & TCP_OPT_SACK))
    return 0;
  return want < room ? want : room;
}

unsigned la__tcp_opts_size(const struct tcp_opts *o) {
  unsigned blocks = blocks_that_fit(o);
  return size_before_sack(o->have) + (blocks ? 4 + 8 * blocks : 0);
}

static uint8_t *put4(uint8_t *p, unsigned a, unsigned b, unsigned c, unsigned d) {
  p[0] = (uint8_t)a;
  p[1] = (uint8_t)b;
  p[2] = (uint8_t)c;
  p[3] = (uint8_t)d;
  return p + 4;
}

static uint8_t *put_opts(uint8_t *p, const struct tcp_opts *o) {
  bool sack_ok = o->have & TCP_OPT_SACK_OK;
  unsigned blocks = blocks_that_fit(o);
  if (o->have & TCP_OPT_MSS)
    p = put4(p, KIND_MSS, 4, o->mss >> 8, o->mss);
  if (o->have & TCP_OPT_TS) {
    p = put4(p, sack_ok ? KIND_SACK_OK : KIND_NOP, sack_ok ? 2 : KIND_NOP, KIND_TS, 10);
    be32_put(p, o->ts_val);
    be32_put(p + 4, o->ts_ecr);
    p += 8;
  } else if (sack_ok) {
    p = put4(p, KIND_NOP, KIND_NOP, KIND_SACK_OK, 2);
  }
  if (o->have & TCP_OPT_WSCALE)
    p = put4(p, KIND_NOP, KIND_WSCALE, 3, o->wscale);
  if (blocks)
    p = put4(p, KIND_NOP, KIND_NOP, KIND_SACK, 2 + 8 * blocks);
  for (unsigned i = 0; i < blocks; i++, p += 8) {
    be32_put(p, o->sack[i].lo);
    be32_put(p + 4, o->sack[i].hi);
  }
  return p;
}

/* Without options, or with timestamps alone, as all but a few segments are. */
static bool plain(const struct tcp_opts *o) { return !(o->have & ~TCP_OPT_TS); }

unsigned la__tcp_build(const struct tcp_seg *s, uint8_t *p) {
  unsigned hlen = TCP_HEADER + (plain(&s->opt) ? s->opt.have ? 12u : 0u : la__tcp_opts_size(&s->opt));
  be16_put(p, s->sport);
  be16_put(p + 2, s->dport);
  be32_put(p + 4, s->seq);
  be32_put(p + 8, s->ack);
  p[12] = (uint8_t)(hlen / 4 << 4);
  p[13] = s->flags;
  be16_put(p + 14, s->wnd);
  be16_put(p + 16, 0);
  be16_put(p + 18, s->urp);
  if (!plain(&s->opt)) {
    put_opts(p + TCP_HEADER, &s->opt);
  } else if (s->opt.have) {
    be32_put(p + TCP_HEADER, (uint32_t)KIND_NOP << 24 | KIND_NOP << 16 | KIND_TS << 8 | 10);
    be32_put(p + TCP_HEADER + 4, s->opt.ts_val);
    be32_put(p + TCP_HEADER + 8, s->opt.ts_ecr);
  }
  return hlen;
}
