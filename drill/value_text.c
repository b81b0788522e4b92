/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "drill/script.h"

struct out {
  char *buf;
  size_t cap, n; /* n: bytes wanted, which may be more than there is room for */
};

__attribute__((format(printf, 2, 3))) static void put(struct out *o, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(o->n < o->cap ? o->buf + o->n : NULL, o->n < o->cap ? o->cap - o->n : 0, fmt, ap);
  va_end(ap);
  o->n += n > 0 ? (size_t)n : 0;
}

static void put_string(struct out *o, const struct value *v) {
  put(o, "\"");
  for (size_t i = 0; i < v->len; i++) {
    unsigned char c = (unsigned char)v->text[i];
    if (c == '"' || c == '\\')
      put(o, "\\%c", c);
    else if (c == '\n')
      put(o, "\\n");
    else if (c < 32 || c == 127)
      put(o, "\\%03o", c);
    else
      put(o, "%c", c);
  }
  put(o, v->cut ? "\"..." : "\"");
}

static void put_value(struct out *o, const struct value *v);

/* `msg_iov(2)=…` says its name itself. */
static bool is_assigned_call(const struct value *v) { return v->kind == VALUE_CALL && v->n && v->names[v->n - 1]; }

static void put_list(struct out *o, const struct value *v, size_t n, const char *between, bool named) {
  for (size_t i = 0; i < n && o->n < o->cap; i++) {
    if (i)
      put(o, "%s", between);
    if (named && v->names && v->names[i] && !is_assigned_call(v->list[i]))
      put(o, "%s=", v->names[i]);
    put_value(o, v->list[i]);
  }
}

static void put_value(struct out *o, const struct value *v) {
  switch (v->kind) {
  case VALUE_ELLIPSIS:
    put(o, "...");
    break;
  case VALUE_INTEGER:
    if (v->hex)
      put(o, "0x%" PRIx64, (uint64_t)v->num);
    else
      put(o, "%" PRId64, v->num);
    break;
  case VALUE_WORD:
    put(o, "%s", v->text);
    break;
  case VALUE_STRING:
    put_string(o, v);
    break;
  case VALUE_OR:
    put_list(o, v, v->n, "|", false);
    break;
  case VALUE_ASSIGN:
    put(o, "%s=", v->text);
    put_value(o, v->list[0]);
    break;
  case VALUE_ARRAY:
    put(o, "[");
    put_list(o, v, v->n, ", ", false);
    put(o, "]");
    break;
  case VALUE_STRUCT:
    put(o, "{");
    put_list(o, v, v->n, ", ", true);
    put(o, "}");
    break;
  case VALUE_CALL: {
    bool assigned = is_assigned_call(v);
    put(o, "%s(", v->text);
    put_list(o, v, v->n - assigned, ", ", false);
    put(o, assigned ? ")=" : ")");
    if (assigned)
      put_value(o, v->list[v->n - 1]);
  }
  }
}

char *la__value_text(const struct value *v, char *buf, size_t cap) {
  struct out o = {buf, cap, 0};
  buf[0] = 0;
  put_value(&o, v);
  return buf;
}
