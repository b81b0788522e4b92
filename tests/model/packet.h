/* SPDX-License-Identifier: MIT */
/* Segments as bytes: to the end under test, and from it. */
#ifndef TESTS_MODEL_PACKET_H
#define TESTS_MODEL_PACKET_H

#include <stddef.h>

#include "tests/model/model.h"

enum { PACKET_MAX = 65535, PACKET_MSS = 1460 };

/* The pair, as the peer sees it: network order, IPv4 in the first four bytes. */
struct pair {
  bool six;
  uint8_t from[16], to[16];
  uint16_t sport, dport;
};

/* A segment that was sent. */
struct heard {
  unsigned flags; /* without PSH */
  uint32_t seq, ack, wnd, len;
  bool ts;
  uint32_t tsval, tsecr;
};

/* The whole packet, its text from the peer's stream, whose first byte is number `stream`. With the MSS option where it bears SYN. */
size_t packet_build(uint8_t *buf, const struct pair *p, const struct m_seg *g, uint32_t stream);
/* The other way: false when it is not of this pair. `total` may be more than the bytes that lie at `data`, which hold the headers. */
bool packet_parse(const uint8_t *data, size_t total, const struct pair *p, struct heard *h);
/* The peer's bytes from a place of its stream on; also a little before the first. */
const uint8_t *packet_bytes(uint32_t pos);

#endif
