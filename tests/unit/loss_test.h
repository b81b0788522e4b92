/* SPDX-License-Identifier: MIT */
/* For the tests of loss recovery: a connection with SACK whose handshake took a round trip, and what is said over it. */
#ifndef TESTS_UNIT_LOSS_TEST_H
#define TESTS_UNIT_LOSS_TEST_H

#include "dialogue.h"

enum { MSS = 1000 };
#define SEG(n) (1u + (uint32_t)(n)*MSS) /* sequence number of segment n, from 0 */

static inline void linux_preset(la_config *c) {
  uint8_t secret[sizeof c->secret];
  memcpy(secret, c->secret, sizeof secret);
  la_config_init(c, LA_PRESET_LINUX);
  memcpy(c->secret, secret, sizeof secret);
}

static inline struct dlg *loss_open(void (*tweak)(la_config *c), la_time rtt, unsigned opts) {
  struct dlg *d = dlg_new(tweak);
  d->f.syn.have |= TCP_OPT_WSCALE | opts;
  d->f.syn.wscale = 7;
  d->f.syn.mss = opts & TCP_OPT_TS ? MSS + 12 : MSS;
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_advance(d, rtt);
  inject(d, ACK, 1, 1, 0);
  dlg_pump(d);
  assert_int_equal(dlg_accept(d), LA_OK);
  d->nev = 0;
  return d;
}

static inline la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

/* n segments from segment `first` on are queued, and seen to leave. */
static inline void send_segments(struct dlg *d, unsigned first, unsigned n) {
  assert_int_equal(dlg_send(d, SEG(first), n * MSS), n * MSS);
  for (unsigned i = 0; i < n; i++)
    expect(d, ACK, SEG(first + i), 1, MSS);
  expect_nothing(d);
}

/* An ACK with up to four blocks, given in segments: first and one past the last; relative to the stack's numbers. */
struct blocks {
  unsigned n;
  struct {
    unsigned lo, hi;
  } b[4];
};
static inline struct shot sack_shot(struct dlg *d, uint32_t ack, struct blocks s) {
  struct shot shot = {.flags = ACK, .seq = 1, .ack = ack};
  shot.opt.have = TCP_OPT_SACK;
  shot.opt.nsack = (uint8_t)s.n;
  for (unsigned i = 0; i < s.n; i++) {
    shot.opt.sack[i].lo = d->f.irs + SEG(s.b[i].lo);
    shot.opt.sack[i].hi = d->f.irs + SEG(s.b[i].hi);
  }
  if (d->f.ts) {
    shot.opt.have |= TCP_OPT_TS;
    shot.opt.ts_val = d->f.ts_base + (uint32_t)(d->now / LA_MS);
    shot.opt.ts_ecr = d->f.ts_ecr;
  }
  return shot;
}
#define sack(d, ack_seg, n, ...) dlg_inject(d, sack_shot(d, SEG(ack_seg), (struct blocks){n, {__VA_ARGS__}}), __FILE__, __LINE__)
#define again(d, seg) expect(d, ACK, SEG(seg), 1, MSS)

#endif
