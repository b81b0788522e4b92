/* SPDX-License-Identifier: MIT */
/* --events FILE and --event-detail LIST, which serve, connect, sim and drill have. */
#ifndef LA_CLI_LOG_H
#define LA_CLI_LOG_H

#include "cli/cli.h"
#include "draw/events.h"

struct log_args {
  const char *path; /* NULL: no log */
  unsigned detail;
};
#define LOG_OPTIONS(events_key, detail_key, group) \
  {"events", events_key, "FILE", 0, "write what happens to FILE, as JSON lines: connections opened, their states, how they ended", group}, \
  { \
    "event-detail", detail_key, "LIST", 0, "what else is written there: segments, recovery, or both with a comma between them", group \
  }
void la__log_detail(struct log_args *a, const char *cmd, const char *text); /* or la__usage */
void la__log_check(const struct log_args *a, const char *cmd);              /* when all options are known */
/* NULL after a line on stderr. */
FILE *la__log_open(const struct log_args *a, const char *cmd);
/* Returns status, or EXIT_FAIL when the file could not be written. f may be NULL. */
int la__log_close(const struct log_args *a, const char *cmd, FILE *f, int status);

#endif
