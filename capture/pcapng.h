/* SPDX-License-Identifier: MIT */
/* Reads pcapng (draft-ietf-opsawg-pcapng): any byte order, several sections and interfaces, comments, drop counts. */
#ifndef LA_CAPTURE_PCAPNG_H
#define LA_CAPTURE_PCAPNG_H

#include "capture/packet.h"
#include "capture/source.h"

enum { PCAPNG_MAGIC = 0x0A0D0D0A, PCAPNG_BLOCK_MAX = 16 << 20, PCAPNG_INTERFACES = 4096 };

struct pcapng_if {
  uint16_t link;
  uint32_t snap;
  uint64_t unit;  /* ticks a second */
  int64_t offset; /* seconds */
};
struct pcapng {
  struct source *src;
  bool swapped, begun;
  struct pcapng_if *ifs;
  size_t nifs;
  size_t block; /* bytes of the block that was given out */
  uint64_t frames, drops;
  char why[96]; /* what is wrong with the file */
};

void la__pcapng_init(struct pcapng *p, struct source *src);
void la__pcapng_free(struct pcapng *p);
/* 1: a packet; 0: the end; -1: broken, at la__source_offset, `why` says how. */
int la__pcapng_next(struct pcapng *p, struct packet *out);

#endif
