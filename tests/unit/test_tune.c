/* SPDX-License-Identifier: MIT */
/* Buffers that grow with what the path carries, and only then. */
#include "dialogue.h"

enum { MSS = 1400, KB = 1024 };
#define RTT (50 * LA_MS)

static void small(la_config *c) {
  c->rcvbuf = c->sndbuf = 64 * KB;
  c->rcvbuf_max = 1024 * KB;
  c->sndbuf_max = 512 * KB;
}

static int64_t get(struct dlg *d, enum la_opt o) {
  int64_t v;
  assert_int_equal(la_get_option(d->s, d->conn, o, &v), LA_OK);
  return v;
}
static la_info_rec info(struct dlg *d) {
  la_info_rec r;
  assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
  return r;
}

/* A peer that scales by 6; the SYN-ACK's answer takes a round trip. */
static struct dlg *open_far(void (*tweak)(la_config *c)) {
  struct dlg *d = dlg_new(tweak);
  d->f.syn.have |= TCP_OPT_WSCALE;
  d->f.syn.wscale = 6;
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_advance(d, RTT);
  inject(d, ACK, 1, 1, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  return d;
}

/* The peer fills the window, as fast as ACKs of one `rtt` ago allow; the application reads `percent` of it. */
static void fill(struct dlg *d, uint32_t *pos, unsigned rounds, la_time rtt, unsigned percent) {
  static uint8_t dst[1 << 20];
  while (rounds--) {
    uint32_t n = info(d).rcv_wnd / MSS;
    for (uint32_t i = 0; i < n; i++, *pos += MSS) {
      inject(d, ACK, *pos, 1, MSS);
      dlg_forget(d);
      if (percent)
        la_recv(d->s, d->conn, dst, MSS * percent / 100);
    }
    dlg_advance(d, rtt);
    dlg_forget(d);
  }
}

static void the_window_follows(void **state) {
  (void)state;
  struct dlg *d = open_far(small);
  uint32_t pos = 1;
  fill(d, &pos, 1, RTT, 100);
  assert_int_equal(get(d, LA_OPT_RCVBUF), 64 * KB);
  int64_t was = 64 * KB;
  for (int i = 0; i < 3; i++) { /* each window, twice as much at most */
    fill(d, &pos, 2, RTT, 100);
    int64_t now = get(d, LA_OPT_RCVBUF);
    assert_true(now > was && now <= 4 * was);
    was = now;
  }
  fill(d, &pos, 10, RTT, 100);
  assert_int_equal(get(d, LA_OPT_RCVBUF), 1024 * KB);
  assert_true(info(d).rcv_wnd > 1000 * KB);
  assert_int_equal(dlg_stats(d).chunks, 0); /* limits, not memory */
  dlg_free(d);
}

/* A sender that takes ten round trips for a window has enough of it. */
static void a_slow_sender(void **state) {
  (void)state;
  struct dlg *d = open_far(small);
  uint32_t pos = 1;
  fill(d, &pos, 20, 10 * RTT, 100);
  assert_true(get(d, LA_OPT_RCVBUF) < 80 * KB);
  dlg_free(d);
}

/* Bytes that nobody reads are no reason. */
static void a_slow_reader(void **state) {
  (void)state;
  struct dlg *d = open_far(small);
  uint32_t pos = 1;
  fill(d, &pos, 1, RTT, 100);
  fill(d, &pos, 20, RTT, 0);
  assert_int_equal(get(d, LA_OPT_RCVBUF), 64 * KB);
  dlg_free(d);
}

static void set_is_set(void **state) {
  (void)state;
  for (int on_listener = 0; on_listener < 2; on_listener++) {
    struct dlg *d;
    if (on_listener) {
      d = dlg_new(small);
      dlg_listen(d);
      la_listener_set_option(d->s, d->listener, LA_OPT_RCVBUF, 50000);
      la_listener_set_option(d->s, d->listener, LA_OPT_SNDBUF, 50000);
      establish(d, PASSIVE_OPEN);
    } else {
      d = open_far(small);
      la_set_option(d->s, d->conn, LA_OPT_RCVBUF, 50000, d->now);
      la_set_option(d->s, d->conn, LA_OPT_SNDBUF, 50000, d->now);
    }
    uint32_t pos = 1;
    fill(d, &pos, 20, RTT, 100);
    assert_int_equal(get(d, LA_OPT_RCVBUF), 50000);
    for (uint32_t at = 1; at < 2000000;) {
      at += (uint32_t)dlg_send(d, at, 60000);
      dlg_forget(d);
      inject(d, ACK, pos, info(d).snd_nxt - d->f.irs, 0);
    }
    assert_int_equal(get(d, LA_OPT_SNDBUF), 50000);
    dlg_free(d);
  }
}

/* Twice cwnd, up to the limit; and back after an idle time. */
static void the_send_buffer(void **state) {
  (void)state;
  struct dlg *d = open_far(small);
  for (uint32_t at = 1; at < 3000000;) {
    for (ptrdiff_t n; (n = dlg_send(d, at, 60000)) > 0;)
      at += (uint32_t)n;
    dlg_forget(d);
    while (info(d).unacked) {
      uint32_t nxt = info(d).snd_nxt - d->f.irs;
      dlg_advance(d, LA_MS);
      inject(d, ACK, 1, nxt, 0);
      la_info_rec r = info(d);
      assert_true(get(d, LA_OPT_SNDBUF) >= (2 * r.cwnd < 512 * KB ? 2 * r.cwnd : 512 * KB));
      dlg_forget(d);
    }
  }
  assert_int_equal(get(d, LA_OPT_SNDBUF), 512 * KB);
  assert_int_equal(dlg_stats(d).chunks, 0);
  dlg_advance(d, 100 * LA_SEC);
  assert_true(dlg_send(d, 3000001, 100) < 101);
  dlg_forget(d);
  assert_int_equal(get(d, LA_OPT_SNDBUF), 64 * KB);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_window_follows), cmocka_unit_test(a_slow_sender),   cmocka_unit_test(a_slow_reader),
    cmocka_unit_test(set_is_set),         cmocka_unit_test(the_send_buffer),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
