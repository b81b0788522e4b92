/* SPDX-License-Identifier: MIT */
/* The orderly release: RFC 9293 3.6, figures 12 and 13; half-close 3.6.1. */
#include "sim/scens.h"

/* x closed first. */
static void four_segments(struct sim *s, struct conn *x, struct conn *y) {
  struct world *w = x->h->w;
  const struct pkt *f1 = la__seg(w, x->h, K_FIN, 1), *f2 = la__seg(w, y->h, K_FIN, 1);
  const struct pkt *k1 = la__seg_since(w, y->h, K_ACK, 1, f1->arrived), *k2 = la__seg_since(w, x->h, K_ACK, 1, f2->arrived);
  uint32_t u = f1->seg.seq, v = k1->seg.seq;
  CLAIM_CALM(s, f1->seg.flags == (LA_FIN | LA_ACK) && f1->seg.len == 0, "1: FIN,ACK seq=u without data");
  CLAIM_CALM(s, k1->sent < f2->sent && k1->seg.seq == f1->seg.ack && k1->seg.ack == u + 1,
             "2: ACK seq=v ack=u+1: a FIN without data takes one sequence number");
  CLAIM_CALM(s, f2->seg.flags == (LA_FIN | LA_ACK) && f2->seg.seq == v && f2->seg.ack == u + 1,
             "3: FIN,ACK seq=w ack=u+1, and w=v as nothing was sent between");
  CLAIM_CALM(s, k2->seg.seq == u + 1 && k2->seg.ack == f2->seg.seq + 1, "4: ACK seq=u+1 ack=w+1");
  CLAIM_QUICK(s, la__count(w, NULL, K_ANY, f1->sent, LA_NEVER) == 4, "four segments from the first FIN on (%u)",
              la__count(w, NULL, K_ANY, f1->sent, LA_NEVER));
}

/* What holds after every release with x as the active side. */
static void after_release(struct sim *s, struct conn *x, struct conn *y) {
  la_time tw = la__when(x, LA_TIME_WAIT), gone = la__left(x, LA_TIME_WAIT);
  CLAIM(s, la__tw_exact(x), "%s: TIME-WAIT lasts 2MSL = %s (seen %s after the last FIN came)", x->h->name, la__secs(2 * s->opt.msl),
        la__secs(gone - la__tw_since(x)));
  la__claim(s, la__calm(s) && s->opt.delay < 2 * s->opt.msl, la__when(y, LA_CLOSED) < gone,
            "%s, the passive side, is CLOSED earlier, after %s", y->h->name, la__secs(la__when(y, LA_CLOSED) - la__when(x, LA_FIN_WAIT_1)));
  CLAIM_CALM(s, x->end.err == LA_OK && y->end.err == LA_OK && x->end.why == LA_WHY_CLOSE && y->end.why == LA_WHY_CLOSE,
             "both ends ended cleanly: %s", la_why_name(x->end.why));
  CLAIM_CALM(s, x->end.first_fin == LA_BY_LOCAL && y->end.first_fin == LA_BY_PEER, "both ends agree who sent the first FIN");
  CLAIM_CALM(s, x->end.time_wait == LA_TW_LOCAL && y->end.time_wait == LA_TW_PEER, "both ends agree who carries TIME-WAIT");
  CLAIM(s, x->end.time_wait == LA_TW_LOCAL && x->end.time_wait_until == tw + 2 * s->opt.msl,
        "and END, raised as it begins, says until when");
}

static void how(struct sim *s, struct conn *x, struct conn *y, enum la_how want) {
  CLAIM_CALM(s, x->end.how == want && y->end.how == want, "END at both: %s", la_how_name(x->end.how));
}

void la__scen_release_four(struct sim *s) {
  static const struct conduct later = {.close_at_eof = true, .eof_after = LA_SEC};
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, &later);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__app_close(d.c);
  la__run_out(w);
  four_segments(s, d.c, d.s);
  CLAIM_CALM(s, la__path_is(d.c, "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED"), "client: %s", la__path(d.c));
  CLAIM_CALM(s, la__path_is(d.s, "LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED"), "server: %s", la__path(d.s));
  after_release(s, d.c, d.s);
  how(s, d.c, d.s, LA_HOW_FOUR_SEGMENTS);
}

void la__scen_release_three(struct sim *s) {
  static const struct conduct at_once = {.close_at_eof = true};
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, &at_once);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__app_close(d.c);
  la__run_out(w);
  const struct pkt *f1 = la__seg(w, d.a, K_FIN, 1), *f2 = la__seg(w, d.b, K_FIN, 1), *k2 = la__seg_since(w, d.a, K_ACK, 1, f2->arrived);
  CLAIM_CALM(s, f2->sent == f1->arrived && f2->seg.flags == (LA_FIN | LA_ACK) && f2->seg.ack == f1->seg.seq + 1,
             "the FIN rides on the ACK: FIN,ACK seq=v ack=u+1 leaves at once");
  CLAIM_CALM(s, k2->seg.seq == f1->seg.seq + 1 && k2->seg.ack == f2->seg.seq + 1, "last: ACK seq=u+1 ack=v+1");
  CLAIM_QUICK(s, la__count(w, NULL, K_ANY, f1->sent, LA_NEVER) == 3, "three segments from the first FIN on (%u)",
              la__count(w, NULL, K_ANY, f1->sent, LA_NEVER));
  CLAIM_CALM(s, la__path_is(d.c, "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 TIME-WAIT CLOSED"), "client: %s", la__path(d.c));
  CLAIM_CALM(s, la__cause(d.c, LA_TIME_WAIT) == LA_ON_FIN_AND_ACK, "one segment carried both the FIN and the ACK of FIN: %s",
             la_cause_name(la__cause(d.c, LA_TIME_WAIT)));
  CLAIM_CALM(s, la__path_is(d.s, "LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED"), "server: %s", la__path(d.s));
  after_release(s, d.c, d.s);
  how(s, d.c, d.s, LA_HOW_THREE_SEGMENTS);
}

void la__scen_release_by_server(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  d.c->how = (struct conduct){.close_at_eof = true, .eof_after = LA_SEC};
  la__settle(w, LA_SEC);
  la__app_close(d.s);
  la__until_end(d.c, 200 * LA_SEC);
  la__run_for(w, LA_MS);
  /* The listener has nothing to do with the record that waits on its port. */
  la_time since = w->now;
  struct conn *next = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL);
  la__until_open(next, 200 * LA_SEC);
  bool served = next->at_open != LA_NEVER, waiting = la__state_at(d.s, la__seg_since(w, d.a, K_SYN, 1, since)->arrived) == LA_TIME_WAIT;
  la__app_abort(next);
  la__run_out(w);
  CLAIM_CALM(s, la__path_is(d.s, "LISTEN SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED"), "server: %s", la__path(d.s));
  CLAIM_CALM(s, la__path_is(d.c, "CLOSED SYN-SENT ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED"), "client: %s", la__path(d.c));
  const struct pkt *f1 = la__seg(w, d.b, K_FIN, 1), *f2 = la__seg(w, d.a, K_FIN, 1);
  CLAIM_QUICK(s, la__count(w, NULL, K_ANY, f1->sent, since) == 4, "four segments from the first FIN on");
  CLAIM_CALM(s, f1->sent < f2->sent && f2->seg.ack == f1->seg.seq + 1, "the server's FIN is the first, the client's acknowledges it");
  after_release(s, d.s, d.c);
  how(s, d.s, d.c, LA_HOW_FOUR_SEGMENTS);
  la__claim(s, la__calm(s) && 2 * s->opt.delay < 2 * s->opt.msl, waiting && served,
            "the server accepts the next connection on the same port while its TIME-WAIT lasts");
}

static void half_close(struct sim *s, la_time pause, unsigned times) {
  struct world *w = s->world[s->nworlds - 1];
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__app_send(d.c, 1000);
  la__app_shutdown(d.c);
  la__until_eof(d.s, 200 * LA_SEC);
  bool told = d.s->at_eof != LA_NEVER && d.s->rx_len == 1000 && la__app_saw(d.s, LA_EVENT_PEER_FIN) == 1;
  la_time fw2 = 0;
  ptrdiff_t r = d.c->open && d.c->h->st ? la_send(d.a->st, d.c->handle, "x", 1) : LA_EPIPE;
  for (unsigned i = 0; i < times; i++) {
    la__run_for(w, pause);
    la__app_send(d.s, 1000);
  }
  la__until_all_acked(d.s, 200 * LA_SEC);
  la__until_received(d.c, (size_t)1000 * times, 200 * LA_SEC);
  enum la_state cs = la__state_at(d.c, w->now), ss = la__state_at(d.s, w->now);
  fw2 = w->now - la__when(d.c, LA_FIN_WAIT_2);
  la__app_close(d.s);
  la__run_out(w);
  CLAIM(s, told, "the server's application got 1000 bytes and then end-of-stream");
  CLAIM(s, r == LA_EPIPE, "after its FIN the client can send no more: %s", la_err_name((int)r));
  CLAIM(s, cs == LA_FIN_WAIT_2 && ss == LA_CLOSE_WAIT, "while the server sends: client %s, server %s", la_state_name(cs),
        la_state_name(ss));
  CLAIM(s, d.c->rx_len == (size_t)1000 * times && !d.c->rx_bad, "the client got all %u bytes that the server sent after that FIN (%zu)",
        1000 * times, d.c->rx_len);
  CLAIM_CLEAN(s, (fw2 > pause * times - LA_SEC || s->opt.drop) && d.c->end.err == LA_OK && d.s->end.err == LA_OK,
              "no clock cut it in %s of FIN-WAIT-2; both ends ended cleanly", la__secs(fw2 / LA_SEC * LA_SEC));
  CLAIM_CALM(s, la__path_is(d.s, "LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED"), "server: %s", la__path(d.s));
}
void la__scen_half_close(struct sim *s) {
  la__sim_world(s, "for seconds");
  half_close(s, LA_SEC, 4);
  la__sim_world(s, "pauses of an hour")->drawn = false;
  half_close(s, 3600 * LA_SEC, 3);
}

void la__scen_simultaneous_close(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__app_close(d.c);
  la__app_close(d.s);
  la__run_out(w);
  const struct pkt *fa = la__seg(w, d.a, K_FIN, 1), *fb = la__seg(w, d.b, K_FIN, 1);
  const struct pkt *ka = la__seg_since(w, d.a, K_ACK, 1, fb->arrived), *kb = la__seg_since(w, d.b, K_ACK, 1, fa->arrived);
  bool sound = la__calm(s) && la__clean(s);
  la__claim(s, la__crossing(s), fa->sent < fb->arrived && fb->sent < fa->arrived, "the two FINs cross on the way");
  la__claim(s, sound, la__path_is(d.c, "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT CLOSED"), "client: %s", la__path(d.c));
  la__claim(s, sound, la__path_is(d.s, "LISTEN SYN-RECEIVED ESTABLISHED FIN-WAIT-1 CLOSING TIME-WAIT CLOSED"), "server: %s", la__path(d.s));
  la__claim(s, sound,
            ka->seg.ack == fb->seg.seq + 1 && ka->seg.seq == fa->seg.seq + 1 && kb->seg.ack == fa->seg.seq + 1 &&
              kb->seg.seq == fb->seg.seq + 1,
            "each acknowledges the other's FIN: seq=u+1 ack=w+1 and seq=w+1 ack=u+1 (RFC 9293 figure 13)");
  CLAIM_QUICK(s, la__count(w, NULL, K_ANY, fa->sent, LA_NEVER) == 4, "four segments from the first FIN on (%u)",
              la__count(w, NULL, K_ANY, fa->sent, LA_NEVER));
  la_time ta = la__left(d.c, LA_TIME_WAIT) - la__tw_since(d.c), tb = la__left(d.s, LA_TIME_WAIT) - la__tw_since(d.s);
  la__claim(s, sound, la__tw_exact(d.c) && la__tw_exact(d.s), "TIME-WAIT on both sides, 2MSL each (%s, %s)", la__secs(ta), la__secs(tb));
  la__claim(s, sound,
            d.c->end.how == LA_HOW_SIMULTANEOUS && d.s->end.how == LA_HOW_SIMULTANEOUS && d.c->end.time_wait == LA_TW_BOTH &&
              d.s->end.time_wait == LA_TW_BOTH,
            "END at both: %s, TIME-WAIT at both", la_how_name(d.c->end.how));
  CLAIM_CLEAN(s, d.c->end.err == LA_OK && d.s->end.err == LA_OK, "both ends ended cleanly");
}
