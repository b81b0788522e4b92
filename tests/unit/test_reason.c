/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture/verdict.h"

/* Linux's enum sk_rst_reason, without its prefix: no other name may be given. */
static const char *const linux_names[] = {"NO_SOCKET",
                                          "TCP_INVALID_ACK_SEQUENCE",
                                          "TCP_RFC7323_PAWS",
                                          "TCP_TOO_OLD_ACK",
                                          "TCP_ACK_UNSENT_DATA",
                                          "TCP_FLAGS",
                                          "TCP_OLD_ACK",
                                          "TCP_ABORT_ON_DATA",
                                          "TCP_TIMEWAIT_SOCKET",
                                          "INVALID_SYN",
                                          "TCP_ABORT_ON_CLOSE",
                                          "TCP_ABORT_ON_LINGER",
                                          "TCP_ABORT_ON_MEMORY",
                                          "TCP_STATE",
                                          "TCP_KEEPALIVE_TIMEOUT",
                                          "TCP_DISCONNECT_WITH_DATA"};

static void test_linux_names(void **unused) {
  unsigned named = 0;
  (void)unused;
  for (unsigned r = 0; r < REASONS; r++) {
    const char *name = la__rst_reason_name((enum reason)r);
    bool known = !name;
    for (size_t i = 0; name && i < sizeof linux_names / sizeof linux_names[0]; i++)
      known |= strcmp(name, linux_names[i]) == 0;
    if (!known)
      fail_msg("%s: Linux has no %s", la__reason_name((enum reason)r), name);
    named += name != NULL;
  }
  assert_int_equal(named, 8);
  assert_string_equal(la__rst_reason_name(REASON_DATA_AFTER_CLOSE), "TCP_ABORT_ON_DATA");
  assert_null(la__rst_reason_name(REASON_CLOSE));
}

static bool word(const char *s) { return s && *s && strspn(s, "abcdefghijklmnopqrstuvwxyz-0123456789") == strlen(s); }

/* What --json writes: words that need no quoting, no two alike. */
static void test_words(void **unused) {
  (void)unused;
  for (unsigned i = 0; i < REASONS; i++) {
    assert_true(word(la__reason_name((enum reason)i)));
    for (unsigned k = 0; k < i; k++)
      assert_string_not_equal(la__reason_name((enum reason)i), la__reason_name((enum reason)k));
  }
  for (unsigned i = 0; i < FLAWS; i++)
    assert_true(word(la__flaw_name(i)));
  for (unsigned i = 0; i <= CERTAIN_AMBIGUOUS; i++)
    assert_true(word(la__certainty_name((enum certainty)i)));
  for (unsigned i = 0; i <= KIND_HALF; i++)
    assert_true(word(la__kind_name((enum close_kind)i)));
  for (unsigned i = 0; i <= CLOSED_BOTH; i++)
    assert_true(word(la__closed_name((enum first_closed)i)));
  assert_int_equal(1u << (FLAWS - 1), FLAW_TAIL); /* as many names as bits */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_linux_names), cmocka_unit_test(test_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
