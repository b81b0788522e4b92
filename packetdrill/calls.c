/* SPDX-License-Identifier: MIT */
/*
 * The table: each function turns the system's types into the layer's and its result into errno. The layer's numbers are Linux's,
 * so options, flags and errors pass as they are.
 */
#include "packetdrill/box.h"
#include "packetdrill/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MOST = 4096 };
_Static_assert(sizeof(la_iovec) == sizeof(struct iovec) && sizeof(la_timeval) >= sizeof(struct timeval), "laid out alike");
_Static_assert(sizeof(la_pollfd) == sizeof(struct pollfd), "laid out alike");

static long done(long r) {
  if (r >= 0)
    return r;
  errno = (int)-r;
  return -1;
}
static long run(void *box, struct call c) { return done(la__box_call(box, &c)); }

static int run_fd(void *box, struct call c) {
  int fd = (int)run(box, c), was = errno;
  if (fd >= 0)
    la__box_fd_hold(box, fd);
  errno = was;
  return fd;
}

/* Addresses. false: EINVAL. */
static bool addr_in(const struct sockaddr *in, socklen_t len, la_sockaddr *out) {
  memset(out, 0, sizeof *out);
  if (len < sizeof(sa_family_t))
    return false;
  out->family = in->sa_family;
  if (in->sa_family == AF_INET) {
    struct sockaddr_in v;
    if (len < sizeof v)
      return false;
    memcpy(&v, in, sizeof v);
    out->port = ntohs(v.sin_port);
    out->addr.family = 4;
    memcpy(out->addr.b, &v.sin_addr, 4);
  } else if (in->sa_family == AF_INET6) {
    struct sockaddr_in6 v;
    if (len < 24) /* without the scope: RFC 2133's size, which Linux still takes */
      return false;
    memset(&v, 0, sizeof v);
    memcpy(&v, in, len < sizeof v ? len : sizeof v);
    out->port = ntohs(v.sin6_port);
    out->scope = v.sin6_scope_id;
    out->addr.family = 6;
    memcpy(out->addr.b, &v.sin6_addr, 16);
  }
  return true;
}

static void addr_out(const la_sockaddr *in, struct sockaddr *out, socklen_t *len) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(in->port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(in->port), .sin6_scope_id = in->scope};
  if (!out || !len)
    return;
  memcpy(&v4.sin_addr, in->addr.b, 4);
  memcpy(&v6.sin6_addr, in->addr.b, 16);
  socklen_t n = in->family == LA_AF_INET ? sizeof v4 : in->family == LA_AF_INET6 ? sizeof v6 : 0, room = *len;
  memcpy(out, in->family == LA_AF_INET ? (void *)&v4 : (void *)&v6, n < room ? n : room);
  *len = n;
}

/* Opening and closing. */
static long go_socket(struct box *b, struct call *c) { return la_posix_socket(b->p, c->fd, c->flags, c->n); }
static int do_socket(void *box, int domain, int type, int protocol) {
  return run_fd(box, (struct call){.go = go_socket, .fd = domain, .flags = type, .n = protocol});
}

/* packetdrill makes up an address for each run: what a program binds to is ours. */
static long go_bind(struct box *b, struct call *c) {
  const la_sockaddr *to = c->in;
  long r = la_posix_bind(b->p, c->fd, to);
  if (r == -LA_POSIX_EADDRNOTAVAIL && la_addr_add(b->s, b->link, &to->addr, to->addr.family == 4 ? 32 : 128) == LA_OK)
    r = la_posix_bind(b->p, c->fd, to);
  return r;
}
static int do_bind(void *box, int fd, const struct sockaddr *addr, socklen_t len) {
  la_sockaddr to;
  if (!addr_in(addr, len, &to))
    return (int)done(-EINVAL);
  return (int)run(box, (struct call){.go = go_bind, .fd = fd, .in = &to});
}

static long go_listen(struct box *b, struct call *c) { return la_posix_listen(b->p, c->fd, c->n); }
static int do_listen(void *box, int fd, int backlog) { return (int)run(box, (struct call){.go = go_listen, .fd = fd, .n = backlog}); }

static long go_accept(struct box *b, struct call *c) { return la_posix_accept(b->p, c->fd, c->out, &c->w); }
static int do_accept(void *box, int fd, struct sockaddr *addr, socklen_t *len) {
  la_sockaddr from;
  int r = run_fd(box, (struct call){.go = go_accept, .fd = fd, .out = &from});
  if (r >= 0)
    addr_out(&from, addr, len);
  return r;
}

static long go_connect(struct box *b, struct call *c) { return la_posix_connect(b->p, c->fd, c->in, &c->w); }
static int do_connect(void *box, int fd, const struct sockaddr *addr, socklen_t len) {
  la_sockaddr to;
  if (!addr_in(addr, len, &to))
    return (int)done(-EINVAL);
  return (int)run(box, (struct call){.go = go_connect, .fd = fd, .in = &to});
}

static long go_close(struct box *b, struct call *c) { return la_posix_close(b->p, c->fd, &c->w); }
static int do_close(void *box, int fd) {
  long r = la__box_call(box, &(struct call){.go = go_close, .fd = fd});
  if (r != -EBADF)
    la__box_fd_drop(box, fd);
  return (int)done(r);
}

static long go_shutdown(struct box *b, struct call *c) { return la_posix_shutdown(b->p, c->fd, c->n); }
static int do_shutdown(void *box, int fd, int how) { return (int)run(box, (struct call){.go = go_shutdown, .fd = fd, .n = how}); }

/* Bytes. A message is what read, readv, recv and their like have in common, but for their small differences. */
static long go_read(struct box *b, struct call *c) { return la_posix_readv(b->p, c->fd, c->in, c->n, &c->w); }
static ssize_t do_readv(void *box, int fd, const struct iovec *iov, int count) {
  return run(box, (struct call){.go = go_read, .fd = fd, .in = iov, .n = count});
}
static ssize_t do_read(void *box, int fd, void *buf, size_t n) { return do_readv(box, fd, &(struct iovec){buf, n}, 1); }

static long go_write(struct box *b, struct call *c) { return la_posix_writev(b->p, c->fd, c->in, c->n, &c->w); }
static ssize_t do_writev(void *box, int fd, const struct iovec *iov, int count) {
  return run(box, (struct call){.go = go_write, .fd = fd, .in = iov, .n = count});
}
static ssize_t do_write(void *box, int fd, const void *buf, size_t n) {
  return do_writev(box, fd, &(struct iovec){(void *)(uintptr_t)buf, n}, 1);
}

static long go_recv(struct box *b, struct call *c) { return la_posix_recvfrom(b->p, c->fd, c->out, c->len, c->flags, c->out2, &c->w); }
static ssize_t do_recvfrom(void *box, int fd, void *buf, size_t n, int flags, struct sockaddr *addr, socklen_t *len) {
  la_sockaddr from = {0};
  ssize_t r = run(box, (struct call){.go = go_recv, .fd = fd, .out = buf, .len = n, .flags = flags, .out2 = &from});
  if (r >= 0)
    addr_out(&from, addr, len);
  return r;
}
static ssize_t do_recv(void *box, int fd, void *buf, size_t n, int flags) { return do_recvfrom(box, fd, buf, n, flags, 0, 0); }

static long go_send(struct box *b, struct call *c) { return la_posix_sendto(b->p, c->fd, c->in, c->len, c->flags, c->out, &c->w); }
static ssize_t do_sendto(void *box, int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len) {
  la_sockaddr to;
  if (addr && !addr_in(addr, len, &to))
    return done(-EINVAL);
  return run(box, (struct call){.go = go_send, .fd = fd, .in = buf, .len = n, .flags = flags, .out = addr ? &to : 0});
}
static ssize_t do_send(void *box, int fd, const void *buf, size_t n, int flags) { return do_sendto(box, fd, buf, n, flags, 0, 0); }

static la_msghdr msg_in(const struct msghdr *m, la_sockaddr *name) {
  la_msghdr l = {.name = m->msg_name ? name : 0, .iov = (la_iovec *)m->msg_iov, .iovlen = m->msg_iovlen, .flags = m->msg_flags};
  l.control = m->msg_control;
  l.controllen = m->msg_controllen;
  return l;
}
static long go_recvmsg(struct box *b, struct call *c) { return la_posix_recvmsg(b->p, c->fd, c->out, c->flags, &c->w); }
static ssize_t do_recvmsg(void *box, int fd, struct msghdr *msg, int flags) {
  la_sockaddr from = {0};
  la_msghdr l = msg_in(msg, &from);
  ssize_t r = run(box, (struct call){.go = go_recvmsg, .fd = fd, .out = &l, .flags = flags});
  if (r >= 0) {
    addr_out(&from, msg->msg_name, &msg->msg_namelen);
    msg->msg_controllen = l.controllen;
    msg->msg_flags = l.flags;
  }
  return r;
}
static long go_sendmsg(struct box *b, struct call *c) { return la_posix_sendmsg(b->p, c->fd, c->in, c->flags, &c->w); }
static ssize_t do_sendmsg(void *box, int fd, const struct msghdr *msg, int flags) {
  la_sockaddr to;
  if (msg->msg_name && !addr_in(msg->msg_name, msg->msg_namelen, &to))
    return done(-EINVAL);
  la_msghdr l = msg_in(msg, &to);
  return run(box, (struct call){.go = go_sendmsg, .fd = fd, .in = &l, .flags = flags});
}

/* Descriptors and options. */
static long go_fcntl(struct box *b, struct call *c) { return la_posix_fcntl(b->p, c->fd, c->flags, c->n); }
static int do_fcntl(void *box, int fd, int command, ...) {
  va_list args;
  va_start(args, command);
  int arg = command == F_GETFL || command == F_GETFD ? 0 : va_arg(args, int);
  va_end(args);
  struct call c = {.go = go_fcntl, .fd = fd, .flags = command, .n = arg};
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? run_fd(box, c) : (int)run(box, c);
}

static long go_ioctl(struct box *b, struct call *c) { return la_posix_ioctl(b->p, c->fd, c->len, c->out); }
static int do_ioctl(void *box, int fd, unsigned long request, ...) {
  va_list args;
  va_start(args, request);
  void *arg = va_arg(args, void *);
  va_end(args);
  return (int)run(box, (struct call){.go = go_ioctl, .fd = fd, .len = request, .out = arg});
}

static long go_getsockopt(struct box *b, struct call *c) { return la_posix_getsockopt(b->p, c->fd, c->flags, c->n, c->out, c->out2); }
static int do_getsockopt(void *box, int fd, int level, int name, void *value, socklen_t *len) {
  uint32_t n = len ? *len : 0;
  int r = (int)run(box, (struct call){.go = go_getsockopt, .fd = fd, .flags = level, .n = name, .out = value, .out2 = len ? &n : 0});
  if (r == 0)
    *len = n;
  return r;
}

static long go_setsockopt(struct box *b, struct call *c) {
  return la_posix_setsockopt(b->p, c->fd, c->flags, c->n, c->in, (uint32_t)c->len);
}
static int do_setsockopt(void *box, int fd, int level, int name, const void *value, socklen_t len) {
  return (int)run(box, (struct call){.go = go_setsockopt, .fd = fd, .flags = level, .n = name, .in = value, .len = len});
}

/* Readiness. */
static long go_poll(struct box *b, struct call *c) { return la_posix_poll(b->p, c->out, c->len, c->n, &c->w); }
static int do_poll(void *box, struct pollfd *fds, nfds_t n, int timeout) {
  return (int)run(box, (struct call){.go = go_poll, .out = fds, .len = n, .n = timeout});
}

static long go_epoll_create(struct box *b, struct call *c) { return la_posix_epoll_create(b->p, c->flags); }
static int do_epoll_create(void *box, int size) {
  return size > 0 ? run_fd(box, (struct call){.go = go_epoll_create}) : (int)done(-EINVAL);
}

static long go_epoll_ctl(struct box *b, struct call *c) { return la_posix_epoll_ctl(b->p, c->fd, c->flags, c->n, c->in); }
static int do_epoll_ctl(void *box, int epfd, int op, int fd, struct epoll_event *event) {
  la_epoll_event e = {0};
  if (event)
    e = (la_epoll_event){event->events, event->data.u64};
  return (int)run(box, (struct call){.go = go_epoll_ctl, .fd = epfd, .flags = op, .n = fd, .in = event ? &e : 0});
}

static long go_epoll_wait(struct box *b, struct call *c) { return la_posix_epoll_wait(b->p, c->fd, c->out, (int)c->len, c->n, &c->w); }
static int do_epoll_wait(void *box, int epfd, struct epoll_event *events, int max, int timeout) {
  int room = max < EVENTS_MOST ? max : EVENTS_MOST;
  la_epoll_event *e = calloc(room > 0 ? (size_t)room : 1, sizeof *e);
  if (!e)
    return (int)done(-ENOMEM);
  int r = (int)run(box, (struct call){.go = go_epoll_wait, .fd = epfd, .out = e, .len = (size_t)room, .n = timeout});
  for (int i = 0; i < r; i++) {
    events[i].events = e[i].events;
    events[i].data.u64 = e[i].data;
  }
  free(e);
  return r;
}

/* The wire and the clock. */
static int do_netdev_send(void *box, const void *packet, size_t len) { return la__box_input(box, packet, len) ? 0 : -1; }

static int do_netdev_receive(void *box, void *packet, size_t *len, long long *at_us) {
  struct packet *k = la__box_output(box);
  size_t room = *len;
  *len = 0;
  if (!k)
    return 0;
  bool fits = k->len <= room;
  if (fits) {
    memcpy(packet, k->bytes, k->len);
    *len = k->len;
    *at_us = (long long)(k->at / LA_US);
  }
  free(k);
  return fits ? 0 : (int)done(-EMSGSIZE);
}

static int do_usleep(void *box, useconds_t us) {
  la__box_sleep(box, us * LA_US);
  return 0;
}

static int do_gettimeofday(void *box, struct timeval *tv, struct timezone *tz) {
  la_time at = la__box_look(box);
  (void)tz;
  tv->tv_sec = (time_t)(at / LA_SEC);
  tv->tv_usec = (suseconds_t)(at % LA_SEC / LA_US);
  return 0;
}

/* There are no files here to splice with. */
static int do_pipe(void *box, int fds[2]) {
  (void)box;
  (void)fds;
  return (int)done(-ENOSYS);
}
static int do_splice(void *box, int in, loff_t *in_at, int out, loff_t *out_at, size_t n, unsigned flags) {
  (void)box;
  (void)in;
  (void)in_at;
  (void)out;
  (void)out_at;
  (void)n;
  (void)flags;
  return (int)done(-ENOSYS);
}

static void do_free(void *box) { la__box_free(box); }

/* The interface knows no failure: what is wrong with the flags has been said. */
void packetdrill_interface_init(const char *flags, struct packetdrill_interface *out) {
  struct box *b = la__box_new(flags);
  if (!b)
    exit(EXIT_FAILURE);
  *out = (struct packetdrill_interface){
    .userdata = b,
    .free = do_free,
    .socket = do_socket,
    .bind = do_bind,
    .listen = do_listen,
    .accept = do_accept,
    .connect = do_connect,
    .read = do_read,
    .readv = do_readv,
    .recv = do_recv,
    .recvfrom = do_recvfrom,
    .recvmsg = do_recvmsg,
    .write = do_write,
    .writev = do_writev,
    .send = do_send,
    .sendto = do_sendto,
    .sendmsg = do_sendmsg,
    .fcntl = do_fcntl,
    .ioctl = do_ioctl,
    .close = do_close,
    .shutdown = do_shutdown,
    .getsockopt = do_getsockopt,
    .setsockopt = do_setsockopt,
    .poll = do_poll,
    .netdev_send = do_netdev_send,
    .netdev_receive = do_netdev_receive,
    .usleep = do_usleep,
    .gettimeofday = do_gettimeofday,
    .epoll_create = do_epoll_create,
    .epoll_ctl = do_epoll_ctl,
    .epoll_wait = do_epoll_wait,
    .pipe = do_pipe,
    .splice = do_splice,
  };
}
