/* SPDX-License-Identifier: MIT */
#include "tcp/view.h"

#include "base/seq.h"

enum view_seq la__view_seq(const struct view *v, const struct tcp_seg *seg) {
  uint32_t len = tcp_seg_len(seg);
  if (len == 0) {
    if (v->rcv_wnd == 0)
      return seg->seq == v->rcv_nxt ? VIEW_IN : seq_lt(seg->seq, v->rcv_nxt) ? VIEW_OLD : VIEW_BEYOND;
    if (seq_within(seg->seq, v->rcv_nxt, v->rcv_wnd))
      return VIEW_IN;
    return seq_lt(seg->seq, v->rcv_nxt) ? VIEW_OLD : VIEW_BEYOND;
  }
  if (seq_leq(seg->seq + len, v->rcv_nxt))
    return VIEW_OLD;
  if (v->rcv_wnd == 0)
    return VIEW_BEYOND;
  if (seq_within(seg->seq, v->rcv_nxt, v->rcv_wnd) || seq_within(seg->seq + len - 1, v->rcv_nxt, v->rcv_wnd))
    return VIEW_IN;
  /* Both ends outside: it may still span the whole window. */
  return seq_lt(seg->seq, v->rcv_nxt) && seq_gt(seg->seq + len, v->rcv_nxt) ? VIEW_IN : VIEW_BEYOND;
}

bool la__view_paws(const struct view *v, const struct tcp_seg *seg) {
  if (!v->ts || v->ts_stale || !(seg->opt.have & TCP_OPT_TS))
    return true;
  return seq_geq(seg->opt.ts_val, v->ts_recent);
}

enum view_rst la__view_rst(const struct view *v, const struct tcp_seg *seg) {
  if (seg->seq == v->rcv_nxt)
    return VIEW_RST_TAKE;
  return seq_within(seg->seq, v->rcv_nxt, v->rcv_wnd) ? VIEW_RST_CHALLENGE : VIEW_RST_DROP;
}

enum view_ack la__view_ack(const struct view *v, const struct tcp_seg *seg) {
  if (seq_gt(seg->ack, v->snd_nxt))
    return VIEW_ACK_UNSENT;
  if (seq_gt(seg->ack, v->snd_una))
    return VIEW_ACK_NEW;
  if (seg->ack == v->snd_una)
    return VIEW_ACK_SAME;
  return seq_lt(seg->ack, v->snd_una - v->snd_wnd_max) ? VIEW_ACK_TOO_OLD : VIEW_ACK_OLD;
}
