/* SPDX-License-Identifier: MIT */
/*
 * What the stack tells, record by record, and every segment as it leaves, held against the laws: each transition is one of the
 * diagram's and follows the one before it; who is CLOSED is silent but for RST; one FIN; no announced window edge moves left; what is
 * sent is what was written; TIME-WAIT lasts exactly as long as it must.
 */
#include "sim/swarm.h"

#include "base/bytes.h"
#include "base/seq.h"

#include <string.h>

/* ---- pairs ---- */

struct sw_pair *la__sw_pair(struct sw_host *h, const la_addr *remote, uint16_t lport, uint16_t rport, bool make) {
  unsigned last = remote->b[remote->family == 6 ? 15 : 3];
  uint64_t key = (uint64_t)last << 40 | (uint64_t)remote->family << 32 | (uint64_t)lport << 16 | rport;
  uint32_t at = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
  for (unsigned i = 0; i < SW_PAIRS; i++) {
    struct sw_pair *p = &h->pair[(at + i) & (SW_PAIRS - 1)];
    if (p->stamp != h->w->stamp) {
      if (!make)
        return NULL;
      memset(p, 0, sizeof *p);
      p->stamp = h->w->stamp;
      p->key = key;
      p->boot = h->boots;
      return p;
    }
    if (p->key == key)
      return p;
  }
  return NULL;
}

static struct sw_pair *pair_of(struct sw_host *h, const la_trace_rec *r, bool make) {
  return la__sw_pair(h, &r->remote, r->local_port, r->remote_port, make);
}

/* ---- transitions ---- */

static bool in_table(unsigned from, unsigned to, unsigned cause) {
  static uint32_t known[LA_STATES][LA_STATES];
  static bool filled;
  la_transition t;
  for (size_t i = 0; !filled && la_transition_get(i, &t); i++)
    known[t.from][t.to] |= 1u << t.cause;
  filled = true;
  return from < LA_STATES && to < LA_STATES && known[from][to] >> cause & 1;
}

static bool nothing(unsigned st) { return st == LA_CLOSED || st == LA_LISTEN; }

/* How a TIME-WAIT record went, and when. */
static void left_time_wait(struct sw_host *h, const struct sw_pair *p, const la_trace_rec *r) {
  struct sw_world *w = h->w;
  if (r->cause == LA_ON_2MSL) {
    bool due = r->at >= p->tw_due && h->before < p->tw_due; /* at the first tick that finds it due */
    if (!due)
      la__sw_broken(w, SW_TIME_WAIT, "host %u: TIME-WAIT of port %u ended at %llu us, due at %llu us", h->no, r->local_port,
                    (unsigned long long)(r->at / LA_US), (unsigned long long)(p->tw_due / LA_US));
  } else if (r->at >= p->tw_due && h->before >= p->tw_due) {
    la__sw_broken(w, SW_TIME_WAIT, "host %u: TIME-WAIT of port %u outlived 2MSL", h->no, r->local_port);
  } else if (r->cause == LA_ON_POLICY) {
    la_stats st;
    la_stats_get(h->st, &st);
    bool reused = p->state == LA_TIME_WAIT && h->cfg.timestamps; /* by our own connect (RFC 6191) */
    if (h->cfg.time_wait && h->cfg.max_time_wait && !st.time_wait_recycled && !h->mem.failed && !reused)
      la__sw_broken(w, SW_TIME_WAIT, "host %u: TIME-WAIT of port %u was cut short", h->no, r->local_port);
  }
}

static void transition(struct sw_host *h, const la_trace_rec *r) {
  struct sw_world *w = h->w;
  struct sw_pair *p = pair_of(h, r, true);
  if (!r->remote_port || !p) /* a listener's; or there are too many */
    return;
  if (!in_table(r->from, r->to, r->cause))
    la__sw_broken(w, SW_TRANSITION, "host %u: %s -> %s on %s is not in the table", h->no, la_state_name(r->from), la_state_name(r->to),
                  la_cause_name(r->cause));
  bool follows = r->from == p->state || (nothing(r->from) && nothing(p->state));
  bool taken_over = p->state != LA_TIME_WAIT || r->from != LA_CLOSED; /* our own connect puts the record off first */
  if (!follows || !taken_over)
    la__sw_broken(w, SW_TRANSITION, "host %u port %u: %s -> %s, but it was in %s", h->no, r->local_port, la_state_name(r->from),
                  la_state_name(r->to), la_state_name(p->state));
  if (p->state == LA_TIME_WAIT) {
    left_time_wait(h, p, r);
    p->waited = w->now + 1;
  }
  if ((r->to == LA_SYN_SENT || r->to == LA_SYN_RECEIVED) && (nothing(r->from) || r->from == LA_TIME_WAIT)) {
    p->inc++;
    p->has_iss = p->has_fin = p->has_edge = p->reset = false;
    p->began = w->now + 1;
    p->end = NULL;
  }
  p->state = r->to;
  if (p->end && !nothing(r->to))
    p->end->entered = r->at;
  if (nothing(r->to))
    p->closed = r->at;
  if (r->to == LA_TIME_WAIT) {
    p->tw_due = r->at + 2 * h->cfg.msl;
    p->tw_fin = 0;
  }
  if (r->cause == LA_ON_TIMEOUT)
    w->fig.cell[r->from][SEEN_LIMIT]++;
  else if (r->cause == LA_ON_2MSL)
    w->fig.cell[r->from][SEEN_2MSL]++;
  if (w->log)
    la__sw_log_state(w->log, h, (enum la_state)r->to, r);
}

/* ---- segments ---- */

static void came(struct sw_host *h, const la_trace_rec *r) {
  struct sw_world *w = h->w;
  unsigned f = r->flags & (LA_SYN | LA_ACK | LA_FIN | LA_RST);
  unsigned what = f & LA_RST               ? SEEN_RST
                  : f == LA_SYN            ? SEEN_SYN
                  : f == (LA_SYN | LA_ACK) ? SEEN_SYN_ACK
                  : f == (LA_FIN | LA_ACK) ? SEEN_FIN
                  : f != LA_ACK            ? SEEN_ODD
                  : r->len                 ? SEEN_DATA
                                           : SEEN_ACK;
  w->fig.cell[r->from][what]++;
  struct sw_pair *p = pair_of(h, r, false);
  if (!p)
    return;
  if (f & LA_RST)
    p->rst_at = w->now + 1;
  p->in_before = p->in_at;
  p->in_at = r->at;
  p->tw_fin_before = p->tw_fin;
  p->tw_end_before = p->tw_end;
  if (r->from == LA_TIME_WAIT && f == (LA_FIN | LA_ACK)) {
    p->tw_fin = r->at;
    p->tw_end = r->seq + r->len + 1;
  }
}

static void went(struct sw_host *h, const la_trace_rec *r) {
  struct sw_world *w = h->w;
  static const uint8_t clocks[] = {0, SEEN_AGAIN, SEEN_PROBE, SEEN_KEEPALIVE, SEEN_TAIL};
  struct sw_pair *p = pair_of(h, r, false);
  if (r->retransmit && r->retransmit < sizeof clocks)
    w->fig.cell[r->to][clocks[r->retransmit]]++;
  bool rst = r->flags & LA_RST;
  if (!r->conn_gen)
    h->alone_out++;
  bool cookie = (r->flags & (LA_SYN | LA_ACK)) == (LA_SYN | LA_ACK) && h->cfg.syn_cookies && !r->conn_gen;
  if (!rst && !cookie && (!p || (nothing(p->state) && p->closed != r->at)))
    la__sw_broken(w, SW_SILENT, "host %u port %u: a segment (flags %u) from CLOSED", h->no, r->local_port, r->flags);
  if (!p || cookie)
    return;
  if (r->to == LA_TIME_WAIT && !rst && p->tw_fin == r->at && r->ack == p->tw_end && p->state == LA_TIME_WAIT) {
    p->tw_due = p->tw_fin + 2 * h->cfg.msl; /* the exact FIN came again */
    p->tw_fin = 0;
  }
  if (rst) {
    p->rst_out = w->now + 1;
    if (r->conn_gen)
      p->reset = true;
    return;
  }
  if (r->conn_gen && p->reset && nothing(p->state))
    la__sw_broken(w, SW_SILENT, "host %u port %u: a segment after its RST", h->no, r->local_port);
  if (r->flags & LA_SYN) {
    if (p->has_iss && p->iss != r->seq && p->began != w->now + 1) /* else it may be an answer to the SYN before */
      la__sw_broken(w, SW_NUMBERS, "host %u port %u: a second ISS in one incarnation", h->no, r->local_port);
    p->has_iss = true;
    p->iss = r->seq;
    return;
  }
  if (r->flags & LA_FIN) {
    if (p->has_fin && p->fin != r->seq + r->len)
      la__sw_broken(w, SW_ONE_FIN, "host %u port %u: FIN at %u after FIN at %u", h->no, r->local_port, r->seq + r->len, p->fin);
    p->has_fin = true;
    p->fin = r->seq + r->len;
  }
  if (r->conn_gen && r->flags & LA_ACK && r->to >= LA_ESTABLISHED) {
    uint32_t edge = r->ack + r->wnd;
    const struct conn *c = la__conn_handle(&h->st->tcp, (la_conn){r->conn_index, r->conn_gen});
    uint32_t unit = 1u << (c ? c->wscale >> 4 : 14); /* a scaled window may be rounded down (RFC 7323 2.4) */
    if (p->has_edge && seq_lt(edge, p->edge) && p->edge - edge >= unit)
      la__sw_broken(w, SW_EDGE, "host %u port %u: %u bytes of window are taken back", h->no, r->local_port, p->edge - edge);
    if (!p->has_edge || seq_gt(edge, p->edge))
      p->edge = edge;
    p->has_edge = true;
  }
}

static void dropped(struct sw_host *h, const la_trace_rec *r) {
  struct sw_pair *p = r->remote_port ? pair_of(h, r, false) : NULL;
  if (p) {
    p->in_at = p->in_before;
    p->tw_fin = p->tw_fin_before; /* a FIN with an old timestamp is no FIN: what it draws is an ACK and no new 2MSL */
    p->tw_end = p->tw_end_before;
  }
  h->w->fig.cell[p ? p->state : LA_CLOSED][SEEN_DROPPED + r->drop]++;
  if (r->drop == LA_DROP_TCP_CSUM && !h->corrupted)
    la__sw_broken(h->w, SW_SENT, "host %u: a checksum is wrong though nothing was damaged", h->no);
}

void la__sw_record(struct sw_host *h, const la_trace_rec *r) {
  switch (r->type) {
  case LA_TRACE_TRANSITION:
    transition(h, r);
    break;
  case LA_TRACE_OUT:
    went(h, r);
    break;
  case LA_TRACE_IN:
    came(h, r);
    break;
  case LA_TRACE_DROP:
    dropped(h, r);
    break;
  default:
    if (r->fresh == 1)
      h->w->fig.half_open++;
    break;
  }
}

/* ---- frames ---- */

/* SHLD-16, SHLD-29: what the peer's window takes, a byte to probe one that is closed. */
static bool fits(const struct sw_end *e, uint32_t end) {
  const struct conn *c = e->alive ? la__sw_conn(e) : NULL;
  return !c || seq_leq(end, c->snd_una + (c->snd_wnd ? c->snd_wnd : 1));
}

/* A payload is what was written at its place: so bytes once sent never differ. */
void la__sw_sent(struct sw_host *h, const uint8_t *raw, uint32_t len) {
  struct sw_world *w = h->w;
  bool six = raw[0] >> 4 == 6;
  unsigned at = six ? IP6_HEADER : IP4_HEADER;
  if (raw[six ? 6 : 9] != IP_PROTO_TCP || len < at + TCP_HEADER)
    return;
  const uint8_t *t = raw + at;
  unsigned hl = (t[12] >> 4) * 4u;
  uint32_t n = len - at - hl;
  if (!n || t[13] & LA_SYN)
    return;
  la_addr remote = {.family = six ? 6 : 4};
  memcpy(remote.b, raw + (six ? 24 : 16), six ? 16 : 4);
  const struct sw_pair *p = la__sw_pair(h, &remote, be16_get(t), be16_get(t + 2), false);
  const struct sw_end *e = p ? p->end : NULL;
  if (!e || !(p->has_iss || e->has_own)) {
    if (!h->cfg.syn_cookies)
      la__sw_broken(w, SW_SENT, "host %u port %u: text of a connection that no application has", h->no, be16_get(t));
    return;
  }
  uint32_t off = be32_get(t + 4) - (p->has_iss ? p->iss : e->own_iss) - 1;
  if ((uint64_t)off + n > e->tx || !la__sw_same(e->id, off, t + hl, n))
    la__sw_broken(w, SW_SENT, "end %u: a segment with %u bytes at %u that were not written there", e->id, n, off);
  else if (!fits(e, be32_get(t + 4) + n))
    la__sw_broken(w, SW_SENT, "end %u: a segment with %u bytes at %u, beyond the peer's window", e->id, n, off);
}
