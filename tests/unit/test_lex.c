/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drill/lex.h"
#include "tests/unit/script_test.h"

struct expected {
  enum token_kind kind;
  const char *text; /* a mark: the character */
  int line, column;
  int64_t num;
};

static void check(const char *text, const struct expected *e) {
  struct script s = {0};
  struct script_error err = {0};
  struct reader r = {.s = &s, .arena = la__arena_new(), .err = &err};
  la__lex_start(&r, text, strlen(text));
  for (;; e++, la__lex_next(&r)) {
    assert_int_equal(r.tok.kind, e->kind);
    if (e->line) {
      assert_int_equal(r.tok.at.line, e->line);
      assert_int_equal(r.tok.at.column, e->column);
    }
    if (e->kind == TOKEN_END)
      break;
    if (e->kind == TOKEN_MARK)
      assert_int_equal(r.tok.mark, *e->text);
    else if (e->kind != TOKEN_ELLIPSIS)
      assert_string_equal(r.tok.text, e->text);
    if (e->kind == TOKEN_INTEGER || e->kind == TOKEN_HEX)
      assert_int_equal(r.tok.num, e->num);
  }
  assert_string_equal(err.text, "");
  la__arena_free(r.arena);
}
#define AT(kind_, text_, line_, column_, num_) \
  { .kind = TOKEN_##kind_, .text = text_, .line = line_, .column = column_, .num = num_ }
#define T(kind_, text_) AT(kind_, text_, 0, 0, 0)
#define CHECK(text, ...) check(text, (struct expected[]){__VA_ARGS__, T(END, NULL)})

static void numbers_and_words(void **state) {
  (void)state;
  CHECK("1 -1 007 0x1F 1.5 .5 -.5 -2.5", AT(INTEGER, "1", 1, 1, 1), AT(INTEGER, "-1", 1, 3, -1), AT(INTEGER, "007", 1, 6, 7),
        AT(HEX, "0x1F", 1, 10, 31), AT(DECIMAL, "1.5", 1, 15, 0), AT(DECIMAL, ".5", 1, 19, 0), AT(DECIMAL, "-.5", 1, 22, 0),
        AT(DECIMAL, "-2.5", 1, 26, 0));
  CHECK("0a1b abc_1 3021b9d8 0x1g 0x", T(WORD, "0a1b"), T(WORD, "abc_1"), T(WORD, "3021b9d8"), T(WORD, "0x1g"), T(WORD, "0x"));
  CHECK("9223372036854775807 9223372036854775808 -9223372036854775808", AT(INTEGER, "9223372036854775807", 0, 0, INT64_MAX),
        T(WORD, "9223372036854775808"), AT(INTEGER, "-9223372036854775808", 0, 0, INT64_MIN));
  CHECK("0xffffffffffffffff 0x10000000000000000", AT(HEX, "0xffffffffffffffff", 0, 0, -1), T(WORD, "0x10000000000000000"));
  CHECK("1:2(3)", AT(INTEGER, "1", 1, 1, 1), AT(MARK, ":", 1, 2, 0), AT(INTEGER, "2", 1, 3, 2), AT(MARK, "(", 1, 4, 0),
        AT(INTEGER, "3", 1, 5, 3), AT(MARK, ")", 1, 6, 0));
  CHECK("0...0.1 S. S.5 . - ....5 1.", T(INTEGER, "0"), T(ELLIPSIS, ""), T(DECIMAL, "0.1"), T(WORD, "S"), T(MARK, "."), T(WORD, "S"),
        T(DECIMAL, ".5"), T(MARK, "."), T(MARK, "-"), T(ELLIPSIS, ""), T(DECIMAL, ".5"), AT(INTEGER, "1", 0, 0, 1), T(MARK, "."));
}

static void quotes(void **state) {
  (void)state;
  CHECK("\"a\\\"b\" `c \\` \"d` %{  e }\n f\t }% --g_1 -v", AT(STRING, "a\"b", 1, 1, 0), AT(COMMAND, "c \\` \"d", 1, 8, 0),
        AT(CODE, "e }\n f", 1, 18, 0), AT(OPTION, "g_1", 2, 8, 0), AT(OPTION, "v", 2, 14, 0));
  CHECK("%{ }%%{}%", AT(CODE, "", 1, 1, 0), AT(CODE, "", 1, 6, 0));
  CHECK("\"\\a\\b\\f\\n\\r\\t\\v\\'\\?\\x7\\x41g\\7\\1018\"", T(STRING, "\a\b\f\n\r\t\v'?\aAg\aA8"));
}

static void comments(void **state) {
  (void)state;
  CHECK("a // b\nc /* d\n * e **/ f\r\n\tg\n  # h\n", AT(WORD, "a", 1, 1, 0), AT(WORD, "c", 2, 1, 0), AT(WORD, "f", 3, 10, 0),
        AT(WORD, "g", 4, 2, 0));
}

static void bad_text(void **state) {
  (void)state;
  static const struct bad_row rows[] = {
    {"0 f() = 0\n /* a\n\n", 2, 2, "this comment has no end: expected */"},
    {"/*/", 1, 1, "this comment has no end: expected */"},
    {"0 f(\"a\n\") = 0", 1, 5, "this string has no end: expected \" in the same line"},
    {"0 f(\"a\\", 1, 5, "this string has no end: expected \" in the same line"},
    {"0 f(\"a\\q\")", 1, 7, "expected one of abfnrtvx\\\"'?` or an octal number after \\, found 'q'"},
    {"0 f(\"\\400\")", 1, 6, "expected one of abfnrtvx\\\"'?` or an octal number after \\, found '4'"},
    {"0 f(\"\\xg\")", 1, 6, "expected one of abfnrtvx\\\"'?` or an octal number after \\, found 'x'"},
    {"0 `a\nb", 1, 3, "this command has no end: expected `"},
    {"0 %{ a }\n", 1, 3, "this code has no end: expected }%"},
    {"0 % {", 1, 3, "the character '%' has no meaning here"},
    {"0 / 1", 1, 3, "the character '/' has no meaning here"},
    {"0 \xc3\xa4", 1, 3, "the byte 0xc3 has no meaning here"},
  };
  CHECK_BAD(rows, DRILL_IP4);
  struct script_error err;
  assert_null(read_script("0 \0", 3, DRILL_IP4, &err));
  assert_string_equal(err.text, "the byte 0x00 has no meaning here");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers_and_words),
    cmocka_unit_test(quotes),
    cmocka_unit_test(comments),
    cmocka_unit_test(bad_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
