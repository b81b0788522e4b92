/* SPDX-License-Identifier: MIT */
/* lint: theme */
/*
 * A listener beside what is left of a server that has gone: connections and TIME-WAIT records hold their port for their own address. As
 * bind(2) on Linux: another address is free; the same one is where holder and newcomer both allow it (SO_REUSEADDR, SO_REUSEPORT).
 */
#include "dialogue.h"

enum holder { CONNECTION, TIME_WAIT, TIME_WAIT_UNTOLD, TIME_WAIT_OVER, HOLDERS };
enum where { ANY, WILD, WILD_OTHER, SAME, BESIDE, OTHER_FAMILY, PLACES };

static la_addr text(const char *s) {
  la_addr a;
  assert_true(la_addr_parse(s, &a));
  return a;
}

/* Port 80 of flow.us is held. */
static struct dlg *held_by(enum holder h, bool six, bool reuse) {
  struct dlg *d = dlg_new(NULL);
  la_addr beside = text(six ? "fd00::77" : "10.0.0.77");
  if (six)
    dlg_use6(d);
  assert_int_equal(la_addr_add(d->s, d->link, &beside, six ? 64 : 24), LA_OK);
  la_connect_opts o = {.remote = d->f.peer, .remote_port = d->f.rport, .local = d->f.us, .local_port = 80, .reuse_addr = reuse};
  assert_int_equal(la_connect(d->s, &o, &d->conn, d->now), LA_OK);
  d->f.lport = 80;
  expect(d, SYN, 0, 0, 0, .no_ack_check = true);
  inject(d, SYN | ACK, 0, 1, 0);
  expect(d, ACK, 1, 1, 0);
  dlg_pump(d);
  if (h == CONNECTION)
    return d;
  d->hold_events = h == TIME_WAIT_UNTOLD; /* then the connection's slot waits beside the record, and does not count */
  assert_int_equal(la_close(d->s, d->conn, d->now), LA_OK);
  expect(d, FIN | ACK, 1, 1, 0);
  inject(d, FIN | ACK, 1, 2, 0);
  expect(d, ACK, 2, 2, 0);
  expect_state(d, LA_TIME_WAIT);
  if (h == TIME_WAIT_OVER) { /* its end has come, but no clock has been looked at since */
    d->now += 61 * LA_SEC;
    dlg_other(d, 9);
    inject(d, ACK, 5, 5, 0);
  }
  return d;
}

static la_addr at(enum where p, const struct dlg *d, bool six) {
  switch (p) {
  case WILD:
    return (la_addr){.family = six ? 6 : 4};
  case WILD_OTHER:
    return (la_addr){.family = six ? 4 : 6};
  case SAME:
    return d->f.us;
  case BESIDE:
    return text(six ? "fd00::77" : "10.0.0.77");
  case OTHER_FAMILY:
    return six ? text("10.0.0.1") : text("fd00::1");
  default:
    return (la_addr){0};
  }
}

static void who_may_listen(void **state) {
  (void)state;
  for (unsigned i = 0; i < HOLDERS * PLACES * 2 * 2 * 4; i++) {
    enum holder h = (enum holder)(i % HOLDERS);
    enum where p = (enum where)(i / HOLDERS % PLACES);
    unsigned rest = i / HOLDERS / PLACES;
    bool six = rest & 1, reuse = rest & 2, reuse_addr = rest & 4, reuse_port = rest & 8;
    struct dlg *d = held_by(h, six, reuse);
    la_listen_opts o = {.addr = at(p, d, six), .port = 80, .backlog = 1, .reuse_addr = reuse_addr, .reuse_port = reuse_port};
    la_listener l;
    int err = la_listen(d->s, &o, &l);
    if (p == OTHER_FAMILY && err == LA_EADDRNOTAVAIL) { /* not among the stack's */
      dlg_free(d);
      continue;
    }
    bool meets = p == ANY || p == WILD || p == SAME, shared = reuse && (reuse_addr || reuse_port);
    if (err != (!meets || shared || h == TIME_WAIT_OVER ? LA_OK : LA_EADDRINUSE))
      fail_msg("holder %d, place %d, IPv%d, reuse %d, newcomer %d %d: %s", h, p, six ? 6 : 4, reuse, reuse_addr, reuse_port,
               la_err_name(err));
    dlg_free(d);
  }
}

/* Listeners with something to tell wait in a row; one that is closed leaves it, wherever it stands. */
static void closed_with_news(void **state) {
  (void)state;
  for (unsigned gone = 0; gone < 8; gone++) { /* which of three */
    struct dlg *d = dlg_new(NULL);
    la_listener l[3];
    la_event ev;
    unsigned told = 0;
    d->hold_events = true;
    for (unsigned i = 0; i < 3; i++) {
      assert_int_equal(la_listen(d->s, &(la_listen_opts){.port = (uint16_t)(80 + i), .backlog = 4}, &l[i]), LA_OK);
      dlg_other(d, (uint16_t)(5000 + i));
      d->f.lport = (uint16_t)(80 + i);
      inject(d, SYN, 0, 0, 0);
      expect(d, SYN | ACK, 0, 1, 0);
      inject(d, ACK, 1, 1, 0);
    }
    for (unsigned i = 0; i < 3; i++)
      if (gone >> i & 1)
        assert_int_equal(la_listener_close(d->s, l[i], d->now), LA_OK);
    while (la_events(d->s, &ev, 1))
      if (ev.type == LA_EVENT_ACCEPT) {
        while (gone >> told & 1)
          told++;
        assert_int_equal(ev.listener.index, l[told].index); /* in the order in which they came */
        told++;
      }
    while (told < 3 && gone >> told & 1)
      told++;
    assert_int_equal(told, 3);
    dlg_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(who_may_listen), cmocka_unit_test(closed_with_news)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
