/* SPDX-License-Identifier: MIT */
/*
 * What must hold in every state: numbers in order, each side's idea of the other possible, a clock for each state that waits and none
 * that is overdue, memory. What applications are told, and the bytes that they read and send, is looked at as it happens (explore_world.c).
 */
#include "base/seq.h"
#include "sim/explore.h"

static bool synchronized(const struct conn *c) { return c->state >= LA_ESTABLISHED; }

/* A clock that strikes in the future, and no later than it may. */
static void clock_in(unsigned side, la_time due, la_time most, const char *what) {
  if (due <= la__xp->side[side].now || due > la__xp->base + la__xp->step + most)
    la__xp_fail("%c: the clock of %s is %s", 'A' + side, what,
                due == LA_NEVER                 ? "missing"
                : due <= la__xp->side[side].now ? "overdue"
                                                : "too late");
  else if (la_deadline(la__xp->side[side].s) > due)
    la__xp_fail("%c: la_deadline is later than the clock of %s", 'A' + side, what);
}

static void clocks(const struct xp_bound *b, unsigned side, const struct conn *c) {
  const char *name = la_state_name((enum la_state)c->state);
  bool waits = c->state == LA_SYN_SENT || c->state == LA_SYN_RECEIVED || c->state == LA_FIN_WAIT_1 || c->state == LA_CLOSING ||
               c->state == LA_LAST_ACK || (c->state == LA_FIN_WAIT_2 && c->flags & CF_APP_CLOSED);
  if (waits || c->life_at != LA_NEVER)
    clock_in(side, c->life_at, b->limit * b->unit * LA_US, name);
  if (c->snd_una != c->snd_nxt && c->clock != CLK_RTX)
    la__xp_fail("%c: %s has something outstanding and no retransmission clock", 'A' + side, name);
  if (c->clock != CLK_NONE)
    clock_in(side, c->clock_at, b->unit * LA_US, "retransmission");
}

static void numbers(unsigned side, const struct conn *c) {
  if (!seq_leq(c->snd_una, c->snd_nxt) || c->snd_nxt - c->snd_una > 65536)
    la__xp_fail("%c: SND.UNA %u, SND.NXT %u", 'A' + side, c->snd_una, c->snd_nxt);
  if (synchronized(c) && (!seq_leq(c->rcv_nxt, c->rcv_adv) || c->rcv_adv - c->rcv_nxt > 65536))
    la__xp_fail("%c: RCV.NXT %u, announced up to %u", 'A' + side, c->rcv_nxt, c->rcv_adv);
}

/* What one side has had acknowledged the other has received, and nobody received what was not sent. */
static void compatible(unsigned side, const struct xp_inc *n, const struct conn *c) {
  const struct xp_inc *m = la__xp_peer_of(side, n);
  if (!synchronized(c))
    return;
  if (!m || !m->has_peer || m->irs != n->iss) {
    la__xp_fail("%c is synchronized with an incarnation of %c that knows nothing of it", 'A' + side, 'B' - side);
    return;
  }
  const struct conn *d = la__xp_conn(!side, m->gen);
  if (!d || !synchronized(d) || d->flags & CF_ENDED)
    return;
  if (!seq_leq(c->snd_una, d->rcv_nxt) || !seq_leq(d->rcv_nxt, c->snd_nxt))
    la__xp_fail("%c has sent up to %u, of which %u are acknowledged, and %c has received %u", 'A' + side, c->snd_nxt - n->iss,
                c->snd_una - n->iss, 'B' - side, d->rcv_nxt - n->iss);
  if (c->flags & CF_FIN_ACKED && !(d->flags & CF_FIN_RCVD))
    la__xp_fail("%c's FIN is acknowledged, but %c did not have it", 'A' + side, 'B' - side);
}

static void connection(const struct xp_bound *b, unsigned side, const struct conn *c) {
  const struct xp_side *d = &la__xp->side[side];
  const struct xp_inc *n = d->inc;
  while (n < d->inc + d->ninc && n->gen != c->gen)
    n++;
  if (n == d->inc + d->ninc) {
    la__xp_fail("%c has a connection of nobody's", 'A' + side);
    return;
  }
  if (c->flags & CF_ENDED) {
    if (!n->ended)
      la__xp_fail("%c was not told END", 'A' + side);
    return;
  }
  if (c->state == LA_CLOSED || c->state == LA_TIME_WAIT || n->ended)
    la__xp_fail("%c: a connection in %s goes on after its END", 'A' + side, la_state_name((enum la_state)c->state));
  if (c->todo || c->events || c->flags & (CF_DIRTY | CF_QUEUED))
    la__xp_fail("%c: something waits though all was taken", 'A' + side);
  numbers(side, c);
  clocks(b, side, c);
  compatible(side, n, c);
}

static void side_check(const struct xp_bound *b, unsigned side) {
  struct xp_side *d = &la__xp->side[side];
  const struct tcp *t = &d->s->tcp;
  unsigned in_table = 0;
  for (uint32_t i = la__slab_next(&t->conn[0], 0); i != SLAB_NONE; i = la__slab_next(&t->conn[0], i + 1)) {
    const struct conn *c = la__slab_at(&t->conn[0], i);
    in_table += !(c->flags & CF_DETACHED);
    connection(b, side, c);
  }
  for (uint32_t i = la__slab_next(&t->half[0], 0); i != SLAB_NONE; i = la__slab_next(&t->half[0], i + 1), in_table++)
    clock_in(side, half_due(la__slab_at(&t->half[0], i), t->now), b->unit * LA_US << b->retries, "a half-open record");
  for (uint32_t i = la__slab_next(&t->tw[0], 0); i != SLAB_NONE; i = la__slab_next(&t->tw[0], i + 1), in_table++)
    clock_in(side, tw_due(la__slab_at(&t->tw[0], i), t->now), b->time_wait * b->unit * LA_US, "TIME-WAIT");
  if (in_table > 1 || in_table != t->table.count)
    la__xp_fail("%c: %u records of one pair, %u in the table", 'A' + side, in_table, t->table.count);
}

void la__xp_check(const struct xp_bound *b) {
  side_check(b, 0);
  side_check(b, 1);
  if (!la__xp_over())
    return;
  for (unsigned side = 0; side < 2; side++) {
    struct xp_side *d = &la__xp->side[side];
    la_trim(d->s);
    if (d->s->mem.used != d->idle)
      la__xp_fail("%c holds %llu bytes in the end, %llu at the beginning", 'A' + side, (unsigned long long)d->s->mem.used,
                  (unsigned long long)d->idle);
  }
}

/* --- what a state is, for the ways that must lead from one to another --- */

static const struct conn *current(unsigned side) {
  const struct xp_side *d = &la__xp->side[side];
  const struct conn *c = d->cur == XP_NONE ? NULL : la__xp_conn(side, d->inc[d->cur].gen);
  return c && !(c->flags & (CF_DETACHED | CF_ENDED)) ? c : NULL;
}

/* Another tick does not end it: by then what was lost has been sent again. */
static bool lasts(const struct conn *c) { return c->life_at == LA_NEVER || c->life_at > la__xp->base + la__xp->step; }

/* Opening, of its own; what a listener has is opening as well. */
static bool opening(unsigned side) {
  const struct conn *c = current(side);
  return c && !synchronized(c) && lasts(c) && !(c->flags & CF_APP_CLOSED);
}

/* Nothing stands in the way of a SYN: a listener that is free, or may become so, or one who may yet open. */
static bool willing(unsigned side) {
  const struct xp_side *d = &la__xp->side[side];
  if (opening(side))
    return true;
  for (unsigned i = 0; i < d->ninc; i++)
    if (d->inc[i].gen)
      return false;
  return !d->s->tcp.tw[0].used && (d->l.gen || d->opens);
}

static bool met(void) {
  const struct conn *c = current(0), *d = current(1);
  if (!c || !d || !synchronized(c) || !synchronized(d) || !lasts(c) || !lasts(d))
    return false;
  const struct xp_inc *a = &la__xp->side[0].inc[la__xp->side[0].cur], *b = &la__xp->side[1].inc[la__xp->side[1].cur];
  bool resets = (a->closed && a->got != b->wrote) || (b->closed && b->got != a->wrote); /* text after a full close: SHLD-3 */
  return la__xp_peer_of(0, a) == b && !resets;
}

unsigned la__xp_is(void) {
  const struct xp_world *w = la__xp;
  unsigned is = (la__xp_over() ? XP_IS_OVER : 0u) | (w->nframes ? XP_IS_BUSY : 0u) | XP_IS_QUIT;
  for (unsigned side = 0; side < 2; side++)
    for (unsigned i = 0; i < w->side[side].ninc; i++)
      if (w->side[side].inc[i].h.gen && !w->side[side].inc[i].closed)
        is &= ~(unsigned)XP_IS_QUIT;
  if ((opening(0) && willing(1)) || (opening(1) && willing(0)))
    is |= XP_IS_MEETING;
  if (met())
    is |= XP_IS_MET;
  if (w->side[0].orderly && w->side[1].orderly && (is & XP_IS_OVER))
    is |= XP_IS_PARTED;
  return is;
}
