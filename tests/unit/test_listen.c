/* SPDX-License-Identifier: MIT */
/* LISTEN and the half-open records behind it: RFC 9293 3.10.7.2, SYN-RECEIVED of 3.10.7.4, backlog, eviction, who gets a SYN. */
#include "dialogue.h"

/* E-2: RST first, then ACK, then SYN, and nothing else. */
static void answers_in_listen(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  for (unsigned flags = 0; flags < 64; flags++) {
    dlg_other(d, (uint16_t)(1000 + flags));
    inject(d, flags, 5, 77, flags & SYN ? 0 : 3);
    if (flags & RST) {
      expect_nothing(d);
    } else if (flags & ACK) {
      expect(d, RST, 77, 0, 0); /* SEQ = SEG.ACK, no ACK bit */
    } else if ((flags & (SYN | FIN)) == SYN) {
      expect(d, SYN | ACK, 0, 6, 0);
      expect_state(d, LA_SYN_RECEIVED);
      continue;
    }
    expect_nothing(d);
    expect_state(d, LA_LISTEN);
  }
  assert_int_equal(dlg_stats(d).half_open, 4); /* SYN with or without PSH and URG */
  expect_no_event(d);
  dlg_free(d);
}

/* The SYN's text is not acknowledged and comes again (3.10.7.2: "may be queued"). */
static void data_on_syn(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 100);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 100);
  expect_event(d, LA_EVENT_ACCEPT);
  assert_int_equal(dlg_accept(d), LA_OK);
  expect_event(d, LA_EVENT_READABLE);
  dlg_free(d);
}

/* SYN-ACK after 1, 3, 7, 15, 31 s; forgotten at 63 s. */
static void syn_ack_retries(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  la_time t = d->now;
  inject(d, SYN, 0, 0, 0);
  expect_at(d, t, SYN | ACK, 0, 1, 0);
  static const unsigned at[] = {1, 3, 7, 15, 31};
  dlg_advance(d, 63 * LA_SEC - 1);
  for (unsigned i = 0; i < 5; i++)
    expect_at(d, t + at[i] * LA_SEC, SYN | ACK, 0, 1, 0);
  expect_nothing(d);
  expect_state(d, LA_SYN_RECEIVED);
  dlg_advance(d, 1);
  expect_state(d, LA_LISTEN);
  expect_nothing(d);
  expect_no_event(d);
  inject(d, ACK, 1, 1, 0); /* the third segment, too late */
  expect(d, RST, 1, 0, 0);
  dlg_free(d);
}

/* E-9, E-10, C6: RST by SEQ alone, with and without ACK; back to LISTEN without a word to the application. */
static void reset_in_syn_received(void **state) {
  (void)state;
  static const struct {
    uint32_t seq;
    bool takes, challenge;
  } rows[] = {{1, true, false},      {2, false, true},  {65535, false, true},
              {65536, false, false}, {0, false, false}, {0x80000000u, false, false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (unsigned ack = 0; ack < 3; ack++) {
      struct dlg *d = dlg_new(NULL);
      dlg_listen(d);
      inject(d, SYN, 0, 0, 0);
      expect(d, SYN | ACK, 0, 1, 0);
      inject(d, ack ? RST | ACK : RST, rows[i].seq, ack == 2 ? 12345 : 1, 0);
      if (rows[i].challenge)
        expect(d, ACK, 1, 1, 0);
      expect_nothing(d);
      expect_state(d, rows[i].takes ? LA_LISTEN : LA_SYN_RECEIVED);
      expect_no_event(d);
      dlg_free(d);
    }
}

/* E-14: an ACK that is not of our SYN draws RST with its number; the record stays and the right one still opens. */
static void wrong_ack_in_syn_received(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  static const uint32_t acks[] = {0, 2, 0x7fffffff, 0x80000001};
  for (unsigned i = 0; i < 4; i++) {
    inject(d, ACK, 1, acks[i], i);
    expect(d, RST, acks[i], 0, 0);
    expect_state(d, LA_SYN_RECEIVED);
  }
  inject(d, 0, 1, 0, 10); /* E-13 */
  inject(d, FIN, 1, 0, 0);
  expect_nothing(d);
  inject(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ACCEPT);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* What is not in the window is acknowledged, not more often than challenge_gap (E-7); SYN in it likewise (RFC 5961 4). */
static void unacceptable_in_syn_received(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < 4; kind++) {
    struct dlg *d = dlg_new(NULL);
    dlg_listen(d);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    for (unsigned i = 0; i < 10; i++) {
      switch (kind) {
      case 0:
        inject(d, ACK, 70000, 1, 0);
        break;
      case 1:
        inject(d, ACK, 0u - 100, 1, 50);
        break;
      case 2:
        inject(d, SYN, 5, 0, 0);
        break;
      default:
        inject(d, SYN | ACK, 1, 1, 0);
        break;
      }
    }
    expect(d, ACK, 1, 1, 0);
    expect_nothing(d);
    assert_int_equal(dlg_stats(d).challenge_acks, 1);
    assert_int_equal(dlg_stats(d).challenge_acks_limited, 9);
    assert_int_equal(dlg_stats(d).drops[kind < 2 ? LA_DROP_TCP_INVALID_SEQUENCE : LA_DROP_TCP_INVALID_SYN], 10);
    dlg_advance(d, 600 * LA_MS);
    inject(d, SYN, 5, 0, 0);
    expect(d, ACK, 1, 1, 0);
    expect_state(d, LA_SYN_RECEIVED);
    dlg_free(d);
  }
}

/* The SYN again means that our SYN-ACK was lost: it is repeated, at most once in challenge_gap (A14). */
static void syn_again(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  for (unsigned i = 0; i < 20; i++)
    inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  expect_nothing(d);
  assert_int_equal(dlg_stats(d).half_open, 1);
  dlg_advance(d, 512 * LA_MS); /* the stamp's unit is 8 ms */
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ACCEPT);
  dlg_free(d);
}

/* RFC 7323 in SYN-RECEIVED: an old stamp is acknowledged and dropped, a missing one is dropped in silence; RST needs none. */
static void stamps_in_syn_received(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  d->f.syn.have |= TCP_OPT_TS;
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 5, .plain = true);
  expect_nothing(d);
  inject(d, ACK, 1, 1, 5, .ts_back = 1);
  expect(d, ACK, 1, 1, 0);
  expect_state(d, LA_SYN_RECEIVED);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_RFC7323_PAWS], 2);
  dlg_advance(d, 512 * LA_MS);
  inject(d, SYN, 0, 0, 0, .ts_back = 513); /* an old duplicate of the SYN: no SYN,ACK */
  expect(d, ACK, 1, 1, 0);
  inject(d, RST, 1, 0, 0, .plain = true);
  expect_state(d, LA_LISTEN);
  dlg_free(d);
}

/* Karn (RFC 6298 3): which SYN-ACK the third segment answers cannot be told, so it times nothing. */
static void no_sample_from_a_repeated_syn_ack(void **state) {
  (void)state;
  for (unsigned how = 0; how < 3; how++) {
    struct dlg *d = dlg_new(NULL);
    dlg_listen(d);
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    dlg_advance(d, how == 1 ? LA_SEC : 700 * LA_MS);
    if (how == 2)
      inject(d, SYN, 0, 0, 0);
    if (how)
      expect(d, SYN | ACK, 0, 1, 0);
    dlg_advance(d, 20 * LA_MS);
    inject(d, ACK, 1, 1, 0);
    expect_event(d, LA_EVENT_ACCEPT);
    assert_int_equal(dlg_accept(d), LA_OK);
    la_info_rec i;
    assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
    assert_int_equal(i.srtt, how ? 0 : 720 * LA_MS);
    dlg_free(d);
  }
}

/* The third segment may bring text and FIN. */
static void third_segment_with_text_and_fin(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, FIN | ACK, 1, 1, 10);
  expect_event(d, LA_EVENT_ACCEPT);
  assert_int_equal(dlg_accept(d), LA_OK);
  expect_event(d, LA_EVENT_READABLE);
  expect_event(d, LA_EVENT_PEER_FIN);
  expect(d, ACK, 1, 12, 0);
  expect_state(d, LA_CLOSE_WAIT);
  dlg_free(d);
}

static void small(la_config *c) {
  c->max_half_open = 8;
  c->syn_cookies = 0;
  c->max_conns = 6;
}

/* B1: the number of records is bounded, and whoever comes last gets one. */
static void half_open_limit(void **state) {
  bool six = *state != NULL;
  struct dlg *d = dlg_new(small);
  if (six)
    dlg_use6(d);
  dlg_listen(d);
  for (unsigned i = 0; i < 1000; i++) {
    dlg_other(d, (uint16_t)(2000 + i));
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    assert_true(dlg_stats(d).half_open <= 8);
  }
  la_stats s = dlg_stats(d);
  assert_int_equal(s.half_open, 8);
  assert_int_equal(s.half_open_evicted, 992);
  inject(d, ACK, 1, 1, 0); /* the latest still has its record */
  expect_event(d, LA_EVENT_ACCEPT);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* C17: past the backlog SYN and final ACK are dropped, the records kept; a retry finds room. */
static void backlog(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 2}, &d->listener), LA_OK);
  struct flow f[5];
  for (unsigned i = 0; i < 4; i++) {
    dlg_other(d, (uint16_t)(3000 + i));
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    f[i] = d->f;
  }
  for (unsigned i = 0; i < 4; i++) {
    d->f = f[i];
    inject(d, ACK, 1, 1, 0);
    expect_state(d, i < 2 ? LA_ESTABLISHED : LA_SYN_RECEIVED);
  }
  dlg_other(d, 3004);
  inject(d, SYN, 0, 0, 0);
  expect_nothing(d);
  expect_state(d, LA_LISTEN);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_LISTEN_OVERFLOW], 3);
  expect_event(d, LA_EVENT_ACCEPT);
  expect_no_event(d);
  assert_int_equal(dlg_accept(d), LA_OK);
  la_info_rec info;
  assert_int_equal(la_info(d->s, d->conn, &info), LA_OK);
  assert_int_equal(info.remote_port, 3000); /* the oldest */
  d->f = f[2];
  inject(d, ACK, 1, 1, 0);
  expect_state(d, LA_ESTABLISHED);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(dlg_accept(d), LA_AGAIN);
  d->f = f[3];
  dlg_advance(d, LA_SEC);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  expect_event(d, LA_EVENT_ACCEPT);
  dlg_free(d);
}

/* No connection to be had: the record stays, the client tries again, others live on. */
static void connection_limit(void **state) {
  (void)state;
  struct dlg *d = dlg_new(small);
  dlg_listen(d);
  for (unsigned i = 0; i < 7; i++) {
    dlg_other(d, (uint16_t)(2000 + i));
    inject(d, SYN, 0, 0, 0);
    expect(d, SYN | ACK, 0, 1, 0);
    inject(d, ACK, 1, 1, 0);
    expect_nothing(d);
    expect_state(d, i < 6 ? LA_ESTABLISHED : LA_SYN_RECEIVED);
  }
  assert_int_equal(dlg_stats(d).drops[LA_DROP_NOMEM], 1);
  assert_int_equal(dlg_accept(d), LA_OK);
  assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK);
  dlg_forget(d);
  inject(d, ACK, 1, 1, 0);
  expect_state(d, LA_ESTABLISHED);
  dlg_free(d);
}

/* The most specific listener wins: address before family before any; link before any link. */
static void most_specific_listener(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  la_addr any4 = {.family = 4}, any6 = {.family = 6};
  la_listener any, four, exact;
  int who[4];
  la_listen_opts o = {.port = 80, .backlog = 4, .reuse_addr = true, .user = &who[0]};
  assert_int_equal(la_listen(d->s, &o, &any), LA_OK);
  o.addr = any4;
  o.user = &who[1];
  int err = la_listen(d->s, &o, &four);
  assert_true(err == LA_OK || err == LA_EADDRINUSE); /* two wildcards may be refused */
  o.addr = d->f.us;
  o.user = &who[2];
  assert_int_equal(la_listen(d->s, &o, &exact), LA_OK);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  const la_event *e = expect_event(d, LA_EVENT_ACCEPT);
  assert_ptr_equal(e->user, &who[2]);
  assert_int_equal(la_accept(d->s, exact, NULL, &d->conn), LA_OK);
  dlg_use6(d);
  d->f.irs_known = false;
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, 0);
  e = expect_event(d, LA_EVENT_ACCEPT);
  assert_ptr_equal(e->user, &who[0]);
  (void)any6;
  dlg_free(d);
}

/* MUST-41 to 43 and who is refused. */
static void listen_arguments(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  la_listener l, m;
  la_addr stranger, odd = {.family = 5};
  assert_true(la_addr_parse("10.0.0.77", &stranger));
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 0, .backlog = 1}, &l), LA_EINVAL);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 0}, &l), LA_EINVAL);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 65536}, &l), LA_EINVAL);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1, .link = 2}, &l), LA_EINVAL);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1, .addr = odd}, &l), LA_EINVAL);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1, .addr = stranger}, &l), LA_EADDRNOTAVAIL);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1}, &l), LA_OK);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1}, &m), LA_EADDRINUSE);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1, .addr = d->f.us}, &m), LA_EADDRINUSE);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 81, .backlog = 65535, .addr = d->f.us, .link = 1}, &m), LA_OK);
  assert_int_equal(la_listener_close(d->s, l, d->now), LA_OK);
  assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1}, &l), LA_OK);
  assert_int_equal(dlg_stats(d).listeners, 2);
  dlg_free(d);
}

/* MUST-42, and the port's other users: a connection or TIME-WAIT record lets a listener in only with SO_REUSEADDR on both. */
static void listen_beside_connections(void **state) {
  (void)state;
  for (unsigned reuse = 0; reuse < 4; reuse++) {
    struct dlg *d = dlg_new(NULL);
    la_connect_opts o = {.remote = d->f.peer, .remote_port = d->f.rport, .local_port = 80, .reuse_addr = reuse & 1};
    assert_int_equal(la_connect(d->s, &o, &d->conn, d->now), LA_OK);
    la_listener l;
    la_listen_opts lo = {.port = 80, .backlog = 1, .reuse_addr = reuse & 2};
    assert_int_equal(la_listen(d->s, &lo, &l), reuse == 3 ? LA_OK : LA_EADDRINUSE);
    lo.addr.family = 6; /* no address in common */
    if (reuse != 3)
      assert_int_equal(la_listen(d->s, &lo, &l), LA_OK);
    assert_int_equal(la_listener_close(d->s, l, d->now), LA_OK);
    assert_int_equal(la_abort(d->s, d->conn, d->now), LA_OK); /* gone, it holds nothing */
    assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = 80, .backlog = 1}, &l), LA_OK);
    dlg_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers_in_listen),
    cmocka_unit_test(data_on_syn),
    cmocka_unit_test(syn_ack_retries),
    cmocka_unit_test(reset_in_syn_received),
    cmocka_unit_test(wrong_ack_in_syn_received),
    cmocka_unit_test(unacceptable_in_syn_received),
    cmocka_unit_test(syn_again),
    cmocka_unit_test(stamps_in_syn_received),
    cmocka_unit_test(no_sample_from_a_repeated_syn_ack),
    cmocka_unit_test(third_segment_with_text_and_fin),
    cmocka_unit_test(half_open_limit),
    {"half_open_limit over IPv6", half_open_limit, 0, 0, &(int){6}},
    cmocka_unit_test(backlog),
    cmocka_unit_test(connection_limit),
    cmocka_unit_test(most_specific_listener),
    cmocka_unit_test(listen_arguments),
    cmocka_unit_test(listen_beside_connections),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
