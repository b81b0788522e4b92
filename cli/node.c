/* SPDX-License-Identifier: MIT */
#include "cli/node.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAIN (2 * LA_SEC)
enum {
  OPT_TUN = 512,
  OPT_TAP,
  OPT_PACKET,
  OPT_MAC,
  OPT_GATEWAY,
  OPT_NO_PROBE,
  OPT_ADDR,
  OPT_HOST_ADDR,
  OPT_PCAPNG,
  OPT_MSL,
  OPT_JSON,
  OPT_ASCII,
  OPT_FAULT,
  OPT_OFFLOAD,
  OPT_MONITOR,
  OPT_EVENTS,
  OPT_DETAIL
};
enum { OFFLOAD_ALL = LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6 | LA_OFFLOAD_TSO_ECN };

static const struct argp_option options[] = {
  {0, 0, 0, 0, "Where:", 2},
  {"tun", OPT_TUN, "NAME", 0, "the TUN device, made if it does not exist (default lastack0)", 2},
  {"tap", OPT_TAP, "NAME", 0, "instead, a TAP device: Ethernet, with ARP and Neighbor Discovery", 2},
  {"packet", OPT_PACKET, "IF", 0,
   "instead, an Ethernet interface that is there, as a station of our own beside the kernel's; needs --addr, one that nobody has", 2},
  {"mac", OPT_MAC, "MAC", 0, "with --tap or --packet: our hardware address (default: made from the first --addr)", 2},
  {"gateway", OPT_GATEWAY, "A", 0, "with --tap or --packet: the router to everything beyond the prefixes of --addr; one for each family",
   2},
  {"no-probe", OPT_NO_PROBE, NULL, 0, "with --tap or --packet: use our addresses without asking whether somebody has them (4 to 7 s)", 2},
  {"addr", OPT_ADDR, "A/LEN", 0, "an address of ours; repeatable (default 10.77.0.1/24, to an IPv6 HOST fd77::1/64)", 2},
  {"host-addr", OPT_HOST_ADDR, "A/LEN", 0,
   "an address of the kernel's on the device; repeatable (default 10.77.0.2/24 or fd77::2/64 if --addr is not given either, else left as "
   "it is)",
   2},
  {"msl", OPT_MSL, "SEC", 0, "maximum segment lifetime: TIME-WAIT lasts twice as long (default 30)", 2},
  {"offload", OPT_OFFLOAD, "none|sum|all", 0,
   "what is left to the kernel: checksums, or also the cutting and joining of segments (default all, as far as the kernel can)", 2},
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

static void choose_device(struct node_args *a, enum node_kind kind, const char *what, const char *name) {
  if (!la_tun_name_valid(name))
    la__usage(a->cmd, "%s %s: not a name for a device: 1 to 15 characters, no / and no %%", what, name);
  if (a->device && (a->kind != kind || kind != NODE_TUN))
    la__usage(a->cmd, "%s %s: only one of --tun, --tap and --packet", what, name);
  a->device = name;
  a->kind = kind;
}

static void add_gateway(struct node_args *a, const char *text) {
  la_addr g;
  if (!la_addr_parse(text, &g))
    la__usage(a->cmd, "--gateway %s: not an IPv4 or IPv6 address", text);
  for (unsigned i = 0; i < a->ngateway; i++)
    if (a->gateway[i].family == g.family)
      la__usage(a->cmd, "--gateway %s: one for each family is enough", text);
  a->gateway[a->ngateway++] = g;
}

static unsigned offload_of(const char *cmd, const char *text) {
  if (strcmp(text, "none") && strcmp(text, "sum") && strcmp(text, "all"))
    la__usage(cmd, "--offload %s: none, sum or all is expected", text);
  return *text == 'n' ? 0 : *text == 's' ? LA_OFFLOAD_SUM : OFFLOAD_ALL;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct node_args *a = state->input;
  char err[160];
  switch (key) {
  case ARGP_KEY_INIT:
    a->device = NULL;
    a->offload = OFFLOAD_ALL;
    break;
  case OPT_TUN:
    choose_device(a, NODE_TUN, "--tun", arg);
    break;
  case OPT_TAP:
    choose_device(a, NODE_TAP, "--tap", arg);
    break;
  case OPT_PACKET:
    choose_device(a, NODE_PACKET, "--packet", arg);
    break;
  case OPT_MAC:
    if (!la_mac_parse(arg, a->mac))
      la__usage(a->cmd, "--mac %s: not the hardware address of a station, like 02:00:00:00:00:01", arg);
    break;
  case OPT_GATEWAY:
    add_gateway(a, arg);
    break;
  case OPT_NO_PROBE:
    a->no_probe = true;
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
  case OPT_OFFLOAD:
    a->offload = offload_of(a->cmd, arg);
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

/* Of a station that has no address burnt in: made from the IP address, and marked as made up (RFC 9542 2.1). */
static void default_mac(struct node_args *a) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
  for (unsigned i = 0; i < sizeof a->addr[0].addr.b; i++)
    hash = (hash ^ a->addr[0].addr.b[i]) * UINT64_C(0x100000001b3);
  a->mac[0] = 0x12;
  for (unsigned i = 1; i < LA_MAC; i++)
    a->mac[i] = (uint8_t)(hash >> 8 * i);
}

static void ether_args_done(const struct node_args *a) {
  static const uint8_t none[LA_MAC];
  if (a->kind == NODE_TUN && (memcmp(a->mac, none, LA_MAC) || a->ngateway || a->no_probe))
    la__usage(a->cmd, "--mac, --gateway and --no-probe are for --tap and --packet");
  if (a->kind == NODE_PACKET && !a->naddr)
    la__usage(a->cmd, "--packet needs --addr: an address on that network that nobody has");
  if (a->kind == NODE_PACKET && a->nhost)
    la__usage(a->cmd, "--host-addr is for --tun and --tap: the addresses of an interface that is there stay as they are");
}

void la__node_args_done(struct node_args *a, unsigned family) {
  char text[LA_ADDR_TEXT];
  if (a->json && a->verbose)
    la__usage(a->cmd, "--json and --verbose exclude each other");
  la__log_check(&a->log, a->cmd);
  ether_args_done(a);
  if (!a->naddr && !a->nhost)
    add_addr(a, a->host_addr, &a->nhost, NODE_HOST_ADDRS, "--host-addr", family == 6 ? "fd77::2/64" : "10.77.0.2/24");
  if (!a->naddr)
    add_addr(a, a->addr, &a->naddr, NODE_ADDRS, "--addr", family == 6 ? "fd77::1/64" : "10.77.0.1/24");
  if (!a->device)
    a->device = "lastack0";
  if (!(a->mac[0] | a->mac[1] | a->mac[2] | a->mac[3] | a->mac[4] | a->mac[5]))
    default_mac(a);
  for (unsigned i = 0; i < a->naddr; i++)
    for (unsigned j = 0; j < a->nhost; j++)
      if (la_addr_same(&a->addr[i].addr, &a->host_addr[j].addr))
        la__usage(a->cmd, "%s: cannot be both --addr and --host-addr", la_addr_text(&a->addr[i].addr, text));
}

static void on_work(void *ctx, la_time now) {
  struct node *n = ctx;
  n->work(n->ctx, now);
}

static void on_packet(void *ctx, la_link link, la_time at, bool outbound, uint32_t number, const la_frame *frame, const la_trace_rec *recs,
                      size_t nrecs) {
  struct node *n = ctx;
  (void)link;
  (void)number;
  if (n->events)
    la__events_put(n->events, n->rig.stack, recs, nrecs);
  if (n->tap)
    la__tap_packet(n->tap, n->side, at, outbound, frame, recs, nrecs);
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

/* Everything that is not ours is behind the one link: on TUN the kernel routes it on, else the router that was named. */
static int add_routes(struct node *n) {
  const struct node_args *a = n->args;
  const struct rig *r = &n->rig;
  const la_addr any[] = {{.family = 4}, {.family = 6}};
  char text[LA_ADDR_TEXT];
  for (unsigned i = 0; i < 2 && a->kind == NODE_TUN; i++)
    if (la_route_add(r->stack, &any[i], 0, r->link) != LA_OK)
      return la__fail(a->cmd, "out of memory");
  for (unsigned i = 0; i < a->ngateway; i++) {
    const la_addr *g = &a->gateway[i];
    int err = la_route_add_via(r->stack, &any[g->family == 6], 0, r->link, g);
    if (err != LA_OK)
      return la__fail(a->cmd, "--gateway %s: not an address that a router can have: %s", la_addr_text(g, text), la_err_name(err));
  }
  return EXIT_OK;
}

/* The device comes first: its MTU is the link's. */
static int open_driver(struct node *n) {
  const struct node_args *a = n->args;
  char err[160];
  n->driver = a->kind == NODE_PACKET ? la_packet_open(a->device, a->mac, err, sizeof err)
              : a->kind == NODE_TAP  ? la_tap_open_offload(a->device, RIG_MTU, a->offload, err, sizeof err)
                                     : la_tun_open_offload(a->device, RIG_MTU, a->offload, err, sizeof err);
  if (!n->driver)
    return la__fail(a->cmd, "%s", err);
  n->driver->offload &= a->offload; /* a packet socket could do everything */
  if (!a->fault)
    return EXIT_OK;
  la_driver *bad = la_fault_new(n->driver, a->fault, err, sizeof err);
  if (!bad)
    return la__fail(a->cmd, "--fault %s: %s", a->fault, err);
  n->driver = bad;
  return EXIT_OK;
}

int la__node_new(struct node *n) {
  const struct node_args *a = n->args;
  const int signals[] = {SIGINT, SIGTERM};
  if (open_driver(n))
    return EXIT_FAIL;
  const struct rig_opts opts = {.preset = LA_PRESET_LINUX,
                                .msl = a->msl,
                                .traced = observed(n),
                                .counted = monitored(n),
                                .mtu = n->driver->mtu,
                                .mac = n->driver->header ? a->mac : NULL,
                                .no_probe = a->no_probe};
  if (la__rig_new(&n->rig, a->cmd, &opts))
    return EXIT_FAIL;
  for (unsigned i = 0; i < a->naddr; i++)
    if (la__rig_addr(&n->rig, a->cmd, &a->addr[i]))
      return EXIT_FAIL;
  const la_host_hooks hooks = {
    .work = on_work, .packet = observed(n) ? on_packet : NULL, .trace = observed(n) ? on_trace : NULL, .ended = on_ended, .ctx = n};
  n->host = la_host_new();
  if (!n->host || !la_host_stop_on(n->host, signals, 2) || !la_host_add_stack(n->host, n->rig.stack, &hooks))
    return la__fail(a->cmd, "cannot set up the event loop: %s", strerror(errno));
  return add_routes(n);
}

static int open_device(struct node *n) {
  const struct node_args *a = n->args;
  char err[160];
  if (!la_host_add_link(n->host, n->rig.stack, n->rig.link, n->driver))
    return la__fail(a->cmd, "%s: %s", a->device, strerror(errno));
  n->driver = NULL;
  for (unsigned i = 0; i < a->nhost; i++)
    if (!la_tun_host_addr(a->device, &a->host_addr[i].addr, a->host_addr[i].prefix_len, RIG_MTU, err, sizeof err))
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
  if (a->pcapng && !(n->pcapng = (a->kind == NODE_TUN ? la_pcapng_open : la_pcapng_open_ether)(a->pcapng, err, sizeof err)))
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

int la__node_settle(struct node *n) {
  const struct node_args *a = n->args;
  char text[LA_ADDR_TEXT];
  for (unsigned i = 0; i < a->naddr && !la__node_stopped(n);) {
    enum la_addr_state st = la_addr_state_get(n->rig.stack, n->rig.link, &a->addr[i].addr);
    if (st == LA_ADDR_DUPLICATE)
      return la__fail(a->cmd, "%s: another host has this address", la_addr_text(&a->addr[i].addr, text));
    if (st != LA_ADDR_TENTATIVE)
      i++;
    else if (!la__node_turn(n, LA_NEVER))
      return la__node_broken(n);
  }
  return EXIT_OK;
}

bool la__node_drain(struct node *n) {
  bool ok = true;
  la_host_release(n->host, DRAIN);
  while (ok && !la_host_released(n->host))
    ok = la__node_turn(n, LA_NEVER);
  return ok;
}

int la__node_broken(const struct node *n) {
  return errno == ENETDOWN ? la__fail(n->args->cmd, "%s: the device is gone, or down", n->args->device)
                           : la__fail(n->args->cmd, "cannot wait: %s", strerror(errno));
}

int la__node_free(struct node *n, int status) {
  la__tap_free(n->tap);
  la__events_free(n->events);
  status = la__log_close(&n->args->log, n->args->cmd, n->log, status);
  if (!la_pcapng_close(n->pcapng) && !status)
    status = la__fail(n->args->cmd, "%s: cannot write: %s", n->args->pcapng, strerror(errno));
  la_host_free(n->host);
  if (n->driver)
    n->driver->close(n->driver);
  la__rig_free(&n->rig);
  return status;
}
