/* SPDX-License-Identifier: MIT */
/*
 * HyStart++ (RFC 9406): leaving slow start before the queue overflows, because the round-trip time says that it fills.
 *
 * Rounds are told by sequence numbers. When the least RTT of a round (from 8 samples on) exceeds that of the round before by an eighth,
 * but by 4 ms at least and 16 ms at most, conservative slow start begins: a quarter of the growth for five rounds, the one under way
 * counted, and then congestion avoidance. Should the RTT fall below what it was on entry, it was a mistake, and slow start goes on.
 */
#include "base/seq.h"
#include "tcp/tcp.h"

enum { THRESH_MIN_US = 4000, THRESH_MAX_US = 16000, RTT_DIVISOR = 8, SAMPLES = 8, CSS_GROWTH = 4, CSS_ROUNDS = 5 };

static uint32_t threshold(uint32_t rtt) {
  uint32_t t = rtt / RTT_DIVISOR;
  return t < THRESH_MIN_US ? THRESH_MIN_US : t > THRESH_MAX_US ? THRESH_MAX_US : t;
}

static void new_round(struct hystart *h, const struct conn *c) {
  h->round_end = c->snd_nxt;
  h->last_us = h->now_us;
  h->now_us = 0;
  h->samples = 0;
}

static void look(struct hystart *h) {
  if (h->samples < SAMPLES || !h->now_us)
    return;
  if (h->css && h->now_us < h->baseline_us) {
    h->css = 0;
  } else if (!h->css && h->last_us && h->now_us >= h->last_us + threshold(h->last_us)) {
    h->css = 1;
    h->rounds = 0;
    h->baseline_us = h->now_us;
  }
}

unsigned la__hystart_ack(struct hystart *h, const struct conn *c, la_time rtt) {
  uint32_t us = rtt / LA_US > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)(rtt / LA_US);
  if (!h->running) {
    h->running = 1;
    new_round(h, c);
  } else if (seq_geq(c->snd_una, h->round_end)) {
    if (h->css && ++h->rounds >= CSS_ROUNDS)
      return 0;
    new_round(h, c);
  }
  if (rtt) {
    us = us ? us : 1;
    h->samples++;
    if (!h->now_us || us < h->now_us)
      h->now_us = us;
    look(h);
  }
  return h->css ? CSS_GROWTH : 1;
}
