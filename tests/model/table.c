/* SPDX-License-Identifier: MIT */
/*
 * The exhaustive table: every segment of a grid, met in every place, by the stack and by the model (model.h), which must agree on the
 * answer, the next state, the variables and on what the application is told.
 *
 *     model_table [--sample N] [--state S] [--explain CASE] [--summary FILE] [--fail N]
 *
 * --sample: every N-th case; an N without the factors 2, 3 and 13 visits every corner of the grid. --explain: one case, at length.
 * --summary: how often which answer and next state. --fail: so many disagreements are printed in full. Exit status 1: there was one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/model/sweep.h"

static uint64_t number(const char *s) {
  char *end;
  unsigned long long v = s ? strtoull(s, &end, 10) : 0;
  if (!s || *end || end == s)
    stand_die("not a number: %s", s ? s : "");
  return v;
}

int main(int argc, char **argv) {
  struct sweep w = {.stride = 1, .shown = 5};
  const char *state = NULL, *summary = NULL;
  for (int i = 1; i < argc; i += 2) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (!strcmp(argv[i], "--sample"))
      w.stride = number(value);
    else if (!strcmp(argv[i], "--explain"))
      w.only = number(value), w.one = true;
    else if (!strcmp(argv[i], "--state") && value)
      state = value;
    else if (!strcmp(argv[i], "--summary") && value)
      summary = value;
    else if (!strcmp(argv[i], "--fail"))
      w.shown = (unsigned)number(value);
    else
      stand_die("usage: model_table [--sample N] [--state S] [--explain CASE] [--summary FILE] [--fail N]");
  }
  if (!w.stride)
    stand_die("--sample 0 looks at nothing");
  clock_t began = clock();
  sweep_state(&w, state);
  if (!w.cases)
    stand_die("there is no such case");
  if (summary) {
    FILE *f = fopen(summary, "w");
    if (!f)
      stand_die("%s cannot be written", summary);
    sweep_summary(f);
    fclose(f);
  }
  sweep_disagreements(stdout);
  printf("%llu cases of %llu in %u places, %.1f s of processor time, %llu disagreements\n", (unsigned long long)w.cases,
         4ull * nplaces * GRID, nplaces, (double)(clock() - began) / CLOCKS_PER_SEC, (unsigned long long)w.wrong);
  return w.wrong ? 1 : 0;
}
