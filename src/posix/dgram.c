/* SPDX-License-Identifier: MIT */
/*
 * Datagram sockets over the stack's UDP. The stack's socket is made when there is a port: by bind, or by the first connect or send, which
 * take an ephemeral one. An ICMP error is told to the next call where Linux tells it: to a connected socket if it is one that means that
 * nobody is there, and to any with IP_RECVERR.
 */
#include "posix/posix.h"

#include "base/bytes.h"

enum { DATAGRAM_MOST = 65535 };

static struct udp_sock *sock_of(const la_posix *p, const struct psock *k) { return la__udp_handle(&p->s->udp, k->udp); }

int la__dg_bind(la_posix *p, struct psock *k, const la_addr *addr, uint16_t port) {
  la_udp_opts o = {.addr = *addr, .port = port, .link = k->link, .reuse_addr = k->o.v[O_REUSEADDR] != 0, .user = k};
  o.reuse_port = k->o.v[O_REUSEPORT] != 0;
  int err = la_udp_open(p->s, &o, &k->udp);
  if (err == LA_EADDRNOTAVAIL) /* the address is ours: there is no ephemeral port left */
    err = LA_EADDRINUSE;
  if (err != LA_OK)
    return -la__errno(err);
  return -la__errno(la_udp_local(p->s, k->udp, &k->local, &k->lport));
}

static int autobind(la_posix *p, struct psock *k) {
  la_addr any = la__addr_any(k);
  return k->udp.gen ? 0 : la__dg_bind(p, k, k->addr_locked ? &k->local : &any, 0);
}

static int disconnect(la_posix *p, struct psock *k) {
  k->rport = 0;
  k->remote = (la_addr){0};
  k->phase = UNCONNECTED;
  if (!k->port_locked) {
    la__dg_close(p, k);
    k->lport = 0;
  } else {
    la_udp_connect(p->s, k->udp, 0, 0);
  }
  if (!k->addr_locked) {
    struct udp_sock *u = sock_of(p, k);
    k->local = la__addr_any(k);
    if (u)
      u->addr = k->local;
  }
  return 0;
}

int la__dg_connect(la_posix *p, struct psock *k, const la_sockaddr *in) {
  la_addr to;
  if (in->family == LA_AF_UNSPEC)
    return disconnect(p, k);
  int err = la__addr_in(k, in, &to);
  if (!err)
    err = autobind(p, k);
  if (err)
    return err;
  struct udp_sock *u = sock_of(p, k);
  if (!k->addr_locked) /* the way there chooses anew */
    u->addr = la__addr_any(k);
  if (la__addr_link_local(&to) && in->scope && !k->link)
    u->link = (uint8_t)in->scope;
  err = la_udp_connect(p->s, k->udp, &to, in->port);
  if (err != LA_OK)
    return err == LA_EINVAL && la__addr_broadcast(&to) ? -LA_POSIX_EACCES : -la__errno(err);
  k->local = u->addr;
  k->remote = to;
  k->rport = in->port;
  k->phase = CONNECTED;
  return 0;
}

void la__dg_close(la_posix *p, struct psock *k) {
  if (k->udp.gen)
    la_udp_close(p->s, k->udp);
  k->udp = (la_udp){0};
}

int la__dg_shutdown(struct psock *k, unsigned bits) {
  k->shut |= (uint8_t)bits;
  la__wake(&k->f, 0);
  return k->phase == CONNECTED ? 0 : -LA_POSIX_ENOTCONN;
}

/* Sending. One piece of memory: the caller's own when it is one. NULL: memory, or a bad address. */
static void *gathered(la_posix *p, const struct dg_msg *m, int *err) {
  *err = -LA_POSIX_EFAULT;
  for (size_t i = 0; i < m->niov; i++)
    if (m->iov[i].len && !m->iov[i].base)
      return 0;
  if (m->niov == 1)
    return m->iov[0].base;
  uint8_t *all = la__posix_alloc(p, m->total ? m->total : 1);
  *err = -LA_POSIX_ENOBUFS;
  size_t at = 0;
  for (size_t i = 0; all && i < m->niov; at += m->iov[i].len, i++)
    if (m->iov[i].len)
      memcpy(all + at, m->iov[i].base, m->iov[i].len);
  return all;
}

static int send_error(int err, const la_addr *to) {
  if (err == LA_ENOMEM)
    return -LA_POSIX_ENOBUFS;
  if (err == LA_EINVAL && to && la__addr_broadcast(to))
    return -LA_POSIX_EACCES;
  return -la__errno(err);
}

static int destination(const struct psock *k, const la_sockaddr *to, la_addr *addr) {
  if (!to)
    return k->rport ? 0 : -LA_POSIX_EDESTADDRREQ;
  if (to->port == 0)
    return -LA_POSIX_EINVAL;
  la_sockaddr sa = *to;
  if (sa.family == LA_AF_UNSPEC && k->family == LA_AF_INET)
    sa.family = LA_AF_INET;
  return la__addr_in(k, &sa, addr);
}

ptrdiff_t la__dg_send(la_posix *p, struct psock *k, const struct dg_msg *m, const la_sockaddr *to, la_posix_wait *w) {
  la_addr addr;
  if (m->flags & LA_MSG_OOB)
    return -LA_POSIX_EOPNOTSUPP;
  if (m->total > DATAGRAM_MOST)
    return -LA_POSIX_EMSGSIZE;
  int err = destination(k, to, &addr);
  if (!err && k->shut & SHUT_SND)
    err = -LA_POSIX_EPIPE;
  if (!err)
    err = -la__sk_take_error(k);
  if (!err)
    err = autobind(p, k);
  if (err)
    return err;
  void *data = gathered(p, m, &err);
  if (!data && m->total)
    return err;
  bool six = to ? addr.family == 6 : k->remote.family == 6;
  int ttl = k->o.v[six ? O_HOPS : O_TTL];
  struct udp_marks marks = {ttl < 0 ? p->s->tcp.cfg.ttl : (uint8_t)ttl, (uint8_t)k->o.v[six ? O_TCLASS : O_TOS]};
  err = la__udp_send(p->s, k->udp, to ? &addr : 0, to ? to->port : 0, data, m->total, &marks);
  if (m->niov != 1)
    la__posix_free(p, data, m->total ? m->total : 1);
  if (err == LA_AGAIN)
    return la__block(p, &k->f, m->fd, LA_POLLOUT, m->flags & LA_MSG_DONTWAIT, k->o.sndtimeo, -LA_POSIX_EAGAIN, w);
  return err == LA_OK ? (ptrdiff_t)m->total : send_error(err, to ? &addr : 0);
}

/* Receiving. */
static ptrdiff_t scatter(const struct udp_sock *u, const struct dg_msg *m, size_t len) {
  size_t at = 0;
  for (size_t i = 0; i < m->niov && at < len; i++) {
    if (m->iov[i].len && !m->iov[i].base)
      return -LA_POSIX_EFAULT;
    at += la__udp_copy(u, at, m->iov[i].base, m->iov[i].len);
  }
  return (ptrdiff_t)at;
}

ptrdiff_t la__dg_recv(la_posix *p, struct psock *k, struct dg_msg *m, la_sockaddr *from, la_posix_wait *w) {
  struct udp_sock *u = sock_of(p, k);
  la_udp_from f;
  m->out = 0;
  if (m->flags & LA_MSG_ERRQUEUE)
    return -LA_POSIX_EAGAIN;
  if (m->flags & LA_MSG_OOB)
    return -LA_POSIX_EOPNOTSUPP;
  if (k->err)
    return -la__sk_take_error(k);
  if (!u || !la__udp_next(u, &f)) {
    ptrdiff_t r = la__block(p, &k->f, m->fd, LA_POLLIN, m->flags & LA_MSG_DONTWAIT, k->o.rcvtimeo, -LA_POSIX_EAGAIN, w);
    return r == LA_POSIX_BLOCKED && k->shut & SHUT_RCV ? 0 : r;
  }
  ptrdiff_t n = scatter(u, m, f.len);
  if (!(m->flags & LA_MSG_PEEK))
    la__udp_drop(&p->s->udp, u);
  if (n < 0)
    return n;
  if (from) {
    la__addr_out(k, &f.addr, f.port, from);
    from->scope = la__addr_link_local(&f.addr) ? f.link : 0;
  }
  if ((size_t)n < f.len)
    m->out |= LA_MSG_TRUNC;
  return m->flags & LA_MSG_TRUNC ? (ptrdiff_t)f.len : n;
}

/* FIONREAD: of the next datagram alone. */
uint32_t la__dg_next(const la_posix *p, const struct psock *k) {
  const struct udp_sock *u = sock_of(p, k);
  la_udp_from f;
  return u && la__udp_next(u, &f) ? (uint32_t)f.len : 0;
}

int la__dg_readiness(const la_posix *p, const struct psock *k) {
  const struct udp_sock *u = sock_of(p, k);
  la_udp_from f;
  int mask = u && la__udp_next(u, &f) ? LA_POLLIN | LA_POLLRDNORM : 0;
  if (!u || !u->write_armed)
    mask |= LA_POLLOUT | LA_POLLWRNORM | LA_POLLWRBAND;
  if (k->shut & SHUT_RCV)
    mask |= LA_POLLIN | LA_POLLRDNORM | LA_POLLRDHUP;
  if (k->shut == SHUT_BOTH)
    mask |= LA_POLLHUP;
  return k->err ? mask | LA_POLLERR : mask;
}

void la__dg_event(la_posix *p, struct psock *k, const la_event *e) {
  struct udp_sock *u = sock_of(p, k);
  switch (e->type) {
  case LA_EVENT_UDP_READABLE:
    if (u)
      u->read_armed = true; /* every arrival is of interest to epoll */
    la__wake(&k->f, LA_POLLIN | LA_POLLRDNORM);
    break;
  case LA_EVENT_UDP_WRITABLE:
    la__wake(&k->f, LA_POLLOUT | LA_POLLWRNORM | LA_POLLWRBAND);
    break;
  default:
    if (!(k->o.v[e->remote.family == 6 ? O_RECVERR6 : O_RECVERR] || (k->rport && e->err == LA_ECONNREFUSED)))
      return;
    k->err = la__errno(e->err);
    la__wake(&k->f, 0);
    break;
  }
}
