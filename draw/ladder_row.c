/* SPDX-License-Identifier: MIT */
/* Printing rows of a ladder: a time column, a state column, a lifeline, the space between, a lifeline, a state column. */
#include "draw/ladder_row.h"

#include <string.h>

enum { TIME_COL = 13, STATE_COL = 12, MARGIN = TIME_COL + 1 + STATE_COL + 1, LABEL_AT = 4, LABEL_MAX = 240 };

struct glyphs {
  const char *dash, *fade, *to_right, *to_left, *bar, *lost;
};
static const struct glyphs utf8 = {"─", "╌", "►", "◄", "│", "X"};
static const struct glyphs ascii = {"-", ".", ">", "<", "|", "X"};

enum paint { PLAIN, DIM, STATE, OPEN, CLOSE, RESET };
static const char *const colours[] = {"", "\033[2m", "\033[1;36m", "\033[32m", "\033[33m", "\033[1;31m"};

static const struct glyphs *glyphs_of(const struct ladder_style *s) { return s->ascii ? &ascii : &utf8; }
static unsigned between(const struct ladder_style *s) { return s->width - MARGIN - 2 - 1 - STATE_COL; }

static void paint(FILE *out, const struct ladder_style *s, enum paint p, const char *text) {
  bool on = s->colour && p != PLAIN;
  fprintf(out, "%s%s%s", on ? colours[p] : "", text, on ? "\033[0m" : "");
}

static void repeat(FILE *out, const char *what, int n) {
  for (int i = 0; i < n; i++)
    fputs(what, out);
}

/* Columns of a UTF-8 text, one a code point. */
static unsigned columns(const char *text) {
  unsigned n = 0;
  for (; *text; text++)
    n += (*text & 0xc0) != 0x80;
  return n;
}

void la__ladder_flags(uint8_t flags, char *buf) {
  static const struct {
    uint8_t bit;
    const char *name;
  } names[] = {{LA_SYN, "SYN"}, {LA_FIN, "FIN"}, {LA_RST, "RST"}, {LA_PSH, "PSH"},
               {LA_ACK, "ACK"}, {LA_URG, "URG"}, {LA_ECE, "ECE"}, {LA_CWR, "CWR"}};
  char *p = buf;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (flags & names[i].bit)
      p += sprintf(p, "%s%s", p == buf ? "" : ",", names[i].name);
  if (p == buf)
    strcpy(buf, "no flags");
}

/* false: there was no room for it. */
static bool add(char *label, unsigned max, const char *piece) {
  bool fits = strlen(label) + strlen(piece) <= max;
  if (fits)
    strcat(label, piece);
  return fits;
}

/* As many as fit, from the most telling one on. */
static void add_opts(char *label, unsigned max, const struct ladder_item *it) {
  char mss[24], ws[24];
  snprintf(mss, sizeof mss, " mss=%u", it->mss);
  snprintf(ws, sizeof ws, " ws=%u", it->wscale);
  const struct {
    uint8_t bit;
    const char *text;
  } opts[] = {{TCP_OPT_MSS, mss}, {TCP_OPT_WSCALE, ws}, {TCP_OPT_SACK_OK, " sackOK"}, {TCP_OPT_TS, " TS"}};
  for (size_t i = 0; i < sizeof opts / sizeof opts[0]; i++)
    if ((it->opts & opts[i].bit) && !add(label, max, opts[i].text))
      return;
}

/* What is said in parentheses, in at most `max` columns. */
static void remarks(char *buf, unsigned max, const struct ladder_row *row) {
  static const char *const again[] = {"", " (retransmitted)", " (window probe)", " (keepalive probe)", " (tail loss probe)"};
  buf[0] = 0;
  if (row->item.segments > 1) {
    char piece[32];
    snprintf(piece, sizeof piece, " (%u segs)", row->item.segments);
    add(buf, max, piece);
  }
  if (row->item.again < sizeof again / sizeof again[0])
    add(buf, max, again[row->item.again]);
  if (row->form == ROW_LOST)
    add(buf, max, " (lost)");
  if (row->text[0]) {
    char piece[sizeof row->text + 4];
    snprintf(piece, sizeof piece, " (%s)", row->text);
    add(buf, max, piece);
  }
}

/* The whole label, or on arrival only what tells the segment from others; options give way to remarks when it is narrow. */
static void make_label(char label[LABEL_MAX], unsigned max, const struct ladder_row *row) {
  const struct ladder_item *it = &row->item;
  char flags[40], rest[LABEL_MAX / 2];
  if (max >= LABEL_MAX)
    max = LABEL_MAX - 1;
  la__ladder_flags(it->flags, flags);
  int n = snprintf(label, LABEL_MAX, "%s seq=%u", flags, it->seq);
  if (it->flags & LA_ACK)
    n += snprintf(label + n, LABEL_MAX - (size_t)n, " ack=%u", it->ack);
  n += snprintf(label + n, LABEL_MAX - (size_t)n, " len=%u", it->len);
  if (row->form == ROW_ARRIVAL)
    return;
  unsigned room = max > (unsigned)n ? max - (unsigned)n : 0;
  remarks(rest, room < sizeof rest ? room : (unsigned)sizeof rest - 1, row);
  add_opts(label, max - (unsigned)strlen(rest), it);
  add(label, max, rest);
}

static enum paint paint_of(const struct ladder_row *row) {
  if (row->form == ROW_LOST || (row->item.flags & LA_RST))
    return RESET;
  return row->item.flags & LA_SYN ? OPEN : row->item.flags & LA_FIN ? CLOSE : PLAIN;
}

/*
 * An arrow of w columns. It is laid out as if it went to the right: `shaft` columns of line, the head (or the X, or a faded
 * end), blanks; one to the left is its mirror image but for the label.
 */
static void print_arrow(FILE *out, const struct ladder_style *s, const struct ladder_row *row) {
  const struct glyphs *g = glyphs_of(s);
  int w = (int)between(s);
  bool left = row->item.side == LADDER_RIGHT; /* the sender's side: it points to the left */
  char label[LABEL_MAX];
  make_label(label, (unsigned)w - LABEL_AT - 3, row);
  int len = (int)strlen(label), least = LABEL_AT + len + 2;
  int from = 0, to = w; /* the part of the row that the arrow fills, counted from the sender */
  if (row->form == ROW_LOST || row->form == ROW_DEPARTURE)
    to = least + 4 > w * 2 / 3 ? least + 4 : w * 2 / 3;
  if (row->form == ROW_ARRIVAL)
    from = w - least - 4 < w / 3 ? w - least - 4 : w / 3;
  to = to > w ? w : to;
  from = from < 0 ? 0 : from;
  int fade_out = row->form == ROW_DEPARTURE ? 3 : 0, fade_in = row->form == ROW_ARRIVAL ? 3 : 0;
  int head = row->form != ROW_DEPARTURE;
  int a = left ? w - to : from, b = left ? w - from : to; /* columns from the left */
  int lead = left ? fade_out : fade_in, tail = left ? fade_in : fade_out;
  int lhead = left && head, rhead = !left && head;
  const char *tip = row->form == ROW_LOST ? g->lost : left ? g->to_left : g->to_right;
  int inside = b - a - lead - tail - lhead - rhead - len - 2; /* dashes in all */
  int before = LABEL_AT - 1;
  if (left && (row->form == ROW_LOST || row->form == ROW_DEPARTURE))
    before = inside - (LABEL_AT - 1);
  before = before > inside ? inside : before < 0 ? 0 : before;
  repeat(out, " ", a);
  repeat(out, tip, lhead);
  repeat(out, g->fade, lead);
  repeat(out, g->dash, before);
  fputc(' ', out);
  paint(out, s, paint_of(row), label);
  fputc(' ', out);
  repeat(out, g->dash, inside - before);
  repeat(out, g->fade, tail);
  repeat(out, tip, rhead);
  repeat(out, " ", w - b);
}

/* Seconds with six decimals, fewer where the column is too narrow. */
static void print_time(FILE *out, const struct ladder_style *s, la_time t) {
  char text[40];
  unsigned long long us = t / LA_US, sec = us / 1000000;
  if (sec < 1000000)
    snprintf(text, sizeof text, "%*llu.%06llu", TIME_COL - 7, sec, us % 1000000);
  else
    snprintf(text, sizeof text, "%*llu.%03llu", TIME_COL - 4, sec, us / 1000 % 1000);
  paint(out, s, DIM, text);
}

static void print_margin(FILE *out, const struct ladder_style *s, const struct ladder_row *row, la_time zero, bool first) {
  char state[40];
  if (first)
    print_time(out, s, row->item.at > zero ? row->item.at - zero : 0);
  else
    repeat(out, " ", TIME_COL);
  snprintf(state, sizeof state, " %*s ", STATE_COL, first && row->state[0] >= 0 ? la_state_name((enum la_state)row->state[0]) : "");
  paint(out, s, STATE, state);
  fputs(glyphs_of(s)->bar, out);
}

static void print_end(FILE *out, const struct ladder_style *s, const struct ladder_row *row, bool first) {
  fputs(glyphs_of(s)->bar, out);
  if (first && row->state[1] >= 0) {
    fputc(' ', out);
    paint(out, s, STATE, la_state_name((enum la_state)row->state[1]));
  }
  fputc('\n', out);
}

/* How many bytes of text fit into w columns, broken at a space where there is one. */
static size_t fit(const char *text, unsigned w) {
  size_t n = 0, space = 0;
  for (unsigned col = 0; text[n]; n++) {
    if ((text[n] & 0xc0) != 0x80 && ++col > w)
      return space ? space : n;
    if (text[n] == ' ')
      space = n;
  }
  return n;
}

static void print_note(FILE *out, const struct ladder_style *s, const struct ladder_row *row, la_time zero) {
  const char *text = row->text;
  unsigned w = between(s), room = w - 2;
  bool first = true;
  do {
    char line[sizeof row->text];
    size_t n = fit(text, room);
    snprintf(line, sizeof line, "%.*s", (int)n, text);
    text += n;
    text += *text == ' ';
    unsigned pad = w - columns(line);
    unsigned before = row->item.side == LADDER_LEFT ? 1 : row->item.side == LADDER_RIGHT ? pad - 1 : pad / 2;
    print_margin(out, s, row, zero, first);
    repeat(out, " ", (int)before);
    fputs(line, out);
    repeat(out, " ", (int)(pad - before));
    print_end(out, s, row, first);
    first = false;
  } while (*text);
}

void la__ladder_print_row(FILE *out, const struct ladder_style *style, const struct ladder_row *row, la_time zero) {
  if (row->form == ROW_NOTE) {
    print_note(out, style, row, zero);
    return;
  }
  print_margin(out, style, row, zero, true);
  if (row->form == ROW_STATE)
    repeat(out, " ", (int)between(style));
  else
    print_arrow(out, style, row);
  print_end(out, style, row, true);
}

void la__ladder_print_head(FILE *out, const struct ladder_style *style, const char *left, const char *right) {
  unsigned at = MARGIN + 1, far = at + between(style), n = columns(left), m = columns(right);
  unsigned pad = n < at ? at - n : 0, col = pad + n;
  unsigned start = far + m > style->width && m + 1 <= style->width ? style->width - m : far;
  repeat(out, " ", (int)pad);
  fputs(left, out);
  repeat(out, " ", start > col ? (int)(start - col) : 1);
  fprintf(out, "%s\n", right);
}
