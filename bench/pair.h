/* SPDX-License-Identifier: MIT */
/* Two of our stacks in one process and the wire between them: what each row of the benchmark is made of. */
#ifndef LA_BENCH_PAIR_H
#define LA_BENCH_PAIR_H

#include <lastack/lastack.h>

#include "bench.h"

enum { PORT = 7, MTU = 1500, WIRE_BATCH = 16, CLIENT_ADDRS = 24, FIRST_LOCAL_PORT = 1024, LOCAL_PORTS = 64000 };

struct node {
  la_stack *stack;
  la_link link;
  la_listener listener;
};

/*
 * Seconds of each single call of input, output and tick, in their order. Two runs of the same program do the same calls, so that the
 * lesser time of each tells what is the stack's from what is the machine's.
 */
struct pair_times {
  float *least;
  size_t calls, cap;
  unsigned runs;
};

struct pair {
  struct node client, server;
  la_time now;
  uint64_t frames;
  struct pair_times *timed;                /* NULL: calls are not timed */
  void (*came)(void *ctx, struct node *n); /* the application's turn after each batch of input, as in any loop; NULL: none */
  void *ctx;
  la_frame out[WIRE_BATCH], in[WIRE_BATCH];
  uint8_t wire[WIRE_BATCH][2048];
  uint8_t *whole; /* whole.c; NULL: each segment crosses as a frame of its own */
  la_sums sums;
};

/* Both with the preset `linux` and `tune`d (NULL: as it is). The client has addresses for so many `pairs`, the server listens at PORT. */
struct pair *pair_new(unsigned long pairs, void (*tune)(la_config *));
void pair_free(struct pair *p);
/* Everything that `from` has to send crosses the wire, each segment as a frame of its own. Returns how many. */
size_t pair_carry(struct pair *p, struct node *from, struct node *to);
/* From now on descriptors of the client's cross as they are. */
void pair_whole(struct pair *p);
size_t pair_carry_whole(struct pair *p, struct node *from, struct node *to);
/* Both directions in turn until nothing moves. */
void pair_settle(struct pair *p);
void pair_tick(struct pair *p);
/* The event that must come now. */
la_event pair_expect(struct node *n, enum la_event_type type);

/* From the n-th pair of local address and port. */
la_conn pair_connect(struct pair *p, unsigned long n);
/* A connection that has carried a byte each way, with real segments; both ends idle afterwards. */
void pair_open_idle(struct pair *p, unsigned long n, la_conn *client, la_conn *server);
/* Releases it with four segments, the client first. */
void pair_release(struct pair *p, la_conn client, la_conn server);

/* What `bench_lastack` does, each with its own arguments. */
int bulk_main(int argc, char **argv);
int cycles_main(int argc, char **argv);
int bytes_main(int argc, char **argv);
int keepalive_main(int argc, char **argv);
int million_main(int argc, char **argv);
int worst_main(int argc, char **argv);
int tun_main(int argc, char **argv);
int tunfloor_main(int argc, char **argv);
int capture_main(int argc, char **argv);
int explain_main(int argc, char **argv);

#endif
