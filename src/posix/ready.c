/* SPDX-License-Identifier: MIT */
/*
 * What a socket is in, by Linux's reckoning; what it is ready for; what the stack's events mean to it; and when a call blocks.
 *
 * A connection that has ended is CLOSE to its socket, in TIME-WAIT too: there the record alone stays, as Linux's does.
 */
#include "posix/posix.h"

#include "base/bytes.h"

enum {
  IN_BITS = LA_POLLIN | LA_POLLRDNORM,
  OUT_BITS = LA_POLLOUT | LA_POLLWRNORM,
};

struct conn *la__sk_conn(const la_posix *p, const struct psock *k) {
  return k->conn.gen ? la__conn_handle(&p->s->tcp, k->conn) : 0;
}

struct listener *la__sk_listener(const la_posix *p, const struct psock *k) {
  struct listener *l = k->listener.gen ? la__listener_at(&p->s->tcp, k->listener.index) : 0;
  return l && l->gen == k->listener.gen ? l : 0;
}

int la__sk_state(const la_posix *p, const struct psock *k) {
  static const uint8_t of[LA_STATES] = {
    [LA_CLOSED] = LA_TCP_CLOSE,          [LA_LISTEN] = LA_TCP_LISTEN,           [LA_SYN_SENT] = LA_TCP_SYN_SENT,
    [LA_SYN_RECEIVED] = LA_TCP_SYN_RECV, [LA_ESTABLISHED] = LA_TCP_ESTABLISHED, [LA_FIN_WAIT_1] = LA_TCP_FIN_WAIT1,
    [LA_FIN_WAIT_2] = LA_TCP_FIN_WAIT2,  [LA_CLOSE_WAIT] = LA_TCP_CLOSE_WAIT,   [LA_CLOSING] = LA_TCP_CLOSING,
    [LA_LAST_ACK] = LA_TCP_LAST_ACK,     [LA_TIME_WAIT] = LA_TCP_CLOSE,
  };
  if (sk_listening(k))
    return LA_TCP_LISTEN;
  const struct conn *c = la__sk_conn(p, k);
  return c && !(c->flags & CF_ENDED) ? of[c->state] : LA_TCP_CLOSE;
}

unsigned la__sk_shut(const la_posix *p, const struct psock *k) {
  const struct conn *c = la__sk_conn(p, k);
  if (k->ended)
    return SHUT_BOTH;
  return k->shut | (c && c->flags & CF_FIN_RCVD ? SHUT_RCV : 0u);
}

uint32_t la__sk_unread(const la_posix *p, const struct psock *k) {
  const struct conn *c = la__sk_conn(p, k);
  return c && c->rcvq ? c->rcvq->rope.len : 0;
}

int la__sk_take_error(struct psock *k) {
  int e = k->err;
  k->err = 0;
  return e;
}

/* SO_RCVLOWAT, or what the call wants if that is less; never more than can ever be there. */
uint32_t la__sk_lowat(const la_posix *p, const struct psock *k, size_t want) {
  const struct conn *c = la__sk_conn(p, k);
  uint32_t low = (uint32_t)k->o.v[O_RCVLOWAT];
  if (c && low > c->rcvbuf)
    low = c->rcvbuf;
  if (want < low)
    low = (uint32_t)want;
  return low ? low : 1;
}

/* Linux's rule: a third of the buffer is free. Who hears no wants to hear when that changes. */
static bool writable(struct conn *c) {
  uint32_t queued = c->sndq ? c->sndq->spool.len : 0;
  if (queued < c->sndbuf && c->sndbuf - queued >= queued / 2 && la__unsent_low(c))
    return true;
  c->flags |= CF_WRITE_ARMED;
  return false;
}

/* Linux's tcp_poll. */
int la__sk_readiness(const la_posix *p, const struct psock *k) {
  if (k->dgram)
    return la__dg_readiness(p, k);
  int st = la__sk_state(p, k), mask = 0;
  if (st == LA_TCP_LISTEN) {
    const struct listener *l = la__sk_listener(p, k);
    return l && l->head != REF_NONE ? IN_BITS : 0;
  }
  unsigned shut = la__sk_shut(p, k);
  if (shut == SHUT_BOTH || st == LA_TCP_CLOSE)
    mask |= LA_POLLHUP;
  if (shut & SHUT_RCV)
    mask |= IN_BITS | LA_POLLRDHUP;
  if (st != LA_TCP_SYN_SENT && st != LA_TCP_SYN_RECV) {
    struct conn *c = la__sk_conn(p, k);
    if (la__sk_readable(p, k) >= la__sk_lowat(p, k, SIZE_MAX))
      mask |= IN_BITS;
    if (la__sk_oob_ready(p, k))
      mask |= LA_POLLPRI;
    if (shut & SHUT_SND || !c || writable(c))
      mask |= OUT_BITS;
  }
  if (k->err || k->zc_waits)
    mask |= LA_POLLERR;
  return mask;
}

int la__file_readiness(la_posix *p, struct file *f) {
  if (f->kind == FILE_SOCKET)
    return la__sk_readiness(p, (const struct psock *)f);
  return la__epoll_ready(p, (struct epoll *)f) ? IN_BITS : 0;
}

int la_posix_readiness(la_posix *p, int fd) {
  struct file *f = la__fd_file(p, fd);
  if (!f)
    return -LA_POSIX_EBADF;
  la__posix_events(p);
  return la__file_readiness(p, f);
}

/* Edges: the stack tells READABLE and ACCEPT once, then only when it was asked again; epoll wants every arrival. */
static void accept_event(la_posix *p, struct psock *k) {
  struct listener *l = la__sk_listener(p, k);
  if (l)
    l->armed = true;
  la__wake(&k->f, IN_BITS);
}

static void readable_event(la_posix *p, struct psock *k) {
  struct conn *c = la__sk_conn(p, k);
  if (c)
    c->flags |= CF_READ_ARMED;
  la__wake(&k->f, IN_BITS | LA_POLLPRI);
}

/* With IP_RECVERR an error that is not fatal is told as well. */
static void trouble_event(struct psock *k, int soft) {
  bool mapped = k->family == LA_AF_INET6 && k->remote.family == 6;
  if (!k->o.v[mapped ? O_RECVERR6 : O_RECVERR] || soft == LA_ETIMEDOUT)
    return;
  k->err = la__errno(soft);
  la__wake(&k->f, 0);
}

static void end_event(struct psock *k, const la_end *end) {
  k->ended = true;
  if (end->err != LA_OK)
    k->err = la__errno_end(end);
  la__wake(&k->f, 0);
}

void la__posix_events(la_posix *p) {
  la_event e;
  while (la_events(p->s, &e, 1)) {
    struct psock *k = e.user;
    if (!k || e.type == LA_EVENT_RELEASED) /* the latter's `user` is none of ours */
      continue;
    switch (e.type) {
    case LA_EVENT_ACCEPT:
      accept_event(p, k);
      break;
    case LA_EVENT_READABLE:
      readable_event(p, k);
      break;
    case LA_EVENT_WRITABLE:
      la__wake(&k->f, OUT_BITS | LA_POLLWRBAND);
      break;
    case LA_EVENT_UDP_READABLE:
    case LA_EVENT_UDP_WRITABLE:
    case LA_EVENT_UDP_ERROR:
      la__dg_event(p, k, &e);
      break;
    case LA_EVENT_URGENT:
      la__wake(&k->f, LA_POLLPRI);
      break;
    case LA_EVENT_TROUBLE:
      trouble_event(k, e.err);
      break;
    case LA_EVENT_END:
      end_event(k, &e.end);
      break;
    default: /* ESTABLISHED, PEER_FIN */
      la__wake(&k->f, 0);
      break;
    }
  }
}

/* Blocking. */
int la__resume(const struct file *f, const la_posix_wait *w) { return w && w->began && w->gen != f->gen ? -LA_POSIX_EBADF : 0; }

int la__block(la_posix *p, const struct file *f, int fd, int events, bool dontwait, la_time timeout, int err, la_posix_wait *w) {
  if (!w || dontwait || f->nonblock)
    return err;
  if (!w->began) {
    w->began = 1;
    w->gen = f->gen;
    w->until = timeout && timeout < LA_NEVER - p->now ? p->now + timeout : LA_NEVER;
  } else if (p->now >= w->until) {
    return err;
  }
  w->fd = fd;
  w->events = events;
  return LA_POSIX_BLOCKED;
}

bool la_posix_due(la_posix *p, const la_posix_wait *w) {
  la__posix_events(p);
  if (p->now >= w->until)
    return true;
  if (w->conn.gen) { /* close */
    la_info_rec i;
    return la_info(p->s, w->conn, &i) != LA_OK || (i.state != LA_FIN_WAIT_1 && i.state != LA_CLOSING && i.state != LA_LAST_ACK);
  }
  struct file *f = la__fd_file(p, w->fd);
  if (w->fd < 0 || !f || f->gen != w->gen)
    return true;
  int bits = la__file_readiness(p, f);
  return (bits & (w->events | LA_POLLERR | LA_POLLHUP)) != 0 || (w->events & LA_POLLIN && bits & LA_POLLRDHUP);
}

/* poll */
int la_posix_poll(la_posix *p, la_pollfd *fds, size_t n, int timeout, la_posix_wait *w) {
  int count = 0;
  if (!fds && n)
    return -LA_POSIX_EFAULT;
  la__posix_events(p);
  for (size_t i = 0; i < n; i++) {
    fds[i].revents = 0;
    if (fds[i].fd < 0)
      continue;
    struct file *f = la__fd_file(p, fds[i].fd);
    int mask = f ? la__file_readiness(p, f) & (fds[i].events | LA_POLLERR | LA_POLLHUP) : LA_POLLNVAL;
    fds[i].revents = (short)mask;
    count += mask != 0;
  }
  if (count || timeout == 0 || !w)
    return count;
  if (!w->began) {
    w->began = 1;
    w->until = timeout < 0 ? LA_NEVER : p->now + (la_time)timeout * LA_MS;
  } else if (p->now >= w->until) {
    return 0;
  }
  w->fd = -1;
  w->events = 0;
  return LA_POSIX_BLOCKED;
}
