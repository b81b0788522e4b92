/* SPDX-License-Identifier: MIT */
#include "fuzz/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/seq.h"

la_trace_rec fuzz_trace[FUZZ_TRACE];
la_metrics fuzz_metrics;

void fuzz_failed(const char *what, const char *file, int line) {
  fprintf(stderr, "%s:%d: violated: %s\n", file, line, what);
  abort();
}

/* memory */

void *fuzz_alloc(void *ctx, size_t n) {
  struct fuzz_memory *m = ctx;
  m->calls++;
  m->rnd = m->rnd * 1664525u + 1013904223u;
  if (m->fail_one_in && (m->rnd >> 16) % m->fail_one_in == 0)
    return NULL;
  size_t *p = malloc(n + 16);
  FUZZ_CHECK(p);
  *p = n;
  memset((char *)p + 16, 0xa5, n < 256 ? n : 256);
  m->live += n;
  return (char *)p + 16;
}
void fuzz_free(void *ctx, void *p, size_t n) {
  struct fuzz_memory *m = ctx;
  size_t *q = (size_t *)(void *)((char *)p - 16);
  FUZZ_CHECK(*q == n);
  m->live -= n;
  free(q);
}

struct watch *watch_new(la_stack *s, struct fuzz_memory *mem, const la_config *cfg) {
  struct watch *w = calloc(1, sizeof *w);
  FUZZ_CHECK(w);
  w->s = s;
  w->mem = mem;
  w->cfg = *cfg;
  w->digest = UINT64_C(0xcbf29ce484222325);
  w->base = mem->live;
  return w;
}
void watch_free(struct watch *w) { free(w); }

/* endings */

void watch_known(struct watch *w, la_conn c) {
  FUZZ_CHECK(w->nknown < FUZZ_KNOWN);
  w->known[w->nknown++].c = c;
}

void watch_event(struct watch *w, const la_event *e) {
  w->digest = (w->digest ^ (unsigned)e->type) * UINT64_C(0x100000001b3);
  if (e->type == LA_EVENT_SYN || e->type == LA_EVENT_ACCEPT || e->conn.gen == 0) /* of a listener or a datagram socket */
    return;
  for (unsigned i = 0; i < w->nknown; i++)
    if (la_conn_same(w->known[i].c, e->conn)) {
      FUZZ_CHECK(!w->known[i].ended); /* END is last, and once */
      if (e->type != LA_EVENT_END)
        return;
      w->known[i].ended = true;
      FUZZ_CHECK(la_conn_same(e->end.conn, e->conn));
      FUZZ_CHECK(e->end.ended >= e->end.opened && e->end.how != LA_HOW_OPEN && e->end.who != LA_BY_NOBODY);
      return;
    }
  FUZZ_CHECK(!"an event of a connection that the application does not know");
}

void watch_close_all(struct watch *w, bool abort_all, la_time now) {
  for (unsigned i = 0; i < w->nknown; i++)
    if (abort_all)
      la_abort(w->s, w->known[i].c, now);
    else
      la_close(w->s, w->known[i].c, now);
}

/* the trace */

static struct track *track_of(struct watch *w, la_conn c) {
  unsigned n = sizeof w->track / sizeof w->track[0];
  for (unsigned i = 0; i < n; i++)
    if (la_conn_same(w->track[i].c, c))
      return &w->track[i];
  struct track *t = &w->track[w->next++ % n];
  *t = (struct track){.c = c};
  return t;
}

void watch_read(struct watch *w, la_conn c, uint32_t from, uint32_t n) {
  struct track *t = track_of(w, c);
  FUZZ_CHECK(!t->has_read || t->read == from);
  t->has_read = true;
  t->read = from + n;
}

static bool in_diagram(enum la_state from, enum la_state to, enum la_cause cause) {
  la_transition t;
  for (size_t i = 0; la_transition_get(i, &t); i++)
    if (t.from == from && t.to == to && t.cause == cause)
      return true;
  return false;
}

static void sent(struct watch *w, const la_trace_rec *r) {
  struct track *t = track_of(w, (la_conn){r->conn_index, r->conn_gen});
  FUZZ_CHECK(!t->reset); /* nothing after a RST */
  if (r->flags & LA_RST)
    t->reset = true;
  else if (r->flags & LA_ACK && (!t->has_announced || seq_gt(r->ack + r->wnd, t->announced))) {
    t->announced = r->ack + r->wnd;
    t->has_announced = true;
  }
  if (!(r->flags & LA_FIN))
    return;
  uint32_t fin = r->seq + r->len;
  FUZZ_CHECK(!t->has_fin || t->fin == fin); /* never a second FIN */
  t->has_fin = true;
  t->fin = fin;
}

static void trace(struct watch *w, la_time now) {
  la_trace_rec r;
  while (la_trace_read(w->s, &r, 1, NULL)) {
    FUZZ_CHECK(r.at <= now);
    if (r.type == LA_TRACE_TRANSITION)
      FUZZ_CHECK(in_diagram((enum la_state)r.from, (enum la_state)r.to, (enum la_cause)r.cause));
    else if (r.type == LA_TRACE_OUT && r.conn_gen)
      sent(w, &r);
  }
}

/* connections */

static void numbers(struct watch *w, const la_info_rec *r, struct track *t) {
  if (r->state < LA_ESTABLISHED || r->state == LA_TIME_WAIT)
    return;
  uint32_t edge = r->rcv_nxt + r->rcv_wnd;
  if (t->seen) {
    FUZZ_CHECK(seq_geq(r->snd_una, t->una) && seq_geq(r->snd_nxt, t->nxt));
    FUZZ_CHECK(seq_geq(r->rcv_nxt, t->rcv) && seq_geq(edge, t->edge));
  }
  FUZZ_CHECK(!t->has_announced || seq_geq(edge, t->announced));
  t->seen = true;
  t->una = r->snd_una;
  t->nxt = r->snd_nxt;
  t->rcv = r->rcv_nxt;
  t->edge = edge;
  FUZZ_CHECK(seq_leq(r->snd_una, r->snd_nxt) && r->unacked == r->snd_nxt - r->snd_una);
  uint32_t piece = w->cfg.send_pieces ? 65536 : 0; /* then what is begun is taken whole */
  FUZZ_CHECK((uint64_t)r->unacked + r->unsent <= w->cfg.sndbuf + w->cfg.sndbuf_max + piece + 4096u + 2u);
  FUZZ_CHECK(r->segs_sacked + r->segs_lost <= r->segs_out && r->segs_retrans <= r->segs_out);
  FUZZ_CHECK(r->unread <= 60000 + 200000 + 40000);
  FUZZ_CHECK(r->mss >= 36 && r->cwnd >= 1);
}

/* 2: whom a clock must end, and when one must run at all. */
static void clocks(const struct watch *w, const la_info_rec *r, la_time now) {
  bool ends =
    r->state == LA_SYN_SENT || r->state == LA_SYN_RECEIVED ||
    (r->closed_by_app && (r->state == LA_FIN_WAIT_1 || r->state == LA_FIN_WAIT_2 || r->state == LA_CLOSING || r->state == LA_LAST_ACK));
  if (ends)
    FUZZ_CHECK(r->deadline != LA_NEVER);
  if (ends || (r->state >= LA_ESTABLISHED && r->state != LA_TIME_WAIT && (r->unacked || r->unsent)))
    FUZZ_CHECK(la_deadline(w->s) != LA_NEVER);
  FUZZ_CHECK(r->state == LA_CLOSED || r->state == LA_TIME_WAIT || r->deadline > now || r->deadline == 0 || la_deadline(w->s) <= now);
}

/* 8: what it says of itself. */
static void story(struct watch *w, la_conn c, const la_info_rec *r, la_time now) {
  la_story s;
  FUZZ_CHECK(la_story_get(w->s, c, &s) == LA_OK);
  FUZZ_CHECK(s.nsteps >= 1 && s.nsteps <= LA_STEPS && s.waiting == r->waiting);
  FUZZ_CHECK(s.step[s.nsteps - 1].state == r->state || (r->state == LA_SYN_RECEIVED && s.nsteps == 1));
  for (unsigned i = 1; i < s.nsteps; i++)
    FUZZ_CHECK(s.step[i].at >= s.step[i - 1].at);
  FUZZ_CHECK(s.step[s.nsteps - 1].at <= now);
  FUZZ_CHECK((s.clock == LA_CLOCK_NONE) == (s.clock_at == LA_NEVER));
  FUZZ_CHECK(s.ended || s.clock_at == LA_NEVER || la_deadline(w->s) <= s.clock_at);
  FUZZ_CHECK(s.ended || (s.ends_at == LA_NEVER) == (s.end_why == LA_WHY_NONE));
  if (!s.ended)
    w->there[r->state]++;
}

static void counts(struct watch *w, la_time now) {
  uint64_t ends = 0;
  la_stats st;
  la_stats_get(w->s, &st);
  for (unsigned i = 0; i < LA_STATES; i++) {
    FUZZ_CHECK(w->there[i] == fuzz_metrics.now[i]);
    uint64_t times = 0;
    for (unsigned k = 0; k < LA_TIMES; k++)
      times += fuzz_metrics.times[i][k];
    FUZZ_CHECK(fuzz_metrics.time_ms[i] <= times * (now / LA_MS));
  }
  for (unsigned i = 0; i < LA_WHYS; i++)
    for (unsigned k = 0; k < LA_FIRSTS; k++)
      ends += fuzz_metrics.ends[i][k];
  FUZZ_CHECK(ends >= st.ended);
}

struct visit {
  struct watch *w;
  la_time now;
};
static bool visit(void *ctx, const la_each_rec *e) {
  struct visit *v = ctx;
  la_info_rec r;
  switch (e->kind) {
  case LA_KIND_CONN:
    if (la_info(v->w->s, e->conn, &r) != LA_OK)
      return true;
    numbers(v->w, &r, track_of(v->w, e->conn));
    clocks(v->w, &r, v->now);
    story(v->w, e->conn, &r, v->now);
    return true;
  case LA_KIND_HALF_OPEN:
  case LA_KIND_TIME_WAIT:
    FUZZ_CHECK(e->deadline != LA_NEVER && la_deadline(v->w->s) != LA_NEVER);
    return true;
  default:
    return true;
  }
}

void watch_check(struct watch *w, la_time now) {
  struct visit v = {w, now};
  la_stats st;
  trace(w, now);
  memset(w->there, 0, sizeof w->there);
  la_each(w->s, visit, &v);
  counts(w, now);
  la_stats_get(w->s, &st);
  FUZZ_CHECK(st.conns <= w->cfg.max_conns && st.half_open <= w->cfg.max_half_open && st.time_wait <= w->cfg.max_time_wait);
  FUZZ_CHECK(st.orphans <= w->cfg.max_orphans && st.listeners <= w->cfg.max_listeners && st.chunks <= w->cfg.max_chunks);
  FUZZ_CHECK(st.bytes_allocated == w->mem->live);
  FUZZ_CHECK(w->mem->live < w->base + 1000000);
}

void watch_finished(struct watch *w) {
  la_stats st;
  la_stats_get(w->s, &st);
  FUZZ_CHECK(st.udp_sockets == 0 && st.conns == 0 && st.half_open == 0 && st.time_wait == 0 && st.orphans == 0 && st.listeners == 0 &&
             st.chunks == 0);
  for (unsigned i = 0; i < w->nknown; i++)
    FUZZ_CHECK(w->known[i].ended);
  la_trim(w->s);
  FUZZ_CHECK(w->mem->live <= w->base);
  FUZZ_CHECK(la_deadline(w->s) == LA_NEVER);
}
