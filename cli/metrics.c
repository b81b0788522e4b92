/* SPDX-License-Identifier: MIT */
/* lastack metrics: the counters of a running stack as Prometheus reads them. */
#include <stdlib.h>

#include "cli/ask.h"

enum { OPT_PID = 256 };
struct ask {
  struct asked a;
  unsigned pid; /* 0: any */
};
static const struct argp_option options[] = {{"pid", OPT_PID, "N", 0, "only of this process", 0}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct ask *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &a->a;
    return 0;
  case OPT_PID:
    a->pid = (unsigned)la__number(a->a.cmd, "--pid", arg, 1, INT32_MAX);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
  .options = options,
  .children = la__asked_children,
  .parser = parse,
  .doc = "Prints the counters of a running process's stacks, added up, in the text format of Prometheus."
         "\vPrometheus itself may ask the socket: it answers HTTP's GET /metrics.\n\nExit status: 0; 1 when none answers, or several do; 2 "
         "wrong usage.",
};

static void take_pid(void *ctx, json_t *line) {
  const json_t *pid = json_object_get(line, "pid");
  if (pid)
    *(unsigned *)ctx = (unsigned)json_integer_value(pid);
}
static bool is_pid(const char *path, unsigned pid) {
  char err[ASK_ERR];
  unsigned theirs = 0;
  return la__ask(path, "{\"v\":1,\"get\":\"hello\"}\n", take_pid, &theirs, err) && theirs == pid;
}

int la__cmd_metrics(int argc, char **argv) {
  struct ask ask = {.a = {.cmd = argv[0]}};
  const struct asked *const a = &ask.a;
  struct sources src;
  char err[ASK_ERR];
  char *text = NULL;
  size_t len = 0, n = 0;
  int status = EXIT_OK;
  la__args(&argp, argc, argv, 0, &ask);
  la__sources_find(&src, a->path);
  for (size_t i = 0; i < src.n && !status; i++) {
    size_t got;
    if (ask.pid && !is_pid(src.path[i], ask.pid))
      continue;
    char *one = la__ask_metrics(src.path[i], &got, err);
    if (!one && err[0])
      status = la__fail(a->cmd, "%s", err);
    if (!one)
      continue;
    n++;
    free(text); /* of another process: then neither is printed */
    text = one;
    len = got;
  }
  if (!status && n > 1)
    status = la__fail(a->cmd, "%zu processes answer: say which, with --pid", n);
  if (!status && !n && ask.pid)
    status = la__fail(a->cmd, "no stack of process %u answers", ask.pid);
  if (!status && !n)
    status = la__sources_none(a->cmd, a->path);
  if (!status)
    fwrite(text, 1, len, stdout);
  free(text);
  la__sources_free(&src);
  return status;
}
