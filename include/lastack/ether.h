/* SPDX-License-Identifier: MIT */
/*
 * Ethernet links: a stack beside other hosts, with ARP (RFC 826, 5227) and Neighbor Discovery (RFC 4861, 4862). Frames in and out are
 * whole Ethernet II frames, without the checksum at their end; VLAN tags are the driver's business.
 *
 * A neighbour's hardware address is asked for when the first packet to it is to go; la_config.neigh_queue packets wait meanwhile,
 * the latest ones. When nobody answers, they are dropped, an opening connection ends with LA_EHOSTUNREACH (LA_WHY_NEIGHBOUR), and others
 * are told LA_EVENT_TROUBLE with that error. Nothing that was not asked for makes an entry, but a request for an address of ours
 * from a host on our prefix. Routers are configured (la_route_add_via): their advertisements and redirects are ignored.
 *
 * Thread rule: stack.h's.
 */
#ifndef LASTACK_ETHER_H
#define LASTACK_ETHER_H

#include <lastack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LA_MAC 6
#define LA_ETH_HEADER 14

/*
 * Adds an Ethernet link: IP packets of at most `mtu` bytes (576 to 65535) behind a header of 14. `mac` is ours: what is neither for it nor
 * for a group is dropped and counted (LA_DROP_OTHERHOST). 0: there are LA_LINKS_MAX, memory is short, or mac is no station's address.
 */
la_link la_link_add_ether(la_stack *s, uint32_t mtu, const uint8_t mac[LA_MAC]);

/*
 * An address that la_addr_add gives an Ethernet link is TENTATIVE until it has been asked for without an answer: IPv4 by
 * la_config.arp_probes (RFC 5227 2.1: 4 to 7 s in all with three), IPv6 by dad_transmits (RFC 4862 5.4: 1 to 2 s with one). Until then it
 * is none of ours for la_connect, la_listen and for what comes in. LA_EVENT_ADDR_READY or LA_EVENT_ADDR_DUPLICATE tells the outcome, with
 * the address in `local`. A duplicate stays unused; la_addr_add with it tries again. With no probes it is ready at once, without an event.
 */
enum la_addr_state { LA_ADDR_NONE, LA_ADDR_TENTATIVE, LA_ADDR_READY, LA_ADDR_DUPLICATE };
/* What became of an address on a link; LA_ADDR_NONE: it was never added there. */
enum la_addr_state la_addr_state_get(const la_stack *s, la_link link, const la_addr *addr);

/* As la_route_add, by way of a router that is a neighbour on that Ethernet link. LA_EINVAL too: it is of the other family, or no host's. */
int la_route_add_via(la_stack *s, const la_addr *dst, unsigned prefix_len, la_link link, const la_addr *gateway);

/* RFC 4861 7.3.2, for both families; STATIC was set by la_neigh_set. */
enum la_neigh_state {
  LA_NEIGH_INCOMPLETE, /* asked for; packets wait */
  LA_NEIGH_REACHABLE,  /* known to be there by an answer, or by a connection's progress */
  LA_NEIGH_STALE,      /* known, but for some time no proof; nobody looks as long as nothing is sent */
  LA_NEIGH_DELAY,      /* something was sent: a connection's progress may prove it within neigh_delay */
  LA_NEIGH_PROBE,      /* it is asked directly */
  LA_NEIGH_STATIC,
  LA_NEIGH_STATES
};
/* "REACHABLE" and so on. Static storage. */
const char *la_neigh_state_name(enum la_neigh_state st);

typedef struct la_neigh {
  la_link link;
  la_addr addr;
  uint8_t mac[LA_MAC]; /* zero while INCOMPLETE */
  enum la_neigh_state state;
  bool router;      /* it says so itself (IPv6) */
  uint32_t waiting; /* packets */
  uint32_t probes;  /* sent since the last answer */
} la_neigh;
/* Calls visit for each entry until it returns false. The table must not be changed meanwhile. */
void la_neigh_each(const la_stack *s, bool (*visit)(void *ctx, const la_neigh *n), void *ctx);
/* The entry of an address; false: there is none. `out` may be NULL. */
bool la_neigh_get(const la_stack *s, la_link link, const la_addr *addr, la_neigh *out);
/* A static entry: nothing that comes changes it. LA_EINVAL (also: no Ethernet link, no unicast address), LA_ENOMEM. */
int la_neigh_set(la_stack *s, la_link link, const la_addr *addr, const uint8_t mac[LA_MAC]);
/* Forgets an entry, static or not; what waits for it is dropped. LA_EINVAL: there is none. */
int la_neigh_del(la_stack *s, la_link link, const la_addr *addr);

/* "02:00:0a:4d:00:01", with any case and with - for : too; false: not that, or no station's address. */
bool la_mac_parse(const char *text, uint8_t mac[LA_MAC]);
#define LA_MAC_TEXT 18
/* Writes 17 characters and a zero into buf of at least LA_MAC_TEXT bytes, and returns buf. */
char *la_mac_text(const uint8_t mac[LA_MAC], char *buf);

#ifdef __cplusplus
}
#endif
#endif
