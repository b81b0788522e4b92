/* SPDX-License-Identifier: MIT */
#include "draw/states.h"

#include <stdlib.h>
#include <string.h>

#include <lastack/trace.h>

/* The causes that lead from one state to another, joined by " or "; empty when none does. */
static void causes(enum la_state from, enum la_state to, char *buf, size_t cap) {
  la_transition t;
  size_t n = 0;
  buf[0] = 0;
  for (size_t i = 0; la_transition_get(i, &t) && n < cap; i++)
    if (t.from == from && t.to == to)
      n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? " or " : "", la_cause_name(t.cause));
}

static unsigned edges_from(enum la_state from) {
  char text[512];
  unsigned n = 0;
  for (unsigned to = 0; to < LA_STATES; to++) {
    causes(from, (enum la_state)to, text, sizeof text);
    n += text[0] != 0;
  }
  return n;
}

/* One box a state, one line an edge; the arrows of a state are as long as its longest label, within reason. */
static void draw_state(FILE *out, enum la_state from, bool ascii) {
  const char *dash = ascii ? "-" : "─", *fork = ascii ? "+" : "├", *last = ascii ? "`" : "└", *head = ascii ? ">" : "►";
  char text[512];
  size_t width = 24;
  for (unsigned to = 0; to < LA_STATES; to++) {
    causes(from, (enum la_state)to, text, sizeof text);
    if (strlen(text) > width && strlen(text) <= 72)
      width = strlen(text);
  }
  fprintf(out, "%s\n", la_state_name(from));
  unsigned left = edges_from(from);
  for (unsigned to = 0; to < LA_STATES; to++) {
    causes(from, (enum la_state)to, text, sizeof text);
    if (!text[0])
      continue;
    fprintf(out, "  %s%s%s %s ", --left ? fork : last, dash, dash, text);
    for (size_t i = strlen(text); i < width; i++)
      fputs(dash, out);
    fprintf(out, "%s%s %s\n", dash, head, la_state_name((enum la_state)to));
  }
  fputc('\n', out);
}

void la__states_text(FILE *out, bool ascii) {
  for (unsigned from = 0; from < LA_STATES; from++)
    if (edges_from((enum la_state)from))
      draw_state(out, (enum la_state)from, ascii);
}

static const char *const pens[STATES_PATHS] = {"#1f5fbf", "#a8500a"};

/* The steps of a path from one state to another, as "1" or "2, 6". */
static void steps(const struct states_path *p, enum la_state from, enum la_state to, char *buf, size_t cap) {
  size_t n = 0;
  buf[0] = 0;
  for (size_t i = 1; i < p->n && n < cap; i++)
    if (p->state[i - 1] == from && p->state[i] == to)
      n += (size_t)snprintf(buf + n, cap - n, "%s%zu", n ? ", " : "", i);
}

static void dot_edge(FILE *out, enum la_state from, enum la_state to, const char *label, const struct states_path *path, size_t npaths) {
  bool taken = false;
  for (size_t i = 0; i < npaths; i++) {
    char text[160];
    steps(&path[i], from, to, text, sizeof text);
    if (!text[0])
      continue;
    taken = true;
    fprintf(out, "  \"%s\" -> \"%s\" [label=\"%s: %s\", color=\"%s\", fontcolor=\"%s\", penwidth=3];\n", la_state_name(from),
            la_state_name(to), text, label, pens[i], pens[i]);
  }
  if (!taken)
    fprintf(out, "  \"%s\" -> \"%s\" [label=\"%s\"];\n", la_state_name(from), la_state_name(to), label);
}

void la__states_dot(FILE *out, const struct states_path *path, size_t npaths) {
  char text[512];
  fputs("digraph tcp {\n  node [shape=box];\n", out);
  for (unsigned from = 0; from < LA_STATES; from++)
    for (unsigned to = 0; to < LA_STATES; to++) {
      causes((enum la_state)from, (enum la_state)to, text, sizeof text);
      if (text[0])
        dot_edge(out, (enum la_state)from, (enum la_state)to, text, path, npaths);
    }
  fputs("}\n", out);
}

/* Mermaid's identifiers hold no '-'. */
static void mermaid_edge(FILE *out, const char *from, const char *to, const char *label) {
  char a[40], b[40];
  snprintf(a, sizeof a, "%s", from);
  snprintf(b, sizeof b, "%s", to);
  for (char *p = a; (p = strchr(p, '-'));)
    *p = '_';
  for (char *p = b; (p = strchr(p, '-'));)
    *p = '_';
  fprintf(out, "  %s --> %s: %s\n", a, b, label);
}

void la__states_mermaid(FILE *out) {
  fputs("stateDiagram-v2\n", out);
  for (unsigned st = 0; st < LA_STATES; st++) {
    char id[40];
    snprintf(id, sizeof id, "%s", la_state_name((enum la_state)st));
    for (char *p = id; (p = strchr(p, '-'));)
      *p = '_';
    if (edges_from((enum la_state)st))
      fprintf(out, "  state \"%s\" as %s\n", la_state_name((enum la_state)st), id);
  }
  for (unsigned from = 0; from < LA_STATES; from++)
    for (unsigned to = 0; to < LA_STATES; to++) {
      char text[512];
      causes((enum la_state)from, (enum la_state)to, text, sizeof text);
      if (text[0])
        mermaid_edge(out, la_state_name((enum la_state)from), la_state_name((enum la_state)to), text);
    }
}
