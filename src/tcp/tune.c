/* SPDX-License-Identifier: MIT */
/*
 * Buffers that fit the path, until the application sets them (LA_OPT_SNDBUF, LA_OPT_RCVBUF). Both are limits, not memory: chunks are taken
 * as bytes come and given back as they go, so that an idle connection holds none, however large its buffers may be.
 *
 * Sending: twice cwnd, one in flight and one behind it. Receiving: the window that was open at one instant is used up some time later;
 * what came in that time tells how much comes in a round trip, and twice that must fit, so that a sender in slow start never meets the
 * window (Linux's dynamic right-sizing). If the application does not read, nothing grows. What is measured lies in `wish`, since the
 * receive queue comes and goes with each read; it is there only once a whole buffer's worth of bytes has come.
 */
#include "base/seq.h"
#include "tcp/tcp.h"

static bool memory_left(const struct tcp *t) { return t->chunks.used < t->cfg.max_chunks / 2; }

void la__tune_send(const struct tcp *t, struct conn *c) {
  uint32_t most = t->cfg.sndbuf_max;
  if (c->net & NET_SNDBUF || c->sndbuf >= most || c->cwnd <= c->sndbuf / 2 || !memory_left(t))
    return;
  c->sndbuf = c->cwnd < most / 2 ? 2 * c->cwnd : most;
}

static void grow(const struct tcp *t, struct conn *c, const struct wish *w) {
  uint64_t came = c->rcv_nxt - w->tune_from, took = (t->now - w->tune_at) / LA_US, rtt = c->srtt >> 3;
  if (took && rtt && rtt < took)
    came = came * rtt / took;
  uint64_t want = 2 * came + 16 * la__rmss(t, c);
  if (want > 2 * (uint64_t)c->rcvbuf)
    want = 2 * (uint64_t)c->rcvbuf;
  if (want > c->rcvbuf)
    c->rcvbuf = want < t->cfg.rcvbuf_max ? (uint32_t)want : t->cfg.rcvbuf_max;
}

/* Bytes have come in order. */
void la__tune_recv(struct tcp *t, struct conn *c) {
  if (c->net & NET_RCVBUF || c->rcvbuf >= t->cfg.rcvbuf_max || c->bytes_in < c->rcvbuf)
    return;
  struct wish *w = la__conn_wish(t, c);
  if (!w || (w->tune_at && seq_lt(c->rcv_nxt, w->tune_end)))
    return;
  uint32_t unread = c->rcvq ? c->rcvq->rope.len : 0;
  if (w->tune_at && unread <= c->rcvbuf / 2 && memory_left(t))
    grow(t, c, w);
  w->tune_at = t->now ? t->now : 1;
  w->tune_from = c->rcv_nxt;
  w->tune_end = seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv : c->rcv_nxt + 1;
}

/* After an idle time: cwnd is small again, and so may the queue before it be. */
void la__tune_idle(const struct tcp *t, struct conn *c) {
  uint32_t fits = c->cwnd < UINT32_MAX / 2 ? 2 * c->cwnd : UINT32_MAX;
  if (c->net & NET_SNDBUF || !t->cfg.sndbuf_max)
    return;
  fits = fits > t->cfg.sndbuf ? fits : t->cfg.sndbuf;
  if (fits < c->sndbuf)
    c->sndbuf = fits;
}
