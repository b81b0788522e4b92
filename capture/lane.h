/* SPDX-License-Identifier: MIT */
/* Hands pointers from one thread to another, in order. */
#ifndef LA_CAPTURE_LANE_H
#define LA_CAPTURE_LANE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { LANE_PLACES = 16 };

struct lane {
  pthread_mutex_t lock;
  pthread_cond_t came;
  void *place[LANE_PLACES];
  size_t first, n;
  bool closed;
};

void la__lane_init(struct lane *l);
void la__lane_free(struct lane *l);
/* Never waits: no more than LANE_PLACES are under way. */
void la__lane_put(struct lane *l, void *p);
/* Waits for the next one; NULL: the lane is closed. */
void *la__lane_take(struct lane *l);
void la__lane_close(struct lane *l);

#endif
