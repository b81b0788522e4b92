/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <lastack/link.h>

static bool send_text(la_driver *d, const char *text) {
  la_frame f = {.data = (const uint8_t *)text, .len = (uint32_t)strlen(text)};
  return d->send(d, &f);
}

static void expect(const la_frame *f, const char *text) {
  assert_int_equal(f->len, strlen(text));
  assert_int_equal(f->total, f->len);
  assert_int_equal(f->nbufs, 0);
  assert_memory_equal(f->data, text, f->len);
}

static void test_both_ways(void **unused) {
  (void)unused;
  la_driver *a, *b;
  la_frame in[4];
  assert_true(la_pair_new(100, 8, &a, &b));
  assert_int_equal(a->fd, -1);
  assert_int_equal(a->mtu, 100);
  assert_int_equal(a->recv(a, in, 4), 0);
  assert_true(send_text(a, "one"));
  assert_true(send_text(a, "two"));
  assert_true(send_text(b, "back"));
  assert_int_equal(b->recv(b, in, 4), 2);
  expect(&in[0], "one");
  expect(&in[1], "two");
  assert_int_equal(a->recv(a, in, 4), 1);
  expect(&in[0], "back");
  assert_int_equal(b->recv(b, in, 4), 0);
  assert_int_equal(a->sent, 2);
  assert_int_equal(b->received, 2);
  a->close(a);
  b->close(b);
}

/* Payload by reference is put behind the headers. */
static void test_pieces(void **unused) {
  (void)unused;
  la_driver *a, *b;
  la_frame in[1], out = {.data = (const uint8_t *)"head", .len = 4, .total = 11, .nbufs = 2};
  out.buf[0] = (la_buf){"body", 4};
  out.buf[1] = (la_buf){"end", 3};
  assert_true(la_pair_new(11, 1, &a, &b));
  assert_true(a->send(a, &out));
  assert_int_equal(b->recv(b, in, 1), 1);
  expect(&in[0], "headbodyend");
  out.buf[1].len = 4; /* one byte past the MTU */
  out.buf[1].data = "ends";
  assert_false(a->send(a, &out));
  assert_int_equal(a->dropped, 1);
  b->close(b);
  a->close(a);
}

/* At most `depth` under way, in order, across the ring's end; lent bytes stay until the next recv. */
static void test_depth(void **unused) {
  (void)unused;
  la_driver *a, *b;
  la_frame in[8];
  char text[] = "0";
  assert_true(la_pair_new(10, 3, &a, &b));
  for (unsigned turn = 0; turn < 10; turn++) {
    for (unsigned i = 0; i < 3; i++) {
      text[0] = (char)('0' + (turn + i) % 10);
      assert_true(send_text(b, text));
    }
    assert_false(send_text(b, "x"));
    assert_int_equal(a->recv(a, in, 2), 2);
    assert_false(send_text(b, "x")); /* still lent */
    assert_int_equal(a->recv(a, in + 2, 8), 1);
    for (unsigned i = 2; i < 3; i++)
      assert_int_equal(in[i].data[0], '0' + (turn + i) % 10);
    assert_int_equal(a->recv(a, in, 8), 0);
  }
  assert_int_equal(b->dropped, 20);
  a->close(a);
  assert_false(send_text(b, "x")); /* nobody is there */
  b->close(b);
}

static void test_refused(void **unused) {
  (void)unused;
  la_driver *a, *b;
  assert_false(la_pair_new(0, 1, &a, &b));
  assert_false(la_pair_new(1, 0, &a, &b));
}

/* With offload frames cross as they are, however long; without, and past 65535 bytes, they do not. */
static void test_offload(void **unused) {
  (void)unused;
  la_driver *a, *b;
  la_frame in[2];
  static uint8_t big[65536];
  la_frame out = {.data = big, .len = 60000, .flags = LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL, .gso_size = 1448};
  assert_true(la_pair_new_offload(1500, 4, LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4, &a, &b));
  assert_int_equal(a->offload, LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4);
  assert_int_equal(b->offload, a->offload);
  assert_int_equal(a->mtu, 1500);
  assert_true(a->send(a, &out));
  out.flags = 0;
  assert_true(a->send(a, &out));
  assert_int_equal(b->recv(b, in, 2), 2);
  assert_int_equal(in[0].len, 60000);
  assert_int_equal(in[0].flags, LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL);
  assert_int_equal(in[0].gso_size, 1448);
  assert_int_equal(in[1].flags, 0);
  out.len = 65536;
  assert_false(a->send(a, &out));
  a->close(a);
  b->close(b);
  assert_true(la_pair_new_offload(1500, 4, LA_OFFLOAD_SUM, &a, &b));
  out.len = 1501;
  assert_false(a->send(a, &out));
  out.len = 1500;
  out.flags = LA_FRAME_SUM_PARTIAL;
  assert_true(a->send(a, &out));
  assert_int_equal(b->recv(b, in, 2), 1);
  assert_int_equal(in[0].flags, LA_FRAME_SUM_PARTIAL);
  a->close(a);
  b->close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_ways), cmocka_unit_test(test_pieces), cmocka_unit_test(test_offload),
                                     cmocka_unit_test(test_depth), cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
