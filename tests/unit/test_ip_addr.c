/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/prng.h"
#include "wire/ip.h"

static la_addr addr(const char *text) {
  la_addr a;
  assert_true(la_addr_parse(text, &a));
  return a;
}

static void good_texts(void **state) {
  static const struct {
    const char *in, *out; /* RFC 5952 4 and 5 */
  } rows[] = {
    {"0.0.0.0", "0.0.0.0"},
    {"10.0.0.1", "10.0.0.1"},
    {"255.255.255.255", "255.255.255.255"},
    {"192.0.2.100", "192.0.2.100"},
    {"::", "::"},
    {"::1", "::1"},
    {"1::", "1::"},
    {"2001:DB8::A", "2001:db8::a"},
    {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},
    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
    {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
    {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
    {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
    {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
    {"::FFFF:c000:0201", "::ffff:192.0.2.1"},
    {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
    {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    {"fe80::1234:0:0:abcd", "fe80::1234:0:0:abcd"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    la_addr a = addr(rows[i].in);
    char buf[LA_ADDR_TEXT];
    assert_ptr_equal(la_addr_text(&a, buf), buf);
    assert_string_equal(buf, rows[i].out);
    la_addr b = addr(buf);
    assert_true(la_addr_same(&a, &b));
    assert_int_equal(a.family, strchr(rows[i].in, ':') ? 6 : 4);
  }
  la_addr none = {0};
  char buf[LA_ADDR_TEXT];
  assert_string_equal(la_addr_text(&none, buf), "*");
  (void)state;
}

static const char *const bad[] = {
  "",
  " ",
  "*",
  "a",
  "1",
  "1.2.3",
  "1.2.3.",
  "1.2.3.4.",
  "1.2.3.4.5",
  ".1.2.3.4",
  "1..3.4",
  "256.1.1.1",
  "1.1.1.256",
  "1.1.1.1000",
  "01.2.3.4",
  "1.2.3.04",
  "00.0.0.0",
  "1.2.3.4 ",
  " 1.2.3.4",
  "1.2.3.4/24",
  "-1.2.3.4",
  "1.2.3.a",
  "4294967297.0.0.1",
  ":",
  ":::",
  ":1",
  "1:",
  "::1:",
  ":1::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:",
  "1:2:3:4:5:6:7:8:",
  "1:2:3:4:5:6:7:8:9",
  "1::2::3",
  "::1::",
  "1:::2",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1:2:3:4::5:6:7:8",
  "12345::",
  "00001::",
  "g::",
  "::1%lo",
  "fe80::1%1",
  "::1/128",
  "::1 ",
  "[::1]",
  "::1.2.3",
  "::1.2.3.4.5",
  "::1.2.3.4:5",
  "1.2.3.4::",
  "::256.1.1.1",
  "::01.2.3.4",
  "1:2:3:4:5:6:7:1.2.3.4",
  "1:2:3:4:5:1.2.3.4",
  "::1:2:3:4:5:6:1.2.3.4",
  "::a.2.3.4",
  "::12345.2.3.4",
  "::.1.2.3",
  "1:2:3:4:5:6:7:8888888888888888888888888",
};

static void bad_texts(void **state) {
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    la_addr a = {9, {7}};
    char *exact = strdup(bad[i]);
    assert_false(la_addr_parse(exact, &a));
    assert_true(a.family == 9 && a.b[0] == 7); /* untouched */
    free(exact);
  }
  la_addr a;
  assert_false(la_addr_parse(NULL, &a));
  (void)state;
}

/* The C library as a second opinion, on texts near the legal ones. */
static void against_inet_pton(void **state) {
  static const char letters[] = "0011259afF::::..g ";
  struct prng r;
  la__prng_seed(&r, 1);
  unsigned legal = 0;
  for (int i = 0; i < 400000; i++) {
    char text[48] = {0};
    uint8_t want[16];
    la_addr a;
    unsigned n = la__prng_below(&r, 16);
    for (unsigned k = 0; k < n; k++)
      text[k] = letters[la__prng_below(&r, sizeof letters - 1)];
    if (i % 2) { /* a legal one with one character changed */
      for (int k = 0; k < 16; k++)
        want[k] = (uint8_t)(la__prng_below(&r, 3) ? 0 : la__prng_next(&r));
      inet_ntop(i % 4 == 1 ? AF_INET : AF_INET6, want, text, sizeof text);
      if (la__prng_below(&r, 3))
        text[la__prng_below(&r, (uint32_t)strlen(text))] = letters[la__prng_below(&r, sizeof letters - 1)];
    }
    bool v4 = inet_pton(AF_INET, text, want) == 1, v6 = !v4 && inet_pton(AF_INET6, text, want) == 1;
    assert_int_equal(la_addr_parse(text, &a), v4 || v6);
    if (v4 || v6) {
      assert_int_equal(a.family, v4 ? 4 : 6);
      assert_memory_equal(a.b, want, v4 ? 4 : 16);
      legal++;
    }
  }
  assert_true(legal > 10000);
  (void)state;
}

static void texts_against_inet_ntop(void **state) {
  struct prng r;
  la__prng_seed(&r, 2);
  for (int i = 0; i < 100000; i++) {
    la_addr a = {.family = 6}, b;
    char want[64], *got = malloc(LA_ADDR_TEXT);
    for (int k = 0; k < 16; k += 2)
      if (la__prng_below(&r, 2)) {
        a.b[k] = (uint8_t)(la__prng_below(&r, 2) ? la__prng_next(&r) : 0);
        a.b[k + 1] = (uint8_t)la__prng_next(&r);
      }
    la_addr_text(&a, got);
    inet_ntop(AF_INET6, a.b, want, sizeof want);
    if (!strchr(want, '.')) /* the C library writes ::1.2.3.4 for the long dead "compatible" addresses too */
      assert_string_equal(got, want);
    assert_true(la_addr_parse(got, &b) && la_addr_same(&a, &b));
    free(got);
  }
  (void)state;
}

static void longest_text_fits(void **state) {
  la_addr a = {.family = 6};
  memset(a.b, 0xff, 16);
  char *exact = malloc(LA_ADDR_TEXT);
  assert_int_equal(strlen(la_addr_text(&a, exact)), 39);
  a = addr("::ffff:255.255.255.255");
  assert_int_equal(strlen(la_addr_text(&a, exact)), 22);
  free(exact);
  (void)state;
}

enum { UNSPEC = 1, MULTI = 2, LOOP = 4, BCAST = 8, LINK = 16, BAD = 32 };

static void classes(void **state) {
  static const struct {
    const char *text;
    unsigned is;
  } rows[] = {
    {"0.0.0.0", UNSPEC | BAD},
    {"0.0.0.1", BAD},
    {"0.255.255.255", BAD},
    {"1.0.0.0", 0},
    {"10.0.0.1", 0},
    {"126.255.255.255", 0},
    {"127.0.0.0", LOOP},
    {"127.255.255.255", LOOP},
    {"128.0.0.0", 0},
    {"169.253.255.255", 0},
    {"169.254.0.0", LINK},
    {"169.254.255.255", LINK},
    {"169.255.0.0", 0},
    {"223.255.255.255", 0},
    {"224.0.0.0", MULTI | BAD},
    {"239.255.255.255", MULTI | BAD},
    {"240.0.0.0", BAD},
    {"255.255.255.254", BAD},
    {"255.255.255.255", BCAST | BAD},
    {"::", UNSPEC | BAD},
    {"::1", LOOP},
    {"::2", 0},
    {"1::1", 0},
    {"fe7f::1", 0},
    {"fe80::1", LINK},
    {"febf:ffff::1", LINK},
    {"fec0::1", 0},
    {"fdff::1", 0},
    {"ff00::", MULTI | BAD},
    {"ff02::1", MULTI | BAD},
    {"2001:db8::1", 0},
    {"::ffff:10.0.0.1", BAD},
    {"::ffff:0:0", BAD},
    {"::fffe:10.0.0.1", 0},
    {"1::ffff:10.0.0.1", 0},
    {"7f00::", 0},
    {"e000::", 0},
    {"a9fe::", 0},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", MULTI | BAD},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    la_addr a = addr(rows[i].text);
    unsigned is = (la__addr_unspecified(&a) ? UNSPEC : 0) | (la__addr_multicast(&a) ? MULTI : 0) | (la__addr_loopback(&a) ? LOOP : 0) |
                  (la__addr_broadcast(&a) ? BCAST : 0) | (la__addr_link_local(&a) ? LINK : 0) | (la__addr_bad_source(&a) ? BAD : 0);
    if (is != rows[i].is)
      fail_msg("%s: %#x, not %#x", rows[i].text, is, rows[i].is);
  }
  la_addr none = {0, {1}};
  assert_true(la__addr_unspecified(&none) && la__addr_bad_source(&none));
  assert_false(la__addr_multicast(&none) || la__addr_loopback(&none) || la__addr_broadcast(&none) || la__addr_link_local(&none));
  (void)state;
}

static void prefixes(void **state) {
  for (unsigned family = 4; family <= 6; family += 2) {
    unsigned bits = family == 4 ? 32 : 128;
    for (unsigned differ = 0; differ < bits; differ++) {
      la_addr a = {.family = (uint8_t)family}, b;
      memset(a.b, 0x5c, 16);
      b = a;
      b.b[differ / 8] ^= (uint8_t)(0x80 >> differ % 8);
      for (unsigned n = 0; n <= 140; n++)
        assert_int_equal(la__addr_match(&a, &b, n), n <= differ);
      assert_true(la__addr_match(&a, &a, bits));
      assert_false(la_addr_same(&a, &b));
    }
  }
  la_addr four = {4, {1, 2, 3, 4, 5}}, other = {4, {1, 2, 3, 4, 6}}, six = {6, {1, 2, 3, 4, 5}}, none = {0}, none2 = {0, {1}};
  assert_true(la_addr_same(&four, &other) && la__addr_match(&four, &other, 33));
  assert_false(la_addr_same(&four, &six) || la__addr_match(&four, &six, 0));
  assert_true(la_addr_same(&none, &none2) && la__addr_match(&none, &none2, 8));
  assert_false(la_addr_same(&none, &four));
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(good_texts),        cmocka_unit_test(bad_texts),
    cmocka_unit_test(against_inet_pton), cmocka_unit_test(texts_against_inet_ntop),
    cmocka_unit_test(longest_text_fits), cmocka_unit_test(classes),
    cmocka_unit_test(prefixes),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
