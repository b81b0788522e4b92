/* SPDX-License-Identifier: MIT */
/* FINs that are malformed, lost, or never answered; FIN-WAIT-2 and its clock. RFC 9293 3.6, 3.8.1, 3.10.7.4. */
#include "sim/scens.h"

void la__scen_fin_needs_ack(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la_info_rec i;
  la_stats before, after;
  bool have = la__app_info(d.s, &i);
  la__stats(d.b, &before);
  size_t sent = w->nlog;
  struct tcp_seg fin = {.sport = d.c->lport, .dport = PORT, .seq = i.rcv_nxt, .ack = i.snd_nxt, .wnd = 1000, .flags = LA_FIN};
  const struct pkt *p = la__inject(d.a, d.b, &fin);
  la__run_for(w, 5 * LA_SEC + w->delay);
  la__stats(d.b, &after);
  CLAIM_CALM(s, have && after.drops[LA_DROP_TCP_FLAGS] == before.drops[LA_DROP_TCP_FLAGS] + 1 && p->drop == LA_DROP_TCP_FLAGS,
             "a FIN without ACK, exactly in sequence, is dropped and counted as malformed: %s", la_drop_name(p->drop));
  CLAIM(s, la__state_at(d.s, w->now) == LA_ESTABLISHED && la__app_saw(d.s, LA_EVENT_PEER_FIN) == 0 && d.s->at_eof == LA_NEVER,
        "it moved nothing: the server is in %s, its application was told nothing", la_state_name(la__state_at(d.s, w->now)));
  CLAIM_CALM(s, w->nlog == sent + 1, "and it drew no answer");
  la__app_shutdown(d.c);
  la__until_eof(d.s, 200 * LA_SEC);
  CLAIM(s, d.s->at_eof != LA_NEVER && la__state_at(d.s, w->now) == LA_CLOSE_WAIT, "the client's own FIN, with ACK, works: %s",
        la_state_name(la__state_at(d.s, w->now)));
  /* In FIN-WAIT-2 too, where a FIN is expected. */
  la__until_state(d.c, LA_FIN_WAIT_2, 200 * LA_SEC);
  la__settle(w, LA_SEC);
  have = la__app_info(d.c, &i);
  fin = (struct tcp_seg){.sport = PORT, .dport = d.c->lport, .seq = i.rcv_nxt, .ack = i.snd_nxt, .wnd = 1000, .flags = LA_FIN};
  la__inject(d.b, d.a, &fin);
  la__run_for(w, LA_SEC + w->delay);
  CLAIM(s, have && la__state_at(d.c, w->now) == LA_FIN_WAIT_2, "the same in FIN-WAIT-2: it stays there");
  la__app_close(d.s);
  la__run_out(w);
  CLAIM_CLEAN(s, d.c->end.err == LA_OK && d.s->end.err == LA_OK && la__path_ends(d.c, "FIN-WAIT-2 TIME-WAIT CLOSED"),
              "and the release then ends cleanly");
}

/* n losses: do the departures of the FIN double their distance, beginning with the RTO? */
static bool doubling(const struct world *w, const struct host *h, unsigned n, la_time rto) {
  for (unsigned i = 1; i <= n; i++) {
    const struct pkt *p = la__seg(w, h, K_FIN, i), *q = la__seg(w, h, K_FIN, i + 1);
    if (q->sent - p->sent != rto << (i - 1) || q->seg.seq != p->seg.seq)
      return false;
  }
  return true;
}

static void lost_fin(struct sim *s, unsigned k) {
  static const struct conduct later = {.close_at_eof = true, .eof_after = LA_SEC};
  struct world *w = la__sim_world(s, "FIN lost %u time%s", k, k == 1 ? "" : "s");
  struct duo d = la__duo(s, w, &later);
  w->drawn = k == 3;
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__rule(w, d.a, K_FIN, F_LOSE, 1, k);
  la_info_rec i;
  la__app_info(d.c, &i);
  la__app_close(d.c);
  la__run_out(w);
  CLAIM_QUICK(s, la__count(w, d.a, K_FIN, 0, LA_NEVER) == k + 1 && doubling(w, d.a, k, i.rto),
              "sent %u times, the same FIN, first after the RTO of %s, then each time twice as late", la__count(w, d.a, K_FIN, 0, LA_NEVER),
              la__secs(i.rto));
  CLAIM(s, i.rto >= LA_SEC, "that RTO is not below 1 s (RFC 6298 2.4)");
  CLAIM_CALM(s, d.c->end.fin_retransmits >= k && d.c->end.err == LA_OK && d.s->end.err == LA_OK,
             "END is clean at both, and counts %u FIN retransmissions", d.c->end.fin_retransmits);
  /* One more loss on a slow path, and R2 comes first. */
  la__claim(s, la__calm(s) || k < 5, la__path_ends(d.c, "CLOSED") && la__path_ends(d.s, "CLOSED"), "both ends reach CLOSED");
}
void la__scen_lost_fin(struct sim *s) {
  for (unsigned k = 1; k <= 5; k++)
    lost_fin(s, k);
}

static void lost_final_ack(struct sim *s, unsigned k) {
  static const struct conduct later = {.close_at_eof = true, .eof_after = LA_SEC};
  struct world *w = la__sim_world(s, "last ACK lost %u time%s", k, k == 1 ? "" : "s");
  struct duo d = la__duo(s, w, &later);
  w->drawn = k == 2;
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__rule(w, d.a, K_TW_ACK, F_LOSE, 1, k);
  la_info_rec i;
  la__app_info(d.s, &i);
  la__app_close(d.c);
  la__run_out(w);
  /* With a small --msl the record is gone before the next FIN comes, and TIME-WAIT cannot help. */
  bool usual = la__quick(s) && 2 * s->opt.msl > (i.rto << (k - 1)) + LA_SEC;
  unsigned fins = la__count(w, d.b, K_FIN, 0, LA_NEVER), acks = la__count(w, d.a, K_TW_ACK, 0, LA_NEVER);
  la__claim(s, usual, fins == k + 1 && doubling(w, d.b, k, i.rto), "LAST-ACK sends its FIN %u times, each time twice as late", fins);
  la__claim(s, usual, acks == k + 1, "TIME-WAIT acknowledges each of them (%u ACKs)", acks);
  CLAIM(s, la__tw_exact(d.c), "and starts its 2MSL anew with each: it ends %s after the last that came",
        la__secs(la__left(d.c, LA_TIME_WAIT) - la__tw_since(d.c)));
  la__claim(s, usual, d.s->end.err == LA_OK && d.s->end.fin_retransmits == k && d.c->end.err == LA_OK, "both ends ended cleanly");
  CLAIM(s, la__path_ends(d.c, "CLOSED") && la__path_ends(d.s, "CLOSED"), "both ends reach CLOSED");
}
void la__scen_lost_final_ack(struct sim *s) {
  for (unsigned k = 1; k <= 5; k++)
    lost_final_ack(s, k);
}

void la__scen_final_ack_never(struct sim *s) {
  static const struct conduct later = {.close_at_eof = true, .eof_after = LA_SEC};
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, &later);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__rule(w, d.a, K_TW_ACK, F_LOSE, 1, 1000);
  la__rule(w, d.a, K_RST, F_LOSE, 1, 1000); /* nor the RST of a client that has forgotten */
  la__app_close(d.c);
  la__until_end(d.s, 4000 * LA_SEC);
  la_time first = la__seg(w, d.b, K_FIN, 1)->sent, end = d.s->at_end;
  unsigned n = la__count(w, d.b, K_FIN, 0, LA_NEVER);
  la__run_out(w);
  CLAIM_CALM(s, end - first >= 100 * LA_SEC && end - first <= d.b->cfg.r2 + d.b->cfg.rto_max,
             "LAST-ACK is given up %s after the first FIN: by its limit R2 of %s, not before 100 s, not never", la__secs(end - first),
             la__secs(d.b->cfg.r2));
  CLAIM_CALM(
    s, d.s->end.why == LA_WHY_LAST_ACK && d.s->end.who == LA_BY_CLOCK && d.s->end.err == LA_ETIMEDOUT && d.s->end.state == LA_LAST_ACK,
    "the application is told %s: %s", la_err_name(d.s->end.err), la_why_name(d.s->end.why));
  CLAIM_CALM(s, n >= 4, "the FIN was sent %u times until then", n);
  CLAIM(s, la__tw_exact(d.c), "TIME-WAIT at the client ends 2MSL after the last FIN that it acknowledged");
  CLAIM(s, la__path_ends(d.c, "CLOSED") && la__path_ends(d.s, "CLOSED"), "both ends reach CLOSED");
}

void la__scen_fin_wait_2_held(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__app_shutdown(d.c);
  la__until_state(d.c, LA_FIN_WAIT_2, 300 * LA_SEC);
  la__settle(w, 10 * LA_SEC);
  la_info_rec i;
  bool have = la__app_info(d.c, &i);
  la_time since = w->now;
  la__run_for(w, 30 * SIM_DAY);
  la__note(d.a, "30 days later");
  enum la_state st = la__state_at(d.c, w->now);
  unsigned n = la__count(w, NULL, K_ANY, since, w->now);
  la__app_send(d.s, 500);
  la__until_received(d.c, 500, 200 * LA_SEC);
  la__app_close(d.s);
  la__run_out(w);
  CLAIM(s, have && i.state == LA_FIN_WAIT_2 && i.deadline == LA_NEVER, "after la_shutdown FIN-WAIT-2 has no clock");
  CLAIM(s, st == LA_FIN_WAIT_2, "30 days later the client is in %s", la_state_name(st));
  CLAIM(s, n == 0, "and no segment was sent in that time");
  CLAIM(s, d.c->rx_len == 500 && !d.c->rx_bad, "then the server sends 500 bytes, and they arrive (%zu)", d.c->rx_len);
  CLAIM_CALM(s, d.c->end.err == LA_OK && d.s->end.err == LA_OK && la__path_ends(d.c, "FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED"),
             "and closes: client %s", la__path(d.c));
}

void la__scen_fin_wait_2_orphan(struct sim *s) {
  struct world *w = la__sim_world(s, "the peer never closes");
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__app_close(d.c);
  la__until_state(d.c, LA_FIN_WAIT_2, 300 * LA_SEC);
  la_time limit = d.a->cfg.fin_wait_2, t = la__when(d.c, LA_FIN_WAIT_2);
  la__run_until(w, t + limit - LA_MS);
  bool there = la__state_at(d.c, w->now) == LA_FIN_WAIT_2;
  la__run_for(w, 2 * LA_MS);
  CLAIM(s, there && la__left(d.c, LA_FIN_WAIT_2) == t + limit, "after la_close FIN-WAIT-2 ends after exactly %s (seen %s)", la__secs(limit),
        la__secs(la__left(d.c, LA_FIN_WAIT_2) - t));
  CLAIM(s, d.c->end.why == LA_WHY_FIN_WAIT_2 && d.c->end.who == LA_BY_CLOCK && d.c->end.state == LA_FIN_WAIT_2, "END says %s, by the %s",
        la_why_name(d.c->end.why), la_who_name(d.c->end.who));
  la_stats st;
  la__stats(d.a, &st);
  CLAIM(s, st.conns + st.time_wait + st.orphans == 0, "no record of it is left at the client");
  la__app_send(d.s, 100);
  la__until_end(d.s, 200 * LA_SEC);
  CLAIM_CALM(s, d.s->end.err == LA_ECONNRESET && la__count(w, d.a, K_RST, 0, LA_NEVER) >= 1,
             "what the server still sends draws RST: its application is told %s", la_err_name(d.s->end.err));
  w = la__sim_world(s, "held for an hour after la_shutdown, then la_close");
  w->drawn = false;
  d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__app_shutdown(d.c);
  la__until_state(d.c, LA_FIN_WAIT_2, 300 * LA_SEC);
  la__run_for(w, 3600 * LA_SEC);
  t = w->now;
  there = la__state_at(d.c, t) == LA_FIN_WAIT_2;
  la__app_close(d.c);
  la__until_end(d.c, 300 * LA_SEC);
  CLAIM(s, there && la__left(d.c, LA_FIN_WAIT_2) == t + limit, "the clock starts with la_close, and ends it %s later",
        la__secs(la__left(d.c, LA_FIN_WAIT_2) - t));

  w = la__sim_world(s, "the peer closes 1 ms before that");
  w->drawn = false;
  d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__app_close(d.c);
  la__until_state(d.c, LA_FIN_WAIT_2, 300 * LA_SEC);
  la__run_until(w, la__when(d.c, LA_FIN_WAIT_2) + limit - w->delay - LA_MS);
  la__app_close(d.s);
  la__run_out(w);
  CLAIM_CALM(
    s, d.c->end.err == LA_OK && d.s->end.err == LA_OK && d.s->end.why == LA_WHY_CLOSE && la__path_ends(d.c, "FIN-WAIT-2 TIME-WAIT CLOSED"),
    "an ordinary release: client %s", la__path(d.c));
}
