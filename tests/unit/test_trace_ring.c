/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/trace_ring.h"

static void off_does_nothing(void **state) {
  struct trace_ring t;
  la_trace_rec out, v[1];
  memset(&t, 0xff, sizeof t);
  la__trace_init(&t, NULL, 8);
  assert_null(la__trace_put(&t));
  assert_int_equal(la__trace_get(&t, &out, 1), 0);
  la__trace_init(&t, v, 0);
  assert_null(la__trace_put(&t));
  assert_int_equal(la__trace_get(&t, &out, 1), 0);
  assert_int_equal(t.lost, 0);
  (void)state;
}

static void records_come_zeroed(void **state) {
  static const la_trace_rec zero;
  struct trace_ring t;
  la_trace_rec v[2];
  la__trace_init(&t, v, 2);
  for (int i = 0; i < 5; i++) {
    la_trace_rec *rec = la__trace_put(&t);
    assert_memory_equal(rec, &zero, sizeof zero);
    memset(rec, 0xff, sizeof *rec);
  }
  (void)state;
}

/* Against a list of everything ever written: what comes out is in order, and only the oldest are missing. */
static void order_and_loss(uint32_t cap) {
  struct trace_ring t;
  la_trace_rec v[65], out[100];
  uint64_t written = 0, next = 0, lost = 0;
  struct prng r;
  la__prng_seed(&r, cap);
  memset(v, 0, sizeof v);
  v[cap].at = 77;
  la__trace_init(&t, v, cap);
  for (int round = 0; round < 5000; round++) {
    for (uint32_t n = la__prng_below(&r, cap + cap / 2 + 2); n; n--) {
      la__trace_put(&t)->at = written++;
      if (written - next > cap) {
        next++;
        lost++;
      }
    }
    assert_int_equal(t.lost, lost);
    size_t max = la__prng_below(&r, 101), want = written - next < max ? written - next : max;
    assert_int_equal(la__trace_get(&t, out, max), want);
    for (size_t i = 0; i < want; i++)
      assert_int_equal(out[i].at, next++);
  }
  assert_true(lost > 0);
  assert_int_equal(v[cap].at, 77);
}

static void ring(void **state) {
  order_and_loss(1);
  order_and_loss(2);
  order_and_loss(64);
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(off_does_nothing),
    cmocka_unit_test(records_come_zeroed),
    cmocka_unit_test(ring),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
