/* SPDX-License-Identifier: MIT */
/*
 * The exhaustive table: every segment of a grid, met in every place, by the stack and by the model (model.h), which must agree on the
 * answer, the next state, the variables and on what the application is told.
 *
 *     model_table [--sample N] [--state S] [--explain CASE] [--summary FILE] [--fail N]
 *
 * --sample: every N-th case (a stride; use one that shares no factor with the grid's). --explain: one case, at length. Exit status: 1 when they disagree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/model/grid.h"

enum { ANSWERS = 8, TEXT = 1600 };

static uint64_t tally[M_STATES][ANSWERS][M_STATES], ruled[R_COUNT], denied[M_STATES][R_COUNT], denied_first[M_STATES][R_COUNT];
static const char *const answer_name[ANSWERS] = {"nothing", "ACK", "RST", "RST,ACK", "SYN,ACK", "text", "text,FIN", "other"};

static unsigned answer_of(const struct m_result *r) {
  if (!r->n)
    return 0;
  const struct m_out *o = &r->out[0];
  if (o->len)
    return o->flags & M_FIN ? 6 : 5;
  switch (o->flags) {
  case M_ACK:
    return 1;
  case M_RST:
    return 2;
  case M_RST | M_ACK:
    return 3;
  case M_SYN | M_ACK:
    return 4;
  default:
    return 7;
  }
}

struct options {
  uint64_t stride;
  uint64_t explain;
  bool one;
  const char *state, *summary;
  unsigned shown;
};

struct run {
  const struct options *o;
  uint64_t cases, wrong;
};

/* All cases of one place, address family and agreement on timestamps. `first`: its number of the first. */
static void sweep(struct run *run, unsigned place, bool six, bool ts, uint64_t first) {
  static char why[TEXT];
  struct stand st;
  struct m_tcb t;
  uint64_t from = run->o->one ? run->o->explain : (first + run->o->stride - 1) / run->o->stride * run->o->stride;
  if (from < first || from >= first + GRID)
    return;
  stand_open(&st, six);
  place_reach(&places[place], ts, &st, &t);
  stand_keep(&st);
  for (uint64_t n = from; n < first + GRID; n += run->o->stride) {
    struct m_seg seg;
    struct m_result r;
    grid_segment((uint32_t)(n - first), &t, &st, &seg);
    m_arrives(&t, &seg, &grid_sizes, &r);
    stand_back(&st);
    stand_inject(&st, &seg);
    stand_pump(&st);
    bool right = grid_compare(&t, &r, &st, why, sizeof why);
    run->cases++;
    tally[t.state][answer_of(&r)][r.after.state]++;
    ruled[r.rule]++;
    if (!right && denied[t.state][r.rule]++ == 0)
      denied_first[t.state][r.rule] = n;
    if (!right && run->wrong++ < run->o->shown)
      printf("case %llu: they disagree: %s\n", (unsigned long long)n, why);
    if (run->o->one || (!right && run->wrong <= run->o->shown))
      grid_explain(&places[place], six, (uint32_t)(n - first), &t, &seg, &r, &st);
    if (run->o->one)
      break;
  }
  stand_back(&st);
  stand_close(&st);
}

static void summary(FILE *f) {
  fprintf(f, "%-13s %-9s %-13s %12s\n", "state", "answer", "next", "cases");
  for (unsigned s = 0; s < M_STATES; s++)
    for (unsigned a = 0; a < ANSWERS; a++)
      for (unsigned n = 0; n < M_STATES; n++)
        if (tally[s][a][n])
          fprintf(f, "%-13s %-9s %-13s %12llu\n", la_state_name((enum la_state)s), answer_name[a], la_state_name((enum la_state)n),
                  (unsigned long long)tally[s][a][n]);
  fprintf(f, "\n%12s  rule that decided\n", "cases");
  for (unsigned i = 0; i < R_COUNT; i++)
    fprintf(f, "%12llu  %s (%s): %s\n", (unsigned long long)ruled[i], m_rule_text[i].name, m_rule_text[i].clause, m_rule_text[i].text);
}

static uint64_t number(const char *s) {
  char *end;
  unsigned long long v = s ? strtoull(s, &end, 10) : 0;
  if (!s || *end || end == s)
    stand_die("not a number: %s", s ? s : "");
  return v;
}

static struct options parse(int argc, char **argv) {
  struct options o = {.stride = 1, .shown = 5};
  for (int i = 1; i < argc; i += 2) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (!strcmp(argv[i], "--sample"))
      o.stride = number(value);
    else if (!strcmp(argv[i], "--explain"))
      o.explain = number(value), o.one = true;
    else if (!strcmp(argv[i], "--state"))
      o.state = value;
    else if (!strcmp(argv[i], "--summary"))
      o.summary = value;
    else if (!strcmp(argv[i], "--fail"))
      o.shown = (unsigned)number(value);
    else
      stand_die("usage: model_table [--sample N] [--state S] [--explain CASE] [--summary FILE] [--fail N]");
  }
  if (!o.stride)
    stand_die("--sample 0 looks at nothing");
  return o;
}

int main(int argc, char **argv) {
  struct options o = parse(argc, argv);
  struct run run = {.o = &o};
  clock_t began = clock();
  uint64_t first = 0, all = 0;
  for (unsigned p = 0; p < nplaces; p++)
    for (unsigned v = 0; v < 4; v++, first += GRID)
      if (!o.state || !strcmp(o.state, la_state_name((enum la_state)places[p].st))) {
        sweep(&run, p, v & 1, v & 2, first);
        all += GRID;
      }
  if (!run.cases)
    stand_die("no such case");
  if (o.summary) {
    FILE *f = fopen(o.summary, "w");
    if (!f)
      stand_die("%s cannot be written", o.summary);
    summary(f);
    fclose(f);
  }
  for (unsigned s = 0; s < M_STATES; s++)
    for (unsigned i = 0; i < R_COUNT; i++)
      if (denied[s][i])
        printf("%12llu disagreements in %s where the model says %s; the first is case %llu\n", (unsigned long long)denied[s][i],
               la_state_name((enum la_state)s), m_rule_text[i].name, (unsigned long long)denied_first[s][i]);
  printf("%llu cases of %llu in %u places, %.1f s of processor time, %llu disagreements\n", (unsigned long long)run.cases,
         (unsigned long long)all, nplaces, (double)(clock() - began) / CLOCKS_PER_SEC, (unsigned long long)run.wrong);
  return run.wrong ? 1 : 0;
}
