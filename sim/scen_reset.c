/* SPDX-License-Identifier: MIT */
/* Abortive endings: RFC 9293 3.5.1 (figures 9, 10), 3.5.2, 3.10.5; SHLD-3 and RFC 2525 2.16, 2.17. */
#include "sim/scens.h"

/* The number after the last that `h` has sent before t. */
static uint32_t snd_nxt(const struct world *w, const struct host *h, la_time t) {
  uint32_t nxt = 0;
  bool any = false;
  for (size_t i = 0; i < w->nlog; i++) {
    const struct pkt *p = w->log[i];
    if (p->from != h || p->duplicate || p->sent > t || (p->seg.flags & LA_RST))
      continue;
    uint32_t e = p->seg.seq + tcp_seg_len(&p->seg);
    if (!any || (int32_t)(e - nxt) > 0)
      nxt = e;
    any = true;
  }
  return nxt;
}

static void abort_with(struct sim *s, bool linger) {
  struct world *w = la__sim_world(s, linger ? "la_close with SO_LINGER 0" : "la_abort");
  w->drawn = !linger;
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la__app_send(d.c, 20000); /* more than a first flight */
  la__run_for(w, 0);
  la_time t = w->now;
  la_info_rec i;
  bool have = la__app_info(d.c, &i);
  if (linger) {
    la__app_set(d.c, LA_OPT_LINGER, 0);
    d.c->tx_want = d.c->tx_len;
    la__app_close(d.c);
  } else {
    la__app_abort(d.c);
  }
  la__until_end(d.s, 100 * LA_SEC);
  la__run_for(w, 10 * LA_SEC);
  const struct pkt *rst = la__seg(w, d.a, K_RST, 1);
  CLAIM(s, rst->sent == t && rst->seg.seq == snd_nxt(w, d.a, t), "RST leaves at once, seq=SND.NXT (RFC 9293 3.10.5)");
  CLAIM_CALM(s, la__count(w, d.a, K_FIN, 0, LA_NEVER) == 0 && la__count(w, d.a, K_DATA, t + 1, LA_NEVER) == 0,
             "no FIN, and no more data after it");
  la__claim(s, w->delay > 0, have && i.unsent > 0 && d.s->rx_len < d.c->tx_len, "queued data is discarded: %zu of %zu bytes were delivered",
            d.s->rx_len, d.c->tx_len);
  CLAIM_CALM(s, d.s->recv_err == LA_ECONNRESET && d.s->at_eof == LA_NEVER && d.s->end.why == LA_WHY_PEER_RESET,
             "the peer's application is told %s, not end-of-stream", la_err_name(d.s->recv_err));
  CLAIM(s, d.c->end.how == LA_HOW_RESET && d.c->end.who == LA_BY_LOCAL && d.c->end.why == (linger ? LA_WHY_LINGER : LA_WHY_ABORT),
        "END at the aborting side: %s by %s, %s", la_how_name(d.c->end.how), la_who_name(d.c->end.who), la_why_name(d.c->end.why));
  CLAIM(s, la__path_is(d.c, "CLOSED SYN-SENT ESTABLISHED CLOSED") && la__records(d.a, LA_KIND_TIME_WAIT) == 0, "no TIME-WAIT: client %s",
        la__path(d.c));
  CLAIM_CALM(s, la__path_is(d.s, "LISTEN SYN-RECEIVED ESTABLISHED CLOSED"), "server: %s", la__path(d.s));
}
void la__scen_abort(struct sim *s) {
  abort_with(s, false);
  abort_with(s, true);
}

static void close_with(struct sim *s, bool unread) {
  static const struct conduct lazy = {.no_read = true}, diligent = {0};
  struct world *w = la__sim_world(s, unread ? "1000 bytes unread" : "all read");
  struct duo d = la__duo(s, w, unread ? &lazy : &diligent);
  w->drawn = unread;
  la__duo_open(&d, 0);
  d.c->how = (struct conduct){.close_at_eof = true};
  la__app_send(d.c, 1000);
  la__settle(w, 5 * LA_SEC); /* all is delivered and acknowledged, read or not */
  la__app_close(d.s);
  la__until_end(d.c, 100 * LA_SEC);
  la__run_for(w, 10 * LA_SEC);
  unsigned fins = la__count(w, d.b, K_FIN, 0, LA_NEVER), rsts = la__count(w, d.b, K_RST, 0, LA_NEVER);
  if (unread) {
    const struct pkt *rst = la__seg(w, d.b, K_RST, 1);
    CLAIM(s, rsts >= 1 && fins == 0, "close sends RST (%u), not FIN (%u)", rsts, fins);
    CLAIM_CALM(s, rst->seg.seq == snd_nxt(w, d.b, rst->sent), "its seq is SND.NXT, so that the peer must take it");
    CLAIM_CALM(s, d.c->end.err == LA_ECONNRESET && d.c->at_eof == LA_NEVER, "the client's application learns that data was lost: %s",
               la_err_name(d.c->end.err));
    CLAIM(s, d.s->end.why == LA_WHY_UNREAD && d.s->end.how == LA_HOW_RESET, "END at the server: %s", la_why_name(d.s->end.why));
    CLAIM(s, la__records(d.b, LA_KIND_CONN) == 0 && la__records(d.b, LA_KIND_TIME_WAIT) == 0, "nothing of it is left at the server");
  } else {
    CLAIM_CLEAN(s, rsts == 0 && fins >= 1, "the same with nothing unread: FIN (%u), no RST (%u)", fins, rsts);
    CLAIM_CLEAN(s, d.c->end.err == LA_OK && d.c->at_eof != LA_NEVER, "and the client's application sees end-of-stream");
  }
}
void la__scen_close_unread(struct sim *s) {
  close_with(s, true);
  close_with(s, false);
}

static void data_after(struct sim *s, bool full) {
  struct world *w = la__sim_world(s, full ? "after la_close" : "after la_shutdown");
  w->drawn = full;
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  if (full)
    la__app_close(d.c);
  else
    la__app_shutdown(d.c);
  la__until_eof(d.s, 100 * LA_SEC);
  la__settle(w, LA_SEC);
  enum la_state st = la__state_at(d.c, w->now);
  la__app_send(d.s, 1000);
  la__settle(w, 20 * LA_SEC);
  const struct pkt *rst = la__seg(w, d.a, K_RST, 1), *data = la__seg(w, d.b, K_DATA, 1);
  if (!full) {
    CLAIM(s, rst->no == 0 && d.c->rx_len == 1000, "the same data is welcome: %zu bytes delivered, no RST", d.c->rx_len);
    la__app_close(d.s);
    la__run_out(w);
    CLAIM_CLEAN(s, d.c->end.err == LA_OK && d.s->end.err == LA_OK, "and both ends end cleanly");
    return;
  }
  CLAIM_CALM(s, st == LA_FIN_WAIT_2 && data->arrived != LA_NEVER && rst->sent == data->arrived,
             "data that meets %s draws RST at once (RFC 2525 2.16)", la_state_name(st));
  CLAIM_CALM(s, rst->seg.seq == data->seg.ack, "in sequence: seq = the data's ack field");
  CLAIM(s, d.c->rx_len == 0, "the data reaches nobody");
  CLAIM_CALM(s, d.s->end.err == LA_ECONNRESET && d.s->end.why == LA_WHY_PEER_RESET, "the server's application learns it: %s",
             la_err_name(d.s->end.err));
  CLAIM_CALM(s, d.c->end.why == LA_WHY_DATA_AFTER_CLOSE && d.c->end.how == LA_HOW_RESET, "END at the client: %s",
             la_why_name(d.c->end.why));
  CLAIM_CALM(s, la__records(d.a, LA_KIND_CONN) == 0 && la__records(d.a, LA_KIND_TIME_WAIT) == 0, "nothing of it is left at the client");
}
void la__scen_data_after_close(struct sim *s) {
  data_after(s, true);
  data_after(s, false);
}

static void server_reboots(struct sim *s) {
  struct world *w = la__sim_world(s, "the server reboots");
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__app_send(d.c, 100);
  la__until_all_acked(d.c, 100 * LA_SEC);
  la__host_crash(d.b);
  la__run_for(w, 10 * LA_SEC);
  la__host_boot(d.b);
  d.l = la__app_listen(d.b, PORT, 16, false, NULL);
  la__run_for(w, 10 * LA_SEC);
  la_time t = w->now;
  bool unaware = la__state_at(d.c, t) == LA_ESTABLISHED && d.c->nends == 0;
  la__app_send(d.c, 100);
  la__until_end(d.c, 1000 * LA_SEC);
  const struct pkt *data = la__seg_since(w, d.a, K_DATA, 1, t), *rst = la__seg_since(w, d.b, K_RST, 1, t);
  CLAIM(s, unaware, "the client does not notice: ESTABLISHED 10 s after the server came back");
  CLAIM_CALM(s, rst->sent == data->arrived && rst->seg.flags == LA_RST && rst->seg.seq == data->seg.ack,
             "its next data draws RST, seq = its ack field (RFC 9293 figure 10)");
  CLAIM(s, d.c->end.err == LA_ECONNRESET && d.c->end.who == LA_BY_PEER, "the client's application is told %s: %s",
        la_err_name(d.c->end.err), la_why_name(d.c->end.why));
  struct conn *old = d.c;
  la__duo_open(&d, old->lport);
  la__app_send(d.c, 100);
  la__until_received(d.s, 100, 100 * LA_SEC);
  CLAIM(s, d.s->rx_len == 100, "and connects again, from the same port: %zu of 100 bytes arrive", d.s->rx_len);
}

static void client_reboots(struct sim *s, bool timestamps) {
  struct world *w = la__sim_world(s, "the client reboots%s", timestamps ? "" : ", now without timestamps");
  w->drawn = timestamps;
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, CPORT);
  la__app_send(d.c, 100);
  la__until_all_acked(d.c, 100 * LA_SEC);
  la__run_for(w, LA_SEC);
  struct conn *old = d.s;
  la_info_rec i;
  bool have = la__app_info(old, &i);
  la__host_crash(d.a);
  la__run_for(w, 10 * LA_SEC);
  d.a->cfg.timestamps = timestamps;
  la__host_boot(d.a);
  la_time t = w->now;
  la__duo_open(&d, CPORT);
  const struct pkt *syn = la__seg_since(w, d.a, K_SYN, 1, t), *ack = la__seg_since(w, d.b, K_ACK, 1, t);
  const struct pkt *rst = la__seg_since(w, d.a, K_RST, 1, t), *again = la__seg_since(w, d.a, K_SYN, 2, t);
  la_stats st;
  la__stats(d.b, &st);
  CLAIM_CALM(s, have && ack->sent == syn->arrived && ack->seg.seq == i.snd_nxt && ack->seg.ack == i.rcv_nxt && st.challenge_acks >= 1,
             "its SYN meets the old connection: challenge ACK, seq=SND.NXT ack=RCV.NXT (figure 9, RFC 5961 4)");
  CLAIM_CALM(s, rst->sent == ack->arrived && rst->seg.flags == LA_RST && rst->seg.seq == ack->seg.ack,
             "the client answers RST, seq = that ack field");
  CLAIM(s, old->end.err == LA_ECONNRESET && old->nends == 1, "the server's application is told %s: %s", la_err_name(old->end.err),
        la_why_name(old->end.why));
  CLAIM(s, again->sent == syn->sent + LA_SEC && again->seg.seq == syn->seg.seq, "the SYN is sent again after 1 s, the same");
  CLAIM(s, d.c->at_open != LA_NEVER && d.s->open && d.s != old, "and opens a new connection");
  la__app_send(d.c, 100);
  la__until_received(d.s, 100, 100 * LA_SEC);
  CLAIM(s, d.s->rx_len == 100 && !d.s->rx_bad, "over which data goes: %zu of 100 bytes", d.s->rx_len);
}
void la__scen_half_open_reboot(struct sim *s) {
  server_reboots(s);
  client_reboots(s, true);
  client_reboots(s, false);
}
