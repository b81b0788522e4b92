/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw/ladder.h"

/* A ladder into memory. */
struct sheet {
  struct ladder *l;
  FILE *f;
  char *text;
  size_t len;
  uint32_t ids;
};

static void sheet_open(struct sheet *s, struct ladder_style style) {
  *s = (struct sheet){0};
  s->f = open_memstream(&s->text, &s->len);
  s->l = la__ladder_new(s->f, &style);
  assert_non_null(s->l);
}

static const char *sheet_text(struct sheet *s) {
  la__ladder_flush(s->l);
  fflush(s->f);
  return s->text;
}

static void sheet_close(struct sheet *s) {
  if (getenv("SHOW"))
    fputs(sheet_text(s), stdout);
  la__ladder_free(s->l);
  fclose(s->f);
  free(s->text);
}

static void state(struct sheet *s, la_time at, enum ladder_side side, enum la_state st) {
  la__ladder_put(s->l, &(struct ladder_item){.kind = LADDER_STATE, .at = at, .side = side, .state = st});
}

static void note(struct sheet *s, la_time at, enum ladder_side side, const char *text) {
  la__ladder_put(s->l, &(struct ladder_item){.kind = LADDER_NOTE, .at = at, .side = side, .text = text});
}

static struct ladder_item seg(struct sheet *s, la_time at, enum ladder_side from, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len) {
  return (struct ladder_item){
    .kind = LADDER_SEND, .at = at, .side = from, .id = ++s->ids, .flags = flags, .seq = seq, .ack = ack, .len = len};
}

static void put(struct sheet *s, struct ladder_item it, enum ladder_kind kind, la_time at) {
  it.kind = kind;
  it.at = at;
  la__ladder_put(s->l, &it);
}

static void whole(struct sheet *s, struct ladder_item it) {
  put(s, it, LADDER_SEND, it.at);
  put(s, it, LADDER_ARRIVE, it.at + 5 * LA_MS);
}

static unsigned lines(const char *text) {
  unsigned n = 0;
  for (; *text; text++)
    n += *text == '\n';
  return n;
}

static const struct ladder_style plain = {.width = 100, .ascii = true};

/* The n-th line (from 0) equals `want`. */
static void expect_line(const char *text, unsigned n, const char *want) {
  while (n--) {
    text = strchr(text, '\n');
    assert_non_null(text);
    text++;
  }
  char got[512];
  snprintf(got, sizeof got, "%.*s", (int)strcspn(text, "\n"), text);
  assert_string_equal(got, want);
}

static void test_handshake(void **unused) {
  (void)unused;
  struct sheet s;
  sheet_open(&s, plain);
  la__ladder_head(s.l, "client", "server", 0);
  state(&s, 0, LADDER_LEFT, LA_CLOSED);
  state(&s, 0, LADDER_RIGHT, LA_LISTEN);
  note(&s, LA_MS, LADDER_LEFT, "connect()");
  state(&s, LA_MS, LADDER_LEFT, LA_SYN_SENT);
  struct ladder_item syn = seg(&s, LA_MS, LADDER_LEFT, LA_SYN, 0, 0, 0);
  syn.opts = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK | TCP_OPT_TS;
  syn.mss = 1460;
  syn.wscale = 7;
  whole(&s, syn);
  state(&s, 6 * LA_MS, LADDER_RIGHT, LA_SYN_RECEIVED);
  whole(&s, seg(&s, 6 * LA_MS, LADDER_RIGHT, LA_SYN | LA_ACK, 0, 1, 0));
  state(&s, 11 * LA_MS, LADDER_LEFT, LA_ESTABLISHED);
  state(&s, 11 * LA_MS, LADDER_LEFT, LA_ESTABLISHED); /* no change: nothing printed */
  whole(&s, seg(&s, 11 * LA_MS, LADDER_LEFT, LA_ACK, 1, 1, 0));
  state(&s, 16 * LA_MS, LADDER_RIGHT, LA_ESTABLISHED);
  const char *t = sheet_text(&s);
  assert_int_equal(lines(t), 6);
  expect_line(t, 0, "                      client                                                          server");
  expect_line(t, 1, "     0.000000       CLOSED |                                                          | LISTEN");
  expect_line(t, 2, "     0.001000     SYN-SENT | connect()                                                |");
  expect_line(t, 3, "     0.001000              |--- SYN seq=0 len=0 mss=1460 ws=7 sackOK TS ------------->| SYN-RECEIVED");
  expect_line(t, 4, "     0.006000  ESTABLISHED |<--- SYN,ACK seq=0 ack=1 len=0 ---------------------------|");
  expect_line(t, 5, "     0.011000              |--- ACK seq=1 ack=1 len=0 ------------------------------->| ESTABLISHED");
  sheet_close(&s);
}

static void test_crossing(void **unused) {
  (void)unused;
  struct sheet s;
  sheet_open(&s, plain);
  struct ladder_item a = seg(&s, 0, LADDER_LEFT, LA_FIN | LA_ACK, 1, 1, 0), b = seg(&s, 0, LADDER_RIGHT, LA_FIN | LA_ACK, 1, 1, 0);
  state(&s, 0, LADDER_LEFT, LA_FIN_WAIT_1);
  put(&s, a, LADDER_SEND, 0);
  state(&s, LA_MS, LADDER_RIGHT, LA_FIN_WAIT_1);
  put(&s, b, LADDER_SEND, LA_MS);
  put(&s, a, LADDER_ARRIVE, 10 * LA_MS);
  state(&s, 10 * LA_MS, LADDER_RIGHT, LA_CLOSING);
  put(&s, b, LADDER_ARRIVE, 11 * LA_MS);
  state(&s, 11 * LA_MS, LADDER_LEFT, LA_CLOSING);
  const char *t = sheet_text(&s);
  assert_int_equal(lines(t), 4);
  expect_line(t, 0, "     0.000000   FIN-WAIT-1 |--- FIN,ACK seq=1 ack=1 len=0 -----...                    |");
  expect_line(t, 1, "     0.001000              |                    ...----- FIN,ACK seq=1 ack=1 len=0 ---| FIN-WAIT-1");
  expect_line(t, 2, "     0.010000              |                   ...--- FIN,ACK seq=1 ack=1 len=0 ----->| CLOSING");
  expect_line(t, 3, "     0.011000      CLOSING |<--- FIN,ACK seq=1 ack=1 len=0 -----...                   |");
  sheet_close(&s);
}

static void test_lost_and_again(void **unused) {
  (void)unused;
  struct sheet s;
  sheet_open(&s, plain);
  struct ladder_item fin = seg(&s, 0, LADDER_LEFT, LA_FIN | LA_ACK, 1, 1, 0);
  put(&s, fin, LADDER_SEND, 0);
  put(&s, fin, LADDER_LOST, 0);
  note(&s, LA_SEC, LADDER_MIDDLE, "time passes: 2 h");
  fin.again = LADDER_RETRANSMITTED;
  fin.at = 7201 * LA_SEC;
  whole(&s, fin);
  struct ladder_item ack = seg(&s, 7201 * LA_SEC, LADDER_RIGHT, LA_ACK, 1, 2, 0);
  put(&s, ack, LADDER_SEND, ack.at);
  put(&s, ack, LADDER_LOST, ack.at);
  const char *t = sheet_text(&s);
  assert_int_equal(lines(t), 4);
  expect_line(t, 0, "     0.000000              |--- FIN,ACK seq=1 ack=1 len=0 (lost) ----X                |");
  expect_line(t, 1, "     1.000000              |                     time passes: 2 h                     |");
  expect_line(t, 2, "  7201.000000              |--- FIN,ACK seq=1 ack=1 len=0 (retransmitted) ----------->|");
  expect_line(t, 3, "  7201.000000              |                    X---- ACK seq=1 ack=2 len=0 (lost) ---|");
  sheet_close(&s);
}

/* A burst from one side keeps one row a segment; a segment overtaken by another gets two. */
static void test_burst(void **unused) {
  (void)unused;
  struct sheet s;
  sheet_open(&s, plain);
  struct ladder_item a[3];
  for (unsigned i = 0; i < 3; i++) {
    a[i] = seg(&s, i, LADDER_RIGHT, LA_ACK | LA_PSH, 1 + 1000 * i, 1, 1000);
    put(&s, a[i], LADDER_SEND, i);
  }
  for (unsigned i = 0; i < 3; i++)
    put(&s, a[i], LADDER_ARRIVE, 10 + i);
  assert_int_equal(lines(sheet_text(&s)), 3);
  for (unsigned i = 0; i < 2; i++)
    put(&s, a[i], LADDER_SEND, 20);
  put(&s, a[1], LADDER_ARRIVE, 30);
  put(&s, a[0], LADDER_ARRIVE, 31);
  assert_int_equal(lines(sheet_text(&s)), 3 + 4);
  sheet_close(&s);
}

/* Settling prints what is whole at once and keeps what is on its way. */
static void test_live(void **unused) {
  (void)unused;
  struct sheet s;
  sheet_open(&s, plain);
  struct ladder_item a = seg(&s, 0, LADDER_LEFT, LA_ACK, 1, 1, 0), b = seg(&s, 1, LADDER_LEFT, LA_ACK, 2, 1, 0);
  put(&s, a, LADDER_SEND, 0);
  put(&s, b, LADDER_SEND, 1);
  la__ladder_settle(s.l);
  fflush(s.f);
  assert_int_equal(s.len, 0);
  put(&s, a, LADDER_ARRIVE, 2);
  la__ladder_settle(s.l);
  fflush(s.f);
  assert_int_equal(lines(s.text), 1);
  put(&s, b, LADDER_ARRIVE, 2);
  assert_int_equal(lines(sheet_text(&s)), 2);
  sheet_close(&s);
}

/* Two states of the receiver by one segment: the second gets a row of its own, before what came later. */
static void test_two_states(void **unused) {
  (void)unused;
  struct sheet s;
  sheet_open(&s, plain);
  struct ladder_item a = seg(&s, 0, LADDER_LEFT, LA_ACK | LA_FIN, 1, 1, 0), b = seg(&s, 1, LADDER_LEFT, LA_RST, 2, 0, 0);
  put(&s, a, LADDER_SEND, 0);
  put(&s, b, LADDER_SEND, 1);
  put(&s, a, LADDER_ARRIVE, 2);
  state(&s, 2, LADDER_RIGHT, LA_ESTABLISHED);
  state(&s, 2, LADDER_RIGHT, LA_CLOSE_WAIT);
  put(&s, b, LADDER_ARRIVE, 3);
  state(&s, 3, LADDER_RIGHT, LA_CLOSED);
  const char *t = sheet_text(&s);
  assert_int_equal(lines(t), 3);
  assert_true(strstr(t, "ESTABLISHED") < strstr(t, "CLOSE-WAIT"));
  assert_true(strstr(t, "CLOSE-WAIT") < strstr(t, "RST seq=2"));
  assert_true(strstr(t, "RST seq=2") < strstr(t, "CLOSED"));
  sheet_close(&s);
}

/* Whatever comes, at any width: no line is wider than the drawing, and no label spoils the lifelines. */
static void test_widths(void **unused) {
  (void)unused;
  char text[300];
  memset(text, 'w', sizeof text - 1);
  text[sizeof text - 1] = 0;
  for (unsigned w = LADDER_WIDTH_MIN; w < 180; w += 3) {
    struct sheet s;
    sheet_open(&s, (struct ladder_style){.width = w, .ascii = true});
    struct ladder_item it = seg(&s, 0, LADDER_RIGHT, 0xff, UINT32_MAX, UINT32_MAX, UINT32_MAX);
    it.opts = 0xff;
    it.mss = 65535;
    it.again = LADDER_KEEPALIVE_PROBE;
    it.text = text;
    for (unsigned side = 0; side < 2; side++) {
      it.side = (enum ladder_side)side;
      it.id++;
      whole(&s, it);
      put(&s, it, LADDER_SEND, 1);
      note(&s, 2, (enum ladder_side)side, text);
      put(&s, it, LADDER_ARRIVE, 2);
      put(&s, it, LADDER_SEND, 1);
      put(&s, it, LADDER_LOST, 1);
    }
    note(&s, 3, LADDER_MIDDLE, "");
    note(&s, 3, LADDER_MIDDLE, "a b c");
    for (const char *p = sheet_text(&s); *p; p += strcspn(p, "\n") + 1) {
      size_t n = strcspn(p, "\n");
      if (w >= 130)
        assert_int_equal(n, w - 13);
      else
        assert_true(n >= w - 13);
      assert_int_equal(p[27], '|');
    }
    sheet_close(&s);
  }
}

static void test_utf8(void **unused) {
  (void)unused;
  struct sheet s;
  sheet_open(&s, (struct ladder_style){.width = 100});
  whole(&s, seg(&s, 0, LADDER_LEFT, LA_ACK, 1, 1, 0));
  const char *t = sheet_text(&s);
  assert_non_null(strstr(t, "│─── ACK seq=1 ack=1 len=0 ───"));
  assert_non_null(strstr(t, "►│"));
  assert_null(strstr(t, "\033"));
  sheet_close(&s);
  sheet_open(&s, (struct ladder_style){.width = 100, .colour = true});
  whole(&s, seg(&s, 0, LADDER_LEFT, LA_RST, 1, 1, 0));
  assert_non_null(strstr(sheet_text(&s), "\033[1;31mRST"));
  sheet_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_handshake), cmocka_unit_test(test_crossing), cmocka_unit_test(test_lost_and_again),
    cmocka_unit_test(test_burst),     cmocka_unit_test(test_live),     cmocka_unit_test(test_two_states),
    cmocka_unit_test(test_widths),    cmocka_unit_test(test_utf8),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
