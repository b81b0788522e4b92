/* SPDX-License-Identifier: MIT */
/* Values of the code in scripts, and what can be done with them as Python does it. A function that can fail gives the reason, or NULL. */
#ifndef LA_DRILL_EXPR_VALUE_H
#define LA_DRILL_EXPR_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "drill/arena.h"

enum expr_type { EXPR_NONE, EXPR_BOOL, EXPR_INT, EXPR_REAL, EXPR_TEXT, EXPR_LIST };
struct expr_value {
  enum expr_type type;
  bool tuple;       /* a list in round brackets */
  int64_t num;      /* BOOL, INT */
  double real;      /* REAL */
  const char *text; /* TEXT; without zeros */
  size_t n;         /* LIST */
  const struct expr_value *list;
};

static inline struct expr_value la__expr_int(int64_t num) { return (struct expr_value){.type = EXPR_INT, .num = num}; }
static inline struct expr_value la__expr_bool(bool is) { return (struct expr_value){.type = EXPR_BOOL, .num = is}; }
static inline struct expr_value la__expr_real(double real) { return (struct expr_value){.type = EXPR_REAL, .real = real}; }

const char *la__expr_type_name(const struct expr_value *v); /* "an integer" */
bool la__expr_truth(const struct expr_value *v);
bool la__expr_is_number(const struct expr_value *v);
/* As print() shows it, or with quotes as inside a list. */
const char *la__expr_text(struct arena *a, const struct expr_value *v, bool quoted);

/* op: + - * / % & | ^ and, with two characters, // ** << >> */
const char *la__expr_binary(struct arena *a, const char *op, struct expr_value x, struct expr_value y, struct expr_value *out);
const char *la__expr_unary(struct arena *a, char op, struct expr_value x, struct expr_value *out); /* + - ~ */
/* op: == != < <= > >= in */
const char *la__expr_compare(struct arena *a, const char *op, const struct expr_value *x, const struct expr_value *y, bool *out);
/* abs min max len int */
bool la__expr_is_function(const char *name);
const char *la__expr_call(struct arena *a, const char *name, const struct expr_value *args, size_t n, struct expr_value *out);
/* 'rtt=%d' % value */
const char *la__expr_format(struct arena *a, const char *format, const struct expr_value *v, struct expr_value *out);

__attribute__((format(printf, 2, 3))) const char *la__expr_print(struct arena *a, const char *fmt, ...);

#endif
