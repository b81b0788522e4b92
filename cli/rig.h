/* SPDX-License-Identifier: MIT */
/* A stack with one link, as a program of this machine sets it up; shared by serve and demo. */
#ifndef LA_CLI_RIG_H
#define LA_CLI_RIG_H

#include "cli/cli.h"

enum { RIG_MTU = 1500 };

struct rig {
  la_stack *stack;
  la_link link;
  la_trace_rec *trace;
};
struct rig_opts {
  enum la_preset preset;
  la_time msl; /* 0: the default */
  bool traced;
  uint32_t mtu;       /* 0: RIG_MTU */
  const uint8_t *mac; /* of an Ethernet link; NULL: it carries bare packets */
  bool no_probe;      /* addresses are used at once */
};
/* EXIT_OK, or EXIT_FAIL after a line on stderr. */
int la__rig_new(struct rig *r, const char *cmd, const struct rig_opts *opts);
int la__rig_addr(struct rig *r, const char *cmd, const struct net_addr *addr);
void la__rig_free(struct rig *r);
/* Blocks the signals and returns a descriptor that is readable when one has come, or -1. */
int la__signals(const int *signals, size_t n);
/* The signal that has come; 0: none. */
int la__signal_take(int fd);
/* One line, or one JSON object, about how a connection ended. */
void la__print_end(FILE *out, const la_end *end, bool json);

#endif
