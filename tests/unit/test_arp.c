/* SPDX-License-Identifier: MIT */
/* ARP's format: what is built is what is parsed, and every field that makes a packet another's or nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wire/arp.h"

static struct arp_pkt sample(void) {
  return (struct arp_pkt){
    .op = ARP_REPLY, .spa = {4, {10, 1, 2, 3}}, .tpa = {4, {10, 1, 2, 4}}, .sha = {2, 1, 2, 3, 4, 5}, .tha = {2, 9, 8, 7, 6, 5}};
}

static void round_trip(void **state) {
  (void)state;
  static const uint8_t bytes[ARP_PACKET] = {0, 1, 8, 0, 6, 4, 0, 2, 2, 1, 2, 3, 4, 5, 10, 1, 2, 3, 2, 9, 8, 7, 6, 5, 10, 1, 2, 4};
  uint8_t b[ARP_PACKET];
  struct arp_pkt a = sample(), back;
  assert_int_equal(la__arp_build(&a, b), ARP_PACKET);
  assert_memory_equal(b, bytes, ARP_PACKET);
  assert_int_equal(la__arp_parse(&back, b, sizeof b), LA_DROP_NONE);
  assert_int_equal(back.op, a.op);
  assert_memory_equal(back.sha, a.sha, 6);
  assert_memory_equal(back.tha, a.tha, 6);
  assert_true(la_addr_same(&back.spa, &a.spa) && la_addr_same(&back.tpa, &a.tpa));
  for (unsigned n = 0; n < ARP_PACKET; n++)
    assert_int_equal(la__arp_parse(&back, b, n), LA_DROP_PKT_TOO_SMALL);
}

static void rules(void **state) {
  (void)state;
  static const struct {
    uint8_t at, value;
    enum la_drop why;
  } rows[] = {{1, 6, LA_DROP_ARP},    {2, 0x86, LA_DROP_ARP}, {4, 8, LA_DROP_ARP},    {5, 16, LA_DROP_ARP},   {7, 0, LA_DROP_ARP},
              {7, 1, LA_DROP_NONE},   {7, 3, LA_DROP_ARP},    {6, 1, LA_DROP_ARP},    {8, 3, LA_DROP_ARP},    {14, 224, LA_DROP_ARP},
              {14, 127, LA_DROP_ARP}, {14, 0, LA_DROP_ARP},   {14, 255, LA_DROP_ARP}, {18, 255, LA_DROP_NONE}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t b[ARP_PACKET];
    struct arp_pkt a = sample();
    la__arp_build(&a, b);
    b[rows[i].at] = rows[i].value;
    assert_int_equal(la__arp_parse(&a, b, sizeof b), rows[i].why);
  }
  for (unsigned op = ARP_REQUEST; op <= ARP_REPLY; op++) { /* only a question may come from nobody */
    uint8_t b[ARP_PACKET];
    struct arp_pkt a = sample();
    a.op = (enum arp_op)op;
    memset(a.spa.b, 0, 4);
    la__arp_build(&a, b);
    assert_int_equal(la__arp_parse(&a, b, sizeof b), op == ARP_REQUEST ? LA_DROP_NONE : LA_DROP_ARP);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(rules)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
