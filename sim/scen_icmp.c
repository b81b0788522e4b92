/* SPDX-License-Identifier: MIT */
/* ICMP errors: RFC 9293 3.9.2.2 (MUST-54 to 56, SHLD-25, 26), RFC 5461 (soft errors), RFC 5927 (forged ones). */
#include "sim/scens.h"

struct word {
  enum icmp_kind kind;
  int err;
  const char *name;
};
static const struct word words[] = {
  {ICMP_NET_UNREACH, LA_ENETUNREACH, "net"},    {ICMP_HOST_UNREACH, LA_EHOSTUNREACH, "host"},
  {ICMP_ADMIN, LA_EHOSTUNREACH, "prohibited"},  {ICMP_PROTO_UNREACH, LA_ECONNREFUSED, "protocol"},
  {ICMP_PORT_UNREACH, LA_ECONNREFUSED, "port"},
};
enum { WORDS = sizeof words / sizeof *words };

/* From now on nothing of `kind` gets through from the client, until the rule's count is set to 0. */
static struct rule *block(struct duo *d, enum kind kind) { return la__rule(d->w, d->a, kind, F_LOSE, 1, 100000); }

/* Each kind of error in turn about a segment in flight, from one address; how many were told, at once and as what they are. */
static unsigned say_all(struct duo *d, const la_addr *from, const struct pkt *about, unsigned n) {
  unsigned right = 0;
  for (unsigned i = 0; i < n; i++) {
    la__inject_icmp(d->w, from, about, words[i].kind, about->seg.seq);
    la_time at = d->w->now + d->w->delay;
    la__run_until(d->w, at + LA_MS);
    right += la__app_told(d->c, at, words[i].err);
  }
  return right;
}
/* Errors that quote what is not in flight, as a blind attacker must: about no number of the connection's, or one just outside. */
static unsigned forge(struct duo *d, const la_addr *from, const struct pkt *about, const la_info_rec *i, enum icmp_kind kind) {
  const uint32_t seqs[] = {i->snd_una - 1, i->snd_nxt, i->snd_nxt + 1, i->snd_una - 100000, i->snd_nxt + 0x7fff0000u, 0x12345678};
  for (unsigned k = 0; k < sizeof seqs / sizeof *seqs; k++)
    la__inject_icmp(d->w, from, about, kind, seqs[k]);
  la__run_for(d->w, d->w->delay + LA_MS);
  return sizeof seqs / sizeof *seqs;
}

static void router_syn_sent(struct sim *s) {
  static const unsigned at[] = {0, 1, 3, 7};
  struct world *w = la__sim_world(s, "SYN-SENT");
  struct duo d = la__duo(s, w, NULL);
  la_addr router = la__sim_addr(w, 254);
  struct rule *r = block(&d, K_SYN);
  la_time t = w->now;
  d.c = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL);
  la__run_for(w, 0);
  unsigned right = say_all(&d, &router, la__seg(w, d.a, K_SYN, 1), WORDS), exact = 0;
  la__run_until(w, t + 8 * LA_SEC);
  for (unsigned i = 0; i < 4; i++)
    exact += la__seg(w, d.a, K_SYN, i + 1)->sent == t + at[i] * LA_SEC;
  enum la_state st = la__state_at(d.c, w->now);
  unsigned n = la__count(w, d.a, K_SYN, t, t + 8 * LA_SEC), ends = d.c->nends;
  r->count = 0;
  la__until_open(d.c, 200 * LA_SEC);
  CLAIM_CALM(s, right == WORDS, "%u kinds of unreachable from a router: the application is told of each at once, as trouble", right);
  CLAIM(s, st == LA_SYN_SENT && ends == 0, "none of them ends the attempt: %s (MUST-56)", la_state_name(st));
  CLAIM(s, exact == 4 && n == 4, "nor hastens or delays it: SYN goes out at 0, 1, 3, 7 s");
  CLAIM(s, d.c->at_open != LA_NEVER, "and when the path is mended, it opens");
}

static void router_data(struct sim *s) {
  struct world *w = la__sim_world(s, "data in flight");
  struct duo d = la__duo_make(s, w);
  d.a->cfg.r2 = 3600 * LA_SEC; /* R2 is another story, and a slow path's */
  la__duo_boot(&d, NULL);
  la_addr router = la__sim_addr(w, 254);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  struct rule *r = block(&d, K_DATA);
  la_time t = w->now;
  la__app_send(d.c, 1000);
  la__run_for(w, 0);
  const struct pkt *data = la__seg_since(w, d.a, K_DATA, 1, t);
  unsigned before = say_all(&d, &router, data, WORDS);
  la_info_rec i;
  for (unsigned tries = 0; tries < 100 && la__app_info(d.c, &i) && i.backoff == 0; tries++)
    la__run_for(w, LA_SEC); /* once it was sent again, a host's own word would be believed */
  unsigned after = say_all(&d, &router, data, WORDS);
  bool have = la__app_info(d.c, &i);
  la_stats x, y;
  la__stats(d.a, &x);
  la_time since = w->now;
  unsigned n = forge(&d, &router, data, &i, ICMP_HOST_UNREACH);
  la__stats(d.a, &y);
  bool told = false;
  for (unsigned k = 0; k < 5; k++)
    told |= la__app_told(d.c, since + w->delay, words[k].err);
  enum la_state st = la__state_at(d.c, w->now);
  r->count = 0;
  la__until_received(d.s, 1000, 1000 * LA_SEC);
  la__app_close(d.c);
  la__until_eof(d.s, 200 * LA_SEC);
  la__app_close(d.s);
  la__run_out(w);
  CLAIM_CALM(s, before == WORDS && after == WORDS, "each kind is told as trouble, before the data was sent again (%u) and after (%u)",
             before, after);
  CLAIM(s, have && st == LA_ESTABLISHED, "the connection stays in %s: soft errors (MUST-56, RFC 5461)", la_state_name(st));
  CLAIM_CALM(s, !told && y.drops[LA_DROP_ICMP] == x.drops[LA_DROP_ICMP] + n,
             "%u that quote a sequence number not in flight are dropped and counted, nobody is told (RFC 5927 4.1)", n);
  CLAIM(s, d.s->rx_len == 1000 && !d.s->rx_bad, "when the path is mended the data arrives: %zu of 1000 bytes", d.s->rx_len);
  CLAIM_CLEAN(s, d.c->end.err == LA_OK && d.s->end.err == LA_OK, "and the release is orderly: %s", la_how_name(d.c->end.how));
}
void la__scen_icmp_from_router(struct sim *s) {
  router_syn_sent(s);
  router_data(s);
}

static void host_syn_sent(struct sim *s, const struct word *x, bool drawn) {
  struct world *w = la__sim_world(s, "SYN-SENT, %s unreachable", x->name);
  w->drawn = drawn;
  struct duo d = la__duo(s, w, NULL);
  block(&d, K_SYN);
  d.c = la__app_connect(d.a, &d.b->addr, PORT, 0, NULL);
  la__run_for(w, 0);
  const struct pkt *syn = la__seg(w, d.a, K_SYN, 1);
  la_info_rec i;
  la__app_info(d.c, &i);
  la_stats before, after;
  la__stats(d.a, &before);
  unsigned n = forge(&d, &d.b->addr, syn, &i, x->kind);
  la__stats(d.a, &after);
  enum la_state st = la__state_at(d.c, w->now);
  bool deaf = d.c->nends == 0 && la__app_saw(d.c, LA_EVENT_TROUBLE) == 0;
  const struct pkt *icmp = la__inject_icmp(w, &d.b->addr, syn, x->kind, syn->seg.seq);
  la__run_for(w, w->delay + LA_MS);
  la__claim(s, la__calm(s) && s->opt.delay < LA_SEC,
            deaf && st == LA_SYN_SENT && after.drops[LA_DROP_ICMP] == before.drops[LA_DROP_ICMP] + n,
            "%u forged ones, with other sequence numbers, do nothing: %s", n, la_state_name(st));
  CLAIM_CALM(s, d.c->at_end == icmp->arrived && d.c->end.err == LA_ECONNREFUSED && d.c->end.state == LA_SYN_SENT,
             "the one that quotes our SYN ends the attempt at once: %s", la_err_name(d.c->end.err));
  CLAIM_CALM(s, d.c->end.who == LA_BY_NETWORK && d.c->end.why == LA_WHY_ICMP && la__cause(d.c, LA_CLOSED) == LA_ON_ICMP,
             "END says by whom and why: %s, %s", la_who_name(d.c->end.who), la_why_name(d.c->end.why));
  la__stats(d.a, &after);
  CLAIM_CALM(s, after.conns == 0 && la__count(w, d.a, K_SYN, icmp->arrived, LA_NEVER) == 0,
             "no SYN is sent any more, nothing is left of it");
}

/* Data that does not get through. The destination itself says that nobody is there any more. */
static void host_data(struct sim *s, bool soft) {
  struct world *w = la__sim_world(s, "data in flight%s", soft ? ", icmp_soft" : "");
  w->drawn = !soft;
  struct duo d = la__duo_make(s, w);
  d.a->cfg.icmp_soft = soft;
  d.a->cfg.r2 = 3600 * LA_SEC;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  struct rule *r = block(&d, K_DATA);
  la_time t = w->now;
  la__app_send(d.c, 1000);
  la__run_for(w, 0);
  const struct pkt *data = la__seg_since(w, d.a, K_DATA, 1, t), *icmp;
  la_info_rec i;
  bool first = la__app_info(d.c, &i) && i.rto > w->delay, told = false; /* it arrives before the data is sent again */
  if (first) {
    icmp = la__inject_icmp(w, &d.b->addr, data, ICMP_PORT_UNREACH, data->seg.seq);
    la__run_for(w, w->delay);
    told = la__app_told(d.c, icmp->arrived, LA_ECONNREFUSED);
  }
  enum la_state st = la__state_at(d.c, w->now);
  for (unsigned tries = 0; tries < 100 && la__app_info(d.c, &i) && i.backoff == 0; tries++)
    la__run_for(w, LA_SEC);
  forge(&d, &d.b->addr, data, &i, ICMP_PORT_UNREACH);
  enum la_state still = la__state_at(d.c, w->now);
  unsigned again = la__count(w, d.a, K_DATA, t, LA_NEVER);
  icmp = la__inject_icmp(w, &d.b->addr, data, ICMP_PORT_UNREACH, data->seg.seq);
  la__run_for(w, w->delay + LA_MS);
  la__claim(s, la__calm(s) && first, told && st == LA_ESTABLISHED, "the first time it is trouble only (%s): the data may still get through",
            la_state_name(st));
  CLAIM(s, again >= 2 && still == LA_ESTABLISHED, "after a retransmission forged ones, with other sequence numbers, still do nothing: %s",
        la_state_name(still));
  if (!soft) {
    CLAIM_CALM(s, d.c->at_end == icmp->arrived && d.c->end.err == LA_ECONNREFUSED && d.c->end.why == LA_WHY_ICMP,
               "one that quotes what was sent again without progress ends it, at once: %s, %s", la_err_name(d.c->end.err),
               la_why_name(d.c->end.why));
    CLAIM_CALM(s, d.c->end.state == LA_ESTABLISHED && la__records(d.a, LA_KIND_CONN) == 0, "nothing of it is left");
    return;
  }
  CLAIM_CALM(s, d.c->nends == 0 && la__app_told(d.c, icmp->arrived, LA_ECONNREFUSED),
             "with icmp_soft it never ends it, it is told as trouble");
  r->count = 0;
  la__until_received(d.s, 1000, 1000 * LA_SEC);
  CLAIM(s, d.s->rx_len == 1000, "and when it was not true, the data arrives: %zu of 1000 bytes", d.s->rx_len);
}

/* There was progress since: what it quotes is no longer in flight. */
static void host_too_late(struct sim *s) {
  struct world *w = la__sim_world(s, "about data that has arrived");
  w->drawn = false;
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__settle(w, LA_SEC);
  la_time t = w->now;
  la__rule(w, d.a, K_DATA, F_LOSE, 1, 1);
  la__app_send(d.c, 1000);
  la__until_all_acked(d.c, 1000 * LA_SEC);
  const struct pkt *data = la__seg_since(w, d.a, K_DATA, 1, t);
  unsigned told = la__app_saw(d.c, LA_EVENT_TROUBLE);
  la__inject_icmp(w, &d.b->addr, data, ICMP_PORT_UNREACH, data->seg.seq);
  la__run_for(w, w->delay + LA_MS);
  CLAIM(s, la__state_at(d.c, w->now) == LA_ESTABLISHED && la__app_saw(d.c, LA_EVENT_TROUBLE) == told,
        "lost once, sent again and acknowledged: an error about it comes too late to mean anything");
}
void la__scen_icmp_from_host(struct sim *s) {
  host_syn_sent(s, &words[4], true);
  host_syn_sent(s, &words[3], false);
  host_data(s, false);
  host_data(s, true);
  host_too_late(s);
}
