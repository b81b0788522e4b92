/* SPDX-License-Identifier: MIT */
/*
 * A file is a row of blocks: type, length, body, length again. A block is taken whole into memory, its length bounded, and only then
 * looked at, through a cursor that cannot leave it. Blocks of unknown types are passed over. What an option says wrongly is ignored; what
 * makes the row of blocks uncertain breaks the file.
 */
#include "capture/ng.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_IDB = 1, BLOCK_PB = 2, BLOCK_SPB = 3, BLOCK_ISB = 5, BLOCK_EPB = 6 };
enum { OPT_COMMENT = 1, IDB_TSRESOL = 9, IDB_TSOFFSET = 14, EPB_FLAGS = 2, EPB_DROPS = 4, ISB_IFDROP = 5 };
#define ORDER 0x1A2B3C4Du

/* A part of a block. */
struct cut {
  const uint8_t *p;
  size_t n;
  bool swapped;
};

static uint16_t get16(const struct cut *c, size_t at) {
  uint16_t v;
  if (c->n < 2 || at > c->n - 2)
    return 0;
  memcpy(&v, c->p + at, 2);
  return c->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t get32(const struct cut *c, size_t at) {
  uint32_t v;
  if (c->n < 4 || at > c->n - 4)
    return 0;
  memcpy(&v, c->p + at, 4);
  return c->swapped ? __builtin_bswap32(v) : v;
}

static uint64_t get64(const struct cut *c, size_t at) {
  uint64_t v;
  if (c->n < 8 || at > c->n - 8)
    return 0;
  memcpy(&v, c->p + at, 8);
  return c->swapped ? __builtin_bswap64(v) : v;
}

static size_t padded(size_t n) { return (n + 3) & ~(size_t)3; }

/* The next option of the list at *at: its code, 0 at the end. */
static unsigned option(const struct cut *c, size_t *at, struct cut *value) {
  if (*at + 4 > c->n)
    return 0;
  unsigned code = get16(c, *at), len = get16(c, *at + 2);
  if (!code || *at + 4 + len > c->n)
    return 0;
  *value = (struct cut){c->p + *at + 4, len, c->swapped};
  *at += 4 + padded(len);
  return code;
}

void la__ng_init(struct ng *p, struct source *src) { *p = (struct ng){.src = src}; }

void la__ng_free(struct ng *p) {
  free(p->ifs);
  p->ifs = NULL;
}

static int broken(struct ng *p, const char *why) {
  snprintf(p->why, sizeof p->why, "%s", why);
  return -1;
}

static int section(struct ng *p, const struct cut *body) {
  if (body->n < 16)
    return broken(p, "a section header block is too short");
  if (get16(body, 4) != 1)
    return broken(p, "a section of a version that is not known");
  p->nifs = 0;
  p->begun = true;
  return 1;
}

static int interface(struct ng *p, const struct cut *body) {
  struct cut v;
  size_t at = 8;
  if (body->n < 8)
    return broken(p, "an interface description block is too short");
  if (p->nifs == NG_INTERFACES)
    return broken(p, "more interfaces than 4096");
  if ((p->nifs & (p->nifs - 1)) == 0) {
    struct ng_if *more = realloc(p->ifs, (p->nifs ? 2 * p->nifs : 1) * sizeof *more);
    if (!more)
      return broken(p, "out of memory");
    p->ifs = more;
  }
  struct ng_if *i = &p->ifs[p->nifs++];
  *i = (struct ng_if){.link = get16(body, 0), .snap = get32(body, 4), .unit = 1000000};
  for (unsigned code; (code = option(body, &at, &v)) != 0;) {
    if (code == IDB_TSRESOL && v.n == 1) {
      unsigned e = v.p[0] & 0x7f;
      if (v.p[0] & 0x80 ? e < 64 : e < 19) {
        i->unit = v.p[0] & 0x80 ? 1ull << e : 1;
        for (unsigned k = 0; !(v.p[0] & 0x80) && k < e; k++)
          i->unit *= 10;
      }
    } else if (code == IDB_TSOFFSET && v.n == 8) {
      i->offset = (int64_t)get64(&v, 0);
    }
  }
  return 1;
}

/* The file may be somebody's invention: the sum wraps, nothing is divided by 0. Of finer clocks than 2^-34 s the end is cut off. */
static la_time nanoseconds(const struct ng_if *i, uint64_t ticks) {
  uint64_t unit = i->unit, sec = ticks / unit, rest = ticks % unit;
  for (; unit > 1ull << 34; unit >>= 1)
    rest >>= 1;
  return (sec + (uint64_t)i->offset) * LA_SEC + rest * LA_SEC / unit;
}

static void packet_options(struct ng *p, const struct cut *body, size_t at, struct packet *out) {
  struct cut v;
  if (at >= body->n)
    return;
  out->options = body->p + at;
  out->noptions = (uint32_t)(body->n - at);
  out->swapped = body->swapped;
  for (unsigned code; (code = option(body, &at, &v)) != 0;) {
    if (code == EPB_FLAGS && v.n == 4)
      out->dir = get32(&v, 0) & 3;
    else if (code == EPB_DROPS && v.n == 8)
      p->drops += get64(&v, 0);
  }
}

bool la__ng_comment(const struct packet *p, size_t *at, struct packet_text *out) {
  const struct cut all = {p->options, p->noptions, p->swapped};
  struct cut v;
  for (unsigned code; (code = option(&all, at, &v)) != 0;)
    if (code == OPT_COMMENT) {
      *out = (struct packet_text){(const char *)v.p, (uint32_t)v.n};
      return true;
    }
  return false;
}

static int enhanced(struct ng *p, const struct cut *body, bool old, struct packet *out) {
  uint32_t no = old ? get16(body, 0) : get32(body, 0);
  if (body->n < 20)
    return broken(p, "a packet block is too short");
  if (no >= p->nifs)
    return broken(p, "a packet of an interface that was not described");
  *out = (struct packet){.cap = get32(body, 12), .len = get32(body, 16), .link = p->ifs[no].link, .data = body->p + 20};
  if (out->cap > body->n - 20)
    return broken(p, "a packet is longer than its block");
  out->at = nanoseconds(&p->ifs[no], (uint64_t)get32(body, 4) << 32 | get32(body, 8));
  if (old && get16(body, 2) != 0xffff)
    p->drops += get16(body, 2);
  packet_options(p, body, 20 + padded(out->cap), out);
  return 1;
}

static int simple(struct ng *p, const struct cut *body, struct packet *out) {
  if (body->n < 4 || !p->nifs)
    return broken(p, "a simple packet block without an interface");
  *out = (struct packet){.len = get32(body, 0), .link = p->ifs[0].link, .data = body->p + 4};
  out->cap = out->len;
  if (p->ifs[0].snap && out->cap > p->ifs[0].snap)
    out->cap = p->ifs[0].snap;
  return out->cap > body->n - 4 ? broken(p, "a packet is longer than its block") : 1;
}

/* Reads a block whole. 1: `body`, with *type; 0: the end; -1: broken. */
static int block(struct ng *p, uint32_t *type, struct cut *body) {
  struct source *s = p->src;
  const uint8_t *b;
  if (!la__source_need(s, 1))
    return s->err ? broken(p, strerror(s->err)) : 0;
  if (!(b = la__source_need(s, 12)))
    return broken(p, "the file ends within a block");
  struct cut head = {b, 12, p->swapped};
  *type = get32(&head, 0);
  if (*type == NG_MAGIC) {
    head.swapped = false;
    uint32_t order = get32(&head, 8);
    if (order != ORDER && order != __builtin_bswap32(ORDER))
      return broken(p, "a section header without the byte-order magic");
    p->swapped = head.swapped = order != ORDER;
  } else if (!p->begun) {
    return broken(p, "no section header");
  }
  uint32_t len = get32(&head, 4);
  if (len < 12 || len % 4 || len > NG_BLOCK_MAX) {
    snprintf(p->why, sizeof p->why, "a block of %u bytes", len);
    return -1;
  }
  if (!(b = la__source_need(s, len)))
    return broken(p, s->err ? strerror(s->err) : "the file ends within a block");
  *body = (struct cut){b + 8, len - 12, p->swapped};
  struct cut tail = {b + len - 4, 4, p->swapped};
  if (get32(&tail, 0) != len)
    return broken(p, "a block's two lengths differ");
  p->block = len;
  return 1;
}

/* ISB: the interface's own count of what it lost; the last one stands. */
static void statistics(struct ng *p, const struct cut *body) {
  struct cut v;
  size_t at = 12;
  for (unsigned code; (code = option(body, &at, &v)) != 0;)
    if (code == ISB_IFDROP && v.n == 8 && get64(&v, 0) > p->drops)
      p->drops = get64(&v, 0);
}

int la__ng_next(struct ng *p, struct packet *out) {
  for (;;) {
    uint32_t type;
    struct cut body;
    la__source_skip(p->src, p->block);
    p->block = 0;
    int r = block(p, &type, &body);
    if (r <= 0)
      return r;
    bool packet = type == BLOCK_EPB || type == BLOCK_PB || type == BLOCK_SPB;
    if (type == NG_MAGIC)
      r = section(p, &body);
    else if (type == BLOCK_IDB)
      r = interface(p, &body);
    else if (packet)
      r = type == BLOCK_SPB ? simple(p, &body, out) : enhanced(p, &body, type == BLOCK_PB, out);
    else if (type == BLOCK_ISB)
      statistics(p, &body);
    if (r < 0) {
      p->block = 0;
      return r;
    }
    if (packet) {
      out->frame = ++p->frames;
      out->drops = p->drops;
      return 1;
    }
  }
}

bool la__ng_ready(const struct ng *p) {
  const struct source *s = p->src;
  size_t left = la__source_left(s);
  if (left < p->block || left - p->block < 8)
    return false;
  struct cut head = {s->buf + s->at + p->block, 8, p->swapped};
  uint32_t type = get32(&head, 0);
  return (type == BLOCK_EPB || type == BLOCK_PB || type == BLOCK_SPB) && left - p->block >= get32(&head, 4);
}
