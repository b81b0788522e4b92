/* SPDX-License-Identifier: MIT */
#include "cli/node.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAIN (2 * LA_SEC)
enum { OPT_TUN = 512, OPT_ADDR, OPT_HOST_ADDR, OPT_PCAPNG, OPT_MSL, OPT_JSON, OPT_ASCII, OPT_FAULT, OPT_MONITOR, OPT_EVENTS, OPT_DETAIL };

static const struct argp_option options[] = {
  {0, 0, 0, 0, "Where:", 2},
  {"tun", OPT_TUN, "NAME", 0, "the TUN device, made if it does not exist (default lastack0)", 2},
  {"addr", OPT_ADDR, "A/LEN", 0, "an address of ours; repeatable (default 10.77.0.1/24, to an IPv6 HOST fd77::1/64)", 2},
  {"host-addr", OPT_HOST_ADDR, "A/LEN", 0,
   "an address of the kernel's on the device; repeatable (default 10.77.0.2/24 or fd77::2/64 if --addr is not given either, else left as "
   "it is)",
   2},
  {"msl", OPT_MSL, "SEC", 0, "maximum segment lifetime: TIME-WAIT lasts twice as long (default 30)", 2},
  {"fault", OPT_FAULT, "SPEC", 0,
   "make the wire a bad one: drop=5%,dup=2%,reorder=1%,corrupt=1%,delay=20ms,jitter=5ms,seed=7, or rules such as drop:in:fin:1 "
   "(the first FIN to us)",
   2},
  {0, 0, 0, 0, "What to tell:", 3},
  {"verbose", 'v', NULL, 0, "draw a ladder as it happens", 3},
  {"ascii", OPT_ASCII, NULL, 0, "draw without line-drawing characters", 3},
  {"json", OPT_JSON, NULL, 0, "the end of each connection as a JSON object", 3},
  {"pcapng", OPT_PCAPNG, "FILE", 0, "write every packet to FILE, with comments", 3},
  LOG_OPTIONS(OPT_EVENTS, OPT_DETAIL, 3),
  {"monitor", OPT_MONITOR, "PATH", 0,
   "the Unix socket on which ss, top and metrics find this process (default: PID.sock in $XDG_RUNTIME_DIR/lastack or /run/lastack, where "
   "there is such a folder or one can be made; off: none)",
   3},
  {0},
};

static void add_addr(const struct node_args *a, struct net_addr *list, unsigned *n, unsigned max, const char *what, const char *text) {
  struct net_addr addr = la__net_addr(a->cmd, what, text);
  if (*n == max)
    la__usage(a->cmd, "%s %s: no more than %u of them", what, text, max);
  for (unsigned i = 0; i < *n; i++)
    if (la_addr_same(&list[i].addr, &addr.addr))
      la__usage(a->cmd, "%s %s: given twice", what, text);
  list[(*n)++] = addr;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct node_args *a = state->input;
  char err[160];
  switch (key) {
  case ARGP_KEY_INIT:
    a->tun = "lastack0";
    break;
  case OPT_TUN:
    if (!la_tun_name_valid(arg))
      la__usage(a->cmd, "--tun %s: not a name for a device: 1 to 15 characters, no / and no %%", arg);
    a->tun = arg;
    break;
  case OPT_ADDR:
    add_addr(a, a->addr, &a->naddr, NODE_ADDRS, "--addr", arg);
    break;
  case OPT_HOST_ADDR:
    add_addr(a, a->host_addr, &a->nhost, NODE_HOST_ADDRS, "--host-addr", arg);
    break;
  case OPT_MSL:
    a->msl = la__number(a->cmd, "--msl", arg, 1, 86400) * LA_SEC;
    break;
  case OPT_FAULT:
    if (!la_fault_check(arg, err, sizeof err))
      la__usage(a->cmd, "--fault %s: %s", arg, err);
    a->fault = arg;
    break;
  case OPT_PCAPNG:
    a->pcapng = arg;
    break;
  case OPT_EVENTS:
    a->log.path = arg;
    break;
  case OPT_DETAIL:
    la__log_detail(&a->log, a->cmd, arg);
    break;
  case OPT_MONITOR:
    a->monitor = arg;
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
  default:
    return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

const struct argp la__node_argp = {.options = options, .parser = parse};

void la__node_args_done(struct node_args *a, unsigned family) {
  char text[LA_ADDR_TEXT];
  if (a->json && a->verbose)
    la__usage(a->cmd, "--json and --verbose exclude each other");
  la__log_check(&a->log, a->cmd);
  if (!a->naddr && !a->nhost)
    add_addr(a, a->host_addr, &a->nhost, NODE_HOST_ADDRS, "--host-addr", family == 6 ? "fd77::2/64" : "10.77.0.2/24");
  if (!a->naddr)
    add_addr(a, a->addr, &a->naddr, NODE_ADDRS, "--addr", family == 6 ? "fd77::1/64" : "10.77.0.1/24");
  for (unsigned i = 0; i < a->naddr; i++)
    for (unsigned j = 0; j < a->nhost; j++)
      if (la_addr_same(&a->addr[i].addr, &a->host_addr[j].addr))
        la__usage(a->cmd, "%s: cannot be both --addr and --host-addr", la_addr_text(&a->addr[i].addr, text));
}

static void on_work(void *ctx, la_time now) {
  struct node *n = ctx;
  n->work(n->ctx, now);
}

static void on_packet(void *ctx, la_link link, la_time at, bool outbound, uint32_t number, const uint8_t *data, uint32_t len,
                      const la_trace_rec *recs, size_t nrecs) {
  struct node *n = ctx;
  (void)link;
  (void)number;
  if (n->events)
    la__events_put(n->events, n->rig.stack, recs, nrecs);
  if (n->tap)
    la__tap_packet(n->tap, n->side, at, outbound, data, len, recs, nrecs);
}

static void on_trace(void *ctx, const la_trace_rec *recs, size_t nrecs) {
  struct node *n = ctx;
  if (n->events)
    la__events_put(n->events, n->rig.stack, recs, nrecs);
  if (n->tap)
    la__tap_trace(n->tap, n->side, recs, nrecs);
}

static void on_ended(void *ctx, const la_event *end) {
  struct node *n = ctx;
  n->ended(n->ctx, end);
}

static bool tapped(const struct node *n) { return n->args->verbose || n->args->pcapng; }
static bool observed(const struct node *n) { return tapped(n) || n->args->log.path; }

static bool monitored(const struct node *n) { return !n->args->monitor || strcmp(n->args->monitor, "off") != 0; }

/* By default it is there where it can be; where it was asked for it must. */
static int open_monitor(struct node *n) {
  const struct node_args *a = n->args;
  char err[160];
  if (!monitored(n) || la_host_monitor(n->host, a->monitor, a->cmd, err, sizeof err) || !a->monitor)
    return EXIT_OK;
  return la__fail(a->cmd, "--monitor %s", err);
}

/* Everything that is not ours is behind the one link: the kernel routes it on. */
static bool add_routes(struct rig *r) {
  const la_addr any4 = {.family = 4}, any6 = {.family = 6};
  return la_route_add(r->stack, &any4, 0, r->link) == LA_OK && la_route_add(r->stack, &any6, 0, r->link) == LA_OK;
}

int la__node_new(struct node *n) {
  const struct node_args *a = n->args;
  const int signals[] = {SIGINT, SIGTERM};
  if (la__rig_new(&n->rig, a->cmd,
                  &(struct rig_opts){.preset = LA_PRESET_LINUX, .msl = a->msl, .traced = observed(n), .counted = monitored(n)}))
    return EXIT_FAIL;
  for (unsigned i = 0; i < a->naddr; i++)
    if (la__rig_addr(&n->rig, a->cmd, &a->addr[i]))
      return EXIT_FAIL;
  const la_host_hooks hooks = {
    .work = on_work, .packet = observed(n) ? on_packet : NULL, .trace = observed(n) ? on_trace : NULL, .ended = on_ended, .ctx = n};
  n->host = la_host_new();
  if (!n->host || !la_host_stop_on(n->host, signals, 2) || !la_host_add_stack(n->host, n->rig.stack, &hooks))
    return la__fail(a->cmd, "cannot set up the event loop: %s", strerror(errno));
  return add_routes(&n->rig) ? EXIT_OK : la__fail(a->cmd, "out of memory");
}

static int open_device(struct node *n) {
  const struct node_args *a = n->args;
  char err[160];
  la_driver *d = la_tun_open(a->tun, RIG_MTU, err, sizeof err);
  if (!d)
    return la__fail(a->cmd, "%s", err);
  if (a->fault) {
    la_driver *bad = la_fault_new(d, a->fault, err, sizeof err);
    if (!bad) {
      d->close(d);
      return la__fail(a->cmd, "--fault %s: %s", a->fault, err);
    }
    d = bad;
  }
  if (!la_host_add_link(n->host, n->rig.stack, n->rig.link, d)) {
    d->close(d);
    return la__fail(a->cmd, "%s: %s", a->tun, strerror(errno));
  }
  for (unsigned i = 0; i < a->nhost; i++)
    if (!la_tun_host_addr(a->tun, &a->host_addr[i].addr, a->host_addr[i].prefix_len, RIG_MTU, err, sizeof err))
      return la__fail(a->cmd, "%s", err);
  return EXIT_OK;
}

static int open_log(struct node *n) {
  const struct node_args *a = n->args;
  struct timespec real;
  clock_gettime(CLOCK_REALTIME, &real);
  struct events_opts opts = {.title = a->cmd, .detail = a->log.detail, .zero = la_host_now(n->host)};
  opts.unix_ns = (uint64_t)real.tv_sec * 1000000000 + (uint64_t)real.tv_nsec;
  if (!(n->log = la__log_open(&a->log, a->cmd)))
    return EXIT_FAIL;
  n->events = la__events_new(n->log, &opts);
  if (!n->events)
    return la__fail(a->cmd, "out of memory");
  la__events_started(n->events, opts.zero);
  return EXIT_OK;
}

static int open_observer(struct node *n) {
  const struct node_args *a = n->args;
  char err[160];
  if (a->pcapng && !(n->pcapng = la_pcapng_open(a->pcapng, err, sizeof err)))
    return la__fail(a->cmd, "%s", err);
  if (a->log.path && open_log(n))
    return EXIT_FAIL;
  if (!tapped(n))
    return EXIT_OK;
  struct tap_opts opts = {.out = a->verbose ? n->out : NULL, .style = la__ladder_style(n->out), .pcapng = n->pcapng};
  opts.names[n->side] = "lastack";
  opts.names[!n->side] = "peer";
  opts.style.ascii = opts.style.ascii || a->ascii;
  n->tap = la__tap_new(&opts);
  return n->tap ? EXIT_OK : la__fail(a->cmd, "out of memory");
}

/* What can fail without a trace comes first, the file last. */
int la__node_open(struct node *n) { return open_device(n) || open_monitor(n) || open_observer(n) ? EXIT_FAIL : EXIT_OK; }

void la__node_end(struct node *n, const la_end *end) {
  if (n->tap)
    la__tap_flush(n->tap);
  la__print_end(n->out, end, n->args->json);
}

bool la__node_turn(struct node *n, la_time until) {
  bool ok = la_host_turn(n->host, until);
  int err = errno;
  if (n->events) {
    uint64_t lost = 0;
    la_trace_read(n->rig.stack, NULL, 0, &lost);
    la__events_lost(n->events, lost);
    la__events_flush(n->events);
  }
  if (n->tap)
    la__tap_settle(n->tap); /* now that this turn's segments have left: before the next one may be a long wait */
  errno = err;
  return ok;
}

bool la__node_drain(struct node *n) {
  bool ok = true;
  la_host_release(n->host, DRAIN);
  while (ok && !la_host_released(n->host))
    ok = la__node_turn(n, LA_NEVER);
  return ok;
}

int la__node_broken(const struct node *n) {
  return errno == ENETDOWN ? la__fail(n->args->cmd, "%s: the device is gone", n->args->tun)
                           : la__fail(n->args->cmd, "cannot wait: %s", strerror(errno));
}

int la__node_free(struct node *n, int status) {
  la__tap_free(n->tap);
  la__events_free(n->events);
  status = la__log_close(&n->args->log, n->args->cmd, n->log, status);
  if (!la_pcapng_close(n->pcapng) && !status)
    status = la__fail(n->args->cmd, "%s: cannot write: %s", n->args->pcapng, strerror(errno));
  la_host_free(n->host);
  la__rig_free(&n->rig);
  return status;
}
