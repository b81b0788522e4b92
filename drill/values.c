/* SPDX-License-Identifier: MIT */
/* Values of a script as numbers. */
#include "drill/run.h"

#include <string.h>

static bool call_value(struct run *r, const struct value *v, int64_t *out) {
  if (v->n == 1 &&
      (strcmp(v->text, "htons") == 0 || strcmp(v->text, "ntohs") == 0 || strcmp(v->text, "htonl") == 0 || strcmp(v->text, "ntohl") == 0))
    return la__value_int(r, v->list[0], out); /* everything here is in the host's order */
  return la__drill_fail(r, v->at, "%s(…) is not a number here", v->text);
}

/* Names that packetdrill's own driver defines for each family. */
static bool of_family(const struct run *r, const char *name, int64_t *out) {
  bool four = r->script->family == DRILL_IP4;
  if (strcmp(name, "CMSG_LEVEL_IP") == 0)
    *out = four ? LA_SOL_IP : LA_SOL_IPV6;
  else if (strcmp(name, "CMSG_TYPE_RECVERR") == 0)
    *out = four ? LA_IP_RECVERR : LA_IPV6_RECVERR;
  else
    return false;
  return true;
}

bool la__value_int(struct run *r, const struct value *v, int64_t *out) {
  char text[200];
  switch (v->kind) {
  case VALUE_INTEGER:
    *out = v->num;
    return true;
  case VALUE_WORD:
    if (of_family(r, v->text, out))
      return true;
    return la__symbol(v->text, out) || la__drill_fail(r, v->at, "%s is not a name that is known here", v->text);
  case VALUE_OR:
    *out = 0;
    for (size_t i = 0; i < v->n; i++) {
      int64_t x;
      if (!la__value_int(r, v->list[i], &x))
        return false;
      *out |= x;
    }
    return true;
  case VALUE_CALL:
    return call_value(r, v, out);
  default:
    return la__drill_fail(r, v->at, "%s is not a number", la__value_text(v, text, sizeof text));
  }
}

const struct value *la__value_field(const struct value *v, const char *name) {
  if (v->kind != VALUE_STRUCT)
    return NULL;
  for (size_t i = 0; i < v->n; i++) {
    const struct value *x = v->list[i];
    if (x->kind == VALUE_CALL && strcmp(x->text, name) == 0 && x->n) /* msg_iov(2)=[…]: a call whose last element is the value */
      return x->list[x->n - 1];
    if (v->names && v->names[i] && strcmp(v->names[i], name) == 0)
      return x;
  }
  return NULL;
}
