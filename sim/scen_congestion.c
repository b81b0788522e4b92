/* SPDX-License-Identifier: MIT */
/* Congestion control over paths that have a rate, a queue, or a long way to go. */
#include "sim/scens.h"

#include "sim/duo.h"

enum { KB = 1024 };

static struct duo over(struct sim *s, struct world *w, la_time rtt) {
  struct duo d = la__duo_make(s, w);
  w->delay = rtt / 2;
  d.a->cfg.sndbuf = d.b->cfg.rcvbuf = 4096 * KB; /* never the limit */
  return d;
}
static unsigned percent(uint64_t part, uint64_t of) { return of ? (unsigned)(part * 100 / of) : 0; }

/* One loss at a window of some 80 segments; then as many round trips of half a second. */
struct fat {
  uint32_t ssthresh, later;
  size_t carried;
  la_time
    back; /* cwnd was within two segments of twice NewReno's threshold, which is what it was at the loss; LA_NEVER: not within the time */
};
static struct fat fat_path(struct sim *s, enum la_cc cc, uint32_t at_loss, unsigned rounds) {
  struct world *w = la__sim_world(s, "%s", la_cc_name(cc));
  struct duo d = over(s, w, 500 * LA_MS);
  struct fat f = {.back = LA_NEVER};
  la_info_rec i;
  d.a->cfg.cc = (uint8_t)cc;
  la__duo_boot(&d, NULL);
  la__rule(w, d.a, K_DATA, F_LOSE, 75, 1);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1); /* what is measured ends with a segment that is not full */
  la__app_send(d.c, 8192 * KB);
  for (unsigned k = 0; k < 400 && la__app_info(d.c, &i) && (i.ssthresh > 1u << 30 || i.cwnd > i.ssthresh / 8 * 9); k++)
    la__run_for(w, 25 * LA_MS); /* until recovery is over */
  f.ssthresh = i.ssthresh;
  la_time since = w->now;
  size_t had = d.s->rx_len;
  for (unsigned k = 0; k < 20 * rounds && la__app_info(d.c, &i); k++) {
    if (f.back == LA_NEVER && i.cwnd + 2 * i.mss >= (at_loss ? at_loss : 2 * f.ssthresh))
      f.back = w->now - since;
    la__run_for(w, 25 * LA_MS);
  }
  f.carried = d.s->rx_len - had;
  f.later = i.cwnd;
  la__duo_release(&d);
  return f;
}

void la__scen_long_fat_path(struct sim *s) {
  struct fat reno = fat_path(s, LA_CC_NEWRENO, 0, 20), cubic = fat_path(s, LA_CC_CUBIC, 2 * reno.ssthresh, 20);
  s->prefix[0] = 0;
  CLAIM_CALM(s, percent(cubic.ssthresh, reno.ssthresh) == 140 || percent(cubic.ssthresh, reno.ssthresh) == 139,
             "one loss: NewReno halves the window (RFC 5681, equation 4), CUBIC leaves 0.7 of it (RFC 9438 4.6): %u and %u bytes",
             reno.ssthresh, cubic.ssthresh);
  CLAIM_CALM(s, cubic.back != LA_NEVER && cubic.back >= 3 * LA_SEC && cubic.back <= 5 * LA_SEC,
             "CUBIC is back after K = cbrt(0.3 * W / 0.4), some 4 s, however long the round trip: after %s", la__secs(cubic.back));
  CLAIM_CALM(s, reno.back == LA_NEVER, "NewReno adds a segment a round trip: it is not back after 20 (%u of %u bytes)", reno.later,
             2 * reno.ssthresh);
  CLAIM_CALM(s, percent(cubic.carried, reno.carried) >= 130, "in these 10 s CUBIC carries %zu KiB, NewReno %zu", cubic.carried / KB,
             reno.carried / KB);
}

/* A queue that marks, or drops what it cannot mark. */
struct marked {
  unsigned marked, lost, cwr, ece, ect_acks;
  uint32_t again, delivered_ce;
  bool agreed;
  la_time took;
};
static struct marked marking(struct sim *s, bool ecn) {
  struct world *w = la__sim_world(s, ecn ? "with ECN" : "without ECN");
  struct duo d = over(s, w, 20 * LA_MS);
  struct marked m = {0};
  la_info_rec i;
  d.a->cfg.ecn = ecn;
  d.b->in = (struct wire){.rate = 5000000 / 8, .queue = 200 * KB, .mark_at = 16 * KB};
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1); /* what is measured ends with a segment that is not full */
  la_time since = w->now;
  la__app_send(d.c, 500 * KB);
  la__until_received(d.s, 500 * KB, 100 * LA_SEC);
  la__app_info(d.c, &i);
  m.took = w->now - since;
  m.marked = d.b->in.marked;
  m.lost = d.b->in.overflowed;
  m.again = i.retransmits;
  m.agreed = i.ecn;
  m.delivered_ce = i.delivered_ce;
  for (size_t k = 0; k < w->nlog; k++) {
    const struct pkt *p = w->log[k];
    bool syn = p->seg.flags & LA_SYN;
    m.cwr += p->from == d.a && !syn && p->seg.flags & LA_CWR;
    m.ece += p->from == d.b && !syn && p->seg.flags & LA_ECE;
    m.ect_acks += p->seg.len == 0 && la__ecn_of(p);
  }
  la__duo_release(&d);
  return m;
}

void la__scen_ecn(struct sim *s) {
  struct marked with = marking(s, true), without = marking(s, false);
  s->prefix[0] = 0;
  CLAIM_CALM(s, with.agreed && !without.agreed, "ECE and CWR on the SYN, ECE on the SYN-ACK: agreed, and only when asked for");
  CLAIM_CALM(s, with.marked > 0 && with.lost == 0 && with.again == 0, "%u segments are marked, %u lost, %u sent again", with.marked,
             with.lost, with.again);
  CLAIM_CALM(s, with.ece >= with.cwr && with.cwr > 0 && with.delivered_ce > 0,
             "the marks are echoed (%u ACKs with ECE), and each reduction is told once (%u segments with CWR)", with.ece, with.cwr);
  CLAIM_CALM(s, with.ect_acks == 0, "no segment without text is ECT (RFC 3168 6.1.4)");
  CLAIM_CALM(s, without.lost > 0 && without.again >= without.lost, "without ECN the same queue loses %u, and %u are sent again",
             without.lost, without.again);
  CLAIM_CALM(s, with.took <= without.took, "500 KiB take %s with ECN and %s without", la__secs(with.took), la__secs(without.took));
}

/* Slow start into a queue of three bandwidth-delay products. */
struct overshoot {
  unsigned lost;
  uint32_t again, deepest;
  la_time took;
};
static struct overshoot overshoot(struct sim *s, bool hystart) {
  struct world *w = la__sim_world(s, hystart ? "with HyStart++" : "without HyStart++");
  struct duo d = over(s, w, 100 * LA_MS);
  la_info_rec i;
  d.a->cfg.hystart = hystart;
  d.b->in = (struct wire){.rate = 10000000 / 8, .queue = 384 * KB};
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1); /* what is measured ends with a segment that is not full */
  la_time since = w->now;
  la__app_send(d.c, 1024 * KB);
  la__until_received(d.s, 1024 * KB, 100 * LA_SEC);
  la__app_info(d.c, &i);
  struct overshoot o = {d.b->in.overflowed, i.retransmits, d.b->in.deepest, w->now - since};
  la__duo_release(&d);
  return o;
}

void la__scen_hystart(struct sim *s) {
  struct overshoot with = overshoot(s, true), without = overshoot(s, false);
  s->prefix[0] = 0;
  CLAIM_CALM(s, without.lost > 0 && without.again > 0, "slow start alone ends when the queue is full: %u lost, %u sent again", without.lost,
             without.again);
  CLAIM_CALM(s, with.lost == 0 && with.again == 0, "where the growing round-trip time slows it down (RFC 9406) %u are lost", with.lost);
  CLAIM_CALM(s, with.deepest < without.deepest, "the queue is at most %u KiB deep instead of %u", with.deepest / KB, without.deepest / KB);
  CLAIM_CALM(s, with.took < without.took, "1 MiB takes %s with HyStart++ and %s without", la__secs(with.took), la__secs(without.took));
}
