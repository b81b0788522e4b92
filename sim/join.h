/* SPDX-License-Identifier: MIT */
/* What a device with receive offload does: segments that follow each other become one frame (LA_FRAME_GSO). By Linux's rules. */
#ifndef LA_SIM_JOIN_H
#define LA_SIM_JOIN_H

#include <lastack/stack.h>

struct join {
  uint8_t bytes[65536];
  uint32_t len, most; /* most: no frame gets longer; 0: 65535 */
  uint16_t each;
  uint32_t segments;
  bool over; /* nothing more can follow */
};
/* The first packet of a frame, at most 65535 bytes. */
void la__join_begin(struct join *j, const uint8_t *packet, uint32_t len);
/* Adds a packet. false: it does not follow, and begins another frame. */
bool la__join_add(struct join *j, const uint8_t *packet, uint32_t len);
/* The frame as it stands, for la_input; refers to `j`. */
void la__join_frame(struct join *j, la_frame *f);

#endif
