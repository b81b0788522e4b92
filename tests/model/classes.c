/* SPDX-License-Identifier: MIT */
#include "tests/model/classes.h"

#include <stdio.h>
#include <string.h>

const char *const class_name[CLASSES] = {
#define CLASS(name, text) text,
#include "tests/model/class_list.h"
#undef CLASS
};

bool outcome_same(const struct outcome *a, const struct outcome *b) {
  if (a->state != b->state || a->n != b->n || a->has_app != b->has_app)
    return false;
  for (unsigned i = 0; i < a->n && i < 2; i++)
    if (a->out[i].flags != b->out[i].flags || a->out[i].seq != b->out[i].seq || a->out[i].ack != b->out[i].ack ||
        a->out[i].len != b->out[i].len || a->out[i].echo != b->out[i].echo)
      return false;
  if (!a->has_app || a->err != b->err)
    return !a->has_app;
  return a->err || (a->eof == b->eof && a->urgent == b->urgent && a->unread == b->unread); /* after an error the rest means nothing */
}

static void flags_print(unsigned flags) {
  static const char *const word[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
  const char *comma = "";
  for (unsigned i = 0; i < 6; i++)
    if (flags >> i & 1) {
      printf("%s%s", comma, word[i]);
      comma = ",";
    }
  printf("%s", flags ? "" : "no flag");
}

void outcome_print(const struct outcome *o) {
  printf("%s;", la_state_name((enum la_state)o->state));
  for (unsigned i = 0; i < o->n && i < 2; i++) {
    printf(" ");
    flags_print(o->out[i].flags);
    printf(" SEQ %+d ACK %+d len %u echo %d;", (int)o->out[i].seq, (int)o->out[i].ack, o->out[i].len, o->out[i].echo);
  }
  if (o->n > 2)
    printf(" %u in all;", o->n);
  printf(" %s, unread %u, err %d%s%s\n", o->has_app ? "application" : "nobody", o->unread, o->err, o->eof ? ", end of stream" : "",
         o->urgent ? ", urgent" : "");
}

void question_print(const struct question *q) {
  char name[80];
  printf("%s, IPv%d, timestamps %s\n  segment  ", place_name(q->place, name, sizeof name), q->six ? 6 : 4, q->ts ? "agreed" : "not agreed");
  grid_print(q->n);
}

static bool later_than(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }

static bool silent(const struct outcome *o) { return o->n == 0; }
/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> and nothing else. */
static bool an_ack(const struct outcome *o) { return o->n == 1 && o->out[0].flags == M_ACK && !o->out[0].len && !o->out[0].ack; }
static bool a_reset(const struct outcome *o) { return o->n == 1 && o->out[0].flags & M_RST; }
/* The same but for the answer. */
static bool else_same(const struct outcome *a, const struct outcome *b) {
  struct outcome c = *b;
  c.n = a->n;
  memcpy(c.out, a->out, sizeof c.out);
  return outcome_same(a, &c);
}

/* Where the two stand, for the predicates below. */
struct case_ {
  const struct question *q;
  const struct outcome *ours, *theirs;
  unsigned f; /* FIN, SYN, RST, ACK */
  enum m_state st;
  int32_t rel;       /* SEG.SEQ - RCV.NXT */
  uint32_t len;      /* SEG.LEN */
  bool stays, alike; /* neither changes the state; they differ in their answers alone */
  bool beyond;       /* it ends beyond the window */
};

static enum difference reset_class(const struct case_ *c) {
  if (c->st == M_TIME_WAIT)
    return c->stays ? CLASSES : C_TW_RST;
  if (c->st == M_SYN_RECEIVED && c->q->t.passive && c->theirs->state == c->st && silent(c->theirs) && c->q->t.ts && c->q->seg.ts &&
      later_than(c->q->t.ts_recent, c->q->seg.tsval))
    return C_HALF_OLD_RST;
  if (c->alike && silent(c->ours) && an_ack(c->theirs))
    return C_RST_LENGTH;
  if (c->beyond && silent(c->theirs) && c->theirs->state == c->st)
    return C_RST_BEYOND;
  if (c->rel == -1 && (c->st == M_CLOSE_WAIT || c->st == M_CLOSING || c->st == M_LAST_ACK) && c->theirs->state == M_CLOSED &&
      silent(c->theirs))
    return C_RST_AFTER_FIN;
  if (c->ours->state == M_CLOSED && c->theirs->state == M_CLOSED && c->ours->err && c->theirs->err)
    return C_RESET_ERROR;
  return CLASSES;
}

static enum difference time_wait_class(const struct case_ *c) {
  if (c->f == M_SYN && (c->ours->state == M_SYN_RECEIVED || c->theirs->state == M_SYN_RECEIVED))
    return C_TW_TAKEOVER;
  if (c->f & M_ACK && c->alike && an_ack(c->ours) && silent(c->theirs) && c->q->seg.ack - c->q->t.snd_nxt - 1 < 0x7fffffff)
    return C_TW_ACK_UNSENT;
  if (c->alike && !(c->f & (M_ACK | M_SYN)) && silent(c->ours) && an_ack(c->theirs))
    return C_TW_NO_ACK_BIT;
  if ((c->f & (M_SYN | M_FIN | M_ACK)) == (M_SYN | M_FIN) && an_ack(c->ours) && silent(c->theirs))
    return C_TW_SYN_FIN;
  if (c->f == M_ACK && !c->len && !c->rel && c->alike && silent(c->ours) && an_ack(c->theirs))
    return C_TW_OLD_ACK;
  struct outcome echo = *c->theirs;
  echo.out[0].echo = c->ours->out[0].echo;
  return outcome_same(c->ours, &echo) ? C_ECHO : CLASSES;
}

static enum difference synchronized_class(const struct case_ *c) {
  const struct m_tcb *t = &c->q->t;
  const struct m_seg *seg = &c->q->seg;
  struct outcome echo = *c->theirs;
  echo.out[0].echo = c->ours->out[0].echo;
  if (c->st == M_SYN_SENT && c->f & M_ACK)
    return c->len > 1 && c->theirs->state == M_ESTABLISHED ? C_BESIDE_SYN : CLASSES;
  if (c->st == M_SYN_SENT)
    return outcome_same(c->ours, &echo) && c->ours->out[0].flags == (M_SYN | M_ACK) ? C_SYN_ACK_STAMP : CLASSES;
  echo.urgent = c->ours->urgent;
  if (outcome_same(c->ours, &echo))
    return C_ECHO;
  if (c->f & M_FIN && !t->rcv_wnd && !seg->len && c->theirs->eof)
    return C_FIN_ZERO_WINDOW;
  if (c->f & M_ACK && later_than(seg->ack, t->snd_nxt) && c->st == M_ESTABLISHED && c->alike && silent(c->ours) && an_ack(c->theirs))
    return C_ACK_UNSENT;
  if (t->ts && seg->ts && later_than(t->ts_recent, seg->tsval) && c->f == M_ACK && !seg->len && c->alike && silent(c->theirs))
    return C_PAWS_OLD_ACK;
  if (c->rel == (int64_t)t->rcv_wnd && an_ack(c->ours) && c->ours->state == c->st)
    return C_EDGE;
  if (c->len && c->rel + (int64_t)c->len == 0 && an_ack(c->ours) && c->ours->state == c->st)
    return C_ENDS_AT_NXT;
  if (c->beyond && c->theirs->state == c->st && an_ack(c->theirs) && !c->theirs->unread && c->f & M_ACK)
    return C_BEYOND_REFUSED;
  if ((c->st == M_CLOSE_WAIT || c->st == M_CLOSING || c->st == M_LAST_ACK) && seg->len && c->rel < 0 && c->rel + (int64_t)c->len > 0)
    return C_TEXT_AFTER_FIN;
  if (c->f & M_ACK && later_than(t->snd_una, seg->ack) && c->theirs->state == c->st && an_ack(c->theirs) && !c->theirs->unread)
    return C_ACK_TOO_OLD;
  if (c->beyond && c->rel <= 0 && seg->len && (c->theirs->unread > c->ours->unread || c->theirs->eof > c->ours->eof))
    return C_BEYOND_TAKEN;
  if (c->ours->state == c->theirs->state && c->ours->n + c->theirs->n == 3 && (c->theirs->out[0].len || c->theirs->out[1].len))
    return C_DUPLICATE_ALONE;
  if (c->alike && c->rel < 0 && c->f & M_ACK && later_than(seg->ack, t->snd_una) && c->ours->n == c->theirs->n)
    return C_OLD_WINDOW;
  if (c->q->place->hidden & P_UNREAD && c->ours->state == c->theirs->state && c->theirs->unread - c->ours->unread == t->unread)
    return C_BUFFER;
  if (!t->reader && c->f & M_FIN && !seg->len && c->rel > 0 && a_reset(c->theirs) && c->theirs->state == M_CLOSED)
    return C_FIN_AHEAD_CLOSED;
  return CLASSES;
}

/* A half-open record of Linux looks at the ACK field before the sequence number. */
static enum difference half_class(const struct case_ *c) {
  if (c->f & M_SYN && an_ack(c->ours) && a_reset(c->theirs))
    return C_HALF_SYN;
  if (c->f & M_ACK && an_ack(c->ours) && a_reset(c->theirs))
    return C_HALF_ACK;
  if (!(c->f & M_ACK) && c->alike && silent(c->ours) && an_ack(c->theirs))
    return C_HALF_NO_ACK_BIT;
  if (!c->q->t.passive && c->f & M_ACK && c->q->seg.ack == c->q->t.snd_una && a_reset(c->ours) && c->theirs->state >= M_ESTABLISHED)
    return C_CROSSED_ACK;
  if (c->q->t.passive && (c->f & (M_SYN | M_ACK)) == (M_SYN | M_ACK) && c->theirs->state == c->st && c->theirs->has_app)
    return C_HALF_SYN_ACK;
  if (!c->q->t.passive && c->f & M_SYN && c->alike && silent(c->ours) && an_ack(c->theirs))
    return C_CROSSED_SYN_ACK;
  if (c->f & M_SYN && c->len > 1 && c->ours->state >= M_ESTABLISHED && c->theirs->state == c->st)
    return C_BESIDE_SYN;
  return synchronized_class(c);
}

enum difference class_of(const struct question *q, const struct outcome *ours, const struct outcome *theirs) {
  struct outcome told = *theirs;
  if (q->seg.flags & M_URG) { /* a class of its own, and no reason not to see another */
    told.urgent = ours->urgent;
    theirs = &told;
    if (outcome_same(ours, theirs))
      return C_URGENT;
  }
  struct case_ c = {q, ours, theirs, .f = q->seg.flags & (M_FIN | M_SYN | M_RST | M_ACK), .st = q->place->st};
  c.rel = (int32_t)(q->seg.seq - q->t.rcv_nxt);
  c.len = q->seg.len + (c.f & M_SYN ? 1 : 0) + (c.f & M_FIN ? 1 : 0);
  c.stays = ours->state == c.st && theirs->state == c.st;
  c.alike = else_same(ours, theirs);
  c.beyond = c.rel + (int64_t)c.len > q->t.rcv_wnd;
  if (c.st == M_FIN_WAIT_2 && !q->t.reader) /* a record of Linux's TIME-WAIT */
    return C_FIN_WAIT_2;
  if (c.f & M_RST)
    return reset_class(&c);
  if (c.st == M_TIME_WAIT)
    return time_wait_class(&c);
  if (c.alike && !(c.f & (M_ACK | M_SYN)) && an_ack(ours) && silent(theirs))
    return C_NO_ACK_BIT;
  if (c.st == M_SYN_RECEIVED)
    return half_class(&c);
  return synchronized_class(&c);
}
