/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "draw/states.h"

#include <lastack/trace.h>

static char *text;
static size_t len;

static void as_text(FILE *f) { la__states_text(f, true); }
static void as_dot(FILE *f) { la__states_dot(f, NULL, 0); }
static void as_utf8(FILE *f) { la__states_text(f, false); }

static void draw(void (*fn)(FILE *f)) {
  free(text);
  text = NULL;
  FILE *f = open_memstream(&text, &len);
  fn(f);
  fclose(f);
}

/* The line of `text` from `from` that holds all three pieces; NULL: none. */
static bool has_line(const char *a, const char *b, const char *c) {
  for (char *line = text; *line; line += strcspn(line, "\n") + 1) {
    size_t n = strcspn(line, "\n");
    char keep = line[n];
    line[n] = 0;
    bool found = strstr(line, a) && strstr(line, b) && strstr(line, c);
    line[n] = keep;
    if (found)
      return true;
    if (!keep)
      break;
  }
  return false;
}

static void underscores(char *s) {
  for (; *s; s++)
    if (*s == '-')
      *s = '_';
}

/* Every row of the table is in each drawing, and it is a diagram that has rows. */
static void test_all(void **unused) {
  (void)unused;
  la_transition t;
  char a[64], b[64];
  size_t n = 0;
  draw(as_dot);
  assert_true(strncmp(text, "digraph", 7) == 0);
  for (size_t i = 0; la_transition_get(i, &t); i++, n++) {
    snprintf(a, sizeof a, "\"%s\" ->", la_state_name(t.from));
    snprintf(b, sizeof b, "-> \"%s\"", la_state_name(t.to));
    assert_true(has_line(a, b, la_cause_name(t.cause)));
  }
  assert_true(n > 20);
  draw(la__states_mermaid);
  assert_true(strncmp(text, "stateDiagram-v2\n", 16) == 0);
  for (size_t i = 0; la_transition_get(i, &t); i++) {
    snprintf(a, sizeof a, "%s -->", la_state_name(t.from));
    snprintf(b, sizeof b, "--> %s:", la_state_name(t.to));
    char *arrow = strstr(a, " -->");
    *arrow = 0;
    underscores(a);
    *arrow = ' ';
    for (char *p = b + 4; *p; p++)
      *p = *p == '-' ? '_' : *p;
    assert_true(has_line(a, b, la_cause_name(t.cause)));
  }
  draw(as_text);
  for (size_t i = 0; la_transition_get(i, &t); i++) {
    snprintf(b, sizeof b, "> %s", la_state_name(t.to));
    assert_true(has_line(la_cause_name(t.cause), "--", b));
  }
  for (const char *p = text; *p; p++)
    assert_in_range(*p, '\n', '~');
  draw(as_utf8);
  assert_non_null(strstr(text, "►"));
}

static struct states_path path[2];
static void as_svg(FILE *f) { la__states_svg(f, "T", path, 0); }
static void as_svg_with_paths(FILE *f) { la__states_svg(f, "T <&>", path, 2); }
static void as_dot_with_path(FILE *f) { la__states_dot(f, path, 2); }

static size_t count(const char *what) {
  size_t n = 0;
  for (const char *p = text; (p = strstr(p, what)); p++)
    n++;
  return n;
}

/* Each row of the table is an arrow or, when it is another way into CLOSED, a dot; and no arrow is there that has no row. */
static void test_svg(void **unused) {
  (void)unused;
  la_transition t;
  char a[64], b[64];
  size_t ways = 0;
  bool seen[LA_STATES][LA_STATES] = {{0}};
  draw(as_svg);
  for (size_t i = 0; la_transition_get(i, &t); i++) {
    snprintf(a, sizeof a, "data-from=\"%s\"", la_state_name(t.from));
    snprintf(b, sizeof b, "data-to=\"%s\"", la_state_name(t.to));
    bool arrow = has_line(a, b, "marker-end");
    snprintf(b, sizeof b, "data-cause=\"%s\"", la_cause_name(t.cause));
    bool dot = has_line(a, b, "<circle");
    assert_true(arrow || dot);
    ways += arrow && !seen[t.from][t.to];
    seen[t.from][t.to] |= arrow;
  }
  assert_int_equal(count("marker-end"), ways);
  assert_int_equal(count("class=\"pen"), 0);
}

static void test_paths(void **unused) {
  (void)unused;
  char err[120];
  assert_true(la__states_parse(&path[0], "CLOSED,syn-sent,ESTABLISHED,FIN-WAIT-1,CLOSED", err, sizeof err));
  assert_int_equal(path[0].n, 5);
  assert_true(la__states_parse(&path[1], "TIME-WAIT", err, sizeof err));
  draw(as_svg_with_paths);
  assert_int_equal(count("class=\"pen p0\""), 1 + 4); /* the legend, and each step */
  assert_int_equal(count("class=\"pen p1\""), 1);
  assert_int_equal(count("class=\"badge p0\""), 4);
  assert_int_equal(count("class=\"state on\""), 6); /* CLOSED stands twice */
  assert_non_null(strstr(text, "<title>T &lt;&amp;&gt;</title>"));
  draw(as_dot_with_path);
  assert_int_equal(count("penwidth=3"), 4);
  assert_false(la__states_parse(&path[0], "CLOSED,ESTABLISHED", err, sizeof err));
  assert_string_equal(err, "nothing leads from CLOSED to ESTABLISHED");
  assert_false(la__states_parse(&path[0], "CLOSED,", err, sizeof err));
  assert_false(la__states_parse(&path[0], "", err, sizeof err));
  char turns[STATES_STEPS * 16] = "TIME-WAIT";
  for (unsigned i = 0; i < STATES_STEPS; i++)
    strcat(turns, i % 2 ? ",LISTEN" : ",SYN-RECEIVED");
  assert_false(la__states_parse(&path[0], turns, err, sizeof err));
}

/* From a drawing: what was before goes without saying. */
static void test_of_drawing(void **unused) {
  (void)unused;
  struct drawing *d = la__drawing_new("a", "b", 0);
  static const enum la_state st[] = {LA_SYN_RECEIVED, LA_ESTABLISHED, LA_CLOSE_WAIT, LA_LAST_ACK, LA_CLOSED};
  for (size_t i = 0; i < 5; i++)
    la__drawing_put(d, &(struct ladder_item){.kind = LADDER_STATE, .side = LADDER_RIGHT, .at = i, .state = st[i]});
  la__states_of(&path[0], d, 1);
  assert_int_equal(path[0].n, 6);
  assert_int_equal(path[0].state[0], LA_LISTEN);
  assert_int_equal(path[0].state[5], LA_CLOSED);
  la__states_of(&path[0], d, 0);
  assert_int_equal(path[0].n, 0);
  la__drawing_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_svg), cmocka_unit_test(test_paths),
                                     cmocka_unit_test(test_of_drawing)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(text);
  return failed;
}
