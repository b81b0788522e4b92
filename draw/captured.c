/* SPDX-License-Identifier: MIT */
#include "draw/captured.h"

#include <stdlib.h>
#include <string.h>

#include "capture/ng.h"
#include "draw/explain.h"
#include "wire/tcp_wire.h"

static struct captured_one *find(struct captured *k, uint64_t id) {
  size_t lo = 0, hi = k->n; /* numbers grow */
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (k->one[mid].id < id)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo < k->n && k->one[lo].id == id ? &k->one[lo] : NULL;
}

static struct captured_one *start(struct captured *k, const struct flow *c, const struct packet *p) {
  char name[2][EXPLAIN_END];
  if (c->first.frame != p->frame || k->n == CAPTURED_OPEN || k->doc.n == CAPTURED)
    return NULL; /* there is no room, or was none for its beginning */
  struct drawing *d = la__drawing_new(la__explain_end(c, 0, name[0]), la__explain_end(c, 1, name[1]), p->at);
  if (!d) {
    k->out_of_memory = true;
    return NULL;
  }
  k->one[k->n] = (struct captured_one){.id = c->id, .d = d};
  return &k->one[k->n++];
}

static void put_state(struct captured_one *o, unsigned end, enum la_state to, la_time at) {
  struct ladder_item it = {.kind = LADDER_STATE, .side = (enum ladder_side)end, .at = at, .inferred = true};
  enum la_state step[TRACK_STEPS];
  if (o->state[end] == to)
    return;
  unsigned n = la__track_steps(o->state[end], to, step);
  for (unsigned i = 0; i < n; i++) {
    it.state = step[i];
    la__drawing_put(o->d, &it);
  }
  o->state[end] = to;
}

static void note(struct captured_one *o, enum ladder_side side, la_time at, const char *text) {
  la__drawing_put(o->d, &(struct ladder_item){.kind = LADDER_NOTE, .side = side, .at = at, .text = text});
}

/* What the capture says of the segment beyond its header. */
static const char *remark(const struct captured_one *o, const struct flow *c, unsigned from, const struct seg *s) {
  const struct flow_end *me = &c->end[from];
  if (me->damaged != o->damaged[from])
    return "bad checksum";
  if (me->dups != o->dups[from])
    return "captured twice";
  if (c->forged != o->forged)
    return "out of line: nobody takes it";
  if (!s->wnd && !(s->flags & (LA_SYN | LA_RST)))
    return "window closed";
  return NULL;
}

static uint8_t again(const struct captured_one *o, const struct flow *c, unsigned from, const struct seg *s) {
  const struct flow_end *me = &c->end[from];
  bool bare = s->len <= 1 && !(s->flags & (LA_SYN | LA_FIN | LA_RST));
  if (me->probes != o->probes[from])
    return LADDER_KEEPALIVE_PROBE;
  if (bare && c->end[!from].zero_at && s->seq + 1 == c->track.end[from].nxt)
    return LADDER_WINDOW_PROBE;
  return me->again != o->again[from] ? LADDER_RETRANSMITTED : LADDER_FIRST;
}

/* Lines of lastack's own captures that are no transitions: those are inferred anyway. */
static void comments(struct captured_one *o, unsigned from, const struct packet *p) {
  struct packet_text comment;
  for (size_t at = 0; la__ng_comment(p, &at, &comment);) {
    const char *text = comment.text, *end = text + comment.len;
    while (text < end) {
      const char *stop = memchr(text, '\n', (size_t)(end - text));
      char line[160], *said;
      stop = stop ? stop : end;
      snprintf(line, sizeof line, "%.*s", (int)(stop - text < 159 ? stop - text : 159), text);
      if ((said = strstr(line, ": ended by ")) || (said = strstr(line, ": dropped: ")))
        note(o, (enum ladder_side)(p->dir == 1 ? !from : from), p->at, said + 2);
      text = stop + 1;
    }
  }
}

static void icmp(struct captured_one *o, unsigned from, const struct packet *p, const struct seg *s) {
  la_addr a = {.family = s->family};
  char addr[LA_ADDR_TEXT], text[128];
  memcpy(a.b, s->icmp_src, s->family == 4 ? 4 : 16);
  snprintf(text, sizeof text, "ICMP type %u code %u from %s", s->icmp_type, s->icmp_code, la_addr_text(&a, addr));
  note(o, (enum ladder_side)from, p->at, text);
}

static void remember(struct captured_one *o, const struct flow *c) {
  for (unsigned i = 0; i < 2; i++) {
    o->again[i] = c->end[i].again;
    o->dups[i] = c->end[i].dups;
    o->damaged[i] = c->end[i].damaged;
    o->probes[i] = c->end[i].probes;
  }
  o->forged = c->forged;
}

void la__captured_segment(struct captured *k, const struct flow *c, unsigned from, const struct packet *p, const struct seg *s) {
  struct captured_one *o = find(k, c->id);
  if (!o && (s->icmp_src || !(o = start(k, c, p))))
    return;
  if (s->icmp_src) {
    icmp(o, from, p, s);
    return;
  }
  struct ladder_item it = {.kind = LADDER_SEND,
                           .side = (enum ladder_side)from,
                           .at = p->at,
                           .id = ++o->segments,
                           .seq = la__track_seq(&c->track, from, s->seq),
                           .abs_seq = s->seq,
                           .abs_ack = s->ack,
                           .len = s->len,
                           .flags = s->flags,
                           .again = again(o, c, from, s),
                           .text = remark(o, c, from, s),
                           .wscale = s->wscale,
                           .mss = s->mss,
                           .frame = p->frame,
                           .wnd = s->wnd,
                           .has_wnd = true};
  if (s->flags & LA_ACK)
    it.ack = la__track_ack(&c->track, from, s->ack);
  if (s->opts && s->payload)
    la__tcp_parse_opts(&it.all, s->payload - s->opts, s->opts, s->flags & LA_SYN);
  it.opts = s->flags & LA_SYN ? it.all.have : 0;
  comments(o, from, p);
  put_state(o, from, c->track.end[from].state, p->at);
  la__drawing_put(o->d, &it);
  it.kind = LADDER_ARRIVE;
  la__drawing_put(o->d, &it);
  put_state(o, !from, c->track.end[!from].state, p->at);
  remember(o, c);
}

/* ---- the end ---- */

static void forget(struct captured *k, struct captured_one *o) { memmove(o, o + 1, (size_t)(&k->one[--k->n] - o) * sizeof *o); }

static void time_wait(struct drawing *d, const struct flow *c, const struct verdict *v) {
  for (unsigned i = 0; i < 2; i++)
    if ((v->time_wait & 1u << i) && v->time_wait_until > v->time_wait_from && c->track.end[i].state == LA_TIME_WAIT && !c->reused.frame)
      la__drawing_wait(d, (enum ladder_side)i, "2MSL", v->time_wait_from, v->time_wait_until);
}

static void describe(struct drawing *d, const struct flow *c, const struct verdict *v) {
  char text[EXPLAIN_TEXT], end[EXPLAIN_END];
  la__explain_text(c, v, text);
  char *told = strstr(text, "  ");
  snprintf(d->verdict, sizeof d->verdict, "%s", told ? told + 2 : text);
  if (told)
    *told = 0;
  snprintf(d->heading, sizeof d->heading, "%.*s", (int)sizeof d->heading - 1, text);
  for (unsigned i = 0; i < 2; i++)
    snprintf(d->name[i], sizeof d->name[i], "%s %s", i == v->client ? "client" : "server", la__explain_end(c, i, end));
}

struct drawing *la__captured_done(struct captured *k, const struct flow *c, const struct verdict *v) {
  struct captured_one *o = find(k, c->id);
  if (!o || k->doc.n == CAPTURED) {
    k->left_out++;
    la__captured_drop(k, c);
    return NULL;
  }
  struct drawing *d = o->d;
  uint64_t *ids = realloc(k->ids, (k->doc.n + 1) * sizeof *ids);
  forget(k, o);
  if (!ids || !la__doc_add(&k->doc, d)) {
    k->ids = ids ? ids : k->ids;
    k->out_of_memory = true;
    return NULL;
  }
  k->ids = ids;
  k->ids[k->doc.n - 1] = c->id;
  time_wait(d, c, v);
  describe(d, c, v);
  if (v->client == 1)
    la__drawing_flip(d);
  la__drawing_fold(d, DRAWING_SHOW);
  return d;
}

void la__captured_drop(struct captured *k, const struct flow *c) {
  struct captured_one *o = find(k, c->id);
  if (!o)
    return;
  la__drawing_free(o->d);
  forget(k, o);
}

void la__captured_finish(struct captured *k) {
  for (size_t i = 1; i < k->doc.n; i++) /* nearly in order already */
    for (size_t j = i; j > 0 && k->ids[j - 1] > k->ids[j]; j--) {
      uint64_t id = k->ids[j];
      struct drawing *d = k->doc.drawing[j];
      k->ids[j] = k->ids[j - 1];
      k->doc.drawing[j] = k->doc.drawing[j - 1];
      k->ids[j - 1] = id;
      k->doc.drawing[j - 1] = d;
    }
  if (k->left_out)
    snprintf(k->doc.left_out, sizeof k->doc.left_out, "%llu more connections are not drawn: choose with --connection, --host or --port.",
             (unsigned long long)k->left_out);
}

void la__captured_free(struct captured *k) {
  while (k->n)
    la__drawing_free(k->one[--k->n].d);
  free(k->ids);
  la__doc_free(&k->doc);
}
