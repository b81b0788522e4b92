/* SPDX-License-Identifier: MIT */
/* Which packets are one connection, when it goes, and that memory stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "capture/flows.h"
#include "wire/ip.h"

struct count {
  uint64_t done, last;
};
static void done(void *ctx, struct flow *f) {
  struct count *c = ctx;
  c->done++;
  c->last = f->id;
}

/* A segment of raw IPv4 with a wrong checksum, as an idle network card leaves it. */
static void give(struct flows *f, la_time at, uint32_t src, unsigned sport, uint32_t dst, unsigned dport, uint8_t flags, uint32_t seq,
                 uint32_t ack) {
  uint8_t b[40] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, IP_PROTO_TCP};
  be32_put(b + 12, src);
  be32_put(b + 16, dst);
  be16_put(b + 20, sport);
  be16_put(b + 22, dport);
  be32_put(b + 24, seq);
  be32_put(b + 28, ack);
  b[32] = 5 << 4;
  b[33] = flags;
  const struct packet p = {.frame = f->stats.frames + 1, .at = at, .cap = sizeof b, .len = sizeof b, .link = 101, .data = b};
  la__flows_packet(f, &p);
}

/* However many attempts nobody answers, only so many are kept. */
static void test_flood(void **unused) {
  struct count n = {0};
  struct flows f;
  (void)unused;
  assert_true(la__flows_init(&f, done, &n));
  for (uint32_t i = 0; i < 3 * FLOWS_ATTEMPTS; i++)
    give(&f, LA_SEC + i, 0x0a000000 + i, 1000, 0xc0000001, 80, LA_SYN, i, 0);
  assert_int_equal(f.nconns, FLOWS_ATTEMPTS);
  assert_int_equal(n.done, 2 * FLOWS_ATTEMPTS);
  la__flows_finish(&f);
  assert_int_equal(n.done, 3 * FLOWS_ATTEMPTS);
  assert_int_equal(f.nconns, 0);
  la__flows_free(&f);
}

/* Twenty thousand openings under way at once, on a busy server, are as many connections, however many have just ended. */
static void test_crowd(void **unused) {
  enum { MANY = 20000 };
  struct count n = {0};
  struct flows f;
  (void)unused;
  assert_true(la__flows_init(&f, done, &n));
  for (uint32_t i = 0; i < MANY; i++)
    give(&f, LA_SEC, 0x0a000000 + i, 1000, 0xc0000001, 80, LA_SYN, i, 0);
  for (uint32_t i = 0; i < MANY; i++)
    give(&f, LA_SEC, 0x0b000000 + i, 1000, 0xc0000001, 80, LA_RST, i, 0);
  for (uint32_t i = 0; i < MANY; i++)
    give(&f, LA_SEC, 0xc0000001, 80, 0x0a000000 + i, 1000, LA_SYN | LA_ACK, 7, i + 1);
  assert_int_equal(f.stats.connections, 2 * MANY);
  assert_int_equal(f.nconns, MANY + FLOWS_WAITING);
  la__flows_finish(&f);
  la__flows_free(&f);
}

static void release(struct flows *f, la_time at, unsigned port, uint32_t isn) {
  give(f, at, 1, port, 2, 80, LA_SYN, isn, 0);
  give(f, at, 2, 80, 1, port, LA_SYN | LA_ACK, 7000, isn + 1);
  give(f, at, 1, port, 2, 80, LA_ACK, isn + 1, 7001);
  give(f, at, 1, port, 2, 80, LA_FIN | LA_ACK, isn + 1, 7001);
  give(f, at, 2, 80, 1, port, LA_FIN | LA_ACK, 7001, isn + 2);
  give(f, at, 1, port, 2, 80, LA_ACK, isn + 2, 7002);
}

/* One that is over goes when its TIME-WAIT must be; late copies belong to it until then. */
static void test_expiry(void **unused) {
  struct count n = {0};
  struct flows f;
  (void)unused;
  assert_true(la__flows_init(&f, done, &n));
  release(&f, LA_SEC, 1000, 500);
  give(&f, 50 * LA_SEC, 2, 80, 1, 1000, LA_FIN | LA_ACK, 7001, 502);
  assert_int_equal(f.stats.connections, 1);
  give(&f, 109 * LA_SEC, 1, 1001, 2, 80, LA_SYN, 1, 0);
  assert_int_equal(n.done, 0);
  give(&f, 111 * LA_SEC, 1, 1001, 2, 80, LA_SYN, 1, 0);
  assert_int_equal(n.done, 1);
  assert_int_equal(n.last, 1);
  la__flows_finish(&f);
  la__flows_free(&f);
}

/* On a quiet interface time goes on, too. */
static void test_idle(void **unused) {
  struct count n = {0};
  struct flows f;
  (void)unused;
  assert_true(la__flows_init(&f, done, &n));
  release(&f, LA_SEC, 1000, 500);
  la__flows_live(&f, 60 * LA_SEC);
  assert_int_equal(n.done, 0);
  la__flows_live(&f, 61 * LA_SEC);
  assert_int_equal(n.done, 1);
  la__flows_finish(&f);
  la__flows_free(&f);
}

static void ignore(void *ctx, const struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  (void)c, (void)from, (void)p, (void)s;
  ++*(uint64_t *)ctx;
}
static void done_and(void *ctx, struct flow *f) { done((struct count *)ctx + 1, f); }

/* Live, an end is told shortly afterwards, once; the connection stays for what comes late, and the next one of its pair is another. */
static void test_told_soon(void **unused) {
  static struct flows f;
  struct count c[2] = {{0}, {0}}; /* segments, connections */
  (void)unused;
  assert_true(la__flows_init(&f, done_and, c));
  f.seen = ignore;
  f.live = true;
  release(&f, LA_SEC, 1000, 500); /* and TIME-WAIT goes on */
  la__flows_live(&f, 2 * LA_SEC);
  assert_int_equal(c[1].done, 0);
  uint64_t had = c[0].done;
  give(&f, 2 * LA_SEC, 2, 80, 1, 1000, LA_FIN | LA_ACK, 7001, 502); /* the last ACK was lost */
  assert_int_equal(c[0].done, had + 1);
  la__flows_live(&f, 4 * LA_SEC - 1);
  assert_int_equal(c[1].done, 0);
  la__flows_live(&f, 4 * LA_SEC);
  assert_int_equal(c[1].done, 1);
  give(&f, 5 * LA_SEC, 2, 80, 1, 1000, LA_FIN | LA_ACK, 7001, 502); /* late, and its own */
  la__flows_live(&f, 8 * LA_SEC);
  assert_int_equal(c[1].done, 1);
  assert_int_equal(c[0].done, had + 1);
  assert_int_equal(f.stats.connections, 1);
  give(&f, 9 * LA_SEC, 1, 1000, 2, 80, LA_SYN, 99000, 0); /* the pair again */
  assert_int_equal(f.stats.connections, 2);
  assert_int_equal(c[1].done, 1);
  give(&f, 9 * LA_SEC, 2, 80, 1, 1000, LA_RST | LA_ACK, 0, 99001);
  la__flows_live(&f, 11 * LA_SEC);
  assert_int_equal(c[1].done, 2);
  assert_int_equal(c[1].last, 2);
  la__flows_live(&f, 100 * LA_SEC);
  assert_int_equal(f.nconns, 0);
  assert_int_equal(c[1].done, 2);
  release(&f, 101 * LA_SEC, 1001, 500);
  la__flows_finish(&f); /* interrupted meanwhile */
  assert_int_equal(c[1].done, 3);
  la__flows_free(&f);
}

/* Live, a connection whose end was lost goes after a day without a word; one that speaks stays. */
static void test_silent(void **unused) {
  static struct flows f;
  struct count c = {0};
  (void)unused;
  assert_true(la__flows_init(&f, done, &c));
  give(&f, LA_SEC, 1, 1000, 2, 80, LA_ACK, 100, 200);
  give(&f, LA_SEC, 1, 1001, 2, 80, LA_ACK, 100, 200);
  give(&f, 80000 * LA_SEC, 1, 1001, 2, 80, LA_ACK, 101, 200);
  la__flows_live(&f, 86400 * LA_SEC);
  assert_int_equal(c.done, 0);
  la__flows_live(&f, 87100 * LA_SEC);
  assert_int_equal(c.done, 1);
  assert_int_equal(c.last, 1);
  assert_int_equal(f.nconns, 1);
  la__flows_free(&f);
}

/* The next incarnation of a pair is another connection; a SYN sent again is not. */
static void test_incarnations(void **unused) {
  struct count n = {0};
  struct flows f;
  (void)unused;
  assert_true(la__flows_init(&f, done, &n));
  release(&f, LA_SEC, 1000, 500);
  give(&f, LA_SEC, 1, 1000, 2, 80, LA_SYN, 500, 0); /* late */
  assert_int_equal(f.stats.connections, 1);
  release(&f, 2 * LA_SEC, 1000, 90000);
  assert_int_equal(f.stats.connections, 2);
  assert_int_equal(n.done, 1);
  assert_int_equal(f.newest->reuses, 1);
  give(&f, 3 * LA_SEC, 2, 1000, 1, 80, LA_SYN, 1, 0); /* other addresses */
  give(&f, 3 * LA_SEC, 1, 81, 2, 1000, LA_SYN, 1, 0); /* other ports */
  assert_int_equal(f.stats.connections, 4);
  la__flows_finish(&f);
  la__flows_free(&f);
}

static void test_nat(void **unused) {
  struct count n = {0};
  struct flows f;
  (void)unused;
  assert_true(la__flows_init(&f, done, &n));
  give(&f, LA_SEC, 1, 1000, 2, 80, LA_SYN, 123456, 0);
  give(&f, LA_SEC + LA_MS, 9, 61000, 2, 80, LA_SYN, 123456, 0);
  assert_int_equal(f.newest->nat_of, 1);
  give(&f, 9 * LA_SEC, 8, 61000, 2, 80, LA_SYN, 123456, 0); /* too late to be the same */
  assert_int_equal(f.newest->nat_of, 0);
  la__flows_finish(&f);
  la__flows_free(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_flood),        cmocka_unit_test(test_crowd),     cmocka_unit_test(test_expiry),
                                     cmocka_unit_test(test_idle),         cmocka_unit_test(test_told_soon), cmocka_unit_test(test_silent),
                                     cmocka_unit_test(test_incarnations), cmocka_unit_test(test_nat)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
