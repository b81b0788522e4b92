/* SPDX-License-Identifier: MIT */
/* The network between the hosts: delay, loss, duplicates, late packets, forged ones; and the log of all that passed. */
#include "sim/world.h"

#include "base/bytes.h"
#include "base/sum.h"

#include <stdlib.h>

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
  bool six = la__ip_version(p->raw, p->len) == 6;
  enum la_drop d = six ? la__ip6_parse(&ip, p->raw, p->len) : la__ip4_parse(&ip, p->raw, p->len, false);
  if (d == LA_DROP_NONE) {
    const uint8_t *at = p->raw + ip.hlen;
    uint32_t pseudo = la__ip_pseudo_sum(&ip.src, &ip.dst, ip.proto, ip.len);
    struct icmp_msg m = {.kind = ICMP_OTHER};
    p->udp = ip.proto == IP_PROTO_UDP;
    p->src = ip.src;
    p->dst = ip.dst;
    p->tcp = ip.proto == IP_PROTO_TCP;
    if (p->tcp)
      d = la__tcp_parse(&p->seg, at, ip.len, pseudo, false);
    else if (ip.proto == (six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP))
      d = six ? la__icmp6_parse(&m, at, ip.len, pseudo, false) : la__icmp4_parse(&m, at, ip.len, false);
    else if (p->udp)
      d = la__udp_parse(&p->dgram, &ip, at, ip.len, false);
    p->icmp = m.kind >= ICMP_NET_UNREACH ? m.kind : ICMP_OTHER;
    if (p->icmp)
      la__icmp_quote(&m, six ? 6 : 4, &p->quote);
  }
  la__law(w, LAW_CHECKSUMS, d == LA_DROP_NONE && six == w->opt.ipv6, "packet %u: %s", p->no, la_drop_name(d));
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

static unsigned ip_build(const struct ip_hdr *ip, uint8_t *raw) {
  return ip->src.family == 6 ? la__ip6_build(ip, raw) : la__ip4_build(ip, raw);
}

/* Types and codes by kind: RFC 792, RFC 4443. */
static void icmp_code(struct icmp_msg *m, bool six) {
  static const struct {
    uint8_t type4, code4, type6, code6;
  } of[] = {
    [ICMP_NET_UNREACH] = {3, 0, 1, 0},  [ICMP_HOST_UNREACH] = {3, 1, 1, 3}, [ICMP_PROTO_UNREACH] = {3, 2, 4, 1},
    [ICMP_PORT_UNREACH] = {3, 3, 1, 4}, [ICMP_ADMIN] = {3, 13, 1, 1},       [ICMP_TOO_BIG] = {3, 4, 2, 0},
  };
  m->type = six ? of[m->kind].type6 : of[m->kind].type4;
  m->code = six ? of[m->kind].code6 : of[m->kind].code4;
}

static struct pkt *icmp_about(struct world *w, const la_addr *from, const struct pkt *about, enum icmp_kind kind, uint32_t seq,
                              uint32_t mtu) {
  uint8_t raw[IP6_HEADER + 8 + 128], quote[128] = {0};
  bool six = from->family == 6;
  unsigned hlen = six ? IP6_HEADER : IP4_HEADER, n = about->len < 128 ? about->len : 128;
  if (n) /* else it stands in for a packet that was never sent */
    memcpy(quote, about->raw, n);
  be32_put(quote + hlen + 4, seq);
  struct icmp_msg m = {.kind = kind, .word = mtu, .data = quote, .len = n};
  struct ip_hdr ip = {
    .src = *from, .dst = about->src, .proto = six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, .ttl = 64, .len = 8 + n, .dont_fragment = !six};
  icmp_code(&m, six);
  unsigned at = ip_build(&ip, raw);
  la__icmp_build(&m, raw + at, six ? la__ip_pseudo_sum(&ip.src, &ip.dst, ip.proto, ip.len) : 0);
  return logged(w, owner(w, from), raw, at + ip.len);
}

/* A router tells the sender that the destination cannot be reached. */
static void unreachable(struct world *w, const struct pkt *p) {
  la_addr router = la__sim_addr(w, 254);
  deliver(w, icmp_about(w, &router, p, ICMP_HOST_UNREACH, p->seg.seq, 0), w->now + 2 * w->delay);
}
static void too_big(struct world *w, const struct pkt *p, uint32_t mtu) {
  la_addr router = la__sim_addr(w, 254);
  deliver(w, icmp_about(w, &router, p, ICMP_TOO_BIG, p->seg.seq, mtu), w->now + 2 * w->delay);
}

unsigned la__ecn_of(const struct pkt *p) { return (p->raw[0] >> 4 == 6 ? p->raw[1] >> 4 : p->raw[1]) & IP_ECN_MASK; }

static void mark_ce(struct pkt *p) {
  if (p->raw[0] >> 4 == 6) {
    p->raw[1] |= IP_CE << 4;
    return;
  }
  p->raw[1] |= IP_CE;
  be16_put(p->raw + 10, 0);
  be16_put(p->raw + 10, la__sum_finish(la__sum(0, p->raw, IP4_HEADER)));
}

/* The last hop: when it arrives, if it does. */
static la_time last_hop(struct world *w, struct pkt *p, la_time delay) {
  struct wire *l = &p->to->in;
  if (l->mtu && p->len > l->mtu) {
    l->too_long++;
    p->lost = true;
    if (!l->silent)
      too_big(w, p, l->mtu);
    return w->now + delay;
  }
  if (l->loss && la__prng_below(&l->prng, 100000) < l->loss) {
    l->lost++;
    p->lost = true;
  }
  if (!l->rate || p->lost)
    return w->now + delay;
  uint64_t waits = l->busy > w->now ? (l->busy - w->now) * l->rate / LA_SEC : 0;
  if (waits + p->len > l->queue || (l->mark_at && waits > l->mark_at && !la__ecn_of(p))) {
    l->overflowed++;
    p->lost = true;
    return w->now + delay;
  }
  if (waits + p->len > l->deepest)
    l->deepest = (uint32_t)waits + p->len;
  if (l->mark_at && waits > l->mark_at) {
    l->marked++;
    mark_ce(p);
  }
  l->busy = (l->busy > w->now ? l->busy : w->now) + p->len * LA_SEC / l->rate;
  return l->busy + delay;
}

static void fate(struct world *w, struct pkt *p) {
  la_time at = w->now + w->delay + (p->from ? p->from->far : 0) + (p->to ? p->to->far : 0);
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
  if (!p->lost && p->to)
    at = last_hop(w, p, at - w->now);
  if (!p->lost)
    deliver(w, p, at);
}

static void segment_out(struct host *from, const la_frame *f) {
  static const size_t cap = 65536;
  uint8_t *raw = malloc(cap);
  if (!raw)
    abort();
  size_t n = la_frame_copy(f, raw, cap);
  struct pkt *p = logged(from->w, from, raw, n);
  free(raw);
  la__law(from->w, LAW_CHECKSUMS, n <= from->mtu, "packet %u has %zu bytes", p->no, n);
  p->frame_out = f->number;
  p->sender = la__watch_state(from, &p->dst, p->seg.sport, p->seg.dport, NULL);
  fate(from->w, p);
}

/* Its device cuts a frame. */
void la__net_send(struct host *from, const la_frame *f) {
  la_frame one;
  from->frames++;
  for (unsigned i = 0; la_frame_segment(f, i, &one); i++)
    segment_out(from, &one);
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
  uint8_t raw[IP6_HEADER + TCP_HEADER_MAX + 1024];
  if (seg->len > 1024)
    abort();
  uint8_t *at = raw + la__sim_headers(w) - TCP_HEADER;
  unsigned hl = la__tcp_build(seg, at);
  if (seg->len)
    memcpy(at + hl, seg->data, seg->len);
  uint32_t len = hl + seg->len;
  struct ip_hdr ip = {.src = *src, .dst = to->addr, .proto = IP_PROTO_TCP, .ttl = 64, .len = len};
  unsigned iplen = ip_build(&ip, raw);
  uint32_t sum = la__sum(la__ip_pseudo_sum(src, &to->addr, IP_PROTO_TCP, len), at, len);
  be16_put(at + 16, la__sum_finish(sum));
  struct pkt *p = logged(w, owner(w, src), raw, iplen + len);
  p->injected = true;
  fate(w, p);
  return p;
}
struct pkt *la__inject_icmp(struct world *w, const la_addr *from, const struct pkt *about, enum icmp_kind kind, uint32_t seq) {
  struct pkt *p = icmp_about(w, from, about, kind, seq, 0);
  p->injected = true;
  p->forged = seq != about->seg.seq;
  fate(w, p);
  return p;
}
struct pkt *la__inject_too_big(struct world *w, const la_addr *from, const struct pkt *about, uint32_t mtu) {
  struct pkt *p = icmp_about(w, from, about, ICMP_TOO_BIG, about->seg.seq, mtu);
  p->injected = true;
  fate(w, p);
  return p;
}
struct pkt *la__inject(struct host *from, struct host *to, const struct tcp_seg *seg) {
  return la__inject_from(from->w, &from->addr, to, seg);
}
