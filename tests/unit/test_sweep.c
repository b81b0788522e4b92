/* SPDX-License-Identifier: MIT */
/*
 * Every state x 64 flag sets x positions of SEQ x positions of ACK x lengths against a model of RFC 9293 3.10.7 that was written
 * from its text (and RFC 5961, design 7), apart from the machine: the next state and the answer.
 */
/* lint: theme */
#include "dialogue.h"

enum { NONE = 1, A_ACK = 2, A_RST = 4, A_RST_ACK = 8, A_SYN_ACK = 16 }; /* answers, as a set of what is allowed */
struct verdict {
  enum la_state st;
  unsigned answers;
};
struct where {
  enum la_state st;
  enum dlg_side side;
  bool closed; /* la_close, not la_shutdown */
};
struct cas {
  struct where at;
  struct place p;
  unsigned flags;
  int64_t seq, ack; /* relative to RCV.NXT, and to the stack's ISS */
  uint32_t len, wnd;
};

static struct verdict keep(const struct cas *c, unsigned answers) { return (struct verdict){c->at.st, answers}; }

static struct verdict closed_or_listen(const struct cas *c) {
  unsigned f = c->flags;
  if (f & RST)
    return keep(c, NONE);
  if (f & ACK)
    return keep(c, A_RST);
  if (c->at.st == LA_CLOSED)
    return keep(c, A_RST_ACK);
  return f & SYN && !(f & FIN) ? (struct verdict){LA_SYN_RECEIVED, A_SYN_ACK} : keep(c, NONE);
}

static struct verdict syn_sent(const struct cas *c) {
  unsigned f = c->flags;
  if (f & ACK && c->ack != 1)
    return keep(c, f & RST ? NONE : A_RST);
  if (f & RST)
    return f & ACK ? (struct verdict){LA_CLOSED, NONE} : keep(c, NONE);
  if (!(f & SYN))
    return keep(c, NONE);
  if (!(f & ACK))
    return (struct verdict){LA_SYN_RECEIVED, A_SYN_ACK};
  return (struct verdict){f & FIN ? LA_CLOSE_WAIT : LA_ESTABLISHED, A_ACK};
}

/* Table 6 in the RFC's words. */
static bool acceptable(int64_t seq, int64_t len, int64_t wnd) {
  if (len == 0)
    return wnd == 0 ? seq == 0 : seq >= 0 && seq < wnd;
  return wnd > 0 && ((seq >= 0 && seq < wnd) || (seq + len > 0 && seq + len <= wnd) || (seq < 0 && seq + len > wnd));
}

static struct verdict time_wait(const struct cas *c) {
  unsigned f = c->flags & (SYN | ACK | FIN | RST);
  int64_t len = c->len + (f & SYN ? 1 : 0) + (f & FIN ? 1 : 0);
  if (f & RST || f == FIN || (!(f & (ACK | SYN)) && acceptable(c->seq, len, c->wnd)))
    return keep(c, NONE);
  if (f == (FIN | ACK) && c->seq + len == 0)
    return keep(c, A_ACK);
  return keep(c, f == ACK && len == 0 && c->seq == 0 && c->ack <= c->p.us ? NONE : A_ACK);
}

/* From the sixth step on: text, FIN. */
static struct verdict text_and_fin(const struct cas *c, enum la_state st, int64_t seq, int64_t len, bool fin, bool fin_acked) {
  bool reads = st == LA_ESTABLISHED || st == LA_FIN_WAIT_1 || st == LA_FIN_WAIT_2;
  enum la_state on = st == LA_FIN_WAIT_1 && fin_acked ? LA_FIN_WAIT_2 : st;
  if (!reads)
    return (struct verdict){on, NONE};
  int64_t first = seq < 0 ? 0 : seq, end = seq + len;
  if (end > c->wnd)
    end = c->wnd;
  if (seq + len >= c->wnd)
    fin = false;
  if (end > first && c->at.closed)
    return (struct verdict){LA_CLOSED, A_RST};
  if (end > first && first > 0)
    return (struct verdict){on, A_ACK}; /* a duplicate ACK */
  if (!fin)
    return (struct verdict){on, end > first ? NONE | A_ACK : NONE};
  if (seq + len > 0 && first > 0)
    return (struct verdict){on, A_ACK};
  return (struct verdict){st == LA_ESTABLISHED ? LA_CLOSE_WAIT : st == LA_FIN_WAIT_1 && !fin_acked ? LA_CLOSING : LA_TIME_WAIT, A_ACK};
}

static struct verdict synchronized(const struct cas *c) {
  unsigned f = c->flags;
  int64_t seq = c->seq, len = c->len, nxt = c->p.us;
  enum la_state st = c->at.st;
  bool passive_half = st == LA_SYN_RECEIVED && c->at.side == PASSIVE_OPEN;
  if (f & RST) {
    f &= ~(unsigned)(SYN | FIN);
    len = 0;
  }
  if (passive_half && (f & (SYN | ACK)) == SYN && seq == -1 && !(f & RST))
    return keep(c, A_SYN_ACK);
  if ((f & (FIN | ACK | SYN)) == FIN)
    return keep(c, NONE);
  if (st == LA_SYN_RECEIVED && !passive_half && (f & (SYN | ACK)) == (SYN | ACK) && seq == -1 && c->ack == 1) { /* figure 7 */
    f &= ~(unsigned)SYN;
    seq = 0;
  }
  if (!acceptable(seq, len + (f & SYN ? 1 : 0) + (f & FIN ? 1 : 0), c->wnd))
    return keep(c, f & RST ? NONE : A_ACK);
  if (f & RST)
    return seq == 0 ? (struct verdict){passive_half ? LA_LISTEN : LA_CLOSED, NONE} : keep(c, A_ACK);
  if (f & SYN)
    return keep(c, A_ACK);
  if (!(f & ACK))
    return keep(c, NONE);
  if (st == LA_SYN_RECEIVED) {
    if (c->ack != 1)
      return keep(c, A_RST);
    st = LA_ESTABLISHED;
  }
  bool fin_sent = st == LA_FIN_WAIT_1 || st == LA_CLOSING || st == LA_LAST_ACK;
  int64_t una = fin_sent ? nxt - 1 : nxt;
  if (c->ack > nxt || c->ack < una - 65535)
    return keep(c, A_ACK);
  bool fin_acked = fin_sent && c->ack == nxt;
  if (fin_acked && st == LA_CLOSING)
    return (struct verdict){LA_TIME_WAIT, NONE};
  if (fin_acked && st == LA_LAST_ACK)
    return (struct verdict){LA_CLOSED, NONE};
  return text_and_fin(c, st, seq, len, f & FIN, fin_acked);
}

static struct verdict model(const struct cas *c) {
  switch (c->at.st) {
  case LA_CLOSED:
  case LA_LISTEN:
    return closed_or_listen(c);
  case LA_SYN_SENT:
    return syn_sent(c);
  case LA_TIME_WAIT:
    return time_wait(c);
  default:
    return synchronized(c);
  }
}

static void check_answer(struct dlg *d, const struct cas *c, const struct verdict *v, const char *what) {
  unsigned got = NONE;
  uint32_t ack = (uint32_t)c->ack + d->f.irs;
  if (d->nout > 1)
    fail_msg("%s: %zu answers to one segment", what, d->nout);
  if (d->nout == 1) {
    const struct tcp_seg *s = &d->out[0].seg;
    unsigned f = s->flags & ~(unsigned)PSH;
    got = f == ACK ? A_ACK : f == RST ? A_RST : f == (RST | ACK) ? A_RST_ACK : f == (SYN | ACK) ? A_SYN_ACK : 0;
    if (s->flags & RST && c->flags & RST)
      fail_msg("%s: RST in answer to RST", what);
    if (got == A_RST && s->seq != ack)
      fail_msg("%s: RST is not at SEG.ACK", what);
    if (got == A_ACK && s->seq != d->f.irs + c->p.us && c->at.st != LA_SYN_SENT)
      fail_msg("%s: ACK is not at SND.NXT", what);
    if (got == A_RST_ACK && s->seq != 0)
      fail_msg("%s: RST,ACK is not at 0", what);
    if (s->len)
      fail_msg("%s: text from nowhere", what);
  }
  if (!(got & v->answers))
    fail_msg("%s: answer %x, the model allows %x", what, got, v->answers);
}

static unsigned long cases;
static void one(const struct cas *in) {
  struct cas c = *in;
  struct dlg *d = dlg_new(NULL);
  c.p = dlg_reach(d, c.at.st, c.at.side, c.at.closed);
  la_info_rec i;
  c.wnd = c.at.st >= LA_ESTABLISHED && la_info(d->s, d->conn, &i) == LA_OK ? i.rcv_wnd : 65535;
  if (c.seq >= 1 << 20)
    c.seq += c.wnd - (1 << 20); /* counted from the right edge */
  char b[32], what[160];
  snprintf(what, sizeof what, "%s%s %s, %s seq %+ld ack %ld len %u wnd %u", la_state_name(c.at.st), c.at.closed ? " (closed)" : "",
           c.at.side == PASSIVE_OPEN ? "passive" : "active", dlg_flags(c.flags, b), (long)c.seq, (long)c.ack, c.len, c.wnd);
  struct verdict v = model(&c);
  inject(d, c.flags, c.p.peer + (uint32_t)c.seq, (uint32_t)c.ack, c.len);
  dlg_pump(d);
  check_answer(d, &c, &v, what);
  enum la_state st = dlg_state(d);
  if (st == LA_LISTEN && v.st == LA_CLOSED && c.at.st != LA_LISTEN)
    st = LA_CLOSED;
  if (st != v.st)
    fail_msg("%s: now %s, the model says %s", what, la_state_name(st), la_state_name(v.st));
  dlg_free(d);
  cases++;
}

enum { EDGE = 1 << 20 };

static void sweep(void **state) {
  const struct where *at = *state;
  static const int64_t seqs[] = {-70000, -101, -1, 0, 1, 30000, EDGE - 1, EDGE, EDGE + 1, EDGE + 1000000, -(INT64_C(1) << 31)};
  static const uint32_t lens[] = {0, 1, 102, 1400};
  static const int64_t acks[] = {-70000, -1, 0, 1, 2, 3, 1000000};
  struct cas c = {.at = *at};
  for (c.flags = 0; c.flags < 64; c.flags++)
    for (unsigned s = 0; s < sizeof seqs / sizeof seqs[0]; s++)
      for (unsigned a = 0; a < (c.flags & ACK ? sizeof acks / sizeof acks[0] : 1); a++)
        for (unsigned l = 0; l < sizeof lens / sizeof lens[0]; l++) {
          if (c.flags & URG && (s % 3 || l % 2)) /* URG and PSH change nothing: a sample will do */
            continue;
          if (c.flags & PSH && (s % 2 || l % 2))
            continue;
          c.seq = seqs[s];
          c.ack = acks[a];
          c.len = lens[l];
          one(&c);
        }
}

/* Twice in a row: no ACK storm, and a challenge only once. */
static void repeated(void **state) {
  (void)state;
  for (enum la_state st = LA_SYN_RECEIVED; st < LA_STATES; st++)
    for (unsigned side = 0; side < 2; side++)
      for (unsigned flags = 0; flags < 64; flags++)
        for (int seq = -2; seq <= 2; seq++) {
          struct dlg *d = dlg_new(NULL);
          struct place p = dlg_reach(d, st, (enum dlg_side)side, false);
          uint64_t before = d->sent;
          for (unsigned i = 0; i < 10; i++) {
            inject(d, flags, p.peer + (uint32_t)(seq * 70), p.us, flags & PSH ? 20 : 0);
            dlg_pump(d);
          }
          bool text = flags & (PSH | FIN); /* what occupies sequence space may draw an ACK each time, nothing else may */
          bool stranger = !(flags & RST) && dlg_state(d) <= LA_LISTEN;
          if (!text && !stranger && d->sent - before > 2)
            fail_msg("%s, flags %x, seq %d: %lu answers", la_state_name(st), flags, seq, (unsigned long)(d->sent - before));
          assert_true(d->sent - before <= 10);
          dlg_free(d);
        }
}

#define AT(name, ...) \
  { \
    name, sweep, NULL, NULL, &(struct where) { __VA_ARGS__ } \
  }
int main(void) {
  const struct CMUnitTest tests[] = {
    AT("CLOSED", LA_CLOSED, ACTIVE_OPEN, false),
    AT("LISTEN", LA_LISTEN, PASSIVE_OPEN, false),
    AT("SYN-SENT", LA_SYN_SENT, ACTIVE_OPEN, false),
    AT("SYN-RECEIVED, passive", LA_SYN_RECEIVED, PASSIVE_OPEN, false),
    AT("SYN-RECEIVED, active", LA_SYN_RECEIVED, ACTIVE_OPEN, false),
    AT("ESTABLISHED", LA_ESTABLISHED, ACTIVE_OPEN, false),
    AT("ESTABLISHED, passive", LA_ESTABLISHED, PASSIVE_OPEN, false),
    AT("FIN-WAIT-1", LA_FIN_WAIT_1, ACTIVE_OPEN, false),
    AT("FIN-WAIT-1, closed", LA_FIN_WAIT_1, ACTIVE_OPEN, true),
    AT("FIN-WAIT-2", LA_FIN_WAIT_2, ACTIVE_OPEN, false),
    AT("FIN-WAIT-2, closed", LA_FIN_WAIT_2, ACTIVE_OPEN, true),
    AT("CLOSE-WAIT", LA_CLOSE_WAIT, ACTIVE_OPEN, false),
    AT("CLOSING", LA_CLOSING, ACTIVE_OPEN, false),
    AT("CLOSING, closed", LA_CLOSING, ACTIVE_OPEN, true),
    AT("LAST-ACK", LA_LAST_ACK, ACTIVE_OPEN, true),
    AT("TIME-WAIT", LA_TIME_WAIT, ACTIVE_OPEN, false),
    cmocka_unit_test(repeated),
  };
  int failed = cmocka_run_group_tests(tests, 0, 0);
  print_message("%lu segments\n", cases);
  return failed;
}
