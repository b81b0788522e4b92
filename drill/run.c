/* SPDX-License-Identifier: MIT */
/* The events of a script in their order, and their time. */
#include "drill/expr.h"
#include "drill/run.h"
#include "drill/tuning.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory of a run ---- */

struct block {
  struct block *next;
  max_align_t bytes[];
};

void *la__drill_alloc(struct run *r, size_t n) {
  struct block *b = calloc(1, sizeof *b + n);
  if (!b)
    abort(); /* a tool: nothing is left to be released */
  b->next = r->arena;
  r->arena = b;
  return b->bytes;
}

static char *text_of(struct run *r, const char *fmt, va_list ap) {
  va_list again;
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, fmt, again);
  va_end(again);
  char *s = la__drill_alloc(r, (size_t)n + 1);
  vsnprintf(s, (size_t)n + 1, fmt, ap);
  return s;
}

char *la__drill_text(struct run *r, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char *s = text_of(r, fmt, ap);
  va_end(ap);
  return s;
}

bool la__drill_fail(struct run *r, struct place at, const char *fmt, ...) {
  if (r->failed)
    return false;
  va_list ap;
  va_start(ap, fmt);
  r->failure = text_of(r, fmt, ap);
  va_end(ap);
  r->failed = true;
  r->fail_at = at;
  return false;
}

void la__drill_note(struct run *r, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char *s = text_of(r, fmt, ap);
  va_end(ap);
  for (unsigned i = 0; i < r->nnotes; i++)
    if (strcmp(r->notes[i], s) == 0)
      return;
  char **more = la__drill_alloc(r, (r->nnotes + 1) * sizeof *more);
  if (r->nnotes)
    memcpy(more, r->notes, r->nnotes * sizeof *more);
  more[r->nnotes++] = s;
  r->notes = more;
}

/* ---- time ---- */

static double sec(la_time t) { return (double)t / 1e9; }

/* packetdrill's rule: so many microseconds, or so many per cent of the distance to the event before, whichever is more. */
static la_time tolerance(const struct run *r, la_time from, la_time since) {
  la_time t = r->tuning->tolerance, share = 0;
  if (since != LA_NEVER && from > since)
    share = (from - since) / 100000 * r->tuning->tolerance_permille * 100;
  return share > t ? share : t;
}

bool la__drill_in_time(struct run *r, struct place at, const char *what, enum drill_time_kind kind, la_time from, la_time to, la_time since,
                       la_time happened) {
  if (kind == DRILL_ANY_TIME)
    return true;
  bool range = kind == DRILL_BETWEEN || kind == DRILL_AFTER_BETWEEN;
  la_time tol = tolerance(r, from, since), last = range ? to : from;
  if (happened + tol >= from && happened <= last + tol)
    return true;
  if (range)
    return la__drill_fail(r, at, "timing: %s expected from %.6f to %.6f s, happened at %.6f s (tolerance %.6f s)", what, sec(from), sec(to),
                          sec(happened), sec(tol));
  return la__drill_fail(r, at, "timing: %s expected at %.6f s, happened at %.6f s (tolerance %.6f s)", what, sec(from), sec(happened),
                        sec(tol));
}

static bool inbound(const struct drill_event *e) { return e && e->kind == DRILL_PACKET && e->packet->dir == DRILL_IN; }
static bool relative(const struct drill_event *e) {
  return e->time_kind == DRILL_AFTER || e->time_kind == DRILL_AFTER_BETWEEN || e->time_kind == DRILL_ANY_TIME;
}

/* When the event is due. What comes in directly after another packet counts from when that was due, not from when it happened. */
static bool resolve_time(struct run *r, const struct drill_event *e) {
  la_time offset = 0;
  if (relative(e))
    offset = inbound(r->before) && inbound(e) ? r->before_at : drill_script_time(r->now);
  r->offset = offset;
  r->at = offset + (e->time_kind == DRILL_ANY_TIME ? 0 : e->time);
  r->at_end = e->time_kind == DRILL_BETWEEN || e->time_kind == DRILL_AFTER_BETWEEN ? offset + e->time_end : r->at;
  if (!r->before && r->at)
    return la__drill_fail(r, e->at, "the first event must be at time 0");
  if (r->before && !relative(e) && !relative(r->before) && r->at < r->before_at)
    return la__drill_fail(r, e->at, "time goes back, from %.6f to %.6f s", sec(r->before_at), sec(r->at));
  return true;
}

static const char *name_of(const struct drill_event *e) {
  switch (e->kind) {
  case DRILL_PACKET:
    return e->packet->dir == DRILL_IN ? "inbound packet" : "outbound packet";
  case DRILL_CALL:
    return "start of the call";
  case DRILL_COMMAND:
    return "command";
  default:
    return "code";
  }
}

static bool run_event(struct run *r, const struct drill_event *e) {
  if (e->kind != DRILL_COMMAND && !r->stack && !la__setup_stack(r))
    return false;
  if (!resolve_time(r, e))
    return false;
  bool out = e->kind == DRILL_PACKET && e->packet->dir == DRILL_OUT; /* waits for itself */
  if (!r->stack) {                                                   /* commands before everything else: nothing happens meanwhile */
    if (r->now < r->at + DRILL_EPOCH)
      r->now = r->at + DRILL_EPOCH;
  } else if (!out) {
    if (!la__clock_until(r, r->at))
      return false;
    la_time since = r->before ? r->before_at : LA_NEVER;
    if (r->before && !la__drill_in_time(r, e->at, name_of(e), e->time_kind, r->at, r->at_end, since, drill_script_time(r->now)))
      return false;
  }
  switch (e->kind) {
  case DRILL_PACKET:
    return la__packet_event(r, e->packet);
  case DRILL_CALL:
    return la__call_event(r, e->call);
  case DRILL_COMMAND:
    return la__command_event(r, e->text, e->at);
  default:
    return la__code_event(r, e->text, e->text_at);
  }
}

static void run_all(struct run *r) {
  const struct script *s = r->script;
  if (!la__tuning_new(r))
    return;
  if (s->init && !la__command_event(r, s->init, s->init_at))
    return;
  for (const struct drill_event *e = s->events; e; e = e->next) {
    r->event = e;
    if (!run_event(r, e))
      return;
    r->before = e;
    r->before_at = r->at;
    r->events++;
  }
  if (r->stack)
    la__calls_finish(r);
}

struct run *la__drill_run(const struct script *s, const struct drill_settings *settings) {
  struct run *r = calloc(1, sizeof *r);
  if (!r)
    return NULL;
  r->script = s;
  r->settings = settings;
  r->now = DRILL_EPOCH;
  r->wires_end = &r->wires;
  r->queue_end = &r->queue;
  r->moments_end = &r->moments;
  r->next_port = 40001;
  run_all(r);
  return r;
}

void la__drill_free(struct run *r) {
  if (!r)
    return;
  la__expr_vars_free(r->vars);
  la_posix_free(r->posix);
  la_stack_free(r->stack);
  for (struct block *b = r->arena, *next; b; b = next) {
    next = b->next;
    free(b);
  }
  free(r);
}
