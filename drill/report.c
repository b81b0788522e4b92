/* SPDX-License-Identifier: MIT */
/* What happened, as a drawing: the stack at the left, the script at the right. */
#include "draw/events.h"
#include "drill/run.h"

#include "draw/ending.h"

#include <stdlib.h>
#include <string.h>

struct moment {
  struct moment *next;
  la_time at;
  uint32_t frame; /* a state that this packet brought; 0: a call or a clock did */
  uint32_t after; /* the latest packet at the time */
  bool state;
  uint8_t to, cause;
  const char *clock; /* whose expiry it was, or NULL */
  const char *text;
};

static struct moment *add(struct run *r, la_time at) {
  struct moment *m = la__drill_alloc(r, sizeof *m);
  m->at = at;
  m->after = r->stack ? la_frame_count(r->stack) : 0;
  *r->moments_end = m;
  r->moments_end = &m->next;
  return m;
}

void la__report_note(struct run *r, bool left, const char *text) {
  (void)left;
  add(r, r->now)->text = text;
}

void la__report_trace(struct run *r) {
  la_trace_rec rec[32];
  size_t n;
  while ((n = la_trace_read(r->stack, rec, sizeof rec / sizeof *rec, NULL))) {
    if (r->settings->events)
      la__events_put(r->settings->events, r->stack, rec, n);
    for (size_t i = 0; i < n; i++) {
      if (rec[i].type == LA_TRACE_OUT) {
        for (struct wire *w = r->wires; rec[i].retransmit && w; w = w->next)
          if (w->out && w->number == rec[i].frame)
            w->again = rec[i].retransmit;
      } else if (rec[i].type == LA_TRACE_TRANSITION && rec[i].remote_port) {
        struct moment *m = add(r, rec[i].at);
        m->state = true;
        m->frame = rec[i].frame;
        m->to = rec[i].to;
        m->cause = rec[i].cause;
        m->clock = la__clock_name(&rec[i]);
      }
    }
  }
}

/* The ISN of the side that sent w: of its latest SYN until then. */
static uint32_t isn(const struct run *r, const struct wire *w, bool own) {
  uint32_t x = 0;
  for (const struct wire *q = r->wires; q; q = q->next) {
    bool mine = q->out == w->out && q->sport == w->sport && q->dport == w->dport;
    bool theirs = q->out != w->out && q->sport == w->dport && q->dport == w->sport;
    if (q->proto == DRILL_TCP && (q->seg.flags & LA_SYN) && (own ? mine : theirs))
      x = q->seg.seq;
    if (q == w)
      break;
  }
  return x;
}

static void put_packet(struct drawing *d, const struct run *r, const struct wire *w) {
  enum ladder_side side = w->out ? LADDER_LEFT : LADDER_RIGHT;
  char text[80];
  if (w->proto != DRILL_TCP) {
    snprintf(text, sizeof text, w->proto == DRILL_UDP ? "UDP, %u bytes" : "ICMP, %u bytes", w->payload_len);
    la__drawing_put(d, &(struct ladder_item){.kind = LADDER_NOTE, .side = side, .at = w->at, .text = text});
    return;
  }
  struct ladder_item it = {.kind = LADDER_SEND, .side = side, .at = w->at, .id = w->number, .again = w->again};
  la__ladder_segment(&it, &w->seg);
  it.seq = w->seg.seq - isn(r, w, true);
  if (w->seg.flags & LA_ACK)
    it.ack = w->seg.ack - isn(r, w, false);
  la__drawing_put(d, &it);
  it.kind = LADDER_ARRIVE;
  la__drawing_put(d, &it);
}

static void put_moment(struct drawing *d, const struct moment *m) {
  struct ladder_item it = {.side = LADDER_LEFT, .at = m->at};
  if (!m->state || m->clock) {
    it.kind = LADDER_NOTE;
    it.text = m->state ? m->clock : m->text;
    it.clock = m->clock;
    la__drawing_put(d, &it);
  }
  if (!m->state)
    return;
  it.kind = LADDER_STATE;
  it.state = m->to;
  it.cause = m->cause;
  la__drawing_put(d, &it);
}

struct drawing *la__report_draw(const struct run *r) {
  struct drawing *d = la__drawing_new("lastack", "script", DRILL_EPOCH);
  const struct moment *m = r->moments;
  for (const struct wire *w = r->wires; d && (w || m);) {
    /* What a packet brought stands behind it; what a call did, before the packets that followed. */
    bool packet = w && (!m || (m->frame ? w->number <= m->frame : w->number <= m->after));
    if (packet) {
      put_packet(d, r, w);
      w = w->next;
    } else {
      put_moment(d, m);
      m = m->next;
    }
  }
  if (d)
    la__drawing_fold(d, DRAWING_SHOW);
  return d;
}

void la__report_print(FILE *out, const struct run *r, bool ladder) {
  const struct script *s = r->script;
  fprintf(out, "%s:%d:%d: %s\n", s->file, r->fail_at.line, r->fail_at.column, r->failure);
  if (r->fail_at.line > 0 && (size_t)r->fail_at.line <= s->nlines)
    fprintf(out, "    %s\n", s->lines[r->fail_at.line - 1]);
  if (r->detail)
    fputs(r->detail, out);
  if (ladder && (r->wires || r->moments)) {
    struct ladder_style style = la__ladder_style(out);
    struct drawing *d = la__report_draw(r);
    fputc('\n', out);
    if (d)
      la__drawing_ladder(d, out, &style);
    la__drawing_free(d);
  }
}
