/* SPDX-License-Identifier: MIT */
/*
 * Work: what one segment or one clock can make the stack do. The core in this program is compiled so that it calls
 * __sanitizer_cov_trace_pc on the way into every basic block; their number is the measure. It is the same on every run, and it is
 * held against itself at another size: what grows with the attacker's number is found, however fast the machine.
 */
#include "tests/unit/loss_test.h"

#include "base/prng.h"

static uint64_t blocks;
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) { blocks++; }

struct work {
  uint64_t n, sum, max;
};
static void add(struct work *w, uint64_t before) {
  uint64_t did = blocks - before;
  w->n++;
  w->sum += did;
  w->max = did > w->max ? did : w->max;
}
static uint64_t mean(const struct work *w) { return w->sum / (w->n ? w->n : 1); }
static void say(const char *what, const struct work *w) {
  print_message("%-44s %8llu times, basic blocks: mean %llu, most %llu\n", what, (unsigned long long)w->n, (unsigned long long)mean(w),
                (unsigned long long)w->max);
  assert_true(w->n > 0 && w->sum > w->n * 20); /* the counter is there at all */
}
#define measured(w, ...) \
  do { \
    uint64_t before_ = blocks; \
    __VA_ARGS__; \
    add(&(w), before_); \
  } while (0)

/*
 * B2: pairs that all collide under any sum or exclusive-or of their parts, against pairs at random: a SYN, and then a segment that
 * finds the record, cost the same, and the costliest of them is no list of all the others.
 */
static void roomy(la_config *c) {
  c->max_half_open = 60000;
  c->rst_per_sec = 0;
}
static void b2_pair(struct dlg *d, unsigned i, bool chosen, struct prng *r) {
  uint32_t v = chosen ? i : (uint32_t)la__prng_below(r, 1u << 30);
  d->f.irs_known = false;
  d->f.peer.b[1] = 50;
  d->f.peer.b[2] = (uint8_t)(v >> 8);
  d->f.peer.b[3] = (uint8_t)v;
  d->f.rport = chosen ? (uint16_t)v ^ 0xffffu : (uint16_t)(1 + (v >> 16));
  if (d->f.rport == 0)
    d->f.rport = 1;
}
static void b2_collisions(void **state) {
  (void)state;
  enum { N = 50000 };
  struct work add_[2] = {{0}}, find[2] = {{0}};
  for (unsigned chosen = 0; chosen < 2; chosen++) {
    struct dlg *d = dlg_new(roomy);
    dlg_listen(d);
    struct prng r;
    la__prng_seed(&r, 21);
    for (unsigned i = 0; i < N; i++) {
      b2_pair(d, i, chosen, &r);
      measured(add_[chosen], inject(d, SYN, 0, 0, 0));
      dlg_forget(d);
    }
    assert_true(dlg_stats(d).half_open > N - N / 100);
    la__prng_seed(&r, 21);
    for (unsigned i = 0; i < N; i++) {
      b2_pair(d, i, chosen, &r);
      measured(find[chosen], inject(d, ACK, 500, 0, 0));
      dlg_forget(d);
    }
    dlg_free(d);
  }
  say("B2 SYN, pairs at random", &add_[0]);
  say("B2 SYN, chosen pairs", &add_[1]);
  say("B2 look-up, pairs at random", &find[0]);
  say("B2 look-up, chosen pairs", &find[1]);
  assert_true(mean(&add_[1]) * 10 <= mean(&add_[0]) * 12 && mean(&find[1]) * 10 <= mean(&find[0]) * 12);
  assert_true(find[1].max <= 4 * mean(&find[1]));
  assert_true(add_[1].max <= 8 * mean(&add_[1])); /* a bucket is split at most */
}

/* B3, SegmentSmack: one byte at every second position, in three orders. `size` is the window's, `runs` the limit of separate runs. */
static uint32_t size, runs;
static void sized(la_config *c) {
  c->rcvbuf = c->rcv_start = size;
  c->max_ooo = runs;
}
static struct work odd_bytes(uint32_t window, uint32_t limit, unsigned order) {
  enum { N = 20000 };
  size = window;
  runs = limit;
  struct work w = {0};
  struct prng r;
  la__prng_seed(&r, 3);
  struct dlg *d = loss_open(sized, LA_MS, TCP_OPT_SACK_OK);
  uint32_t nxt = 1;
  for (unsigned i = 0; i < N; i++) {
    uint32_t k = order == 0 ? i : order == 1 ? N - 1 - i : (uint32_t)la__prng_below(&r, N);
    measured(w, inject(d, ACK, nxt + 2 + 2 * k, 1, 1));
    dlg_forget(d);
    if (i % 500 == 0) { /* what comes in order is always taken */
      inject(d, ACK, nxt, 1, 1);
      dlg_forget(d);
      assert_true(info(d).rcv_nxt - d->f.iss >= nxt + 1);
      nxt = info(d).rcv_nxt - d->f.iss;
    }
  }
  assert_true(dlg_stats(d).bytes_allocated < 4 * (uint64_t)window + 300000);
  dlg_free(d);
  return w;
}
static void b3_tiny_segments(void **state) {
  (void)state;
  static const char *const name[] = {"B3 odd bytes, ascending", "B3 odd bytes, descending", "B3 odd bytes, at random"};
  for (unsigned order = 0; order < 3; order++) {
    struct work small = odd_bytes(65536, 64, order), large = odd_bytes(1 << 20, 64, order), wide = odd_bytes(1 << 20, 1024, order);
    say(name[order], &small);
    say("  a window of 1 MiB", &large);
    say("  and 1024 runs instead of 64", &wide);
    assert_true(mean(&large) <= 2 * mean(&small));
    assert_true(mean(&wide) <= 4 * mean(&small)); /* a 16th of what a walk over the runs would cost */
    assert_true(wide.max <= 12 * mean(&small));
  }
}

/* B4: a window full of segments outstanding, ACKs with the worst blocks: work is bounded by max_sent, not by what is queued. */
static uint32_t records;
static void with_records(la_config *c) {
  linux_preset(c);
  c->max_sent = records;
  c->sndbuf = c->sndbuf_max = 4 << 20;
}
static struct work sack_storm(uint32_t limit, uint32_t queued) {
  records = limit;
  struct dlg *d = loss_open(with_records, 100 * LA_MS, TCP_OPT_SACK_OK);
  for (uint32_t i = 0; i < queued; i += 50)
    assert_int_equal(dlg_send(d, SEG(i), 50 * MSS), 50 * MSS);
  for (unsigned i = 0; i < 12; i++) { /* the congestion window opens */
    la_info_rec r = info(d);
    dlg_forget(d);
    if (r.snd_nxt - d->f.irs < queued * MSS / 4)
      inject(d, ACK, 1, info(d).snd_nxt - d->f.irs, 0);
  }
  dlg_forget(d);
  struct work w = {0};
  struct prng r;
  la__prng_seed(&r, 4);
  for (unsigned i = 0; i < 4000; i++) {
    la_info_rec now = info(d);
    uint32_t una = now.snd_una, out = now.snd_nxt - una;
    struct shot s = {.flags = ACK, .seq = 1, .ack = una - d->f.irs, .opt = {.have = TCP_OPT_SACK, .nsack = 4}};
    for (unsigned k = 0; k < 4; k++) { /* every second byte, every second segment, the last first */
      uint32_t at = i & 1 ? (uint32_t)la__prng_below(&r, out / MSS + 1) * MSS : out - (2 * (4 * i + k)) % (out - 1);
      s.opt.sack[k].lo = una + at;
      s.opt.sack[k].hi = una + at + (i & 1 ? MSS : 1);
    }
    measured(w, dlg_inject(d, s, __FILE__, __LINE__));
    dlg_forget(d);
  }
  dlg_free(d);
  return w;
}
static void b4_sack_storm(void **state) {
  (void)state;
  struct work few = sack_storm(64, 2000), many = sack_storm(512, 2000), more = sack_storm(512, 4000);
  say("B4 hostile blocks, 64 records", &few);
  say("  512 records", &many);
  say("  twice as much queued", &more);
  assert_true(mean(&more) * 10 <= mean(&many) * 13); /* what is queued does not count */
  assert_true(mean(&many) <= 8 * mean(&few));        /* at worst as the limit on records */
  assert_true(few.max <= 40 * 64 && many.max <= 16 * 512 && more.max <= 16 * 512);
}

/* B12: pieces of packets that never become whole. */
static void b12_fragments(void **state) {
  (void)state;
  struct work w = {0}, late = {0};
  struct dlg *d = dlg_new(NULL);
  static uint8_t packet[64];
  for (uint32_t i = 0; i < 60000; i++) {
    struct ip_hdr h = {.src = d->f.peer, .dst = d->f.us, .proto = IP_PROTO_TCP, .ttl = 64, .len = 8};
    h.frag_id = i / 40; /* forty pieces of each, then the next */
    h.frag_off = 8 + 16 * (i * 7 % 40);
    h.frag_more = true;
    unsigned hlen = la__ip4_build(&h, packet);
    la_frame f = {.data = packet, .len = hlen + 8};
    if (i < 10000)
      measured(w, assert_int_equal(la_input(d->s, d->link, &f, 1, d->now), 1));
    else
      measured(late, assert_int_equal(la_input(d->s, d->link, &f, 1, d->now), 1));
  }
  say("B12 tiny fragments, the first 10,000", &w);
  say("  the rest", &late);
  assert_true(dlg_stats(d).fragments_in == 60000 && dlg_stats(d).reassembled == 0);
  assert_true(mean(&late) <= 2 * mean(&w));
  assert_true(late.max <= 60 * mean(&w));
  dlg_free(d);
}

/* B15: so many clocks for the same instant. What each costs does not depend on how many there are. */
static void crowd(la_config *c) { c->max_half_open = 60000; }
static struct work alarm(unsigned n) {
  struct dlg *d = dlg_new(crowd);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 65535}, &d->listener), LA_OK);
  for (unsigned i = 0; i < n; i++) {
    d->f.rport = (uint16_t)(1 + i);
    d->f.irs_known = false;
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0);
    dlg_pump(d);
    assert_int_equal(dlg_accept(d), LA_OK);
    d->nev = 0;
    assert_int_equal(dlg_send(d, 1, 10), 10);
    dlg_forget(d);
  }
  d->now += LA_SEC - 1;
  la_tick(d->s, d->now);
  dlg_pump(d);
  assert_int_equal(d->nout, 0);
  uint64_t before = blocks;
  d->now += 1;
  la_tick(d->s, d->now);
  struct work w = {.n = n, .sum = blocks - before, .max = blocks - before};
  dlg_pump(d);
  assert_int_equal(d->nout, n); /* all of them did fall due */
  dlg_forget(d);
  dlg_free(d);
  return w;
}
static void b15_one_instant(void **state) {
  (void)state;
  struct work few = alarm(500), many = alarm(50000);
  say("B15 500 clocks at one instant, each", &few);
  say("  50,000", &many);
  assert_true(mean(&many) * 10 <= mean(&few) * 15);
}

/* C9, D1: any segment at all, to a connection with holes and data outstanding, costs no more than a bound. */
static void any_segment(void **state) {
  (void)state;
  struct work w = {0};
  struct prng r;
  la__prng_seed(&r, 8);
  struct dlg *d = loss_open(linux_preset, 100 * LA_MS, TCP_OPT_SACK_OK);
  assert_int_equal(dlg_send(d, 1, 60 * MSS), 60 * MSS);
  dlg_forget(d);
  for (unsigned i = 0; i < 30000; i++) {
    struct shot s = {.flags = (unsigned)la__prng_below(&r, 64) & ~(unsigned)(RST | FIN), .plain = i & 1};
    s.seq = 1 + (uint32_t)la__prng_below(&r, 100000) - 20000u;
    s.ack = 1 + (uint32_t)la__prng_below(&r, 9 * MSS);
    s.len = (uint32_t)la__prng_below(&r, 3);
    s.urp = (uint16_t)la__prng_below(&r, 65536);
    measured(w, dlg_inject(d, s, __FILE__, __LINE__));
    dlg_forget(d);
  }
  say("segments at random", &w);
  assert_true(w.max <= 5000);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(b2_collisions), cmocka_unit_test(b3_tiny_segments), cmocka_unit_test(b4_sack_storm),
    cmocka_unit_test(b12_fragments), cmocka_unit_test(b15_one_instant),  cmocka_unit_test(any_segment),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
