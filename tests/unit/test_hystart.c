/* SPDX-License-Identifier: MIT */
/* RFC 9406 4.2, round by round. */
#include "dialogue.h"

#include "tcp/tcp.h"

struct probe {
  struct hystart h;
  struct conn c;
};

/* `n` ACKs with that RTT (us), each of which lets one more segment go: rounds begin with the first of every 20. The last answer. */
static unsigned round_of(struct probe *p, unsigned n, uint32_t us) {
  unsigned say = 1;
  if (p->c.snd_nxt == 0)
    p->c.snd_nxt = 21;
  for (unsigned i = 0; i < n && say; i++) {
    p->c.snd_una++;
    say = la__hystart_ack(&p->h, &p->c, us * LA_US);
    p->c.snd_nxt++;
  }
  return say;
}

static void constant(void **state) {
  (void)state;
  struct probe p = {0};
  for (unsigned i = 0; i < 50; i++)
    assert_int_equal(round_of(&p, 20, 20000), 1);
}

/* The threshold: an eighth of the last round's least RTT, but within 4 and 16 ms. */
static void threshold(void **state) {
  (void)state;
  static const struct {
    uint32_t rtt, more;
  } row[] = {{1000, 4000}, {10000, 4000}, {32000, 4000}, {40000, 5000}, {100000, 12500}, {128000, 16000}, {400000, 16000}};
  for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct probe p = {0};
    round_of(&p, 20, row[i].rtt);
    round_of(&p, 20, row[i].rtt);
    assert_int_equal(round_of(&p, 20, row[i].rtt + row[i].more - 1), 1);
    p = (struct probe){0};
    round_of(&p, 20, row[i].rtt);
    round_of(&p, 20, row[i].rtt);
    assert_int_equal(round_of(&p, 20, row[i].rtt + row[i].more), 4);
  }
}

/* Fewer than eight samples prove nothing. */
static void samples(void **state) {
  (void)state;
  struct probe p = {0};
  round_of(&p, 20, 20000);
  round_of(&p, 20, 20000);
  assert_int_equal(round_of(&p, 7, 90000), 1);
  p = (struct probe){0};
  round_of(&p, 20, 20000);
  round_of(&p, 20, 20000);
  assert_int_equal(round_of(&p, 9, 90000), 4);
  p = (struct probe){0};
  for (unsigned i = 0; i < 20; i++) /* ACKs without a sample are none */
    assert_int_equal(round_of(&p, 20, 0), 1);
}

/* Five rounds of a quarter of the growth, the one under way counted; then the end. */
static void five_rounds(void **state) {
  (void)state;
  struct probe p = {0};
  round_of(&p, 20, 20000);
  round_of(&p, 20, 20000);
  for (unsigned i = 0; i < 5; i++)
    assert_int_equal(round_of(&p, 20, 30000), 4);
  assert_int_equal(round_of(&p, 1, 30000), 0); /* the ACK that ends the fifth */
}

/* It was jitter: the RTT falls below what it was on entry, and slow start goes on. */
static void a_mistake(void **state) {
  (void)state;
  struct probe p = {0};
  round_of(&p, 20, 20000);
  round_of(&p, 20, 20000);
  assert_int_equal(round_of(&p, 20, 30000), 4);
  assert_int_equal(round_of(&p, 20, 30000), 4);
  assert_int_equal(round_of(&p, 20, 29999), 1);
  for (unsigned i = 0; i < 10; i++)
    assert_int_equal(round_of(&p, 20, 25000), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(constant),    cmocka_unit_test(threshold), cmocka_unit_test(samples),
    cmocka_unit_test(five_rounds), cmocka_unit_test(a_mistake),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
