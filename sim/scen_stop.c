/* SPDX-License-Identifier: MIT */
/*
 * A program is told to stop (Ctrl+C, SIGTERM) and gives itself a bounded time: la_listener_close, and la_close_by for each
 * connection. One run for each state that a connection may then be in, and for each behaviour of its peer. What must hold is
 * the same for all: at the deadline nothing but TIME-WAIT is left, and a peer that can hear has heard of the end.
 */
#include "sim/scens.h"

enum peer { ANSWERS, NEVER_CLOSES, VANISHED, PEERS };
enum how_told { TOLD_END, TOLD_RESET, TOLD_NOTHING }; /* the peer's application: end of stream, reset, or there is none */

struct stop {
  struct sim *s;
  struct world *w;
  struct duo d; /* the client is the peer, the server the program */
};
struct at {
  const char *name;
  enum la_state state; /* of the program's connection when it is stopped */
  void (*go)(struct stop *x);
  enum how_told told;
  bool lingers; /* its release needs the peer's FIN */
};

/* A segment of the peer's is held up for a while, so that the program's state lasts, whatever the delay. */
static void hold(struct stop *x, enum kind kind) { la__rule(x->w, x->d.a, kind, F_LATE, 1, 1)->extra = 500 * LA_MS; }
static void opened(struct stop *x) {
  la__duo_open(&x->d, 0);
  la__settle(x->w, LA_SEC);
}

static void syn_sent(struct stop *x) {
  la__app_listen(x->d.a, PORT + 1, 4, false, NULL);
  hold(x, K_SYN_ACK);
  x->d.s = la__app_connect(x->d.b, &x->d.a->addr, PORT + 1, 0, NULL);
  la__run_for(x->w, x->w->delay + 100 * LA_MS);
}
static void half_open(struct stop *x) {
  hold(x, K_ACK);
  x->d.c = la__app_connect(x->d.a, &x->d.b->addr, PORT, 0, NULL);
  la__until_open(x->d.c, 200 * LA_SEC);
  la__run_for(x->w, 100 * LA_MS);
}
static void crossing(struct stop *x) {
  hold(x, K_SYN_ACK);
  hold(x, K_ACK);
  x->d.c = la__app_connect(x->d.a, &x->d.b->addr, CPORT + 1, CPORT, NULL);
  x->d.s = la__app_connect(x->d.b, &x->d.a->addr, CPORT, CPORT + 1, NULL);
  la__run_for(x->w, x->w->delay + 100 * LA_MS);
}
static void unaccepted(struct stop *x) {
  la__app_unlisten(x->d.l);
  la__app_listen_manual(x->d.b, PORT, 4);
  x->d.c = la__app_connect(x->d.a, &x->d.b->addr, PORT, 0, NULL);
  la__until_open(x->d.c, 200 * LA_SEC);
  la__settle(x->w, LA_SEC);
}
static void idle(struct stop *x) { opened(x); }
static void sending(struct stop *x) {
  opened(x);
  la__app_send(x->d.s, 20000);
  la__run_for(x->w, 0);
}
static void unread(struct stop *x) {
  opened(x);
  x->d.s->how.no_read = true;
  la__app_send(x->d.c, 1000);
  la__settle(x->w, LA_SEC);
}
static void close_wait(struct stop *x) {
  opened(x);
  la__app_shutdown(x->d.c);
  la__until_eof(x->d.s, 200 * LA_SEC);
}
static void fin_wait_1(struct stop *x) {
  opened(x);
  hold(x, K_ACK);
  la__app_shutdown(x->d.s);
  la__run_for(x->w, 2 * x->w->delay + 100 * LA_MS);
}
static void fin_wait_2(struct stop *x) {
  opened(x);
  la__app_shutdown(x->d.s);
  la__until_state(x->d.s, LA_FIN_WAIT_2, 200 * LA_SEC);
}
static void last_ack(struct stop *x) {
  close_wait(x);
  hold(x, K_ACK);
  la__app_shutdown(x->d.s);
  la__run_for(x->w, 100 * LA_MS);
}

static const struct at ats[] = {
  {"SYN-SENT", LA_SYN_SENT, syn_sent, TOLD_NOTHING, false},
  {"SYN-RECEIVED, a half-open record", LA_SYN_RECEIVED, half_open, TOLD_RESET, false},
  {"SYN-RECEIVED, crossing SYNs", LA_SYN_RECEIVED, crossing, TOLD_END, true},
  {"ESTABLISHED, not yet accepted", LA_ESTABLISHED, unaccepted, TOLD_RESET, false},
  {"ESTABLISHED, idle", LA_ESTABLISHED, idle, TOLD_END, true},
  {"ESTABLISHED, data in flight", LA_ESTABLISHED, sending, TOLD_END, true},
  {"ESTABLISHED, unread data", LA_ESTABLISHED, unread, TOLD_RESET, false},
  {"CLOSE-WAIT", LA_CLOSE_WAIT, close_wait, TOLD_END, false},
  {"FIN-WAIT-1", LA_FIN_WAIT_1, fin_wait_1, TOLD_END, true},
  {"FIN-WAIT-2", LA_FIN_WAIT_2, fin_wait_2, TOLD_END, true},
  {"LAST-ACK", LA_LAST_ACK, last_ack, TOLD_END, false},
};

/* The state of the record at the program, whether or not an application has it. */
static enum la_state state_of(const struct stop *x) {
  const struct conn *c = x->d.c, *p = x->d.s;
  return p ? la__state_at(p, x->w->now) : la__watch_state(x->d.b, &x->d.a->addr, c->rport, c->lport, NULL);
}

/* What the peer knows, at the latest one delay after the deadline. */
static void peer_claims(const struct stop *x, const struct at *at, enum peer peer, la_time deadline) {
  struct sim *s = x->s;
  const struct conn *c = x->d.c, *p = x->d.s;
  if (peer == NEVER_CLOSES) {
    CLAIM_CALM(s, c->end.err == LA_ECONNRESET && c->at_end == deadline + x->w->delay && la__when(p, LA_TIME_WAIT) == LA_NEVER,
               "it is reset at the deadline, and learns it: %s", la_err_name(c->end.err));
    return;
  }
  switch (at->told) {
  case TOLD_NOTHING:
    CLAIM_CALM(s, la__records(x->d.a, LA_KIND_CONN) + la__records(x->d.a, LA_KIND_HALF_OPEN) == 0 && p->end.err == LA_ECONNABORTED,
               "the attempt is dropped, the peer's answer draws RST: nothing is left there either");
    break;
  case TOLD_RESET:
    CLAIM_CALM(s, c->end.err == LA_ECONNRESET && c->at_end <= deadline + x->w->delay && la__count(x->w, x->d.b, K_FIN, 0, LA_NEVER) == 0,
               "the peer's application is told that something was lost: %s", la_err_name(c->end.err));
    break;
  case TOLD_END:
    CLAIM_QUICK(s, c->at_eof != LA_NEVER && c->end.err == LA_OK && p->end.err == LA_OK && c->rx_len == p->tx_len && !c->rx_bad,
                "an orderly release: the peer's application gets all %zu bytes and end-of-stream", p->tx_len);
    CLAIM_QUICK(s, (la__when(p, LA_TIME_WAIT) != LA_NEVER) == at->lingers, "TIME-WAIT is %s: program %s",
                at->lingers ? "the program's stack's" : "the peer's", la__path(p));
    break;
  }
}

static void stop_at(struct sim *s, const struct at *at, enum peer peer, bool drawn) {
  static const char *const names[] = {"", ", the peer never closes", ", the peer has vanished"};
  struct world *w = la__sim_world(s, "%s%s", at->name, names[peer]);
  w->drawn = drawn;
  struct stop x = {.s = s, .w = w, .d = la__duo_make(s, w)};
  struct duo *d = &x.d;
  d->a->name = "peer";
  d->b->name = "program";
  la__duo_boot(d, NULL);
  at->go(&x);
  enum la_state was = state_of(&x);
  la_time bound = 5 * LA_SEC + 10 * w->delay, most = 59 * LA_SEC; /* FIN-WAIT-2's own clock takes 60 s */
  la_time deadline = w->now + (bound < most ? bound : most);
  if (peer == VANISHED)
    la__host_crash(d->a);
  la__app_stop(d->b, deadline);
  if (peer == ANSWERS && d->c) {
    d->c->how.close_at_eof = true;
    if (d->c->at_eof != LA_NEVER) /* it had heard of the end before */
      la__app_close(d->c);
  }
  la__run_until(w, deadline);
  la_stats st;
  la__stats(d->b, &st);
  unsigned left = st.conns + st.half_open + st.orphans + st.listeners;
  bool told = !d->s || !d->s->open || (d->s->nends == 1 && d->s->at_end <= deadline);
  la__run_for(w, w->delay + LA_MS); /* a RST of the last moment arrives */
  CLAIM_CALM(s, was == at->state, "stopped in %s", la_state_name(was));
  CLAIM(s, left == 0 && told, "at the deadline no connection, half-open record or listener is left (%u): %s", left,
        d->s ? la_why_name(d->s->end.why) : "the program never had it");
  if (peer != VANISHED)
    peer_claims(&x, at, peer, deadline);
  else if (at->lingers || at->state == LA_CLOSE_WAIT)
    CLAIM_CALM(s, d->s->at_end == deadline && d->s->end.how == LA_HOW_RESET && d->s->end.who == LA_BY_CLOCK && st.time_wait == 0,
               "nobody answers: it is reset at that instant, without TIME-WAIT");
}

void la__scen_ctrl_c(struct sim *s) {
  for (unsigned i = 0; i < sizeof ats / sizeof *ats; i++) {
    const struct at *at = &ats[i];
    stop_at(s, at, ANSWERS, at->go == sending);
    if (at->lingers)
      stop_at(s, at, NEVER_CLOSES, at->go == idle);
    stop_at(s, at, VANISHED, at->go == fin_wait_1);
  }
}
