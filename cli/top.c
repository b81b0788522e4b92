/* SPDX-License-Identifier: MIT */
/* lastack top: what ss lists, again and again, sorted, in the terminal. */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/ask.h"

enum column { COL_PID, COL_ID, COL_STATE, COL_SINCE, COL_RECV, COL_SEND, COL_RATE, COL_RTT, COL_CWND, COL_AGAIN, COLUMNS };
static const struct {
  const char *name;
  int width; /* negative: to the left */
} columns[COLUMNS] = {{"pid", 7},    {"id", 6},    {"state", -12}, {"since", 8}, {"recv-q", 9},
                      {"send-q", 9}, {"rate", 10}, {"rtt", 9},     {"cwnd", 9},  {"again", 6}};

struct args {
  const char *cmd;
  double delay;
  enum column sort;
  bool reverse, all;
  struct asked ask;
};
static const struct argp_option options[] = {
  {"delay", 'd', "SEC", 0, "seconds between two looks, 0.1 to 3600 (default 2)", 0},
  {"sort", 'o', "COLUMN", 0, "pid, id, state, since, recv-q, send-q, rate (default), rtt, cwnd, again", 0},
  {"reverse", 'r', NULL, 0, "the other way round", 0},
  {"all", 'a', NULL, 0, "listeners, half-open and TIME-WAIT records too", 0},
  {0},
};

static error_t parse(int key, char *arg, struct argp_state *state) {
  struct args *a = state->input;
  char *end;
  switch (key) {
  case ARGP_KEY_INIT:
    la__args_init(state);
    state->child_inputs[0] = &a->ask;
    return 0;
  case 'd':
    a->delay = strtod(arg, &end);
    if (*end || end == arg || !(a->delay >= 0.1 && a->delay <= 3600))
      la__usage(a->cmd, "--delay %s: not a number of seconds from 0.1 to 3600", arg);
    return 0;
  case 'o':
    for (a->sort = COL_PID; a->sort < COLUMNS && strcmp(arg, columns[a->sort].name) != 0;)
      a->sort++;
    if (a->sort == COLUMNS)
      la__usage(a->cmd, "--sort %s: no such column", arg);
    return 0;
  case 'r':
    a->reverse = true;
    return 0;
  case 'a':
    a->all = true;
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
  .doc = "Shows the connections of running stacks in the terminal, and again every few seconds."
         "\vFILTER: as of lastack ss. Keys: < and > choose the column to sort by, r turns the order round, a shows everything, arrows and "
         "pages scroll, space looks at once, q ends.",
};

/* What was counted at the look before, to make a rate of it. */
struct past {
  unsigned pid, stack;
  uint32_t id;
  uint64_t bytes;
};
struct view {
  struct args *a;
  struct choice *choice;
  struct rows rows;
  struct row **shown;
  double *rate; /* of rows.v, bytes a second */
  size_t nshown, top;
  struct past *past;
  size_t npast;
  double at, before; /* of the looks, s */
  uint64_t again, again_before;
};

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int past_order(const void *x, const void *y) {
  const struct past *a = x, *b = y;
  return a->pid != b->pid       ? (a->pid < b->pid ? -1 : 1)
         : a->stack != b->stack ? (a->stack < b->stack ? -1 : 1)
                                : (a->id > b->id) - (a->id < b->id);
}

/* The rows of now become what the next look compares with. */
static void remember(struct view *v) {
  free(v->past);
  v->npast = 0;
  v->past = calloc(v->rows.n + 1, sizeof *v->past);
  for (size_t i = 0; v->past && i < v->rows.n; i++)
    if (v->rows.v[i].id)
      v->past[v->npast++] = (struct past){v->rows.v[i].pid, v->rows.v[i].stack, v->rows.v[i].id, v->rows.v[i].bytes};
  if (v->npast)
    qsort(v->past, v->npast, sizeof *v->past, past_order);
  v->before = v->at;
  v->again_before = v->again;
}

static double rate_of(const struct view *v, const struct row *r) {
  struct past key = {.pid = r->pid, .stack = r->stack, .id = r->id};
  const struct past *p = r->id && v->npast ? bsearch(&key, v->past, v->npast, sizeof key, past_order) : NULL;
  return p && v->at > v->before && r->bytes >= p->bytes ? (double)(r->bytes - p->bytes) / (v->at - v->before) : 0;
}

static const struct view *sorting; /* qsort has no place for it */

static double value(const struct row *r, enum column c) {
  switch (c) {
  case COL_PID:
    return r->pid;
  case COL_ID:
    return r->id;
  case COL_STATE:
    return r->state;
  case COL_SINCE:
    return (double)r->in_state_ms;
  case COL_RECV:
    return (double)r->recv_q;
  case COL_SEND:
    return (double)r->send_q;
  case COL_RATE:
    return sorting->rate[r - sorting->rows.v];
  case COL_RTT:
    return (double)r->srtt_us;
  case COL_CWND:
    return (double)la__row_number(r, "cwnd");
  default:
    return (double)r->retransmits;
  }
}

/* Names and states upwards, quantities downwards; among equals the older first. */
static int by_column(const void *x, const void *y) {
  const struct row *a = *(struct row *const *)x, *b = *(struct row *const *)y;
  enum column c = sorting->a->sort;
  double p = value(a, c), q = value(b, c);
  int order = (p > q) - (p < q);
  if (c > COL_STATE)
    order = -order;
  if (sorting->a->reverse)
    order = -order;
  if (order)
    return order;
  return a->pid != b->pid ? (a->pid < b->pid ? -1 : 1) : (a->id > b->id) - (a->id < b->id);
}

static void arrange(struct view *v) {
  v->nshown = 0;
  for (size_t i = 0; i < v->rows.n; i++) {
    struct row *r = &v->rows.v[i];
    if (r->kind != ROW_UDP && (!r->ended || v->a->all) && la__choose_match(v->choice, r))
      v->shown[v->nshown++] = r;
  }
  sorting = v;
  if (v->nshown)
    qsort(v->shown, v->nshown, sizeof *v->shown, by_column);
}

static void choose(struct view *v) {
  la__choose_free(v->choice);
  v->choice = la__choose_new(v->a->cmd, v->a->ask.words, v->a->ask.nwords, v->a->all ? STATES_ALL : STATES_CONNECTED & ~STATES_BUCKET);
}

static void look(struct view *v) {
  struct sources s;
  remember(v);
  la__rows_free(&v->rows);
  free(v->shown);
  free(v->rate);
  la__sources_find(&s, v->a->ask.path);
  la__rows_get(&v->rows, &s, 0);
  la__sources_free(&s);
  v->at = seconds();
  v->shown = calloc(v->rows.n + 1, sizeof *v->shown);
  v->rate = calloc(v->rows.n + 1, sizeof *v->rate);
  if (!v->shown || !v->rate)
    abort();
  v->again = 0;
  for (size_t i = 0; i < v->rows.n; i++) {
    v->rate[i] = rate_of(v, &v->rows.v[i]);
    v->again += v->rows.v[i].retransmits;
  }
  arrange(v);
}

/* ---- drawing ---- */

/* 999, 1.2k, 34.5M: at most 6 characters. */
static char *amount(double n, char buf[SPAN_TEXT]) {
  static const char units[] = " kMGTP";
  unsigned u = 0;
  while (n >= 999.5 && u + 2 < sizeof units) {
    n /= 1000;
    u++;
  }
  snprintf(buf, SPAN_TEXT, u ? "%.1f%c" : "%.0f", n, units[u]);
  return buf;
}

/* Text from a column on, cut at the edge of the screen. */
static void text_at(int y, int x, const char *text) {
  if (y >= 0 && y < LINES && x < COLS)
    mvaddnstr(y, x, text, COLS - x);
}

static void summary(const struct view *v) {
  char line[512], n[SPAN_TEXT];
  unsigned count[LA_STATES] = {0};
  size_t at = 0;
  double rate = 0;
  for (size_t i = 0; i < v->rows.n; i++) {
    rate += v->rate[i];
    count[v->rows.v[i].state] += v->rows.v[i].kind != ROW_UDP && !v->rows.v[i].ended;
  }
  time_t now = time(NULL);
  struct tm tm;
  char clock[16] = "";
  if (localtime_r(&now, &tm))
    strftime(clock, sizeof clock, "%H:%M:%S", &tm);
  snprintf(line, sizeof line, "lastack top  %s  every %.1f s  %u process%s, %zu of %zu records, %s bytes/s, %" PRIu64 " sent again", clock,
           v->a->delay, v->rows.processes, v->rows.processes == 1 ? "" : "es", v->nshown, v->rows.n, amount(rate, n), v->again);
  text_at(0, 0, line);
  line[0] = 0;
  for (unsigned st = LA_LISTEN; st < LA_STATES; st++)
    if (count[st] && at < sizeof line)
      at += (size_t)snprintf(line + at, sizeof line - at, "%s%s %u", at ? "  " : "", la_state_name((enum la_state)st), count[st]);
  text_at(1, 0, line);
}

static void heading(const struct view *v) {
  char name[32];
  int x = 0;
  for (unsigned c = 0; c < COLUMNS; c++) {
    snprintf(name, sizeof name, "%*s", columns[c].width, columns[c].name);
    if (c == v->a->sort)
      attron(A_REVERSE);
    text_at(2, x, name);
    attroff(A_REVERSE);
    x += abs(columns[c].width) + 1;
  }
  text_at(2, x, "local -> peer: waits for (who must act)");
}

static void draw_row(const struct view *v, int y, const struct row *r) {
  char line[512], span[SPAN_TEXT], recv[SPAN_TEXT], send[SPAN_TEXT], rate[SPAN_TEXT], cwnd[SPAN_TEXT], rtt[SPAN_TEXT] = "-";
  char local[END_TEXT], remote[END_TEXT], waits[80] = "";
  const char *waiting = la__row_word(r, "waiting"), *blame = la__row_word(r, "blame");
  if (r->srtt_us)
    snprintf(rtt, sizeof rtt, "%.1fms", (double)r->srtt_us / 1000);
  if (r->ended)
    snprintf(waits, sizeof waits, ": ended; the application holds it");
  else if (*waiting && strcmp(waiting, la_waiting_name(LA_WAITS_NOTHING)) != 0)
    snprintf(waits, sizeof waits, ": %s (%s)", waiting, blame);
  snprintf(line, sizeof line, "%7u %6s %-12s %8s %9s %9s %10s %9s %9s %6" PRIu64 " %s -> %s%s", r->pid, r->name, la_state_name(r->state),
           la__row_has(r, "in_state_ms") ? la__span(r->in_state_ms, span) : "-", amount((double)r->recv_q, recv),
           amount((double)r->send_q, send), amount(v->rate[r - v->rows.v], rate), rtt, amount((double)la__row_number(r, "cwnd"), cwnd),
           r->retransmits, la__end_point(&r->local, r->lport, local), la__end_point(&r->remote, r->rport, remote), waits);
  text_at(y, 0, line);
}

static size_t page(void) { return LINES > 4 ? (size_t)LINES - 4 : 1; }

static void draw(struct view *v) {
  if (v->top + page() > v->nshown)
    v->top = v->nshown > page() ? v->nshown - page() : 0;
  erase();
  summary(v);
  heading(v);
  for (size_t i = 0; i < page() && v->top + i < v->nshown; i++)
    draw_row(v, 3 + (int)i, v->shown[v->top + i]);
  if (LINES > 4)
    text_at(LINES - 1, 0,
            v->rows.bad          ? v->rows.err
            : !v->rows.processes ? "no running stack answers; q ends"
                                 : "< > column   r reverse   a all   arrows, pages scroll   space look now   q quit");
  refresh();
}

/* false: quit. *now: look at once. */
static bool key(struct view *v, int c, bool *now) {
  struct args *a = v->a;
  switch (c) {
  case 'q':
  case 'Q':
    return false;
  case ' ':
  case '\n':
    *now = true;
    return true;
  case '<':
  case ',':
    a->sort = (enum column)((a->sort + COLUMNS - 1) % COLUMNS);
    break;
  case '>':
  case '.':
    a->sort = (enum column)((a->sort + 1) % COLUMNS);
    break;
  case 'r':
    a->reverse = !a->reverse;
    break;
  case 'a':
    a->all = !a->all;
    choose(v);
    break;
  case KEY_UP:
    v->top -= v->top > 0;
    break;
  case KEY_DOWN:
    v->top++;
    break;
  case KEY_PPAGE:
    v->top -= v->top < page() ? v->top : page();
    break;
  case KEY_NPAGE:
    v->top += page();
    break;
  case KEY_HOME:
    v->top = 0;
    break;
  case KEY_END:
    v->top = v->nshown;
    break;
  default: /* KEY_RESIZE among them: LINES and COLS have changed */
    break;
  }
  arrange(v);
  return true;
}

static void run(struct view *v) {
  double next = 0;
  for (bool going = true; going;) {
    bool now = seconds() >= next;
    if (now) {
      look(v);
      next = seconds() + v->a->delay;
    }
    draw(v);
    now = false;
    double left = next - seconds();
    timeout(left > 0 ? (int)(left * 1000) + 1 : 0);
    int c = getch();
    if (c == ERR && left > 1 && feof(stdin))
      return;
    if (c != ERR)
      going = key(v, c, &now);
    if (now)
      next = 0;
  }
}

int la__cmd_top(int argc, char **argv) {
  struct args a = {
    .cmd = argv[0], .delay = 2, .sort = COL_RATE, .ask = {.cmd = argv[0], .words = calloc((size_t)argc + 1, sizeof(char *))}};
  struct view v = {.a = &a};
  if (!a.ask.words)
    return la__fail(a.cmd, "out of memory");
  la__args(&argp, argc, argv, 0, &a);
  choose(&v);
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
    la__choose_free(v.choice);
    free(a.ask.words);
    return la__fail(a.cmd, "standard input and output must be a terminal; lastack ss lists once");
  }
  SCREEN *screen = newterm(NULL, stdout, stdin);
  int status = EXIT_OK;
  if (screen) {
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    run(&v);
    endwin();
    delscreen(screen);
  } else {
    const char *term = getenv("TERM");
    status = la__fail(a.cmd, "the terminal %s is not known", term ? term : "without a TERM");
  }
  la__rows_free(&v.rows);
  free(v.shown);
  free(v.rate);
  free(v.past);
  la__choose_free(v.choice);
  free(a.ask.words);
  return status;
}
