/* SPDX-License-Identifier: MIT */
/* A stack on a device of this machine - TUN, TAP or an Ethernet interface -, with what is told about it: what serve and connect share. */
#ifndef LA_CLI_NODE_H
#define LA_CLI_NODE_H

#include "cli/rig.h"
#include "cli/tap.h"

enum { NODE_ADDRS = 16, NODE_HOST_ADDRS = 4, NODE_GATEWAYS = 2 };
enum node_kind { NODE_TUN, NODE_TAP, NODE_PACKET };

struct node_args {
  const char *cmd, *device, *pcapng, *fault;
  enum node_kind kind;
  struct net_addr addr[NODE_ADDRS], host_addr[NODE_HOST_ADDRS];
  unsigned naddr, nhost, ngateway;
  la_addr gateway[NODE_GATEWAYS];
  uint8_t mac[LA_MAC]; /* zero: none was given */
  la_time msl;
  unsigned offload; /* enum la_offload; of a TUN device */
  bool verbose, json, ascii, no_probe;
};
/* The options, as a child of the command's own parser: its input is a struct node_args of which cmd is set. */
extern const struct argp la__node_argp;
/* When all options are known: contradictions end the program; addresses of `family` where none were given. */
void la__node_args_done(struct node_args *a, unsigned family);

struct node {
  const struct node_args *args;
  FILE *out;             /* ladder and endings */
  enum ladder_side side; /* where the stack is drawn */
  void (*work)(void *ctx, la_time now);
  void (*ended)(void *ctx, const la_event *end); /* in place of `work`, while la__node_drain runs */
  void *ctx;
  /* private but for reading */
  struct rig rig;
  la_host *host;
  la_driver *driver; /* until the loop has it */
  la_pcapng *pcapng;
  struct tap *tap;
};
/* The stack with its addresses, the loop, signals. The first six fields are the caller's. EXIT_OK, or EXIT_FAIL after a line on stderr. */
int la__node_new(struct node *n);
/* The device and the file. As above. */
int la__node_open(struct node *n);
/* Waits until every address is ours, or somebody turns out to have it. As above; EXIT_OK too when a signal comes first. */
int la__node_settle(struct node *n);
/* Tells how a connection ended. */
void la__node_end(struct node *n, const la_end *end);
/* la_host_turn. */
bool la__node_turn(struct node *n, la_time until);
/* SIGINT or SIGTERM has come. */
static inline bool la__node_stopped(const struct node *n) { return la_host_stops(n->host) > 0; }
/* Releases every connection within a bounded time; a further signal ends that at once. As la__node_turn. */
bool la__node_drain(struct node *n);
/* After it has failed: says why. EXIT_FAIL. */
int la__node_broken(const struct node *n);
/* Undoes everything, after a failure too. Returns `status`, or EXIT_FAIL when the file turns out not to have been written. */
int la__node_free(struct node *n, int status);

#endif
