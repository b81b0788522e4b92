/* SPDX-License-Identifier: MIT */
/* Calls: their table, their arguments, results and time. */
#include "drill/calls.h"

#include <stdlib.h>
#include <string.h>

enum { NO_SUCH_FD = 1 << 24, BUFFER_MAX = 1 << 28 };

/* ---- arguments ---- */

bool la__arg_int(struct run *r, const struct call *c, unsigned i, int64_t *out) { return la__value_int(r, call_arg(c, i), out); }

int la__fd_live(const struct run *r, int script) {
  for (unsigned i = 0; i < r->nfds; i++)
    if (r->fds[i].script == script)
      return r->fds[i].live;
  return script < 0 ? script : NO_SUCH_FD;
}

bool la__fd_add(struct run *r, struct place at, int script, int live) {
  for (unsigned i = 0; i < r->nfds; i++)
    if (r->fds[i].script == script)
      return la__drill_fail(r, at, "descriptor %d is in use in the script", script);
  if (r->nfds == DRILL_FDS)
    return la__drill_fail(r, at, "more than %d descriptors", DRILL_FDS);
  r->fds[r->nfds++] = (struct fd_map){script, live};
  return true;
}

void la__fd_drop(struct run *r, int script) {
  for (unsigned i = 0; i < r->nfds; i++)
    if (r->fds[i].script == script)
      r->fds[i] = r->fds[--r->nfds];
  struct sock *k = la__sock_fd(r, script);
  if (k)
    k->fd = -1;
}

bool la__arg_fd(struct run *r, const struct call *c, unsigned i, int *live) {
  int64_t v;
  if (!la__arg_int(r, c, i, &v))
    return false;
  *live = la__fd_live(r, (int)v);
  return true;
}

bool la__arg_count(struct run *r, const struct call *c, unsigned i, size_t *out) {
  int64_t v;
  if (!la__arg_int(r, c, i, &v))
    return false;
  if (v < 0 || v > BUFFER_MAX)
    return la__drill_fail(r, call_arg(c, i)->at, "%lld bytes are not a buffer that a script has", (long long)v);
  *out = (size_t)v;
  return true;
}

bool la__arg_buffer(struct run *r, const struct call *c, unsigned i, size_t n, void **out) {
  const struct value *v = call_arg(c, i);
  int64_t x;
  *out = NULL;
  if (v->kind == VALUE_ELLIPSIS) {
    *out = la__drill_alloc(r, n + 1);
    return true;
  }
  if (v->kind == VALUE_STRING) {
    *out = la__drill_alloc(r, (n > v->len ? n : v->len) + 1);
    memcpy(*out, v->text, v->len);
    return true;
  }
  return la__value_int(r, v, &x) && (x == 0 || la__drill_fail(r, v->at, "a buffer is written ... or 0"));
}

static const struct value *field_of(const struct value *v, const char *a, const char *b, const char *c) {
  const struct value *f = la__value_field(v, a);
  f = f ? f : la__value_field(v, b);
  return f || !c ? f : la__value_field(v, c);
}
/* {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")} */
static bool sockaddr_literal(struct run *r, const struct value *v, la_sockaddr *out) {
  const struct value *family = field_of(v, "sa_family", "sin_family", "sin6_family"), *port = field_of(v, "sin_port", "sin6_port", NULL),
                     *addr = field_of(v, "sin_addr", "sin6_addr", NULL);
  int64_t f, p = 0;
  if (!family || !la__value_int(r, family, &f) || (port && !la__value_int(r, port, &p)))
    return la__drill_fail(r, v->at, "an address needs sa_family");
  la_addr a = {.family = f == LA_AF_INET6 ? 6 : 4};
  const struct value *text = addr && addr->kind == VALUE_CALL && addr->n ? addr->list[addr->n - 1] : addr;
  if (text && text->kind == VALUE_STRING && !la_addr_parse(text->text, &a))
    return la__drill_fail(r, v->at, "%s is no address", text->text);
  *out = la__tuning_sockaddr(r->tuning, &a, (uint16_t)p);
  if (f != LA_AF_INET && f != LA_AF_INET6)
    out->family = (uint16_t)f;
  return true;
}

bool la__arg_sockaddr(struct run *r, const struct call *c, unsigned i, const la_sockaddr *fallback, la_sockaddr *out) {
  const struct value *v = call_arg(c, i);
  int64_t family;
  if (v->kind == VALUE_ELLIPSIS) {
    *out = *fallback;
    return true;
  }
  if (v->kind == VALUE_STRUCT)
    return sockaddr_literal(r, v, out);
  if (!la__value_int(r, v, &family))
    return false;
  *out = (la_sockaddr){.family = (uint16_t)family};
  return true;
}

void la__call_connects(struct run *r, int script_fd, const la_sockaddr *to) {
  struct sock *k = la__sock_fd(r, script_fd);
  if (!k)
    return;
  if (to->family == LA_AF_UNSPEC) {
    k->phase = SOCK_NEW;
    return;
  }
  if (k->phase != SOCK_NEW)
    return;
  k->phase = SOCK_CONNECTING;
  k->nts = 0;
  k->ts_found = false;
  k->live.remote = r->tuning->remote;
  k->live.rport = to->port ? to->port : r->tuning->connect_port;
}

/* ---- results ---- */

static const char *result_text(struct run *r, ptrdiff_t result) {
  return result < 0 ? la__drill_text(r, "-1 %s", la_posix_errno_name((int)result)) : la__drill_text(r, "%td", result);
}

static bool right_errno(const struct run *r, const char *want, ptrdiff_t result) {
  const char *got = la_posix_errno_name((int)result);
  if (strcmp(want, got) == 0)
    return true;
  /* POSIX send(): both describe a connection that the peer has reset; FreeBSD takes the former, Linux the latter. */
  if (r->tuning->freebsd && !r->tuning->strict && strcmp(want, "EPIPE") == 0 && strcmp(got, "ECONNRESET") == 0)
    return true;
  return (strcmp(want, "EWOULDBLOCK") == 0 && strcmp(got, "EAGAIN") == 0) ||
         (strcmp(want, "ENOTSUP") == 0 && strcmp(got, "EOPNOTSUPP") == 0);
}

static bool right_result(struct run *r, const struct call *c, ptrdiff_t result) {
  const struct drill_call *d = c->c;
  int64_t want;
  if (!d->result || d->result->kind == VALUE_ELLIPSIS)
    return true;
  if (!la__value_int(r, d->result, &want))
    return false;
  bool ok = c->callee->fd_result && want >= 0 ? result >= 0 : (result < 0 ? -1 : result) == want;
  if (ok && d->err && (result >= 0 || !right_errno(r, d->err, result)))
    ok = false;
  return ok || la__drill_fail(r, d->at, "%s: %lld%s%s expected, %s returned", d->source, (long long)want, d->err ? " " : "",
                              d->err ? d->err : "", result_text(r, result));
}

static bool finish(struct run *r, struct call *c, ptrdiff_t result) {
  la_time happened = drill_script_time(r->now);
  c->done = true;
  if (!right_result(r, c, result))
    return false;
  if (c->callee->fd_result && result >= 0) {
    int64_t script;
    if (!la__value_int(r, c->c->result, &script) || !la__fd_add(r, c->c->at, (int)script, (int)result))
      return false;
  }
  if (c->callee->finish && !c->callee->finish(r, c, result))
    return false;
  if (!c->c->blocking)
    return true;
  enum drill_time_kind kind = c->event->time_kind == DRILL_ANY_TIME ? DRILL_ANY_TIME : DRILL_AT;
  return la__drill_in_time(r, c->c->at, la__drill_text(r, "return of %s", c->c->name), kind, c->end, c->end, c->began, happened);
}

/* ---- the table ---- */

static const struct callee *find(const char *name) {
  const struct callee *const tables[] = {la__calls_sock, la__calls_io, la__calls_opt, la__calls_ready};
  for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const struct callee *e = tables[i]; e->name; e++)
      if (strcmp(e->name, name) == 0)
        return e;
  return NULL;
}

static void enlist(struct run *r, struct call *c) {
  struct call **p = &r->calls;
  while (*p)
    p = &(*p)->next;
  *p = c;
  c->waits = true;
}

bool la__call_event(struct run *r, const struct drill_call *d) {
  struct call *c = la__drill_alloc(r, sizeof *c);
  c->c = d;
  c->event = r->event;
  c->callee = find(d->name);
  if (!c->callee)
    return la__drill_fail(r, d->at, "%s: no such call", d->name);
  if (!c->callee->prepare)
    return la__drill_fail(r, d->at, "%s: not supported", d->name);
  if (d->n < c->callee->least || d->n > c->callee->most)
    return la__drill_fail(r, d->at, "%s: %u arguments, which is not what it takes", d->name, d->n);
  c->began = r->at;
  c->end = d->end + (d->end_relative ? r->at : 0);
  la__report_note(r, true, d->source);
  if (!c->callee->prepare(r, c))
    return false;
  ptrdiff_t result = c->callee->invoke(r, c);
  if (result != LA_POSIX_BLOCKED)
    return finish(r, c, result) && la__clock_settle(r);
  enlist(r, c);
  if (!la__clock_settle(r))
    return false;
  while (!d->blocking && !c->done) /* written as one that does not block: the script waits for it */
    if (!la__clock_step(r, LA_NEVER))
      return r->failed ? false : la__drill_fail(r, d->at, "%s: blocks for ever", d->source);
  return true;
}

bool la__calls_retry(struct run *r) {
  for (struct call **p = &r->calls; *p;) {
    struct call *c = *p;
    ptrdiff_t result = la_posix_due(r->posix, &c->wait) ? c->callee->invoke(r, c) : LA_POSIX_BLOCKED;
    if (result == LA_POSIX_BLOCKED) {
      p = &c->next;
      continue;
    }
    *p = c->next;
    if (!finish(r, c, result))
      return false;
  }
  return true;
}

la_time la__calls_deadline(const struct run *r) {
  la_time t = LA_NEVER;
  for (const struct call *c = r->calls; c; c = c->next)
    if (c->wait.until < t)
      t = c->wait.until;
  return t;
}

bool la__calls_finish(struct run *r) {
  while (r->calls) {
    const struct call *c = r->calls;
    la_time share = c->end > c->began ? (c->end - c->began) / 1000 * r->tuning->tolerance_permille : 0;
    la_time limit = c->end + (share > r->tuning->tolerance ? share : r->tuning->tolerance);
    if (drill_script_time(r->now) > limit || !la__clock_step(r, limit))
      return r->failed ? false : la__drill_fail(r, c->c->at, "%s: has not returned when the script ends", c->c->source);
  }
  return !r->failed;
}
