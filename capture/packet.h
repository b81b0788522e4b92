/* SPDX-License-Identifier: MIT */
/* One packet of a capture, as a reader gives it. Small: they are handed over by the thousand. */
#ifndef LA_CAPTURE_PACKET_H
#define LA_CAPTURE_PACKET_H

#include <stdint.h>

#include <lastack/stack.h>

struct packet {
  uint64_t frame;         /* from 1, as Wireshark counts */
  la_time at;             /* nanoseconds since 1970 */
  const uint8_t *data;    /* until the next packet is asked for */
  const uint8_t *options; /* pcapng: see la__ng_comment */
  uint32_t cap, len;      /* bytes that are there, and that there were on the wire */
  uint32_t noptions;
  int link;       /* LINKTYPE_, or libpcap's DLT_ where that differs */
  uint64_t drops; /* the capturer told that it lost so many before this one */
  uint8_t dir;    /* 1 inbound, 2 outbound, 0 not told */
  bool swapped;   /* the options' byte order is not ours */
};

#endif
