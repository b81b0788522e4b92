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
/* What a host says that has no stack, it says by a script: that is no forgery. */
static const char *addition(const struct pkt *p) {
  bool forged = p->injected && !(p->from && !p->from->boots);
  return forged ? "forged" : p->duplicate ? "duplicate" : p->late ? "late" : NULL;
}

/* A run in a drawing's words. */
struct shown {
  const struct world *w;
  struct drawing *d;
  const struct pkt **syn; /* in order: the log may hold a hundred thousand packets */
  size_t nsyns;
};

static bool same_way(const struct pkt *p, const struct pkt *q) {
  return la_addr_same(&q->src, &p->src) && la_addr_same(&q->dst, &p->dst) && q->seg.sport == p->seg.sport && q->seg.dport == p->seg.dport;
}
static bool other_way(const struct pkt *p, const struct pkt *q) {
  return la_addr_same(&q->src, &p->dst) && la_addr_same(&q->dst, &p->src) && q->seg.sport == p->seg.dport && q->seg.dport == p->seg.sport;
}

/*
 * A number of p's, counted from the latest SYN of that side until then; a number that is not of its space (a rebooted host answers for the
 * incarnation before) from the one that it is nearest to.
 */
static uint32_t counted(const struct shown *x, const struct pkt *p, bool own, uint32_t number) {
  enum { SPACE = 1 << 30 };
  uint32_t best = number;
  bool any = false;
  if (number == 0 && (p->seg.flags & LA_RST)) /* of no space: RFC 9293 3.10.7.1 */
    return 0;
  for (size_t i = 0; i < x->nsyns; i++) {
    const struct pkt *q = x->syn[i];
    if (any && q->no > p->no)
      break;
    if (!(own ? same_way(p, q) : other_way(p, q)))
      continue;
    uint32_t n = number - q->seg.seq;
    if (!any || n < SPACE || n < best)
      best = n;
    any = true;
  }
  return best;
}

static void put_segment(const struct shown *x, const struct pkt *p, enum ladder_kind kind, la_time at) {
  struct ladder_item it = {.kind = kind, .side = side_of(p->from), .at = at, .id = p->no, .again = p->retransmit, .text = addition(p)};
  la__ladder_segment(&it, &p->seg);
  it.seq = counted(x, p, true, p->seg.seq);
  if (p->seg.flags & LA_ACK)
    it.ack = counted(x, p, false, p->seg.ack);
  la__drawing_put(x->d, &it);
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

static void put(const struct shown *x, const struct entry *e) {
  const struct world *w = x->w;
  struct drawing *d = x->d;
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
      put_segment(x, p, k, e->at);
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

/* Of each run; several share a page. */
static size_t rows(const struct sim *s) {
  enum { LEAST = 60 };
  size_t n = 0;
  for (size_t i = 0; i < s->nworlds; i++)
    n += s->world[i]->drawn;
  return n * LEAST > DRAWING_SHOW ? LEAST : DRAWING_SHOW / (n ? n : 1);
}

static struct drawing *draw(const struct world *w, size_t show) {
  size_t cap = 2 * w->nlog + w->ntrans + w->nnotes + 1, n = 0;
  struct entry *e = calloc(cap, sizeof *e);
  struct drawing *d = la__drawing_new(w->nhosts ? w->host[0]->name : "", w->nhosts > 1 ? w->host[1]->name : "nobody", SIM_EPOCH);
  struct shown x = {.w = w, .d = d, .syn = calloc(w->nlog + 1, sizeof *x.syn)};
  if (!e || !d || !x.syn)
    abort();
  for (size_t i = 0; i < w->nlog; i++)
    if (w->log[i]->tcp && (w->log[i]->seg.flags & LA_SYN))
      x.syn[x.nsyns++] = w->log[i];
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
    put(&x, &e[i]);
  free(e);
  free(x.syn);
  la__drawing_fold(d, show);
  return d;
}

void la__show_draw(const struct sim *s, struct draw_doc *doc) {
  for (size_t i = 0; i < s->nworlds; i++)
    if (s->world[i]->drawn && !la__doc_add(doc, draw(s->world[i], rows(s))))
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
    struct drawing *d = draw(w, rows(s));
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
