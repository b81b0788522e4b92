/* SPDX-License-Identifier: MIT */
/*
 * UDP for applications: sockets that send and receive datagrams. Minimal: no multicast, no broadcast, and nothing is fragmented.
 *
 * Events (la_events, tcp.h): UDP_READABLE is an edge, armed at first and again when la_udp_recv returns LA_AGAIN; UDP_WRITABLE is
 * armed when la_udp_send returns LA_AGAIN; UDP_ERROR tells of an ICMP error about a datagram that this socket sent.
 */
#ifndef LASTACK_UDP_H
#define LASTACK_UDP_H

#include <lastack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Carries a generation: once the socket is closed every call with it returns LA_EBADF. */
typedef struct la_udp {
  uint32_t index, gen; /* gen 0: none */
} la_udp;

typedef struct la_udp_opts {
  la_addr addr;         /* one of our addresses; family 0: any of either family; family 4 or 6 with zero bytes: any of that one */
  uint16_t port;        /* 0: an ephemeral one (RFC 6056) */
  la_link link;         /* only over this link; 0 any */
  la_addr remote;       /* connected: only to and from there; family 0: not connected */
  uint16_t remote_port; /* of `remote` */
  bool reuse_addr;      /* sockets on one port may overlap if all have it; of equals the latest receives */
  bool reuse_port;      /* the same, but of equals a hash of both ends says who receives */
  void *user;           /* comes with its events */
} la_udp_opts;
/* LA_EINVAL, LA_EADDRINUSE, LA_EADDRNOTAVAIL, LA_ENETUNREACH, LA_ENOMEM. */
int la_udp_open(la_stack *s, const la_udp_opts *opts, la_udp *out);
/* What waits to be read is dropped, what waits to be sent still goes. LA_EBADF. */
int la_udp_close(la_stack *s, la_udp u);
/* The address and port that it is bound to. LA_EBADF. */
int la_udp_local(la_stack *s, la_udp u, la_addr *addr, uint16_t *port);

/*
 * From now on only to and from there (an address that was "any" becomes the one that the route gives); what waits stays. `remote` NULL: to
 * and from anywhere again. LA_EINVAL, LA_ENETUNREACH, LA_EADDRNOTAVAIL, LA_EBADF.
 */
int la_udp_connect(la_stack *s, la_udp u, const la_addr *remote, uint16_t port);

/*
 * Queues one datagram, copied whole or not at all. `to` NULL: to where the socket is connected; LA_ENOTCONN when it is not. LA_AGAIN:
 * no room, UDP_WRITABLE is armed. LA_EMSGSIZE: longer than the link's MTU. LA_EINVAL (broadcast, multicast, unspecified, our own
 * address, another family, another remote than the connected one), LA_ENETUNREACH, LA_EADDRNOTAVAIL, LA_ENOMEM, LA_EBADF.
 */
int la_udp_send(la_stack *s, la_udp u, const la_addr *to, uint16_t port, const void *data, size_t n);

typedef struct la_udp_from {
  la_addr addr;
  uint16_t port;
  la_link link; /* by which it came */
  size_t len;   /* of the whole datagram: more than what la_udp_recv returned when that was cut short */
} la_udp_from;
/* Moves the oldest datagram to dst, at most n bytes, the rest is lost; returns how many. LA_AGAIN, LA_EBADF. `from` may be NULL. */
ptrdiff_t la_udp_recv(la_stack *s, la_udp u, la_udp_from *from, void *dst, size_t n);

#ifdef __cplusplus
}
#endif
#endif
