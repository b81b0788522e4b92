/* SPDX-License-Identifier: MIT */
/*
 * model_diff [N] [--seed S] [--ipv6] [--show K] [--class NAME]: N segments of the table's grid, drawn from a seed, met by the kernel and by lastack
 * (LA_PRESET_LINUX) in the same place. What they answer, where they go and what their applications see must be equal, or the difference
 * must belong to a class, each of which docs/decisions.md explains. Exit status 1: there was one without a class. --show: so many of those, or of a class, are printed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/classes.h"
#include "tests/model/kernel.h"

enum { SHOWN = 5, TRIES = 3 };

static uint64_t rnd(uint64_t *s) {
  uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* Linux takes a timestamp that is one older (TCP_PAWS_WINDOW): old is older than that here. */
static void segment(const struct question *q, const struct m_tcb *t, struct m_seg *seg) {
  grid_segment(q->n, t, seg);
  if (grid_digits(q->n).ts == TS_OLD)
    seg->tsval = TS_RECENT - 5000;
}

/* Numbers as differences: of a RST to the segment's ACK field, of the rest to SND.NXT; a new ISS is none. */
static void answers(struct outcome *o, const struct m_tcb *t, const struct m_seg *seg, unsigned n, const struct heard *h) {
  bool fresh = t->state == M_LISTEN || t->state == M_TIME_WAIT;
  o->n = n;
  for (unsigned i = 0; i < n && i < 2; i++) {
    o->out[i].flags = h[i].flags;
    o->out[i].len = h[i].len;
    o->out[i].ack = h[i].flags & M_ACK ? h[i].ack - t->rcv_nxt : 0;
    o->out[i].seq = h[i].flags == M_RST ? h[i].seq - seg->ack : h[i].flags & M_RST ? h[i].seq : h[i].seq - t->snd_nxt;
    if (fresh && h[i].flags == (M_SYN | M_ACK))
      o->out[i].seq = 0;
    o->out[i].echo = h[i].ts && !(h[i].flags & M_RST) ? (int32_t)(h[i].tsecr - TS_RECENT) : 99;
  }
}

static void by_lastack(struct question *q, struct outcome *o) {
  struct stand st;
  struct m_tcb t;
  struct m_seg seg;
  stand_place(&st, q->place, q->six, q->ts, LA_PRESET_LINUX, &t);
  segment(q, &t, &seg);
  stand_inject(&st, &seg);
  stand_pump(&st);
  *o = (struct outcome){.state = (enum m_state)stand_state(&st), .has_app = st.has_conn && t.reader};
  answers(o, &t, &seg, st.nout, st.out);
  q->t = t;
  q->seg = seg;
  la_info_rec i;
  if (st.has_conn && t.reader && la_info(st.s, st.conn, &i) == LA_OK) {
    o->unread = i.unread - t.unread;
    o->eof = st.events & M_EV_PEER_FIN || t.state == M_CLOSE_WAIT || t.state >= M_CLOSING;
    o->urgent = st.events & M_EV_URGENT;
    o->err = st.nend && t.state != M_TIME_WAIT ? -st.end.err : 0;
  }
  stand_close(&st);
}

static bool by_kernel(struct kernel *k, const struct question *q, struct outcome *o, char *why, size_t cap) {
  struct m_tcb t;
  struct m_seg seg;
  bool there = kernel_reach(k, q->place, q->ts, &t, why, cap);
  if (there) {
    static const int map[][2] = {{ECONNRESET, -LA_ECONNRESET}, {ECONNREFUSED, -LA_ECONNREFUSED}, {EPIPE, -LA_EPIPE}};
    struct kernel_view v;
    segment(q, &t, &seg);
    kernel_hear(k, &seg);
    kernel_look(k, &v);
    *o = (struct outcome){
      .state = v.state, .has_app = v.has_socket, .unread = v.unread - t.unread, .eof = v.eof, .urgent = v.urgent, .err = v.err};
    for (unsigned i = 0; i < 3; i++)
      if (v.err == map[i][0])
        o->err = map[i][1];
    answers(o, &t, &seg, k->nout, k->out);
  }
  kernel_leave(k, &t);
  return there;
}

struct tally {
  uint64_t same, unsteady, unknown, unreached, of[CLASSES];
};

static void show(const char *title, const struct question *q, const struct outcome *ours, const struct outcome *theirs) {
  printf("%s: ", title);
  question_print(q);
  printf("  lastack  ");
  outcome_print(ours);
  printf("  kernel   ");
  outcome_print(theirs);
}

struct options {
  uint64_t n, seed;
  unsigned shown;
  bool six;
  const char *class;
};

static void ask(struct kernel *k, struct question *q, struct tally *t, const struct options *o) {
  struct outcome ours, theirs = {0};
  char why[100], name[80];
  by_lastack(q, &ours);
  for (unsigned i = 0; i < TRIES; i++) { /* a clock of the kernel may strike in between: what happens once is no difference */
    if (!by_kernel(k, q, &theirs, why, sizeof why)) {
      if (i + 1 < TRIES)
        continue;
      if (t->unreached++ < o->shown)
        printf("the kernel does not get to %s%s: %s\n", place_name(q->place, name, sizeof name), q->ts ? " with timestamps" : "", why);
      return;
    }
    if (outcome_same(&ours, &theirs)) {
      t->same += i == 0;
      t->unsteady += i != 0;
      return;
    }
    enum difference c = class_of(q, &ours, &theirs);
    if (c != CLASSES) {
      if (t->of[c]++ < o->shown && o->class && !strcmp(o->class, class_name[c]))
        show(class_name[c], q, &ours, &theirs);
      return;
    }
  }
  if (t->unknown++ < o->shown)
    show("a difference without a class", q, &ours, &theirs);
}

static struct options parse(int argc, char **argv) {
  struct options o = {.n = 20000, .seed = 1, .shown = SHOWN};
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    char *end;
    if (!strcmp(argv[i], "--ipv6")) {
      o.six = true;
      continue;
    }
    if (argv[i][0] != '-')
      o.n = strtoull(argv[i], &end, 10);
    else if (!strcmp(argv[i], "--seed") && ++i)
      o.seed = strtoull(value, &end, 10);
    else if (!strcmp(argv[i], "--show") && ++i)
      o.shown = (unsigned)strtoul(value, &end, 10);
    else if (!strcmp(argv[i], "--class") && ++i)
      o.class = value, end = "";
    else
      end = argv[i];
    if (*end || !o.n || (o.class && !*o.class))
      stand_die("usage: model_diff [N] [--seed S] [--ipv6] [--show K] [--class NAME]");
  }
  return o;
}

int main(int argc, char **argv) {
  struct options o = parse(argc, argv);
  struct kernel k;
  struct tally t = {0};
  kernel_open(&k, o.six);
  for (uint64_t i = 0, seed = o.seed; i < o.n; i++) {
    uint64_t r = rnd(&seed);
    struct question q = {.place = &places[r % nplaces], .six = o.six, .ts = r >> 32 & 1, .n = (uint32_t)(rnd(&seed) % GRID)};
    ask(&k, &q, &t, &o);
  }
  for (unsigned c = 0; c < CLASSES; c++)
    if (t.of[c])
      printf("%8llu  %s\n", (unsigned long long)t.of[c], class_name[c]);
  printf("%llu segments: %llu alike, %llu in a class, %llu not repeated, %llu without a class, %llu places not reached\n",
         (unsigned long long)o.n, (unsigned long long)t.same, (unsigned long long)(o.n - t.same - t.unsteady - t.unknown - t.unreached),
         (unsigned long long)t.unsteady, (unsigned long long)t.unknown, (unsigned long long)t.unreached);
  return t.unknown || t.unreached ? 1 : 0;
}
