/* SPDX-License-Identifier: MIT */
/*
 * The wire of the rows *_64k: a descriptor crosses as one frame, up to 64 KiB long. It is copied once, its checksum made on the way,
 * over all of it as over a single segment; the receiver verifies it at once, while it is in the cache.
 */
#include "base/sum.h"
#include "pair.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

enum { LONGEST = 65536, SUM_AT = 16 };

void pair_whole(struct pair *p) {
  p->sums = la_host_sums();
  p->whole = malloc(LONGEST);
  if (!p->whole)
    die("no memory");
}

static uint32_t cross(const la_sums *sums, const la_frame *f, uint8_t *to) {
  uint32_t at = f->len, sum = 0, odd = 0;
  memcpy(to, f->data, f->len);
  for (unsigned i = 0; i < f->nbufs; i++) {
    uint32_t part = sums->copy_sum(to + at, f->buf[i].data, f->buf[i].len, 0);
    sum += odd ? la__sum_odd(part) : part;
    odd ^= f->buf[i].len & 1;
    at += f->buf[i].len;
  }
  if (f->flags & LA_FRAME_SUM_PARTIAL) { /* the pseudo-header's sum stands in the field */
    uint16_t check = la__sum_finish(la__sum(sum, to + f->sum_start, f->len - f->sum_start));
    to[f->sum_start + SUM_AT] = (uint8_t)(check >> 8);
    to[f->sum_start + SUM_AT + 1] = (uint8_t)check;
  }
  return at;
}

size_t pair_carry_whole(struct pair *p, struct node *from, struct node *to) {
  la_frame *in = &p->in[0], *out = &p->out[0];
  size_t all = 0;
  for (; la_output(from->stack, from->link, out, 1, p->now) > 0; all++) {
    in->data = p->whole;
    in->flags = out->flags & LA_FRAME_GSO;
    in->gso_size = out->gso_size;
    in->len = cross(&p->sums, out, p->whole);
    la_frame_done(from->stack, out);
    if (la_input(to->stack, to->link, in, 1, p->now) != 1)
      die("a frame was refused");
    if (p->came)
      p->came(p->ctx, to);
  }
  p->frames += all;
  return all;
}
