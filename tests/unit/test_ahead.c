/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/ahead.h"
#include "tests/unit/tape.h"

enum { CONNS = 1500 };

static void nothing(void *ctx, struct flow *c) {
  (void)ctx;
  (void)c;
}

/* Enough for several blocks and several of the reader's buffers, in a file. */
static size_t written(char path[], bool ng, size_t cut) {
  struct tape t;
  tape_init(&t, TAPE_ETHERNET, 4, ng);
  for (unsigned i = 0; i < CONNS; i++)
    tape_play(&t, i % 50 ? "other >S <SA >A >A10 <A >FA <FA >A" : "other >S <SA >A >A1400 >A1400 >A1400 <A9000 >FA <FA >A");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, t.data, t.len - cut), t.len - cut);
  close(fd);
  size_t n = t.len - cut;
  tape_free(&t);
  return n;
}

/* Each packet comes, in order, whole and decoded, and stays until it is done with: compared with a reader that goes packet by packet. */
static void compare(bool ng, const char *expr, size_t cut) {
  char path[] = "/tmp/test_ahead.XXXXXX";
  struct reader plain, rd;
  struct filter one, two;
  struct flows f;
  struct ahead a;
  struct ahead_block *held[AHEAD_BLOCKS];
  struct packet p;
  enum reader_result got = READER_PACKET, was = READER_PACKET;
  uint64_t n = 0, blocks = 0;
  written(path, ng, cut);
  assert_true(la__filter_init(&one, expr, NULL, 0) && la__filter_init(&two, expr, NULL, 0));
  assert_true(la__reader_open(&plain, path) && la__reader_open(&rd, path));
  assert_true(la__flows_init(&f, nothing, NULL));
  assert_true(la__ahead_start(&a, &rd, &one, &f));
  while (got == READER_PACKET) {
    size_t k = 0;
    do /* all that there are */
      held[k] = la__ahead_next(&a);
    while ((got = held[k++]->end) == READER_PACKET && k < AHEAD_BLOCKS);
    for (size_t b = 0; b < k; b++, blocks++) {
      for (size_t i = 0; i < held[b]->n; i++, n++) {
        struct flows_seg s;
        while ((was = la__reader_next(&plain, &p)) == READER_PACKET && !la__filter_match(&two, &p))
          ;
        assert_int_equal(was, READER_PACKET);
        la__flows_decode(&f, &p, &s);
        const struct packet *q = &held[b]->p[i];
        assert_int_equal(q->frame, p.frame);
        assert_int_equal(q->at, p.at);
        assert_int_equal(q->cap, p.cap);
        assert_memory_equal(q->data, p.data, p.cap);
        assert_int_equal(held[b]->s[i].hash, s.hash);
        assert_int_equal(held[b]->s[i].what, s.what);
        assert_int_equal(held[b]->s[i].s.seq, s.s.seq);
        assert_memory_equal(held[b]->s[i].s.src, s.s.src, 4);
      }
      la__ahead_done(&a, held[b]);
    }
  }
  la__ahead_stop(&a);
  while ((was = la__reader_next(&plain, &p)) == READER_PACKET)
    assert_false(la__filter_match(&two, &p));
  assert_int_equal(was, got);
  assert_int_equal(rd.offset, plain.offset);
  assert_string_equal(rd.error, plain.error);
  assert_true(n > CONNS && blocks > AHEAD_BLOCKS);
  la__reader_close(&plain);
  la__reader_close(&rd);
  la__filter_free(&one);
  la__filter_free(&two);
  la__flows_free(&f);
  unlink(path);
}

static void test_same(void **unused) {
  (void)unused;
  compare(false, NULL, 0);
  compare(true, NULL, 0);
  compare(false, "tcp[tcpflags] & tcp-syn != 0", 0);
}

/* What stands before the break still comes, and the break is told as without a thread. */
static void test_broken(void **unused) {
  (void)unused;
  compare(false, NULL, 5);
  compare(true, NULL, 5);
}

/* Nothing hangs and nothing leaks when nobody wants to see the rest. */
static void test_stopped(void **unused) {
  (void)unused;
  for (unsigned taken = 0; taken < 3; taken++) {
    char path[] = "/tmp/test_ahead.XXXXXX";
    struct reader rd;
    struct filter filter;
    struct flows f;
    struct ahead a;
    written(path, false, 0);
    assert_true(la__filter_init(&filter, NULL, NULL, 0) && la__reader_open(&rd, path) && la__flows_init(&f, nothing, NULL));
    assert_true(la__ahead_start(&a, &rd, &filter, &f));
    for (unsigned i = 0; i < taken; i++)
      assert_int_equal(la__ahead_next(&a)->end, READER_PACKET); /* and not given back */
    la__ahead_stop(&a);
    la__reader_close(&rd);
    la__filter_free(&filter);
    la__flows_free(&f);
    unlink(path);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_broken), cmocka_unit_test(test_stopped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
