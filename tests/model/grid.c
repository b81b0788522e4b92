/* SPDX-License-Identifier: MIT */
#include "tests/model/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct m_sizes grid_sizes = {.rcv_wnd = SIDE_RCV_WND, .mss = PACKET_MSS};

static const char *const seq_name[G_SEQ] = {"RCV.NXT",
                                            "RCV.NXT-1",
                                            "RCV.NXT+1",
                                            "IRS",
                                            "RCV.NXT-SEG.LEN",
                                            "RCV.NXT-SEG.LEN+1",
                                            "the last of the window",
                                            "the edge",
                                            "the edge+1",
                                            "the edge-SEG.LEN",
                                            "half the window",
                                            "RCV.NXT+2^31",
                                            "RCV.NXT-2^30"};
static const char *const ack_name[G_ACK] = {
  "SND.NXT", "SND.UNA", "SND.UNA-1", "SND.UNA+1", "SND.NXT-1", "SND.NXT+1", "SND.UNA-MAX.SND.WND", "one before", "SND.NXT+2^30"};

static const char *const ts_name[G_TS] = {"no timestamp", "old timestamp", "new timestamp", "timestamp TS.Recent"};

static uint32_t seq_of(unsigned pos, const struct m_tcb *t, uint32_t len) {
  uint32_t nxt = t->rcv_nxt, edge = nxt + t->rcv_wnd;
  const uint32_t at[G_SEQ] = {nxt,
                              nxt - 1,
                              nxt + 1,
                              t->irs,
                              nxt - len,
                              nxt - len + 1,
                              edge - 1,
                              edge,
                              edge + 1,
                              edge - len,
                              nxt + t->rcv_wnd / 2,
                              nxt + 0x80000000u,
                              nxt - 0x40000000u};
  return at[pos];
}
static uint32_t ack_of(unsigned pos, const struct m_tcb *t) {
  uint32_t una = t->snd_una, nxt = t->snd_nxt, low = una - t->max_snd_wnd;
  const uint32_t at[G_ACK] = {nxt, una, una - 1, una + 1, nxt - 1, nxt + 1, low, low - 1, nxt + 0x40000000u};
  return at[pos];
}

struct digits grid_digits(uint32_t n) {
  struct digits d;
  d.ts = n % G_TS, n /= G_TS;
  d.wnd = n % G_WND, n /= G_WND;
  d.text = n % G_TEXT, n /= G_TEXT;
  d.ack = n % G_ACK, n /= G_ACK;
  d.seq = n % G_SEQ, n /= G_SEQ;
  d.flags = n;
  return d;
}

void grid_segment(uint32_t n, const struct m_tcb *t, struct m_seg *seg) {
  struct digits d = grid_digits(n);
  const uint32_t lens[G_TEXT] = {0, 1, PACKET_MSS, t->rcv_wnd + 100};
  *seg = (struct m_seg){.flags = d.flags, .len = lens[d.text], .wnd = d.wnd ? SIDE_OPEN_WND : 0};
  seg->seq = seq_of(d.seq, t, seg->len + (d.flags & M_SYN ? 1 : 0) + (d.flags & M_FIN ? 1 : 0));
  seg->ack = ack_of(d.ack, t);
  if (d.flags & M_URG)
    seg->up = (seg->len ? seg->len : 1) + (d.flags & M_PSH ? 100 : 0);
  seg->ts = d.ts != 0;
  seg->tsval = TS_RECENT + (d.ts == 2 ? 5 : d.ts == 1 ? -1u : 0);
  seg->tsecr = d.flags & M_ACK ? t->tsval : 0;
}

/* ---- comparison ---- */

struct list {
  char *at;
  size_t cap, used;
};
static void add(struct list *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct list *l, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(l->at + l->used, l->cap - l->used, fmt, ap);
  va_end(ap);
  if (n > 0 && l->used + (size_t)n < l->cap)
    l->used += (size_t)n;
}

static void compare_answers(const struct m_result *r, const struct stand *st, struct list *l) {
  if (st->nout != r->n) {
    add(l, " %u segments, not %u;", st->nout, r->n);
    return;
  }
  for (unsigned i = 0; i < r->n; i++) {
    const struct m_out *o = &r->out[i];
    const struct heard *h = &st->out[i];
    if (h->flags != o->flags)
      add(l, " flags %02x, not %02x;", h->flags, o->flags);
    if (o->new_iss ? (int32_t)(h->seq - o->seq) <= 0 && o->seq : h->seq != o->seq)
      add(l, " SEQ %u, not %u;", h->seq, o->seq);
    if (o->flags & M_ACK && h->ack != o->ack)
      add(l, " ACK %u, not %u;", h->ack, o->ack);
    if (h->len != o->len)
      add(l, " %u bytes of text, not %u;", h->len, o->len);
    if (r->after.ts && !(h->flags & M_RST) && (!h->ts || h->tsecr != r->after.ts_recent))
      add(l, " %s %u, not %u;", h->ts ? "TSecr" : "no TSecr", h->tsecr, r->after.ts_recent);
    if (!r->after.ts && h->ts)
      add(l, " a timestamp;");
  }
}

static void compare_end(const struct m_result *r, const struct stand *st, struct list *l) {
  static const struct {
    enum la_why why;
    enum la_how how;
    int err;
  } want[] = {
    [M_END_RESET] = {LA_WHY_PEER_RESET, LA_HOW_RESET, LA_ECONNRESET},
    [M_END_HALF_OPEN] = {LA_WHY_HALF_OPEN, LA_HOW_RESET, LA_ECONNRESET},
    [M_END_REFUSED] = {LA_WHY_REFUSED, LA_HOW_RESET, LA_ECONNREFUSED},
    [M_END_DATA] = {LA_WHY_DATA_AFTER_CLOSE, LA_HOW_RESET, LA_ECONNABORTED},
    [M_END_THREE] = {LA_WHY_CLOSE, LA_HOW_THREE_SEGMENTS, LA_OK},
    [M_END_FOUR] = {LA_WHY_CLOSE, LA_HOW_FOUR_SEGMENTS, LA_OK},
    [M_END_CROSSED] = {LA_WHY_CLOSE, LA_HOW_SIMULTANEOUS, LA_OK},
  };
  const la_end *e = &st->end;
  if (r->end && st->nend == 1 && (e->why != want[r->end].why || e->how != want[r->end].how || e->err != want[r->end].err))
    add(l, " END %s, %s, %s, not %s, %s, %s;", la_why_name(e->why), la_how_name(e->how), la_err_name(e->err), la_why_name(want[r->end].why),
        la_how_name(want[r->end].how), la_err_name(want[r->end].err));
  if (st->nend > 1)
    add(l, " %u ENDs;", st->nend);
}

static void compare_variables(const struct m_tcb *before, const struct m_result *r, struct stand *st, struct list *l) {
  const struct m_tcb *t = &r->after;
  la_info_rec i;
  if (!st->has_conn || before->state == M_TIME_WAIT || t->state < M_SYN_SENT || t->state == M_TIME_WAIT)
    return;
  if (la_info(st->s, st->conn, &i) != LA_OK) {
    add(l, " no connection;");
    return;
  }
  if (i.snd_una != t->snd_una || i.snd_nxt != t->snd_nxt)
    add(l, " SND.UNA %u and SND.NXT %u, not %u and %u;", i.snd_una, i.snd_nxt, t->snd_una, t->snd_nxt);
  if (t->state >= M_SYN_RECEIVED && i.rcv_nxt != t->rcv_nxt)
    add(l, " RCV.NXT %u, not %u;", i.rcv_nxt, t->rcv_nxt);
  if (t->state < M_ESTABLISHED)
    return;
  if (i.snd_wnd != t->snd_wnd)
    add(l, " SND.WND %u, not %u;", i.snd_wnd, t->snd_wnd);
  uint32_t consumed = t->rcv_nxt - t->unread, urgent = t->alerted && t->rcv_up - consumed < 1u << 31 ? t->rcv_up - consumed : 0;
  if (t->reader && t->state <= M_FIN_WAIT_2 && i.urgent != urgent)
    add(l, " %u bytes to the end of urgent data, not %u;", i.urgent, urgent);
  if (t->reader && i.unread != t->unread)
    add(l, " %u bytes to read, not %u;", i.unread, t->unread);
}

bool grid_compare(const struct m_tcb *before, const struct m_result *r, struct stand *st, char *why, size_t cap) {
  struct list l = {why, cap, 0};
  why[0] = 0;
  enum la_state is = stand_state(st);
  enum m_state want = r->after.state == M_CLOSED && before->listener ? M_LISTEN : r->after.state;
  if (is != (enum la_state)want)
    add(&l, " %s, not %s;", la_state_name(is), la_state_name((enum la_state)want));
  compare_answers(r, st, &l);
  la_time due = before->state == M_TIME_WAIT && is == LA_TIME_WAIT ? stand_2msl(st) : 0;
  if (due && (due == st->now + 60 * LA_SEC) != r->restarts)
    add(&l, " 2MSL %s;", r->restarts ? "goes on" : "begins anew");
  if (st->events != r->events)
    add(&l, " events %02x, not %02x;", st->events, r->events);
  compare_end(r, st, &l);
  compare_variables(before, r, st, &l);
  if (!l.used && r->after.reader && r->after.unread && r->after.unread != before->unread && st->has_conn &&
      !stand_read_matches(st, r->after.unread))
    add(&l, " other bytes than were sent;");
  return l.used == 0;
}

/* ---- at length ---- */

static const char *flags_text(unsigned flags, char buf[32]) {
  static const char *const word[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
  char *at = buf;
  *at = 0;
  for (unsigned i = 0; i < 6; i++)
    if (flags >> i & 1)
      at += sprintf(at, "%s%s", at == buf ? "" : ",", word[i]);
  return *buf ? buf : "no flag";
}
static void events_text(unsigned events) {
  static const char *const word[] = {"ACCEPT", "ESTABLISHED", "URGENT", "READABLE", "PEER_FIN", "END"};
  for (unsigned i = 0; i < 6; i++)
    if (events >> i & 1)
      printf(" %s", word[i]);
  printf("%s\n", events ? "" : " nothing");
}

void grid_print(uint32_t n) {
  static const char *const text_name[G_TEXT] = {"no text", "1 byte", "MSS bytes", "RCV.WND+100 bytes"};
  struct digits d = grid_digits(n);
  char b[32];
  printf("%s, SEQ %s, ACK %s, %s, window %s, %s\n", flags_text(d.flags, b), seq_name[d.seq], ack_name[d.ack], text_name[d.text],
         d.wnd ? "open" : "shut", ts_name[d.ts]);
}

void grid_explain(const struct place *p, bool six, uint32_t n, const struct m_tcb *t, const struct m_seg *seg, const struct m_result *r,
                  struct stand *st) {
  struct digits d = grid_digits(n);
  char name[80], b[32];
  printf(
    "  place    %s, IPv%d, timestamps %s; RCV.NXT %u RCV.WND %u SND.UNA %u SND.NXT %u SND.WND %u MAX.SND.WND %u WL1 %u WL2 %u unread %u\n",
    place_name(p, name, sizeof name), six ? 6 : 4, t->ts ? "agreed" : "not agreed", t->rcv_nxt, t->rcv_wnd, t->snd_una, t->snd_nxt,
    t->snd_wnd, t->max_snd_wnd, t->snd_wl1, t->snd_wl2, t->unread);
  printf("  segment  %s, SEQ %u (%s), ACK %u (%s), %u bytes, window %u, urgent pointer %u, %s\n", flags_text(seg->flags, b), seg->seq,
         seq_name[d.seq], seg->ack, ack_name[d.ack], seg->len, seg->wnd, seg->up, ts_name[d.ts]);
  printf("  model    %s: %s (%s)\n           -> %s;", m_rule_text[r->rule].clause, m_rule_text[r->rule].text, m_rule_text[r->rule].name,
         la_state_name((enum la_state)r->after.state));
  for (unsigned i = 0; i < r->n; i++)
    printf(" %s SEQ %u ACK %u len %u;", flags_text(r->out[i].flags, b), r->out[i].seq, r->out[i].ack, r->out[i].len);
  printf(" told");
  events_text(r->events);
  printf("  stack    -> %s;", la_state_name(stand_state(st)));
  for (unsigned i = 0; i < st->nout && i < SIDE_OUT; i++)
    printf(" %s SEQ %u ACK %u len %u;", flags_text(st->out[i].flags, b), st->out[i].seq, st->out[i].ack, st->out[i].len);
  printf(" told");
  events_text(st->events);
}
