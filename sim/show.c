/* SPDX-License-Identifier: MIT */
/* The log of a run, in causal order, becomes a drawing; numbers are counted from each end's ISN. */
#include "sim/show.h"

#include <stdlib.h>

enum { SENDING, MOVING, NOTING, ARRIVING };
struct entry {
  uint64_t stamp;
  la_time at;
  bool leaves; /* drawn after what else happens at its instant, so that segments of one burst stay whole */
  size_t index;
  unsigned what;
};

static int by_stamp(const void *a, const void *b) {
  const struct entry *x = a, *y = b;
  if (x->at != y->at)
    return x->at < y->at ? -1 : 1;
  if (x->leaves != y->leaves)
    return x->leaves ? 1 : -1;
  return x->stamp < y->stamp ? -1 : x->stamp > y->stamp;
}

static enum ladder_side side_of(const struct host *h) { return !h ? LADDER_MIDDLE : h->no == 0 ? LADDER_LEFT : LADDER_RIGHT; }
static const char *addition(const struct pkt *p) { return p->injected ? "forged" : p->duplicate ? "duplicate" : p->late ? "late" : NULL; }

/* The ISN of the side that sent p: of its latest SYN on this pair until then. */
static uint32_t isn(const struct world *w, const struct pkt *p, bool own) {
  uint32_t x = 0;
  bool any = false;
  for (size_t i = 0; i < w->nlog; i++) {
    const struct pkt *q = w->log[i];
    if (any && q->no > p->no)
      break;
    bool mine =
      la_addr_same(&q->src, &p->src) && la_addr_same(&q->dst, &p->dst) && q->seg.sport == p->seg.sport && q->seg.dport == p->seg.dport;
    bool theirs =
      la_addr_same(&q->src, &p->dst) && la_addr_same(&q->dst, &p->src) && q->seg.sport == p->seg.dport && q->seg.dport == p->seg.sport;
    if (q->tcp && (q->seg.flags & LA_SYN) && (own ? mine : theirs)) {
      x = q->seg.seq;
      any = true;
    }
  }
  return x;
}

static void put_segment(struct drawing *d, const struct world *w, const struct pkt *p, enum ladder_kind kind, la_time at) {
  struct ladder_item it = {.kind = kind, .side = side_of(p->from), .at = at, .id = p->no, .again = p->retransmit, .text = addition(p)};
  la__ladder_segment(&it, &p->seg);
  it.seq = p->seg.seq - isn(w, p, true);
  if (p->seg.flags & LA_ACK)
    it.ack = p->seg.ack - isn(w, p, false);
  la__drawing_put(d, &it);
}

static void put_icmp(struct drawing *d, const struct pkt *p, la_time at) {
  static const char *const names[] = {
    [ICMP_NET_UNREACH] = "net unreachable",
    [ICMP_HOST_UNREACH] = "host unreachable",
    [ICMP_PROTO_UNREACH] = "protocol unreachable",
    [ICMP_PORT_UNREACH] = "port unreachable",
    [ICMP_ADMIN] = "prohibited",
  };
  const char *name = p->icmp < sizeof names / sizeof *names && names[p->icmp] ? names[p->icmp] : "error";
  char text[96];
  snprintf(text, sizeof text, "ICMP from %s: %s%s", p->from ? p->from->name : "a router", name,
           p->arrived == LA_NEVER ? " (lost)"
           : p->forged            ? " (forged)"
                                  : "");
  la__drawing_put(d, &(struct ladder_item){.kind = LADDER_NOTE, .side = side_of(p->to), .at = at, .text = text});
}

static void put_udp(struct drawing *d, const struct pkt *p, la_time at) {
  char text[96];
  snprintf(text, sizeof text, "UDP, %u bytes to port %u%s", (unsigned)p->dgram.len, p->dgram.dport,
           p->arrived == LA_NEVER ? " (lost)" : "");
  la__drawing_put(d, &(struct ladder_item){.kind = LADDER_NOTE, .side = side_of(p->to), .at = at, .text = text});
}

static void put_talk(struct drawing *d, const struct pkt *p, la_time at) {
  char addr[LA_ADDR_TEXT], mac[LA_MAC_TEXT], text[128];
  const char *lost = p->arrived == LA_NEVER ? " (lost)" : "";
  if (p->talk == K_ASK)
    snprintf(text, sizeof text, "%s asks who has %s%s", p->from ? p->from->name : "somebody", la_addr_text(&p->about, addr), lost);
  else
    snprintf(text, sizeof text, "%s is at %s%s", la_addr_text(&p->about, addr), la_mac_text(p->eth.src, mac), lost);
  la__drawing_put(d, &(struct ladder_item){.kind = LADDER_NOTE, .side = side_of(p->to), .at = at, .text = text});
}

static void put(struct drawing *d, const struct world *w, const struct entry *e) {
  if (e->what == NOTING) {
    const struct note *n = &w->note[e->index];
    la__drawing_put(d, &(struct ladder_item){.kind = LADDER_NOTE, .side = side_of(n->h), .at = n->at, .text = n->text});
    if (n->crash)
      la__drawing_put(d, &(struct ladder_item){.kind = LADDER_STATE, .side = side_of(n->h), .at = n->at, .state = LA_CLOSED});
  } else if (e->what == MOVING) {
    const struct trans *t = &w->trans[e->index];
    if (t->clock)
      la__drawing_put(d,
                      &(struct ladder_item){.kind = LADDER_NOTE, .side = side_of(t->h), .at = t->at, .text = t->clock, .clock = t->clock});
    la__drawing_put(d, &(struct ladder_item){.kind = LADDER_STATE, .side = side_of(t->h), .at = t->at, .state = t->to, .cause = t->cause});
  } else {
    const struct pkt *p = w->log[e->index];
    enum ladder_kind k = e->what == SENDING ? LADDER_SEND : p->arrived == LA_NEVER ? LADDER_LOST : LADDER_ARRIVE;
    if (p->tcp)
      put_segment(d, w, p, k, e->at);
    else if (e->what == SENDING)
      return;
    else if (p->talk != K_ANY)
      put_talk(d, p, e->at);
    else if (p->udp)
      put_udp(d, p, e->at);
    else if (p->icmp != ICMP_OTHER || !w->ether) /* else it has joined a group */
      put_icmp(d, p, e->at);
  }
}

static struct drawing *draw(const struct world *w) {
  size_t cap = 2 * w->nlog + w->ntrans + w->nnotes + 1, n = 0;
  struct entry *e = calloc(cap, sizeof *e);
  struct drawing *d = la__drawing_new(w->nhosts ? w->host[0]->name : "", w->nhosts > 1 ? w->host[1]->name : "nobody", SIM_EPOCH);
  if (!e || !d)
    abort();
  snprintf(d->heading, sizeof d->heading, "%s", w->heading);
  for (size_t i = 0; i < w->shown_log; i++) {
    const struct pkt *p = w->log[i];
    bool lost = p->arrived == LA_NEVER;
    e[n++] = (struct entry){p->stamp_sent, p->sent, w->delay > 0, i, SENDING};
    if (lost || p->stamp_arrived)
      e[n++] = (struct entry){lost ? p->stamp_sent : p->stamp_arrived, lost ? p->sent : p->arrived, lost && w->delay > 0, i, ARRIVING};
  }
  for (size_t i = 0; i < w->shown_trans; i++)
    if (w->trans[i].rport)
      e[n++] = (struct entry){w->trans[i].stamp, w->trans[i].at, false, i, MOVING};
  for (size_t i = 0; i < w->nnotes; i++)
    e[n++] = (struct entry){w->note[i].stamp, w->note[i].at, false, i, NOTING};
  qsort(e, n, sizeof *e, by_stamp);
  for (size_t i = 0; i < n; i++)
    put(d, w, &e[i]);
  free(e);
  la__drawing_fold(d, DRAWING_SHOW);
  return d;
}

void la__show_draw(const struct sim *s, struct draw_doc *doc) {
  for (size_t i = 0; i < s->nworlds; i++)
    if (s->world[i]->drawn && !la__doc_add(doc, draw(s->world[i])))
      abort();
  doc->claim = calloc(s->nclaims + 1, sizeof *doc->claim);
  if (!doc->claim)
    abort();
  for (; doc->nclaims < s->nclaims; doc->nclaims++) {
    const struct claim *c = &s->claim[doc->nclaims];
    doc->claim[doc->nclaims] = (struct draw_claim){c->text, c->ok, c->skipped};
  }
}

static const char *mark(const struct claim *c, bool ascii) {
  if (c->skipped)
    return ascii ? "-" : "–";
  return c->ok ? (ascii ? "+" : "✓") : (ascii ? "x" : "✗");
}
static void summary(FILE *out, const struct sim *s) {
  size_t skipped = 0, bad = 0;
  for (size_t i = 0; i < s->nclaims; i++) {
    skipped += s->claim[i].skipped;
    bad += !s->claim[i].ok;
  }
  fprintf(out, "%s: %s, %zu claims", s->name, bad ? "FAILED" : "ok", s->nclaims);
  if (bad)
    fprintf(out, ", %zu failed", bad);
  if (skipped)
    fprintf(out, ", %zu skipped", skipped);
  fputc('\n', out);
}

void la__show_sim(FILE *out, const struct sim *s, const char *line, bool ladder) {
  struct ladder_style style = la__ladder_style(out);
  fprintf(out, "%s: %s%s\n\n", s->name, line, s->opt.ipv6 ? ", over IPv6" : "");
  for (size_t i = 0; ladder && i < s->nworlds; i++) {
    const struct world *w = s->world[i];
    if (!w->drawn)
      continue;
    if (*w->heading)
      fprintf(out, "%s\n", w->heading);
    struct drawing *d = draw(w);
    la__drawing_ladder(d, out, &style);
    la__drawing_free(d);
    fputc('\n', out);
  }
  for (size_t i = 0; i < s->nclaims; i++)
    fprintf(out, "  %s %s\n", mark(&s->claim[i], style.ascii), s->claim[i].text);
  summary(out, s);
}

void la__show_line(FILE *out, const struct sim *s) {
  bool ascii = la__ladder_style(out).ascii;
  fprintf(out, "%s ", la__sim_ok(s) ? (ascii ? "+" : "✓") : (ascii ? "x" : "✗"));
  summary(out, s);
  for (size_t i = 0; i < s->nclaims; i++)
    if (!s->claim[i].ok)
      fprintf(out, "    %s %s\n", mark(&s->claim[i], ascii), s->claim[i].text);
}
