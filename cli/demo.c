/* SPDX-License-Identifier: MIT */
/*
 * lastack demo: a page is fetched over HTTP, and what happens is drawn as it happens. The client is the kernel's curl in a
 * network namespace of this process, the way between them a TUN device; both vanish with the process. Where that cannot be
 * had, the client is a second stack, and the way between them is memory.
 */
#include "cli/demo.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/drawings.h"
#include "cli/rig.h"
#include "cli/serve.h"
#include "cli/tap.h"

#define TUN "lastack0"
#define LIMIT (10 * LA_SEC)
enum { PORT = 80, PAIR_DEPTH = 256 };

static const struct net_addr server_addr = {{.family = 4, .b = {10, 77, 0, 1}}, 24}, client_addr = {{.family = 4, .b = {10, 77, 0, 2}}, 24};

static const char page[] =
  "<!DOCTYPE html>\n"
  "<html lang=\"en\">\n"
  "<head><meta charset=\"utf-8\"><title>lastack</title></head>\n"
  "<body>\n"
  "<h1>It works</h1>\n"
  "<p>This page came out of a TCP/IP stack that is an ordinary program. Its connection was opened with three\n"
  "segments and is about to be released: whoever closes first sends FIN, the other side acknowledges it and sends\n"
  "its own when it has nothing more to say, and the last ACK is never acknowledged. So the side that closed first\n"
  "stays in TIME-WAIT for twice the maximum segment lifetime: to answer once more if that ACK is lost, and to let\n"
  "old duplicates die before the same pair of addresses and ports may be used again.</p>\n"
  "</body>\n"
  "</html>\n";

struct args {
  const char *cmd, *pcapng;
  bool ascii, pair;
  struct drawings draw;
};

struct demo {
  const struct args *args;
  struct rig rig[2]; /* by side: the client's, only over a pair, and the server's */
  la_host *host;
  la_pcapng *pcapng;
  struct tap *tap;
  struct draw_doc doc;
  struct site site;
  struct server server;
  struct demo_client client;
  FILE *say; /* standard error, where a drawing goes to the standard output */
  bool kernel, ended, stop;
  la_end end;
  int signals, curl_out, curl_status;
  pid_t curl; /* 0: not running */
};

enum { OPT_PCAPNG = 256, OPT_ASCII, OPT_PAIR };
static const struct argp_option options[] = {
  {"pcapng", OPT_PCAPNG, "FILE", 0, "where the packets go (default build/demo.pcapng, or lastack-demo.pcapng where there is no build)", 0},
  {"pair", OPT_PAIR, NULL, 0, "between two stacks in memory, without the kernel", 0},
  {"ascii", OPT_ASCII, NULL, 0, "draw without line-drawing characters", 0},
  {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct args *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &a->draw;
    return 0;
  case OPT_PCAPNG:
    a->pcapng = arg;
    return 0;
  case OPT_PAIR:
    a->pair = true;
    return 0;
  case OPT_ASCII:
    a->ascii = true;
    return 0;
  default:
    return la__args_other(key, arg, state, a->cmd);
  }
}

static void server_work(void *ctx, la_time now) {
  struct demo *d = ctx;
  la__server_work(&d->server, now);
  la__tap_settle(d->tap);
}

static void server_packet(void *ctx, la_link link, la_time at, bool outbound, uint32_t number, const la_frame *frame,
                          const la_trace_rec *recs, size_t n) {
  struct demo *d = ctx;
  (void)link;
  (void)number;
  la__tap_packet(d->tap, LADDER_RIGHT, at, outbound, frame, recs, n);
}

static void server_trace(void *ctx, const la_trace_rec *recs, size_t n) {
  struct demo *d = ctx;
  la__tap_trace(d->tap, LADDER_RIGHT, recs, n);
}

static void client_work(void *ctx, la_time now) {
  struct demo *d = ctx;
  la__demo_client_work(&d->client, now);
}

static void client_packet(void *ctx, la_link link, la_time at, bool outbound, uint32_t number, const la_frame *frame,
                          const la_trace_rec *recs, size_t n) {
  struct demo *d = ctx;
  (void)link;
  (void)number;
  la__tap_packet(d->tap, LADDER_LEFT, at, outbound, frame, recs, n);
}

static void client_trace(void *ctx, const la_trace_rec *recs, size_t n) {
  struct demo *d = ctx;
  la__tap_trace(d->tap, LADDER_LEFT, recs, n);
}

static void on_end(void *ctx, const la_end *end) {
  struct demo *d = ctx;
  d->end = *end;
  d->ended = true;
}

static void on_signal(void *ctx, int fd) {
  struct demo *d = ctx;
  int sig = la__signal_take(fd);
  if (sig == SIGCHLD && d->curl > 0 && waitpid(d->curl, &d->curl_status, WNOHANG) == d->curl)
    d->curl = 0;
  else if (sig && sig != SIGCHLD)
    d->stop = true;
}

/* One page, in memory: nothing to be removed afterwards. */
static bool make_page(struct demo *d) {
  d->site.page = memfd_create("index.html", MFD_CLOEXEC);
  return d->site.page >= 0 && write(d->site.page, page, sizeof page - 1) == (ssize_t)sizeof page - 1;
}

static int set_up(struct demo *d) {
  const char *cmd = d->args->cmd;
  const int signals[] = {SIGINT, SIGTERM, SIGCHLD};
  const la_host_hooks hooks = {.work = server_work, .packet = server_packet, .trace = server_trace, .ctx = d};
  struct rig *r = &d->rig[LADDER_RIGHT];
  if (la__rig_new(r, cmd, &(struct rig_opts){.preset = LA_PRESET_LINUX, .traced = true}) || la__rig_addr(r, cmd, &server_addr))
    return EXIT_FAIL;
  d->host = la_host_new();
  d->signals = la__signals(signals, 3);
  if (!d->host || d->signals < 0 || !make_page(d) || !la_host_add_stack(d->host, r->stack, &hooks) ||
      !la_host_watch(d->host, d->signals, on_signal, d))
    return la__fail(cmd, "cannot set up the event loop: %s", strerror(errno));
  d->server = (struct server){.stack = r->stack, .service = &la__http, .site = &d->site, .ended = on_end, .ctx = d};
  int err = la__server_listen(&d->server, PORT);
  return err ? la__fail(cmd, "port %u: %s", PORT, la_err_name(err)) : EXIT_OK;
}

/* The kernel's side. false: `why` says why there is none. */
static bool join_kernel(struct demo *d, char *curl, size_t curl_cap, char *why, size_t cap) {
  if (!la__demo_find_curl(curl, curl_cap)) {
    snprintf(why, cap, "curl is not installed");
    return false;
  }
  if (!la__demo_namespace(why, cap))
    return false;
  la_driver *tun = la_tun_open(TUN, RIG_MTU, why, cap);
  if (!tun)
    return false;
  if (!la_tun_host_addr(TUN, &client_addr.addr, client_addr.prefix_len, RIG_MTU, why, cap)) {
    tun->close(tun);
    return false;
  }
  if (!la_host_add_link(d->host, d->rig[LADDER_RIGHT].stack, d->rig[LADDER_RIGHT].link, tun)) {
    tun->close(tun);
    snprintf(why, cap, "%s: %s", TUN, strerror(errno));
    return false;
  }
  return true;
}

static int join_pair(struct demo *d) {
  const char *cmd = d->args->cmd;
  const la_host_hooks hooks = {.work = client_work, .packet = client_packet, .trace = client_trace, .ctx = d};
  struct rig *l = &d->rig[LADDER_LEFT], *r = &d->rig[LADDER_RIGHT];
  la_driver *a, *b;
  if (la__rig_new(l, cmd, &(struct rig_opts){.preset = LA_PRESET_LINUX, .traced = true}) || la__rig_addr(l, cmd, &client_addr))
    return EXIT_FAIL;
  if (!la_pair_new(RIG_MTU, PAIR_DEPTH, &a, &b))
    return la__fail(cmd, "out of memory");
  bool left = la_host_add_stack(d->host, l->stack, &hooks) && la_host_add_link(d->host, l->stack, l->link, a);
  bool right = la_host_add_link(d->host, r->stack, r->link, b);
  if (!left)
    a->close(a);
  if (!right)
    b->close(b);
  return left && right ? EXIT_OK : la__fail(cmd, "out of memory");
}

static int open_observer(struct demo *d) {
  char err[160];
  if (!(d->pcapng = la_pcapng_open(d->args->pcapng, err, sizeof err)))
    return la__fail(d->args->cmd, "%s", err);
  struct tap_opts opts = {.out = d->say,
                          .style = la__ladder_style(d->say),
                          .pcapng = d->pcapng,
                          .both = !d->kernel,
                          .doc = la__drawings_wanted(&d->args->draw) ? &d->doc : NULL,
                          .names = {d->kernel ? "kernel" : "client", "lastack"}};
  opts.style.ascii = opts.style.ascii || d->args->ascii;
  d->tap = la__tap_new(&opts);
  return d->tap ? EXIT_OK : la__fail(d->args->cmd, "out of memory");
}

static int start_client(struct demo *d, const char *curl) {
  int err;
  if (d->kernel)
    err = la__demo_curl(curl, "http://10.77.0.1/", &d->curl, &d->curl_out);
  else
    err = la__demo_client_start(&d->client, d->rig[LADDER_LEFT].stack, &server_addr.addr, PORT, la_host_now(d->host));
  if (!err)
    return EXIT_OK;
  return d->kernel ? la__fail(d->args->cmd, "%s: %s", curl, strerror(err)) : la__fail(d->args->cmd, "cannot connect: %s", la_err_name(err));
}

static bool over(const struct demo *d) { return d->ended && (d->kernel ? !d->curl : d->client.ended); }

/* The server closes what the client left open; nobody waits for 2MSL. */
static int run(struct demo *d) {
  la_time limit = la_host_now(d->host) + LIMIT;
  while (!over(d) && !d->stop) {
    la_time now = la_host_now(d->host), sweep = la__server_deadline(&d->server);
    if (d->kernel && !d->curl && !d->server.count)
      break; /* curl is gone and never came through */
    if (now >= limit)
      return la__fail(d->args->cmd, "no end after %u s", (unsigned)(LIMIT / LA_SEC));
    if (!la_host_turn(d->host, sweep < limit ? sweep : limit))
      return la__fail(d->args->cmd, "cannot wait: %s", strerror(errno));
  }
  la__tap_flush(d->tap);
  return d->stop ? la__fail(d->args->cmd, "interrupted") : EXIT_OK;
}

/* What the client says it got: status and length. */
static int verdict(struct demo *d) {
  char got[64] = "";
  if (d->kernel) {
    ssize_t n = read(d->curl_out, got, sizeof got - 1);
    got[n > 0 ? n : 0] = 0;
  } else {
    snprintf(got, sizeof got, "%u %llu", d->client.status, (unsigned long long)d->client.bytes);
  }
  char want[64];
  snprintf(want, sizeof want, "200 %zu", sizeof page - 1);
  if (!d->ended || strcmp(got, want) != 0)
    return la__fail(d->args->cmd, "the page did not come through: the client says \"%s\" instead of \"%s\"", got, want);
  fprintf(d->say, "\n");
  la__print_end(d->say, &d->end, false);
  fprintf(d->say, "The client got the page: status 200, %zu bytes.\n", sizeof page - 1);
  return EXIT_OK;
}

static int tear_down(struct demo *d, int status) {
  if (d->curl > 0) {
    kill(d->curl, SIGKILL);
    waitpid(d->curl, NULL, 0);
  }
  la__tap_free(d->tap);
  if (!la_pcapng_close(d->pcapng) && !status)
    status = la__fail(d->args->cmd, "%s: cannot write: %s", d->args->pcapng, strerror(errno));
  la_host_free(d->host);
  la__server_free(&d->server);
  la__rig_free(&d->rig[0]);
  la__rig_free(&d->rig[1]);
  const int fds[] = {d->signals, d->curl_out, d->site.page};
  for (size_t i = 0; i < 3; i++)
    if (fds[i] >= 0)
      close(fds[i]);
  return status;
}

static int demo(struct demo *d) {
  char curl[4096], why[200];
  signal(SIGPIPE, SIG_IGN); /* a reader that goes away must not leave curl behind */
  if (set_up(d))
    return EXIT_FAIL;
  d->kernel = !d->args->pair && join_kernel(d, curl, sizeof curl, why, sizeof why);
  if (d->kernel)
    fprintf(d->say, "The kernel's curl fetches http://10.77.0.1/ over the TUN device " TUN " in a network namespace of its own.\n\n");
  else if (d->args->pair)
    fprintf(d->say, "A page is fetched between two stacks in memory.\n\n");
  else
    fprintf(d->say, "No kernel to talk to: %s. The same exchange between two stacks in memory:\n\n", why);
  fflush(d->say);
  if ((!d->kernel && join_pair(d)) || open_observer(d) || start_client(d, curl) || run(d))
    return EXIT_FAIL;
  return verdict(d);
}

/* The TIME-WAIT that nobody waits for goes on beyond the drawing. */
static int write_drawings(struct demo *d) {
  d->doc.title = "lastack demo";
  d->doc.lead = d->kernel ? "The kernel's curl fetches a page over TUN" : "A page is fetched between two stacks in memory";
  for (size_t i = 0; i < d->doc.n; i++)
    for (unsigned side = 0; side < 2; side++) {
      const struct draw_side *s = &d->doc.drawing[i]->side[side];
      if (s->has_state && s->state == LA_TIME_WAIT)
        la__drawing_wait(d->doc.drawing[i], (enum ladder_side)side, "2MSL", s->entered, s->entered + 60 * LA_SEC);
    }
  return la__drawings_write(&d->args->draw, d->args->cmd, &d->doc);
}

int la__cmd_demo(int argc, char **argv) {
  static const struct argp_child children[] = {{.argp = &la__drawings_argp}, {0}};
  static const struct argp argp = {
    .options = options, .parser = parse, .children = children, .doc = "Fetches a page from the stack and draws what happens."};
  struct args a = {.cmd = argv[0]};
  la__args(&argp, argc, argv, 0, &a);
  la__drawings_check(&a.draw, a.cmd);
  if (!a.pcapng)
    a.pcapng = access("build", W_OK) == 0 ? "build/demo.pcapng" : "lastack-demo.pcapng";
  struct demo d = {
    .args = &a, .say = la__drawings_to_stdout(&a.draw) ? stderr : stdout, .signals = -1, .curl_out = -1, .site = {.root = -1, .page = -1}};
  int status = tear_down(&d, demo(&d));
  if (!status)
    fprintf(d.say, "%s has the packets, with the transitions that each caused as comments.\n", a.pcapng);
  if (!status && la__drawings_wanted(&a.draw))
    status = write_drawings(&d);
  la__doc_free(&d.doc);
  return status;
}
