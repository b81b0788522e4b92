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

/* Spans keep their nanoseconds, and are real numbers also when they are whole. */
static void test_spans(void **unused) {
  (void)unused;
  explain(">S <SA >A", 4);
  struct verdict *v = &o.verdict[0];
  v->half_closed = 1234 * LA_SEC + 50;
  v->time_wait = 3;
  v->time_wait_from = 7;
  v->time_wait_until = 30 * LA_SEC + 7;
  json_t *j = parsed(&o.flow[0], v);
  assert_float_equal(json_real_value(json_object_get(j, "half_closed_ms")), 1234000.00005, 1e-9);
  assert_true(json_is_real(json_object_get(j, "time_wait_port_seconds")));
  assert_float_equal(json_real_value(json_object_get(j, "time_wait_port_seconds")), 60, 0);
  assert_string_equal(string(j, "time_wait_until"), "30.000000007");
  json_decref(j);
}

/* The longest line that there can be is whole, and what JSON does not take as it is becomes an escape. */
static void test_widest(void **unused) {
  (void)unused;
  explain(">S <SA >A", 6);
  struct flow *c = &o.flow[0];
  struct verdict *v = &o.verdict[0];
  const uint64_t most = INT64_MAX;
  for (unsigned i = 0; i < 2; i++) {
    struct flow_end *e = &c->end[i];
    memset(e->addr, 0xfe, sizeof e->addr);
    e->port = 65535;
    e->segs = e->bytes = e->late = e->missed = most;
    e->syn.frame = e->fin.frame = e->rst = most;
    e->syns = e->fins = e->rsts = e->again = e->dups = e->damaged = e->probes = e->probe_answers = e->zero_windows = UINT32_MAX;
    e->probe_interval = e->zero_total = most;
  }
  for (c->nevents = 0; c->nevents < FLOW_EVENTS; c->nevents++)
    c->event[c->nevents] = (struct flow_event){most, UINT32_MAX, UINT16_MAX, 1, LA_SYN_RECEIVED};
  for (unsigned i = 0; i + 1 < ZEEK_HISTORY; i++)
    c->zeek.history[i] = i % 2 ? '"' : '\n';
  c->id = c->first.frame = c->last.frame = c->reused.frame = c->reused_by = c->reuses = c->nat_of = c->icmp.frame = most;
  v->flaws = (1u << FLAWS) - 1;
  v->ncandidates = 3;
  v->candidate[1] = v->candidate[2] = REASON_SYN_ACK_UNANSWERED;
  json_t *j = parsed(c, v);
  assert_int_equal(json_array_size(json_object_get(j, "states")), FLOW_EVENTS);
  assert_string_equal(string(j, "zeek_history"), c->zeek.history);
  assert_int_equal(json_array_size(json_object_get(j, "capture")), FLAWS);
  assert_non_null(string(j, "text"));
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_connection),  cmocka_unit_test(test_states), cmocka_unit_test(test_large),
                                     cmocka_unit_test(test_unknown_rtt), cmocka_unit_test(test_spans),  cmocka_unit_test(test_widest),
                                     cmocka_unit_test(test_full)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
