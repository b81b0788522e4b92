/* SPDX-License-Identifier: MIT */
/*
 * Which socket a packet belongs to, and its numbers. As in packetdrill there is one socket under test at a time: the one made last. In a
 * segment with SYN the script's numbers are absolute, in others they count from the SYN of their direction. The remote ISN is the
 * script's own, the local one is learned from the live SYN.
 *
 * Extension: a SYN of the peer on a connection whose handshake was complete, when it is answered with a SYN-ACK, begins another one on the
 * same pair (RFC 9293 3.6.1, RFC 6191): numbers count from these two SYNs then.
 */
#include "drill/tuning.h"

#include <string.h>

struct sock *la__sock_new(struct run *r) {
  struct sock *k = la__drill_alloc(r, sizeof *k);
  k->fd = -1;
  k->next = r->socks;
  r->socks = k;
  r->under_test = k;
  return k;
}

struct sock *la__sock_fd(const struct run *r, int script_fd) {
  for (struct sock *k = r->socks; k; k = k->next)
    if (k->fd == script_fd)
      return k;
  return NULL;
}

uint32_t la__sock_remote_offset(const struct sock *k, bool syn) { return syn ? 0 : k->live.remote_isn; }
uint32_t la__sock_local_offset(const struct sock *k, bool syn) { return syn ? k->live.local_isn - k->script.local_isn : k->live.local_isn; }

/* A connection that the peer opens: its ports are chosen here. */
static struct sock *opened_by_peer(struct run *r, const struct drill_packet *p) {
  const struct tuning *t = r->tuning;
  struct sock *k = la__sock_new(r);
  k->phase = SOCK_SYN_CAME;
  k->protocol = LA_IPPROTO_TCP;
  k->script.remote_isn = k->live.remote_isn = p->seq;
  k->live.local = t->local;
  k->live.remote = t->remote;
  k->live.lport = p->dport ? p->dport : t->bind_port;
  k->live.rport = p->sport ? p->sport : r->next_port++;
  return k;
}

/* Extension: a packet with ports belongs to the connection that has them. */
static struct sock *with_ports(const struct run *r, const struct drill_packet *p) {
  uint16_t lport = p->dir == DRILL_IN ? p->dport : p->sport, rport = p->dir == DRILL_IN ? p->sport : p->dport;
  if (!lport || !rport)
    return NULL;
  for (struct sock *k = r->socks; k; k = k->next)
    if (k->phase != SOCK_LISTENING && k->phase != SOCK_NEW && k->live.lport == lport && k->live.rport == rport)
      return k;
  return NULL;
}

static bool fits(const struct sock *k, const struct drill_packet *p) {
  if (p->proto == DRILL_ICMP)
    return true;
  return k->protocol == (p->proto == DRILL_TCP ? LA_IPPROTO_TCP : LA_IPPROTO_UDP);
}

struct sock *la__sock_of_packet(struct run *r, const struct drill_packet *p) {
  struct sock *k = r->under_test;
  bool syn = p->proto == DRILL_TCP && (p->flags & LA_SYN) && !(p->flags & LA_ACK);
  if (p->proto == DRILL_TCP && p->dir == DRILL_IN && (!k || k->phase == SOCK_LISTENING))
    return opened_by_peer(r, p);
  if (syn && p->dir == DRILL_IN && k && k->phase >= SOCK_SYN_ACKED && !p->sport) {
    k->syn_again = true;
    k->syn_seq = p->seq;
  }
  struct sock *named = p->proto == DRILL_TCP ? with_ports(r, p) : NULL;
  if (named)
    return named;
  if (syn && p->dir == DRILL_IN && p->sport && p->dport)
    return opened_by_peer(r, p);
  if (syn && p->dir == DRILL_OUT && k && k->phase == SOCK_CONNECTING) {
    k->phase = SOCK_SYN_SENT;
    k->script.local_isn = p->seq;
    return k;
  }
  if (k && fits(k, p))
    return k;
  la__drill_fail(r, p->at, "no socket for the packet");
  return NULL;
}

static bool same_ends(const struct sock *k, const struct wire *w) {
  return la_addr_same(&k->live.local, &w->ip.src) && la_addr_same(&k->live.remote, &w->ip.dst) &&
         (w->proto == DRILL_ICMP || (k->live.lport == w->sport && k->live.rport == w->dport));
}

bool la__sock_sends(struct run *r, struct sock *k, const struct wire *w) {
  (void)r;
  if (w->proto == DRILL_ICMP)
    return la_addr_same(&k->live.remote, &w->ip.dst);
  if (k->protocol != (w->proto == DRILL_TCP ? LA_IPPROTO_TCP : LA_IPPROTO_UDP))
    return false;
  if (same_ends(k, w))
    return true;
  bool syn = w->proto == DRILL_TCP && (w->seg.flags & LA_SYN) && !(w->seg.flags & LA_ACK);
  if (!(w->proto == DRILL_UDP ? k->phase == SOCK_CONNECTING : syn && k->phase == SOCK_SYN_SENT))
    return false;
  if (!la_addr_same(&k->live.remote, &w->ip.dst) || k->live.rport != w->dport)
    return false;
  k->live.local = w->ip.src;
  k->live.lport = w->sport;
  if (syn)
    k->live.local_isn = w->seg.seq;
  return true;
}

void la__sock_learns(struct sock *k, const struct drill_packet *p, const struct wire *w) {
  bool script = p->proto == DRILL_TCP && (p->flags & (LA_SYN | LA_ACK)) == (LA_SYN | LA_ACK);
  bool live = w->proto == DRILL_TCP && (w->seg.flags & (LA_SYN | LA_ACK)) == (LA_SYN | LA_ACK);
  if (!script || !live || (k->phase != SOCK_SYN_CAME && !k->syn_again))
    return;
  if (k->syn_again) {
    k->script.remote_isn = k->live.remote_isn = k->syn_seq;
    k->fd = -1; /* what it had belonged to the one before */
    k->ts_found = false;
    k->nts = 0;
  }
  k->syn_again = false;
  k->script.local_isn = p->seq;
  k->live.local_isn = w->seg.seq;
  k->phase = SOCK_SYN_ACK_SENT;
}
