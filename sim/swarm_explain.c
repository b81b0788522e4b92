/* SPDX-License-Identifier: MIT */
/*
 * Ends. Each END names a reason; here stands what must have happened for each of them. An orderly release has delivered everything; a
 * limit that struck had run in full; a RST has a sender who had a cause.
 */
#include "sim/swarm.h"

#include "base/seq.h"

static struct sw_pair *other(const struct sw_end *e) { return e->peer ? e->peer->pair : NULL; }

/* Did anything of this connection, in either direction, fail to come since then? */
static bool lossy_since(const struct sw_end *e, uint64_t since) {
  const struct sw_pair *p = other(e);
  if ((e->pair && e->pair->lost_at && e->pair->lost_at >= since) || (p && p->lost_at && p->lost_at >= since))
    return true;
  return !p; /* nobody knows */
}

/* Did the other side go without a word, or lose its memory? */
static bool peer_gone(const struct sw_end *e) {
  const struct sw_world *w = e->w;
  const struct sw_host *h = &w->host[e->side ? e->f->plan->client : e->f->plan->server];
  return (e->peer && (e->peer->crashed || e->peer->ended)) || h->crash_at || h->mem.failed || h->stop_until;
}
static bool natted(const struct sw_end *e) { return e->w->host[e->f->plan->client].plan->nat || e->w->host[e->f->plan->server].plan->nat; }
static bool memory(const struct sw_end *e) {
  return e->h->mem.failed || e->w->host[e->side ? e->f->plan->client : e->f->plan->server].mem.failed;
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
  la_time from = e->entered > e->moved ? e->entered : e->moved;
  if (e->end.ended + LA_MS < from + limit) { /* it began with the earlier of the two only when the earlier is older than its state */
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
  return w->lifetime > limit / 8 && (e->h->plan->reorder || e->h->delay_more);
}

static bool stalled_peer(const struct sw_end *e) {
  return e->peer && (e->peer->plan->rd_stop || e->peer->plan->rd_gap || e->peer->deaf || e->peer->closed);
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

static bool explained(struct sw_end *e) {
  struct sw_world *w = e->w;
  la_time limit = e->h->cfg.r2;
  uint64_t window = la__sw_global(e->h, e->end.ended > 4 * limit ? e->end.ended - 4 * limit : 0);
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
    return reset_explained(e);
  case LA_WHY_REFUSED:
    return e->pair && e->pair->rst_at && e->pair->rst_at >= e->began && !e->opened;
  case LA_WHY_RETRANSMIT:
  case LA_WHY_LAST_ACK:
    if (!e->limited && !limit_reached(e, limit))
      return false;
    return lossy_since(e, window) || slow(e, limit) || peer_gone(e) || stalled_peer(e) || natted(e) || memory(e) || e->risky;
  case LA_WHY_SYN_TIMEOUT:
  case LA_WHY_SYN_ACK_TIMEOUT:
    return true;
  case LA_WHY_KEEPALIVE:
    return e->plan->keep_idle && (lossy_since(e, 1) || peer_gone(e) || natted(e) || memory(e));
  case LA_WHY_USER_TIMEOUT:
    return e->limited;
  case LA_WHY_FIN_WAIT_2:
    return e->closed;
  case LA_WHY_ICMP:
    return e->pair && e->pair->hurt_at && e->pair->hurt_at >= e->began;
  case LA_WHY_MEMORY:
    return e->h->cfg.max_orphans < 4096 && e->closed;
  default:
    (void)w;
    return false;
  }
}

void la__sw_explain(struct sw_end *e) {
  if (!e->w->broken && !explained(e) && !e->w->broken)
    la__sw_broken(e->w, SW_REASON, "end %u: %s (%s, in %s), which nothing accounts for", e->id, la_why_name(e->end.why),
                  la_how_name(e->end.how), la_state_name(e->end.state));
}
