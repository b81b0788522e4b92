/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "capture/reader.h"
#include "draw/captured.h"
#include "draw/states.h"
#include "tests/unit/tape.h"

struct run {
  struct captured captured;
  struct flows flows;
  bool findings; /* the others are dropped */
  size_t done;
};
static struct run *r;

static void seen(void *ctx, const struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct run *run = ctx;
  la__captured_segment(&run->captured, c, from, p, s);
}

static void done(void *ctx, struct flow *c) {
  struct run *run = ctx;
  struct verdict v;
  run->done++;
  la__verdict(c, run->flows.now, VERDICT_PATIENCE, &v);
  if (run->findings && !v.finding)
    la__captured_drop(&run->captured, c);
  else
    la__captured_done(&run->captured, c, &v);
}

static void play(const char *script, bool findings) {
  struct tape t;
  struct reader rd;
  struct packet p;
  tape_init(&t, TAPE_ETHERNET, 4, false);
  tape_play(&t, script);
  r = calloc(1, sizeof *r);
  r->findings = findings;
  assert_true(la__flows_init(&r->flows, done, r));
  r->flows.seen = seen;
  assert_true(la__reader_memory(&rd, t.data, t.len));
  while (la__reader_next(&rd, &p) == READER_PACKET)
    la__flows_packet(&r->flows, &p);
  la__flows_finish(&r->flows);
  la__captured_finish(&r->captured);
  la__flows_free(&r->flows);
  la__reader_close(&rd);
  tape_free(&t);
}

static void over(void) {
  assert_int_equal(r->captured.n, 0); /* nothing is in progress any more */
  la__captured_free(&r->captured);
  free(r);
}

static void path_is(const struct drawing *d, unsigned side, const char *want) {
  struct states_path p;
  char text[400] = "";
  la__states_of(&p, d, side);
  for (size_t i = 0; i < p.n; i++) {
    strcat(text, i ? " " : "");
    strcat(text, la_state_name(p.state[i]));
  }
  assert_string_equal(text, want);
}

#define OPEN ">S <SA >A "

static void test_release(void **unused) {
  (void)unused;
  play(OPEN ">A10 <A >FA <A +1000 <FA >A", false);
  assert_int_equal(r->captured.doc.n, 1);
  const struct drawing *d = r->captured.doc.drawing[0];
  assert_string_equal(d->heading, "C1 10.0.0.2:46444 > 10.0.0.9:7010");
  assert_non_null(strstr(d->verdict, "four-segment release"));
  assert_string_equal(d->name[0], "client 10.0.0.2:46444");
  path_is(d, 0, "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT");
  path_is(d, 1, "LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED");
  assert_string_equal(d->side[0].waits, "2MSL");
  assert_true(d->side[0].waits_until - d->side[0].waits_from == 60 * LA_SEC);
  assert_null(d->side[1].waits);
  assert_int_equal(d->event[1]->item.frame, 1);
  over();
}

/* One segment proves several steps; each is one that the table has. */
static void test_three_segments(void **unused) {
  (void)unused;
  play(OPEN "<FA >FA <A", false);
  path_is(r->captured.doc.drawing[0], 0, "CLOSED SYN-SENT ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED");
  path_is(r->captured.doc.drawing[0], 1, "LISTEN SYN-RECEIVED ESTABLISHED FIN-WAIT-1 TIME-WAIT");
  over();
}

/* A capture that begins with the answer has the client at its left all the same. */
static void test_client_is_left(void **unused) {
  (void)unused;
  play("(>S) <SA >A >A10 <A", false);
  const struct drawing *d = r->captured.doc.drawing[0];
  assert_string_equal(d->name[0], "client 10.0.0.2:46444");
  for (size_t i = 0; i < d->n; i++)
    if (d->event[i]->item.kind == LADDER_SEND && (d->event[i]->item.flags & LA_SYN))
      assert_int_equal(d->event[i]->item.side, LADDER_RIGHT);
  over();
}

static const char *text_of(const struct drawing *d, const char *what) {
  for (size_t i = 0; i < d->n; i++)
    if (d->event[i]->item.text && strstr(d->event[i]->item.text, what))
      return d->event[i]->item.text;
  return NULL;
}

static void test_remarks(void **unused) {
  (void)unused;
  play(OPEN ">A10 => <Aw0 +5000 k> <A +200 ~> >A10s+9000", false);
  const struct drawing *d = r->captured.doc.drawing[0];
  assert_non_null(text_of(d, "captured twice"));
  assert_non_null(text_of(d, "window closed"));
  size_t probes = 0, again = 0;
  for (size_t i = 0; i < d->n; i++) {
    bool sent = d->event[i]->item.kind == LADDER_SEND;
    probes += sent && d->event[i]->item.again == LADDER_WINDOW_PROBE;
    again += sent && d->event[i]->item.again == LADDER_RETRANSMITTED;
  }
  assert_int_equal(probes, 1);
  assert_int_equal(again, 1);
  over();
}

/* No more than CAPTURED are drawn, in their order, and the others counted; what is not wanted leaves its place to others. */
static void test_bounds(void **unused) {
  (void)unused;
  enum { N = 150 };
  static char script[N * 64];
  script[0] = 0;
  for (unsigned i = 0; i < N; i++)
    strcat(script, i % 3 ? OPEN ">FA <FA >A other " : ">S <RA other ");
  play(script, false);
  assert_int_equal(r->done, N);
  assert_int_equal(r->captured.doc.n, CAPTURED);
  assert_int_equal(r->captured.left_out, N - CAPTURED);
  assert_non_null(strstr(r->captured.doc.left_out, "50 more connections"));
  for (size_t i = 1; i < CAPTURED; i++)
    assert_true(r->captured.ids[i] > r->captured.ids[i - 1]);
  over();
  play(script, true);
  assert_int_equal(r->captured.doc.n, N / 3);
  assert_int_equal(r->captured.left_out, 0);
  over();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_release), cmocka_unit_test(test_three_segments),
                                     cmocka_unit_test(test_client_is_left), cmocka_unit_test(test_remarks), cmocka_unit_test(test_bounds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
