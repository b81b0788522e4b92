/* SPDX-License-Identifier: MIT */
#include "cli/log.h"

#include <errno.h>
#include <string.h>

void la__log_detail(struct log_args *a, const char *cmd, const char *text) {
  if (!la__events_detail(text, &a->detail))
    la__usage(cmd, "--event-detail %s: segments, recovery, or segments,recovery", text);
}

void la__log_check(const struct log_args *a, const char *cmd) {
  if (a->detail && !a->path)
    la__usage(cmd, "--event-detail without --events");
}

FILE *la__log_open(const struct log_args *a, const char *cmd) {
  FILE *f = fopen(a->path, "we");
  if (!f)
    la__fail(cmd, "%s: %s", a->path, strerror(errno));
  return f;
}

int la__log_close(const struct log_args *a, const char *cmd, FILE *f, int status) {
  if (!f)
    return status;
  bool bad = ferror(f);
  errno = EIO;
  if ((fclose(f) || bad) && !status)
    return la__fail(cmd, "%s: cannot write: %s", a->path, strerror(errno));
  return status;
}
