/* SPDX-License-Identifier: MIT */
/* What is counted of a connection, besides why it ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tape.h"

static struct tape_out o;
static const struct flow *read_script(const char *script) {
  struct tape t;
  tape_init(&t, TAPE_RAW, 4, false);
  tape_play(&t, script);
  tape_read(t.data, t.len, &o);
  tape_free(&t);
  assert_int_equal(o.n, 1);
  return &o.flow[0];
}

static void test_handshake(void **unused) {
  (void)unused;
  const struct flow *f = read_script(">S +1000 ~> +20 <SA +30 >A");
  assert_int_equal(f->end[0].syns, 2);
  assert_int_equal(f->syn_rtt, 0); /* of a SYN that was sent again nobody knows which one was answered */
  f = read_script(">S +20 <SA +30 >A");
  assert_int_equal(f->syn_rtt, 22 * LA_MS);
  assert_int_equal(f->ack_rtt, 32 * LA_MS);
  assert_int_equal(f->open.frame, 3);
}

static void test_bytes(void **unused) {
  (void)unused;
  const struct flow *f = read_script(">S <SA >A >A100 ~> >A50 <A7 >As-50 (>A30) >A1 <A");
  assert_int_equal(f->end[0].bytes, 151); /* 30 were not captured */
  assert_int_equal(f->end[0].missed, 30);
  assert_int_equal(f->end[0].again, 1);
  assert_int_equal(f->end[1].bytes, 7);
  f = read_script(">S <SA >A (>A30) >A5 ~> >A30s-35 <A"); /* late, not lost */
  assert_int_equal(f->end[0].bytes, 35);
  assert_int_equal(f->end[0].missed, 0);
  assert_int_equal(f->end[0].again, 1);
}

static void test_keepalive(void **unused) {
  (void)unused;
  const struct flow *f = read_script(">S <SA >A >A10 <A +75000 k> <A +75000 k> +9000 k> +9000 k>");
  assert_int_equal(f->end[0].probes, 4);
  assert_int_equal(f->end[0].probe_answers, 1);
  assert_int_equal(f->end[0].probe_interval, 9002 * LA_MS);
  assert_int_equal(f->end[0].again, 0); /* a probe sends nothing again */
  assert_int_equal(f->end[0].bytes, 10);
}

static void test_zero_window(void **unused) {
  (void)unused;
  const struct flow *f = read_script(">S <SA >A >A10 <Aw0 +500 <Aw0 +500 <Aw9 +5 <Aw0 +5 <A");
  assert_int_equal(f->end[1].zero_windows, 2);
  assert_int_equal(la__flow_zero_window(f, 1), (1004 + 7) * LA_MS);
  f = read_script(">S <SA >A >A10 <Aw0 +500 >A"); /* closed to the end */
  assert_int_equal(la__flow_zero_window(f, 1), 502 * LA_MS);
}

/* A copy from the capturer is no retransmission, and a retransmission no copy. */
static void test_copies(void **unused) {
  (void)unused;
  const struct flow *f = read_script(">S => <SA =< >A >A10 => ~> <A =< =<");
  assert_int_equal(f->end[0].dups, 2);
  assert_int_equal(f->end[1].dups, 3);
  assert_int_equal(f->end[0].again, 1);
  assert_int_equal(f->end[0].syns, 1);
}

static void test_states(void **unused) {
  static const struct {
    uint64_t frame;
    unsigned end;
    enum la_state state;
  } want[] = {{1, 0, LA_SYN_SENT},   {2, 1, LA_SYN_RECEIVED}, {2, 0, LA_ESTABLISHED}, {3, 1, LA_ESTABLISHED}, {4, 0, LA_FIN_WAIT_1},
              {5, 1, LA_CLOSE_WAIT}, {5, 0, LA_FIN_WAIT_2},   {6, 1, LA_LAST_ACK},    {7, 0, LA_TIME_WAIT},   {7, 1, LA_CLOSED}};
  (void)unused;
  const struct flow *f = read_script(">S <SA >A >FA <A <FA >A");
  assert_int_equal(f->nevents, sizeof want / sizeof want[0]);
  for (size_t i = 0; i < f->nevents; i++) {
    assert_int_equal(la__event_frame(&f->event[i]), want[i].frame);
    assert_int_equal(f->event[i].end, want[i].end);
    assert_int_equal(f->event[i].state, want[i].state);
  }
}

/* A RST that no receiver would take ends nothing, and nor does one for an earlier incarnation. */
static void test_forged(void **unused) {
  (void)unused;
  const struct flow *f = read_script(">S <SA >A >A10 <RAs5000 <A >FA <FA >A");
  assert_int_equal(f->forged, 1);
  assert_int_equal(f->forged_first.frame, 5);
  assert_int_equal(f->over, OVER_RELEASED);
  f = read_script(">S <Aa-5000 >R ~> <SA >A");
  assert_int_equal(f->end[1].challenges, 1);
  assert_int_equal(f->forged, 0);
  assert_int_equal(f->over, OVER_NOT);
  assert_int_equal(f->track.end[0].state, LA_ESTABLISHED);
}

static void test_client(void **unused) {
  (void)unused;
  assert_int_equal(la__flow_client(read_script("<S >SA <A")), 0);   /* end 0 sent the first segment */
  assert_int_equal(la__flow_client(read_script("(>S) <SA >A")), 1); /* a lone SYN-ACK is a server's */
  assert_int_equal(la__flow_client(read_script("<A5 >A")), 1);      /* 7010 > 46444: the higher port is the client's */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_handshake),   cmocka_unit_test(test_bytes),  cmocka_unit_test(test_keepalive),
                                     cmocka_unit_test(test_zero_window), cmocka_unit_test(test_copies), cmocka_unit_test(test_states),
                                     cmocka_unit_test(test_forged),      cmocka_unit_test(test_client)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
