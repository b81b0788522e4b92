/* SPDX-License-Identifier: MIT */
/*
 * Descriptors 0 and 1 belong to others too (a shell, the other end of a pair), so they are never made non-blocking. Input is
 * read once for each time that the loop says it is readable. Output: a terminal is opened anew; a socket is told at each call;
 * into a pipe go no more than PIPE_BUF bytes after poll has said that it takes some, which never blocks; a file blocks as
 * files do.
 */
#include "cli/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

void la__pump_init(struct pump *p) {
  struct stat st;
  p->in.fd = STDIN_FILENO;
  p->out.fd = STDOUT_FILENO;
  bool known = fstat(STDOUT_FILENO, &st) == 0;
  p->socket_out = known && S_ISSOCK(st.st_mode);
  if (known && S_ISCHR(st.st_mode)) {
    int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    p->own_out = fd >= 0;
    if (fd >= 0)
      p->out.fd = fd;
  }
}

static void on_ready(void *ctx, int fd) {
  struct pump *p = ctx;
  if (fd == p->in.fd)
    p->in.ready = true;
  else
    p->out.ready = true;
}

static void ignore(struct pump *p, struct pump_side *s) {
  if (s->watched)
    la_host_unwatch(p->host, s->fd);
  s->watched = false;
}

static void broken(struct pump *p, const char *what, const char *why) {
  la__fail(p->cmd, "%s: %s", what, why);
  p->failed = true;
}

/* false: it cannot be waited for, so it counts as ready. */
static bool watch(struct pump *p, struct pump_side *s) {
  if (!s->watched && !s->unwatched) {
    s->watched = la_host_watch(p->host, s->fd, on_ready, p);
    s->unwatched = !s->watched;
  }
  return s->watched;
}

/* ---- to the peer ---- */

static void end_input(struct pump *p) {
  p->in.over = true;
  ignore(p, &p->in);
}

static void read_input(struct pump *p) {
  struct pump_side *in = &p->in;
  ssize_t got;
  do
    got = read(in->fd, in->buf, sizeof in->buf);
  while (got < 0 && errno == EINTR);
  in->ready = false;
  if (got > 0) {
    in->from = 0;
    in->to = (size_t)got;
  } else if (!got) {
    end_input(p);
  } else if (errno != EAGAIN) {
    broken(p, "cannot read the standard input", strerror(errno));
    end_input(p);
  }
}

/* The end of input goes to the peer: FIN; or RST, once it has everything. */
static void finish(struct pump *p, la_time now) {
  la_info_rec info;
  if (p->finished)
    return;
  if (p->failed) { /* a stream that was cut short must not look whole */
    la_abort(p->stack, p->conn, now);
  } else if (!p->abort) {
    la_shutdown(p->stack, p->conn, now);
  } else {
    if (la_info(p->stack, p->conn, &info) == LA_OK && (info.unsent || info.unacked))
      return;
    la_abort(p->stack, p->conn, now);
  }
  p->finished = true;
}

static void feed(struct pump *p, la_time now) {
  struct pump_side *in = &p->in;
  for (;;) {
    while (in->from < in->to) {
      ptrdiff_t put = la_send(p->stack, p->conn, in->buf + in->from, in->to - in->from);
      if (put == LA_AGAIN) {
        ignore(p, in);
        return;
      }
      if (put < 0) { /* ended: END says how */
        if (put == LA_ENOMEM)
          broken(p, "cannot send", la_err_name((int)put));
        in->from = in->to = 0;
        end_input(p);
      } else {
        in->from += (size_t)put;
      }
    }
    if (in->over) {
      finish(p, now);
      return;
    }
    if (watch(p, in) && !in->ready)
      return;
    read_input(p);
  }
}

/* ---- from the peer ---- */

static ssize_t put(const struct pump *p, const char *data, size_t n) {
  struct pollfd f = {.fd = p->out.fd, .events = POLLOUT};
  if (p->socket_out)
    return send(p->out.fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (!p->own_out && !p->out.unwatched) {
    if (poll(&f, 1, 0) == 0) {
      errno = EAGAIN;
      return -1;
    }
    n = n < PIPE_BUF ? n : PIPE_BUF;
  }
  return write(p->out.fd, data, n);
}

static void end_output(struct pump *p) {
  p->out.over = true;
  p->out.from = p->out.to = 0;
  ignore(p, &p->out);
}

/* false: nothing can be written now. */
static bool flush(struct pump *p) {
  struct pump_side *out = &p->out;
  while (out->from < out->to) {
    ssize_t n = put(p, out->buf + out->from, out->to - out->from);
    if (n >= 0) {
      out->from += (size_t)n;
    } else if (errno == EAGAIN) {
      return false;
    } else if (errno != EINTR) {
      broken(p, "cannot write to the standard output", strerror(errno));
      end_output(p);
    }
  }
  return true;
}

/* Nobody reads any more, although nothing is to be written. */
static bool reader_gone(const struct pump *p) {
  struct pollfd f = {.fd = p->out.fd};
  return poll(&f, 1, 0) > 0 && f.revents & (POLLERR | POLLHUP | POLLNVAL);
}

static void drain(struct pump *p) {
  struct pump_side *out = &p->out;
  bool idle = true;
  if (!out->watched && watch(p, out))
    la_host_want(p->host, out->fd, false, p->out_wanted = false);
  while (!out->over && (idle = flush(p)) && !out->over) {
    ptrdiff_t got = la_recv(p->stack, p->conn, out->buf, sizeof out->buf);
    if (got == LA_AGAIN)
      break;
    if (got <= 0) {
      end_output(p);
      return;
    }
    out->from = 0;
    out->to = (size_t)got;
  }
  if (out->ready && !out->over && idle && reader_gone(p)) {
    broken(p, "cannot write to the standard output", strerror(EPIPE));
    end_output(p);
  }
  out->ready = false;
  if (out->watched && idle == p->out_wanted)
    la_host_want(p->host, out->fd, false, p->out_wanted = !idle);
}

void la__pump_run(struct pump *p, la_time now) {
  if (!p->out.over)
    drain(p);
  if (!p->finished && !p->failed)
    feed(p, now);
}

bool la__pump_done(const struct pump *p) { return p->out.over; }

void la__pump_stop(struct pump *p) {
  end_input(p);
  end_output(p);
}

void la__pump_free(struct pump *p) {
  if (p->own_out)
    close(p->out.fd);
  p->own_out = false;
}
