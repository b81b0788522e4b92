/* SPDX-License-Identifier: MIT */
/* lint: theme */
/* Where Linux departs from the RFCs' text, each a field of the configuration: with it and without. */
#include "dialogue.h"

static void nothing(la_config *c) { (void)c; }
static void mute(la_config *c) { c->mute_unsent = 1; }
static void bare(la_config *c) { c->bare_segments = 1; }
static void empty(la_config *c) { c->empty_probes = 1; }
static void edge(la_config *c) { c->edge_acks = 1; }

static la_info_rec info(struct dlg *d) {
  la_info_rec i;
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  return i;
}

static struct dlg *open_with(void (*tweak)(la_config *), uint8_t opts) {
  struct dlg *d = dlg_new(tweak);
  d->f.syn.have |= opts;
  d->f.syn.mss = 1000;
  establish(d, PASSIVE_OPEN);
  return d;
}

/* 3.10.7.4: an ACK of what was never sent. Its text is not taken either way. */
static void ack_of_the_unsent(void **state) {
  (void)state;
  for (unsigned on = 0; on < 2; on++) {
    struct dlg *d = open_with(on ? mute : nothing, 0);
    inject(d, ACK, 1, 5000, 100);
    if (!on)
      expect(d, ACK, 1, 1, 0);
    expect_nothing(d);
    assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_ACK_UNSENT_DATA], 1);
    dlg_free(d);
  }
}

/* Linux was mute in ESTABLISHED alone. */
static void ack_of_the_unsent_while_closing(void **state) {
  (void)state;
  struct dlg *d = open_with(mute, 0);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, ACK, 1, 5000, 0);
  expect(d, ACK, 2, 1, 0);
  expect_state(d, LA_FIN_WAIT_1);
  dlg_free(d);
}

/* RFC 7323 3.2: timestamps were agreed, and the third segment comes without. */
static void third_segment_without_stamp(void **state) {
  (void)state;
  for (unsigned on = 0; on < 2; on++) {
    struct dlg *d = dlg_new(on ? bare : nothing);
    d->f.syn.have |= TCP_OPT_TS;
    dlg_listen(d);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0, .plain = true);
    expect_nothing(d);
    expect_state(d, on ? LA_ESTABLISHED : LA_SYN_RECEIVED);
    dlg_free(d);
  }
}

/* RFC 7323 3.2: timestamps were agreed, and a segment comes without. */
static void segment_without_stamp(void **state) {
  (void)state;
  for (unsigned on = 0; on < 2; on++) {
    struct dlg *d = open_with(on ? bare : nothing, TCP_OPT_TS);
    inject(d, ACK, 1, 1, 100, .plain = true);
    inject(d, ACK, 101, 1, 100, .plain = true);
    dlg_advance(d, LA_SEC);
    if (on)
      expect(d, ACK, 1, 201, 0);
    expect_nothing(d);
    assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_RFC7323_PAWS], on ? 0 : 2);
    if (on) { /* a stamp that is there still counts */
      inject(d, ACK, 201, 1, 100, .ts_back = 5000);
      dlg_advance(d, LA_SEC);
      assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_RFC7323_PAWS], 1);
      dlg_forget(d);
    }
    dlg_free(d);
  }
}

/* 3.8.6.1: a probe with a byte that the peer has no room for, or without; either way the back-off and what follows are the same. */
static void window_probe(void **state) {
  (void)state;
  for (unsigned on = 0; on < 2; on++) {
    struct dlg *d = open_with(on ? empty : nothing, 0);
    inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
    assert_int_equal(dlg_send(d, 1, 500), 500);
    expect_nothing(d);
    la_time at = d->now;
    for (unsigned i = 0; i < 3; i++) {
      dlg_advance(d, LA_SEC << i);
      at += LA_SEC << i;
      if (on)
        expect(d, ACK, 0, 1, 0, .at = at);
      else
        expect(d, ACK, 1, 1, 1, .at = at);
      inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
      expect_nothing(d);
    }
    inject(d, ACK, 1, 1, 0, .wnd = 4000);
    expect(d, ACK, 1, 1, 500, .at = at);
    dlg_free(d);
  }
}

/* A FIN behind a closed window has a probe too. */
static void probe_for_a_fin(void **state) {
  (void)state;
  struct dlg *d = open_with(empty, 0);
  inject(d, ACK, 1, 1, 0, .wnd = ZERO_WINDOW);
  assert_int_equal(la_shutdown(d->s, d->conn, d->now), LA_OK);
  dlg_advance(d, LA_SEC);
  expect(d, ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0, .wnd = 100);
  expect(d, FIN | ACK, 1, 1, 0);
  dlg_free(d);
}

/* Whoever has filled our window stands at its right edge: while what it sent is lost, are its ACKs heard? */
static void the_peer_has_filled_the_window(void **state) {
  (void)state;
  for (unsigned on = 0; on < 2; on++) {
    struct dlg *d = open_with(on ? edge : nothing, 0);
    uint32_t at = 1 + info(d).rcv_wnd;
    assert_int_equal(dlg_send(d, 1, 100), 100);
    expect(d, ACK, 1, 1, 100);
    inject(d, ACK, at, 101, 0, .wnd = 5000);
    if (!on)
      expect(d, ACK, 101, 1, 0);
    expect_nothing(d);
    assert_int_equal(info(d).snd_una - d->f.irs, on ? 101 : 1);
    dlg_advance(d, LA_SEC);
    dlg_forget(d);
    inject(d, ACK, at + 1, 101, 0, .wnd = 7000); /* beyond it is nobody */
    expect(d, ACK, 101, 1, 0);
    inject(d, RST, at, 0, 0);
    expect_nothing(d);
    inject(d, FIN | ACK, at, 101, 0, .wnd = 7000); /* a FIN has no room there */
    expect(d, ACK, 101, 1, 0);
    assert_true(info(d).snd_wnd != 7000);
    expect_state(d, LA_ESTABLISHED);
    dlg_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ack_of_the_unsent),
    cmocka_unit_test(the_peer_has_filled_the_window),
    cmocka_unit_test(ack_of_the_unsent_while_closing),
    cmocka_unit_test(third_segment_without_stamp),
    cmocka_unit_test(segment_without_stamp),
    cmocka_unit_test(window_probe),
    cmocka_unit_test(probe_for_a_fin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
