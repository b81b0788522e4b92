/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <lastack/tcp.h>
#include <lastack/watch.h>

/* One shape for all the functions, so that one test can walk them. */
#define SHIM(fn, type) \
  static const char *shim_##fn(int i) { return fn((type)i); }
SHIM(la_state_name, enum la_state)
SHIM(la_cause_name, enum la_cause)
SHIM(la_who_name, enum la_who)
SHIM(la_how_name, enum la_how)
SHIM(la_why_name, enum la_why)
SHIM(la_drop_name, enum la_drop)
SHIM(la_event_name, enum la_event_type)
SHIM(la_waiting_name, enum la_waiting)
SHIM(la_clock_name, enum la_clock)
SHIM(la_first_name, enum la_first)

static const struct {
  const char *(*fn)(int);
  int n;
  const char *first, *last;
} tables[] = {
  {shim_la_state_name, LA_STATES, "CLOSED", "TIME-WAIT"},
  {shim_la_cause_name, LA_CAUSES, "nothing", "policy"},
  {shim_la_who_name, LA_WHOS, "nobody", "policy"},
  {shim_la_how_name, LA_HOWS, "open", "silent"},
  {shim_la_why_name, LA_WHYS, "no reason", "neighbour does not answer"},
  {shim_la_drop_name, LA_DROPS, "NONE", "IP_OUTNOROUTES"},
  {shim_la_event_name, LA_EVENT_TYPES, "SYN", "ADDR_DUPLICATE"},
  {shim_la_waiting_name, LA_WAITINGS, "nothing", "2MSL"},
  {shim_la_clock_name, LA_CLOCKS, "none", "2MSL"},
  {shim_la_first_name, LA_FIRSTS, "nobody", "both"},
};

static void complete_and_distinct(void **state) {
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
    for (int i = 0; i < tables[t].n; i++) {
      assert_string_not_equal(tables[t].fn(i), "?");
      assert_in_range(strlen(tables[t].fn(i)), 1, 40);
      for (int j = 0; j < i; j++)
        assert_string_not_equal(tables[t].fn(i), tables[t].fn(j));
    }
    assert_string_equal(tables[t].fn(0), tables[t].first);
    assert_string_equal(tables[t].fn(tables[t].n - 1), tables[t].last);
  }
  (void)state;
}

static void out_of_range(void **state) {
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
    const int bad[] = {tables[t].n, tables[t].n + 1, 255, 256, INT_MAX, -1, INT_MIN};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
      assert_string_equal(tables[t].fn(bad[i]), "?");
  }
  (void)state;
}

static void spellings(void **state) {
  assert_string_equal(la_state_name(LA_SYN_RECEIVED), "SYN-RECEIVED");
  assert_string_equal(la_state_name(LA_FIN_WAIT_1), "FIN-WAIT-1");
  assert_string_equal(la_state_name(LA_CLOSE_WAIT), "CLOSE-WAIT");
  assert_string_equal(la_state_name(LA_LAST_ACK), "LAST-ACK");
  assert_string_equal(la_how_name(LA_HOW_FOUR_SEGMENTS), "four-segment release");
  assert_string_equal(la_how_name(LA_HOW_THREE_SEGMENTS), "three-segment release");
  assert_string_equal(la_how_name(LA_HOW_SIMULTANEOUS), "simultaneous close");
  assert_string_equal(la_how_name(LA_HOW_RESET), "reset");
  assert_string_equal(la_why_name(LA_WHY_CLOSE), "application close");
  assert_string_equal(la_why_name(LA_WHY_RETRANSMIT), "retransmission limit");
  assert_string_equal(la_why_name(LA_WHY_UNREAD), "unread data at close");
  assert_string_equal(la_drop_name(LA_DROP_TCP_CSUM), "TCP_CSUM");
  assert_string_equal(la_drop_name(LA_DROP_TCP_RFC7323_PAWS), "TCP_RFC7323_PAWS");
  assert_string_equal(la_drop_name(LA_DROP_PKT_TOO_SMALL), "PKT_TOO_SMALL");
  assert_string_equal(la_event_name(LA_EVENT_PEER_FIN), "PEER_FIN");
  assert_string_equal(la_cause_name(LA_ON_ACK_OF_FIN), "ACK of FIN");
  (void)state;
}

static void errors(void **state) {
  for (int e = LA_EMSGSIZE; e <= 0; e++)
    for (int f = LA_EMSGSIZE; f < e; f++)
      assert_string_not_equal(la_err_name(e), la_err_name(f));
  assert_string_equal(la_err_name(LA_OK), "OK");
  assert_string_equal(la_err_name(LA_AGAIN), "EAGAIN");
  assert_string_equal(la_err_name(LA_ECONNREFUSED), "ECONNREFUSED");
  assert_string_equal(la_err_name(LA_EQUIET), "EQUIET");
  const int bad[] = {1, LA_EMSGSIZE - 1, INT_MAX, INT_MIN, INT_MIN + 1};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_string_equal(la_err_name(bad[i]), "EUNKNOWN");
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(complete_and_distinct),
    cmocka_unit_test(out_of_range),
    cmocka_unit_test(spellings),
    cmocka_unit_test(errors),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
