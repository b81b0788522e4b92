/* SPDX-License-Identifier: MIT */
/*
 * SYN cookies (RFC 4987 3.6): while the half-open records are all taken, a SYN-ACK's own sequence number remembers what a record would.
 *
 *   bits 31-8   24 bits of SipHash-2-4 over the pair, the peer's ISN, the epoch and the low byte
 *   bits 7-0    MSS (3 bits: an index), window scale (3 bits: an index), SACK (1), epoch's parity (1); masked, so that it cannot be guessed
 *
 * The third segment, or any that begins where it would, brings the number back as ACK - 1. An epoch is 64 s and the one before it is
 * accepted too, so that a cookie lives for 64 to 128 s; what else was in the SYN is rounded down, never up. With timestamps the
 * SYN-ACK's TSval carries the exact window scale in its low four bits and must come back from within a cookie's life, which makes a
 * guess harder still; and that the peer uses them shows in its segment.
 *
 * Cookies are looked at only for a cookie's life after the last one went out, so that at rest a stray ACK to a listener draws RST
 * as ever. Nothing is kept, so nothing is sent again: a client whose third segment is lost is known by its first text.
 */
#include "base/bytes.h"
#include "base/siphash.h"
#include "tcp/tcp.h"

enum { EPOCH_S = 64, SCALE_NONE = 15 };
#define COOKIE_LIFE (2 * EPOCH_S * LA_SEC)

static const uint16_t mss_of[8] = {0, 88, 536, 1220, 1360, 1440, 1460, 8960}; /* 0: none was announced; 88: our floor */
static const uint8_t scale_of[8] = {SCALE_NONE, 0, 2, 4, 6, 7, 8, 10};

static uint32_t epoch(const struct tcp *t) { return (uint32_t)(t->now / (EPOCH_S * LA_SEC)); }

static uint32_t mac(const struct tcp *t, const struct key *k, uint32_t irs, uint32_t when, uint32_t low) {
  uint8_t in[52];
  memcpy(in, k->local.b, 16);
  memcpy(in + 16, k->remote.b, 16);
  be16_put(in + 32, k->lport);
  be16_put(in + 34, k->rport);
  be32_put(in + 36, k->zone);
  be32_put(in + 40, irs);
  be32_put(in + 44, when);
  be32_put(in + 48, low);
  return (uint32_t)la__siphash24(t->key_cookie, in, sizeof in);
}

/* What hides the low byte: the same in every epoch, since it must be undone before the epoch is known. */
static uint32_t mask(const struct tcp *t, const struct key *k, uint32_t irs) { return mac(t, k, irs, 0, 256) & 255; }

static unsigned mss_index(const struct half *h) {
  if (!(h->have & TCP_OPT_MSS))
    return 0;
  unsigned i = 1;
  while (i + 1 < 8 && mss_of[i + 1] <= h->mss)
    i++;
  return i;
}

static unsigned scale_index(const struct half *h) {
  if (!(h->have & TCP_OPT_WSCALE))
    return 0;
  unsigned i = 1;
  while (i + 1 < 8 && scale_of[i + 1] <= (h->wscale & 15))
    i++;
  return i;
}

uint32_t la__cookie_make(struct tcp *t, const struct key *k, const struct half *h) {
  uint32_t when = epoch(t);
  uint32_t low = mss_index(h) << 5 | scale_index(h) << 2 | (h->have & TCP_OPT_SACK_OK ? 2u : 0) | (when & 1);
  t->cookies_until = t->now + COOKIE_LIFE;
  t->stats.syncookies_sent++;
  return (mac(t, k, h->irs, when, low) & ~255u) | (low ^ mask(t, k, h->irs));
}

/* The last 16 ms are given up to carry the scale; never ahead of the clock, so that later segments do not look old. */
uint32_t la__cookie_ts(const struct tcp *t, const struct half *h) {
  uint32_t now = tcp_ts_now(t, h->ts_off), scale = h->have & TCP_OPT_WSCALE ? h->wscale & 15u : SCALE_NONE;
  uint32_t ts = (now & ~15u) | scale;
  return (int32_t)(ts - now) > 0 ? ts - 16 : ts;
}

static bool ts_plausible(const struct tcp *t, const struct key *k, const struct tcp_seg *seg) {
  return tcp_ts_now(t, la__ts_offset(t, k)) - seg->opt.ts_ecr <= COOKIE_LIFE / LA_MS + 16;
}

bool la__cookie_open(struct tcp *t, const struct key *k, const struct tcp_seg *seg, struct half *h) {
  uint32_t irs = seg->seq - 1, cookie = seg->ack - 1, low = (cookie & 255) ^ mask(t, k, irs);
  uint32_t when = epoch(t);
  if ((low ^ when) & 1)
    when--;
  bool ts = t->cfg.timestamps && seg->opt.have & TCP_OPT_TS;
  if ((mac(t, k, irs, when, low) ^ cookie) >> 8 || (ts && !ts_plausible(t, k, seg))) {
    t->stats.syncookies_failed++;
    return false;
  }
  unsigned scale = scale_of[low >> 2 & 7];
  if (ts && scale != SCALE_NONE && (seg->opt.ts_ecr & 15) != SCALE_NONE)
    scale = seg->opt.ts_ecr & 15;
  h->iss = cookie;
  h->irs = irs;
  h->mss = mss_of[low >> 5];
  h->have = (uint8_t)((h->mss ? TCP_OPT_MSS : 0) | (scale != SCALE_NONE ? TCP_OPT_WSCALE : 0) | (low & 2 ? TCP_OPT_SACK_OK : 0) |
                      (ts ? TCP_OPT_TS : 0));
  h->wscale = (uint8_t)(scale == SCALE_NONE ? 0 : scale);
  h->ts_recent = ts ? seg->opt.ts_val : 0;
  t->stats.syncookies_recv++;
  return true;
}
