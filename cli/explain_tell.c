/* SPDX-License-Identifier: MIT */
#include "cli/explain_tell.h"

#include <stdlib.h>

/* They have long left the cache; the next one comes while this one is told. */
static void fetch(const struct tell_group *g, size_t i) {
  if (i < g->n)
    FLOW_FETCH(g->one[i].c, &g->one[i].c->event[0]);
}

static void *run(void *arg) {
  struct teller *t = arg;
  for (bool last = false; !last;) {
    struct tell_group *g = la__lane_take(&t->full);
    for (size_t i = 0; i < g->n; i++) {
      fetch(g, i + 1);
      t->tell(t->ctx, g->one[i].c, g->one[i].now);
    }
    last = g->last;
    la__lane_put(&t->empty, g);
  }
  return NULL;
}

static struct tell_group *next(struct teller *t) {
  struct tell_group *g = la__lane_take(&t->empty);
  for (size_t i = 0; i < g->n; i++)
    la__flows_back(t->flows, g->one[i].c);
  g->n = 0;
  return g;
}

static void release(struct teller *t) {
  free(t->group);
  la__lane_free(&t->full);
  la__lane_free(&t->empty);
}

bool la__teller_start(struct teller *t, struct flows *f, void (*tell)(void *ctx, struct flow *c, la_time now), void *ctx) {
  *t = (struct teller){.tell = tell, .ctx = ctx, .flows = f, .group = calloc(TELL_GROUPS, sizeof *t->group)};
  la__lane_init(&t->full);
  la__lane_init(&t->empty);
  for (size_t i = 0; t->group && i < TELL_GROUPS; i++)
    la__lane_put(&t->empty, &t->group[i]);
  if (!t->group || pthread_create(&t->thread, NULL, run, t) != 0) {
    release(t);
    return false;
  }
  t->filling = next(t);
  f->keeps = true;
  return true;
}

void la__teller_add(struct teller *t, struct flow *c, la_time now) {
  struct tell_group *g = t->filling;
  g->one[g->n].c = c;
  g->one[g->n++].now = now;
  if (g->n < TELL_GROUP)
    return;
  la__lane_put(&t->full, g);
  t->filling = next(t);
}

void la__teller_stop(struct teller *t) {
  t->filling->last = true;
  la__lane_put(&t->full, t->filling);
  pthread_join(t->thread, NULL);
  release(t);
  t->flows->keeps = false;
}
