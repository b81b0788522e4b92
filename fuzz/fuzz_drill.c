/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of what reads scripts, with libFuzzer (`./dev fuzz SECONDS drill`): an input is a script. What is read is written again, value
 * by value, and must be read as the same; the code between %{ and }% runs with a host that knows every name of TCP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drill/expr.h"
#include "drill/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const char *text) {
  if (!holds) {
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
  }
}

static bool lookup(void *ctx, const char *name, int64_t *value) {
  (void)ctx;
  *value = (int64_t)strlen(name) - 9;
  return !strncmp(name, "tcpi_", 5) || !strncmp(name, "TCP", 3);
}

/* A text that was cut off for want of room cannot be read again. */
static void again(const struct value *v) {
  char text[4096], script[4200], second[4096];
  struct script_error err;
  la__value_text(v, text, sizeof text);
  if (strlen(text) == sizeof text - 1)
    return;
  snprintf(script, sizeof script, "0 f(%s) = 0", text);
  struct script *s = la__script_parse("again", script, strlen(script), DRILL_IP4, NULL, false, &err);
  must(s, err.text, text);
  must(s->events->call->n == 1, "several values", text);
  must(!strcmp(la__value_text(s->events->call->args[0], second, sizeof second), text), second, text);
  la__script_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct script_error err;
  struct script *s = la__script_parse("fuzz", (const char *)data, size, (enum drill_family)(size % 3), NULL, size & 1, &err);
  if (!s) {
    must(err.text[0] && err.at.line > 0 && err.at.column > 0, "no reason", err.text);
    return 0;
  }
  struct expr_vars *vars = la__expr_vars_new();
  const struct expr_host host = {lookup, NULL, NULL};
  for (const struct drill_event *e = s->events; e; e = e->next) {
    struct expr_failure f;
    if (e->kind == DRILL_CODE)
      must(la__expr_run(e->text, e->text_at, vars, &host, &f) == EXPR_HOLDS || f.text[0], "no reason", e->text);
    for (unsigned i = 0; e->call && i < e->call->n; i++)
      again(e->call->args[i]);
  }
  la__expr_vars_free(vars);
  la__script_free(s);
  return 0;
}
