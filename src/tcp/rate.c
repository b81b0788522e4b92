/* SPDX-License-Identifier: MIT */
#include "tcp/rate.h"

#include "base/seq.h"

static struct rate_mark *mark_at(struct rate *r, uint32_t i) { return &r->mark[(r->head + i) % RATE_MARKS]; }

void la__rate_sent(struct rate *r, la_time now, la_time spacing, bool idle, uint32_t flight) {
  struct rate_mark *last = r->n ? mark_at(r, r->n - 1) : 0;
  if (idle)
    r->first = r->acked_at = now;
  if (last && !idle && now - last->at <= spacing && last->app_limited == r->limited) {
    if (flight > last->flight)
      last->flight = flight;
    return;
  }
  if (r->n == RATE_MARKS) /* the oldest goes: what it stood for is by now acknowledged, or very late */
    r->head = (r->head + 1) % RATE_MARKS;
  else
    r->n++;
  *mark_at(r, r->n - 1) = (struct rate_mark){now, r->first, r->acked_at, r->delivered, r->lost, flight, r->limited};
}

const struct rate_mark *la__rate_mark(const struct rate *r, la_time at) {
  uint32_t lo = 0, hi = r->n; /* the last one that is not later */
  while (lo + 1 < hi) {
    uint32_t mid = (lo + hi) / 2;
    if (r->mark[(r->head + mid) % RATE_MARKS].at <= at)
      lo = mid;
    else
      hi = mid;
  }
  return r->n ? &r->mark[(r->head + lo) % RATE_MARKS] : 0;
}

void la__rate_ack(struct rate *r, la_time now, uint32_t acked, la_time newest, la_time min_rtt, struct rate_sample *s) {
  r->delivered += acked;
  r->acked_at = acked ? now : r->acked_at;
  if (r->limited && seq_gt(r->delivered, r->limited_until))
    r->limited = false;
  const struct rate_mark *m = acked && newest ? la__rate_mark(r, newest) : 0;
  if (!m)
    return;
  la_time sent = newest > m->first ? newest - m->first : 0, took = now - m->acked_at, interval = sent > took ? sent : took;
  s->valid = true;
  s->prior = m->delivered;
  s->delivered = r->delivered - m->delivered;
  s->lost = r->lost - m->lost;
  s->flight = m->flight;
  s->app_limited = m->app_limited;
  r->first = newest > r->first ? newest : r->first;
  if (interval && interval >= min_rtt) /* what came faster was compressed on its way */
    s->rate = (uint64_t)s->delivered * LA_SEC / interval;
}

void la__rate_limited(struct rate *r, uint32_t flight) {
  r->limited = true;
  r->limited_until = r->delivered + flight;
}
