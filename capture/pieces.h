/* SPDX-License-Identifier: MIT */
/* Puts fragmented IP packets together again (RFC 791, 8200 4.5): few at a time, each bounded, the oldest gives way. */
#ifndef LA_CAPTURE_PIECES_H
#define LA_CAPTURE_PIECES_H

#include "capture/decode.h"

enum { PIECES_PACKETS = 64, PIECES_BYTES = 65536, PIECES_MANY = 64 };
#define PIECES_LIFE (30 * LA_SEC)

struct pieces;

struct pieces *la__pieces_new(void);
void la__pieces_free(struct pieces *x);
/*
 * s: a fragment (DECODE_FRAGMENT). The piece that completes a packet makes s its TCP segment, which stays valid until the next call.
 * DECODE_FRAGMENT: not complete yet. A packet whose pieces overlap is dropped (RFC 5722): DECODE_MALFORMED.
 */
enum decoded la__pieces_add(struct pieces *x, la_time now, struct seg *s);

#endif
