/* SPDX-License-Identifier: MIT */
/* Neighbours on Ethernet links, and which addresses of ours may be used there. */
#ifndef LA_CORE_NEIGH_H
#define LA_CORE_NEIGH_H

#include "mem/fifo.h"
#include "mem/slab.h"
#include "wire/arp.h"
#include "wire/mld.h"
#include "wire/nd.h"

enum { NEIGH_BUCKETS = 256 };

struct waiting; /* a frame, made but for the address it goes to */
struct neighs {
  struct slab slab;
  struct fifo asked, delayed; /* INCOMPLETE and PROBE; DELAY: each waits equally long */
  uint32_t bucket[NEIGH_BUCKETS];
  uint32_t waiting; /* frames that wait for an answer */
  struct {
    struct waiting *head, *tail;
  } ready[LA_LINKS_MAX + 1]; /* those that have it */
};

/* What an Ethernet link has beside others. */
struct ether {
  bool on;
  uint8_t mac[ETH_ADDR];
  la_time reachable, drawn_at; /* RFC 4861 6.3.2: drawn at random, now and then anew */
  uint32_t last;               /* the neighbour of the latest frame, perhaps */
  la_time mld_old_until;       /* MLD's version 1 is spoken */
};

/* What happens about an address of ours until it is ready, told and announced: dad.c */
enum work_state { WORK_NEW, WORK_ASKING, WORK_ANNOUNCING, WORK_DUPLICATE };
struct addr_work {
  la_addr addr;
  uint8_t prefix, link, state, sent;
  uint8_t tell; /* an event's type; 0: none */
  la_time at;
};

/* A group that we listen to, or are about to leave: mld.c */
struct listening {
  la_addr group;
  uint8_t link, left;
  bool leaving;
  la_time at, answer_at;
};

struct la_stack;
struct packet;

/* neigh.c */
void la__neighs_init(struct la_stack *s);
void la__neighs_done(struct la_stack *s);
void la__neighs_tick(struct la_stack *s);
la_time la__neighs_deadline(const struct la_stack *s);
bool la__neighs_ready(const struct la_stack *s); /* frames can go */
/* What an answer, or another's question, says of a neighbour. */
struct neigh_news {
  const uint8_t *mac; /* NULL: nothing */
  bool solicited;     /* it answers a question of ours */
  bool override;      /* another address than the one known counts */
  bool create;        /* also if it was not known: it asked for us */
  bool has_router, router;
};
/* LA_DROP_NONE, or that nobody asked. */
enum la_drop la__neigh_news(struct la_stack *s, la_link link, const la_addr *addr, const struct neigh_news *news);
/* A connection makes progress over it (RFC 4861 7.3.1). */
void la__neigh_confirm(struct la_stack *s, la_link link, const la_addr *peer);
/*
 * For a frame that goes to `hop`: true: mac is filled in. false: the frame waits (it is copied, and its pieces are the copy's), or it has
 * been dropped.
 */
bool la__neigh_resolve(struct la_stack *s, la_link link, const la_addr *hop, la_frame *f, uint8_t mac[ETH_ADDR]);
/* A frame that need wait no longer; false: there is none. */
bool la__neigh_next_ready(struct la_stack *s, la_link link, la_frame *f);

/* ether.c */
bool la__ether_tx(struct la_stack *s, la_link link, la_frame *f);
/* The frame's header: false: it went no further than here. p is then the packet behind it. */
bool la__ether_rx(struct la_stack *s, struct packet *p);
/* A question about a neighbour, to itself (mac) or to all (NULL); of `from`, or (family 0) for an address of ours that is not one yet. */
void la__ether_ask(struct la_stack *s, la_link link, const la_addr *from, const la_addr *target, const uint8_t *mac);
/* "I have this address": to all, or in answer to a question. */
void la__ether_tell(struct la_stack *s, la_link link, const la_addr *addr, const la_addr *to, const uint8_t *mac);
/* Whether we listen to a group. */
void la__ether_report(struct la_stack *s, la_link link, enum mld_say what, const la_addr *from, const la_addr *group);

/* arp.c, nd.c, mld.c: a packet's way in */
enum la_drop la__arp_rx(struct la_stack *s, const struct packet *p);
enum la_drop la__nd_rx(struct la_stack *s, const struct packet *p);
enum la_drop la__mld_rx(struct la_stack *s, const struct packet *p);

/* mld.c: the group of an address is joined; is left, unless another address needs it; and `link` has an address to tell of it */
void la__mld_join(struct la_stack *s, la_link link, const la_addr *addr);
void la__mld_leave(struct la_stack *s, la_link link, const la_addr *addr);
void la__mld_named(struct la_stack *s, la_link link);
void la__mld_tick(struct la_stack *s);
la_time la__mld_deadline(const struct la_stack *s);

/* dad.c */
int la__dad_add(struct la_stack *s, la_link link, const la_addr *addr, unsigned prefix);
struct addr_work *la__dad_find(struct la_stack *s, la_link link, const la_addr *addr); /* NULL: nothing is left to be done about it */
/* Somebody else has, or wants, this address, which is not one of ours yet: true if so. */
bool la__dad_conflict(struct la_stack *s, la_link link, const la_addr *addr);
/* Somebody else claims one that is ours: it is kept, and he is told, now and then (RFC 5227 2.4 c). */
void la__dad_defend(struct la_stack *s, la_link link, const la_addr *addr);
void la__dad_tick(struct la_stack *s);
la_time la__dad_deadline(const struct la_stack *s);
bool la__dad_event(struct la_stack *s, la_addr *addr, uint8_t *type); /* false: none is left */

#endif
