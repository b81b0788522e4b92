/* SPDX-License-Identifier: MIT */
/*
 * A script is options, a command that prepares, events, a command that cleans up. The parser is a recursive descent with one token of
 * lookahead: an event's time is followed by < or > (a packet), a word or `...` (a call), back quotes or %{.
 */
#include <string.h>

#include "drill/parse.h"

enum { SIZE_LIMIT = 64 << 20 };

/* ---- options ---- */

static const char *unquoted(struct reader *r, const char *value) {
  size_t n = strlen(value);
  bool quoted = n >= 2 && value[0] == '"' && value[n - 1] == '"';
  return quoted ? la__arena_text(r->arena, value + 1, n - 2) : value;
}

static void set_family(struct reader *r, struct place at, const char *value) {
  static const char *const names[] = {"ipv4", "ipv6", "ipv4-mapped-ipv6"};
  for (int i = 0; i < 3; i++)
    if (value && !strcmp(value, names[i])) {
      r->s->family = (enum drill_family)i;
      return;
    }
  la__lex_fail(r, at, "expected ipv4, ipv6 or ipv4-mapped-ipv6 after --ip_version=, found '%.40s'", value ? value : "");
}

static void add_define(struct reader *r, struct place at, const char *value) {
  size_t n = value ? strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") : 0;
  if (!n || value[n] != '=' || !value[n + 1]) {
    la__lex_fail(r, at, "expected --define=NAME=VALUE, found '%.60s'", value ? value : "");
    return;
  }
  la__lex_define(r, la__arena_text(r->arena, value, n), value + n + 1);
}

static void options(struct reader *r) {
  struct drill_option **tail = &r->s->options;
  while (r->tok.kind == TOKEN_OPTION) {
    struct drill_option *o = la__arena_get(r->arena, sizeof *o);
    o->name = r->tok.text;
    o->at = r->tok.at;
    o->value = la__lex_option_value(r);
    if (o->value)
      o->value = unquoted(r, o->value);
    if (!strcmp(o->name, "define"))
      add_define(r, o->at, o->value);
    else if (!strcmp(o->name, "ip_version"))
      set_family(r, o->at, o->value);
    *tail = o;
    tail = &o->next;
    la__lex_next(r);
  }
}

/* ---- times ---- */

la_time la__parse_time(struct reader *r, const char *what) {
  if (r->tok.kind != TOKEN_INTEGER && r->tok.kind != TOKEN_DECIMAL) {
    la__lex_expected(r, "%s", what);
    return 0;
  }
  const char *p = r->tok.text;
  uint64_t seconds = 0, ns = 0, scale = (uint64_t)LA_SEC;
  if (*p == '-') {
    la__lex_expected(r, "%s that is not negative", what);
    return 0;
  }
  for (; *p && *p != '.'; p++) {
    seconds = seconds * 10 + (uint64_t)(*p - '0');
    if (seconds > 1000000000) {
      la__lex_expected(r, "%s of at most 1000000000 seconds", what);
      return 0;
    }
  }
  for (p += *p == '.'; *p; p++) {
    scale /= 10;
    if (!scale && *p != '0') {
      la__lex_expected(r, "%s in whole nanoseconds", what);
      return 0;
    }
    ns += scale * (uint64_t)(*p - '0');
  }
  la__lex_next(r);
  return (la_time)(seconds * (uint64_t)LA_SEC + ns);
}

static void event_time(struct reader *r, struct drill_event *e) {
  if (la__lex_take(r, '*')) {
    e->time_kind = DRILL_ANY_TIME;
    return;
  }
  bool plus = la__lex_take(r, '+');
  e->time_kind = plus ? DRILL_AFTER : DRILL_AT;
  e->time = la__parse_time(r, plus ? "a time after +" : "the time of an event (or the end of the file)");
  if (!la__lex_take(r, '~'))
    return;
  struct place at = r->tok.at;
  if (plus)
    la__lex_take(r, '+');
  e->time_kind = plus ? DRILL_AFTER_BETWEEN : DRILL_BETWEEN;
  e->time_end = la__parse_time(r, "the end of a range of time");
  if (!r->failed && e->time_end < e->time)
    la__lex_fail(r, at, "the range of time ends before it begins");
}

/* ---- events ---- */

static void action(struct reader *r, struct drill_event *e) {
  switch (r->tok.kind) {
  case TOKEN_COMMAND:
  case TOKEN_CODE:
    e->kind = r->tok.kind == TOKEN_CODE ? DRILL_CODE : DRILL_COMMAND;
    e->text = r->tok.text;
    e->text_at = r->tok.text_at;
    la__lex_next(r);
    return;
  case TOKEN_WORD:
  case TOKEN_ELLIPSIS:
    e->kind = DRILL_CALL;
    e->call = la__parse_call(r, e);
    return;
  default:
    if (la__lex_is(r, '<') || la__lex_is(r, '>')) {
      e->kind = DRILL_PACKET;
      e->packet = la__parse_packet(r);
    } else
      la__lex_expected(r, "a packet (< or >), a call, a command in back quotes or %%{ after the time");
  }
}

static struct drill_event *event(struct reader *r) {
  struct drill_event *e = la__arena_get(r->arena, sizeof *e);
  e->at = e->text_at = r->tok.at;
  e->text = "";
  event_time(r, e);
  action(r, e);
  bool open = e->time_kind != DRILL_AT && e->time_kind != DRILL_AFTER;
  if (!r->failed && open && (e->kind != DRILL_PACKET || e->packet->dir == DRILL_IN))
    la__lex_fail(r, e->at, "expected one instant: only a packet that is sent may have * or a range as its time");
  return e;
}

static void events(struct reader *r) {
  struct drill_event **tail = &r->s->events;
  if (r->tok.kind == TOKEN_END)
    la__lex_expected(r, "an event");
  while (!r->failed && r->tok.kind != TOKEN_END && r->tok.kind != TOKEN_COMMAND) {
    if (r->tok.kind == TOKEN_OPTION)
      la__lex_fail(r, r->tok.at, "expected the time of an event; options stand before the first command and event");
    *tail = event(r);
    tail = &(*tail)->next;
  }
}

static const char *command(struct reader *r, struct place *at) {
  if (r->tok.kind != TOKEN_COMMAND)
    return NULL;
  const char *text = r->tok.text;
  *at = r->tok.text_at;
  la__lex_next(r);
  return text;
}

static void script(struct reader *r) {
  options(r);
  r->s->init = command(r, &r->s->init_at);
  events(r);
  r->s->cleanup = command(r, &r->s->cleanup_at);
  if (!r->failed && r->tok.kind != TOKEN_END)
    la__lex_expected(r, "the end of the file after a command without a time");
}

/* ---- the whole ---- */

static void split_lines(struct script *s, const char *text, size_t len) {
  const char *end = text + len;
  size_t n = 0;
  for (const char *p = text; p < end; p++)
    n += *p == '\n';
  n += len && end[-1] != '\n';
  s->nlines = n;
  s->lines = la__arena_get(s->arena, (n + 1) * sizeof *s->lines);
  for (size_t i = 0; i < n; i++) {
    const char *nl = memchr(text, '\n', (size_t)(end - text)), *stop = nl ? nl : end;
    const char *next = nl ? nl + 1 : end;
    while (stop > text && stop[-1] == '\r')
      stop--;
    s->lines[i] = la__arena_text(s->arena, text, (size_t)(stop - text));
    text = next;
  }
}

struct script *la__script_parse(const char *file, const char *text, size_t len, enum drill_family family,
                                const struct drill_define *defines, bool standard, struct script_error *err) {
  struct arena *arena = la__arena_new();
  struct script *s = la__arena_get(arena, sizeof *s);
  struct reader r = {.s = s, .arena = arena, .err = err, .standard = standard, .given = defines};
  *err = (struct script_error){.at = {1, 1}};
  s->arena = arena;
  s->file = la__arena_text(arena, file, strlen(file));
  s->family = family;
  if (len > SIZE_LIMIT)
    la__lex_fail(&r, err->at, "the script has more than %d MiB", SIZE_LIMIT >> 20);
  else {
    split_lines(s, text, len);
    la__lex_start(&r, text, len);
    script(&r);
  }
  if (!r.failed)
    return s;
  la__arena_free(arena);
  return NULL;
}

void la__script_free(struct script *s) {
  if (s)
    la__arena_free(s->arena);
}
