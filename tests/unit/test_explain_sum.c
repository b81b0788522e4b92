/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "cli/explain.h"
#include "tests/unit/tape.h"

static struct rollup r;
static char *text;

static void print(const struct flows_stats *s) {
  size_t n;
  free(text);
  text = NULL;
  FILE *f = open_memstream(&text, &n);
  la__rollup_print(f, &r, s);
  fclose(f);
}

static void says(const char *part) {
  if (!strstr(text, part))
    fail_msg("nothing like \"%s\" in %s", part, text);
}

static void test_totals(void **unused) {
  static const char *const scripts[] = {">S <SA >A >FA <FA >A",  ">S <SA >A <FA >A >FA <A",       ">S <RA",
                                        ">S <SA >A >A10 <A >RA", ">S <SA >A >A10 <A +5000 >A <A", ">S <SA >A >FA <A +2000 <A10 >A"};
  static struct tape_out o;
  struct flows_stats s = {0};
  (void)unused;
  memset(&r, 0, sizeof r);
  for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
    struct tape t;
    tape_init(&t, TAPE_RAW, 4, false);
    tape_play(&t, scripts[i]);
    tape_read(t.data, t.len, &o);
    la__rollup_add(&r, &o.flow[0], &o.verdict[0], t.at);
    tape_free(&t);
    s.frames += o.stats.frames;
    s.tcp += o.stats.tcp;
  }
  s.drops = 3;
  s.cut = 1;
  print(&s);
  says("\n6 connections, 2 findings; 35 packets, 35 of them TCP\n");
  says("closes: none 1, four-segment 1, three-segment 1, reset 2, half-closed 1\n");
  says("closed first: none 3, client 2, server 1\n");
  says("resets: refused 1, abort 1\n");
  says("reasons: open 2, close 2, refused 1, abort 1\n");
  says("open: 1, the longest for 5.007 s\n");
  says("half-closed: 1, the longest for 2.004 s\n");
  says("TIME-WAIT: 120 port-seconds\n");
  says("servers by connections (findings): 10.0.0.9 6 (2)\n");
  says("capture: 1 packet cut within a header by the snap length\n");
  says("capture: 3 packets dropped by the capturer\n");
}

static void test_nothing(void **unused) {
  struct flows_stats s = {0};
  (void)unused;
  memset(&r, 0, sizeof r);
  print(&s);
  assert_string_equal(text, "\n0 connections, 0 findings; 0 packets, 0 of them TCP\n");
}

/* Servers by the hundred thousand: those that matter stay, in their order. */
static void test_many_servers(void **unused) {
  static struct flow c = {.family = 4};
  const struct verdict v = {.client = 0};
  struct flows_stats s = {0};
  (void)unused;
  memset(&r, 0, sizeof r);
  for (uint32_t i = 0; i < 200000; i++) {
    be32_put(c.end[1].addr, i % 10 == 0 ? 0x0a000001u : i % 20 == 1 ? 0x0a000002u : 0xc0000000u + i);
    la__rollup_add(&r, &c, &v, 0);
  }
  print(&s);
  says("servers by connections (findings): 10.0.0.1 20");
  says(", 10.0.0.2 10");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_totals), cmocka_unit_test(test_nothing), cmocka_unit_test(test_many_servers)};
  int bad = cmocka_run_group_tests(tests, NULL, NULL);
  free(text);
  return bad;
}
