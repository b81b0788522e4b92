/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "drill/lex.h"

bool la__lex_is(const struct reader *r, char mark) { return r->tok.kind == TOKEN_MARK && r->tok.mark == mark; }

bool la__lex_is_word(const struct reader *r, const char *word) { return r->tok.kind == TOKEN_WORD && !strcmp(r->tok.text, word); }

bool la__lex_take(struct reader *r, char mark) {
  bool is = la__lex_is(r, mark);
  if (is)
    la__lex_next(r);
  return is;
}

bool la__lex_take_word(struct reader *r, const char *word) {
  bool is = la__lex_is_word(r, word);
  if (is)
    la__lex_next(r);
  return is;
}

bool la__lex_expect(struct reader *r, char mark, const char *where) {
  if (la__lex_take(r, mark))
    return true;
  la__lex_expected(r, "'%c'%s%s", mark, where ? " " : "", where ? where : "");
  return false;
}

uint64_t la__lex_number(struct reader *r, uint64_t max, const char *what) {
  if (r->tok.kind != TOKEN_INTEGER && r->tok.kind != TOKEN_HEX) {
    la__lex_expected(r, "%s", what);
    return 0;
  }
  int64_t num = r->tok.num;
  if ((r->tok.kind == TOKEN_INTEGER && num < 0) || (uint64_t)num > max) {
    la__lex_fail(r, r->tok.at, "expected %s from 0 to %llu, found '%.40s'", what, (unsigned long long)max, r->tok.text);
    return 0;
  }
  la__lex_next(r);
  return (uint64_t)num;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

const char *la__lex_option_value(struct reader *r) {
  const char *p = r->p;
  while (p < r->end && is_blank(*p))
    p++;
  if (p == r->end || *p != '=')
    return NULL;
  for (p++; p < r->end && is_blank(*p);)
    p++;
  const char *from = p;
  char quote = 0;
  for (; p < r->end && *p != '\n'; p++) {
    if (quote) {
      if (*p == '\\' && p + 1 < r->end && p[1] != '\n')
        p++;
      else if (*p == quote)
        quote = 0;
    } else if (*p == '"' || *p == '`')
      quote = *p;
    else if (is_blank(*p) || (*p == '/' && p + 1 < r->end && (p[1] == '/' || p[1] == '*')))
      break;
  }
  if (quote)
    la__lex_fail(r, la__lex_place(r, from), "this value has no end: expected %c in the same line", quote);
  else if (p == from)
    la__lex_fail(r, la__lex_place(r, from), "expected a value after '--%.40s='", r->tok.text);
  if (!r->failed)
    r->p = r->tok.to = p;
  return la__arena_text(r->arena, from, (size_t)(p - from));
}

const char *la__lex_note(struct reader *r) {
  const char *from = r->p, *p = from;
  unsigned depth = 0;
  for (; p < r->end && *p != '\n'; p++) {
    if (*p == '(')
      depth++;
    else if (*p == ')' && !depth--)
      break;
  }
  if (p == r->end || *p == '\n') {
    la__lex_fail(r, r->tok.at, "this note has no end: expected ) in the same line");
    return "";
  }
  r->p = r->tok.to = p + 1;
  la__lex_next(r);
  while (from < p && is_blank(*from))
    from++;
  while (p > from && is_blank(p[-1]))
    p--;
  return la__arena_text(r->arena, from, (size_t)(p - from));
}

/* The end of the comment that begins at p; p itself when none does. */
static const char *comment_end(const char *p, const char *end) {
  if (p + 1 >= end || *p != '/')
    return p;
  if (p[1] == '/') {
    while (p < end && *p != '\n')
      p++;
  } else if (p[1] == '*') {
    for (p += 2; p + 1 < end && !(p[0] == '*' && p[1] == '/'); p++)
      ;
    p = end - p > 2 ? p + 2 : end;
  }
  return p;
}

const char *la__lex_source(struct reader *r, const char *from) {
  const char *end = r->last;
  if (r->failed || end <= from)
    return "";
  char *line = la__arena_get(r->arena, (size_t)(end - from) + 1), quote = 0;
  size_t n = 0;
  for (const char *p = from; p < end;) {
    const char *after = quote ? p : comment_end(p, end);
    if (after != p || (!quote && (is_blank(*p) || *p == '\n'))) {
      if (n && line[n - 1] != ' ')
        line[n++] = ' ';
      p = after != p ? after : p + 1;
      continue;
    }
    if (quote && *p == '\\' && p + 1 < end)
      line[n++] = *p++;
    else if (*p == quote)
      quote = 0;
    else if (!quote && *p == '"')
      quote = *p;
    line[n++] = *p++;
  }
  line[n] = 0;
  return line;
}
