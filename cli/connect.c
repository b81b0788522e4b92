/* SPDX-License-Identifier: MIT */
/*
 * lastack connect: standard input to a peer, and what it says to standard output. It ends when both directions have ended; a
 * signal or a broken descriptor releases the connection within a bounded time.
 */
#include <signal.h>
#include <string.h>

#include "cli/node.h"
#include "cli/pump.h"

/* Beside cli.h's. */
enum { EXIT_REFUSED = 3, EXIT_TIMED_OUT = 4, EXIT_RESET = 5, EXIT_UNREACHABLE = 6 };

struct args {
  struct node_args node;
  const char *host;
  la_addr to;
  uint16_t port, local_port;
  bool abort, keepalive;
  unsigned timeout, keep[3]; /* seconds, 0: the stack's own; idle, interval, count */
};

enum { OPT_ABORT = 256, OPT_KEEPALIVE, OPT_TIMEOUT, OPT_LOCAL_PORT };

static const struct argp_option options[] = {
  {0, 0, 0, 0, "How:", 1},
  {"abort", OPT_ABORT, NULL, 0, "at the end of input RST instead of FIN, once the peer has acknowledged everything", 1},
  {"keepalive", OPT_KEEPALIVE, "IDLE,INTERVAL,COUNT", 0,
   "probe a silent peer: after IDLE seconds, then every INTERVAL seconds, COUNT times", 1},
  {"timeout", OPT_TIMEOUT, "SEC", 0, "give up opening after SEC seconds (default 127)", 1},
  {"local-port", OPT_LOCAL_PORT, "N", 0, "our port (default: an unpredictable one)", 1},
  {0},
};

static void keepalive(struct args *a, const char *text) {
  static const unsigned max[3] = {65535, 65535, 255};
  char part[3][8], more;
  if (sscanf(text, "%7[0-9],%7[0-9],%7[0-9]%c", part[0], part[1], part[2], &more) != 3)
    la__usage(a->node.cmd, "--keepalive %s: not three whole numbers, like 60,10,5", text);
  for (unsigned i = 0; i < 3; i++)
    a->keep[i] = (unsigned)la__number(a->node.cmd, "--keepalive", part[i], 1, max[i]);
  a->keepalive = true;
}

static void argument(struct args *a, unsigned i, const char *text) {
  if (i > 1)
    la__usage(a->node.cmd, "%s: no more than HOST and PORT are expected", text);
  if (i == 1)
    a->port = (uint16_t)la__number(a->node.cmd, "PORT", text, 1, 65535);
  else if (la_addr_parse(text, &a->to))
    a->host = text;
  else
    la__usage(a->node.cmd, "%s: not an IPv4 or IPv6 address", text);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct args *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &a->node;
    break;
  case OPT_ABORT:
    a->abort = true;
    break;
  case OPT_KEEPALIVE:
    keepalive(a, arg);
    break;
  case OPT_TIMEOUT:
    a->timeout = (unsigned)la__number(a->node.cmd, "--timeout", arg, 1, 86400);
    break;
  case OPT_LOCAL_PORT:
    a->local_port = (uint16_t)la__number(a->node.cmd, "--local-port", arg, 1, 65535);
    break;
  case ARGP_KEY_ARG:
    argument(a, state->arg_num, arg);
    break;
  case ARGP_KEY_END:
    if (!a->host || !a->port)
      la__usage(a->node.cmd, "HOST and PORT are needed");
    la__node_args_done(&a->node, a->to.family);
    break;
  default:
    return ARGP_ERR_UNKNOWN;
  }
  return 0;
}

struct run {
  const struct args *args;
  struct node node;
  struct pump pump;
  bool established, ended;
  la_end end;
};

static void established(struct run *r, la_time now) {
  r->established = true;
  la_set_option(r->node.rig.stack, r->pump.conn, LA_OPT_USER_TIMEOUT, 0, now); /* it was for the SYN */
}

static void on_work(void *ctx, la_time now) {
  struct run *r = ctx;
  la_event ev;
  while (la_events(r->node.rig.stack, &ev, 1)) {
    if (ev.type == LA_EVENT_ESTABLISHED)
      established(r, now);
    if (ev.type == LA_EVENT_END) {
      r->ended = true;
      r->end = ev.end;
    }
  }
  if (r->established)
    la__pump_run(&r->pump, now);
  else if (r->ended)
    la__pump_stop(&r->pump);
}

static int set_options(struct run *r, la_time now) {
  static const enum la_opt keep[3] = {LA_OPT_KEEPIDLE, LA_OPT_KEEPINTVL, LA_OPT_KEEPCNT};
  const struct args *a = r->args;
  la_stack *s = r->node.rig.stack;
  la_conn c = r->pump.conn;
  int err = LA_OK;
  for (unsigned i = 0; i < 3 && a->keepalive && !err; i++)
    err = la_set_option(s, c, keep[i], a->keep[i], now);
  if (a->keepalive && !err)
    err = la_set_option(s, c, LA_OPT_KEEPALIVE, 1, now);
  if (a->timeout && !err)
    err = la_set_option(s, c, LA_OPT_USER_TIMEOUT, (int64_t)a->timeout * 1000, now);
  return err;
}

static int start(struct run *r) {
  const struct args *a = r->args;
  const la_connect_opts opts = {.remote = a->to, .remote_port = a->port, .local_port = a->local_port};
  if (la__node_new(&r->node) || la__node_open(&r->node) || la__node_settle(&r->node))
    return EXIT_FAIL;
  la_time now = la_host_now(r->node.host);
  r->pump.cmd = a->node.cmd;
  r->pump.host = r->node.host;
  r->pump.stack = r->node.rig.stack;
  r->pump.abort = a->abort;
  int err = la_connect(r->node.rig.stack, &opts, &r->pump.conn, now);
  if (!err)
    err = set_options(r, now);
  if (!err)
    return EXIT_OK;
  la__fail(a->node.cmd, "%s port %u: %s", a->host, a->port, la_err_name(err));
  return err == LA_ENETUNREACH || err == LA_EHOSTUNREACH ? EXIT_UNREACHABLE : EXIT_FAIL;
}

/* What is told to the shell. A SYN that met routers' refusals until its time was up was not merely unanswered (RFC 1122 4.2.3.9). */
static int status_of(const la_end *e) {
  bool away = e->soft_err == LA_ENETUNREACH || e->soft_err == LA_EHOSTUNREACH;
  switch (e->err) {
  case LA_OK:
    return EXIT_OK;
  case LA_ECONNABORTED:
    return e->why == LA_WHY_ABORT ? EXIT_OK : EXIT_FAIL; /* as asked for */
  case LA_ECONNREFUSED:
    return EXIT_REFUSED;
  case LA_ETIMEDOUT:
    return away ? EXIT_UNREACHABLE : EXIT_TIMED_OUT;
  case LA_ECONNRESET:
    return EXIT_RESET;
  case LA_ENETUNREACH:
  case LA_EHOSTUNREACH:
    return EXIT_UNREACHABLE;
  default:
    return EXIT_FAIL;
  }
}

static void on_ended(void *ctx, const la_event *end) {
  struct run *r = ctx;
  r->ended = true;
  r->end = end->end;
}

static int transfer(struct run *r) {
  bool ok = true;
  while (ok && !la__node_stopped(&r->node) && !r->pump.failed && !(r->ended && la__pump_done(&r->pump)))
    ok = la__node_turn(&r->node, LA_NEVER);
  bool whole = ok && r->ended && la__pump_done(&r->pump) && !r->pump.failed;
  if (!ok)
    return la__node_broken(&r->node);
  la__pump_stop(&r->pump);
  if (!la__node_drain(&r->node))
    return la__node_broken(&r->node);
  if (r->ended)
    la__node_end(&r->node, &r->end);
  if (whole)
    return status_of(&r->end);
  return r->pump.failed ? EXIT_FAIL : la__fail(r->args->node.cmd, "interrupted");
}

int la__cmd_connect(int argc, char **argv) {
  static const struct argp_child children[] = {{.argp = &la__node_argp}, {0}};
  static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "HOST PORT",
    .doc = "Sends standard input to a peer by TCP over a TUN device, or as a host beside others, and writes what the peer sends to "
           "standard output. The end of "
           "input is told to the peer (half-close), and reading goes on until the peer's end.\v"
           "Ladder and ending go to standard error.\n\n"
           "Exit status: 0 both directions came to their end; 1 something failed here, or a signal came; 2 wrong usage; "
           "3 refused; 4 timed out (opening, retransmission, keepalive); 5 reset by the peer; 6 unreachable.",
    .children = children};
  struct args a = {.node.cmd = argv[0]};
  la__args(&argp, argc, argv, 0, &a);
  static struct run r; /* its buffers are large for a stack */
  r.args = &a;
  r.node = (struct node){.args = &a.node, .out = stderr, .side = LADDER_LEFT, .work = on_work, .ended = on_ended, .ctx = &r};
  signal(SIGPIPE, SIG_IGN);
  la__pump_init(&r.pump);
  int status = start(&r);
  if (!status)
    status = transfer(&r);
  la__pump_free(&r.pump);
  return la__node_free(&r.node, status);
}
