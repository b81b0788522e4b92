/* SPDX-License-Identifier: MIT */
/* Budgets (design 4): bytes of each record, and what 100,000 of each take from the allocator, table and all. */
/* lint: theme */
#include "dialogue.h"

#include "tcp/tcp.h"

enum { MANY = 100000, PORTS = 50000 };

static void structures(void **state) {
  (void)state;
  print_message("connection  %zu (IPv6 %zu)\n", CONN_BYTES(0), CONN_BYTES(1));
  print_message("half-open   %zu (IPv6 %zu)\n", HALF_BYTES(0), HALF_BYTES(1));
  print_message("TIME-WAIT   %zu (IPv6 %zu)\n", TW_BYTES(0), TW_BYTES(1));
  print_message("queues      %zu send, %zu receive; answer %zu\n", sizeof(struct sndq), sizeof(struct rcvq), sizeof(struct answer));
  assert_true(CONN_BYTES(0) <= 240 && CONN_BYTES(1) <= 264);
  assert_true(HALF_BYTES(0) <= 60 && HALF_BYTES(1) <= 84);
  assert_true(TW_BYTES(0) <= 44 && TW_BYTES(1) <= 68);
}

static void many(la_config *c) {
  c->max_half_open = MANY;
  c->rst_per_sec = 0;
}
static void nth(struct dlg *d, unsigned i) {
  d->f.rport = (uint16_t)(1 + i % PORTS);
  d->f.peer.b[d->f.peer.family == 6 ? 14 : 2] = 0;
  d->f.peer.b[d->f.peer.family == 6 ? 15 : 3] = (uint8_t)(2 + i / PORTS);
  d->f.irs_known = false;
}
static double each(struct dlg *d, uint64_t before) { return (double)(dlg_stats(d).bytes_allocated - before) / MANY; }
static void bound(const char *what, bool six, double got, double want) {
  print_message("%-12s %s %6.1f bytes each (bound %.0f)\n", what, six ? "IPv6" : "IPv4", got, want);
  assert_true(got <= want);
}

/* The times of small records: exact, 416 days before and after the present, wherever that lies. */
static void short_times(void **state) {
  (void)state;
  const la_time day = 24 * 3600 * LA_SEC, reach = ((la_time)1 << 55) - 1;
  const la_time nows[] = {0, 1, LA_SEC, ((la_time)1 << 56) - 1, (la_time)1 << 56, 800 * day, ((la_time)1 << 57) + 12345, (la_time)1 << 62};
  const la_time apart[] = {0, 1, LA_MS, 4 * 60 * LA_SEC, day, 400 * day, reach};
  for (unsigned i = 0; i < sizeof nows / sizeof *nows; i++)
    for (unsigned k = 0; k < sizeof apart / sizeof *apart; k++)
      for (unsigned back = 0; back < 2; back++) {
        if (back && apart[k] > nows[i])
          continue;
        la_time at = back ? nows[i] - apart[k] : nows[i] + apart[k];
        struct tw w = {0};
        struct half h = {.listener = 0xffffff};
        tw_due_set(&w, at);
        half_due_set(&h, at);
        assert_true(tw_due(&w, nows[i]) == at && half_due(&h, nows[i]) == at);
        assert_int_equal(h.listener, 0xffffff);
      }
}

/* SYN, then the third segment, then release: half-open, idle established, TIME-WAIT. */
static void measured(void **state) {
  bool six = *state != NULL;
  struct dlg *d = dlg_new(many);
  if (six)
    dlg_use6(d);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 65535}, &d->listener), LA_OK);
  uint64_t empty = dlg_stats(d).bytes_allocated;
  static uint32_t irs[MANY];
  static la_conn conn[MANY];
  for (unsigned i = 0; i < MANY; i++) {
    nth(d, i);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    irs[i] = d->f.irs;
  }
  assert_int_equal(dlg_stats(d).half_open, MANY);
  bound("half-open", six, each(d, empty), six ? 96 : 72);

  for (unsigned i = 0; i < MANY; i++) {
    nth(d, i);
    d->f.irs = irs[i];
    inject(d, ACK, 1, 1, 0);
    assert_int_equal(la_accept(d->s, d->listener, NULL, &conn[i]), LA_OK);
  }
  dlg_forget(d);
  d->nev = 0;
  la_trim(d->s);
  la_stats s = dlg_stats(d);
  assert_int_equal(s.conns, MANY);
  assert_int_equal(s.half_open, 0);
  bound("established", six, each(d, empty), six ? 280 : 256);

  /* A connection that has sent and received, and is idle again, holds no more. */
  uint8_t b[100];
  for (unsigned i = 0; i < MANY; i++) {
    nth(d, i);
    d->f.irs = irs[i];
    d->conn = conn[i];
    inject(d, ACK, 1, 1, 100);
    assert_int_equal(la_recv(d->s, conn[i], b, 100), 100);
    assert_int_equal(la_send(d->s, conn[i], b, 100), 100);
    dlg_forget(d);
    inject(d, ACK, 101, 101, 0);
  }
  dlg_forget(d);
  d->nev = 0;
  la_trim(d->s);
  bound("idle again", six, each(d, empty), six ? 280 : 256);

  for (unsigned i = 0; i < MANY; i++) {
    nth(d, i);
    d->f.irs = irs[i];
    assert_int_equal(la_close(d->s, conn[i], d->now), LA_OK);
    dlg_forget(d);
    inject(d, FIN | ACK, 101, 102, 0);
    dlg_forget(d);
  }
  d->nev = 0;
  la_trim(d->s);
  s = dlg_stats(d);
  assert_int_equal(s.conns, 0);
  assert_int_equal(s.time_wait, MANY);
  bound("TIME-WAIT", six, each(d, empty), six ? 80 : 56);

  dlg_advance(d, 61 * LA_SEC);
  la_trim(d->s);
  assert_int_equal(dlg_stats(d).time_wait, 0);
  assert_true(dlg_stats(d).bytes_allocated <= empty); /* and nothing stays behind */
  dlg_free(d);
}

/* B1: a flood of SYNs past the limit holds memory constant. */
static void few_half_open(la_config *c) { c->max_half_open = 1000; }
static void syn_flood(void **state) {
  (void)state;
  struct dlg *d = dlg_new(few_half_open);
  dlg_listen(d);
  uint64_t most = 0;
  for (unsigned i = 0; i < MANY; i++) {
    nth(d, i);
    inject(d, SYN, 0, 0, 0);
    dlg_forget(d);
    if (i == 2000)
      most = dlg_stats(d).bytes_allocated;
    if (i > 2000)
      assert_true(dlg_stats(d).bytes_allocated <= most + 4096);
  }
  nth(d, MANY + 5); /* an honest client */
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ACCEPT);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(structures), cmocka_unit_test(short_times),
    cmocka_unit_test(measured),   {"measured over IPv6", measured, 0, 0, &(int){6}},
    cmocka_unit_test(syn_flood),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
