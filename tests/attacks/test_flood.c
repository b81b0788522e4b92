/* SPDX-License-Identifier: MIT */
/*
 * Floods: somebody makes as many records of one kind as can be asked for, and a client that means it is served throughout. What is
 * held is counted by the allocator after each step, against the limits that the configuration sets.
 */
#include "tests/unit/dialogue.h"

/* A pair that no other number has: 2^24 addresses times some ports. */
static void stranger(struct dlg *d, uint32_t i) {
  d->f.rport = (uint16_t)(1024 + i % 61);
  d->f.peer.b[1] = 99;
  d->f.peer.b[2] = (uint8_t)(i >> 8);
  d->f.peer.b[3] = (uint8_t)i;
  d->f.lport = 80;
  d->f.iss = i * 2654435761u;
  d->f.irs_known = false;
}
/* 10^6 strangers: the third byte of the address too. */
static void spoofed(struct dlg *d, uint32_t i) {
  stranger(d, i);
  d->f.peer.b[1] = (uint8_t)(11 + (i >> 16));
}

static void at_one_port(struct dlg *d, const struct flow *home, uint16_t port) {
  d->f = *home;
  dlg_other(d, port);
}

/* A whole exchange: handshake, a byte each way, release by the client. */
static void served(struct dlg *d) {
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK | PSH, 1, 1, 1);
  dlg_pump(d); /* ACCEPT is an edge */
  assert_int_equal(dlg_accept(d), LA_OK);
  uint8_t b[2];
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 1);
  assert_int_equal(dlg_send(d, 1, 1), 1);
  dlg_forget(d);
  inject(d, RST, 2, 0, 0);
  dlg_forget(d);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  dlg_forget(d);
  d->nev = 0;
}

/* B1: a million SYNs of strangers, 1000 a second, over more than 16 minutes; each second somebody else opens a connection. */
static void thousand_half_open(la_config *c) { c->max_half_open = 1000; }
static void b1_million_syns(void **state) {
  (void)state;
  enum { SYNS = 1000000, BATCH = 1000 };
  struct dlg *d = dlg_new(thousand_half_open);
  dlg_listen(d);
  struct flow home = d->f;
  dlg_other(d, 7);
  inject(d, SYN, 0, 0, 0); /* one that was there before it all */
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  dlg_pump(d); /* ACCEPT is an edge */
  assert_int_equal(dlg_accept(d), LA_OK);
  struct flow old = d->f;
  la_conn old_conn = d->conn;
  uint64_t bound = 0;
  uint32_t pos = 1;
  for (uint32_t i = 0; i < SYNS; i++) {
    spoofed(d, i);
    inject(d, SYN, 0, 0, 0);
    dlg_forget(d);
    if (i % BATCH)
      continue;
    dlg_advance(d, LA_SEC);
    dlg_forget(d);
    at_one_port(d, &home, (uint16_t)(2000 + i / BATCH));
    served(d);
    d->f = old; /* and the established connection goes on */
    d->conn = old_conn;
    inject(d, ACK | PSH, pos, 1, 10);
    uint8_t b[16];
    assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 10);
    pos += 10;
    dlg_forget(d);
    la_stats s = dlg_stats(d);
    assert_true(s.half_open <= 1000);
    assert_true(s.conns <= 2);
    if (i == 4 * BATCH)
      bound = s.bytes_allocated + 16384;
    if (i > 4 * BATCH)
      assert_true(s.bytes_allocated <= bound);
  }
  la_stats s = dlg_stats(d);
  assert_true(s.syncookies_sent > SYNS / 2);
  assert_int_equal(s.syncookies_failed, 0);
  assert_true(s.opened_passive >= SYNS / BATCH);
  print_message("B1: %u SYNs, %llu cookies, %llu bytes held\n", SYNS, (unsigned long long)s.syncookies_sent,
                (unsigned long long)s.bytes_allocated);
  dlg_free(d);
}

/* B6, Sockstress: 20,000 peers (PEERS=1000000: five gigabytes) ask for data and shut the window. Probes grow rarer; nothing is held but
   their own queue. */
static unsigned peers(void) {
  const char *n = getenv("PEERS");
  return n ? (unsigned)strtoul(n, NULL, 10) : 20000;
}
static void stalled(la_config *c) {
  c->max_chunks = peers() + peers() / 5;
  c->max_half_open = 64;
}
static void b6_stalled_peers(void **state) {
  (void)state;
  const unsigned n_peers = peers();
  struct dlg *d = dlg_new(stalled);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 65535}, &d->listener), LA_OK);
  struct flow home = d->f;
  uint64_t empty = dlg_stats(d).bytes_allocated;
  for (uint32_t i = 0; i < n_peers; i++) {
    stranger(d, i);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    dlg_pump(d); /* ACCEPT is an edge */
    assert_int_equal(dlg_accept(d), LA_OK);
    assert_int_equal(dlg_send(d, 1, 1000), 1000);
    assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_USER_TIMEOUT, 600000, d->now), LA_OK);
    if (i % 64 == 63)
      dlg_advance(d, LA_MS);
    dlg_forget(d);
    d->nev = 0;
  }
  la_stats s = dlg_stats(d);
  assert_int_equal(s.conns, n_peers);
  assert_true(s.chunks <= n_peers);
  print_message("B6: %u stalled peers hold %llu bytes each\n", n_peers, (unsigned long long)((s.bytes_allocated - empty) / n_peers));
  assert_true(s.bytes_allocated - empty <= (uint64_t)n_peers * (4096 + 1024));

  la_time start = d->now;
  uint64_t probes = 0, most = 0;
  for (unsigned minute = 0; minute < 9; minute++) { /* none of them answers a probe */
    uint64_t before = d->sent;
    dlg_advance(d, 60 * LA_SEC);
    dlg_forget(d);
    d->nev = 0;
    probes += d->sent - before;
    at_one_port(d, &home, (uint16_t)(3000 + minute));
    served(d);
    uint64_t held = (dlg_stats(d).bytes_allocated - empty) / n_peers;
    if (held > most)
      most = held;
  }
  print_message("B6: while they are probed %llu\n", (unsigned long long)most);
  assert_true(most <= 4096 + 2048);                             /* the probe's byte has a record */
  assert_true(probes >= 2 * n_peers && probes <= 12 * n_peers); /* 1, 3, 7, … 127 s, then every 120 s at most */
  dlg_until(d, start + 1000 * LA_SEC);
  dlg_forget(d);
  d->nev = 0;
  assert_int_equal(dlg_stats(d).conns, n_peers); /* END is told, and the application has not closed: the slots are its own */
  assert_int_equal(dlg_stats(d).chunks, 0);
  dlg_free(d);
}

/* B6: stalled peers take every chunk there may be. Who comes next is told so, and served as soon as their user timeout has ended them. */
static void thousand_chunks(la_config *c) { c->max_chunks = 1000; }
static void b6_memory_used_up(void **state) {
  (void)state;
  struct dlg *d = dlg_new(thousand_chunks);
  dlg_listen(d);
  struct flow home = d->f;
  unsigned refused = 0;
  for (uint32_t i = 0; i < 1500; i++) {
    stranger(d, i);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    dlg_pump(d);
    assert_int_equal(dlg_accept(d), LA_OK);
    assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_USER_TIMEOUT, 60000, d->now), LA_OK);
    ptrdiff_t n = dlg_send(d, 1, 1000);
    assert_true(n == 1000 || n == LA_AGAIN || n == LA_ENOMEM);
    refused += n != 1000;
    assert_true(dlg_stats(d).chunks <= 1000);
  }
  assert_int_equal(refused, 500);
  at_one_port(d, &home, 3000); /* it opens all the same */
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  dlg_pump(d);
  assert_int_equal(dlg_accept(d), LA_OK);
  expect_state(d, LA_ESTABLISHED);
  assert_true(dlg_send(d, 1, 1) < 0);
  dlg_advance(d, 130 * LA_SEC);
  dlg_forget(d);
  d->nev = 0;
  assert_int_equal(dlg_stats(d).chunks, 0);
  assert_int_equal(dlg_send(d, 1, 1), 1);
  at_one_port(d, &home, 3001);
  served(d);
  dlg_free(d);
}

/* B7, B8: orphans of both kinds, ten times the limit; what is past it is aborted, and in the end none is left. */
static void hundred_orphans(la_config *c) { c->max_orphans = 100; }
static void b8_orphans(void **state) {
  (void)state;
  struct dlg *d = dlg_new(hundred_orphans);
  dlg_listen(d);
  struct flow home = d->f;
  uint64_t empty = dlg_stats(d).bytes_allocated;
  for (uint32_t i = 0; i < 1000; i++) {
    stranger(d, i);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    bool shut = i & 1; /* FIN-WAIT-1 behind a closed window, or FIN-WAIT-2 */
    inject(d, ACK, 1, 1, 0, .wnd = shut ? ZERO_WINDOW : 0);
    dlg_pump(d); /* ACCEPT is an edge */
    assert_int_equal(dlg_accept(d), LA_OK);
    if (shut)
      assert_int_equal(dlg_send(d, 1, 100), 100);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    dlg_forget(d);
    if (!shut)
      inject(d, ACK, 1, 2, 0);
    dlg_forget(d);
    d->nev = 0;
    assert_true(dlg_stats(d).orphans <= 100);
  }
  assert_int_equal(dlg_stats(d).orphans_aborted, 900);
  at_one_port(d, &home, 3000);
  served(d);
  dlg_advance(d, 61 * LA_SEC); /* FIN-WAIT-2 */
  dlg_forget(d);
  assert_int_equal(dlg_stats(d).orphans, 50);
  dlg_advance(d, 70 * LA_SEC); /* R2 */
  dlg_forget(d);
  d->nev = 0;
  la_trim(d->s);
  assert_int_equal(dlg_stats(d).conns, 0);
  assert_true(dlg_stats(d).bytes_allocated <= empty + 4096);
  dlg_free(d);
}

/* B11: ten times as many releases as there may be TIME-WAIT records. The oldest makes room, others' pairs are free, nobody hears a RST. */
static void thousand_time_wait(la_config *c) { c->max_time_wait = 1000; }
static void b11_time_wait(void **state) {
  (void)state;
  enum { CAP = 1000, CLOSES = 10 * CAP };
  struct dlg *d = dlg_new(thousand_time_wait);
  dlg_listen(d);
  struct flow home = d->f;
  uint64_t bound = 0;
  static uint32_t irs[CLOSES];
  for (uint32_t i = 0; i < CLOSES; i++) {
    stranger(d, i);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0);
    dlg_pump(d); /* ACCEPT is an edge */
    assert_int_equal(dlg_accept(d), LA_OK);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    expect(d, FIN | ACK, 1, 1, 0);
    inject(d, FIN | ACK, 1, 2, 0);
    expect(d, ACK, 2, 2, 0);
    d->nev = 0;
    irs[i] = d->f.irs;
    la_stats s = dlg_stats(d);
    assert_int_equal(s.time_wait, i < CAP ? i + 1 : CAP);
    if (i == CAP)
      bound = s.bytes_allocated + 16384;
    if (i > CAP)
      assert_true(s.bytes_allocated <= bound);
    if (i % 100 == 0) {
      at_one_port(d, &home, (uint16_t)(3000 + i / 100));
      served(d);
    }
  }
  la_stats s = dlg_stats(d);
  assert_int_equal(s.time_wait_recycled, CLOSES - CAP);
  uint64_t resets = s.resets_out;
  for (uint32_t i = CLOSES - CAP; i < CLOSES; i++) { /* the youngest are all there, and answer their FIN */
    stranger(d, i);
    d->f.irs = irs[i];
    d->f.irs_known = true;
    inject(d, FIN | ACK, 1, 2, 0);
    expect(d, ACK, 2, 2, 0);
  }
  assert_int_equal(dlg_stats(d).resets_out, resets);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(b1_million_syns), cmocka_unit_test(b6_stalled_peers), cmocka_unit_test(b6_memory_used_up),
    cmocka_unit_test(b8_orphans),      cmocka_unit_test(b11_time_wait),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
