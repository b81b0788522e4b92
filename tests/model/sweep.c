/* SPDX-License-Identifier: MIT */
#include "tests/model/sweep.h"

#include <string.h>

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

/* All cases of one place, address family and agreement on timestamps. `first`: its number of the first. */
static void sweep(struct sweep *w, unsigned place, bool six, bool ts, uint64_t first) {
  static char why[TEXT];
  struct stand st;
  struct m_tcb t;
  uint64_t from = w->one ? w->only : (first + w->stride - 1) / w->stride * w->stride;
  if (from < first || from >= first + GRID)
    return;
  stand_place(&st, &places[place], six, ts, LA_PRESET_RFC, &t);
  stand_keep(&st);
  for (uint64_t n = from; n < first + GRID; n += w->stride) {
    struct m_seg seg;
    struct m_result r;
    grid_segment((uint32_t)(n - first), &t, &seg);
    m_arrives(&t, &seg, &grid_sizes, &r);
    stand_back(&st);
    stand_inject(&st, &seg);
    stand_pump(&st);
    bool right = grid_compare(&t, &r, &st, why, sizeof why);
    w->cases++;
    tally[t.state][answer_of(&r)][r.after.state]++;
    ruled[r.rule]++;
    if (!right && denied[t.state][r.rule]++ == 0)
      denied_first[t.state][r.rule] = n;
    if (!right && w->wrong++ < w->shown)
      printf("case %llu: they disagree: %s\n", (unsigned long long)n, why);
    if (w->one || (!right && w->wrong <= w->shown))
      grid_explain(&places[place], six, (uint32_t)(n - first), &t, &seg, &r, &st);
    if (w->one)
      break;
  }
  stand_back(&st);
  stand_close(&st);
}

void sweep_summary(FILE *f) {
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

void sweep_disagreements(FILE *f) {
  for (unsigned s = 0; s < M_STATES; s++)
    for (unsigned i = 0; i < R_COUNT; i++)
      if (denied[s][i])
        fprintf(f, "%12llu disagreements in %s where the model says %s; the first is case %llu\n", (unsigned long long)denied[s][i],
                la_state_name((enum la_state)s), m_rule_text[i].name, (unsigned long long)denied_first[s][i]);
}

void sweep_state(struct sweep *w, const char *state) {
  uint64_t first = 0;
  for (unsigned p = 0; p < nplaces; p++)
    for (unsigned v = 0; v < 4; v++, first += GRID)
      if (!state || !strcmp(state, la_state_name((enum la_state)places[p].st)))
        sweep(w, p, v & 1, v & 2, first);
}
