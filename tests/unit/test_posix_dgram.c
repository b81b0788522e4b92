/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* Datagram sockets: names, whole datagrams or none, who hears what, errors from ICMP, readiness, as on Linux. */
#include "posix_test.h"

static char got[4096], big[65600];

static int udp_socket(la_posix *p, int family) {
  int fd = la_posix_socket(p, family, LA_SOCK_DGRAM | LA_SOCK_NONBLOCK, 0);
  assert_true(fd >= 0);
  return fd;
}
static int udp_bound(la_posix *p, uint16_t port) {
  la_sockaddr any = sa4("0.0.0.0", port);
  int fd = udp_socket(p, LA_AF_INET);
  SAYS(la_posix_bind(p, fd, &any), 0);
  return fd;
}
static int ready(la_posix *p, int fd) {
  return la_posix_readiness(p, fd) & (LA_POLLIN | LA_POLLOUT | LA_POLLERR | LA_POLLHUP | LA_POLLRDHUP);
}

/* Each datagram is whole, with its sender's name; what does not fit is lost, and told. */
static void there_and_back(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int a = udp_socket(d.pa, LA_AF_INET), b = udp_bound(d.pb, 53);
  la_sockaddr to = sa4("10.0.0.2", 53), from, mine;
  SAYS(get_int(d.pa, a, LA_SOL_SOCKET, LA_SO_TYPE), LA_SOCK_DGRAM);
  SAYS(get_int(d.pa, a, LA_SOL_SOCKET, LA_SO_PROTOCOL), LA_IPPROTO_UDP);
  SAYS(ready(d.pb, b), LA_POLLOUT);
  SAYS(la_posix_send(d.pa, a, "x", 1, 0, NULL), E(DESTADDRREQ));
  SAYS(la_posix_sendto(d.pa, a, "hello", 5, 0, &to, NULL), 5);
  SAYS(la_posix_getsockname(d.pa, a, &mine), 0);
  assert_true(mine.port >= 32768);
  la_iovec v[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
  la_msghdr m = {.name = &to, .iov = v, .iovlen = 3};
  SAYS(la_posix_sendmsg(d.pa, a, &m, 0, NULL), 5);
  SAYS(la_posix_sendto(d.pa, a, NULL, 0, 0, &to, NULL), 0); /* an empty one is one too */
  duo_settle(&d);
  SAYS(ready(d.pb, b), LA_POLLIN | LA_POLLOUT);
  int n = -1;
  SAYS(la_posix_ioctl(d.pb, b, LA_FIONREAD, &n), 0);
  assert_int_equal(n, 5);
  SAYS(la_posix_recv(d.pb, b, got, 2, LA_MSG_PEEK | LA_MSG_TRUNC, NULL), 5);
  SAYS(la_posix_recvfrom(d.pb, b, got, 100, 0, &from, NULL), 5);
  assert_memory_equal(got, "hello", 5);
  la_sockaddr want = sa4("10.0.0.1", mine.port);
  assert_true(sa_same(&from, &want));
  la_iovec r[2] = {{got, 1}, {got + 10, 2}};
  m = (la_msghdr){.name = &from, .iov = r, .iovlen = 2};
  SAYS(la_posix_recvmsg(d.pb, b, &m, 0, NULL), 3);
  assert_int_equal(m.flags, LA_MSG_TRUNC);
  assert_memory_equal(got, "a", 1);
  assert_memory_equal(got + 10, "bc", 2);
  SAYS(la_posix_recv(d.pb, b, got, 100, 0, NULL), 0);
  SAYS(la_posix_recv(d.pb, b, got, 100, 0, NULL), E(AGAIN));
  SAYS(la_posix_sendto(d.pb, b, "back", 4, 0, &want, NULL), 4);
  duo_settle(&d);
  SAYS(la_posix_read(d.pa, a, got, 100, NULL), 4);
  duo_stop(&d);
}

/* Connected: one peer is heard, and a name may be left out; but datagrams may be sent elsewhere. Dissolved, all is as before. */
static void connected(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int a = udp_socket(d.pa, LA_AF_INET), b = udp_bound(d.pb, 53), other = udp_bound(d.pb, 54);
  la_sockaddr to = sa4("10.0.0.2", 53), to2 = sa4("10.0.0.2", 54), mine, peer, none = {.family = LA_AF_UNSPEC};
  SAYS(la_posix_getpeername(d.pa, a, &peer), E(NOTCONN));
  SAYS(la_posix_connect(d.pa, a, &to, NULL), 0);
  SAYS(la_posix_getpeername(d.pa, a, &peer), 0);
  assert_true(sa_same(&peer, &to));
  SAYS(la_posix_getsockname(d.pa, a, &mine), 0);
  la_sockaddr want = sa4("10.0.0.1", mine.port);
  assert_true(sa_same(&mine, &want));
  SAYS(get_int(d.pa, a, LA_SOL_IP, LA_IP_MTU), 1500);
  SAYS(la_posix_send(d.pa, a, "x", 1, 0, NULL), 1);
  SAYS(la_posix_sendto(d.pa, a, "yy", 2, 0, &to2, NULL), 2);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, b, got, 9, 0, NULL), 1);
  SAYS(la_posix_recv(d.pb, other, got, 9, 0, NULL), 2);
  SAYS(la_posix_sendto(d.pb, other, "no", 2, 0, &want, NULL), 2);
  SAYS(la_posix_sendto(d.pb, b, "yes", 3, 0, &want, NULL), 3);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pa, a, got, 9, 0, NULL), 3);
  SAYS(la_posix_recv(d.pa, a, got, 9, 0, NULL), E(AGAIN));
  SAYS(la_posix_connect(d.pa, a, &to2, NULL), 0); /* again, elsewhere; the port stays */
  SAYS(la_posix_sendto(d.pb, other, "now", 3, 0, &want, NULL), 3);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pa, a, got, 9, 0, NULL), 3);
  SAYS(la_posix_connect(d.pa, a, &none, NULL), 0);
  SAYS(la_posix_getpeername(d.pa, a, &peer), E(NOTCONN));
  SAYS(la_posix_send(d.pa, a, "x", 1, 0, NULL), E(DESTADDRREQ));
  SAYS(la_posix_connect(d.pb, b, &none, NULL), 0); /* bound by the application: it keeps its port */
  SAYS(la_posix_getsockname(d.pb, b, &mine), 0);
  assert_int_equal(mine.port, 53);
  duo_stop(&d);
}

/* Nobody is there: told once to a connected socket, by whatever call comes next; to any other only with IP_RECVERR. */
static void refused(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int a = udp_socket(d.pa, LA_AF_INET), b = udp_socket(d.pa, LA_AF_INET);
  la_sockaddr nobody = sa4("10.0.0.2", 9);
  SAYS(la_posix_connect(d.pa, a, &nobody, NULL), 0);
  for (unsigned i = 0; i < 3; i++) {
    SAYS(la_posix_send(d.pa, a, "x", 1, 0, NULL), 1);
    duo_settle(&d);
    SAYS(ready(d.pa, a), LA_POLLERR | LA_POLLOUT);
    if (i == 0)
      SAYS(la_posix_recv(d.pa, a, got, 9, 0, NULL), E(CONNREFUSED));
    else if (i == 1)
      SAYS(la_posix_send(d.pa, a, "x", 1, 0, NULL), E(CONNREFUSED));
    else
      SAYS(so_error(d.pa, a), LA_POSIX_ECONNREFUSED);
    SAYS(ready(d.pa, a), LA_POLLOUT);
  }
  for (unsigned on = 0; on < 2; on++) {
    SAYS(set_int(d.pa, b, LA_SOL_IP, LA_IP_RECVERR, (int)on), 0);
    SAYS(la_posix_sendto(d.pa, b, "x", 1, 0, &nobody, NULL), 1);
    duo_settle(&d);
    SAYS(so_error(d.pa, b), on ? LA_POSIX_ECONNREFUSED : 0);
  }
  duo_stop(&d);
}

static void bad_calls(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int a = udp_bound(d.pa, 53), v = 0;
  la_sockaddr to = sa4("10.0.0.2", 53), all = sa4("255.255.255.255", 53), six = sa6("fd00::2", 53), any = sa4("0.0.0.0", 53);
  SAYS(la_posix_socket(d.pa, LA_AF_INET, LA_SOCK_DGRAM, LA_IPPROTO_TCP), E(PROTONOSUPPORT));
  SAYS(la_posix_listen(d.pa, a, 1), E(OPNOTSUPP));
  SAYS(la_posix_accept(d.pa, a, NULL, NULL), E(OPNOTSUPP));
  SAYS(la_posix_bind(d.pa, a, &to), E(ADDRNOTAVAIL));
  SAYS(la_posix_bind(d.pa, a, &any), E(INVAL));
  int b = udp_socket(d.pa, LA_AF_INET);
  SAYS(la_posix_bind(d.pa, b, &any), E(ADDRINUSE));
  SAYS(la_posix_sendto(d.pa, a, "x", 1, LA_MSG_OOB, &to, NULL), E(OPNOTSUPP));
  SAYS(la_posix_sendto(d.pa, a, "x", 1, 0, &six, NULL), E(AFNOSUPPORT));
  SAYS(la_posix_sendto(d.pa, a, "x", 1, 0, &all, NULL), E(ACCES));
  to.port = 0;
  SAYS(la_posix_sendto(d.pa, a, "x", 1, 0, &to, NULL), E(INVAL));
  to.port = 53;
  SAYS(la_posix_sendto(d.pa, a, big, 65536, 0, &to, NULL), E(MSGSIZE));
  SAYS(la_posix_sendto(d.pa, a, big, 1473, 0, &to, NULL), E(MSGSIZE)); /* nothing is fragmented */
  SAYS(la_posix_sendto(d.pa, a, NULL, 1, 0, &to, NULL), E(FAULT));
  SAYS(la_posix_recv(d.pa, a, got, 1, LA_MSG_OOB, NULL), E(OPNOTSUPP));
  SAYS(la_posix_recv(d.pa, a, got, 1, LA_MSG_ERRQUEUE, NULL), E(AGAIN));
  SAYS(set_int(d.pa, a, LA_SOL_TCP, LA_TCP_NODELAY, 1), E(NOPROTOOPT));
  SAYS(get_int(d.pa, a, LA_SOL_TCP, LA_TCP_INFO), E(NOPROTOOPT));
  SAYS(get_int(d.pa, a, LA_SOL_IP, LA_IP_MTU), E(NOTCONN));
  SAYS(la_posix_ioctl(d.pa, a, LA_SIOCATMARK, &v), E(NOTTY));
  duo_stop(&d);
}

/* Blocking, and both directions shut. */
static void waiting_and_shut(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int a = udp_socket(d.pa, LA_AF_INET), b = udp_bound(d.pb, 53);
  la_sockaddr to = sa4("10.0.0.2", 53), mine;
  la_posix_wait w = {0};
  SAYS(la_posix_shutdown(d.pa, a, LA_SHUT_RD), E(NOTCONN));
  SAYS(la_posix_close(d.pa, a, NULL), 0);
  a = udp_socket(d.pa, LA_AF_INET);
  SAYS(la_posix_connect(d.pa, a, &to, NULL), 0);
  SAYS(la_posix_fcntl(d.pb, b, LA_F_SETFL, 0), 0);
  SAYS(la_posix_recv(d.pb, b, got, 9, 0, &w), LA_POSIX_BLOCKED);
  assert_false(la_posix_due(d.pb, &w));
  SAYS(la_posix_send(d.pa, a, "abc", 3, 0, NULL), 3);
  duo_settle(&d);
  assert_true(la_posix_due(d.pb, &w));
  SAYS(la_posix_recv(d.pb, b, got, 9, 0, &w), 3);
  SAYS(la_posix_getsockname(d.pa, a, &mine), 0);
  SAYS(la_posix_shutdown(d.pa, a, LA_SHUT_WR), 0);
  SAYS(la_posix_send(d.pa, a, "x", 1, 0, NULL), E(PIPE));
  SAYS(la_posix_shutdown(d.pa, a, LA_SHUT_RD), 0);
  SAYS(ready(d.pa, a), LA_POLLIN | LA_POLLOUT | LA_POLLHUP | LA_POLLRDHUP);
  SAYS(la_posix_recv(d.pa, a, got, 9, 0, NULL), E(AGAIN)); /* Linux: who does not wait is not told */
  w = (la_posix_wait){0};
  SAYS(la_posix_fcntl(d.pa, a, LA_F_SETFL, 0), 0);
  SAYS(la_posix_recv(d.pa, a, got, 9, 0, &w), 0);
  duo_stop(&d);
}

/* epoll hears of every arrival; the second family through one socket, by mapped names. */
static void edges_and_families(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int a = udp_socket(d.pa, LA_AF_INET), a6 = udp_socket(d.pa, LA_AF_INET6), b = udp_socket(d.pb, LA_AF_INET6);
  la_sockaddr any = sa6("::", 53), to = sa4("10.0.0.2", 53), to6 = sa6("fd00::2", 53), from;
  SAYS(la_posix_bind(d.pb, b, &any), 0);
  int ep = la_posix_epoll_create(d.pb, 0);
  la_epoll_event e = {LA_POLLIN | LA_EPOLLET, 5}, out;
  SAYS(la_posix_epoll_ctl(d.pb, ep, LA_EPOLL_CTL_ADD, b, &e), 0);
  for (unsigned i = 0; i < 4; i++) {
    SAYS(la_posix_sendto(d.pa, i % 2 ? a6 : a, "x", 1, 0, i % 2 ? &to6 : &to, NULL), 1);
    duo_settle(&d);
    SAYS(la_posix_epoll_wait(d.pb, ep, &out, 1, 0, NULL), 1);
    SAYS(la_posix_epoll_wait(d.pb, ep, &out, 1, 0, NULL), 0);
  }
  static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1};
  SAYS(la_posix_recvfrom(d.pb, b, got, 9, 0, &from, NULL), 1);
  assert_int_equal(from.family, LA_AF_INET6);
  assert_memory_equal(from.addr.b, mapped, 16);
  SAYS(la_posix_sendto(d.pb, b, "4", 1, 0, &from, NULL), 1);
  SAYS(la_posix_recvfrom(d.pb, b, got, 9, 0, &from, NULL), 1);
  SAYS(la_posix_sendto(d.pb, b, "6", 1, 0, &from, NULL), 1);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pa, a, got, 9, 0, NULL), 1);
  assert_int_equal(got[0], '4');
  SAYS(la_posix_recv(d.pa, a6, got, 9, 0, NULL), 1);
  assert_int_equal(got[0], '6');
  duo_stop(&d);
}

/* TTL and traffic class of what goes out. */
static void marks(void **state) {
  (void)state;
  struct duo d;
  struct pkt p;
  duo_start(&d);
  int a = udp_socket(d.pa, LA_AF_INET);
  la_sockaddr to = sa4("10.0.0.2", 53);
  for (unsigned i = 0; i < 2; i++) {
    SAYS(la_posix_sendto(d.pa, a, "x", 1, 0, &to, NULL), 1);
    assert_true(pkt_out(&d.a, 1, &p, d.now));
    struct ip_hdr h = pkt_check(&p);
    assert_int_equal(h.ttl, i ? 3 : 64);
    assert_int_equal(h.tos, i ? 0xb9 : 0);
    SAYS(set_int(d.pa, a, LA_SOL_IP, LA_IP_TTL, 3), 0);
    SAYS(set_int(d.pa, a, LA_SOL_IP, LA_IP_TOS, 0xb9), 0);
  }
  duo_stop(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(there_and_back),   cmocka_unit_test(connected),          cmocka_unit_test(refused), cmocka_unit_test(bad_calls),
    cmocka_unit_test(waiting_and_shut), cmocka_unit_test(edges_and_families), cmocka_unit_test(marks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
