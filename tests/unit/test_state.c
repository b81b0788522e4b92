/* SPDX-License-Identifier: MIT */
/* The transition table: unambiguous, complete against RFC 9293 figure 5, every state reachable, in the order that its index needs. */
#include "dialogue.h"

#include "tcp/tcp.h"

enum { ROWS_MAX = 128 };
static la_transition row[ROWS_MAX];
static size_t rows;

static int load(void **state) {
  (void)state;
  for (rows = 0; rows < ROWS_MAX && la_transition_get(rows, &row[rows]); rows++)
    ;
  la_transition none;
  return rows == 0 || rows == ROWS_MAX || la_transition_get(rows, &none) || la_transition_get(SIZE_MAX, &none);
}

static bool has(enum la_state from, enum la_cause cause, enum la_state to) {
  for (size_t i = 0; i < rows; i++)
    if (row[i].from == from && row[i].cause == cause && row[i].to == to)
      return true;
  return false;
}

/* A state and a cause lead to one state; only a RST in SYN-RECEIVED asks who opened (MUST-11). */
static void unambiguous(void **state) {
  (void)state;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = i + 1; j < rows; j++)
      if (row[i].from == row[j].from && row[i].cause == row[j].cause)
        assert_true(row[i].from == LA_SYN_RECEIVED && row[i].cause == LA_ON_RST && row[i].to != row[j].to);
}

/* la__state_next finds each row, which it would not if the index of first rows were wrong. */
static void index_is_right(void **state) {
  (void)state;
  for (size_t i = 0; i < rows; i++) {
    enum la_state a = la__state_next(row[i].from, row[i].cause, true), p = la__state_next(row[i].from, row[i].cause, false);
    assert_true(row[i].to == a || row[i].to == p);
    if (i)
      assert_true(row[i - 1].from <= row[i].from);
  }
  assert_int_equal(la__state_next(LA_SYN_RECEIVED, LA_ON_RST, true), LA_LISTEN);
  assert_int_equal(la__state_next(LA_SYN_RECEIVED, LA_ON_RST, false), LA_CLOSED);
}

static void reachable_and_mortal(void **state) {
  (void)state;
  bool from_closed[LA_STATES] = {[LA_CLOSED] = true}, to_closed[LA_STATES] = {[LA_CLOSED] = true};
  for (size_t turn = 0; turn < LA_STATES; turn++)
    for (size_t i = 0; i < rows; i++) {
      from_closed[row[i].to] |= from_closed[row[i].from];
      to_closed[row[i].from] |= to_closed[row[i].to];
    }
  for (unsigned s = 0; s < LA_STATES; s++) {
    assert_true(from_closed[s]);
    assert_true(to_closed[s]);
  }
}

/* Figure 5 of RFC 9293 3.3.2, edge by edge. */
static void edges_of_figure_5(void **state) {
  (void)state;
  static const la_transition want[] = {
    {LA_CLOSED, LA_LISTEN, LA_ON_LISTEN},
    {LA_CLOSED, LA_SYN_SENT, LA_ON_CONNECT},
    {LA_LISTEN, LA_CLOSED, LA_ON_CLOSE},
    {LA_LISTEN, LA_SYN_RECEIVED, LA_ON_SYN},
    {LA_SYN_SENT, LA_CLOSED, LA_ON_CLOSE},
    {LA_SYN_SENT, LA_SYN_RECEIVED, LA_ON_SYN},
    {LA_SYN_SENT, LA_ESTABLISHED, LA_ON_SYN_ACK},
    {LA_SYN_RECEIVED, LA_LISTEN, LA_ON_RST}, /* note 1 */
    {LA_SYN_RECEIVED, LA_ESTABLISHED, LA_ON_ACK_OF_SYN},
    {LA_ESTABLISHED, LA_FIN_WAIT_1, LA_ON_CLOSE},
    {LA_ESTABLISHED, LA_CLOSE_WAIT, LA_ON_FIN},
    {LA_FIN_WAIT_1, LA_FIN_WAIT_2, LA_ON_ACK_OF_FIN},
    {LA_FIN_WAIT_1, LA_CLOSING, LA_ON_FIN},
    {LA_FIN_WAIT_1, LA_TIME_WAIT, LA_ON_FIN_AND_ACK}, /* note 2 */
    {LA_FIN_WAIT_2, LA_TIME_WAIT, LA_ON_FIN},
    {LA_CLOSE_WAIT, LA_LAST_ACK, LA_ON_CLOSE},
    {LA_CLOSING, LA_TIME_WAIT, LA_ON_ACK_OF_FIN},
    {LA_LAST_ACK, LA_CLOSED, LA_ON_ACK_OF_FIN},
    {LA_TIME_WAIT, LA_CLOSED, LA_ON_2MSL},
  };
  for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
    if (!has(want[i].from, want[i].cause, want[i].to))
      fail_msg("%s on %s to %s is missing", la_state_name(want[i].from), la_cause_name(want[i].cause), la_state_name(want[i].to));
}

/* What the figure leaves to its notes: RST, ABORT, time-outs end whatever is synchronized; nothing else leaves the figure. */
static void edges_beyond_figure_5(void **state) {
  (void)state;
  static const enum la_state live[] = {LA_SYN_SENT,   LA_SYN_RECEIVED, LA_ESTABLISHED, LA_FIN_WAIT_1,
                                       LA_FIN_WAIT_2, LA_CLOSE_WAIT,   LA_CLOSING,     LA_LAST_ACK};
  for (size_t i = 0; i < sizeof live / sizeof live[0]; i++) {
    static const enum la_cause ends[] = {LA_ON_RST, LA_ON_ABORT, LA_ON_TIMEOUT, LA_ON_ICMP};
    for (size_t j = 0; j < 4; j++)
      assert_true(has(live[i], ends[j], LA_CLOSED));
    assert_false(has(live[i], LA_ON_2MSL, LA_CLOSED));
  }
  assert_true(has(LA_TIME_WAIT, LA_ON_SYN, LA_SYN_RECEIVED)); /* MAY-2 */
  for (size_t i = 0; i < rows; i++) {
    if (row[i].from == LA_TIME_WAIT) /* RFC 1337: no RST */
      assert_true(row[i].cause == LA_ON_2MSL || row[i].cause == LA_ON_SYN || row[i].cause == LA_ON_POLICY);
    if (row[i].to == LA_TIME_WAIT)
      assert_true(row[i].from == LA_FIN_WAIT_1 || row[i].from == LA_FIN_WAIT_2 || row[i].from == LA_CLOSING);
    if (row[i].to == LA_ESTABLISHED)
      assert_true(row[i].from == LA_SYN_SENT || row[i].from == LA_SYN_RECEIVED);
    if (row[i].cause == LA_ON_DATA) /* data after a full close */
      assert_true(row[i].from == LA_FIN_WAIT_1 || row[i].from == LA_FIN_WAIT_2);
    assert_true(row[i].from != row[i].to);
  }
}

static void names(void **state) {
  (void)state;
  for (size_t i = 0; i < rows; i++) {
    assert_non_null(la_state_name(row[i].from));
    assert_true(strlen(la_cause_name(row[i].cause)) > 0);
  }
  assert_string_equal(la_state_name(LA_FIN_WAIT_1), "FIN-WAIT-1");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(unambiguous),       cmocka_unit_test(index_is_right),        cmocka_unit_test(reachable_and_mortal),
    cmocka_unit_test(edges_of_figure_5), cmocka_unit_test(edges_beyond_figure_5), cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, load, 0);
}
