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
  assert_int_equal(rec[1].drop, LA_DROP_TCP_INVALID_ACK_SEQUENCE);
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

/* The ends say who, how and why, as the events do. */
static void ends(void **state) {
  (void)state;
  struct dlg *d = dlg_new(traced);
  dlg_reach(d, LA_SYN_RECEIVED, PASSIVE_OPEN, false);
  dlg_advance(d, 64 * LA_SEC);
  dlg_forget(d);
  size_t n = records(d);
  const la_trace_rec *r = &rec[n - 1];
  for (; r > rec && r->type != LA_TRACE_END; r--)
    ;
  assert_int_equal(r->type, LA_TRACE_END);
  assert_int_equal(r->who, LA_BY_CLOCK);
  assert_int_equal(r->how, LA_HOW_SILENT);
  assert_int_equal(r->why, LA_WHY_SYN_ACK_TIMEOUT);
  assert_int_equal(r->from, LA_SYN_RECEIVED);
  assert_int_equal(r->fresh, 1);
  dlg_other(d, 7);
  establish(d, PASSIVE_OPEN);
  records(d);
  inject(d, RST, 1, 0, 0);
  la_end e = expect_event(d, LA_EVENT_END)->end;
  n = records(d);
  for (r = rec; r < rec + n && r->type != LA_TRACE_END; r++)
    ;
  assert_true(r < rec + n);
  assert_int_equal(r->who, e.who);
  assert_int_equal(r->how, e.how);
  assert_int_equal(r->why, e.why);
  assert_int_equal(r->conn_index, d->conn.index);
  assert_int_equal(r->conn_gen, d->conn.gen);
  dlg_free(d);
}

/* The trace alone gives the whole END record, whatever state it ended in. */
static void whole_end(void **state) {
  (void)state;
  for (enum la_state st = LA_SYN_SENT; st <= LA_TIME_WAIT; st++)
    for (unsigned how = 0; how < 3; how++) { /* abort, RST from the peer, the clock */
      struct dlg *d = dlg_new(traced);
      dlg_advance(d, 5000000 * LA_SEC); /* times beyond 32 bits */
      struct place p = dlg_reach(d, st, ACTIVE_OPEN, false);
      if (st == LA_ESTABLISHED) {
        inject(d, ACK, p.peer, p.us, 1000);
        dlg_send(d, p.us, 500);
      }
      dlg_advance(d, 1234567 * LA_US);
      if (how == 0)
        la_abort(d->s, d->conn, d->now);
      else if (how == 1)
        inject(d, RST | ACK, p.peer + (st == LA_ESTABLISHED ? 1000 : 0), p.us, 0);
      else
        dlg_advance(d, 400 * LA_SEC);
      dlg_pump(d);
      la_end want = {0}, got;
      bool any = false;
      for (size_t i = 0; i < d->nev; i++)
        if (d->ev[i].type == LA_EVENT_END) {
          want = d->ev[i].end;
          any = true;
        }
      size_t n = records(d), pairs = 0;
      for (size_t i = 0; i + 1 < n; i++)
        if (la_trace_end_get(&rec[i], &rec[i + 1], &got))
          pairs++;
      if (any) { /* else it waits for the application, or its END was taken on the way there */
        assert_int_equal(pairs, 1);
        assert_true(la_conn_same(got.conn, want.conn));
        assert_true(la_addr_same(&got.local, &want.local) && la_addr_same(&got.remote, &want.remote));
        assert_int_equal(got.local_port, want.local_port);
        assert_int_equal(got.remote_port, want.remote_port);
        assert_int_equal(got.who, want.who);
        assert_int_equal(got.first_fin, want.first_fin);
        assert_int_equal(got.how, want.how);
        assert_int_equal(got.why, want.why);
        assert_int_equal(got.state, want.state);
        assert_int_equal(got.err, want.err);
        assert_int_equal(got.soft_err, want.soft_err);
        assert_int_equal(got.passive, want.passive);
        assert_int_equal(got.time_wait, want.time_wait);
        assert_int_equal(got.time_wait_until, want.time_wait_until);
        assert_int_equal(got.opened, want.opened);
        assert_int_equal(got.ended, want.ended);
        assert_memory_equal(got.in_state_ms, want.in_state_ms, sizeof got.in_state_ms);
        assert_int_equal(got.bytes_in, want.bytes_in);
        assert_int_equal(got.bytes_out, want.bytes_out);
        assert_int_equal(got.retransmits, want.retransmits);
        assert_int_equal(got.fin_retransmits, want.fin_retransmits);
      }
      dlg_forget(d);
      dlg_free(d);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(lives), cmocka_unit_test(marks), cmocka_unit_test(ends), cmocka_unit_test(whole_end)};
  return cmocka_run_group_tests(tests, 0, 0);
}
