/* SPDX-License-Identifier: MIT */
#include "tests/model/model.h"

const struct m_rule_text m_rule_text[R_COUNT] = {
#define M_RULE(name, clause, text) {#name, clause, text},
#include "tests/model/rules.h"
#undef M_RULE
};

/* 3.4: all comparisons modulo 2^32; what is 2^31 away is neither before nor behind. */
static bool before(uint32_t a, uint32_t b) { return b - a - 1 < 0x7fffffffu; }
static bool until(uint32_t a, uint32_t b) { return a == b || before(a, b); }

static uint32_t seg_len(const struct m_seg *s) { return s->len + (s->flags & M_SYN ? 1 : 0) + (s->flags & M_FIN ? 1 : 0); }

static void answer(struct m_result *r, unsigned flags, uint32_t seq, uint32_t ack) {
  r->out[r->n++] = (struct m_out){.flags = flags, .seq = seq, .ack = ack};
}
/*
 * <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. Decision: where the peer has taken its window back, with the number at its edge, since one beyond
 * it would not be acceptable there.
 */
static void send_ack(struct m_result *r) {
  uint32_t seq = r->after.snd_nxt, edge = r->after.snd_una + r->after.snd_wnd;
  answer(r, M_ACK, before(edge, seq) ? edge : seq, r->after.rcv_nxt);
}
static void by(struct m_result *r, enum m_rule rule) { r->rule = rule; }
static void close_it(struct m_result *r, enum m_end end) {
  r->after.state = M_CLOSED;
  r->end = end;
  r->events |= M_EV_END;
}

/* 3.10.7.1 */
static void closed(const struct m_seg *s, struct m_result *r) {
  if (s->flags & M_RST) {
    by(r, R_CLOSED_RST);
    return;
  }
  by(r, R_CLOSED_ANSWER);
  if (s->flags & M_ACK)
    answer(r, M_RST, s->ack, 0);
  else
    answer(r, M_RST | M_ACK, 0, s->seq + seg_len(s));
}

/* The third step of LISTEN, of TIME-WAIT too. */
static void opened(const struct m_seg *s, const struct m_sizes *z, struct m_result *r) {
  struct m_tcb *t = &r->after;
  uint32_t past = t->snd_nxt;
  *t =
    (struct m_tcb){.state = M_SYN_RECEIVED, .passive = true, .listener = true, .irs = s->seq, .rcv_nxt = s->seq + 1, .rcv_wnd = z->rcv_wnd};
  t->ts = s->ts;
  t->ts_recent = s->tsval;
  t->reader = t->told = true;
  t->snd_wnd = t->max_snd_wnd = s->wnd;
  answer(r, M_SYN | M_ACK, past, t->rcv_nxt);
  r->out[0].new_iss = true;
}

/* 3.10.7.2 */
static void listening(const struct m_seg *s, const struct m_sizes *z, struct m_result *r) {
  if (s->flags & M_RST) {
    by(r, R_LISTEN_RST);
  } else if (s->flags & M_ACK) {
    by(r, R_LISTEN_ACK);
    answer(r, M_RST, s->ack, 0);
  } else if ((s->flags & M_SYN) && (s->flags & M_FIN)) {
    by(r, R_LISTEN_SYN_FIN);
  } else if (s->flags & M_SYN) {
    by(r, R_LISTEN_SYN);
    opened(s, z, r);
  } else {
    by(r, R_LISTEN_OTHER);
  }
}

/* What may go now: the text allows no more than SND.UNA + SND.WND, 3.8.6. Returns whether something went, which carries an ACK. */
static bool transmit(struct m_result *r, const struct m_sizes *z) {
  struct m_tcb *t = &r->after;
  uint32_t used = t->snd_nxt - t->snd_una;
  if (!t->unsent || t->snd_wnd < used + t->unsent || t->unsent > z->mss)
    return false;
  answer(r, M_ACK, t->snd_nxt, t->rcv_nxt);
  struct m_out *o = &r->out[r->n - 1];
  o->len = t->unsent;
  t->snd_nxt += t->unsent;
  t->unsent = 0;
  if (t->fin_waits) {
    o->flags |= M_FIN;
    t->snd_nxt++;
    t->fin_waits = false;
    t->fin_sent = true;
  }
  return true;
}

/* Sixth: URG. RCV.UP is kept while it lies ahead of what the application has read. */
static void urgent(const struct m_seg *s, struct m_result *r) {
  struct m_tcb *t = &r->after;
  uint32_t up = s->seq + s->up, consumed = t->rcv_nxt - t->unread;
  if (!(s->flags & M_URG) || !t->reader || until(up, consumed))
    return;
  if (t->alerted && until(up, t->rcv_up))
    return;
  t->rcv_up = up;
  t->alerted = true;
  r->events |= M_EV_URGENT;
}

/* The peer will say no more. */
static void peer_fin(struct m_result *r) {
  struct m_tcb *t = &r->after;
  t->rcv_nxt++;
  if (t->rcv_wnd)
    t->rcv_wnd--;
  if (t->reader)
    r->events |= M_EV_PEER_FIN;
  if (t->state == M_ESTABLISHED) {
    t->state = M_CLOSE_WAIT;
  } else if (t->state == M_FIN_WAIT_1) {
    t->state = M_CLOSING;
    t->crossed = true;
  } else {
    t->state = M_TIME_WAIT;
    r->events |= M_EV_END;
    r->end = t->merged ? M_END_THREE : M_END_FOUR;
  }
}

/* Seventh and eighth: text and FIN, of the segment that begins at RCV.NXT and does not exceed the window. Whether an ACK is due. */
static bool text_and_fin(const struct m_seg *s, struct m_result *r) {
  struct m_tcb *t = &r->after;
  if (t->state != M_ESTABLISHED && t->state != M_FIN_WAIT_1 && t->state != M_FIN_WAIT_2)
    return false; /* a FIN has been received: ignored */
  uint32_t first = s->flags & M_SYN ? s->seq + 1 : s->seq, end = first + s->len, edge = t->rcv_nxt + t->rcv_wnd;
  bool fin = (s->flags & M_FIN) && before(end, edge);
  if (before(edge, end))
    end = edge;
  if (before(first, t->rcv_nxt))
    first = t->rcv_nxt;
  bool text = before(first, end);
  if (text && !t->reader) {
    by(r, R_TEXT_AFTER_CLOSE);
    answer(r, M_RST, s->ack, 0);
    close_it(r, M_END_DATA);
    return false;
  }
  bool due = false;
  uint32_t fin_at = end;
  if (text && first == t->rcv_nxt) {
    by(r, R_TEXT);
    if (t->hole_from != t->hole_to && until(t->hole_from, end) && before(end, t->hole_to))
      end = t->hole_to; /* what was held joins it */
    uint32_t n = end - first;
    t->rcv_nxt += n;
    t->rcv_wnd -= n; /* the application does not read: the edge stays */
    t->unread += n;
    if (t->told)
      r->events |= M_EV_READABLE;
    due = true;
  } else if (text) {
    by(r, R_TEXT_AHEAD);
    due = true;
  }
  if (!fin)
    return due;
  if (fin_at == t->rcv_nxt) {
    by(r, R_FIN);
    peer_fin(r);
  } else if (!text) { /* held, like its text */
    by(r, R_FIN_AHEAD);
  }
  return true;
}

/* 3.10.7.3 */
static void syn_sent(const struct m_seg *s, const struct m_sizes *z, struct m_result *r) {
  struct m_tcb *t = &r->after;
  if ((s->flags & M_ACK) && (until(s->ack, t->iss) || before(t->snd_nxt, s->ack))) {
    by(r, R_SYN_SENT_BAD_ACK);
    if (!(s->flags & M_RST))
      answer(r, M_RST, s->ack, 0);
    return;
  }
  if (s->flags & M_RST) {
    by(r, s->flags & M_ACK ? R_SYN_SENT_RST : R_SYN_SENT_BARE_RST);
    if (s->flags & M_ACK)
      close_it(r, M_END_REFUSED);
    return;
  }
  if (!(s->flags & M_SYN)) {
    by(r, R_SYN_SENT_NOTHING);
    return;
  }
  t->irs = s->seq;
  t->rcv_nxt = s->seq + 1;
  t->rcv_wnd = z->rcv_wnd;
  t->snd_wnd = t->max_snd_wnd = s->wnd;
  t->snd_wl1 = s->seq;
  t->snd_wl2 = s->ack;
  t->ts = s->ts;
  t->ts_recent = s->tsval;
  if (!(s->flags & M_ACK)) {
    by(r, R_SYN_SENT_CROSS);
    t->state = M_SYN_RECEIVED;
    answer(r, M_SYN | M_ACK, t->iss, t->rcv_nxt);
    return;
  }
  by(r, R_SYN_SENT_OPEN);
  t->snd_una = s->ack;
  t->state = M_ESTABLISHED;
  r->events |= M_EV_ESTABLISHED;
  urgent(s, r);
  text_and_fin(s, r);
  send_ack(r);
}

/* Table 6. Decision: also what begins before the window and ends beyond it; only the new parts are processed. */
static bool acceptable(const struct m_tcb *t, uint32_t seq, uint32_t len) {
  uint32_t in = seq - t->rcv_nxt; /* how far into the window */
  if (len == 0)
    return t->rcv_wnd == 0 ? in == 0 : in < t->rcv_wnd;
  return t->rcv_wnd != 0 && (in < t->rcv_wnd || in + len - 1 < t->rcv_wnd || (before(seq, t->rcv_nxt) && before(t->rcv_nxt, seq + len)));
}

/* RFC 6191 2, for a segment with SYN alone: may it begin another connection? */
static bool takes_over(const struct m_tcb *t, const struct m_seg *s) {
  if (s->ts && !t->ts)
    return true;
  if (s->ts && before(t->ts_recent, s->tsval))
    return true;
  if (s->ts && t->ts_recent != s->tsval)
    return false;
  return before(t->rcv_nxt, s->seq);
}

static void time_wait(const struct m_seg *s, const struct m_sizes *z, struct m_result *r) {
  struct m_tcb *t = &r->after;
  unsigned f = s->flags & (M_FIN | M_SYN | M_RST | M_ACK);
  if (f & M_RST) {
    by(r, R_TW_RST);
    return;
  }
  if (f == M_SYN) {
    if (t->listener && takes_over(t, s)) {
      by(r, R_TW_NEW);
      opened(s, z, r);
      return;
    }
    by(r, R_TW_OLD_SYN);
    send_ack(r);
    return;
  }
  if (!(f & M_SYN) && t->ts && !s->ts) {
    by(r, R_BARE);
    return;
  }
  if (f == M_FIN) {
    by(r, R_FIN_WITHOUT_ACK);
    return;
  }
  bool old = t->ts && s->ts && before(s->tsval, t->ts_recent);
  if (f == (M_FIN | M_ACK) && s->seq + s->len + 1 == t->rcv_nxt && !old) {
    by(r, R_TW_FIN);
    if (t->ts)
      t->ts_recent = s->tsval;
    r->restarts = true;
    send_ack(r);
    return;
  }
  if (f == M_ACK && !s->len && s->seq == t->rcv_nxt && until(s->ack, t->snd_nxt)) {
    by(r, R_TW_QUIET);
    return;
  }
  if (!(f & (M_ACK | M_SYN)) && !old && acceptable(t, s->seq, seg_len(s))) {
    by(r, R_NO_ACK);
    return;
  }
  by(r, R_TW_ACK);
  send_ack(r);
}

/* 3.5.2: a host without the connection answers what has an ACK by RST without one, and with the number asked for; its FIN had not come. */
static bool knew_nothing(const struct m_seg *s, const struct m_tcb *t) {
  return !(s->flags & M_ACK) && t->snd_una != t->snd_nxt && (t->state == M_ESTABLISHED || t->state == M_FIN_WAIT_1);
}

/* Second: RST. */
static void reset(const struct m_seg *s, struct m_result *r) {
  struct m_tcb *t = &r->after;
  if (s->seq == t->rcv_nxt) {
    if (t->state == M_SYN_RECEIVED && t->passive) {
      by(r, R_RST_TO_LISTEN);
      t->state = M_LISTEN;
    } else {
      by(r, t->state == M_SYN_RECEIVED ? R_RST_REFUSED : R_RST);
      close_it(r, t->state == M_SYN_RECEIVED ? M_END_REFUSED : knew_nothing(s, t) ? M_END_HALF_OPEN : M_END_RESET);
    }
  } else if (s->seq - t->rcv_nxt < t->rcv_wnd) {
    by(r, R_RST_IN_WINDOW);
    send_ack(r);
  } else {
    by(r, R_UNACCEPTABLE_RST);
  }
}

/* Fifth: the ACK field. Whether processing goes on. */
static bool ack_field(const struct m_seg *s, struct m_result *r) {
  struct m_tcb *t = &r->after;
  if (t->state == M_SYN_RECEIVED) {
    if (until(s->ack, t->snd_una) || before(t->snd_nxt, s->ack)) {
      by(r, R_SYN_RECEIVED_BAD_ACK);
      answer(r, M_RST, s->ack, 0);
      return false;
    }
    t->state = M_ESTABLISHED;
    r->events |= t->passive ? M_EV_ACCEPT : M_EV_ESTABLISHED;
    t->snd_una = s->ack;
    t->snd_wnd = s->wnd;
    t->snd_wl1 = s->seq;
    t->snd_wl2 = s->ack;
    return true;
  }
  if (before(t->snd_nxt, s->ack) || before(s->ack, t->snd_una - t->max_snd_wnd)) {
    by(r, before(t->snd_nxt, s->ack) ? R_ACK_TOO_NEW : R_ACK_TOO_OLD);
    send_ack(r);
    return false;
  }
  if (until(t->snd_una, s->ack)) {
    if (before(t->snd_wl1, s->seq) || (t->snd_wl1 == s->seq && until(t->snd_wl2, s->ack))) {
      t->snd_wnd = s->wnd;
      t->snd_wl1 = s->seq;
      t->snd_wl2 = s->ack;
    }
    t->snd_una = s->ack;
  }
  if (!t->fin_sent || t->snd_una != t->snd_nxt)
    return true;
  if (t->state == M_FIN_WAIT_1) {
    t->state = M_FIN_WAIT_2;
    t->merged = s->flags & M_FIN;
  } else if (t->state == M_CLOSING) {
    t->state = M_TIME_WAIT;
    r->events |= M_EV_END;
    r->end = M_END_CROSSED;
  } else if (t->state == M_LAST_ACK) {
    by(r, R_LAST_ACK);
    close_it(r, t->merged ? M_END_THREE : M_END_FOUR);
    return false;
  }
  return true;
}

/* 3.10.7.4 */
static void others(const struct m_seg *seg, const struct m_sizes *z, struct m_result *r) {
  struct m_tcb *t = &r->after;
  struct m_seg copy = *seg, *s = &copy;
  if (t->ts && !s->ts && !(s->flags & (M_RST | M_SYN))) {
    by(r, R_BARE);
    return;
  }
  if ((s->flags & (M_FIN | M_SYN | M_RST | M_ACK)) == M_FIN) {
    by(r, R_FIN_WITHOUT_ACK);
    return;
  }
  if (s->flags & M_RST) {
    reset(s, r);
    return;
  }
  if (t->ts && s->ts && before(s->tsval, t->ts_recent)) {
    by(r, R_PAWS);
    send_ack(r);
    return;
  }
  if (t->state == M_SYN_RECEIVED && t->passive && (s->flags & (M_SYN | M_ACK)) == M_SYN && s->seq == t->irs) {
    by(r, R_SYN_AGAIN);
    answer(r, M_SYN | M_ACK, t->iss, t->rcv_nxt);
    return;
  }
  bool crossed = t->state == M_SYN_RECEIVED && !t->passive && (s->flags & (M_SYN | M_ACK)) == (M_SYN | M_ACK) && s->seq == t->irs &&
                 s->ack == t->snd_nxt;
  bool probe = !t->rcv_wnd && (s->flags & (M_SYN | M_ACK)) == M_ACK && until(s->seq, t->rcv_nxt) && before(t->rcv_nxt, s->seq + seg_len(s));
  if (!acceptable(t, s->seq, seg_len(s)) && !crossed && !probe) {
    by(r, R_UNACCEPTABLE);
    send_ack(r);
    return;
  }
  if (crossed) {
    s->flags &= ~(unsigned)M_SYN;
    s->seq++;
  }
  if (s->flags & M_SYN) {
    by(r, R_SYN);
    send_ack(r);
    return;
  }
  if (!(s->flags & M_ACK)) {
    by(r, R_NO_ACK);
    return;
  }
  by(r, crossed ? R_CROSSED_SYN_ACK : probe ? R_PROBE : R_DONE);
  if (!ack_field(s, r))
    return;
  /* 7323 5.3 R3: at or before Last.ACK.sent. Decision: only of what has passed the checks of SYN and ACK. */
  if (t->ts && s->ts && until(s->seq, t->rcv_nxt))
    t->ts_recent = s->tsval;
  if (t->state == M_ESTABLISHED || t->state == M_FIN_WAIT_1 || t->state == M_FIN_WAIT_2)
    urgent(s, r);
  bool due = text_and_fin(s, r);
  if (r->rule == R_TEXT_AHEAD) {
    send_ack(r);
    due = false;
  }
  if (t->state != M_CLOSED && !transmit(r, z) && (due || probe))
    send_ack(r);
}

void m_arrives(const struct m_tcb *t, const struct m_seg *seg, const struct m_sizes *sizes, struct m_result *r) {
  *r = (struct m_result){.after = *t};
  switch (t->state) {
  case M_CLOSED:
    closed(seg, r);
    break;
  case M_LISTEN:
    listening(seg, sizes, r);
    break;
  case M_SYN_SENT:
    syn_sent(seg, sizes, r);
    break;
  case M_TIME_WAIT:
    time_wait(seg, sizes, r);
    break;
  default:
    others(seg, sizes, r);
  }
}
