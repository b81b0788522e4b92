/* SPDX-License-Identifier: MIT */
/*
 * The loop of a hosted program: any number of stacks and links on one epoll descriptor.
 *
 * A turn: wait until a descriptor is readable, a stack's deadline comes or the caller's limit does; then, for
 * each stack, in the order of the contract in stack.h: frames in, clocks, the owner's work, frames out.
 * There is no timer of its own: la_deadline and the drivers' deadlines are the only ones. `busy` says that the last round moved something
 * that may have more behind it, so that the next wait only looks. Drivers without a descriptor are looked at in
 * each turn before it sleeps.
 *
 * When the owner wants packets or the trace, trace records are drained after each step and handed out with the
 * packet whose number they bear. Otherwise neither is touched.
 */
#include "host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 16, EVENTS = 64, RECS_MIN = 256 };
#define TICK_LATE LA_SEC

la_time la_host_now(const la_host *h) {
  struct timespec t;
  (void)h;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (la_time)t.tv_sec * LA_SEC + (la_time)t.tv_nsec;
}

la_host *la_host_new(void) {
  la_host *h = calloc(1, sizeof *h);
  if (!h)
    return NULL;
  h->signals = -1;
  h->cap_recs = RECS_MIN;
  h->recs = calloc(h->cap_recs, sizeof *h->recs);
  h->epoll = epoll_create1(EPOLL_CLOEXEC);
  h->busy = true;
  if (!h->recs || h->epoll < 0) {
    la_host_free(h);
    return NULL;
  }
  return h;
}

void la_host_free(la_host *h) {
  if (!h)
    return;
  la__drain_forget(h);
  for (struct member *m = h->members; m;) {
    struct member *next = m->next;
    for (struct port *p = m->ports; p;) {
      struct port *after = p->next;
      p->driver->close(p->driver);
      free(p);
      p = after;
    }
    free(m);
    m = next;
  }
  for (struct watch *w = h->watches; w;) {
    struct watch *next = w->next;
    free(w);
    w = next;
  }
  if (h->epoll >= 0)
    close(h->epoll);
  free(h->recs);
  free(h);
}

bool la_host_add_stack(la_host *h, la_stack *s, const la_host_hooks *hooks) {
  struct member *m = calloc(1, sizeof *m), **at = &h->members;
  if (!m)
    return false;
  m->stack = s;
  if (hooks)
    m->hooks = *hooks;
  while (*at)
    at = &(*at)->next;
  *at = m;
  h->busy = true;
  return true;
}

static bool epoll_add(la_host *h, int fd, struct source *src) {
  struct epoll_event ev = {.events = EPOLLIN, .data.ptr = src};
  return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

bool la_host_add_link(la_host *h, la_stack *s, la_link link, la_driver *d) {
  struct member *m = h->members;
  while (m && m->stack != s)
    m = m->next;
  struct port *p = m ? calloc(1, sizeof *p) : NULL;
  if (!p)
    return false;
  *p = (struct port){.source = {SOURCE_LINK}, .member = m, .link = link, .driver = d};
  if (d->fd >= 0 && !epoll_add(h, d->fd, &p->source)) {
    free(p);
    return false;
  }
  la_link_offload(s, link, d->offload, d->gso_max);
  h->polled += d->fd < 0;
  p->next = m->ports;
  m->ports = p;
  h->busy = true;
  return true;
}

bool la_host_watch(la_host *h, int fd, void (*fn)(void *ctx, int fd), void *ctx) {
  struct watch *w = calloc(1, sizeof *w);
  if (!w)
    return false;
  *w = (struct watch){.source = {SOURCE_WATCH}, .fd = fd, .fn = fn, .ctx = ctx, .next = h->watches};
  if (!epoll_add(h, fd, &w->source)) {
    free(w);
    return false;
  }
  h->watches = w;
  return true;
}

bool la_host_want(la_host *h, int fd, bool readable, bool writable) {
  for (struct watch *w = h->watches; w; w = w->next)
    if (w->fd == fd) {
      struct epoll_event ev = {.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u), .data.ptr = &w->source};
      return epoll_ctl(h->epoll, EPOLL_CTL_MOD, fd, &ev) == 0;
    }
  return false;
}

void la_host_unwatch(la_host *h, int fd) {
  for (struct watch *w = h->watches; w; w = w->next)
    if (w->fd == fd) {
      epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, NULL);
      w->fd = -1;
      return;
    }
}

static void free_unwatched(la_host *h) {
  for (struct watch **at = &h->watches; *at;) {
    struct watch *w = *at;
    if (w->fd >= 0) {
      at = &w->next;
      continue;
    }
    *at = w->next;
    free(w);
  }
}

static bool observed(const struct member *m) { return m->hooks.packet || m->hooks.trace; }

/* Reads all trace records there are. Short of memory, later ones stay in the ring for the next time. */
static void gather(la_host *h, struct member *m) {
  h->nrecs = 0;
  for (;;) {
    if (h->nrecs == h->cap_recs) {
      la_trace_rec *more = realloc(h->recs, 2 * h->cap_recs * sizeof *more);
      if (!more)
        return;
      h->recs = more;
      h->cap_recs *= 2;
    }
    size_t got = la_trace_read(m->stack, h->recs + h->nrecs, h->cap_recs - h->nrecs, NULL);
    if (!got)
      return;
    h->nrecs += got;
  }
}

static void hand_trace(struct member *m, const la_trace_rec *recs, size_t n) {
  if (n && m->hooks.trace)
    m->hooks.trace(m->hooks.ctx, recs, n);
}

/* Hands out what no packet caused: calls and clocks. */
static void drain(la_host *h, struct member *m) {
  if (!observed(m))
    return;
  gather(h, m);
  hand_trace(m, h->recs, h->nrecs);
}

/* Hands one packet out with the gathered records of its number, those before them first. `from` is the first not yet handed out. */
static size_t hand_packet(la_host *h, struct port *p, la_time at, bool outbound, uint32_t number, const la_frame *frame, size_t from) {
  struct member *m = p->member;
  size_t first = from;
  while (first < h->nrecs && h->recs[first].frame != number)
    first++;
  if (first == h->nrecs)
    first = from; /* none: the others may belong to later packets */
  hand_trace(m, h->recs + from, first - from);
  size_t end = first;
  while (end < h->nrecs && h->recs[end].frame == number)
    end++;
  if (m->hooks.packet)
    m->hooks.packet(m->hooks.ctx, p->link, at, outbound, number, frame, h->recs + first, end - first);
  return end;
}

static void show_input(la_host *h, struct port *p, size_t n, uint32_t number, la_time now, const la_frame *frames) {
  gather(h, p->member);
  size_t from = 0;
  for (size_t i = 0; i < n; i++)
    from = hand_packet(h, p, now, false, number + (uint32_t)i, &frames[i], from);
  hand_trace(p->member, h->recs + from, h->nrecs - from);
}

static void show_output(la_host *h, struct port *p, size_t n, la_time now) {
  gather(h, p->member);
  size_t from = 0;
  for (size_t i = 0; i < n; i++) {
    const la_frame *f = &h->out[i];
    la_frame whole = {.data = h->flat, .flags = f->flags, .gso_size = f->gso_size, .sum_start = f->sum_start, .sum_at = f->sum_at};
    whole.header = f->header;
    whole.len = whole.total = (uint32_t)la_frame_copy(f, h->flat, sizeof h->flat);
    whole.number = f->number;
    from = hand_packet(h, p, now, true, f->number, &whole, from);
  }
  hand_trace(p->member, h->recs + from, h->nrecs - from);
}

/* Frames out until dry, but no more than ROUNDS batches, so that one link cannot keep the others waiting. */
static size_t send_all(la_host *h, struct port *p, la_time now) {
  size_t sent = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    size_t n = la_output(p->member->stack, p->link, h->out, BATCH, now);
    p->driver->now = now;
    for (size_t i = 0; i < n; i++)
      p->driver->send(p->driver, &h->out[i]); /* a full device drops, as IP allows: the driver counts it */
    if (n && observed(p->member))
      show_output(h, p, n, now);
    for (size_t i = 0; i < n; i++)
      la_frame_done(p->member->stack, &h->out[i]);
    sent += n;
    if (!n)
      return sent;
  }
  h->busy = true;
  return sent;
}

/* Takes one batch of input. When the ring of answers fills up, output runs in between. */
static size_t take_batch(la_host *h, struct port *p, la_time now) {
  la_stack *s = p->member->stack;
  p->driver->now = now;
  size_t n = p->driver->recv(p->driver, h->in, BATCH), done = 0;
  while (done < n) {
    uint32_t number = la_frame_count(s) + 1;
    size_t took = la_input(s, p->link, h->in + done, n - done, now);
    if (took && observed(p->member))
      show_input(h, p, took, number, now, h->in + done);
    done += took;
    if (done == n)
      break;
    size_t out = 0;
    for (struct port *q = p->member->ports; q; q = q->next)
      out += send_all(h, q, now);
    if (!took && !out)
      break; /* nothing moves: the rest is dropped rather than the loop stopped */
  }
  return n;
}

static la_time driver_deadline(const struct port *p) { return p->driver->deadline ? p->driver->deadline(p->driver) : LA_NEVER; }

/* One batch of what has come. true: nothing is left to be read. */
static bool pump_input(la_host *h, struct port *p, la_time now) {
  bool due = driver_deadline(p) <= now;
  if (p->driver->fd >= 0 && !p->ready && !due)
    return true;
  h->busy = h->busy || due; /* what it lets go may be for a polled driver that was looked at before */
  size_t n = take_batch(h, p, now);
  if (n && p->driver->fd < 0)
    h->busy = true;
  p->ready = p->ready && n;
  return !n;
}

/* A round: a batch from each link, the application, and out. The peer hears of it while the next batch is looked at. true: all is read. */
static bool pump_member(la_host *h, struct member *m, la_time now) {
  bool dry = true;
  for (struct port *p = m->ports; p; p = p->next)
    dry = pump_input(h, p, now) && dry;
  /* Whether an ACK is late can be judged only when all that has come has been looked at; within limits. */
  if (dry || now - m->ticked >= TICK_LATE) {
    la_tick(m->stack, now);
    m->ticked = now;
  }
  drain(h, m);
  if (h->draining)
    la__drain_events(m);
  else if (m->hooks.work)
    m->hooks.work(m->hooks.ctx, now);
  drain(h, m);
  for (struct port *p = m->ports; p; p = p->next)
    if (send_all(h, p, now) && p->driver->fd < 0)
      h->busy = true;
  return dry;
}

static void pump(la_host *h) {
  h->busy = false;
  for (struct member *m = h->members; m; m = m->next) {
    unsigned round = 0;
    while (!pump_member(h, m, la_host_now(h)))
      if (++round == ROUNDS) {
        h->busy = true;
        break;
      }
  }
}

static la_time earliest(const la_host *h, la_time until) {
  if (h->draining && h->drain_last < until)
    until = h->drain_last;
  for (const struct member *m = h->members; m; m = m->next) {
    la_time d = la_deadline(m->stack);
    until = d < until ? d : until;
    for (const struct port *p = m->ports; p; p = p->next) {
      d = driver_deadline(p);
      until = d < until ? d : until;
    }
  }
  return until;
}

/* epoll_pwait2 takes nanoseconds; a kernel before 5.11 lacks it, and milliseconds are then rounded up. */
static int epoll_until(la_host *h, struct epoll_event *ev, la_time until) {
  la_time now = la_host_now(h), left = until > now ? until - now : 0;
  if (until == LA_NEVER)
    return epoll_wait(h->epoll, ev, EVENTS, -1);
  if (!left)
    return epoll_wait(h->epoll, ev, EVENTS, 0);
  if (!h->no_pwait2) {
    struct timespec t = {(time_t)(left / LA_SEC), (long)(left % LA_SEC)};
    int n = epoll_pwait2(h->epoll, ev, EVENTS, &t, NULL);
    if (n >= 0 || errno != ENOSYS)
      return n;
    h->no_pwait2 = true;
  }
  la_time ms = (left + LA_MS - 1) / LA_MS;
  return epoll_wait(h->epoll, ev, EVENTS, ms > 3600000 ? 3600000 : (int)ms);
}

/* Marks links as ready and runs watchers. false: the wait failed, or a link's device is gone (ENETDOWN). */
static bool look(la_host *h, la_time until) {
  struct epoll_event ev[EVENTS];
  int n = epoll_until(h, ev, until);
  if (n < 0)
    return errno == EINTR;
  bool ok = true;
  for (int i = 0; i < n; i++) {
    struct source *src = ev[i].data.ptr;
    if (src->kind == SOURCE_LINK) {
      struct port *p = (struct port *)src;
      p->ready = true;
      ok = ok && !(ev[i].events & (EPOLLERR | EPOLLHUP)); /* else it would be reported for ever */
    } else {
      struct watch *w = (struct watch *)src;
      if (w->fd >= 0)
        w->fn(w->ctx, w->fd);
    }
  }
  free_unwatched(h);
  if (!ok)
    errno = ENETDOWN;
  return ok;
}

bool la_host_turn(la_host *h, la_time until) {
  if (!h->busy && h->polled)
    pump(h);
  if (!look(h, h->busy ? 0 : earliest(h, until)))
    return false;
  pump(h);
  return true;
}
