/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out of a stream, in the order in which Linux's tcp_sendmsg and tcp_recvmsg look at things: the error that is still to
 * be told, then what is shut down, then whether the call may wait. A call that has moved bytes returns their number; what stopped it
 * is told to the next one.
 */
#include "posix/posix.h"

#include "base/bytes.h"

enum { IOV_MOST = 1024, SCRATCH = 512 };

/* One call as it stands. */
struct io {
  la_posix *p;
  struct psock *k;
  int fd, flags;
  const la_iovec *iov;
  size_t niov, total, done; /* done: with what earlier rounds of a blocking call moved */
  bool hole, at_mark;       /* the urgent byte was peeked past; the next byte is it */
  la_posix_wait *w;
};

static int io_start(struct io *io, la_posix *p, int fd, const la_iovec *iov, size_t niov, int flags, la_posix_wait *w) {
  *io = (struct io){.p = p, .fd = fd, .flags = flags, .iov = iov, .niov = niov, .w = w};
  int err = la__fd_sock(p, fd, &io->k);
  if (!err)
    err = la__resume(&io->k->f, w);
  if (err)
    return err;
  if (niov && !iov)
    return -LA_POSIX_EFAULT;
  for (size_t i = 0; i < niov; i++) {
    if (iov[i].len > PTRDIFF_MAX - io->total)
      return -LA_POSIX_EINVAL;
    io->total += iov[i].len;
  }
  io->done = w && w->began ? w->done : 0;
  la__posix_events(p);
  return 0;
}

/* What lies `done` bytes into the vector, in one piece. false: nothing more. */
static bool io_piece(const struct io *io, void **base, size_t *len) {
  size_t skip = io->done;
  for (size_t i = 0; i < io->niov; i++) {
    if (skip < io->iov[i].len) {
      *base = io->iov[i].base ? (char *)io->iov[i].base + skip : NULL;
      *len = io->iov[i].len - skip;
      return true;
    }
    skip -= io->iov[i].len;
  }
  return false;
}

/* The call ends here, or waits. What was moved counts more than what stopped it. */
static ptrdiff_t io_stop(const struct io *io, int err) { return io->done ? (ptrdiff_t)io->done : err; }

static ptrdiff_t io_wait(struct io *io, int events, la_time timeout) {
  int r = la__block(io->p, &io->k->f, io->fd, events, io->flags & LA_MSG_DONTWAIT, timeout, -LA_POSIX_EAGAIN, io->w);
  if (r == LA_POSIX_BLOCKED) {
    io->w->done = io->done;
    return r;
  }
  return io_stop(io, r);
}

/* Sending. */
static int broken_pipe(struct psock *k) {
  int e = la__sk_take_error(k);
  return e ? -e : -LA_POSIX_EPIPE;
}

static ptrdiff_t send_bytes(struct io *io) {
  struct psock *k = io->k;
  void *base;
  size_t len;
  while (io_piece(io, &base, &len)) {
    if (!base)
      return io_stop(io, -LA_POSIX_EFAULT);
    la__tcp_more(&io->p->s->tcp, la__sk_conn(io->p, k), io->flags & LA_MSG_MORE);
    ptrdiff_t n = la_send(io->p->s, k->conn, base, len);
    if (n == LA_AGAIN)
      return io_wait(io, LA_POLLOUT, k->o.sndtimeo);
    if (n < 0)
      return io_stop(io, n == LA_ENOMEM ? -LA_POSIX_ENOBUFS : -LA_POSIX_EPIPE);
    io->done += (size_t)n;
  }
  if (io->flags & LA_MSG_EOR)
    la_send_mark(io->p->s, k->conn); /* all of it is queued; without memory the record's end is not kept */
  return (ptrdiff_t)io->done;
}

static ptrdiff_t stream_send(struct io *io) {
  struct psock *k = io->k;
  if (io->flags & (LA_MSG_OOB | LA_MSG_FASTOPEN))
    return -LA_POSIX_EOPNOTSUPP;
  int st = la__sk_state(io->p, k);
  if (st != LA_TCP_ESTABLISHED && st != LA_TCP_CLOSE_WAIT) {
    if (k->err || (st != LA_TCP_SYN_SENT && st != LA_TCP_SYN_RECV))
      return io->done ? (ptrdiff_t)io->done : broken_pipe(k);
    return io_wait(io, LA_POLLOUT, k->o.sndtimeo);
  }
  if (k->err || la__sk_shut(io->p, k) & SHUT_SND)
    return io->done ? (ptrdiff_t)io->done : broken_pipe(k);
  return send_bytes(io);
}

/* What a datagram socket makes of the call. */
static struct dg_msg dg_msg(const struct io *io) {
  return (struct dg_msg){.fd = io->fd, .flags = io->flags, .iov = io->iov, .niov = io->niov, .total = io->total};
}

static ptrdiff_t any_send(struct io *io, const la_sockaddr *to) {
  struct dg_msg m = dg_msg(io);
  if (io->k->dgram)
    return la__dg_send(io->p, io->k, &m, to, io->w);
  ptrdiff_t n = stream_send(io); /* a stream knows where it goes */
  if (n > 0 && io->flags & LA_MSG_ZEROCOPY)
    la__zerocopy_done(io->k);
  return n;
}

ptrdiff_t la_posix_sendto(la_posix *p, int fd, const void *data, size_t n, int flags, const la_sockaddr *to, la_posix_wait *w) {
  la_iovec v = {(void *)(uintptr_t)data, n}; /* only read from */
  struct io io;
  int err = io_start(&io, p, fd, &v, 1, flags, w);
  return err ? err : any_send(&io, to);
}

ptrdiff_t la_posix_send(la_posix *p, int fd, const void *data, size_t n, int flags, la_posix_wait *w) {
  return la_posix_sendto(p, fd, data, n, flags, 0, w);
}

ptrdiff_t la_posix_sendmsg(la_posix *p, int fd, const la_msghdr *msg, int flags, la_posix_wait *w) {
  struct io io;
  if (!msg)
    return -LA_POSIX_EFAULT;
  if (msg->iovlen > IOV_MOST)
    return -LA_POSIX_EMSGSIZE;
  int err = io_start(&io, p, fd, msg->iov, msg->iovlen, flags, w);
  return err ? err : any_send(&io, msg->name);
}

ptrdiff_t la_posix_write(la_posix *p, int fd, const void *data, size_t n, la_posix_wait *w) {
  int err = !la__fd_file(p, fd) ? -LA_POSIX_EBADF : la__fd_file(p, fd)->kind != FILE_SOCKET ? -LA_POSIX_EINVAL : 0;
  return err ? err : la_posix_sendto(p, fd, data, n, 0, 0, w);
}

ptrdiff_t la_posix_writev(la_posix *p, int fd, const la_iovec *iov, int iovcnt, la_posix_wait *w) {
  struct io io;
  if (iovcnt < 0 || iovcnt > IOV_MOST)
    return la__fd_file(p, fd) ? -LA_POSIX_EINVAL : -LA_POSIX_EBADF;
  int err = io_start(&io, p, fd, iov, (size_t)iovcnt, 0, w);
  return err == -LA_POSIX_ENOTSOCK ? -LA_POSIX_EINVAL : err ? err : any_send(&io, 0);
}

/* Receiving. */
static ptrdiff_t take(struct io *io, size_t skip, void *dst, size_t n) {
  char scratch[SCRATCH];
  if (io->flags & LA_MSG_TRUNC) { /* counted and thrown away */
    dst = scratch;
    n = n < sizeof scratch ? n : sizeof scratch;
  }
  return io->flags & LA_MSG_PEEK ? la_peek(io->p->s, io->k->conn, skip, dst, n) : la_recv(io->p->s, io->k->conn, dst, n);
}

/* At the mark with nothing moved yet: the urgent byte is left out. false: it is in line. */
static bool pass_mark(struct io *io) {
  char c;
  if (io->k->o.v[O_OOBINLINE])
    return false;
  if (io->flags & LA_MSG_PEEK)
    io->hole = true;
  else
    la_recv(io->p->s, io->k->conn, &c, 1);
  io->at_mark = false;
  return true;
}

/* Moves what is there. `at`: where in the stream the vector's first byte is peeked. */
static int move_bytes(struct io *io) {
  void *base;
  size_t len;
  while (io_piece(io, &base, &len)) {
    size_t skip = io->flags & LA_MSG_PEEK ? io->done + io->hole : 0;
    uint32_t mark = la__sk_mark(io->p, io->k);
    if (la__sk_unread(io->p, io->k) <= skip)
      return 0;
    if (mark != NO_MARK && skip == mark) {
      io->at_mark = true;
      if (io->done)
        return 0;
      if (pass_mark(io))
        continue;
    } else if (mark != NO_MARK && skip < mark && len > mark - skip) {
      len = mark - skip;
    }
    if (!base && !(io->flags & LA_MSG_TRUNC))
      return -LA_POSIX_EFAULT;
    ptrdiff_t n = take(io, skip, base, len);
    if (n <= 0)
      return 0;
    io->done += (size_t)n;
  }
  return 0;
}

static ptrdiff_t stream_recv(struct io *io) {
  struct psock *k = io->k;
  int st = la__sk_state(io->p, k);
  if (io->flags & LA_MSG_ERRQUEUE)
    return io->k->zc_waits ? 0 : -LA_POSIX_EAGAIN;
  if (st == LA_TCP_LISTEN)
    return -LA_POSIX_ENOTCONN;
  if (io->flags & LA_MSG_OOB)
    return la__sk_recv_oob(io->p, k, io->niov ? io->iov[0].base : 0, io->niov ? io->iov[0].len : 0, io->flags & LA_MSG_PEEK);
  if (io->total == 0 && la__sk_unread(io->p, k))
    return 0;
  if (io->flags & LA_MSG_PEEK)
    io->done = 0; /* the bytes are all still there */
  size_t target = io->flags & LA_MSG_WAITALL ? io->total : la__sk_lowat(io->p, k, io->total);
  int err = move_bytes(io);
  if (err || (io->done && (io->done >= target || io->at_mark)))
    return io_stop(io, err);
  bool over = k->err || st == LA_TCP_CLOSE || la__sk_shut(io->p, k) & SHUT_RCV;
  if (!over)
    return io_wait(io, LA_POLLIN, k->o.rcvtimeo);
  if (io->done)
    return (ptrdiff_t)io->done;
  const struct conn *c = la__sk_conn(io->p, k);
  if (c && c->flags & CF_FIN_RCVD) /* SOCK_DONE: the end of the stream comes before an error */
    return 0;
  int e = la__sk_take_error(k);
  if (e)
    return -e;
  return la__sk_shut(io->p, k) & SHUT_RCV ? 0 : -LA_POSIX_ENOTCONN;
}

/* The flags for recvmsg in *out. A stream has no sender to name. */
static ptrdiff_t any_recv(struct io *io, la_sockaddr *from, int *out) {
  struct dg_msg m = dg_msg(io);
  if (from)
    memset(from, 0, sizeof *from);
  if (!io->k->dgram)
    return stream_recv(io);
  ptrdiff_t n = la__dg_recv(io->p, io->k, &m, from, io->w);
  *out |= m.out;
  return n;
}

ptrdiff_t la_posix_recvfrom(la_posix *p, int fd, void *dst, size_t n, int flags, la_sockaddr *from, la_posix_wait *w) {
  la_iovec v = {dst, n};
  struct io io;
  int err = io_start(&io, p, fd, &v, 1, flags, w);
  if (err)
    return err;
  int out = 0;
  ptrdiff_t got = any_recv(&io, from, &out);
  if (got == 0 && flags & LA_MSG_ERRQUEUE)
    la__errqueue_take(io.k, 0, 0);
  return got;
}

ptrdiff_t la_posix_recv(la_posix *p, int fd, void *dst, size_t n, int flags, la_posix_wait *w) {
  return la_posix_recvfrom(p, fd, dst, n, flags, 0, w);
}

ptrdiff_t la_posix_recvmsg(la_posix *p, int fd, la_msghdr *msg, int flags, la_posix_wait *w) {
  struct io io;
  if (!msg)
    return -LA_POSIX_EFAULT;
  if (msg->iovlen > IOV_MOST)
    return -LA_POSIX_EMSGSIZE;
  int err = io_start(&io, p, fd, msg->iov, msg->iovlen, flags, w);
  if (err)
    return err;
  int out = 0;
  ptrdiff_t n = any_recv(&io, msg->name, &out);
  if (n >= 0) {
    size_t room = msg->controllen;
    msg->controllen = 0;
    msg->flags = out;
    if (flags & LA_MSG_ERRQUEUE)
      la__errqueue_take(io.k, msg, room);
    else
      la__put_inq(p, io.k, msg, room);
  }
  return n;
}

ptrdiff_t la_posix_read(la_posix *p, int fd, void *dst, size_t n, la_posix_wait *w) {
  la_iovec v = {dst, n};
  return la_posix_readv(p, fd, &v, 1, w);
}

/* Of nothing at all read returns 0 in every state, where recv looks (SVR4's habit, which Linux keeps). */
ptrdiff_t la_posix_readv(la_posix *p, int fd, const la_iovec *iov, int iovcnt, la_posix_wait *w) {
  struct io io;
  if (iovcnt < 0 || iovcnt > IOV_MOST)
    return la__fd_file(p, fd) ? -LA_POSIX_EINVAL : -LA_POSIX_EBADF;
  int err = io_start(&io, p, fd, iov, (size_t)iovcnt, 0, w);
  if (err)
    return err == -LA_POSIX_ENOTSOCK ? -LA_POSIX_EINVAL : err;
  int out = 0;
  return io.total ? any_recv(&io, 0, &out) : 0;
}
