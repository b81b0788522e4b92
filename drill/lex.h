/* SPDX-License-Identifier: MIT */
/*
 * The words of a script, one at a time: r->tok is the one to look at, la__lex_next takes it. The first failure is kept and everything
 * after it looks like the end of the file, so that a parser needs no way out of its own: its loops go on only while they see what
 * they expect.
 *
 * A word for which --define or #define has a value is read as that value. Lines that begin with # are directives (#ifdef, #ifndef, #if,
 * #elif, #else, #endif, #define, #undef) or, with a blank or nothing after the #, comments.
 */
#ifndef LA_DRILL_LEX_H
#define LA_DRILL_LEX_H

#include "drill/arena.h"
#include "drill/script.h"

enum token_kind {
  TOKEN_END,
  TOKEN_INTEGER,  /* 12, -1: num */
  TOKEN_HEX,      /* 0x1f: num */
  TOKEN_DECIMAL,  /* 1.5, .5 */
  TOKEN_WORD,     /* letters, digits, _ */
  TOKEN_STRING,   /* text, len: without quotes and escapes */
  TOKEN_COMMAND,  /* text: what the back quotes enclose */
  TOKEN_CODE,     /* text: what %{ }% encloses, without blanks around it */
  TOKEN_OPTION,   /* text: the name after -- or - */
  TOKEN_ELLIPSIS, /* ... */
  TOKEN_MARK      /* mark */
};
struct token {
  enum token_kind kind;
  char mark;
  bool after_blank;
  struct place at, text_at;
  const char *from, *to; /* in the file */
  const char *text;      /* as written, where not said otherwise above */
  size_t len;
  int64_t num;
};

enum { COND_MAX = 16, NEST_MAX = 64 };
struct condition {
  struct place at;
  bool outer, now, taken, last; /* is the outside active, is this branch, has a branch been; has #else been seen */
};

struct reader {
  struct script *s;
  struct arena *arena;
  struct script_error *err;
  bool failed, standard;
  const struct drill_define *given; /* the command line's: they win */
  struct drill_define *defines;
  const char *p, *end, *bol; /* next byte, end, beginning of the line */
  int line;
  struct token tok;
  const char *last; /* the end of the token before tok */
  unsigned nest;    /* of values */
  unsigned nconds;
  struct condition conds[COND_MAX];
};

void la__lex_start(struct reader *r, const char *text, size_t len);
void la__lex_next(struct reader *r);
bool la__lex_is(const struct reader *r, char mark);
bool la__lex_is_word(const struct reader *r, const char *word);
bool la__lex_take(struct reader *r, char mark);
bool la__lex_take_word(struct reader *r, const char *word);
bool la__lex_expect(struct reader *r, char mark, const char *where); /* where: "after the window", may be NULL */
/* The number that comes next, decimal or hexadecimal, from 0 to max; what: "a window". */
uint64_t la__lex_number(struct reader *r, uint64_t max, const char *what);

__attribute__((format(printf, 3, 4))) void la__lex_fail(struct reader *r, struct place at, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void la__lex_expected(struct reader *r, const char *fmt, ...); /* "expected …, found tok" */

/* After TOKEN_OPTION and while nothing has been read past it: what follows `=`, or NULL; quotes are kept. */
const char *la__lex_option_value(struct reader *r);
/* While tok is `(`: the text up to the `)` on the same line, and both are taken. */
const char *la__lex_note(struct reader *r);
/* From a place in the file to the end of the last token taken, as one line without comments. */
const char *la__lex_source(struct reader *r, const char *from);
void la__lex_define(struct reader *r, const char *name, const char *value);
const struct drill_define *la__lex_defined(const struct reader *r, const char *name);

/* directive.c: r->p is at the # that begins a line; takes the line and what it makes inactive. */
void la__lex_directive(struct reader *r);
struct place la__lex_place(const struct reader *r, const char *p); /* of a byte in the current line */

#endif
