/* SPDX-License-Identifier: MIT */
/* What `lastack drill` was asked for, and the running of it. */
#ifndef LA_CLI_DRILL_H
#define LA_CLI_DRILL_H

#include "cli/drawings.h"
#include "cli/log.h"
#include "drill/run.h"

struct drill_ask {
  const char *cmd;
  bool json, verbose, quiet, all_families;
  unsigned jobs;
  enum drill_preset preset;
  enum drill_family family;
  struct drawings draw;
  struct draw_doc *doc; /* NULL: nothing is drawn but what failed */
  struct drill_define *defines;
  struct drill_option *options;
  char **paths;
  size_t npaths;
  struct log_args log;
  FILE *events;
};

const char *la__drill_family_name(enum drill_family f);
/* A file, or every *.pkt in and below a folder, in the order of their names. Ends the program when there is no such thing. */
void la__drill_add_path(struct drill_ask *a, const char *path);
/* Runs all; the exit status. */
int la__drill_all(const struct drill_ask *a);
void la__drill_ask_free(struct drill_ask *a);

#endif
