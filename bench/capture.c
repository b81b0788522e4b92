/* SPDX-License-Identifier: MIT */
/*
 * Connections in slots: each turn takes one of them a step further along its script, and writes the segment of that step with valid
 * checksums. A script that is through gives its slot to the next connection.
 */
#include "capture.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "base/sum.h"
#include "bench.h"
#include "wire/ip.h"

enum { S = 2, A = 16, SA = 18, FA = 17, R = 4, RA = 20, C = 0, P = 1 }; /* flags; client, server (peer) */
enum { HEAD = 14 + 40 + 32, MOST = 1448, CLIENTS = 50000, SERVERS = 200, BEGIN = 1700000000 };

struct step {
  unsigned char from, flags;
  unsigned short len;
  unsigned char again; /* the sender's latest segment once more */
};
struct script {
  unsigned share; /* of a thousand */
  const struct step *step;
  unsigned n;
};
#define OPEN \
  {C, S, 0, 0}, {P, SA, 0, 0}, { C, A, 0, 0 }
#define SCRIPT(name, ...) static const struct step name[] = {__VA_ARGS__}

SCRIPT(request, OPEN, {C, A, 90, 0}, {P, A, 160, 0}, {C, A, 0, 0}, {C, FA, 0, 0}, {P, FA, 0, 0}, {C, A, 0, 0});
SCRIPT(by_server, OPEN, {C, A, 90, 0}, {P, A, 0, 0}, {P, A, 300, 0}, {P, FA, 0, 0}, {C, A, 0, 0}, {C, FA, 0, 0}, {P, A, 0, 0});
SCRIPT(keepalive, OPEN, {C, A, 90, 0}, {P, A, 200, 0}, {C, A, 90, 0}, {P, A, 200, 0}, {C, A, 0, 0}, {P, FA, 0, 0}, {C, FA, 0, 0},
       {P, A, 0, 0});
SCRIPT(refused, {C, S, 0, 0}, {P, RA, 0, 0});
SCRIPT(unanswered, {C, S, 0, 0}, {C, 0, 0, 1}, {C, 0, 0, 1});
SCRIPT(aborted, OPEN, {C, A, 90, 0}, {P, A, 0, 0}, {C, RA, 0, 0});
SCRIPT(unread, OPEN, {C, A, 90, 0}, {P, A, 400, 0}, {C, A, 0, 0}, {C, RA, 0, 0});
SCRIPT(late_data, OPEN, {C, A, 90, 0}, {P, A, 0, 0}, {C, FA, 0, 0}, {P, A, 300, 0}, {C, R, 0, 0});
SCRIPT(lossy, OPEN, {C, A, 90, 0}, {C, 0, 0, 1}, {P, A, 700, 0}, {P, 0, 0, 1}, {C, A, 0, 0}, {C, FA, 0, 0}, {C, 0, 0, 1}, {P, FA, 0, 0},
       {C, A, 0, 0});
SCRIPT(open_still, OPEN, {C, A, 90, 0}, {P, A, 160, 0}, {C, A, 0, 0});
#define TWO \
  {P, A, MOST, 0}, {P, A, MOST, 0}, { C, A, 0, 0 }
SCRIPT(bulk, OPEN, {C, A, 90, 0}, TWO, TWO, TWO, TWO, TWO, TWO, TWO, TWO, TWO, TWO, {C, FA, 0, 0}, {P, FA, 0, 0}, {C, A, 0, 0});

#define ROW(share, name) \
  { share, name, sizeof name / sizeof name[0] }
static const struct script scripts[] = {ROW(530, request),   ROW(190, by_server), ROW(80, keepalive), ROW(60, refused),
                                        ROW(30, unanswered), ROW(30, aborted),    ROW(20, unread),    ROW(20, late_data),
                                        ROW(30, lossy),      ROW(5, open_still),  ROW(5, bulk)};

struct conn {
  const struct script *script;
  unsigned at, family;
  uint8_t addr[2][16];
  uint16_t port[2];
  struct {
    uint32_t nxt, got, seq;
    uint16_t len;
    uint8_t flags;
  } end[2];
};

struct maker {
  FILE *out;
  bool ng;
  uint64_t ns;
  uint16_t id;
  struct prng r;
  unsigned long frames, made;
  uint8_t pattern[MOST];
};

static void write_all(struct maker *m, const void *p, size_t n) {
  if (fwrite(p, 1, n, m->out) != n)
    die("cannot write the capture");
}

static void begin_file(struct maker *m) {
  static const uint32_t pcap[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1};
  static const uint32_t ng[] = {0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0xffffffff, 0xffffffff, 28, 1, 20, 1, 0, 20};
  m->ng ? write_all(m, ng, sizeof ng) : write_all(m, pcap, sizeof pcap);
}

static void record(struct maker *m, const uint8_t *head, uint32_t nhead, uint32_t len) {
  uint32_t n = nhead + len, pad = (4 - n % 4) % 4;
  uint64_t us = m->ns / 1000;
  m->frames++;
  if (m->ng) {
    const uint32_t h[] = {6, 32 + n + pad, 0, (uint32_t)(us >> 32), (uint32_t)us, n, n};
    write_all(m, h, sizeof h);
    write_all(m, head, nhead);
    write_all(m, m->pattern, len);
    write_all(m, "\0\0\0", pad);
    write_all(m, &h[1], 4);
  } else {
    const uint32_t h[] = {(uint32_t)(us / 1000000), (uint32_t)(us % 1000000), n, n};
    write_all(m, h, sizeof h);
    write_all(m, head, nhead);
    write_all(m, m->pattern, len);
  }
}

/* The IP header for `n` bytes of TCP. Returns its length; *pseudo: the pseudo-header's sum. */
static unsigned ip_header(struct maker *m, const struct conn *c, unsigned from, uint8_t *p, unsigned n, uint32_t *pseudo) {
  unsigned ttl = from == C ? 57 : 64;
  if (c->family == 4) {
    memset(p, 0, 20);
    p[0] = 0x45;
    be16_put(p + 2, 20 + n);
    be16_put(p + 4, ++m->id);
    p[6] = 0x40;
    p[8] = (uint8_t)ttl;
    p[9] = IP_PROTO_TCP;
    memcpy(p + 12, c->addr[from], 4);
    memcpy(p + 16, c->addr[!from], 4);
    be16_put(p + 10, la__sum_finish(la__sum(0, p, 20)));
    *pseudo = la__sum(IP_PROTO_TCP + n, p + 12, 8);
    return 20;
  }
  memset(p, 0, 8);
  p[0] = 0x60;
  be16_put(p + 4, n);
  p[6] = IP_PROTO_TCP;
  p[7] = (uint8_t)ttl;
  memcpy(p + 8, c->addr[from], 16);
  memcpy(p + 24, c->addr[!from], 16);
  *pseudo = la__sum(IP_PROTO_TCP + n, p + 8, 32);
  return 40;
}

static void segment(struct maker *m, const struct conn *c, unsigned from, uint8_t flags, uint32_t seq, unsigned len) {
  uint8_t b[HEAD] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0};
  uint32_t pseudo, stamp = (uint32_t)(m->ns / 1000000);
  if (c->family == 6)
    be16_put(b + 12, 0x86dd);
  uint8_t *p = b + 14;
  p += ip_header(m, c, from, p, 32 + len, &pseudo);
  be16_put(p, c->port[from]);
  be16_put(p + 2, c->port[!from]);
  be32_put(p + 4, seq);
  be32_put(p + 8, flags & A ? c->end[from].got : 0);
  p[12] = 8 << 4;
  p[13] = flags;
  be16_put(p + 14, 64240);
  be32_put(p + 16, 0);
  be32_put(p + 20, 0x0101080a); /* no option, no option, timestamps */
  be32_put(p + 24, stamp);
  be32_put(p + 28, stamp - 20);
  be16_put(p + 16, la__sum_finish(la__sum(la__sum(pseudo, p, 32), m->pattern, len)));
  record(m, b, (uint32_t)(p + 32 - b), len);
}

static void begin_conn(struct maker *m, struct conn *c) {
  unsigned share = la__prng_below(&m->r, 1000), k = 0;
  while (share >= scripts[k].share)
    share -= scripts[k++].share;
  *c = (struct conn){.script = &scripts[k], .family = m->made % 10 ? 4 : 6};
  uint32_t client = la__prng_below(&m->r, CLIENTS), server = la__prng_below(&m->r, SERVERS);
  if (c->family == 4) {
    be32_put(c->addr[C], 0x0a000000u + client * 7);
    be32_put(c->addr[P], 0xc0a80000u + server);
  } else {
    memcpy(c->addr[C], "\x20\x01\x0d\xb8", 4);
    memcpy(c->addr[P], "\x20\x01\x0d\xb8\xff", 5);
    be32_put(c->addr[C] + 12, client);
    be32_put(c->addr[P] + 12, server);
  }
  c->port[C] = (uint16_t)(1024 + m->made % 60000); /* a pair is not used again soon */
  c->port[P] = (uint16_t)(server % 3 ? 443 : 80);
  c->end[C].nxt = c->end[P].got = (uint32_t)la__prng_next(&m->r);
  c->end[P].nxt = c->end[C].got = (uint32_t)la__prng_next(&m->r);
  m->made++;
}

/* false: the script is through. */
static bool step(struct maker *m, struct conn *c) {
  const struct step *s = &c->script->step[c->at++];
  unsigned from = s->from;
  if (!s->again) {
    c->end[from].seq = c->end[from].nxt;
    c->end[from].len = s->len;
    c->end[from].flags = s->flags;
    c->end[from].nxt += s->len + (s->flags & 3 ? 1u : 0);
  }
  segment(m, c, from, c->end[from].flags, c->end[from].seq, c->end[from].len);
  if (!(s->flags & R))
    c->end[!from].got = c->end[from].nxt;
  return c->at < c->script->n;
}

unsigned long capture_make(FILE *out, unsigned long conns, bool pcapng) {
  struct maker m = {.out = out, .ng = pcapng, .ns = BEGIN * 1000000000ull};
  size_t slots = conns / 50 + 1, live = 0;
  struct conn *slot = calloc(slots, sizeof *slot);
  if (!slot)
    die("out of memory");
  for (unsigned i = 0; i < MOST; i++)
    m.pattern[i] = (uint8_t)(i * 31);
  la__prng_seed(&m.r, 4242);
  begin_file(&m);
  while (live < slots && m.made < conns)
    begin_conn(&m, &slot[live++]);
  while (live) {
    size_t i = la__prng_below(&m.r, (uint32_t)live);
    m.ns += 10000 + la__prng_below(&m.r, 20000);
    if (step(&m, &slot[i]))
      continue;
    if (m.made < conns)
      begin_conn(&m, &slot[i]);
    else
      slot[i] = slot[--live];
  }
  free(slot);
  return m.frames;
}
