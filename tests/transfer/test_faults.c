/* SPDX-License-Identifier: MIT */
/*
 * A file crosses a bad wire in both directions at once, stack to stack, byte for byte, in virtual time.
 * Arguments: MB, then a spec: only that one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lastack/lastack.h>

#include "base/prng.h"

enum { MTU = 1500, DEPTH = 4096, PIECE = 16384, BATCH = 32 };
#define FULL_SIZE (100 * 1000000u)
#define LIMIT (240 * 3600 * LA_SEC)

/* Bytes from a seed; both ends make the same ones. */
struct text {
  struct prng rng;
  uint64_t word, at;
};
static uint8_t text_next(struct text *t) {
  if (t->at++ % 8 == 0)
    t->word = la__prng_next(&t->rng);
  uint8_t b = (uint8_t)t->word;
  t->word >>= 8;
  return b;
}

struct end {
  la_stack *stack;
  la_link link;
  la_driver *driver;
  la_conn conn;
  la_listener listener;
  bool connected, at_eof, shut, ended;
  struct text out, in;
  uint64_t size;
  uint8_t piece[PIECE];
  size_t have, from; /* bytes of the piece made, and sent */
  la_end end;
};

static void end_init(struct end *e, unsigned side, unsigned version, uint64_t size, enum la_preset preset, la_driver *d) {
  la_config cfg;
  la_config_init(&cfg, preset);
  cfg.alloc = la_host_alloc();
  memset(cfg.secret, (int)side + 1, sizeof cfg.secret);
  cfg.msl = 120 * LA_SEC; /* TIME-WAIT must outlast the longest RTO, or a FIN sent again could meet nobody */
  cfg.sndbuf = cfg.rcvbuf = 1 << 18;
  e->stack = la_stack_new(&cfg);
  assert_non_null(e->stack);
  e->link = la_link_add(e->stack, MTU);
  la_addr a = {.family = (uint8_t)version, .b = {10, 0, 0, (uint8_t)(side + 1)}};
  assert_int_equal(la_addr_add(e->stack, e->link, &a, 24), LA_OK);
  e->driver = d;
  e->size = size;
  la__prng_seed(&e->out.rng, side);
  la__prng_seed(&e->in.rng, !side);
}

static void feed(struct end *e, la_time now) {
  while (!e->shut) {
    if (e->from == e->have) {
      for (e->have = e->from = 0; e->have < PIECE && e->out.at < e->size;)
        e->piece[e->have++] = text_next(&e->out);
      if (!e->have) {
        assert_int_equal(la_shutdown(e->stack, e->conn, now), LA_OK);
        e->shut = true;
        return;
      }
    }
    ptrdiff_t n = la_send(e->stack, e->conn, e->piece + e->from, e->have - e->from);
    if (n == LA_AGAIN)
      return;
    assert_true(n > 0);
    e->from += (size_t)n;
  }
}

static void drink(struct end *e) {
  static uint8_t buf[PIECE];
  ptrdiff_t n;
  if (e->at_eof)
    return;
  while ((n = la_recv(e->stack, e->conn, buf, sizeof buf)) > 0)
    for (ptrdiff_t i = 0; i < n; i++)
      if (buf[i] != text_next(&e->in))
        fail_msg("byte %llu differs", (unsigned long long)e->in.at);
  e->at_eof = n == 0;
  assert_true(n == 0 || n == LA_AGAIN);
}

static void work(struct end *e, la_time now) {
  la_event ev;
  while (la_events(e->stack, &ev, 1)) {
    if (ev.type == LA_EVENT_ACCEPT)
      assert_int_equal(la_accept(e->stack, e->listener, NULL, &e->conn), LA_OK);
    if (ev.type == LA_EVENT_ACCEPT || ev.type == LA_EVENT_ESTABLISHED)
      e->connected = true;
    if (ev.type == LA_EVENT_END) {
      e->ended = true;
      e->end = ev.end;
      la_close(e->stack, ev.conn, now);
      return;
    }
    if (!e->connected)
      continue;
    feed(e, now);
    drink(e);
    if (e->shut && e->at_eof)
      la_close(e->stack, e->conn, now);
  }
}

/* One turn of the contract in stack.h; whether anything crossed the link. */
static bool turn(struct end *e, la_time now) {
  la_frame f[BATCH];
  bool moved = false;
  e->driver->now = now;
  size_t n = e->driver->recv(e->driver, f, BATCH), done = 0;
  for (moved = n > 0; done < n;) {
    done += la_input(e->stack, e->link, f + done, n - done, now);
    if (done == n)
      break;
    la_frame out;
    while (la_output(e->stack, e->link, &out, 1, now)) {
      e->driver->send(e->driver, &out);
      la_frame_done(e->stack, &out);
    }
  }
  la_tick(e->stack, now);
  work(e, now);
  while ((n = la_output(e->stack, e->link, f, BATCH, now)) > 0)
    for (size_t i = 0; i < n; i++) {
      e->driver->send(e->driver, &f[i]);
      la_frame_done(e->stack, &f[i]);
      moved = true;
    }
  return moved;
}

static la_time wake(const struct end *e) {
  la_time a = la_deadline(e->stack), b = e->driver->deadline ? e->driver->deadline(e->driver) : LA_NEVER;
  return a < b ? a : b;
}

static void check_end(const struct end *e) {
  const la_end *d = &e->end;
  if (d->err || e->in.at != e->size)
    fail_msg("%llu bytes came; %s by %s: %s, %s in %s; %u retransmissions, %u of FIN", (unsigned long long)e->in.at, la_how_name(d->how),
             la_who_name(d->who), la_why_name(d->why), la_err_name(d->err), la_state_name(d->state), d->retransmits, d->fin_retransmits);
  assert_int_equal(e->end.why, LA_WHY_CLOSE);
  assert_int_equal(e->end.bytes_in, e->size);
  assert_int_equal(e->end.bytes_out, e->size);
}

static uint64_t dropped_sums(const struct end *e) {
  la_stats st;
  la_stats_get(e->stack, &st);
  return st.drops[LA_DROP_TCP_CSUM] + st.drops[LA_DROP_IP_CSUM];
}

/* The whole transfer; returns the virtual time that it took. */
static la_time transfer(unsigned version, const char *spec, uint64_t size, enum la_preset preset, la_fault_stats *st) {
  static struct end e[2];
  la_driver *near, *far;
  char err[160];
  memset(e, 0, sizeof e);
  assert_true(la_pair_new(MTU, DEPTH, &near, &far));
  la_driver *bad = la_fault_new(near, spec, err, sizeof err);
  if (!bad)
    fail_msg("%s", err);
  end_init(&e[0], 0, version, size, preset, bad);
  end_init(&e[1], 1, version, size, preset, far);
  la_time now = LA_SEC;
  la_listen_opts lo = {.port = 80, .backlog = 1};
  assert_int_equal(la_listen(e[1].stack, &lo, &e[1].listener), LA_OK);
  la_connect_opts co = {.remote = {.family = (uint8_t)version, .b = {10, 0, 0, 2}}, .remote_port = 80};
  assert_int_equal(la_connect(e[0].stack, &co, &e[0].conn, now), LA_OK);
  while (!e[0].ended || !e[1].ended) {
    bool moved = turn(&e[0], now);
    moved = turn(&e[1], now) || moved;
    if (moved)
      continue;
    la_time a = wake(&e[0]), b = wake(&e[1]);
    a = a < b ? a : b;
    assert_true(a != LA_NEVER);
    now = a > now ? a : now;
    assert_true(now < LIMIT);
  }
  check_end(&e[0]);
  check_end(&e[1]);
  la_fault_stats_get(bad, st);
  assert_int_equal(st->overflowed[0] + st->overflowed[1], 0);
  uint64_t corrupted = st->corrupted[0] + st->corrupted[1], told = dropped_sums(&e[0]) + dropped_sums(&e[1]);
  assert_in_range(told, corrupted / 2, corrupted); /* the rest had other addresses (IPv6) or were dropped by the wire */
  printf("%llu bytes each way over IPv%u, %s: %.1f s of virtual time, %llu packets, %u retransmissions\n", (unsigned long long)size,
         version, spec, (double)(now - LA_SEC) / 1e9, (unsigned long long)(st->packets[0] + st->packets[1]),
         e[0].end.retransmits + e[1].end.retransmits);
  bad->close(bad);
  far->close(far);
  la_stack_free(e[0].stack);
  la_stack_free(e[1].stack);
  return now - LA_SEC;
}

static void test_full(void **unused) {
  (void)unused;
  la_fault_stats st;
  transfer(4, "seed=1,drop=5%,dup=2%,reorder=1%,corrupt=0.5%,delay=10ms", FULL_SIZE, LA_PRESET_LINUX, &st);
  for (unsigned i = 0; i < 2; i++) { /* all of it did happen */
    assert_true(st.dropped[i] > st.packets[i] / 25);
    assert_true(st.duplicated[i] > st.packets[i] / 65);
    assert_true(st.reordered[i] > st.packets[i] / 130);
    assert_true(st.corrupted[i] > st.packets[i] / 300);
  }
}

/* Other kinds of bad, smaller: no delay at all, much loss, everything late by something else, everything twice; IPv6; the RFC's clocks. */
static void test_kinds(void **unused) {
  (void)unused;
  static const struct {
    unsigned version;
    enum la_preset preset;
    const char *spec;
  } rows[] = {
    {6, LA_PRESET_LINUX, "seed=2,drop=5%,dup=2%,reorder=1%,corrupt=0.5%,delay=10ms"},
    {6, LA_PRESET_RFC, "seed=3,drop=5%,dup=2%,reorder=1%,corrupt=0.5%"},
    {4, LA_PRESET_LINUX, "seed=4,drop=10%,corrupt=3%,delay=1ms"},
    {4, LA_PRESET_RFC, "seed=5,reorder=30%,dup=100%,delay=5ms,jitter=50ms"},
    {4, LA_PRESET_LINUX, "seed=6,delay:any:any:20%:30ms,drop:in:data:1-5,drop:out:fin:1-3,drop:in:synack:1-2,dup:any:syn:all"},
    {4, LA_PRESET_LINUX, "seed=7,drop:out:ack:50%"},
  };
  la_fault_stats st;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    for (uint64_t size = FULL_SIZE / 50; size; size = size > 1 ? 1 : 0)
      transfer(rows[i].version, rows[i].spec, size, rows[i].preset, &st);
}

/* Two runs are the same to the nanosecond. */
static void test_same(void **unused) {
  (void)unused;
  static const char spec[] = "seed=9,drop=5%,dup=2%,reorder=1%,corrupt=0.5%,delay=10ms,jitter=3ms";
  la_fault_stats a, b;
  la_time one = transfer(4, spec, FULL_SIZE / 50, LA_PRESET_LINUX, &a);
  assert_int_equal(transfer(4, spec, FULL_SIZE / 50, LA_PRESET_LINUX, &b), one);
  assert_memory_equal(&a, &b, sizeof a);
}

static uint64_t given_size;
static const char *given_spec;
static void test_given(void **unused) {
  (void)unused;
  la_fault_stats st;
  transfer(4, given_spec, given_size, LA_PRESET_LINUX, &st);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds), cmocka_unit_test(test_same), cmocka_unit_test(test_full)};
  const struct CMUnitTest given[] = {cmocka_unit_test(test_given)};
  if (argc > 2) {
    given_size = strtoull(argv[1], NULL, 10) * 1000000;
    given_spec = argv[2];
    return cmocka_run_group_tests(given, NULL, NULL);
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
