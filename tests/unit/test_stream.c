/* SPDX-License-Identifier: MIT */
/*
 * The byte stream between two stacks over a bad network: what is read is what was written, and it gets there in time.
 * The pipe's oracle watches every segment (pipe.h).
 */
#include "pipe.h"

#include "base/seq.h"

enum { MB = 1 << 20 };

struct load {
  uint64_t total[2];        /* bytes that side i writes; then it shuts down */
  size_t write[2], read[2]; /* at most so many a call; 0: all that goes */
  la_time write_gap[2], read_gap[2];
  la_time limit;
};

struct flowing {
  uint64_t wrote[2], got[2];
  la_time write_at[2], read_at[2];
  bool shut[2], eof[2];
};

static la_time turn(struct pipe *p, const struct load *l, struct flowing *f, unsigned i) {
  la_time again = LA_NEVER;
  if (f->wrote[i] < l->total[i]) {
    if (p->now >= f->write_at[i]) {
      uint64_t left = l->total[i] - f->wrote[i];
      size_t n = l->write[i] && l->write[i] < left ? l->write[i] : (size_t)left;
      pipe_send(p, i, &f->wrote[i], n);
      f->write_at[i] = p->now + l->write_gap[i];
    }
    if (l->write_gap[i])
      again = f->write_at[i];
  }
  if (f->wrote[i] == l->total[i] && !f->shut[i]) {
    assert_int_equal(la_shutdown(p->s[i], p->c[i], pipe_time(p, i)), LA_OK);
    f->shut[i] = true;
  }
  if (!f->eof[i] && p->now >= f->read_at[i]) {
    ptrdiff_t got;
    do /* what came, and then the end of stream */
      got = pipe_read(p, i, &f->got[i], l->read[i] ? l->read[i] : MB);
    while (got > 0 && l->read_gap[i] == 0);
    f->eof[i] = got < 0;
    f->read_at[i] = p->now + l->read_gap[i];
  }
  if (!f->eof[i] && l->read_gap[i] && f->read_at[i] < again)
    again = f->read_at[i];
  return again;
}

/* Both applications at work until both have read the other's whole stream and its end. */
static void transfer(struct pipe *p, const struct load *l) {
  struct flowing f = {0};
  la_time start = p->now, limit = p->now + l->limit;
  while (!(f.eof[0] && f.eof[1])) {
    if (p->now >= limit)
      fail_msg("%llu of %llu and %llu of %llu bytes in %llu s", (unsigned long long)f.got[1], (unsigned long long)l->total[0],
               (unsigned long long)f.got[0], (unsigned long long)l->total[1], (unsigned long long)(l->limit / LA_SEC));
    la_time a = turn(p, l, &f, 0), b = turn(p, l, &f, 1);
    la_time wake = a < b ? a : b;
    if (!(f.eof[0] && f.eof[1]))
      pipe_step(p, wake < limit ? wake : limit);
  }
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(f.got[!i], l->total[i]);
  print_message("    %.1f s of virtual time, %llu + %llu segments, %llu lost, %llu doubled, %llu delayed, %llu broken\n",
                (double)(p->now - start) / 1e9, (unsigned long long)p->w[0].segments, (unsigned long long)p->w[1].segments,
                (unsigned long long)p->dropped, (unsigned long long)p->doubled, (unsigned long long)p->delayed,
                (unsigned long long)p->broken);
}

/* Every end is orderly, and nothing stays behind but TIME-WAIT. */
static void finish(struct pipe *p) {
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(la_close(p->s[i], p->c[i], pipe_time(p, i)), LA_OK);
  pipe_run(p, 400 * LA_SEC);
  for (unsigned i = 0; i < 2; i++) {
    assert_true(p->ended[i]);
    assert_int_equal(p->end[i].err, LA_OK);
    la_stats st = pipe_stats(p, i);
    assert_int_equal(st.conns, 0);
    assert_int_equal(st.time_wait, 0);
    assert_int_equal(st.chunks, 0);
    assert_int_equal(st.orphans, 0);
  }
  pipe_free(p);
}

static const struct pipe_cfg bad = {.loss = 500, .dup = 200, .reorder = 300, .corrupt = 100};

static void both_ways_over_a_bad_network(void **state) {
  (void)state;
  const struct load l = {.total = {5 * MB, 5 * MB}, .limit = 2 * 3600 * LA_SEC};
  for (uint64_t seed = 1; seed <= 3; seed++) {
    struct pipe *p = pipe_new(seed, &bad);
    pipe_open(p);
    transfer(p, &l);
    assert_true(p->dropped > 300 && p->doubled > 100 && p->delayed > 100 && p->broken > 50);
    uint64_t caught = 0;
    for (unsigned i = 0; i < 2; i++) {
      la_stats st = pipe_stats(p, i);
      caught += st.drops[LA_DROP_TCP_CSUM] + st.drops[LA_DROP_IP_CSUM] + st.drops[LA_DROP_IP_INHDR] + st.drops[LA_DROP_TCP_HDR] +
                st.drops[LA_DROP_PKT_TOO_SMALL];
    }
    assert_true(caught >= p->broken - 4); /* a few may still be under way */
    finish(p);
  }
}

static void over_ipv6(void **state) {
  (void)state;
  struct pipe_cfg cfg = bad;
  cfg.six = true;
  cfg.mtu = 1280;
  struct pipe *p = pipe_new(11, &cfg);
  pipe_open(p);
  transfer(p, &(struct load){.total = {MB, MB}, .limit = 3600 * LA_SEC});
  finish(p);
}

/* D5: sequence numbers wrap in mid-stream, at 2^31 and at 2^32. */
static void sequence_numbers_wrap(void **state) {
  (void)state;
  static const uint32_t at[] = {0u - 2, 0u - 1, 0, 0u - 100000, 0x7fffffff, 0x80000000, 0x80000000u - 70000};
  for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
    struct pipe_cfg cfg = bad;
    cfg.force_iss = true;
    cfg.iss[0] = at[i];
    cfg.iss[1] = at[(i * 3 + 1) % (sizeof at / sizeof at[0])];
    struct pipe *p = pipe_new(20 + i, &cfg);
    pipe_open(p);
    for (unsigned k = 0; k < 2; k++) /* the clock's step is 4 us */
      assert_true(p->w[k].isn - cfg.iss[k] + 2 <= 4);
    transfer(p, &(struct load){.total = {300000, 300000}, .limit = 1800 * LA_SEC});
    finish(p);
  }
}

static void small(la_config *c, unsigned side) {
  c->sndbuf = side ? 4096 : 2048;
  c->rcvbuf = side ? 2048 : 6000;
}
static void plain(la_config *c, unsigned side) {
  c->timestamps = c->sack = c->window_scale = 0;
  c->rcvbuf = 20000;
  (void)side;
}
static void scaled(la_config *c, unsigned side) { c->sndbuf = c->rcvbuf = side ? 8 << 20 : 3 << 20; }

static void buffers_of_all_sizes(void **state) {
  (void)state;
  void (*tweak[])(la_config *, unsigned) = {small, plain, scaled};
  for (unsigned i = 0; i < 3; i++) {
    struct pipe_cfg cfg = bad;
    cfg.tweak = tweak[i];
    cfg.mtu = i == 2 ? 9000 : 1500;
    struct pipe *p = pipe_new(40 + i, &cfg);
    pipe_open(p);
    transfer(p, &(struct load){.total = {150000, 150000}, .limit = 4 * 3600 * LA_SEC});
    finish(p);
  }
}

/* D12, MUST-38, MUST-39: who reads a byte at a time gets no stream of small segments for it. */
static void no_silly_windows(void **state) {
  (void)state;
  struct pipe_cfg cfg = {.tweak = plain};
  struct pipe *p = pipe_new(50, &cfg);
  pipe_open(p);
  const uint64_t total = 200000;
  transfer(p, &(struct load){.total = {total, 0}, .read = {0, 1}, .read_gap = {0, 20 * LA_US}, .limit = 60 * LA_SEC});
  print_message("    %llu bytes in %llu segments, %llu ACKs\n", (unsigned long long)total, (unsigned long long)p->w[0].segments,
                (unsigned long long)p->w[1].pure_acks);
  assert_true(p->w[0].segments < total / 1460 + 30);
  assert_true(p->w[1].pure_acks <= p->w[0].segments + 5);
  finish(p);
}

/* Writes of one byte: with Nagle they travel together, without it at once (3.7.4). */
static void small_writes(void **state) {
  (void)state;
  uint64_t segments[2];
  for (int nodelay = 0; nodelay < 2; nodelay++) {
    struct pipe_cfg cfg = {.delay = 50 * LA_MS};
    struct pipe *p = pipe_new(60, &cfg);
    pipe_open(p);
    assert_int_equal(la_set_option(p->s[0], p->c[0], LA_OPT_NODELAY, nodelay, pipe_time(p, 0)), LA_OK);
    transfer(p, &(struct load){.total = {2000, 0}, .write = {1, 0}, .write_gap = {LA_MS, 0}, .limit = 60 * LA_SEC});
    segments[nodelay] = p->w[0].segments;
    finish(p);
  }
  print_message("    2000 bytes: %llu segments with Nagle, %llu without\n", (unsigned long long)segments[0],
                (unsigned long long)segments[1]);
  assert_true(segments[0] < 40);
  assert_true(segments[1] > 1500);
}

/* RFC 2525 2.12: the segment that opens the window again is lost; the persist clock finds out. */
static void lost_window_update_is_healed(void **state) {
  (void)state;
  for (unsigned lost = 0; lost < 4; lost++) { /* so many probes meet a dead path, too */
    struct pipe_cfg cfg = {.tweak = small};
    struct pipe *p = pipe_new(70, &cfg);
    pipe_open(p);
    uint64_t wrote = 0, got = 0;
    pipe_send(p, 0, &wrote, 2048);
    pipe_run(p, LA_SEC / 2);
    pipe_send(p, 0, &wrote, 500);
    pipe_run(p, LA_SEC / 10);
    assert_int_equal(pipe_info(p, 0).snd_wnd, 0);
    assert_int_equal(pipe_info(p, 0).waiting, LA_WAITS_PEER_WINDOW);
    p->cut[0] = p->cut[1] = true;
    assert_int_equal(pipe_read(p, 1, &got, 4096), 2048); /* the update goes out, and is lost */
    pipe_run(p, ((1u << lost) - 1) * LA_SEC + LA_SEC / 5);
    p->cut[0] = p->cut[1] = false;
    la_time before = p->now;
    while (got < wrote && p->now < before + 60 * LA_SEC) {
      pipe_step(p, p->now + LA_SEC);
      pipe_read(p, 1, &got, 4096);
    }
    assert_int_equal(got, wrote);
    assert_true(p->now - before <= (1u << lost) * LA_SEC + LA_SEC); /* the next probe, at most */
    finish(p);
  }
}

/* A reader that sleeps longer than R2 between two reads: the connection lives (MUST-37). */
static void slow_reader(void **state) {
  (void)state;
  struct pipe_cfg cfg = {.tweak = small};
  struct pipe *p = pipe_new(80, &cfg);
  pipe_open(p);
  transfer(p, &(struct load){.total = {20000, 0}, .read = {0, 2048}, .read_gap = {0, 200 * LA_SEC}, .limit = 4000 * LA_SEC});
  finish(p);
}

/*
 * RFC 9293 A.2: side 1 does not read, so that side 0 probes its window for ever; meanwhile side 1's own data must flow to
 * side 0, whose ACKs then come from beyond that window.
 */
static void the_other_way_past_a_closed_window(void **state) {
  (void)state;
  struct pipe_cfg cfg = {.tweak = small};
  struct pipe *p = pipe_new(85, &cfg);
  pipe_open(p);
  uint64_t wrote[2] = {0, 0}, got[2] = {0, 0};
  for (unsigned i = 0; i < 10; i++) {
    pipe_send(p, 0, &wrote[0], 1000);
    pipe_run(p, LA_SEC);
  }
  assert_int_equal(pipe_info(p, 0).snd_wnd, 0);
  pipe_run(p, 300 * LA_SEC); /* probes at their longest distance */
  la_time start = p->now;
  while (got[0] < 100000 && p->now < start + 60 * LA_SEC) {
    pipe_send(p, 1, &wrote[1], 100000 - wrote[1]);
    pipe_step(p, p->now + LA_SEC);
    pipe_read(p, 0, &got[0], MB);
  }
  assert_int_equal(got[0], 100000);
  while (got[1] < wrote[0] && p->now < start + 300 * LA_SEC) {
    pipe_step(p, p->now + LA_SEC);
    pipe_read(p, 1, &got[1], MB);
  }
  assert_int_equal(got[1], wrote[0]);
  finish(p);
}

/* B14: nobody reads. What is held stays near the buffers' sizes, whatever pieces come. */
static void memory_is_bounded_while_never_read(void **state) {
  (void)state;
  static const size_t piece[] = {1, 7, 100, 1448, MB};
  for (unsigned i = 0; i < sizeof piece / sizeof piece[0]; i++) {
    struct pipe_cfg cfg = {0};
    struct pipe *p = pipe_new(90 + i, &cfg);
    pipe_open(p);
    p->retract = 7;
    uint64_t before = p->live[1], wrote = 0;
    assert_int_equal(la_set_option(p->s[0], p->c[0], LA_OPT_NODELAY, 1, pipe_time(p, 0)), LA_OK);
    for (unsigned k = 0; k < 300000 && pipe_send(p, 0, &wrote, piece[i]) == piece[i]; k++) {
      pipe_pump(p);
      if (k % 64 == 0)
        pipe_run(p, 25 * LA_MS);
    }
    pipe_run(p, 30 * LA_SEC);
    la_info_rec r = pipe_info(p, 1);
    assert_true(r.unread <= 262144 + 262144 / 8);
    assert_true(r.unread >= (wrote < 262144 ? wrote : 262144) - 1448);
    assert_true(p->live[1] - before < 262144 + 262144 / 8 + 160000); /* chunks' heads, their ring, and a block of receive queues */
    for (unsigned k = 0; k < 2; k++)
      la_abort(p->s[k], p->c[k], pipe_time(p, k));
    pipe_run(p, LA_SEC);
    pipe_free(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(both_ways_over_a_bad_network),
    cmocka_unit_test(over_ipv6),
    cmocka_unit_test(sequence_numbers_wrap),
    cmocka_unit_test(buffers_of_all_sizes),
    cmocka_unit_test(no_silly_windows),
    cmocka_unit_test(small_writes),
    cmocka_unit_test(lost_window_update_is_healed),
    cmocka_unit_test(slow_reader),
    cmocka_unit_test(the_other_way_past_a_closed_window),
    cmocka_unit_test(memory_is_bounded_while_never_read),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
