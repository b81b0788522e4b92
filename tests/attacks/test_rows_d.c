/* SPDX-License-Identifier: MIT */
/* Data, arithmetic, parsing: rows D1 to D15, each under a storm, with its bound (row.h); D9 and D10 have test_amplify.c. */
#include "tests/attacks/row.h"

#include "base/prng.h"
#include "base/sum.h"

static uint32_t below(struct prng *r, uint32_t n) { return (uint32_t)la__prng_below(r, n); }

/* A TCP segment by hand, whatever its header says, with a right checksum over `len` bytes. */
static void raw(struct dlg *d, struct row *w, uint8_t *tcp, uint32_t len, bool sum) {
  const struct flow *f = &d->f;
  if (sum && len >= 18) {
    tcp[16] = tcp[17] = 0;
    uint16_t s = la__sum_finish(la__sum(la__ip_pseudo_sum(&f->peer, &f->us, IP_PROTO_TCP, len), tcp, len));
    tcp[16] = (uint8_t)(s >> 8);
    tcp[17] = (uint8_t)s;
  }
  hit(w, dlg_ip(d, &f->peer, &f->us, IP_PROTO_TCP, tcp, len));
}
static void header(const struct dlg *d, uint8_t *tcp, unsigned flags, uint32_t seq, uint32_t ack) {
  struct tcp_seg seg = {
    .sport = d->f.rport, .dport = d->f.lport, .seq = d->f.iss + seq, .ack = d->f.irs + ack, .flags = (uint8_t)flags, .wnd = 1000};
  la__tcp_build(&seg, tcp);
}

/* Every pair of a kind and a length at the beginning of the options, in a SYN and in a segment, in headers of every length. */
static void d1_option_lengths(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  struct row w = row_of(d, "D1 options of every kind and length");
  uint64_t bad = 0;
  for (unsigned kind = 0; kind < 256; kind++)
    for (unsigned len = 0; len < 256; len += len < 42 ? 1 : 71)
      for (unsigned words = 6; words <= 15; words += 3) {
        uint8_t tcp[60] = {0};
        header(d, tcp, ACK, 1u << 30, 1); /* outside the window: of text it makes nothing */
        tcp[12] = (uint8_t)(words << 4);
        tcp[20] = (uint8_t)kind;
        tcp[21] = (uint8_t)len;
        raw(d, &w, tcp, words * 4, true);
        dlg_forget(d);
        bad += kind > 1 && (len < 2 || len > words * 4 - 20);
      }
  assert_true(dlg_stats(d).drops[LA_DROP_TCP_HDR] >= bad && bad > 10000); /* each that lies, and some with rubbish behind a NOP */
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 1});
  row_works(d);
  dlg_free(d);
}

/* Each offset against each length of the segment, 0 to 80. */
static void d2_header_lengths(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  struct row w = row_of(d, "D2 offsets and lengths that lie");
  for (unsigned words = 0; words < 16; words++)
    for (uint32_t len = 0; len <= 80; len++) {
      uint8_t tcp[80] = {0};
      header(d, tcp, ACK, 1u << 30, 1);
      tcp[12] = (uint8_t)(words << 4);
      raw(d, &w, tcp, len, true);
      dlg_forget(d);
    }
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 50});
  row_works(d);
  dlg_free(d);
}

/* URP 0, 1, at the end, behind it, far; no text, a byte, a segment; beside every flag that may stand there. The stream is what was sent. */
static void d3_urgent_pointers(void **state) {
  (void)state;
  static const uint32_t len[] = {0, 1, 1000};
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  struct row w = row_of(d, "D3 urgent pointers");
  uint32_t at = 1;
  for (unsigned i = 0; i < 300; i++) {
    uint32_t n = len[i % 3];
    const uint32_t urp[] = {0, 1, n, n + 1, 65535};
    hit(&w, inject(d, ACK | URG | (i & 4 ? PSH : 0), at, 1, n, .urp = (uint16_t)urp[i / 3 % 5]));
    dlg_forget(d);
    uint8_t b[1024];
    ptrdiff_t got = la_recv(d->s, d->conn, b, sizeof b);
    assert_int_equal(got, n ? (ptrdiff_t)n : LA_AGAIN);
    for (uint32_t k = 0; k < n; k++)
      assert_int_equal(b[k], dlg_byte(at + k));
    at += n;
    d->nev = 0;
  }
  row_holds(&w, (struct bounds){.memory = 256 << 10, .work = 900, .percent = 50});
  dlg_free(d);
}

/* Shifts above 14, repeated options, SACK blocks of odd lengths and SYN's options beside no SYN: all of it taken, nothing believed. */
static void d4_options_out_of_place(void **state) {
  (void)state;
  static const uint8_t odd[][12] = {
    {3, 3, 255, 1},                               /* a shift of 255 */
    {3, 3, 15, 3, 3, 200, 1, 1},                  /* twice */
    {2, 4, 0, 1, 2, 4, 255, 255},                 /* two MSS */
    {5, 9, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1},         /* SACK of 7 bytes */
    {4, 2, 4, 2, 5, 2, 1, 1},                     /* SACK-permitted twice, an empty SACK */
    {8, 10, 255, 255, 255, 255, 0, 0, 0, 0, 1, 1} /* a stamp that was not agreed */
  };
  for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
    struct dlg *d = dlg_new(NULL);
    dlg_listen(d);
    struct row w = row_of(d, "D4 options out of place or repeated");
    uint8_t tcp[32];
    header(d, tcp, SYN, 0, 0);
    tcp[12] = 8 << 4;
    memcpy(tcp + 20, odd[i], 12);
    raw(d, &w, tcp, 32, true);
    assert_int_equal(d->nout, 1);
    assert_int_equal(d->out[0].seg.flags, SYN | ACK);
    d->f.irs = d->out[0].seg.seq;
    d->f.irs_known = true;
    dlg_forget(d);
    for (unsigned k = 0; k < 50; k++) { /* the same in the middle of it */
      header(d, tcp, ACK, 1, 1);
      tcp[12] = 8 << 4;
      memcpy(tcp + 20, odd[k % (sizeof odd / sizeof *odd)], 12);
      raw(d, &w, tcp, 32, true);
      dlg_forget(d);
    }
    if (i == 5) { /* stamps were agreed, and the peer must go on with them */
      dlg_free(d);
      continue;
    }
    assert_int_equal(dlg_accept(d), LA_OK);
    assert_true(row_info(d).snd_wscale <= 14);
    row_holds(&w, (struct bounds){.memory = 96 << 10, .work = 1500, .percent = 150});
    row_works(d);
    dlg_free(d);
  }
}

struct said {
  la_time at;
  uint32_t seq, ack, len, flags, wnd, no_padding;
};
/* Opening, text both ways with a hole, a reset outside the window, release; what the stack says, relative to the first numbers. */
static unsigned life(uint32_t iss, struct said *v, unsigned max, struct row *sum) {
  struct dlg *d = dlg_new(NULL);
  d->f.iss = iss;
  establish(d, PASSIVE_OPEN);
  unsigned n = 0;
  struct row w = row_of(d, sum->name);
  hit(&w, inject(d, ACK, 1001, 1, 1000));
  hit(&w, inject(d, ACK, 1, 1, 1000));
  hit(&w, inject(d, RST, 1u << 20, 0, 0));
  assert_int_equal(dlg_send(d, 1, 3000), 3000);
  dlg_pump(d);
  hit(&w, inject(d, ACK, 2001, 1461, 0));
  dlg_advance(d, 3 * LA_SEC);
  hit(&w, inject(d, FIN | ACK, 2001, 3001, 0));
  uint8_t b[4096];
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 2000);
  la_close(d->s, d->conn, d->now);
  dlg_pump(d);
  hit(&w, inject(d, ACK, 2002, 3002, 0));
  for (size_t i = 0; i < d->nout && n < max; i++) {
    const struct tcp_seg *s = &d->out[i].seg;
    v[n++] = (struct said){d->out[i].at, s->seq - d->f.irs, s->ack - iss, s->len, s->flags, s->wnd, 0};
  }
  sum->n += w.n;
  sum->most_work = w.most_work > sum->most_work ? w.most_work : sum->most_work;
  dlg_free(d);
  return n;
}
static void d5_wrap(void **state) {
  (void)state;
  static const uint32_t iss[] = {1000, 0, (1u << 31) - 1, 1u << 31, UINT32_MAX - 1, UINT32_MAX, (1u << 31) - 1500, UINT32_MAX - 1500};
  struct said first[64], other[64];
  struct row w = {.name = "D5 numbers that wrap"};
  unsigned n = life(iss[0], first, 64, &w);
  assert_true(n > 6 && n < 64);
  for (unsigned i = 1; i < sizeof iss / sizeof *iss; i++) {
    assert_int_equal(life(iss[i], other, 64, &w), n);
    for (unsigned k = 0; k < n; k++)
      assert_memory_equal(&first[k], &other[k], sizeof first[k]);
  }
  print_message("%-44s %7llu packets: the same %u segments from each of 8 beginnings, work %llu (1500)\n", w.name, (unsigned long long)w.n,
                n, (unsigned long long)w.most_work);
  assert_true(w.most_work > 20 && w.most_work <= 1500);
}

/* Stamps from before draw ACKs and no more, around the wrap too; what follows 25 days of silence is heard whatever its stamp. */
static void d6_paws(void **state) {
  (void)state;
  for (unsigned wrap = 0; wrap < 2; wrap++) {
    struct dlg *d = dlg_new(NULL);
    d->f.syn.have |= TCP_OPT_TS;
    d->f.ts_base = wrap ? 0u - 1500 : 100000;
    establish(d, PASSIVE_OPEN);
    dlg_advance(d, 2 * LA_SEC);
    row_works(d);
    uint32_t next = row_info(d).rcv_nxt - d->f.iss, ours = row_info(d).snd_nxt - d->f.irs;
    struct row w = row_of(d, "D6 stamps from before");
    for (unsigned i = 0; i < 500; i++)
      hit(&w, inject(d, ACK, next, ours, 10, .ts_back = 1 + i * 7));
    assert_int_equal(row_info(d).unread, 0);
    row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 85}); /* an ACK of 52 bytes for 62 */
    dlg_advance(d, 25ull * 86400 * LA_SEC);
    dlg_forget(d);
    inject(d, ACK, next, ours, 10, .ts_back = 1u << 30);
    dlg_forget(d);
    assert_int_equal(row_info(d).unread, 10);
    dlg_free(d);
  }
}

/* Overlaps of every kind with other bytes, against a picture of which came first. */
static void d7_overlaps(void **state) {
  (void)state;
  enum { SPAN = 400 };
  struct prng r;
  la__prng_seed(&r, 7);
  for (unsigned round = 0; round < 40; round++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    uint8_t want[SPAN], bytes[SPAN], got[SPAN + 1];
    bool have[SPAN] = {false};
    struct row w = row_of(d, "D7 overlaps with other bytes");
    for (unsigned i = 0; i < 30; i++) {
      uint32_t lo = i == 29 ? 0 : 1 + below(&r, SPAN - 1), n = i == 29 ? SPAN : 1 + below(&r, SPAN - lo);
      memset(bytes, (int)(i + 1), n);
      hit(&w, inject(d, ACK, 1 + lo, 1, n, .data = bytes));
      dlg_forget(d);
      for (uint32_t k = lo; k < lo + n; k++)
        if (!have[k]) {
          have[k] = true;
          want[k] = (uint8_t)(i + 1);
        }
    }
    assert_int_equal(la_recv(d->s, d->conn, got, sizeof got), SPAN);
    assert_memory_equal(got, want, SPAN);
    row_holds(&w, (struct bounds){.memory = 256 << 10, .work = 1500, .percent = 100});
    dlg_free(d);
  }
}

/* What was sent once never changes, however a hostile peer shuts and opens its window, acknowledges parts, or asks for all of it again. */
static void d8_what_was_sent(void **state) {
  (void)state;
  struct prng r;
  la__prng_seed(&r, 9);
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  struct row w = row_of(d, "D8 retransmissions of every size");
  uint32_t queued = 0, una = 0;
  for (unsigned i = 0; i < 600; i++) {
    if (queued - una < 8000)
      queued += (uint32_t)dlg_send(d, 1 + queued, 1 + below(&r, 3000));
    dlg_pump(d);
    for (size_t k = 0; k < d->nout; k++) {
      const struct dlg_seg *o = &d->out[k];
      for (uint32_t b = 0; b < o->seg.len; b++)
        assert_int_equal(o->seg.data[b], dlg_byte(o->seg.seq - d->f.irs + b));
    }
    dlg_forget(d);
    uint32_t flight = row_info(d).snd_nxt - d->f.irs - 1 - una;
    una += i % 3 ? 0 : below(&r, flight + 1);
    hit(&w, inject(d, ACK, 1, 1 + una, 0, .wnd = i % 5 ? (int32_t)(100 + below(&r, 9000)) : ZERO_WINDOW));
    if (i % 7 == 0)
      dlg_advance(d, LA_SEC);
  }
  row_holds(&w, (struct bounds){.memory = 256 << 10, .work = 5000, .percent = 4000});
  dlg_free(d);
}

/* 10,000 bytes, none, one, 5000, with text in flight: what is usable never turns into 2^32, nothing is sent beyond, nothing ends. */
static void d11_window_shrinks(void **state) {
  (void)state;
  struct prng r;
  la__prng_seed(&r, 11);
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(dlg_send(d, 1, 60000), 60000);
  dlg_forget(d);
  struct row w = row_of(d, "D11 a window that shrinks");
  for (unsigned i = 0; i < 400; i++) {
    static const int32_t wnd[] = {10000, ZERO_WINDOW, 1, 5000};
    int32_t now = i < 4 ? wnd[i] : (int32_t)below(&r, 10000);
    hit(&w, inject(d, ACK, 1, 1, 0, .wnd = now ? now : ZERO_WINDOW));
    uint32_t edge = 1 + (now > 1 ? (uint32_t)now : 1);
    for (size_t k = 0; k < d->nout; k++)
      assert_true(d->out[k].seg.seq - d->f.irs + d->out[k].seg.len <= edge);
    dlg_forget(d);
  }
  expect_state(d, LA_ESTABLISHED);
  row_holds(&w, (struct bounds){.memory = 4096, .work = 5000, .percent = 100});
  dlg_free(d);
}

/* A reader of single bytes, and a peer that offers a byte at a time: no update of less than a segment, no segment of a byte. */
static void d12_silly_windows(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.mss = 1000;
  establish(d, PASSIVE_OPEN);
  uint32_t at = 1;
  while (row_info(d).rcv_wnd >= 1000) {
    inject(d, ACK, at, 1, 1000);
    dlg_forget(d);
    at += 1000;
  }
  struct row w = row_of(d, "D12 read byte by byte");
  uint64_t sent = d->sent;
  uint32_t old = row_info(d).rcv_wnd;
  for (unsigned i = 0; i < 5000; i++) {
    uint8_t b;
    hit(&w, assert_int_equal(la_recv(d->s, d->conn, &b, 1), 1));
  }
  assert_true(d->sent - sent <= 5 && row_info(d).rcv_wnd >= old);
  assert_true(w.most_work > 20 && w.most_work <= 700);
  assert_int_equal(dlg_send(d, 1, 20000), 20000);
  dlg_forget(d);
  inject(d, ACK, at, row_info(d).snd_nxt - d->f.irs, 0, .wnd = 1);
  dlg_forget(d);
  uint32_t una = row_info(d).snd_una - d->f.irs;
  sent = d->sent;
  w = row_of(d, "D12 offered byte by byte");
  for (int32_t k = 2; k < 900; k++) /* MUST-38: less than a segment and less than half of the largest offer */
    hit(&w, inject(d, ACK, at, una, 0, .wnd = k));
  assert_true(d->sent - sent <= 1);
  row_holds(&w, (struct bounds){.memory = 4096, .work = 1500, .percent = 5});
  dlg_free(d);
}

/* ACKs in another order: what is older than SND.WL1, or SND.WL2, says nothing of the window. */
static void d13_old_windows(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(dlg_send(d, 1, 2000), 2000);
  dlg_forget(d);
  inject(d, ACK, 101, 1001, 0, .wnd = 7777); /* 100 bytes before it are on their way */
  dlg_forget(d);
  struct row w = row_of(d, "D13 windows of old segments");
  for (unsigned i = 0; i < 1000; i++) {
    bool ack = i % 2;
    hit(&w, inject(d, ACK, ack ? 101 : 1 + i % 100, ack ? 1 + i % 1000 : 1001, 0, .wnd = 1 + (int32_t)i));
    assert_int_equal(row_info(d).snd_wnd, 7777);
  }
  dlg_forget(d);
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 1});
  dlg_free(d);
}

/* Every interleaving of what is lost around a shut window, to three steps: a clock always runs, and the text gets through. */
static void d14_persist_and_rto(void **state) {
  (void)state;
  for (unsigned way = 0; way < 64; way++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    assert_int_equal(dlg_send(d, 1, 3000), 3000);
    dlg_forget(d);
    struct row w = row_of(d, "D14 losses around a shut window");
    for (unsigned step = 0; step < 3; step++) {
      unsigned what = way >> 2 * step & 3;
      if (what == 0)
        hit(&w, inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW));
      else if (what == 1)
        hit(&w, inject(d, ACK, 1, 1, 0, .wnd = 700));
      else if (what == 2)
        dlg_advance(d, 3 * LA_SEC);
      else
        hit(&w, inject(d, ACK, 1, row_info(d).snd_una - d->f.irs + 500, 0, .wnd = ZERO_WINDOW));
      dlg_forget(d);
    }
    uint32_t una = row_info(d).snd_una - d->f.irs; /* the opening is lost; what asks for it again must come */
    for (unsigned i = 0; i < 12 && una < 3001; i++) {
      la_time at = la_deadline(d->s);
      assert_true(at < d->now + 200 * LA_SEC);
      dlg_until(d, at);
      for (size_t k = 0; k < d->nout; k++) {
        uint32_t seq = d->out[k].seg.seq - d->f.irs;
        una = seq <= una && seq + d->out[k].seg.len > una ? seq + d->out[k].seg.len : una;
      }
      dlg_forget(d);
      hit(&w, inject(d, ACK, 1, una, 0));
    }
    dlg_forget(d);
    assert_int_equal(row_info(d).snd_una - d->f.irs, 3001);
    row_holds(&w, (struct bounds){.memory = 256 << 10, .work = 5000, .percent = 12000});
    dlg_free(d);
  }
}

/* Each single bit of a segment with text, flipped: dropped, and nothing else. */
static void d15_every_bit(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  struct row w = row_of(d, "D15 each bit of a segment flipped");
  for (uint32_t bit = 1; bit <= (20 + 101) * 8; bit++)
    hit(&w, inject(d, PSH | ACK, 1, 1, 101, .damage = bit));
  assert_int_equal(row_info(d).unread, 0);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_CSUM], w.n);
  row_holds(&w, (struct bounds){.memory = 0, .work = 500, .percent = 0});
  row_works(d);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(d1_option_lengths),
    cmocka_unit_test(d2_header_lengths),
    cmocka_unit_test(d3_urgent_pointers),
    cmocka_unit_test(d4_options_out_of_place),
    cmocka_unit_test(d5_wrap),
    cmocka_unit_test(d6_paws),
    cmocka_unit_test(d7_overlaps),
    cmocka_unit_test(d8_what_was_sent),
    cmocka_unit_test(d11_window_shrinks),
    cmocka_unit_test(d12_silly_windows),
    cmocka_unit_test(d13_old_windows),
    cmocka_unit_test(d14_persist_and_rto),
    cmocka_unit_test(d15_every_bit),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
