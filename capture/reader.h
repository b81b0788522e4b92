/* SPDX-License-Identifier: MIT */
/*
 * A capture, whatever its form: pcapng (capture/ng.c), pcap, or a live interface (libpcap). Plain pcap is read in place, without the copies
 * that libpcap makes; its rarer dialects are libpcap's.
 */
#ifndef LA_CAPTURE_READER_H
#define LA_CAPTURE_READER_H

#include <pcap/pcap.h>

#include "capture/packet.h"
#include "capture/ng.h"
#include "capture/source.h"

enum reader_result { READER_BROKEN = -2, READER_END = -1, READER_NOTHING = 0, READER_PACKET = 1 };

struct reader {
  struct source src;
  pcap_t *pcap; /* pcap and live */
  struct ng ng;
  bool live, plain, swapped;
  uint32_t fraction;       /* plain: nanoseconds in the timestamp's smaller unit */
  int link;                /* plain */
  size_t taken;            /* plain: bytes of the record that was given out */
  uint64_t frames, offset; /* offset: past the last packet that was whole */
  char error[PCAP_ERRBUF_SIZE + 64];
};

/* false: `error` says why. */
bool la__reader_open(struct reader *r, const char *path);
bool la__reader_memory(struct reader *r, const void *data, size_t n);
bool la__reader_live(struct reader *r, const char *interface);
void la__reader_close(struct reader *r);
/* READER_NOTHING: a live interface was quiet for a tenth of a second. READER_BROKEN: `error` says how, `offset` where. */
enum reader_result la__reader_next(struct reader *r, struct packet *out);
/* The packets given out since this was last false stay valid over the next call, too. */
bool la__reader_ready(const struct reader *r);

#endif
