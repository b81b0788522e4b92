/* SPDX-License-Identifier: MIT */
/*
 * Ends. Each END names a reason; here stands what must have happened for each of them. An orderly release has delivered everything; a
 * limit that struck had run in full; a RST has a sender who had a cause.
 */
#include "sim/swarm.h"

#include "base/seq.h"

static bool natted(const struct sw_end *e) { return e->w->host[e->f->plan->client].plan->nat || e->w->host[e->f->plan->server].plan->nat; }

/* The pair as the other host sees it, whether an application there knows it or not. */
static struct sw_pair *other(const struct sw_end *e) {
  if (e->peer)
    return e->peer->pair;
  la_addr us = la__sw_addr(e->h->no, e->f->plan->six);
  struct sw_host *h = &e->w->host[e->side ? e->f->plan->client : e->f->plan->server];
  return natted(e) ? NULL : la__sw_pair(h, &us, e->rport, e->lport, false);
}

/* Did anything of this connection, in either direction, fail to come since then? */
static bool lossy_since(const struct sw_end *e, uint64_t since) {
  const struct sw_pair *p = other(e);
  if ((e->pair && e->pair->lost_at && e->pair->lost_at >= since) || (p && p->lost_at && p->lost_at >= since))
    return true;
  return !p; /* nobody knows */
}

/* May the peer have kept back RSTs, there being more to be sent than it sends in a second? */
static bool mute(const struct sw_end *e) {
  uint32_t rsts = e->w->host[e->side ? e->f->plan->client : e->f->plan->server].cfg.rst_per_sec;
  return rsts && rsts < 10;
}

/* Did the other side go without a word, or lose its memory? */
static bool peer_gone(const struct sw_end *e) {
  const struct sw_world *w = e->w;
  const struct sw_host *h = &w->host[e->side ? e->f->plan->client : e->f->plan->server];
  return (e->peer && (e->peer->crashed || e->peer->ended)) || h->crash_at || h->mem.failed || h->stop_until || e->h->stop_until;
}

/* Was either of the two ever short of memory? */
static bool memory(const struct sw_end *e) {
  for (unsigned i = 0; i < 2; i++) {
    const struct sw_host *h = &e->w->host[i ? e->f->plan->client : e->f->plan->server];
    la_stats st = {0};
    if (h->st)
      la_stats_get(h->st, &st);
    if (h->mem.failed || st.drops[LA_DROP_NOMEM] || st.drops[LA_DROP_TCP_OFO_QUEUE_PRUNE])
      return true;
  }
  return false;
}

static bool same_end(struct sw_end *e, const char *what, uint64_t a, uint64_t b) {
  if (a == b)
    return true;
  la__sw_broken(e->w, SW_COMPLETE, "end %u was released in order, but %s: %llu, not %llu", e->id, what, (unsigned long long)a,
                (unsigned long long)b);
  return false;
}

static void orderly(struct sw_end *e) {
  la__sw_meet(e);
  const struct sw_end *p = e->peer;
  if (e->end.state == LA_SYN_SENT || e->risky)
    return;
  if (e->tx_fin == UINT64_MAX) {
    la__sw_broken(e->w, SW_REASON, "end %u was released in order, but never shut down", e->id);
    return;
  }
  if (!same_end(e, "bytes acknowledged", e->end.bytes_out, e->tx))
    return;
  if (!p) /* never accepted; then it cannot have sent a FIN of its own */
    la__sw_broken(e->w, SW_REASON, "end %u was released in order by nobody", e->id);
  else if (p->tx_fin == UINT64_MAX)
    la__sw_broken(e->w, SW_REASON, "end %u was released in order, but its peer never shut down", e->id);
  else
    same_end(e, "bytes received", e->end.bytes_in, p->tx_fin);
}

/* A limit struck: was it due, and had something stood in the way? */
static bool limit_reached(struct sw_end *e, la_time limit) {
  enum la_state st = e->end.state;
  bool anew = st == LA_SYN_SENT || st == LA_SYN_RECEIVED || st == LA_FIN_WAIT_1 || st == LA_CLOSING || st == LA_LAST_ACK;
  la_time from = e->moved > e->owed_at ? e->moved : e->owed_at;
  if (anew && e->entered > from) /* these begin with a clock of their own */
    from = e->entered;
  if (e->end.ended + LA_MS < from + limit && !e->h->stop_until) { /* whose loop stood still was looked at late */
    la__sw_broken(e->w, SW_CLOCK, "end %u: %s struck %llu ms after the last progress, before its %llu ms", e->id, la_why_name(e->end.why),
                  (unsigned long long)((e->end.ended - from) / LA_MS), (unsigned long long)(limit / LA_MS));
    return false;
  }
  return true;
}

/* What waits in a slow link's queue is as good as lost for so long. */
static bool slow(const struct sw_end *e, la_time limit) {
  const struct sw_world *w = e->w;
  for (unsigned i = 0; i < 2; i++) {
    const struct sw_host *h = &w->host[i ? e->f->plan->client : e->f->plan->server];
    if (h->plan->rate && h->plan->queue * LA_SEC / h->plan->rate > limit / 8)
      return true;
  }
  const struct sw_host *o = &w->host[e->side ? e->f->plan->client : e->f->plan->server];
  return w->lifetime > limit / 8 && (e->h->plan->reorder || e->h->delayed || o->delayed);
}

static bool stalled_peer(const struct sw_end *e, la_time limit) {
  const struct sw_end *p = e->peer;
  if (e->f->plan->accept_late)
    return true;
  if (!p)
    return false;
  bool stopped = p->plan->rd_stop && (p->rd_back >= LA_NEVER - 1 || e->w->now < p->rd_back + 2 * limit);
  return stopped || p->plan->rd_gap || p->deaf || p->closed;
}

/* Whoever has nothing but a cookie takes the later of two that changed places for a stranger. */
static bool cookies(const struct sw_end *e) {
  const struct sw_host *h = &e->w->host[e->f->plan->server];
  la_stats st = {0};
  if (h->st)
    la_stats_get(h->st, &st);
  return st.syncookies_sent > 0;
}

static bool reset_explained(struct sw_end *e) {
  const struct sw_end *p = e->peer;
  if (!e->pair || !e->pair->rst_at || e->pair->rst_at < e->began)
    return false;
  if (!p || natted(e) || memory(e) || peer_gone(e) || cookies(e) || e->risky)
    return true;
  return p->closed; /* it closed fully, or aborted */
}

/* Nothing was acknowledged for too long. */
static bool unanswered(struct sw_end *e, la_time limit) {
  const struct sw_pair *p = other(e);
  uint64_t window = la__sw_global(e->h, e->end.ended > 4 * limit ? e->end.ended - 4 * limit : 0);
  if (!e->closed && !e->limited && !e->h->stop_until && e->pair && e->pair->in_at + limit / 2 > e->end.ended &&
      e->open_at + limit < e->end.ended) {
    la__sw_broken(e->w, SW_REASON, "end %u: %s, though the peer answered (MUST-37)", e->id, la_why_name(e->end.why));
    return false;
  }
  if (stalled_peer(e, limit) || natted(e) || memory(e) || e->risky || peer_gone(e))
    return true;
  const struct sw_host *h = &e->w->host[e->side ? e->f->plan->client : e->f->plan->server];
  bool forged = h->plan->urgent || h->forged_at;
  if (h->plan->silent || e->h->plan->silent)
    forged = true; /* whose window is full of what a black hole swallows speaks from beyond its edge, unheard (3.10.7.4's first step) */
  if (p && e->pair && e->pair->head_at && p->said_at > e->pair->head_at && p->comes_at < e->w->now && !forged) {
    la__sw_broken(e->w, SW_REASON, "end %u: %s, though what was to be acknowledged has come and the peer has spoken since", e->id,
                  la_why_name(e->end.why));
    return false;
  }
  return mute(e) || lossy_since(e, window) || slow(e, limit);
}

/*
 * What was left of an old connection had to be reset first: where TIME-WAIT is deaf to that (RFC 1337) the SYN waits for its end, and
 * else for the next one, which a short limit may not live to see.
 */
static bool in_the_way(const struct sw_end *e) {
  const struct sw_pair *p = other(e);
  return (p && p->waited && p->waited > e->began) ||
         (e->pair && e->pair->rst_out > e->began && e->h->cfg.syn_limit < 8 * e->h->cfg.rto_initial);
}

/*
 * A SYN was never answered; or all that came of it was a connection that nobody accepted. Where TIME-WAIT still guards the pair and the
 * bytes have overtaken the clock of the ISNs, the SYN draws nothing but an ACK (RFC 9293 3.6.1, RFC 1337).
 */
static bool unopened(const struct sw_end *e) {
  const struct sw_flow *f = e->f;
  const struct sw_pair *p = other(e);
  const struct sw_host *h = &e->w->host[e->side ? f->plan->client : f->plan->server];
  bool few = h->cfg.max_half_open < 4096 || h->cfg.max_conns < 4096 || f->plan->backlog < 4 || h->cfg.quiet_time;
  return few || (p && p->state == LA_TIME_WAIT) || in_the_way(e) || e->limited || e->plan->syn_retries || f->plan->both || f->plan->admit ||
         f->plan->accept_late || f->plan->defer || natted(e) || memory(e) || peer_gone(e) || !f->listening || lossy_since(e, e->began) ||
         slow(e, e->h->cfg.syn_limit);
}

static bool user_timeout(struct sw_end *e) {
  if (e->kill_at && e->end.ended >= e->kill_at)
    return true;
  return e->plan->user_timeout && limit_reached(e, e->plan->user_timeout * LA_MS);
}

static bool keepalive(const struct sw_end *e) {
  const struct sw_end_plan *p = e->plan;
  la_time all = p->keep_intvl * p->keep_cnt * LA_SEC;
  if (!p->keep_idle || (e->pair && e->pair->in_at + all > e->end.ended + LA_MS))
    return false;
  return mute(e) || lossy_since(e, 1) || peer_gone(e) || natted(e) || memory(e) || slow(e, all);
}

static bool explained(struct sw_end *e) {
  bool release = e->end.why == LA_WHY_CLOSE && e->end.how != LA_HOW_SILENT;
  if (release != (e->end.err == LA_OK)) /* MUST-12: whoever was not released in order hears of it */
    return false;
  switch (e->end.why) {
  case LA_WHY_CLOSE:
    orderly(e);
    return e->closed || e->tx_fin != UINT64_MAX;
  case LA_WHY_ABORT:
  case LA_WHY_LINGER:
    return e->aborted;
  case LA_WHY_UNREAD:
    return e->closed;
  case LA_WHY_DATA_AFTER_CLOSE:
    return (e->closed || e->deaf) && (e->risky || natted(e) || !e->peer || e->peer->tx > e->rx);
  case LA_WHY_PEER_RESET:
  case LA_WHY_HALF_OPEN:
    return reset_explained(e);
  case LA_WHY_REFUSED:
    return e->pair && e->pair->rst_at && e->pair->rst_at >= e->began && !e->opened;
  case LA_WHY_RETRANSMIT:
  case LA_WHY_LAST_ACK:
    return (e->limited || limit_reached(e, e->h->cfg.r2)) && unanswered(e, e->h->cfg.r2);
  case LA_WHY_SYN_TIMEOUT:
  case LA_WHY_SYN_ACK_TIMEOUT:
    return unopened(e);
  case LA_WHY_KEEPALIVE:
    return keepalive(e);
  case LA_WHY_USER_TIMEOUT:
    return user_timeout(e);
  case LA_WHY_FIN_WAIT_2:
    return e->closed;
  case LA_WHY_ICMP:
    return e->pair && e->pair->hurt_at && e->pair->hurt_at >= e->began;
  case LA_WHY_MEMORY:
    return e->h->cfg.max_orphans < 4096 && e->closed;
  default:
    return false;
  }
}

void la__sw_explain(struct sw_end *e) {
  enum la_why why = e->end.why;
  e->rst_due = e->end.how == LA_HOW_RESET && why != LA_WHY_PEER_RESET && why != LA_WHY_HALF_OPEN && why != LA_WHY_REFUSED &&
               why != LA_WHY_DATA_AFTER_CLOSE;
  if (!e->w->broken && !explained(e) && !e->w->broken)
    la__sw_broken(e->w, SW_REASON, "end %u: %s (%s, in %s), which nothing accounts for", e->id, la_why_name(e->end.why),
                  la_how_name(e->end.how), la_state_name(e->end.state));
}
