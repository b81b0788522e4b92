/* SPDX-License-Identifier: MIT */
/*
 * The wire of the rows *_64k: a descriptor crosses as one frame, up to 64 KiB long. It is copied once, its checksum made on the way,
 * over all of it as over a single segment; the receiver verifies it.
 */
#include "base/sum.h"
#include "pair.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

enum { LONGEST = 65536, UNDER_WAY = 2, SUM_AT = 16 };

void pair_whole(struct pair *p) {
  p->sums = la_host_sums();
  p->whole = malloc(UNDER_WAY * (size_t)LONGEST);
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
  size_t n, all = 0;
  while ((n = la_output(from->stack, from->link, p->out, UNDER_WAY, p->now)) > 0) {
    for (size_t i = 0; i < n; i++) {
      uint8_t *wire = p->whole + i * LONGEST;
      p->in[i].data = wire;
      p->in[i].flags = p->out[i].flags & LA_FRAME_GSO;
      p->in[i].gso_size = p->out[i].gso_size;
      p->in[i].len = cross(&p->sums, &p->out[i], wire);
      la_frame_done(from->stack, &p->out[i]);
    }
    if (la_input(to->stack, to->link, p->in, n, p->now) != n)
      die("a frame was refused");
    if (p->came)
      p->came(p->ctx, to);
    all += n;
  }
  p->frames += all;
  return all;
}
