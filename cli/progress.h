/* SPDX-License-Identifier: MIT */
/* How far a long file has been read, on the terminal that stderr is. */
#ifndef LA_CLI_PROGRESS_H
#define LA_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
  bool on, shares;   /* stdout is that terminal, too */
  unsigned width;    /* what it has drawn */
  uint64_t shown_at; /* the offset */
};

/* wanted: and stderr is a terminal that can take it. */
void la__progress_init(struct progress *p, bool wanted);
/* `at` of `of` bytes; drawn now and then, and only for long files. What stdout holds back goes out first, so that lines stay whole. */
void la__progress_show(struct progress *p, const char *name, uint64_t at, uint64_t of);
/* Takes it away: before anything else is said on stderr, and at the end. */
void la__progress_clear(struct progress *p);

#endif
