/* SPDX-License-Identifier: MIT */
/*
 * A run is a stretch of neighbouring events that all may be folded. A segment is folded with both its ends or not at all; they may lie in
 * two runs: then the one with its sending counts it, and a run that would be too short to fold goes as well. First only dull segments may,
 * run by run and direction by direction; if more is left than is to be shown, without regard to direction; then also what is lost, sent
 * again or noted in the middle of the connection; and at last, if there is far too much, everything but the beginning and the end.
 */
#include "draw/drawing.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST = 10 /* a shorter run is worth its rows */, LEAST_HARD = 2 };

static bool is_segment(const struct draw_event *e) { return !e->fold && e->item.kind <= LADDER_LOST && e->item.kind >= LADDER_SEND; }

static bool may(const struct draw_event *e, unsigned depth) {
  if (e->fold)
    return true;
  if (is_segment(e))
    return e->depth <= depth && e->pair && e->pair->depth <= depth;
  return e->depth <= depth; /* notes; states at the deepest level only */
}

static void add_fold(struct draw_fold *f, const struct draw_fold *x) {
  for (unsigned i = 0; i < 2; i++) {
    f->segs[i] += x->segs[i];
    f->bytes[i] += x->bytes[i];
    f->acks[i] += x->acks[i];
  }
  f->other += x->other;
  f->lost += x->lost;
  f->again += x->again;
  f->notes += x->notes;
  if (x->until > f->until)
    f->until = x->until;
}

static void count(struct draw_fold *f, const struct draw_event *e) {
  const struct ladder_item *it = &e->item;
  if (e->fold) {
    add_fold(f, &e->folded);
    return;
  }
  f->until = it->at;
  if (it->kind == LADDER_LOST)
    f->lost++;
  if (it->kind == LADDER_NOTE || it->kind == LADDER_STATE)
    f->notes++;
  if (it->kind != LADDER_SEND)
    return;
  if (it->flags & (LA_SYN | LA_FIN | LA_RST)) {
    f->other++;
  } else if (it->len) {
    f->segs[it->side]++;
    f->bytes[it->side] += it->len;
  } else {
    f->acks[it->side]++;
  }
  f->again += it->again != LADDER_FIRST;
}

static uint64_t total(const struct draw_fold *f) { return f->segs[0] + f->segs[1] + f->acks[0] + f->acks[1] + f->other + f->notes; }

static void event_free(struct draw_event *e) {
  free((char *)e->item.text);
  free(e);
}

/* The run from..to becomes one event, or none if all that is in it was sent in others; the rest is freed and NULL. */
static void collapse(struct drawing *d, size_t from, size_t to) {
  struct draw_fold f = {0};
  struct draw_event *keep = d->event[from];
  la_time at = keep->item.at;
  for (size_t i = from; i < to; i++)
    count(&f, d->event[i]);
  for (size_t i = total(&f) ? from + 1 : from; i < to; i++) {
    event_free(d->event[i]);
    d->event[i] = NULL;
  }
  if (!total(&f))
    return;
  free((char *)keep->item.text);
  *keep = (struct draw_event){.fold = true, .folded = f, .item = {.kind = LADDER_NOTE, .side = LADDER_MIDDLE, .at = at}};
}

static void squeeze(struct drawing *d) {
  size_t n = 0;
  for (size_t i = 0; i < d->n; i++)
    if (d->event[i])
      d->event[n++] = d->event[i];
  d->n = n;
}

/* Does this event turn the transfer round: data from the side that was silent in this run? */
static bool turns(const struct draw_event *e, int *who) {
  int side = (int)e->item.side;
  if (e->fold && !e->folded.segs[0] != !e->folded.segs[1])
    side = e->folded.segs[1] != 0;
  else if (e->fold || e->item.kind != LADDER_SEND || !e->item.len)
    return false;
  if (*who < 0)
    *who = side;
  return *who != side;
}

/* What was sent from event `from` on has arrived before event i. */
static bool quiet(const struct drawing *d, size_t from, size_t i) {
  for (size_t j = from; j < i; j++)
    if (is_segment(d->event[j]) && d->event[j]->item.kind == LADDER_SEND && d->event[j]->pair->index >= i)
      return false;
  return true;
}

struct run {
  size_t from, to;
  bool folds;
};

static void run_ends(const struct drawing *d, struct run *r, size_t to, uint64_t least) {
  struct draw_fold f = {0};
  r->to = to;
  for (size_t i = r->from; i < to; i++) {
    count(&f, d->event[i]);
    r->folds |= d->event[i]->fold;
  }
  r->folds |= total(&f) >= least;
}

/* The runs into `r`, each event's into its `run`; how many. */
static size_t find_runs(struct drawing *d, struct run *r, bool by_direction, uint64_t least) {
  size_t n = 0;
  for (size_t i = 0; i < d->n; i++) {
    if (!d->event[i]->dull)
      continue;
    int who = -1;
    r[n] = (struct run){.from = i};
    for (; i < d->n && d->event[i]->dull; i++) {
      if (turns(d->event[i], &who) && by_direction && quiet(d, r[n].from, i)) {
        run_ends(d, &r[n], i, least);
        r[++n] = (struct run){.from = i};
        who = !who;
      }
      d->event[i]->run = n;
    }
    run_ends(d, &r[n++], i, least);
  }
  return n;
}

/* One end of a segment is folded, so is the other. */
static void fold_both_ends(const struct drawing *d, struct run *r) {
  for (bool again = true; again;) {
    again = false;
    for (size_t i = 0; i < d->n; i++) {
      const struct draw_event *e = d->event[i];
      if (!e->dull || !is_segment(e) || r[e->run].folds || !r[e->pair->run].folds)
        continue;
      again = r[e->run].folds = true;
    }
  }
}

static void pass(struct drawing *d, size_t from, size_t to, unsigned depth, bool by_direction, uint64_t least) {
  struct run *r = calloc(d->n + 1, sizeof *r);
  if (!r)
    return;
  for (size_t i = 0; i < d->n; i++) {
    d->event[i]->index = i;
    d->event[i]->dull = i >= from && i < to && may(d->event[i], depth);
  }
  for (size_t i = from; i < to; i++)
    if (d->event[i]->dull && is_segment(d->event[i]) && !d->event[i]->pair->dull)
      d->event[i]->dull = false;
  size_t n = find_runs(d, r, by_direction, least);
  fold_both_ends(d, r);
  for (size_t i = 0; i < n; i++)
    if (r[i].folds)
      collapse(d, r[i].from, r[i].to);
  squeeze(d);
  free(r);
}

/* What is on its way, and nobody has told what became of it. */
static void forget_flying(struct drawing *d, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    if (!is_segment(d->event[i]) || d->event[i]->pair)
      continue;
    for (size_t j = 0; j < d->nflying; j++)
      if (d->flying[j] == d->event[i])
        memmove(&d->flying[j], &d->flying[j + 1], (--d->nflying - j) * sizeof *d->flying);
    collapse(d, i, i + 1);
  }
  squeeze(d);
}

void la__drawing_fold(struct drawing *d, size_t show) {
  size_t ends = show / 3, most = 2 * show + 100;
  pass(d, 0, d->n, 0, true, LEAST);
  if (d->n <= show)
    return;
  pass(d, 0, d->n, 0, false, LEAST_HARD);
  if (d->n > show) {
    pass(d, ends, d->n - ends, 1, false, LEAST_HARD);
    pass(d, 0, d->n, 0, false, LEAST_HARD); /* what one end of was beyond `ends` */
  }
  /* Openings and releases rather than a few rows too many. */
  if (d->n > most)
    pass(d, ends, d->n - ends, 3, false, LEAST_HARD);
  if (d->n > most) {
    forget_flying(d, ends, d->n - ends);
    pass(d, ends, d->n - ends, 3, false, LEAST_HARD);
  }
}

/* ---- in words ---- */

struct text {
  char *buf;
  size_t len, cap;
};

static void add(struct text *t, const char *s) {
  int n = snprintf(t->buf + t->len, t->cap - t->len, "%s", s);
  t->len += n > 0 ? (size_t)n : 0;
  if (t->len >= t->cap)
    t->len = t->cap - 1;
}

/* 51100: "51,100". */
static void number(struct text *t, uint64_t n) {
  char digits[24], out[32];
  size_t len = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), k = 0;
  for (size_t i = 0; i < len; i++) {
    if (i && (len - i) % 3 == 0)
      out[k++] = ',';
    out[k++] = digits[i];
  }
  out[k] = 0;
  add(t, out);
}

static void counted(struct text *t, const char *before, uint64_t n, const char *one, const char *many) {
  add(t, before);
  number(t, n);
  add(t, " ");
  add(t, n == 1 ? one : many);
}

char *la__drawing_fold_text(const struct drawing *d, const struct draw_fold *f, char *buf) {
  struct text t = {buf, 0, 160};
  bool both = f->segs[0] && f->segs[1];
  const char *sep = "";
  buf[0] = 0;
  for (unsigned i = 0; i < 2; i++) {
    if (!f->segs[i])
      continue;
    add(&t, sep);
    if (both) {
      char name[24];
      snprintf(name, sizeof name, "%.*s: ", (int)strcspn(d->name[i], " "), d->name[i]);
      add(&t, name);
    }
    counted(&t, "", f->segs[i], "segment", "segments");
    counted(&t, ", ", f->bytes[i], "byte", "bytes");
    sep = both ? "; " : ", ";
  }
  if (f->acks[0] + f->acks[1]) {
    counted(&t, sep, f->acks[0] + f->acks[1], "ACK", "ACKs");
    sep = ", ";
  }
  if (f->other)
    counted(&t, sep, f->other, "SYN, FIN or RST", "SYNs, FINs and RSTs");
  if (f->lost)
    counted(&t, ", ", f->lost, "lost", "lost");
  if (f->again)
    counted(&t, ", ", f->again, "sent again", "sent again");
  if (f->notes)
    counted(&t, t.len ? ", " : "", f->notes, "event", "events");
  return buf;
}

char *la__drawing_time(la_time t, char *buf) {
  static const struct {
    la_time unit;
    const char *name;
  } units[] = {{86400 * LA_SEC, "d"}, {3600 * LA_SEC, "h"}, {60 * LA_SEC, "min"}, {LA_SEC, "s"}, {LA_MS, "ms"}, {LA_US, "µs"}, {1, "ns"}};
  size_t i = 0;
  while (i < 6 && t < units[i].unit)
    i++;
  if (i <= 2 && t < 10 * units[2].unit) /* seconds up to ten minutes */
    i = 3;
  la_time unit = units[i].unit, whole = t / unit, part = t % unit;
  unsigned digits = whole >= 100 ? 1 : whole >= 10 ? 2 : 3;
  la_time scale = 1;
  for (unsigned k = 0; k < digits; k++)
    scale *= 10;
  la_time frac = part * scale / unit;
  while (digits && frac % 10 == 0) {
    frac /= 10;
    digits--;
  }
  if (digits)
    snprintf(buf, 32, "%llu.%0*llu %s", (unsigned long long)whole, (int)digits, (unsigned long long)frac, units[i].name);
  else
    snprintf(buf, 32, "%llu %s", (unsigned long long)whole, units[i].name);
  return buf;
}
