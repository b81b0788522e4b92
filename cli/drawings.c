/* SPDX-License-Identifier: MIT */
#include "cli/drawings.h"

#include <errno.h>
#include <string.h>

#include "draw/html.h"
#include "draw/mermaid.h"
#include "draw/svg.h"

enum { KEY_SVG = 0x7001, KEY_HTML, KEY_MERMAID };

static const struct argp_option options[] = {
  {"svg", KEY_SVG, "FILE", 0, "Draw to FILE as SVG; \"-\" is the standard output", 8},
  {"html", KEY_HTML, "FILE", 0, "Draw to FILE as a page that needs no network", 8},
  {"mermaid", KEY_MERMAID, "FILE", 0, "Draw to FILE as a sequence diagram for Mermaid", 8},
  {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct drawings *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    return 0;
  case KEY_SVG:
    a->svg = arg;
    return 0;
  case KEY_HTML:
    a->html = arg;
    return 0;
  case KEY_MERMAID:
    a->mermaid = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

const struct argp la__drawings_argp = {.options = options, .parser = parse};

static bool is_stdout(const char *file) { return file && strcmp(file, "-") == 0; }

bool la__drawings_to_stdout(const struct drawings *a) { return is_stdout(a->svg) || is_stdout(a->html) || is_stdout(a->mermaid); }

void la__drawings_check(const struct drawings *a, const char *cmd) {
  if (is_stdout(a->svg) + is_stdout(a->html) + is_stdout(a->mermaid) > 1)
    la__usage(cmd, "only one drawing can go to the standard output");
}

int la__drawings_file(const char *cmd, const char *file, bool (*write)(FILE *out, void *ctx), void *ctx) {
  FILE *out = is_stdout(file) ? stdout : fopen(file, "we");
  if (!out)
    return la__fail(cmd, "%s: %s", file, strerror(errno));
  bool memory = write(out, ctx);
  bool failed = fflush(out) || ferror(out);
  int why = errno;
  if (out != stdout && fclose(out) && !failed) {
    failed = true;
    why = errno;
  }
  if (!memory)
    return la__fail(cmd, "%s: out of memory", file);
  return failed ? la__fail(cmd, "%s: cannot write: %s", is_stdout(file) ? "the standard output" : file, strerror(why)) : EXIT_OK;
}

static bool svg(FILE *out, void *doc) { return la__svg_doc(out, doc); }
static bool html(FILE *out, void *doc) { return la__html_doc(out, doc); }
static bool mermaid(FILE *out, void *doc) {
  la__mermaid_doc(out, doc);
  return true;
}

int la__drawings_write(const struct drawings *a, const char *cmd, struct draw_doc *doc) {
  int status = EXIT_OK;
  if (a->svg)
    status |= la__drawings_file(cmd, a->svg, svg, doc);
  if (a->html)
    status |= la__drawings_file(cmd, a->html, html, doc);
  if (a->mermaid)
    status |= la__drawings_file(cmd, a->mermaid, mermaid, doc);
  return status;
}
