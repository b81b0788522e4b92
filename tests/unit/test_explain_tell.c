/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "capture/reader.h"
#include "cli/explain_tell.h"
#include "tests/unit/tape.h"

enum { CONNS = 3 * TELL_GROUPS * TELL_GROUP + 5 };

struct told {
  struct flows flows;
  struct teller teller;
  uint64_t id[CONNS];
  la_time now[CONNS];
  size_t n;
};

static void tell(void *ctx, struct flow *c, la_time now) {
  struct told *t = ctx;
  t->id[t->n] = c->id;
  t->now[t->n++] = now;
}

static void done(void *ctx, struct flow *c) {
  struct told *t = ctx;
  la__teller_add(&t->teller, c, t->flows.now);
}

/* Each connection is told once, in order, whole groups and the last one; their memory comes back meanwhile. */
static void test_all(void **unused) {
  (void)unused;
  struct told *t = calloc(1, sizeof *t);
  struct tape tape;
  struct reader rd;
  struct packet p;
  tape_init(&tape, TAPE_RAW, 6, false);
  for (unsigned i = 0; i < CONNS; i++)
    tape_play(&tape, "new >S <RA"); /* always the same pair: each SYN sends the one before home */
  assert_true(la__reader_memory(&rd, tape.data, tape.len) && la__flows_init(&t->flows, done, t));
  assert_true(la__teller_start(&t->teller, &t->flows, tell, t));
  while (la__reader_next(&rd, &p) == READER_PACKET)
    la__flows_packet(&t->flows, &p);
  la__flows_finish(&t->flows);
  la__teller_stop(&t->teller);
  assert_int_equal(t->n, CONNS);
  for (size_t i = 0; i < CONNS; i++) {
    assert_int_equal(t->id[i], i + 1);
    assert_true(!i || t->now[i] >= t->now[i - 1]);
  }
  size_t slabs = 0;
  for (struct flow *c = t->flows.spare; c; c = c->chain)
    slabs++;
  assert_true(slabs && slabs < 2 * (TELL_GROUPS * TELL_GROUP + 2000)); /* those under way, and what a slab holds */
  la__flows_free(&t->flows);
  la__reader_close(&rd);
  tape_free(&tape);
  free(t);
}

static void test_none(void **unused) {
  (void)unused;
  struct told *t = calloc(1, sizeof *t);
  assert_true(la__flows_init(&t->flows, done, t));
  assert_true(la__teller_start(&t->teller, &t->flows, tell, t));
  assert_true(t->flows.keeps);
  la__teller_stop(&t->teller);
  assert_false(t->flows.keeps);
  assert_int_equal(t->n, 0);
  la__flows_free(&t->flows);
  free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
