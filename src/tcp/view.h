/* SPDX-License-Identifier: MIT */
/*
 * The checks of RFC 9293 3.10.7.4 as pure functions over a small view, which a connection, a half-open record and a
 * TIME-WAIT record can all fill in.
 */
#ifndef LA_TCP_VIEW_H
#define LA_TCP_VIEW_H

#include "wire/tcp_wire.h"

struct view {
  uint32_t rcv_nxt, rcv_wnd;
  uint32_t snd_una, snd_nxt, snd_wnd_max;
  uint32_t ts_recent;
  bool ts;       /* timestamps agreed */
  bool ts_stale; /* TS.Recent is older than 24 days (RFC 7323 5.5) */
};

enum view_seq { VIEW_IN, VIEW_OLD, VIEW_BEYOND };
/* Table 6: does the segment hold anything of the window? OLD: all before RCV.NXT. BEYOND: at or past the right edge. */
enum view_seq la__view_seq(const struct view *v, const struct tcp_seg *seg);
/* false: PAWS rejects it (RFC 7323 5.3). Never asked for a RST. */
bool la__view_paws(const struct view *v, const struct tcp_seg *seg);

enum view_rst { VIEW_RST_DROP, VIEW_RST_TAKE, VIEW_RST_CHALLENGE };
/* RFC 5961 3.2, the three checks. */
enum view_rst la__view_rst(const struct view *v, const struct tcp_seg *seg);

enum view_ack { VIEW_ACK_OLD, VIEW_ACK_NEW, VIEW_ACK_SAME, VIEW_ACK_UNSENT, VIEW_ACK_TOO_OLD };
/* RFC 9293 3.10.7.4 fifth step and RFC 5961 5.2. */
enum view_ack la__view_ack(const struct view *v, const struct tcp_seg *seg);

#endif
