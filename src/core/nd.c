/* SPDX-License-Identifier: MIT */
/*
 * Neighbor Discovery in (RFC 4861 7.2.3, 7.2.5; RFC 4862 5.4.3, 5.4.4). Of all that hosts do: solicitations and advertisements. What
 * routers say, advertisements of themselves and redirects, is dropped: routes are configured, and a forged one would be believed.
 */
#include "core/stack.h"

static bool ours_here(const la_stack *s, la_link link, const la_addr *a) { return la_addr_state_get(s, link, a) == LA_ADDR_READY; }

static enum la_drop solicited(la_stack *s, const struct packet *p, const struct nd_msg *m) {
  const la_addr *from = &p->h.src;
  bool nobody = la__addr_unspecified(from);
  if (nobody && la__dad_conflict(s, p->link, &m->target)) /* somebody else is about to take it */
    return LA_DROP_NONE;
  if (!ours_here(s, p->link, &m->target))
    return LA_DROP_IPV6_NDISC_NS_OTHERHOST;
  if (nobody) {
    la__ether_tell(s, p->link, &m->target, 0, 0);
    return LA_DROP_NONE;
  }
  if (la__is_ours(s, from, p->link))
    return LA_DROP_IP_INADDRERRORS;
  la_addr hop;
  if (!la__route_hop(s, p->link, from, &hop) || !la_addr_same(&hop, from))
    return LA_DROP_IPV6_NDISC_NS_OTHERHOST; /* it claims to be a neighbour */
  if (m->has_mac)
    la__neigh_news(s, p->link, from, &(struct neigh_news){.mac = m->mac, .override = true, .create = true});
  la_neigh known;
  if (!la_neigh_get(s, p->link, from, &known) || known.state == LA_NEIGH_INCOMPLETE)
    return LA_DROP_IPV6_NDISC_BAD_OPTIONS; /* it could not be answered */
  la__ether_tell(s, p->link, &m->target, from, known.mac);
  return LA_DROP_NONE;
}

static enum la_drop advertised(la_stack *s, const struct packet *p, const struct nd_msg *m) {
  if (la__dad_conflict(s, p->link, &m->target))
    return LA_DROP_NONE;
  if (ours_here(s, p->link, &m->target)) {
    la__dad_defend(s, p->link, &m->target);
    return LA_DROP_NONE;
  }
  struct neigh_news news = {
    .mac = m->has_mac ? m->mac : 0, .solicited = m->solicited, .override = m->override, .has_router = true, .router = m->router};
  return la__neigh_news(s, p->link, &m->target, &news);
}

/* To us, to all nodes, or to the group of one of our addresses: which one, the message itself says. */
static bool for_us(const la_stack *s, const struct packet *p) {
  la_addr all = la__nd_all_nodes();
  return la__is_ours(s, &p->h.dst, p->link) ? !p->group : la_addr_same(&p->h.dst, &all) || la__nd_is_solicited_node(&p->h.dst);
}

enum la_drop la__nd_rx(la_stack *s, const struct packet *p) {
  struct nd_msg m;
  if (!for_us(s, p))
    return LA_DROP_OTHERHOST;
  enum la_drop why = la__nd_parse(&m, &p->h, p->data + p->h.hlen, p->h.len, p->sum_ok);
  if (why != LA_DROP_NONE)
    return why;
  return m.type == ND_SOLICIT ? solicited(s, p, &m) : advertised(s, p, &m);
}
