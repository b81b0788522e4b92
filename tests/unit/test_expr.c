/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "drill/expr.h"

static bool lookup(void *ctx, const char *name, int64_t *value) {
  static const struct {
    const char *name;
    int64_t value;
  } names[] = {{"tcpi_snd_cwnd", 10}, {"tcpi_rtt", 5000}, {"tcpi_options", 32}, {"TCPI_OPT_SYN_DATA", 32}, {"TCP_CA_Open", 0}, {"a", 1}};
  ++*(unsigned *)ctx;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i].name)) {
      *value = names[i].value;
      return true;
    }
  return false;
}

static unsigned lookups;
static char printed[1000];
static void print(void *ctx, const char *line) {
  (void)ctx;
  snprintf(printed + strlen(printed), sizeof printed - strlen(printed), "%s\n", line);
}

static enum expr_result run(const char *text, struct expr_vars *vars, struct expr_failure *f) {
  const struct expr_host host = {lookup, print, &lookups};
  struct expr_vars *own = vars ? NULL : la__expr_vars_new();
  char *copy = strdup(text); /* of exactly its size, for the sanitizer */
  printed[0] = 0;
  lookups = 0;
  enum expr_result r = la__expr_run(copy, (struct place){5, 10}, vars ? vars : own, &host, f);
  free(copy);
  la__expr_vars_free(own);
  return r;
}

static void values(void **state) {
  (void)state;
  static const char *const rows[][2] = {
    {"1", "1"},
    {"0x1F, 0", "(31, 0)"},
    {"1 + 2 * 3 - 4", "3"},
    {"(1 + 2) * 3", "9"},
    {"-2 ** 2", "-4"},
    {"2 ** 3 ** 2", "512"},
    {"2 ** -1", "0.5"},
    {"7 / 2", "3.5"},
    {"6 / 2", "3.0"},
    {"7 // 2", "3"},
    {"-7 // 2", "-4"},
    {"-7 % 3", "2"},
    {"7 % -3", "-2"},
    {"7.5 // 2", "3.0"},
    {"-7.5 % 2", "0.5"},
    {"1 // 0.1", "9.0"},
    {"1 << 4 | 3 & 2 ^ 1", "19"},
    {"-9 >> 1", "-5"},
    {"-1 >> 100", "-1"},
    {"~5", "-6"},
    {"0.1 + 0.2", "0.30000000000000004"},
    {"1e3", "1000.0"},
    {"1.5e-7", "1.5e-07"},
    {".5, 2.", "(0.5, 2.0)"},
    {"True + 1", "2"},
    {"1 < 2 < 3", "True"},
    {"1 < 2 > 3", "False"},
    {"1 == 1.0 != 2", "True"},
    {"'a' < 'b'", "True"},
    {"not 1 == 2", "True"},
    {"not not 5", "True"},
    {"0 or 5", "5"},
    {"0 and 5", "0"},
    {"3 and 5 or 7", "5"},
    {"1 in (1, 2), 3 not in [1, 2], 'b' in 'abc'", "(True, True, True)"},
    {"(1,), (), []", "((1,), (), [])"},
    {"[1, 'a', 2.5]", "[1, 'a', 2.5]"},
    {"'a' \"b\" + 'c\\n'", "abc\n"},
    {"abs(-3), min(3, 1, 2), max([1, 5.5]), len('abc'), int(7.9), int('12')", "(3, 1, 5.5, 3, 7, 12)"},
    {"abs(\n -3 # inside brackets a line goes on\n)", "3"},
    {"'rtt=%d us' % tcpi_rtt", "rtt=5000 us"},
    {"'%s %5d|%-4x|%.2f %% %r' % ('x', 7, 255, 1.005, 'q')", "x     7|ff  |1.00 % 'q'"},
    {"tcpi_snd_cwnd", "10"},
    {"(tcpi_options & TCPI_OPT_SYN_DATA) != 0", "True"},
    {"5000 <= tcpi_rtt <= 20000", "True"},
    {"None", "None"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[200], expected[200];
    struct expr_failure f;
    snprintf(text, sizeof text, strchr(rows[i][1], '(') == rows[i][1] ? "print((%s))" : "print(%s)", rows[i][0]);
    snprintf(expected, sizeof expected, "%s\n", rows[i][1]);
    enum expr_result r = run(text, NULL, &f);
    if (r != EXPR_HOLDS)
      print_error("%s: %s\n", text, f.text);
    assert_int_equal(r, EXPR_HOLDS);
    assert_string_equal(printed, expected);
  }
}

static void statements(void **state) {
  (void)state;
  static const char *const rows[][2] = {
    {"", ""},
    {"\n\n# nothing\n", ""},
    {"print(1); print(2)\nprint(3);\n", "1\n2\n3\n"},
    {"x = 5; x += 2; print(x)", "7\n"},
    {"x = 7\nx //= 2; x **= 2; x <<= 1; x |= 1; print(x)", "19\n"},
    {"x = 1, 2\nprint(x)", "(1, 2)\n"},
    {"a = 4; print(a)", "4\n"}, /* hides the host's */
    {"if 1: print(1); print(2)\nif 0: print(3); assert 0\nprint(4)", "1\n2\n4\n"},
    {"if 0: x = y", ""},
    {"assert 1 == 1, unknown_name\nprint('ok', 1)", "ok 1\n"},
    {"assert 1; \\\n  assert 2, 'x';\\\n", ""},
    {"0 and unknown\n1 or unknown / 0\n2 < 1 < unknown", ""},
    {"pass", ""},
    {"print()", "\n"},
    {"assert (1 <\n 2) # why\nprint(1)", "1\n"},
    {"\tprint(1)\r\n  print(2)", "1\n2\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct expr_failure f;
    enum expr_result r = run(rows[i][0], NULL, &f);
    if (r != EXPR_HOLDS)
      print_error("%s: %s\n", rows[i][0], f.text);
    assert_int_equal(r, EXPR_HOLDS);
    assert_string_equal(printed, rows[i][1]);
  }
}

static void names_outlive_code(void **state) {
  (void)state;
  struct expr_vars *vars = la__expr_vars_new();
  struct expr_failure f;
  assert_int_equal(run("cwnd = 10; text = 'a' + 'b'", vars, &f), EXPR_HOLDS);
  assert_int_equal(run("cwnd += 5; print(cwnd, text)", vars, &f), EXPR_HOLDS);
  assert_string_equal(printed, "15 ab\n");
  assert_int_equal(run("assert cwnd == 16, cwnd", vars, &f), EXPR_FALSE);
  assert_string_equal(f.text, "cwnd == 16 is false: cwnd is 15");
  la__expr_vars_free(vars);
}

static void false_assertions(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int line, column;
    const char *message;
  } rows[] = {
    {"assert tcpi_snd_cwnd == 20, tcpi_snd_cwnd", 5, 10, "tcpi_snd_cwnd == 20 is false: tcpi_snd_cwnd is 10"},
    {"x = 3;  assert x == 4 and a, 'x=%d' % x", 5, 18, "x == 4 and a is false: x is 3 (x=3)"},
    {"\n\n  assert 1 > a", 7, 3, "1 > a is false: a is 1"},
    {"assert (tcpi_options & TCPI_OPT_SYN_DATA) == 0, 7", 5, 10,
     "(tcpi_options & TCPI_OPT_SYN_DATA) == 0 is false: tcpi_options is 32, TCPI_OPT_SYN_DATA is 32 (7)"},
    {"assert tcpi_rtt < 10 * tcpi_rtt < tcpi_rtt", 5, 10, "tcpi_rtt < 10 * tcpi_rtt < tcpi_rtt is false: tcpi_rtt is 5000"},
    {"assert False", 5, 10, "False is false"},
    {"assert 0, ('a', 1)", 5, 10, "0 is false (('a', 1))"},
    {"if 1: assert ''", 5, 16, "'' is false"},
    {"assert not \\\n [1]\nprint(1)", 5, 10, "not \\\n [1] is false"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct expr_failure f;
    assert_int_equal(run(rows[i].text, NULL, &f), EXPR_FALSE);
    assert_string_equal(f.text, rows[i].message);
    assert_int_equal(f.at.line, rows[i].line);
    assert_int_equal(f.at.column, rows[i].column);
    assert_string_equal(printed, "");
  }
}

static const struct {
  const char *text;
  int line, column;
  const char *message;
} bad_rows[] = {
  {"assert", 5, 16, "expected a value, found the end of the code"},
  {"assert x", 5, 17, "the name 'x' is not known"},
  {"x += 1", 5, 12, "the name 'x' is not known"},
  {"1 +\n2", 5, 13, "expected a value, found the end of the line"},
  {"1 2", 5, 12, "expected ; or the end of the line, found 2"},
  {"print 1", 5, 10, "the name 'print' is not known"},
  {"(1", 5, 12, "expected ) or a comma, found the end of the code"},
  {"[1)", 5, 12, "expected ] or a comma, found )"},
  {"1 / 0", 5, 12, "division by zero"},
  {"a = 1\nb = a % 0", 6, 7, "division by zero"},
  {"1.5 // 0", 5, 14, "division by zero"},
  {"9223372036854775807 + 1", 5, 30, "the result does not fit into 64 bits"},
  {"-9223372036854775807 - 2", 5, 31, "the result does not fit into 64 bits"},
  {"2 ** 63", 5, 12, "the result does not fit into 64 bits"},
  {"1 << 63", 5, 12, "the result does not fit into 64 bits"},
  {"1 << -1", 5, 12, "a shift by a negative number"},
  {"10.0 ** 400", 5, 15, "the result is no number"},
  {"9223372036854775808", 5, 10, "9223372036854775808 does not fit into 64 bits"},
  {"012", 5, 10, "012 is no number"},
  {"0x", 5, 10, "0x is no number"},
  {"1abc", 5, 10, "1abc is no number"},
  {"1 + 'a'", 5, 12, "'+' does not take an integer and a string"},
  {"1.5 & 1", 5, 14, "'&' does not take a number and an integer"},
  {"-'a'", 5, 10, "'-' does not take a string"},
  {"1 < 'a'", 5, 12, "'<' does not take an integer and a string"},
  {"1 in 2", 5, 12, "'in' does not take an integer and an integer"},
  {"1 not 2", 5, 16, "expected in after not, found 2"},
  {"foo(1)", 5, 10, "not supported: the function foo"},
  {"min()", 5, 10, "min() of nothing"},
  {"min(1)", 5, 10, "min() of an integer"},
  {"abs(1, 2)", 5, 10, "abs() takes one value, not 2"},
  {"len(1)", 5, 10, "len() of an integer"},
  {"int('x')", 5, 10, "int() of 'x'"},
  {"int(1e30)", 5, 10, "the result does not fit into 64 bits"},
  {"'%d' % 'a'", 5, 15, "%d of a string"},
  {"'%d %d' % 1", 5, 18, "more conversions than values"},
  {"'%d' % (1, 2)", 5, 15, "more values than conversions"},
  {"'%y' % 1", 5, 15, "%y is no conversion"},
  {"'%' % 1", 5, 14, "%  is no conversion"},
  {"'abc", 5, 10, "this string has no end: expected ' in the same line"},
  {"'''abc'''", 5, 10, "not supported: a string in three quotes"},
  {"f'x'", 5, 10, "not supported: a letter before a string"},
  {"import os", 5, 10, "not supported: import"},
  {"a = 1; for x in y: pass", 5, 17, "not supported: for"},
  {"if 1:\n  pass", 5, 15, "not supported: a block of lines; the statements stand in the same line"},
  {"if 1 pass", 5, 15, "expected : after the condition, found pass"},
  {"a.b", 5, 11, "not supported: . after a value"},
  {"a[0]", 5, 11, "not supported: [ after a value"},
  {"(1)(2)", 5, 13, "not supported: ( after a value"},
  {"1 = 2", 5, 12, "expected ; or the end of the line, found ="},
  {"a, a = 1, 2", 5, 15, "expected ; or the end of the line, found ="},
  {"print(1, a='')", 5, 20, "expected ) or a comma, found ="},
  {"x = lambda: 1", 5, 14, "expected a value, found lambda"},
  {"1 if 2 else 3", 5, 12, "expected ; or the end of the line, found if"},
  {"@x", 5, 10, "not supported: @"},
  {"{1: 2}", 5, 10, "not supported: {"},
  {"!1", 5, 10, "not supported: !"},
  {"\x80", 5, 10, "the byte 0x80 has no meaning here"},
  {"0 and 1 +", 5, 19, "expected a value, found the end of the code"},
  {"assert 0, x", 5, 20, "the name 'x' is not known"},
};

static void errors(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
    struct expr_failure f;
    enum expr_result r = run(bad_rows[i].text, NULL, &f);
    if (r != EXPR_ERROR || f.at.column != bad_rows[i].column || f.at.line != bad_rows[i].line)
      print_error("%s: %d:%d %s\n", bad_rows[i].text, f.at.line, f.at.column, f.text);
    assert_int_equal(r, EXPR_ERROR);
    assert_string_equal(f.text, bad_rows[i].message);
    assert_int_equal(f.at.line, bad_rows[i].line);
    assert_int_equal(f.at.column, bad_rows[i].column);
  }
}

static void limits(void **state) {
  (void)state;
  static const char *const pieces[] = {"(", "-", "not ", "[", "1 ** ", "abs("};
  struct expr_failure f;
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    char text[40000] = "";
    for (int k = 0; k < 5000; k++)
      memcpy(text + (size_t)k * strlen(pieces[i]), pieces[i], strlen(pieces[i]) + 1);
    assert_int_equal(run(text, NULL, &f), EXPR_ERROR);
    assert_string_equal(f.text, "nested more than 64 deep");
  }
  char text[800] = "x = 'ab'\n", list[800] = "x = [1]\n";
  for (int k = 0; k < 60; k++) {
    strcat(text, "x += x\n");
    strcat(list, "x += x\n");
  }
  assert_int_equal(run(text, NULL, &f), EXPR_ERROR);
  assert_string_equal(f.text, "the result is too long");
  assert_int_equal(run(list, NULL, &f), EXPR_ERROR);
  assert_string_equal(f.text, "the result is too long");
}

static void what_is_skipped_looks_nothing_up(void **state) {
  (void)state;
  struct expr_failure f;
  assert_int_equal(run("0 and a; 1 or a; 2 < 1 < a; assert 1, a\nif 0: a; print(a)", NULL, &f), EXPR_HOLDS);
  assert_int_equal(lookups, 0);
  assert_string_equal(printed, "");
}

static void cut_and_changed(void **state) {
  (void)state;
  static const char rich[] = "x = 0x1f; assert 1 < tcpi_snd_cwnd <= 2e1, 'cwnd=%5d %s' % (tcpi_snd_cwnd, 'a')\n"
                             "if not x in [1, 2.5] and (x or 3): print(min(x, 1), -x ** 2); x //= 7 # end\n"
                             "assert abs(\n x) << 2 == 4 | 0, \\\n \"a\\n\"\n";
  static const char some[] = "()[],:;=+-*/%&|^~<>.'\"\\#\n 019axef_\x80";
  struct expr_failure f;
  struct prng r;
  char text[sizeof rich];
  for (size_t n = 0; n < sizeof rich; n++) {
    memcpy(text, rich, n);
    text[n] = 0;
    assert_true(run(text, NULL, &f) == EXPR_HOLDS || f.text[0]);
  }
  la__prng_seed(&r, 7);
  for (int i = 0; i < 20000; i++) {
    memcpy(text, rich, sizeof rich);
    for (unsigned k = la__prng_below(&r, 5) + 1; k; k--) {
      size_t at = la__prng_below(&r, sizeof rich - 1), from = la__prng_below(&r, sizeof rich - 1), len = la__prng_below(&r, 12);
      text[at] = some[la__prng_below(&r, sizeof some - 1)];
      while (at + len > sizeof rich - 1 || from + len > sizeof rich - 1)
        len--;
      if (k & 1)
        memmove(text + at, text + from, len);
    }
    assert_true(run(text, NULL, &f) == EXPR_HOLDS || (f.text[0] && f.at.line >= 5 && f.at.column >= 1));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(values),
    cmocka_unit_test(statements),
    cmocka_unit_test(names_outlive_code),
    cmocka_unit_test(false_assertions),
    cmocka_unit_test(errors),
    cmocka_unit_test(limits),
    cmocka_unit_test(what_is_skipped_looks_nothing_up),
    cmocka_unit_test(cut_and_changed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
