/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* Two stacks by Linux's preset over networks that lose, double and reorder: every byte arrives, in time, with each way of recovery. */
#include "pipe.h"

enum { BYTES = 400000 };

static unsigned way; /* 0 all, 1 no SACK, 2 no timestamps, 3 few records, 4 neither probe nor F-RTO */

static void tweak(la_config *c, unsigned side) {
  la_alloc alloc = c->alloc;
  uint8_t secret[sizeof c->secret];
  memcpy(secret, c->secret, sizeof secret);
  la_config_init(c, LA_PRESET_LINUX);
  c->alloc = alloc;
  memcpy(c->secret, secret, sizeof secret);
  (void)side;
  c->sack = way != 1;
  c->timestamps = way != 2;
  c->max_sent = way == 3 ? 8 : c->max_sent;
  c->tlp = c->frto = way != 4;
}

struct outcome {
  la_time took;
  uint64_t again, lost;
};

static struct outcome run(uint64_t seed, const struct pipe_cfg *cfg) {
  struct pipe *p = pipe_new(seed, cfg);
  struct pipe_cfg bad = p->cfg;
  p->cfg.loss = p->cfg.dup = p->cfg.reorder = 0;
  pipe_open(p);
  p->cfg = bad;
  la_time start = p->now, limit = start + 300 * LA_SEC;
  uint64_t wrote[2] = {0, 0}, got[2] = {0, 0};
  while (got[0] < BYTES || got[1] < BYTES) {
    for (unsigned i = 0; i < 2; i++) {
      if (wrote[i] < BYTES)
        pipe_send(p, i, &wrote[i], BYTES - wrote[i]);
      while (pipe_read(p, i, &got[i], 65536) > 0)
        ;
    }
    if (got[0] < BYTES || got[1] < BYTES)
      pipe_step(p, limit);
    if (p->now >= limit)
      fail_msg("seed %llu, way %u: %llu and %llu bytes after 300 s", (unsigned long long)seed, way, (unsigned long long)got[0],
               (unsigned long long)got[1]);
  }
  struct outcome o = {p->now - start, pipe_stats(p, 0).retransmits + pipe_stats(p, 1).retransmits, p->dropped};
  pipe_free(p);
  return o;
}

static void grid(void **state) {
  (void)state;
  static const struct pipe_cfg net[] = {
    {.loss = 100, .tweak = tweak},     {.loss = 500, .dup = 100, .reorder = 200, .tweak = tweak},
    {.reorder = 2000, .tweak = tweak}, {.loss = 1000, .tweak = tweak},
    {.dup = 3000, .tweak = tweak},     {.loss = 300, .reorder = 300, .delay = 100 * LA_MS, .tweak = tweak, .six = true},
  };
  for (way = 0; way < 5; way++)
    for (unsigned n = 0; n < sizeof net / sizeof net[0]; n++) {
      struct outcome all = {0};
      for (uint64_t seed = 1; seed <= 4; seed++) {
        struct outcome o = run(seed, &net[n]);
        all.took += o.took;
        all.again += o.again;
        all.lost += o.lost;
      }
      print_message("    way %u, network %u: %.2f s, %llu lost, %llu sent again\n", way, n, (double)all.took / 4e9,
                    (unsigned long long)all.lost, (unsigned long long)all.again);
      if (n == 0 && way == 0) /* what is sent again is what was lost, or little more: ACKs are lost as well */
        assert_true(all.again <= all.lost + all.lost / 4);
      if (n == 4 && way != 1) /* nothing is lost; without SACK the answers to what came twice look like duplicate ACKs */
        assert_true(all.again <= 8);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(grid)};
  return cmocka_run_group_tests(tests, 0, 0);
}
