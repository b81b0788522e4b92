/* SPDX-License-Identifier: MIT */
/* SYN-SENT and crossing SYNs: RFC 9293 3.5, 3.10.7.3; what is agreed in the SYNs; how long a SYN is tried. */
#include "dialogue.h"

/* E-3, C4: an ACK that is not of our SYN draws RST with its number, unless it is a RST; the attempt goes on. */
static void wrong_ack_in_syn_sent(void **state) {
  (void)state;
  static const uint32_t acks[] = {0, 2, 1000, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};
  static const unsigned with[] = {0, SYN, FIN, SYN | FIN, PSH, URG};
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  for (unsigned i = 0; i < sizeof acks / sizeof acks[0]; i++)
    for (unsigned j = 0; j < sizeof with / sizeof with[0]; j++) {
      inject(d, ACK | with[j], 0, acks[i], j);
      expect(d, RST, acks[i], 0, 0);
      inject(d, ACK | RST | with[j], 0, acks[i], j);
      expect_nothing(d);
      expect_state(d, LA_SYN_SENT);
    }
  inject(d, SYN | ACK, 0, 1, 0);
  expect(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ESTABLISHED);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* E-4, E-6: RST counts only with the right ACK; what is neither SYN nor RST is dropped. */
static void rst_and_noise_in_syn_sent(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  static const unsigned quiet[] = {RST, RST | SYN, RST | FIN, 0, FIN, PSH, URG, ACK, ACK | FIN, ACK | PSH};
  for (unsigned i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
    inject(d, quiet[i], 0, 1, i % 3);
    expect_nothing(d);
    expect_state(d, LA_SYN_SENT);
  }
  inject(d, RST | ACK, 0, 1, 0);
  expect_nothing(d);
  expect_state(d, LA_CLOSED);
  la_end e = expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_REFUSED, LA_ECONNREFUSED);
  assert_int_equal(e.state, LA_SYN_SENT);
  assert_int_equal(e.first_fin, LA_BY_NOBODY);
  dlg_free(d);
}

/* MUST-22, 23: again at 1, 3, 7, 15, 31, 63, 127 s, given up at 180 s. */
static void syn_retries(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  la_time t = d->now;
  assert_int_equal(dlg_connect(d), LA_OK);
  expect_at(d, t, SYN, 0, 0, 0);
  static const unsigned at[] = {1, 3, 7, 15, 31, 63, 127};
  dlg_until(d, t + 180 * LA_SEC - 1);
  for (unsigned i = 0; i < 7; i++)
    expect_at(d, t + at[i] * LA_SEC, SYN, 0, 0, 0);
  expect_nothing(d);
  assert_int_equal(expect_event(d, LA_EVENT_TROUBLE)->err, LA_ETIMEDOUT); /* R1 */
  expect_no_event(d);
  dlg_advance(d, 1);
  la_end e = expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_SYN_TIMEOUT, LA_ETIMEDOUT);
  assert_int_equal(e.ended - e.opened, 180 * LA_SEC);
  assert_int_equal(e.retransmits, 7);
  assert_int_equal(e.in_state_ms[LA_STAGE_OPENING], 180000);
  expect_nothing(d);
  expect_state(d, LA_CLOSED);
  inject(d, SYN | ACK, 0, 1, 0); /* too late */
  expect(d, RST, 1, 0, 0);
  dlg_free(d);
}

static void prompt(la_config *c) { c->prompt_syn = 1; }
/* Figure 9, lines 5 to 7: the peer's old connection is reset, and with prompt_syn the SYN follows soon; once, and then as ever. */
static void old_connection_in_the_way(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL); /* by itself it waits */
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  inject(d, ACK, 5000, 7777, 0);
  expect(d, RST, 7777, 0, 0);
  dlg_advance(d, 2 * LA_SEC);
  expect_at(d, 2 * LA_SEC, SYN, 0, 0, 0);
  dlg_free(d);
  d = dlg_new(prompt);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  la_time t = d->now;
  inject(d, RST | ACK, 0, 7777, 0); /* of no value, and nothing that could be reset */
  expect_nothing(d);
  dlg_advance(d, 100 * LA_MS);
  expect_nothing(d);
  inject(d, ACK, 5000, 7777, 0);
  expect(d, RST, 7777, 0, 0);
  expect_nothing(d);
  dlg_advance(d, 100 * LA_MS);
  expect_at(d, t + 108 * LA_MS, SYN, 0, 0, 0);
  inject(d, ACK, 5000, 7777, 0); /* it does not understand */
  expect(d, RST, 7777, 0, 0);
  dlg_advance(d, 3 * LA_SEC);
  expect_at(d, t + 2108 * LA_MS, SYN, 0, 0, 0);
  expect_nothing(d);
  inject(d, SYN | ACK, 0, 1, 0);
  expect(d, ACK, 1, 1, 0);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* Text and FIN beside SYN,ACK count at once. */
static void text_and_fin_on_syn_ack(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  inject(d, SYN | ACK | FIN, 0, 1, 20);
  expect(d, ACK, 1, 22, 0);
  expect_event(d, LA_EVENT_ESTABLISHED);
  expect_event(d, LA_EVENT_READABLE);
  expect_event(d, LA_EVENT_PEER_FIN);
  expect_state(d, LA_CLOSE_WAIT);
  uint8_t buf[32];
  assert_int_equal(la_recv(d->s, d->conn, buf, sizeof buf), 20);
  assert_int_equal(buf[0], dlg_byte(1));
  assert_int_equal(la_recv(d->s, d->conn, buf, sizeof buf), 0);
  dlg_free(d);
}

/* MUST-10, figure 7: both SYNs cross, then both SYN,ACKs. `lost` says which of ours the peer never gets, and what it does then. */
static void crossing(struct dlg *d) {
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0); /* C7: SEQ = ISS */
  expect_nothing(d);
  expect_state(d, LA_SYN_RECEIVED);
  expect_no_event(d);
}
static void crossing_done(struct dlg *d) {
  expect_event(d, LA_EVENT_ESTABLISHED);
  expect_state(d, LA_ESTABLISHED);
  assert_int_equal(dlg_send(d, 1, 10), 10);
  expect(d, ACK | PSH, 1, 1, 10);
  inject(d, ACK, 1, 11, 5);
  expect_event(d, LA_EVENT_READABLE);
  dlg_free(d);
}

static void crossing_syns(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  crossing(d);
  inject(d, SYN | ACK, 0, 1, 0);
  crossing_done(d);
}
static void crossing_syns_then_plain_ack(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  crossing(d);
  inject(d, ACK, 1, 1, 0);
  crossing_done(d);
}
/* RFC 7323 5.3: not by a SYN,ACK that is older than the SYN. */
static void crossing_syns_old_stamp(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  crossing(d);
  inject(d, SYN | ACK, 0, 1, 0, .ts_back = 1);
  expect(d, ACK, 1, 1, 0);
  expect_state(d, LA_SYN_RECEIVED);
  inject(d, SYN | ACK, 0, 1, 0);
  crossing_done(d);
}
/* Both of the peer's come in one batch: our own SYN,ACK has become an ACK before it went. */
static void crossing_syns_in_one_batch(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  inject(d, SYN, 0, 0, 0);
  inject(d, SYN | ACK, 0, 1, 0);
  expect(d, ACK, 1, 1, 0);
  expect_nothing(d);
  crossing_done(d);
}
/* Our SYN,ACK is lost, and the peer's too: ours comes again by the clock, and the peer's repetition opens. */
static void crossing_syns_both_syn_acks_lost(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  crossing(d);
  la_time t = d->now;
  dlg_advance(d, LA_SEC);
  expect_at(d, t + LA_SEC, SYN | ACK, 0, 1, 0);
  inject(d, SYN | ACK, 0, 1, 0);
  crossing_done(d);
}
/* The peer is established already and answers our repetition with a plain ACK (its challenge). */
static void crossing_syns_peer_ahead(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  crossing(d);
  dlg_advance(d, LA_SEC);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  crossing_done(d);
}
/* We are established and the peer repeats its SYN,ACK, since ours was lost: the challenge ACK opens it. */
static void crossing_syns_peer_behind(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  crossing(d);
  inject(d, SYN | ACK, 0, 1, 0);
  expect_event(d, LA_EVENT_ESTABLISHED);
  expect_nothing(d);
  dlg_advance(d, LA_SEC);
  expect_nothing(d);
  inject(d, SYN | ACK, 0, 1, 0);
  expect(d, ACK, 1, 1, 0);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}
/* Our SYN was lost before the peer's came: it sends its SYN again. */
static void crossing_syns_our_syn_lost(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  crossing(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, ACK, 1, 1, 0); /* a challenge, of no use to a peer in SYN-SENT; but the SYN,ACK follows */
  dlg_advance(d, LA_SEC);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  crossing_done(d);
}
/* With text on the SYN,ACK, and FIN. */
static void crossing_syns_with_fin(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  crossing(d);
  inject(d, SYN | ACK | FIN, 0, 1, 10);
  expect(d, ACK, 1, 12, 0);
  expect_event(d, LA_EVENT_ESTABLISHED);
  expect_event(d, LA_EVENT_READABLE);
  expect_event(d, LA_EVENT_PEER_FIN);
  expect_state(d, LA_CLOSE_WAIT);
  dlg_free(d);
}
/* E-10: an active opener in SYN-RECEIVED is refused. MUST-11. */
static void crossing_syns_reset(void **state) {
  (void)state;
  for (unsigned ack = 0; ack < 2; ack++) {
    struct dlg *d = dlg_new(NULL);
    crossing(d);
    inject(d, RST, 5, 0, 0);
    expect(d, ACK, 1, 1, 0);
    expect_state(d, LA_SYN_RECEIVED);
    inject(d, ack ? RST | ACK : RST, 1, 1, 0);
    expect_nothing(d);
    expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_REFUSED, LA_ECONNREFUSED);
    expect_state(d, LA_CLOSED);
    dlg_free(d);
  }
}
/* E-14 */
static void crossing_syns_wrong_ack(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  crossing(d);
  inject(d, ACK, 1, 2, 0);
  expect(d, RST, 2, 0, 0);
  inject(d, ACK, 1, 0, 0);
  expect(d, RST, 0, 0, 0);
  expect_state(d, LA_SYN_RECEIVED);
  inject(d, ACK, 1, 1, 0);
  crossing_done(d);
}
/* The limit runs anew from SYN-RECEIVED, and it ends. */
static void crossing_syns_timeout(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  crossing(d);
  dlg_advance(d, 180 * LA_SEC);
  expect_event(d, LA_EVENT_TROUBLE);
  expect_end(d, LA_BY_CLOCK, LA_HOW_SILENT, LA_WHY_SYN_ACK_TIMEOUT, LA_ETIMEDOUT);
  assert_int_equal(d->nout, 7);
  dlg_free(d);
}
/* E-22: CLOSE in SYN-RECEIVED is queued; the FIN goes once the SYN is acknowledged. E-23: ABORT sends RST. */
static void crossing_syns_closed_by_us(void **state) {
  (void)state;
  for (unsigned how = 0; how < 3; how++) {
    struct dlg *d = dlg_new(NULL);
    crossing(d);
    int err = how == 0 ? la_close(d->s, d->conn, d->now) : how == 1 ? la_shutdown(d->s, d->conn, d->now) : la_abort(d->s, d->conn, d->now);
    assert_int_equal(err, LA_OK);
    if (how == 2) {
      expect(d, RST | ACK, 1, 1, 0);
      expect_end(d, LA_BY_LOCAL, LA_HOW_RESET, LA_WHY_ABORT, LA_ECONNABORTED);
      expect_state(d, LA_CLOSED);
    } else {
      expect_nothing(d);
      inject(d, SYN | ACK, 0, 1, 0);
      expect(d, FIN | ACK, 1, 1, 0);
      expect_state(d, LA_FIN_WAIT_1);
      inject(d, FIN | ACK, 1, 2, 0);
      expect(d, ACK, 2, 2, 0);
      expect_state(d, LA_TIME_WAIT);
    }
    dlg_free(d);
  }
}

/* RFC 7323 2.2: the window of a segment with SYN is never scaled, that of a crossing SYN,ACK neither. */
static void crossing_syn_ack_window_is_not_scaled(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_WSCALE;
  d->f.syn.wscale = 7;
  d->wnd = 1024;
  crossing(d);
  inject(d, SYN | ACK, 0, 1, 0, .wnd = 1024);
  expect_event(d, LA_EVENT_ESTABLISHED);
  la_info_rec i;
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  assert_int_equal(i.snd_wnd, 1024);
  inject(d, ACK, 1, 1, 0, .wnd = 16);
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  assert_int_equal(i.snd_wnd, 16 << 7);
  dlg_free(d);
}

/* Options */

static unsigned mine;
static void offer_some(la_config *c) {
  c->timestamps = (mine & 1) != 0;
  c->sack = (mine & 2) != 0;
  c->window_scale = (mine & 4) != 0;
}
static uint8_t options_of(unsigned bits) {
  return (uint8_t)(TCP_OPT_MSS | (bits & 1 ? TCP_OPT_TS : 0) | (bits & 2 ? TCP_OPT_SACK_OK : 0) | (bits & 4 ? TCP_OPT_WSCALE : 0));
}

/* Each of timestamps, SACK, window scale: used only when both SYNs had it, and offered back only when it came. */
static void options_agreed(void **state) {
  (void)state;
  for (mine = 0; mine < 8; mine++)
    for (unsigned theirs = 0; theirs < 8; theirs++)
      for (unsigned side = 0; side < 3; side++) { /* passive, active, crossing */
        struct dlg *d = dlg_new(offer_some);
        d->f.syn.have = options_of(theirs);
        d->f.syn.wscale = 5;
        if (side == 2) {
          crossing(d);
          assert_int_equal(d->f.from.have, options_of(mine & theirs));
          inject(d, SYN | ACK, 0, 1, 0);
          expect_event(d, LA_EVENT_ESTABLISHED);
        } else {
          establish(d, side == 0 ? PASSIVE_OPEN : ACTIVE_OPEN);
          assert_int_equal(d->f.from.have, options_of(side == 0 ? mine & theirs : mine));
        }
        if (d->f.from.have & TCP_OPT_WSCALE)
          assert_int_equal(d->f.from.wscale, 3); /* 262144 bytes in 16 bits */
        la_info_rec i;
        assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
        unsigned both = mine & theirs;
        assert_int_equal(i.timestamps, both & 1);
        assert_int_equal(i.sack, both >> 1 & 1);
        assert_int_equal(i.window_scaled, both >> 2);
        assert_int_equal(i.snd_wscale, both & 4 ? 5 : 0);
        assert_int_equal(i.rcv_wscale, both & 4 ? 3 : 0);
        assert_int_equal(i.mss, both & 1 ? 1448 : 1460);
        inject(d, ACK, 3, 1, 10); /* a hole */
        const struct dlg_seg *s = expect(d, ACK, 1, 1, 0);
        assert_int_equal((s->seg.opt.have & TCP_OPT_TS) != 0, both & 1);
        assert_int_equal((s->seg.opt.have & TCP_OPT_SACK) != 0, both >> 1 & 1);
        dlg_free(d);
      }
}

/* MUST-15, 16, 67, B5: the peer's MSS, clamped from below, bounded by the link, 536 or 1220 without one. */
static void mss(void **state) {
  (void)state;
  for (unsigned six = 0; six < 2; six++)
    for (unsigned ts = 0; ts < 2; ts++)
      for (unsigned m = 0; m < 1600; m = m < 100 ? m + 1 : m + 97) {
        struct dlg *d = dlg_new(NULL);
        if (six)
          dlg_use6(d);
        d->f.syn.have = (uint8_t)((m == 99 ? 0 : TCP_OPT_MSS) | (ts ? TCP_OPT_TS : 0)); /* 99 stands for no option */
        d->f.syn.mss = (uint16_t)m;
        establish(d, m & 1 ? ACTIVE_OPEN : PASSIVE_OPEN);
        assert_int_equal(d->f.from.mss, six ? 1440 : 1460); /* MUST-14, 67 */
        unsigned want = m == 99 || m == 0 ? (six ? 1220 : 536) : m < 88 ? 88 : m, most = six ? 1440 : 1460;
        want = (want > most ? most : want) - (ts ? 12 : 0);
        la_info_rec i;
        assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
        assert_int_equal(i.mss, want);
        assert_int_equal(dlg_send(d, 1, 4000), 4000);
        expect(d, ACK, 1, 1, want);
        dlg_free(d);
      }
}

/* Out-of-order data makes SACK blocks, which leave still less room; never none. */
static void mss_floor_with_sack_blocks(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS | TCP_OPT_SACK_OK;
  d->f.syn.mss = 1;
  establish(d, PASSIVE_OPEN);
  for (unsigned i = 1; i < 5; i++) {
    inject(d, ACK, 1 + 20 * i, 1, 10);
    expect(d, ACK, 1, 1, 0);
  }
  assert_int_equal(dlg_send(d, 1, 200), 200);
  const struct dlg_seg *s = expect(d, ACK, 1, 1, 76 - 28);
  assert_int_equal(s->seg.opt.nsack, 3);
  dlg_free(d);
}

/* What the SYN announced holds: a receive buffer that the application changes meanwhile must not change the scale (RFC 7323 2.2). */
static void rcvbuf_changed_in_syn_sent(void **state) {
  (void)state;
  static const int64_t bufs[] = {2048, 65535, 1 << 20, 1 << 30};
  for (unsigned i = 0; i < 4; i++)
    for (unsigned lost = 0; lost < 2; lost++) {
      struct dlg *d = dlg_new(NULL);
      d->f.syn.have |= TCP_OPT_WSCALE;
      assert_int_equal(dlg_connect(d), LA_OK);
      expect(d, SYN, 0, 0, 0);
      uint8_t scale = d->f.from.wscale;
      assert_int_equal(scale, 3);
      assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_RCVBUF, bufs[i], d->now), LA_OK);
      if (lost) {
        dlg_advance(d, LA_SEC);
        expect(d, SYN, 0, 0, 0);
        assert_int_equal(d->f.from.wscale, scale);
      }
      inject(d, SYN | ACK, 0, 1, 0);
      const struct dlg_seg *s = expect(d, ACK, 1, 1, 0);
      la_info_rec info;
      assert_int_equal(la_info(d->s, d->conn, &info), LA_OK);
      assert_int_equal(info.rcv_wscale, scale);
      assert_true(((uint32_t)s->seg.wnd << scale) > 65535 - (1u << scale)); /* SHLD-14: the SYN said so, but for rounding (RFC 7323 2.4) */
      dlg_free(d);
    }
}
/* Set before the SYN has gone out it counts. */
static void rcvbuf_changed_before_syn(void **state) {
  (void)state;
  for (unsigned cross = 0; cross < 2; cross++) {
    struct dlg *d = dlg_new(NULL);
    d->f.syn.have |= TCP_OPT_WSCALE;
    assert_int_equal(dlg_connect(d), LA_OK);
    assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_RCVBUF, 1 << 20, d->now), LA_OK);
    if (cross) { /* the peer's SYN is there before ours could leave */
      inject(d, SYN, 0, 0, 0);
      expect(d, SYN | ACK, 0, 1, 0);
      inject(d, ACK, 1, 1, 0);
    } else {
      expect(d, SYN, 0, 0, 0);
      inject(d, SYN | ACK, 0, 1, 0);
      expect(d, ACK, 1, 1, 0);
    }
    assert_int_equal(d->f.from.wscale, 5);
    la_info_rec info;
    assert_int_equal(la_info(d->s, d->conn, &info), LA_OK);
    assert_int_equal(info.rcv_wscale, 5);
    dlg_free(d);
  }
}

/* E-14: SND.WND, WL1 and WL2 are set by the handshake, wherever the numbers lie: the very next segment may move the window. */
static void window_after_the_handshake(void **state) {
  (void)state;
  static const uint32_t iss[] = {0, 0x7fffffff, 0x80000001u, 0xf0000000u, 0xffffffffu};
  for (unsigned i = 0; i < sizeof iss / sizeof iss[0]; i++)
    for (unsigned side = 0; side < 3; side++) {
      struct dlg *d = dlg_new(NULL);
      d->f.iss = iss[i];
      d->wnd = 4000;
      if (side == 2) {
        crossing(d);
        inject(d, SYN | ACK, 0, 1, 0);
      } else {
        establish(d, (enum dlg_side)side);
      }
      la_info_rec r;
      dlg_pump(d);
      if (side == 2)
        expect_event(d, LA_EVENT_ESTABLISHED);
      assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
      assert_int_equal(r.snd_wnd, 4000);
      inject(d, ACK, 1, 1, 0, .wnd = 3000);
      assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
      assert_int_equal(r.snd_wnd, 3000);
      dlg_free(d);
    }
}

/* The SYN is timed unless it was sent more than once (Karn); then data starts with 3 s (RFC 6298 5.7). */
static void syn_is_timed_once(void **state) {
  (void)state;
  for (unsigned lost = 0; lost < 2; lost++) {
    struct dlg *d = dlg_new(NULL);
    assert_int_equal(dlg_connect(d), LA_OK);
    expect(d, SYN, 0, 0, 0);
    dlg_advance(d, lost ? 1100 * LA_MS : 700 * LA_MS);
    if (lost)
      expect(d, SYN, 0, 0, 0);
    inject(d, SYN | ACK, 0, 1, 0);
    expect(d, ACK, 1, 1, 0);
    la_info_rec r;
    assert_int_equal(la_info(d->s, d->conn, &r), LA_OK);
    assert_int_equal(r.srtt, lost ? 0 : 700 * LA_MS);
    assert_int_equal(r.rto, lost ? 3 * LA_SEC : 2100 * LA_MS);
    dlg_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(wrong_ack_in_syn_sent),
    cmocka_unit_test(rst_and_noise_in_syn_sent),
    cmocka_unit_test(syn_retries),
    cmocka_unit_test(old_connection_in_the_way),
    cmocka_unit_test(text_and_fin_on_syn_ack),
    cmocka_unit_test(crossing_syns),
    cmocka_unit_test(crossing_syns_then_plain_ack),
    cmocka_unit_test(crossing_syns_in_one_batch),
    cmocka_unit_test(crossing_syns_old_stamp),
    cmocka_unit_test(crossing_syns_both_syn_acks_lost),
    cmocka_unit_test(crossing_syns_peer_ahead),
    cmocka_unit_test(crossing_syns_peer_behind),
    cmocka_unit_test(crossing_syns_our_syn_lost),
    cmocka_unit_test(crossing_syns_with_fin),
    cmocka_unit_test(crossing_syns_reset),
    cmocka_unit_test(crossing_syns_wrong_ack),
    cmocka_unit_test(crossing_syns_timeout),
    cmocka_unit_test(crossing_syns_closed_by_us),
    cmocka_unit_test(crossing_syn_ack_window_is_not_scaled),
    cmocka_unit_test(options_agreed),
    cmocka_unit_test(mss),
    cmocka_unit_test(mss_floor_with_sack_blocks),
    cmocka_unit_test(rcvbuf_changed_in_syn_sent),
    cmocka_unit_test(rcvbuf_changed_before_syn),
    cmocka_unit_test(window_after_the_handshake),
    cmocka_unit_test(syn_is_timed_once),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
