/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/track.h"

enum { SYN = LA_SYN, ACK = LA_ACK, FIN = LA_FIN, RST = LA_RST };

/* One segment: who sent it, what it is, whether it arrived, and the states that both ends must then be inferred to be in. */
struct row {
  unsigned from;
  struct track_seg seg;
  bool arrives;
  enum la_state end0, end1;
};

static void run(struct track *t, const struct row *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    la__track_send(t, rows[i].from, &rows[i].seg);
    if (rows[i].arrives)
      la__track_arrive(t, rows[i].from, &rows[i].seg);
    if (la__passive_state(t, 0) != rows[i].end0 || la__passive_state(t, 1) != rows[i].end1)
      fail_msg("row %zu: states %d, %d; expected %d, %d", i, la__passive_state(t, 0), la__passive_state(t, 1), rows[i].end0, rows[i].end1);
  }
}
#define RUN(t, rows) run(t, rows, sizeof(rows) / sizeof(rows)[0])

/* Initial numbers near the wrap, so that every comparison must be modular. */
enum { X = -2, Y = 500 };
#define S(fl, s, a, l) \
  { fl, (uint32_t)(s), (uint32_t)(a), l }

static const struct row open_rows[] = {
  {0, S(SYN, X, 0, 0), true, LA_SYN_SENT, LA_CLOSED},
  {1, S(SYN | ACK, Y, X + 1, 0), true, LA_ESTABLISHED, LA_SYN_RECEIVED},
  {0, S(ACK, X + 1, Y + 1, 0), true, LA_ESTABLISHED, LA_ESTABLISHED},
};

static void test_four(void **unused) {
  (void)unused;
  struct track t;
  la__track_init(&t);
  RUN(&t, open_rows);
  const struct row rows[] = {
    {0, S(ACK, X + 1, Y + 1, 100), true, LA_ESTABLISHED, LA_ESTABLISHED},
    {1, S(ACK, Y + 1, X + 101, 1000), true, LA_ESTABLISHED, LA_ESTABLISHED},
    {0, S(FIN | ACK, X + 101, Y + 1001, 0), true, LA_FIN_WAIT_1, LA_CLOSE_WAIT},
    {1, S(ACK, Y + 1001, X + 102, 0), true, LA_FIN_WAIT_2, LA_CLOSE_WAIT},
    {1, S(FIN | ACK, Y + 1001, X + 102, 0), true, LA_TIME_WAIT, LA_LAST_ACK},
    {0, S(ACK, X + 102, Y + 1002, 0), true, LA_TIME_WAIT, LA_CLOSED},
  };
  RUN(&t, rows);
  assert_int_equal(la__track_seq(&t, 0, (uint32_t)X + 101), 101);
  assert_int_equal(la__track_ack(&t, 0, Y + 1002), 1002);
}

static void test_three_and_by_server(void **unused) {
  (void)unused;
  struct track t;
  la__track_init(&t);
  RUN(&t, open_rows);
  const struct row rows[] = {
    {1, S(FIN | ACK, Y + 1, X + 1, 10), true, LA_CLOSE_WAIT, LA_FIN_WAIT_1},
    {0, S(FIN | ACK, X + 1, Y + 12, 0), true, LA_LAST_ACK, LA_TIME_WAIT},
    {1, S(ACK, Y + 12, X + 2, 0), true, LA_CLOSED, LA_TIME_WAIT},
    /* the next incarnation */
    {0, S(SYN, 7000, 0, 0), true, LA_SYN_SENT, LA_TIME_WAIT},
    {1, S(SYN | ACK, 9000, 7001, 0), true, LA_ESTABLISHED, LA_SYN_RECEIVED},
  };
  RUN(&t, rows);
}

static void test_simultaneous(void **unused) {
  (void)unused;
  struct track t;
  la__track_init(&t);
  struct track_seg a = S(SYN, X, 0, 0), b = S(SYN, Y, 0, 0);
  la__track_send(&t, 0, &a);
  la__track_send(&t, 1, &b);
  assert_int_equal(la__passive_state(&t, 0), LA_SYN_SENT);
  assert_int_equal(la__passive_state(&t, 1), LA_SYN_SENT);
  la__track_arrive(&t, 0, &a);
  la__track_arrive(&t, 1, &b);
  const struct row rows[] = {
    {0, S(SYN | ACK, X, Y + 1, 0), true, LA_SYN_RECEIVED, LA_ESTABLISHED},
    {1, S(SYN | ACK, Y, X + 1, 0), true, LA_ESTABLISHED, LA_ESTABLISHED},
  };
  RUN(&t, rows);
  struct track_seg f = S(FIN | ACK, X + 1, Y + 1, 0), g = S(FIN | ACK, Y + 1, X + 1, 0);
  la__track_send(&t, 0, &f);
  la__track_send(&t, 1, &g);
  la__track_arrive(&t, 0, &f);
  la__track_arrive(&t, 1, &g);
  assert_int_equal(la__passive_state(&t, 0), LA_CLOSING);
  assert_int_equal(la__passive_state(&t, 1), LA_CLOSING);
  const struct row last[] = {
    {0, S(ACK, X + 2, Y + 2, 0), true, LA_CLOSING, LA_TIME_WAIT},
    {1, S(ACK, Y + 2, X + 2, 0), true, LA_TIME_WAIT, LA_TIME_WAIT},
  };
  RUN(&t, last);
}

static void test_reset(void **unused) {
  (void)unused;
  struct track t;
  la__track_init(&t);
  const struct row refused[] = {
    {0, S(SYN, X, 0, 0), true, LA_SYN_SENT, LA_CLOSED},
    {1, S(RST | ACK, 0, X + 2, 0), true, LA_SYN_SENT, LA_CLOSED}, /* not of this SYN */
    {1, S(RST | ACK, 0, X + 1, 0), true, LA_CLOSED, LA_CLOSED},
  };
  RUN(&t, refused);
  la__track_init(&t);
  RUN(&t, open_rows);
  const struct row rows[] = {
    {1, S(RST, Y + 50, 0, 0), true, LA_ESTABLISHED, LA_CLOSED}, /* not exactly the next byte: a challenge, RFC 5961 */
    {1, S(RST, Y + 1, 0, 0), true, LA_CLOSED, LA_CLOSED},
  };
  RUN(&t, rows);
}

/* A FIN behind a hole is not yet received; the ACK of it proves that it was. */
static void test_loss(void **unused) {
  (void)unused;
  struct track t;
  la__track_init(&t);
  RUN(&t, open_rows);
  const struct row rows[] = {
    {0, S(ACK, X + 1, Y + 1, 100), false, LA_ESTABLISHED, LA_ESTABLISHED},
    {0, S(FIN | ACK, X + 101, Y + 1, 0), true, LA_FIN_WAIT_1, LA_ESTABLISHED},
    {1, S(ACK, Y + 1, X + 1, 0), true, LA_FIN_WAIT_1, LA_ESTABLISHED},
    {0, S(ACK, X + 1, Y + 1, 100), false, LA_FIN_WAIT_1, LA_ESTABLISHED},
    {1, S(ACK, Y + 1, X + 102, 0), true, LA_FIN_WAIT_2, LA_CLOSE_WAIT},
  };
  RUN(&t, rows);
}

static void test_again(void **unused) {
  (void)unused;
  struct track t;
  la__track_init(&t);
  RUN(&t, open_rows);
  struct track_seg data = S(ACK, X + 1, Y + 1, 100), ack = S(ACK, X + 101, Y + 1, 0), more = S(ACK, X + 51, Y + 1, 100);
  assert_false(la__track_send(&t, 0, &data));
  assert_true(la__track_send(&t, 0, &data));
  assert_false(la__track_send(&t, 0, &ack));
  assert_false(la__track_send(&t, 0, &ack));
  assert_false(la__track_send(&t, 0, &more));
}

static void test_midway(void **unused) {
  (void)unused;
  struct track t;
  la__track_init(&t);
  const struct row rows[] = {
    {1, S(ACK, 1000, 2000, 10), true, LA_CLOSED, LA_ESTABLISHED},
    {0, S(ACK, 2000, 1010, 0), true, LA_ESTABLISHED, LA_ESTABLISHED},
    {0, S(FIN | ACK, 2000, 1010, 0), true, LA_FIN_WAIT_1, LA_CLOSE_WAIT},
  };
  RUN(&t, rows);
  assert_int_equal(la__track_seq(&t, 1, 1000), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_four),         cmocka_unit_test(test_three_and_by_server),
    cmocka_unit_test(test_simultaneous), cmocka_unit_test(test_reset),
    cmocka_unit_test(test_loss),         cmocka_unit_test(test_again),
    cmocka_unit_test(test_midway),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
