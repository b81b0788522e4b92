/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* The constants of <lastack/posix.h> carry Linux's numbers, and its tcp_info has Linux's layout: held against the system's own headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifdef __linux__
#include <errno.h>
#include <fcntl.h>
#include <linux/in6.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <asm/socket.h>
#endif

#include <lastack/posix.h>

#ifdef __linux__
/* With 64-bit time on a 32-bit machine these names stand for other numbers, which no 64-bit machine knows. */
#ifdef SO_RCVTIMEO_OLD
#undef SO_RCVTIMEO
#undef SO_SNDTIMEO
#undef SO_TIMESTAMP
#define SO_RCVTIMEO SO_RCVTIMEO_OLD
#define SO_SNDTIMEO SO_SNDTIMEO_OLD
#define SO_TIMESTAMP SO_TIMESTAMP_OLD
#endif

#define SAME(name) \
  { #name, (long)LA_##name, (long)name }
#define ERRNO(name) \
  { #name, (long)LA_POSIX_##name, (long)name }
#define STATE(name) \
  { #name, (long)LA_##name, (long)name }

static const struct {
  const char *name;
  long ours, theirs;
} numbers[] = {
  ERRNO(ENOENT),
  ERRNO(EINTR),
  ERRNO(EBADF),
  ERRNO(EAGAIN),
  ERRNO(ENOMEM),
  ERRNO(EACCES),
  ERRNO(EFAULT),
  ERRNO(EEXIST),
  ERRNO(EINVAL),
  ERRNO(EMFILE),
  ERRNO(ENOTTY),
  ERRNO(EPIPE),
  ERRNO(EDOM),
  ERRNO(ELOOP),
  ERRNO(EPROTO),
  ERRNO(ENOTSOCK),
  ERRNO(EDESTADDRREQ),
  ERRNO(EMSGSIZE),
  ERRNO(EPROTOTYPE),
  ERRNO(ENOPROTOOPT),
  ERRNO(EPROTONOSUPPORT),
  ERRNO(ESOCKTNOSUPPORT),
  ERRNO(EOPNOTSUPP),
  ERRNO(EAFNOSUPPORT),
  ERRNO(EADDRINUSE),
  ERRNO(EADDRNOTAVAIL),
  ERRNO(ENETDOWN),
  ERRNO(ENETUNREACH),
  ERRNO(ECONNABORTED),
  ERRNO(ECONNRESET),
  ERRNO(ENOBUFS),
  ERRNO(EISCONN),
  ERRNO(ENOTCONN),
  ERRNO(ETIMEDOUT),
  ERRNO(ECONNREFUSED),
  ERRNO(EHOSTUNREACH),
  ERRNO(EALREADY),
  ERRNO(EINPROGRESS),
  SAME(AF_UNSPEC),
  SAME(AF_INET),
  SAME(AF_INET6),
  SAME(SOCK_STREAM),
  SAME(SOCK_DGRAM),
  SAME(SOCK_NONBLOCK),
  SAME(SOCK_CLOEXEC),
  SAME(IPPROTO_IP),
  SAME(IPPROTO_TCP),
  SAME(IPPROTO_UDP),
  SAME(IPPROTO_IPV6),
  SAME(SHUT_RD),
  SAME(SHUT_WR),
  SAME(SHUT_RDWR),
  SAME(MSG_OOB),
  SAME(MSG_PEEK),
  SAME(MSG_DONTROUTE),
  SAME(MSG_CTRUNC),
  SAME(MSG_TRUNC),
  SAME(MSG_DONTWAIT),
  SAME(MSG_EOR),
  SAME(MSG_WAITALL),
  SAME(MSG_ERRQUEUE),
  SAME(MSG_NOSIGNAL),
  SAME(MSG_MORE),
  SAME(MSG_ZEROCOPY),
  SAME(MSG_FASTOPEN),
  SAME(F_DUPFD),
  SAME(F_GETFD),
  SAME(F_SETFD),
  SAME(F_GETFL),
  SAME(F_SETFL),
  SAME(F_DUPFD_CLOEXEC),
  SAME(FD_CLOEXEC),
  SAME(O_RDWR),
  SAME(O_NONBLOCK),
  SAME(O_CLOEXEC),
  SAME(SIOCOUTQ),
  SAME(FIONREAD),
  SAME(SIOCINQ),
  SAME(FIONBIO),
  SAME(SIOCATMARK),
  SAME(SIOCOUTQNSD),
  SAME(POLLIN),
  SAME(POLLPRI),
  SAME(POLLOUT),
  SAME(POLLERR),
  SAME(POLLHUP),
  SAME(POLLNVAL),
  SAME(POLLRDNORM),
  SAME(POLLRDBAND),
  SAME(POLLWRNORM),
  SAME(POLLWRBAND),
  SAME(POLLRDHUP),
  SAME(EPOLLONESHOT),
  SAME(EPOLLET),
  SAME(EPOLLWAKEUP),
  SAME(EPOLLEXCLUSIVE),
  SAME(EPOLL_CTL_ADD),
  SAME(EPOLL_CTL_DEL),
  SAME(EPOLL_CTL_MOD),
  SAME(SOL_SOCKET),
  SAME(SOL_IP),
  SAME(SOL_IPV6),
  SAME(SO_DEBUG),
  SAME(SO_REUSEADDR),
  SAME(SO_TYPE),
  SAME(SO_ERROR),
  SAME(SO_DONTROUTE),
  SAME(SO_BROADCAST),
  SAME(SO_SNDBUF),
  SAME(SO_RCVBUF),
  SAME(SO_KEEPALIVE),
  SAME(SO_OOBINLINE),
  SAME(SO_PRIORITY),
  SAME(SO_LINGER),
  SAME(SO_REUSEPORT),
  SAME(SO_RCVLOWAT),
  SAME(SO_SNDLOWAT),
  SAME(SO_RCVTIMEO),
  SAME(SO_SNDTIMEO),
  SAME(SO_TIMESTAMP),
  SAME(SO_ACCEPTCONN),
  SAME(SO_SNDBUFFORCE),
  SAME(SO_RCVBUFFORCE),
  SAME(SO_MARK),
  SAME(SO_PROTOCOL),
  SAME(SO_DOMAIN),
  SAME(SO_ZEROCOPY),
  SAME(TCP_NODELAY),
  SAME(TCP_MAXSEG),
  SAME(TCP_CORK),
  SAME(TCP_KEEPIDLE),
  SAME(TCP_KEEPINTVL),
  SAME(TCP_KEEPCNT),
  SAME(TCP_SYNCNT),
  SAME(TCP_LINGER2),
  SAME(TCP_DEFER_ACCEPT),
  SAME(TCP_WINDOW_CLAMP),
  SAME(TCP_INFO),
  SAME(TCP_QUICKACK),
  SAME(TCP_CONGESTION),
  SAME(TCP_USER_TIMEOUT),
  SAME(TCP_FASTOPEN),
  SAME(TCP_TIMESTAMP),
  SAME(TCP_NOTSENT_LOWAT),
  SAME(TCP_INQ),
  SAME(IP_TOS),
  SAME(IP_TTL),
  SAME(IP_MTU_DISCOVER),
  SAME(IP_RECVERR),
  SAME(IP_RECVTOS),
  SAME(IP_MTU),
  SAME(IP_FREEBIND),
  SAME(IP_TRANSPARENT),
  SAME(IP_BIND_ADDRESS_NO_PORT),
  SAME(IPV6_UNICAST_HOPS),
  SAME(IPV6_MTU_DISCOVER),
  SAME(IPV6_MTU),
  SAME(IPV6_RECVERR),
  SAME(IPV6_V6ONLY),
  SAME(IPV6_RECVTCLASS),
  SAME(IPV6_TCLASS),
  {"TCP_CA_Loss", LA_TCP_CA_LOSS, TCP_CA_Loss},
  {"TCPI_OPT_ECN", LA_TCPI_OPT_ECN, TCPI_OPT_ECN},
  {"TCPI_OPT_WSCALE", LA_TCPI_OPT_WSCALE, TCPI_OPT_WSCALE},
};

#define FIELD(f) \
  { #f, offsetof(la_tcp_info, f), offsetof(struct tcp_info, f) }
static const struct {
  const char *name;
  size_t ours, theirs;
} fields[] = {
  FIELD(tcpi_state),         FIELD(tcpi_ca_state),      FIELD(tcpi_options),        FIELD(tcpi_rto),         FIELD(tcpi_snd_mss),
  FIELD(tcpi_unacked),       FIELD(tcpi_sacked),        FIELD(tcpi_last_data_sent), FIELD(tcpi_pmtu),        FIELD(tcpi_rtt),
  FIELD(tcpi_rttvar),        FIELD(tcpi_snd_ssthresh),  FIELD(tcpi_snd_cwnd),       FIELD(tcpi_advmss),      FIELD(tcpi_reordering),
  FIELD(tcpi_rcv_space),     FIELD(tcpi_total_retrans), FIELD(tcpi_pacing_rate),    FIELD(tcpi_bytes_acked), FIELD(tcpi_segs_out),
  FIELD(tcpi_notsent_bytes), FIELD(tcpi_min_rtt),       FIELD(tcpi_delivery_rate),  FIELD(tcpi_delivered),   FIELD(tcpi_bytes_sent),
  FIELD(tcpi_dsack_dups),    FIELD(tcpi_snd_wnd),
};

static void same_numbers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    if (numbers[i].ours != numbers[i].theirs)
      fail_msg("%s is %ld here, %ld in Linux", numbers[i].name, numbers[i].ours, numbers[i].theirs);
}

static void same_layout(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    if (fields[i].ours != fields[i].theirs)
      fail_msg("%s is at %zu here, at %zu in Linux", fields[i].name, fields[i].ours, fields[i].theirs);
  assert_int_equal(offsetof(la_tcp_info, tcpi_rcv_wnd), 232); /* from here on newer than some systems' headers */
  assert_int_equal(offsetof(la_tcp_info, tcpi_received_ce), 248);
  assert_int_equal(sizeof(la_tcp_info), 280);
}

static void names(void **state) {
  (void)state;
  assert_string_equal(la_posix_errno_name(EAGAIN), "EAGAIN");
  assert_string_equal(la_posix_errno_name(-EINPROGRESS), "EINPROGRESS");
  assert_string_equal(la_posix_errno_name(0), "EUNKNOWN");
  assert_string_equal(la_posix_errno_name(LA_POSIX_BLOCKED), "EUNKNOWN");
}
#endif

int main(void) {
#ifdef __linux__
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_numbers), cmocka_unit_test(same_layout), cmocka_unit_test(names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
#else
  return 77; /* skipped: there is nothing to hold them against */
#endif
}
