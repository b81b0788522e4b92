/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "capture/source.h"

enum { BYTES = 5 << 20 };

static uint8_t at(uint64_t i) { return (uint8_t)(i * 7 + (i >> 8) * 3 + (i >> 16)); }

static void same(const uint8_t *p, uint64_t from, size_t n) {
  assert_non_null(p);
  for (size_t i = 0; i<n; i += n> 64 ? n / 64 : 1)
    assert_int_equal(p[i], at(from + i));
  assert_int_equal(p[n - 1], at(from + n - 1));
}

static void test_memory(void **unused) {
  struct source s;
  (void)unused;
  assert_true(la__source_memory(&s, "abcdef", 6));
  assert_int_equal(s.size, 6);
  assert_memory_equal(la__source_need(&s, 2), "ab", 2);
  assert_memory_equal(la__source_need(&s, 6), "abcdef", 6); /* nothing was consumed */
  assert_null(la__source_need(&s, 7));
  la__source_skip(&s, 4);
  assert_int_equal(la__source_offset(&s), 4);
  assert_int_equal(la__source_left(&s), 2);
  assert_memory_equal(la__source_need(&s, 2), "ef", 2);
  la__source_skip(&s, 2);
  assert_null(la__source_need(&s, 1));
  assert_int_equal(s.err, 0);
  la__source_close(&s);
  assert_true(la__source_memory(&s, "", 0));
  assert_null(la__source_need(&s, 1));
  la__source_close(&s);
}

static void make_file(char *path) {
  int fd = mkstemp(path);
  uint8_t *b = malloc(BYTES);
  assert_true(fd >= 0 && b);
  for (size_t i = 0; i < BYTES; i++)
    b[i] = at(i);
  assert_int_equal(write(fd, b, BYTES), BYTES);
  close(fd);
  free(b);
}

/* Pieces of many sizes, also ones that are larger than any read, in a row wherever they begin. */
static void read_pieces(struct source *s) {
  static const size_t sizes[] = {1, 16, 1500, 65551, 3, (1 << 20) - 1, 24, (2 << 20) + 5, 40};
  uint64_t done = 0;
  for (size_t i = 0; done < BYTES; i++) {
    size_t n = sizes[i % (sizeof sizes / sizeof sizes[0])];
    if (n > BYTES - done)
      n = (size_t)(BYTES - done);
    same(la__source_need(s, n), done, n);
    assert_int_equal(la__source_offset(s), done);
    la__source_skip(s, n);
    done += n;
  }
  assert_null(la__source_need(s, 1));
  assert_int_equal(s->err, 0);
}

static void test_file(void **unused) {
  char path[] = "/tmp/lastack-source-XXXXXX";
  struct source s;
  (void)unused;
  make_file(path);
  assert_true(la__source_open(&s, path));
  assert_int_equal(s.size, BYTES);
  read_pieces(&s);
  la__source_close(&s);
  unlink(path);
}

/* As libpcap reads it, after the first bytes were looked at. */
static void test_stream(void **unused) {
  char path[] = "/tmp/lastack-source-XXXXXX";
  struct source s;
  uint8_t b[4096];
  uint64_t done = 0;
  size_t n;
  (void)unused;
  make_file(path);
  assert_true(la__source_open(&s, path));
  same(la__source_need(&s, 4), 0, 4);
  FILE *f = la__source_stream(&s);
  assert_non_null(f);
  while ((n = fread(b, 1, sizeof b, f)) > 0) {
    same(b, done, n);
    done += n;
  }
  assert_int_equal(done, BYTES);
  fclose(f);
  la__source_close(&s);
  unlink(path);
}

static void test_errors(void **unused) {
  struct source s;
  int ends[2];
  (void)unused;
  assert_false(la__source_open(&s, "/nowhere/at/all"));
  assert_int_equal(errno, ENOENT);
  assert_false(la__source_open(&s, "/tmp"));
  assert_int_equal(errno, EISDIR);
  assert_int_equal(pipe(ends), 0);
  assert_true(la__source_memory(&s, "", 0));
  s.fd = ends[1]; /* the end that cannot be read */
  s.eof = false;
  assert_null(la__source_need(&s, 1));
  assert_int_equal(s.err, EBADF);
  la__source_close(&s);
  close(ends[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory), cmocka_unit_test(test_file), cmocka_unit_test(test_stream),
                                     cmocka_unit_test(test_errors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
