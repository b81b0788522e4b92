/* SPDX-License-Identifier: MIT */
/* What tests of the script reader share: include after cmocka.h. */
#ifndef SCRIPT_TEST_H
#define SCRIPT_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/script.h"

/* From a copy of exactly the text's size, so that the sanitizer sees a byte read too many. */
static inline struct script *read_script(const char *text, size_t len, enum drill_family family, struct script_error *err) {
  char *copy = malloc(len ? len : 1);
  memcpy(copy, text, len);
  struct script *s = la__script_parse("t.pkt", copy, len, family, NULL, true, err);
  free(copy);
  return s;
}

static inline struct script *good_script(const char *text, enum drill_family family) {
  struct script_error err;
  struct script *s = read_script(text, strlen(text), family, &err);
  if (!s)
    print_error("%s\n%d:%d: %s\n", text, err.at.line, err.at.column, err.text);
  assert_non_null(s);
  return s;
}

struct bad_row {
  const char *text;
  int line, column;
  const char *message;
};

static inline void check_bad(const struct bad_row *rows, size_t n, enum drill_family family) {
  for (size_t i = 0; i < n; i++) {
    struct script_error err;
    struct script *s = read_script(rows[i].text, strlen(rows[i].text), family, &err);
    if (s || err.at.line != rows[i].line || err.at.column != rows[i].column || strcmp(err.text, rows[i].message) != 0) {
      print_error("row %zu: %s\n", i, rows[i].text);
      if (s)
        print_error("was read\n");
      else
        print_error("%d:%d: %s\n", err.at.line, err.at.column, err.text);
    }
    assert_null(s);
    assert_int_equal(err.at.line, rows[i].line);
    assert_int_equal(err.at.column, rows[i].column);
    assert_string_equal(err.text, rows[i].message);
  }
}
#define CHECK_BAD(rows, family) check_bad(rows, sizeof(rows) / sizeof *(rows), family)

#endif
