/* SPDX-License-Identifier: MIT */
/* Names of scripts: Linux's numbers, as this system's own headers have them. */
#include "drill/run.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

static void numbers(void **state) {
  (void)state;
/* With 64-bit time on a 32-bit machine this name stands for another number, one that no 64-bit machine knows. */
#ifdef SO_RCVTIMEO_OLD
#undef SO_RCVTIMEO
#define SO_RCVTIMEO SO_RCVTIMEO_OLD
#endif

#define ROW(name) \
  { #name, (int64_t)(name) }
  static const struct {
    const char *name;
    int64_t value;
  } rows[] = {
    ROW(AF_INET),      ROW(AF_INET6),      ROW(SOCK_STREAM),      ROW(SOCK_DGRAM),     ROW(IPPROTO_TCP),  ROW(IPPROTO_UDP),
    ROW(SOL_SOCKET),   ROW(SOL_TCP),       ROW(SO_REUSEADDR),     ROW(SO_LINGER),      ROW(SO_RCVTIMEO),  ROW(SO_SNDBUF),
    ROW(TCP_NODELAY),  ROW(TCP_CORK),      ROW(TCP_USER_TIMEOUT), ROW(TCP_CONGESTION), ROW(TCP_KEEPIDLE), ROW(TCP_INFO),
    ROW(MSG_PEEK),     ROW(MSG_DONTWAIT),  ROW(MSG_MORE),         ROW(MSG_WAITALL),    ROW(MSG_NOSIGNAL), ROW(MSG_OOB),
    ROW(POLLIN),       ROW(POLLOUT),       ROW(POLLHUP),          ROW(POLLERR),        ROW(EPOLLIN),      ROW(EPOLLET),
    ROW(EPOLLONESHOT), ROW(EPOLL_CTL_ADD), ROW(EPOLL_CTL_MOD),    ROW(FIONREAD),       ROW(IP_TOS),       ROW(IPV6_V6ONLY),
    ROW(SHUT_RD),      ROW(SHUT_WR),       ROW(SHUT_RDWR),        ROW(ECONNRESET),     ROW(ETIMEDOUT),    ROW(F_GETFL),
  };
#undef ROW
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t v = -1;
    if (!la__symbol(rows[i].name, &v) || v != rows[i].value)
      fail_msg("%s is %lld, not %lld", rows[i].name, (long long)v, (long long)rows[i].value);
  }
}

static void freebsd(void **state) {
  (void)state;
  int64_t a, b;
  assert_true(la__symbol("TCP_NOPUSH", &a) && la__symbol("TCP_CORK", &b));
  assert_int_equal(a, b);
  assert_true(la__symbol("TCP_KEEPINIT", &a));
}

static void unknown(void **state) {
  (void)state;
  int64_t v = 77;
  assert_false(la__symbol("TCP_NONSENSE", &v));
  assert_false(la__symbol("", &v));
  assert_false(la__symbol("EUNKNOWN", &v)); /* what an errno without a name is called is no name */
  assert_int_equal(v, 77);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(freebsd), cmocka_unit_test(unknown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
