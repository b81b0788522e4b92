/* SPDX-License-Identifier: MIT */
/*
 * What every congestion control shares: the initial window (RFC 6928), the rule that cwnd grows only while it is the limit, its
 * decay while it is not (RFC 2861, as Linux has it), and the restart after an idle time (RFC 5681 4.1).
 */
#include "tcp/cc.h"

#include "base/bytes.h"
#include "base/seq.h"
#include "tcp/tcp.h"

static const struct cc_module *const modules[LA_CCS] = {
  [LA_CC_NEWRENO] = &la__cc_newreno, [LA_CC_CUBIC] = &la__cc_cubic, [LA_CC_BBR] = &la__cc_bbr};

const char *la_cc_name(enum la_cc cc) { return (unsigned)cc < LA_CCS ? modules[cc]->name : "?"; }

enum la_cc la__cc_chosen(const struct conn *c) { return (enum la_cc)(c->net & NET_CC); }
static const struct cc_module *module(const struct conn *c) { return modules[la__cc_chosen(c)]; }

static union cc_state *state(struct conn *c, union cc_state *none) {
  if (c->sndq)
    return &c->sndq->cc;
  memset(none, 0, sizeof *none);
  return none;
}

static uint32_t flight(const struct conn *c) { return c->snd_nxt - c->snd_una; }

/* A SYN or SYN-ACK that was lost leaves one segment (RFC 5681 3.1). */
uint32_t la__cc_initial_window(const struct conn *c) {
  uint32_t mss = c->mss, floor = 2 * mss > 14600 ? 2 * mss : 14600;
  return c->flags & CF_SYN_LOST ? mss : 10 * mss < floor ? 10 * mss : floor;
}

void la__cc_init(struct conn *c) {
  c->cwnd = la__cc_initial_window(c);
  c->ssthresh = CC_INFINITE;
}

void la__cc_attach(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  q->usage_seq = c->snd_una;
  q->full_at = t->now;
  q->small_end = c->snd_una;
  module(c)->start(t, c, &q->cc);
}

void la__cc_choose(struct tcp *t, struct conn *c, enum la_cc which) {
  if (which == la__cc_chosen(c))
    return;
  la__bbr_done(t, c);
  c->net = (uint8_t)((c->net & ~(unsigned)NET_CC) | which);
  if (c->sndq) {
    memset(&c->sndq->cc, 0, sizeof c->sndq->cc);
    module(c)->start(t, c, &c->sndq->cc);
  }
}

/* RFC 5681 4.1: what was learnt of the path is old. The keepalive clock too tells since when nothing has happened. */
void la__cc_resume(const struct tcp *t, struct conn *c) {
  union cc_state none;
  if (module(c)->resume)
    module(c)->resume(t, c, state(c, &none));
  if (la__cc_own(c) || !t->cfg.slow_start_after_idle || (c->clock != CLK_NONE && c->clock != CLK_KEEP))
    return;
  la_time since =
    c->clock == CLK_KEEP ? c->clock_at - (c->keep_sent ? conn_wish(c)->keep_intvl : conn_wish(c)->keep_idle) * LA_SEC : c->clock_at;
  uint32_t most = la__cc_initial_window(c);
  if (!c->keep_sent && t->now - since <= la__rto(t, c))
    return;
  if (c->cwnd > most)
    c->cwnd = most;
  la__tune_idle(t, c);
}

/* RFC 2861, as Linux has it: for a whole RTO cwnd was not used up. It goes half the way to what was, ssthresh keeps the memory. */
static void unused(const struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  uint32_t used = q->used > la__cc_initial_window(c) ? q->used : la__cc_initial_window(c);
  if (used < c->cwnd) {
    uint32_t kept = c->cwnd - c->cwnd / 4;
    if (c->ssthresh < kept)
      c->ssthresh = kept;
    c->cwnd = c->cwnd / 2 + used / 2;
  }
  q->used = 0;
  q->full_at = t->now;
}

bool la__cc_lags(const struct tcp *t, const struct conn *c) {
  const struct sndq *q = c->sndq;
  return t->now != q->full_at && t->cfg.slow_start_after_idle && !la__cc_own(c) && q->rec.state < LA_CA_CWR &&
         t->now - q->full_at >= la__rto(t, c);
}

/* The most that was outstanding in a round trip, and whether cwnd was then what held the sender back (RFC 7661 4.3 asks the same). */
void la__cc_sent(const struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  if (!q)
    return;
  uint32_t fly = flight(c);
  bool limited = fly + c->mss > c->cwnd; /* no room for another */
  if (seq_geq(c->snd_una, q->usage_seq) || limited || (!q->limited && fly > q->most)) {
    q->limited = limited;
    q->most = fly;
    q->usage_seq = c->snd_nxt;
  }
  if (limited) {
    q->used = 0;
    q->full_at = t->now;
    return;
  }
  if (fly > q->used)
    q->used = fly;
  if (la__cc_lags(t, c))
    unused(t, c);
}

/* In slow start twice what was outstanding counts as the limit, so that a sender which is a little slower than the path may probe. */
static bool was_limited(const struct conn *c) {
  const struct sndq *q = c->sndq;
  return q->limited || (c->cwnd < c->ssthresh && c->cwnd < 2 * q->most);
}

void la__cc_ack(const struct tcp *t, struct conn *c, struct cc_ack *a) {
  if (!c->sndq)
    return;
  a->limited = was_limited(c) && c->cwnd <= UINT32_MAX / 4;
  module(c)->ack(t, c, &c->sndq->cc, a);
}

/* No limit to what one ACK may add (RFC 3465 has L = 2, RFC 9406 L = 8): receivers that join segments acknowledge dozens at once. */
uint32_t la__cc_slow_start(struct conn *c, uint32_t delivered) {
  if (c->cwnd >= c->ssthresh)
    return delivered;
  uint32_t room = c->ssthresh - c->cwnd, take = delivered < room ? delivered : room;
  c->cwnd += take; /* RFC 5681 equation (2), by bytes */
  return delivered - take;
}

void la__cc_enter(struct tcp *t, struct conn *c, enum cc_event why) {
  union cc_state none, *s = state(c, &none);
  if (c->sndq) {
    c->sndq->prior_cwnd = c->cwnd;
    c->sndq->prior_ssthresh = c->ssthresh;
  }
  c->ssthresh = module(c)->reduce(t, c, s, why);
  if (c->net & NET_ECN)
    c->net |= NET_CWR;
}

void la__cc_leave(const struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  if (module(c)->leave)
    module(c)->leave(c);
  if (!q)
    return;
  q->used = 0;
  q->full_at = t->now;
}

/* RFC 4015 4, as far as bytes go: neither less than now, nor less than before. */
void la__cc_undo(struct tcp *t, struct conn *c) {
  struct sndq *q = c->sndq;
  if (!q || !q->prior_cwnd)
    return;
  if (c->cwnd < q->prior_cwnd)
    c->cwnd = q->prior_cwnd;
  if (c->ssthresh < q->prior_ssthresh)
    c->ssthresh = q->prior_ssthresh;
  q->prior_cwnd = 0;
  if (module(c)->undo)
    module(c)->undo(t, c, &q->cc);
}

bool la__cc_owns(const struct conn *c) { return module(c)->own && module(c)->own(c); }
uint64_t la__cc_rate(const struct conn *c) { return module(c)->rate(c); }
void la__cc_left(const struct tcp *t, struct conn *c, uint32_t before) {
  if (module(c)->sent)
    module(c)->sent(t, c, before);
}
void la__cc_lost(const struct tcp *t, struct conn *c, const struct sent_rec *r) {
  if (module(c)->lost)
    module(c)->lost(t, c, r);
}
void la__cc_sample(struct tcp *t, struct conn *c, const struct news *n) {
  if (module(c)->sample)
    module(c)->sample(t, c, n);
}
