/* SPDX-License-Identifier: MIT */
/*
 * A case is a scenario, an address family, the number of an allocation, and whether later ones fail too. Cases are dealt out to processes,
 * so that one that is stopped by the stack (or by a sanitizer) is a failure like any other; what they find lies in memory that they share.
 */
#include "sim/oom.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind_of { KIND_TOLD, KIND_DROP, KIND_DOWN, KIND_UNSEEN, KINDS };
enum { JOBS = 64, FAILURES = 100, LIMIT = 120 };
static const char *const kinds[KINDS] = {
  [KIND_TOLD] = "told",
  [KIND_DROP] = "dropped",
  [KIND_DOWN] = "no stack",
  [KIND_UNSEEN] = "did without",
};

/* A scenario over one family: how it is when all is given. */
struct unit {
  const struct scen *sc;
  bool ipv6, bad;
  struct failing usual;
  uint64_t first; /* the number of its first case */
};
struct found {
  uint64_t at; /* the case */
  char text[300];
};
/* What one process has done. */
struct work {
  uint64_t next; /* the case that it is at */
  bool done;
  unsigned nfound;
  struct found found[FAILURES];
  struct {
    uint32_t tried, failed, kind[KINDS];
  } of[];
};

struct oom {
  const struct oom_ask *ask;
  struct unit *unit;
  size_t n;
  uint64_t cases;
  struct work *work[JOBS];
};

static struct sim *run(const struct oom *o, const struct unit *u, struct failing *f) {
  struct sim_opts opt = o->ask->opt;
  opt.ipv6 = u->ipv6;
  opt.failing = f;
  return la__sim_run(u->sc, &opt);
}
static const char *first_failed(const struct sim *s) {
  for (size_t i = 0; i < s->nclaims; i++)
    if (!s->claim[i].ok)
      return s->claim[i].text;
  return NULL;
}

/* Case i: the unit, the allocation, and whether all later ones fail. */
static size_t unit_of(const struct oom *o, uint64_t i) {
  size_t lo = 0, hi = o->n;
  while (hi - lo > 1) {
    size_t mid = (lo + hi) / 2;
    *(o->unit[mid].first <= i ? &lo : &hi) = mid;
  }
  return lo;
}
static struct failing failing_of(const struct unit *u, uint64_t i) {
  uint64_t k = i - u->first;
  return (struct failing){.at = (uint32_t)(k / 2) + 1, .ever = k & 1};
}

static enum kind_of kind_of(const struct failing *f, const struct failing *usual) {
  if (f->down > usual->down)
    return KIND_DOWN;
  if (f->told > usual->told)
    return KIND_TOLD;
  return f->drops > usual->drops ? KIND_DROP : KIND_UNSEEN;
}

static void write_down(struct work *w, size_t unit, uint64_t i, const char *text) {
  w->of[unit].failed++;
  if (w->nfound == FAILURES)
    return;
  struct found *f = &w->found[w->nfound++];
  f->at = i;
  snprintf(f->text, sizeof f->text, "%s", text);
}

static void labour(const struct oom *o, struct work *w) {
  unsigned jobs = o->ask->jobs, slice = o->ask->slice;
  struct itimerval t = {.it_value = {.tv_sec = LIMIT}};
  for (; w->next < o->cases; w->next += (uint64_t)jobs * slice) {
    size_t k = unit_of(o, w->next);
    struct failing f = failing_of(&o->unit[k], w->next);
    setitimer(ITIMER_VIRTUAL, &t, NULL); /* a run that goes round in circles is stopped */
    struct sim *s = run(o, &o->unit[k], &f);
    const char *bad = f.hit ? first_failed(s) : "that allocation was not asked for";
    if (bad)
      write_down(w, k, w->next, bad);
    w->of[k].tried++;
    w->of[k].kind[kind_of(&f, &o->unit[k].usual)]++;
    la__sim_free(s);
  }
  w->done = true;
  _exit(0);
}

static pid_t start(const struct oom *o, struct work *w) {
  pid_t pid = fork();
  if (pid == 0)
    labour(o, w);
  return pid;
}

/* Until it is done; a case that stops the program counts as failed, and another process goes on behind it. */
static void follow(const struct oom *o, struct work *w, pid_t pid) {
  int status;
  while (pid > 0 && waitpid(pid, &status, 0) == pid && !w->done) {
    char text[80];
    if (WIFSIGNALED(status))
      snprintf(text, sizeof text, "the program was stopped by signal %d", WTERMSIG(status));
    else
      snprintf(text, sizeof text, "the program ended with status %d", WEXITSTATUS(status));
    size_t k = unit_of(o, w->next);
    w->of[k].tried++;
    write_down(w, k, w->next, text);
    w->next += (uint64_t)o->ask->jobs * o->ask->slice;
    pid = start(o, w);
  }
}

static void *shared(size_t n) {
  void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    abort();
  return p;
}

/* How many allocations each makes when none fails. false: one does not hold even then. */
static bool count(FILE *out, struct oom *o) {
  bool ok = true;
  for (size_t i = 0; i < o->n; i++) {
    struct unit *u = &o->unit[i];
    struct sim *s = run(o, u, &u->usual);
    const char *bad = first_failed(s);
    if (bad)
      fprintf(out, "%s%s: fails with memory enough: %s\n", u->sc->name, u->ipv6 ? " --ipv6" : "", bad);
    ok &= !bad;
    u->first = o->cases;
    o->cases += 2 * u->usual.calls;
    la__sim_free(s);
  }
  return ok;
}

static uint64_t failures(FILE *out, const struct oom *o) {
  uint64_t failed = 0;
  for (unsigned j = 0; j < o->ask->jobs; j++)
    for (unsigned i = 0; i < o->work[j]->nfound; i++) {
      const struct found *x = &o->work[j]->found[i];
      const struct unit *u = &o->unit[unit_of(o, x->at)];
      struct failing f = failing_of(u, x->at);
      if (failed++ < FAILURES)
        fprintf(out, "%s FAILED: %s\n  again: lastack sim --fail-alloc %u%s%s %s\n", u->sc->name, x->text, f.at, f.ever ? " --from" : "",
                u->ipv6 ? " --ipv6" : "", u->sc->name);
    }
  return failed;
}

static bool report(FILE *out, const struct oom *o) {
  uint64_t all[KINDS] = {0}, tried = 0, asked = 0, failed = 0;
  fprintf(out, "%-22s %-4s %11s %7s", "scenario", "IP", "allocations", "tried");
  for (unsigned k = 0; k < KINDS; k++)
    fprintf(out, " %11s", kinds[k]);
  fprintf(out, " %7s\n", "failed");
  for (size_t i = 0; i < o->n; i++) {
    uint64_t kind[KINDS] = {0}, n = 0, bad = 0;
    for (unsigned j = 0; j < o->ask->jobs; j++) {
      n += o->work[j]->of[i].tried;
      bad += o->work[j]->of[i].failed;
      for (unsigned k = 0; k < KINDS; k++)
        kind[k] += o->work[j]->of[i].kind[k];
    }
    fprintf(out, "%-22s %-4s %11" PRIu64 " %7" PRIu64, o->unit[i].sc->name, o->unit[i].ipv6 ? "v6" : "v4", o->unit[i].usual.calls, n);
    for (unsigned k = 0; k < KINDS; k++) {
      fprintf(out, " %11" PRIu64, kind[k]);
      all[k] += kind[k];
    }
    fprintf(out, " %7" PRIu64 "\n", bad);
    tried += n;
    failed += bad;
    asked += o->unit[i].usual.calls;
  }
  failures(out, o);
  fprintf(out, "%zu scenarios, %" PRIu64 " allocations, %" PRIu64 " cases:", o->n, asked, tried);
  for (unsigned k = 0; k < KINDS; k++)
    fprintf(out, "%s %" PRIu64 " %s", k ? "," : "", all[k], kinds[k]);
  fprintf(out, "; %" PRIu64 " failed\n", failed);
  return failed == 0 && tried;
}

bool la__oom(FILE *out, const struct oom_ask *ask) {
  struct oom_ask a = *ask;
  struct oom o = {.ask = &a};
  pid_t pid[JOBS];
  size_t scens = a.scens ? a.n : la__nscens;
  a.jobs = a.jobs && a.jobs <= JOBS ? a.jobs : 1;
  a.slice = a.slice ? a.slice : 1;
  o.unit = calloc(2 * scens, sizeof *o.unit);
  if (!o.unit)
    abort();
  for (size_t i = 0; i < scens; i++)
    for (unsigned six = a.opt.ipv6; six < 2; six++)
      o.unit[o.n++] = (struct unit){.sc = a.scens ? a.scens[i] : &la__scens[i], .ipv6 = six};
  bool ok = count(out, &o);
  fflush(out);
  size_t bytes = sizeof(struct work) + o.n * sizeof o.work[0]->of[0];
  for (unsigned j = 0; j < a.jobs; j++) {
    o.work[j] = shared(bytes);
    o.work[j]->next = (uint64_t)j * a.slice;
    pid[j] = start(&o, o.work[j]);
    ok &= pid[j] > 0;
  }
  for (unsigned j = 0; j < a.jobs; j++)
    follow(&o, o.work[j], pid[j]);
  ok &= report(out, &o);
  for (unsigned j = 0; j < a.jobs; j++)
    munmap(o.work[j], bytes);
  free(o.unit);
  return ok;
}
