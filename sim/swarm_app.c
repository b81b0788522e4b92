/* SPDX-License-Identifier: MIT */
/*
 * The applications. Each end of a connection does what its plan says whenever something happened to it or its timer came: reads,
 * writes, ends. A stream is a function of its writer and the position, so nothing of it need be kept.
 */
#include "sim/swarm.h"

#include <string.h>

/* The pattern: a table of noise whose length is a prime, entered at another place for each stream and each round. */
enum { NOISE = 65521 };
static uint8_t noise[2 * NOISE];

static const uint8_t *pattern(unsigned id, uint64_t at) {
  if (!noise[0]) {
    struct prng r;
    la__prng_seed(&r, 4711);
    for (unsigned i = 0; i < NOISE; i++)
      noise[i] = noise[i + NOISE] = (uint8_t)(la__prng_next(&r) >> 11);
    noise[0] = noise[NOISE] = 1;
  }
  return noise + ((uint64_t)id * 40503 + at / NOISE * 7919 + at) % NOISE;
}
/* From one place on the table goes on for a round at most. */
static size_t stretch(uint64_t at, size_t n) { return n < NOISE - at % NOISE ? n : (size_t)(NOISE - at % NOISE); }

void la__sw_pattern(unsigned id, uint64_t at, uint8_t *dst, size_t n) {
  for (size_t k; n; dst += k, at += k, n -= k)
    memcpy(dst, pattern(id, at), k = stretch(at, n));
}
bool la__sw_same(unsigned id, uint64_t at, const uint8_t *p, size_t n) {
  for (size_t k; n; p += k, at += k, n -= k)
    if (memcmp(p, pattern(id, at), k = stretch(at, n)) != 0)
      return false;
  return true;
}

bool la__sw_usable(const struct sw_end *e) { return e->alive && e->h->st && e->boot == e->h->boots && !e->w->broken; }

void la__sw_end_timer(struct sw_end *e, uint64_t at) {
  if (at == LA_NEVER || (e->timer != LA_NEVER && e->timer <= at && e->timer > e->w->now))
    return;
  e->timer = at;
  la__sw_post(e->w, at, SW_EV_APP, e->id, NULL);
}

static bool established(const struct sw_end *e) { return e->opened; }

/* ---- reading ---- */

void la__sw_got(struct sw_end *e, const uint8_t *p, size_t n) {
  struct sw_world *w = e->w;
  la__sw_meet(e);
  e->rx += n;
  w->fig.bytes += n;
  if (!e->peer) {
    if (!e->risky)
      la__sw_broken(w, SW_STREAM, "end %u: %zu bytes of a connection that nobody opened", e->id, n);
    return;
  }
  bool written = e->rx <= e->peer->tx && la__sw_same(e->peer->id, e->rx - n, p, n);
  if (!written && e->risky)
    w->fig.inherent++; /* the pair was used anew before an MSL had passed, and not by way of TIME-WAIT */
  else if (!written)
    la__sw_broken(w, SW_STREAM, "end %u was given bytes at %llu that end %u had not written there", e->id, (unsigned long long)(e->rx - n),
                  e->peer->id);
}

/* false: nothing more for now. */
static bool read_once(struct sw_end *e) {
  static uint8_t buf[65536];
  const struct sw_end_plan *p = e->plan;
  size_t most = p->rd_chunk && p->rd_chunk < sizeof buf ? (size_t)p->rd_chunk : sizeof buf;
  if (p->rd_stop && e->rx < p->rd_stop && most > p->rd_stop - e->rx)
    most = (size_t)(p->rd_stop - e->rx);
  la__sw_seen(e, SEEN_RECV);
  bool posts = p->post && !e->post_off;
  if (p->peek && !posts) {
    ptrdiff_t k = la_peek(e->h->st, e->handle, 0, buf, most);
    if (k > 0 && e->peer && !e->risky && !la__sw_same(e->peer->id, e->rx, buf, (size_t)k))
      la__sw_broken(e->w, SW_STREAM, "end %u peeked at bytes that nobody wrote", e->id);
  }
  ptrdiff_t n = posts ? la__sw_take(e) : p->consume ? la__sw_look(e, most) : la_recv(e->h->st, e->handle, buf, most);
  e->read_armed = false;
  if (n > 0) {
    if (!posts && !p->consume)
      la__sw_got(e, buf, (size_t)n);
    return true;
  }
  if (n == LA_AGAIN) {
    e->read_edges = e->read_edges < 2 ? e->read_edges + 1 : 2;
    e->read_armed = true;
    return false;
  }
  if (n == 0 && !e->eof) {
    e->eof = true;
    e->eof_at = e->w->now + sw_us(e->plan->eof_late);
    if (e->peer && !e->risky && e->rx != e->peer->tx_fin)
      la__sw_broken(e->w, SW_COMPLETE, "end %u: end of stream after %llu bytes, but end %u wrote %llu", e->id, (unsigned long long)e->rx,
                    e->peer->id, (unsigned long long)e->peer->tx_fin);
  }
  return false;
}

static void reading(struct sw_end *e) {
  const struct sw_end_plan *p = e->plan;
  uint64_t now = e->w->now;
  if (e->eof || e->closed || now < e->rd_next || (!established(e) && !e->ended))
    return;
  for (unsigned rounds = 0; !e->closed && rounds < 64; rounds++) {
    if (p->rd_stop && e->rx >= p->rd_stop && e->rd_back == LA_NEVER) {
      e->rd_back = p->rd_for ? now + sw_us(p->rd_for) : LA_NEVER - 1;
      la__sw_end_timer(e, p->rd_for ? e->rd_back : LA_NEVER);
    }
    if (e->rd_back != LA_NEVER && now < e->rd_back && !e->ended)
      return;
    if (!read_once(e) || e->w->broken)
      return;
    if (p->rd_gap && !e->ended) {
      e->rd_next = now + sw_us(p->rd_gap);
      la__sw_end_timer(e, e->rd_next);
      return;
    }
  }
  la__sw_end_timer(e, now + 1000);
}

/* ---- writing ---- */

static void corking(struct sw_end *e, bool on) {
  if (e->plan->cork == 2)
    la_set_option(e->h->st, e->handle, LA_OPT_CORK, on, e->h->now);
}

/* false: no more for now. */
static bool write_once(struct sw_end *e) {
  static uint8_t buf[65536];
  const struct sw_end_plan *p = e->plan;
  uint64_t n = p->tx - e->tx;
  uint64_t chunk = p->tx_chunk && p->tx_chunk < sizeof buf ? p->tx_chunk : sizeof buf;
  n = n < chunk ? n : chunk;
  la__sw_pattern(e->id, e->tx, buf, (size_t)n);
  la__sw_seen(e, SEEN_SEND);
  corking(e, true);
  bool lent = chunk >= 16 && (p->ref == 1 || (p->ref == 2 && e->tx / chunk % 2));
  ptrdiff_t r = lent ? la__sw_lend(e, (size_t)n) : la_send(e->h->st, e->handle, buf, (size_t)n);
  corking(e, false);
  if (r > 0) {
    if ((uint64_t)r > n)
      la__sw_broken(e->w, SW_SENT, "end %u: la_send took more than there was", e->id);
    e->tx += (uint64_t)r;
    e->write_armed = false;
    if (p->mark)
      la_send_mark(e->h->st, e->handle);
    if (p->cc_later && !e->cc_done && e->tx > chunk) {
      e->cc_done = true;
      la_set_option(e->h->st, e->handle, LA_OPT_CONGESTION, (int64_t)p->cc_later - 1, e->h->now);
    }
    return true;
  }
  if (r == LA_AGAIN) {
    e->write_armed = true;
    e->write_edges = e->write_edges < 2 ? e->write_edges + 1 : 2;
  } else if (r == LA_ENOMEM) {
    e->tx_next = e->w->now + sw_us(20000);
    la__sw_end_timer(e, e->tx_next);
  }
  return false;
}

static void writing(struct sw_end *e) {
  const struct sw_end_plan *p = e->plan;
  uint64_t now = e->w->now;
  while (established(e) && !e->closed && !e->ended && !e->fin_done && e->tx < p->tx && e->rx >= p->tx_after) {
    if (now < e->since + sw_us(p->tx_at)) {
      la__sw_end_timer(e, e->since + sw_us(p->tx_at));
      return;
    }
    if (now < e->tx_next || !write_once(e) || e->w->broken)
      return;
    if (p->tx_gap) {
      e->tx_next = now + sw_us(p->tx_gap);
      la__sw_end_timer(e, e->tx_next);
    }
  }
}

/* ---- ending ---- */

static void finishing(struct sw_end *e) {
  const struct sw_end_plan *p = e->plan;
  uint64_t now = e->w->now;
  if (established(e) && !e->fin_done && e->tx >= p->tx && e->rx >= p->tx_after && p->fin != WAY_NONE) {
    if (e->fin_at == LA_NEVER)
      e->fin_at = now + sw_us(p->fin_late);
    if (now >= e->fin_at) {
      e->fin_done = true;
      la__sw_close(e, (enum sw_way)p->fin);
    } else {
      la__sw_end_timer(e, e->fin_at);
    }
  }
  if (e->eof && !e->eof_done && e->alive && !e->closed && p->eof != WAY_NONE) {
    if (now >= e->eof_at) {
      e->eof_done = true;
      la__sw_close(e, (enum sw_way)p->eof);
    } else {
      la__sw_end_timer(e, e->eof_at);
    }
  }
  if (!e->act_done && p->act != WAY_NONE && e->alive && !e->closed) {
    if (now >= e->since + sw_us(p->act_at)) {
      e->act_done = true;
      la__sw_close(e, (enum sw_way)p->act);
    } else {
      la__sw_end_timer(e, e->since + sw_us(p->act_at));
    }
  }
  if (e->ended && e->alive && !e->closed) {
    if (now >= e->end_at)
      la__sw_close(e, WAY_CLOSE);
    else
      la__sw_end_timer(e, e->end_at);
  }
}

void la__sw_app(struct sw_end *e) {
  if (la__sw_usable(e))
    reading(e);
  if (la__sw_usable(e))
    writing(e);
  if (la__sw_usable(e) && established(e)) /* what writing has freed, or a fault of memory delayed */
    reading(e);
  if (la__sw_usable(e))
    finishing(e);
}

/* ---- events ---- */

static void ended(struct sw_end *e, const la_event *ev) {
  struct sw_world *w = e->w;
  if (e->ended)
    la__sw_broken(w, SW_ONE_END, "end %u: END came twice", e->id);
  e->ended = true;
  e->end = ev->end;
  e->end_at = w->now + sw_us(e->plan->end_late);
  w->fig.ends++;
  w->fig.why[ev->end.why]++;
  w->fig.how[ev->end.how]++;
  sw_mix(w, (uint64_t)ev->end.why << 40 | (uint64_t)ev->end.how << 32 | (uint64_t)ev->end.who << 24 | (uint64_t)ev->end.state << 16 |
              ev->end.retransmits);
  sw_mix(w, ev->end.bytes_in << 20 ^ ev->end.bytes_out);
  if (w->log)
    la__sw_log_note(w->log, e->h, "END of %u: %s, %s", e->id, la_how_name(ev->end.how), la_why_name(ev->end.why));
  la__sw_explain(e);
  if (e->closed) {
    e->alive = false;
    return;
  }
  reading(e); /* what is left */
  la__sw_app(e);
}

static void opened(struct sw_end *e) {
  e->opened = true;
  e->since = e->w->now;
}

void la__sw_told(struct sw_host *h, const la_event *ev) {
  struct sw_world *w = h->w;
  sw_mix(w, w->now ^ (uint64_t)ev->type << 56 ^ h->no);
  if (ev->type == LA_EVENT_SYN || ev->type == LA_EVENT_ACCEPT) {
    struct sw_flow *f = ev->user;
    if (ev->type == LA_EVENT_SYN) {
      la__sw_admit(w, f->no, ev->syn);
    } else if (!f->accepting) {
      f->accepting = true;
      la__sw_post(w, w->now + sw_us(f->plan->accept_late), SW_EV_ACCEPT, f->no, NULL);
    }
    return;
  }
  if (ev->type == LA_EVENT_RELEASED) {
    la__sw_released(h, ev);
    return;
  }
  struct sw_end *e = ev->user;
  if (e && e->closed && ev->type != LA_EVENT_END && h->no & 1) /* taken before an event beside it made the application close */
    return;
  if (!e || !e->alive || e->ended || e->handle.gen != ev->conn.gen || (e->closed && ev->type != LA_EVENT_END)) {
    la__sw_broken(w, SW_ONE_END, "host %u: %s for a connection that is gone or closed", h->no, la_event_name(ev->type));
    return;
  }
  switch (ev->type) {
  case LA_EVENT_ESTABLISHED:
    if (e->opened || e->passive)
      la__sw_broken(w, SW_READY, "end %u: ESTABLISHED twice", e->id);
    opened(e);
    break;
  case LA_EVENT_READABLE:
    if (!e->read_edges)
      la__sw_broken(w, SW_READY, "end %u: READABLE though la_recv did not return LA_AGAIN", e->id);
    else
      e->read_edges--;
    e->read_armed = false;
    break;
  case LA_EVENT_WRITABLE:
    if (!e->write_edges)
      la__sw_broken(w, SW_READY, "end %u: WRITABLE though la_send did not return LA_AGAIN", e->id);
    else
      e->write_edges--;
    e->write_armed = false;
    break;
  case LA_EVENT_PEER_FIN:
    if (e->told_fin)
      la__sw_broken(w, SW_READY, "end %u: PEER_FIN twice", e->id);
    e->told_fin = true;
    break;
  case LA_EVENT_TROUBLE:
    la__sw_seen(e, SEEN_TROUBLE);
    break;
  case LA_EVENT_END:
    ended(e, ev);
    return;
  default:
    break;
  }
  la__sw_app(e);
}
