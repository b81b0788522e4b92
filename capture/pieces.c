/* SPDX-License-Identifier: MIT */
#include "capture/pieces.h"

#include <stdlib.h>
#include <string.h>

struct puzzle {
  bool used, cut;
  uint8_t family, src[16], dst[16];
  uint32_t id, total, got; /* total: 0 as long as the last piece is missing */
  la_time at;
  uint8_t ttl;
  unsigned n;
  struct {
    uint32_t lo, hi;
  } piece[PIECES_MANY];
  uint8_t *buf; /* of PIECES_BYTES, from first use on */
};
struct pieces {
  struct puzzle puzzle[PIECES_PACKETS];
};

struct pieces *la__pieces_new(void) {
  return calloc(1, sizeof(struct pieces));
}

void la__pieces_free(struct pieces *x) {
  for (size_t i = 0; x && i < PIECES_PACKETS; i++)
    free(x->puzzle[i].buf);
  free(x);
}

static struct puzzle *find(struct pieces *x, la_time now, const struct seg *s) {
  size_t n = s->family == 4 ? 4 : 16;
  struct puzzle *oldest = &x->puzzle[0];
  for (size_t i = 0; i < PIECES_PACKETS; i++) {
    struct puzzle *z = &x->puzzle[i];
    if (z->used && now - z->at > PIECES_LIFE)
      z->used = false;
    if (z->used && z->id == s->frag_id && z->family == s->family && memcmp(z->src, s->src, n) == 0 && memcmp(z->dst, s->dst, n) == 0)
      return z;
    if (oldest->used && (!z->used || z->at < oldest->at))
      oldest = z;
  }
  uint8_t *buf = oldest->buf ? oldest->buf : malloc(PIECES_BYTES);
  if (!buf)
    return NULL;
  memset(oldest, 0, sizeof *oldest);
  *oldest = (struct puzzle){.used = true, .family = s->family, .id = s->frag_id, .at = now, .ttl = s->ttl, .buf = buf};
  memcpy(oldest->src, s->src, n);
  memcpy(oldest->dst, s->dst, n);
  return oldest;
}

/* 1: taken; 0: had been there before; -1: overlaps, or is too much. */
static int place(struct puzzle *z, uint32_t lo, uint32_t hi) {
  for (unsigned i = 0; i < z->n; i++) {
    if (z->piece[i].lo == lo && z->piece[i].hi == hi)
      return 0;
    if (lo < z->piece[i].hi && z->piece[i].lo < hi)
      return -1;
  }
  if (z->n == PIECES_MANY || hi > PIECES_BYTES)
    return -1;
  z->piece[z->n].lo = lo;
  z->piece[z->n++].hi = hi;
  return 1;
}

enum decoded la__pieces_add(struct pieces *x, la_time now, struct seg *s) {
  struct puzzle *z = find(x, now, s);
  if (!z)
    return DECODE_OTHER;
  if (s->cut || s->frag_len == 0) { /* what is missing cannot be put together */
    z->used = false;
    return DECODE_CUT;
  }
  uint32_t lo = s->frag_off, hi = lo + s->frag_len;
  int placed = place(z, lo, hi);
  if (placed < 0 || (!s->frag_more && z->total && z->total != hi)) {
    z->used = false;
    return DECODE_MALFORMED;
  }
  if (placed) {
    memcpy(z->buf + lo, s->frag, s->frag_len);
    z->got += s->frag_len;
  }
  if (!s->frag_more)
    z->total = hi;
  if (!z->total || z->got < z->total)
    return DECODE_FRAGMENT;
  z->used = false;
  if (z->got > z->total)
    return DECODE_MALFORMED;
  *s = (struct seg){.family = z->family, .ttl = z->ttl, .src = z->src, .dst = z->dst, .ip_id = (uint16_t)z->id, .fragmented = true};
  return la__decode_tcp(z->buf, z->total, z->total, s);
}
