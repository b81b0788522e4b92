/* SPDX-License-Identifier: MIT */
/* The places of what was found last: they never say anything but what the table says. */
#include "dialogue.h"

#include "core/stack.h"
#include "tcp/pairs.h"

static struct key key_of(const struct dlg *d) {
  return (struct key){.local = d->f.us, .remote = d->f.peer, .lport = d->f.lport, .rport = d->f.rport};
}

/* The record by the place alone. */
static ref_t noted(const struct dlg *d, const struct key *k) {
  uint8_t addrs[8];
  memcpy(addrs, k->remote.b, 4);
  memcpy(addrs + 4, k->local.b, 4);
  return la__pair_recent(&d->s->tcp, addrs, k->lport, k->rport);
}

static void agrees(struct dlg *d, ref_t want) {
  struct tcp *t = &d->s->tcp;
  struct key k = key_of(d);
  ref_t at = noted(d, &k);
  assert_true(at == want || at == REF_NONE);
  assert_int_equal(la__pair_hash(t, &k), la__key_hash(t, &k));
  assert_int_equal(la__lookup(t, &k, la__key_hash(t, &k)), want);
  assert_int_equal(la__pair_find(t, &k), want);
}

/* Connections whose pairs share a place, in turn. */
static void turns(void **state) {
  (void)state;
  enum { N = 3 };
  struct dlg *d = dlg_new(NULL);
  struct flow f[N];
  la_conn c[N];
  dlg_listen(d);
  uint16_t rport = d->f.rport;
  for (unsigned i = 0; i < N; i++) {
    dlg_other(d, (uint16_t)(rport + i * PAIRS_RECENT));
    establish(d, PASSIVE_OPEN);
    f[i] = d->f;
    c[i] = d->conn;
  }
  for (uint32_t at = 1; at <= 20; at++)
    for (unsigned i = 0; i < N; i++) {
      uint8_t b;
      d->f = f[i];
      agrees(d, c[i].index);
      inject(d, ACK | PSH, at, 1, 1);
      dlg_forget(d);
      assert_int_equal(la_recv(d->s, c[i], &b, 1), 1);
      assert_int_equal(b, dlg_byte(at));
      struct key k = key_of(d);
      assert_int_equal(noted(d, &k), c[i].index);
    }
  dlg_free(d);
}

/* What ends leaves its place; the next of the same pair is another. */
static void nothing_outlives_its_record(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  for (unsigned i = 0; i < 4; i++) {
    d->f.irs_known = d->f.ts = false;
    inject(d, SYN, 0, 0, 0);
    struct key k = key_of(d);
    assert_int_equal(ref_kind(noted(d, &k)), REF_HALF);
    expect(d, SYN | ACK, 0, 1, 0);
    if (i & 1) { /* half-open */
      inject(d, RST, 1, 0, 0);
      agrees(d, REF_NONE);
      continue;
    }
    inject(d, ACK, 1, 1, 0);
    assert_int_equal(dlg_accept(d), LA_OK);
    agrees(d, d->conn.index);
    inject(d, RST, 1, 0, 0);
    agrees(d, REF_NONE);
    la_close(d->s, d->conn, d->now);
    dlg_pump(d);
    d->nev = 0;
    inject(d, ACK, 1, 1, 0);
    expect(d, RST, 1, 0, 0, .no_ack_check = true);
  }
  dlg_free(d);
}

/* A TIME-WAIT record may end by itself: it has no place. */
static void time_wait_has_none(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_reach(d, LA_TIME_WAIT, PASSIVE_OPEN, true);
  struct key k = key_of(d);
  assert_int_equal(ref_kind(la__pair_find(&d->s->tcp, &k)), REF_TW);
  assert_int_equal(noted(d, &k), REF_NONE);
  dlg_advance(d, 61 * LA_SEC);
  agrees(d, REF_NONE);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(turns),
    cmocka_unit_test(nothing_outlives_its_record),
    cmocka_unit_test(time_wait_has_none),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
