/* SPDX-License-Identifier: MIT */
/* SEGMENT ARRIVES for connections: injection, timestamps, probes, what an unacceptable segment may do (RFC 9293 3.10.7.4, A.2). */
#include "dialogue.h"

static la_info_rec info(struct dlg *d) {
  la_info_rec i;
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  return i;
}

/* A3, MAY-12: text comes through only with an ACK that the peer could have sent: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT. */
static void data_injection(void **state) {
  (void)state;
  static const struct {
    int64_t ack; /* relative to SND.UNA */
    bool ok;
  } rows[] = {{0, true},      {500, true},     {501, false},    {502, false},           {-1, true},
              {-20000, true}, {-20001, false}, {-70000, false}, {INT32_MAX - 5, false}, {-INT32_MAX + 5, false},
              {499, true}};
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct dlg *d = dlg_new(NULL);
    d->wnd = 20000;
    establish(d, PASSIVE_OPEN);
    assert_int_equal(dlg_send(d, 1, 500), 500);
    expect(d, ACK, 1, 1, 500);
    inject(d, ACK, 1, 1 + (uint32_t)rows[i].ack, 10);
    uint8_t b[20];
    assert_int_equal(la_recv(d->s, d->conn, b, sizeof b), rows[i].ok ? 10 : LA_AGAIN);
    if (!rows[i].ok)
      expect(d, ACK, 501, 1, 0);
    la_stats s = dlg_stats(d);
    assert_int_equal(s.drops[LA_DROP_TCP_ACK_UNSENT_DATA] + s.drops[LA_DROP_TCP_TOO_OLD_ACK], !rows[i].ok);
    if (rows[i].ack > -100000) /* half of the space away the two names mean the same */
      assert_int_equal(s.drops[LA_DROP_TCP_TOO_OLD_ACK], !rows[i].ok && rows[i].ack < 0);
    assert_int_equal(info(d).snd_una - d->f.irs, rows[i].ok && rows[i].ack > 0 ? 1 + (uint32_t)rows[i].ack : 1);
    expect_state(d, LA_ESTABLISHED);
    dlg_free(d);
  }
}
/* A FIN by a stranger ends nothing either. */
static void fin_injection(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 1, 1, 0);
  inject(d, FIN | ACK, 1, 1u << 31, 0);
  inject(d, FIN | ACK, 1, 0u - 70000, 0);
  expect_nothing(d); /* challenges, of which there was one */
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

static struct dlg *stamped(void) {
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  establish(d, PASSIVE_OPEN);
  dlg_advance(d, 10 * LA_SEC);
  return d;
}

/* D6: an old stamp is dropped and acknowledged; an equal one and a newer one pass; none at all is dropped in silence. */
static void paws(void **state) {
  (void)state;
  struct dlg *d = stamped();
  inject(d, ACK, 1, 1, 10);
  expect_event(d, LA_EVENT_READABLE);
  dlg_advance(d, LA_SEC); /* the ACK went out: the next stamp in order may be taken */
  dlg_forget(d);
  inject(d, ACK, 11, 1, 10);
  inject(d, ACK, 21, 1, 10, .ts_back = 5000);
  expect(d, ACK, 1, 21, 0);
  inject(d, ACK, 21, 1, 10, .plain = true);
  expect_nothing(d);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_RFC7323_PAWS], 2);
  assert_int_equal(info(d).unread, 20);
  inject(d, ACK, 21, 1, 10);
  assert_int_equal(info(d).unread, 30);
  dlg_free(d);
}
/* A8: what is not in the window, or lies ahead, or has a wrong ACK, poisons no clock; and PAWS is not for RST. */
static void stamp_poisoning(void **state) {
  (void)state;
  for (unsigned how = 0; how < 5; how++) {
    struct dlg *d = stamped();
    struct shot s = {.flags = ACK, .seq = 1, .ack = 1, .len = 10};
    s.opt = (struct tcp_opts){.have = TCP_OPT_TS, .ts_val = d->f.ts_base + (uint32_t)(d->now / LA_MS) + (1u << 30)};
    switch (how) {
    case 0:
      s.seq = 70000; /* beyond */
      break;
    case 1:
      s.seq = 0u - 100; /* old */
      break;
    case 2:
      s.seq = 100; /* SEG.SEQ > Last.ACK.sent */
      break;
    case 3:
      s.ack = 2; /* of what was never sent */
      break;
    default:
      s.flags = SYN | ACK;
      break;
    }
    dlg_inject(d, s, __FILE__, __LINE__);
    dlg_forget(d);
    inject(d, ACK, 1, 1, 10);
    uint8_t b[20];
    assert_int_equal(la_recv(d->s, d->conn, b, 10), 10);
    inject(d, RST, 11, 0, 0, .ts_back = 9999);
    dlg_forget(d);
    if (how == 2) /* its text was kept ahead of a hole: it does not count as received */
      assert_int_equal(info(d).bytes_in, 10);
    expect_state(d, LA_LISTEN);
    dlg_free(d);
  }
}
/* RFC 7323 5.5: after 24 days of silence the last stamp says nothing. */
static void stamps_after_24_days(void **state) {
  (void)state;
  for (unsigned days = 23; days <= 26; days += 3) {
    struct dlg *d = stamped();
    inject(d, ACK, 1, 1, 1);
    uint8_t b[4];
    assert_int_equal(la_recv(d->s, d->conn, b, 1), 1);
    dlg_advance(d, days * 86400 * LA_SEC);
    dlg_forget(d);
    inject(d, ACK, 2, 1, 1, .ts_back = days * 86400000u + 20000); /* a stamp from before */
    assert_int_equal(info(d).unread, days == 26);
    dlg_free(d);
  }
}
/* The stamps of both sides wrap without harm. */
static void stamps_wrap(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  d->f.ts_base = 0u - 1500;
  establish(d, PASSIVE_OPEN);
  for (unsigned i = 0; i < 20; i++) {
    inject(d, ACK, 1 + 10 * i, 1, 10);
    assert_int_equal(info(d).unread, 10 + 10 * i);
    dlg_advance(d, 300 * LA_MS);
    dlg_forget(d);
  }
  dlg_free(d);
}

/* C18: the peer's keepalive and old probes, with 0 or 1 garbage byte, draw an ACK in every state; the byte goes nowhere. */
static void peers_keepalive(void **state) {
  (void)state;
  static const enum la_state in[] = {LA_ESTABLISHED, LA_FIN_WAIT_2, LA_CLOSE_WAIT};
  for (unsigned s = 0; s < 3; s++)
    for (uint32_t len = 0; len < 2; len++) {
      struct dlg *d = dlg_new(NULL);
      struct place p = dlg_reach(d, in[s], ACTIVE_OPEN, false);
      for (unsigned i = 0; i < 5; i++) {
        dlg_advance(d, 2 * LA_SEC);
        inject(d, ACK, p.peer - 1, p.us, len);
        expect(d, ACK, p.us, p.peer, 0);
        expect_state(d, in[s]);
      }
      expect_no_event(d);
      assert_int_equal(info(d).bytes_in, 0);
      dlg_free(d);
    }
}

/* E-8, A.2: at a closed window neither text nor FIN comes in, but ACK, window and RST count; each probe is answered. */
static void small(la_config *c) { c->rcvbuf = 2048; }
static void closed_window(void **state) {
  (void)state;
  struct dlg *d = dlg_new(small);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK, 1, 1, 1024);
  inject(d, ACK, 1025, 1, 1024);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 2049, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(dlg_send(d, 1, 100), 100);
  expect(d, ACK, 1, 2049, 100);
  inject(d, ACK, 2049, 51, 1, .wnd = 7000); /* a probe that acknowledges half */
  expect(d, ACK, 101, 2049, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(info(d).snd_una - d->f.irs, 51);
  assert_int_equal(info(d).snd_wnd, 7000);
  inject(d, ACK, 2049, 101, 0, .wnd = 6000);
  assert_int_equal(info(d).snd_una - d->f.irs, 101);
  assert_int_equal(info(d).snd_wnd, 6000);
  inject(d, ACK, 2000, 101, 100, .wnd = 50); /* it reaches into the window, but began before what set SND.WL1 */
  expect(d, ACK, 101, 2049, 0);
  assert_int_equal(info(d).snd_wnd, 6000);
  for (unsigned i = 0; i < 20; i++) { /* no limit on probes: their sender's clock is one */
    inject(d, ACK, 2049, 101, 1);
    expect(d, ACK, 101, 2049, 0);
  }
  inject(d, FIN | ACK, 2049, 101, 0);
  expect(d, ACK, 101, 2049, 0);
  expect_state(d, LA_ESTABLISHED);
  assert_int_equal(info(d).unread, 2048);
  dlg_free(d);
}

/* A.2: both windows shut, both probe: each still hears the other's window open. */
static void simultaneous_window_probes(void **state) {
  (void)state;
  struct dlg *d = dlg_new(small);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK, 1, 1, 1024);
  inject(d, ACK, 1025, 1, 1024, .wnd = ZERO_WINDOW);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 1, 2049, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(dlg_send(d, 1, 100), 100);
  dlg_advance(d, 3 * LA_SEC);
  expect(d, ACK, 1, 2049, 1); /* our probe */
  dlg_forget(d);
  inject(d, ACK, 2049, 1, 1, .wnd = ZERO_WINDOW); /* the peer's */
  dlg_forget(d);
  inject(d, ACK, 2049, 2, 1, .wnd = 5000); /* its next one: our octet was taken, and its window is open */
  expect(d, ACK, 2, 2049, 99);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* E-7, E-25: an unacceptable segment draws an empty ACK and moves nothing: neither state nor window nor SND.UNA. */
static void unacceptable_moves_nothing(void **state) {
  (void)state;
  static const struct { uint32_t seq, len; } rows[] = {{0u - 10, 10}, {0u - 1000, 0}, {65537, 0}, {65537, 100}, {1u << 31, 1}, {70000, 0}};
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (unsigned fin = 0; fin < 2; fin++) {
      struct dlg *d = dlg_new(NULL);
      establish(d, PASSIVE_OPEN);
      assert_int_equal(dlg_send(d, 1, 100), 100);
      expect(d, ACK, 1, 1, 100);
      la_info_rec before = info(d);
      inject(d, fin ? FIN | ACK : ACK, 1 + rows[i].seq - fin, 101, rows[i].len, .wnd = 77);
      expect(d, ACK, 101, 1, 0);
      expect_nothing(d);
      la_info_rec after = info(d);
      assert_int_equal(after.snd_una, before.snd_una);
      assert_int_equal(after.snd_wnd, before.snd_wnd);
      assert_int_equal(after.rcv_nxt, before.rcv_nxt);
      assert_int_equal(after.bytes_in, 0);
      expect_state(d, LA_ESTABLISHED);
      dlg_free(d);
    }
}

/* D5: numbers wrap in the middle of everything. */
static void wrap(void **state) {
  (void)state;
  static const uint32_t iss[] = {0, 0x7fffffff, 0x80000000u, 0xfffffffeu, 0xffffffffu, 0u - 50, 0u - 102};
  for (unsigned i = 0; i < sizeof iss / sizeof iss[0]; i++) {
    struct dlg *d = dlg_new(NULL);
    d->f.iss = iss[i];
    establish(d, PASSIVE_OPEN);
    inject(d, ACK, 101, 1, 50);
    expect(d, ACK, 1, 1, 0);
    inject(d, ACK, 51, 1, 50);
    expect(d, ACK, 1, 1, 0);
    inject(d, ACK, 1, 1, 50);
    expect(d, ACK, 1, 151, 0);
    inject(d, RST, 152, 0, 0);
    expect(d, ACK, 1, 151, 0);
    inject(d, FIN | ACK, 151, 1, 0);
    expect(d, ACK, 1, 152, 0);
    expect_state(d, LA_CLOSE_WAIT);
    inject(d, RST, 152, 0, 0);
    expect_state(d, LA_LISTEN);
    dlg_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(data_injection),
    cmocka_unit_test(fin_injection),
    cmocka_unit_test(paws),
    cmocka_unit_test(stamp_poisoning),
    cmocka_unit_test(stamps_after_24_days),
    cmocka_unit_test(stamps_wrap),
    cmocka_unit_test(peers_keepalive),
    cmocka_unit_test(closed_window),
    cmocka_unit_test(simultaneous_window_probes),
    cmocka_unit_test(unacceptable_moves_nothing),
    cmocka_unit_test(wrap),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
