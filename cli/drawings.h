/* SPDX-License-Identifier: MIT */
/* The options by which sim, drill, demo and explain draw: --svg, --html, --mermaid. */
#ifndef LA_CLI_DRAWINGS_H
#define LA_CLI_DRAWINGS_H

#include "cli/cli.h"

#include "draw/drawing.h"

struct drawings {
  const char *svg, *html, *mermaid; /* files, "-" the standard output; NULL: not asked for */
};
/* To be a child of a command's argp, with a struct drawings as its input. */
extern const struct argp la__drawings_argp;

static inline bool la__drawings_wanted(const struct drawings *a) { return a->svg || a->html || a->mermaid; }
/* Does one of them go to the standard output, so that nothing else may? */
bool la__drawings_to_stdout(const struct drawings *a);
/* Refuses two for the standard output. */
void la__drawings_check(const struct drawings *a, const char *cmd);
/* Writes all that were asked for. An exit status; errors name the file. */
int la__drawings_write(const struct drawings *a, const char *cmd, struct draw_doc *doc);
/* Opens FILE for `write` and closes it again, with an error that names it. An exit status. */
int la__drawings_file(const char *cmd, const char *file, bool (*write)(FILE *out, void *ctx), void *ctx);

#endif
