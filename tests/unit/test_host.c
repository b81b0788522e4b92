/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lastack/lastack.h>

enum { RECS = 1024, TURNS = 100000 };

/* One end of an exchange: what the application and the observer saw. */
struct end {
  la_stack *stack;
  la_link link;
  la_host *host;
  la_trace_rec *ring;
  la_conn conn;
  la_listener listener;
  unsigned ends, packets, wrong_numbers, wrong_recs, with_recs, caused_by_none;
  uint32_t last_number;
  size_t got;
  bool server;
};

static void end_init(struct end *e, uint8_t host_byte, bool traced) {
  la_config cfg;
  *e = (struct end){0};
  la_config_init(&cfg, LA_PRESET_LINUX);
  cfg.alloc = la_host_alloc();
  memset(cfg.secret, host_byte, sizeof cfg.secret);
  if (traced) {
    e->ring = calloc(RECS, sizeof *e->ring);
    cfg.trace = e->ring;
    cfg.trace_cap = RECS;
  }
  e->stack = la_stack_new(&cfg);
  assert_non_null(e->stack);
  e->link = la_link_add(e->stack, 1500);
  assert_int_equal(e->link, 1);
  la_addr a = {.family = 4, .b = {10, 0, 0, host_byte}};
  assert_int_equal(la_addr_add(e->stack, e->link, &a, 24), LA_OK);
}

static void end_free(struct end *e) {
  la_stack_free(e->stack);
  free(e->ring);
}

static void client_event(struct end *e, const la_event *ev, la_time now) {
  char buf[4096];
  ptrdiff_t n;
  if (ev->type == LA_EVENT_ESTABLISHED) {
    assert_int_equal(la_send(e->stack, e->conn, "hello", 5), 5);
    assert_int_equal(la_shutdown(e->stack, e->conn, now), LA_OK);
  } else if (ev->type == LA_EVENT_READABLE || ev->type == LA_EVENT_PEER_FIN) {
    while ((n = la_recv(e->stack, e->conn, buf, sizeof buf)) > 0)
      e->got += (size_t)n;
    if (n == 0)
      la_close(e->stack, e->conn, now);
  }
}

/* Answers with many segments, so that several batches cross. */
static void server_event(struct end *e, const la_event *ev, la_time now) {
  static char reply[60000];
  char buf[16];
  if (ev->type == LA_EVENT_ACCEPT) {
    while (la_accept(e->stack, e->listener, NULL, &e->conn) == LA_OK)
      ;
  }
  if (ev->type == LA_EVENT_READABLE || ev->type == LA_EVENT_PEER_FIN || ev->type == LA_EVENT_ACCEPT) {
    ptrdiff_t n;
    while ((n = la_recv(e->stack, e->conn, buf, sizeof buf)) > 0)
      e->got += (size_t)n;
    if (n == 0) {
      la_send(e->stack, e->conn, reply, sizeof reply);
      la_close(e->stack, e->conn, now);
    }
  }
}

static void work(void *ctx, la_time now) {
  struct end *e = ctx;
  la_event ev;
  while (la_events(e->stack, &ev, 1)) {
    if (ev.type == LA_EVENT_END)
      e->ends++;
    else if (e->server)
      server_event(e, &ev, now);
    else
      client_event(e, &ev, now);
  }
}

static void packet(void *ctx, la_link link, la_time at, bool outbound, uint32_t number, const la_frame *f, const la_trace_rec *recs,
                   size_t n) {
  struct end *e = ctx;
  (void)at;
  (void)outbound;
  e->packets++;
  e->wrong_numbers += number != ++e->last_number;
  e->wrong_recs += link != e->link || f->len < 40 || f->data[0] >> 4 != 4 || f->len != (uint32_t)(f->data[2] << 8 | f->data[3]);
  for (size_t i = 0; i < n; i++)
    e->wrong_recs += recs[i].frame != number;
  e->with_recs += n > 0;
}

static void trace(void *ctx, const la_trace_rec *recs, size_t n) {
  struct end *e = ctx;
  for (size_t i = 0; i < n; i++)
    if (recs[i].frame)
      e->wrong_recs++;
    else
      e->caused_by_none++;
}

/* A whole connection between two stacks over a pair, by nothing but turns of the loop. `faults` NULL: a good wire. */
static void exchange(bool observed, const char *faults) {
  struct end c, s;
  la_driver *a, *b;
  la_host *h = la_host_new();
  assert_non_null(h);
  end_init(&c, 1, observed);
  end_init(&s, 2, observed);
  s.server = true;
  la_host_hooks hooks = {.work = work, .packet = observed ? packet : NULL, .trace = observed ? trace : NULL, .ctx = &c};
  assert_true(la_pair_new(1500, 64, &a, &b));
  assert_true(la_host_add_stack(h, c.stack, &hooks));
  hooks.ctx = &s;
  assert_true(la_host_add_stack(h, s.stack, &hooks));
  if (faults)
    assert_non_null(a = la_fault_new(a, faults, NULL, 0));
  assert_true(la_host_add_link(h, c.stack, c.link, a));
  assert_true(la_host_add_link(h, s.stack, s.link, b));
  la_listen_opts lo = {.port = 80, .backlog = 5};
  assert_int_equal(la_listen(s.stack, &lo, &s.listener), LA_OK);
  la_connect_opts co = {.remote = {.family = 4, .b = {10, 0, 0, 2}}, .remote_port = 80};
  assert_int_equal(la_connect(c.stack, &co, &c.conn, la_host_now(h)), LA_OK);
  unsigned turns = 0;
  while ((!c.ends || !s.ends) && turns++ < TURNS)
    assert_true(la_host_turn(h, la_host_now(h) + LA_SEC));
  assert_int_equal(c.ends, 1);
  assert_int_equal(s.ends, 1);
  assert_int_equal(s.got, 5);
  assert_int_equal(c.got, 60000);
  if (observed) {
    assert_int_equal(c.packets, la_frame_count(c.stack));
    assert_int_equal(s.packets, la_frame_count(s.stack));
    assert_int_equal(c.wrong_numbers + s.wrong_numbers, 0);
    assert_int_equal(c.wrong_recs + s.wrong_recs, 0);
    assert_int_equal(c.with_recs, c.packets);
    assert_true(c.caused_by_none >= 2); /* connect, shutdown */
  }
  la_host_free(h);
  end_free(&c);
  end_free(&s);
}

static void test_exchange(void **unused) {
  (void)unused;
  exchange(false, NULL);
  exchange(true, NULL);
}

/* What a wire holds back wakes the loop: it would otherwise wait for a retransmission, or for ever. */
static void test_faults(void **unused) {
  (void)unused;
  exchange(false, "delay=300us,jitter=200us,reorder=20%,dup=10%");
  exchange(true, "delay:any:any:25%:1ms");
}

/* The loop sleeps when there is nothing to do: one turn, one look at each driver, however long it may wait. */
struct counting {
  la_driver d;
  unsigned recvs, sends;
  la_time at; /* its deadline, until recv is called then */
  bool *closed;
};
static size_t counting_recv(la_driver *d, la_frame *frames, size_t max) {
  char buf[16];
  (void)frames;
  (void)max;
  struct counting *c = (struct counting *)d;
  c->recvs++;
  if (c->at <= d->now)
    c->at = LA_NEVER;
  if (d->fd >= 0)
    assert_int_not_equal(read(d->fd, buf, sizeof buf), 0);
  return 0;
}
static bool counting_send(la_driver *d, const la_frame *frame) {
  (void)frame;
  ((struct counting *)d)->sends++;
  return true;
}
static void counting_close(la_driver *d) {
  *((struct counting *)d)->closed = true;
  free(d);
}
static struct counting *counting_new(int fd, bool *closed) {
  struct counting *c = calloc(1, sizeof *c);
  c->d = (la_driver){.recv = counting_recv, .send = counting_send, .close = counting_close, .fd = fd, .mtu = 1500};
  c->closed = closed;
  return c;
}

static void test_idle(void **unused) {
  (void)unused;
  struct end e;
  int fds[2];
  bool closed = false;
  end_init(&e, 1, false);
  assert_int_equal(pipe(fds), 0);
  la_host *h = la_host_new();
  struct counting *c = counting_new(fds[0], &closed);
  assert_true(la_host_add_stack(h, e.stack, NULL));
  assert_true(la_host_add_link(h, e.stack, e.link, &c->d));
  for (unsigned i = 0; i < 10; i++)
    assert_true(la_host_turn(h, 0));
  assert_int_equal(c->recvs, 0); /* its descriptor was never readable */
  assert_int_equal(write(fds[1], "x", 1), 1);
  assert_true(la_host_turn(h, LA_NEVER));
  assert_int_equal(c->recvs, 1);
  assert_true(la_host_turn(h, 0));
  assert_int_equal(c->recvs, 1);
  la_host_free(h);
  assert_true(closed);
  close(fds[0]);
  close(fds[1]);
  end_free(&e);
}

/* A device that goes away ends the loop instead of spinning it. */
static void test_gone(void **unused) {
  (void)unused;
  struct end e;
  int fds[2];
  bool closed = false;
  end_init(&e, 1, false);
  assert_int_equal(pipe(fds), 0);
  la_host *h = la_host_new();
  struct counting *c = counting_new(fds[0], &closed);
  assert_true(la_host_add_stack(h, e.stack, NULL));
  assert_true(la_host_add_link(h, e.stack, e.link, &c->d));
  close(fds[1]);
  assert_false(la_host_turn(h, LA_NEVER));
  assert_int_equal(errno, ENETDOWN);
  la_host_free(h);
  close(fds[0]);
  end_free(&e);
}

static la_time counting_deadline(const la_driver *d) { return ((const struct counting *)d)->at; }

/* A driver's deadline ends the wait although its descriptor is not readable; recv is then called once, with the time. */
static void test_driver_deadline(void **unused) {
  (void)unused;
  struct end e;
  int fds[2];
  bool closed = false;
  end_init(&e, 1, false);
  assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
  la_host *h = la_host_new();
  struct counting *c = counting_new(fds[0], &closed);
  c->d.deadline = counting_deadline;
  c->at = LA_NEVER;
  assert_true(la_host_add_stack(h, e.stack, NULL));
  assert_true(la_host_add_link(h, e.stack, e.link, &c->d));
  assert_true(la_host_turn(h, 0));
  assert_int_equal(c->recvs, 0);
  la_time at = la_host_now(h) + 2 * LA_MS;
  c->at = at;
  assert_true(la_host_turn(h, LA_NEVER));
  assert_true(c->d.now >= at);
  assert_int_equal(c->at, LA_NEVER);
  assert_int_equal(c->recvs, 1);
  assert_true(la_host_turn(h, 0));
  assert_int_equal(c->recvs, 1);
  la_host_free(h);
  close(fds[0]);
  close(fds[1]);
  end_free(&e);
}

/* The stack's own deadline wakes the loop: a SYN goes out and nobody answers, so the turn ends by the retransmission. */
static void test_deadline(void **unused) {
  (void)unused;
  struct end e;
  bool closed = false;
  la_host *h = la_host_new();
  end_init(&e, 1, false);
  struct counting *c = counting_new(-1, &closed);
  assert_true(la_host_add_stack(h, e.stack, NULL));
  assert_true(la_host_add_link(h, e.stack, e.link, &c->d));
  la_connect_opts co = {.remote = {.family = 4, .b = {10, 0, 0, 2}}, .remote_port = 80};
  assert_int_equal(la_connect(e.stack, &co, &e.conn, la_host_now(h)), LA_OK);
  unsigned turns = 0;
  while (c->sends < 2 && turns++ < 1000)
    assert_true(la_host_turn(h, LA_NEVER));
  assert_int_equal(c->sends, 2);
  assert_in_range(turns, 1, 100); /* it slept in between */
  la_host_free(h);
  end_free(&e);
}

struct watcher {
  la_host *h;
  unsigned calls;
  int other;
};
static void on_readable(void *ctx, int fd) {
  struct watcher *w = ctx;
  char c;
  w->calls++;
  if (w->other >= 0)
    la_host_unwatch(w->h, w->other);
  assert_int_equal(read(fd, &c, 1), 1);
}

static void on_writable(void *ctx, int fd) {
  (void)fd;
  ((struct watcher *)ctx)->calls++;
}

static void test_watch(void **unused) {
  (void)unused;
  int a[2], b[2];
  assert_int_equal(pipe(a), 0);
  assert_int_equal(pipe(b), 0);
  la_host *h = la_host_new();
  struct watcher wa = {h, 0, b[0]}, wb = {h, 0, a[0]};
  assert_true(la_host_watch(h, a[0], on_readable, &wa));
  assert_true(la_host_watch(h, b[0], on_readable, &wb));
  assert_false(la_host_watch(h, a[0], on_readable, &wa));
  assert_true(la_host_turn(h, 0));
  assert_int_equal(wa.calls + wb.calls, 0);
  assert_int_equal(write(a[1], "xx", 2), 2);
  assert_int_equal(write(b[1], "xx", 2), 2);
  assert_true(la_host_turn(h, LA_NEVER)); /* both are readable; whoever comes first unwatches the other */
  assert_int_equal(wa.calls + wb.calls, 1);
  assert_true(la_host_turn(h, LA_NEVER));
  assert_int_equal(wa.calls + wb.calls, 2);
  la_host_unwatch(h, a[0]);
  la_host_unwatch(h, b[0]);
  la_host_unwatch(h, 12345);
  assert_true(la_host_turn(h, 0));
  assert_int_equal(wa.calls + wb.calls, 2);
  la_host_free(h);
  for (unsigned i = 0; i < 2; i++) {
    close(a[i]);
    close(b[i]);
  }
}

static void test_want(void **unused) {
  (void)unused;
  la_host *h = la_host_new();
  int fd[2];
  assert_int_equal(pipe(fd), 0);
  struct watcher w = {h, 0, -1};
  assert_false(la_host_want(h, fd[1], false, true));
  assert_true(la_host_watch(h, fd[1], on_writable, &w));
  assert_true(la_host_turn(h, 0));
  assert_int_equal(w.calls, 0); /* never readable */
  assert_true(la_host_want(h, fd[1], false, true));
  assert_true(la_host_turn(h, LA_NEVER));
  assert_int_equal(w.calls, 1);
  assert_true(la_host_want(h, fd[1], false, false));
  assert_true(la_host_turn(h, 0));
  assert_int_equal(w.calls, 1);
  close(fd[0]); /* told although nothing is wanted */
  assert_true(la_host_turn(h, LA_NEVER));
  assert_int_equal(w.calls, 2);
  la_host_unwatch(h, fd[1]);
  assert_false(la_host_want(h, fd[1], false, true));
  int file = open("/dev/null", O_RDONLY);
  assert_false(la_host_watch(h, file, on_writable, &w));
  assert_int_equal(errno, EPERM);
  close(file);
  close(fd[1]);
  la_host_free(h);
}

static void test_system(void **unused) {
  (void)unused;
  uint8_t a[600] = {0}, b[600] = {0};
  assert_true(la_host_entropy(a, sizeof a));
  assert_true(la_host_entropy(b, sizeof b));
  assert_memory_not_equal(a, b, sizeof a);
  assert_memory_not_equal(a + 584, b + 584, 16);
  la_alloc al = la_host_alloc();
  void *p = al.alloc(al.ctx, 100);
  assert_non_null(p);
  memset(p, 1, 100);
  al.free(al.ctx, p, 100);
  char err[160] = "";
  assert_null(la_tun_open("a-name-that-is-too-long", 1500, err, sizeof err));
  assert_non_null(strstr(err, "a-name-that-is-too-long"));
  assert_null(la_tun_open("", 1500, err, sizeof err));
  assert_null(la_tun_open("tun%d", 1500, err, sizeof err));
  la_addr v4 = {.family = 4, .b = {10, 0, 0, 1}};
  assert_false(la_tun_host_addr("nosuchdevice", &v4, 24, 1500, err, sizeof err));
  assert_non_null(strstr(err, "nosuchdevice"));
  assert_false(la_tun_host_addr("nosuchdevice", &v4, 33, 1500, NULL, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exchange), cmocka_unit_test(test_faults), cmocka_unit_test(test_driver_deadline),
    cmocka_unit_test(test_idle),     cmocka_unit_test(test_gone),   cmocka_unit_test(test_deadline),
    cmocka_unit_test(test_watch),    cmocka_unit_test(test_want),   cmocka_unit_test(test_system),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
