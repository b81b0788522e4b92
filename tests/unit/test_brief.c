/* SPDX-License-Identifier: MIT */
/* lint: theme */
/*
 * The short way of output.c sends what the long way would. Two pairs of stacks do the same over the same lossy wire; in one a wish that
 * changes nothing bars the short way. Each frame, each deadline, each event and all that la_info tells must be the same.
 */
#include "tests/unit/net_test.h"

#include "base/prng.h"

enum { SEEDS = 80, STEPS = 60, LONGEST = 2000 };

struct side {
  struct node n;
  la_conn c;
  bool closed;
};
struct pair {
  struct side side[2];
  la_listener l;
  bool wished;
};

static void open_pair(struct pair *p, bool linux_preset, uint32_t rcvbuf, bool wished) {
  for (unsigned i = 0; i < 2; i++) {
    struct node *n = &p->side[i].n;
    test_mem_init(&n->mem);
    la_config_init(&n->cfg, linux_preset ? LA_PRESET_LINUX : LA_PRESET_RFC);
    n->cfg.alloc = n->mem.mem.a;
    if (rcvbuf)
      n->cfg.rcvbuf = n->cfg.rcvbuf_max = rcvbuf;
    memset(n->cfg.secret, (int)i + 1, sizeof n->cfg.secret);
    node_start(n);
    node_addr(n, node_link(n, 1500), i ? "10.0.0.2" : "10.0.0.1", 24);
    p->side[i].closed = false;
  }
  la_connect_opts o = {.remote = addr("10.0.0.2"), .remote_port = 7};
  join(&p->side[0].n, &p->side[1].n, &o, &p->side[0].c, &p->side[1].c, &p->l, LA_SEC);
  for (unsigned i = 0; i < 2; i++) {
    events(&p->side[i].n, NULL);
    if (wished)
      assert_int_equal(la_set_option(p->side[i].n.s, p->side[i].c, LA_OPT_KEEPIDLE, 7200, LA_SEC), LA_OK);
  }
}

/* One thing that an application does, the same at both. */
static void act(struct pair *p, unsigned i, uint64_t what, la_time now) {
  static uint8_t bytes[LONGEST];
  struct side *s = &p->side[i];
  uint8_t sink[4096];
  if (what % 8 < 4 && !s->closed)
    la_send(s->n.s, s->c, bytes, what % 3 ? 1 + what / 8 % 20 : 1 + what / 8 % LONGEST);
  else if (what % 8 < 7)
    la_recv(s->n.s, s->c, sink, what / 8 % sizeof sink);
  else if (what / 8 % 2 == 0)
    s->closed = la_shutdown(s->n.s, s->c, now) == LA_OK || s->closed;
}

/* What side i of both has to say is the same; some of it arrives. */
static unsigned wire(struct pair p[2], unsigned i, struct prng *r, la_time now) {
  static struct pkt a, b;
  unsigned n = 0;
  for (;; n++) {
    bool more = pkt_out(&p[0].side[i].n, 1, &a, now);
    assert_int_equal(pkt_out(&p[1].side[i].n, 1, &b, now), more);
    if (!more)
      return n;
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.b, b.b, a.len);
    pkt_check(&a);
    if (la__prng_below(r, 10) == 0)
      continue;
    assert_int_equal(pkt_in(&p[0].side[!i].n, 1, &a, now), 1);
    assert_int_equal(pkt_in(&p[1].side[!i].n, 1, &b, now), 1);
  }
}

/* What side k of both knows of its connection, and how that ended. */
static void alike(struct pair p[2], unsigned k) {
  la_info_rec info[2];
  la_event e[2];
  int err[2];
  memset(info, 0, sizeof info);
  for (unsigned i = 0; i < 2; i++) {
    err[i] = la_info(p[i].side[k].n.s, p[i].side[k].c, &info[i]);
  }
  assert_int_equal(err[0], err[1]);
  assert_memory_equal(&info[0], &info[1], sizeof info[0]);
  assert_true(la_deadline(p[0].side[k].n.s) == la_deadline(p[1].side[k].n.s));
  while (la_events(p[0].side[k].n.s, &e[0], 1)) {
    assert_int_equal(la_events(p[1].side[k].n.s, &e[1], 1), 1);
    assert_int_equal(e[0].type, e[1].type);
    if (e[0].type == LA_EVENT_END)
      assert_memory_equal(&e[0].end, &e[1].end, sizeof e[0].end);
  }
  assert_int_equal(la_events(p[1].side[k].n.s, &e[1], 1), 0);
}

static void same_frames(void **state) {
  static struct pair p[2];
  unsigned long frames = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct prng r;
    la__prng_seed(&r, seed);
    la_time now = LA_SEC;
    uint32_t rcvbuf = seed % 4 < 2 ? 2048 + 256 * (uint32_t)(seed % 5) : 0;
    open_pair(&p[0], seed % 2, rcvbuf, false);
    open_pair(&p[1], seed % 2, rcvbuf, true);
    for (unsigned step = 0; step < STEPS; step++) {
      unsigned i = la__prng_below(&r, 2);
      uint64_t what = la__prng_next(&r) >> 8;
      act(&p[0], i, what, now);
      act(&p[1], i, what, now);
      frames += wire(p, i, &r, now);
      frames += wire(p, !i, &r, now);
      now += la__prng_below(&r, 4) ? la__prng_below(&r, 30) * LA_MS : 400 * LA_MS;
      for (unsigned k = 0; k < 2; k++) {
        la_tick(p[0].side[k].n.s, now);
        la_tick(p[1].side[k].n.s, now);
        alike(p, k);
      }
    }
    for (unsigned k = 0; k < 4; k++)
      node_free(&p[k / 2].side[k % 2].n);
  }
  assert_true(frames > 20 * SEEDS);
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_frames)};
  return cmocka_run_group_tests(tests, 0, 0);
}
