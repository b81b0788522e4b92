/* SPDX-License-Identifier: MIT */
/*
 * Requests: one flat JSON object a line, or an HTTP request's first line. Whatever comes is looked at once, from front to back, and what is
 * not understood is refused: names that we do not know may ask for what we do not do.
 */
#include "host/monitor.h"

#include <string.h>

struct cursor {
  const char *at, *end;
};

static void space(struct cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r'))
    c->at++;
}
static bool eat(struct cursor *c, char what) {
  space(c);
  if (c->at == c->end || *c->at != what)
    return false;
  c->at++;
  return true;
}

/* A string without escapes: no name or value of ours needs one. */
static bool string(struct cursor *c, char *out, size_t cap) {
  size_t n = 0;
  if (!eat(c, '"'))
    return false;
  for (; c->at < c->end && *c->at != '"'; c->at++) {
    if (*c->at == '\\' || (unsigned char)*c->at < ' ' || n + 1 >= cap)
      return false;
    out[n++] = *c->at;
  }
  out[n] = 0;
  return eat(c, '"');
}

static bool number(struct cursor *c, uint32_t *out) {
  uint64_t v = 0;
  space(c);
  const char *from = c->at;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9' && v <= UINT32_MAX; c->at++)
    v = v * 10 + (uint64_t)(*c->at - '0');
  *out = (uint32_t)v;
  return c->at > from && v <= UINT32_MAX && (*from != '0' || c->at == from + 1);
}

static const char *member(struct cursor *c, struct ask *a, uint32_t *version, bool *any) {
  static const char *const whats[] = {[ASK_HELLO] = "hello", [ASK_RECORDS] = "records", [ASK_STATS] = "stats"};
  char name[16], value[16];
  if (!string(c, name, sizeof name) || !eat(c, ':'))
    return "not a JSON object of known names";
  if (strcmp(name, "get") == 0) {
    if (!string(c, value, sizeof value))
      return "get: not a known word";
    for (unsigned i = 0; i < sizeof whats / sizeof whats[0]; i++)
      if (strcmp(value, whats[i]) == 0) {
        a->what = (enum ask_what)i;
        *any = true;
        return NULL;
      }
    return "get: hello, records or stats";
  }
  uint32_t *to = strcmp(name, "v") == 0 ? version : strcmp(name, "id") == 0 ? &a->id : strcmp(name, "stack") == 0 ? &a->stack : NULL;
  if (!to)
    return "a name that is not known: v, get, id, stack";
  return number(c, to) ? NULL : "not a whole number";
}

static const char *object(struct cursor *c, struct ask *a) {
  uint32_t version = 0;
  bool any = false;
  if (!eat(c, '{'))
    return "not a JSON object";
  do {
    const char *bad = member(c, a, &version, &any);
    if (bad)
      return bad;
  } while (eat(c, ','));
  if (!eat(c, '}'))
    return "not a JSON object";
  space(c);
  if (c->at != c->end)
    return "something follows the JSON object";
  if (version != MONITOR_VERSION)
    return "v: only version 1 is spoken here";
  return any ? NULL : "get is missing";
}

static const char *http(const char *line, size_t n, struct ask *a) {
  static const char get[] = "GET /metrics";
  size_t m = sizeof get - 1;
  a->what = n > m && memcmp(line, get, m) == 0 && (line[m] == ' ' || line[m] == '?') ? ASK_METRICS : ASK_HTTP_OTHER;
  return NULL;
}

static bool is_http(const char *line, size_t n) {
  for (size_t i = 0; i + 6 <= n; i++)
    if (memcmp(line + i, " HTTP/", 6) == 0)
      return line[0] >= 'A' && line[0] <= 'Z';
  return false;
}

const char *la__monitor_ask(const char *line, size_t n, struct ask *out) {
  struct cursor c = {line, line + n};
  *out = (struct ask){.stack = UINT32_MAX};
  return is_http(line, n) ? http(line, n, out) : object(&c, out);
}
