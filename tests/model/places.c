/* SPDX-License-Identifier: MIT */
#include "tests/model/places.h"

#include <stdio.h>
#include <string.h>

const struct place places[] = {
  {M_CLOSED, 0},
  {M_LISTEN, P_PASSIVE},
  {M_SYN_SENT, 0},
  {M_SYN_RECEIVED, P_PASSIVE},
  {M_SYN_RECEIVED, 0},
  {M_ESTABLISHED, 0},
  {M_ESTABLISHED, P_PASSIVE},
  {M_ESTABLISHED, P_UNREAD},
  {M_ESTABLISHED, P_FULL},
  {M_ESTABLISHED, P_FLIGHT},
  {M_ESTABLISHED, P_BLOCKED},
  {M_ESTABLISHED, P_HOLE},
  {M_FIN_WAIT_1, 0},
  {M_FIN_WAIT_1, P_CLOSED},
  {M_FIN_WAIT_1, P_UNREAD},
  {M_FIN_WAIT_1, P_FULL},
  {M_FIN_WAIT_1, P_FLIGHT},
  {M_FIN_WAIT_1, P_FLIGHT | P_CLOSED},
  {M_FIN_WAIT_1, P_BLOCKED},
  {M_FIN_WAIT_1, P_BLOCKED | P_CLOSED},
  {M_FIN_WAIT_1, P_HOLE},
  {M_FIN_WAIT_2, 0},
  {M_FIN_WAIT_2, P_CLOSED},
  {M_FIN_WAIT_2, P_UNREAD},
  {M_FIN_WAIT_2, P_FULL},
  {M_FIN_WAIT_2, P_HOLE},
  {M_CLOSE_WAIT, 0},
  {M_CLOSE_WAIT, P_UNREAD},
  {M_CLOSE_WAIT, P_FLIGHT},
  {M_CLOSE_WAIT, P_BLOCKED},
  {M_CLOSING, 0},
  {M_CLOSING, P_CLOSED},
  {M_CLOSING, P_UNREAD},
  {M_CLOSING, P_FLIGHT},
  {M_CLOSING, P_BLOCKED},
  {M_LAST_ACK, 0},
  {M_LAST_ACK, P_CLOSED},
  {M_LAST_ACK, P_UNREAD},
  {M_LAST_ACK, P_FLIGHT | P_CLOSED},
  {M_LAST_ACK, P_BLOCKED | P_CLOSED},
  {M_TIME_WAIT, 0},
  {M_TIME_WAIT, P_PASSIVE},
  {M_TIME_WAIT, P_CLOSED},
  {M_TIME_WAIT, P_PASSIVE | P_CLOSED | P_MERGED},
  {M_TIME_WAIT, P_UNREAD},
};
const unsigned nplaces = sizeof places / sizeof places[0];

const char *place_name(const struct place *p, char *buf, size_t n) {
  static const char *const word[] = {"passive", "closed", "unread", "full", "flight", "blocked", "hole", "merged"};
  int at = snprintf(buf, n, "%s", la_state_name((enum la_state)p->st));
  for (unsigned i = 0; i < 8; i++)
    if (p->hidden >> i & 1)
      at += snprintf(buf + at, n - (size_t)at, "+%s", word[i]);
  return buf;
}

struct stage {
  const struct side *s;
  struct m_tcb *t;
  uint32_t tsval; /* the latest that came */
  char *why;
  size_t cap;
};
#define FAIL(g, ...) (*(g)->why ? 0 : snprintf((g)->why, (g)->cap, __VA_ARGS__))

/* One step of a dialogue: the peer's segment. */
static void say(struct stage *g, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len, uint32_t wnd) {
  struct m_seg seg = {.flags = flags, .seq = seq, .ack = ack, .len = len, .wnd = wnd, .ts = g->t->ts, .tsval = TS_RECENT};
  if (flags & M_ACK)
    seg.tsecr = g->tsval;
  g->s->hear(g->s->ctx, &seg);
  if (flags & M_SYN || (int32_t)(seq - g->t->snd_wl1) >= 0) {
    g->t->snd_wl1 = seq;
    g->t->snd_wl2 = ack;
  }
}
/* What the stack has said last: its numbers. */
static const struct heard *said(struct stage *g, unsigned flags) {
  const struct heard *h = &g->s->out[0];
  if (*g->s->nout != 1 || h->flags != flags)
    FAIL(g, "%u segments, flags %x, expected %x", *g->s->nout, *g->s->nout ? h->flags : 0, flags);
  g->tsval = h->tsval;
  g->t->snd_nxt = h->seq + h->len + (h->flags & M_SYN ? 1 : 0) + (h->flags & M_FIN ? 1 : 0);
  if (flags & M_ACK)
    g->t->rcv_wnd = h->ack + h->wnd - g->t->rcv_nxt;
  return h;
}
static void ack_all(struct stage *g, uint32_t wnd) {
  say(g, M_ACK, g->t->rcv_nxt, g->t->snd_nxt, 0, wnd);
  g->t->snd_una = g->t->snd_nxt;
  g->t->snd_wnd = wnd;
}

static void open_it(struct stage *g, const struct place *p) {
  struct m_tcb *t = g->t;
  bool passive = p->hidden & P_PASSIVE;
  t->irs = PEER_ISS;
  t->rcv_nxt = PEER_ISS + 1;
  if (passive) {
    say(g, M_SYN, PEER_ISS, 0, 0, SIDE_OPEN_WND);
    t->iss = said(g, M_SYN | M_ACK)->seq;
  } else {
    g->s->connect(g->s->ctx);
    t->iss = said(g, M_SYN)->seq;
    if (p->st == M_SYN_SENT)
      return;
    if (p->st == M_SYN_RECEIVED) {
      say(g, M_SYN, PEER_ISS, 0, 0, SIDE_OPEN_WND);
      said(g, M_SYN | M_ACK);
    }
  }
  t->snd_wnd = SIDE_OPEN_WND;
  if (p->st == M_SYN_RECEIVED)
    return;
  if (passive)
    say(g, M_ACK, t->rcv_nxt, t->snd_nxt, 0, SIDE_OPEN_WND);
  else
    say(g, M_SYN | M_ACK, PEER_ISS, t->snd_nxt, 0, SIDE_OPEN_WND);
  if (!passive)
    said(g, M_ACK);
}

static void receive(struct stage *g, uint32_t n) {
  say(g, M_ACK, g->t->rcv_nxt, g->t->snd_nxt, n, SIDE_OPEN_WND);
  g->t->rcv_nxt += n;
  g->t->unread += n;
  g->t->told = false;
  said(g, M_ACK);
}

static void fill(struct stage *g, const struct place *p) {
  struct m_tcb *t = g->t;
  if (!g->s->drained(g->s->ctx))
    FAIL(g, "not accepted, or something to read");
  if (p->hidden & P_UNREAD)
    receive(g, UNREAD);
  for (unsigned i = 0; p->hidden & P_FULL && t->rcv_wnd && i < 100; i++)
    receive(g, t->rcv_wnd < SIDE_RCV_WND ? t->rcv_wnd : SIDE_RCV_WND);
  if (p->hidden & P_HOLE) {
    say(g, M_ACK, t->rcv_nxt + HELD_AT, t->snd_nxt, HELD, SIDE_OPEN_WND);
    t->hole_from = t->rcv_nxt + HELD_AT;
    t->hole_to = t->hole_from + HELD;
    said(g, M_ACK);
  }
  if (p->hidden & P_BLOCKED)
    ack_all(g, 0);
}

static void send(struct stage *g, const struct place *p) {
  struct m_tcb *t = g->t;
  uint32_t n = p->hidden & P_FLIGHT ? FLIGHT : p->hidden & P_BLOCKED ? BLOCKED : 0;
  if (!n)
    return;
  if (!g->s->send(g->s->ctx, n))
    FAIL(g, "%u bytes cannot be sent", n);
  if (p->hidden & P_FLIGHT)
    said(g, M_ACK);
  else
    t->unsent = n;
}

static void our_fin(struct stage *g, const struct place *p) {
  struct m_tcb *t = g->t;
  g->s->finish(g->s->ctx, p->hidden & P_CLOSED);
  t->reader = !(p->hidden & P_CLOSED);
  if (p->hidden & P_BLOCKED) {
    t->fin_waits = true;
    return;
  }
  said(g, M_ACK | M_FIN);
  t->fin_sent = true;
}

static void their_fin(struct stage *g, uint32_t ack, uint32_t wnd) {
  say(g, M_ACK | M_FIN, g->t->rcv_nxt, ack, 0, wnd);
  g->t->rcv_nxt++;
  uint32_t nxt = g->t->snd_nxt;
  said(g, M_ACK);
  if (g->t->snd_nxt != nxt)
    FAIL(g, "more than an ACK");
}

static void release(struct stage *g, const struct place *p) {
  struct m_tcb *t = g->t;
  uint32_t wnd = p->hidden & P_BLOCKED ? 0 : SIDE_OPEN_WND;
  if (p->st == M_CLOSE_WAIT || p->st == M_LAST_ACK)
    their_fin(g, t->snd_una, wnd);
  if (p->st != M_ESTABLISHED && p->st != M_CLOSE_WAIT)
    our_fin(g, p);
  if (p->st == M_FIN_WAIT_2 || (p->st == M_TIME_WAIT && !(p->hidden & P_MERGED)))
    ack_all(g, wnd);
  if (p->st == M_CLOSING) {
    their_fin(g, t->snd_una, wnd);
    t->crossed = true;
  }
  if (p->st == M_TIME_WAIT) {
    their_fin(g, t->snd_nxt, wnd);
    t->snd_una = t->snd_nxt;
  }
  t->snd_wnd = wnd;
}

bool place_reach(const struct place *p, bool ts, const struct side *side, struct m_tcb *t, char *why, size_t cap) {
  struct stage g = {.s = side, .t = t, .why = why, .cap = cap};
  *why = 0;
  *t =
    (struct m_tcb){.ts = ts, .ts_recent = TS_RECENT, .max_snd_wnd = SIDE_OPEN_WND, .reader = true, .told = true, .rcv_wnd = SIDE_RCV_WND};
  *side->stream = PEER_ISS + 1;
  if (p->hidden & P_PASSIVE)
    side->listen(side->ctx);
  t->listener = t->passive = p->hidden & P_PASSIVE;
  if (p->st >= M_SYN_SENT)
    open_it(&g, p);
  t->snd_una = p->st <= M_SYN_RECEIVED ? t->iss : t->snd_nxt;
  if (p->st >= M_ESTABLISHED) {
    fill(&g, p);
    send(&g, p);
    release(&g, p);
  }
  t->state = p->st;
  enum m_state is = side->state(side->ctx);
  if (is != p->st)
    FAIL(&g, "%s", la_state_name((enum la_state)is));
  t->tsval = g.tsval;
  return !*why;
}
