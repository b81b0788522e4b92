/* SPDX-License-Identifier: MIT */
/*
 * When text is acknowledged.
 *
 * By RFC 5681 4.2 (la_config.quick_acks 0): every second full segment at once, the rest within delayed_ack.
 *
 * As Linux does it (quick_acks > 0), so that a peer in slow start hears of every segment and a peer in conversation of few:
 *   quick      so many ACKs go out at once: at the start, after a pause longer than the RTO, after text that had come before. As
 *              many as half the window has segments, at most quick_acks. Counted down by what acknowledges something new.
 *   ping-pong  text of ours went out within the ACK time-out (ATO) after text of the peer's came: the next answer will carry the ACK.
 *              Ends when one did not come in time.
 *   ATO        from delayed_ack to 200 ms, following the distance of arrivals; doubled when it was missed.
 *   at once    too when more than one segment's worth came and the window can be announced at least as wide as before; if it cannot,
 *              the read that widens it sends the ACK.
 *   pushed     the segment was short, or full with PSH: probably the last of a message; the read that empties the buffer acknowledges.
 *
 * Segments that a device has joined count by their own length: each is as long as they were, and all of them together draw one ACK.
 *
 * Out of order, or with a hole still there: always at once (SHLD-18, 19).
 *
 * Limits: the state is eight bytes of the connection. Instants are 16 bits wide: `rcv_last` wraps after 65 s, so that about one pause
 * in a thousand of more than that is taken for a short one, which costs a delayed ACK; a tick that is more than 8 s late may leave an
 * ACK another 8 s late.
 */
#include "base/seq.h"
#include "tcp/tcp.h"

enum { QUICK_MASK = 31, PINGPONG = 32, PUSHED = 64, PUSHED_TWICE = 128 };
enum { ATO_MOST = 200, MSS_GUESS = 536, MSS_LEAST = 88 };
#define DUE_UNIT (LA_MS / 4)

static bool linux_way(const struct tcp *t) { return t->cfg.quick_acks != 0; }
static uint16_t clock_ms(const struct tcp *t) { return (uint16_t)(t->now / LA_MS); }
static uint16_t due_of(la_time at) {
  uint16_t v = (uint16_t)((at + DUE_UNIT - 1) / DUE_UNIT);
  return v ? v : 1; /* 0 is none */
}

la_time la__ack_at(const struct tcp *t, const struct conn *c) {
  if (!c->ack_due)
    return LA_NEVER;
  la_time unit = t->now / DUE_UNIT;
  int16_t ahead = (int16_t)(c->ack_due - (uint16_t)unit);
  return ahead < 0 && (la_time)-ahead > unit ? 0 : (unit + (la_time)(int64_t)ahead) * DUE_UNIT;
}

static uint8_t ato_least(const struct tcp *t) {
  la_time ms = t->cfg.delayed_ack / LA_MS;
  return (uint8_t)(ms == 0 ? 1 : ms < ATO_MOST ? ms : ATO_MOST);
}

/* How long the peer's segments are: the longest so far; before the first a cautious guess. */
uint32_t la__rcv_mss(const struct conn *c) {
  uint32_t guess = c->mss < MSS_GUESS ? c->mss : MSS_GUESS;
  return c->rcv_mss ? c->rcv_mss : guess > MSS_LEAST ? guess : MSS_LEAST;
}

static void more_quick(const struct tcp *t, struct conn *c, unsigned most) {
  uint32_t n = la__rcv_window(c) / (2 * la__rcv_mss(c));
  unsigned left = c->ack_mode & QUICK_MASK;
  n = n == 0 ? 2 : n;
  n = n < most ? n : most;
  n = n < t->cfg.quick_acks ? n : t->cfg.quick_acks;
  if (n > left)
    c->ack_mode = (uint8_t)((c->ack_mode & (uint8_t)~QUICK_MASK) | n);
}

void la__ack_quick(const struct tcp *t, struct conn *c, unsigned most) {
  if (!linux_way(t))
    return;
  more_quick(t, c, most);
  c->ack_mode &= (uint8_t)~PINGPONG;
  c->ato = ato_least(t);
}

static void measure(const struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  uint32_t len = seg->gso ? seg->gso : seg->len; /* of a segment as the peer made it */
  bool full = len >= la__rcv_mss(c);
  if (full)
    c->rcv_mss = (uint16_t)(len < la__rmss(t, c) ? len : la__rmss(t, c));
  if (full && !(seg->flags & LA_PSH))
    return;
  c->ack_mode |= !full && c->ack_mode & PUSHED ? PUSHED_TWICE : PUSHED;
}

/* The distance to the arrival before sets the ATO; a long pause means that the peer starts slowly again (RFC 5681 4.1). */
static void arrival(const struct tcp *t, struct conn *c, const struct tcp_seg *seg) {
  uint32_t gap = (uint16_t)(clock_ms(t) - c->rcv_last), least = ato_least(t), ato = c->ato;
  measure(t, c, seg);
  if (ato == 0) {
    more_quick(t, c, t->cfg.quick_acks);
    ato = least;
  } else if (gap <= least / 2) {
    ato = ato / 2 + least / 2;
  } else if (gap < ato) {
    ato = ato / 2 + gap;
  } else if (gap * LA_MS > la__rto(t, c)) {
    more_quick(t, c, t->cfg.quick_acks);
  }
  c->ato = (uint8_t)(ato < ATO_MOST ? ato : ATO_MOST);
  c->rcv_last = clock_ms(t);
}

/* An ATO above the least is no longer than a round trip. */
static la_time delay(const struct tcp *t, const struct conn *c) {
  uint32_t least = ato_least(t), ato = c->ato, rtt = (c->srtt >> 3) / 1000;
  if (ato <= least)
    return t->cfg.delayed_ack;
  if (c->srtt && ato > rtt)
    ato = rtt > least ? rtt : least;
  return ato * LA_MS;
}

static void later(struct tcp *t, struct conn *c) {
  la_time d = linux_way(t) ? delay(t, c) : t->cfg.delayed_ack;
  if (!c->ack_due) {
    c->ack_due = due_of(t->now + d);
    la__ack_clock(t, c);
  } else if (linux_way(t)) {
    if (la__ack_at(t, c) <= t->now + d / 4) { /* nearly over */
      la__conn_dirty(t, c, TODO_ACK);
    } else if (la__ack_at(t, c) > t->now + d) {
      c->ack_due = due_of(t->now + d);
      la__ack_clock(t, c);
    }
  }
}

static bool at_once(const struct tcp *t, const struct conn *c) {
  uint32_t n = c->rcv_nxt - c->rcv_acked;
  if (t->cfg.delayed_ack == 0)
    return true;
  if (!linux_way(t))
    return n >= 2u * c->mss; /* the peer's segments are no longer than ours */
  return (n > la__rcv_mss(c) && la__window_holds(t, c)) || (c->ack_mode & QUICK_MASK && !(c->ack_mode & PINGPONG));
}

void la__ack_text(struct tcp *t, struct conn *c, const struct tcp_seg *seg, bool in_order, bool had_hole) {
  if (in_order && linux_way(t))
    arrival(t, c, seg);
  if (!in_order || had_hole) {
    if (!in_order) { /* without SACK each segment must be told of, though they came as one */
      uint32_t owed = c->acks_owed + (c->flags & CF_SACK ? 1 : tcp_seg_count(seg));
      c->acks_owed = (uint8_t)(owed < UINT8_MAX ? owed : UINT8_MAX);
    }
    la__conn_dirty(t, c, TODO_ACK);
  } else if (at_once(t, c)) {
    la__conn_dirty(t, c, TODO_ACK);
  } else {
    later(t, c);
  }
}

/* A segment that acknowledges RCV.NXT is about to go. */
void la__ack_sent(const struct tcp *t, struct conn *c) {
  if (c->ack_mode & QUICK_MASK && (c->rcv_acked != c->rcv_nxt || c->todo & TODO_ACK) && (--c->ack_mode & QUICK_MASK) == 0)
    c->ato = ato_least(t);
  c->ack_mode &= (uint8_t) ~(PUSHED | PUSHED_TWICE);
  c->rcv_acked = c->rcv_nxt;
  c->ack_due = 0;
}

/* Text of ours goes. */
void la__ack_answered(const struct tcp *t, struct conn *c) {
  if (linux_way(t) && (uint16_t)(clock_ms(t) - c->rcv_last) < c->ato)
    c->ack_mode |= PINGPONG;
}

void la__ack_expired(struct tcp *t, struct conn *c) {
  c->ack_due = 0;
  if (linux_way(t)) {
    if (c->ack_mode & PINGPONG)
      c->ato = ato_least(t);
    else
      c->ato = (uint8_t)(c->ato < ATO_MOST / 2 ? c->ato * 2 : ATO_MOST);
    c->ack_mode &= (uint8_t)~PINGPONG;
  }
  la__conn_dirty(t, c, TODO_ACK);
}

/* The application has read. */
void la__ack_read(struct tcp *t, struct conn *c) {
  bool emptied = !c->rcvq || c->rcvq->rope.len == 0;
  if (linux_way(t) && c->rcv_nxt != c->rcv_acked &&
      (c->rcv_nxt - c->rcv_acked > la__rcv_mss(c) ||
       (emptied && (c->ack_mode & PUSHED_TWICE || (c->ack_mode & PUSHED && !(c->ack_mode & PINGPONG))))))
    la__conn_dirty(t, c, TODO_ACK);
  else if (la__window_update_due(t, c))
    la__conn_dirty(t, c, TODO_WND);
}

/* TCP_QUICKACK: not for ever; the next answer of ours, or a missed ATO, changes it again. */
void la__ack_set_quick(struct tcp *t, struct conn *c, bool on) {
  c->ack_mode = (uint8_t)(on ? c->ack_mode & ~PINGPONG : c->ack_mode | PINGPONG);
  if (on && (c->state == LA_ESTABLISHED || c->state == LA_CLOSE_WAIT) && c->ack_due)
    la__conn_dirty(t, c, TODO_ACK);
}

bool la__ack_is_quick(const struct conn *c) { return !(c->ack_mode & PINGPONG); }
