/* SPDX-License-Identifier: MIT */
/* lastack explain: why each connection of a capture ended. */
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/explain_draw.h"
#include "cli/explain_tell.h"
#include "cli/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/ahead.h"
#include "draw/explain.h"

enum { EXIT_FINDINGS = 1, EXIT_UNREADABLE = 3, OUT_BUFFER = 1 << 16 };
enum { KEY_FINDINGS = 256, KEY_FOLLOW, KEY_HOST, KEY_PORT, KEY_PATIENCE };

struct ask {
  const char *cmd, *follow, *bpf;
  bool json, findings, quiet;
  uint64_t most;
  la_time patience;
  la_addr host;
  uint16_t port;
  char **files;
  size_t nfiles;
  struct explain_draw draw;
};
struct run {
  struct ask *a;
  struct flows flows;
  struct filter filter;
  struct rollup sum;
  struct progress bar;
  uint64_t printed;
  la_time stopped_at;
  unsigned quiet; /* so often in a row nothing was waiting, since then */
  atomic_bool failed;
  bool threads;
  struct teller teller;
};

static volatile sig_atomic_t stopped;
static void on_signal(int sig) {
  (void)sig;
  stopped = 1;
}

static const struct argp_option options[] = {
  {"json", 'j', NULL, 0, "One JSON object for each connection, one in a line", 0},
  {"findings", KEY_FINDINGS, NULL, 0, "Only what deserves attention; exit status 1 when there is any", 0},
  {"quiet", 'q', NULL, 0, "No totals at the end", 0},
  {"connections", 'n', "N", 0, "Stop after N connections", 0},
  {"patience", KEY_PATIENCE, "SECONDS", 0,
   "How long silence may last before CLOSE-WAIT is a leak, FIN-WAIT-2 over and an idle connection forgotten on the way (60)", 0},
  {"follow", KEY_FOLLOW, "INTERFACE", 0, "Live, until interrupted", 0},
  {"host", KEY_HOST, "ADDR", 0, "Only connections of this address", 1},
  {"port", KEY_PORT, "N", 0, "Only connections of this port", 1},
  {"filter", 'f', "EXPR", 0, "Only packets that match, as tcpdump takes it (see pcap-filter)", 1},
  {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct ask *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &a->draw;
    return 0;
  case 'j':
    a->json = true;
    return 0;
  case KEY_FINDINGS:
    a->findings = true;
    return 0;
  case 'q':
    a->quiet = true;
    return 0;
  case 'n':
    a->most = la__number(a->cmd, "-n", arg, 1, UINT64_MAX);
    return 0;
  case KEY_PATIENCE:
    a->patience = la__number(a->cmd, "--patience", arg, 1, 86400) * LA_SEC;
    return 0;
  case KEY_FOLLOW:
    a->follow = arg;
    return 0;
  case KEY_HOST:
    if (!la_addr_parse(arg, &a->host))
      la__usage(a->cmd, "--host %s: not an address", arg);
    return 0;
  case KEY_PORT:
    a->port = (uint16_t)la__number(a->cmd, "--port", arg, 1, 65535);
    return 0;
  case 'f':
    a->bpf = arg;
    return 0;
  case ARGP_KEY_ARG:
    a->files[a->nfiles++] = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{.argp = &la__explain_draw_argp}, {0}};
static const struct argp argp = {
  .options = options,
  .children = children,
  .parser = parse,
  .args_doc = "FILE...",
  .doc =
    "Why did each connection in a capture end? Reads pcap and pcapng; \"-\" is the standard input."
    "\vExit status: 0; 1 with --findings when there are any, or when output failed; 2 usage; 3 a capture cannot be read, or breaks off.",
};

static bool wanted(const struct ask *a, const struct flow *c) {
  bool host = !a->host.family, port = !a->port;
  for (unsigned i = 0; i < 2; i++) {
    host = host || (a->host.family == c->family && memcmp(a->host.b, c->end[i].addr, c->family == 4 ? 4 : 16) == 0);
    port = port || a->port == c->end[i].port;
  }
  return host && port && la__explain_chosen(&a->draw, c);
}

/* ---- output ---- */

static void seen(void *ctx, const struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct run *r = ctx;
  if (wanted(r->a, c))
    la__captured_segment(&r->a->draw.captured, c, from, p, s);
}

static void tell(void *ctx, struct flow *c, la_time now) {
  struct run *r = ctx;
  struct verdict v;
  char text[EXPLAIN_TEXT];
  if (!wanted(r->a, c) || (r->a->most && r->printed >= r->a->most))
    return;
  la__verdict(c, now, r->a->patience, &v);
  la__rollup_add(&r->sum, c, &v, now);
  if (r->a->findings && !v.finding) {
    la__captured_drop(&r->a->draw.captured, c);
    return;
  }
  r->printed++;
  if (la__drawings_to_stdout(&r->a->draw.to))
    ;
  else if (r->a->json ? !la__explain_json(stdout, c, &v) : puts(la__explain_text(c, &v, text)) == EOF)
    r->failed = true;
  if (la__explain_draws(&r->a->draw))
    la__explain_draw_done(&r->a->draw, c, &v);
  if (r->a->follow)
    fflush(stdout);
}

static void done(void *ctx, struct flow *c) {
  struct run *r = ctx;
  r->threads ? la__teller_add(&r->teller, c, r->flows.now) : tell(r, c, r->flows.now);
}

static bool enough(const struct run *r) { return r->failed || (r->a->most && r->printed >= r->a->most) || r->flows.out_of_memory; }

static la_time clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (la_time)t.tv_sec * LA_SEC + (la_time)t.tv_nsec;
}

/* What was captured before the signal still counts: a live capture is read until nothing older waits. p: NULL when nothing came. */
static bool told_to_stop(struct run *r, const struct packet *p) {
  if (!stopped)
    return false;
  if (!r->stopped_at)
    r->stopped_at = clock_now();
  r->quiet = p ? 0 : r->quiet + 1; /* once may be no more than the signal, which interrupts waiting */
  return r->quiet > 1 || (p && p->at > r->stopped_at);
}

static enum reader_result read_here(struct run *r, struct reader *rd, const char *path) {
  enum reader_result got = READER_NOTHING;
  struct packet p[FLOWS_BATCH];
  bool stop = false;
  while (got >= READER_NOTHING && !stop && !enough(r)) {
    size_t n = 0;
    do {
      got = la__reader_next(rd, &p[n]);
      stop = told_to_stop(r, got == READER_PACKET ? &p[n] : NULL);
      n += got == READER_PACKET && !stop && la__filter_match(&r->filter, &p[n]);
    } while (got == READER_PACKET && n < FLOWS_BATCH && la__reader_ready(rd));
    la__flows_batch(&r->flows, p, n);
    if (r->a->follow)
      la__flows_live(&r->flows, clock_now());
    la__progress_show(&r->bar, path, rd->offset, rd->src.size);
  }
  r->flows.broken = got == READER_BROKEN;
  la__flows_finish(&r->flows);
  return got;
}

/* In three threads: one reads, this one follows the connections, one tells of those that ended. */
static enum reader_result read_ahead(struct run *r, struct ahead *a, const char *path) {
  enum reader_result got = READER_PACKET;
  while (got == READER_PACKET && !enough(r)) {
    struct ahead_block *b = la__ahead_next(a);
    la__flows_take(&r->flows, b->p, b->s, b->n);
    got = b->end;
    la__progress_show(&r->bar, path, b->offset, a->rd->src.size);
    la__ahead_done(a, b);
  }
  la__ahead_stop(a);
  r->flows.broken = got == READER_BROKEN;
  la__flows_finish(&r->flows);
  la__teller_stop(&r->teller);
  r->threads = false;
  return got;
}

/* Not for what comes live, nor where the end of a line's connection or a segment is drawn at once; libpcap has but one packet at a time. */
static bool start_threads(struct run *r, struct reader *rd, struct ahead *a) {
  if (rd->pcap || r->a->most || la__explain_draws(&r->a->draw))
    return false;
  r->threads = la__teller_start(&r->teller, &r->flows, tell, r);
  if (r->threads && !la__ahead_start(a, rd, &r->filter, &r->flows)) {
    la__teller_stop(&r->teller);
    r->threads = false;
  }
  return r->threads;
}

static int read_all(struct run *r, struct reader *rd, const char *path) {
  struct ahead a;
  la__progress_init(&r->bar, !r->a->follow && !la__drawings_to_stdout(&r->a->draw.to));
  enum reader_result got = start_threads(r, rd, &a) ? read_ahead(r, &a, path) : read_here(r, rd, path);
  la__progress_clear(&r->bar);
  if (got != READER_BROKEN)
    return EXIT_OK;
  la__fail(r->a->cmd, "%s: broken at offset %llu, after %llu packets: %s", path, (unsigned long long)rd->offset,
           (unsigned long long)(rd->pcap || rd->plain ? rd->frames : rd->ng.frames), rd->error);
  return EXIT_UNREADABLE;
}

static void add_stats(struct flows_stats *sum, const struct flows_stats *s) {
  sum->frames += s->frames;
  sum->tcp += s->tcp;
  sum->other += s->other;
  sum->cut += s->cut;
  sum->malformed += s->malformed;
  sum->fragments += s->fragments;
  sum->unknown_link += s->unknown_link;
  sum->drops += s->drops;
  sum->connections += s->connections;
}

static int one(struct run *r, const char *path, struct flows_stats *sum) {
  struct reader rd;
  bool open = r->a->follow ? la__reader_live(&rd, path) : la__reader_open(&rd, path);
  if (!open) {
    la__fail(r->a->cmd, "%s: %s", path, rd.error);
    return r->a->follow ? EXIT_FAIL : EXIT_UNREADABLE;
  }
  if (r->a->follow)
    fprintf(stderr, "%s: following %s\n", r->a->cmd, path);
  uint64_t before = sum->connections;
  int status = EXIT_UNREADABLE;
  if (!la__flows_init(&r->flows, done, r)) {
    la__fail(r->a->cmd, "out of memory");
  } else {
    r->flows.stats.connections = before;
    r->flows.live = r->a->follow != NULL;
    r->flows.seen = la__explain_draws(&r->a->draw) ? seen : NULL;
    status = read_all(r, &rd, path);
    r->flows.stats.connections -= before;
    if (r->flows.out_of_memory)
      status = la__fail(r->a->cmd, "%s: out of memory", path);
    add_stats(sum, &r->flows.stats);
    la__flows_free(&r->flows);
  }
  la__reader_close(&rd);
  return status;
}

int la__cmd_explain(int argc, char **argv) {
  struct ask a = {.cmd = argv[0], .patience = VERDICT_PATIENCE, .draw = {.cmd = argv[0]}};
  a.files = calloc((size_t)argc + 1, sizeof *a.files);
  struct run *r = calloc(1, sizeof *r);
  struct flows_stats sum = {0};
  char err[300];
  if (!a.files || !r)
    return la__fail(a.cmd, "out of memory");
  la__args(&argp, argc, argv, 0, &a);
  if (!a.nfiles == !a.follow)
    la__usage(a.cmd, a.follow ? "--follow and files exclude each other" : "no capture; \"-\" is the standard input");
  la__drawings_check(&a.draw.to, a.cmd);
  const struct sigaction stop = {.sa_handler = on_signal};
  if (a.follow) {
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    a.files[a.nfiles++] = (char *)a.follow;
  }
  if (!a.follow)
    setvbuf(stdout, NULL, _IOFBF, OUT_BUFFER); /* lines come by the hundred thousand */
  *r = (struct run){.a = &a};
  if (!la__filter_init(&r->filter, a.bpf, err, sizeof err))
    la__usage(a.cmd, "--filter %s: %s", a.bpf, err);
  int status = EXIT_OK;
  for (size_t i = 0; i < a.nfiles && !enough(r); i++) {
    int got = one(r, a.files[i], &sum);
    status = got > status ? got : status;
  }
  if (la__explain_draws(&a.draw) && la__explain_draw_finish(&a.draw, a.files[0]) && status == EXIT_OK)
    status = EXIT_FAIL;
  if (!a.quiet && !a.json && !la__drawings_to_stdout(&a.draw.to))
    la__rollup_print(stdout, &r->sum, &sum);
  if (a.findings && r->sum.findings && status == EXIT_OK)
    status = EXIT_FINDINGS;
  la__filter_free(&r->filter);
  la__explain_draw_free(&a.draw);
  free(a.files);
  free(r);
  return status;
}
