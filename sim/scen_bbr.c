/* SPDX-License-Identifier: MIT */
/* BBR (draft-ietf-ccwg-bbr): what a model of the path is good for, and that it keeps going. */
#include "sim/scens.h"

enum { KB = 1024, KBIT = 10000 };

struct run {
  size_t carried;
  uint32_t deepest, again, out;
  unsigned timeouts;
  la_time longest; /* between two arrivals, while there was something to send */
};

/* `seconds` of sending as much as goes over 10 Mbit/s; the first two seconds' queue does not count. */
static struct run carry(struct sim *s, const char *what, enum la_cc cc, la_time rtt, uint32_t loss, uint32_t queue, unsigned seconds,
                        bool pauses) {
  if (!la__usual(s)) /* nothing is claimed then but the laws */
    seconds = 3;
  struct world *w = la__sim_world(s, "%s", what);
  struct run r = {0};
  la_info_rec i = {.backoff = 0};
  w->delay = rtt / 2;
  struct duo d = la__duo_make(s, w);
  d.a->cfg.cc = (uint8_t)cc;
  d.a->cfg.tlp = d.a->cfg.frto = 1;
  d.a->cfg.rto_min = d.a->cfg.rto_var_min = 200 * LA_MS;
  d.a->cfg.sndbuf = d.b->cfg.rcvbuf = 2048 * KB;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  d.b->in.rate = KBIT * 1000 / 8;
  d.b->in.queue = queue;
  d.b->in.loss = loss;
  size_t last = 0;
  la_time since = w->now;
  for (unsigned k = 0; k < seconds * 20; k++) {
    bool quiet = pauses && k / 40 % 2; /* two seconds each */
    if (!quiet && d.c->tx_want - d.s->rx_len < (pauses ? 256u : 4096u) * KB)
      la__app_send(d.c, 128 * KB);
    if (k == 40)
      d.b->in.deepest = 0;
    la__run_for(w, 50 * LA_MS);
    la__app_info(d.c, &i);
    r.timeouts += i.backoff > 0;
    if (d.s->rx_len > last || d.s->rx_len == d.c->tx_want)
      since = w->now;
    r.longest = w->now - since > r.longest ? w->now - since : r.longest;
    last = d.s->rx_len;
  }
  r.carried = last;
  r.deepest = d.b->in.deepest;
  r.again = i.retransmits;
  la__duo_release(&d);
  return r;
}
static unsigned mbit10(struct run r, unsigned seconds) { return (unsigned)(r.carried * 8 / 100000 / seconds); }

void la__scen_bbr(struct sim *s) {
  struct run bbr = carry(s, "BBR", LA_CC_BBR, 50 * LA_MS, 1000, 64 * KB, 20, false);
  struct run cubic = carry(s, "CUBIC", LA_CC_CUBIC, 50 * LA_MS, 1000, 64 * KB, 20, false);
  struct run flat = carry(s, "BBR, a long queue", LA_CC_BBR, 50 * LA_MS, 0, 512 * KB, 15, false);
  struct run full = carry(s, "CUBIC, a long queue", LA_CC_CUBIC, 50 * LA_MS, 0, 512 * KB, 15, false);
  s->prefix[0] = 0;
  CLAIM_USUAL(s, mbit10(bbr, 20) >= 60, "one packet of a hundred is lost at random: of 10 Mbit/s BBR carries %u.%u", mbit10(bbr, 20) / 10,
              mbit10(bbr, 20) % 10);
  CLAIM_USUAL(s, 2 * cubic.carried < bbr.carried, "CUBIC, which takes each loss for congestion, %u.%u", mbit10(cubic, 20) / 10,
              mbit10(cubic, 20) % 10);
  CLAIM_USUAL(s, mbit10(flat, 15) >= 85 && mbit10(full, 15) >= 85, "without losses both fill the path: %u.%u and %u.%u",
              mbit10(flat, 15) / 10, mbit10(flat, 15) % 10, mbit10(full, 15) / 10, mbit10(full, 15) % 10);
  CLAIM_USUAL(s, 2 * flat.deepest < full.deepest, "but a queue that takes 512 KiB holds %u KiB at most with BBR, and %u with CUBIC",
              flat.deepest / KB, full.deepest / KB);
}

void la__scen_bbr_sound(struct sim *s) {
  static const uint32_t losses[] = {0, 1000, 2000, 5000};
  for (unsigned k = 0; k < sizeof losses / sizeof losses[0]; k++) {
    struct run r = carry(s, "BBR", LA_CC_BBR, 20 * LA_MS, losses[k], 64 * KB, 30, false);
    s->prefix[0] = 0;
    CLAIM_USUAL(s, r.longest < 2 * LA_SEC && mbit10(r, 30) >= 10, "%u %% lost: %u.%u Mbit/s for 30 s, never more than %s without progress",
                losses[k] / 1000, mbit10(r, 30) / 10, mbit10(r, 30) % 10, la__secs(r.longest));
  }
  struct run r = carry(s, "with pauses", LA_CC_BBR, 20 * LA_MS, 1000, 64 * KB, 30, true);
  s->prefix[0] = 0;
  CLAIM_USUAL(s, r.longest < 2 * LA_SEC && mbit10(r, 30) >= 30, "two seconds of sending, two of nothing, in turn: %u.%u Mbit/s in all",
              mbit10(r, 30) / 10, mbit10(r, 30) % 10);
}
