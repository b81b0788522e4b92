/* SPDX-License-Identifier: MIT */
/*
 * What the path takes: the segment size `mss` of a connection between what every path carries and `la__mss_most`.
 *
 * Down. A router's "packet too big" (RFC 1191, 8201) is acted upon at once while no segment longer than it allows has ever been
 * acknowledged: that is how a path's MTU is first found. Later the same claim contradicts what was seen; it waits (`claim`) until what
 * it quotes is lost too: a time-out, or the loss of its second copy. An acknowledgment of the quoted segment refutes it (RFC 5927 7.2).
 * Either way it must quote a segment that is outstanding and was longer. Nothing was lost to congestion then: what is outstanding goes
 * again and the windows stay. Where routers are silent (a black hole), r1 time-outs of a long segment in a row take the size to
 * `base_mss`, and each further one halves it (RFC 4821 7.7, as Linux has it).
 *
 * Up. What was learnt is old after `pmtu_expires` (RFC 1191 6.3). Without probing the size then is what it was at first, and routers may
 * object again. With it (LA_OPT_MTU_PROBING) the search goes by halves between `mss` and `high` (RFC 4821 7.3): one segment of new bytes
 * is longer than the others, while cwnd, window and queue have room for it and for those behind it that will report its loss. If it
 * alone is lost that says nothing about congestion: cwnd stays (7.6.4). PROBES such losses take `high` below it (RFC 8899 5.1.2).
 *
 * State. `mss` and one flag are the connection's; the rest lives in the send queue. What must be known longer is known of the
 * destination: a table of fixed size, in which a newcomer takes the place of the oldest of its few neighbours. Who opens or begins to
 * send looks there.
 */
#include "base/bytes.h"
#include "base/seq.h"
#include "base/siphash.h"
#include "tcp/tcp.h"

enum { MTU_LEAST4 = 576, MTU_LEAST6 = 1280, PROBES = 3, WAYS = 4 };

static uint32_t headers(const struct conn *c) {
  return (uint32_t)(c->flags & CF_IP6 ? IP6_HEADER : IP4_HEADER) + TCP_HEADER + (c->flags & CF_TS ? 12u : 0u);
}
static uint32_t less(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t more(uint32_t a, uint32_t b) { return a > b ? a : b; }

uint32_t la__mss_most(const struct tcp *t, const struct conn *c) {
  uint32_t mss = less(c->peer_mss, la__mss_for(t->link[c->link].mtu, c->flags & CF_IP6)), asked = conn_wish(c)->mss;
  return (asked ? less(mss, asked) : mss) - (c->flags & CF_TS ? 12u : 0u);
}

uint32_t la__pmtu(const struct tcp *t, const struct conn *c) {
  return c->mss && c->mss < la__mss_most(t, c) ? c->mss + headers(c) : t->link[c->link].mtu;
}

static unsigned mode(const struct tcp *t, const struct conn *c) {
  unsigned own = conn_wish(c)->mtu_probing;
  return own ? own - 1 : t->cfg.mtu_probing;
}

static uint32_t least(const struct conn *c) { return (uint32_t)(c->flags & CF_IP6 ? MTU_LEAST6 : MTU_LEAST4) - headers(c); }
/* No path over IPv6 takes less than its least. */
static uint32_t base(const struct tcp *t, const struct conn *c) {
  return c->flags & CF_IP6 ? more(t->cfg.base_mss, least(c)) : t->cfg.base_mss;
}

/* The table. */

static struct path_known *neighbours(struct tcp *t, const struct conn *c) {
  uint8_t in[20] = {0};
  bool six = c->flags & CF_IP6;
  struct key k;
  la__conn_key(c, &k);
  memcpy(in, k.remote.b, six ? 16 : 4);
  be32_put(in + 16, k.zone);
  return &t->path[la__siphash13(t->key_table, in, sizeof in) % (PATHS_KNOWN / WAYS) * WAYS];
}

static bool same(const struct path_known *p, const struct conn *c) {
  struct key k;
  la__conn_key(c, &k);
  return p->mtu && p->zone == k.zone && la_addr_same(&p->to, &k.remote);
}

static struct path_known *known(struct tcp *t, const struct conn *c) {
  if (!t->paths)
    return 0;
  struct path_known *p = neighbours(t, c);
  for (unsigned i = 0; i < WAYS; i++, p++)
    if (same(p, c)) {
      if (t->now - p->at < t->cfg.pmtu_expires)
        return p;
      p->mtu = 0;
      t->paths--;
      return 0;
    }
  return 0;
}

/* What this connection has found is so for its destination from now on. */
static void note(struct tcp *t, struct conn *c) {
  struct pmtu *m = &c->sndq->pmtu;
  struct path_known *p = neighbours(t, c), *in = p;
  for (unsigned i = 0; i < WAYS; i++) {
    if (same(p + i, c)) {
      in = p + i;
      break;
    }
    if (in->mtu && (!p[i].mtu || p[i].at < in->at))
      in = p + i;
  }
  struct key k;
  la__conn_key(c, &k);
  t->paths += in->mtu == 0;
  *in = (struct path_known){k.remote, k.zone, t->now, c->mss + headers(c), m->high + headers(c), m->fails};
  m->look_at = la__after(t->now, t->cfg.pmtu_expires);
}

void la__pmtu_open(struct tcp *t, struct conn *c) {
  const struct path_known *p = known(t, c);
  if (p && p->mtu - headers(c) < c->mss)
    c->mss = (uint16_t)(p->mtu - headers(c));
  else if (!p && mode(t, c) == LA_MTU_PROBING_ALWAYS)
    c->mss = (uint16_t)less(c->mss, base(t, c));
}

static void look(struct tcp *t, struct conn *c) {
  struct pmtu *m = &c->sndq->pmtu;
  const struct path_known *p = known(t, c);
  uint32_t most = la__mss_most(t, c);
  m->look_at = LA_NEVER;
  if (p && p->mtu - headers(c) < c->mss) {
    c->mss = (uint16_t)(p->mtu - headers(c));
    m->acked = less(m->acked, c->mss) & UINT16_MAX;
  } else if (!p && !mode(t, c) && c->mss < most) { /* longer ones than before are unheard of: a claim against them is believed */
    c->mss = (uint16_t)most;
    c->flags &= ~(uint32_t)CF_MSS_PROVED;
  }
  m->high = c->mss;
  m->fails = p ? p->fails : 0;
  if (mode(t, c))
    m->high = more(c->mss, p ? less(p->high - headers(c), most) : most) & UINT16_MAX;
  if (p && m->high < most)
    m->look_at = la__after(p->at, t->cfg.pmtu_expires);
}

void la__pmtu_attach(struct tcp *t, struct conn *c) {
  struct pmtu *m = &c->sndq->pmtu;
  m->acked = c->flags & CF_MSS_PROVED ? c->mss : 0;
  m->high = c->mss;
  m->look_at = LA_NEVER;
  if (c->state >= LA_ESTABLISHED && (t->paths || c->mss < la__mss_most(t, c)))
    look(t, c);
}

/* Down. */

static void lower(struct tcp *t, struct conn *c, uint32_t mss) {
  struct pmtu *m = &c->sndq->pmtu;
  c->mss = (uint16_t)mss;
  m->acked = less(m->acked, mss) & UINT16_MAX;
  m->claim = m->probe = 0;
  m->fails = 0;
  note(t, c);
}

static void believe(struct tcp *t, struct conn *c, uint32_t mss) {
  c->sndq->pmtu.high = (uint16_t)mss;
  t->stats.pmtu_lowered++;
  lower(t, c, mss);
  la__recovery_resend(t, c);
}

/* RFC 1191 5 and 7.1: a router that is older names no MTU; the next common one below the size of the packet is tried. */
static uint32_t plateau(uint32_t size) {
  static const uint16_t mtus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006};
  for (unsigned i = 0; i < sizeof mtus / sizeof *mtus; i++)
    if (mtus[i] < size)
      return mtus[i];
  return MTU_LEAST4;
}

/* The record that bears `seq`, unless the peer has it. */
static const struct sent_rec *bearer(const struct conn *c, uint32_t seq) {
  const struct sent *s = &c->sndq->sent;
  unsigned i = la__sent_find(s, seq);
  return i < s->n && seq_leq(sent_at(s, i)->lo, seq) && !(sent_at(s, i)->flags & SENT_SACKED) ? sent_at(s, i) : 0;
}

bool la__pmtu_too_big(struct tcp *t, struct conn *c, const struct icmp_error *e) {
  bool six = c->flags & CF_IP6;
  const struct sent_rec *r = c->sndq && c->state >= LA_ESTABLISHED ? bearer(c, e->seq) : 0;
  if (!r)
    return false;
  uint32_t before = (e->seq - r->lo) / r->size * r->size, size = less(r->size, r->hi - r->lo - before) + headers(c);
  if (e->size < size)
    size = e->size;
  uint32_t mtu = e->mtu == 0 && !six ? plateau(size) : e->mtu;
  if (six && mtu < MTU_LEAST6) /* RFC 8201 4 */
    return false;
  if (!six && mtu < MTU_LEAST4)
    mtu = MTU_LEAST4;
  uint32_t mss = mtu - headers(c);
  if (mtu >= size || mss >= c->mss) /* none of ours was too big for it; and never up */
    return false;
  struct pmtu *m = &c->sndq->pmtu;
  if (mss >= m->acked || (c->backoff && r->flags & SENT_EVER)) {
    believe(t, c, mss);
    la__rearm(t, c);
    return true;
  }
  t->stats.pmtu_pending++;
  m->claim = (uint16_t)mss;
  m->claim_seq = e->seq;
  return true;
}

/* Halved from time-out to time-out. What was too long is known, but not that anything but the path's length is wrong. */
static void black_hole(struct tcp *t, struct conn *c) {
  struct pmtu *m = &c->sndq->pmtu;
  const struct sent_rec *head = c->sndq->sent.n ? sent_at(&c->sndq->sent, 0) : 0;
  uint32_t to = c->mss > base(t, c) ? base(t, c) : more(c->mss / 2u, least(c));
  if (!mode(t, c) || c->backoff < t->cfg.r1 || !head || less(head->size, head->hi - head->lo) <= to || to >= c->mss)
    return;
  m->high = (uint16_t)(c->mss - 1);
  t->stats.pmtu_black_holes++;
  lower(t, c, to);
}

bool la__pmtu_timeout(struct tcp *t, struct conn *c) {
  struct pmtu *m = &c->sndq->pmtu;
  m->probe = 0; /* it proves nothing any more */
  if (m->claim && seq_geq(m->claim_seq, c->snd_una) && bearer(c, m->claim_seq)) {
    believe(t, c, m->claim);
    return true;
  }
  m->claim = 0;
  black_hole(t, c);
  return false;
}

bool la__pmtu_lost_again(struct tcp *t, struct conn *c) {
  const struct pmtu *m = &c->sndq->pmtu;
  const struct sent_rec *r = m->claim && seq_geq(m->claim_seq, c->snd_una) ? bearer(c, m->claim_seq) : 0;
  if (!r || (r->flags & (SENT_LOST | SENT_EVER | SENT_RETRANS)) != (SENT_LOST | SENT_EVER))
    return false;
  believe(t, c, m->claim);
  return true;
}

/* Up. */

void la__pmtu_acked(struct tcp *t, struct conn *c) {
  struct pmtu *m = &c->sndq->pmtu;
  if (m->acked >= c->mss)
    c->flags |= CF_MSS_PROVED;
  if (m->claim && seq_gt(c->snd_una, m->claim_seq))
    m->claim = 0;
  if (m->probe && seq_geq(c->snd_una, m->probe_seq + m->probe)) {
    t->stats.pmtu_probes_passed++;
    c->mss = m->probe;
    c->flags |= CF_MSS_PROVED;
    m->probe = 0;
    m->fails = 0;
    note(t, c);
  }
  if (t->now >= m->look_at)
    look(t, c);
}

uint32_t la__pmtu_probe(const struct tcp *t, const struct conn *c, uint32_t avail, uint32_t usable) {
  const struct sndq *q = c->sndq;
  if (q->pmtu.probe || q->rec.state != LA_CA_OPEN || la__sack_count(c))
    return 0;
  uint32_t n = c->mss + (q->pmtu.high - c->mss + 1u) / 2, all = n + (t->cfg.dupthresh + 1u) * c->mss;
  bool seen = avail >= all && c->cwnd >= all && c->snd_wnd >= all; /* what follows will report its loss */
  return seen && usable >= n && la__eor_cut(q, c->snd_nxt, n) == n ? n : 0;
}

void la__pmtu_probe_sent(struct tcp *t, struct conn *c, uint32_t seq, uint32_t n) {
  t->stats.pmtu_probes++;
  c->sndq->pmtu.probe = (uint16_t)n;
  c->sndq->pmtu.probe_seq = seq;
}

bool la__pmtu_probe_lost(struct tcp *t, struct conn *c) {
  struct pmtu *m = &c->sndq->pmtu;
  const struct sent_rec *r = m->probe ? bearer(c, m->probe_seq) : 0;
  if (!r || !(r->flags & SENT_LOST))
    return false;
  bool alone = c->sndq->sent.lost == m->probe;
  if (alone) {
    if (++m->fails >= PROBES) {
      m->fails = 0;
      m->high = (uint16_t)(m->probe - 1);
    }
    note(t, c);
  }
  m->probe = 0;
  return alone;
}
