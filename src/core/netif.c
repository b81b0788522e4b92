/* SPDX-License-Identifier: MIT */
/*
 * Links and the addresses on them. The weak host model (RFC 1122 3.3.4.2), as on Linux: a packet to any of our addresses is
 * ours, whichever link it came by. Link-local addresses are the exception: they mean something on their link only.
 */
#include "base/bytes.h"
#include "core/stack.h"

enum { MTU_MIN = 576, MTU_MIN6 = 1280, MTU_MAX = 65535 };

/* RFC 8200 5 */
bool la__mtu_carries(uint32_t mtu, unsigned family) { return family == 4 || mtu >= MTU_MIN6; }

bool la__addr_normal(const la_addr *in, la_addr *out) {
  if (in->family != 4 && in->family != 6)
    return false;
  la_addr a = {.family = in->family};
  memcpy(a.b, in->b, in->family == 4 ? 4 : 16);
  *out = a;
  return true;
}

static uint32_t bare4(const la_addr *a) {
  uint32_t w;
  memcpy(&w, a->b, 4);
  return w;
}

bool la__is_ours(const la_stack *s, const la_addr *a, la_link link) {
  bool local = link && la__addr_link_local(a);
  if (a->family == 4 && !local) { /* the usual question: twice for each segment */
    uint32_t want = bare4(a);
    for (uint32_t i = 0; i < s->naddrs; i++)
      if (bare4(&s->addr[i].addr) == want && s->addr[i].addr.family == 4)
        return true;
    return false;
  }
  for (uint32_t i = 0; i < s->naddrs; i++)
    if (la_addr_same(&s->addr[i].addr, a) && (!local || s->addr[i].link == link))
      return true;
  return false;
}

/* The last address of an IPv4 prefix, and its first (the old form). */
static bool is_broadcast_of(const la_addr *a, const la_addr *in, unsigned prefix) {
  if (a->family != 4 || in->family != 4 || prefix >= 31)
    return false;
  uint32_t mask = UINT32_MAX >> prefix, host = be32_get(a->b) & mask;
  return (host == 0 || host == mask) && la__addr_match(a, in, prefix);
}

/* Of an on-link prefix: no peer of TCP (MUST-46, 57, 63). */
bool la__is_directed_broadcast(const la_stack *s, const la_addr *a) {
  for (uint32_t i = 0; i < s->naddrs; i++)
    if (is_broadcast_of(a, &s->addr[i].addr, s->addr[i].prefix))
      return true;
  return false;
}

la_link la_link_add(la_stack *s, uint32_t mtu) {
  if (s->nlinks >= LA_LINKS_MAX || mtu < MTU_MIN || mtu > MTU_MAX)
    return 0;
  uint32_t link = s->nlinks + 1;
  if (!la__outring_init(s, &s->answers[link]) || !la__tcp_link(&s->tcp, (uint8_t)link, mtu))
    return 0;
  s->mtu[link] = mtu;
  s->nlinks = link;
  return link;
}

int la_link_offload(la_stack *s, la_link link, unsigned what, uint32_t gso_max) {
  unsigned all = LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6 | LA_OFFLOAD_TSO_ECN;
  if (link == 0 || link > s->nlinks || what & ~all)
    return LA_EINVAL;
  uint32_t most = gso_max && gso_max < MTU_MAX ? gso_max : MTU_MAX;
  s->offload[link] = (uint8_t)what;
  la__tcp_link_gso(&s->tcp, (uint8_t)link, what & LA_OFFLOAD_TSO4 ? most : 0, what & LA_OFFLOAD_TSO6 ? most : 0, what & LA_OFFLOAD_TSO_ECN);
  return LA_OK;
}

int la_addr_add(la_stack *s, la_link link, const la_addr *addr, unsigned prefix_len) {
  la_addr a;
  if (link == 0 || link > s->nlinks || !la__addr_normal(addr, &a) || prefix_len > (a.family == 4 ? 32u : 128u))
    return LA_EINVAL;
  if (la__addr_bad_source(&a) || is_broadcast_of(&a, &a, prefix_len) || la__is_ours(s, &a, link) ||
      !la__mtu_carries(s->mtu[link], a.family))
    return LA_EINVAL;
  if (s->ether[link].on)
    return la__dad_add(s, link, &a, prefix_len);
  if (s->naddrs == ADDRS_MAX)
    return LA_ENOMEM;
  s->addr[s->naddrs++] = (struct netif_addr){a, (uint8_t)prefix_len, (uint8_t)link};
  return LA_OK;
}
