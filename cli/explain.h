/* SPDX-License-Identifier: MIT */
/* What the files of `lastack explain` share. */
#ifndef LA_CLI_EXPLAIN_H
#define LA_CLI_EXPLAIN_H

#include <stdio.h>

#include "capture/flows.h"
#include "capture/verdict.h"

enum { PEER_SETS = 128, PEER_WAYS = 8, PEERS_SHOWN = 5 };

/* Totals over all connections, for the end. */
struct rollup {
  uint64_t conns, findings, kind[6], first_closed[4], reason[REASONS], resets[REASONS];
  uint64_t open, half_open;
  la_time open_longest, half_longest;
  double port_seconds;
  struct peer {
    uint8_t family, addr[16];
    uint64_t conns, findings;
  } peer[PEER_SETS][PEER_WAYS]; /* servers, by hash; those that come often stay (the least frequent of a set gives way) */
};

void la__rollup_add(struct rollup *r, const struct flow *c, const struct verdict *v, la_time now);
void la__rollup_print(FILE *out, struct rollup *r, const struct flows_stats *s);
/* One line of JSON. false: memory or output failed. */
bool la__explain_json(FILE *out, const struct flow *c, const struct verdict *v);

#endif
