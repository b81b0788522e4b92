/* SPDX-License-Identifier: MIT */
/* lastack states: the diagram from the table that the machine uses, and the path that a connection took in it. */
#include "cli/cli.h"
#include "cli/drawings.h"

#include "draw/states.h"
#include "sim/show.h"

#include <stdlib.h>
#include <string.h>

enum form { TEXT, DOT, MERMAID, SVG };
struct args {
  const char *cmd, *svg, *sim;
  enum form form;
  bool ascii;
  struct states_path path[STATES_PATHS];
  size_t npaths;
};
enum { OPT_DOT = 256, OPT_MERMAID, OPT_SVG, OPT_ASCII, OPT_PATH, OPT_SIM };

static const struct argp_option options[] = {
  {"svg", OPT_SVG, "FILE", 0, "as a picture, laid out like RFC 9293's figure 5; \"-\" is the standard output", 0},
  {"dot", OPT_DOT, NULL, 0, "for Graphviz", 0},
  {"mermaid", OPT_MERMAID, NULL, 0, "for Mermaid", 0},
  {"ascii", OPT_ASCII, NULL, 0, "no line-drawing characters", 0},
  {"path", OPT_PATH, "STATES", 0, "highlight this path, states with commas between (--svg, --dot); may be given twice", 1},
  {"from-sim", OPT_SIM, "SIM", 0, "highlight the paths of both hosts in the first run of the scenario SIM, or of one: NAME:HOST", 1},
  {0},
};

static void choose(struct args *a, enum form form) {
  if (a->form != TEXT)
    la__usage(a->cmd, "--svg, --dot and --mermaid exclude each other");
  a->form = form;
}

static void add_path(struct args *a, const char *text) {
  char err[120];
  struct states_path p;
  if (a->npaths == STATES_PATHS)
    la__usage(a->cmd, "--path: at most %d", STATES_PATHS);
  if (!la__states_parse(&p, text, err, sizeof err))
    la__usage(a->cmd, "--path %s: %s", text, err);
  snprintf(p.name, sizeof p.name, "%s to %s", la_state_name(p.state[0]), la_state_name(p.state[p.n - 1]));
  a->path[a->npaths++] = p;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct args *a = state->input;
  switch (key) {
  case OPT_DOT:
  case OPT_MERMAID:
    choose(a, key == OPT_DOT ? DOT : MERMAID);
    return 0;
  case OPT_SVG:
    choose(a, SVG);
    a->svg = arg;
    return 0;
  case OPT_ASCII:
    a->ascii = true;
    return 0;
  case OPT_PATH:
    add_path(a, arg);
    return 0;
  case OPT_SIM:
    a->sim = arg;
    return 0;
  default:
    return la__args_other(key, arg, state, a->cmd);
  }
}

/* The paths of the hosts in a scenario's first run that is drawn. */
static void run_sim(struct args *a) {
  char name[64];
  size_t n = strcspn(a->sim, ":");
  const char *host = a->sim[n] ? a->sim + n + 1 : NULL;
  struct sim_opts opt;
  struct draw_doc doc = {0};
  snprintf(name, sizeof name, "%.*s", (int)n, a->sim);
  const struct scen *sc = la__scen_find(name);
  if (!sc)
    la__usage(a->cmd, "--from-sim %s: unknown scenario; lastack sim --list names them", a->sim);
  la__sim_opts_init(&opt);
  struct sim *s = la__sim_run(sc, &opt);
  la__show_draw(s, &doc);
  for (unsigned side = 0; side < 2 && doc.n; side++)
    if (!host || strcmp(host, doc.drawing[0]->name[side]) == 0) {
      la__states_of(&a->path[a->npaths], doc.drawing[0], side);
      a->npaths += a->path[a->npaths].n > 0;
    }
  la__doc_free(&doc);
  la__sim_free(s);
  if (!a->npaths)
    la__usage(a->cmd, "--from-sim %s: no such host, or it has no connection", a->sim);
}

static bool svg(FILE *out, void *ctx) {
  const struct args *a = ctx;
  char title[120];
  snprintf(title, sizeof title, a->sim ? "TCP's states in %s" : "TCP's states", a->sim);
  la__states_svg(out, title, a->path, a->npaths);
  return true;
}

int la__cmd_states(int argc, char **argv) {
  static const struct argp argp = {
    .options = options, .parser = parse, .doc = "Prints the state diagram from the table that the machine uses."};
  struct args a = {.cmd = argv[0]};
  la__args(&argp, argc, argv, 0, &a);
  if (a.sim && a.npaths)
    la__usage(a.cmd, "--path and --from-sim exclude each other");
  if ((a.sim || a.npaths) && a.form != SVG && a.form != DOT)
    la__usage(a.cmd, "a path is highlighted by --svg and --dot only");
  if (a.sim)
    run_sim(&a);
  if (a.form == SVG)
    return la__drawings_file(a.cmd, a.svg, svg, &a);
  if (a.form == DOT)
    la__states_dot(stdout, a.path, a.npaths);
  else if (a.form == MERMAID)
    la__states_mermaid(stdout);
  else
    la__states_text(stdout, a.ascii || la__ladder_style(stdout).ascii);
  return EXIT_OK;
}
