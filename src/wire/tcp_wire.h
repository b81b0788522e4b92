/* SPDX-License-Identifier: MIT */
/* The TCP header and its options (RFC 9293 3.1, 3.2; 7323; 2018): bytes <-> host-order struct, stateless. */
#ifndef LA_WIRE_TCP_WIRE_H
#define LA_WIRE_TCP_WIRE_H

#include <lastack/trace.h>

enum { TCP_HEADER = 20, TCP_HEADER_MAX = 60 };
enum { TCP_OPT_MSS = 1, TCP_OPT_WSCALE = 2, TCP_OPT_SACK_OK = 4, TCP_OPT_TS = 8, TCP_OPT_SACK = 16 };

struct tcp_opts {
  uint8_t have;   /* bits: TCP_OPT_* */
  uint8_t wscale; /* as it came, but 14 at most (RFC 7323 2.3) */
  uint8_t nsack;
  uint16_t mss;
  uint32_t ts_val, ts_ecr;
  struct {
    uint32_t lo, hi;
  } sack[4];
};
struct tcp_seg {
  uint16_t sport, dport;
  uint32_t seq, ack;
  uint16_t wnd; /* as it came, unscaled */
  uint16_t urp;
  uint8_t flags;   /* la_tcp_flags */
  uint8_t ecn;     /* the packet's: enum ip_ecn; input only */
  bool unverified; /* input: data[] has not been summed; `sum` is that of all before it, to which it must be added */
  bool landed;     /* input: data[] is at its place already (land.c) */
  uint16_t gso;    /* it stands for several with so many bytes each; 0: for itself */
  uint32_t sum;
  const uint8_t *data;
  uint32_t len; /* payload bytes */
  struct tcp_opts opt;
};
/* SEG.LEN of RFC 9293: payload, SYN and FIN. */
static inline uint32_t tcp_seg_len(const struct tcp_seg *s) { return s->len + ((s->flags & LA_SYN) != 0) + ((s->flags & LA_FIN) != 0); }
static inline uint32_t tcp_seg_count(const struct tcp_seg *s) { return s->gso && s->len > s->gso ? (s->len - 1) / s->gso + 1 : 1; }
/*
 * Parses n bytes (header and payload). `pseudo` is la__ip_pseudo_sum's; the checksum is verified unless sum_ok.
 * LA_DROP_PKT_TOO_SMALL: below 20 bytes; LA_DROP_TCP_CSUM, before anything else is looked at; LA_DROP_TCP_HDR: data offset or option
 * lengths are illegal (MUST-7); else LA_DROP_NONE.
 * Options: unknown ones are skipped by length (MUST-6), any alignment (MUST-64), EOL ends; MSS, WSCALE and SACK_OK count only with SYN;
 * an option with the wrong length for its kind is ignored; of a repeated one the first wins.
 */
enum la_drop la__tcp_parse(struct tcp_seg *s, const uint8_t *p, size_t n, uint32_t pseudo, bool sum_ok);
/* Only the options area, for ICMP quotes and tools. */
enum la_drop la__tcp_parse_opts(struct tcp_opts *o, const uint8_t *p, size_t n, bool syn);
/*
 * Writes header and options, checksum field zero, and returns the header's length (a multiple of 4, at most 60). As many SACK blocks
 * as fit are written. Options are laid out with NOPs so that 32-bit values are aligned.
 */
unsigned la__tcp_build(const struct tcp_seg *s, uint8_t *p);
/* Bytes of options that la__tcp_build would write. */
unsigned la__tcp_opts_size(const struct tcp_opts *o);

#endif
