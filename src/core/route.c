/* SPDX-License-Identifier: MIT */
/* Which link leads to an address, and which of our addresses speaks over it (MUST-44). */
#include "core/stack.h"

#include "base/bytes.h"

static int add(la_stack *s, const la_addr *dst, unsigned prefix_len, la_link link, const la_addr *via) {
  la_addr a;
  if (link == 0 || link > s->nlinks || !la__addr_normal(dst, &a) || prefix_len > (a.family == 4 ? 32u : 128u))
    return LA_EINVAL;
  if (!la__mtu_carries(s->mtu[link], a.family))
    return LA_EINVAL;
  for (uint32_t i = 0; i < s->nroutes; i++)
    if (s->route[i].prefix == prefix_len && la__addr_match(&s->route[i].dst, &a, prefix_len))
      return LA_EADDRINUSE;
  if (s->nroutes == ROUTES_MAX)
    return LA_ENOMEM;
  s->route[s->nroutes++] = (struct route){a, *via, (uint8_t)prefix_len, (uint8_t)link};
  return LA_OK;
}

int la_route_add(la_stack *s, const la_addr *dst, unsigned prefix_len, la_link link) {
  static const la_addr none;
  return add(s, dst, prefix_len, link, &none);
}

int la_route_add_via(la_stack *s, const la_addr *dst, unsigned prefix_len, la_link link, const la_addr *gateway) {
  la_addr via;
  if (link == 0 || link > s->nlinks || !s->ether[link].on || !la__addr_normal(gateway, &via) || via.family != dst->family ||
      la__addr_bad_source(&via) || la__addr_loopback(&via) || la__is_ours(s, &via, link))
    return LA_EINVAL;
  return add(s, dst, prefix_len, link, &via);
}

/* fe80::/10 says nothing about a link: the only one that has such an address of ours, or none. */
static la_link link_local_link(const la_stack *s) {
  la_link link = 0;
  for (uint32_t i = 0; i < s->naddrs; i++) {
    const struct netif_addr *n = &s->addr[i];
    if (!la__addr_link_local(&n->addr) || n->link == link)
      continue;
    if (link)
      return 0;
    link = n->link;
  }
  return link;
}

la_link la__route_link(const la_stack *s, const la_addr *dst) {
  int best = -1;
  la_link link = 0;
  if (la__addr_link_local(dst))
    return link_local_link(s);
  for (uint32_t i = 0; i < s->naddrs; i++) {
    const struct netif_addr *n = &s->addr[i];
    if (n->prefix > best && la__addr_match(dst, &n->addr, n->prefix)) {
      best = n->prefix;
      link = n->link;
    }
  }
  for (uint32_t i = 0; i < s->nroutes; i++) {
    const struct route *r = &s->route[i];
    if (r->prefix > best && la__addr_match(dst, &r->dst, r->prefix)) {
      best = r->prefix;
      link = r->link;
    }
  }
  return link;
}

bool la__route_hop(const la_stack *s, la_link link, const la_addr *dst, la_addr *hop) {
  int best = -1;
  *hop = *dst;
  if (la__addr_link_local(dst))
    return true;
  for (uint32_t i = 0; i < s->naddrs; i++) {
    const struct netif_addr *n = &s->addr[i];
    if (n->link == link && n->prefix > best && la__addr_match(dst, &n->addr, n->prefix))
      best = n->prefix;
  }
  for (uint32_t i = 0; i < s->nroutes; i++) {
    const struct route *r = &s->route[i];
    if (r->link == link && r->prefix > best && la__addr_match(dst, &r->dst, r->prefix)) {
      best = r->prefix;
      *hop = r->via.family ? r->via : *dst;
    }
  }
  return best >= 0;
}

/* By the route to it, so that both directions take one way; without one, or where an address means nothing elsewhere, back. */
la_link la__route_back(const la_stack *s, const la_addr *src, la_link in) {
  if (s->nlinks == 1 || la__addr_link_local(src))
    return in;
  la_link link = la__route_link(s, src);
  return link ? link : in;
}

/* RFC 6724 3.1: how far an address reaches; IPv4's link-local ones as 3.2 says. */
static int scope(const la_addr *a) {
  bool local4 = a->family == 4 && a->b[0] == 169 && a->b[1] == 254;
  return la__addr_link_local(a) || local4 ? 2 : 14;
}

/* RFC 6724 2.1: what should speak to its like: 6to4, Teredo, unique local, the rest. */
static int label(const la_addr *a) {
  if (a->family != 6)
    return 4;
  uint32_t top = be32_get(a->b);
  return top >> 25 == 0xfc >> 1 ? 13 : top >> 16 == 0x2002 ? 2 : top == 0x20010000 ? 5 : 1;
}

static int common_bits(const la_addr *a, const la_addr *b) {
  int n = 0;
  while (n < (a->family == 4 ? 32 : 128) && la__addr_match(a, b, (unsigned)n + 1))
    n++;
  return n;
}

/* RFC 6724 5: is `a` better than `b`? Rules 2, 5, 6 and 8; 3, 4 and 7 are about addresses that we do not have. */
static bool better(const struct netif_addr *a, const struct netif_addr *b, la_link link, const la_addr *dst) {
  int sa = scope(&a->addr), sb = scope(&b->addr), sd = scope(dst);
  if (sa != sb)
    return sa < sb ? sa >= sd : sb < sd;
  if ((a->link == link) != (b->link == link))
    return a->link == link;
  if (a->addr.family == 4) { /* no labels there; the prefix is what tells a neighbour */
    int pa = la__addr_match(dst, &a->addr, a->prefix) ? a->prefix : -1;
    int pb = la__addr_match(dst, &b->addr, b->prefix) ? b->prefix : -1;
    return pa > pb;
  }
  bool la = label(&a->addr) == label(dst), lb = label(&b->addr) == label(dst);
  if (la != lb)
    return la;
  int ca = common_bits(dst, &a->addr), cb = common_bits(dst, &b->addr); /* no further than the prefix: 2.2 */
  return (ca < a->prefix ? ca : a->prefix) > (cb < b->prefix ? cb : b->prefix);
}

la_addr la__route_source(const la_stack *s, la_link link, const la_addr *dst) {
  const struct netif_addr *best = 0;
  for (uint32_t i = 0; i < s->naddrs; i++) {
    const struct netif_addr *n = &s->addr[i];
    if (n->addr.family != dst->family || (la__addr_link_local(&n->addr) && n->link != link))
      continue;
    if (!best || better(n, best, link, dst))
      best = n;
  }
  return best ? best->addr : (la_addr){0};
}

/* MUST-46: no broadcast, no multicast; and nothing that could not answer. */
static bool possible_peer(const la_stack *s, const la_addr *a, la_link link) {
  return !la__addr_bad_source(a) && !la__is_directed_broadcast(s, a) && !la__is_ours(s, a, link);
}

int la__route_open(const la_stack *s, la_addr *remote, la_addr *local, la_link *link) {
  la_addr to, from;
  if (!la__addr_normal(remote, &to) || *link > s->nlinks)
    return LA_EINVAL;
  la_link out = *link ? *link : la__route_link(s, &to);
  if (!possible_peer(s, &to, out))
    return LA_EINVAL;
  if (out == 0 || !la__mtu_carries(s->mtu[out], to.family))
    return LA_ENETUNREACH;
  if (local->family == 0)
    from = la__route_source(s, out, &to);
  else if (!la__addr_normal(local, &from) || from.family != to.family)
    return LA_EINVAL;
  if (from.family == 0 || !la__is_ours(s, &from, out))
    return LA_EADDRNOTAVAIL;
  *remote = to;
  *local = from;
  *link = out;
  return LA_OK;
}
