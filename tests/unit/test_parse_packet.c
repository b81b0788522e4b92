/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/script_test.h"

static const struct drill_packet *packet(struct script **s, const char *text, enum drill_family family) {
  char line[300];
  snprintf(line, sizeof line, "0 %s", text);
  *s = good_script(line, family);
  assert_non_null((*s)->events->packet);
  return (*s)->events->packet;
}

static const struct {
  const char *text;
  struct drill_packet p;
} headers[] = {
  {"< S 0:0(0) win 32792", {.dir = DRILL_IN, .flags = 2, .has_win = true, .win = 32792}},
  {"> S. 0:0(0) ack 1", {.dir = DRILL_OUT, .flags = 0x12, .has_ack = true, .ack = 1}},
  {"> . 1:1(0) ack 1", {.dir = DRILL_OUT, .flags = 0x10, .seq = 1, .end = 1, .has_ack = true, .ack = 1}},
  {"> - 1:1(0)", {.dir = DRILL_OUT, .seq = 1, .end = 1}},
  {"> FP. 1:1001(1000) ack 5 win 8 urg 3",
   {.dir = DRILL_OUT,
    .flags = 0x19,
    .seq = 1,
    .end = 1001,
    .payload = 1000,
    .has_ack = true,
    .ack = 5,
    .has_win = true,
    .win = 8,
    .has_urg = true,
    .urg = 3}},
  {"> FSRPUEWA. 0:0(0)", {.dir = DRILL_OUT, .flags = 0xff, .ace = 7}},
  {"> SEC 0:0(0)", {.dir = DRILL_OUT, .flags = 0xc2, .ace = 3}},
  {"> AS 0:0(0)", {.dir = DRILL_OUT, .flags = 2, .ace = 4}},
  {"> S.5 0:0(0)", {.dir = DRILL_OUT, .flags = 0x52, .has_ace = true, .ace = 5}},
  {"> .2 0:0(0)", {.dir = DRILL_OUT, .flags = 0x90, .has_ace = true, .ace = 2}},
  {"> S7 0:0(0)", {.dir = DRILL_OUT, .flags = 0xc2, .has_ace = true, .ace = 7}},
  {"> .0 0:0(0)", {.dir = DRILL_OUT, .flags = 0x10, .has_ace = true}},
  {"> R 4294967295:4(5)", {.dir = DRILL_OUT, .flags = 4, .seq = UINT32_MAX, .end = 4, .payload = 5}},
  {"> 8080 > 1234 R 1:1(0)", {.dir = DRILL_OUT, .flags = 4, .seq = 1, .end = 1, .sport = 8080, .dport = 1234}},
  {"> [ect0] R 1:1(0)", {.dir = DRILL_OUT, .flags = 4, .seq = 1, .end = 1, .ip = {.check = DRILL_ECN_IS, .tos = 2}}},
  {"> (ect1) R 1:1(0)", {.dir = DRILL_OUT, .flags = 4, .seq = 1, .end = 1, .ip = {.check = DRILL_ECN_IS, .tos = 1}}},
  {"> [noecn] R 1:1(0)", {.dir = DRILL_OUT, .flags = 4, .seq = 1, .end = 1, .ip = {.check = DRILL_ECN_IS}}},
  {"> [ce] R 1:1(0)", {.dir = DRILL_OUT, .flags = 4, .seq = 1, .end = 1, .ip = {.check = DRILL_ECN_IS, .tos = 3}}},
  {"> [ect01] R 1:1(0)", {.dir = DRILL_OUT, .flags = 4, .seq = 1, .end = 1, .ip = {.check = DRILL_ECN_ECT01}}},
  {"> [tos 0x10] R 1:1(0)", {.dir = DRILL_OUT, .flags = 4, .seq = 1, .end = 1, .ip = {.check = DRILL_TOS_IS, .tos = 16}}},
  {"> [tos 16, flowlabel 0xfffff] R 1:1(0)",
   {.dir = DRILL_OUT, .flags = 4, .seq = 1, .end = 1, .ip = {.check = DRILL_TOS_IS, .tos = 16, .has_flow = true, .flow = 0xfffff}}},
  {"> (ttl 64,ce) 1 > 2 R 1:1(0)",
   {.dir = DRILL_OUT,
    .flags = 4,
    .seq = 1,
    .end = 1,
    .sport = 1,
    .dport = 2,
    .ip = {.check = DRILL_ECN_IS, .tos = 3, .has_ttl = true, .ttl = 64}}},
};

static void tcp_headers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    struct script *s;
    const struct drill_packet *p = packet(&s, headers[i].text, DRILL_IP4), *q = &headers[i].p;
    assert_string_equal(p->source, headers[i].text);
    assert_int_equal(p->proto, DRILL_TCP);
    assert_int_equal(p->dir, q->dir);
    assert_int_equal(p->flags, q->flags);
    assert_int_equal(p->has_ace, q->has_ace);
    assert_int_equal(p->ace, q->ace);
    assert_int_equal(p->seq, q->seq);
    assert_int_equal(p->end, q->end);
    assert_int_equal(p->payload, q->payload);
    assert_int_equal(p->has_ack, q->has_ack);
    assert_int_equal(p->ack, q->ack);
    assert_int_equal(p->has_win, q->has_win);
    assert_int_equal(p->win, q->win);
    assert_int_equal(p->has_urg, q->has_urg);
    assert_int_equal(p->urg, q->urg);
    assert_int_equal(p->sport, q->sport);
    assert_int_equal(p->dport, q->dport);
    assert_int_equal(p->ip.check, q->ip.check);
    assert_int_equal(p->ip.tos, q->ip.tos);
    assert_int_equal(p->ip.has_ttl, q->ip.has_ttl);
    assert_int_equal(p->ip.ttl, q->ip.ttl);
    assert_int_equal(p->ip.has_flow, q->ip.has_flow);
    assert_int_equal(p->ip.flow, q->ip.flow);
    assert_false(p->any_options);
    assert_int_equal(p->nopts, 0);
    la__script_free(s);
  }
}

static void options(void **state) {
  (void)state;
  static const struct {
    const char *text;
    unsigned n;
    struct drill_opt o[6];
  } rows[] = {
    {"mss 1460", 1, {{.kind = 2, .len = 4, .a = 1460}}},
    {"nop,wscale 7", 2, {{.kind = 1, .len = 1}, {.kind = 3, .len = 3, .a = 7}}},
    {"mss 1460,sackOK,eol,eol", 4, {{.kind = 2, .len = 4, .a = 1460}, {.kind = 4, .len = 2}, {.kind = 0, .len = 1}, {.kind = 0, .len = 1}}},
    {"sackOK,TS val 4294967295 ecr 7", 2, {{.kind = 4, .len = 2}, {.kind = 8, .len = 10, .a = UINT32_MAX, .b = 7}}},
    {"nop, nop, TS val 100 ecr ...", 3, {{.kind = 1, .len = 1}, {.kind = 1, .len = 1}, {.kind = 8, .len = 10, .a = 100, .b_any = true}}},
    {"nop,nop,TS val * ecr 3", 3, {{.kind = 1, .len = 1}, {.kind = 1, .len = 1}, {.kind = 8, .len = 10, .a_any = true, .b = 3}}},
    {"nop,nop,sack 1:2", 3, {{.kind = 1, .len = 1}, {.kind = 1, .len = 1}, {.kind = 5, .len = 10, .blocks = 1, .from = {1}, .to = {2}}}},
    {"nop,nop,sack 1:2 3:4",
     3,
     {{.kind = 1, .len = 1}, {.kind = 1, .len = 1}, {.kind = 5, .len = 18, .blocks = 2, .from = {1, 3}, .to = {2, 4}}}},
    {"sack 1:2,3:4,nop,nop",
     3,
     {{.kind = 5, .len = 18, .blocks = 2, .from = {1, 3}, .to = {2, 4}}, {.kind = 1, .len = 1}, {.kind = 1, .len = 1}}},
    {"FO,nop,nop", 3, {{.kind = 34, .len = 2}, {.kind = 1, .len = 1}, {.kind = 1, .len = 1}}},
    {"FO 0a0B,FO 1234", 2, {{.kind = 34, .len = 4, .bytes = {10, 11}}, {.kind = 34, .len = 4, .bytes = {0x12, 0x34}}}},
    {"FOEXP", 1, {{.kind = 254, .len = 4, .bytes = {0xf9, 0x89}}}},
    {"FOEXP 01020304", 1, {{.kind = 254, .len = 8, .bytes = {0xf9, 0x89, 1, 2, 3, 4}}}},
    {"md5 00010203040506070809101112131415,nop,nop",
     3,
     {{.kind = 19, .len = 18, .bytes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20, 21}},
      {.kind = 1, .len = 1},
      {.kind = 1, .len = 1}}},
    {"ECN e0b 1 ceb 0 e1b 16777215,nop", 2, {{.kind = 172, .len = 11, .bytes = {0, 0, 1, 0, 0, 0, 255, 255, 255}}, {.kind = 1, .len = 1}}},
    {"ECN e1b 65536 ceb 256", 1, {{.kind = 174, .len = 8, .bytes = {1, 0, 0, 0, 1, 0}}}},
    {"ECN e0b 1,nop,nop,nop",
     4,
     {{.kind = 172, .len = 5, .bytes = {0, 0, 1}}, {.kind = 1, .len = 1}, {.kind = 1, .len = 1}, {.kind = 1, .len = 1}}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[200];
    struct script *s;
    snprintf(text, sizeof text, "> . 1:1(0) ack 1 <%s>", rows[i].text);
    const struct drill_packet *p = packet(&s, text, DRILL_IP4);
    assert_int_equal(p->nopts, rows[i].n);
    for (unsigned k = 0; k < p->nopts; k++) {
      const struct drill_opt *a = &p->opts[k], *b = &rows[i].o[k];
      assert_int_equal(a->kind, b->kind);
      assert_int_equal(a->len, b->len);
      assert_int_equal(a->a, b->a);
      assert_int_equal(a->b, b->b);
      assert_int_equal(a->a_any, b->a_any);
      assert_int_equal(a->b_any, b->b_any);
      assert_int_equal(a->blocks, b->blocks);
      assert_memory_equal(a->from, b->from, sizeof a->from);
      assert_memory_equal(a->to, b->to, sizeof a->to);
      assert_memory_equal(a->bytes, b->bytes, sizeof a->bytes);
    }
    la__script_free(s);
  }
  struct script *s;
  assert_true(packet(&s, "> . 1:1(0) ack 1 <...>", DRILL_IP4)->any_options);
  la__script_free(s);
}

static void icmp(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum drill_family family;
    struct drill_packet p;
  } rows[] = {
    {"< icmp unreachable", DRILL_IP4, {.icmp_type = 3}},
    {"< icmp unreachable host_unreachable [0:10(10)]",
     DRILL_MAPPED,
     {.icmp_type = 3, .icmp_code = 1, .has_echoed = true, .echoed_payload = 10}},
    {"< icmp unreachable frag_needed mtu 1400 [1:1001(1000)]",
     DRILL_IP4,
     {.icmp_type = 3, .icmp_code = 4, .has_mtu = true, .mtu = 1400, .has_echoed = true, .echoed_seq = 1, .echoed_payload = 1000}},
    {"< icmp unreachable [udp (100)]", DRILL_IP4, {.icmp_type = 3, .has_echoed = true, .echoed = DRILL_UDP, .echoed_payload = 100}},
    {"< icmp echo_request id 77 [raw (1000)]",
     DRILL_IP4,
     {.icmp_type = 8, .has_id = true, .id = 77, .has_echoed = true, .echoed = DRILL_UDP, .echoed_raw = true, .echoed_payload = 1000}},
    {"> icmp type_200 code_9", DRILL_IP4, {.dir = DRILL_OUT, .icmp_type = 200, .icmp_code = 9}},
    {"< icmp time_exceeded", DRILL_IP4, {.icmp_type = 11}},
    {"< icmp source_quench", DRILL_IP4, {.icmp_type = 4}},
    {"< icmp unreachable precedence_cutoff", DRILL_IP4, {.icmp_type = 3, .icmp_code = 15}},
    {"< icmp unreachable port_unreachable", DRILL_IP6, {.icmp_type = 1, .icmp_code = 4}},
    {"< icmp time_exceeded exceeded_frag_time", DRILL_IP6, {.icmp_type = 3, .icmp_code = 1}},
    {"< icmp packet_too_big mtu 70000 [0:1440(1440)]",
     DRILL_IP6,
     {.icmp_type = 2, .has_mtu = true, .mtu = 70000, .has_echoed = true, .echoed_payload = 1440}},
    {"< icmp echo_reply", DRILL_IP6, {.icmp_type = 129}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct script *s;
    const struct drill_packet *p = packet(&s, rows[i].text, rows[i].family), *q = &rows[i].p;
    assert_int_equal(p->proto, DRILL_ICMP);
    assert_string_equal(p->source, rows[i].text);
    assert_int_equal(p->dir, q->dir);
    assert_int_equal(p->icmp_type, q->icmp_type);
    assert_int_equal(p->icmp_code, q->icmp_code);
    assert_int_equal(p->has_mtu, q->has_mtu);
    assert_int_equal(p->mtu, q->mtu);
    assert_int_equal(p->has_id, q->has_id);
    assert_int_equal(p->id, q->id);
    assert_int_equal(p->has_echoed, q->has_echoed);
    assert_int_equal(p->echoed, q->echoed);
    assert_int_equal(p->echoed_raw, q->echoed_raw);
    assert_int_equal(p->echoed_seq, q->echoed_seq);
    assert_int_equal(p->echoed_payload, q->echoed_payload);
    la__script_free(s);
  }
  struct script *s;
  const struct drill_packet *p = packet(&s, "< icmp unreachable net_prohibited", DRILL_IP4);
  assert_string_equal(p->icmp_word, "unreachable");
  assert_string_equal(p->icmp_code_word, "net_prohibited");
  la__script_free(s);
}

static void udp(void **state) {
  (void)state;
  struct script *s;
  const struct drill_packet *p = packet(&s, "> udp (100)", DRILL_IP4);
  assert_int_equal(p->proto, DRILL_UDP);
  assert_int_equal(p->payload, 100);
  assert_int_equal(p->sport, 0);
  la__script_free(s);
  p = packet(&s, "< [ttl 3] udp 53 > 1025 (65535)", DRILL_IP6);
  assert_int_equal(p->payload, 65535);
  assert_int_equal(p->sport, 53);
  assert_int_equal(p->dport, 1025);
  assert_int_equal(p->ip.ttl, 3);
  la__script_free(s);
}

static void bad_packets(void **state) {
  (void)state;
  static const struct bad_row rows[] = {
    {"0 < S 0:0(0)", 1, 13, "expected the window of an incoming segment, found the end of the file"},
    {"0 > X 0:0(0)", 1, 5, "expected flags of F S R P U E W C A . 0-7, or - for none, found 'X'"},
    {"0 > SX 0:0(0)", 1, 6, "expected flags of F S R P U E W C A . 0-7, or - for none, found 'X'"},
    {"0 > SS 0:0(0)", 1, 6, "the flag 'S' is there twice"},
    {"0 > SA5 0:0(0)", 1, 7, "the flag '5' contradicts the ECN flags before it"},
    {"0 > 5E 0:0(0)", 1, 6, "the flag 'E' contradicts the number before it"},
    {"0 > .8 0:0(0)", 1, 6, "expected flags of F S R P U E W C A . 0-7, or - for none, found '8'"},
    {"0 > .PF 0:0(0)", 1, 6, "expected a sequence number, found 'PF', which no --define defines"},
    {"0 > ,", 1, 5, "expected a packet's flags, found ','"},
    {"0 > . 1:1(1)", 1, 9, "expected 2, which is 1 and 1 bytes, found 1"},
    {"0 > . 1:4294967296(0)", 1, 9, "expected a sequence number after the last from 0 to 4294967295, found '4294967296'"},
    {"0 > . 99999999999999999999:1(0)", 1, 7, "expected a sequence number, found '99999999999999999999'"},
    {"0 > . 1:1 (0", 1, 13, "expected ')' after the number of bytes, found the end of the file"},
    {"0 > . 1:65537(65536)", 1, 15, "expected a number of bytes from 0 to 65535, found '65536'"},
    {"0 > . 1:1(0) ack -1", 1, 18, "expected an acknowledgment number from 0 to 4294967295, found '-1'"},
    {"0 > . 1:1(0) win 65536", 1, 18, "expected a window from 0 to 65535, found '65536'"},
    {"0 > . 1:1(0) ack", 1, 17, "expected an acknowledgment number, found the end of the file"},
    {"0 > . 1:1(0) win WIN", 1, 18, "expected a window, found 'WIN', which no --define defines"},
    {"0 > . 1:1(0) foo 1", 1, 14, "expected the time of an event (or the end of the file), found 'foo'"},
    {"0 > 1 80 R 1:1(0)", 1, 7, "expected '>' between two ports, found '80'"},
    {"0 > 70000 > 80 R 1:1(0)", 1, 5, "expected a port from 0 to 65535, found '70000'"},
    {"0 < [ect01] . 1:1(0) win 1", 1, 6, "expected one value for an incoming packet, found ect01"},
    {"0 > [ect0,ce] . 1:1(0)", 1, 11, "the type of service is given twice"},
    {"0 > [ttl 1,ttl 1] . 1:1(0)", 1, 12, "expected noecn, ect0, ect1, ect01, ce, tos, ttl or flowlabel, found 'ttl'"},
    {"0 > [ttl 256] . 1:1(0)", 1, 10, "expected a time to live from 0 to 255, found '256'"},
    {"0 > [ect0) . 1:1(0)", 1, 10, "expected ']' after the fields of the IP header, found ')'"},
    {"0 < . 1:1(0) win 1 <...>", 1, 20, "expected the options of an incoming segment, found <...>"},
    {"0 > . 1:1(0) <mss 1460,sackOK>", 1, 14, "the options have 6 bytes, which is no multiple of 4: nop or eol is missing"},
    {"0 > . 1:1(0) <sack 1:2 3:4 5:6 7:8,mss 1,mss 2>", 1, 42, "the options have more than 40 bytes"},
    {"0 > . 1:1(0) <sack 1:2 3:4 5:6 7:8 9:10>", 1, 36, "more than four sack blocks"},
    {"0 > . 1:1(0) <bogus 1>", 1, 15, "expected a TCP option, found 'bogus'"},
    {"0 > . 1:1(0) <nop", 1, 18, "expected '>' or ',' in the TCP options, found the end of the file"},
    {"0 > . 1:1(0) <>", 1, 15, "expected a TCP option, found '>'"},
    {"0 > . 1:1(0) <FO abc>", 1, 18, "expected a cookie in pairs of hexadecimal digits, found 3 digits"},
    {"0 > . 1:1(0) <FO COOKIE>", 1, 18, "expected a cookie in hexadecimal digits, found 'COOKIE', which no --define defines"},
    {"0 > . 1:1(0) <md5 0001020304050607080900010203040506>", 1, 19, "expected a digest of at most 16 bytes, found 17"},
    {"0 > . 1:1(0) <md5>", 1, 18, "expected a digest in hexadecimal digits, found '>'"},
    {"0 > . 1:1(0) <TS 1 2>", 1, 18, "expected 'val' in the timestamps, found '1'"},
    {"0 > . 1:1(0) <ECN>", 1, 18, "expected e0b or e1b, found '>'"},
    {"0 > . 1:1(0) <ECN e0b 16777216>", 1, 23, "expected a counter of bytes from 0 to 16777215, found '16777216'"},
    {"0 > . 1:1(0) <wscale 256>", 1, 22, "expected a window scale from 0 to 255, found '256'"},
    {"0 < icmp bogus", 1, 10, "expected the type of an ICMPv4 message, found 'bogus'"},
    {"0 < icmp unreachable CODE", 1, 22,
     "expected a code of ICMP's 'unreachable', mtu, id or what it quotes, found 'CODE', which no --define defines"},
    {"0 < icmp type_256", 1, 10, "expected the type of an ICMPv4 message, found 'type_256'"},
    {"0 < icmp unreachable mtu 5", 1, 22, "an MTU belongs to unreachable frag_needed only"},
    {"0 < icmp unreachable frag_needed mtu 65536", 1, 38, "expected an MTU from 0 to 65535, found '65536'"},
    {"0 < icmp unreachable [1:1(5)]", 1, 25, "expected 6, which is 1 and 5 bytes, found 1"},
    {"0 < icmp unreachable [udp 5]", 1, 27, "expected '(' and a number of bytes, found '5'"},
    {"0 < udp 5", 1, 10, "expected '>' between two ports, found the end of the file"},
    {"0 > gre: . 1:1(0)", 1, 5, "not supported: gre encapsulation"},
    {"0 > GREv0, flags 0", 1, 5, "not supported: gre encapsulation"},
    {"0 > mpls (label 1, tc 0, ttl 0): . 1:1(0)", 1, 5, "not supported: mpls encapsulation"},
    {"0 > encap psp spi 23 . 1:1(0)", 1, 5, "not supported: psp encapsulation"},
    {"0 > [ttl 5] encap psp spi 23 . 1:1(0)", 1, 13, "not supported: psp encapsulation"},
    {"0 > ipv4 1.2.3.4 > 5.6.7.8: . 1:1(0)", 1, 5, "not supported: ipv4 encapsulation"},
    {"0 > ipv6 ::1 > ::2: . 1:1(0)", 1, 5, "not supported: ipv6 encapsulation"},
    {"0 > sctp: INIT[flgs=0]", 1, 5, "not supported: SCTP"},
  };
  CHECK_BAD(rows, DRILL_IP4);
  static const struct bad_row v6[] = {
    {"0 < icmp source_quench", 1, 10, "expected the type of an ICMPv6 message, found 'source_quench'"},
    {"0 < icmp unreachable mtu 5", 1, 22, "an MTU belongs to packet_too_big only"},
  };
  CHECK_BAD(v6, DRILL_IP6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(tcp_headers), cmocka_unit_test(options), cmocka_unit_test(icmp), cmocka_unit_test(udp), cmocka_unit_test(bad_packets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
