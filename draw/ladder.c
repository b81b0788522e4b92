/* SPDX-License-Identifier: MIT */
/*
 * Rows wait in a short queue until nothing more can belong to them. The queue holds, in order, at most one kind of thing in
 * flight: segments sent by one side. An arrival completes the row of its SEND while that is still pending and the oldest one
 * that has not arrived; a state joins the row that caused it. Whatever does not fit prints the queue first, and a segment
 * that is still on its way then gets two rows, one for each end. So crossing segments come out as four rows.
 */
#include "draw/ladder.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "draw/ladder_row.h"

enum { QUEUE = 64 };

struct ladder {
  FILE *out;
  struct ladder_style style;
  la_time zero;
  int shown[2]; /* enum la_state, or -1 */
  unsigned n;
  struct ladder_row row[QUEUE];
};

void la__ladder_segment(struct ladder_item *it, const struct tcp_seg *seg) {
  it->seq = seg->seq;
  it->ack = seg->ack;
  it->len = seg->len;
  it->flags = seg->flags;
  it->opts = seg->flags & LA_SYN ? seg->opt.have : 0;
  it->mss = seg->opt.mss;
  it->wscale = seg->opt.wscale;
  it->abs_seq = seg->seq;
  it->abs_ack = seg->ack;
  it->wnd = seg->wnd;
  it->has_wnd = true;
  it->all = seg->opt;
}

struct ladder_style la__ladder_style(FILE *out) {
  const char *ascii = getenv("LASTACK_ASCII"), *plain = getenv("NO_COLOR"), *term = getenv("TERM");
  struct ladder_style s = {.width = LADDER_WIDTH};
  s.ascii = (ascii && *ascii && strcmp(ascii, "0") != 0) || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
  struct winsize win;
  if (ioctl(fileno(out), TIOCGWINSZ, &win) == 0 && win.ws_col && win.ws_col < LADDER_WIDTH)
    s.width = win.ws_col;
  s.colour = isatty(fileno(out)) && !(plain && *plain) && term && strcmp(term, "dumb") != 0;
  return s;
}

struct ladder *la__ladder_new(FILE *out, const struct ladder_style *style) {
  struct ladder *l = calloc(1, sizeof *l);
  if (!l)
    return NULL;
  l->out = out;
  l->style = *style;
  if (!l->style.width)
    l->style.width = LADDER_WIDTH;
  if (l->style.width < LADDER_WIDTH_MIN)
    l->style.width = LADDER_WIDTH_MIN;
  l->shown[0] = l->shown[1] = -1;
  return l;
}

void la__ladder_free(struct ladder *l) {
  if (!l)
    return;
  la__ladder_flush(l);
  free(l);
}

void la__ladder_head(struct ladder *l, const char *left, const char *right, la_time zero) {
  la__ladder_flush(l);
  l->zero = zero;
  l->shown[0] = l->shown[1] = -1;
  la__ladder_print_head(l->out, &l->style, left, right);
}

/* Prints the first n rows. */
static void print(struct ladder *l, unsigned n) {
  for (unsigned i = 0; i < n; i++)
    la__ladder_print_row(l->out, &l->style, &l->row[i], l->zero);
  if (n)
    fflush(l->out);
  l->n -= n;
  memmove(l->row, l->row + n, l->n * sizeof l->row[0]);
}

void la__ladder_flush(struct ladder *l) { print(l, l->n); }

void la__ladder_settle(struct ladder *l) {
  unsigned n = 0;
  while (n < l->n && l->row[n].form != ROW_DEPARTURE)
    n++;
  print(l, n);
}

/* A new row at `at`; the caller has left room. */
static struct ladder_row *insert(struct ladder *l, unsigned at, enum row_form form, const struct ladder_item *it) {
  memmove(&l->row[at + 1], &l->row[at], (l->n - at) * sizeof l->row[0]);
  l->n++;
  struct ladder_row *r = &l->row[at];
  *r = (struct ladder_row){.form = form, .item = *it, .state = {-1, -1}};
  if (it->text)
    snprintf(r->text, sizeof r->text, "%s", it->text);
  r->item.text = NULL;
  return r;
}

static struct ladder_row *append(struct ladder *l, enum row_form form, const struct ladder_item *it) {
  if (l->n == QUEUE)
    la__ladder_flush(l);
  return insert(l, l->n, form, it);
}

static bool in_flight(const struct ladder *l) { return l->n && l->row[l->n - 1].form == ROW_DEPARTURE; }

/* The row whose cause a new state of `side` is: the latest arrival at that side, or the last row if it is that side's. -1: none. */
static int row_of_state(const struct ladder *l, enum ladder_side side) {
  int i = (int)l->n - 1;
  if (i < 0)
    return -1;
  const struct ladder_row *last = &l->row[i];
  if (last->form == ROW_NOTE && last->item.side != LADDER_MIDDLE && last->item.side != side)
    return -1;
  if (last->form == ROW_NOTE || (last->form == ROW_STATE && last->item.side == side))
    return i;
  if (last->item.side == side && (last->form == ROW_DEPARTURE || last->form == ROW_LOST))
    return i;
  while (i >= 0 && l->row[i].form == ROW_DEPARTURE)
    i--;
  if (i >= 0 && (l->row[i].form == ROW_WHOLE || l->row[i].form == ROW_ARRIVAL || l->row[i].form == ROW_STATE) &&
      (l->row[i].form == ROW_STATE ? l->row[i].item.side == side : l->row[i].item.side != side))
    return i;
  return -1;
}

static void put_state(struct ladder *l, const struct ladder_item *it) {
  if (l->shown[it->side] == (int)it->state)
    return;
  l->shown[it->side] = (int)it->state;
  if (l->n == QUEUE)
    la__ladder_flush(l);
  int i = row_of_state(l, it->side);
  if (i < 0) {
    /* At the very start both sides' states share a row. */
    if (l->n == 1 && l->row[0].form == ROW_STATE && l->row[0].state[it->side] < 0 && l->row[0].item.at == it->at) {
      l->row[0].state[it->side] = (int)it->state;
      return;
    }
    la__ladder_flush(l);
    append(l, ROW_STATE, it)->state[it->side] = (int)it->state;
  } else if (l->row[i].state[it->side] < 0) {
    l->row[i].state[it->side] = (int)it->state;
  } else {
    insert(l, (unsigned)i + 1, ROW_STATE, it)->state[it->side] = (int)it->state;
  }
}

static void put_send(struct ladder *l, const struct ladder_item *it) {
  struct ladder_row *last = l->n ? &l->row[l->n - 1] : NULL;
  if (last && last->form == ROW_STATE && last->item.side == it->side && last->state[!it->side] < 0 && last->item.at == it->at) {
    int state = last->state[it->side]; /* the state in which it was sent goes into its row */
    l->n--;
    append(l, ROW_DEPARTURE, it)->state[it->side] = state;
    return;
  }
  if (in_flight(l) && last->item.side != it->side)
    la__ladder_flush(l);
  else
    la__ladder_settle(l);
  append(l, ROW_DEPARTURE, it);
}

static void put_arrival(struct ladder *l, const struct ladder_item *it) {
  bool lost = it->kind == LADDER_LOST;
  for (unsigned i = 0; i < l->n; i++) {
    struct ladder_row *r = &l->row[i];
    if (r->form != ROW_DEPARTURE || (!lost && r->item.id != it->id) || r->item.side != it->side) {
      if (r->form == ROW_DEPARTURE)
        break; /* overtaken */
      continue;
    }
    if (r->item.id == it->id) {
      r->form = lost ? ROW_LOST : ROW_WHOLE;
      return;
    }
  }
  la__ladder_flush(l);
  append(l, lost ? ROW_LOST : ROW_ARRIVAL, it);
}

void la__ladder_put(struct ladder *l, const struct ladder_item *it) {
  switch (it->kind) {
  case LADDER_STATE:
    if (it->side != LADDER_MIDDLE)
      put_state(l, it);
    break;
  case LADDER_SEND:
    put_send(l, it);
    break;
  case LADDER_ARRIVE:
  case LADDER_LOST:
    put_arrival(l, it);
    break;
  case LADDER_NOTE:
    la__ladder_flush(l);
    append(l, ROW_NOTE, it);
    break;
  }
}
