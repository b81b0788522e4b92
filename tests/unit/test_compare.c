/* SPDX-License-Identifier: MIT */
/* What of an outbound packet is compared, what is not, and how it is written. */
#include "drill/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct drill_opt mss_opt(uint32_t v) { return (struct drill_opt){.kind = DRILL_OPT_MSS, .len = 4, .a = v}; }
static struct drill_packet base(struct drill_opt *opts, unsigned n) {
  return (struct drill_packet){.dir = DRILL_OUT,
                               .proto = DRILL_TCP,
                               .flags = LA_ACK | LA_PSH,
                               .seq = 1,
                               .end = 11,
                               .payload = 10,
                               .has_ack = true,
                               .ack = 5,
                               .nopts = n,
                               .opts = opts};
}
static struct drill_packet sent(struct drill_opt *opts, unsigned n) {
  struct drill_packet p = base(opts, n);
  p.ip = (struct drill_ip){.check = DRILL_TOS_IS, .tos = 2, .has_ttl = true, .ttl = 64};
  p.has_win = true;
  p.win = 257;
  return p;
}
static enum packet_field differs(const struct drill_packet *want, const struct drill_packet *got) {
  char why[200] = "";
  enum packet_field f = la__packet_differs(want, got, why, sizeof why);
  assert_int_equal(f != FIELD_NONE, why[0] != 0);
  return f;
}

static void what_is_left_out(void **state) {
  (void)state;
  struct drill_opt ts[2] = {{.kind = DRILL_OPT_TS, .len = 10, .a = 1, .b = 2}, {.kind = DRILL_OPT_TS, .len = 10, .a = 3, .b = 4}};
  struct drill_packet want = base(NULL, 0), got = sent(NULL, 0);
  assert_int_equal(differs(&want, &got), FIELD_NONE); /* no window, no TOS, no TTL */
  want.nopts = got.nopts = 1;
  want.opts = &ts[0];
  got.opts = &ts[1];
  assert_int_equal(differs(&want, &got), FIELD_NONE); /* timestamps */
  want.nopts = 0;
  assert_int_equal(differs(&want, &got), FIELD_OPTIONS); /* none written: none may come */
  want.any_options = true;
  assert_int_equal(differs(&want, &got), FIELD_NONE); /* <...> */
}

static void each_field(void **state) {
  (void)state;
  struct drill_opt a = mss_opt(1460), b = mss_opt(1400);
  struct drill_packet got = sent(&a, 1), want;
#define CASE(change, field) \
  want = base(&a, 1); \
  change; \
  assert_int_equal(differs(&want, &got), field)
  CASE((void)0, FIELD_NONE);
  CASE(want.flags |= LA_FIN, FIELD_FLAGS);
  CASE(want.flags = LA_ACK, FIELD_FLAGS);
  CASE(want.ace = 1, FIELD_FLAGS);
  CASE(want.seq = 2, FIELD_SEQ);
  CASE(want.payload = 11, FIELD_SEQ);
  CASE(want.ack = 6, FIELD_ACK);
  CASE((want.has_win = true, want.win = 256), FIELD_WIN);
  CASE((want.has_win = true, want.win = 257), FIELD_NONE);
  CASE((want.has_urg = true, want.urg = 1), FIELD_URG);
  CASE(want.opts = &b, FIELD_OPTIONS);
  CASE(want.ip = ((struct drill_ip){.check = DRILL_ECN_IS, .tos = 2}), FIELD_NONE);
  CASE(want.ip = ((struct drill_ip){.check = DRILL_ECN_IS, .tos = 1}), FIELD_IP);
  CASE(want.ip = ((struct drill_ip){.check = DRILL_ECN_ECT01}), FIELD_NONE);
  CASE(want.ip = ((struct drill_ip){.check = DRILL_TOS_IS, .tos = 0x10}), FIELD_IP);
  CASE(want.ip = ((struct drill_ip){.has_ttl = true, .ttl = 63}), FIELD_IP);
  CASE(want.proto = DRILL_UDP, FIELD_WHOLE);
#undef CASE
}

static void sack_blocks(void **state) {
  (void)state;
  struct drill_opt a = {.kind = DRILL_OPT_SACK, .len = 10, .blocks = 1, .from = {100}, .to = {200}}, b = a;
  struct drill_packet want = base(&a, 1), got = sent(&b, 1);
  assert_int_equal(differs(&want, &got), FIELD_NONE);
  b.to[0] = 201;
  assert_int_equal(differs(&want, &got), FIELD_OPTIONS);
  b = a;
  b.blocks = 2;
  assert_int_equal(differs(&want, &got), FIELD_OPTIONS);
}

/* RFC 9293 3.1: options have no order, and pads no meaning. */
static void order_and_padding(void **state) {
  (void)state;
  struct drill_opt nop = {.kind = DRILL_OPT_NOP, .len = 1}, eol = {.kind = DRILL_OPT_EOL, .len = 1},
                   sackok = {.kind = DRILL_OPT_SACKOK, .len = 2};
  struct drill_opt a[] = {mss_opt(1460), nop, nop, sackok}, b[] = {mss_opt(1460), sackok, eol, eol},
                   c[] = {nop, nop, sackok, mss_opt(1460)};
  struct drill_opt twice[] = {mss_opt(1460), sackok, sackok}, other[] = {sackok, mss_opt(1400)};
  struct drill_packet want = base(a, 4), got = sent(a, 4);
  assert_true(la__packet_options_in_order(&want, &got));
  struct drill_opt *same[] = {b, c};
  for (unsigned i = 0; i < 2; i++) {
    got = sent(same[i], 4);
    assert_int_equal(differs(&want, &got), FIELD_NONE);
    assert_false(la__packet_options_in_order(&want, &got));
  }
  got = sent(twice, 3);
  assert_int_equal(differs(&want, &got), FIELD_OPTIONS); /* one too many, */
  want = base(twice, 3);
  got = sent(a, 4);
  assert_int_equal(differs(&want, &got), FIELD_OPTIONS); /* too few, */
  got = sent(other, 2);
  want = base(b, 4);
  assert_int_equal(differs(&want, &got), FIELD_OPTIONS); /* with another value */
  want.any_options = true;
  assert_true(la__packet_options_in_order(&want, &got));
}

/* RFC 9293 3.8.6.2.2 lets a receiver keep the edge where it is. */
static void liberties(void **state) {
  (void)state;
  struct drill_packet want = base(NULL, 0), got = sent(NULL, 0);
  assert_false(la__packet_liberties(&want, &got, 6, 1460)); /* not written */
  want.has_win = true;
  want.win = 257 + 22; /* 1408 bytes */
  assert_true(la__packet_liberties(&want, &got, 6, 1460));
  assert_int_equal(got.win, want.win);
  assert_false(la__packet_liberties(&want, &got, 6, 1460)); /* nothing to tell */
  got.win = want.win + 23;
  assert_false(la__packet_liberties(&want, &got, 6, 1460));
  got.win = 0; /* whether it is shut matters */
  want.win = 1;
  assert_false(la__packet_liberties(&want, &got, 0, 1460));
  want.win = 65535;
  want.flags = LA_RST;
  assert_true(la__packet_liberties(&want, &got, 0, 1460));
  want.flags = LA_ACK; /* PSH that nobody asked for; its absence is another matter */
  got.flags = LA_ACK | LA_PSH;
  want.has_win = false;
  assert_true(la__packet_liberties(&want, &got, 0, 1460));
  assert_int_equal(got.flags, LA_ACK);
  want.flags |= LA_PSH;
  assert_false(la__packet_liberties(&want, &got, 0, 1460));
  want.has_win = true;
  got.win = 0;
  want.flags = LA_SYN;
  assert_false(la__packet_liberties(&want, &got, 0, 1460));
}

static void text(void **state) {
  (void)state;
  char buf[400];
  size_t from, to;
  struct drill_opt o[] = {mss_opt(1460),
                          {.kind = DRILL_OPT_NOP, .len = 1},
                          {.kind = DRILL_OPT_WSCALE, .len = 3, .a = 8},
                          {.kind = DRILL_OPT_SACKOK, .len = 2},
                          {.kind = DRILL_OPT_TS, .len = 10, .a = 7, .b = 9},
                          {.kind = DRILL_OPT_SACK, .len = 18, .blocks = 2, .from = {1, 5}, .to = {3, 9}}};
  struct drill_packet p = sent(o, 6);
  assert_string_equal(la__packet_text(&p, buf, sizeof buf, FIELD_ACK, &from, &to),
                      "> [ect0] P. 1:11(10) ack 5 win 257 <mss 1460,nop,wscale 8,sackOK,TS val 7 ecr 9,sack 1:3 5:9>");
  assert_memory_equal(buf + from, " ack 5", to - from);
  la__packet_text(&p, buf, sizeof buf, FIELD_OPTIONS, &from, &to);
  assert_int_equal(to, strlen(buf));
  p = base(NULL, 0);
  p.flags = 0;
  p.has_ack = false;
  assert_string_equal(la__packet_text(&p, buf, sizeof buf, FIELD_NONE, NULL, NULL), "> - 1:11(10)");
  p.flags = LA_ACK;
  p.has_ace = true;
  p.ace = 5;
  assert_string_equal(la__packet_text(&p, buf, sizeof buf, FIELD_NONE, NULL, NULL), "> .5 1:11(10)");
  assert_string_equal(la__packet_text(&p, buf, 8, FIELD_NONE, NULL, NULL), "> .5 1:");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_left_out),  cmocka_unit_test(each_field), cmocka_unit_test(sack_blocks),
                                     cmocka_unit_test(order_and_padding), cmocka_unit_test(liberties),  cmocka_unit_test(text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
