/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "draw/ending.h"

static const la_end base = {.local = {.family = 4, .b = {10, 0, 0, 1}},
                            .remote = {.family = 4, .b = {10, 0, 0, 2}},
                            .local_port = 80,
                            .remote_port = 40000,
                            .who = LA_BY_PEER,
                            .first_fin = LA_BY_PEER,
                            .how = LA_HOW_FOUR_SEGMENTS,
                            .why = LA_WHY_CLOSE,
                            .state = LA_LAST_ACK,
                            .passive = true,
                            .time_wait = LA_TW_PEER,
                            .opened = 5 * LA_SEC,
                            .ended = 5 * LA_SEC + 3200 * LA_US,
                            .bytes_in = 78,
                            .bytes_out = 1204};

static void expect(const la_end *e, const char *want) {
  char text[ENDING_TEXT];
  assert_ptr_equal(la__ending_text(e, text), text);
  assert_string_equal(text, want);
}

static void test_release(void **unused) {
  (void)unused;
  char want[ENDING_TEXT];
  la_end e = base;
  snprintf(want, sizeof want,
           "10.0.0.1:80 <- 10.0.0.2:40000: %s, closed first by %s (%s), TIME-WAIT carried by peer; 78 bytes in, 1204 out, 0 "
           "retransmissions, 3.2 ms",
           la_how_name(LA_HOW_FOUR_SEGMENTS), la_who_name(LA_BY_PEER), la_why_name(LA_WHY_CLOSE));
  expect(&e, want);
  e.passive = false;
  e.how = LA_HOW_THREE_SEGMENTS;
  e.first_fin = LA_BY_LOCAL;
  e.time_wait = LA_TW_LOCAL;
  e.retransmits = 1;
  e.ended = e.opened + 90 * LA_SEC;
  snprintf(want, sizeof want,
           "10.0.0.1:80 -> 10.0.0.2:40000: %s, closed first by %s (%s), TIME-WAIT carried by us; 78 bytes in, 1204 out, 1 retransmission, "
           "90.0 s",
           la_how_name(LA_HOW_THREE_SEGMENTS), la_who_name(LA_BY_LOCAL), la_why_name(LA_WHY_CLOSE));
  expect(&e, want);
  e.how = LA_HOW_SIMULTANEOUS;
  e.time_wait = LA_TW_BOTH;
  e.ended = e.opened + 3 * 86400 * LA_SEC;
  snprintf(want, sizeof want,
           "10.0.0.1:80 -> 10.0.0.2:40000: %s, closed by both at once (%s), TIME-WAIT carried by both; 78 bytes in, 1204 out, 1 "
           "retransmission, 72.0 h",
           la_how_name(LA_HOW_SIMULTANEOUS), la_why_name(LA_WHY_CLOSE));
  expect(&e, want);
}

static void test_other(void **unused) {
  (void)unused;
  char want[ENDING_TEXT];
  la_end e = base;
  e.how = LA_HOW_RESET;
  e.why = LA_WHY_PEER_RESET;
  e.state = LA_ESTABLISHED;
  e.time_wait = LA_TW_NOBODY;
  e.first_fin = LA_BY_NOBODY;
  snprintf(want, sizeof want,
           "10.0.0.1:80 <- 10.0.0.2:40000: %s by %s (%s) in ESTABLISHED; 78 bytes in, 1204 out, 0 retransmissions, 3.2 ms",
           la_how_name(LA_HOW_RESET), la_who_name(LA_BY_PEER), la_why_name(LA_WHY_PEER_RESET));
  expect(&e, want);
}

/* The longest that there can be still fits, and IPv6 addresses are told from their ports. */
static void test_long(void **unused) {
  (void)unused;
  char text[ENDING_TEXT];
  la_end e = base;
  e.local.family = e.remote.family = 6;
  memset(e.local.b, 0xfe, 16);
  memset(e.remote.b, 0xfe, 16);
  e.bytes_in = e.bytes_out = UINT64_MAX;
  e.retransmits = UINT32_MAX;
  e.ended = UINT64_MAX;
  for (unsigned how = 0; how < LA_HOWS; how++)
    for (unsigned why = 0; why < LA_WHYS; why++) {
      e.how = (enum la_how)how;
      e.why = (enum la_why)why;
      la__ending_text(&e, text);
      assert_true(strlen(text) < ENDING_TEXT - 1);
      assert_string_equal(text + strlen(text) - 2, " h");
      assert_int_equal(text[0], '[');
      assert_non_null(strstr(text, "]:40000: "));
    }
}

static const char *clock_of(enum la_state from, enum la_cause cause, enum la_how how, enum la_why why) {
  la_trace_rec r = {.type = LA_TRACE_TRANSITION, .from = (uint8_t)from, .cause = (uint8_t)cause, .how = (uint8_t)how, .why = (uint8_t)why};
  return la__clock_name(&r);
}
static void test_clocks(void **state) {
  (void)state;
  assert_string_equal(clock_of(LA_TIME_WAIT, LA_ON_2MSL, LA_HOW_OPEN, LA_WHY_NONE), "2MSL");
  assert_string_equal(clock_of(LA_ESTABLISHED, LA_ON_TIMEOUT, LA_HOW_SILENT, LA_WHY_RETRANSMIT), "R2");
  assert_string_equal(clock_of(LA_LAST_ACK, LA_ON_TIMEOUT, LA_HOW_SILENT, LA_WHY_LAST_ACK), "R2");
  assert_string_equal(clock_of(LA_SYN_SENT, LA_ON_TIMEOUT, LA_HOW_SILENT, LA_WHY_SYN_TIMEOUT), "SYN time-out");
  assert_string_equal(clock_of(LA_ESTABLISHED, LA_ON_TIMEOUT, LA_HOW_RESET, LA_WHY_KEEPALIVE), "keepalive time-out");
  assert_string_equal(clock_of(LA_ESTABLISHED, LA_ON_TIMEOUT, LA_HOW_SILENT, LA_WHY_USER_TIMEOUT), "user time-out");
  assert_string_equal(clock_of(LA_FIN_WAIT_2, LA_ON_TIMEOUT, LA_HOW_RESET, LA_WHY_USER_TIMEOUT), "deadline of the close");
  assert_string_equal(clock_of(LA_FIN_WAIT_2, LA_ON_TIMEOUT, LA_HOW_SILENT, LA_WHY_FIN_WAIT_2), "FIN-WAIT-2 time-out");
  assert_string_equal(clock_of(LA_SYN_RECEIVED, LA_ON_TIMEOUT, LA_HOW_OPEN, LA_WHY_NONE), "SYN-ACK time-out");
  assert_null(clock_of(LA_LAST_ACK, LA_ON_ACK_OF_FIN, LA_HOW_FOUR_SEGMENTS, LA_WHY_CLOSE));
  assert_null(clock_of(LA_ESTABLISHED, LA_ON_RST, LA_HOW_RESET, LA_WHY_PEER_RESET));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_release), cmocka_unit_test(test_other), cmocka_unit_test(test_long),
                                     cmocka_unit_test(test_clocks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
