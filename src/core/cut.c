/* SPDX-License-Identifier: MIT */
/*
 * One frame cut into the segments that it stands for, where no device does it: headers are copied and set right, payload stays where it is.
 * What comes out is what the stack would have sent segment by segment.
 */
#include "base/bytes.h"
#include "base/sum.h"
#include "core/stack.h"
#include "wire/tcp_wire.h"
#include "wire/udp_wire.h"

enum { TCP_SUM_AT = 16, DONT_FRAGMENT = 0x40 };

/* Where things are in a frame's headers. */
struct layout {
  struct ip_hdr ip;
  uint32_t upper, payload; /* from `data` on */
  unsigned sum_at;         /* in the upper header */
};

/* false: neither TCP nor UDP, a fragment, or headers that do not fit. The length that IP's header tells is not looked at. */
static bool lay_out(const la_frame *f, struct layout *y) {
  if (f->len < f->header)
    return false;
  const uint8_t *p = f->data + f->header;
  uint32_t n = f->len - f->header;
  unsigned version = la__ip_version(p, n);
  enum la_drop why = version == 4 ? la__ip4_quoted(&y->ip, p, n) : version == 6 ? la__ip6_quoted(&y->ip, p, n) : LA_DROP_IP_INHDR;
  if (why != LA_DROP_NONE || y->ip.fragment)
    return false;
  y->upper = f->header + y->ip.hlen;
  if (y->ip.proto == IP_PROTO_TCP && f->len >= y->upper + TCP_HEADER) {
    unsigned hlen = (f->data[y->upper + 12] >> 4) * 4u;
    y->payload = y->upper + hlen;
    y->sum_at = TCP_SUM_AT;
    return hlen >= TCP_HEADER && y->payload <= f->len && y->payload <= LA_FRAME_ROOM;
  }
  y->payload = y->upper + UDP_HEADER;
  y->sum_at = UDP_SUM_AT;
  return y->ip.proto == IP_PROTO_UDP && y->payload <= f->len && y->payload <= LA_FRAME_ROOM;
}

static uint32_t whole(const la_frame *f) {
  uint32_t n = f->len;
  for (unsigned i = 0; i < f->nbufs; i++)
    n += f->buf[i].len;
  return n;
}

/* Bytes behind the headers; padding behind the packet is not of it. */
static uint32_t payload_of(const la_frame *f, const struct layout *y) {
  uint32_t all = whole(f), told = f->header + y->ip.hlen + y->ip.len;
  return (told >= y->payload && told < all ? told : all) - y->payload;
}

/* Bytes [at, at + n) of what follows the headers, by reference. false: more pieces than a frame has. */
static bool slice(const la_frame *f, uint32_t headers, uint32_t at, uint32_t n, la_frame *out) {
  out->nbufs = 0;
  for (unsigned i = 0; i <= f->nbufs && n; i++) {
    const uint8_t *p = i ? f->buf[i - 1].data : f->data + headers;
    uint32_t len = i ? f->buf[i - 1].len : f->len - headers;
    if (at >= len) {
      at -= len;
      continue;
    }
    uint32_t part = len - at < n ? len - at : n;
    if (out->nbufs == LA_FRAME_BUFS)
      return false;
    out->buf[out->nbufs] = (la_buf){p + at, part};
    out->owner[out->nbufs++] = NULL;
    at = 0;
    n -= part;
  }
  return n == 0;
}

/* IP's length, and IPv4's identification and checksum. */
static void ip_right(const struct layout *y, unsigned i, uint32_t total, uint8_t *p) {
  if (y->ip.src.family == 6) {
    be16_put(p + 4, (total - IP6_HEADER) & 0xffff);
    return;
  }
  be16_put(p + 2, total & 0xffff);
  if (be16_get(p + 4) || !(p[6] & DONT_FRAGMENT))
    be16_put(p + 4, (be16_get(p + 4) + i) & 0xffff);
  be16_put(p + 10, 0);
  be16_put(p + 10, la__sum_finish(la__sum(0, p, y->ip.hlen)));
}

/* TCP's or UDP's own fields: the i-th segment, `at` bytes into the payload, with n bytes of it. */
static void upper_right(const struct layout *y, unsigned i, bool last, uint32_t at, uint32_t n, uint8_t *p) {
  if (y->ip.proto == IP_PROTO_UDP) {
    be16_put(p + 4, (UDP_HEADER + n) & 0xffff);
    return;
  }
  be32_put(p + 4, be32_get(p + 4) + at);
  if (!last)
    p[13] &= (uint8_t) ~(LA_FIN | LA_PSH);
  if (i)
    p[13] &= (uint8_t)~LA_CWR;
}

static const la_sums portable = {la__sum, la__copy_sum}; /* no stack is asked, whose configuration might have better ones */

unsigned la_frame_segments(const la_frame *frame) {
  struct layout y;
  if (!(frame->flags & LA_FRAME_GSO) || !frame->gso_size || !lay_out(frame, &y))
    return 1;
  uint32_t payload = payload_of(frame, &y);
  return payload ? (payload - 1) / frame->gso_size + 1 : 1;
}

/* Nothing to cut: the same bytes, all by reference. */
static bool as_it_is(const la_frame *f, la_frame *out) {
  out->data = f->data;
  out->len = f->len;
  out->total = whole(f);
  out->flags = f->flags & LA_FRAME_SUM_OK;
  out->header = f->header;
  out->nbufs = f->nbufs;
  out->number = f->number;
  memcpy(out->buf, f->buf, f->nbufs * sizeof *f->buf);
  memset(out->owner, 0, f->nbufs * sizeof *f->owner);
  return true;
}

bool la_frame_segment(const la_frame *frame, unsigned i, la_frame *out) {
  struct layout y;
  bool joined = frame->flags & LA_FRAME_GSO && frame->gso_size;
  if (!joined && !(frame->flags & LA_FRAME_SUM_PARTIAL))
    return i == 0 && as_it_is(frame, out);
  if (!lay_out(frame, &y))
    return false;
  uint32_t payload = payload_of(frame, &y), each = joined ? frame->gso_size : payload;
  if (i && (uint64_t)i * each >= payload)
    return false;
  uint32_t at = i * each, n = payload - at < each ? payload - at : each;
  if (!slice(frame, y.payload, at, n, out))
    return false;
  uint8_t *p = out->room + y.upper;
  uint32_t upper = y.payload - y.upper + n;
  memcpy(out->room, frame->data, y.payload);
  ip_right(&y, i, y.ip.hlen + upper, out->room + frame->header);
  upper_right(&y, i, at + n == payload, at, n, p);
  be16_put(p + y.sum_at, 0);
  uint32_t pseudo = la__ip_pseudo_sum(&y.ip.src, &y.ip.dst, y.ip.proto, upper);
  uint16_t check = la__sum_finish(la__payload_sum(&portable, out, la__sum(pseudo, p, y.payload - y.upper)));
  be16_put(p + y.sum_at, y.ip.proto == IP_PROTO_UDP && check == 0 ? 0xffff : check); /* RFC 768: 0 is "none" */
  out->data = out->room;
  out->len = y.payload;
  out->total = y.payload + n;
  out->flags = frame->flags & LA_FRAME_SUM_OK;
  out->header = frame->header;
  out->number = frame->number;
  return true;
}
