/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "drill/lex.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_word(char c) { return is_letter(c) || is_digit(c); }
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
static unsigned hex_value(char c) { return is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10); }

/* ---- failures ---- */

static void vfail(struct reader *r, struct place at, const char *fmt, va_list ap) {
  if (!r->failed) {
    r->failed = true;
    r->err->at = at;
    vsnprintf(r->err->text, sizeof r->err->text, fmt, ap);
  }
  r->tok.kind = TOKEN_END;
  r->p = r->end;
}

void la__lex_fail(struct reader *r, struct place at, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vfail(r, at, fmt, ap);
  va_end(ap);
}

static const char *describe(const struct token *t, char *buf, size_t cap) {
  int len = t->len > 40 ? 40 : (int)t->len;
  const char *more = t->len > 40 ? "…" : "";
  switch (t->kind) {
  case TOKEN_END:
    return "the end of the file";
  case TOKEN_STRING:
    snprintf(buf, cap, "the string \"%.*s%s\"", len, t->text, more);
    break;
  case TOKEN_COMMAND:
    return "a command in back quotes";
  case TOKEN_CODE:
    return "code in %{ }%";
  case TOKEN_OPTION:
    snprintf(buf, cap, "the option --%.*s%s", len, t->text, more);
    break;
  case TOKEN_ELLIPSIS:
    return "'...'";
  case TOKEN_MARK:
    snprintf(buf, cap, "'%c'", t->mark);
    break;
  default: {
    bool symbol = t->kind == TOKEN_WORD && t->len > 1 && strspn(t->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == t->len;
    snprintf(buf, cap, "'%.*s%s'%s", len, t->text, more, symbol ? ", which no --define defines" : "");
  }
  }
  return buf;
}

void la__lex_expected(struct reader *r, const char *fmt, ...) {
  char what[160], found[100];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(what, sizeof what, fmt, ap);
  va_end(ap);
  la__lex_fail(r, r->tok.at, "expected %s, found %s", what, describe(&r->tok, found, sizeof found));
}

struct place la__lex_place(const struct reader *r, const char *p) {
  return (struct place){r->line, (int)(p - r->bol) + 1};
}

/* ---- defines ---- */

const struct drill_define *la__lex_defined(const struct reader *r, const char *name) {
  for (const struct drill_define *d = r->given; d; d = d->next)
    if (!strcmp(d->name, name))
      return d->value ? d : NULL;
  for (const struct drill_define *d = r->defines; d; d = d->next)
    if (!strcmp(d->name, name))
      return d->value ? d : NULL;
  return NULL;
}

void la__lex_define(struct reader *r, const char *name, const char *value) {
  struct drill_define *d = la__arena_get(r->arena, sizeof *d);
  *d = (struct drill_define){name, value, r->defines};
  r->defines = d;
}

/* ---- blanks and comments ---- */

static void new_line(struct reader *r, const char *bol) {
  r->line++;
  r->bol = bol;
}

static void skip_comment(struct reader *r) {
  struct place at = la__lex_place(r, r->p);
  for (r->p += 2; r->p < r->end; r->p++) {
    if (*r->p == '\n')
      new_line(r, r->p + 1);
    else if (*r->p == '*' && r->p + 1 < r->end && r->p[1] == '/') {
      r->p += 2;
      return;
    }
  }
  la__lex_fail(r, at, "this comment has no end: expected */");
}

static bool begins_line(const struct reader *r) {
  for (const char *q = r->bol; q < r->p; q++)
    if (!is_blank(*q))
      return false;
  return true;
}

static void skip_blanks(struct reader *r) {
  while (r->p < r->end) {
    char c = *r->p, after = r->p + 1 < r->end ? r->p[1] : 0;
    if (c == '\n')
      new_line(r, ++r->p);
    else if (is_blank(c))
      r->p++;
    else if (c == '/' && after == '/')
      while (r->p < r->end && *r->p != '\n')
        r->p++;
    else if (c == '/' && after == '*')
      skip_comment(r);
    else if (c == '#' && begins_line(r))
      la__lex_directive(r);
    else
      break;
  }
}

/* ---- tokens ---- */

/* One escape sequence at p, after the backslash; gives the first byte after it, or NULL. */
static const char *escape(const char *p, const char *end, char *out) {
  static const char from[] = "abfnrtv\\\"'?`", to[] = "\a\b\f\n\r\t\v\\\"'?`";
  if (p == end)
    return NULL;
  const char *found = memchr(from, *p, sizeof from - 1);
  if (found) {
    *out = to[found - from];
    return p + 1;
  }
  unsigned value = 0, n = 0;
  if (*p == 'x') {
    for (p++; p < end && n < 2 && is_hex(*p); p++, n++)
      value = value * 16 + hex_value(*p);
  } else
    for (; p < end && n < 3 && *p >= '0' && *p <= '7'; p++, n++)
      value = value * 8 + (unsigned)(*p - '0');
  *out = (char)value;
  return n && value < 256 ? p : NULL;
}

static const char *scan_string(struct reader *r, const char *p, const char *end, struct token *t) {
  const char *from = p++, *q = p;
  while (q < end && *q != '"' && *q != '\n')
    q += *q == '\\' && q + 1 < end && q[1] != '\n' ? 2 : 1;
  if (q >= end || *q == '\n') {
    la__lex_fail(r, t->at, "this string has no end: expected \" in the same line");
    return end;
  }
  char *text = la__arena_get(r->arena, (size_t)(q - p) + 1);
  size_t n = 0;
  while (p < q) {
    if (*p != '\\') {
      text[n++] = *p++;
      continue;
    }
    const char *next = escape(p + 1, q, text + n++);
    if (!next) {
      la__lex_fail(r, (struct place){t->at.line, t->at.column + (int)(p - from)},
                   "expected one of abfnrtvx\\\"'?` or an octal number after \\, found '%c'", p[1]);
      return end;
    }
    p = next;
  }
  t->kind = TOKEN_STRING;
  t->text = text;
  t->len = n;
  return q + 1;
}

static const char *scan_command(struct reader *r, const char *p, const char *end, struct token *t) {
  const char *q = p + 1;
  while (q < end && *q != '`')
    q += *q == '\\' && q + 1 < end ? 2 : 1;
  if (q >= end) {
    la__lex_fail(r, t->at, "this command has no end: expected `");
    return end;
  }
  t->kind = TOKEN_COMMAND;
  t->len = (size_t)(q - p - 1);
  t->text = la__arena_text(r->arena, p + 1, t->len);
  t->text_at.column++;
  return q + 1;
}

static const char *scan_code(struct reader *r, const char *p, const char *end, struct token *t) {
  const char *from = p + 2, *to = from;
  while (to + 1 < end && !(to[0] == '}' && to[1] == '%'))
    to++;
  if (to + 1 >= end) {
    la__lex_fail(r, t->at, "this code has no end: expected }%%");
    return end;
  }
  const char *after = to + 2;
  while (from < to && is_blank(*from))
    from++;
  while (to > from && is_blank(to[-1]))
    to--;
  t->kind = TOKEN_CODE;
  t->len = (size_t)(to - from);
  t->text = la__arena_text(r->arena, from, t->len);
  t->text_at.column += (int)(from - p);
  return after;
}

/* False: it does not fit, and is a word, such as a long cookie may be. */
static bool scan_integer(const char *p, const char *q, int64_t *num) {
  bool minus = *p == '-';
  uint64_t value = 0, max = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
  for (const char *d = p + minus; d < q; d++) {
    unsigned digit = (unsigned)(*d - '0');
    if (value > (max - digit) / 10)
      return false;
    value = value * 10 + digit;
  }
  *num = minus ? (int64_t)(0 - value) : (int64_t)value;
  return true;
}

/* A word or a number: the longest that can be read, as packetdrill has it (0a0b is a word, 12.5 one number). */
static const char *scan_word(struct reader *r, const char *p, const char *end, struct token *t) {
  const char *q = p + (*p == '-');
  bool digits = true, hex = end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
  for (; q < end && (*p == '-' ? is_digit(*q) : is_word(*q)); q++) {
    digits = digits && is_digit(*q);
    hex = hex && (q < p + 2 || is_hex(*q));
  }
  if (digits && q + 1 < end && *q == '.' && is_digit(q[1])) {
    for (q++; q < end && is_digit(*q); q++)
      ;
    t->kind = TOKEN_DECIMAL;
  } else if (digits)
    t->kind = scan_integer(p, q, &t->num) ? TOKEN_INTEGER : TOKEN_WORD;
  else if (hex && q > p + 2 && q <= p + 18) {
    uint64_t value = 0;
    for (const char *d = p + 2; d < q; d++)
      value = value << 4 | hex_value(*d);
    t->kind = TOKEN_HEX;
    t->num = (int64_t)value;
  } else
    t->kind = TOKEN_WORD;
  t->len = (size_t)(q - p);
  t->text = la__arena_text(r->arena, p, t->len);
  return q;
}

static const char *scan_option(struct reader *r, const char *p, const char *end, struct token *t) {
  const char *from = p + (p[1] == '-' ? 2 : 1), *q = from;
  while (q < end && is_word(*q))
    q++;
  t->kind = TOKEN_OPTION;
  t->len = (size_t)(q - from);
  t->text = la__arena_text(r->arena, from, t->len);
  if (q == from)
    la__lex_fail(r, t->at, "expected the name of an option after --");
  return q;
}

/* Reads the token at p < end into *t, of which the place is set; gives the first byte after it. */
static const char *scan(struct reader *r, const char *p, const char *end, struct token *t) {
  char c = *p, after = p + 1 < end ? p[1] : 0, third = p + 2 < end ? p[2] : 0;
  t->text_at = t->at;
  if (is_word(c) || (c == '.' && is_digit(after)) || (c == '-' && (is_digit(after) || (after == '.' && is_digit(third)))))
    return scan_word(r, p, end, t);
  if (c == '-' && (after == '-' || is_letter(after)))
    return scan_option(r, p, end, t);
  if (c == '"')
    return scan_string(r, p, end, t);
  if (c == '`')
    return scan_command(r, p, end, t);
  if (c == '%' && after == '{')
    return scan_code(r, p, end, t);
  if (c == '.' && after == '.' && third == '.') {
    t->kind = TOKEN_ELLIPSIS;
    return p + 3;
  }
  if (!c || !strchr("<>()[]{},:=|+*~.-", c)) {
    if (c > 32 && c < 127)
      la__lex_fail(r, t->at, "the character '%c' has no meaning here", c);
    else
      la__lex_fail(r, t->at, "the byte 0x%02x has no meaning here", (unsigned char)c);
    return end;
  }
  t->kind = TOKEN_MARK;
  t->mark = c;
  return p + 1;
}

/* A word that is defined becomes what its value is. */
static void substitute(struct reader *r) {
  struct token *t = &r->tok;
  const struct drill_define *d = la__lex_defined(r, t->text);
  if (!d)
    return;
  struct token v = {.at = t->at, .from = t->from, .to = t->to, .after_blank = t->after_blank};
  const char *end = d->value + strlen(d->value);
  if (d->value == end || scan(r, d->value, end, &v) != end || v.kind == TOKEN_MARK || v.kind == TOKEN_OPTION || v.kind == TOKEN_CODE ||
      v.kind == TOKEN_ELLIPSIS)
    la__lex_fail(r, t->at, "'%.40s' is defined as '%.60s', which is not one number, word, string or command", d->name, d->value);
  else
    *t = v;
}

void la__lex_next(struct reader *r) {
  r->last = r->tok.to;
  const char *before = r->p;
  skip_blanks(r);
  r->tok = (struct token){.kind = TOKEN_END, .at = la__lex_place(r, r->p), .from = r->p, .to = r->p, .after_blank = r->p != before};
  if (r->p == r->end) {
    if (r->nconds && !r->failed)
      la__lex_fail(r, r->conds[r->nconds - 1].at, "this #if has no #endif");
    return;
  }
  const char *to = scan(r, r->p, r->end, &r->tok);
  if (r->failed) {
    r->tok.kind = TOKEN_END;
    return;
  }
  for (const char *q = r->p; q < to; q++)
    if (*q == '\n')
      new_line(r, q + 1);
  r->p = r->tok.to = to;
  if (r->tok.kind == TOKEN_WORD)
    substitute(r);
}

void la__lex_start(struct reader *r, const char *text, size_t len) {
  r->p = r->bol = r->last = text;
  r->end = text + len;
  r->line = 1;
  r->tok.to = text;
  la__lex_next(r);
}
