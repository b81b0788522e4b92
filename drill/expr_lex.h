/* SPDX-License-Identifier: MIT */
/* The words of code, one at a time, and the first failure: as drill/lex.h does for scripts. */
#ifndef LA_DRILL_EXPR_LEX_H
#define LA_DRILL_EXPR_LEX_H

#include "drill/expr.h"
#include "drill/expr_value.h"

enum word_kind {
  WORD_END,
  WORD_LINE, /* the end of a logical line */
  WORD_NAME,
  WORD_INT,
  WORD_REAL,
  WORD_TEXT, /* text: without quotes and escapes */
  WORD_SIGN  /* text: one to three characters */
};
struct word {
  enum word_kind kind;
  struct place at;
  const char *from, *to, *text;
  int64_t num;
  double real;
};

enum { SEEN_MAX = 16 };
struct code {
  struct arena *arena;
  struct expr_vars *vars;
  const struct expr_host *host;
  struct expr_failure *out;
  enum expr_result result;
  const char *p, *bol, *last; /* next byte; beginning of its line; end of the word before this one */
  struct place origin;        /* of bol */
  struct word word;
  unsigned open;       /* brackets in which a line goes on */
  unsigned nest, skip; /* skip: what is read is not to be done */
  bool watching;       /* names that are looked up are kept for a message */
  unsigned nseen;
  struct {
    const char *name;
    struct expr_value value;
  } seen[SEEN_MAX];
};

void la__code_next(struct code *c);
bool la__code_is(const struct code *c, const char *sign_or_name);
bool la__code_take(struct code *c, const char *sign_or_name);
void la__code_expect(struct code *c, const char *sign, const char *where);
__attribute__((format(printf, 2, 3))) void la__code_expected(struct code *c, const char *fmt, ...);
__attribute__((format(printf, 4, 5))) void la__code_fail(struct code *c, enum expr_result result, struct place at, const char *fmt, ...);

/* expr_eval.c: `a, b` without brackets is a tuple. */
struct expr_value la__code_expression(struct code *c);
struct expr_value la__code_expressions(struct code *c);
/* expr.c */
bool la__code_lookup(struct code *c, const char *name, struct expr_value *out);
void la__code_print(struct code *c, const struct expr_value *args, size_t n);

#endif
