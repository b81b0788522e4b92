/* SPDX-License-Identifier: MIT */
/* lastack metrics: the counters of a running stack as Prometheus reads them. */
#include <stdlib.h>

#include "cli/ask.h"

static error_t parse(int key, char *arg, struct argp_state *state) {
  (void)arg;
  if (key != ARGP_KEY_INIT)
    return ARGP_ERR_UNKNOWN;
  la__args_init(state);
  state->child_inputs[0] = state->input;
  return 0;
}

static const struct argp argp = {
  .children = la__asked_children,
  .parser = parse,
  .doc = "Prints the counters of a running process's stacks, added up, in the text format of Prometheus."
         "\vPrometheus itself may ask the socket: it answers HTTP's GET /metrics.\n\nExit status: 0; 1 when none answers, or several do; 2 "
         "wrong usage.",
};

int la__cmd_metrics(int argc, char **argv) {
  struct asked a = {.cmd = argv[0]};
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
