/* SPDX-License-Identifier: MIT */
/* lastack metrics: the counters of a running stack as Prometheus reads them. */
#include <stdlib.h>

#include "cli/ask.h"

struct args {
  const char *cmd, *path;
};
enum { OPT_SOCKET = 256 };
static const struct argp_option options[] = {
  {"socket", OPT_SOCKET, "PATH", 0, "ask there (default: the one socket in $XDG_RUNTIME_DIR/lastack or /run/lastack)", 0},
  {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct args *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    return 0;
  case OPT_SOCKET:
    a->path = arg;
    return 0;
  case ARGP_KEY_ARG:
    la__usage(a->cmd, "%s: no argument is expected", arg);
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
  .options = options,
  .parser = parse,
  .doc = "Prints the counters of a running process's stacks, added up, in the text format of Prometheus."
         "\vPrometheus itself may ask the socket: it answers HTTP's GET /metrics.\n\nExit status: 0; 1 when none answers, or several do; 2 "
         "wrong usage.",
};

int la__cmd_metrics(int argc, char **argv) {
  struct args a = {.cmd = argv[0]};
  struct sources src;
  char err[ASK_ERR];
  char *text = NULL;
  size_t len = 0, n = 0;
  int status = EXIT_OK;
  la__args(&argp, argc, argv, 0, &a);
  la__sources_find(&src, a.path);
  for (size_t i = 0; i < src.n && !status; i++) {
    size_t got;
    char *one = la__ask_metrics(src.path[i], &got, err);
    if (!one && err[0])
      status = la__fail(a.cmd, "%s", err);
    if (!one)
      continue;
    n++;
    free(text); /* of another process: then neither is printed */
    text = one;
    len = got;
  }
  if (!status && n > 1)
    status = la__fail(a.cmd, "%zu processes answer: say which, with --socket", n);
  if (!status && !n)
    status = la__sources_none(a.cmd, a.path);
  if (!status)
    fwrite(text, 1, len, stdout);
  free(text);
  la__sources_free(&src);
  return status;
}
