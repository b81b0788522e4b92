/* SPDX-License-Identifier: MIT */
/* Opening and closing by socket calls: every call in every state, with the errno that Linux gives. */
#include "tests/unit/posix_test.h"

static void socket_arguments(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  SAYS(la_posix_socket(d.pa, LA_AF_INET, LA_SOCK_STREAM, 0), 3);
  SAYS(la_posix_socket(d.pa, LA_AF_INET6, LA_SOCK_STREAM, LA_IPPROTO_TCP), 4);
  SAYS(la_posix_socket(d.pa, 1, LA_SOCK_STREAM, 0), E(AFNOSUPPORT));
  SAYS(la_posix_socket(d.pa, LA_AF_INET, 3, 0), E(SOCKTNOSUPPORT));
  SAYS(la_posix_socket(d.pa, LA_AF_INET, LA_SOCK_STREAM, LA_IPPROTO_UDP), E(PROTONOSUPPORT));
  SAYS(la_posix_socket(d.pa, LA_AF_INET, 0x70, 0), E(INVAL));
  SAYS(la_posix_socket(d.pa, LA_AF_INET, LA_SOCK_STREAM | LA_SOCK_NONBLOCK | LA_SOCK_CLOEXEC, 0), 5);
  SAYS(la_posix_fcntl(d.pa, 5, LA_F_GETFL, 0), LA_O_RDWR | LA_O_NONBLOCK);
  SAYS(la_posix_fcntl(d.pa, 5, LA_F_GETFD, 0), LA_FD_CLOEXEC);
  SAYS(la_posix_fcntl(d.pa, 3, LA_F_GETFL, 0), LA_O_RDWR);
  SAYS(la_posix_fcntl(d.pa, 3, LA_F_GETFD, 0), 0);
  duo_stop(&d);
}

static void descriptors(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  int on = 1;
  for (int i = 3; i < 40; i++)
    SAYS(tcp_socket(p), i);
  SAYS(la_posix_close(p, 7, NULL), 0);
  SAYS(la_posix_close(p, 5, NULL), 0);
  SAYS(la_posix_close(p, 5, NULL), E(BADF));
  SAYS(tcp_socket(p), 5); /* the lowest */
  SAYS(tcp_socket(p), 7);
  SAYS(tcp_socket(p), 40);
  SAYS(la_posix_dup(p, 9), 41);
  SAYS(la_posix_fcntl(p, 9, LA_F_DUPFD, 60), 60);
  SAYS(la_posix_fcntl(p, 9, LA_F_DUPFD_CLOEXEC, 0), 42);
  SAYS(la_posix_fcntl(p, 42, LA_F_GETFD, 0), LA_FD_CLOEXEC);
  SAYS(la_posix_fcntl(p, 42, LA_F_SETFD, 0), 0);
  SAYS(la_posix_fcntl(p, 42, LA_F_GETFD, 0), 0);
  SAYS(la_posix_fcntl(p, 9, LA_F_DUPFD, -1), E(INVAL));
  SAYS(la_posix_fcntl(p, 9, 77, 0), E(INVAL));
  SAYS(la_posix_fcntl(p, 999, LA_F_GETFL, 0), E(BADF));
  SAYS(la_posix_fcntl(p, 2, LA_F_GETFL, 0), E(BADF));
  SAYS(la_posix_fcntl(p, -1, LA_F_GETFL, 0), E(BADF));
  SAYS(la_posix_fcntl(p, 60, LA_F_SETFL, LA_O_NONBLOCK | LA_O_RDWR), 0); /* of the file, not of the descriptor */
  SAYS(la_posix_fcntl(p, 9, LA_F_GETFL, 0), LA_O_RDWR | LA_O_NONBLOCK);
  SAYS(la_posix_close(p, 9, NULL), 0);
  SAYS(la_posix_fcntl(p, 60, LA_F_GETFL, 0), LA_O_RDWR | LA_O_NONBLOCK);
  on = 0;
  SAYS(la_posix_ioctl(p, 60, LA_FIONBIO, &on), 0);
  SAYS(la_posix_fcntl(p, 41, LA_F_GETFL, 0), LA_O_RDWR);
  duo_stop(&d);
  struct node n;
  node_simple(&n, 1);
  p = la_posix_new(n.s, &(la_posix_opts){.size = sizeof(la_posix_opts), .first_fd = 10, .max_fds = 3});
  for (int i = 10; i < 13; i++)
    SAYS(tcp_socket(p), i);
  SAYS(la_posix_socket(p, LA_AF_INET, LA_SOCK_STREAM, 0), E(MFILE));
  SAYS(la_posix_epoll_create(p, 0), E(MFILE));
  la_posix_free(p);
  assert_null(la_posix_new(n.s, &(la_posix_opts){.size = 1}));
  node_free(&n);
}

/* Every call on what is not a descriptor, and on one that is not a socket. */
static void wrong_descriptors(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  int ep = la_posix_epoll_create(p, 0), v;
  la_sockaddr sa = sa4("10.0.0.1", 80);
  la_iovec iov = {&v, sizeof v};
  la_msghdr msg = {.iov = &iov, .iovlen = 1};
  const struct { int fd, sock, io; } rows[] = {{99, E(BADF), E(BADF)}, {ep, E(NOTSOCK), E(INVAL)}};
  for (unsigned i = 0; i < 2; i++) {
    int fd = rows[i].fd, want = rows[i].sock;
    uint32_t len = sizeof v;
    SAYS(la_posix_bind(p, fd, &sa), want);
    SAYS(la_posix_listen(p, fd, 1), want);
    SAYS(la_posix_accept(p, fd, &sa, NULL), want);
    SAYS(la_posix_connect(p, fd, &sa, NULL), want);
    SAYS(la_posix_shutdown(p, fd, LA_SHUT_WR), want);
    SAYS(la_posix_getsockname(p, fd, &sa), want);
    SAYS(la_posix_getpeername(p, fd, &sa), want);
    SAYS(la_posix_send(p, fd, &v, 1, 0, NULL), want);
    SAYS(la_posix_sendto(p, fd, &v, 1, 0, &sa, NULL), want);
    SAYS(la_posix_sendmsg(p, fd, &msg, 0, NULL), want);
    SAYS(la_posix_recv(p, fd, &v, 1, 0, NULL), want);
    SAYS(la_posix_recvfrom(p, fd, &v, 1, 0, &sa, NULL), want);
    SAYS(la_posix_recvmsg(p, fd, &msg, 0, NULL), want);
    SAYS(la_posix_setsockopt(p, fd, LA_SOL_SOCKET, LA_SO_KEEPALIVE, &v, sizeof v), want);
    SAYS(la_posix_getsockopt(p, fd, LA_SOL_SOCKET, LA_SO_KEEPALIVE, &v, &len), want);
    SAYS(la_posix_conn(p, fd, NULL, NULL), want);
    SAYS(la_posix_read(p, fd, &v, 1, NULL), rows[i].io);
    SAYS(la_posix_write(p, fd, &v, 1, NULL), rows[i].io);
    SAYS(la_posix_readv(p, fd, &iov, 1, NULL), rows[i].io);
    SAYS(la_posix_writev(p, fd, &iov, 1, NULL), rows[i].io);
  }
  SAYS(la_posix_ioctl(p, 99, LA_FIONREAD, &v), E(BADF));
  SAYS(la_posix_ioctl(p, ep, LA_FIONREAD, &v), E(NOTTY));
  SAYS(la_posix_readiness(p, 99), E(BADF));
  SAYS(la_posix_dup(p, 99), E(BADF));
  duo_stop(&d);
}

static void bind_rules(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  int s = tcp_socket(p), t = tcp_socket(p);
  la_sockaddr a = sa4("10.0.0.1", 80), any = sa4("0.0.0.0", 80), bad = sa4("10.0.0.9", 80), six = sa6("fd00::1", 80), got;
  SAYS(la_posix_getsockname(p, s, &got), 0);
  assert_true(got.family == LA_AF_INET && got.port == 0);
  SAYS(la_posix_bind(p, s, NULL), E(FAULT));
  SAYS(la_posix_bind(p, s, &bad), E(ADDRNOTAVAIL));
  SAYS(la_posix_bind(p, s, &six), E(AFNOSUPPORT));
  SAYS(la_posix_bind(p, s, &a), 0);
  SAYS(la_posix_getsockname(p, s, &got), 0);
  assert_true(sa_same(&got, &a));
  SAYS(la_posix_bind(p, s, &a), E(INVAL)); /* twice */
  SAYS(la_posix_bind(p, t, &a), E(ADDRINUSE));
  SAYS(la_posix_bind(p, t, &any), E(ADDRINUSE));
  SAYS(set_int(p, t, LA_SOL_SOCKET, LA_SO_REUSEADDR, 1), 0);
  SAYS(la_posix_bind(p, t, &any), E(ADDRINUSE)); /* both must have it */
  SAYS(set_int(p, s, LA_SOL_SOCKET, LA_SO_REUSEADDR, 1), 0);
  SAYS(la_posix_bind(p, t, &any), 0);
  SAYS(la_posix_listen(p, s, 1), 0);
  SAYS(la_posix_listen(p, t, 1), E(ADDRINUSE)); /* and only one listens */
  SAYS(la_posix_close(p, s, NULL), 0);
  SAYS(la_posix_listen(p, t, 1), 0);
  s = tcp_socket(p);
  SAYS(set_int(p, s, LA_SOL_SOCKET, LA_SO_REUSEADDR, 1), 0);
  SAYS(la_posix_bind(p, s, &a), E(ADDRINUSE));
  any.port = 0;
  SAYS(la_posix_bind(p, s, &any), 0); /* an ephemeral port */
  SAYS(la_posix_getsockname(p, s, &got), 0);
  assert_in_range(got.port, 32768, 60999);
  SAYS(la_posix_bind(p, s, &any), E(INVAL));
  any.family = LA_AF_UNSPEC;
  any.port = 81;
  s = tcp_socket(p);
  SAYS(la_posix_bind(p, s, &any), 0); /* Linux lets the wildcard pass without a family */
  duo_stop(&d);
}

static void bind_families(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  int s = la_posix_socket(p, LA_AF_INET6, LA_SOCK_STREAM, 0), t = tcp_socket(p), u = la_posix_socket(p, LA_AF_INET6, LA_SOCK_STREAM, 0);
  la_sockaddr any4 = sa4("0.0.0.0", 80), any6 = sa6("::", 80), mapped = sa6("::ffff:10.0.0.1", 81), local = sa6("fe80::1", 80), got;
  SAYS(la_posix_bind(p, s, &any4), E(AFNOSUPPORT));
  SAYS(la_posix_bind(p, s, &local), E(INVAL)); /* without a link it names nothing */
  SAYS(la_posix_bind(p, s, &any6), 0);
  SAYS(set_int(p, s, LA_SOL_IPV6, LA_IPV6_V6ONLY, 1), E(INVAL)); /* too late */
  SAYS(la_posix_bind(p, t, &any4), E(ADDRINUSE));
  SAYS(la_posix_close(p, s, NULL), 0);
  s = la_posix_socket(p, LA_AF_INET6, LA_SOCK_STREAM, 0);
  SAYS(set_int(p, s, LA_SOL_IPV6, LA_IPV6_V6ONLY, 1), 0);
  SAYS(la_posix_bind(p, s, &mapped), E(INVAL));
  SAYS(la_posix_bind(p, s, &any6), 0);
  SAYS(la_posix_bind(p, t, &any4), 0);
  SAYS(la_posix_bind(p, u, &mapped), 0);
  SAYS(la_posix_getsockname(p, u, &got), 0);
  assert_true(sa_same(&got, &mapped));
  duo_stop(&d);
}

static void listen_rules(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pb;
  int s = tcp_socket(p), c, peer;
  la_sockaddr got;
  SAYS(la_posix_accept(p, s, NULL, NULL), E(INVAL));
  SAYS(la_posix_listen(p, s, 5), 0); /* unbound: an ephemeral port */
  SAYS(la_posix_getsockname(p, s, &got), 0);
  assert_in_range(got.port, 32768, 60999);
  SAYS(get_int(p, s, LA_SOL_SOCKET, LA_SO_ACCEPTCONN), 1);
  SAYS(tcp_state(p, s), LA_TCP_LISTEN);
  SAYS(la_posix_listen(p, s, 0), 0); /* a new backlog */
  SAYS(la_posix_bind(p, s, &got), E(INVAL));
  SAYS(la_posix_connect(p, s, &got, NULL), E(ISCONN));
  SAYS(la_posix_getpeername(p, s, &got), E(NOTCONN));
  SAYS(la_posix_recv(p, s, &got, 1, 0, NULL), E(NOTCONN));
  SAYS(la_posix_send(p, s, &got, 1, 0, NULL), E(PIPE));
  SAYS(la_posix_accept4(p, s, NULL, 1, NULL), E(INVAL));
  SAYS(la_posix_accept(p, s, NULL, NULL), E(AGAIN));
  SAYS(la_posix_shutdown(p, s, LA_SHUT_WR), 0);
  SAYS(tcp_state(p, s), LA_TCP_LISTEN);
  SAYS(la_posix_shutdown(p, s, LA_SHUT_RD), 0); /* ends listening */
  SAYS(tcp_state(p, s), LA_TCP_CLOSE);
  SAYS(la_posix_accept(p, s, NULL, NULL), E(INVAL));
  SAYS(get_int(p, s, LA_SOL_SOCKET, LA_SO_ACCEPTCONN), 0);
  s = server(&d, 80);
  joined(&d, s, 80, &c, &peer);
  SAYS(la_posix_listen(p, peer, 1), E(INVAL));
  SAYS(la_posix_accept(p, peer, NULL, NULL), E(INVAL));
  SAYS(la_posix_listen(d.pa, c, 1), E(INVAL));
  duo_stop(&d);
}

/* Linux queues one connection more than the backlog says. */
static void backlog(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80);
  la_sockaddr to = sa4("10.0.0.2", 80);
  SAYS(la_posix_listen(d.pb, s, 1), 0);
  int fd[3];
  for (unsigned i = 0; i < 3; i++) {
    fd[i] = tcp_socket(d.pa);
    SAYS(la_posix_connect(d.pa, fd[i], &to, NULL), E(INPROGRESS));
    duo_settle(&d);
  }
  SAYS(tcp_state(d.pa, fd[1]), LA_TCP_ESTABLISHED);
  SAYS(tcp_state(d.pa, fd[2]), LA_TCP_SYN_SENT);
  la_tcp_info i;
  uint32_t len = sizeof i;
  SAYS(la_posix_getsockopt(d.pb, s, LA_SOL_TCP, LA_TCP_INFO, &i, &len), 0);
  assert_int_equal(i.tcpi_unacked, 2);
  assert_int_equal(i.tcpi_sacked, 1);
  duo_stop(&d);
}

static void accept_gives(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c = tcp_socket(d.pa);
  la_sockaddr to = sa4("10.0.0.2", 80), mine, his, got;
  set_nonblock(d.pb, s);
  SAYS(la_posix_connect(d.pa, c, &to, NULL), E(INPROGRESS));
  duo_settle(&d);
  int n = la_posix_accept(d.pb, s, &his, NULL);
  assert_true(n > s);
  SAYS(la_posix_fcntl(d.pb, n, LA_F_GETFL, 0), LA_O_RDWR); /* not inherited */
  SAYS(la_posix_getsockname(d.pa, c, &mine), 0);
  assert_true(sa_same(&his, &mine));
  SAYS(la_posix_getpeername(d.pb, n, &got), 0);
  assert_true(sa_same(&got, &mine));
  SAYS(la_posix_getsockname(d.pb, n, &got), 0);
  assert_true(sa_same(&got, &to));
  SAYS(la_posix_getpeername(d.pa, c, &got), 0);
  assert_true(sa_same(&got, &to));
  la_conn conn;
  la_listener l;
  SAYS(la_posix_conn(d.pb, n, &conn, &l), 0);
  assert_true(conn.gen != 0 && l.gen == 0);
  SAYS(la_posix_conn(d.pb, s, &conn, &l), 0);
  assert_true(conn.gen == 0 && l.gen != 0);
  duo_stop(&d);
}

/* A connection that was reset in the queue is given out all the same. */
static void accept_of_the_dead(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c = tcp_socket(d.pa);
  la_sockaddr to = sa4("10.0.0.2", 80), got;
  SAYS(la_posix_connect(d.pa, c, &to, NULL), E(INPROGRESS));
  duo_settle(&d);
  la_linger l = {1, 0};
  SAYS(la_posix_setsockopt(d.pa, c, LA_SOL_SOCKET, LA_SO_LINGER, &l, sizeof l), 0);
  SAYS(la_posix_close(d.pa, c, NULL), 0);
  duo_settle(&d);
  int n = la_posix_accept(d.pb, s, &got, NULL);
  assert_true(n >= 0);
  assert_int_not_equal(got.port, 0);
  SAYS(la_posix_getpeername(d.pb, n, &got), E(NOTCONN));
  SAYS(la_posix_recv(d.pb, n, &got, 1, 0, NULL), E(CONNRESET));
  SAYS(la_posix_recv(d.pb, n, &got, 1, 0, NULL), 0);
  SAYS(la_posix_send(d.pb, n, &got, 1, 0, NULL), E(PIPE));
  duo_stop(&d);
}

static void connect_nonblocking(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c = tcp_socket(d.pa);
  la_sockaddr to = sa4("10.0.0.2", 80), six = sa6("fd00::2", 80);
  set_nonblock(d.pa, c);
  SAYS(la_posix_connect(d.pa, c, NULL, NULL), E(FAULT));
  SAYS(la_posix_connect(d.pa, c, &six, NULL), E(AFNOSUPPORT));
  SAYS(la_posix_connect(d.pa, c, &to, NULL), E(INPROGRESS));
  SAYS(la_posix_connect(d.pa, c, &to, NULL), E(ALREADY));
  SAYS(la_posix_readiness(d.pa, c), 0);
  SAYS(la_posix_getpeername(d.pa, c, &six), E(NOTCONN));
  SAYS(la_posix_send(d.pa, c, &to, 1, 0, NULL), E(AGAIN));
  SAYS(la_posix_recv(d.pa, c, &to, 1, 0, NULL), E(AGAIN));
  duo_settle(&d);
  SAYS(so_error(d.pa, c), 0);
  SAYS(la_posix_connect(d.pa, c, &to, NULL), 0); /* once */
  SAYS(la_posix_connect(d.pa, c, &to, NULL), E(ISCONN));
  SAYS(la_posix_bind(d.pa, c, &to), E(ADDRNOTAVAIL)); /* as the address is looked at first */
  to = sa4("10.0.0.1", 9);
  SAYS(la_posix_bind(d.pa, c, &to), E(INVAL));
  (void)s;
  duo_stop(&d);
}

static void connect_refused(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  la_sockaddr to = sa4("10.0.0.2", 81), got;
  char b;
  int c = tcp_socket(p);
  SAYS(la_posix_connect(p, c, &to, NULL), E(INPROGRESS));
  duo_settle(&d);
  SAYS(la_posix_readiness(p, c), LA_POLLIN | LA_POLLRDNORM | LA_POLLOUT | LA_POLLWRNORM | LA_POLLERR | LA_POLLHUP | LA_POLLRDHUP);
  SAYS(la_posix_connect(p, c, &to, NULL), E(CONNREFUSED)); /* once; then it is new */
  SAYS(la_posix_recv(p, c, &b, 1, 0, NULL), E(NOTCONN));
  SAYS(la_posix_getsockname(p, c, &got), 0);
  assert_int_equal(got.port, 0);
  SAYS(la_posix_connect(p, c, &to, NULL), E(INPROGRESS));
  duo_settle(&d);
  SAYS(so_error(p, c), LA_POSIX_ECONNREFUSED);
  SAYS(so_error(p, c), 0);
  SAYS(la_posix_connect(p, c, &to, NULL), E(CONNABORTED)); /* SO_ERROR has taken the reason */
  SAYS(la_posix_connect(p, c, &to, NULL), E(INPROGRESS));
  duo_settle(&d);
  SAYS(la_posix_send(p, c, &b, 1, 0, NULL), E(CONNREFUSED));
  SAYS(la_posix_send(p, c, &b, 1, 0, NULL), E(PIPE));
  SAYS(la_posix_recv(p, c, &b, 1, 0, NULL), 0);
  SAYS(la_posix_shutdown(p, c, LA_SHUT_WR), E(NOTCONN));
  duo_stop(&d);
}

static void connect_nowhere(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  int c = tcp_socket(p), t;
  la_sockaddr far = sa4("192.0.2.1", 80), multi = sa4("224.0.0.1", 80), zero = sa4("10.0.0.2", 0), local = sa4("10.0.0.1", 5000);
  la_sockaddr to = sa4("10.0.0.2", 80);
  SAYS(la_posix_connect(p, c, &far, NULL), E(NETUNREACH));
  SAYS(la_posix_connect(p, c, &multi, NULL), E(NETUNREACH));
  SAYS(la_posix_connect(p, c, &zero, NULL), E(CONNREFUSED));
  SAYS(set_int(p, c, LA_SOL_SOCKET, LA_SO_REUSEADDR, 1), 0);
  SAYS(la_posix_bind(p, c, &local), 0);
  server(&d, 80);
  SAYS(la_posix_connect(p, c, &to, NULL), E(INPROGRESS));
  duo_settle(&d);
  la_sockaddr got;
  SAYS(la_posix_getsockname(p, c, &got), 0);
  assert_true(sa_same(&got, &local));
  t = tcp_socket(p);
  SAYS(set_int(p, t, LA_SOL_SOCKET, LA_SO_REUSEADDR, 1), 0);
  SAYS(la_posix_bind(p, t, &local), 0);
  SAYS(la_posix_connect(p, t, &to, NULL), E(ADDRNOTAVAIL)); /* the pair lives */
  duo_stop(&d);
}

static void connect_times_out(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_sockaddr to = sa4("10.0.0.2", 80);
  int c = tcp_socket(d.pa);
  la_posix_wait w = {0};
  d.cut = true;
  la_time start = d.now;
  SAYS(la_posix_connect(d.pa, c, &to, &w), LA_POSIX_BLOCKED);
  assert_int_equal(w.fd, c);
  assert_int_equal(w.events, LA_POLLOUT);
  assert_true(w.until == LA_NEVER);
  duo_pass(&d, 126 * LA_SEC);
  assert_false(la_posix_due(d.pa, &w));
  duo_pass(&d, 2 * LA_SEC);
  assert_true(la_posix_due(d.pa, &w));
  SAYS(la_posix_connect(d.pa, c, &to, &w), E(TIMEDOUT));
  la_timeval tv = {3, 0}; /* of SO_SNDTIMEO: the attempt goes on, the call does not */
  SAYS(la_posix_setsockopt(d.pa, c, LA_SOL_SOCKET, LA_SO_SNDTIMEO, &tv, sizeof tv), 0);
  w = (la_posix_wait){0};
  start = d.now;
  SAYS(la_posix_connect(d.pa, c, &to, &w), LA_POSIX_BLOCKED);
  assert_true(w.until == start + 3 * LA_SEC);
  duo_pass(&d, 2 * LA_SEC);
  assert_false(la_posix_due(d.pa, &w));
  SAYS(la_posix_connect(d.pa, c, &to, &w), LA_POSIX_BLOCKED);
  duo_pass(&d, LA_SEC);
  assert_true(la_posix_due(d.pa, &w));
  SAYS(la_posix_connect(d.pa, c, &to, &w), E(INPROGRESS));
  SAYS(tcp_state(d.pa, c), LA_TCP_SYN_SENT);
  duo_stop(&d);
}

static void connect_blocking(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_sockaddr to = sa4("10.0.0.2", 80);
  int s = server(&d, 80), c = tcp_socket(d.pa);
  la_posix_wait wc = {0}, wa = {0};
  SAYS(la_posix_accept(d.pb, s, NULL, &wa), LA_POSIX_BLOCKED);
  assert_int_equal(wa.events, LA_POLLIN);
  SAYS(la_posix_connect(d.pa, c, &to, &wc), LA_POSIX_BLOCKED);
  assert_false(la_posix_due(d.pa, &wc));
  assert_false(la_posix_due(d.pb, &wa));
  duo_settle(&d);
  assert_true(la_posix_due(d.pa, &wc));
  assert_true(la_posix_due(d.pb, &wa));
  SAYS(la_posix_connect(d.pa, c, &to, &wc), 0);
  int n = la_posix_accept(d.pb, s, NULL, &wa);
  assert_true(n > 0);
  wa = (la_posix_wait){0};
  la_timeval tv = {1, 500000};
  SAYS(la_posix_setsockopt(d.pb, s, LA_SOL_SOCKET, LA_SO_RCVTIMEO, &tv, sizeof tv), 0);
  SAYS(la_posix_accept(d.pb, s, NULL, &wa), LA_POSIX_BLOCKED);
  duo_pass(&d, 1500 * LA_MS);
  SAYS(la_posix_accept(d.pb, s, NULL, &wa), E(AGAIN));
  wa = (la_posix_wait){0};
  SAYS(la_posix_accept(d.pb, s, NULL, &wa), LA_POSIX_BLOCKED);
  SAYS(la_posix_close(d.pb, s, NULL), 0);
  assert_true(la_posix_due(d.pb, &wa));
  SAYS(la_posix_accept(d.pb, s, NULL, &wa), E(BADF));
  wa = (la_posix_wait){0};
  s = server(&d, 82);
  SAYS(la_posix_accept(d.pb, s, NULL, &wa), LA_POSIX_BLOCKED);
  SAYS(la_posix_close(d.pb, s, NULL), 0);
  SAYS(tcp_socket(d.pb), s); /* the number is another's now */
  SAYS(la_posix_accept(d.pb, s, NULL, &wa), E(BADF));
  duo_stop(&d);
}

static void disconnect(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_sockaddr none = {.family = LA_AF_UNSPEC}, to = sa4("10.0.0.2", 80), got;
  int s = server(&d, 80), c, n;
  char b;
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_connect(d.pa, c, &none, NULL), 0);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, &b, 1, 0, NULL), E(CONNRESET));
  SAYS(so_error(d.pa, c), LA_POSIX_ECONNRESET);
  SAYS(la_posix_getsockname(d.pa, c, &got), 0);
  assert_int_equal(got.port, 0);
  SAYS(la_posix_connect(d.pa, c, &to, NULL), E(INPROGRESS)); /* as good as new */
  duo_settle(&d);
  SAYS(la_posix_connect(d.pa, c, &to, NULL), 0);
  SAYS(la_posix_send(d.pa, c, "x", 1, 0, NULL), 1);
  c = tcp_socket(d.pa);
  SAYS(la_posix_connect(d.pa, c, &none, NULL), 0); /* nothing to undo */
  SAYS(so_error(d.pa, c), 0);
  duo_stop(&d);
}

/* shutdown in each state: result, and what the state is after it. */
static void shutdown_states(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  la_posix *p = d.pa;
  la_sockaddr to = sa4("10.0.0.2", 80);
  int s = server(&d, 80), c, n;
  char b[8];
  c = tcp_socket(p);
  SAYS(la_posix_shutdown(p, c, 3), E(INVAL));
  SAYS(la_posix_shutdown(p, c, -1), E(INVAL));
  SAYS(la_posix_shutdown(p, c, LA_SHUT_RDWR), E(NOTCONN));
  c = tcp_socket(p);
  SAYS(la_posix_connect(p, c, &to, NULL), E(INPROGRESS));
  SAYS(la_posix_shutdown(p, c, LA_SHUT_RD), 0); /* ends the attempt */
  SAYS(tcp_state(p, c), LA_TCP_CLOSE);
  SAYS(so_error(p, c), LA_POSIX_ECONNRESET);
  duo_settle(&d);
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_shutdown(p, c, LA_SHUT_WR), 0);
  SAYS(tcp_state(p, c), LA_TCP_FIN_WAIT1);
  SAYS(la_posix_shutdown(p, c, LA_SHUT_WR), 0);
  SAYS(la_posix_send(p, c, b, 1, 0, NULL), E(PIPE));
  duo_settle(&d);
  SAYS(tcp_state(p, c), LA_TCP_FIN_WAIT2);
  SAYS(tcp_state(d.pb, n), LA_TCP_CLOSE_WAIT);
  SAYS(la_posix_recv(d.pb, n, b, 8, 0, NULL), 0);
  SAYS(la_posix_recv(d.pb, n, b, 8, 0, NULL), 0);
  SAYS(la_posix_send(d.pb, n, "late", 4, 0, NULL), 4); /* the other half is open */
  duo_settle(&d);
  SAYS(la_posix_recv(p, c, b, 8, 0, NULL), 4);
  SAYS(la_posix_shutdown(d.pb, n, LA_SHUT_WR), 0);
  SAYS(tcp_state(d.pb, n), LA_TCP_LAST_ACK);
  duo_settle(&d);
  SAYS(la_posix_recv(p, c, b, 8, 0, NULL), 0);
  SAYS(tcp_state(p, c), LA_TCP_CLOSE); /* TIME-WAIT is the record's, no longer the socket's */
  SAYS(tcp_state(d.pb, n), LA_TCP_CLOSE);
  SAYS(la_posix_shutdown(p, c, LA_SHUT_WR), E(NOTCONN));
  SAYS(la_posix_send(p, c, b, 1, 0, NULL), E(PIPE));
  SAYS(la_posix_connect(p, c, &to, NULL), E(ISCONN));
  SAYS(la_posix_getpeername(p, c, &to), E(NOTCONN));
  SAYS(so_error(p, c), 0);
  duo_stop(&d);
}

static void shutdown_of_reading(void **state) {
  (void)state;
  struct duo d;
  duo_start(&d);
  int s = server(&d, 80), c, n;
  char b[8];
  joined(&d, s, 80, &c, &n);
  SAYS(la_posix_shutdown(d.pa, c, LA_SHUT_RD), 0);
  SAYS(la_posix_recv(d.pa, c, b, 8, 0, NULL), 0);
  SAYS(la_posix_send(d.pa, c, "up", 2, 0, NULL), 2);
  SAYS(la_posix_send(d.pb, n, "down", 4, 0, NULL), 4);
  duo_settle(&d);
  SAYS(la_posix_recv(d.pb, n, b, 8, 0, NULL), 2);
  SAYS(la_posix_recv(d.pa, c, b, 8, 0, NULL), 4); /* Linux still takes what comes */
  SAYS(la_posix_recv(d.pa, c, b, 8, 0, NULL), 0);
  duo_stop(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(socket_arguments),
    cmocka_unit_test(descriptors),
    cmocka_unit_test(wrong_descriptors),
    cmocka_unit_test(bind_rules),
    cmocka_unit_test(bind_families),
    cmocka_unit_test(listen_rules),
    cmocka_unit_test(backlog),
    cmocka_unit_test(accept_gives),
    cmocka_unit_test(accept_of_the_dead),
    cmocka_unit_test(connect_nonblocking),
    cmocka_unit_test(connect_refused),
    cmocka_unit_test(connect_nowhere),
    cmocka_unit_test(connect_times_out),
    cmocka_unit_test(connect_blocking),
    cmocka_unit_test(disconnect),
    cmocka_unit_test(shutdown_states),
    cmocka_unit_test(shutdown_of_reading),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
