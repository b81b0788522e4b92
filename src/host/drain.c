/* SPDX-License-Identifier: MIT */
/*
 * Stopping a hosted program: requests to stop, and the release of all connections within a limit.
 *
 * A drain takes the place of the application: it closes everything once, with a deadline, and from then on takes the events itself. A
 * connection is gone when it has been closed and its END has been taken; the stack counts those that are left, so that nothing
 * needs to be remembered here. The stack itself resets what has not ended by the deadline; GRACE lets that RST leave.
 */
#include "host/host.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BATCH_CLOSE = 64, BATCH_EVENTS = 32 };
#define GRACE (250 * LA_MS)

/* ---- requests to stop ---- */

static void on_signal(void *ctx, int fd) {
  la_host *h = ctx;
  struct signalfd_siginfo info;
  while (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
    h->stops++;
}

bool la_host_stop_on(la_host *h, const int *signals, size_t n) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < n; i++)
    if (sigaddset(&set, signals[i]))
      return false;
  if (h->signals >= 0) {
    errno = EBUSY;
    return false;
  }
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0)
    return false;
  if (!la_host_watch(h, fd, on_signal, h) || sigprocmask(SIG_BLOCK, &set, NULL)) {
    la_host_unwatch(h, fd);
    close(fd);
    return false;
  }
  h->signals = fd;
  return true;
}

void la_host_stop(la_host *h) {
  h->stops++;
  h->busy = true; /* a turn that is about to wait returns */
}

unsigned la_host_stops(const la_host *h) { return h->stops; }

/* ---- the drain ---- */

/* What is still to be closed, as much of it as fits. */
struct batch {
  la_stack *stack;
  la_time deadline;
  unsigned conns, listeners;
  la_conn conn[BATCH_CLOSE];
  la_listener listener[BATCH_CLOSE];
};

static bool choose(void *ctx, const la_each_rec *rec) {
  struct batch *b = ctx;
  la_info_rec info;
  if (rec->kind == LA_KIND_LISTENER)
    b->listener[b->listeners++] = rec->listener;
  /* What the application had closed before gets the deadline too, unless its own is earlier. */
  else if (rec->kind == LA_KIND_CONN && la_info(b->stack, rec->conn, &info) == LA_OK &&
           (!info.closed_by_app || (rec->deadline > b->deadline && rec->state != LA_TIME_WAIT && rec->state != LA_CLOSED)))
    b->conn[b->conns++] = rec->conn;
  return b->conns < BATCH_CLOSE && b->listeners < BATCH_CLOSE;
}

static void close_all(la_stack *s, la_time deadline, la_time now) {
  struct batch b = {.stack = s, .deadline = deadline};
  do {
    b.conns = b.listeners = 0;
    la_each(s, choose, &b);
    for (unsigned i = 0; i < b.listeners; i++)
      la_listener_close(s, b.listener[i], now);
    for (unsigned i = 0; i < b.conns; i++)
      if (la_close_by(s, b.conn[i], deadline, now) == LA_ENOMEM)
        la_abort(s, b.conn[i], now);
  } while (b.conns == BATCH_CLOSE || b.listeners == BATCH_CLOSE);
}

void la__drain_events(struct member *m) {
  la_event ev[BATCH_EVENTS];
  for (size_t n; (n = la_events(m->stack, ev, BATCH_EVENTS)) > 0;)
    for (size_t i = 0; i < n; i++)
      if (ev[i].type == LA_EVENT_END && m->hooks.ended)
        m->hooks.ended(m->hooks.ctx, &ev[i]);
}

static uint32_t left(const la_host *h) {
  uint32_t n = 0;
  la_stats st;
  for (const struct member *m = h->members; m; m = m->next) {
    la_stats_get(m->stack, &st);
    n += st.conns;
  }
  return n;
}

/* When the last END is taken, a last segment may wait for its turn, or be on its way through a slow driver. */
static bool quiet(const la_host *h, la_time now) {
  for (const struct member *m = h->members; m; m = m->next) {
    if (la_deadline(m->stack) <= now)
      return false;
    for (const struct port *p = m->ports; p; p = p->next)
      if (p->driver->deadline && p->driver->deadline(p->driver) <= now + GRACE)
        return false;
  }
  return true;
}

void la_host_release(la_host *h, la_time limit) {
  la_time now = la_host_now(h);
  h->draining = h->busy = true;
  h->drain_last = now + limit + GRACE;
  h->drain_stops = h->stops;
  for (struct member *m = h->members; m; m = m->next) {
    close_all(m->stack, now + limit, now);
    la__drain_events(m);
  }
}

bool la_host_released(const la_host *h) {
  la_time now = la_host_now(h);
  return h->stops != h->drain_stops || now >= h->drain_last || (!left(h) && quiet(h, now));
}

bool la_host_drain(la_host *h, la_time limit) {
  la_host_release(h, limit);
  while (!la_host_released(h))
    if (!la_host_turn(h, LA_NEVER))
      return false;
  errno = !left(h) ? 0 : h->stops != h->drain_stops ? EINTR : ETIMEDOUT;
  return !errno;
}

/* ---- returning from main ---- */

static la_host *at_exit;

static void release_all(void) {
  while (at_exit) {
    la_host *h = at_exit;
    at_exit = h->exit_next;
    if (h->exit_pid == getpid())
      la_host_drain(h, h->exit_limit);
    h->exit_pid = 0;
  }
}

bool la_host_release_at_exit(la_host *h, la_time limit) {
  static bool registered;
  if (!registered && atexit(release_all))
    return false;
  registered = true;
  h->exit_limit = limit;
  if (h->exit_pid)
    return true;
  h->exit_pid = getpid();
  h->exit_next = at_exit;
  at_exit = h;
  return true;
}

void la__drain_forget(la_host *h) {
  for (la_host **at = &at_exit; *at; at = &(*at)->exit_next)
    if (*at == h) {
      *at = h->exit_next;
      break;
    }
  if (h->signals >= 0)
    close(h->signals);
}
