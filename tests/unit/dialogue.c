/* SPDX-License-Identifier: MIT */
#include "dialogue.h"

#include "base/sum.h"

enum { GUARD = 16, TURNS_MAX = 100000 };

/* memory */

static void *take(void *ctx, size_t n) {
  struct dlg_mem *m = ctx;
  m->calls++;
  if (m->calls == m->fail_at || (m->fail_from && m->calls >= m->fail_from))
    return NULL;
  unsigned char *p = malloc(n + GUARD);
  assert_non_null(p);
  memcpy(p, &n, sizeof n);
  memset(p + GUARD, 0xa5, n < 8192 ? n : 8192); /* nobody may count on zeros */
  m->live += n;
  m->blocks++;
  return p + GUARD;
}
static void give(void *ctx, void *p, size_t n) {
  struct dlg_mem *m = ctx;
  unsigned char *q = (unsigned char *)p - GUARD;
  size_t was;
  memcpy(&was, q, sizeof was);
  assert_int_equal(was, n);
  m->live -= n;
  m->blocks--;
  free(q);
}
la_alloc dlg_alloc(struct dlg_mem *m) { return (la_alloc){take, give, m}; }

/* text */

const char *dlg_flags(unsigned flags, char buf[32]) {
  static const char letter[] = "FSRP.UEW";
  unsigned n = 0;
  for (unsigned i = 0; i < 8; i++)
    if (flags >> i & 1)
      buf[n++] = letter[i];
  if (n == 0)
    buf[n++] = '-';
  buf[n] = 0;
  return buf;
}

static void note(struct dlg *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct dlg *d, const char *fmt, ...) {
  char *to = d->log[d->nlog++ % 48];
  int n = snprintf(to, 160, "%12.6f ", (double)d->now / 1e9);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(to + n, 160 - (size_t)n, fmt, ap);
  va_end(ap);
}

void dlg_fail(struct dlg *d, const char *file, int line, const char *fmt, ...) {
  char text[256];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  print_error("dialogue until here (> from the stack, < from the peer, sequence numbers relative):\n");
  for (unsigned i = d->nlog > 48 ? d->nlog - 48 : 0; i < d->nlog; i++)
    print_error("%s\n", d->log[i % 48]);
  print_error("%12.6f %s\n", (double)d->now / 1e9, text);
  _fail(file, line);
  abort();
}

static void note_seg(struct dlg *d, char dir, const struct tcp_seg *s, const struct flow *f) {
  char b[32];
  uint32_t seq = s->seq - (dir == '>' ? f->irs : f->iss), ack = s->ack - (dir == '>' ? f->iss : f->irs);
  note(d, "%c %u:%u %s seq %u ack %u len %u wnd %u opt %x", dir, s->sport, s->dport, dlg_flags(s->flags, b), seq, ack, s->len, s->wnd,
       s->opt.have);
}

/* making one */

static la_addr addr(const char *text) {
  la_addr a;
  assert_true(la_addr_parse(text, &a));
  return a;
}

static void flow_init(struct flow *f, const la_addr *us, const la_addr *peer, uint16_t rport) {
  *f = (struct flow){.us = *us, .peer = *peer, .lport = 80, .rport = rport, .iss = 0x10000000u + rport, .ts_base = 5000};
  f->syn.have = TCP_OPT_MSS;
  f->syn.mss = 1460;
}

static struct dlg *make(const char *ip, const char *ip6, const char *other, void (*tweak)(la_config *c)) {
  struct dlg *d = calloc(1, sizeof *d);
  assert_non_null(d);
  la_config c;
  la_config_init(&c, LA_PRESET_RFC);
  memset(c.secret, ip[strlen(ip) - 1], sizeof c.secret);
  if (tweak)
    tweak(&c);
  c.alloc = dlg_alloc(&d->mem);
  d->s = la_stack_new(&c);
  assert_non_null(d->s);
  la_addr us = addr(ip), us6 = addr(ip6), peer = addr(other);
  d->link = la_link_add(d->s, 1500);
  assert_int_equal(d->link, 1);
  assert_int_equal(la_addr_add(d->s, d->link, &us, 24), LA_OK);
  assert_int_equal(la_addr_add(d->s, d->link, &us6, 64), LA_OK);
  d->wnd = 65535;
  d->now = LA_SEC;
  flow_init(&d->f, &us, &peer, 40000);
  la_tick(d->s, d->now);
  return d;
}
struct dlg *dlg_new(void (*tweak)(la_config *c)) {
  return make("10.0.0.1", "2001:db8::1", "10.0.0.2", tweak);
}
struct dlg *dlg_new_peer(void (*tweak)(la_config *c)) {
  struct dlg *d = make("10.0.0.2", "2001:db8::2", "10.0.0.1", tweak);
  d->f.lport = 40000;
  d->f.rport = 80;
  return d;
}

void dlg_use6(struct dlg *d) {
  d->f.us = addr("2001:db8::1");
  d->f.peer = addr("2001:db8::2");
}

void dlg_other(struct dlg *d, uint16_t rport) {
  struct flow was = d->f;
  flow_init(&d->f, &was.us, &was.peer, rport);
  d->f.lport = was.lport;
  d->f.syn = was.syn;
}

void dlg_forget(struct dlg *d) {
  dlg_pump(d);
  for (size_t i = 0; i < d->nout; i++)
    free(d->out[i].bytes);
  d->nout = 0;
}

void dlg_free(struct dlg *d) {
  la_stack_free(d->s);
  assert_int_equal(d->mem.live, 0);
  assert_int_equal(d->mem.blocks, 0);
  for (size_t i = 0; i < d->nout; i++)
    free(d->out[i].bytes);
  free(d->out);
  free(d->ev);
  free(d);
}

/* from the peer */

size_t dlg_ip(struct dlg *d, const la_addr *src, const la_addr *dst, uint8_t proto, const void *payload, uint32_t len) {
  static uint8_t packet[65600];
  struct ip_hdr h = {.src = *src, .dst = *dst, .proto = proto, .ttl = 64, .tos = d->tos, .len = len, .dont_fragment = true};
  unsigned hlen = src->family == 6 ? la__ip6_build(&h, packet) : la__ip4_build(&h, packet);
  memcpy(packet + hlen, payload, len);
  uint8_t *exact = malloc(hlen + len); /* so that a sanitizer sees the end */
  assert_non_null(exact);
  memcpy(exact, packet, hlen + len);
  la_frame f = {.data = exact, .len = hlen + len};
  size_t n = la_input(d->s, d->link, &f, 1, d->now);
  d->bytes_in += f.len;
  free(exact);
  return n;
}

uint8_t dlg_byte(uint32_t pos) { return (uint8_t)(pos * 7 + pos / 251); }

static void options(const struct dlg *d, const struct shot *s, struct tcp_seg *seg) {
  const struct flow *f = &d->f;
  if (s->plain)
    return;
  if (s->opt.have)
    seg->opt = s->opt;
  else if (s->flags & SYN)
    seg->opt = f->syn;
  else if (f->ts)
    seg->opt.have = TCP_OPT_TS;
  if (seg->opt.have & TCP_OPT_TS && !s->opt.have) {
    seg->opt.ts_val = f->ts_base + (uint32_t)(d->now / LA_MS) - s->ts_back;
    seg->opt.ts_ecr = s->flags & ACK ? f->ts_ecr : 0;
  }
}

size_t dlg_offer(struct dlg *d, struct shot s) {
  static uint8_t bytes[65600];
  const struct flow *f = &d->f;
  struct tcp_seg seg = {.sport = f->rport, .dport = f->lport, .seq = f->iss + s.seq, .flags = (uint8_t)s.flags, .len = s.len, .urp = s.urp};
  seg.ack = s.flags & ACK ? f->irs + s.ack : 0;
  seg.wnd = s.wnd == ZERO_WINDOW ? 0 : s.wnd == 0 ? d->wnd : (uint16_t)s.wnd;
  options(d, &s, &seg);
  unsigned hdr = la__tcp_build(&seg, bytes);
  uint32_t first = s.seq + (s.flags & SYN ? 1 : 0);
  for (uint32_t i = 0; i < s.len; i++)
    bytes[hdr + i] = s.data ? ((const uint8_t *)s.data)[i] : dlg_byte(first + i);
  uint16_t sum = la__sum_finish(la__sum(la__ip_pseudo_sum(&f->peer, &f->us, IP_PROTO_TCP, hdr + s.len), bytes, hdr + s.len));
  bytes[16] = (uint8_t)(sum >> 8);
  bytes[17] = (uint8_t)sum;
  if (s.damage)
    bytes[(s.damage - 1) / 8] ^= (uint8_t)(1u << (s.damage - 1) % 8);
  note_seg(d, '<', &seg, f);
  return dlg_ip(d, &f->peer, &f->us, IP_PROTO_TCP, bytes, hdr + s.len);
}

void dlg_inject(struct dlg *d, struct shot s, const char *file, int line) {
  if (dlg_offer(d, s) != 1)
    dlg_fail(d, file, line, "the stack does not take the segment");
}

size_t dlg_icmp(struct dlg *d, const la_addr *from, uint8_t type, uint8_t code, uint32_t word, uint32_t seq, uint32_t quoted) {
  const struct flow *f = &d->f;
  bool six = f->us.family == 6;
  uint8_t quote[IP6_HEADER + TCP_HEADER], msg[128];
  struct ip_hdr h = {.src = f->us, .dst = f->peer, .proto = IP_PROTO_TCP, .ttl = 1, .len = TCP_HEADER, .dont_fragment = true};
  unsigned hlen = six ? la__ip6_build(&h, quote) : la__ip4_build(&h, quote);
  struct tcp_seg seg = {.sport = f->lport, .dport = f->rport, .seq = f->irs + seq, .flags = ACK};
  la__tcp_build(&seg, quote + hlen);
  struct icmp_msg m = {.type = type, .code = code, .word = word, .data = quote, .len = hlen + quoted};
  unsigned n = la__icmp_build(&m, msg, 0);
  if (six) { /* the pseudo-header needs the length, which is known only now */
    n = la__icmp_build(&m, msg, la__ip_pseudo_sum(from, &f->us, IP_PROTO_ICMP6, n));
  }
  note(d, "< ICMP %u/%u about seq %u", type, code, seq);
  return dlg_ip(d, from, &f->us, six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, msg, n);
}

/* from the stack */

static void *grow(void *v, size_t n, size_t *cap, size_t size) {
  if (n < *cap)
    return v;
  *cap = *cap ? 2 * *cap : 64;
  v = realloc(v, *cap * size);
  assert_non_null(v);
  return v;
}

static bool of_flow(const struct dlg *d, const struct dlg_seg *o) {
  const struct flow *f = &d->f;
  return o->seg.sport == f->lport && o->seg.dport == f->rport && la_addr_same(&o->src, &f->us) && la_addr_same(&o->dst, &f->peer);
}

/* A SYN tells the stack's ISS and options. */
static void learn(struct dlg *d, const struct tcp_seg *s) {
  struct flow *f = &d->f;
  if (s->flags & SYN) {
    if (!f->irs_known) {
      f->irs = s->seq;
      f->irs_known = true;
    }
    f->from = s->opt;
    f->ts = f->syn.have & s->opt.have & TCP_OPT_TS;
  }
  if (s->opt.have & TCP_OPT_TS)
    f->ts_ecr = s->opt.ts_val;
}

static void keep(struct dlg *d, const la_frame *f) {
  d->out = grow(d->out, d->nout, &d->out_cap, sizeof *d->out);
  struct dlg_seg *o = &d->out[d->nout++];
  o->at = d->now;
  o->bytes = malloc(f->total);
  assert_non_null(o->bytes);
  assert_int_equal(la_frame_copy(f, o->bytes, f->total), f->total);
  struct ip_hdr h;
  bool six = la__ip_version(o->bytes, f->total) == 6;
  enum la_drop why = six ? la__ip6_parse(&h, o->bytes, f->total) : la__ip4_parse(&h, o->bytes, f->total, false);
  assert_int_equal(why, LA_DROP_NONE);
  assert_int_equal(h.proto, IP_PROTO_TCP);
  assert_int_equal(h.hlen + h.len, f->total);
  uint32_t pseudo = la__ip_pseudo_sum(&h.src, &h.dst, IP_PROTO_TCP, h.len);
  assert_int_equal(la__tcp_parse(&o->seg, o->bytes + h.hlen, h.len, pseudo, false), LA_DROP_NONE);
  o->src = h.src;
  o->dst = h.dst;
  o->ttl = h.ttl;
  o->tos = h.tos;
  d->sent++;
  d->bytes_out += f->total;
  if (of_flow(d, o))
    learn(d, &o->seg);
  note_seg(d, '>', &o->seg, &d->f);
}

static size_t take_events(struct dlg *d) {
  size_t n = 0, got;
  if (d->hold_events)
    return 0;
  do {
    d->ev = grow(d->ev, d->nev, &d->ev_cap, sizeof *d->ev);
    got = la_events(d->s, d->ev + d->nev, 1);
    if (got)
      note(d, "  event %s", la_event_name(d->ev[d->nev].type));
    d->nev += got;
    n += got;
  } while (got);
  return n;
}

void dlg_pump(struct dlg *d) {
  la_frame f;
  unsigned turns = 0;
  bool more = true;
  while (more) {
    more = take_events(d) > 0;
    while (la_output(d->s, d->link, &f, 1, d->now)) {
      keep(d, &f);
      la_frame_done(d->s, &f);
      more = true;
      if (++turns > TURNS_MAX)
        dlg_fail(d, __FILE__, __LINE__, "output without end");
    }
  }
}

void dlg_until(struct dlg *d, la_time end) {
  unsigned turns = 0;
  dlg_pump(d);
  for (la_time at; (at = la_deadline(d->s)) <= end;) {
    if (at <= d->now && ++turns > 1000)
      dlg_fail(d, __FILE__, __LINE__, "la_deadline stays at the present");
    if (at > d->now) {
      d->now = at;
      turns = 0;
    }
    la_tick(d->s, d->now);
    dlg_pump(d);
    if (d->hold_events && la_deadline(d->s) <= d->now)
      break; /* events wait: that is why */
  }
  if (end > d->now)
    d->now = end;
  la_tick(d->s, d->now);
  dlg_pump(d);
}
void dlg_advance(struct dlg *d, la_time ns) { dlg_until(d, d->now + ns); }

const struct dlg_seg *dlg_expect(struct dlg *d, struct want w, const char *file, int line) {
  static struct dlg_seg last;
  static uint8_t payload[65600];
  char a[32], b[32];
  dlg_pump(d);
  size_t i = 0;
  while (i < d->nout && !of_flow(d, &d->out[i]))
    i++;
  if (i == d->nout)
    dlg_fail(d, file, line, "nothing was sent; wanted %s seq %u ack %u len %u", dlg_flags(w.flags, a), w.seq, w.ack, w.len);
  last = d->out[i];
  memmove(&d->out[i], &d->out[i + 1], (--d->nout - i) * sizeof d->out[0]);
  struct tcp_seg *s = &last.seg;
  memcpy(payload, s->data, s->len);
  s->data = payload;
  free(last.bytes);
  last.bytes = NULL;
  learn(d, s);
  uint32_t seq = w.absolute ? s->seq : s->seq - d->f.irs, ack = w.absolute || !(s->flags & ACK) ? s->ack : s->ack - d->f.iss;
  unsigned flags = w.flags & PSH ? s->flags : s->flags & ~(unsigned)PSH;
  if (flags != w.flags || seq != w.seq || (w.flags & ACK && !w.no_ack_check && ack != w.ack) || (!(w.flags & ACK) && s->ack != 0) ||
      s->len != w.len)
    dlg_fail(d, file, line, "came %s seq %u ack %u len %u; wanted %s seq %u ack %u len %u", dlg_flags(s->flags, a), seq, ack, s->len,
             dlg_flags(w.flags, b), w.seq, w.ack, w.len);
  if (w.at && last.at != w.at)
    dlg_fail(d, file, line, "came at %.6f, wanted at %.6f", (double)last.at / 1e9, (double)w.at / 1e9);
  if (w.wnd && s->wnd != (w.wnd == ZERO_WINDOW ? 0 : w.wnd))
    dlg_fail(d, file, line, "came with window %u, wanted %d", s->wnd, w.wnd);
  return &last;
}

void dlg_expect_nothing(struct dlg *d, const char *file, int line) {
  dlg_pump(d);
  if (d->nout)
    dlg_fail(d, file, line, "%zu segment(s) sent, wanted none", d->nout);
}

/* calls */

void dlg_listen(struct dlg *d) {
  la_listen_opts o = {.port = d->f.lport, .backlog = 16};
  assert_int_equal(la_listen(d->s, &o, &d->listener), LA_OK);
}

int dlg_connect(struct dlg *d) {
  const struct flow *f = &d->f;
  la_connect_opts o = {.remote = f->peer, .remote_port = f->rport, .local = f->us, .local_port = f->lport};
  return la_connect(d->s, &o, &d->conn, d->now);
}

int dlg_accept(struct dlg *d) { return la_accept(d->s, d->listener, NULL, &d->conn); }

void establish(struct dlg *d, enum dlg_side side) {
  if (side == PASSIVE_OPEN) {
    if (d->listener.gen == 0)
      dlg_listen(d);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0);
    expect_event(d, LA_EVENT_ACCEPT);
    assert_int_equal(dlg_accept(d), LA_OK);
    la_conn none;
    assert_int_equal(la_accept(d->s, d->listener, NULL, &none), LA_AGAIN); /* arms ACCEPT */
  } else {
    assert_int_equal(dlg_connect(d), LA_OK);
    expect(d, SYN, 0, 0, 0);
    inject(d, SYN | ACK, 0, 1, 0);
    expect(d, ACK, 1, 1, 0);
    expect_event(d, LA_EVENT_ESTABLISHED);
  }
  expect_nothing(d);
  expect_no_event(d);
  expect_state(d, LA_ESTABLISHED);
}

static void reach_syn_received(struct dlg *d, enum dlg_side side) {
  if (side == PASSIVE_OPEN)
    dlg_listen(d);
  else
    assert_int_equal(dlg_connect(d), LA_OK);
  if (side == ACTIVE_OPEN)
    expect(d, SYN, 0, 0, 0);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
}

static void peer_fin(struct dlg *d, struct place *p, uint32_t ack) {
  inject(d, FIN | ACK, p->peer++, ack, 0);
  expect(d, ACK, p->us, p->peer, 0);
}

static void our_fin(struct dlg *d, struct place *p, bool closed) {
  int err = closed ? la_close(d->s, d->conn, d->now) : la_shutdown(d->s, d->conn, d->now);
  assert_int_equal(err, LA_OK);
  expect(d, FIN | ACK, p->us++, p->peer, 0);
}

struct place dlg_reach(struct dlg *d, enum la_state st, enum dlg_side side, bool closed) {
  struct place p = {1, 1};
  switch (st) {
  case LA_CLOSED:
    return (struct place){0, 0};
  case LA_LISTEN:
    dlg_listen(d);
    return (struct place){0, 0};
  case LA_SYN_SENT:
    assert_int_equal(dlg_connect(d), LA_OK);
    expect(d, SYN, 0, 0, 0);
    return (struct place){0, 1};
  case LA_SYN_RECEIVED:
    reach_syn_received(d, side);
    return p;
  default:
    establish(d, side);
    break;
  }
  if (st == LA_CLOSE_WAIT || st == LA_LAST_ACK)
    peer_fin(d, &p, p.us);
  if (st != LA_ESTABLISHED && st != LA_CLOSE_WAIT)
    our_fin(d, &p, closed);
  if (st == LA_FIN_WAIT_2)
    inject(d, ACK, p.peer, p.us, 0);
  if (st == LA_CLOSING)
    peer_fin(d, &p, p.us - 1);
  if (st == LA_TIME_WAIT)
    peer_fin(d, &p, p.us);
  dlg_pump(d);
  d->nev = 0;
  expect_state(d, st);
  return p;
}

ptrdiff_t dlg_send(struct dlg *d, uint32_t pos, size_t n) {
  static uint8_t bytes[1 << 16];
  assert_true(n <= sizeof bytes);
  for (size_t i = 0; i < n; i++)
    bytes[i] = dlg_byte(pos + (uint32_t)i);
  return la_send(d->s, d->conn, bytes, n);
}

/* states and events */

struct search {
  const struct flow *f;
  int rank;
  enum la_state st;
};
static bool look(void *ctx, const la_each_rec *r) {
  struct search *q = ctx;
  const struct flow *f = q->f;
  int rank = 1;
  if (r->local_port != f->lport)
    return true;
  if (r->kind != LA_KIND_LISTENER) {
    if (r->remote_port != f->rport || !la_addr_same(&r->remote, &f->peer) || !la_addr_same(&r->local, &f->us) || r->state == LA_CLOSED)
      return true;
    rank = r->kind == LA_KIND_CONN && r->state == LA_TIME_WAIT ? 0 : 2; /* what has been told END only keeps the handle */
  }
  if (rank > q->rank) {
    q->rank = rank;
    q->st = r->state;
  }
  return true;
}
enum la_state dlg_state(struct dlg *d) {
  struct search q = {&d->f, 0, LA_CLOSED};
  la_each(d->s, look, &q);
  return q.st;
}

void dlg_expect_state(struct dlg *d, enum la_state st, const char *file, int line) {
  enum la_state is = dlg_state(d);
  if (is != st)
    dlg_fail(d, file, line, "state is %s, wanted %s", la_state_name(is), la_state_name(st));
}

const la_event *dlg_expect_event(struct dlg *d, enum la_event_type type, const char *file, int line) {
  static la_event last;
  dlg_pump(d);
  if (d->nev == 0)
    dlg_fail(d, file, line, "no event, wanted %s", la_event_name(type));
  last = d->ev[0];
  memmove(&d->ev[0], &d->ev[1], --d->nev * sizeof d->ev[0]);
  if (last.type != type)
    dlg_fail(d, file, line, "event %s, wanted %s", la_event_name(last.type), la_event_name(type));
  return &last;
}

void dlg_expect_no_event(struct dlg *d, const char *file, int line) {
  dlg_pump(d);
  if (d->nev)
    dlg_fail(d, file, line, "event %s, wanted none", la_event_name(d->ev[0].type));
}

la_end dlg_expect_end(struct dlg *d, enum la_who who, enum la_how how, enum la_why why, int err, const char *file, int line) {
  la_end e = dlg_expect_event(d, LA_EVENT_END, file, line)->end;
  if (e.who != who || e.how != how || e.why != why || e.err != err)
    dlg_fail(d, file, line, "END %s, %s, %s, %s; wanted %s, %s, %s, %s", la_who_name(e.who), la_how_name(e.how), la_why_name(e.why),
             la_err_name(e.err), la_who_name(who), la_how_name(how), la_why_name(why), la_err_name(err));
  return e;
}

la_stats dlg_stats(const struct dlg *d) {
  la_stats s;
  la_stats_get(d->s, &s);
  return s;
}
