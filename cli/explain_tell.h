/* SPDX-License-Identifier: MIT */
/* Gives ended connections to a thread of its own, which judges and prints them, in order, and gives them back. */
#ifndef LA_CLI_EXPLAIN_TELL_H
#define LA_CLI_EXPLAIN_TELL_H

#include "capture/flows.h"
#include "capture/lane.h"

enum { TELL_GROUPS = 8, TELL_GROUP = 128 };

struct tell_group {
  size_t n;
  bool last;
  struct {
    struct flow *c;
    la_time now;
  } one[TELL_GROUP];
};
struct teller {
  void (*tell)(void *ctx, struct flow *c, la_time now); /* in the thread */
  void *ctx;
  struct flows *flows;
  struct tell_group *group, *filling;
  struct lane full, empty;
  pthread_t thread;
};

/* From here on f->keeps. false: no memory, no thread. */
bool la__teller_start(struct teller *t, struct flows *f, void (*tell)(void *ctx, struct flow *c, la_time now), void *ctx);
void la__teller_add(struct teller *t, struct flow *c, la_time now);
/* When all are told. */
void la__teller_stop(struct teller *t);

#endif
