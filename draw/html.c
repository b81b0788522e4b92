/* SPDX-License-Identifier: MIT */
/* Each drawing is there twice, wide and narrow; the style shows the one that fits. Without its script the page shows all but the fields. */
#include "draw/html.h"

#include <stdlib.h>

#include <lastack/lastack.h>

#include "draw/facts.h"
#include "draw/markup.h"
#include "draw/page.h"
#include "draw/states.h"
#include "draw/svg.h"

enum { DIAGRAMS = 20 /* of more connections the page would grow too large */ };

struct places {
  struct place wide, narrow;
};

static void head(FILE *out, const struct draw_doc *doc) {
  fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n",
        out);
  la__mark(out, "<title>%s</title>\n<style>\n:root{", doc->title);
  la__svg_palette(out, false);
  fputs("}\n@media(prefers-color-scheme:dark){:root:not([data-theme=light]){", out);
  la__svg_palette(out, true);
  fputs("}}\n:root[data-theme=light]{color-scheme:light}\n:root[data-theme=dark]{color-scheme:dark;", out);
  la__svg_palette(out, true);
  fputs("}\n", out);
  la__svg_style(out, true);
  fprintf(out, "\n%s</style>\n</head>\n<body>\n<main>\n", la__page_css);
  la__mark(out, "<header><div><h1>%s</h1>", doc->title);
  if (doc->lead && *doc->lead)
    la__mark(out, "<p class=\"lead\">%s</p>", doc->lead);
  fputs("</div><button id=\"theme\" type=\"button\" hidden>Dark</button></header>\n", out);
}

static void index_of(FILE *out, const struct draw_doc *doc) {
  fputs("<nav aria-label=\"Connections\">\n<table class=\"index\">\n<thead><tr><th>connection</th><th>verdict</th></tr></thead>\n<tbody>\n",
        out);
  for (size_t i = 0; i < doc->n; i++)
    la__mark(out, "<tr><td><a href=\"#d%u\">%s</a></td><td>%s</td></tr>\n", (unsigned)i, doc->drawing[i]->heading,
             doc->drawing[i]->verdict);
  fputs("</tbody>\n</table>\n</nav>\n", out);
}

static void svg(FILE *out, const struct drawing *d, const struct place *p, const char *style, unsigned number) {
  double height = p->height + 40;
  la__mark(out, "<svg class=\"lastack %s\" viewBox=\"0 0 %n %n\" role=\"group\" aria-label=\"Ladder: %s and %s\">\n", style, p->width,
           height, d->name[0], d->name[1]);
  la__svg_drawing(out, d, p, 0, true, number);
  fputs("</svg>\n", out);
}

/* The state diagram with what both ends did; false: memory. */
static bool states(FILE *out, const struct drawing *d) {
  struct states_path path[STATES_PATHS];
  char *body = NULL;
  size_t n = 0, len = 0;
  for (unsigned side = 0; side < 2; side++) {
    la__states_of(&path[n], d, side);
    n += path[n].n > 0;
  }
  if (!n)
    return true;
  FILE *f = open_memstream(&body, &len);
  if (!f)
    return false;
  double height = la__states_body(f, path, n);
  fclose(f);
  la__mark(
    out, "<details>\n<summary>In the state diagram</summary>\n<div class=\"scroll\"><svg class=\"lastack states\" viewBox=\"0 0 %d %n\">\n",
    STATES_WIDE, height);
  fwrite(body, 1, len, out);
  fputs("</svg></div>\n</details>\n", out);
  free(body);
  return true;
}

static bool figure(FILE *out, const struct drawing *d, const struct places *p, unsigned number, bool diagram) {
  la__mark(out, "<section id=\"d%u\">\n", number);
  if (d->heading[0])
    la__mark(out, "<h2>%s</h2>\n", d->heading);
  if (d->verdict[0])
    la__mark(out, "<p>%s</p>\n", d->verdict);
  fputs("<div class=\"figure\">\n", out);
  svg(out, d, &p->wide, "large", number);
  svg(out, d, &p->narrow, "small", number);
  fputs("</div>\n", out);
  bool ok = !diagram || states(out, d);
  fputs("</section>\n", out);
  return ok;
}

static void claims(FILE *out, const struct draw_doc *doc) {
  fputs("<section>\n<h2>What the run was checked against</h2>\n<ul class=\"claims\">\n", out);
  for (size_t i = 0; i < doc->nclaims; i++)
    la__mark(out, "<li class=\"%s\">%s</li>\n", doc->claim[i].skipped ? "skipped" : doc->claim[i].ok ? "ok" : "bad", doc->claim[i].text);
  fputs("</ul>\n</section>\n", out);
}

static bool body(FILE *out, const struct draw_doc *doc, const struct places *p) {
  bool first = true, verdicts = false, ok = true;
  for (size_t i = 0; i < doc->n; i++)
    verdicts |= doc->drawing[i]->verdict[0] != 0;
  if (doc->n > 1 && verdicts)
    index_of(out, doc);
  if (doc->left_out[0])
    la__mark(out, "<p class=\"muted\">%s</p>\n", doc->left_out);
  for (size_t i = 0; i < doc->n; i++)
    ok &= figure(out, doc->drawing[i], &p[i], (unsigned)i, doc->n <= DIAGRAMS);
  if (doc->nclaims)
    claims(out, doc);
  fputs("<footer><p>Point at a segment for its fields, click a state for its clause and clocks; Tab and the arrow keys go from one to the "
        "next, Enter opens, Escape closes. Seconds count from the first event. Drawn by lastack " LA_VERSION ".</p></footer>\n</main>\n"
        "<div id=\"card\" role=\"tooltip\" hidden></div>\n<aside id=\"panel\" aria-live=\"polite\" aria-label=\"Details\" hidden></aside>\n"
        "<script type=\"application/json\" id=\"facts\">{",
        out);
  for (size_t i = 0; i < doc->n; i++)
    la__facts(out, doc->drawing[i], &p[i].wide, (unsigned)i, &first);
  fprintf(out, "}</script>\n<script>\n%s</script>\n</body>\n</html>\n", la__page_js);
  return ok;
}

bool la__html_doc(FILE *out, struct draw_doc *doc) {
  struct places *p = calloc(doc->n + 1, sizeof *p);
  bool ok = p != NULL;
  for (size_t i = 0; ok && i < doc->n; i++)
    ok = la__place(&p[i].wide, doc->drawing[i], false) && la__place(&p[i].narrow, doc->drawing[i], true);
  if (ok) {
    head(out, doc);
    ok = body(out, doc, p);
  }
  for (size_t i = 0; p && i < doc->n; i++) {
    la__place_free(&p[i].wide);
    la__place_free(&p[i].narrow);
  }
  free(p);
  return ok;
}
