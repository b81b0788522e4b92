/* SPDX-License-Identifier: MIT */
/* BBR's state, in the draft's names (draft-ietf-ccwg-bbr 2); cc_bbr.c and bbr_probe.c share it. Rates are bytes a second. */
#ifndef LA_TCP_BBR_H
#define LA_TCP_BBR_H

#include "tcp/rate.h"
#include "tcp/tcp.h"

#define BBR_NONE UINT32_MAX /* a bound that is not there */
#define BBR_MBPS_NONE UINT64_MAX

enum bbr_state { BBR_STARTUP, BBR_DRAIN, BBR_DOWN, BBR_CRUISE, BBR_REFILL, BBR_UP, BBR_PROBE_RTT };
enum bbr_phase { ACKS_INIT, ACKS_REFILLING, ACKS_PROBE_STARTING, ACKS_PROBE_FEEDBACK, ACKS_PROBE_STOPPING };

struct bbr {
  struct rate c;         /* delivery rate estimation */
  struct rate_sample rs; /* of the ACK under way */
  uint64_t pacing_rate, bw, bw_shortterm, bw_latest, undo_bw_shortterm;
  uint64_t bw_of[2]; /* the max_bw filter: of the present cycle and the one before */
  uint64_t full_bw;
  uint32_t inflight_shortterm, inflight_longterm, inflight_latest, undo_inflight_shortterm, undo_inflight_longterm;
  uint32_t cwnd_before, max_inflight;
  la_time min_rtt, min_rtt_at, probe_rtt_min, probe_rtt_min_at, probe_rtt_done_at;
  la_time cycle_at, probe_wait;
  la_time extra_since;
  uint32_t extra_delivered, extra_of[2], extra_rounds; /* the extra_acked filter: of these rounds and the same number before */
  uint32_t next_round, loss_round;                     /* C.delivered by which the round is over */
  uint32_t round_count, rounds_since_probe, startup_lost, startup_round_lost;
  uint32_t up_rounds, up_acks, up_cnt; /* bytes acknowledged for each segment by which inflight_longterm grows */
  uint32_t lost_flight;                /* of a loss that was too much, what was in flight; valid with too_high */
  uint8_t state, ack_phase, full_bw_count, loss_events, undo_state;
  bool full_bw_now, full_bw_reached, round_start, loss_round_start, loss_in_round, probe_samples, prior_probe_too_high;
  bool idle_restart, probe_rtt_expired, probe_rtt_round_done, too_high, too_high_limited, recovering;
  bool marked; /* an echo of CE came, and is yet to be heeded */
};

static inline uint32_t bbr_min_pipe(const struct conn *c) { return 4u * c->mss; }
static inline bool bbr_in_probe_bw(const struct bbr *b) { return b->state >= BBR_DOWN && b->state <= BBR_UP; }
static inline uint64_t bbr_max_bw(const struct bbr *b) { return b->bw_of[0] > b->bw_of[1] ? b->bw_of[0] : b->bw_of[1]; }

/* cc_bbr.c */
uint32_t la__bbr_bdp(const struct conn *c, const struct bbr *b, uint64_t bw, unsigned percent);
uint32_t la__bbr_inflight(const struct conn *c, const struct bbr *b, unsigned percent); /* with what keeps a path of few segments busy */
uint32_t la__bbr_headroom(const struct conn *c, const struct bbr *b);
void la__bbr_start_round(struct bbr *b);
void la__bbr_reset_full_bw(struct bbr *b);
void la__bbr_reset_shortterm(struct bbr *b);

/* bbr_probe.c */
void la__bbr_start_down(struct tcp *t, const struct conn *c, struct bbr *b);
void la__bbr_cycle(struct tcp *t, struct conn *c, struct bbr *b);
void la__bbr_loss_too_high(struct tcp *t, const struct conn *c, struct bbr *b);
void la__bbr_probe_rtt(struct tcp *t, struct conn *c, struct bbr *b);
void la__bbr_probe_rtt_over(struct tcp *t, struct conn *c, struct bbr *b); /* if its time has come */
uint32_t la__bbr_probe_rtt_cwnd(const struct conn *c, const struct bbr *b);

#endif
