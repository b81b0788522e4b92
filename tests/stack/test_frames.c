/* SPDX-License-Identifier: MIT */
/*
 * Damaged frames (D1, D2, D15): every kind of frame that the stack understands, cut at every length, with every bit flipped and
 * every byte of the headers at every value, in buffers of exactly its size so that a sanitizer sees a read past the end;
 * against a stack in each state. Once with the checksums as they came, when nothing may change but a counter, and once
 * with a device that claims to have verified them, when anything may happen but damage.
 */
#include "tests/unit/dialogue.h"

#include "base/sum.h"

enum { FRAME = 256, ROOM = 4096 };

struct frame {
  const char *name;
  uint8_t b[FRAME];
  uint32_t len;
  uint32_t covered; /* from this byte on every bit is under a checksum; before it in IPv6 only the header's own fields are */
  bool six;
};

enum stage { LISTENS, HALF_OPEN, SYN_SENT, OPEN, SENDING, HOLE, FIN_WAIT, CLOSE_WAIT, TIME_WAIT, STAGES };

static void few(la_config *c) {
  c->max_conns = 16;
  c->max_half_open = 4;
  c->max_time_wait = 4;
  c->max_ooo = 4;
}

static struct dlg *bring_to(enum stage st, bool six) {
  struct dlg *d = dlg_new(few);
  if (six)
    dlg_use6(d);
  d->f.syn.have |= TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE;
  d->f.syn.wscale = 3;
  if (st == SYN_SENT) {
    assert_int_equal(dlg_connect(d), LA_OK);
    expect(d, SYN, 0, 0, 0);
    return d;
  }
  dlg_listen(d);
  if (st == LISTENS)
    return d;
  if (st == HALF_OPEN) {
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    return d;
  }
  establish(d, PASSIVE_OPEN);
  if (st == SENDING)
    assert_int_equal(dlg_send(d, 1, 3000), 3000);
  if (st == HOLE) {
    inject(d, ACK, 101, 1, 100);
    inject(d, ACK | FIN, 301, 1, 10);
  }
  if (st == CLOSE_WAIT)
    inject(d, ACK | FIN, 1, 1, 10);
  if (st == FIN_WAIT || st == TIME_WAIT)
    assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  dlg_forget(d);
  if (st == TIME_WAIT)
    inject(d, ACK | FIN, 1, 2, 0);
  dlg_forget(d);
  d->nev = 0;
  return d;
}

/* A segment as the peer of that stack would send it, with IP header. `extra` goes between IPv6 header and TCP. */
static void make(struct frame *f, const struct dlg *d, struct shot s, const uint8_t *extra, uint32_t extra_len) {
  const struct flow *w = &d->f;
  bool six = w->us.family == 6;
  struct tcp_seg seg = {.sport = w->rport, .dport = w->lport, .seq = w->iss + s.seq, .flags = (uint8_t)s.flags, .wnd = 500, .urp = s.urp};
  seg.ack = s.flags & ACK ? w->irs + s.ack : 0;
  seg.opt = s.opt;
  if (seg.opt.have & TCP_OPT_TS)
    seg.opt.ts_val = w->ts_base + (uint32_t)(d->now / LA_MS);
  seg.len = s.len;
  uint8_t tcp[FRAME];
  unsigned hdr = la__tcp_build(&seg, tcp);
  for (uint32_t i = 0; i < s.len; i++)
    tcp[hdr + i] = dlg_byte(s.seq + i);
  uint32_t n = hdr + s.len;
  uint16_t sum = la__sum_finish(la__sum(la__ip_pseudo_sum(&w->peer, &w->us, IP_PROTO_TCP, n), tcp, n));
  tcp[16] = (uint8_t)(sum >> 8);
  tcp[17] = (uint8_t)sum;
  struct ip_hdr h = {.src = w->peer, .dst = w->us, .proto = IP_PROTO_TCP, .ttl = 64, .len = n + extra_len, .dont_fragment = true};
  unsigned ip = six ? la__ip6_build(&h, f->b) : la__ip4_build(&h, f->b);
  if (extra_len) {
    f->b[6] = 60; /* destination options */
    memcpy(f->b + ip, extra, extra_len);
  }
  memcpy(f->b + ip + extra_len, tcp, n);
  f->len = ip + extra_len + n;
  f->six = six;
  f->covered = six ? ip + extra_len : 0;
}

static void make_icmp(struct frame *f, const struct dlg *d, uint8_t type, uint8_t code) {
  const struct flow *w = &d->f;
  bool six = w->us.family == 6;
  uint8_t quote[IP6_HEADER + TCP_HEADER];
  struct ip_hdr h = {.src = w->us, .dst = w->peer, .proto = IP_PROTO_TCP, .ttl = 1, .len = TCP_HEADER, .dont_fragment = true};
  unsigned hlen = six ? la__ip6_build(&h, quote) : la__ip4_build(&h, quote);
  struct tcp_seg seg = {.sport = w->lport, .dport = w->rport, .seq = w->irs + 1, .flags = ACK};
  la__tcp_build(&seg, quote + hlen);
  struct icmp_msg m = {.type = type, .code = code, .data = quote, .len = hlen + TCP_HEADER};
  uint8_t msg[FRAME];
  unsigned n = la__icmp_build(&m, msg, 0);
  if (six)
    n = la__icmp_build(&m, msg, la__ip_pseudo_sum(&w->peer, &w->us, IP_PROTO_ICMP6, n));
  struct ip_hdr o = {.src = w->peer, .dst = w->us, .proto = six ? IP_PROTO_ICMP6 : IP_PROTO_ICMP, .ttl = 64, .len = n};
  unsigned ip = six ? la__ip6_build(&o, f->b) : la__ip4_build(&o, f->b);
  memcpy(f->b + ip, msg, n);
  f->len = ip + n;
  f->six = six;
  f->covered = six ? ip : 0;
}

enum { KINDS = 9 };
static void template(struct frame *f, const struct dlg *d, unsigned kind) {
  static const uint8_t dest_opts[8] = {IP_PROTO_TCP, 0, 1, 4, 0, 0, 0, 0};
  struct tcp_opts all = {.have = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK | TCP_OPT_TS, .mss = 1400, .wscale = 5};
  struct tcp_opts ts = {.have = TCP_OPT_TS}, sack = {.have = TCP_OPT_TS | TCP_OPT_SACK, .nsack = 2};
  sack.sack[0].lo = d->f.irs + 101;
  sack.sack[0].hi = d->f.irs + 201;
  sack.sack[1].lo = d->f.irs + 301;
  sack.sack[1].hi = d->f.irs + 401;
  bool six = d->f.us.family == 6;
  switch (kind) {
  case 0:
    make(f, d, (struct shot){.flags = SYN, .opt = all}, NULL, 0);
    return;
  case 1:
    make(f, d, (struct shot){.flags = SYN | ACK, .ack = 1, .opt = all}, NULL, 0);
    return;
  case 2:
    make(f, d, (struct shot){.flags = ACK | PSH, .seq = 1, .ack = 1, .len = 37, .opt = ts}, NULL, 0);
    return;
  case 3:
    make(f, d, (struct shot){.flags = ACK | FIN, .seq = 1, .ack = 2, .opt = ts}, NULL, 0);
    return;
  case 4:
    make(f, d, (struct shot){.flags = RST, .seq = 1, .len = 3}, NULL, 0);
    return;
  case 5:
    make(f, d, (struct shot){.flags = ACK, .seq = 1, .ack = 1, .opt = sack}, NULL, 0);
    return;
  case 6:
    make(f, d, (struct shot){.flags = ACK | URG, .seq = 1, .ack = 1, .len = 5, .urp = 3, .opt = ts}, six ? dest_opts : NULL, six ? 8 : 0);
    return;
  case 7:
    make_icmp(f, d, six ? 1 : 3, six ? 4 : 3);
    return;
  default:
    make_icmp(f, d, six ? 2 : 3, six ? 0 : 4);
    return;
  }
}

/* Gives it to the stack from a buffer of exactly that size. */
static void give(struct dlg *d, const uint8_t *b, uint32_t n, bool sum_ok) {
  uint8_t *exact = malloc(n ? n : 1);
  assert_non_null(exact);
  memcpy(exact, b, n);
  la_frame f = {.data = exact, .len = n, .flags = sum_ok ? LA_FRAME_SUM_OK : 0};
  assert_int_equal(la_input(d->s, d->link, &f, 1, d->now), 1);
  memset(exact, 0xdd, n); /* nothing may still look there */
  free(exact);
}

struct seen {
  uint64_t sent, drops, live;
  la_stats st;
  enum la_state state;
};
/* Whatever the stack has to say: segments, and answers to pings. */
static uint64_t drain(struct dlg *d) {
  la_frame f;
  la_event e;
  while (la_output(d->s, d->link, &f, 1, d->now)) {
    assert_true(f.total <= 1500);
    la_frame_done(d->s, &f);
    d->sent++;
  }
  while (la_events(d->s, &e, 1))
    ;
  return d->sent;
}

static struct seen look(struct dlg *d) {
  struct seen s = {.st = dlg_stats(d), .live = d->mem.live, .state = dlg_state(d)};
  for (unsigned i = 0; i < LA_DROPS; i++)
    s.drops += s.st.drops[i];
  s.sent = drain(d);
  return s;
}

/* A frame whose checksum is wrong is dropped, counted, and leaves no other trace. */
static void refused(struct dlg *d, const uint8_t *b, uint32_t n) {
  struct seen was = look(d);
  give(d, b, n, false);
  struct seen is = look(d);
  assert_int_equal(is.drops, was.drops + 1);
  assert_int_equal(is.sent, was.sent);
  assert_int_equal(is.live, was.live);
  assert_int_equal(is.state, was.state);
  assert_int_equal(is.st.segments_in, was.st.segments_in);
}

/* Anything may come of it, but not much. The stack that follows is the same to the last sequence number. */
static void survived(struct dlg **d, enum stage st, const uint8_t *b, uint32_t n, bool six) {
  struct seen was = look(*d);
  give(*d, b, n, true);
  struct seen is = look(*d);
  assert_true(is.sent - was.sent <= 8); /* a smaller path MTU cuts what is under way into more pieces */
  assert_true(is.live <= was.live + 400000);
  bool quiet = is.state == was.state && is.live == was.live && is.sent == was.sent;
  if (quiet && (*d)->now < 3 * LA_SEC)
    return;
  for (unsigned i = 0; i < 20; i++) { /* whatever has begun goes on */
    (*d)->now += (LA_SEC / 10) << i;
    la_tick((*d)->s, (*d)->now);
    drain(*d);
  }
  dlg_free(*d);
  *d = bring_to(st, six);
}

static void damage(enum stage st, bool six) {
  struct dlg *d = bring_to(st, six);
  for (unsigned kind = 0; kind < KINDS; kind++) {
    struct frame f;
    template(&f, d, kind);
    uint8_t b[FRAME];
    for (uint32_t n = 0; n < f.len; n++) { /* cut */
      refused(d, f.b, n);
      survived(&d, st, f.b, n, six);
    }
    for (uint32_t bit = 0; bit < 8 * f.len; bit += st <= SENDING ? 1 : 3) { /* one bit */
      memcpy(b, f.b, f.len);
      b[bit / 8] ^= (uint8_t)(1u << (bit & 7));
      if (bit / 8 >= f.covered || (bit / 8 == 0 && bit >= 4)) /* IPv6 leaves its header uncovered, but for the version */
        refused(d, b, f.len);
      survived(&d, st, b, f.len, six);
    }
    for (uint32_t i = 0; i < f.len && i < 100; i++) /* one byte of the headers: lengths, offsets, kinds of options */
      for (unsigned v = 0; v < 256; v += st == SENDING && !six && i < 60 ? 1 : 51) {
        memcpy(b, f.b, f.len);
        b[i] = (uint8_t)v;
        survived(&d, st, b, f.len, six);
      }
  }
  dlg_free(d);
}

static void every_stage_ip4(void **state) {
  (void)state;
  for (unsigned st = 0; st < STAGES; st++)
    damage((enum stage)st, false);
}
static void every_stage_ip6(void **state) {
  (void)state;
  for (unsigned st = 0; st < STAGES; st += 2)
    damage((enum stage)st, true);
}

/* Every data offset with every length, and every pair of bytes at the start of the options. */
static void offsets_and_options(void **state) {
  (void)state;
  struct dlg *d = bring_to(OPEN, false);
  struct frame f;
  make(&f, d, (struct shot){.flags = ACK, .seq = 1, .ack = 1, .opt = {.have = TCP_OPT_TS | TCP_OPT_SACK, .nsack = 2}}, NULL, 0);
  uint8_t b[FRAME];
  for (unsigned off = 0; off < 16; off++)
    for (uint32_t n = 20; n <= f.len; n++) {
      memcpy(b, f.b, f.len);
      b[32] = (uint8_t)(off << 4);
      b[2] = 0;
      b[3] = (uint8_t)n; /* the IP header agrees with the length */
      survived(&d, OPEN, b, n, false);
    }
  for (unsigned pair = 0; pair < 65536; pair++) {
    memcpy(b, f.b, f.len);
    b[40] = (uint8_t)(pair >> 8);
    b[41] = (uint8_t)pair;
    give(d, b, f.len, true);
    drain(d);
  }
  dlg_free(d);
}

/* A length that the IP header claims beyond the packet, or the TCP header beyond that, for every value. */
static void lengths(void **state) {
  (void)state;
  struct dlg *d = bring_to(OPEN, false);
  struct frame f;
  make(&f, d, (struct shot){.flags = ACK, .seq = 1, .ack = 1, .len = 10, .opt = {.have = TCP_OPT_TS}}, NULL, 0);
  uint8_t b[FRAME];
  for (unsigned total = 0; total < 65536; total += total < 200 ? 1 : 97) {
    memcpy(b, f.b, f.len);
    b[2] = (uint8_t)(total >> 8);
    b[3] = (uint8_t)total;
    survived(&d, OPEN, b, f.len, false);
  }
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_stage_ip4),
    cmocka_unit_test(every_stage_ip6),
    cmocka_unit_test(offsets_and_options),
    cmocka_unit_test(lengths),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
