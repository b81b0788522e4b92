/* SPDX-License-Identifier: MIT */
/* Records' ends: no segment reaches over one, sent again or not; and how small segments wait, by Nagle and by Minshall. */
#include "dialogue.h"

#include "core/stack.h"

enum { MSS = 1000 };

static void linux_way(la_config *c) { c->minshall = 1; }

static struct dlg *open_mss(void (*tweak)(la_config *c)) {
  struct dlg *d = dlg_new(tweak);
  d->f.syn.mss = MSS;
  establish(d, PASSIVE_OPEN);
  return d;
}
static void put(struct dlg *d, uint32_t pos, uint32_t n) { assert_int_equal(dlg_send(d, pos, n), n); }
static void mark(struct dlg *d) { assert_int_equal(la_send_mark(d->s, d->conn), LA_OK); }

/* What precedes a mark may share its segment; what follows may not; small ones before the last do not wait for each other. */
static void cut_at_marks(void **state) {
  (void)state;
  struct dlg *d = open_mss(NULL);
  put(d, 1, 400);
  put(d, 401, 300);
  mark(d);
  mark(d); /* twice is once */
  assert_int_equal(la__conn_handle(&d->s->tcp, d->conn)->sndq->neor, 1);
  put(d, 701, 2400);
  mark(d);
  put(d, 3101, 50);
  mark(d);
  put(d, 3151, 100);
  expect(d, ACK | PSH, 1, 1, 700);
  expect(d, ACK, 701, 1, MSS);
  expect(d, ACK, 1701, 1, MSS);
  expect(d, ACK | PSH, 2701, 1, 400);
  expect(d, ACK | PSH, 3101, 1, 50);
  expect_nothing(d); /* the last one is Nagle's */
  inject(d, ACK, 1, 3151, 0);
  expect(d, ACK | PSH, 3151, 1, 100);
  dlg_free(d);
}

/* Nor when all of it goes again. */
static void cut_again(void **state) {
  (void)state;
  struct dlg *d = open_mss(NULL);
  for (uint32_t i = 0; i < 5; i++) {
    put(d, 1 + 100 * i, 100);
    mark(d);
  }
  for (uint32_t i = 0; i < 4; i++)
    expect(d, ACK | PSH, 1 + 100 * i, 1, 100);
  expect_nothing(d);
  dlg_advance(d, LA_SEC);
  expect(d, ACK | PSH, 1, 1, 100);
  inject(d, ACK, 1, 101, 0);
  for (uint32_t i = 1; i < 5; i++) {
    expect(d, ACK | PSH, 1 + 100 * i, 1, 100);
    inject(d, ACK, 1, 101 + 100 * i, 0);
  }
  expect_nothing(d);
  dlg_free(d);
}

/* Many marks, acknowledged out of step with them; memory comes back (dlg_free looks). */
static void many(void **state) {
  (void)state;
  struct dlg *d = open_mss(NULL);
  la_set_option(d->s, d->conn, LA_OPT_NODELAY, 1, d->now);
  uint32_t pos = 1, seen = 1;
  for (unsigned i = 0; i < 500; i++, pos += 7) {
    put(d, pos, 7);
    mark(d);
  }
  while (seen < pos) {
    dlg_pump(d);
    assert_true(d->nout > 0);
    while (d->nout) {
      expect(d, ACK | PSH, seen, 1, 7);
      seen += 7;
    }
    inject(d, ACK, 1, seen - 3, 0); /* in the middle of a record */
    assert_int_equal(la__conn_handle(&d->s->tcp, d->conn)->sndq->neor, (pos - seen) / 7 + 1);
    inject(d, ACK, 1, seen, 0);
  }
  put(d, pos, 7);
  mark(d);
  dlg_free(d);
}

static void without_memory(void **state) {
  (void)state;
  struct dlg *d = open_mss(NULL);
  put(d, 1, 10);
  d->mem.fail_from = d->mem.calls + 1;
  assert_int_equal(la_send_mark(d->s, d->conn), LA_ENOMEM);
  d->mem.fail_from = 0;
  mark(d);
  la_conn gone = {d->conn.index, d->conn.gen + 1};
  assert_int_equal(la_send_mark(d->s, gone), LA_EBADF);
  dlg_free(d);
}

/* RFC 9293 3.7.4 waits for all that is outstanding; Minshall's variant for a small segment only. */
static void nagle(void **state) {
  (void)state;
  struct dlg *d = open_mss(NULL);
  put(d, 1, 1500);
  expect(d, ACK, 1, 1, MSS);
  expect_nothing(d);
  dlg_free(d);

  d = open_mss(linux_way);
  put(d, 1, 1500);
  expect(d, ACK, 1, 1, MSS);
  expect(d, ACK | PSH, 1001, 1, 500);
  put(d, 1501, 10);
  expect_nothing(d);
  put(d, 1511, 990);
  expect(d, ACK | PSH, 1501, 1, MSS); /* a full one may go */
  put(d, 2501, 10);
  inject(d, ACK, 1, 1001, 0);
  expect_nothing(d); /* the small one is still out */
  inject(d, ACK, 1, 1501, 0);
  expect(d, ACK | PSH, 2501, 1, 10);
  dlg_free(d);
}

/* Setting NODELAY sends what is held back, corked or not; and then the cork holds again. */
static void nodelay_uncorks(void **state) {
  (void)state;
  struct dlg *d = open_mss(linux_way);
  la_set_option(d->s, d->conn, LA_OPT_CORK, 1, d->now);
  put(d, 1, 40);
  put(d, 41, 40);
  expect_nothing(d);
  la_set_option(d->s, d->conn, LA_OPT_NODELAY, 1, d->now);
  expect(d, ACK | PSH, 1, 1, 80);
  inject(d, ACK, 1, 81, 0);
  put(d, 81, 40);
  expect_nothing(d);
  la_set_option(d->s, d->conn, LA_OPT_CORK, 0, d->now);
  expect(d, ACK | PSH, 81, 1, 40);
  dlg_free(d);
}

static void roomy(la_config *c) { c->sndbuf = 4 << 20; }
/* PSH: the last that the windows take of several, but not of one alone; nothing that goes again but what had it by itself. */
static void pushed(void **state) {
  (void)state;
  struct dlg *d = open_mss(roomy);
  put(d, 1, 15000);
  for (uint32_t i = 0; i < 10; i++)
    assert_int_equal(expect(d, ACK, 1 + i * MSS, 1, MSS)->seg.flags & PSH, i == 9 ? PSH : 0);
  for (uint32_t i = 0; i < 2; i++) { /* limited transmit: one each */
    inject(d, ACK, 1, 1, 0);
    assert_int_equal(expect(d, ACK, 10001 + i * MSS, 1, MSS)->seg.flags & PSH, 0);
  }
  dlg_advance(d, LA_SEC);
  assert_int_equal(expect(d, ACK, 1, 1, MSS)->seg.flags & PSH, 0);
  dlg_free(d);
}

/* TCP_NOTSENT_LOWAT: beyond what the windows take, so many bytes and no more; WRITABLE when less than half of them wait. */
static void low_water(void **state) {
  (void)state;
  struct dlg *d = open_mss(NULL);
  static uint8_t bytes[60000];
  la_set_option(d->s, d->conn, LA_OPT_NOTSENT_LOWAT, 4000, d->now);
  assert_int_equal(la_send(d->s, d->conn, bytes, sizeof bytes), 10000 + 4000);
  assert_int_equal(la_send(d->s, d->conn, bytes, sizeof bytes), LA_AGAIN);
  for (uint32_t i = 0; i < 10; i++)
    expect(d, ACK, 1 + i * MSS, 1, MSS);
  assert_int_equal(la_send(d->s, d->conn, bytes, sizeof bytes), LA_AGAIN);
  inject(d, ACK, 1, 1001, 0); /* slow start: two more may go, two thousand wait */
  dlg_pump(d);
  expect_no_event(d);
  inject(d, ACK, 1, 2001, 0);
  expect_event(d, LA_EVENT_WRITABLE);
  dlg_forget(d);
  assert_int_equal(la_send(d->s, d->conn, bytes, sizeof bytes), 4000);
  la_set_option(d->s, d->conn, LA_OPT_NOTSENT_LOWAT, 0, d->now);
  assert_int_equal(la_send(d->s, d->conn, bytes, sizeof bytes), 60000);
  dlg_forget(d);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(cut_at_marks), cmocka_unit_test(cut_again),       cmocka_unit_test(many),      cmocka_unit_test(without_memory),
    cmocka_unit_test(nagle),        cmocka_unit_test(nodelay_uncorks), cmocka_unit_test(low_water), cmocka_unit_test(pushed),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
