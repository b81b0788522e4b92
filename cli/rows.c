/* SPDX-License-Identifier: MIT */
/* What stacks answered, as rows that can be sorted, filtered and shown. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"

uint64_t la__row_number(const struct row *r, const char *name) {
  json_int_t v = json_integer_value(json_object_get(r->o, name));
  return v > 0 ? (uint64_t)v : 0;
}
bool la__row_has(const struct row *r, const char *name) {
  const json_t *v = json_object_get(r->o, name);
  return v && !json_is_null(v);
}
const char *la__row_word(const struct row *r, const char *name) {
  const char *s = json_string_value(json_object_get(r->o, name));
  return s ? s : "";
}

static void end_of(const json_t *o, const char *name, la_addr *a, uint16_t *port) {
  const json_t *e = json_object_get(o, name);
  const char *addr = json_string_value(json_object_get(e, "addr"));
  *a = (la_addr){0};
  if (addr)
    la_addr_parse(addr, a);
  *port = (uint16_t)json_integer_value(json_object_get(e, "port"));
}

static bool one_of(const char *word, const char *const *list, unsigned n, unsigned *out) {
  for (unsigned i = 0; i < n; i++)
    if (strcmp(word, list[i]) == 0) {
      *out = i;
      return true;
    }
  return false;
}

/* false: not a record that we know. */
static bool row_of(struct row *r, json_t *o) {
  static const char *const kinds[] = {"connection", "half-open", "time-wait", "listener", "udp"};
  unsigned kind;
  r->o = o;
  if (!one_of(la__row_word(r, "kind"), kinds, ROW_KINDS, &kind))
    return false;
  r->kind = (enum row_kind)kind;
  for (unsigned st = 0; st < LA_STATES; st++)
    if (strcmp(la__row_word(r, "state"), la_state_name((enum la_state)st)) == 0)
      r->state = (enum la_state)st;
  r->stack = (unsigned)la__row_number(r, "stack");
  r->id = (uint32_t)la__row_number(r, "id");
  r->ended = json_is_true(json_object_get(o, "ended"));
  end_of(o, "local", &r->local, &r->lport);
  end_of(o, "remote", &r->remote, &r->rport);
  r->in_state_ms = la__row_number(r, "in_state_ms");
  r->age_ms = la__row_number(r, "age_ms");
  r->recv_q = kind == ROW_LISTENER ? la__row_number(r, "queued") : la__row_number(r, "unread");
  r->send_q = kind == ROW_LISTENER ? la__row_number(r, "backlog") : la__row_number(r, "unsent") + la__row_number(r, "unacked");
  r->bytes = la__row_number(r, "bytes_in") + la__row_number(r, "bytes_out");
  r->srtt_us = la__row_number(r, "srtt_us");
  r->retransmits = la__row_number(r, "retransmissions") + la__row_number(r, "syn_acks_again");
  if (r->id && r->stacks > 1)
    snprintf(r->name, sizeof r->name, "%u/%u", r->stack % 1000, r->id);
  else
    snprintf(r->name, sizeof r->name, r->id ? "%u" : "-", r->id);
  return true;
}

struct getting {
  struct rows *rows;
  json_t *hello;
};
static void take(void *ctx, json_t *o) {
  struct getting *g = ctx;
  struct rows *r = g->rows;
  if (json_object_get(o, "v"))
    g->hello = json_incref(o);
  struct row row = {.pid = (unsigned)json_integer_value(json_object_get(g->hello, "pid")),
                    .stacks = (unsigned)json_integer_value(json_object_get(g->hello, "stacks"))};
  if (!row_of(&row, o))
    return;
  if (r->n == r->cap) {
    size_t cap = r->cap ? 2 * r->cap : 256;
    struct row *more = realloc(r->v, cap * sizeof *more);
    if (!more)
      return;
    r->v = more;
    r->cap = cap;
  }
  json_object_set_new(o, "pid", json_integer(row.pid));
  json_object_set(o, "name", json_object_get(g->hello, "name"));
  json_incref(o);
  r->v[r->n++] = row;
}

void la__rows_get(struct rows *r, const struct sources *s, uint32_t id) {
  char request[64], err[ASK_ERR];
  *r = (struct rows){0};
  if (id)
    snprintf(request, sizeof request, "{\"v\":1,\"get\":\"records\",\"id\":%" PRIu32 "}\n", id);
  else
    snprintf(request, sizeof request, "{\"v\":1,\"get\":\"records\"}\n");
  for (size_t i = 0; i < s->n; i++) {
    struct getting g = {.rows = r};
    bool ok = la__ask(s->path[i], request, take, &g, err);
    r->processes += g.hello != NULL;
    json_decref(g.hello);
    if (!ok && err[0] && !r->bad) {
      r->bad = true;
      snprintf(r->err, sizeof r->err, "%s", err);
    }
  }
}

void la__rows_free(struct rows *r) {
  for (size_t i = 0; i < r->n; i++)
    json_decref(r->v[i].o);
  free(r->v);
}

char *la__span(uint64_t ms, char buf[SPAN_TEXT]) {
  uint64_t s = ms / 1000;
  if (ms < 1000)
    snprintf(buf, SPAN_TEXT, "%" PRIu64 "ms", ms);
  else if (s < 60)
    snprintf(buf, SPAN_TEXT, "%" PRIu64 ".%" PRIu64 "s", s, ms % 1000 / 100);
  else if (s < 3600)
    snprintf(buf, SPAN_TEXT, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
  else if (s < 86400)
    snprintf(buf, SPAN_TEXT, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
  else
    snprintf(buf, SPAN_TEXT, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
  return buf;
}

char *la__end_point(const la_addr *a, unsigned port, char buf[END_TEXT]) {
  char addr[LA_ADDR_TEXT], number[12] = "*";
  if (port)
    snprintf(number, sizeof number, "%u", port);
  snprintf(buf, END_TEXT, a->family == 6 ? "[%s]:%s" : "%s:%s", la_addr_text(a, addr), number);
  return buf;
}
