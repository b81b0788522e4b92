/* SPDX-License-Identifier: MIT */
/* Which link leads to an address, and which of our addresses speaks over it (MUST-44). */
#include "core/stack.h"

int la_route_add(la_stack *s, const la_addr *dst, unsigned prefix_len, la_link link) {
  la_addr a;
  if (link == 0 || link > s->nlinks || !la__addr_normal(dst, &a) || prefix_len > (a.family == 4 ? 32u : 128u))
    return LA_EINVAL;
  if (s->nroutes == ROUTES_MAX)
    return LA_ENOMEM;
  s->route[s->nroutes++] = (struct route){a, (uint8_t)prefix_len, (uint8_t)link};
  return LA_OK;
}

la_link la__route_link(const la_stack *s, const la_addr *dst) {
  int best = -1;
  la_link link = 0;
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

/* An address of the link whose prefix holds dst, the longest first; else the link's first of that family; else any. */
la_addr la__route_source(const la_stack *s, la_link link, const la_addr *dst) {
  const struct netif_addr *best = 0;
  int score = -1;
  for (uint32_t i = 0; i < s->naddrs; i++) {
    const struct netif_addr *n = &s->addr[i];
    if (n->addr.family != dst->family)
      continue;
    int now = n->link != link ? 0 : la__addr_match(dst, &n->addr, n->prefix) ? 2 + n->prefix : 1;
    if (now > score) {
      score = now;
      best = n;
    }
  }
  return best ? best->addr : (la_addr){0};
}
