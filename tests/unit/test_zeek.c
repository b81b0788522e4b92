/* SPDX-License-Identifier: MIT */
/* conn_state and history: the rows of Zeek's documentation of conn.log, and of its letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "capture/zeek.h"
#include "tests/unit/tape.h"

static const struct row {
  const char *script, *state, *history;
} rows[] = {
  /* the states */
  {">S +1000 ~>", "S0", "S"},
  {">S <SA >A >A10 <A", "S1", "ShADa"},
  {">S <SA >A >A10 <A <A9 >A >FA <A <FA >A", "SF", "ShADadFf"},
  {">S <RA", "REJ", "Sr"},
  {">S <SA >A >A10 <A >FA <A", "S2", "ShADaF"},
  {">S <SA >A >A10 <A <FA >A", "S3", "ShADaf"},
  {">S <SA >A >A10 <A >RA", "RSTO", "ShADaR"},
  {">S <SA >A >A10 <A <RA", "RSTR", "ShADar"},
  {">S >RA", "RSTOS0", "SR"},
  {"port 46444,80 <SA <RA", "RSTRH", "^hr"},
  {"port 46444,80 <SA <FA", "SHR", "^hf"},
  {"<SA <RA", "OTH", "HR"}, /* Zeek sees an originator that says SYN-ACK: no responder, and no SYN of its own */
  {">S >FA", "SH", "SF"},
  {"<A9 >A10 <A", "OTH", "DdA"},
  /* after its own RST nothing counts; a RST after both FINs neither */
  {">S <SA >A >FA <FA >A >R", "SF", "ShAFfR"},
  {">S <SA >A >FA <A9 >R", "RSTO", "ShAFdR"},
  {">S <SA >A <FA >A >RA", "RSTO", "ShAfR"},
  {">S <SA >A <RA <FA", "RSTR", "ShArf"},
  /* S, H, F and R again when the number changes, and only then */
  {">S ~> <SA ~< >A", "S1", "ShA"},
  {">S <SA >A >FA ~> ~> <A", "S2", "ShAFa"},
  {">S <SA >A >RA >RA >RAs5", "RSTO", "ShARR"},
  /* T, W, C and G at the first, tenth, hundredth */
  {">S <SA >A >A10 ~> <A", "S1", "ShADTa"},
  {">S <SA >A >A10 ~> ~> ~> ~> ~> ~> ~> ~> ~> ~> <A", "S1", "ShADTTa"},
  {">S <SA >A >A10 <Aw0 <Aw0 >A", "S1", "ShADaw"},
  {">S <SA >A <Aw0 <Aw0 <Aw0 <Aw0 <Aw0 <Aw0 <Aw0 <Aw0 <Aw0 <Aw0", "S1", "ShAaww"},
  {">S <SA >A >A10b <A", "S1", "ShACaG"},
  {">S <SA >A <A10b >A", "S1", "ShAcg"},
  {">S <SA >A <A1b <A1b <A1b <A1b <A1b <A1b <A1b <A1b <A1b <A1b", "S1", "ShAcc"},
  {">S <SA >A <A10 ~< >A", "S1", "ShAdt"},
  {">S <SA >A <A10 >Aw0 <A1 >Aw0", "S1", "ShAdW"},
  {">S <SA >A (<A10) >A (<A10) >A (<A10) >A (<A10) >A (<A10) >A (<A10) >A (<A10) >A (<A10) >A (<A10) >A (<A10) >A", "S1", "ShAgg"},
  {">S <SA >A >A10 (<A20) <FA >A >FA <A", "SF", "ShADfgFa"}, /* what is missing before a FIN */
  {">S <SA >A >A10 (>A10) >A10 <A", "S1", "ShADaG"},
  /* flags that do not go together */
  {">S <SA >A >FRA", "RSTO", "ShAI"},
  {">SF <SA", "S2", "Qh"},
  {">S <SA >A <FRA", "RSTR", "ShAi"},
  {">S <SFA", "S3", "Sq"},
  {">SR", "OTH", "Q"},
  {">S <S >SA <SA >A10 <A", "S1", "SsDa"}, /* crossing SYNs: S and H share a mark */
  /* a server's well-known port tells Zeek which way it is; of two the lower one, but not of a SYN-ACK, which may be a scan's */
  {"port 46444,80 <A10 >A", "OTH", "^dA"},
  {"port 8080,443 <A10 >A", "OTH", "^dA"},
  {"port 22,443 <A10 >A", "OTH", "Da"},
  {"port 8080,443 <SA", "OTH", "H"},
  {"port 46444,80 <SA >A", "S1", "^hA"},
};

static void test_rows(void **unused) {
  static struct tape_out o;
  unsigned bad = 0;
  (void)unused;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct tape t;
    const char *script = rows[i].script;
    int skip = 0;
    tape_init(&t, TAPE_RAW, 4, false);
    if (sscanf(script, "port %hu,%hu %n", &t.port[0], &t.port[1], &skip) == 2)
      script += skip;
    tape_play(&t, script);
    tape_read(t.data, t.len, &o);
    tape_free(&t);
    assert_int_equal(o.n, 1);
    const struct zeek *z = &o.flow[0].zeek;
    if (strcmp(la__zeek_state(z), rows[i].state) == 0 && strcmp(z->history, rows[i].history) == 0)
      continue;
    print_error("%s: %s %s, not %s %s\n", rows[i].script, la__zeek_state(z), z->history, rows[i].state, rows[i].history);
    bad++;
  }
  assert_int_equal(bad, 0);
}

/* No state and no letter of Zeek's table without a row. */
static void test_table(void **unused) {
  static const char *const states[] = {"S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"};
  (void)unused;
  for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
    size_t k = 0;
    while (k < sizeof rows / sizeof rows[0] && strcmp(rows[k].state, states[i]) != 0)
      k++;
    assert_true(k < sizeof rows / sizeof rows[0]);
  }
  for (const char *c = "SHADFRCGTWIQshadfrcgtwiq^"; *c; c++) {
    size_t k = 0;
    while (k < sizeof rows / sizeof rows[0] && !strchr(rows[k].history, *c))
      k++;
    assert_true(k < sizeof rows / sizeof rows[0]);
  }
}

/* However long a connection is, its history is bounded. */
static void test_bounded(void **unused) {
  struct zeek z = {0};
  (void)unused;
  for (uint32_t i = 0; i < 1000; i++) {
    struct seg s = {.family = 4, .flags = LA_RST | LA_ACK, .seq = i * 7919, .src = (const uint8_t *)"abcd", .dst = (const uint8_t *)"efgh"};
    la__zeek_segment(&z, i & 1, &s, false);
  }
  assert_int_equal(strlen(z.history), ZEEK_HISTORY - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_table), cmocka_unit_test(test_bounded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
