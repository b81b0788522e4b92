/* SPDX-License-Identifier: MIT */
/*
 * Clocks are read from what is seen. A segment that is sent again at an instant at which nothing came was sent by its clock, which ran
 * since the bytes were last sent or something new was acknowledged (RFC 6298 5); a probe's runs since the peer was last heard or probed.
 */
#include "draw/drawing.h"

#include <stdlib.h>
#include <string.h>

#include "base/seq.h"

struct drawing *la__drawing_new(const char *left, const char *right, la_time zero) {
  struct drawing *d = calloc(1, sizeof *d);
  if (!d)
    return NULL;
  snprintf(d->name[0], sizeof d->name[0], "%s", left);
  snprintf(d->name[1], sizeof d->name[1], "%s", right);
  d->zero = zero;
  return d;
}

static void event_free(struct draw_event *e) {
  if (e)
    free((char *)e->item.text);
  free(e);
}

void la__drawing_free(struct drawing *d) {
  if (!d)
    return;
  for (size_t i = 0; i < d->n; i++)
    event_free(d->event[i]);
  free(d->event);
  free(d->flying);
  free(d);
}

static bool room(struct draw_event ***v, size_t *cap, size_t n) {
  if (n < *cap)
    return true;
  size_t more = *cap ? *cap * 2 : 64;
  struct draw_event **p = realloc(*v, more * sizeof *p);
  if (!p)
    return false;
  *v = p;
  *cap = more;
  return true;
}

static bool is_segment(const struct ladder_item *it) {
  return it->kind == LADDER_SEND || it->kind == LADDER_ARRIVE || it->kind == LADDER_LOST;
}

static uint32_t seg_end(const struct ladder_item *it) {
  return it->seq + it->len + ((it->flags & LA_SYN) != 0) + ((it->flags & LA_FIN) != 0);
}

/* ---- what may be folded ---- */

/* How much a segment tells: see draw_event.depth. */
static unsigned depth_of(struct drawing *d, const struct ladder_item *it) {
  struct draw_side *me = &d->side[it->side], *peer = &d->side[!it->side];
  bool opens = !me->shook && peer->has_syn && it->ack == peer->shaken,
       ends = peer->has_fin && !peer->fin_acked && (it->flags & LA_ACK) && seq_geq(it->ack, peer->fin);
  if (it->flags & (LA_SYN | LA_FIN | LA_RST))
    return 2;
  me->shook = true;
  if (ends)
    peer->fin_acked = true;
  if ((opens && (it->flags & LA_ACK) && !it->len) || ends)
    return 2;
  return it->again || it->text || (it->flags & LA_URG) ? 1 : 0;
}

/* ---- clocks ---- */

#define LEAST_RTO (190 * LA_MS) /* nobody's retransmission time-out is shorter */

static la_time later(la_time a, la_time b) { return a > b ? a : b; }

static struct draw_sent *sent_at(struct draw_side *s, uint32_t seq) { return &s->sent[(seq ^ seq >> 6 ^ seq >> 12) % 64]; }

static void clock_of_send(struct draw_side *s, struct draw_event *e) {
  const struct ladder_item *it = &e->item;
  struct draw_sent *last = sent_at(s, it->seq);
  bool known = last->at && last->seq == it->seq;
  if (it->again == LADDER_RETRANSMITTED && s->heard != it->at && known) {
    e->clock_from = later(last->at, s->heard_new);
    e->clock = it->at - e->clock_from < LEAST_RTO ? "reordering" : "retransmission"; /* RFC 8985 6.2 */
  } else if (it->again == LADDER_WINDOW_PROBE && (s->heard || s->probed)) {
    e->clock = "persist";
    e->clock_from = later(s->heard, s->probed);
  } else if (it->again == LADDER_KEEPALIVE_PROBE && (s->heard || s->probed)) {
    e->clock = "keepalive";
    e->clock_from = later(s->heard, s->probed);
  } else if (it->again == LADDER_TAIL_PROBE && known) {
    e->clock = "tail loss probe";
    e->clock_from = later(last->at, s->heard_new);
  }
  if (it->again == LADDER_WINDOW_PROBE || it->again == LADDER_KEEPALIVE_PROBE)
    s->probed = it->at;
}

static void follow_send(struct drawing *d, struct draw_event *e) {
  const struct ladder_item *it = &e->item;
  struct draw_side *s = &d->side[it->side];
  uint32_t end = seg_end(it);
  clock_of_send(s, e);
  e->depth = depth_of(d, it);
  if ((it->flags & LA_SYN) && it->again != LADDER_RETRANSMITTED) {
    s->acked = s->nxt = it->seq;
    s->has_syn = true;
    s->shaken = it->seq + 1;
    s->has_fin = s->fin_acked = false;
    s->scales = (it->all.have & TCP_OPT_WSCALE) != 0;
    s->wscale = it->all.wscale;
  }
  if (end != it->seq) {
    if (s->acked == s->nxt)
      s->oldest = it->at;
    *sent_at(s, it->seq) = (struct draw_sent){it->seq, it->at};
    if (seq_gt(end, s->nxt))
      s->nxt = end;
  }
  if ((it->flags & LA_FIN) && !s->has_fin) {
    s->has_fin = true;
    s->fin = end;
  }
}

static void follow_arrival(struct drawing *d, const struct ladder_item *it) {
  struct draw_side *me = &d->side[!it->side];
  me->heard = it->at;
  if ((it->flags & LA_ACK) && seq_gt(it->ack, me->acked) && seq_leq(it->ack, me->nxt)) {
    me->acked = it->ack;
    me->heard_new = me->oldest = it->at;
  }
  /* TIME-WAIT's 2MSL starts anew with a FIN */
  if ((it->flags & LA_FIN) && me->has_state && me->state == LA_TIME_WAIT)
    me->entered = it->at;
}

static void clock_of_note(struct draw_side *s, struct draw_event *e) {
  const char *name = e->item.clock;
  e->clock = name;
  if (strcmp(name, "2MSL") == 0 || strcmp(name, "FIN-WAIT-2 time-out") == 0 || strcmp(name, "SYN-ACK time-out") == 0)
    e->clock_from = s->entered;
  else if (strcmp(name, "keepalive time-out") == 0)
    e->clock_from = later(s->heard, s->probed);
  else if (strcmp(name, "R2") == 0 || strcmp(name, "SYN time-out") == 0 || strcmp(name, "user time-out") == 0)
    e->clock_from = s->oldest;
  else
    e->clock = NULL;
}

static void follow(struct drawing *d, struct draw_event *e) {
  const struct ladder_item *it = &e->item;
  e->depth = 3;
  if (it->kind == LADDER_SEND) {
    follow_send(d, e);
  } else if (it->kind == LADDER_ARRIVE) {
    follow_arrival(d, it);
    e->depth = it->text ? 1 : e->pair ? e->pair->depth : 1;
  } else if (it->kind == LADDER_LOST) {
    e->depth = 1;
    if (e->pair)
      e->pair->depth = e->pair->depth ? e->pair->depth : 1;
  } else if (it->kind == LADDER_STATE && it->side != LADDER_MIDDLE) {
    struct draw_side *s = &d->side[it->side];
    s->state = it->state;
    s->entered = it->at;
    s->has_state = true;
  } else if (it->kind == LADDER_NOTE) {
    e->depth = it->clock ? 3 : 1;
    if (it->clock && it->side != LADDER_MIDDLE)
      clock_of_note(&d->side[it->side], e);
  }
}

/* ---- feeding ---- */

static struct draw_event *take_flying(struct drawing *d, const struct ladder_item *it) {
  for (size_t i = 0; i < d->nflying; i++) {
    struct draw_event *e = d->flying[i];
    if (e->item.id != it->id || e->item.side != it->side)
      continue;
    memmove(&d->flying[i], &d->flying[i + 1], (--d->nflying - i) * sizeof *d->flying);
    return e;
  }
  return NULL;
}

void la__drawing_put(struct drawing *d, const struct ladder_item *it) {
  if (it->kind == LADDER_STATE && (it->side == LADDER_MIDDLE || (d->side[it->side].has_state && d->side[it->side].state == it->state)))
    return;
  struct draw_event *e = calloc(1, sizeof *e);
  if (!e || !room(&d->event, &d->cap, d->n) || !room(&d->flying, &d->flying_cap, d->nflying)) {
    d->out_of_memory = true;
    free(e);
    return;
  }
  e->item = *it;
  e->item.text = it->text ? strdup(it->text) : NULL;
  if (is_segment(it) && it->kind != LADDER_SEND && (e->pair = take_flying(d, it)))
    e->pair->pair = e;
  follow(d, e);
  d->event[d->n++] = e;
  if (it->kind == LADDER_SEND) {
    if (d->nflying == DRAWING_KEEP / 2) /* long lost: nobody told their fate */
      memmove(d->flying, d->flying + 1, --d->nflying * sizeof *d->flying);
    d->flying[d->nflying++] = e;
  }
  if (d->n >= DRAWING_KEEP)
    la__drawing_fold(d, DRAWING_KEEP / 4);
}

void la__drawing_wait(struct drawing *d, enum ladder_side side, const char *name, la_time from, la_time until) {
  d->side[side].waits = name;
  d->side[side].waits_from = from;
  d->side[side].waits_until = until;
}

static void swap64(uint64_t v[2]) {
  uint64_t x = v[0];
  v[0] = v[1];
  v[1] = x;
}

void la__drawing_flip(struct drawing *d) {
  char name[sizeof d->name[0]];
  memcpy(name, d->name[0], sizeof name);
  memcpy(d->name[0], d->name[1], sizeof name);
  memcpy(d->name[1], name, sizeof name);
  struct draw_side side = d->side[0];
  d->side[0] = d->side[1];
  d->side[1] = side;
  for (size_t i = 0; i < d->n; i++) {
    struct draw_event *e = d->event[i];
    if (e->item.side != LADDER_MIDDLE)
      e->item.side = e->item.side == LADDER_LEFT ? LADDER_RIGHT : LADDER_LEFT;
    swap64(e->folded.segs);
    swap64(e->folded.bytes);
    swap64(e->folded.acks);
  }
}

uint32_t la__drawing_window(const struct drawing *d, const struct ladder_item *it) {
  bool scaled = !(it->flags & LA_SYN) && d->side[0].scales && d->side[1].scales;
  return (uint32_t)it->wnd << (scaled ? d->side[it->side].wscale : 0);
}

/* ---- on a terminal ---- */

void la__drawing_ladder(const struct drawing *d, FILE *out, const struct ladder_style *style) {
  struct ladder *l = la__ladder_new(out, style);
  char text[160];
  if (!l)
    return;
  la__ladder_head(l, d->name[0], d->name[1], d->zero);
  for (size_t i = 0; i < d->n; i++) {
    const struct draw_event *e = d->event[i];
    if (i && e->item.at > d->event[i - 1]->item.at)
      la__ladder_settle(l); /* a state is shown beside what caused it, never beside something earlier */
    if (e->fold)
      la__ladder_put(l,
                     &(struct ladder_item){
                       .kind = LADDER_NOTE, .side = LADDER_MIDDLE, .at = e->item.at, .text = la__drawing_fold_text(d, &e->folded, text)});
    else
      la__ladder_put(l, &e->item);
  }
  la__ladder_free(l);
}

/* ---- several ---- */

bool la__doc_add(struct draw_doc *doc, struct drawing *d) {
  if (doc->n == doc->cap) {
    size_t more = doc->cap ? doc->cap * 2 : 8;
    struct drawing **p = d ? realloc(doc->drawing, more * sizeof *p) : NULL;
    if (!p) {
      la__drawing_free(d);
      return false;
    }
    doc->drawing = p;
    doc->cap = more;
  }
  doc->drawing[doc->n++] = d;
  return d != NULL;
}

void la__doc_free(struct draw_doc *doc) {
  for (size_t i = 0; i < doc->n; i++)
    la__drawing_free(doc->drawing[i]);
  free(doc->drawing);
  free(doc->claim);
  *doc = (struct draw_doc){0};
}
