/* SPDX-License-Identifier: MIT */
/*
 * Reads and decodes in a thread of its own, some blocks of packets ahead of who follows the connections. Of what there is now nothing is
 * kept back: a pipe's packets are handed over when no further one is there.
 */
#ifndef LA_CAPTURE_AHEAD_H
#define LA_CAPTURE_AHEAD_H

#include "capture/filter.h"
#include "capture/flows.h"
#include "capture/lane.h"
#include "capture/reader.h"

enum { AHEAD_BLOCKS = 4, AHEAD_PACKETS = 2048 };

struct ahead_block {
  size_t n;
  enum reader_result end; /* READER_PACKET: there is more */
  uint64_t offset;        /* in the file, so far */
  uint8_t *buf;           /* in which the packets lie */
  size_t cap;
  struct packet p[AHEAD_PACKETS];
  struct flows_seg s[AHEAD_PACKETS];
};
struct ahead {
  struct reader *rd;
  struct filter *filter;
  const struct flows *flows;
  struct ahead_block *block;
  struct lane full, empty;
  pthread_t thread;
};

/* The reader, the filter and the keys of the flows are the thread's until la__ahead_stop. false: no memory, no thread; nothing was read. */
bool la__ahead_start(struct ahead *a, struct reader *rd, struct filter *filter, const struct flows *flows);
/* The next packets; they stay until la__ahead_done. After the block whose `end` is not READER_PACKET there is none. */
struct ahead_block *la__ahead_next(struct ahead *a);
void la__ahead_done(struct ahead *a, struct ahead_block *b);
/* Also in the middle of the file. What the reader says then may be further on than what was looked at. */
void la__ahead_stop(struct ahead *a);

#endif
