/* SPDX-License-Identifier: MIT */
/* A script for each cause, over IPv4 and IPv6, with the truth that its author put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tape.h"

#define OPEN ">S <SA >A "

static const struct row {
  const char *name, *script;
  enum close_kind kind;
  enum first_closed first;
  enum reason reason, other; /* other: the second candidate, 0: none */
  enum certainty certainty;
} rows[] = {
  {"four, by client", OPEN ">A10 <A >FA <A +50 <FA >A", KIND_FOUR, CLOSED_CLIENT, REASON_CLOSE, 0, CERTAIN_OBSERVED},
  {"four, by server", OPEN ">A10 <A <FA >A +50 >FA <A", KIND_FOUR, CLOSED_SERVER, REASON_CLOSE, 0, CERTAIN_OBSERVED},
  {"three, by client", OPEN ">A10 <A >FA <FA >A", KIND_THREE, CLOSED_CLIENT, REASON_CLOSE, 0, CERTAIN_OBSERVED},
  {"three, by server", OPEN ">A10 <A <FA >FA <A", KIND_THREE, CLOSED_SERVER, REASON_CLOSE, 0, CERTAIN_OBSERVED},
  {"simultaneous", OPEN ">FA <FAa-1 >A <A", KIND_SIMULTANEOUS, CLOSED_BOTH, REASON_CLOSE, 0, CERTAIN_OBSERVED},
  {"refused", ">S <RA", KIND_RESET, CLOSED_NONE, REASON_REFUSED, 0, CERTAIN_OBSERVED},
  {"SYN unanswered", ">S +1000 ~> +2000 ~> +4000 ~>", KIND_NONE, CLOSED_NONE, REASON_SYN_UNANSWERED, 0, CERTAIN_OBSERVED},
  {"SYN-ACK unanswered", ">S <SA +1000 ~< +2000 ~<", KIND_NONE, CLOSED_NONE, REASON_SYN_ACK_UNANSWERED, 0, CERTAIN_OBSERVED},
  {"SYN-ACK refused", ">S <SA >R", KIND_RESET, CLOSED_NONE, REASON_SYN_ACK_REFUSED, 0, CERTAIN_INFERRED},
  {"abort with nothing unread", OPEN ">A10 <A >RA", KIND_RESET, CLOSED_NONE, REASON_ABORT, 0, CERTAIN_INFERRED},
  {"abort or unread", OPEN "<A100 >A >RA", KIND_RESET, CLOSED_NONE, REASON_ABORT, REASON_UNREAD, CERTAIN_AMBIGUOUS},
  {"data after close", OPEN ">A10 <A >FA <A +100 <A4 >R", KIND_RESET, CLOSED_CLIENT, REASON_DATA_AFTER_CLOSE, 0, CERTAIN_OBSERVED},
  {"half-open, data", OPEN ">A10 <A +5000 >A10 <R", KIND_RESET, CLOSED_NONE, REASON_HALF_OPEN, 0, CERTAIN_OBSERVED},
  {"half-open, probe", OPEN ">A10 <A +50000 k> <R", KIND_RESET, CLOSED_NONE, REASON_HALF_OPEN, 0, CERTAIN_OBSERVED},
  {"not accepted", ">S <SA >A <R", KIND_RESET, CLOSED_NONE, REASON_NOT_ACCEPTED, 0, CERTAIN_INFERRED},
  {"keepalive", OPEN ">A10 <A +9000 k> +1000 k> +1000 k> +1000 >RA", KIND_RESET, CLOSED_NONE, REASON_KEEPALIVE, 0, CERTAIN_OBSERVED},
  {"keepalive, silent end", OPEN ">A10 <A +9000 k> +1000 k> +1000 k> +1000 (>A) +9000 other >S", KIND_NONE, CLOSED_NONE, REASON_KEEPALIVE,
   0, CERTAIN_INFERRED},
  {"retransmission limit", OPEN ">A10 +200 ~> +400 ~> +800 ~> +1600 ~> +3200 ~>", KIND_NONE, CLOSED_NONE, REASON_RETRANSMIT, 0,
   CERTAIN_INFERRED},
  {"retransmission limit, RST", OPEN ">A10 +200 ~> +400 ~> +800 ~> +1600 ~> +3200 ~> +6400 >RA", KIND_RESET, CLOSED_NONE, REASON_RETRANSMIT,
   0, CERTAIN_INFERRED},
  {"last ACK", OPEN ">FA <A <FA +200 ~< +400 ~< +800 ~< +1600 ~< +3200 ~<", KIND_NONE, CLOSED_CLIENT, REASON_LAST_ACK, 0, CERTAIN_INFERRED},
  {"RST injected, TTL", OPEN ">A10 <A >A10 <At64 <RAt200", KIND_RESET, CLOSED_NONE, REASON_INJECTED, 0, CERTAIN_INFERRED},
  {"RST injected, sender goes on", OPEN ">A10 <A >A10 <RA <A50 >R", KIND_RESET, CLOSED_NONE, REASON_INJECTED, 0, CERTAIN_OBSERVED},
  {"open", OPEN ">A10 <A", KIND_NONE, CLOSED_NONE, REASON_OPEN, 0, CERTAIN_OBSERVED},
  {"CLOSE-WAIT leak", OPEN ">A10 <A >FA <A +70000 other >S", KIND_HALF, CLOSED_CLIENT, REASON_CLOSE_WAIT, 0, CERTAIN_INFERRED},
  {"half-closed, alive", OPEN ">A10 <A >FA <A +70000 <A100 >A", KIND_HALF, CLOSED_CLIENT, REASON_OPEN, 0, CERTAIN_OBSERVED},
  {"FIN-WAIT-2 left", OPEN ">A10 <A >FA <A +90000 <FA >R", KIND_RESET, CLOSED_CLIENT, REASON_FIN_WAIT_2, 0, CERTAIN_INFERRED},
  {"idle cut, RST", OPEN ">A10 <A +900000 >A10 <RAt250", KIND_RESET, CLOSED_NONE, REASON_IDLE_CUT, 0, CERTAIN_INFERRED},
  {"idle cut, silence", OPEN ">A10 <A +900000 >A10 +200 ~> +400 ~> +800 ~> +1600 ~> +3200 ~>", KIND_NONE, CLOSED_NONE, REASON_IDLE_CUT,
   REASON_RETRANSMIT, CERTAIN_AMBIGUOUS},
  {"restart", OPEN ">A10 <A new >S", KIND_NONE, CLOSED_NONE, REASON_RESTART, 0, CERTAIN_INFERRED},
  {"mid-stream", ">A10 <A >FA <FA >A", KIND_THREE, CLOSED_CLIENT, REASON_CLOSE, 0, CERTAIN_INFERRED},
};

/* The first connection of the script. */
static void explain(const char *script, enum tape_link link, unsigned family, bool ng, struct tape_out *o) {
  struct tape t;
  tape_init(&t, link, family, ng);
  tape_play(&t, script);
  tape_read(t.data, t.len, o);
  tape_free(&t);
}

static const struct flow *first(const struct tape_out *o, const struct verdict **v) {
  *v = NULL;
  for (size_t i = 0; i < o->n; i++)
    if (o->flow[i].id == 1) {
      *v = &o->verdict[i];
      return &o->flow[i];
    }
  fail_msg("no connection");
  abort();
}

static void test_causes(void **unused) {
  static struct tape_out o;
  const struct verdict *v;
  unsigned bad = 0;
  (void)unused;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (unsigned family = 4; family <= 6; family += 2) {
      const struct row *r = &rows[i];
      explain(r->script, family == 4 ? TAPE_ETHERNET : TAPE_RAW, family, family == 6, &o);
      first(&o, &v);
      enum reason other = v->ncandidates > 1 ? v->candidate[1] : REASON_OPEN;
      if (v->kind == r->kind && v->first_closed == r->first && v->reason == r->reason && other == r->other && v->certainty == r->certainty)
        continue;
      print_error("%s, IPv%u: %s, first %s, %s or %s, %s\n", r->name, family, la__kind_name(v->kind), la__closed_name(v->first_closed),
                  la__reason_name(v->reason), la__reason_name(other), la__certainty_name(v->certainty));
      bad++;
    }
  assert_int_equal(bad, 0);
}

/* The page's example: what the server wrote after the client's close, for how long, and what of it was lost. */
static void test_numbers(void **unused) {
  static struct tape_out o;
  const struct verdict *v;
  (void)unused;
  explain(OPEN ">A10 <A >FA <A +99 <A4 >R", TAPE_ETHERNET, 4, false, &o);
  const struct flow *c = first(&o, &v);
  assert_int_equal(v->client, 0);
  assert_int_equal(v->half_bytes, 4);
  assert_int_equal(v->lost, 4);
  assert_int_equal(c->end[1].late_last - c->end[0].fin.at, 102 * LA_MS);
  assert_int_equal(c->rst.mark.frame, 9);
  assert_int_equal(v->by, 0);
  assert_true(v->finding);
}

static void test_time_wait(void **unused) {
  static struct tape_out o;
  const struct verdict *v;
  (void)unused;
  explain(OPEN ">FA <A <FA >A +500 new >S <SA >A", TAPE_RAW, 4, false, &o);
  const struct flow *c = first(&o, &v);
  assert_int_equal(v->time_wait, 1);
  assert_int_equal(c->reused.frame, 8);
  assert_int_equal(c->reused_by, 2);
  assert_int_equal(v->time_wait_until, c->reused.at);
  assert_true(v->finding);
  explain(OPEN "<FA >A >FA <A", TAPE_RAW, 4, false, &o);
  c = first(&o, &v);
  assert_int_equal(v->time_wait, 2);
  assert_int_equal(v->time_wait_until - v->time_wait_from, 60 * LA_SEC);
  assert_false(v->finding);
}

/* RFC 9293 3.6: what each end went through, and which frame shows it. */
static void test_states(void **unused) {
  static const struct {
    const char *script, *want;
  } walks[] = {
    {OPEN ">FA <FA >A", /* three segments: never in FIN-WAIT-2 */
     "c1 SYN-SENT, s2 SYN-RECEIVED, c2 ESTABLISHED, s3 ESTABLISHED, c4 FIN-WAIT-1, s5 CLOSE-WAIT, s5 LAST-ACK, c5 TIME-WAIT, s6 CLOSED"},
    {OPEN ">FA <A <FA >A",
     "c1 SYN-SENT, s2 SYN-RECEIVED, c2 ESTABLISHED, s3 ESTABLISHED, c4 FIN-WAIT-1, s5 CLOSE-WAIT, c5 FIN-WAIT-2, s6 LAST-ACK, "
     "c7 TIME-WAIT, s7 CLOSED"},
    {OPEN ">FA <FAa-1 >A <A",
     "c1 SYN-SENT, s2 SYN-RECEIVED, c2 ESTABLISHED, s3 ESTABLISHED, c4 FIN-WAIT-1, s5 FIN-WAIT-1, c6 CLOSING, s6 CLOSING, s6 TIME-WAIT, "
     "c7 TIME-WAIT"},
  };
  static struct tape_out o;
  const struct verdict *v;
  (void)unused;
  for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++) {
    char got[400] = "";
    size_t n = 0;
    explain(walks[i].script, TAPE_RAW, 4, false, &o);
    const struct flow *c = first(&o, &v);
    for (unsigned k = 0; k < c->nevents; k++)
      n += (size_t)snprintf(got + n, sizeof got - n, "%s%c%u %s", k ? ", " : "", c->event[k].end == v->client ? 'c' : 's',
                            (unsigned)la__event_frame(&c->event[k]), la_state_name((enum la_state)c->event[k].state));
    assert_string_equal(got, walks[i].want);
  }
}

/* What is wrong with a capture is told, and nothing else changes. */
static void test_flaws(void **unused) {
  static const struct {
    const char *script;
    unsigned flaws;
    enum reason reason;
  } flawed[] = {
    {">A10 <A >FA <FA >A", FLAW_MIDSTREAM, REASON_CLOSE},     {">S (<SA) >A >A10 (<A) >FA (<FA) >A", FLAW_ONE_SIDED, REASON_OPEN},
    {OPEN "(>A10) <A >FA <FA >A", FLAW_MISSED, REASON_CLOSE}, {OPEN ">A10 => <A =< >FA => <FA >A", FLAW_DUPLICATES, REASON_CLOSE},
    {OPEN ">A10o <A >FA <FA >A", FLAW_OFFLOAD, REASON_CLOSE}, {OPEN ">A10b ~> <A >FA <FA >A", FLAW_DAMAGED, REASON_CLOSE},
    {OPEN ">A20000 <A >FA <FA >A", FLAW_GRO, REASON_CLOSE},
  };
  static struct tape_out o;
  const struct verdict *v;
  (void)unused;
  for (size_t i = 0; i < sizeof flawed / sizeof flawed[0]; i++) {
    explain(flawed[i].script, TAPE_ETHERNET, 4, false, &o);
    first(&o, &v);
    if (v->flaws != flawed[i].flaws || (v->reason != flawed[i].reason && flawed[i].reason != REASON_OPEN) || o.n != 1)
      fail_msg("%s: %zu connections, flaws %u, %s", flawed[i].script, o.n, v->flaws, la__reason_name(v->reason));
  }
}

/* A file that breaks off has no word about what came then: open is the likeliest, and not certain. What had ended before stays certain. */
static void test_broken(void **unused) {
  static const struct {
    const char *script;
    enum reason reason;
    enum certainty certainty;
    unsigned flaws;
  } cut[] = {{OPEN ">A10 <A10 >A", REASON_OPEN, CERTAIN_INFERRED, FLAW_TAIL},
             {OPEN ">A10 <A +5000 >FA <A", REASON_CLOSING, CERTAIN_OBSERVED, FLAW_TAIL},
             {OPEN ">A10 <A >FA <FA >A other >S <SA", REASON_CLOSE, CERTAIN_OBSERVED, 0}};
  static struct tape_out o;
  (void)unused;
  for (size_t i = 0; i < 2 * sizeof cut / sizeof cut[0]; i++) {
    struct tape t;
    tape_init(&t, TAPE_ETHERNET, 4, i & 1);
    tape_play(&t, cut[i / 2].script);
    tape_read(t.data, t.len - 3, &o);
    tape_free(&t);
    assert_true(o.broken);
    const struct verdict *v = &o.verdict[o.flow[0].id == 1 ? 0 : 1];
    assert_int_equal(v->reason, cut[i / 2].reason);
    assert_int_equal(v->certainty, cut[i / 2].certainty);
    assert_int_equal(v->flaws, cut[i / 2].flaws);
  }
}

/* A clock that is set back while it captures: nothing lasts for centuries, and the story is the same. */
static void test_clock_set_back(void **unused) {
  static const char *const part[] = {">S", "<SA", ">A >A10", "<A", "<A20 k> <A", ">FA", "<A9", ">A <FA", ">A"};
  static struct tape_out o;
  const struct verdict *v;
  (void)unused;
  for (size_t back = 1; back < sizeof part / sizeof part[0]; back++) {
    struct tape t;
    tape_init(&t, TAPE_ETHERNET, 4, false);
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
      t.at -= i == back ? 3600 * LA_SEC : 0;
      tape_play(&t, part[i]);
    }
    tape_read(t.data, t.len, &o);
    tape_free(&t);
    const struct flow *c = first(&o, &v);
    assert_int_equal(v->reason, REASON_CLOSE);
    assert_int_equal(v->certainty, CERTAIN_OBSERVED);
    assert_true(c->syn_rtt + c->ack_rtt < LA_SEC && v->half_closed < LA_SEC && c->idle_max < LA_SEC);
    assert_true(v->time_wait_until - v->time_wait_from < 61 * LA_SEC);
  }
}

/* Whoever knows shorter limits tells them: the same capture, judged with two measures. */
static void test_patience(void **unused) {
  static const struct {
    const char *script;
    enum reason soon, late; /* with a minute, with a second */
    enum certainty soon_is, late_is;
  } told[] = {
    {OPEN ">A10 <A >FA <A +2000 other >S", REASON_OPEN, REASON_CLOSE_WAIT, CERTAIN_OBSERVED, CERTAIN_INFERRED},
    {OPEN ">A10 <A >FA <A +2000 <FA >R", REASON_FIN_WAIT_2, REASON_FIN_WAIT_2, CERTAIN_AMBIGUOUS, CERTAIN_INFERRED},
    {OPEN ">A10 <A +2000 >A10 <R", REASON_HALF_OPEN, REASON_HALF_OPEN, CERTAIN_OBSERVED, CERTAIN_AMBIGUOUS},
    {OPEN ">A10 <A +2000 other >S", REASON_OPEN, REASON_OPEN, CERTAIN_OBSERVED, CERTAIN_INFERRED},
  };
  static struct tape_out o;
  struct verdict v;
  (void)unused;
  for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
    explain(told[i].script, TAPE_RAW, 4, false, &o);
    const struct flow *c = &o.flow[o.flow[0].id == 1 ? 0 : 1];
    la_time now = o.flow[0].last.at > o.flow[1].last.at ? o.flow[0].last.at : o.flow[1].last.at;
    la__verdict(c, now, VERDICT_PATIENCE, &v);
    assert_int_equal(v.reason, told[i].soon);
    assert_int_equal(v.certainty, told[i].soon_is);
    la__verdict(c, now, LA_SEC, &v);
    assert_int_equal(v.reason, told[i].late);
    assert_int_equal(v.certainty, told[i].late_is);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_causes), cmocka_unit_test(test_numbers), cmocka_unit_test(test_time_wait), cmocka_unit_test(test_flaws),
    cmocka_unit_test(test_states), cmocka_unit_test(test_broken),  cmocka_unit_test(test_patience),  cmocka_unit_test(test_clock_set_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
