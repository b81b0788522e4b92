/* SPDX-License-Identifier: MIT */
/* lastack explain: choosing connections by number, and drawing them. */
#ifndef LA_CLI_EXPLAIN_DRAW_H
#define LA_CLI_EXPLAIN_DRAW_H

#include "cli/drawings.h"
#include "draw/captured.h"

struct explain_draw {
  const char *cmd;
  struct drawings to;
  const char *states; /* FILE */
  bool ladder;
  uint64_t *ids; /* --connection; none: all */
  size_t nids;
  struct captured captured;
};

extern const struct argp la__explain_draw_argp; /* its input is a struct explain_draw */

static inline bool la__explain_draws(const struct explain_draw *x) { return la__drawings_wanted(&x->to) || x->states || x->ladder; }
bool la__explain_chosen(const struct explain_draw *x, const struct flow *c);
/* c is over and was told of: its ladder, if that was asked for. */
void la__explain_draw_done(struct explain_draw *x, const struct flow *c, const struct verdict *v);
/* Writes the files. An exit status. */
int la__explain_draw_finish(struct explain_draw *x, const char *file);
void la__explain_draw_free(struct explain_draw *x);

#endif
