/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "tests/unit/script_test.h"

static void times(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum drill_time_kind kind;
    la_time from, to;
  } rows[] = {
    {"0", DRILL_AT, 0, 0},
    {"0.000", DRILL_AT, 0, 0},
    {"1.5", DRILL_AT, 1500000000, 0},
    {".25", DRILL_AT, 250000000, 0},
    {"+0", DRILL_AFTER, 0, 0},
    {"+.1", DRILL_AFTER, 100000000, 0},
    {"+ 0.1", DRILL_AFTER, 100000000, 0},
    {"+0.00", DRILL_AFTER, 0, 0},
    {"+3.250", DRILL_AFTER, 3250000000, 0},
    {"+1.000000001", DRILL_AFTER, 1000000001, 0},
    {"+0.123456789000", DRILL_AFTER, 123456789, 0},
    {"+0.1234567", DRILL_AFTER, 123456700, 0},
    {"4.35", DRILL_AT, 4350000000, 0}, /* 4.35 * 1e6 as a double is 4349999.999… */
    {"1000000000", DRILL_AT, INT64_C(1000000000000000000), 0},
    {"*", DRILL_ANY_TIME, 0, 0},
    {"1~1.5", DRILL_BETWEEN, 1000000000, 1500000000},
    {"+.1~+.2", DRILL_AFTER_BETWEEN, 100000000, 200000000},
    {"+.1~.2", DRILL_AFTER_BETWEEN, 100000000, 200000000},
    {"+0 ~ +0.5", DRILL_AFTER_BETWEEN, 0, 500000000},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[100];
    snprintf(text, sizeof text, "%s > . 1:1(0) ack 1", rows[i].text);
    struct script *s = good_script(text, DRILL_IP4);
    assert_int_equal(s->events->time_kind, rows[i].kind);
    assert_int_equal(s->events->time, rows[i].from);
    assert_int_equal(s->events->time_end, rows[i].to);
    la__script_free(s);
  }
}

static const char whole[] = "// options first\n"
                            "--tolerance_usecs=10000\n"
                            "--persistent_tun_dev /* no value */ -v --local_ip=fd::1 // a comment\n"
                            "--define=N=17 --define=CC=\"reno\" --define=STOP=`./stop.sh` --name=\"a b\"\n"
                            "`./start.sh\n second line`\n"
                            "\n"
                            "   0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
                            "  +0 setsockopt(3, SOL_TCP, TCP_CONGESTION, CC, 4) = 0\n"
                            "+.1 `ip route`\n"
                            "+.1 < S 0:0(0) win N <mss 1000>\n"
                            " * > S. 0:0(0) ack 1 /* options\n over lines */ <...>\n"
                            "+0 %{ assert x == 1, x; \\\n  print(x) }%\n"
                            "STOP\n";

static void a_whole_script(void **state) {
  (void)state;
  struct script *s = good_script(whole, DRILL_IP4);
  static const char *const options[][2] = {
    {"tolerance_usecs", "10000"}, {"persistent_tun_dev", NULL},   {"v", NULL},    {"local_ip", "fd::1"}, {"define", "N=17"},
    {"define", "CC=\"reno\""},    {"define", "STOP=`./stop.sh`"}, {"name", "a b"}};
  struct drill_option *o = s->options;
  for (size_t i = 0; i < sizeof options / sizeof *options; i++, o = o->next) {
    assert_non_null(o);
    assert_string_equal(o->name, options[i][0]);
    if (options[i][1])
      assert_string_equal(o->value, options[i][1]);
    else
      assert_null(o->value);
  }
  assert_null(o);
  assert_int_equal(s->options->at.line, 2);
  assert_string_equal(s->init, "./start.sh\n second line");
  assert_int_equal(s->init_at.line, 5);
  assert_int_equal(s->init_at.column, 2);
  assert_string_equal(s->cleanup, "./stop.sh");
  assert_int_equal(s->cleanup_at.line, 16);
  static const struct {
    enum drill_event_kind kind;
    int line, column;
    const char *source;
  } rows[] = {
    {DRILL_CALL, 8, 4, "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"},
    {DRILL_CALL, 9, 3, "setsockopt(3, SOL_TCP, TCP_CONGESTION, CC, 4) = 0"},
    {DRILL_COMMAND, 10, 1, "ip route"},
    {DRILL_PACKET, 11, 1, "< S 0:0(0) win N <mss 1000>"},
    {DRILL_PACKET, 12, 2, "> S. 0:0(0) ack 1 <...>"},
    {DRILL_CODE, 14, 1, "assert x == 1, x; \\\n  print(x)"},
  };
  const struct drill_event *e = s->events;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, e = e->next) {
    assert_non_null(e);
    assert_int_equal(e->kind, rows[i].kind);
    assert_int_equal(e->at.line, rows[i].line);
    assert_int_equal(e->at.column, rows[i].column);
    assert_string_equal(e->call ? e->call->source : e->packet ? e->packet->source : e->text, rows[i].source);
    if (e->kind == DRILL_CODE)
      assert_int_equal(e->text_at.column, 7);
    if (e->kind == DRILL_COMMAND)
      assert_int_equal(e->text_at.column, 6);
  }
  assert_null(e);
  assert_string_equal(s->events->next->call->args[3]->text, "reno");
  assert_int_equal(s->events->next->next->next->packet->win, 17);
  assert_string_equal(s->file, "t.pkt");
  assert_int_equal(s->nlines, 16);
  assert_string_equal(s->lines[6], "");
  assert_string_equal(s->lines[15], "STOP");
  la__script_free(s);
}

static void the_command_line_defines_first(void **state) {
  (void)state;
  struct drill_define d = {"N", "5", NULL}, unused = {"M", "6", &d};
  struct script_error err;
  static const char text[] = "--define=N=17\n--define=K=0x10\n0 listen(N, K) = M";
  struct script *s = la__script_parse("t", text, sizeof text - 1, DRILL_IP4, &unused, false, &err);
  assert_non_null(s);
  assert_int_equal(s->events->call->args[0]->num, 5);
  assert_int_equal(s->events->call->args[1]->num, 16);
  assert_int_equal(s->events->call->result->num, 6);
  la__script_free(s);
}

static void the_family_is_the_scripts(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum drill_family family;
  } rows[] = {{"--ip_version=ipv4\n0 close(3) = 0", DRILL_IP4},
              {"--ip_version=ipv6\n0 close(3) = 0", DRILL_IP6},
              {"--ip_version=ipv4-mapped-ipv6\n0 close(3) = 0", DRILL_MAPPED},
              {"0 close(3) = 0", DRILL_IP6}};
  for (size_t i = 0; i < 4; i++) {
    struct script *s = good_script(rows[i].text, DRILL_IP6);
    assert_int_equal(s->family, rows[i].family);
    la__script_free(s);
  }
}

static void bad_scripts(void **state) {
  (void)state;
  static const struct bad_row rows[] = {
    {"", 1, 1, "expected an event, found the end of the file"},
    {"--a=1\n", 2, 1, "expected an event, found the end of the file"},
    {"`x`", 1, 4, "expected an event, found the end of the file"},
    {"0 close(3) = 0\n--a=1", 2, 1, "expected the time of an event; options stand before the first command and event"},
    {"0 close(3) = 0\nclose(4) = 0", 2, 1, "expected the time of an event (or the end of the file), found 'close'"},
    {"0", 1, 2, "expected a packet (< or >), a call, a command in back quotes or %{ after the time, found the end of the file"},
    {"0 close(3) = 0\n`a`\n`b`", 3, 1, "expected the end of the file after a command without a time, found a command in back quotes"},
    {"0 close(3) = 0\n`a`\n0 close(4) = 0", 3, 1, "expected the end of the file after a command without a time, found '0'"},
    {"-1 close(3) = 0", 1, 1, "expected the time of an event (or the end of the file) that is not negative, found '-1'"},
    {"+ close(3) = 0", 1, 3, "expected a time after +, found 'close'"},
    {"0.0000000001 close(3) = 0", 1, 1,
     "expected the time of an event (or the end of the file) in whole nanoseconds, found '0.0000000001'"},
    {"1000000001 close(3) = 0", 1, 1,
     "expected the time of an event (or the end of the file) of at most 1000000000 seconds, found '1000000001'"},
    {"+.2~+.1 > . 1:1(0)", 1, 5, "the range of time ends before it begins"},
    {"+.1~ > . 1:1(0)", 1, 6, "expected the end of a range of time, found '>'"},
    {"* < . 1:1(0) win 1", 1, 1, "expected one instant: only a packet that is sent may have * or a range as its time"},
    {"0~1 close(3) = 0", 1, 1, "expected one instant: only a packet that is sent may have * or a range as its time"},
    {"--ip_version=ipx", 1, 1, "expected ipv4, ipv6 or ipv4-mapped-ipv6 after --ip_version=, found 'ipx'"},
    {"--define=N", 1, 1, "expected --define=NAME=VALUE, found 'N'"},
    {"--define", 1, 1, "expected --define=NAME=VALUE, found ''"},
    {"--a= ", 1, 6, "expected a value after '--a='"},
    {"--a=\"b\n", 1, 5, "this value has no end: expected \" in the same line"},
    {"--=1", 1, 1, "expected the name of an option after --"},
    {"--define=N=a|b\n0 close(N) = 0", 2, 9, "'N' is defined as 'a|b', which is not one number, word, string or command"},
    {"0 $", 1, 3, "the character '$' has no meaning here"},
    {"0 \x01", 1, 3, "the byte 0x01 has no meaning here"},
  };
  CHECK_BAD(rows, DRILL_IP4);
}

/* ---- no text brings it down ---- */

static const char rich[] =
  "--define=K=\"v\" --a=b\n#ifdef STANDARD\n#define N 5\n#else\nnothing\n#endif\n`init`\n"
  "0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0x6) = 3 /* c */ // d\n"
  "+0...0.5 sendmsg(3, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {\"a\\n\\x41\" \"b\"..., 1}],\n msg_flags=0, "
  "msg_control=[{cmsg_level=SOL_IP}]}, A=b|C) "
  "= -1 EAGAIN (Resource temporarily unavailable)\n"
  "+0 bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"1.2.3.4\")}, K) = 0x802 (flags O_RDWR|O_NONBLOCK)\n"
  "+.1~+.2 > [ect0, ttl 64] 1234 > 80 SEWA 0:0(0) win 5 urg 1 <mss 1460,sackOK,TS val 100 ecr *,nop,wscale 7,FO aabb,nop,nop,nop,nop>\n"
  "+.1 < (tos 0x10) P.5 1:11(10) ack 1 win N <sack 1:2 3:4,5:6,eol,eol>\n+0 < . 1:1(0) ack 1 win 1 <ECN e0b 1 ceb 2 e1b 3,nop>\n"
  "+0 < icmp unreachable frag_needed mtu 1400 id 7 [1:1001(1000)]\n+0 > udp 1 > 2 (100)\n"
  "+0 %{ assert a == 1, 'b' }%\n+0 `command`\n`cleanup`\n";

static void cut_anywhere(void **state) {
  (void)state;
  struct script_error err;
  for (size_t n = 0; n <= sizeof rich - 1; n++) {
    struct script *s = read_script(rich, n, DRILL_IP4, &err);
    if (n == sizeof rich - 1)
      assert_non_null(s);
    if (!s) {
      assert_true(err.text[0] && err.at.line >= 1 && err.at.column >= 1);
      assert_true(strlen(err.text) < sizeof err.text - 1); /* no message is cut off */
    }
    la__script_free(s);
  }
}

static void bytes_changed(void **state) {
  (void)state;
  static const char some[] = "<>()[]{},:=|+*~.-\"`%#/\\\n 0159aFSx_\t\x80";
  char text[sizeof rich];
  struct prng r;
  struct script_error err;
  la__prng_seed(&r, 99);
  for (int run = 0; run < 20000; run++) {
    size_t n = sizeof rich - 1;
    memcpy(text, rich, n);
    for (unsigned k = la__prng_below(&r, 4) + 1; k; k--) {
      size_t at = la__prng_below(&r, (uint32_t)n), len = la__prng_below(&r, 20);
      switch (la__prng_below(&r, 4)) {
      case 0:
        text[at] = some[la__prng_below(&r, sizeof some - 1)];
        break;
      case 1:
        text[at] ^= (char)(1u << la__prng_below(&r, 8));
        break;
      case 2: /* a piece goes */
        len = len < n - at ? len : n - at - 1;
        memmove(text + at, text + at + len, n - at - len);
        n -= len;
        break;
      default: { /* a piece comes a second time, over others */
        size_t from = la__prng_below(&r, (uint32_t)n);
        while (len && (from + len > n || at + len > n))
          len--;
        memmove(text + at, text + from, len);
      }
      }
    }
    struct script *s = read_script(text, n, run % 2 ? DRILL_IP6 : DRILL_IP4, &err);
    assert_true(s || (err.text[0] && err.at.line >= 1 && err.at.column >= 1));
    la__script_free(s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(times),         cmocka_unit_test(a_whole_script),
    cmocka_unit_test(bad_scripts),   cmocka_unit_test(the_command_line_defines_first),
    cmocka_unit_test(cut_anywhere),  cmocka_unit_test(the_family_is_the_scripts),
    cmocka_unit_test(bytes_changed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
