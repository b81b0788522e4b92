/* SPDX-License-Identifier: MIT */
/* The simulator's engine: order of events, the network's rules, determinism, and that claims and laws can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/duo.h"

static struct sim_opts usual(void) {
  struct sim_opts o;
  la__sim_opts_init(&o);
  return o;
}
/* A scenario context without a scenario. */
static struct sim *context(const struct sim_opts *o) {
  struct sim *s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->opt = *o;
  s->name = "test";
  return s;
}

struct diary {
  struct world *w;
  char text[32];
  la_time at[8];
  unsigned n;
};
static struct diary diary;
static void write_down(char c) {
  diary.at[diary.n] = diary.w->now;
  diary.text[diary.n++] = c;
}
static void call_a(void *ctx) {
  (void)ctx;
  write_down('a');
}
static void call_b(void *ctx) {
  (void)ctx;
  write_down('b');
  la__at(diary.w, 0, call_a, NULL); /* the past: at once, but after what is already due */
}
static void call_c(void *ctx) {
  (void)ctx;
  write_down('c');
}

static void test_event_order(void **state) {
  (void)state;
  struct sim_opts o = usual();
  struct world *w = la__world_new(&o, "");
  diary = (struct diary){.w = w};
  assert_true(w->now == SIM_EPOCH);
  la__at(w, SIM_EPOCH + 3 * LA_SEC, call_c, NULL);
  la__at(w, SIM_EPOCH + LA_SEC, call_b, NULL);
  la__at(w, SIM_EPOCH + LA_SEC, call_c, NULL);
  la__at(w, SIM_EPOCH + 2 * LA_SEC, call_a, NULL);
  la__run_until(w, SIM_EPOCH + LA_SEC - 1);
  assert_int_equal(diary.n, 0);
  la__run_until(w, SIM_EPOCH + LA_SEC);
  assert_string_equal(diary.text, "bca");
  la__run_for(w, 1500 * LA_MS);
  assert_string_equal(diary.text, "bcaa");
  assert_true(diary.at[3] == SIM_EPOCH + 2 * LA_SEC);
  assert_true(w->now == SIM_EPOCH + 2500 * LA_MS);
  la__run_until(w, SIM_EPOCH); /* never backwards */
  assert_true(w->now == SIM_EPOCH + 2500 * LA_MS);
  la__run_out(w);
  assert_string_equal(diary.text, "bcaac");
  la__world_free(w);
}

static void test_heap_of_many(void **state) {
  (void)state;
  struct sim_opts o = usual();
  struct world *w = la__world_new(&o, "");
  for (unsigned i = 0; i < 5000; i++)
    la__at(w, SIM_EPOCH + (i * 7919u % 5000u) * LA_MS, call_c, NULL);
  la_time last = 0;
  for (unsigned i = 0; i < 5000; i++) {
    diary = (struct diary){.w = w};
    la__run_until(w, SIM_EPOCH + i * LA_MS);
    assert_int_equal(diary.n, 1);
    assert_true(diary.at[0] == SIM_EPOCH + i * LA_MS && diary.at[0] >= last);
    last = diary.at[0];
  }
  la__world_free(w);
}

static void test_delay_and_states(void **state) {
  (void)state;
  struct sim_opts o = usual();
  o.delay = 37 * LA_MS;
  struct sim *s = context(&o);
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, NULL);
  assert_true(la__duo_open(&d, 4321));
  la__run_for(w, LA_SEC);
  const struct pkt *syn = la__seg(w, d.a, K_SYN, 1), *sa = la__seg(w, d.b, K_SYN_ACK, 1);
  assert_int_equal(syn->no, 1);
  assert_true(syn->sent == SIM_EPOCH && syn->arrived == SIM_EPOCH + 37 * LA_MS);
  assert_true(sa->sent == syn->arrived);
  assert_int_equal(syn->sender, LA_SYN_SENT);
  assert_int_equal(syn->receiver, LA_SYN_RECEIVED);
  assert_int_equal(syn->seg.sport, 4321);
  assert_string_equal(la__path(d.c), "CLOSED SYN-SENT ESTABLISHED");
  assert_int_equal(la__state_at(d.c, SIM_EPOCH - 1), LA_CLOSED);
  assert_int_equal(la__state_at(d.c, SIM_EPOCH), LA_SYN_SENT);
  assert_int_equal(la__state_at(d.c, sa->arrived - 1), LA_SYN_SENT);
  assert_int_equal(la__state_at(d.c, sa->arrived), LA_ESTABLISHED);
  assert_true(la__when(d.c, LA_ESTABLISHED) == sa->arrived && la__left(d.c, LA_SYN_SENT) == sa->arrived);
  assert_true(la__when(d.c, LA_FIN_WAIT_1) == LA_NEVER);
  assert_true(d.c->peer == d.s && d.s->peer == d.c);
  assert_int_equal(la__count(w, NULL, K_ANY, 0, LA_NEVER), 3);
  assert_int_equal(la__seg(w, d.a, K_FIN, 1)->no, 0); /* no such segment */
  la__sim_free(s);
}

/* Sends 100 bytes and tells how often that took. */
static unsigned tries(struct duo *d) {
  la_time t = d->w->now;
  la__app_send(d->c, 100);
  la__until_all_acked(d->c, 100 * LA_SEC);
  return la__count(d->w, d->a, K_DATA, t, LA_NEVER);
}
static void test_loss(void **state) {
  (void)state;
  struct sim_opts o = usual();
  struct sim *s = context(&o);
  struct duo d = la__duo(s, la__sim_world(s, "%s", ""), NULL);
  assert_true(la__duo_open(&d, 0));
  la__run_for(d.w, LA_SEC);
  assert_int_equal(tries(&d), 1);
  la__rule(d.w, d.a, K_DATA, F_LOSE, 2, 2); /* the second and the third from now on */
  assert_int_equal(tries(&d), 1);
  assert_int_equal(tries(&d), 3);
  assert_int_equal(tries(&d), 1);
  d.w->cut = true;
  la_time t = d.w->now;
  la__app_send(d.c, 100);
  la__run_for(d.w, 10 * LA_SEC);
  assert_true(la__count(d.w, d.a, K_DATA, t, LA_NEVER) > 2);
  for (size_t i = 0; i < d.w->nlog; i++)
    if (d.w->log[i]->sent >= t)
      assert_true(d.w->log[i]->lost && d.w->log[i]->arrived == LA_NEVER);
  d.w->cut = false;
  la__until_all_acked(d.c, 100 * LA_SEC);
  assert_int_equal(d.s->rx_len, 500);
  assert_false(d.s->rx_bad);
  la__sim_free(s);
}
static void test_drop_option(void **state) {
  (void)state;
  for (unsigned n = 1; n <= 3; n++) {
    struct sim_opts o = usual();
    o.drop = n;
    struct sim *s = context(&o);
    struct duo d = la__duo(s, la__sim_world(s, "%s", ""), NULL);
    la__duo_open(&d, 0);
    la__run_for(d.w, 10 * LA_SEC);
    for (size_t i = 0; i < d.w->nlog; i++)
      assert_int_equal(d.w->log[i]->lost, i + 1 == n);
    assert_int_equal(la__state_at(d.c, d.w->now), LA_ESTABLISHED);
    la__sim_free(s);
  }
}
static void test_duplicate_late_unreachable(void **state) {
  (void)state;
  struct sim_opts o = usual();
  struct sim *s = context(&o);
  struct duo d = la__duo(s, la__sim_world(s, "%s", ""), NULL);
  assert_true(la__duo_open(&d, 0));
  la__run_for(d.w, LA_SEC);
  la__rule(d.w, d.a, K_DATA, F_DUPLICATE, 1, 1)->extra = 5 * LA_SEC;
  la_time t = d.w->now;
  assert_int_equal(tries(&d), 1);
  la__run_for(d.w, 6 * LA_SEC);
  const struct pkt *dup = NULL;
  for (size_t i = 0; i < d.w->nlog; i++)
    if (d.w->log[i]->duplicate)
      dup = d.w->log[i];
  assert_non_null(dup);
  assert_true(dup->arrived == t + d.w->delay + 5 * LA_SEC);
  assert_int_not_equal(dup->drop, LA_DROP_NONE);
  la__rule(d.w, d.a, K_DATA, F_LATE, 1, 1)->extra = 300 * LA_MS;
  t = d.w->now;
  assert_int_equal(tries(&d), 1);
  assert_true(la__seg_since(d.w, d.a, K_DATA, 1, t)->arrived == t + d.w->delay + 300 * LA_MS);
  la__rule(d.w, d.a, K_DATA, F_UNREACHABLE, 1, 1);
  assert_int_equal(tries(&d), 2);
  unsigned icmp = 0;
  for (size_t i = 0; i < d.w->nlog; i++)
    icmp += !d.w->log[i]->tcp && d.w->log[i]->to == d.a && d.w->log[i]->arrived != LA_NEVER;
  assert_int_equal(icmp, 1);
  assert_int_equal(d.s->rx_len, 300);
  la__sim_free(s);
}

static void test_crash_and_reboot(void **state) {
  (void)state;
  struct sim_opts o = usual();
  struct sim *s = context(&o);
  struct duo d = la__duo(s, la__sim_world(s, "%s", ""), NULL);
  assert_true(la__duo_open(&d, 0));
  uint8_t before[16];
  memcpy(before, d.b->cfg.secret, 16);
  la__host_crash(d.b);
  assert_null(d.b->st);
  assert_int_equal(d.b->mem.blocks, 0);
  la__app_send(d.s, 10); /* the application died with it: nothing happens */
  la__app_close(d.s);
  la__app_send(d.c, 10);
  la__run_for(d.w, LA_SEC);
  assert_true(la__seg(d.w, d.a, K_DATA, 1)->lost);
  la__host_boot(d.b);
  assert_non_null(d.b->st);
  assert_memory_not_equal(before, d.b->cfg.secret, 16);
  la__until_end(d.c, 100 * LA_SEC);
  assert_int_equal(d.c->end.err, LA_ECONNRESET);
  la__sim_free(s);
}

/* A hash of all that a run did and claimed. */
static uint64_t mix(uint64_t h, const void *p, size_t n) {
  const uint8_t *b = p;
  for (size_t i = 0; i < n; i++)
    h = (h ^ b[i]) * 0x100000001b3u;
  return h;
}
static uint64_t fingerprint(const struct scen *sc, const struct sim_opts *o) {
  struct sim *s = la__sim_run(sc, o);
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t i = 0; i < s->nworlds; i++) {
    const struct world *w = s->world[i];
    for (size_t k = 0; k < w->nlog; k++) {
      h = mix(h, w->log[k]->raw, w->log[k]->len);
      h = mix(h, &w->log[k]->sent, sizeof w->log[k]->sent);
      h = mix(h, &w->log[k]->arrived, sizeof w->log[k]->arrived);
    }
    for (size_t k = 0; k < w->ntrans; k++)
      h = mix(h, &w->trans[k].at, sizeof w->trans[k].at);
  }
  for (size_t i = 0; i < s->nclaims; i++)
    h = mix(h, s->claim[i].text, strlen(s->claim[i].text));
  la__sim_free(s);
  return h;
}
static void test_two_runs_are_one(void **state) {
  (void)state;
  struct sim_opts o = usual(), other = usual(), six = usual();
  other.seed = 2;
  six.ipv6 = true;
  for (size_t i = 0; i < la__nscens; i++) {
    uint64_t h = fingerprint(&la__scens[i], &o);
    assert_true(h == fingerprint(&la__scens[i], &o));
    assert_true(h != fingerprint(&la__scens[i], &other));
    assert_true(h != fingerprint(&la__scens[i], &six));
  }
}

static void test_every_scenario_claims(void **state) {
  (void)state;
  struct sim_opts o = usual();
  for (size_t i = 0; i < 2 * la__nscens; i++) {
    o.ipv6 = i >= la__nscens;
    struct sim *s = la__sim_run(&la__scens[i % la__nscens], &o);
    size_t own = 0;
    for (size_t k = 0; k < s->nclaims; k++) {
      bool law = false;
      for (unsigned l = 0; l < LAWS; l++)
        law |= strcmp(s->claim[k].text, la__law_text(l)) == 0;
      own += !law;
      if (s->claim[k].skipped || !s->claim[k].ok)
        fail_msg("%s: %s", s->name, s->claim[k].text); /* nothing is skipped under the usual conditions */
    }
    if (own < 3)
      fail_msg("%s: %zu claims", s->name, own);
    la__sim_free(s);
  }
}

static void test_claims_can_fail(void **state) {
  (void)state;
  struct sim_opts o = usual();
  struct sim *s = context(&o);
  CLAIM(s, true, "a");
  assert_true(la__sim_ok(s));
  la__claim(s, false, false, "%s", "skipped");
  assert_true(la__sim_ok(s) && s->claim[1].skipped && s->claim[1].ok);
  CLAIM_USUAL(s, false, "b %d", 7);
  assert_false(la__sim_ok(s));
  assert_string_equal(s->claim[2].text, "b 7");
  la__sim_free(s);
  o.delay = 11 * LA_MS;
  s = context(&o);
  CLAIM_USUAL(s, false, "another delay");
  assert_true(la__sim_ok(s));
  CLAIM_CALM(s, false, "but nothing lost");
  assert_false(la__sim_ok(s));
  la__sim_free(s);
}

/* Bytes that nobody wrote, in sequence, in the client's name. */
static void corrupted(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, NULL);
  la__duo_open(&d, 0);
  la__run_for(w, LA_SEC);
  la_info_rec i;
  assert_true(la__app_info(d.s, &i));
  const struct pkt *ack = la__seg(w, d.a, K_ACK, 1);
  struct tcp_seg x = {.sport = d.c->lport,
                      .dport = PORT,
                      .seq = i.rcv_nxt,
                      .ack = i.snd_nxt,
                      .wnd = 1000,
                      .flags = LA_ACK,
                      .opt = ack->seg.opt,
                      .data = (const uint8_t *)"lies",
                      .len = 4};
  la__inject(d.a, d.b, &x);
  la__run_for(w, LA_SEC);
  assert_int_equal(d.s->rx_len, 4);
  assert_true(d.s->rx_bad);
}
static void test_laws_can_break(void **state) {
  (void)state;
  struct sim_opts o = usual();
  static const struct scen sc = {"corrupted", "", corrupted};
  struct sim *s = la__sim_run(&sc, &o);
  assert_false(la__sim_ok(s));
  for (unsigned l = 0; l < LAWS; l++)
    assert_int_equal(s->world[0]->laws.broken[l] > 0, l == LAW_STREAM);
  la__sim_free(s);
}

/* What fails is one allocation of all, or the rest of one stack's as well; all of them, for each scenario: sim/oom.h. */
static void test_failing_memory(void **state) {
  (void)state;
  struct failing plain = {0};
  struct sim_opts o = usual();
  const struct scen *sc = la__scen_find("release-four");
  o.failing = &plain;
  struct sim *s = la__sim_run(sc, &o);
  assert_true(la__sim_ok(s) && plain.calls > 20 && !plain.hit && !plain.refused);
  assert_int_equal(s->world[0]->laws.checked[LAW_BESIDE], 2); /* each of its two stacks */
  la__sim_free(s);
  uint64_t told = 0, drops = 0, down = 0;
  for (uint32_t n = 1; n <= plain.calls + 1; n++)
    for (unsigned ever = 0; ever < 2; ever++) {
      struct failing f = {.at = n, .ever = ever};
      o.failing = &f;
      s = la__sim_run(sc, &o);
      for (size_t k = 0; k < s->nclaims; k++)
        if (!s->claim[k].ok)
          fail_msg("allocation %u%s fails: %s", n, ever ? " and all later ones" : "", s->claim[k].text);
      bool there = n <= plain.calls;
      assert_true(f.hit == there && (ever ? f.refused >= there : f.refused == there));
      told += f.told;
      drops += f.drops;
      down += f.down;
      la__sim_free(s);
    }
  assert_true(told && drops && down);
}

/* The law of the connection beside breaks when somebody ends it. */
static bool end_it(void *ctx, const la_each_rec *r) {
  if (r->kind == LA_KIND_CONN)
    *(la_conn *)ctx = r->conn;
  return true;
}
static void beside_harmed(struct sim *s) {
  struct world *w = la__sim_world(s, "%s", "");
  struct duo d = la__duo(s, w, NULL);
  la__run_for(w, LA_SEC);
  la_conn c = {0};
  la_each(d.a->st, end_it, &c);
  la_abort(d.a->st, c, w->now);
  la__host_drain(d.a);
}
static void test_beside_can_be_harmed(void **state) {
  (void)state;
  struct failing none = {0};
  struct sim_opts o = usual();
  o.failing = &none;
  struct sim *s = la__sim_run(&(struct scen){"harmed", "", beside_harmed}, &o);
  assert_int_equal(s->world[0]->laws.broken[LAW_BESIDE], 1);
  la__sim_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_event_order),           cmocka_unit_test(test_heap_of_many),
    cmocka_unit_test(test_delay_and_states),      cmocka_unit_test(test_loss),
    cmocka_unit_test(test_drop_option),           cmocka_unit_test(test_duplicate_late_unreachable),
    cmocka_unit_test(test_crash_and_reboot),      cmocka_unit_test(test_two_runs_are_one),
    cmocka_unit_test(test_every_scenario_claims), cmocka_unit_test(test_claims_can_fail),
    cmocka_unit_test(test_laws_can_break),        cmocka_unit_test(test_failing_memory),
    cmocka_unit_test(test_beside_can_be_harmed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
