/* SPDX-License-Identifier: MIT */
/*
 * A smaller world that breaks the same law: items go, then knobs return to their usual values or come half as near, until nothing more
 * can go. Each try runs in a process of its own, since the stack's own checks end one.
 */
#include "sim/swarm.h"

#include <string.h>

static bool still(const struct sw_plan *p, enum sw_law law) { return la__sw_try(p) == law; }

static bool try_it(struct sw_plan *p, const struct sw_plan *next, enum sw_law law) {
  if (memcmp(p, next, sizeof *p) == 0 || !still(next, law))
    return false;
  *p = *next;
  return true;
}

/* Without host i: what named it goes, and those behind it move up. */
static void drop_host(struct sw_plan *p, unsigned i) {
  memmove(&p->host[i], &p->host[i + 1], (p->hosts - i - 1) * sizeof p->host[0]);
  p->hosts--;
  for (unsigned k = 0; k < p->flows; k++) {
    struct sw_flow_plan *f = &p->flow[k];
    if (f->client == i || f->server == i)
      f->client = SW_HOSTS;
    f->client -= f->client > i && f->client < SW_HOSTS;
    f->server -= f->server > i;
  }
  for (unsigned k = 0; k < p->faults; k++) {
    struct sw_fault_plan *f = &p->fault[k];
    if (f->host == i)
      f->kind = FAULT_NONE;
    f->host -= f->host > i;
    f->peer -= f->peer > i && f->peer < SW_HOSTS;
  }
  la__sw_settle(p);
}

static bool items(struct sw_plan *p, enum sw_law law) {
  bool any = false;
  static struct sw_plan next;
  for (unsigned i = p->faults; i-- > 0;) {
    next = *p;
    next.fault[i].kind = FAULT_NONE;
    la__sw_settle(&next);
    any |= try_it(p, &next, law);
  }
  for (unsigned i = p->flows; i-- > 0;) {
    next = *p;
    next.flow[i].client = SW_HOSTS;
    la__sw_settle(&next);
    any |= try_it(p, &next, law);
  }
  for (unsigned i = p->hosts; i-- > 0 && p->hosts > 2;) {
    next = *p;
    drop_host(&next, i);
    any |= try_it(p, &next, law);
  }
  return any;
}

/* One item's knobs: `at` is its place in the plan. */
static bool knobs(struct sw_plan *p, enum sw_item item, size_t at, enum sw_law law) {
  bool any = false;
  static struct sw_plan next;
  for (const struct sw_knob *k = la__sw_knobs(item); k->name; k++) {
    uint64_t v = *sw_knob_of((char *)p + at, k);
    if (v == k->usual || (item == SW_ITEM_WORLD && strcmp(k->name, "seed") == 0))
      continue;
    next = *p;
    *sw_knob_of((char *)&next + at, k) = k->usual;
    la__sw_settle(&next);
    if (try_it(p, &next, law)) {
      any = true;
      continue;
    }
    if (k->usual == SW_PRESET || v < 2)
      continue;
    next = *p;
    *sw_knob_of((char *)&next + at, k) = k->usual < v ? v - (v - k->usual + 1) / 2 : v + (k->usual - v + 1) / 2;
    la__sw_settle(&next);
    any |= try_it(p, &next, law);
  }
  return any;
}

#define PLACE(p, x) (size_t)((char *)(x) - (char *)(p))

void la__sw_shrink(struct sw_plan *p, enum sw_law law) {
  for (unsigned rounds = 0; rounds < 12; rounds++) {
    bool any = items(p, law);
    any |= knobs(p, SW_ITEM_WORLD, 0, law);
    for (unsigned i = 0; i < p->faults; i++)
      any |= knobs(p, SW_ITEM_FAULT, PLACE(p, &p->fault[i]), law);
    for (unsigned i = 0; i < p->flows; i++) {
      any |= knobs(p, SW_ITEM_FLOW, PLACE(p, &p->flow[i]), law);
      for (unsigned k = 0; k < 2; k++)
        any |= knobs(p, SW_ITEM_END, PLACE(p, &p->flow[i].end[k]), law);
    }
    for (unsigned i = 0; i < p->hosts; i++)
      any |= knobs(p, SW_ITEM_HOST, PLACE(p, &p->host[i]), law);
    if (!any)
      return;
  }
}
