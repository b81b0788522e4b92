/* SPDX-License-Identifier: MIT */
/* Lines that begin with #, as far as test suites use the C preprocessor: one name a condition, no macros with arguments. */
#include <string.h>

#include "drill/lex.h"

struct line {
  const char *name, *end; /* of the directive's name */
  const char *rest, *rest_end;
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
static bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/* The line at r->p is taken up to its newline; what follows a comment sign outside quotes does not belong to it. */
static struct line take_line(struct reader *r) {
  struct line l;
  const char *p = r->p;
  char quote = 0;
  for (l.name = ++p; p < r->end && is_word(*p); p++)
    ;
  l.end = p;
  while (p < r->end && is_blank(*p))
    p++;
  for (l.rest = p; p < r->end && *p != '\n'; p++) {
    if (quote)
      quote = *p == quote ? 0 : quote;
    else if (*p == '"' || *p == '`')
      quote = *p;
    else if (*p == '/' && p + 1 < r->end && (p[1] == '/' || p[1] == '*'))
      break;
  }
  l.rest_end = p;
  while (p < r->end && *p != '\n')
    p++;
  while (l.rest_end > l.rest && is_blank(l.rest_end[-1]))
    l.rest_end--;
  r->p = p;
  return l;
}

static bool is(const struct line *l, const char *name) {
  return (size_t)(l->end - l->name) == strlen(name) && !memcmp(l->name, name, strlen(name));
}

static const char *defined(const struct reader *r, const char *name) {
  const struct drill_define *d = la__lex_defined(r, name);
  return d ? d->value : r->standard && !strcmp(name, "STANDARD") ? "1" : NULL;
}

/* The one word that the line consists of. */
static const char *only_name(struct reader *r, const struct line *l) {
  const char *p = l->rest;
  while (p < l->rest_end && is_word(*p))
    p++;
  if (p == l->rest || p != l->rest_end) {
    la__lex_fail(r, la__lex_place(r, p == l->rest ? l->rest : p), "expected one name after #%.*s", (int)(l->end - l->name), l->name);
    return "";
  }
  return la__arena_text(r->arena, l->rest, (size_t)(p - l->rest));
}

/* #if: NAME, a number, defined(NAME), defined NAME, each with ! before it. A name without a value counts as 0. */
static bool condition(struct reader *r, struct line l) {
  static const char word[] = "defined";
  bool negated = false, asks = false;
  for (; l.rest < l.rest_end && (*l.rest == '!' || is_blank(*l.rest)); l.rest++)
    negated ^= *l.rest == '!';
  size_t n = sizeof word - 1;
  if ((size_t)(l.rest_end - l.rest) > n && !memcmp(l.rest, word, n) && !is_word(l.rest[n])) {
    asks = true;
    for (l.rest += n; l.rest < l.rest_end && is_blank(*l.rest); l.rest++)
      ;
    if (l.rest < l.rest_end && *l.rest == '(' && l.rest_end[-1] == ')') {
      l.rest++;
      l.rest_end--;
    }
  }
  const char *name = only_name(r, &l), *value = defined(r, name);
  if (!asks)
    value = *name >= '0' && *name <= '9' ? name : value;
  bool holds = asks ? value != NULL : value && strcmp(value, "0") != 0;
  return holds != negated;
}

static void begin(struct reader *r, struct place at, bool outer, bool holds) {
  if (r->nconds == COND_MAX) {
    la__lex_fail(r, at, "more than %d #if in one another", COND_MAX);
    return;
  }
  r->conds[r->nconds++] = (struct condition){at, outer, outer && holds, outer && holds, false};
}

static void otherwise(struct reader *r, struct place at, const struct line *l) {
  struct condition *c = &r->conds[r->nconds - 1];
  if (c->last) {
    la__lex_fail(r, at, "expected #endif after #else, found #%.*s", (int)(l->end - l->name), l->name);
    return;
  }
  c->last = is(l, "else");
  c->now = c->outer && !c->taken && (c->last || condition(r, *l));
  c->taken |= c->now;
}

static void define(struct reader *r, const struct line *l) {
  const char *p = l->rest;
  while (p < l->rest_end && is_word(*p))
    p++;
  if (p == l->rest || (p < l->rest_end && !is_blank(*p))) {
    la__lex_fail(r, la__lex_place(r, p), p == l->rest ? "expected a name after #define" : "not supported: a macro with arguments");
    return;
  }
  const char *name = la__arena_text(r->arena, l->rest, (size_t)(p - l->rest));
  while (p < l->rest_end && is_blank(*p))
    p++;
  la__lex_define(r, name, la__arena_text(r->arena, p, (size_t)(l->rest_end - p)));
}

/* One directive; false: it is none of those that steer what is read. */
static bool steer(struct reader *r, struct place at, const struct line *l, bool active) {
  if (is(l, "ifdef") || is(l, "ifndef"))
    begin(r, at, active, active && (defined(r, only_name(r, l)) != NULL) == is(l, "ifdef"));
  else if (is(l, "if"))
    begin(r, at, active, active && condition(r, *l));
  else if (is(l, "else") || is(l, "elif") || is(l, "endif")) {
    if (!r->nconds)
      la__lex_fail(r, at, "#%.*s without #if", (int)(l->end - l->name), l->name);
    else if (is(l, "endif"))
      r->nconds--;
    else
      otherwise(r, at, l);
  } else
    return false;
  return true;
}

static bool active(const struct reader *r) { return !r->nconds || r->conds[r->nconds - 1].now; }

static void one(struct reader *r) {
  struct place at = la__lex_place(r, r->p);
  struct line l = take_line(r);
  if (steer(r, at, &l, active(r)) || !active(r) || l.name == l.end)
    return;
  if (is(&l, "define"))
    define(r, &l);
  else if (is(&l, "undef"))
    la__lex_define(r, only_name(r, &l), NULL);
  else
    la__lex_fail(r, at, "#%.*s is no directive; a comment has a blank after its #", l.end - l.name > 40 ? 40 : (int)(l.end - l.name),
                 l.name);
}

void la__lex_directive(struct reader *r) {
  one(r);
  while (!r->failed && !active(r) && r->p < r->end) {
    r->p++; /* the newline at which the line before ended */
    r->line++;
    r->bol = r->p;
    while (r->p < r->end && is_blank(*r->p))
      r->p++;
    if (r->p < r->end && *r->p == '#')
      one(r);
    else
      while (r->p < r->end && *r->p != '\n')
        r->p++;
  }
}
