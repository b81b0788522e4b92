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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(text);
  return failed;
}
