/* SPDX-License-Identifier: MIT */
/* The checks of RFC 9293 3.10.7.4 as tables: Table 6, RST, PAWS, the ranges of SEG.ACK; each at every wrap of 2^32. */
#include "dialogue.h"

#include "tcp/view.h"

/* Bases that put each edge of the rows below on either side of 2^31 and of 2^32 (D5). */
static const uint32_t bases[] = {0,           1,           1000,       0x7fffffffu, 0x80000000u, 0x80000001u,
                                 0xffffffffu, 0xfffffffeu, 0u - 1000u, 0u - 1001u,  0u - 2000u,  0x7fffffffu - 1000u};
enum { BASES = sizeof bases / sizeof bases[0], NXT = 0, WND = 1000 };

struct seq_row {
  int32_t seq;  /* relative to RCV.NXT */
  uint32_t len; /* SEG.LEN */
  uint32_t wnd;
  enum view_seq want;
};
static const struct seq_row seq_rows[] = {
  /* Table 6, first row: length 0, window 0: SEG.SEQ = RCV.NXT */
  {0, 0, 0, VIEW_IN},
  {-1, 0, 0, VIEW_OLD},
  {1, 0, 0, VIEW_BEYOND},
  {-1000, 0, 0, VIEW_OLD},
  {INT32_MAX, 0, 0, VIEW_BEYOND},
  /* second: length 0, window > 0: RCV.NXT =< SEG.SEQ < RCV.NXT + RCV.WND */
  {0, 0, WND, VIEW_IN},
  {WND - 1, 0, WND, VIEW_IN},
  {WND, 0, WND, VIEW_BEYOND},
  {-1, 0, WND, VIEW_OLD},
  {INT32_MAX, 0, WND, VIEW_BEYOND},
  {-INT32_MAX, 0, WND, VIEW_OLD},
  {0, 0, 1, VIEW_IN},
  {1, 0, 1, VIEW_BEYOND},
  {1 << 30, 0, (1u << 30) + 1, VIEW_IN},
  /* third: length > 0, window 0: never acceptable */
  {0, 1, 0, VIEW_BEYOND},
  {0, 1460, 0, VIEW_BEYOND},
  {-1, 1, 0, VIEW_OLD},
  {-1, 2, 0, VIEW_BEYOND},
  {1, 1, 0, VIEW_BEYOND},
  /* fourth: the first or the last octet lies in the window */
  {0, 1, WND, VIEW_IN},
  {0, WND, WND, VIEW_IN},
  {0, WND + 1, WND, VIEW_IN},
  {-1, 1, WND, VIEW_OLD},
  {-1, 2, WND, VIEW_IN},
  {-1000, 1000, WND, VIEW_OLD},
  {-1000, 1001, WND, VIEW_IN},
  {WND - 1, 1, WND, VIEW_IN},
  {WND - 1, 1460, WND, VIEW_IN},
  {WND, 1, WND, VIEW_BEYOND},
  {-1, WND + 1, WND, VIEW_IN}, /* the last octet is the window's last */
  {-1, WND + 2, WND, VIEW_IN}, /* both ends outside, yet the whole window is there */
  {-1, 3, 1, VIEW_IN},
  {INT32_MAX - 1, 1, WND, VIEW_BEYOND},
  {-INT32_MAX, 1, WND, VIEW_OLD},
};

static void table_6(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof seq_rows / sizeof seq_rows[0]; i++)
    for (unsigned b = 0; b < BASES; b++)
      for (unsigned with = 0; with < 4; with++) { /* SYN and FIN count as octets */
        const struct seq_row *r = &seq_rows[i];
        unsigned flags = (with & 1 ? SYN : 0) | (with & 2 ? FIN : 0);
        uint32_t ctl = (with & 1) + (with >> 1);
        if (r->len < ctl)
          continue;
        struct view v = {.rcv_nxt = bases[b], .rcv_wnd = r->wnd};
        struct tcp_seg s = {.seq = bases[b] + (uint32_t)r->seq, .len = r->len - ctl, .flags = (uint8_t)(flags | ACK)};
        if (la__view_seq(&v, &s) != r->want)
          fail_msg("row %zu base %08x flags %x: %d", i, bases[b], flags, la__view_seq(&v, &s));
      }
}

/* Against the RFC's own formulas, for every position around small windows. */
static void table_6_by_formula(void **state) {
  (void)state;
  for (unsigned b = 0; b < BASES; b++)
    for (uint32_t wnd = 0; wnd < 5; wnd++)
      for (int32_t at = -8; at <= 8; at++)
        for (uint32_t len = 0; len < 12; len++) {
          int32_t last = at + (int32_t)len - 1, w = (int32_t)wnd;
          bool first_in = at >= 0 && at < w, last_in = last >= 0 && last < w;
          bool want = len == 0 ? (wnd == 0 ? at == 0 : first_in) : wnd > 0 && (first_in || last_in || (at < 0 && last >= w));
          struct view v = {.rcv_nxt = bases[b], .rcv_wnd = wnd};
          struct tcp_seg s = {.seq = bases[b] + (uint32_t)at, .len = len, .flags = ACK};
          enum view_seq got = la__view_seq(&v, &s);
          assert_int_equal(got == VIEW_IN, want);
          if (!want)
            assert_int_equal(got, at < 0 && last < 0 ? VIEW_OLD : VIEW_BEYOND);
        }
}

static void rst_three_checks(void **state) {
  (void)state;
  static const struct {
    int32_t seq;
    uint32_t wnd;
    enum view_rst want;
  } rows[] = {
    {0, WND, VIEW_RST_TAKE},
    {0, 0, VIEW_RST_TAKE},
    {0, 1, VIEW_RST_TAKE},
    {1, WND, VIEW_RST_CHALLENGE},
    {WND - 1, WND, VIEW_RST_CHALLENGE},
    {WND, WND, VIEW_RST_DROP},
    {-1, WND, VIEW_RST_DROP},
    {1, 0, VIEW_RST_DROP},
    {-1, 0, VIEW_RST_DROP},
    {1, 1, VIEW_RST_DROP},
    {INT32_MIN, WND, VIEW_RST_DROP},
    {INT32_MAX, WND, VIEW_RST_DROP},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (unsigned b = 0; b < BASES; b++) {
      struct view v = {.rcv_nxt = bases[b], .rcv_wnd = rows[i].wnd};
      struct tcp_seg s = {.seq = bases[b] + (uint32_t)rows[i].seq, .flags = RST};
      assert_int_equal(la__view_rst(&v, &s), rows[i].want);
    }
}

static void ack_ranges(void **state) {
  (void)state;
  enum { UNA = 0, SENT = 500, MAX_WND = 2000 };
  static const struct {
    int32_t ack; /* relative to SND.UNA */
    enum view_ack want;
  } rows[] = {
    {0, VIEW_ACK_SAME},
    {1, VIEW_ACK_NEW},
    {SENT, VIEW_ACK_NEW},
    {SENT + 1, VIEW_ACK_UNSENT},
    {1 << 30, VIEW_ACK_UNSENT},
    {-1, VIEW_ACK_OLD},
    {-MAX_WND, VIEW_ACK_OLD},
    {-MAX_WND - 1, VIEW_ACK_TOO_OLD},
    {-(1 << 30), VIEW_ACK_TOO_OLD},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (unsigned b = 0; b < BASES; b++) {
      struct view v = {.snd_una = bases[b], .snd_nxt = bases[b] + SENT, .snd_wnd_max = MAX_WND};
      struct tcp_seg s = {.ack = bases[b] + (uint32_t)rows[i].ack, .flags = ACK};
      if (la__view_ack(&v, &s) != rows[i].want)
        fail_msg("row %zu base %08x: %d", i, bases[b], la__view_ack(&v, &s));
    }
  /* Nothing outstanding: SND.UNA is SND.NXT. */
  struct view v = {.snd_una = 7, .snd_nxt = 7, .snd_wnd_max = 1};
  assert_int_equal(la__view_ack(&v, &(struct tcp_seg){.ack = 7}), VIEW_ACK_SAME);
  assert_int_equal(la__view_ack(&v, &(struct tcp_seg){.ack = 8}), VIEW_ACK_UNSENT);
  assert_int_equal(la__view_ack(&v, &(struct tcp_seg){.ack = 6}), VIEW_ACK_OLD);
  assert_int_equal(la__view_ack(&v, &(struct tcp_seg){.ack = 5}), VIEW_ACK_TOO_OLD);
}

static void paws(void **state) {
  (void)state;
  for (unsigned b = 0; b < BASES; b++) {
    struct view v = {.ts = true, .ts_recent = bases[b]};
    struct tcp_seg s = {.flags = ACK, .opt = {.have = TCP_OPT_TS, .ts_val = bases[b]}};
    assert_true(la__view_paws(&v, &s)); /* equal passes: RFC 7323 5.3 */
    s.opt.ts_val = bases[b] + 1;
    assert_true(la__view_paws(&v, &s));
    s.opt.ts_val = bases[b] + INT32_MAX;
    assert_true(la__view_paws(&v, &s));
    s.opt.ts_val = bases[b] - 1;
    assert_false(la__view_paws(&v, &s));
    v.ts_stale = true; /* 5.5: idle for longer than 24 days */
    assert_true(la__view_paws(&v, &s));
    v.ts_stale = false;
    v.ts = false;
    assert_true(la__view_paws(&v, &s));
    v.ts = true;
    s.opt.have = 0;
    assert_true(la__view_paws(&v, &s));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(table_6), cmocka_unit_test(table_6_by_formula), cmocka_unit_test(rst_three_checks), cmocka_unit_test(ack_ranges),
    cmocka_unit_test(paws),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
