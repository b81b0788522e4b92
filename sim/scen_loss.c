/* SPDX-License-Identifier: MIT */
/* Losses within a stream: by reports without a time-out (RFC 2018, 6675, 8985), at its end by a probe (RFC 8985 7). */
#include "sim/scens.h"

#define BYTES 30000u

/* What the client sent again: how many segments, and of these such as had arrived before. */
struct repeats {
  unsigned all, needless;
};
static struct repeats repeats(const struct world *w, const struct host *from) {
  struct repeats r = {0, 0};
  for (size_t i = 0; i < w->nlog; i++) {
    const struct pkt *p = w->log[i];
    if (p->from != from || (p->retransmit != 1 && p->retransmit != 4) || !p->seg.len)
      continue;
    r.all++;
    for (size_t k = 0; k < i; k++) {
      const struct pkt *q = w->log[k];
      if (q->from == from && q->seg.len && !q->lost && q->arrived <= p->sent && q->seg.seq == p->seg.seq) {
        r.needless++;
        break;
      }
    }
  }
  return r;
}

struct outcome {
  la_time took;
  struct repeats again;
};

/* The client sends; of its first flight the third, fifth and eighth segment are lost. */
static struct outcome three_lost(struct sim *s, bool sack) {
  struct world *w = la__sim_world(s, "%s", sack ? "with SACK" : "without");
  w->drawn = sack;
  struct duo d = la__duo_make(s, w);
  d.a->cfg.sack = sack;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1); /* the last bytes wait for nobody's delayed ACK */
  la_time t = w->now;
  la__rule(w, d.a, K_DATA, F_LOSE, 3, 1);
  la__rule(w, d.a, K_DATA, F_LOSE, 5, 1);
  la__rule(w, d.a, K_DATA, F_LOSE, 8, 1);
  la__app_send(d.c, BYTES);
  la__until_received(d.s, BYTES, 1000 * LA_SEC);
  struct outcome o = {w->now - t, repeats(w, d.a)};
  la_info_rec i;
  bool known = la__app_info(d.c, &i);
  CLAIM(s, d.s->rx_len == BYTES && !d.s->rx_bad, "all of %u bytes arrive, as they were written", BYTES);
  la__claim(s, la__usual(s), known && i.sack == sack && i.backoff == 0 && o.took < LA_SEC,
            "in %s: no retransmission time-out, which takes a second at least", la__secs(o.took));
  if (sack)
    CLAIM_USUAL(s, o.again.all == 3 && o.again.needless == 0,
                "each of the three goes again once, and nothing else does: %u, of these needless %u", o.again.all, o.again.needless);
  la__app_close(d.c);
  la__until_eof(d.s, 1000 * LA_SEC);
  la__app_close(d.s);
  la__run_out(w);
  return o;
}

void la__scen_losses(struct sim *s) {
  struct outcome with = three_lost(s, true), without = three_lost(s, false);
  CLAIM_USUAL(s, with.took < without.took,
              "three losses in one window take %s with SACK, and %s without, where each costs a round trip (RFC 6582)", la__secs(with.took),
              la__secs(without.took));
}

/* Five segments; the last two are lost. */
static la_time last_lost(struct sim *s, bool probe) {
  struct world *w = la__sim_world(s, "%s", probe ? "with a tail loss probe" : "without");
  w->drawn = probe;
  struct duo d = la__duo_make(s, w);
  d.a->cfg.tlp = probe;
  la__duo_boot(&d, NULL);
  la__duo_open(&d, 0);
  la__app_set(d.c, LA_OPT_NODELAY, 1);
  la__app_send(d.c, 1000);
  la__settle(w, LA_SEC);
  la_time t = w->now;
  la__rule(w, d.a, K_DATA, F_LOSE, 4, 2);
  la__app_send(d.c, 5 * 1400);
  la__until_received(d.s, 1000 + 5 * 1400, 1000 * LA_SEC);
  la_time took = w->now - t;
  la_info_rec i = {.backoff = 99};
  la__app_info(d.c, &i);
  CLAIM(s, d.s->rx_len == 8000 && !d.s->rx_bad, "the last two segments are lost, and all bytes arrive nevertheless");
  struct repeats r = repeats(w, d.a);
  CLAIM_USUAL(s, r.all == 2 && r.needless == 0, "the two go again once, and nothing else does");
  if (probe)
    CLAIM_USUAL(s, took < 6 * 2 * SIM_DELAY && i.backoff == 0 && i.ca_state != LA_CA_LOSS,
                "after %s: the last goes again two round trips after the last news, its ACK reports the hole, and no time-out is needed",
                la__secs(took));
  else
    CLAIM_USUAL(s, took >= LA_SEC, "after %s: nobody reports the loss of the last segments, so the time-out does", la__secs(took));
  la__app_close(d.c);
  la__until_eof(d.s, 1000 * LA_SEC);
  la__app_close(d.s);
  la__run_out(w);
  return took;
}

void la__scen_tail_probe(struct sim *s) {
  la_time with = last_lost(s, true), without = last_lost(s, false);
  CLAIM_USUAL(s, with * 5 < without, "which is %u times sooner", with ? (unsigned)(without / with) : 0);
}
