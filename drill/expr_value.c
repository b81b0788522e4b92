/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/expr_value.h"

enum { LENGTH_MAX = 1 << 20 }; /* of a string or list */
static const char too_large[] = "the result does not fit into 64 bits", too_long[] = "the result is too long";

const char *la__expr_print(struct arena *a, const char *fmt, ...) {
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, fmt, again);
  va_end(again);
  char *text = la__arena_get(a, (size_t)(n < 0 ? 0 : n) + 1);
  vsnprintf(text, (size_t)(n < 0 ? 0 : n) + 1, fmt, ap);
  va_end(ap);
  return text;
}

const char *la__expr_type_name(const struct expr_value *v) {
  static const char *const names[] = {"None", "a truth value", "an integer", "a number", "a string", "a list"};
  return v->type == EXPR_LIST && v->tuple ? "a tuple" : names[v->type];
}

bool la__expr_is_number(const struct expr_value *v) { return v->type == EXPR_BOOL || v->type == EXPR_INT || v->type == EXPR_REAL; }
static bool is_integer(const struct expr_value *v) { return v->type == EXPR_BOOL || v->type == EXPR_INT; }
static double real_of(const struct expr_value *v) { return v->type == EXPR_REAL ? v->real : (double)v->num; }

bool la__expr_truth(const struct expr_value *v) {
  switch (v->type) {
  case EXPR_NONE:
    return false;
  case EXPR_REAL:
    return v->real != 0;
  case EXPR_TEXT:
    return *v->text;
  case EXPR_LIST:
    return v->n;
  default:
    return v->num;
  }
}

/* The fewest digits that give the same number again; without an exponent from 0.0001 to 10^16. */
static const char *real_text(struct arena *a, double real) {
  char buf[40];
  int digits = 0, exponent;
  do
    snprintf(buf, sizeof buf, "%.*e", digits, real);
  while (strtod(buf, NULL) != real && digits++ < 17);
  exponent = atoi(strchr(buf, 'e') + 1);
  if (real != 0 && (exponent < -4 || exponent >= 16))
    return la__expr_print(a, "%s", buf);
  return la__expr_print(a, "%.*f", digits - exponent > 1 ? digits - exponent : 1, real);
}

static const char *list_text(struct arena *a, const struct expr_value *v) {
  const char *text = v->tuple ? "(" : "[";
  for (size_t i = 0; i < v->n; i++)
    text = la__expr_print(a, "%s%s%s", text, i ? ", " : "", la__expr_text(a, &v->list[i], true));
  return la__expr_print(a, "%s%s", text, v->tuple ? v->n == 1 ? ",)" : ")" : "]");
}

const char *la__expr_text(struct arena *a, const struct expr_value *v, bool quoted) {
  switch (v->type) {
  case EXPR_NONE:
    return "None";
  case EXPR_BOOL:
    return v->num ? "True" : "False";
  case EXPR_INT:
    return la__expr_print(a, "%" PRId64, v->num);
  case EXPR_REAL:
    return real_text(a, v->real);
  case EXPR_TEXT:
    return quoted ? la__expr_print(a, "'%s'", v->text) : v->text;
  default:
    return list_text(a, v);
  }
}

/* ---- arithmetic ---- */

static const char *mismatch(struct arena *a, const char *op, const struct expr_value *x, const struct expr_value *y) {
  return la__expr_print(a, "'%s' does not take %s and %s", op, la__expr_type_name(x), la__expr_type_name(y));
}

/* As Python has it, the quotient is rounded down and the remainder has the divisor's sign. */
static const char *divide(int64_t x, int64_t y, bool remainder, int64_t *out) {
  if (!y)
    return "division by zero";
  if (y == -1) {
    if (x == INT64_MIN && !remainder)
      return too_large;
    *out = remainder ? 0 : -x;
    return NULL;
  }
  int64_t q = x / y, r = x % y;
  if (r && (r < 0) != (y < 0)) {
    q--;
    r += y;
  }
  *out = remainder ? r : q;
  return NULL;
}

static const char *power(int64_t x, int64_t n, int64_t *out) {
  int64_t result = 1;
  for (; n; n >>= 1) {
    if (n & 1 && __builtin_mul_overflow(result, x, &result))
      return too_large;
    if (n > 1 && __builtin_mul_overflow(x, x, &x))
      return too_large;
  }
  *out = result;
  return NULL;
}

static const char *shift(int64_t x, int64_t n, bool left, int64_t *out) {
  if (n < 0)
    return "a shift by a negative number";
  if (!left)
    *out = n > 62 ? -(x < 0) : x >> n;
  else if (x && (n > 62 || __builtin_mul_overflow(x, INT64_C(1) << n, out)))
    return too_large;
  else if (!x)
    *out = 0;
  return NULL;
}

static const char *integers(const char *op, int64_t x, int64_t y, int64_t *out) {
  if (op[1])
    return *op == '/' ? divide(x, y, false, out) : *op == '*' ? power(x, y, out) : shift(x, y, *op == '<', out);
  switch (*op) {
  case '+':
    return __builtin_add_overflow(x, y, out) ? too_large : NULL;
  case '-':
    return __builtin_sub_overflow(x, y, out) ? too_large : NULL;
  case '*':
    return __builtin_mul_overflow(x, y, out) ? too_large : NULL;
  case '%':
    return divide(x, y, true, out);
  case '&':
    *out = x & y;
    return NULL;
  case '|':
    *out = x | y;
    return NULL;
  default:
    *out = x ^ y;
    return NULL;
  }
}

/* The quotient rounded down comes from the remainder, as in Python: 1 // 0.1 is 9. */
static const char *reals(const char *op, double x, double y, double *out) {
  if ((*op == '/' || *op == '%') && y == 0)
    return "division by zero";
  if (!strcmp(op, "**"))
    *out = pow(x, y);
  else if (*op == '%' || op[1]) {
    double r = fmod(x, y), q = (x - r) / y;
    if (r != 0 && (r < 0) != (y < 0)) {
      r += y;
      q--;
    }
    *out = *op == '%' ? r : floor(q) + (q - floor(q) > 0.5);
  } else
    *out = *op == '+' ? x + y : *op == '-' ? x - y : *op == '*' ? x * y : x / y;
  return isfinite(*out) ? NULL : "the result is no number";
}

static struct expr_value joined(struct arena *a, const struct expr_value *x, const struct expr_value *y) {
  struct expr_value *list = la__arena_get(a, (x->n + y->n) * sizeof *list);
  if (x->n)
    memcpy(list, x->list, x->n * sizeof *list);
  if (y->n)
    memcpy(list + x->n, y->list, y->n * sizeof *list);
  return (struct expr_value){.type = EXPR_LIST, .tuple = x->tuple, .n = x->n + y->n, .list = list};
}

const char *la__expr_binary(struct arena *a, const char *op, struct expr_value x, struct expr_value y, struct expr_value *out) {
  if (!strcmp(op, "%") && x.type == EXPR_TEXT)
    return la__expr_format(a, x.text, &y, out);
  if (!strcmp(op, "+") && x.type == EXPR_TEXT && y.type == EXPR_TEXT) {
    if (strlen(x.text) + strlen(y.text) > LENGTH_MAX)
      return too_long;
    *out = (struct expr_value){.type = EXPR_TEXT, .text = la__expr_print(a, "%s%s", x.text, y.text)};
    return NULL;
  }
  if (!strcmp(op, "+") && x.type == EXPR_LIST && y.type == EXPR_LIST && x.tuple == y.tuple) {
    if (x.n + y.n > LENGTH_MAX)
      return too_long;
    *out = joined(a, &x, &y);
    return NULL;
  }
  bool bits = strchr("&|^", *op) || !strcmp(op, "<<") || !strcmp(op, ">>");
  if (!la__expr_is_number(&x) || !la__expr_is_number(&y) || (bits && !(is_integer(&x) && is_integer(&y))))
    return mismatch(a, op, &x, &y);
  bool whole = is_integer(&x) && is_integer(&y) && strcmp(op, "/") != 0 && !(!strcmp(op, "**") && y.num < 0);
  out->type = whole ? bits && !op[1] && x.type == EXPR_BOOL && y.type == EXPR_BOOL ? EXPR_BOOL : EXPR_INT : EXPR_REAL;
  return whole ? integers(op, x.num, y.num, &out->num) : reals(op, real_of(&x), real_of(&y), &out->real);
}

const char *la__expr_unary(struct arena *a, char op, struct expr_value x, struct expr_value *out) {
  if (!la__expr_is_number(&x) || (op == '~' && !is_integer(&x)))
    return la__expr_print(a, "'%c' does not take %s", op, la__expr_type_name(&x));
  if (x.type == EXPR_REAL) {
    *out = la__expr_real(op == '-' ? -x.real : x.real);
    return NULL;
  }
  *out = la__expr_int(op == '~' ? ~x.num : x.num);
  return op == '-' && __builtin_sub_overflow(0, x.num, &out->num) ? too_large : NULL;
}

/* ---- comparisons ---- */

static bool same(const struct expr_value *x, const struct expr_value *y) {
  if (la__expr_is_number(x) && la__expr_is_number(y))
    return is_integer(x) && is_integer(y) ? x->num == y->num : real_of(x) == real_of(y);
  if (x->type != y->type)
    return false;
  if (x->type == EXPR_TEXT)
    return !strcmp(x->text, y->text);
  if (x->type != EXPR_LIST)
    return true;
  bool is = x->n == y->n && x->tuple == y->tuple;
  for (size_t i = 0; is && i < x->n; i++)
    is = same(&x->list[i], &y->list[i]);
  return is;
}

static const char *contains(struct arena *a, const struct expr_value *x, const struct expr_value *y, bool *out) {
  if (y->type == EXPR_TEXT && x->type == EXPR_TEXT) {
    *out = strstr(y->text, x->text) != NULL;
    return NULL;
  }
  if (y->type != EXPR_LIST)
    return mismatch(a, "in", x, y);
  *out = false;
  for (size_t i = 0; i < y->n; i++)
    *out |= same(x, &y->list[i]);
  return NULL;
}

const char *la__expr_compare(struct arena *a, const char *op, const struct expr_value *x, const struct expr_value *y, bool *out) {
  if (!strcmp(op, "in"))
    return contains(a, x, y, out);
  if (!strcmp(op, "==") || !strcmp(op, "!=")) {
    *out = same(x, y) == (*op == '=');
    return NULL;
  }
  int order;
  if (x->type == EXPR_TEXT && y->type == EXPR_TEXT)
    order = strcmp(x->text, y->text);
  else if (is_integer(x) && is_integer(y))
    order = (x->num > y->num) - (x->num < y->num);
  else if (la__expr_is_number(x) && la__expr_is_number(y))
    order = (real_of(x) > real_of(y)) - (real_of(x) < real_of(y));
  else
    return mismatch(a, op, x, y);
  *out = *op == '<' ? op[1] ? order <= 0 : order < 0 : op[1] ? order >= 0 : order > 0;
  return NULL;
}

/* ---- functions ---- */

bool la__expr_is_function(const char *name) {
  static const char *const names[] = {"abs", "min", "max", "len", "int"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i]))
      return true;
  return false;
}

static const char *extreme(struct arena *a, const char *name, const struct expr_value *args, size_t n, struct expr_value *out) {
  if (n == 1 && args->type == EXPR_LIST) {
    n = args->n;
    args = args->list;
  } else if (n == 1)
    return la__expr_print(a, "%s() of %s", name, la__expr_type_name(args));
  if (!n)
    return la__expr_print(a, "%s() of nothing", name);
  size_t best = 0;
  for (size_t i = 1; i < n; i++) {
    bool better;
    const char *why = la__expr_compare(a, name[1] == 'i' ? "<" : ">", &args[i], &args[best], &better);
    if (why)
      return why;
    best = better ? i : best;
  }
  *out = args[best];
  return NULL;
}

static const char *to_integer(struct arena *a, const struct expr_value *v, struct expr_value *out) {
  if (v->type == EXPR_REAL) {
    if (!(v->real > -9223372036854775808.0 && v->real < 9223372036854775808.0))
      return too_large;
    *out = la__expr_int((int64_t)v->real);
  } else if (v->type == EXPR_TEXT) {
    char *end;
    long long num = strtoll(v->text, &end, 10);
    if (end == v->text || *end)
      return la__expr_print(a, "int() of '%s'", v->text);
    *out = la__expr_int(num);
  } else if (is_integer(v))
    *out = la__expr_int(v->num);
  else
    return la__expr_print(a, "int() of %s", la__expr_type_name(v));
  return NULL;
}

const char *la__expr_call(struct arena *a, const char *name, const struct expr_value *args, size_t n, struct expr_value *out) {
  if (!strcmp(name, "min") || !strcmp(name, "max"))
    return extreme(a, name, args, n, out);
  if (n != 1)
    return la__expr_print(a, "%s() takes one value, not %zu", name, n);
  if (!strcmp(name, "int"))
    return to_integer(a, args, out);
  if (!strcmp(name, "abs")) {
    if (!la__expr_is_number(args))
      return la__expr_print(a, "abs() of %s", la__expr_type_name(args));
    return la__expr_unary(a, real_of(args) < 0 ? '-' : '+', *args, out);
  }
  if (args->type != EXPR_TEXT && args->type != EXPR_LIST)
    return la__expr_print(a, "len() of %s", la__expr_type_name(args));
  *out = la__expr_int((int64_t)(args->type == EXPR_TEXT ? strlen(args->text) : args->n));
  return NULL;
}
