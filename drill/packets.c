/* SPDX-License-Identifier: MIT */
/* The packets of a script: inbound ones are built, outbound ones waited for. */
#include "drill/tuning.h"

#include "base/bytes.h"
#include "base/sum.h"
#include "wire/icmp.h"
#include "wire/tcp_wire.h"
#include "wire/udp_wire.h"

#include <stdlib.h>

enum { TTL_IN = 255, TCP_SUM_AT = 16, QUOTE = 8 };
#define LATE (2 * LA_SEC) /* how long after its time a packet is still waited for: to say when it came */

/* ---- inbound ---- */

static bool map_echo(struct run *r, const struct sock *k, const struct drill_packet *p, uint32_t *ecr) {
  for (unsigned i = k->nts; i-- > 0;)
    if (k->ts[i].script == *ecr) {
      *ecr = k->ts[i].live;
      return true;
    }
  if (r->tuning->ts_ecr_scaled && k->ts_found) {
    *ecr += k->ts_first.live - k->ts_first.script;
    return true;
  }
  return la__drill_fail(r, p->at, "TS ecr %u: no outbound packet of the script had that TS val", *ecr);
}

static void map_option(struct drill_opt *o, uint32_t ack_offset) {
  for (unsigned i = 0; o->kind == DRILL_OPT_SACK && i < o->blocks; i++) {
    o->from[i] += ack_offset;
    o->to[i] += ack_offset;
  }
}

static unsigned put_option(const struct drill_opt *o, uint8_t *b) {
  b[0] = o->kind;
  if (o->kind == DRILL_OPT_EOL || o->kind == DRILL_OPT_NOP)
    return 1;
  b[1] = o->len;
  if (o->kind == DRILL_OPT_MSS && o->len == 4) {
    be16_put(b + 2, o->a);
  } else if (o->kind == DRILL_OPT_WSCALE && o->len == 3) {
    b[2] = (uint8_t)o->a;
  } else if (o->kind == DRILL_OPT_TS && o->len == 10) {
    be32_put(b + 2, o->a);
    be32_put(b + 6, o->b);
  } else if (o->kind == DRILL_OPT_SACK && o->blocks) {
    for (unsigned i = 0; i < o->blocks; i++) {
      be32_put(b + 2 + 8 * i, o->from[i]);
      be32_put(b + 6 + 8 * i, o->to[i]);
    }
  } else if (o->len > 2) {
    memcpy(b + 2, o->bytes, o->len - 2u < sizeof o->bytes ? o->len - 2u : sizeof o->bytes);
  }
  return o->len;
}

/* Options as they are written, at most 40 bytes, padded with zeros to a multiple of 4. Returns their length, or -1: failed. */
static int put_options(struct run *r, const struct sock *k, const struct drill_packet *p, uint8_t *b, uint32_t ack_offset) {
  unsigned n = 0;
  for (unsigned i = 0; i < p->nopts; i++) {
    struct drill_opt o = p->opts[i];
    map_option(&o, ack_offset);
    if (o.kind == DRILL_OPT_TS && (p->flags & LA_ACK) && !map_echo(r, k, p, &o.b))
      return -1;
    if (n + (o.len ? o.len : 1u) > TCP_HEADER_MAX - TCP_HEADER) {
      la__drill_fail(r, p->at, "the options take more than 40 bytes");
      return -1;
    }
    n += put_option(&o, b + n);
  }
  while (n % 4)
    b[n++] = 0;
  return (int)n;
}

static uint32_t build_tcp(struct run *r, struct sock *k, const struct drill_packet *p, uint8_t *b) {
  bool syn = p->flags & LA_SYN;
  uint32_t ack_offset = la__sock_local_offset(k, syn);
  int opts = put_options(r, k, p, b + TCP_HEADER, ack_offset);
  if (opts < 0)
    return 0;
  be16_put(b, p->sport ? p->sport : k->live.rport);
  be16_put(b + 2, p->dport ? p->dport : k->live.lport);
  be32_put(b + 4, p->seq + la__sock_remote_offset(k, syn));
  be32_put(b + 8, p->flags & LA_ACK ? p->ack + ack_offset : p->ack);
  b[12] = (uint8_t)((TCP_HEADER + (unsigned)opts) / 4 << 4);
  b[13] = p->flags;
  b[12] |= p->ace >> 2 & 1;
  be16_put(b + 14, p->win);
  be16_put(b + TCP_SUM_AT, 0);
  be16_put(b + 18, p->urg);
  uint32_t n = TCP_HEADER + (uint32_t)opts;
  memset(b + n, 0, p->payload);
  return n + p->payload;
}

/* The packet that an error is about, as far as packetdrill quotes it: an IP header and 8 bytes. */
static unsigned build_quote(struct sock *k, const struct drill_packet *p, uint8_t *b) {
  bool tcp = !p->has_echoed || p->echoed == DRILL_TCP;
  unsigned transport = tcp ? TCP_HEADER : UDP_HEADER;
  struct ip_hdr ip = {.src = k->live.local, .dst = k->live.remote, .ttl = TTL_IN, .len = transport + p->echoed_payload};
  ip.proto = tcp ? IP_PROTO_TCP : IP_PROTO_UDP;
  unsigned n = ip.src.family == 4 ? la__ip4_build(&ip, b) : la__ip6_build(&ip, b);
  memset(b + n, 0, QUOTE);
  be16_put(b + n, k->live.lport);
  be16_put(b + n + 2, k->live.rport);
  if (tcp)
    be32_put(b + n + 4, p->echoed_seq + la__sock_local_offset(k, false));
  else
    be16_put(b + n + 4, UDP_HEADER + p->echoed_payload);
  return n + QUOTE;
}

static uint32_t build_icmp(struct sock *k, const struct drill_packet *p, uint8_t *b, uint32_t (*sum)(const struct sock *, uint32_t)) {
  uint8_t quote[IP6_HEADER + QUOTE + 8];
  struct icmp_msg m = {.type = p->icmp_type, .code = p->icmp_code, .data = quote};
  if (p->has_mtu)
    m.word = p->mtu;
  if (p->has_id)
    m.word = (uint32_t)p->id << 16;
  if (p->echoed_raw) { /* so many bytes of ICMP in all */
    m.len = p->echoed_payload > 8 ? p->echoed_payload - 8 : 0;
    if (m.len > DRILL_PACKET_MAX - IP6_HEADER - 8)
      return 0;
    uint8_t *zeros = calloc(1, m.len + 1);
    m.data = zeros;
    uint32_t n = zeros ? la__icmp_build(&m, b, sum(k, 8 + m.len)) : 0;
    free(zeros);
    return n;
  }
  m.len = build_quote(k, p, quote);
  return la__icmp_build(&m, b, sum(k, 8 + m.len));
}

static uint32_t icmp6_sum(const struct sock *k, uint32_t len) {
  return k->live.local.family == 6 ? la__ip_pseudo_sum(&k->live.remote, &k->live.local, IP_PROTO_ICMP6, len) : 0;
}

static uint32_t build_udp(const struct sock *k, const struct drill_packet *p, uint8_t *b) {
  struct udp_hdr u = {.sport = p->sport ? p->sport : k->live.rport, .dport = p->dport ? p->dport : k->live.lport, .len = p->payload};
  unsigned n = la__udp_build(&u, b);
  memset(b + n, 0, p->payload);
  return n + p->payload;
}

static uint8_t tos_in(const struct drill_ip *ip) { return ip->check == DRILL_ECN_IS || ip->check == DRILL_TOS_IS ? ip->tos : 0; }

uint32_t la__packet_build(struct run *r, struct sock *k, const struct drill_packet *p, uint8_t *out) {
  struct ip_hdr ip = {.src = k->live.remote, .dst = k->live.local, .tos = tos_in(&p->ip), .ttl = p->ip.has_ttl ? p->ip.ttl : TTL_IN};
  bool six = ip.src.family == 6;
  uint8_t *b = out + (six ? IP6_HEADER : IP4_HEADER);
  uint32_t room = DRILL_PACKET_MAX - IP6_HEADER - TCP_HEADER_MAX;
  if (p->payload > room) {
    la__drill_fail(r, p->at, "%u bytes are too long for a packet", p->payload);
    return 0;
  }
  if (p->proto == DRILL_TCP) {
    ip.proto = IP_PROTO_TCP;
    ip.len = build_tcp(r, k, p, b);
  } else if (p->proto == DRILL_UDP) {
    ip.proto = IP_PROTO_UDP;
    ip.len = build_udp(k, p, b);
  } else {
    ip.proto = six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP;
    ip.len = build_icmp(k, p, b, icmp6_sum);
  }
  if (r->failed)
    return 0;
  uint32_t pseudo = la__ip_pseudo_sum(&ip.src, &ip.dst, ip.proto, ip.len);
  if (p->proto == DRILL_TCP)
    be16_put(b + TCP_SUM_AT, la__sum_finish(la__sum(pseudo, b, ip.len)));
  if (p->proto == DRILL_UDP) {
    uint16_t sum = la__sum_finish(la__sum(pseudo, b, ip.len));
    be16_put(b + UDP_SUM_AT, sum ? sum : 0xffff);
  }
  return (six ? la__ip6_build(&ip, out) : la__ip4_build(&ip, out)) + ip.len;
}

static bool packet_in(struct run *r, struct sock *k, const struct drill_packet *p) {
  if (p->proto == DRILL_TCP && k->phase == SOCK_SYN_ACK_SENT && (p->flags & LA_ACK)) {
    k->phase = SOCK_SYN_ACK_ACKED;
  } else if (p->proto == DRILL_TCP && k->phase == SOCK_SYN_SENT && (p->flags & LA_SYN)) { /* with ACK or, in a simultaneous open, without */
    k->phase = p->flags & LA_ACK ? SOCK_SYN_ACKED : SOCK_SYN_SENT;
    k->script.remote_isn = k->live.remote_isn = p->seq;
  }
  if (!k->live.remote.family)
    k->live.remote = r->tuning->remote;
  if (!k->live.local.family)
    k->live.local = r->tuning->local;
  if (!k->live.rport)
    k->live.rport = r->tuning->connect_port;
  if (!k->live.lport)
    k->live.lport = r->tuning->bind_port;
  uint8_t *b = la__drill_alloc(r, DRILL_PACKET_MAX + 1);
  uint32_t n = la__packet_build(r, k, p, b);
  return n && la__clock_input(r, b, n);
}

/* ---- outbound ---- */

/* The next packet that k has sent; waits until `until`. NULL: none, or failed. */
static struct wire *sniff(struct run *r, struct sock *k, la_time until) {
  for (;;) {
    for (struct wire *w; (w = r->queue);) {
      r->queue = w->queue;
      if (!r->queue)
        r->queue_end = &r->queue;
      if (la__sock_sends(r, k, w))
        return w;
    }
    if (!la__clock_step(r, until))
      return NULL;
  }
}

static void remember_ts(struct run *r, struct sock *k, const struct drill_packet *want, struct drill_packet *got) {
  const struct drill_opt *w = NULL;
  struct drill_opt *g = NULL;
  for (unsigned i = 0; i < want->nopts; i++)
    if (want->opts[i].kind == DRILL_OPT_TS && want->opts[i].len == 10)
      w = &want->opts[i];
  for (unsigned i = 0; i < got->nopts; i++)
    if (got->opts[i].kind == DRILL_OPT_TS && got->opts[i].len == 10)
      g = &got->opts[i];
  if (!w || !g || w->a_any)
    return;
  if (!k->ts)
    k->ts = la__drill_alloc(r, DRILL_TS_MAPS * sizeof *k->ts);
  struct ts_map m = {w->a, g->a};
  if (k->nts < DRILL_TS_MAPS)
    k->ts[k->nts++] = m;
  else
    k->ts[DRILL_TS_MAPS - 1] = m;
  if (!k->ts_found) {
    k->ts_found = true;
    k->ts_first = m;
  }
  g->a = k->ts_first.script + (g->a - k->ts_first.live);
}

static const struct drill_opt *ts_of(const struct drill_packet *p) {
  for (unsigned i = 0; i < p->nopts; i++)
    if (p->opts[i].kind == DRILL_OPT_TS)
      return &p->opts[i];
  return NULL;
}
static bool same_ts(struct run *r, const struct drill_packet *want, const struct drill_packet *got) {
  const struct tuning *t = r->tuning;
  const struct drill_opt *w = want->any_options || !t->ts_tick_usecs ? NULL : ts_of(want), *g = ts_of(got);
  if (!w || !g || w->a_any)
    return true;
  int64_t off = llabs((int64_t)(int32_t)(w->a - g->a)) * t->ts_tick_usecs;
  la_time tol = r->at / 1000 * t->tolerance_permille > t->tolerance ? r->at / 1000 * t->tolerance_permille : t->tolerance;
  return (la_time)off * LA_US <= tol;
}

static bool only_zeros(const struct wire *w) {
  for (uint32_t i = 0; i < w->payload_len; i++)
    if (w->payload[i])
      return false;
  return true;
}

/* Expected and actual under each other, and what differs underlined. */
static bool mismatch(struct run *r, const struct drill_packet *want, const struct drill_packet *got, la_time at, enum packet_field field,
                     const char *why) {
  char a[1024], b[1024], mark[1024];
  size_t from, to, n = 0;
  la__packet_text(want, a, sizeof a, field, NULL, NULL);
  la__packet_text(got, b, sizeof b, field, &from, &to);
  if (to <= from)
    to = from + 1;
  for (; n < to && n < sizeof mark - 1; n++)
    mark[n] = n < from || b[n] == ' ' ? ' ' : '^';
  mark[n] = 0;
  r->detail = la__drill_text(r, "  expected  %10.6f %s\n  sent      %10.6f %s\n            %10s %s\n", (double)r->at / 1e9, a,
                             (double)drill_script_time(at) / 1e9, b, "", mark);
  return la__drill_fail(r, want->at, "%s", why);
}

/*
 * packetdrill sees what the kernel hands to a device that segments, so a script may write one packet where several go out. Those in
 * sequence are taken until the payload is complete; the whole has the first one's sequence number and CWR and the last one's rest. Linux
 * sets PSH on whatever it hands over for segmentation, even in the middle of a stream: a PSH that the script has there is not asked for.
 */
static bool join(struct run *r, struct sock *k, const struct drill_packet *want, struct drill_packet *got, la_time until, la_time *at) {
  uint32_t each = got->payload;
  bool several = false;
  while (got->payload < want->payload && !r->tuning->strict_segments) {
    struct wire *w = sniff(r, k, until);
    if (!w)
      return !r->failed;
    struct drill_packet *more = la__packet_as_script(r, k, w);
    uint32_t left = want->payload - got->payload;
    if (more->proto != DRILL_TCP || more->seq != got->end || (more->payload < left && more->payload != each) || !more->payload ||
        ((more->flags ^ got->flags) & (LA_SYN | LA_RST | LA_ACK | LA_URG | LA_ECE)))
      return mismatch(r, want, more, w->at, FIELD_SEQ, "payload: a segment does not go on where the one before it ended");
    struct drill_packet whole = *more;
    whole.seq = got->seq;
    whole.payload = got->payload + more->payload;
    whole.flags = (uint8_t)((more->flags & ~LA_CWR) | (got->flags & LA_CWR));
    whole.ace = (uint8_t)((more->ace & ~2u) | (got->ace & 2u));
    *got = whole;
    *at = w->at;
    several = true;
  }
  if (several && got->payload == want->payload)
    got->flags |= want->flags & LA_PSH;
  return true;
}

static bool missing(struct run *r, const struct drill_packet *want, la_time until) {
  char a[1024];
  if (r->failed)
    return false;
  r->detail = la__drill_text(r, "  expected  %10.6f %s\n  sent      nothing\n", (double)r->at / 1e9,
                             la__packet_text(want, a, sizeof a, FIELD_NONE, NULL, NULL));
  if (until == LA_NEVER)
    return la__drill_fail(r, want->at, "no packet was sent, and nothing will happen any more");
  return la__drill_fail(r, want->at, "no packet was sent until %.6f s", (double)until / 1e9);
}

/* By how much the window in w is shifted: what our SYN said, if the peer's had the option too. */
static unsigned shift_of(const struct run *r, const struct wire *w) {
  unsigned shift = 0, both = 0;
  for (const struct wire *q = r->wires; q; q = q->next) {
    bool ours = q->out && q->sport == w->sport && q->dport == w->dport, theirs = !q->out && q->sport == w->dport && q->dport == w->sport;
    if (q->proto != DRILL_TCP || !(q->seg.flags & LA_SYN) || !(q->seg.opt.have & TCP_OPT_WSCALE) || (!ours && !theirs))
      continue;
    both |= ours ? 1 : 2;
    if (ours)
      shift = q->seg.opt.wscale;
  }
  return both == 3 ? shift : 0;
}

static bool packet_out(struct run *r, struct sock *k, const struct drill_packet *p) {
  const struct drill_event *e = r->event;
  la_time last = r->at_end > r->at ? r->at_end : r->at, until = e->time_kind == DRILL_ANY_TIME ? LA_NEVER : last + LATE;
  struct wire *w = sniff(r, k, until);
  if (!w)
    return missing(r, p, until);
  la__sock_learns(k, p, w);
  la_time at = w->at;
  struct drill_packet *got = la__packet_as_script(r, k, w);
  if (p->proto == DRILL_TCP && got->proto == DRILL_TCP && !join(r, k, p, got, until, &at))
    return false;
  remember_ts(r, k, p, got);
  if (r->tuning->freebsd && !r->tuning->strict && p->proto == DRILL_TCP && got->proto == DRILL_TCP)
    r->liberties += la__packet_liberties(p, got, shift_of(r, w), r->tuning->mtu - 40);
  char why[200];
  enum packet_field field = la__packet_differs(p, got, why, sizeof why);
  if (field != FIELD_NONE)
    return mismatch(r, p, got, at, field, why);
  if (p->proto == DRILL_TCP && !la__packet_options_in_order(p, got)) {
    if (r->tuning->strict)
      return mismatch(r, p, got, at, FIELD_OPTIONS, "options: the same, but in another order or padded otherwise");
    r->reordered++;
  }
  if (!same_ts(r, p, got))
    return mismatch(r, p, got, at, FIELD_OPTIONS, "TS val is off by more than the tolerance");
  if (w->proto != DRILL_ICMP && !only_zeros(w))
    return mismatch(r, p, got, at, FIELD_SEQ, "the payload is not what the script sent");
  la_time since = r->before ? r->before_at : LA_NEVER;
  if (la__drill_in_time(r, p->at, "outbound packet", e->time_kind, r->at, r->at_end, since, drill_script_time(at)))
    return true;
  char text[1024];
  r->detail = la__drill_text(r, "  sent      %10.6f %s\n", (double)drill_script_time(at) / 1e9,
                             la__packet_text(got, text, sizeof text, FIELD_NONE, NULL, NULL));
  return false;
}

bool la__packet_event(struct run *r, const struct drill_packet *p) {
  struct sock *k = la__sock_of_packet(r, p);
  if (!k)
    return false;
  return p->dir == DRILL_IN ? packet_in(r, k, p) : packet_out(r, k, p);
}
