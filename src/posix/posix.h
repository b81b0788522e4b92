/* SPDX-License-Identifier: MIT */
/*
 * The records behind the socket calls.
 *
 * A descriptor is a slot that refers to a file: a socket or an epoll instance; dup makes two slots refer to one. What a connection is
 * and does is the stack's; a socket keeps what POSIX adds: the error that is told once, the options before there is a connection, who
 * has shut down what, and Linux's own two notions of state: `phase` is its socket's (struct socket), la__sk_state its connection's
 * (struct sock), derived from the stack's each time, so that the two cannot come apart.
 *
 * The user pointer of a connection or listener is its socket; it is cleared when the socket goes, so that late events find nobody.
 */
#ifndef LA_POSIX_POSIX_H
#define LA_POSIX_POSIX_H

#include "core/stack.h"

#include <lastack/posix.h>

enum { BIND_BUCKETS = 64 };

enum file_kind { FILE_SOCKET, FILE_EPOLL };

struct epoll;
struct item; /* one file watched by one epoll instance under one descriptor */

struct file {
  uint8_t kind;
  bool nonblock;
  uint32_t refs; /* descriptors */
  uint32_t gen;
  struct item *watchers;
};

/* Options that are one int; the table in sockopt.c says to which level and name each belongs. */
enum slot {
  O_DEBUG,
  O_REUSEADDR,
  O_DONTROUTE,
  O_BROADCAST,
  O_SNDBUF, /* as it is read: doubled */
  O_RCVBUF,
  O_KEEPALIVE,
  O_OOBINLINE,
  O_PRIORITY,
  O_REUSEPORT,
  O_RCVLOWAT,
  O_MARK,
  O_NODELAY,
  O_KEEPIDLE,
  O_KEEPINTVL,
  O_KEEPCNT,
  O_USER_TIMEOUT,
  O_MAXSEG,
  O_CORK,
  O_SYNCNT,
  O_LINGER2, /* seconds; 0: the default; -1: none */
  O_DEFER,   /* SYN-ACK time-outs */
  O_CLAMP,
  O_TOS,
  O_TTL,
  O_MTU_DISCOVER,
  O_RECVERR,
  O_QUICKACK,
  O_INQ,
  O_ZEROCOPY,
  O_NO_PORT, /* IP_BIND_ADDRESS_NO_PORT */
  O_HOPS,
  O_MTU_DISCOVER6,
  O_RECVERR6,
  O_V6ONLY,
  O_TCLASS,
  O_CONGESTION, /* enum la_cc */
  O_LOWAT,      /* TCP_NOTSENT_LOWAT */
  O_PACING,     /* its value is `pacing` */
  O_SLOTS
};
struct sopts {
  int32_t v[O_SLOTS];
  uint64_t set; /* bit i: slot i was set by the application, so it goes to the connection */
  la_linger linger;
  uint64_t pacing;
  la_time rcvtimeo, sndtimeo; /* 0: none */
};

enum phase { UNCONNECTED, CONNECTING, CONNECTED, DISCONNECTING };
enum { SHUT_RCV = 1, SHUT_SND = 2, SHUT_BOTH = 3 };

struct psock {
  struct file f;
  struct psock *bound_next; /* in its port's bucket, while it holds the port */
  uint8_t phase, shut, protocol;
  uint16_t family;                                 /* LA_AF_INET or LA_AF_INET6 */
  bool ended;                                      /* END was taken: the connection is CLOSED, whatever the network still remembers of it */
  bool held, held_reuse, addr_locked, port_locked; /* held: in `bound`; locked: bound by the application */
  bool zc_waits;                                   /* MSG_ZEROCOPY calls zc_first to zc_next - 1 are done, and it has not been told */
  uint32_t zc_first, zc_next;
  bool oob_taken; /* the urgent byte that ends at oob_end has been had with MSG_OOB */
  uint32_t oob_end;
  int err;    /* Linux's sk_err: told once, then 0 */
  bool dgram; /* SOCK_DGRAM: `udp` in the place of the next two */
  la_udp udp;
  la_conn conn;
  la_listener listener;
  la_addr local, remote; /* family 0: none, or any of both families */
  la_link link;
  uint16_t lport, rport; /* 0: none */
  struct sopts o;
};

struct fd_slot {
  struct file *file;
  bool cloexec;
};

struct la_posix {
  la_stack *s;
  la_time now;
  struct fd_slot *fds;
  uint32_t cap, lowest; /* lowest: no free slot below it */
  uint32_t max_fds, somaxconn, sndbuf_max, rcvbuf_max;
  int first;
  uint32_t gen;
  struct psock *bound[BIND_BUCKETS];
};

static inline bool sk_listening(const struct psock *k) { return k->listener.gen != 0; }

/* errno.c: a positive errno for a negative enum la_err */
int la__errno(int la_err);
int la__errno_end(const la_end *end);

/* file.c */
void *la__posix_alloc(la_posix *p, size_t n); /* zeroed; NULL */
void la__posix_free(la_posix *p, void *v, size_t n);
int la__fd_new(la_posix *p, struct file *f, int from, bool cloexec); /* takes a reference. -EMFILE, -ENOMEM */
struct file *la__fd_file(const la_posix *p, int fd);
int la__fd_sock(const la_posix *p, int fd, struct psock **out); /* 0, -EBADF, -ENOTSOCK */
int la__fd_epoll(const la_posix *p, int fd, struct epoll **out);

/* ready.c */
void la__posix_events(la_posix *p); /* takes what the stack has to tell */
struct conn *la__sk_conn(const la_posix *p, const struct psock *k);
struct listener *la__sk_listener(const la_posix *p, const struct psock *k);
int la__sk_state(const la_posix *p, const struct psock *k); /* LA_TCP_ESTABLISHED, … */
unsigned la__sk_shut(const la_posix *p, const struct psock *k);
uint32_t la__sk_unread(const la_posix *p, const struct psock *k);
int la__sk_take_error(struct psock *k); /* positive, or 0 */
int la__sk_readiness(const la_posix *p, const struct psock *k);
int la__file_readiness(la_posix *p, struct file *f);
uint32_t la__sk_lowat(const la_posix *p, const struct psock *k, size_t want);

/* ancillary.c */
void la__put_inq(const la_posix *p, const struct psock *k, la_msghdr *msg, size_t room);
void la__zerocopy_done(struct psock *k);
void la__errqueue_take(struct psock *k, la_msghdr *msg, size_t room);

/* dgram.c */
struct dg_msg {
  int fd, flags, out; /* out: MSG_TRUNC */
  const la_iovec *iov;
  size_t niov, total;
};
int la__dg_bind(la_posix *p, struct psock *k, const la_addr *addr, uint16_t port);
int la__dg_connect(la_posix *p, struct psock *k, const la_sockaddr *to);
int la__dg_shutdown(struct psock *k, unsigned bits);
void la__dg_close(la_posix *p, struct psock *k);
ptrdiff_t la__dg_send(la_posix *p, struct psock *k, const struct dg_msg *m, const la_sockaddr *to, la_posix_wait *w);
ptrdiff_t la__dg_recv(la_posix *p, struct psock *k, struct dg_msg *m, la_sockaddr *from, la_posix_wait *w);
uint32_t la__dg_next(const la_posix *p, const struct psock *k);
int la__dg_readiness(const la_posix *p, const struct psock *k);
void la__dg_event(la_posix *p, struct psock *k, const la_event *e);

/* oob.c */
#define NO_MARK UINT32_MAX
uint32_t la__sk_mark(const la_posix *p, const struct psock *k); /* unread bytes before the urgent byte, come or not; NO_MARK: none */
bool la__sk_oob_ready(const la_posix *p, const struct psock *k);
uint32_t la__sk_readable(const la_posix *p, const struct psock *k);
uint32_t la__sk_inq(const la_posix *p, const struct psock *k);
ptrdiff_t la__sk_recv_oob(la_posix *p, struct psock *k, void *dst, size_t n, bool peek);

/* socket.c, bind.c */
struct psock *la__sk_new(la_posix *p, uint16_t family);
void la__sk_del(la_posix *p, struct psock *k);
int la__sk_disconnect(la_posix *p, struct psock *k);
int la__sk_close(la_posix *p, struct psock *k, la_posix_wait *w);
int la__sk_bind(la_posix *p, struct psock *k, const la_addr *addr, uint16_t port);
bool la__sk_bind_again(const la_posix *p, const struct psock *k); /* may it listen, as far as other sockets go? */
void la__sk_unbind(la_posix *p, struct psock *k);
/* 0, -EAFNOSUPPORT, -ENETUNREACH (mapped, but V6ONLY) */
int la__addr_in(const struct psock *k, const la_sockaddr *in, la_addr *out);
la_addr la__addr_any(const struct psock *k); /* its wildcard */
void la__addr_out(const struct psock *k, const la_addr *a, uint16_t port, la_sockaddr *out);

/* Blocking. -EAGAIN and the like (`err`, negative) when the call may not wait or its time is over; else LA_POSIX_BLOCKED. */
int la__block(la_posix *p, const struct file *f, int fd, int events, bool dontwait, la_time timeout, int err, la_posix_wait *w);
/* The call goes on, on the same file? Else -EBADF. */
int la__resume(const struct file *f, const la_posix_wait *w);

/* sockopt.c */
void la__sk_options_init(const la_posix *p, struct sopts *o);
int la__sk_options_apply(la_posix *p, struct psock *k); /* to its new connection or listener: 0 or -errno */

/* tcp_info.c */
void la__sk_tcp_info(la_posix *p, const struct psock *k, la_tcp_info *i);

/* epoll.c: something has happened to a file; mask 0: anything may have changed */
void la__wake(struct file *f, unsigned mask);
void la__file_forget(la_posix *p, struct file *f); /* its last descriptor is gone */
void la__epoll_del(la_posix *p, struct epoll *e);
bool la__epoll_ready(la_posix *p, struct epoll *e);

#endif
