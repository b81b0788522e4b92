/* SPDX-License-Identifier: MIT */
/*
 * A wire with faults around another driver.
 *
 * Every packet is copied, meets its fate and then waits in one of two places of its direction: `line`, in order of arrival, each not due
 * before the one ahead of it; or `aside`, those that others may overtake: each with a time of its own and perhaps a count of
 * packets that must pass first. What is due goes on at the next call: inbound packets to whoever calls recv, outbound ones
 * to the inner driver, from recv as well as from send. Nobody calls without a reason, so `deadline` tells the loop when to.
 *
 * Each direction has random numbers of its own, so that its faults depend on its packets alone and not on how the two interleave.
 */
#include "link/fault_spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

enum { BATCH = 32, PULLS = 64, HELD_MAX = 16384, OVERTAKERS = 4, UDP_SUM = 6, UDP_HEADER = 8 };
#define ASIDE_MAX (10 * LA_MS)
#define NO_COUNT UINT32_MAX

struct pkt {
  struct pkt *next;
  la_time due;
  uint32_t overtakers; /* aside: how many must pass before it goes on early; NO_COUNT: only its time counts */
  uint32_t len;
  uint16_t flags, header;
  uint8_t bytes[];
};

struct lane {
  struct pkt *line, **line_end, *aside;
  la_time last_due; /* of the last packet put into the line */
  uint32_t held;
  struct prng rng;
  uint64_t seen[FAULT_RULES];
};

struct fault {
  la_driver d;
  la_driver *inner;
  struct fault_spec spec;
  la_fault_stats stats;
  struct lane lane[FAULT_DIRS];
  struct pkt *lent; /* handed out by the last recv */
  bool more;        /* the inner driver may have more to read */
  la_frame in[BATCH];
};

/* What is to be done to one packet. */
struct fate {
  bool act[FAULT_ACTIONS];
  la_time delay;
};

/* ---- what a packet is ---- */

/* Where checksums are: [from, to) of the header's own and of the payload's, in bytes of the packet, even distance from their start. */
struct covered {
  uint32_t from[2], to[2];
  uint32_t hole; /* UDP's checksum: flipped to 0 it would mean "none" (RFC 768) */
};

static bool parse(struct ip_hdr *h, const uint8_t *p, uint32_t len) {
  unsigned v = la__ip_version(p, len);
  return (v == 4 && la__ip4_parse(h, p, len, true) == LA_DROP_NONE) || (v == 6 && la__ip6_parse(h, p, len) == LA_DROP_NONE);
}

static unsigned kinds(const uint8_t *p, uint32_t len) {
  struct ip_hdr h;
  struct tcp_seg seg;
  if (!parse(&h, p, len) || h.proto != IP_PROTO_TCP || h.frag_off || la__tcp_parse(&seg, p + h.hlen, h.len, 0, true) != LA_DROP_NONE)
    return FAULT_ANY;
  if (seg.flags & LA_RST)
    return FAULT_ANY | FAULT_RST;
  if (seg.flags & LA_SYN)
    return FAULT_ANY | (seg.flags & LA_ACK ? FAULT_SYNACK : FAULT_SYN);
  unsigned k = FAULT_ANY | (seg.flags & LA_FIN ? FAULT_FIN : 0) | (seg.len ? FAULT_DATA : 0);
  return k == FAULT_ANY && seg.flags & LA_ACK ? k | FAULT_ACK : k;
}

/*
 * IPv4: its header but for the word with the header's length, on which the extent of the sum depends. IPv6 has no sum; its
 * addresses are covered by the payload's (RFC 8200 8.1), as is all of TCP, of UDP with a sum, and of ICMP.
 */
static struct covered covered(const uint8_t *p, uint32_t len) {
  struct ip_hdr h;
  struct covered c = {0};
  if (!parse(&h, p, len))
    return c;
  bool six = h.src.family == 6;
  bool summed = h.proto == IP_PROTO_TCP || h.proto == (six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP);
  if (h.proto == IP_PROTO_UDP && !h.frag_off && h.len >= UDP_HEADER && (p[h.hlen + UDP_SUM] || p[h.hlen + UDP_SUM + 1])) {
    summed = true;
    c.hole = h.hlen + UDP_SUM;
  }
  c.from[0] = six ? 8 : 2;
  c.to[0] = six && !summed ? c.from[0] : six ? IP6_HEADER : h.hlen;
  c.from[1] = h.hlen;
  c.to[1] = summed ? h.hlen + h.len : h.hlen;
  return c;
}

/* One to three bits of one word: the sum then differs by less than 65535, by which it is taken (RFC 1071), so it must tell. */
static bool corrupt(struct prng *rng, uint8_t *p, uint32_t len) {
  struct covered c = covered(p, len);
  uint32_t words[2], at;
  for (unsigned i = 0; i < 2; i++)
    words[i] = (c.to[i] - c.from[i] + 1) / 2;
  if (!(words[0] + words[1]))
    return false;
  do {
    uint32_t w = la__prng_below(rng, words[0] + words[1]);
    at = w < words[0] ? c.from[0] + 2 * w : c.from[1] + 2 * (w - words[0]);
  } while (c.hole && at == c.hole);
  uint32_t mask = 0;
  for (uint32_t i = 0, n = 1 + la__prng_below(rng, 3); i < n; i++)
    mask |= 1u << la__prng_below(rng, 16);
  if (at + 1 == c.to[at >= c.to[0]]) /* a last odd byte */
    mask = (mask | mask << 8) & 0xff00;
  p[at] ^= (uint8_t)(mask >> 8);
  if (mask & 0xff)
    p[at + 1] ^= (uint8_t)mask;
  return true;
}

/* ---- its fate ---- */

static bool chance(struct prng *rng, uint32_t ppm) { return ppm && la__prng_below(rng, FAULT_MILLION) < ppm; }

static struct fate decide(struct fault *f, enum fault_dir dir, const uint8_t *p, uint32_t len) {
  struct lane *l = &f->lane[dir];
  struct fate fate = {.delay = f->spec.delay};
  unsigned what = f->spec.rules ? kinds(p, len) : FAULT_ANY;
  for (unsigned i = 0; i < f->spec.rules; i++) {
    const struct fault_rule *r = &f->spec.rule[i];
    if (!(r->dirs & 1u << dir) || !(r->what & what) || ++l->seen[i] < r->first || l->seen[i] > r->last || !chance(&l->rng, r->ppm))
      continue;
    fate.act[r->action] = true;
    fate.delay += r->delay;
  }
  for (unsigned a = 0; a < FAULT_DELAY; a++)
    fate.act[a] |= chance(&l->rng, f->spec.ppm[a]);
  if (f->spec.jitter)
    fate.delay += la__prng_next(&l->rng) % (f->spec.jitter + 1);
  return fate;
}

/* ---- waiting ---- */

static void join_line(struct lane *l, struct pkt *k) {
  k->next = NULL;
  *l->line_end = k;
  l->line_end = &k->next;
}

/* One more packet has passed those aside: who has let enough pass follows it. */
static void passed(struct lane *l) {
  for (struct pkt **at = &l->aside; *at;) {
    struct pkt *k = *at;
    bool enough = k->overtakers != NO_COUNT && !--k->overtakers;
    if (!enough || k->due < l->last_due) { /* when its time comes earlier, that counts */
      k->overtakers = enough ? NO_COUNT : k->overtakers;
      at = &k->next;
      continue;
    }
    *at = k->next;
    k->due = l->last_due;
    join_line(l, k);
  }
}

static void step_aside(struct lane *l, struct pkt *k, uint32_t overtakers, la_time due) {
  k->overtakers = overtakers;
  k->due = due;
  k->next = l->aside;
  l->aside = k;
}

static void place(struct fault *f, enum fault_dir dir, struct pkt *k, const struct fate *fate, la_time now) {
  struct lane *l = &f->lane[dir];
  l->held++;
  if (fate->act[FAULT_REORDER]) {
    f->stats.reordered[dir]++;
    step_aside(l, k, 1 + la__prng_below(&l->rng, OVERTAKERS), now + fate->delay + ASIDE_MAX);
  } else if (fate->act[FAULT_DELAY]) {
    f->stats.delayed[dir]++;
    step_aside(l, k, NO_COUNT, now + fate->delay);
  } else {
    if (now + fate->delay > l->last_due)
      l->last_due = now + fate->delay;
    k->due = l->last_due;
    join_line(l, k);
    passed(l);
  }
}

static struct pkt *copy_of(struct fault *f, enum fault_dir dir, const la_frame *frame, uint32_t len) {
  struct pkt *k = f->lane[dir].held < HELD_MAX ? malloc(sizeof *k + len) : NULL;
  if (!k) {
    f->stats.overflowed[dir]++;
    return NULL;
  }
  *k = (struct pkt){.len = len, .flags = frame->flags & LA_FRAME_SUM_OK, .header = frame->header};
  if (frame->nbufs)
    la_frame_copy(frame, k->bytes, len);
  else
    memcpy(k->bytes, frame->data, len);
  return k;
}

/* A packet enters the wire. */
static void enter_one(struct fault *f, enum fault_dir dir, const la_frame *frame) {
  struct lane *l = &f->lane[dir];
  uint32_t len = frame->len, before = frame->header < len ? frame->header : 0;
  for (unsigned i = 0; i < frame->nbufs; i++)
    len += frame->buf[i].len;
  struct pkt *k = copy_of(f, dir, frame, len), *twin = NULL;
  f->stats.packets[dir]++;
  if (!k)
    return;
  struct fate fate = decide(f, dir, k->bytes + before, len - before);
  if (fate.act[FAULT_DROP]) {
    f->stats.dropped[dir]++;
    free(k);
    return;
  }
  if (fate.act[FAULT_DUP])
    twin = copy_of(f, dir, frame, len);
  if (fate.act[FAULT_CORRUPT] && corrupt(&l->rng, k->bytes + before, len - before)) {
    f->stats.corrupted[dir]++;
    k->flags &= (uint16_t)~LA_FRAME_SUM_OK;
  }
  place(f, dir, k, &fate, f->d.now);
  if (twin) {
    struct fate again = {.act[FAULT_REORDER] = chance(&l->rng, f->spec.ppm[FAULT_REORDER]), .delay = fate.delay};
    f->stats.duplicated[dir]++;
    place(f, dir, twin, &again, f->d.now);
  }
}

/* Each segment of a frame by itself, its checksum finished, so that damage shows. */
static void enter(struct fault *f, enum fault_dir dir, const la_frame *frame) {
  la_frame one;
  if (!(frame->flags & (LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL)) || !la_frame_segment(frame, 0, &one)) {
    enter_one(f, dir, frame);
    return;
  }
  for (unsigned i = 0; la_frame_segment(frame, i, &one); i++)
    enter_one(f, dir, &one);
}

/* Takes the packet that is due first, or NULL. */
static struct pkt *leave(struct lane *l, la_time now) {
  struct pkt **best = l->line ? &l->line : NULL;
  for (struct pkt **at = &l->aside; *at; at = &(*at)->next)
    if (!best || (*at)->due < (*best)->due)
      best = at;
  if (!best || (*best)->due > now)
    return NULL;
  struct pkt *k = *best;
  *best = k->next;
  if (!l->line)
    l->line_end = &l->line;
  l->held--;
  return k;
}

/* ---- the driver ---- */

static void release_lent(struct fault *f) {
  while (f->lent) {
    struct pkt *next = f->lent->next;
    free(f->lent);
    f->lent = next;
  }
}

static bool flush(struct fault *f) {
  struct pkt *k;
  bool ok = true;
  f->inner->now = f->d.now;
  while ((k = leave(&f->lane[FAULT_OUT], f->d.now))) {
    const la_frame frame = {.data = k->bytes, .len = k->len, .total = k->len, .flags = k->flags, .header = k->header};
    if (!f->inner->send(f->inner, &frame)) {
      f->d.dropped++;
      ok = false;
    }
    free(k);
  }
  return ok;
}

/* Reads the inner driver until it is dry: what it has and the wire swallows must not look like something still to come. */
static void pull(struct fault *f) {
  f->inner->now = f->d.now;
  for (unsigned i = 0; i < PULLS; i++) {
    size_t n = f->inner->recv(f->inner, f->in, BATCH);
    for (size_t j = 0; j < n; j++)
      enter(f, FAULT_IN, &f->in[j]);
    f->more = n > 0;
    if (!n)
      return;
  }
}

static size_t fault_recv(la_driver *d, la_frame *frames, size_t max) {
  struct fault *f = (struct fault *)d;
  size_t n = 0;
  release_lent(f);
  flush(f);
  for (unsigned pulled = 0; n < max;) {
    struct pkt *k = leave(&f->lane[FAULT_IN], d->now);
    if (!k && pulled++)
      break;
    if (!k) {
      pull(f);
      continue;
    }
    frames[n].data = k->bytes;
    frames[n].len = frames[n].total = k->len;
    frames[n].flags = k->flags;
    frames[n].header = k->header;
    frames[n++].nbufs = 0;
    k->next = f->lent;
    f->lent = k;
  }
  d->received += n;
  return n;
}

static bool fault_send(la_driver *d, const la_frame *frame) {
  struct fault *f = (struct fault *)d;
  d->sent++;
  enter(f, FAULT_OUT, frame);
  return flush(f);
}

static la_time fault_deadline(const la_driver *d) {
  const struct fault *f = (const struct fault *)d;
  la_time at = f->inner->deadline ? f->inner->deadline(f->inner) : LA_NEVER;
  if (f->more)
    return 0;
  for (unsigned i = 0; i < FAULT_DIRS; i++) {
    const struct lane *l = &f->lane[i];
    if (l->line && l->line->due < at)
      at = l->line->due;
    for (const struct pkt *k = l->aside; k; k = k->next)
      at = k->due < at ? k->due : at;
  }
  return at;
}

static void free_list(struct pkt *k) {
  while (k) {
    struct pkt *next = k->next;
    free(k);
    k = next;
  }
}

static void fault_close(la_driver *d) {
  struct fault *f = (struct fault *)d;
  release_lent(f);
  for (unsigned i = 0; i < FAULT_DIRS; i++) {
    free_list(f->lane[i].line);
    free_list(f->lane[i].aside);
  }
  f->inner->close(f->inner);
  free(f);
}

bool la_fault_check(const char *spec, char *err, size_t err_cap) {
  struct fault_spec s;
  return la__fault_parse(&s, spec, err, err_cap);
}

la_driver *la_fault_new(la_driver *inner, const char *spec, char *err, size_t err_cap) {
  struct fault *f = calloc(1, sizeof *f);
  if (!f) {
    if (err && err_cap >= sizeof "out of memory")
      memcpy(err, "out of memory", sizeof "out of memory");
    return NULL;
  }
  if (!la__fault_parse(&f->spec, spec, err, err_cap)) {
    free(f);
    return NULL;
  }
  f->d = (la_driver){.recv = fault_recv,
                     .send = fault_send,
                     .close = fault_close,
                     .fd = inner->fd,
                     .mtu = inner->mtu,
                     .header = inner->header,
                     .deadline = fault_deadline,
                     .now = inner->now};
  f->inner = inner;
  for (unsigned i = 0; i < FAULT_DIRS; i++) {
    f->lane[i].line_end = &f->lane[i].line;
    la__prng_seed(&f->lane[i].rng, f->spec.seed * FAULT_DIRS + i);
  }
  return &f->d;
}

void la_fault_stats_get(const la_driver *fault, la_fault_stats *out) { *out = ((const struct fault *)fault)->stats; }
