/* SPDX-License-Identifier: MIT */
/*
 * The bar ends with a return to the first column. Where stdout is the same terminal its lines are whole when the bar is drawn, and what
 * comes after begins there and is longer than the bar, which has no name then.
 */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { STEP = 1 << 24, BAR = 24, USUAL = 80 };

void la__progress_init(struct progress *p, bool wanted) {
  const char *term = getenv("TERM");
  *p = (struct progress){.on = wanted && isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0), .shares = isatty(STDOUT_FILENO)};
}

static unsigned columns(void) {
  struct winsize win;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &win) == 0 && win.ws_col ? win.ws_col : USUAL;
}

void la__progress_show(struct progress *p, const char *name, uint64_t at, uint64_t of) {
  if (!p->on || of < 4 * STEP || at < p->shown_at + STEP)
    return;
  char text[256];
  int done = (int)(at * BAR / of),
      bare = snprintf(text, sizeof text, "%3u%% [%.*s%*s]", (unsigned)(at * 100 / of), done, "########################", BAR - done, "");
  unsigned room = columns();
  p->shown_at = at;
  if ((unsigned)bare >= room)
    return;
  if (!p->shares && (unsigned)bare + 2 + strlen(name) < room && strlen(name) < 200)
    snprintf(text + bare, sizeof text - (size_t)bare, "  %s", name);
  la__progress_clear(p); /* the terminal may be another size by now */
  p->width = (unsigned)strlen(text);
  flockfile(stdout); /* others write lines there */
  fflush(stdout);
  fprintf(stderr, "%s\r", text);
  funlockfile(stdout);
}

void la__progress_clear(struct progress *p) {
  flockfile(stdout);
  fflush(stdout);
  if (p->width)
    fprintf(stderr, "%*s\r", (int)p->width, "");
  p->width = 0;
  funlockfile(stdout);
}
