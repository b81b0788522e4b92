/* SPDX-License-Identifier: MIT */
/*
 * Boxes and routes are laid by hand as in RFC 9293's figure 5; what leads where, and on which event, is the table's. Whatever leads to
 * CLOSED besides the orderly ways would hide these: it stands in a table below, and is drawn when a path takes it. A row of the machine's
 * table for which there is no route would get a straight line, so nothing can be missing.
 */
#include "draw/states.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "draw/clause.h"
#include "draw/markup.h"
#include "draw/svg.h"

enum { BOX_W = 148, BOX_H = 42, TOP = 8, DIAGRAM = 930, CLOSED_AGAIN = LA_STATES };

static const struct {
  double x, y; /* of its middle */
} place[LA_STATES + 1] = {
  [LA_CLOSED] = {500, 40},       [LA_LISTEN] = {500, 170},     [LA_SYN_SENT] = {820, 310},   [LA_SYN_RECEIVED] = {180, 310},
  [LA_ESTABLISHED] = {500, 440}, [LA_FIN_WAIT_1] = {180, 580}, [LA_FIN_WAIT_2] = {180, 735}, [LA_CLOSE_WAIT] = {820, 580},
  [LA_CLOSING] = {500, 735},     [LA_LAST_ACK] = {820, 735},   [LA_TIME_WAIT] = {500, 875},  [CLOSED_AGAIN] = {820, 875},
};

/* An arrow's way; where its label stands (anchor 0 start, 1 middle, 2 end) and the numbers of steps. */
static const struct route {
  enum la_state from, to;
  bool exit; /* not of figure 5: only drawn when a path takes it */
  const char *way;
  double x, y;
  unsigned anchor;
  double bx, by;
} routes[] = {
  {LA_CLOSED, LA_LISTEN, false, "M476 61V145", 466, 108, 2, 476, 84},
  {LA_LISTEN, LA_CLOSED, false, "M524 149V65", 534, 108, 0, 524, 128},
  {LA_CLOSED, LA_SYN_SENT, false, "M574 40C760 40 846 130 846 285", 838, 104, 0, 760, 82},
  {LA_SYN_SENT, LA_CLOSED, false, "M800 289C800 160 730 66 580 52", 732, 172, 2, 770, 176},
  {LA_LISTEN, LA_SYN_RECEIVED, false, "M426 176C300 186 230 220 214 285", 318, 176, 2, 262, 220},
  {LA_SYN_RECEIVED, LA_LISTEN, false, "M254 296C330 280 410 240 452 195", 404, 266, 0, 340, 268},
  {LA_SYN_SENT, LA_SYN_RECEIVED, false, "M746 310H260", 500, 288, 1, 640, 310},
  {LA_SYN_RECEIVED, LA_ESTABLISHED, false, "M196 331C214 400 300 432 420 438", 228, 424, 2, 232, 388},
  {LA_SYN_SENT, LA_ESTABLISHED, false, "M804 331C786 400 700 432 580 438", 772, 424, 0, 768, 388},
  {LA_ESTABLISHED, LA_FIN_WAIT_1, false, "M426 448C280 458 196 490 182 555", 222, 462, 2, 254, 481},
  {LA_ESTABLISHED, LA_CLOSE_WAIT, false, "M574 448C720 458 804 490 818 555", 778, 462, 0, 746, 481},
  {LA_FIN_WAIT_1, LA_FIN_WAIT_2, false, "M150 601V710", 140, 652, 2, 150, 680},
  {LA_FIN_WAIT_1, LA_CLOSING, false, "M254 580H420C472 582 498 610 500 710", 336, 554, 1, 470, 600},
  {LA_FIN_WAIT_1, LA_TIME_WAIT, false, "M228 601C300 640 330 720 346 770C362 830 390 856 421 864", 322, 662, 0, 346, 770},
  {LA_FIN_WAIT_2, LA_TIME_WAIT, false, "M180 756C190 850 290 884 420 882", 198, 858, 2, 221, 834},
  {LA_CLOSING, LA_TIME_WAIT, false, "M500 756V850", 512, 802, 0, 500, 780},
  {LA_CLOSE_WAIT, LA_LAST_ACK, false, "M820 601V710", 832, 652, 0, 820, 680},
  {LA_LAST_ACK, LA_CLOSED, false, "M820 756V850", 832, 802, 0, 820, 780},
  {LA_TIME_WAIT, LA_CLOSED, false, "M574 875H742", 660, 861, 1, 610, 875},
  {LA_TIME_WAIT, LA_SYN_RECEIVED, false, "M500 896V918H40C30 918 24 912 24 902V330C24 318 30 310 42 310H102", 36, 506, 0, 24, 700},
  {LA_SYN_RECEIVED, LA_CLOSED, true, "M180 289C190 120 290 40 420 36", 0, 0, 0, 226, 130},
  {LA_ESTABLISHED, LA_CLOSED, true, "M560 419C660 340 650 120 566 65", 0, 0, 0, 632, 250},
  {LA_FIN_WAIT_1, LA_CLOSED, true, "M106 572C30 480 30 30 420 30", 0, 0, 0, 82, 200},
  {LA_FIN_WAIT_2, LA_CLOSED, true, "M106 727C10 600 10 24 420 24", 0, 0, 0, 56, 380},
  {LA_CLOSE_WAIT, LA_CLOSED, true, "M894 588C976 640 976 830 898 868", 0, 0, 0, 956, 730},
  {LA_CLOSING, LA_CLOSED, true, "M574 742C680 760 700 830 744 862", 0, 0, 0, 672, 790},
};
enum { ROUTES = sizeof routes / sizeof *routes };

static const struct route *route_of(enum la_state from, enum la_state to) {
  for (size_t i = 0; i < ROUTES; i++)
    if (routes[i].from == from && routes[i].to == to)
      return &routes[i];
  return NULL;
}

/* Ways into CLOSED that figure 5 does not have. */
static bool is_exit(const la_transition *t) {
  if (t->to != LA_CLOSED)
    return false;
  bool orderly = t->cause == LA_ON_CLOSE || t->cause == LA_ON_2MSL || t->cause == LA_ON_ACK_OF_FIN;
  return !orderly;
}

/* ---- paths ---- */

static bool find_state(const char *text, size_t n, enum la_state *st) {
  for (unsigned i = 0; i < LA_STATES; i++)
    if (strlen(la_state_name((enum la_state)i)) == n && strncasecmp(la_state_name((enum la_state)i), text, n) == 0) {
      *st = (enum la_state)i;
      return true;
    }
  return false;
}

static bool leads(enum la_state from, enum la_state to) {
  la_transition t;
  for (size_t i = 0; la_transition_get(i, &t); i++)
    if (t.from == from && t.to == to)
      return true;
  return false;
}

bool la__states_parse(struct states_path *p, const char *text, char *err, size_t cap) {
  *p = (struct states_path){0};
  for (const char *at = text;; at++) {
    size_t n = strcspn(at, ",");
    enum la_state st;
    if (!find_state(at, n, &st)) {
      snprintf(err, cap, "%.*s is no state", (int)n, at);
      return false;
    }
    if (p->n && !leads(p->state[p->n - 1], st)) {
      snprintf(err, cap, "nothing leads from %s to %s", la_state_name(p->state[p->n - 1]), la_state_name(st));
      return false;
    }
    if (p->n == STATES_STEPS) {
      snprintf(err, cap, "more than %d states", STATES_STEPS);
      return false;
    }
    p->state[p->n++] = st;
    at += n;
    if (!*at)
      return true;
  }
}

void la__states_of(struct states_path *p, const struct drawing *d, unsigned side) {
  p->n = 0;
  snprintf(p->name, sizeof p->name, "%s", d->name[side]);
  for (size_t i = 0; i < d->n && p->n < STATES_STEPS; i++) {
    const struct draw_event *e = d->event[i];
    if (e->fold || e->item.kind != LADDER_STATE || e->item.side != side)
      continue;
    enum la_state st = e->item.state;
    if (!p->n && (st == LA_SYN_SENT || st == LA_SYN_RECEIVED)) /* what was before goes without saying */
      p->state[p->n++] = st == LA_SYN_SENT ? LA_CLOSED : LA_LISTEN;
    if (!p->n || p->state[p->n - 1] != st)
      p->state[p->n++] = st;
  }
}

static bool visits(const struct states_path *p, enum la_state st) {
  for (size_t i = 0; i < p->n; i++)
    if (p->state[i] == st)
      return true;
  return false;
}

static bool takes(const struct states_path *p, enum la_state from, enum la_state to) {
  for (size_t i = 1; i < p->n; i++)
    if (p->state[i - 1] == from && p->state[i] == to)
      return true;
  return false;
}

/* ---- drawing ---- */

static void join(char *buf, size_t cap, const char *text) {
  size_t n = strlen(buf);
  snprintf(buf + n, cap - n, "%s%s", n ? " or " : "", text);
}

/* Events of a way, and the answer. Exits are left out unless the way is one. */
static void label(const struct route *r, char event[160], char answer[64]) {
  la_transition t;
  event[0] = answer[0] = 0;
  for (size_t i = 0; la_transition_get(i, &t); i++) {
    if (t.from != r->from || t.to != r->to || is_exit(&t) != r->exit)
      continue;
    join(event, 160, la__clause_event(t.cause));
    const char *says = la__clause_answer(t.from, t.cause);
    if (says)
      snprintf(answer, 64, "%s", says);
  }
}

static void way(FILE *out, const struct route *r, const struct states_path *path, size_t npaths) {
  static const char *const anchors[] = {"start", "middle", "end"};
  char event[160], answer[64];
  bool taken = false;
  label(r, event, answer);
  for (size_t i = 0; i < npaths; i++)
    if (takes(&path[i], r->from, r->to)) {
      taken = true;
      la__mark(out, "<path class=\"pen p%u\" transform=\"translate(%n %n)\" d=\"%s\"/>\n", (unsigned)i, npaths > 1 ? i ? 3. : -3. : 0.,
               npaths > 1 ? i ? 3. : -3. : 0., r->way);
    }
  if (r->exit && !taken)
    return;
  la__mark(out, "<path class=\"way%s\" data-from=\"%s\" data-to=\"%s\" marker-end=\"url(#tip)\" d=\"%s\"/>\n", r->exit ? " exit" : "",
           la_state_name(r->from), la_state_name(r->to), r->way);
  if (r->exit)
    return;
  la__mark(out, "<text class=\"ev lab\" x=\"%n\" y=\"%n\" text-anchor=\"%s\">%s</text>\n", r->x, r->y, anchors[r->anchor], event);
  if (answer[0])
    la__mark(out, "<text class=\"an lab\" x=\"%n\" y=\"%n\" text-anchor=\"%s\">%s</text>\n", r->x, r->y + 15, anchors[r->anchor], answer);
}

/* A row of the table that no route serves. */
static void stray(FILE *out, const la_transition *t) {
  la__mark(out, "<path class=\"way\" data-from=\"%s\" data-to=\"%s\" marker-end=\"url(#tip)\" d=\"M%n %nL%n %n\"/>\n",
           la_state_name(t->from), la_state_name(t->to), place[t->from].x, place[t->from].y, place[t->to].x, place[t->to].y);
}

static void badges(FILE *out, const struct states_path *path, size_t npaths) {
  for (size_t i = 0; i < npaths; i++)
    for (size_t k = 1; k < path[i].n; k++) {
      const struct route *r = route_of(path[i].state[k - 1], path[i].state[k]);
      bool again = false, both = npaths > 1 && r && takes(&path[!i], r->from, r->to);
      for (size_t j = 1; j < k; j++)
        again |= path[i].state[j - 1] == path[i].state[k - 1] && path[i].state[j] == path[i].state[k];
      if (!r || again)
        continue;
      double x = r->bx + (both ? i ? 11 : -11 : 0);
      la__mark(
        out,
        "<circle class=\"badge p%u\" cx=\"%n\" cy=\"%n\" r=\"9\"/><text class=\"num\" x=\"%n\" y=\"%n\" text-anchor=\"middle\">%u</text>\n",
        (unsigned)i, x, r->by, x, r->by + 4, (unsigned)k);
    }
}

static void box(FILE *out, unsigned at, const struct states_path *path, size_t npaths) {
  enum la_state st = at == CLOSED_AGAIN ? LA_CLOSED : (enum la_state)at;
  const char *on = "";
  for (size_t i = 0; i < npaths; i++)
    if (visits(&path[i], st))
      on = " on";
  la__mark(out, "<g class=\"state%s\"><rect x=\"%n\" y=\"%n\" width=\"%d\" height=\"%d\" rx=\"9\"/>", on, place[at].x - BOX_W / 2,
           place[at].y - BOX_H / 2, BOX_W, BOX_H);
  la__mark(out, "<rect class=\"%s\" x=\"%n\" y=\"%n\" width=\"6\" height=\"%d\" rx=\"3\"/>", la__svg_state_class((int)st),
           place[at].x - BOX_W / 2 + 7, place[at].y - BOX_H / 2 + 8, BOX_H - 16);
  la__mark(out, "<text class=\"s\" x=\"%n\" y=\"%n\" text-anchor=\"middle\">%s</text></g>\n", place[at].x + 4, place[at].y + 4.5,
           la_state_name(st));
}

/* Which states end by what else: a dot where the table has a row. */
static double exits(FILE *out, double y) {
  static const enum la_cause causes[] = {LA_ON_RST, LA_ON_ABORT, LA_ON_DATA, LA_ON_TIMEOUT, LA_ON_ICMP, LA_ON_POLICY};
  enum { CAUSES = sizeof causes / sizeof *causes, COLUMN = 112, AT = 250, ROW = 21 };
  la__mark(out, "<text class=\"h2\" x=\"106\" y=\"%n\">Other ways into CLOSED</text>\n", y);
  for (unsigned k = 0; k < CAUSES; k++)
    la__mark(out, "<text class=\"lead\" x=\"%n\" y=\"%n\" text-anchor=\"middle\">%s</text>\n", (double)(AT + 60 + COLUMN * k), y + 26,
             la__clause_event(causes[k]));
  y += 36;
  for (unsigned from = 0; from < LA_STATES; from++) {
    la_transition t;
    bool any = false;
    for (size_t i = 0; la_transition_get(i, &t); i++) {
      if (t.from != from || !is_exit(&t))
        continue;
      if (!any) {
        la__mark(out, "<line class=\"rule\" x1=\"106\" x2=\"894\" y1=\"%n\" y2=\"%n\"/><text class=\"s\" x=\"106\" y=\"%n\">%s</text>\n", y,
                 y, y + 15, la_state_name((enum la_state)from));
        any = true;
      }
      for (unsigned k = 0; k < CAUSES; k++)
        if (causes[k] == t.cause)
          la__mark(out, "<circle class=\"dot\" data-from=\"%s\" data-cause=\"%s\" cx=\"%n\" cy=\"%n\" r=\"4\"/>\n", la_state_name(t.from),
                   la_cause_name(t.cause), (double)(AT + 60 + COLUMN * k), y + 11);
    }
    y += any ? ROW : 0;
  }
  return y;
}

double la__states_body(FILE *out, const struct states_path *path, size_t npaths) {
  double y = TOP + 12;
  fputs("<defs><marker id=\"tip\" viewBox=\"0 0 10 8\" refX=\"8\" refY=\"4\" markerWidth=\"10\" markerHeight=\"8\" "
        "markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip\" d=\"M0 0L10 4L0 8Z\"/></marker></defs>\n",
        out);
  for (size_t i = 0; i < npaths; i++) {
    la__mark(out, "<line class=\"pen p%u\" x1=\"24\" x2=\"60\" y1=\"%n\" y2=\"%n\"/><text class=\"n\" x=\"72\" y=\"%n\">%s</text>\n",
             (unsigned)i, y - 4, y - 4, y, path[i].name);
    y += 20;
  }
  y = TOP;
  la__mark(out, "<g transform=\"translate(0 %n)\">\n", y);
  la_transition t;
  for (size_t i = 0; i < ROUTES; i++)
    way(out, &routes[i], path, npaths);
  for (size_t i = 0; la_transition_get(i, &t); i++)
    if (!route_of(t.from, t.to))
      stray(out, &t);
  for (unsigned at = 0; at <= LA_STATES; at++)
    box(out, at, path, npaths);
  badges(out, path, npaths);
  fputs("</g>\n", out);
  return exits(out, y + DIAGRAM + 26) + 16;
}

void la__states_svg(FILE *out, const char *title, const struct states_path *path, size_t npaths) {
  enum { HEAD = 76 };
  char *body = NULL;
  size_t len = 0;
  FILE *f = open_memstream(&body, &len);
  if (!f)
    return;
  double height = la__states_body(f, path, npaths) + HEAD;
  fclose(f);
  la__mark(
    out,
    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lastack states\" viewBox=\"0 0 %d %n\" width=\"%d\" height=\"%n\" role=\"img\" "
    "aria-label=\"%s\">\n<title>%s</title>\n<style>",
    STATES_WIDE, height, STATES_WIDE, height, title, title);
  la__svg_style(out, false);
  la__mark(
    out,
    "</style>\n<rect class=\"paper\" width=\"%d\" height=\"%n\"/>\n<text class=\"h1\" x=\"24\" y=\"34\">%s</text>\n"
    "<text class=\"lead\" x=\"24\" y=\"58\">event, and the answer below it; from the table that the machine runs on (RFC 9293, figure "
    "5)</text>\n<g transform=\"translate(0 %d)\">\n",
    STATES_WIDE, height, title, HEAD);
  fwrite(body, 1, len, out);
  fputs("</g>\n</svg>\n", out);
  free(body);
}
