/* SPDX-License-Identifier: MIT */
/* TIME-WAIT: RFC 9293 3.6 (MUST-13), 3.10.7.4; RFC 1337 for RST. */
#include "sim/scens.h"

static const struct conduct at_once = {.close_at_eof = true};

/* The client closes, its last ACK is lost. */
static struct duo last_ack_lost(struct sim *s, struct world *w, bool time_wait) {
  static const struct conduct later = {.close_at_eof = true, .eof_after = LA_SEC};
  struct duo d = la__duo_make(s, w);
  d.a->cfg.time_wait = time_wait;
  la__duo_boot(&d, &later);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__app_close(d.c);
  la__until_eof(d.s, 200 * LA_SEC);
  la__rule(w, d.a, K_ACK, F_LOSE, 1, 1);
  la__run_out(w);
  return d;
}
void la__scen_without_time_wait(struct sim *s) {
  struct duo d = last_ack_lost(s, la__sim_world(s, "without TIME-WAIT"), false);
  const struct pkt *again = la__seg(d.w, d.b, K_FIN, 2), *rst = la__seg_since(d.w, d.a, K_RST, 1, again->arrived);
  CLAIM(s, la__when(d.c, LA_TIME_WAIT) == la__left(d.c, LA_TIME_WAIT) && la__path_ends(d.c, "CLOSED"),
        "the client goes through TIME-WAIT in no time: %s", la__path(d.c));
  CLAIM_QUICK(s, rst->seg.flags == LA_RST && rst->seg.seq == again->seg.ack, "the retransmitted FIN meets RST, seq = its ack field");
  CLAIM_QUICK(s, d.s->end.err == LA_ECONNRESET && d.s->end.how == LA_HOW_RESET,
              "the server's application is told %s although all went well: %s", la_err_name(d.s->end.err), la_how_name(d.s->end.how));
  struct duo e = last_ack_lost(s, la__sim_world(s, "with TIME-WAIT"), true);
  /* The FIN comes again after an RTO, three round trips at first. */
  bool long_enough = la__calm(s) && 2 * s->opt.msl > 2 * LA_SEC + 10 * s->opt.delay;
  la__claim(s, long_enough, e.s->end.err == LA_OK && la__count(e.w, e.a, K_RST, 0, la__left(e.c, LA_TIME_WAIT)) == 0,
            "the same loss, and the server ends cleanly, no RST");
  unsigned fins = la__count(e.w, e.b, K_FIN, 0, LA_NEVER);
  la__claim(s, long_enough, la__count(e.w, e.a, K_TW_ACK, 0, LA_NEVER) == fins && fins >= 2,
            "TIME-WAIT acknowledged the retransmitted FIN");
}

/* The client closes first; until it is in TIME-WAIT. */
static void enter(struct duo *d, uint16_t lport, la_time idle) {
  la__duo_open(d, lport);
  la__settle(d->w, idle);
  if (idle > 3600 * LA_SEC)
    la__note(d->a, "idle until now");
  la__app_close(d->c);
  la__until_state(d->c, LA_TIME_WAIT, 300 * LA_SEC);
}

static void lifetime(struct sim *s, la_time msl, la_time idle, bool drawn) {
  struct world *w = la__sim_world(s, "MSL %s%s", la__secs(msl), idle > 3600 * LA_SEC ? ", idle for 5 hours before" : "");
  w->drawn = drawn;
  struct duo d = la__duo_make(s, w);
  d.a->cfg.msl = d.b->cfg.msl = msl;
  la__duo_boot(&d, &at_once);
  enter(&d, 0, idle);
  la_time end = la__until_last_ms(d.c);
  unsigned there = la__records(d.a, LA_KIND_TIME_WAIT);
  la__run_until(w, end);
  unsigned left = la__records(d.a, LA_KIND_TIME_WAIT);
  la__run_out(w);
  CLAIM(s, there == 1, "2MSL - 1 ms after it began TIME-WAIT is still there (%u record)", there);
  CLAIM(s, left == 0 && la__tw_exact(d.c), "at 2MSL = %s it is gone (seen %s)", la__secs(2 * msl),
        la__secs(la__left(d.c, LA_TIME_WAIT) - la__tw_since(d.c)));
}

static const struct pkt *duplicate(const struct world *w) {
  for (size_t i = 0; i < w->nlog; i++)
    if (w->log[i]->duplicate)
      return w->log[i];
  return la__seg(w, NULL, K_SYN, 1000); /* none */
}

static void late_segments(struct sim *s) {
  struct world *w = la__sim_world(s, "late segments");
  struct duo d = la__duo(s, w, &at_once);
  la_time msl = s->opt.msl;
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__rule(w, d.b, K_DATA, F_DUPLICATE, 1, 1)->extra = msl / 2;
  la__app_send(d.s, 300);
  la__until_received(d.c, 300, 200 * LA_SEC);
  la__app_close(d.c);
  la__until_state(d.c, LA_TIME_WAIT, 300 * LA_SEC);
  la_time t = la__when(d.c, LA_TIME_WAIT);
  la__run_until(w, t + msl);
  const struct pkt *dup = duplicate(w);
  unsigned answers = la__count(w, d.a, K_ANY, dup->arrived, LA_NEVER);
  const struct pkt *f = la__seg(w, d.b, K_FIN, 1);
  struct tcp_seg seg = {.sport = PORT, .dport = d.c->lport, .seq = f->seg.seq + 1, .flags = LA_RST};
  const struct pkt *rst = la__inject(d.b, d.a, &seg);
  la__run_for(w, 2 * w->delay);
  la_stats st;
  la__stats(d.a, &st);
  la__run_out(w);
  la_time gone = la__left(d.c, LA_TIME_WAIT);
  bool late = dup->arrived > t && dup->arrived < gone; /* on a slow path it comes before TIME-WAIT, or after a short one */
  la__claim(s, late, dup->drop != LA_DROP_NONE && d.c->rx_len == 300, "a late duplicate of data is discarded: %s", la_drop_name(dup->drop));
  la__claim(s, late && la__quick(s), answers <= 1 && la__count(w, d.a, K_ANY, t + 1, LA_NEVER) == la__count(w, d.a, K_ACK, t + 1, LA_NEVER),
            "it draws at most one ACK (%u)", answers);
  /* The server, CLOSED, has answered that ACK with a RST of its own. */
  unsigned rsts = la__count(w, d.b, K_RST, t, LA_NEVER);
  la__claim(s, la__calm(s) && rst->arrived < gone, st.time_wait_rst_ignored >= 1 && st.time_wait_rst_ignored <= 1 + rsts,
            "RST, exactly in sequence, is ignored and counted (%llu, RFC 1337)", (unsigned long long)st.time_wait_rst_ignored);
  CLAIM(s, la__tw_exact(d.c), "neither of them restarts the clock: 2MSL from its beginning (seen %s)", la__secs(gone - la__tw_since(d.c)));
}

static void late_fin(struct sim *s) {
  struct world *w = la__sim_world(s, "late FIN");
  struct duo d = la__duo(s, w, &at_once);
  la_time msl = s->opt.msl;
  w->drawn = false;
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__rule(w, d.b, K_FIN, F_DUPLICATE, 1, 1)->extra = msl / 2;
  la__app_close(d.c);
  la__run_out(w);
  const struct pkt *dup = duplicate(w);
  la_time gone = la__left(d.c, LA_TIME_WAIT), t = la__when(d.c, LA_TIME_WAIT);
  bool late = dup->arrived > t && dup->arrived < t + 2 * msl;
  bool latest = la__count(w, d.b, K_FIN, dup->sent + 1, LA_NEVER) == 0; /* else it has an old timestamp (RFC 7323 5.3) */
  la__claim(s, late && latest, la__tw_exact(d.c) && gone >= dup->arrived + 2 * msl,
            "a FIN that comes again restarts the clock: gone 2MSL after it (seen %s)", la__secs(gone - dup->arrived));
  unsigned acks = 0;
  for (size_t i = 0; i < w->nlog; i++)
    acks += w->log[i]->sent == dup->arrived && w->log[i]->from == d.a && la__is_kind(w->log[i], K_TW_ACK);
  la__claim(s, late, acks >= 1, "and is acknowledged again, at once");
}

void la__scen_time_wait_2msl(struct sim *s) {
  static const la_time msls[] = {30 * LA_SEC, 60 * LA_SEC, 120 * LA_SEC};
  lifetime(s, s->opt.msl, LA_SEC, true);
  for (unsigned i = 0; i < 3; i++)
    if (msls[i] != s->opt.msl)
      lifetime(s, msls[i], LA_SEC, false);
  lifetime(s, s->opt.msl, 5 * 3600 * LA_SEC, false);
  late_segments(s);
  late_fin(s);
}

static void pair_in_use(struct sim *s) {
  struct world *w = la__sim_world(s, "the same pair");
  struct duo d = la__duo(s, w, &at_once);
  la__app_listen(d.b, PORT + 1, 4, false, &at_once);
  enter(&d, CPORT, LA_SEC);
  struct conn *c1 = la__app_connect(d.a, &d.b->addr, PORT, CPORT, NULL);
  struct conn *other = la__app_connect(d.a, &d.b->addr, PORT + 1, CPORT, NULL);
  la__until_last_ms(d.c);
  struct conn *c2 = la__app_connect(d.a, &d.b->addr, PORT, CPORT, NULL);
  la__until_left(d.c, LA_TIME_WAIT, LA_SEC);
  struct conn *c3 = la__app_connect(d.a, &d.b->addr, PORT, CPORT, NULL);
  la__until_open(c3, 200 * LA_SEC);
  bool works = c3->at_open != LA_NEVER;
  CLAIM(s, c1->err == LA_EADDRINUSE, "connect with the pair that is in TIME-WAIT: %s", la_err_name(c1->err));
  CLAIM(s, c2->err == LA_EADDRINUSE, "1 ms before 2MSL is over: %s", la_err_name(c2->err));
  CLAIM(s, c3->err == LA_OK && works, "at 2MSL: %s, and the connection opens", la_err_name(c3->err));
  CLAIM(s, other->err == LA_OK, "the same local port to another remote port is another pair: %s", la_err_name(other->err));
}

static void bind_in_use(struct sim *s, bool old_reuse, bool new_reuse) {
  struct world *w = la__sim_world(s, "bind, SO_REUSEADDR %s before, %s now", old_reuse ? "set" : "not set", new_reuse ? "set" : "not set");
  struct duo d = la__duo_make(s, w);
  w->drawn = !old_reuse && !new_reuse;
  la__host_boot(d.a);
  la__host_boot(d.b);
  d.l = la__app_listen(d.b, PORT, 4, old_reuse, NULL);
  la__duo_open(&d, 0);
  la__settle(w, 0);
  d.c->how = at_once;
  struct lsn *same = la__app_listen(d.b, PORT, 4, new_reuse, NULL);
  CLAIM(s, same->err == LA_EADDRINUSE, "while another listener has the port: %s", la_err_name(same->err));
  la__app_close(d.s);
  la__until_state(d.s, LA_TIME_WAIT, 300 * LA_SEC);
  la__app_unlisten(d.l);
  la__run_for(w, 100 * LA_MS);
  struct lsn *l = la__app_listen(d.b, PORT, 4, new_reuse, NULL);
  int want = old_reuse && new_reuse ? LA_OK : LA_EADDRINUSE;
  CLAIM(s, l->err == want, "listen on the port that has a connection in TIME-WAIT: %s, as on Linux", la_err_name(l->err));
  la__app_unlisten(l);
  la__until_left(d.s, LA_TIME_WAIT, 10000 * LA_SEC);
  l = la__app_listen(d.b, PORT, 4, false, NULL);
  CLAIM(s, l->err == LA_OK, "at 2MSL, without SO_REUSEADDR: %s", la_err_name(l->err));
  la__app_unlisten(l);
  la__run_out(w);
}
void la__scen_address_in_use(struct sim *s) {
  pair_in_use(s);
  for (unsigned i = 0; i < 4; i++)
    bind_in_use(s, i & 1, i & 2);
}
