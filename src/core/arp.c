/* SPDX-License-Identifier: MIT */
/*
 * ARP in (RFC 826, in the order of its "Packet Reception", with RFC 5227's conflicts before it). A sender is only merged, unless it asks
 * for an address of ours and is on a prefix of the link: then it is about to send, and the answer would need its address anyway.
 */
#include "base/bytes.h"
#include "core/stack.h"

/* Is it on a prefix that an address of ours has on this link? */
static bool on_link(const la_stack *s, la_link link, const la_addr *a) {
  for (uint32_t i = 0; i < s->naddrs; i++)
    if (s->addr[i].link == link && la__addr_match(a, &s->addr[i].addr, s->addr[i].prefix))
      return !la__is_directed_broadcast(s, a);
  return false;
}

static bool ours_here(const la_stack *s, la_link link, const la_addr *a) { return la_addr_state_get(s, link, a) == LA_ADDR_READY; }

enum la_drop la__arp_rx(la_stack *s, const struct packet *p) {
  struct arp_pkt a;
  enum la_drop why = la__arp_parse(&a, p->data, p->len);
  if (why != LA_DROP_NONE)
    return why;
  if (!memcmp(a.sha, s->ether[p->link].mac, ETH_ADDR))
    return LA_DROP_ARP; /* our own words */
  bool probe = la__addr_unspecified(&a.spa), for_us = ours_here(s, p->link, &a.tpa);
  if (la__dad_conflict(s, p->link, probe ? &a.tpa : &a.spa)) /* RFC 5227 2.1.1: he has it, or probes for it too */
    return LA_DROP_NONE;
  if (ours_here(s, p->link, &a.spa)) {
    la__dad_defend(s, p->link, &a.spa);
    return LA_DROP_NONE;
  }
  if (!probe && on_link(s, p->link, &a.spa)) {
    bool answer = a.op == ARP_REPLY && for_us && !p->group && !memcmp(a.tha, s->ether[p->link].mac, ETH_ADDR);
    struct neigh_news news = {.mac = a.sha, .override = true, .solicited = answer, .create = for_us && a.op == ARP_REQUEST};
    why = la__neigh_news(s, p->link, &a.spa, &news);
  }
  if (a.op != ARP_REQUEST || !for_us)
    return why == LA_DROP_NONE && !probe ? LA_DROP_NONE : LA_DROP_ARP;
  if (probe || on_link(s, p->link, &a.spa))
    la__ether_tell(s, p->link, &a.tpa, &a.spa, a.sha);
  return LA_DROP_NONE;
}
