/* SPDX-License-Identifier: MIT */
/* The state diagram, drawn from the table that the machine uses (la_transition_get), with the paths that connections took. */
#ifndef LA_DRAW_STATES_H
#define LA_DRAW_STATES_H

#include <stdbool.h>
#include <stdio.h>

#include "draw/drawing.h"

enum { STATES_STEPS = 32, STATES_PATHS = 2, STATES_WIDE = 1000 };
struct states_path {
  char name[96];
  enum la_state state[STATES_STEPS];
  size_t n;
};
/* "ESTABLISHED,FIN-WAIT-1": names as la_state_name gives them, in either case. false: `err` says which step is none of the table's. */
bool la__states_parse(struct states_path *p, const char *text, char *err, size_t cap);
/* The states of a drawing's side; n is 0 when nothing is known of it. */
void la__states_of(struct states_path *p, const struct drawing *d, unsigned side);

void la__states_text(FILE *out, bool ascii);
void la__states_dot(FILE *out, const struct states_path *path, size_t npaths);
void la__states_mermaid(FILE *out);
/* A file that stands alone, laid out like RFC 9293's figure 5; at most STATES_PATHS paths. */
void la__states_svg(FILE *out, const char *title, const struct states_path *path, size_t npaths);
/* Its drawing as part of something larger: within <svg class="lastack">, from (0, 0) on, STATES_WIDE wide. Returns its height. */
double la__states_body(FILE *out, const struct states_path *path, size_t npaths);

#endif
