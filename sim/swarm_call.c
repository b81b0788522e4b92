/* SPDX-License-Identifier: MIT */
/* How applications open, configure and end connections; listeners; the finale. */
#include "sim/swarm.h"

#include "base/seq.h"

#include <string.h>

static uint16_t port_of(const struct sw_flow *f) { return (uint16_t)(1000 + f->no); }

/* ---- ends ---- */

struct sw_end *la__sw_end_new(struct sw_flow *f, unsigned side, struct sw_host *h) {
  struct sw_world *w = h->w;
  if (w->nends == SW_ENDS)
    return NULL;
  struct sw_end *e = &w->end[w->nends];
  memset(e, 0, sizeof *e);
  *e = (struct sw_end){.w = w, .h = h, .f = f, .plan = &f->plan->end[side], .id = w->nends, .side = side, .boot = h->boots};
  e->rd_back = e->fin_at = e->eof_at = e->end_at = e->timer = LA_NEVER;
  e->tx_fin = UINT64_MAX;
  e->since = w->now;
  e->read_edges = 1;
  w->nends++;
  w->fig.conns++;
  f->last[side] = e;
  return e;
}

static void option(struct sw_end *e, enum la_opt opt, int64_t v) {
  int err = la_set_option(e->h->st, e->handle, opt, v, e->h->now);
  la__sw_seen(e, SEEN_OPTION);
  if (err != LA_OK && err != LA_ENOMEM && err != LA_EINVAL)
    la__sw_broken(e->w, SW_READY, "end %u: la_set_option: %s", e->id, la_err_name(err));
}

void la__sw_options(struct sw_end *e, bool passive) {
  const struct sw_end_plan *p = e->plan;
  if (p->nodelay)
    option(e, LA_OPT_NODELAY, 1);
  if (p->cork == 1)
    option(e, LA_OPT_CORK, 1);
  if (p->keep_idle) {
    option(e, LA_OPT_KEEPIDLE, (int64_t)p->keep_idle);
    option(e, LA_OPT_KEEPINTVL, (int64_t)p->keep_intvl);
    option(e, LA_OPT_KEEPCNT, (int64_t)p->keep_cnt);
    option(e, LA_OPT_KEEPALIVE, 1);
    e->limited = true;
  }
  if (p->user_timeout) {
    option(e, LA_OPT_USER_TIMEOUT, (int64_t)p->user_timeout);
    e->limited = true;
  }
  if (p->sndbuf)
    option(e, LA_OPT_SNDBUF, (int64_t)p->sndbuf);
  if (p->rcvbuf)
    option(e, LA_OPT_RCVBUF, (int64_t)p->rcvbuf);
  if (p->cc)
    option(e, LA_OPT_CONGESTION, (int64_t)p->cc - 1);
  if (p->lowat)
    option(e, LA_OPT_NOTSENT_LOWAT, (int64_t)p->lowat);
  if (p->pacing)
    option(e, LA_OPT_MAX_PACING_RATE, (int64_t)p->pacing);
  if (p->clamp)
    option(e, LA_OPT_WND_CLAMP, (int64_t)p->clamp);
  if (p->mss && !passive)
    option(e, LA_OPT_MSS, (int64_t)p->mss);
  if (p->fin_wait_2)
    option(e, LA_OPT_FIN_WAIT_2, p->fin_wait_2 == 1 ? -1 : (int64_t)p->fin_wait_2 - 1);
  if (p->quickack)
    option(e, LA_OPT_QUICKACK, p->quickack == 2);
  if (p->mtu_probing)
    option(e, LA_OPT_MTU_PROBING, (int64_t)p->mtu_probing - 1);
  if (p->syn_retries && !passive)
    option(e, LA_OPT_SYN_RETRIES, (int64_t)p->syn_retries);
}

/* ---- ways to end ---- */

static const char *const ways[WAYS] = {"nothing", "close", "shutdown", "abort", "linger 0, close", "close_by", "shutdown of reading"};

/* Whoever has closed may do it again, and gets nothing more for it. */
static void once_more(struct sw_end *e) {
  la_stack *s = e->h->st;
  uint8_t b = 0;
  ptrdiff_t sent = la_send(s, e->handle, &b, 1), got = la_recv(s, e->handle, &b, 1);
  int err = e->id & 4 ? la_close(s, e->handle, e->h->now) : la_shutdown(s, e->handle, e->h->now);
  bool ok = err == LA_OK || err == LA_EBADF || (err == LA_ENOTCONN && !(e->id & 4));
  if (sent >= 0 || got > 0 || !ok)
    la__sw_broken(e->w, SW_READY, "end %u: after its close la_send gives %d, la_recv %d, another close %s", e->id, (int)sent, (int)got,
                  la_err_name(err));
}

static void released(struct sw_end *e) {
  la__sw_unpost(e);
  if (e->id & 2)
    once_more(e);
  e->closed = true;
  e->closed_at = e->h->now;
  if (e->tx_fin == UINT64_MAX)
    e->tx_fin = e->tx;
  if (e->ended)
    e->alive = false;
}

void la__sw_close(struct sw_end *e, enum sw_way way) {
  la_stack *s = e->h->st;
  la_time now = e->h->now;
  if (!la__sw_usable(e) || e->closed)
    return;
  if (e->w->log)
    la__sw_log_note(e->w->log, e->h, "%s of %u", ways[way], e->id);
  sw_mix(e->w, (uint64_t)way << 32 | e->id);
  e->way = (uint8_t)way;
  switch (way) {
  case WAY_SHUTDOWN:
    la__sw_seen(e, SEEN_SHUTDOWN);
    if (la_shutdown(s, e->handle, now) == LA_OK && e->tx_fin == UINT64_MAX) {
      e->tx_fin = e->tx;
      e->fin_done = true;
    }
    break;
  case WAY_DEAF:
    la__sw_seen(e, SEEN_DEAF);
    la_shutdown_read(s, e->handle);
    e->deaf = true;
    break;
  case WAY_ABORT:
    la__sw_seen(e, SEEN_ABORT);
    e->aborted = true;
    la_abort(s, e->handle, now);
    released(e);
    break;
  case WAY_CLOSE_BY: {
    la__sw_seen(e, SEEN_CLOSE_BY);
    e->limited = true;
    e->kill_at = now + e->plan->by * LA_US;
    la_close_by(s, e->handle, e->kill_at, now);
    released(e);
    break;
  }
  case WAY_LINGER:
    la_set_option(s, e->handle, LA_OPT_LINGER, 0, now); /* then as close */
    e->aborted = true;
    la__sw_seen(e, SEEN_CLOSE);
    la_close(s, e->handle, now);
    released(e);
    break;
  default:
    la__sw_seen(e, SEEN_CLOSE);
    la_close(s, e->handle, now);
    released(e);
    break;
  }
  la__sw_drain(e->h);
  la__sw_wake(e->h);
}

/* ---- opening ---- */

/* Was the pair in use less than two packet lifetimes ago, and did not end by way of TIME-WAIT? Then old duplicates may be about. */
static bool risky(const struct sw_end *e) {
  const struct sw_world *w = e->w;
  for (unsigned i = 0; i < w->nends; i++) {
    const struct sw_end *o = &w->end[i];
    if (o->f != e->f || o == e || o->side != e->side || (o->lport != e->lport && o->rport != e->rport))
      continue;
    const struct sw_end *both[2] = {o, o->peer};
    for (unsigned k = 0; k < 2; k++) {
      const struct sw_end *x = both[k];
      if (!x || x->crashed || (x->ended && x->end.err != LA_OK) || !x->ended)
        return true;
      la_stats st;
      la_stats_get(x->h->st ? x->h->st : e->h->st, &st);
      if (!x->h->cfg.time_wait || st.time_wait_recycled || x->h->mem.failed || x->h->boots > 1)
        return true;
    }
  }
  return false;
}

/* One side opens. false: refused at once. */
static bool connect_from(struct sw_world *w, struct sw_flow *f, unsigned side) {
  const struct sw_flow_plan *p = f->plan;
  struct sw_host *h = &w->host[side ? p->server : p->client], *peer = &w->host[side ? p->client : p->server];
  if (!h->st)
    return false;
  la_connect_opts o = {.remote = la__sw_addr(peer->plan->nat ? SW_PUBLIC + peer->no : peer->no, p->six), .reuse_addr = p->reuse};
  o.remote_port = side ? (uint16_t)p->lport : port_of(f);
  o.local_port = side ? port_of(f) : (uint16_t)p->lport;
  struct sw_end *e = la__sw_end_new(f, side, h);
  if (!e)
    return false;
  o.user = e;
  la__sw_set_now(h);
  int err = la_connect(h->st, &o, &e->handle, h->now);
  la__sw_drain(h);
  sw_mix(w, (uint64_t)(uint32_t)err);
  const struct conn *c = err == LA_OK ? la__conn_handle(&h->st->tcp, e->handle) : NULL;
  if (!c) {
    w->nends--;
    w->fig.conns--;
    f->last[side] = NULL;
    return false;
  }
  e->alive = true;
  e->iss = c->snd_una;
  e->lport = c->lport;
  e->rport = c->rport;
  e->pair = la__sw_pair(h, &o.remote, e->lport, e->rport, true);
  if (e->pair) {
    e->pair->end = e;
    e->began = e->pair->began;
    e->has_own = true;
    e->own_iss = c->snd_una - (uint32_t)c->bytes_out - 1;
  }
  e->risky = risky(e);
  if (w->log)
    la__sw_log_note(w->log, h, "connect %u", e->id);
  la__sw_options(e, false);
  if (e->plan->act != WAY_NONE)
    la__sw_end_timer(e, e->since + sw_us(e->plan->act_at));
  la__sw_drain(h);
  la__sw_wake(h);
  return true;
}

/* The next one begins when the one before has ended here, as early as its gap allows. */
void la__sw_flow(struct sw_flow *f) {
  struct sw_world *w = f->w;
  const struct sw_flow_plan *p = f->plan;
  if (w->finale || f->made >= p->count || f->tries > 4 * p->count + 20)
    return;
  struct sw_end *a = f->last[0];
  bool busy = (a && a->alive && !p->at_once) || (p->both && f->last[1] && f->last[1]->alive);
  if (!busy) {
    f->tries++;
    if (connect_from(w, f, 0))
      f->made++;
    if (p->both)
      connect_from(w, f, 1);
  }
  uint64_t gap = sw_us(p->gap) > LA_MS ? sw_us(p->gap) : LA_MS;
  if (busy && gap < 100 * LA_MS)
    gap = 5 * LA_MS + gap;
  if (f->made < p->count)
    la__sw_post(w, w->now + gap, SW_EV_FLOW, f->no, NULL);
}

/* The connection that opened this one has its IRS as ISS; and the same ports, unless a NAT has changed them. */
void la__sw_meet(struct sw_end *e) {
  struct sw_world *w = e->w;
  if (e->peer)
    return;
  for (unsigned i = w->nends; i-- > 0;) {
    struct sw_end *o = &w->end[i];
    if (o->f != e->f || o->side == e->side || o->peer)
      continue;
    bool crossed = e->f->plan->both && o->lport == e->rport && o->rport == e->lport;
    if (e->passive ? o->passive || o->iss != e->iss : !crossed)
      continue;
    e->peer = o;
    o->peer = e;
    e->risky = o->risky = e->risky || o->risky;
    return;
  }
}

/* A cookie opens more than one connection, when the third segment comes again after the first of them has gone. */
static bool twin(struct sw_end *e) {
  struct sw_world *w = e->w;
  for (unsigned i = 0; i < w->nends; i++) {
    struct sw_end *o = &w->end[i];
    if (o->f != e->f || o == e || o->passive || o->iss != e->iss)
      continue;
    o->risky = e->risky = true;
    return true;
  }
  return false;
}

static void accepted(struct sw_end *e) {
  struct key k;
  e->alive = e->passive = e->opened = true;
  const struct conn *c = la__sw_conn(e);
  e->lport = c->lport;
  e->rport = c->rport;
  /* IRS, from what has come; that is the opener's ISS */
  e->iss = c->rcv_nxt - (uint32_t)c->bytes_in - 1 - ((c->flags & CF_FIN_RCVD) != 0);
  la__conn_key(c, &k);
  e->pair = la__sw_pair(e->h, &k.remote, e->lport, e->rport, true);
  if (e->pair && !(c->flags & CF_ENDED)) { /* else the pair may have another incarnation already */
    e->pair->end = e;
    e->began = e->pair->began;
    e->has_own = true;
    e->own_iss = c->snd_una - (uint32_t)c->bytes_out - 1;
  }
  e->risky = risky(e);
  la__sw_meet(e);
  if (!e->peer && !(e->h->cfg.syn_cookies && twin(e)) && !e->risky && !e->h->plan->nat)
    la__sw_broken(e->w, SW_STREAM, "end %u was accepted, but nobody opened it", e->id);
}

void la__sw_accept(struct sw_flow *f) {
  struct sw_world *w = f->w;
  struct sw_host *h = &w->host[f->plan->server];
  if (!h->st || w->broken)
    return;
  la__sw_set_now(h);
  if (!f->listening) {
    if (!w->finale)
      la__sw_listen(f, true);
    return;
  }
  for (;;) {
    la_conn c;
    struct sw_end *e = la__sw_end_new(f, 1, h);
    if (!e || la_accept(h->st, f->listener, e, &c) != LA_OK) {
      if (e) {
        w->nends--;
        w->fig.conns--;
        f->last[1] = NULL;
      }
      break;
    }
    e->handle = c;
    la__sw_drain(h);
    accepted(e);
    if (w->broken)
      return;
    la__sw_options(e, true);
    la__sw_app(e);
  }
  la__sw_turn(h);
}

void la__sw_listen(struct sw_flow *f, bool on) {
  struct sw_world *w = f->w;
  struct sw_host *h = &w->host[f->plan->server];
  if (!h->st || on == f->listening)
    return;
  la__sw_set_now(h);
  if (on) {
    la_listen_opts o = {.port = port_of(f), .backlog = (uint32_t)f->plan->backlog, .reuse_addr = f->plan->reuse, .admit = f->plan->admit};
    o.user = f;
    f->listening = la_listen(h->st, &o, &f->listener) == LA_OK;
    const struct sw_end_plan *p = &f->plan->end[1];
    if (f->listening && f->plan->defer)
      la_listener_set_option(h->st, f->listener, LA_OPT_DEFER_ACCEPT, (int64_t)f->plan->defer);
    if (f->listening && p->rcvbuf)
      la_listener_set_option(h->st, f->listener, LA_OPT_RCVBUF, (int64_t)p->rcvbuf);
    if (f->listening && p->mss)
      la_listener_set_option(h->st, f->listener, LA_OPT_MSS, (int64_t)p->mss);
    if (!f->listening && !w->finale) /* connections of its former self hold the port */
      la__sw_post(w, w->now + 500 * LA_MS, SW_EV_ACCEPT, f->no, NULL);
  } else {
    la_listener_close(h->st, f->listener, h->now);
    f->listening = false;
  }
  f->heard = w->now + 1;
  if (w->log)
    la__sw_log_note(w->log, h, f->listening ? "listen on %u" : "no listener on %u", port_of(f));
  la__sw_drain(h);
  la__sw_wake(h);
}

void la__sw_admit(struct sw_world *w, unsigned flow, la_syn syn) {
  struct sw_flow *f = &w->flow[flow];
  struct sw_host *h = &w->host[f->plan->server];
  unsigned how = (unsigned)f->plan->admit;
  if (!h->st)
    return;
  la__sw_set_now(h);
  if (how == 7)
    how = 1 + la__prng_below(&h->noise, 6);
  if (how == 2 && la__prng_below(&h->noise, 3)) { /* later */
    la__sw_post_syn(w, w->now + sw_us(1000 + la__prng_below(&h->noise, 3000000)), flow, syn);
    return;
  }
  if (how <= 2)
    la_admit(h->st, syn, h->now);
  else
    la_reject(h->st, syn, (enum la_reject_how)(how - 3), h->now);
  la__sw_drain(h);
  la__sw_wake(h);
}

/* ---- the finale ---- */

void la__sw_finale(struct sw_world *w) {
  w->finale = true;
  for (unsigned i = 0; i < w->plan->flows; i++)
    if (w->flow[i].listening)
      la__sw_listen(&w->flow[i], false);
  for (unsigned i = 0; i < w->nends; i++) {
    struct sw_end *e = &w->end[i];
    if (!la__sw_usable(e) || e->closed)
      continue;
    la__sw_set_now(e->h);
    bool abort_it = w->plan->finale == 1 || (w->plan->finale == 2 && i % 2);
    la__sw_close(e, abort_it ? WAY_ABORT : WAY_CLOSE);
    la__sw_wake(e->h);
  }
}
