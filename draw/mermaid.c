/* SPDX-License-Identifier: MIT */
/*
 * Mermaid knows no crossing: an arrow stands where its segment arrived, or where it was lost. States, calls and clocks are notes; a pause
 * longer than the usual way is one, too. In texts, whatever means something to Mermaid is written as a number (#59;).
 */
#include "draw/mermaid.h"

#include <string.h>

#include "draw/svg.h"

static bool ordinary(unsigned char c) {
  return c >= ' ' && c != '#' && c != ';' && c != '<' && c != '>' && c != '&' && c != '"' && c != '%';
}

static void put_text(FILE *out, const char *s) {
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c >= 0x80)
      fputc('?', out); /* names and texts of ours are ASCII; a capture's need not be */
    else if (!ordinary(c))
      fprintf(out, "#%u;", c < ' ' ? ' ' : c);
    else
      fputc(c, out);
  }
}

static unsigned participant(const struct draw_doc *doc, size_t i, unsigned side) {
  const char *name = doc->drawing[i]->name[side];
  for (size_t k = 0; k <= i; k++)
    for (unsigned s = 0; s < 2; s++)
      if (strcmp(doc->drawing[k]->name[s], name) == 0 && (k < i || s <= side))
        return (unsigned)(2 * k + s);
  return 0;
}

static void note(FILE *out, const char *where, unsigned who, unsigned other, const char *text) {
  fprintf(out, "  Note %s P%u", where, who);
  if (other != who)
    fprintf(out, ",P%u", other);
  fputs(": ", out);
  put_text(out, text);
  fputc('\n', out);
}

static void segment(FILE *out, const unsigned who[2], const struct draw_event *e, bool lost) {
  static const char *const again[] = {"", ", sent again", ", window probe", ", keepalive probe", ", tail loss probe"};
  const struct ladder_item *it = &e->item;
  char text[160];
  fprintf(out, "  P%u%sP%u: ", who[it->side], lost ? "-x" : "->>", who[!it->side]);
  put_text(out, la__svg_segment_text(e, text));
  if (it->again < sizeof again / sizeof *again)
    put_text(out, again[it->again]);
  if (lost)
    put_text(out, ", lost");
  if (it->text) {
    put_text(out, ", ");
    put_text(out, it->text);
  }
  fputc('\n', out);
}

static void event(FILE *out, const struct drawing *d, const unsigned who[2], const struct draw_event *e) {
  static const char *const where[] = {"left of", "right of"};
  const struct ladder_item *it = &e->item;
  char text[200], span[32];
  if (e->fold) {
    note(out, "over", who[0], who[1], la__drawing_fold_text(d, &e->folded, text));
    return;
  }
  switch (it->kind) {
  case LADDER_SEND:
    if (!e->pair)
      segment(out, who, e, false);
    break;
  case LADDER_ARRIVE:
  case LADDER_LOST:
    segment(out, who, e, it->kind == LADDER_LOST);
    break;
  case LADDER_STATE:
    note(out, where[it->side], who[it->side], who[it->side], la_state_name(it->state));
    break;
  case LADDER_NOTE:
    if (e->clock)
      snprintf(text, sizeof text, "%s after %s", e->clock, la__drawing_time(it->at - e->clock_from, span));
    else
      snprintf(text, sizeof text, "%s", it->text ? it->text : "");
    if (it->side == LADDER_MIDDLE)
      note(out, "over", who[0], who[1], text);
    else
      note(out, where[it->side], who[it->side], who[it->side], text);
  }
}

void la__mermaid_doc(FILE *out, struct draw_doc *doc) {
  fputs("sequenceDiagram\n", out);
  for (size_t i = 0; i < doc->n; i++)
    for (unsigned side = 0; side < 2; side++)
      if (participant(doc, i, side) == 2 * i + side) {
        fprintf(out, "  participant P%u as ", (unsigned)(2 * i + side));
        put_text(out, doc->drawing[i]->name[side][0] ? doc->drawing[i]->name[side] : "-");
        fputc('\n', out);
      }
  for (size_t i = 0; i < doc->n; i++) {
    struct drawing *d = doc->drawing[i];
    const unsigned who[2] = {participant(doc, i, 0), participant(doc, i, 1)};
    char text[64], span[32];
    la__drawing_fold(d, DRAWING_SHOW);
    if (d->heading[0])
      note(out, "over", who[0], who[1], d->heading);
    for (size_t k = 0; k < d->n; k++) {
      la_time pause = k ? d->event[k]->item.at - d->event[k - 1]->item.at : 0;
      if (pause >= LA_SEC / 2) {
        snprintf(text, sizeof text, "%s later", la__drawing_time(pause, span));
        note(out, "over", who[0], who[1], text);
      }
      event(out, d, who, d->event[k]);
    }
    if (d->verdict[0])
      note(out, "over", who[0], who[1], d->verdict);
  }
}
