/* SPDX-License-Identifier: MIT */
/* SYN cookies: RFC 4987 3.6. What the SYN offered must come out of the third segment again, and nothing else may open a connection. */
#include "dialogue.h"

static void one_record(la_config *c) { c->max_half_open = 1; }
static void one_record_no_cookies(la_config *c) {
  c->max_half_open = 1;
  c->syn_cookies = 0;
}
static void one_record_plain(la_config *c) {
  c->max_half_open = 1;
  c->timestamps = 0;
}

/* A listener whose only record is taken by somebody who never answers. */
static struct dlg *flooded(void (*tweak)(la_config *c), bool six) {
  struct dlg *d = dlg_new(tweak);
  if (six)
    dlg_use6(d);
  dlg_listen(d);
  uint16_t port = d->f.rport;
  dlg_other(d, 999);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_other(d, port);
  return d;
}

static la_info_rec opened(struct dlg *d) {
  expect_event(d, LA_EVENT_ACCEPT);
  assert_int_equal(dlg_accept(d), LA_OK);
  la_info_rec info;
  assert_int_equal(la_info(d->s, d->conn, &info), LA_OK);
  return info;
}

/* Each kind of SYN: what the connection then believes of the peer is what it said, or less. */
static void keeps_options(void **state) {
  bool six = *state != NULL;
  static const uint16_t mss[] = {1, 2, 87, 88, 100, 535, 536, 1219, 1220, 1360, 1459, 1460, 9000, 65535};
  static const uint8_t scale[] = {0, 1, 2, 3, 5, 6, 7, 8, 9, 11, 14};
  for (unsigned have = 0; have < 16; have++)
    for (size_t m = 0; m < sizeof mss / sizeof mss[0]; m++)
      for (size_t w = 0; w < sizeof scale; w++) {
        struct dlg *d = flooded(one_record, six);
        d->f.syn = (struct tcp_opts){.have = (uint8_t)have, .mss = mss[m], .wscale = scale[w]};
        inject(d, SYN, 0, 0, 0);
        expect(d, SYN | ACK, 0, 1, 0);
        assert_int_equal(dlg_stats(d).half_open, 1); /* the other's */
        assert_int_equal(dlg_stats(d).syncookies_sent, 1);
        inject(d, ACK, 1, 1, 0, .wnd = 1000);
        la_info_rec i = opened(d);
        assert_int_equal(i.state, LA_ESTABLISHED);
        assert_int_equal(i.timestamps, (have & TCP_OPT_TS) != 0);
        assert_int_equal(i.sack, (have & TCP_OPT_SACK_OK) != 0);
        assert_int_equal(i.window_scaled, (have & TCP_OPT_WSCALE) != 0);
        unsigned said = have & TCP_OPT_MSS ? mss[m] : six ? 1220 : 536;
        said = said < 88 ? 88 : said;
        assert_true(i.peer_mss <= said && i.peer_mss >= (said >= 1460   ? 1460
                                                         : said >= 1360 ? 1360
                                                         : said >= 1220 ? 1220
                                                         : said >= 536  ? 536
                                                                        : 88));
        if (have & TCP_OPT_WSCALE) {
          assert_true(i.snd_wscale <= scale[w] && i.snd_wscale + 4 >= scale[w]);
          if (have & TCP_OPT_TS)
            assert_int_equal(i.snd_wscale, scale[w]);
        } else {
          assert_int_equal(i.snd_wscale, 0);
        }
        assert_int_equal(i.snd_wnd, 1000u << i.snd_wscale);
        dlg_free(d);
      }
}

/* Sending, receiving and release as in any other connection; text in the third segment too. */
static void works(void **state) {
  bool six = *state != NULL;
  struct dlg *d = flooded(one_record, six);
  d->f.syn.have |= TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE;
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  dlg_advance(d, 30 * LA_SEC); /* the third segment was lost, and text comes a good while later */
  dlg_forget(d);
  inject(d, ACK | PSH, 1, 1, 100);
  opened(d);
  uint8_t b[200];
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 100);
  assert_int_equal(dlg_send(d, 0, 50), 50);
  expect(d, ACK, 1, 101, 50);
  inject(d, ACK | FIN, 101, 51, 0);
  expect(d, ACK, 51, 102, 0);
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 51, 102, 0);
  inject(d, ACK, 102, 52, 0);
  expect_state(d, LA_LISTEN);
  assert_int_equal(dlg_stats(d).syncookies_recv, 1);
  dlg_free(d);
}

/* B1: an ACK with any other number draws RST and leaves nothing behind. */
static void wrong_cookie(void **state) {
  (void)state;
  struct dlg *d = flooded(one_record_plain, false);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  static const struct place rows[] = {{2, 1}, {0, 1}, {1, 2}, {1, 0}, {1, 0x100}, {1, 0x80000000u}};
  uint64_t held = dlg_stats(d).bytes_allocated;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    inject(d, ACK, rows[i].peer, rows[i].us, 0);
    expect(d, RST, rows[i].us, 0, 0);
  }
  for (unsigned bit = 0; bit < 32; bit++) { /* each single bit of it counts */
    inject(d, ACK, 1, 1 ^ 1u << bit, 0, .plain = true);
    expect(d, RST, 1 ^ 1u << bit, 0, 0);
  }
  dlg_other(d, 4444); /* another pair's cookie */
  d->f.irs_known = true;
  inject(d, ACK, 1, 1, 0);
  expect(d, RST, 1, 0, 0);
  expect_no_event(d);
  assert_int_equal(dlg_stats(d).conns, 0);
  assert_int_equal(dlg_stats(d).bytes_allocated, held);
  assert_true(dlg_stats(d).syncookies_failed >= 38);
  dlg_free(d);
}

/* 64 to 128 s, in whichever part of an epoch it was made; with timestamps too. */
static void lifetime(void **state) {
  (void)state;
  for (unsigned start = 0; start < 64; start += 7)
    for (unsigned ts = 0; ts < 2; ts++)
      for (unsigned age = 1; age < 200; age += 9) {
        struct dlg *d = dlg_new(one_record);
        dlg_advance(d, start * LA_SEC);
        dlg_listen(d);
        uint16_t port = d->f.rport;
        dlg_other(d, 999);
        inject(d, SYN, 0, 0, 0);
        dlg_pump(d);
        dlg_other(d, port);
        dlg_forget(d);
        d->f.syn.have = (uint8_t)(TCP_OPT_MSS | (ts ? TCP_OPT_TS : 0));
        inject(d, SYN, 0, 0, 0);
        expect(d, SYN | ACK, 0, 1, 0);
        dlg_advance(d, age * LA_SEC);
        dlg_forget(d);
        inject(d, ACK, 1, 1, 0);
        if (age <= 64) {
          expect_event(d, LA_EVENT_ACCEPT);
        } else if (age >= 128) {
          expect(d, RST, 1, 0, 0);
          expect_no_event(d);
        }
        dlg_free(d);
      }
}

/* Without overload no ACK is looked at; and with cookies off a record is evicted instead. */
static void only_under_overload(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  for (unsigned i = 0; i < 100; i++) {
    inject(d, ACK, 1, 1 + i, 0);
    expect(d, RST, 1 + i, 0, 0);
  }
  assert_int_equal(dlg_stats(d).syncookies_failed, 0);
  dlg_free(d);
  d = flooded(one_record_no_cookies, false);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  assert_int_equal(dlg_stats(d).syncookies_sent, 0);
  assert_int_equal(dlg_stats(d).half_open_evicted, 1);
  dlg_free(d);
}

static void one_record_one_conn(la_config *c) {
  c->max_half_open = 1;
  c->max_conns = 1;
}

/* Full accept queue: SYN and ACK are dropped as ever. No memory: dropped, and the next text finds room. */
static void no_room(void **state) {
  (void)state;
  struct dlg *d = dlg_new(one_record_one_conn);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1}, &d->listener), LA_OK);
  struct flow f[3];
  for (unsigned i = 0; i < 3; i++) {
    dlg_other(d, (uint16_t)(2000 + i));
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    f[i] = d->f;
  }
  d->f = f[1];
  inject(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ACCEPT);
  d->f = f[2];
  inject(d, ACK, 1, 1, 0); /* the queue is full */
  expect_nothing(d);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_LISTEN_OVERFLOW], 1);
  assert_int_equal(dlg_accept(d), LA_OK);
  inject(d, ACK, 1, 1, 10); /* no connection to be had */
  expect_nothing(d);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_NOMEM], 1);
  assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
  d->f = f[1];
  expect(d, RST | ACK, 1, 1, 0);
  expect_end(d, LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_ABORT, LA_ECONNABORTED);
  d->f = f[2];
  inject(d, ACK, 1, 1, 10);
  assert_int_equal(dlg_accept(d), LA_OK);
  uint8_t b[20];
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 10);
  dlg_free(d);
}

/* What follows the third segment, when that found no room, bears no cookie. It is not reset: its client sends the first text again. */
static void no_room_for_the_third(void **state) {
  (void)state;
  struct dlg *d = dlg_new(one_record_one_conn);
  dlg_listen(d);
  struct flow f[3];
  for (unsigned i = 0; i < 3; i++) {
    dlg_other(d, (uint16_t)(2000 + i));
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    f[i] = d->f;
  }
  d->f = f[1];
  inject(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ACCEPT);
  d->f = f[2];
  inject(d, ACK, 1, 1, 10); /* no connection to be had */
  inject(d, ACK, 11, 1, 10);
  expect_nothing(d);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
  d->f = f[1];
  expect(d, RST | ACK, 1, 1, 0);
  expect_end(d, LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_ABORT, LA_ECONNABORTED);
  d->f = f[2];
  inject(d, ACK, 1, 1, 10);
  inject(d, ACK, 11, 1, 10);
  assert_int_equal(dlg_accept(d), LA_OK);
  uint8_t b[30];
  assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), 20);
  dlg_advance(d, LA_SEC); /* and a stray ACK is answered as ever */
  dlg_other(d, 3000);
  inject(d, ACK, 11, 1, 10);
  expect(d, RST, 1, 0, 0);
  dlg_free(d);
}

/* The listener that sent it is gone; the one that came after it asks the application first, and a cookie must not get past that. */
static void not_past_admission(void **state) {
  (void)state;
  struct dlg *d = flooded(one_record, false);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  assert_int_equal(la_listener_close(d->s, d->listener, d->now), LA_OK);
  la_listen_opts o = {.port = d->f.lport, .backlog = 16, .admit = true};
  assert_int_equal(la_listen(d->s, &o, &d->listener), LA_OK);
  inject(d, ACK, 1, 1, 0);
  expect(d, RST, 1, 0, 0);
  expect_no_event(d);
  dlg_free(d);
}

/* The low byte is masked: over many pairs each of its values is about equally frequent (chi-square, 255 degrees, far tail). */
static void unpredictable(void **state) {
  (void)state;
  struct dlg *d = flooded(one_record, false);
  unsigned low[256] = {0}, n = 20000;
  for (unsigned i = 0; i < n; i++) {
    dlg_other(d, (uint16_t)(1024 + i));
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    low[d->f.irs & 255]++;
  }
  uint64_t chi = 0; /* times n / 256 */
  for (unsigned i = 0; i < 256; i++) {
    int64_t off = (int64_t)low[i] * 256 - n;
    chi += (uint64_t)(off * off);
  }
  assert_true(chi / 256 / n < 360);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(keeps_options),
    {"keeps_options over IPv6", keeps_options, 0, 0, &(int){6}},
    cmocka_unit_test(works),
    {"works over IPv6", works, 0, 0, &(int){6}},
    cmocka_unit_test(wrong_cookie),
    cmocka_unit_test(lifetime),
    cmocka_unit_test(only_under_overload),
    cmocka_unit_test(no_room),
    cmocka_unit_test(no_room_for_the_third),
    cmocka_unit_test(not_past_admission),
    cmocka_unit_test(unpredictable),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
