/* SPDX-License-Identifier: MIT */
#include "mem_test.h"

#include "mem/wheel.h"

#define DAY (86400 * LA_SEC)
#define MODEL 600u

/*
 * The model: a sorted array of what is on the wheel. A deadline that has passed when it is set counts as `now`
 * for the order, since it is due at once.
 */
struct item {
  la_time order;
  struct wheel_node *node;
};
static struct model {
  struct wheel w;
  struct wheel_node *node[MODEL]; /* by turns in either slab */
  struct slab slab[2];
  struct item v[MODEL];
  uint32_t n;
  la_time now;
} m;
static struct test_mem tm;

static uint32_t name_of(uint32_t k) { return k / 2 | (k % 2 ? WHEEL_SECOND : 0); }

static uint32_t lower(la_time t) {
  uint32_t lo = 0, hi = m.n;
  while (lo < hi) {
    uint32_t mid = (lo + hi) / 2;
    if (m.v[mid].order < t)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static void forget(const struct wheel_node *node) {
  uint32_t k = 0;
  while (k < m.n && m.v[k].node != node)
    k++;
  assert_true(k < m.n);
  m.n--;
  memmove(m.v + k, m.v + k + 1, (m.n - k) * sizeof *m.v);
}

static void set(uint32_t which, la_time deadline) {
  struct wheel_node *node = m.node[which];
  assert_ptr_equal(la__wheel_node(&m.w, name_of(which)), node);
  if (node->prev)
    forget(node);
  la__wheel_set(&m.w, node, name_of(which), deadline);
  assert_int_equal(node->deadline, deadline);
  assert_int_not_equal(node->prev, 0);
  la_time order = deadline < m.now ? m.now : deadline;
  uint32_t k = lower(order);
  memmove(m.v + k + 1, m.v + k, (m.n - k) * sizeof *m.v);
  m.v[k] = (struct item){order, node};
  m.n++;
}

static void check_next(void) {
  la_time next = la__wheel_next(&m.w);
  assert_int_equal(m.w.count, m.n);
  if (!m.n)
    assert_true(next == LA_NEVER);
  for (uint32_t k = 0; k < m.n; k++)
    assert_true(next <= m.v[k].node->deadline);
}

/* Pops all that is due: exactly the model's, tick by tick. */
static void advance(la_time now) {
  struct wheel_node *node;
  la_time tick = 0;
  m.now = now;
  while ((node = la__wheel_pop(&m.w, now))) {
    assert_int_equal(node->prev, 0);
    assert_true(node->deadline <= now);
    uint32_t k = 0;
    while (k < m.n && m.v[k].node != node)
      k++;
    assert_true(k < m.n);
    la_time t = m.v[k].order >> WHEEL_TICK_SHIFT;
    assert_true(t >= tick && t == m.v[0].order >> WHEEL_TICK_SHIFT);
    tick = t;
    forget(node);
  }
  assert_true(!m.n || m.v[0].order > now);
  check_next();
  assert_true(la__wheel_next(&m.w) > now); /* hence no spinning */
}

static la_time span(uint64_t *seed) { return rnd64(seed) >> rnd_below(seed, 63); }

/* Nodes are on the wheel by name, so that they come from slabs. */
static void nodes_new(struct slab slab[2], struct wheel_node **node, uint32_t n) {
  for (unsigned i = 0; i < 2; i++)
    la__slab_init(&slab[i], &tm.mem, sizeof(struct wheel_node), 64, n);
  for (uint32_t k = 0; k < n; k++) {
    uint32_t index = SLAB_NONE;
    node[k] = la__slab_new(&slab[k % 2], &index);
    assert_non_null(node[k]);
    assert_int_equal(index, k / 2);
  }
}
static void nodes_done(struct slab slab[2]) {
  la__slab_done(&slab[0]);
  la__slab_done(&slab[1]);
}

static void start_at(la_time now) {
  nodes_done(m.slab);
  memset(&m, 0, sizeof m);
  nodes_new(m.slab, m.node, MODEL);
  la__wheel_init(&m.w, &m.slab[0], &m.slab[1], now);
  m.now = now;
}

static la_time later(la_time t, la_time by) { return by >= LA_NEVER - 1 - t ? LA_NEVER - 1 : t + by; }

/* Random sets, deletions and steps; spans are below `max`; steps are small, jumps, or to what la__wheel_next says. */
static void run(uint64_t seed, la_time start, la_time max, uint32_t nodes, uint32_t ops) {
  start_at(start);
  for (uint32_t op = 0; op < ops; op++) {
    uint32_t which = rnd_below(&seed, nodes);
    struct wheel_node *node = m.node[which];
    la_time by = span(&seed) % max;
    switch (rnd_below(&seed, 16)) {
    case 0:
      if (node->prev)
        forget(node);
      la__wheel_del(&m.w, node);
      assert_int_equal(node->prev, 0);
      break;
    case 1: /* in the past */
      set(which, by < m.now ? m.now - by : 0);
      break;
    case 2:
      advance(later(m.now, by));
      break;
    case 3:
      advance(later(m.now, rnd_below(&seed, 40)));
      break;
    case 4:
      if (la__wheel_next(&m.w) != LA_NEVER && la__wheel_next(&m.w) > m.now)
        advance(la__wheel_next(&m.w));
      break;
    case 5: /* one nanosecond before the first one, then on it */
      if (m.n && m.v[0].order > m.now) {
        advance(m.v[0].order - 1);
        uint32_t n = m.n;
        advance(m.v[0].order);
        assert_true(m.n < n);
      }
      break;
    case 6: /* company in the same tick, at the same instant */
      if (m.n && node != m.v[0].node)
        set(which, later(m.v[m.n / 2].order, rnd_below(&seed, 2) * rnd_below(&seed, 300)));
      break;
    default:
      set(which, later(m.now, by));
    }
    if (op % 16 == 0)
      check_next();
  }
  advance(LA_NEVER - 1);
  assert_int_equal(m.n, 0);
  assert_int_equal(m.w.levels, 0);
}

static void against_model(void **state) {
  (void)state;
  run(1, 0, 100, 20, 20000);
  run(2, 5, 1 << 16, 300, 30000);
  run(3, 123456789, LA_SEC, 300, 30000);
  run(4, DAY, 8 * DAY, MODEL, 30000);
  run(5, (UINT64_C(1) << 63) - 20 * LA_SEC, 100 * LA_SEC, 300, 30000); /* across 2^63 */
  run(6, 0, UINT64_C(1) << 63, 100, 20000);
  run(7, LA_NEVER - DAY, DAY, 100, 20000);
}

/* The caller's loop: sleep until la__wheel_next. It reaches every deadline exactly, in few wake-ups. */
static void exact_and_few_wakeups(void **state) {
  (void)state;
  uint64_t seed = 8, wakeups = 0;
  start_at(777);
  for (uint32_t k = 0; k < MODEL; k++)
    set(k, m.now + 1 + span(&seed) % (30 * DAY));
  while (m.n) {
    la_time next = la__wheel_next(&m.w), first = m.v[0].order;
    assert_true(next > m.now && next <= first);
    uint32_t n = m.n;
    advance(next);
    assert_true(next == first || m.n == n);
    wakeups++;
  }
  assert_true(wakeups < 2 * MODEL);
  /* alone on the wheel: at once, however far */
  for (unsigned bit = 0; bit < 64; bit++) {
    start_at(3);
    set(0, m.now + (UINT64_C(1) << bit));
    assert_true(la__wheel_next(&m.w) == m.node[0]->deadline);
    advance(m.node[0]->deadline - 1);
    assert_int_equal(m.n, 1);
    advance(m.node[0]->deadline);
    assert_int_equal(m.n, 0);
  }
}

static void past_is_due_at_once(void **state) {
  (void)state;
  start_at(DAY);
  set(0, DAY + 1);
  set(1, DAY);
  set(2, 5);
  set(3, 0);
  assert_true(la__wheel_next(&m.w) == 0);
  la__wheel_del(&m.w, m.node[3]);
  forget(m.node[3]);
  check_next();
  assert_non_null(la__wheel_pop(&m.w, 9)); /* time does not go back */
  assert_non_null(la__wheel_pop(&m.w, 9));
  assert_null(la__wheel_pop(&m.w, 9));
  assert_null(la__wheel_pop(&m.w, DAY));
  assert_ptr_equal(la__wheel_pop(&m.w, DAY + 1), m.node[0]);
  assert_true(la__wheel_next(&m.w) == LA_NEVER);
  la__wheel_set(&m.w, m.node[0], name_of(0), 9 * DAY);
  assert_null(la__wheel_pop(&m.w, 2 * DAY));
  la__wheel_set(&m.w, m.node[1], name_of(1), 2 * DAY - 5);
  assert_ptr_equal(la__wheel_pop(&m.w, 9), m.node[1]);
  assert_null(la__wheel_pop(&m.w, 9));
  la__wheel_del(&m.w, m.node[0]);
  la__wheel_del(&m.w, m.node[0]);
  assert_int_equal(m.w.count, 0);
}

/* Many nodes, re-armed as keepalive clocks are: the whole takes a moment only when each step is constant. */
static void many(void **state) {
  (void)state;
  enum { N = 200000 };
  static struct wheel_node *v[N];
  static struct slab slab[2];
  static struct wheel w;
  uint64_t seed = 9, popped = 0;
  la_time now = 0, last = 0;
  nodes_new(slab, v, N);
  la__wheel_init(&w, &slab[0], &slab[1], 0);
  for (uint32_t k = 0; k < N; k++)
    la__wheel_set(&w, v[k], name_of(k), 7200 * LA_SEC + rnd64(&seed) % LA_SEC);
  for (uint32_t k = 0; k < N; k++)
    la__wheel_set(&w, v[k], name_of(k), 7200 * LA_SEC + rnd64(&seed) % (60 * LA_SEC));
  assert_int_equal(w.count, N);
  while (w.count) {
    now = la__wheel_next(&w);
    assert_true(now >= last);
    for (struct wheel_node *n; (n = la__wheel_pop(&w, now)); popped++)
      assert_int_equal(n->deadline, now);
    last = now;
  }
  assert_int_equal(popped, N);
  nodes_done(slab);
}

/* Nodes in slots of the levels above a tick that `now` reaches: they would have to be dealt out in one call. */
static uint32_t due_for_dealing(const struct wheel *w, la_time now) {
  uint32_t n = 0;
  for (unsigned level = 4; level < WHEEL_LEVELS; level++) {
    unsigned shift = level * WHEEL_BITS - 4;
    if (now >> shift != w->time >> shift)
      for (uint32_t at = w->slot[level * WHEEL_SLOTS + (now >> shift & (WHEEL_SLOTS - 1))]; at; at = la__wheel_node(w, at - 1)->next)
        n++;
  }
  return n;
}

/* 100,000 clocks within a second, all set from afar: who calls often never meets a slot that is still full when it is reached. */
static void dealt_in_advance(void **state) {
  (void)state;
  enum { N = 100000 };
  static struct wheel_node *v[N];
  static struct slab slab[2];
  static struct wheel w;
  uint64_t seed = 10, popped = 0;
  nodes_new(slab, v, N);
  la__wheel_init(&w, &slab[0], &slab[1], 0);
  for (uint32_t k = 0; k < N; k++)
    la__wheel_set(&w, v[k], name_of(k), 100 * LA_SEC + rnd64(&seed) % LA_SEC);
  for (la_time now = 0; w.count; now += 50 * LA_US) {
    assert_in_range(due_for_dealing(&w, now), 0, 256); /* a slot of a ms holds 100; one of 67 ms, were it not for that, 6,700 */
    while (la__wheel_pop(&w, now))
      popped++;
  }
  assert_int_equal(popped, N);
  nodes_done(slab);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(against_model), cmocka_unit_test(exact_and_few_wakeups), cmocka_unit_test(past_is_due_at_once),
    cmocka_unit_test(many),          cmocka_unit_test(dealt_in_advance),
  };
  test_mem_init(&tm);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  nodes_done(m.slab);
  return failed || tm.live != 0;
}
