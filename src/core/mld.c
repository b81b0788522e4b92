/* SPDX-License-Identifier: MIT */
/*
 * Which groups we listen to, told to routers and to switches that look on (RFC 3810, RFC 2710; RFC 4861 7.2.1). They are the solicited-node
 * groups of our addresses on Ethernet links: a group is joined before its first address is asked for, and left when its last one turns
 * out to be another's. All nodes' group is never told (RFC 3810 6).
 *
 *   at         of a join or a leave, the next time it is told: `left` times more, after random whiles, since any may be lost
 *   answer_at  a query's answer, after a random while within what the query allows
 *
 * Each group answers for itself, in a packet of its own: then a general query draws answers spread over that while, in either version. A
 * query for single sources is answered as one for the group, which says more. For some minutes after a query of version 1
 * that version is spoken (RFC 3810 8.2.1). The sender is our link-local address there, or nobody as long as we have none (RFC 3590).
 */
#include "base/bytes.h"
#include "core/stack.h"

#define AGAIN (1 * LA_SEC)      /* RFC 3810 9.11 */
#define AGAIN_OLD (10 * LA_SEC) /* RFC 2710 7.10 */
#define OLD_TIME (260 * LA_SEC) /* RFC 3810 9.12, with the defaults that it names */

static bool old(const la_stack *s, la_link link) { return s->tcp.now < s->ether[link].mld_old_until; }

static la_time after(la_stack *s, la_time most) {
  uint32_t us = most / LA_US < UINT32_MAX ? (uint32_t)(most / LA_US) : UINT32_MAX - 1;
  return s->tcp.now + la__prng_below(&s->tcp.prng, us + 1) * LA_US;
}

static struct listening *find(la_stack *s, la_link link, const la_addr *group) {
  for (uint32_t i = 0; i < s->ngroups; i++)
    if (s->group[i].link == link && la_addr_same(&s->group[i].group, group))
      return &s->group[i];
  return 0;
}

static la_addr sender(const la_stack *s, la_link link) {
  for (uint32_t i = 0; i < s->naddrs; i++)
    if (s->addr[i].link == link && s->addr[i].addr.family == 6 && la__addr_link_local(&s->addr[i].addr))
      return s->addr[i].addr;
  return (la_addr){.family = 6};
}

static void say(la_stack *s, const struct listening *g, enum mld_say what) {
  la_addr from = sender(s, g->link);
  la__ether_report(s, g->link, what, &from, &g->group);
}

/* A join or a leave, once. */
static void tell(la_stack *s, struct listening *g) {
  bool v1 = old(s, g->link);
  if (g->leaving)
    say(s, g, v1 ? MLD1_DONE : MLD_TO_INCLUDE);
  else
    say(s, g, v1 ? MLD1_REPORT : MLD_TO_EXCLUDE);
  g->at = --g->left ? after(s, v1 ? AGAIN_OLD : AGAIN) : LA_NEVER;
}

/* Room for one more: what is being left gives way. */
static struct listening *place(la_stack *s) {
  for (uint32_t i = 0; s->ngroups == ADDRS_MAX && i < s->ngroups; i++)
    if (s->group[i].leaving)
      return &s->group[i];
  return s->ngroups < ADDRS_MAX ? &s->group[s->ngroups++] : 0;
}

void la__mld_join(la_stack *s, la_link link, const la_addr *addr) {
  la_addr group = la__nd_solicited_node(addr);
  struct listening *g = find(s, link, &group);
  if (!s->tcp.cfg.mld_reports || (g && !g->leaving))
    return;
  g = g ? g : place(s);
  if (!g)
    return;
  *g = (struct listening){.group = group, .link = (uint8_t)link, .left = s->tcp.cfg.mld_reports, .answer_at = LA_NEVER};
  tell(s, g);
}

/* Does an address need it that is ours, or may yet become ours? */
static bool needed(const la_stack *s, const struct listening *g) {
  for (uint32_t i = 0; i < s->naddrs; i++)
    if (s->addr[i].link == g->link && s->addr[i].addr.family == 6) {
      la_addr of = la__nd_solicited_node(&s->addr[i].addr);
      if (la_addr_same(&of, &g->group))
        return true;
    }
  for (uint32_t i = 0; i < s->nwork; i++)
    if (s->work[i].link == g->link && s->work[i].addr.family == 6 && s->work[i].state == WORK_ASKING) {
      la_addr of = la__nd_solicited_node(&s->work[i].addr);
      if (la_addr_same(&of, &g->group))
        return true;
    }
  return false;
}

void la__mld_leave(la_stack *s, la_link link, const la_addr *addr) {
  la_addr group = la__nd_solicited_node(addr);
  struct listening *g = find(s, link, &group);
  if (!g || g->leaving || needed(s, g))
    return;
  g->leaving = true;
  g->left = s->tcp.cfg.mld_reports;
  g->answer_at = LA_NEVER;
  g->at = s->tcp.now; /* la__mld_tick tells it, and forgets the group afterwards */
}

/* Told again by name: what came from nobody was worth nothing to a router (RFC 3590 4). */
void la__mld_named(la_stack *s, la_link link) {
  for (uint32_t i = 0; i < s->ngroups; i++)
    if (s->group[i].link == link && !s->group[i].leaving) {
      s->group[i].left = s->tcp.cfg.mld_reports;
      s->group[i].at = s->tcp.now;
    }
}

/* ---- in ---- */

static void spoken(la_stack *s, la_link link, bool version2) {
  if (version2)
    return;
  if (!old(s, link)) /* what is pending is of the other version (RFC 3810 8.2.1) */
    for (uint32_t i = 0; i < s->ngroups; i++)
      if (s->group[i].link == link && !s->group[i].leaving) {
        s->group[i].at = s->group[i].answer_at = LA_NEVER;
        s->group[i].left = 0;
      }
  s->ether[link].mld_old_until = s->tcp.now + OLD_TIME;
}

static void asked(la_stack *s, la_link link, const struct mld_msg *m) {
  bool all = la__addr_unspecified(&m->group);
  spoken(s, link, m->version2);
  for (uint32_t i = 0; i < s->ngroups; i++) {
    struct listening *g = &s->group[i];
    if (g->link != link || g->leaving || !(all || la_addr_same(&g->group, &m->group)))
      continue;
    la_time at = after(s, m->delay_ms * LA_MS); /* the earlier one holds (RFC 3810 6.2, RFC 2710 4) */
    g->answer_at = at < g->answer_at ? at : g->answer_at;
  }
}

enum la_drop la__mld_rx(la_stack *s, const struct packet *p) {
  struct mld_msg m;
  la_addr all = la__nd_all_nodes();
  bool ours = la__is_ours(s, &p->h.dst, p->link);
  if (ours ? p->group : !(la_addr_same(&p->h.dst, &all) || find(s, p->link, &p->h.dst)))
    return LA_DROP_OTHERHOST;
  enum la_drop why = la__mld_parse(&m, &p->h, p->data, p->sum_ok);
  if (why != LA_DROP_NONE)
    return why;
  struct listening *g = m.query ? 0 : find(s, p->link, &m.group);
  if (m.query)
    asked(s, p->link, &m);
  else if (g && old(s, p->link)) /* somebody else has answered: one is enough (RFC 2710 4) */
    g->answer_at = LA_NEVER;
  return LA_DROP_NONE;
}

/* ---- the clocks ---- */

void la__mld_tick(la_stack *s) {
  for (uint32_t i = 0; i < s->ngroups;) {
    struct listening *g = &s->group[i];
    if (g->answer_at <= s->tcp.now) {
      g->answer_at = LA_NEVER;
      say(s, g, old(s, g->link) ? MLD1_REPORT : MLD_IS_EXCLUDE);
    }
    if (g->at <= s->tcp.now)
      tell(s, g);
    if (g->leaving && g->at == LA_NEVER)
      *g = s->group[--s->ngroups];
    else
      i++;
  }
}

la_time la__mld_deadline(const la_stack *s) {
  la_time first = LA_NEVER;
  for (uint32_t i = 0; i < s->ngroups; i++) {
    first = s->group[i].at < first ? s->group[i].at : first;
    first = s->group[i].answer_at < first ? s->group[i].answer_at : first;
  }
  return first < s->tcp.now ? s->tcp.now : first;
}
