/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of structures against plain models: the first byte of an input says which, then come operations of four bytes. After each the
 * structure is what its model says.
 *
 *   ranges   a set of intervals            a bit for each number
 *   rope     a queue of bytes in chunks    an array
 *   frag     reassembly in a whole stack   what has come of each datagram: nothing but whole datagrams, with the right bytes, comes out
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "base/ranges.h"
#include "fuzz/kit.h"
#include "mem/rope.h"
#include "wire/ip.h"
#include "wire/udp_wire.h"

#include <lastack/lastack.h>

#define MUST(holds) ((holds) ? (void)0 : failed(#holds, __LINE__))
static _Noreturn void failed(const char *what, int line) {
  fprintf(stderr, "fuzz_struct.c:%d: does not hold: %s\n", line, what);
  abort();
}

struct op {
  uint8_t kind, a, b, c;
};
static bool next(const uint8_t **p, size_t *n, struct op *o) {
  if (*n < sizeof *o)
    return false;
  memcpy(o, *p, sizeof *o);
  *p += sizeof *o;
  *n -= sizeof *o;
  return true;
}

/* Memory that is counted, and of which some is refused. */
struct memory {
  uint64_t live, calls;
  uint8_t refuse; /* every so many calls; 0: never */
};
static void *take(void *ctx, size_t n) {
  struct memory *m = ctx;
  if (m->refuse && ++m->calls % m->refuse == 0)
    return NULL;
  void *p = malloc(n);
  if (!p)
    abort();
  m->live += n;
  return p;
}
static void give(void *ctx, void *p, size_t n) {
  ((struct memory *)ctx)->live -= n;
  free(p);
}

/* ---- ranges ---- */

enum { NUMBERS = 320, CAP = 6 };

/* Runs of the model. */
static unsigned runs(const bool *has) {
  unsigned n = 0;
  for (unsigned i = 0; i < NUMBERS; i++)
    n += has[i] && (i == 0 || !has[i - 1]);
  return n;
}
static void same_set(const struct ranges *r, const bool *has, uint32_t base) {
  bool is[NUMBERS] = {false};
  MUST(r->n <= r->cap && r->n == runs(has));
  for (unsigned i = 0; i < r->n; i++) {
    uint32_t lo = r->v[i].lo - base, hi = r->v[i].hi - base;
    MUST(lo < hi && hi <= NUMBERS && (i == 0 || lo > r->v[i - 1].hi - base)); /* ordered, apart, not touching */
    for (uint32_t k = lo; k < hi; k++)
      is[k] = true;
  }
  MUST(memcmp(is, has, sizeof is) == 0);
}

static void ranges(const uint8_t *p, size_t n) {
  struct range v[CAP];
  struct ranges r = {.v = v, .cap = CAP};
  bool has[NUMBERS] = {false}, then[NUMBERS];
  struct op o;
  uint32_t base = n ? UINT32_MAX - p[0] : 0; /* across the wrap, mostly */
  while (next(&p, &n, &o)) {
    uint32_t lo = (o.a + (o.c & 1u) * 32u) % (NUMBERS - 1), hi = lo + 1 + o.b % (NUMBERS - lo);
    hi = hi > NUMBERS ? NUMBERS : hi;
    memcpy(then, has, sizeof then);
    switch (o.kind % 4) {
    case 0:
      la__ranges_cut(&r, base + lo);
      memset(has, 0, lo * sizeof has[0]);
      break;
    case 1: {
      int at = la__ranges_find(&r, base + lo);
      MUST((at >= 0) == has[lo]);
      unsigned beyond = la__ranges_beyond(&r, base + lo), first = 0;
      while (first < r.n && r.v[first].hi - base <= lo)
        first++;
      MUST(beyond == first && (at < 0 || (unsigned)at == beyond));
      break;
    }
    default:
      for (uint32_t k = lo; k < hi; k++)
        then[k] = true;
      bool fits = runs(then) <= CAP;
      MUST(la__ranges_add(&r, base + lo, base + hi) == fits);
      if (fits)
        memcpy(has, then, sizeof has);
      break;
    }
    same_set(&r, has, base);
  }
}

/* ---- rope ---- */

enum { BYTES = 40000 };
struct model {
  uint8_t b[BYTES];
  bool has[BYTES];
  size_t len, end;
};

static void same_bytes(const struct rope *r, const struct model *m) {
  static uint8_t out[BYTES];
  MUST(r->len == m->len && r->end == m->end);
  MUST(la__rope_copy(r, 0, out, BYTES) == m->len && memcmp(out, m->b, m->len) == 0);
  for (size_t at = 0; at < m->len;) {
    la_buf b;
    la__rope_look(r, at, &b);
    MUST(b.len && b.len <= m->len - at && memcmp(b.data, m->b + at, b.len) == 0);
    at += b.len;
  }
}

static void references(const struct rope *r, struct chunk_pool *pool, const struct model *m, size_t at, size_t n) {
  la_buf buf[4];
  void *owner[4];
  size_t got = 0, sum = 0;
  unsigned k = la__rope_refs(r, at, n, buf, owner, 4, &got);
  for (unsigned i = 0; i < k; i++) {
    MUST(memcmp(buf[i].data, m->b + at + sum, buf[i].len) == 0);
    sum += buf[i].len;
    la__chunk_unref(pool, owner[i]);
  }
  MUST(sum == got && got <= n && (got == n || k == 4));
}

static void consume(struct rope *r, struct chunk_pool *pool, struct model *m, size_t n) {
  la__rope_consume(r, pool, n);
  memmove(m->b, m->b + n, BYTES - n);
  memmove(m->has, m->has + n, (BYTES - n) * sizeof m->has[0]);
  memset(m->has + BYTES - n, 0, n * sizeof m->has[0]);
  m->len -= n;
  m->end -= n;
}

static void rope_op(struct rope *r, struct chunk_pool *pool, struct model *m, struct op o, uint8_t *fill) {
  static uint8_t text[BYTES];
  size_t n = (size_t)o.a * (o.c & 16 ? 32 : 1), at = m->len + (size_t)o.b * (o.c & 32 ? 64 : 1);
  switch (o.kind % 8) {
  case 0:
  case 1:
    if (m->end != m->len || m->len + n > BYTES)
      break;
    memset(text, ++*fill, n);
    n = la__rope_append(r, pool, text, n);
    memset(m->b + m->len, *fill, n);
    memset(m->has + m->len, 1, n);
    m->end = m->len += n;
    break;
  case 2:
  case 3:
    if (at + n > BYTES || !n)
      break;
    memset(text, ++*fill, n);
    if (!la__rope_write_at(r, pool, at, text, n))
      break;
    memset(m->b + at, *fill, n);
    memset(m->has + at, 1, n);
    m->end = at + n > m->end ? at + n : m->end;
    break;
  case 4:
    n = m->len;
    while (n < BYTES && m->has[n] && n - m->len < o.a * 64u)
      n++;
    la__rope_extend(r, n - m->len);
    m->len = n;
    break;
  case 5:
    consume(r, pool, m, n < m->len ? n : m->len);
    break;
  case 6:
    la__rope_cut(r, pool);
    memset(m->has + m->len, 0, (BYTES - m->len) * sizeof m->has[0]);
    m->end = m->len;
    break;
  default:
    at = m->len ? o.b * 97u % m->len : 0;
    if (m->len)
      references(r, pool, m, at, n < m->len - at ? n : m->len - at);
    break;
  }
}

static void rope(const uint8_t *p, size_t n) {
  static struct model m;
  struct memory memory = {0};
  struct mem mem = {.a = {take, give, &memory}};
  struct chunk_pool pool;
  struct rope r = {0};
  struct op o;
  uint8_t fill = 0;
  memset(&m, 0, sizeof m);
  la__chunks_init(&pool, &mem, 12);
  memory.refuse = n ? p[0] & 15 : 0;
  while (next(&p, &n, &o)) {
    rope_op(&r, &pool, &m, o, &fill);
    same_bytes(&r, &m);
    MUST(pool.used <= 12 && memory.live == mem.used);
  }
  la__rope_done(&r, &pool);
  MUST(pool.used == 0);
  la__chunks_done(&pool);
  MUST(memory.live == 0);
}

/* ---- reassembly ---- */

enum { NAMES = 4, WHOLE = 1024, PORT = 7 };
static uint8_t byte_of(unsigned name, size_t at) { return (uint8_t)(at * 31 + at / 256 + name * 67); }

/* A fragment of datagram `name`, from `off` on; its first eight bytes are the UDP header. */
static void fragment(la_stack *s, la_link link, bool six, unsigned name, uint32_t off, uint32_t len, bool more, la_time now) {
  uint8_t raw[IP6_HEADER + 8 + WHOLE], body[WHOLE];
  struct ip_hdr h = {.src = {.family = 4, .b = {10, 0, 0, 2}}, .dst = {.family = 4, .b = {10, 0, 0, 1}}, .proto = IP_PROTO_UDP, .ttl = 9};
  for (size_t i = 0; i < WHOLE; i++)
    body[i] = byte_of(name, i);
  struct udp_hdr u = {.sport = 9, .dport = PORT, .len = (uint32_t)(name + 1) * 240 - UDP_HEADER};
  la__udp_build(&u, body);
  h.len = len;
  unsigned hl;
  if (six) {
    h.src = (la_addr){.family = 6, .b = {0xfd, [15] = 2}};
    h.dst = (la_addr){.family = 6, .b = {0xfd, [15] = 1}};
    h.proto = 44;
    h.len = len + 8;
    hl = la__ip6_build(&h, raw);
    memset(raw + hl, 0, 8);
    raw[hl] = IP_PROTO_UDP;
    be16_put(raw + hl + 2, (uint16_t)(off | more));
    be32_put(raw + hl + 4, name);
    hl += 8;
  } else {
    hl = la__ip4_build(&h, raw);
    be16_put(raw + 4, (uint16_t)name);
    be16_put(raw + 6, (uint16_t)(off / 8 | (more ? 0x2000 : 0)));
  }
  memcpy(raw + hl, body + off, len);
  la_frame f = {.data = raw, .len = hl + len, .total = hl + len, .flags = LA_FRAME_SUM_OK};
  la_input(s, link, &f, 1, now);
}

static void read_all(la_stack *s, la_udp sock) {
  uint8_t out[WHOLE];
  la_udp_from from;
  la_event e;
  while (la_events(s, &e, 1) == 1)
    ;
  for (ptrdiff_t n; (n = la_udp_recv(s, sock, &from, out, sizeof out)) >= 0;) {
    unsigned name = ((unsigned)n + UDP_HEADER) / 240 - 1;
    MUST(name < NAMES && (size_t)n + UDP_HEADER == (name + 1) * 240u && from.port == 9);
    for (ptrdiff_t i = 0; i < n; i++)
      MUST(out[i] == byte_of(name, (size_t)i + UDP_HEADER));
  }
}

static void drain(la_stack *s, la_link link, la_time now) {
  la_frame f;
  while (la_output(s, link, &f, 1, now) == 1)
    la_frame_done(s, &f);
}

static void frag(const uint8_t *p, size_t n) {
  struct memory memory = {0};
  la_config cfg;
  la_config_init(&cfg, LA_PRESET_RFC);
  cfg.alloc = (la_alloc){take, give, &memory};
  cfg.frag_datagrams = n > 1 ? 1 + p[1] % 4 : 1;
  cfg.frag_bytes = n > 2 ? 4096u * (1 + p[2] % 4) : 4096;
  bool six = n && p[0] & 1;
  la_stack *s = la_stack_new(&cfg);
  la_link link = la_link_add(s, 1500);
  la_addr us = six ? (la_addr){.family = 6, .b = {0xfd, [15] = 1}} : (la_addr){.family = 4, .b = {10, 0, 0, 1}};
  la_udp sock;
  la_time now = LA_SEC;
  la_stats st;
  struct op o;
  MUST(s && link && la_addr_add(s, link, &us, six ? 64 : 24) == LA_OK);
  MUST(la_udp_open(s, &(la_udp_opts){.port = PORT}, &sock) == LA_OK);
  la_tick(s, now);
  la_stats_get(s, &st);
  uint64_t before = memory.live;
  memory.refuse = n > 3 ? p[3] & 31 : 0;
  while (next(&p, &n, &o)) {
    unsigned name = o.kind & 3;
    uint32_t whole = (name + 1) * 240, off = o.a * 8u % WHOLE, len = 1 + o.b;
    bool end = o.c & 1;
    len = off + len > WHOLE ? WHOLE - off : end && off < whole ? whole - off : len / 8 * 8;
    if (o.kind & 128)
      now += o.c * LA_SEC / 4;
    la_tick(s, now);
    if (len && len <= WHOLE - off)
      fragment(s, link, six, name, off, len, !end, now);
    read_all(s, sock);
    drain(s, link, now);
    la_stats_get(s, &st);
    MUST(st.chunks * 4096u <= cfg.frag_bytes && st.bytes_allocated == memory.live);
  }
  memory.refuse = 0;
  la_tick(s, now += 61 * LA_SEC); /* what is not whole by then is given up */
  read_all(s, sock);
  drain(s, link, now);
  la_trim(s);
  la_stats_get(s, &st);
  MUST(st.chunks == 0 && memory.live <= before);
  la_stack_free(s);
  MUST(memory.live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const of[])(const uint8_t *, size_t) = {ranges, rope, frag};
  if (size)
    of[data[0] % 3](data + 1, size - 1);
  return 0;
}

/* Programs of random operations; for reassembly whole datagrams in pieces, shuffled. */
static size_t seed(unsigned i, uint8_t *out) {
  struct prng r;
  size_t n = 1;
  if (i >= 24)
    return 0;
  la__prng_seed(&r, i);
  out[0] = (uint8_t)(i % 3);
  if (i % 3 != 2) {
    for (; n < 400; n++)
      out[n] = (uint8_t)la__prng_next(&r);
    return n;
  }
  out[1] = (uint8_t)(i / 3);
  out[2] = out[3] = 3;
  out[4] = i & 8 ? 5 : 0;
  for (n = 1; n + 4 <= 200; n += 4) {
    unsigned name = la__prng_below(&r, NAMES), piece = la__prng_below(&r, 3 * (name + 1)), last = 3 * (name + 1) - 1;
    out[n + 4] = (uint8_t)name;
    out[n + 5] = (uint8_t)(piece * 10);
    out[n + 6] = 79;
    out[n + 7] = piece == last;
  }
  return n + 4;
}

const struct fuzz_kit fuzz_kit = {.most = 1024, .runs = 10000, .seed = seed};
