/* SPDX-License-Identifier: MIT */
/* lastack states: the diagram from the table that the machine uses. */
#include "cli/cli.h"
#include "draw/ladder.h"
#include "draw/states.h"

enum form { TEXT, DOT, MERMAID };
struct args {
  enum form form;
  bool ascii;
};
enum { OPT_DOT = 256, OPT_MERMAID, OPT_ASCII };

static const struct argp_option options[] = {
  {"dot", OPT_DOT, NULL, 0, "for Graphviz", 0},
  {"mermaid", OPT_MERMAID, NULL, 0, "for Mermaid", 0},
  {"ascii", OPT_ASCII, NULL, 0, "no line-drawing characters", 0},
  {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct args *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    return 0;
  case OPT_DOT:
  case OPT_MERMAID:
    if (a->form != TEXT)
      la__usage(state->argv[0], "--dot and --mermaid exclude each other");
    a->form = key == OPT_DOT ? DOT : MERMAID;
    return 0;
  case OPT_ASCII:
    a->ascii = true;
    return 0;
  case ARGP_KEY_ARG:
    la__usage(state->argv[0], "%s: no argument is expected", arg);
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

int la__cmd_states(int argc, char **argv) {
  static const struct argp argp = {
    .options = options, .parser = parse, .doc = "Prints the state diagram from the table that the machine uses."};
  struct args a = {0};
  la__args(&argp, argc, argv, 0, &a);
  if (a.form == DOT)
    la__states_dot(stdout);
  else if (a.form == MERMAID)
    la__states_mermaid(stdout);
  else
    la__states_text(stdout, a.ascii || la__ladder_style(stdout).ascii);
  return EXIT_OK;
}
