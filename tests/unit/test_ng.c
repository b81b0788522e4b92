/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "capture/ng.h"

/* A file that is written in either byte order. */
struct file {
  bool big;
  size_t n;
  uint8_t b[4096];
};

static void put(struct file *f, uint64_t v, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++)
    f->b[f->n++] = (uint8_t)(v >> 8 * (f->big ? bytes - 1 - i : i));
}
static size_t begin(struct file *f, uint32_t type) {
  put(f, type, 4);
  put(f, 0, 4);
  return f->n - 8;
}
static void end(struct file *f, size_t at) {
  struct file len = {.big = f->big};
  put(f, 0, 4);
  put(&len, f->n - at, 4);
  memcpy(f->b + at + 4, len.b, 4);
  memcpy(f->b + f->n - 4, len.b, 4);
}
static void section(struct file *f) {
  size_t at = begin(f, NG_MAGIC);
  put(f, 0x1A2B3C4D, 4);
  put(f, 1, 2);
  put(f, 0, 2);
  put(f, UINT64_MAX, 8);
  end(f, at);
}
static void interface(struct file *f, unsigned link, uint8_t resol, int64_t offset) {
  size_t at = begin(f, 1);
  put(f, link, 2);
  put(f, 0, 2);
  put(f, 0, 4);
  put(f, 9, 2);
  put(f, 1, 2);
  put(f, f->big ? (uint32_t)resol << 24 : resol, 4);
  put(f, 14, 2);
  put(f, 8, 2);
  put(f, (uint64_t)offset, 8);
  put(f, 0, 4);
  end(f, at);
}
static void text(struct file *f, unsigned code, const char *s) {
  size_t n = strlen(s);
  put(f, code, 2);
  put(f, n, 2);
  memcpy(f->b + f->n, s, n);
  f->n += n;
  while (f->n & 3)
    f->b[f->n++] = 0;
}
static size_t packet(struct file *f, unsigned interface_no, uint64_t ticks, const char *data) {
  size_t at = begin(f, 6), n = strlen(data);
  put(f, interface_no, 4);
  put(f, ticks >> 32, 4);
  put(f, ticks & 0xffffffff, 4);
  put(f, n, 4);
  put(f, n + 100, 4);
  memcpy(f->b + f->n, data, n);
  f->n += (n + 3) & ~(size_t)3;
  return at;
}

static struct source src;
static void open_file(struct ng *p, const struct file *f) {
  assert_true(la__source_memory(&src, f->b, f->n));
  la__ng_init(p, &src);
}
static void close_file(struct ng *p) {
  la__ng_free(p);
  la__source_close(&src);
}

static void both_orders(bool big) {
  struct file f = {.big = big};
  struct ng p;
  struct packet k;
  section(&f);
  interface(&f, 1, 9, 0);
  interface(&f, 101, 0x80 | 10, 1000); /* 1024 ticks a second, counted from 1000 s */
  end(&f, packet(&f, 0, 5000000001ull, "abc"));
  size_t unknown = begin(&f, 0x0BAD);
  put(&f, 7, 4);
  end(&f, unknown);
  size_t at = packet(&f, 1, 1024 + 512, "defgh");
  text(&f, 1, "first");
  text(&f, 1, "second one");
  put(&f, 2, 2);
  put(&f, 4, 2);
  put(&f, 1, 4); /* inbound */
  put(&f, 4, 2);
  put(&f, 8, 2);
  put(&f, 17, 8); /* 17 were dropped */
  put(&f, 0, 4);
  end(&f, at);
  section(&f); /* a new one: interfaces start over */
  interface(&f, 113, 6, 0);
  end(&f, packet(&f, 0, 2500000, "xyz1"));
  open_file(&p, &f);
  assert_int_equal(la__ng_next(&p, &k), 1);
  assert_int_equal(k.link, 1);
  assert_int_equal(k.at, 5000000001ull);
  assert_int_equal(k.cap, 3);
  assert_int_equal(k.len, 103);
  assert_memory_equal(k.data, "abc", 3);
  assert_int_equal(la__ng_next(&p, &k), 1);
  assert_int_equal(k.link, 101);
  assert_int_equal(k.at, 1001 * LA_SEC + LA_SEC / 2);
  struct packet_text t;
  at = 0;
  assert_true(la__ng_comment(&k, &at, &t));
  assert_true(la__ng_comment(&k, &at, &t));
  assert_int_equal(t.len, 10);
  assert_memory_equal(t.text, "second one", 10);
  assert_false(la__ng_comment(&k, &at, &t));
  assert_int_equal(k.dir, 1);
  assert_int_equal(k.drops, 17);
  assert_int_equal(la__ng_next(&p, &k), 1);
  assert_int_equal(k.link, 113);
  assert_int_equal(k.at, 2 * LA_SEC + LA_SEC / 2);
  assert_int_equal(k.frame, 3);
  assert_int_equal(la__ng_next(&p, &k), 0);
  close_file(&p);
}

static void test_little(void **unused) {
  (void)unused;
  both_orders(false);
}
static void test_big(void **unused) {
  (void)unused;
  both_orders(true);
}

static void refuses(const struct file *f, const char *why) {
  struct ng p;
  struct packet k;
  int got;
  open_file(&p, f);
  while ((got = la__ng_next(&p, &k)) > 0)
    ;
  assert_int_equal(got, -1);
  assert_string_equal(p.why, why);
  close_file(&p);
}

static void test_broken(void **unused) {
  (void)unused;
  struct file f = {0};
  section(&f);
  end(&f, packet(&f, 0, 1, "abc"));
  refuses(&f, "a packet of an interface that was not described");
  f = (struct file){0};
  section(&f);
  interface(&f, 1, 9, 0);
  size_t at = packet(&f, 0, 1, "abc");
  end(&f, at);
  f.b[at + 20] = 5; /* its captured length */
  refuses(&f, "a packet is longer than its block");
  f.b[at + 20] = 3;
  f.b[f.n - 4] ^= 4;
  refuses(&f, "a block's two lengths differ");
  f.b[at + 7] = 0x7f;
  refuses(&f, "a block of 2130706468 bytes");
  f = (struct file){0};
  section(&f);
  f.b[8] = 0;
  refuses(&f, "a section header without the byte-order magic");
}

/* No reading of a clock divides by nothing or overflows into a trap. */
static void test_clocks(void **unused) {
  (void)unused;
  for (unsigned resol = 0; resol < 256; resol++) {
    struct file f = {0};
    struct ng p;
    struct packet k;
    section(&f);
    interface(&f, 1, (uint8_t)resol, INT64_MIN);
    end(&f, packet(&f, 0, UINT64_MAX, "abc"));
    open_file(&p, &f);
    assert_int_equal(la__ng_next(&p, &k), 1);
    close_file(&p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_little), cmocka_unit_test(test_big), cmocka_unit_test(test_broken),
                                     cmocka_unit_test(test_clocks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
