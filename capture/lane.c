/* SPDX-License-Identifier: MIT */
#include "capture/lane.h"

void la__lane_init(struct lane *l) {
  *l = (struct lane){.n = 0};
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->came, NULL);
}

void la__lane_free(struct lane *l) {
  pthread_cond_destroy(&l->came);
  pthread_mutex_destroy(&l->lock);
}

void la__lane_put(struct lane *l, void *p) {
  pthread_mutex_lock(&l->lock);
  l->place[(l->first + l->n++) % LANE_PLACES] = p;
  pthread_cond_signal(&l->came);
  pthread_mutex_unlock(&l->lock);
}

void *la__lane_take(struct lane *l) {
  void *p = NULL;
  pthread_mutex_lock(&l->lock);
  while (!l->n && !l->closed)
    pthread_cond_wait(&l->came, &l->lock);
  if (!l->closed) {
    p = l->place[l->first];
    l->first = (l->first + 1) % LANE_PLACES;
    l->n--;
  }
  pthread_mutex_unlock(&l->lock);
  return p;
}

void la__lane_close(struct lane *l) {
  pthread_mutex_lock(&l->lock);
  l->closed = true;
  pthread_cond_broadcast(&l->came);
  pthread_mutex_unlock(&l->lock);
}
