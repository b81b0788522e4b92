/* SPDX-License-Identifier: MIT */
/* When and how much goes out: first windows, after idle times, evenly, joined, acknowledged; and what packets bear beside. */
#include "sim/scens.h"

enum { KB = 1024 };

static struct duo over(struct sim *s, const char *what, la_time rtt) {
  struct world *w = la__sim_world(s, "%s", what);
  struct duo d = la__duo_make(s, w);
  w->delay = rtt / 2;
  return d;
}

/* A reply of ten segments, after a handshake that lost its SYN or did not. */
static la_time reply(struct sim *s, bool lost) {
  struct duo d = over(s, lost ? "one segment" : "ten segments", 100 * LA_MS);
  if (lost)
    la__rule(d.w, d.a, K_SYN, F_LOSE, 1, 1);
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1);
  la_info_rec i = {.mss = 1};
  la__app_info(d.c, &i);
  CLAIM_CALM(s, i.cwnd == (lost ? 1u : 10u) * i.mss, "the first window: %u bytes", i.cwnd);
  la_time t = d.w->now;
  la__app_send(d.c, 10 * i.mss);
  la__until_received(d.s, 10 * i.mss, 100 * LA_SEC);
  t = d.w->now - t;
  la__duo_release(&d);
  return t;
}
void la__scen_initial_window(struct sim *s) {
  la_time ten = reply(s, false), one = reply(s, true);
  s->prefix[0] = 0;
  CLAIM_CALM(s, ten == 50 * LA_MS, "ten segments (RFC 6928) bring a reply of as many in half a round trip: %s", la__secs(ten));
  CLAIM_CALM(s, one >= 350 * LA_MS && one < 600 * LA_MS, "one segment, after a SYN that was lost (RFC 6298 5.7): 1, 2, 4, … take %s",
             la__secs(one));
}

/* A window of some 250 segments is open; then nothing, or little, for some time; then a burst into a queue of 30. */
struct burst {
  uint32_t before, cwnd, again;
  unsigned lost;
};
static struct burst pause_then_burst(struct sim *s, const char *what, bool restart, bool trickle) {
  struct duo d = over(s, what, 40 * LA_MS);
  struct burst r = {0};
  la_info_rec i;
  d.a->cfg.slow_start_after_idle = restart;
  d.a->cfg.sndbuf = d.b->cfg.rcvbuf = 2048 * KB;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1);
  la__app_send(d.c, 700 * KB);
  la__until_received(d.s, 700 * KB, 100 * LA_SEC);
  la__settle(d.w, LA_MS);
  la__app_info(d.c, &i);
  r.before = i.cwnd;
  size_t n = 700 * KB;
  for (unsigned k = 0; k < 200; k++) { /* 10 s, of which the second half at least has but little to send */
    if (trickle)
      la__app_send(d.c, (n += 100, 100));
    la__run_for(d.w, 50 * LA_MS);
  }
  la__app_info(d.c, &i);
  uint32_t had = i.retransmits;
  d.b->in = (struct wire){.rate = 10000000 / 8, .queue = 45 * KB};
  la__app_send(d.c, 300 * KB);
  la__run_for(d.w, LA_US);
  la__app_info(d.c, &i);
  r.cwnd = i.cwnd;
  la__until_received(d.s, n + 300 * KB, 100 * LA_SEC);
  la__app_info(d.c, &i);
  r.again = i.retransmits - had;
  r.lost = d.b->in.overflowed;
  la__duo_release(&d);
  return r;
}
void la__scen_idle_restart(struct sim *s) {
  struct burst with = pause_then_burst(s, "restart", true, false), without = pause_then_burst(s, "no restart", false, false);
  s->prefix[0] = 0;
  CLAIM_CALM(s, with.before > 300 * KB && with.cwnd <= 14600 + 1448, "after 10 s of silence cwnd is an initial one again: %u of %u bytes",
             with.cwnd, with.before);
  CLAIM_CALM(s, without.cwnd == without.before, "without RFC 5681 4.1 it is what it was: %u bytes go at once", without.cwnd);
  CLAIM_CALM(s, with.lost < without.lost && without.lost > 50, "into a narrower path: %u are lost, instead of %u", with.lost, without.lost);
}
void la__scen_window_validation(struct sim *s) {
  struct burst with = pause_then_burst(s, "validated", true, true), without = pause_then_burst(s, "not validated", false, true);
  s->prefix[0] = 0;
  CLAIM_CALM(s, with.cwnd < with.before / 4, "a window that is not used is believed less and less (RFC 2861): %u of %u bytes", with.cwnd,
             with.before);
  CLAIM_CALM(s, without.cwnd >= without.before, "without, a window of long ago is used at once: %u bytes", without.cwnd);
  CLAIM_CALM(s, with.lost < without.lost && without.lost > 50, "into a narrower path: %u are lost, instead of %u", with.lost, without.lost);
}

/* A peer that acknowledges each segment in so many pieces. */
static uint32_t acked_in(struct sim *s, unsigned pieces, uint32_t *was) {
  struct world *w = la__sim_world(s, pieces > 1 ? "each segment acknowledged in %u pieces" : "each segment acknowledged once", pieces);
  w->delay = 10 * LA_MS;
  struct duo d = la__duo_make(s, w);
  la__host_boot(d.b);
  la__app_listen(d.b, PORT, 16, false, NULL);
  struct script p = {.w = w, .a = d.a, .b = d.b, .lport = CPORT, .iss = 1000000};
  la_info_rec i = {.mss = 1};
  if (!la__script_open(&p) || !w->nconns)
    return 0;
  struct conn *c = w->conn[w->nconns - 1];
  uint32_t una = p.ack;
  la__app_info(c, &i);
  *was = i.cwnd;
  la__app_send(c, 400 * KB);
  la__run_for(w, LA_MS);
  for (unsigned k = 1; k <= 10 * pieces; k++) {
    struct tcp_seg ack = {.sport = CPORT, .dport = PORT, .seq = p.nxt, .ack = una + k * i.mss / pieces, .flags = LA_ACK, .wnd = 65535};
    la__inject(d.a, d.b, &ack);
  }
  la__run_for(w, 2 * w->delay);
  la__app_info(c, &i);
  la__script_release(&p, c);
  return i.cwnd;
}
void la__scen_byte_counting(struct sim *s) {
  uint32_t was = 0, whole = acked_in(s, 1, &was), split = acked_in(s, 20, &was);
  s->prefix[0] = 0;
  CLAIM_CALM(s, was > 0 && whole == 2 * was, "ten segments acknowledged by ten ACKs: cwnd doubles, to %u", whole);
  CLAIM_CALM(s, split == whole, "by two hundred: the same, %u, since bytes are counted (RFC 3465)", split);
  CLAIM_CALM(s, split < 3 * was, "a count of ACKs would have made it %u", was * 21);
}

/* 500 KiB at 8 Mbit/s over a queue of 20 segments: in bursts, or evenly. */
struct even {
  uint32_t deepest, again;
  unsigned lost;
  la_time took;
};
static struct even evenly(struct sim *s, int64_t rate) {
  struct duo d = over(s, rate ? "paced" : "not paced", 100 * LA_MS);
  la_info_rec i;
  d.b->in = (struct wire){.rate = 10000000 / 8, .queue = 30 * KB};
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1);
  la__app_set(d.c, LA_OPT_MAX_PACING_RATE, rate);
  la_time t = d.w->now;
  la__app_send(d.c, 1000 * KB);
  la__until_received(d.s, 1000 * KB, 100 * LA_SEC);
  la__app_info(d.c, &i);
  struct even e = {d.b->in.deepest, i.retransmits, d.b->in.overflowed, d.w->now - t};
  la__duo_release(&d);
  return e;
}
void la__scen_pacing(struct sim *s) {
  struct even with = evenly(s, 9000000 / 8), without = evenly(s, 0);
  s->prefix[0] = 0;
  CLAIM_CALM(s, with.lost == 0 && with.again == 0 && with.deepest <= 10 * KB,
             "paced at 9 of 10 Mbit/s: nothing lost, the queue %u KiB deep", with.deepest / KB);
  CLAIM_CALM(s, without.lost > 0 && without.deepest > 25 * KB, "in bursts: %u lost, the queue %u KiB deep", without.lost,
             without.deepest / KB);
  CLAIM_CALM(s, with.took < without.took, "1000 KiB take %s, and %s", la__secs(with.took), la__secs(without.took));
}

/* Two small writes, one after the other, and Nagle between them. */
static la_time two_writes(struct sim *s, uint8_t quick) {
  struct duo d = over(s, quick ? "quick ACKs at the start" : "each ACK delayed", 20 * LA_MS);
  d.b->cfg.quick_acks = quick;
  d.b->cfg.rcvbuf = 60 * KB; /* so that no window update comes in between */
  d.b->cfg.rcvbuf_max = 0;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la_time t = d.w->now;
  la__app_send(d.c, 100);
  la__run_for(d.w, LA_US);
  la__app_send(d.c, 100);
  la__until_received(d.s, 200, 100 * LA_SEC);
  t = d.w->now - t;
  la__duo_release(&d);
  return t;
}
void la__scen_quick_ack(struct sim *s) {
  la_time with = two_writes(s, 16), without = two_writes(s, 0);
  s->prefix[0] = 0;
  CLAIM_CALM(s, without >= 200 * LA_MS, "Nagle waits for an ACK that waits for company: the second write arrives after %s",
             la__secs(without));
  CLAIM_CALM(s, with < 40 * LA_MS, "when the first ACKs go at once: after %s", la__secs(with));
  CLAIM_CALM(s, with * 5 < without, "which is %u times sooner", with ? (unsigned)(without / with) : 0);
}

/* Writes of one and a half segments, 5 ms apart; and small ones with TCP_CORK. */
struct joined {
  la_time took;
  unsigned segments;
};
static struct joined writes(struct sim *s, const char *what, bool minshall, enum la_opt opt, unsigned n, size_t each) {
  struct duo d = over(s, what, 100 * LA_MS);
  d.a->cfg.minshall = minshall;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, opt, opt == LA_OPT_LINGER ? -1 : 1);
  la_time t = d.w->now, since = t;
  for (unsigned k = 0; k < n; k++) {
    la__app_send(d.c, each);
    la__run_for(d.w, LA_US);
  }
  la__app_set(d.c, LA_OPT_CORK, 0);
  la__until_received(d.s, n * each, 100 * LA_SEC);
  struct joined j = {d.w->now - t, la__count(d.w, d.a, K_DATA, since, LA_NEVER)};
  la__duo_release(&d);
  return j;
}
void la__scen_nagle_and_cork(struct sim *s) {
  struct joined minshall = writes(s, "Minshall's rule", true, LA_OPT_LINGER, 1, 1448 * 3 / 2);
  struct joined nagle = writes(s, "Nagle's", false, LA_OPT_LINGER, 1, 1448 * 3 / 2);
  struct joined cork = writes(s, "corked", true, LA_OPT_CORK, 50, 100), bare = writes(s, "not joined", true, LA_OPT_NODELAY, 50, 100);
  s->prefix[0] = 0;
  CLAIM_CALM(s, minshall.took == 50 * LA_MS, "one and a half segments go at once while no small one is out: %s", la__secs(minshall.took));
  CLAIM_CALM(s, nagle.took >= 150 * LA_MS, "Nagle (RFC 9293 3.7.4) waits for the ACK of the first: %s", la__secs(nagle.took));
  CLAIM_CALM(s, bare.segments == 50, "50 writes of 100 bytes, each at once: %u segments", bare.segments);
  CLAIM_CALM(s, cork.segments == 4 && cork.took < 100 * LA_MS, "corked: %u segments, the last when the cork is drawn", cork.segments);
}

/* What each packet bears, and urgent data on receipt. */
static void bears(struct sim *s, bool set) {
  struct duo d = over(s, set ? "DSCP 46, TTL 3" : "as it is", 20 * LA_MS);
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  if (set) {
    la__app_set(d.c, LA_OPT_TOS, 46 << 2);
    la__app_set(d.c, LA_OPT_TTL, 3);
  }
  la_time since = d.w->now;
  la__app_send(d.c, 10000);
  la__until_received(d.s, 10000, 10 * LA_SEC);
  unsigned n = 0, dscp = 0, ttl = 0;
  for (size_t k = 0; k < d.w->nlog; k++) {
    const struct pkt *p = d.w->log[k];
    if (p->from != d.a || p->sent < since)
      continue;
    n++;
    bool six = p->raw[0] >> 4 == 6;
    dscp += (six ? (p->raw[0] & 15u) << 2 | p->raw[1] >> 6 : p->raw[1] >> 2) == (set ? 46u : 0u);
    ttl += p->raw[six ? 7 : 8] == (set ? 3 : 64);
  }
  la__duo_release(&d);
  CLAIM_CALM(s, n > 0 && dscp == n, "all of %u packets bear DSCP %u", n, set ? 46 : 0);
  CLAIM_CALM(s, ttl == n, "and TTL (or hop limit) %u", set ? 3 : 64);
}
static void urgent(struct sim *s, bool urg) {
  struct world *w = la__sim_world(s, urg ? "URG" : "no URG");
  static const uint8_t text[10];
  w->delay = 10 * LA_MS;
  struct duo d = la__duo_make(s, w);
  struct conduct how = {.no_read = true};
  la__host_boot(d.b);
  la__app_listen(d.b, PORT, 16, false, &how);
  struct script p = {.w = w, .a = d.a, .b = d.b, .lport = CPORT, .iss = 1000000};
  if (!la__script_open(&p) || !w->nconns)
    return;
  struct conn *c = w->conn[w->nconns - 1];
  struct tcp_seg seg = {.sport = CPORT, .dport = PORT, .seq = p.nxt, .ack = p.ack, .flags = LA_ACK, .wnd = 65535, .data = text, .len = 10};
  if (urg) {
    seg.flags |= LA_URG;
    seg.urp = 6;
  }
  la__inject(d.a, d.b, &seg);
  la__run_for(w, 100 * LA_MS);
  la_info_rec i = {.urgent = 0};
  la__app_info(c, &i);
  CLAIM_CALM(s, la__app_saw(c, LA_EVENT_URGENT) == urg && i.urgent == (urg ? 6 : 0), "the application %s told; %u bytes are urgent",
             urg ? "is" : "is not", i.urgent);
  CLAIM_CALM(s, i.unread == 10, "and the bytes stay in the stream (RFC 6093): %u", i.unread);
  p.nxt += 10;
  la__script_release(&p, c);
}
void la__scen_dscp_ttl_urgent(struct sim *s) {
  bears(s, true);
  bears(s, false);
  urgent(s, true);
  urgent(s, false);
}
