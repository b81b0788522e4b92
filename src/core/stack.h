/* SPDX-License-Identifier: MIT */
/* One instance: the machine, and what surrounds it - links, addresses, routes, frames. */
#ifndef LA_CORE_STACK_H
#define LA_CORE_STACK_H

#include "tcp/tcp.h"

enum { ADDRS_MAX = 32, ROUTES_MAX = 64 };

struct netif_addr {
  la_addr addr;
  uint8_t prefix, link;
};
struct route {
  la_addr dst;
  uint8_t prefix, link;
};

struct la_stack {
  struct mem mem;
  struct tcp tcp;
  uint32_t nlinks; /* links are 1 .. nlinks */
  uint32_t mtu[LA_LINKS_MAX + 1];
  uint32_t naddrs, nroutes;
  struct netif_addr addr[ADDRS_MAX];
  struct route route[ROUTES_MAX];
  uint32_t frames; /* in and out, numbered in one series */
};

/* netif.c */
/* Is `a` ours? A link-local one: on that link; on any when `link` is 0. */
bool la__is_ours(const la_stack *s, const la_addr *a, la_link link);
bool la__mtu_carries(uint32_t mtu, unsigned family);
bool la__is_directed_broadcast(const la_stack *s, const la_addr *a);
/* An address in its normal form: bytes that its family does not use are zero. false: no family. */
bool la__addr_normal(const la_addr *in, la_addr *out);

/* route.c: the link towards dst, 0 for none; and the source address to use over it (family 0: none). */
la_link la__route_link(const la_stack *s, const la_addr *dst);
la_link la__route_back(const la_stack *s, const la_addr *src, la_link in); /* for an answer to what came by `in` */
la_addr la__route_source(const la_stack *s, la_link link, const la_addr *dst);
/*
 * What to open towards `remote`: addresses are made normal, *link (0: by route) and *local (family 0: by rule) filled in. LA_EINVAL: no
 * possible peer; LA_ENETUNREACH, LA_EADDRNOTAVAIL.
 */
int la__route_open(const la_stack *s, la_addr *remote, la_addr *local, la_link *link);

/* rx.c, tx.c */
void la__rx(la_stack *s, la_link link, const la_frame *f);
/* icmp.c: true when the message meant something to one of our connections */
bool la__rx_icmp(la_stack *s, la_link link, const la_frame *f, const struct ip_hdr *h);
bool la__tx(la_stack *s, la_link link, la_frame *f);

#endif
