/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lastack/lastack.h>

enum { MTU = 1500, CONNS = 200, BATCH = 32 };
#define LIMIT (20 * LA_MS)

/* How the peer's application behaves. */
enum manner {
  POLITE,   /* closes when the peer has closed */
  STUBBORN, /* never closes */
  DEAD      /* the machine does not even answer, once `dead` is set */
};

/* The other end: a stack behind a driver, so that the loop under test moves it by sending and receiving. */
struct peer {
  la_driver d;
  la_stack *stack;
  la_link link;
  la_listener listener;
  enum manner manner;
  bool dead;
  unsigned opened, ended, resets, releases;
  size_t got;
  la_conn last;
  uint8_t bytes[BATCH][MTU];
};

static la_stack *stack_new(uint8_t host, la_link *link) {
  la_config cfg;
  la_config_init(&cfg, LA_PRESET_LINUX);
  cfg.alloc = la_host_alloc();
  memset(cfg.secret, host, sizeof cfg.secret);
  cfg.delayed_ack = 0;
  la_stack *s = la_stack_new(&cfg);
  assert_non_null(s);
  *link = la_link_add(s, MTU);
  la_addr a = {.family = 4, .b = {10, 0, 0, host}};
  assert_int_equal(la_addr_add(s, *link, &a, 24), LA_OK);
  return s;
}

static void peer_work(struct peer *p) {
  la_event ev;
  la_conn c;
  char buf[1000];
  la_tick(p->stack, p->d.now);
  while (la_events(p->stack, &ev, 1)) {
    if (ev.type == LA_EVENT_ACCEPT)
      while (la_accept(p->stack, p->listener, NULL, &c) == LA_OK)
        p->opened++;
    if (ev.type == LA_EVENT_ESTABLISHED)
      p->opened++;
    if (ev.type == LA_EVENT_READABLE || ev.type == LA_EVENT_PEER_FIN)
      for (ptrdiff_t n; (n = la_recv(p->stack, ev.conn, buf, sizeof buf)) > 0;)
        p->got += (size_t)n;
    if (ev.type == LA_EVENT_PEER_FIN && p->manner == POLITE)
      la_close(p->stack, ev.conn, p->d.now);
    if (ev.type == LA_EVENT_END) {
      p->ended++;
      p->resets += ev.end.how == LA_HOW_RESET;
      p->releases += ev.end.how == LA_HOW_FOUR_SEGMENTS || ev.end.how == LA_HOW_THREE_SEGMENTS;
      la_close(p->stack, ev.conn, p->d.now);
    }
  }
}

static bool peer_send(la_driver *d, const la_frame *f) {
  struct peer *p = (struct peer *)d;
  uint8_t flat[MTU];
  la_frame in = {.data = flat, .len = (uint32_t)la_frame_copy(f, flat, sizeof flat)};
  if (!p->dead)
    la_input(p->stack, p->link, &in, 1, d->now);
  return true;
}

static size_t peer_recv(la_driver *d, la_frame *frames, size_t max) {
  struct peer *p = (struct peer *)d;
  size_t n = 0;
  la_frame out;
  peer_work(p);
  while (n < max && n < BATCH && la_output(p->stack, p->link, &out, 1, d->now)) {
    frames[n] = (la_frame){.data = p->bytes[n], .len = (uint32_t)la_frame_copy(&out, p->bytes[n], MTU)};
    la_frame_done(p->stack, &out);
    n += !p->dead;
  }
  return n;
}

static la_time peer_deadline(const la_driver *d) { return la_deadline(((const struct peer *)d)->stack); }
static void peer_close(la_driver *d) { (void)d; }

/* The end that is drained: a host with one stack. */
struct us {
  la_host *h;
  la_stack *stack;
  la_link link;
  la_listener listener;
  struct peer peer;
  la_conn conn[CONNS];
  unsigned conns, worked, ends, resets, releases, wrong_user, stop_at;
  int told; /* a descriptor to which an end is reported */
};

static void work(void *ctx, la_time now) {
  struct us *u = ctx;
  la_event ev;
  (void)now;
  u->worked++;
  while (la_events(u->stack, &ev, 1))
    if (ev.type == LA_EVENT_ACCEPT)
      while (u->conns < CONNS && la_accept(u->stack, u->listener, &u->conn[u->conns], &u->conn[u->conns]) == LA_OK)
        u->conns++;
}

static void ended(void *ctx, const la_event *ev) {
  struct us *u = ctx;
  u->ends++;
  u->resets += ev->end.how == LA_HOW_RESET;
  u->releases += ev->end.how == LA_HOW_FOUR_SEGMENTS || ev->end.how == LA_HOW_THREE_SEGMENTS;
  u->wrong_user += !ev->user || !la_conn_same(*(la_conn *)ev->user, ev->conn);
  if (u->ends == u->stop_at)
    la_host_stop(u->h);
  if (u->told >= 0)
    assert_int_equal(write(u->told, "E", 1), 1);
}

static void us_open(struct us *u, enum manner manner) {
  memset(u, 0, sizeof *u);
  u->told = -1;
  u->h = la_host_new();
  u->stack = stack_new(1, &u->link);
  struct peer *p = &u->peer;
  p->stack = stack_new(2, &p->link);
  p->manner = manner;
  p->d = (la_driver){.recv = peer_recv, .send = peer_send, .close = peer_close, .deadline = peer_deadline, .fd = -1, .mtu = MTU};
  const la_host_hooks hooks = {.work = work, .ended = ended, .ctx = u};
  assert_true(la_host_add_stack(u->h, u->stack, &hooks));
  assert_true(la_host_add_link(u->h, u->stack, u->link, &p->d));
  la_listen_opts lo = {.port = 80, .backlog = 1000};
  assert_int_equal(la_listen(u->stack, &lo, &u->listener), LA_OK);
  assert_int_equal(la_listen(p->stack, &lo, &p->listener), LA_OK);
}

static void us_close(struct us *u) {
  la_host_free(u->h);
  la_stack_free(u->stack);
  la_stack_free(u->peer.stack);
}

static void peer_connect(struct us *u) {
  la_connect_opts co = {.remote = {.family = 4, .b = {10, 0, 0, 1}}, .remote_port = 80};
  assert_int_equal(la_connect(u->peer.stack, &co, &u->peer.last, la_host_now(u->h)), LA_OK);
}

static void turns(struct us *u, unsigned n) {
  while (n--)
    assert_true(la_host_turn(u->h, 0));
}

/* n connections of the peer's that we have accepted. */
static void accept_n(struct us *u, unsigned n) {
  for (unsigned i = 0; i < n; i++)
    peer_connect(u);
  for (unsigned i = 0; i < 10000 && (u->conns < n || u->peer.opened < n); i++)
    turns(u, 1);
  assert_int_equal(u->conns, n);
  assert_int_equal(u->peer.opened, n);
}

static uint32_t conns_of(la_stack *s) {
  la_stats st;
  la_stats_get(s, &st);
  return st.conns;
}

/* Everybody closes in turn: no reset, each END told once, with its user; who comes now is refused. */
static void test_release(void **unused) {
  (void)unused;
  struct us u;
  us_open(&u, POLITE);
  accept_n(&u, CONNS);
  unsigned worked = u.worked;
  la_time began = la_host_now(u.h);
  assert_true(la_host_drain(u.h, 60 * LA_SEC));
  assert_true(la_host_now(u.h) - began < 30 * LA_SEC); /* it does not wait for the limit */
  assert_int_equal(u.worked, worked);
  assert_int_equal(u.ends, CONNS);
  assert_int_equal(u.releases, CONNS);
  assert_int_equal(u.wrong_user, 0);
  assert_int_equal(conns_of(u.stack), 0);
  turns(&u, 20);
  assert_int_equal(u.peer.releases, CONNS);
  assert_int_equal(u.peer.resets, 0);
  assert_int_equal(la_listener_close(u.stack, u.listener, la_host_now(u.h)), LA_EBADF);
  unsigned opened = u.peer.opened;
  peer_connect(&u);
  turns(&u, 20);
  assert_int_equal(u.peer.opened, opened);
  assert_int_equal(u.peer.ended, CONNS + 1);
  us_close(&u);
}

static void test_nothing(void **unused) {
  (void)unused;
  struct us u;
  us_open(&u, POLITE);
  assert_true(la_host_drain(u.h, 60 * LA_SEC));
  assert_true(la_host_drain(u.h, 0));
  assert_int_equal(u.ends, 0);
  us_close(&u);
}

/* Whoever does not close is reset at the limit, and hears of it. */
static void test_stubborn(void **unused) {
  (void)unused;
  struct us u;
  us_open(&u, STUBBORN);
  accept_n(&u, 3);
  la_time began = la_host_now(u.h);
  assert_true(la_host_drain(u.h, LIMIT));
  assert_true(la_host_now(u.h) - began >= LIMIT);
  assert_int_equal(u.ends, 3);
  assert_int_equal(u.resets, 3);
  turns(&u, 3);
  assert_int_equal(u.peer.resets, 3);
  us_close(&u);
}

/* A machine that is gone, a SYN without an answer, a connection that the application closed itself, one that was never accepted. */
static void test_all_kinds(void **unused) {
  (void)unused;
  struct us u;
  us_open(&u, DEAD);
  accept_n(&u, 3);
  la_connect_opts co = {.remote = {.family = 4, .b = {10, 0, 0, 2}}, .remote_port = 80, .user = &u.conn[3]};
  assert_int_equal(la_close(u.stack, u.conn[0], la_host_now(u.h)), LA_OK); /* FIN-WAIT-2: 60 s of its own */
  turns(&u, 5);
  u.conns = CONNS; /* accept no more */
  peer_connect(&u);
  turns(&u, 5);
  assert_int_equal(conns_of(u.stack), 4);
  u.peer.dead = true;
  assert_int_equal(la_connect(u.stack, &co, &u.conn[3], la_host_now(u.h)), LA_OK);
  turns(&u, 2);
  assert_int_equal(conns_of(u.stack), 5);
  assert_true(la_host_drain(u.h, LIMIT));
  assert_int_equal(u.ends, 4); /* END is for those that the application got */
  assert_int_equal(u.resets, 3);
  assert_int_equal(u.wrong_user, 0);
  assert_int_equal(conns_of(u.stack), 0);
  us_close(&u);
}

/* One that ended before, whose END the application had taken and which it never closed; and one whose END nobody has taken. */
static void test_ended(void **unused) {
  (void)unused;
  struct us u;
  us_open(&u, POLITE);
  accept_n(&u, 1);
  la_abort(u.peer.stack, u.peer.last, la_host_now(u.h));
  turns(&u, 5);
  assert_int_equal(conns_of(u.stack), 1);
  assert_true(la_host_drain(u.h, 60 * LA_SEC));
  assert_int_equal(u.ends, 0); /* `work` had it */
  assert_int_equal(conns_of(u.stack), 0);
  us_close(&u);
  us_open(&u, POLITE);
  accept_n(&u, 1);
  la_abort(u.stack, u.conn[0], la_host_now(u.h));
  assert_true(la_host_drain(u.h, 60 * LA_SEC));
  assert_int_equal(u.ends, 1);
  turns(&u, 2);
  assert_int_equal(u.peer.resets, 1); /* the RST has left */
  us_close(&u);
}

/* Bytes that are queued reach the peer before the FIN does. */
static void test_queued(void **unused) {
  (void)unused;
  struct us u;
  static const char data[50000];
  us_open(&u, POLITE);
  accept_n(&u, 1);
  assert_int_equal(la_send(u.stack, u.conn[0], data, sizeof data), sizeof data);
  assert_true(la_host_drain(u.h, 60 * LA_SEC));
  assert_int_equal(u.releases, 1);
  turns(&u, 2);
  assert_int_equal(u.peer.got, sizeof data);
  assert_int_equal(u.peer.releases, 1);
  us_close(&u);
}

/* A second request to stop ends the drain at once; the connections stay as they are. */
static void test_impatient(void **unused) {
  (void)unused;
  struct us u;
  us_open(&u, STUBBORN);
  accept_n(&u, 3);
  u.peer.manner = POLITE;
  u.stop_at = 1;
  la_abort(u.stack, u.conn[0], la_host_now(u.h));
  u.peer.dead = true;
  assert_false(la_host_drain(u.h, 60 * LA_SEC));
  assert_int_equal(errno, EINTR);
  assert_int_equal(u.ends, 1);
  assert_in_range(conns_of(u.stack), 2, 3); /* the RST may not have left */
  us_close(&u);
}

static void test_signals(void **unused) {
  (void)unused;
  struct us u;
  const int signals[] = {SIGUSR1, SIGUSR2}, bad[] = {SIGUSR1, 12345};
  us_open(&u, POLITE);
  assert_false(la_host_stop_on(u.h, bad, 2));
  assert_true(la_host_stop_on(u.h, signals, 2));
  assert_false(la_host_stop_on(u.h, signals, 2));
  assert_int_equal(errno, EBUSY);
  turns(&u, 2);
  assert_int_equal(la_host_stops(u.h), 0);
  raise(SIGUSR1);
  raise(SIGUSR2);
  assert_true(la_host_turn(u.h, LA_NEVER));
  assert_int_equal(la_host_stops(u.h), 2);
  la_host_stop(u.h);
  assert_int_equal(la_host_stops(u.h), 3);
  assert_true(la_host_turn(u.h, LA_NEVER)); /* wakes */
  us_close(&u);
}

/* A child with one connection ends in the given way; how many ENDs were told. */
static unsigned child_ends(bool registers, bool frees, bool forks, int *status) {
  static struct us u;
  int fds[2];
  char buf[16];
  unsigned n = 0;
  ssize_t got;
  assert_int_equal(pipe(fds), 0);
  fflush(NULL);
  pid_t pid = fork();
  if (!pid) {
    us_open(&u, POLITE);
    accept_n(&u, 2);
    u.told = fds[1];
    if (registers && !(la_host_release_at_exit(u.h, LA_SEC) && la_host_release_at_exit(u.h, 60 * LA_SEC)))
      _exit(2);
    if (frees)
      us_close(&u);
    if (forks && fork())
      _exit(0); /* only the child of the child exits by exit(): it is not the owner */
    exit(7);
  }
  close(fds[1]);
  while ((got = read(fds[0], buf, sizeof buf)) > 0)
    n += (unsigned)got;
  close(fds[0]);
  assert_int_equal(waitpid(pid, status, 0), pid);
  return n;
}

static void test_at_exit(void **unused) {
  (void)unused;
  int status;
  assert_int_equal(child_ends(true, false, false, &status), 2);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  assert_int_equal(child_ends(false, false, false, &status), 0);
  assert_int_equal(child_ends(true, true, false, &status), 0);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  assert_int_equal(child_ends(true, false, true, &status), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_release), cmocka_unit_test(test_nothing), cmocka_unit_test(test_stubborn),
    cmocka_unit_test(test_ended),   cmocka_unit_test(test_queued),  cmocka_unit_test(test_all_kinds),
    cmocka_unit_test(test_signals), cmocka_unit_test(test_at_exit), cmocka_unit_test(test_impatient),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
