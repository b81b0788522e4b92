/* SPDX-License-Identifier: MIT */
/* Many worlds, in several processes; what failed is said with the command that runs it again. */
#include "sim/swarm.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a process says of each world that failed, and at its end. */
struct report {
  uint64_t seed; /* UINT64_MAX: the figures follow */
  uint32_t law;
  char words[240];
};
struct tally {
  uint64_t digest;
  struct sw_figures fig;
  uint32_t segments[65536], ends[4096]; /* how many worlds had so many: for the medians */
};

static volatile uint64_t at_work; /* the seed, for the handler */
static int told_to = -1;
static struct tally mine;

static bool put(int fd, const void *p, size_t n) {
  for (const char *at = p; n;) {
    ssize_t k = write(fd, at, n);
    if (k <= 0)
      return false;
    at += k;
    n -= (size_t)k;
  }
  return true;
}

/* The stack stopped the program: what is known so far is told, and another process goes on behind this world. */
static void trapped(int sig) {
  struct report r = {.seed = at_work, .law = SW_TRAP}, last = {.seed = UINT64_MAX, .law = SW_TRAP};
  static const char digits[] = "0123456789";
  memcpy(r.words, "signal ..", 10);
  r.words[7] = digits[sig / 10 % 10];
  r.words[8] = digits[sig % 10];
  mine.fig.worlds++;
  mine.fig.failed++;
  if (told_to >= 0 && put(told_to, &r, sizeof r) && put(told_to, &last, sizeof last))
    put(told_to, &mine, sizeof mine);
  _exit(98);
}
static void catch_traps(void) {
  static const int sigs[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGVTALRM};
  for (unsigned i = 0; i < sizeof sigs / sizeof *sigs; i++)
    signal(sigs[i], trapped);
}

/* A world that takes half a minute of this process's own time goes round in circles. */
static void limit_world(void) {
  struct itimerval t = {.it_value = {.tv_sec = 30}};
  setitimer(ITIMER_VIRTUAL, &t, NULL);
}

static bool get(int fd, void *p, size_t n) {
  for (char *at = p; n;) {
    ssize_t k = read(fd, at, n);
    if (k <= 0)
      return false;
    at += k;
    n -= (size_t)k;
  }
  return true;
}

/* The worlds from `first` on, every step-th; a child's whole life. */
static void labour(const struct sw_ask *ask, uint64_t from, int fd) {
  static struct sw_plan plan;
  struct sw_world *w = la__sw_new();
  if (!w)
    _exit(97);
  told_to = fd;
  catch_traps();
  for (uint64_t i = from; i < ask->worlds; i += ask->jobs) {
    at_work = ask->first + i;
    limit_world();
    la__sw_draw(&plan, at_work);
    la__sw_run(w, &plan, NULL);
    la__sw_sum(&mine.fig, &w->fig);
    mine.digest += w->digest; /* a sum, so that the number of processes does not matter */
    mine.segments[w->segments < 65535 ? w->segments : 65535]++;
    mine.ends[w->fig.ends < 4095 ? w->fig.ends : 4095]++;
    if (!w->broken)
      continue;
    struct report r = {.seed = at_work, .law = w->broken};
    memcpy(r.words, w->words, sizeof r.words);
    put(fd, &r, sizeof r);
  }
  struct report r = {.seed = UINT64_MAX};
  put(fd, &r, sizeof r);
  put(fd, &mine, sizeof mine);
  _exit(0);
}

static uint32_t median(const uint32_t *v, uint32_t n) {
  uint64_t all = 0, seen = 0;
  for (uint32_t i = 0; i < n; i++)
    all += v[i];
  for (uint32_t i = 0; i < n; i++)
    if ((seen += v[i]) * 2 >= all)
      return i;
  return 0;
}

static void say(FILE *out, const struct sw_ask *ask, const struct report *r) {
  fprintf(out, "world %" PRIu64 " FAILED: %s: %s\n  again: lastack sim --swarm 1 --seed %" PRIu64 "%s\n", r->seed,
          la__sw_law_text((enum sw_law)r->law), r->words, r->seed, ask->shrink ? "" : " --shrink");
  fflush(out);
}

static void smaller(FILE *out, const struct sw_ask *ask, const struct report *r) {
  static struct sw_plan plan;
  char name[4096];
  la__sw_draw(&plan, r->seed);
  la__sw_shrink(&plan, (enum sw_law)r->law);
  snprintf(name, sizeof name, "%s%sworld-%" PRIu64 ".txt", ask->folder ? ask->folder : "", ask->folder ? "/" : "", r->seed);
  FILE *f = fopen(name, "w");
  if (!f) {
    fprintf(out, "  %s: cannot be written\n", name);
    return;
  }
  fprintf(f, "# %s: %s\n", la__sw_law_text((enum sw_law)r->law), r->words);
  la__sw_print(f, &plan);
  if (r->law != SW_TRAP)
    la__swarm_one(f, &plan, true);
  fclose(f);
  fprintf(out, "  smaller: %s (lastack sim --world %s)\n", name, name);
}

struct job {
  int fd;
  pid_t pid;
};

static bool start(const struct sw_ask *ask, uint64_t from, struct job *j) {
  int fds[2];
  if (pipe(fds) != 0 || (j->pid = fork()) < 0)
    return false;
  if (j->pid == 0) {
    close(fds[0]);
    labour(ask, from, fds[1]);
  }
  close(fds[1]);
  j->fd = fds[0];
  return true;
}

static void add(struct tally *to, const struct tally *t) {
  la__sw_sum(&to->fig, &t->fig);
  to->digest += t->digest;
  for (unsigned i = 0; i < 65536; i++)
    to->segments[i] += t->segments[i];
  for (unsigned i = 0; i < 4096; i++)
    to->ends[i] += t->ends[i];
}

/* Reads what one process says until it is done. false: it said no figures. *trap: the world at which it was stopped. */
static bool hear(FILE *out, const struct sw_ask *ask, const struct job *j, struct tally *sum, unsigned *failed, uint64_t *trap) {
  static struct tally t;
  struct report r;
  bool whole = false;
  *trap = UINT64_MAX;
  while (!whole && get(j->fd, &r, sizeof r)) {
    if (r.seed == UINT64_MAX) {
      whole = get(j->fd, &t, sizeof t);
      if (whole)
        add(sum, &t);
      continue;
    }
    if (r.law == SW_TRAP)
      *trap = r.seed;
    if ((*failed)++ < 50) {
      say(out, ask, &r);
      if (ask->shrink)
        smaller(out, ask, &r);
    }
  }
  int status;
  close(j->fd);
  waitpid(j->pid, &status, 0);
  return whole;
}

bool la__swarm(FILE *out, const struct sw_ask *ask) {
  static struct tally sum;
  enum { JOBS = 64 };
  struct job job[JOBS];
  struct sw_ask a = *ask;
  unsigned failed = 0;
  bool whole = true;
  a.jobs = ask->jobs && ask->jobs <= JOBS ? ask->jobs : 1;
  fflush(out);
  memset(&sum, 0, sizeof sum);
  for (unsigned j = 0; j < a.jobs; j++)
    if (!start(&a, j, &job[j]))
      return false;
  for (unsigned j = 0; j < a.jobs; j++) {
    uint64_t trap;
    whole &= hear(out, &a, &job[j], &sum, &failed, &trap);
    while (trap != UINT64_MAX && failed < 1000) {
      if (!start(&a, trap - a.first + a.jobs, &job[j]))
        return false;
      whole &= hear(out, &a, &job[j], &sum, &failed, &trap);
    }
  }
  la__sw_print_figures(out, &sum.fig);
  fprintf(out, "a world's median: %u segments, %u ENDs\n", median(sum.segments, 65536), median(sum.ends, 4096));
  fprintf(out, "digest %016" PRIx64 "\n", sum.digest);
  if (!whole)
    fprintf(out, "not all worlds were run: a process ended early\n");
  return whole && failed == 0;
}

enum sw_law la__sw_try(const struct sw_plan *p) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    struct sw_world *w = la__sw_new();
    told_to = -1;
    catch_traps();
    limit_world();
    if (!w)
      _exit(97);
    la__sw_run(w, p, NULL);
    _exit(w->broken);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid)
    return SW_FINE;
  return WIFEXITED(status) && WEXITSTATUS(status) < SW_TRAP ? (enum sw_law)WEXITSTATUS(status) : SW_TRAP;
}

bool la__swarm_one(FILE *out, const struct sw_plan *p, bool draw) {
  struct sw_world *w = la__sw_new();
  struct sw_log *l = draw ? la__sw_log_new() : NULL;
  if (!w || (draw && !l))
    abort();
  la__sw_run(w, p, l);
  if (l && p->flows) { /* the flow that a broken law names, or the first */
    unsigned end = 0;
    bool named = sscanf(w->words, "end %u", &end) == 1 && end < w->nends;
    const struct sw_flow_plan *f = named ? w->end[end].f->plan : &p->flow[0];
    la__sw_log_draw(out, l, (unsigned)f->client, (unsigned)f->server, "# ");
  }
  bool ok = w->broken == SW_FINE;
  fprintf(out, "# %s%s%s at %" PRIu64 " us; %" PRIu64 " segments, %" PRIu64 " ENDs, digest %016" PRIx64 "\n", la__sw_law_text(w->broken),
          ok ? "" : ": ", w->words, (ok ? w->now : w->broken_at) / 1000, w->segments, w->fig.ends, w->digest);
  la__sw_log_free(l);
  la__sw_free(w);
  return ok;
}
