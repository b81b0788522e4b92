/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "draw/markup.h"

#define BAD "\xef\xbf\xbd"

static void check(void (*put)(FILE *out, const char *text), const char *in, const char *want) {
  char *text = NULL;
  size_t len = 0;
  FILE *f = open_memstream(&text, &len);
  put(f, in);
  fclose(f);
  assert_string_equal(text, want);
  free(text);
}

static void test_xml(void **unused) {
  (void)unused;
  check(la__xml, "a < b & c > \"d\" 'e'", "a &lt; b &amp; c &gt; &quot;d&quot; &#39;e&#39;");
  check(la__xml, "\x01\x1b[31m\x7f", BAD BAD "[31m" BAD);
  check(la__xml, "µs é 漢 \xf0\x9f\x98\x80", "µs é 漢 \xf0\x9f\x98\x80");
}

/* What is not UTF-8, and what would turn the text round or hide it. */
static void test_broken(void **unused) {
  (void)unused;
  check(la__xml, "\xff", BAD);
  check(la__xml, "a\xc3", "a" BAD);            /* cut */
  check(la__xml, "\xc0\xbc", BAD BAD);         /* overlong '<' */
  check(la__xml, "\xe0\x80\xbc", BAD BAD BAD); /* the same */
  check(la__xml, "\xed\xa0\x80", BAD BAD BAD); /* a surrogate */
  check(la__xml, "\xf5\x80\x80\x80", BAD BAD BAD BAD);
  check(la__xml, "\xe2\x80\xaegpj", BAD "gpj"); /* U+202E */
  check(la__xml, "\xef\xbf\xbf", BAD);          /* U+FFFF is none in XML */
}

/* Nothing ends the script element, or begins a comment in it. */
static void test_json(void **unused) {
  (void)unused;
  check(la__json_text, "</script><!--", "\"\\u003c/script\\u003e\\u003c!--\"");
  check(la__json_text, "a\"b\\c\nd&'", "\"a\\u0022b\\u005cc\\u000ad\\u0026\\u0027\"");
  check(la__json_text, "\xe2\x80\xa8", "\"" BAD "\""); /* U+2028 ends a line of script */
}

static void numbers(FILE *out, const char *unused) {
  (void)unused;
  la__mark(out, "%n %n %n %n %n %d %u %s %%", 1.0, 2.25, -0.5, -12.04, 1000000.0, -3, 4u, "<");
}

static void test_numbers(void **unused) {
  (void)unused;
  setlocale(LC_ALL, "de_DE.UTF-8"); /* where there is such a thing */
  check(numbers, "", "1 2.3 -0.5 -12 1000000 -3 4 &lt; %");
}

static void test_width(void **unused) {
  (void)unused;
  assert_true(la__text_width("", 12, false) == 0);
  assert_true(la__text_width("WWWW", 12, false) > 3 * la__text_width("iiii", 12, false));
  assert_true(la__text_width("abc", 12, true) > la__text_width("abc", 12, false));
  double w = la__text_width("one two", 12, false);
  assert_int_equal(la__text_fit("one two", 12, w + 1), 7);
  assert_int_equal(la__text_fit("one two", 12, w - 1), 3);
  assert_int_equal(la__text_fit("unbreakable", 12, 20), 2);
  assert_true(la__text_fit("\xf0\x9f\x98\x80", 12, 1) == 4); /* at least one character, and whole */
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_xml),     cmocka_unit_test(test_broken), cmocka_unit_test(test_json),
    cmocka_unit_test(test_numbers), cmocka_unit_test(test_width),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
