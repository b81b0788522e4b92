/* SPDX-License-Identifier: MIT */
#include "draw/place_layout.h"

#include <stdlib.h>
#include <string.h>

#include "draw/markup.h"

/* `list` is the address of a pointer of any type. */
void *la__place_next(void *list, size_t *cap, size_t *n, size_t size, bool *failed) {
  char *v;
  memcpy(&v, list, sizeof v);
  if (*n == *cap) {
    size_t c = *cap ? *cap * 2 : 64;
    v = realloc(v, c * size);
    if (!v) {
      *failed = true;
      return NULL;
    }
    memcpy(list, &v, sizeof v);
    *cap = c;
  }
  void *slot = v + (*n)++ * size;
  memset(slot, 0, size);
  return slot;
}

static void put_text(struct layout *l, double x, double y, unsigned anchor, const char *style, size_t event, const char *text, size_t n) {
  struct place_text *t = NEXT(l->p, text, ntexts, texts_cap);
  if (!t)
    return;
  *t = (struct place_text){.x = x, .y = y, .anchor = anchor, .style = style, .event = event};
  snprintf(t->text, sizeof t->text, "%.*s", (int)n, text);
  l->low = max(l->low, y + 4);
}

double la__place_side_text(struct layout *l, unsigned side, double y, const char *style, size_t event, const char *text) {
  for (;;) {
    size_t n = la__text_fit(text, NOTE_SIZE, l->p->text_width);
    if (n > sizeof l->p->text->text - 1)
      n = sizeof l->p->text->text - 1;
    put_text(l, l->p->text_x[side], y, l->p->narrow ? (side ? 2 : 0) : (side ? 0 : 2), style, event, text, n);
    text += n;
    text += *text == ' ';
    if (!*text)
      return y;
    y += LINE - 1;
  }
}

/* ---- time ---- */

static int by_time(const void *a, const void *b) {
  la_time x = *(const la_time *)a, y = *(const la_time *)b;
  return x < y ? -1 : x > y;
}

/* The usual time on the way takes FLIGHT; where nothing is known of it, the usual pause between two instants half of that. */
static double scale_of(const struct drawing *d) {
  la_time *v = calloc(d->n + 1, sizeof *v);
  size_t n = 0, most = FLIGHT;
  if (!v)
    return 0;
  for (size_t i = 0; i < d->n; i++) {
    const struct draw_event *e = d->event[i];
    if (!e->fold && e->item.kind == LADDER_ARRIVE && e->pair && e->item.at > e->pair->item.at)
      v[n++] = e->item.at - e->pair->item.at;
  }
  if (!n) {
    most = FLIGHT / 2;
    for (size_t i = 1; i < d->n; i++)
      if (d->event[i]->item.at > d->event[i - 1]->item.at)
        v[n++] = d->event[i]->item.at - d->event[i - 1]->item.at;
  }
  qsort(v, n, sizeof *v, by_time);
  double scale = n ? (double)most / (double)v[n / 2] : 0;
  free(v);
  return scale;
}

static void time_label(struct layout *l, size_t i) {
  char text[48];
  la_time t = l->at > l->d->zero ? l->at - l->d->zero : 0;
  unsigned long long us = t / LA_US, sec = us / 1000000;
  int digits = us % 1000 ? 6 : 3;
  for (unsigned long long x = 100000; x <= sec && digits; x *= 10)
    digits -= digits > 3 || x >= 10000000; /* as much as the column takes */
  for (int k = digits; k < 6; k++)
    us /= 10;
  unsigned long long scale = 1;
  for (int k = 0; k < digits; k++)
    scale *= 10;
  snprintf(text, sizeof text, digits ? "%llu.%0*llu" : "%llu", sec, digits, us % scale);
  if (l->p->narrow) {
    l->y = l->low + LINE + 2;
    put_text(l, l->p->width / 2, l->y, 1, "t", i, text, strlen(text));
  } else {
    put_text(l, TIME, l->y + 4, 2, "t", i, text, strlen(text));
  }
}

/* From the event before to event i. */
static la_time gap(const struct drawing *d, size_t i) {
  const struct draw_event *e = d->event[i - 1];
  la_time from = e->fold && e->folded.until > e->item.at ? e->folded.until : e->item.at;
  return d->event[i]->item.at > from ? d->event[i]->item.at - from : 0;
}

/* Where a clock's name is written: in the longest of the breaks that it runs through. */
static void clock_labels(struct layout *l, size_t i, double y, double *below) {
  char text[64], span[32];
  for (size_t k = 0; k < l->p->nclocks; k++) {
    struct place_clock *c = &l->p->clock[k];
    la_time a = l->d->event[i - 1]->item.at, b = l->d->event[i]->item.at;
    if (c->labelled || c->running || c->from > a || c->to < b)
      continue;
    bool longest = true;
    for (size_t j = 1; j < l->d->n && longest; j++)
      longest = l->d->event[j - 1]->item.at < c->from || l->d->event[j]->item.at > c->to || gap(l->d, j) < b - a ||
                (gap(l->d, j) == b - a && j >= i);
    if (!longest)
      continue;
    double at = max(y, l->gut[c->side] + LINE);
    if (l->p->narrow)
      at = max(at, *below);
    snprintf(text, sizeof text, "%s %s", c->name, la__drawing_time(c->to - c->from, span));
    l->gut[c->side] = la__place_side_text(l, c->side, at, "clock", c->event, text);
    *below = max(*below, l->gut[c->side] + (l->p->narrow ? LINE : 0));
    c->labelled = true;
  }
}

static void break_at(struct layout *l, size_t i, double y0) {
  struct place_break *b = NEXT(l->p, brk, nbrks, brks_cap);
  char span[32];
  if (!b)
    return;
  size_t at = (size_t)(b - l->p->brk);
  la__drawing_time(gap(l->d, i), span);
  double mid = y0 + BREAK / 2 + 4, below = l->p->narrow ? mid + LINE : mid;
  put_text(l, l->p->narrow ? l->p->width / 2 : TIME, mid, l->p->narrow ? 1 : 2, "gap", i, span, strlen(span));
  clock_labels(l, i, below, &below);
  l->p->brk[at] = (struct place_break){.y0 = y0, .y1 = max(y0 + BREAK, below + 8), .span = gap(l->d, i)};
  l->low = l->p->brk[at].y1;
}

static void new_instant(struct layout *l, size_t i) {
  const struct draw_event *e = l->d->event[i];
  double low = max(l->low, max(l->wire[0], l->wire[1]));
  if (i) {
    double px = (double)gap(l->d, i) * l->scale;
    if (px > LONG) {
      break_at(l, i, max(low, max(l->gut[0], l->gut[1])) + 8);
      l->y = l->low + 14;
    } else {
      double from = l->p->narrow ? low : max(max(l->y, max(l->gut[0], l->gut[1]) - 4), max(l->wire[0], l->wire[1]));
      l->y = from + max(px, INSTANT);
    }
  }
  l->at = e->item.at;
  l->used[0] = l->used[1] = l->joined[0] = l->joined[1] = false;
}

/* ---- events ---- */

/* A state of that side that stands beside the event: before anything else there, at the same instant. */
static bool brings_state(const struct drawing *d, size_t i, unsigned side) {
  for (size_t j = i + 1; j < d->n && d->event[j]->item.at == d->event[i]->item.at; j++) {
    const struct draw_event *e = d->event[j];
    if (!e->fold && e->item.kind == LADDER_STATE && e->item.side == side)
      return true;
    if (e->item.side == side)
      return false;
  }
  return false;
}

/* The end of an arrow at a side, not above y. */
static double attach(struct layout *l, size_t i, unsigned side, double y, double row) {
  y = max(y, l->wire[side] + row);
  if (l->p->narrow)
    return max(y, l->low + (row == ROW ? LINE + 6 : 6));
  if (brings_state(l->d, i, side))
    y = max(y, l->gut[side] + LINE);
  return y;
}

static void used(struct layout *l, unsigned side, double y) {
  l->wire[side] = y;
  l->used[side] = true;
  l->joined[side] = false;
  l->low = max(l->low, y);
}

static bool at_once(const struct draw_event *e) {
  return e->item.kind == LADDER_SEND && e->pair && e->pair->item.kind == LADDER_ARRIVE && e->pair->item.at == e->item.at;
}

/* Where an instant begins, so that its time stands beside what happens first: not above the rows that are taken. */
static double begins(struct layout *l, size_t i) {
  for (size_t j = i; j < l->d->n && l->d->event[j]->item.at == l->at; j++) {
    const struct draw_event *e = l->d->event[j];
    unsigned side = e->item.side == LADDER_MIDDLE ? 0 : e->item.side;
    if (e->fold)
      return max(l->y, max(l->wire[0], l->wire[1]) + 30);
    if (e->item.kind == LADDER_STATE)
      continue; /* beside the segment that follows */
    if (e->item.kind == LADDER_NOTE)
      return max(l->y, l->gut[side] + LINE - 4);
    if (e->item.kind == LADDER_SEND && !at_once(e))
      return attach(l, j, side, l->y, ROW);
    if (e->item.kind == LADDER_SEND)
      return attach(l, e->pair->index, !side, attach(l, j, side, l->y, ROW), ROW);
    return e->item.kind == LADDER_ARRIVE ? attach(l, j, !side, l->y, CLOSE) : l->y;
  }
  return l->y;
}

static void put_send(struct layout *l, size_t i) {
  struct draw_event *e = l->d->event[i], *to = e->pair;
  unsigned side = e->item.side;
  double y = attach(l, i, side, l->y, ROW);
  bool level = at_once(e);
  /* what it was sent in stands beside it */
  if (!l->p->narrow && l->joined[side] && l->gut[side] > l->wire[side])
    y = max(y, l->gut[side] - 4);
  if (level)
    y = attach(l, to->index, !side, y, ROW);
  l->p->y[i] = y;
  used(l, side, y);
  if (level) {
    l->p->y[to->index] = y;
    used(l, !side, y);
  }
}

static void put_arrival(struct layout *l, size_t i) {
  struct draw_event *e = l->d->event[i];
  unsigned side = !e->item.side;
  if (e->pair && e->pair->item.at == e->item.at) {
    l->used[side] = true;
    return; /* was placed with its departure */
  }
  double y = attach(l, i, side, l->y, CLOSE), row = CLOSE;
  if (e->pair) {
    const struct draw_event *last = l->came[side];
    if (last && last->item.at == e->item.at && last->pair->item.at == e->pair->item.at) /* of one burst: their lines are parallel */
      row = l->p->y[e->pair->index] - l->p->y[last->pair->index];
    if (row > CLOSE && !l->p->narrow)
      y = max(y, attach(l, i, side, l->y, row));
    y = max(y, l->p->y[e->pair->index] + CLOSE);
    l->came[side] = e;
  }
  l->p->y[i] = y;
  used(l, side, y);
}

static void put_state(struct layout *l, size_t i) {
  const struct draw_event *e = l->d->event[i];
  unsigned side = e->item.side;
  double y = l->y;
  bool beside = !l->p->narrow && l->used[side] && !l->joined[side] && l->gut[side] + LINE <= l->wire[side] + 4.5;
  if (l->p->narrow)
    y = l->low + LINE + 2;
  else if (beside)
    y = l->wire[side] + 4;
  else
    y = max(l->used[side] ? max(y, l->wire[side]) + 4 : y + 4, l->gut[side] + LINE);
  l->gut[side] = la__place_side_text(l, side, y, "s", i, la_state_name(e->item.state));
  l->p->y[i] = y - 4;
  l->joined[side] = true;
}

static void put_note(struct layout *l, size_t i, bool side_known) {
  const struct draw_event *e = l->d->event[i];
  const char *text = e->item.text ? e->item.text : "";
  unsigned side = side_known ? e->item.side : 0;
  for (size_t k = 0; e->clock && k < l->p->nclocks; k++)
    if (l->p->clock[k].event == i && l->p->clock[k].labelled) { /* the clock says it */
      l->p->y[i] = max(l->y, l->gut[side] + LINE - 4);
      return;
    }
  const char *style = e->item.clock ? "n clock" : strncmp(text, "END: ", 5) == 0 ? "n end" : "n";
  double y = max(l->y + 4, l->gut[side] + LINE);
  if (l->p->narrow)
    y = l->low + LINE;
  l->p->y[i] = y - 4;
  l->gut[side] = la__place_side_text(l, side, y, style, i, text);
}

static void put_fold(struct layout *l, size_t i) {
  char text[160];
  double y = max(max(l->wire[0], l->wire[1]) + 30, l->y);
  if (l->p->narrow)
    y = max(y, l->low + 26);
  la__drawing_fold_text(l->d, &l->d->event[i]->folded, text);
  double mid = (l->p->life[0] + l->p->life[1]) / 2;
  size_t at = 0, lines = 0;
  double room = l->p->life[1] - l->p->life[0] - 40;
  l->p->y[i] = y;
  while (text[at] && lines++ < 3) {
    size_t n = la__text_fit(text + at, 12.5, room);
    put_text(l, mid, y + 4, 1, "fold", i, text + at, n);
    at += n;
    at += text[at] == ' ';
    y += LINE;
  }
  y += 4;
  l->wire[0] = l->wire[1] = y;
  l->low = max(l->low, y + 2);
}

static void put(struct layout *l, size_t i) {
  const struct draw_event *e = l->d->event[i];
  if (e->fold) {
    put_fold(l, i);
    return;
  }
  switch (e->item.kind) {
  case LADDER_SEND:
    put_send(l, i);
    break;
  case LADDER_ARRIVE:
    put_arrival(l, i);
    break;
  case LADDER_LOST:
    l->p->y[i] = e->pair ? l->p->y[e->pair->index] : l->y;
    break;
  case LADDER_STATE:
    put_state(l, i);
    break;
  case LADDER_NOTE:
    put_note(l, i, e->item.side != LADDER_MIDDLE);
  }
}

bool la__place(struct place *p, struct drawing *d, bool narrow) {
  la__drawing_fold(d, DRAWING_SHOW);
  *p = (struct place){.narrow = narrow, .width = narrow ? PLACE_NARROW : PLACE_WIDE, .top = narrow ? 16 : 18};
  p->life[0] = narrow ? 16 : 290;
  p->life[1] = narrow ? PLACE_NARROW - 16 : PLACE_WIDE - 220;
  p->text_x[0] = p->life[0] + (narrow ? 14 : -31);
  p->text_x[1] = p->life[1] - (narrow ? 14 : -31);
  p->text_width = narrow ? 290 : 172;
  p->y = calloc(d->n + 1, sizeof *p->y);
  p->out_of_memory = !p->y;
  struct layout l = {.p = p, .d = d, .scale = scale_of(d), .y = p->top + 12, .low = p->top, .gut = {p->top, p->top}};
  l.wire[0] = l.wire[1] = p->top - 10;
  for (size_t i = 0; i < d->n; i++)
    d->event[i]->index = i;
  la__place_find_clocks(&l);
  for (size_t i = 0; i < d->n && !p->out_of_memory; i++) {
    if (!i || d->event[i]->item.at != l.at) {
      new_instant(&l, i);
      if (!narrow)
        l.y = begins(&l, i);
      time_label(&l, i);
    }
    put(&l, i);
  }
  if (p->out_of_memory)
    return false;
  la__place_end_clocks(&l);
  p->height = max(max(l.low, max(l.wire[0], l.wire[1])), max(l.gut[0], l.gut[1])) + 26;
  la__place_lines(&l);
  return !p->out_of_memory;
}

void la__place_free(struct place *p) {
  free(p->y);
  free(p->text);
  free(p->arrow);
  free(p->brk);
  free(p->clock);
  free(p->span);
}
