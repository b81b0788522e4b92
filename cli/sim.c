/* SPDX-License-Identifier: MIT */
/* lastack sim: scenarios in virtual time, drawn and checked. */
#include "cli/drawings.h"
#include "cli/log.h"

#include "sim/claim.h"
#include "sim/explore_ask.h"
#include "sim/goodput.h"
#include "sim/oom.h"
#include "sim/record.h"
#include "sim/show.h"
#include "sim/swarm_ask.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
  KEY_MSL = 256,
  KEY_SEED,
  KEY_DROP,
  KEY_DELAY,
  KEY_FAIL,
  KEY_FROM,
  KEY_OOM,
  KEY_SLICE,
  KEY_IPV6,
  KEY_GOODPUT,
  KEY_PCAPNG,
  KEY_OFFLOAD,
  KEY_EVENTS,
  KEY_DETAIL,
  KEY_SWARM,
  KEY_WORLD,
  KEY_SHRINK,
  KEY_JOBS,
  KEY_PLAN,
  KEY_EXPLORE,
  KEY_BUDGET
};

struct ask {
  const char *cmd, *pcapng, *world, *explore;
  double budget;
  bool list, all, json, quiet, goodput, plan, oom;
  uint32_t fail;
  bool from;
  unsigned slice;
  struct log_args log;
  FILE *events;
  struct sim_opts opt;
  struct sw_ask swarm;
  struct drawings draw;
  char **names;
  size_t n;
};

/* true: one of those for many runs. */
static bool swarm_key(struct ask *a, int key, const char *arg) {
  switch (key) {
  case KEY_OOM:
    a->oom = true;
    return true;
  case KEY_SLICE:
    a->slice = (unsigned)la__number(a->cmd, "--slice", arg, 1, 1000000);
    return true;
  case KEY_SWARM:
    a->swarm.worlds = la__number(a->cmd, "--swarm", arg, 1, 1000000000);
    return true;
  case KEY_WORLD:
    a->world = arg;
    return true;
  case KEY_SHRINK:
    a->swarm.shrink = true;
    return true;
  case KEY_PLAN:
    a->plan = true;
    return true;
  case KEY_EXPLORE:
    a->explore = arg;
    return true;
  case KEY_BUDGET:
    a->budget = (double)la__number(a->cmd, "--budget", arg, 1, 1000000);
    return true;
  case KEY_JOBS:
    a->swarm.jobs = (unsigned)la__number(a->cmd, "--jobs", arg, 1, 64);
    return true;
  default:
    return false;
  }
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct ask *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &a->draw;
    return 0;
  case 'l':
    a->list = true;
    return 0;
  case 'a':
    a->all = true;
    return 0;
  case 'j':
    a->json = true;
    return 0;
  case 'q':
    a->quiet = true;
    return 0;
  case KEY_MSL:
    a->opt.msl = la__number(a->cmd, "--msl", arg, 1, 3600) * LA_SEC;
    return 0;
  case KEY_SEED:
    a->opt.seed = la__number(a->cmd, "--seed", arg, 0, UINT64_MAX);
    return 0;
  case KEY_DROP:
    a->opt.drop = (unsigned)la__number(a->cmd, "--drop", arg, 1, 1000000);
    return 0;
  case KEY_DELAY:
    a->opt.delay = la__number(a->cmd, "--delay", arg, 0, 10000) * LA_MS;
    return 0;
  case KEY_GOODPUT:
    a->goodput = true;
    return 0;
  case KEY_IPV6:
    a->opt.ipv6 = true;
    return 0;
  case KEY_OFFLOAD:
    if (strcmp(arg, "cut") && strcmp(arg, "join"))
      la__usage(a->cmd, "--offload %s: cut or join is expected", arg);
    a->opt.offload = strcmp(arg, "join") ? SIM_CUTS : SIM_CUTS_AND_JOINS;
    return 0;
  case KEY_PCAPNG:
    a->pcapng = arg;
    return 0;
  case KEY_EVENTS:
    a->log.path = arg;
    return 0;
  case KEY_DETAIL:
    la__log_detail(&a->log, a->cmd, arg);
    return 0;
  case KEY_FAIL:
    a->fail = (uint32_t)la__number(a->cmd, "--fail-alloc", arg, 1, 1000000000);
    return 0;
  case KEY_FROM:
    a->from = true;
    return 0;
  case ARGP_KEY_ARG:
    if (!la__scen_find(arg))
      la__usage(a->cmd, "%s: unknown scenario; --list names them", arg);
    a->names[a->n++] = arg;
    return 0;
  default:
    return swarm_key(a, key, arg) ? 0 : ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option options[] = {
  {"list", 'l', NULL, 0, "Name the scenarios", 0},
  {"all", 'a', NULL, 0, "Run all of them", 0},
  {"goodput", KEY_GOODPUT, NULL, 0, "A table of what each congestion control carries over lossy and long paths", 0},
  {"json", 'j', NULL, 0, "One JSON object for each scenario, one in a line", 0},
  {"quiet", 'q', NULL, 0, "No ladder", 0},
  {"pcapng", KEY_PCAPNG, "PREFIX", 0, "Write the packets of each run to PREFIX-1.pcapng and so on (one scenario)", 0},
  LOG_OPTIONS(KEY_EVENTS, KEY_DETAIL, 0),
  {"ipv6", KEY_IPV6, NULL, 0, "Over IPv6 instead of IPv4", 1},
  {"offload", KEY_OFFLOAD, "cut|join", 0, "Devices cut frames into segments, or join them as well; sizes are drawn from the seed", 1},
  {"msl", KEY_MSL, "SEC", 0, "Maximum segment lifetime (30)", 1},
  {"seed", KEY_SEED, "N", 0, "Seed of all that is random (1)", 1},
  {"drop", KEY_DROP, "N", 0, "Lose the N-th segment of each run", 1},
  {"delay", KEY_DELAY, "MS", 0, "Delay of the path, one way (10)", 1},
  {"fail-alloc", KEY_FAIL, "N", 0, "Let the N-th allocation fail, of all that the stacks make: only the laws are claimed then", 1},
  {"from", KEY_FROM, NULL, 0, "And all later ones of that stack", 1},
  {"swarm", KEY_SWARM, "N", 0, "N worlds drawn from the seeds SEED, SEED+1, …, each run to its end under an oracle", 2},
  {"oom", KEY_OOM, NULL, 0, "Each allocation of the scenarios (default: all) fails, alone and with all later ones; over IPv4 and IPv6", 2},
  {"slice", KEY_SLICE, "K", 0, "Only every K-th of these cases", 2},
  {"jobs", KEY_JOBS, "J", 0, "So many at a time (1)", 2},
  {"shrink", KEY_SHRINK, NULL, 0, "Of each that fails, write a smaller one that fails alike to world-SEED.txt, with its ladder", 2},
  {"plan", KEY_PLAN, NULL, 0, "Print the plan that SEED draws, in that form", 2},
  {"world", KEY_WORLD, "FILE", 0, "Run such a file again, and draw it unless --quiet", 2},
  {"explore", KEY_EXPLORE, "BOUND", 0, "Visit every state of small worlds: of one bound, \"all\", or those that take seconds, \"quick\"",
   3},
  {"budget", KEY_BUDGET, "SEC", 0, "Processor time for each of them, at most (3600)", 3},
  {0},
};
static const struct argp_child children[] = {{.argp = &la__drawings_argp}, {0}};
static const struct argp argp = {
  .options = options,
  .children = children,
  .parser = parse,
  .args_doc = "NAME...",
  .doc = "Scenarios between two stacks, or a stack and a scripted peer, in virtual time: each is drawn, and its claims are checked."
         "\vA claim that presumes other conditions than --msl, --drop or --delay make is skipped. Exit status: 1 when a claim fails.",
};

static void print_json(const struct sim *s) {
  json_t *claims = json_array();
  for (size_t i = 0; i < s->nclaims; i++) {
    const struct claim *c = &s->claim[i];
    json_array_append_new(claims, json_pack("{s:s, s:b, s:b}", "text", c->text, "ok", c->ok, "skipped", c->skipped));
  }
  json_t *o = json_pack("{s:s, s:b, s:o}", "scenario", s->name, "ok", la__sim_ok(s), "claims", claims);
  char *text = json_dumps(o, JSON_COMPACT);
  puts(text ? text : "{}");
  free(text);
  json_decref(o);
}

static int draw(const struct ask *a, const struct sim *s, const char *line) {
  char title[120], lead[300];
  struct draw_doc doc = {.title = title, .lead = lead};
  snprintf(title, sizeof title, "lastack sim %s", s->name);
  snprintf(lead, sizeof lead, "%s%s", line, s->opt.ipv6 ? ", over IPv6" : "");
  la__show_draw(s, &doc);
  int status = la__drawings_write(&a->draw, a->cmd, &doc);
  la__doc_free(&doc);
  return status;
}

struct total {
  size_t scenarios, failed, claims, skipped;
};

/* Runs one and prints it in the form that was asked for. */
static void run(const struct ask *a, const struct scen *sc, bool alone, struct total *t) {
  struct sim_opts opt = a->opt;
  struct failing failing = {.at = a->fail, .ever = a->from};
  if (a->fail)
    opt.failing = &failing;
  if (a->events)
    opt.events =
      la__events_new(a->events, &(struct events_opts){.title = sc->name, .detail = a->log.detail, .virtual_time = true, .zero = SIM_EPOCH});
  struct sim *s = la__sim_run(sc, &opt);
  la__events_free(opt.events);
  char err[300];
  size_t skipped = 0, bad = 0;
  for (size_t i = 0; i < s->nclaims; i++) {
    skipped += s->claim[i].skipped;
    bad += !s->claim[i].ok;
  }
  if (a->pcapng && !la__record_sim(s, a->pcapng, err, sizeof err)) {
    la__fail(a->cmd, "%s", err);
    t->failed += !bad;
  }
  t->scenarios++;
  t->failed += bad > 0;
  t->claims += s->nclaims;
  t->skipped += skipped;
  if (la__drawings_wanted(&a->draw) && draw(a, s, sc->line))
    t->failed += !bad;
  if (la__drawings_to_stdout(&a->draw))
    fflush(stdout);
  else if (a->json)
    print_json(s);
  else if (alone)
    la__show_sim(stdout, s, sc->line, !a->quiet && !la__drawings_wanted(&a->draw));
  else
    la__show_line(stdout, s);
  la__sim_free(s);
}

static int world(const struct ask *a) {
  static struct sw_plan plan;
  char err[200];
  FILE *in = fopen(a->world, "r");
  if (!in)
    return la__fail(a->cmd, "%s: %s", a->world, strerror(errno));
  bool ok = la__sw_read(in, &plan, err);
  fclose(in);
  if (!ok)
    return la__fail(a->cmd, "%s: %s", a->world, err);
  return la__swarm_one(stdout, &plan, !a->quiet) ? EXIT_OK : EXIT_FAIL;
}

static int explore(const struct ask *a) {
  bool known, right = la__explore(stdout, strcmp(a->explore, "all") ? a->explore : NULL, a->budget > 0 ? a->budget : 3600, &known);
  if (!known)
    la__usage(a->cmd, "--explore %s: unknown; its bounds are: %s", a->explore, la__explore_names());
  return right ? EXIT_OK : EXIT_FAIL;
}

static int plan_of(const struct ask *a) {
  static struct sw_plan plan;
  la__sw_draw(&plan, a->opt.seed);
  la__sw_print(stdout, &plan);
  return EXIT_OK;
}

static int swarm(struct ask *a) {
  a->swarm.first = a->opt.seed;
  return la__swarm(stdout, &a->swarm) ? EXIT_OK : EXIT_FAIL;
}

static int oom(const struct ask *a) {
  struct oom_ask o = {.opt = a->opt, .jobs = a->swarm.jobs, .slice = a->slice, .n = a->n};
  o.scens = calloc(a->n + 1, sizeof *o.scens);
  if (!o.scens)
    return la__fail(a->cmd, "out of memory");
  for (size_t i = 0; i < a->n; i++)
    o.scens[i] = la__scen_find(a->names[i]);
  const struct scen **some = o.scens;
  if (!a->n)
    o.scens = NULL;
  bool ok = la__oom(stdout, &o);
  free(some);
  return ok ? EXIT_OK : EXIT_FAIL;
}

int la__cmd_sim(int argc, char **argv) {
  struct ask a = {.cmd = argv[0]};
  la__sim_opts_init(&a.opt);
  a.names = calloc((size_t)argc + 1, sizeof *a.names);
  if (!a.names)
    return la__fail(a.cmd, "out of memory");
  la__args(&argp, argc, argv, 0, &a);
  if (a.swarm.worlds || a.world || a.plan || a.oom || a.explore) {
    int status = a.explore ? explore(&a) : a.oom ? oom(&a) : a.plan ? plan_of(&a) : a.world ? world(&a) : swarm(&a);
    free(a.names);
    return status;
  }
  if (a.list) {
    for (size_t i = 0; i < la__nscens; i++)
      printf("%-22s %s\n", la__scens[i].name, la__scens[i].line);
    free(a.names);
    return EXIT_OK;
  }
  if (a.goodput) {
    la__goodput(stdout, &a.opt);
    free(a.names);
    return EXIT_OK;
  }
  if (a.from && !a.fail)
    la__usage(a.cmd, "--from goes with --fail-alloc");
  if (!a.all && !a.n)
    la__usage(a.cmd, "no scenario; --list names them, --all runs all");
  la__log_check(&a.log, a.cmd);
  if (a.pcapng && (a.all || a.n != 1))
    la__usage(a.cmd, "--pcapng records one scenario");
  if (la__drawings_wanted(&a.draw) && (a.all || a.n != 1))
    la__usage(a.cmd, "--svg, --html and --mermaid draw one scenario");
  la__drawings_check(&a.draw, a.cmd);
  struct total t = {0};
  if (a.log.path && !(a.events = la__log_open(&a.log, a.cmd))) {
    free(a.names);
    return EXIT_FAIL;
  }
  for (size_t i = 0; a.all && i < la__nscens; i++)
    run(&a, &la__scens[i], false, &t);
  for (size_t i = 0; !a.all && i < a.n; i++)
    run(&a, la__scen_find(a.names[i]), true, &t);
  if (a.all && !a.json)
    printf("%zu scenarios, %zu failed; %zu claims, %zu skipped\n", t.scenarios, t.failed, t.claims, t.skipped);
  free(a.names);
  return la__log_close(&a.log, a.cmd, a.events, t.failed ? EXIT_FAIL : EXIT_OK);
}
