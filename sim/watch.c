/* SPDX-License-Identifier: MIT */
/*
 * What the trace tells, pair by pair and incarnation by incarnation, and the laws that hold in every scenario whatever
 * is lost, late or out of memory. They look at the trace, the wire, the applications and the counters only.
 */
#include "sim/world.h"

#include "base/seq.h"
#include "draw/ending.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { RECENT = 512 }; /* packets that one trace record may be about */

struct track {
  struct host *h;
  unsigned boot, inc;
  la_addr remote;
  uint16_t lport, rport;
  enum la_state st;
  la_time closed_at;
  bool has_iss, has_fin, has_edge;
  uint32_t iss, fin, edge;
};

static const char *const texts[LAWS] = {
  [LAW_TRANSITIONS] = "every transition is one of the state diagram and follows the one before it",
  [LAW_ONE_END] = "every connection the application had got one END",
  [LAW_ONE_FIN] = "no end sent two FINs with different sequence numbers",
  [LAW_CHECKSUMS] = "every packet is well formed and its checksums hold",
  [LAW_CLOSED_SILENT] = "whoever is CLOSED sends nothing but RST",
  [LAW_STREAM] = "what is sent and delivered is a prefix of what was written",
  [LAW_WINDOW] = "the right edge of an offered window never moves left",
  [LAW_CLOCKS] = "a state that waits for the peer has a clock, and all clocks run out",
  [LAW_NOTHING_LEFT] = "at the end no record, chunk or byte of memory is left",
  [LAW_BESIDE] = "while memory fails, a connection beside goes on, and ends as it should",
};
const char *la__law_text(enum law law) { return texts[law]; }

void la__law(struct world *w, enum law law, bool held, const char *fmt, ...) {
  w->laws.checked[law]++;
  if (held || w->laws.broken[law]++)
    return;
  char *dst = w->laws.first[law];
  int n = snprintf(dst, sizeof w->laws.first[law], "at %.6f s: ", (double)(w->now - SIM_EPOCH) / 1e9);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(dst + n, sizeof w->laws.first[law] - (size_t)n, fmt, ap);
  va_end(ap);
}

static struct track *find(const struct host *h, const la_addr *remote, uint16_t lport, uint16_t rport) {
  struct world *w = h->w;
  for (size_t i = w->ntracks; i-- > 0;) {
    struct track *t = &w->track[i];
    if (t->h == h && t->boot == h->boots && t->lport == lport && t->rport == rport && la_addr_same(&t->remote, remote))
      return t;
  }
  return NULL;
}

/* Incarnations are counted over reboots too, so that a connection's own stay apart. */
static struct track *get(struct host *h, const la_addr *remote, uint16_t lport, uint16_t rport) {
  struct track *t = find(h, remote, lport, rport);
  if (t)
    return t;
  struct world *w = h->w;
  w->track = la__grow(w->track, &w->tracks_cap, w->ntracks, sizeof *w->track);
  t = &w->track[w->ntracks++];
  *t = (struct track){
    .h = h, .boot = h->boots, .inc = h->boots * 1000, .remote = *remote, .lport = lport, .rport = rport, .closed_at = LA_NEVER};
  return t;
}

enum la_state la__watch_state(const struct host *h, const la_addr *remote, uint16_t lport, uint16_t rport, unsigned *inc) {
  const struct track *t = find(h, remote, lport, rport);
  if (inc)
    *inc = t ? t->inc : 0;
  return t ? t->st : LA_CLOSED;
}

static bool in_table(const la_trace_rec *r) {
  la_transition tr;
  for (size_t i = 0; la_transition_get(i, &tr); i++)
    if (tr.from == r->from && tr.to == r->to && tr.cause == r->cause)
      return true;
  return false;
}
static bool nothing(unsigned st) { return st == LA_CLOSED || st == LA_LISTEN; }

static void transition(struct host *h, const la_trace_rec *r) {
  struct world *w = h->w;
  la__law(w, LAW_TRANSITIONS, in_table(r), "%s: %s -> %s on %s is not in the table", h->name, la_state_name(r->from), la_state_name(r->to),
          la_cause_name(r->cause));
  struct track *t = get(h, &r->remote, r->local_port, r->remote_port);
  la__law(w, LAW_TRANSITIONS, r->from == t->st || (nothing(r->from) && nothing(t->st)), "%s: %s -> %s, but it was in %s", h->name,
          la_state_name(r->from), la_state_name(r->to), la_state_name(t->st));
  bool fresh = (r->to == LA_SYN_SENT || r->to == LA_SYN_RECEIVED) && (nothing(r->from) || r->from == LA_TIME_WAIT);
  if (fresh)
    *t = (struct track){.h = h, .boot = t->boot, .inc = t->inc + 1, .remote = t->remote, .lport = t->lport, .rport = t->rport};
  t->st = r->to;
  t->closed_at = nothing(r->to) ? r->at : LA_NEVER;
  w->trans = la__grow(w->trans, &w->trans_cap, w->ntrans, sizeof *w->trans);
  w->trans[w->ntrans++] = (struct trans){.at = r->at,
                                         .stamp = ++w->stamp,
                                         .h = h,
                                         .remote = r->remote,
                                         .lport = r->local_port,
                                         .rport = r->remote_port,
                                         .from = r->from,
                                         .to = r->to,
                                         .cause = r->cause,
                                         .frame = r->frame,
                                         .inc = t->inc,
                                         .clock = la__clock_name(r)};
}

static void sent_record(struct host *h, const la_trace_rec *r) {
  struct world *w = h->w;
  for (size_t i = w->nlog, n = 0; i-- > 0 && n < RECENT; n++) {
    struct pkt *p = w->log[i];
    /* frames are counted anew after a reboot */
    if (p->from == h && p->frame_out == r->frame && p->sent >= h->booted && !p->injected && !p->duplicate) {
      p->retransmit = r->retransmit;
      p->wnd = r->wnd;
    }
  }
  h->early[h->nearly++ % SIM_EARLY] = *r;
}

void la__watch_late(struct pkt *p) {
  struct host *h = p->from;
  for (unsigned i = 0; i < SIM_EARLY; i++)
    if (h->early[i].frame == p->frame_out && p->frame_out) {
      p->retransmit = h->early[i].retransmit;
      p->wnd = h->early[i].wnd;
      h->early[i].frame = 0;
    }
}

void la__watch_trace(struct host *h, const la_trace_rec *r) {
  struct pkt *in = h->w->arriving;
  if (r->type == LA_TRACE_TRANSITION)
    transition(h, r);
  else if (r->type == LA_TRACE_OUT)
    sent_record(h, r);
  else if (r->type == LA_TRACE_DROP && in && in->to == h && in->frame_in == r->frame)
    in->drop = r->drop;
}

/* Bytes once sent never differ: each payload is compared with what the application wrote at that place. */
static void law_payload(const struct track *t, const struct pkt *p) {
  struct world *w = t->h->w;
  if (!t->has_iss || !p->seg.len || (p->seg.flags & LA_SYN))
    return;
  for (size_t i = w->nconns; i-- > 0;) {
    const struct conn *c = w->conn[i];
    if (c->h != t->h || c->inc != t->inc || c->lport != t->lport || c->rport != t->rport || !la_addr_same(&c->remote, &t->remote))
      continue;
    size_t off = p->seg.seq - t->iss - 1;
    /* A keepalive or window probe may repeat an old byte, never invent one. */
    bool ok = off + p->seg.len <= c->tx_len && memcmp(p->seg.data, c->tx + off, p->seg.len) == 0;
    la__law(w, LAW_STREAM, ok, "%s: packet %u carries bytes that were not written at offset %zu", t->h->name, p->no, off);
    return;
  }
}

/* A SYN,ACK with a cookie speaks for no record (RFC 4987 3.6). */
static bool cookies_sent(struct host *h) {
  la_stats st;
  la__stats(h, &st);
  return st.syncookies_sent > 0;
}

void la__watch_sent(struct pkt *p) {
  struct host *h = p->from;
  struct world *w = h->w;
  if (!p->tcp)
    return;
  const struct tcp_seg *s = &p->seg;
  struct track *t = find(h, &p->dst, s->sport, s->dport);
  bool rst = (s->flags & LA_RST) != 0;
  bool cookie = (s->flags & (LA_SYN | LA_ACK)) == (LA_SYN | LA_ACK) && cookies_sent(h);
  la__law(w, LAW_CLOSED_SILENT, rst || cookie || (t && (!nothing(t->st) || t->closed_at == w->now)), "%s: packet %u came from CLOSED",
          h->name, p->no);
  if (!t)
    return;
  p->sender = t->st;
  if (rst)
    return;
  if (s->flags & LA_SYN) {
    la__law(w, LAW_STREAM, !t->has_iss || t->iss == s->seq, "%s: a second ISS in one incarnation", h->name);
    t->has_iss = true;
    t->iss = s->seq;
    return;
  }
  law_payload(t, p);
  if (s->flags & LA_FIN) {
    la__law(w, LAW_ONE_FIN, !t->has_fin || t->fin == s->seq + s->len, "%s: FIN at %u after FIN at %u", h->name, s->seq + s->len, t->fin);
    t->has_fin = true;
    t->fin = s->seq + s->len;
  }
  uint32_t edge = s->ack + p->wnd;
  if (t->st != LA_TIME_WAIT && !nothing(t->st)) {
    la__law(w, LAW_WINDOW, !t->has_edge || seq_geq(edge, t->edge), "%s: packet %u takes back %u bytes of window", h->name, p->no,
            t->edge - edge);
    t->has_edge = true;
    t->edge = edge;
  }
}

struct look {
  struct host *h;
  la_time earliest;
};
static bool look(void *ctx, const la_each_rec *r) {
  struct look *l = ctx;
  bool must = r->kind == LA_KIND_HALF_OPEN || r->kind == LA_KIND_TIME_WAIT;
  if (r->kind == LA_KIND_CONN)
    must = r->state == LA_SYN_SENT || r->state == LA_SYN_RECEIVED || r->state == LA_FIN_WAIT_1 || r->state == LA_CLOSING ||
           r->state == LA_LAST_ACK;
  la__law(l->h->w, LAW_CLOCKS, !must || r->deadline != LA_NEVER, "%s: %s has no clock", l->h->name, la_state_name(r->state));
  if (r->deadline < l->earliest)
    l->earliest = r->deadline;
  return true;
}
void la__law_host(struct host *h) {
  struct look l = {h, LA_NEVER};
  la_each(h->st, look, &l);
  la__law(h->w, LAW_CLOCKS, la_deadline(h->st) <= l.earliest, "%s: la_deadline is later than a record's clock", h->name);
}

static bool first_neighbour(void *ctx, const la_neigh *n) {
  *(la_neigh *)ctx = *n;
  return false;
}

/* Whom a host knows is memory that it may keep. */
static void forget_neighbours(struct host *h) {
  la_neigh n;
  for (n.link = 0; la_neigh_each(h->st, first_neighbour, &n), n.link; n.link = 0)
    la_neigh_del(h->st, n.link, &n.addr);
}

void la__law_ended(struct host *h) {
  struct world *w = h->w;
  la_stats st;
  forget_neighbours(h);
  la_stats_get(h->st, &st);
  la__law(w, LAW_NOTHING_LEFT, !(st.conns | st.half_open | st.time_wait | st.orphans | st.listeners | st.chunks | st.udp_sockets),
          "%s: %u connections, %u half-open, %u TIME-WAIT, %u orphans, %u listeners, %u chunks are left", h->name, st.conns, st.half_open,
          st.time_wait, st.orphans, st.listeners, st.chunks);
  la_trim(h->st);
  la_stats_get(h->st, &st);
  la__law(w, LAW_NOTHING_LEFT, st.bytes_allocated == h->baseline, "%s: %llu bytes are held, %llu before the first connection", h->name,
          (unsigned long long)st.bytes_allocated, (unsigned long long)h->baseline);
  la__law(w, LAW_NOTHING_LEFT, st.bytes_allocated == h->mem.bytes, "%s: la_stats says %llu bytes, the allocator %llu", h->name,
          (unsigned long long)st.bytes_allocated, (unsigned long long)h->mem.bytes);
  for (size_t i = 0; i < w->nconns; i++) {
    const struct conn *c = w->conn[i];
    if (c->h == h && c->open && c->boot == h->boots)
      la__law(w, LAW_ONE_END, c->nends == 1, "%s: connection %u got %u ENDs", h->name, c->id, c->nends);
  }
}
