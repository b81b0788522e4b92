/* SPDX-License-Identifier: MIT */
#include "sim/claim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void la__sim_opts_init(struct sim_opts *o) { *o = (struct sim_opts){.seed = 1, .msl = SIM_MSL, .delay = SIM_DELAY}; }

static void add(struct sim *s, bool ok, bool skipped, const char *prefix, const char *fmt, va_list ap) {
  char text[512];
  int n = snprintf(text, sizeof text, "%s%s", prefix, *prefix ? ": " : "");
  vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
  s->claim = la__grow(s->claim, &s->claims_cap, s->nclaims, sizeof *s->claim);
  s->claim[s->nclaims++] = (struct claim){.ok = ok || skipped, .skipped = skipped, .text = strdup(text)};
}

void la__claim(struct sim *s, bool presumed, bool holds, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  add(s, holds, !presumed || s->opt.failing, s->prefix, fmt, ap);
  va_end(ap);
}

static void add_law(struct sim *s, bool ok, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  add(s, ok, false, "", fmt, ap);
  va_end(ap);
}

/* One claim a law over all the scenario's runs; a law that nothing was held against is not mentioned. */
static void laws(struct sim *s) {
  for (unsigned l = 0; l < LAWS; l++) {
    unsigned checked = 0;
    const struct world *bad = NULL;
    for (size_t i = 0; i < s->nworlds; i++) {
      checked += s->world[i]->laws.checked[l];
      if (!bad && s->world[i]->laws.broken[l])
        bad = s->world[i];
    }
    if (bad)
      add_law(s, false, "%s%s%s [%s]", bad->heading, *bad->heading ? ": " : "", la__law_text(l), bad->laws.first[l]);
    else if (checked)
      add_law(s, true, "%s", la__law_text(l));
  }
}

struct sim *la__sim_run(const struct scen *sc, const struct sim_opts *opt) {
  struct sim *s = calloc(1, sizeof *s);
  if (!s)
    abort();
  s->opt = *opt;
  s->name = sc->name;
  sc->run(s);
  for (size_t i = 0; i < s->nworlds; i++)
    la__world_end(s->world[i]);
  laws(s);
  return s;
}

void la__sim_free(struct sim *s) {
  if (!s)
    return;
  for (size_t i = 0; i < s->nworlds; i++)
    la__world_free(s->world[i]);
  for (size_t i = 0; i < s->nclaims; i++)
    free(s->claim[i].text);
  free(s->world);
  free(s->claim);
  free(s);
}

bool la__sim_ok(const struct sim *s) {
  for (size_t i = 0; i < s->nclaims; i++)
    if (!s->claim[i].ok)
      return false;
  return true;
}

struct world *la__sim_world(struct sim *s, const char *heading, ...) {
  va_list ap;
  va_start(ap, heading);
  vsnprintf(s->prefix, sizeof s->prefix, heading, ap);
  va_end(ap);
  s->world = la__grow(s->world, &s->worlds_cap, s->nworlds, sizeof(struct world *));
  struct world *w = s->world[s->nworlds++] = la__world_new(&s->opt, s->prefix);
  w->no = (unsigned)s->nworlds;
  return w;
}

const char *la__secs(la_time d) {
  static char ring[8][32];
  static unsigned turn;
  char *dst = ring[turn++ % 8];
  uint64_t us = d / LA_US;
  if (d == LA_NEVER)
    snprintf(dst, sizeof ring[0], "never");
  else if (us % 1000000 == 0)
    snprintf(dst, sizeof ring[0], "%" PRIu64 " s", us / 1000000);
  else
    snprintf(dst, sizeof ring[0], "%" PRIu64 ".%06" PRIu64 " s", us / 1000000, us % 1000000);
  return dst;
}

const struct scen *la__scen_find(const char *name) {
  for (size_t i = 0; i < la__nscens; i++)
    if (strcmp(la__scens[i].name, name) == 0)
      return &la__scens[i];
  return NULL;
}
