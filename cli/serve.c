/* SPDX-License-Identifier: MIT */
/* lastack serve: a service on a TUN or TAP device or an Ethernet interface, until a signal comes. */
#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/node.h"

struct args {
  struct node_args node;
  const char *root;
  const struct service *service;
  uint16_t port; /* 0: the service's own */
};

enum { OPT_ECHO = 256, OPT_DISCARD, OPT_CHARGEN, OPT_ROOT, OPT_PORT };

static const struct argp_option options[] = {
  {0, 0, 0, 0, "What to serve (exactly one):", 1},
  {"echo", OPT_ECHO, NULL, 0, "send back what comes (port 7)", 1},
  {"discard", OPT_DISCARD, NULL, 0, "throw away what comes (port 9)", 1},
  {"chargen", OPT_CHARGEN, NULL, 0, "send characters without end (port 19)", 1},
  {"root", OPT_ROOT, "DIR", 0, "files in DIR by HTTP (port 80)", 1},
  {"port", OPT_PORT, "N", 0, "the port", 2},
  {0},
};

static void choose(struct args *a, const struct service *svc) {
  if (a->service)
    la__usage(a->node.cmd, "only one of --echo, --discard, --chargen and --root can be served");
  a->service = svc;
}

/* What can be told only when all options are known. */
static void check(struct args *a) {
  if (!a->service)
    la__usage(a->node.cmd, "one of --echo, --discard, --chargen and --root is needed");
  la__node_args_done(&a->node, 4);
  if (!a->port)
    a->port = a->service->port;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct args *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &a->node;
    break;
  case OPT_ECHO:
    choose(a, &la__echo);
    break;
  case OPT_DISCARD:
    choose(a, &la__discard);
    break;
  case OPT_CHARGEN:
    choose(a, &la__chargen);
    break;
  case OPT_ROOT:
    choose(a, &la__http);
    a->root = arg;
    break;
  case OPT_PORT:
    a->port = (uint16_t)la__number(a->node.cmd, "--port", arg, 1, 65535);
    break;
  case ARGP_KEY_ARG:
    la__usage(a->node.cmd, "%s: no argument is expected", arg);
  case ARGP_KEY_END:
    check(a);
    break;
  default:
    return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

/* Everything that must be undone. */
struct run {
  const struct args *args;
  struct node node;
  struct site site;
  struct server server;
};

static void on_work(void *ctx, la_time now) {
  struct run *r = ctx;
  la__server_work(&r->server, now);
}

static void on_end(void *ctx, const la_end *end) {
  struct run *r = ctx;
  la__node_end(&r->node, end);
}

static int set_up(struct run *r) {
  const struct args *a = r->args;
  const char *cmd = a->node.cmd;
  if (a->root && (r->site.root = open(a->root, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
    return la__fail(cmd, "%s: %s", a->root, strerror(errno));
  if (la__node_new(&r->node))
    return EXIT_FAIL;
  r->server = (struct server){.stack = r->node.rig.stack, .service = a->service, .site = &r->site, .ended = on_end, .ctx = r};
  int err = la__server_listen(&r->server, a->port);
  return err ? la__fail(cmd, "port %u: %s", a->port, la_err_name(err)) : la__node_open(&r->node);
}

static void announce(const struct args *a) {
  char text[LA_ADDR_TEXT];
  printf("lastack: serving on ");
  for (unsigned i = 0; i < a->node.naddr; i++) {
    const la_addr *addr = &a->node.addr[i].addr;
    printf(addr->family == 6 ? "%s[%s]:%u" : "%s%s:%u", i ? ", " : "", la_addr_text(addr, text), a->port);
  }
  printf(" over %s\n", a->node.device);
  fflush(stdout);
}

static void on_ended(void *ctx, const la_event *end) {
  struct run *r = ctx;
  la__server_ended(&r->server, end);
}

static bool turn(struct run *r) { return la__node_turn(&r->node, la__server_deadline(&r->server)); }

static int serve(struct run *r) {
  bool ok = true;
  if (la__node_settle(&r->node))
    return EXIT_FAIL;
  announce(r->args);
  while (ok && !la__node_stopped(&r->node))
    ok = turn(r);
  return ok && la__node_drain(&r->node) ? EXIT_OK : la__node_broken(&r->node);
}

int la__cmd_serve(int argc, char **argv) {
  static const struct argp_child children[] = {{.argp = &la__node_argp}, {0}};
  static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc = "Serves on a TUN device, or beside other hosts, until SIGINT or SIGTERM, and tells how each connection ended.",
    .children = children};
  struct args a = {.node.cmd = argv[0]};
  la__args(&argp, argc, argv, 0, &a);
  struct run r = {.args = &a, .site = {.root = -1, .page = -1}};
  r.node = (struct node){.args = &a.node, .out = stdout, .side = LADDER_RIGHT, .work = on_work, .ended = on_ended, .ctx = &r};
  int status = set_up(&r);
  if (!status)
    status = serve(&r);
  status = la__node_free(&r.node, status);
  la__server_free(&r.server);
  if (r.site.root >= 0)
    close(r.site.root);
  return status;
}
