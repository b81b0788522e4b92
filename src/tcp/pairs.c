/* SPDX-License-Identifier: MIT */
/*
 * The table of pairs: every connection, half-open and TIME-WAIT record is in it once.
 *
 * Segments come in trains, and a connection's life is a train of its own: so what was found a moment ago is kept in a few places, with the
 * hash that the table wants for it. Only IPv4's pairs without a zone are: they are three words. A TIME-WAIT record is not: it may have
 * ended. Whatever leaves the table, or gives its entry to another, passes through here, so that no place outlives its record.
 */
#include "tcp/pairs.h"

#include "base/check.h"

static bool plain(const struct key *k) { return k->local.family == 4 && k->zone == 0; }

static struct pair_recent *place(struct tcp *t, const struct key *k) { return &t->recent[la__pair_place(k->lport, k->rport)]; }

/* No pair has port 0, so that an empty place is nobody's. */
static bool is(const struct pair_recent *e, const struct key *k) {
  return e->addrs == la__pair_addrs(k->remote.b, k->local.b) && e->ports == la__pair_ports(k->lport, k->rport);
}

static void note(struct tcp *t, const struct key *k, ref_t r, uint64_t hash) {
  if (plain(k))
    *place(t, k) = (struct pair_recent){la__pair_addrs(k->remote.b, k->local.b), hash, la__pair_ports(k->lport, k->rport), r};
}

static void forget(struct tcp *t, const struct key *k) {
  struct pair_recent *e = place(t, k);
  if (plain(k) && is(e, k))
    e->ref = REF_NONE;
}

uint64_t la__pair_hash(const struct tcp *t, const struct key *k) {
  const struct pair_recent *e = &t->recent[la__pair_place(k->lport, k->rport)];
  return plain(k) && is(e, k) ? e->hash : la__key_hash(t, k);
}

ref_t la__pair_find(struct tcp *t, const struct key *k) {
  const struct pair_recent *e = place(t, k);
  if (plain(k) && is(e, k) && e->ref != REF_NONE)
    return e->ref;
  uint64_t hash = la__pair_hash(t, k);
  ref_t r = la__lookup(t, k, hash);
  note(t, k, r != REF_NONE && ref_kind(r) == REF_TW ? REF_NONE : r, hash); /* what is not there will perhaps be added */
  return r;
}

bool la__pair_add(struct tcp *t, const struct key *k, ref_t r) {
  uint64_t hash = la__pair_hash(t, k);
  if (!la__table_add(&t->table, hash, r))
    return false;
  note(t, k, r, hash);
  return true;
}

void la__pair_swap(struct tcp *t, const struct key *k, ref_t old, ref_t r) {
  uint64_t hash = la__pair_hash(t, k);
  bool was = la__table_swap(&t->table, hash, old, r);
  LA_CHECK(was);
  note(t, k, ref_kind(r) == REF_TW ? REF_NONE : r, hash);
}

void la__pair_del(struct tcp *t, const struct key *k, ref_t r) {
  bool was = la__table_del(&t->table, la__pair_hash(t, k), r);
  LA_CHECK(was);
  forget(t, k);
}
