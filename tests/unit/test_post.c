/* SPDX-License-Identifier: MIT */
/* Posted buffers, and a look at what has come where it lies. */
#include "dialogue.h"

enum { N = 500, BUF = 8192 };

static void tweak(la_config *c) {
  c->delayed_ack = 0;
  c->rcvbuf = BUF;
}

static struct dlg *open_one(void) {
  struct dlg *d = dlg_new(tweak);
  establish(d, PASSIVE_OPEN);
  return d;
}

static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

static uint64_t held(struct dlg *d) {
  la_trim(d->s);
  return d->mem.live;
}

static void check_bytes(const void *p, uint32_t pos, size_t n) {
  const uint8_t *b = p;
  for (size_t i = 0; i < n; i++)
    if (b[i] != dlg_byte(pos + (uint32_t)i))
      fail_msg("byte %zu behind position %u", i, pos);
}

static void post(struct dlg *d, la_post *b) { assert_int_equal(la_recv_post(d->s, d->conn, b), LA_OK); }

static void expect_take(struct dlg *d, la_post *b, uint32_t pos, size_t n) {
  la_post *out;
  assert_int_equal(la_recv_take(d->s, d->conn, &out), n);
  assert_ptr_equal(out, b);
  assert_int_equal(b->len, n);
  assert_null(b->next);
  check_bytes(b->data, pos, n);
}
static void expect_again(struct dlg *d) {
  la_post *out;
  assert_int_equal(la_recv_take(d->s, d->conn, &out), LA_AGAIN);
  assert_null(out);
}
/* The stream is over, and these come back, empty. */
static void expect_over(struct dlg *d, ptrdiff_t why, la_post *first, la_post *second) {
  la_post *out;
  assert_int_equal(la_recv_take(d->s, d->conn, &out), why);
  assert_ptr_equal(out, first);
  if (!first)
    return;
  assert_int_equal(first->len, 0);
  assert_ptr_equal(first->next, second);
  assert_true(!second || (second->len == 0 && !second->next));
}

/* Text goes from one buffer to the next, and is told by READABLE once for each LA_AGAIN. */
static void in_turn(void **state) {
  static uint8_t room[3][N];
  struct dlg *d = open_one();
  la_post b[3];
  for (unsigned i = 0; i < 3; i++) {
    b[i] = (la_post){.data = room[i], .cap = N, .user = &b[i]};
    post(d, &b[i]);
  }
  inject(d, ACK, 1, 1, N - 1);
  expect_event(d, LA_EVENT_READABLE);
  assert_int_equal(b[0].len, N - 1);
  inject(d, ACK, N, 1, N + 2); /* ends one, fills the next, begins the third */
  expect_no_event(d);
  expect_take(d, &b[0], 1, N);
  expect_take(d, &b[1], N + 1, N);
  expect_take(d, &b[2], 2 * N + 1, 1);
  assert_ptr_equal(b[2].user, &b[2]);
  la_post *out;
  assert_int_equal(la_recv_take(d->s, d->conn, &out), LA_EINVAL); /* none is posted */
  post(d, &b[1]);
  expect_again(d);
  dlg_forget(d);
  inject(d, ACK, 2 * N + 2, 1, 3); /* a short one is copied in the same way */
  expect_event(d, LA_EVENT_READABLE);
  expect_take(d, &b[1], 2 * N + 2, 3);
  assert_int_equal(info(d).unread, 0);
  dlg_free(d);
  (void)state;
}

/* Who wants full buffers is told of full ones, and of what is left when the stream ends. */
static void full_ones(void **state) {
  static uint8_t room[3][N];
  struct dlg *d = open_one();
  la_post b[3];
  for (unsigned i = 0; i < 3; i++) {
    b[i] = (la_post){.data = room[i], .cap = N, .least = i == 1 ? 2 * N : N};
    post(d, &b[i]);
  }
  expect_again(d);
  inject(d, ACK, 1, 1, N - 1);
  dlg_pump(d);
  expect_no_event(d);
  expect_again(d);
  inject(d, ACK, N, 1, 1);
  expect_event(d, LA_EVENT_READABLE);
  expect_take(d, &b[0], 1, N);
  expect_again(d);
  inject(d, ACK, N + 1, 1, 2 * N - 1); /* more than its bytes cannot be waited for */
  expect_event(d, LA_EVENT_READABLE);
  expect_take(d, &b[1], N + 1, N);
  expect_again(d);
  inject(d, ACK | FIN, 3 * N, 1, 0);
  dlg_pump(d);
  expect_event(d, LA_EVENT_PEER_FIN);
  expect_take(d, &b[2], 2 * N + 1, N - 1);
  dlg_forget(d);
  dlg_free(d);
  (void)state;
}

/* What waits already moves there; what has no room waits; the order stays. */
static void unread_first(void **state) {
  static uint8_t room[2][2 * N];
  struct dlg *d = open_one();
  la_post b = {.data = room[0], .cap = N + 10}, c = {.data = room[1], .cap = 2 * N};
  uint8_t x;
  inject(d, ACK, 1, 1, 2 * N);
  expect_event(d, LA_EVENT_READABLE);
  post(d, &b);
  assert_int_equal(b.len, N + 10);
  assert_int_equal(info(d).unread, N - 10);
  assert_int_equal(la_recv(d->s, d->conn, &x, 1), LA_EINVAL);
  assert_int_equal(la_peek(d->s, d->conn, 0, &x, 1), LA_EINVAL);
  assert_int_equal(la_consume(d->s, d->conn, 1), LA_EINVAL);
  inject(d, ACK, 1 + 2 * N, 1, 100);
  assert_int_equal(info(d).unread, N + 90);
  expect_take(d, &b, 1, N + 10);
  post(d, &c);
  assert_int_equal(c.len, N + 90);
  inject(d, ACK, 101 + 2 * N, 1, N);
  assert_int_equal(c.len, 2 * N);
  assert_int_equal(info(d).unread, 90);
  expect_take(d, &c, N + 11, 2 * N);
  assert_int_equal(la_recv(d->s, d->conn, room[0], N), 90); /* nothing is posted: reading goes on as ever */
  check_bytes(room[0], 3 * N + 11, 90);
  dlg_free(d);
  (void)state;
}

/* The window stays open while a buffer has room, closes over what waits in the stack, and opens when that moves on. */
static void window(void **state) {
  static uint8_t room[2][BUF];
  struct dlg *d = open_one();
  la_post b = {.data = room[0], .cap = BUF}, c = {.data = room[1], .cap = BUF};
  uint32_t pos = 1;
  post(d, &b);
  for (; pos <= BUF; pos += 1024) {
    inject(d, ACK, pos, 1, 1024);
    expect(d, ACK, 1, pos + 1024, 0);
    assert_true(info(d).rcv_wnd > BUF - 1460); /* less than a segment is not announced (3.8.6.2.2) */
  }
  for (; info(d).rcv_wnd; pos += 1024) {
    inject(d, ACK, pos, 1, 1024);
    expect(d, ACK, 1, pos + 1024, 0);
  }
  assert_int_equal(info(d).unread, BUF);
  inject(d, ACK, pos, 1, 1024); /* no room */
  expect(d, ACK, 1, pos, 0, .wnd = ZERO_WINDOW);
  expect_take(d, &b, 1, BUF);
  expect_nothing(d);
  post(d, &c);
  expect(d, ACK, 1, pos, 0, .wnd = BUF);
  expect_take(d, &c, 1 + BUF, BUF);
  dlg_free(d);
  (void)state;
}

/* What comes ahead of a hole waits in the stack, and goes to its place when the hole closes. */
static void holes(void **state) {
  static uint8_t room[2][N];
  struct dlg *d = open_one();
  la_post b = {.data = room[0], .cap = N}, c = {.data = room[1], .cap = N};
  post(d, &b);
  post(d, &c);
  inject(d, ACK, 1 + 300, 1, 400);
  inject(d, ACK, 1 + 750, 1, 50);
  assert_int_equal(b.len, 0);
  expect_again(d);
  inject(d, ACK, 1, 1, 300); /* in order, but with something ahead */
  assert_int_equal(b.len, N);
  assert_int_equal(c.len, 200);
  inject(d, ACK, 1 + 700, 1, 60);
  assert_int_equal(c.len, 300);
  inject(d, ACK, 1 + 800, 1, 400); /* more than fits */
  expect_take(d, &b, 1, N);
  expect_take(d, &c, 1 + N, N);
  assert_int_equal(info(d).unread, 200);
  assert_int_equal(la_recv(d->s, d->conn, room[0], N), 200);
  check_bytes(room[0], 1 + 2 * N, 200);
  dlg_free(d);
  (void)state;
}

/* The FIN ends the stream behind the last byte; empty buffers come back with it. */
static void fin(void **state) {
  static uint8_t room[3][N];
  struct dlg *d = open_one();
  la_post b[3];
  for (unsigned i = 0; i < 3; i++) {
    b[i] = (la_post){.data = room[i], .cap = N};
    post(d, &b[i]);
  }
  inject(d, ACK | FIN, 1, 1, N - 1);
  expect_event(d, LA_EVENT_READABLE);
  expect_event(d, LA_EVENT_PEER_FIN);
  expect_take(d, &b[0], 1, N - 1);
  expect_over(d, 0, &b[1], &b[2]);
  la_post *out;
  assert_int_equal(la_recv_take(d->s, d->conn, &out), LA_EINVAL);
  post(d, &b[0]); /* one that is posted afterwards, too */
  expect_over(d, 0, &b[0], NULL);
  uint8_t x;
  assert_int_equal(la_recv(d->s, d->conn, &x, 1), 0);
  dlg_free(d);
  (void)state;
}

/* What is left in the stack when the peer's FIN has come may still be posted for. */
static void fin_then_post(void **state) {
  static uint8_t room[N];
  struct dlg *d = open_one();
  la_post b = {.data = room, .cap = N - 1};
  inject(d, ACK | FIN, 1, 1, N);
  post(d, &b);
  expect_take(d, &b, 1, N - 1);
  post(d, &b);
  expect_take(d, &b, N, 1);
  post(d, &b);
  expect_over(d, 0, &b, NULL);
  dlg_free(d);
  (void)state;
}

static void reset(void **state) {
  static uint8_t room[2][N];
  for (unsigned some = 0; some < 2; some++) {
    struct dlg *d = open_one();
    la_post b = {.data = room[0], .cap = N}, c = {.data = room[1], .cap = N};
    post(d, &b);
    post(d, &c);
    uint32_t n = some ? 300 : 0;
    if (n)
      inject(d, ACK, 1, 1, n);
    if (n)
      expect_event(d, LA_EVENT_READABLE);
    dlg_forget(d);
    inject(d, RST, 1 + n, 0, 0);
    expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_PEER_RESET, LA_ECONNRESET);
    if (some)
      expect_take(d, &b, 1, 300);
    expect_over(d, LA_ECONNRESET, some ? &c : &b, some ? NULL : &c);
    expect_over(d, LA_ECONNRESET, NULL, NULL);
    dlg_free(d);
  }
  (void)state;
}

/* la_close: bytes in posted buffers are read, those in the stack are not (RFC 2525 2.17); nothing is written afterwards. */
static void closed(void **state) {
  static uint8_t room[N];
  for (unsigned spill = 0; spill < 2; spill++) {
    struct dlg *d = open_one();
    la_post b = {.data = room, .cap = N}, *out;
    post(d, &b);
    uint32_t n = spill ? N + 1 : N - 1;
    inject(d, ACK, 1, 1, n);
    expect(d, ACK, 1, 1 + n, 0);
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    assert_int_equal(la_recv_take(d->s, d->conn, &out), LA_EPIPE);
    assert_null(out);
    assert_int_equal(la_recv_post(d->s, d->conn, &b), LA_EPIPE);
    assert_int_equal(la_recv_cancel(d->s, d->conn, &out), LA_OK);
    assert_null(out); /* the loan was over at once */
    b.len = 0;
    memset(room, 0xee, N);
    if (spill) {
      expect(d, RST | ACK, 1, 1 + n, 0);
    } else {
      expect(d, FIN | ACK, 1, 1 + n, 0);
      inject(d, ACK, 1 + n, 2, 400); /* draws RST, and goes nowhere */
      expect(d, RST, 2, 0, 0, .no_ack_check = true);
    }
    assert_int_equal(b.len, 0);
    for (unsigned i = 0; i < N; i++)
      assert_int_equal(room[i], 0xee);
    dlg_free(d);
  }
  (void)state;
}

static void cancel(void **state) {
  static uint8_t room[2][N];
  struct dlg *d = open_one();
  la_post b = {.data = room[0], .cap = N}, c = {.data = room[1], .cap = N}, *out;
  uint64_t live = held(d);
  assert_int_equal(la_recv_cancel(d->s, d->conn, &out), LA_OK);
  assert_null(out);
  post(d, &b);
  post(d, &c);
  assert_true(held(d) > live);
  inject(d, ACK, 1, 1, 400);
  assert_int_equal(la_recv_cancel(d->s, d->conn, &out), LA_OK);
  assert_ptr_equal(out, &b);
  assert_ptr_equal(b.next, &c);
  assert_null(c.next);
  assert_int_equal(b.len, 400);
  assert_int_equal(held(d), live); /* an idle connection holds nothing */
  memset(room, 0xee, sizeof room);
  inject(d, ACK, 401, 1, 400);
  for (unsigned i = 0; i < N; i++)
    assert_int_equal(room[0][i], 0xee);
  uint8_t got[N];
  assert_int_equal(la_recv(d->s, d->conn, got, N), 400);
  check_bytes(got, 401, 400);
  dlg_free(d);
  (void)state;
}

/* RCV.UP counts from what has been read; what is in a posted buffer is. */
static void urgent(void **state) {
  static uint8_t room[N];
  struct dlg *d = open_one();
  la_post b = {.data = room, .cap = N};
  post(d, &b);
  inject(d, ACK | URG, 1, 1, 300, .urp = 350);
  expect_event(d, LA_EVENT_URGENT);
  expect_event(d, LA_EVENT_READABLE);
  assert_int_equal(info(d).urgent, 50);
  inject(d, ACK | URG, 301, 1, 40, .urp = 50);
  assert_int_equal(info(d).urgent, 10);
  inject(d, ACK, 341, 1, 40);
  assert_int_equal(info(d).urgent, 0);
  expect_take(d, &b, 1, 380);
  dlg_free(d);
  (void)state;
}

static void wrong_calls(void **state) {
  static uint8_t room[N];
  la_post b = {.data = room, .cap = N}, none = {.data = room}, nowhere = {.cap = N}, *out;
  struct dlg *d = dlg_new(tweak);
  assert_int_equal(dlg_connect(d), LA_OK);
  assert_int_equal(la_recv_post(d->s, d->conn, &b), LA_ENOTCONN);
  dlg_free(d);
  d = open_one();
  assert_int_equal(la_recv_post(d->s, d->conn, NULL), LA_EINVAL);
  assert_int_equal(la_recv_post(d->s, d->conn, &none), LA_EINVAL);
  assert_int_equal(la_recv_post(d->s, d->conn, &nowhere), LA_EINVAL);
  la_conn stale = {d->conn.index, d->conn.gen + 1};
  size_t n;
  la_buf buf;
  assert_int_equal(la_recv_post(d->s, stale, &b), LA_EBADF);
  assert_int_equal(la_recv_take(d->s, stale, &out), LA_EBADF);
  assert_int_equal(la_recv_cancel(d->s, stale, &out), LA_EBADF);
  assert_int_equal(la_peek_bufs(d->s, stale, 0, &buf, 1, &n), LA_EBADF);
  assert_int_equal(la_consume(d->s, stale, 0), LA_EBADF);
  d->mem.fail_from = d->mem.calls + 1;
  assert_int_equal(la_recv_post(d->s, d->conn, &b), LA_ENOMEM);
  d->mem.fail_from = 0;
  dlg_free(d);
  (void)state;
}

/* la_peek_bufs shows the bytes where they are, over chunks; la_consume opens the window. */
static void look(void **state) {
  struct dlg *d = open_one();
  la_buf v[4];
  size_t n;
  assert_int_equal(la_peek_bufs(d->s, d->conn, 0, v, 4, &n), LA_AGAIN);
  assert_int_equal(n, 0);
  for (uint32_t pos = 1; pos <= BUF; pos += 1024)
    inject(d, ACK, pos, 1, 1024);
  dlg_forget(d);
  for (uint32_t skip = 0; skip < BUF; skip += 509) {
    uint32_t at = skip;
    assert_int_equal(la_peek_bufs(d->s, d->conn, skip, v, 4, &n), BUF - skip);
    for (size_t i = 0; i < n; at += v[i++].len)
      check_bytes(v[i].data, 1 + at, v[i].len);
    assert_int_equal(at, BUF);
  }
  assert_int_equal(la_peek_bufs(d->s, d->conn, 0, v, 1, &n), 4096); /* one piece */
  assert_int_equal(n, 1);
  assert_int_equal(la_peek_bufs(d->s, d->conn, 0, v, 0, &n), 0);
  assert_int_equal(la_peek_bufs(d->s, d->conn, BUF, v, 4, &n), LA_AGAIN);
  assert_int_equal(info(d).rcv_wnd, 0);
  assert_int_equal(la_consume(d->s, d->conn, BUF + 1), LA_EINVAL);
  assert_int_equal(la_consume(d->s, d->conn, 0), LA_OK);
  expect_nothing(d);
  assert_int_equal(la_consume(d->s, d->conn, 5000), LA_OK);
  expect(d, ACK, 1, 1 + BUF, 0, .wnd = 5000);
  assert_int_equal(la_peek_bufs(d->s, d->conn, 0, v, 4, &n), BUF - 5000);
  const void *where = v[0].data;
  check_bytes(where, 5001, v[0].len);
  inject(d, ACK, 1 + BUF, 1, 1024); /* what comes moves nothing */
  assert_int_equal(la_peek_bufs(d->s, d->conn, 0, v, 4, &n), BUF - 5000 + 1024);
  assert_ptr_equal(v[0].data, where);
  assert_int_equal(la_consume(d->s, d->conn, BUF - 5000 + 1024), LA_OK);
  inject(d, ACK | FIN, 1 + BUF + 1024, 1, 0);
  assert_int_equal(la_peek_bufs(d->s, d->conn, 0, v, 4, &n), 0);
  assert_int_equal(la_consume(d->s, d->conn, 1), LA_EINVAL);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  assert_int_equal(la_consume(d->s, d->conn, 0), LA_EPIPE);
  dlg_free(d);
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(in_turn), cmocka_unit_test(full_ones), cmocka_unit_test(unread_first),  cmocka_unit_test(window),
    cmocka_unit_test(holes),   cmocka_unit_test(fin),       cmocka_unit_test(fin_then_post), cmocka_unit_test(reset),
    cmocka_unit_test(closed),  cmocka_unit_test(cancel),    cmocka_unit_test(urgent),        cmocka_unit_test(wrong_calls),
    cmocka_unit_test(look),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
