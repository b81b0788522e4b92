/* SPDX-License-Identifier: MIT */
/* Urgent data, received in its place in the stream: RFC 9293 3.8.5 (MUST-30 to 33, 62), 3.10.7.4 sixth step. */
#include "dialogue.h"

static void small_buffer(la_config *c) { c->rcvbuf = 2048; }

static uint32_t urgent(struct dlg *d) {
  la_info_rec i;
  assert_int_equal(la_info(d->s, d->conn, &i), LA_OK);
  return i.urgent;
}

static void take(struct dlg *d, uint32_t pos, size_t n) {
  uint8_t buf[4096];
  assert_int_equal(la_recv(d->s, d->conn, buf, n), n);
  for (size_t i = 0; i < n; i++)
    assert_int_equal(buf[i], dlg_byte(pos + (uint32_t)i));
}

/* Told before it can be read; what is left of it is known after each read; the bytes stay in line. */
static void told_and_counted(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK | URG, 1, 1, 10, .urp = 4);
  expect_event(d, LA_EVENT_URGENT);
  expect_event(d, LA_EVENT_READABLE);
  assert_int_equal(urgent(d), 4);
  take(d, 1, 3);
  assert_int_equal(urgent(d), 1);
  take(d, 4, 1);
  assert_int_equal(urgent(d), 0);
  take(d, 5, 6);
  inject(d, ACK | URG, 11, 1, 1, .urp = 1); /* MUST-62: the pointer is behind the last urgent byte */
  expect_event(d, LA_EVENT_URGENT);
  assert_int_equal(urgent(d), 1);
  take(d, 11, 1);
  assert_int_equal(urgent(d), 0);
  inject(d, ACK, 12, 1, 5, .urp = 3); /* without URG the field means nothing */
  inject(d, ACK | URG, 17, 1, 5, .urp = 0);
  dlg_pump(d);
  assert_int_equal(urgent(d), 5); /* the second one ends where it begins: what came before it is urgent */
  expect_event(d, LA_EVENT_URGENT);
  take(d, 12, 10);
  assert_int_equal(urgent(d), 0);
  dlg_free(d);
}

/* MUST-31: the end is not known for long; it lies ahead of all that has come. */
static void of_any_length(void **state) {
  (void)state;
  enum { SEGMENT = 1000, SEGMENTS = 300 };
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  uint32_t pos = 1, end = 1 + SEGMENT * SEGMENTS;
  inject(d, ACK | URG, pos, 1, 0, .urp = 65535);
  expect_event(d, LA_EVENT_URGENT);
  expect_no_event(d);
  assert_int_equal(urgent(d), 65535);
  for (unsigned i = 0; i < SEGMENTS; i++, pos += SEGMENT) {
    uint32_t ahead = end - pos < 65535 ? end - pos : 65535;
    inject(d, ACK | URG, pos, 1, SEGMENT, .urp = (uint16_t)ahead);
    dlg_pump(d);
    assert_int_equal(urgent(d), ahead);
    take(d, pos, SEGMENT);
  }
  assert_int_equal(urgent(d), 0);
  dlg_forget(d);
  dlg_free(d);
}

/* MUST-32: one event for one stretch, another when it grows; none for what is known, or goes back. */
static void the_pointer_advances(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK | URG, 1, 1, 10, .urp = 20);
  expect_event(d, LA_EVENT_URGENT);
  expect_event(d, LA_EVENT_READABLE);
  inject(d, ACK | URG, 11, 1, 0, .urp = 10);
  inject(d, ACK | URG, 11, 1, 0, .urp = 9);
  expect_no_event(d);
  assert_int_equal(urgent(d), 20);
  inject(d, ACK | URG, 11, 1, 0, .urp = 11);
  expect_event(d, LA_EVENT_URGENT);
  assert_int_equal(urgent(d), 21);
  inject(d, ACK, 11, 1, 20, 0); /* what came is more than that */
  dlg_pump(d);
  take(d, 1, 30);
  assert_int_equal(urgent(d), 0);
  inject(d, ACK | URG, 31, 1, 0, .urp = 0);
  expect_no_event(d);
  dlg_forget(d);
  dlg_free(d);
}

/* MUST-66: no room for a byte, but the pointer counts, from the sequence number of its own segment. */
static void at_window_zero(void **state) {
  (void)state;
  struct dlg *d = dlg_new(small_buffer);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK, 1, 1, 1024, 0);
  inject(d, ACK, 1025, 1, 1024, 0);
  expect_event(d, LA_EVENT_READABLE);
  inject(d, ACK | URG, 2048, 1, 2, .urp = 3);
  expect(d, ACK, 1, 2049, 0, .wnd = ZERO_WINDOW);
  expect_event(d, LA_EVENT_URGENT);
  assert_int_equal(urgent(d), 2050);
  inject(d, ACK | URG, 2049, 1, 0, .urp = 5);
  expect_event(d, LA_EVENT_URGENT);
  assert_int_equal(urgent(d), 2053);
  take(d, 1, 2048);
  assert_int_equal(urgent(d), 5);
  dlg_forget(d);
  dlg_free(d);
}

/* A stream that has ended has nothing urgent any more, wherever the pointer went. */
static void ends_with_the_stream(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  establish(d, PASSIVE_OPEN);
  inject(d, ACK | URG, 1, 1, 10, .urp = 100);
  expect_event(d, LA_EVENT_URGENT);
  expect_event(d, LA_EVENT_READABLE);
  inject(d, FIN | ACK, 11, 1, 0);
  expect_event(d, LA_EVENT_PEER_FIN);
  assert_int_equal(urgent(d), 0);
  inject(d, ACK | URG, 12, 1, 0, .urp = 100);
  expect_no_event(d);
  assert_int_equal(urgent(d), 0);
  take(d, 1, 10);
  dlg_forget(d);
  dlg_free(d);
  d = dlg_new(NULL);
  establish(d, ACTIVE_OPEN);
  inject(d, FIN | ACK | URG, 1, 1, 10, .urp = 10);
  expect_event(d, LA_EVENT_URGENT);
  expect_event(d, LA_EVENT_READABLE);
  expect_event(d, LA_EVENT_PEER_FIN);
  assert_int_equal(urgent(d), 10);
  take(d, 1, 9);
  assert_int_equal(urgent(d), 1);
  take(d, 10, 1);
  assert_int_equal(urgent(d), 0);
  dlg_forget(d);
  dlg_free(d);
}

/* 3.10.7.3, fourth step: beside the SYN,ACK too, where the pointer counts from the SYN. */
static void beside_a_syn_ack(void **state) {
  (void)state;
  struct dlg *d = dlg_new(NULL);
  assert_int_equal(dlg_connect(d), LA_OK);
  expect(d, SYN, 0, 0, 0);
  inject(d, SYN | ACK | URG, 0, 1, 10, .urp = 5);
  expect(d, ACK, 1, 11, 0);
  expect_event(d, LA_EVENT_ESTABLISHED);
  expect_event(d, LA_EVENT_URGENT);
  expect_event(d, LA_EVENT_READABLE);
  assert_int_equal(urgent(d), 4);
  take(d, 1, 10);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(told_and_counted), cmocka_unit_test(of_any_length),        cmocka_unit_test(the_pointer_advances),
    cmocka_unit_test(at_window_zero),   cmocka_unit_test(ends_with_the_stream), cmocka_unit_test(beside_a_syn_ack),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
