/* SPDX-License-Identifier: MIT */
/* States and closing: rows C1 to C20, each under a storm of what once broke others, with the bound that it must keep (row.h). */
#include "tests/attacks/row.h"

#include "base/prng.h"

enum { SHOTS = 1000, TW_BLOCK = 12 << 10, FIRST_BLOCKS = 256 << 10 }; /* what the first record of a kind, and the first text, take */

static void stamped(struct dlg *d) {
  d->f.syn.have |= TCP_OPT_TS;
  d->f.ts_base = 100000;
}

/* RST, old text and old SYNs change nothing and draw a few ACKs; the FIN again begins 2MSL anew, and nothing else does. */
static void c1_assassination(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct place p = dlg_reach(d, LA_TIME_WAIT, ACTIVE_OPEN, true);
  struct row w = row_of(d, "C1 RST, text and SYN into TIME-WAIT");
  la_time began = d->now;
  for (unsigned i = 0; i < SHOTS; i++) {
    static const unsigned kind[] = {RST, RST | ACK, ACK, SYN};
    dlg_advance(d, 10 * LA_MS);
    hit(&w, inject(d, kind[i % 4], i % 4 < 2 ? p.peer : p.peer - 500, p.us, i % 4 == 2 ? 100 : 0));
  }
  expect_state(d, LA_TIME_WAIT);
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 3});
  dlg_until(d, began + 60 * LA_SEC - 1);
  expect_state(d, LA_TIME_WAIT);
  inject(d, FIN | ACK, p.peer - 1, p.us, 0);
  dlg_forget(d);
  dlg_advance(d, 60 * LA_SEC - 1);
  expect_state(d, LA_TIME_WAIT);
  dlg_advance(d, 2);
  expect_state(d, LA_CLOSED);
  dlg_free(d);
}

/* To the nanosecond, whichever side closed first, and on both after crossing FINs; never for who closed last. */
static void c2_two_msl(void **state) {
  (void)state;
  for (unsigned msl = 1; msl <= 120; msl += 17)
    for (unsigned cross = 0; cross < 2; cross++) {
      struct dlg *d = dlg_new(NULL);
      struct place p = dlg_reach(d, cross ? LA_CLOSING : LA_FIN_WAIT_2, PASSIVE_OPEN, true);
      dlg_advance(d, msl * LA_MS);
      struct row w = row_of(d, "C2 the last segment of a release");
      if (cross)
        hit(&w, inject(d, ACK, p.peer, p.us, 0));
      else
        hit(&w, inject(d, FIN | ACK, p.peer, p.us, 0));
      la_time from = d->now;
      expect_state(d, LA_TIME_WAIT);
      if (msl == 1)
        row_holds(&w, (struct bounds){.memory = TW_BLOCK, .work = 1200, .percent = 100});
      dlg_until(d, from + 60 * LA_SEC - 1);
      expect_state(d, LA_TIME_WAIT);
      dlg_until(d, from + 60 * LA_SEC);
      expect_state(d, LA_LISTEN);
      dlg_free(d);
    }
  struct dlg *d = dlg_new(NULL);
  struct place p = dlg_reach(d, LA_LAST_ACK, ACTIVE_OPEN, true);
  inject(d, ACK, p.peer, p.us, 0);
  expect_state(d, LA_CLOSED);
  dlg_free(d);
}

/* RFC 6191: stamp none, equal, older, newer; number at, before and behind what came last. Only what is surely new takes the pair. */
static void c3_take_over(void **state) {
  (void)state;
  for (unsigned stamp = 0; stamp < 4; stamp++)
    for (unsigned seq = 0; seq < 3; seq++) {
      struct dlg *d = dlg_new(NULL);
      if (stamp)
        stamped(d);
      struct place p = dlg_reach(d, LA_TIME_WAIT, PASSIVE_OPEN, true);
      uint32_t last = d->f.irs + p.us;
      struct row w = row_of(d, "C3 SYN into TIME-WAIT");
      struct shot s = {.flags = SYN, .seq = p.peer + (seq == 2 ? 1000 : seq == 1 ? 0u - 1000 : 0u - 1)};
      s.opt = d->f.syn;
      s.opt.ts_val = d->f.ts_base + (uint32_t)(d->now / LA_MS) + (stamp == 3 ? 100 : stamp == 2 ? 0u - 100 : 0);
      hit(&w, dlg_inject(d, s, __FILE__, __LINE__));
      bool newer = stamp == 0 ? seq == 2 : stamp == 3;
      newer |= stamp == 1 && seq == 2;
      assert_int_equal(d->nout, 1);
      assert_int_equal(d->out[0].seg.flags, newer ? SYN | ACK : ACK);
      expect_state(d, newer ? LA_SYN_RECEIVED : LA_TIME_WAIT);
      if (newer)
        assert_true((int32_t)(d->out[0].seg.seq - last) > 0); /* its numbers are beyond the last that were used */
      row_holds(&w, (struct bounds){.memory = 0, .work = 1500, .percent = 100});
      dlg_free(d);
    }
}

static void c4_wrong_ack(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_reach(d, LA_SYN_SENT, ACTIVE_OPEN, false);
  struct prng r;
  la__prng_seed(&r, 4);
  struct row w = row_of(d, "C4 SYN,ACK and ACK with a wrong ACK");
  for (unsigned i = 0; i < SHOTS; i++) {
    uint32_t ack = 2 + (uint32_t)la__prng_below(&r, UINT32_MAX - 2);
    hit(&w, inject(d, (i % 2 ? SYN | ACK : ACK) | (i % 4 < 2 ? RST : 0), i, i % 100 ? ack : 0, 0));
  }
  expect_state(d, LA_SYN_SENT);
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 60}); /* RST to every second one: those with RST draw none */
  inject(d, SYN | ACK, 0, 1, 0);
  dlg_forget(d);
  expect_state(d, LA_ESTABLISHED);
  row_works(d);
  dlg_free(d);
}

/* It has lost its memory, and opens or is written to: either way both are free after three segments. */
static void c5_reboot(void **state) {
  (void)state;
  for (unsigned ours = 0; ours < 2; ours++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    struct row w = row_of(d, ours ? "C5 we write to who has rebooted" : "C5 who has rebooted opens");
    if (ours) {
      assert_int_equal(dlg_send(d, 1, 10), 10);
      expect(d, ACK | PSH, 1, 1, 10);
    } else {
      hit(&w, inject(d, SYN, 77777, 0, 0));
      expect(d, ACK, 1, 1, 0);
    }
    hit(&w, inject(d, RST, 1, 0, 0));
    expect_nothing(d);
    expect_end(d, LA_BY_PEER, LA_HOW_RESET, ours ? LA_WHY_HALF_OPEN : LA_WHY_PEER_RESET, LA_ECONNRESET);
    row_holds(&w, (struct bounds){.memory = ours ? FIRST_BLOCKS : 0, .work = 900, .percent = ours ? 130 : 50});
    assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
    d->f.irs_known = false;
    establish(d, PASSIVE_OPEN);
    row_works(d);
    dlg_free(d);
  }
}

static void c6_rst_in_syn_received(void **state) {
  (void)state;
  for (unsigned active = 0; active < 2; active++)
    for (unsigned ack = 0; ack < 2; ack++) {
      struct dlg *d = dlg_new(NULL);
      struct place p = dlg_reach(d, LA_SYN_RECEIVED, active ? ACTIVE_OPEN : PASSIVE_OPEN, false);
      struct row w = row_of(d, "C6 RST in SYN-RECEIVED");
      hit(&w, inject(d, ack ? RST | ACK : RST, p.peer, p.us, 0));
      row_holds(&w, (struct bounds){.memory = 0, .work = 900, .percent = 0});
      expect_state(d, active ? LA_CLOSED : LA_LISTEN);
      if (active)
        expect_end(d, LA_BY_PEER, LA_HOW_RESET, LA_WHY_REFUSED, LA_ECONNREFUSED);
      dlg_free(d);
    }
}

/* Crossing SYNs, of which, and of whose answers, any are lost or come twice: one connection, and never a RST. */
static void c7_simultaneous_open(void **state) {
  (void)state;
  for (unsigned fate = 0; fate < 81; fate++) { /* of our SYN,ACK, the peer's SYN, its SYN,ACK and its ACK: 0 lost, 1 comes, 2 twice */
    unsigned syn = fate % 3, syn_ack = fate / 3 % 3, mine = fate / 9 % 3, ack = fate / 27;
    struct dlg *d = dlg_new(NULL);
    dlg_reach(d, LA_SYN_SENT, ACTIVE_OPEN, false);
    struct row w = row_of(d, "C7 crossing SYNs");
    unsigned rounds = 0;
    for (; dlg_state(d) != LA_ESTABLISHED && rounds < 6; rounds++) {
      for (unsigned i = 0; i < (rounds ? 1 : syn); i++)
        hit(&w, inject(d, SYN, 0, 0, 0));
      bool heard = mine || rounds; /* the peer has our SYN or SYN,ACK, and is in SYN-RECEIVED itself */
      for (unsigned i = 0; heard && i < (rounds ? 1 : syn_ack); i++)
        hit(&w, inject(d, SYN | ACK, 0, 1, 0));
      for (unsigned i = 0; heard && rounds && i < ack; i++)
        hit(&w, inject(d, ACK, 1, 1, 0));
      for (size_t i = 0; i < d->nout; i++)
        assert_false(d->out[i].seg.flags & RST);
      dlg_forget(d);
      dlg_advance(d, LA_SEC << rounds);
    }
    assert_true(rounds <= 2);
    row_works(d);
    row_holds(&w, (struct bounds){.memory = 0, .work = 1500, .percent = 100});
    dlg_free(d);
  }
}

static void c8_simultaneous_close(void **state) {
  (void)state;
  for (unsigned lost = 0; lost < 6; lost++) { /* our FIN's ACK: so often it does not come, and the peer's FIN comes again */
    struct dlg *d = dlg_new(NULL);
    struct place p = dlg_reach(d, LA_FIN_WAIT_1, PASSIVE_OPEN, true);
    struct row w = row_of(d, "C8 crossing FINs");
    hit(&w, inject(d, FIN | ACK, p.peer, p.us - 1, 0));
    expect(d, ACK, p.us, p.peer + 1, 0);
    expect_state(d, LA_CLOSING);
    for (unsigned i = 0; i < lost; i++) {
      dlg_advance(d, LA_SEC << i);
      hit(&w, inject(d, FIN | ACK, p.peer, p.us - 1, 0));
      dlg_forget(d);
    }
    expect_state(d, LA_CLOSING);
    hit(&w, inject(d, ACK, p.peer + 1, p.us, 0));
    expect_state(d, LA_TIME_WAIT);
    row_holds(&w, (struct bounds){.memory = 3 * TW_BLOCK, .work = 1500, .percent = 320});
    dlg_free(d);
  }
}

/* Ten seconds of ACKs that do not fit, a thousand a second, and every answer answered: two answers a second at most, and no harm. */
static void c9_ack_war(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < 3; kind++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    struct row w = row_of(d, "C9 a war of ACKs, ten seconds");
    uint64_t before = d->sent;
    for (la_time end = d->now + 10 * LA_SEC; d->now < end; dlg_advance(d, LA_MS)) {
      bool answered = d->nout > 0;
      dlg_forget(d);
      for (unsigned i = 0; i < 1u + answered; i++)
        hit(&w, inject(d, ACK, kind == 0 ? 1 : kind == 1 ? 0u - 500 : 1u << 20, kind == 0 ? 5000 : 1, 0));
    }
    dlg_forget(d);
    assert_in_range(d->sent - before, 1, 21);
    row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 1});
    row_works(d);
    dlg_free(d);
  }
}

static void c10_close_with_unread_data(void **state) {
  (void)state;
  for (unsigned n = 1; n < 3000; n += 700) {
    struct dlg *d = dlg_new(NULL);
    establish(d, ACTIVE_OPEN);
    struct row w = row_of(d, "C10 close with unread data");
    hit(&w, inject(d, ACK, 1, 1, n < 1400 ? n : 1400));
    dlg_forget(d);
    hit(&w, la_close(d->s, d->conn, d->now));
    assert_int_equal(d->nout, 1);
    assert_true(d->out[0].seg.flags & RST && !(d->out[0].seg.flags & FIN));
    expect_state(d, LA_CLOSED);
    row_holds(&w, (struct bounds){.memory = FIRST_BLOCKS, .work = 1200, .percent = 200});
    dlg_free(d);
  }
}

static void c11_data_after_close(void **state) {
  (void)state;
  for (unsigned two = 0; two < 2; two++) {
    struct dlg *d = dlg_new(NULL);
    struct place p = dlg_reach(d, two ? LA_FIN_WAIT_2 : LA_FIN_WAIT_1, ACTIVE_OPEN, true);
    struct row w = row_of(d, "C11 text for who has closed");
    for (unsigned i = 0; i < SHOTS; i++)
      hit(&w, inject(d, ACK, p.peer + i, p.us, 40));
    expect_state(d, LA_CLOSED);
    assert_int_equal(dlg_stats(d).conns, 0);
    row_holds(&w, (struct bounds){.memory = 0, .work = 1200, .percent = 51}); /* a RST of 40 bytes for 80 */
    dlg_free(d);
  }
}

/* The FIN with text, alone, beyond the window, again and again, and text behind it: it counts once, at its number. */
static void c12_fin(void **state) {
  (void)state;
  struct prng r;
  la__prng_seed(&r, 12);
  for (unsigned round = 0; round < 50; round++) {
    struct dlg *d = dlg_new(NULL);
    establish(d, PASSIVE_OPEN);
    struct row w = row_of(d, "C12 300 bytes and a FIN, anyhow");
    bool got[4] = {0};
    for (unsigned i = 0; i < 60; i++) {
      unsigned piece = (unsigned)la__prng_below(&r, 6);
      if (piece == 4)
        hit(&w, inject(d, FIN | ACK, 1 + (1u << 20), 1, 10)); /* beyond the window */
      else if (piece == 5 && !got[3])
        continue;
      else if (piece == 5)
        hit(&w, inject(d, ACK, 302, 1, 50)); /* text behind the FIN */
      else
        hit(&w, inject(d, piece == 3 ? FIN | ACK : ACK, 1 + 100 * piece, 1, piece == 3 ? 0 : 100));
      if (piece < 4)
        got[piece] = true;
      dlg_forget(d);
      bool all = got[0] && got[1] && got[2] && got[3];
      assert_int_equal(dlg_state(d), all ? LA_CLOSE_WAIT : LA_ESTABLISHED);
    }
    unsigned fins = 0;
    for (size_t i = 0; i < d->nev; i++)
      fins += d->ev[i].type == LA_EVENT_PEER_FIN;
    assert_int_equal(fins, got[0] && got[1] && got[2] && got[3]);
    if (round == 0)
      row_holds(&w, (struct bounds){.memory = FIRST_BLOCKS, .work = 1500, .percent = 100});
    dlg_free(d);
  }
}

/* The last ACK does not come: k FINs, each answered by TIME-WAIT there; here LAST-ACK ends by R2. */
static void c13_lost_last_ack(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  struct place p = dlg_reach(d, LA_TIME_WAIT, ACTIVE_OPEN, true);
  struct row w = row_of(d, "C13 the peer's FIN, again and again");
  for (unsigned i = 0; i < 100; i++) {
    dlg_advance(d, LA_SEC);
    hit(&w, inject(d, FIN | ACK, p.peer - 1, p.us, 0));
    expect(d, ACK, p.us, p.peer, 0);
  }
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 100});
  dlg_free(d);
  d = dlg_new(NULL);
  dlg_reach(d, LA_LAST_ACK, PASSIVE_OPEN, true);
  dlg_advance(d, 400 * LA_SEC);
  expect_state(d, LA_LISTEN);
  assert_true(d->sent < 16);
  dlg_free(d);
}

static void c14_second_fin(void **state) {
  (void)state;
  static const enum la_state from[] = {LA_ESTABLISHED, LA_CLOSE_WAIT, LA_FIN_WAIT_1, LA_FIN_WAIT_2, LA_CLOSING, LA_LAST_ACK};
  for (unsigned i = 0; i < sizeof from / sizeof *from; i++)
    for (unsigned calls = 0; calls < 8; calls++) {
      struct dlg *d = dlg_new(NULL);
      struct place p = dlg_reach(d, from[i], ACTIVE_OPEN, false);
      uint32_t fin = from[i] <= LA_ESTABLISHED || from[i] == LA_CLOSE_WAIT ? p.us : p.us - 1;
      struct row w = row_of(d, "C14 shutdown and close, again and again");
      for (unsigned k = 0; k < 3; k++)
        hit(&w, calls >> k & 1 ? la_close(d->s, d->conn, d->now) : la_shutdown(d->s, d->conn, d->now));
      dlg_advance(d, 50 * LA_SEC);
      for (size_t k = 0; k < d->nout; k++)
        if (d->out[k].seg.flags & FIN)
          assert_int_equal(d->out[k].seg.seq + d->out[k].seg.len - d->f.irs, fin);
      assert_true(w.most_work <= 1500 && d->nout <= 8);
      dlg_free(d);
    }
}

static void c15_listener_closed(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  for (unsigned i = 0; i < 30; i++) { /* ten that wait to be accepted, ten half-open */
    dlg_other(d, (uint16_t)(3000 + i));
    inject(d, SYN, 0, 0, 0);
    if (i % 2 == 0) {
      expect(d, SYN | ACK, 0, 1, 0);
      inject(d, ACK, 1, 1, 0);
    }
    dlg_forget(d);
  }
  struct row w = row_of(d, "C15 the listener is closed under 30");
  uint32_t waited = dlg_stats(d).conns;
  assert_int_equal(la_listener_close(d->s, d->listener, d->now), LA_OK);
  dlg_pump(d);
  assert_int_equal(d->nout, waited); /* a RST for each that was open */
  assert_int_equal(dlg_stats(d).half_open + dlg_stats(d).conns, 0);
  dlg_forget(d);
  for (unsigned i = 0; i < 30; i++) {
    dlg_other(d, (uint16_t)(3000 + i));
    hit(&w, inject(d, ACK, 1, 1, 0));
  }
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 200});
  dlg_free(d);
}

/* Calls between events, on handles that died long ago, and in every state: LA_EBADF, nothing else. */
static void c16_stale_handles(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  struct prng r;
  la__prng_seed(&r, 16);
  la_conn old[64];
  unsigned n = 0;
  for (unsigned i = 0; i < 500; i++) {
    dlg_forget(d);
    dlg_other(d, (uint16_t)(2000 + i));
    establish(d, PASSIVE_OPEN);
    d->hold_events = true;
    if (i % 3)
      inject(d, i % 3 == 1 ? RST : FIN | ACK, 1, 1, 0);
    dlg_pump(d);
    assert_int_equal(i % 2 ? la_abort(d->s, d->conn, d->now) : la_close(d->s, d->conn, d->now), LA_OK);
    d->hold_events = false;
    dlg_pump(d);
    dlg_advance(d, 700 * LA_SEC);
    d->nev = 0;
    old[n++ % 64] = d->conn;
    uint8_t b[8];
    la_conn h = old[la__prng_below(&r, n < 64 ? n : 64)];
    la_info_rec f;
    assert_int_equal(la_send(d->s, h, b, 1), LA_EBADF);
    assert_int_equal(la_recv(d->s, h, b, 1), LA_EBADF);
    assert_int_equal(la_close(d->s, h, d->now), LA_EBADF);
    assert_int_equal(la_abort(d->s, h, d->now), LA_EBADF);
    assert_int_equal(la_shutdown(d->s, h, d->now), LA_EBADF);
    assert_int_equal(la_info(d->s, h, &f), LA_EBADF);
  }
  assert_int_equal(dlg_stats(d).conns, 1);
  dlg_free(d);
}

/* Backlog 16: the first that are too many are silent, their records stay, and with room their next try succeeds. */
static void c17_accept_queue(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  struct row w = row_of(d, "C17 a full accept queue");
  for (unsigned i = 0; i < 300; i++) {
    dlg_other(d, (uint16_t)(3000 + i));
    hit(&w, inject(d, SYN, 0, 0, 0));
    for (size_t k = 0; k < d->nout; k++) {
      assert_false(d->out[k].seg.flags & RST);
      d->f.irs = d->out[k].seg.seq;
    }
    if (d->nout)
      hit(&w, inject(d, ACK, 1, 1, 0));
    dlg_forget(d);
  }
  assert_true(dlg_stats(d).conns >= 16 && dlg_stats(d).conns <= 17);
  row_holds(&w, (struct bounds){.memory = 96 << 10, .work = 1500, .percent = 120});
  while (dlg_accept(d) == LA_OK)
    ;
  inject(d, SYN, 0, 0, 0); /* the last of them tries again, once there is room */
  dlg_pump(d);
  assert_true(d->nout == 1 && d->out[0].seg.flags == (SYN | ACK));
  d->f.irs = d->out[0].seg.seq;
  inject(d, ACK, 1, 1, 0);
  dlg_forget(d);
  assert_int_equal(dlg_accept(d), LA_OK);
  row_works(d);
  dlg_free(d);
}

/* The peer's probes, empty and with a byte of rubbish, in three states and where numbers wrap: answered, and that is all. */
static void c18_probes(void **state) {
  (void)state;
  static const enum la_state in[] = {LA_ESTABLISHED, LA_CLOSE_WAIT, LA_FIN_WAIT_2};
  for (unsigned i = 0; i < 3; i++)
    for (unsigned wrap = 0; wrap < 2; wrap++) {
      struct dlg *d = dlg_new(NULL);
      d->f.iss = wrap ? 0u - 1 : 5;
      struct place p = dlg_reach(d, in[i], PASSIVE_OPEN, false);
      struct row w = row_of(d, "C18 keepalive probes of the peer");
      for (unsigned k = 0; k < 50; k++) {
        dlg_advance(d, LA_SEC);
        hit(&w, inject(d, ACK, p.peer - 1, p.us, k % 2, .data = "?"));
        expect(d, ACK, p.us, p.peer, 0);
      }
      assert_int_equal(row_info(d).unread, 0);
      row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 101});
      dlg_free(d);
    }
}

/* Nine probes lost, the tenth answered, for three months: it lives, with two segments more than it must send. */
static void c19_keepalive_spares(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  assert_int_equal(la_set_option(d->s, d->conn, LA_OPT_KEEPALIVE, 1, d->now), LA_OK);
  struct row w = row_of(d, "C19 nine probes lost, the tenth answered");
  for (unsigned i = 0; i < 270; i++) {
    unsigned probes = 0;
    while (probes < 10) {
      dlg_until(d, la_deadline(d->s));
      for (size_t k = 0; k < d->nout; k++, probes++)
        assert_true(d->out[k].seg.len == 0 && d->out[k].seg.seq == d->f.irs);
      dlg_forget(d);
    }
    hit(&w, inject(d, ACK, 1, 1, 0));
  }
  assert_true(d->now > 86400ull * 90 / 4 * LA_SEC);
  row_holds(&w, (struct bounds){.memory = 0, .work = 700, .percent = 1001});
  row_works(d);
  dlg_free(d);
}

/* 64 sets of flags in eleven states, at RCV.NXT and beside it: one answer at most, no longer than what came, and no memory. */
static void c20_strange_flags(void **state) {
  (void)state;
  struct row all = {.name = "C20 64 sets of flags in eleven states"};
  for (unsigned st = LA_CLOSED; st <= LA_TIME_WAIT; st++)
    for (unsigned flags = 0; flags < 64; flags++)
      for (unsigned at = 0; at < 3; at++) {
        struct dlg *d = dlg_new(NULL);
        struct place p = dlg_reach(d, (enum la_state)st, PASSIVE_OPEN, true);
        struct row w = row_of(d, all.name);
        dlg_advance(d, LA_SEC / 2); /* its own clocks are not the question */
        dlg_forget(d);
        uint64_t in = d->bytes_in, sent = d->sent, out = d->bytes_out;
        hit(&w, inject(d, flags, at == 2 ? p.peer + (1u << 20) : p.peer - at, p.us, 0, .urp = 1));
        bool opened = flags & SYN && !(flags & (RST | ACK | FIN)); /* our SYN,ACK may have options that its SYN had not */
        assert_true(d->sent - sent <= 1 && (d->bytes_out - out <= d->bytes_in - in || opened));
        if (w.most_held > 0)
          assert_true(opened || d->nev || dlg_state(d) == LA_TIME_WAIT);
        all.n++;
        all.most_held = w.most_held > all.most_held ? w.most_held : all.most_held;
        all.most_work = w.most_work > all.most_work ? w.most_work : all.most_work;
        dlg_free(d);
      }
  print_message("%-44s %7llu packets: %6llu bytes held (262144), work %5llu (1500)\n", all.name, (unsigned long long)all.n,
                (unsigned long long)all.most_held, (unsigned long long)all.most_work);
  assert_true(all.most_held <= FIRST_BLOCKS && all.most_work > 20 && all.most_work <= 1500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(c1_assassination),
    cmocka_unit_test(c2_two_msl),
    cmocka_unit_test(c3_take_over),
    cmocka_unit_test(c4_wrong_ack),
    cmocka_unit_test(c5_reboot),
    cmocka_unit_test(c6_rst_in_syn_received),
    cmocka_unit_test(c7_simultaneous_open),
    cmocka_unit_test(c8_simultaneous_close),
    cmocka_unit_test(c9_ack_war),
    cmocka_unit_test(c10_close_with_unread_data),
    cmocka_unit_test(c11_data_after_close),
    cmocka_unit_test(c12_fin),
    cmocka_unit_test(c13_lost_last_ack),
    cmocka_unit_test(c14_second_fin),
    cmocka_unit_test(c15_listener_closed),
    cmocka_unit_test(c16_stale_handles),
    cmocka_unit_test(c17_accept_queue),
    cmocka_unit_test(c18_probes),
    cmocka_unit_test(c19_keepalive_spares),
    cmocka_unit_test(c20_strange_flags),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
