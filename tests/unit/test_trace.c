/* SPDX-License-Identifier: MIT */
/* The trace: every life is a chain of transitions of the table, each segment and drop and end is there once, in order. */
#include "dialogue.h"

enum { CAP = 1024 };
static la_trace_rec ring[CAP], rec[CAP];
static void traced(la_config *c) {
  c->trace = ring;
  c->trace_cap = CAP;
}

static size_t records(struct dlg *d) {
  uint64_t lost;
  size_t n = la_trace_read(d->s, rec, CAP, &lost);
  assert_int_equal(lost, 0);
  return n;
}

static bool in_table(const la_trace_rec *r) {
  la_transition t;
  for (size_t i = 0; la_transition_get(i, &t); i++)
    if (t.from == r->from && t.to == r->to && t.cause == r->cause)
      return true;
  return false;
}

/* Reads the records of the one flow; `path` gets the states, from the first on. */
static unsigned chain(struct dlg *d, enum la_state *path, unsigned *ends) {
  size_t n = records(d);
  unsigned len = 0;
  la_time at = 0;
  uint32_t in = 0, out = 0;
  *ends = 0;
  for (size_t i = 0; i < n; i++) {
    const la_trace_rec *r = &rec[i];
    assert_true(r->at >= at);
    at = r->at;
    if (r->type == LA_TRACE_TRANSITION) {
      assert_true(in_table(r));
      if (len == 0)
        path[len++] = (enum la_state)r->from;
      assert_int_equal(r->from, path[len - 1]);
      path[len++] = (enum la_state)r->to;
    }
    in += r->type == LA_TRACE_IN;
    out += r->type == LA_TRACE_OUT;
    *ends += r->type == LA_TRACE_END;
    if (r->type == LA_TRACE_IN || r->type == LA_TRACE_OUT || r->type == LA_TRACE_TRANSITION) {
      assert_int_equal(r->local_port, d->f.lport);
      assert_int_equal(r->remote_port, d->f.rport);
      assert_true(la_addr_same(&r->local, &d->f.us) && la_addr_same(&r->remote, &d->f.peer));
      if (r->fresh)
        assert_true(r->conn_index == 0 && r->conn_gen == 0);
    }
  }
  la_stats s = dlg_stats(d);
  assert_int_equal(in, s.segments_in);
  assert_int_equal(out, s.segments_out);
  return len;
}

#define expect_path(d, nends, ...) \
  do { \
    static const enum la_state want_[] = {__VA_ARGS__}; \
    enum la_state path_[64]; \
    unsigned ends_, n_ = chain(d, path_, &ends_); \
    assert_int_equal(n_, sizeof want_ / sizeof want_[0]); \
    for (unsigned i_ = 0; i_ < n_; i_++) \
      assert_int_equal(path_[i_], want_[i_]); \
    assert_int_equal(ends_, nends); \
    dlg_free(d); \
  } while (0)

static void lives(void **state) {
  (void)state;
  struct dlg *d = dlg_new(traced);
  struct place p = dlg_reach(d, LA_TIME_WAIT, PASSIVE_OPEN, true);
  dlg_advance(d, 61 * LA_SEC);
  expect_path(d, 2, LA_LISTEN, LA_SYN_RECEIVED, LA_ESTABLISHED, LA_FIN_WAIT_1, LA_TIME_WAIT,
              LA_CLOSED); /* the connection's, the record's */

  d = dlg_new(traced);
  p = dlg_reach(d, LA_LAST_ACK, ACTIVE_OPEN, true);
  inject(d, ACK, p.peer, p.us, 0);
  expect_path(d, 1, LA_CLOSED, LA_SYN_SENT, LA_ESTABLISHED, LA_CLOSE_WAIT, LA_LAST_ACK, LA_CLOSED);

  d = dlg_new(traced);
  p = dlg_reach(d, LA_CLOSING, ACTIVE_OPEN, true);
  inject(d, ACK, p.peer, p.us, 0);
  dlg_advance(d, 61 * LA_SEC);
  expect_path(d, 2, LA_CLOSED, LA_SYN_SENT, LA_ESTABLISHED, LA_FIN_WAIT_1, LA_CLOSING, LA_TIME_WAIT, LA_CLOSED);

  d = dlg_new(traced);
  dlg_reach(d, LA_SYN_RECEIVED, PASSIVE_OPEN, false);
  inject(d, RST, 1, 0, 0);
  expect_path(d, 1, LA_LISTEN, LA_SYN_RECEIVED, LA_LISTEN);

  d = dlg_new(traced);
  dlg_reach(d, LA_SYN_RECEIVED, ACTIVE_OPEN, false);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
  dlg_forget(d);
  expect_path(d, 1, LA_CLOSED, LA_SYN_SENT, LA_SYN_RECEIVED, LA_ESTABLISHED, LA_CLOSED);

  d = dlg_new(traced);
  dlg_reach(d, LA_SYN_RECEIVED, PASSIVE_OPEN, false);
  dlg_advance(d, 64 * LA_SEC);
  expect_path(d, 1, LA_LISTEN, LA_SYN_RECEIVED, LA_CLOSED);

  d = dlg_new(traced);
  dlg_reach(d, LA_TIME_WAIT, PASSIVE_OPEN, true);
  inject(d, SYN, 100000, 0, 0);
  dlg_forget(d);
  expect_path(d, 2, LA_LISTEN, LA_SYN_RECEIVED, LA_ESTABLISHED, LA_FIN_WAIT_1, LA_TIME_WAIT, LA_SYN_RECEIVED);
}

/* Half-open and TIME-WAIT records are marked as such; the frame that caused something is named; drops have reasons. */
static void marks(void **state) {
  (void)state;
  struct dlg *d = dlg_new(traced);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  size_t n = records(d);
  assert_int_equal(n, 3);
  assert_int_equal(rec[0].type, LA_TRACE_IN);
  assert_int_equal(rec[0].frame, 1);
  assert_int_equal(rec[0].flags, SYN);
  assert_int_equal(rec[0].from, LA_LISTEN);
  assert_int_equal(rec[1].type, LA_TRACE_TRANSITION);
  assert_int_equal(rec[1].fresh, 1);
  assert_int_equal(rec[1].frame, 1);
  assert_int_equal(rec[2].type, LA_TRACE_OUT);
  assert_int_equal(rec[2].frame, 2);
  assert_int_equal(rec[2].fresh, 1);
  assert_int_equal(rec[2].retransmit, 0);
  assert_int_equal(rec[2].seq, d->f.irs);
  assert_int_equal(rec[2].ack, d->f.iss + 1);
  dlg_advance(d, LA_SEC);
  n = records(d);
  assert_int_equal(n, 1);
  assert_int_equal(rec[0].retransmit, 1);
  inject(d, ACK, 1, 2, 7);
  dlg_forget(d);
  n = records(d);
  assert_int_equal(n, 3); /* in, drop, RST out */
  assert_int_equal(rec[1].type, LA_TRACE_DROP);
  assert_int_equal(rec[1].drop, LA_DROP_TCP_INVALID_ACK);
  assert_int_equal(rec[1].frame, rec[0].frame);
  assert_int_equal(rec[1].len, 7);
  assert_int_equal(rec[2].flags, RST);
  d->f.lport = 9;
  inject(d, SYN, 0, 0, 0);
  dlg_forget(d);
  n = records(d);
  assert_int_equal(n, 3);
  assert_int_equal(rec[0].from, LA_CLOSED);
  assert_int_equal(rec[1].drop, LA_DROP_NO_SOCKET);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(lives), cmocka_unit_test(marks)};
  return cmocka_run_group_tests(tests, 0, 0);
}
