/* SPDX-License-Identifier: MIT */
/* One packet of a capture, as a reader gives it. */
#ifndef LA_CAPTURE_PACKET_H
#define LA_CAPTURE_PACKET_H

#include <stdint.h>

#include <lastack/stack.h>

enum { PACKET_COMMENTS = 8 };

struct packet {
  uint64_t frame;      /* from 1, as Wireshark counts */
  la_time at;          /* nanoseconds since 1970 */
  uint32_t cap, len;   /* bytes that are there, and that there were on the wire */
  int link;            /* LINKTYPE_, or libpcap's DLT_ where that differs */
  const uint8_t *data; /* until the next packet is asked for */
  unsigned comments;   /* pcapng */
  struct packet_text {
    const char *text; /* not terminated */
    uint32_t len;
  } comment[PACKET_COMMENTS];
  uint8_t dir;    /* 1 inbound, 2 outbound, 0 not told */
  uint64_t drops; /* the capturer told that it lost so many before this one */
};

#endif
