/* SPDX-License-Identifier: MIT */
/* One input against one stack, with the invariants checked after every operation. See fuzz.h. */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/lend.h"

#include "base/bytes.h"
#include "base/sum.h"
#include "core/stack.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/tcp_wire.h"

enum { FLOWS = 8, LISTENERS = FUZZ_LISTENERS, HELD = 6, FRAME = 2048, TURNS = 4000, SPANS = 8 };

/* One pair of ends as the scripted peer sees it. Even ones are IPv4, odd ones IPv6; from the fifth on the stack connects. */
struct flow {
  la_addr us, peer;
  uint16_t lport, rport;
  uint32_t nxt, ack; /* what the stack expects next; what it has sent up to */
  uint32_t ts_ecr;
  struct {
    uint32_t lo, hi;
  } span[SPANS]; /* of the segments that came last, the newest at spans - 1 */
  unsigned spans;
};

struct world {
  la_stack *s;
  la_link link;
  la_time now;
  struct fuzz_memory mem;
  struct watch *watch;
  struct lend *lend;
  struct flow flow[FLOWS];
  la_conn conn[FUZZ_CONNS];
  la_listener listener[LISTENERS];
  la_udp udp;
  la_syn syn; /* the latest that waits for an answer */
  uint32_t nconn;
  la_frame held[HELD];
  bool joins; /* the link cuts; what comes stands for segments of 300 bytes */
  unsigned nheld;
  uint8_t last_in[FRAME], last_out[FRAME];
  uint32_t in_len, out_len;
  bool forged; /* a frame whose checksum nobody looked at may have brought any bytes */
  bool ecr;
};

static uint64_t hash(uint64_t h, const void *data, size_t n) {
  const uint8_t *p = data;
  while (n--)
    h = (h ^ *p++) * UINT64_C(0x100000001b3);
  return h;
}

/* making */

static void flow_init(struct flow *f, unsigned i) {
  bool six = i & 1;
  la_addr_parse(six ? "2001:db8::1" : "10.0.0.1", &f->us);
  la_addr_parse(six ? "2001:db8::2" : "10.0.0.2", &f->peer);
  f->lport = i < 4 ? 80 : (uint16_t)(5000 + i);
  f->rport = (uint16_t)(40000 + i / 2 % 2);
  f->nxt = 0x7fffff00u + i * 0x10000000u;
}

/* The clock moves to where the ISS of a pair lies before 2^31 or 2^32. */
static void before_the_wrap(struct world *w, const struct flow *f, uint32_t where) {
  struct key k = {.local = f->us, .remote = f->peer, .lport = f->lport, .rport = f->rport};
  la_tick(w->s, w->now);
  w->now += (la_time)(where - 3000 - la__isn(&w->s->tcp, &k)) * 4 * LA_US;
}

static struct world *world_new(const uint8_t head[FUZZ_HEAD]) {
  struct world *w = calloc(1, sizeof *w);
  FUZZ_CHECK(w);
  la_config c;
  fuzz_configure(&c, head, &w->mem);
  w->s = la_stack_new(&c);
  FUZZ_CHECK(w->s);
  w->link = la_link_add(w->s, head[2] & 64 ? 1280 : 1500);
  w->joins = head[2] & 128;
  la_link_offload(w->s, w->link, w->joins ? 14 | (head[7] & 1) : 0, 0); /* all but perhaps the sums */
  for (unsigned i = 0; i < FLOWS; i++)
    flow_init(&w->flow[i], i);
  for (unsigned i = 0; i < 2; i++)
    FUZZ_CHECK(la_addr_add(w->s, w->link, &w->flow[i].us, i ? 64 : 24) == LA_OK);
  w->now = LA_SEC;
  if (head[6] >> 6)
    before_the_wrap(w, &w->flow[head[6] >> 6 == 3 ? 4 : 0], head[6] >> 6 == 2 ? 1u << 31 : 0);
  la_tick(w->s, w->now);
  la_frame f; /* a link's ring of datagrams stays once it is there */
  FUZZ_CHECK(la_udp_open(w->s, &(la_udp_opts){.port = 1}, &w->udp) == LA_OK);
  FUZZ_CHECK(la_udp_send(w->s, w->udp, &w->flow[0].peer, 1, "", 1) == LA_OK);
  while (la_output(w->s, w->link, &f, 1, w->now))
    la_frame_done(w->s, &f);
  la_udp_close(w->s, w->udp);
  la_trim(w->s);
  w->watch = watch_new(w->s, &w->mem, &c);
  w->lend = lend_new();
  w->mem.fail_one_in = head[3] & 128 ? 2 + (head[3] & 63) : 0;
  return w;
}

/* from the peer */

static void give(struct world *w, const uint8_t *b, uint32_t n, bool sum_ok) {
  uint8_t *exact = malloc(n ? n : 1);
  FUZZ_CHECK(exact);
  memcpy(exact, b, n);
  unsigned flags = (sum_ok ? LA_FRAME_SUM_OK : 0u) | (w->joins ? LA_FRAME_GSO : 0u);
  la_frame f = {.data = exact, .len = n, .flags = (uint16_t)flags, .gso_size = 300};
  la_input(w->s, w->link, &f, 1, w->now);
  memset(exact, 0xdd, n);
  free(exact);
}

static uint32_t ip_wrap(uint8_t *to, const struct flow *f, uint8_t proto, const uint8_t *payload, uint32_t n) {
  struct ip_hdr h = {.src = f->peer, .dst = f->us, .proto = proto, .ttl = 64, .len = n, .dont_fragment = true};
  unsigned hdr = f->us.family == 6 ? la__ip6_build(&h, to) : la__ip4_build(&h, to);
  memcpy(to + hdr, payload, n);
  return hdr + n;
}

static const uint16_t lengths[] = {0, 1, 2, 10, 100, 536, 1000, 1400, 3, 30, 300, 700};
static const uint16_t windows[] = {0, 1, 3, 100, 500, 1000, 5000, 65535};

/* A signed step: small ones near, the others far. */
static uint32_t step(uint8_t v) {
  int32_t s = (int8_t)v;
  return (uint32_t)(s > 100 ? (s - 100) * 1000 : s < -100 ? (s + 100) * 1000 : s > 96 ? INT32_MIN : s);
}

/* A segment that the stack has sent, or several: an end of it, and how far it goes. */
static uint32_t span(const struct flow *f, unsigned back, unsigned n, uint32_t *hi) {
  unsigned known = f->spans < SPANS ? f->spans : SPANS;
  if (!known)
    return *hi = f->ack;
  unsigned first = f->spans - 1 - back % known, last = first + n < f->spans ? first + n : f->spans - 1;
  *hi = f->span[last % SPANS].hi;
  return f->span[first % SPANS].lo;
}

/* who: bit 3 an older echo, bit 4 the blocks, and an ACK that is moved, are of whole segments, bits 6 and 7 the ECN field.
   b: bit 0 SEQ is moved by x[0]; bit 1 its base is the last byte announced; bit 3 ACK is moved by x[1]; bits 4 and 5 leave options out. */
static uint32_t build_segment(struct world *w, const struct fuzz_op *o, uint8_t *to) {
  struct flow *f = &w->flow[o->who % FLOWS];
  struct tcp_seg s = {.sport = f->rport, .dport = f->lport, .flags = o->a, .wnd = windows[o->x[3] & 7]};
  s.seq = f->nxt + (o->b & 1 ? step(o->x[0]) * (o->b & 64 ? 100u : 1u) : 0);
  s.ack = s.flags & LA_ACK ? f->ack + (o->b & 8 ? step(o->x[1]) * (o->b & 128 ? 100u : 1u) : 0) : 0;
  if (s.flags & LA_ACK && o->b & 8 && o->who & 16) {
    uint32_t hi;
    s.ack = span(f, o->x[1] >> 4, 0, &hi);
  }
  s.len = lengths[o->x[2] % 12];
  s.urp = o->x[3] >> 3;
  if (s.flags & LA_SYN) {
    s.opt = (struct tcp_opts){.have = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE, .mss = (uint16_t)(o->b & 2 ? o->x[1] : 1460)};
    s.opt.wscale = o->x[3] >> 4;
    s.seq = f->nxt - !(o->b & 1);
  }
  if (!(o->b & 16))
    s.opt.have |= TCP_OPT_TS;
  if (o->b & 32 && !(s.flags & LA_SYN)) {
    s.opt.have |= TCP_OPT_SACK;
    s.opt.nsack = 1 + (o->x[1] & 1);
    for (unsigned i = 0; i < s.opt.nsack; i++) {
      s.opt.sack[i].lo = f->ack + step(o->x[i]);
      s.opt.sack[i].hi = s.opt.sack[i].lo + o->x[2];
      if (o->who & 16)
        s.opt.sack[i].lo = span(f, o->x[i], o->x[2] & 3, &s.opt.sack[i].hi);
    }
  }
  s.opt.ts_val = (uint32_t)(w->now / LA_MS) + (o->b & 4 ? step(o->x[0]) : 0);
  s.opt.ts_ecr = f->ts_ecr - (o->who & 8 ? o->x[3] : 0);
  uint8_t tcp[FRAME];
  unsigned hdr = la__tcp_build(&s, tcp);
  for (uint32_t i = 0; i < s.len; i++)
    tcp[hdr + i] = fuzz_byte(s.seq + i + ((s.flags & LA_SYN) != 0));
  uint32_t n = hdr + s.len;
  be16_put(tcp + 16, la__sum_finish(la__sum(la__ip_pseudo_sum(&f->peer, &f->us, IP_PROTO_TCP, n), tcp, n)));
  n = ip_wrap(to, f, IP_PROTO_TCP, tcp, n);
  if (f->us.family == 6)
    to[1] |= (uint8_t)((o->who >> 6) << 4);
  else if (o->who >> 6) {
    to[1] |= o->who >> 6;
    be16_put(to + 10, 0);
    be16_put(to + 10, la__sum_finish(la__sum(0, to, 20)));
  }
  return n;
}

static void op_segment(struct world *w, const struct fuzz_op *o) {
  w->in_len = build_segment(w, o, w->last_in);
  give(w, w->last_in, w->in_len, false);
}

/* The last frame of either side, or a new one, with a byte changed, cut, or with bytes of the other spliced in. */
static void op_damaged(struct world *w, const struct fuzz_op *o) {
  uint8_t b[FRAME];
  uint32_t n = o->b & 1 ? w->out_len : w->in_len;
  if (o->b & 2 || n == 0) {
    n = build_segment(w, o, b);
  } else {
    memcpy(b, o->b & 1 ? w->last_out : w->last_in, n);
  }
  uint32_t at = o->x[0] % n;
  if (o->b & 4)
    b[at] = o->x[1];
  if (o->b & 8)
    n = o->x[2] < n ? o->x[2] : n;
  if (o->b & 16 && w->in_len > at && n > at)
    memcpy(b + at, w->last_in + at, (w->in_len < n ? w->in_len : n) - at);
  if (o->b & 32 && n > 6) /* the length fields agree */
    be16_put(b + (b[0] >> 4 == 6 ? 4 : 2), b[0] >> 4 == 6 ? n - 40 : n);
  w->forged |= (o->b & 64) != 0;
  give(w, b, n, o->b & 64);
}

/* The piece [from, to) of a packet's payload as a fragment. */
static void give_fragment(struct world *w, const uint8_t *whole, uint32_t n, uint32_t from, uint32_t to, uint8_t id) {
  uint8_t b[FRAME + 8];
  bool six = whole[0] >> 4 == 6;
  uint32_t hdr = six ? 40 : 20, more = to < n - hdr, put = hdr + (six ? 8 : 0);
  memcpy(b, whole, hdr);
  memcpy(b + put, whole + hdr + from, to - from);
  if (six) {
    be16_put(b + 4, to - from + 8);
    b[40] = b[6];
    b[41] = 0;
    b[6] = 44;
    be16_put(b + 42, from | more);
    be32_put(b + 44, id);
  } else {
    be16_put(b + 2, hdr + to - from);
    be16_put(b + 4, id);
    be16_put(b + 6, from / 8 | more << 13);
    be16_put(b + 10, 0);
    be16_put(b + 10, la__sum_finish(la__sum(0, b, 20)));
  }
  give(w, b, put + to - from, false);
}

/* A segment in two pieces: in either order, overlapping, doubled, or with one missing. */
static void op_fragments(struct world *w, const struct fuzz_op *o) {
  uint8_t b[FRAME];
  uint32_t n = build_segment(w, o, b), all = n - (b[0] >> 4 == 6 ? 40 : 20);
  uint32_t cut = 8 * (1 + o->x[0] % (all / 8)), back = o->b & 4 ? 8 : 0;
  for (unsigned i = 0; i < (o->x[1] & 1 ? 3 : 2); i++) {
    bool first = (i & 1) == (o->x[1] >> 1 & 1);
    if (o->x[1] >> (4 + first) & 1 && o->x[1] & 8)
      continue; /* lost */
    give_fragment(w, b, n, first ? 0 : cut - back, first ? (cut < all ? cut : all) : all, o->who);
    if (cut >= all)
      return;
  }
}

static void op_udp(struct world *w, const struct fuzz_op *o) {
  const struct flow *f = &w->flow[o->who & 1];
  uint8_t b[FRAME], p[FRAME] = {0};
  la_udp u;
  la_udp_opts open = {.port = 53, .reuse_addr = o->b & 1};
  uint32_t n = 8 + lengths[o->x[0] % 12];
  switch (o->a % 5) {
  case 0:
    if (la_udp_open(w->s, &open, &u) == LA_OK) {
      la_udp_close(w->s, w->udp);
      w->udp = u;
    }
    return;
  case 1:
    la_udp_close(w->s, w->udp);
    return;
  case 2:
    la_udp_send(w->s, w->udp, &f->peer, 53, p, n);
    return;
  case 3:
    la_udp_recv(w->s, w->udp, NULL, b, o->x[1]);
    return;
  default:
    be16_put(p, 1000);
    be16_put(p + 2, o->b & 2 ? 54 : 53);
    be16_put(p + 4, o->b & 4 ? o->x[2] : n);
    be16_put(p + 6, la__sum_finish(la__sum(la__ip_pseudo_sum(&f->peer, &f->us, 17, n), p, n)));
    give(w, b, ip_wrap(b, f, 17, p, n), false);
    return;
  }
}

static void op_icmp(struct world *w, const struct fuzz_op *o) {
  static const uint8_t kinds[][4] = {/* type, code: IPv4, IPv6 */
                                     {3, 3, 1, 4},  {3, 4, 2, 0}, {3, 1, 1, 0},   {3, 2, 4, 1},
                                     {11, 0, 3, 0}, {4, 0, 4, 0}, {8, 0, 128, 0}, {12, 0, 1, 1}};
  const struct flow *f = &w->flow[o->who % FLOWS];
  const uint8_t *k = kinds[o->a & 7];
  bool six = f->us.family == 6;
  uint8_t quote[64], msg[FRAME];
  struct ip_hdr h = {.src = f->us, .dst = f->peer, .proto = IP_PROTO_TCP, .ttl = 1, .len = TCP_HEADER, .dont_fragment = true};
  unsigned hlen = six ? la__ip6_build(&h, quote) : la__ip4_build(&h, quote);
  struct tcp_seg seg = {.sport = f->lport, .dport = f->rport, .seq = f->ack + (o->b & 1 ? step(o->x[0]) : 0u - 1), .flags = LA_ACK};
  la__tcp_build(&seg, quote + hlen);
  struct icmp_msg m = {.type = six ? k[2] : k[0], .code = six ? k[3] : k[1], .word = (uint32_t)o->x[1] << 3, .data = quote};
  m.len = o->b & 2 ? o->x[2] % (hlen + TCP_HEADER) : hlen + TCP_HEADER;
  unsigned n = la__icmp_build(&m, msg, 0);
  if (six)
    n = la__icmp_build(&m, msg, la__ip_pseudo_sum(&f->peer, &f->us, IP_PROTO_ICMP6, n));
  uint8_t b[FRAME];
  give(w, b, ip_wrap(b, f, six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, msg, n), false);
}

/* from the stack */

static struct flow *flow_of(struct world *w, const struct ip_hdr *h, const struct tcp_seg *s) {
  for (unsigned i = 0; i < FLOWS; i++) {
    struct flow *f = &w->flow[i];
    if (s->sport == f->lport && s->dport == f->rport && la_addr_same(&h->src, &f->us))
      return f;
  }
  return NULL;
}

static void learn(struct world *w) {
  struct ip_hdr h;
  struct tcp_seg s;
  bool six = la__ip_version(w->last_out, w->out_len) == 6;
  enum la_drop why = six ? la__ip6_parse(&h, w->last_out, w->out_len) : la__ip4_parse(&h, w->last_out, w->out_len, false);
  FUZZ_CHECK(why == LA_DROP_NONE && h.hlen + h.len == w->out_len);
  if (h.proto != IP_PROTO_TCP || h.fragment)
    return;
  uint32_t pseudo = la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_TCP, h.len);
  FUZZ_CHECK(la__tcp_parse(&s, w->last_out + h.hlen, h.len, pseudo, false) == LA_DROP_NONE);
  for (uint32_t i = 0; i < s.len; i++) /* RFC 2525 2.4: a byte depends on its number alone */
    FUZZ_CHECK(s.data[i] == fuzz_byte(s.seq + i));
  struct flow *f = flow_of(w, &h, &s);
  if (!f || s.flags & LA_RST)
    return;
  uint32_t end = s.seq + tcp_seg_len(&s);
  if (s.len) {
    f->span[f->spans % SPANS].lo = s.seq;
    f->span[f->spans++ % SPANS].hi = end;
  }
  if (s.flags & LA_SYN || (int32_t)(end - f->ack) > 0)
    f->ack = end;
  if (s.flags & LA_ACK)
    f->nxt = s.ack;
  if (s.opt.have & TCP_OPT_TS)
    f->ts_ecr = s.opt.ts_val;
}

static void pump(struct world *w, unsigned hold) {
  la_frame f, one;
  la_event e;
  bool more = true;
  for (unsigned turns = 0; more; turns++) {
    FUZZ_CHECK(turns < TURNS); /* the work that an operation causes is bounded */
    more = false;
    if (la_output(w->s, w->link, &f, 1, w->now)) {
      for (unsigned i = 0; i < la_frame_segments(&f); i++) {
        FUZZ_CHECK(la_frame_segment(&f, i, &one) && one.total <= FRAME);
        w->out_len = (uint32_t)la_frame_copy(&one, w->last_out, FRAME);
        learn(w);
        w->watch->digest = hash(w->watch->digest, w->last_out, w->out_len);
      }
      if (hold && w->nheld < HELD)
        w->held[w->nheld++] = f; /* an asynchronous driver */
      else
        la_frame_done(w->s, &f);
      more = true;
    }
    while (la_events(w->s, &e, 1)) {
      watch_event(w->watch, &e);
      lend_event(w->lend, &e);
      if (e.type == LA_EVENT_SYN)
        w->syn = e.syn;
      more = true;
    }
  }
}

static void op_time(struct world *w, const struct fuzz_op *o) {
  static const la_time jump[] = {
    1,          LA_US,       LA_MS,       10 * LA_MS,   40 * LA_MS,        200 * LA_MS,    LA_SEC,
    3 * LA_SEC, 10 * LA_SEC, 61 * LA_SEC, 200 * LA_SEC, 2 * 3600 * LA_SEC, 86400 * LA_SEC, 25 * 86400 * LA_SEC};
  la_time end = w->now + jump[o->a % 14];
  for (unsigned turns = 0; !(o->b & 1); turns++) { /* every deadline is kept, or, with bit 0, none */
    la_time at = la_deadline(w->s);
    if (at > end || turns > 3000)
      break;
    w->now = at > w->now ? at : w->now;
    la_tick(w->s, w->now);
    pump(w, 0);
    FUZZ_CHECK(la_deadline(w->s) > w->now); /* whoever sleeps until then and ticks has got on */
  }
  w->now = end > w->now ? end : w->now;
  la_tick(w->s, w->now);
}

/* calls */

static la_conn *some_conn(struct world *w, uint8_t who) { return &w->conn[who % FUZZ_CONNS]; }

static void keep_conn(struct world *w, la_conn c) {
  w->conn[w->nconn++ % FUZZ_CONNS] = c;
  watch_known(w->watch, c);
}

static void set_option(struct world *w, const struct fuzz_op *o) {
  enum la_opt opt;
  int64_t v;
  fuzz_option(o->b, &opt, &v);
  if (o->x[0] & 128)
    la_listener_set_option(w->s, w->listener[o->who % LISTENERS], opt, v);
  else
    la_set_option(w->s, *some_conn(w, o->who), opt, v, w->now);
}

static void op_call(struct world *w, const struct fuzz_op *o) {
  la_listener *l = &w->listener[o->who % LISTENERS];
  const struct flow *f = &w->flow[o->who % FLOWS];
  la_conn c;
  switch (o->a % 16) {
  case 0: {
    la_listen_opts lo = {.port = 80, .backlog = 1 + (o->b & 3), .reuse_addr = o->b & 4, .admit = o->b & 32};
    la_listen(w->s, &lo, &w->listener[o->b >> 3 & 1]);
    return;
  }
  case 1: {
    la_connect_opts co = {.remote = f->peer, .remote_port = f->rport, .local_port = o->b & 1 ? 0 : f->lport, .reuse_addr = o->b & 2};
    if (la_connect(w->s, &co, &c, w->now) == LA_OK)
      keep_conn(w, c);
    return;
  }
  case 2:
    if (la_accept(w->s, w->listener[o->b & 1], NULL, &c) == LA_OK)
      keep_conn(w, c);
    return;
  case 3:
    la_shutdown(w->s, *some_conn(w, o->who), w->now);
    return;
  case 4:
    la_close(w->s, *some_conn(w, o->who), w->now);
    return;
  case 5:
    la_abort(w->s, *some_conn(w, o->who), w->now);
    return;
  case 6:
    la_close_by(w->s, *some_conn(w, o->who), w->now + o->b * LA_SEC, w->now);
    return;
  case 7:
    la_listener_close(w->s, *l, w->now);
    return;
  case 8:
    set_option(w, o);
    return;
  case 9:
    while (w->nheld)
      la_frame_done(w->s, &w->held[--w->nheld]);
    return;
  case 10:
    la_trim(w->s);
    return;
  case 12:
    la_admit(w->s, w->syn, w->now);
    return;
  case 13:
    la_reject(w->s, w->syn, (enum la_reject_how)(o->b & 3), w->now);
    return;
  case 14:
    la_send_mark(w->s, *some_conn(w, o->who));
    return;
  case 15:
    la_shutdown_read(w->s, *some_conn(w, o->who));
    return;
  default:
    w->mem.fail_one_in = o->b & 1 ? 2 + (o->b >> 2) : 0;
    return;
  }
}

static void op_stream(struct world *w, const struct fuzz_op *o) {
  la_conn c = *some_conn(w, o->who);
  uint8_t b[FRAME];
  la_info_rec r;
  if (la_info(w->s, c, &r) != LA_OK || lend_op(w->lend, w->s, w->watch, c, &r, o, !w->forged))
    return;
  uint32_t n = 1 + o->b * (o->x[0] & 1 ? 8u : 1u);
  if (o->a & 1) {
    uint32_t from = r.rcv_nxt - r.unread - (r.state == LA_CLOSE_WAIT || r.state >= LA_CLOSING || r.state == LA_CLOSED);
    bool sure = r.state >= LA_ESTABLISHED && r.state != LA_TIME_WAIT;
    ptrdiff_t got = o->x[1] & 1 ? la_peek(w->s, c, o->x[2], b, n) : la_recv(w->s, c, b, n);
    FUZZ_CHECK(got <= (ptrdiff_t)n);
    if (o->x[1] & 1)
      from += o->x[2];
    else if (sure && got > 0)
      watch_read(w->watch, c, from, (uint32_t)got);
    for (ptrdiff_t i = 0; sure && !w->forged && i < got; i++)
      FUZZ_CHECK(b[i] == fuzz_byte(from + (uint32_t)i));
    return;
  }
  for (uint32_t i = 0; i < n; i++)
    b[i] = fuzz_byte(r.snd_nxt + r.unsent + i);
  ptrdiff_t took = la_send(w->s, c, b, n);
  FUZZ_CHECK(took <= (ptrdiff_t)n && took != 0);
}

static void one(struct world *w, const struct fuzz_op *o) {
  switch ((o->kind & KIND_MASK) % OP_KINDS) {
  case OP_SEGMENT:
    op_segment(w, o);
    break;
  case OP_DAMAGED:
    op_damaged(w, o);
    break;
  case OP_ICMP:
    op_icmp(w, o);
    break;
  case OP_REPLAY: /* an old duplicate, or the stack's own words */
    give(w, o->b & 1 ? w->last_out : w->last_in, o->b & 1 ? w->out_len : w->in_len, false);
    break;
  case OP_CALL:
    op_call(w, o);
    break;
  case OP_TIME:
    op_time(w, o);
    break;
  case OP_STREAM:
    op_stream(w, o);
    break;
  case OP_FRAGMENTS:
    op_fragments(w, o);
    break;
  case OP_UDP:
    op_udp(w, o);
    break;
  default: /* the peer has forgotten everything */
    flow_init(&w->flow[o->who % FLOWS], o->who % FLOWS);
    w->flow[o->who % FLOWS].nxt = (uint32_t)o->x[0] << 24 | (o->b & 1 ? 0xfffff0 : 0);
    break;
  }
  if (!(o->kind & KIND_GO_ON))
    pump(w, o->kind & KIND_HOLD);
}

/* Everything is closed and has the time to end: then nothing may be left. */
static void finish(struct world *w, bool abort_all) {
  w->mem.fail_one_in = 0;
  for (unsigned i = 0; i < LISTENERS; i++)
    la_listener_close(w->s, w->listener[i], w->now);
  la_udp_close(w->s, w->udp);
  watch_close_all(w->watch, abort_all, w->now);
  for (unsigned i = 0; i < 4; i++)
    op_time(w, &(struct fuzz_op){.kind = OP_TIME, .a = i < 3 ? 10 : 11});
  pump(w, 0);
  while (w->nheld)
    la_frame_done(w->s, &w->held[--w->nheld]);
  pump(w, 0);
  watch_check(w->watch, w->now);
  watch_finished(w->watch);
  la_stack_free(w->s);
  FUZZ_CHECK(w->mem.live == 0);
}

uint64_t fuzz_run(const uint8_t *data, size_t size) {
  if (size < FUZZ_HEAD)
    return 0;
  struct world *w = world_new(data);
  struct fuzz_op o;
  size_t n = (size - FUZZ_HEAD) / sizeof o;
  for (size_t i = 0; i < n && i < FUZZ_OPS_MAX; i++) {
    memcpy(&o, data + FUZZ_HEAD + i * sizeof o, sizeof o);
    one(w, &o);
    watch_check(w->watch, w->now);
  }
  finish(w, data[3] & 64);
  uint64_t digest = w->watch->digest;
  watch_free(w->watch);
  lend_free(w->lend);
  free(w);
  return digest;
}
