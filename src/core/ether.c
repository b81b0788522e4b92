/* SPDX-License-Identifier: MIT */
/*
 * Ethernet links: the frame around a packet. In: only what is for us or for a group goes on (RFC 1122 2.4). Out: what IP hands down finds
 * its next hop and that hop's address (neigh.c), or waits there; questions and answers about addresses come from the ring of answers as
 * descriptors and are made into frames here.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "core/stack.h"

enum { KEPT_MAX = 64 }; /* frames of one la_output that may turn out to have to wait: la_deadline says that there is more */

la_link la_link_add_ether(la_stack *s, uint32_t mtu, const uint8_t mac[LA_MAC]) {
  la_link link = la__eth_station(mac) ? la_link_add(s, mtu) : 0;
  if (!link)
    return 0;
  s->ether[link] = (struct ether){.on = true, .reachable = s->tcp.cfg.neigh_reachable, .last = SLAB_NONE};
  memcpy(s->ether[link].mac, mac, ETH_ADDR);
  return link;
}

/* ---- in ---- */

static enum la_drop frame_in(la_stack *s, struct packet *p) {
  const struct ether *e = &s->ether[p->link];
  struct eth_hdr h;
  enum la_drop why = la__eth_parse(&h, p->data, p->len);
  if (why != LA_DROP_NONE)
    return why;
  p->group = eth_is_group(h.dst);
  if ((!p->group && memcmp(h.dst, e->mac, ETH_ADDR)) || !memcmp(h.src, e->mac, ETH_ADDR)) /* another's, or an echo of ours */
    return LA_DROP_OTHERHOST;
  p->data += ETH_HEADER;
  p->len -= ETH_HEADER;
  p->ether = true;
  if (h.type == ETH_ARP) {
    why = la__arp_rx(s, p);
    p->len = 0;
    return why;
  }
  unsigned version = la__ip_version(p->data, p->len);
  return (h.type == ETH_IP4 && version == 4) || (h.type == ETH_IP6 && version == 6) ? LA_DROP_NONE : LA_DROP_UNHANDLED_PROTO;
}

bool la__ether_rx(la_stack *s, struct packet *p) {
  enum la_drop why = frame_in(s, p);
  if (why != LA_DROP_NONE)
    la__rx_drop(s, p->link, why);
  return why == LA_DROP_NONE && p->len;
}

/* ---- questions and answers, as descriptors ---- */

static struct reply *put(la_stack *s, la_link link, enum reply_kind kind, const la_addr *src, const la_addr *dst, const uint8_t *mac) {
  struct reply *a = la__outring_put(s, &s->answers[link], 0, 0);
  if (!a) {
    s->tcp.stats.drops[LA_DROP_LINK_FULL]++;
    return 0;
  }
  a->kind = (uint8_t)kind;
  a->src = *src;
  a->dst = *dst;
  a->to_mac = mac != 0;
  if (mac)
    memcpy(a->mac, mac, ETH_ADDR);
  return a;
}

void la__ether_ask(la_stack *s, la_link link, const la_addr *from, const la_addr *target, const uint8_t *mac) {
  la_addr nobody = {.family = target->family};
  bool six = target->family == 6;
  struct reply *a = put(s, link, six ? REPLY_SOLICIT : REPLY_ARP, from->family ? from : &nobody, target, mac);
  if (a)
    a->op = ARP_REQUEST;
}

void la__ether_tell(la_stack *s, la_link link, const la_addr *addr, const la_addr *to, const uint8_t *mac) {
  bool six = addr->family == 6;
  la_addr all = six ? la__nd_all_nodes() : *addr; /* an announcement is a request for oneself (RFC 5227 1.1) */
  struct reply *a = put(s, link, six ? REPLY_ADVERT : REPLY_ARP, addr, to ? to : &all, mac);
  if (a)
    a->op = to ? ARP_REPLY : ARP_REQUEST;
}

void la__ether_report(la_stack *s, la_link link, enum mld_say what, const la_addr *from, const la_addr *group) {
  struct reply *a = put(s, link, REPLY_MLD, from, group, 0);
  if (a)
    a->op = (uint8_t)what;
}

/* ---- out ---- */

static void arp_frame(const struct reply *a, struct eth_hdr *h, uint8_t *p, uint32_t *n) {
  struct arp_pkt arp = {.op = (enum arp_op)a->op, .spa = a->src, .tpa = a->dst};
  memcpy(arp.sha, h->src, ETH_ADDR);
  if (a->op == ARP_REPLY)
    memcpy(arp.tha, a->mac, ETH_ADDR);
  h->type = ETH_ARP;
  *n = la__arp_build(&arp, p);
}

static void ip6_frame(const struct reply *a, struct eth_hdr *h, uint8_t *p, uint32_t *n) {
  struct ip_hdr ip = {.src = a->src, .dst = a->dst, .proto = IP_PROTO_ICMP6, .ttl = ND_HOP_LIMIT};
  struct nd_msg m = {.type = a->kind == REPLY_SOLICIT ? ND_SOLICIT : ND_ADVERT};
  uint8_t *body = p + IP6_HEADER;
  memcpy(m.mac, h->src, ETH_ADDR);
  if (a->kind == REPLY_MLD) {
    ip.proto = 0; /* hop-by-hop */
    ip.ttl = 1;
    ip.dst = la__mld_dst((enum mld_say)a->op, &a->dst);
    ip.len = la__mld_build((enum mld_say)a->op, &a->dst, &ip.src, &ip.dst, body);
  } else {
    bool solicit = a->kind == REPLY_SOLICIT;
    m.target = solicit ? a->dst : a->src;
    m.has_mac = !la__addr_unspecified(&a->src);
    m.override = !solicit;
    m.solicited = !solicit && !la__addr_multicast(&a->dst);
    if (solicit && !a->to_mac)
      ip.dst = la__nd_solicited_node(&a->dst);
    ip.len = la__nd_build(&m, &ip.src, &ip.dst, body);
  }
  if (!a->to_mac)
    la__eth_group(&ip.dst, h->dst);
  h->type = ETH_IP6;
  *n = la__ip6_build(&ip, p) + ip.len;
}

static bool answer_frame(la_stack *s, la_link link, la_frame *f) {
  struct outring *r = &s->answers[link];
  struct reply a;
  struct eth_hdr h;
  uint32_t n;
  if (r->head == r->tail || r->v[r->tail & (s->tcp.cfg.replies - 1)].kind == REPLY_IP || !la__outring_get(s, r, &a))
    return false;
  memcpy(h.src, s->ether[link].mac, ETH_ADDR);
  memset(h.dst, 0xff, ETH_ADDR);
  if (a.to_mac)
    memcpy(h.dst, a.mac, ETH_ADDR);
  if (a.kind == REPLY_ARP)
    arp_frame(&a, &h, f->room + ETH_HEADER, &n);
  else
    ip6_frame(&a, &h, f->room + ETH_HEADER, &n);
  la__eth_build(&h, f->room);
  f->data = f->room;
  f->len = f->total = n + ETH_HEADER;
  LA_CHECK(f->len <= LA_FRAME_ROOM);
  f->nbufs = 0;
  f->flags = 0;
  f->header = ETH_HEADER;
  f->number = ++s->frames;
  return true;
}

static la_addr destination(const uint8_t *p) {
  bool six = p[0] >> 4 == 6;
  la_addr a = {.family = six ? 6 : 4};
  memcpy(a.b, p + (six ? 24 : 16), six ? 16 : 4);
  return a;
}

/* The header before a packet. false: it waits, or was dropped. */
static bool address(la_stack *s, la_link link, la_frame *f) {
  la_addr dst = destination(f->data), hop;
  struct eth_hdr h = {.type = dst.family == 6 ? ETH_IP6 : ETH_IP4};
  memcpy(h.src, s->ether[link].mac, ETH_ADDR);
  bool group = la__addr_multicast(&dst) || la__addr_broadcast(&dst) || la__is_directed_broadcast(s, &dst);
  if (group)
    la__eth_group(&dst, h.dst);
  f->data -= ETH_HEADER;
  f->len += ETH_HEADER;
  f->total += ETH_HEADER;
  f->header = ETH_HEADER;
  f->sum_start += ETH_HEADER; /* where there is none, nobody looks */
  la__eth_build(&h, (uint8_t *)(uintptr_t)f->data);
  if (group)
    return true;
  if (!la__route_hop(s, link, &dst, &hop)) {
    s->tcp.frame = f->number;
    la__rx_drop(s, link, LA_DROP_IP_OUTNOROUTES);
    s->tcp.frame = 0;
    la_frame_done(s, f);
    return false;
  }
  return la__neigh_resolve(s, link, &hop, f, (uint8_t *)(uintptr_t)f->data);
}

bool la__ether_tx(la_stack *s, la_link link, la_frame *f) {
  for (unsigned kept = 0; kept < KEPT_MAX; kept++) {
    if (la__neigh_next_ready(s, link, f) || answer_frame(s, link, f))
      return true;
    if (!la__tx_packet(s, link, f))
      return false;
    if (address(s, link, f))
      return true;
  }
  return false;
}
