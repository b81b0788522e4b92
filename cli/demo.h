/* SPDX-License-Identifier: MIT */
/* Parts of the demo: the kernel's side (namespace, curl) and a client on a stack of ours. */
#ifndef LA_CLI_DEMO_H
#define LA_CLI_DEMO_H

#include <http_parser.h>
#include <sys/types.h>

#include <lastack/lastack.h>

/* Moves the process into a network namespace of its own, by way of a user namespace if it must. false: `why` says why not. */
bool la__demo_namespace(char *why, size_t cap);
/* The path of curl; false: there is none. */
bool la__demo_find_curl(char *path, size_t cap);
/* Starts curl on a URL; *out can be read for one line of result. 0 or an errno. */
int la__demo_curl(const char *path, const char *url, pid_t *pid, int *out);

/* A client that fetches "/" and closes, as curl does. */
struct demo_client {
  la_stack *stack;
  la_conn conn;
  la_time now;
  bool failed, complete, closed, ended;
  unsigned status;
  uint64_t bytes;
  http_parser parser;
};
/* A la_err. */
int la__demo_client_start(struct demo_client *c, la_stack *s, const la_addr *to, uint16_t port, la_time now);
void la__demo_client_work(struct demo_client *c, la_time now);

#endif
