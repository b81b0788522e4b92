/* SPDX-License-Identifier: MIT */
/* epoll: level, edge and one-shot, and what each call refuses. */
#include "tests/unit/posix_test.h"

enum { IN = LA_POLLIN, OUT = LA_POLLOUT, ERR = LA_POLLERR, HUP = LA_POLLHUP, RDHUP = LA_POLLRDHUP };

struct scene {
  struct duo d;
  int ep, s, c, n; /* the instance is b's; n is its connection */
};

static void scene_start(struct scene *t) {
  duo_start(&t->d);
  t->ep = la_posix_epoll_create(t->d.pb, 0);
  assert_true(t->ep >= 0);
  t->s = server(&t->d, 80);
  joined(&t->d, t->s, 80, &t->c, &t->n);
}
static void add(struct scene *t, int fd, uint32_t events) {
  SAYS(la_posix_epoll_ctl(t->d.pb, t->ep, LA_EPOLL_CTL_ADD, fd, &(la_epoll_event){events, 1000u + (unsigned)fd}), 0);
}
static void mod(struct scene *t, int fd, uint32_t events) {
  SAYS(la_posix_epoll_ctl(t->d.pb, t->ep, LA_EPOLL_CTL_MOD, fd, &(la_epoll_event){events, 1000u + (unsigned)fd}), 0);
}
static void say(struct scene *t, unsigned n) {
  static const char b[10000];
  SAYS(la_posix_send(t->d.pa, t->c, b, n, 0, NULL), n);
  duo_pass(&t->d, 100 * LA_MS);
}
static void hear(struct scene *t, size_t n, ptrdiff_t want) {
  static char b[10000];
  SAYS(la_posix_recv(t->d.pb, t->n, b, n, 0, NULL), want);
}
/* The events of fd that one epoll_wait tells, when it tells nothing else; 0: nothing at all. */
static uint32_t told(struct scene *t, int fd) {
  la_epoll_event e[8];
  int k = la_posix_epoll_wait(t->d.pb, t->ep, e, 8, 0, NULL);
  assert_in_range(k, 0, 1);
  if (k == 0)
    return 0;
  assert_int_equal(e[0].data, 1000 + fd);
  return e[0].events;
}

static void refusals(void **state) {
  (void)state;
  struct scene t;
  scene_start(&t);
  la_posix *p = t.d.pb;
  la_epoll_event ev = {IN, 0}, out[2];
  int other = la_posix_epoll_create(p, LA_O_CLOEXEC);
  SAYS(la_posix_fcntl(p, other, LA_F_GETFD, 0), LA_FD_CLOEXEC);
  SAYS(la_posix_epoll_create(p, 1), E(INVAL));
  SAYS(la_posix_epoll_ctl(p, 99, LA_EPOLL_CTL_ADD, t.n, &ev), E(BADF));
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_ADD, 99, &ev), E(BADF));
  SAYS(la_posix_epoll_ctl(p, t.n, LA_EPOLL_CTL_ADD, t.s, &ev), E(INVAL));
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_ADD, t.ep, &ev), E(INVAL));
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_ADD, other, &ev), E(LOOP));
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_ADD, t.n, NULL), E(FAULT));
  SAYS(la_posix_epoll_ctl(p, t.ep, 7, t.n, &ev), E(INVAL));
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_MOD, t.n, &ev), E(NOENT));
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_DEL, t.n, NULL), E(NOENT));
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_ADD, t.n, &ev), 0);
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_ADD, t.n, &ev), E(EXIST));
  ev.events |= LA_EPOLLEXCLUSIVE;
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_MOD, t.n, &ev), E(INVAL));
  SAYS(la_posix_epoll_ctl(p, t.ep, LA_EPOLL_CTL_DEL, t.n, NULL), 0);
  SAYS(la_posix_epoll_wait(p, t.ep, out, 0, 0, NULL), E(INVAL));
  SAYS(la_posix_epoll_wait(p, t.ep, NULL, 1, 0, NULL), E(FAULT));
  SAYS(la_posix_epoll_wait(p, 99, out, 1, 0, NULL), E(BADF));
  SAYS(la_posix_epoll_wait(p, t.n, out, 1, 0, NULL), E(INVAL));
  SAYS(la_posix_recv(p, t.ep, out, 1, 0, NULL), E(NOTSOCK));
  duo_stop(&t.d);
}

static void level(void **state) {
  (void)state;
  struct scene t;
  scene_start(&t);
  add(&t, t.n, IN);
  SAYS(told(&t, t.n), 0);
  say(&t, 10);
  SAYS(told(&t, t.n), IN);
  SAYS(told(&t, t.n), IN); /* as long as it holds */
  hear(&t, 5, 5);
  SAYS(told(&t, t.n), IN);
  hear(&t, 100, 5);
  SAYS(told(&t, t.n), 0);
  say(&t, 1);
  SAYS(told(&t, t.n), IN);
  mod(&t, t.n, IN | OUT);
  SAYS(told(&t, t.n), IN | OUT);
  mod(&t, t.n, 0);
  SAYS(told(&t, t.n), 0);
  SAYS(la_posix_close(t.d.pa, t.c, NULL), 0);
  duo_settle(&t.d);
  SAYS(told(&t, t.n), 0); /* a half-close is no hang-up */
  mod(&t, t.n, RDHUP);
  SAYS(told(&t, t.n), RDHUP);
  duo_stop(&t.d);
}

static void edge(void **state) {
  (void)state;
  struct scene t;
  scene_start(&t);
  say(&t, 10);
  add(&t, t.n, IN | LA_EPOLLET);
  SAYS(told(&t, t.n), IN); /* what holds when it is added is told */
  SAYS(told(&t, t.n), 0);
  hear(&t, 5, 5);
  SAYS(told(&t, t.n), 0);
  say(&t, 1); /* each arrival is an edge, though bytes are left unread */
  SAYS(told(&t, t.n), IN);
  SAYS(told(&t, t.n), 0);
  say(&t, 1);
  say(&t, 1);
  SAYS(told(&t, t.n), IN); /* several are one */
  SAYS(told(&t, t.n), 0);
  hear(&t, 100, 8);
  hear(&t, 100, E(AGAIN));
  say(&t, 1);
  hear(&t, 100, 1);
  SAYS(told(&t, t.n), 0); /* the edge was there, the level is gone */
  mod(&t, t.n, IN | OUT | LA_EPOLLET);
  SAYS(told(&t, t.n), OUT);
  SAYS(told(&t, t.n), 0);
  SAYS(la_posix_shutdown(t.d.pa, t.c, LA_SHUT_WR), 0);
  duo_settle(&t.d);
  SAYS(told(&t, t.n), IN | OUT);
  mod(&t, t.n, IN | RDHUP | LA_EPOLLET);
  SAYS(told(&t, t.n), IN | RDHUP);
  SAYS(la_posix_shutdown(t.d.pb, t.n, LA_SHUT_WR), 0);
  SAYS(told(&t, t.n), IN | RDHUP | HUP); /* a shutdown of our own is an edge, too */
  duo_settle(&t.d);
  SAYS(told(&t, t.n), IN | RDHUP | HUP); /* and so is the end */
  SAYS(told(&t, t.n), 0);
  duo_stop(&t.d);
}

static void edge_of_accept_and_write(void **state) {
  (void)state;
  struct scene t;
  scene_start(&t);
  struct duo *d = &t.d;
  la_sockaddr to = sa4("10.0.0.2", 80);
  add(&t, t.s, IN | LA_EPOLLET);
  for (unsigned i = 0; i < 2; i++) { /* without an accept between them */
    int c = tcp_socket(d->pa);
    SAYS(la_posix_connect(d->pa, c, &to, NULL), E(INPROGRESS));
    duo_settle(d);
    SAYS(told(&t, t.s), IN);
    SAYS(told(&t, t.s), 0);
  }
  SAYS(la_posix_epoll_ctl(d->pb, t.ep, LA_EPOLL_CTL_DEL, t.s, NULL), 0);
  add(&t, t.n, OUT | LA_EPOLLET);
  SAYS(told(&t, t.n), OUT);
  static char b[300000];
  ptrdiff_t r = la_posix_send(d->pb, t.n, b, sizeof b, 0, NULL);
  assert_in_range(r, 1, sizeof b - 1);
  SAYS(la_posix_send(d->pb, t.n, b, sizeof b, 0, NULL), E(AGAIN));
  SAYS(told(&t, t.n), 0);
  for (unsigned i = 0; i < 100; i++) {
    duo_pass(d, 100 * LA_MS);
    la_posix_recv(d->pa, t.c, b, sizeof b, 0, NULL);
  }
  SAYS(told(&t, t.n), OUT);
  SAYS(told(&t, t.n), 0);
  duo_stop(d);
}

static void one_shot(void **state) {
  (void)state;
  struct scene t;
  scene_start(&t);
  add(&t, t.n, IN | LA_EPOLLONESHOT);
  say(&t, 1);
  SAYS(told(&t, t.n), IN);
  SAYS(told(&t, t.n), 0);
  say(&t, 1);
  SAYS(told(&t, t.n), 0);
  mod(&t, t.n, IN | LA_EPOLLONESHOT);
  SAYS(told(&t, t.n), IN);
  la_linger l = {1, 0};
  SAYS(la_posix_setsockopt(t.d.pa, t.c, LA_SOL_SOCKET, LA_SO_LINGER, &l, sizeof l), 0);
  SAYS(la_posix_close(t.d.pa, t.c, NULL), 0);
  duo_settle(&t.d);
  SAYS(told(&t, t.n), 0); /* mute, though it is dead */
  mod(&t, t.n, LA_EPOLLONESHOT);
  SAYS(told(&t, t.n), ERR | HUP);
  duo_stop(&t.d);
}

static void connecting(void **state) {
  (void)state;
  struct scene t;
  scene_start(&t);
  la_posix *p = t.d.pa;
  la_sockaddr to = sa4("10.0.0.2", 80), nobody = sa4("10.0.0.2", 81);
  int ep = la_posix_epoll_create(p, 0);
  for (unsigned i = 0; i < 4; i++) {
    la_epoll_event e;
    int c = tcp_socket(p);
    SAYS(la_posix_connect(p, c, i & 1 ? &nobody : &to, NULL), E(INPROGRESS));
    SAYS(la_posix_epoll_ctl(p, ep, LA_EPOLL_CTL_ADD, c, &(la_epoll_event){OUT | (i & 2 ? LA_EPOLLET : 0), 5}), 0);
    SAYS(la_posix_epoll_wait(p, ep, &e, 1, 0, NULL), 0);
    duo_settle(&t.d);
    SAYS(la_posix_epoll_wait(p, ep, &e, 1, 0, NULL), 1);
    SAYS(e.events, i & 1 ? OUT | ERR | HUP : OUT);
    SAYS(so_error(p, c), i & 1 ? LA_POSIX_ECONNREFUSED : 0);
    SAYS(la_posix_close(p, c, NULL), 0);
  }
  duo_stop(&t.d);
}

/* A copy is watched apart; a file leaves with its last descriptor. */
static void copies(void **state) {
  (void)state;
  struct scene t;
  scene_start(&t);
  la_posix *p = t.d.pb;
  la_epoll_event e[4];
  int copy = la_posix_dup(p, t.n);
  add(&t, t.n, IN);
  add(&t, copy, IN);
  say(&t, 1);
  SAYS(la_posix_epoll_wait(p, t.ep, e, 4, 0, NULL), 2);
  SAYS(la_posix_close(p, t.n, NULL), 0);
  SAYS(la_posix_epoll_wait(p, t.ep, e, 4, 0, NULL), 2); /* Linux's trap: the closed number is still told */
  SAYS(la_posix_close(p, copy, NULL), 0);
  SAYS(la_posix_epoll_wait(p, t.ep, e, 4, 0, NULL), 0);
  duo_stop(&t.d);
}

/* Everybody gets a turn when there is more than fits. */
static void turns(void **state) {
  (void)state;
  struct scene t;
  scene_start(&t);
  la_posix *p = t.d.pb;
  int fd[5], seen[64] = {0};
  for (unsigned i = 0; i < 5; i++) {
    fd[i] = tcp_socket(p);
    add(&t, fd[i], OUT);
  }
  for (unsigned i = 0; i < 5; i++) {
    la_epoll_event e[2];
    SAYS(la_posix_epoll_wait(p, t.ep, e, 2, 0, NULL), 2);
    SAYS(e[0].events, OUT | HUP);
    for (unsigned k = 0; k < 2; k++)
      seen[e[k].data - 1000]++;
  }
  for (unsigned i = 0; i < 5; i++)
    assert_int_equal(seen[fd[i]], 2);
  duo_stop(&t.d);
}

static void waiting(void **state) {
  (void)state;
  struct scene t;
  scene_start(&t);
  la_posix *p = t.d.pb;
  la_epoll_event e[2];
  la_posix_wait w = {0}, forever = {0};
  add(&t, t.n, IN);
  SAYS(la_posix_epoll_wait(p, t.ep, e, 2, 200, &w), LA_POSIX_BLOCKED);
  SAYS(la_posix_epoll_wait(p, t.ep, e, 2, -1, &forever), LA_POSIX_BLOCKED);
  assert_true(w.until == t.d.now + 200 * LA_MS);
  assert_true(forever.until == LA_NEVER);
  duo_pass(&t.d, 199 * LA_MS);
  assert_false(la_posix_due(p, &w));
  duo_pass(&t.d, LA_MS);
  assert_true(la_posix_due(p, &w));
  SAYS(la_posix_epoll_wait(p, t.ep, e, 2, 200, &w), 0);
  assert_false(la_posix_due(p, &forever));
  SAYS(la_posix_readiness(p, t.ep), 0);
  say(&t, 3);
  assert_true(la_posix_due(p, &forever));
  SAYS(la_posix_readiness(p, t.ep), LA_POLLIN | LA_POLLRDNORM); /* an instance can be polled itself */
  SAYS(la_posix_epoll_wait(p, t.ep, e, 2, -1, &forever), 1);
  forever = (la_posix_wait){0};
  hear(&t, 10, 3);
  SAYS(la_posix_epoll_wait(p, t.ep, e, 2, -1, &forever), LA_POSIX_BLOCKED);
  SAYS(la_posix_close(p, t.ep, NULL), 0);
  assert_true(la_posix_due(p, &forever));
  SAYS(la_posix_epoll_wait(p, t.ep, e, 2, -1, &forever), E(BADF));
  duo_stop(&t.d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(refusals), cmocka_unit_test(level),      cmocka_unit_test(edge),   cmocka_unit_test(edge_of_accept_and_write),
    cmocka_unit_test(one_shot), cmocka_unit_test(connecting), cmocka_unit_test(copies), cmocka_unit_test(turns),
    cmocka_unit_test(waiting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
