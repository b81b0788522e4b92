/* SPDX-License-Identifier: MIT */
/* la_admit and la_reject: the application decides on a SYN before it is answered. */
#include "dialogue.h"

static la_syn asked(struct dlg *d) {
  const la_event *e = expect_event(d, LA_EVENT_SYN);
  assert_true(la_addr_same(&e->remote, &d->f.peer));
  assert_true(la_addr_same(&e->local, &d->f.us));
  assert_int_equal(e->remote_port, d->f.rport);
  assert_int_equal(e->local_port, d->f.lport);
  assert_int_equal(e->listener.index, d->listener.index);
  assert_ptr_equal(e->user, d);
  return e->syn;
}

static struct dlg *asking(bool six, void (*tweak)(la_config *c)) {
  struct dlg *d = dlg_new(tweak);
  if (six)
    dlg_use6(d);
  la_listen_opts o = {.port = d->f.lport, .backlog = 16, .admit = true, .user = d};
  assert_int_equal(la_listen(d->s, &o, &d->listener), LA_OK);
  return d;
}

/* Nothing is said until then; retransmitted SYNs are absorbed; afterwards it is a connection like any other. */
static void admitted(void **state) {
  struct dlg *d = asking(*state != NULL, NULL);
  d->f.syn.have |= TCP_OPT_TS | TCP_OPT_SACK_OK;
  inject(d, SYN, 0, 0, 0);
  expect_nothing(d);
  expect_state(d, LA_SYN_RECEIVED);
  la_syn syn = asked(d);
  for (unsigned i = 0; i < 4; i++) {
    dlg_advance(d, LA_SEC << i);
    inject(d, SYN, 0, 0, 0);
    expect_nothing(d);
    expect_no_event(d);
  }
  assert_int_equal(la_admit(d->s, syn, d->now), LA_OK);
  expect_at(d, d->now, SYN | ACK, 0, 1, 0);
  dlg_advance(d, LA_SEC);
  expect_at(d, d->now, SYN | ACK, 0, 1, 0); /* its clock starts now */
  assert_int_equal(la_admit(d->s, syn, d->now), LA_EBADF);
  assert_int_equal(la_reject(d->s, syn, LA_REJECT_RST, d->now), LA_EBADF);
  inject(d, ACK, 1, 1, 10);
  expect_event(d, LA_EVENT_ACCEPT);
  assert_int_equal(dlg_accept(d), LA_OK);
  expect_event(d, LA_EVENT_READABLE);
  dlg_free(d);
}

/* The error quotes the SYN: its addresses, ports and number. */
static void expect_icmp(struct dlg *d, bool six, bool prohibited) {
  la_frame f;
  uint8_t b[200];
  assert_int_equal(la_output(d->s, d->link, &f, 1, d->now), 1);
  size_t n = la_frame_copy(&f, b, sizeof b), at = six ? 40 : 20;
  la_frame_done(d->s, &f);
  assert_int_equal(n, 2 * at + 8 + 20);
  assert_int_equal(b[at], six ? 1 : 3);
  assert_int_equal(b[at + 1], prohibited ? (six ? 1 : 13) : (six ? 3 : 1));
  const uint8_t *tcp = b + 2 * at + 8;
  assert_int_equal(tcp[0] << 8 | tcp[1], d->f.rport);
  assert_int_equal(tcp[2] << 8 | tcp[3], d->f.lport);
  assert_int_equal((uint32_t)tcp[4] << 24 | tcp[5] << 16 | tcp[6] << 8 | tcp[7], d->f.iss);
  assert_int_equal(tcp[13], SYN);
}

/* Each way to say no, and the pair is free at once. */
static void rejected(void **state) {
  bool six = *state != NULL;
  for (enum la_reject_how how = LA_REJECT_RST; how <= LA_REJECT_SILENT; how++) {
    struct dlg *d = asking(six, NULL);
    inject(d, SYN, 0, 0, 0);
    la_syn syn = asked(d);
    assert_int_equal(la_reject(d->s, syn, how, d->now), LA_OK);
    if (how == LA_REJECT_RST)
      expect_rst_ack(d, 1);
    if (how == LA_REJECT_UNREACHABLE || how == LA_REJECT_PROHIBITED)
      expect_icmp(d, six, how == LA_REJECT_PROHIBITED);
    expect_nothing(d);
    expect_state(d, LA_LISTEN);
    assert_int_equal(la_reject(d->s, syn, how, d->now), LA_EBADF);
    inject(d, SYN, 0, 0, 0); /* again: asked anew */
    assert_int_equal(la_admit(d->s, asked(d), d->now), LA_OK);
    expect(d, SYN | ACK, 0, 1, 0);
    dlg_free(d);
  }
  struct dlg *d = asking(six, NULL);
  inject(d, SYN, 0, 0, 0);
  assert_int_equal(la_reject(d->s, asked(d), LA_REJECT_SILENT + 1, d->now), LA_EINVAL);
  dlg_free(d);
}

/* A connecting stack takes the rejection for what it is: both ends are ours, the network is this loop. */
static int told(enum la_reject_how how, bool six) {
  struct dlg *a = dlg_new(NULL), *b = dlg_new_peer(NULL);
  if (six) {
    dlg_use6(a);
    dlg_use6(b);
  }
  la_listen_opts o = {.port = 80, .backlog = 1, .admit = true};
  la_conn c;
  la_event e = {0};
  la_frame f[4];
  uint8_t bytes[1500];
  assert_int_equal(la_listen(b->s, &o, &b->listener), LA_OK);
  la_connect_opts to = {.remote = a->f.peer, .remote_port = 80};
  assert_int_equal(la_connect(a->s, &to, &c, a->now), LA_OK);
  for (unsigned turn = 0; turn < 4; turn++) {
    la_stack *from = turn & 1 ? b->s : a->s, *into = turn & 1 ? a->s : b->s;
    for (size_t n; (n = la_output(from, 1, f, 4, a->now)) > 0;)
      for (size_t i = 0; i < n; i++) {
        la_frame in = {.data = bytes, .len = (uint32_t)la_frame_copy(&f[i], bytes, sizeof bytes)};
        la_frame_done(from, &f[i]);
        assert_int_equal(la_input(into, 1, &in, 1, a->now), 1);
      }
    la_event ev;
    while (la_events(b->s, &ev, 1))
      if (ev.type == LA_EVENT_SYN)
        assert_int_equal(la_reject(b->s, ev.syn, how, a->now), LA_OK);
  }
  la_info_rec info;
  int err = la_info(a->s, c, &info) == LA_OK ? info.soft_err : LA_EBADF;
  while (la_events(a->s, &e, 1))
    if (e.type == LA_EVENT_END)
      err = e.end.err;
  dlg_free(a);
  dlg_free(b);
  return err;
}

static void what_the_client_hears(void **state) {
  bool six = *state != NULL;
  assert_int_equal(told(LA_REJECT_RST, six), LA_ECONNREFUSED);
  assert_int_equal(told(LA_REJECT_UNREACHABLE, six), LA_EHOSTUNREACH);
  assert_int_equal(told(LA_REJECT_PROHIBITED, six), LA_EHOSTUNREACH);
  assert_int_equal(told(LA_REJECT_SILENT, six), LA_OK);
}

/* Not decided: forgotten after 63 s, before or after the event was taken. The handle is stale then. */
static void forgotten(void **state) {
  (void)state;
  for (unsigned taken = 0; taken < 2; taken++) {
    struct dlg *d = asking(false, NULL);
    d->hold_events = !taken;
    inject(d, SYN, 0, 0, 0);
    la_syn syn = {0};
    if (taken)
      syn = asked(d);
    dlg_advance(d, 63 * LA_SEC - 1);
    expect_state(d, LA_SYN_RECEIVED);
    dlg_advance(d, 1);
    expect_state(d, LA_LISTEN);
    expect_nothing(d);
    d->hold_events = false;
    expect_no_event(d);
    assert_int_equal(la_admit(d->s, syn, d->now), LA_EBADF);
    dlg_free(d);
  }
}

/* While it waits: a RST with the right number ends it, nothing else does; an ACK cannot be right. */
static void segments_meanwhile(void **state) {
  (void)state;
  struct dlg *d = asking(false, NULL);
  inject(d, SYN, 0, 0, 0);
  la_syn syn = asked(d);
  inject(d, RST, 2, 0, 0);
  inject(d, RST, 0, 0, 0);
  inject(d, SYN, 7, 0, 0);
  inject(d, 0, 1, 0, 5);
  expect_nothing(d);
  inject(d, ACK, 1, 77, 0);
  expect(d, RST, 77, 0, 0);
  inject(d, SYN | ACK, 0, 78, 0);
  expect(d, RST, 78, 0, 0);
  expect_state(d, LA_SYN_RECEIVED);
  inject(d, RST, 1, 0, 0);
  expect_state(d, LA_LISTEN);
  assert_int_equal(la_admit(d->s, syn, d->now), LA_EBADF);
  inject(d, SYN, 9, 0, 0);
  syn = asked(d);
  assert_int_equal(la_listener_close(d->s, d->listener, d->now), LA_OK);
  assert_int_equal(la_admit(d->s, syn, d->now), LA_EBADF);
  la_syn none = {0};
  assert_int_equal(la_admit(d->s, none, d->now), LA_EBADF);
  la_syn wild = {UINT32_MAX, UINT32_MAX};
  assert_int_equal(la_admit(d->s, wild, d->now), LA_EBADF);
  dlg_free(d);
}

static void two(la_config *c) { c->max_half_open = 2; }

/* The record asked about was evicted, its slot taken by another's: the old handle is stale. No cookies here: they would decide. */
static void evicted(void **state) {
  (void)state;
  struct dlg *d = asking(false, two);
  la_syn syn[50];
  unsigned live = 0;
  for (unsigned i = 0; i < 50; i++) {
    dlg_other(d, (uint16_t)(3000 + i));
    inject(d, SYN, i, 0, 0);
    syn[i] = asked(d);
  }
  assert_int_equal(dlg_stats(d).syncookies_sent, 0);
  assert_int_equal(dlg_stats(d).half_open_evicted, 48);
  for (unsigned i = 0; i < 50; i++)
    live += la_admit(d->s, syn[i], d->now) == LA_OK;
  assert_int_equal(live, 2);
  dlg_pump(d);
  assert_int_equal(d->nout, 2);
  dlg_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(admitted),
    {"admitted over IPv6", admitted, 0, 0, &(int){6}},
    cmocka_unit_test(rejected),
    {"rejected over IPv6", rejected, 0, 0, &(int){6}},
    cmocka_unit_test(what_the_client_hears),
    {"what_the_client_hears over IPv6", what_the_client_hears, 0, 0, &(int){6}},
    cmocka_unit_test(forgotten),
    cmocka_unit_test(segments_meanwhile),
    cmocka_unit_test(evicted),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
