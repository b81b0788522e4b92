/* SPDX-License-Identifier: MIT */
/* lastack ss: the connections of running stacks, in the manner of ss(8). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"

struct args {
  const char *cmd, *why;
  bool all, listening, tcp, udp, timers, info, summary, json, no_header, four, six;
  unsigned pid;
  struct asked ask;
};

enum { OPT_JSON = 256, OPT_WHY, OPT_PID };

static const struct argp_option options[] = {
  {0, 0, 0, 0, "Which:", 1},
  {"all", 'a', NULL, 0, "listeners, half-open and TIME-WAIT records, and what has ended but is still held, too", 1},
  {"listening", 'l', NULL, 0, "only listeners", 1},
  {"tcp", 't', NULL, 0, "only TCP", 1},
  {"udp", 'u', NULL, 0, "only UDP sockets", 1},
  {"ipv4", '4', NULL, 0, "only IPv4", 1},
  {"ipv6", '6', NULL, 0, "only IPv6", 1},
  {"pid", OPT_PID, "N", 0, "only of this process", 1},
  {0, 0, 0, 0, "What:", 2},
  {"options", 'o', NULL, 0, "the next clock, when it strikes, and what would end the connection when", 2},
  {"info", 'i', NULL, 0, "round-trip time, congestion control, recovery", 2},
  {"summary", 's', NULL, 0, "how many there are, by state, and why packets were dropped", 2},
  {"why", OPT_WHY, "ID", 0, "the story of one connection: opened how, its states, what it waits for, who must act, what would end it", 2},
  {"json", OPT_JSON, NULL, 0, "one JSON object a line", 2},
  {"no-header", 'H', NULL, 0, "no heading", 2},
  {"numeric", 'n', NULL, 0, "nothing: names are never looked up", 2},
  {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct args *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &a->ask;
    return 0;
  case 'a':
    a->all = true;
    return 0;
  case 'l':
    a->listening = true;
    return 0;
  case 't':
    a->tcp = true;
    return 0;
  case 'u':
    a->udp = true;
    return 0;
  case '4':
    a->four = true;
    return 0;
  case '6':
    a->six = true;
    return 0;
  case 'o':
    a->timers = true;
    return 0;
  case 'i':
    a->info = true;
    return 0;
  case 's':
    a->summary = true;
    return 0;
  case 'H':
    a->no_header = true;
    return 0;
  case 'n':
    return 0;
  case OPT_JSON:
    a->json = true;
    return 0;
  case OPT_WHY:
    a->why = arg;
    return 0;
  case OPT_PID:
    a->pid = (unsigned)la__number(a->cmd, "--pid", arg, 1, INT32_MAX);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp argp = {
  .options = options,
  .children = la__asked_children,
  .parser = parse,
  .args_doc = "[FILTER...]",
  .doc = "Lists the connections of running stacks: state and time in it, queues, what each waits for."
         "\vFILTER: state NAME, exclude NAME, sport [OP] PORT, dport [OP] PORT, src [OP] ADDR[/LEN][:PORT], dst …, joined by and, or, not "
         "and ( ), as for ss(8). Without one, what is neither listening nor ended nor half-open nor in TIME-WAIT is shown.\n\n"
         "Exit status: 0; 1 when no stack answers, or --why names none; 2 wrong usage.",
};

/* ---- rows ---- */

static bool shown(const struct args *a, const struct choice *f, const struct row *r) {
  bool udp = r->kind == ROW_UDP;
  if ((a->pid && r->pid != a->pid) || (udp ? a->tcp && !a->udp : a->udp && !a->tcp))
    return false;
  if ((a->four && !a->six && r->local.family == 6) || (a->six && !a->four && r->local.family == 4))
    return false;
  if (r->ended && !a->all) /* in TIME-WAIT its record stands for it */
    return false;
  if (udp && !a->udp && !a->all)
    return false;
  return la__choose_match(f, r);
}

static int by_place(const void *x, const void *y) {
  const struct row *a = x, *b = y;
  if (a->pid != b->pid)
    return a->pid < b->pid ? -1 : 1;
  if (a->stack != b->stack)
    return a->stack < b->stack ? -1 : 1;
  if (a->kind != b->kind)
    return a->kind == ROW_LISTENER || (a->kind < b->kind && b->kind != ROW_LISTENER) ? -1 : 1;
  return a->id < b->id ? -1 : a->id > b->id;
}

static void timers_line(const struct row *r) {
  char a[SPAN_TEXT], b[SPAN_TEXT];
  if (la__row_has(r, "clock_ms"))
    printf(" timer:(%s,%s,%" PRIu64 ")", la__row_word(r, "clock"), la__span(la__row_number(r, "clock_ms"), a),
           la__row_number(r, "backoff"));
  if (la__row_has(r, "ends_ms") && !r->ended)
    printf(" ends:(%s,%s)", la__row_word(r, "end_why"), la__span(la__row_number(r, "ends_ms"), b));
}

static void pair(const struct row *r, const char *label, const char *name) {
  if (la__row_has(r, name))
    printf(" %s:%" PRIu64, label, la__row_number(r, name));
}
static void ms(const struct row *r, const char *label, const char *name) {
  if (la__row_has(r, name))
    printf(" %s:%.3f", label, (double)la__row_number(r, name) / 1000);
}

static void info_line(const struct row *r) {
  const json_t *scale = json_object_get(r->o, "window_scale");
  printf("\n\t %s", la__row_word(r, "congestion"));
  if (json_is_true(json_object_get(r->o, "timestamps")))
    printf(" ts");
  if (json_is_true(json_object_get(r->o, "sack")))
    printf(" sack");
  if (json_is_true(json_object_get(r->o, "ecn")))
    printf(" ecn");
  printf(" wscale:%d,%d", (int)json_integer_value(json_array_get(scale, 0)), (int)json_integer_value(json_array_get(scale, 1)));
  ms(r, "rto", "rto_us");
  if (la__row_has(r, "srtt_us"))
    printf(" rtt:%.3f/%.3f", (double)r->srtt_us / 1000, (double)la__row_number(r, "rttvar_us") / 1000);
  ms(r, "minrtt", "min_rtt_us");
  pair(r, "mss", "mss");
  pair(r, "pmtu", "pmtu");
  pair(r, "cwnd", "cwnd");
  pair(r, "ssthresh", "ssthresh");
  pair(r, "pacing_rate", "pacing_rate");
  pair(r, "bytes_out", "bytes_out");
  pair(r, "bytes_in", "bytes_in");
  pair(r, "unsent", "unsent");
  pair(r, "unacked", "unacked");
  pair(r, "snd_wnd", "send_window");
  pair(r, "rcv_wnd", "receive_window");
  printf(" recovery:%s retrans:%" PRIu64 " lost:%" PRIu64 " sacked:%" PRIu64 " reordering:%" PRIu64, la__row_word(r, "recovery"),
         r->retransmits, la__row_number(r, "segments_lost"), la__row_number(r, "segments_sacked"), la__row_number(r, "reordering"));
}

static void print_row(const struct args *a, const struct row *r) {
  char local[END_TEXT], remote[END_TEXT], span[SPAN_TEXT], waits[64];
  snprintf(waits, sizeof waits, "%s", la__row_word(r, "waiting"));
  if (r->ended)
    snprintf(waits, sizeof waits, "ended; the application holds it");
  else if (*waits && strcmp(la__row_word(r, "blame"), "nobody") != 0)
    snprintf(waits, sizeof waits, "%s (%s)", la__row_word(r, "waiting"), la__row_word(r, "blame"));
  printf("%-7u %-6s %-12s %8s %7" PRIu64 " %7" PRIu64 " %-22s %-22s %s", r->pid, r->name,
         r->kind == ROW_UDP ? "UDP" : la_state_name(r->state), la__row_has(r, "in_state_ms") ? la__span(r->in_state_ms, span) : "-",
         r->recv_q, r->send_q, la__end_point(&r->local, r->lport, local), la__end_point(&r->remote, r->rport, remote), waits);
  if (a->timers)
    timers_line(r);
  if (a->info && r->kind == ROW_CONNECTION)
    info_line(r);
  putchar('\n');
}

static void print_json(json_t *o) {
  char *text = json_dumps(o, JSON_COMPACT);
  if (text)
    puts(text);
  free(text);
}

static void list(const struct args *a, struct rows *rows, const struct choice *f) {
  if (rows->n)
    qsort(rows->v, rows->n, sizeof *rows->v, by_place);
  if (!a->json && !a->no_header)
    printf("%-7s %-6s %-12s %8s %7s %7s %-22s %-22s %s\n", "PID", "ID", "State", "Since", "Recv-Q", "Send-Q", "Local Address:Port",
           "Peer Address:Port", "Waits for (who must act)");
  for (size_t i = 0; i < rows->n; i++)
    if (shown(a, f, &rows->v[i])) {
      if (a->json)
        print_json(rows->v[i].o);
      else
        print_row(a, &rows->v[i]);
    }
}

/* ---- --why ---- */

/* 12, or 1/12: stack and connection. */
static void id_of(const struct args *a, uint32_t *stack, uint32_t *id) {
  const char *slash = strchr(a->why, '/'), *last = slash ? slash + 1 : a->why;
  char first[12];
  *stack = UINT32_MAX;
  if (slash) {
    snprintf(first, sizeof first, "%.*s", (int)(slash - a->why < 11 ? slash - a->why : 11), a->why);
    *stack = (uint32_t)la__number(a->cmd, "--why", first, 0, 100000);
  }
  *id = (uint32_t)la__number(a->cmd, "--why", last, 1, UINT32_MAX);
}

static int tell_why(const struct args *a, const struct rows *rows, uint32_t stack) {
  unsigned n = 0;
  for (size_t i = 0; i < rows->n; i++) {
    const struct row *r = &rows->v[i];
    if ((a->pid && r->pid != a->pid) || (stack != UINT32_MAX && r->stack != stack))
      continue;
    if (n++ && !a->json)
      putchar('\n');
    if (a->json)
      print_json(r->o);
    else
      la__why(stdout, r);
  }
  return n ? EXIT_OK : la__fail(a->cmd, "%s: no such connection", a->why);
}

/* ---- -s ---- */

struct sum {
  const struct args *a;
  json_t *hello, *states, *drops;
  uint64_t conns, orphans, opened_active, opened_passive, ended, retransmits, segs_in, segs_out, stacks;
};
static void add_up(json_t *into, const json_t *from) {
  const char *name;
  json_t *v;
  json_object_foreach((json_t *)from, name, v)
    json_object_set_new(into, name, json_integer(json_integer_value(json_object_get(into, name)) + json_integer_value(v)));
}
static uint64_t of(const json_t *o, const char *name) { return (uint64_t)json_integer_value(json_object_get(o, name)); }

static void sum_line(void *ctx, json_t *o) {
  struct sum *s = ctx;
  if (json_object_get(o, "v")) {
    json_decref(s->hello);
    s->hello = json_incref(o);
  }
  if (!json_object_get(o, "kind") || (s->a->pid && of(s->hello, "pid") != s->a->pid))
    return;
  s->stacks++;
  json_object_set(o, "pid", json_object_get(s->hello, "pid"));
  json_object_set(o, "name", json_object_get(s->hello, "name"));
  if (s->a->json)
    print_json(o);
  add_up(s->states, json_object_get(o, "states"));
  add_up(s->drops, json_object_get(o, "drops"));
  s->conns += of(o, "conns");
  s->orphans += of(o, "orphans");
  s->opened_active += of(o, "opened_active");
  s->opened_passive += of(o, "opened_passive");
  s->ended += of(o, "ended");
  s->retransmits += of(o, "retransmits");
  s->segs_in += of(o, "segments_in");
  s->segs_out += of(o, "segments_out");
}

static void print_sum(const struct sum *s) {
  const char *name;
  json_t *v;
  printf("%" PRIu64 " stack%s: %" PRIu64 " connections held, %" PRIu64 " orphaned; opened %" PRIu64 " by us, %" PRIu64 " by peers; %" PRIu64
         " ended\n",
         s->stacks, s->stacks == 1 ? "" : "s", s->conns, s->orphans, s->opened_active, s->opened_passive, s->ended);
  json_object_foreach(s->states, name, v) printf("  %-12s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(v));
  printf("segments: %" PRIu64 " in, %" PRIu64 " out, %" PRIu64 " sent again\n", s->segs_in, s->segs_out, s->retransmits);
  json_object_foreach(s->drops, name, v) printf("  dropped %-24s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(v));
}

static int summary(const struct args *a, const struct sources *src) {
  struct sum s = {.a = a, .states = json_object(), .drops = json_object()};
  char err[ASK_ERR];
  int status = EXIT_OK;
  for (size_t i = 0; i < src->n; i++)
    if (!la__ask(src->path[i], "{\"v\":1,\"get\":\"stats\"}\n", sum_line, &s, err) && err[0])
      status = la__fail(a->cmd, "%s", err);
  if (!s.stacks && !status)
    status = la__sources_none(a->cmd, a->ask.path);
  else if (s.stacks && !a->json)
    print_sum(&s);
  json_decref(s.hello);
  json_decref(s.states);
  json_decref(s.drops);
  return status;
}

int la__cmd_ss(int argc, char **argv) {
  struct args a = {.cmd = argv[0], .ask = {.cmd = argv[0], .words = calloc((size_t)argc + 1, sizeof(char *))}};
  uint32_t stack = UINT32_MAX, id = 0;
  struct sources src;
  struct rows rows = {0};
  if (!a.ask.words)
    return la__fail(a.cmd, "out of memory");
  la__args(&argp, argc, argv, 0, &a);
  if (a.why)
    id_of(&a, &stack, &id);
  unsigned states = a.all ? STATES_ALL : a.listening ? 1u << LA_LISTEN : STATES_CONNECTED & ~STATES_BUCKET;
  struct choice *f = la__choose_new(a.cmd, a.ask.words, a.ask.nwords, states);
  la__sources_find(&src, a.ask.path);
  int status = EXIT_OK;
  if (a.summary) {
    status = summary(&a, &src);
  } else {
    la__rows_get(&rows, &src, id);
    if (!rows.processes)
      status = rows.bad ? EXIT_OK : la__sources_none(a.cmd, a.ask.path);
    else if (a.why)
      status = tell_why(&a, &rows, stack);
    else
      list(&a, &rows, f);
    if (rows.bad)
      status = la__fail(a.cmd, "%s", rows.err);
    la__rows_free(&rows);
  }
  la__sources_free(&src);
  la__choose_free(f);
  free(a.ask.words);
  return status;
}
