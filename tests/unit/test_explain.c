/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "draw/explain.h"
#include "tests/unit/tape.h"

static char line[EXPLAIN_TEXT];
static const char *explain(const char *script, unsigned family) {
  static struct tape_out o;
  struct tape t;
  tape_init(&t, TAPE_RAW, family, false);
  tape_play(&t, script);
  tape_read(t.data, t.len, &o);
  tape_free(&t);
  assert_true(o.n >= 1);
  return la__explain_text(&o.flow[0], &o.verdict[0], line);
}

static void test_lines(void **unused) {
  (void)unused;
  assert_string_equal(
    explain(">S <SA >A <FA >A >FA <A", 6),
    "C1 [fd00::2]:46444 > [fd00::9]:7010  closed first: server (frame 4); four-segment release [certain]; TIME-WAIT: server");
  assert_string_equal(explain(">S <RA", 4),
                      "C1 10.0.0.2:46444 > 10.0.0.9:7010  server reset (frame 2): refused: nobody listens there [certain]; "
                      "hint: start the service, or correct address and port");
  assert_string_equal(explain("<A5 >A <A5 >A10 <A", 4), "C1 10.0.0.2:46444 > 10.0.0.9:7010  still open [certain]; capture: midstream");
}

/* Every reason has a name, is explained, and no two are alike. */
static void test_words(void **unused) {
  (void)unused;
  for (unsigned i = 0; i < REASONS; i++) {
    assert_non_null(la__reason_name((enum reason)i));
    assert_non_null(la__explain_reason((enum reason)i));
    for (unsigned k = 0; k < i; k++)
      assert_string_not_equal(la__reason_name((enum reason)i), la__reason_name((enum reason)k));
  }
  for (unsigned i = 0; i < FLAWS; i++)
    assert_non_null(la__flaw_name(i));
}

static void test_times(void **unused) {
  char b[32];
  (void)unused;
  assert_string_equal(la__explain_time(0, b), "0 ms");
  assert_string_equal(la__explain_time(1500 * LA_US, b), "1.5 ms");
  assert_string_equal(la__explain_time(100 * LA_MS, b), "100 ms");
  assert_string_equal(la__explain_time(60 * LA_SEC, b), "60 s");
  assert_string_equal(la__explain_time(3 * 3600 * LA_SEC, b), "3 h");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_words), cmocka_unit_test(test_times)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
