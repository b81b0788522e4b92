/* SPDX-License-Identifier: MIT */
/*
 * An output frame as the packets that cross a wire: one, or the segments that it stands for, each flat, its text copied and summed in one
 * pass. What all segments have in common is worked out once; after that one differs from the next by its sequence number alone, and the
 * last by its length and flags.
 */
#include "base/bytes.h"
#include "base/sum.h"
#include "core/stack.h"
#include "wire/tcp_wire.h"

enum { TCP_SUM_AT = 16, TCP_SEQ_AT = 4, TCP_FLAGS_AT = 13 };

/*
 * The length, wherever it counts: IP's header, and the pseudo-header in the sum of TCP's. The sequence number is 0 in head[], which so
 * stays the same from one segment to the next: what has just been written there in small would hold up its being read in large.
 */
static void set_length(la_flat *f, uint32_t n) {
  uint32_t link = f->frame->header, upper = f->len - f->upper + n;
  uint8_t *ip = f->head + link;
  f->n = n;
  if (ip[0] >> 4 == 4) {
    be16_put(ip + 2, f->len - link + n);
    be16_put(ip + 10, 0);
    be16_put(ip + 10, la__sum_finish(la__sum(0, ip, f->upper - link)));
    f->sum = la__sum(IP_PROTO_TCP + upper, ip + 12, 8);
  } else {
    be16_put(ip + 4, upper);
    f->sum = la__sum(IP_PROTO_TCP + upper, ip + 8, 32);
  }
  be16_put(f->head + f->upper + TCP_SUM_AT, 0);
  f->sum = la__sum(f->sum, f->head + f->upper, f->len - f->upper);
}

void la_flat_begin(la_flat *f, const la_stack *s, const la_frame *frame) {
  f->frame = frame;
  f->sums = s->tcp.cfg.sums;
  f->at = f->buf = f->off = 0;
  f->payload = frame->total - frame->len;
  f->cut = frame->flags & LA_FRAME_GSO && frame->gso_size < f->payload;
  f->done = false;
  if (!f->cut)
    return;
  f->len = frame->len;
  f->upper = frame->header + (frame->data[frame->header] >> 4 == 4 ? (uint32_t)IP4_HEADER : IP6_HEADER); /* la_output makes no others */
  memcpy(f->head, frame->data, frame->len);
  f->seq = be32_get(f->head + f->upper + TCP_SEQ_AT);
  be32_put(f->head + f->upper + TCP_SEQ_AT, 0);
  f->flags = f->head[f->upper + TCP_FLAGS_AT];
  f->head[f->upper + TCP_FLAGS_AT] = f->flags & (uint8_t) ~(LA_FIN | LA_PSH);
  set_length(f, frame->gso_size);
}

/* The next n bytes of the payload to `to`; returns their sum added to `sum`. */
static uint32_t text(la_flat *f, uint8_t *to, uint32_t n, uint32_t sum) {
  for (uint32_t done = 0, k; done < n; done += k) {
    const la_buf *b = &f->frame->buf[f->buf];
    k = b->len - f->off < n - done ? b->len - f->off : n - done;
    uint32_t part = f->sums.copy_sum(to + done, (const uint8_t *)b->data + f->off, k, 0);
    sum += done & 1 ? la__sum_odd(part) : part;
    sum = (sum & 0xffff) + (sum >> 16);
    f->off += k;
    if (f->off == b->len) {
      f->buf++;
      f->off = 0;
    }
  }
  return sum;
}

/* The frame as one packet. Its checksum stands in the header, but for the sum of what follows if the device was to do that. */
static size_t whole(la_flat *f, uint8_t *to) {
  const la_frame *frame = f->frame;
  f->done = true;
  memcpy(to, frame->data, frame->len);
  if (!(frame->flags & LA_FRAME_SUM_PARTIAL)) {
    la_frame_copy(frame, to, frame->total);
    return frame->total;
  }
  uint8_t *upper = to + frame->sum_start;
  uint32_t hdr = frame->len - frame->sum_start, sum = hdr % 4 ? la__sum(0, upper, hdr) : la__sum_order(la__sum_words(0, upper, hdr));
  if (f->payload)
    sum = text(f, to + frame->len, f->payload, sum);
  uint16_t check = la__sum_finish(sum);
  be16_put(upper + frame->sum_at, frame->sum_at == TCP_SUM_AT || check ? check : 0xffff); /* RFC 768: 0 is "none" */
  return frame->total;
}

size_t la_flat_next(la_flat *f, void *dst, size_t cap) {
  uint8_t *to = dst, *upper = f->head + f->upper;
  if (!f->cut)
    return f->done || cap < f->frame->total ? 0 : whole(f, to);
  uint32_t left = f->payload - f->at;
  if (left == 0 || cap < (size_t)f->len + (left < f->n ? left : f->n))
    return 0;
  if (left <= f->n) { /* the last one */
    upper[TCP_FLAGS_AT] |= f->flags & (LA_FIN | LA_PSH);
    set_length(f, left);
  }
  memcpy(to, f->head, f->len);
  be32_put(to + f->upper + TCP_SEQ_AT, f->seq);
  uint32_t sum = f->sum + (f->seq >> 16) + (f->seq & 0xffff);
  be16_put(to + f->upper + TCP_SUM_AT, la__sum_finish(text(f, to + f->len, f->n, sum)));
  f->at += f->n;
  f->seq += f->n;
  if (upper[TCP_FLAGS_AT] & LA_CWR) { /* the first segment's alone */
    upper[TCP_FLAGS_AT] &= (uint8_t)~LA_CWR;
    set_length(f, f->n);
  }
  return f->len + f->n;
}
