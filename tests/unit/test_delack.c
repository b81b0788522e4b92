/* SPDX-License-Identifier: MIT */
/* When text is acknowledged as Linux does it. (RFC 5681's way: test_timers.c.) */
#include "dialogue.h"

enum { QUICK = 16 };

static void like_linux(la_config *c) {
  c->quick_acks = QUICK;
  c->delayed_ack = 40 * LA_MS;
  c->rto_min = 200 * LA_MS;
  c->rcv_start = 65535;
}

static struct dlg *open_linux(void) {
  struct dlg *d = dlg_new(like_linux);
  establish(d, PASSIVE_OPEN);
  return d;
}

/* One short segment of the peer's and what it draws: at once, or after so long. */
static uint32_t short_one(struct dlg *d, uint32_t seq, uint32_t ack, la_time delay) {
  la_time at = d->now;
  inject(d, ACK, seq, ack, 10);
  if (delay == 0) {
    expect(d, ACK, ack, seq + 10, 0, .at = at);
  } else {
    expect_nothing(d);
    dlg_until(d, at + delay);
    expect(d, ACK, ack, seq + 10, 0, .at = at + delay);
  }
  expect_nothing(d);
  return seq + 10;
}

/* Uses up the ACKs that go at once. */
static uint32_t tire(struct dlg *d, uint32_t seq, uint32_t ack) {
  for (unsigned i = 0; i < QUICK; i++)
    seq = short_one(d, seq, ack, 0);
  return seq;
}

/* The budget of the start; then the ATO; a missed one is doubled, but is no longer than a round trip unless that is shorter than 40 ms. */
static void quick_at_first(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  uint32_t seq = tire(d, 1, 1);
  seq = short_one(d, seq, 1, 40 * LA_MS);
  seq = short_one(d, seq, 1, 40 * LA_MS);
  assert_int_equal(d->sent, 1 + QUICK + 2);
  dlg_free(d);
}

/* Half as many as the window has segments: a small buffer means few. */
static void small_buffer(la_config *c) {
  like_linux(c);
  c->rcvbuf = 5000;
}
static void budget_follows_the_window(void **state) {
  (void)state;
  struct dlg *d = dlg_new(small_buffer);
  establish(d, PASSIVE_OPEN);
  uint32_t seq = 1;
  for (unsigned i = 0; i < 5000 / (2 * 536); i++)
    seq = short_one(d, seq, 1, 0);
  short_one(d, seq, 1, 40 * LA_MS);
  dlg_free(d);
}

/* RFC 5681 4.1's restart on the peer's side: after more than an RTO it is answered quickly again. */
static void quick_after_a_pause(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  uint32_t seq = tire(d, 1, 1);
  dlg_advance(d, 150 * LA_MS);
  seq = short_one(d, seq, 1, 40 * LA_MS);
  dlg_advance(d, 30 * LA_SEC);
  for (unsigned i = 0; i < QUICK; i++)
    seq = short_one(d, seq, 1, 0);
  short_one(d, seq, 1, 40 * LA_MS);
  dlg_free(d);
}

/* What comes a second time shows that an ACK of ours was lost. */
static void quick_after_old_text(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  uint32_t seq = tire(d, 1, 1);
  inject(d, ACK, 1, 1, 10);
  expect(d, ACK, 1, seq, 0);
  seq = short_one(d, seq, 1, 0);
  dlg_free(d);
}

/* An answer within the ATO: from then on the ACK waits for the next answer; one miss ends it. */
static void ping_pong(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  uint32_t seq = short_one(d, 1, 1, 0);
  assert_int_equal(dlg_send(d, 1, 10), 10);
  expect(d, ACK, 1, seq, 10);
  la_time at = d->now;
  inject(d, ACK, seq, 11, 10); /* it also acknowledges ours */
  expect_nothing(d);
  dlg_advance(d, 20 * LA_MS);
  assert_int_equal(dlg_send(d, 11, 10), 10);
  expect(d, ACK, 11, seq + 10, 10, .at = at + 20 * LA_MS);
  dlg_advance(d, LA_MS);
  inject(d, ACK, seq + 10, 21, 0);
  dlg_advance(d, 100 * LA_MS);
  expect_nothing(d);
  seq = short_one(d, seq + 10, 21, 40 * LA_MS);
  short_one(d, seq, 21, 0);
  dlg_free(d);
}

/* An answer that comes too late makes no conversation. */
static void slow_answer(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  uint32_t seq = short_one(d, 1, 1, 0);
  dlg_advance(d, 40 * LA_MS);
  assert_int_equal(dlg_send(d, 1, 10), 10);
  expect(d, ACK, 1, seq, 10);
  inject(d, ACK, seq, 11, 0);
  short_one(d, seq, 11, 0);
  dlg_free(d);
}

/* More than one segment's worth, in conversation too; a segment is what the longest was. */
static void more_than_one_segment(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_QUICKACK, 0, d->now), LA_OK);
  uint32_t seq = 1;
  for (unsigned i = 0; i < 4; i++) {
    inject(d, ACK, seq, 1, 1000);
    expect_nothing(d);
    inject(d, ACK, seq + 1000, 1, 1000);
    seq += 2000;
    expect(d, ACK, 1, seq, 0, .at = d->now);
  }
  inject(d, ACK, seq, 1, 1460);
  expect_nothing(d);
  inject(d, ACK, seq + 1460, 1, 1);
  expect(d, ACK, 1, seq + 1461, 0, .at = d->now);
  dlg_free(d);
}

/* A window that cannot be held open is not worth an ACK: the read that widens it sends one. */
static void tiny_start(la_config *c) {
  like_linux(c);
  c->rcvbuf = 16384;
}
static void read_acknowledges(void **state) {
  (void)state;
  static uint8_t got[16384];
  struct dlg *d = dlg_new(tiny_start);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_QUICKACK, 0, d->now), LA_OK);
  inject(d, ACK, 1, 1, 1000);
  inject(d, ACK, 1001, 1, 1000);
  expect_nothing(d);
  assert_int_equal(la_recv(d->s, d->conn, got, sizeof got), 2000);
  expect(d, ACK, 1, 2001, 0, .at = d->now);
  dlg_free(d);
}

/* The read that takes the last of a message: not in conversation, and not while something is left. */
static void read_of_a_message(void **state) {
  (void)state;
  uint8_t got[20];
  struct dlg *d = open_linux();
  uint32_t seq = tire(d, 1, 1);
  while (la_recv(d->s, d->conn, got, sizeof got) > 0)
    ;
  expect_nothing(d);
  inject(d, ACK | PSH, seq, 1, 10);
  assert_int_equal(la_recv(d->s, d->conn, got, 5), 5);
  expect_nothing(d);
  assert_int_equal(la_recv(d->s, d->conn, got, 5), 5);
  expect(d, ACK, 1, seq + 10, 0, .at = d->now);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_QUICKACK, 0, d->now), LA_OK);
  inject(d, ACK | PSH, seq + 10, 1, 10);
  assert_int_equal(la_recv(d->s, d->conn, got, 10), 10);
  expect_nothing(d);
  dlg_advance(d, 200 * LA_MS);
  expect(d, ACK, 1, seq + 20, 0);
  dlg_free(d);
}

/* The option changes what is, not what will be. */
static void quickack_option(void **state) {
  (void)state;
  int64_t v;
  struct dlg *d = open_linux();
  assert_int_equal(la_get_option(d->s, d->conn, LA_OPT_QUICKACK, &v), LA_OK);
  assert_int_equal(v, 1);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_QUICKACK, 0, d->now), LA_OK);
  la_time at = d->now;
  inject(d, ACK, 1, 1, 10);
  expect_nothing(d);
  dlg_advance(d, 10 * LA_MS);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_QUICKACK, 1, d->now), LA_OK); /* what is owed goes */
  expect(d, ACK, 1, 11, 0, .at = at + 10 * LA_MS);
  assert_int_equal(la_get_option(d->s, d->conn, LA_OPT_QUICKACK, &v), LA_OK);
  assert_int_equal(v, 1);
  short_one(d, 11, 1, 0);
  assert_int_equal(dlg_send(d, 1, 10), 10); /* an answer: conversation again */
  expect(d, ACK, 1, 21, 10);
  assert_int_equal(la_get_option(d->s, d->conn, LA_OPT_QUICKACK, &v), LA_OK);
  assert_int_equal(v, 0);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_QUICKACK, 2, d->now), LA_EINVAL);
  dlg_free(d);
}

/* The window starts small and grows by twice what came, up to the buffer. */
static void scaled(la_config *c) {
  like_linux(c);
  c->rcvbuf = 300000;
  c->rcvbuf_max = 15 << 20;
}
static void window_grows(void **state) {
  (void)state;
  static uint8_t got[65536];
  struct dlg *d = dlg_new(scaled);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0, .opt = {.have = TCP_OPT_MSS | TCP_OPT_WSCALE, .mss = 1460, .wscale = 7});
  const struct dlg_seg *s = expect(d, SYN | ACK, 0, 1, 0, .wnd = 65535);
  assert_int_equal(s->seg.opt.wscale, 8); /* for what the buffer may become */
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  uint32_t seq = 1;
  for (unsigned i = 0; i < 300; i++) {
    inject(d, ACK, seq, 1, 1000);
    seq += 1000;
    dlg_pump(d);
    while (la_recv(d->s, d->conn, got, sizeof got) > 0)
      ;
    la_info_rec r;
    assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
    uint32_t want = 65535 + 2 * (seq - 1);
    assert_in_range(r.rcv_wnd, 60000, want < 300000 ? want + 256 : 300256);
    if (i == 299)
      assert_in_range(r.rcv_wnd, 290000, 300256);
  }
  dlg_free(d);
}

/* A size that the application chose is the last word: the scale is that buffer's. */
static void scale_of_a_set_buffer(void **state) {
  (void)state;
  struct dlg *d = dlg_new(scaled);
  dlg_listen(d);
  assert_int_equal(la_listener_set_option(d->s, d->listener, LA_OPT_RCVBUF, 100000), LA_OK);
  inject(d, SYN, 0, 0, 0, .opt = {.have = TCP_OPT_MSS | TCP_OPT_WSCALE, .mss = 1460, .wscale = 7});
  assert_int_equal(expect(d, SYN | ACK, 0, 1, 0, .wnd = 65535)->seg.opt.wscale, 1);
  dlg_free(d);
}

/* The clock's 16 bits: an ACK in due time wherever they wrap. */
static void wraps(void **state) {
  (void)state;
  struct dlg *d = open_linux();
  uint32_t seq = tire(d, 1, 1);
  for (unsigned i = 0; i < 200; i++) { /* 250 ms apart: over three rounds of the 16 s that ack_due can tell apart */
    assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_QUICKACK, 0, d->now), LA_OK);
    seq = short_one(d, seq, 1, 40 * LA_MS);
    dlg_advance(d, 213 * LA_MS);
  }
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(quick_at_first),
    cmocka_unit_test(budget_follows_the_window),
    cmocka_unit_test(quick_after_a_pause),
    cmocka_unit_test(quick_after_old_text),
    cmocka_unit_test(ping_pong),
    cmocka_unit_test(slow_answer),
    cmocka_unit_test(more_than_one_segment),
    cmocka_unit_test(read_acknowledges),
    cmocka_unit_test(read_of_a_message),
    cmocka_unit_test(quickack_option),
    cmocka_unit_test(window_grows),
    cmocka_unit_test(scale_of_a_set_buffer),
    cmocka_unit_test(wraps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
