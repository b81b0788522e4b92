/* SPDX-License-Identifier: MIT */
/* getsockopt and setsockopt. */
#include "drill/calls.h"

#include <string.h>

enum { FREEBSD_KEEPINIT = 128, FREEBSD_MAXUNACKTIME = 68, FREEBSD_FUNCTION_BLK = 8192 };

/* FreeBSD's IPPROTO_TCP options that are Linux's in other units. */
static void translate(struct call *c) {
  if (c->a != LA_SOL_TCP || (c->b != FREEBSD_KEEPINIT && c->b != FREEBSD_MAXUNACKTIME))
    return;
  c->b = LA_TCP_USER_TIMEOUT;
  c->arg = 1000; /* seconds to milliseconds */
}

static bool timeval_field(const struct value *v, size_t i, const char *name, const struct value **out) {
  const struct value *f = la__value_field(v, name);
  *out = f ? f : i < v->n && !(v->names && v->names[i]) ? v->list[i] : NULL;
  return *out != NULL;
}

static void push(struct call *c, const void *p, size_t n) {
  memcpy((char *)c->buf + c->n, p, n);
  c->n += n;
}

/* The bytes that the value stands for, into c->buf; c->n of them. */
static bool bytes_of(struct run *r, struct call *c, const struct value *v) {
  int64_t x, y;
  const struct value *a, *b;
  c->n = 0;
  if (v->kind == VALUE_STRING) {
    c->buf = la__drill_alloc(r, v->len + OPTVAL_MIN);
    bool bsd = c->a == LA_SOL_TCP && c->b == LA_TCP_CONGESTION && strcmp(v->text, "newreno") == 0; /* FreeBSD's name for it */
    push(c, bsd ? "reno" : v->text, bsd ? 4 : v->len);
    return true;
  }
  c->buf = la__drill_alloc(r, OPTVAL_MIN + (v->kind == VALUE_ARRAY ? v->n * sizeof(int) : 0));
  if (v->kind == VALUE_ARRAY) {
    for (size_t i = 0; i < v->n; i++) {
      if (!la__value_int(r, v->list[i], &x))
        return false;
      push(c, &(int32_t){(int32_t)(c->arg ? x * c->arg : x)}, sizeof(int32_t));
    }
    return true;
  }
  if (v->kind != VALUE_STRUCT)
    return la__drill_fail(r, v->at, "an option's value is [number], \"text\" or a structure");
  if ((timeval_field(v, 0, "onoff", &a) || timeval_field(v, 0, "l_onoff", &a)) &&
      (timeval_field(v, 1, "linger", &b) || timeval_field(v, 1, "l_linger", &b)) && la__value_int(r, a, &x) && la__value_int(r, b, &y) &&
      c->b == LA_SO_LINGER) {
    push(c, &(la_linger){(int)x, (int)y}, sizeof(la_linger));
    return true;
  }
  if (!r->failed && timeval_field(v, 0, "tv_sec", &a) && timeval_field(v, 1, "tv_usec", &b) && la__value_int(r, a, &x) &&
      la__value_int(r, b, &y)) {
    push(c, &(la_timeval){x, y}, sizeof(la_timeval));
    return true;
  }
  return la__drill_fail(r, v->at, "this structure is not one that an option takes");
}

static bool level_and_name(struct run *r, struct call *c) {
  if (!la__arg_fd(r, c, 0, &c->fd) || !la__arg_int(r, c, 1, &c->a) || !la__arg_int(r, c, 2, &c->b))
    return false;
  translate(c);
  return true;
}

/* FreeBSD's choice among its stacks, by {function_set_name="freebsd", pcbcnt=0}: here is one. */
static bool chooses_stack(const struct call *c) { return c->a == LA_SOL_TCP && c->b == FREEBSD_FUNCTION_BLK; }

static bool prep_setsockopt(struct run *r, struct call *c) {
  const struct value *v = call_arg(c, 3);
  int64_t len, null;
  if (!level_and_name(r, c) || !la__arg_int(r, c, 4, &len))
    return false;
  if (chooses_stack(c)) {
    const struct value *name = la__value_field(v, "function_set_name");
    if (name && name->kind == VALUE_STRING && strcmp(name->text, "freebsd") != 0)
      la__drill_note(r, "TCP_FUNCTION_BLK %s has no counterpart", name->text);
    return true;
  }
  if (v->kind == VALUE_INTEGER || v->kind == VALUE_WORD) {
    if (!la__value_int(r, v, &null) || (null && !la__drill_fail(r, v->at, "a value is written [number]; 0 is NULL")))
      return false;
    c->buf = NULL;
  } else if (!bytes_of(r, c, v)) {
    return false;
  }
  c->len = (uint32_t)len;
  if (c->buf && len > 0 && (size_t)len > c->n + OPTVAL_MIN - 8)
    return la__drill_fail(r, call_arg(c, 4)->at, "%lld bytes are more than the value has", (long long)len);
  return true;
}
static ptrdiff_t call_setsockopt(struct run *r, struct call *c) {
  if (chooses_stack(c))
    return 0;
  return la_posix_setsockopt(r->posix, c->fd, (int)c->a, (int)c->b, c->buf, c->len);
}

static bool prep_getsockopt(struct run *r, struct call *c) {
  const struct value *len = call_arg(c, 4);
  int64_t n = OPTVAL_MIN;
  if (!level_and_name(r, c))
    return false;
  if (len->kind == VALUE_ARRAY && len->n == 1)
    len = len->list[0];
  if (len->kind != VALUE_ELLIPSIS && (!la__value_int(r, len, &n) || n > 4096))
    return r->failed ? false : la__drill_fail(r, len->at, "%lld bytes are not the length of an option", (long long)n);
  c->len = (uint32_t)n;
  c->buf = la__drill_alloc(r, 4096 + OPTVAL_MIN);
  return true;
}
static ptrdiff_t call_getsockopt(struct run *r, struct call *c) {
  return la_posix_getsockopt(r->posix, c->fd, (int)c->a, (int)c->b, c->buf, &c->len);
}
/* {tcpi_state=TCP_ESTABLISHED, ...}: what it names. */
static bool same_info(struct run *r, const struct call *c, const struct value *v) {
  for (size_t i = 0; i < v->n; i++) {
    int64_t want, got;
    const char *name = v->names && v->names[i] ? v->names[i] : "";
    if (v->list[i]->kind == VALUE_ELLIPSIS)
      continue;
    if (!la__tcp_info_field(c->buf, name, &got))
      return la__drill_fail(r, v->list[i]->at, "TCP_INFO has no %s", *name ? name : "such field");
    if (!la__value_int(r, v->list[i], &want))
      return false;
    if (got != want)
      return la__drill_fail(r, v->list[i]->at, "%s: %lld expected, %lld came", name, (long long)want, (long long)got);
  }
  return true;
}

static bool done_getsockopt(struct run *r, struct call *c, ptrdiff_t result) {
  const struct value *v = call_arg(c, 3), *len = call_arg(c, 4);
  void *got = c->buf;
  int64_t want;
  if (result < 0)
    return true;
  if (len->kind == VALUE_ARRAY && len->n == 1)
    len = len->list[0];
  if (len->kind != VALUE_ELLIPSIS && la__value_int(r, len, &want) && (uint32_t)want != c->len)
    return la__drill_fail(r, c->c->at, "%s: a length of %lld expected, %u came", c->c->source, (long long)want, c->len);
  if (v->kind == VALUE_ELLIPSIS)
    return true;
  if (v->kind == VALUE_STRUCT && c->a == LA_SOL_TCP && c->b == LA_TCP_INFO)
    return same_info(r, c, v);
  if (!bytes_of(r, c, v))
    return false;
  if (v->kind == VALUE_STRING) /* a name comes in 16 bytes, with zeros behind */
    return (strncmp(got, c->buf, c->len) == 0) ||
           la__drill_fail(r, v->at, "%s: \"%.*s\" came", c->c->source, (int)strnlen(got, c->len), (char *)got);
  if (c->n <= c->len && memcmp(got, c->buf, c->n) == 0)
    return true;
  int32_t first;
  memcpy(&first, got, sizeof first);
  return la__drill_fail(r, v->at, "%s: %d came", c->c->source, first);
}

const struct callee la__calls_opt[] = {
  {"setsockopt", 5, 5, false, prep_setsockopt, call_setsockopt, NULL},
  {"getsockopt", 5, 5, false, prep_getsockopt, call_getsockopt, done_getsockopt},
  {NULL, 0, 0, false, NULL, NULL, NULL},
};
