/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* Sending by reference: the bytes go out as they lie, and come back once and only when nobody refers to them any more. */
#include "dialogue.h"

#include "base/sum.h"

enum { N = 1000, MSS = 536 };

static uint8_t bytes[16 * N];
static unsigned summed, copied; /* bytes that passed through the configured sums */

static uint32_t count_sum(uint32_t partial, const void *data, size_t n) {
  summed += (unsigned)n;
  return la__sum(partial, data, n);
}
static uint32_t count_copy(void *dst, const void *src, size_t n, uint32_t partial) {
  copied += (unsigned)n;
  return la__copy_sum(dst, src, n, partial);
}

static void tweak(la_config *c) {
  c->sndbuf = 4 * N;
  c->sums = (la_sums){count_sum, count_copy};
}

static struct dlg *open_one(void) {
  for (uint32_t i = 0; i < sizeof bytes; i++)
    bytes[i] = dlg_byte(1 + i);
  struct dlg *d = dlg_new(tweak);
  d->f.syn = (struct tcp_opts){.have = TCP_OPT_MSS, .mss = MSS};
  establish(d, PASSIVE_OPEN);
  la_set_option(d->s, d->conn, LA_OPT_SOFT_ERRORS, 0, d->now);
  la_set_option(d->s, d->conn, LA_OPT_NODELAY, 1, d->now);
  summed = copied = 0;
  return d;
}

static la_ref ref(uint32_t pos, size_t n) { return (la_ref){.data = bytes + pos - 1, .len = n}; }

static void lend(struct dlg *d, la_ref *r) {
  r->user = r;
  assert_int_equal(la_send_ref(d->s, d->conn, r), LA_OK);
}

static void check(const struct dlg_seg *o, uint32_t pos) {
  for (uint32_t i = 0; i < o->seg.len; i++)
    if (o->seg.data[i] != dlg_byte(pos + i))
      fail_msg("byte %u behind position %u", i, pos);
}

static void expect_back(struct dlg *d, la_ref *r) {
  assert_true(la_deadline(d->s) <= d->now || d->nev);
  const la_event *e = expect_event(d, LA_EVENT_RELEASED);
  assert_ptr_equal(e->ref, r);
  assert_ptr_equal(e->user, r);
}

static void until_acknowledged(void **state) {
  struct dlg *d = open_one();
  la_ref a = ref(1, 700), b = ref(701, 300);
  lend(d, &a);
  lend(d, &b);
  check(expect(d, ACK, 1, 1, MSS), 1);
  check(expect(d, ACK, 1 + MSS, 1, N - MSS), 1 + MSS); /* out of both */
  inject(d, ACK, 1, 700, 0);
  dlg_pump(d);
  expect_no_event(d); /* one byte is missing */
  inject(d, ACK, 1, 701, 0);
  expect_back(d, &a);
  expect_no_event(d);
  inject(d, ACK, 1, 1 + N, 0);
  expect_back(d, &b);
  expect_no_event(d);
  assert_int_equal(copied, 0);
  dlg_free(d);
  (void)state;
}

/* Mixed with bytes that are copied; what is lost goes again from the same place. */
static void mixed_and_again(void **state) {
  struct dlg *d = open_one();
  la_ref a = ref(101, 200);
  assert_int_equal(la_send(d->s, d->conn, bytes, 100), 100);
  lend(d, &a);
  assert_int_equal(la_send(d->s, d->conn, bytes + 300, 100), 100);
  check(expect(d, ACK, 1, 1, 400), 1);
  for (unsigned i = 0; i < 3; i++) {
    while (d->nout == 0)
      dlg_advance(d, LA_SEC);
    check(expect(d, ACK, 1, 1, 400), 1);
  }
  inject(d, ACK, 1, 401, 0);
  expect_back(d, &a);
  dlg_free(d);
  (void)state;
}

/* Whoever holds a frame may look at its bytes. */
static void held_by_a_frame(void **state) {
  struct dlg *d = open_one();
  la_ref a = ref(1, 300);
  la_frame f;
  lend(d, &a);
  assert_int_equal(la_output(d->s, d->link, &f, 1, d->now), 1);
  assert_ptr_equal(f.buf[0].data, bytes);
  inject(d, ACK, 1, 301, 0);
  dlg_pump(d);
  expect_no_event(d);
  assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
  dlg_pump(d);
  expect_end(d, LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_ABORT, LA_ECONNABORTED);
  expect_no_event(d);
  la_frame_done(d->s, &f);
  dlg_pump(d);
  expect_back(d, &a);
  dlg_forget(d);
  dlg_free(d);
  (void)state;
}

static void ends(void **state) {
  for (unsigned how = 0; how < 3; how++) {
    struct dlg *d = open_one();
    la_ref a = ref(1, 300), b = ref(301, 300);
    lend(d, &a);
    lend(d, &b);
    dlg_pump(d);
    dlg_forget(d);
    if (how == 0)
      inject(d, RST, 1, 0, 0);
    else if (how == 1)
      assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
    else
      dlg_advance(d, 3600 * LA_SEC); /* R2 */
    dlg_pump(d);
    expect_event(d, LA_EVENT_END);
    expect_back(d, &a);
    expect_back(d, &b);
    expect_no_event(d);
    la_ref c = ref(1, 1);
    assert_true(la_send_ref(d->s, d->conn, &c) < 0);
    dlg_pump(d);
    expect_no_event(d);
    dlg_forget(d);
    dlg_free(d);
  }
  (void)state;
}

/* la_close sends what is queued first, as ever; the FIN is acknowledged apart. */
static void closed(void **state) {
  struct dlg *d = open_one();
  la_ref a = ref(1, 300);
  lend(d, &a);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  check(expect(d, FIN | ACK, 1, 1, 300), 1);
  inject(d, ACK, 1, 301, 0);
  expect_back(d, &a);
  inject(d, ACK | FIN, 1, 302, 0);
  dlg_forget(d);
  dlg_free(d);
  (void)state;
}

/* The queue is full with LA_OPT_SNDBUF bytes; the last one may go past that; WRITABLE tells when there is room. */
static void limits(void **state) {
  struct dlg *d = open_one();
  la_ref a = ref(1, 4 * N - 1), b = ref(4 * N, 4 * N), c = ref(8 * N, 1);
  assert_int_equal(la_send_ref(d->s, d->conn, NULL), LA_EINVAL);
  la_ref none = {.data = bytes}, nowhere = {.len = 1}, huge = {.data = bytes, .len = (1u << 29) + 1};
  assert_int_equal(la_send_ref(d->s, d->conn, &none), LA_EINVAL);
  assert_int_equal(la_send_ref(d->s, d->conn, &nowhere), LA_EINVAL);
  assert_int_equal(la_send_ref(d->s, d->conn, &huge), LA_EINVAL);
  la_conn stale = {d->conn.index, d->conn.gen + 1};
  assert_int_equal(la_send_ref(d->s, stale, &c), LA_EBADF);
  lend(d, &a);
  lend(d, &b);
  assert_int_equal(la_send_ref(d->s, d->conn, &c), LA_AGAIN);
  assert_int_equal(la_send(d->s, d->conn, bytes, 1), LA_AGAIN);
  uint32_t acked = 1;
  while (acked < 8 * N) {
    dlg_pump(d);
    assert_true(d->nout > 0);
    for (size_t i = 0; i < d->nout; i++) {
      uint32_t seq = d->out[i].seg.seq - d->f.irs;
      check(&d->out[i], seq);
      if (seq + d->out[i].seg.len > acked)
        acked = seq + d->out[i].seg.len;
    }
    dlg_forget(d);
    inject(d, ACK, 1, acked, 0);
  }
  expect_event(d, LA_EVENT_WRITABLE);
  expect_event(d, LA_EVENT_RELEASED);
  expect_event(d, LA_EVENT_RELEASED);
  lend(d, &c);
  dlg_pump(d);
  dlg_forget(d);
  dlg_free(d); /* what is lent comes back without an event */
  (void)state;
}

static void no_memory(void **state) {
  struct dlg *d = open_one();
  la_ref a = ref(1, 10);
  d->mem.fail_from = d->mem.calls + 1;
  assert_int_equal(la_send_ref(d->s, d->conn, &a), LA_ENOMEM);
  d->mem.fail_from = 0;
  dlg_pump(d);
  expect_no_event(d);
  lend(d, &a);
  check(expect(d, ACK, 1, 1, 10), 1);
  inject(d, ACK, 1, 11, 0);
  expect_back(d, &a);
  dlg_free(d);
  (void)state;
}

/* Not before a connection is established, nor after la_shutdown. */
static void wrong_state(void **state) {
  la_ref a = ref(1, 10);
  struct dlg *d = dlg_new(tweak);
  assert_int_equal(dlg_connect(d), LA_OK);
  assert_int_equal(la_send_ref(d->s, d->conn, &a), LA_ENOTCONN);
  dlg_free(d);
  d = open_one();
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  assert_int_equal(la_send_ref(d->s, d->conn, &a), LA_EPIPE);
  dlg_forget(d);
  dlg_free(d);
  (void)state;
}

/* What la_send copies is summed on the way and never again: neither as whole segments or up to the last byte, nor when it is resent. */
static void one_pass(void **state) {
  struct dlg *d = open_one();
  assert_int_equal(la_send(d->s, d->conn, bytes, 1500), 1500);
  assert_int_equal(copied, 1500);
  check(expect(d, ACK, 1, 1, MSS), 1);
  check(expect(d, ACK, 1 + MSS, 1, MSS), 1 + MSS);
  check(expect(d, ACK, 1 + 2 * MSS, 1, 1500 - 2 * MSS), 1 + 2 * MSS);
  dlg_advance(d, 2 * LA_SEC);
  check(expect(d, ACK, 1, 1, MSS), 1); /* again */
  assert_int_equal(summed, 0);
  inject(d, ACK, 1, 1501, 0);
  summed = 0;                                                       /* that segment's own */
  assert_int_equal(la_send(d->s, d->conn, bytes + 1500, 700), 700); /* begins anew here */
  check(expect(d, ACK, 1501, 1, MSS), 1501);
  check(expect(d, ACK, 1501 + MSS, 1, 700 - MSS), 1501 + MSS);
  assert_int_equal(summed, 0);
  assert_int_equal(copied, 2200);
  dlg_forget(d);
  dlg_free(d);
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(until_acknowledged),
    cmocka_unit_test(mixed_and_again),
    cmocka_unit_test(held_by_a_frame),
    cmocka_unit_test(ends),
    cmocka_unit_test(closed),
    cmocka_unit_test(limits),
    cmocka_unit_test(no_memory),
    cmocka_unit_test(wrong_state),
    cmocka_unit_test(one_pass),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
