/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing: socket, listen, accept, connect, shutdown, close, in the order in which Linux checks.
 *
 *   phase         UNCONNECTED -> CONNECTING -> CONNECTED; back to UNCONNECTED when connect tells its failure
 *   DISCONNECTING a connecting socket was shut down; only the AF_UNSPEC connect makes it new
 */
#include "posix/posix.h"

#include "base/bytes.h"

struct psock *la__sk_new(la_posix *p, uint16_t family) {
  struct psock *k = la__posix_alloc(p, sizeof *k);
  if (!k)
    return 0;
  k->f.kind = FILE_SOCKET;
  k->f.gen = ++p->gen;
  k->family = family;
  k->protocol = LA_IPPROTO_TCP;
  la__sk_options_init(p, &k->o);
  k->local = la__addr_any(k);
  return k;
}

void la__sk_del(la_posix *p, struct psock *k) {
  la__sk_unbind(p, k);
  la__posix_free(p, k, sizeof *k);
}

static int socket_fd(la_posix *p, struct psock *k, int flags) {
  k->f.nonblock = flags & LA_SOCK_NONBLOCK;
  return la__fd_new(p, &k->f, 0, flags & LA_SOCK_CLOEXEC);
}

int la_posix_socket(la_posix *p, int domain, int type, int protocol) {
  int flags = type & (LA_SOCK_NONBLOCK | LA_SOCK_CLOEXEC);
  type &= ~flags;
  if (type < 0 || type > 15)
    return -LA_POSIX_EINVAL;
  if (domain != LA_AF_INET && domain != LA_AF_INET6)
    return -LA_POSIX_EAFNOSUPPORT;
  if (type != LA_SOCK_STREAM && type != LA_SOCK_DGRAM)
    return -LA_POSIX_ESOCKTNOSUPPORT;
  int own = type == LA_SOCK_STREAM ? LA_IPPROTO_TCP : LA_IPPROTO_UDP;
  if (protocol != 0 && protocol != own)
    return -LA_POSIX_EPROTONOSUPPORT;
  struct psock *k = la__sk_new(p, (uint16_t)domain);
  if (!k)
    return -LA_POSIX_ENOMEM;
  k->dgram = type == LA_SOCK_DGRAM;
  k->protocol = (uint8_t)own;
  int fd = socket_fd(p, k, flags);
  if (fd < 0)
    la__sk_del(p, k);
  return fd;
}

int la_posix_conn(la_posix *p, int fd, la_conn *conn, la_listener *listener) {
  struct psock *k;
  int err = la__fd_sock(p, fd, &k);
  if (err)
    return err;
  if (conn)
    *conn = k->conn;
  if (listener)
    *listener = k->listener;
  return 0;
}

/* LISTEN */
static uint32_t backlog_of(const la_posix *p, int backlog) {
  uint32_t n = (unsigned)backlog > p->somaxconn ? p->somaxconn : (uint32_t)backlog; /* a negative one is the most */
  return n < 65535 ? n + 1 : 65535;                                                 /* Linux queues one more than it was told */
}

int la_posix_listen(la_posix *p, int fd, int backlog) {
  struct psock *k;
  int err = la__fd_sock(p, fd, &k);
  if (err)
    return err;
  if (k->dgram)
    return -LA_POSIX_EOPNOTSUPP;
  la__posix_events(p);
  int st = la__sk_state(p, k);
  if (k->phase != UNCONNECTED || (st != LA_TCP_CLOSE && st != LA_TCP_LISTEN))
    return -LA_POSIX_EINVAL;
  if (st == LA_TCP_LISTEN) {
    la__sk_listener(p, k)->backlog = backlog_of(p, backlog);
    return 0;
  }
  if (k->lport == 0) {
    la_addr addr = k->addr_locked ? k->local : la__addr_any(k);
    err = la__sk_bind(p, k, &addr, 0);
    if (err)
      return err;
  } else if (!la__sk_bind_again(p, k)) {
    return -LA_POSIX_EADDRINUSE;
  }
  la_listen_opts o = {.addr = k->local, .port = k->lport, .link = k->link, .backlog = backlog_of(p, backlog), .user = k};
  o.reuse_addr = k->o.v[O_REUSEADDR];
  o.reuse_port = k->o.v[O_REUSEPORT];
  err = la_listen(p->s, &o, &k->listener);
  if (err != LA_OK)
    return -la__errno(err);
  return la__sk_options_apply(p, k);
}

/* ACCEPT */
static void take_names(la_posix *p, struct psock *k) {
  la_info_rec i;
  if (la_info(p->s, k->conn, &i) != LA_OK)
    return;
  k->local = i.local;
  k->remote = i.remote;
  k->lport = i.local_port;
  k->rport = i.remote_port;
  k->link = i.link;
}

int la_posix_accept4(la_posix *p, int fd, la_sockaddr *addr, int flags, la_posix_wait *w) {
  struct psock *k;
  if (flags & ~(LA_SOCK_NONBLOCK | LA_SOCK_CLOEXEC))
    return -LA_POSIX_EINVAL;
  int err = la__fd_sock(p, fd, &k);
  if (!err)
    err = la__resume(&k->f, w);
  if (err)
    return err;
  if (k->dgram)
    return -LA_POSIX_EOPNOTSUPP;
  la__posix_events(p);
  const struct listener *l = la__sk_listener(p, k);
  if (!l)
    return -LA_POSIX_EINVAL;
  if (l->head == REF_NONE)
    return la__block(p, &k->f, fd, LA_POLLIN, false, k->o.rcvtimeo, -LA_POSIX_EAGAIN, w);
  struct psock *n = la__sk_new(p, k->family);
  if (!n)
    return -LA_POSIX_ENOMEM;
  int got = socket_fd(p, n, flags);
  if (got < 0) {
    la__sk_del(p, n); /* the connection waits on */
    return got;
  }
  la_accept(p->s, k->listener, n, &n->conn);
  n->o = k->o;
  n->phase = CONNECTED;
  n->port_locked = true;
  take_names(p, n);
  la__posix_events(p); /* it may have ended while it waited: it is given out all the same, as on Linux */
  if (addr)
    la__addr_out(n, &n->remote, n->rport, addr);
  return got;
}

int la_posix_accept(la_posix *p, int fd, la_sockaddr *addr, la_posix_wait *w) { return la_posix_accept4(p, fd, addr, 0, w); }

/* CONNECT */
static void forget_conn(la_posix *p, struct psock *k) {
  struct conn *c = la__sk_conn(p, k);
  if (c)
    c->owner.user = 0;
  k->conn = (la_conn){0};
  k->ended = false;
}

/* tcp_disconnect: a new socket, but for what was bound and set. */
int la__sk_disconnect(la_posix *p, struct psock *k) {
  int st = la__sk_state(p, k);
  la_conn c = k->conn;
  if (st == LA_TCP_LISTEN) {
    la_listener_close(p->s, k->listener, p->now);
    k->listener = (la_listener){0};
  }
  forget_conn(p, k);
  if (c.gen)
    la_abort(p->s, c, p->now);
  if (st != LA_TCP_CLOSE && st != LA_TCP_LISTEN && st != LA_TCP_CLOSING && st != LA_TCP_LAST_ACK)
    k->err = LA_POSIX_ECONNRESET;
  k->shut = 0;
  k->rport = 0;
  k->remote = (la_addr){0};
  if (!k->port_locked)
    la__sk_unbind(p, k);
  if (!k->addr_locked)
    k->local = la__addr_any(k);
  la__posix_events(p);
  la__wake(&k->f, 0);
  return 0;
}

static int connect_start(la_posix *p, struct psock *k, const la_sockaddr *in) {
  la_connect_opts o = {.user = k, .reuse_addr = k->o.v[O_REUSEADDR] != 0, .local_port = k->lport};
  int err = la__addr_in(k, in, &o.remote);
  if (err)
    return err;
  if (in->port == 0) /* Linux asks the peer, which refuses */
    return -LA_POSIX_ECONNREFUSED;
  o.remote_port = in->port;
  o.link = la__addr_link_local(&o.remote) ? in->scope ? in->scope : k->link : 0;
  if (!la__addr_unspecified(&k->local))
    o.local = k->local;
  err = la_connect(p->s, &o, &k->conn, p->now);
  if (err == LA_EADDRINUSE)
    return -LA_POSIX_EADDRNOTAVAIL;
  if (err == LA_EINVAL)
    return -LA_POSIX_ENETUNREACH;
  if (err != LA_OK)
    return -la__errno(err);
  take_names(p, k);
  k->err = 0;
  err = la__sk_options_apply(p, k);
  if (err)
    la__sk_disconnect(p, k);
  else
    k->phase = CONNECTING;
  return err;
}

/* The tail of __inet_stream_connect; err: what to say while it is under way. */
static int connect_result(la_posix *p, struct psock *k, int fd, int err, la_posix_wait *w) {
  int st = la__sk_state(p, k);
  if (st == LA_TCP_SYN_SENT || st == LA_TCP_SYN_RECV)
    return la__block(p, &k->f, fd, LA_POLLOUT, false, k->o.sndtimeo, err, w);
  if (st != LA_TCP_CLOSE) {
    k->phase = CONNECTED;
    return 0;
  }
  int e = la__sk_take_error(k);
  k->phase = UNCONNECTED;
  la__sk_disconnect(p, k);
  return e ? -e : -LA_POSIX_ECONNABORTED;
}

int la_posix_connect(la_posix *p, int fd, const la_sockaddr *addr, la_posix_wait *w) {
  struct psock *k;
  int err = la__fd_sock(p, fd, &k);
  if (!err)
    err = la__resume(&k->f, w);
  if (err)
    return err;
  la__posix_events(p);
  if (w && w->began)
    return connect_result(p, k, fd, -LA_POSIX_EINPROGRESS, w);
  if (!addr)
    return -LA_POSIX_EFAULT;
  if (k->dgram)
    return la__dg_connect(p, k, addr);
  if (addr->family == LA_AF_UNSPEC) {
    k->phase = UNCONNECTED;
    return la__sk_disconnect(p, k);
  }
  switch (k->phase) {
  case CONNECTED:
    return -LA_POSIX_EISCONN;
  case CONNECTING:
    return connect_result(p, k, fd, -LA_POSIX_EALREADY, w);
  case UNCONNECTED:
    if (sk_listening(k))
      return -LA_POSIX_EISCONN;
    err = connect_start(p, k, addr);
    return err ? err : connect_result(p, k, fd, -LA_POSIX_EINPROGRESS, w);
  default:
    return -LA_POSIX_EINVAL;
  }
}

/* Ending. */
int la_posix_shutdown(la_posix *p, int fd, int how) {
  struct psock *k;
  int err = la__fd_sock(p, fd, &k);
  if (err)
    return err;
  if (how < LA_SHUT_RD || how > LA_SHUT_RDWR)
    return -LA_POSIX_EINVAL;
  la__posix_events(p);
  unsigned bits = (unsigned)how + 1; /* SHUT_RCV, SHUT_SND, SHUT_BOTH */
  if (k->dgram)
    return la__dg_shutdown(k, bits);
  int st = la__sk_state(p, k);
  if (k->phase == CONNECTING)
    k->phase = st == LA_TCP_SYN_SENT || st == LA_TCP_SYN_RECV || st == LA_TCP_CLOSE ? DISCONNECTING : CONNECTED;
  if (st == LA_TCP_SYN_SENT || (st == LA_TCP_LISTEN && bits & SHUT_RCV)) {
    k->phase = UNCONNECTED;
    return la__sk_disconnect(p, k);
  }
  if (st != LA_TCP_LISTEN) {
    k->shut |= (uint8_t)bits;
    if (st != LA_TCP_CLOSE && bits & SHUT_RCV)
      la_shutdown_read(p->s, k->conn);
    if (st != LA_TCP_CLOSE && bits & SHUT_SND)
      la_shutdown(p->s, k->conn, p->now);
  }
  la__posix_events(p);
  la__wake(&k->f, 0);
  return st == LA_TCP_CLOSE ? -LA_POSIX_ENOTCONN : 0;
}

/* SO_LINGER with a time: Linux waits for it whatever O_NONBLOCK says, and returns 0 however it ends. */
static int linger(la_posix *p, const struct psock *k, la_conn c, la_posix_wait *w) {
  la_info_rec i;
  if (!w || !k->o.linger.onoff || k->o.linger.linger <= 0 || la_info(p->s, c, &i) != LA_OK)
    return 0;
  if (i.state != LA_FIN_WAIT_1 && i.state != LA_CLOSING && i.state != LA_LAST_ACK)
    return 0;
  *w = (la_posix_wait){.fd = -1, .began = 1, .conn = c};
  w->until = p->now + (la_time)k->o.linger.linger * LA_SEC;
  return LA_POSIX_BLOCKED;
}

int la__sk_close(la_posix *p, struct psock *k, la_posix_wait *w) {
  la_conn c = k->conn;
  int result = 0;
  la__dg_close(p, k);
  if (sk_listening(k))
    la_listener_close(p->s, k->listener, p->now);
  forget_conn(p, k);
  if (c.gen) {
    if (k->o.linger.onoff && k->o.linger.linger == 0)
      la_abort(p->s, c, p->now);
    else
      la_close(p->s, c, p->now);
    la__posix_events(p);
    result = linger(p, k, c, w);
  }
  la__sk_del(p, k);
  return result;
}
