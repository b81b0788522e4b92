/* SPDX-License-Identifier: MIT */
/*
 * The kernel's TCP at the other side of a TUN device, one connection at a time, for places.c and diff.c. Needs a network namespace
 * with the device `tbl0`, address 10.0.0.1 or fd00::1 (tools/diff-linux.sh makes it).
 *
 * Nothing waits: after each segment an echo request goes the same way, and the kernel, which deals with packets in their order within
 * the write, has answered what came before when the echo reply is there.
 */
#ifndef TESTS_MODEL_KERNEL_H
#define TESTS_MODEL_KERNEL_H

#include "tests/model/places.h"

struct kernel {
  int tun, diag, listener, fd; /* fd: the connection's socket, -1 while there is none */
  struct pair pair;
  uint32_t stream;
  unsigned nout;
  struct heard out[SIDE_OUT];
  uint32_t serial, acked;
};

/* What its application can see. */
struct kernel_view {
  enum m_state state;
  bool has_socket, eof, urgent;
  int err;
  uint32_t unread;
};

void kernel_open(struct kernel *k, bool six);
bool kernel_reach(struct kernel *k, const struct place *p, bool ts, struct m_tcb *t, char *why, size_t cap);
void kernel_hear(struct kernel *k, const struct m_seg *seg);
void kernel_look(struct kernel *k, struct kernel_view *v);
/* Puts an end to the connection, whatever its state. */
void kernel_leave(struct kernel *k, const struct m_tcb *t);

#endif
