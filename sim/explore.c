/* SPDX-License-Identifier: MIT */
/*
 * The search: breadth first, each state once. explore.h is the theory of operation.
 *
 * A snapshot is what differs from the first state's memory, in words of eight bytes grouped by lines: number of the line, a bit for each of
 * its words, the words. Edges are kept as lists of successors, one after the other; from the last state backwards they tell
 * which states have an end ahead of them.
 */
#include "base/check.h"
#include "sim/explore.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IMAGE = 1 << 20, LINE = 64, WORDS = LINE / 8, SAMPLES = 500 };

struct state {
  uint64_t form;
  uint32_t parent;
  struct xp_move move;
  uint8_t is; /* enum xp_is */
};
struct search {
  const struct xp_bound *b;
  struct state *state;
  uint32_t nstates, cap;
  uint32_t *table; /* open addressing: index + 1 */
  uint32_t mask;
  uint8_t **snap; /* by state; NULL: looked at already */
  uint32_t *edge; /* successors */
  uint64_t nedges, edge_cap;
  uint64_t *first;      /* by state: where its successors begin */
  uint8_t *base, *here; /* images: of the first state, of the one that is looked at */
  size_t held, most;
  unsigned samples;
  uint64_t sample_at;
  struct xp_result *out;
};

static double processor(void) { return (double)clock() / CLOCKS_PER_SEC; }

static void *must(void *p) {
  if (!p)
    abort();
  return p;
}

/* --- the core may stop itself --- */

static sigjmp_buf stopped;
static void on_trap(int sig) { siglongjmp(stopped, sig); }

static bool apply(const struct xp_bound *b, struct xp_move m) {
  if (sigsetjmp(stopped, 0) == 0) {
    bool fine = la__xp_apply(b, m);
    la__xp_learn();
    return fine;
  }
  la__xp_learn();
  la__xp_wrong[0] = 0;
  la__xp_fail("the core stopped itself: an invariant of its own is broken (LA_CHECK)");
  return false;
}

/* --- snapshots --- */

static size_t pack_line(const struct search *s, const uint8_t *now, size_t at, uint8_t *out) {
  if (memcmp(now + at, s->base + at, LINE) == 0)
    return 0;
  uint16_t line = (uint16_t)(at / LINE);
  size_t n = 3;
  memcpy(out, &line, 2);
  out[2] = 0;
  for (unsigned w = 0; w < WORDS; w++)
    if (memcmp(now + at + 8 * w, s->base + at + 8 * w, 8) != 0) {
      memcpy(out + n, now + at + 8 * w, 8);
      n += 8;
      out[2] |= (uint8_t)(1 << w);
    }
  return n;
}

static uint8_t *snapshot(struct search *s) {
  static uint8_t now[IMAGE], packed[IMAGE + IMAGE / 8];
  size_t n = 0, from, size;
  la__xp_image_save(now);
  for (unsigned i = 0; la__xp_image_run(i, &from, &size); i++)
    for (size_t at = from; at < from + size; at += LINE)
      n += pack_line(s, now, at, packed + n);
  uint8_t *p = must(malloc(n + 4));
  uint32_t len = (uint32_t)n;
  memcpy(p, &len, 4);
  memcpy(p + 4, packed, n);
  s->held += n + 24;
  return p;
}

static void unpack(const struct search *s, const uint8_t *p, uint8_t *image) {
  uint32_t len;
  size_t from, size;
  memcpy(&len, p, 4);
  for (unsigned i = 0; la__xp_image_run(i, &from, &size); i++)
    memcpy(image + from, s->base + from, size);
  const uint8_t *end = p + 4 + len;
  for (p += 4; p < end;) {
    uint16_t line;
    memcpy(&line, p, 2);
    uint8_t bits = p[2];
    p += 3;
    for (unsigned w = 0; w < WORDS; w++)
      if (bits >> w & 1) {
        memcpy(image + (size_t)line * LINE + 8 * w, p, 8);
        p += 8;
      }
  }
}

static void snap_free(struct search *s, uint32_t i) {
  uint32_t len;
  memcpy(&len, s->snap[i], 4);
  s->held -= len + 24;
  free(s->snap[i]);
  s->snap[i] = NULL;
}

/* --- states --- */

static void table_grow(struct search *s) {
  uint32_t size = s->mask ? (s->mask + 1) * 2 : 1 << 16;
  free(s->table);
  s->table = must(calloc(size, sizeof *s->table));
  s->mask = size - 1;
  for (uint32_t i = 0; i < s->nstates; i++) {
    uint32_t at = (uint32_t)s->state[i].form & s->mask;
    while (s->table[at])
      at = (at + 1) & s->mask;
    s->table[at] = i + 1;
  }
}

/* The state's index; *fresh: it is new. */
static uint32_t state_find(struct search *s, uint64_t form, bool *fresh) {
  if (s->nstates >= s->mask / 2)
    table_grow(s);
  uint32_t at = (uint32_t)form & s->mask;
  for (; s->table[at]; at = (at + 1) & s->mask)
    if (s->state[s->table[at] - 1].form == form) {
      *fresh = false;
      return s->table[at] - 1;
    }
  if (s->nstates == s->cap) {
    s->cap = s->cap ? s->cap * 2 : 1 << 15;
    s->state = must(realloc(s->state, s->cap * sizeof *s->state));
    s->snap = must(realloc(s->snap, s->cap * sizeof *s->snap));
    s->first = must(realloc(s->first, (s->cap + 1) * sizeof *s->first));
  }
  *fresh = true;
  s->table[at] = s->nstates + 1;
  s->state[s->nstates] = (struct state){.form = form};
  return s->nstates++;
}

static size_t bytes_of(const struct search *s) {
  return s->held + s->cap * (sizeof *s->state + sizeof *s->snap + sizeof *s->first) + s->mask * sizeof *s->table +
         s->edge_cap * sizeof *s->edge;
}

static void edge_add(struct search *s, uint32_t to) {
  if (s->nedges == s->edge_cap) {
    s->edge_cap = s->edge_cap ? s->edge_cap * 2 : 1 << 18;
    s->edge = must(realloc(s->edge, s->edge_cap * sizeof *s->edge));
  }
  s->edge[s->nedges++] = to;
}

static void trace_to(struct search *s, uint32_t i, const struct xp_move *last) {
  unsigned n = last != NULL;
  for (uint32_t j = i; j; j = s->state[j].parent)
    n++;
  s->out->trace = must(malloc((n + 1) * sizeof *s->out->trace));
  s->out->ntrace = n;
  if (last)
    s->out->trace[--n] = *last;
  for (uint32_t j = i; j; j = s->state[j].parent)
    s->out->trace[--n] = s->state[j].move;
}

static void wrong(struct search *s, const char *what) {
  s->out->failed = true;
  snprintf(s->out->wrong, sizeof s->out->wrong, "%s", what);
}

/* --- is the form too coarse? --- */

static int by_form(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* The forms of all successors of the world in `image`. */
static unsigned successors(const struct search *s, const uint8_t *image, uint64_t *out) {
  struct xp_move m[XP_MOVES];
  la__xp_image_load(image);
  unsigned n = la__xp_moves(s->b, m);
  for (unsigned i = 0; i < n; i++) {
    la__xp_image_load(image);
    out[i] = apply(s->b, m[i]) ? la__xp_form() : 2;
  }
  qsort(out, n, sizeof *out, by_form);
  unsigned k = 0;
  for (unsigned i = 0; i < n; i++)
    if (!k || out[k - 1] != out[i])
      out[k++] = out[i];
  return k;
}

/* The present world has the form of state i, which was reached before in another way. */
static bool same_future(struct search *s, uint32_t i) {
  static uint8_t mine[IMAGE], other[IMAGE];
  uint64_t a[XP_MOVES], b[XP_MOVES];
  memcpy(mine, s->base, IMAGE);
  memcpy(other, s->base, IMAGE);
  la__xp_image_save(mine);
  struct xp_result keep = *s->out;
  trace_to(s, i, NULL);
  la__xp_rewind();
  for (unsigned j = 0; j < s->out->ntrace; j++) {
    apply(s->b, s->out->trace[j]);
  }
  free(s->out->trace);
  *s->out = keep;
  s->out->merged++;
  la__xp_image_save(other);
  unsigned na = successors(s, mine, a), nb = successors(s, other, b);
  return na == nb && memcmp(a, b, na * sizeof *a) == 0;
}

/* --- the search --- */

/* All moves from state i, whose image is `here`. false: something is wrong. */
static bool expand(struct search *s, uint32_t i) {
  struct xp_move m[XP_MOVES];
  la__xp_image_load(s->here);
  unsigned n = la__xp_moves(s->b, m);
  s->first[i] = s->nedges;
  for (unsigned j = 0; j < n; j++) {
    if (j)
      la__xp_image_load(s->here);
    s->out->transitions++;
    bool fine = apply(s->b, m[j]);
    if (!fine) {
      wrong(s, la__xp_wrong);
      trace_to(s, i, &m[j]);
      return false;
    }
    bool fresh;
    uint32_t to = state_find(s, la__xp_form(), &fresh);
    edge_add(s, to);
    if (fresh) {
      s->state[to].parent = i;
      s->state[to].move = m[j];
      s->state[to].is = (uint8_t)la__xp_is();
      s->out->ends += (s->state[to].is & XP_IS_OVER) != 0;
      s->snap[to] = snapshot(s);
    } else if (s->samples < SAMPLES && s->out->transitions >= s->sample_at) {
      s->samples++;
      s->sample_at = s->out->transitions + s->out->transitions / 50 + 20; /* more and more seldom: they are of all depths */
      bool same = same_future(s, to);
      if (!same) {
        wrong(s, "two worlds of one form have different futures: the explorer's form is too coarse");
        trace_to(s, i, &m[j]);
        return false;
      }
    }
  }
  return true;
}

/* From every state that has the bits `from`, one with the bits `to` can be reached: else the first that has no such way is told. */
static void ahead(struct search *s, unsigned from, unsigned to, const char *what) {
  if (s->out->failed)
    return;
  uint8_t *can = must(calloc(s->nstates, 1));
  for (bool more = true; more;) {
    more = false;
    for (uint32_t i = s->nstates; i-- > 0;) {
      bool end = (s->state[i].is & to) == to;
      for (uint64_t e = s->first[i]; !can[i] && !end && e < s->first[i + 1]; e++)
        end = can[s->edge[e]];
      if (end && !can[i])
        can[i] = more = true;
    }
  }
  uint32_t i = 0;
  while (i < s->nstates && (can[i] || (s->state[i].is & from) != from))
    i++;
  if (i < s->nstates) {
    wrong(s, what);
    trace_to(s, i, NULL);
  }
  free(can);
}

/*
 * Left alone - nothing arrives, nobody calls - a world that every application has closed ends by its clocks, and no state has more than one
 * to wait for. The first move of la__xp_moves is to drop a segment where there is one, the last is a tick.
 */
static void left_alone(struct search *s) {
  unsigned half = (2u << s->b->retries) - 1, most = s->b->limit > s->b->time_wait ? s->b->limit : s->b->time_wait;
  most = half > most ? half : most;
  for (uint32_t i = 0; i < s->nstates; i++) {
    unsigned ticks = 0;
    for (uint32_t j = i; s->state[i].is & XP_IS_QUIT && !(s->state[j].is & XP_IS_OVER) && ticks <= most;) {
      bool busy = s->state[j].is & XP_IS_BUSY;
      ticks += !busy;
      j = s->edge[busy ? s->first[j] : s->first[j + 1] - 1];
    }
    if (ticks > most) {
      wrong(s, "both have closed, but left alone this does not end within the longest clock");
      trace_to(s, i, NULL);
      return;
    }
    s->out->alone = ticks > s->out->alone ? ticks : s->out->alone;
  }
}

static void search(struct search *s, double seconds) {
  double from = processor();
  bool fresh;
  state_find(s, la__xp_form(), &fresh);
  s->state[0].is = (uint8_t)la__xp_is();
  s->snap[0] = snapshot(s);
  uint32_t level_end = 1;
  for (uint32_t i = 0; i < s->nstates; i++) {
    if (i == level_end) {
      s->out->depth++;
      level_end = s->nstates;
    }
    if ((i & 1023) == 0 && (processor() - from > seconds || bytes_of(s) > s->most))
      break;
    unpack(s, s->snap[i], s->here);
    snap_free(s, i);
    if (!expand(s, i))
      break;
    s->out->exhausted = i + 1 == s->nstates;
  }
  s->first[s->nstates] = s->nedges;
  if (s->out->exhausted && la__xp_cold_touched())
    wrong(s, "memory outside of the images was written: the explorer's limit");
  if (s->out->exhausted && !s->out->failed) {
    ahead(s, 0, XP_IS_OVER, "no way leads from here to an end");
    ahead(s, XP_IS_MEETING, XP_IS_MET, "no way leads from here to a connection");
    if (s->b->may[0] & s->b->may[1] & XP_MAY_CLOSE)
      ahead(s, XP_IS_MET, XP_IS_PARTED, "no way leads from here to an orderly release");
    if (!s->out->failed)
      left_alone(s);
  }
  s->out->states = s->nstates;
  s->out->seconds = processor() - from;
}

static void clear(struct search *s) {
  for (uint32_t i = 0; i < s->nstates; i++)
    free(s->snap[i]);
  free(s->state);
  free(s->snap);
  free(s->first);
  free(s->edge);
  free(s->table);
  free(s->base);
  free(s->here);
}

void la__xp_search(const struct xp_bound *b, double seconds, size_t bytes, struct xp_result *out) {
  struct search s = {.b = b, .out = out, .most = bytes};
  struct sigaction act = {.sa_handler = on_trap, .sa_flags = SA_NODEFER}, old[2];
  *out = (struct xp_result){0};
  sigaction(SIGILL, &act, &old[0]);
  sigaction(SIGTRAP, &act, &old[1]);
  if (la__xp_start(b)) {
    LA_CHECK(la__xp_image_size() < IMAGE);
    la__xp_first();
    s.base = must(calloc(1, IMAGE));
    s.here = must(calloc(1, IMAGE));
    la__xp_image_first(s.base);
    la__xp_image_first(s.here);
    search(&s, seconds);
  } else {
    wrong(&s, la__xp_wrong);
  }
  sigaction(SIGILL, &old[0], NULL);
  sigaction(SIGTRAP, &old[1], NULL);
  clear(&s);
}
