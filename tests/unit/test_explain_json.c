/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "cli/explain.h"
#include "tests/unit/tape.h"

static struct tape_out o;
static void explain(const char *script, unsigned family) {
  struct tape t;
  tape_init(&t, TAPE_RAW, family, true);
  tape_play(&t, script);
  tape_read(t.data, t.len, &o);
  tape_free(&t);
  assert_int_equal(o.n, 1);
}

static json_t *parsed(const struct flow *c, const struct verdict *v) {
  char *text = NULL;
  size_t n = 0;
  json_error_t err;
  FILE *f = open_memstream(&text, &n);
  assert_true(la__explain_json(f, c, v));
  fclose(f);
  assert_true(n > 1 && strchr(text, '\n') == text + n - 1); /* one line */
  json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &err);
  if (!j)
    fail_msg("%s: %s", err.text, text);
  free(text);
  return j;
}

static const char *string(const json_t *j, const char *key) { return json_string_value(json_object_get(j, key)); }
static json_int_t number(const json_t *j, const char *key) {
  const json_t *n = json_object_get(j, key);
  assert_true(json_is_integer(n));
  return json_integer_value(n);
}

static void test_connection(void **unused) {
  (void)unused;
  explain(">S <SA >A >A10 <A >FA <A +99 <A4 >R", 6);
  json_t *j = parsed(&o.flow[0], &o.verdict[0]);
  assert_string_equal(string(j, "client"), "[fd00::2]:46444");
  assert_string_equal(string(j, "server"), "[fd00::9]:7010");
  assert_string_equal(string(j, "start"), "1700000000.001000000");
  assert_string_equal(string(j, "end"), "1700000000.109000000");
  assert_string_equal(string(j, "reason"), "data-after-close");
  assert_string_equal(string(j, "reset_by"), "client");
  assert_int_equal(number(j, "reset_frame"), 9);
  assert_int_equal(number(j, "lost_bytes"), 4);
  assert_int_equal(json_array_size(json_object_get(j, "candidates")), 1);
  assert_true(json_is_null(json_object_get(j, "icmp")));
  assert_true(json_is_true(json_object_get(j, "finding")));
  assert_int_equal(number(json_object_get(j, "server_end"), "bytes_after_peer_close"), 4);
  assert_float_equal(json_real_value(json_object_get(j, "half_closed_ms")), 103, 1e-9);
  assert_float_equal(json_real_value(json_object_get(j, "handshake_rtt_ms")), 2, 1e-9);
  json_decref(j);
}

/* States name the ends, and frames, in order. */
static void test_states(void **unused) {
  (void)unused;
  explain("<S >SA <A <FA >A >FA <A", 4);
  json_t *j = parsed(&o.flow[0], &o.verdict[0]), *all = json_object_get(j, "states"), *s;
  size_t i;
  json_int_t before = 0;
  json_array_foreach(all, i, s) {
    assert_true(number(s, "frame") >= before);
    before = number(s, "frame");
    assert_true(strcmp(string(s, "end"), "client") == 0 || strcmp(string(s, "end"), "server") == 0);
    assert_non_null(string(s, "at"));
  }
  assert_string_equal(string(json_array_get(all, 0), "end"), "client");
  assert_string_equal(string(json_array_get(all, 0), "state"), "SYN-SENT");
  assert_string_equal(string(j, "time_wait"), "client");
  assert_string_equal(string(json_object_get(j, "client_end"), "state"), "TIME-WAIT");
  json_decref(j);
}

/* Counts and frames are whole numbers of 63 bits, and no digit is lost. */
static void test_large(void **unused) {
  (void)unused;
  explain(">S <SA >A", 4);
  struct flow *c = &o.flow[0];
  const uint64_t large = (1ull << 62) + 12345;
  c->id = large;
  c->last.frame = large + 1;
  c->end[0].bytes = large + 2;
  c->event[0].frame_low = 0xfffffffe;
  c->event[0].frame_high = 0xffff;
  json_t *j = parsed(c, &o.verdict[0]);
  assert_int_equal(number(j, "id"), large);
  assert_int_equal(number(j, "last_frame"), large + 1);
  assert_int_equal(number(json_object_get(j, "client_end"), "bytes"), large + 2);
  assert_int_equal(number(json_array_get(json_object_get(j, "states"), 0), "frame"), 0xfffffffffffeull);
  json_decref(j);
}

/* A SYN that was sent again: no round trip time, rather than a wrong one. */
static void test_unknown_rtt(void **unused) {
  (void)unused;
  explain(">S +1000 ~> +20 <SA +30 >A", 4);
  json_t *j = parsed(&o.flow[0], &o.verdict[0]);
  assert_true(json_is_null(json_object_get(j, "handshake_rtt_ms")));
  json_decref(j);
}

static void test_full(void **unused) {
  (void)unused;
  explain(">S <SA >A", 4);
  FILE *f = fopen("/dev/full", "w");
  if (!f)
    skip();
  setvbuf(f, NULL, _IONBF, 0);
  assert_false(la__explain_json(f, &o.flow[0], &o.verdict[0]));
  fclose(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_connection), cmocka_unit_test(test_states), cmocka_unit_test(test_large),
                                     cmocka_unit_test(test_unknown_rtt), cmocka_unit_test(test_full)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
