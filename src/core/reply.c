/* SPDX-License-Identifier: MIT */
/*
 * Packets that are not a connection's: ICMP answers, and datagrams.
 *
 * Each link has rings of descriptors, bounded in number (la_config.replies) and in memory (reply_bytes, counted in whole
 * chunks). A descriptor has the eight bytes of its ICMP or UDP header and its payload, copied; tx.c drains them. While a
 * ring of answers is full la_input takes nothing, so that no answer is lost for want of room.
 *
 * Whoever sends packets to us must not make us send many: echo replies and errors each have a token bucket. An error is
 * never sent about an ICMP error, about anything that is not from one host to one host (rx.c has dropped the rest before), or about a
 * fragment that is not the first (RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC 4443 2.4).
 */
#include "base/bytes.h"
#include "core/stack.h"

enum { HEAD = 8, ERROR4_MAX = 576, ERROR6_MAX = 1280 };

bool la__outring_init(la_stack *s, struct outring *r) {
  if (!r->v)
    r->v = mem_alloc(&s->mem, s->tcp.cfg.replies * sizeof *r->v);
  return r->v != 0;
}

void la__outring_done(la_stack *s, struct outring *r) {
  for (; r->tail != r->head; r->tail++)
    la__rope_done(&r->v[r->tail & (s->tcp.cfg.replies - 1)].body, &s->tcp.chunks);
  mem_free(&s->mem, r->v, s->tcp.cfg.replies * sizeof *r->v);
}

static uint32_t cost(uint32_t n) { return (n + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES; }

bool la__outring_room(const la_stack *s, const struct outring *r, uint32_t n) {
  return r->head - r->tail < s->tcp.cfg.replies && r->bytes + cost(n) <= s->tcp.cfg.reply_bytes;
}

struct reply *la__outring_put(la_stack *s, struct outring *r, const void *body, uint32_t n) {
  if (!la__outring_room(s, r, n))
    return 0;
  struct reply *a = &r->v[r->head & (s->tcp.cfg.replies - 1)];
  memset(a, 0, sizeof *a);
  if (n && !la__rope_write_at(&a->body, &s->tcp.chunks, 0, body, n))
    return 0;
  if (n)
    la__rope_extend(&a->body, n);
  a->ttl = s->tcp.cfg.ttl;
  r->bytes += cost(n);
  r->head++;
  return a;
}

bool la__outring_get(la_stack *s, struct outring *r, struct reply *out) {
  if (r->head == r->tail)
    return false;
  *out = r->v[r->tail++ & (s->tcp.cfg.replies - 1)];
  r->bytes -= cost(out->body.len);
  return true;
}

bool la__reply_room(const la_stack *s) {
  for (uint32_t i = 1; i <= s->nlinks; i++)
    if (!la__outring_room(s, &s->answers[i], 1))
      return false;
  return true;
}

static uint32_t header_len(const la_addr *a) { return a->family == 6 ? IP6_HEADER : IP4_HEADER; }

/* From the address that the packet came to, back to its source. */
static struct reply *answer(la_stack *s, const struct packet *p, unsigned type, unsigned code, uint32_t word, const uint8_t *body,
                            uint32_t n) {
  la_link link = la__route_back(s, &p->h.src, p->link);
  struct reply *a = la__outring_put(s, &s->answers[link], body, n);
  if (!a) {
    s->tcp.stats.drops[LA_DROP_LINK_FULL]++;
    return 0;
  }
  a->src = p->h.dst;
  a->dst = p->h.src;
  a->proto = p->h.src.family == 6 ? IP_PROTO_ICMP6 : IP_PROTO_ICMP;
  a->sum_at = 2;
  a->head[0] = (uint8_t)type;
  a->head[1] = (uint8_t)code;
  be32_put(a->head + 4, word);
  return a;
}

static bool allowed(la_stack *s, struct bucket *b) {
  if (la__bucket_take(b, s->tcp.cfg.icmp_per_sec, s->tcp.now, &s->tcp.prng))
    return true;
  s->tcp.stats.icmp_limited++;
  return false;
}

/* What the way back takes in one packet behind the IP and ICMP headers. */
static uint32_t room_back(const la_stack *s, const struct packet *p) {
  return s->mtu[la__route_back(s, &p->h.src, p->link)] - header_len(&p->h.src) - HEAD;
}

/* Too long to go back in one piece: over IPv4 cut short (RFC 1122 3.2.2.6); over IPv6 not answered: all must come back (RFC 4443 4.2). */
enum la_drop la__reply_echo(la_stack *s, const struct packet *p, const struct icmp_msg *m) {
  uint32_t room = room_back(s, p), n = m->len < room ? m->len : room;
  bool six = p->h.src.family == 6;
  if ((six && n < m->len) || !allowed(s, &s->echo_bucket))
    return LA_DROP_ICMP;
  struct reply *a = answer(s, p, six ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY, 0, m->word, m->data, n);
  if (!a)
    return LA_DROP_NONE;
  a->tos = p->h.tos; /* RFC 1349 5.1 */
  s->tcp.stats.echo_replies++;
  return LA_DROP_NONE;
}

/* Where a header is at fault the walk ended there; what lies behind it counts all the same. */
static bool about_icmp_error(const struct packet *p) {
  struct ip_hdr h = p->h;
  bool six = h.src.family == 6;
  if (h.problem && la__ip6_quoted(&h, p->data, p->len) != LA_DROP_NONE)
    return false;
  if (h.proto != (six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP))
    return false;
  return h.frag_off || h.hlen >= p->len || la__icmp_is_error(six ? 6 : 4, p->data[h.hlen]);
}

void la__reply_error(la_stack *s, const struct packet *p, unsigned type, unsigned code, uint32_t word) {
  if ((p->h.frag_off && p->h.src.family == 4) || about_icmp_error(p) || !allowed(s, &s->error_bucket))
    return;
  uint32_t most = (p->h.src.family == 6 ? ERROR6_MAX : ERROR4_MAX) - header_len(&p->h.src) - HEAD;
  uint32_t room = room_back(s, p), n = p->h.problem ? p->len : p->h.hlen + p->h.len;
  n = n < most ? n : most;
  if (answer(s, p, type, code, word, p->data, n < room ? n : room))
    s->tcp.stats.icmp_errors_out++;
}
