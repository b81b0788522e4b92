/* SPDX-License-Identifier: MIT */
/* What happened, as a ladder: the stack at the left, the script at the right. */
#include "draw/events.h"
#include "drill/run.h"

#include "draw/ladder.h"

#include <stdlib.h>
#include <string.h>

struct moment {
  struct moment *next;
  la_time at;
  uint32_t frame; /* a state that this packet brought; 0: a call or a clock did */
  uint32_t after; /* the latest packet at the time */
  bool state;
  uint8_t to;
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

static void put_packet(struct ladder *l, const struct run *r, const struct wire *w) {
  enum ladder_side side = w->out ? LADDER_LEFT : LADDER_RIGHT;
  char text[80];
  if (w->proto != DRILL_TCP) {
    snprintf(text, sizeof text, w->proto == DRILL_UDP ? "UDP, %u bytes" : "ICMP, %u bytes", w->payload_len);
    la__ladder_put(l, &(struct ladder_item){.kind = LADDER_NOTE, .side = side, .at = w->at, .text = text});
    return;
  }
  struct ladder_item it = {.kind = LADDER_SEND, .side = side, .at = w->at, .id = w->number, .again = w->again};
  la__ladder_segment(&it, &w->seg);
  it.seq = w->seg.seq - isn(r, w, true);
  if (w->seg.flags & LA_ACK)
    it.ack = w->seg.ack - isn(r, w, false);
  la__ladder_put(l, &it);
  it.kind = LADDER_ARRIVE;
  la__ladder_put(l, &it);
}

static void put_moment(struct ladder *l, const struct moment *m) {
  if (m->state)
    la__ladder_put(l, &(struct ladder_item){.kind = LADDER_STATE, .side = LADDER_LEFT, .at = m->at, .state = m->to});
  else
    la__ladder_put(l, &(struct ladder_item){.kind = LADDER_NOTE, .side = LADDER_LEFT, .at = m->at, .text = m->text});
}

static void draw(FILE *out, const struct run *r) {
  struct ladder_style style = la__ladder_style(out);
  struct ladder *l = la__ladder_new(out, &style);
  if (!l)
    return;
  la__ladder_head(l, "lastack", "script", DRILL_EPOCH);
  const struct moment *m = r->moments;
  for (const struct wire *w = r->wires; w || m;) {
    /* What a packet brought stands behind it; what a call did, before the packets that followed. */
    bool packet = w && (!m || (m->frame ? w->number <= m->frame : w->number <= m->after));
    if (packet) {
      put_packet(l, r, w);
      w = w->next;
    } else {
      put_moment(l, m);
      m = m->next;
    }
    la__ladder_settle(l);
  }
  la__ladder_free(l);
}

void la__report_print(FILE *out, const struct run *r, bool ladder) {
  const struct script *s = r->script;
  fprintf(out, "%s:%d:%d: %s\n", s->file, r->fail_at.line, r->fail_at.column, r->failure);
  if (r->fail_at.line > 0 && (size_t)r->fail_at.line <= s->nlines)
    fprintf(out, "    %s\n", s->lines[r->fail_at.line - 1]);
  if (r->detail)
    fputs(r->detail, out);
  if (ladder && (r->wires || r->moments)) {
    fputc('\n', out);
    draw(out, r);
  }
}
