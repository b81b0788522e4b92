/* SPDX-License-Identifier: MIT */
/*
 * The monitor: a listening Unix socket, and at most MONITOR_CLIENTS askers.
 *
 * An asker's turn: a request line is read, then lines are made into its buffer and sent, a bufferful at a time; the walk through the
 * records stands still meanwhile and goes on when the buffer is empty. So a turn of the loop costs at most MONITOR_LOOK records and
 * MONITOR_OUT bytes an asker, whatever there is to tell, and one that does not read costs its buffer until its patience is over. While it
 * is being answered nothing is read from it.
 */
#include "host/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/host.h"

struct client {
  int fd;
  struct monitor *monitor;
  la_time until;        /* dropped then */
  bool answering, last; /* last: nothing more will be made; then the connection is kept, unless `http` */
  bool http;
  struct ask ask;
  unsigned stack; /* of the walk */
  la_cursor at;
  uint64_t told;
  size_t in_n, from;
  struct tell out;
  char in[MONITOR_REQUEST], buf[MONITOR_OUT];
};

struct monitor {
  la_host *host;
  int fd;
  bool deaf;         /* not accepting: all places are taken, or accept failed */
  la_time listen_at; /* when to try again; LA_NEVER: when somebody leaves */
  dev_t dev;         /* of the name in the file system */
  ino_t ino;
  char path[MONITOR_PATH + 1], name[64];
  struct client *client[MONITOR_CLIENTS];
};

static void on_client(void *ctx, int fd);

static void accept_again(struct monitor *m) {
  if (m->deaf)
    la_host_want(m->host, m->fd, true, false);
  m->deaf = false;
  m->listen_at = LA_NEVER;
}

static void drop(struct client *c) {
  struct monitor *m = c->monitor;
  for (unsigned i = 0; i < MONITOR_CLIENTS; i++)
    if (m->client[i] == c)
      m->client[i] = NULL;
  la_host_unwatch(m->host, c->fd);
  close(c->fd);
  free(c);
  accept_again(m);
}

static void on_listen(void *ctx, int fd) {
  struct monitor *m = ctx;
  unsigned i = 0;
  while (i < MONITOR_CLIENTS && m->client[i])
    i++;
  struct client *c = i < MONITOR_CLIENTS ? calloc(1, sizeof *c) : NULL;
  int got = c ? accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
  if (got >= 0 && la_host_watch(m->host, got, on_client, c)) {
    c->fd = got;
    c->monitor = m;
    c->until = la_host_now(m->host) + MONITOR_PATIENCE;
    c->out = (struct tell){.buf = c->buf, .cap = MONITOR_OUT};
    m->client[i] = c;
    return;
  }
  bool nobody = c && got < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED);
  if (got >= 0)
    close(got);
  free(c);
  if (nobody)
    return;
  m->deaf = true; /* else the socket would be readable in every turn */
  la_host_want(m->host, fd, false, false);
  m->listen_at = i == MONITOR_CLIENTS ? LA_NEVER : la_host_now(m->host) + LA_SEC;
}

static la_stack *stack_at(const la_host *h, unsigned i) {
  const struct member *m = h->members;
  while (m && i--)
    m = m->next;
  return m ? m->stack : NULL;
}
static unsigned stacks(const la_host *h) {
  unsigned n = 0;
  for (const struct member *m = h->members; m; m = m->next)
    n++;
  return n;
}

/* ---- an answer, piece by piece ---- */

static bool put(void *ctx, const char *text, size_t n) {
  struct tell *t = ctx;
  if (n > t->cap - t->n)
    return false;
  memcpy(t->buf + t->n, text, n);
  t->n += n;
  return true;
}

static void http(struct client *c) {
  enum { HEAD = 256, STACKS = 64 };
  const la_stack *all[STACKS];
  size_t n = 0;
  for (; n < STACKS && stack_at(c->monitor->host, (unsigned)n); n++)
    all[n] = stack_at(c->monitor->host, (unsigned)n);
  struct tell body = {.buf = c->buf + HEAD, .cap = MONITOR_OUT - HEAD};
  const char *status = c->ask.what == ASK_METRICS ? "200 OK" : "404 Not Found";
  if (c->ask.what != ASK_METRICS)
    la__tell_add(&body, "only GET /metrics is answered here\n");
  else
    la_metrics_write(all, n, put, &body); /* below 64 KiB, whatever happens */
  la__tell_add(&c->out,
               "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: %zu\r\n"
               "Connection: close\r\n\r\n",
               status, body.n);
  memmove(c->buf + c->out.n, body.buf, body.n);
  c->out.n += body.n;
  c->last = true;
}

static bool wanted(const struct client *c, const la_each_rec *r) {
  return !c->ask.id || (r->kind == LA_KIND_CONN && r->conn.gen == c->ask.id);
}

/* As many records as have room, or were looked at. */
static void records(struct client *c, la_time now) {
  la_host *h = c->monitor->host;
  for (unsigned looked = 0; looked < MONITOR_LOOK && c->out.n + MONITOR_LINE <= c->out.cap; looked++) {
    la_stack *s = stack_at(h, c->stack);
    la_each_rec r;
    if (!s) {
      c->last = la__tell_end(&c->out, c->told);
      return;
    }
    if ((c->ask.stack != UINT32_MAX && c->ask.stack != c->stack) || !la_each_next(s, &c->at, &r)) {
      c->stack++;
      c->at = (la_cursor){0, 0};
      continue;
    }
    if (wanted(c, &r))
      c->told += la__tell_record(&c->out, c->stack, s, &r, now);
  }
}

static void counters(struct client *c) {
  for (la_stack *s; c->out.n + MONITOR_LINE <= c->out.cap && !c->last; c->stack++) {
    s = stack_at(c->monitor->host, c->stack);
    if (!s)
      c->last = la__tell_end(&c->out, c->told);
    else if (c->ask.stack == UINT32_MAX || c->ask.stack == c->stack)
      c->told += la__tell_stats(&c->out, c->stack, s);
  }
}

static void more(struct client *c) {
  la_time now = la_host_now(c->monitor->host);
  c->out.n = c->from = 0;
  switch (c->ask.what) {
  case ASK_RECORDS:
    records(c, now);
    break;
  case ASK_STATS:
    counters(c);
    break;
  case ASK_HELLO:
    c->last = la__tell_end(&c->out, 0);
    break;
  default:
    http(c);
  }
}

static void begin(struct client *c, const char *bad) {
  la_host *h = c->monitor->host;
  la_time now = la_host_now(h);
  c->answering = true;
  c->last = c->http = false;
  c->until = now + MONITOR_PATIENCE;
  c->stack = 0;
  c->at = (la_cursor){0, 0};
  c->told = c->out.n = c->from = 0;
  if (bad) {
    la__tell_error(&c->out, bad);
    c->last = c->http = true; /* and is closed after it */
    return;
  }
  c->http = c->ask.what == ASK_METRICS || c->ask.what == ASK_HTTP_OTHER;
  if (!c->http)
    la__tell_hello(&c->out, c->monitor->name, stacks(h), now);
}

/* Takes a request from what has come. HTTP's is whole with its empty line. */
static bool request(struct client *c) {
  char *end = memchr(c->in, '\n', c->in_n);
  if (!end) {
    if (c->in_n < sizeof c->in)
      return false;
    begin(c, "a request longer than 1024 bytes");
    return true;
  }
  const char *bad = la__monitor_ask(c->in, (size_t)(end - c->in), &c->ask);
  bool is_http = !bad && (c->ask.what == ASK_METRICS || c->ask.what == ASK_HTTP_OTHER);
  if (is_http && c->in_n < sizeof c->in && !memmem(c->in, c->in_n, "\n\r\n", 3) && !memmem(c->in, c->in_n, "\n\n", 2))
    return false;
  size_t used = is_http ? c->in_n : (size_t)(end - c->in) + 1;
  memmove(c->in, c->in + used, c->in_n - used);
  c->in_n -= used;
  begin(c, bad);
  return true;
}

/* false: it is gone. */
static bool send_some(struct client *c) {
  while (c->from < c->out.n) {
    ssize_t n = send(c->fd, c->buf + c->from, c->out.n - c->from, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno == EAGAIN;
    c->from += (size_t)n;
  }
  return true;
}

/* The rest of the answer as far as it goes; false: the client is done with, or gone. */
static bool answer(struct client *c) {
  if (c->from == c->out.n && !c->last)
    more(c);
  if (!send_some(c))
    return false;
  if (c->from < c->out.n || !c->last)
    return true;
  c->answering = false;
  return !c->http;
}

static void on_client(void *ctx, int fd) {
  struct client *c = ctx;
  bool alive = true;
  if (!c->answering) {
    ssize_t n = recv(fd, c->in + c->in_n, sizeof c->in - c->in_n, MSG_DONTWAIT);
    alive = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
    c->in_n += n > 0 ? (size_t)n : 0;
    if (alive)
      request(c);
  }
  if (alive && c->answering)
    alive = answer(c);
  if (alive && !c->answering && c->in_n)
    request(c); /* what came with the one before */
  if (!alive)
    drop(c);
  else
    la_host_want(c->monitor->host, fd, !c->answering, c->answering);
}

/* ---- for the loop ---- */

void la__monitor_tick(la_host *h) {
  struct monitor *m = h->monitor;
  if (!m)
    return;
  la_time now = la__monitor_deadline(h) == LA_NEVER ? 0 : la_host_now(h);
  for (unsigned i = 0; i < MONITOR_CLIENTS; i++)
    if (m->client[i] && m->client[i]->until <= now)
      drop(m->client[i]);
  if (m->deaf && m->listen_at <= now)
    accept_again(m);
}

la_time la__monitor_deadline(const la_host *h) {
  const struct monitor *m = h->monitor;
  if (!m)
    return LA_NEVER;
  la_time at = m->deaf ? m->listen_at : LA_NEVER;
  for (unsigned i = 0; i < MONITOR_CLIENTS; i++)
    if (m->client[i] && m->client[i]->until < at)
      at = m->client[i]->until;
  return at;
}

bool la_host_monitor(la_host *h, const char *path, const char *name, char *err, size_t err_cap) {
  struct monitor *m = h->monitor ? NULL : calloc(1, sizeof *m);
  struct stat st;
  if (!m) {
    if (err)
      snprintf(err, err_cap, "%s", h->monitor ? "this loop has a monitor already" : "out of memory");
    return false;
  }
  *m = (struct monitor){.host = h, .fd = -1, .listen_at = LA_NEVER};
  snprintf(m->name, sizeof m->name, "%s", name);
  if (path ? strlen(path) > MONITOR_PATH : !la__monitor_default(m->path, sizeof m->path, err, err_cap)) {
    if (path && err)
      snprintf(err, err_cap, "%.60s…: longer than 90 bytes", path);
    free(m);
    return false;
  }
  if (path)
    strcpy(m->path, path);
  m->fd = la__monitor_listen(m->path, err, err_cap);
  if (m->fd < 0 || !la_host_watch(h, m->fd, on_listen, m)) {
    if (m->fd >= 0) {
      close(m->fd);
      unlink(m->path);
      if (err)
        snprintf(err, err_cap, "%s: %s", m->path, strerror(errno));
    }
    free(m);
    return false;
  }
  if (lstat(m->path, &st) == 0) {
    m->dev = st.st_dev;
    m->ino = st.st_ino;
  }
  h->monitor = m;
  return true;
}

void la__monitor_free(la_host *h) {
  struct monitor *m = h->monitor;
  struct stat st;
  if (!m)
    return;
  for (unsigned i = 0; i < MONITOR_CLIENTS; i++)
    if (m->client[i])
      drop(m->client[i]);
  if (lstat(m->path, &st) == 0 && st.st_dev == m->dev && st.st_ino == m->ino) /* not another's, meanwhile */
    unlink(m->path);
  la_host_unwatch(h, m->fd);
  close(m->fd);
  free(m);
  h->monitor = NULL;
}
