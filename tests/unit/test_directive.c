/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/script_test.h"

/* The arguments of the calls that are read, one after the other; err: where and why none is. */
static void check(const char *text, bool standard, const char *expected) {
  static struct drill_define undefined = {"UNDEFINED", NULL, NULL};
  static const struct drill_define given = {"GIVEN", "0", &undefined};
  struct script_error err;
  struct script *s = la__script_parse("t", text, strlen(text), DRILL_IP4, &given, standard, &err);
  char got[400] = "", buf[60];
  if (s)
    for (const struct drill_event *e = s->events; e; e = e->next)
      snprintf(got + strlen(got), sizeof got - strlen(got), "%d:%s ", e->at.line, la__value_text(e->call->args[0], buf, sizeof buf));
  else
    snprintf(got, sizeof got, "%d:%d: %s", err.at.line, err.at.column, err.text);
  la__script_free(s);
  assert_string_equal(got, expected);
}

static void branches(void **state) {
  (void)state;
  static const char text[] = "#ifdef STANDARD\n0 f(1) = 0\n#else\n0 f(2) = 0\n#endif\n0 f(3) = 0\n";
  check(text, true, "2:1 6:3 ");
  check(text, false, "4:2 6:3 ");
  static const char not [] = "  #ifndef STANDARD // why\n0 f(1) = 0\n  #endif /* why */\n0 f(3) = 0";
  check(not, true, "4:3 ");
  check(not, false, "2:1 4:3 ");
  static const char nested[] =
    "#if 0\n#ifdef STANDARD\n@ not read\n#else\n@\n#endif\n#elif 1\n#if !defined(NONE)\n0 f(1) = 0\n#else\n@\n#endif\n#else\n@\n"
    "#endif\n0 f(2) = 0";
  check(nested, true, "9:1 16:2 ");
  check(nested, false, "9:1 16:2 ");
  check("#if GIVEN\n0 f(1) = 0\n#elif defined GIVEN\n0 f(2) = 0\n#endif", false, "4:2 ");
  check("#if !GIVEN\n0 f(1) = 0\n#elif defined GIVEN\n0 f(2) = 0\n#endif", false, "2:1 ");
  check("#ifdef X\n#bogus\n#endif\n0 f(1) = 0", false, "4:1 ");
}

static void defines(void **state) {
  (void)state;
  check("#define N 5 // five\n0 f(N) = 0\n#define N 6\n0 f(N) = 0\n#undef N\n0 f(N) = 0", false, "2:5 4:6 6:N ");
  check("#define S \"a // b\"\n0 f(S) = 0", false, "2:\"a // b\" ");
  check("#define GIVEN 7\n0 f(GIVEN) = 0", false, "2:0 ");
  check("#ifdef UNDEFINED\n0 f(1) = 0\n#endif\n#define UNDEFINED 2\n0 f(UNDEFINED) = 0", false, "5:UNDEFINED ");
  check("#define X\n#ifdef X\n0 f(1) = 0\n#endif", false, "3:1 ");
  check("0 f(N) = 0\n#define N 5\n0 f(N) = 0", false, "1:N 3:5 ");
}

static void comments(void **state) {
  (void)state;
  check("#! x\n# if 0\n#\n0 f(1) = 0\n  # last", false, "4:1 ");
}

static void lines_in_code_stay(void **state) {
  (void)state;
  struct script *s = good_script("0 %{\n#if 0\n# a\n}%\n0 `\n#if 0\n`\n", DRILL_IP4);
  assert_string_equal(s->events->text, "\n#if 0\n# a\n");
  assert_string_equal(s->events->next->text, "\n#if 0\n");
  la__script_free(s);
}

static void mistakes(void **state) {
  (void)state;
  check("#ifdef A\n0 f(1) = 0\n#if 1\n#endif\n", false, "1:1: this #if has no #endif");
  check("0 f(1) = 0\n #else\n", false, "2:2: #else without #if");
  check("#endif\n", false, "1:1: #endif without #if");
  check("#if 1\n#else\n#else\n#endif", false, "3:1: expected #endif after #else, found #else");
  check("#if 1\n#else\n#elif 1\n#endif", false, "3:1: expected #endif after #else, found #elif");
  check("#ifdef\n#endif", false, "1:7: expected one name after #ifdef");
  check("#ifdef A B\n#endif", false, "1:9: expected one name after #ifdef");
  check("#if A && B\n#endif", false, "1:6: expected one name after #if");
  check("#if\n#endif", false, "1:4: expected one name after #if");
  check("#define\n", false, "1:8: expected a name after #define");
  check("#define F(x) 1\n", false, "1:10: not supported: a macro with arguments");
  check("#include <a>\n", false, "1:1: #include is no directive; a comment has a blank after its #");
  check("#define E\n0 f(E) = 0", false, "2:5: 'E' is defined as '', which is not one number, word, string or command");
  char deep[200] = "";
  for (int i = 0; i < 17; i++)
    strcat(deep, "#if 1\n");
  check(deep, false, "17:1: more than 16 #if in one another");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(branches),           cmocka_unit_test(defines),  cmocka_unit_test(comments),
    cmocka_unit_test(lines_in_code_stay), cmocka_unit_test(mistakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
