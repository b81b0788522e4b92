/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* SO_REUSEPORT: who may share a port, and who of those that do gets a connection or a datagram. */
#include "posix_test.h"

enum { SHARERS = 4, FLOWS = 64 };

static int sharer(la_posix *p, int type, bool share, const char *ip, int *result) {
  la_sockaddr any = sa4(ip, 80);
  int fd = la_posix_socket(p, LA_AF_INET, type | LA_SOCK_NONBLOCK, 0);
  assert_true(fd >= 0);
  SAYS(set_int(p, fd, LA_SOL_SOCKET, LA_SO_REUSEPORT, share), 0);
  *result = la_posix_bind(p, fd, &any);
  return fd;
}

/* All must have it, whatever the address; the same for both kinds. */
static void who_may(void **state) {
  (void)state;
  static const int types[] = {LA_SOCK_STREAM, LA_SOCK_DGRAM};
  for (unsigned i = 0; i < 2; i++)
    for (unsigned first = 0; first < 2; first++)
      for (unsigned second = 0; second < 2; second++)
        for (unsigned same = 0; same < 2; same++) {
          struct duo d;
          int r;
          duo_start(&d);
          int fd = sharer(d.pb, types[i], first, "0.0.0.0", &r);
          SAYS(r, 0);
          if (types[i] == LA_SOCK_STREAM)
            SAYS(la_posix_listen(d.pb, fd, 8), 0);
          fd = sharer(d.pb, types[i], second, same ? "0.0.0.0" : "10.0.0.2", &r);
          SAYS(r, first && second ? 0 : E(ADDRINUSE));
          if (r == 0 && types[i] == LA_SOCK_STREAM)
            SAYS(la_posix_listen(d.pb, fd, 8), 0);
          duo_stop(&d);
        }
}

/* Connections are spread; each pair stays with its listener while that is there, and only its own pairs move when it goes. */
static void listeners(void **state) {
  (void)state;
  struct duo d;
  int fd[SHARERS], r;
  uint8_t owner[2][FLOWS];
  unsigned count[SHARERS] = {0};
  duo_start(&d);
  for (unsigned i = 0; i < SHARERS; i++) {
    fd[i] = sharer(d.pb, LA_SOCK_STREAM, true, "0.0.0.0", &r);
    SAYS(r, 0);
    SAYS(la_posix_listen(d.pb, fd[i], 8), 0);
  }
  la_sockaddr to = sa4("10.0.0.2", 80);
  la_linger now = {1, 0};
  for (unsigned round = 0; round < 2; round++) {
    for (unsigned i = 0; i < FLOWS; i++) {
      int c = tcp_socket(d.pa), got = -1;
      la_sockaddr from = sa4("0.0.0.0", (uint16_t)(2000 + i));
      SAYS(la_posix_bind(d.pa, c, &from), 0);
      SAYS(la_posix_setsockopt(d.pa, c, LA_SOL_SOCKET, LA_SO_LINGER, &now, sizeof now), 0);
      set_nonblock(d.pa, c);
      SAYS(la_posix_connect(d.pa, c, &to, NULL), E(INPROGRESS));
      duo_settle(&d);
      for (unsigned k = 0; k < SHARERS; k++) {
        if (round && k == 1)
          continue;
        int n = la_posix_accept(d.pb, fd[k], NULL, NULL);
        if (n < 0)
          continue;
        assert_int_equal(got, -1);
        got = (int)k;
        SAYS(la_posix_close(d.pb, n, NULL), 0);
      }
      assert_true(got >= 0);
      owner[round][i] = (uint8_t)got;
      count[got] += !round;
      SAYS(la_posix_close(d.pa, c, NULL), 0);
      duo_settle(&d);
    }
    if (round == 0)
      SAYS(la_posix_close(d.pb, fd[1], NULL), 0);
  }
  for (unsigned k = 0; k < SHARERS; k++)
    assert_in_range(count[k], FLOWS / SHARERS / 3, FLOWS / 2);
  for (unsigned i = 0; i < FLOWS; i++)
    if (owner[0][i] != 1)
      assert_int_equal(owner[0][i], owner[1][i]);
  duo_stop(&d);
}

static void datagrams(void **state) {
  (void)state;
  struct duo d;
  int fd[SHARERS], r;
  char got;
  unsigned count[SHARERS] = {0};
  duo_start(&d);
  for (unsigned i = 0; i < SHARERS; i++) {
    fd[i] = sharer(d.pb, LA_SOCK_DGRAM, true, "0.0.0.0", &r);
    SAYS(r, 0);
  }
  la_sockaddr to = sa4("10.0.0.2", 80);
  for (unsigned i = 0; i < FLOWS; i++) {
    int c = la_posix_socket(d.pa, LA_AF_INET, LA_SOCK_DGRAM, 0);
    for (unsigned j = 0; j < 3; j++)
      SAYS(la_posix_sendto(d.pa, c, "x", 1, 0, &to, NULL), 1);
    duo_settle(&d);
    for (unsigned k = 0; k < SHARERS; k++)
      if (la_posix_recv(d.pb, fd[k], &got, 1, 0, NULL) == 1) {
        count[k]++;
        SAYS(la_posix_recv(d.pb, fd[k], &got, 1, 0, NULL), 1); /* all of a flow goes to one */
        SAYS(la_posix_recv(d.pb, fd[k], &got, 1, 0, NULL), 1);
      }
    SAYS(la_posix_close(d.pa, c, NULL), 0);
  }
  unsigned all = 0;
  for (unsigned k = 0; k < SHARERS; k++) {
    assert_in_range(count[k], FLOWS / SHARERS / 3, FLOWS / 2);
    all += count[k];
  }
  assert_int_equal(all, FLOWS);
  duo_stop(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(who_may), cmocka_unit_test(listeners), cmocka_unit_test(datagrams)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
