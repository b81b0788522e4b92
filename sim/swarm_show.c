/* SPDX-License-Identifier: MIT */
/* The ladder of a world: kept while it runs, drawn afterwards for two of its hosts. Numbers are counted from each side's ISN. */
#include "sim/swarm.h"

#include "base/bytes.h"
#include "draw/ladder.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct line {
  enum ladder_kind kind;
  uint64_t at;
  uint32_t id;
  uint8_t from, to; /* hosts; a note's and a state's is `from` */
  enum la_state state;
  uint32_t seq, ack;
  struct tcp_seg seg;
  char text[100];
};
struct isn {
  uint8_t from, to;
  uint16_t sport, dport;
  uint32_t isn;
};
struct sw_log {
  struct line *v;
  size_t n, cap;
  struct isn isn[256];
  unsigned nisns;
};

struct sw_log *la__sw_log_new(void) {
  return calloc(1, sizeof(struct sw_log));
}
void la__sw_log_free(struct sw_log *l) {
  if (l)
    free(l->v);
  free(l);
}

static struct line *more(struct sw_log *l, enum ladder_kind kind, uint64_t at) {
  if (l->n == l->cap) {
    l->cap = l->cap ? 2 * l->cap : 256;
    l->v = realloc(l->v, l->cap * sizeof *l->v);
    if (!l->v)
      abort();
  }
  struct line *x = &l->v[l->n++];
  memset(x, 0, sizeof *x);
  x->kind = kind;
  x->at = at;
  return x;
}

static uint32_t *isn_of(struct sw_log *l, unsigned from, unsigned to, uint16_t sport, uint16_t dport) {
  for (unsigned i = 0; i < l->nisns; i++) {
    struct isn *x = &l->isn[i];
    if (x->from == from && x->to == to && x->sport == sport && x->dport == dport)
      return &x->isn;
  }
  if (l->nisns == sizeof l->isn / sizeof *l->isn)
    l->nisns = 0;
  l->isn[l->nisns] = (struct isn){(uint8_t)from, (uint8_t)to, sport, dport, 0};
  return &l->isn[l->nisns++].isn;
}

void la__sw_log_packet(struct sw_log *l, const struct sw_world *w, const struct sw_pkt *p, uint8_t again, bool lost, uint64_t at) {
  bool six = p->data[0] >> 4 == 6;
  unsigned hl = six ? IP6_HEADER : IP4_HEADER;
  struct line *x = more(l, LADDER_SEND, w->now);
  (void)again;
  (void)at;
  x->from = p->from;
  x->to = p->to;
  x->id = p->id;
  if (p->data[six ? 6 : 9] != IP_PROTO_TCP || la__tcp_parse(&x->seg, p->data + hl, p->len - hl, 0, true) != LA_DROP_NONE) {
    x->kind = LADDER_NOTE;
    snprintf(x->text, sizeof x->text, "a packet of protocol %u", p->data[six ? 6 : 9]);
    return;
  }
  uint32_t *own = isn_of(l, p->from, p->to, x->seg.sport, x->seg.dport), *other = isn_of(l, p->to, p->from, x->seg.dport, x->seg.sport);
  if (x->seg.flags & LA_SYN)
    *own = x->seg.seq;
  x->seq = x->seg.seq - *own;
  x->ack = x->seg.flags & LA_ACK ? x->seg.ack - *other : 0;
  snprintf(x->text, sizeof x->text, "wnd=%u", x->seg.wnd);
  if (!lost)
    return;
  struct line y = *x;
  struct line *z = more(l, LADDER_LOST, w->now);
  *z = y;
  z->kind = LADDER_LOST;
}

void la__sw_log_arrived(struct sw_log *l, const struct sw_world *w, const struct sw_pkt *p) {
  for (size_t i = l->n; i-- > 0;)
    if (l->v[i].kind == LADDER_SEND && l->v[i].id == p->id && p->id) {
      struct line x = l->v[i], *y = more(l, LADDER_ARRIVE, w->now);
      *y = x;
      y->kind = LADDER_ARRIVE;
      y->at = w->now;
      return;
    }
  struct line *y = more(l, LADDER_NOTE, w->now);
  y->from = p->to;
  snprintf(y->text, sizeof y->text, "something of %u bytes comes that it was not sent", p->len);
}

void la__sw_log_state(struct sw_log *l, const struct sw_host *h, enum la_state st, const la_trace_rec *r) {
  (void)r;
  struct line *x = more(l, LADDER_STATE, h->w->now);
  x->from = (uint8_t)h->no;
  x->state = st;
}

void la__sw_log_note(struct sw_log *l, const struct sw_host *h, const char *fmt, ...) {
  struct line *x = more(l, LADDER_NOTE, h->w->now);
  x->from = (uint8_t)h->no;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(x->text, sizeof x->text, fmt, ap);
  va_end(ap);
}

static void draw_line(struct ladder *l, const struct line *x, unsigned left) {
  struct ladder_item it = {.kind = x->kind, .at = x->at, .id = x->id, .text = *x->text ? x->text : NULL, .state = x->state};
  it.side = x->from == left ? LADDER_LEFT : LADDER_RIGHT;
  if (x->kind != LADDER_NOTE && x->kind != LADDER_STATE) {
    la__ladder_segment(&it, &x->seg);
    it.seq = x->seq;
    it.ack = x->ack;
  }
  la__ladder_put(l, &it);
}

void la__sw_log_draw(FILE *out, const struct sw_log *log, unsigned left, unsigned right, const char *prefix) {
  struct ladder_style style = la__ladder_style(out);
  char *text = NULL, name[2][16];
  size_t size = 0;
  FILE *mem = open_memstream(&text, &size);
  if (!mem)
    return;
  struct ladder *l = la__ladder_new(mem, &style);
  snprintf(name[0], sizeof name[0], "host %u", left);
  snprintf(name[1], sizeof name[1], "host %u", right);
  la__ladder_head(l, name[0], name[1], 0);
  size_t first = log->n > 400 ? log->n - 400 : 0; /* what led to it is near its end */
  for (size_t i = first; i < log->n; i++) {
    const struct line *x = &log->v[i];
    bool segment = x->kind != LADDER_NOTE && x->kind != LADDER_STATE;
    if ((x->from == left && (!segment || x->to == right)) || (x->from == right && (!segment || x->to == left)))
      draw_line(l, x, left);
  }
  la__ladder_free(l);
  fclose(mem);
  for (char *line = text, *end; line && (end = strchr(line, '\n')); line = end + 1)
    fprintf(out, "%s%.*s\n", prefix, (int)(end - line), line);
  free(text);
}
