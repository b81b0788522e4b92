/* SPDX-License-Identifier: MIT */
/* Arguments, results and calls. */
#include <string.h>

#include "drill/parse.h"

static struct value *new_value(struct reader *r, enum value_kind kind, struct place at) {
  struct value *v = la__arena_get(r->arena, sizeof *v);
  v->kind = kind;
  v->at = at;
  v->text = "";
  return v;
}

/* Lists grow by doubling; what is left behind goes with the arena. */
static void append(struct reader *r, struct value *v, struct value *element, const char *name) {
  if (!(v->n & (v->n - 1)) || !v->n) {
    size_t cap = v->n ? v->n * 2 : 1;
    struct value **list = la__arena_get(r->arena, cap * sizeof *list);
    const char **names = la__arena_get(r->arena, cap * sizeof *names);
    if (v->n) {
      memcpy(list, v->list, v->n * sizeof *list);
      memcpy(names, v->names, v->n * sizeof *names);
    }
    v->list = list;
    v->names = names;
  }
  v->list[v->n] = element;
  v->names[v->n++] = name;
}

static struct value *strings(struct reader *r) {
  struct value *v = new_value(r, VALUE_STRING, r->tok.at);
  char *text = la__arena_text(r->arena, r->tok.text, r->tok.len);
  size_t n = r->tok.len;
  for (la__lex_next(r); r->tok.kind == TOKEN_STRING; la__lex_next(r)) {
    char *both = la__arena_get(r->arena, n + r->tok.len + 1);
    memcpy(both, text, n);
    memcpy(both + n, r->tok.text, r->tok.len);
    text = both;
    n += r->tok.len;
  }
  v->text = text;
  v->len = n;
  if (r->tok.kind == TOKEN_ELLIPSIS) {
    v->cut = true;
    la__lex_next(r);
  }
  return v;
}

/* `name(…)` without the `=` that may follow. */
static struct value *call(struct reader *r, struct value *v) {
  v->kind = VALUE_CALL;
  la__lex_next(r);
  if (!la__lex_take(r, ')')) {
    do
      append(r, v, la__parse_value(r, false), NULL);
    while (la__lex_take(r, ','));
    la__lex_expect(r, ')', "or ',' in the arguments");
  }
  return v;
}

static struct value *word(struct reader *r, bool result, bool *named) {
  struct value *v = new_value(r, VALUE_WORD, r->tok.at);
  v->text = r->tok.text;
  la__lex_next(r);
  if (la__lex_is(r, '(') && !(result && r->tok.after_blank))
    call(r, v);
  else if (la__lex_is(r, '=')) {
    v->kind = VALUE_ASSIGN;
    if (result) {
      la__lex_expected(r, "an error's name or the next event after the result");
      return v;
    }
  }
  *named = la__lex_take(r, '=');
  if (*named)
    append(r, v, la__parse_value(r, false), v->text);
  return v;
}

static void list(struct reader *r, struct value *v, char close, const char *where) {
  la__lex_next(r);
  if (la__lex_take(r, close))
    return;
  do {
    struct value *e = la__parse_value(r, false);
    if (e->kind == VALUE_WORD && !strcmp(e->text, "flags") && !la__lex_is(r, ',') && !la__lex_is(r, close)) {
      la__lex_fail(r, e->at, "not supported: gre encapsulation");
      return;
    }
    const char *name = NULL;
    if (v->kind == VALUE_STRUCT && e->kind == VALUE_ASSIGN && e->n) {
      name = e->text;
      e = e->list[0];
    } else if (v->kind == VALUE_STRUCT && e->kind == VALUE_CALL && e->n && e->names[e->n - 1])
      name = e->text;
    append(r, v, e, name);
  } while (la__lex_take(r, ','));
  la__lex_expect(r, close, where);
}

static struct value *primary(struct reader *r, bool result, bool *named) {
  struct value *v;
  switch (r->tok.kind) {
  case TOKEN_INTEGER:
  case TOKEN_HEX:
    v = new_value(r, VALUE_INTEGER, r->tok.at);
    v->num = r->tok.num;
    v->hex = r->tok.kind == TOKEN_HEX;
    la__lex_next(r);
    return v;
  case TOKEN_ELLIPSIS:
    v = new_value(r, VALUE_ELLIPSIS, r->tok.at);
    la__lex_next(r);
    return v;
  case TOKEN_STRING:
    return strings(r);
  case TOKEN_WORD:
    return word(r, result, named);
  default:
    break;
  }
  if (la__lex_is(r, '[')) {
    v = new_value(r, VALUE_ARRAY, r->tok.at);
    list(r, v, ']', "or ',' in the array");
  } else if (la__lex_is(r, '{')) {
    v = new_value(r, VALUE_STRUCT, r->tok.at);
    list(r, v, '}', "or ',' in the structure");
  } else {
    v = new_value(r, VALUE_ELLIPSIS, r->tok.at);
    if (la__lex_is(r, '('))
      la__lex_fail(r, r->tok.at, "not supported: mpls encapsulation");
    else
      la__lex_expected(r, "a value");
  }
  return v;
}

struct value *la__parse_value(struct reader *r, bool result) {
  if (r->nest == NEST_MAX) {
    la__lex_fail(r, r->tok.at, "values are nested more than %d deep", NEST_MAX);
    return new_value(r, VALUE_ELLIPSIS, r->tok.at);
  }
  r->nest++;
  bool named = false;
  struct value *v = primary(r, result, &named);
  if (!named && la__lex_is(r, '|')) {
    struct value *either = new_value(r, VALUE_OR, v->at);
    append(r, either, v, NULL);
    while (la__lex_take(r, '|'))
      append(r, either, primary(r, result, &named), NULL);
    v = either;
  }
  r->nest--;
  return v;
}

static void call_end(struct reader *r, struct drill_call *c, const struct drill_event *e) {
  struct place at = r->tok.at;
  la__lex_next(r);
  bool plus = la__lex_take(r, '+');
  c->blocking = true;
  c->end = la__parse_time(r, "the time at which the call returns");
  c->end_relative = plus || e->time_kind == DRILL_AFTER;
  if (r->failed)
    return;
  if (e->time_kind != DRILL_AT && e->time_kind != DRILL_AFTER)
    la__lex_fail(r, at, "expected a call without an end: its beginning is no instant");
  else if (!plus && c->end < e->time)
    la__lex_fail(r, at, "the call returns before it begins");
  else if (!plus && c->end_relative)
    c->end -= e->time; /* as written, both count from the event before */
}

struct drill_call *la__parse_call(struct reader *r, const struct drill_event *e) {
  struct drill_call *c = la__arena_get(r->arena, sizeof *c);
  const char *from = r->tok.from;
  c->at = r->tok.at;
  c->name = c->source = "";
  if (r->tok.kind == TOKEN_ELLIPSIS) {
    call_end(r, c, e);
    from = r->tok.from;
    c->at = r->tok.at;
  }
  if (r->tok.kind != TOKEN_WORD) {
    la__lex_expected(r, "the name of a call");
    return c;
  }
  struct value *v = new_value(r, VALUE_CALL, c->at);
  v->text = c->name = r->tok.text;
  la__lex_next(r);
  if (!la__lex_is(r, '(')) {
    la__lex_expected(r, "'(' after the call's name '%.40s'", c->name);
    return c;
  }
  call(r, v);
  c->n = (unsigned)v->n;
  c->args = v->list;
  la__lex_expect(r, '=', "and the call's result");
  c->result = la__parse_value(r, true);
  if (r->tok.kind == TOKEN_WORD && *r->tok.text == 'E') {
    c->err = r->tok.text;
    la__lex_next(r);
  }
  if (la__lex_is(r, '('))
    c->note = la__lex_note(r);
  c->source = la__lex_source(r, from);
  return c;
}
