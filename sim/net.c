/* SPDX-License-Identifier: MIT */
/* The network between the hosts: delay, loss, duplicates, late packets, forged ones; and the log of all that passed. */
#include "sim/world.h"

#include "base/bytes.h"
#include "base/sum.h"

#include <stdlib.h>

static const la_addr router = {.family = 4, .b = {10, 0, 0, 254}};

static struct host *owner(const struct world *w, const la_addr *a) {
  for (unsigned i = 0; i < w->nhosts; i++)
    if (la_addr_same(&w->host[i]->addr, a))
      return w->host[i];
  return NULL;
}

bool la__is_kind(const struct pkt *p, enum kind k) {
  unsigned f = p->seg.flags & (LA_SYN | LA_ACK | LA_FIN | LA_RST);
  if (!p->tcp)
    return false;
  switch (k) {
  case K_ANY:
    return true;
  case K_SYN:
    return f == LA_SYN;
  case K_SYN_ACK:
    return f == (LA_SYN | LA_ACK);
  case K_FIN:
    return (f & LA_FIN) && !(f & (LA_SYN | LA_RST));
  case K_RST:
    return (f & LA_RST) != 0;
  case K_DATA:
    return p->seg.len > 0 && !(f & (LA_SYN | LA_RST));
  case K_ACK:
    return f == LA_ACK && p->seg.len == 0;
  case K_TW_ACK:
    return f == LA_ACK && p->seg.len == 0 && p->sender == LA_TIME_WAIT;
  case K_PROBE:
    return p->retransmit == 3;
  }
  return false;
}

struct rule *la__rule(struct world *w, struct host *from, enum kind kind, enum fate fate, unsigned first, unsigned count) {
  if (w->nrules == SIM_RULES)
    abort();
  struct rule *r = &w->rule[w->nrules++];
  *r = (struct rule){.from = from, .kind = kind, .fate = fate, .first = first, .count = count};
  return r;
}

/* Parses what stands in p->raw; the stacks' own packets must be well formed. */
static void parse(struct world *w, struct pkt *p) {
  struct ip_hdr ip;
  enum la_drop d = la__ip4_parse(&ip, p->raw, p->len, false);
  if (d == LA_DROP_NONE) {
    p->src = ip.src;
    p->dst = ip.dst;
    p->tcp = ip.proto == IP_PROTO_TCP;
    if (p->tcp)
      d = la__tcp_parse(&p->seg, p->raw + ip.hlen, ip.len, la__ip_pseudo_sum(&ip.src, &ip.dst, IP_PROTO_TCP, ip.len), false);
  }
  la__law(w, LAW_CHECKSUMS, d == LA_DROP_NONE, "packet %u: %s", p->no, la_drop_name(d));
}

static struct pkt *logged(struct world *w, struct host *from, const void *raw, size_t len) {
  struct pkt *p = calloc(1, sizeof *p);
  uint8_t *copy = malloc(len ? len : 1);
  if (!p || !copy)
    abort();
  memcpy(copy, raw, len);
  w->log = la__grow(w->log, &w->log_cap, w->nlog, sizeof(struct pkt *));
  w->log[w->nlog++] = p;
  p->no = (uint32_t)w->nlog;
  p->sent = w->now;
  p->stamp_sent = ++w->stamp;
  p->arrived = LA_NEVER;
  p->from = from;
  p->raw = copy;
  p->len = (uint32_t)len;
  parse(w, p);
  p->to = owner(w, &p->dst);
  return p;
}

static void deliver(struct world *w, struct pkt *p, la_time at) {
  p->arrived = at;
  la__event_arrive(w, at, p);
}

/* A router tells the sender that the destination cannot be reached. */
static void unreachable(struct world *w, const struct pkt *p) {
  uint8_t raw[IP4_HEADER + 8 + 64];
  uint32_t quote = p->len < 64 ? p->len : 64;
  struct icmp_msg m = {.kind = ICMP_HOST_UNREACH, .type = 3, .code = 1, .data = p->raw, .len = quote};
  struct ip_hdr ip = {.src = router, .dst = p->src, .proto = IP_PROTO_ICMP, .ttl = 64, .len = 8 + quote};
  unsigned n = la__ip4_build(&ip, raw);
  n += la__icmp_build(&m, raw + n, 0);
  deliver(w, logged(w, NULL, raw, n), w->now + 2 * w->delay);
}

static void fate(struct world *w, struct pkt *p) {
  la_time at = w->now + w->delay;
  p->lost = w->cut || p->no == w->opt.drop || p->no > SIM_PACKETS;
  la__law(w, LAW_CLOCKS, p->no <= SIM_PACKETS, "more than %u segments: a war of answers", SIM_PACKETS);
  for (unsigned i = 0; i < w->nrules; i++) {
    struct rule *r = &w->rule[i];
    if (r->from != p->from || !la__is_kind(p, r->kind) || ++r->seen < r->first || r->seen - r->first >= r->count)
      continue;
    switch (r->fate) {
    case F_LOSE:
      p->lost = true;
      break;
    case F_LATE:
      p->late = true;
      at += r->extra;
      break;
    case F_DUPLICATE: {
      struct pkt *d = logged(w, p->from, p->raw, p->len);
      d->duplicate = true;
      d->sender = p->sender;
      deliver(w, d, at + r->extra);
      break;
    }
    case F_UNREACHABLE:
      p->lost = true;
      unreachable(w, p);
      break;
    }
  }
  if (!p->lost)
    deliver(w, p, at);
}

void la__net_send(struct host *from, const la_frame *f) {
  static const size_t cap = 65536;
  uint8_t *raw = malloc(cap);
  if (!raw)
    abort();
  size_t n = la_frame_copy(f, raw, cap);
  struct pkt *p = logged(from->w, from, raw, n);
  free(raw);
  p->frame_out = f->number;
  p->sender = la__watch_state(from, &p->dst, p->seg.sport, p->seg.dport, NULL);
  fate(from->w, p);
}

/* Whoever is down, or nobody, receives nothing; a scripted peer only logs. */
void la__net_arrive(struct world *w, struct pkt *p) {
  struct host *h = p->to;
  w->arriving = p;
  p->stamp_arrived = ++w->stamp;
  if (w->cut || !h || (!h->st && h->boots > 0)) {
    p->lost = true;
    p->arrived = LA_NEVER;
  }
}

struct pkt *la__inject_from(struct world *w, const la_addr *src, struct host *to, const struct tcp_seg *seg) {
  uint8_t raw[IP4_HEADER + TCP_HEADER_MAX + 1024];
  if (seg->len > 1024)
    abort();
  unsigned hl = la__tcp_build(seg, raw + IP4_HEADER);
  if (seg->len)
    memcpy(raw + IP4_HEADER + hl, seg->data, seg->len);
  uint32_t len = hl + seg->len;
  struct ip_hdr ip = {.src = *src, .dst = to->addr, .proto = IP_PROTO_TCP, .ttl = 64, .len = len};
  la__ip4_build(&ip, raw);
  uint32_t sum = la__sum(la__ip_pseudo_sum(src, &to->addr, IP_PROTO_TCP, len), raw + IP4_HEADER, len);
  be16_put(raw + IP4_HEADER + 16, la__sum_finish(sum));
  struct pkt *p = logged(w, owner(w, src), raw, IP4_HEADER + len);
  p->injected = true;
  fate(w, p);
  return p;
}
struct pkt *la__inject(struct host *from, struct host *to, const struct tcp_seg *seg) {
  return la__inject_from(from->w, &from->addr, to, seg);
}
