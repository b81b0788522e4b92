/* SPDX-License-Identifier: MIT */
/*
 * The truth about every scenario of the simulator is what the stacks' own END records say. The packets of each run are given to the
 * tracker as a capture; its verdict on each connection must agree with what both ends know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "capture/flows.h"
#include "capture/verdict.h"
#include "sim/claim.h"

struct look {
  const struct sim *s;
  const struct world *w;
  struct flows flows;
  unsigned compared, bad;
};

static bool same_end(const struct flow *f, unsigned i, const la_addr *a, uint16_t port) {
  return f->family == a->family && f->end[i].port == port && memcmp(f->end[i].addr, a->b, a->family == 4 ? 4 : 16) == 0;
}

/* The END of the connection's end i; NULL when there was none, or several connections had this pair. */
static const la_end *truth(const struct look *l, const struct flow *f, unsigned i) {
  const la_end *found = NULL;
  for (size_t k = 0; k < l->w->nconns; k++) {
    const struct conn *c = l->w->conn[k];
    if (c->nends != 1 || !same_end(f, i, &c->end.local, c->end.local_port) || !same_end(f, !i, &c->end.remote, c->end.remote_port))
      continue;
    if (found)
      return NULL;
    found = &c->end;
  }
  return found;
}

static bool orderly(enum la_how h) { return h >= LA_HOW_FOUR_SEGMENTS && h <= LA_HOW_SIMULTANEOUS; }

static bool has(const struct verdict *v, enum reason r) {
  for (unsigned i = 0; i < v->ncandidates; i++)
    if (v->candidate[i] == r)
      return true;
  return false;
}

/* Is what an end says compatible with the verdict? Why it ended locally must be among the candidates. */
static bool agrees(const struct flow *f, const struct verdict *v, unsigned i, const la_end *e) {
  bool by_me = f->over == OVER_RESET && f->rst.by == i;
  switch (e->why) {
  case LA_WHY_CLOSE:
    if (e->how == LA_HOW_SILENT) /* before it was open: nothing is sent, and what comes finds nobody */
      return has(v, REASON_SYN_UNANSWERED) || has(v, REASON_SYN_ACK_UNANSWERED) || has(v, REASON_SYN_ACK_REFUSED) ||
             has(v, REASON_HALF_OPEN) || has(v, REASON_OPENING);
    return v->reason == REASON_CLOSE && (e->first_fin == LA_BY_LOCAL) == (v->first_closed != CLOSED_BOTH ? f->first_fin == i : true);
  case LA_WHY_ABORT:
  case LA_WHY_LINGER:
    return !by_me || has(v, REASON_ABORT) || has(v, REASON_SYN_ACK_REFUSED);
  case LA_WHY_UNREAD:
    return has(v, REASON_UNREAD);
  case LA_WHY_DATA_AFTER_CLOSE:
    return has(v, REASON_DATA_AFTER_CLOSE);
  case LA_WHY_PEER_RESET:
    return v->kind == KIND_RESET || f->over == OVER_RELEASED;
  case LA_WHY_REFUSED:
    return has(v, REASON_REFUSED) || has(v, REASON_SYN_FILTERED) || (e->state == LA_SYN_RECEIVED && has(v, REASON_HALF_OPEN));
  case LA_WHY_HALF_OPEN:
    return has(v, REASON_HALF_OPEN) || has(v, REASON_RESTART);
  case LA_WHY_RETRANSMIT:
    return has(v, REASON_RETRANSMIT) || f->over == OVER_RESET || f->icmp.frame;
  case LA_WHY_SYN_TIMEOUT:
    return has(v, REASON_SYN_UNANSWERED) || has(v, REASON_SYN_FILTERED);
  case LA_WHY_KEEPALIVE:
    return has(v, REASON_KEEPALIVE);
  case LA_WHY_FIN_WAIT_2:
    return has(v, REASON_FIN_WAIT_2) || has(v, REASON_CLOSE_WAIT) || f->over != OVER_NOT;
  default:
    return true;
  }
}

static void done(void *ctx, struct flow *f) {
  struct look *l = ctx;
  struct verdict v;
  const la_end *e[2] = {truth(l, f, 0), truth(l, f, 1)};
  if (f->reuses || f->reused.frame) /* several connections, one pair */
    return;
  la__verdict(f, l->flows.now, VERDICT_PATIENCE, &v);
  for (unsigned i = 0; i < 2; i++) {
    if (!e[i])
      continue;
    l->compared++;
    bool kinds =
      !e[!i] || e[i]->how != e[!i]->how || !orderly(e[i]->how) || v.kind == (enum close_kind)(e[i]->how - LA_HOW_FOUR_SEGMENTS + KIND_FOUR);
    bool carrier = !e[0] || !e[1] || v.reason != REASON_CLOSE || f->end[0].rsts + f->end[1].rsts ||
                   v.time_wait == ((e[0]->time_wait == LA_TW_LOCAL || e[0]->time_wait == LA_TW_BOTH) |
                                   (unsigned)(e[1]->time_wait == LA_TW_LOCAL || e[1]->time_wait == LA_TW_BOTH) << 1);
    if (agrees(f, &v, i, e[i]) && kinds && carrier)
      continue;
    l->bad++;
    print_error("%s, run of %s: the end of port %u says %s, %s; the verdict: %s, first %s, %s (%u), TIME-WAIT %u\n", l->s->name,
                l->w->heading, e[i]->local_port, la_how_name(e[i]->how), la_why_name(e[i]->why), la__kind_name(v.kind),
                la__closed_name(v.first_closed), la__reason_name(v.reason), v.ncandidates, v.time_wait);
  }
}

static unsigned look_at(const struct sim *s, unsigned *bad) {
  unsigned compared = 0;
  for (size_t i = 0; i < s->nworlds; i++) {
    struct look l = {.s = s, .w = s->world[i]};
    assert_true(la__flows_init(&l.flows, done, &l));
    for (size_t k = 0; k < l.w->nlog; k++) {
      const struct pkt *p = l.w->log[k];
      const struct packet packet = {
        .frame = k + 1, .at = p->sent, .cap = p->frame_len, .len = p->frame_len, .link = l.w->ether ? 1 : 101, .data = p->frame};
      la__flows_packet(&l.flows, &packet);
    }
    la__flows_live(&l.flows, l.w->now); /* the capture goes on as long as the world */
    la__flows_finish(&l.flows);
    la__flows_free(&l.flows);
    compared += l.compared;
    *bad += l.bad;
  }
  return compared;
}

static unsigned total_bad;
static void all(bool ipv6, unsigned drop) {
  unsigned compared = 0, bad = 0;
  struct sim_opts opt;
  la__sim_opts_init(&opt);
  opt.ipv6 = ipv6;
  opt.drop = drop;
  for (size_t i = 0; i < la__nscens; i++) {
    struct sim *s = la__sim_run(&la__scens[i], &opt);
    compared += look_at(s, &bad);
    la__sim_free(s);
  }
  assert_true(compared > 100);
  total_bad += bad;
}

static void test_ip4(void **unused) {
  (void)unused;
  all(false, 0);
}
static void test_ip6(void **unused) {
  (void)unused;
  all(true, 0);
}
/* The same with a segment lost in each run. */
static void test_lossy(void **unused) {
  (void)unused;
  for (unsigned n = 1; n < 12; n++)
    all(false, n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ip4), cmocka_unit_test(test_ip6), cmocka_unit_test(test_lossy)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
