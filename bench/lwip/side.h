/* SPDX-License-Identifier: MIT */
/*
 * One lwIP with one application. lwIP keeps everything in globals: so the whole of it is linked twice, each copy with its own names
 * hidden but for one `struct side`, and two stacks stand in one process as ours do.
 */
#ifndef LA_BENCH_LWIP_SIDE_H
#define LA_BENCH_LWIP_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct side {
  void (*init)(const struct side *peer, const uint8_t first_addr[4], unsigned addrs);
  /* Room for a frame that the other side copies in, and its delivery. */
  void *(*frame_new)(size_t len, uint8_t **data);
  void (*frame_queue)(void *frame);
  size_t (*deliver)(void); /* what was queued goes in; how many frames */
  void (*clock)(void);     /* 250 ms have passed */
  void (*listen)(uint16_t port, bool bulk);
  void (*connect)(uint8_t last_byte, uint16_t local_port, const uint8_t remote[4], uint16_t port, bool bulk);
  /* bulk */
  void (*feed)(const uint8_t *data, size_t app_bytes, uint64_t all);
  void (*sink)(uint8_t *data, size_t app_bytes);
  /* cycles: the latest connection */
  void (*send_byte)(void);
  void (*close)(void);
  void (*abort_time_wait)(void); /* the latest record in TIME-WAIT */
  unsigned long (*active)(void);
  unsigned long (*time_wait)(void);
  unsigned long (*pcb_bytes)(void);
  /* what has happened so far */
  struct side_seen {
    uint64_t established, bytes, eofs, closed, errors, frames_out;
  } * seen;
};
extern const struct side client_side, server_side;

#endif
