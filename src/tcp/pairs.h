/* SPDX-License-Identifier: MIT */
/* The table of pairs, and those that were found last: pairs.c. */
#ifndef LA_TCP_PAIRS_H
#define LA_TCP_PAIRS_H

#include "base/bytes.h"
#include "tcp/tcp.h"

/* The record of a pair, or REF_NONE. */
ref_t la__pair_find(struct tcp *t, const struct key *k);
uint64_t la__pair_hash(const struct tcp *t, const struct key *k); /* la__key_hash, perhaps known */
/* A pair that is not in the table. false: memory. */
bool la__pair_add(struct tcp *t, const struct key *k, ref_t r);
/* r takes the entry of `old`. */
void la__pair_swap(struct tcp *t, const struct key *k, ref_t old, ref_t r);
void la__pair_del(struct tcp *t, const struct key *k, ref_t r);

/* An IPv4 pair in words: its addresses as they stand in a header that came, the remote one first. */
static inline uint64_t la__pair_addrs(const uint8_t *remote, const uint8_t *local) {
  uint32_t w[2];
  uint64_t v;
  memcpy(&w[0], remote, 4);
  memcpy(&w[1], local, 4);
  memcpy(&v, w, 8);
  return v;
}
static inline uint32_t la__pair_ports(uint16_t lport, uint16_t rport) { return (uint32_t)lport << 16 | rport; }
static inline unsigned la__pair_place(uint16_t lport, uint16_t rport) { return (lport ^ rport) % PAIRS_RECENT; }

/* Has the pair of such a header been found a moment ago? Its record then, else REF_NONE: then ask la__pair_find. */
static inline ref_t la__pair_recent(const struct tcp *t, const uint8_t *addrs, uint16_t lport, uint16_t rport) {
  const struct pair_recent *e = &t->recent[la__pair_place(lport, rport)];
  uint64_t a;
  memcpy(&a, addrs, 8);
  return e->addrs == a && e->ports == la__pair_ports(lport, rport) ? e->ref : REF_NONE;
}

#endif
