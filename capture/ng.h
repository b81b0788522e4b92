/* SPDX-License-Identifier: MIT */
/* Reads pcapng (draft-ietf-opsawg-pcapng): any byte order, several sections and interfaces, comments, drop counts. */
#ifndef LA_CAPTURE_NG_H
#define LA_CAPTURE_NG_H

#include "capture/packet.h"
#include "capture/source.h"

enum { NG_MAGIC = 0x0A0D0D0A, NG_BLOCK_MAX = 16 << 20, NG_INTERFACES = 4096 };

struct ng_if {
  uint16_t link;
  uint32_t snap;
  uint64_t unit;  /* ticks a second */
  int64_t offset; /* seconds */
};
struct ng {
  struct source *src;
  bool swapped, begun;
  struct ng_if *ifs;
  size_t nifs;
  size_t block; /* bytes of the block that was given out */
  uint64_t frames, drops;
  char why[96]; /* what is wrong with the file */
};

void la__ng_init(struct ng *p, struct source *src);
void la__ng_free(struct ng *p);
/* 1: a packet; 0: the end; -1: broken, at la__source_offset, `why` says how. */
int la__ng_next(struct ng *p, struct packet *out);
struct packet_text {
  const char *text; /* not terminated */
  uint32_t len;
};
/* A comment of a packet; *at: 0 for the first one. false: there is none, or no further one. */
bool la__ng_comment(const struct packet *p, size_t *at, struct packet_text *out);
/* The next block is a packet's and in memory whole: what was given out stays where it is. */
bool la__ng_ready(const struct ng *p);

#endif
