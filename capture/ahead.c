/* SPDX-License-Identifier: MIT */
#include "capture/ahead.h"

#include <stdlib.h>

static void fill(struct ahead *a, struct ahead_block *b) {
  struct reader *rd = a->rd;
  b->n = 0;
  do {
    struct packet *p = &b->p[b->n];
    b->end = la__reader_next(rd, p);
    if (b->end != READER_PACKET || !la__filter_match(a->filter, p))
      continue;
    la__flows_decode(a->flows, p, &b->s[b->n++]);
  } while (b->end == READER_PACKET && b->n < AHEAD_PACKETS && la__reader_ready(rd));
  b->offset = rd->offset;
}

/*
 * A block's packets lie in the reader's buffer. The next block lends the reader another one and gets this one for it, which so comes
 * back when the next block is done with, and that is after this one.
 */
static void *run(void *arg) {
  struct ahead *a = arg;
  struct ahead_block *b;
  enum reader_result end = READER_PACKET;
  while (end == READER_PACKET && (b = la__lane_take(&a->empty))) {
    if (la__source_swap(&a->rd->src, &b->buf, &b->cap)) {
      fill(a, b);
    } else {
      snprintf(a->rd->error, sizeof a->rd->error, "out of memory");
      b->end = READER_BROKEN;
      b->n = 0;
    }
    end = b->end;
    la__lane_put(&a->full, b);
  }
  return NULL;
}

static void release(struct ahead *a) {
  for (size_t i = 0; a->block && i < AHEAD_BLOCKS; i++)
    free(a->block[i].buf);
  free(a->block);
  la__lane_free(&a->full);
  la__lane_free(&a->empty);
}

bool la__ahead_start(struct ahead *a, struct reader *rd, struct filter *filter, const struct flows *flows) {
  *a = (struct ahead){.rd = rd, .filter = filter, .flows = flows, .block = calloc(AHEAD_BLOCKS, sizeof *a->block)};
  la__lane_init(&a->full);
  la__lane_init(&a->empty);
  for (size_t i = 0; a->block && i < AHEAD_BLOCKS; i++)
    la__lane_put(&a->empty, &a->block[i]);
  if (a->block && pthread_create(&a->thread, NULL, run, a) == 0)
    return true;
  release(a);
  return false;
}

struct ahead_block *la__ahead_next(struct ahead *a) {
  return la__lane_take(&a->full);
}

void la__ahead_done(struct ahead *a, struct ahead_block *b) { la__lane_put(&a->empty, b); }

void la__ahead_stop(struct ahead *a) {
  la__lane_close(&a->empty);
  pthread_join(a->thread, NULL);
  release(a);
}
