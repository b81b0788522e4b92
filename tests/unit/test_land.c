/* SPDX-License-Identifier: MIT */
/* Text that is verified while it is copied to its place: whatever is wrong with a segment, nothing of it is seen. */
#include "dialogue.h"

#include "base/prng.h"

#include <lastack/link.h>

enum { LEN = 700, HDR = 20 };

static void built_in(la_config *c) { c->delayed_ack = 0; }
static void by_vectors(la_config *c) {
  c->delayed_ack = 0;
  c->sums = la_host_sums();
}
static void (*const kinds[])(la_config *) = {built_in, by_vectors};

static struct dlg *open_with(void (*tweak)(la_config *), unsigned options) {
  struct dlg *d = dlg_new(tweak);
  d->f.syn.have |= (uint8_t)options;
  d->f.syn.wscale = 7;
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

static void check_bytes(const uint8_t *b, uint32_t pos, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (b[i] != dlg_byte(pos + (uint32_t)i))
      fail_msg("byte %zu behind position %u", i, pos);
}

/* Every bit of the segment in turn, then the segment as it was. */
static void every_bit(void (*tweak)(la_config *), bool posted) {
  struct dlg *d = open_with(tweak, 0);
  static uint8_t room[LEN + 8], got[LEN];
  la_post b = {.data = room, .cap = LEN + 4};
  memset(room, 0xee, sizeof room);
  if (posted)
    assert_int_equal(la_recv_post(d->s, d->conn, &b), LA_OK);
  uint64_t live = held(d), drops = dlg_stats(d).drops[LA_DROP_TCP_CSUM], segments = dlg_stats(d).segments_in;
  uint32_t bits = 8 * (HDR + LEN);
  for (uint32_t bit = 1; bit <= bits; bit++) {
    inject(d, ACK, 1, 1, LEN, .damage = bit);
    if (b.len || held(d) != live)
      fail_msg("bit %u: %zu bytes are there, %llu more are held", bit, b.len, (unsigned long long)(d->mem.live - live));
  }
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_CSUM], drops + bits);
  assert_int_equal(dlg_stats(d).segments_in, segments);
  expect_nothing(d);
  expect_no_event(d);
  assert_int_equal(info(d).rcv_nxt, d->f.iss + 1);
  assert_int_equal(info(d).unread, 0);
  for (size_t i = LEN + 4; i < sizeof room; i++) /* what lies behind the buffer is nobody's */
    assert_int_equal(room[i], 0xee);
  inject(d, ACK, 1, 1, LEN);
  expect(d, ACK, 1, 1 + LEN, 0);
  expect_event(d, LA_EVENT_READABLE);
  if (posted) {
    assert_int_equal(b.len, LEN);
    check_bytes(room, 1, LEN);
  } else {
    assert_int_equal(la_recv(d->s, d->conn, got, LEN), LEN);
    check_bytes(got, 1, LEN);
  }
  dlg_free(d);
}

static void damaged(void **state) {
  for (unsigned k = 0; k < 2; k++) {
    every_bit(kinds[k], false);
    every_bit(kinds[k], true);
  }
  (void)state;
}

/* A damaged one does not disturb what came before it, in the same chunk or buffer. */
static void damage_between(void **state) {
  static uint8_t room[3 * LEN], got[3 * LEN];
  for (unsigned posted = 0; posted < 2; posted++) {
    struct dlg *d = open_with(by_vectors, 0);
    la_post b = {.data = room, .cap = sizeof room};
    if (posted)
      assert_int_equal(la_recv_post(d->s, d->conn, &b), LA_OK);
    inject(d, ACK, 1, 1, LEN);
    inject(d, ACK, 1 + LEN, 1, LEN, .damage = 8 * (HDR + LEN / 2));
    inject(d, ACK, 1 + LEN, 1, LEN - 1);
    inject(d, ACK, 2 * LEN, 1, LEN, .damage = 8 * (HDR + LEN));
    inject(d, ACK, 2 * LEN, 1, LEN);
    assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_CSUM], 2);
    if (posted)
      assert_int_equal(b.len, 3 * LEN - 1);
    else
      assert_int_equal(la_recv(d->s, d->conn, got, sizeof got), 3 * LEN - 1);
    check_bytes(posted ? room : got, 1, 3 * LEN - 1);
    dlg_free(d);
  }
  (void)state;
}

/* Segments of any length, in order, into a rope or into buffers of any length: chunks and buffers end wherever they like. */
static void any_length(void **state) {
  static uint8_t got[8192], room[40][3000];
  struct prng r;
  la__prng_seed(&r, 9);
  for (unsigned turn = 0; turn < 8; turn++) {
    struct dlg *d = open_with(kinds[turn & 1], turn & 2 ? TCP_OPT_TS : 0);
    bool posted = turn & 4;
    uint32_t sent = 1, read = 1;
    la_post b[40], *out;
    unsigned head = 0, tail = 0;
    while (sent < 150000) {
      for (; posted && tail - head < 40 && la__prng_below(&r, 3); tail++) {
        b[tail % 40] = (la_post){.data = room[tail % 40], .cap = 1 + la__prng_below(&r, la__prng_below(&r, 2) ? 9 : 3000)};
        assert_int_equal(la_recv_post(d->s, d->conn, &b[tail % 40]), LA_OK);
      }
      uint32_t n = 1 + la__prng_below(&r, la__prng_below(&r, 4) ? 1400 : 300);
      if (n > info(d).rcv_wnd)
        n = info(d).rcv_wnd;
      if (n) {
        inject(d, ACK, sent, 1, n);
        sent += n;
      }
      if (!posted) {
        ptrdiff_t k = la_recv(d->s, d->conn, got, 1 + la__prng_below(&r, sizeof got));
        if (k > 0) {
          check_bytes(got, read, (size_t)k);
          read += (uint32_t)k;
        }
      } else if (head != tail) {
        ptrdiff_t k = la_recv_take(d->s, d->conn, &out);
        if (k > 0) {
          assert_ptr_equal(out, &b[head++ % 40]);
          assert_int_equal(out->len, k);
          check_bytes(out->data, read, (size_t)k);
          read += (uint32_t)k;
        }
      }
      dlg_forget(d);
    }
    assert_true(read > 100000);
    assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_CSUM], 0);
    dlg_free(d);
  }
  (void)state;
}

/* Right sums, but refused by a later step: what was copied is not counted, and its memory goes back. */
static void refused_later(void **state) {
  struct dlg *d = open_with(by_vectors, TCP_OPT_TS);
  dlg_advance(d, 5 * LA_SEC);
  inject(d, ACK, 1, 1, 1);
  expect(d, ACK, 1, 2, 0);
  uint8_t x;
  assert_int_equal(la_recv(d->s, d->conn, &x, 1), 1);
  uint64_t live = held(d);
  inject(d, ACK, 2, 1, LEN, .ts_back = 4000); /* PAWS */
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_RFC7323_PAWS], 1);
  inject(d, ACK, 2, 1000, LEN); /* acknowledges what was never sent */
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_ACK_UNSENT_DATA], 1);
  assert_int_equal(info(d).rcv_nxt, d->f.iss + 2);
  assert_int_equal(held(d), live);
  dlg_forget(d);
  inject(d, ACK, 2, 1, LEN);
  expect(d, ACK, 1, 2 + LEN, 0);
  dlg_free(d);
  (void)state;
}

/* Without memory for the text it is not acknowledged, and comes again. */
static void no_memory(void **state) {
  struct dlg *d = open_with(by_vectors, 0);
  d->mem.fail_from = d->mem.calls + 1;
  inject(d, ACK, 1, 1, LEN);
  assert_int_equal(info(d).rcv_nxt, d->f.iss + 1);
  inject(d, ACK, 1, 1, LEN, .damage = 400);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_CSUM], 1);
  d->mem.fail_from = 0;
  dlg_forget(d);
  inject(d, ACK, 1, 1, LEN);
  expect(d, ACK, 1, 1 + LEN, 0);
  uint8_t got[LEN];
  assert_int_equal(la_recv(d->s, d->conn, got, LEN), LEN);
  check_bytes(got, 1, LEN);
  dlg_free(d);
  (void)state;
}

/* Damaged segments for nobody, for a listener, for a half-open record and for TIME-WAIT say nothing. */
static void damaged_elsewhere(void **state) {
  struct dlg *d = dlg_new(by_vectors);
  inject(d, ACK, 1, 1, LEN, .damage = 3000);
  dlg_listen(d);
  inject(d, SYN, 0, 0, 0);
  expect(d, SYN | ACK, 0, 1, 0);
  inject(d, ACK, 1, 1, LEN, .damage = 3000);
  assert_int_equal(dlg_state(d), LA_SYN_RECEIVED);
  assert_int_equal(dlg_stats(d).drops[LA_DROP_TCP_CSUM], 2);
  expect_nothing(d);
  inject(d, ACK, 1, 1, LEN);
  expect(d, ACK, 1, 1 + LEN, 0);
  assert_int_equal(dlg_accept(d), LA_OK);
  dlg_free(d);
  (void)state;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(damaged),       cmocka_unit_test(damage_between), cmocka_unit_test(any_length),
    cmocka_unit_test(refused_later), cmocka_unit_test(no_memory),      cmocka_unit_test(damaged_elsewhere),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
