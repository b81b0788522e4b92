/* SPDX-License-Identifier: MIT */
/* Readiness as Linux's tcp_poll computes it, state by state, and poll itself. */
#include "tests/unit/posix_test.h"

enum {
  IN = LA_POLLIN | LA_POLLRDNORM,
  OUT = LA_POLLOUT | LA_POLLWRNORM,
  ERR = LA_POLLERR,
  HUP = LA_POLLHUP,
  RDHUP = LA_POLLRDHUP,
};

#define READY(p, fd, want) \
  do { \
    int ready_got = la_posix_readiness(p, fd); \
    if (ready_got != (int)(want)) \
      fail_msg("%s:%d: readiness %#x, not %#x", __FILE__, __LINE__, ready_got, (unsigned)(want)); \
  } while (0)

static void before_there_is_a_connection(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_sockaddr to = sa4("10.0.0.2", 80);
  int c = tcp_socket(d.pa), s = server(&d, 80);
  READY(d.pa, c, OUT | HUP); /* Linux's surprise */
  READY(d.pb, s, 0);
  SAYS(la_posix_shutdown(d.pa, c, LA_SHUT_RDWR), E(NOTCONN));
  READY(d.pa, c, IN | OUT | HUP | RDHUP);
  c = tcp_socket(d.pa);
  SAYS(la_posix_connect(d.pa, c, &to, NULL), E(INPROGRESS));
  READY(d.pa, c, 0);
  duo_settle(&d);
  READY(d.pa, c, OUT);
  READY(d.pb, s, IN);
  int n = la_posix_accept(d.pb, s, NULL, NULL);
  READY(d.pb, s, 0);
  READY(d.pb, n, OUT);
  duo_stop(&d);
}

static void of_a_connection(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  char b[100] = {0};
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_send(d.pa, c, b, 10, 0, NULL), 10);
  duo_settle(&d);
  READY(d.pb, n, IN | OUT);
  SAYS(la_posix_recv(d.pb, n, b, 4, 0, NULL), 4);
  READY(d.pb, n, IN | OUT);
  SAYS(la_posix_recv(d.pb, n, b, 100, 0, NULL), 6);
  READY(d.pb, n, OUT);
  SAYS(la_posix_shutdown(d.pa, c, LA_SHUT_WR), 0);
  READY(d.pa, c, OUT); /* a write would not block: it would fail */
  duo_settle(&d);
  READY(d.pa, c, OUT);
  READY(d.pb, n, IN | OUT | RDHUP);
  SAYS(la_posix_shutdown(d.pb, n, LA_SHUT_WR), 0);
  READY(d.pb, n, IN | OUT | RDHUP | HUP); /* both directions are shut */
  duo_settle(&d);
  READY(d.pa, c, IN | OUT | RDHUP | HUP);
  READY(d.pb, n, IN | OUT | RDHUP | HUP);
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_shutdown(d.pa, c, LA_SHUT_RD), 0);
  READY(d.pa, c, IN | OUT | RDHUP);
  duo_stop(&d);
}

static void of_the_dead(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  la_linger l = {1, 0};
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_setsockopt(d.pb, n, LA_SOL_SOCKET, LA_SO_LINGER, &l, sizeof l), 0);
  SAYS(la_posix_close(d.pb, n, NULL), 0);
  duo_settle(&d);
  READY(d.pa, c, IN | OUT | RDHUP | HUP | ERR);
  SAYS(so_error(d.pa, c), LA_POSIX_ECONNRESET);
  READY(d.pa, c, IN | OUT | RDHUP | HUP);
  duo_stop(&d);
}

static void small(la_config *c) {
  c->sndbuf = c->rcvbuf = 9000;
  c->send_pieces = 0; /* to the byte */
}

/* Writable again when a third of the buffer is free. */
static void room_to_write(void **state) {
  (void)state;
  struct duo d;
  duo_start_with(&d, small);
  int s = server(&d, 80), c, n;
  static char b[9000];
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_send(d.pa, c, b, 6000, 0, NULL), 6000);
  READY(d.pa, c, OUT);
  SAYS(la_posix_send(d.pa, c, b, 1, 0, NULL), 1);
  READY(d.pa, c, 0);
  SAYS(la_posix_send(d.pa, c, b, 9000, 0, NULL), 2999);
  duo_pass(&d, LA_SEC);
  READY(d.pa, c, OUT);
  duo_stop(&d);
}

static void the_call(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  int s = server(&d, 80), c, n;
  joined(&d, s, 80, &c, &n);
  la_pollfd f[4] = {{c, LA_POLLIN, -1}, {-1, LA_POLLIN, -1}, {77, LA_POLLIN, -1}, {c, LA_POLLOUT, -1}};
  SAYS(la_posix_poll(p, NULL, 1, 0, NULL), E(FAULT));
  SAYS(la_posix_poll(p, f, 1, 0, NULL), 0);
  SAYS(f[0].revents, 0);
  SAYS(la_posix_poll(p, f, 4, -1, NULL), 2);
  SAYS(f[0].revents, 0);
  SAYS(f[1].revents, 0);
  SAYS(f[2].revents, LA_POLLNVAL);
  SAYS(f[3].revents, LA_POLLOUT);
  la_posix_wait w = {0};
  SAYS(la_posix_poll(p, f, 1, 1000, &w), LA_POSIX_BLOCKED);
  assert_int_equal(w.fd, -1);
  assert_true(w.until == d.now + LA_SEC);
  duo_pass(&d, 999 * LA_MS);
  SAYS(la_posix_poll(p, f, 1, 1000, &w), LA_POSIX_BLOCKED);
  duo_pass(&d, LA_MS);
  SAYS(la_posix_poll(p, f, 1, 1000, &w), 0);
  w = (la_posix_wait){0};
  SAYS(la_posix_poll(p, f, 2, -1, &w), LA_POSIX_BLOCKED);
  assert_true(w.until == LA_NEVER);
  SAYS(la_posix_close(d.pb, n, NULL), 0);
  duo_settle(&d);
  SAYS(la_posix_poll(p, f, 2, -1, &w), 1);
  SAYS(f[0].revents, LA_POLLIN); /* RDHUP only to who asks for it */
  f[0].events = LA_POLLRDHUP;
  SAYS(la_posix_poll(p, f, 1, 0, NULL), 1);
  SAYS(f[0].revents, LA_POLLRDHUP);
  w = (la_posix_wait){0};
  SAYS(la_posix_poll(p, NULL, 0, 50, &w), LA_POSIX_BLOCKED); /* a sleep */
  duo_pass(&d, 50 * LA_MS);
  SAYS(la_posix_poll(p, NULL, 0, 50, &w), 0);
  c = tcp_socket(p);
  f[0] = (la_pollfd){c, 0, -1};
  SAYS(la_posix_poll(p, f, 1, 0, NULL), 1);
  SAYS(f[0].revents, LA_POLLHUP); /* told though not asked for */
  duo_stop(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(before_there_is_a_connection),
    cmocka_unit_test(of_a_connection),
    cmocka_unit_test(of_the_dead),
    cmocka_unit_test(room_to_write),
    cmocka_unit_test(the_call),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
