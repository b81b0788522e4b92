/* SPDX-License-Identifier: MIT */
/* lastack sim: scenarios in virtual time, drawn and checked. */
#include "cli/cli.h"

#include "sim/claim.h"
#include "sim/goodput.h"
#include "sim/record.h"
#include "sim/show.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MSL = 256, KEY_SEED, KEY_DROP, KEY_DELAY, KEY_FAIL, KEY_IPV6, KEY_GOODPUT, KEY_PCAPNG, KEY_OFFLOAD };

struct ask {
  const char *cmd, *pcapng;
  bool list, all, json, quiet, goodput;
  struct sim_opts opt;
  char **names;
  size_t n;
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct ask *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
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
  case KEY_FAIL:
    a->opt.fail_alloc = (uint32_t)la__number(a->cmd, "--fail-alloc", arg, 1, 1000000000);
    return 0;
  case ARGP_KEY_ARG:
    if (!la__scen_find(arg))
      la__usage(a->cmd, "%s: unknown scenario; --list names them", arg);
    a->names[a->n++] = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option options[] = {
  {"list", 'l', NULL, 0, "Name the scenarios", 0},
  {"all", 'a', NULL, 0, "Run all of them", 0},
  {"goodput", KEY_GOODPUT, NULL, 0, "A table of what each congestion control carries over lossy and long paths", 0},
  {"json", 'j', NULL, 0, "One JSON object for each scenario, one in a line", 0},
  {"quiet", 'q', NULL, 0, "No ladder", 0},
  {"pcapng", KEY_PCAPNG, "PREFIX", 0, "Write the packets of each run to PREFIX-1.pcapng and so on (one scenario)", 0},
  {"ipv6", KEY_IPV6, NULL, 0, "Over IPv6 instead of IPv4", 1},
  {"offload", KEY_OFFLOAD, "cut|join", 0, "Devices cut frames into segments, or join them as well; sizes are drawn from the seed", 1},
  {"msl", KEY_MSL, "SEC", 0, "Maximum segment lifetime (30)", 1},
  {"seed", KEY_SEED, "N", 0, "Seed of all that is random (1)", 1},
  {"drop", KEY_DROP, "N", 0, "Lose the N-th segment of each run", 1},
  {"delay", KEY_DELAY, "MS", 0, "Delay of the path, one way (10)", 1},
  {"fail-alloc", KEY_FAIL, "N", 0, "Let the N-th allocation of each stack fail: only the laws are claimed then", 1},
  {0},
};
static const struct argp argp = {
  .options = options,
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

struct total {
  size_t scenarios, failed, claims, skipped;
};

/* Runs one and prints it in the form that was asked for. */
static void run(const struct ask *a, const struct scen *sc, bool alone, struct total *t) {
  struct sim *s = la__sim_run(sc, &a->opt);
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
  if (a->json)
    print_json(s);
  else if (alone)
    la__show_sim(stdout, s, sc->line, !a->quiet);
  else
    la__show_line(stdout, s);
  la__sim_free(s);
}

int la__cmd_sim(int argc, char **argv) {
  struct ask a = {.cmd = argv[0]};
  la__sim_opts_init(&a.opt);
  a.names = calloc((size_t)argc + 1, sizeof *a.names);
  if (!a.names)
    return la__fail(a.cmd, "out of memory");
  la__args(&argp, argc, argv, 0, &a);
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
  if (!a.all && !a.n)
    la__usage(a.cmd, "no scenario; --list names them, --all runs all");
  if (a.pcapng && (a.all || a.n != 1))
    la__usage(a.cmd, "--pcapng records one scenario");
  struct total t = {0};
  for (size_t i = 0; a.all && i < la__nscens; i++)
    run(&a, &la__scens[i], false, &t);
  for (size_t i = 0; !a.all && i < a.n; i++)
    run(&a, la__scen_find(a.names[i]), true, &t);
  if (a.all && !a.json)
    printf("%zu scenarios, %zu failed; %zu claims, %zu skipped\n", t.scenarios, t.failed, t.claims, t.skipped);
  free(a.names);
  return t.failed ? EXIT_FAIL : EXIT_OK;
}
