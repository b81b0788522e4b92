/* SPDX-License-Identifier: MIT */
/* Neighbours on an Ethernet: RFC 826, RFC 1122 2.3.2, RFC 4861 7.2 and 7.3, RFC 5227, RFC 4862 5.4. Over IPv4 it is ARP, over IPv6 ND. */
#include "sim/scens.h"

#include <string.h>

/* An Ethernet is short, whatever --delay says of paths: its clocks of a second presume it. */
static struct world *ethernet(struct sim *s, const char *heading) {
  struct world *w = la__sim_world(s, "%s", heading);
  w->ether = true;
  w->delay = w->delay < LA_MS ? LA_MS : w->delay > 20 * LA_MS ? 20 * LA_MS : w->delay;
  return w;
}

static struct duo stations(struct sim *s, const char *heading) { return la__duo(s, ethernet(s, heading), NULL); }

static la_neigh known(const struct host *h, const la_addr *a) {
  la_neigh n = {.state = LA_NEIGH_STATES};
  if (h->st)
    la_tick(h->st, h->w->now);
  if (h->st && !la_neigh_get(h->st, h->link, a, &n))
    n.state = LA_NEIGH_STATES;
  return n;
}
static unsigned asked(const struct duo *d, const struct host *h, la_time since) { return la__count(d->w, h, K_ASK, since, LA_NEVER); }

static void first_packet(struct sim *s) {
  struct duo d = stations(s, "the first packet");
  la_time t = d.w->now, rtt = 2 * d.w->delay;
  la__duo_open(&d, 0);
  la__settle(d.w, LA_SEC);
  const struct pkt *ask = la__seg(d.w, d.a, K_ASK, 1), *tell = la__seg(d.w, d.b, K_TELL, 1), *syn = la__seg(d.w, d.a, K_SYN, 1);
  CLAIM_QUICK(s, ask->sent == t && eth_is_group(ask->eth.dst) && la_addr_same(&ask->about, &d.b->addr),
              "the SYN's neighbour is unknown: the question goes to all, at once");
  CLAIM_QUICK(s, tell->sent == ask->arrived && !memcmp(tell->eth.dst, d.a->mac, ETH_ADDR) && !memcmp(tell->eth.src, d.b->mac, ETH_ADDR),
              "the answer goes to the asker alone");
  CLAIM_QUICK(s, syn->sent == t + rtt && la__count(d.w, d.a, K_SYN, 0, LA_NEVER) == 1 && !memcmp(syn->eth.dst, d.b->mac, ETH_ADDR),
              "the SYN has waited, and leaves %s later: nothing was lost", la__secs(syn->sent - t));
  CLAIM_QUICK(s, asked(&d, d.b, 0) == 0, "the server asks nobody: who asks for us tells his address");
  CLAIM_CALM(s, d.c->at_open != LA_NEVER && known(d.a, &d.b->addr).state == LA_NEIGH_REACHABLE,
             "the connection opens, and proves that he is there");
}

static void first_question_lost(struct sim *s) {
  struct duo d = stations(s, "the question is lost");
  d.w->drawn = false;
  la_time t = d.w->now;
  la__rule(d.w, d.a, K_ASK, F_LOSE, 1, 1);
  la__duo_open(&d, 0);
  la__settle(d.w, LA_SEC);
  la_stats st;
  la__stats(d.a, &st);
  const struct pkt *ask = la__seg(d.w, d.a, K_ASK, 2), *syn = la__seg(d.w, d.a, K_SYN, 1);
  CLAIM_QUICK(s, ask->sent == t + LA_SEC && asked(&d, d.a, 0) == 2, "it is asked again after %s", la__secs(ask->sent - t));
  CLAIM_QUICK(s, syn->sent == ask->sent + 2 * d.w->delay && d.c->at_open != LA_NEVER, "and the connection opens with that answer");
  CLAIM_QUICK(s, st.drops[LA_DROP_NEIGH_QUEUEFULL] == 0 && st.drops[LA_DROP_NEIGH_FAILED] == 0, "no packet was dropped meanwhile");
}

static void nobody(struct sim *s) {
  struct duo d = stations(s, "nobody is there");
  la_addr who = la__sim_addr(d.w, 77);
  la_time t = d.w->now;
  struct conn *c = la__app_connect(d.a, &who, PORT, 0, NULL);
  la__until_end(c, 300 * LA_SEC);
  la_stats st;
  la__stats(d.a, &st);
  unsigned exact = 0;
  for (unsigned i = 0; i < 3; i++)
    exact += la__seg(d.w, d.a, K_ASK, i + 1)->sent == t + i * LA_SEC;
  CLAIM_CALM(s, exact == 3 && asked(&d, d.a, 0) == 3, "three questions, 1 s apart (RFC 4861 10)");
  CLAIM_CALM(s, c->at_end == t + 3 * LA_SEC && c->end.err == LA_EHOSTUNREACH && c->end.why == LA_WHY_NEIGHBOUR,
             "then, after %s, the opening ends: %s, %s", la__secs(c->at_end - t), la_err_name(c->end.err), la_why_name(c->end.why));
  CLAIM(s, la__count(d.w, d.a, K_SYN, 0, LA_NEVER) == 0, "no SYN has gone anywhere");
  CLAIM_CALM(s, st.drops[LA_DROP_NEIGH_FAILED] > 0 && st.neigh_failed == 1, "those that waited are counted as %s",
             la_drop_name(LA_DROP_NEIGH_FAILED));
}

/* A connection that makes progress needs no questions; one that falls silent does, to the neighbour alone. */
static void silence(struct sim *s) {
  struct duo d = stations(s, "a neighbour falls silent");
  d.w->drawn = false;
  d.a->cfg.r2 = 3600 * LA_SEC;
  la__host_crash(d.a);
  la__host_boot(d.a);
  la__duo_open(&d, 0);
  la_time t = d.w->now;
  for (unsigned i = 0; i < 60; i++) {
    la__app_send(d.c, 100);
    la__run_for(d.w, 10 * LA_SEC);
  }
  unsigned quiet = asked(&d, d.a, t);
  CLAIM_QUICK(s, quiet == 0 && known(d.a, &d.b->addr).state == LA_NEIGH_REACHABLE,
              "10 minutes of data and ACKs: progress is proof, %u questions", quiet);
  la__run_for(d.w, 60 * LA_SEC);
  enum la_neigh_state stale = known(d.a, &d.b->addr).state;
  CLAIM_QUICK(s, stale == LA_NEIGH_STALE && asked(&d, d.a, t) == 0, "a minute without a word: %s, and nobody is asked for that",
              la_neigh_state_name(stale));
  d.w->cut = true;
  t = d.w->now;
  la__app_send(d.c, 100);
  la__run_for(d.w, 4900 * LA_MS);
  unsigned before = asked(&d, d.a, t), exact = 0;
  la__run_for(d.w, 3200 * LA_MS);
  for (unsigned i = 0; i < 3; i++) {
    const struct pkt *p = la__seg_since(d.w, d.a, K_ASK, i + 1, t);
    exact += p->sent == t + (5 + i) * LA_SEC && !memcmp(p->eth.dst, d.b->mac, ETH_ADDR);
  }
  CLAIM_QUICK(s, before == 0 && exact == 3, "new data, no ACK: 5 s of patience, then he is asked directly, three times (%u)", exact);
  CLAIM_QUICK(s, known(d.a, &d.b->addr).state == LA_NEIGH_STATES, "after that he is forgotten");
  memcpy(d.b->mac, "\x12\0\0\0\0\x99", ETH_ADDR);
  d.w->cut = false;
  t = d.w->now;
  la__until_all_acked(d.c, 300 * LA_SEC);
  const struct pkt *p = la__seg_since(d.w, d.a, K_ASK, 1, t);
  CLAIM_QUICK(s, eth_is_group(p->eth.dst) && d.c->nends == 0, "the next retransmission asks all");
}

/* A host that comes with an address which another one has. */
static void taken(struct sim *s) {
  struct duo d = {.w = ethernet(s, "an address that is taken")};
  d.w->drawn = false;
  d.a = la__host_new(d.w, "newcomer");
  d.b = la__host_new(d.w, "owner");
  d.a->cfg.arp_probes = 3;
  d.a->cfg.dad_transmits = 1;
  d.b->addr = la__sim_addr(d.w, 1);
  la__host_boot(d.b);
  la__host_boot(d.a);
  la__run_for(d.w, 10 * LA_SEC);
  enum la_addr_state st = d.a->st ? la_addr_state_get(d.a->st, d.a->link, &d.a->addr) : LA_ADDR_NONE;
  CLAIM_CALM(s, st == LA_ADDR_DUPLICATE && asked(&d, d.a, 0) == 1, "the first question is answered: the newcomer does not take it");
  CLAIM_CALM(s, la__count(d.w, d.b, K_TELL, 0, LA_NEVER) == 1, "the owner has said so, once");
  struct conn *c = la__app_connect(d.a, &(la_addr){.family = d.a->addr.family, .b = {9, 9}}, PORT, 0, NULL);
  CLAIM_CALM(s, c->err == LA_EADDRNOTAVAIL, "and nothing can be opened from it: %s", la_err_name(c->err));
}

void la__scen_neighbour(struct sim *s) {
  first_packet(s);
  first_question_lost(s);
  nobody(s);
  silence(s);
  taken(s);
}
