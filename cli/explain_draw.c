/* SPDX-License-Identifier: MIT */
#include "cli/explain_draw.h"

#include "draw/states.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_LADDER = 0x7101, KEY_STATES };

static const struct argp_option options[] = {
  {"connection", 'c', "N", 0, "Only connection CN, as the lines number them; may be given again", 1},
  {"ladder", KEY_LADDER, NULL, 0, "Draw each connection on the terminal", 7},
  {"states", KEY_STATES, "FILE", 0, "The state diagram with the paths of one connection's ends, to FILE as SVG", 7},
  {0},
};
static const struct argp_child children[] = {{.argp = &la__drawings_argp}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct explain_draw *x = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &x->to;
    return 0;
  case 'c': {
    uint64_t *ids = realloc(x->ids, (x->nids + 1) * sizeof *ids);
    if (!ids)
      abort();
    x->ids = ids;
    x->ids[x->nids++] = la__number(x->cmd, "--connection", arg + (*arg == 'C'), 1, UINT64_MAX);
    return 0;
  }
  case KEY_LADDER:
    x->ladder = true;
    return 0;
  case KEY_STATES:
    x->states = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}
const struct argp la__explain_draw_argp = {.options = options, .parser = parse, .children = children};

bool la__explain_chosen(const struct explain_draw *x, const struct flow *c) {
  for (size_t i = 0; i < x->nids; i++)
    if (x->ids[i] == c->id)
      return true;
  return !x->nids;
}

void la__explain_draw_done(struct explain_draw *x, const struct flow *c, const struct verdict *v) {
  struct drawing *d = la__captured_done(&x->captured, c, v);
  if (!d || !x->ladder)
    return;
  struct ladder_style style = la__ladder_style(stdout);
  putchar('\n');
  la__drawing_ladder(d, stdout, &style);
  putchar('\n');
}

static bool write_states(FILE *out, void *ctx) {
  const struct drawing *d = ctx;
  struct states_path path[STATES_PATHS];
  char title[360];
  size_t n = 0;
  for (unsigned side = 0; side < 2; side++) {
    la__states_of(&path[n], d, side);
    n += path[n].n > 0;
  }
  snprintf(title, sizeof title, "TCP's states in %s", d->heading);
  la__states_svg(out, title, path, n);
  return true;
}

static int states(const struct explain_draw *x) {
  const struct draw_doc *doc = &x->captured.doc;
  if (doc->n != 1 || x->captured.left_out)
    return la__fail(x->cmd, "--states draws one connection, not %zu: choose with --connection", doc->n);
  return la__drawings_file(x->cmd, x->states, write_states, doc->drawing[0]);
}

int la__explain_draw_finish(struct explain_draw *x, const char *file) {
  struct draw_doc *doc = &x->captured.doc;
  char title[300];
  int status = EXIT_OK;
  la__captured_finish(&x->captured);
  snprintf(title, sizeof title, "lastack explain %s", file);
  doc->title = title;
  if (x->captured.out_of_memory)
    status = la__fail(x->cmd, "out of memory: not everything is drawn");
  if (doc->left_out[0])
    fprintf(stderr, "%s: %s\n", x->cmd, doc->left_out);
  status |= la__drawings_write(&x->to, x->cmd, doc);
  if (x->states)
    status |= states(x);
  return status;
}

void la__explain_draw_free(struct explain_draw *x) {
  free(x->ids);
  la__captured_free(&x->captured);
}
