/* SPDX-License-Identifier: MIT */
/* Lifelines, clocks, arrows and their labels: what follows from the places of the events. */
#include "draw/place_layout.h"

#include <string.h>

void la__place_find_clocks(struct layout *l) {
  for (size_t i = 0; i < l->d->n; i++) {
    const struct draw_event *e = l->d->event[i];
    if (!e->clock || e->clock_from >= e->item.at)
      continue;
    struct place_clock *c = NEXT(l->p, clock, nclocks, clocks_cap);
    if (c)
      *c = (struct place_clock){.side = e->item.side, .name = e->clock, .from = e->clock_from, .to = e->item.at, .event = i};
  }
}

/* Where an instant is at a side: at the first segment or state there, or else at the latest thing before. 2MSL runs in TIME-WAIT. */
static double y_of(const struct layout *l, la_time t, unsigned side, const char *clock) {
  double y = l->p->top;
  bool waits = strcmp(clock, "2MSL") != 0;
  for (size_t i = 0; i < l->d->n && l->d->event[i]->item.at <= t; i++) {
    const struct draw_event *e = l->d->event[i];
    bool here = e->item.kind == LADDER_ARRIVE ? e->item.side != side : e->item.side == side && e->item.kind != LADDER_NOTE;
    waits |= here && e->item.kind == LADDER_STATE && e->item.state == LA_TIME_WAIT;
    here &= waits;
    if (e->item.at < t || here || e->fold)
      y = l->p->y[i];
    if (e->item.at == t && here)
      break;
  }
  return y;
}

/* A clock without a break has its name where there is room beside it. */
static void name_clock(struct layout *l, struct place_clock *c) {
  const double at[] = {(c->y0 + c->y1) / 2 + 4, c->y1 + 4};
  char text[64], span[32];
  for (size_t k = 0; k < 2 && !c->labelled; k++) {
    bool room = c->y1 - c->y0 >= CLOSE;
    for (size_t i = 0; i < l->p->ntexts && room; i++) {
      const struct place_text *t = &l->p->text[i];
      room = t->x != l->p->text_x[c->side] || t->y <= at[k] - LINE || t->y >= at[k] + LINE;
    }
    if (!room)
      continue;
    snprintf(text, sizeof text, "%s %s", c->name, la__drawing_time(c->to - c->from, span));
    la__place_side_text(l, c->side, at[k], "clock", c->event, text);
    c->labelled = true;
  }
}

/* The first lane in which nothing else runs at the time. */
static void take_lane(const struct place *p, size_t k) {
  struct place_clock *c = &p->clock[k];
  for (size_t i = 0; i < k; i++)
    if (p->clock[i].side == c->side && p->clock[i].lane == c->lane && p->clock[i].y1 > c->y0 + 1 && p->clock[i].y0 + 1 < c->y1) {
      c->lane++;
      i = (size_t)-1;
    }
  if (c->lane > 1)
    c->lane = 1; /* there are no more */
}

void la__place_end_clocks(struct layout *l) {
  for (size_t k = 0; k < l->p->nclocks; k++) {
    struct place_clock *c = &l->p->clock[k];
    c->y0 = y_of(l, c->from, c->side, c->name);
    c->y1 = l->p->y[c->event];
    take_lane(l->p, k);
    if (!c->labelled && !l->p->narrow)
      name_clock(l, c);
  }
  for (unsigned side = 0; side < 2; side++) {
    const struct draw_side *s = &l->d->side[side];
    char text[96], span[32];
    if (!s->waits || !l->d->n)
      continue;
    struct place_clock *c = NEXT(l->p, clock, nclocks, clocks_cap);
    if (!c)
      return;
    double y = max(max(l->low, l->gut[side] + LINE), y_of(l, s->waits_from, side, s->waits) + LINE);
    *c = (struct place_clock){.side = side,
                              .name = s->waits,
                              .from = s->waits_from,
                              .to = s->waits_until,
                              .running = true,
                              .event = l->d->n - 1,
                              .y0 = y_of(l, s->waits_from, side, s->waits)};
    snprintf(text, sizeof text, "%s %s, still running", s->waits, la__drawing_time(c->to - c->from, span));
    l->gut[side] = la__place_side_text(l, side, l->p->narrow ? l->low + LINE : y + 8, "clock", c->event, text);
    c->y1 = max(l->gut[side] + 4, y + 16);
    l->low = max(l->low, c->y1);
  }
}

static void find_spans(struct layout *l) {
  for (unsigned side = 0; side < 2; side++) {
    struct place_span *last = NEXT(l->p, span, nspans, spans_cap);
    if (!last)
      return;
    *last = (struct place_span){.side = side, .y0 = l->p->top, .state = -1};
    size_t at = l->p->nspans - 1;
    for (size_t i = 0; i < l->d->n; i++) {
      const struct draw_event *e = l->d->event[i];
      if (e->fold || e->item.kind != LADDER_STATE || e->item.side != side)
        continue;
      l->p->span[at].y1 = l->p->y[i];
      if (!NEXT(l->p, span, nspans, spans_cap))
        return;
      at = l->p->nspans - 1;
      l->p->span[at] = (struct place_span){.side = side, .y0 = l->p->y[i], .state = (int)e->item.state, .event = i};
    }
    l->p->span[at].y1 = l->p->height - 10;
  }
}

/* How far a lost segment would have sunk on its way: as far as the next one that left with it, or the one before. */
static double fall(const struct layout *l, const struct draw_event *e) {
  double near = 1e9, y = 18;
  for (size_t i = 0; i < l->d->n; i++) {
    const struct draw_event *o = l->d->event[i];
    double off = o->fold || o->item.kind != LADDER_SEND ? 1e9 : l->p->y[i] - l->p->y[e->index];
    if (off > 1e8 || o->item.side != e->item.side || o->item.at != e->item.at || !o->pair || o->pair->item.kind != LADDER_ARRIVE)
      continue;
    off = off < 0 ? -off : off;
    if (off < near) {
      near = off;
      y = l->p->y[o->pair->index] - l->p->y[i];
    }
  }
  return y;
}

static void find_arrows(struct layout *l) {
  for (size_t i = 0; i < l->d->n; i++) {
    const struct draw_event *e = l->d->event[i];
    bool orphan = !e->pair && e->item.kind == LADDER_ARRIVE;
    if (e->fold || (e->item.kind != LADDER_SEND && !orphan))
      continue;
    struct place_arrow *a = NEXT(l->p, arrow, narrows, arrows_cap);
    if (!a)
      return;
    unsigned side = e->item.side;
    double from = l->p->life[side], to = l->p->life[!side], reach = to - from;
    *a = (struct place_arrow){.send = i, .x0 = from, .y0 = l->p->y[i], .x1 = to, .comes = orphan};
    if (orphan) {
      a->x0 = from + reach * .4;
      a->y1 = a->y0;
      a->y0 -= 10;
    } else if (!e->pair) {
      a->leaves = true;
      a->x1 = from + reach * .7;
      a->y1 = a->y0 + (l->p->narrow ? 4 : 14);
    } else if (e->pair->item.kind == LADDER_LOST) {
      a->lost = true;
      a->x1 = from + reach * REACH;
      a->y1 = a->y0 + (l->p->narrow ? 4 : fall(l, e) * REACH);
    } else {
      a->y1 = l->p->y[e->pair->index];
    }
  }
}

static double slope(const struct place_arrow *a) {
  double dx = a->x1 - a->x0;
  return (a->y1 - a->y0) / (dx < 0 ? -dx : dx);
}

/* Its line passes beneath what is folded: a label that sinks with it would as well. */
static bool under_fold(const struct layout *l, const struct draw_event *e) {
  for (size_t i = e->index; e->pair && i < e->pair->index; i++)
    if (l->d->event[i]->fold)
      return true;
  return false;
}

/*
 * A label goes along its line, but never steeper than the one that follows closely from the same side, so that they do not meet. It is
 * short where others come against it.
 */
static void place_labels(struct layout *l) {
  struct place *p = l->p;
  double width = p->life[1] - p->life[0], in = p->narrow ? 14 : 20;
  for (size_t i = p->narrows; i-- > 0;) {
    struct place_arrow *a = &p->arrow[i];
    unsigned side = l->d->event[a->send]->item.side;
    a->label_max = a->lost ? width * REACH - in - 22 : width - in - 16; /* never as far as the cross */
    a->turn = p->narrow || slope(a) > .8 || under_fold(l, l->d->event[a->send]) ? 0 : slope(a);
    for (size_t k = 0; k < p->narrows && !p->narrow; k++) {
      const struct place_arrow *b = &p->arrow[k];
      bool same = l->d->event[b->send]->item.side == side;
      if (k > i && same && b->y0 - a->y0 < 64 && b->turn < a->turn)
        a->turn = b->turn;
      if (!same && b->y1 > a->y0 - 22 && b->y0 - 22 < max(a->y1, a->y0 + 2))
        a->label_max = HALF;
    }
    a->label_x = side ? p->life[1] - in : p->life[0] + in;
    a->label_y = a->y0 - 6 + a->turn * (in - 5);
  }
}

void la__place_lines(struct layout *l) {
  find_spans(l);
  find_arrows(l);
  place_labels(l);
}
