/* SPDX-License-Identifier: MIT */
/*
 * Scenarios and their claims. A claim compares what happened with what TCP demands. It may presume conditions that the
 * user can change (no loss, the usual delay, an MSL longer than some gap): changed, it is skipped, never failed.
 */
#ifndef LA_SIM_CLAIM_H
#define LA_SIM_CLAIM_H

#include "sim/world.h"

struct claim {
  bool ok, skipped;
  char *text;
};
struct sim {
  struct sim_opts opt;
  const char *name;
  char prefix[96]; /* of the claims: the variant */
  struct claim *claim;
  size_t nclaims, claims_cap;
  struct world **world;
  size_t nworlds, worlds_cap;
};
struct scen {
  const char *name, *line;
  void (*run)(struct sim *s);
};
extern const struct scen la__scens[];
extern const size_t la__nscens;
const struct scen *la__scen_find(const char *name);

void la__sim_opts_init(struct sim_opts *o);
/* Runs a scenario and adds the laws' claims. Never NULL; to be freed. */
struct sim *la__sim_run(const struct scen *sc, const struct sim_opts *opt);
void la__sim_free(struct sim *s);
bool la__sim_ok(const struct sim *s);
/* A run of its own within the scenario; a heading that is not empty names it in its ladder and its claims. */
struct world *la__sim_world(struct sim *s, const char *heading, ...) __attribute__((format(printf, 2, 3)));

/* What a claim may presume. */
static inline bool la__calm(const struct sim *s) {
  return !s->opt.drop && !s->opt.failing;
} /* nothing lost that the scenario does not lose */
/* And the usual delay: for claims about this very path. */
static inline bool la__usual(const struct sim *s) {
  return la__calm(s) && s->opt.delay == SIM_DELAY && s->opt.offload != SIM_CUTS_AND_JOINS;
}
/* Nothing lost, and each answer, delayed ACKs included, is back before the least RTO of 1 s: nothing is sent again needlessly. */
static inline bool la__quick(const struct sim *s) { return la__calm(s) && 2 * s->opt.delay + 200 * LA_MS < LA_SEC; }
/* Besides, what is sent at one instant from both ends crosses on the way. */
static inline bool la__crossing(const struct sim *s) { return la__calm(s) && s->opt.delay > 0; }
/* No FIN comes again, or TIME-WAIT is long enough to answer it: releases end cleanly. */
static inline bool la__clean(const struct sim *s) {
  return la__quick(s) || (!s->opt.failing && 2 * s->opt.msl >= 10 * LA_SEC + 8 * s->opt.delay);
}

void la__claim(struct sim *s, bool presumed, bool holds, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
#define CLAIM(s, holds, ...) la__claim(s, true, holds, __VA_ARGS__)
#define CLAIM_CALM(s, holds, ...) la__claim(s, la__calm(s), holds, __VA_ARGS__)
#define CLAIM_USUAL(s, holds, ...) la__claim(s, la__usual(s), holds, __VA_ARGS__)
#define CLAIM_QUICK(s, holds, ...) la__claim(s, la__quick(s), holds, __VA_ARGS__)
#define CLAIM_CLEAN(s, holds, ...) la__claim(s, la__clean(s), holds, __VA_ARGS__)

/* An interval in seconds, for texts; static storage, good until the 8th next call. */
const char *la__secs(la_time d);

#endif
