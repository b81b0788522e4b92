/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/filter.h"

/* A SYN to port 80 and one to port 81, below a link header of n bytes. */
static uint8_t frame[2][64];
static struct packet make(unsigned i, int link, unsigned n) {
  static const uint8_t ip[] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 4, 0, 0, 80};
  for (unsigned k = 0; k < sizeof ip; k++)
    frame[i][n + k] = ip[k];
  frame[i][n + 23] = (uint8_t)(80 + i);
  if (n == 14)
    frame[i][12] = 8;
  return (struct packet){.link = link, .cap = n + 40, .len = n + 40, .data = frame[i]};
}

static void test_links(void **unused) {
  struct filter f;
  char err[256];
  (void)unused;
  assert_true(la__filter_init(&f, "dst port 80", err, sizeof err));
  for (unsigned round = 0; round < 2; round++)
    for (unsigned i = 0; i < 2; i++) {
      struct packet p = make(i, 1, 14);
      assert_int_equal(la__filter_match(&f, &p), i == 0);
      p = make(i, 101, 0);
      assert_int_equal(la__filter_match(&f, &p), i == 0);
    }
  assert_int_equal(f.n, 2);
  la__filter_free(&f);
}

static void test_mistakes(void **unused) {
  struct filter f;
  char err[256] = "";
  (void)unused;
  assert_false(la__filter_init(&f, "port and", err, sizeof err));
  assert_true(err[0]);
  assert_true(la__filter_init(&f, NULL, err, sizeof err));
  struct packet p = make(1, 1, 14);
  assert_true(la__filter_match(&f, &p));
  la__filter_free(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_links), cmocka_unit_test(test_mistakes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
