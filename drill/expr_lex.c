/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/expr_lex.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_name(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f'; }

/* ---- failures ---- */

void la__code_fail(struct code *c, enum expr_result result, struct place at, const char *fmt, ...) {
  if (c->result == EXPR_HOLDS) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->out->text, sizeof c->out->text, fmt, ap);
    va_end(ap);
    c->out->at = at;
    c->result = result;
  }
  c->word.kind = WORD_END;
  c->p = c->p + strlen(c->p);
}

void la__code_expected(struct code *c, const char *fmt, ...) {
  char what[120], found[80];
  int len = c->word.to - c->word.from > 40 ? 40 : (int)(c->word.to - c->word.from);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(what, sizeof what, fmt, ap);
  va_end(ap);
  if (c->word.kind == WORD_END || c->word.kind == WORD_LINE)
    snprintf(found, sizeof found, "the end of the %s", c->word.kind == WORD_END ? "code" : "line");
  else
    snprintf(found, sizeof found, "%.*s", len, c->word.from);
  la__code_fail(c, EXPR_ERROR, c->word.at, "expected %s, found %s", what, found);
}

/* ---- words ---- */

static struct place place_of(const struct code *c, const char *p) {
  return (struct place){c->origin.line, c->origin.column + (int)(p - c->bol)};
}

static void new_line(struct code *c, const char *bol) {
  c->bol = bol;
  c->origin = (struct place){c->origin.line + 1, 1};
}

static void skip_blanks(struct code *c) {
  for (;;) {
    if (is_blank(*c->p))
      c->p++;
    else if (*c->p == '#')
      c->p += strcspn(c->p, "\n");
    else if (*c->p == '\\' && (c->p[1] == '\n' || (c->p[1] == '\r' && c->p[2] == '\n'))) {
      c->p += c->p[1] == '\n' ? 2 : 3;
      new_line(c, c->p);
    } else if (*c->p == '\n' && c->open)
      new_line(c, ++c->p);
    else
      return;
  }
}

static const char *scan_text(struct code *c, const char *p) {
  static const char from[] = "abfnrtv\\\"'", to[] = "\a\b\f\n\r\t\v\\\"'";
  char quote = *p, *text = la__arena_get(c->arena, strlen(p));
  size_t n = 0;
  if (p[1] == quote && p[2] == quote) {
    la__code_fail(c, EXPR_ERROR, c->word.at, "not supported: a string in three quotes");
    return c->p;
  }
  for (p++; *p && *p != quote && *p != '\n';) {
    const char *found = *p == '\\' && p[1] ? strchr(from, p[1]) : NULL;
    text[n++] = found ? to[found - from] : *p;
    p += found ? 2 : 1;
  }
  if (*p != quote) {
    la__code_fail(c, EXPR_ERROR, c->word.at, "this string has no end: expected %c in the same line", quote);
    return c->p;
  }
  c->word.kind = WORD_TEXT;
  c->word.text = text;
  return p + 1;
}

static const char *scan_number(struct code *c, const char *p) {
  char *end;
  bool base = *p == '0' && (p[1] == 'x' || p[1] == 'X');
  size_t n = base ? 2 : strspn(p, "0123456789");
  if (base)
    n += strspn(p + 2, "0123456789abcdefABCDEF");
  else if (p[n] == '.' ||
           ((p[n] == 'e' || p[n] == 'E') && (is_digit(p[n + 1]) || (p[n + 1] && strchr("+-", p[n + 1]) && is_digit(p[n + 2]))))) {
    n += p[n] == '.' ? 1 + strspn(p + n + 1, "0123456789") : 0;
    if ((p[n] == 'e' || p[n] == 'E') && (is_digit(p[n + 1]) || (p[n + 1] && strchr("+-", p[n + 1]) && is_digit(p[n + 2]))))
      n += 2 + strspn(p + n + 2, "0123456789");
    c->word.kind = WORD_REAL;
  }
  const char *number = la__arena_text(c->arena, p, n);
  if (is_name(p[n]) || (base && n == 2) || (c->word.kind != WORD_REAL && !base && n > 1 && *p == '0')) {
    la__code_fail(c, EXPR_ERROR, c->word.at, "%.40s is no number",
                  la__arena_text(c->arena, p, n + strspn(p + n, "abcdefghijklmnopqrstuvwxyz_")));
    return c->p;
  }
  if (c->word.kind == WORD_REAL) {
    c->word.real = strtod(number, NULL);
    return p + n;
  }
  errno = 0;
  c->word.kind = WORD_INT;
  c->word.num = strtoll(number, &end, base ? 16 : 10);
  if (errno) {
    la__code_fail(c, EXPR_ERROR, c->word.at, "%.40s does not fit into 64 bits", number);
    return c->p;
  }
  return p + n;
}

static const char *scan_sign(struct code *c, const char *p) {
  static const char *const signs[] = {
    "**=", "//=", "<<=", ">>=", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="};
  size_t n = 1;
  for (size_t i = 0; i < sizeof signs / sizeof *signs && n == 1; i++)
    if (!strncmp(p, signs[i], strlen(signs[i])))
      n = strlen(signs[i]);
  if (n == 1 && !strchr("+-*/%&|^~<>()[],:;=.", *p)) {
    if (*p > 32 && *p < 127)
      la__code_fail(c, EXPR_ERROR, c->word.at, "not supported: %c", *p);
    else
      la__code_fail(c, EXPR_ERROR, c->word.at, "the byte 0x%02x has no meaning here", (unsigned char)*p);
    return c->p;
  }
  c->word.kind = WORD_SIGN;
  c->word.text = la__arena_text(c->arena, p, n);
  if (*p == '(' || *p == '[')
    c->open++;
  else if ((*p == ')' || *p == ']') && c->open)
    c->open--;
  return p + n;
}

void la__code_next(struct code *c) {
  c->last = c->word.to;
  skip_blanks(c);
  const char *p = c->p;
  c->word = (struct word){.kind = WORD_END, .at = place_of(c, p), .from = p, .to = p, .text = ""};
  if (!*p)
    return;
  const char *to;
  if (*p == '\n') {
    c->word.kind = WORD_LINE;
    new_line(c, to = p + 1);
  } else if (is_digit(*p) || (*p == '.' && is_digit(p[1])))
    to = scan_number(c, p);
  else if (is_name(*p)) {
    for (to = p; is_name(*to); to++)
      ;
    c->word.kind = WORD_NAME;
    c->word.text = la__arena_text(c->arena, p, (size_t)(to - p));
    if (*to == '"' || *to == '\'')
      la__code_fail(c, EXPR_ERROR, c->word.at, "not supported: a letter before a string");
  } else
    to = *p == '"' || *p == '\'' ? scan_text(c, p) : scan_sign(c, p);
  if (c->result == EXPR_HOLDS)
    c->p = c->word.to = to;
}

bool la__code_is(const struct code *c, const char *word) {
  return (c->word.kind == WORD_SIGN || c->word.kind == WORD_NAME) && !strcmp(c->word.text, word);
}

bool la__code_take(struct code *c, const char *word) {
  bool is = la__code_is(c, word);
  if (is)
    la__code_next(c);
  return is;
}

void la__code_expect(struct code *c, const char *sign, const char *where) {
  if (!la__code_take(c, sign))
    la__code_expected(c, "%s %s", sign, where);
}
