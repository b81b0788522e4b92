/* SPDX-License-Identifier: MIT */
/* Nothing is heard for long: idle connections, keepalive (RFC 9293 3.8.4), and retransmission without answer (3.8.3). */
#include "sim/scens.h"

#define IDLE (7200 * LA_SEC)
#define GAP (75 * LA_SEC)
#define PROBES 10u

static void idle(struct sim *s, unsigned days) {
  struct world *w = la__sim_world(s, "%u days", days);
  w->drawn = days == 10;
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__app_send(d.c, 100);
  la__settle(w, 10 * LA_SEC);
  la_time t = w->now;
  la__run_for(w, days * SIM_DAY / 2);
  w->cut = true;
  la__note(d.a, "the path is cut");
  la__run_for(w, SIM_DAY);
  w->cut = false;
  la__note(d.a, "and mended a day later");
  la__run_until(w, t + days * SIM_DAY);
  unsigned n = la__count(w, NULL, K_ANY, t, w->now);
  enum la_state a = la__state_at(d.c, w->now), b = la__state_at(d.s, w->now);
  la__app_send(d.c, 300);
  la__until_received(d.s, 400, 100 * LA_SEC);
  la__app_send(d.s, 200);
  la__until_received(d.c, 200, 100 * LA_SEC);
  CLAIM(s, n == 0, "no segment is sent in %u days without traffic: keepalive is off by default (MUST-25)", days);
  CLAIM(s, a == LA_ESTABLISHED && b == LA_ESTABLISHED && d.c->nends + d.s->nends == 0, "both ends are still %s", la_state_name(a));
  CLAIM(s, d.s->rx_len == 400 && d.c->rx_len == 200 && !d.s->rx_bad && !d.c->rx_bad, "data goes both ways as before: %zu and %zu bytes",
        d.s->rx_len - 100, d.c->rx_len);
  la__app_close(d.c);
  la__until_eof(d.s, 100 * LA_SEC);
  la__app_close(d.s);
  la__run_out(w);
  CLAIM_CLEAN(s, d.c->end.err == LA_OK && d.s->end.err == LA_OK, "and the connection is released in good order");
}
void la__scen_idle_for_days(struct sim *s) {
  idle(s, 10);
  idle(s, 40); /* in the other half of the timestamps' circle: the clock seems to go back (RFC 7323 5.5) */
}

/* The latest arrival at a host: what keepalive counts from. */
static la_time last_heard(const struct host *h) {
  la_time t = 0;
  for (size_t i = 0; i < h->w->nlog; i++) {
    const struct pkt *p = h->w->log[i];
    if (p->to == h && p->arrived != LA_NEVER && p->arrived <= h->w->now && p->arrived > t)
      t = p->arrived;
  }
  return t;
}
/* Opens, exchanges a little, and turns keepalive on at the client with the default clocks. */
static struct duo watched(struct sim *s, struct world *w) {
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_KEEPALIVE, 1);
  la__app_send(d.c, 100);
  la__settle(w, 10 * LA_SEC);
  return d;
}
static bool is_probe(const struct conn *c, const struct pkt *p, uint32_t nxt) {
  return p->no && (p->seg.flags & ~(unsigned)LA_PSH) == LA_ACK && p->seg.seq == nxt - 1 && p->seg.len == 0 && p->seg.sport == c->lport;
}

void la__scen_keepalive_alive(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = watched(s, w);
  la_info_rec i;
  la__app_info(d.c, &i);
  la_time t0 = last_heard(d.a), quiet = w->now;
  unsigned told = la__app_saw(d.c, LA_EVENT_TROUBLE);
  la__run_until(w, t0 + IDLE - LA_MS);
  unsigned early = la__count(w, d.a, K_ANY, quiet, w->now);
  la__settle(w, 10 * LA_SEC);
  const struct pkt *p1 = la__seg(w, d.a, K_PROBE, 1), *k1 = la__seg_since(w, d.b, K_ACK, 1, p1->arrived);
  la_time t1 = last_heard(d.a);
  la__run_until(w, t1 + IDLE);
  la__settle(w, 10 * LA_SEC);
  const struct pkt *p2 = la__seg(w, d.a, K_PROBE, 2);
  /* An hour later the server says something: the clock starts anew with it. */
  la__run_for(w, 3600 * LA_SEC);
  la__app_send(d.s, 100);
  la__until_received(d.c, 100, 100 * LA_SEC);
  la__settle(w, LA_SEC);
  la_time t2 = last_heard(d.a);
  la__run_until(w, t2 + IDLE);
  la__settle(w, 10 * LA_SEC);
  const struct pkt *p3 = la__seg(w, d.a, K_PROBE, 3);
  CLAIM(s, early == 0 && p1->sent == t0 + IDLE, "the first probe leaves after exactly 2 h of silence, nothing before (seen %s)",
        la__secs(p1->sent - t0));
  CLAIM_CALM(s, is_probe(d.c, p1, i.snd_nxt), "it has seq=SND.NXT-1 and no data (SHLD-12)");
  CLAIM_CALM(s, k1->sent == p1->arrived && k1->seg.ack == i.snd_nxt && t1 == k1->arrived, "the peer answers it at once with an ACK");
  CLAIM_CALM(s, p2->sent == t1 + IDLE, "the next comes 2 h after that answer, not 75 s");
  CLAIM_CALM(s, p3->sent == t2 + IDLE && la__count(w, d.a, K_PROBE, 0, w->now) == 3, "data from the peer starts the clock anew as well");
  CLAIM(s, la__count(w, d.b, K_PROBE, 0, w->now) == 0, "the server, whose application did not ask for it, sends no probes (MUST-24, 25)");
  la__run_for(w, 6 * 3600 * LA_SEC);
  CLAIM(s, la__state_at(d.c, w->now) == LA_ESTABLISHED && d.c->nends == 0 && la__app_saw(d.c, LA_EVENT_TROUBLE) == told,
        "6 hours later the connection stands, and the application was told of no trouble");
}

/* All probes unanswered. */
static void silent_end(struct sim *s, struct duo *d, la_time heard) {
  la__until_end(d->c, 20000 * LA_SEC);
  unsigned exact = 0, n = la__count(d->w, d->a, K_PROBE, 0, LA_NEVER);
  for (unsigned i = 0; i < PROBES; i++)
    exact += la__seg(d->w, d->a, K_PROBE, i + 1)->sent == heard + IDLE + i * GAP;
  CLAIM(s, n == PROBES && exact == PROBES, "%u probes: after 2 h of silence, then every 75 s (%u at the exact instant)", n, exact);
  CLAIM(s, d->c->at_end == heard + IDLE + PROBES * GAP, "75 s after the last of them the connection ends: %s after the last sign of life",
        la__secs(d->c->at_end - heard));
  CLAIM(s, d->c->end.err == LA_ETIMEDOUT && d->c->end.why == LA_WHY_KEEPALIVE && d->c->end.who == LA_BY_CLOCK,
        "the application is told %s: %s", la_err_name(d->c->end.err), la_why_name(d->c->end.why));
  CLAIM_CALM(s, n > 1, "not one unanswered probe, but %u, are taken for death (MUST-29)", n);
}
void la__scen_keepalive_crashed(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = watched(s, w);
  la_time t = last_heard(d.a);
  la__host_crash(d.b);
  silent_end(s, &d, t);
}
void la__scen_keepalive_unreachable(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = watched(s, w);
  la_time t = last_heard(d.a);
  la__rule(w, d.a, K_ANY, F_UNREACHABLE, 1, 1000);
  silent_end(s, &d, t);
  unsigned icmp = 0;
  for (size_t i = 0; i < w->nlog; i++)
    icmp += !w->log[i]->tcp && w->log[i]->to == d.a;
  CLAIM_CALM(s, icmp >= PROBES, "a router answered each probe \"host unreachable\" (%u): soft errors, none ended it (MUST-56)", icmp);
  CLAIM_CALM(s, d.c->end.soft_err == LA_EHOSTUNREACH, "but END knows the last of them: %s", la_err_name(d.c->end.soft_err));
}
void la__scen_keepalive_rebooted(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = watched(s, w);
  la_time t = last_heard(d.a);
  la__host_crash(d.b);
  la__run_for(w, 60 * LA_SEC);
  la__host_boot(d.b);
  la__app_listen(d.b, PORT, 16, false, NULL);
  la__until_end(d.c, 20000 * LA_SEC);
  const struct pkt *p = la__seg(w, d.a, K_PROBE, 1), *rst = la__seg(w, d.b, K_RST, 1);
  CLAIM_CALM(s, p->sent == t + IDLE && la__count(w, d.a, K_PROBE, 0, LA_NEVER) == 1, "one probe, after 2 h of silence");
  CLAIM_CALM(s, rst->sent == p->arrived && rst->seg.flags == LA_RST && rst->seg.seq == p->seg.ack,
             "the rebooted peer answers RST, seq = the probe's ack field");
  CLAIM(s, d.c->end.err == LA_ECONNRESET && d.c->end.how == LA_HOW_RESET && d.c->end.who == LA_BY_PEER, "the application is told %s: %s",
        la_err_name(d.c->end.err), la_why_name(d.c->end.why));
  CLAIM_CALM(s, d.c->at_end == rst->arrived, "at once");
}

static void vanished(struct sim *s, bool own_limit) {
  struct world *w = la__sim_world(s, own_limit ? "the caller's limit of 30 s" : "default limit");
  w->drawn = !own_limit;
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__app_send(d.c, 100);
  la__settle(w, LA_SEC);
  if (own_limit)
    la__app_set(d.c, LA_OPT_USER_TIMEOUT, 30000);
  la__host_crash(d.b);
  la_info_rec i;
  la__app_info(d.c, &i);
  la_time t = w->now, r2 = own_limit ? 30 * LA_SEC : d.a->cfg.r2, gap = i.rto;
  la__app_send(d.c, 1000);
  la__until_end(d.c, 10000 * LA_SEC);
  unsigned n = la__count(w, d.a, K_DATA, t, LA_NEVER), exact = n > 0, r1 = d.a->cfg.r1;
  for (unsigned k = 1; k < n; k++, gap = 2 * gap < d.a->cfg.rto_max ? 2 * gap : d.a->cfg.rto_max)
    exact += la__seg_since(w, d.a, K_DATA, k + 1, t)->sent - la__seg_since(w, d.a, K_DATA, k, t)->sent == gap;
  la_time last = d.c->at_end - t, final = la__seg_since(w, d.a, K_DATA, n, t)->sent;
  CLAIM(s, n > (i.rto < r2) && exact == n && final + gap >= d.c->at_end,
        "sent %u times: after the RTO of %s, then each time twice as late, at most %s (%u exact)", n, la__secs(i.rto),
        la__secs(d.a->cfg.rto_max), exact);
  la_time trouble = la__app_saw_since(d.c, LA_EVENT_TROUBLE, t);
  /* A long RTO may leave no time for so many retransmissions within the caller's limit. */
  la__claim(s, n > r1, trouble == la__seg_since(w, d.a, K_DATA, 1u + r1, t)->sent && trouble < d.c->at_end,
            "R1: with the %u. retransmission, %s after the first, the application is told of trouble", r1, la__secs(trouble - t));
  if (own_limit)
    CLAIM(s, last == r2 && d.c->end.why == LA_WHY_USER_TIMEOUT, "the caller's own R2 (MUST-21): ended after %s, %s", la__secs(last),
          la_why_name(d.c->end.why));
  else
    CLAIM(s, last >= 100 * LA_SEC && last >= r2 && last <= r2 + d.a->cfg.rto_max && d.c->end.why == LA_WHY_RETRANSMIT,
          "R2 of %s, not below 100 s (SHLD-11): ended after %s, %s", la__secs(r2), la__secs(last), la_why_name(d.c->end.why));
  CLAIM(s, d.c->end.err == LA_ETIMEDOUT && d.c->end.who == LA_BY_CLOCK && d.c->end.state == LA_ESTABLISHED,
        "the application is told %s, in %s", la_err_name(d.c->end.err), la_state_name(d.c->end.state));
  CLAIM(s, la__records(d.a, LA_KIND_CONN) == 0, "nothing of it is left");
}
void la__scen_retransmit_timeout(struct sim *s) {
  vanished(s, false);
  vanished(s, true);
}
