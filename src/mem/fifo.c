/* SPDX-License-Identifier: MIT */
#include "mem/fifo.h"

#include "base/check.h"

void la__fifo_init(struct fifo *f, struct fifo_link *(*at)(void *ctx, uint32_t index), void *ctx) {
  *f = (struct fifo){.head = FIFO_NONE, .tail = FIFO_NONE, .at = at, .ctx = ctx};
}

void la__fifo_push(struct fifo *f, uint32_t index) {
  LA_CHECK(index != FIFO_NONE);
  struct fifo_link *l = f->at(f->ctx, index);
  l->next = FIFO_NONE;
  l->prev = f->tail;
  if (f->tail == FIFO_NONE)
    f->head = index;
  else
    f->at(f->ctx, f->tail)->next = index;
  f->tail = index;
  f->count++;
}

void la__fifo_del(struct fifo *f, uint32_t index) {
  struct fifo_link *l = f->at(f->ctx, index);
  if (l->prev == FIFO_NONE) {
    LA_CHECK(f->head == index); /* a record that is on no list, or on another one, shows here */
    f->head = l->next;
  } else {
    struct fifo_link *prev = f->at(f->ctx, l->prev);
    LA_CHECK(prev->next == index);
    prev->next = l->next;
  }
  if (l->next == FIFO_NONE) {
    LA_CHECK(f->tail == index);
    f->tail = l->prev;
  } else {
    f->at(f->ctx, l->next)->prev = l->prev;
  }
  l->next = l->prev = FIFO_NONE;
  f->count--;
}
