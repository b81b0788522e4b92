/* SPDX-License-Identifier: MIT */
/*
 * The state diagram of RFC 9293 3.3.2 as a table, and the only writer of conn.state. A state and a cause determine the next
 * state; what is not in the table cannot happen (LA_CHECK). Entry actions stand here too: each waiting state's own clock
 * is started on entry, and the instants for the END record are taken.
 */
#include "base/check.h"
#include "tcp/tcp.h"

enum { EITHER, ACTIVE, PASSIVE };
struct row {
  uint8_t from, cause, to, side;
};

/* A RST in SYN-RECEIVED returns a passive opener to LISTEN and ends an active one (RFC 9293 3.10.7.4). */
/* clang-format off */
#define DIAGRAM(X) \
  X(LA_CLOSED, LA_ON_LISTEN, LA_LISTEN, EITHER) \
  X(LA_CLOSED, LA_ON_CONNECT, LA_SYN_SENT, EITHER) \
  X(LA_LISTEN, LA_ON_SYN, LA_SYN_RECEIVED, EITHER) \
  X(LA_LISTEN, LA_ON_CLOSE, LA_CLOSED, EITHER) \
  X(LA_SYN_SENT, LA_ON_SYN, LA_SYN_RECEIVED, EITHER) \
  X(LA_SYN_SENT, LA_ON_SYN_ACK, LA_ESTABLISHED, EITHER) \
  X(LA_SYN_SENT, LA_ON_CLOSE, LA_CLOSED, EITHER) \
  X(LA_SYN_SENT, LA_ON_ABORT, LA_CLOSED, EITHER) \
  X(LA_SYN_SENT, LA_ON_RST, LA_CLOSED, EITHER) \
  X(LA_SYN_SENT, LA_ON_TIMEOUT, LA_CLOSED, EITHER) \
  X(LA_SYN_SENT, LA_ON_ICMP, LA_CLOSED, EITHER) \
  X(LA_SYN_RECEIVED, LA_ON_ACK_OF_SYN, LA_ESTABLISHED, EITHER) \
  X(LA_SYN_RECEIVED, LA_ON_RST, LA_LISTEN, PASSIVE) \
  X(LA_SYN_RECEIVED, LA_ON_RST, LA_CLOSED, ACTIVE) \
  X(LA_SYN_RECEIVED, LA_ON_ABORT, LA_CLOSED, EITHER) \
  X(LA_SYN_RECEIVED, LA_ON_TIMEOUT, LA_CLOSED, EITHER) \
  X(LA_SYN_RECEIVED, LA_ON_ICMP, LA_CLOSED, EITHER) \
  X(LA_SYN_RECEIVED, LA_ON_POLICY, LA_CLOSED, EITHER) \
  X(LA_ESTABLISHED, LA_ON_CLOSE, LA_FIN_WAIT_1, EITHER) \
  X(LA_ESTABLISHED, LA_ON_SHUTDOWN, LA_FIN_WAIT_1, EITHER) \
  X(LA_ESTABLISHED, LA_ON_FIN, LA_CLOSE_WAIT, EITHER) \
  X(LA_ESTABLISHED, LA_ON_RST, LA_CLOSED, EITHER) \
  X(LA_ESTABLISHED, LA_ON_ABORT, LA_CLOSED, EITHER) \
  X(LA_ESTABLISHED, LA_ON_TIMEOUT, LA_CLOSED, EITHER) \
  X(LA_ESTABLISHED, LA_ON_ICMP, LA_CLOSED, EITHER) \
  X(LA_ESTABLISHED, LA_ON_POLICY, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_1, LA_ON_ACK_OF_FIN, LA_FIN_WAIT_2, EITHER) \
  X(LA_FIN_WAIT_1, LA_ON_FIN, LA_CLOSING, EITHER) \
  X(LA_FIN_WAIT_1, LA_ON_FIN_AND_ACK, LA_TIME_WAIT, EITHER) \
  X(LA_FIN_WAIT_1, LA_ON_RST, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_1, LA_ON_ABORT, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_1, LA_ON_DATA, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_1, LA_ON_TIMEOUT, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_1, LA_ON_ICMP, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_1, LA_ON_POLICY, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_2, LA_ON_FIN, LA_TIME_WAIT, EITHER) \
  X(LA_FIN_WAIT_2, LA_ON_RST, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_2, LA_ON_ABORT, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_2, LA_ON_DATA, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_2, LA_ON_TIMEOUT, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_2, LA_ON_ICMP, LA_CLOSED, EITHER) \
  X(LA_FIN_WAIT_2, LA_ON_POLICY, LA_CLOSED, EITHER) \
  X(LA_CLOSE_WAIT, LA_ON_CLOSE, LA_LAST_ACK, EITHER) \
  X(LA_CLOSE_WAIT, LA_ON_SHUTDOWN, LA_LAST_ACK, EITHER) \
  X(LA_CLOSE_WAIT, LA_ON_RST, LA_CLOSED, EITHER) \
  X(LA_CLOSE_WAIT, LA_ON_ABORT, LA_CLOSED, EITHER) \
  X(LA_CLOSE_WAIT, LA_ON_TIMEOUT, LA_CLOSED, EITHER) \
  X(LA_CLOSE_WAIT, LA_ON_ICMP, LA_CLOSED, EITHER) \
  X(LA_CLOSE_WAIT, LA_ON_POLICY, LA_CLOSED, EITHER) \
  X(LA_CLOSING, LA_ON_ACK_OF_FIN, LA_TIME_WAIT, EITHER) \
  X(LA_CLOSING, LA_ON_RST, LA_CLOSED, EITHER) \
  X(LA_CLOSING, LA_ON_ABORT, LA_CLOSED, EITHER) \
  X(LA_CLOSING, LA_ON_TIMEOUT, LA_CLOSED, EITHER) \
  X(LA_CLOSING, LA_ON_ICMP, LA_CLOSED, EITHER) \
  X(LA_CLOSING, LA_ON_POLICY, LA_CLOSED, EITHER) \
  X(LA_LAST_ACK, LA_ON_ACK_OF_FIN, LA_CLOSED, EITHER) \
  X(LA_LAST_ACK, LA_ON_RST, LA_CLOSED, EITHER) \
  X(LA_LAST_ACK, LA_ON_ABORT, LA_CLOSED, EITHER) \
  X(LA_LAST_ACK, LA_ON_TIMEOUT, LA_CLOSED, EITHER) \
  X(LA_LAST_ACK, LA_ON_ICMP, LA_CLOSED, EITHER) \
  X(LA_LAST_ACK, LA_ON_POLICY, LA_CLOSED, EITHER) \
  X(LA_TIME_WAIT, LA_ON_2MSL, LA_CLOSED, EITHER) \
  X(LA_TIME_WAIT, LA_ON_SYN, LA_SYN_RECEIVED, EITHER) /* RFC 6191, RFC 9293 MAY-2 */ \
  X(LA_TIME_WAIT, LA_ON_POLICY, LA_CLOSED, EITHER)
/* clang-format on */

#define ROW(from, cause, to, side) {from, cause, to, side},
static const struct row table[] = {DIAGRAM(ROW)};
/* The same, to be looked up: the next state and 1; 0: there is none. */
#define NEXT(from, cause, to, side) [from][side][cause] = (to) + 1,
static const uint8_t next[LA_STATES][PASSIVE + 1][LA_CAUSES] = {DIAGRAM(NEXT)};
#define ROWS (sizeof table / sizeof table[0])

bool la_transition_get(size_t i, la_transition *out) {
  if (i >= ROWS)
    return false;
  *out = (la_transition){(enum la_state)table[i].from, (enum la_state)table[i].to, (enum la_cause)table[i].cause};
  return true;
}

enum la_state la__state_next(enum la_state from, enum la_cause cause, bool passive) {
  unsigned to = next[from][EITHER][cause];
  if (!to)
    to = next[from][passive ? PASSIVE : ACTIVE][cause];
  LA_CHECK(to); /* else the diagram does not have it */
  return (enum la_state)(to - 1);
}

static void trace_transition(struct tcp *t, const struct key *k, const struct conn *c, enum la_state from, enum la_state to,
                             enum la_cause cause, uint8_t fresh) {
  la_trace_rec *r = la__trace_rec(t, k, c, LA_TRACE_TRANSITION);
  r->from = (uint8_t)from;
  r->to = (uint8_t)to;
  r->cause = (uint8_t)cause;
  r->fresh = fresh;
  if (c)
    r->who = c->flags & CF_PASSIVE ? LA_BY_PEER : LA_BY_LOCAL;
  if (c && c->flags & CF_ENDED) { /* which limit it was that struck, say */
    r->how = c->end.how;
    r->why = c->end.why;
  }
}

void la__trace_record(struct tcp *t, const struct key *k, enum la_state from, enum la_cause cause, bool passive, uint8_t fresh) {
  if (t->trace.v)
    trace_transition(t, k, 0, from, la__state_next(from, cause, passive), cause, fresh);
}

static void stage(struct tcp *t, struct conn *c, unsigned i) {
  la_time ms = (t->now - c->opened) / LA_MS + 1; /* 0 stands for "not reached" */
  c->stage_ms[i] = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

/* The clock of FIN-WAIT-2 runs only once the application has closed; the other waiting states have a FIN or SYN under way. */
static void entered(struct tcp *t, struct conn *c) {
  switch (c->state) {
  case LA_SYN_SENT:
  case LA_SYN_RECEIVED:
    la__life_clock(t, c, la__limit(t, c));
    break;
  case LA_ESTABLISHED:
    stage(t, c, 0);
    la__life_clock(t, c, LA_NEVER);
    break;
  case LA_FIN_WAIT_1:
  case LA_CLOSE_WAIT:
    stage(t, c, 1);
    if (c->state == LA_FIN_WAIT_1)
      la__life_clock(t, c, la__limit(t, c));
    break;
  case LA_FIN_WAIT_2:
    stage(t, c, 2);
    la__life_clock(t, c, c->flags & CF_APP_CLOSED ? la__fin_wait_2(t, c) : LA_NEVER);
    break;
  case LA_CLOSING:
  case LA_LAST_ACK:
    stage(t, c, 2);
    la__life_clock(t, c, la__limit(t, c));
    break;
  default:
    break;
  }
}

void la__state_init(struct tcp *t, struct conn *c, enum la_state from, enum la_cause cause) {
  c->state = (uint8_t)from;
  la__state(t, c, cause);
}

void la__state(struct tcp *t, struct conn *c, enum la_cause cause) {
  enum la_state from = (enum la_state)c->state, to = la__state_next(from, cause, c->flags & CF_PASSIVE);
  if (t->cfg.metrics)
    la__account_moved(t, c, to);
  c->state = (uint8_t)to;
  if (t->trace.v) {
    struct key k;
    la__conn_key(c, &k);
    trace_transition(t, &k, c, from, to, cause, 0);
  }
  entered(t, c);
}
