/* SPDX-License-Identifier: MIT */
/* lastack drill: packetdrill scripts in virtual time. */
#include "cli/cli.h"
#include "cli/drill.h"

#include <stdlib.h>
#include <string.h>

enum {
  KEY_JSON = 256,
  KEY_PRESET,
  KEY_FAMILY,
  KEY_ALL,
  KEY_STRICT,
  KEY_EVENTS,
  KEY_DETAIL,
  KEY_PASSED /* and up: options that go to every script */
};

/* packetdrill's options that a command line may give, after those of a script. */
static const char *const passed[] = {"tolerance_usecs", "tolerance_percent", "tcp_ts_tick_usecs", "mtu",         "local_ip",
                                     "remote_ip",       "netmask_ip",        "bind_port",         "connect_port"};

static bool family_of(const char *name, enum drill_family *out) {
  for (int i = 0; i < 3; i++)
    if (strcmp(name, la__drill_family_name((enum drill_family)i)) == 0) {
      *out = (enum drill_family)i;
      return true;
    }
  return false;
}

static void add_define(struct drill_ask *a, const char *arg) {
  const char *eq = strchr(arg, '=');
  if (!eq || eq == arg || !eq[1])
    la__usage(a->cmd, "--define %s: not NAME=VALUE", arg);
  struct drill_define *d = calloc(1, sizeof *d);
  if (!d)
    abort();
  d->name = strndup(arg, (size_t)(eq - arg));
  d->value = eq + 1;
  d->next = a->defines;
  a->defines = d;
}

static void add_option(struct drill_ask *a, const char *name, const char *value) {
  struct drill_option *o = calloc(1, sizeof *o), **p = &a->options;
  if (!o)
    abort();
  while (*p)
    p = &(*p)->next;
  o->name = name;
  o->value = value;
  o->at = (struct place){1, 1};
  *p = o;
}

static void add_undefine(struct drill_ask *a, const char *name) {
  struct drill_define *d = calloc(1, sizeof *d);
  if (!d)
    abort();
  d->name = strdup(name);
  d->next = a->defines;
  a->defines = d;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct drill_ask *a = state->input;
  if (key >= KEY_PASSED && key < KEY_PASSED + (int)(sizeof passed / sizeof *passed)) {
    add_option(a, passed[key - KEY_PASSED], arg);
    return 0;
  }
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &a->draw;
    return 0;
  case 'j':
    a->jobs = (unsigned)la__number(a->cmd, "-j", arg, 1, 256);
    return 0;
  case 'v':
    a->verbose = true;
    return 0;
  case 'q':
    a->quiet = true;
    return 0;
  case 'D':
    add_define(a, arg);
    return 0;
  case 'U':
    add_undefine(a, arg);
    return 0;
  case KEY_STRICT:
    add_option(a, "strict", NULL);
    return 0;
  case KEY_EVENTS:
    a->log.path = arg;
    return 0;
  case KEY_DETAIL:
    la__log_detail(&a->log, a->cmd, arg);
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case KEY_ALL:
    a->all_families = true;
    return 0;
  case KEY_PRESET:
    a->preset = la__drill_preset(arg);
    if (a->preset == DRILL_PRESET_OWN)
      la__usage(a->cmd, "--preset %s: linux, rfc or freebsd", arg);
    return 0;
  case KEY_FAMILY:
    if (!family_of(arg, &a->family))
      la__usage(a->cmd, "--ip_version %s: ipv4, ipv6 or ipv4-mapped-ipv6", arg);
    return 0;
  case ARGP_KEY_ARG:
    la__drill_add_path(a, arg);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option options[] = {
  {"json", KEY_JSON, NULL, 0, "One JSON object for each run, one in a line", 0},
  {"verbose", 'v', NULL, 0, "Name what passed, and what of the scripts was not done", 0},
  {"quiet", 'q', NULL, 0, "No ladder", 0},
  {"jobs", 'j', "N", 0, "So many scripts at a time (1)", 0},
  LOG_OPTIONS(KEY_EVENTS, KEY_DETAIL, 0),
  {"preset", KEY_PRESET, "NAME", 0,
   "Clocks and limits: linux, rfc or freebsd (default: linux, or freebsd where a script names what only that has)", 1},
  {"ip_version", KEY_FAMILY, "NAME", 0, "Of scripts that do not say: ipv4 (default), ipv6 or ipv4-mapped-ipv6", 1},
  {"all-families", KEY_ALL, NULL, 0, "Run those in all three", 1},
  {"define", 'D', "NAME=VALUE", 0, "NAME stands for VALUE in the scripts", 1},
  {"undefine", 'U', "NAME", 0, "NAME has no value, even where one is built in: STANDARD", 1},
  {"strict", KEY_STRICT, NULL, 0,
   "Nothing may differ that RFC 9293 leaves free: order and padding of TCP options, and for FreeBSD's scripts windows and PSH", 1},
  {"tolerance_usecs", KEY_PASSED, "N", 0, "How early or late something may happen (4000)", 2},
  {"tolerance_percent", KEY_PASSED + 1, "N", 0, "The same, in per cent of the time since the event before (12.5)", 2},
  {"tcp_ts_tick_usecs", KEY_PASSED + 2, "N", 0, "Check timestamps that are sent: microseconds a tick", 2},
  {"mtu", KEY_PASSED + 3, "N", 0, "Of the link (1500)", 2},
  {"local_ip", KEY_PASSED + 4, "ADDR", 0, "Address of the stack", 2},
  {"remote_ip", KEY_PASSED + 5, "ADDR", 0, "Address of the script", 2},
  {"netmask_ip", KEY_PASSED + 6, "ADDR", 0, "Netmask of the link", 2},
  {"bind_port", KEY_PASSED + 7, "PORT", 0, "What bind(fd, ..., ...) binds (8080)", 2},
  {"connect_port", KEY_PASSED + 8, "PORT", 0, "Where connect(fd, ..., ...) goes (8080)", 2},
  {0},
};
static const struct argp_child children[] = {{.argp = &la__drawings_argp}, {0}};
static const struct argp argp = {
  .options = options,
  .children = children,
  .parser = parse,
  .args_doc = "FILE|DIR...",
  .doc = "packetdrill scripts against the stack, in virtual time. A folder stands for the *.pkt in and below it."
         "\vNothing is executed, and no right is needed: commands that set a sysctl become settings, others are skipped (-v names them). "
         "Exit status: 0 when all pass, 1 when one fails, 2 when one cannot be read.",
};

int la__cmd_drill(int argc, char **argv) {
  struct drill_ask a = {.cmd = argv[0], .jobs = 1};
  la__args(&argp, argc, argv, 0, &a);
  if (!a.npaths)
    la__usage(a.cmd, "no script");
  la__log_check(&a.log, a.cmd);
  struct draw_doc doc = {0};
  char title[300];
  if (la__drawings_wanted(&a.draw)) {
    if (a.npaths > 1)
      la__usage(a.cmd, "--svg, --html and --mermaid draw one script");
    la__drawings_check(&a.draw, a.cmd);
    snprintf(title, sizeof title, "lastack drill %s", a.paths[0]);
    doc.title = title;
    a.doc = &doc;
  }
  int status = EXIT_FAIL;
  if (!a.log.path || (a.events = la__log_open(&a.log, a.cmd)))
    status = la__log_close(&a.log, a.cmd, a.events, la__drill_all(&a));
  if (a.doc && la__drawings_write(&a.draw, a.cmd, &doc) && status == EXIT_OK)
    status = EXIT_FAIL;
  la__doc_free(&doc);
  la__drill_ask_free(&a);
  return status;
}
