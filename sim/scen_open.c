/* SPDX-License-Identifier: MIT */
/* Opening: RFC 9293 3.5 (figures 6 and 7), 3.10.7.1, 3.8.3 for SYN; RFC 6528 for the numbers. */
#include "sim/scens.h"

static void options(struct sim *s, struct duo *d) {
  la_info_rec i, j;
  unsigned headers = la__sim_headers(d->w);
  bool have = la__app_info(d->c, &i) && la__app_info(d->s, &j);
  const struct pkt *syn = la__seg(d->w, d->a, K_SYN, 1), *sa = la__seg(d->w, d->b, K_SYN_ACK, 1);
  CLAIM(s,
        have && (syn->seg.opt.have & sa->seg.opt.have & TCP_OPT_MSS) && syn->seg.opt.mss == SIM_MTU - headers &&
          i.peer_mss == sa->seg.opt.mss && j.peer_mss == syn->seg.opt.mss,
        "both SYNs announce MSS %u = MTU - %u, and each end took the other's (%u, %u)", syn->seg.opt.mss, headers, have ? i.peer_mss : 0,
        have ? j.peer_mss : 0);
  CLAIM(s,
        have && (syn->seg.opt.have & sa->seg.opt.have & TCP_OPT_WSCALE) && i.window_scaled && j.window_scaled &&
          i.snd_wscale == j.rcv_wscale && i.snd_wscale == sa->seg.opt.wscale && j.snd_wscale == i.rcv_wscale &&
          j.snd_wscale == syn->seg.opt.wscale,
        "window scale: each end shifts by what the other offered");
  CLAIM(s, have && (syn->seg.opt.have & sa->seg.opt.have & TCP_OPT_SACK_OK) && i.sack && j.sack,
        "SACK-permitted went both ways and is on at both ends");
  CLAIM(s, have && (syn->seg.opt.have & sa->seg.opt.have & TCP_OPT_TS) && i.timestamps && j.timestamps,
        "timestamps went both ways and are on at both ends");
  CLAIM_CALM(s, sa->seg.opt.ts_ecr == syn->seg.opt.ts_val, "the SYN,ACK echoes the SYN's timestamp");
}

static uint32_t isn_of(struct host *h, uint16_t lport, unsigned n) {
  la_addr nobody = la__sim_addr(h->w, 9);
  struct conn *c = la__app_connect(h, &nobody, PORT, lport, NULL);
  la__run_for(h->w, 0);
  la__app_close(c);
  la__run_for(h->w, 0);
  return la__seg(h->w, h, K_SYN, n)->seg.seq;
}
static void isn(struct sim *s) {
  struct world *w = la__sim_world(s, "initial sequence numbers");
  w->drawn = false;
  struct host *h = la__host_new(w, "client");
  la__host_boot(h);
  la_time dt = 12345 * LA_MS;
  uint32_t a = isn_of(h, CPORT, 1);
  la__run_for(w, dt);
  uint32_t b = isn_of(h, CPORT, 2), c = isn_of(h, CPORT + 1, 3);
  la__host_crash(h);
  la__host_boot(h);
  uint32_t e = isn_of(h, CPORT, 4);
  CLAIM(s, b - a == dt / (4 * LA_US), "the same pair again after %s: ISN is greater by one for each 4 microseconds (%u)", la__secs(dt),
        b - a);
  CLAIM(s, c != b, "another port at the same instant: another ISN (RFC 6528)");
  CLAIM(s, e != b, "another secret, the same pair and instant: another ISN");
}

void la__scen_open(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  const struct pkt *p1 = la__seg(w, NULL, K_ANY, 1), *p2 = la__seg(w, NULL, K_ANY, 2), *p3 = la__seg(w, NULL, K_ANY, 3);
  la__run_for(w, 5 * LA_SEC);
  CLAIM_QUICK(s, p1->from == d.a && la__is_kind(p1, K_SYN) && p1->seg.len == 0, "1st segment: client, SYN seq=x, no ACK");
  CLAIM_QUICK(s, p2->from == d.b && la__is_kind(p2, K_SYN_ACK) && p2->seg.ack == p1->seg.seq + 1,
              "2nd segment: server, SYN,ACK seq=y ack=x+1");
  CLAIM_QUICK(s, p3->from == d.a && la__is_kind(p3, K_ACK) && p3->seg.seq == p1->seg.seq + 1 && p3->seg.ack == p2->seg.seq + 1,
              "3rd segment: client, ACK seq=x+1 ack=y+1");
  CLAIM_QUICK(s, w->nlog == 3, "three segments, and no more in the 5 s after");
  CLAIM_CALM(s, la__path_is(d.c, "CLOSED SYN-SENT ESTABLISHED"), "client: %s", la__path(d.c));
  CLAIM_CALM(s, la__path_is(d.s, "LISTEN SYN-RECEIVED ESTABLISHED"), "server: %s", la__path(d.s));
  CLAIM_QUICK(s, d.c->at_open == p1->sent + 2 * w->delay && d.s->at_open == p1->sent + 3 * w->delay,
              "the client has the connection after one round trip, the server after one and a half");
  CLAIM(s, la__app_saw(d.c, LA_EVENT_ESTABLISHED) == 1 && d.l->accepts == 1,
        "one ESTABLISHED at the client, one connection accepted at the server");
  options(s, &d);
  isn(s);
}

void la__scen_simultaneous_open(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo_make(s, w);
  d.a->name = "left";
  d.b->name = "right";
  la__host_boot(d.a);
  la__host_boot(d.b);
  d.c = la__app_connect(d.a, &d.b->addr, CPORT + 1, CPORT, NULL);
  d.s = la__app_connect(d.b, &d.a->addr, CPORT, CPORT + 1, NULL);
  la__until_open(d.c, 200 * LA_SEC);
  la__until_open(d.s, 200 * LA_SEC);
  la__run_for(w, 5 * LA_SEC);
  const struct pkt *a1 = la__seg(w, d.a, K_SYN, 1), *b1 = la__seg(w, d.b, K_SYN, 1);
  const struct pkt *a2 = la__seg(w, d.a, K_SYN_ACK, 1), *b2 = la__seg(w, d.b, K_SYN_ACK, 1);
  unsigned opening = (unsigned)w->nlog;
  la__claim(s, la__crossing(s), a1->sent == b1->sent && a1->sent < b1->arrived && b1->sent < a1->arrived, "the two SYNs cross on the way");
  CLAIM_CALM(s, la__path_is(d.c, "CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED"), "left: %s", la__path(d.c));
  CLAIM_CALM(s, la__path_is(d.s, "CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED"), "right: %s", la__path(d.s));
  CLAIM_CALM(s,
             a2->seg.seq == a1->seg.seq && a2->seg.ack == b1->seg.seq + 1 && b2->seg.seq == b1->seg.seq && b2->seg.ack == a1->seg.seq + 1,
             "each answers with SYN,ACK: its SYN's own seq, and ack = the other's seq+1 (RFC 9293 figure 7)");
  /* The last SYN,ACK meets ESTABLISHED or completes it: whether an ACK follows is open (RFC 9293 A.2). */
  CLAIM_QUICK(s, opening >= 4 && opening <= 6, "four segments make the connection, no ACK war follows (%u segments)", opening);
  la_stats sa, sb;
  la__stats(d.a, &sa);
  la__stats(d.b, &sb);
  CLAIM(s, sa.conns == 1 && sb.conns == 1, "one connection, not two (%u at the left, %u at the right)", sa.conns, sb.conns);
  CLAIM(s, la__app_saw(d.c, LA_EVENT_ESTABLISHED) == 1 && la__app_saw(d.s, LA_EVENT_ESTABLISHED) == 1,
        "both applications are told ESTABLISHED once");
  la__app_send(d.c, 100);
  la__app_send(d.s, 200);
  la__until_received(d.s, 100, 100 * LA_SEC);
  la__until_received(d.c, 200, 100 * LA_SEC);
  CLAIM(s, d.s->rx_len == 100 && d.c->rx_len == 200 && !d.s->rx_bad && !d.c->rx_bad, "data goes both ways: %zu of 100 and %zu of 200 bytes",
        d.s->rx_len, d.c->rx_len);
}

void la__scen_refused(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo_make(s, w);
  la__host_boot(d.a);
  la__host_boot(d.b);
  d.c = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL);
  la__until_end(d.c, 300 * LA_SEC);
  const struct pkt *syn = la__seg(w, d.a, K_SYN, 1), *rst = la__seg(w, d.b, K_RST, 1);
  CLAIM(s, rst->seg.flags == (LA_RST | LA_ACK) && rst->seg.seq == 0 && rst->seg.ack == syn->seg.seq + 1,
        "SYN to a port without listener draws RST,ACK with seq=0, ack=x+1 (RFC 9293 3.10.7.1)");
  CLAIM(s, d.c->end.err == LA_ECONNREFUSED && d.c->end.why == LA_WHY_REFUSED && d.c->end.who == LA_BY_PEER, "the application is told %s",
        la_err_name(d.c->end.err));
  CLAIM_QUICK(s, w->nlog == 2 && d.c->at_end == syn->sent + 2 * w->delay, "two segments, and the caller knows after one round trip");
  CLAIM_CALM(s, la__path_is(d.c, "CLOSED SYN-SENT CLOSED"), "client: %s", la__path(d.c));
  la_stats st;
  la__stats(d.b, &st);
  CLAIM(s, st.conns == 0 && st.half_open == 0 && st.bytes_allocated == d.b->baseline, "the refusing host keeps nothing of it");
  CLAIM(s, la__app_saw(d.c, LA_EVENT_ESTABLISHED) == 0, "ESTABLISHED was never told");
}

static void no_answer(struct sim *s, bool own_limit) {
  static const unsigned at[] = {0, 1, 3, 7, 15, 31, 63, 127};
  la_time limit = own_limit ? 10 * LA_SEC : 180 * LA_SEC;
  unsigned want = own_limit ? 4 : 8;
  struct world *w = la__sim_world(s, own_limit ? "the caller's limit of 10 s" : "default limit");
  struct host *a = la__host_new(w, "client");
  la__host_new(w, "nobody");
  la__host_boot(a);
  la_addr nobody = la__sim_addr(w, 9);
  struct conn *c = la__app_connect(a, &nobody, PORT, 0, NULL);
  if (own_limit)
    la__app_set(c, LA_OPT_USER_TIMEOUT, 10000);
  la_time t0 = w->now;
  la__until_end(c, 1000 * LA_SEC);
  unsigned n = la__count(w, a, K_SYN, 0, LA_NEVER), exact = 0;
  for (unsigned i = 0; i < want; i++)
    exact += la__seg(w, a, K_SYN, i + 1)->sent == t0 + at[i] * LA_SEC;
  CLAIM(s, exact == want && n == want, "SYN goes out at 0, 1, 3, 7%s s and at no other instant (%u of %u exact)",
        own_limit ? "" : ", 15, 31, 63, 127", exact, n);
  CLAIM(s, c->at_end == t0 + limit, "given up after %s%s", la__secs(c->at_end - t0),
        own_limit ? "" : ": at least 3 minutes (RFC 9293 MUST-23)");
  CLAIM(s,
        c->end.err == LA_ETIMEDOUT && c->end.who == LA_BY_CLOCK &&
          (c->end.why == LA_WHY_SYN_TIMEOUT || (own_limit && c->end.why == LA_WHY_USER_TIMEOUT)),
        "the application is told %s: %s", la_err_name(c->end.err), la_why_name(c->end.why));
  CLAIM(s, la__count(w, a, K_ANY, 0, LA_NEVER) == n, "nothing but SYNs was sent");
  CLAIM(s, own_limit || (la__app_saw(c, LA_EVENT_TROUBLE) > 0 && la__app_saw_at(c, LA_EVENT_TROUBLE) < c->at_end),
        "R1: trouble is reported before the end (RFC 9293 SHLD-9)");
}
void la__scen_syn_timeout(struct sim *s) {
  no_answer(s, false);
  no_answer(s, true);
}
