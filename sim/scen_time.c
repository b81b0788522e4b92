/* SPDX-License-Identifier: MIT */
/* What stamps and reports are good for: old segments (RFC 7323 5), time-outs that were none (5682, 3522, 3708), few duplicates (3042). */
#include "sim/scens.h"

enum { OLD = 100 };

/* A segment of 2^32 bytes ago: its number is in the window again, its bytes are others'. */
struct wrapped {
  size_t got, after_idle;
  bool answered;
};
static struct wrapped wrapped(struct sim *s, bool ts) {
  struct world *w = la__sim_world(s, ts ? "with timestamps" : "without");
  static const uint8_t text[OLD];
  struct wrapped r = {0, 0, false};
  w->drawn = ts;
  w->delay = 10 * LA_MS;
  struct duo d = la__duo_make(s, w);
  la__host_boot(d.b);
  la__app_listen(d.b, PORT, 16, false, NULL);
  struct script p = {.w = w, .a = d.a, .b = d.b, .lport = CPORT, .iss = 4000000000u, .ts = ts, .ts_val = 500000};
  la__script_open(&p);
  if (!w->nconns)
    return r;
  struct conn *c = w->conn[w->nconns - 1];
  la__script_send(&p, LA_ACK, text, OLD);
  p.ts_val -= 400000;
  la__script_sync(&p);
  size_t had = c->rx_len;
  la_time t = w->now;
  la__script_send(&p, LA_ACK, text, OLD); /* at RCV.NXT */
  r.got = c->rx_len - had;
  r.answered = la__count(w, d.b, K_ACK, t, LA_NEVER) == 1;
  la__run_for(w, 25 * SIM_DAY);
  if (ts) {
    p.nxt -= OLD;
    had = c->rx_len;
    la__script_send(&p, LA_ACK, text, OLD);
    r.after_idle = c->rx_len - had;
  }
  la__script_release(&p, c);
  return r;
}

void la__scen_paws(struct sim *s) {
  struct wrapped with = wrapped(s, true), without = wrapped(s, false);
  s->prefix[0] = 0;
  CLAIM_CALM(s, without.got == OLD, "without timestamps a segment of an earlier turn of the numbers is taken: %zu bytes", without.got);
  CLAIM_CALM(s, with.got == 0 && with.answered, "with them it is dropped, and answered with an ACK (RFC 7323 5.3 R1)");
  CLAIM_CALM(s, with.after_idle == OLD, "after 25 days of silence the stamp is no longer compared (5.5): %zu bytes are taken",
             with.after_idle);
}

/* The path stalls for longer than the time-out, and loses nothing. */
struct stall {
  uint32_t before, after, ssthresh, again;
  unsigned timeouts;
  la_time took;
};
static struct stall stalled(struct sim *s, const char *what, bool frto, bool stamps, bool dsack) {
  struct world *w = la__sim_world(s, "%s", what);
  struct stall r = {0};
  la_info_rec i;
  w->delay = 50 * LA_MS;
  struct duo d = la__duo_make(s, w);
  d.a->cfg.frto = frto;
  d.a->cfg.timestamps = stamps;
  d.b->cfg.dsack = dsack;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1);
  la__app_send(d.c, 200000);
  la__until_received(d.s, 200000, 100 * LA_SEC);
  la__settle(w, LA_MS);
  la__app_info(d.c, &i);
  r.before = i.cwnd;
  const size_t all = 200000 + 12 * (size_t)i.mss;
  uint32_t had = i.retransmits;
  la_time t = w->now;
  la__rule(w, d.a, K_DATA, F_LATE, 1, 12)->extra = 980 * LA_MS;
  la__app_send(d.c, 12 * (size_t)i.mss);
  la__run_for(w, 1010 * LA_MS);
  la__app_send(d.c, 400000);
  for (unsigned k = 0; k < 200 && d.s->rx_len < all; k++) {
    la__run_for(w, 25 * LA_MS);
    la__app_info(d.c, &i);
    r.timeouts = i.backoff > r.timeouts ? i.backoff : r.timeouts;
  }
  la__run_for(w, 300 * LA_MS);
  la__app_info(d.c, &i);
  r.after = i.cwnd;
  r.ssthresh = i.ssthresh;
  la__until_received(d.s, all + 400000, 100 * LA_SEC);
  r.took = w->now - t;
  la__app_info(d.c, &i);
  r.again = i.retransmits - had;
  la__duo_release(&d);
  return r;
}

void la__scen_spurious_timeout(struct sim *s) {
  struct stall frto = stalled(s, "F-RTO", true, false, false), eifel = stalled(s, "timestamps", false, true, false);
  struct stall dsack = stalled(s, "DSACK", false, false, true), none = stalled(s, "none of them", false, false, false);
  s->prefix[0] = 0;
  CLAIM_CALM(s, none.timeouts > 0 && frto.timeouts > 0 && eifel.timeouts > 0 && dsack.timeouts > 0,
             "the path stalls for a second: the time-out strikes, though nothing is lost");
  CLAIM_CALM(s, none.ssthresh < none.before && none.after < none.before, "taken for congestion: cwnd %u instead of %u, ssthresh %u",
             none.after, none.before, none.ssthresh);
  CLAIM_CALM(s, frto.after >= frto.before && frto.ssthresh > 1u << 29,
             "F-RTO (RFC 5682): what was never sent again arrives, so all is taken back: cwnd %u", frto.after);
  CLAIM_CALM(s, eifel.after >= eifel.before && eifel.ssthresh > 1u << 29, "timestamps (RFC 3522): the echo is of the first copy: cwnd %u",
             eifel.after);
  CLAIM_CALM(s, dsack.after >= dsack.before && dsack.ssthresh > 1u << 29,
             "DSACK (RFC 3708): each copy is reported to be the second: cwnd %u", dsack.after);
  CLAIM_CALM(s, frto.again < none.again, "with F-RTO %u segments go again, without any of these %u", frto.again, none.again);
}

/* A window of two segments; the first is lost. Without limited transmit there is nothing that could bring three duplicates. */
static la_time two_segments(struct sim *s, bool more) {
  struct world *w = la__sim_world(s, more ? "more to send" : "nothing more to send");
  w->drawn = more;
  w->delay = 50 * LA_MS;
  struct duo d = la__duo_make(s, w);
  d.a->cfg.sack = d.a->cfg.timestamps = 0;
  la__rule(w, d.a, K_SYN, F_LOSE, 1, 1); /* so that the window begins with one segment (RFC 6298 5.7) */
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1);
  la_info_rec i;
  la__app_info(d.c, &i);
  uint32_t mss = i.mss ? i.mss : 1;
  la__app_send(d.c, mss);
  la__until_all_acked(d.c, 10 * LA_SEC);
  la__app_info(d.c, &i);
  CLAIM_CALM(s, i.cwnd == 2 * mss, "after one segment cwnd is two");
  la_time t = w->now;
  la__rule(w, d.a, K_DATA, F_LOSE, 1, 1);
  la__app_send(d.c, (more ? 8 : 2) * mss);
  la__until_received(d.s, 3 * (size_t)mss, 100 * LA_SEC);
  la_time took = w->now - t;
  la__until_received(d.s, (more ? 9 : 3) * (size_t)mss, 100 * LA_SEC);
  la__app_close(d.c);
  la__until_eof(d.s, 100 * LA_SEC);
  la__app_close(d.s);
  la__run_out(w);
  return took;
}

void la__scen_limited_transmit(struct sim *s) {
  la_time with = two_segments(s, true), without = two_segments(s, false);
  s->prefix[0] = 0;
  CLAIM_CALM(s, without >= LA_SEC, "one duplicate ACK, and nothing to send: only the time-out repairs it, after %s", la__secs(without));
  CLAIM_CALM(s, with < LA_SEC && with <= 600 * LA_MS,
             "each duplicate lets a new segment go (RFC 3042), whose ACK is the next duplicate: repaired after %s", la__secs(with));
  CLAIM_CALM(s, 2 * with < without, "which is %u times sooner", with ? (unsigned)(without / with) : 0);
}
