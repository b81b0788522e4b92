/* SPDX-License-Identifier: MIT */
/* Statements and names; expr_eval.c evaluates expressions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "drill/expr_lex.h"

struct var {
  const char *name;
  struct expr_value value;
  struct var *next;
};
struct expr_vars {
  struct arena *arena; /* of the values, too */
  struct var *first;
};

struct expr_vars *la__expr_vars_new(void) {
  struct expr_vars *vars = calloc(1, sizeof *vars);
  LA_CHECK(vars);
  vars->arena = la__arena_new();
  return vars;
}

void la__expr_vars_free(struct expr_vars *vars) {
  if (vars)
    la__arena_free(vars->arena);
  free(vars);
}

static struct var *find(const struct expr_vars *vars, const char *name) {
  struct var *v = vars->first;
  while (v && strcmp(v->name, name) != 0)
    v = v->next;
  return v;
}

bool la__code_lookup(struct code *c, const char *name, struct expr_value *out) {
  const struct var *v = find(c->vars, name);
  if (v) {
    *out = v->value;
    return true;
  }
  *out = la__expr_int(0);
  return c->host->lookup && c->host->lookup(c->host->ctx, name, &out->num);
}

void la__code_print(struct code *c, const struct expr_value *args, size_t n) {
  const char *line = "";
  for (size_t i = 0; i < n; i++)
    line = la__expr_print(c->arena, "%s%s%s", line, i ? " " : "", la__expr_text(c->arena, &args[i], false));
  if (c->host->print)
    c->host->print(c->host->ctx, line);
}

/* ---- statements ---- */

static const char *assignment_sign(const struct code *c) {
  static const char *const signs[] = {"=", "+=", "-=", "*=", "/=", "//=", "%=", "**=", "&=", "|=", "^=", "<<=", ">>="};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    if (la__code_is(c, signs[i]))
      return signs[i];
  return NULL;
}

static void assign(struct code *c, const char *name, const char *sign, struct place at) {
  struct expr_value v = la__code_expressions(c), old;
  if (c->skip || c->result != EXPR_HOLDS)
    return;
  if (sign[1]) {
    char op[3] = {sign[0], sign[1] == '=' ? 0 : sign[1], 0};
    if (!la__code_lookup(c, name, &old)) {
      la__code_fail(c, EXPR_ERROR, at, "the name '%.60s' is not known", name);
      return;
    }
    const char *why = la__expr_binary(c->arena, op, old, v, &v);
    if (why) {
      la__code_fail(c, EXPR_ERROR, at, "%.300s", why);
      return;
    }
  }
  struct var *var = find(c->vars, name);
  if (!var) {
    var = la__arena_get(c->arena, sizeof *var);
    var->name = name;
    var->next = c->vars->first;
    c->vars->first = var;
  }
  var->value = v;
}

/* A string's text; otherwise the value, but not when a name's value has just said the same. */
static const char *message_text(struct code *c, const struct expr_value *message) {
  const char *text = la__expr_text(c->arena, message, false);
  for (unsigned i = 0; message->type != EXPR_TEXT && i < c->nseen; i++)
    if (!strcmp(text, la__expr_text(c->arena, &c->seen[i].value, false)))
      return NULL;
  return *text ? text : NULL;
}

static void assertion(struct code *c) {
  struct place at = c->word.at;
  la__code_next(c);
  const char *from = c->word.from;
  c->watching = true;
  c->nseen = 0;
  struct expr_value condition = la__code_expression(c), message = {.type = EXPR_TEXT, .text = ""};
  c->watching = false;
  const char *source = la__arena_text(c->arena, from, c->last > from ? (size_t)(c->last - from) : 0);
  bool holds = c->skip || la__expr_truth(&condition);
  if (la__code_take(c, ",")) {
    c->skip += holds;
    message = la__code_expression(c);
    c->skip -= holds;
  }
  if (holds || c->result != EXPR_HOLDS)
    return;
  const char *text = la__expr_print(c->arena, "%.200s is false", source);
  for (unsigned i = 0; i < c->nseen; i++)
    text =
      la__expr_print(c->arena, "%s%s %s is %s", text, i ? "," : ":", c->seen[i].name, la__expr_text(c->arena, &c->seen[i].value, true));
  const char *said = message_text(c, &message);
  la__code_fail(c, EXPR_FALSE, at, "%s%s%s%s", text, said ? " (" : "", said ? said : "", said ? ")" : "");
}

static void statements(struct code *c);

static void condition(struct code *c) {
  la__code_next(c);
  struct expr_value v = la__code_expression(c);
  bool holds = !c->skip && la__expr_truth(&v);
  if (!la__code_take(c, ":"))
    la__code_expected(c, ": after the condition");
  else if (c->word.kind == WORD_LINE)
    la__code_fail(c, EXPR_ERROR, c->word.at, "not supported: a block of lines; the statements stand in the same line");
  c->skip += !holds;
  statements(c);
  c->skip -= !holds;
}

static void statement(struct code *c) {
  static const char *const others[] = {"import", "from",  "def",    "class", "for",  "while", "with",  "try",      "return", "global",
                                       "del",    "raise", "lambda", "if",    "elif", "else",  "break", "continue", "async",  "yield"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (c->word.kind == WORD_NAME && la__code_is(c, others[i])) {
      la__code_fail(c, EXPR_ERROR, c->word.at, "not supported: %s", others[i]);
      return;
    }
  struct word first = c->word;
  if (la__code_is(c, "assert"))
    assertion(c);
  else if (!la__code_take(c, "pass")) {
    struct code before = *c;
    la__code_next(c);
    const char *sign = first.kind == WORD_NAME ? assignment_sign(c) : NULL;
    if (sign) {
      struct place at = c->word.at;
      la__code_next(c);
      assign(c, first.text, sign, at);
    } else {
      *c = before;
      la__code_expressions(c);
    }
  }
}

/* Up to the end of the line. */
static void statements(struct code *c) {
  do {
    if (c->word.kind != WORD_LINE && c->word.kind != WORD_END && !la__code_is(c, ";"))
      statement(c);
  } while (la__code_take(c, ";"));
  if (c->word.kind != WORD_LINE && c->word.kind != WORD_END)
    la__code_expected(c, "; or the end of the line");
}

enum expr_result la__expr_run(const char *text, struct place at, struct expr_vars *vars, const struct expr_host *host,
                              struct expr_failure *out) {
  struct code c = {.arena = vars->arena, .vars = vars, .host = host, .out = out, .p = text, .bol = text, .last = text, .origin = at};
  c.word.to = text;
  *out = (struct expr_failure){.at = at};
  la__code_next(&c);
  while (c.word.kind != WORD_END) {
    if (la__code_is(&c, "if"))
      condition(&c);
    else
      statements(&c);
    if (c.word.kind == WORD_LINE)
      la__code_next(&c);
  }
  return c.result;
}
