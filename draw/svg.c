/* SPDX-License-Identifier: MIT */
#include "draw/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "draw/ladder_row.h"
#include "draw/markup.h"

enum { LABEL = 13 /* font size that widths of labels are reckoned with: a little more than it is */, DOC_GAP = 34 };

const char *la__svg_state_class(int st) {
  switch (st) {
  case LA_SYN_SENT:
  case LA_SYN_RECEIVED:
    return "s-syn";
  case LA_ESTABLISHED:
    return "s-est";
  case LA_FIN_WAIT_1:
    return "s-fw1";
  case LA_FIN_WAIT_2:
    return "s-fw2";
  case LA_CLOSING:
    return "s-cls";
  case LA_CLOSE_WAIT:
    return "s-cw";
  case LA_LAST_ACK:
    return "s-la";
  case LA_TIME_WAIT:
    return "s-tw";
  default:
    return "s-none";
  }
}

const char *la__svg_kind(const struct draw_event *e) {
  const struct ladder_item *it = &e->item;
  return it->flags & LA_RST ? "rst" : it->flags & LA_SYN ? "syn" : it->flags & LA_FIN ? "fin" : it->len ? "data" : "ack";
}

char *la__svg_segment_text(const struct draw_event *e, char *buf) {
  const struct ladder_item *it = &e->item;
  char flags[40];
  la__ladder_flags(it->flags, flags);
  int n = snprintf(buf, 160, "%s seq %u", flags, it->seq);
  if (it->flags & LA_ACK)
    n += snprintf(buf + n, 160 - (size_t)n, " ack %u", it->ack);
  snprintf(buf + n, 160 - (size_t)n, " len %u", it->len);
  return buf;
}

/* ---- labels ---- */

/* A piece of a label: a word in muted ink and a value. What is least telling goes first when there is no room. */
struct piece {
  const char *key;
  char value[48];
  const char *style; /* of the value */
  unsigned rank;     /* 0: never goes */
};
struct label {
  struct piece piece[14];
  unsigned n;
};

static void piece(struct label *l, unsigned rank, const char *key, const char *style, const char *value) {
  struct piece *p = &l->piece[l->n++];
  p->key = key;
  p->style = style;
  p->rank = rank;
  snprintf(p->value, sizeof p->value, "%s", value);
}

static void piece_num(struct label *l, unsigned rank, const char *key, unsigned value) {
  char text[16];
  snprintf(text, sizeof text, "%u", value);
  piece(l, rank, key, NULL, text);
}

static void make_label(struct label *l, const struct draw_event *e, bool lost) {
  static const char *const again[] = {"", "sent again", "window probe", "keepalive probe", "tail loss probe"};
  const struct ladder_item *it = &e->item;
  char flags[40], bare[48];
  l->n = 0;
  la__ladder_flags(it->flags, flags);
  piece(l, 0, NULL, "f", flags);
  piece_num(l, 2, "seq", it->seq);
  if (it->flags & LA_ACK)
    piece_num(l, it->len ? 3 : 0, "ack", it->ack);
  if (it->len)
    piece_num(l, 0, "len", it->len);
  if (it->opts & TCP_OPT_MSS)
    piece_num(l, 4, "mss", it->mss);
  if (it->opts & TCP_OPT_WSCALE)
    piece_num(l, 5, "ws", it->wscale);
  if (it->opts & TCP_OPT_SACK_OK)
    piece(l, 6, "sackOK", NULL, "");
  if (it->opts & TCP_OPT_TS)
    piece(l, 7, "TS", NULL, "");
  if (it->again && it->again < sizeof again / sizeof *again)
    piece(l, 1, NULL, "r", again[it->again]);
  if (lost)
    piece(l, 1, NULL, "r", "lost");
  const char *said = it->text ? it->text : e->pair && e->pair->item.kind == LADDER_ARRIVE ? e->pair->item.text : NULL;
  if (said) {
    snprintf(bare, sizeof bare, "%.40s", said);
    piece(l, 1, NULL, "r", bare);
  }
}

static double label_width(const struct label *l) {
  double w = 0;
  for (unsigned i = 0; i < l->n; i++) {
    const struct piece *p = &l->piece[i];
    w += i ? 8 : 0;
    if (p->key)
      w += la__text_width(p->key, LABEL, false) + (p->value[0] ? la__text_width(" ", LABEL, false) : 0);
    w += la__text_width(p->value, LABEL, p->style && *p->style == 'f');
  }
  return w;
}

static void fit_label(struct label *l, double room) {
  while (label_width(l) > room) {
    unsigned worst = 0;
    for (unsigned i = 1; i < l->n; i++)
      if (l->piece[i].rank >= l->piece[worst].rank)
        worst = i;
    if (!worst || !l->piece[worst].rank)
      return;
    memmove(&l->piece[worst], &l->piece[worst + 1], (--l->n - worst) * sizeof l->piece[0]);
  }
}

static void write_label(FILE *out, const struct label *l) {
  for (unsigned i = 0; i < l->n; i++) {
    const struct piece *p = &l->piece[i];
    fputs(i ? "<tspan dx=\"7\">" : "", out);
    if (p->key)
      la__mark(out, "<tspan class=\"k\">%s</tspan>%s", p->key, p->value[0] ? " " : "");
    if (p->style)
      la__mark(out, "<tspan class=\"%s\">%s</tspan>", p->style, p->value);
    else
      la__mark(out, "%s", p->value);
    fputs(i ? "</tspan>" : "", out);
  }
}

/* ---- parts of a drawing ---- */

static void arrow_end(FILE *out, const struct place_arrow *a) {
  double dx = a->x1 - a->x0, dy = a->y1 - a->y0, len = sqrt(dx * dx + dy * dy);
  double ux = len > 0 ? dx / len : 1, uy = len > 0 ? dy / len : 0;
  if (a->lost) {
    la__mark(out, "<path class=\"cross\" d=\"M%n %nL%n %nM%n %nL%n %n\"/>", a->x1 - 5, a->y1 - 5, a->x1 + 5, a->y1 + 5, a->x1 - 5,
             a->y1 + 5, a->x1 + 5, a->y1 - 5);
  } else if (!a->leaves) {
    double bx = a->x1 - ux * 10, by = a->y1 - uy * 10;
    la__mark(out, "<path class=\"head\" d=\"M%n %nL%n %nL%n %nZ\"/>", a->x1, a->y1, bx - uy * 4, by + ux * 4, bx + uy * 4, by - ux * 4);
  }
}

static void button(FILE *out, bool page, unsigned number, const char *letter, size_t event) {
  if (page)
    la__mark(out, " tabindex=\"0\" role=\"button\" data-k=\"%u-%s%u\"", number, letter, (unsigned)event);
}

static void arrow(FILE *out, const struct drawing *d, const struct place *p, const struct place_arrow *a, bool page, unsigned number) {
  const struct draw_event *e = d->event[a->send];
  bool right = e->item.side == LADDER_RIGHT;
  char text[160];
  struct label l;
  la__svg_segment_text(e, text);
  double dir = right ? -1 : 1, x0 = a->x0 + dir * 5, x1 = a->lost || a->leaves ? a->x1 : a->x1 - dir * 5;
  struct place_arrow line = *a;
  line.x0 = x0;
  line.x1 = x1;
  la__mark(out, "<g class=\"seg %s%s\"", la__svg_kind(e), a->lost || a->leaves || a->comes ? " gone" : "");
  button(out, page, number, "", a->send);
  la__mark(out, " aria-label=\"%s from %s%s\">", text, d->name[right], a->lost ? ", lost" : "");
  if (!page)
    la__mark(out, "<title>%s</title>", text);
  la__mark(out, "<line class=\"hit\" x1=\"%n\" y1=\"%n\" x2=\"%n\" y2=\"%n\"/>", x0, line.y0, x1, line.y1);
  la__mark(out, "<line class=\"arrow\" x1=\"%n\" y1=\"%n\" x2=\"%n\" y2=\"%n\"/>", x0, line.y0, x1, line.y1);
  arrow_end(out, &line);
  make_label(&l, e, a->lost);
  fit_label(&l, a->label_max);
  la__mark(out, "<text class=\"lab\" x=\"%n\" y=\"%n\" text-anchor=\"%s\"", a->label_x, a->label_y, right ? "end" : "start");
  if (a->turn > .002 || a->turn < -.002)
    la__mark(out, " transform=\"rotate(%n %n %n)\"", atan(a->turn) * 180 / 3.14159265358979 * (right ? -1 : 1), a->label_x, a->label_y);
  fputs(">", out);
  write_label(out, &l);
  fputs("</text></g>\n", out);
  (void)p;
}

static void lifelines(FILE *out, const struct place *p, bool page, unsigned number) {
  for (size_t i = 0; i < p->nspans; i++) {
    const struct place_span *s = &p->span[i];
    bool thin = s->state <= LA_LISTEN;
    double w = thin ? 2 : p->narrow ? 7 : 8;
    if (s->y1 <= s->y0)
      continue;
    la__mark(out, "<rect class=\"life %s\" x=\"%n\" y=\"%n\" width=\"%n\" height=\"%n\"", la__svg_state_class(s->state),
             p->life[s->side] - w / 2, s->y0, w, s->y1 - s->y0);
    if (page && s->state >= 0)
      la__mark(out, " data-k=\"%u-%u\"", number, (unsigned)s->event);
    fputs("/>\n", out);
  }
}

static void clocks(FILE *out, const struct place *p, bool page, unsigned number) {
  for (size_t i = 0; i < p->nclocks; i++) {
    const struct place_clock *c = &p->clock[i];
    double x = p->life[c->side] + (c->side ? 1 : -1) * (p->narrow ? 9 + 5. * c->lane : 13 + 8. * c->lane), tick = p->narrow ? 2 : 3;
    if (c->y1 - c->y0 < 4)
      continue;
    la__mark(out, "<path class=\"bar%s\"", c->running ? " run" : "");
    if (page)
      la__mark(out, " data-k=\"%u-c%u\"", number, (unsigned)c->event);
    la__mark(out, " d=\"M%n %nH%nM%n %nV%n", x - tick, c->y0, x + tick, x, c->y0, c->y1);
    if (!c->running)
      la__mark(out, "M%n %nH%n", x - tick, c->y1, x + tick);
    fputs("\"/>\n", out);
  }
}

/* A torn strip across each lifeline and its clocks. */
static void breaks(FILE *out, const struct place *p) {
  for (size_t i = 0; i < p->nbrks; i++)
    for (unsigned side = 0; side < 2; side++) {
      double y = (p->brk[i].y0 + p->brk[i].y1) / 2 - 5, h = 7, lo = p->life[side] - (side ? 9 : p->narrow ? 15 : 24);
      double hi = p->life[side] + (side ? (p->narrow ? 15 : 24) : 9), step = (hi - lo) / 4;
      la__mark(out, "<path class=\"zig\" d=\"M%n %n", lo, y);
      for (int k = 1; k <= 4; k++)
        la__mark(out, "L%n %n", lo + step * k, k % 2 ? y - 4 : y);
      la__mark(out, "L%n %n", hi, y + h);
      for (int k = 3; k >= 0; k--)
        la__mark(out, "L%n %n", lo + step * k, k % 2 ? y + h - 4 : y + h);
      fputs("Z\"/>\n", out);
    }
}

static void folds(FILE *out, const struct drawing *d, const struct place *p) {
  for (size_t i = 0; i < d->n; i++) {
    if (!d->event[i]->fold)
      continue;
    double y0 = p->y[i] - 12, y1 = y0;
    for (size_t k = 0; k < p->ntexts; k++)
      if (p->text[k].event == i && strcmp(p->text[k].style, "fold") == 0)
        y1 = p->text[k].y + 8;
    la__mark(out, "<rect class=\"box\" x=\"%n\" y=\"%n\" width=\"%n\" height=\"%n\" rx=\"6\"/>\n", p->life[0] + 12, y0,
             p->life[1] - p->life[0] - 24, y1 - y0);
  }
}

static void texts(FILE *out, const struct drawing *d, const struct place *p, bool page, unsigned number) {
  static const char *const anchor[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
  for (size_t i = 0; i < p->ntexts; i++) {
    const struct place_text *t = &p->text[i];
    la__mark(out, "<text class=\"%s\" x=\"%n\" y=\"%n\"", t->style, t->x, t->y);
    fputs(anchor[t->anchor], out);
    if (t->style[0] == 's') {
      button(out, page, number, "", t->event);
      la__mark(out, " aria-label=\"%s: %s\"", d->name[d->event[t->event]->item.side], t->text);
    } else if (strcmp(t->style, "clock") == 0) {
      button(out, page, number, "c", t->event);
    } else if (strcmp(t->style, "fold") == 0) {
      button(out, page, number, "", t->event);
    }
    la__mark(out, ">%s</text>\n", t->text);
  }
}

/* Names over the lifelines: what is before the first space, and the rest, an address, below. */
static void names(FILE *out, const struct drawing *d, const struct place *p, double y) {
  for (unsigned side = 0; side < 2; side++) {
    char first[96];
    size_t n = strcspn(d->name[side], " ");
    double x = p->narrow ? p->life[side] + (side ? 8 : -8) : p->life[side];
    const char *anchor = !p->narrow ? "middle" : side ? "end" : "start", *rest = d->name[side] + n + (d->name[side][n] == ' ');
    snprintf(first, sizeof first, "%.*s", (int)n, d->name[side]);
    la__mark(out, "<text class=\"name\" x=\"%n\" y=\"%n\" text-anchor=\"%s\">%s</text>\n", x, *rest ? y - 16 : y, anchor, first);
    if (*rest)
      la__mark(out, "<text class=\"addr\" x=\"%n\" y=\"%n\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, rest);
  }
}

void la__svg_drawing(FILE *out, const struct drawing *d, const struct place *p, double y, bool page, unsigned number) {
  la__mark(out, "<g class=\"%s\" transform=\"translate(0 %n)\">\n", p->narrow ? "ladder narrow" : "ladder wide", y + 30);
  names(out, d, p, 6);
  lifelines(out, p, page, number);
  clocks(out, p, page, number);
  breaks(out, p);
  for (size_t i = 0; i < p->narrows; i++)
    arrow(out, d, p, &p->arrow[i], page, number);
  folds(out, d, p);
  texts(out, d, p, page, number);
  fputs("</g>\n", out);
}

/* ---- a file ---- */

/* Lines of text from y on; returns the baseline of what follows. */
static double paragraph(FILE *out, double y, const char *style, double size, const char *text) {
  while (text && *text) {
    size_t n = la__text_fit(text, size, PLACE_WIDE - 48);
    char line[512];
    snprintf(line, sizeof line, "%.*s", (int)n, text);
    if (out)
      la__mark(out, "<text class=\"%s\" x=\"24\" y=\"%n\">%s</text>\n", style, y, line);
    y += size * 1.4;
    text += n;
    text += *text == ' ';
  }
  return y;
}

/* out NULL: only measures. Returns where it ends. */
static double body(FILE *out, struct draw_doc *doc, const struct place *p) {
  double y = 34;
  y = paragraph(out, y, "h1", 19, doc->title);
  y = paragraph(out, y - 2, "lead", 13, doc->lead);
  for (size_t i = 0; i < doc->n; i++) {
    const struct drawing *d = doc->drawing[i];
    if (d->heading[0] || d->verdict[0])
      y += 12;
    y = paragraph(out, y, "h2", 15, d->heading);
    y = paragraph(out, y, "lead", 12.5, d->verdict);
    if (out)
      la__svg_drawing(out, d, &p[i], y, false, (unsigned)i);
    y += p[i].height + DOC_GAP;
  }
  return paragraph(out, y, "lead", 13, doc->left_out);
}

bool la__svg_doc(FILE *out, struct draw_doc *doc) {
  struct place *p = calloc(doc->n + 1, sizeof *p);
  bool ok = p != NULL;
  for (size_t i = 0; ok && i < doc->n; i++)
    ok = la__place(&p[i], doc->drawing[i], false);
  if (ok) {
    double height = body(NULL, doc, p) + 8;
    la__mark(out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lastack\" viewBox=\"0 0 %d %n\" width=\"%d\" height=\"%n\" role=\"img\" "
             "aria-label=\"%s\">\n<title>%s</title>\n<style>",
             PLACE_WIDE, height, PLACE_WIDE, height, doc->title, doc->title);
    la__svg_style(out, false);
    la__mark(out, "</style>\n<rect class=\"paper\" width=\"%d\" height=\"%n\"/>\n", PLACE_WIDE, height);
    body(out, doc, p);
    fputs("</svg>\n", out);
  }
  for (size_t i = 0; p && i < doc->n; i++)
    la__place_free(&p[i]);
  free(p);
  return ok;
}
