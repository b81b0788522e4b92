/* SPDX-License-Identifier: MIT */
/*
 * Captures made from scripts. A script is a row of words; the sender's sequence number and its acknowledgment follow by themselves:
 *   >SA100   client to server (< the other way): flags of S A F R P U, payload bytes; R without A has the number the other end asked for
 *   ~>       the sender's latest segment once more; =>  the very same packet once more, as a capturer sees it twice
 *   k>       a keepalive probe
 *   i>3.1    an ICMP error, type and code, from a router, about the sender's latest segment
 *   +1500    so many milliseconds pass (1 passes before each word anyway)
 *   (>A10)   sent, but not captured
 *   new      the next words are a new incarnation: other initial numbers
 *   other    ... or another connection: the client's next port
 * Endings of a word: s-5 and a+7 shift SEQ and ACK, w0 sets the window, t9 the TTL, b makes the checksum bad, o leaves it to the card,
 * c makes the payload a TLS alert.
 */
#ifndef LA_TESTS_TAPE_H
#define LA_TESTS_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/flows.h"
#include "capture/verdict.h"

enum tape_link { TAPE_ETHERNET, TAPE_VLAN, TAPE_QINQ, TAPE_SLL, TAPE_SLL2, TAPE_NULL, TAPE_LOOP, TAPE_RAW, TAPE_LINKS };
enum { TAPE_FLOWS = 16 };

struct tape {
  uint8_t *data;
  size_t len, cap;
  uint64_t at; /* ns */
  uint16_t id;
  enum tape_link link;
  unsigned family, snap;
  uint32_t fragment; /* IPv4 packets are cut into pieces of so many bytes; 0: never */
  bool ng;           /* pcapng instead of pcap */
  uint16_t port[2];
  struct tape_end {
    uint32_t nxt, got, last_seq, last_ack; /* got: what it acknowledges */
    uint32_t last_len;
    uint8_t last_flags;
    size_t record, record_len; /* of its latest packet */
  } end[2];
};
/* What came out. */
struct tape_out {
  size_t n;
  struct flow flow[TAPE_FLOWS];
  struct verdict verdict[TAPE_FLOWS];
  struct flows_stats stats;
  int broken; /* the reader's last result was READER_BROKEN */
  uint64_t offset;
  char error[300];
};

void tape_init(struct tape *t, enum tape_link link, unsigned family, bool ng);
void tape_free(struct tape *t);
void tape_play(struct tape *t, const char *script); /* aborts on a word that it does not know */
/* Reads the first n bytes of the capture. */
void tape_read(const void *data, size_t n, struct tape_out *out);

#endif
