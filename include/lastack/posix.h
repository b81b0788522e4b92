/* SPDX-License-Identifier: MIT */
/*
 * The socket calls of POSIX over one stack: descriptors, errno, options, poll and epoll, with Linux's behaviour where POSIX leaves
 * room. No system call is made and nothing sleeps. Constants carry Linux's numbers, whatever system this is built for, so that a shim
 * can pass them through and a trace prints alike.
 *
 * Results: >= 0 as the call's manual says, or a negative errno (-LA_POSIX_EAGAIN), or LA_POSIX_BLOCKED.
 *
 * Time. The layer's owner runs the loop of stack.h, with la_posix_turn in the place of la_events: the layer takes every event of the
 * stack. Calls happen at the instant given to the last la_posix_turn.
 *
 * Blocking. A call on a blocking descriptor that cannot finish returns LA_POSIX_BLOCKED and has written into its la_posix_wait what it
 * waits for. Whoever called lets time pass (a thread sleeps, a simulator jumps) and makes the same call again, with the same
 * arguments and the same la_posix_wait, after any later la_posix_turn for which la_posix_due says so, until it returns something else.
 * The progress of a call (bytes that a write has queued, the end of a time-out) is kept in the la_posix_wait, which must be zeroed
 * before a call is made for the first time; to give a call up, forget it. A NULL la_posix_wait makes any call behave as with
 * O_NONBLOCK. Any number of calls may wait at once, on one descriptor too.
 *
 * SIGPIPE does not exist here: -LA_POSIX_EPIPE alone is returned; a shim raises the signal unless MSG_NOSIGNAL was given.
 */
#ifndef LASTACK_POSIX_H
#define LASTACK_POSIX_H

#include <lastack/stack.h>
#include <lastack/tcp.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct la_posix la_posix;

#define LA_POSIX_BLOCKED (-4096) /* below every errno */

enum la_posix_errno {
  LA_POSIX_ENOENT = 2,
  LA_POSIX_EINTR = 4,
  LA_POSIX_EBADF = 9,
  LA_POSIX_EAGAIN = 11,
  LA_POSIX_ENOMEM = 12,
  LA_POSIX_EACCES = 13,
  LA_POSIX_EFAULT = 14,
  LA_POSIX_EEXIST = 17,
  LA_POSIX_EINVAL = 22,
  LA_POSIX_EMFILE = 24,
  LA_POSIX_ENOTTY = 25,
  LA_POSIX_EPIPE = 32,
  LA_POSIX_EDOM = 33,
  LA_POSIX_ELOOP = 40,
  LA_POSIX_EPROTO = 71,
  LA_POSIX_ENOTSOCK = 88,
  LA_POSIX_EDESTADDRREQ = 89,
  LA_POSIX_EMSGSIZE = 90,
  LA_POSIX_EPROTOTYPE = 91,
  LA_POSIX_ENOPROTOOPT = 92,
  LA_POSIX_EPROTONOSUPPORT = 93,
  LA_POSIX_ESOCKTNOSUPPORT = 94,
  LA_POSIX_EOPNOTSUPP = 95,
  LA_POSIX_EAFNOSUPPORT = 97,
  LA_POSIX_EADDRINUSE = 98,
  LA_POSIX_EADDRNOTAVAIL = 99,
  LA_POSIX_ENETDOWN = 100,
  LA_POSIX_ENETUNREACH = 101,
  LA_POSIX_ECONNABORTED = 103,
  LA_POSIX_ECONNRESET = 104,
  LA_POSIX_ENOBUFS = 105,
  LA_POSIX_EISCONN = 106,
  LA_POSIX_ENOTCONN = 107,
  LA_POSIX_ETIMEDOUT = 110,
  LA_POSIX_ECONNREFUSED = 111,
  LA_POSIX_EHOSTUNREACH = 113,
  LA_POSIX_EALREADY = 114,
  LA_POSIX_EINPROGRESS = 115
};
/* "EAGAIN" for 11 and for -11; "EUNKNOWN" for a number that is not in the list. Static storage. */
const char *la_posix_errno_name(int err);

/* Families, types, protocols. */
enum { LA_AF_UNSPEC = 0, LA_AF_INET = 2, LA_AF_INET6 = 10 };
enum { LA_SOCK_STREAM = 1, LA_SOCK_DGRAM = 2, LA_SOCK_NONBLOCK = 04000, LA_SOCK_CLOEXEC = 02000000 };
enum { LA_IPPROTO_IP = 0, LA_IPPROTO_TCP = 6, LA_IPPROTO_UDP = 17, LA_IPPROTO_IPV6 = 41 };
enum { LA_SHUT_RD = 0, LA_SHUT_WR = 1, LA_SHUT_RDWR = 2 };

/* An address with its port. LA_AF_INET6 may carry an IPv4-mapped address: b = ::ffff:a.b.c.d with addr.family 6. */
typedef struct la_sockaddr {
  uint16_t family; /* LA_AF_*; decides over addr.family when it is read */
  uint16_t port;   /* host order */
  uint32_t scope;  /* link of a link-local address; 0: any */
  la_addr addr;
} la_sockaddr;

/* Flags of send and recv. */
enum {
  LA_MSG_OOB =
    0x1, /* send: -EOPNOTSUPP (urgent data is never sent); recv: the urgent byte; -EINVAL: none, or SO_OOBINLINE; -EAGAIN: not come */
  LA_MSG_PEEK = 0x2,
  LA_MSG_DONTROUTE = 0x4,
  LA_MSG_CTRUNC = 0x8,
  LA_MSG_TRUNC = 0x20, /* stream: bytes are thrown away instead of copied */
  LA_MSG_DONTWAIT = 0x40,
  LA_MSG_EOR = 0x80,
  LA_MSG_WAITALL = 0x100,
  LA_MSG_ERRQUEUE = 0x2000, /* what MSG_ZEROCOPY sent, as Linux's sock_extended_err in a cmsg; -EAGAIN */
  LA_MSG_NOSIGNAL = 0x4000,
  LA_MSG_MORE = 0x8000,        /* as TCP_CORK for one call */
  LA_MSG_ZEROCOPY = 0x4000000, /* with SO_ZEROCOPY: copied all the same, which is told at once */
  LA_MSG_FASTOPEN = 0x20000000 /* -EOPNOTSUPP */
};

typedef struct la_iovec {
  void *base; /* NULL with a length: -EFAULT */
  size_t len;
} la_iovec;
typedef struct la_msghdr {
  la_sockaddr *name; /* NULL: none. recvmsg: for the sender's address (datagrams; family 0 on a stream) */
  la_iovec *iov;
  size_t iovlen;
  void *control; /* recvmsg: la_cmsghdr and its data, and the next; sendmsg: nothing is understood yet */
  size_t controllen;
  int flags; /* recvmsg: MSG_TRUNC, MSG_CTRUNC, MSG_EOR */
} la_msghdr;

/* What stands before each piece of ancillary data, as on Linux; pieces begin at multiples of sizeof(size_t). */
typedef struct la_cmsghdr {
  size_t len; /* with this header */
  int level, type;
} la_cmsghdr;

/* A call that could not finish. Zeroed before the first call. */
typedef struct la_posix_wait {
  int fd;        /* the descriptor waited for; -1: several (poll, epoll_wait) */
  int events;    /* LA_POLLIN (bytes, a connection to accept), LA_POLLOUT (room; connected); 0: a release (close with linger) */
  la_time until; /* call again then, whatever has happened: a time-out; LA_NEVER for none */
  size_t done;   /* the rest is the layer's own: bytes of this call so far, */
  la_conn conn;  /* what close waits for, */
  uint32_t gen;  /* whose descriptor it was when the call began, */
  uint32_t began, seen;
} la_posix_wait;

/* Fill with zeros for the defaults. */
typedef struct la_posix_opts {
  size_t size;                     /* sizeof(la_posix_opts) */
  int first_fd;                    /* descriptors are first_fd, first_fd + 1, …; 0: 3 */
  uint32_t max_fds;                /* 0: 1 << 20 */
  uint32_t somaxconn;              /* listen's limit; 0: 4096 */
  uint32_t sndbuf_max, rcvbuf_max; /* of SO_SNDBUF, SO_RCVBUF before they are doubled; 0: 212992 */
} la_posix_opts;

/* The layer over `s`, with memory from the stack's allocator; at most one for a stack. `opts` may be NULL. NULL: memory, or a bad field. */
la_posix *la_posix_new(la_stack *s, const la_posix_opts *opts);
/* Closes every descriptor, as the end of a process does: la_output then has what that sends. Before la_stack_free. NULL is allowed. */
void la_posix_free(la_posix *p);
/* The time is `now`: takes all events of the stack. After la_input and la_tick, and before calls. */
void la_posix_turn(la_posix *p, la_time now);
/* Would the call now do something else than block again? (It may be wrong in saying so, never in denying it.) */
bool la_posix_due(la_posix *p, const la_posix_wait *w);
/* The connection or listener behind a descriptor, for la_info and la_each: gen 0 when there is none. -EBADF, -ENOTSOCK. */
int la_posix_conn(la_posix *p, int fd, la_conn *conn, la_listener *listener);

/*
 * Sockets: LA_SOCK_STREAM and LA_SOCK_DGRAM over both families. A datagram that is not sent or read whole never was: done in la_posix_wait
 * stays 0.
 *   EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT, EINVAL (unknown flag), EMFILE, ENOMEM
 */
int la_posix_socket(la_posix *p, int domain, int type, int protocol);
int la_posix_bind(la_posix *p, int fd, const la_sockaddr *addr);
/* An unbound socket gets an ephemeral port. Again on a listener: a new backlog. backlog as on Linux: 0 takes one connection. */
int la_posix_listen(la_posix *p, int fd, int backlog);
/* `addr` may be NULL. flags: LA_SOCK_NONBLOCK, LA_SOCK_CLOEXEC. The new descriptor does not inherit O_NONBLOCK. */
int la_posix_accept(la_posix *p, int fd, la_sockaddr *addr, la_posix_wait *w);
int la_posix_accept4(la_posix *p, int fd, la_sockaddr *addr, int flags, la_posix_wait *w);
/* Non-blocking: -EINPROGRESS, then -EALREADY, then 0 once, then -EISCONN; after a failure its error once. LA_AF_UNSPEC: disconnects. */
int la_posix_connect(la_posix *p, int fd, const la_sockaddr *addr, la_posix_wait *w);
int la_posix_shutdown(la_posix *p, int fd, int how);
/* The descriptor is gone on return, also with LA_POSIX_BLOCKED (SO_LINGER with a time). */
int la_posix_close(la_posix *p, int fd, la_posix_wait *w);
int la_posix_getsockname(la_posix *p, int fd, la_sockaddr *addr);
int la_posix_getpeername(la_posix *p, int fd, la_sockaddr *addr);
int la_posix_dup(la_posix *p, int fd);

/* Bytes. */
ptrdiff_t la_posix_send(la_posix *p, int fd, const void *data, size_t n, int flags, la_posix_wait *w);
ptrdiff_t la_posix_sendto(la_posix *p, int fd, const void *data, size_t n, int flags, const la_sockaddr *to, la_posix_wait *w);
ptrdiff_t la_posix_sendmsg(la_posix *p, int fd, const la_msghdr *msg, int flags, la_posix_wait *w);
ptrdiff_t la_posix_recv(la_posix *p, int fd, void *dst, size_t n, int flags, la_posix_wait *w);
ptrdiff_t la_posix_recvfrom(la_posix *p, int fd, void *dst, size_t n, int flags, la_sockaddr *from, la_posix_wait *w);
ptrdiff_t la_posix_recvmsg(la_posix *p, int fd, la_msghdr *msg, int flags, la_posix_wait *w);
ptrdiff_t la_posix_write(la_posix *p, int fd, const void *data, size_t n, la_posix_wait *w);
ptrdiff_t la_posix_read(la_posix *p, int fd, void *dst, size_t n, la_posix_wait *w);
ptrdiff_t la_posix_writev(la_posix *p, int fd, const la_iovec *iov, int iovcnt, la_posix_wait *w);
ptrdiff_t la_posix_readv(la_posix *p, int fd, const la_iovec *iov, int iovcnt, la_posix_wait *w);

/* Descriptors. */
enum { LA_F_DUPFD = 0, LA_F_GETFD = 1, LA_F_SETFD = 2, LA_F_GETFL = 3, LA_F_SETFL = 4, LA_F_DUPFD_CLOEXEC = 1030 };
enum { LA_FD_CLOEXEC = 1, LA_O_RDWR = 2, LA_O_NONBLOCK = 04000, LA_O_CLOEXEC = 02000000 };
int la_posix_fcntl(la_posix *p, int fd, int cmd, int arg);
enum {
  LA_SIOCOUTQ = 0x5411, /* bytes not yet acknowledged */
  LA_FIONREAD = 0x541b,
  LA_SIOCINQ = 0x541b,
  LA_FIONBIO = 0x5421,
  LA_SIOCATMARK = 0x8905, /* the next byte is the urgent one */
  LA_SIOCOUTQNSD = 0x894b /* bytes not yet sent */
};
/* *arg is read (FIONBIO) or written. EINVAL on a listener, as on Linux; ENOTTY for another request. */
int la_posix_ioctl(la_posix *p, int fd, unsigned long request, int *arg);

/* Readiness. */
enum {
  LA_POLLIN = 0x1,
  LA_POLLPRI = 0x2, /* the urgent byte has come */
  LA_POLLOUT = 0x4,
  LA_POLLERR = 0x8,
  LA_POLLHUP = 0x10,
  LA_POLLNVAL = 0x20,
  LA_POLLRDNORM = 0x40,
  LA_POLLRDBAND = 0x80,
  LA_POLLWRNORM = 0x100,
  LA_POLLWRBAND = 0x200,
  LA_POLLRDHUP = 0x2000
};
typedef struct la_pollfd {
  int fd; /* negative: left out */
  short events, revents;
} la_pollfd;
/* All bits that hold for a descriptor now, asked for or not; -EBADF. */
int la_posix_readiness(la_posix *p, int fd);
/* timeout in ms: 0 looks only, negative waits for ever. */
int la_posix_poll(la_posix *p, la_pollfd *fds, size_t n, int timeout, la_posix_wait *w);

#define LA_EPOLLONESHOT (1u << 30)
#define LA_EPOLLET (1u << 31)
#define LA_EPOLLWAKEUP (1u << 29)    /* taken, without effect */
#define LA_EPOLLEXCLUSIVE (1u << 28) /* taken, without effect */
enum { LA_EPOLL_CTL_ADD = 1, LA_EPOLL_CTL_DEL = 2, LA_EPOLL_CTL_MOD = 3 };
typedef struct la_epoll_event {
  uint32_t events; /* LA_POLL*, LA_EPOLLET, … */
  uint64_t data;
} la_epoll_event;
/* flags: 0 or LA_O_CLOEXEC */
int la_posix_epoll_create(la_posix *p, int flags);
int la_posix_epoll_ctl(la_posix *p, int epfd, int op, int fd, const la_epoll_event *event);
int la_posix_epoll_wait(la_posix *p, int epfd, la_epoll_event *events, int max, int timeout, la_posix_wait *w);

/* Options. Values are int unless said otherwise. */
enum { LA_SOL_SOCKET = 1, LA_SOL_IP = 0, LA_SOL_TCP = 6, LA_SOL_UDP = 17, LA_SOL_IPV6 = 41 };
enum {
  LA_SO_DEBUG = 1,
  LA_SO_REUSEADDR = 2,
  LA_SO_TYPE = 3,  /* read only */
  LA_SO_ERROR = 4, /* read only; reading clears it */
  LA_SO_DONTROUTE = 5,
  LA_SO_BROADCAST = 6,
  LA_SO_SNDBUF = 7, /* doubled, as on Linux: what is read is twice what was set */
  LA_SO_RCVBUF = 8,
  LA_SO_KEEPALIVE = 9,
  LA_SO_OOBINLINE = 10,
  LA_SO_PRIORITY = 12,  /* kept, without effect */
  LA_SO_LINGER = 13,    /* la_linger */
  LA_SO_REUSEPORT = 15, /* sockets that all have it share a port; a hash of both ends says who gets what */
  LA_SO_RCVLOWAT = 18,
  LA_SO_SNDLOWAT = 19, /* read only: 1 */
  LA_SO_RCVTIMEO = 20, /* la_timeval */
  LA_SO_SNDTIMEO = 21, /* la_timeval; of connect too */
  LA_SO_TIMESTAMP = 29,
  LA_SO_ACCEPTCONN = 30, /* read only */
  LA_SO_SNDBUFFORCE = 32,
  LA_SO_RCVBUFFORCE = 33,
  LA_SO_MARK = 36,            /* kept, without effect */
  LA_SO_PROTOCOL = 38,        /* read only */
  LA_SO_DOMAIN = 39,          /* read only */
  LA_SO_MAX_PACING_RATE = 47, /* bytes a second, 32 or 64 bits; all ones: none */
  LA_SO_MEMINFO = 55,         /* nine uint32_t, Linux's SK_MEMINFO_*; read only */
  LA_SO_ZEROCOPY = 60
};
enum {
  LA_TCP_NODELAY = 1,
  LA_TCP_MAXSEG = 2,
  LA_TCP_CORK = 3,
  LA_TCP_KEEPIDLE = 4,
  LA_TCP_KEEPINTVL = 5,
  LA_TCP_KEEPCNT = 6,
  LA_TCP_SYNCNT = 7,
  LA_TCP_LINGER2 = 8, /* seconds in FIN-WAIT-2 after close; negative: none */
  LA_TCP_DEFER_ACCEPT = 9,
  LA_TCP_WINDOW_CLAMP = 10,
  LA_TCP_INFO = 11, /* la_tcp_info; read only */
  LA_TCP_QUICKACK = 12,
  LA_TCP_CONGESTION = 13,   /* a name: characters, at most 16 */
  LA_TCP_USER_TIMEOUT = 18, /* ms */
  LA_TCP_FASTOPEN = 23,
  LA_TCP_TIMESTAMP = 24,
  LA_TCP_NOTSENT_LOWAT = 25,
  LA_TCP_CC_INFO = 26, /* read only; nothing: neither CUBIC nor Reno has any on Linux */
  LA_TCP_INQ = 36      /* recvmsg tells in a cmsg of this type how much is left, 1 for the end of the stream */
};
enum {
  LA_IP_TOS = 1,
  LA_IP_TTL = 2,
  LA_IP_MTU_DISCOVER = 10,
  LA_IP_RECVERR = 11,
  LA_IP_RECVTOS = 13,
  LA_IP_MTU = 14, /* read only, of a connected socket */
  LA_IP_FREEBIND = 15,
  LA_IP_TRANSPARENT = 19,
  LA_IP_BIND_ADDRESS_NO_PORT = 24
};
enum {
  LA_IPV6_UNICAST_HOPS = 16,
  LA_IPV6_MTU_DISCOVER = 23,
  LA_IPV6_MTU = 24, /* read only, of a connected socket */
  LA_IPV6_RECVERR = 25,
  LA_IPV6_V6ONLY = 26,
  LA_IPV6_RECVTCLASS = 66,
  LA_IPV6_TCLASS = 67
};
typedef struct la_linger {
  int onoff, linger; /* seconds */
} la_linger;
typedef struct la_timeval {
  int64_t sec, usec;
} la_timeval;

/* Linux's struct tcp_info, byte for byte. Fields without a counterpart here are 0. Its TCP states: */
enum {
  LA_TCP_ESTABLISHED = 1,
  LA_TCP_SYN_SENT = 2,
  LA_TCP_SYN_RECV = 3,
  LA_TCP_FIN_WAIT1 = 4,
  LA_TCP_FIN_WAIT2 = 5,
  LA_TCP_TIME_WAIT = 6,
  LA_TCP_CLOSE = 7,
  LA_TCP_CLOSE_WAIT = 8,
  LA_TCP_LAST_ACK = 9,
  LA_TCP_LISTEN = 10,
  LA_TCP_CLOSING = 11
};
enum { LA_TCPI_OPT_TIMESTAMPS = 1, LA_TCPI_OPT_SACK = 2, LA_TCPI_OPT_WSCALE = 4, LA_TCPI_OPT_ECN = 8, LA_TCPI_OPT_ECN_SEEN = 16 };
enum { LA_TCP_CA_OPEN = 0, LA_TCP_CA_DISORDER = 1, LA_TCP_CA_CWR = 2, LA_TCP_CA_RECOVERY = 3, LA_TCP_CA_LOSS = 4 };
typedef struct la_tcp_info {
  uint8_t tcpi_state, tcpi_ca_state, tcpi_retransmits, tcpi_probes, tcpi_backoff, tcpi_options;
  uint8_t tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4;
  uint8_t tcpi_delivery_rate_app_limited : 1, tcpi_fastopen_client_fail : 2;
  uint32_t tcpi_rto, tcpi_ato, tcpi_snd_mss, tcpi_rcv_mss;
  uint32_t tcpi_unacked, tcpi_sacked, tcpi_lost, tcpi_retrans, tcpi_fackets;
  uint32_t tcpi_last_data_sent, tcpi_last_ack_sent, tcpi_last_data_recv, tcpi_last_ack_recv;
  uint32_t tcpi_pmtu, tcpi_rcv_ssthresh, tcpi_rtt, tcpi_rttvar, tcpi_snd_ssthresh, tcpi_snd_cwnd, tcpi_advmss, tcpi_reordering;
  uint32_t tcpi_rcv_rtt, tcpi_rcv_space, tcpi_total_retrans;
  uint64_t tcpi_pacing_rate, tcpi_max_pacing_rate, tcpi_bytes_acked, tcpi_bytes_received;
  uint32_t tcpi_segs_out, tcpi_segs_in, tcpi_notsent_bytes, tcpi_min_rtt, tcpi_data_segs_in, tcpi_data_segs_out;
  uint64_t tcpi_delivery_rate, tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited;
  uint32_t tcpi_delivered, tcpi_delivered_ce;
  uint64_t tcpi_bytes_sent, tcpi_bytes_retrans;
  uint32_t tcpi_dsack_dups, tcpi_reord_seen, tcpi_rcv_ooopack, tcpi_snd_wnd, tcpi_rcv_wnd;
  uint32_t tcpi_rehash;
  uint16_t tcpi_total_rto, tcpi_total_rto_recoveries;
  uint32_t tcpi_total_rto_time;
  uint32_t tcpi_received_ce, tcpi_delivered_e1_bytes, tcpi_delivered_e0_bytes, tcpi_delivered_ce_bytes;
  uint32_t tcpi_received_e1_bytes, tcpi_received_e0_bytes, tcpi_received_ce_bytes;
  uint32_t tcpi_ecn_mode : 2, tcpi_accecn_opt_seen : 2, tcpi_accecn_fail_mode : 4, tcpi_options2 : 24;
} la_tcp_info;

/* EINVAL (short value), EDOM, ENOPROTOOPT, …; -EFAULT for NULL. */
int la_posix_setsockopt(la_posix *p, int fd, int level, int name, const void *value, uint32_t len);
/* *len: the room at `value`, then what was written. */
int la_posix_getsockopt(la_posix *p, int fd, int level, int name, void *value, uint32_t *len);

#ifdef __cplusplus
}
#endif
#endif
