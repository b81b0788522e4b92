/* SPDX-License-Identifier: MIT */
/* The loop's insides: shared by host.c and drain.c. */
#ifndef LA_HOST_HOST_H
#define LA_HOST_HOST_H

#include <lastack/lastack.h>

enum { BATCH = 32 };

enum source_kind { SOURCE_LINK, SOURCE_WATCH };
struct source {
  enum source_kind kind;
};

struct member;
struct port {
  struct source source;
  struct member *member;
  la_link link;
  la_driver *driver;
  bool ready; /* its descriptor was readable and has not yet been read dry */
  struct port *next;
};

struct member {
  la_stack *stack;
  la_host_hooks hooks;
  struct port *ports;
  la_time ticked;
  struct member *next;
};

struct watch {
  struct source source;
  int fd; /* -1: unwatched, to be freed after the events in hand */
  void (*fn)(void *ctx, int fd);
  void *ctx;
  struct watch *next;
};

struct la_host {
  int epoll;
  bool busy, no_pwait2;
  unsigned polled; /* ports without a descriptor */
  struct member *members;
  struct watch *watches;
  la_trace_rec *recs;
  size_t nrecs, cap_recs;
  la_frame in[BATCH], out[BATCH];
  uint8_t flat[65535 + LA_ETH_HEADER];
  /* drain.c */
  bool draining; /* from la_host_release on */
  la_time drain_last;
  unsigned drain_stops; /* requests to stop when it began */
  int signals;          /* a signalfd, or -1 */
  unsigned stops;
  la_time exit_limit;
  int exit_pid; /* 0: not to be released at exit */
  la_host *exit_next;
};

/* While draining, in place of the owner's work: takes the events of one stack and tells the endings. */
void la__drain_events(struct member *m);
/* The loop goes: nothing is to be released at exit any more, and signals are no longer read. */
void la__drain_forget(la_host *h);

#endif
