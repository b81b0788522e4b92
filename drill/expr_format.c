/* SPDX-License-Identifier: MIT */
/* 'rtt=%d' % tcpi_rtt: the conversions of Python that C has as well, and %s and %r. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "drill/expr_value.h"

struct spec {
  char flags[8];
  int width, precision; /* -1: none */
  char conversion;
};

static const char *number(const char *p, int *value) {
  for (*value = 0; *p >= '0' && *p <= '9' && *value < 1000; p++)
    *value = *value * 10 + (*p - '0');
  return p;
}

static const char *read_spec(const char *p, struct spec *s) {
  size_t n = 0;
  for (; *p && strchr("-+ #0", *p); p++)
    if (n < sizeof s->flags - 1 && !memchr(s->flags, *p, n))
      s->flags[n++] = *p;
  s->flags[n] = 0;
  s->width = s->precision = -1;
  if (*p >= '1' && *p <= '9')
    p = number(p, &s->width);
  if (*p == '.')
    p = number(p + 1, &s->precision);
  s->conversion = *p;
  return p;
}

static const char *one(struct arena *a, const struct spec *s, const struct expr_value *v, const char **out) {
  char fmt[40], width[12] = "", precision[12] = "", c = s->conversion;
  if (s->width >= 0)
    snprintf(width, sizeof width, "%d", s->width);
  if (s->precision >= 0)
    snprintf(precision, sizeof precision, ".%d", s->precision);
  bool integer = strchr("diuxXo", c) != NULL, real = strchr("eEfFgG", c) != NULL;
  if (!c || (!integer && !real && c != 's' && c != 'r'))
    return la__expr_print(a, "%%%c is no conversion", c ? c : ' ');
  if ((integer || real) && (!la__expr_is_number(v) || (v->type == EXPR_REAL && strchr("xXo", c))))
    return la__expr_print(a, "%%%c of %s", c, la__expr_type_name(v));
  if (integer) {
    struct expr_value num;
    const char *why = la__expr_call(a, "int", v, 1, &num);
    if (why)
      return why;
    bool decimal = strchr("diu", c) != NULL, negative = num.num < 0;
    if (!decimal && negative)
      return la__expr_print(a, "%%%c of a negative number", c);
    snprintf(fmt, sizeof fmt, "%%%s%s%s%s", s->flags, width, precision, decimal ? PRId64 : c == 'x' ? PRIx64 : c == 'X' ? PRIX64 : PRIo64);
    *out = la__expr_print(a, fmt, num.num);
  } else if (real) {
    snprintf(fmt, sizeof fmt, "%%%s%s%s%c", s->flags, width, precision, c);
    *out = la__expr_print(a, fmt, v->type == EXPR_REAL ? v->real : (double)v->num);
  } else {
    snprintf(fmt, sizeof fmt, "%%%s%s%ss", strchr(s->flags, '-') ? "-" : "", width, precision);
    *out = la__expr_print(a, fmt, la__expr_text(a, v, c == 'r'));
  }
  return NULL;
}

const char *la__expr_format(struct arena *a, const char *format, const struct expr_value *v, struct expr_value *out) {
  bool many = v->type == EXPR_LIST && v->tuple;
  const struct expr_value *args = many ? v->list : v;
  size_t n = many ? v->n : 1, used = 0;
  const char *text = "";
  for (const char *p = format; *p;) {
    size_t plain = strcspn(p, "%");
    text = la__expr_print(a, "%s%.*s", text, (int)plain, p);
    p += plain;
    if (!*p)
      break;
    if (p[1] == '%') {
      text = la__expr_print(a, "%s%%", text);
      p += 2;
      continue;
    }
    struct spec s;
    const char *part = "";
    p = read_spec(p + 1, &s);
    if (used == n && s.conversion)
      return "more conversions than values";
    const char *why = one(a, &s, s.conversion ? &args[used++] : v, &part);
    if (why)
      return why;
    text = la__expr_print(a, "%s%s", text, part);
    p++;
  }
  if (used != n)
    return "more values than conversions";
  *out = (struct expr_value){.type = EXPR_TEXT, .text = text};
  return NULL;
}
