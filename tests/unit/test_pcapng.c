/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lastack/link.h>

static char path[] = "/tmp/lastack-test-XXXXXX";

static uint32_t u32(const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return v;
}
static uint16_t u16(const uint8_t *p) {
  uint16_t v;
  memcpy(&v, p, 2);
  return v;
}

static size_t slurp(uint8_t *buf, size_t cap) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(buf, 1, cap, f);
  fclose(f);
  return n;
}

/* The options of a block from `p` on; copies the n-th of `code` to `out` and returns its length, or -1. Checks the padding. */
static int option(const uint8_t *p, const uint8_t *end, unsigned code, unsigned nth, char *out) {
  while (p + 4 <= end) {
    unsigned c = u16(p), n = u16(p + 2);
    if (!c)
      return -1;
    for (unsigned i = n; i % 4; i++)
      assert_int_equal(p[4 + i], 0);
    if (c == code && !nth--) {
      memcpy(out, p + 4, n);
      out[n] = 0;
      return (int)n;
    }
    p += 4 + (n + 3) / 4 * 4;
  }
  fail_msg("options without an end");
  return -1;
}

static void test_blocks(void **unused) {
  (void)unused;
  static uint8_t file[4096];
  char text[4096], err[160];
  la_pcapng *p = la_pcapng_open(path, err, sizeof err);
  assert_non_null(p);
  assert_true(la_pcapng_write(p, UINT64_C(0x123456789abcdef0), true, "abcde", 5, "first line\n\nsecond"));
  assert_true(la_pcapng_write(p, 7, false, "abcdefgh", 8, NULL));
  assert_true(la_pcapng_close(p));
  size_t n = slurp(file, sizeof file), at = 0;
  /* every block's length is a multiple of four and stands at both of its ends */
  unsigned blocks = 0, start[8];
  while (at < n && blocks < 8) {
    uint32_t len = u32(file + at + 4);
    assert_int_equal(len % 4, 0);
    assert_in_range(len, 12, n - at);
    assert_int_equal(u32(file + at + len - 4), len);
    start[blocks++] = (unsigned)at;
    at += len;
  }
  assert_int_equal(at, n);
  assert_int_equal(blocks, 4);
  const uint8_t *shb = file, *idb = file + start[1], *epb = file + start[2], *last = file + start[3];
  assert_int_equal(u32(shb), 0x0A0D0D0A);
  assert_int_equal(u32(shb + 8), 0x1A2B3C4D);
  assert_true(option(shb + 24, idb, 4, 0, text) > 0);
  assert_memory_equal(text, "lastack", 7);
  assert_int_equal(u32(idb), 1);
  assert_int_equal(u16(idb + 8), 101);
  assert_int_equal(option(idb + 16, epb, 9, 0, text), 1);
  assert_int_equal(text[0], 9);
  assert_int_equal(u32(epb), 6);
  assert_int_equal(u32(epb + 12), 0x12345678);
  assert_int_equal(u32(epb + 16), 0x9abcdef0);
  assert_int_equal(u32(epb + 20), 5);
  assert_int_equal(u32(epb + 24), 5);
  assert_memory_equal(epb + 28, "abcde\0\0\0", 8);
  assert_int_equal(option(epb + 36, last, 2, 0, text), 4);
  assert_int_equal(u32((uint8_t *)text), 2);
  option(epb + 36, last, 1, 0, text);
  assert_string_equal(text, "first line");
  option(epb + 36, last, 1, 1, text);
  assert_string_equal(text, "second");
  assert_int_equal(option(epb + 36, last, 1, 2, text), -1);
  assert_int_equal(option(last + 36, file + n, 1, 0, text), -1);
  option(last + 36, file + n, 2, 0, text);
  assert_int_equal(u32((uint8_t *)text), 1);
}

static void test_unwritable(void **unused) {
  (void)unused;
  char err[160] = "";
  assert_null(la_pcapng_open("/nonexistent/dir/x.pcapng", err, sizeof err));
  assert_non_null(strstr(err, "/nonexistent/dir/x.pcapng"));
  assert_null(la_pcapng_open("/nonexistent/dir/x.pcapng", NULL, 0));
  assert_true(la_pcapng_close(NULL));
}

/* A full disk is reported at the end at the latest. */
static void test_full(void **unused) {
  (void)unused;
  static uint8_t packet[1500];
  if (access("/dev/full", W_OK))
    skip();
  la_pcapng *p = la_pcapng_open("/dev/full", NULL, 0);
  assert_non_null(p);
  bool ok = true;
  for (unsigned i = 0; i < 1000; i++)
    ok = la_pcapng_write(p, i, true, packet, sizeof packet, "x") && ok;
  assert_false(ok);
  assert_false(la_pcapng_close(p));
  assert_int_equal(errno, ENOSPC);
}

int main(void) {
  int fd = mkstemp(path);
  if (fd < 0)
    return 1;
  close(fd);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_blocks), cmocka_unit_test(test_unwritable), cmocka_unit_test(test_full)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return failed;
}
