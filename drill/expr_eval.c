/* SPDX-License-Identifier: MIT */
/*
 * Expressions are evaluated while they are read. What Python would not evaluate (the right side of `and` after a false left side, the
 * message of an assertion that holds) is read with c->skip set: then no name is looked up and nothing is computed.
 */
#include <string.h>

#include "drill/expr_lex.h"

enum { NEST_MAX = 64 };

static const struct expr_value nothing = {.type = EXPR_INT};

static bool enter(struct code *c) {
  if (c->nest++ < NEST_MAX)
    return true;
  la__code_fail(c, EXPR_ERROR, c->word.at, "nested more than %d deep", NEST_MAX);
  return false;
}

static void check(struct code *c, struct place at, const char *why) {
  if (why)
    la__code_fail(c, EXPR_ERROR, at, "%.300s", why);
}

/* ---- operands ---- */

/* Values up to the bracket that closes; comma: one stood after a value, which makes brackets a tuple. */
static struct expr_value list(struct code *c, const char *close, bool *comma) {
  struct expr_value v = {.type = EXPR_LIST};
  *comma = false;
  while (c->result == EXPR_HOLDS && !la__code_is(c, close)) {
    struct expr_value e = la__code_expression(c);
    if (!(v.n & (v.n + 1))) { /* 0, 1, 3, 7, …: room for as many again and one */
      struct expr_value *bigger = la__arena_get(c->arena, (v.n * 2 + 1) * sizeof *bigger);
      if (v.n)
        memcpy(bigger, v.list, v.n * sizeof *bigger);
      v.list = bigger;
    }
    ((struct expr_value *)v.list)[v.n++] = e;
    bool more = la__code_take(c, ",");
    *comma |= more;
    if (!more)
      break;
  }
  if (!la__code_take(c, close))
    la__code_expected(c, "%s or a comma", close);
  return v;
}

static struct expr_value call(struct code *c, const char *name, struct place at) {
  bool comma;
  struct expr_value out = nothing;
  la__code_next(c);
  struct expr_value args = list(c, ")", &comma);
  if (c->skip || c->result != EXPR_HOLDS)
    return out;
  if (!strcmp(name, "print")) {
    la__code_print(c, args.list, args.n);
    return (struct expr_value){.type = EXPR_NONE};
  }
  if (la__expr_is_function(name))
    check(c, at, la__expr_call(c->arena, name, args.list, args.n, &out));
  else
    la__code_fail(c, EXPR_ERROR, at, "not supported: the function %.60s", name);
  return out;
}

static void watch(struct code *c, const char *name, const struct expr_value *v) {
  for (unsigned i = 0; i < c->nseen; i++)
    if (!strcmp(c->seen[i].name, name))
      return;
  if (c->nseen < SEEN_MAX) {
    c->seen[c->nseen].name = name;
    c->seen[c->nseen++].value = *v;
  }
}

static bool is_keyword(const char *name) {
  static const char *const words[] = {"and",    "as",    "assert", "async", "await",  "break",   "class", "continue",
                                      "def",    "del",   "elif",   "else",  "except", "finally", "for",   "from",
                                      "global", "if",    "import", "in",    "is",     "lambda",  "not",   "or",
                                      "pass",   "raise", "return", "try",   "while",  "with",    "yield", "nonlocal"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strcmp(name, words[i]))
      return true;
  return false;
}

static struct expr_value name(struct code *c) {
  struct place at = c->word.at;
  const char *text = c->word.text;
  struct expr_value v = nothing;
  if (is_keyword(text)) {
    la__code_expected(c, "a value");
    return v;
  }
  la__code_next(c);
  if (la__code_is(c, "("))
    return call(c, text, at);
  if (!strcmp(text, "True") || !strcmp(text, "False"))
    return la__expr_bool(*text == 'T');
  if (!strcmp(text, "None"))
    return (struct expr_value){.type = EXPR_NONE};
  if (c->skip || c->result != EXPR_HOLDS)
    return v;
  if (!la__code_lookup(c, text, &v))
    la__code_fail(c, EXPR_ERROR, at, "the name '%.60s' is not known", text);
  else if (c->watching)
    watch(c, text, &v);
  return v;
}

static struct expr_value texts(struct code *c) {
  struct expr_value v = {.type = EXPR_TEXT, .text = c->word.text};
  for (la__code_next(c); c->word.kind == WORD_TEXT; la__code_next(c))
    v.text = la__expr_print(c->arena, "%s%s", v.text, c->word.text);
  return v;
}

static struct expr_value atom(struct code *c) {
  struct expr_value v = nothing;
  bool comma;
  switch (c->word.kind) {
  case WORD_INT:
    v = la__expr_int(c->word.num);
    la__code_next(c);
    return v;
  case WORD_REAL:
    v = la__expr_real(c->word.real);
    la__code_next(c);
    return v;
  case WORD_TEXT:
    return texts(c);
  case WORD_NAME:
    return name(c);
  default:
    break;
  }
  if (la__code_take(c, "(")) {
    v = list(c, ")", &comma);
    v.tuple = true;
    return v.n == 1 && !comma ? v.list[0] : v;
  }
  if (la__code_take(c, "["))
    return list(c, "]", &comma);
  la__code_expected(c, "a value");
  return v;
}

/* ---- operators ---- */

static struct expr_value unary(struct code *c);

static struct expr_value binary(struct code *c, const char *op, struct place at, struct expr_value x, struct expr_value y) {
  struct expr_value out = nothing;
  if (!c->skip && c->result == EXPR_HOLDS)
    check(c, at, la__expr_binary(c->arena, op, x, y, &out));
  return out;
}

/* ** binds closer than a sign on its left, not than one on its right, and to the right. */
static struct expr_value power(struct code *c) {
  struct expr_value x = atom(c);
  struct place at = c->word.at;
  if (la__code_is(c, ".") || la__code_is(c, "[") || la__code_is(c, "(")) {
    la__code_fail(c, EXPR_ERROR, at, "not supported: %s after a value", c->word.text);
    return x;
  }
  if (!la__code_take(c, "**") || !enter(c))
    return x;
  x = binary(c, "**", at, x, unary(c));
  c->nest--;
  return x;
}

static struct expr_value unary(struct code *c) {
  struct place at = c->word.at;
  if (!la__code_is(c, "-") && !la__code_is(c, "+") && !la__code_is(c, "~"))
    return power(c);
  struct expr_value out = nothing;
  if (!enter(c))
    return out;
  char op = *c->word.text;
  la__code_next(c);
  struct expr_value x = unary(c);
  if (!c->skip && c->result == EXPR_HOLDS)
    check(c, at, la__expr_unary(c->arena, op, x, &out));
  c->nest--;
  return out;
}

/* Each level's operators bind closer than those of the level before. */
static struct expr_value level(struct code *c, unsigned l) {
  static const char *const levels[][5] = {{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "//", "%"}};
  if (l == sizeof levels / sizeof *levels)
    return unary(c);
  struct expr_value x = level(c, l + 1);
  for (;;) {
    const char *op = NULL;
    for (unsigned i = 0; i < 5 && levels[l][i]; i++)
      if (c->word.kind == WORD_SIGN && la__code_is(c, levels[l][i]))
        op = levels[l][i];
    if (!op)
      return x;
    struct place at = c->word.at;
    la__code_next(c);
    x = binary(c, op, at, x, level(c, l + 1));
  }
}

static const char *comparison_sign(struct code *c, bool *negated) {
  static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">=", "in"};
  *negated = false;
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (la__code_take(c, ops[i]))
      return ops[i];
  if (!la__code_take(c, "not"))
    return NULL;
  *negated = true;
  la__code_expect(c, "in", "after not");
  return "in";
}

/* a < b < c: as a < b and b < c, each evaluated once. */
static struct expr_value comparison(struct code *c) {
  struct expr_value x = level(c, 0);
  bool holds = true, some = false, negated;
  unsigned skip = c->skip;
  for (;;) {
    struct place at = c->word.at;
    const char *op = comparison_sign(c, &negated);
    if (!op)
      break;
    some = true;
    struct expr_value y = level(c, 0);
    if (!c->skip && c->result == EXPR_HOLDS) {
      check(c, at, la__expr_compare(c->arena, op, &x, &y, &holds));
      holds ^= negated;
      c->skip += !holds;
    }
    x = y;
  }
  c->skip = skip;
  return some ? la__expr_bool(holds) : x;
}

static struct expr_value negation(struct code *c) {
  if (!la__code_is(c, "not"))
    return comparison(c);
  struct expr_value x = nothing;
  if (enter(c)) {
    la__code_next(c);
    x = negation(c);
    x = la__expr_bool(!la__expr_truth(&x));
    c->nest--;
  }
  return x;
}

/* and, or: the value that decides. */
static struct expr_value logic(struct code *c, const char *op, struct expr_value (*operand)(struct code *)) {
  struct expr_value x = operand(c);
  while (la__code_take(c, op)) {
    bool decided = la__expr_truth(&x) == (*op == 'o');
    c->skip += decided;
    struct expr_value y = operand(c);
    c->skip -= decided;
    x = decided ? x : y;
  }
  return x;
}

static struct expr_value conjunction(struct code *c) { return logic(c, "and", negation); }

struct expr_value la__code_expression(struct code *c) {
  struct expr_value x = nothing;
  if (enter(c)) {
    x = logic(c, "or", conjunction);
    c->nest--;
  }
  return x;
}

struct expr_value la__code_expressions(struct code *c) {
  struct expr_value x = la__code_expression(c);
  if (!la__code_is(c, ","))
    return x;
  struct expr_value *two = la__arena_get(c->arena, 64 * sizeof *two);
  size_t n = 0;
  two[n++] = x;
  while (la__code_take(c, ",")) {
    if (c->word.kind == WORD_END || c->word.kind == WORD_LINE || la__code_is(c, ";"))
      break;
    if (n == 64) {
      la__code_fail(c, EXPR_ERROR, c->word.at, "more than 64 values");
      break;
    }
    two[n++] = la__code_expression(c);
  }
  return (struct expr_value){.type = EXPR_LIST, .tuple = true, .n = n, .list = two};
}
