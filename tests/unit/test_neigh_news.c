/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* What an advertisement does to a neighbour that is known: the table of RFC 4861 Appendix C, whole (7.2.5). */
#include "ether_test.h"

enum mac { NO_MAC, SAME_MAC, NEW_MAC };

/* fd00::2, known by PEER_MAC. */
static void known_as(struct node *n, enum la_neigh_state st, la_time now) {
  struct seen o;
  ether_simple(n);
  la_tick(n->s, now);
  if (st == LA_NEIGH_STALE) { /* it has asked for us */
    struct nd_msg m = nd_solicit("fd00::1", PEER_MAC);
    give_nd(n, NULL, PEER_MAC, &m, "fd00::2", "ff02::1:ff00:1", now);
    assert_true(take(n, &o, now));
  } else { /* it has answered */
    open_to(n, "fd00::2", 80, now);
    asks(n, "fd00::2", NULL, now);
    struct nd_msg m = nd_advert("fd00::2", PEER_MAC, true, true);
    give_nd(n, OUR_MAC, PEER_MAC, &m, "fd00::2", "fd00::1", now);
    assert_true(take(n, &o, now));
  }
  assert_int_equal(neigh(n, "fd00::2").state, st);
}

static void appendix_c(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2 * 2 * 2 * 3; i++) {
    enum la_neigh_state before = i & 1 ? LA_NEIGH_REACHABLE : LA_NEIGH_STALE, want = before;
    bool solicited = i & 2, override = i & 4;
    enum mac mac = (enum mac)(i / 8);
    struct node n;
    la_time now = 2 * LA_SEC;
    known_as(&n, before, now);
    struct nd_msg m = nd_advert("fd00::2", mac == NO_MAC ? NULL : mac == SAME_MAC ? PEER_MAC : OTHER_MAC, solicited, override);
    give_nd(&n, OUR_MAC, PEER_MAC, &m, "fd00::2", "fd00::1", now);
    bool taken = mac == NEW_MAC && override;
    if (mac == NEW_MAC && !override) /* not believed; but who was sure no longer is */
      want = LA_NEIGH_STALE;
    else if (solicited)
      want = LA_NEIGH_REACHABLE;
    else if (taken)
      want = LA_NEIGH_STALE;
    la_neigh got = neigh(&n, "fd00::2");
    if (got.state != want || memcmp(got.mac, taken ? OTHER_MAC : PEER_MAC, 6))
      fail_msg("%s, solicited %d, override %d, mac %d: state %d", before == LA_NEIGH_STALE ? "STALE" : "REACHABLE", solicited, override,
               mac, got.state);
    node_free(&n);
  }
}

/*
 * Of a neighbour that nobody has asked for, an advertisement makes no entry (7.2.5), nor a question that
 * does not say from where (7.2.3); it could not be answered.
 */
static void strangers(void **state) {
  (void)state;
  struct node n;
  ether_simple(&n);
  struct nd_msg m = nd_advert("fd00::2", PEER_MAC, true, true);
  give_nd(&n, OUR_MAC, PEER_MAC, &m, "fd00::2", "fd00::1", LA_SEC);
  assert_int_equal(neigh(&n, "fd00::2").state, NO_NEIGH);
  m = nd_solicit("fd00::1", NULL);
  give_nd(&n, OUR_MAC, PEER_MAC, &m, "fd00::2", "fd00::1", LA_SEC);
  nothing(&n, LA_SEC);
  assert_int_equal(neigh(&n, "fd00::2").state, NO_NEIGH);
  assert_int_equal(dropped(&n, LA_DROP_IPV6_NDISC_BAD_OPTIONS), 1);
  node_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(appendix_c), cmocka_unit_test(strangers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
