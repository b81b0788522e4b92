/* SPDX-License-Identifier: MIT */
/*
 * UDP sockets: bound ports, queues of received datagrams, errors. Knows no link and no route; the core brings datagrams and takes none:
 * what is sent goes to the core's ring at once.
 */
#ifndef LA_UDP_UDP_H
#define LA_UDP_UDP_H

#include "mem/rope.h"
#include "mem/slab.h"

#include <lastack/trace.h>
#include <lastack/udp.h>

enum { UDP_BUCKETS = 64, UDP_SENT = 8 };
enum udp_event { UE_READABLE = 1, UE_WRITABLE = 2, UE_ERROR = 4 };

/* Both ends of a datagram, and the link by which it came (0: that does not matter). */
struct udp_ends {
  la_addr local, remote;
  uint16_t lport, rport;
  uint8_t link;
};

struct udp_sock {
  uint32_t gen, index;
  uint32_t next, event_next; /* in its port's bucket; in the list of sockets with events */
  la_addr addr, remote;      /* remote.family 0: not connected */
  uint16_t port, rport;
  uint8_t link, events;
  bool share;                                  /* of equals a hash chooses */
  bool reuse, queued, read_armed, write_armed; /* queued: on the list */
  int8_t err;
  uint16_t err_port;
  la_addr err_remote;
  void *user;
  struct rope rcv;         /* a struct udp_head before each datagram */
  uint32_t sent[UDP_SENT]; /* marks of the latest destinations: an error about any other is not about us */
  uint8_t sent_at;
};

struct udp {
  la_config cfg;
  struct chunk_pool *chunks;
  struct slab socks;
  uint32_t bucket[UDP_BUCKETS];
  uint32_t event_head, event_tail;
  uint32_t gen, step;
  uint8_t key[16];
};
void la__udp_init(struct udp *u, struct mem *m, struct chunk_pool *chunks, const la_config *cfg);
void la__udp_done(struct udp *u);
struct udp_sock *la__udp_handle(const struct udp *u, la_udp h); /* NULL: stale */
struct udp_sock *la__udp_at(const struct udp *u, uint32_t index);
/* Addresses are normal and ours. LA_EADDRINUSE, LA_EADDRNOTAVAIL, LA_ENOMEM. */
int la__udp_open(struct udp *u, const la_udp_opts *o, struct udp_sock **out);
void la__udp_close(struct udp *u, struct udp_sock *k);
/* The socket that takes a datagram: the most specific; NULL: none. */
struct udp_sock *la__udp_find(const struct udp *u, const struct udp_ends *e);
enum la_drop la__udp_deliver(struct udp *u, struct udp_sock *k, const struct udp_ends *e, const uint8_t *data, uint32_t n);
/* The datagram that waits longest: where it came from and how long it is (false: none), bytes of it, and away with it. */
bool la__udp_next(const struct udp_sock *k, la_udp_from *from);
size_t la__udp_copy(const struct udp_sock *k, size_t skip, void *dst, size_t n);
void la__udp_drop(struct udp *u, struct udp_sock *k);
/* LA_AGAIN: nothing waits. */
ptrdiff_t la__udp_take(struct udp *u, struct udp_sock *k, la_udp_from *from, void *dst, size_t n);
/* A datagram went there: errors about it are now believed. */
void la__udp_sent(struct udp *u, struct udp_sock *k, const la_addr *to, uint16_t port);
/* An ICMP error quotes a datagram with these ends. false: none of ours. */
bool la__udp_error(struct udp *u, const struct udp_ends *e, int err);
void la__udp_event(struct udp *u, struct udp_sock *k, unsigned bits);
/* There is room again: told to all that were refused. */
void la__udp_writable(struct udp *u);

#endif
