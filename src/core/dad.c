/* SPDX-License-Identifier: MIT */
/*
 * May we have this address? RFC 5227 for IPv4, RFC 4862 5.4 for IPv6.
 *
 *   NEW         until the clock is known: a random while, so that hosts that start together do not speak together
 *   ASKING      questions go out; whoever answers, or asks the same, has or will have the address: DUPLICATE
 *   ANNOUNCING  the address is ours (netif.c's list); it is made known to those who remember another
 *   DUPLICATE   it stays unused, until la_addr_add is called with it again
 *
 * A conflict about an address in use never makes us give it up (RFC 5227 2.4 c): else anybody on the link could take it. It is told at
 * most once in DEFEND_INTERVAL, and counted.
 */
#include "base/bytes.h"
#include "core/stack.h"

enum { JITTER_MS = 1000, PROBE_MIN_MS = 1000, PROBE_SPREAD_MS = 1000 };
#define ANNOUNCE_WAIT (2 * LA_SEC)
#define ANNOUNCE_INTERVAL (2 * LA_SEC)
#define DEFEND_INTERVAL (10 * LA_SEC)

static la_time random_ms(la_stack *s, uint32_t most) { return la__prng_below(&s->tcp.prng, most + 1) * LA_MS; }

struct addr_work *la__dad_find(la_stack *s, la_link link, const la_addr *a) {
  for (uint32_t i = 0; i < s->nwork; i++)
    if (s->work[i].link == link && la_addr_same(&s->work[i].addr, a))
      return &s->work[i];
  return 0;
}

static unsigned probes(const la_stack *s, const struct addr_work *w) {
  return w->addr.family == 6 ? s->tcp.cfg.dad_transmits : s->tcp.cfg.arp_probes;
}

/* An address of IPv6 is announced once: RFC 4861 7.2.6 lets us. */
static unsigned announcements(const la_stack *s, const struct addr_work *w) {
  return w->addr.family == 6 ? s->tcp.cfg.dad_transmits > 0 : s->tcp.cfg.arp_announcements;
}

static bool finished(const struct addr_work *w) { return w->state == WORK_ANNOUNCING && w->at == LA_NEVER && !w->tell; }

static void tell(la_stack *s, struct addr_work *w, enum la_event_type type) {
  s->ntell += !w->tell;
  w->tell = (uint8_t)type;
}

/* Where nothing is to be asked, the address is ours at once, and without an event. */
static void ready(la_stack *s, struct addr_work *w) {
  s->defended[s->naddrs] = 0;
  s->addr[s->naddrs++] = (struct netif_addr){w->addr, w->prefix, w->link};
  if (w->addr.family == 6 && la__addr_link_local(&w->addr))
    la__mld_named(s, w->link);
  if (probes(s, w))
    tell(s, w, LA_EVENT_ADDR_READY);
  else if (w->addr.family == 6)
    la__mld_join(s, w->link, &w->addr);
  w->state = WORK_ANNOUNCING;
  w->sent = 0;
  w->at = announcements(s, w) ? s->tcp.now : LA_NEVER;
}

int la__dad_add(la_stack *s, la_link link, const la_addr *a, unsigned prefix) {
  struct addr_work *w = la__dad_find(s, link, a);
  if (w && w->state != WORK_DUPLICATE)
    return LA_EINVAL;
  uint32_t all = s->naddrs;
  for (uint32_t i = 0; i < s->nwork; i++)
    all += s->work[i].state != WORK_ANNOUNCING;
  if (!w) {
    if (all == ADDRS_MAX)
      return LA_ENOMEM;
    w = &s->work[s->nwork++];
    w->tell = 0;
  }
  s->ntell -= w->tell != 0;
  *w = (struct addr_work){.addr = *a, .prefix = (uint8_t)prefix, .link = (uint8_t)link};
  if (!probes(s, w))
    ready(s, w);
  if (finished(w))
    *w = s->work[--s->nwork];
  return LA_OK;
}

bool la__dad_conflict(la_stack *s, la_link link, const la_addr *a) {
  struct addr_work *w = la__dad_find(s, link, a);
  if (!w || w->state > WORK_ASKING)
    return false;
  w->state = WORK_DUPLICATE;
  if (a->family == 6)
    la__mld_leave(s, link, a);
  s->tcp.stats.addr_duplicates++;
  tell(s, w, LA_EVENT_ADDR_DUPLICATE);
  return true;
}

void la__dad_defend(la_stack *s, la_link link, const la_addr *a) {
  s->tcp.stats.addr_conflicts++;
  for (uint32_t i = 0; i < s->naddrs; i++)
    if (s->addr[i].link == link && la_addr_same(&s->addr[i].addr, a)) {
      if (s->defended[i] && s->tcp.now - s->defended[i] < DEFEND_INTERVAL)
        return;
      s->defended[i] = s->tcp.now ? s->tcp.now : 1;
      la__ether_tell(s, link, a, 0, 0);
      return;
    }
}

/* ---- the clocks ---- */

static void ask(la_stack *s, struct addr_work *w) {
  static const la_addr nobody;
  bool last = ++w->sent >= probes(s, w);
  la__ether_ask(s, w->link, &nobody, &w->addr, 0);
  s->tcp.stats.neigh_probes_out++;
  if (w->addr.family == 6)
    w->at = s->tcp.now + s->tcp.cfg.neigh_retrans;
  else
    w->at = s->tcp.now + (last ? ANNOUNCE_WAIT : PROBE_MIN_MS * LA_MS + random_ms(s, PROBE_SPREAD_MS));
}

static void announce(la_stack *s, struct addr_work *w) {
  unsigned most = announcements(s, w);
  if (w->sent < most) {
    la__ether_tell(s, w->link, &w->addr, 0, 0);
    w->sent++;
  }
  w->at = w->sent < most ? s->tcp.now + ANNOUNCE_INTERVAL : LA_NEVER;
}

static void expire(la_stack *s, struct addr_work *w) {
  switch ((enum work_state)w->state) {
  case WORK_NEW:
    w->state = WORK_ASKING;
    w->at = s->tcp.now + random_ms(s, JITTER_MS);
    if (w->addr.family == 6)
      la__mld_join(s, w->link, &w->addr); /* RFC 4862 5.4.2: before the first question */
    break;
  case WORK_ASKING:
    if (w->sent < probes(s, w))
      ask(s, w);
    else
      ready(s, w);
    break;
  case WORK_ANNOUNCING:
    announce(s, w);
    break;
  case WORK_DUPLICATE:
    break;
  }
}

void la__dad_tick(la_stack *s) {
  for (uint32_t i = 0; i < s->nwork;) {
    struct addr_work *w = &s->work[i];
    while (w->state != WORK_DUPLICATE && w->at <= s->tcp.now)
      expire(s, w);
    if (finished(w))
      *w = s->work[--s->nwork];
    else
      i++;
  }
}

la_time la__dad_deadline(const la_stack *s) {
  la_time at = s->ntell ? s->tcp.now : LA_NEVER;
  for (uint32_t i = 0; i < s->nwork; i++)
    if (s->work[i].state != WORK_DUPLICATE && s->work[i].at < at)
      at = s->work[i].at > s->tcp.now ? s->work[i].at : s->tcp.now;
  return at;
}

bool la__dad_event(la_stack *s, la_addr *addr, uint8_t *type) {
  for (uint32_t i = 0; s->ntell && i < s->nwork; i++) {
    struct addr_work *w = &s->work[i];
    if (!w->tell)
      continue;
    *addr = w->addr;
    *type = w->tell;
    w->tell = 0;
    s->ntell--;
    if (finished(w))
      *w = s->work[--s->nwork];
    return true;
  }
  return false;
}

enum la_addr_state la_addr_state_get(const la_stack *s, la_link link, const la_addr *a) {
  for (uint32_t i = 0; i < s->naddrs; i++)
    if (s->addr[i].link == link && la_addr_same(&s->addr[i].addr, a))
      return LA_ADDR_READY;
  for (uint32_t i = 0; i < s->nwork; i++)
    if (s->work[i].link == link && la_addr_same(&s->work[i].addr, a))
      return s->work[i].state == WORK_DUPLICATE ? LA_ADDR_DUPLICATE : LA_ADDR_TENTATIVE;
  return LA_ADDR_NONE;
}
