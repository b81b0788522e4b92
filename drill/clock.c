/* SPDX-License-Identifier: MIT */
/* Virtual time: the stack's loop (stack.h), the wire, and the calls that wait. */
#include "drill/run.h"

#include <stdlib.h>
#include <string.h>

enum {
  ROUNDS_MAX = 100000, /* at one instant: more would be an endless loop between the stack and its clocks */
  STEPS_MAX = 1000000  /* in one script: a clock may go on for ever (window probes) while nothing that is waited for happens */
};

static struct wire *keep(struct run *r, bool out, uint32_t len) {
  struct wire *w = la__drill_alloc(r, sizeof *w + len);
  w->at = r->now;
  w->out = out;
  w->len = len;
  *r->wires_end = w;
  r->wires_end = &w->next;
  return w;
}

static bool take_output(struct run *r, bool *any) {
  la_frame f;
  while (la_output(r->stack, r->link, &f, 1, r->now)) {
    struct wire *w = keep(r, true, f.total);
    size_t n = la_frame_copy(&f, w->data, f.total);
    w->number = f.number;
    la_frame_done(r->stack, &f);
    *any = true;
    if (n != w->len || !la__packet_decode(w))
      return la__drill_fail(r, r->event ? r->event->at : (struct place){1, 1}, "the stack sent %u bytes that are no packet with valid sums",
                            w->len);
    *r->queue_end = w;
    r->queue_end = &w->queue;
  }
  return true;
}

bool la__clock_settle(struct run *r) {
  for (unsigned round = 0; round < ROUNDS_MAX; round++) {
    bool any = false;
    la_tick(r->stack, r->now);
    la_posix_turn(r->posix, r->now);
    la__report_trace(r);
    if (!la__calls_retry(r) || !take_output(r, &any))
      return false;
    la__report_trace(r);
    if (!any && la_deadline(r->stack) > r->now)
      return true;
  }
  return la__drill_fail(r, r->event->at, "the stack does not come to rest at %.6f s", (double)drill_script_time(r->now) / 1e9);
}

bool la__clock_step(struct run *r, la_time until) {
  la_time stack = la_deadline(r->stack), calls = la__calls_deadline(r), next = stack < calls ? stack : calls;
  la_time end = until == LA_NEVER ? LA_NEVER : until + DRILL_EPOCH;
  if (next == LA_NEVER || next > end || r->failed)
    return false;
  if (++r->steps > STEPS_MAX)
    return la__drill_fail(r, r->event->at, "what is waited for has not come at %.0f s, and clocks go on for ever",
                          (double)drill_script_time(r->now) / 1e9);
  if (next > r->now)
    r->now = next;
  else
    r->now++; /* a deadline may be early: let it come nearer */
  return la__clock_settle(r);
}

bool la__clock_until(struct run *r, la_time until) {
  la_time end = until + DRILL_EPOCH;
  while (la__clock_step(r, until))
    ;
  if (r->failed)
    return false;
  if (r->now < end) {
    r->now = end;
    return la__clock_settle(r);
  }
  return true;
}

bool la__clock_input(struct run *r, const uint8_t *data, uint32_t len) {
  struct wire *w = keep(r, false, len);
  memcpy(w->data, data, len);
  la__packet_decode(w);
  w->number = la_frame_count(r->stack) + 1;
  la_frame f = {.data = w->data, .len = len, .total = len};
  while (!la_input(r->stack, r->link, &f, 1, r->now)) { /* its ring of answers is full: they go out first */
    bool any = false;
    if (!take_output(r, &any))
      return false;
    if (!any)
      return la__drill_fail(r, r->event->at, "the stack takes no packet");
  }
  return la__clock_settle(r);
}
