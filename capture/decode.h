/* SPDX-License-Identifier: MIT */
/*
 * From a packet's link header down to the TCP header, for frames that may be cut short, badly summed or larger than any wire
 * takes: what is there is believed, what is missing is marked. Stateless; fragments are handed back for capture/pieces.c.
 */
#ifndef LA_CAPTURE_DECODE_H
#define LA_CAPTURE_DECODE_H

#include <lastack/trace.h>

#include "capture/packet.h"

enum decoded {
  DECODE_TCP,
  DECODE_ICMP,      /* an error that quotes a TCP segment: addresses, ports and seq are those of the quoted one */
  DECODE_FRAGMENT,  /* of an IP packet that carries TCP */
  DECODE_OTHER,     /* nothing of TCP */
  DECODE_CUT,       /* the snap length took a header */
  DECODE_MALFORMED, /* a length that cannot be */
  DECODE_LINK       /* a link type that is not known */
};

enum sum_state { SUM_UNKNOWN, SUM_GOOD, SUM_BAD, SUM_OFFLOAD /* left to the network card: only the pseudo-header is summed */ };

/* A TCP segment as it was captured. */
struct seg {
  const uint8_t *src, *dst;             /* 4 or 16 bytes */
  const uint8_t *payload;               /* the first byte of it, if `have` */
  uint32_t seq, ack, ts_val, len, have; /* len: payload bytes on the wire; have: that were captured */
  uint16_t sport, dport, wnd, mss, csum, ip_id;
  uint8_t family;                        /* 4 or 6 */
  uint8_t ttl, flags, wscale, opts;      /* opts: so many bytes of options were captured, just before `payload` */
  uint8_t sum;                           /* enum sum_state */
  uint8_t icmp_type, icmp_code;          /* DECODE_ICMP */
  bool has_wscale, has_ts, sack_ok, cut; /* cut: bytes of the payload were not captured */
  bool vlan, fragmented, frag_more;
  uint8_t depth; /* in so many tunnels */
  const uint8_t *icmp_src;
  /* DECODE_FRAGMENT: src, dst, ip_id or frag_id, and the piece */
  const uint8_t *frag;
  uint32_t frag_id, frag_off, frag_len;
};

enum decoded la__decode(const struct packet *p, struct seg *out);
/* A whole IP packet of n bytes whose frame had wire bytes. */
enum decoded la__decode_ip(const uint8_t *p, uint32_t n, uint32_t wire, struct seg *out);
/* A TCP header and payload; out has the addresses. `sum`: verify the checksum when all is there. */
enum decoded la__decode_tcp(const uint8_t *p, uint32_t n, uint32_t wire, struct seg *out);

#endif
