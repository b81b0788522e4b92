/* SPDX-License-Identifier: MIT */
/* poll and epoll. */
#include "drill/calls.h"

#include <string.h>

enum { EVENTS_MAX = 4096 };

/* ---- poll ---- */

static bool prep_poll(struct run *r, struct call *c) {
  const struct value *v = call_arg(c, 0);
  if (!la__arg_int(r, c, 1, &c->a) || !la__arg_int(r, c, 2, &c->b))
    return false;
  if (v->kind != VALUE_ARRAY || v->n > POLLS_MAX || (size_t)c->a != v->n)
    return la__drill_fail(r, v->at, "as many {fd=…, events=…, revents=…} as the second argument says are expected");
  for (size_t i = 0; i < v->n; i++) {
    const struct value *e = v->list[i], *fd = la__value_field(e, "fd"), *events = la__value_field(e, "events");
    int64_t f, ev;
    if (!fd || !events)
      return la__drill_fail(r, e->at, "{fd=…, events=…} is expected");
    if (!la__value_int(r, fd, &f) || !la__value_int(r, events, &ev))
      return false;
    c->polls[i] = (la_pollfd){.fd = la__fd_live(r, (int)f), .events = (short)ev};
  }
  return true;
}
static ptrdiff_t call_poll(struct run *r, struct call *c) { return la_posix_poll(r->posix, c->polls, (size_t)c->a, (int)c->b, &c->wait); }
static bool done_poll(struct run *r, struct call *c, ptrdiff_t result) {
  const struct value *v = call_arg(c, 0);
  for (size_t i = 0; result >= 0 && i < v->n; i++) {
    const struct value *revents = la__value_field(v->list[i], "revents");
    int64_t want;
    if (!revents)
      continue;
    if (!la__value_int(r, revents, &want))
      return false;
    if (c->polls[i].revents != (short)want)
      return la__drill_fail(r, revents->at, "revents: 0x%x expected, 0x%x came", (unsigned)want & 0xffff, c->polls[i].revents & 0xffffu);
  }
  return true;
}

/* ---- epoll ---- */

/* What an event carries is kept as the script wrote it: a descriptor by its number there. */
static bool event_of(struct run *r, const struct value *v, la_epoll_event *out) {
  static const char *const names[] = {"fd", "ptr", "u32", "u64"};
  const struct value *events = la__value_field(v, "events"), *data = NULL;
  int64_t ev, d = 0;
  for (unsigned i = 0; i < sizeof names / sizeof *names && !data; i++)
    data = la__value_field(v, names[i]);
  if (!events)
    return la__drill_fail(r, v->at, "{events=…, fd=…} is expected");
  if (!la__value_int(r, events, &ev) || (data && !la__value_int(r, data, &d)))
    return false;
  *out = (la_epoll_event){.events = (uint32_t)ev, .data = (uint64_t)d};
  return true;
}

static bool prep_create(struct run *r, struct call *c) { return la__arg_int(r, c, 0, &c->a); }
static ptrdiff_t call_create(struct run *r, struct call *c) {
  return c->a <= 0 ? -LA_POSIX_EINVAL : la_posix_epoll_create(r->posix, 0); /* the size must be positive and means nothing */
}
static ptrdiff_t call_create1(struct run *r, struct call *c) { return la_posix_epoll_create(r->posix, (int)c->a); }

static bool prep_ctl(struct run *r, struct call *c) {
  if (!la__arg_fd(r, c, 0, &c->fd) || !la__arg_int(r, c, 1, &c->a) || !la__arg_fd(r, c, 2, &c->fd2))
    return false;
  c->events = NULL;
  if (call_arg(c, 3)->kind != VALUE_STRUCT)
    return true;
  c->events = la__drill_alloc(r, sizeof *c->events);
  return event_of(r, call_arg(c, 3), c->events);
}
static ptrdiff_t call_ctl(struct run *r, struct call *c) { return la_posix_epoll_ctl(r->posix, c->fd, (int)c->a, c->fd2, c->events); }

static bool prep_wait(struct run *r, struct call *c) {
  if (!la__arg_fd(r, c, 0, &c->fd) || !la__arg_int(r, c, 2, &c->a) || !la__arg_int(r, c, 3, &c->b))
    return false;
  if (c->a > EVENTS_MAX)
    return la__drill_fail(r, call_arg(c, 2)->at, "at most %d events at a time", EVENTS_MAX);
  c->events = la__drill_alloc(r, (c->a > 0 ? (size_t)c->a : 1) * sizeof *c->events);
  return true;
}
static ptrdiff_t call_wait(struct run *r, struct call *c) {
  return la_posix_epoll_wait(r->posix, c->fd, c->events, (int)c->a, (int)c->b, &c->wait);
}
static bool done_wait(struct run *r, struct call *c, ptrdiff_t result) {
  const struct value *v = call_arg(c, 1);
  size_t n = v->kind == VALUE_ARRAY ? v->n : 1;
  if (result < 0 || v->kind == VALUE_ELLIPSIS)
    return true;
  for (size_t i = 0; i < n; i++) { /* with no event at all a script writes zeros */
    const struct value *e = v->kind == VALUE_ARRAY ? v->list[i] : v;
    la_epoll_event want, got = (ptrdiff_t)i < result ? c->events[i] : (la_epoll_event){0};
    if (!event_of(r, e, &want))
      return false;
    if (want.events != got.events)
      return la__drill_fail(r, e->at, "events: 0x%x expected, 0x%x came", want.events, got.events);
    if (want.data != got.data)
      return la__drill_fail(r, e->at, "data of the event: %llu expected, %llu came", (unsigned long long)want.data,
                            (unsigned long long)got.data);
  }
  return true;
}

const struct callee la__calls_ready[] = {
  {"poll", 3, 3, false, prep_poll, call_poll, done_poll},         {"epoll_create", 1, 1, true, prep_create, call_create, NULL},
  {"epoll_create1", 1, 1, true, prep_create, call_create1, NULL}, {"epoll_ctl", 4, 4, false, prep_ctl, call_ctl, NULL},
  {"epoll_wait", 4, 4, false, prep_wait, call_wait, done_wait},   {NULL, 0, 0, false, NULL, NULL, NULL},
};
