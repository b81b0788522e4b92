/* SPDX-License-Identifier: MIT */
/*
 * What the stack is, held against the laws. After each turn of a host every connection that its applications know is looked at; every
 * so often all records, lists and counts; and when all is over, what is left.
 */
#include "sim/swarm.h"

#include "base/seq.h"

#include <string.h>

const char *la__sw_law_text(enum sw_law law) {
  static const char *const texts[SW_LAWS] = {
    [SW_FINE] = "fine",
    [SW_TRANSITION] = "every transition is one of the state diagram and follows the one before it",
    [SW_SILENT] = "whoever is CLOSED sends nothing but RST, and nothing follows a RST",
    [SW_ONE_FIN] = "a connection's FIN has one sequence number",
    [SW_NUMBERS] = "SND.UNA <= SND.NXT <= SND.UNA + the largest window; none of the numbers goes back",
    [SW_EDGE] = "the right edge of an offered window never moves left",
    [SW_SENT] = "what is sent is well formed, fits its link, and is what was written",
    [SW_STREAM] = "what is delivered is a prefix of what was written",
    [SW_CLOCK] = "a state that waits has a clock, which began in that state",
    [SW_TIME_WAIT] = "TIME-WAIT lasts 2MSL from the last FIN",
    [SW_ONE_END] = "END comes once, and nothing after it",
    [SW_REASON] = "what the world did accounts for how a connection ended",
    [SW_COMPLETE] = "an orderly release has delivered all bytes",
    [SW_READY] = "events are told when they are due, and only then",
    [SW_ANSWERS] = "answers are bounded by what came",
    [SW_LIMITS] = "counts and memory stay within their limits",
    [SW_BOUND] = "what both applications have closed ends",
    [SW_LENT] = "what is lent comes back once and in time, and holds the stream's bytes",
    [SW_LEFT] = "when all is over nothing is left",
    [SW_TRAP] = "the stack's own checks hold",
  };
  return texts[law];
}

const struct conn *la__sw_conn(const struct sw_end *e) {
  return e->alive && e->h->st && e->boot == e->h->boots ? la__conn_handle(&e->h->st->tcp, e->handle) : NULL;
}

void la__sw_seen(struct sw_end *e, enum sw_seen what) {
  const struct conn *c = la__sw_conn(e);
  if (c)
    e->w->fig.cell[c->state][what]++;
}

static bool waits_for_peer(unsigned st) {
  return st == LA_SYN_SENT || st == LA_SYN_RECEIVED || st == LA_FIN_WAIT_1 || st == LA_FIN_WAIT_2 || st == LA_CLOSING || st == LA_LAST_ACK;
}

/* 1: sequence numbers. */
static void numbers(struct sw_end *e, const struct conn *c) {
  struct sw_world *w = e->w;
  uint32_t most = c->snd_wnd_max ? c->snd_wnd_max : 1;
  if (c->state < LA_ESTABLISHED || c->flags & CF_ENDED)
    return;
  if (seq_gt(c->snd_una, c->snd_nxt) || c->snd_nxt - c->snd_una > most + 1)
    la__sw_broken(w, SW_NUMBERS, "end %u: SND.UNA %u, SND.NXT %u, the largest window %u", e->id, c->snd_una, c->snd_nxt, most);
  if (e->seen && (seq_lt(c->snd_una, e->una) || seq_lt(c->snd_nxt, e->nxt) || seq_lt(c->rcv_nxt, e->rcv) || seq_lt(c->rcv_adv, e->edge)))
    la__sw_broken(w, SW_NUMBERS, "end %u: a sequence number went back", e->id);
  if (seq_lt(c->rcv_adv, c->rcv_nxt))
    la__sw_broken(w, SW_NUMBERS, "end %u: RCV.NXT lies beyond the window", e->id);
  if (!e->seen || c->snd_una != e->una) {
    e->moved = e->h->now;
    e->probed = false;
    if (e->pair)
      e->pair->head_at = 0;
  }
  e->seen = true;
  e->una = c->snd_una;
  e->nxt = c->snd_nxt;
  e->rcv = c->rcv_nxt;
  e->edge = c->rcv_adv;
}

/* How long a connection may stay where it is without progress; LA_NEVER: for ever. */
static la_time patience(const struct sw_end *e, const struct conn *c) {
  const la_config *cfg = &e->h->cfg;
  const struct wish *wish = conn_wish(c);
  la_time limit = cfg->r2;
  switch (c->state) {
  case LA_SYN_SENT:
  case LA_SYN_RECEIVED:
    limit = wish->syn_retries ? LA_NEVER : cfg->syn_limit;
    break;
  case LA_FIN_WAIT_2:
    return !(c->flags & CF_APP_CLOSED) ? LA_NEVER
           : wish->fin_wait_2 < 0      ? 0
           : wish->fin_wait_2          ? (la_time)wish->fin_wait_2 * LA_MS
                                       : cfg->fin_wait_2;
  case LA_FIN_WAIT_1:
  case LA_CLOSING:
  case LA_LAST_ACK:
    break;
  default:
    return LA_NEVER;
  }
  return wish->user_timeout ? wish->user_timeout * LA_MS : limit;
}

/* 2: clocks. */
static void clocks(struct sw_end *e, const struct conn *c, la_time next) {
  struct sw_world *w = e->w;
  la_time now = e->h->now;
  if (c->flags & CF_ENDED)
    return;
  bool owed = c->snd_una != c->snd_nxt || (c->sndq && c->sndq->spool.len) || (c->flags & CF_FIN_QUEUED && !(c->flags & CF_FIN_ACKED));
  if (owed && !e->owes)
    e->owed_at = now;
  e->owes = owed;
  e->probed |= c->clock == CLK_PERSIST;
  if (c->snd_wnd)
    e->open_at = now;
  else if (e->pair && e->pair->end == e)
    e->pair->head_at = 0; /* what a full buffer has not taken has not come */
  bool runs = c->clock == CLK_RTX || c->clock == CLK_PERSIST || c->clock == CLK_REO || c->clock == CLK_TLP;
  bool paced = c->sndq && c->sndq->pace_wait;
  if (owed && !runs && !paced && !(c->flags & CF_DIRTY))
    la__sw_broken(w, SW_CLOCK, "end %u in %s: something is owed and no clock runs", e->id, la_state_name((enum la_state)c->state));
  if (owed && c->snd_wnd == 0 && c->clock != CLK_PERSIST && c->state >= LA_ESTABLISHED && !paced && !(c->flags & CF_DIRTY))
    la__sw_broken(w, SW_CLOCK, "end %u in %s: the window is closed and nothing probes it", e->id, la_state_name((enum la_state)c->state));
  if (runs && c->clock_at == LA_NEVER)
    la__sw_broken(w, SW_CLOCK, "end %u: a clock that never strikes", e->id);
  la_time life = la__life_end(c);
  bool ends = waits_for_peer(c->state) && (c->state != LA_FIN_WAIT_2 || c->flags & CF_APP_CLOSED);
  if (ends && life == LA_NEVER && c->clock != CLK_PERSIST && !paced)
    la__sw_broken(w, SW_CLOCK, "end %u: %s has no limit", e->id, la_state_name((enum la_state)c->state));
  if ((runs && c->clock_at < next && c->clock_at > now) || (life < next && life > now))
    la__sw_broken(w, SW_CLOCK, "end %u: la_deadline is later than its clock", e->id);
  /* the limit counts from the state's beginning or the last progress in it, whatever came before */
  la_time from = e->entered > e->moved ? e->entered : e->moved, limit = patience(e, c);
  if (c->state == LA_FIN_WAIT_2)
    from = e->entered > e->closed_at ? e->entered : e->closed_at;
  if (limit != LA_NEVER && c->clock != CLK_PERSIST && c->life_at != LA_NEVER && c->life_at > now &&
      c->life_at - now > limit + (e->probed ? 2 * e->h->cfg.rto_max : 0))
    la__sw_broken(w, SW_CLOCK, "end %u: the limit of %s lies %llu ms ahead, not %llu", e->id, la_state_name((enum la_state)c->state),
                  (unsigned long long)((c->life_at - now) / LA_MS), (unsigned long long)(limit / LA_MS));
  if (c->state == LA_FIN_WAIT_2 && limit != LA_NEVER && c->life_at != la__after(from, limit))
    la__sw_broken(w, SW_CLOCK, "end %u: FIN-WAIT-2 ends %lld us beside its time", e->id,
                  (long long)((int64_t)(c->life_at - la__after(from, limit)) / 1000));
}

/* 3: what should have been told has been. Called when the queue of events is empty. */
static void readiness(struct sw_end *e, const struct conn *c) {
  struct sw_world *w = e->w;
  if (c->events & (c->flags & CF_UNACCEPTED ? 0u : 255u))
    la__sw_broken(w, SW_READY, "end %u: events wait though la_events said that none do", e->id);
  if (e->closed)
    return;
  uint32_t held = c->rcvq ? c->rcvq->rope.len : 0;
  if (e->read_armed && held && !(c->flags & CF_ENDED))
    la__sw_broken(w, SW_READY, "end %u: %u bytes to read and READABLE was not told", e->id, held);
  if (c->flags & CF_FIN_RCVD && !e->told_fin && e->opened)
    la__sw_broken(w, SW_READY, "end %u: the peer's FIN has come and PEER_FIN was not told", e->id);
  uint32_t queued = c->sndq ? c->sndq->spool.len : 0;
  if (e->write_armed && !(c->flags & CF_ENDED) && queued <= c->sndbuf / 2 && !e->plan->lowat)
    la__sw_broken(w, SW_READY, "end %u: half the buffer is free and WRITABLE was not told", e->id);
  bool ready;
  size_t posted = la__sw_posted(e, &ready);
  if (e->read_armed && ready && !(c->flags & CF_ENDED))
    la__sw_broken(w, SW_READY, "end %u: a posted buffer can be taken and READABLE was not told", e->id);
  if (e->opened && !(c->flags & CF_ENDED) && e->rx + posted + held != c->bytes_in)
    la__sw_broken(w, SW_STREAM, "end %u: %llu bytes came, %llu were read, %zu are in posted buffers and %u wait", e->id,
                  (unsigned long long)c->bytes_in, (unsigned long long)e->rx, posted, held);
}

static void watch_end(struct sw_end *e, la_time next) {
  const struct conn *c = la__sw_conn(e);
  struct sw_world *w = e->w;
  if (!c) {
    la__sw_broken(w, SW_ONE_END, "end %u: its handle is stale", e->id);
    return;
  }
  if (c->state != e->state) {
    e->state = c->state;
    if (!e->pair || e->pair->end != e) /* else the trace has told when */
      e->entered = e->h->now;
  }
  numbers(e, c);
  clocks(e, c, next);
  readiness(e, c);
}

void la__sw_watch(struct sw_host *h) {
  struct sw_world *w = h->w;
  if (w->broken)
    return;
  la_time next = la_deadline(h->st);
  bool told = h->st->tcp.event_head == REF_NONE;
  for (unsigned i = 0; i < w->nends && !w->broken; i++) {
    struct sw_end *e = &w->end[i];
    if (e->h == h && e->rst_due) {
      e->rst_due = false;
      if (e->boot == h->boots && e->pair && e->pair->rst_out != w->now + 1)
        la__sw_broken(w, SW_SILENT, "end %u: %s, and no RST went out", e->id, la_why_name(e->end.why));
    }
    if (e->h != h || !e->alive)
      continue;
    if (told)
      watch_end(e, next);
  }
}

/* Everything that waits has its deadline, and what is counted is there. */
struct look {
  struct sw_host *h;
  uint32_t n[LA_KIND_UDP + 1];
  la_time first;
};
static bool look(void *ctx, const la_each_rec *r) {
  struct look *l = ctx;
  struct sw_host *h = l->h;
  l->n[r->kind]++;
  if ((r->kind == LA_KIND_HALF_OPEN || r->kind == LA_KIND_TIME_WAIT) && r->deadline == LA_NEVER)
    la__sw_broken(h->w, SW_CLOCK, "host %u: a record in %s without a clock", h->no, la_state_name(r->state));
  if (r->kind == LA_KIND_TIME_WAIT) {
    const struct sw_pair *p = la__sw_pair(h, &r->remote, r->local_port, r->remote_port, false);
    if (p && p->state != LA_TIME_WAIT)
      la__sw_broken(h->w, SW_TIME_WAIT, "host %u port %u: a TIME-WAIT record of a pair in %s", h->no, r->local_port,
                    la_state_name((enum la_state)p->state));
    if (p && r->deadline != p->tw_due)
      la__sw_broken(h->w, SW_TIME_WAIT, "host %u port %u: TIME-WAIT is due %lld us beside its time", h->no, r->local_port,
                    (long long)((int64_t)(r->deadline - p->tw_due) / 1000));
  }
  if (r->kind != LA_KIND_CONN && r->deadline < l->first)
    l->first = r->deadline;
  return true;
}

void la__sw_watch_stack(struct sw_host *h) {
  struct sw_world *w = h->w;
  struct look l = {.h = h, .first = LA_NEVER};
  la_stats st;
  if (w->broken || !h->st)
    return;
  la_each(h->st, look, &l);
  la_stats_get(h->st, &st);
  if (l.first < la_deadline(h->st))
    la__sw_broken(w, SW_CLOCK, "host %u: la_deadline is later than a record's", h->no);
  if (l.n[LA_KIND_CONN] != st.conns || l.n[LA_KIND_HALF_OPEN] != st.half_open || l.n[LA_KIND_LISTENER] != st.listeners ||
      l.n[LA_KIND_TIME_WAIT] > st.time_wait)
    la__sw_broken(w, SW_LIMITS, "host %u: la_stats and la_each differ", h->no);
  if (st.conns > h->cfg.max_conns || st.half_open > h->cfg.max_half_open || st.time_wait > h->cfg.max_time_wait ||
      st.orphans > h->cfg.max_orphans || st.chunks > h->cfg.max_chunks)
    la__sw_broken(w, SW_LIMITS, "host %u: more records than the configuration allows", h->no);
  if (st.bytes_allocated != h->mem.bytes)
    la__sw_broken(w, SW_LIMITS, "host %u: la_stats says %llu bytes, the allocator %llu", h->no, (unsigned long long)st.bytes_allocated,
                  (unsigned long long)h->mem.bytes);
  uint64_t alone = h->alone_out, most = h->inputs + st.retransmits + st.challenge_acks;
  if (alone > most + 8)
    la__sw_broken(w, SW_ANSWERS, "host %u: %llu answers to %llu packets", h->no, (unsigned long long)alone, (unsigned long long)h->inputs);
}

void la__sw_watch_over(struct sw_host *h) {
  struct sw_world *w = h->w;
  la_stats st;
  la_stats_get(h->st, &st);
  if (st.conns | st.half_open | st.time_wait | st.orphans | st.listeners | st.chunks)
    la__sw_broken(w, SW_LEFT, "host %u: %u connections, %u half-open, %u TIME-WAIT, %u orphans, %u listeners, %u chunks are left", h->no,
                  st.conns, st.half_open, st.time_wait, st.orphans, st.listeners, st.chunks);
  la_trim(h->st);
  la_stats_get(h->st, &st);
  if (st.bytes_allocated != h->baseline)
    la__sw_broken(w, SW_LEFT, "host %u: %llu bytes are held, %llu at the start", h->no, (unsigned long long)st.bytes_allocated,
                  (unsigned long long)h->baseline);
}

void la__sw_world_over(struct sw_world *w) {
  for (unsigned i = 0; i < w->nends && !w->broken; i++) {
    const struct sw_end *e = &w->end[i];
    if (!e->crashed && !e->ended)
      la__sw_broken(w, SW_ONE_END, "end %u never got its END", e->id);
    else if (!e->crashed && !e->closed)
      la__sw_broken(w, SW_READY, "end %u was never closed", e->id);
  }
}
