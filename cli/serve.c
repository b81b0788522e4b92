/* SPDX-License-Identifier: MIT */
/* lastack serve: a service on a TUN device, until a signal comes. */
#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/rig.h"
#include "cli/tap.h"

enum { ADDRS = 16, HOST_ADDRS = 4 };
#define DRAIN (2 * LA_SEC)

struct args {
  const char *cmd, *tun, *pcapng, *root;
  const struct service *service;
  struct net_addr addr[ADDRS], host_addr[HOST_ADDRS];
  unsigned naddr, nhost;
  uint16_t port; /* 0: the service's own */
  la_time msl;
  bool verbose, json, ascii;
};

enum {
  OPT_ECHO = 256,
  OPT_DISCARD,
  OPT_CHARGEN,
  OPT_ROOT,
  OPT_TUN,
  OPT_ADDR,
  OPT_HOST_ADDR,
  OPT_PORT,
  OPT_PCAPNG,
  OPT_MSL,
  OPT_JSON,
  OPT_ASCII
};

static const struct argp_option options[] = {
  {0, 0, 0, 0, "What to serve (exactly one):", 1},
  {"echo", OPT_ECHO, NULL, 0, "send back what comes (port 7)", 1},
  {"discard", OPT_DISCARD, NULL, 0, "throw away what comes (port 9)", 1},
  {"chargen", OPT_CHARGEN, NULL, 0, "send characters without end (port 19)", 1},
  {"root", OPT_ROOT, "DIR", 0, "files in DIR by HTTP (port 80)", 1},
  {0, 0, 0, 0, "Where:", 2},
  {"tun", OPT_TUN, "NAME", 0, "the TUN device, made if it does not exist (default lastack0)", 2},
  {"addr", OPT_ADDR, "A/LEN", 0, "an address of ours; repeatable (default 10.77.0.1/24)", 2},
  {"host-addr", OPT_HOST_ADDR, "A/LEN", 0,
   "the kernel's address on the device (default 10.77.0.2/24 if --addr is not given either, else left as it is)", 2},
  {"port", OPT_PORT, "N", 0, "the port", 2},
  {"msl", OPT_MSL, "SEC", 0, "maximum segment lifetime: TIME-WAIT lasts twice as long (default 30)", 2},
  {0, 0, 0, 0, "What to tell:", 3},
  {"verbose", 'v', NULL, 0, "draw a ladder as it happens", 3},
  {"ascii", OPT_ASCII, NULL, 0, "draw without line-drawing characters", 3},
  {"json", OPT_JSON, NULL, 0, "the end of each connection as a JSON object", 3},
  {"pcapng", OPT_PCAPNG, "FILE", 0, "write every packet to FILE, with comments", 3},
  {0},
};

static void choose(struct args *a, const struct service *svc) {
  if (a->service)
    la__usage(a->cmd, "only one of --echo, --discard, --chargen and --root can be served");
  a->service = svc;
}

static void add_addr(const struct args *a, struct net_addr *list, unsigned *n, unsigned max, const char *what, const char *text) {
  struct net_addr addr = la__net_addr(a->cmd, what, text);
  if (*n == max)
    la__usage(a->cmd, "%s %s: no more than %u of them", what, text, max);
  for (unsigned i = 0; i < *n; i++)
    if (la_addr_same(&list[i].addr, &addr.addr))
      la__usage(a->cmd, "%s %s: given twice", what, text);
  list[(*n)++] = addr;
}

/* What can be told only when all options are known. */
static void check(struct args *a) {
  char text[LA_ADDR_TEXT];
  if (!a->service)
    la__usage(a->cmd, "one of --echo, --discard, --chargen and --root is needed");
  if (a->json && a->verbose)
    la__usage(a->cmd, "--json and --verbose exclude each other");
  if (!a->naddr && !a->nhost)
    add_addr(a, a->host_addr, &a->nhost, HOST_ADDRS, "--host-addr", "10.77.0.2/24");
  if (!a->naddr)
    add_addr(a, a->addr, &a->naddr, ADDRS, "--addr", "10.77.0.1/24");
  for (unsigned i = 0; i < a->naddr; i++)
    for (unsigned j = 0; j < a->nhost; j++)
      if (la_addr_same(&a->addr[i].addr, &a->host_addr[j].addr))
        la__usage(a->cmd, "%s: cannot be both --addr and --host-addr", la_addr_text(&a->addr[i].addr, text));
  if (!a->port)
    a->port = a->service->port;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct args *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
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
  case OPT_TUN:
    a->tun = arg;
    break;
  case OPT_ADDR:
    add_addr(a, a->addr, &a->naddr, ADDRS, "--addr", arg);
    break;
  case OPT_HOST_ADDR:
    add_addr(a, a->host_addr, &a->nhost, HOST_ADDRS, "--host-addr", arg);
    break;
  case OPT_PORT:
    a->port = (uint16_t)la__number(a->cmd, "--port", arg, 1, 65535);
    break;
  case OPT_MSL:
    a->msl = la__number(a->cmd, "--msl", arg, 1, 86400) * LA_SEC;
    break;
  case OPT_PCAPNG:
    a->pcapng = arg;
    break;
  case OPT_JSON:
    a->json = true;
    break;
  case OPT_ASCII:
    a->ascii = true;
    break;
  case 'v':
    a->verbose = true;
    break;
  case ARGP_KEY_ARG:
    la__usage(a->cmd, "%s: no argument is expected", arg);
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
  struct rig rig;
  la_host *host;
  la_pcapng *pcapng;
  struct tap *tap;
  struct site site;
  struct server server;
  int signals;
  bool stop, impatient;
};

static void on_work(void *ctx, la_time now) {
  struct run *r = ctx;
  la__server_work(&r->server, now);
  if (r->tap)
    la__tap_settle(r->tap);
}

static void on_packet(void *ctx, la_link link, la_time at, bool outbound, uint32_t number, const uint8_t *data, uint32_t len,
                      const la_trace_rec *recs, size_t nrecs) {
  struct run *r = ctx;
  (void)link;
  (void)number;
  la__tap_packet(r->tap, LADDER_RIGHT, at, outbound, data, len, recs, nrecs);
}

static void on_trace(void *ctx, const la_trace_rec *recs, size_t nrecs) {
  struct run *r = ctx;
  la__tap_trace(r->tap, LADDER_RIGHT, recs, nrecs);
}

static void on_end(void *ctx, const la_end *end) {
  struct run *r = ctx;
  if (r->tap)
    la__tap_flush(r->tap);
  la__print_end(stdout, end, r->args->json);
}

static void on_signal(void *ctx, int fd) {
  struct run *r = ctx;
  if (la__signal_take(fd)) {
    r->impatient = r->stop; /* the second one does not wait */
    r->stop = true;
  }
}

static int open_device(struct run *r) {
  const struct args *a = r->args;
  char err[160];
  la_driver *d = la_tun_open(a->tun, RIG_MTU, err, sizeof err);
  if (!d)
    return la__fail(a->cmd, "%s", err);
  if (!la_host_add_link(r->host, r->rig.stack, r->rig.link, d)) {
    d->close(d);
    return la__fail(a->cmd, "%s: %s", a->tun, strerror(errno));
  }
  for (unsigned i = 0; i < a->nhost; i++)
    if (!la_tun_host_addr(a->tun, &a->host_addr[i].addr, a->host_addr[i].prefix_len, RIG_MTU, err, sizeof err))
      return la__fail(a->cmd, "%s", err);
  return EXIT_OK;
}

static int open_observer(struct run *r) {
  const struct args *a = r->args;
  char err[160];
  if (a->pcapng && !(r->pcapng = la_pcapng_open(a->pcapng, err, sizeof err)))
    return la__fail(a->cmd, "%s", err);
  if (!a->verbose && !a->pcapng)
    return EXIT_OK;
  struct tap_opts opts = {
    .out = a->verbose ? stdout : NULL, .style = la__ladder_style(stdout), .pcapng = r->pcapng, .names = {"peer", "lastack"}};
  opts.style.ascii = opts.style.ascii || a->ascii;
  r->tap = la__tap_new(&opts);
  return r->tap ? EXIT_OK : la__fail(a->cmd, "out of memory");
}

/* What can fail without a trace comes first, the file last. */
static int set_up(struct run *r) {
  const struct args *a = r->args;
  const int signals[] = {SIGINT, SIGTERM};
  bool observed = a->verbose || a->pcapng;
  if (a->root && (r->site.root = open(a->root, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
    return la__fail(a->cmd, "%s: %s", a->root, strerror(errno));
  if (la__rig_new(&r->rig, a->cmd, &(struct rig_opts){.preset = LA_PRESET_LINUX, .msl = a->msl, .traced = observed}))
    return EXIT_FAIL;
  for (unsigned i = 0; i < a->naddr; i++)
    if (la__rig_addr(&r->rig, a->cmd, &a->addr[i]))
      return EXIT_FAIL;
  const la_host_hooks hooks = {.work = on_work, .packet = observed ? on_packet : NULL, .trace = observed ? on_trace : NULL, .ctx = r};
  r->host = la_host_new();
  r->signals = la__signals(signals, 2);
  if (!r->host || r->signals < 0 || !la_host_add_stack(r->host, r->rig.stack, &hooks) || !la_host_watch(r->host, r->signals, on_signal, r))
    return la__fail(a->cmd, "cannot set up the event loop: %s", strerror(errno));
  r->server = (struct server){.stack = r->rig.stack, .service = a->service, .site = &r->site, .ended = on_end, .ctx = r};
  int err = la__server_listen(&r->server, a->port);
  if (err)
    return la__fail(a->cmd, "port %u: %s", a->port, la_err_name(err));
  if (open_device(r))
    return EXIT_FAIL;
  return open_observer(r);
}

static void announce(const struct args *a) {
  char text[LA_ADDR_TEXT];
  printf("lastack: serving on ");
  for (unsigned i = 0; i < a->naddr; i++)
    printf("%s%s:%u", i ? ", " : "", la_addr_text(&a->addr[i].addr, text), a->port);
  printf(" over %s\n", a->tun);
  fflush(stdout);
}

static bool turn(struct run *r, la_time until) {
  la_time sweep = la__server_deadline(&r->server);
  return la_host_turn(r->host, sweep < until ? sweep : until);
}

static int serve(struct run *r) {
  bool ok = true;
  announce(r->args);
  while (ok && !r->stop)
    ok = turn(r, LA_NEVER);
  la_time now = la_host_now(r->host), deadline = now + DRAIN;
  la__server_stop(&r->server, deadline, now);
  /* A little longer than the deadline: what is reset then still has to send its RST and to tell its end. */
  while (ok && !r->impatient && r->server.count && la_host_now(r->host) < deadline + LA_SEC / 4)
    ok = turn(r, deadline + LA_SEC / 4);
  if (ok)
    return EXIT_OK;
  return errno == ENETDOWN ? la__fail(r->args->cmd, "%s: the device is gone", r->args->tun)
                           : la__fail(r->args->cmd, "cannot wait: %s", strerror(errno));
}

static int tear_down(struct run *r, int status) {
  la__tap_free(r->tap);
  if (!la_pcapng_close(r->pcapng) && !status)
    status = la__fail(r->args->cmd, "%s: cannot write: %s", r->args->pcapng, strerror(errno));
  la_host_free(r->host);
  la__server_free(&r->server);
  la__rig_free(&r->rig);
  if (r->signals >= 0)
    close(r->signals);
  if (r->site.root >= 0)
    close(r->site.root);
  return status;
}

int la__cmd_serve(int argc, char **argv) {
  static const struct argp argp = {
    .options = options, .parser = parse, .doc = "Serves on a TUN device until SIGINT or SIGTERM, and tells how each connection ended."};
  struct args a = {.cmd = argv[0], .tun = "lastack0"};
  la__args(&argp, argc, argv, 0, &a);
  struct run r = {.args = &a, .signals = -1, .site = {.root = -1, .page = -1}};
  int status = set_up(&r);
  if (!status)
    status = serve(&r);
  return tear_down(&r, status);
}
