/* SPDX-License-Identifier: MIT */
/*
 * Standard input to a connection, and the connection to standard output, without waiting in either. Each direction holds one
 * buffer: while it cannot be emptied its source is not read, so that back-pressure reaches the other end.
 */
#ifndef LA_CLI_PUMP_H
#define LA_CLI_PUMP_H

#include <lastack/lastack.h>

enum { PUMP_BUF = 65536 };

struct pump_side {
  int fd;
  bool over;               /* nothing more will be read from the source */
  bool watched, unwatched; /* in the loop; cannot be waited for, as a regular file: always ready */
  bool ready;
  size_t from, to;
  char buf[PUMP_BUF];
};

struct pump {
  /* the caller's */
  const char *cmd;
  la_host *host;
  la_stack *stack;
  la_conn conn;
  bool abort; /* RST instead of FIN at the end of input, when everything is acknowledged */
  /* private but for reading */
  struct pump_side in, out; /* in: to the peer. out: from it */
  bool own_out, socket_out, out_wanted, finished;
  bool failed; /* a line has been printed: standard input or output is broken, and the connection is to be closed */
};
void la__pump_init(struct pump *p);
/* Moves what can be moved. Once the connection is established, in each turn of the loop, until la__pump_done. */
void la__pump_run(struct pump *p, la_time now);
/* Nothing more will come from the peer, and everything received has been written. */
bool la__pump_done(const struct pump *p);
/* Reads and writes no more. The descriptors stay open. */
void la__pump_stop(struct pump *p);
void la__pump_free(struct pump *p);

#endif
