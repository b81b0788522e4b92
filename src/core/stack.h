/* SPDX-License-Identifier: MIT */
/* One instance: the machine, and what surrounds it - links, addresses, routes, frames. */
#ifndef LA_CORE_STACK_H
#define LA_CORE_STACK_H

#include "core/frag.h"
#include "core/neigh.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

enum { ADDRS_MAX = 32, ROUTES_MAX = 64 };

struct netif_addr {
  la_addr addr;
  uint8_t prefix, link;
};
struct route {
  la_addr dst, via; /* via: family 0: on the link itself */
  uint8_t prefix, link;
};

/* A packet on its way in. */
struct packet {
  const uint8_t *data;
  uint32_t len;
  la_link link;
  bool sum_ok;       /* the device has verified its checksums */
  bool upper_ok;     /* TCP's or UDP's at least */
  uint16_t gso;      /* segments of so many bytes are joined in it; 0: none */
  bool whole;        /* it was put together from fragments */
  bool ether, group; /* it came in an Ethernet frame, to more than one */
  bool nd, mld;      /* it is of Neighbor Discovery, of Multicast Listener Discovery */
  struct ip_hdr h;
};

/* A packet that waits to go out: reply.c; or, on an Ethernet link, what ether.c makes a frame of. */
enum reply_kind { REPLY_IP, REPLY_ARP, REPLY_SOLICIT, REPLY_ADVERT, REPLY_MLD };
struct reply {
  uint8_t kind, op; /* op: ARP's, or enum mld_say */
  bool to_mac;      /* else it goes to a group */
  uint8_t mac[ETH_ADDR];
  la_addr src, dst;
  struct rope body;
  uint8_t head[8]; /* ICMP's or UDP's header */
  uint8_t sum_at;  /* where its checksum goes */
  uint8_t proto, ttl, tos;
};
struct outring {
  struct reply *v;     /* la_config.replies */
  uint32_t head, tail; /* written, read: totals */
  uint32_t bytes;      /* of chunks in use */
  bool wanted;         /* somebody was refused: to be told when it is half empty */
};

struct la_stack {
  struct mem mem;
  struct tcp tcp;
  uint32_t nlinks; /* links are 1 .. nlinks */
  uint32_t mtu[LA_LINKS_MAX + 1];
  uint8_t offload[LA_LINKS_MAX + 1]; /* enum la_offload */
  uint32_t naddrs, nroutes;
  struct netif_addr addr[ADDRS_MAX];
  struct route route[ROUTES_MAX];
  uint32_t frames; /* in and out, numbered in one series */
  struct outring answers[LA_LINKS_MAX + 1];
  struct outring datagrams[LA_LINKS_MAX + 1]; /* without memory until something is sent */
  uint8_t turn;                               /* what goes first: a segment or a datagram */
  struct udp udp;
  struct bucket echo_bucket, error_bucket;
  struct frags frags;
  struct ether ether[LA_LINKS_MAX + 1];
  struct neighs neighs;
  struct addr_work work[ADDRS_MAX]; /* no more than one for each address, ours or not yet */
  uint32_t nwork, ntell;            /* ntell: with an event */
  struct listening group[ADDRS_MAX];
  uint32_t ngroups;
  la_time defended[ADDRS_MAX]; /* of addr[]: when its last defence went out; 0: never */
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
/* The neighbour by whom dst is reached over an Ethernet link; false: no route leads there. */
bool la__route_hop(const la_stack *s, la_link link, const la_addr *dst, la_addr *hop);
/*
 * What to open towards `remote`: addresses are made normal, *link (0: by route) and *local (family 0: by rule) filled in. LA_EINVAL: no
 * possible peer; LA_ENETUNREACH, LA_EADDRNOTAVAIL.
 */
int la__route_open(const la_stack *s, la_addr *remote, la_addr *local, la_link *link);

/* rx.c, tx.c */
void la__rx(la_stack *s, struct packet *p);             /* fills in p->h */
enum { SUM_LATER = 256 };                               /* with so much text a segment may be verified while that is copied */
bool la__rx_plain(la_stack *s, const struct packet *p); /* plain.c; false: it is not plain, and nothing has happened */
/* Whether a packet may come from one to the other. */
enum la_drop la__rx_addresses(const la_stack *s, const la_addr *dst, const la_addr *src, const struct packet *p);
/* A segment of the pair k, whose record is r if that is known. */
enum la_drop la__rx_segment(la_stack *s, la_link link, ref_t r, const struct key *k, struct tcp_seg *seg);
void la__rx_drop(la_stack *s, la_link link, enum la_drop why);
bool la__tx_packet(la_stack *s, la_link link, la_frame *f);                     /* with LA_ETH_HEADER bytes of room before it */
uint32_t la__payload_sum(const la_sums *sums, const la_frame *f, uint32_t sum); /* of buf[], added to a partial sum of even length */

/* icmp.c: LA_DROP_NONE when the message meant something to us */
enum la_drop la__rx_icmp(la_stack *s, const struct packet *p);

/* reply.c */
bool la__outring_init(la_stack *s, struct outring *r); /* its memory; false: there is none */
void la__outring_done(la_stack *s, struct outring *r);
bool la__outring_room(const la_stack *s, const struct outring *r, uint32_t n); /* for n bytes */
struct reply *la__outring_put(la_stack *s, struct outring *r, const void *body,
                              uint32_t n);                               /* zeroed but for body and ttl; NULL: no room */
bool la__outring_get(la_stack *s, struct outring *r, struct reply *out); /* the body's chunks are then the caller's */
bool la__reply_room(const la_stack *s);                                  /* for the answer that the next frame may need */
enum la_drop la__reply_echo(la_stack *s, const struct packet *p, const struct icmp_msg *m);
/* An error about p, where one may be sent. */
void la__reply_error(la_stack *s, const struct packet *p, unsigned type, unsigned code, uint32_t word);

/* sock/dgram.c: la_udp_send, but a connected socket may send elsewhere too. */
struct udp_marks {
  uint8_t ttl, tos;
};
int la__udp_send(la_stack *s, la_udp h, const la_addr *to, uint16_t port, const void *data, size_t n, const struct udp_marks *marks);

#endif
