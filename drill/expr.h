/* SPDX-License-Identifier: MIT */
/*
 * What scripts write between %{ and }%: a small part of Python. Statements, one a line or with `;` between them: expressions,
 * assignments (also += and the like), `assert CONDITION, MESSAGE`, `print(…)`, `pass`, `if CONDITION: STATEMENTS` on one line.
 * Values are integers of 64 bits, floating-point numbers, strings, tuples and lists; functions are abs, min, max, len, int. Anything
 * else is an error with its place.
 */
#ifndef LA_DRILL_EXPR_H
#define LA_DRILL_EXPR_H

#include "drill/script.h"

struct expr_host {
  bool (*lookup)(void *ctx, const char *name, int64_t *value); /* tcpi_snd_cwnd, TCP_CA_Open; false: there is none */
  void (*print)(void *ctx, const char *line);                  /* what print() writes; NULL: nowhere */
  void *ctx;
};

/* The names that code has assigned; they outlive a piece of code and hide those of the host. */
struct expr_vars;
struct expr_vars *la__expr_vars_new(void);
void la__expr_vars_free(struct expr_vars *vars);

enum expr_result { EXPR_HOLDS, EXPR_FALSE, EXPR_ERROR };
struct expr_failure {
  struct place at; /* FALSE: of the assert. ERROR: of what could not be read or done */
  char text[400];  /* FALSE: the condition, the values of the names in it, and the message; ERROR: why */
};

/* Runs the code that begins at a place of the script (text_at). Stops at the first assertion that is false and at the first error. */
enum expr_result la__expr_run(const char *text, struct place at, struct expr_vars *vars, const struct expr_host *host,
                              struct expr_failure *out);

#endif
