/* SPDX-License-Identifier: MIT */
/* What an input's head says of the configuration, and the options that its calls set. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "fuzz/watch.h"

/* What came late to the configuration, and stays as the preset has it while these bytes are zero. */
static void configure_more(la_config *c, const uint8_t head[FUZZ_HEAD]) {
  static const uint8_t half_open[] = {4, 1, 2, 3};
  c->cc = head[4] & 1 ? !c->cc : c->cc;
  c->ecn = (uint8_t)((c->ecn + (head[4] >> 1 & 3)) % 3);
  c->tlp ^= head[4] >> 3 & 1;
  c->frto ^= head[4] >> 4 & 1;
  c->dsack ^= head[4] >> 5 & 1;
  c->hystart ^= head[4] >> 6 & 1;
  c->minshall ^= head[4] >> 7;
  c->max_half_open = half_open[head[5] & 3];
  c->syn_cookies ^= head[5] >> 2 & 1;
  c->max_sent = head[5] & 8 ? 8 : c->max_sent;
  c->rcv_start = head[5] & 16 ? 1000 : c->rcv_start;
  c->sndbuf_max = c->rcvbuf_max = head[5] & 32 ? 100000 : 0;
  c->slow_start_after_idle ^= head[5] >> 6 & 1;
  c->empty_probes ^= head[5] >> 7;
  c->dupthresh = head[6] & 1 ? 1 : c->dupthresh;
  c->quick_acks = head[6] & 2 ? 0 : c->quick_acks;
  c->bare_segments ^= head[6] >> 2 & 1;
  c->send_pieces ^= head[6] >> 3 & 1;
  c->edge_acks ^= head[6] >> 6 & 1;
  c->prompt_syn ^= head[6] >> 7;
  c->mute_unsent ^= head[6] >> 4 & 1;
  c->rto_min = head[6] & 32 ? LA_MS : c->rto_min;
}

void fuzz_configure(la_config *c, const uint8_t *head, struct fuzz_memory *mem) {
  la_config_init(c, head[2] & 1 ? LA_PRESET_LINUX : LA_PRESET_RFC);
  c->alloc = (la_alloc){fuzz_alloc, fuzz_free, mem};
  memset(c->secret, 0x42 + head[1], sizeof c->secret);
  c->timestamps = head[0] & 1;
  c->sack = head[0] >> 1 & 1;
  c->window_scale = head[0] >> 2 & 1;
  c->delayed_ack = head[0] & 8 ? 0 : c->delayed_ack;
  c->time_wait = !(head[0] & 16);
  c->quiet_time = head[0] >> 5 & 1;
  c->max_conns = FUZZ_MAX_CONNS;
  c->max_time_wait = head[0] & 64 ? 1 : 4;
  c->max_orphans = 3;
  c->max_listeners = FUZZ_LISTENERS;
  c->max_chunks = head[2] & 2 ? 6 : 64;
  c->max_ooo = head[2] & 4 ? 1 : 5;
  c->sndbuf = head[2] & 8 ? 2048 : 20000;
  c->rcvbuf = head[2] & 16 ? 2048 : head[2] & 32 ? 200000 : 20000;
  c->replies = 16;
  c->frag_datagrams = 3;
  c->msl = 2 * LA_SEC;
  configure_more(c, head);
  c->trace = fuzz_trace;
  c->trace_cap = FUZZ_TRACE;
  memset(&fuzz_metrics, 0, sizeof fuzz_metrics);
  c->metrics = &fuzz_metrics;
}

/* Something that the application may ask for, or may not. */
void fuzz_option(unsigned which, enum la_opt *opt, int64_t *v) {
  static const struct {
    enum la_opt opt;
    int64_t v;
  } row[] = {{LA_OPT_NODELAY, 1},
             {LA_OPT_KEEPALIVE, 1},
             {LA_OPT_KEEPIDLE, 5},
             {LA_OPT_KEEPINTVL, 2},
             {LA_OPT_KEEPCNT, 3},
             {LA_OPT_LINGER, 0},
             {LA_OPT_SNDBUF, 4096},
             {LA_OPT_RCVBUF, 60000},
             {LA_OPT_RCVBUF, 2048},
             {LA_OPT_USER_TIMEOUT, 3000},
             {LA_OPT_NODELAY, 0},
             {LA_OPT_KEEPALIVE, 0},
             {LA_OPT_TTL, 5},
             {LA_OPT_TTL, 0},
             {LA_OPT_USER_TIMEOUT, 0},
             {(enum la_opt)99, 1},
             {LA_OPT_MAX_PACING_RATE, 1},
             {LA_OPT_MAX_PACING_RATE, 20000},
             {LA_OPT_MAX_PACING_RATE, INT64_MAX},
             {LA_OPT_MAX_PACING_RATE, 0},
             {LA_OPT_CONGESTION, LA_CC_NEWRENO},
             {LA_OPT_CONGESTION, LA_CC_CUBIC},
             {LA_OPT_CONGESTION, LA_CC_BBR},
             {LA_OPT_MTU_PROBING, LA_MTU_PROBING_ALWAYS},
             {LA_OPT_NOTSENT_LOWAT, 100},
             {LA_OPT_NOTSENT_LOWAT, 0},
             {LA_OPT_CORK, 1},
             {LA_OPT_CORK, 0},
             {LA_OPT_MSS, 88},
             {LA_OPT_WND_CLAMP, 1024},
             {LA_OPT_SYN_RETRIES, 1},
             {LA_OPT_FIN_WAIT_2, -1},
             {LA_OPT_QUICKACK, 0},
             {LA_OPT_DEFER_ACCEPT, 2}};
  which %= sizeof row / sizeof row[0];
  *opt = row[which].opt;
  *v = row[which].v;
}
