/* SPDX-License-Identifier: MIT */
#include "draw/facts.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "draw/clause.h"
#include "draw/ladder_row.h"
#include "draw/markup.h"

struct facts {
  FILE *out;
  const struct drawing *d;
  bool first_row;
};

static void open_fact(struct facts *f, unsigned number, const char *letter, size_t event, bool *first, const char *title) {
  fprintf(f->out, "%s\n\"%u-%s%zu\":{\"title\":", *first ? "" : ",", number, letter, event);
  la__json_text(f->out, title);
  fputs(",\"rows\":[", f->out);
  *first = false;
  f->first_row = true;
}

__attribute__((format(printf, 3, 4))) static void row(struct facts *f, const char *name, const char *fmt, ...) {
  char text[400];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  fputs(f->first_row ? "[" : ",[", f->out);
  la__json_text(f->out, name);
  fputc(',', f->out);
  la__json_text(f->out, text);
  fputc(']', f->out);
  f->first_row = false;
}

static void close_fact(struct facts *f, const char *const *text) {
  fputc(']', f->out);
  for (size_t i = 0; text && text[i]; i++) {
    fputs(i ? "," : ",\"text\":[", f->out);
    la__json_text(f->out, text[i]);
    if (!text[i + 1])
      fputc(']', f->out);
  }
  fputc('}', f->out);
}

static void row_time(struct facts *f, const char *name, la_time t) {
  unsigned long long ns = t > f->d->zero ? t - f->d->zero : 0;
  if (ns % 1000)
    row(f, name, "%llu.%09llu s", ns / 1000000000, ns % 1000000000);
  else
    row(f, name, "%llu.%06llu s", ns / 1000000000, ns / 1000 % 1000000);
}

/* ---- segments ---- */

static void options(struct facts *f, const struct ladder_item *it) {
  const struct tcp_opts *o = &it->all;
  if (o->have & TCP_OPT_MSS)
    row(f, "MSS", "%u", o->mss);
  if (o->have & TCP_OPT_WSCALE)
    row(f, "window scale", "%u (times %u)", o->wscale, 1u << (o->wscale & 15));
  if (o->have & TCP_OPT_SACK_OK)
    row(f, "SACK", "permitted");
  if (o->have & TCP_OPT_TS)
    row(f, "timestamps", "val %u, ecr %u", o->ts_val, o->ts_ecr);
}

/* SACK blocks in the numbers that the drawing shows: counted like the acknowledgment. */
static void sacks(struct facts *f, const struct ladder_item *it) {
  char text[160] = "";
  size_t n = 0;
  for (unsigned i = 0; (it->all.have & TCP_OPT_SACK) && i < it->all.nsack && i < 4 && n < sizeof text; i++)
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%u to %u", i ? ", " : "", it->all.sack[i].lo - it->abs_ack + it->ack,
                          it->all.sack[i].hi - it->abs_ack + it->ack);
  if (n)
    row(f, "SACK", "%s", text);
}

static void segment(struct facts *f, const struct draw_event *e, unsigned number, bool *first) {
  static const char *const again[] = {"", "sent again", "window probe", "keepalive probe", "tail loss probe"};
  const struct ladder_item *it = &e->item, *end = e->pair ? &e->pair->item : NULL;
  char title[160], flags[40], span[32];
  bool right = it->side == LADDER_RIGHT;
  la__ladder_flags(it->flags, flags);
  snprintf(title, sizeof title, "%s", flags);
  open_fact(f, number, "", e->index, first, title);
  row(f, "from", "%s", f->d->name[right]);
  row(f, "to", "%s", f->d->name[!right]);
  if (it->frame)
    row(f, "frame", "%llu", (unsigned long long)it->frame);
  row_time(f, it->kind == LADDER_SEND ? "sent" : "arrived", it->at);
  if (end && end->kind == LADDER_ARRIVE && end->at > it->at) {
    row_time(f, "arrived", end->at);
    row(f, "on the way", "%s", la__drawing_time(end->at - it->at, span));
  }
  row(f, "seq", it->seq == it->abs_seq ? "%u" : "%u (absolute %u)", it->seq, it->abs_seq);
  if (it->flags & LA_ACK)
    row(f, "ack", it->ack == it->abs_ack ? "%u" : "%u (absolute %u)", it->ack, it->abs_ack);
  row(f, "payload", it->len == 1 ? "%u byte" : "%u bytes", it->len);
  if (it->has_wnd)
    row(f, "window", la__drawing_window(f->d, it) == it->wnd ? "%u bytes" : "%u bytes (%u in the header)", la__drawing_window(f->d, it),
        it->wnd);
  options(f, it);
  sacks(f, it);
  if (it->again && it->again < sizeof again / sizeof *again)
    row(f, "again", "%s", again[it->again]);
  if (e->clock)
    row(f, "by the clock", "%s, %s", e->clock, la__drawing_time(it->at - e->clock_from, span));
  if (end && end->kind == LADDER_LOST)
    row(f, "fate", "lost");
  const char *said = it->text ? it->text : end ? end->text : NULL;
  if (said)
    row(f, "note", "%s", said);
  close_fact(f, NULL);
}

/* ---- states ---- */

/* The state of that side before event i; -1: not known. */
static int before(const struct drawing *d, size_t i, unsigned side) {
  while (i-- > 0)
    if (!d->event[i]->fold && d->event[i]->item.kind == LADDER_STATE && d->event[i]->item.side == side)
      return (int)d->event[i]->item.state;
  return -1;
}

static const struct draw_event *after(const struct drawing *d, size_t i, unsigned side) {
  while (++i < d->n)
    if (!d->event[i]->fold && d->event[i]->item.kind == LADDER_STATE && d->event[i]->item.side == side)
      return d->event[i];
  return NULL;
}

/* The cause that leads from one state to another, where the table has but one kind of it; else LA_ON_NOTHING. */
static enum la_cause only_cause(enum la_state from, enum la_state to) {
  la_transition t;
  enum la_cause found = LA_ON_NOTHING;
  for (size_t i = 0; la_transition_get(i, &t); i++) {
    bool alike = t.cause == LA_ON_SHUTDOWN && found == LA_ON_CLOSE;
    if (t.from != from || t.to != to || alike)
      continue;
    if (found)
      return LA_ON_NOTHING;
    found = t.cause;
  }
  return found;
}

static void state(struct facts *f, const struct draw_event *e, unsigned number, bool *first) {
  const struct clause_state *c = la__clause_state(e->item.state);
  const struct draw_event *next = after(f->d, e->index, e->item.side);
  int from = before(f->d, e->index, e->item.side);
  enum la_cause cause = e->item.cause;
  char title[160], span[32];
  if (!cause && from >= 0)
    cause = only_cause((enum la_state)from, e->item.state);
  snprintf(title, sizeof title, "%s: %s", f->d->name[e->item.side], la_state_name(e->item.state));
  open_fact(f, number, "", e->index, first, title);
  row_time(f, "entered", e->item.at);
  if (next) {
    row(f, "lasted", "%s", la__drawing_time(next->item.at - e->item.at, span));
    row(f, "then", "%s", la_state_name(next->item.state));
  }
  if (from >= 0)
    row(f, "from", "%s", la_state_name((enum la_state)from));
  if (cause)
    row(f, "because", "%s", la_cause_name(cause));
  if (cause)
    row(f, "clause", "%s", la__clause_of(from >= 0 ? (enum la_state)from : LA_CLOSED, cause));
  row(f, "waits for", "%s", c->waits);
  row(f, "clocks", "%s", c->clocks);
  for (size_t k = e->index; k < f->d->n && (!next || k <= next->index); k++) {
    const struct draw_event *x = f->d->event[k];
    if (x->clock && x->item.side == e->item.side && x->clock_from >= e->item.at)
      row(f, x->clock, "ran %s", la__drawing_time(x->item.at - x->clock_from, span));
  }
  const char *const text[] = {c->means, c->next, e->item.inferred ? "Inferred: the segments prove it, nobody told it." : NULL, NULL};
  close_fact(f, text);
}

/* ---- clocks and folds ---- */

static void clock(struct facts *f, const struct place_clock *c, unsigned number, bool *first) {
  char title[200], span[32];
  snprintf(title, sizeof title, "%s: %s", f->d->name[c->side], c->name);
  open_fact(f, number, "c", c->event, first, title);
  row_time(f, "runs since", c->from);
  row_time(f, c->running ? "runs out" : "ran out", c->to);
  row(f, "lasts", "%s", la__drawing_time(c->to - c->from, span));
  static const char *const beyond[] = {"It runs out after the end of the drawing, if the stack keeps to the usual 60 s.", NULL};
  close_fact(f, c->running ? beyond : NULL);
}

static void fold(struct facts *f, const struct draw_event *e, unsigned number, bool *first) {
  const struct draw_fold *x = &e->folded;
  char span[32];
  open_fact(f, number, "", e->index, first, "Folded");
  row_time(f, "from", e->item.at);
  row(f, "lasts", "%s", la__drawing_time(x->until > e->item.at ? x->until - e->item.at : 0, span));
  for (unsigned i = 0; i < 2; i++)
    if (x->segs[i] || x->acks[i])
      row(f, f->d->name[i], "%llu segments with %llu bytes, %llu ACKs", (unsigned long long)x->segs[i], (unsigned long long)x->bytes[i],
          (unsigned long long)x->acks[i]);
  if (x->other)
    row(f, "SYN, FIN, RST", "%llu", (unsigned long long)x->other);
  if (x->again)
    row(f, "sent again", "%llu", (unsigned long long)x->again);
  if (x->lost)
    row(f, "lost", "%llu", (unsigned long long)x->lost);
  close_fact(f, NULL);
}

void la__facts(FILE *out, const struct drawing *d, const struct place *p, unsigned number, bool *first) {
  struct facts f = {out, d, true};
  for (size_t i = 0; i < d->n; i++) {
    const struct draw_event *e = d->event[i];
    if (e->fold)
      fold(&f, e, number, first);
    else if (e->item.kind == LADDER_SEND || (e->item.kind == LADDER_ARRIVE && !e->pair))
      segment(&f, e, number, first);
    else if (e->item.kind == LADDER_STATE)
      state(&f, e, number, first);
  }
  for (size_t i = 0; i < p->nclocks; i++)
    clock(&f, &p->clock[i], number, first);
}
