/* SPDX-License-Identifier: MIT */
/* What stands on the way: routers that tell, NATs, damage, marks, and people who forge. */
#include "sim/swarm.h"

#include "base/bytes.h"
#include "base/sum.h"

#include <string.h>

static bool draw(struct sw_host *h, uint64_t of_100000) { return of_100000 && la__prng_below(&h->noise, 100000) < of_100000; }

/* A field of a packet and the sums that cover it. RFC 1624, but from scratch: packets are short. */
static unsigned header_of(const struct sw_pkt *p) { return p->data[0] >> 4 == 6 ? IP6_HEADER : (p->data[0] & 15) * 4u; }
static unsigned proto_of(const struct sw_pkt *p) { return p->data[p->data[0] >> 4 == 6 ? 6 : 9]; }

static void resum(struct sw_pkt *p) {
  unsigned at = header_of(p);
  bool six = at == IP6_HEADER;
  la_addr src = {.family = six ? 6 : 4}, dst = src;
  memcpy(src.b, p->data + (six ? 8 : 12), six ? 16 : 4);
  memcpy(dst.b, p->data + (six ? 24 : 16), six ? 16 : 4);
  if (!six) {
    be16_put(p->data + 10, 0);
    be16_put(p->data + 10, la__sum_finish(la__sum(0, p->data, at)));
  }
  if (proto_of(p) != IP_PROTO_TCP)
    return;
  be16_put(p->data + at + 16, 0);
  uint32_t sum = la__sum(la__ip_pseudo_sum(&src, &dst, IP_PROTO_TCP, p->len - at), p->data + at, p->len - at);
  be16_put(p->data + at + 16, la__sum_finish(sum));
}

/* One bit flips, which every sum that covers it tells. */
static void damage(struct sw_host *to, struct sw_pkt *p) {
  uint32_t bit = la__prng_below(&to->noise, p->len * 8);
  p->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
  to->corrupted++;
}

static void congestion(struct sw_pkt *p) {
  bool six = p->data[0] >> 4 == 6;
  unsigned ecn = (six ? p->data[1] >> 4 : p->data[1]) & IP_ECN_MASK;
  if (!ecn)
    return;
  if (six) {
    p->data[1] |= IP_CE << 4;
    return;
  }
  p->data[1] |= IP_CE;
  be16_put(p->data + 10, 0);
  be16_put(p->data + 10, la__sum_finish(la__sum(0, p->data, IP4_HEADER)));
}

/* Urgent data that nobody sent: the pointer goes somewhere into, or behind, the segment's text. */
static void urge(struct sw_host *to, struct sw_pkt *p) {
  unsigned at = header_of(p);
  if (proto_of(p) != IP_PROTO_TCP || p->len < at + TCP_HEADER)
    return;
  uint8_t *t = p->data + at;
  uint32_t text = p->len - at - (t[12] >> 4) * 4u;
  if (!text || t[13] & (LA_SYN | LA_RST))
    return;
  t[13] |= LA_URG;
  be16_put(t + 18, (uint16_t)la__prng_below(&to->noise, text < 60000 ? text + 10 : 60000));
  resum(p);
}

static uint32_t seq_at(const struct sw_pkt *p) {
  unsigned at = header_of(p);
  return proto_of(p) == IP_PROTO_TCP && p->len >= at + 8 ? be32_get(p->data + at + 4) : 0;
}

/* An observer's ICMP error about what just passed, in a router's name or in the destination's. */
static void tell(struct sw_host *from, const struct sw_pkt *p) {
  static const enum icmp_kind kinds[] = {ICMP_NET_UNREACH, ICMP_HOST_UNREACH,  ICMP_PROTO_UNREACH, ICMP_PORT_UNREACH, ICMP_TOO_BIG,
                                         ICMP_SRCROUTE,    ICMP_TIME_EXCEEDED, ICMP_PARAM,         ICMP_SOURCE_QUENCH};
  unsigned n = sizeof kinds / sizeof *kinds, x = la__prng_below(&from->noise, 4 * n);
  static const uint32_t mtus[] = {0, 67, 68, 575, 576, 1279, 1280, 1400, 65535};
  uint32_t mtu = mtus[la__prng_below(&from->noise, 9)];
  la__sw_icmp(from, p, kinds[x % n], mtu, x < 2 * n, 0);
}

bool la__sw_mangle(struct sw_host *from, struct sw_host *to, struct sw_pkt *p) {
  if (from->hard_at > from->w->now && draw(from, 30000))
    tell(from, p);
  if (draw(to, to->plan->urgent))
    urge(to, p);
  if (draw(to, to->plan->mark))
    congestion(p);
  if (!draw(to, to->plan->corrupt))
    return true;
  damage(to, p);
  return false;
}

/* ICMP */

static void code_of(struct icmp_msg *m, bool six) {
  static const uint8_t v4[][2] = {
    [ICMP_NET_UNREACH] = {3, 0}, [ICMP_HOST_UNREACH] = {3, 1}, [ICMP_PROTO_UNREACH] = {3, 2}, [ICMP_PORT_UNREACH] = {3, 3},
    [ICMP_TOO_BIG] = {3, 4},     [ICMP_SRCROUTE] = {3, 5},     [ICMP_ADMIN] = {3, 13},        [ICMP_TIME_EXCEEDED] = {11, 0},
    [ICMP_PARAM] = {12, 0},      [ICMP_SOURCE_QUENCH] = {4, 0}};
  static const uint8_t v6[][2] = {
    [ICMP_NET_UNREACH] = {1, 0}, [ICMP_HOST_UNREACH] = {1, 3}, [ICMP_PROTO_UNREACH] = {4, 1}, [ICMP_PORT_UNREACH] = {1, 4},
    [ICMP_TOO_BIG] = {2, 0},     [ICMP_SRCROUTE] = {1, 5},     [ICMP_ADMIN] = {1, 1},         [ICMP_TIME_EXCEEDED] = {3, 0},
    [ICMP_PARAM] = {4, 0},       [ICMP_SOURCE_QUENCH] = {4, 0}};
  m->type = six ? v6[m->kind][0] : v4[m->kind][0];
  m->code = six ? v6[m->kind][1] : v4[m->kind][1];
}

/* `guess` is added to the quoted sequence number: 0 where the sender of the error has seen the packet. */
void la__sw_icmp(struct sw_host *to, const struct sw_pkt *about, enum icmp_kind kind, uint32_t mtu, bool from_host, uint32_t guess) {
  struct sw_world *w = to->w;
  uint8_t quote[64] = {0};
  bool six = about->data[0] >> 4 == 6;
  unsigned at = six ? IP6_HEADER : IP4_HEADER, n = about->len < 64 ? about->len : 64;
  if (proto_of(about) != IP_PROTO_TCP || to->plan->nat || about->len < at + TCP_HEADER)
    return;
  memcpy(quote, about->data, n);
  be32_put(quote + at + 4, seq_at(about) + guess);
  struct ip_hdr ip = {.proto = six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, .ttl = 64, .len = 8 + n, .dont_fragment = !six};
  ip.src = la__sw_addr(SW_ROUTER, six);
  ip.dst = la__sw_addr(to->no, six);
  if (from_host)
    memcpy(ip.src.b, about->data + (six ? 24 : 16), six ? 16 : 4);
  struct icmp_msg m = {.kind = kind, .data = quote, .len = n, .mtu = mtu, .word = mtu};
  code_of(&m, six);
  struct sw_pkt *p = la__sw_pkt(w, at + 8 + n);
  unsigned hlen = six ? la__ip6_build(&ip, p->data) : la__ip4_build(&ip, p->data);
  la__icmp_build(&m, p->data + hlen, six ? la__ip_pseudo_sum(&ip.src, &ip.dst, ip.proto, ip.len) : 0);
  p->from = p->to = (uint8_t)to->no;
  p->id = 0;
  la_addr remote = {.family = six ? 6 : 4};
  memcpy(remote.b, about->data + (six ? 24 : 16), six ? 16 : 4);
  struct sw_pair *pair = la__sw_pair(to, &remote, be16_get(quote + at), be16_get(quote + at + 2), false);
  if (pair && !guess)
    pair->hurt_at = w->now + 1;
  la__sw_post(w, w->now + sw_us(to->plan->delay) + 1000, SW_EV_ARRIVE, to->no, p);
}

/* NAT: an address of its own for the outside, and a port for each pair within. */

static uint64_t nat_key(const struct sw_pkt *p, unsigned at, unsigned remote_at, unsigned in_at, unsigned out_at) {
  return (uint64_t)(p->data[0] >> 4) << 56 | (uint64_t)p->data[remote_at] << 32 | (uint64_t)be16_get(p->data + at + in_at) << 16 |
         be16_get(p->data + at + out_at);
}

bool la__sw_nat_out(struct sw_host *h, struct sw_pkt *p) {
  bool six = p->data[0] >> 4 == 6;
  unsigned at = header_of(p), i = 0;
  if (proto_of(p) != IP_PROTO_TCP)
    return false;
  uint64_t key = nat_key(p, at, six ? 39 : 19, 0, 2);
  while (i < h->nnat && h->nat[i].key != key)
    i++;
  if (i == h->nnat) {
    if (h->nnat == SW_NAT)
      return false;
    h->nat[h->nnat].key = key;
    h->nat[h->nnat].in = be16_get(p->data + at);
    h->nat[h->nnat++].out = h->nat_next++;
  }
  la_addr a = la__sw_addr(SW_PUBLIC + h->no, six);
  memcpy(p->data + (six ? 8 : 12), a.b, six ? 16 : 4);
  be16_put(p->data + at, h->nat[i].out);
  resum(p);
  return true;
}

bool la__sw_nat_in(struct sw_host *h, struct sw_pkt *p) {
  bool six = p->data[0] >> 4 == 6;
  unsigned at = header_of(p);
  if (proto_of(p) != IP_PROTO_TCP)
    return false;
  uint64_t remote = (uint64_t)p->data[six ? 23 : 15] << 32;
  for (unsigned i = 0; i < h->nnat; i++)
    if (h->nat[i].out == be16_get(p->data + at + 2) && (h->nat[i].key & (UINT64_C(0xff) << 32)) == remote &&
        (uint16_t)h->nat[i].key == be16_get(p->data + at)) {
      la_addr a = la__sw_addr(h->no, six);
      memcpy(p->data + (six ? 24 : 16), a.b, six ? 16 : 4);
      be16_put(p->data + at + 2, h->nat[i].in);
      resum(p);
      return true;
    }
  return false;
}

/* forgeries: of one who knows the ports but must guess the numbers; RST and SYN also of one who guesses the window (RFC 5961 3, 4) */

static void post_forged(struct sw_host *to, const la_addr *src, const struct tcp_seg *s, uint64_t at) {
  bool six = src->family == 6;
  uint8_t tcp[TCP_HEADER_MAX];
  unsigned hl = la__tcp_build(s, tcp);
  struct ip_hdr ip = {.src = *src, .dst = la__sw_addr(to->no, six), .proto = IP_PROTO_TCP, .ttl = 64, .dont_fragment = true};
  ip.len = hl + s->len;
  struct sw_pkt *p = la__sw_pkt(to->w, (six ? IP6_HEADER : IP4_HEADER) + ip.len);
  unsigned n = six ? la__ip6_build(&ip, p->data) : la__ip4_build(&ip, p->data);
  memcpy(p->data + n, tcp, hl);
  memcpy(p->data + n + hl, s->data, s->len);
  resum(p);
  p->from = p->to = (uint8_t)to->no;
  p->id = 0;
  la__sw_post(to->w, at, SW_EV_ARRIVE, to->no, p);
}

static void forge_segment(struct sw_host *to, const struct sw_end *e, struct prng *r) {
  static const uint8_t flags[] = {LA_RST, LA_RST | LA_ACK, LA_SYN, LA_SYN | LA_ACK, LA_ACK, LA_ACK | LA_FIN, LA_ACK | LA_PSH, LA_FIN, 0,
                                  255};
  uint8_t text[64];
  bool six = e->f->plan->six;
  memset(text, 0x5a, sizeof text);
  struct tcp_seg s = {.sport = e->rport, .dport = e->lport, .wnd = 1000, .data = text};
  s.flags = flags[la__prng_below(r, sizeof flags)];
  s.len = s.flags & LA_PSH ? la__prng_below(r, 64) : 0;
  /* far from the window: within it he would be right by chance, which is not to be had in a thousand tries */
  s.seq = e->rcv + (1u << 30) + la__prng_below(r, 1u << 31);
  s.ack = e->nxt + (1u << 30) + la__prng_below(r, 1u << 31);
  bool inside = s.flags & (LA_RST | LA_SYN) && e->edge - e->rcv > 2 && la__prng_below(r, 2);
  if (inside)
    s.seq = e->rcv + 1 + la__prng_below(r, e->edge - e->rcv - 1);
  if (e->state < LA_ESTABLISHED || e->state == LA_TIME_WAIT) /* there it may begin something, and should */
    s.flags &= (uint8_t)~LA_SYN;
  la_addr src = e->pair->end == e && e->peer ? la__sw_addr(e->peer->h->no, six) : la__sw_addr(SW_ROUTER, six);
  post_forged(to, &src, &s, to->w->now + (inside ? 0 : la__prng_below(r, 1000000)));
}

void la__sw_forge(struct sw_host *to, uint64_t n) {
  struct sw_world *w = to->w;
  struct prng r;
  la__prng_seed(&r, w->plan->seed * 149 + to->no + w->now);
  to->forged_at = w->now + 1;
  for (unsigned i = 0; i < w->nends && n; i++) {
    struct sw_end *e = &w->end[i];
    if (e->h != to || !e->alive || !e->pair || to->plan->nat || !e->seen)
      continue;
    for (unsigned k = 0; k < 8 && n; k++, n--)
      forge_segment(to, e, &r);
  }
}

/*
 * Of one who sees all: the next sequence number, the right timestamp, and an ACK field that is missing, too old, or of what was never
 * sent. In whatever state, and with whatever text, it changes nothing (RFC 9293 3.10.7, RFC 5961 5).
 */
static void forge_fitting(const struct sw_end *e, const struct conn *c, struct prng *r) {
  static const uint8_t flags[] = {0, LA_PSH, LA_ACK, LA_ACK, LA_ACK | LA_PSH, LA_ACK | LA_FIN};
  uint8_t text[64];
  const struct sw_host *h = e->h;
  struct sw_host *to = &h->w->host[e->side ? e->f->plan->client : e->f->plan->server];
  struct key k;
  memset(text, 0x5b, sizeof text);
  la__conn_key(c, &k);
  struct tcp_seg s = {.sport = e->lport, .dport = e->rport, .wnd = 1000, .data = text};
  s.flags = flags[la__prng_below(r, sizeof flags)];
  s.len = s.flags & (LA_PSH | LA_FIN) ? la__prng_below(r, 64) : 0;
  s.seq = c->snd_nxt;
  s.ack = c->rcv_nxt + (la__prng_below(r, 2) ? 1u << 30 : 3u << 30);
  if (c->flags & CF_TS) {
    s.opt.have = TCP_OPT_TS;
    s.opt.ts_val = la__ts_offset(&h->st->tcp, &k) + (uint32_t)(h->now / LA_MS);
    s.opt.ts_ecr = c->ts_recent;
  }
  to->forged_at = to->w->now + 1;
  post_forged(to, &k.local, &s, to->w->now + la__prng_below(r, 1000));
  if (c->state == LA_SYN_SENT) { /* and back: what carries nothing says nothing */
    struct tcp_seg b = {.sport = e->rport, .dport = e->lport, .seq = s.seq, .flags = s.flags & (LA_FIN | LA_PSH), .data = text};
    post_forged(e->h, &k.remote, &b, to->w->now);
  }
}

/* To whoever is in TIME-WAIT: at random, and at the very instant at which it is over. */
static void forge_late(struct sw_host *to, struct prng *r) {
  for (unsigned i = 0; i < to->w->nends; i++) {
    const struct sw_end *e = &to->w->end[i];
    if (e->h != to || !e->pair || e->boot != to->boots || e->pair->state != LA_TIME_WAIT)
      continue;
    la_addr src = la__sw_addr(to->w->host[e->side ? e->f->plan->client : e->f->plan->server].no, e->f->plan->six);
    struct tcp_seg s = {.sport = e->rport, .dport = e->lport, .seq = e->rcv, .data = (const uint8_t *)""};
    post_forged(to, &src, &s, to->w->now + la__prng_below(r, 1000));
    s.flags = LA_ACK;
    post_forged(to, &src, &s, la__sw_global(to, e->pair->tw_due));
  }
}

void la__sw_forge_in_sight(struct sw_host *from, uint64_t n) {
  struct sw_world *w = from->w;
  struct prng r;
  la__prng_seed(&r, w->plan->seed * 151 + from->no + w->now);
  if (from->plan->nat || !from->st)
    return;
  la__sw_set_now(from);
  forge_late(from, &r);
  for (unsigned i = 0; i < w->nends && n; i++) {
    const struct sw_end *e = &w->end[i];
    const struct conn *c = e->h == from ? la__sw_conn(e) : NULL;
    if (!c || c->flags & CF_ENDED || w->host[e->f->plan->client].plan->nat || w->host[e->f->plan->server].plan->nat)
      continue;
    for (unsigned k = 0; k < 8 && n; k++, n--)
      forge_fitting(e, c, &r);
  }
}
