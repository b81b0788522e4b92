/* SPDX-License-Identifier: MIT */
/* lint: theme */
/*
 * Segments that share a frame. Out: whatever the device is given to cut, on the wire it is, byte for byte and instant for instant, what
 * the stack sends segment by segment. In: joined segments do all that they would have done singly, but draw fewer ACKs.
 */
#include "pipe.h"

enum { BYTES = 300000, ALL = LA_OFFLOAD_SUM | LA_OFFLOAD_TSO4 | LA_OFFLOAD_TSO6 | LA_OFFLOAD_TSO_ECN };

static unsigned records; /* of the scoreboard; 0: as `way` says */
static unsigned way;     /* bits: 1 no SACK, 2 no timestamps, 4 preset RFC, 8 ECN, 16 NewReno, 32 few records */

static void tweak(la_config *c, unsigned side) {
  la_alloc alloc = c->alloc;
  uint8_t secret[sizeof c->secret];
  memcpy(secret, c->secret, sizeof secret);
  la_config_init(c, way & 4 ? LA_PRESET_RFC : LA_PRESET_LINUX);
  c->alloc = alloc;
  memcpy(c->secret, secret, sizeof secret);
  (void)side;
  c->sack = !(way & 1);
  c->timestamps = !(way & 2);
  c->ecn = way & 8 ? 1 : 0;
  c->cc = way & 16 ? LA_CC_NEWRENO : LA_CC_CUBIC;
  c->max_sent = records ? records : way & 32 ? 24 : c->max_sent;
}

/* All that was sent, and when, in order. */
struct history {
  uint64_t hash, packets, frames, joined, acks, now, how, *each;
  size_t cap;
};

static void remember(struct pipe *p, unsigned from, const uint8_t *b, uint32_t n) {
  struct history *h = p->ctx;
  uint64_t x = h->hash ^ (p->now * 2 + from);
  for (uint32_t i = 0; i < n; i++)
    x = (x ^ b[i]) * UINT64_C(0x100000001b3);
  h->hash = x ^ x >> 29;
  if (h->packets == h->cap) {
    h->cap = h->cap ? 2 * h->cap : 1024;
    h->each = realloc(h->each, h->cap * sizeof *h->each);
    assert_non_null(h->each);
  }
  h->each[h->packets++] = h->hash;
}

/* Pieces of many sizes, some corked, some ended by a record's mark, some in a hurry; then a FIN each way. */
static void piece(struct pipe *p, unsigned side, struct prng *rnd, uint64_t *wrote) {
  static const uint32_t sizes[] = {1, 100, 1448, 1449, 2896, 5000, 20000, 70000};
  uint32_t n = sizes[la__prng_below(rnd, 8)];
  if (la__prng_below(rnd, 4) == 0)
    la_set_option(p->s[side], p->c[side], LA_OPT_NODELAY, la__prng_below(rnd, 2), pipe_time(p, side));
  if (la__prng_below(rnd, 6) == 0)
    la_set_option(p->s[side], p->c[side], LA_OPT_CORK, la__prng_below(rnd, 2), pipe_time(p, side));
  pipe_send(p, side, wrote, n < BYTES - *wrote ? n : BYTES - *wrote);
  if (*wrote == BYTES) {
    la_set_option(p->s[side], p->c[side], LA_OPT_CORK, 0, pipe_time(p, side));
    la_shutdown(p->s[side], p->c[side], pipe_time(p, side));
  }
}

static struct history run(uint64_t seed, const struct pipe_cfg *cfg) {
  struct history h = {0};
  struct pipe *p = pipe_new(seed, cfg);
  struct prng rnd;
  la__prng_seed(&rnd, seed + 1000);
  p->ctx = &h;
  p->raw = remember;
  pipe_open(p);
  la_time limit = p->now + 300 * LA_SEC;
  uint64_t wrote[2] = {0, 0}, got[2] = {0, 0};
  bool eof[2] = {false, false};
  while (!eof[0] || !eof[1]) {
    for (unsigned i = 0; i < 2; i++) {
      if (wrote[i] < BYTES && la__prng_below(&rnd, 3))
        piece(p, i, &rnd, &wrote[i]);
      ptrdiff_t n = 0;
      while (!eof[i] && la__prng_below(&rnd, 8) && (n = pipe_read(p, i, &got[i], 30000)) > 0)
        ;
      eof[i] = eof[i] || n < 0;
    }
    pipe_step(p, p->now + 20 * LA_MS);
    if (p->now >= limit)
      fail_msg("seed %llu, way %u: %llu and %llu bytes after 300 s", (unsigned long long)seed, way, (unsigned long long)got[0],
               (unsigned long long)got[1]);
  }
  assert_int_equal(got[0], BYTES);
  assert_int_equal(got[1], BYTES);
  pipe_run(p, 10 * LA_SEC);
  h.frames = p->frames[0] + p->frames[1];
  h.joined = p->joined;
  h.acks = p->w[0].pure_acks + p->w[1].pure_acks;
  la_stats a = pipe_stats(p, 0), b = pipe_stats(p, 1);
  assert_int_equal(a.segments_out + b.segments_out, h.packets); /* counters see segments */
  assert_int_equal(a.frames_out + b.frames_out, h.frames);
  h.now = p->now;
  h.how = p->end[0].how * 100u + p->end[1].how;
  pipe_free(p);
  return h;
}

static const struct pipe_cfg nets[] = {
  {.delay = LA_MS, .tweak = tweak},
  {.loss = 200, .dup = 50, .reorder = 100, .tweak = tweak},
  {.loss = 100, .delay = 40 * LA_MS, .tweak = tweak, .six = true},
  {.reorder = 500, .corrupt = 50, .mtu = 1280, .tweak = tweak, .six = true},
  {.loss = 50, .mtu = 9000, .tweak = tweak},
};
enum { SEEDS = 32, NETS = sizeof nets / sizeof nets[0] };

/* The device makes of the frames what would have been sent without it; with checksums left to it or not, whatever it can take. */
static void same_on_the_wire(void **state) {
  (void)state;
  static const uint32_t most[] = {0, 65535, 30000, 4500, 1600};
  unsigned fewer = 0;
  for (unsigned n = 0; n < NETS; n++)
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
      struct pipe_cfg cfg = nets[n];
      way = (unsigned)(seed * 11 + n * 7) & 63;
      struct history plain = run(seed, &cfg);
      assert_int_equal(plain.frames, plain.packets);
      cfg.offload = seed % 3 ? ALL : ALL & ~(unsigned)LA_OFFLOAD_SUM;
      if (seed % 5 == 0)
        cfg.offload &= ~(unsigned)LA_OFFLOAD_TSO_ECN;
      cfg.gso_max = most[seed % 5];
      struct history cut = run(seed, &cfg);
      for (size_t i = 0; i < plain.packets && i < cut.packets; i++)
        if (plain.each[i] != cut.each[i])
          fail_msg("network %u, seed %llu, way %u: packet %zu differs", n, (unsigned long long)seed, way, i);
      assert_int_equal(plain.packets, cut.packets);
      assert_int_equal(plain.now, cut.now);
      assert_int_equal(plain.how, cut.how);
      fewer += cut.frames < plain.frames - plain.frames / 8;
      free(plain.each);
      free(cut.each);
    }
  assert_true(fewer > NETS * SEEDS / 2); /* and frames were shared */
}

/* Joined on their way in: the same bytes get through, over every network, and ACKs become fewer. */
static void joined_input(void **state) {
  (void)state;
  uint64_t singly = 0, joined = 0, frames = 0;
  for (unsigned n = 0; n < NETS; n++)
    for (uint64_t seed = 1; seed <= 8; seed++) {
      struct pipe_cfg cfg = nets[n];
      way = (unsigned)(seed * 5 + n * 3) & 63;
      struct history h = run(seed, &cfg);
      singly += h.acks;
      free(h.each);
      cfg.joins = true;
      cfg.offload = seed & 1 ? ALL : 0;
      cfg.gso_max = seed & 2 ? 20000 : 0;
      h = run(seed, &cfg);
      joined += h.acks;
      frames += h.joined;
      free(h.each);
    }
  assert_true(frames > 1000);
  assert_true(joined < singly);
}

/* The fewest records that may be asked for: what they can no longer tell apart still gets through, and not by a time-out each. */
static void few_records(void **state) {
  (void)state;
  records = 8;
  for (unsigned n = 0; n < NETS; n++)
    for (uint64_t seed = 401; seed <= 416; seed++) {
      struct pipe_cfg cfg = nets[n];
      way = (unsigned)(seed * 5 + n * 3) & 63;
      free(run(seed, &cfg).each);
      way = 3;
      free(run(seed, &cfg).each);
    }
  records = 0;
}

/* A connection whose windows are wide, with more queued than one frame holds. */
static struct pipe *wide(bool six, unsigned offload, uint32_t most) {
  way = 0;
  struct pipe_cfg cfg = {.delay = LA_MS, .tweak = tweak, .six = six, .offload = offload, .gso_max = most};
  struct pipe *p = pipe_new(1, &cfg);
  uint64_t wrote = 0, got = 0;
  pipe_open(p);
  while (got < 1000000) {
    pipe_send(p, 0, &wrote, 100000);
    pipe_step(p, p->now + LA_SEC);
    pipe_read(p, 1, &got, 1000000);
  }
  while (got < wrote) {
    pipe_step(p, p->now + LA_SEC);
    pipe_read(p, 1, &got, 1000000);
  }
  pipe_run(p, 10 * LA_MS);
  assert_true(pipe_info(p, 0).cwnd > 100000);
  assert_int_equal(pipe_send(p, 0, &wrote, 100000), 100000);
  return p;
}

/* What a descriptor says of itself; how long it may be; whom it is for. */
static void descriptor(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++) {
    la_frame f;
    struct pipe *p = wide(six, ALL, 0);
    uint32_t mss = pipe_info(p, 0).mss, headers = 1500 - mss;
    assert_int_equal(la_output(p->s[0], p->link[0], &f, 1, pipe_time(p, 0)), 1);
    assert_int_equal(f.flags, LA_FRAME_GSO | LA_FRAME_SUM_PARTIAL);
    assert_int_equal(f.gso_size, mss);
    assert_int_equal(f.len, headers);
    assert_int_equal(f.total, headers + (65535 - headers) / mss * mss);
    assert_int_equal(f.sum_start, six ? 40 : 20);
    assert_int_equal(f.sum_at, 16);
    la_frame_done(p->s[0], &f);
    pipe_free(p);
    p = wide(six, ALL, 20000);
    assert_int_equal(la_output(p->s[0], p->link[0], &f, 1, pipe_time(p, 0)), 1);
    assert_int_equal(f.total, headers + (20000 - headers) / mss * mss);
    la_frame_done(p->s[0], &f);
    pipe_free(p);
    p = wide(six, LA_OFFLOAD_SUM | (six ? LA_OFFLOAD_TSO4 : LA_OFFLOAD_TSO6), 0); /* the other family's */
    assert_int_equal(la_output(p->s[0], p->link[0], &f, 1, pipe_time(p, 0)), 1);
    assert_int_equal(f.flags, LA_FRAME_SUM_PARTIAL);
    assert_int_equal(f.total, 1500);
    la_frame_done(p->s[0], &f);
    pipe_free(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_on_the_wire), cmocka_unit_test(joined_input), cmocka_unit_test(few_records),
                                     cmocka_unit_test(descriptor)};
  return cmocka_run_group_tests(tests, 0, 0);
}
